"""The two ways to send a message: typed into the conversation's page, or requested from inside a page."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from huggingchat_agent import redact
from huggingchat_agent.chat.unsent import NotLoaded
from huggingchat_agent.errors import BrowserTimeout, PageChanged, SiteError
from huggingchat_agent.site.gestures import branches, composer, first_message
from huggingchat_agent.wire.means import Means

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from huggingchat_agent.chat.draft import Draft, Spot
    from huggingchat_agent.choices import SentVia
    from huggingchat_agent.session.alternatives import Alternatives
    from huggingchat_agent.session.app_calls import AppCalls
    from huggingchat_agent.session.tabs import Tab, Tabs
    from huggingchat_agent.site.calls import Calls
    from huggingchat_agent.site.gestures.dialogs import Notice
    from huggingchat_agent.turn.turn import Turn
    from huggingchat_agent.wire.requests import Call


class Sender(Protocol):
    """Sends one message: `prepare`, then `post`, then `release`. `withdraw` interrupts a post."""

    @property
    def via(self) -> SentVia:
        """The name of this way."""

    @property
    def connections(self) -> int:
        """How many connections the running turn holds (see connections.py)."""

    @property
    def page_id(self) -> str:
        """The page that makes the request; "" before `prepare`."""

    @property
    def generation_id(self) -> str | None:
        """The turn's generation id, where it is chosen here."""

    @property
    def closed(self) -> bool:
        """Whether that page is gone."""

    async def prepare(self, spot: Spot) -> None:
        """Do everything before the send gesture. PageChanged is raised only here: nothing was sent then."""

    async def post(self) -> None:
        """Make the send gesture. The message may be on its way after this, even if this raises."""

    async def withdraw(self, was_sent: Callable[[], Awaitable[bool]]) -> None:
        """Make sure that nothing more is sent. `was_sent` says whether the request was seen."""

    async def release(self, turn: Turn | None) -> None:
        """Release connections and tab, after the turn or without one."""


class PageSender:
    """Makes the app's own request inside the shared page. `call` builds it for a spot and a generation id."""

    via: SentVia = "page"
    connections = 1  # the stream

    def __init__(self, app: AppCalls, call: Callable[[Spot, str], Awaitable[Call]]) -> None:
        self.generation_id = str(uuid.uuid4())
        self._app, self._build = app, call
        self._calls: Calls | None = None
        self._request: Call | None = None

    @property
    def page_id(self) -> str:
        return self._calls.page_id if self._calls else ""

    @property
    def closed(self) -> bool:
        return self._calls is None or self._calls.closed

    async def prepare(self, spot: Spot) -> None:
        self._request = await self._build(spot, self.generation_id)
        self._calls = await self._app.open()

    async def post(self) -> None:
        assert self._calls and self._request
        await self._calls.start(self._request, self.generation_id, timeout=self._app.timeout)

    async def withdraw(self, was_sent: Callable[[], Awaitable[bool]]) -> None:
        if self._calls and not self._calls.closed:
            await self._calls.abort(self.generation_id, timeout=self._app.timeout)

    async def release(self, turn: Turn | None) -> None:
        """Does nothing: this way holds nothing."""


class UiSender:
    """Types into the page of the conversation, in a tab of its own.

    `check_signed_in` raises SessionRejected where a page is missing because nobody is signed in. `notice`
    gets unknown parts of the page.
    """

    via: SentVia = "ui"
    connections = 2  # the stream, and the tab's own watch
    generation_id = None

    def __init__(
        self,
        tabs: Tabs,
        alternatives: Alternatives,
        draft: Draft,
        conversation_id: str,
        url: str,
        *,
        step: float,
        check_signed_in: Callable[[], Awaitable[None]],
        notice: Notice,
    ) -> None:
        self._tabs, self._alternatives = tabs, alternatives
        self._draft, self._conversation_id = draft, conversation_id
        self._url, self._step, self._check_signed_in = url, step, check_signed_in
        self._notice = notice
        self._tab: Tab | None = None
        self._spot: Spot | None = None

    @property
    def page_id(self) -> str:
        return self._tab.page.id if self._tab else ""

    @property
    def closed(self) -> bool:
        return self._tab is None or self._tab.page.closed

    async def prepare(self, spot: Spot) -> None:
        self._tab = tab = await self._tabs.lease(self._conversation_id)
        self._spot = spot
        try:
            if self._alternatives.uses(Means.FIRST_AT_HOME) and not spot.leaf:
                return await self._begin_at_home(tab, spot)
            await self._show(tab, spot)
            alive, tab.leaf = tab.leaf is not None, None
            try:
                await self._prepare(tab, spot, alive=alive)
            except composer.NoFirstMessage:
                return await self._begin_at_home(tab, spot)
            if not spot.leaf:
                self._alternatives.use(Means.FIRST_ON_PAGE)
            if spot.path and await self._shows_leaf(tab, spot, 1.0) is not True:
                raise self._make_branch_error()
            tab.moving = False
        except BrowserTimeout as error:
            raise NotLoaded(error) from None

    async def post(self) -> None:
        assert self._tab and self._spot
        await self._draft.target.press(self._tab.page, self._spot, timeout=self._step)

    async def withdraw(self, was_sent: Callable[[], Awaitable[bool]]) -> None:
        if self._tab is None:
            return
        if not self._tab.page.closed:
            # The browser reports all requests of the page before this returns. A closed tab reports no more.
            await self._tab.page.evaluate("() => true", timeout=self._step)
        if not await was_sent():
            await self._tabs.close_tab(self._conversation_id)

    async def release(self, turn: Turn | None) -> None:
        if self._tab is not None:
            if turn is not None and turn.answer is not None:
                self._tab.leaf = turn.answer.message_id
            await self._tabs.release(self._tab)

    async def _prepare(self, tab: Tab, spot: Spot, *, alive: bool) -> None:
        await self._draft.target.prepare(
            tab.page, self._draft, spot, alive=alive, timeout=self._step, notice=self._notice
        )

    async def _begin_at_home(self, tab: Tab, spot: Spot) -> None:
        """Do everything before the send gesture on the home page. The page then continues in the
        conversation.
        """
        self._alternatives.use(Means.FIRST_AT_HOME)
        home = self._url.rpartition("/conversation/")[0]
        tab.leaf = None
        await tab.page.goto(f"{home}/", timeout=self._step)
        await self._prepare(tab, spot, alive=False)
        path = f"{urlsplit(home).path}/conversation"
        await first_message.hand_over(tab.page, path, self._conversation_id, timeout=self._step)

    async def _show(self, tab: Tab, spot: Spot) -> None:
        """Have the tab's page show the branch that ends with the server's last message.

        A page that does not know of a turn made elsewhere would send with a stale parent, and fork
        the conversation silently.
        """
        path, last = urlsplit(self._url).path, spot.leaf
        if tab.leaf == last and await composer.shows(tab.page, path, last, timeout=self._step) is True:
            return
        tab.leaf = None
        shown: bool | int | str
        try:
            await tab.page.goto(f"{self._url}?leafId={last or spot.id}", timeout=self._step)
            if spot.path:
                # Builds before June 2026 go back to the newest branch once their scripts run.
                shown = await branches.show(tab.page, spot.path, timeout=self._step)
            else:
                shown = await self._shows_leaf(tab, spot, self._step)
        except SiteError as error:
            if error.status is None:
                raise
            shown = error.status
        if shown is True:
            self._alternatives.use(Means.BRANCH_BY_BUTTONS if spot.path else Means.BRANCH_BY_ADDRESS)
            return
        await self._check_signed_in()
        page = f"page of conversation {self._conversation_id}"
        if isinstance(shown, str):
            raise PageChanged(f"The app redirects the {page} to {redact.address(shown)}.")
        if shown:
            raise PageChanged(f"The app answered {shown} for the {page}.")
        raise self._make_branch_error()

    async def _shows_leaf(self, tab: Tab, spot: Spot, timeout: float) -> bool | int | str:
        return await composer.shows(tab.page, urlsplit(self._url).path, spot.leaf, timeout=timeout)

    def _make_branch_error(self) -> PageChanged:
        return PageChanged(
            f"The page of conversation {self._conversation_id} does not show its last message, and a message "
            "typed there might start another branch."
        )
