"""What a page that cannot be reached says: the site's gateway, a proxy, names, certificates."""

import base64

import pytest
import pytest_asyncio
from aiohttp import web

from huggingchat_agent.browser.network_errors import advise
from huggingchat_agent.errors import SiteError
from huggingchat_agent.settings import make_settings

ASKS = {"www-authenticate": 'Basic realm="gate"'}


@pytest.mark.parametrize(
    ("problem", "status", "sentence"),
    [
        ("net::ERR_INVALID_AUTH_CREDENTIALS", 401, "gateway in front of the app"),
        ("net::ERR_INVALID_AUTH_CREDENTIALS", 407, "proxy did not let us through"),
        ("net::ERR_INVALID_AUTH_CREDENTIALS", 0, "proxy did not let us through"),
        ("net::ERR_PROXY_CONNECTION_FAILED", 0, "proxy did not let us through"),
        ("net::ERR_TUNNEL_CONNECTION_FAILED", 0, "proxy did not let us through"),
        ("net::ERR_SOCKS_CONNECTION_HOST_UNREACHABLE", 0, "proxy did not let us through"),
        ("net::ERR_UNEXPECTED_PROXY_AUTH", 0, "no proxy is set"),
        ("net::ERR_HTTP_RESPONSE_CODE_FAILURE", 502, "with status 502 and no page"),
        ("net::ERR_NAME_NOT_RESOLVED", 0, "no such host"),
        ("net::ERR_CONNECTION_REFUSED", 0, "Nothing listens there"),
        ("net::ERR_CONNECTION_TIMED_OUT", 0, "does not answer"),
        ("net::ERR_INTERNET_DISCONNECTED", 0, "no working network"),
        ("net::ERR_CERT_DATE_INVALID", 0, "expired"),
        ("net::ERR_CERT_COMMON_NAME_INVALID", 0, "for another host"),
        ("net::ERR_CERT_AUTHORITY_INVALID", 0, "does not trust"),
        ("net::ERR_SSL_CLIENT_AUTH_CERT_NEEDED", 0, "client certificate"),
        ("net::ERR_SSL_PROTOCOL_ERROR", 0, "serves https"),
        ("net::ERR_EMPTY_RESPONSE", 0, "closed the connection"),
        ("net::ERR_INVALID_HTTP_RESPONSE", 0, "not HTTP"),
        ("net::ERR_TOO_MANY_REDIRECTS", 0, "redirects"),
        ("net::ERR_BLOCKED_BY_ADMINISTRATOR", 0, "blocks this address"),
        ("net::ERR_SOMETHING_NEW", 0, "Check the address"),
    ],
)
def test_each_network_error_says_what_it_is(problem, status, sentence):
    assert sentence in advise(problem, status)["hint"]


class Gate:
    """Asks for HTTP credentials at one address, and keeps what it was given there and elsewhere."""

    def __init__(self, server, body="You are not let in."):
        self.given = []
        self.url = server.handle(self._answer)
        self._body = body

    async def _answer(self, request):
        given = request.headers.get("authorization")
        self.given.append(given and base64.b64decode(given.split()[1]).decode())
        if self.given[-1] != "ada:let-me-in-99":
            return web.Response(status=401, text=self._body, content_type="text/html", headers=ASKS)
        return web.Response(text="<h1>In</h1>", content_type="text/html")


@pytest_asyncio.fixture(loop_scope="module")
async def opened(engine, server, tmp_path):
    """Opens an address in a new browser of each engine: `await opened(url, **settings)`; its heading."""
    browsers = []

    async def opened(url, **given):
        given = {"base_url": server.origin, "home": tmp_path, **given}
        browsers.append(await engine.start(make_settings(**given), None))
        page = await browsers[-1].new_page(lambda event: None)
        await page.goto(url, timeout=15)
        return await page.evaluate("() => document.querySelector('h1').textContent", timeout=10)

    yield opened
    for browser in browsers:
        await browser.close()


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("body", ["", "You are not let in."])
async def test_gateway_is_not_taken_for_a_proxy(opened, server, body):
    gate = Gate(server, body)
    for given in ({}, {"http_credentials": "ada:wrong-password-1"}):
        with pytest.raises(SiteError, match="gateway in front of the app") as caught:
            await opened(gate.url, **given)
        assert "http_credentials" in str(caught.value) and "wrong-password" not in str(caught.value)
        assert "HUGGINGCHAT_HTTP_CREDENTIALS" in caught.value.for_shell()
    assert gate.given[0] is None


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_gateway_gets_the_credentials_once_it_asks(opened, server):
    gate = Gate(server)
    assert await opened(gate.url, http_credentials="ada:let-me-in-99") == "In"
    assert gate.given == [None, "ada:let-me-in-99"]


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_another_origin_gets_no_credentials(opened, server):
    gate = Gate(server)
    elsewhere = server.origin.replace("127.0.0.1", "localhost")
    with pytest.raises(SiteError, match="gateway"):
        await opened(gate.url, base_url=elsewhere, http_credentials="ada:let-me-in-99")
    assert set(gate.given) == {None}
