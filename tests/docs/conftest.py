"""One stand-in, one saved session and one browser for all examples; each connects to that browser."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from fixtures.site import StandIn
from huggingchat_agent import Record
from huggingchat_agent.sync import HuggingChat
from tests.docs.blocks import ROOT
from tests.persons import Persons, borrow
from tests.signed_in import save_session

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVERS = {"Mock": "https://mcp.example.org/mcp", "Web Search (Exa)": "https://mcp.exa.ai/mcp"}


class Scene(NamedTuple):
    """Where the examples play: a folder with the files that they name, and an environment."""

    folder: Path
    environment: dict[str, str]
    places: dict[str, str]
    """What an example names, and what is there in its place."""

    def here(self, text: str) -> str:
        for name, place in self.places.items():
            text = text.replace(name, place)
        return text


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StandIn]:
    with StandIn(echo_pause=0.001, hydration_delay=0.0, tool_servers=SERVERS) as site:
        yield site


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running browser."""
    with asyncio.Runner() as runner:
        persons = runner.run(Persons(tmp_path_factory.mktemp("browser")).__aenter__())
        yield persons.address
        runner.run(persons.__aexit__())


@pytest.fixture(scope="session")
def online(stand_in: StandIn, browser: str, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The stand-in with a conversation and a share of it, and a session saved and exported."""
    folder, home = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("home")
    save_session(stand_in, home)
    account = {"username": stand_in.username, "password": stand_in.password}
    given = {
        "base_url": stand_in.url,
        "connect": browser,
        "isolated": True,
        "engine": "nodriver",
        "home": home,
    }
    tape = Record(folder / "run.tape", pictures=False)
    with HuggingChat(**given, **account, record=tape) as chat:
        chat.login()
        conversation = chat.new_conversation()
        conversation.send("Why is the sky blue?", via="page").result()
        share = conversation.share().rpartition("/")[2]
        chat.export_cookies(folder / "cookies.txt", "netscape")
        chat.export_cookies(folder / "state.json")
    environment = {
        "HUGGINGCHAT_BASE_URL": stand_in.url,
        "HUGGINGCHAT_HOME": str(home),
        "HUGGINGCHAT_USERNAME": stand_in.username,
        "HUGGINGCHAT_PASSWORD": stand_in.password,
        **borrow(browser),
    }
    places = {
        "66b0c0ffee66b0c0ffee66b0": conversation.id,
        "https://huggingface.co/chat/r/a1B2c3D": f"{stand_in.url}/r/{share}",
    }
    return Scene(folder, environment, places)


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A working folder and an environment of its own; online if the test has a browser."""
    found = Scene(tmp_path, {"HUGGINGCHAT_HOME": str(tmp_path / "home")}, {})
    if request.node.get_closest_marker("browser"):
        found = request.getfixturevalue("online")
    folder = tmp_path / "files"
    shutil.copytree(found.folder, folder, ignore=lambda *_: ["files"])
    if not (folder / "run.tape").exists():
        (folder / "run.tape").write_bytes(_hurry(ROOT / "fixtures" / "tapes" / "v1-conversation.tape"))
    (folder / "notes.md").write_text("# Notes\n")
    (folder / "prompts.jsonl").write_text('{"prompt": "hello"}\n{"prompt": "and again"}\n')
    monkeypatch.chdir(folder)
    for name in [each for each in os.environ if each.startswith("HUGGINGCHAT_")]:
        monkeypatch.delenv(name)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name, value in (found.environment | {"PATH": path}).items():
        monkeypatch.setenv(name, value)
    return Scene(folder, found.environment, found.places | {"/tmp/": f"{tmp_path}/"})


def _hurry(tape: Path) -> bytes:
    """The tape, twenty times as fast."""
    header, *records = map(json.loads, gzip.decompress(tape.read_bytes()).splitlines())
    quicker = [each | {"at": each["at"] / 20} for each in records]
    return gzip.compress("".join(json.dumps(each) + "\n" for each in (header, *quicker)).encode())
