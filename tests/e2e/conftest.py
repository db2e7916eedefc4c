"""A signed-in chat on the stand-in site, and a client that shares nothing with it but the cookies.

Starting a browser and signing in takes longer than most tests, so a module shares one chat and one
site. A test that breaks either, or counts what happens from the start, is marked `fresh` and gets
its own. Somebody has signed in before, except where a test is marked `stranger`.
"""

from __future__ import annotations

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from tests.quick import QUICK
from tests.signed_in import save_session


def make_settings_for(site, home):
    """The settings of a HuggingChat on the stand-in site, with its test account."""
    return {"base_url": site.url, "home": home, "username": site.username, "password": site.password}


@pytest.fixture(scope="module")
def shared_site():
    with StandIn(**QUICK) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_chat(shared_site, tmp_path_factory):
    home = save_session(shared_site, tmp_path_factory.mktemp("state"))
    async with HuggingChat(**make_settings_for(shared_site, home)) as chat:
        await chat.login()
        yield chat


@pytest.fixture
def site(request):
    """The module's site, or one of the test's own."""
    if request.node.get_closest_marker("fresh"):
        with StandIn(**QUICK) as site:
            yield site
    else:
        yield request.getfixturevalue("shared_site")


@pytest.fixture
def settings(request, site, tmp_path):
    """For a chat that the test opens itself."""
    if not request.node.get_closest_marker("stranger"):
        save_session(site, tmp_path / "state")
    return make_settings_for(site, tmp_path / "state")


@pytest.fixture
def huggingchat_settings(settings):
    """For the plugin's `huggingchat`, which tests get that are marked `fresh`."""
    return settings


@pytest.fixture
def chat(request):
    """Open and signed in: the module's, or one of the test's own."""
    if request.node.get_closest_marker("fresh"):
        request.applymarker(pytest.mark.huggingchat(mode="live"))
        yield request.getfixturevalue("huggingchat")
        return
    chat = request.getfixturevalue("shared_chat")
    yield chat
    chat.remove_all_listeners()  # what one test subscribed the next must not hear


@pytest.fixture
def without_recovery(chat):
    """The chat does not resume broken answers, as if it was opened with `recover=False`."""
    chat._session.recovers = False
    yield
    chat._session.recovers = True


@pytest.fixture
def turns(request):
    """How many turns the long runs take."""
    return 300 if request.config.getoption("--soak") else 12
