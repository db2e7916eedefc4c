"""Answers in JSON: what is taken from a model's text, and what is sent back to it."""

import socket

import pytest

from huggingchat_agent.errors import UsageError
from huggingchat_agent.structured import Form, Misshapen

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PARIS = '{"city": "Paris"}'


@pytest.mark.parametrize(
    "text",
    [
        PARIS,
        f"\n {PARIS}\n",
        f"```json\n{PARIS}\n```",
        f"Here it is:\n\n```\n{PARIS}\n```\nAnything else?",
        f"Sure: {PARIS}. Anything else?",
    ],
)
def test_json_is_found_as_the_model_wrote_it(text):
    assert Form(CITY).read(text) == PARIS


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "not valid JSON"),
        ("Paris", "not valid JSON"),
        ('{"city": "Paris"', "not valid JSON"),
        ('{"answer": {"city": "Paris"}', "not valid JSON"),  # the inner object is not the answer
        ("{'city': 'Paris'}", "not valid JSON"),
        ('{"city": NaN}', "NaN is not JSON"),
        ("[" * 100_000, "recursion"),
        ('{"city": 3}', "city: 3 is not of type 'string'"),
        ('{"town": "Paris"}', "'city' is a required property"),
    ],
)
def test_anything_else_is_a_problem_to_send_back(text, part):
    form = Form(CITY)
    with pytest.raises(Misshapen, match=part.replace("(", r"\(")) as found:
        form.read(text)
    again = form.ask_again(found.value)
    assert str(found.value) in again and '"additionalProperties"' in again


def test_without_a_schema_any_object_will_do():
    assert Form().read('{"a": [1]}') == '{"a": [1]}'
    with pytest.raises(Misshapen, match="not of type 'object'"):
        Form().read("[1]")


@pytest.mark.parametrize("schema", [3, "x", {"type": "city"}, {"properties": 3}])
def test_wrong_schema_is_refused(schema):
    with pytest.raises(UsageError, match="JSON schema"):
        Form(schema)


@pytest.mark.parametrize("place", ["#/nowhere", "net"])
def test_reference_never_goes_to_the_network(place):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/schema"
        form = Form({"$ref": address if place == "net" else place})
        with pytest.raises(UsageError, match="leads nowhere"):
            form.read("{}")
        with pytest.raises(BlockingIOError):
            listening.accept()
