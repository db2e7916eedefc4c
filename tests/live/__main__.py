"""Walk through a chat-ui that runs somewhere and print what was seen, as the rows of a table.

    python -m tests.live BASE_URL [--engine NAME] [--model MODEL] [--seen URL] [--sign-in URL [--code CODE]]
        [--login-origin ORIGIN] [--sessions-only]

The account comes from HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD. Everything is done in temporary
conversations, which are deleted at the end. Some prompts mean something to the scripted model that a
test deployment has behind it ("fail 500", "reason ..."); a real model just answers them, and the row
says so. With `--seen` that model is asked what reached it. With `--sign-in` the ways of signing in come
first, each with a browser that nobody knows: the identity provider is told what to ask for by JSON posted
there (`two_factor`, `challenge`, `consent`: true or false), and `--code` is the one-time code it then wants.
Give `--login-origin` where the identity provider is on another origin than the app. A browser as a person has
one is started too, to be connected to and to have its session taken. `--sessions-only` leaves out the rest.
Exits with 1 if a check failed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import ChatError
from tests.live import own_account
from tests.live.account import walk_account
from tests.live.features import walk_features
from tests.live.own_browser import OwnBrowser
from tests.live.provider import Provider
from tests.live.signin import SignIns
from tests.live.tools import Tools
from tests.live.turns import Turns
from tests.live.walk import Walk

if TYPE_CHECKING:
    from huggingchat_agent import Conversation
    from huggingchat_agent.choices import Via


async def turn(conversation: Conversation, prompt: str, via: Via) -> str:
    """One turn, checked against the stored conversation."""
    kinds: list[str] = []
    tokens: list[str] = []
    reply = conversation.send(prompt, via=via)
    async for event in reply:
        kinds.append(event.name)
        if event.name == "token":
            tokens.append(event.text)
    answer = await reply
    read = await conversation.read()
    stored = read.message(answer.message_id)
    assert stored is not None, "the answer is not stored"
    assert "".join(tokens) == answer.text, "the joined tokens are not the answer"
    assert stored.content == answer.content, "the stored message is not the answer"
    parent = read.parent(stored)
    assert parent is not None and parent.id == answer.user_message_id, "the ids do not fit"
    assert parent.content == prompt, "the prompt was stored otherwise"
    assert not read.forks(), "the conversation has a fork"
    shape = " ".join(kind for kind, _ in itertools.groupby(kinds))
    first = (answer.timing.first_token or 0) - answer.timing.sent
    reasoning = f", {len(answer.reasoning)} characters of reasoning" if answer.reasoning else ""
    return (
        f"{len(tokens)} tokens, {len(answer.text)} characters{reasoning}, first after {first:.2f} s; {shape}"
    )


async def failing(conversation: Conversation, via: Via) -> str:
    try:
        answer = await conversation.send("fail 500", via=via)
    except ChatError as error:
        return f"{type(error).__name__}: {error}"
    return f"no failure: the model answered {answer.text[:40]!r}"


async def walk(arguments: argparse.Namespace, console: Console) -> int:
    steps = Walk(console)
    with tempfile.TemporaryDirectory() as home:
        if arguments.sign_in:
            folder = Path(home) / "sign-ins"
            given = arguments.base_url, arguments.engine, arguments.sign_in, arguments.code, folder
            await SignIns(*given).walk(steps)
        await OwnBrowser(arguments.base_url, arguments.engine, Path(home) / "own").walk(steps)
        if arguments.sessions_only:
            console.print(steps.table)
            return 1 if steps.failed else 0
        async with HuggingChat(base_url=arguments.base_url, engine=arguments.engine, home=home) as chat:

            async def login() -> str:
                account = await chat.login()
                return f"{account.username or 'anonymous'}, until {account.expires}"

            async def models() -> str:
                found = await chat.models()
                return f"{len(found)} models from {found.source}: {', '.join(m.id for m in found[:5])}"

            await steps.check("login", login)
            await steps.check("models", models)
            vias: tuple[Via, ...] = ("page", "ui")
            for via in vias:
                talk = await chat.new_conversation(arguments.model, system_prompt="Be brief.", temporary=True)
                for number, prompt in enumerate(
                    ("hello", "and again", "unicode: 日本語 👩‍👩‍👧‍👦 é\u0301 “q”"), 1
                ):
                    await steps.check(f"turn {number} by {via}", partial(turn, talk, prompt, via))
                talk = await chat.new_conversation(arguments.model, temporary=True)
                await steps.check(f"reasoning by {via}", partial(turn, talk, "reason about two and two", via))
                talk = await chat.new_conversation(arguments.model, temporary=True)
                await steps.check(f"upstream failure by {via}", partial(failing, talk, via))

            async def in_turn() -> str:
                talk = await chat.new_conversation(arguments.model, temporary=True)
                for via in ("ui", "page", "ui", "page"):
                    await turn(talk, f"this one by {via}", via)
                return "four turns, ui and page in turn, no fork"

            await steps.check("ui and page in turn", in_turn)
            await Turns(chat, arguments.model, arguments.seen).walk(steps)
            await Tools(chat, arguments.model, arguments.seen).walk(steps)
            await walk_features(chat, steps, arguments.model)
            await walk_account(chat, steps, arguments.model)
            await Provider(chat, Path(home) / "provider", arguments.model).walk(steps)
    console.print(steps.table)
    return 1 if steps.failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/live", description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("--engine", default=None)
    parser.add_argument("--model", default=None)
    parser.add_argument("--seen", default=None, metavar="URL", help="where the model tells what it was given")
    parser.add_argument("--sign-in", metavar="URL", help="where the sign-in is told what to ask for")
    parser.add_argument("--code", default="123456", help="the one-time code it then wants")
    parser.add_argument("--sessions-only", action="store_true", help="sign-ins and browsers")
    own_account.add_option(parser)
    arguments = parser.parse_args()
    own_account.use_for(arguments.base_url, arguments.login_origin)
    return asyncio.run(walk(arguments, Console(width=160)))


if __name__ == "__main__":
    sys.exit(main())
