"""Signs in again when the app has dropped the session. Nothing else does."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

from huggingchat_agent.errors import (
    SIGN_IN_AGAIN,
    AgentError,
    ChallengePresented,
    ChatError,
    CredentialsRejected,
    EmailConfirmationRequired,
    PageChanged,
    SecondFactorRejected,
    SecondFactorRequired,
    SessionRejected,
    UnknownLoginOrigin,
)
from huggingchat_agent.log_records import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


T = TypeVar("T")

# A session lost again so soon is not worth another sign-in: an app that accepts no session would get one
# with every request.
PAUSE = 30.0  # seconds

# The credentials are not enough, and will not be next time. Other errors may pass, such as a consent that did
# not lead back in time.
LASTING = (
    ChallengePresented,
    CredentialsRejected,
    EmailConfirmationRequired,
    SecondFactorRejected,
    SecondFactorRequired,
    UnknownLoginOrigin,
)


class SignInAgain:
    """Signs in once for all calls that notice the loss. It does nothing until `arm`, after the app has
    accepted a login.

    `count` is the number of sign-ins. `explain` adds to an error what is known of its cause. `note` gets the
    failure before `guard` runs its action again.
    """

    def __init__(
        self,
        explain: Callable[[AgentError], object] = lambda error: None,
        *,
        note: Callable[[AgentError], object] = lambda error: None,
        pause: float = PAUSE,
    ) -> None:
        self.pause = pause  # seconds
        self._explain, self._note = explain, note
        self.count = 0
        self._again: Callable[[bool], Awaitable[None]] | None = None
        self._known: Callable[[], Awaitable[bool]] | None = None
        self._last = float("-inf")
        self._raised: AgentError | None = None
        self._lock = asyncio.Lock()

    def arm(self, again: Callable[[bool], Awaitable[None]], known: Callable[[], Awaitable[bool]]) -> None:
        """Set how to sign in again (raises LoginError), and how to ask whether the app knows the user.

        `again` gets true to sign in even if the app knows the user.
        """
        self._again, self._known = again, known
        self._last = float("-inf")

    def disarm(self) -> None:
        """Stop signing in again: there is no session to lose."""
        self._again = self._known = None

    async def guard(self, action: Callable[[], Awaitable[T]]) -> T:
        """The result of the action. If the app did not accept the session, sign in and run it again.

        Use it only for requests that the app refuses as a whole. Raises what the action raises, or
        SessionRejected.
        """
        count = self.count
        try:
            return await action()
        except AgentError as error:
            failure = error
        await self.recover_from(failure, count)
        self._note(failure)
        return await action()

    async def recover_from(self, failure: AgentError, count: int) -> None:
        """Sign in again if the failure means that the session is lost; raise it if it means anything else.

        `count` was read before the request that failed.
        """
        lost = failure
        if not isinstance(lost, SessionRejected):
            # If nobody is signed in, the app answers as if our things did not exist, or with some page.
            if type(failure) not in (ChatError, PageChanged):
                raise failure
            if not await self._is_unknown():
                self._explain(failure)
                raise failure
            lost = SessionRejected(
                f"The app no longer knows this session ({failure.message})", **SIGN_IN_AGAIN
            )
        await self.recover(lost, count)

    async def check(self) -> None:
        """Raise SessionRejected if the app accepted a session before and does not know it now.

        For requests that the app answers without a sign-in too, with other data and no error.
        """
        if await self._is_unknown():
            raise SessionRejected("The app no longer knows this session.", **SIGN_IN_AGAIN)

    async def recover(self, lost: SessionRejected, count: int, *, anyway: bool = False) -> None:
        """Sign in again, unless another call has since `count` was read. SessionRejected if that fails.

        A page may have signed in by itself meanwhile. That is enough, unless `anyway` is true.
        """
        async with self._lock:
            if self.count != count:
                return
            if self._again is None:
                self._explain(lost)
                raise lost
            since = time.monotonic() - self._last
            if since < self.pause:
                if lost is self._raised:  # one guard is around another
                    raise lost
                failure = SessionRejected(
                    f"{lost.message} The last new sign-in was {since:.0f} s ago; the agent signs in again at "
                    f"most every {self.pause:.0f} s."
                )
                failure.take_over(lost)
                self._explain(failure)
                self._raised = failure
                raise failure
            self._last = time.monotonic()
            log.info("The app has dropped the session; signing in again.")
            try:
                await self._again(anyway)
            except AgentError as error:
                if isinstance(error, LASTING):
                    self._again = None
                failure = SessionRejected(
                    f"The app dropped the session, and signing in again failed: {error.message}"
                )
                failure.take_over(error)
                raise failure from error
            except asyncio.CancelledError:
                self._last = float("-inf")  # only this call was cancelled; others may try
                raise
            self.count += 1

    async def _is_unknown(self) -> bool:
        return self._known is not None and not await self._known()
