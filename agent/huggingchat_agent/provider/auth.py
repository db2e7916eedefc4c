"""Being signed in, as programs of the provider know it: cookies in, cookies out."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import logging
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import LoginError, SessionRejected
from huggingchat_agent.provider.background import Wanted
from huggingchat_agent.provider.g4f_classes import kin
from huggingchat_agent.provider.parts import HiddenResponse, JsonMixin
from huggingchat_agent.session.account import SESSION_COOKIE
from huggingchat_agent.settings import settings
from huggingchat_agent.state import cookies as cookie_formats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggingchat_agent.provider.background import House, Opened

log = logging.getLogger("huggingchat_agent")

_LOOK_SECONDS = 0.2
_AGENT = "() => navigator.userAgent"
_GIVE_SESSION = "(cookie) => { document.cookie = cookie; }"


class Session:
    """Who one is at the app: `cookies` by name, and the `headers` of the browser they are from.

    It holds no connection: the browser of the process is the session's while it is used. What
    `AuthResult.open()` gives.
    """

    def __init__(
        self,
        cookies: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        **_: Any,
    ) -> None:
        self.cookies = dict(cookies or {})
        self.headers = dict(headers or {})
        self.proxy = proxy

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class AuthResult(JsonMixin, HiddenResponse):
    """Signed in: `cookies` by name, and `headers` ("user-agent", "origin", "referer")."""

    cookies: dict[str, str]
    headers: dict[str, str]

    def open(self) -> Session:
        """The session that `create_conversation` and `fetch_message_id` take."""
        return Session(**self.get_dict())


def given(url: str | None, chosen: Mapping[str, Any], *, use_nodriver: bool, **more: Any) -> dict[str, Any]:
    """What the agent is opened with. `url` None leaves it to the environment."""
    options = {name: value for name, value in {**chosen, **more}.items() if value is not None}
    if url is not None:
        options["base_url"] = url
    if "engine" not in options and not os.environ.get("HUGGINGCHAT_ENGINE"):
        options["engine"] = _engine(use_nodriver)
    return options


@functools.cache
def _engine(use_nodriver: bool) -> str:
    there = importlib.util.find_spec("nodriver") is not None
    chosen = "nodriver" if use_nodriver and there else "playwright"
    reason = f"nodriver is {'' if there else 'not '}installed" if use_nodriver else "use_nodriver is off"
    log.info("The provider's engine is %s: %s.", chosen, reason)
    return chosen


def wanted_by(session: Any, options: dict[str, Any]) -> Wanted:
    """The browser signed in by a session's cookies; by the profile's own session for None."""
    if session is None:
        return Wanted(options)
    cookies = dict(getattr(session, "cookies", None) or {})
    if not cookies:
        raise SessionRejected("There are no cookies in this session. Take it from on_auth_async.")
    if proxy := getattr(session, "proxy", None):
        options = {**options, "proxy": proxy}
    state = cookie_formats.parse(msgspec.json.encode(cookies), settings(**options).base_url)
    return Wanted(options, identity=identity(cookies), state=state)


def identity(cookies: Mapping[str, str]) -> str:
    """What tells one person's cookies from another's."""
    return cookies.get(SESSION_COOKIE) or "; ".join(sorted(f"{name}={cookies[name]}" for name in cookies))


async def by_cookies(house: House, wanted: Wanted) -> AuthResult:
    """Cookies as they were given, if the app takes them. Raises SessionRejected."""
    async with house.opened(wanted) as opened:
        account = await opened.chat.status()
        if account.login_offered and not account.signed_in:
            raise SessionRejected(
                f"{redact.address(account.base_url)} does not take this {SESSION_COOKIE} cookie: it is over, "
                "or it lacks the `token` cookie of huggingface.co that it is tied to. Give both, or sign in "
                "by `huggingchat login`."
            )
        return await _result(opened)


async def signed_in(opened: Opened) -> None:
    """Have the profile's own session signed in, once per browser. Raises LoginError."""
    if not opened.carried and not opened.signed_in:
        await opened.chat.login()
        opened.signed_in = True


async def by_profile(
    house: House, wanted: Wanted, username: str | None = None, password: str | None = None
) -> AuthResult:
    """The saved session if the app takes it, else by credentials, else what an app without login gives."""
    async with house.opened(wanted) as opened:
        await opened.chat.login(username, password)
        opened.signed_in = True
        return await _result(opened)


async def at_hand(house: House, wanted: Wanted) -> bool:
    """Whether nobody has to do anything: the app knows us, needs no login, or there are credentials."""
    async with house.opened(wanted) as opened:
        chosen = opened.chat.settings
        if chosen.username and chosen.password:
            return True
        account = await opened.chat.status()
        return account.signed_in or not account.login_offered


class Awaited:
    """A person who has to sign in: at the browser's window if it has one, else by `huggingchat login`.

    To be made before the person is asked, for they may be quick.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._settings = settings(**wanted.given)
        self._before = self._stamp()

    async def ready(self, house: House) -> None:
        """Leave the profile to the person, where they sign in elsewhere."""
        if self._settings.headless:
            await house.let_go()

    async def come(self, house: House, seconds: float) -> AuthResult:
        """Wait until they are through. Raises LoginError when nobody was in that time."""
        failure = LoginError(
            f"Nobody signed in within {seconds:g} s. Run `huggingchat login`, or set "
            "HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD."
        )
        end = time.monotonic() + seconds
        if not self._settings.headless:
            async with house.opened(self._wanted) as opened:
                try:
                    async with asyncio.timeout(seconds):
                        await opened.chat.login(by_person=True)
                except TimeoutError:
                    raise failure from None
        else:
            while self._stamp() in (self._before, None):
                if time.monotonic() > end:
                    raise failure
                await asyncio.sleep(_LOOK_SECONDS)
        return await by_profile(house, self._wanted)

    def _stamp(self) -> int | None:
        try:
            return (self._settings.profile_folder / "session.json").stat().st_mtime_ns
        except OSError:
            return None


async def _result(opened: Opened) -> AuthResult:
    chat = opened.chat
    page = await chat.session.tabs.shared()
    cookies = _cookies(await chat.session.read_state(), chat.settings.base_url)
    if not cookies.get(SESSION_COOKIE) and not (await chat.status()).login_offered:
        # Without a login the app takes any name for a session; it makes one itself with the first post.
        cookies[SESSION_COOKIE] = str(uuid.uuid4())
        cookie = f"{SESSION_COOKIE}={cookies[SESSION_COOKIE]}; path=/; SameSite=Lax"
        await page.evaluate(_GIVE_SESSION, cookie, timeout=chat.settings.step_timeout)
    opened.identities.add(identity(cookies))
    agent = str(await page.evaluate(_AGENT, timeout=chat.settings.step_timeout))
    headers = {"user-agent": agent, "origin": chat.settings.origin, "referer": f"{chat.settings.base_url}/"}
    proxy = {"proxy": opened.given["proxy"]} if opened.given.get("proxy") else {}
    return kin(AuthResult)(cookies=cookies, headers=headers, **proxy)


def _cookies(state: Mapping[str, Any], base_url: str) -> dict[str, str]:
    """Those that a browser sends to the app."""
    return {
        each["name"]: each["value"] for each in state["cookies"] if cookie_formats.reaches(each, base_url)
    }
