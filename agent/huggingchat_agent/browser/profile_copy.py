"""Finds a user's own browser profiles, and copies what a browser needs to read the app's cookies.

Nothing is written to the person's folder. The copy has the app's cookies alone, still encrypted: only the
person's own browser can decrypt them, with the key of the system's keyring.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from huggingchat_agent.browser.known_browsers import KNOWN, KnownBrowser
from huggingchat_agent.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where a profile keeps its cookies; newer versions first. The file beside them says that they were moved.
_STORES = ("Network/Cookies", "Cookies")
_MOVED = "Network/NetworkDataMigrated"
_LARGEST = 64 * 1024 * 1024  # bytes of a file of JSON
_LOCK_SECONDS = 2.0

# The parts kept of the two JSON files: the keys of the cookies, and the user's decisions on cookies.
_OF_LOCAL_STATE: dict[str, Any] = {"os_crypt": None}
_OF_PREFERENCES: dict[str, Any] = {
    "intl": None,
    "profile": {"content_settings": None, "default_content_setting_values": None},
}

_EPOCH = 11644473600  # seconds from 1601, where Chromium begins to count, to 1970


class PersonsProfile(NamedTuple):
    """A profile in a person's browser: the browser's folder, its name there, and what the person calls it."""

    browser: KnownBrowser
    folder: Path
    part: str
    shown: str

    def __str__(self) -> str:
        known_as = f" ({self.shown})" if self.shown not in ("", self.part) else ""
        return f"{self.browser.name}:{self.part}{known_as}"

    def matches(self, name: str) -> bool:
        """Whether that name of a profile means this one."""
        return name.casefold() in (self.part.casefold(), self.shown.casefold())

    def count_cookies(self, host: str) -> int:
        """The number of its cookies for the host that have not expired. Raises StorageError."""
        with self._open_store() as store:
            return _count(store, host)

    def copy(self, folder: Path, host: str) -> int:
        """Copy it to a new folder, as the only profile there, with the cookies for the host alone. Returns
        their number. Raises StorageError.
        """
        place = folder / "Default" / self._store
        for each in (
            folder,
            folder / "Default",
            place.parent,
        ):  # `parents=True` would leave them open to others
            each.mkdir(mode=0o700, exist_ok=True)
        for path, kept in (("Local State", _OF_LOCAL_STATE), (f"{self.part}/Preferences", _OF_PREFERENCES)):
            chosen = _pick(_read_json(self.folder / path), kept)
            _write(folder / path.replace(self.part, "Default", 1), msgspec.json.encode(chosen))
        if (self.folder / self.part / _MOVED).exists():
            _write(folder / "Default" / _MOVED, b"")
        _write(place, b"")
        # Other sites' cookies are in memory for a moment, and never on the disk.
        with self._open_store() as store, contextlib.closing(sqlite3.connect(":memory:")) as picked:
            store.backup(picked)
            marks = ", ".join("?" * len(_list_domains(host)))
            picked.execute(f"DELETE FROM cookies WHERE host_key NOT IN ({marks})", _list_domains(host))
            picked.commit()
            picked.execute("VACUUM")
            with contextlib.closing(sqlite3.connect(place)) as copied:
                picked.backup(copied)
            return _count(picked, host)

    @property
    def _store(self) -> str:
        return next(each for each in _STORES if (self.folder / self.part / each).is_file())

    @contextlib.contextmanager
    def _open_store(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / self.part / self._store
        why = ""
        try:
            opened = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_LOCK_SECONDS)
            with contextlib.closing(opened) as store:
                yield store
                return
        except sqlite3.Error as error:
            why = str(error)
        raise StorageError(
            f"The cookies of {self} cannot be read ({why}). Close {self.browser.title}, and run this again."
        )


def list_profiles() -> list[PersonsProfile]:
    """The profiles of all browsers of this user, in the order of `KNOWN`."""
    return [
        PersonsProfile(browser, folder, part, shown)
        for browser in KNOWN
        for folder in browser.find_folders()
        for part, shown in _list_parts(folder)
    ]


def _list_parts(folder: Path) -> Iterator[tuple[str, str]]:
    """Name of each profile in a browser's folder, and what the person calls it."""
    known = _pick(_read_json(folder / "Local State"), {"profile": {"info_cache": None}})
    named = known.get("profile", {}).get("info_cache")
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            if any((path / each).is_file() for each in _STORES):
                facts = named.get(path.name) if isinstance(named, dict) else None
                shown = facts.get("name") if isinstance(facts, dict) else None
                yield path.name, shown if isinstance(shown, str) else ""


def _list_domains(host: str) -> list[str]:
    """The domains of cookies that reach the host, as the store writes them."""
    labels = host.split(".")
    return [host, *("." + ".".join(labels[start:]) for start in range(len(labels)))]


def _count(store: sqlite3.Connection, host: str) -> int:
    domains = _list_domains(host)
    marks = ", ".join("?" * len(domains))
    now = int((time.time() + _EPOCH) * 1_000_000)
    query = f"SELECT count(*) FROM cookies WHERE host_key IN ({marks}) AND is_persistent AND expires_utc > ?"
    return int(store.execute(query, [*domains, now]).fetchone()[0])


def _read_json(path: Path) -> Any:
    """The content of a file of JSON; an empty object if there is none, or something else."""
    with contextlib.suppress(OSError, msgspec.DecodeError, RecursionError):
        if path.stat().st_size <= _LARGEST:
            return msgspec.json.decode(path.read_bytes())
    return {}


def _pick(value: Any, kept: dict[str, Any]) -> dict[str, Any]:
    """The object with these keys alone, and likewise its nested objects."""
    if not isinstance(value, dict):
        return {}
    return {
        key: value[key] if below is None else _pick(value[key], below)
        for key, below in kept.items()
        if key in value
    }


def _write(path: Path, body: bytes) -> None:
    """Write a file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_bytes(body)
