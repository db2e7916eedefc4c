"""Signing in where more than a password is asked for, on an app whose identity provider can be told to.

Each check starts with a browser that nobody knows.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import (
    ChallengePresented,
    CredentialsRejected,
    SecondFactorRejected,
    SecondFactorRequired,
    SessionRejected,
    UnknownLoginOrigin,
)
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.remembered_app import read_app
from tests.gate import open_gate
from tests.raw import Raw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.walk import Walk


class SignIns:
    """Every sign-in in a browser of its own; what it saved is below `folder`.

    `flags` is where the identity provider takes JSON that switches `two_factor`, `challenge` and
    `consent` on and off; `code` is the one-time code that it then wants. The account comes from the
    environment.
    """

    def __init__(self, base_url: str, engine: str | None, flags: str, code: str, folder: Path) -> None:
        self.base_url, self.engine, self.folder = base_url, engine, folder
        self.flags, self.code = flags, code
        self.state: dict[str, Any] = {}

    async def walk(self, steps: Walk) -> None:
        for name, look in (
            ("sign-in by password", self.password),
            ("form at another origin", self.elsewhere),
            ("wrong password", self.wrong_password),
            ("session renewed", self.renewed),
            ("session lost", self.lost),
            ("consent", self.consent),
            ("second factor", self.second_factor),
            ("second factor, no code", self.no_code),
            ("second factor, wrong code", self.wrong_code),
            ("challenge", self.challenge),
            ("cookies in", self.cookies),
            ("hf-chat alone", self.session_cookie_alone),
        ):
            await steps.check(name, look)
        await self.ask_for()

    async def ask_for(self, *extras: str) -> None:
        """Have the identity provider ask for these beside the password, and for nothing else."""
        flags = {each: each in extras for each in ("two_factor", "challenge", "consent")}
        async with aiohttp.ClientSession() as http, http.post(self.flags, json=flags) as answer:
            answer.raise_for_status()

    def chat(self, profile: str, **more: Any) -> HuggingChat:
        place = {"base_url": self.base_url, "engine": self.engine, "home": self.folder}
        return HuggingChat(**{**place, "profile": profile, **more})

    async def password(self) -> str:
        await self.ask_for()
        async with self.chat("password") as chat:
            account = await chat.login()
        assert account.expires is not None, "the session has no end"
        return f"{account.username}, until {account.expires:%Y-%m-%d %H:%M} UTC"

    async def elsewhere(self) -> str:
        """Nothing is typed at the identity provider, if that is elsewhere and nobody has confirmed it.

        An app on loopback has two names, `127.0.0.1` and `localhost`; its identity provider has one of them.
        """
        await self.ask_for()
        origins = make_settings().login_origins
        other = self.find_other_name()
        if other is None and not origins:
            return "the form is at the app's own origin"
        given = {"base_url": other or self.base_url, "use_credentials": True}
        async with open_gate(self.base_url) as gate:
            if other is not None:
                given["proxy"] = gate.url
            async with self.chat("elsewhere", **given, login_origins=()) as chat:
                try:
                    await chat.login()
                except UnknownLoginOrigin as error:
                    origin, refusal = error.origin, f"{type(error).__name__}: {error}"
                else:
                    raise AssertionError("it was let in")
                assert read_app(chat.settings.profile_folder) is None, "something was pinned"
            count, sent = len(gate.heard), [each for each in gate.heard if each.startswith("POST")]
            assert not sent, f"it sent {sent}"
            async with self.chat("elsewhere", **given, login_origins=[origin]) as chat:
                account = await chat.login()
                app = read_app(chat.settings.profile_folder)
        assert app is not None and app.login_origins == (origin,), f"pinned: {app}"
        where = f"{count} requests, none of them a form" if other else "what it sent was not seen"
        return f"{refusal} ({where}.) With it: {account.username}, and {origin} is pinned."

    def find_other_name(self) -> str | None:
        """The address of an app on this machine under its other name."""
        for one, other in (("127.0.0.1", "localhost"), ("localhost", "127.0.0.1")):
            if urlsplit(self.base_url).hostname == one:
                return self.base_url.replace(one, other, 1)
        return None

    async def renewed(self) -> str:
        """A session that would end in four days lasts two weeks again."""
        async with self.chat("password") as chat:
            await chat.login()
            state = chat._session.saved.load() or {}
        for each in state["cookies"]:
            each["expires"] -= 10 * 86400 if each["expires"] > 0 else 0
        chat._session.saved.save(state)
        async with self.chat("password", username=None, password=None) as chat:
            before, after = await chat.status(), await chat.refresh()
        assert before.days_left and after.days_left, "the session has no end"
        assert after.days_left > before.days_left, "it is as it was"
        return f"{before.days_left:g} days left by a read, {after.days_left:g} after the refresh"

    async def wrong_password(self) -> str:
        async with self.chat("wrong", password="not the password") as chat:
            return await self.refused(chat, CredentialsRejected)

    async def consent(self) -> str:
        await self.ask_for("consent")
        async with self.chat("consent") as chat:
            account = await chat.login()
            self.state = await chat._session.read_state()
        return f"{account.username}, through the consent page"

    async def second_factor(self) -> str:
        await self.ask_for("two_factor")
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
        await self.ask_for("challenge")
        async with self.chat("challenge") as chat:
            return await self.refused(chat, ChallengePresented)

    async def cookies(self) -> str:
        await self.ask_for()
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
            if await raw.user() is not None:
                return "no counterpart: the app of that time takes it alone"
        async with self.chat("alone") as chat:
            try:
                await chat.login(cookies={"cookies": kept, "origins": []})
            except SessionRejected as error:
                assert chat._session.saved.load() is None, "it was saved"
                assert "'token'" in str(error), "the coupling is not named"
                return f"{type(error).__name__}: {error}"
        raise AssertionError("it was taken")

    async def lost(self) -> str:
        """The session ends at the app behind our back, while the identity provider still knows us."""
        async with self.chat("password") as chat:
            await chat.login()
            talk = await chat.new_conversation(temporary=True)
            cookies = {each["name"]: each["value"] for each in (await chat._session.read_state())["cookies"]}
            async with Raw(self.base_url, cookies) as raw:
                await raw.log_out()
            answer = await talk.send("hello", via="page")
            stored = [each.author for each in (await talk.read()).messages if each.author != "system"]
        assert stored == ["user", "assistant"], stored
        count = chat._session.recovery.count
        return f"signed in again {count} time; {answer.text[:24]!r}, the message sent once"

    async def refused(self, chat: HuggingChat, kind: type[Exception], **more: Any) -> str:
        try:
            await chat.login(**more)
        except kind as error:
            assert chat._session.saved.load() is None, "something was saved"
            return f"{type(error).__name__}: {error}"
        raise AssertionError("it was let in")
