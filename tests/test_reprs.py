"""What is printed of the objects that a user holds: what state they are in, and no secret."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from huggingchat_agent import Answer, HuggingChat, Timing, sync
from huggingchat_agent.chat.conversation import Conversation
from huggingchat_agent.chat.reply import Reply
from huggingchat_agent.errors import StreamBroken
from huggingchat_agent.sync.thread import LoopThread
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
