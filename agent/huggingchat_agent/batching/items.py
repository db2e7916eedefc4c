"""The items of a batch, and their results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.user_text import require_text

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

LONGEST_LINE = 16 * 1024 * 1024  # bytes of a line of input


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One prompt of a batch; a line of its input is one as JSON."""

    prompt: str
    id: str | int = ""
    """Names the result; unique within a batch. Default: the number of the line or prompt, from 1."""
    model: str | None = None
    """Id, name, or an unambiguous part. Default: the account's."""
    system: str | None = None
    """The system prompt of the conversation."""
    files: list[str] = []
    """Paths of files to attach."""
    attach: list[str] = []
    """Https addresses of files to attach. The app fetches them."""

    @property
    def key(self) -> str:
        """The key of its result."""
        return str(self.id)

    @property
    def fingerprint(self) -> str:
        """A hash of everything that the item asks."""
        asked: list[object] = [self.prompt, self.model, self.system, self.files]
        if self.attach:  # a journal of an earlier version has items without it
            asked.append(self.attach)
        return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[:16]


class ItemError(msgspec.Struct, frozen=True, kw_only=True):
    """Why an item has no complete answer."""

    error: str
    """The name of the class in `huggingchat_agent.errors`."""
    message: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an item; one line of the output as JSON."""

    id: str
    status: Literal["answered", "failed"]
    text: str = ""
    """The answer, or its beginning if it is not complete."""
    reasoning: str = ""
    model: str | None = None
    """The model that was asked for; None for the account's."""
    conversation_id: str = ""
    message_id: str = ""
    interrupted: bool = False
    """Somebody stopped the answer before its end."""
    error: ItemError | None = None
    looked_up: bool = False
    """An earlier run sent it. This one read the answer in the conversation."""
    attempts: int = 1
    """How often it was tried in this run."""
    seconds: float = 0.0
    """From its start in this run to its end, waits for a rate limit included."""
    fingerprint: str = ""
    """Of the item; a rerun with another prompt under the same id asks again."""


def read_items(path: Path) -> list[Item]:
    """The items of a JSON Lines file. Raises UsageError if it cannot be read, and as `parse_items`."""
    with explain_failure(UsageError, f"{path} cannot be read"), path.open("rb") as file:
        return parse_items(file, str(path))


def parse_items(lines: Iterable[bytes], source: str) -> list[Item]:
    """The items of JSON Lines. Empty lines are left out. Raises UsageError with source and line number."""
    items = []
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST_LINE:
            raise UsageError(f"{source}, line {number} is longer than {LONGEST_LINE:,} bytes.")
        if line := line.removeprefix(b"\xef\xbb\xbf").strip():
            items.append(_read_item(line, f"{source}, line {number}", number))
    if not items:
        raise UsageError(f'{source} has no prompts. Give one JSON object a line: {{"prompt": "..."}}')
    return items


def _read_item(line: bytes, where: str, number: int) -> Item:
    try:
        item = msgspec.json.decode(line, type=Item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        why = "it has half of a surrogate pair (\\ud800 to \\udfff)" if _has_half_pair(line) else error
        raise UsageError(f'{where}: {why}. Each line is an object such as {{"prompt": "..."}}.') from None
    return check_item(item, where, number)


def _has_half_pair(line: bytes) -> bool:
    """Whether the line is JSON whose text UTF-8 cannot hold. msgspec takes it for one that was cut off."""
    try:
        json.dumps(json.loads(line), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        pass
    return False


def check_item(item: Item, where: str, number: int) -> Item:
    """The item with an id. Raises UsageError for text that cannot be sent."""
    for name, value in (("prompt", item.prompt), ("system", item.system), ("id", item.key)):
        require_text(f"{where}: {name}", value or "")
    if not item.prompt.strip():
        raise UsageError(f"{where}: the prompt is empty.")
    for url in item.attach:
        if not require_text(f"{where}: attach", url).startswith("https://"):
            raise UsageError(
                f"{where}: the app fetches from https addresses only. Give such an address, or a file."
            )
    return item if item.key else msgspec.structs.replace(item, id=number)


def _require_several(name: str, values: Iterable[T]) -> Iterable[T]:
    # The characters of a text are texts too, so without this each would be a prompt.
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise UsageError(f"{name} must be a list or a generator without async, not {type(values).__name__}.")
    return values


def _make_item(value: Item | str, number: int) -> Item:
    if isinstance(value, str):
        return Item(prompt=value)
    if not isinstance(value, Item):
        raise UsageError(f"Prompt {number} must be text or an Item, not {type(value).__name__}.")
    try:  # Python does not check the fields of a struct
        return msgspec.convert(msgspec.structs.asdict(value), Item)
    except msgspec.ValidationError as error:
        raise UsageError(f"Prompt {number}: {error}.") from None


def arrange(items: Iterable[Item | str], models: Iterable[str] = ()) -> list[Item]:
    """The items with ids, once for each of the models if there are several.

    With several models, `@MODEL` is added to each id. Raises UsageError if two have the same id.
    """
    chosen = tuple(dict.fromkeys(_require_several("models", models)))
    arranged: list[Item] = []
    for number, each in enumerate(_require_several("prompts", items), 1):
        item = check_item(_make_item(each, number), f"Prompt {number}", number)
        if not chosen:
            arranged.append(item)
        elif len(chosen) == 1:
            arranged.append(msgspec.structs.replace(item, model=item.model or chosen[0]))
        else:
            arranged += [
                msgspec.structs.replace(item, id=f"{item.key}@{model}", model=model) for model in chosen
            ]
    seen: set[str] = set()
    for item in arranged:
        if item.key in seen:
            raise UsageError(f"Two prompts have the id {item.key!r}. Give each its own, or none.")
        seen.add(item.key)
    return arranged
