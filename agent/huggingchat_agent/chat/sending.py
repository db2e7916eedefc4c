"""Sends one message, by ui or by page, and follows its turn."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from huggingchat_agent import events
from huggingchat_agent.chat import draft as drafts
from huggingchat_agent.chat import tool_choice, uploads
from huggingchat_agent.chat.outcome import find_turn
from huggingchat_agent.chat.rest import read_at_rest
from huggingchat_agent.chat.senders import PageSender, UiSender
from huggingchat_agent.chat.unsent import NothingSent, NotLoaded, SentElsewhere
from huggingchat_agent.chat.ways import choose_ways
from huggingchat_agent.errors import (
    SIGN_IN_AGAIN,
    AgentError,
    BrowserClosed,
    ChatError,
    PageChanged,
    SessionRejected,
    UsageError,
)
from huggingchat_agent.log_records import log
from huggingchat_agent.retrying import Failure
from huggingchat_agent.session.account import read_account
from huggingchat_agent.turn.app_protocol import read_conversation
from huggingchat_agent.turn.tracker import Claim
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.means import Means

if TYPE_CHECKING:
    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.chat.draft import Draft, Spot
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.chat.senders import Sender
    from huggingchat_agent.choices import SentVia, Via
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.turn.turn import Turn
    from huggingchat_agent.wire.conversations import ConversationRead
    from huggingchat_agent.wire.models import Model
    from huggingchat_agent.wire.requests import Call
    from huggingchat_agent.wire.tools import ToolChoice


# Seconds. The app posts right after the send gesture, but its scripts may be slow on a slow machine.
POST_PATIENCE = 15.0


class Sending:
    """One message on its way. `turn` is its turn, once there is one; `via` is how it was sent.

    `after` is a reply that comes to its end first.
    """

    def __init__(
        self, chat: Chat, conversation_id: str, draft: Draft, via: Via, *, after: Reply | None = None
    ) -> None:
        self._after = after
        self.turn: Turn | None = None
        self.via: SentVia = ""
        self._chat, self._session, self._tracker = chat, chat._session, chat._tracker
        self._conversation_id, self._draft, self._wanted = conversation_id, draft, via
        self._step = chat.settings.step_timeout
        self._deadlines = draft.deadlines or chat.settings.deadlines
        self._emitter: Emitter = chat
        self._stopped = False
        self._pressed = False  # the send gesture was made, and the app may have the message
        self._known: set[str] = set()  # the messages of the conversation before it
        self._held: events.Failed | None = None  # not emitted while the message may be sent again

    async def send(self, emitter: Emitter) -> Turn:
        """Send it and return its turn when that is done. `emitter` gets the events.

        If the app has dropped the session, this signs in again, once, and sends the message again unless the
        app had accepted any of it. Raises PageChanged (ui only) and whatever else keeps the message from
        being sent. Later failures belong to the turn.
        """
        self._emitter = emitter
        if self._after is not None:
            await self._after._wait_until_done()
            self._after = None
        recycler = self._session.recycler
        if recycler is not None and not self._tracker.has_running:
            await recycler.replace_if_due()
        async with self._session.use():
            turn = await self._send()
        if recycler is not None:
            recycler.count_turn()
        return turn

    async def _send(self) -> Turn:
        count = self._session.recovery.count
        turn: Turn | None = None
        try:
            turn = await self._attempt_twice()
        except SessionRejected as error:
            lost = error  # and nothing was sent
        else:
            if not isinstance(turn.error, SessionRejected):
                return turn
            lost = turn.error
        if turn is None or not self._stopped:
            turn = await self._recover(turn, lost, count)
        self._emit_held()
        return turn

    async def _attempt_twice(self) -> Turn:
        """Send it, and once more in another browser if this one went away before the app had the message."""
        epoch = self._session.epoch
        try:
            return await self._attempt()
        except BrowserClosed as error:
            if self._stopped or self._pressed or not self._session.recovers:
                raise
            lost = error
        self._note_second_attempt(lost)
        await self._session.recover(epoch)
        return await self._attempt()

    def stop(self) -> None:
        """Do not send it again, whatever happens."""
        self._stopped = True

    async def _recover(self, turn: Turn | None, lost: SessionRejected, count: int) -> Turn:
        """Sign in again, and send the message again unless the app had accepted any of it."""
        taken = turn is not None and not turn.refused
        self.turn = None  # it is over: a stop is for what follows
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
                self._note_second_attempt(lost)
                return await self._attempt()
        self.turn = turn
        return turn

    def _note_second_attempt(self, lost: AgentError) -> None:
        self._emitter.emit(Failure(lost, 2, 0.0).describe(requests.SEND, self._conversation_id))

    async def _attempt(self) -> Turn:
        await self._session.calls.open()
        if self._draft.uploads:
            await self._check_files()
        await self._wait_for_lingering_stop()
        if self._session.in_browser:
            await self._session.tabs.make_room(self._conversation_id)
        if isinstance(self._draft.target, drafts.Continue):
            await self._check_continuation()
        tools = await tool_choice.choose(self._chat, self._draft, self._find_model)
        senders = [
            self._make_ui_sender() if way == "ui" else self._make_page_sender(tools)
            for way in choose_ways(self._draft, self._wanted, with_tools=tools is not None)
        ]
        held = max(sender.connections for sender in senders)
        async with self._session.connections.stream(
            held, lambda count: self._emit_queued("connections", count)
        ):
            spot = await self._find_spot()
            for sender in senders[:-1]:
                if (turn := await self._send_if_page_can(sender, spot)) is not None:
                    return turn
            try:
                return await self._send_by(senders[-1], spot)
            except PageChanged as error:
                self._session.drifts.note_page(error, self._conversation_id)
                await self._session.save_report(error, senders[-1].page_id)
                raise

    async def _send_if_page_can(self, sender: Sender, spot: Spot) -> Turn | None:
        """Send it by ui. None if that could not send it, or was not tried: the page failed a moment ago, or
        would take long to show the text.
        """
        failed, gesture = self._session.tabs.failed_gestures, self._draft.gesture
        reason = failed.find(gesture, drafts.PLAIN) or self._draft.slow_to_type
        if not reason:
            try:
                return await self._send_by(sender, spot)
            except (PageChanged, NothingSent) as error:
                elsewhere = isinstance(error, SentElsewhere)
                instead = "" if elsewhere else "sent by page"
                self._session.drifts.note_page(error, self._conversation_id, instead)
                if elsewhere:
                    raise
                reason = error.message
                if error.part or isinstance(error, NotLoaded):
                    failed.note(gesture, reason)
        self._emitter.emit(events.Degraded(conversation_id=self._conversation_id, reason=reason))
        return None

    def _make_ui_sender(self) -> Sender:
        return UiSender(
            self._session.tabs,
            self._session.calls.alternatives,
            self._draft,
            self._conversation_id,
            f"{self._chat.settings.base_url}/conversation/{self._conversation_id}",
            step=self._step,
            check_signed_in=self._check_signed_in,
            notice=self._note_drift,
        )

    def _make_page_sender(self, tools: ToolChoice | None) -> Sender:
        async def build(spot: Spot, generation_id: str) -> Call:
            zone = await self._chat._read_timezone()
            ids = self._conversation_id, generation_id
            chosen = tools or await tool_choice.choose_as_page(self._chat)
            return drafts.build_call(self._draft, spot, *ids, timezone=zone, tools=chosen)

        return PageSender(self._session.calls, build)

    def _note_drift(self, drift: events.Drift) -> None:
        self._session.drifts.note(msgspec.structs.replace(drift, conversation_id=self._conversation_id))

    async def _send_by(self, sender: Sender, spot: Spot) -> Turn:
        turn: Turn | None = None
        try:
            await sender.prepare(spot)
            claim = Claim(
                self._tracker,
                page_id=sender.page_id,
                conversation_id=self._conversation_id,
                via=sender.via,
                listener=self._emitter.emit,
                on_rejected=self._hold,
                generation_id=sender.generation_id,
                deadlines=self._deadlines,
                request=drafts.fields(self._draft, spot, sender.generation_id),
            )
            self.via = sender.via
            self._pressed = True
            turn = await self._follow(claim, sender, spot)
            if sender.via == "ui":
                self._session.tabs.failed_gestures.forget(self._draft.gesture)
            return turn
        finally:
            await sender.release(turn)

    async def _check_files(self) -> None:
        model = await self._find_model()
        if model is None:
            return  # the app itself refuses a model that is gone
        uploads.check(self._draft.uploads, model)
        pasted = uploads.as_pasted(self._draft.uploads)
        if pasted != self._draft.uploads:  # there is text among them
            self._session.note_means(Means.TEXT_AS_FILE if model.text_files else Means.TEXT_AS_PASTED)
            if not model.text_files:
                self._draft = msgspec.structs.replace(self._draft, uploads=pasted)

    async def _check_continuation(self) -> None:
        """An app that does not know of it would take the request for a message without text."""
        model = await self._find_model()
        if model is None or model.text_files:
            raise UsageError("This app does not continue an answer. Send a message that asks for the rest.")

    async def _find_model(self) -> Model | None:
        """The model of the conversation, None if the app no longer has it."""
        conversation = self._chat.conversation(self._conversation_id)
        if conversation.model is None:
            conversation.model = (await read_conversation(self._session, self._conversation_id)).model
        return next((each for each in await self._chat.models() if each.id == conversation.model), None)

    async def _find_spot(self) -> Spot:
        """Where the draft goes, by a leaf that was read a moment ago, else by a new read."""
        fresh = self._chat._notes.take_fresh_leaf(self._conversation_id)
        if fresh and (spot := self._draft.target.find_spot_after(fresh.id, is_root=fresh.is_root)):
            return spot
        read = await read_at_rest(
            self._read_and_learn, self._deadlines.first_update, lambda: self._emit_queued("run")
        )
        self._known = {each.id for each in read.messages}
        return self._draft.target.find_spot(read)

    async def _read_and_learn(self) -> ConversationRead:
        read = await self._read()
        self._tracker.learn_from(read)
        return read

    async def _read(self) -> ConversationRead:
        """Read the conversation. If nobody is signed in, the app answers as if it did not exist.

        A page that gets this answer starts the sign-in itself, usually with success. A second read works.
        """
        try:
            return await read_conversation(self._session, self._conversation_id)
        except ChatError:
            await self._check_signed_in()
            return await read_conversation(self._session, self._conversation_id)

    async def _wait_for_lingering_stop(self) -> None:
        left = self._chat._notes.measure_quiet(self._conversation_id)
        if left:
            self._emit_queued("stop")
            await asyncio.sleep(left)  # the app says nothing when it forgets a stop

    async def _check_signed_in(self) -> None:
        account = await read_account(self._session)
        if account.login_offered and not account.signed_in:
            raise SessionRejected("The app no longer knows this session.", **SIGN_IN_AGAIN)

    async def _follow(self, claim: Claim, sender: Sender, spot: Spot) -> Turn:
        """Go from the gesture to the end of the turn. A turn that has begun never runs on unwatched."""
        gesture = asyncio.create_task(sender.post(), name=f"send by {sender.via}")
        gesture.add_done_callback(_retrieve)
        try:
            turn = await self._wait_for_turn(claim, sender, spot, gesture)
        except asyncio.CancelledError:
            late = await asyncio.shield(self._give_up(claim, sender, gesture))
            if late is None:
                raise
            self.turn = late
            await late.stop()
            return late
        finally:
            claim.withdraw()
        self.turn = turn
        await turn.done.wait()
        return turn

    async def _wait_for_turn(
        self, claim: Claim, sender: Sender, spot: Spot, gesture: asyncio.Task[None]
    ) -> Turn:
        """Wait for the turn, which its post starts. Raises the error that prevented the post."""
        either: list[asyncio.Future[Any]] = [gesture, claim.turn]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not claim.turn.done() and not gesture.exception():
            await asyncio.wait([claim.turn], timeout=POST_PATIENCE)
        if claim.turn.done():
            return claim.turn.result()
        gone = sender.closed
        late = await self._give_up(claim, sender, gesture)
        if late is not None:
            return late
        if gone:
            request = drafts.fields(self._draft, spot, sender.generation_id)
            found = await find_turn(self._session, self._tracker, claim, request, self._known)
            if found is not None:
                return found
            self._pressed = False
            raise BrowserClosed(
                "The browser or its tab went away before the message was sent: the app does not have it.",
                hint="Send it again.",
            )
        failed = None if gesture.cancelled() else gesture.exception()
        if isinstance(failed, AgentError):
            raise failed
        page_id, path = self._chat._notes.unknown_post
        if path and page_id == sender.page_id:
            raise SentElsewhere(path)
        raise NothingSent

    async def _give_up(self, claim: Claim, sender: Sender, gesture: asyncio.Task[None]) -> Turn | None:
        """Make sure that nothing more is sent. Returns the turn if the request got out at the last moment."""

        async def was_sent() -> bool:
            await self._chat._traffic.wait_until_settled()
            return claim.turn.done()

        gesture.cancel()
        await asyncio.wait([gesture])
        with contextlib.suppress(AgentError):  # the page is gone, and cannot send either
            await sender.withdraw(was_sent)
        return claim.turn.result() if await was_sent() else None

    def _hold(self, event: events.Failed) -> None:
        """Keep a failure from the reply while the message may go out again."""
        self._held = event
        if self._emitter._upstream is not None:
            self._emitter._upstream.emit(event)

    def _emit_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._emitter.emit(held, bubbles=False)  # the others have it

    def _emit_queued(self, reason: str, running: int = 0) -> None:
        self._emitter.emit(
            events.Queued(conversation_id=self._conversation_id, reason=reason, running=running)
        )


def _retrieve(task: asyncio.Task[None]) -> None:
    """Mark the gesture's exception as retrieved. It matters only if there is no turn."""
    if not task.cancelled():
        task.exception()
