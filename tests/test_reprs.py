"""The repr of the objects that a user holds: their state, and no secret."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from huggingchat_agent import Answer, HuggingChat, Journal, Timing, replay, sync
from huggingchat_agent.chat.conversation import Conversation
from huggingchat_agent.chat.elicitation import Elicitation
from huggingchat_agent.chat.reply import Reply
from huggingchat_agent.errors import StreamBroken
from huggingchat_agent.question import Question
from huggingchat_agent.sync.thread import LoopThread
from tests.playback.test_released import TAPES
from tests.scripted import Scripted

SETTINGS: Any = {"base_url": "https://chat.example.org", "username": "ada", "password": "correct horse"}
IDS: Any = {"conversation_id": "c", "user_message_id": "u", "message_id": "m"}
ANSWER = Answer(text="Blue. " * 20, timing=Timing(sent=0.0), finish_reason="interrupted", **IDS)


@pytest.mark.parametrize("kind", [HuggingChat, sync.HuggingChat])
def test_chat_says_where_it_is_and_whether_it_is_open(kind):
    assert repr(kind(**SETTINGS)) == "<HuggingChat at https://chat.example.org: not open yet>"


async def test_closed_chat_says_so():
    chat = HuggingChat(**SETTINGS)
    await chat.close()
    assert repr(chat) == "<HuggingChat at https://chat.example.org: closed>"


def test_conversation_says_what_can_be_done_with_it():
    conversation = Conversation(HuggingChat(**SETTINGS), "c", model="org/llama")
    assert repr(conversation) == "<Conversation c with org/llama: ready>"
    conversation.deleted = True
    assert repr(conversation) == "<Conversation c with org/llama: deleted>"


async def test_replay_says_whether_it_was_played():
    tape = TAPES / "v1-conversation.tape"
    played = replay(tape, speed=0)
    seen = {repr(played), repr(sync.replay(tape))}
    assert seen == {f"<Replay of {str(tape)!r}: not played yet>"}
    async for _ in played:
        seen.add(repr(played))
    assert f"<Replay of {str(tape)!r}: playing>" in seen
    assert repr(played) == f"<Replay of {str(tape)!r}: played>"


def test_journal_says_whether_it_is_open(tmp_path):
    journal = Journal(tmp_path / "j")
    assert repr(journal) == f"<Journal {str(tmp_path / 'j')!r}: not open>"
    with journal:
        assert repr(journal) == f"<Journal {str(tmp_path / 'j')!r}: open, 0 done>"


def test_question_of_a_tool_says_who_asks_what():
    question = Question(elicitation_id="i", server="Mock", message="Your name?", mode="form", fields=[])
    conversation = Conversation(HuggingChat(**SETTINGS), "c")
    assert repr(Elicitation(conversation, question)) == "<Elicitation of 'Mock': 'Your name?'>"


def test_answer_is_shortened():
    assert repr(ANSWER) == f"<Answer '{ANSWER.text[:60]}...': interrupted, 120 characters>"


async def test_reply_says_how_far_it_is():
    go = asyncio.Event()

    async def sender(reply):
        await go.wait()
        raise StreamBroken("It broke.")

    reply = Reply("c", Scripted(sender), number=lambda: 1)
    assert repr(reply) == "<Reply in c: not sent yet>"
    go.set()
    with pytest.raises(StreamBroken):
        await reply
    assert repr(reply) == "<Reply in c: failed, StreamBroken>"


def test_reply_without_async_says_how_to_wait_for_it():
    go = asyncio.Event()

    async def sender(reply):
        await go.wait()
        return SimpleNamespace(answer=ANSWER)

    async def make():
        return sync.Reply(Reply("c", Scripted(sender), number=lambda: 1), thread)

    thread = LoopThread("reply")
    try:
        reply = thread.run(make())
        assert repr(reply) == "<Reply in c: not sent yet; result() waits for the answer>"
        thread.call_soon(go.set)
        reply.result()
        assert repr(reply) == "<Reply in c: interrupted, 120 characters>"
    finally:
        thread.stop()
