"""Every error the agent raises on purpose, as one tree.

    AgentError
    ├── SettingsError               a setting is wrong; raised before anything is opened
    ├── UsageError                  called at the wrong time: not open, closed, still answering
    │   └── CookiesUnreadable       a file of cookies is in no known format
    ├── StorageError                the saved session cannot be read or written
    │   └── ProfileInUse            another process, or another chat of this one, uses the profile
    ├── BrowserError                the browser or its driver failed
    │   ├── BrowserMissing          no browser or driver was found or could be downloaded
    │   ├── BrowserClosed           the browser, or the tab in use, went away
    │   └── BrowserTimeout          the browser did not answer in time
    ├── LoginError                  signing in failed
    │   ├── UnknownLoginOrigin      the sign-in form is at an origin where nothing is typed yet
    │   ├── CredentialsRejected     the site refused user name and password
    │   ├── SecondFactorRequired    the site asks for a one-time code
    │   ├── SecondFactorRejected    the site refused the one-time code
    │   │   └── SecondFactorExpired the code, or the time to give it, had run out
    │   ├── EmailConfirmationRequired  the account's e-mail address is not confirmed yet
    │   ├── ChallengePresented      the site asks for a human
    │   ├── SessionRejected         the app does not accept a saved or imported session
    │   └── ConsentRequired         the consent page did not let us through
    ├── SiteError                   the site does not answer, or not like a chat-ui
    │   └── PageChanged             a control of the page, or data from the app, is not as expected
    ├── ChatError                   the app refused something, or an answer broke off
    │   ├── UnknownModel            the app has no such model
    │   ├── RateLimited             too many requests; `retry_after` where known
    │   ├── ConversationTooLong     the app wants a new conversation
    │   ├── CreditsExhausted        the account has no credits left
    │   ├── FileRejected            a file was refused
    │   ├── GenerationFailed        the app reported an error instead of, or within, an answer
    │   ├── AnswerInvalid           the answer is not in the form that was asked for
    │   ├── StreamBroken            the answer's stream ended before its end
    │   └── TurnTimeout             a deadline of the turn passed
    └── TapeError
        ├── TapeVersion             the tape was made by a newer version
        ├── TapeMismatch            a request is not on the tape
        └── TapeCorrupt             the tape cannot be read

There is a class for each case in which a caller would act differently. A message says in a sentence or two
what happened, with the value in question. A hint says what to do next, in Python and, where that differs, at
the command line. The server's own sentence stays word for word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from huggingchat_agent.printable import show_marks, strip_controls

if TYPE_CHECKING:
    from pathlib import Path


SIGN_IN_AGAIN = {
    "hint": "Sign in again with login().",
    "shell_hint": "Sign in again with `huggingchat login`.",
}
GATEWAY = {
    "hint": "A gateway in front of the app asks for a user name and password (HTTP authentication). Set "
    'http_credentials="user:password"; if they are set, check them.',
    "shell_hint": "A gateway in front of the app asks for a user name and password (HTTP authentication). "
    "Set HUGGINGCHAT_HTTP_CREDENTIALS to user:password; if it is set, check it.",
}
SIGN_IN_BY_HAND = {
    "hint": "The agent does not solve challenges. Sign in by hand with login(by_person=True), in a window "
    "(headless=False) or without a display (bind=NAME), or use the cookies of a browser that is signed in: "
    "login(cookies=...).",
    "shell_hint": "The agent does not solve challenges. Sign in by hand with `huggingchat login --headed`, "
    "or without a display with `huggingchat login --bind NAME`, or use the cookies of a browser that is "
    "signed in: `huggingchat login --cookies FILE`.",
}


def _make_printable(text: str) -> str:
    """Python prints errors at the terminal, and the app's words are in them."""
    return show_marks(strip_controls(text)).strip()


class AgentError(Exception):
    """Base of everything raised on purpose.

    `message` says what happened. `str(error)` adds `hint`, which says what to do next in Python;
    `for_shell()` adds the hint for the command line. `exit_code` is the command line's.

    `screenshot` and `snapshot` are the paths of a redacted picture and a redacted accessibility
    tree of the page, where the error left them (PageChanged, LoginError, TurnTimeout); else None.
    """

    exit_code: ClassVar[int] = 1
    screenshot: Path | None = None
    snapshot: Path | None = None

    def __init__(self, message: str = "", *, hint: str = "", shell_hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.shell_hint = shell_hint or hint

    def __str__(self) -> str:
        return _make_printable(f"{self.message} {self.hint}")

    def take_over(self, cause: AgentError) -> None:
        """Take the hints and the pictures of the error that led to this one."""
        self.hint, self.shell_hint = cause.hint, cause.shell_hint
        self.screenshot, self.snapshot = cause.screenshot, cause.snapshot

    def for_shell(self) -> str:
        """What happened and what to do next, as the command line says it."""
        return _make_printable(f"{self.message} {self.shell_hint}")


class SettingsError(AgentError):
    """A setting is wrong. Raised before anything is opened."""

    exit_code = 2
    shell_message = ""  # what happened, by the names that settings have at the command line

    def for_shell(self) -> str:
        return f"{self.shell_message or self.message} {self.shell_hint}".strip()


class UsageError(AgentError):
    """The call does not fit the state: not open, already closed, or still answering."""

    exit_code = 2


class CookiesUnreadable(UsageError):
    """A file of cookies is in no known format, or holds no cookie that is still valid."""

    exit_code = 1  # as for any other bad file


class StorageError(AgentError):
    """The state folder or a file in it cannot be read or written. Its old contents are kept."""


class ProfileInUse(StorageError):
    """The profile is in use by another process, or by another HuggingChat of this one."""


class BrowserError(AgentError):
    """The browser, or the driver between us and it, failed."""

    exit_code = 4


class BrowserMissing(BrowserError):
    """No browser or driver was found or could be downloaded. The message says what to run."""


class BrowserClosed(BrowserError):
    """The browser or the tab in use went away: crashed, was killed, or was closed by a person."""


class BrowserTimeout(BrowserError):
    """The browser did not finish something in time."""


class LoginError(AgentError):
    """Signing in did not succeed."""

    exit_code = 3


class UnknownLoginOrigin(LoginError):
    """The form is at an `origin` that is not the app's own, and not confirmed. Nothing was typed there."""

    def __init__(self, message: str = "", *, origin: str = "", hint: str = "", shell_hint: str = "") -> None:
        super().__init__(message, hint=hint, shell_hint=shell_hint)
        self.origin = origin


class CredentialsRejected(LoginError):
    """The site refused the user name or the password."""


class SecondFactorRequired(LoginError):
    """The site asks for a one-time code, and none was given."""


class SecondFactorRejected(LoginError):
    """The site accepted user name and password, but refused the one-time code."""


class SecondFactorExpired(SecondFactorRejected):
    """The one-time code, or the time the site gives to enter it, had run out."""


class EmailConfirmationRequired(LoginError):
    """The account's e-mail address must be confirmed first, with the link in the e-mail."""


class ChallengePresented(LoginError):
    """The site asks for a human (captcha, firewall challenge). The agent never solves these."""


class SessionRejected(LoginError):
    """The app does not accept, or no longer accepts, a saved or imported session."""


class ConsentRequired(LoginError):
    """The consent page of the identity provider did not let us through."""


class SiteError(AgentError):
    """The site does not answer, or does not answer like a chat-ui.

    `status` is the HTTP status of an answer that came without a page, None where there was none. `answered`
    is false where no answer came at all: the site or the network may be back a moment later.
    """

    status: int | None = None
    answered = True


class PageChanged(SiteError):
    """A control of the page, or data from the app, is not as expected. The message says which.

    `part` is the part of the page, "" for anything else. `change` says whether the page lacks it ("gone") or
    has it in the way ("new").
    """

    def __init__(
        self,
        message: str = "",
        *,
        part: str = "",
        change: Literal["gone", "new"] = "gone",
        hint: str = "",
        shell_hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint, shell_hint=shell_hint)
        self.part = part
        self.change = change


class ChatError(AgentError):
    """The app refused something, or an answer broke off.

    `conversation_id` is the conversation ("" if none exists yet), `partial` the text of the answer before the
    error ("" if none), `status` the HTTP or in-band status code, None if the app gave none.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        conversation_id: str = "",
        partial: str = "",
        hint: str = "",
        shell_hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint, shell_hint=shell_hint)
        self.status = status
        self.conversation_id = conversation_id
        self.partial = partial


class UnknownModel(ChatError):
    """The app has no model of that name; the message names the closest three."""


class RateLimited(ChatError):
    """Too many requests. `retry_after` is in seconds, None if the server did not say."""

    def __init__(self, message: str = "", *, retry_after: float | None = None, **about: Any) -> None:
        super().__init__(message, **about)
        self.retry_after = retry_after


class ConversationTooLong(ChatError):
    """The conversation reached the app's limit of messages or length; start a new one."""


class CreditsExhausted(ChatError):
    """The account has no inference credits left."""


class FileRejected(ChatError):
    """A file is missing, empty, too large, or of a type that the model does not take."""


class GenerationFailed(ChatError):
    """The app reported an error instead of an answer, or in the middle of one."""


class AnswerInvalid(ChatError):
    """The answer is not in the form that was asked for, also when the model was asked again."""


class StreamBroken(ChatError):
    """The stream of an answer ended before the answer did. `partial` holds the text so far."""


class TurnTimeout(ChatError):
    """A deadline of the turn passed: first update, idle, or total."""


class TapeError(AgentError):
    """Base of all errors of tapes."""


class TapeVersion(TapeError):
    """The tape was written by a newer version of the format than this one reads."""


class TapeMismatch(TapeError):
    """A request is not on the tape."""


class TapeCorrupt(TapeError):
    """The tape cannot be read. The message says where."""
