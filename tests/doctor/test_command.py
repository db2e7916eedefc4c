"""`huggingchat doctor` as a command: what it prints, saves and returns, and that it tidies up."""

from __future__ import annotations

import json
import os
import signal

import pytest

from fixtures.site import StandIn
from tests.cli.shell import Shell
from tests.quick import QUICK
from tests.signed_in import save_session

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared_site():
    with StandIn(**QUICK) as site:
        yield site


@pytest.fixture
def site(shared_site):
    yield shared_site
    shared_site.control.reset()


@pytest.fixture
def shell(site, tmp_path):
    """Somebody has signed in before."""
    return Shell(site.url, save_session(site, tmp_path / "state"))


def test_report_as_json_and_as_a_folder(shell, site, tmp_path, borrowed):
    shell.more = {"HUGGINGCHAT_USERNAME": site.username, "HUGGINGCHAT_PASSWORD": site.password, **borrowed}
    site.control.drift("a field in messages", "a line of a new type")
    done = shell("doctor", "--json", "--save", str(tmp_path / "report"))
    assert done.code == 1
    assert done.err.startswith("This sends one short message to the app, and then deletes the conversation.")
    report = json.loads(done.out)
    assert report["sound"] is False
    found = {each["text"] for each in report["findings"] if each["state"] == "new"}
    assert found == {"the field tokenCount", "the line thoughts"}
    assert site.control.conversations() == []
    saved = "".join(each.read_text() for each in (tmp_path / "report").iterdir())
    assert "'tokenCount': 'int'" in saved
    assert "'type': 'thoughts'" in saved
    for secret in (site.password, "You said", "signed in as ada", str(tmp_path.home())):
        assert secret not in saved


def test_table_at_a_terminal_says_what_works_and_by_what(site, tmp_path):
    shell = Shell(site.url, tmp_path / "state")  # signs in first
    shell.more = {"HUGGINGCHAT_USERNAME": site.username, "HUGGINGCHAT_PASSWORD": site.password}
    site.control.drift("the models elsewhere")
    site.control.switch(echo_pause=0.1)  # the button that stops an answer is there for a second
    with shell.terminal("doctor") as terminal:
        terminal.expect("This sends one short message")
        terminal.expect("GET /api/models")
        terminal.expect("1 finding needs attention.")
        assert terminal.code() == 1
        assert "browser starts" in terminal.shown


def test_interrupted_walk_deletes_its_conversation(shell, site):
    site.control.switch(echo_pause=2.0)
    with shell.start("doctor") as process:
        site.control.wait_until(lambda: site.control.running, timeout=30)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
    assert site.control.conversations() == []
    assert shell.processes("chrom") == []


def test_app_that_does_not_answer_is_a_finding(shell):
    shell.base_url = "http://127.0.0.1:9/chat"
    done = shell.here("doctor")
    assert done.code == 1
    assert "failed\topening the app\t" in done.out
    assert "Traceback" not in done.err
