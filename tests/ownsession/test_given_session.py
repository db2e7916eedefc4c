"""A session from a variable: its two forms, and what is wrong with others, without a word of its content."""

import base64
import json
import time

import pytest

from huggingchat_agent import redact
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.given_session import load_session

SECRET = "5e551011-5ec2-e75a-1ue0"
COOKIE = {"name": "hf-chat", "value": SECRET, "domain": "chat.example.org", "path": "/", "expires": -1}
STATE = json.dumps({"cookies": [COOKIE], "origins": []})


def encode(text):
    return base64.encodebytes(text.encode()).decode()  # with line breaks, as `base64` writes it


@pytest.mark.parametrize("text", [STATE, encode(STATE), f"\n{STATE}\n", json.loads(STATE)])
def test_session_is_json_or_base64(text):
    session = make_settings(session=text).session
    assert session is not None
    (cookie,) = load_session(session)["cookies"]
    assert (cookie["name"], cookie["value"]) == ("hf-chat", SECRET)
    assert SECRET not in repr(make_settings(session=text))
    assert SECRET not in redact.text(f"it was {SECRET}")


def test_base64_text_itself_counts_as_secret():
    text = base64.b64encode(STATE.encode()).decode()
    make_settings(session=text)
    assert text not in redact.text(f"export HUGGINGCHAT_SESSION={text}") + redact.text(f"<{text}>")


BAD = {
    "neither": f"no session at all {SECRET}",
    "broken JSON": STATE[:-1],
    "broken base64": encode(STATE)[5:-6],
    "base64 of no text": base64.b64encode(b"\xff\xfe" + SECRET.encode()).decode(),
    "a list": f'["{SECRET}"]',
    "no cookies": '{"cookies": []}',
    "other cookies": json.dumps({"cookies": {"hf-chat": SECRET}}),
    "no cookie": json.dumps({"cookies": [SECRET]}),
    "no domain": json.dumps({"cookies": [{"name": "hf-chat", "value": SECRET}]}),
    "odd origins": json.dumps({"cookies": [COOKIE], "origins": [SECRET]}),
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_bad_session_is_refused_without_its_content(text):
    with pytest.raises(SettingsError) as caught:
        make_settings(session=text)
    said = str(caught.value) + caught.value.for_shell()
    assert "session" in str(caught.value) and "HUGGINGCHAT" not in str(caught.value)
    assert SECRET not in said and encode(SECRET)[:12] not in said
    assert caught.value.__cause__ is None


def test_bad_variable_is_named_at_the_command_line(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_SESSION", "nonsense!")
    with pytest.raises(SettingsError) as caught:
        make_settings()
    assert caught.value.for_shell().startswith("HUGGINGCHAT_SESSION is neither JSON nor base64.")


def test_expired_cookies_are_left_out():
    old = COOKIE | {"expires": time.time() - 60}
    session = make_settings(session={"cookies": [old, COOKIE | {"name": "token"}]}).session
    assert session is not None
    assert [each["name"] for each in load_session(session)["cookies"]] == ["token"]


@pytest.mark.parametrize("own", [{"connect": "http://127.0.0.1:9222"}, {"user_data_dir": "folder"}])
def test_browser_with_cookies_of_its_own_takes_no_session(own):
    with pytest.raises(SettingsError, match="session"):
        make_settings(session=STATE, **own)
