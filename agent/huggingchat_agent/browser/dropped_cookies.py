"""Cookies that a site set and the browser did not keep. Without them a sign-in leads nowhere.

The browser gives the reason: `blockedCookies` of the event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from huggingchat_agent import redact
from huggingchat_agent.errors import ChatError, LoginError, SiteError
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from huggingchat_agent.errors import AgentError

EVENT = "Network.responseReceivedExtraInfo"


_INSECURE = (
    "it is marked Secure, and the address is plain http",
    "Use an https address, or have the site set its cookies without Secure.",
)
_SAME_SITE = (
    "its SameSite attribute forbids it here",
    "Use the site under one address, as its own pages do.",
)
_REASONS = {
    "SecureOnly": _INSECURE,
    "SchemefulSameSiteStrict": _SAME_SITE,
    "SchemefulSameSiteLax": _SAME_SITE,
    "SchemefulSameSiteUnspecifiedTreatedAsLax": _SAME_SITE,
    "SameSiteStrict": _SAME_SITE,
    "SameSiteLax": _SAME_SITE,
    "SameSiteUnspecifiedTreatedAsLax": _SAME_SITE,
    "SameSiteNoneInsecure": (
        "it is marked SameSite=None, but not Secure",
        "Have the site mark it Secure, and use an https address.",
    ),
    "OverwriteSecure": (
        "it would replace one that was set over https, and the address is plain http",
        "Use the https address, or another profile.",
    ),
    "InvalidDomain": (
        "it is for another domain than the address",
        "Use the address that the site itself gives as its own.",
    ),
    "InvalidPrefix": (
        "its name begins with __Secure- or __Host-, and it is not what that promises",
        "Use an https address, and check how the site sets it.",
    ),
    "NameValuePairExceedsMaxSize": ("it is larger than 4096 bytes", "Check how the site sets it."),
    "SyntaxError": ("its line is not well formed", "Check how the site sets it."),
    "DisallowedCharacter": ("a character in it is not allowed", "Check how the site sets it."),
}
# Reasons of third parties in the page, such as advertisements.
_OF_OTHERS = ("ThirdPartyBlockedInFirstPartySet", "ThirdPartyPhaseout")
_POLICY = ("its settings or a policy forbid it", "Allow cookies for this site in the browser.")


class DroppedCookie(NamedTuple):
    """A cookie that was not kept: its name, its host, why, and what helps."""

    name: str
    host: str
    reason: str
    hint: str

    def __str__(self) -> str:
        where = f" of {self.host}" if self.host else ""
        return f"The browser dropped the cookie {self.name!r}{where}: {self.reason}."


class DroppedCookies:
    """The dropped cookies of one browser, by name, except those that it kept later."""

    def __init__(self) -> None:
        self._dropped: dict[str, DroppedCookie] = {}
        self._requests: dict[str, str] = {}  # whose answer set each of them

    @property
    def last(self) -> DroppedCookie | None:
        """The cookie that was dropped last, None if none was."""
        return next(reversed(self._dropped.values()), None)

    def explain(self, error: AgentError) -> None:
        """Add to an error that a dropped cookie, if there is one, may be its cause. A failed answer has other
        causes.
        """
        if not (isinstance(error, LoginError | SiteError) or type(error) is ChatError):
            return
        if (cookie := self.last) is not None and cookie.reason not in error.message:
            error.message = f"{error.message} A likely cause: {str(cookie)[0].lower()}{str(cookie)[1:]}"
            error.hint = error.shell_hint = cookie.hint

    def take(self, params: dict[str, Any]) -> None:
        """Take the parameters of an `EVENT`."""
        dropped = {each.name: each for each in map(_parse, params.get("blockedCookies", ())) if each}
        for name, value in params.get("headers", {}).items():
            if name.lower() == "set-cookie":
                for line in value.split("\n"):
                    self._dropped.pop(line.partition("=")[0].strip(), None)
        for each in dropped.values():
            log.info("%s", each)
        self._dropped |= dropped
        self._requests |= dict.fromkeys(dropped, params.get("requestId", ""))

    def forget(self, request_id: str) -> None:
        """Forget those that the answer to this request set."""
        for name in [name for name, request in self._requests.items() if request == request_id]:
            self._dropped.pop(name, None)


def _parse(blocked: dict[str, Any]) -> DroppedCookie | None:
    reasons = blocked.get("blockedReasons") or [""]
    if any(each in _OF_OTHERS for each in reasons):
        return None
    name = blocked.get("cookieLine", "").partition("=")[0].strip()
    host = blocked.get("cookie", {}).get("domain", "").lstrip(".")
    reason, hint = next((_REASONS[each] for each in reasons if each in _REASONS), _POLICY)
    return DroppedCookie(redact.text(name[:100]), host, reason, hint)
