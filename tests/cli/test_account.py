"""`login`, `status` and `logout`."""

import json
import re

import pytest

from fixtures.site import StandIn
from tests.cli.conftest import PASSWORD
from tests.cli.shell import Shell

pytestmark = pytest.mark.browser


def read_texts(folder):
    """Everything below the folder that can be read as text."""
    return "\n".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def test_login_saves_a_session_that_status_and_a_second_login_use_until_logout_ends_it(
    stranger, stand_in, borrowed
):
    done = stranger("login", "--username", "ada", "--password-stdin", stdin=PASSWORD)
    assert (done.code, done.err) == (0, "")
    assert re.match(rf"Signed in at {stand_in.url} as ada, until \d{{4}}-\d\d-\d\d \d\d:\d\d\.\n$", done.out)
    session = stranger.home / "profiles" / "default" / "session.json"
    assert session.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in read_texts(stranger.home)

    logins = stand_in.control.logins
    assert stranger.here("login", env=borrowed).out == f"Already signed in at {stand_in.url} as ada.\n"
    account = json.loads(stranger.here("status", "--json", env=borrowed).out)
    assert (account["username"], account["signed_in"], account["login_offered"]) == ("ada", True, True)
    assert (account["base_url"], account["profile"]) == (stand_in.url, "default")
    assert (account["base_url_from"], account["days_left"]) == ("environment", 14.0)
    done = stranger.here("login", "--username", "bob", env=borrowed)
    assert (done.code, done.out) == (3, "") and "signed in as ada, not as bob" in done.err
    assert stand_in.control.logins == logins

    status = stranger("status", "-v", env={"HUGGINGCHAT_ENGINE": "playwright"})
    assert status.code == 0
    facts = dict(line.split(maxsplit=1) for line in status.out.splitlines())
    assert facts["Account"] == "ada"
    assert facts["App"] == stand_in.url
    assert re.match(r"\d{4}-", facts["Until"])
    assert re.match(r"/\S+ \(.+\)", facts["Browser"])
    assert re.match(r"\S.* \d+\.", facts["Version"])
    assert re.match(r"(on|off): \w+", facts["Sandbox"])
    assert facts["Engine"] == "playwright"
    assert facts["Can"].startswith("sign in") and "show the window" in status.out
    assert "leave the other tabs" in facts["Cannot"]
    assert facts["Routes"] == "Who is signed in: GET /api/v2/user"
    assert facts["Sign-in"] == f"at {stand_in.origin} (the app's own origin)"
    assert facts["Profile"] == str(session.parent)
    assert facts["Session"].startswith(f"{session} (saved 2")

    logouts = stand_in.control.count("POST", "/logout")
    done = stranger.here("logout", env=borrowed)
    assert (done.code, done.out, done.err) == (0, f"Signed out of {stand_in.url}.\n", "")
    assert stand_in.control.count("POST", "/logout") == logouts + 1
    assert [each.name for each in session.parent.iterdir()] == ["app.json"]  # where to sign in again
    assert stranger.here("logout").out.startswith("There is no saved session")


def test_login_asks_for_what_is_missing_and_does_not_show_the_password(guest):
    with guest.terminal("login") as terminal:
        terminal.expect("User name: ")
        terminal.type("ada\n")
        terminal.expect("Password of ada (not shown): ")
        terminal.type(PASSWORD + "\n")
        terminal.expect("as ada")
        assert terminal.code() == 0
        assert PASSWORD not in terminal.shown


@pytest.fixture
def second_factor(stand_in):
    stand_in.control.switch(second_factor=True)
    yield stand_in
    stand_in.control.switch(second_factor=False, second_factor_secret="")


def test_login_asks_for_the_code_of_a_second_factor_until_it_is_right(guest, second_factor):
    environment = guest.environment({"HUGGINGCHAT_PASSWORD": PASSWORD})
    with guest.terminal("login", "-u", "ada", environment=environment) as terminal:
        for code in ("111111", "123456"):
            terminal.expect("One-time code (not shown): ")
            terminal.type(f"{code}\n")
        terminal.expect("as ada")
        assert terminal.code() == 0
        assert "111111" not in terminal.shown and "123456" not in terminal.shown


def test_login_takes_the_code_of_a_second_factor_or_its_secret(guest, second_factor):
    given = {"HUGGINGCHAT_USERNAME": "ada", "HUGGINGCHAT_PASSWORD": PASSWORD}
    assert "as ada" in guest.here("login", "--otp", "123456", env=given).out

    second_factor.control.switch(second_factor_secret="JBSWY3DPEHPK3PXP")
    secret = {"HUGGINGCHAT_TOTP_SECRET": "jbsw y3dp ehpk 3pxp"}
    done = guest.here("login", "--profile", "other", env=given | secret)
    assert "as ada" in done.out


def test_login_leaves_a_picture_and_no_secret_when_the_password_is_wrong(guest):
    wrong = "incorrect zebra"
    environment = {"HUGGINGCHAT_USERNAME": "ada", "HUGGINGCHAT_PASSWORD": wrong}
    done = guest.here("login", "-v", env=environment)
    assert (done.code, done.out) == (3, "")
    sentence, screenshot, page = done.err.splitlines()
    assert sentence.startswith("Error: The site refused the user name or password")
    reports = {str(path) for path in (guest.home / "reports").iterdir()}
    assert {screenshot.removeprefix("screenshot: "), page.removeprefix("page:       ")} == reports
    assert wrong not in done.err + read_texts(guest.home)
    assert not (guest.home / "profiles" / "default" / "session.json").exists()


def test_login_takes_no_password_from_the_command_line(stranger):
    assert stranger("login", "--password", PASSWORD).code == 2


def test_login_says_where_to_give_the_password_when_there_is_no_terminal(stranger):
    done = stranger("login", "--username", "ada")
    assert (done.code, done.out) == (2, "")
    assert "--password-stdin" in done.err and "HUGGINGCHAT_PASSWORD" in done.err


def test_status_fails_when_nobody_is_signed_in(guest, stand_in):
    done = guest.here("status")
    assert done.code == 3
    assert done.out.split() == ["Account", "not", "signed", "in", "App", stand_in.url]
    assert "huggingchat login" in done.err and done.err.count("\n") == 1


def test_logout_forgets_the_session_when_the_site_is_down(shell):
    shell.base_url = "http://127.0.0.1:9/chat"
    done = shell.here("logout")
    assert done.code == 1
    assert "The saved session is removed, but" in done.err and done.err.count("\n") == 1
    assert not (shell.home / "profiles" / "default" / "session.json").exists()


def test_app_without_login_just_works(tmp_path, borrowed):
    with StandIn("", login=False) as site:
        shell = Shell(site.url, tmp_path)
        shell.more |= borrowed
        assert "has no login" in shell.here("login").out
        remembered = json.loads((tmp_path / "profiles" / "default" / "app.json").read_text())
        assert remembered["base_url"] == site.url
        assert "anonymous" in shell.here("status").out
        assert shell.here("ask", "hello").out.startswith("You said: hello")
