"""Which of our errors it is that the app reports, in a stream or in place of an answer.

What the server said is kept word for word.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import (
    AgentError,
    ChallengePresented,
    ChatError,
    ConversationTooLong,
    CreditsExhausted,
    FileRejected,
    GenerationFailed,
    PageChanged,
    RateLimited,
    SessionRejected,
    UnknownModel,
)
from huggingchat_agent.wire import jsontext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggingchat_agent.wire.updates import Errored

# The app itself goes to its sign-in page for these, and shows any other 401 as an error.
_REVOKED = re.compile(r"oauth authorization|has been revoked|requested scopes", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded|too much traffic", re.IGNORECASE)
_SIGN_IN = re.compile(rb"""<input[^>]+(name|type)=["']?password|<title>[^<]*(log|sign) ?in""", re.IGNORECASE)
_CHALLENGE_HEADERS = ("x-amzn-waf-action", "cf-mitigated")


def from_update(error: Errored, *, conversation_id: str = "", partial: str = "") -> AgentError:
    """The error of a run that failed within its stream. `partial` is the text received before."""
    said = error.message or "no reason given"
    # Older apps give the upstream status in the text only, as in "402 upstream failure".
    upstream = re.match(r"([45]\d\d)\b", said)
    status = error.status_code or (int(upstream[1]) if upstream else None)
    about: dict[str, Any] = {"conversation_id": conversation_id, "partial": partial}
    if status == 402:
        return CreditsExhausted(f"The account has no inference credits left. The app said: {said}", **about)
    if status == 401 and _REVOKED.search(said):
        return SessionRejected(
            f"The app's access to the account is gone. Sign in again. The app said: {said}"
        )
    if status == 429:
        return RateLimited(f"The model got too many requests. Try again later. The app said: {said}", **about)
    if _OVERLOADED.search(said):
        return RateLimited(f"The model is overloaded. Try again later. The app said: {said}", **about)
    return GenerationFailed(f"The answer failed. The app said: {said}", status=status, **about)


def from_response(
    status: int,
    content_type: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    conversation_id: str = "",
    partial: str = "",
) -> AgentError:
    """The error of an answer that is not what was asked for. Header names are in lower case."""
    if any(name in headers for name in _CHALLENGE_HEADERS):
        return ChallengePresented(
            f"The site asks for a human (status {status}). Open it in a window (--headed) and pass the check."
        )
    is_page = "html" in content_type
    if status == 401 or (is_page and status < 400 and _SIGN_IN.search(body)):
        said = "" if is_page else f" The app said: {_sentence(body)}"
        return SessionRejected(f"The app does not accept this session. Sign in again.{said}")
    if status < 400:
        what = "an HTML page" if is_page else content_type or "a body without a type"
        return PageChanged(f"The app answered with {what} (status {status}) where data was expected.")
    said = _title(body) if is_page else _sentence(body)
    about: dict[str, Any] = {"conversation_id": conversation_id, "partial": partial}
    if status == 429:
        return _too_much(said, headers, about)
    if status == 413:
        return FileRejected(f"A file was refused. The app said: {said}", **about)
    if status == 410 or re.search(r"invalid model|unlisted model", said, re.IGNORECASE):
        return UnknownModel(f"The app does not offer this model. The app said: {said}", **about)
    if status in (403, 404):
        return ChatError(f"The app refused the request ({status}). The app said: {said}", **about)
    return GenerationFailed(f"The request failed ({status}). The app said: {said}", status=status, **about)


def _too_much(said: str, headers: Mapping[str, str], about: dict[str, Any]) -> AgentError:
    if re.search(r"more than \d+ messages", said):
        return ConversationTooLong(
            f"The conversation is full. Start a new one. The app said: {said}", **about
        )
    if "maximum number of conversations" in said:
        return ChatError(f"The account has no room for another conversation. The app said: {said}", **about)
    if "before login" in said:
        return SessionRejected(f"The app wants you signed in by now. Sign in. The app said: {said}")
    wait = _retry_after(headers)
    when = "later" if wait is None else f"in {wait:g} s"
    return RateLimited(
        f"Too many requests. Try again {when}. The app said: {said}", retry_after=wait, **about
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from a header that holds seconds or a date."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers["date"])
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError, KeyError):
        return None


def _sentence(body: bytes) -> str:
    """What an answer says: `message` or `error` of a JSON object, else its text."""
    text = body.decode("utf-8", "replace").strip()
    try:
        raw = jsontext.load(body)
    except ValueError:
        raw = None
    if isinstance(raw, dict):
        text = next((raw[key] for key in ("message", "error") if isinstance(raw.get(key), str)), text)
    return text[:1000] or "nothing"


def _title(html: bytes) -> str:
    """What an HTML error page is called."""
    found = re.search(rb"<title>([^<]*)</title>|<h1[^>]*>([^<]*)</h1>", html, re.IGNORECASE)
    title = (found[1] or found[2] or b"").decode("utf-8", "replace").strip() if found else ""
    return title or "an HTML page"
