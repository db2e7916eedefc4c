"""Between a chat and the app: a browser's profile, its tabs, and calls to the app.

Each of the three is an object. If a tape answers the calls, there is no profile and no tab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from huggingchat_agent.errors import AgentError, BrowserError
from huggingchat_agent.log_records import log
from huggingchat_agent.retrying import Failure
from huggingchat_agent.session.app_calls import AppCalls
from huggingchat_agent.session.connections import Connections
from huggingchat_agent.session.drifts import Drifts
from huggingchat_agent.session.login_origins import LoginOrigins
from huggingchat_agent.session.profile import BrowserProfile
from huggingchat_agent.session.recycling import Recycler
from huggingchat_agent.session.sign_in_again import SignInAgain
from huggingchat_agent.session.tabs import Tabs
from huggingchat_agent.session.uses import BrowserUses
from huggingchat_agent.site.calls import PageCalls
from huggingchat_agent.state.given_session import load_session
from huggingchat_agent.state.storage import HeldSession, SavedSession

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent import events
    from huggingchat_agent.browser.protocols import Browser, Page
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.session.tabs import Watcher
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.site.calls import Calls
    from huggingchat_agent.wire.means import Means
    from huggingchat_agent.wire.requests import Call

    Sink: TypeAlias = Callable[[ExchangeEvent], None]
    Opener: TypeAlias = Callable[[], Awaitable[Calls]]


def _find_saved(settings: Settings) -> SavedSession:
    if settings.session is None:
        return SavedSession(settings.profile_folder)
    return HeldSession(settings.profile_folder, load_session(settings.session))


class Session:
    """Connects the three parts. Implements `turn.app_protocol.App`.

    `sink` gets every exchange. `tape` takes the sink and makes an opener of calls that a tape answers.
    `saved` replaces the profile's own session file. `note` gets the events of the agent itself: each retry,
    each browser or tab that is replaced, each difference of the app.
    """

    def __init__(
        self,
        settings: Settings,
        sink: Sink,
        *,
        tape: Callable[[Sink], Opener] | None = None,
        saved: SavedSession | None = None,
        watcher: Watcher | None = None,
        note: Callable[[events.Retrying | events.Recycled | events.Drift], object] = lambda event: None,
    ) -> None:
        self.settings = settings
        self.base_path, self.recovers = settings.base_path, settings.recover
        self.deadlines = settings.deadlines
        self.recovery = SignInAgain(
            self.explain, note=lambda error: note(Failure(error, 2, 0.0).describe("", ""))
        )
        self.drifts = Drifts(note)
        self.connections = Connections()
        self.saved = saved or _find_saved(settings)
        self.login_origins = LoginOrigins(settings, self.saved)
        self._profile: BrowserProfile | None = None
        self._tabs: Tabs | None = None
        self.recycler: Recycler | None = None
        uses = BrowserUses()
        if tape is not None:
            opener = tape(sink)
        else:
            self._profile = BrowserProfile(settings, self.saved)
            self._tabs = Tabs(settings, self._profile, self.connections, uses, sink, watcher, note)
            self.recycler = Recycler(settings, self._profile, self._tabs, uses, note)
            opener = self._tabs.open_calls
        self.note = note
        self.calls = AppCalls(
            opener,
            self.recovery,
            timeout=settings.step_timeout,
            note=note if tape is None else None,
            drifts=self.drifts,
            use=uses.use,
        )
        self.ask, self.use = self.calls.ask, uses.use

    @property
    def epoch(self) -> int:
        """How many browsers were started so far. A tape has none."""
        return self._profile.epoch if self._profile else 0

    async def recover(self, epoch: int) -> int:
        """After BrowserClosed: start a browser again, with the saved session. Returns the new epoch.

        `epoch` was read before what failed. If another browser was started since, nothing is done. Raises as
        opening does.
        """
        if self._profile is not None and self._profile.epoch == epoch:
            await self._profile.wait_until_noticed()
        await self.calls.open()
        return self.epoch

    @property
    def in_browser(self) -> bool:
        """Whether there are a profile and tabs. A tape has neither."""
        return self._tabs is not None

    @property
    def profile(self) -> BrowserProfile:
        """The browser's profile. Raises BrowserError behind a tape."""
        if self._profile is None:
            raise BrowserError("There is no browser here: a tape answers the chat.")
        return self._profile

    @property
    def tabs(self) -> Tabs:
        """The browser's tabs. Raises BrowserError behind a tape."""
        if self._tabs is None:
            raise BrowserError("There is no page here: a tape answers the chat.")
        return self._tabs

    @property
    def browser(self) -> Browser | None:
        """The running browser, if there is one."""
        return self._profile.browser if self._profile else None

    @property
    def lost(self) -> bool:
        """Whether the browser is gone. A tape is never lost."""
        return self._profile is not None and self._profile.browser is None

    @property
    def unheard(self) -> bool:
        """Whether the last call got no answer for some seconds."""
        return self.calls.unheard

    def note_means(self, means: Means) -> None:
        """Note which means served a need."""
        self.calls.alternatives.use(means)

    def explain(self, error: AgentError) -> None:
        """Add to an error of a lost or missing session that the browser dropped a cookie, if it did."""
        if self.browser is not None:
            self.browser.dropped_cookies.explain(error)

    async def read_state(self) -> dict[str, Any]:
        """Cookies and local storage of the browser."""
        return await self._profile.read_state() if self._profile else {"cookies": [], "origins": []}

    async def save(self) -> None:
        """Save the session. Call this only when the app has just accepted it."""
        if self._profile is not None:
            await self._profile.save()

    def remember_app(self, *, again: bool = False) -> None:
        """Save the app's address and sign-in origins in the profile: see `LoginOrigins.remember`."""
        if self._profile is not None and not self._profile.copied:
            self.login_origins.remember(again=again)

    def save_after_write(self) -> None:
        """Save the session again after the next request that writes.

        An app without login knows its user by a cookie alone, and sets that with the answer to a write.
        """

        async def save() -> None:
            try:
                await self.save()
            except AgentError as error:
                log.warning("The session could not be saved: %s", error)

        self.calls.call_after_write(save)

    async def close(self) -> None:
        """End the browser. Closing twice is fine."""
        self.calls.close()
        if self._tabs is not None:
            await self._tabs.close()

    def find_page(self, page_id: str) -> Page | None:
        """The open tab with that id, if there is one."""
        return self._tabs.find(page_id) if self._tabs else None

    def shows(self, page_id: str) -> bool:
        return self._tabs is None or self._tabs.find(page_id) is not None

    async def open_stream(self, request: Call, key: str) -> None:
        """Start a stream in the shared tab, in another browser if that was lost."""

        async def start() -> None:
            calls = await self.calls.open()
            await calls.start(request, key, timeout=self.calls.timeout)

        await self.calls.repeat(request, start)

    async def abort_stream(self, key: str) -> None:
        if not self.lost:
            calls = await self.calls.open()
            await calls.abort(key, timeout=self.calls.timeout)

    async def drop_stream(self, page_id: str, conversation_id: str, key: str | None) -> None:
        page = self.find_page(page_id)
        if page is not None and key:
            await PageCalls(page, self.settings.base_url).abort(key, timeout=self.calls.timeout)
        elif self._tabs is not None:
            await self._tabs.close_tab(conversation_id)

    def expect_conversation(self) -> None:
        """Prepare a tab for the conversation that is about to be made."""
        if self._tabs is not None:
            self._tabs.prepare_spare()

    async def leave_tab(self, conversation_id: str) -> None:
        """Give up the tab of a conversation that no longer needs it."""
        self.calls.check_loop()
        if self._tabs is not None:
            await self._tabs.leave_tab(conversation_id)

    async def save_report(self, error: AgentError, page_id: str = "") -> None:
        if self._tabs is not None:
            await self._tabs.save_report(error, page_id)
