"""The agent on a page that a test drives by Playwright's async API, on the stand-in site."""

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

from huggingchat_agent import Deadlines, attach, events
from huggingchat_agent.browser.executable import find_executable
from huggingchat_agent.errors import BrowserError, GenerationFailed, StreamBroken, UsageError

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

COUNT = "count 30 every 5"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser():
    async with async_playwright() as playwright:
        found = find_executable()
        assert found is not None
        yield await playwright.chromium.launch(executable_path=found.path, chromium_sandbox=False)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser):
    context = await browser.new_context()
    yield await context.new_page()
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def attached(page, site, tmp_path):
    async with await attach(page, base_url=site.url, home=tmp_path) as attached:
        await enter(page, site)
        yield attached


async def enter(page, site):
    await page.goto(site.url)
    # The answer brings the cookie of the session that conversations will belong to.
    async with page.expect_response("**/settings"):
        await page.get_by_role("button", name="Start chatting").click()


async def say(page, prompt):
    await page.get_by_placeholder("Ask anything").fill(prompt)
    await page.get_by_role("button", name="Send message").click()


def read_stored(site):
    return site.control.conversations()[0]["messages"]


async def test_turn_that_the_test_starts_by_its_locators_gives_the_events_of_any_turn(page, attached, site):
    texts = []
    attached.on("token", lambda event: texts.append(event.text))
    await say(page, COUNT)
    answer = await attached.wait_for_answer()
    assert answer.text == read_stored(site)[-1]["content"] == "".join(texts)
    assert (answer.user_message_id, answer.message_id) == tuple(each["id"] for each in read_stored(site)[-2:])
    assert len(texts) == answer.timing.tokens == len(attached.events.of_type("token")) >= 30
    started = attached.events.of_type(events.Started)
    assert [(each.prompt, each.via) for each in started] == [(COUNT, "")]
    assert [each.seq for each in attached.events] == [*range(1, len(attached.events) + 1)]
    assert type(attached.events[-1]) is events.Finished


async def test_difference_of_the_app_is_an_event(page, attached, site):
    drifts: list[events.Drift] = []
    attached.on("drift", drifts.append)
    site.control.drift("a line of a new type")
    await say(page, "hello")
    await attached.wait_for_answer()
    site.control.drift()
    assert [(each.part, each.change, each.what) for each in drifts] == [
        ("the stream", "new", "the line thoughts")
    ]


async def test_events_arrive_while_the_answer_comes(page, attached, site):
    await say(page, "hold 3")
    for number in range(3):
        site.control.release(upto=number)
        while len(attached.events.of_type(events.Token)) <= number:
            await page.wait_for_timeout(10)  # the next token is made only after this one was seen
    assert (await attached.wait_for_answer()).timing.tokens == 3


async def test_answers_are_handed_out_in_the_order_of_their_messages(page, attached):
    await say(page, "first")
    assert "first" in (await attached.wait_for_answer()).text
    await say(page, "second")
    assert "second" in (await attached.wait_for_answer()).text
    assert [event.turn for event in attached.events.of_type(events.Finished)] == [1, 2]


async def test_wait_for_answer_raises_what_went_wrong_with_it(page, attached, site):
    site.control.cut(25, run_dies=True)
    await say(page, COUNT)
    with pytest.raises(StreamBroken) as broken:
        await attached.wait_for_answer()
    assert broken.value.partial and attached.events.of_type(events.Failed)[-1].error == "StreamBroken"


async def test_wait_for_answer_may_be_asked_again_when_the_time_was_over(page, attached, site):
    await say(page, "hold 1")
    with pytest.raises(TimeoutError, match="has 0 characters"):
        await attached.wait_for_answer(timeout=0.5)
    site.control.release()
    assert (await attached.wait_for_answer()).text


async def test_silence_is_reported_with_the_address_the_page_is_at(page, site, tmp_path):
    async with await attach(page, base_url="https://chat.example.org", home=tmp_path) as attached:
        await page.goto(f"{site.url}/?secret=1")
        with pytest.raises(TimeoutError, match=r"no message .* It is at .*chat\.example\.org") as silence:
            await attached.wait_for_answer(timeout=0.3)
    assert site.url in str(silence.value) and "secret" not in str(silence.value)


async def test_deadline_that_passes_stops_nothing_on_the_server(page, site, tmp_path):
    limits = Deadlines(first_update=5, idle=0.3)
    async with await attach(page, base_url=site.url, home=tmp_path, deadlines=limits) as attached:
        await enter(page, site)
        await say(page, "hold 1")
        with pytest.raises(Exception, match=r"idle|first_update"):
            await attached.wait_for_answer()
        assert site.control.running
        assert attached.events.of_type(events.Failed)[-1].error == "TurnTimeout"
        site.control.release()


async def test_page_stays_open_and_gives_no_more_events_after_the_agent_detaches(page, attached):
    await say(page, "first")
    await attached.wait_for_answer()
    await attached.close()
    count = len(attached.events)
    await say(page, "second")
    await page.get_by_text("You said: second").wait_for()
    assert len(attached.events) == count
    with pytest.raises(UsageError, match="no longer watches"):
        await attached.wait_for_answer()


async def test_answer_that_is_coming_fails_when_the_page_is_closed(page, attached, site):
    await say(page, "hold 2")
    site.control.release(upto=0)
    while not attached.events.of_type(events.Token):
        await page.wait_for_timeout(10)
    await page.close()
    with pytest.raises(StreamBroken):
        await attached.wait_for_answer()
    site.control.release()


async def test_error_of_the_app_is_the_error_of_the_answer(page, attached, site):
    site.control.answer_next("/conversation/", 500, '{"message": "out of order"}', method="POST")
    await say(page, COUNT)
    with pytest.raises(GenerationFailed, match="out of order"):
        await attached.wait_for_answer()


async def test_attach_says_so_when_the_page_is_gone(page, site):
    await page.close()
    with pytest.raises(BrowserError):
        await attach(page, base_url=site.url)
