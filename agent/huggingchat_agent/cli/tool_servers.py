"""The user's own tool servers, from --tool-server, --tool-servers and HUGGINGCHAT_TOOL_SERVERS."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from huggingchat_agent import environment, redact, secret_names
from huggingchat_agent.errors import UsageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.wire import name_lookup
from huggingchat_agent.wire.tools import ToolServer, check_own

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VARIABLE = environment.name_variable("tool_servers")
_LONGEST = 1_000_000  # bytes of a file


class _Entry(msgspec.Struct, frozen=True):
    """One server of the file or the variable. Without a url it has the headers for one named on the command
    line.
    """

    url: str = ""
    headers: dict[str, str] = {}


def read_own(named: Sequence[str] | None, file: Path | None) -> list[ToolServer]:
    """The servers that are on. Raises UsageError."""
    known, listed = _read_variable(), _read_file(file) if file else {}
    if named:
        return [_find(each, known | listed) for each in named]
    return [_make(name, entry) for name, entry in listed.items()]


def read_known(named: Sequence[str] | None, file: Path | None) -> list[ToolServer]:
    """All servers that have an address, on or not. Raises UsageError."""
    known = _read_variable() | (_read_file(file) if file else {})
    found = {each.name: each for each in (_find(each, known) for each in named or ())}
    others = [_make(name, entry) for name, entry in known.items() if entry.url and name not in found]
    return [*found.values(), *others]


def _find(given: str, known: dict[str, _Entry]) -> ToolServer:
    name, _, url = (part.strip() for part in given.partition("="))
    entry = known.get(name)
    if not url:
        if entry is None:
            there = f"They have: {name_lookup.list_names(list(known))}." if known else "They have none."
            raise UsageError(
                f"There is no tool server {name_lookup.quote(name)} in {VARIABLE} or --tool-servers. {there} "
                "Or give its address: --tool-server NAME=URL."
            )
        return _make(name, entry)
    _refuse_key(url)
    if entry is not None and entry.url not in ("", url):
        raise UsageError(
            f"The headers of {name_lookup.quote(name)} are for {redact.address(entry.url)}, not for the "
            "address of --tool-server. Leave out that address, or choose another name."
        )
    return check_own(ToolServer(name, url, entry.headers if entry else {}))


def _make(name: str, entry: _Entry) -> ToolServer:
    return check_own(ToolServer(name, entry.url, entry.headers))


def _refuse_key(url: str) -> None:
    """Raise UsageError for an address with a password or a key, which other users could read here."""
    try:
        parts = urlsplit(url)
        queried = parse_qsl(parts.query)
    except ValueError:
        return  # no address, which `check_own` refuses
    if parts.username or any(
        secret_names.is_secret(name, logged=True) or name == "key" for name, _ in queried
    ):
        raise UsageError(
            "Other users of this machine can read a key in the address of --tool-server. Give that server by "
            f"{VARIABLE} or by --tool-servers."
        )


def _read_variable() -> dict[str, _Entry]:
    text = environment.read("tool_servers")
    return _parse(text.encode(errors="surrogateescape"), VARIABLE) if text else {}


def _read_file(path: Path) -> dict[str, _Entry]:
    """The servers of a file. Raises UsageError for one that others can read."""
    with explain_failure(UsageError, f"{path} cannot be read"), path.open("rb") as file:
        about = os.fstat(file.fileno())
        if stat.S_ISREG(about.st_mode) and (about.st_mode & 0o077 or about.st_uid != os.geteuid()):
            raise UsageError(
                f"{path} may hold secret headers, and others can read it. Make it yours alone: "
                f"chmod 600 {path}"
            )
        body = file.read(_LONGEST + 1)
    if len(body) > _LONGEST:
        raise UsageError(f"{path} has more than {_LONGEST:,} bytes. It is not a list of tool servers.")
    return _parse(body, str(path))


def _parse(text: bytes, where: str) -> dict[str, _Entry]:
    """The servers by name. Their values are in no error."""
    try:
        raw: Any = msgspec.json.decode(text)
        if isinstance(raw, dict) and isinstance(raw.get("mcpServers"), dict):
            raw = raw["mcpServers"]  # as other clients of MCP write it
        if isinstance(raw, list):
            raw = {each["name"]: each for each in raw}  # as chat-ui itself reads it
        return msgspec.convert(raw, dict[str, _Entry])
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, KeyError, TypeError) as error:
        why = f": {error}" if isinstance(error, msgspec.MsgspecError) else ""
        raise UsageError(
            f'{where} is not a list of tool servers{why}. Write {{"NAME": {{"url": "https://...", "headers": '
            '{"Authorization": "Bearer ..."}}}.'
        ) from None
