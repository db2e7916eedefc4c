"""Which stored message a turn wrote, on an app that stores no generation ids."""

import pytest

from huggingchat_agent.turn.written import find_written
from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

END = [{"type": "finalAnswer", "text": "", "interrupted": False}]


def tree(*rows):
    """A conversation of (id, parent, author, content), the root first. Complete answers are in capitals."""
    ancestors: dict[str, list[str]] = {}
    for name, parent, *_ in rows:
        ancestors[name] = [*ancestors.get(parent, []), parent] if parent else []
    return ConversationRead(
        root_message_id="r",
        messages=[
            StoredMessage(
                id=name,
                author=author,
                content=content,
                ancestors=ancestors[name],
                children=[each[0] for each in rows if each[1] == name],
                updates=END if author == "assistant" and content.isupper() else [],
            )
            for name, _, author, content in rows
        ],
    )


ROOT = ("r", "", "system", "")
PLAIN = (ROOT, ("u", "r", "user", "hi"), ("a", "u", "assistant", "HELLO"))


def find(rows, request, content="", generation_id="g"):
    message = find_written(tree(*rows), request, generation_id, content)
    return message and message.id


def test_answer_is_below_the_message_that_was_sent():
    assert find(PLAIN, {"id": "r", "inputs": "hi"}, "HELLO") == "a"


def test_line_ends_are_compared_as_the_app_stores_them():
    rows = (ROOT, ("u", "r", "user", "a\nb"), ("a", "u", "assistant", ""))
    assert find(rows, {"id": "r", "inputs": "a\r\nb"}) == "a"


@pytest.mark.parametrize("parent", ["r", "a"], ids=["beside it", "below it"])
def test_message_that_another_client_sent_later_is_not_taken_for_it(parent):
    rows = (*PLAIN, ("v", parent, "user", "other"), ("b", "v", "assistant", "NO"))
    assert find(rows, {"id": "r", "inputs": "hi"}, "HELLO") == "a"


def test_same_words_at_the_same_place_are_distinguished_by_their_answers():
    rows = (*PLAIN, ("v", "r", "user", "hi"), ("b", "v", "assistant", "BYE"))
    assert find(rows, {"id": "r", "inputs": "hi"}, "HELLO") == "a"
    assert find(rows, {"id": "r", "inputs": "hi"}, "BYE") == "b"
    assert find(rows, {"id": "r", "inputs": "hi"}) == "b"  # the newest, if nothing else tells


def test_message_that_is_not_stored_yet_is_not_found():
    assert find(PLAIN, {"id": "a", "inputs": "hi"}) is None
    assert find(PLAIN, {"id": "gone", "inputs": "hi"}) is None


def test_retry_is_the_newest_answer_beside_the_old_one():
    rows = (*PLAIN, ("b", "u", "assistant", "AGAIN"), ("v", "b", "user", "on"), ("c", "v", "assistant", "ON"))
    assert find(rows, {"id": "a", "is_retry": True}, "AGAIN") == "b"
    assert find(PLAIN, {"id": "a", "is_retry": True}) is None


def test_edit_is_below_the_message_that_was_put_beside_the_old_one():
    rows = (*PLAIN, ("v", "r", "user", "hi"), ("b", "v", "assistant", "HELLO"))
    assert find(rows, {"id": "u", "inputs": "hi", "is_retry": True}, "HELLO") == "b"
    assert find(PLAIN, {"id": "u", "inputs": "hi", "is_retry": True}, "HELLO") is None


@pytest.mark.parametrize(
    "how", [{"resumeElicitationId": "e"}, {"is_continue": True}], ids=lambda how: next(iter(how))
)
def test_run_that_goes_on_writes_into_the_message_it_names(how):
    assert find(PLAIN, {"id": "a", **how}, "THE REST") == "a"


@pytest.mark.parametrize("stream", ["HE", "HELLO AND MORE"])
def test_stopped_answer_is_shorter_or_longer_than_its_stream(stream):
    assert find(PLAIN, {"id": "r", "inputs": "hi"}, stream) == "a"


@pytest.mark.parametrize(
    ("other", "found"),
    [("NO", "a"), ("hel", "a"), ("", "a"), ("HELLO AND MORE", "a"), ("HELLO", None)],
    ids=["another text", "still running", "begun", "longer", "the same text"],
)
def test_without_the_request_only_a_text_of_its_own_says_which_answer_it_is(other, found):
    rows = (*PLAIN, ("v", "r", "user", "hi"), ("b", "v", "assistant", other))
    assert find(rows, {}, "HELLO", None) == found


@pytest.mark.parametrize("other", ["NO", "hel", "", "HE"])
def test_without_the_request_another_clients_answer_is_not_taken_while_ours_is_not_stored(other):
    rows = (ROOT, ("v", "r", "user", "hi"), ("b", "v", "assistant", other))
    assert find(rows, {}, "STOP", None) is None
    assert find(rows, {}, "", None) is None


def test_without_the_request_an_answer_that_somebody_went_on_from_is_an_older_one():
    rows = (*PLAIN, ("v", "a", "user", "and again"), ("b", "v", "assistant", "HELLO"))
    assert find(rows, {}, "HELLO", None) == "b"


def test_generation_id_is_the_last_word_where_there_is_one():
    read = tree(*PLAIN, ("b", "u", "assistant", "HELLO"))
    ours = StoredMessage(id="a", author="assistant", content="HELLO", generation_id="g")
    read.messages[2] = ours
    assert find_written(read, {"id": "r", "inputs": "hi"}, "g", "HELLO") is ours
    read.messages[3] = StoredMessage(id="b", author="assistant", content="HELLO", generation_id="h")
    assert find_written(read, {"id": "r", "inputs": "hi"}, "unknown", "HELLO") is None
