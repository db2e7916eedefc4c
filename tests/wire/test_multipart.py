import pytest

from huggingchat_agent.wire.multipart import FormPart, parse_send_fields
from tests.wire.forms import encode_form
from tests.wire.recordings import read_exchange

RECORDED = read_exchange("2026-08", "upload", 1)


def test_send_fields_of_a_recorded_send_with_files():
    fields = parse_send_fields(RECORDED.sent, RECORDED.content_type)
    assert fields is not None
    assert fields["inputs"] == "describe it"
    assert fields["generationId"] == "cad87feb-2ce8-48e9-a130-0e608cb4407b"


def test_send_fields_are_none_however_the_body_is_cut():
    data = RECORDED.sent.rindex(b"}")
    for end in range(data + 1):
        assert parse_send_fields(RECORDED.sent[:end], RECORDED.content_type) is None


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (None, RECORDED.content_type),
        (b"", RECORDED.content_type),
        (RECORDED.sent, ""),
        (RECORDED.sent, "multipart/form-data; boundary=other"),
        (encode_form([FormPart("data", "[1]")], "b"), "multipart/form-data; boundary=b"),
        (encode_form([FormPart("data", "{")], "b"), "multipart/form-data; boundary=b"),
        (encode_form([FormPart("other", "{}")], "b"), "multipart/form-data; boundary=b"),
        (b"[1]", "application/json"),
    ],
)
def test_send_fields_are_none_where_there_are_none(body, content_type):
    assert parse_send_fields(body, content_type) is None


def test_send_fields_of_any_boundary_and_of_plain_json():
    body = encode_form([FormPart("data", '{"inputs":"é name=\\"data\\" --b"}')], "----x'(1)")
    assert parse_send_fields(body, 'multipart/form-data; boundary="----x\'(1)"') == {
        "inputs": 'é name="data" --b'
    }
    assert parse_send_fields(b'{"inputs":"a"}', "application/json; charset=utf-8") == {"inputs": "a"}


def test_multipart_escapes_names_as_chromium_does():
    body = encode_form([FormPart("files", "QQ==", 'base64;a"b\r\n.txt', "")], "b")
    assert b'filename="base64;a%22b%0D%0A.txt"\r\nContent-Type: application/octet-stream\r\n\r\nQQ==' in body
