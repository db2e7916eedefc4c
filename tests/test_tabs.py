"""One page for the session and a conversation: who gets it, and when it is closed. No browser runs here."""

import asyncio
import itertools

import pytest

from huggingchat_agent.session.connections import Connections
from huggingchat_agent.session.tabs import IDLE_TABS, Tabs
from huggingchat_agent.session.uses import BrowserUses
from huggingchat_agent.settings import make_settings

APP = "http://127.0.0.1:9/chat"
_numbers = itertools.count()


class Page:
    def __init__(self):
        self.id, self.closed, self.address = f"page-{next(_numbers)}", False, ""

    async def goto(self, url, *, timeout):
        await asyncio.sleep(0)
        self.address = url

    async def read_address(self):
        return self.address

    async def close(self):
        await asyncio.sleep(0)
        self.closed = True


class Browser:
    version, closed = "1", False

    def __init__(self):
        self.pages = []

    async def new_page(self, sink):
        await asyncio.sleep(0)
        self.pages.append(Page())
        return self.pages[-1]

    @property
    def open(self):
        return [each for each in self.pages if not each.closed]


class Profile:
    browser = None

    async def start(self, state):
        self.browser = Browser()
        return self.browser


@pytest.fixture
def users():
    """Who uses the browser: one turn."""
    uses = BrowserUses()
    uses.count = 1
    return uses


@pytest.fixture
def tabs(users):
    settings = make_settings(base_url=APP, tab_turns=2)
    profile, ignore = Profile(), lambda event: None
    return Tabs(settings, profile, Connections(), users, ignore, None, ignore)  # type: ignore[arg-type]


async def take(tabs, conversation):
    """A turn's tab, its page prepared."""
    tab = await tabs.lease(conversation)
    tab.moving = False
    return tab


async def test_one_conversation_and_the_session_have_one_page(tabs):
    shared = await tabs.get_shared()
    tab = await tabs.lease("a")
    assert tab.page is shared
    tab.moving = False
    assert await tabs.get_shared() is shared
    await tabs.release(tab)
    assert tabs._profile.browser.open == [shared]


async def test_two_conversations_at_once_get_a_page_each(tabs, users):
    users.count = 2
    first, second = await asyncio.gather(tabs.lease("a"), tabs.lease("b"))
    assert first.page is not second.page
    shared = await tabs.get_shared()
    assert shared not in (first.page, second.page)


async def test_calls_get_another_page_while_theirs_may_be_loaded_again(tabs):
    tab = await tabs.lease("a")
    other = await tabs.get_shared()
    assert other is not tab.page
    tab.moving = False
    assert await tabs.get_shared() is other


async def test_sign_in_does_not_load_the_page_of_a_running_answer(tabs):
    tab = await take(tabs, "a")
    assert await tabs.get_shared() is tab.page
    await tabs.load_app()
    assert tab.page.address == f"{APP}/"
    assert await tabs.get_shared(to_move=True) is not tab.page


@pytest.mark.parametrize("give_up", ["leave", "idle"])
async def test_page_that_a_conversation_gives_up_stays_if_calls_go_through_it(tabs, give_up):
    tab = await take(tabs, "a")
    await tabs.release(tab)
    await (tabs.leave_tab("a") if give_up == "leave" else tabs.close_idle())
    assert not tab.page.closed
    assert await tabs.get_shared() is tab.page
    again = await take(tabs, "b")
    assert (again.page, again.leaf) == (tab.page, None)


async def test_page_is_not_closed_for_its_turns_while_others_may_use_it(tabs, users):
    for count in (1, 2, 1):
        tab = await take(tabs, "a")
        users.count = count  # another call or turn has begun meanwhile
        await tabs.release(tab)
        assert tab.page.closed is (tab.turns == 3)
        users.count = 1


async def test_page_left_in_the_middle_of_a_cancelled_load_is_no_page_for_calls(tabs):
    tab = await tabs.lease("a")
    await tabs.release(tab)
    assert await tabs.get_shared() is not tab.page
    assert not tab.busy and not tab.moving


async def test_page_whose_conversation_was_deleted_meanwhile_is_closed_at_the_end(tabs, users):
    users.count = 2
    tab = await take(tabs, "a")
    del tabs._tabs["a"]
    await tabs.release(tab)
    assert tab.page.closed


async def test_page_that_is_lost_while_it_is_lent_is_replaced_for_both(tabs):
    tab = await take(tabs, "a")
    tab.page.closed = True
    await tabs.release(tab)
    shared = await tabs.get_shared()
    again = await take(tabs, "a")
    assert again.page is shared is not tab.page


async def test_cancelled_wait_for_a_page_leaves_nothing_behind(tabs, users):
    await tabs.get_shared()
    users.count = 2
    waiting = asyncio.create_task(tabs.lease("a"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not tabs.busy
    assert len(tabs._profile.browser.open) == 1


async def test_many_conversations_in_turns_keep_few_pages(tabs, users):
    users.count = 2
    for number in range(4 * IDLE_TABS):
        tab = await tabs.lease(str(number))
        if number % 2:
            tab.moving = False
        await tabs.release(tab)
    assert len(tabs._profile.browser.open) <= IDLE_TABS + 1
