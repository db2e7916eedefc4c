"""Signing in where more than a password is asked for, on an app whose identity provider can be told to.

    python -m tests.live.signin BASE_URL --flags URL [--code CODE]

`--flags` is where the identity provider takes JSON that switches `two_factor`, `challenge` and `consent` on
and off; `--code` is the one-time code that it then wants. The account comes from HUGGINGCHAT_USERNAME and
HUGGINGCHAT_PASSWORD. Each check starts with a browser that nobody knows. Exits with 1 if one failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import (
    ChallengePresented,
    CredentialsRejected,
    SecondFactorRejected,
    SecondFactorRequired,
    SessionRejected,
)
from tests.live.walk import Walk
from tests.raw import Raw


class SignIns:
    """Every sign-in in a browser of its own; what it saved is below `folder`."""

    def __init__(self, base_url: str, flags: str, code: str, folder: Path) -> None:
        self.base_url, self.flags, self.code, self.folder = base_url, flags, code, folder
        self.state: dict[str, Any] = {}

    async def switch(self, **flags: bool) -> None:
        async with aiohttp.ClientSession() as http, http.post(self.flags, json=flags) as answer:
            answer.raise_for_status()

    def chat(self, profile: str, **more: Any) -> HuggingChat:
        return HuggingChat(base_url=self.base_url, home=self.folder, profile=profile, **more)

    async def password(self) -> str:
        await self.switch(two_factor=False, challenge=False, consent=False)
        async with self.chat("password") as chat:
            account = await chat.login()
        assert account.expires is not None, "the session has no end"
        return f"{account.username}, until {account.expires:%Y-%m-%d %H:%M} UTC"

    async def wrong_password(self) -> str:
        async with self.chat("wrong", password="not the password") as chat:
            return await self.refused(chat, CredentialsRejected)

    async def consent(self) -> str:
        await self.switch(consent=True)
        async with self.chat("consent") as chat:
            account = await chat.login()
            self.state = await chat.session.storage_state()
        await self.switch(consent=False)
        return f"{account.username}, through the consent page"

    async def second_factor(self) -> str:
        await self.switch(two_factor=True)
        asked: list[str] = []

        def otp() -> str:
            asked.append("now")
            return self.code

        async with self.chat("code") as chat:
            account = await chat.login(otp=otp)
        return f"{account.username}, the code asked for {len(asked)} time"

    async def no_code(self) -> str:
        async with self.chat("no-code") as chat:
            return await self.refused(chat, SecondFactorRequired)

    async def wrong_code(self) -> str:
        async with self.chat("wrong-code") as chat:
            return await self.refused(chat, SecondFactorRejected, otp="000000")

    async def challenge(self) -> str:
        await self.switch(two_factor=False, challenge=True)
        async with self.chat("challenge") as chat:
            said = await self.refused(chat, ChallengePresented)
        await self.switch(challenge=False)
        return said

    async def cookies(self) -> str:
        file = self.folder / "cookies.json"
        file.write_text(json.dumps(self.state["cookies"]))
        async with self.chat("cookies", username=None, password=None) as chat:
            account = await chat.login(cookies=file)
        return f"{account.username}, by {len(self.state['cookies'])} cookies of another browser"

    async def session_cookie_alone(self) -> str:
        kept = [each for each in self.state["cookies"] if each["name"] == "hf-chat"]
        both = {each["name"]: each["value"] for each in self.state["cookies"]}
        async with Raw(self.base_url, both) as raw:
            assert await raw.user(), "the session has ended"
        async with Raw(self.base_url, {each["name"]: each["value"] for each in kept}) as raw:
            assert await raw.user() is None, "the app takes it alone"
        async with self.chat("alone") as chat:
            try:
                await chat.login(cookies={"cookies": kept, "origins": []})
            except SessionRejected as error:
                assert chat.session.saved.load() is None, "it was saved"
                assert "'token'" in str(error), "the coupling is not named"
                return f"{type(error).__name__}: {error}"
        raise AssertionError("it was taken")

    async def lost(self) -> str:
        """The session ends at the app behind our back, while the identity provider still knows us."""
        async with self.chat("password") as chat:
            await chat.login()
            talk = await chat.new_conversation(temporary=True)
            cookies = {
                each["name"]: each["value"] for each in (await chat.session.storage_state())["cookies"]
            }
            async with Raw(self.base_url, cookies) as raw:
                await raw.log_out()
            answer = await talk.send("hello", via="page")
            stored = [each.author for each in (await talk.read()).messages if each.author != "system"]
        assert stored == ["user", "assistant"], stored
        return (
            f"signed in again {chat.session.recovery.count} time; {answer.text[:24]!r}, the message sent once"
        )

    async def refused(self, chat: HuggingChat, kind: type[Exception], **more: Any) -> str:
        try:
            await chat.login(**more)
        except kind as error:
            assert chat.session.saved.load() is None, "something was saved"
            return f"{type(error).__name__}: {error}"
        raise AssertionError("it was let in")


async def walk(arguments: argparse.Namespace, console: Console) -> int:
    steps = Walk(console)
    with tempfile.TemporaryDirectory() as folder:
        signs = SignIns(arguments.base_url, arguments.flags, arguments.code, Path(folder))
        for name, look in (
            ("sign-in by password", signs.password),
            ("wrong password", signs.wrong_password),
            ("session lost", signs.lost),
            ("consent", signs.consent),
            ("second factor", signs.second_factor),
            ("second factor, no code", signs.no_code),
            ("second factor, wrong code", signs.wrong_code),
            ("challenge", signs.challenge),
            ("cookies in", signs.cookies),
            ("hf-chat alone", signs.session_cookie_alone),
        ):
            await steps.check(name, look)
    console.print(steps.table)
    return 1 if steps.failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.live.signin", description=__doc__)
    parser.add_argument("base_url")
    parser.add_argument("--flags", required=True, metavar="URL")
    parser.add_argument("--code", default="123456")
    return asyncio.run(walk(parser.parse_args(), Console(width=200)))


if __name__ == "__main__":
    sys.exit(main())
