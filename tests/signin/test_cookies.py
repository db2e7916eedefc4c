"""Cookies in and out, without a browser."""

import json
import time
from typing import get_args

import pytest

from huggingchat_agent.errors import CookiesUnreadable
from huggingchat_agent.state import cookies

BASE = "https://huggingface.co/chat"
LATER = int(time.time()) + 86400
SECRET = "c0ffee-secret-value"
STATE = {
    "cookies": [
        {
            "name": "hf-chat",
            "value": SECRET,
            "domain": "huggingface.co",
            "path": "/",
            "expires": float(LATER),
            "httpOnly": True,
            "secure": True,
            "sameSite": "Lax",
        },
        {
            "name": "token",
            "value": "t0ken-value",
            "domain": ".huggingface.co",
            "path": "/",
            "expires": -1,
            "httpOnly": True,
            "secure": True,
            "sameSite": "None",
        },
    ],
    "origins": [],
}


def summarize(state):
    return {each["name"]: (each["value"], each["httpOnly"], each["secure"]) for each in state["cookies"]}


@pytest.mark.parametrize("form", get_args(cookies.Format))
def test_cookies_come_back_from_every_format(form):
    back = cookies.parse(cookies.encode(STATE, form, BASE), BASE)
    assert summarize(back) == summarize(STATE)
    if form != "plain":
        assert [each["domain"] for each in back["cookies"]] == ["huggingface.co", ".huggingface.co"]
        assert back["cookies"][0]["expires"] == LATER


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_of_a_cookies_txt_ends_where_an_editor_ends_it(end):
    value = "a\u2028b\x85c\x0cd\x1ce"
    lines = ["# Netscape HTTP Cookie File", f"huggingface.co\tFALSE\t/\tTRUE\t{LATER}\thf-chat\t{value}", ""]
    back = cookies.parse(end.join(lines).encode(), BASE)
    assert [each["value"] for each in back["cookies"]] == [value]


def test_plain_holds_only_what_the_app_gets():
    assert json.loads(cookies.encode(STATE, "plain", "https://other.example.org")) == {}


def test_cookies_of_an_ipv6_address_are_in_brackets_as_browsers_have_them():
    app = "http://[::1]:3000/chat"
    state = cookies.parse(b'{"hf-chat": "1"}', app)
    assert [each["domain"] for each in state["cookies"]] == ["[::1]"]
    assert json.loads(cookies.encode(state, "plain", app)) == {"hf-chat": "1"}


def test_expired_cookies_are_left_out():
    state = {**STATE, "cookies": [*STATE["cookies"], {**STATE["cookies"][0], "name": "old", "expires": 1.0}]}
    assert "old" not in summarize(cookies.parse(json.dumps(state).encode(), BASE))
    state["cookies"] = state["cookies"][-1:]
    with pytest.raises(CookiesUnreadable, match="expired"):
        cookies.parse(json.dumps(state).encode(), BASE)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is empty"),
        (b"\xff\xfe\x00", "not text"),
        (b"[", "not valid JSON"),
        (b"[]", "no cookies"),
        (b"{}", "no cookies"),
        (b'{"a": 1}', "no cookies"),
        (b'["a"]', "Entry 1"),
        (f'[{{"name": "a", "value": "{SECRET}"}}]'.encode(), "no domain"),
        (f"huggingface.co\thf-chat\t{SECRET}".encode(), "Line 1"),
        (b"# Netscape HTTP Cookie File\n", "no cookies"),
        (b"<html>", "Line 1"),
    ],
)
def test_garbage_is_reported_without_a_value(body, said):
    with pytest.raises(CookiesUnreadable, match=said) as caught:
        cookies.parse(body, BASE)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None or SECRET not in str(caught.value.__context__)


def test_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(CookiesUnreadable, match="No such file"):
        cookies.load(tmp_path / "none.txt", BASE)
