"""Tools of the client, by emulation: what the model reads, and what is taken from its answer."""

import json
from pathlib import Path

import pytest

from huggingchat_agent.serve.chat_completions import ChatCompletions
from huggingchat_agent.serve.messages import Messages
from huggingchat_agent.serve.refusals import Refusal
from huggingchat_agent.serve.responses import Responses
from huggingchat_agent.serve.shaping import Shaper, write_instructions
from huggingchat_agent.serve.tool_format import read_calls
from tests.serve.calling_model import GOOD, MEANT, WAYS, answer
from tests.serve.conftest import MODEL, open_door, read_stream

DOORS = (Path(__file__).parents[2] / "docs" / "doors.md").read_text()

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"name": "get_weather", "description": "The weather.", "parameters": CITY}
TIME = {"name": "get_time", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"type": "function", "function": each} for each in (WEATHER, TIME)]
HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
CALL = f"<tool_call>\n{PARIS}\n</tool_call>"
WRONG = CALL.replace('"Paris"', "3")


def parse(**more):
    return ChatCompletions().parse(HELLO | {"tools": TOOLS} | more, lenient=False)


def shape(question, *pieces):
    """What a stream shows at once, and the end."""
    shaper = Shaper(question)
    shown = "".join(shaper.feed(each) for each in pieces)
    return shown, shaper.end()


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"I look.\n{CALL}\n",
        f"<tool_call>{PARIS}</tool_call>",
        f"<tool_call>\n{PARIS}",  # the last tag was taken for the end of the text
        f"<tool_call>\n```json\n{PARIS}\n```\n</tool_call>",
        f"<tool_call>[{PARIS}]</tool_call>",
        PARIS,  # a server took both tags for its own
        f"```json\n{PARIS}\n```",
        CALL.replace('{"city": "Paris"}', json.dumps('{"city": "Paris"}')),
        f'{CALL}\n<tool_response>\n{{"name": "get_weather", "content": "Sunny."}}',
    ],
)
def test_call_is_read_from_each_way_to_write_it(text):
    found = read_calls(text, parse().tools)
    (call,) = found.calls
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    assert not found.problems and found.text.strip() in ("", "I look.")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (CALL.replace("get_weather", "weather"), "there is no tool 'weather'; there are: get_weather"),
        (WRONG, "city: 3 is not of type 'string'"),
        (CALL.replace('"city"', '"town"'), "'city' is a required property"),
        (CALL.replace("}}", "}"), "not valid JSON"),
        ("<tool_call>get_weather(Paris)</tool_call>", "not valid JSON"),
        (CALL.replace('{"city": "Paris"}', "null"), 'no object as "arguments"'),
        (CALL.replace('{"city": "Paris"}', '"Paris"'), "not valid JSON"),
        ('<tool_call>{"city": "Paris"}</tool_call>', '"name" and "arguments"'),
        ("<tool_call>[3]</tool_call>", '"name" and "arguments"'),
        ("<tool_call></tool_call>", "not valid JSON"),
        (CALL.replace('"Paris"', '"Paris", "days": 1e999'), "1e999 is not JSON"),
    ],
)
def test_wrong_call_is_sent_back_and_never_repaired(text, part):
    found = read_calls(text, parse().tools)
    assert not found.calls and part in found.problems[0]
    shown, end = shape(parse(), text)
    assert not shown and part in end.problem and "<tool_call>" in end.problem


@pytest.mark.parametrize(
    "text",
    ["A plain answer.", '{"city": "Paris"}', '{"name": "Ada", "arguments": 3}', "[1, 2]", "`x` <tool", ""],
)
def test_answer_without_a_call_is_the_text_as_it_is(text):
    shown, end = shape(parse(), *text)
    assert (shown + end.rest, end.calls, end.problem) == (text, (), "")


def test_shares_of_the_docs_are_those_of_the_scripted_model():
    at_once = [name for name, text in WAYS.items() if answer(text) == (MEANT, 1)]
    mended = [name for name, text in WAYS.items() if answer(text, GOOD) == (MEANT, 2)]
    assert {*at_once, *mended} == set(WAYS)
    said = f"tried {len(WAYS)} ways to write a call", f"reads {len(at_once)} at once", f"other {len(mended)} "
    assert all(each in DOORS for each in said)
    for text in WAYS.values():
        assert answer(text, text)[0] in ([], MEANT)  # refused, and never mended here


def test_text_before_a_call_streams_and_the_call_does_not():
    shown, end = shape(parse(), "I ", "look <", "b>. <tool", f"{CALL.removeprefix('<tool')}")
    assert (shown, end.rest, len(end.calls)) == ("I look <b>. ", "", 1)
    plain = Shaper(parse())
    assert [plain.feed(each) for each in ("```py", "thon\nprint")] == ["", "```python\nprint"]


def test_model_that_goes_on_with_a_result_of_its_own_is_stopped():
    shaper = Shaper(parse())
    shaper.feed(CALL)
    assert not shaper.over
    shaper.feed("\n<tool_response>")
    assert shaper.over


@pytest.mark.parametrize(
    ("more", "text", "why"),
    [
        ({"tool_choice": "required"}, "Sunny.", "one of the tools must be called"),
        ({"tool_choice": TOOLS[1]}, "Sunny.", "the tool get_time must be called"),
        ({"tool_choice": TOOLS[1]}, CALL, "only the tool get_time"),
        ({"tool_choice": "none"}, CALL, "no tool may be called"),
        ({"parallel_tool_calls": False}, CALL + CALL, "at most one"),
    ],
)
def test_choice_of_the_client_is_asked_for_and_checked(more, text, why):
    question = parse(**more)
    assert write_instructions(question).strip() and why in shape(question, text)[1].problem


def test_second_answer_gives_the_call_or_says_that_none_was_meant():
    shaper = Shaper(parse())
    assert shaper.feed(f"I look. {WRONG}") == "I look. "
    assert shaper.end().problem
    assert len(shaper.end_again(CALL).calls) == 1 and shaper.end_again(f"So: {CALL}").rest == ""
    assert shaper.end_again("I meant none.").rest == WRONG
    assert "city: 3" in shaper.end_again(WRONG).why


def test_cut_answer_is_not_asked_again():
    shown, end = shape(parse(max_tokens=5), f"I look. {CALL}")
    assert (shown, end.calls, end.problem) == ("I look. ", (), "")


def test_earlier_calls_and_results_are_replayed():
    calls = [{"id": "a", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}]
    said = [
        *HELLO["messages"],
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "a", "content": "noon"},
    ]
    question = parse(messages=said)
    assert question.messages[1].content == '<tool_call>\n{"name": "get_time", "arguments": {}}\n</tool_call>'
    result = '<tool_response>\n{"name": "get_time", "content": "noon"}\n</tool_response>'
    assert question.messages[2].content == result
    items = [
        {"role": "user", "content": "hello"},
        {"type": "reasoning", "id": "r", "summary": []},
        {"type": "function_call", "call_id": "a", "name": "get_time", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "noon"},
    ]
    assert Responses().parse({"model": MODEL, "input": items}, lenient=False).messages == question.messages
    blocks = [
        *HELLO["messages"],
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "get_time", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "noon"}]},
    ]
    body = {"model": MODEL, "max_tokens": 9, "messages": blocks}
    assert Messages().parse(body, lenient=False).messages == question.messages
    with pytest.raises(Refusal, match="No earlier message"):
        parse(messages=said[-1:])


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools"),
        ({"tools": [TOOLS[0], TOOLS[0]]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a", "parameters": {"type": "b"}}}]}, "tools"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"tools": [], "tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 3}}}},
            "response_format",
        ),
    ],
)
def test_wrong_offer_is_refused(more, param):
    with pytest.raises(Refusal) as found:
        parse(**more)
    assert (found.value.status, found.value.param) == (400, param)


async def test_without_emulation_tools_are_refused_or_named(chat_on_nothing):
    async with open_door(chat_on_nothing, None, tool_emulation=False) as door:
        refused = await door.ask("hello", tools=TOOLS)
        assert refused.status_code == 400 and "--no-tool-emulation" in refused.json()["error"]["message"]
        assert refused.json()["error"]["param"] == "tools"
        said = {"model": "m", "max_tokens": 9, "messages": HELLO["messages"]}
        body = said | {"tools": [{"name": "get_time", "input_schema": {"type": "object"}}]}
        assert (await door.client.post("/v1/messages", json=body)).status_code == 400
        body = {"model": "m", "input": "hello", "tools": [{"type": "function", "name": "get_time"}]}
        refused = await door.client.post("/v1/responses", json=body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "tools")


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
class TestAnswers:
    async def test_call_its_result_and_the_answer_are_one_conversation(self, door, site):
        messages = [{"role": "user", "content": f"recite «I look. {CALL}»"}]
        chosen = (await door.ask(messages, tools=TOOLS)).json()["choices"][0]
        assert chosen["finish_reason"] == "tool_calls" and chosen["message"]["content"].strip() == "I look."
        (call,) = chosen["message"]["tool_calls"]
        assert call["function"] == {"name": "get_weather", "arguments": '{"city": "Paris"}'}
        messages += [chosen["message"], {"role": "tool", "tool_call_id": call["id"], "content": "It rains."}]
        answer = (await door.ask(messages, tools=TOOLS)).json()["choices"][0]["message"]["content"]
        assert "It rains." in answer and "[history=4 " in answer
        (conversation,) = [
            each for each in site.control.conversations() if "It rains." in each["messages"][-1]["content"]
        ]
        assert '"get_weather"' in conversation["preprompt"]

    async def test_wrong_call_is_asked_for_once_more(self, door):
        body = (await door.ask(f"recite «{WRONG}» «{CALL}»", tools=TOOLS)).json()
        (call,) = body["choices"][0]["message"]["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == {"city": "Paris"}
        refused = await door.ask(f"recite «{WRONG}»", tools=TOOLS)
        assert (refused.status_code, refused.json()["error"]["code"]) == (502, "invalid_answer")
        assert "city: 3 is not of type 'string'" in refused.json()["error"]["message"]

    async def test_stream_ends_with_the_calls(self, door):
        chunks = read_stream((await door.ask(f"recite «{CALL}{CALL}»", tools=TOOLS, stream=True)).text)
        (calls,) = [
            d["tool_calls"] for each in chunks if (d := each["choices"][0]["delta"]).get("tool_calls")
        ]
        assert [each["index"] for each in calls] == [0, 1]
        assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"

    async def test_format_is_asked_for_and_checked(self, door, site):
        form = {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}
        prompt = 'recite «{"town": 1}» «Here: {"city": "Paris"}»'
        for stream in (False, True):
            answer = await door.ask(prompt, response_format=form, stream=stream)
            if stream:
                chunks = read_stream(answer.text)
                text = "".join(each["choices"][0]["delta"].get("content", "") for each in chunks)
            else:
                text = answer.json()["choices"][0]["message"]["content"]
            assert text == '{"city": "Paris"}'
        assert any('"additionalProperties"' in each["prompt"] for each in site.control.heard)
        refused = await door.ask("hello", response_format={"type": "json_object"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (502, "invalid_answer")
