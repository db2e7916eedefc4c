"""The list of conversations and what can be done with one, read back by another client."""

import asyncio
import json

import pytest

from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import ChatError, SessionRejected, UsageError
from tests.raw import Raw

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
GONE = "0123456789abcdef01234567"


def list_pages_asked_for(site):
    """Numbers of the list's pages that were asked for in the page, in order."""
    paths = [each.path for each in site.control.requests if each.method == "GET"]
    return [int(path.partition("?p=")[2]) for path in paths if "/api/v2/conversations?p=" in path]


async def read_titles(raw):
    return {each["id"]: each["title"] for each in (await raw.list())["conversations"]}


@pytest.mark.fresh
async def test_200_conversations_are_listed_page_after_page_as_they_are_consumed(site, chat, raw):
    made = await asyncio.gather(*(raw.create(LLAMA) for _ in range(200)))
    before = len(list_pages_asked_for(site))
    entries = chat.conversations()
    first = [await anext(entries) for _ in range(30)]
    # The app's page may ask for the second one too, as it has just been loaded and fills its sidebar.
    assert list_pages_asked_for(site)[before:] in ([0], [0, 1], [1, 0])
    rest = [each async for each in entries]
    asked = list_pages_asked_for(site)[before:]
    assert sorted(set(asked)) == [0, 1, 2, 3, 4, 5, 6] and len(asked) <= 8
    assert sorted(each.id for each in first + rest) == sorted(made)
    ids = [each["id"] for number in range(7) for each in (await raw.list(number))["conversations"]]
    assert [each.id for each in first + rest] == ids
    assert first[0].model == LLAMA and first[0].updated_at


@pytest.mark.fresh
async def test_list_gives_none_twice_when_it_grows_meanwhile(chat, raw):
    made = [await raw.create(LLAMA) for _ in range(40)]
    seen: list[str] = []
    async for each in chat.conversations():
        if len(seen) == 3:  # from now on each page begins five entries earlier
            await asyncio.gather(*(raw.create(LLAMA) for _ in range(5)))
        seen.append(each.id)
    assert seen == list(reversed(made))


@pytest.mark.fresh
async def test_list_that_is_no_paged_object_is_read_to_its_end(site, chat):
    await chat._session.tabs.close_idle()  # their pages read the list too
    entries = [{"_id": f"{number:024x}", "title": f"number {number}"} for number in range(3)]
    path = "/api/v2/conversations$"
    # A home page with a short list asks for its second page, once its scripts run.
    await asyncio.to_thread(site.control.wait_for, "GET", r"/api/v2/conversations\?p=1$")
    site.control.answer_next(path, body=json.dumps(entries[:2]))
    site.control.answer_next(path, body=json.dumps(entries[1:]))
    site.control.answer_next(path, body="[]")
    assert [each.title async for each in chat.conversations()] == ["number 0", "number 1", "number 2"]


@pytest.mark.fresh
async def test_list_of_an_app_without_pages_ends(site, chat):
    site.control.answer_next("/api/v2/conversations$", body=f'[{{"id":"{GONE}"}}]', times=9)
    assert [each.id async for each in chat.conversations()] == [GONE]


async def test_rename_is_stored(chat, raw):
    conversation = await chat.new_conversation()
    await conversation.rename("  Über \u201eTitel\u201c 👩‍👩‍👧‍👦 ")
    assert (await read_titles(raw))[conversation.id] == "Über \u201eTitel\u201c 👩‍👩‍👧‍👦"
    assert (await conversation.read()).title == "Über \u201eTitel\u201c 👩‍👩‍👧‍👦"


@pytest.mark.parametrize("title", ["", " \n", "x" * 101, "👩" * 51])
async def test_rename_refuses_a_title_the_app_does_not_take(chat, title):
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match="1 to 100"):
        await conversation.rename(title)


async def test_longest_title_is_stored(chat, raw):
    conversation = await chat.new_conversation()
    await conversation.rename("x" * 100)
    assert (await raw.read(conversation.id))["title"] == "x" * 100


async def test_model_is_changed_for_what_comes(chat, raw):
    conversation = await chat.new_conversation(LLAMA)
    await conversation.change_model("qwen")
    assert (await raw.read(conversation.id))["model"] == conversation.model == "Qwen/Qwen2.5-VL-7B-Instruct"


@pytest.mark.parametrize("action", ["rename", "share", "change_model"])
async def test_conversation_that_is_gone_is_named_in_the_error(chat, action):
    arguments = {"rename": ["x"], "share": [], "change_model": ["qwen"]}[action]
    with pytest.raises(ChatError, match="not found") as raised:
        await getattr(chat.conversation(GONE), action)(*arguments)
    assert raised.value.conversation_id == GONE


async def test_share_gives_a_link_that_others_can_import(site, chat, raw):
    conversation = await chat.new_conversation()
    answer = await conversation.send("hello", via="page")
    link = await conversation.share()
    assert link.startswith(f"{chat.settings.base_url}/r/") and await conversation.share() == link
    snapshot = await raw.read(link[-7:])
    assert [each["content"] for each in snapshot["messages"]][-2:] == ["hello", answer.text]
    copy = await chat.import_share(link)
    assert copy.id != conversation.id
    assert (await raw.read(copy.id))["messages"] == (await raw.read(conversation.id))["messages"]
    assert await chat.import_share(link[-7:]) is copy
    with pytest.raises(UsageError, match="share"):
        chat.conversation(link)


async def test_share_waits_for_nothing_while_answering(site, chat):
    conversation = await chat.new_conversation()
    async with conversation.send("hold 3", via="page") as reply:
        async for event in reply:
            if event.name == "started":
                with pytest.raises(UsageError, match="still answering"):
                    await conversation.share()
                site.control.release()
    assert site.control.count("POST", f"{conversation.id}/share") == 0


@pytest.mark.parametrize("link", ["", "abc", "http://example.org/chat/r/short", GONE, "abcdefgh"])
async def test_import_refuses_what_is_no_share(chat, link):
    with pytest.raises(UsageError, match="Not a share"):
        await chat.import_share(link)


async def test_import_of_an_unknown_share_is_a_chat_error(chat):
    with pytest.raises(ChatError, match="not found"):
        await chat.import_share("abcdefg")


async def test_many_are_deleted_only_when_their_number_is_confirmed(site, chat, raw):
    kept, *doomed = [await raw.create(LLAMA) for _ in range(4)]
    for confirmed in (2, 4, 0):
        with pytest.raises(UsageError, match="there are 3"):
            await chat.delete_conversations(doomed, confirmed=confirmed)
    with pytest.raises(TypeError):
        await chat.delete_conversations(doomed)
    assert {await raw.status(each) for each in doomed} == {200}
    entries = [each async for each in chat.conversations() if each.id in doomed]
    mixed = [entries[0], chat.conversation(entries[1].id), entries[2].id, entries[2].id]
    await chat.delete_conversations(mixed, confirmed=3)
    assert [await raw.status(each) for each in (kept, *doomed)] == [200, 404, 404, 404]


async def test_deleting_many_says_how_far_it_came(site, chat, raw):
    first, second, last = [await raw.create(LLAMA) for _ in range(3)]
    site.control.answer_next(f"/conversation/{second}$", 500, "upstream failure", method="DELETE")
    with pytest.raises(ChatError) as raised:
        await chat.delete_conversations([first, second, last], confirmed=3)
    assert raised.value.__notes__ == ["1 of 3 conversations were deleted before that."]
    assert [await raw.status(each) for each in (first, second, last)] == [404, 200, 200]


async def test_conversation_that_somebody_else_deleted_is_deleted(chat, raw):
    conversation = await chat.new_conversation(temporary=True)
    await raw.delete(conversation.id)
    await conversation.delete()
    assert conversation.deleted
    assert chat.conversation(conversation.id) is not conversation  # nothing is left to be deleted at the end


async def test_export_holds_what_was_said(chat):
    conversation = await chat.new_conversation(system_prompt="Be brief.")
    answer = await conversation.send("reason about it", via="page")
    document = json.loads(await conversation.export("json"))
    assert (document["id"], document["url"], document["system_prompt"]) == (
        conversation.id,
        conversation.url,
        "Be brief.",
    )
    last = document["messages"][-1]
    assert (last["text"], last["reasoning"]) == (answer.text, answer.reasoning)
    assert (last["id"], last["parent"]) == (answer.message_id, answer.user_message_id)
    text = await conversation.export()
    assert "## You\n\nreason about it\n" in text and answer.reasoning.strip() in text
    with pytest.raises(UsageError, match="markdown or json"):
        await conversation.export("pdf")


@pytest.mark.fresh
async def test_signed_out_changes_say_so(site, settings):
    async with HuggingChat(**settings) as chat:
        await chat.login()
        conversation_id = (await chat.new_conversation()).id
    nobody = {"username": None, "password": None}  # the saved session is all there is
    async with HuggingChat(**settings | nobody) as chat:
        await chat.login()
        site.control.sign_out(hub=True)
        conversation = chat.conversation(conversation_id)
        for call in (conversation.rename("x"), conversation.share(), chat.import_share("abcdefg")):
            with pytest.raises(SessionRejected):
                await call


@pytest.mark.fresh
async def test_another_account_does_not_see_them(site, chat, raw):
    conversation = await chat.new_conversation()
    async with Raw(chat.settings.base_url, {}) as stranger:
        assert (await stranger.list())["conversations"] == []
    assert conversation.id in await read_titles(raw)
