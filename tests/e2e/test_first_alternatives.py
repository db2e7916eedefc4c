"""On an app that answers every first alternative, no alternative costs a request."""

import re
from collections import Counter

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

MADE: dict[tuple[str, str], int] = {}


def _shape(request):
    path = request.path.partition("?")[0].removeprefix("/chat")
    return request.method, re.sub(r"[0-9a-f]{24}", "ID", path)


@pytest.mark.fresh
async def test_requests_of_a_session_are_these_and_no_others(chat, site):
    await chat.login()
    await chat.tools()
    conversation = await chat.new_conversation()
    await conversation.send("one", via="page")
    await conversation.send("two", via="ui")
    await conversation.rename("Title")
    await chat.preferences()
    link = await conversation.share()
    await (await chat.import_share(link)).delete()
    assert [each.title async for each in chat.conversations()] == ["Title"]
    await conversation.delete()
    site.control.wait_until_idle()
    made = Counter(map(_shape, site.control.requests))
    assert {
        key: count for key, count in made.items() if not key[1].startswith(("/_assets", "/oauth"))
    } == MADE
