"""A tape played by code without async."""

from pathlib import Path

import pytest

from huggingchat_agent import events, sync
from huggingchat_agent.errors import TapeMismatch
from huggingchat_agent.playback import faults
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Tape
from tests.recorded import PROMPTS, make_account_settings

TAPE = Path(__file__).parents[2] / "fixtures" / "tapes" / "v1-conversation.tape"


def test_sync_replay_gives_events_in_order_and_calls_handlers():
    played = sync.replay(TAPE, speed=0)
    texts: list[str] = []
    seen: list[object] = []
    played.on("token", lambda event: texts.append(event.text))
    played.on("exchange", seen.append)
    log = list(played)
    assert [each.text for each in log if isinstance(each, events.Token)] == texts
    assert "".join(texts).startswith("You said: hello there")
    assert isinstance(log[-1], events.Finished) and played.complete and len(seen) > 20


def test_sync_replay_can_be_left_early():
    for event in sync.replay(TAPE, speed=20):
        assert isinstance(event, events.Started)
        break


@pytest.mark.browser
def test_full_tape_is_played_in_a_browser_without_async(recorded):
    path, _, answers = recorded
    texts: list[str] = []
    with pytest.raises(TapeMismatch, match=r"Not on the tape.*hullo.*The closest on it is POST"):
        with sync.on_tape(path, speed=0) as chat:
            chat.on("token", lambda event: texts.append(event.text))
            chat.login()
            talk = chat.new_conversation()
            assert talk.send(PROMPTS[0][0], via="page").result().message_id == answers[0].message_id
            assert (chat.status().username, chat.elsewhere) == ("ada", 0)
            with pytest.raises(TapeMismatch, match="hullo"):
                talk.send("hullo", via="page").result()
    assert "".join(texts) == answers[0].text


@pytest.mark.browser
def test_handlers_without_async_that_raise_are_on_the_tape(stand_in, saved_home, tmp_path):
    path = tmp_path / "run.tape"

    def of_chat(event):
        raise ValueError("in the chat's")

    def of_conversation(event):
        raise ValueError("in the conversation's")

    def of_reply(event):
        raise ValueError("in the reply's")

    given = make_account_settings(stand_in, saved_home)
    with sync.HuggingChat(**given, record=path, via="page") as chat:
        chat.on("finished", of_chat)
        talk = chat.new_conversation()
        talk.on("title", of_conversation)
        reply = talk.send("hello")
        reply.on("answer", of_reply)
        assert reply.result().text.startswith("You said: hello")
    log = [each.event for each in Tape(path).load().records if isinstance(each, tapes.Event)]
    failed = {(each["handled"], each["error"]) for each in log if each["event"] == "handler_failed"}
    assert failed == {
        ("finished", "ValueError: in the chat's"),
        ("title", "ValueError: in the conversation's"),
        ("answer", "ValueError: in the reply's"),
    }


def test_old_name_of_faults_warns():
    with pytest.warns(DeprecationWarning, match="playback.faults"):
        from huggingchat_agent.tape.faults import cut
    assert cut is faults.cut
