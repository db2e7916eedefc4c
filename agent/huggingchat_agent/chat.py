"""HuggingChat: the one object a user opens."""

from __future__ import annotations

import asyncio
import logging
import re
import weakref
from typing import TYPE_CHECKING

from huggingchat_agent import account as accounts
from huggingchat_agent import events
from huggingchat_agent.conversation import Conversation
from huggingchat_agent.emitter import Emitter
from huggingchat_agent.errors import AgentError, BrowserError, UsageError
from huggingchat_agent.pagedata import Models, PageData
from huggingchat_agent.redact import Secret
from huggingchat_agent.session import Session
from huggingchat_agent.settings import Settings, settings
from huggingchat_agent.tracker import TurnTracker
from huggingchat_agent.wire import requests
from huggingchat_agent.wire.conversations import parse_created
from huggingchat_agent.wire.models import parse_models, pick

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Unpack

    from huggingchat_agent.account import Account
    from huggingchat_agent.exchange import ExchangeEvent
    from huggingchat_agent.reply import Reply
    from huggingchat_agent.settings import Given
    from huggingchat_agent.turn import Turn

log = logging.getLogger("huggingchat_agent")

_CONVERSATION_ID = re.compile(r"(?:^|/conversation/)([0-9a-f]{24})(?:[/?#]|$)")

_TIMEZONE = "() => Intl.DateTimeFormat().resolvedOptions().timeZone"


class HuggingChat(Emitter):
    """A signed-in browser on a chat-ui.

        async with HuggingChat() as chat:
            await chat.login()
            conversation = await chat.new_conversation()
            print((await conversation.send("hello")).text)

    Takes the settings of `Settings` by name; what is not given comes from the environment
    (`HUGGINGCHAT_BASE_URL`, ...). The browser starts with `async with` (or `open`) and ends with it
    (or `close`). Handlers subscribed here get the events of all conversations.

    Opening raises BrowserMissing, BrowserError, SiteError (the address does not answer) or
    StorageError. A HuggingChat belongs to the event loop it was opened in.
    """

    def __init__(self, **given: Unpack[Given]) -> None:
        """Raises SettingsError; nothing is opened yet."""
        super().__init__()
        self.settings: Settings = settings(**given)
        self.session = Session(self.settings, self._observe)
        self.tracker = TurnTracker(self.session, self._publish, self._seen)
        self.replies: weakref.WeakSet[Reply] = weakref.WeakSet()
        self._page_data = PageData(self.settings.base_path)
        self._conversations: dict[str, Conversation] = {}
        self._timezone: str | None = None
        self._state = "new"
        self._proved = False  # the app took us for somebody since the login

    async def open(self) -> HuggingChat:
        """Start the browser and load the app."""
        if self._state != "new":
            raise UsageError(f"This HuggingChat is {self._state}; make a new one to open again.")
        self._state = "open"
        try:
            await self.session.open()
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Stop what is still answering, delete temporary conversations, end the browser.

        Closing twice is fine; nothing in here raises because the site or the browser is gone.
        """
        if self._state == "closed":
            return
        self._state = "closed"
        try:
            await self._leave_in_order()
            await self._save_rolled_session()
        finally:
            await self.session.close()
            await self.tracker.close()
            for emitter in (*self.replies, *self._conversations.values(), self):
                await emitter.drain()

    async def __aenter__(self) -> HuggingChat:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def login(self, username: str | None = None, password: str | None = None) -> Account:
        """Be signed in: by the saved session if the app still takes it, else through the login form.

        Credentials not given come from the settings. The session is saved once the app has proved
        it. An app without login is used as it is, and the account says so. Raises LoginError and
        its kin.
        """
        self._check_open()
        secret = Secret(password) if password else self.settings.password
        name = username or self.settings.username
        account = await accounts.login(self.session, name, secret, wanted=username)
        self._proved = account.signed_in
        return account

    async def logout(self) -> None:
        """End the session at the app and forget the saved one."""
        self._check_open()
        self._proved = False
        await accounts.logout(self.session)

    async def status(self) -> Account:
        """Who the app takes us for, now."""
        self._check_open()
        return await accounts.whoami(self.session)

    async def models(self, *, refresh: bool = False) -> Models:
        """The app's models, from its own traffic where it told them; `source` says which it was.

        `refresh` asks the app again.
        """
        self._check_open()
        await self.session.shared_page()
        await self.tracker.settled()
        if refresh or self._page_data.models is None:
            models = Models(parse_models(await self.session.ask(requests.list_models())))
            models.source = "call"
            self._page_data.models = models
        return self._page_data.models

    async def new_conversation(
        self, model: str | None = None, *, system_prompt: str | None = None, temporary: bool = False
    ) -> Conversation:
        """Make a conversation. Without a model the app's default is taken, as on its home page.

        `model` is an id, a display name, or an unambiguous part of one. `temporary` has it deleted
        on the server at the end. Made by the app's own request inside the page, also where messages
        are typed: to choose model and system prompt by hand would change the account's settings.
        Raises UnknownModel, RateLimited and other ChatErrors, SessionRejected.
        """
        models = await self.models()
        chosen = pick(models, model).id if model else await self._default_model(models)
        body = await self.session.ask(requests.create_conversation(chosen, preprompt=system_prompt))
        conversation_id, made = parse_created(body)
        if made is not None:
            self.tracker.know_leaf(conversation_id, made.root_message_id, is_root=True)
        conversation = Conversation(self, conversation_id, model=chosen, temporary=temporary)
        self._conversations[conversation_id] = conversation
        return conversation

    def conversation(self, id_or_url: str) -> Conversation:
        """A conversation that exists, by its id or its address. Nothing is asked of the app yet."""
        self._check_open()
        found = _CONVERSATION_ID.search(id_or_url)
        if found is None:
            raise UsageError(
                f"Not a conversation: {id_or_url!r}. Give its 24-digit id, or the address of its page."
            )
        known = self._conversations.get(found[1])
        if known is None:
            known = self._conversations[found[1]] = Conversation(self, found[1])
        return known

    def forget(self, conversation: Conversation) -> None:
        """A conversation is gone."""
        self._conversations.pop(conversation.id, None)

    async def timezone(self) -> str:
        """The browser's time zone, which the app sends along with a message."""
        if self._timezone is None:
            page = await self.session.shared_page()
            self._timezone = str(await page.evaluate(_TIMEZONE, timeout=self.settings.step_timeout))
        return self._timezone

    async def _default_model(self, models: Models) -> str:
        """The account's active model if the app still has it, else its first; as the home page does."""
        if not models:
            raise UsageError("The app offers no models; it may be down. Try again later.")
        wanted = (await accounts.read_settings(self.session)).get("activeModel")
        return next((model.id for model in models if model.id == wanted), models[0].id)

    async def _leave_in_order(self) -> None:
        await asyncio.gather(*(reply.stop() for reply in list(self.replies) if not reply.done))
        temporary = [each for each in self._conversations.values() if each.temporary]
        if self.session.browser is None:
            return self._report_kept(temporary, "the browser is gone")
        outcomes = await asyncio.gather(*(each.delete() for each in temporary), return_exceptions=True)
        for conversation, outcome in zip(temporary, outcomes, strict=True):
            if isinstance(outcome, AgentError):
                self._report_kept([conversation], str(outcome))
            elif isinstance(outcome, BaseException):
                raise outcome

    async def _save_rolled_session(self) -> None:
        """The app renews its cookie as it is used: one that is used every day must not run out."""
        if not self._proved or self.session.browser is None:
            return
        try:
            if (await accounts.whoami(self.session)).signed_in:
                await self.session.save()
        except BrowserError:
            pass  # it is just going away; the session saved before still stands
        except AgentError as error:
            log.warning("The session could not be saved again: %s", error)

    def _report_kept(self, temporary: list[Conversation], reason: str) -> None:
        for each in temporary:
            log.warning("Temporary conversation %s is still on the server: %s", each.id, reason)

    def _check_open(self) -> None:
        if self._state != "open":
            hint = "Use `async with HuggingChat() as chat:`." if self._state == "new" else "Make a new one."
            raise UsageError(f"This HuggingChat is not open. {hint}")

    # From the wire to the handlers.

    def _observe(self, event: ExchangeEvent) -> None:
        self.tracker.feed(event)

    def _seen(self, event: ExchangeEvent) -> None:
        self._page_data.feed(event)
        if self.listening(events.Seen.name):
            self.emit(events.Seen(exchange=event))

    def _publish(self, turn: Turn, event: events.TurnEvent) -> None:
        conversation = self._conversations.get(turn.conversation_id)
        if conversation is not None:
            conversation.emit(event)
        self.emit(event)
