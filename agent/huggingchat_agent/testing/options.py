"""What other plugins were told, as settings of ours."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingchat_agent.settings import Settings

if TYPE_CHECKING:
    import pytest

# Arguments of Playwright's launch, and what they are called here.
_LAUNCH = {
    "headless": "headless",
    "executable_path": "browser",
    "channel": "channel",
    "args": "browser_args",
    "slow_mo": "slow_mo",
}

_LONGEST = 120  # characters of a file name, for some systems allow no more than 143


def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """From pytest-playwright and pytest-base-url, where they are there."""
    given: dict[str, Any] = {}
    if has_playwright(request.config):
        launch = request.getfixturevalue("browser_type_launch_args")
        known = set(Settings.__struct_fields__)
        given |= {ours: launch[name] for name, ours in _LAUNCH.items() if name in launch and ours in known}
    base_url = _value(request, "base_url")
    return {**given, "base_url": base_url} if base_url else given


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


def _value(request: pytest.FixtureRequest, name: str) -> Any:
    """The value of a fixture that may not be there."""
    import pytest

    try:
        return request.getfixturevalue(name)
    except pytest.FixtureLookupError:
        return None
