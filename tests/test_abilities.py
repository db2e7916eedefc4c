"""The table of the engines' abilities, and where it is shown."""

import inspect
from pathlib import Path
from typing import get_args

import pytest
from playwright.async_api import Browser

from huggingchat_agent import redact
from huggingchat_agent.browser import abilities, load_engine
from huggingchat_agent.choices import EngineName
from huggingchat_agent.context_args import LEFT_OUT, TAKEN
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.settings import make_settings

DOCUMENT = Path(__file__).parents[1] / "docs" / "engines.md"


@pytest.mark.parametrize("name", get_args(EngineName))
def test_engine_has_the_abilities_of_the_table(name):
    assert dict(load_engine(name).can) == abilities.can(name)
    assert list(load_engine(name).can) == [each.name for each in abilities.ABILITIES]


def test_document_has_the_table():
    rows = [line.split("|")[1:4] for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    shown = {cells[0].strip(): [each.strip() for each in cells[1:]] for cells in rows}
    for each in abilities.ABILITIES:
        row = ["no" if name in each.without else "yes" for name in ("playwright", "nodriver")]
        assert shown[each.meaning] == row


def test_what_an_engine_cannot_is_refused_with_the_sentence_of_the_table():
    with pytest.raises(SettingsError, match="speaks CDP, not Playwright's protocol"):
        abilities.check("nodriver", make_settings(connect="ws://127.0.0.1:4000/abc"))
    abilities.check("nodriver", make_settings(connect="ws://127.0.0.1:4000/devtools/browser/abc"))
    abilities.check("playwright", make_settings(connect="ws://127.0.0.1:4000/abc"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("channel", "chrome"),
        ("browser_args", ["--mute-audio"]),
        ("skip_pictures", True),
        ("user_data_dir", "/tmp/x"),
        ("proxy", "host:1"),
    ],
)
def test_connect_is_refused_beside_what_is_for_a_browser_of_ours(name, value):
    with pytest.raises(SettingsError, match=f"{name} is for a browser that the agent starts"):
        make_settings(connect="http://127.0.0.1:9222", **{name: value})


def test_arguments_of_a_context_are_refused_by_name_with_what_to_do():
    with pytest.raises(SettingsError, match=r"'base_url'\. Use the setting base_url"):
        make_settings(context_args={"base_url": "https://example.org"})
    with pytest.raises(SettingsError, match=r"'viewprot'\. It takes viewport, "):
        make_settings(context_args={"viewprot": {}})
    with pytest.raises(SettingsError, match="Add isolated"):
        make_settings(connect="http://127.0.0.1:9222", context_args={"locale": "de-DE"})
    make_settings(connect="http://127.0.0.1:9222", context_args={"locale": "de-DE"}, isolated=True)


def test_every_argument_of_a_context_that_playwright_has_is_taken_or_answered():
    theirs = set(inspect.signature(Browser.new_context).parameters) - {"self"}
    assert theirs <= {*TAKEN, *LEFT_OUT}
    assert not set(TAKEN) & set(LEFT_OUT)


def test_what_a_context_is_opened_with_does_not_show():
    chosen = make_settings(
        context_args={
            "extra_http_headers": {"x-key": "header-secret"},
            "http_credentials": {"username": "ada", "password": "gate-secret"},
        }
    )
    assert "extra_http_headers" in repr(chosen)
    assert "-secret" not in repr(chosen)
    assert redact.text("said header-secret, gate-secret") == f"said {redact.MASK}, {redact.MASK}"


@pytest.mark.parametrize("value", [-1, "fast"])
def test_slow_mo_is_refused_when_it_is_no_time(value):
    with pytest.raises(SettingsError, match="slow_mo must be a number of milliseconds, 0 or more"):
        make_settings(slow_mo=value)


@pytest.mark.parametrize("address", ["9222", "ftp://host:9222", "http://", "http://host:port"])
def test_connect_that_is_no_address_is_refused(address):
    with pytest.raises(SettingsError, match="connect is not the address"):
        make_settings(connect=address)


def test_choices_of_a_browser_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HUGGINGCHAT_BROWSER_ARGS", "--lang=de '--user-agent=Some body'")
    monkeypatch.setenv("HUGGINGCHAT_USER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HUGGINGCHAT_CHANNEL", "chrome")
    chosen = make_settings()
    assert chosen.browser_args == ("--lang=de", "--user-agent=Some body")
    assert (chosen.user_data_dir, chosen.channel) == (tmp_path, "chrome")
    assert chosen.own_cookies
    for name in ("BROWSER_ARGS", "USER_DATA_DIR", "CHANNEL"):
        monkeypatch.delenv(f"HUGGINGCHAT_{name}")
    monkeypatch.setenv("HUGGINGCHAT_CONNECT", "http://127.0.0.1:9222")
    assert make_settings().own_cookies
    monkeypatch.setenv("HUGGINGCHAT_ISOLATED", "yes")
    assert not make_settings().own_cookies
