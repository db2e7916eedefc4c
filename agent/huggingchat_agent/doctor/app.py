"""A walk through the app: sign-in, lists, a conversation, a turn, a stop, a reload."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from huggingchat_agent import events, redact
from huggingchat_agent.chat.chat import get_session
from huggingchat_agent.doctor.finding import Finding, Report, make_app_finding
from huggingchat_agent.doctor.page import check_page, watch_for_stop
from huggingchat_agent.errors import AgentError, LoginError
from huggingchat_agent.session import account as accounts
from huggingchat_agent.site.gestures import composer
from huggingchat_agent.wire import purposes, requests, routes
from huggingchat_agent.wire.conversations import parse_list

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from huggingchat_agent.answer import Answer
    from huggingchat_agent.chat.chat import Chat
    from huggingchat_agent.chat.conversation import Conversation
    from huggingchat_agent.doctor.finding import State
    from huggingchat_agent.wire.purposes import Purpose

COST = "This sends one short message to the app, and then deletes the conversation."
PROMPT = "Count from one to ten, in words."

SKEW = 20.0  # seconds; one-time passwords change every 30, and most servers take the one before


class Walk:
    """Checks an app through an open chat. Its conversation is temporary: closing the chat deletes it too."""

    def __init__(self, chat: Chat) -> None:
        self._chat, self._session = chat, get_session(chat)
        self._reported = 0  # differences so far
        self._conversation: Conversation | None = None
        self._answer: Answer | None = None
        self._stop_control: Finding | None = None
        self._username = ""

    async def run(self) -> AsyncIterator[Finding]:
        """All findings, as they come."""
        steps: list[tuple[str, Callable[[], Awaitable[Finding]]]] = [
            ("sign-in", self._sign_in),
            ("clock", self._clock),
            ("settings", self._settings),
            ("features", self._features),
            ("models", self._models),
            ("tools", self._tools),
            ("new conversation", self._create),
        ]
        for name, step in steps:
            yield await _try(name, step)
            for each in self._differences():
                yield each
        if self._conversation is not None:
            async for each in self._talk(self._conversation):
                yield each
                for difference in self._differences():
                    yield difference
        for each in (*self._routes(), *self._means()):
            yield each

    async def _talk(self, conversation: Conversation) -> AsyncIterator[Finding]:
        yield await _try("turn", lambda: self._turn(conversation))
        if self._stop_control is not None:
            yield self._stop_control
        yield await _try("stop", lambda: self._stop(conversation))
        yield await _try("list of conversations", self._list)
        if self._answer is not None:
            answer = self._answer
            yield await _try("reload", lambda: self._reload(conversation, answer))
        tab = await self._session.tabs.lease(conversation.id)
        try:
            async for each in check_page(
                tab.page,
                self._answer,
                self._session.drifts.note,
                username=self._username,
                timeout=self._chat.settings.step_timeout,
            ):
                yield each
        except AgentError as error:
            yield _failed("page", error)
        finally:
            await self._session.tabs.release(tab)
        yield await _try("delete", lambda: self._delete(conversation))

    # Steps

    async def _sign_in(self) -> Finding:
        account = await self._chat.login()
        self._username = account.username or ""
        who = f"signed in as {account.username}" if account.signed_in else "an app without sign-in"
        return self._good("sign-in", who, purposes.ReadUser)

    async def _clock(self) -> Finding:
        """This machine's clock against the server's, which has a precision of a second."""
        before = time.time()
        answer = await self._session.calls.fetch(requests.build(purposes.ReadUser()))
        here = (before + time.time()) / 2
        try:
            there = parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5
        except (KeyError, ValueError, TypeError):
            return Finding(area="machine", check="clock", state="note", text="the server gives no time")
        apart = here - there
        if abs(apart) < SKEW:
            return Finding(area="machine", check="clock", text=f"{abs(apart):.0f} s from the server's")
        return Finding(
            area="machine",
            check="clock",
            state="failed",
            text=f"{abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the server's",
            advice="One-time passwords will be refused. Set the clock, by NTP for example.",
        )

    async def _settings(self) -> Finding:
        settings = await accounts.read_settings(self._session)
        return self._good("settings", "read", purposes.ReadSettings, _count(len(settings), "setting"))

    async def _features(self) -> Finding:
        await self._session.ask(requests.build(purposes.FeatureFlags()))
        return self._good("features", "read", purposes.FeatureFlags)

    async def _models(self) -> Finding:
        models = await self._chat.models(refresh=True)
        if not models:
            return make_app_finding("models", "the app offers none", "failed")
        return self._good("models", models[0].id, purposes.ListModels, _count(len(models), "model"))

    async def _tools(self) -> Finding:
        tools = await self._chat.tools(refresh=True)
        if tools.missing:
            return make_app_finding("tools", tools.missing, "note")
        return self._good("tools", "read", purposes.McpServers, _count(len(tools), "server"))

    async def _list(self) -> Finding:
        page = parse_list(await self._session.ask(requests.build(purposes.ListConversations(0))))
        shape = f"{len(page.conversations)} on the first page"
        return self._good("list of conversations", "read", purposes.ListConversations, shape)

    async def _create(self) -> Finding:
        self._conversation = await self._chat.new_conversation(temporary=True)
        return self._good("new conversation", self._conversation.model or "", purposes.CreateConversation)

    async def _turn(self, conversation: Conversation) -> Finding:
        reasons: list[str] = []
        reply = conversation.send(PROMPT)
        reply.on("degraded", lambda event: reasons.append(event.reason))
        async with watch_for_stop(reply, self._session.find_page) as seen:
            answer = self._answer = await reply
        tokens = len(reply.events.of_type(events.Token))
        seconds = (answer.timing.finished or 0) - answer.timing.sent
        if reply.via == "ui":
            self._stop_control = seen.make_finding()
        shape = f"{tokens} tokens, {len(answer.text)} characters, {seconds:.1f} s"
        state: State = "good"
        text = "answered"
        if not answer.message_id:
            text, state = "answered, but the stored message was not found", "changed"
        elif reasons:
            text, state = f"not by ui: {reasons[0]}", "note"
        return make_app_finding("turn", text, state, by=reply.via, shape=shape)

    async def _stop(self, conversation: Conversation) -> Finding:
        await self._session.ask(requests.stop_generating(conversation.id))
        return self._good("stop", "taken (nothing was running)", purposes.StopGenerating)

    async def _reload(self, conversation: Conversation, answer: Answer) -> Finding:
        read = await conversation.read()
        stored = read.message(answer.message_id)
        tab = await self._session.tabs.lease(conversation.id)
        step = self._chat.settings.step_timeout
        try:
            url = f"{self._chat.settings.base_url}/conversation/{conversation.id}"
            await tab.page.goto(url, timeout=step)
            shown = await composer.shows(tab.page, urlsplit(url).path, answer.message_id, timeout=step)
        finally:
            await self._session.tabs.release(tab)
        text, state = "the page and the server have the same answer", "good"
        if stored is None or stored.content != answer.content:
            text, state = "the server has not stored the answer that came", "failed"
        elif shown is not True:
            text, state = "the page does not show the answer as its last message", "changed"
        made = self._good("reload", text, purposes.ReadConversation, _count(len(read.messages), "message"))
        return msgspec.structs.replace(made, state=state)

    async def _delete(self, conversation: Conversation) -> Finding:
        await conversation.delete()
        return self._good("delete", "the conversation is deleted", purposes.DeleteConversation)

    # Findings

    def _good(self, check: str, text: str, purpose: type[Purpose], shape: str = "") -> Finding:
        by = self._session.calls.alternatives.routes.get(purpose, "")
        return make_app_finding(check, redact.text(text), by=by, shape=shape)

    def _differences(self) -> list[Finding]:
        """The differences that were not reported yet."""
        found = self._session.drifts.found[self._reported :]
        self._reported += len(found)
        return [make_app_finding(each.part, each.what, each.change, by=each.instead) for each in found]

    def _routes(self) -> list[Finding]:
        """The requests for which the app lacks the first alternative."""
        found = []
        for purpose, name in self._session.calls.alternatives.routes.items():
            first, *others = [f"{each.method} {each.path}" for each in routes.list_alternatives(purpose)]
            if name in others:
                need = (purpose.__doc__ or "").split(".")[0]
                found.append(make_app_finding("fallback", f"{need}: no {first}", "note", by=name))
        return found

    def _means(self) -> list[Finding]:
        """What served the needs of this walk that take more than a request."""
        found = []
        for each in self._session.calls.alternatives.means:
            state: State = "good" if each is each.alternatives[0] else "note"
            found.append(make_app_finding("means", each.need, state, by=each.way))
        return found


async def examine(chat: Chat) -> Report:
    """Walk through the app of an open chat, to the end. It sends one short message, and then deletes it."""
    return Report(findings=[each async for each in Walk(chat).run()])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


async def _try(check: str, step: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await step()
    except AgentError as error:
        return _failed(check, error)


def _failed(check: str, error: AgentError) -> Finding:
    advice = error.shell_hint
    if isinstance(error, LoginError) and not advice:
        advice = "Run `huggingchat login`, or set HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD."
    return make_app_finding(check, redact.text(error.message), "failed", advice=redact.text(advice))
