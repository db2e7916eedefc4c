"""The stand-in as a process of its own, and its control plane over HTTP."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.site.client import open_signed_in

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def start_process(*arguments):
    """A stand-in of its own: its first line, and a client."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "fixtures.site", "--port", "0", *arguments, stdout=subprocess.PIPE, cwd=ROOT
    )
    try:
        assert running.stdout is not None
        line = (await asyncio.wait_for(running.stdout.readline(), 20)).decode()
        async with aiohttp.ClientSession() as http:
            yield line, http
    finally:
        running.terminate()
        await running.communicate()


async def test_process_tells_its_address_first():
    async with start_process("--base-path", "", "--no-login", "--router") as (line, http):
        word, address = line.split()
        assert word == "ready"
        async with http.get(f"{address}/api/v2/models") as response:
            models = (await response.json())["json"]
        async with http.get(f"{address}/api/v2/feature-flags") as response:
            assert (await response.json())["json"]["loginEnabled"] is False
        async with http.get(f"{address}/__control/requests") as response:
            seen = (await response.json())["result"]
    assert (models[0]["id"], models[0]["displayName"], models[0]["isRouter"]) == ("omni", "Omni", True)
    assert [each["path"] for each in seen] == ["/api/v2/models", "/api/v2/feature-flags"]
    assert [each["status"] for each in seen] == [200, 200]


async def test_methods_are_posted_and_properties_read(site):
    async with open_signed_in(site) as client:
        control = f"{site.origin}/__control"

        async def post(verb, **arguments):
            async with client.http.post(f"{control}/{verb}", json=arguments) as response:
                return response.status, await response.json()

        async def get(name):
            async with client.http.get(f"{control}/{name}") as response:
                return response.status, await response.json()

        assert await get("logins") == (200, {"result": 1})
        assert await post("cut", after=2) == (200, {"result": None})
        conversation_id, turn = await client.ask("hello")
        assert (len(turn.updates), turn.complete) == (2, False)
        assert (await get("conversations"))[1]["result"][0]["id"] == conversation_id
        assert (await post("switch", no_such=1))[0] == 400
        assert (await post("cut", after="three", nonsense=1))[0] == 400
        assert (await post("no_such"))[0] == 404
        assert (await post("_do"))[0] == 404
        assert (await get("reset"))[0] == 404


async def test_hold_is_released_over_http(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        sending = asyncio.create_task(client.send(conversation_id, {"inputs": "hold 2", "id": root}))
        released = {"upto": 1, "conversation": conversation_id}
        async with client.http.post(f"{site.origin}/__control/release", json=released) as response:
            assert response.status == 200
        turn = await sending
    assert [token.split("@")[0] for token in turn.text.split()] == ["0", "1"]


async def test_reset_forgets_everything_but_how_the_site_was_made(open_site):
    site = open_site(username="grace")
    async with open_signed_in(site) as client:
        await client.ask("hello")
        site.control.switch(coupled=False)
        site.control.rename("Send message", "Dispatch")
        site.control.answer_next("/api/v2/user", 500)
        site.control.reset()
        assert site.control.conversations() == site.control.requests == []
        assert await client.get("/api/v2/user") == {"json": None}
        assert site.username == "grace"
        assert await client.sign_in() == (200, f"{site.url}/")
        assert "Send message" in (await client.page("GET", f"{site.url}/")).text


async def test_a_mistake_of_the_stand_in_is_reported_when_it_closes(open_site):
    site = open_site()
    site._site.note_crash(ZeroDivisionError("by us"))
    with pytest.raises(AssertionError, match="by us"):
        await asyncio.to_thread(site.__exit__, None, None, None)
    site._site.crashes.clear()
