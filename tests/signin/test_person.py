"""A sign-in that is left to a person in the browser's window."""

import asyncio

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import LoginError
from tests.cli.shell import Shell
from tests.signin.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture
def shell(site, tmp_path):
    return Shell(site.url, tmp_path / "state")


def find_saved(shell):
    return shell.home / "profiles" / "default" / "session.json"


@pytest.fixture
def window(shell, on_screen, unused_tcp_port):
    """`login --headed` at a terminal, and the port at which somebody sits down at its window."""
    port = {"HUGGINGCHAT_BROWSER_ARGS": f"--remote-debugging-port={unused_tcp_port}"}
    with shell.terminal("login", "--headed", environment=shell.environment(port)) as terminal:
        yield terminal, unused_tcp_port


async def test_person_signs_in_through_challenge_and_second_factor(shell, window, site):
    site.control.switch(before_password=("challenge",), second_factor=True)
    terminal, port = window
    async with Person(port) as person:
        await person.clicks("#captcha-container button")
        await person.types("input[name=username]", "ada")
        await person.types("input[name=password]", "correct horse")
        assert not find_saved(shell).exists()
        await person.clicks("form[action='/login'] button")
        await person.types("input[name=code]", "123456")
        await person.clicks("form[action='/login/two-factor'] button")
        await person.clicks("form[action^='/oauth/authorize'] button.main")
        await asyncio.to_thread(terminal.expect, f"Signed in at {site.url} as ada")
    assert await asyncio.to_thread(terminal.code) == 0
    assert "correct horse" not in terminal.shown + find_saved(shell).read_text()
    done = await asyncio.to_thread(shell, "status")
    assert done.out.split()[:2] == ["Account", "ada"]
    assert site.control.logins == 1


@pytest.mark.parametrize(
    "closes",
    [
        pytest.param(Person.closes_the_tab, id="tab", marks=pytest.mark.soak),
        pytest.param(Person.closes_the_browser, id="window"),
    ],
)
async def test_window_closed_early_is_reported_and_nothing_is_saved(shell, window, closes):
    terminal, port = window
    async with Person(port) as person:
        await person.types("input[name=username]", "ada")
        await closes(person)
        await asyncio.to_thread(terminal.expect, "The window was closed before anybody was signed in")
    assert await asyncio.to_thread(terminal.code) == 3
    assert not find_saved(shell).exists()


async def test_login_in_a_window_without_a_display_says_so(shell, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = await asyncio.to_thread(shell, "login", "--headed")
    assert (done.code, done.out) == (4, "")
    assert "no display" in done.err and done.err.count("\n") == 1


async def test_person_who_does_not_come_is_not_waited_for_for_ever(settings, on_screen):
    async with HuggingChat(**settings, headless=False, person_timeout=1.0) as chat:
        with pytest.raises(LoginError, match=r"Nobody signed in at .* within 1 s"):
            await chat.login(by_person=True)
        assert chat._session.saved.load() is None
        await chat.login()
        assert (await chat.login(by_person=True)).username == "ada"  # nobody is waited for
