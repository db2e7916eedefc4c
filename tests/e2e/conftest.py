"""A signed-in chat on the stand-in site, and a client that shares nothing with it but the cookies."""

import pytest

from huggingchat_agent import HuggingChat
from tests.raw import Raw


@pytest.fixture
def settings(site, tmp_path):
    """What a HuggingChat is opened with to be on the stand-in site as its test account."""
    return {
        "base_url": site.url,
        "home": tmp_path / "state",
        "username": "ada",
        "password": "correct horse",
    }


@pytest.fixture
async def chat(settings):
    """Open and signed in."""
    async with HuggingChat(**settings) as chat:
        await chat.login()
        yield chat


@pytest.fixture
async def raw(chat):
    """A plain HTTP client with the chat's cookies."""
    state = await chat.session.storage_state()
    async with Raw(chat.settings.base_url, {each["name"]: each["value"] for each in state["cookies"]}) as raw:
        yield raw


@pytest.fixture(params=["ui", "page"])
def via(request):
    """Each way to send."""
    return request.param


@pytest.fixture
def turns(request):
    """How many turns the long runs take."""
    return 300 if request.config.getoption("--soak") else 30
