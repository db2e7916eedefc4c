"""HTTP credentials for a gateway in front of the app: their form, and that the password does not show."""

from typing import Any

import pytest

from huggingchat_agent.errors import SettingsError, SiteError
from huggingchat_agent.settings import make_settings
from huggingchat_agent.wire import failures


def test_credentials_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_HTTP_CREDENTIALS", "ada:let:me-in")
    credentials = make_settings().http_credentials
    assert credentials is not None
    assert (credentials.username, credentials.password.reveal()) == ("ada", "let:me-in")
    assert "let:me-in" not in repr(make_settings())


@pytest.mark.parametrize("given", ["ada", "ada:", ":let-me-in", "let-me-in"])
def test_bad_credentials_are_refused_without_showing_them(given):
    with pytest.raises(SettingsError, match="user:password") as caught:
        make_settings(http_credentials=given)
    assert "let-me-in" not in str(caught.value) and "ada" not in str(caught.value)


def test_credentials_are_not_for_a_browsers_own_context():
    with pytest.raises(SettingsError, match="Add isolated, or leave http_credentials out"):
        make_settings(http_credentials="ada:let-me-in", connect="http://127.0.0.1:9222")


def test_credentials_are_not_sent_where_others_can_read_them():
    given: dict[str, Any] = {"http_credentials": "ada:let-me-in", "base_url": "http://chat.lan/chat"}
    with pytest.raises(SettingsError, match="would go to base_url over plain http") as caught:
        make_settings(**given)
    message = caught.value.for_shell()
    assert "HUGGINGCHAT_HTTP_CREDENTIALS" in message and "--insecure" in message
    assert "let-me-in" not in str(caught.value)
    for trusted in ({"insecure": True}, {"base_url": "https://chat.lan"}, {"base_url": "http://127.1:8080"}):
        assert make_settings(**given | trusted).http_credentials


def test_refusal_by_a_gateway_is_not_taken_for_a_lost_session():
    error = failures.from_response(401, "text/html", b"<h1>Stop</h1>", {"www-authenticate": "Basic realm=x"})
    assert type(error) is SiteError
    assert "http_credentials" in str(error)
