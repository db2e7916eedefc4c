"""The proxy: what its address may look like, and that its password does not show."""

import pytest

from huggingchat_agent.errors import SettingsError
from huggingchat_agent.proxy import Proxy
from huggingchat_agent.settings import make_settings


def test_proxy_is_parted_into_server_and_credentials():
    proxy = Proxy.parse("http://ada%40work:p%3Aw%2F1@proxy.example.org:3128")
    assert (proxy.server, proxy.username) == ("http://proxy.example.org:3128", "ada@work")
    assert proxy.password is not None
    assert proxy.password.reveal() == "p:w/1"
    assert "p:w/1" not in repr(proxy)


@pytest.mark.parametrize(
    ("given", "server"),
    [
        ("proxy.example.org:3128", "http://proxy.example.org:3128"),
        ("socks5://[::1]:1080", "socks5://[::1]:1080"),
    ],
)
def test_proxy_without_credentials_has_none(given, server):
    assert Proxy.parse(given) == Proxy(server=server)


@pytest.mark.parametrize(
    "given", ["ftp://ada:secret-word@host", "http://ada:secret-word@", "http://ada:secret-word@host:nan"]
)
def test_bad_proxy_is_refused_without_showing_its_password(given):
    with pytest.raises(SettingsError, match="proxy") as caught:
        Proxy.parse(given)
    assert "secret-word" not in str(caught.value)


def test_socks_proxy_with_a_password_is_refused():
    with pytest.raises(SettingsError, match="SOCKS"):
        Proxy.parse("socks5://ada:secret-word@host:1080")


def test_proxy_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("HUGGINGCHAT_PROXY", "http://ada:secret-word@host:3128")
    proxy = make_settings().proxy
    assert proxy is not None
    assert (proxy.server, proxy.username) == ("http://host:3128", "ada")
