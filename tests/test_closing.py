"""The end of a chat, and the event loop it belongs to. No browser is needed: a tape answers."""

import asyncio
from pathlib import Path

import pytest

from huggingchat_agent import HuggingChat, events
from huggingchat_agent.chat import closing
from huggingchat_agent.errors import UsageError
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape

TAPE = Path(__file__).parents[1] / "fixtures" / "tapes" / "v1-conversation.tape"
TOKEN = events.Token(conversation_id="c", turn=1, seq=1, at=0.0, text="a", length=1)


@pytest.fixture
def chat(tmp_path):
    return HuggingChat(replay=TAPE, home=tmp_path)


async def test_second_close_returns_when_the_first_is_done(chat):
    await chat.open()
    first = asyncio.create_task(chat.close())
    await asyncio.sleep(0)
    await chat.close()
    assert first.done() and chat._session.browser is None


async def test_close_goes_on_when_who_called_it_is_cancelled(chat):
    await chat.open()
    first = asyncio.create_task(chat.close())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()
    await chat.close()
    assert chat._session.browser is None


async def test_close_names_a_handler_that_does_not_return_and_leaves_it(chat, caplog, monkeypatch):
    monkeypatch.setattr(closing, "HANDLER_PATIENCE", 0.05)
    await chat.open()
    never = asyncio.Event()

    @chat.on("token")
    async def stuck(event):
        await never.wait()

    chat.emit(TOKEN)
    waiting = asyncio.create_task(chat._drain_handlers())  # as an awaited reply does
    await asyncio.wait_for(chat.close(), 20)
    await asyncio.wait_for(waiting, 20)
    assert "stuck" in caplog.text
    never.set()


async def test_tape_has_its_end_while_a_handler_does_not_return(tmp_path, monkeypatch):
    chat = HuggingChat(record=tmp_path / "a.tape", home=tmp_path)
    recorder = chat._recorder
    assert recorder is not None
    never, called, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    end = recorder.close

    @chat.on("token")
    async def stuck(event):
        called.set()
        await never.wait()

    async def close():
        await end()
        ended.set()

    monkeypatch.setattr(recorder, "close", close)
    recorder.begin()
    chat.emit(TOKEN)
    await called.wait()
    closed = asyncio.create_task(chat.close())
    await asyncio.wait_for(ended.wait(), 20)
    assert not closed.done()
    recording = Tape(tmp_path / "a.tape").load()
    assert recording.complete and any(isinstance(each, tapes.Event) for each in recording.records)
    never.set()
    await closed


def test_another_event_loop_is_a_usage_error_that_says_so(chat):
    with asyncio.Runner() as first:
        first.run(chat.open())
        conversation = chat.conversation("6" * 24)

        async def send():
            await conversation.send("hello")

        for use in (chat.models, chat.login, chat.close, conversation.read, conversation.delete, send):
            with asyncio.Runner() as second, pytest.raises(UsageError, match="event loop it was opened in"):
                second.run(use())
        first.run(chat.close())
    asyncio.run(chat.close())  # there is nothing left to do
