"""What every engine must do: one set of tests over (engine, via), none of which asks which it is.

Where the table of abilities says that an engine cannot, a test expects the table's sentence instead.
A module shares a site and, for each engine, a signed-in chat.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, get_args

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import abilities
from huggingchat_agent.browser import load_engine as engine_named
from huggingchat_agent.choices import EngineName
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.settings import make_settings
from tests.quick import QUICK
from tests.signed_in import save_session

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGINES = get_args(EngineName)


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    """The name of an engine."""
    return request.param


@pytest.fixture(scope="module")
def site():
    with StandIn(**QUICK) as site:
        yield site


@pytest.fixture(scope="module")
def account(site):
    """The settings of a HuggingChat on the site, with its test account."""
    return {"base_url": site.url, "username": site.username, "password": site.password}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(engine, account, site, tmp_path_factory):
    home = save_session(site, tmp_path_factory.mktemp("state"))
    async with HuggingChat(engine=engine, home=home, **account) as chat:
        await chat.login()
        yield chat


@pytest.fixture
def started(engine, site):
    """Start a browser of the engine on the site: `await started(**settings)`."""

    async def start(state=None, **given):
        return await engine_named(engine).start(make_settings(base_url=site.url, **given), state)

    return start


@pytest.fixture
def able(engine):
    """`with able("connect"):` the block works, or fails with the sentence of the table."""

    @contextlib.contextmanager
    def able(name: str) -> Iterator[None]:
        ability = next(each for each in abilities.ABILITIES if each.name == name)
        if engine_named(engine).can[name]:
            yield
            return
        with pytest.raises(SettingsError) as caught:
            yield
        assert str(caught.value) == ability.without[engine]

    return able
