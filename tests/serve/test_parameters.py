"""What of a request is read, what passes, and what is refused."""

import base64

import pytest

from huggingchat_agent.serve.chat_completions import ChatCompletions
from huggingchat_agent.serve.question import format_history
from huggingchat_agent.serve.refusals import Refusal

HELLO = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()


def parse(*, lenient=False, **more):
    return ChatCompletions().parse(HELLO | more, lenient=lenient)


@pytest.mark.parametrize(
    "more",
    [
        {"n": 1},
        {"temperature": 1},
        {"temperature": 1.0},
        {"temperature": None},
        {"user": "ada"},
        {"metadata": {"a": "b"}},
        {"store": True},
        {"tools": []},
        {"response_format": {"type": "text"}},
        {"seed": None},
    ],
)
def test_value_that_changes_nothing_passes(more):
    assert parse(**more) == parse()


@pytest.mark.parametrize(
    "more",
    [
        {"n": 2},
        {"n": True},
        {"temperature": 0},
        {"seed": 0},
        {"top_p": 0.5},
        {"functions": [{"name": "f"}]},
        {"logprobs": True},
        {"reasoning_effort": "low"},
        {"unheard": 1},
    ],
)
def test_parameter_without_a_wire_is_refused_or_named(more):
    (name,) = more
    with pytest.raises(Refusal) as found:
        parse(**more)
    assert (found.value.status, found.value.param) == (400, name)
    assert parse(lenient=True, **more).ignored == (name,)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0].content[0].type",
        ),
        ({"model": 3}, "model"),
        ({"model": None}, None),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_wrong_type_is_refused_with_its_place(more, param):
    with pytest.raises(Refusal) as found:
        parse(lenient=True, **more)
    assert (found.value.status, found.value.param) == (400, param)


@pytest.mark.parametrize("body", [[], "x", None, 3])
def test_body_must_be_an_object(body):
    with pytest.raises(Refusal, match="JSON object"):
        ChatCompletions().parse(body, lenient=True)


def test_pictures_come_as_data():
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PNG}}]
    (message,) = parse(messages=[{"role": "user", "content": parts}]).messages
    assert message.text == "Look"
    assert [(each.name, each.data, each.mime) for each in message.pictures] == [
        ("picture-1.png", b"\x89PNG", "image/png")
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/cat.png",
        "ftp://example.org/cat.png",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "data:image/png,plain",
        "data:image/png;base64,%%%",
        "data:text/html;base64,aGk=",
    ],
)
def test_pictures_that_are_neither_data_nor_https_are_refused(url):
    with pytest.raises(Refusal) as found:
        parse(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}])
    assert found.value.status == 400


def test_limits_are_the_smaller_one():
    assert parse(max_tokens=5, max_completion_tokens=3).max_tokens == 3
    assert parse(stop="x").stop == ("x",)


def test_history_of_several_roles_has_them_in_it():
    said = [("system", "Be brief."), ("user", "a"), ("assistant", "b"), ("user", "c")]
    asked = parse(messages=[{"role": role, "content": text} for role, text in said])
    assert format_history(asked.messages) == "User: a\nAssistant: b\nUser: c\nAssistant:"
    assert asked.system == "Be brief."
