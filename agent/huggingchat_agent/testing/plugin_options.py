"""What other plugins were told, as settings of ours."""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

# Arguments of Playwright's launch, and what they are called here.
_LAUNCH = {
    "headless": "headless",
    "executable_path": "browser",
    "channel": "channel",
    "args": "browser_args",
    "proxy": "proxy",
    "slow_mo": "slow_mo",
}

# Those that the agent sees to by itself.
_SEEN_TO = {"chromium_sandbox", "handle_sigint", "handle_sigterm", "handle_sighup"}

OF_CONTEXT = pytest.StashKey[list[str]]()
"""With a test: what was asked of its pages and is not done on ours."""

_OF_LAUNCH = pytest.StashKey[list[str]]()
_TOLD = pytest.StashKey[set[str]]()

_LONGEST = 120  # characters of a file name, for some systems allow no more than 143


def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """From pytest-playwright and pytest-base-url, where they are there."""
    given: dict[str, Any] = {}
    if has_playwright(request.config):
        launch = request.getfixturevalue("browser_type_launch_args")
        given |= {ours: launch[name] for name, ours in _LAUNCH.items() if name in launch}
        proxy = given.get("proxy")
        if proxy is not None:
            given["proxy"] = _address(proxy)
        unheeded = [name for name in launch if name not in {*_LAUNCH, *_SEEN_TO}]
        if proxy is not None and proxy.get("bypass"):
            unheeded.append("bypass= of the proxy")
        request.config.stash[_OF_LAUNCH] = unheeded
    base_url = _value(request, "base_url")
    return {**given, "base_url": base_url} if base_url else given


def of_context(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a page of pytest-playwright was opened with that matters to one who watches it."""
    if "browser_context_args" not in request.fixturenames:  # to ask for it would start Playwright
        return {}
    base_url = request.getfixturevalue("browser_context_args").get("base_url")
    return {"base_url": base_url} if base_url else {}


class NotHeeded(pytest.PytestWarning):
    """An option for the pages of pytest-playwright, which the browsers of our fixtures do not follow."""


def tell_unheeded(item: pytest.Item) -> None:
    """Before a browser starts: warn of what was asked of browsers and is not done here, once per run each."""
    if not has_playwright(item.config):
        return
    config = item.config
    asked = [*config.stash.get(_OF_LAUNCH, []), *item.stash.get(OF_CONTEXT, [])]
    if set(config.getoption("browser", None) or ["chromium"]) != {"chromium"}:
        asked.append("--browser (it is always a Chromium)")
    told = config.stash.setdefault(_TOLD, set())
    new = [each for each in asked if each not in told]
    told.update(new)
    if new:
        item.warn(
            NotHeeded(
                f"The browsers of huggingchat and huggingchat_sync do not heed {', '.join(new)}; your own "
                "pages do. What they can be told is in the fixture huggingchat_settings."
            )
        )


def pictures(config: pytest.Config) -> Literal["on", "off", "only-on-failure"]:
    """When pictures are taken: as `--screenshot` says, where it was given; else of failures."""
    if not getattr(config.option, "huggingchat_pictures_chosen", False):
        return "only-on-failure"
    return cast("Literal['on', 'off', 'only-on-failure']", config.getoption("screenshot", "only-on-failure"))


def has_playwright(config: pytest.Config) -> bool:
    """Whether pytest-playwright, or its async twin, is in use."""
    manager = config.pluginmanager
    return manager.hasplugin("playwright") or manager.hasplugin("playwright-asyncio")


def output_folder(item: pytest.Function) -> Path:
    """Where what a failed test leaves behind goes: the folder of pytest-playwright, or one like it."""
    root = Path(item.config.getoption("output", None) or "test-results")
    return (item.config.invocation_params.dir / root).absolute() / file_name(item.nodeid)


def file_name(text: str) -> str:
    """A name for a file or folder that tells what it belongs to, of any length and with any characters.

    Names that would come out alike, or had to be cut, get some digits of their own.
    """
    plain = re.sub(r"[^\w.=+-]+", "-", text, flags=re.ASCII).strip("-.") or "test"
    if plain == text and len(plain) <= _LONGEST:
        return plain
    digits = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: _LONGEST - 9].rstrip('-.')}-{digits}"


def _address(proxy: Mapping[str, str]) -> str:
    """Playwright's proxy as one address."""
    scheme, slashes, host = proxy["server"].rpartition("://")
    if not proxy.get("username"):
        return proxy["server"]
    account = f"{quote(proxy['username'], safe='')}:{quote(proxy.get('password', ''), safe='')}"
    return f"{scheme}{slashes}{account}@{host}"


def _value(request: pytest.FixtureRequest, name: str) -> Any:
    """The value of a fixture that may not be there."""
    try:
        with warnings.catch_warnings():
            # How another plugin wrote its fixture is nothing the user of ours could change.
            warnings.simplefilter("ignore", pytest.PytestDeprecationWarning)
            return request.getfixturevalue(name)
    except pytest.FixtureLookupError:
        return None
