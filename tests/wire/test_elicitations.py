from datetime import UTC, date, datetime

import msgspec
import pytest

from huggingchat_agent.errors import UsageError
from huggingchat_agent.question import Field, Option
from huggingchat_agent.wire.elicitations import LONGEST, check_answer, find_open_questions, parse_question
from huggingchat_agent.wire.updates import ElicitationRequest, parse

REQUEST = {
    "elicitationId": "e1",
    "server": "echo",
    "mode": "form",
    "message": "Who?",
    "fields": [
        {"kind": "string", "name": "name", "required": True, "minLength": 2, "title": None},
        {"kind": "select", "name": "of", "multiple": False, "options": [{"value": "a", "label": "A"}]},
        {"kind": "colour-wheel", "name": "later", "required": False, "hue": 1},
        {"kind": "number", "name": "broken", "minimum": "one"},
        "nonsense",
    ],
}
PARKED = {"type": "elicitation", "subtype": "request", "request": REQUEST}
WAITING = {**PARKED, "expiresAt": 1795242442901}


def read(line):
    update = parse(line)
    assert isinstance(update, ElicitationRequest)
    return parse_question(update)


def test_question_is_read_with_its_fields():
    asked = read(WAITING)
    assert (asked.elicitation_id, asked.server, asked.message) == ("e1", "echo", "Who?")
    assert asked.expires_at == 1795242442.901
    assert asked.fields == [
        Field(kind="string", name="name", required=True, min_length=2),
        Field(kind="select", name="of", options=[Option(value="a", label="A")]),
        Field(kind="colour-wheel", name="later"),
    ]


def test_question_without_an_end_is_parked():
    assert read(PARKED).expires_at is None


def test_open_questions_are_those_that_were_not_settled():
    other = {**PARKED, "request": {**REQUEST, "elicitationId": "e2"}}
    resolved = {"type": "elicitation", "subtype": "resolved", "elicitationId": "e1", "action": "accept"}
    assert [each.elicitation_id for each in find_open_questions([PARKED, {"type": "x"}, other])] == [
        "e1",
        "e2",
    ]
    assert [each.elicitation_id for each in find_open_questions([PARKED, other, resolved])] == ["e2"]


def field(kind, **more):
    return Field(kind=kind, name="it", **more)


AB = [Option(value="a", label="First"), Option(value="b", label="Second"), Option(value="c", label="Second")]


@pytest.mark.parametrize(
    ("of", "given", "taken"),
    [
        (field("string"), "x", "x"),
        (field("string", format="email"), "ada@example.org", "ada@example.org"),
        (field("string", format="uri"), "https://example.org/x", "https://example.org/x"),
        (field("string", format="date"), "2026-08-21", "2026-08-21"),
        (field("string", format="date"), date(2026, 8, 21), "2026-08-21"),
        (field("string", format="date-time"), "2026-08-21T10:00:00Z", "2026-08-21T10:00:00Z"),
        (
            field("string", format="date-time"),
            datetime(2026, 8, 21, 10, tzinfo=UTC),
            "2026-08-21T10:00:00+00:00",
        ),
        (field("number"), 1.5, 1.5),
        (field("number", integer=True, minimum=1, maximum=2), 2.0, 2),
        (field("boolean"), False, False),
        (field("select", options=AB), "b", "b"),
        (field("select", options=AB), "First", "a"),
        (field("select", options=AB, multiple=True, min_items=1, max_items=2), ["a", "c"], ["a", "c"]),
        (field("select", options=AB, multiple=True), [], []),
        (field("later"), {"any": 1}, {"any": 1}),
    ],
)
def test_value_that_fits_is_taken(of, given, taken):
    content = check_answer([of], {"it": given})
    assert content == {"it": taken}
    assert type(content["it"]) is type(taken)
    msgspec.json.encode(content)


@pytest.mark.parametrize(
    ("of", "given", "says"),
    [
        (field("string"), 1, "must be a text, not 1"),
        (field("string", min_length=2), "x", "at least 2 characters, not 1"),
        (field("string", max_length=2), "xyz", "at most 2 characters, not 3"),
        (field("string", format="email"), "ada", "of the form name@example.org, not 'ada'"),
        (field("string", format="uri"), "example", "of the form https://example.org/"),
        (field("string", format="date"), "2026-02-31", "of the form 2026-08-21"),
        (field("string", format="date-time"), "2026-08-21T10:00:00", "of the form 2026-08-21T12:00:00Z"),
        (field("number"), "1", "must be a number, not '1'"),
        (field("number"), True, "must be a number"),
        (field("number"), float("nan"), "must be a number"),
        (field("number", integer=True), 1.5, "whole number"),
        (field("number", minimum=1), 0, "at least 1, not 0"),
        (field("number", maximum=1), 2, "at most 1, not 2"),
        (field("boolean"), 1, "True or False"),
        (field("select", options=AB), "d", "one of 'a', 'b', 'c', not 'd'"),
        (field("select", options=AB), "Second", "one of"),
        (field("select", options=AB, multiple=True), "a", "must be a list"),
        (field("select", options=AB, multiple=True), ["a", "a"], "twice"),
        (field("select", options=AB, multiple=True, min_items=2), ["a"], "at least 2"),
        (field("select", options=AB, multiple=True, required=True), [], "at least 1"),
        (field("select", options=AB, multiple=True, max_items=1), ["a", "b"], "at most 1"),
        (field("string"), "x" * (LONGEST + 1), "longer than"),
    ],
)
def test_value_that_does_not_fit_is_refused_with_a_sentence(of, given, says):
    with pytest.raises(UsageError) as caught:
        check_answer([of], {"it": given})
    assert says in str(caught.value)


def test_everything_that_does_not_fit_is_named_at_once():
    fields = [Field(kind="string", name="a", required=True), Field(kind="number", name="b")]
    with pytest.raises(UsageError) as caught:
        check_answer(fields, {"b": "x", "c": 1})
    for part in ("there is no field 'c'", "'a' is required", "'b' must be a number", "fields are: 'a', 'b'"):
        assert part in str(caught.value)


def test_field_that_is_left_out_gets_its_default():
    fields = [
        Field(kind="string", name="a", required=True, default="x"),
        Field(kind="boolean", name="b", default=False),
        Field(kind="boolean", name="c"),
        Field(kind="string", name="d"),
    ]
    assert check_answer(fields, {"d": ""}) == {"a": "x", "b": False}
