"""Signing in through whatever pages the site shows, in whatever order and markup."""

import itertools
from typing import Any

import pytest

from huggingchat_agent.errors import (
    ChallengePresented,
    ConsentRequired,
    CredentialsRejected,
    EmailConfirmationRequired,
    LoginError,
    SecondFactorExpired,
    SecondFactorRejected,
    SecondFactorRequired,
)
from huggingchat_agent.site.signin.sign_in import PATIENCE
from tests.signin.conftest import SKINS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

BOTH_SKINS = pytest.mark.parametrize("skin", SKINS)
SECRET = "JBSWY3DPEHPK3PXP"  # as short as many sites give it


@BOTH_SKINS
@pytest.mark.parametrize("consent", ["once", "never"])
async def test_sign_in_gets_in_by_name_and_password(site, sign_in, skin, consent):
    site.control.switch(skin=skin, consent=consent)
    assert await sign_in() == f"{site.url}/"
    assert site.control.logins == 1


@BOTH_SKINS
async def test_sign_in_gets_in_without_credentials_when_the_hub_knows_the_browser(site, sign_in, skin):
    site.control.switch(skin=skin)
    await sign_in()
    site.control.sign_out()
    await sign_in(username=None, password=None)
    assert site.control.logins == 2


@BOTH_SKINS
async def test_sign_in_gets_in_where_every_page_is_slow(site, sign_in, skin):
    site.control.switch(skin=skin, slow=0.3, second_factor=True)
    assert await sign_in(otp="123456") == f"{site.url}/"


@BOTH_SKINS
async def test_sign_in_reports_a_wrong_password(site, sign_in, skin):
    site.control.switch(skin=skin)
    with pytest.raises(CredentialsRejected, match="Invalid username or password"):
        await sign_in(password="wrong horse battery")
    assert site.control.logins == 0
    assert site.control.count("POST", "^/login$") == 1


FORM_AGAIN = """<!doctype html><h1>Log In</h1><p role="alert">{}</p>
<form method="post" action="/login"><input name="username" autocomplete="username">
<input type="password" name="password"><button>Login</button></form>"""


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        ("Too many attempts. Try again later.", LoginError, "does not let this account sign in now.*Too"),
        ("Please solve the captcha.", ChallengePresented, "another check for humans"),
    ],
    ids=["held off", "captcha"],
)
async def test_sign_in_does_not_blame_the_password_for_everything(site, sign_in, word, kind, said):
    answer = FORM_AGAIN.format(word)
    site.control.answer_next("^/login$", 400, answer, method="POST", content_type="text/html")
    with pytest.raises(LoginError, match=said) as caught:
        await sign_in()
    assert type(caught.value) is kind
    assert site.control.count("POST", "^/login$") == 1


async def test_sign_in_reports_a_code_that_came_when_the_sign_in_was_over(site, sign_in):
    site.control.switch(second_factor=True)
    again = {"location": "/login"}
    site.control.answer_next("^/login/two-factor$", 302, method="POST", headers=again)
    with pytest.raises(SecondFactorExpired, match="asked for the password again"):
        await sign_in(otp="123456")


@BOTH_SKINS
async def test_sign_in_gives_the_code_of_a_second_factor(site, sign_in, skin):
    site.control.switch(skin=skin, second_factor=True)
    assert await sign_in(otp="123456") == f"{site.url}/"


@pytest.mark.parametrize("given", ["sync", "async"])
async def test_sign_in_asks_for_the_code_when_it_is_asked_for_it(site, sign_in, given):
    asked = []

    def sync():
        asked.append("now")
        return "123 456"

    async def coroutine():
        return sync()

    otp = sync if given == "sync" else coroutine
    await sign_in(otp=otp)
    assert asked == []
    site.control.switch(second_factor=True)
    site.control.sign_out(hub=True)
    await sign_in(otp=otp)
    assert asked == ["now"]


async def test_sign_in_computes_the_code_from_a_secret(site, sign_in):
    site.control.switch(second_factor=True, second_factor_secret=SECRET)
    assert await sign_in(secret=SECRET) == f"{site.url}/"
    site.control.sign_out(hub=True)
    assert await sign_in(secret=f"otpauth://totp/Hub:ada?secret={SECRET}&issuer=Hub") == f"{site.url}/"


async def test_sign_in_without_a_code_says_what_to_give(site, sign_in):
    site.control.switch(second_factor=True)
    with pytest.raises(
        SecondFactorRequired, match=r"Pass otp to login\(\).*HUGGINGCHAT_TOTP_SECRET"
    ) as caught:
        await sign_in()
    assert "--otp CODE" in caught.value.for_shell()


@BOTH_SKINS
async def test_sign_in_distinguishes_a_wrong_code_from_a_wrong_password(site, sign_in, skin):
    site.control.switch(skin=skin, second_factor=True)
    with pytest.raises(SecondFactorRejected, match="Invalid code") as caught:
        await sign_in(otp="111111")
    assert not isinstance(caught.value, SecondFactorExpired | CredentialsRejected)
    assert "111111" not in str(caught.value)


@BOTH_SKINS
async def test_sign_in_distinguishes_an_expired_code_from_a_wrong_one(site, sign_in, skin):
    site.control.switch(skin=skin, second_factor=True)
    with pytest.raises(SecondFactorExpired, match="expired"):
        await sign_in(otp="654321")


async def test_sign_in_asks_again_after_a_wrong_code_but_not_for_ever(site, sign_in):
    site.control.switch(second_factor=True)
    good = iter(["111111", "123456"])
    assert await sign_in(otp=lambda: next(good)) == f"{site.url}/"
    site.control.sign_out(hub=True)
    numbers = itertools.count(200000)
    with pytest.raises(SecondFactorRejected):
        await sign_in(otp=lambda: str(next(numbers)))
    assert next(numbers) == 200003
    with pytest.raises(SecondFactorRejected):
        await sign_in(otp=lambda: "111111")  # the same again would not be right now either


ORDERS: dict[str, Any] = {
    "code first": {"before_password": ("second_factor",)},
    "code after a challenge that passes": {
        "before_password": ("challenge",),
        "challenge_passes": 0.3,
        "second_factor": True,
    },
    "challenge that passes last": {"after_password": ("challenge",), "challenge_passes": 0.3},
    "consent each time": {"consent": "always", "second_factor": True},
}


@BOTH_SKINS
@pytest.mark.parametrize("order", ORDERS)
async def test_sign_in_takes_the_pages_in_any_order(site, sign_in, skin, order):
    site.control.switch(skin=skin, **ORDERS[order])
    assert await sign_in(otp="123456") == f"{site.url}/"


@BOTH_SKINS
@pytest.mark.parametrize("where", ["at the door", "before_password", "after_password"])
async def test_sign_in_does_not_solve_a_challenge(site, sign_in, monkeypatch, skin, where):
    monkeypatch.setitem(PATIENCE, "challenge", 0.2)  # this one does not pass by itself
    site.control.switch(
        skin=skin, **({"challenge": True} if where == "at the door" else {where: ("challenge",)})
    )
    with pytest.raises(ChallengePresented, match="by_person=True"):
        await sign_in()
    assert site.control.count("GET", "^/login/human") == 0


@BOTH_SKINS
async def test_sign_in_names_an_email_address_that_is_not_confirmed(site, sign_in, skin):
    site.control.switch(skin=skin, after_password=("confirmation",))
    with pytest.raises(EmailConfirmationRequired):
        await sign_in()
    assert site.control.count("POST", "confirm-email") == 0


@pytest.mark.parametrize("field", ["disabled", "missing"])
async def test_sign_in_reports_a_form_that_cannot_be_filled(site, sign_in, field):
    site.control.switch(password_field=field)
    with pytest.raises(LoginError, match="can be filled"):
        await sign_in()


async def test_sign_in_without_credentials_says_what_to_set(sign_in):
    with pytest.raises(LoginError, match="HUGGINGCHAT_PASSWORD"):
        await sign_in(username=None, password=None)


async def test_sign_in_reports_an_oauth_error(site, sign_in):
    site.control.switch(oauth_error="temporarily_unavailable")
    with pytest.raises(LoginError, match="temporarily_unavailable"):
        await sign_in()


async def test_sign_in_gets_in_where_the_first_callback_was_of_another_browser(site, sign_in):
    site.control.switch(foreign_states=1)
    assert await sign_in() == f"{site.url}/"


async def test_sign_in_reports_callbacks_of_another_browser(site, sign_in):
    site.control.switch(foreign_states=9)
    with pytest.raises(LoginError, match="CSRF") as caught:
        await sign_in()
    assert "state=" not in str(caught.value)


@BOTH_SKINS
async def test_sign_in_reports_a_consent_that_is_asked_for_again(site, sign_in, skin):
    site.control.switch(skin=skin, consent_returns=True)
    with pytest.raises(ConsentRequired, match="did not let us through") as caught:
        await sign_in()
    assert "state=" not in str(caught.value)
    assert site.control.count("POST", "^/oauth/authorize") == 1
