"""One site and one browser for a module: a test gets the site as new, which knows nobody any more."""

from __future__ import annotations

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import load_engine
from huggingchat_agent.one_time_password import Codes
from huggingchat_agent.redact import Secret
from huggingchat_agent.settings import make_settings
from huggingchat_agent.site.signin.sign_in import SignIn
from tests.budget import take_turns
from tests.quick import QUICK

SKINS = ("forms", "scripts")
ACCOUNT = ("ada", "correct horse")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    take_turns(config, items, "skin", SKINS)


@pytest.fixture(scope="module")
def shared_site():
    with StandIn(**QUICK) as site:
        yield site


@pytest.fixture
def site(shared_site):
    """The module's site, with nobody known to it and all switches as they were."""
    shared_site.control.reset()
    return shared_site


@pytest.fixture
def settings(site, tmp_path):
    """What a HuggingChat is opened with to be on the stand-in site as its test account."""
    return {
        "base_url": site.url,
        "home": tmp_path / "state",
        "username": site.username,
        "password": site.password,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(shared_site):
    """For the machine alone, which needs no more than a tab."""
    browser = await load_engine("playwright").start(make_settings(base_url=shared_site.url), None)
    yield browser
    await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def sign_in(site, browser):
    """Sign in by the machine, in a tab of a browser without cookies; the tab's address at the end."""
    await browser._context.clear_cookies()  # the protocol has no word for it, and no other need
    pages = []

    async def run(username=ACCOUNT[0], password=ACCOUNT[1], otp=None, secret=None, timeout=20.0):
        page = await browser.new_page(lambda event: None)
        pages.append(page)
        codes = Codes(otp, Secret(secret) if secret else None)
        way = SignIn(page, site.url, username, Secret(password) if password else None, codes)
        await way.run(timeout=timeout)
        return await page.read_address()

    yield run
    for page in pages:
        await page.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_chat(shared_site, tmp_path_factory):
    """Open, without credentials of its own."""
    async with HuggingChat(base_url=shared_site.url, home=tmp_path_factory.mktemp("state")) as chat:
        yield chat


@pytest.fixture
def stranger(site, shared_chat):
    """Open, nobody is signed in, and nothing is saved. `login(*ACCOUNT)` signs it in."""
    shared_chat._session.recovery.disarm()
    shared_chat._session.saved.remove()
    return shared_chat


@pytest_asyncio.fixture(loop_scope="module")
async def chat(stranger):
    """Open and signed in."""
    await stranger.login(*ACCOUNT)
    return stranger
