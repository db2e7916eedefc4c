"""Turns the app's failures, in a stream or instead of an answer, into our errors.

They keep the server's sentence word for word.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from huggingchat_agent.errors import (
    GATEWAY,
    SIGN_IN_AGAIN,
    SIGN_IN_BY_HAND,
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
    SiteError,
    TapeMismatch,
    UnknownModel,
)
from huggingchat_agent.wire import lenient_json
from huggingchat_agent.wire.page_text import extract_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from huggingchat_agent.wire.updates import Errored

# For these the app itself goes to its sign-in page. It shows any other 401 as an error.
_REVOKED = re.compile(r"oauth authorization|has been revoked|requested scopes", re.IGNORECASE)
_OVERLOADED = re.compile(r"overloaded|too much traffic", re.IGNORECASE)
_SIGN_IN = re.compile(rb"""<input[^>]+(name|type)=["']?password|<title>[^<]*(log|sign) ?in""", re.IGNORECASE)
# "Please try again in 12.5s", as model providers write it into their messages.
_WAIT = re.compile(
    r"(?:try again|retry)\s+(?:in|after)\s+(\d+(?:\.\d+)?)\s*(s|sec|seconds?|m|min|minutes?)\b", re.IGNORECASE
)
_LONGEST = 1000  # characters of the server's text in a sentence of ours
_SENTENCE = 300  # characters of an error page; a longer one is an app's whole page
_CHALLENGE_HEADERS = ("x-amzn-waf-action", "cf-mitigated")


def from_update(error: Errored, *, conversation_id: str = "", partial: str = "") -> AgentError:
    """The error of a run that failed within its stream. `partial` is the text received before."""
    said = (error.message or "no reason given")[:_LONGEST]
    # Older apps give the upstream status in the text only, as in "402 upstream failure".
    upstream = re.match(r"([45]\d\d)\b", said)
    status = error.status_code or (int(upstream[1]) if upstream else None)
    about: dict[str, Any] = {"status": status, "conversation_id": conversation_id, "partial": partial}
    if status == 402:
        return CreditsExhausted(f"The account has no inference credits left. The app said: {said}", **about)
    if status == 401 and _REVOKED.search(said):
        return SessionRejected(
            f"The app's access to the account is gone. The app said: {said}", **SIGN_IN_AGAIN
        )
    if status == 429 or _OVERLOADED.search(said):
        wait = _find_wait(said)
        what = "got too many requests" if status == 429 else "is overloaded"
        return RateLimited(
            f"The model {what}. Try again {_format_wait(wait)}. The app said: {said}",
            retry_after=wait,
            **about,
        )
    return GenerationFailed(f"The answer failed. The app said: {said}", **about)


# How `/api/v2` answers to a route that it lacks, in builds from June 2025 to February 2026.
_NOT_FOUND = ("NOT_FOUND", '{"json":"NOT_FOUND"}')


def is_unknown_route(status: int, content_type: str, body: str = "") -> bool:
    """Whether the answer means that the app has no such route: it is a page, where data was asked for.

    Builds before June 2025 send that page with status 200.
    """
    if status == 404 and body.strip() in _NOT_FOUND:
        return True
    return "html" in content_type and status in (200, 404)


# The status with which a tape answers a request that is not on it.
TAPE_MISMATCH = "x-tape-mismatch"


def from_response(
    status: int,
    content_type: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    conversation_id: str = "",
    partial: str = "",
    with_files: bool = False,
) -> AgentError:
    """The error of an answer other than the expected one. Header names are in lower case.

    `with_files`: files were sent, as far as known.
    """
    if TAPE_MISMATCH in headers:
        return TapeMismatch(body.decode("utf-8", "replace"))
    if any(name in headers for name in _CHALLENGE_HEADERS):
        return ChallengePresented(f"The site wants to see a human (status {status}).", **SIGN_IN_BY_HAND)
    is_page = "html" in content_type
    if is_page and status < 400 and _SIGN_IN.search(body):
        return SessionRejected("The app does not accept this session.", **SIGN_IN_AGAIN)
    if status < 400:
        what = "an HTML page" if is_page else content_type or "a body without a type"
        return PageChanged(f"The app answered with {what} (status {status}) where data was expected.")
    said = (_find_title(body) if is_page else _find_sentence(body))[:_LONGEST]
    if status == 401 and "www-authenticate" in headers:
        return SiteError(f"A gateway in front of the app refused the request (status 401): {said}", **GATEWAY)
    if status == 401:
        return SessionRejected(f"The app does not accept this session. The app said: {said}", **SIGN_IN_AGAIN)
    about: dict[str, Any] = {"status": status, "conversation_id": conversation_id, "partial": partial}
    if status == 429:
        return _make_limit_error(said, headers, about)
    if status == 413 and not with_files:
        return ChatError(f"What was sent is too large for the app. It said: {said}", **about)
    if status == 413:
        return FileRejected(
            f"The files are too large for this app, one of them or all together. It said: {said}", **about
        )
    if status == 410 or re.search(r"invalid model|unlisted model", said, re.IGNORECASE):
        return UnknownModel(f"The app does not offer this model. The app said: {said}", **about)
    # Builds from June 2025 to February 2026 answer a read of it with status 500.
    if status in (404, 500) and "conversation not found" in said.lower():
        return ChatError(
            "This account has no such conversation. Check its id, and who is signed in. "
            f"The app said: {said}",
            **{**about, "status": 404},
        )
    if status in (403, 404, 409):
        return ChatError(f"The app refused the request ({status}). The app said: {said}", **about)
    return GenerationFailed(f"The request failed ({status}). The app said: {said}", **about)


def _make_limit_error(said: str, headers: Mapping[str, str], about: dict[str, Any]) -> AgentError:
    if re.search(r"more than \d+ messages", said):
        return ConversationTooLong(
            f"The conversation is full. Start a new one. The app said: {said}", **about
        )
    if "maximum number of conversations" in said:
        return ChatError(f"The account has no room for another conversation. The app said: {said}", **about)
    if "before login" in said:
        return SessionRejected(
            f"The app takes no more messages without a sign-in. The app said: {said}", **SIGN_IN_AGAIN
        )
    wait = _parse_retry_after(headers)
    if wait is None:
        wait = _find_wait(said)
    return RateLimited(
        f"Too many requests. Try again {_format_wait(wait)}. The app said: {said}", retry_after=wait, **about
    )


def _format_wait(wait: float | None) -> str:
    return "later" if wait is None else f"in {wait:g} s"


def _find_wait(said: str) -> float | None:
    """Seconds, from a sentence that names a time to wait."""
    found = _WAIT.search(said)
    if found is None:
        return None
    return float(found[1]) * (60.0 if found[2].lower().startswith("m") else 1.0)


def _parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from a header that holds seconds or a date."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers["date"])
        return max((until - now).total_seconds(), 0.0)
    except (ValueError, TypeError, KeyError):
        return None


def _find_title(page: bytes) -> str:
    """The message of an error page: all of a short page, else its title."""
    text = extract_text(page)
    return (text if len(text) <= _SENTENCE else text.partition(" - ")[0][:_SENTENCE]) or "an HTML page"


def _find_sentence(body: bytes) -> str:
    """The sentence of an answer: `message` or `error` of a JSON object, else its text."""
    text = body.decode("utf-8", "replace").strip()
    raw = lenient_json.load_if_json(body)
    if isinstance(raw, dict) and isinstance(raw.get("json"), dict):
        raw = raw["json"]  # an answer of /api/v2
    if isinstance(raw, dict):
        text = next((raw[key] for key in ("message", "error") if isinstance(raw.get(key), str)), text)
    return text or "nothing"
