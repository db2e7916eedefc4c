"""The exchanges that everything above the session never sees."""

import pytest

from huggingchat_agent import redact
from huggingchat_agent.exchange import Ended, Responded, Started
from huggingchat_agent.traffic.privacy import Privacy

SITE = "https://example.org"


def started(url, method="GET", kind="document", **headers):
    return Started(
        exchange_id="1", page="p", at=0.0, method=method, url=SITE + url, kind=kind, headers=headers
    )


def responded(**headers):
    return Responded(exchange_id="1", page="p", at=0.0, status=302, mime="", headers=headers)


@pytest.mark.parametrize(
    ("base_path", "url", "method"),
    [
        ("/chat", "/chat/login", "GET"),
        ("/chat", "/chat/login/callback?code=secret&state=secret", "GET"),
        ("", "/login/callback?code=secret&state=secret", "GET"),
        ("/chat", "/oauth/authorize?state=secret", "GET"),
        ("/chat", "/login", "POST"),
        ("/chat", "/chat/logout", "POST"),
    ],
)
def test_exchanges_of_signing_in_are_hidden_from_start_to_end(base_path, url, method):
    privacy = Privacy(base_path)
    assert privacy.show(started(url, method)) is None
    assert privacy.show(responded(location="/x?code=secret")) is None
    assert privacy.show(Ended(exchange_id="1", page="p", at=0.0)) is None
    assert privacy._hidden == set()


@pytest.mark.parametrize(
    ("url", "method", "kind"),
    [
        ("/chat/", "GET", "document"),
        ("/chat/conversation/0123456789abcdef01234567", "POST", "fetch"),
        ("/chat/api/v2/models", "GET", "fetch"),
        ("/chat/api/v2/feature-flags", "GET", "fetch"),
        ("/chat/_app/start.js", "GET", "script"),
    ],
)
def test_exchanges_of_the_app_are_shown(url, method, kind):
    event = started(url, method, kind)
    assert Privacy("/chat").show(event) == event


def test_headers_that_lead_to_the_login_or_carry_cookies_are_masked():
    shown = Privacy("/chat").show(
        responded(**{"location": f"{SITE}/oauth/authorize?state=secret", "set-cookie": "hf-chat=secret"})
    )
    assert "secret" not in repr(shown)
    assert isinstance(shown, Responded)
    assert shown.headers["location"] == f"{SITE}/oauth/authorize?…"


def test_headers_for_tool_servers_are_masked_wherever_the_body_is_cut():
    body = (
        b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
        b'{"inputs":"a \\"headers\\":[{\\"value\\":\\"kept\\"}] said",'
        b'"selectedMcpServers":[{"name":"a","url":"u",'
        b'"headers":[{"key":"Authorization","value":"Bearer s3cret]\\"-quoted"},'
        b'{"key":"K","value":"an0ther]one"}]},'
        b'{"name":"b","url":"v"}],"timezone":"UTC"}\r\n--x--'
    )
    seen: bytes | None = None
    for end in range(len(body) + 1):
        event = Started(
            exchange_id="1",
            page="p",
            at=0.0,
            method="POST",
            url=f"{SITE}/chat/conversation/1",
            kind="fetch",
            headers={},
            body=body[:end],
        )
        shown = Privacy("/chat").show(event)
        seen = shown.body if isinstance(shown, Started) else None
        assert seen is not None
        assert b"s3cret" not in seen
        assert b"an0ther" not in seen
    assert seen is not None
    assert b'\\"kept\\"' in seen
    assert seen.endswith(b'{"name":"b","url":"v"}],"timezone":"UTC"}\r\n--x--')
    assert "s3cret" not in redact.text('it said Bearer s3cret]"-quoted')
