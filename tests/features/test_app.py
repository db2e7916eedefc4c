"""What the app's page can do, end to end: tool servers, artifacts, Spaces, fetches, speech, switches."""

import logging

import msgspec
import pytest

from huggingchat_agent import ToolServer
from huggingchat_agent.emitter import NAMES
from huggingchat_agent.errors import ChatError, FileRejected, UsageError
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


PAGE = '<artifact identifier="clock" type="html" title="A clock"><p>one</p></artifact>'
CHANGE = '<artifact identifier="clock" type="update"><old_str>one</old_str><new_str>two</new_str></artifact>'


async def test_artifact_is_changed_saved_and_published(chat, site, tmp_path):
    conversation = await chat.new_conversation()
    first = await conversation.send(f"recite «{PAGE}»", via="page")
    second = await conversation.send(f"recite «{CHANGE}»", via="page")
    assert [each.content for each in first.artifacts] == ["<p>one</p>"]
    (clock,) = second.artifacts
    assert [each.message_id for each in clock.versions] == [first.message_id, second.message_id]
    assert clock.content == "<p>two</p>" and await conversation.artifacts() == [clock]
    assert clock.save(tmp_path).read_text() == "<p>two</p>"
    made = await conversation.deploy(clock)
    assert (made.repo_id, made.created) == ("ada/a-clock", True)
    again = await conversation.deploy(clock, public=True, version=1)
    assert (again.url, again.created) == ("https://huggingface.co/spaces/ada/a-clock", False)
    sent = [(each["content"], each["private"]) for each in site.control.published]
    assert sent == [("<p>two</p>", True), ("<p>one</p>", True)]  # it stays private


@pytest.mark.parametrize(
    ("spaces", "error", "says"),
    [
        ("off", ChatError, "not enabled on this instance"),
        ("refused", ChatError, "Grant Hugging Face permission to create Spaces"),
    ],
)
async def test_app_that_publishes_nothing_says_so(chat, site, spaces, error, says):
    conversation = await chat.new_conversation()
    answer = await conversation.send(f"recite «{PAGE}»", via="page")
    site.control.switch(spaces=spaces)
    try:
        with pytest.raises(error, match=says):
            await conversation.deploy(answer.artifacts[0])
    finally:
        site.control.switch(spaces="on")


async def test_artifact_that_makes_no_space_is_refused_before_anything_is_sent(chat, site):
    conversation = await chat.new_conversation()
    text = (
        '<artifact identifier="a" type="code">1</artifact><artifact identifier="b c" type="svg">2</artifact>'
    )
    code, odd = (await conversation.send(f"recite «{text}»", via="page")).artifacts
    count = len(site.control.published)
    for artifact, title, says in ((code, None, "is code"), (odd, None, "identifier"), (code, "x", "is code")):
        with pytest.raises(UsageError, match=says):
            await conversation.deploy(artifact, title=title)
    assert len(site.control.published) == count


async def test_file_is_fetched_by_the_app(chat, site):
    site.control.switch(web={"https://files.example.org/a%20note.md?v=1": ("text/markdown", b"# Hello")})
    file = await chat.fetch_file("https://files.example.org/a%20note.md?v=1")
    assert file == ("a note.md", "text/markdown", b"# Hello")
    conversation = await chat.new_conversation()
    await conversation.send("what is it?", files=[file], via="page")
    assert "# Hello" in site.control.heard[-1]["messages"][-1]["content"]
    with pytest.raises(UsageError, match="https addresses only"):
        await chat.fetch_file("http://files.example.org/")
    with pytest.raises(
        FileRejected, match=r"did not fetch https://files.example.org/none\..*Failed to fetch"
    ):
        await chat.fetch_file("https://files.example.org/none")


async def test_recording_is_written_down_by_the_app(chat, site, tmp_path):
    path = tmp_path / "said.mp3"
    path.write_bytes(b"why is the sky blue?")
    with pytest.raises(UsageError, match="cannot transcribe: it has no model"):
        await chat.transcribe(path)
    site.control.switch(transcription=True)
    assert await chat.transcribe(path) == "why is the sky blue?"
    assert await chat.transcribe(("silence.wav", b"...")) == ""
    assert len(await chat.transcribe(("long.webm", b"word " * 600_000))) == 2_999_999
    with pytest.raises(FileRejected, match="not a recording"):
        await chat.transcribe(("text.txt", b"text"))
    with pytest.raises(FileRejected, match="26,214,400 bytes"):
        await chat.transcribe(("large.wav", b"x" * (25 * 1024 * 1024 + 1)))


async def test_provider_payer_and_artifacts_are_switched_and_nothing_else(chat, site):
    before = await chat.preferences()
    model = (await chat.models())[0].id
    changed = await chat.change_preferences(
        providers={model: "cheapest"}, artifacts={model: True}, billing_organization="acme"
    )
    assert (changed.providers, changed.artifacts) == ({model: "cheapest"}, {model: True})
    assert changed.billing_organization == "acme" == (await chat.billing()).current
    assert [each.preferred_username for each in (await chat.billing()).organizations] == ["acme"]
    for wrong, says in (
        ({"billing_organization": "umbrella"}, "cannot pay for this account's answers. These can: acme"),
        ({"providers": {model: "two words"}}, "auto, fastest, cheapest or the name"),
    ):
        with pytest.raises(UsageError, match=says):
            await chat.change_preferences(**wrong)
    back = {"providers": {model: None}, "artifacts": {model: None}, "billing_organization": ""}
    after = await chat.change_preferences(**back)
    moment = {"welcomeModalSeenAt": before.extra["welcomeModalSeenAt"]}  # the app's own clock
    assert msgspec.structs.replace(after, extra=after.extra | moment) == before
    site.control.switch(payers=None)
    with pytest.raises(UsageError, match="Nobody else can pay"):
        await chat.billing()
