"""Why a request gets no answer, with the HTTP status and the codes that clients know."""

from __future__ import annotations

import math
from typing import Any

from huggingchat_agent import redact
from huggingchat_agent.errors import (
    AgentError,
    AnswerInvalid,
    BrowserError,
    ChatError,
    ConversationTooLong,
    CreditsExhausted,
    FileRejected,
    LoginError,
    RateLimited,
    TurnTimeout,
    UnknownModel,
    UsageError,
)
from huggingchat_agent.log_records import log

INVALID = "invalid_request_error"

# The first that fits: status, type and code.
_KNOWN: tuple[tuple[type[AgentError], int, str, str | None], ...] = (
    (UnknownModel, 404, INVALID, "model_not_found"),
    (RateLimited, 429, "rate_limit_error", "rate_limit_exceeded"),
    (CreditsExhausted, 402, "insufficient_quota", "insufficient_quota"),
    (ConversationTooLong, 400, INVALID, "context_length_exceeded"),
    (FileRejected, 400, INVALID, "file_rejected"),
    (TurnTimeout, 504, "server_error", "timeout"),
    (LoginError, 503, "server_error", "not_signed_in"),
    (BrowserError, 503, "server_error", "browser_failed"),
    (UsageError, 400, INVALID, None),
    (AnswerInvalid, 502, "server_error", "invalid_answer"),
    (ChatError, 502, "server_error", "app_failed"),
    (AgentError, 502, "server_error", "app_failed"),
)
# Anthropic's names of the kinds, by status; api_error for any other.
_ANTHROPIC = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


class Refusal(Exception):
    """The answer to a request that gets none. `retry_after` is in seconds."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.kind, self.code, self.param = kind, code, param
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What the response says besides its body."""
        headers = {"www-authenticate": "Bearer"} if self.status == 401 else {}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, math.ceil(self.retry_after)))
        return headers

    def to_openai(self) -> dict[str, Any]:
        """The body in OpenAI's shape."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}

    def to_anthropic(self) -> dict[str, Any]:
        """The body in Anthropic's shape."""
        kind = _ANTHROPIC.get(self.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": self.message}}


def explain(error: BaseException) -> Refusal:
    """The refusal for what went wrong. An unexpected error is logged, and says its class and no more."""
    if isinstance(error, Refusal):
        return error
    for known, status, kind, code in _KNOWN:
        if isinstance(error, known):
            assert isinstance(error, AgentError)
            wait = getattr(error, "retry_after", None)
            return Refusal(status, redact.text(error.for_shell()), kind=kind, code=code, retry_after=wait)
    log.error("A request failed by a bug in huggingchat.", exc_info=error)
    return Refusal(500, f"This is a bug in huggingchat: {type(error).__name__}.", kind="server_error")
