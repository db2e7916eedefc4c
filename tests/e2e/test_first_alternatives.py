"""On an app that answers every first alternative, no alternative costs a request."""

import asyncio
import re
from collections import Counter

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

# Counted before there were alternatives, and the same since.
MADE = {
    ("DELETE", "/conversation/ID"): 2,
    ("GET", "/"): 3,
    ("GET", "/api/v2/conversations/ID"): 2,
    ("GET", "/api/v2/feature-flags"): 1,
    ("GET", "/api/v2/user"): 5,
    ("GET", "/api/v2/user/settings"): 2,
    ("GET", "/conversation/ID"): 1,
    ("GET", "/login"): 2,
    ("GET", "/login/callback"): 1,
    ("PATCH", "/conversation/ID"): 1,
    ("POST", "/api/v2/conversations/import-share"): 1,
    ("POST", "/conversation"): 1,
    ("POST", "/conversation/ID"): 2,
    ("POST", "/conversation/ID/share"): 1,
    ("POST", "/login"): 1,
    ("POST", "/settings"): 1,
}

# A page asks for these by itself, once or twice.
OF_PAGES = ("/_assets", "/oauth", "/api/mcp/", "/api/v2/generations/")


def _shape(request):
    path = request.path.partition("?")[0].removeprefix("/chat")
    return request.method, re.sub(r"[0-9a-f]{24}", "ID", path)


@pytest.mark.fresh
@pytest.mark.stranger
async def test_requests_of_a_session_are_these_and_no_others(chat, site):
    await chat.login()
    await chat.tools()
    conversation = await chat.new_conversation()
    await conversation.send("one", via="page")
    # Not in one piece: on a busy machine the browser reports that only after the page has read the stored
    # answer, and then the agent reads it again.
    await conversation.send("count 8 every 30", via="ui")
    # The page saves a moment later that its welcome is closed.
    await asyncio.to_thread(site.control.wait_for, "POST", "/settings$")
    await conversation.rename("Title")
    await chat.preferences()
    link = await conversation.share()
    await (await chat.import_share(link)).delete()
    assert conversation.id in [each.id async for each in chat.conversations()]
    await conversation.delete()
    site.control.wait_until_idle()
    made = Counter(map(_shape, site.control.requests))
    del made["GET", "/api/v2/conversations"]
    assert {key: count for key, count in made.items() if not key[1].startswith(OF_PAGES)} == MADE
