"""The endpoint on the stand-in, in the loop of the tests."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.serve.keys import load_key
from huggingchat_agent.serve.running import EndpointServer, listen
from tests.quick import QUICK
from tests.signed_in import save_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


MODEL = "meta-llama/Llama-3.3-70B-Instruct"


class Door:
    """A running endpoint, its site, and a client of it that has the key."""

    def __init__(self, running: EndpointServer, site: StandIn | None, key: str) -> None:
        self.running, self.site, self.key = running, site, key
        self.url = running.url.removesuffix("/v1")
        self.client = httpx.AsyncClient(
            base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=30, trust_env=False
        )

    async def ask(self, messages: str | list[dict[str, Any]], **more: Any) -> httpx.Response:
        """A chat completion; a text is the one message of the user."""
        given = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
        body = {"model": MODEL, "messages": given} | more
        return await self.client.post("/v1/chat/completions", json=body)

    async def pressure(self) -> dict[str, int]:
        found: dict[str, int] = (await self.client.get("/pressure")).json()
        return found


@contextlib.asynccontextmanager
async def open_door(
    chat: HuggingChat, site: StandIn | None, *, key: str | None = None, **options: Any
) -> AsyncIterator[Door]:
    """An endpoint with another key, or with the one that its folder has."""
    loaded, made = load_key(chat.settings.profile_folder, new=key is None)
    text = key or made
    assert text is not None
    running = EndpointServer(chat, loaded, listen("127.0.0.1", 0), **options)
    serving = asyncio.create_task(running.serve())
    door = Door(running, site, text)
    try:
        yield door
    finally:
        await door.client.aclose()
        running.finish()
        await serving


def read_stream(body: str) -> list[Any]:
    """The data of a stream's events, without the last line."""
    events = [each for each in body.split("\n\n") if each]
    assert all(each.startswith(("data: ", "event: ")) for each in events), "no comments"
    datas = [each.partition("data: ")[2] for each in events]
    return [msgspec.json.decode(each) for each in datas if each != "[DONE]"]


@pytest.fixture(scope="module")
def site():
    with StandIn(echo_pause=0.0, **QUICK) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(site, tmp_path_factory, borrowed):
    given = {"username": site.username, "password": site.password, "engine": "nodriver", "isolated": True}
    home, address = tmp_path_factory.mktemp("state"), borrowed["HUGGINGCHAT_CONNECT"]
    save_session(site, home)
    async with HuggingChat(base_url=site.url, home=home, connect=address, **given) as chat:
        await chat.login()
        yield chat


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(chat, site):
    async with open_door(chat, site, keep_alive=0.3) as door:
        yield door


@pytest.fixture
def chat_on_nothing(tmp_path):
    """A chat that is not open, for requests that are refused before it is asked."""
    return HuggingChat(base_url="http://127.0.0.1:9/chat", home=tmp_path)
