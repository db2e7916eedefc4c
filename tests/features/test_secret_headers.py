"""Headers of tool servers, and where they come from on the command line. No browser."""

import json
import os

import msgspec
import pytest

from huggingchat_agent import ToolServer, environment, redact
from huggingchat_agent.cli import tool_servers
from huggingchat_agent.errors import PageChanged, UsageError
from huggingchat_agent.secret_headers import SecretHeaders
from huggingchat_agent.warm.protocol import encode_value
from huggingchat_agent.warm.results import pack_tools, unpack_tools
from huggingchat_agent.wire.tools import ToolChoice, choose_servers, parse_servers, read_health

URL = "https://tools.example.org/mcp"
VALUE = "Bearer s3cret-of-a-tool-server"
HEADERS = {"Authorization": VALUE}
OFFERED = [ToolServer("Mock", URL, id="base-Mock")]


def reveal(server):
    return {each["key"]: each["value"] for each in server.fields["headers"]}


def test_value_shows_a_mask_wherever_it_is_shown():
    own = ToolServer("Mine", URL, HEADERS)
    assert own.is_own and not OFFERED[0].is_own
    for shown in (repr(own), str(own.headers), f"{own.headers['Authorization']}", str(encode_value(own))):
        assert "s3cret" not in shown
    with pytest.raises(TypeError):
        msgspec.json.encode(own)
    assert (
        redact.text(f"it sent {VALUE}, and s3cret-of-a-tool-server") == "it sent [redacted], and [redacted]"
    )


def test_value_goes_out_in_the_apps_own_form():
    own = ToolServer("Mine", URL, HEADERS)
    sent = {"name": "Mine", "url": URL, "headers": [{"key": "Authorization", "value": VALUE}]}
    assert ToolChoice(servers=[own]).fields == {"mcp_servers": [sent]}
    assert msgspec.structs.replace(own, name="Other").fields["headers"] == sent["headers"]
    assert OFFERED[0].fields == {"name": "Mock", "url": URL}


def test_plain_header_is_no_secret_elsewhere():
    ToolServer("Mine", URL, {"Accept": "application/json"})
    assert redact.text("application/json") == "application/json"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization: Bearer s3cret": "x"},
        {"A": "two\nlines"},
        {"A": ""},
        {"A": " s3cret"},
        {"A": 3},
        ["A"],
    ],
)
def test_header_that_cannot_be_sent_is_refused_without_its_value(headers):
    with pytest.raises(UsageError) as refused:
        ToolServer("Mine", URL, headers)
    assert "s3cret" not in str(refused.value)


def test_masked_headers_are_not_sent():
    back = ToolServer("Mine", URL, dict(SecretHeaders(HEADERS)))
    with pytest.raises(UsageError, match="are masked"):
        _ = back.fields


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ([ToolServer("Mine", "tools.example.org")], "needs an address"),
        ([ToolServer("Mine", "file:///etc/passwd")], "needs an address"),
        ([ToolServer(" ", URL)], "needs a name"),
        (["mock", ToolServer("Mock", URL)], "have the same name"),
        ([ToolServer("Mine", URL), ToolServer("Mine", URL)], "have the same name"),
    ],
)
def test_servers_that_the_app_cannot_tell_apart_or_reach_are_refused(wanted, says):
    with pytest.raises(UsageError, match=says):
        choose_servers(OFFERED, wanted)


def test_own_servers_come_after_the_apps_own():
    own = ToolServer("Mine", URL)
    assert choose_servers(OFFERED, [own, "mock"]) == [*OFFERED, own]
    assert choose_servers(OFFERED, [own]) == [own]
    assert choose_servers(OFFERED, [OFFERED[0]]) == OFFERED
    # In the app, a server of the user's takes the place of one of that name.
    assert choose_servers(OFFERED, [ToolServer("Mock", URL)])[0].is_own


def test_warm_session_gets_the_headers_and_shows_none():
    packed = json.loads(json.dumps(pack_tools(["mock", ToolServer("Mine", URL, HEADERS)])))
    name, own = unpack_tools(packed) or []
    assert isinstance(own, ToolServer)
    assert (name, own.fields["headers"]) == ("mock", [{"key": "Authorization", "value": VALUE}])


def test_check_of_a_server_is_read_and_anything_else_is_refused():
    own = ToolServer("Mine", URL, HEADERS)
    good = read_health(own, '{"ready":true,"tools":[{"name":"t","inputSchema":{"type":"object"}}]}')
    assert (good.ready, [each.name for each in good.tools or ()], good.headers) == (True, ["t"], own.headers)
    bad = read_health(own, json.dumps({"ready": False, "error": f"no: {VALUE}", "authRequired": True}))
    assert (bad.ready, bad.tools, bad.trouble, bad.auth_required) == (False, None, "no: [redacted]", True)
    for other in (
        "",
        "[]",
        "<html>",
        '{"ready":1}',
        '{"ready":true,"tools":{}}',
        '{"ready":true,"tools":[{}]}',
    ):
        with pytest.raises(PageChanged):
            read_health(own, other)


def test_app_that_sends_headers_of_its_servers_has_them_masked():
    body = [
        {"id": "base-A", "name": "A", "url": URL, "type": "base", "headers": [{"key": "K", "value": VALUE}]}
    ]
    (server,) = parse_servers(json.dumps(body).encode())
    assert "s3cret" not in repr(server) and server.fields["headers"] == [{"key": "K", "value": VALUE}]
    with pytest.raises(PageChanged):
        parse_servers(b'[{"name":"A","url":"u"}]')


@pytest.fixture
def listed(tmp_path):
    """Writes a file of tool servers."""

    def write(value, mode=0o600):
        path = tmp_path / "servers.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        path.chmod(mode)
        return path

    return write


@pytest.mark.parametrize(
    "form",
    [
        {"Mine": {"url": URL, "headers": HEADERS}},
        {"mcpServers": {"Mine": {"type": "http", "url": URL, "headers": HEADERS}}},
        [{"name": "Mine", "url": URL, "headers": HEADERS}],
    ],
)
def test_file_of_each_form_is_read(listed, form):
    (own,) = tool_servers.read_own(None, listed(form))
    assert (own.name, own.url, reveal(own)) == ("Mine", URL, HEADERS)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_file_that_others_can_read_is_refused(listed, mode):
    with pytest.raises(UsageError, match=r"others can read it.* chmod 600"):
        tool_servers.read_own(None, listed({}, mode))


@pytest.mark.parametrize(
    "text", ["", "{", '{"A": 3}', '{"A": {"url": 3}}', "[3]", '[{"url": "u"}]', "\udcff"]
)
def test_file_that_is_no_list_of_servers_is_refused_without_its_text(listed, text):
    path = listed("")
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match="not a list of tool servers"):
        tool_servers.read_own(None, path)


def test_headers_of_the_variable_go_to_the_server_that_is_named(monkeypatch):
    monkeypatch.setenv(tool_servers.VARIABLE, json.dumps({"Mine": {"headers": HEADERS}, "Two": {"url": URL}}))
    assert tool_servers.read_own(None, None) == []
    assert tool_servers.VARIABLE not in environment.get_inheritable()  # of the browser and of all we start
    (own,) = tool_servers.read_own([f"Mine={URL}"], None)
    assert reveal(own) == HEADERS
    assert [each.name for each in tool_servers.read_own(["Two"], None)] == ["Two"]
    assert [each.name for each in tool_servers.read_known([f"New={URL}"], None)] == ["New", "Two"]


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("Other", "They have: Mine"),
        ("Mine=https://elsewhere.example.org", "are for https://tools.example.org/mcp"),
        ("New=https://me:pass@x.example.org/", "can read a key"),
        ("New=https://x.example.org/?api_key=abc", "can read a key"),
        ("New=x.example.org", "needs an address"),
    ],
)
def test_named_server_that_cannot_be_had_is_refused(listed, named, says):
    with pytest.raises(UsageError, match=says):
        tool_servers.read_own([named], listed({"Mine": {"url": URL, "headers": HEADERS}}))


def test_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        tool_servers.read_own(None, tmp_path / "none.json")


def test_file_of_another_user_is_refused(listed, monkeypatch):
    path = listed({})
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(UsageError, match="others can read it"):
        tool_servers.read_own(None, path)
