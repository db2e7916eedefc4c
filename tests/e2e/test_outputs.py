"""Files that come with an answer, downloaded through the browser that is signed in."""

import asyncio
import hashlib

import msgspec
import pytest

from fixtures.site.produced import PICTURE
from huggingchat_agent.answer import File
from huggingchat_agent.errors import ChatError, SiteError, StorageError, UsageError
from huggingchat_agent.site import calls

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


def make_bytes(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


async def test_file_of_an_answer_is_downloaded_as_it_is_stored(chat, raw, via, tmp_path):
    conversation = await chat.new_conversation()
    reply = conversation.send("make file dots.png of 5000", via=via)
    produced = [event.file async for event in reply if event.name == "file"]
    (file,) = (await reply).files
    assert produced == [file]
    assert (file.name, file.mime) == ("dots.png", "image/png")
    assert await file.read() == await produced[0].read() == make_bytes(5000)
    url = f"{conversation.url}/output/{file.sha}"
    async with raw.http.get(url) as response:
        assert await response.read() == make_bytes(5000)
    assert await file.save(tmp_path) == tmp_path / "dots.png"
    assert await file.save(tmp_path) == tmp_path / "dots-2.png"
    assert await file.save(tmp_path / "other.bin") == tmp_path / "other.bin"
    for path in tmp_path.iterdir():
        assert path.read_bytes() == make_bytes(5000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dots-2.png", "dots.png", "other.bin"]


async def test_large_file_comes_whole(chat):
    conversation = await chat.new_conversation()
    size = 9 * 1024 * 1024 + 1
    answer = await conversation.send(f"make file big.bin of {size}", via="page")
    data = await answer.files[0].read()
    assert len(data) == size
    assert hashlib.sha256(data).digest() == hashlib.sha256(make_bytes(size)).digest()


async def test_file_that_is_larger_than_is_taken_is_an_error(chat, monkeypatch):
    conversation = await chat.new_conversation()
    answer = await conversation.send("make file big.bin of 5000", via="page")
    monkeypatch.setattr(calls, "LARGEST", 4999)
    with pytest.raises(SiteError, match=rf"/output/{answer.files[0].sha} is larger than 4,999 bytes"):
        await answer.files[0].read()
    monkeypatch.setattr(calls, "LARGEST", 5000)
    assert await answer.files[0].read() == make_bytes(5000)


async def test_name_of_a_file_does_not_choose_the_place(chat, tmp_path):
    conversation = await chat.new_conversation()
    answer = await conversation.send("make file ../../up and away.txt of 3", via="page")
    inside = tmp_path / "inside"
    inside.mkdir()
    assert await answer.files[0].save(inside) == inside / "up and away.txt"
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


async def test_file_from_json_gets_its_way_to_the_bytes_from_the_conversation(chat):
    conversation = await chat.new_conversation()
    answer = await conversation.send("make file a.txt of 10", via="page")
    again = msgspec.json.decode(msgspec.json.encode(answer.files[0]), type=File)
    assert again == answer.files[0]
    with pytest.raises(UsageError, match=r"conversation\.file"):
        await again.read()
    assert await conversation.file(again).read() == make_bytes(10)
    assert await conversation.file(again.sha).read() == make_bytes(10)
    with pytest.raises(ChatError):
        await conversation.file("0" * 64).read()


async def test_picture_in_the_output_of_a_tool_is_a_file_too(chat, tmp_path):
    conversation = await chat.new_conversation()
    answer = await conversation.send("draw picture", via="page")
    (file,) = answer.tools[0].files
    assert await file.read() == PICTURE
    assert await file.save(tmp_path) == tmp_path / "output-1.png"


async def test_file_is_read_in_the_loop_it_came_from_only(chat):
    conversation = await chat.new_conversation()
    answer = await conversation.send("make file a.txt of 10", via="page")
    with pytest.raises(UsageError, match="another event loop"):
        await asyncio.to_thread(lambda: asyncio.run(answer.files[0].read()))


async def test_place_that_cannot_be_written_is_reported(chat, tmp_path):
    conversation = await chat.new_conversation()
    answer = await conversation.send("make file a.txt of 10", via="page")
    with pytest.raises(StorageError, match="Cannot save"):
        await answer.files[0].save(tmp_path / "nowhere" / "a.txt")
