"""What tools ask the user, as the stand-in asks it, takes the answer, and goes on."""

import json
from typing import Any

import pytest

from tests.site.client import open_signed_in
from tests.site.conftest import alive, tab
from tests.site.test_pages import say

pytestmark = pytest.mark.browser

GOOD = {"name": "Ada", "age": 36, "colour": "blue"}


def find_question(turn):
    (line,) = [
        each for each in turn.updates if each["type"] == "elicitation" and each["subtype"] == "request"
    ]
    return line


async def settle(client, conversation_id, elicitation_id, action="accept", **more):
    body = {"elicitationId": elicitation_id, "action": action, **more}
    status, text = await client.post(f"/conversation/{conversation_id}/elicitation", body)
    return status, json.loads(text)


async def test_parked_run_ends_without_a_final_answer_and_goes_on_in_the_same_message(site):
    async with open_signed_in(site) as client:
        conversation_id, turn = await client.ask("ask me form")
        line = find_question(turn)
        assert "expiresAt" not in line
        assert turn.last == {"type": "status", "status": "finished"}
        assert not [each for each in turn.updates if each["type"] == "finalAnswer"]
        elicitation_id = line["request"]["elicitationId"]
        assert await settle(client, conversation_id, elicitation_id, content=GOOD) == (
            200,
            {"ok": True, "resume": True},
        )
        before = (await client.read(conversation_id))["messages"]
        resumption = {"id": before[-1]["id"], "resumeElicitationId": elicitation_id}
        rest = await client.send(conversation_id, resumption)
        assert [each["subtype"] for each in rest.updates if "subtype" in each] == ["resolved", "result"]
        after = (await client.read(conversation_id))["messages"]
        assert len(after) == len(before)
        assert after[-1]["content"] == before[-1]["content"] + rest.text
        assert rest.text.startswith("You said: accept name=Ada age=36 colour=blue")


async def test_answers_are_refused_as_the_app_does(site):
    async with open_signed_in(site) as client:
        conversation_id, turn = await client.ask("ask me form")
        known = find_question(turn)["request"]["elicitationId"]
        unknown = "00000000-0000-4000-8000-000000000000"
        refusals: list[tuple[str, str, dict[str, Any], int, str]] = [
            (unknown, "accept", {}, 404, "Unknown elicitation."),
            (known, "perhaps", {}, 400, "Invalid elicitation response"),
            (known, "accept", {"content": {**GOOD, "shoe": 1}}, 400, 'Unknown field "shoe".'),
            (known, "accept", {"content": {"name": "Ada"}}, 400, '"age" is required.'),
            (
                known,
                "accept",
                {"content": {**GOOD, "colour": "green"}},
                400,
                '"colour" has an unknown option.',
            ),
        ]
        for elicitation_id, action, more, status, message in refusals:
            answered = await settle(client, conversation_id, elicitation_id, action, **more)
            assert answered == (status, {"message": message})
        assert (await settle(client, conversation_id, known, "decline"))[0] == 200
        again = await settle(client, conversation_id, known, "decline")
        assert again == (409, {"message": "Already answered."})


async def test_question_that_expired_takes_no_answer(site):
    async with open_signed_in(site) as client:
        conversation_id, turn = await client.ask("ask me form 0.2")
        resolved = [each for each in turn.updates if each.get("subtype") == "resolved"]
        assert [(each["action"], each["resolution"]) for each in resolved] == [("cancel", "expired")]
        elicitation_id = find_question(turn)["request"]["elicitationId"]
        status, _ = await settle(client, conversation_id, elicitation_id, content=GOOD)
        assert status == 409


@pytest.mark.parametrize("seconds", ["", " 60"])
@pytest.mark.asyncio(loop_scope="module")
async def test_page_shows_the_form_and_goes_on_when_it_is_answered(browser, site, seconds):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, f"ask me form{seconds}")
        await page.get_by_text("Who are you?").wait_for()
        await page.get_by_label("Your name").fill("Ada")
        await page.get_by_label("age", exact=True).fill("36")
        await page.get_by_label("colour").select_option("blue")
        await page.locator("form.asked").get_by_role("button", name="Send").click()
        await page.get_by_text("accept name=Ada age=36").first.wait_for()
    (stored,) = site.control.conversations()
    assert [each["from"] for each in stored["messages"]] == ["system", "user", "assistant"]
