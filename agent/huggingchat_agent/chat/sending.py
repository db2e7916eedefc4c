"""Sending one message, by ui or by page, and following what comes of it."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from huggingchat_agent import events
from huggingchat_agent.chat import draft as drafts
from huggingchat_agent.chat import uploads
from huggingchat_agent.errors import (
    AgentError,
    BrowserClosed,
    BrowserError,
    BrowserTimeout,
    ChatError,
    PageChanged,
    SessionRejected,
    UsageError,
)
from huggingchat_agent.session.account import read_account
from huggingchat_agent.site.calls import Calls
from huggingchat_agent.site.gestures import composer, messages
from huggingchat_agent.turn.app import read_conversation
from huggingchat_agent.turn.tracker import Claim
from huggingchat_agent.wire import tools

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from huggingchat_agent.browser.protocols import Page
    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.chat.draft import Draft, Spot
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.session.tabs import Tab
    from huggingchat_agent.settings import Via
    from huggingchat_agent.turn.turn import Turn
    from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

log = logging.getLogger("huggingchat_agent")

# Connections a running turn holds (see connections.py): its stream, and by ui the tab's own watch.
HELD = {"page": 1, "ui": 2}

# After the send gesture the app posts at once; on a slow machine its scripts may take a while.
POST_PATIENCE = 15.0

# Between two looks at a run that goes on without us; the app tells of its end only to its own pages.
RUN_PAUSE = 0.5


class Sending:
    """One message on its way. `reply` is told of all that happens to it."""

    def __init__(self, chat: Chat, reply: Reply, draft: Draft) -> None:
        self._chat, self._session, self._tracker = chat, chat.session, chat.tracker
        self._reply, self._draft = reply, draft
        self._conversation_id = reply.conversation_id
        self._step = chat.settings.step_timeout
        self._page: Page | None = None  # the one typed into
        self._held: events.Failed | None = None  # not told while the message may go out again

    async def send(self, via: Via) -> Turn:
        """Send it and return its turn when that is done.

        Where the app has dropped our session it is signed in again, once; and if the app took nothing
        of the message it is sent again then. Raises PageChanged (ui only) and whatever else keeps the
        message from being sent; what goes wrong after that is the turn's.
        """
        count = self._session.recovery.count
        turn: Turn | None = None
        try:
            turn = await self._attempt(via)
        except SessionRejected as error:
            lost = error  # and nothing was sent
        else:
            if not isinstance(turn.error, SessionRejected):
                return turn
            lost = turn.error
        if turn is None or not self._reply.stopping:
            turn = await self._recovered(turn, lost, count, via)
        self._tell_held()
        return turn

    async def _recovered(self, turn: Turn | None, lost: SessionRejected, count: int, via: Via) -> Turn:
        """Sign in again; then the turn of the message sent again, where the app took nothing of it before."""
        taken = turn is not None and not turn.refused
        self._reply.turn = None  # it is over: a stop is for what follows
        try:
            await self._session.recovery.recover(lost, count, anyway=taken)
        except SessionRejected as error:
            if turn is None:
                raise
            log.warning("%s", error)
        except asyncio.CancelledError:
            if turn is None or not taken:
                raise
        else:
            if turn is None or not taken:
                self._held = None
                return await self._attempt(via)
        self._reply.turn = turn
        return turn

    async def _attempt(self, via: Via) -> Turn:
        await self._session.calls.open()
        if self._draft.uploads:
            await self._check_files()
        await self._wait_for_lingering_stop()
        if self._session.in_browser:
            await self._session.tabs.make_room(self._conversation_id)
        if isinstance(self._draft.target, drafts.Resume):
            via = "page"  # by ui the page's own form does it all
        servers = await self._servers()
        if servers is not None:
            via = self._for_choosing(via)
        held = HELD["page" if via == "page" else "ui"]
        async with self._session.connections.stream(held, lambda count: self._queued("connections", count)):
            spot = await self._spot()
            if via != "page":
                try:
                    return await self._by_ui(spot)
                except PageChanged as error:
                    if via == "ui":
                        await self._session.save_report(error, self._page.id if self._page else "")
                        raise
                    degraded = events.Degraded(conversation_id=self._conversation_id, reason=error.message)
                    self._reply.emit(degraded)
            return await self._by_page(spot, servers)

    async def _check_files(self) -> None:
        conversation = self._chat.conversation(self._conversation_id)
        if conversation.model is None:
            conversation.model = (await read_conversation(self._session, self._conversation_id)).model
        for model in await self._chat.models():
            if model.id == conversation.model:  # one that is gone the app itself refuses
                uploads.check(self._draft.uploads, model)

    async def _servers(self) -> list[dict[str, Any]] | None:
        """The tool servers that are to be on for this turn (name and url), None for the app's own choice."""
        draft = self._draft
        if draft.tools is None and not draft.web_search:
            return None
        chosen = tools.choose_servers(await self._chat.tools(), draft.tools, web_search=draft.web_search)
        return [{"name": server.name, "url": server.url} for server in chosen]

    def _for_choosing(self, via: Via) -> Via:
        """How to send where tools are chosen: in the request itself.

        What is ticked in the page's menu stays so, for all of its tabs and all turns to come: to tick
        it for one turn would change the others.
        """
        why = (
            "the page keeps what is ticked in its menu of tools for all turns; a request chooses for its own"
        )
        if via == "ui":
            raise UsageError(f'Tools are chosen for a turn by via="page" only: {why}. Or leave out tools.')
        if via == "auto":
            log.info("Sent by page: %s.", why)
        return "page"

    async def _by_page(self, spot: Spot, servers: list[dict[str, Any]] | None) -> Turn:
        calls = await self._session.calls.open()
        generation_id = str(uuid.uuid4())
        message = drafts.call(
            self._draft,
            spot,
            self._conversation_id,
            generation_id,
            timezone=await self._chat.timezone(),
            servers=servers,
        )
        claim = self._claim(calls.page_id, "page", generation_id)
        post = calls.start(message, generation_id, timeout=self._step)
        return await self._follow(claim, calls, asyncio.create_task(post, name="send by page"))

    async def _by_ui(self, spot: Spot) -> Turn:
        """Type and press send. PageChanged is raised only before the gesture: nothing was sent then."""
        tabs = self._session.tabs
        tab = await tabs.lease(self._conversation_id)
        self._page = tab.page
        try:
            try:
                await self._show(tab, spot)
                alive, tab.leaf = tab.leaf is not None, None
                await self._prepare(tab.page, spot, alive=alive)
            except BrowserTimeout as error:
                raise PageChanged(f"The page of the conversation did not come up: {error}") from None
            claim = self._claim(tab.page.id, "ui", None)
            press = self._press(tab.page, spot)
            turn = await self._follow(claim, tab.page, asyncio.create_task(press, name="send by ui"))
            if turn.answer is not None:
                tab.leaf = turn.answer.message_id
            return turn
        finally:
            await tabs.release(tab)

    async def _prepare(self, page: Page, spot: Spot, *, alive: bool) -> None:
        """Everything before the send gesture; `alive` says that the page's scripts are known to run."""
        draft, step = self._draft, self._step
        if isinstance(draft.target, drafts.Next):
            await composer.write(page, draft.prompt or "", timeout=step)
            if draft.uploads:
                await composer.attach(page, draft.uploads, timeout=step)
        elif isinstance(draft.target, drafts.Edit):
            await messages.open_editor(page, spot.question, timeout=step)
            await messages.rewrite(page, spot.question, draft.prompt or "", timeout=step)
        elif not alive:
            # An early press on Retry would come to nothing, and unlike this it must not be repeated.
            await messages.open_editor(page, spot.question, timeout=step)
            await messages.close_editor(page, spot.question, timeout=step)

    def _press(self, page: Page, spot: Spot) -> Coroutine[Any, Any, None]:
        """The send gesture."""
        if isinstance(self._draft.target, drafts.Next):
            return composer.press_send(page, timeout=self._step)
        if isinstance(self._draft.target, drafts.Edit):
            return messages.press_send(page, spot.question, timeout=self._step)
        return messages.press_retry(page, spot.id, timeout=self._step)

    async def _spot(self) -> Spot:
        """Where the draft goes. What the app told a moment ago is taken for true, else it is read."""
        target = self._draft.target
        fresh = self._chat.notes.fresh_leaf(self._conversation_id)
        if fresh is not None and isinstance(target, drafts.Next) and target.leaf in (None, fresh.id):
            return drafts.Spot(id=fresh.id, leaf="" if fresh.is_root else fresh.id)
        return drafts.spot(self._draft, await self._read_at_rest())

    async def _read_at_rest(self) -> ConversationRead:
        """The conversation once nothing is written into it any more.

        To send beside a run makes a fork, or loses what the other run stores. A run may be there
        without us: its stream broke, or another client began it.
        """
        end = time.monotonic() + self._chat.settings.deadlines.first_update
        waiting = False
        while True:
            read = await self._read()
            if not _is_running(read, read.active_leaf()):
                return read
            if time.monotonic() > end:
                raise UsageError(
                    f"Conversation {self._conversation_id} is still being answered, by a run that another "
                    "client began or whose stream broke. Wait for its end, or stop it, before you send."
                )
            if not waiting:
                waiting = True
                self._queued("run")
            await asyncio.sleep(RUN_PAUSE)

    async def _read(self) -> ConversationRead:
        """Read the conversation. Signed out, what is ours is refused as if it were not.

        A page that is told so goes to sign in by itself and mostly succeeds: then it is ours again.
        """
        try:
            return await read_conversation(self._session, self._conversation_id)
        except ChatError:
            await self._check_signed_in()
            return await read_conversation(self._session, self._conversation_id)

    async def _wait_for_lingering_stop(self) -> None:
        left = self._chat.notes.quiet(self._conversation_id)
        if left:
            self._queued("stop")
            await asyncio.sleep(left)  # the app says nothing when it forgets a stop

    async def _show(self, tab: Tab, spot: Spot) -> None:
        """Have the tab's page show the branch that ends with the server's last message.

        A page that does not know of a turn made elsewhere would send with a stale parent, and fork
        the conversation silently.
        """
        url = f"{self._chat.settings.base_url}/conversation/{self._conversation_id}"
        path, last = urlsplit(url).path, spot.leaf
        if tab.leaf == last and await composer.shows(tab.page, path, last, timeout=self._step):
            return
        tab.leaf = None
        await tab.page.goto(f"{url}?leafId={last or spot.id}", timeout=self._step)
        if not await composer.shows(tab.page, path, last, timeout=self._step):
            await self._check_signed_in()
            raise PageChanged(
                f"The page of conversation {self._conversation_id} does not show its last message, and a "
                "message typed there might start another branch."
            )

    async def _check_signed_in(self) -> None:
        account = await read_account(self._session)
        if account.login_offered and not account.signed_in:
            raise SessionRejected("The app no longer knows this session. Sign in again (huggingchat login).")

    async def _follow(self, claim: Claim, page: Page | Calls, gesture: asyncio.Task[None]) -> Turn:
        """From the gesture to the end of the turn. Once begun, a turn is never left running unseen."""
        gesture.add_done_callback(_seen)
        try:
            turn = await self._birth(claim, page, gesture)
        except asyncio.CancelledError:
            late = await asyncio.shield(self._give_up(claim, page, gesture))
            if late is None:
                raise
            self._reply.turn = late
            await late.stop()
            return late
        finally:
            claim.withdraw()
        self._reply.turn = turn
        await turn.done.wait()
        return turn

    async def _birth(self, claim: Claim, page: Page | Calls, gesture: asyncio.Task[None]) -> Turn:
        """The turn, once its post is seen; whatever kept it from being made otherwise."""
        either: list[asyncio.Future[Any]] = [gesture, claim.turn]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not claim.turn.done() and not gesture.exception():
            await asyncio.wait([claim.turn], timeout=POST_PATIENCE)
        if claim.turn.done():
            return claim.turn.result()
        gone = page.closed
        late = await self._give_up(claim, page, gesture)
        if late is not None:
            return late
        if gone:
            raise BrowserClosed(
                "The browser or its tab went away while the message was being sent. It may have reached "
                "the app: read the conversation before you send it again."
            )
        failed = None if gesture.cancelled() else gesture.exception()
        if isinstance(failed, AgentError):
            raise failed
        raise BrowserError(
            "The message was typed into the page, but the app sent no request, so nothing was sent.",
            hint='Try again, or use via="page".',
            shell_hint="Try again, or use --via page.",
        )

    async def _give_up(self, claim: Claim, page: Page | Calls, gesture: asyncio.Task[None]) -> Turn | None:
        """See to it that nothing is sent any more; the turn, if it was sent at the last moment."""
        gesture.cancel()
        await asyncio.wait([gesture])
        try:
            if not isinstance(page, Calls):
                if not page.closed:
                    # What the page has sent is told before it answers; a closed tab tells nothing more.
                    await page.evaluate("() => true", timeout=self._step)
                    await self._chat.traffic.settled()
                if not claim.turn.done():
                    await self._session.close_tab(self._conversation_id)
            elif claim.generation_id and not page.closed:
                await page.abort(claim.generation_id, timeout=self._step)
        except AgentError:
            pass  # the page is gone, and cannot send either
        await self._chat.traffic.settled()
        return claim.turn.result() if claim.turn.done() else None

    def _claim(self, page_id: str, via: str, generation_id: str | None) -> Claim:
        self._reply.via = via
        return Claim(
            self._tracker,
            page_id=page_id,
            conversation_id=self._conversation_id,
            via=via,
            listener=self._hear,
            generation_id=generation_id,
        )

    def _hear(self, event: events.TurnEvent) -> None:
        if isinstance(event, events.Failed) and event.error == SessionRejected.__name__:
            self._held = event
            if self._reply.upstream is not None:
                self._reply.upstream.emit(event)
        else:
            self._reply.emit(event)

    def _tell_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._reply.emit(held, bubbles=False)  # all others have it

    def _queued(self, reason: str, running: int = 0) -> None:
        self._reply.emit(events.Queued(conversation_id=self._conversation_id, reason=reason, running=running))


def _is_running(read: ConversationRead, message: StoredMessage) -> bool:
    """Whether the app is still writing a message. One that no run wrote is as it is."""
    return message.author == "assistant" and bool(message.generation_id) and not read.is_terminal(message)


def _seen(task: asyncio.Task[None]) -> None:
    """The outcome of the gesture matters only if no turn comes of it; then it is looked at."""
    if not task.cancelled():
        task.exception()
