"""Finds for a request of the app the exchange on the tape that answers it.

Requests are compared without what changes on every run: the id of a generation, the boundary of a
form, the time zone. Where a secret was left out of the tape anything fits. What sends or makes
something (an act) is answered once, and only by an act with the same body. What only reads is answered
as the app did between the same two acts, as often as it is asked.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import PageChanged, TapeMismatch
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.mask import MASK
from huggingchat_agent.wire import multipart, purposes, routes
from huggingchat_agent.wire.conversations import parse_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from huggingchat_agent.tape.summary import Digest, Exchange

CHANGING = ("generationId", "timezone")
_ACTS = (purposes.SendMessage, purposes.CreateConversation)
_READING = ("GET", "HEAD")


class Asker(NamedTuple):
    """Who asks, which says how what is asked is compared.

    `compared` gives of the fields of a body those that must be the same. With `in_step` the reads
    between two acts are answered one after the other as they were, else by the last of them. What
    writes but is no act may be said again or in other words where the asker `repeats` itself.
    """

    compared: Callable[[Any], Any]
    in_step: bool
    repeats: bool


def _lasting(fields: Any) -> Any:
    """Without what changes on every run."""
    if isinstance(fields, dict):
        return {name: value for name, value in fields.items() if name not in CHANGING}
    return fields


def _said(fields: Any) -> Any:
    """Of a message what it says; how much more is sent with it depends on who sends."""
    if isinstance(fields, dict) and not fields.keys().isdisjoint(("inputs", "is_retry", "generationId")):
        return {name: fields[name] for name in ("inputs", "is_retry") if fields.get(name)}
    return fields


# The app's own pages, in a browser, which do again exactly what they did then.
PAGES = Asker(_lasting, in_step=True, repeats=True)
# The agent by itself, at once and perhaps by another way than then.
AGENT = Asker(_said, in_step=False, repeats=False)


class Shelf:
    """The exchanges of a tape, from the sign-in on if there was one."""

    def __init__(self, digest: Digest, asker: Asker = PAGES) -> None:
        self._base_path = digest.base_path
        self._asker = asker
        self._held: dict[tuple[str, str], list[_Held]] = {}
        self._all: list[_Held] = []
        self._acts = 0
        self._before: dict[str, _Held] = {}  # what was read before the sign-in, and perhaps never again
        self._generations: dict[str, str] = {}  # of the tape -> of now
        made = [_Held(exchange, self._base_path) for exchange in digest.exchanges]
        begins = _signed_in(digest, made)
        acts = 0
        for held in made:
            if held.method in _READING and held.exchange.response is None and held.exchange.given_up:
                continue
            if held.exchange.request.n < begins:
                if held.method in _READING and held.is_good:
                    self._before[held.path] = held
                continue
            held.act = acts
            acts += held.is_act
            self._all.append(held)
            self._held.setdefault((held.method, held.path), []).append(held)

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
        if method in _READING:
            found = self._read(method, target)
        else:
            found = self._posted(self._held.get((method, target), []), _fields(body, content_type))
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

    def _read(self, method: str, target: str) -> _Held | None:
        # What a closing tab cut off is no answer where there is a whole one.
        held = self._held.get((method, target), [])
        whole = [each for each in held if each.is_whole or not each.exchange.given_up]
        if not whole and (found := self._before.get(target) or self._end_of_list(method, target)):
            return found
        return self._now(whole or held)

    def _now(self, held: list[_Held]) -> _Held | None:
        """Of what was read there, what is read at this place of the tape, or as near as there is."""
        if self._asker.in_step:
            for each in held:
                if each.act == self._acts and not each.served:
                    return each
        before = [each for each in held if each.act <= self._acts]
        return before[-1] if before else held[0] if held else None

    def _end_of_list(self, method: str, target: str) -> _Held | None:
        """What the app says behind the last page of its list of conversations, if this is a page of it.

        How far a page of the app reads on there depends on how fast it is answered.
        """
        asked = routes.classify(method, target, self._base_path)
        if not isinstance(asked, purposes.ListConversations) or asked.page == 0:
            return None
        pages = [each for each in self._all if isinstance(each.purpose, purposes.ListConversations)]
        furthest = max((each for each in pages if each.is_good), key=lambda each: each.page, default=None)
        return furthest if furthest is not None and furthest.is_empty_list else None

    def _posted(self, held: list[_Held], said: Any) -> _Held | None:
        fresh = [each for each in held if not each.served]
        same = [each for each in fresh if each.fits(said, self._asker.compared)]
        # Said more than once, it is known by what it was an answer to.
        same.sort(key=lambda each: _value(each.fields, "id") != _value(said, "id"))
        if same:
            self._learn(same[0], said)
            return same[0]
        if not self._asker.repeats or any(each.is_act for each in held):
            return None
        return fresh[0] if fresh else held[-1] if held else None

    def _learn(self, held: _Held, said: Any) -> None:
        then, now = _value(held.fields, "generationId"), _value(said, "generationId")
        if isinstance(then, str) and isinstance(now, str) and then != now:
            self._generations[then] = now

    def _sentence(self, method: str, target: str, body: bytes, content_type: str) -> str:
        compared = self._asker.compared
        asked = _described(method, target, compared(_fields(body, content_type)))
        there = [_described(each.method, each.path, compared(each.fields)) for each in self._all]
        closest = max(there, key=lambda each: _likeness(asked, each), default="")
        hint = f"The closest on it is {closest}." if closest else "There is nothing on it."
        return redact.text(f"Not on the tape, or answered already: {asked}. {hint}")


class _Held:
    """An exchange; `act` is how many acts came before it."""

    def __init__(self, exchange: Exchange, base_path: str) -> None:
        request = exchange.request
        self.exchange, self.act, self.served = exchange, 0, False
        self.method, self.path = request.method, exchange.path
        self.purpose = routes.classify(request.method, request.url, base_path)
        self.is_act = isinstance(self.purpose, _ACTS)
        self.unknown = request.body is None and request.has_body
        self.fields = _fields(request.body or b"", request.headers.get("content-type", ""))

    @property
    def is_good(self) -> bool:
        """Whether all of it came, and was what had been asked for."""
        response = self.exchange.response
        return response is not None and response.status == 200 and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether it came to its end; to look on at what runs is always given up some time."""
        looked_on = self.exchange.request.kind == "eventsource" and self.exchange.response is not None
        return looked_on or self.exchange.failed is None

    @property
    def page(self) -> int:
        """Of the list of conversations."""
        return self.purpose.page if isinstance(self.purpose, purposes.ListConversations) else 0

    @property
    def is_empty_list(self) -> bool:
        try:
            return not parse_list(bytes(self.exchange.body)).conversations
        except PageChanged:
            return False

    def fits(self, said: Any, compared: Callable[[Any], Any]) -> bool:
        return self.unknown or _fits(compared(self.fields), compared(said))


def _signed_in(digest: Digest, made: Sequence[_Held]) -> int:
    """The record with which the sign-in was over that the session began with."""
    first = min((each.exchange.request.n for each in made if each.is_act), default=None)
    hidden = [each.n for each in digest.recording.records if isinstance(each, tapes.Hidden)]
    return max((n for n in hidden if first is None or n < first), default=0)


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


def _value(fields: Any, name: str) -> Any:
    return fields.get(name) if isinstance(fields, dict) else None


def _fits(then: Any, now: Any) -> bool:
    """Whether the one says what the other does; absent and null are one."""
    if isinstance(then, str) and isinstance(now, str) and MASK in then:
        pattern = ".*".join(map(re.escape, then.split(MASK)))
        return re.fullmatch(pattern, now, re.DOTALL) is not None
    if isinstance(then, dict) and isinstance(now, dict):
        return all(_fits(then.get(name), now.get(name)) for name in then.keys() | now.keys())
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_fits, then, now))
    return bool(then == now)


def _described(method: str, path: str, fields: Any) -> str:
    said = "" if fields is None else f" {msgspec.json.encode(fields).decode()[:300]}"
    return f"{method} {path}{said}"


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def mismatched(shelf: Sequence[TapeMismatch]) -> TapeMismatch | None:
    """What is to be raised for all that did not fit: the first, with how many followed."""
    if not shelf:
        return None
    more = f" ({len(shelf) - 1} more followed.)" if len(shelf) > 1 else ""
    return TapeMismatch(f"{shelf[0]}{more}")
