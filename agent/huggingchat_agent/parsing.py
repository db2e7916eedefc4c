"""Parses arguments and environment variables to the values of settings.

Each function takes the name of the setting and the raw value, and raises SettingsError.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from huggingchat_agent import endpoint, origin
from huggingchat_agent.context_args import ContextArgs
from huggingchat_agent.endpoint import Addresses, Endpoint
from huggingchat_agent.errors import AgentError, SettingsError
from huggingchat_agent.http_credentials import HttpCredentials
from huggingchat_agent.one_time_password import parse_totp_secret
from huggingchat_agent.proxy import Proxy
from huggingchat_agent.redact import Secret
from huggingchat_agent.user_text import require_path, require_text

if TYPE_CHECKING:
    from pathlib import Path

_NO = ("", "0", "false", "no", "off")


def parse_choice(name: str, value: Any, allowed: object, *, wrong: type[AgentError] = SettingsError) -> Any:
    """The value if that Literal has it. Raises `wrong` otherwise."""
    choices = get_args(allowed)
    if value not in choices:
        raise wrong(f"{name} cannot be {value!r}. It is one of: {', '.join(choices)}.")
    return value


def parse_text(name: str, value: Any) -> str:
    return require_text(name, value, wrong=SettingsError)


def parse_flag(name: str, value: Any) -> bool:
    """Yes or no; of text, anything but 0, false, no and off is yes."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    if not isinstance(value, bool):
        raise SettingsError(f"{name} must be True or False, not {value!r}.")
    return value


def parse_seconds(name: str, value: Any) -> float:
    return _parse_number(name, value, "a number of seconds above 0", lambda number: number > 0)


def parse_milliseconds(name: str, value: Any) -> float:
    return _parse_number(name, value, "a number of milliseconds, 0 or more", lambda number: number >= 0)


def parse_count(name: str, value: Any) -> int:
    wanted = "a whole number, 0 or more"
    return int(_parse_number(name, value, wanted, lambda number: number >= 0 and number == int(number)))


def _parse_number(name: str, value: Any, wanted: str, fits: Any) -> float:
    number = math.nan
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            pass
    if not math.isfinite(number) or not fits(number):
        raise SettingsError(f"{name} must be {wanted}, not {value!r}.")
    return number


def parse_path(name: str, value: Any) -> Path:
    return require_path(name, value, wrong=SettingsError).expanduser().absolute()


def parse_program(name: str, value: Any) -> str:
    """The path or name of a program, unchanged."""
    return str(require_path(name, value, wrong=SettingsError))


def parse_words(name: str, value: Any) -> tuple[str, ...]:
    """Several texts, or one that is split as a shell would."""
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise SettingsError(
                f"{name} cannot be split as a shell would: {error}. Quote switches that have spaces."
            ) from None
    return parse_texts(name, value)


def parse_texts(name: str, value: Any) -> tuple[str, ...]:
    """Several texts. A single one is refused: Python would take its characters."""
    if isinstance(value, str):
        raise SettingsError(f"{name} must be a list, such as [{value!r}].")
    return tuple(parse_text(name, each) for each in parse_items(name, value))


def parse_items(name: str, value: Any) -> tuple[Any, ...]:
    try:
        return tuple(value)
    except TypeError:
        raise SettingsError(f"{name} must be a list, not {value!r}.") from None


def parse_secret(name: str, value: Any) -> Secret:
    if not isinstance(value, str):
        raise SettingsError(f"{name} must be text.")
    parse_text(name, value)
    return Secret(value)


def parse_totp(name: str, value: Any) -> Secret | None:
    return parse_totp_secret(parse_secret(name, value).reveal())


def parse_proxy(name: str, value: Any) -> Proxy:
    return Proxy.parse(parse_text(name, value))


def parse_http_credentials(name: str, value: Any) -> HttpCredentials:
    return HttpCredentials.parse(parse_text(name, value))


def parse_profile(name: str, value: Any) -> str:
    plain = parse_text(name, value)
    if not plain.replace("-", "").replace("_", "").replace(".", "").isalnum() or plain.startswith((".", "-")):
        raise SettingsError(f"{name} is not a plain name: {value!r}. Use letters, digits, '-', '_' and '.'.")
    return plain


def parse_base_url(name: str, value: Any) -> str:
    """Where the app is, as a browser writes it; https where no scheme is given."""
    given = parse_text(name, value)
    address = given if "://" in given else f"https://{given}"
    try:
        parts = urlsplit(address)
        normal = origin.normalize(address)
    except ValueError:
        parts, normal = urlsplit(""), ""
    if parts.scheme not in ("http", "https"):
        raise SettingsError(
            f"{name} is not an http(s) address: {value!r}. Give it like https://huggingface.co/chat."
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"{name} must not hold a user name or password.",
            hint="Give them to login().",
            shell_hint="Give them to `huggingchat login`.",
        )
    return normal


def parse_origins(name: str, value: Any) -> tuple[str, ...]:
    """Origins, as a browser writes them; https where no scheme is given. One text holds several, in words."""
    return tuple(_parse_origin(name, each) for each in parse_words(name, value))


def _parse_origin(name: str, value: str) -> str:
    address = parse_base_url(name, value)
    if urlsplit(address).path:
        raise SettingsError(
            f"{name} holds {value!r}, which is more than an origin. Give scheme, host and port alone: "
            f"{origin.parse_origin(address)}."
        )
    return address


def parse_connect(name: str, value: Any) -> Addresses:
    """The addresses of one browser or several. A text may have commas between them.

    Or `auto`, `auto:NAME` or `auto:FOLDER`, alone.
    """
    if not isinstance(value, str):
        value = list(parse_texts(name, value))
        if not value:
            raise SettingsError(f"{name} is an empty list. Give an address, or leave {name} out.")
        if len(value) == 1:
            (value,) = value
    if isinstance(value, str):
        if endpoint.is_searched(value):
            return Addresses(parse_text(name, value))
        value = endpoint.split(parse_text(name, value)) or [value]
    return Addresses.combine(dict.fromkeys(map(Endpoint.parse, value)))


def parse_context_args(name: str, value: Any) -> ContextArgs:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{name} must be a mapping of Playwright's names, not {value!r}.")
    return ContextArgs(value)
