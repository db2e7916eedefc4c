"""What people mix up between the two APIs: each mistake is answered by its own sentence."""

import asyncio
import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import huggingchat_agent
from huggingchat_agent import HuggingChat, sync
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import AgentError, UsageError

TAPE = Path(__file__).parents[1] / "fixtures" / "tapes" / "v1-conversation.tape"
PROMPT = "hello there"


@pytest.mark.parametrize("name", ["HuggingChat", "Conversation", "Reply", "Attached"])
async def test_with_and_async_with_each_name_the_other(name):
    mine, other = (object.__new__(getattr(each, name)) for each in (huggingchat_agent, sync))
    with pytest.raises(
        UsageError, match=f"Use `async with`, not `with`: this {name} is of the API with asyncio"
    ):
        with mine:
            raise AssertionError
    with pytest.raises(
        UsageError, match=f"Use `with`, not `async with`: this {name} is of huggingchat_agent.sync"
    ):
        async with other:
            raise AssertionError


@pytest.mark.parametrize("name", ["Reply", "Replay"])
async def test_for_and_async_for_each_name_the_other(name):
    mine, other = (object.__new__(getattr(each, name)) for each in (huggingchat_agent, sync))
    with pytest.raises(UsageError, match=f"Use `async for`, not `for`: this {name}"):
        list(mine)
    with pytest.raises(UsageError, match=f"Use `for`, not `async for`: this {name}"):
        [each async for each in other]


async def test_list_of_conversations_is_read_by_async_for_alone():
    async with HuggingChat(replay=TAPE) as chat:
        with pytest.raises(UsageError, match="Use `async for`, not `for`"):
            list(chat.conversations())  # type: ignore[call-overload]
        with pytest.raises(UsageError, match="Use `async for`, not `await`"):
            await chat.conversations()  # type: ignore[misc]
        with pytest.raises(
            UsageError, match=r"no option 'timeout' for a message: give HuggingChat deadlines="
        ):
            chat.conversation("66b0c0ffee66b0c0ffee66b0").send("x", timeout=5)


@pytest.mark.parametrize("timeout", [-1, "5", float("nan")])
def test_wrong_timeout_of_a_result_is_refused(timeout):
    with pytest.raises(UsageError, match="timeout must be a number of seconds"):
        object.__new__(sync.Reply).result(timeout=timeout)


async def test_a_sync_reply_is_not_awaited():
    with pytest.raises(UsageError, match=r"Call `result\(\)` and do not await: .* is on the way already"):
        await object.__new__(sync.Reply)  # type: ignore[misc]


async def test_result_of_an_async_reply_names_await():
    reply = object.__new__(huggingchat_agent.Reply)
    with pytest.raises(AttributeError, match=r"Use `await`, not `result\(\)`: this Reply .* is on the way"):
        reply.result()  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="'Reply' object has no attribute 'txt'"):
        _ = reply.txt  # type: ignore[attr-defined]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("send", {"prompt": 5}, "The prompt must be text, not 5"),
    ("send", {"prompt": "x", "files": 5}, "`files` is a list, not 5"),
    ("send", {"prompt": "x", "files": "notes.md"}, "`files` is a list, also for a single file"),
    ("send", {"prompt": "x", "files": [("notes.md",)]}, r"A file given as a tuple is \(name, bytes\)"),
    ("send", {"prompt": "x", "files": [("notes.md", "text")]}, r"A file given as a tuple is \(name, bytes\)"),
    ("send", {"prompt": "x", "files": [5]}, "Give a file as a path"),
    ("send", {"prompt": "x", "tools": 5}, "`tools` is a list of names and of ToolServer, not 5"),
    ("send", {"prompt": "x", "tools": [5]}, "The name of a tool server must be text, not 5"),
    ("send", {"prompt": "x", "web_search": "no"}, "`web_search` is True or False, not 'no'"),
    ("send", {"prompt": "x", "via": "api"}, "via cannot be 'api'"),
    ("edit", {"user_message_id": "x", "prompt": None}, "The prompt must be text, not None"),
    ("elicitation", {"event": 5}, "Give the event `elicitation` of the question, not 5"),
    ("chat.conversation", {"id_or_url": 5}, "A conversation must be text, not 5"),
    ("chat.import_share", {"id_or_link": 5}, "A share must be text, not 5"),
    ("chat.new_conversation", {"model": ["omni"]}, r"The model must be text, not \['omni'\]"),
    ("chat.new_conversation", {"system_prompt": 5}, "The system prompt must be text, not 5"),
    ("chat.login", {"username": 5}, "username must be text, not 5"),
    ("chat.login", {"otp": 123456}, "otp must be text"),
    ("chat.login", {"cookies": 5}, "cookies must be a path, not 5"),
    ("chat.on", {"name": "token", "handler": 5}, "The handler for 'token' is 5"),
]


async def test_each_wrong_argument_is_answered_by_a_sentence_before_anything_is_sent():
    async with HuggingChat(replay=TAPE) as chat:
        conversation = await chat.new_conversation(system_prompt="Be brief.")
        for place, arguments, sentence in WRONG:
            of_chat, _, name = place.rpartition(".")
            method = getattr(chat if of_chat else conversation, name)
            with pytest.raises(AgentError, match=sentence):
                done = method(**arguments)
                await done
        assert (await conversation.send(PROMPT)).text.startswith(f"You said: {PROMPT}")


def no_event():
    raise AssertionError


def two_events(first, second):
    raise AssertionError


def generate(event):
    yield event


async def generate_async(event):
    yield event


class Generating:
    def __call__(self, event):
        yield event


@pytest.mark.parametrize(
    ("handler", "sentence"),
    [
        (no_event, "cannot be called with the event"),
        (two_events, r"cannot be called with the event \(missing a required argument: 'second'\)"),
        (lambda event, *, extra: None, "cannot be called with the event"),
        (generate, "is a generator"),
        (generate_async, "is a generator"),
        (functools.partial(generate_async), "is a generator"),
        (Generating(), "is a generator"),
        (5, "give a function of one argument"),
    ],
)
def test_handler_that_would_never_run_is_refused_at_once(handler, sentence):
    with pytest.raises(UsageError, match=sentence):
        Emitter().on("token", handler)


@pytest.mark.parametrize(
    "handler", [print, [].append, dict, lambda event, more=1: None, functools.partial(max, 1)]
)
def test_handler_that_can_be_called_with_an_event_is_taken(handler):
    assert Emitter().on("token", handler) is handler


class Page:
    """What `attach` looks at in a page of Playwright."""

    def __init__(self, make):
        self.context = SimpleNamespace(new_cdp_session=make)


async def test_attach_names_the_api_of_the_page():
    async def make_async(page):
        raise AssertionError

    wrong: Any
    for wrong in (5, None, "http://x"):
        with pytest.raises(UsageError, match="Give a Playwright page, not "):
            await huggingchat_agent.attach(wrong)
        with pytest.raises(UsageError, match="Give a Playwright page, not "):
            sync.attach(wrong)
    page: Any = Page(print)
    with pytest.raises(UsageError, match=r"Playwright's sync API. Use `attach` of huggingchat_agent\.sync"):
        await huggingchat_agent.attach(page)
    page = Page(make_async)
    with pytest.raises(UsageError, match=r"Playwright's async API\. Use `attach` of huggingchat_agent for"):
        sync.attach(page)


@pytest.mark.parametrize("wrong", [{"path": 5}, {"speed": "fast"}, {"speed": -1}, {"speed": None}])
def test_wrong_arguments_of_replay_are_answered_by_a_sentence(wrong):
    given: dict[str, Any] = {"path": TAPE} | wrong
    for play in (huggingchat_agent.replay, sync.replay):
        with pytest.raises(AgentError, match=r"must be a path|is a number from 0 up"):
            play(**given)


async def test_a_message_is_sent_once_though_its_reply_is_iterated_wrongly():
    async with HuggingChat(replay=TAPE) as chat:
        conversation = await chat.new_conversation(system_prompt="Be brief.")
        reply = conversation.send(PROMPT)
        with pytest.raises(UsageError, match="do not send it again"):
            for _ in reply:  # type: ignore[attr-defined]
                raise AssertionError
        assert (await reply).text.startswith(f"You said: {PROMPT}")


async def test_sending_from_a_thread_without_a_loop_names_the_ways_to_do_it():
    async with HuggingChat(replay=TAPE) as chat:
        conversation = await chat.new_conversation(system_prompt="Be brief.")
        with pytest.raises(UsageError, match=r"This thread runs no event loop.* huggingchat_agent\.sync"):
            await asyncio.to_thread(conversation.send, PROMPT)
        assert (await conversation.send(PROMPT)).text.startswith(f"You said: {PROMPT}")


def test_handler_may_return_a_reply_of_the_sync_api(tmp_path):
    with sync.HuggingChat(replay=TAPE, home=tmp_path) as chat:
        conversation = chat.new_conversation(system_prompt="Be brief.")
        failed: list[object] = []
        conversation.on("handler_failed", failed.append)
        reply = conversation.send(PROMPT)
        reply.on("token", lambda event: reply)
        assert reply.result().text and not failed
