"""The artifacts in the text of answers, by the same rules as the app's page.

`<artifact identifier="…" type="…" title="…">` holds a whole text. With `type="update"` it holds pairs of
`<old_str>` and `<new_str>`, and each replaces the first place of the old text in the last version. Models
write this markup with small mistakes: a doubled bracket, a swapped closing tag, another identifier, other
white space or quotes. The page forgives these, and so does this.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

import msgspec

from huggingchat_agent.artifact import Artifact, ArtifactVersion, Type
from huggingchat_agent.log_records import log
from huggingchat_agent.wire.fold import read_stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

# Models write the versions, so their number has no limit. Versions beyond this size are left out.
LARGEST = 32_000_000  # characters of all versions of a conversation
MOST = 100  # pairs of an update; the app asks models for four

_OPEN = re.compile(r"<artifact(?!\w)", re.IGNORECASE | re.ASCII)
_CLOSE = re.compile(r"</artifact>", re.IGNORECASE | re.ASCII)
_ATTRIBUTE = re.compile(r"(?<![\w-])([\w-]++)\s*+=\s*+\"([^\"]*)\"", re.ASCII)
_BETWEEN = re.compile(r"</(?:old|new)_str>\s*<++new_str>")
_END = re.compile(r"</(?:old|new)_str>")
_RUN = re.compile(r"\s+|<+")
_DOUBLED = re.compile(r"\A(\s*)<{2,}(?=[!/a-zA-Z])")

_TYPES = {
    **{name: name for name in get_args(Type)},
    **{"text/html": "html", "image/svg+xml": "svg", "md": "markdown", "text/markdown": "markdown"},
    **{"jsx": "react", "tsx": "react", "application/vnd.ant.code": "code"},
    **{"application/vnd.ant.react": "react", "application/vnd.ant.mermaid": "mermaid"},
}
# One character for another, so that places stay the same.
_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛′", "'") | dict.fromkeys("“”„‟″", '"') | dict.fromkeys("‐‑‒–—―−", "-")
)


class Operation(NamedTuple):
    """One `<artifact>` of a text. `pairs` is None for a whole text, which is in `content`."""

    identifier: str
    type: str
    title: str
    language: str
    content: str
    pairs: list[tuple[str, str]] | None
    closed: bool


def read_operations(text: str) -> Iterator[Operation]:
    """The operations in a text, in order. One that does not end is the last."""
    at = 0
    while match := _OPEN.search(text, at):
        end = text.find(">", match.end())
        if end < 0:
            return  # the text ended within the tag
        attributes = {name.lower(): value for name, value in _ATTRIBUTE.findall(text, match.end(), end)}
        close = _CLOSE.search(text, end + 1)
        if close is None:
            yield _make_operation(attributes, text[end + 1 :], closed=False)
            return
        inner = text[end + 1 : close.start()].rstrip("<")
        yield _make_operation(attributes, inner, closed=True)
        at = close.end()


def _make_operation(attributes: dict[str, str], inner: str, *, closed: bool) -> Operation:
    identifier = attributes.get("identifier") or attributes.get("id") or "untitled-artifact"
    kind, title = attributes.get("type", "").strip().lower(), attributes.get("title", "")
    language = attributes.get("language", "")
    if kind == "update":
        return Operation(identifier, kind, title, language, "", list(_find_pairs(inner)), closed)
    content = inner if closed else _drop_half_tag(inner)
    content = re.sub(r"\A\r?\n", "", content)
    if closed:
        content = re.sub(r"\r?\n[ \t]*\Z", "", content)
    content = _DOUBLED.sub(r"\1<", content)
    return Operation(
        identifier, _TYPES.get(kind, "code"), title or identifier, language, content, None, closed
    )


def _drop_half_tag(text: str) -> str:
    """The text without the beginning of a closing tag at its end."""
    at = text.rfind("<")
    if at < 0 or not "</artifact>".startswith(text[at:].lower()):
        return text
    return text[:at].rstrip("<")


def _find_pairs(inner: str) -> Iterator[tuple[str, str]]:
    at = 0
    while (begin := inner.find("<old_str>", at)) >= 0:
        begin += len("<old_str>")
        between = _BETWEEN.search(inner, begin)
        end = between and _END.search(inner, between.end())
        if between is None or end is None:
            return
        yield inner[begin : between.start()].rstrip("<"), inner[between.end() : end.start()].rstrip("<")
        at = end.end()


def apply(base: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """The text with the first place of each old text replaced, and how many were not found."""
    failed, target = max(len(pairs) - MOST, 0), _Target(base)
    for old, new in pairs[:MOST]:
        place = target.find(old) if old else None
        if place is None:
            failed += 1
        else:
            target = _Target(target.text[: place[0]] + new + target.text[place[1] :])
    return target.text, failed


class _Target:
    """A text in which others are looked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._plain = text.translate(_TYPOGRAPHY)

    def find(self, old: str) -> tuple[int, int] | None:
        """Where it is, else where it is with other white space and other numbers of brackets."""
        wanted = old.translate(_TYPOGRAPHY)
        at = self._plain.find(wanted)
        if at >= 0:
            return at, at + len(wanted)
        short, places = self._collapsed
        wanted = _collapse(wanted.strip())[0]
        at = short.find(wanted) if wanted else -1
        return (_restore(places, at), _restore(places, at + len(wanted))) if at >= 0 else None

    @functools.cached_property
    def _collapsed(self) -> tuple[str, list[tuple[int, int]]]:
        return _collapse(self._plain)


def _collapse(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text with one character for each run of white space or brackets, and the place after each run in
    both texts.
    """
    pieces: list[str] = []
    places, length, at = [(0, 0)], 0, 0
    for match in _RUN.finditer(text):
        pieces += (text[at : match.start()], "<" if match[0] == "<" * len(match[0]) else " ")
        length, at = length + match.start() - at + 1, match.end()
        places.append((length, at))
    return "".join([*pieces, text[at:]]), places


def _restore(places: list[tuple[int, int]], at: int) -> int:
    """A place in the short text as a place in the original: before or after a run, never within."""
    short, long = places[bisect_right(places, at, key=lambda each: each[0]) - 1]
    return long + at - short


def collect(texts: Iterable[tuple[str, str]]) -> list[Artifact]:
    """The artifacts of answers with their ids, in order. An update without a base is left out."""
    found: dict[str, list[ArtifactVersion]] = {}
    left = LARGEST
    for message_id, text in texts:
        for each in read_operations(text):
            made = _make_version(found, each, message_id)
            if made is None:
                continue
            identifier, version = made
            left -= len(version.content)
            if left < 0:
                log.warning("Artifacts of more than %d characters: the later ones are left out.", LARGEST)
                return _list(found)
            found.setdefault(identifier, []).append(version)
    return _list(found)


def _list(found: dict[str, list[ArtifactVersion]]) -> list[Artifact]:
    return [Artifact(identifier=name, versions=versions) for name, versions in found.items()]


def _make_version(
    found: dict[str, list[ArtifactVersion]], given: Operation, message_id: str
) -> tuple[str, ArtifactVersion] | None:
    """The version that an operation makes, and of which artifact."""
    if given.pairs is None:
        before = found.get(given.identifier, [])
        return given.identifier, ArtifactVersion(
            number=len(before) + 1,
            operation="rewrite" if before else "create",
            type=cast("Type", given.type),
            title=given.title,
            content=given.content,
            language=given.language,
            message_id=message_id,
            complete=given.closed,
        )
    name = _find_base(found, given.identifier)
    if name is None:
        return None
    base = found[name][-1]
    content, failed = apply(base.content, given.pairs)
    return name, ArtifactVersion(
        number=base.number + 1,
        operation="update",
        type=base.type,
        title=given.title or base.title,
        content=content,
        language=base.language,
        message_id=message_id,
        complete=given.closed,
        failed=failed if given.pairs else 1,
    )


def _find_base(found: dict[str, list[ArtifactVersion]], identifier: str) -> str | None:
    """The artifact that an update is for: with that identifier, with a similar one, else the newest."""
    if identifier in found:
        return identifier
    wanted = identifier.strip().lower()
    near = [name for name in found if name.strip().lower() == wanted]
    return near[0] if len(near) == 1 else next(reversed(found), None)


def read_branch(messages: Iterable[StoredMessage]) -> list[Artifact]:
    """The artifacts of the messages of a branch."""
    return collect(
        (each.id, read_stored(each).split(each.content)[0])
        for each in messages
        if each.author == "assistant" and _OPEN.search(each.content)
    )


def add_to(answer: Answer, read: ConversationRead | None) -> Answer:
    """The answer with the artifacts that it made or changed. Earlier versions come from the conversation."""
    if not _OPEN.search(answer.text):
        return answer
    message = read.message(answer.message_id) if read else None
    if read is None or message is None:
        artifacts = collect([(answer.message_id, answer.text)])
    else:
        by_id = {each.id: each for each in read.messages}
        branch = [by_id[each] for each in message.ancestors if each in by_id]
        artifacts = read_branch([*branch, message])
    own = [each for each in artifacts if each.last.message_id == answer.message_id]
    return msgspec.structs.replace(answer, artifacts=own)
