"""Settings: arguments, environment, defaults, and what is refused."""

import pytest

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.settings import settings


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("HUGGINGCHAT_"):
            monkeypatch.delenv(name)


def test_defaults_are_huggingchat():
    assert settings().base_url == "https://huggingface.co/chat"
    assert (settings().origin, settings().base_path) == ("https://huggingface.co", "/chat")


def test_arguments_beat_the_environment(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_BASE_URL", "https://one.example/chat")
    monkeypatch.setenv("HUGGINGCHAT_ENGINE", "nodriver")
    assert settings().base_url == "https://one.example/chat"
    assert settings(base_url="https://two.example/").base_url == "https://two.example"
    assert settings().engine == "nodriver"
    assert settings(engine="playwright").engine == "playwright"


def test_password_does_not_show(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PASSWORD", "very secret indeed")
    given = settings()
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
        settings(**{name: value})
