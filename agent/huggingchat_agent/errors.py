"""Every error the agent raises on purpose, as one tree.

    AgentError
    ├── SettingsError               a setting is wrong; raised before anything is opened
    ├── UsageError                  called at the wrong time: not open, closed, asked while answering
    │   └── CookiesUnreadable       a file of cookies is none
    ├── StorageError                the saved session cannot be read or written
    │   └── ProfileInUse            another process, or another chat of this one, uses the profile
    ├── BrowserError                the browser or its driver failed
    │   ├── BrowserMissing          no browser found, none could be downloaded; or no driver
    │   ├── BrowserClosed           the browser, or the tab in use, went away
    │   └── BrowserTimeout          the browser did not do it in time
    ├── LoginError                  could not be signed in
    │   ├── CredentialsRejected     the site refused user name and password
    │   ├── SecondFactorRequired    the site asks for a one-time code
    │   ├── SecondFactorRejected    the site refused the one-time code
    │   │   └── SecondFactorExpired the code, or the time to give it, had run out
    │   ├── EmailConfirmationRequired  the account's e-mail address is not confirmed yet
    │   ├── ChallengePresented      the site asks for a human
    │   ├── SessionRejected         a saved or imported session is not accepted any more
    │   └── ConsentRequired         the consent page did not let us through
    ├── SiteError                   the site does not answer, or not as a chat-ui
    │   └── PageChanged             a control or a shape is not what we know
    ├── ChatError                   the chat itself said no, or an answer broke off
    │   ├── UnknownModel            the app has no such model
    │   ├── RateLimited             too many requests; `retry_after` where known
    │   ├── ConversationTooLong     the app wants a new conversation
    │   ├── CreditsExhausted        the account has no credits left
    │   ├── FileRejected            a file was refused
    │   ├── GenerationFailed        the app reported an error instead of, or within, an answer
    │   ├── StreamBroken            the answer's stream ended before its end
    │   └── TurnTimeout             a deadline of the turn passed
    └── TapeError
        ├── TapeVersion             the tape was made by a newer version
        ├── TapeMismatch            the app asked for something that is not on the tape
        └── TapeCorrupt             the tape cannot be read

There is one class where a caller would act differently. A message is one sentence or two: what
happened, the value in question, and what to do next; what the server said is kept word for word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class AgentError(Exception):
    """Base of everything raised on purpose.

    `screenshot` and `snapshot` are the paths of a redacted picture and a redacted accessibility
    tree of the page, where the error left them (PageChanged, LoginError, TurnTimeout); else None.
    """

    screenshot: Path | None = None
    snapshot: Path | None = None


class SettingsError(AgentError):
    """A setting is wrong. Raised before anything is opened."""


class UsageError(AgentError):
    """The call does not fit the state: not open, already closed, or still answering."""


class CookiesUnreadable(UsageError):
    """What was given as a file of cookies is in none of the formats, or holds none that are still good."""


class StorageError(AgentError):
    """The state folder or a file in it cannot be read or written; what was there before is kept."""


class ProfileInUse(StorageError):
    """Somebody else uses the profile: another process, or another HuggingChat of this one."""


class BrowserError(AgentError):
    """The browser, or the driver between us and it, failed."""


class BrowserMissing(BrowserError):
    """No browser, or no driver, was found and none could be downloaded; the message says what to run."""


class BrowserClosed(BrowserError):
    """The browser or the tab in use went away: crashed, was killed, or was closed by a person."""


class BrowserTimeout(BrowserError):
    """The browser did not do what was asked within the time given."""


class LoginError(AgentError):
    """Signing in did not succeed."""


class CredentialsRejected(LoginError):
    """The site refused the user name or the password."""


class SecondFactorRequired(LoginError):
    """The site asks for a one-time code and there is none at hand."""


class SecondFactorRejected(LoginError):
    """The site refused the one-time code; user name and password it had accepted."""


class SecondFactorExpired(SecondFactorRejected):
    """The one-time code, or the time the site gives to enter it, had run out."""


class EmailConfirmationRequired(LoginError):
    """The account's e-mail address has to be confirmed first, by the link that was sent there."""


class ChallengePresented(LoginError):
    """The site asks for a human (captcha, firewall challenge). The agent never solves these."""


class SessionRejected(LoginError):
    """A saved or imported session is not, or no longer, accepted."""


class ConsentRequired(LoginError):
    """The consent page of the identity provider did not let us through."""


class SiteError(AgentError):
    """The site does not answer, or does not answer as a chat-ui does."""


class PageChanged(SiteError):
    """A control of the page or a shape on the wire is not the one we know; the message says which."""


class ChatError(AgentError):
    """The chat said no, or an answer broke off.

    `conversation_id` is the conversation concerned ("" where none exists yet), `partial` the text
    of the answer received before the error ("" if none), `status` the HTTP or in-band status code,
    None where the app gave none.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        conversation_id: str = "",
        partial: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.conversation_id = conversation_id
        self.partial = partial


class UnknownModel(ChatError):
    """The app has no model of that name; the message names the closest three."""


class RateLimited(ChatError):
    """Too many requests. `retry_after` is in seconds, None where the server did not say."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        conversation_id: str = "",
        partial: str = "",
    ) -> None:
        super().__init__(message, status=status, conversation_id=conversation_id, partial=partial)
        self.retry_after = retry_after


class ConversationTooLong(ChatError):
    """The conversation reached the app's limit of messages or length; start a new one."""


class CreditsExhausted(ChatError):
    """The account has no inference credits left."""


class FileRejected(ChatError):
    """A file is missing, empty, too large, or of a type that the model does not take."""


class GenerationFailed(ChatError):
    """The app reported an error instead of, or in the middle of, an answer."""


class StreamBroken(ChatError):
    """The stream of an answer ended before the answer did. `partial` holds what had arrived."""


class TurnTimeout(ChatError):
    """A deadline of the turn passed: first update, idle, or total."""


class TapeError(AgentError):
    """Base of what can be wrong with a tape."""


class TapeVersion(TapeError):
    """The tape was written by a newer version of the format than this one reads."""


class TapeMismatch(TapeError):
    """While replaying, the app asked for something that is not on the tape."""


class TapeCorrupt(TapeError):
    """The tape cannot be read; the message gives the offset."""
