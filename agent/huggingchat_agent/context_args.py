"""Playwright's arguments for a browser context, by their names there. They set how pages open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypedDict

import msgspec

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.redact import remember
from huggingchat_agent.user_text import require_text


class _Size(TypedDict):
    width: int
    height: int


class _Place(TypedDict, total=False):
    latitude: float
    longitude: float
    accuracy: float | None


class _Credentials(TypedDict, total=False):
    username: str
    password: str
    origin: str | None
    send: Literal["always", "unauthorized"] | None


class _Certificate(TypedDict, total=False):
    origin: str
    passphrase: str | None


class _Taken(TypedDict, total=False):
    """The accepted arguments, with their types in Playwright."""

    viewport: _Size | None
    no_viewport: bool | None
    screen: _Size | None
    device_scale_factor: float | None
    is_mobile: bool | None
    has_touch: bool | None
    locale: str | None
    timezone_id: str | None
    geolocation: _Place | None
    permissions: list[str] | None
    user_agent: str | None
    extra_http_headers: dict[str, str] | None
    color_scheme: Literal["dark", "light", "no-preference", "null"] | None
    reduced_motion: Literal["no-preference", "null", "reduce"] | None
    forced_colors: Literal["active", "none", "null"] | None
    contrast: Literal["more", "no-preference", "null"] | None
    ignore_https_errors: bool | None
    http_credentials: _Credentials | list[_Credentials] | None
    client_certificates: list[_Certificate] | None
    bypass_csp: bool | None
    service_workers: Literal["allow", "block"] | None


TAKEN = tuple(_Taken.__annotations__)

_TAPE = "Use record= to record a session on a tape"

# Why each other argument of Playwright's is refused, and what to use instead.
LEFT_OUT = {
    "base_url": "Use the setting base_url for the app's address",
    "storage_state": "The saved session says who is signed in; import another one with login(cookies=...)",
    "proxy": "Use the setting proxy",
    "java_script_enabled": "The app does not work without scripts",
    "offline": "The app does not work without a network",
    "accept_downloads": "Files of an answer are fetched by file.save()",
    "strict_selectors": "The agent uses no selectors of Playwright",
    "default_browser_type": "The browser is always a Chromium",
    **{f"record_har_{name}": _TAPE for name in ("path", "content", "mode", "omit_content", "url_filter")},
    **{f"record_video_{name}": _TAPE for name in ("dir", "size", "fps")},
}


class ContextArgs(Mapping[str, Any]):
    """Context arguments. They may hold passwords and keys, so only their names are shown."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Raises SettingsError for a name that is not accepted, or a value of another type."""
        for name in given:
            if name not in TAKEN:
                why = LEFT_OUT.get(name, f"It takes {', '.join(TAKEN)}")
                raise SettingsError(f"context_args cannot hold {name!r}. {why}.")
        self._given = dict(given)
        try:
            msgspec.convert(self._given, _Taken)
        except msgspec.ValidationError as error:  # it names types and places, and shows no value
            raise SettingsError(f"context_args does not fit Playwright's new_context: {error}.") from None
        for text in _find_texts(self._given):
            require_text("context_args", text, wrong=SettingsError)
        for secret in _find_secrets(self._given):
            remember(secret)

    def __getitem__(self, name: str) -> Any:
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        return f"ContextArgs({', '.join(self._given)})"


def _find_texts(value: Any) -> Iterator[str]:
    """All texts within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _find_texts([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _find_texts(each)


def _find_secrets(given: Mapping[str, Any]) -> Iterator[str]:
    """All values that may be keys or passwords."""
    yield from (given.get("extra_http_headers") or {}).values()
    credentials = given.get("http_credentials") or ()
    for each in (credentials,) if isinstance(credentials, Mapping) else credentials:
        yield each.get("password", "")
    yield from (each.get("passphrase") or "" for each in given.get("client_certificates") or ())
