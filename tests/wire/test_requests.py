import json

import pytest

from huggingchat_agent.wire import multipart, purposes, requests
from huggingchat_agent.wire.multipart import FormPart, parse_send_fields
from huggingchat_agent.wire.routes import classify
from tests.wire.forms import encode_form
from tests.wire.recordings import read_exchange, read_exchanges, read_streams

ID = "6b013cfcbcc939b7fa8356c2"


@pytest.mark.parametrize("stream", read_streams(), ids=str)
def test_recorded_send_is_read_and_built_again_byte_for_byte(stream):
    fields = parse_send_fields(stream.sent, stream.content_type)
    assert fields is not None
    _, _, boundary = stream.content_type.partition("boundary=")
    files = []
    if stream.scenario == "upload":
        text = (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        )
        files = [FormPart("files", text, "base64;dot.png", "image/png")]
        files.append(multipart.encode_file("note.txt", "text/plain", b"hello file"))
    if stream.generation == "2025-04":
        # What this generation sends beside is no choice of ours; the frame around it is the same.
        data = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
        parts = [*files, FormPart("data", data)]
    else:
        call = requests.send_message(
            stream.raw["url"].rpartition("/")[2],
            fields.get("inputs"),
            fields["id"],
            fields["generationId"],
            is_retry=fields["is_retry"],
            mcp_servers=fields["selectedMcpServers"],
            timezone=fields["timezone"],
            files=files,
        )
        assert (call.method, f"/chat{call.path}") == ("POST", stream.raw["url"])
        assert call.form is not None
        parts = call.form
    assert encode_form(parts, boundary) == stream.sent


def read_data(call):
    *files, data = call.form
    return files, json.loads(data.body)


def test_retry_edit_and_resumption_are_sends_with_other_fields():
    retry = requests.send_message(ID, None, "a", "g", timezone="UTC", is_retry=True)
    assert read_data(retry)[1] == {
        "id": "a",
        "is_retry": True,
        "is_continue": False,
        "generationId": "g",
        "timezone": "UTC",
    }
    kept = multipart.refer_to_file("a;b.png", "image/png", "569f")
    files, fields = read_data(
        requests.send_message(ID, "new", "u", "g", timezone="UTC", is_retry=True, files=[kept])
    )
    assert files == [FormPart("files", "569f", "hash;a;b.png", "image/png")]
    assert (fields["inputs"], fields["is_retry"]) == ("new", True)
    resumed = requests.send_message(ID, None, "a", "g", timezone="UTC", resume_elicitation_id="e")
    assert read_data(resumed)[1]["resumeElicitationId"] == "e"


def test_send_passes_servers_on_without_what_the_app_does_not_send():
    servers = [{"id": "base-M", "name": "M", "url": "https://m.test", "isLocked": False}]
    fields = read_data(requests.send_message(ID, "hi", "u", "g", timezone="UTC", mcp_servers=servers))[1]
    assert fields["selectedMcpServerNames"] == ["M"]
    assert fields["selectedMcpServers"] == [{"name": "M", "url": "https://m.test"}]


def test_send_leaves_the_servers_to_the_app_unless_they_are_chosen():
    left = read_data(requests.send_message(ID, "hi", "u", "g", timezone="UTC"))[1]
    none = read_data(requests.send_message(ID, "hi", "u", "g", timezone="UTC", mcp_servers=[]))[1]
    assert "selectedMcpServers" not in left
    assert none["selectedMcpServers"] == none["selectedMcpServerNames"] == []


def test_recorded_create_is_built_again():
    for exchange in read_exchanges():
        if exchange.raw["url"] == "/chat/conversation":
            body = json.loads(exchange.sent)
            assert requests.create_conversation(**body).json == body
    call = requests.create_conversation("a/b", "Be brief.")
    assert (call.method, call.path) == ("POST", "/conversation")
    assert call.json == {"model": "a/b", "preprompt": "Be brief."}


def test_recorded_stop_is_built_again():
    stop = read_exchange("2026-08", "stop", 2)
    body = json.loads(stop.sent)
    call = requests.stop_generating(
        "6b013d21bcc939b7fa835708", body["generationId"], body["seenContentLength"]
    )
    assert (call.method, f"/chat{call.path}", call.json) == ("POST", stop.raw["url"], body)


def test_stop_without_what_was_seen_has_no_body():
    assert requests.stop_generating(ID).json is None
    assert requests.stop_generating(ID, "g").json is None


@pytest.mark.parametrize(
    ("call", "purpose"),
    [
        (requests.create_conversation("m"), purposes.CreateConversation()),
        (requests.send_message(ID, "a", "p", "g", timezone="UTC"), purposes.SendMessage(ID)),
        (requests.stop_generating(ID), purposes.StopGenerating(ID)),
        (requests.build(purposes.ReadConversation(ID)), purposes.ReadConversation(ID)),
        (requests.build(purposes.ListConversations(3)), purposes.ListConversations(3)),
        (requests.build(purposes.ListModels()), purposes.ListModels()),
        (requests.build(purposes.ReadUser()), purposes.ReadUser()),
        (requests.build(purposes.ReadSettings()), purposes.ReadSettings()),
        (requests.build(purposes.SaveSettings(), {"activeModel": "m"}), purposes.SaveSettings()),
        (requests.build(purposes.McpServers()), purposes.McpServers()),
        (requests.build(purposes.Logout()), purposes.Logout()),
        (requests.build(purposes.FeatureFlags()), purposes.FeatureFlags()),
        (requests.rename_conversation(ID, "t"), purposes.ChangeConversation(ID)),
        (requests.change_model(ID, "m"), purposes.ChangeConversation(ID)),
        (requests.build(purposes.DeleteConversation(ID)), purposes.DeleteConversation(ID)),
        (requests.build(purposes.ShareConversation(ID)), purposes.ShareConversation(ID)),
        (requests.import_share("0E921fx", "m"), purposes.ImportShare()),
        (requests.build(purposes.ReadFile(ID, "5f")), purposes.ReadFile(ID, "5f")),
        (requests.answer_elicitation(ID, "e", "cancel"), purposes.AnswerElicitation(ID)),
    ],
)
def test_built_request_is_what_it_is_for(call, purpose):
    assert classify(call.method, f"https://chat.test/chat{call.path}", "/chat") == purpose


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (requests.rename_conversation(ID, "t"), "PATCH", f"/conversation/{ID}", {"title": "t"}),
        (requests.change_model(ID, "m"), "PATCH", f"/conversation/{ID}", {"model": "m"}),
        (requests.build(purposes.DeleteConversation(ID)), "DELETE", f"/conversation/{ID}", None),
        (requests.build(purposes.ShareConversation(ID)), "POST", f"/conversation/{ID}/share", None),
        (requests.build(purposes.SaveSettings(), {"a": 1}), "POST", "/settings", {"a": 1}),
    ],
)
def test_built_request_changes_a_conversation(call, method, path, body):
    assert (call.method, call.path, call.json, call.form) == (method, path, body, None)


def test_built_path_cannot_be_left_by_an_odd_id():
    assert requests.build(purposes.ReadConversation("../a?b")).path == "/api/v2/conversations/..%2Fa%3Fb"
