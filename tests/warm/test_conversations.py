"""A command gets the same from a warm session as from a browser of its own: values, events and errors."""

import re

import msgspec
import pytest

from huggingchat_agent import ToolServer, errors, events, sync
from huggingchat_agent.error_values import Fault, make_error, make_fault
from huggingchat_agent.errors import AgentError
from huggingchat_agent.warm.protocol import encode
from tests.warm.conftest import TAPE, TAPES, Warm

SYSTEM = "Be brief."
TROUBLES = TAPES / "v1-troubles.tape"


def talk(chat, prompts):
    """Ask in one new conversation; what came, without times and without ids of this run."""
    found = []
    with chat.new_conversation(system_prompt=SYSTEM) as conversation:
        for prompt in prompts:
            with conversation.send(prompt, via="page") as reply:
                found += [normalize(events.to_json(event)) for event in reply]
                found.append(normalize(msgspec.json.encode(reply.result())))
        found += [conversation.id, conversation.model, conversation.url]
    return found


def normalize(line):
    return re.sub(
        r'"(at|sent|first_token|last_token|finished|generation_id)":("[^"]*"|[\d.]+)', "", line.decode()
    )


def test_turns_and_lists_are_the_same(warm, tmp_path):
    def read(chat):
        return [
            chat.status(),
            talk(chat, ["hello there", "for what reason?", "unicode please"]),
            list(chat.conversations()),
            (chat.models(), chat.models().source),
            (chat.tools(), chat.tools().source),
        ]

    with warm.chat() as chat:
        found = read(chat)
    with sync.HuggingChat(replay=TAPE, home=tmp_path / "other") as other:
        expected = read(other)
    assert len(found[1]) > 20 and found[3][0]
    assert found == expected


def test_own_tool_server_goes_there_with_its_headers_and_comes_back_without(warm):
    own = ToolServer("Mine", "https://tools.example.org/mcp", {"X-Key": "k3y-of-mine"})
    with warm.chat() as chat:
        found = chat.tools(own=[own])[-1]
        assert (found.name, found.url, dict(found.headers)) == ("Mine", own.url, {"X-Key": "[redacted]"})
        conversation = chat.new_conversation(system_prompt=SYSTEM)
        reply = conversation.send("hello there", via="page", tools=[own])
        assert reply.result().text.startswith("You said")
        with pytest.raises(errors.UsageError, match="are masked"):
            conversation.send("for what reason?", via="page", tools=[found])


def test_turns_are_counted_per_command(warm):
    with warm.chat() as chat:
        conversation = chat.new_conversation(system_prompt=SYSTEM)
        assert {event.turn for event in conversation.send("hello there", via="page")} == {1}
        assert {event.turn for event in conversation.send("for what reason?", via="page")} == {2}
    with warm.chat() as chat:
        assert {event.turn for event in chat.conversation(conversation.id).send("unicode please")} == {1}


@pytest.mark.parametrize("prompt", ["fail 500", "cut", "refused"])
def test_answers_fail_the_same(prompt, tmp_path):
    def fail(chat):
        conversation = chat.new_conversation()
        with pytest.raises(AgentError) as failure:
            conversation.send(prompt, via="page").result()
        about = vars(failure.value) | {"conversation_id": ""}
        return type(failure.value), str(failure.value), failure.value.for_shell(), about

    with Warm(tmp_path, tape=TROUBLES) as warm, warm.chat() as chat:
        found = fail(chat)
    with sync.HuggingChat(replay=TROUBLES, home=tmp_path / "other") as expected:
        assert found == fail(expected)


def test_wrong_use_is_refused_at_once(warm):
    with warm.chat() as chat:
        conversation = chat.new_conversation(system_prompt=SYSTEM)
        with pytest.raises(errors.UsageError, match="The prompt is empty"):
            conversation.send(" ")
        with pytest.raises(errors.UnknownModel):
            chat.new_conversation("no such model")
        with pytest.raises(errors.UsageError, match="Not a conversation"):
            chat.conversation("nonsense")
        assert conversation.send("hello there", via="page").result().text.startswith("You said")


ERRORS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AgentError)]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_arrives_as_it_was(kind, tmp_path):
    error = kind("It failed.", hint="Try again.", shell_hint="Run it again.")
    error.screenshot = tmp_path / "picture.png"
    error.add_note("A note.")
    error.__cause__ = errors.BrowserClosed("gone")
    copy = make_error(msgspec.json.decode(encode(make_fault(error)), type=Fault))
    assert isinstance(copy, AgentError) and type(copy) is kind
    assert vars(copy) == vars(error)
    assert (str(copy), copy.for_shell(), copy.exit_code) == (str(error), error.for_shell(), error.exit_code)
    assert type(copy.__cause__) is errors.BrowserClosed


def test_error_of_a_room_arrives_as_the_one_that_callers_know():
    class Inner(errors.SiteError):
        pass

    assert type(make_error(make_fault(Inner("It failed.")))) is errors.SiteError


def test_mistake_of_ours_is_no_error_of_the_chat():
    copy = make_error(make_fault(KeyError("oops")))
    assert type(copy) is RuntimeError and "KeyError" in str(copy)


def test_secrets_stay_out_of_errors():
    fault = make_fault(errors.SiteError("GET https://example.org/?code=abc123def gave 500"))
    assert "abc123def" not in encode(fault).decode()
