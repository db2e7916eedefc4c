"""Answers a tool's question, without async."""

from __future__ import annotations

from typing import TYPE_CHECKING

from huggingchat_agent.sync.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from huggingchat_agent.chat import reply as asynchronous
    from huggingchat_agent.chat.elicitation import Elicitation as AsyncElicitation
    from huggingchat_agent.question import Question
    from huggingchat_agent.sync.thread import LoopThread
    from huggingchat_agent.wire.elicitations import Value


class Elicitation:
    """A question of a tool, from `conversation.elicitation(event)` or `conversation.elicitations()`.

    A run that waits continues in the same stream once it is answered; the methods then return None. A run
    that parked has ended its stream: answering starts the rest as a new Reply, which is written into the
    same message.
    """

    def __init__(self, inner: AsyncElicitation, thread: LoopThread) -> None:
        """Made in the loop."""
        self._inner = inner
        self._thread = thread

    def __repr__(self) -> str:
        return repr(self._inner)

    @property
    def question(self) -> Question:
        """What is asked."""
        return self._inner.question

    def answer(self, content: Mapping[str, Value] | None = None) -> Reply | None:
        """Answer the fields by name. A visit to an address (mode "url") takes no fields.

        A field that you leave out gets its default, if it has one. Raises UsageError for values that do not
        fit, before anything is sent; ChatError if the question was answered before or has expired.
        """
        return self._settle(lambda: self._inner.answer(content))

    def decline(self) -> Reply | None:
        """Refuse to answer. The app tells the tool. Raises ChatError as `answer` does."""
        return self._settle(self._inner.decline)

    def dismiss(self) -> Reply | None:
        """Close the question undecided. The app tells the tool. Raises ChatError as `answer` does."""
        return self._settle(self._inner.dismiss)

    def _settle(self, settle: Callable[[], Coroutine[Any, Any, asynchronous.Reply | None]]) -> Reply | None:
        async def run() -> Reply | None:
            reply = await settle()
            return None if reply is None else Reply(reply, self._thread)

        return self._thread.run(run())
