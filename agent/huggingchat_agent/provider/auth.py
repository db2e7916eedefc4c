"""Signs in the way programs expect of a provider: they pass cookies, and get cookies back."""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import os
import time
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.chat.chat import get_session
from huggingchat_agent.errors import LoginError, SessionRejected
from huggingchat_agent.log_records import log
from huggingchat_agent.provenance import explain_withheld
from huggingchat_agent.provider.background import BrowserRequest
from huggingchat_agent.provider.g4f_classes import mix_in_g4f
from huggingchat_agent.provider.parts import HiddenResponse, JsonMixin
from huggingchat_agent.session.account import SESSION_COOKIE
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state import cookies as cookie_formats
from huggingchat_agent.state.storage import SavedSession

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggingchat_agent.choices import EngineName
    from huggingchat_agent.provider.background import BrowserOwner, OpenBrowser


_LOOK_SECONDS = 0.2  # between two looks at the file that another process writes
_AGENT = "() => navigator.userAgent"
_GIVE_SESSION = "(cookie) => { document.cookie = cookie; }"


class Session:
    """An account's session: `cookies` by name, and the `headers` of the browser they come from.

    `AuthResult.open()` returns one. It holds no connection; calls go through the process's browser.
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


def read_options(
    url: str | None, chosen: Mapping[str, Any], *, use_nodriver: bool, **more: Any
) -> dict[str, Any]:
    """The settings to open the agent with. If `url` is None, the environment decides."""
    options = {name: value for name, value in {**chosen, **more}.items() if value is not None}
    if url is not None:
        options["base_url"] = url
    if "engine" not in options and not os.environ.get("HUGGINGCHAT_ENGINE"):
        options["engine"] = _choose_engine(use_nodriver)
    return options


@functools.cache
def _choose_engine(use_nodriver: bool) -> EngineName:
    there = importlib.util.find_spec("nodriver") is not None
    chosen: EngineName = "nodriver" if use_nodriver and there else "playwright"
    reason = f"nodriver is {'' if there else 'not '}installed" if use_nodriver else "use_nodriver is off"
    log.info("The provider's engine is %s: %s.", chosen, reason)
    return chosen


def choose_browser(session: Any, options: dict[str, Any]) -> BrowserRequest:
    """A request for a browser with the session's cookies, or with the profile's own if `session` is None."""
    if session is None:
        return BrowserRequest(options)
    cookies = dict(getattr(session, "cookies", None) or {})
    if not cookies:
        raise SessionRejected("This session holds no cookies. Use the AuthResult that on_auth_async yields.")
    if proxy := getattr(session, "proxy", None):
        options = {**options, "proxy": proxy}
    state = cookie_formats.parse(msgspec.json.encode(cookies), make_settings(**options).base_url)
    return BrowserRequest(options, identity=identify(cookies), state=state)


def identify(cookies: Mapping[str, str]) -> str:
    """A text that identifies the person whose cookies these are."""
    return cookies.get(SESSION_COOKIE) or "; ".join(sorted(f"{name}={cookies[name]}" for name in cookies))


async def sign_in_by_cookies(owner: BrowserOwner, wanted: BrowserRequest) -> AuthResult:
    """The caller's cookies, if the app accepts them. Raises SessionRejected."""
    async with owner.use(wanted) as opened:
        account = await opened.chat.status()
        if account.login_offered and not account.signed_in:
            raise SessionRejected(
                f"{redact.address(account.base_url)} does not accept this {SESSION_COOKIE} cookie. It has "
                "expired, or it needs the `token` cookie of huggingface.co that it is tied to. Pass both "
                "cookies, or user name and password, or sign in with `huggingchat login`."
            )
        return await _make_result(opened)


async def ensure_signed_in(opened: OpenBrowser) -> None:
    """Sign in with the profile's own session, once per browser. Raises LoginError."""
    if not opened.carried and not opened.signed_in:
        await opened.chat.login()
        opened.signed_in = True


async def sign_in_by_profile(
    owner: BrowserOwner, wanted: BrowserRequest, username: str | None = None, password: str | None = None
) -> AuthResult:
    """Sign in by the saved session, else by credentials. An app without login gives a session id."""
    async with owner.use(wanted) as opened:
        await opened.chat.login(username, password)
        opened.signed_in = True
        return await _make_result(opened)


async def needs_no_person(owner: BrowserOwner, wanted: BrowserRequest) -> bool:
    """Whether we can sign in without a person: signed in already, no login, or credentials at hand."""
    async with owner.use(wanted) as opened:
        chosen = opened.chat.settings
        if chosen.username and chosen.password:
            return True
        account = await opened.chat.status()
        return account.signed_in or not account.login_offered


class PersonSignIn:
    """A sign-in by a person: in the browser's window if it has one, else by `huggingchat login`.

    Make it before you ask the person to act: the person may be quick.
    """

    def __init__(self, wanted: BrowserRequest) -> None:
        self._wanted = wanted
        self._settings = make_settings(**wanted.given)
        self._before = self._read_stamp()

    async def prepare(self, owner: BrowserOwner) -> None:
        """Free the profile if the person signs in by another process."""
        if self._settings.headless:
            await owner.release()

    async def wait(self, owner: BrowserOwner, seconds: float) -> AuthResult:
        """Wait until the person has signed in. Raises LoginError when the time is over."""
        failure = LoginError(
            f"Nobody signed in within {seconds:g} s. Run `huggingchat login`, or give user name "
            "and password to on_auth_async or in HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD."
        )
        explain_withheld(self._settings, failure)
        end = time.monotonic() + seconds
        if not self._settings.headless:
            async with owner.use(self._wanted) as opened:
                try:
                    async with asyncio.timeout(seconds):
                        await opened.chat.login(by_person=True)
                except TimeoutError:
                    raise failure from None
        else:
            while self._read_stamp() in (self._before, None):
                if time.monotonic() > end:
                    raise failure
                await asyncio.sleep(_LOOK_SECONDS)
        return await sign_in_by_profile(owner, self._wanted)

    def _read_stamp(self) -> int | None:
        try:
            return SavedSession(self._settings.profile_folder).path.stat().st_mtime_ns
        except OSError:
            return None


async def _make_result(opened: OpenBrowser) -> AuthResult:
    chat = opened.chat
    session = get_session(chat)
    if not session.in_browser:
        return _make_result_of_tape(opened)
    page = await session.tabs.get_shared()
    cookies = _select_cookies(await session.read_state(), chat.settings.base_url)
    if not cookies.get(SESSION_COOKIE) and not (await chat.status()).login_offered:
        # Without a login the app accepts any session id. It makes one itself at the first post.
        cookies[SESSION_COOKIE] = str(uuid.uuid4())
        cookie = f"{SESSION_COOKIE}={cookies[SESSION_COOKIE]}; path=/; SameSite=Lax"
        await page.evaluate(_GIVE_SESSION, cookie, timeout=chat.settings.step_timeout)
    opened.identities.add(identify(cookies))
    agent = str(await page.evaluate(_AGENT, timeout=chat.settings.step_timeout))
    headers = {"user-agent": agent, "origin": chat.settings.origin, "referer": f"{chat.settings.base_url}/"}
    proxy = {"proxy": opened.given["proxy"]} if opened.given.get("proxy") else {}
    return mix_in_g4f(AuthResult)(cookies=cookies, headers=headers, **proxy)


def _make_result_of_tape(opened: OpenBrowser) -> AuthResult:
    """The result behind a tape, which has no cookies. Clients require some, so this makes them up."""
    cookies = {SESSION_COOKIE: "tape"}
    opened.identities.add(identify(cookies))
    return mix_in_g4f(AuthResult)(cookies=cookies, headers={"user-agent": "huggingchat-agent"})


def _select_cookies(state: Mapping[str, Any], base_url: str) -> dict[str, str]:
    """The cookies that a browser sends to the app."""
    return {
        each["name"]: each["value"] for each in state["cookies"] if cookie_formats.reaches(each, base_url)
    }
