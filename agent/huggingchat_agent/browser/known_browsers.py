"""The browsers that a user may have, and where each keeps its profiles."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple


class KnownBrowser(NamedTuple):
    """One of them: its name for users, what it is called, and its channel (see `executable`).

    `linux` has folders below ~/.config, and those of a snap or a flatpak from ~ on; `mac` has one below
    ~/Library/Application Support, `windows` one below %LocalAppData%.
    """

    name: str
    title: str
    channel: str
    linux: tuple[str, ...]
    mac: str
    windows: str

    def list_folders(self) -> list[Path]:
        """Where its profile folders are on this system, whether they exist or not."""
        return [Path(os.path.expandvars(each)).expanduser() for each in self._name_folders()]

    def find_folders(self) -> list[Path]:
        """Its profile folders that exist on this system."""
        return [each for each in self.list_folders() if each.is_dir()]

    def _name_folders(self) -> list[str]:
        if sys.platform == "win32":
            return [rf"%LocalAppData%\{self.windows}\User Data"]
        if sys.platform == "darwin":
            return [f"~/Library/Application Support/{self.mac}"]
        config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
        return [each if each.startswith("~") else f"{config}/{each}" for each in self.linux]


def _chrome(name: str, title: str, linux: str, windows: str, *more: str) -> KnownBrowser:
    return KnownBrowser(name, title, name, (linux, *more), f"Google/{title}", rf"Google\{windows}")


def _edge(name: str, title: str, linux: str, *more: str) -> KnownBrowser:
    return KnownBrowser(name, title, f"ms{name}", (linux, *more), f"Microsoft {title}", rf"Microsoft\{title}")


_FLATPAK = "~/.var/app"
_BRAVE = "BraveSoftware/Brave-Browser"

KNOWN = (
    _chrome(
        "chrome", "Chrome", "google-chrome", "Chrome", f"{_FLATPAK}/com.google.Chrome/config/google-chrome"
    ),
    _chrome("chrome-beta", "Chrome Beta", "google-chrome-beta", "Chrome Beta"),
    _chrome("chrome-dev", "Chrome Dev", "google-chrome-unstable", "Chrome Dev"),
    _chrome("chrome-canary", "Chrome Canary", "google-chrome-canary", "Chrome SxS"),
    KnownBrowser(
        "chromium",
        "Chromium",
        "chromium",
        ("chromium", "~/snap/chromium/common/chromium", f"{_FLATPAK}/org.chromium.Chromium/config/chromium"),
        "Chromium",
        "Chromium",
    ),
    _edge("edge", "Edge", "microsoft-edge", f"{_FLATPAK}/com.microsoft.Edge/config/microsoft-edge"),
    _edge("edge-beta", "Edge Beta", "microsoft-edge-beta"),
    _edge("edge-dev", "Edge Dev", "microsoft-edge-dev"),
    KnownBrowser(
        "brave",
        "Brave",
        "brave",
        (_BRAVE, f"~/snap/brave/current/.config/{_BRAVE}", f"{_FLATPAK}/com.brave.Browser/config/{_BRAVE}"),
        _BRAVE,
        r"BraveSoftware\Brave-Browser",
    ),
)


def find_known(name: str) -> KnownBrowser | None:
    """The browser of that name, or of that channel. None if there is none."""
    return next((each for each in KNOWN if name.lower() in (each.name, each.channel)), None)


def list_names() -> str:
    """The names of all, for a message."""
    return ", ".join(each.name for each in KNOWN)
