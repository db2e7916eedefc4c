"""A cookie that the browser does not keep: the error of what fails without it says so."""

import re
from urllib.parse import urlsplit

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.browser.dropped_cookies import DroppedCookies
from huggingchat_agent.errors import ChatError, GenerationFailed, LoginError, SiteError

SECURE = "dropped the cookie 'hf-chat' of chat.lan: it is marked Secure, and the address is plain http"


def event(line, *reasons, kept=""):
    blocked = [{"blockedReasons": list(reasons), "cookieLine": line, "cookie": {"domain": "chat.lan"}}]
    return {"blockedCookies": blocked if reasons else [], "headers": {"Set-Cookie": kept}}


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("SecureOnly", "marked Secure, and the address is plain http"),
        ("SameSiteNoneInsecure", "SameSite=None, but not Secure"),
        ("InvalidDomain", "for another domain"),
        ("InvalidPrefix", "begins with __Secure- or __Host-"),
        ("OverwriteSecure", "set over https"),
        ("UserPreferences", "settings or a policy"),
        ("SomethingNew", "settings or a policy"),
    ],
)
def test_reason_of_the_browser_becomes_a_sentence(reason, sentence):
    cookies = DroppedCookies()
    cookies.take(event("hf-chat=4secret9x; Secure", reason))
    error = ChatError("The page was not found.")
    error.hint = "Look elsewhere."
    cookies.explain(error)
    cookies.explain(error)
    cookies.explain(other := GenerationFailed("The model is overloaded."))
    assert "cookie" not in str(other)
    assert error.message.count(sentence) == 1 and "'hf-chat' of chat.lan" in error.message
    assert "4secret9x" not in str(error) and "Look elsewhere" not in str(error) and error.hint


def test_cookie_that_is_kept_later_or_is_of_another_site_explains_nothing():
    cookies = DroppedCookies()
    cookies.take(event("hf-chat=1; Secure", "SecureOnly"))
    cookies.take(event("", kept="a=1\nhf-chat=2; Path=/"))
    cookies.take(event("tracker=1", "ThirdPartyPhaseout"))
    assert cookies.last is None


@pytest.fixture(params=["playwright", "nodriver"])
def engine(request):
    return request.param


@pytest.fixture
def elsewhere(engine, settings, site):
    """The site under a name for which a browser does not keep Secure cookies over http."""
    return settings | {
        "base_url": f"http://chat.lan:{urlsplit(site.url).port}{urlsplit(site.url).path}",
        "browser_args": ["--host-resolver-rules=MAP chat.lan 127.0.0.1"],
        "insecure": True,
        "engine": engine,
    }


@pytest.mark.browser
@pytest.mark.either_engine
async def test_sign_in_that_leads_nowhere_names_the_cookie(elsewhere, site):
    site.control.switch(secure_cookies=True)
    async with HuggingChat(**elsewhere) as chat:
        with pytest.raises((LoginError, SiteError), match=r"of chat\.lan: it is marked Secure") as caught:
            await chat.login()
    assert "Use an https address" in caught.value.for_shell()


@pytest.mark.browser
@pytest.mark.either_engine
async def test_conversation_that_nobody_has_names_the_cookie(elsewhere, site):
    site.control.switch(secure_cookies=True, login=False)
    async with HuggingChat(**elsewhere) as chat:
        with pytest.raises(ChatError, match=re.escape(SECURE)):
            conversation = await chat.new_conversation()
            await conversation.send("hi", via="page")


@pytest.mark.browser
@pytest.mark.either_engine
async def test_right_cookies_are_not_blamed(elsewhere, site):
    async with HuggingChat(**elsewhere) as chat:
        with pytest.raises(LoginError) as caught:
            await chat.login("ada", "wrong")
    assert "cookie" not in str(caught.value)
