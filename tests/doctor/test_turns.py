"""A turn goes on although the app has changed, and an event says what is different."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.site.drifts import FATAL
from huggingchat_agent.errors import PageChanged
from tests.doctor.drifts import NAMED, UNSEEN, every_drift

if TYPE_CHECKING:
    from huggingchat_agent.events import Drift

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def take_turn(chat):
    await chat.status()
    await chat.models(refresh=True)
    conversation = await chat.new_conversation(temporary=True)
    return await conversation.send("hello")


@pytest.mark.parametrize("name", every_drift())
async def test_turn_under_a_drift(chat, site, name):
    drifts: list[Drift] = []
    chat.on("drift", drifts.append)
    site.control.drift(name)
    if name in FATAL:
        with pytest.raises(PageChanged) as caught:
            await take_turn(chat)
        assert NAMED[name].removeprefix("the field ") in f"{caught.value.part} {caught.value}"
    else:
        assert (await take_turn(chat)).text.startswith("You said: hello")
    if name not in UNSEEN and name != "new conversations elsewhere":
        assert NAMED[name] in " | ".join(each.what for each in drifts)


async def test_difference_is_reported_once_and_on_the_reply(chat, site):
    drifts: list[Drift] = []
    on_reply: list[Drift] = []
    chat.on("drift", drifts.append)
    site.control.drift("a line of a new type")
    conversation = await chat.new_conversation()
    for _ in range(2):
        reply = conversation.send("hello", via="page")
        reply.on("drift", on_reply.append)
        await reply
        conversation = await chat.new_conversation()
    found = [(each.part, each.change, each.what) for each in drifts]
    assert found == [("the stream", "new", "the line thoughts")]
    assert on_reply == drifts


async def test_app_as_the_agent_knows_it_has_no_drift(chat, site):
    drifts: list[Drift] = []
    chat.on("drift", drifts.append)
    conversation = await chat.new_conversation()
    for via in ("ui", "page"):
        await conversation.send("use tool and reason", via=via)
    await conversation.retry(via="ui")
    assert drifts == []
