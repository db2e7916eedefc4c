"""Looking through events."""

import pytest

from huggingchat_agent import EventLog, events


def event(kind, seq, **fields):
    return kind(conversation_id="c", turn=1, seq=seq, at=0.0, **fields)


def test_of_type_takes_a_class_or_a_name_and_keeps_the_order():
    token, title, other = (
        event(events.Token, 1, text="a", length=1),
        event(events.Title, 2, title="t"),
        event(events.Token, 3, text="b", length=2),
    )
    log = EventLog([token, title, other])
    assert log.of_type(events.Token) == log.of_type("token") == [token, other]
    assert log.of_type(events.TurnEvent) == [token, title, other]
    assert log.of_type("answer") == []


def test_of_type_knows_which_names_there_are():
    with pytest.raises(ValueError, match="no event 'tokens'"):
        EventLog().of_type("tokens")
