"""A session that the app has dropped: noticed at the next request, signed in again once."""

import asyncio

import pytest

from huggingchat_agent.errors import PageChanged, SessionRejected, UsageError
from tests.raw import Raw

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def read_stored(chat, conversation_id):
    """The prompts that the app has of a conversation, in order."""
    state = await chat._session.read_state()
    async with Raw(chat.settings.base_url, {each["name"]: each["value"] for each in state["cookies"]}) as raw:
        read = await raw.read(conversation_id)
    return [each["content"] for each in read["messages"] if each["from"] == "user"]


@pytest.mark.parametrize("hub", [False, True], ids=["hub still knows us", "hub does not"])
@pytest.mark.parametrize("via", ["ui", "page"])
async def test_session_dropped_in_a_conversation_is_signed_in_again_once(chat, site, via, hub):
    conversation = await chat.new_conversation()
    await conversation.send("first", via=via)
    before = site.control.logins
    site.control.sign_out(hub=hub)
    answer = await conversation.send("second", via=via)
    assert answer.text.startswith("You said: second")
    await conversation.send("third", via=via)
    assert site.control.logins - before == 1
    assert await read_stored(chat, conversation.id) == ["first", "second", "third"]


async def test_loss_noticed_by_several_at_once_is_one_sign_in(chat, site):
    talks = [await chat.new_conversation() for _ in range(3)]
    before = site.control.logins
    site.control.sign_out(hub=True)
    await asyncio.gather(*(talk.read() for talk in talks))
    assert site.control.logins - before == 1


async def test_what_strangers_have_is_not_taken_for_ones_own(chat, site, monkeypatch):
    monkeypatch.setattr(chat._session.recovery, "pause", 0.0)
    talk = await chat.new_conversation()
    model = talk.model
    await chat.change_preferences(system_prompts={model: "Be brief."})
    site.control.sign_out()
    assert (await chat.preferences()).system_prompts == {model: "Be brief."}
    site.control.sign_out()
    await chat.change_preferences(streaming_mode="smooth")
    assert (await chat.preferences()).system_prompts == {model: "Be brief."}
    site.control.sign_out()
    assert talk.id in [each.id async for each in chat.conversations()]


async def test_reply_that_is_stopped_while_it_is_signed_in_again_sends_nothing_and_keeps_nobody_out(
    chat, site
):
    conversation, other = await chat.new_conversation(), await chat.new_conversation()
    heard, logins = len(site.control.heard), site.control.logins
    site.control.sign_out(hub=True)
    site.control.switch(slow=2.0)
    seen = site.control.count("GET", "^/login")
    reply = conversation.send("hello", via="page")
    await asyncio.to_thread(site.control.wait_for, "GET", "^/login", seen + 1)
    reading = asyncio.create_task(other.read())  # waits for the same sign-in
    await reply.stop()
    assert site.control.logins == logins
    site.control.switch(slow=0.0)
    with pytest.raises(UsageError, match="before the message was sent"):
        await reply
    assert [event.name for event in reply.events][-1] == "failed"
    assert (await reading).id == other.id
    assert len(site.control.heard) == heard


@pytest.mark.parametrize("status", [401, 302])
async def test_message_that_was_refused_is_sent_again(chat, site, status):
    conversation = await chat.new_conversation()
    kinds = []
    conversation.on("failed", lambda event: kinds.append(event.error))
    before, sought = site.control.logins, site.control.count("GET", "/login")
    headers = {"location": f"{site.url}/login"} if status == 302 else None
    site.control.answer_next(
        f"/conversation/{conversation.id}$",
        status,
        "You have to be logged in.",
        method="POST",
        content_type="text/plain",
        headers=headers,
    )
    reply = conversation.send("hello", via="page")
    answer = await reply
    assert answer.text.startswith("You said: hello")
    assert [event.name for event in reply.events].count("failed") == 0
    # None where the app still knows us all the same: a fetch that follows the redirect may sign in as well.
    assert (site.control.logins, site.control.count("GET", "/login")) == (before, sought)
    assert await read_stored(chat, conversation.id) == ["hello"]


async def test_session_lost_again_at_once_is_not_signed_in_in_a_loop(chat, site):
    conversation = await chat.new_conversation()
    before = site.control.logins
    site.control.sign_out(hub=True)
    await conversation.read()
    for _ in range(3):
        site.control.sign_out(hub=True)
        with pytest.raises(SessionRejected, match="signs in again at most every 30 s"):
            await conversation.read()
    assert site.control.logins - before == 1


async def test_session_lost_later_is_signed_in_again(chat, site, monkeypatch):
    monkeypatch.setattr(chat._session.recovery, "pause", 0.0)
    conversation = await chat.new_conversation()
    before = site.control.logins
    for _ in range(2):
        site.control.sign_out(hub=True)
        await conversation.read()
    assert site.control.logins - before == 2


async def test_failed_new_sign_in_is_reported_with_the_reason(chat, site):
    conversation = await chat.new_conversation()
    site.control.switch(second_factor=True)
    site.control.sign_out(hub=True)
    with pytest.raises(SessionRejected, match="one-time code"):
        await conversation.read()
    tried = site.control.count("POST", "^/login$")
    with pytest.raises(SessionRejected):
        await conversation.read()
    assert site.control.count("POST", "^/login$") == tried


SIGN_IN = '<html><h1>Sign in</h1><form action="/login"><input type="password" name="password"></form>'


@pytest.mark.parametrize(
    ("body", "dropped"),
    [(SIGN_IN, True), (SIGN_IN, False), ("<html><h1>Welcome</h1>", True)],
    ids=["sign-in", "sign-in by mistake", "any page"],
)
async def test_page_in_the_place_of_an_answer_is_a_lost_session(chat, site, body, dropped):
    conversation = await chat.new_conversation()
    before = site.control.logins
    if dropped:
        site.control.sign_out()
    site.control.answer_next(f"/api/v2/conversations/{conversation.id}", 200, body, content_type="text/html")
    assert (await conversation.read()).id == conversation.id
    assert site.control.logins - before == dropped  # none where the app still knows us all the same


async def test_page_instead_of_an_answer_is_reported_while_the_app_still_knows_us(chat, site):
    conversation = await chat.new_conversation()
    site.control.answer_next(
        f"/api/v2/conversations/{conversation.id}", 200, "<html><h1>Welcome</h1>", content_type="text/html"
    )
    before = site.control.logins
    with pytest.raises(PageChanged, match="HTML page"):
        await conversation.read()
    assert site.control.logins == before


@pytest.mark.parametrize("via", ["ui", "page"])
async def test_access_revoked_within_the_stream_is_signed_in_again_and_the_message_is_not_repeated(
    chat, site, via
):
    conversation = await chat.new_conversation()
    before = site.control.logins
    prompt = "fail 401 after 3 saying The OAuth authorization has been revoked"
    with pytest.raises(SessionRejected, match="has been revoked") as caught:
        await conversation.send(prompt, via=via)
    assert "signing in again failed" not in str(caught.value)
    assert site.control.logins > before
    logins = site.control.logins
    assert (await conversation.send("hello", via="page")).text.startswith("You said: hello")
    assert site.control.logins == logins
    assert await read_stored(chat, conversation.id) == [prompt, "hello"]


async def test_access_revoked_is_reported_although_the_page_left_before_its_last_line_was_read(chat, site):
    conversation = await chat.new_conversation()
    prompt = "fail 401 after 3 saying The OAuth authorization has been revoked"
    before = site.control.logins
    site.control.stall(4, 60)  # the first lines are seen; the one that says why is not
    reply = conversation.send(prompt, via="ui")
    async for event in reply:
        if event.name == "token":
            break
    await asyncio.to_thread(site.control.wait_until_idle)
    page = await chat._session.tabs.get_front()
    sign_in = f"{site.url}/login?next=/chat/conversation/{conversation.id}"
    await page.evaluate("address => location.assign(address)", sign_in, timeout=10)
    with pytest.raises(SessionRejected, match="has been revoked"):
        await reply
    assert [event.name for event in reply.events].count("failed") == 1
    assert site.control.logins - before == 2  # the page's own, and ours
    assert await read_stored(chat, conversation.id) == [prompt]
