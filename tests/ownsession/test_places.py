"""A password is typed at the app's own origin, and where the profile has signed in before."""

import asyncio

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import CredentialsRejected, LoginError, SessionRejected, UnknownLoginOrigin
from huggingchat_agent.state.remembered_app import RememberedApp, read_app
from tests.ownsession.lookalike import LookAlike
from tests.quick import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

ACCOUNT = ("ada", "correct horse")


@pytest.fixture(scope="module")
def shared_site():
    """An app at the root path, so that its sign-in is on another origin."""
    with StandIn("", **QUICK) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_chat(shared_site, tmp_path_factory):
    async with HuggingChat(base_url=shared_site.url, home=tmp_path_factory.mktemp("state")) as chat:
        yield chat


@pytest.fixture
def site(shared_site):
    shared_site.control.reset()
    return shared_site


@pytest.fixture
def chat(site, shared_chat):
    """Open; nobody is signed in, and the profile knows nothing."""
    session = shared_chat._session
    session.recovery.disarm()
    session.recovery.pause = 0.0
    session.saved.remove()
    (session.saved.folder / "app.json").unlink(missing_ok=True)
    session.login_origins._pinned.clear()
    return shared_chat


@pytest.fixture
def lookalike():
    with LookAlike() as page:
        yield page


def lead_astray(site, lookalike):
    """The next /login of the app leads to the look-alike form."""
    headers = {"location": f"{lookalike.origin}/login"}
    site.control.answer_next("/login$", 302, headers=headers)


def confirm_all(asked):
    def confirm(origin):
        asked.append(origin)
        return True

    return confirm


async def test_nothing_is_typed_at_another_origin_that_nobody_confirms(chat, site, lookalike):
    lead_astray(site, lookalike)
    with pytest.raises(UnknownLoginOrigin, match=lookalike.origin) as caught:
        await chat.login(*ACCOUNT)
    assert caught.value.origin == lookalike.origin
    assert f"login_origins=['{lookalike.origin}']" in str(caught.value)
    assert f"--login-origin {lookalike.origin}" in caught.value.for_shell()
    lead_astray(site, lookalike)
    lookalike.pretends = site.url
    asked = []
    with pytest.raises(UnknownLoginOrigin):
        await chat.login(*ACCOUNT, confirm_origin=lambda origin: asked.append(origin))
    assert asked == [lookalike.origin]
    await asyncio.to_thread(site.control.wait_until, lambda: len(lookalike.seen) >= 2)
    assert (lookalike.typed, lookalike.posted) == ([], [])
    assert read_app(chat.settings.profile_folder) is None
    with pytest.raises(UnknownLoginOrigin):  # the real one is as unknown
        await chat.login(*ACCOUNT)
    assert site.control.count("POST", "^/login$") == 0


async def test_origin_is_pinned_by_a_sign_in_that_the_app_proves(chat, site, lookalike):
    asked: list[str] = []
    lead_astray(site, lookalike)
    with pytest.raises(CredentialsRejected):  # typed where the person said so, and not proved by the app
        await chat.login("ada", "a password of no worth", confirm_origin=confirm_all(asked))
    assert asked == [lookalike.origin] and len(lookalike.posted) == 1
    await asyncio.to_thread(site.control.wait_until, lambda: lookalike.typed)
    assert read_app(chat.settings.profile_folder) is None

    asked.clear()
    assert (await chat.login(*ACCOUNT, confirm_origin=confirm_all(asked))).username == "ada"
    (hub,) = asked
    expected = RememberedApp(base_url=site.url, login_origins=(site.login_origin,))
    assert (hub, read_app(chat.settings.profile_folder)) == (site.login_origin, expected)
    assert (chat.settings.profile_folder / "app.json").stat().st_mode & 0o777 == 0o600

    conversation = await chat.new_conversation()
    site.control.sign_out(hub=True)
    await conversation.read()  # signs in again by itself, at the pinned origin
    assert site.control.logins == 2
    lookalike.posted.clear(), lookalike.seen.clear()
    site.control.sign_out(hub=True)
    lead_astray(site, lookalike)
    with pytest.raises(SessionRejected, match=f"signing in again failed.*{lookalike.origin}"):
        await conversation.read()
    lead_astray(site, lookalike)
    with pytest.raises(UnknownLoginOrigin):  # with a pin, too
        await chat.login(*ACCOUNT)
    await asyncio.to_thread(site.control.wait_until, lambda: len(lookalike.seen) >= 2)
    assert (lookalike.typed, lookalike.posted) == ([], [])


async def test_signing_in_again_by_itself_needs_a_pin(chat, site, monkeypatch):
    await chat.login(*ACCOUNT, confirm_origin=confirm_all([]))
    conversation = await chat.new_conversation()
    (chat.settings.profile_folder / "app.json").unlink()  # as a profile of an older version
    chat._session.login_origins._pinned.clear()
    site.control.sign_out(hub=True)
    posted = site.control.count("POST", "^/login$")
    with pytest.raises(LoginError, match=r"signing in again failed.*Sign in again with login\(\)"):
        await conversation.read()
    assert site.control.count("POST", "^/login$") == posted
