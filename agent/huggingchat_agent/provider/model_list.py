"""The models of an app, asked for in the background."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from huggingchat_agent.provider.background import Wanted, background

if TYPE_CHECKING:
    from concurrent.futures import Future

    from huggingchat_agent.provider.background import House
    from huggingchat_agent.wire.models import Model

log = logging.getLogger("huggingchat_agent")


class Catalogue:
    """The lists of models, by the options of the browser that asked for them.

    However many callers wait for a list, it is asked for once; a failure is not remembered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: dict[str, Future[list[Model]]] = {}

    def ask(self, options: dict[str, Any], *, refresh: bool = False) -> Future[list[Model]]:
        """The list, or the asking for it that is under way."""
        key = repr(sorted(options.items(), key=lambda item: item[0]))
        with self._lock:
            known = self._asking.get(key)
            failed = known is not None and known.done() and (known.cancelled() or known.exception())
            if known is None or failed or (refresh and known.done()):
                # Whoever is signed in: everybody is told the same list.
                wanted = Wanted(options, identity=None)

                async def read(house: House) -> list[Model]:
                    async with house.opened(wanted) as opened:
                        return list(await opened.chat.models(refresh=refresh))

                known = self._asking[key] = background.submit(read)
            return known


catalogue = Catalogue()
