"""Nothing secret is in anything that leaves the agent, whatever goes wrong."""

import logging
import traceback
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from huggingchat_agent import HuggingChat
from huggingchat_agent.emitter import NAMES
from huggingchat_agent.errors import AgentError, LoginError
from huggingchat_agent.events import to_json

pytestmark = [
    *(pytest.mark.browser, pytest.mark.fresh, pytest.mark.stranger),
    pytest.mark.asyncio(loop_scope="module"),
]

PASSWORD = "correct horse"


def show_all(error):
    """Everything an exception can show: itself, its notes, and all its causes and contexts."""
    seen, texts = set(), []
    todo = [error]
    while todo:
        each = todo.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        texts += [str(each), repr(each), repr(each.args), *getattr(each, "__notes__", [])]
        todo += [each.__cause__, each.__context__]
    texts += traceback.format_exception(error)
    return "\n".join(texts)


class Watch:
    """Collects all output, and the secrets that must not be in it."""

    def __init__(self, chat, caplog):
        self.chat, self.caplog = chat, caplog
        self.lines: list[str] = []
        for name in NAMES:
            chat.on(name, lambda event: self.lines.append(to_json(event).decode()))

    async def secrets(self, site):
        state = await self.chat._session.read_state()
        found = {PASSWORD, "correct+horse", "correct%20horse"}
        found |= {each["value"] for each in state["cookies"]}
        for request in site.control.requests:
            query = parse_qs(urlsplit(request.path).query)
            for key in ("code", "state", "code_challenge"):
                found |= set(query.get(key, []))
        return {each for each in found if len(each) > 5}

    async def check(self, site, *errors):
        secrets = await self.secrets(site)
        assert len(secrets) >= 3
        reports = self.chat.settings.reports_folder
        files = [path.read_bytes() for path in reports.glob("*")] if reports.exists() else []
        texts = {
            "log": self.caplog.text,
            "json": "\n".join(self.lines),
            "files": "\n".join(each.decode("latin-1") for each in files),
            "errors": "\n".join(show_all(error) for error in errors),
        }
        for secret in secrets:
            for where, text in texts.items():
                assert secret not in text, f"{where} holds {secret[:3]}..."
        return texts


@pytest_asyncio.fixture(loop_scope="module")
async def watched(settings, caplog):
    """An open chat that is not signed in, with everything it says collected."""
    caplog.set_level(logging.DEBUG)
    async with HuggingChat(**settings, step_timeout=4, login_timeout=3) as chat:
        yield Watch(chat, caplog)


async def fail_login(watched):
    with pytest.raises(LoginError) as caught:
        await watched.chat.login()
    return caught.value


async def test_no_secret_in_a_login_and_a_turn_that_go_well(watched, site, via):
    await watched.chat.login()
    conversation = await watched.chat.new_conversation()
    await conversation.send("hello there", via=via)
    texts = await watched.check(site)
    assert '"event":"token"' in texts["json"]
    assert '"event":"exchange"' in texts["json"]


@pytest.mark.parametrize("field", ["disabled", pytest.param("missing", marks=pytest.mark.soak)])
async def test_no_secret_when_the_password_cannot_be_typed(watched, site, field):
    site.control.switch(password_field=field)
    error = await fail_login(watched)
    texts = await watched.check(site, error)
    assert "PNG" in texts["files"]


async def test_no_secret_when_the_consent_hangs(watched, site):
    site.control.switch(consent_hangs=True)
    await watched.check(site, await fail_login(watched))


async def test_no_secret_when_the_password_is_wrong(watched, site, settings):
    site.control.switch(password="another one")
    error = await fail_login(watched)
    await watched.check(site, error)
    assert "ada" not in error.snapshot.read_text()


async def test_no_secret_when_the_callback_fails(watched, site):
    site.control.answer_next(r"/login/callback$", 500, "<h1>broken</h1>", content_type="text/html")
    await watched.check(site, await fail_login(watched))


async def test_no_secret_when_the_session_ends_within_a_conversation(watched, site, via):
    await watched.chat.login()
    conversation = await watched.chat.new_conversation()
    site.control.sign_out(hub=True)
    site.control.switch(challenge=True)  # so that signing in again does not help
    with pytest.raises(AgentError) as caught:
        await conversation.send("hello", via=via)
    await watched.check(site, caught.value)
