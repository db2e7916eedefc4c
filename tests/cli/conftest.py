"""One stand-in site and one saved session for all commands: each of them starts a browser anyway."""

import shutil

import pytest

from fixtures.site import StandIn
from tests.cli.shell import Shell
from tests.quick import QUICK

PASSWORD = "correct horse"


@pytest.fixture(scope="session")
def stand_in():
    with StandIn(echo_pause=0.001, **QUICK) as site:
        yield site


@pytest.fixture(scope="session")
def saved_home(stand_in, tmp_path_factory):
    """A state folder with the session of ada; copy it to change it."""
    shell = Shell(stand_in.url, tmp_path_factory.mktemp("signed in"))
    done = shell("login", "--username", "ada", "--password-stdin", stdin=PASSWORD + "\n")
    assert done.code == 0, done.err
    return shell.home


@pytest.fixture
def shell(stand_in, saved_home, tmp_path):
    """Signed in, by a saved session of its own."""
    return Shell(stand_in.url, shutil.copytree(saved_home, tmp_path / "state"))


@pytest.fixture
def stranger(stand_in, tmp_path):
    """Nobody is signed in and nothing is saved."""
    return Shell(stand_in.url, tmp_path / "new state")
