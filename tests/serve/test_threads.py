"""Which conversation a list of messages continues."""

import asyncio

import pytest

from huggingchat_agent.serve.question import Message, Picture
from huggingchat_agent.serve.threads import Threads, hash_messages, split_at_last_answer
from tests.serve.conftest import MODEL, open_door

HI = [Message("user", "hi"), Message("assistant", "hello")]


def test_hash_knows_the_messages_and_their_scope():
    same = hash_messages("a", [Message("user", "hi"), Message("assistant", " hello\n")])
    assert hash_messages("a", HI) == same
    others = [
        hash_messages("b", HI),
        hash_messages("a", HI[:1]),
        hash_messages("a", [HI[0], Message("user", "hello")]),
        hash_messages("a", [Message("user", "hi", (Picture("p", b"x", "image/png"),)), HI[1]]),
        hash_messages("a", [Message("user", "hihello")]),
    ]
    assert len({same, *others}) == 6


def test_split_is_behind_the_last_answer():
    more = (*HI, Message("user", "and?"))
    assert split_at_last_answer(more) == (tuple(HI), more[2:])
    assert split_at_last_answer(more[2:]) == ((), more[2:])


def test_file_keeps_rows_and_no_text(tmp_path):
    path = tmp_path / "new" / "serve.sqlite"
    threads = Threads(path)
    threads.add("p", "c", "m", turns=1)
    threads.set_follower("p", "next")
    threads.close()
    assert path.stat().st_mode & 0o777 == 0o600
    threads = Threads(path)
    found = threads.find("p")
    assert found is not None and (found.conversation, found.answer, found.follower) == ("c", "m", "next")
    assert threads.find_one_shots(-1) == ["c"] and threads.find_one_shots(60) == []
    threads.add("q", "c", "n", turns=2)
    assert threads.find_one_shots(-1) == []
    threads.forget("c")
    assert threads.find("p") is None
    threads.close()


class Client:
    """Keeps its list of messages, as chat clients do."""

    def __init__(self, door):
        self.door, self.messages = door, []

    async def say(self, text, **more):
        self.messages.append({"role": "user", "content": text})
        answer = await self.door.ask(self.messages, **more)
        assert answer.status_code == 200, answer.text
        said = answer.json()["choices"][0]["message"]["content"]
        self.messages.append({"role": "assistant", "content": said})
        return said


def find(site, text):
    """The conversations in which the user wrote that."""
    return [
        each
        for each in site.control.conversations()
        if any(text in message["content"] for message in each["messages"])
    ]


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
class TestConversations:
    async def test_growing_list_continues_its_conversation_also_after_a_restart(self, chat, site):
        async with open_door(chat, site) as first:
            client = Client(first)
            await client.say("sticky one")
            await client.say("sticky two")
        key = first.key
        async with open_door(chat, site, key=key) as client.door:
            await client.say("sticky three")
        (conversation,) = find(site, "sticky one")
        said = [each["content"] for each in conversation["messages"] if each["from"] == "user"]
        assert said == ["sticky one", "sticky two", "sticky three"]

    async def test_edited_message_becomes_a_branch(self, door, site):
        client = Client(door)
        await client.say("branch one")
        await client.say("branch two")
        client.messages = client.messages[:2]
        await client.say("branch other")
        await client.say("branch after")
        (conversation,) = find(site, "branch one")
        by_id = {each["id"]: each for each in conversation["messages"]}
        (after,) = [each for each in by_id.values() if each["content"] == "branch after"]
        path = [by_id[each]["content"] for each in after["ancestors"] if by_id[each]["from"] == "user"]
        assert path == ["branch one", "branch other"]

    async def test_edited_first_message_is_a_new_conversation(self, door, site):
        client = Client(door)
        await client.say("first old")
        client.messages[0]["content"] = "first new"
        await client.say("and then")
        assert len(find(site, "first new")) == 1
        (conversation,) = find(site, "first new")
        assert "Assistant: You said: first old" in conversation["messages"][1]["content"]

    async def test_conversation_that_went_on_in_the_app_is_left_alone(self, door, site, chat):
        client = Client(door)
        await client.say("left one")
        (conversation,) = find(site, "left one")
        await chat.conversation(conversation["id"]).send("a person", via="page")
        await client.say("left two")
        assert [each["id"] for each in find(site, "left two")] != [conversation["id"]]

    async def test_deleted_conversation_is_made_again(self, door, site, chat):
        client = Client(door)
        await client.say("gone one")
        (conversation,) = find(site, "gone one")
        await chat.conversation(conversation["id"]).delete()
        await client.say("gone two")
        assert len(find(site, "gone two")) == 1

    async def test_cut_answer_can_be_continued(self, door, site):
        client = Client(door)
        await client.say("count 4000 every 5 for cut", max_tokens=4)
        await client.say("after the cut")
        (conversation,) = find(site, "after the cut")
        assert conversation["messages"][1]["content"] == "count 4000 every 5 for cut"

    async def test_task_of_a_client_leaves_no_conversation(self, door, site):
        answer = await door.ask("### Task:\nGenerate a title")
        assert answer.status_code == 200
        async with asyncio.timeout(10):  # the client does not wait for it
            while find(site, "Generate a title"):  # noqa: ASYNC110 -- the site has no event for it
                await asyncio.sleep(0.01)

    async def test_conversation_of_one_turn_is_deleted_later(self, door, site):
        client, other = Client(door), Client(door)
        await client.say("once only")
        await other.say("twice one")
        await other.say("twice two")
        await door.running._answerer.delete_one_shots(age=-1)
        assert find(site, "once only") == [] and len(find(site, "twice one")) == 1

    async def test_other_model_gets_another_conversation(self, door, site):
        client = Client(door)
        await client.say("model one", model=MODEL)
        await client.say("model two", model="deepseek-ai/DeepSeek-R1")
        assert len(find(site, "model two")) == 1
        assert find(site, "model two") != find(site, "model one")[-1:]
