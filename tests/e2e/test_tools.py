"""Tools: which are offered, which are on for a turn, and what the model does with them."""

from typing import Any

import pytest

from huggingchat_agent.errors import GenerationFailed, UsageError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

OFFERED = {
    "Mock": "https://mcp.example.org/mcp",
    "Web Search (Exa)": "https://mcp.exa.ai/mcp?tools=web_search_exa",
    "Hugging Face": "https://hf.co/mcp",
}


@pytest.fixture
def offered(site):
    site.control.switch(tool_servers=OFFERED)
    yield OFFERED
    site.control.switch(tool_servers={"Mock": OFFERED["Mock"]})


def shape(events):
    return [event.name for event in events if event.name.startswith("tool")]


async def test_tools_are_what_the_app_told_by_itself(chat, site):
    asked = site.control.count("GET", "/api/mcp/servers")
    tools = await chat.tools()
    assert [(tool.id, tool.name) for tool in tools] == [("base-Mock", "Mock")]
    assert tools.source in ("inlined", "request")
    assert site.control.count("GET", "/api/mcp/servers") == asked


async def test_tools_are_asked_for_anew_on_request(chat, site, offered):
    tools = await chat.tools(refresh=True)
    assert ([tool.name for tool in tools], tools.source) == (list(OFFERED), "call")
    assert [tool.name for tool in tools if tool.searches_web] == ["Web Search (Exa)"]


@pytest.mark.parametrize(
    ("options", "on"),
    [
        ({}, list(OFFERED)),
        ({"tools": []}, []),
        ({"tools": ["mock"]}, ["Mock"]),
        ({"tools": ["hugging", "base-Mock"]}, ["Mock", "Hugging Face"]),
        ({"web_search": True}, list(OFFERED)),
        ({"tools": [], "web_search": True}, ["Web Search (Exa)"]),
        ({"tools": ["mock"], "web_search": True}, ["Mock", "Web Search (Exa)"]),
    ],
)
async def test_model_is_given_the_tools_that_were_chosen(chat, site, offered, options, on):
    await chat.tools(refresh=True)
    conversation = await chat.new_conversation()
    answer = await conversation.send("hello", via="page", **options)
    (heard,) = [each for each in site.control.heard if each["conversation"] == conversation.id]
    assert heard["tools"] == on
    assert answer.text.endswith(site.control.signature(conversation.id, answer.message_id))


async def test_tools_chosen_in_auto_go_by_page_and_that_is_no_degradation(chat, site, caplog):
    caplog.set_level("INFO", logger="huggingchat_agent")
    heard: list[Any] = []
    chat.on("degraded", heard.append)
    conversation = await chat.new_conversation()
    assert (await conversation.send("one", via="auto", tools=[])).via == "page"
    assert heard == [] and "Sent by page" in caplog.text and "all turns" in caplog.text
    # The page knows nothing of it: a message typed there has all tools, as before.
    assert (await conversation.send("two", via="ui")).via == "ui"
    given = [each["tools"] for each in site.control.heard if each["conversation"] == conversation.id]
    assert given == [[], ["Mock"]]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"via": "ui", "tools": []}, 'need via="page"'),
        ({"via": "page", "tools": ["mick"]}, "The closest are: Mock"),
        ({"via": "page", "web_search": True}, "searches the web: it offers only Mock"),
    ],
)
async def test_tools_that_cannot_be_had_are_refused_before_anything_is_sent(chat, site, options, says):
    await chat.tools(refresh=True)
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match=says):
        await conversation.send("hello", **options)
    assert not [each for each in site.control.heard if each["conversation"] == conversation.id]
    assert (await conversation.send("hello", via="page")).text.startswith("You said: hello")


@pytest.mark.parametrize(
    ("how", "names", "status"),
    [
        ("", ["tool_call", "tool_eta", "tool_result"], "success"),
        ("slowly", ["tool_call", "tool_eta", "tool_progress", "tool_progress", "tool_result"], "success"),
        ("badly", ["tool_call", "tool_eta", "tool_error"], "error"),
        ("wrongly", ["tool_call", "tool_eta", "tool_error"], "error"),
        ("twice", ["tool_call", "tool_eta"] * 2 + ["tool_result"] * 2, "success"),
    ],
)
async def test_tool_calls_are_reported_as_they_go_and_folded_into_the_answer(
    chat, raw, via, how, names, status
):
    conversation = await chat.new_conversation()
    reply = conversation.send(f"use tool {how}", via=via)
    seen = [event async for event in reply]
    answer = await reply
    assert shape(seen) == names
    assert [use.name for use in answer.tools] == ["echo"] * names.count("tool_call")
    assert {use.status for use in answer.tools} == {status}
    assert {event.uuid for event in seen if event.name.startswith("tool")} == {u.uuid for u in answer.tools}
    first = answer.tools[0]
    assert first.parameters == {"text": "ping"}
    if status == "success":
        assert first.outputs[0]["text"] == "ping"
    else:
        assert first.error.startswith("echo ")
    if how == "slowly":
        steps = [event for event in seen if event.name == "tool_progress"]
        assert [(e.progress, e.total, e.message) for e in steps] == [(1, 2, "step 1"), (2, 2, "step 2")]
    # What was said before the call and after it is one text, as the server stores it.
    stored = (await raw.read(conversation.id))["messages"][-1]["content"]
    assert answer.text == stored == "".join(e.text for e in seen if e.name == "token")
    assert answer.text.startswith("Let me check. You said: ping")


async def test_tool_run_without_a_text_is_a_failure(chat, via):
    conversation = await chat.new_conversation()
    reply = conversation.send("use tool silently", via=via)
    with pytest.raises(GenerationFailed, match="No output was generated"):
        await reply
    assert shape(reply.events) == ["tool_call", "tool_eta", "tool_result"]
