"""A reply at its edges: when it is over, and that nothing is sent after a stop."""

import asyncio
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest

from huggingchat_agent import events, sync
from huggingchat_agent.chat.draft import Draft
from huggingchat_agent.chat.reply import Reply
from huggingchat_agent.chat.sending import Sending
from huggingchat_agent.errors import SessionRejected, StreamBroken
from huggingchat_agent.session.sign_in_again import SignInAgain
from huggingchat_agent.setting_values import NO_DEADLINES
from huggingchat_agent.sync.thread import LoopThread
from tests.scripted import Scripted

COMMON: Any = {"conversation_id": "c", "turn": 1}
FINISHED = events.Finished(**COMMON, seq=9, at=0.0)
FAILED = events.Failed(**COMMON, seq=9, at=0.0, error="StreamBroken", message="It broke.")


def reply_of(send):
    return Reply("c", Scripted(send), number=lambda: 1)


async def test_iterating_ends_when_the_next_message_can_be_sent():
    async def sender(reply):
        reply.emit(FINISHED)
        for _ in range(5):  # a tab is given back, a connection too
            await asyncio.sleep(0)
        return SimpleNamespace(answer="an answer")

    free: list[bool] = []
    reply = reply_of(sender)
    reply._call_when_done(lambda: free.append(True))
    assert [event async for event in reply] == [FINISHED]
    assert free


def test_iterating_without_async_ends_when_the_next_message_can_be_sent():
    go = asyncio.Event()

    async def sender(reply):
        await go.wait()
        reply.emit(FINISHED)
        await asyncio.sleep(0.1)  # as long as it takes to give a tab back
        return SimpleNamespace(answer="an answer")

    async def make():
        return sync.Reply(reply_of(sender), thread)

    thread = LoopThread("reply")
    try:
        reply, inner = thread.run(make()), []
        reply.on("finished", lambda event: inner.extend(reply))  # in a handler, which is handed nothing else
        thread.call_soon(go.set)
        assert list(reply) == inner == [FINISHED]
        assert reply.done
    finally:
        thread.stop()


async def test_iterating_does_not_wait_for_handlers_as_the_answer_does():
    async def sender(reply):
        reply.emit(FINISHED)
        return SimpleNamespace(answer="an answer")

    go = asyncio.Event()

    async def handler(event):
        await go.wait()

    reply = reply_of(sender)
    reply.on("finished", handler)
    assert [event async for event in reply] == [FINISHED]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reply, 0.05)
    go.set()
    assert await reply == "an answer"


async def test_failure_that_the_turn_reported_is_not_reported_again():
    async def sender(reply):
        reply.emit(FAILED)
        raise StreamBroken("It broke.")

    reply = reply_of(sender)
    with pytest.raises(StreamBroken):
        await reply
    assert reply.events == [FAILED]


class Turn:
    """One that the app ends with an error as soon as it is stopped."""

    def __init__(self, *, refused):
        self.answer, self.error, self.refused = None, SessionRejected("It is lost."), refused
        self.done = asyncio.Event()

    async def stop(self):
        self.done.set()


class Attempts(Sending):
    """Each attempt to send makes the next one of these turns."""

    def __init__(self, recovery, turns):
        settings = SimpleNamespace(step_timeout=1.0, deadlines=NO_DEADLINES)
        session = SimpleNamespace(recovery=recovery, epoch=1, recycler=None, use=contextlib.nullcontext)
        chat: Any = SimpleNamespace(_session=session, _tracker=None, settings=settings)
        super().__init__(chat, "c", Draft(), "page")
        self.turns = turns

    async def _attempt(self):
        turn = self.turn = self.turns.pop(0)
        await turn.done.wait()
        return turn


async def test_message_refused_while_it_is_stopped_is_not_sent_again():
    turns = [Turn(refused=True), Turn(refused=True)]

    async def again(anyway):
        pass

    async def known():
        return False

    recovery = SignInAgain()
    recovery.arm(again, known)
    reply = Reply("c", Attempts(recovery, turns), number=lambda: 1)
    await asyncio.sleep(0)
    assert reply._turn is not None
    await reply.stop()
    with pytest.raises(SessionRejected):
        await reply
    assert len(turns) == 1


async def test_stop_does_not_wait_for_the_sign_in_after_a_message_that_the_app_took():
    begun = asyncio.Event()

    async def again(anyway):
        begun.set()
        await asyncio.Event().wait()

    async def known():
        return False

    recovery = SignInAgain()
    turn: Any = Turn(refused=False)
    recovery.arm(again, known)
    reply = Reply("c", Attempts(recovery, [turn]), number=lambda: 1)
    turn.done.set()
    await begun.wait()
    await reply.stop()
    with pytest.raises(SessionRejected, match="It is lost"):
        await reply
    assert reply._turn is turn
