"""A person's own browser, on an app that runs somewhere: used, its session taken, and one of ours shared.

That browser is started here, with profiles where Chromium keeps its own, and is signed in through the app's
form. All connections to it are asked for, as in Chrome 144 and later.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.profile_copy import list_profiles
from huggingchat_agent.browser.temporary import FOLDER_PREFIX
from huggingchat_agent.errors import LoginError, SettingsError
from huggingchat_agent.origin import parse_origin
from huggingchat_agent.settings import make_settings
from tests.asking import ask_before
from tests.persons import Persons

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.asking import Asking
    from tests.live.walk import Walk

NAME = "walk"  # of the browser that is bound
WRITTEN_SECONDS = 60.0  # a browser writes its cookies to the disk up to half a minute late
ELSEWHERE = {"name": "bank", "value": "s3cret-of-the-bank", "domain": "bank.example", "path": "/"}


class OwnBrowser:
    """`folder` takes everything: the person's profiles, what is saved, temporary folders."""

    def __init__(self, base_url: str, engine: str | None, folder: Path) -> None:
        self.base_url, self.engine = base_url, make_settings(engine=engine).engine
        self.folder = folder
        self.profile = folder / "config" / "chromium"
        self.persons: Persons
        self.asking: Asking

    async def walk(self, steps: Walk) -> None:
        with self._at_home():
            async with self._start_browser():
                await steps.check("own browser, nobody signed in", self.stranger)
                await steps.check("own browser", self.connected)
                await steps.check("session of the own browser", self.copied)
            await steps.check("browser that is bound", self.bound)

    async def stranger(self) -> str:
        """Nothing is typed there, though the environment has an account."""
        async with self._chat(connect="auto", **self._account()) as chat:
            try:
                await chat.login()
            except LoginError as error:
                return f"{type(error).__name__}: {error}"
        raise AssertionError("it was signed in")

    async def connected(self) -> str:
        await self._sign_in()
        self.persons.open_tab(self.base_url)
        tabs = await self._read_tabs()
        self.asking.asked, self.asking.heard = 0, b""
        async with self._chat(connect="auto") as chat:
            account = await chat.login()
            answer = await (await chat.new_conversation(temporary=True)).send("hello")
            read = {each["name"] for each in (await chat._session.read_state())["cookies"]}
        assert self.persons.tabs() == tabs, f"tabs were {tabs} and are {self.persons.tabs()}"
        assert self.persons.process.returncode is None, "it has ended"
        assert ELSEWHERE["name"] not in read, "another site's cookie was read"
        assert ELSEWHERE["value"].encode() not in self.asking.heard, "the browser gave another site's cookie"
        return (
            f"{account.username}: {answer.text[:14]!r} by {answer.via}; {self.asking.asked} connection, "
            f"{len(tabs)} tabs as before, cookies read: {', '.join(sorted(read))}"
        )

    async def copied(self) -> str:
        """While the browser runs."""
        waited = await self._wait_for_cookies()
        async with self._chat("copied") as chat:
            account = await chat.login(from_browser="chromium")
        saved = json.loads((self.folder / "copied/profiles/default/session.json").read_text())["cookies"]
        async with self._chat("copied") as chat:
            answer = await (await chat.new_conversation(temporary=True)).send("hello")
        left = [each.name for each in self._temporary.iterdir() if each.name.startswith(FOLDER_PREFIX)]
        assert not left, f"left behind: {left}"
        host = parse_origin(self.base_url).written_host
        assert {each["domain"].lstrip(".") for each in saved} <= {host}, "another site's cookie was saved"
        assert self.persons.process.returncode is None, "it has ended"
        names = ", ".join(sorted(each["name"] for each in saved))
        return (
            f"{account.username}: {answer.text[:14]!r} with {names}; no copy left; "
            f"the cookies were on the disk after {waited:.0f} s"
        )

    async def bound(self) -> str:
        if self.engine != "playwright":
            try:
                async with self._chat("bound", bind=NAME):
                    raise AssertionError("it was bound")
            except SettingsError as error:
                return f"Playwright only: {error}"
        registry = self.folder / "cache" / "ms-playwright" / "b"
        async with self._chat("bound", bind=NAME) as chat:
            (entry,) = registry.iterdir()
            socket = Path(json.loads(entry.read_text())["endpoint"])
            modes = [stat.S_IMODE(os.stat(each).st_mode) for each in (entry, registry, socket.parents[2])]
            assert modes == [0o600, 0o700, 0o700], f"modes are {[oct(each) for each in modes]}"
            assert stat.S_ISSOCK(os.stat(socket).st_mode), "there is no socket"
            signing_in = asyncio.create_task(chat.login(by_person=True))
            async with async_playwright() as playwright:
                person = await playwright.chromium.connect(str(socket))
                (page,) = (page for context in person.contexts for page in context.pages)
                await self._fill_in(page)
                account = await signing_in
                await person.close()
            answer = await (await chat.new_conversation(temporary=True)).send("hello", via="page")
            await self._run_tool("attach", NAME)
            seen = await self._run_tool(f"-s={NAME}", "snapshot")
            await self._run_tool(f"-s={NAME}", "detach")
            assert self.base_url in seen, f"the documented command shows {seen[:300]}"
        assert not list(registry.iterdir()), "its entry is still there"
        assert not socket.parents[2].exists(), "its folder is still there"
        return (
            f"{account.username} signed in over the socket; {answer.text[:14]!r}; the documented commands "
            f"show its page; folders 0700, entry 0600, both gone at the end"
        )

    def _chat(self, home: str = "state", **more: Any) -> HuggingChat:
        nobody = {"username": None, "password": None}
        place = {"base_url": self.base_url, "engine": self.engine, "home": self.folder / home}
        return HuggingChat(**{**place, **nobody, **more})

    def _account(self) -> dict[str, Any]:
        return {key: os.environ[f"HUGGINGCHAT_{key.upper()}"] for key in ("username", "password")}

    @property
    def _temporary(self) -> Path:
        return self.folder / "tmp"

    @contextlib.contextmanager
    def _at_home(self) -> Iterator[None]:
        """The person's configuration, cache and temporary folder are in ours."""
        names = {"XDG_CONFIG_HOME": "config", "XDG_CACHE_HOME": "cache"}
        before = {name: os.environ.get(name) for name in names}
        self._temporary.mkdir(parents=True)
        self.profile.mkdir(parents=True)
        os.environ |= {name: str(self.folder / each) for name, each in names.items()}
        tempfile.tempdir = str(self._temporary)
        try:
            yield
        finally:
            tempfile.tempdir = None
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value

    @contextlib.asynccontextmanager
    async def _start_browser(self) -> AsyncIterator[None]:
        async with (
            Persons(self.profile) as self.persons,
            ask_before(self.persons, self.profile, self.profile) as self.asking,
        ):
            self.asking.allow.set()  # the person says yes each time
            yield

    async def _sign_in(self) -> None:
        """The person signs in: in this app by its form, and elsewhere."""
        async with self._chat("first", connect=self.persons.address, **self._account()) as chat:
            await chat.login()
            browser: Any = chat._session.browser
            await browser._root.send("Storage.setCookies", {"cookies": [ELSEWHERE]})

    async def _read_tabs(self) -> dict[str, str]:
        """The person's tabs, once they have their addresses."""
        while True:
            tabs = self.persons.tabs()
            await asyncio.sleep(0.5)
            if tabs == self.persons.tabs():
                return tabs

    async def _wait_for_cookies(self) -> float:
        """Seconds until the browser has written the app's cookies to the disk."""
        start, host = time.monotonic(), parse_origin(self.base_url).written_host
        async with asyncio.timeout(WRITTEN_SECONDS):
            while not any(each.count_cookies(host) for each in list_profiles()):  # noqa: ASYNC110
                await asyncio.sleep(0.5)
        return time.monotonic() - start

    async def _fill_in(self, page: Any) -> None:
        """A person's hands on the sign-in pages. Some apps begin at their own page, with a button."""
        field = page.locator("input[name=username]")
        begin = page.get_by_role("button", name=re.compile("sign in|log ?in", re.IGNORECASE))
        await field.or_(begin).first.wait_for()
        if not await field.is_visible():
            await begin.last.click()  # that of a dialog, before which the others are inert
        for name, value in self._account().items():
            await page.fill(f"input[name={name}]", value)
        await page.click("button[type=submit]")
        consent = page.get_by_role("button", name="Authorize")
        await consent.or_(page.locator("textarea")).first.wait_for()
        if await consent.is_visible():
            await consent.click()

    async def _run_tool(self, *arguments: str) -> str:
        """Playwright's command line, as the documentation has it."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "playwright", "cli", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.folder,
        )
        output = (await process.communicate())[0].decode(errors="replace")
        assert process.returncode == 0, f"{arguments}: {output}"
        return output
