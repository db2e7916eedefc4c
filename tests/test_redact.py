"""The secrets that are taken out of texts before they are shown."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huggingchat_agent import redact
from huggingchat_agent.redact import Secret

PIECES = st.sampled_from(
    [
        *("http://", "wss://", "//", "[", "]", "fe80::1", ":", "$PORT", "99999", "/", "?", "&", "@", "%3D"),
        *("code=", "state=", '"token":"', "\\", '"', "cookie: ", "authorization: bearer "),
        *(" ", "\ud800", "\u2100"),
    ]
)


def test_secret_of_few_characters_leaves_texts_alone():
    Secret("1")
    Secret("----")
    assert redact.text("------error 101 at 127.0.0.1") == "------error 101 at 127.0.0.1"


def test_secret_does_not_show_itself():
    secret = Secret("correct horse battery")
    assert "horse" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "correct horse battery"


def test_text_masks_a_secret_in_every_spelling():
    Secret("pass word&1")
    for spelling in ("pass word&1", "pass%20word%261", "pass+word%261"):
        assert spelling not in redact.text(f"typed {spelling} there")


def test_text_masks_queries_of_addresses():
    shown = redact.text("at https://huggingface.co/chat/login/callback?code=abc123&state=xyz: failed")
    assert shown == "at https://huggingface.co/chat/login/callback?…: failed"


def test_text_masks_mail_addresses_and_keyed_values():
    shown = redact.text('ada@example.org sent "token": "hf_abcdef" and cookie=xyz')
    assert "ada@example.org" not in shown
    assert "hf_abcdef" not in shown
    assert "xyz" not in shown


def test_remembered_cookies_are_masked():
    redact.remember("6f0b5c1e-session")
    assert "6f0b5c1e" not in redact.text("cookie jar: 6f0b5c1e-session!")


def test_address_loses_user_and_query():
    assert redact.address("https://ada:secret@example.org:8443/x?y=1#z") == "https://example.org:8443/x?…"


@given(st.text() | st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join))
@example("http://localhost:$PORT/x")
@example("http://[fe80")
@example("http://host:99999/")
@example("see http://[::1]:80/x")
def test_text_never_raises(text):
    assert isinstance(redact.text(text), str)
    assert isinstance(redact.address(text), str)


def test_text_does_not_raise_when_a_secret_cannot_be_encoded():
    Secret("caf\udce9-au-lait")
    assert redact.text("a caf\udce9-au-lait please") == f"a {redact.MASK} please"


@pytest.mark.parametrize("url", ["http://localhost:$PORT/x", "http://[fe80", "http://host:99999/"])
def test_address_says_so_when_it_is_none(url):
    assert redact.address(url) == "[address]"
    assert redact.text(f"try {url} instead") == "try [address] instead"


def test_address_keeps_the_brackets_of_its_host():
    assert redact.address("http://ada@[::1]:8080/x") == "http://[::1]:8080/x"
    assert redact.text("at http://[::1]:8080/x?code=4f1c: no") == "at http://[::1]:8080/x?…: no"


@pytest.mark.parametrize(
    "said",
    [
        "exit code: 1; state: running",
        "exit code=1",
        "The password: at least 8 characters, please",
        "Your token is not valid. State: unknown, code: rate_limit_exceeded",
        '{"message": "Model is overloaded", "code": "model_overloaded", "state": "running"}',
        '{"code": 503, "error": "no cookie, no state"}',
        "This model takes at most 4096 tokens (code: 400)",
        "authorization: required; the cookie: too old",
    ],
)
def test_text_keeps_the_words_of_the_server(said):
    assert redact.text(said) == said


@pytest.mark.parametrize(
    "said",
    [
        "/login/callback?code=SECRET&state=SECRET",
        "code=4SECRET9&state=eySECRETX",
        "next=%2Fcallback%3Fcode%3D4SECRET9%26state%3DeySECRETX",
        "username=ada&password=SECRET",
        '{"password": "SECRET \\"SECRET", "access_token":"SECRET", "csrf": "SECRET"}',
        '"{\\"token\\": \\"SECRET\\"}"',
        "{'token': 'SECRET'}",
        '{"code": "4SECRET9", "state": "e30SECRET"}',
        "hf-chat=SECRET; token=SECRET",
        "Cookie: a=SECRET; hf-chat=SECRET",
        "set-cookie: session=SECRET; Path=/",
        "Authorization: Bearer SECRET",
        '{"authorization": "Basic SECRET"}',
        "csrfToken=SECRET hf_token=SECRET code_verifier=SECRET",
    ],
)
def test_text_masks_what_its_name_says_is_secret(said):
    assert "SECRET" not in redact.text(said)


def test_cookies_of_a_storage_state_are_masked():
    redact.remember_cookies({"cookies": [{"name": "hf-chat", "value": "77aa-session-99"}]})
    assert redact.text("it was 77aa-session-99") == f"it was {redact.MASK}"


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        "cookies",
        {},
        {"cookies": None},
        {"cookies": 5},
        {"cookies": [None, "x", {}, {"value": None}]},
    ],
)
def test_storage_state_that_is_malformed_is_passed_over(state):
    redact.remember_cookies(state)


def test_what_is_masked_already_stays_as_it_is():
    tree = '- textbox "Password": [redacted]\n- "api_key": "[redacted]"'
    assert redact.text(tree) == tree
