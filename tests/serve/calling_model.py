"""A scripted model that calls a tool in the ways that models have; and how many calls come through.

`python -m tests.serve.calling_model` (scripts/tool-calls) prints the shares that docs/doors.md names.
"""

from __future__ import annotations

import json
import sys

from huggingchat_agent.serve.question import Question
from huggingchat_agent.serve.shaping import Shaper
from huggingchat_agent.serve.tool_format import make_tools

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = make_tools([("get_weather", "The weather.", CITY), ("get_time", "", None)])
MEANT = [("get_weather", {"city": "Paris", "days": 2})]
_CALL = '{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}'
GOOD = f"<tool_call>\n{_CALL}\n</tool_call>"

# The first answer of each way; asked again, this model writes `GOOD`.
WAYS = {
    "as described": GOOD,
    "on one line": f"<tool_call>{_CALL}</tool_call>",
    "after a text": f"Let me look that up.\n\n{GOOD}",
    "text after it": f"{GOOD}\nI wait for the result.",
    "no last tag": f"<tool_call>\n{_CALL}",
    "no tags": _CALL,
    "a block of code": f"```json\n{_CALL}\n```",
    "a block of code in the tags": f"<tool_call>\n```json\n{_CALL}\n```\n</tool_call>",
    "a list": f"<tool_call>[{_CALL}]</tool_call>",
    "arguments as a text": GOOD.replace(
        '{"city": "Paris", "days": 2}', json.dumps('{"city": "Paris", "days": 2}')
    ),
    "goes on with a result of its own": f'{GOOD}\n<tool_response>\n{{"content": "Sunny."}}\n</tool_response>',
    "indented": GOOD.replace(_CALL, json.dumps(json.loads(_CALL), indent=2)),
    "single quotes": GOOD.replace('"', "'"),
    "a comma too many": GOOD.replace("2}", "2,}"),
    "a brace too few": GOOD.replace("}}", "}"),
    "a comment": GOOD.replace("}}", "}} // call it"),
    "as Python": "<tool_call>get_weather(city='Paris', days=2)</tool_call>",
    "wrong name": GOOD.replace("get_weather", "weather"),
    "wrong parameter": GOOD.replace('"city"', '"town"'),
    "parameter missing": GOOD.replace('"city": "Paris", ', ""),
    "number as a text": GOOD.replace("2", '"2"'),
    "out of range": GOOD.replace("2", "0"),
    "parameter too many": GOOD.replace("2", '2, "unit": "C"'),
    "arguments beside the name": GOOD.replace('"arguments": {', "").replace("}}", "}"),
}


def answer(first: str, *more: str) -> tuple[list[tuple[str, object]], int]:
    """The calls that come of these answers, and how many of those were read. No call: it was refused."""
    shaper = Shaper(Question(model="m", messages=(), tools=TOOLS))
    for each in first:
        shaper.feed(each)
        if shaper.over:
            break
    shaped, read = shaper.end(), 1
    if shaped.problem and more:
        shaped, read = shaper.end_again(more[0]), 2
    return [(each.name, json.loads(each.arguments)) for each in shaped.calls], read


def main() -> None:
    at_once = [name for name, text in WAYS.items() if answer(text) == (MEANT, 1)]
    mended = [name for name, text in WAYS.items() if answer(text, GOOD) == (MEANT, 2)]
    stubborn = [calls for text in WAYS.values() if (calls := answer(text, text)[0]) not in ([], MEANT)]
    lines = [
        f"{len(WAYS)} ways to write a call",
        f"{len(at_once):3} give the call at once: {', '.join(at_once)}",
        f"{len(mended):3} give it when the model is asked again: {', '.join(mended)}",
        f"{len(stubborn):3} give another call than was meant, where the model insists",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
