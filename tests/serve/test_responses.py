"""`/v1/responses`: its requests, its answers, its streams."""

from typing import Any

import pytest

from huggingchat_agent.answer import Source
from huggingchat_agent.serve.question import Outcome, Question, Text, Thought
from huggingchat_agent.serve.refusals import Refusal
from huggingchat_agent.serve.responses import Responses
from huggingchat_agent.serve.tool_format import ToolCall
from tests.serve.conftest import MODEL, read_stream
from tests.serve.test_tools import CALL, WEATHER

PNG = "data:image/png;base64,iVBORw0KGgo="
TOOLS = [{"type": "function", **WEATHER}]


def parse(given="hello", **more):
    return Responses().parse({"model": MODEL, "input": given, **more}, lenient=False)


def test_request_is_read():
    parts = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": PNG}]
    items = [
        {"role": "user", "content": parts},
        {"type": "message", "id": "m", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "b", "annotations": []}]},
        {"type": "function_call", "id": "f", "call_id": "c", "name": "get_weather", "arguments": "{}"},
        {"role": "developer", "content": "Be brief."},
    ]  # fmt: skip
    question = parse(items, instructions="Be kind.", max_output_tokens=5, stream=True, store=False)
    said = [(each.role, each.text, len(each.pictures), len(each.calls)) for each in question.messages]
    first = [("system", "Be kind.", 0, 0), ("user", "a", 1, 0)]
    assert said == [*first, ("assistant", "b", 0, 1), ("system", "Be brief.", 0, 0)]
    assert (question.max_tokens, question.stream) == (5, True)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [3]}, "input[0]"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "response_format"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_what_it_cannot_do_is_refused(more, param):
    with pytest.raises(Refusal) as found:
        parse(**more)
    assert (found.value.status, found.value.param) == (400, param)


def stream(*pieces, **outcome) -> list[Any]:
    rendering = Responses().render(parse(tools=TOOLS))
    end = Outcome(model=MODEL, **outcome)
    parts = [rendering.begin(), *map(rendering.add, pieces), rendering.idle(), rendering.end(end)]
    return read_stream(b"".join(parts).decode())


def test_stream_is_a_list_of_items_that_begin_and_end():
    source = Source(uri="https://example.org", title="Example")
    call = ToolCall("call_1", "get_weather", '{"city": "Paris"}')
    events = stream(
        Thought("Hm"), Thought("m"), Text("I "), Text("look"), text="I look", reasoning="Hmm", calls=(call,),
        sources=(source,),
    )  # fmt: skip
    assert [each["sequence_number"] for each in events] == list(range(len(events)))
    assert [each["type"].removeprefix("response.") for each in events] == [
        *("created", "in_progress"),
        *("output_item.added", "reasoning_text.delta", "reasoning_text.delta", "reasoning_text.done"),
        "output_item.done",
        *("output_item.added", "content_part.added", "output_text.delta", "output_text.delta", "in_progress"),
        *("output_text.annotation.added", "output_text.done", "content_part.done", "output_item.done"),
        *("output_item.added", "function_call_arguments.delta", "function_call_arguments.done"),
        *("output_item.done", "completed"),
    ]
    whole = Responses().render(parse(tools=TOOLS)).whole(
        Outcome(model=MODEL, text="I look", reasoning="Hmm", calls=(call,), sources=(source,))
    )  # fmt: skip
    ended = events[-1]["response"]
    for one, other in zip(ended["output"], whole["output"], strict=True):
        assert {**one, "id": ""} == {**other, "id": ""}
    cited: dict[str, Any] = {"type": "url_citation", "url": "https://example.org", "title": "Example"}
    assert whole["output"][1]["content"][0]["annotations"] == [cited | {"start_index": 0, "end_index": 6}]
    assert ended["usage"]["estimated"] and ended["tools"][0]["name"] == "get_weather"


def test_end_says_why():
    cut = stream(Text("x"), text="x", finish="length")[-1]
    assert cut["type"] == "response.incomplete"
    assert cut["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    silent = stream(text="")[-1]["response"]["output"]
    assert silent[0]["content"][0]["text"] == ""
    failed = Responses().render(Question(model="m", messages=())).fail(Refusal(502, "Bad luck", code="x"))
    (event,) = read_stream(failed.decode())
    assert (event["type"], event["code"], event["message"]) == ("error", "x", "Bad luck")


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_items_of_an_answer_continue_its_conversation(door, site):
    items = [{"role": "user", "content": f"recite «I look. {CALL}» for responses"}]
    body: dict[str, Any] = {"model": MODEL, "input": items, "tools": TOOLS}
    answer = (await door.client.post("/v1/responses", json=body)).json()
    assert [each["type"] for each in answer["output"]] == ["message", "function_call"], answer
    result = {"type": "function_call_output", "call_id": answer["output"][1]["call_id"], "output": "Rain."}
    body |= {"input": [*items, *answer["output"], result], "stream": True}
    events = read_stream((await door.client.post("/v1/responses", json=body)).text)
    text = "".join(each["delta"] for each in events if each["type"] == "response.output_text.delta")
    assert "Rain." in text and "[history=4 " in text
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == text
