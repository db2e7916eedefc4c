import json

import pytest

from huggingchat_agent.wire import multipart, purposes, requests
from huggingchat_agent.wire.multipart import FormPart, send_fields
from huggingchat_agent.wire.purposes import classify
from tests.wire.recordings import exchanges, one, streams

ID = "6b013cfcbcc939b7fa8356c2"


@pytest.mark.parametrize(
    ("method", "path", "purpose"),
    [
        ("POST", "/conversation", purposes.CreateConversation()),
        ("POST", f"/conversation/{ID}", purposes.SendMessage(ID)),
        ("POST", f"/conversation/{ID}/stop-generating", purposes.StopGenerating(ID)),
        ("GET", f"/conversation/{ID}/stream?generationId=g&fromSeq=9", purposes.Reattach(ID, "g", 9)),
        ("GET", f"/conversation/{ID}/stream", purposes.Reattach(ID)),
        ("GET", f"/api/v2/conversations/{ID}", purposes.ReadConversation(ID)),
        ("GET", "/api/v2/conversations/0E921fx?fromShare=1", purposes.ReadConversation("0E921fx")),
        ("GET", f"/api/conversation/{ID}", purposes.ReadConversation(ID)),
        ("GET", f"/conversation/{ID}/__data.json?x-sveltekit-invalidated=11", purposes.ReadConversation(ID)),
        ("GET", "/api/v2/conversations?p=2", purposes.ListConversations(2)),
        ("GET", "/api/v2/conversations?p=-1", purposes.ListConversations(0)),
        ("GET", "/api/conversations", purposes.ListConversations(0)),
        ("GET", "/api/v2/models", purposes.ListModels()),
        ("GET", "/api/models", purposes.ListModels()),
        ("GET", "/api/v2/user", purposes.ReadUser()),
        ("GET", "/api/user", purposes.ReadUser()),
        ("GET", "/api/v2/user/settings", purposes.ReadSettings()),
        ("POST", "/api/v2/user/settings", purposes.SaveSettings()),
        ("POST", "/settings", purposes.SaveSettings()),
        ("GET", "/api/v2/generations/live", purposes.Live()),
        ("GET", "/api/mcp/servers", purposes.McpServers()),
        ("GET", "/__data.json", purposes.PageData("")),
        ("GET", "/models/a/b/__data.json", purposes.PageData("/models/a/b")),
        ("GET", "/login?next=/chat/", purposes.Login()),
        ("POST", "/login", purposes.Login()),
        ("GET", "/login/callback?code=c&state=s", purposes.LoginCallback()),
        ("POST", "/logout", purposes.Logout()),
        ("GET", "/", purposes.Document("")),
        ("GET", f"/conversation/{ID}?leafId=x", purposes.Document(f"/conversation/{ID}")),
        ("GET", "/settings/a/b", purposes.Document("/settings/a/b")),
        ("GET", "/api/v2/models/a/b", purposes.Other()),
        ("POST", "/api/v2/models/a/b/subscribe", purposes.Other()),
        ("DELETE", f"/conversation/{ID}", purposes.Other()),
        ("GET", "/_app/immutable/start.js", purposes.Other()),
    ],
)
@pytest.mark.parametrize("base_path", ["", "/chat"])
def test_classify_knows_the_request(method, path, purpose, base_path):
    assert classify(method, f"https://chat.test:8080{base_path}{path}", base_path) == purpose


@pytest.mark.parametrize("url", ["https://hub.test/login", "https://hub.test/chatter", "https://hub.test/"])
def test_classify_knows_nothing_outside_the_base_path(url):
    assert classify("GET", url, "/chat") == purposes.Other()


def test_classify_takes_the_home_page_without_a_slash():
    assert classify("GET", "https://chat.test/chat", "/chat") == purposes.Document("")
    assert classify("GET", "https://chat.test", "") == purposes.Document("")


def test_classify_believes_the_kind_of_resource():
    url = f"https://chat.test/conversation/{ID}"
    assert classify("GET", url, "", "document") == purposes.Document(f"/conversation/{ID}")
    assert classify("GET", url, "", "image") == purposes.Other()


# Sent messages.


@pytest.mark.parametrize("stream", streams(), ids=str)
def test_recorded_send_is_read_and_built_again_byte_for_byte(stream):
    fields = send_fields(stream.sent, stream.content_type)
    assert fields is not None
    _, _, boundary = stream.content_type.partition("boundary=")
    files = []
    if stream.scenario == "upload":
        text = (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        )
        files = [FormPart("files", text, "base64;dot.png", "image/png")]
        files.append(multipart.new_file("note.txt", "text/plain", b"hello file"))
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
        assert (call.method, f"/chat{call.path}", call.stream) == ("POST", stream.raw["url"], True)
        assert call.form is not None
        parts = call.form
    assert multipart.body(parts, boundary) == stream.sent


RECORDED = one("2026-08", "upload", 1)


def test_send_fields_of_a_recorded_send_with_files():
    fields = send_fields(RECORDED.sent, RECORDED.content_type)
    assert fields is not None
    assert fields["inputs"] == "describe it"
    assert fields["generationId"] == "cad87feb-2ce8-48e9-a130-0e608cb4407b"


def test_send_fields_are_none_however_the_body_is_cut():
    data = RECORDED.sent.rindex(b"}")
    for end in range(data + 1):
        assert send_fields(RECORDED.sent[:end], RECORDED.content_type) is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (None, RECORDED.content_type),
        (b"", RECORDED.content_type),
        (RECORDED.sent, ""),
        (RECORDED.sent, "multipart/form-data; boundary=other"),
        (multipart.body([FormPart("data", "[1]")], "b"), "multipart/form-data; boundary=b"),
        (multipart.body([FormPart("data", "{")], "b"), "multipart/form-data; boundary=b"),
        (multipart.body([FormPart("other", "{}")], "b"), "multipart/form-data; boundary=b"),
        (b"[1]", "application/json"),
    ],
)
def test_send_fields_are_none_where_there_are_none(body, content_type):
    assert send_fields(body, content_type) is None


def test_send_fields_of_any_boundary_and_of_plain_json():
    body = multipart.body([FormPart("data", '{"inputs":"é name=\\"data\\" --b"}')], "----x'(1)")
    assert send_fields(body, 'multipart/form-data; boundary="----x\'(1)"') == {"inputs": 'é name="data" --b'}
    assert send_fields(b'{"inputs":"a"}', "application/json; charset=utf-8") == {"inputs": "a"}


# Calls.


def data_of(call):
    *files, data = call.form
    return files, json.loads(data.body)


def test_retry_edit_and_resumption_are_sends_with_other_fields():
    retry = requests.send_message(ID, None, "a", "g", timezone="UTC", is_retry=True)
    assert data_of(retry)[1] == {
        "id": "a",
        "is_retry": True,
        "is_continue": False,
        "generationId": "g",
        "timezone": "UTC",
    }
    kept = multipart.stored_file("a;b.png", "image/png", "569f")
    files, fields = data_of(
        requests.send_message(ID, "new", "u", "g", timezone="UTC", is_retry=True, files=[kept])
    )
    assert files == [FormPart("files", "569f", "hash;a;b.png", "image/png")]
    assert (fields["inputs"], fields["is_retry"]) == ("new", True)
    resumed = requests.send_message(ID, None, "a", "g", timezone="UTC", resume_elicitation_id="e")
    assert data_of(resumed)[1]["resumeElicitationId"] == "e"


def test_send_passes_servers_on_without_what_the_app_does_not_send():
    servers = [{"id": "base-M", "name": "M", "url": "https://m.test", "isLocked": False}]
    fields = data_of(requests.send_message(ID, "hi", "u", "g", timezone="UTC", mcp_servers=servers))[1]
    assert fields["selectedMcpServerNames"] == ["M"]
    assert fields["selectedMcpServers"] == [{"name": "M", "url": "https://m.test"}]


def test_send_leaves_the_servers_to_the_app_unless_they_are_chosen():
    left = data_of(requests.send_message(ID, "hi", "u", "g", timezone="UTC"))[1]
    none = data_of(requests.send_message(ID, "hi", "u", "g", timezone="UTC", mcp_servers=[]))[1]
    assert "selectedMcpServers" not in left
    assert none["selectedMcpServers"] == none["selectedMcpServerNames"] == []


def test_multipart_escapes_names_as_chromium_does():
    body = multipart.body([FormPart("files", "QQ==", 'base64;a"b\r\n.txt', "")], "b")
    assert b'filename="base64;a%22b%0D%0A.txt"\r\nContent-Type: application/octet-stream\r\n\r\nQQ==' in body


def test_recorded_create_is_built_again():
    for exchange in exchanges():
        if exchange.raw["url"] == "/chat/conversation":
            body = json.loads(exchange.sent)
            assert requests.create_conversation(**body).json == body
    call = requests.create_conversation("a/b", "Be brief.")
    assert (call.method, call.path) == ("POST", "/conversation")
    assert call.json == {"model": "a/b", "preprompt": "Be brief."}


def test_recorded_stop_is_built_again():
    stop = one("2026-08", "stop", 2)
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
        (requests.reattach(ID, "g", 4), purposes.Reattach(ID, "g", 4)),
        (requests.read_conversation(ID), purposes.ReadConversation(ID)),
        (requests.list_conversations(3), purposes.ListConversations(3)),
        (requests.list_models(), purposes.ListModels()),
        (requests.read_user(), purposes.ReadUser()),
        (requests.read_settings(), purposes.ReadSettings()),
        (requests.save_settings({"activeModel": "m"}), purposes.SaveSettings()),
        (requests.mcp_servers(), purposes.McpServers()),
        (requests.logout(), purposes.Logout()),
        (requests.feature_flags(), purposes.Other()),
    ],
)
def test_built_request_is_what_it_is_for(call, purpose):
    assert classify(call.method, f"https://chat.test/chat{call.path}", "/chat") == purpose


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (requests.rename_conversation(ID, "t"), "PATCH", f"/conversation/{ID}", {"title": "t"}),
        (requests.change_model(ID, "m"), "PATCH", f"/conversation/{ID}", {"model": "m"}),
        (requests.delete_conversation(ID), "DELETE", f"/conversation/{ID}", None),
        (requests.share_conversation(ID), "POST", f"/conversation/{ID}/share", None),
        (requests.save_settings({"a": 1}), "POST", "/settings", {"a": 1}),
    ],
)
def test_built_request_changes_a_conversation(call, method, path, body):
    assert (call.method, call.path, call.json, call.form) == (method, path, body, None)


def test_built_path_cannot_be_left_by_an_odd_id():
    assert requests.read_conversation("../a?b").path == "/api/v2/conversations/..%2Fa%3Fb"
    assert (
        requests.reattach("a/b", "g&x", 0).path == "/conversation/a%2Fb/stream?generationId=g%26x&fromSeq=0"
    )
