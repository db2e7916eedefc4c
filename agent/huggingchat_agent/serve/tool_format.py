"""The text form of tools, in the prompt and in the answer, for models that get no tools. It is the form of
Hermes and Qwen, which many models have learned:

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>

Results go back as `<tool_response>` with the name and the content. docs/doors.md describes it for users.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent.errors import UsageError
from huggingchat_agent.structured import Misshapen, list_problems, make_validator, parse_json, write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OPEN, CLOSE, RESULT = "<tool_call>", "</tool_call>", "<tool_response>"
_BLOCK = re.compile(rf"{OPEN}(.*?)(?:{CLOSE}|\Z)", re.DOTALL)
_FENCE = re.compile(r"```[\w-]*\s*(.*?)\s*(?:```)?\s*", re.DOTALL)
# How an answer may begin that has only calls, without a tag.
_BARE = re.compile(r"\s*(?:`{0,2}|```[\w-]*\s*|(?:```[\w-]*\s*)?[{\[].*)", re.DOTALL)

_FORM = f"""{OPEN}
{{"name": "the tool's name", "arguments": {{"parameter": "value"}}}}
{CLOSE}"""


class ToolCall(msgspec.Struct, frozen=True):
    """A call of a client's tool. `arguments` is a JSON object, as the model wrote it."""

    id: str
    name: str
    arguments: str


class Tool:
    """A tool that a client offers. `parameters` is a JSON schema; any other value raises UsageError."""

    def __init__(self, name: str, description: str, parameters: Any) -> None:
        self.name, self.description, self.parameters = name, description, parameters
        self._validator = make_validator(parameters)

    def check(self, arguments: Any) -> None:
        """Raises Misshapen for arguments that do not fit."""
        if problems := list_problems(self._validator, arguments):
            raise Misshapen(f"the arguments of {self.name} are wrong: {'; '.join(problems)}")


class Calls(msgspec.Struct, frozen=True):
    """What an answer holds: its text without the calls, the good calls, and what is wrong with others."""

    text: str
    calls: tuple[ToolCall, ...] = ()
    problems: tuple[str, ...] = ()


def make_tools(offered: Iterable[tuple[str, str, Any]]) -> tuple[Tool, ...]:
    """Tools by name, description and schema of their arguments. Raises UsageError."""
    made: dict[str, Tool] = {}
    for name, description, parameters in offered:
        if not re.fullmatch(r"[\w.:/-]{1,128}", name):
            raise UsageError(f"{name[:80]!r} is not a valid name for a tool.")
        if name in made:
            raise UsageError(f"Two tools have the name {name!r}.")
        made[name] = Tool(name, description, {"type": "object"} if parameters is None else parameters)
    return tuple(made.values())


def describe_tools(tools: Sequence[Tool]) -> str:
    """The part of the system prompt that offers them."""
    listed = "\n".join(
        msgspec.json.encode(
            {"name": each.name, "description": each.description, "parameters": each.parameters}
        ).decode()
        for each in tools
    )
    return f"""# Tools of the user

You can call tools. Their results come in the next message, as {RESULT}. To call one, end your answer with:

{_FORM}

Write such a block for each call, and nothing after the last one. `arguments` must fit the JSON schema in \
`parameters`. Never make a value up: if you do not know one, ask for it instead of calling. If you need no \
tool, answer without such a block.

{listed}"""


def describe_choice(*, may_call: bool, must_call: str | None, one_call: bool) -> str:
    """What to add to a prompt where the client limits the calls; "" where it does not."""
    if not may_call:
        return "\n\nCall no tool in this answer."
    parts = []
    if must_call is not None:
        parts.append(f"Call the tool {must_call} now." if must_call else "Call one of the tools now.")
    if one_call:
        parts.append("Call at most one tool.")
    return "".join(f"\n\n{each}" for each in parts)


def ask_again(problems: Iterable[str]) -> str:
    """A prompt for another try."""
    listed = "\n".join(f"- {each}" for each in problems)
    return f"""Nothing was called, because:
{listed}

Write all calls again, each in this form and with nothing after the last one:

{_FORM}

If you do not want to call a tool, answer without such a block."""


def write_calls(calls: Iterable[ToolCall]) -> str:
    """Calls as the model writes them."""
    return "\n".join(
        f'{OPEN}\n{{"name": {write_json(each.name)}, "arguments": {each.arguments or "{}"}}}\n{CLOSE}'
        for each in calls
    )


def write_result(call: ToolCall, text: str) -> str:
    """The result of a call as the model reads it."""
    return f"{RESULT}\n{write_json({'name': call.name, 'content': text})}\n</tool_response>"


def find_beginning(text: str) -> int:
    """The place from which an unfinished text could be a call; its length if none could be."""
    if _BARE.fullmatch(text):
        return 0
    if (place := text.find(OPEN)) >= 0:
        return place
    return next(
        (
            len(text) - size
            for size in range(min(len(text), len(OPEN) - 1), 0, -1)
            if OPEN.startswith(text[-size:])
        ),
        len(text),
    )


def has_ended(text: str) -> bool:
    """Whether the calls are over, because the model goes on with a result that it invents."""
    return CLOSE in text and text.find(RESULT, text.rfind(CLOSE)) >= 0


def read_calls(text: str, tools: Sequence[Tool]) -> Calls:
    """The calls in an answer. Each is taken as it is written, or is a problem."""
    if CLOSE in text:
        end = text.find(RESULT, text.rfind(CLOSE))
        text = text if end < 0 else text[:end]
    by_name = {each.name: each for each in tools}
    blocks = _BLOCK.findall(text)
    rest = _BLOCK.sub("", text)
    if not blocks:
        if not _is_bare(text, by_name):
            return Calls(text)
        blocks, rest = [text], ""
    calls: list[ToolCall] = []
    problems: list[str] = []
    for block in blocks:
        try:
            for each in _parse_block(block):
                calls.append(_read_call(each, by_name))
        except Misshapen as error:
            problems.append(str(error))
    return Calls(rest, tuple(calls), tuple(problems))


def _unwrap(block: str) -> str:
    fenced = _FENCE.fullmatch(block.strip())
    return fenced[1] if fenced else block.strip()


def _parse_block(block: str) -> list[Any]:
    value = parse_json(_unwrap(block))
    return value if isinstance(value, list) else [value]


def _is_bare(text: str, by_name: dict[str, Tool]) -> bool:
    """Whether an answer has only calls, without a tag: some servers treat the tags as their own."""
    try:
        values = _parse_block(text)
    except Misshapen:
        return False
    return bool(values) and all(
        isinstance(each, dict) and str(each.get("name")) in by_name and "arguments" in each for each in values
    )


def _read_call(value: Any, by_name: dict[str, Tool]) -> ToolCall:
    if not isinstance(value, dict) or not isinstance(name := value.get("name"), str):
        raise Misshapen('a call is a JSON object with "name" and "arguments"')
    tool = by_name.get(name)
    if tool is None:
        raise Misshapen(f"there is no tool {name[:80]!r}; there are: {', '.join(by_name)}")
    arguments = value.get("arguments")
    if isinstance(arguments, str):
        arguments = parse_json(arguments)
    if not isinstance(arguments, dict):
        raise Misshapen(f'the call of {name} has no object as "arguments"')
    tool.check(arguments)
    return ToolCall(f"call_{uuid.uuid4().hex[:24]}", name, write_json(arguments))
