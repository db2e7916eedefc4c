"""One frozen Settings, which reads the environment once. Arguments beat the environment."""

from __future__ import annotations

import difflib
import os
import shlex
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args
from urllib.parse import urlsplit

import msgspec
import platformdirs

from huggingchat_agent.context_args import ContextArgs
from huggingchat_agent.errors import AgentError, SettingsError
from huggingchat_agent.one_time_password import totp_secret
from huggingchat_agent.proxy import Proxy
from huggingchat_agent.redact import Secret, remember

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EngineName = Literal["playwright", "nodriver"]
Via = Literal["auto", "ui", "page"]
InUse = Literal["copy", "refuse"]

DEFAULT_BASE_URL = "https://huggingface.co/chat"

_PREFIX = "HUGGINGCHAT_"
_SECRETS = tuple(f"{_PREFIX}{name}" for name in ("USERNAME", "PASSWORD", "TOTP_SECRET", "PROXY", "CONNECT"))
_NO = ("", "0", "false", "no", "off")


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds a turn may take: until its first update, between two updates, in all. Keep-alives are none.

    While a tool runs the idle clock stands. While a tool's question waits for its answer, which the app
    may allow an hour, the total clock stands as well.
    """

    first_update: float = 60.0
    idle: float = 120.0
    total: float = 900.0


NO_DEADLINES = Deadlines(first_update=1e8, idle=1e8, total=1e8)


class Record(msgspec.Struct, frozen=True):
    """How to record a session: the file, and what of it (see docs/tape.md).

    `full` takes the app's pages and scripts too, so that a real browser can be answered from the tape.
    `hide` are regular expressions of what to leave out, `hide_username` leaves out who is signed in.
    Without `pictures` there are no screenshots.
    """

    path: str | Path
    full: bool = False
    hide: tuple[str, ...] = ()
    hide_username: bool = False
    pictures: bool = True


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be chosen. `base_url` is where the app is, base path included, no slash at the end.

    Which browser: `browser` is the path of one, `channel` names an installed one ("chrome",
    "msedge-beta"); `browser_args` are further switches for it, and `proxy` is what it reaches the
    network through. `user_data_dir` is a profile folder of the browser's own: what is in it is used,
    and stays. `connect` is the address of a browser that runs already (see docs/engines.md), with the
    cookies it has unless `isolated`. `context_args` are what its pages are opened with, as Playwright's
    `new_context` takes it (viewport, locale, ...), and after each gesture on a page the agent waits
    `slow_mo` milliseconds, for somebody who looks on.

    `home` is the folder of profiles and failure reports. Times are in seconds: `step_timeout` bounds one
    gesture or page load, `login_timeout` the whole sign-in, `person_timeout` one that is left to a
    person in the window. `totp_secret` computes the codes of a second factor. `profile_in_use` is what
    to do where somebody else uses the profile: work with a "copy" of its session and save nothing, or
    "refuse".

    `record` is a tape to be made, `replay` one that answers in the place of a browser; `faults` (see
    `tape.faults`) go wrong on it though they did not then.
    """

    base_url: str = DEFAULT_BASE_URL
    engine: EngineName = "playwright"
    via: Via = "auto"
    profile: str = "default"
    headless: bool = True
    browser: str | None = None
    channel: str | None = None
    browser_args: tuple[str, ...] = ()
    user_data_dir: Path | None = None
    proxy: Proxy | None = None
    connect: str | None = None
    isolated: bool = False
    context_args: ContextArgs = ContextArgs({})
    slow_mo: float = 0.0
    username: str | None = None
    password: Secret | None = None
    totp_secret: Secret | None = None
    profile_in_use: InUse = "copy"
    home: Path = Path()
    step_timeout: float = 15.0
    login_timeout: float = 60.0
    person_timeout: float = 600.0
    deadlines: Deadlines = Deadlines()
    record: Record | None = None
    replay: Path | None = None
    faults: tuple[Any, ...] = ()

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
    def own_cookies(self) -> bool:
        """Whether the browser's own cookies are used: those of a running one, or of a folder that stays."""
        return self.user_data_dir is not None or (self.connect is not None and not self.isolated)

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
    channel: str | None
    browser_args: Sequence[str] | None
    user_data_dir: str | Path | None
    proxy: str | None
    connect: str | None
    isolated: bool | None
    context_args: Mapping[str, Any] | None
    slow_mo: float | None
    username: str | None
    password: str | None
    totp_secret: str | None
    profile_in_use: str | None
    home: str | Path | None
    step_timeout: float | None
    login_timeout: float | None
    person_timeout: float | None
    deadlines: Deadlines | None
    record: str | Path | Record | None
    replay: str | Path | None
    faults: Sequence[Any] | None


def settings(**given: Unpack[Given]) -> Settings:
    """Settings from the arguments, else the environment (`HUGGINGCHAT_<NAME>`), else the defaults.

    Raises SettingsError naming the setting, the value and what is allowed.
    """
    for name in given.keys() - Given.__annotations__.keys():
        close = difflib.get_close_matches(name, Given.__annotations__, 1)
        meant = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(Given.__annotations__)}."
        raise SettingsError(f"There is no setting {name!r}. {meant}")

    def text(name: str, default: str | None = None) -> Any:
        return given.get(name) or _aside.get(f"{_PREFIX}{name.upper()}") or default

    def flag(name: str) -> bool:
        return text(name, "").strip().lower() not in _NO

    password, proxy, folder = text("password"), text("proxy"), text("user_data_dir")
    headless, isolated = given.get("headless"), given.get("isolated")
    arguments = given.get("browser_args")
    chosen = Settings(
        base_url=_base_url(text("base_url", DEFAULT_BASE_URL)),
        engine=choice("engine", text("engine", "playwright"), EngineName),
        via=choice("via", text("via", "auto"), Via),
        profile=_profile(text("profile", "default")),
        headless=headless if headless is not None else not flag("headed"),
        browser=text("browser"),
        channel=text("channel"),
        browser_args=tuple(
            arguments if arguments is not None else _words("browser_args", text("browser_args"))
        ),
        user_data_dir=Path(folder).expanduser().absolute() if folder else None,
        proxy=Proxy.parse(proxy) if proxy else None,
        connect=_connect(text("connect")),
        isolated=isolated if isolated is not None else flag("isolated"),
        context_args=ContextArgs(given.get("context_args") or {}),
        slow_mo=_above_zero("slow_mo", given["slow_mo"], "milliseconds") if given.get("slow_mo") else 0.0,
        username=text("username"),
        password=Secret(password) if password else None,
        totp_secret=totp_secret(text("totp_secret")),
        profile_in_use=choice("profile_in_use", text("profile_in_use", "copy"), InUse),
        home=Path(text("home") or platformdirs.user_data_dir("huggingchat-agent", False))
        .expanduser()
        .absolute(),
        step_timeout=_seconds("step_timeout", given.get("step_timeout"), 15.0),
        login_timeout=_seconds("login_timeout", given.get("login_timeout"), 60.0),
        person_timeout=_seconds("person_timeout", given.get("person_timeout"), 600.0),
        deadlines=_deadlines(given.get("deadlines") or Deadlines()),
        record=_record(text("record")),
        replay=_path(given.get("replay")),
        faults=tuple(given.get("faults") or ()),
    )
    _check_together(chosen)
    return chosen


def inheritable() -> dict[str, str]:
    """The environment for a process that we start: without our settings, of which one is a password."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}


class _Aside:
    """What `secrets_aside` has taken out of the environment."""

    def __init__(self) -> None:
        self._taken: dict[str, str] = {}
        self._holders = 0
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        with self._lock:
            return os.environ.get(name) or self._taken.get(name)

    def take(self) -> None:
        with self._lock:
            self._holders += 1
            self._taken |= {name: os.environ.pop(name) for name in _SECRETS if name in os.environ}

    def put_back(self) -> None:
        with self._lock:
            self._holders -= 1
            if not self._holders:  # the last of those that start a browser at the same time
                for name, value in self._taken.items():
                    os.environ.setdefault(name, value)
                self._taken.clear()


_aside = _Aside()


@contextmanager
def secrets_aside() -> Iterator[None]:
    """Keep user name and password out of `os.environ` for so long; `settings` finds them all the same.

    For a library that starts a process and lets nobody choose its environment. To be left again as
    soon as that process is there: to anything else that looks, the variables are not set.
    """
    _aside.take()
    try:
        yield
    finally:
        _aside.put_back()


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


def _words(name: str, value: str | None) -> list[str]:
    try:
        return shlex.split(value or "")
    except ValueError as error:
        raise SettingsError(
            f"{name} cannot be taken apart as a shell would do it: {error}. Quote switches that have spaces."
        ) from None


def _connect(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https", "ws", "wss") and parts.hostname and (parts.port or True)
    except ValueError:
        good = False
    if not good:
        raise SettingsError(
            "connect is not the address of a browser. Give it such as http://127.0.0.1:9222, or the ws:// "
            "address of a Playwright server."
        )
    for secret in (parts.password or "", parts.query):
        remember(secret)
    return value


def _check_together(chosen: Settings) -> None:
    if chosen.connect:
        for name in ("channel", "browser_args", "user_data_dir", "proxy"):
            if getattr(chosen, name):
                raise SettingsError(
                    f"{name} is for a browser that we start, and connect uses one that runs already. Leave "
                    "one of the two out."
                )
    if chosen.context_args and chosen.connect and not chosen.isolated:
        raise SettingsError(
            "context_args are for pages in a context of our own, and with connect they are opened in the "
            "browser's. Add isolated, or leave context_args out."
        )
    if chosen.browser and chosen.channel:
        raise SettingsError("browser and channel both name a browser. Leave one of the two out.")


def choice(name: str, value: Any, allowed: object, *, wrong: type[AgentError] = SettingsError) -> Any:
    """The value if it is one of that Literal; raises `wrong` if not."""
    choices = get_args(allowed)
    if value not in choices:
        raise wrong(f"{name} cannot be {value!r}. It is one of: {', '.join(choices)}.")
    return value


def _profile(value: str) -> str:
    if not value.replace("-", "").replace("_", "").replace(".", "").isalnum() or value.startswith("."):
        raise SettingsError(f"profile is not a plain name: {value!r}. Use letters, digits, '-', '_' and '.'.")
    return value


def _seconds(name: str, value: float | None, default: float) -> float:
    return default if value is None else _above_zero(name, value)


def _deadlines(given: Deadlines) -> Deadlines:
    for field in given.__struct_fields__:
        _above_zero(f"deadlines.{field}", getattr(given, field))
    return given


def _path(given: str | Path | None) -> Path | None:
    return Path(given).expanduser().absolute() if given else None


def _record(given: str | Path | Record | None) -> Record | None:
    if given is None:
        return None
    record = given if isinstance(given, Record) else Record(Path(given))
    return msgspec.structs.replace(record, path=Path(record.path).expanduser().absolute())


def _above_zero(name: str, value: Any, unit: str = "seconds") -> float:
    if not isinstance(value, int | float) or not value > 0:  # NaN is not either
        raise SettingsError(f"{name} must be a number of {unit} above 0, not {value!r}.")
    return float(value)
