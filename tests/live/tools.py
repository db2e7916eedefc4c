"""Which tools are offered, a tool call, and tools switched off, on an app that runs somewhere."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from huggingchat_agent import HuggingChat
    from huggingchat_agent.choices import Via
    from tests.live.walk import Walk

VIAS: tuple[Via, ...] = ("ui", "page")


class Tools:
    """`seen` is where the model behind the app tells what reached it, None where that cannot be asked."""

    def __init__(self, chat: HuggingChat, model: str | None, seen: str | None) -> None:
        self.chat, self.model, self.seen = chat, model, seen

    async def walk(self, steps: Walk) -> None:
        await steps.check("tool servers", self.offered)
        for via in VIAS:
            await steps.check(f"tool call by {via}", partial(self.call, via))
        await steps.check("tools switched off", self.off)

    async def offered(self) -> str:
        tools = await self.chat.tools()
        if tools.missing:
            return f"no counterpart: {tools.missing}"
        return f"{len(tools)} from {tools.source}: {', '.join(tool.name for tool in tools)}"

    async def call(self, via: Via) -> str:
        tools = await self.chat.tools()
        if tools.missing:
            return f"no counterpart: {tools.missing}"
        if all(each.built_in for each in tools):
            return "no counterpart: the app has tools of its own, and no model here that uses them"
        async with await self.chat.new_conversation(self.model, temporary=True) as talk:
            reply = talk.send("use tool please", via=via)
            kinds = [event.name async for event in reply if event.name.startswith("tool")]
            answer = await reply
            stored = (await talk.read()).message(answer.message_id)
            assert stored is not None and stored.content == answer.content, "the stored message is not it"
            uses = ", ".join(f"{use.name} {use.status}" for use in answer.tools)
            return f"{' '.join(kinds)}; {uses or 'no tool called'}; model given {await self._given()}"

    async def off(self) -> str:
        async with await self.chat.new_conversation(self.model, temporary=True) as talk:
            answer = await talk.send("use tool please", via="page", tools=[])
            assert not answer.tools, "a tool was called although none was on"
            return f"no tool called; model given {await self._given()}"

    async def _given(self) -> str:
        """The tools of the last request that reached the model."""
        if self.seen is None:
            return "what cannot be asked here"
        async with aiohttp.ClientSession() as http, http.get(self.seen) as response:
            requests: Any = await response.json()
        tools = requests[-1].get("tools") or []
        return ", ".join(str(tool["function"]["name"]) for tool in tools) or "no tools"
