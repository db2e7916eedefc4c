"""The shape of January 2026: no generation ids, nothing to attach to, only the end of a run is stored."""

from __future__ import annotations

import asyncio

from tests.site.client import open_signed_in


async def test_messages_have_no_generation_id_and_streams_no_finished(site):
    site.control.switch(generation_ids=False)
    async with open_signed_in(site) as client:
        conversation_id, turn = await client.ask("hello")
        read = await client.read(conversation_id)
    assert turn.last["type"] == "finalAnswer"
    assert not [message for message in read["messages"] if {"generationId", "materializedSeq"} & set(message)]
    assert read["messages"][-1]["content"] == turn.text
    assert read["messages"][-1]["updates"][-1]["type"] == "finalAnswer"


async def test_run_that_is_watched_is_stored_at_its_end_only(site):
    site.control.switch(generation_ids=False, materialize=0.0)
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        sending = asyncio.create_task(client.send(conversation_id, {"inputs": "hold 3", "id": root}))
        await asyncio.to_thread(site.control.wait_until, lambda: site.control.running)
        site.control.release(1, conversation_id)
        await asyncio.sleep(0.1)
        message = (await client.read(conversation_id))["messages"][-1]
        assert (message["from"], message["content"], message.get("updates")) == ("assistant", "", None)
        site.control.release(conversation=conversation_id)
        turn = await sending
        assert (await client.read(conversation_id))["messages"][-1]["content"] == turn.text


async def test_there_is_nothing_to_attach_to_and_nothing_is_live(site):
    site.control.switch(generation_ids=False)
    async with open_signed_in(site) as client:
        conversation_id, _ = await client.ask("hello")
        for path in (f"/conversation/{conversation_id}/stream", "/api/v2/generations/live"):
            async with client.http.get(site.url + path) as response:
                assert (response.status, response.content_type) == (404, "text/html")
