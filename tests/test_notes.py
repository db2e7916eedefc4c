"""What the sender notes of a conversation: its last message, and a stop that may linger."""

from types import SimpleNamespace
from typing import Any

import pytest

from huggingchat_agent.chat import notes as noting
from huggingchat_agent.chat.notes import Notes
from huggingchat_agent.exchange import Started
from huggingchat_agent.wire import purposes

STARTED = Started(exchange_id="1", page="p", at=0.0, method="POST", url="", kind="fetch", headers={})


def turn(*, leaf="", interrupted=False) -> Any:
    return SimpleNamespace(
        conversation_id="c", leaf=leaf, answer=SimpleNamespace(interrupted=interrupted) if leaf else None
    )


def test_leaf_is_fresh_once_and_until_a_message_is_sent():
    notes = Notes()
    notes.know_leaf("c", "root", is_root=True)
    leaf = notes.take_fresh_leaf("c")
    assert leaf is not None
    assert (leaf.id, leaf.is_root) == ("root", True)
    assert notes.take_fresh_leaf("c") is None
    notes.end_turn(turn(leaf="a"))
    notes.follow(STARTED, purposes.SendMessage("other"))
    notes.follow(STARTED, purposes.SendMessage("c"))
    assert notes.take_fresh_leaf("c") is None


def test_leaf_does_not_stay_fresh():
    notes = Notes(fresh=0.0)
    notes.end_turn(turn(leaf="a"))
    assert notes.take_fresh_leaf("c") is None


@pytest.mark.parametrize("ended", [None, turn(), turn(leaf="a")])
def test_stop_lingers_until_a_run_was_cut_short(ended):
    notes = Notes()
    assert notes.measure_quiet("c") == 0.0
    notes.follow(STARTED, purposes.StopGenerating("c"))
    if ended is not None:  # of itself, or not well
        notes.end_turn(ended)
    assert 0.0 < notes.measure_quiet("c") <= noting.STOP_LINGERS
    assert notes.measure_quiet("other") == 0.0
    notes.end_turn(turn(leaf="a", interrupted=True))
    assert notes.measure_quiet("c") == 0.0


def test_notes_keep_nothing_of_conversations_seen_long_ago():
    notes = Notes(fresh=0.0, stop_lingers=0.0)
    for number in range(100):
        notes.know_leaf(str(number), "a")
        notes.follow(STARTED, purposes.StopGenerating(str(number)))
    assert len(notes._leaves) == len(notes._quiet) == 1
