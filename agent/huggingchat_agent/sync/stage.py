"""Plays a tape in a real browser, without async."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from huggingchat_agent import huggingchat as asynchronous
from huggingchat_agent.playback.stage import open_stage
from huggingchat_agent.sync.chat import HuggingChat
from huggingchat_agent.sync.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from huggingchat_agent.playback.faults import Fault


class OnTape(HuggingChat):
    """A HuggingChat in a browser that a tape answers."""

    _of = asynchronous.OnTape
    port = 0

    @property
    def elsewhere(self) -> int:
        """How many requests to other origins were refused."""
        return cast("asynchronous.OnTape", self._inner).elsewhere


@contextlib.contextmanager
def on_tape(
    path: str | Path, *, speed: float = 1.0, faults: Sequence[Fault] = (), **given: Any
) -> Iterator[OnTape]:
    """An open HuggingChat in a browser that a full tape answers. It is closed at the end of the block.

    Takes and raises what `huggingchat_agent.on_tape` does.
    """
    with contextlib.ExitStack() as stack:
        thread = LoopThread("huggingchat tape")
        stack.callback(thread.stop)
        stage = open_stage(Path(path), speed=speed, faults=faults, given=given)
        server, settings = thread.run(stage.__aenter__())
        stack.push(lambda *raised: thread.run(stage.__aexit__(*raised)))
        chat = OnTape(**settings)
        chat.port = server.port
        stack.enter_context(chat)
        yield chat
