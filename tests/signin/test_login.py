"""Signing in, being remembered, and what is left behind when it does not work."""

import stat

import pytest

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import ConsentRequired, CredentialsRejected, LoginError
from tests.e2e.reports import picture, tree

pytestmark = [pytest.mark.browser, pytest.mark.fresh, pytest.mark.asyncio(loop_scope="module")]


async def test_login_goes_through_form_and_consent_and_is_proved(settings, site):
    async with HuggingChat(**settings) as chat:
        assert not (await chat.status()).signed_in
        account = await chat.login()
        assert account.username == "ada"
        assert account.expires is not None
        assert (await chat.status()).username == "ada"
        assert stat.S_IMODE(chat.session.saved.path.stat().st_mode) == 0o600
    assert site.control.logins == 1


async def test_saved_session_is_used_again_without_the_form(settings, site):
    for _ in range(3):
        async with HuggingChat(**settings) as chat:
            assert (await chat.login()).username == "ada"
    assert site.control.logins == 1


async def test_saved_session_needs_no_credentials(settings, site):
    async with HuggingChat(**settings) as chat:
        await chat.login()
    async with HuggingChat(**settings | {"username": None, "password": None}) as chat:
        assert (await chat.login()).username == "ada"


async def test_logout_ends_the_session_here_and_there(settings, site):
    async with HuggingChat(**settings) as chat:
        await chat.login()
        await chat.logout()
        assert not (await chat.status()).signed_in
        assert chat.session.saved.load() is None
    async with HuggingChat(**settings) as chat:
        assert not (await chat.status()).signed_in


async def test_wrong_password_is_told_and_nothing_is_saved(settings):
    async with HuggingChat(**settings | {"password": "wrong horse battery"}) as chat:
        with pytest.raises(CredentialsRejected, match="Invalid") as caught:
            await chat.login()
        assert chat.session.saved.load() is None
        assert picture(caught.value).startswith(b"\x89PNG")
        assert "wrong horse" not in tree(caught.value)


async def test_wrong_password_keeps_the_session_that_was_saved(settings, site):
    async with HuggingChat(**settings) as chat:
        await chat.login()
        saved = chat.session.saved.path.read_bytes()
    site.control.sign_out(hub=True)
    async with HuggingChat(**settings | {"password": "wrong horse battery"}) as chat:
        with pytest.raises(LoginError):
            await chat.login()
        assert chat.session.saved.path.read_bytes() == saved


async def test_no_credentials_say_what_to_set(settings):
    async with HuggingChat(**settings | {"username": None, "password": None}) as chat:
        with pytest.raises(LoginError, match="HUGGINGCHAT_PASSWORD"):
            await chat.login()


@pytest.mark.parametrize("field", ["disabled", "missing"])
async def test_form_that_cannot_be_filled_is_told(settings, site, field):
    site.control.switch(password_field=field)
    async with HuggingChat(**settings) as chat:
        with pytest.raises(LoginError, match=r"can be filled") as caught:
            await chat.login()
        assert picture(caught.value)


async def test_consent_that_hangs_is_told(settings, site):
    site.control.switch(consent_hangs=True)
    async with HuggingChat(**settings, login_timeout=2) as chat:
        with pytest.raises((ConsentRequired, LoginError)) as caught:
            await chat.login()
        assert "code=" not in str(caught.value)


async def test_session_without_the_hubs_token_is_signed_out(settings, site):
    async with HuggingChat(**settings) as chat:
        await chat.login()
    saved = chat.session.saved
    state = saved.load() or {}
    state["cookies"] = [each for each in state["cookies"] if each["name"] != "token"]
    saved.save(state)
    async with HuggingChat(**settings | {"username": None, "password": None}) as chat:
        assert not (await chat.status()).signed_in


@pytest.mark.parametrize("base_path", ["/chat", ""])
async def test_app_without_login_just_works(tmp_path, base_path, via):
    async with (
        StandIn(base_path=base_path, login=False) as site,
        HuggingChat(base_url=site.url, home=tmp_path) as chat,
    ):
        account = await chat.login()
        assert (account.signed_in, account.login_offered) == (False, False)
        answer = await (await chat.new_conversation()).send("hello", via=via)
        assert answer.text.startswith("You said: hello")
        assert chat.session.saved.load() is None


async def test_app_under_the_root_path_signs_in_and_answers(tmp_path, via):
    async with (
        StandIn(base_path="") as site,
        HuggingChat(base_url=site.url, home=tmp_path, username="ada", password="correct horse") as chat,
    ):
        assert (await chat.login()).username == "ada"
        answer = await (await chat.new_conversation()).send("hello", via=via)
        assert answer.text.startswith("You said: hello")
