"""A stand-in site and tapes recorded on it; all tests share them, for each takes a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.setting_values import Record
from tests.signed_in import save_session

if TYPE_CHECKING:
    from huggingchat_agent.choices import Via
    from huggingchat_agent.events import Event


@pytest.fixture(scope="session")
def stand_in():
    with StandIn(echo_pause=0.001) as site:
        yield site


def make_account_settings(site, home):
    return {"base_url": site.url, "home": home, "username": site.username, "password": site.password}


PROMPTS: tuple[tuple[str, Via], ...] = (
    ("hello there", "page"),
    ("for what reason?", "ui"),
    ("count 30 every 20", "page"),
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def recorded(stand_in, tmp_path_factory):
    """A full tape of a sign-in and three turns; with the events and answers as callbacks got them."""
    path = tmp_path_factory.mktemp("tapes") / "run.tape"
    log: list[Event] = []
    given = make_account_settings(stand_in, tmp_path_factory.mktemp("state"))
    with pytest.MonkeyPatch.context() as patched:
        # A picture that takes too long is left out, and how long it takes is the machine's affair.
        patched.setattr("huggingchat_agent.browser.page._PICTURE_SECONDS", 60.0)
        patched.setattr("huggingchat_agent.tape.recorder.PICTURE_PATIENCE", 60.0)
        answers = await _record(HuggingChat(**given, record=Record(path, full=True)), log)
    return path, log, answers


async def _record(chat, log):
    async with chat:
        for name in ("started", "token", "reasoning", "title", "status", "answer", "finished", "failed"):
            chat.on(name, log.append)
        await chat.login()
        conversation = await chat.new_conversation()
        return [await conversation.send(prompt, via=via) for prompt, via in PROMPTS]


@pytest.fixture(scope="session")
def saved_home(stand_in, tmp_path_factory):
    """A state folder with the session of ada."""
    return save_session(stand_in, tmp_path_factory.mktemp("state"))
