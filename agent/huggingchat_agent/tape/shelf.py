"""Finds for a request of the app the exchange on the tape that answers it.

Requests are compared without what changes on every run: the id of a generation, the boundary of a
form, the time zone. Where a secret was left out of the tape anything fits. What sends or makes
something (an act) is answered once, and only by an act with the same body. What only reads is answered
as the app did between the same two acts, as often as it is asked.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent.errors import TapeMismatch
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.mask import MASK
from huggingchat_agent.wire import multipart, purposes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.tape.digest import Digest, Exchange

CHANGING = ("generationId", "timezone")
_ACTS = (purposes.SendMessage, purposes.CreateConversation)
_READING = ("GET", "HEAD")


class Shelf:
    """The exchanges of a tape, from the sign-in on if there was one."""

    def __init__(self, digest: Digest) -> None:
        self._base_path = digest.base_path
        signed_in = max(
            (each.n for each in digest.recording.records if isinstance(each, tapes.Hidden)), default=0
        )
        self._held: dict[tuple[str, str], list[_Held]] = {}
        self._all: list[_Held] = []
        self._acts = 0
        acts = 0
        self._before: dict[str, _Held] = {}  # what was read before the sign-in, and perhaps never again
        for exchange in digest.exchanges:
            if exchange.response is None:
                continue
            if exchange.request.n < signed_in:
                held = _Held(exchange, 0, is_act=False)
                if exchange.request.method in _READING and exchange.response.status == 200:
                    self._before[held.path] = held
                continue
            held = _Held(exchange, acts, is_act=self._is_act(exchange.request.method, exchange.request.url))
            acts += held.is_act
            self._all.append(held)
            self._held.setdefault((exchange.request.method, held.path), []).append(held)
        self._generations: dict[str, str] = {}  # of the tape -> of now

    @property
    def acts(self) -> int:
        """How many acts have been answered."""
        return self._acts

    def act_of(self, n: int) -> int:
        """How many acts had begun on the tape when record `n` came."""
        return sum(held.is_act and held.exchange.request.n < n for held in self._all)

    def covers(self, path: str) -> bool:
        """Whether a path is the app's. What lies beside it is not on tapes."""
        return path == self._base_path or (path.startswith(f"{self._base_path}/") and path != "/favicon.ico")

    def find(self, method: str, target: str, body: bytes, content_type: str) -> tuple[Exchange, bool]:
        """The exchange that answers a request, and whether it has answered one before.

        Raises TapeMismatch, which names the closest one on the tape.
        """
        for then, now in self._generations.items():
            target = target.replace(now, then)
        held = self._held.get((method, target), [])
        if method in _READING:
            found = self._reading(held) or self._before.get(target)
        else:
            found = self._posted(held, body, content_type, is_act=self._is_act(method, target))
        if found is None:
            raise TapeMismatch(self._sentence(method, target, body, content_type))
        again, found.served = found.served, True
        if found.is_act:
            self._acts = max(self._acts, found.act + 1)
        return found.exchange, again

    def told_now(self, text: bytes) -> bytes:
        """A body with the generation ids of now in the place of those of then, which are as long."""
        for then, now in self._generations.items():
            text = text.replace(then.encode(), now.encode())
        return text

    def _is_act(self, method: str, url: str) -> bool:
        return isinstance(purposes.classify(method, url, self._base_path), _ACTS)

    def _reading(self, held: list[_Held]) -> _Held | None:
        # What a closing tab cut off is no answer where there is a whole one; to look on at what runs is
        # always given up some time.
        whole = [
            each for each in held if not each.exchange.given_up or each.exchange.request.kind == "eventsource"
        ]
        held = whole or held
        here = [each for each in held if each.act == self._acts]
        for each in here:
            if not each.served:
                return each
        before = [each for each in held if each.act < self._acts]
        return (here or before)[-1] if here or before else held[0] if held else None

    def _posted(self, held: list[_Held], body: bytes, content_type: str, *, is_act: bool) -> _Held | None:
        said = _fields(body, content_type)
        for each in held:
            if not each.served and each.fits(said):
                self._learn(each, said)
                return each
        if is_act:
            return None
        # Settings and the like, which a page may say once more or in other words.
        return next((each for each in held if not each.served), held[-1] if held else None)

    def _learn(self, held: _Held, said: Any) -> None:
        then = held.fields.get("generationId") if isinstance(held.fields, dict) else None
        now = said.get("generationId") if isinstance(said, dict) else None
        if isinstance(then, str) and isinstance(now, str) and then != now:
            self._generations[then] = now

    def _sentence(self, method: str, target: str, body: bytes, content_type: str) -> str:
        asked = _described(method, target, _fields(body, content_type))
        there = [_described(each.exchange.request.method, each.path, each.fields) for each in self._all]
        closest = max(there, key=lambda each: _likeness(asked, each), default="")
        hint = f" The closest on it is {closest}." if closest else " There is nothing on it."
        return f"The app asked for something that is not on the tape: {asked}.{hint}"


class _Held:
    """An exchange; `act` is how many acts came before it."""

    def __init__(self, exchange: Exchange, act: int, *, is_act: bool) -> None:
        self.exchange, self.act, self.is_act = exchange, act, is_act
        self.served = False
        parts = urlsplit(exchange.request.url)
        self.path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = exchange.request.body
        self.unknown = body is None and exchange.request.has_body
        self.fields = _fields(body or b"", exchange.request.headers.get("content-type", ""))

    def fits(self, said: Any) -> bool:
        return self.unknown or _fits(_lasting(self.fields), _lasting(said))


def _fields(body: bytes, content_type: str) -> Any:
    """What a body says: the fields of a message, JSON, or else its text."""
    if not body:
        return None
    fields: Any = multipart.send_fields(body, content_type)
    if fields is not None:
        return fields
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")


def _lasting(fields: Any) -> Any:
    if isinstance(fields, dict):
        return {name: value for name, value in fields.items() if name not in CHANGING}
    return fields


def _fits(then: Any, now: Any) -> bool:
    if isinstance(then, str) and isinstance(now, str) and MASK in then:
        pattern = ".*".join(map(re.escape, then.split(MASK)))
        return re.fullmatch(pattern, now, re.DOTALL) is not None
    if isinstance(then, dict) and isinstance(now, dict):
        return then.keys() == now.keys() and all(_fits(then[name], now[name]) for name in then)
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_fits, then, now))
    return bool(then == now)


def _described(method: str, path: str, fields: Any) -> str:
    said = "" if fields is None else f" {msgspec.json.encode(_lasting(fields)).decode()[:300]}"
    return f"{method} {path}{said}"


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def mismatched(shelf: Sequence[TapeMismatch]) -> TapeMismatch | None:
    """What is to be raised for all that did not fit: the first, with how many followed."""
    if not shelf:
        return None
    more = f" ({len(shelf) - 1} more followed.)" if len(shelf) > 1 else ""
    return TapeMismatch(f"{shelf[0]}{more}")
