"""Programs of users under `mypy --strict`: those of the README, and the types that it promises."""

import re
import subprocess
import sys

import pytest

from tests.docs.blocks import ROOT

ASYNC = """
import asyncio

from huggingchat_agent import HuggingChat, events


async def main() -> None:
    async with HuggingChat() as chat:
        await chat.login()
        chat.on("token", lambda event: print(event.text, end="", flush=True))
        conversation = await chat.new_conversation(system_prompt="Be brief.")
        answer = await conversation.send("Why is the sky blue?")
        print(answer.message_id, answer.finish_reason)
        async with conversation.send("Tell me more") as reply:
            async for event in reply:
                if event.name == "token":
                    print(event.text, end="", flush=True)
                elif event.name == "failed":
                    print(event.partial)
            print([token.text for token in reply.events.of_type(events.Token)])
        for file in (await reply).files:
            await file.save(".")

        @conversation.on("elicitation")
        async def answer_tool(event: events.ElicitationRequested) -> None:
            await conversation.elicitation(event).answer({"name": "Ada"})

        @chat.on("token")
        @chat.once("reasoning")
        def either(event: events.Token | events.Reasoning) -> None:
            print(event.text)

        def any_event(event: events.Event) -> None:
            print(event.name)

        for name in events.NAMES:
            chat.on(name, any_event)


asyncio.run(main())
"""

SYNC = """
from huggingchat_agent import events
from huggingchat_agent.sync import HuggingChat, replay

with HuggingChat() as chat:
    chat.login()
    conversation = chat.new_conversation()
    print(conversation.send("hello").result().text)
    conversation.once("finished", lambda event: print(event.turn))
    for event in conversation.send("and once more"):
        if event.name == "token":
            print(event.text, end="", flush=True)
        elif event.name == "tool_call":
            print(event.tool)

    @conversation.on("handler_failed")
    def report(event: events.HandlerFailed) -> None:
        print(event.error)

for each in replay("run.tape"):
    if each.name == "queued":
        print(each.reason)
"""

PYTEST = """
from huggingchat_agent import Conversation, HuggingChat, sync


async def test_greeting(conversation: Conversation, huggingchat: HuggingChat) -> None:
    texts: list[str] = []
    huggingchat.on("token", lambda event: texts.append(event.text))
    answer = await conversation.send("Say hello.")
    assert "hello" in answer.text.lower()


def test_without_asyncio(huggingchat_sync: sync.HuggingChat) -> None:
    reply = huggingchat_sync.new_conversation().send("Say hello.")
    lengths = [event.length for event in reply if event.name == "token"]
    assert lengths[-1] == len(reply.result().text)
"""

WRONG = """
from huggingchat_agent import HuggingChat, events, sync


def on_token(event: events.Token) -> None: ...


chat = HuggingChat()
chat.on("finished", on_token)  # no
chat.on("token", lambda event: event.tool)  # no
chat.once("answer", on_token)  # no
sync.HuggingChat().on("title", lambda event: event.text)  # no


@chat.on("reasoning")  # no
def reason(event: events.Token) -> None: ...


async def main() -> None:
    async for event in (await chat.new_conversation()).send("hi"):
        print(event.text)  # no
        if event.name == "token":
            print(event.tool)  # no
        if event.name == "tokens":  # no
            pass
"""


PROGRAMS = {"async": ASYNC, "sync": SYNC, "pytest": PYTEST, "wrong": WRONG}


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """The lines of each program in which mypy finds an error. One run checks all, with a cache of its own."""
    folder = tmp_path_factory.mktemp("programs")
    for name, program in PROGRAMS.items():
        (folder / f"{name}_program.py").write_text(program)
    cache = str(ROOT / ".mypy_cache" / "users")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", cache, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^(\w+)_program.py:(\d+): error: (.*)", done.stdout, re.MULTILINE)
    return {name: {int(line): text for file, line, text in found if file == name} for name in PROGRAMS}


@pytest.mark.parametrize("name", ["async", "sync", "pytest"])
def test_a_program_as_in_the_readme_passes(name, errors):
    assert errors[name] == {}


def test_a_wrong_handler_or_field_is_an_error_where_it_stands(errors):
    lines = enumerate(WRONG.splitlines(), 1)
    assert errors["wrong"].keys() == {number for number, line in lines if line.endswith("# no")}
