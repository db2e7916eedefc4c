"""Playwright's arguments for a browser context, by their names there. They set how pages open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.redact import remember

TAKEN = (
    *("viewport", "no_viewport", "screen", "device_scale_factor", "is_mobile", "has_touch"),
    *("locale", "timezone_id", "geolocation", "permissions", "user_agent", "extra_http_headers"),
    *("color_scheme", "reduced_motion", "forced_colors", "contrast"),
    *("ignore_https_errors", "http_credentials", "client_certificates", "bypass_csp", "service_workers"),
)

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
        """Raises SettingsError for a name that is not accepted."""
        for name in given:
            if name not in TAKEN:
                why = LEFT_OUT.get(name, f"It takes {', '.join(TAKEN)}")
                raise SettingsError(f"context_args cannot hold {name!r}. {why}.")
        self._given = dict(given)
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


def _find_secrets(given: Mapping[str, Any]) -> Iterator[str]:
    """All values that may be keys or passwords."""
    yield from (given.get("extra_http_headers") or {}).values()
    yield (given.get("http_credentials") or {}).get("password") or ""
    yield from (each.get("passphrase") or "" for each in given.get("client_certificates") or ())
