"""The provider class on an app that runs somewhere, and what it did there read back by another client."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from fixtures.site.produced import PICTURE
from huggingchat_agent.provider import (
    AuthResult,
    Conversation,
    FinishReason,
    HuggingChat,
    RequestLogin,
    ResponseError,
    Sources,
    TitleGeneration,
)
from tests.raw import Raw

if TYPE_CHECKING:
    from pathlib import Path

    from huggingchat_agent import HuggingChat as Agent
    from tests.live.walk import Walk


class Provider:
    """`home` is a folder of its own, so that it signs in by itself; `chat` deletes what it made."""

    def __init__(self, chat: Agent, home: Path, model: str | None) -> None:
        self.chat = chat
        options = {"home": home, "engine": chat.settings.engine}
        its = {"url": chat.settings.base_url, "options": options}
        self.kind: type[HuggingChat] = type("HuggingChat", (HuggingChat,), its)
        self.model = model or ""
        self.auth: AuthResult
        self.made: set[str] = set()
        self._last = ""  # the conversation asked in last

    async def walk(self, steps: Walk) -> None:
        try:
            await steps.check("provider: models", self.models)
            await steps.check("provider: sign-in", self.sign_in)
            await steps.check("provider: cookies", self.cookies)
            await steps.check("provider: a conversation and its continuation", self.talk)
            await steps.check("provider: picture", self.picture)
            await steps.check("provider: web search", self.web_search)
            await steps.check("provider: unknown model", self.unknown_model)
            await steps.check("provider: a script", self.script)
        finally:
            await asyncio.to_thread(self.kind.close)
            await self.chat.delete_conversations(list(self.made), confirmed=len(self.made))

    async def models(self) -> str:
        found = await asyncio.to_thread(self.kind.get_models, 60)
        assert found == [each.id for each in await self.chat.models()], "not the app's list"
        return f"{len(found)}, of which see: {', '.join(self.kind.vision_models)}"

    async def sign_in(self) -> str:
        steps = [step async for step in self.kind.on_auth_async()]
        assert not any(isinstance(step, RequestLogin) for step in steps), "a person was asked for"
        (self.auth,) = steps
        return f"cookies {', '.join(sorted(self.auth.cookies))}; headers {', '.join(self.auth.headers)}"

    async def cookies(self) -> str:
        given = dict(self.auth.cookies)
        (auth,) = [step async for step in self.kind.on_auth_async(cookies=given)]
        assert auth.cookies["hf-chat"] == given["hf-chat"], "they were not taken as given"
        return "taken as given"

    async def talk(self) -> str:
        first = await self._ask("say one thing", return_conversation=True)
        kept = Conversation.from_dict(json.loads(json.dumps(first[0].get_dict())))
        second = await self._ask("say another", conversation=kept)
        ((model, known),) = kept.models.items()
        session = self.auth.open()
        last = await asyncio.to_thread(self.kind.fetch_message_id, session, known["conversationId"])
        assert last == known["messageId"], "the id of the last message is another"
        async with Raw(self.kind.url, self.auth.cookies) as raw:
            stored = await raw.read(known["conversationId"])
        said = [each["content"] for each in stored["messages"] if each["from"] != "system"]
        assert said[0::2] == ["say one thing", "say another"], said
        assert said[1::2] == ["".join(_texts(first)), "".join(_texts(second))], "stored is something else"
        assert isinstance(second[-1], FinishReason)
        titles = [part.title for part in first if isinstance(part, TitleGeneration)]
        return f"{len(_texts(first))} and {len(_texts(second))} texts, as stored, by {model}; titles {titles}"

    async def picture(self) -> str:
        parts = await self._ask("look", model=self.kind.vision_models[0], media=[(PICTURE, "dot.png")])
        async with Raw(self.kind.url, self.auth.cookies) as raw:
            stored = await raw.read(self._last)
        (sent,) = stored["messages"][1]["files"]
        assert (sent["name"], sent["mime"]) == ("dot.png", "image/png"), sent
        return f"stored as {sent['name']}; answered {''.join(_texts(parts))[:40]!r}"

    async def web_search(self) -> str:
        try:
            parts = await self._ask("use tool please", web_search=True)
        except ResponseError as error:
            return f"{type(error).__name__}: {error}"
        found = [source for part in parts if isinstance(part, Sources) for source in part.list]
        return f"{len(found)} sources: {', '.join(each['url'] for each in found)}"

    async def unknown_model(self) -> str:
        try:
            await self._ask("hello", model="no-such-model")
        except ResponseError as error:
            return f"{type(error).__name__}: {error}"
        raise AssertionError("it was answered")

    async def script(self) -> str:
        def run() -> str:
            chat = self.kind()
            conversation = chat.create_conversation(model=chat.get_models()[0])
            self.made.add(conversation)
            said = chat.send_message(conversation, "Hello, world!")
            assert chat.fetch_message_id(None, conversation)
            return said

        return f"answered {(await asyncio.to_thread(run))[:40]!r}"

    async def _ask(self, prompt: str, *, model: str | None = None, **more: Any) -> list[Any]:
        conversation = more.pop("conversation", None) or Conversation()
        message = {"role": "user", "content": prompt}
        answer = self.kind.create_authed(
            self.model if model is None else model, [message], self.auth, conversation=conversation, **more
        )
        try:
            return [part async for part in answer]
        finally:
            for known in conversation.models.values():
                self._last = known["conversationId"]
                self.made.add(self._last)


def _texts(parts: list[Any]) -> list[str]:
    return [part for part in parts if isinstance(part, str)]
