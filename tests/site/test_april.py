"""The stand-in as the app of April 2025, held against what was recorded of that app."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fixtures.site import BUILDS, StandIn
from tests.raw import _hydrate
from tests.site.client import open_visit
from tests.wire.recordings import read_scenario

ENDPOINTS = read_scenario("2025-04", "endpoints")


def nodes(body: str) -> list[Any]:
    first, *chunks = [json.loads(line) for line in body.splitlines() if line]
    assert [sorted(chunk) for chunk in chunks] == [["data", "id", "type"]]
    return [_hydrate(node["data"]) for node in first["nodes"] if node["type"] == "data"]


def keys(value: Any) -> Any:
    """The keys of an object and of the first object in each list, all the way down."""
    if isinstance(value, dict):
        return {key: keys(each) for key, each in value.items()}
    return [keys(value[0])] if isinstance(value, list) and value else None


@pytest.fixture
def april():
    with StandIn(**BUILDS["2025-04"]) as site:
        yield site


async def test_pages_have_the_data_that_was_recorded(april):
    async with open_visit(april) as client:
        answer = await client.page("POST", f"{april.url}/login")
        while answer.has_form and 'action="/' in answer.text and "username" in answer.text:
            fields = answer.form.fields | {"username": april.username, "password": april.password}
            answer = await client.page("POST", answer.form.action, data=fields)
        if "csrf" in answer.text:
            answer = await client.page("POST", answer.form.action, data=answer.form.fields)
        assert (answer.status, answer.address) == (200, f"{april.url}/")
        status, made = await client.post("/conversation", {"model": "meta-llama/Llama-3.3-70B-Instruct"})
        assert (status, list(json.loads(made))) == (200, ["conversationId"])
        conversation_id = json.loads(made)["conversationId"]
        page = f"{april.url}/conversation/{conversation_id}/__data.json"
        async with client.http.get(page) as response:
            assert response.content_type == "text/sveltekit-data"
            ours = nodes(await response.text())
        root = ours[1]["rootMessageId"]
        turn = await client.send(conversation_id, {"inputs": "short one", "id": root})
        async with client.http.get(page) as response:
            ours = nodes(await response.text())
        theirs = nodes(ENDPOINTS["conversation_data"]["body"])
        for name in ("settings", "user", "tools", "conversations"):
            assert keys(ours[0][name]) == keys(theirs[0][name]), name
        assert ours[0].keys() == theirs[0].keys()
        assert keys(ours[1]) == keys(theirs[1])
        updates = [message.get("updates") for message in (ours[1]["messages"][-1], theirs[1]["messages"][-1])]
        assert [[each["type"] for each in one] for one in updates] == [
            ["status", "finalAnswer", "title"],
            ["status", "title", "finalAnswer"],
        ]
        assert turn.last["type"] == "title"
        _, shared = await client.post(f"/conversation/{conversation_id}/share")
        assert list(json.loads(shared)) == list(json.loads(ENDPOINTS["share"]["body"])) == ["url"]


async def test_what_came_later_is_a_page_with_status_200(april):
    async with open_visit(april) as client:
        for path in ("/api/v2/user", "/api/v2/models", "/api/mcp/servers", "/api/v2/conversations?p=0"):
            async with client.http.get(april.url + path) as response:
                assert (response.status, response.content_type) == (200, "text/html"), path
        status, text = await client.post("/conversation", {"model": "some"})
        assert (status, json.loads(text)) == (401, {"error": "You have to be logged in."})
