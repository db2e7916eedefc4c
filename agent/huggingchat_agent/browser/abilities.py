"""The abilities of each engine, in one table. Users see the sentence for a missing ability."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from huggingchat_agent.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggingchat_agent.choices import EngineName
    from huggingchat_agent.settings import Settings


class Ability(NamedTuple):
    """Something that an engine may be able to do. `without` has a sentence for each engine that cannot."""

    name: str
    meaning: str
    without: Mapping[EngineName, str] = {}


ABILITIES = (
    Ability("chat", "sign in, ask by ui and by page, stop, retry and edit, files both ways, pictures"),
    Ability("session", "save the session, and load one that another engine saved"),
    Ability("headed", "show the window (headless=False)"),
    Ability("proxy", "go through a proxy, with user name and password"),
    Ability("channel", "use an installed browser by its channel"),
    Ability("user_data_dir", "use a profile folder of the browser's own, and leave it in place"),
    Ability("browser_args", "pass further switches to the browser"),
    Ability("connect", "use a running browser by its CDP address, in a tab of our own"),
    Ability("isolated", "keep apart from the cookies of the browser that it connects to"),
    Ability("slow_mo", "wait after each gesture, so that a person can follow"),
    Ability(
        "context_args",
        "open its pages with chosen viewport, locale, time zone, headers, ...",
        {
            "nodriver": "The engine nodriver opens pages with the browser's defaults and does not support "
            'context_args. Use engine="playwright", or browser_args (--window-size=..., --lang=...).'
        },
    ),
    Ability(
        "bind",
        "let a person see and use the headless browser, with Playwright's tools (bind)",
        {
            "nodriver": "The engine nodriver has no socket that Playwright's tools could use, so it does not "
            'support bind. Use engine="playwright", or headless=False.'
        },
    ),
    Ability(
        "playwright_server",
        "use a Playwright server by its ws:// address",
        {
            "nodriver": "The engine nodriver speaks CDP, not Playwright's protocol. Use engine="
            '"playwright", or the CDP address of a browser (http://HOST:PORT).'
        },
    ),
    Ability(
        "tabs_apart",
        "leave the other tabs of the browser that it connects to alone",
        {
            "playwright": "Playwright attaches to every tab of a browser that it connects to. "
            'If that matters, use engine="nodriver".'
        },
    ),
    Ability(
        "private",
        "drive the browser over a pipe, which no other user of the machine can reach",
        {
            "nodriver": "The engine nodriver drives the browser over a port on 127.0.0.1, which all users of "
            'this machine can reach. If you do not trust them, use engine="playwright".'
        },
    ),
)


def can(engine: EngineName) -> dict[str, bool]:
    """Whether the engine has each ability, by name."""
    return {each.name: engine not in each.without for each in ABILITIES}


def check(engine: EngineName, settings: Settings) -> None:
    """Raise SettingsError, with the table's sentence, if the settings need what the engine cannot do."""
    wanted = {
        "playwright_server": any(not each.cdp for each in settings.endpoints),
        "context_args": bool(settings.context_args),
        "bind": settings.bind is not None,
    }
    for each in ABILITIES:
        if wanted.get(each.name) and engine in each.without:
            raise SettingsError(each.without[engine])
