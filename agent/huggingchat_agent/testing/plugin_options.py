"""Options of other plugins, as settings of the agent."""

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

# Playwright's launch arguments, and our names for them.
_LAUNCH = {
    "headless": "headless",
    "executable_path": "browser",
    "channel": "channel",
    "args": "browser_args",
    "proxy": "proxy",
    "slow_mo": "slow_mo",
}

# The agent handles these itself.
_NEEDLESS = {"chromium_sandbox", "handle_sigint", "handle_sigterm", "handle_sighup"}

CONTEXT_UNHEEDED = pytest.StashKey[list[str]]()
"""On a test: the options of its pages that our pages do not follow."""

_LAUNCH_UNHEEDED = pytest.StashKey[list[str]]()
_WARNED = pytest.StashKey[set[str]]()

_LONGEST = 120  # characters of a file name; some systems allow no more than 143


def read_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings from our options, and from pytest-playwright and pytest-base-url where installed."""
    given: dict[str, Any] = {}
    if read_picture_mode(request.config) != "off":
        given["skip_pictures"] = False  # whatever the environment says: a screenshot shows the whole page
    if origins := request.config.getoption("huggingchat_login_origin"):
        given["login_origins"] = origins
    if has_playwright(request.config):
        launch = request.getfixturevalue("browser_type_launch_args")
        given |= {ours: launch[name] for name, ours in _LAUNCH.items() if name in launch}
        proxy = given.get("proxy")
        if proxy is not None:
            given["proxy"] = _format_proxy(proxy)
        unheeded = [name for name in launch if name not in {*_LAUNCH, *_NEEDLESS}]
        if proxy is not None and proxy.get("bypass"):
            unheeded.append("bypass= of the proxy")
        request.config.stash[_LAUNCH_UNHEEDED] = unheeded
    base_url = _get_fixture(request, "base_url")
    return {**given, "base_url": base_url} if base_url else given


def read_context_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The options of pytest-playwright's page that matter to an agent attached to it."""
    if "browser_context_args" not in request.fixturenames:  # asking for it would start Playwright
        return {}
    base_url = request.getfixturevalue("browser_context_args").get("base_url")
    return {"base_url": base_url} if base_url else {}


class NotHeeded(pytest.PytestWarning):
    """An option of pytest-playwright that the browsers of our fixtures do not follow."""


def warn_unheeded(item: pytest.Item) -> None:
    """Warn, before a browser starts, of each option that it does not follow; once per run."""
    if not has_playwright(item.config):
        return
    config = item.config
    asked = [*config.stash.get(_LAUNCH_UNHEEDED, []), *item.stash.get(CONTEXT_UNHEEDED, [])]
    if set(config.getoption("browser", None) or ["chromium"]) != {"chromium"}:
        asked.append("--browser (it is always a Chromium)")
    warned = config.stash.setdefault(_WARNED, set())
    new = [each for each in asked if each not in warned]
    warned.update(new)
    if new:
        item.warn(
            NotHeeded(
                f"The browsers of huggingchat and huggingchat_sync do not follow {', '.join(new)}; your own "
                "pages do. Set what they should do in the fixture huggingchat_settings."
            )
        )


def read_picture_mode(config: pytest.Config) -> Literal["on", "off", "only-on-failure"]:
    """When to take pictures: as `--screenshot` says, else only on failure."""
    if not getattr(config.option, "huggingchat_pictures_chosen", False):
        return "only-on-failure"
    return cast("Literal['on', 'off', 'only-on-failure']", config.getoption("screenshot", "only-on-failure"))


def has_playwright(config: pytest.Config) -> bool:
    """Whether pytest-playwright, or its async twin, is in use."""
    manager = config.pluginmanager
    return manager.hasplugin("playwright") or manager.hasplugin("playwright-asyncio")


def find_output_folder(item: pytest.Function) -> Path:
    """The folder for a failed test's files: that of pytest-playwright, or one like it."""
    root = Path(item.config.getoption("output", None) or "test-results")
    return (item.config.invocation_params.dir / root).absolute() / make_file_name(item.nodeid)


def make_file_name(text: str) -> str:
    """A file or folder name from a text of any length, with any characters.

    If the text had to be changed or cut, digits from its hash keep names distinct.
    """
    plain = re.sub(r"[^\w.=+-]+", "-", text, flags=re.ASCII).strip("-.") or "test"
    if plain == text and len(plain) <= _LONGEST:
        return plain
    digits = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: _LONGEST - 9].rstrip('-.')}-{digits}"


def _format_proxy(proxy: Mapping[str, str]) -> str:
    """Playwright's proxy as one address."""
    scheme, slashes, host = proxy["server"].rpartition("://")
    if not proxy.get("username"):
        return proxy["server"]
    account = f"{quote(proxy['username'], safe='')}:{quote(proxy.get('password', ''), safe='')}"
    return f"{scheme}{slashes}{account}@{host}"


def _get_fixture(request: pytest.FixtureRequest, name: str) -> Any:
    """The value of a fixture; None if there is no such fixture."""
    try:
        with warnings.catch_warnings():
            # Our user cannot change the fixture of another plugin.
            warnings.simplefilter("ignore", pytest.PytestDeprecationWarning)
            return request.getfixturevalue(name)
    except pytest.FixtureLookupError:
        return None
