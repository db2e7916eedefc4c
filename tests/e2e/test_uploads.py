"""Files of a message: what the model gets of them, and what is refused before anything is sent."""

import asyncio
import io

import pytest

from fixtures.site.produced import PICTURE
from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.errors import FileRejected, UsageError
from huggingchat_agent.site.gestures import composer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SEES = "Qwen2.5-VL"  # takes pictures
READS = "Llama"  # takes text only


def find_given(site, conversation):
    return [each for each in site.control.heard if each["conversation"] == conversation.id][-1]


async def read_files(raw, answer):
    messages = (await raw.read(answer.conversation_id))["messages"]
    return next(each["files"] for each in messages if each["id"] == answer.user_message_id)


@pytest.mark.each_way
async def test_picture_and_text_reach_the_model(chat, site, raw, via, tmp_path):
    (tmp_path / "dot.png").write_bytes(PICTURE)
    conversation = await chat.new_conversation(SEES)
    files = [tmp_path / "dot.png", ("notes.md", "# Grüße\n".encode())]
    answer = await conversation.send("look at both", files=files, via=via)
    assert find_given(site, conversation)["images"] == [{"mime": "image/png", "size": len(PICTURE)}]
    assert "# Grüße\n\n</document>" in find_given(site, conversation)["messages"][-1]["content"]
    assert "[images=1]" in answer.text
    assert answer.via == via
    stored = await read_files(raw, answer)
    assert [(file["name"], file["mime"]) for file in stored] == [
        ("dot.png", "image/png"),
        ("notes.md", "text/markdown"),
    ]


async def test_open_file_and_a_name_that_is_long_or_odd_are_taken(chat, site, raw, via, tmp_path):
    conversation = await chat.new_conversation(READS)
    long = f"{'very ' * 12}long; name (copy).txt"
    with (tmp_path / "list.csv").open("wb+") as file:
        file.write(b"a,b\n1,2\n")
        file.seek(0)
        reply = conversation.send("read", files=[file, (long, b"inside")], via=via)
    answer = await reply
    content = find_given(site, conversation)["messages"][-1]["content"]
    assert "1,2" in content
    assert "inside" in content
    assert [file["name"] for file in await read_files(raw, answer)] == ["list.csv", long]


@pytest.mark.each_way
async def test_files_of_an_edited_message_are_given_again(chat, site, raw, via):
    conversation = await chat.new_conversation(SEES)
    first = await conversation.send("look", files=[("dot.png", PICTURE), ("a.txt", b"alpha")], via=via)
    other = await conversation.edit(first.user_message_id, "look again", via=via)
    assert len(find_given(site, conversation)["images"]) == 1
    assert "alpha" in find_given(site, conversation)["messages"][-1]["content"]
    assert await read_files(raw, other) == await read_files(raw, first)


async def test_files_are_not_sent_again_with_the_next_message(chat, site, via):
    conversation = await chat.new_conversation(READS)
    await conversation.send("read", files=[("a.txt", b"alpha")], via=via)
    answer = await conversation.send("and now", via=via)
    assert "alpha" not in find_given(site, conversation)["messages"][-1]["content"]
    assert not answer.interrupted


async def test_file_of_ten_mebibytes_is_taken(chat, site, via):
    conversation = await chat.new_conversation(READS)
    data = b"0123456789abcdef" * (10 * 1024 * 1024 // 16)
    await conversation.send("burst 3", files=[("big.txt", data)], via=via)
    assert len(find_given(site, conversation)["messages"][-1]["content"]) > len(data)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("nowhere/missing.txt", "No such file"),
        (("empty.txt", b""), "is empty"),
        (("big.bin", b"x" * (10 * 1024 * 1024 + 1)), "10 MiB"),
    ],
    ids=["missing", "empty", "too-large"],
)
async def test_file_that_cannot_be_sent_is_refused_at_once(chat, site, file, reason):
    conversation = await chat.new_conversation(READS)
    before = site.control.count("POST", f"/conversation/{conversation.id}")
    with pytest.raises(FileRejected, match=reason):
        conversation.send("read", files=[file])
    assert site.control.count("POST", f"/conversation/{conversation.id}") == before
    await conversation.send("still usable", via="page")


@pytest.mark.parametrize("opened", ["made here", "by its id"])
async def test_type_the_model_does_not_take_is_refused_before_anything_is_sent(chat, site, raw, opened):
    if opened == "made here":
        conversation = await chat.new_conversation(READS)
    else:
        conversation = chat.conversation(await raw.create("meta-llama/Llama-3.3-70B-Instruct"))
    with pytest.raises(FileRejected, match=r"does not take 'dot.png', which is image/png; it takes text/\*"):
        await conversation.send("look", files=[("dot.png", PICTURE)])
    assert len((await raw.read(conversation.id))["messages"]) == 1


@pytest.mark.parametrize("wrong", [3, io.BytesIO(b"no name"), b"bytes"])
async def test_what_is_no_file_is_refused(chat, wrong):
    conversation = chat.conversation("a" * 24)
    with pytest.raises(UsageError, match="open file that has a name"):
        conversation.send("hello", files=[wrong])
    with pytest.raises(UsageError, match="is a list"):
        conversation.send("hello", files="photo.png")


async def test_files_left_in_the_composer_do_not_go_with_the_next_message(chat, site, raw):
    conversation = await chat.new_conversation(READS)
    await conversation.send("hello", via="ui")
    tab = await chat._session.tabs.lease(conversation.id)
    await tab.page.set_files(
        'input[type="file"]', [Upload("left.txt", "text/plain", b"left behind")], timeout=10
    )
    await chat._session.tabs.release(tab)
    answer = await conversation.send("read", files=[("a.txt", b"alpha")], via="auto")
    assert [file["name"] for file in await read_files(raw, answer)] == ["a.txt"]
    assert "left behind" not in find_given(site, conversation)["messages"][-1]["content"]


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_message_given_up_while_its_files_are_put_in_leaves_nothing_behind(
    chat, site, raw, monkeypatch, how
):
    conversation = await chat.new_conversation(READS)
    await conversation.send("hello", via="ui")
    attached, put_in = asyncio.Event(), composer.attach

    async def attach(page, files, *, timeout):
        await put_in(page, files, timeout=timeout)
        attached.set()
        await asyncio.Event().wait()  # given up here: the draft is written, the files are shown

    with monkeypatch.context() as patch:
        patch.setattr(composer, "attach", attach)
        reply = conversation.send("left behind", files=[("left.txt", b"left behind")], via="ui")
        await attached.wait()
        if how == "stop":
            await reply.stop()
        else:
            waiting = asyncio.ensure_future(reply)
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
    answer = await conversation.send("and now", via="ui")
    assert answer.via == "ui"
    last = (await raw.read(conversation.id))["messages"]
    assert [each["content"] for each in last if each["from"] == "user"] == ["hello", "and now"]
    assert not await read_files(raw, answer)
    assert "left behind" not in find_given(site, conversation)["messages"][-1]["content"]


async def test_conversations_with_files_at_once_do_not_cross(chat, site, raw, via):
    conversations = [await chat.new_conversation(READS) for _ in range(2)]
    names = ["alpha", "beta"]
    replies = [
        each.send(f"read {name}", files=[(f"{name}.txt", name.encode() * 50_000)], via=via)
        for each, name in zip(conversations, names, strict=True)
    ]
    answers = await asyncio.gather(*replies)
    for conversation, answer, name in zip(conversations, answers, names, strict=True):
        assert answer.via == via
        assert [file["name"] for file in await read_files(raw, answer)] == [f"{name}.txt"]
        content = find_given(site, conversation)["messages"][-1]["content"]
        assert name * 50_000 in content and f"read {name}" in content
