"""Finds the exchange on a tape that answers a request.

The comparison ignores values that differ in every run: generation id, form boundary, time zone. Where the
tape hides a secret, any text matches.

An act is a request that sends or makes something. It is answered once, and only if its body is the same. A
read is answered any number of times, as the app did between the same two acts.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.errors import PageChanged, TapeMismatch
from huggingchat_agent.origin import path_is_within
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.mask import MASK
from huggingchat_agent.wire import lenient_json, multipart, purposes, routes
from huggingchat_agent.wire.conversations import parse_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from huggingchat_agent.tape.summary import Exchange, Summary

CHANGING = ("generationId", "timezone")
_ACTS = (purposes.SendMessage, purposes.CreateConversation)
_READING = ("GET", "HEAD")


class Client(NamedTuple):
    """How to compare the requests of a client. `compared` gives the fields of a body that must be the same. A
    client that is `in_step` gets the reads between two acts in their order; any other client gets the last
    one. A client that `repeats` may repeat writes other than acts, even with another body.
    """

    compared: Callable[[Any], Any]
    in_step: bool
    repeats: bool


def _drop_changing(fields: Any) -> Any:
    if isinstance(fields, dict):
        return {name: value for name, value in fields.items() if name not in CHANGING}
    return fields


def _keep_message(fields: Any) -> Any:
    """The text of a message. Its other fields depend on the way of sending."""
    if isinstance(fields, dict) and not fields.keys().isdisjoint(("inputs", "is_retry", "generationId")):
        return {name: fields[name] for name in ("inputs", "is_retry") if fields.get(name)}
    return fields


# The app's pages in a browser. They repeat exactly what they did.
PAGES = Client(_drop_changing, in_step=True, repeats=True)
# The agent. It asks at once, and may send in another way than in the recording.
AGENT = Client(_keep_message, in_step=False, repeats=False)


class Matcher:
    """Finds exchanges of a tape. It begins after the sign-in, if there was one."""

    def __init__(self, summary: Summary, client: Client = PAGES) -> None:
        self._base_path = summary.base_path
        self._client = client
        self._by_target: dict[tuple[str, str], list[_Candidate]] = {}
        self._all: list[_Candidate] = []
        self._acts = 0
        self._before: dict[str, _Candidate] = {}  # reads before the sign-in, which may not come again
        self._generations: dict[str, str] = {}  # recorded id -> current id
        candidates = [_Candidate(exchange, self._base_path) for exchange in summary.exchanges]
        begins = _find_end_of_sign_in(summary, candidates)
        acts = 0
        for each in candidates:
            if each.method in _READING and each.exchange.response is None and each.exchange.abandoned:
                continue
            if each.exchange.request.n < begins:
                if each.method in _READING and each.is_good:
                    self._before[each.path] = each
                continue
            each.act = acts
            acts += each.is_act
            self._all.append(each)
            self._by_target.setdefault((each.method, each.path), []).append(each)

    @property
    def acts(self) -> int:
        """How many acts have had an answer."""
        return self._acts

    def count_acts_before(self, n: int) -> int:
        """How many acts began on the tape before record `n`."""
        return sum(each.is_act and each.exchange.request.n < n for each in self._all)

    def covers(self, path: str) -> bool:
        """Whether a path belongs to the app. Tapes hold nothing else."""
        return path_is_within(path, self._base_path) and path != "/favicon.ico"

    def find(self, method: str, target: str, body: bytes, content_type: str) -> tuple[Exchange, bool]:
        """The exchange that answers a request, and whether it has answered one before.

        Raises TapeMismatch, which names the closest request on the tape.
        """
        for recorded, current in self._generations.items():
            target = target.replace(current, recorded)
        if method in _READING:
            found = self._find_read(method, target)
        else:
            found = self._find_write(
                self._by_target.get((method, target), []), _parse_fields(body, content_type)
            )
        if found is None:
            raise TapeMismatch(self._explain_mismatch(method, target, body, content_type))
        again, found.used = found.used, True
        if found.is_act:
            self._acts = max(self._acts, found.act + 1)
        return found.exchange, again

    def put_current_ids(self, text: bytes) -> bytes:
        """A body with the current generation ids in place of the recorded ones, which are as long."""
        for recorded, current in self._generations.items():
            text = text.replace(recorded.encode(), current.encode())
        return text

    def _find_read(self, method: str, target: str) -> _Candidate | None:
        # Prefer whole answers to those that a closing tab cut off.
        candidates = self._by_target.get((method, target), [])
        whole = [each for each in candidates if each.is_whole or not each.exchange.abandoned]
        if not whole and (found := self._before.get(target) or self._find_list_end(method, target)):
            return found
        return self._choose_read(whole or candidates)

    def _choose_read(self, candidates: list[_Candidate]) -> _Candidate | None:
        """The read at this place of the tape, or the nearest."""
        if self._client.in_step:
            for each in candidates:
                if each.act == self._acts and not each.used:
                    return each
        before = [each for each in candidates if each.act <= self._acts]
        return before[-1] if before else candidates[0] if candidates else None

    def _find_list_end(self, method: str, target: str) -> _Candidate | None:
        """For any page of the list of conversations: the empty page that ends it, if that was recorded.

        How far a page of the app reads in that list depends on the speed of the answers.
        """
        asked = routes.classify(method, target, self._base_path)
        if not isinstance(asked, purposes.ListConversations) or asked.page == 0:
            return None
        pages = [each for each in self._all if isinstance(each.purpose, purposes.ListConversations)]
        furthest = max((each for each in pages if each.is_good), key=lambda each: each.page, default=None)
        return furthest if furthest is not None and furthest.is_empty_list else None

    def _find_write(self, candidates: list[_Candidate], fields: Any) -> _Candidate | None:
        unused = [each for each in candidates if not each.used]
        same = [each for each in unused if each.matches(fields, self._client.compared)]
        # The parent distinguishes messages with the same text.
        same.sort(key=lambda each: _get_value(each.fields, "id") != _get_value(fields, "id"))
        if same:
            self._learn_generation(same[0], fields)
            return same[0]
        if not self._client.repeats or any(each.is_act for each in candidates):
            return None
        return unused[0] if unused else candidates[-1] if candidates else None

    def _learn_generation(self, candidate: _Candidate, fields: Any) -> None:
        recorded, current = _get_value(candidate.fields, "generationId"), _get_value(fields, "generationId")
        if isinstance(recorded, str) and isinstance(current, str) and recorded != current:
            self._generations[recorded] = current

    def _explain_mismatch(self, method: str, target: str, body: bytes, content_type: str) -> str:
        compared = self._client.compared
        asked = _describe(method, target, compared(_parse_fields(body, content_type)))
        recorded = [_describe(each.method, each.path, compared(each.fields)) for each in self._all]
        closest = max(recorded, key=lambda each: _measure_likeness(asked, each), default="")
        hint = f"The closest on it is {closest}." if closest else "There is nothing on it."
        return redact.text(f"Not on the tape, or answered already: {asked}. {hint}")


class _Candidate:
    """An exchange of the tape. `act` is how many acts came before it."""

    def __init__(self, exchange: Exchange, base_path: str) -> None:
        request = exchange.request
        self.exchange, self.act, self.used = exchange, 0, False
        self.method, self.path = request.method, exchange.path
        self.purpose = routes.classify(request.method, request.url, base_path)
        self.is_act = isinstance(self.purpose, _ACTS)
        self.unknown = request.body is None and request.has_body
        self.fields = _parse_fields(request.body or b"", request.headers.get("content-type", ""))

    @property
    def is_good(self) -> bool:
        """Whether it is complete and a success."""
        response = self.exchange.response
        return response is not None and response.status == 200 and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether it is complete. The page's own watch of running generations never ends by itself."""
        watched = self.exchange.request.kind == "eventsource" and self.exchange.response is not None
        return watched or self.exchange.failed is None

    @property
    def page(self) -> int:
        """The number of the page in the list of conversations."""
        return self.purpose.page if isinstance(self.purpose, purposes.ListConversations) else 0

    @property
    def is_empty_list(self) -> bool:
        try:
            return not parse_list(bytes(self.exchange.body)).conversations
        except PageChanged:
            return False

    def matches(self, fields: Any, compared: Callable[[Any], Any]) -> bool:
        return self.unknown or _matches(compared(self.fields), compared(fields))


def raise_mismatch(mismatches: Sequence[TapeMismatch]) -> None:
    """Raise the first of them, if there is one, with how many followed."""
    if mismatches:
        more = f" ({len(mismatches) - 1} more followed.)" if len(mismatches) > 1 else ""
        raise TapeMismatch(f"{mismatches[0]}{more}")


def _find_end_of_sign_in(summary: Summary, candidates: Sequence[_Candidate]) -> int:
    """The number of the record that ended the sign-in with which the session began, or 0."""
    first = min((each.exchange.request.n for each in candidates if each.is_act), default=None)
    hidden = [each.n for each in summary.recording.records if isinstance(each, tapes.Hidden)]
    return max((n for n in hidden if first is None or n < first), default=0)


def _parse_fields(body: bytes, content_type: str) -> Any:
    """The fields of a message's form, or JSON, or else the text of a body."""
    if not body:
        return None
    fields: Any = multipart.parse_send_fields(body, content_type)
    if fields is not None:
        return fields
    try:
        return lenient_json.load(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _get_value(fields: Any, name: str) -> Any:
    return fields.get(name) if isinstance(fields, dict) else None


def _matches(recorded: Any, current: Any) -> bool:
    """Whether both are the same. Absent and null are the same; a mask stands for any text or value."""
    if recorded == MASK:
        return current is not None
    if isinstance(recorded, str) and isinstance(current, str) and MASK in recorded:
        return _matches_masked(recorded, current)
    if isinstance(recorded, dict) and isinstance(current, dict):
        names = recorded.keys() | current.keys()
        return all(_matches(recorded.get(name), current.get(name)) for name in names)
    if isinstance(recorded, list) and isinstance(current, list):
        return len(recorded) == len(current) and all(map(_matches, recorded, current))
    return bool(recorded == current)


def _matches_masked(recorded: str, current: str) -> bool:
    first, *between, last = recorded.split(MASK)
    at, end = len(first), len(current) - len(last)
    if at > end or not (current.startswith(first) and current.endswith(last)):
        return False
    for part in between:
        found = current.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _describe(method: str, path: str, fields: Any) -> str:
    body = "" if fields is None else f" {msgspec.json.encode(fields).decode()[:300]}"
    return f"{method} {path}{body}"


def _measure_likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
