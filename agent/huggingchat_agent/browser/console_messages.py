"""What a page says by itself: its console, errors that nothing caught, dialogs. Heard while recording."""

from __future__ import annotations

from typing import Any, NamedTuple

EVENTS = (
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
    "Log.entryAdded",
    "Page.javascriptDialogOpening",
)

_LONGEST = 10_000  # characters of one message


class Said(NamedTuple):
    """`kind` is "console", "error" or "dialog", `level` the console's or the kind of dialog."""

    kind: str
    level: str
    text: str


def read(method: str, params: dict[str, Any]) -> Said | None:
    """What an event of the tab says; None if it is none of `EVENTS`."""
    match method:
        case "Runtime.consoleAPICalled":
            return Said("console", params["type"], _short(" ".join(map(_shown, params["args"]))))
        case "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details.get("text", "")
            return Said("error", "error", _short(str(said)))
        case "Log.entryAdded":
            entry = params["entry"]
            where = f" ({entry['url']})" if entry.get("url") else ""
            return Said("console", entry["level"], _short(f"{entry['text']}{where}"))
        case "Page.javascriptDialogOpening":
            return Said("dialog", params["type"], _short(params["message"]))
        case _:
            return None


def _shown(value: dict[str, Any]) -> str:
    """An argument of a console call, as a console shows it."""
    if "value" in value:
        return str(value["value"])
    return str(value.get("description") or value.get("unserializableValue") or value.get("type", ""))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
