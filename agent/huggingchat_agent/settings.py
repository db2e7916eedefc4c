"""One frozen Settings, which reads the environment once. Arguments beat the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack, get_args
from urllib.parse import urlsplit

import msgspec
import platformdirs

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.redact import Secret

EngineName = Literal["playwright", "nodriver"]
Via = Literal["auto", "ui", "page"]

DEFAULT_BASE_URL = "https://huggingface.co/chat"


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds a turn may take. The idle clock counts updates other than keep-alives."""

    first_update: float = 60.0
    idle: float = 120.0
    total: float = 900.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be chosen. `base_url` is where the app is, base path included, no slash at the end.

    `browser` is the path of a browser to use. `home` is the folder of profiles and failure
    reports. Times are in seconds: `step_timeout` bounds one gesture or page load,
    `login_timeout` the whole sign-in.
    """

    base_url: str = DEFAULT_BASE_URL
    engine: EngineName = "playwright"
    via: Via = "auto"
    profile: str = "default"
    headless: bool = True
    browser: str | None = None
    username: str | None = None
    password: Secret | None = None
    home: Path = Path()
    step_timeout: float = 15.0
    login_timeout: float = 60.0
    deadlines: Deadlines = Deadlines()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def base_path(self) -> str:
        """The path under which the app is served: "" or such as "/chat"."""
        return urlsplit(self.base_url).path

    @property
    def profile_folder(self) -> Path:
        """Where this profile's session is kept."""
        return self.home / "profiles" / self.profile

    @property
    def reports_folder(self) -> Path:
        """Where failures leave their screenshot and accessibility tree."""
        return self.home / "reports"


class Given(TypedDict, total=False):
    """What a caller may give, by name; None is as good as not given. See Settings."""

    base_url: str | None
    engine: str | None
    via: str | None
    profile: str | None
    headless: bool | None
    browser: str | None
    username: str | None
    password: str | None
    home: str | Path | None
    step_timeout: float | None
    login_timeout: float | None
    deadlines: Deadlines | None


def settings(**given: Unpack[Given]) -> Settings:
    """Settings from the arguments, else the environment (`HUGGINGCHAT_<NAME>`), else the defaults.

    Raises SettingsError naming the setting, the value and what is allowed.
    """

    def text(name: str, default: str | None = None) -> Any:
        return given.get(name) or os.environ.get(f"HUGGINGCHAT_{name.upper()}") or default

    password = text("password")
    headless = given.get("headless")
    return Settings(
        base_url=_base_url(text("base_url", DEFAULT_BASE_URL)),
        engine=_choice("engine", text("engine", "playwright"), EngineName),
        via=_choice("via", text("via", "auto"), Via),
        profile=_profile(text("profile", "default")),
        headless=headless if headless is not None else not os.environ.get("HUGGINGCHAT_HEADED"),
        browser=text("browser"),
        username=text("username"),
        password=Secret(password) if password else None,
        home=Path(text("home") or platformdirs.user_data_dir("huggingchat-agent", False))
        .expanduser()
        .absolute(),
        step_timeout=_seconds("step_timeout", given.get("step_timeout"), 15.0),
        login_timeout=_seconds("login_timeout", given.get("login_timeout"), 60.0),
        deadlines=given.get("deadlines") or Deadlines(),
    )


def _base_url(value: str) -> str:
    text = value if "://" in value else f"https://{value}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError(
            f"base_url is not an http(s) address: {value!r}. Give it such as {DEFAULT_BASE_URL}."
        )
    if parts.username or parts.password:
        raise SettingsError("base_url must not hold a user name or password; use login() for them.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _choice(name: str, value: str, allowed: object) -> Any:
    choices = get_args(allowed)
    if value not in choices:
        raise SettingsError(f"{name} cannot be {value!r}. It is one of: {', '.join(choices)}.")
    return value


def _profile(value: str) -> str:
    if not value.replace("-", "").replace("_", "").replace(".", "").isalnum() or value.startswith("."):
        raise SettingsError(f"profile is not a plain name: {value!r}. Use letters, digits, '-', '_' and '.'.")
    return value


def _seconds(name: str, value: float | None, default: float) -> float:
    if value is None:
        return default
    if not value > 0:
        raise SettingsError(f"{name} must be a number of seconds above 0, not {value!r}.")
    return float(value)
