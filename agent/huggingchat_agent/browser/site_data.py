"""Cookies and local storage, in Playwright's storage state format, over bare CDP."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from huggingchat_agent.browser import evaluation
from huggingchat_agent.origin import parse_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from huggingchat_agent.browser.cdp import Cdp

_COOKIE = ("name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite")
_STORED = """() => [location.origin, /^http/.test(location.protocol)
    ? Object.entries(localStorage).map(([name, value]) => ({name, value})) : []]"""
# A document that may not use storage (in a sandbox) throws.
_RESTORE = """(kept => {
  const items = kept[location.origin];
  const again = performance.getEntriesByType("navigation")[0]?.type === "reload";
  try {
    if (items && !again && !localStorage.length)
      for (const {name, value} of items) localStorage.setItem(name, value);
  } catch {}
})"""

BUSY_SECONDS = 2.0

Items = list[dict[str, str]]


async def get_cookies(root: Cdp, context: dict[str, str]) -> list[dict[str, Any]]:
    """All cookies of a context; `context` names it, or is empty for the browser's own."""
    return [_from_browser(each) for each in (await root.send("Storage.getCookies", context))["cookies"]]


async def set_cookies(root: Cdp, context: dict[str, str], state: dict[str, Any]) -> None:
    """Set the cookies of a storage state in a context."""
    if wanted := [_to_browser(each) for each in state.get("cookies", [])]:
        await root.send("Storage.setCookies", {"cookies": wanted, **context})


async def get_local_storage(tabs: Iterable[Cdp]) -> dict[str, Items]:
    """The local storage of the tabs' documents, by origin.

    All tabs are asked at once. One that computes and does not answer within BUSY_SECONDS is left out.
    """

    async def read(tab: Cdp) -> tuple[str, Items] | None:
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                origin, found = await evaluation.evaluate(tab, _STORED)
                return origin, found
        except TimeoutError:
            return None

    return dict(each for each in await asyncio.gather(*map(read, tabs)) if each is not None)


async def restore_local_storage(tab: Cdp, saved: dict[str, Items]) -> None:
    """Put the saved local storage of each origin into a new tab's documents, before their scripts run.

    Only where an origin has none yet: a site that empties its storage gets it again at the next navigation,
    but not at a reload. To set it at once, an engine would load a page of each origin.
    """
    if wanted := {origin: items for origin, items in saved.items() if items}:
        source = f"{_RESTORE}({json.dumps(wanted)})"
        await tab.send("Page.addScriptToEvaluateOnNewDocument", {"source": source})


async def get_site_state(tabs: Sequence[Cdp], base_url: str) -> dict[str, Any]:
    """The state of one site in a person's own browser, by one of our tabs there.

    It does not ask for the data of other sites: their cookies stay in the browser.
    """
    app = parse_origin(base_url)
    found = (await get_local_storage(tabs)).get(str(app), [])
    addresses = [f"{app}/", f"{base_url}/", f"{base_url}/api/", f"{base_url}/login/"]
    cookies = (await tabs[0].send("Network.getCookies", {"urls": addresses}))["cookies"]
    return {
        "cookies": [_from_browser(each) for each in cookies],
        "origins": [{"origin": str(app), "localStorage": found}] if found else [],
    }


def _to_browser(cookie: dict[str, Any]) -> dict[str, Any]:
    """A cookie of a storage state in the browser's form: without `expires` if it has none."""
    return {key: cookie[key] for key in _COOKIE if key in cookie and (key, cookie[key]) != ("expires", -1)}


def _from_browser(cookie: dict[str, Any]) -> dict[str, Any]:
    return {key: cookie[key] for key in _COOKIE if key in cookie} | {
        "sameSite": cookie.get("sameSite", "Lax")
    }
