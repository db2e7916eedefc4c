"""One frozen Settings, which reads the environment once. Arguments beat the environment."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, Unpack, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec
import platformdirs

from huggingchat_agent import conflicts, endpoint, environment, parsing
from huggingchat_agent.choices import EngineName, InUse, Via
from huggingchat_agent.context_args import ContextArgs
from huggingchat_agent.endpoint import Endpoint
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.http_credentials import HttpCredentials
from huggingchat_agent.origin import parse_origin
from huggingchat_agent.parsing import parse_choice
from huggingchat_agent.provenance import Provenance, choose_app
from huggingchat_agent.proxy import Proxy
from huggingchat_agent.redact import Secret
from huggingchat_agent.setting_field import Field
from huggingchat_agent.setting_values import Deadlines, Record, parse_deadlines, parse_record
from huggingchat_agent.state.given_session import parse_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

DEFAULT_BASE_URL = "https://huggingface.co/chat"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. Times are in seconds, unless a field names another unit."""

    base_url: Annotated[
        str,
        Field("Where the app is, base path included.", parsing.parse_base_url, panel="global", metavar="URL"),
    ] = DEFAULT_BASE_URL
    engine: Annotated[EngineName, Field("What drives the browser.", panel="global")] = "playwright"
    via: Annotated[
        Via,
        Field(
            "How to send messages: type into the page (ui), make the same request inside the page (page), "
            "or ui, and page for a very long prompt or where the agent cannot type into the page (auto)."
        ),
    ] = "auto"
    profile: Annotated[
        str,
        Field(
            "Which saved session to use, one for each account or app.",
            parsing.parse_profile,
            panel="global",
            metavar="NAME",
        ),
    ] = "default"
    profile_in_use: Annotated[
        InUse,
        Field(
            "What to do while another process uses the profile: work with a copy of its session and save "
            "nothing (copy), or stop with an error (refuse).",
            panel="global",
        ),
    ] = "copy"
    headless: Annotated[
        bool,
        Field(
            "Run the browser without a window.",
            opposite="headed",
            panel="global",
            shell_help="Show the browser's window.",
        ),
    ] = True
    insecure: Annotated[
        bool,
        Field(
            "Type passwords even into pages that came over plain http, where others on the network can read "
            "them.",
            panel="global",
        ),
    ] = False
    login_origins: Annotated[
        tuple[str, ...],
        Field(
            "Another origin where you sign in to the app, such as https://id.example.org. Secrets are typed "
            "only at the app's own origin, at these, and where the profile has signed in before.",
            parsing.parse_origins,
            panel="global",
            metavar="ORIGIN",
            several=True,
            option="login_origin",
        ),
    ] = ()
    use_credentials: Annotated[
        bool,
        Field(
            "Use the environment's user name, password and session at this app too. Without this they are "
            "only for the app of HUGGINGCHAT_BASE_URL, or for HuggingChat if that is not set.",
            variable=False,
            panel="global",
        ),
    ] = False
    connect: Annotated[
        str | None,
        Field(
            "Use a running browser, with its own cookies: http://127.0.0.1:9222, or the ws:// address of a "
            "Playwright server. Of several, the least loaded one that answers. `auto` finds your own.",
            parsing.parse_connect,
            panel="browser",
            metavar="URL",
            several=True,
        ),
    ] = None
    isolated: Annotated[bool, Field("With connect: do not use that browser's cookies.", panel="browser")] = (
        False
    )
    browser: Annotated[str | None, Field("Path of the browser to use.", parsing.parse_program)] = None
    channel: Annotated[
        str | None,
        Field(
            "Which installed browser to use: chrome, msedge, chrome-beta, and so on.",
            panel="browser",
            metavar="NAME",
        ),
    ] = None
    browser_args: Annotated[
        tuple[str, ...], Field("More switches for the browser, quoted as in a shell.", parsing.parse_words)
    ] = ()
    skip_pictures: Annotated[
        bool,
        Field(
            "Load neither pictures nor web fonts; screenshots show none. It has no effect with a tape, a "
            "window or bind.",
            panel="browser",
        ),
    ] = False
    user_data_dir: Annotated[
        Path | None,
        Field(
            "Use a profile folder of the browser's own, and leave it in place.",
            panel="browser",
            metavar="FOLDER",
        ),
    ] = None
    bind: Annotated[
        str | None,
        Field(
            "Let a person see and use the browser by this name, with Playwright's tools on this machine.",
            parsing.parse_profile,
            panel="browser",
            metavar="NAME",
        ),
    ] = None
    proxy: Annotated[
        Proxy | None,
        Field(
            "Reach the network through a proxy: http://user:password@host:port.",
            parsing.parse_proxy,
            panel="browser",
            metavar="URL",
            shell_help="Reach the network through a proxy. If it needs a password, set HUGGINGCHAT_PROXY.",
        ),
    ] = None
    http_credentials: Annotated[
        HttpCredentials | None,
        Field(
            "User name and password for a gateway in front of the app (HTTP authentication): user:password. "
            "They are sent only when the app's own origin asks for them.",
            parsing.parse_http_credentials,
        ),
    ] = None
    context_args: Annotated[
        ContextArgs,
        Field(
            "Options for new pages, named as in Playwright's new_context (viewport, locale, ...).",
            parsing.parse_context_args,
            variable=False,
        ),
    ] = ContextArgs({})
    slow_mo: Annotated[
        float,
        Field(
            "Milliseconds to wait after each gesture, for a person who watches.", parsing.parse_milliseconds
        ),
    ] = 0.0
    username: Annotated[str | None, Field("Who to sign in as, if no saved session is valid.")] = None
    password: Annotated[
        Secret | None, Field("The password for the login form. It is never saved.", parsing.parse_secret)
    ] = None
    totp_secret: Annotated[
        Secret | None,
        Field("The secret for one-time codes (second factor): base32, or otpauth://...", parsing.parse_totp),
    ] = None
    session: Annotated[
        Secret | None,
        Field(
            "A session to use instead of the profile's: a Playwright storage state as JSON, plain or in "
            "base64. It is not written to the disk.",
            parse_session,
        ),
    ] = None
    home: Annotated[Path, Field("Folder for saved sessions and for reports of failures.")] = Path()
    step_timeout: Annotated[float, Field("Seconds that one gesture or page load may take.")] = 15.0
    login_timeout: Annotated[float, Field("Seconds that signing in may take.")] = 60.0
    person_timeout: Annotated[
        float, Field("Seconds that a person may take to sign in at the browser's window.")
    ] = 600.0
    deadlines: Annotated[Deadlines, Field("How long a turn may take.", parse_deadlines, variable=False)] = (
        Deadlines()
    )
    recover: Annotated[bool, Field("Resume an answer when its stream breaks.")] = True
    tab_turns: Annotated[
        int, Field("Turns after which a conversation gets a new tab; 0 for never.", parsing.parse_count)
    ] = 100
    browser_turns: Annotated[
        int, Field("Turns after which the browser is replaced; 0 for never.", parsing.parse_count)
    ] = 250
    browser_memory: Annotated[
        int,
        Field(
            "MiB of memory, of browser and driver, above which the browser is replaced; 0 for never.",
            parsing.parse_count,
        ),
    ] = 4096
    record: Annotated[Record | None, Field("The tape to record the session on.", parse_record)] = None
    replay: Annotated[
        Path | None,
        Field(
            "A tape that answers instead of a browser. The app's address comes from it too, and no session "
            "is used."
        ),
    ] = None
    faults: Annotated[
        tuple[Any, ...], Field("Failures to add to the replayed tape.", parsing.parse_items, variable=False)
    ] = ()
    provenance: Provenance = Provenance()
    """Where `base_url` comes from, and which variables are not used there. Not an argument."""

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return str(parse_origin(self.base_url))

    @property
    def base_path(self) -> str:
        """The path under which the app is served: "" or such as "/chat"."""
        return urlsplit(self.base_url).path

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The running browsers to choose from. Empty if the agent starts its own or looks for one."""
        return () if self.searched else tuple(map(Endpoint, endpoint.split(self.connect or "")))

    @property
    def searched(self) -> bool:
        """Whether to look for the person's running browser (`connect="auto"`)."""
        return endpoint.is_searched(self.connect)

    @property
    def own_cookies(self) -> bool:
        """Whether the browser has its own cookies: it runs already, or has a profile folder of its own."""
        return self.user_data_dir is not None or (self.connect is not None and not self.isolated)

    @property
    def system_keyring(self) -> bool:
        """Whether the browser may ask the system's keyring for the key of its cookies."""
        return False

    @property
    def shown(self) -> bool:
        """Whether a person can see the browser: its window, by `bind`, or because it is theirs."""
        return not self.headless or self.bind is not None or self.searched

    @property
    def profile_folder(self) -> Path:
        """Where this profile's session is kept."""
        return self.home / "profiles" / self.profile

    @property
    def reports_folder(self) -> Path:
        """Where failures leave their screenshot and accessibility tree."""
        return self.home / "reports"


class Given(TypedDict, total=False):
    """The type of each setting as an argument. None means that it is not given."""

    base_url: str | None
    engine: str | None
    via: str | None
    profile: str | None
    profile_in_use: str | None
    headless: bool | None
    insecure: bool | None
    login_origins: Sequence[str] | None
    use_credentials: bool | None
    connect: str | Sequence[str] | None
    isolated: bool | None
    browser: str | None
    channel: str | None
    browser_args: Sequence[str] | None
    skip_pictures: bool | None
    user_data_dir: str | Path | None
    bind: str | None
    proxy: str | None
    http_credentials: str | None
    context_args: Mapping[str, Any] | None
    slow_mo: float | None
    username: str | None
    password: str | None
    totp_secret: str | None
    session: str | Mapping[str, Any] | None
    home: str | Path | None
    step_timeout: float | None
    login_timeout: float | None
    person_timeout: float | None
    deadlines: Deadlines | None
    recover: bool | None
    tab_turns: int | None
    browser_turns: int | None
    browser_memory: int | None
    record: str | Path | Record | None
    replay: str | Path | None
    faults: Sequence[Any] | None


_PARSERS: dict[Any, Callable[[str, Any], Any]] = {
    str: parsing.parse_text,
    bool: parsing.parse_flag,
    float: parsing.parse_seconds,
    Path: parsing.parse_path,
}


@functools.cache
def read_fields() -> dict[str, tuple[Any, Field]]:
    """The type of each setting, without None, and its `Field`."""
    found = {}
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        if hasattr(hint, "__metadata__"):
            kind, (field,) = hint.__origin__, hint.__metadata__
            found[name] = (next((each for each in get_args(kind) if each in _PARSERS), kind), field)
    return found


def make_settings(**given: Unpack[Given]) -> Settings:
    """Settings from the arguments, else the environment (`HUGGINGCHAT_<NAME>`), else the defaults.

    Raises SettingsError naming the setting, the value and what is allowed.
    """
    for name in given.keys() - read_fields().keys():
        raise SettingsError(f"There is no setting {name!r}. {_advise(name)}")
    values: dict[str, Any] = {}
    arguments: set[str] = set()
    for name, (kind, field) in read_fields().items():
        value: Any = given.get(name)
        shell_name = field.name_option(name)
        if value is not None and value != "":
            arguments.add(name)
        else:
            value = environment.read(field.opposite or name) if field.variable else None
            shell_name = environment.name_variable(field.opposite or name)
            if value is not None and field.opposite:
                value = not parsing.parse_flag(name, value)
        if value is not None:
            try:
                values[name] = _parse(name, value, kind, field)
            except SettingsError as error:
                error.shell_message = shell_name + error.message.removeprefix(name)
                raise
    if "record" in arguments and "replay" not in arguments:
        values.pop("replay", None)  # an argument beats the variable of a setting that excludes it
    if "home" not in values:
        values["home"] = parsing.parse_path("home", platformdirs.user_data_dir("huggingchat-agent", False))
    provenance = choose_app(values, arguments, default=DEFAULT_BASE_URL)
    chosen = Settings(**values, provenance=provenance)
    conflicts.check_together(chosen, lambda name: read_fields()[name][1].name_option(name))
    return chosen


def _parse(name: str, value: Any, kind: Any, field: Field) -> Any:
    if field.parse is not None:
        return field.parse(name, value)
    return _PARSERS[kind](name, value) if kind in _PARSERS else parse_choice(name, value, kind)


def _advise(name: str) -> str:
    times = {f"{each}_timeout": f"deadlines=Deadlines({each}=...)" for each in Deadlines.__struct_fields__}
    meant = {each: each for each in read_fields()} | times | {"timeout": times["total_timeout"]}
    close = difflib.get_close_matches(name, meant, 1)
    return f"Did you mean {meant[close[0]]}?" if close else f"There are: {', '.join(read_fields())}."
