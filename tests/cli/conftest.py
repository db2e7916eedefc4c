"""One stand-in site, one saved session and one browser for all commands that do not need their own."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fixtures.site import StandIn
from huggingchat_agent.cli import error_output
from huggingchat_agent.sync import HuggingChat
from tests.cli.shell import Shell
from tests.quick import QUICK
from tests.signed_in import save_session

PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def stand_in():
    with StandIn(echo_pause=0.001, **QUICK) as site:
        yield site


@pytest.fixture(scope="session")
def saved_home(stand_in, tmp_path_factory):
    """A state folder with the session of ada; copy it to change it."""
    return save_session(stand_in, tmp_path_factory.mktemp("signed in"))


@pytest.fixture
def starting(stand_in, saved_home, tmp_path):
    """Signed in, by a saved session of its own. Its commands start browsers."""
    return Shell(stand_in.url, shutil.copytree(saved_home, tmp_path / "state"))


@pytest.fixture
def shell(starting, borrowed):
    """Signed in, by a saved session of its own. Its commands use a running browser."""
    starting.more |= borrowed
    return starting


@pytest.fixture
def stranger(stand_in, tmp_path):
    """Nobody is signed in and nothing is saved."""
    return Shell(stand_in.url, tmp_path / "new state")


@pytest.fixture
def guest(stranger, borrowed):
    """Nobody is signed in and nothing is saved. Its commands use a running browser."""
    stranger.more |= borrowed
    return stranger


class Recorded(NamedTuple):
    """A tape of the reads of commands, and its two stored conversations, the newer one last."""

    tape: Path
    url: str
    plain: str
    reasoned: str
    stored: list[dict[str, Any]]


TOOLS = {"Mock": "https://mcp.example.org/mcp?key=s3cret", "Web Search (Exa)": "https://mcp.exa.ai/mcp"}


@pytest.fixture(scope="session")
def recorded(saved_home, tmp_path_factory):
    """Made once, with a browser on a site of its own."""
    folder = tmp_path_factory.mktemp("recorded")
    with StandIn(echo_pause=0.001, tool_servers=TOOLS, **QUICK) as site:
        account = {"username": site.username, "password": site.password}
        tape = folder / "read.tape"
        save_session(site, folder)
        with HuggingChat(base_url=site.url, home=folder, record=tape, via="page", **account) as chat:
            chat.login()
            plain = chat.new_conversation()
            plain.send("tell me **all**").result()
            reasoned = chat.new_conversation(model="deepseek")
            reasoned.send("reason about it").result()
            plain.read()
            chat.models(), chat.tools(), chat.preferences(), list(chat.conversations())
        stored = [site.control.conversation(each.id) for each in (plain, reasoned)]
        yield Recorded(tape, site.url, plain.id, reasoned.id, stored)


class Taped(Shell):
    """Its commands are answered from a tape, without a browser, and say so first, unless they are refused."""

    def here(self, *arguments, env=None):
        done = super().here(*arguments, env=env)
        if done.code == error_output.WRONG_USAGE:
            return done
        notice, _, err = done.err.partition("\n")
        assert notice.startswith("A tape answers")
        return done._replace(err=err)


@pytest.fixture
def taped(recorded, tmp_path):
    """Signed in, on that tape."""
    shell = Taped("", tmp_path / "state")
    shell.more = {"HUGGINGCHAT_REPLAY": str(recorded.tape)}
    return shell
