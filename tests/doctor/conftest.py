"""A signed-in chat on a site that drifts."""

from __future__ import annotations

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from tests.quick import QUICK
from tests.signed_in import save_session

# No longer than a page that works may take: a drift that breaks the page costs this much.
STEP = 5.0


@pytest.fixture(scope="module")
def shared_site():
    # A list that the browser has kept is of the app as it was.
    with StandIn(caching=False, **QUICK) as site:
        yield site


@pytest.fixture
def site(shared_site):
    yield shared_site
    shared_site.control.drift()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_chat(shared_site, tmp_path_factory):
    account = {"username": shared_site.username, "password": shared_site.password}
    home = save_session(shared_site, tmp_path_factory.mktemp("state"))
    async with HuggingChat(base_url=shared_site.url, home=home, step_timeout=STEP, **account) as chat:
        await chat.login()
        yield chat


@pytest_asyncio.fixture(loop_scope="module")
async def chat(shared_chat):
    """The chat, as if it had seen nothing of the app yet."""
    shared_chat._session.calls.alternatives._routes.clear()
    drifts = shared_chat._session.drifts
    drifts.found.clear()
    drifts._known.clear()
    shared_chat._session.tabs.failed_gestures.clear()
    yield shared_chat
    shared_chat.remove_all_listeners()
