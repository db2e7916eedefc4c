"""One conversation: an id, and what can be done with it. It holds no page."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from huggingchat_agent import events
from huggingchat_agent.account import whoami
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import (
    AgentError,
    BrowserError,
    BrowserTimeout,
    PageChanged,
    SessionRejected,
    UsageError,
)
from huggingchat_agent.reply import Reply
from huggingchat_agent.site import calls
from huggingchat_agent.site.gestures import composer
from huggingchat_agent.tracker import Claim
from huggingchat_agent.wire import requests

if TYPE_CHECKING:
    from types import TracebackType

    from huggingchat_agent.chat import HuggingChat
    from huggingchat_agent.session import Tab
    from huggingchat_agent.settings import Via
    from huggingchat_agent.turn import Turn
    from huggingchat_agent.wire.conversations import ConversationRead

# Connections a running turn holds (see connections.py): its stream, and by ui the tab's own watch.
HELD = {"page": 1, "ui": 2}

# After the send gesture the app posts at once; on a slow machine its scripts may take a while.
POST_PATIENCE = 15.0


class Conversation(Emitter):
    """Made by `HuggingChat.new_conversation` and `HuggingChat.conversation`.

    Events of its turns can be subscribed to here, whoever starts them. Used as `async with`, a
    temporary conversation is deleted on the server at the end of the block, else when the chat closes.
    """

    def __init__(
        self, chat: HuggingChat, conversation_id: str, *, model: str | None, leaf: str | None, temporary: bool
    ) -> None:
        super().__init__()
        self.id = conversation_id
        self.model = model
        self.temporary = temporary
        self.deleted = False
        self._chat = chat
        # Both known without asking only right after the conversation was made: its one message.
        self._leaf = self._root = leaf
        self._reply: Reply | None = None

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"{self._chat.settings.base_url}/conversation/{self.id}"

    def send(self, prompt: str, *, via: Via | None = None) -> Reply:
        """Send a message; returns at once (see Reply).

        `via` is "ui" (typed into the page), "page" (the same request made inside the page) or "auto"
        (ui, and page where a control cannot be found before the send gesture; said in `degraded`).
        Raises UsageError for an empty prompt or while an answer is still coming.
        """
        if not prompt.strip():
            raise UsageError("The prompt is empty. Say something.")
        if self.deleted:
            raise UsageError(f"Conversation {self.id} is deleted. Start a new one.")
        if self._reply is not None and not self._reply.done:
            raise UsageError(
                f"Conversation {self.id} is still answering. Await that reply, or stop it, before you send "
                "again."
            )
        chosen = via or self._chat.settings.via

        async def sender(reply: Reply) -> Turn:
            return await self._send(reply, prompt, chosen)

        self._reply = Reply(self.id, sender, number=self._chat.tracker.number, upstream=(self, self._chat))
        self._chat.replies.add(self._reply)
        return self._reply

    async def read(self) -> ConversationRead:
        """The conversation as the server stores it, all branches of it."""
        return await self._chat.tracker.read(self.id)

    async def delete(self) -> None:
        """Delete it on the server. Twice is fine."""
        if self.deleted:
            return
        if self._reply is not None:
            await self._reply.stop()
        await self._chat.session.close_tab(self.id)
        await self._chat.session.ask(requests.delete_conversation(self.id), conversation_id=self.id)
        self.deleted = True

    async def __aenter__(self) -> Conversation:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.temporary:
            await self.delete()

    async def _send(self, reply: Reply, prompt: str, via: Via) -> Turn:
        session = self._chat.session
        await session.shared_page()
        held = HELD["page" if via == "page" else "ui"]

        def waiting(running: int) -> None:
            self._announce(reply, events.Queued(conversation_id=self.id, running=running))

        async with session.connections.stream(held, waiting):
            if via != "page":
                try:
                    return await self._send_by_ui(reply, prompt)
                except PageChanged as error:
                    if via == "ui":
                        raise
                    self._announce(reply, events.Degraded(conversation_id=self.id, reason=str(error)))
            return await self._send_by_page(reply, prompt)

    async def _send_by_page(self, reply: Reply, prompt: str) -> Turn:
        session = self._chat.session
        leaf, self._leaf = self._leaf or await self._server_leaf(), None
        page = await session.shared_page()
        generation_id = str(uuid.uuid4())
        message = requests.send_message(
            self.id, prompt, leaf, generation_id, timezone=await self._chat.timezone()
        )
        claim = self._claim(reply, page.id, "page", generation_id)
        request = calls.start(
            page, session.settings.base_url, message, generation_id, timeout=session.settings.step_timeout
        )
        sent = asyncio.create_task(request, name="send by page")
        return await self._follow(reply, claim, sent)

    async def _send_by_ui(self, reply: Reply, prompt: str) -> Turn:
        """Type and press send. PageChanged is raised only before the gesture: nothing was sent then."""
        session = self._chat.session
        leaf, self._leaf = self._leaf or await self._server_leaf(), None
        tab = await session.tab(self.id)
        try:
            try:
                await self._show(tab, leaf)
                await composer.write(tab.page, prompt, timeout=session.settings.step_timeout)
            except BrowserTimeout as error:
                raise PageChanged(f"The page of the conversation did not come up: {error}") from None
            claim = self._claim(reply, tab.page.id, "ui", None)
            tab.leaf = None
            sent = asyncio.create_task(
                composer.press_send(tab.page, timeout=session.settings.step_timeout), name="send by ui"
            )
            turn = await self._follow(reply, claim, sent)
            if turn.answer is not None:
                tab.leaf = turn.answer.message_id
            return turn
        except PageChanged as error:
            await session.explain(error, tab.page)
            raise
        finally:
            await session.leave(tab)

    async def _show(self, tab: Tab, leaf: str) -> None:
        """Have the tab's page show the branch that ends with the server's last message.

        A page that does not know of a turn made elsewhere would send with a stale parent, and fork
        the conversation silently.
        """
        step = self._chat.settings.step_timeout
        path = urlsplit(self.url).path
        last = "" if leaf == self._root else leaf  # the root is the system message, which is not shown
        if tab.leaf == leaf and await composer.shows(tab.page, path, last, timeout=step):
            return
        await tab.page.goto(f"{self.url}?leafId={leaf}", timeout=step)
        if not await composer.shows(tab.page, path, last, timeout=step):
            account = await whoami(self._chat.session)
            if account.login_offered and not account.signed_in:
                raise SessionRejected(
                    "The app no longer knows this session. Sign in again (huggingchat login)."
                )
            raise PageChanged(
                f"The page of conversation {self.id} does not show its last message, and a message typed "
                "there might start another branch."
            )

    async def _follow(self, reply: Reply, claim: Claim, sent: asyncio.Task[None]) -> Turn:
        """From the gesture to the end of the turn. Once begun, a turn is never left running unseen."""
        sent.add_done_callback(_seen)
        try:
            turn = await self._await_birth(claim, sent)
        except asyncio.CancelledError:
            # Too late to take the gesture back: see what came of it, and stop that.
            await asyncio.wait({claim.turn}, timeout=POST_PATIENCE)
            if not claim.turn.done():
                raise
            turn = claim.turn.result()
            reply.turn = turn
            await turn.stop()
            return turn
        finally:
            claim.withdraw()
        reply.turn = turn
        await turn.done.wait()
        return turn

    async def _await_birth(self, claim: Claim, sent: asyncio.Task[None]) -> Turn:
        either: set[asyncio.Future[Any]] = {sent, claim.turn}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not claim.turn.done():
            failed = sent.exception()
            if isinstance(failed, AgentError) and not isinstance(failed, BrowserTimeout):
                raise failed
            await asyncio.wait({claim.turn}, timeout=POST_PATIENCE)
        if claim.turn.done():
            return claim.turn.result()
        failed = sent.exception() if sent.done() else None
        if failed is not None:
            raise failed
        raise BrowserError(
            "The message was handed to the page, but the app made no request of it. Nothing was sent; try "
            'again, or with via="page".'
        )

    def _claim(self, reply: Reply, page_id: str, via: Via, generation_id: str | None) -> Claim:
        reply.via = via
        return Claim(
            self._chat.tracker,
            page_id=page_id,
            conversation_id=self.id,
            via=via,
            listener=reply.receive,
            generation_id=generation_id,
        )

    def _announce(self, reply: Reply, event: events.Event) -> None:
        for emitter in (reply, self, self._chat):
            emitter.emit(event)

    async def _server_leaf(self) -> str:
        read = await self.read()
        self._root = read.root_message_id
        self.model = read.model
        return read.active_leaf().id


def _seen(task: asyncio.Task[None]) -> None:
    """The outcome of the gesture matters only if no turn comes of it; then it is looked at."""
    if not task.cancelled():
        task.exception()
