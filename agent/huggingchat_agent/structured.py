"""Answers in JSON: asks a model for one, and reads and checks its text.

    form = Form({"type": "object", "required": ["city"]})
    text = ask(question + form.instructions)
    try:
        answer = form.read(text)
    except Misshapen as error:
        answer = form.read(ask(form.ask_again(error)))

A value is taken as the model wrote it, or not at all: nothing is repaired, added or dropped here.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema.protocols import Validator

MOST_PROBLEMS = 5  # problems that a model is asked to correct at a time
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)


class Misshapen(ValueError):
    """A text is not the JSON that was asked for. The message says why, in words that a model can use."""


class Form:
    """The form that an answer must have: JSON that fits a schema, or any JSON object without one."""

    def __init__(self, schema: Any = None) -> None:
        """Raises UsageError if it is no JSON schema."""
        self.schema = schema
        self._validator = make_validator({"type": "object"} if schema is None else schema)

    @property
    def instructions(self) -> str:
        """What to add to a prompt."""
        if self.schema is None:
            return "\n\nAnswer with one JSON object and nothing else."
        text = msgspec.json.encode(self.schema).decode()
        return f"\n\nAnswer with JSON and nothing else. It must fit this JSON schema:\n{text}"

    def read(self, text: str) -> str:
        """The JSON in an answer, as the model wrote it. Raises Misshapen."""
        value, found = find_json(text)
        if problems := list_problems(self._validator, value):
            raise Misshapen("; ".join(problems))
        return found

    def ask_again(self, problem: Misshapen) -> str:
        """A prompt for another try."""
        return f"Your answer is not as it must be: {problem}.{self.instructions}"


def make_validator(schema: Any) -> Validator:
    """A check of values against a schema, which loads no address. Raises UsageError for a wrong schema."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator, validator_for
    from referencing import Registry

    if not isinstance(schema, dict | bool):
        raise UsageError("A JSON schema is an object.")
    kind: Any = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        place = error.json_path.removeprefix("$").lstrip(".")
        raise UsageError(
            f"The JSON schema is wrong{f' at {place}' if place else ''}: {error.message[:300]}."
        ) from None
    # Without a registry, the library loads references from the network.
    validator: Validator = kind(schema, registry=Registry())
    return validator


def list_problems(validator: Validator, value: Any) -> list[str]:
    """The problems of a value, at most MOST_PROBLEMS of them. Raises UsageError for a lost reference."""
    from referencing.exceptions import Unresolvable

    try:
        errors = sorted(validator.iter_errors(value), key=lambda each: each.json_path)
    except (Unresolvable, RecursionError) as error:
        raise UsageError(f"A reference in the JSON schema leads nowhere: {str(error)[:200]}.") from None
    return [_describe(each.json_path, each.message) for each in errors[:MOST_PROBLEMS]]


def _describe(path: str, message: str) -> str:
    place = path.removeprefix("$").removeprefix(".")
    return f"{place}: {message[:300]}" if place else message[:300]


def find_json(text: str) -> tuple[Any, str]:
    """The one value of an answer, and its text: all of it, a block of code, or the first object or list.

    Raises Misshapen.
    """
    first = ""
    for each in _list_candidates(text):
        try:
            return parse_json(each), each
        except Misshapen as error:
            first = first or str(error)
    for place in (match.start() for match in re.finditer(r"[{\[]", text)):
        try:
            value, end = _Strict().raw_decode(text, place)
        except (ValueError, RecursionError):
            break  # what begins here is broken; an object inside it is not the answer
        return value, text[place:end]
    raise Misshapen(first or "there is no JSON in it")


def _list_candidates(text: str) -> Iterator[str]:
    yield text.strip()
    blocks = _FENCE.findall(text)
    if len(blocks) == 1:
        yield blocks[0].strip()


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises Misshapen."""
    try:
        return json.loads(text, cls=_Strict)
    except json.JSONDecodeError as error:
        raise Misshapen(
            f"it is not valid JSON ({error.msg} at line {error.lineno}, column {error.colno})"
        ) from None
    except (ValueError, RecursionError) as error:
        raise Misshapen(str(error)[:200]) from None


def write_json(value: Any) -> str:
    """A value of `parse_json` as text."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)  # half a surrogate pair is no text


class _Strict(json.JSONDecoder):
    def __init__(self, **given: Any) -> None:
        given |= {"parse_constant": _refuse, "parse_float": _parse_float}
        super().__init__(**given)


def _parse_float(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text)


def _refuse(name: str) -> Any:
    raise Misshapen(f"{name} is not JSON")
