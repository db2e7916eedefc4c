"""`HUGGINGCHAT_REPLAY`: a tape answers whatever opens a chat, and the saved session is left alone."""

from pathlib import Path

import pytest

from huggingchat_agent import HuggingChat, provider
from huggingchat_agent.errors import BrowserError
from huggingchat_agent.settings import make_settings
from tests.cli.shell import Shell

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """The tape in the environment, and a browser that cannot start."""
    monkeypatch.setenv("HUGGINGCHAT_REPLAY", str(TAPE))
    monkeypatch.setenv("HUGGINGCHAT_HOME", str(tmp_path))
    monkeypatch.setenv("HUGGINGCHAT_BROWSER", "/nowhere/chromium")


@pytest.fixture
def run(tmp_path):
    shell = Shell("http://127.0.0.1:9/chat", tmp_path)
    variables = {"HUGGINGCHAT_REPLAY": str(TAPE), "HUGGINGCHAT_BROWSER": "/nowhere/chromium"}
    return lambda *arguments: shell(*arguments, env=variables)


def test_question_is_answered_by_the_tape_and_stderr_says_so(run):
    done = run("ask", "-s", "Be brief.", "hello there")
    assert done.code == 0 and done.out.startswith("You said: hello there")
    assert done.err.splitlines()[0] == f"A tape answers, not the app: {TAPE}"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["status"], 0, ""),
        (["ask", "something else"], 1, "Not on the tape"),
        (["ask", "--record", "x.tape", "hello there"], 2, "nothing can be recorded"),
        (["cookies", "export", "x.json"], 4, "There is no browser here"),
    ],
)
def test_command_says_that_a_tape_answers_or_why_it_cannot(run, arguments, code, sentence, tmp_path):
    done = run(*arguments)
    assert done.code == code and sentence in done.err
    assert code == 2 or "A tape answers" in done.err
    assert not (tmp_path / "profiles").exists() and not Path("x.json").exists()


def test_saved_session_is_not_forgotten_by_a_logout_that_a_tape_would_answer(run, tmp_path):
    saved = tmp_path / "profiles" / "default" / "session.json"
    saved.parent.mkdir(parents=True)
    saved.write_text("{}")
    assert run("logout").code == 2
    assert saved.exists()


async def test_logout_of_a_chat_that_a_tape_answers_leaves_the_saved_session(tmp_path):
    saved = tmp_path / "profiles" / "default" / "session.json"
    saved.parent.mkdir(parents=True)
    saved.write_text("{}")
    async with HuggingChat() as chat:
        with pytest.raises(Exception, match="Not on the tape"):
            await chat.logout()
        with pytest.raises(BrowserError, match="There is no page here"):
            await chat.screenshot(tmp_path / "a.png")
    assert saved.exists()


async def test_provider_is_answered_by_the_tape():
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello there"}]
    try:
        parts = [each async for each in provider.HuggingChat.create_async_generator("", messages)]
    finally:
        provider.HuggingChat.close()
    text = "".join(each for each in parts if isinstance(each, str))
    assert text.startswith("You said: hello there")


def test_argument_to_record_beats_the_tape_of_the_environment(tmp_path, monkeypatch):
    chosen = make_settings(record=tmp_path / "a.tape")
    assert chosen.record is not None and chosen.replay is None
    monkeypatch.setenv("HUGGINGCHAT_RECORD", str(tmp_path / "a.tape"))
    assert make_settings().replay == TAPE
