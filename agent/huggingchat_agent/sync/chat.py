"""HuggingChat without async."""

from __future__ import annotations

import atexit
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from huggingchat_agent import huggingchat as asynchronous
from huggingchat_agent.errors import UsageError
from huggingchat_agent.events import Seen
from huggingchat_agent.log_records import log
from huggingchat_agent.mistakes import sync_only
from huggingchat_agent.sync import signals
from huggingchat_agent.sync.conversation import Conversation
from huggingchat_agent.sync.handlers import Handlers, pass_back, pass_on
from huggingchat_agent.sync.thread import LoopThread, ends_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Self, Unpack

    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.chat.conversation import Conversation as AsyncConversation
    from huggingchat_agent.chat.inputs import Billing
    from huggingchat_agent.chat.preferences import Changes, Preferences
    from huggingchat_agent.chat.uploads import Given
    from huggingchat_agent.emitter import Emitter
    from huggingchat_agent.events import Event
    from huggingchat_agent.one_time_password import Otp
    from huggingchat_agent.session.account import Account
    from huggingchat_agent.session.page_data import Models, Tools
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.site.signin.allowed_origins import ConfirmOrigin
    from huggingchat_agent.state.cookies import Format as CookieFormat
    from huggingchat_agent.wire.conversations import ConversationSummary
    from huggingchat_agent.wire.tools import ToolServer


T = TypeVar("T")

# Seconds. The end of the interpreter closes a HuggingChat that is still open, and waits no longer than this.
EXIT_PATIENCE = 12.0


@sync_only()
class HuggingChat(Handlers):
    """A signed-in browser on a chat-ui, for code without async.

    Arguments are the fields of `Settings`, by name. The environment gives the others
    (`HUGGINGCHAT_BASE_URL`, ...). `with` (or `open`) starts the browser, and its end (or `close`) ends it.
    Several threads may use it. But a handler must not wait for another thread that uses it: that thread waits
    until the handler has returned, and its call raises UsageError.
    """

    _of: ClassVar[type[asynchronous.HuggingChat]] = asynchronous.HuggingChat

    def __init__(self, **given: Any) -> None:
        """Raises SettingsError; nothing is opened yet."""
        self._inner = self._of(**given)
        super().__init__(self._inner)
        self._thread: LoopThread | None = None
        self._conversations: weakref.WeakValueDictionary[str, Conversation] = weakref.WeakValueDictionary()
        self._sees_exchanges = False
        self._forward = self._make_forwarder(self._emitter.emit)
        pass_on(self._inner, self._forward)
        pass_back(self._emitter, self._inner, self._tell)

    def __repr__(self) -> str:
        return repr(self._inner)

    @property
    def settings(self) -> Settings:
        """The settings, from arguments, environment and defaults."""
        return self._inner.settings

    def open(self) -> Self:
        """Start the browser and load the app.

        Raises BrowserMissing, BrowserError, SiteError (the address does not answer) or StorageError.
        """
        if self._thread is not None:
            raise UsageError("This HuggingChat was opened before; make a new one to open again.")
        self._thread = LoopThread("huggingchat")
        try:
            self._thread.run(self._inner.open())
        except BaseException:
            self._thread.stop()
            raise
        atexit.register(self._abandon)
        signals.take(self)
        return self

    def close(self) -> None:
        """Stop replies that are still coming, delete temporary conversations, end browser and thread.

        Closing twice is fine. It takes at most about 10 seconds, and does not raise because the site or the
        browser is gone. In a forked child process it does nothing.
        """
        self._close()

    def _close(self, *, work: bool = True) -> None:
        atexit.unregister(self._abandon)
        if self._thread is None or self._thread.over:
            return
        try:
            self._thread.run(self._inner.close(), work=work)
        finally:
            self._thread.stop()
            signals.give_back(self)

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._close(work=not ends_program(error))

    def login(
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
        that returns one when it is needed (called in a thread of its own); without it the TOTP secret of the
        settings computes the code. `confirm_origin` is a function that is asked, in a thread of its own,
        before anything is typed at an origin that is not the app's own, not in the setting `login_origins`
        and not one where the profile has signed in before; without it that raises UnknownLoginOrigin.
        `cookies` replace the form: a file from another browser, in any of the formats of
        `huggingchat_agent.state.cookies`, a storage state, or a mapping of names and values. `from_browser`
        takes the session of your own browser: "chrome", "chrome:Profile 1", or "any". `by_person` leaves the
        sign-in to the person at the window (`headless=False`) or at the tools of `bind`, for `person_timeout`
        seconds.

        The session is saved once the app has accepted it. An app without login is used as it is, and the
        account says so. If the app drops the session later, the agent signs in again by the same means,
        once. Raises LoginError or one of its subclasses, or CookiesUnreadable.
        """
        return self._run(
            self._inner.login(
                username,
                password,
                otp=otp,
                confirm_origin=confirm_origin,
                cookies=cookies,
                from_browser=from_browser,
                by_person=by_person,
            )
        )

    def refresh(self) -> Account:
        """Have the app renew its session cookie, which reading does not renew, and save the session.

        Returns who is signed in and until when. Raises SessionRejected if the app does not know the session,
        SiteError if it renews nothing.
        """
        return self._run(self._inner.refresh())

    def logout(self) -> None:
        """End the session at the app, and delete the saved one.

        Raises SiteError or BrowserError if the app does not confirm. The saved session is deleted anyway.
        """
        self._run(self._inner.logout())

    def status(self) -> Account:
        """Ask the app who is signed in."""
        return self._run(self._inner.status())

    def export_cookies(self, path: str | Path, format: CookieFormat = "state") -> None:
        """Write the session's cookies to a file that only its owner can read, for another program.

        `format` is "state" (Playwright's storage state), "json" (as browser extensions import it),
        "netscape" (cookies.txt) or "plain" (names and values). Raises SessionRejected if nobody is signed in,
        StorageError if the file cannot be written.
        """
        self._run(self._inner.export_cookies(path, format))

    def models(self, *, refresh: bool = False) -> Models:
        """The app's models. They come from its own traffic if it listed them there; `source` says where from.

        `refresh` asks the app again.
        """
        return self._run(self._inner.models(refresh=refresh))

    def tools(self, *, refresh: bool = False, check: bool = False, own: Sequence[ToolServer] = ()) -> Tools:
        """The tool servers (MCP) that the app offers, then your `own`. See `conversation.send(tools=...)`.

        They come from the app's traffic if it listed them there. `refresh` asks it again. `check` has the app
        connect to each server, and adds its `tools` or its `trouble`.
        """
        return self._run(self._inner.tools(refresh=refresh, check=check, own=own))

    def fetch_file(self, url: str) -> Upload:
        """A file from an https address, fetched by the app, for `send(..., files=[file])`.

        The app reads at most 10 MiB, from addresses that are not within its own network. Raises UsageError
        for any other address and if this app cannot fetch, FileRejected if fetching failed.
        """
        return self._run(self._inner.fetch_file(url))

    def transcribe(self, audio: Given) -> str:
        """The text of a recording, transcribed by the app; "" if it heard no words.

        `audio` is given like a file for `send`: webm, ogg, wav, flac, mp3 or mp4, of at most 25 MiB. Raises
        FileRejected for any other file, UsageError if the app has no model for speech.
        """
        return self._run(self._inner.transcribe(audio))

    def billing(self) -> Billing:
        """Who can pay for the answers, and who does: `change_preferences(billing_organization=...)`.

        Raises UsageError if the app offers no choice.
        """
        return self._run(self._inner.billing())

    def new_conversation(
        self, model: str | None = None, *, system_prompt: str | None = None, temporary: bool = False
    ) -> Conversation:
        """Make a conversation. Without a model it gets the app's default, as on its home page.

        `model` is an id, a display name, or an unambiguous part of one. Without `system_prompt` it gets the
        one that the account prefers for that model. A `temporary` conversation is deleted on the server at
        the end. Raises UnknownModel, RateLimited and other ChatErrors, SessionRejected.
        """

        async def make() -> Conversation:
            inner = await self._inner.new_conversation(
                model, system_prompt=system_prompt, temporary=temporary
            )
            return self._wrap(inner)

        return self._run(make())

    def conversation(self, id_or_url: str) -> Conversation:
        """An existing conversation, by its id or address. This makes no request."""

        async def look_up() -> Conversation:
            return self._wrap(self._inner.conversation(id_or_url))

        return self._run(look_up())

    def conversations(self) -> Iterator[ConversationSummary]:
        """The account's conversations, the last changed first. They load page by page (30 each) as you
        iterate, and each comes once. Do not delete any meanwhile: others would move up, and you would miss
        them.
        """
        entries = self._inner.conversations()
        while (entry := self._run(_get_next(entries))) is not None:
            yield entry

    def delete_conversations(
        self, which: Iterable[str | Conversation | ConversationSummary], *, confirmed: int
    ) -> None:
        """Delete several, in order. `confirmed` is how many you mean to delete.

        Raises UsageError, and deletes none, if there are more or fewer. An error of the app ends the call; a
        note on the error says how many were deleted before it.
        """
        names = [each if isinstance(each, str) else each.id for each in which]
        self._run(self._inner.delete_conversations(names, confirmed=confirmed))

    def import_share(self, id_or_link: str) -> Conversation:
        """Your own copy of a shared conversation, by its link or its 7-character id.

        The app makes one copy of each share, and returns the same copy later. Apps before February 2026 make
        a new one each time. Raises UsageError for anything that is not a share, ChatError if the app does not
        have it.
        """

        async def take_over() -> Conversation:
            return self._wrap(await self._inner.import_share(id_or_link))

        return self._run(take_over())

    def preferences(self) -> Preferences:
        """The account's settings in the app: active model, system prompts, and so on (see `Preferences`)."""
        return self._run(self._inner.preferences())

    def change_preferences(self, **changes: Unpack[Changes]) -> Preferences:
        """Change these (see `Changes`) and nothing else. Returns what the app has afterwards.

        Raises UsageError or UnknownModel for a value that is not allowed, SiteError if the app accepted the
        change but did not keep it.
        """
        return self._run(self._inner.change_preferences(**changes))

    def screenshot(self, path: str | Path) -> Path:
        """Write a picture (PNG) of the tab used last, with form fields masked. Returns the path.

        Raises StorageError if it cannot be written.
        """
        return self._run(self._inner.screenshot(path))

    def _wrap(self, inner: AsyncConversation) -> Conversation:
        known = self._conversations.get(inner.id)
        if known is None or known._inner is not inner:
            known = self._conversations[inner.id] = Conversation(inner, self._require_thread())
        return known

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            thread = self._require_thread()
        except UsageError:
            coroutine.close()
            raise
        return thread.run(coroutine)

    def _require_thread(self) -> LoopThread:
        if self._thread is None:
            raise UsageError("This HuggingChat is not open. Use `with HuggingChat() as chat:`.")
        return self._thread

    def _subscribe(self, subscribe: Callable[[str, Any], Any], name: str, handler: Any) -> Any:
        if name == Seen.name and not self._sees_exchanges:
            self._sees_exchanges = True
            if self._thread is None:
                self._inner.on(name, self._forward)
            else:
                self._thread.run(_subscribe(self._inner, name, self._forward))
        return super()._subscribe(subscribe, name, handler)

    def _tell(self, function: Callable[[], object]) -> None:
        if self._thread is not None:
            self._thread.call_soon(function)

    def _make_forwarder(self, emit: Callable[[Event], object]) -> Callable[[Event], None]:
        def forward(event: Event) -> None:
            if self._thread is not None:
                self._thread.post(lambda: emit(event))

        return forward

    def _abandon(self) -> None:
        thread = self._require_thread()
        if thread.over:
            return
        log.warning("A HuggingChat was left open and is closed now. Use `with`, or close().")
        try:
            thread.run(self._inner.close(), timeout=EXIT_PATIENCE)
        except Exception as error:  # nobody is there to catch it
            log.warning("It did not close cleanly: %s", error or type(error).__name__)
        finally:
            thread.stop()


async def _get_next(entries: AsyncIterator[ConversationSummary]) -> ConversationSummary | None:
    return await anext(entries, None)


async def _subscribe(emitter: Emitter, name: str, handler: Callable[[Event], None]) -> None:
    emitter.on(name, handler)
