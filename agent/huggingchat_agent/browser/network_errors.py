"""The meaning of Chromium's network errors (net::ERR_...), each with advice.

The names are those of Chromium's `net_error_list.h`. The first pattern that matches a name decides.
"""

from __future__ import annotations

import re

from huggingchat_agent.errors import GATEWAY

_PROXY = "The proxy refused the connection. Check its address, user name and password."
_CERTIFICATE = (
    "The browser does not trust the site's certificate{}. Install the certificate of its authority on this "
    "machine, or renew the site's certificate."
)

_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"(DATABASE|VERIFIER)_CHANGED|AFTER_READ|CONTEXT_SHUT_DOWN|INCONSISTENT_IP",
        "Something on this machine changed while the page loaded. Try again.",
    ),
    (r"HTTPS_ONLY", "This host serves https only. Write https:// in the address."),
    (r"PROXY_CERTIFICATE_INVALID", "The browser does not trust the proxy's certificate."),
    (r"PAC_|MANDATORY_PROXY", "The proxy configuration script of this machine does not work."),
    (r"UNEXPECTED_PROXY_AUTH", "The site asks for a proxy's password, but no proxy is set. Set proxy."),
    (r"PROXY|PROXIES|TUNNEL|SOCKS_", _PROXY),
    (
        r"BLOCKED_|CLEARTEXT_NOT_PERMITTED|(?<!KEY_)ACCESS_DENIED|PRIVATE_NETWORK",
        "The browser, one of its policies, an extension or a firewall blocks this address.",
    ),
    (
        r"DNS_(?!NO_MATCHING)|NAME_RESOLUTION|HOST_RESOLVER",
        "The network's name server does not answer, or not properly. Check the network, and try again.",
    ),
    (
        r"NAME_NOT_RESOLVED|ICANN|ADDRESS_INVALID",
        "There is no such host. Check the address, and the network's name server.",
    ),
    (r"UNSAFE_PORT", "Browsers do not connect to this port. Serve the site at another one, such as 8080."),
    (
        r"INVALID_URL|URL_SCHEME",
        "A browser cannot open this address, or one that it redirects to. Check how it is written.",
    ),
    (
        r"ADDRESS_UNREACHABLE",
        "There is no route to this host. Check the address, the network, and whether it needs a VPN.",
    ),
    (r"CONNECTION_REFUSED", "Nothing listens there. Check the address and port, and that the site runs."),
    (
        r"TIMED_OUT|HTTP2_PING",
        "The host does not answer. Check the address, and that no firewall is in the way.",
    ),
    (
        r"INTERNET_DISCONNECTED|NETWORK_|(?<!MAX_)SOCKET_",
        "This machine has no working network connection, or it changed just now. Try again.",
    ),
    (
        r"NO_BUFFER_SPACE|MAX_SOCKET|INSUFFICIENT_RESOURCES|OUT_OF_MEMORY|ADDRESS_IN_USE",
        "This machine has too little memory, or too few free ports, for the browser. Close other programs.",
    ),
    (
        r"CACHE_|FILE_NO_SPACE",
        "The browser cannot use its folder on the disk. Check that the disk has room, and try again.",
    ),
    (r"CERT_DATE_INVALID|CERT_VALIDITY", _CERTIFICATE.format(": it has expired or is not valid yet")),
    (r"CERT_COMMON_NAME|CERT_NAME|UNRECOGNIZED_NAME", _CERTIFICATE.format(": it is for another host")),
    (
        r"CLIENT_AUTH|CLIENT_CERT|FOR_CERT",
        "The site asks for a client certificate. Give one with context_args.",
    ),
    (r"CERT_|CERTIFICATE|PINNED_KEY|\bERR_CT_|INSECURE_RESPONSE", _CERTIFICATE.format("")),
    (
        r"SSL_|ECH_|QUIC|TLS|ALPN|EARLY_DATA",
        "No encrypted connection could be made. Check that the site serves https at this port.",
    ),
    (
        r"AUTH_SCHEME|AUTH_CREDENTIALS|AUTH_ENVIRONMENT|SECURITY_LIBRARY|MALFORMED_IDENTITY|RETRIES",
        "The site asks for a network sign-in (such as Kerberos) that this machine is not set up for.",
    ),
    (r"THROTTLED", "The browser holds back requests after many failures. Try again in a minute."),
    (
        r"CONNECTION_|EMPTY_RESPONSE|INCOMPLETE|CONTENT_LENGTH_MISMATCH|HEADERS_TRUNCATED|REFUSED_STREAM",
        "The site closed the connection before it answered. Check that the site works.",
    ),
    (
        r"RESPONSE_HEADERS|INVALID_RESPONSE|INVALID_HTTP|INVALID_CHUNKED|CONTENT_DECODING|HTTP2|SPDY|SYN_REPLY"
        r"|HTTP_1_1|METHOD_NOT_SUPPORTED|ENCODING_|RANGE_NOT|TOO_BIG_TO_DRAIN|SIGNED_EXCHANGE|WEB_BUNDLE|ACCEPT_CH",
        "The answer is not valid HTTP. Check the port, and whether it serves http or https.",
    ),
    (r"REDIRECT", "The site redirects without end, or wrongly."),
    (r"ABORTED", "The browser dropped the navigation: the site answered with no page or with a download."),
)


def advise(problem: str, status: int = 0) -> dict[str, str]:
    """The hints for an error's name, as arguments of SiteError. `status` is the document's, 0 if unknown."""
    if status == 401:
        return GATEWAY
    if status == 407 or "INVALID_AUTH_CREDENTIALS" in problem:  # a server's would have come with 401
        return {"hint": _PROXY}
    if "RESPONSE_CODE_FAILURE" in problem:
        answered = f"with status {status}" if status else "with an error"
        return {"hint": f"The site, or a proxy on the way, answered {answered} and no page. Try again later."}
    known = (sentence for pattern, sentence in _ADVICE if re.search(pattern, problem))
    return {"hint": next(known, "Check the address, and that the site runs.")}
