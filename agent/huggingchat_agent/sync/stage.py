"""A tape played in a real browser, without async."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from huggingchat_agent import huggingchat as asynchronous
from huggingchat_agent.playback.stage import staged
from huggingchat_agent.sync.chat import HuggingChat
from huggingchat_agent.sync.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from huggingchat_agent.playback.faults import Fault


class OnTape(HuggingChat):
    """A HuggingChat whose app is a tape."""

    _of = asynchronous.OnTape
    port = 0

    @property
    def elsewhere(self) -> int:
        """How many requests went to other origins, and were refused."""
        return cast("asynchronous.OnTape", self.inner).elsewhere


@contextlib.contextmanager
def on_tape(
    path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = (), **given: Any
) -> Iterator[OnTape]:
    """An open HuggingChat in a browser that is answered from a full tape; closed at the end of the block.

    Takes and raises what `huggingchat_agent.on_tape` does.
    """
    with contextlib.ExitStack() as stack:
        thread = LoopThread("huggingchat tape")
        stack.callback(thread.stop)
        staging = staged(Path(path), speed=speed, faults=faults, given=given)
        server, settings = thread.run(staging.__aenter__())
        stack.push(lambda *raised: thread.run(staging.__aexit__(*raised)))
        chat = OnTape(**settings)
        chat.port = server.port
        stack.enter_context(chat)
        yield chat
