"""Chat: signs in to an app, makes conversations, asks for models."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from huggingchat_agent import parsing
from huggingchat_agent.chat import closing, conversation_list, own_events, preferences, tool_servers
from huggingchat_agent.chat.conversation import Conversation
from huggingchat_agent.chat.inputs import Inputs
from huggingchat_agent.chat.leaving import Leaving
from huggingchat_agent.chat.notes import Notes
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import SessionRejected, UsageError
from huggingchat_agent.session import account as accounts
from huggingchat_agent.session import refresh as refreshing
from huggingchat_agent.session.page_data import Models, PageData, Tools
from huggingchat_agent.session.session import Session
from huggingchat_agent.state import cookies as cookie_formats
from huggingchat_agent.state.storage import write_private
from huggingchat_agent.traffic.traffic import Traffic
from huggingchat_agent.turn.tracker import TurnTracker
from huggingchat_agent.user_text import require_path, require_text
from huggingchat_agent.wire import purposes, requests
from huggingchat_agent.wire.conversations import parse_new_conversation
from huggingchat_agent.wire.models import pick_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence
    from pathlib import Path
    from typing import Self, Unpack

    from huggingchat_agent.chat.preferences import Changes, Preferences
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.events import TurnEvent
    from huggingchat_agent.one_time_password import Otp
    from huggingchat_agent.session.account import Account
    from huggingchat_agent.session.session import Opener, Sink
    from huggingchat_agent.session.tabs import Watcher
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.site.signin.allowed_origins import ConfirmOrigin
    from huggingchat_agent.state.cookies import Format as CookieFormat
    from huggingchat_agent.state.storage import SavedSession
    from huggingchat_agent.tape.recorder import Recorder
    from huggingchat_agent.turn.turn import Turn
    from huggingchat_agent.wire.conversations import ConversationSummary
    from huggingchat_agent.wire.tools import ToolServer


class Chat(Emitter, Inputs):
    """What a HuggingChat can do, with a browser or a tape behind it.

    `tape` and `saved` are as for `Session`. A `recorder` gets all traffic; a `watcher` gets the browsers and
    tabs in its place. Nothing is opened yet.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tape: Callable[[Sink], Opener] | None = None,
        saved: SavedSession | None = None,
        recorder: Recorder | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        super().__init__()
        self.settings = settings
        self._traffic = Traffic(settings.base_path)
        self._replies: weakref.WeakSet[Reply] = weakref.WeakSet()
        self._conversations: dict[str, Conversation] = {}
        publish_own = partial(own_events.publish, self, self._replies, self._conversations)
        self._session = Session(
            settings, self._traffic.put, tape=tape, saved=saved, watcher=watcher or recorder, note=publish_own
        )
        self._notes = Notes()
        self._tracker = TurnTracker(
            self._session, self._publish, self._end_turn, self._session.drifts.see_conversation
        )
        self._recorder = recorder
        if recorder is not None:
            recorder.listen(self, self._tracker.find_page, self._session.find_page)
            self._traffic.watch(recorder.see, hidden=recorder.see_sign_in)
        self._page_data = PageData(self.settings.base_path, self._session.drifts)
        self._traffic.show(self)
        for reader in (self._session.connections, self._page_data, self._notes, self._tracker):
            self._traffic.read(reader.follow)
        self._timezone: str | None = None
        self._preferring = asyncio.Lock()  # a change is read, made and proved before the next one
        self._state = "new"
        self._closing: asyncio.Task[None] | None = None
        self._leaving = Leaving()
        self._proved = False  # the app has taken the session since the login

    def __repr__(self) -> str:
        state = "not open yet" if self._state == "new" else self._state
        return f"<HuggingChat at {self.settings.base_url}: {state}>"

    async def open(self) -> Self:
        """Start the browser and load the app."""
        if self._state != "new":
            raise UsageError(f"This HuggingChat is {self._state}; make a new one to open again.")
        self._state = "open"
        self._leaving.enter()
        try:
            if self._recorder is not None:
                self._recorder.begin()
            await self._session.calls.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Stop replies that are still coming, delete temporary conversations, end the browser.

        All of it takes at most 10 seconds. Handlers get a few seconds for their last events. Closing twice is
        fine: both calls wait for the same end. Cancelling it does not stop it. It raises nothing if the site
        or the browser is gone. In a forked child process it does nothing. Raises UsageError in another event
        loop than the one that opened the chat.
        """
        if self._leaving.forked:
            return
        if self._closing is None or not self._closing.done():
            self._session.calls.check_loop()
        self._state = "closed"
        self._leaving.close()
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="close the chat")
        await asyncio.shield(self._closing)
        self._leaving.leave()

    async def _close(self) -> None:
        ends = closing.Ends()
        async with contextlib.AsyncExitStack() as last:  # in the order from below
            last.push_async_callback(self._drain, ends)
            if self._recorder is not None:  # a handler that never returns must not cost the tape its end
                last.push_async_callback(self._recorder.close)
            last.push_async_callback(lambda: self._tracker.close(within=ends.left))
            last.push_async_callback(self._traffic.close)
            last.push_async_callback(self._session.close)
            answered = await closing.end_at_app(
                self._session, self._replies, self._conversations.values(), save=self._proved
            )
            if answered and self._recorder and self._session.in_browser and not self._session.lost:
                await self._recorder.complete(self._session.tabs.get_shared, self._session.calls.fetch)

    async def _drain(self, ends: closing.Ends) -> None:
        await closing.drain((*self._replies, *self._conversations.values(), self), ends)

    def _end_program(self, error: BaseException) -> None:
        self._leaving.end_program(error)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def login(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        otp: Otp | None = None,
        confirm_origin: ConfirmOrigin | None = None,
        cookies: str | Path | dict[str, Any] | None = None,
        from_browser: str | None = None,
        by_person: bool = False,
    ) -> Account:
        """Sign in: with the saved session if the app still accepts it, else through the login form.

        The settings give credentials that you leave out. `otp` is the code of a second factor, or a function
        (async or not) that returns one when it is needed; without it the TOTP secret of the settings computes
        the code. `confirm_origin` is a function (async or not) that decides whether to type at an unknown
        origin: one that is not the app's own, not in the setting `login_origins`, and not one where the
        profile has signed in before. Without it, an unknown origin raises UnknownLoginOrigin. `cookies`
        replace the form: a file from another browser, in any of the formats of
        `huggingchat_agent.state.cookies`, a storage state, or a mapping of names and values. `from_browser`
        takes the session of your own browser: "chrome", "chrome:Profile 1", or "any". `by_person` leaves the
        sign-in to the person at the window (`headless=False`) or at the tools of `bind`, for `person_timeout`
        seconds.

        The session is saved once the app has accepted it. An app without login is used as it is, and the
        account says so. If the app drops the session later, the agent signs in again by the same means,
        once. Raises LoginError or one of its subclasses, or CookiesUnreadable.
        """
        self._check_open()
        credentials = accounts.Credentials.make(self.settings, username, password, otp, confirm_origin)
        state = None
        if cookies is not None:
            state = await asyncio.to_thread(cookie_formats.read_given, cookies, self.settings.base_url)
        async with self._session.use():
            if state is not None:
                account = await accounts.login_by_cookies(self._session, state, credentials)
            elif from_browser is not None:
                account = await accounts.login_by_browser(self._session, from_browser, credentials)
            elif by_person:
                account = await accounts.login_by_person(self._session)
            else:
                account = await accounts.login(self._session, credentials, wanted=username)
        self._proved = account.signed_in or not account.login_offered
        return account

    async def refresh(self) -> Account:
        """Have the app renew its session cookie, which reading does not renew, and save the session.

        Returns who is signed in and until when. Raises SessionRejected if the app does not know the session,
        SiteError if it renews nothing.
        """
        self._check_open()
        return await refreshing.refresh(self._session)

    async def logout(self) -> None:
        """End the session at the app, and delete the saved one.

        Raises SiteError or BrowserError if the app does not confirm. The saved session is deleted anyway.
        """
        self._check_open()
        self._proved = False
        await accounts.logout(self._session)

    async def status(self) -> Account:
        """Ask the app who is signed in."""
        self._check_open()
        return await accounts.read_account(self._session)

    async def export_cookies(self, path: str | Path, format: CookieFormat = "state") -> None:
        """Write the session's cookies to a file that only its owner can read, for another program.

        `format` is "state" (Playwright's storage state), "json" (as browser extensions import it),
        "netscape" (cookies.txt) or "plain" (names and values). Raises SessionRejected if nobody is signed in,
        StorageError if the file cannot be written.
        """
        parsing.parse_choice("format", format, cookie_formats.Format, wrong=UsageError)
        place = require_path("path", path)
        self._check_open()
        if not (await accounts.read_account(self._session)).signed_in:
            raise SessionRejected("Nobody is signed in, so there is no session to export. Sign in first.")
        body = cookie_formats.encode(await self._session.profile.read_state(), format, self.settings.base_url)
        await asyncio.to_thread(write_private, place, body)

    async def models(self, *, refresh: bool = False) -> Models:
        """The app's models. They come from its own traffic if it listed them there; `source` says where from.

        `refresh` asks the app again.
        """
        self._check_open()
        await self._session.calls.open()
        await self._traffic.wait_until_settled()
        known = self._page_data
        if refresh or known.models is None:
            known.learn_models(await self._session.ask(requests.build(purposes.ListModels())), "call")
        return known.models or Models()

    async def tools(
        self, *, refresh: bool = False, check: bool = False, own: Sequence[ToolServer] = ()
    ) -> Tools:
        """The tool servers (MCP) that the app offers, then your `own`. See `conversation.send(tools=...)`.

        They come from the app's traffic if it listed them there. `refresh` asks it again. `check` has the app
        connect to each server, and adds its `tools` or its `trouble`.
        """
        self._check_open()
        await self._session.calls.open()
        await self._traffic.wait_until_settled()
        offered = await tool_servers.read(self._session, self._page_data, refresh=refresh)
        return await tool_servers.add(self._session, offered, own, check=check) if own or check else offered

    async def new_conversation(
        self, model: str | None = None, *, system_prompt: str | None = None, temporary: bool = False
    ) -> Conversation:
        """Make a conversation. Without a model it gets the app's default, as on its home page.

        `model` is an id, a display name, or an unambiguous part of one. Without `system_prompt` it gets the
        one that the account prefers for that model. A `temporary` conversation is deleted on the server at
        the end. Raises UnknownModel, RateLimited and other ChatErrors, SessionRejected.
        """
        for name, value in (("The model", model), ("The system prompt", system_prompt)):
            require_text(name, value or "")
        self._session.expect_conversation()
        models = await self.models()

        async def make() -> tuple[str, bytes]:
            # After a new sign-in all of it runs again: the preferences of a stranger are not the account's.
            preferred = await preferences.read(self._session)
            chosen = pick_model(models, model).id if model else preferences.choose_default(models, preferred)
            prompt = preferred.system_prompt(chosen) if system_prompt is None else system_prompt
            request = requests.create_conversation(chosen, preprompt=prompt)
            return chosen, await self._session.calls.ask(request, recover=False)

        chosen, body = await self._session.recovery.guard(make)
        conversation_id, made = parse_new_conversation(body)
        if made is not None:
            self._notes.know_leaf(conversation_id, made.root_message_id, is_root=True)
        conversation = Conversation(self, conversation_id, model=chosen, temporary=temporary)
        self._conversations[conversation_id] = conversation
        return conversation

    def conversation(self, id_or_url: str) -> Conversation:
        """An existing conversation, by its id or address. This makes no request."""
        self._check_open()
        found = conversation_list.parse_conversation_id(id_or_url)
        known = self._conversations.get(found)
        if known is None:
            known = self._conversations[found] = Conversation(self, found)
        return known

    def conversations(self) -> AsyncIterator[ConversationSummary]:
        """The account's conversations, the last changed first. They load page by page (30 each) as you
        iterate, and each comes once. Do not delete any meanwhile: others would move up, and you would miss
        them.
        """
        self._check_open()
        return conversation_list.Entries(conversation_list.iterate(self._session))

    async def delete_conversations(
        self, which: Iterable[str | Conversation | ConversationSummary], *, confirmed: int
    ) -> None:
        """Delete several, in order. `confirmed` is how many you mean to delete.

        Raises UsageError, and deletes none, if there are more or fewer. An error of the app ends the call; a
        note on the error says how many were deleted before it.
        """
        names = [each if isinstance(each, str) else each.id for each in which]
        gone = {each.id: each for each in map(self.conversation, names)}
        await conversation_list.delete_all_of(list(gone.values()), confirmed=confirmed)

    async def import_share(self, id_or_link: str) -> Conversation:
        """Your own copy of a shared conversation, by its link or its 7-character id.

        The app makes one copy of each share, and returns the same copy later. Apps before February 2026 make
        a new one each time. Raises UsageError for anything that is not a share, ChatError if the app does not
        have it.
        """
        models = await self.models()
        return self.conversation(await conversation_list.take_over(self._session, id_or_link, models))

    async def preferences(self) -> Preferences:
        """The account's settings in the app: active model, system prompts, and so on (see `Preferences`)."""
        self._check_open()
        return await preferences.read(self._session)

    async def change_preferences(self, **changes: Unpack[Changes]) -> Preferences:
        """Change these (see `Changes`) and nothing else. Returns what the app has afterwards.

        Raises UsageError or UnknownModel for a value that is not allowed, SiteError if the app accepted the
        change but did not keep it.
        """
        return await preferences.change(self._session, self._preferring, await self.models(), changes)

    async def screenshot(self, path: str | Path) -> Path:
        """Write a picture (PNG) of the tab used last, with form fields masked. Returns the path.

        Raises StorageError if it cannot be written.
        """
        place = require_path("path", path)
        self._check_open()
        picture = await (await self._session.tabs.get_front()).take_snapshot()
        await asyncio.to_thread(write_private, place, picture.png)
        return place

    def _forget(self, conversation: Conversation) -> None:
        """Forget a conversation that is gone."""
        self._conversations.pop(conversation.id, None)

    async def _read_timezone(self) -> str:
        """The browser's time zone. Each message carries it."""
        if self._timezone is None:
            calls = await self._session.calls.open()
            self._timezone = await calls.read_timezone(timeout=self.settings.step_timeout)
        return self._timezone

    def _check_open(self, *, loop_needed: bool = False) -> None:
        """Raise UsageError before `open`, from `close` on, and in another event loop."""
        if self._state != "open":
            hint = "Use `async with HuggingChat() as chat:`." if self._state == "new" else "Make a new one."
            raise UsageError(f"This HuggingChat is not open. {hint}")
        self._session.calls.check_loop(needed=loop_needed)

    def _publish(self, turn: Turn, event: TurnEvent) -> None:
        """Emit an event of a turn that someone else started. A reply emits those of our own turns."""
        self._conversations.get(turn.conversation_id, self).emit(event)

    def _end_turn(self, turn: Turn) -> None:
        """Learn from a turn, before its answer is published."""
        self._notes.end_turn(turn)
        self._session.drifts.see_turn(turn)


def get_session(chat: Chat) -> Session:
    """The session between chat and app. For the packages above, not for users."""
    return chat._session
