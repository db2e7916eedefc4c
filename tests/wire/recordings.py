"""The recorded traffic of the real app, as the tests of this folder want it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from huggingchat_agent.wire.charset import encode
from huggingchat_agent.wire.fold import Fold
from huggingchat_agent.wire.lines import LineSplitter
from huggingchat_agent.wire.updates import decode

FOLDER = Path(__file__).parents[2] / "fixtures" / "recordings"
GENERATIONS = ("2026-08", "2025-04")
BASE_PATH = "/chat"


class Exchange(NamedTuple):
    """One recorded exchange. `body` is the response's, None where the recorder got none."""

    generation: str
    scenario: str
    number: int
    raw: dict[str, Any]
    body: bytes | None

    def __str__(self) -> str:
        return f"{self.generation}/{self.scenario}/{self.number}"

    @property
    def is_stream(self) -> bool:
        return self.raw.get("mime") == "application/jsonl"

    @property
    def sent(self) -> bytes:
        return (self.raw["body"] or "").encode()

    @property
    def content_type(self) -> str:
        return str(self.raw["request_headers"].get("Content-Type", ""))


def list_files() -> list[Path]:
    return sorted(FOLDER.glob("*/*.json"))


def read_scenario(generation: str, name: str) -> Any:
    return json.loads((FOLDER / generation / f"{name}.json").read_text("utf-8"))


def read_exchanges() -> list[Exchange]:
    found = []
    for path in list_files():
        content = json.loads(path.read_text("utf-8"))
        recorded = content.get("exchanges", []) if isinstance(content, dict) else []
        for number, raw in enumerate(recorded):
            found.append(Exchange(path.parent.name, path.stem, number, raw, _body(raw)))
    return found


def read_streams(generation: str | None = None) -> list[Exchange]:
    return [each for each in read_exchanges() if each.is_stream and generation in (None, each.generation)]


def read_exchange(generation: str, name: str, number: int) -> Exchange:
    found = (each for each in read_exchanges() if str(each) == f"{generation}/{name}/{number}")
    return next(found)


def read_endpoint(generation: str, name: str, file: str = "endpoints") -> Any:
    return read_scenario(generation, file)[name]


def _body(raw: dict[str, Any]) -> bytes | None:
    if "chunks" in raw:
        return "".join(text for _, text in raw["chunks"]).encode()
    if raw.get("response") is None:
        return None
    # The recorder got these as the browser decoded them: as windows-1252, for want of a charset.
    charset = "" if raw["mime"] == "text/sveltekit-data" else "utf-8"
    return encode(raw["response"], raw["mime"], charset)


def fold(lines: list[bytes]) -> tuple[Fold, list[Any]]:
    """A turn made of lines, and all its events, at time 1.0."""
    turn = Fold("6b013cfcbcc939b7fa8356c2", 1, 0.0)
    return turn, [event for line in lines for event in turn.feed(decode(line), 1.0)]


def parse_events(body: bytes) -> list[tuple[str, str]]:
    """The events of a recorded event stream, each its name and its data, of one line here."""
    blocks = [
        dict(line.partition(": ")[::2] for line in each.split("\n")) for each in body.decode().split("\n\n")
    ]
    return [(each.get("event", "message"), each["data"]) for each in blocks if "data" in each]


def split_lines(*pieces: bytes) -> list[bytes]:
    """The lines of a stream that arrives in these pieces."""
    splitter = LineSplitter()
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    rest = splitter.close()
    return [*lines, rest] if rest else lines
