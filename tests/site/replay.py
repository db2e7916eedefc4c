"""Sends recorded requests to the stand-in, with the ids it gave put in place of the recorded ones."""

from __future__ import annotations

import asyncio
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.site.client import parse
from tests.site.shapes import differences, shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

    from tests.site.client import Client

FOLDER = Path(__file__).parents[2] / "fixtures" / "recordings" / "2026-08"
ID = re.compile(r"\b(?:[0-9a-f]{24}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")
HUB = "https://huggingface.co"
POLL_LIMIT = 0.5
FASTER = ("every 30", "every 5")
"""Counting goes faster here than it did when it was recorded."""


@lru_cache
def load(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def read_exchanges(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(name)["exchanges"]
    return found


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    location: str | None

    @property
    def mime(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


class Replay:
    """One client that says what a recording's browser said, and compares what it hears."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.found: list[str] = []
        self._ids: dict[str, str] = {}
        self._over: dict[int, tuple[float, asyncio.Event]] = {}
        """When each exchange of the recording was over, and whether it is here."""

    def ours(self, text: str) -> str:
        """A recorded text with our ids and our address in it."""
        text = ID.sub(lambda match: self._ids.get(match[0], match[0]), text)
        return text.replace(HUB, self.client.site.origin).replace(*FASTER)

    def learn(self, recorded: Any, answered: Any) -> None:
        """Note which of our ids stands for which recorded one, from two documents of one shape."""
        if isinstance(recorded, str) and isinstance(answered, str):
            if recorded.startswith('{"json":'):
                self.learn(json.loads(recorded), json.loads(answered))
            elif ID.fullmatch(recorded) and ID.fullmatch(answered):
                self._ids.setdefault(recorded, answered)
        elif isinstance(recorded, dict) and isinstance(answered, dict):
            for key in recorded.keys() & answered.keys():
                self.learn(recorded[key], answered[key])
        elif isinstance(recorded, list) and isinstance(answered, list):
            for mine, other in zip(recorded, answered, strict=False):
                self.learn(mine, other)

    async def request(
        self, method: str, url: str, kind: str, headers: dict[str, str], body: str | None
    ) -> Any:
        """Open a request as a browser would make it; used as a context manager."""
        accept = {"Document": "text/html", "EventSource": "text/event-stream"}.get(kind, "*/*")
        sent = {"Accept": accept}
        if "Content-Type" in headers:
            sent["Content-Type"] = headers["Content-Type"]
        if method != "GET":
            sent["Origin"] = self.client.site.origin
        return self.client.http.request(
            method,
            self.client.site.origin + self.ours(url),
            headers=sent,
            data=None if body is None else self.ours(body).encode(),
            allow_redirects=False,
        )

    async def say(self, exchange: dict[str, Any], recorded: list[dict[str, Any]] | None = None) -> Answer:
        """Send one recorded request and read its answer as far as the recorded browser did."""
        url = exchange["url"]
        if "fromSeq=" in url:
            url = await self._from_here(url)
        opened = await self.request(
            exchange["method"],
            url,
            exchange["type"],
            exchange["request_headers"],
            exchange["body"],
        )
        async with opened as response:
            if _is_watch(exchange) and recorded is not None:
                body = await self._read_watch(response, exchange, recorded)
            else:
                body = await _read(response, exchange)
            headers = {key.lower(): value for key, value in response.headers.items()}
            return Answer(response.status, headers, body, response.headers.get("location"))

    async def run(self, recorded: list[dict[str, Any]]) -> None:
        """Say all of a recording; a request waits for those that were over before it was made."""
        self._over = {id(each): (_over(each), asyncio.Event()) for each in recorded}
        tasks: list[asyncio.Task[None]] = []
        polls: dict[str, float] = {}
        for exchange in recorded:
            await self._until_over(recorded[: len(tasks)], exchange["at"])
            # What was asked again and again had to wait for something.
            pause = exchange["at"] - polls.get(exchange["url"], -1)
            if exchange["method"] == "GET" and 0.1 < pause < POLL_LIMIT:
                await asyncio.sleep(pause)
            polls[exchange["url"]] = exchange["at"]
            tasks.append(asyncio.create_task(self._one(exchange, recorded)))
            await asyncio.sleep(0.01)  # made, before the next one is
        await asyncio.gather(*tasks)

    async def _until_over(self, exchanges: list[dict[str, Any]], moment: float) -> None:
        """Wait for those of the exchanges that were over at that moment of the recording."""
        for end, event in [self._over[id(each)] for each in exchanges]:
            if end <= moment:
                await event.wait()

    async def _one(self, exchange: dict[str, Any], recorded: list[dict[str, Any]]) -> None:
        try:
            self.compare(exchange, await self.say(exchange, recorded))
        finally:
            self._over[id(exchange)][1].set()

    async def _read_watch(
        self, response: aiohttp.ClientResponse, exchange: dict[str, Any], recorded: list[dict[str, Any]]
    ) -> bytes:
        """What a page got that watches which conversations are being answered, until it left.

        It asks for each report after the first one, when all is over that was over in the recording.
        """
        body, events = bytearray(), exchange["events"]
        ended = b'"ended":[{' if '"ended":[{' in events[-1]["data"] else b""
        for number, event in enumerate(events, 1):
            asked = number > 1 and event["event"] == "sync"
            if asked:
                await self._until_over(recorded, event["at"])
            while len(parse_events(bytes(body))) < number or (number == len(events) and ended not in body):
                if asked:
                    await asyncio.to_thread(self.client.site.control.tick)
                piece = await response.content.readany()
                if not piece:
                    return bytes(body)
                body += piece
            self._over[id(exchange)][1].set()
        return bytes(body)

    async def _from_here(self, url: str) -> str:
        """The address of a stream to attach to, from where our stored message ends."""
        conversation_id = self.ours(ID.findall(url)[0])
        last = (await self.client.read(conversation_id))["messages"][-1]
        return re.sub(r"fromSeq=\d+", f"fromSeq={last['materializedSeq']}", url)

    # Comparing

    def note(self, where: str, differing: Iterator[str] | list[str]) -> None:
        self.found.extend(f"{where} {difference}" for difference in differing)

    def compare(self, exchange: dict[str, Any], answer: Answer) -> None:
        where = f"{exchange['method']} {_pattern(exchange['url'])}"
        if answer.status != exchange["status"]:
            self.note(where, [f"status {answer.status} instead of {exchange['status']}"])
            return
        if "mime" in exchange and answer.mime != exchange["mime"]:
            self.note(where, [f"type {answer.mime} instead of {exchange['mime']}"])
        for name, value in exchange.get("response_headers", {}).items():
            if answer.headers.get(name) != value:
                self.note(where, [f"header {name}: {answer.headers.get(name)} instead of {value}"])
        if "location" in exchange:
            self.note(where, _location_differences(answer.location or "", exchange["location"]))
        if exchange.get("mime") == "application/jsonl":
            recorded = "".join(text for _, text in exchange["chunks"])
            self.note(where, self.stream_differences(answer.body, recorded.encode(), "failed" in exchange))
        elif "events" in exchange:
            self.note(where, self.event_differences(answer.body, exchange["events"]))
        elif exchange.get("mime") == "application/json":
            ours, theirs = json.loads(answer.body), json.loads(exchange["response"])
            self.learn(theirs, ours)
            self.note(where, differences(shape(ours), shape(theirs)))
        elif exchange.get("response", "").startswith("base64:") and not answer.body:
            self.note(where, ["no bytes"])

    def stream_differences(self, ours: bytes, theirs: bytes, cut: bool) -> list[str]:
        """Where two streams of lines part: their updates in order, and the framing around them."""
        mine = [self._plain(update) for update in parse(ours)]
        other = [self._plain(update) for update in parse(theirs)]
        found = []
        if [_kind(update) for update in _group(mine)] != [_kind(update) for update in _group(other)]:
            kinds = [[_kind(update) for update in _group(each)] for each in (mine, other)]
            found.append(f"lines {kinds[0]} instead of {kinds[1]}")
        if not cut:
            if len(mine) != len(other):
                found.append(f"{len(mine)} updates instead of {len(other)}")
            pairs = zip(mine, other, strict=False)
            found += [f"update {_shorten(a)} instead of {_shorten(b)}" for a, b in pairs if a != b]
            if _framing(ours) != _framing(theirs):
                found.append(f"framing {_framing(ours)} instead of {_framing(theirs)}")
        return found

    def _plain(self, update: dict[str, Any]) -> dict[str, Any]:
        """An update without what differs from run to run: moments and ids."""
        text = re.sub(r"\d+@\d+\.\d+", "N@T", self.ours(json.dumps(update)))
        plain: dict[str, Any] = json.loads(ID.sub("ID", text))
        return plain

    def event_differences(self, body: bytes, recorded: list[dict[str, Any]]) -> list[str]:
        mine = parse_events(body)
        other = [{**each, "data": json.loads(each["data"])} for each in recorded]
        found = []
        for name in {each["event"] for each in mine} ^ {each["event"] for each in other}:
            found.append(f"event {name} only on one side")
        for side in (mine, other):
            ids = [int(each["id"]) for each in side if each["event"] == "update"]
            if ids != list(range(ids[0], ids[0] + len(ids))) if ids else False:
                found.append(f"ids {ids}")
        for name in {each["event"] for each in mine}:
            ours = [each["data"] for each in mine if each["event"] == name]
            theirs = [each["data"] for each in other if each["event"] == name]
            found.extend(f"{name} {each}" for each in differences(shape(ours), shape(theirs)))
        return found


def parse_events(body: bytes) -> list[dict[str, Any]]:
    """Server-sent events with their parsed data; an event without an id keeps the one before."""
    found, last = [], ""
    for block in body.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "event" in fields:
            last = fields.get("id", last)
            found.append({"event": fields["event"], "id": last, "data": json.loads(fields["data"])})
    return found


def _is_watch(exchange: dict[str, Any]) -> bool:
    """Whether it is the stream that says which conversations are being answered."""
    return bool(exchange["type"] == "EventSource" and exchange["url"].endswith("live"))


def _over(exchange: dict[str, Any]) -> float:
    """When an exchange was over for the recorded browser; one it aborted, when it last got something.

    Of a watch, when it had its first report: it is over when nothing else is.
    """
    if _is_watch(exchange):
        return float(exchange["events"][0]["at"])
    if "chunks" in exchange and ("failed" in exchange or "end" not in exchange):
        return float(exchange["chunks"][-1][0])
    return float(exchange.get("end", exchange["at"]))


async def _read(response: aiohttp.ClientResponse, exchange: dict[str, Any]) -> bytes:
    """The body; of one the recorded browser left early, about as much as it had got."""
    if "chunks" in exchange and "failed" in exchange:
        wanted = len(parse("".join(text for _, text in exchange["chunks"]).encode()))
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(parse(bytes(body))) >= wanted:
                break
        return bytes(body)
    return await response.read()


def _kind(update: dict[str, Any]) -> str:
    return "/".join(str(update[key]) for key in ("type", "subtype", "status") if key in update)


def _group(updates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one kind taken as one: how many tokens there were is a matter of time."""
    return [each for at, each in enumerate(updates) if at == 0 or _kind(each) != _kind(updates[at - 1])]


def _shorten(update: dict[str, Any]) -> str:
    return json.dumps(update, ensure_ascii=False)[:2000].replace("\\u0000", "")


def _framing(body: bytes) -> dict[str, Any]:
    """What is around the objects: padding of tokens, blanks after the answer, how it begins and ends."""
    lines = body.decode().split("\n")
    updates = [json.loads(line.strip()) for line in lines if line.strip()]
    tokens = [each["token"] for each in updates if each["type"] == "stream"]
    widths = {len(token.encode("utf-16-le")) // 2 for token in tokens if token.rstrip("\0") != token}
    return {
        "padded to": widths,
        "short tokens without padding": sum(len(token.encode("utf-16-le")) < 32 for token in tokens),
        "blanks": [len(line) - len(line.lstrip(" ")) for line in lines if line.startswith(" ")],
        "first": _kind(updates[0]),
        "keep-alives": any(_kind(each) == "status/keepAlive" for each in updates),
        "tail": lines[-1].strip(" "),
    }


def _pattern(url: str) -> str:
    path = ID.sub("ID", url.partition("?")[0])
    return re.sub(r"\b[0-9a-f]{64}\b", "SHA", path)


def _location_differences(ours: str, theirs: str) -> list[str]:
    found = []
    mine, other = re.sub(r"^\w+://[^/]+", "", ours), re.sub(r"^\w+://[^/]+", "", theirs)
    if mine.partition("?")[0] != other.partition("?")[0]:
        found.append(f"to {mine.partition('?')[0]} instead of {other.partition('?')[0]}")
    keys = [re.findall(r"[?&](\w+)=", each) for each in (mine, other)]
    if keys[0] != keys[1]:
        found.append(f"query {keys[0]} instead of {keys[1]}")
    return found
