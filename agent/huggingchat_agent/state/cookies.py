"""Cookies in the formats that browsers and their extensions import and export.

    state      Playwright's storage state: {"cookies": [...], "origins": [...]}
    json       a list of objects, as browser extensions export and import it
    netscape   cookies.txt, as curl, wget and yt-dlp use it
    plain      one object of names and values, for one site

Parsing detects the format and always returns a storage state. No error shows a value.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import CookiesUnreadable
from huggingchat_agent.origin import parse_origin
from huggingchat_agent.parsing import parse_path

if TYPE_CHECKING:
    from pathlib import Path


class _Item(TypedDict):
    name: str
    value: str


class _Origin(TypedDict):
    origin: str
    localStorage: NotRequired[list[_Item]]


Format = Literal["state", "json", "netscape", "plain"]

_HTTP_ONLY = "#HttpOnly_"
_SAME_SITE = {"lax": "Lax", "strict": "Strict", "none": "None", "no_restriction": "None"}
_EXTENSION_SAME_SITE = {"Lax": "lax", "Strict": "strict", "None": "no_restriction"}
_HEADER = "# Netscape HTTP Cookie File"


def parse(body: bytes, base_url: str) -> dict[str, Any]:
    """The storage state in an exported file. Cookies in the `plain` format are for the app at `base_url`.

    Leaves out expired cookies. Raises CookiesUnreadable.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CookiesUnreadable(f"The file is not text. {_ACCEPTED}") from None
    if not text.strip():
        raise CookiesUnreadable(f"The file is empty. {_ACCEPTED}")
    if text.lstrip()[0] in "[{":
        cookies, origins = _from_json(text, base_url)
    else:
        cookies, origins = _from_netscape(text), []
    live = _drop_expired(cookies)
    if cookies and not live:
        raise CookiesUnreadable("All cookies in it have expired. Export them again from a signed-in browser.")
    if not live:
        raise CookiesUnreadable(f"The file holds no cookies. {_ACCEPTED}")
    state = {"cookies": live, "origins": origins}
    redact.remember_cookies(state)
    return state


def read_state(state: dict[str, Any]) -> dict[str, Any]:
    """A storage state, checked, without expired cookies. Raises CookiesUnreadable."""
    found = [_parse_cookie(each, number) for number, each in enumerate(state["cookies"], 1)]
    origins = state.get("origins") or []
    try:
        msgspec.convert(origins, list[_Origin])
    except msgspec.ValidationError:
        raise CookiesUnreadable(
            "The file's origins are not those of a storage state.", hint=_ACCEPTED
        ) from None
    return {"cookies": _drop_expired(found), "origins": origins}


def _drop_expired(cookies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    now = time.time()
    return [each for each in cookies if each["expires"] < 0 or each["expires"] > now]


def load(path: Path, base_url: str) -> dict[str, Any]:
    """As `parse`, from a file. Raises CookiesUnreadable, which names the file."""
    try:
        return parse(path.read_bytes(), base_url)
    except OSError as error:
        reason = f"Cannot read {path}: {error.strerror or type(error).__name__}."
    except CookiesUnreadable as error:
        reason = f"{path}: {error}"
    raise CookiesUnreadable(reason)


def read_given(given: str | Path | dict[str, Any], base_url: str) -> dict[str, Any]:
    """As `load` for a file, or as `parse` for a mapping. Raises SettingsError for anything else."""
    if isinstance(given, dict):
        return parse(msgspec.json.encode(given), base_url)
    return load(parse_path("cookies", given), base_url)


def encode(state: dict[str, Any], form: Format, base_url: str) -> bytes:
    """A storage state in that format. `plain` holds only the cookies that a browser sends to `base_url`."""
    cookies = state["cookies"]
    if form == "state":
        return _encode_json(state)
    if form == "json":
        return _encode_json([_to_extension(each) for each in cookies])
    if form == "plain":
        return _encode_json({each["name"]: each["value"] for each in cookies if reaches(each, base_url)})
    return "\n".join([_HEADER, *map(_to_netscape, cookies), ""]).encode()


def reaches(cookie: dict[str, Any], base_url: str) -> bool:
    """Whether a browser sends this cookie to the app's host."""
    host, domain = parse_origin(base_url).written_host, str(cookie["domain"]).lstrip(".")
    return host == domain or (str(cookie["domain"]).startswith(".") and host.endswith(f".{domain}"))


_ACCEPTED = (
    "Give a JSON export of a browser extension, a cookies.txt, a JSON object of names and values, or a "
    "Playwright storage state."
)


def _from_json(text: str, base_url: str) -> tuple[list[dict[str, Any]], list[Any]]:
    try:
        parsed = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise CookiesUnreadable(f"The file begins like JSON but is not valid JSON. {_ACCEPTED}") from None
    if isinstance(parsed, list):
        return [_parse_cookie(each, number) for number, each in enumerate(parsed, 1)], []
    if isinstance(parsed.get("cookies"), list):
        origins = parsed.get("origins")
        cookies = [_parse_cookie(each, number) for number, each in enumerate(parsed["cookies"], 1)]
        return cookies, origins if isinstance(origins, list) else []
    if not all(isinstance(value, str) for value in parsed.values()):
        raise CookiesUnreadable(f"The JSON object holds no cookies. {_ACCEPTED}")
    app = parse_origin(base_url)
    return [
        _make_cookie(name, value, host=app.written_host, secure=app.scheme == "https")
        for name, value in parsed.items()
    ], []


def _make_cookie(name: str, value: str, *, host: str, secure: bool) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "domain": host,
        "path": "/",
        "expires": -1,
        "httpOnly": True,
        "secure": secure,
        "sameSite": "Lax",
    }


def _parse_cookie(cookie: Any, number: int) -> dict[str, Any]:
    """A cookie of a list, written by an extension or by Playwright."""
    if not isinstance(cookie, dict):
        raise CookiesUnreadable(f"Entry {number} is not a cookie.", hint=_ACCEPTED)
    for key in ("name", "value", "domain"):
        if not isinstance(cookie.get(key), str) or (key != "value" and not cookie[key]):
            raise CookiesUnreadable(f"The cookie in entry {number} has no {key}.", hint=_ACCEPTED)
    expires = cookie.get("expirationDate", cookie.get("expires"))
    if not isinstance(expires, int | float) or cookie.get("session") is True:
        expires = -1
    domain = cookie["domain"]
    if cookie.get("hostOnly") is False and not domain.startswith("."):
        domain = f".{domain}"
    same_site = _SAME_SITE.get(str(cookie.get("sameSite")).lower(), "Lax")
    return {
        "name": cookie["name"],
        "value": cookie["value"],
        "domain": domain,
        "path": cookie.get("path") or "/",
        "expires": float(expires),
        "httpOnly": bool(cookie.get("httpOnly")),
        "secure": bool(cookie.get("secure")),
        # A browser refuses "None" without "secure".
        "sameSite": same_site if same_site != "None" or cookie.get("secure") else "Lax",
    }


def _from_netscape(text: str) -> list[dict[str, Any]]:
    cookies = []
    # Not `splitlines`, which ends a line at characters that a value may hold.
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        http_only = line.startswith(_HTTP_ONLY)
        line = line.removeprefix(_HTTP_ONLY)
        if not line.strip() or (line.startswith("#") and not http_only):
            continue
        parts = line.split("\t")
        if len(parts) == 6:
            parts.append("")  # many editors remove the tab before an empty value
        if len(parts) != 7 or not parts[0] or not parts[5] or not _is_number(parts[4]):
            raise CookiesUnreadable(f"Line {number} is not a line of a cookies.txt. {_ACCEPTED}")
        domain, subdomains, path, secure, expires, name, value = parts
        if subdomains.upper() == "TRUE" and not domain.startswith("."):
            domain = f".{domain}"
        cookies.append(
            {
                "name": name,
                "value": value,
                "domain": domain,
                "path": path or "/",
                "expires": float(expires) if float(expires) > 0 else -1.0,
                "httpOnly": http_only,
                "secure": secure.upper() == "TRUE",
                "sameSite": "Lax",
            }
        )
    return cookies


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _to_extension(cookie: dict[str, Any]) -> dict[str, Any]:
    lasting = cookie["expires"] > 0
    return {
        "domain": cookie["domain"],
        **({"expirationDate": cookie["expires"]} if lasting else {}),
        "hostOnly": not cookie["domain"].startswith("."),
        "httpOnly": cookie["httpOnly"],
        "name": cookie["name"],
        "path": cookie["path"],
        "sameSite": _EXTENSION_SAME_SITE.get(cookie["sameSite"], "unspecified"),
        "secure": cookie["secure"],
        "session": not lasting,
        "storeId": "0",
        "value": cookie["value"],
    }


def _to_netscape(cookie: dict[str, Any]) -> str:
    return "\t".join(
        (
            (_HTTP_ONLY if cookie["httpOnly"] else "") + cookie["domain"],
            "TRUE" if cookie["domain"].startswith(".") else "FALSE",
            cookie["path"],
            "TRUE" if cookie["secure"] else "FALSE",
            str(max(int(cookie["expires"]), 0)),
            cookie["name"],
            cookie["value"],
        )
    )


def _encode_json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"
