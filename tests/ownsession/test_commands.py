"""Commands with a session of the environment, with the account of another app, and with a form elsewhere."""

import base64
import json
import re
from pathlib import Path

import pytest

from fixtures.site import StandIn
from huggingchat_agent.state.remembered_app import read_app
from huggingchat_agent.state.storage import SavedSession
from tests.cli.shell import Shell
from tests.quick import QUICK
from tests.signed_in import save_session

pytestmark = pytest.mark.browser

ACCOUNT = {"HUGGINGCHAT_USERNAME": "ada", "HUGGINGCHAT_PASSWORD": "correct horse"}


@pytest.fixture(scope="module")
def site():
    with StandIn(echo_pause=0.001, **QUICK) as site:
        yield site


@pytest.fixture(scope="module")
def elsewhere():
    """An app whose sign-in is on another origin."""
    with StandIn("", **QUICK) as site:
        yield site


@pytest.fixture
def shell(site, tmp_path, borrowed):
    """Nobody is signed in. Its commands use a running browser."""
    shell = Shell(site.url, tmp_path / "state")
    shell.more |= borrowed
    return shell


def list_values(state):
    """What of a session must be seen nowhere."""
    return [each["value"] for each in state["cookies"]]


def read_all(folder):
    return "\n".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def test_session_of_the_environment_is_used_and_renewed_and_nowhere_written(shell, site, tmp_path):
    state = site.control.open_session()
    text = base64.b64encode(json.dumps(state).encode()).decode()
    secrets = [*list_values(state), text[:40], text]
    shell.more["HUGGINGCHAT_SESSION"] = text
    tape = tmp_path / "run.tape"
    runs = [
        shell.here("status", "-v"),
        shell.here("status", "--json"),
        shell("ask", "-v", "hello", "--record", str(tape)),
        shell.here("refresh", "-v"),
        shell.here("login"),
    ]
    assert [each.code for each in runs] == [0, 0, 0, 0, 0]
    assert "in HUGGINGCHAT_SESSION; it is not saved" in runs[0].out
    assert json.loads(runs[1].out)["days_left"] == 14.0
    assert runs[2].out.startswith("You said: hello")
    assert re.match(rf"The session at {site.url} is renewed: 14 days left, until \d", runs[3].out)
    assert "Already signed in" in runs[4].out
    said = "".join(each.out + each.err for each in runs) + read_all(tmp_path)
    assert tape.exists() and not any(secret in said for secret in secrets)
    assert not (shell.home / "profiles").exists()

    file = tmp_path / "state.json"  # asked for
    assert shell.here("refresh", "--quiet", "--export", str(file)) == (0, "", "")
    assert set(list_values(state)) <= set(list_values(json.loads(file.read_text())))

    site.control.sign_out(hub=True)
    ended = shell.here("refresh", "--quiet")
    assert (ended.code, ended.out) == (3, "")
    assert "does not accept the session in HUGGINGCHAT_SESSION" in ended.err and ended.err.count("\n") == 1
    bad = shell.here("status", env={"HUGGINGCHAT_SESSION": text[5:]})
    assert (bad.code, bad.out) == (2, "") and bad.err.startswith("Error: HUGGINGCHAT_SESSION ")
    assert not any(secret in ended.err + bad.err for secret in secrets)


def test_refresh_renews_a_saved_session_and_says_when_it_is_dead(shell, site):
    saved = SavedSession(save_session(site, shell.home) / "profiles" / "default")
    state = saved.load() or {}
    for each in state["cookies"]:
        each["expires"] = each["expires"] - 10 * 86400 if each["expires"] > 0 else -1
    saved.save(state)
    assert json.loads(shell.here("status", "--json").out)["days_left"] == 4.0  # a read renews nothing
    assert shell.here("refresh", "--quiet") == (0, "", "")
    assert json.loads(shell.here("status", "--json").out)["days_left"] == 14.0
    assert list_values(saved.load() or {}) == list_values(state)

    site.control.sign_out(hub=True)
    dead = shell.here("refresh", "-q", env=ACCOUNT)  # it types nothing
    assert (dead.code, dead.out) == (3, "")
    assert "Not signed in" in dead.err and "huggingchat login" in dead.err and dead.err.count("\n") == 1
    assert list_values(saved.load() or {}) == list_values(state)


def test_account_of_the_environment_stays_with_its_app(shell, site, elsewhere):
    shell.more |= ACCOUNT
    logins, posts = elsewhere.control.logins, elsewhere.control.count("POST", "^/login$")
    refused = shell.here("models", "--base-url", elsewhere.url)
    assert refused.code == 3
    for part in ("HUGGINGCHAT_PASSWORD belong to the app at", site.url, "--use-credentials"):
        assert part in refused.err
    unconfirmed = shell.here("models", "--base-url", elsewhere.url, "--use-credentials")
    assert unconfirmed.code == 3 and f"--login-origin {elsewhere.login_origin}" in unconfirmed.err
    assert elsewhere.control.count("POST", "^/login$") == posts
    chosen = ("--base-url", elsewhere.url, "--use-credentials", "--login-origin", elsewhere.login_origin)
    assert shell.here("models", *chosen, "--profile", "work").code == 0
    assert elsewhere.control.logins == logins + 1

    # The profile remembers where its app is, and where one signs in there.
    status = shell.here("status", "-v", "--profile", "work")
    assert f"{elsewhere.url} (remembered by the profile 'work')" in status.out
    assert f"at {elsewhere.login_origin} (pinned by an earlier sign-in)" in status.out
    assert json.loads(shell.here("status", "--json", "--profile", "work").out)["base_url_from"] == "profile"
    elsewhere.control.sign_out(hub=True)
    assert shell.here("models", "--profile", "work", "--use-credentials").code == 0
    assert elsewhere.control.logins == logins + 2


def test_form_at_another_origin_is_confirmed_at_the_terminal(shell, elsewhere):
    shell.base_url = elsewhere.url
    posts = elsewhere.control.count("POST", "^/login$")
    environment = shell.environment({"HUGGINGCHAT_PASSWORD": "correct horse"})
    folder = Path(shell.home) / "profiles" / "default"
    with shell.terminal("login", "-u", "ada", environment=environment) as terminal:
        terminal.expect("Do you sign in there?")
        assert elsewhere.login_origin in terminal.shown
        terminal.type("n\n")
        terminal.expect("the agent typed nothing")
        assert terminal.code() == 3
    assert elsewhere.control.count("POST", "^/login$") == posts and read_app(folder) is None
    with shell.terminal("login", "-u", "ada", environment=environment) as terminal:
        terminal.expect("Do you sign in there?")
        terminal.type("y\n")
        terminal.expect("as ada")
        assert terminal.code() == 0
    app = read_app(folder)
    assert app is not None and app.login_origins == (elsewhere.login_origin,)
