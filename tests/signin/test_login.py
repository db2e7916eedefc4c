"""Signing in, being remembered, and what is left behind when it does not work."""

import datetime
import stat
from urllib.parse import urlsplit

import pytest

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import (
    ChallengePresented,
    CredentialsRejected,
    LoginError,
    SiteError,
    UsageError,
)
from tests.e2e.reports import read_picture, read_tree
from tests.raw import Raw
from tests.signin.conftest import ACCOUNT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

WRONG = "wrong horse battery"


async def test_login_goes_through_form_and_consent_and_is_proved(stranger, site):
    assert not (await stranger.status()).signed_in
    assert "ada" not in (await read_shared_tab(stranger)).split()
    account = await stranger.login(*ACCOUNT)
    assert account.username == "ada"
    assert account.expires is not None
    lasts = account.expires - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=13) < lasts <= datetime.timedelta(days=14)
    assert (await stranger.status()).username == "ada"
    assert stat.S_IMODE(stranger._session.saved.path.stat().st_mode) == 0o600
    assert site.control.logins == 1
    assert "ada" in (await read_shared_tab(stranger)).split()


async def read_shared_tab(chat):
    page = await chat._session.tabs.get_shared()
    return await page.evaluate("() => document.body.innerText", timeout=5)


async def test_saved_session_is_used_again_without_form_and_credentials_until_a_logout(settings, site):
    async with HuggingChat(**settings) as chat:
        await chat.login()
    async with HuggingChat(**settings | {"username": None, "password": None}) as chat:
        assert (await chat.login()).username == "ada"
        await chat.logout()
        asked = site.control.count("GET", "/api/v2/user$")
    assert chat._session.saved.load() is None
    assert site.control.count("GET", "/api/v2/user$") == asked, "the end asks who is signed in, to save that"
    assert site.control.logins == 1


async def test_password_is_not_typed_into_a_page_that_others_can_read(settings, site):
    port = urlsplit(site.url).port
    elsewhere = settings | {
        "base_url": f"HTTP://Chat.LAN:{port}/{urlsplit(site.url).path.strip('/')}",
        "browser_args": ["--host-resolver-rules=MAP chat.lan 127.0.0.1"],
    }
    async with HuggingChat(**elsewhere) as chat:
        with pytest.raises(LoginError, match=r"chat\.lan.* is not encrypted .*insecure=True") as caught:
            await chat.login()
    assert "--insecure" in caught.value.for_shell()
    assert (site.control.logins, site.control.count("POST", "^/login$")) == (0, 0)
    async with HuggingChat(**elsewhere, insecure=True) as chat:
        assert (await chat.login()).username == "ada"


async def test_login_as_somebody_else_is_refused(chat, site):
    with pytest.raises(LoginError, match="signed in as ada, not as bob"):
        await chat.login("bob", "battery staple")
    assert site.control.logins == 1


async def test_logout_ends_the_session_here_and_there(chat):
    state = await chat._session.read_state()
    await chat.logout()
    assert not (await chat.status()).signed_in
    assert chat._session.saved.load() is None
    async with Raw(chat.settings.base_url, {each["name"]: each["value"] for each in state["cookies"]}) as raw:
        assert await raw.user() is None


async def test_logout_that_the_app_refuses_is_reported_and_the_session_forgotten(chat, site):
    site.control.answer_next("/logout$", 500, "Internal Error", method="POST", content_type="text/plain")
    with pytest.raises(SiteError, match="answered the logout with 500"):
        await chat.logout()
    assert chat._session.saved.load() is None


async def test_wrong_password_is_reported_and_nothing_is_saved(stranger):
    with pytest.raises(CredentialsRejected, match="Invalid") as caught:
        await stranger.login("ada", WRONG)
    assert stranger._session.saved.load() is None
    assert read_picture(caught.value).startswith(b"\x89PNG")
    assert WRONG not in read_tree(caught.value)


async def test_wrong_password_keeps_the_session_that_was_saved(chat, site):
    saved = chat._session.saved.path.read_bytes()
    site.control.sign_out(hub=True)
    with pytest.raises(LoginError):
        await chat.login("ada", WRONG)
    assert chat._session.saved.path.read_bytes() == saved


async def test_no_credentials_say_what_to_set(stranger):
    with pytest.raises(LoginError, match="HUGGINGCHAT_PASSWORD"):
        await stranger.login()


async def test_person_without_a_window_is_a_mistake(stranger):
    with pytest.raises(UsageError, match="headless=False"):
        await stranger.login(by_person=True)


async def test_page_that_is_not_got_through_is_shown(stranger, site):
    site.control.switch(password_field="disabled")
    with pytest.raises(LoginError, match=r"can be filled") as caught:
        await stranger.login(*ACCOUNT)
    assert read_picture(caught.value)
    site.control.switch(password_field="shown", challenge=True)
    with pytest.raises(ChallengePresented, match="login\\(by_person=True\\)") as caught:
        await stranger.login(*ACCOUNT)
    assert "human" in read_tree(caught.value) and read_picture(caught.value)
    assert stranger._session.saved.load() is None


async def test_session_without_the_hubs_token_is_signed_out(chat):
    saved = chat._session.saved
    state = saved.load() or {}
    state["cookies"] = [each for each in state["cookies"] if each["name"] != "token"]
    saved.save(state)
    await chat._session.tabs.stop()  # the next need starts a browser with what is saved
    assert not (await chat.status()).signed_in


async def test_session_of_an_app_that_is_coupled_with_nothing_needs_no_token(stranger, site):
    site.control.switch(hub_cookie="hub-session")
    await stranger.login(*ACCOUNT)
    state = await stranger._session.read_state()
    session = {each["name"]: each["value"] for each in state["cookies"] if each["name"] == "hf-chat"}
    assert (await stranger.login(cookies=session)).username == "ada"
    assert site.control.logins == 1


@pytest.mark.parametrize("base_path", ["/chat", pytest.param("", marks=pytest.mark.soak)])
async def test_app_without_login_just_works(tmp_path, base_path):
    async with (
        StandIn(base_path=base_path, login=False) as site,
        HuggingChat(base_url=site.url, home=tmp_path) as chat,
    ):
        account = await chat.login()
        assert (account.signed_in, account.login_offered) == (False, False)
        for via in ("ui", "page"):
            answer = await (await chat.new_conversation()).send("hello", via=via)
            assert answer.text.startswith("You said: hello")
        await chat.close()
        async with HuggingChat(base_url=site.url, home=tmp_path) as later:
            assert [each.id async for each in later.conversations()]  # they belong to the session's cookie


async def test_app_under_the_root_path_signs_in_and_answers(tmp_path):
    async with StandIn(base_path="") as site:
        elsewhere = [site.login_origin]
        async with HuggingChat(base_url=site.url, home=tmp_path, login_origins=elsewhere) as chat:
            assert (await chat.login(*ACCOUNT)).username == "ada"
            for via in ("ui", "page"):
                answer = await (await chat.new_conversation()).send("hello", via=via)
                assert answer.text.startswith("You said: hello")
