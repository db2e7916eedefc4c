"""Signing in with the cookies of another browser, or the reason why not."""

import json
from typing import get_args

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import CookiesUnreadable, SessionRejected
from huggingchat_agent.state import cookies
from tests.raw import Raw

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exported(shared_site, tmp_path_factory):
    """The cookies of a browser that is signed in, in each format; written by the agent."""
    folder = tmp_path_factory.mktemp("exported")
    account = {"username": shared_site.username, "password": shared_site.password}
    async with HuggingChat(base_url=shared_site.url, home=folder, **account) as chat:
        await chat.login()
        for form in get_args(cookies.Format):
            await chat.export_cookies(folder / form, form)
    return folder


@pytest.fixture
def site(shared_site):
    """Here the site goes on knowing who has signed in."""
    return shared_site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def newcomer(shared_site, tmp_path_factory):
    """Open, with no credentials."""
    async with HuggingChat(base_url=shared_site.url, home=tmp_path_factory.mktemp("newcomer")) as chat:
        yield chat


def make_state(exported, *names):
    """A storage state with these cookies alone."""
    state = json.loads((exported / "state").read_text())
    return {**state, "cookies": [each for each in state["cookies"] if each["name"] in names]}


# What each format holds is tested without a browser (test_cookies.py).
FORMS = [
    pytest.param(form, marks=[] if form in ("json", "plain") else pytest.mark.soak)
    for form in get_args(cookies.Format)
]


@pytest.mark.parametrize("form", FORMS)
async def test_cookies_of_each_format_sign_in_and_are_saved(newcomer, site, exported, form):
    newcomer._session.saved.remove()
    before = site.control.logins
    assert (await newcomer.login(cookies=exported / form)).username == "ada"
    assert site.control.logins == before
    saved = {each["name"]: each["value"] for each in newcomer._session.saved.load()["cookies"]}
    async with Raw(site.url, saved) as raw:
        assert await raw.list() == {"conversations": [], "hasMore": False}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        pytest.param(
            ["hf-chat"], "'hf-chat' only together with the 'token' cookie.*HttpOnly", id="hf-chat alone"
        ),
        pytest.param(
            ["token"],
            "'hf-chat', which is the app's session, is not among",
            id="token alone",
            marks=pytest.mark.soak,
        ),
        pytest.param(["hfChat-codeVerifier"], "does not know", id="neither", marks=pytest.mark.soak),
    ],
)
async def test_cookies_that_do_not_do_are_refused_with_what_to_export(newcomer, exported, names, said):
    newcomer._session.saved.remove()
    with pytest.raises(SessionRejected, match=said) as caught:
        await newcomer.login(cookies=make_state(exported, *names))
    assert newcomer._session.saved.load() is None
    assert not (await newcomer.status()).signed_in
    for each in make_state(exported, "hf-chat", "token")["cookies"]:
        assert each["value"] not in str(caught.value)


async def test_cookies_that_are_refused_leave_the_saved_session_in_use(newcomer, exported):
    await newcomer.login(cookies=exported / "state")
    before = newcomer._session.saved.path.read_bytes()
    with pytest.raises(SessionRejected):
        await newcomer.login(cookies=make_state(exported, "hf-chat"))
    assert newcomer._session.saved.path.read_bytes() == before
    assert (await newcomer.status()).username == "ada"


async def test_cookies_of_a_session_that_has_ended_are_refused(newcomer, exported):
    state = make_state(exported, "hf-chat", "token")
    for each in state["cookies"]:
        each["value"] = "of another time"
    with pytest.raises(SessionRejected, match="it has ended"):
        await newcomer.login(cookies=state)


async def test_cookies_of_other_sites_and_files_without_any_are_reported_before_anything_is_tried(
    newcomer, exported, tmp_path
):
    browser = newcomer._session.browser
    state = make_state(exported, "hf-chat", "token")
    elsewhere = {**state, "cookies": [each | {"domain": "example.org"} for each in state["cookies"]]}
    with pytest.raises(SessionRejected, match=r"None of these cookies is for 127\.0\.0\.1"):
        await newcomer.login(cookies=elsewhere)
    (tmp_path / "page").write_text("<html>")
    with pytest.raises(CookiesUnreadable, match=f"{tmp_path / 'page'}: Line 1"):
        await newcomer.login(cookies=tmp_path / "page")
    assert newcomer._session.browser is browser
