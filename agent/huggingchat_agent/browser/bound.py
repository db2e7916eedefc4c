"""A browser that a person can see and use beside the agent, through a socket of Playwright's.

Playwright writes the address of the socket into a registry in the person's cache folder, where its own tools
look for it by name. It writes all launch options there too. Nobody needs these, so they are removed.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import BrowserError, SettingsError

if TYPE_CHECKING:
    import playwright.async_api as driver

# Where Playwright's process puts its sockets.
SOCKETS = "PWTEST_SOCKETS_DIR"
_FOLDER = "s"  # short, because a socket's path must be
_LARGEST = 1024 * 1024  # bytes of an entry

# What Playwright's tools read of an entry.
_KEPT = ("playwrightVersion", "playwrightLib", "title", "endpoint", "workspaceDir")
_KEPT_OF_BROWSER = ("guid", "browserName")


def place_sockets(folder: Path) -> dict[str, str]:
    """The variables for Playwright's process that keep its sockets in that folder of ours."""
    return {SOCKETS: str(folder / _FOLDER)}


async def bind(browser: driver.Browser, name: str, folder: Path) -> Path:
    """Bind the browser to a socket in that folder, under a name. Returns its entry in the registry.

    Playwright removes both when the browser ends. Raises BrowserError where others could use the socket.
    """
    if sys.platform == "win32":
        raise SettingsError("bind needs the file permissions of Linux or macOS. Use headless=False here.")
    sockets, registry = folder / _FOLDER, _find_registry()
    for each in (sockets, registry):
        _make_private(each)
    socket = Path((await browser.bind(name))["endpoint"])
    if not socket.is_relative_to(sockets):
        await browser.unbind()
        raise BrowserError(f"Playwright put the socket of bind at {socket}, where others may reach it.")
    for path in registry.iterdir():
        entry = _read(path)
        if entry.get("endpoint") == str(socket):
            _rewrite(path, entry)
            return path
    await browser.unbind()
    raise BrowserError(f"Playwright did not register the browser in {registry}, so its tools cannot find it.")


def _find_registry() -> Path:
    """The folder of Playwright's registry, as its process finds it."""
    if named := os.environ.get("PWTEST_SERVER_REGISTRY"):
        return Path(named)
    cache = Path("~/Library/Caches" if sys.platform == "darwin" else "~/.cache").expanduser()
    if sys.platform == "linux" and os.environ.get("XDG_CACHE_HOME"):
        cache = Path(os.environ["XDG_CACHE_HOME"])
    return cache / "ms-playwright" / "b"


def _make_private(folder: Path) -> None:
    """Have the folder, for us alone. Raises BrowserError if it is another user's, or no folder."""
    why = "it belongs to another user"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
            folder.chmod(0o700)
            return
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise BrowserError(f"The folder {folder} cannot be used to bind the browser: {why}.")


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size <= _LARGEST:
            entry = msgspec.json.decode(path.read_bytes())
            return entry if isinstance(entry, dict) else {}
    except (OSError, msgspec.DecodeError):
        pass  # another one's, that comes or goes
    return {}


def _rewrite(path: Path, entry: dict[str, Any]) -> None:
    """Leave out of our entry what its readers do not need: environment, switches, proxy."""
    path.chmod(0o600)
    browser = {key: entry.get("browser", {}).get(key) for key in _KEPT_OF_BROWSER}
    kept = {key: entry[key] for key in _KEPT if key in entry}
    path.write_bytes(
        msgspec.json.encode({**kept, "browser": {**browser, "launchOptions": {"headless": True}}})
    )
