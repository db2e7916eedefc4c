"""The pages as a person or a driver of browsers meets them."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from tests.site.client import open_signed_in
from tests.site.conftest import alive, composer, send_button, tab

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.browser]


async def say(page, text):
    """Type a message and send it."""
    await composer(page).press_sequentially(text)
    await page.keyboard.press("Enter")


async def wait_for_answer(page, site):
    """Wait until the answer is there, and the page knows its messages by the ids they have on the server."""
    await page.wait_for_url(re.compile(r"/conversation/\w{24}$"))
    conversation_id = page.url.rpartition("/")[2]
    posted = rf"/conversation/{conversation_id}$"
    await asyncio.to_thread(site.control.wait_for, "POST", posted)
    await asyncio.to_thread(site.control.wait_until_idle)
    await wait_until_shown(page, site.control.conversation(conversation_id)["messages"][-1]["id"])
    await page.locator(".send").wait_for()


async def wait_until_shown(page, message_id):
    """Wait until the page knows a message by the id it has on the server."""
    await page.locator(f'[data-message-id="{message_id}"]').wait_for(state="attached")


def list_shown(page):
    return page.locator("[data-message-id]").evaluate_all("all => all.map(e => e.dataset.messageId)")


async def test_welcome_dialog_makes_the_page_inert_until_it_is_closed(browser, site):
    async with tab(browser, site, welcomed=False) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        assert await page.locator("#app").evaluate("app => app.inert")
        await composer(page).evaluate("field => field.focus()")
        assert await page.evaluate("document.activeElement.tagName") != "TEXTAREA"
        await page.get_by_role("button", name="Start chatting").click()
        assert not await page.locator("#app").evaluate("app => app.inert")
        await asyncio.to_thread(site.control.wait_for, "POST", "/settings$")


async def test_escape_closes_the_welcome_dialog(browser, site):
    async with tab(browser, site, welcomed=False) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await page.keyboard.press("Escape")
        await page.get_by_role("dialog").wait_for(state="detached")


async def test_dialog_does_nothing_before_hydration(browser, open_site):
    site = open_site(hydration_delay=60)
    async with tab(browser, site, welcomed=False) as page:
        await page.goto(f"{site.url}/")
        await page.get_by_role("button", name="Start chatting").click()
        await page.keyboard.press("Escape")
        assert await page.get_by_role("dialog").is_visible()


@pytest.mark.parametrize("keeps", [False, True])
async def test_text_typed_before_hydration_cannot_be_sent(browser, open_site, keeps):
    site = open_site(hydration_delay=3600, hydration_keeps_text=keeps)
    async with tab(browser, site) as page:
        await page.clock.install()
        await page.goto(f"{site.url}/")
        await composer(page).fill("too early")
        await page.clock.fast_forward("01:00:00")
        await alive(page)
        assert await composer(page).input_value() == ("too early" if keeps else "")
        assert await send_button(page).is_disabled()
        await composer(page).fill("in time")
        assert await send_button(page).is_enabled()


async def test_send_is_enabled_by_input_events_alone(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await composer(page).evaluate("field => { field.value = 'no event' }")
        assert await send_button(page).is_disabled()
        await composer(page).fill("  ")
        assert await send_button(page).is_enabled()
        await composer(page).press("Enter")
        await composer(page).fill("")
        assert await send_button(page).is_disabled()
        await composer(page).press_sequentially("a")
        await composer(page).press("Shift+Enter")
        assert await composer(page).input_value() == "a\n"
    assert site.control.count("POST", "/conversation$") == 0


async def test_first_message_creates_and_later_ones_follow(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        first_composer = await composer(page).element_handle()
        await say(page, "hello there")
        await wait_for_answer(page, site)
        assert not await first_composer.evaluate("field => field.isConnected")
        conversation_id = page.url.rpartition("/")[2]
        await say(page, "and again")
        await page.get_by_text("[history=4").wait_for()
        await wait_for_answer(page, site)
        stored = site.control.conversation(conversation_id)["messages"]
        assert await list_shown(page) == [each["id"] for each in stored[1:]]
    assert [each["children"] for each in stored] == [[each["id"]] for each in stored[1:]] + [[]]
    reads = [
        each.path for each in site.control.requests if conversation_id in each.path and each.method == "GET"
    ]
    assert reads == [f"/chat/api/v2/conversations/{conversation_id}"] * 2
    assert site.control.count("GET", r"conversations\?p=0") == 2


async def test_ids_on_the_page_are_its_own_until_the_conversation_is_read(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "hold 1")
        await page.locator(".assistant").wait_for()
        await asyncio.to_thread(site.control.wait_for, "POST", r"/conversation/\w+$")
        early = await list_shown(page)
        site.control.release()
        await wait_for_answer(page, site)
        real = [each["id"] for each in site.control.conversations()[0]["messages"][1:]]
        await wait_until_shown(page, real[1])
        assert await list_shown(page) == real
    assert not set(early) & set(real)


@pytest.mark.parametrize("way", ["button", "escape"])
async def test_stop_stores_what_was_seen(browser, site, way):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "count 500 every 10")
        await page.locator(".body a").nth(10).wait_for()
        async with page.expect_request("**/stop-generating") as stopping:
            if way == "button":
                await page.get_by_role("button", name="Stop generating").click()
            else:
                await page.keyboard.press("Escape")
        body = json.loads((await stopping.value).post_data or "")
        await send_button(page).wait_for()
        await page.get_by_text("Count 500 every 10", exact=True).wait_for(state="attached")
        message = site.control.conversations()[0]["messages"][-1]
    assert len(message["content"]) == body["seenContentLength"] > 100
    assert message["interrupted"] is True
    assert message["generationId"] == body["generationId"]


async def test_reload_attaches_to_the_run_that_goes_on(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "count 150 every 10")
        await page.locator(".body a").nth(5).wait_for()
        async with page.expect_request("**/stream?generationId=*") as attaching:
            await page.reload()
        assert "fromSeq=" in (await attaching.value).url
        await wait_for_answer(page, site)
        assert await page.locator(".body a").count() == 150
    assert site.control.count("POST", "stop-generating") == 0


async def test_retry_keeps_the_question_and_shows_the_new_answer(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "hello")
        await wait_for_answer(page, site)
        await page.get_by_role("button", name="Retry").click()
        await asyncio.to_thread(site.control.wait_for, "GET", r"/api/v2/conversations/\w{24}$", 2)
        await page.get_by_role("button", name="Retry").wait_for()
    messages = site.control.conversations()[0]["messages"]
    assert [each["from"] for each in messages] == ["system", "user", "assistant", "assistant"]
    assert messages[2]["content"] == messages[3]["content"]


async def test_failed_turn_disables_the_composer_until_it_is_tried_again(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "fail 500")
        await page.get_by_role("heading", name="500 upstream failure").wait_for()
        await page.locator(".again").wait_for()
        field = page.locator("textarea")
        assert await field.input_value() == "Sorry, something went wrong. Please try again."
        assert await field.is_disabled()
        await page.locator(".again").click()
        await asyncio.to_thread(site.control.wait_for, "POST", r"/conversation/\w{24}$", 2)


async def test_used_up_credits_stand_over_the_page_and_make_it_inert(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "fail 402")
        await page.get_by_role("heading", name="Upgrade Required").wait_for()
        assert await page.locator("#app").evaluate("app => app.inert")
        await page.get_by_role("button", name="Maybe later").click()
        assert not await page.locator("#app").evaluate("app => app.inert")
        assert await page.locator("textarea").is_disabled()


@pytest.mark.parametrize("act", ["click", "type"])
async def test_signed_out_page_leads_to_the_login(browser, site, act):
    async with tab(browser, site, user=False) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        if act == "click":
            await page.get_by_role("button", name="Start chatting").click()
        else:
            # Without the dialog, as on a page that a driver has made its way into.
            await page.evaluate("document.getElementById('app').inert = false")
            await composer(page).evaluate("field => field.focus()")
        await page.wait_for_url(re.compile(r"/login\?next="))
        assert await page.locator("input[name=password]").is_visible()
    assert site.control.count("GET", r"/chat/login\?next=%2Fchat%2F$") == 1


async def test_trusted_input_lets_a_required_send_through(browser, site):
    site.control.switch(require_trusted_input=True)
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await composer(page).evaluate(
            "field => { field.value = 'made up'; field.dispatchEvent(new Event('input', {bubbles: true})) }"
        )
        await send_button(page).click()
        await page.get_by_role("heading", name="No trusted input").wait_for()
        assert site.control.refused_sends == 1
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "by hand")
        await page.get_by_text("You said: by hand").wait_for()
    assert site.control.refused_sends == 1


async def test_query_parameters_ask_and_fill(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/?q=asked%20by%20link")
        await page.get_by_text("You said: asked by link").wait_for()
        assert "?" not in page.url
        await page.goto(f"{site.url}/?prompt=%20only%20filled%20&model=deepseek-ai/DeepSeek-R1")
        await alive(page)
        await page.get_by_role("link", name="Model: deepseek-ai/DeepSeek-R1").wait_for()
        await page.wait_for_function("document.querySelector('textarea').value === 'only filled'")
        assert await send_button(page).is_enabled()


async def test_leaf_in_the_address_chooses_the_branch(browser, site):
    async with open_signed_in(site) as client:
        conversation_id, _ = await client.ask("one")
        body = await client.read(conversation_id)
        await client.send(conversation_id, {"id": body["messages"][2]["id"], "is_retry": True})
    first, second = (each["id"] for each in site.control.conversation(conversation_id)["messages"][2:])
    async with tab(browser, site) as page:
        for query, shown in (("", second), (f"?leafId={first}", first)):
            await page.goto(f"{site.url}/conversation/{conversation_id}{query}")
            await alive(page)
            assert (await list_shown(page))[-1] == shown


async def test_burst_is_shown_whole(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await say(page, "burst 8000")
        await wait_for_answer(page, site)
        text = await page.locator(".body").text_content()
    assert len((text or "").split()) == 8000


async def test_renamed_control_is_called_otherwise(browser, site):
    site.control.rename("Send message", "Dispatch")
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        assert await send_button(page).count() == 0
        await composer(page).fill("hello")
        await page.get_by_role("button", name="Dispatch").click()
        await wait_for_answer(page, site)
        assert await page.get_by_role("button", name="Dispatch").count() == 1


async def test_sidebar_moves_between_conversations_without_a_document(browser, site):
    async with open_signed_in(site) as client:
        first, _ = await client.ask("first words")
        await client.ask("other words")
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        documents = site.control.count("GET", "^/chat/$")
        await page.get_by_role("link", name="first words").click()
        await page.get_by_text("You said: first words").wait_for()
        assert page.url == f"{site.url}/conversation/{first}"
        await page.get_by_role("link", name="New Chat").click()
        await page.get_by_role("button", name="Plan a trip").wait_for()
    assert site.control.count("GET", "^/chat/$") == documents
    assert site.control.count("GET", "^/chat/conversation/") == 0


async def test_conversation_can_be_renamed_and_deleted_from_the_sidebar(browser, site):
    async with open_signed_in(site) as client:
        await client.ask("first words")
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        await page.get_by_role("link", name="first words").hover()
        await page.get_by_role("button", name="Conversation actions").click()
        await page.get_by_role("menuitem", name="Rename").click()
        await page.get_by_role("textbox", name="Title").fill("Better")
        await page.get_by_role("button", name="Save").click()
        await page.get_by_role("link", name="Better").hover()
        await page.get_by_role("button", name="Conversation actions").click()
        await page.get_by_role("menuitem", name="Delete").click()
        await page.get_by_role("button", name="Delete").click()
        await page.get_by_role("link", name="Better").wait_for(state="detached")
    assert site.control.conversations() == []


async def test_settings_page_chooses_the_model(browser, site):
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/settings/Qwen/Qwen2.5-VL-7B-Instruct")
        await alive(page)
        assert await page.get_by_role("button", name="Configure deepseek-ai/DeepSeek-R1").count() == 1
        await page.get_by_role("button", name="New chat").click()
        await page.get_by_role("link", name="Model: Qwen/Qwen2.5-VL-7B-Instruct").wait_for()
        await page.goto(f"{site.url}/models")
        await page.get_by_role("link", name="Model card for deepseek-ai/DeepSeek-R1").click()
        await page.get_by_role("link", name="Model: deepseek-ai/DeepSeek-R1").wait_for()
        subscribed = ("POST", "/deepseek-ai/DeepSeek-R1/subscribe$")
        await asyncio.to_thread(site.control.wait_for, *subscribed)


@pytest.mark.parametrize("base_path", ["", "/some/where"])
async def test_app_without_login_is_used_at_once(browser, open_site, base_path):
    site = open_site(base_path, login=False)
    async with tab(browser, site, user=False) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        # The first POST makes the session; another one before its answer would make a second.
        async with page.expect_response("**/settings"):
            await page.get_by_role("button", name="Start chatting").click()
        await say(page, "hello")
        await page.get_by_text("You said: hello").wait_for()
        assert page.url.startswith(f"{site.url}/conversation/")


async def test_pages_write_nothing_to_the_console(browser, site):
    said = []
    async with tab(browser, site) as page:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        for path in ("/", "/models", "/settings/application", "/models/deepseek-ai/DeepSeek-R1"):
            await page.goto(f"{site.url}{path}")
            await alive(page)
        await say(page, "reason about it")
        await wait_for_answer(page, site)
        await page.get_by_role("button", name="Expand").click()
        assert await page.get_by_text("Let me think about it.").is_visible()
    assert said == []


async def test_pages_work_over_http2_and_a_cut_is_one_there_too(browser, open_site):
    site = open_site(tls=True)
    async with tab(browser, site) as page:
        await page.goto(f"{site.url}/")
        await alive(page)
        site.control.cut(4)
        # One connection carries everything: what else was open on it fails too.
        async with page.expect_event("requestfailed", lambda request: request.method == "POST"):
            await say(page, "count 20 every 5")
        await wait_for_answer(page, site)
        assert len(site.control.conversations()[0]["messages"][-1]["content"].split()) == 20
        await page.wait_for_function("document.querySelectorAll('.body a').length === 20")
    versions = {each.http_version for each in site.control.requests if "/conversation/" in each.path}
    assert versions == {"2"}
