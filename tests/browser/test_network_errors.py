"""The errors for a page that cannot be reached: the site's gateway, a proxy, names, certificates."""

import base64

import pytest
import pytest_asyncio
from aiohttp import web

from huggingchat_agent.browser.network_errors import advise
from huggingchat_agent.errors import SiteError
from huggingchat_agent.settings import make_settings

ASKS = {"www-authenticate": 'Basic realm="gate"'}


# What each error says, and the names of Chromium's `net_error_list.h` that a page can meet.
MEANINGS = {
    "proxy refused the connection": """
        INVALID_AUTH_CREDENTIALS TUNNEL_CONNECTION_FAILED PROXY_AUTH_UNSUPPORTED PROXY_AUTH_REQUESTED
        PROXY_CONNECTION_FAILED PROXY_HTTP_1_1_REQUIRED NO_SUPPORTED_PROXIES SOCKS_CONNECTION_FAILED
        SOCKS_CONNECTION_HOST_UNREACHABLE PROXY_UNABLE_TO_CONNECT_TO_DESTINATION""",
    "the proxy's certificate": "PROXY_CERTIFICATE_INVALID",
    "configuration script": "MANDATORY_PROXY_CONFIGURATION_FAILED PAC_SCRIPT_FAILED PAC_NOT_IN_DHCP",
    "no proxy is set": "UNEXPECTED_PROXY_AUTH",
    "blocks this address": """
        BLOCKED_BY_CLIENT BLOCKED_BY_ADMINISTRATOR BLOCKED_BY_RESPONSE BLOCKED_BY_CSP ACCESS_DENIED
        NETWORK_ACCESS_DENIED CLEARTEXT_NOT_PERMITTED INSECURE_PRIVATE_NETWORK_REQUEST
        BLOCKED_BY_PRIVATE_NETWORK_ACCESS_CHECKS BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS""",
    "name server does not answer": """
        NAME_RESOLUTION_FAILED HOST_RESOLVER_QUEUE_TOO_LARGE DNS_MALFORMED_RESPONSE DNS_SERVER_FAILED
        DNS_TIMED_OUT DNS_SECURE_RESOLVER_HOSTNAME_RESOLUTION_FAILED""",
    "no such host": "NAME_NOT_RESOLVED ICANN_NAME_COLLISION ADDRESS_INVALID",
    "do not connect to this port": "UNSAFE_PORT",
    "cannot open this address": "INVALID_URL DISALLOWED_URL_SCHEME UNKNOWN_URL_SCHEME",
    "no route to this host": "ADDRESS_UNREACHABLE",
    "Nothing listens there": "CONNECTION_REFUSED",
    "host does not answer": "TIMED_OUT CONNECTION_TIMED_OUT HTTP2_PING_FAILED",
    "no working network": "INTERNET_DISCONNECTED NETWORK_CHANGED NETWORK_IO_SUSPENDED SOCKET_NOT_CONNECTED",
    "too little memory": """
        INSUFFICIENT_RESOURCES OUT_OF_MEMORY NO_BUFFER_SPACE ADDRESS_IN_USE PRECONNECT_MAX_SOCKET_LIMIT""",
    "folder on the disk": "FILE_NO_SPACE CACHE_READ_FAILURE CACHE_WRITE_FAILURE CACHE_LOCK_TIMEOUT",
    "expired": "CERT_DATE_INVALID CERT_VALIDITY_TOO_LONG",
    "for another host": "CERT_COMMON_NAME_INVALID CERT_NAME_CONSTRAINT_VIOLATION SSL_UNRECOGNIZED_NAME_ALERT",
    "client certificate": """
        SSL_CLIENT_AUTH_CERT_NEEDED BAD_SSL_CLIENT_AUTH_CERT SSL_CLIENT_AUTH_SIGNATURE_FAILED
        SSL_CLIENT_AUTH_PRIVATE_KEY_ACCESS_DENIED CLIENT_AUTH_CERT_TYPE_UNSUPPORTED
        NO_PRIVATE_KEY_FOR_CERT""",
    "does not trust the site's certificate.": """
        CERT_AUTHORITY_INVALID CERT_REVOKED CERT_INVALID CERT_WEAK_KEY CERT_WEAK_SIGNATURE_ALGORITHM
        CERT_SYMANTEC_LEGACY CERT_KNOWN_INTERCEPTION_BLOCKED CERT_SELF_SIGNED_LOCAL_NETWORK
        CERTIFICATE_TRANSPARENCY_REQUIRED QUIC_CERT_ROOT_NOT_KNOWN CT_STH_PARSING_FAILED INSECURE_RESPONSE
        SSL_PINNED_KEY_NOT_IN_CERT_CHAIN""",
    "serves https": """
        SSL_PROTOCOL_ERROR SSL_VERSION_OR_CIPHER_MISMATCH SSL_OBSOLETE_VERSION ALPN_NEGOTIATION_FAILED
        EARLY_DATA_REJECTED TLS13_DOWNGRADE_DETECTED ECH_NOT_NEGOTIATED QUIC_HANDSHAKE_FAILED
        H2_OR_QUIC_REQUIRED DNS_NO_MATCHING_SUPPORTED_ALPN""",
    "such as Kerberos": """
        UNSUPPORTED_AUTH_SCHEME MISSING_AUTH_CREDENTIALS MISCONFIGURED_AUTH_ENVIRONMENT MALFORMED_IDENTITY
        UNEXPECTED_SECURITY_LIBRARY_STATUS TOO_MANY_RETRIES""",
    "holds back requests": "TEMPORARILY_THROTTLED",
    "closed the connection": """
        EMPTY_RESPONSE CONNECTION_CLOSED CONNECTION_RESET CONNECTION_ABORTED CONNECTION_FAILED
        CONTENT_LENGTH_MISMATCH INCOMPLETE_CHUNKED_ENCODING RESPONSE_HEADERS_TRUNCATED
        HTTP2_SERVER_REFUSED_STREAM""",
    "not valid HTTP": """
        INVALID_HTTP_RESPONSE INVALID_RESPONSE INVALID_CHUNKED_ENCODING RESPONSE_HEADERS_TOO_BIG
        RESPONSE_HEADERS_MULTIPLE_LOCATION CONTENT_DECODING_FAILED HTTP2_PROTOCOL_ERROR HTTP_1_1_REQUIRED
        METHOD_NOT_SUPPORTED ENCODING_DETECTION_FAILED REQUEST_RANGE_NOT_SATISFIABLE
        RESPONSE_BODY_TOO_BIG_TO_DRAIN INVALID_SIGNED_EXCHANGE TOO_MANY_ACCEPT_CH_RESTARTS""",
    "Something on this machine changed": """
        CERT_DATABASE_CHANGED CERT_VERIFIER_CHANGED CACHE_AUTH_FAILURE_AFTER_READ CONTEXT_SHUT_DOWN
        INCONSISTENT_IP_ADDRESS_SPACE""",
    "serves https only": "DNS_NAME_HTTPS_ONLY",
    "redirects": "TOO_MANY_REDIRECTS UNSAFE_REDIRECT INVALID_REDIRECT",
    "dropped the navigation": "ABORTED",
    "with an error and no page": "HTTP_RESPONSE_CODE_FAILURE",
    "Check the address, and that the site runs": "FAILED UNEXPECTED SOMETHING_NEW",
}


@pytest.mark.parametrize(("sentence", "names"), MEANINGS.items())
def test_each_network_error_says_what_it_is(sentence, names):
    hints = {name: advise(f"net::ERR_{name}")["hint"] for name in names.split()}
    assert {name: hint for name, hint in hints.items() if sentence not in hint} == {}


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("INVALID_AUTH_CREDENTIALS", 401, "gateway in front of the app"),
        ("INVALID_AUTH_CREDENTIALS", 407, "proxy refused the connection"),
        ("HTTP_RESPONSE_CODE_FAILURE", 502, "with status 502 and no page"),
    ],
)
def test_status_of_the_answer_shows_the_cause(name, status, sentence):
    assert sentence in advise(f"net::ERR_{name}", status)["hint"]


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
async def test_endless_redirects_name_the_cookie_that_the_site_lost_and_not_a_guests(
    engine, server, tmp_path
):
    async def answer(request):
        kind = request.query["as"]
        cookie = {"set-cookie": f"{kind}=1{'; Secure' if kind == 'gate' else ''}"}
        if kind == "gate":
            return web.Response(status=302, headers={"location": request.path_qs, **cookie})
        shown = f"<h1>In</h1><img src={server.origin}{request.path}?as=guest>"
        return web.Response(text=shown, content_type="text/html", headers=cookie)

    there = server.handle(answer).replace("127.0.0.1", "chat.lan")
    chosen = make_settings(
        base_url=there, home=tmp_path, browser_args=["--host-resolver-rules=MAP chat.lan 127.0.0.1"]
    )
    browser = await engine.start(chosen, None)
    try:
        page = await browser.new_page(lambda event: None)
        await page.goto(f"{there}?as=home", timeout=15)
        await page.wait("() => document.images[0].complete", timeout=10)
        assert browser.dropped_cookies.last is None
        with pytest.raises(SiteError, match=r"REDIRECTS.* cookie 'gate' of chat\.lan: it is marked Secure"):
            await page.goto(f"{there}?as=gate", timeout=15)
    finally:
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
