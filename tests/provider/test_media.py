"""Files in every form that clients use, the prompt made of messages, and the choice of a model."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest

from huggingchat_agent.provider import ResponseError
from huggingchat_agent.provider.answering import resolve_model
from huggingchat_agent.provider.media import read_files
from huggingchat_agent.provider.models import default_model, image_models
from huggingchat_agent.provider.prompts import find_last_user_message, format_prompt, join_system_prompts
from huggingchat_agent.wire.models import Model
from tests.provider.conftest import user

PNG = b"\x89PNG\r\n\x1a\n and so on"
URI = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


class Picture:
    """As an imaging library has it."""

    def save(self, file, format):
        assert format == "PNG"
        file.write(PNG)


@pytest.mark.parametrize("given", [PNG, bytearray(PNG), URI, Picture()])
def test_picture_is_taken_in_many_forms(given):
    assert read_files([given], []) == read_files([(given, None)], []) == [("file-1.png", PNG, "image/png")]


def test_open_file_is_read():
    assert read_files([(io.BytesIO(PNG), "dot.png")], []) == [("dot.png", PNG, "image/png")]


@pytest.mark.parametrize("kind", [str, Path])
def test_path_is_read_under_its_own_name_or_another(tmp_path, kind):
    path = tmp_path / "note.txt"
    path.write_text("read me")
    assert read_files([kind(path)], []) == [("note.txt", b"read me", "text/plain")]
    assert read_files([(kind(path), "folder/other.txt")], [])[0][0] == "other.txt"


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", "application/octet-stream"),
    ],
)
def test_media_type_is_recognized_by_the_first_bytes_where_no_name_shows_it(head, mime):
    assert read_files([head], [])[0][2] == mime


def test_pictures_of_the_last_messages_come_first():
    old = user([{"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lG"}}])
    new = user([{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": URI}}])
    found = read_files([(b"GIF89a", "b.gif")], [old, {"role": "assistant", "content": "ok"}, new])
    assert [each[0] for each in found] == ["file-1.png", "b.gif"]


@pytest.mark.parametrize(
    "given", ["https://example.org/a.png", "/no/such/file.png", 3, "data:image/png;base64,A"]
)
def test_what_cannot_be_read_is_refused(given):
    with pytest.raises(ResponseError):
        read_files([given], [])


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("", ""),
        (None, ""),
        ("auto", ""),
        (default_model, ""),
        ("flux", image_models[0]),
        ("org/b", "org/b"),
        ("B", "org/b"),
        ("deepseek-r1", "deepseek-ai/DeepSeek-R1"),
    ],
)
def test_model_is_resolved_by_alias_or_name_or_left_to_the_app(name, chosen):
    offered = [Model(id=each) for each in ("org/a", "org/b", "deepseek-ai/DeepSeek-R1")]
    assert resolve_model(name, offered) == chosen


def test_default_model_is_taken_where_the_app_has_it():
    assert resolve_model(default_model, [Model(id="org/a"), Model(id=default_model)]) == default_model


def test_prompt_of_one_message_is_the_message():
    assert format_prompt([{"role": "system", "content": "x"}, user("  hi ")]) == "  hi "
    assert format_prompt([]) == ""


def test_prompt_of_a_history_names_who_said_what():
    history = [user("a"), {"role": "assistant", "content": "b"}, user(["c", {"type": "text", "text": "d"}])]
    assert format_prompt(history) == "User: a\nAssistant: b\nUser: cd\nAssistant:"


def test_last_message_is_what_the_user_said_since_the_last_answer():
    history = [user("a"), {"role": "assistant", "content": "b"}, user("c"), user([{"text": "d"}])]
    assert find_last_user_message(history) == "c\nd"


def test_no_system_messages_give_no_system_prompt():
    assert join_system_prompts([user("a")]) is None
    assert (
        join_system_prompts([{"role": "developer", "content": "a"}, {"role": "system", "content": "b"}])
        == "a\nb"
    )
