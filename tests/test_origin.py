"""Whose an address is: compared by origin and path segments."""

import pytest

from huggingchat_agent.origin import have_same_origin, is_within, normalize, parse_origin, path_is_within

APP = "https://chat.example.org/chat"


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://chat.example.org/chat", True),
        ("https://chat.example.org/chat/", True),
        ("https://chat.example.org/chat/login?next=/", True),
        ("https://CHAT.example.org:443/chat/login", True),
        ("https://chat.example.org/chatter", False),
        ("https://chat.example.org/", False),
        ("https://chat.example.org:8080/chat", False),
        ("http://chat.example.org/chat", False),
        ("https://chat.example.org.evil.net/chat", False),
        ("https://chat.example.org@evil.net/chat", False),
        ("https://evil.net\\@chat.example.org/chat", False),
        ("https://evil.net/\\chat.example.org/chat", False),
        ("https://ada:x@chat.example.org/chat", True),
        ("HTTPS://chat.example.org:/chat", True),
        ("https://chat.example.org/chat\\login", True),
        ("https://chat.example.org/chat%2Flogin", False),
        ("https://chat.example.org/chat/../evil", False),
        ("https://chat.example.org/chat/%2E%2e/evil", False),
        ("https://chat.example.org/x/./../chat/login", True),
        ("https://chat.example.org./chat", False),
        ("about:blank", False),
        ("https://[fe80/chat", False),
        ("", False),
    ],
)
def test_address_is_the_apps(url, inside):
    assert is_within(url, APP) is inside


def test_address_that_only_extends_the_apps_is_not_the_apps():
    assert not is_within("http://chat.lan:8080/login", "http://chat.lan")
    assert not is_within("http://chat.lan.evil.net/", "http://chat.lan")
    assert is_within("http://chat.lan/login", "http://chat.lan")


def test_hosts_are_the_same_however_they_are_written():
    assert have_same_origin("http://127.1/x", "http://127.0.0.1:80/y")
    assert have_same_origin("http://0x7f.1", "http://127.0.0.1./")
    assert have_same_origin("http://[::ffff:127.0.0.1]", "http://[::FFFF:7f00:1]:80")
    assert have_same_origin("http://[0:0::0:1]", "http://[::1]")
    assert have_same_origin("http://bücher.example", "http://xn--bcher-kva.example/")
    assert have_same_origin("http://☕.example", "http://xn--53h.example")
    assert have_same_origin("http://ex%61mple.org", "http://EXAMPLE。org")
    assert not have_same_origin("http://example.org", "https://example.org")


@pytest.mark.parametrize(
    "url",
    ["http://localhost:3000", "http://a.localhost", "http://localhost.", "http://127.1.", "http://[::1]"],
)
def test_this_machine_is_loopback(url):
    assert parse_origin(url).loopback


@pytest.mark.parametrize("url", ["http://chat.lan", "http://10.0.0.1", "http://localhost.evil.net"])
def test_another_machine_is_not_loopback(url):
    assert not parse_origin(url).loopback


@pytest.mark.parametrize(
    "url",
    ["", "chat", "/chat", "http://", "http://1.2.3.4.5", "http://999999999999", "http://a:b", "http://a b"],
)
def test_what_is_no_address_of_a_host_has_no_origin(url):
    with pytest.raises(ValueError):
        parse_origin(url)


@pytest.mark.parametrize("host", ["a%20b", "[::1", "[fe80::1%25eth0]", "a..b%2f", "xn--ü<"])
def test_what_no_browser_takes_for_a_host_has_no_origin(host):
    with pytest.raises(ValueError):
        parse_origin(f"http://{host}/")


def test_address_is_written_as_a_browser_writes_it():
    assert normalize("HTTP://Bücher.example:80/a/../b ü/") == "http://xn--bcher-kva.example/b%20%C3%BC"
    assert str(parse_origin("http://[::ffff:127.0.0.1]:81")) == "http://[::ffff:7f00:1]:81"
    assert normalize("http://127.1:0/chat%20x/") == "http://127.0.0.1:0/chat%20x"
    assert is_within("http://a.b/b%C3%BC/login", "http://a.b/bü")


def test_path_is_within_by_whole_segments():
    assert path_is_within("/chat", "/chat") and path_is_within("/anything", "")
    assert not path_is_within("/chatter", "/chat")
