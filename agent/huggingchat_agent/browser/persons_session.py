"""Takes the app's session from the user's own browser.

The program of that browser opens a copy of the profile once, without a window and without a network. Only
that program gets the key of the cookies from the system's keyring. The copy is removed afterwards; after a
kill, the watcher or the next start of a browser removes it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent import redact
from huggingchat_agent.browser import executable, load_engine, process_tag, profile_copy
from huggingchat_agent.browser.known_browsers import find_known, list_names
from huggingchat_agent.browser.temporary import TemporaryFolder
from huggingchat_agent.errors import BrowserMissing, BrowserTimeout, LoginError, StorageError, UsageError
from huggingchat_agent.log_records import log
from huggingchat_agent.origin import parse_origin
from huggingchat_agent.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from huggingchat_agent.browser.profile_copy import PersonsProfile

ANY = "any"

# No host name resolves, and no IP address is reached. So the browser's own requests go nowhere.
_OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
# A browser drops its session cookies at the start, unless it restores its last session. The copy has no tabs
# to restore.
_WITH_SESSION_COOKIES = "--restore-last-session"


async def take_session(settings: Settings, which: str) -> tuple[PersonsProfile, dict[str, Any]]:
    """The profile that `which` names, and the app's cookies in it as a storage state.

    `which` is the name of a browser, `NAME:PROFILE`, or `ANY`. Raises UsageError for a profile that is not
    there, or where several fit; LoginError if nobody is signed in there, or the keyring keeps the cookies;
    StorageError, BrowserMissing or BrowserError.
    """
    host = parse_origin(settings.base_url).written_host
    profile = await asyncio.to_thread(choose_profile, which, settings.base_url)
    log.info("Taking the session from a copy of %s.", profile)
    program = _find_program(profile)
    folder = TemporaryFolder(process_tag.make_tag())
    try:
        copy = folder.path / "profile"
        expected = await asyncio.to_thread(_copy, profile, copy, host)
        state = await _read(_make_settings(settings, copy, program), profile)
    finally:
        await folder.remove()
    redact.remember_cookies(state)
    if expected and not state["cookies"]:
        raise _make_keyring_error(profile)
    return profile, state


def choose_profile(which: str, base_url: str) -> PersonsProfile:
    """The one profile that `which` names and that has cookies of the app. Raises as `take_session`."""
    host = parse_origin(base_url).written_host
    name, _, part = which.partition(":")
    browser = find_known(name)
    if browser is None and name != ANY:
        raise UsageError(f"There is no browser {name!r}. Use one of: {list_names()}.")
    every = profile_copy.list_profiles()
    named = [
        each
        for each in every
        if (browser is None or each.browser is browser) and (not part or each.matches(part))
    ]
    if not named:
        there = f"There are: {_join(every)}." if every else "No browser of yours has one."
        wanted = "profile of a browser" if which == ANY else f"profile {which!r}"
        raise UsageError(f"There is no {wanted} here. {there}")
    found = [each for each in named if each.count_cookies(host)]
    if not found:
        raise LoginError(
            f"Nobody is signed in at {redact.address(base_url)} in {_join(named)}. Sign in there, or choose "
            "another profile. If you have just signed in: a browser saves its cookies after half a minute."
        )
    if len(found) > 1:
        raise UsageError(
            f"Several profiles have cookies of {host}: {_join(found)}. Name one of them, as BROWSER:PROFILE."
        )
    return found[0]


def _find_program(profile: PersonsProfile) -> str:
    """The path of the browser whose profile it is."""
    with contextlib.suppress(BrowserMissing):
        if found := executable.find_executable(None, profile.browser.channel):
            return found.path
    raise BrowserMissing(
        f"The program of {profile} was not found, and only {profile.browser.title} can get the key of its "
        "cookies. Install it, or export the cookies in the browser."
    )


def _copy(profile: PersonsProfile, copy: Path, host: str) -> int:
    why = ""
    try:
        return profile.copy(copy, host)
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise StorageError(f"The profile {profile} cannot be copied: {why}.")


class _OfCopy(Settings, frozen=True, kw_only=True):
    """The settings of the browser that opens a copy."""

    @property
    def system_keyring(self) -> bool:
        return True


def _make_settings(settings: Settings, copy: Path, program: str) -> Settings:
    return _OfCopy(
        base_url=settings.base_url,
        engine=settings.engine,
        home=settings.home,
        user_data_dir=copy,
        browser=program,
        browser_args=(_OFFLINE, _WITH_SESSION_COOKIES),
    )


async def _read(settings: Settings, profile: PersonsProfile) -> dict[str, Any]:
    browser = await load_engine(settings.engine).start(settings, None)
    try:
        await browser.new_page(lambda event: None)
        return await browser.storage_state()
    except BrowserTimeout:
        failure = _make_keyring_error(profile)  # it waits until the keyring is opened
    finally:
        await browser.close()
    raise failure


def _make_keyring_error(profile: PersonsProfile) -> LoginError:
    return LoginError(
        f"The cookies of {profile} stay encrypted: {profile.browser.title} did not get their key from the "
        "system's keyring. Unlock the keyring, or run this in the session of your desktop.",
        hint="Or export the cookies in the browser, and give them to login(cookies=...).",
        shell_hint="Or export the cookies in the browser, and give them with --cookies.",
    )


def _join(profiles: list[PersonsProfile]) -> str:
    return ", ".join(map(str, profiles))
