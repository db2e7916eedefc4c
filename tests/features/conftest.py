"""The site of `tests/e2e`, and a chat for a module: on Playwright, and in the long run on nodriver too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from tests.e2e.conftest import make_settings_for, settings, shared_site, site
from tests.signed_in import save_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fixtures.site import StandIn

__all__ = ["settings", "shared_site", "site"]


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["playwright", pytest.param("nodriver", marks=pytest.mark.soak)],
)
async def shared_chat(
    request: pytest.FixtureRequest, shared_site: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[HuggingChat]:
    shared_site.control.reset()  # the other engine's tests have left their switches
    home = save_session(shared_site, tmp_path_factory.mktemp("state"))
    async with HuggingChat(**make_settings_for(shared_site, home), engine=request.param) as chat:
        await chat.login()
        yield chat


@pytest.fixture
def chat(shared_chat: HuggingChat) -> Iterator[HuggingChat]:
    yield shared_chat
    shared_chat.remove_all_listeners()
