"""Features of the app that its page has, end to end: tool servers of the user's own."""

import logging

import pytest

from huggingchat_agent import ToolServer
from huggingchat_agent.emitter import NAMES
from huggingchat_agent.errors import UsageError
from huggingchat_agent.events import to_json
from tests.features.tool_server import HEADER, ToolHost

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

KEY = "k3y-of-the-shouting-server"


@pytest.fixture(scope="module")
def host():
    with ToolHost(KEY) as host:
        yield host


@pytest.fixture
def own(host):
    return ToolServer("Shouting", host.url, {HEADER: KEY})


async def test_app_says_which_tools_a_server_has(chat, own, host):
    base, mine = await chat.tools(check=True, own=[own])
    assert (base.name, base.ready, [each.name for each in base.tools]) == ("Mock", True, ["echo"])
    assert (mine.name, mine.ready, mine.trouble) == ("Shouting", True, "")
    (loud,) = mine.tools
    assert (loud.name, loud.description) == ("loud_echo", "Gives the text back in capitals.")
    assert loud.input_schema["required"] == ["text"]
    assert "tools/list" in host.heard


async def test_server_that_the_app_cannot_use_says_why(chat, own, host):
    stranger = ToolServer("Stranger", host.url)
    gone = ToolServer("Gone", "http://127.0.0.1:1/mcp")
    _, refused, missing = await chat.tools(check=True, own=[stranger, gone])
    assert (refused.ready, refused.tools, refused.auth_required) == (False, None, True)
    assert "Authentication required" in refused.trouble
    assert (missing.ready, missing.auth_required) == (False, False)
    assert "Cannot connect" in missing.trouble


async def test_model_calls_a_server_of_ones_own_with_its_headers(chat, site, own, host):
    host.heard.clear()
    conversation = await chat.new_conversation()
    answer = await conversation.send("use my tool loud_echo", tools=["mock", own])
    assert answer.via == "page"
    (use,) = answer.tools
    assert (use.name, use.status, use.outputs[0]["text"]) == ("loud_echo", "success", "PING")
    assert host.heard[-1] == "tools/call"
    assert site.control.heard[-1]["tools"] == ["Mock", "Shouting"]
    # The next turn has the app's choice again.
    await conversation.send("hello", via="page")
    assert site.control.heard[-1]["tools"] == ["Mock"]


async def test_no_header_of_a_tool_server_leaves_the_agent(chat, own, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    for name in NAMES:
        chat.on(name, lambda event: said.append(to_json(event).decode() + repr(event)))
    tools = await chat.tools(check=True, own=[own])
    conversation = await chat.new_conversation()
    answer = await conversation.send("use my tool loud_echo", tools=[own])
    with pytest.raises(UsageError) as refused:
        await conversation.send("hello", via="ui", tools=[own])
    assert any('"event":"exchange"' in each and "selectedMcpServers" in each for each in said)
    shown = [caplog.text, *said, repr(own), str(own), repr(tools), repr(answer), repr(conversation)]
    assert not [each for each in [*shown, str(refused.value)] if KEY in each]
    assert KEY not in repr(own.headers) + repr(dict(own.headers))
