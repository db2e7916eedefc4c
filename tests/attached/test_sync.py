"""The agent on a page that a test drives by Playwright's sync API, on the stand-in site."""

import signal
import threading
import time

import pytest
from playwright.sync_api import sync_playwright

from huggingchat_agent import events
from huggingchat_agent.browser.executable import find_executable
from huggingchat_agent.errors import BrowserError, StreamBroken, UsageError
from huggingchat_agent.sync import attach

pytestmark = pytest.mark.browser

COUNT = "count 30 every 5"


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        found = find_executable()
        assert found is not None
        yield playwright.chromium.launch(executable_path=found.path, chromium_sandbox=False)


@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def attached(page, site, tmp_path):
    with attach(page, base_url=site.url, home=tmp_path) as attached:
        enter(page, site)
        yield attached


def enter(page, site):
    page.goto(site.url)
    # The answer brings the cookie of the session that conversations will belong to.
    with page.expect_response("**/settings"):
        page.get_by_role("button", name="Start chatting").click()


def say(page, prompt):
    page.get_by_placeholder("Ask anything").fill(prompt)
    page.get_by_role("button", name="Send message").click()


def read_stored(site):
    return site.control.conversations()[0]["messages"]


def test_turn_that_the_test_starts_by_its_locators_gives_the_events_of_any_turn(page, attached, site):
    calls = []
    attached.on("token", lambda event: calls.append((event.text, threading.get_ident())))
    say(page, COUNT)
    answer = attached.wait_for_answer()
    assert answer.text == read_stored(site)[-1]["content"] == "".join(text for text, _ in calls)
    assert {thread for _, thread in calls} == {threading.get_ident()}
    assert (answer.user_message_id, answer.message_id) == tuple(each["id"] for each in read_stored(site)[-2:])
    assert len(calls) == answer.timing.tokens == len(attached.events.of_type("token")) >= 30
    assert [each.prompt for each in attached.events.of_type(events.Started)] == [COUNT]
    assert [each.seq for each in attached.events] == [*range(1, len(attached.events) + 1)]


def test_events_arrive_while_the_test_is_inside_a_playwright_call(page, attached, site):
    say(page, "hold 3")
    for number in range(3):
        site.control.release(upto=number)
        while len(attached.events.of_type(events.Token)) <= number:
            page.wait_for_timeout(10)
    page.get_by_role("button", name="Retry").wait_for()
    assert attached.wait_for_answer().timing.tokens == 3


def test_handler_may_use_the_page_and_delays_those_that_follow(page, attached):
    order = []

    def slow(event):
        order.append(event.seq)
        page.evaluate("() => new Promise(done => setTimeout(done, 20))")
        order.append(event.seq)

    attached.on("started", slow)
    attached.on("token", slow)
    attached.on("finished", slow)
    say(page, "hello")
    attached.wait_for_answer()
    assert order == sorted(order)
    assert order[-1] == attached.events[-1].seq
    assert len(order) == 2 * (2 + len(attached.events.of_type("token")))


def test_answer_is_whole_after_a_time_spent_outside_of_playwright(page, attached, site):
    say(page, COUNT)
    time.sleep(1.0)  # the answer comes and ends meanwhile, and nobody reads it
    answer = attached.wait_for_answer()
    assert answer.text == read_stored(site)[-1]["content"]
    assert answer.timing.tokens >= 30


def test_wait_for_answer_raises_what_went_wrong_with_it(page, attached, site):
    site.control.cut(25, run_dies=True)
    say(page, COUNT)
    with pytest.raises(StreamBroken) as broken:
        attached.wait_for_answer()
    assert broken.value.partial


def test_wait_for_answer_may_be_asked_again_when_the_time_was_over(page, attached, site):
    say(page, "hold 1")
    with pytest.raises(TimeoutError, match="has 0 characters"):
        attached.wait_for_answer(timeout=0.5)
    site.control.release()
    assert attached.wait_for_answer().text


def test_interrupt_ends_the_wait_and_the_page_can_be_used_after_it(page, attached, site):
    say(page, "hold 1")
    me = threading.get_ident()

    timer = threading.Timer(0.5, lambda: signal.pthread_kill(me, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        attached.wait_for_answer()
    site.control.release()
    assert attached.wait_for_answer().text
    assert page.title()


def test_two_pages_at_once_keep_their_events_apart(page, attached, site, browser, tmp_path):
    context = browser.new_context()
    with attach(context.new_page(), base_url=site.url, home=tmp_path) as other:
        second = context.pages[0]
        enter(second, site)
        say(page, "to the first")
        say(second, "to the second")
        assert "to the second" in other.wait_for_answer().text
        assert "to the first" in attached.wait_for_answer().text
    context.close()


def test_screenshot_is_a_picture_of_the_page(attached, tmp_path):
    path = attached.screenshot(tmp_path / "page.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_agent_comes_off_a_page_that_was_closed_in_the_middle_of_an_answer(page, attached, site):
    say(page, "hold 2")
    site.control.release(upto=0)
    while not attached.events.of_type(events.Token):
        page.wait_for_timeout(10)
    page.close()
    with pytest.raises(StreamBroken):
        attached.wait_for_answer()
    attached.close()
    with pytest.raises(UsageError, match="no longer watches"):
        attached.wait_for_answer()
    site.control.release()


def test_attach_says_so_when_the_page_is_gone(page, site):
    page.close()
    with pytest.raises(BrowserError):
        attach(page, base_url=site.url)


def test_exchanges_reach_those_who_ask_for_them(page, attached):
    seen = []
    attached.on("exchange", lambda event: seen.append(event.exchange))
    say(page, "hello")
    attached.wait_for_answer()
    assert any("/conversation/" in getattr(each, "url", "") for each in seen)
