"""`on_auth_async`: cookies in and proved, else the saved session, credentials, or a person."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat as Agent
from huggingchat_agent import errors
from huggingchat_agent.provider import (
    AuthResult,
    HuggingChat,
    MissingAuthError,
    MissingRequirementsError,
    RequestLogin,
    ResponseError,
)
from huggingchat_agent.provider.background import background
from tests.provider.conftest import LLAMA, collect, filter_parts, user
from tests.raw import Raw
from tests.signin.person import Person
from tests.site.client import open_signed_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def account(site, tmp_path_factory):
    """A profile that has a session, and the folder it is in."""
    home = tmp_path_factory.mktemp("account")

    async def sign_in():
        given = {"base_url": site.url, "username": site.username, "password": site.password}
        async with Agent(home=home, **given) as chat:
            await chat.login()

    asyncio.run(sign_in())
    return home


@pytest.fixture
def at(site, engine, tmp_path):
    """A provider without credentials, in a home of its own; closed at the end."""
    options = {"home": tmp_path, "engine": engine, "via": "page"}
    yield type("HuggingChat", (HuggingChat,), {"url": site.url, "options": options})
    background.close()


@pytest.fixture
def lent(at, borrowed):
    """The same in a running browser, for tests where that makes no difference."""
    at.options = {**at.options, "connect": borrowed["HUGGINGCHAT_CONNECT"], "isolated": True}
    return at


@pytest.fixture(scope="module")
def cookies(site):
    """Of somebody who signed in elsewhere."""

    async def sign_in():
        async with open_signed_in(site) as client:
            return client.cookies()

    return asyncio.run(sign_in())


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def shared(site, engine, home):
    """A provider without credentials, for tests that leave nothing in its home; its browser goes on."""
    options = {"home": home, "engine": engine, "via": "page"}
    return type("HuggingChat", (HuggingChat,), {"url": site.url, "options": options})


async def test_cookies_are_taken_as_given_and_proved(shared, site, cookies, home):
    before = site.control.logins
    (auth,) = await collect(shared.on_auth_async(cookies=cookies))
    assert isinstance(auth, AuthResult)
    assert auth.cookies["hf-chat"] == cookies["hf-chat"]
    assert "Chrom" in auth.headers["user-agent"]
    assert auth.headers["origin"] == site.origin
    parts = await collect(shared.create_authed(LLAMA, [user("as given")], auth))
    assert "as given" in "".join(filter_parts(str, parts))
    assert site.control.logins == before
    assert not list(home.rglob("session.json")), "what a caller brings is not written to disk"


async def test_session_calls_take_what_an_auth_result_opens(shared, site, cookies):
    (auth,) = await collect(shared.on_auth_async(cookies=cookies))
    with auth.open() as session:
        conversation = shared.create_conversation(session, LLAMA)
        root = site.control.conversation(conversation)["rootMessageId"]
        assert shared.fetch_message_id(session, conversation) == root


async def test_id_that_cannot_be_read_is_a_runtime_error(shared, site, cookies):
    (auth,) = await collect(shared.on_auth_async(cookies=cookies))
    site.control.answer_next("/conversation$", 200, "{}", method="POST")
    with pytest.raises(RuntimeError, match="conversationId"):
        shared.create_conversation(auth, LLAMA)
    conversation = shared.create_conversation(auth, LLAMA)
    empty = '{"json":{"messages":[],"rootMessageId":"x"}}'
    site.control.answer_next("/api/v2/conversations/[0-9a-f]{24}$", 200, empty)
    with pytest.raises(RuntimeError, match="no message"):
        shared.fetch_message_id(auth, conversation)


async def test_wrong_password_is_missing_auth(shared, site):
    with pytest.raises(MissingAuthError) as caught:
        await collect(shared.on_auth_async(username=site.username, password="battery staple"))
    assert isinstance(caught.value.__cause__, errors.CredentialsRejected)
    assert "battery" not in str(caught.value)


def test_nobody_signed_in_is_missing_auth_for_a_script(shared):
    with pytest.raises(MissingAuthError):
        shared().create_conversation(model=LLAMA)


async def test_session_cookie_without_the_one_it_is_tied_to_is_refused(lent, site):
    async with open_signed_in(site) as client:
        cookies = {"hf-chat": client.cookies()["hf-chat"]}
    with pytest.raises(MissingAuthError, match="token") as caught:
        await collect(lent.on_auth_async(cookies=cookies))
    assert isinstance(caught.value.__cause__, errors.SessionRejected)
    assert cookies["hf-chat"] not in str(caught.value)


async def test_saved_session_is_used_where_no_cookie_is_given(lent, site, account, tmp_path):
    shutil.copytree(account, tmp_path, dirs_exist_ok=True)
    before = site.control.logins
    (auth,) = await collect(lent.on_auth_async(cookies={"theme": "dark"}))
    assert site.control.logins == before
    async with Raw(site.url, auth.cookies) as raw:
        conversation = await raw.create(LLAMA)
    assert lent.fetch_message_id(auth.open(), conversation)


async def test_credentials_sign_in_where_nothing_is_saved(lent, site):
    before = site.control.logins
    given = {"username": site.username, "password": site.password}
    (auth,) = await collect(lent.on_auth_async(**given))
    assert site.control.logins == before + 1
    assert {"hf-chat", "token"} <= set(auth.cookies)


async def test_proxy_is_what_the_browser_goes_through(at, site):
    dead = "http://127.0.0.1:9"
    with pytest.raises(ResponseError) as caught:
        await collect(at.on_auth_async(username=site.username, password=site.password, proxy=dead))
    assert isinstance(caught.value.__cause__, errors.SiteError)


async def test_person_is_asked_and_waited_for_where_nothing_is_at_hand(at, site, account, tmp_path):
    steps = at.on_auth_async(login_timeout=60)
    request = await anext(steps)
    assert isinstance(request, RequestLogin)
    assert request.login_url == f"{site.url}/login"
    shutil.copytree(account / "profiles", tmp_path / "profiles", dirs_exist_ok=True)  # they did it elsewhere
    assert isinstance(await anext(steps), AuthResult)
    assert await collect(steps) == []


async def test_person_signs_in_at_the_provider_s_window(at, open_site, on_screen, unused_tcp_port):
    site = open_site()  # where nobody has consented yet
    at.url = site.url
    window = {"headless": False, "browser_args": [f"--remote-debugging-port={unused_tcp_port}"]}
    at.options = {**at.options, **window}
    steps = at.on_auth_async(login_timeout=60)
    assert isinstance(await anext(steps), RequestLogin)
    waiting = asyncio.ensure_future(anext(steps))
    async with Person(unused_tcp_port) as person:
        await person.types("input[name=username]", site.username)
        await person.types("input[name=password]", site.password)
        await person.clicks("form[action='/login'] button")
        assert not waiting.done()
        await person.clicks("form[action^='/oauth/authorize'] button.main")
        auth = await waiting
    assert isinstance(auth, AuthResult)
    assert await collect(steps) == []
    parts = await collect(at.create_authed(LLAMA, [user("by hand")], auth))
    assert "by hand" in "".join(filter_parts(str, parts))
    assert site.control.logins == 1


async def test_person_who_does_not_come_is_missing_auth(lent):
    steps = lent.on_auth_async(login_timeout=0.1)
    assert isinstance(await anext(steps), RequestLogin)
    with pytest.raises(MissingAuthError, match="huggingchat login"):
        await anext(steps)


async def test_session_id_is_made_for_an_app_without_login(lent):
    with StandIn(login=False) as open_to_all:
        lent.url = open_to_all.url
        (auth,) = await collect(lent.on_auth_async())
        assert len(auth.cookies["hf-chat"]) == 36
        answer = lent.create_authed(LLAMA, [user("anonymously")], auth, return_conversation=True)
        parts = await collect(answer)
        conversation = parts[0].models[LLAMA]["conversationId"]
        async with Raw(open_to_all.url, auth.cookies) as raw:
            assert (await raw.read(conversation))["messages"][1]["content"] == "anonymously"
        async with Raw(open_to_all.url, {}) as stranger:
            assert await stranger.status(conversation) in (403, 404)
        background.close()


async def test_one_browser_serves_one_person_after_the_other(at, site):
    people = {}
    for name in ("ada", "grace"):
        site.control.switch(username=name)
        async with open_signed_in(site) as client:
            people[name] = AuthResult(cookies=client.cookies(), headers={})
    site.control.switch(username="ada")
    made = {}
    for name in ("ada", "grace", "ada"):
        # Not by `create_authed`: this has to keep apart whom it has signed in before.
        parts = await collect(
            at.create_async_generator(LLAMA, [user(f"I am {name}")], cookies=people[name].cookies)
        )
        made[name] = parts[0].models[LLAMA]["conversationId"]
    for name, other in (("ada", "grace"), ("grace", "ada")):
        async with Raw(site.url, people[name].cookies) as raw:
            assert await raw.status(made[name]) == 200
            assert await raw.status(made[other]) in (403, 404)


def test_scripts_calls_work_without_a_loop(lent, site):
    lent.options = {**lent.options, "username": site.username, "password": site.password}
    chat = lent()
    conversation = chat.create_conversation(model=chat.get_models()[0])
    assert chat.send_message(conversation, "Hello, world!").startswith("You said: Hello, world! [history=")
    assert "[history=4 " in chat.send_message(conversation, "And again")
    stored = site.control.conversation(conversation)
    assert chat.fetch_message_id(None, conversation) == stored["messages"][-1]["id"]
    with pytest.raises(ResponseError, match="closest"):
        chat.create_conversation(model="deepsink")
    with pytest.raises(ResponseError):
        chat.fetch_message_id(None, "0" * 24)


def test_missing_browser_is_a_missing_requirement(at, tmp_path):
    at.options = {**at.options, "browser": str(tmp_path / "no-such-browser")}
    with pytest.raises(MissingRequirementsError, match="no-such-browser"):
        at().create_conversation(model=LLAMA)
