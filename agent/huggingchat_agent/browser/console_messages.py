"""Messages of a page: its console, uncaught errors and dialogs. Recordings read them."""

from __future__ import annotations

from typing import Any, NamedTuple

EVENTS = (
    "Runtime.consoleAPICalled",
    "Runtime.exceptionThrown",
    "Log.entryAdded",
    "Page.javascriptDialogOpening",
)

_LONGEST = 10_000  # characters of one message


class PageMessage(NamedTuple):
    """`kind` is "console", "error" or "dialog"; `level` is the console's level, or the kind of dialog."""

    kind: str
    level: str
    text: str


def parse_event(method: str, params: dict[str, Any]) -> PageMessage | None:
    """The message of a tab's event; None if the event is not one of `EVENTS`."""
    match method:
        case "Runtime.consoleAPICalled":
            return PageMessage(
                "console", params["type"], _shorten(" ".join(map(_format_argument, params["args"])))
            )
        case "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details.get("text", "")
            return PageMessage("error", "error", _shorten(str(said)))
        case "Log.entryAdded":
            entry = params["entry"]
            where = f" ({entry['url']})" if entry.get("url") else ""
            return PageMessage("console", entry["level"], _shorten(f"{entry['text']}{where}"))
        case "Page.javascriptDialogOpening":
            return PageMessage("dialog", params["type"], _shorten(params["message"]))
        case _:
            return None


def _format_argument(value: dict[str, Any]) -> str:
    """An argument of a console call, as the console shows it."""
    if "value" in value:
        return str(value["value"])
    return str(value.get("description") or value.get("unserializableValue") or value.get("type", ""))


def _shorten(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
