"""Plays a tape in a real browser, without async."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent import huggingchat as asynchronous
from huggingchat_agent import parsing
from huggingchat_agent.playback.stage import open_stage
from huggingchat_agent.sync.chat import HuggingChat
from huggingchat_agent.sync.thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from huggingchat_agent.playback.faults import Fault


class OnTape(HuggingChat):
    """A HuggingChat in a browser that a tape answers."""

    _of = asynchronous.OnTape
    _inner: asynchronous.OnTape

    @property
    def port(self) -> int:
        """The port of loopback that the tape answers from."""
        return self._inner.port

    @property
    def elsewhere(self) -> int:
        """How many requests to other origins were refused."""
        return self._inner.elsewhere


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
        stage = open_stage(parsing.parse_path("path", path), speed=speed, faults=faults, given=given)
        server, settings = thread.run(stage.__aenter__())
        stack.push(lambda *raised: thread.run(stage.__aexit__(*raised)))
        yield stack.enter_context(OnTape(port=server.port, **settings))
