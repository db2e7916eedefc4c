import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire.charset import encode

# As a browser decodes windows-1252: like Python, and the five bytes Python leaves out are controls.
WINDOWS_1252 = [bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)]


@given(st.binary(max_size=40))
def test_encoded_restores_any_bytes_read_as_windows_1252(body):
    read = "".join(WINDOWS_1252[byte] for byte in body)
    assert encode(read, "text/sveltekit-data", "") == body
    assert encode(read, "text/plain", "ISO-8859-1") == body


@pytest.mark.parametrize(
    ("mime", "charset"),
    [
        ("application/json", ""),
        ("text/html", ""),
        ("text/plain", "utf-8"),
        ("text/plain", "no-such-charset"),
        ("text/plain", ""),  # the browser knew better: no text of windows-1252 has these characters
    ],
)
def test_encoded_is_utf_8_otherwise(mime, charset):
    assert encode("日本 é", mime, charset) == "日本 é".encode()


def test_encoded_never_raises_for_half_a_character():
    assert encode("\ud83d", "application/json", "") == b"?"


@pytest.mark.parametrize("charset", ["idna", "undefined", "a\0b", "hex", "punycode", "\ud800", "no such"])
@given(text=st.text(st.characters(exclude_categories=())))
def test_charset_of_any_name_gives_bytes(charset, text):
    assert isinstance(encode(text, "application/json", charset), bytes)
