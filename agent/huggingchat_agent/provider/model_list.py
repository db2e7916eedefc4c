"""The models of an app, fetched in the background."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from huggingchat_agent.provider.background import BrowserRequest, background

if TYPE_CHECKING:
    from concurrent.futures import Future

    from huggingchat_agent.provider.background import BrowserOwner
    from huggingchat_agent.wire.models import Model


class ModelLists:
    """The lists of models, by the options of the browser that fetches them.

    Callers that wait for the same list share one request. A failure is not kept.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking: dict[str, Future[list[Model]]] = {}

    def fetch(self, options: dict[str, Any], *, refresh: bool = False) -> Future[list[Model]]:
        """The list, or the request for it that is under way."""
        key = repr(sorted(options.items(), key=lambda item: item[0]))
        with self._lock:
            known = self._asking.get(key)
            failed = known is not None and known.done() and (known.cancelled() or known.exception())
            if known is None or failed or (refresh and known.done()):
                # Every account sees the same list.
                wanted = BrowserRequest(options, identity=None)

                async def read(owner: BrowserOwner) -> list[Model]:
                    async with owner.use(wanted) as opened:
                        return list(await opened.chat.models(refresh=refresh))

                known = self._asking[key] = background.submit(read)
            return known


model_lists = ModelLists()
