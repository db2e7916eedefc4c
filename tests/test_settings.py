"""Settings: arguments, environment, defaults, and what is refused."""

import math
import os
from typing import Any

import pytest

from huggingchat_agent import redact
from huggingchat_agent.environment import get_inheritable, put_secrets_aside
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.redact import Secret
from huggingchat_agent.setting_values import Deadlines, Record
from huggingchat_agent.settings import Given, Settings, make_settings, read_fields


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in list(os.environ):
        if name.startswith("HUGGINGCHAT_"):
            monkeypatch.delenv(name)


def test_defaults_are_huggingchat():
    assert make_settings().base_url == "https://huggingface.co/chat"
    assert (make_settings().origin, make_settings().base_path) == ("https://huggingface.co", "/chat")


def test_arguments_beat_the_environment(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_BASE_URL", "https://one.example/chat")
    monkeypatch.setenv("HUGGINGCHAT_ENGINE", "nodriver")
    assert make_settings().base_url == "https://one.example/chat"
    assert make_settings(base_url="https://two.example/").base_url == "https://two.example"
    assert make_settings().engine == "nodriver"
    assert make_settings(engine="playwright").engine == "playwright"


def test_state_is_in_the_platforms_data_folder_unless_another_is_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert make_settings().home == tmp_path / "data" / "huggingchat-agent"
    monkeypatch.setenv("HUGGINGCHAT_HOME", str(tmp_path / "one"))
    assert make_settings().home == tmp_path / "one"
    assert make_settings(home=tmp_path / "two").home == tmp_path / "two"


def test_password_does_not_show(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "very secret indeed")
    given = make_settings()
    assert "very secret" not in repr(given)
    assert given.password is not None
    assert given.password.reveal() == "very secret indeed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "ftp://example.org"),
        ("base_url", "https://"),
        ("base_url", "https://ada:pw@example.org"),
        ("engine", "selenium"),
        ("via", "telepathy"),
        ("profile", "../up"),
        ("profile", ".hidden"),
        ("step_timeout", 0),
        ("step_timeout", -1.0),
    ],
)
def test_bad_value_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        make_settings(**{name: value})


def test_name_that_no_setting_has_is_refused():
    misspelt: dict[str, Any] = {"baseurl": "https://example.org"}
    with pytest.raises(SettingsError, match=r"no setting 'baseurl'\. Did you mean base_url\?"):
        make_settings(**misspelt)
    unlike: dict[str, Any] = {"zzz": 1}
    with pytest.raises(SettingsError, match="There are: base_url, engine"):
        make_settings(**unlike)


def test_record_may_name_its_file_as_text(tmp_path):
    record = make_settings(record=Record(str(tmp_path / "run.tape"), full=True)).record
    assert record == Record(tmp_path / "run.tape", full=True)


@pytest.mark.parametrize("field", ["first_update", "idle", "total"])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, None])
def test_bad_deadline_is_refused_by_name(field, value):
    with pytest.raises(SettingsError, match=rf"deadlines\.{field} "):
        make_settings(deadlines=Deadlines(**{field: value}))


def test_switches_with_a_quote_too_few_are_refused_by_name(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_BROWSER_ARGS", "--lang='de")
    with pytest.raises(SettingsError, match=r"browser_args .*[Cc]losing quotation"):
        make_settings()


def test_step_timeout_is_refused_when_it_is_no_number():
    with pytest.raises(SettingsError, match="step_timeout"):
        make_settings(step_timeout=math.nan)


@pytest.mark.parametrize(
    ("value", "headless"),
    [("0", True), ("false", True), ("No", True), ("", True), ("1", False), ("true", False), ("yes", False)],
)
def test_headed_is_taken_by_its_meaning(monkeypatch, value, headless):
    monkeypatch.setenv("HUGGINGCHAT_HEADED", value)
    assert make_settings().headless is headless
    assert make_settings(headless=True).headless


def test_inheritable_environment_is_without_settings(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "very secret indeed")
    monkeypatch.setenv("HUGGINGCHAT_HOME", "/elsewhere")
    assert not [name for name in get_inheritable() if name.startswith("HUGGINGCHAT_")]
    assert get_inheritable()["PATH"] == os.environ["PATH"]


def test_secrets_aside_are_not_in_the_environment_and_still_settings(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "very secret indeed")
    monkeypatch.setenv("HUGGINGCHAT_USERNAME", "ada")
    with put_secrets_aside():
        assert "HUGGINGCHAT_PASSWORD" not in os.environ
        assert make_settings().password == Secret("very secret indeed")
        assert make_settings().username == "ada"
    assert os.environ["HUGGINGCHAT_PASSWORD"] == "very secret indeed"
    assert os.environ["HUGGINGCHAT_USERNAME"] == "ada"


def test_secrets_are_put_back_by_the_last_of_several(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "very secret indeed")
    first, second = put_secrets_aside(), put_secrets_aside()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert "HUGGINGCHAT_PASSWORD" not in os.environ
    second.__exit__(None, None, None)
    assert os.environ["HUGGINGCHAT_PASSWORD"] == "very secret indeed"


def test_secret_that_was_set_meanwhile_is_kept(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "very secret indeed")
    with put_secrets_aside():
        monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "a newer one")
    assert os.environ["HUGGINGCHAT_PASSWORD"] == "a newer one"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", 5),
        ("base_url", 0),
        ("headless", 1),
        ("slow_mo", "soon"),
        ("step_timeout", True),
        ("home", 5),
        ("browser_args", 5),
        ("browser_args", ["--a", 5]),
        ("context_args", "locale"),
        ("context_args", {"user_agent": "\ud83d"}),
        ("context_args", {"extra_http_headers": {"x-a": "caf\udce9"}}),
        ("deadlines", 5),
        ("record", 5),
        ("record", "a\0b"),
        ("home", "\ud83d"),
        ("faults", 5),
        ("username", "caf\udce9"),
    ],
)
def test_value_of_another_type_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=f"{name} (must|holds)"):
        make_settings(**{name: value})


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"locale": 5}, "locale"),
        ({"viewport": (800, 600)}, "viewport"),
        ({"viewport": {"width": "800", "height": 600}}, "viewport.width"),
        ({"extra_http_headers": "x-a: b"}, "extra_http_headers"),
        ({"extra_http_headers": {"x-a": 5}}, "extra_http_headers"),
        ({"http_credentials": "ada:4SECRET9x"}, "http_credentials"),
        ({"client_certificates": [5]}, "client_certificates"),
        ({"color_scheme": "blue"}, "color_scheme"),
    ],
)
def test_context_argument_of_another_type_is_refused_by_name(wrong, place):
    with pytest.raises(SettingsError, match=place) as refused:
        make_settings(context_args=wrong)
    assert "4SECRET9x" not in str(refused.value)


def test_passwords_of_several_gateways_in_context_args_count_as_secret():
    make_settings(context_args={"http_credentials": [{"username": "ada", "password": "gateway-77-word"}]})
    assert "gateway-77" not in redact.text("it was gateway-77-word")


@pytest.mark.parametrize("hide", [r"ACME-\d+", 5, (5,)])
def test_patterns_to_hide_that_are_no_list_of_texts_are_refused(hide):
    with pytest.raises(SettingsError, match=r"record\.hide must be"):
        make_settings(record=Record("run.tape", hide=hide))


def test_deadline_that_is_taken_for_a_setting_is_pointed_to_deadlines():
    for name in ("total_timeout", "idle_timeout", "timeout"):
        wrong: dict[str, Any] = {name: 5}
        with pytest.raises(SettingsError, match=r"Did you mean deadlines=Deadlines\((total|idle)=\.\.\.\)\?"):
            make_settings(**wrong)


def test_callers_may_give_every_setting():
    given = [name for name in Settings.__struct_fields__ if name != "provenance"]
    assert list(Given.__annotations__) == list(read_fields()) == given


def test_numbers_come_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_SLOW_MO", "250")
    monkeypatch.setenv("HUGGINGCHAT_STEP_TIMEOUT", "2.5")
    assert (make_settings().slow_mo, make_settings().step_timeout) == (250.0, 2.5)
    monkeypatch.setenv("HUGGINGCHAT_STEP_TIMEOUT", "soon")
    with pytest.raises(SettingsError, match="step_timeout must be a number of seconds above 0"):
        make_settings()


@pytest.mark.parametrize(
    ("given", "base_url"),
    [
        ("HTTP://Chat.Example.ORG:80/Chat/", "http://chat.example.org/Chat"),
        ("https://chat.example.org:443", "https://chat.example.org"),
        ("http://127.1:3000/", "http://127.0.0.1:3000"),
        ("http://[::0001]:80", "http://[::1]"),
        ("http://bücher.example/chat", "http://xn--bcher-kva.example/chat"),
        ("chat.lan:8080", "https://chat.lan:8080"),
    ],
)
def test_base_url_is_written_as_browsers_write_it(given, base_url):
    assert make_settings(base_url=given).base_url == base_url
