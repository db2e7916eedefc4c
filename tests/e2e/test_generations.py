"""The same tests on three builds of the app: the newest, one without generation ids, and April 2025.

By default each test takes one of them in turn; the long run takes all.
"""

import asyncio

import pytest
import pytest_asyncio

from fixtures.site import BUILDS, StandIn
from fixtures.site.produced import PICTURE
from huggingchat_agent import HuggingChat
from huggingchat_agent.errors import ChatError, GenerationFailed, StreamBroken, UsageError
from tests.e2e.conftest import make_settings_for
from tests.quick import QUICK

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LONG = "count 2000 every 20"
QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"


@pytest.fixture(scope="module", params=list(BUILDS))
def build(request):
    return request.param


@pytest.fixture(scope="module")
def shared_site(build):
    with StandIn(**QUICK, **BUILDS[build]) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_chat(shared_site, tmp_path_factory):
    async with HuggingChat(**make_settings_for(shared_site, tmp_path_factory.mktemp("state"))) as chat:
        account = await chat.login()
        assert account.username == "ada"
        yield chat


@pytest.fixture
def site(shared_site):
    return shared_site


@pytest.fixture
def chat(shared_chat):
    yield shared_chat
    shared_chat.remove_all_listeners()


def read_stored(site, answer):
    """The two messages of a turn as the server has them, by the ids of the answer."""
    conversation = site.control.conversation(answer.conversation_id)
    messages = {message["id"]: message for message in conversation["messages"]}
    return messages[answer.user_message_id], messages[answer.message_id]


async def stop_after_first_token(reply):
    async for event in reply:
        if event.name == "token":
            break
    await reply.stop()
    return await reply


@pytest.mark.each_way
async def test_turns_have_the_ids_and_the_text_that_the_server_stores(chat, site, via):
    conversation = await chat.new_conversation(system_prompt="Be brief.")
    for prompt in ("one", "one", "unicode: 日本語 👩‍👩‍👧‍👦 é\u0301 “q”"):
        answer = await conversation.send(prompt, via=via)
        assert answer.via == via
        user, assistant = read_stored(site, answer)
        assert (user["content"], assistant["content"]) == (prompt, answer.text)
        assert assistant["ancestors"][-1] == user["id"]
    whole = site.control.conversation(conversation.id)
    assert whole["messages"][0]["content"] == "Be brief."
    assert [message["id"] for message in whole["messages"] if len(message["children"]) > 1] == []


async def test_retry_edit_and_checkout_make_branches_and_go_on_with_them(chat, site, via):
    conversation = await chat.new_conversation()
    first = await conversation.send("one", via=via)
    again = await conversation.retry(via=via)
    assert again.message_id != first.message_id
    assert again.user_message_id == first.user_message_id
    edited = await conversation.edit(first.user_message_id, "uno", via=via)
    user, assistant = read_stored(site, edited)
    assert (user["content"], assistant["content"]) == ("uno", edited.text)
    await conversation.checkout(first.message_id)
    after = await conversation.send("two", via=via)
    assert after.via == via
    user, _ = read_stored(site, after)
    assert user["ancestors"][-1] == first.message_id


async def test_stop_gives_the_text_that_the_server_stores(chat, site, via):
    conversation = await chat.new_conversation()
    for reply in (lambda: conversation.send(LONG, via=via), lambda: conversation.retry(via=via)):
        answer = await stop_after_first_token(reply())
        _, assistant = read_stored(site, answer)
        assert (answer.interrupted, answer.finish_reason) == (True, "interrupted")
        assert assistant["content"] == answer.text != ""


async def test_answer_is_continued_in_place_by_an_app_that_does_that(chat, site, build):
    conversation = await chat.new_conversation()
    first = await conversation.send("count 3", via="page")
    if build != "2025-04":
        with pytest.raises(UsageError, match="does not continue an answer"):
            await conversation.continue_answer()
        return
    reply = conversation.continue_answer()
    whole = await reply
    more = "".join(each.text for each in reply.events if each.name == "token")
    assert (whole.message_id, whole.text) == (first.message_id, first.text + more.rstrip()) and more
    assert read_stored(site, whole)[1]["content"] == whole.text
    assert len(await conversation.messages()) == 2
    assert (await conversation.send("hello", via="page")).text


async def test_failed_answer_can_be_retried(chat, via):
    conversation = await chat.new_conversation()
    with pytest.raises(GenerationFailed):
        await conversation.send("fail 500", via=via)
    with pytest.raises(GenerationFailed):
        await conversation.retry(via=via)


async def test_message_of_another_client_is_not_taken_for_ours(chat, raw, site):
    """It is the last one in the conversation when ours is over."""
    conversation = await chat.new_conversation()
    reply = conversation.send("hold 3", via="page")
    await asyncio.to_thread(site.control.wait_until, lambda: site.control.running)
    theirs = asyncio.create_task(raw.send(conversation.id, "theirs", lambda token: None))
    await asyncio.to_thread(site.control.wait_until, lambda: len(site.control.running) == 2)
    site.control.release(conversation=conversation.id)
    await theirs
    answer = await reply
    user, assistant = read_stored(site, answer)
    assert (user["content"], assistant["content"]) == ("hold 3", answer.text)


async def test_message_waits_for_the_run_of_another_client(chat, raw, site):
    conversation = await chat.new_conversation()
    await conversation.send("one", via="page")
    theirs = asyncio.create_task(raw.send(conversation.id, "hold 3", lambda token: None))
    await asyncio.to_thread(site.control.wait_until, lambda: site.control.running)
    await asyncio.sleep(1.1)  # what the agent read last is no longer fresh
    queued = asyncio.get_running_loop().create_future()
    conversation.once("queued", queued.set_result)
    reply = conversation.send("two", via="page")
    assert (await asyncio.wait_for(queued, 10)).reason == "run"
    site.control.release(conversation=conversation.id)
    await theirs
    answer = await reply
    messages = site.control.conversation(conversation.id)["messages"]
    assert [message["id"] for message in messages if len(message["children"]) > 1] == []
    assert answer.text.startswith("You said: two")


async def test_broken_stream_is_an_error_or_goes_on(chat, site, build):
    """A run of April 2025 ends with its stream. Any other run goes on, and its answer is resumed."""
    conversation = await chat.new_conversation()
    site.control.cut(after=6)
    reply = conversation.send("count 30 every 20", via="page")
    if build != "2025-04":
        answer = await reply
        assert read_stored(site, answer)[1]["content"] == answer.text
        return
    with pytest.raises(StreamBroken) as caught:
        await reply
    content = site.control.conversation(conversation.id)["messages"][-1]["content"]
    assert caught.value.partial == content != ""


async def test_conversations_are_listed_renamed_shared_imported_and_deleted(chat, site):
    conversation = await chat.new_conversation()
    await conversation.send("one", via="page")
    await conversation.rename("Über „Titel“")
    assert conversation.id in [each.id async for each in chat.conversations()]
    assert site.control.conversation(conversation.id)["title"] == "Über „Titel“"
    link = await conversation.share()
    copy = await chat.import_share(link)
    assert copy.id != conversation.id
    said = [[each.content for each in await one.messages()] for one in (copy, conversation)]
    assert said[0] == said[1]
    for each in (copy, conversation):
        await each.delete()
    assert not {copy.id, conversation.id} & {each.id async for each in chat.conversations()}
    with pytest.raises(ChatError) as caught:
        await chat.conversation(conversation.id).messages()
    assert caught.value.status == 404


async def test_models_and_settings_are_read_and_changed(chat, site, build):
    models = await chat.models(refresh=True)
    assert [model.id for model in models if model.multimodal] == [QWEN]
    await chat.change_preferences(active_model="qwen", system_prompts={"qwen": "Look."})
    conversation = await chat.new_conversation()
    assert conversation.model == QWEN
    assert site.control.conversation(conversation.id)["preprompt"] == "Look."
    if build == "2025-04":
        with pytest.raises(UsageError, match="no setting for streaming_mode"):
            await chat.change_preferences(streaming_mode="raw")
    back = await chat.change_preferences(active_model=models[0].id, system_prompts={"qwen": None})
    assert (back.active_model, back.system_prompts) == (models[0].id, {})


async def test_model_gets_the_files(chat, site, build, via):
    way = via
    if build == "2025-04":  # its page gives a model no text but what was pasted
        way = "page"
        site.control.switch(require_trusted_input=False)
    conversation = await chat.new_conversation("qwen")
    files = [("dot.png", PICTURE), ("notes.md", b"the word is xylophone")]
    answer = await conversation.send("look", files=files, via=way)
    heard = site.control.heard[-1]
    assert "xylophone" in heard["messages"][-1]["content"]
    assert len(heard["images"]) == 1
    assert [each["name"] for each in read_stored(site, answer)[0]["files"]] == ["dot.png", "notes.md"]


async def test_title_comes_with_the_first_answer(chat, build):
    conversation = await chat.new_conversation()
    answer = await conversation.send("a title for this", via="page")
    words = "💬 You said: a title for this" if build == "2025-04" else "a title for this"
    assert answer.title == words


async def test_end_of_a_turn_by_page_costs_one_read(chat, site):
    conversation = await chat.new_conversation()
    await conversation.send("one", via="page")
    pattern = f"conversations?/{conversation.id}"
    before = site.control.count("GET", pattern)
    answer = await conversation.send("two", via="page")
    assert answer.message_id
    assert site.control.count("GET", pattern) == before + 1


async def test_tools_are_servers_or_the_app_s_own(chat, raw, site, build):
    names = [each.name for each in await chat.tools()]
    talk = await chat.new_conversation("llama")
    if build != "2025-04":
        assert names == ["Mock"]
        with pytest.raises(UsageError, match="None of this app's tools searches the web"):
            await talk.send("one", web_search=True)
        return
    assert names == ["Calculator", "Fetch URL", "Web Search"]
    await raw.save_settings(tools=["00000000000000000000000b"])
    await chat.tools(refresh=True)
    await talk.send("one", via="page")
    assert site.control.heard[-1]["tools"] == ["Fetch URL"]  # as its page would send it
    await talk.send("two", tools=["calculator"])
    assert site.control.heard[-1]["tools"] == ["Calculator"]
    await talk.send("three", tools=[])
    assert site.control.heard[-1]["tools"] == []


async def test_app_of_april_searches_the_web_for_a_model_without_tools(chat, build):
    if build != "2025-04":
        pytest.skip("the app has no search of its own")
    talk = await chat.new_conversation("deepseek")
    reply = talk.send("one", web_search=True)
    kinds = [event.name async for event in reply]
    assert [each for each in kinds if each.startswith("search")] != []
    found = (await reply).sources
    assert [(each.uri, each.title) for each in found] == [
        ("https://one.example/?q=1", "One"),
        ("https://two.example", ""),
    ]
    with pytest.raises(UsageError, match="uses no tools"):
        await talk.send("one", tools=["calculator"])


async def test_app_of_april_says_that_it_fetches_transcribes_and_bills_nothing(chat, build):
    if build != "2025-04":
        pytest.skip("the app has the routes")
    for ask in (
        lambda: chat.fetch_file("https://files.example/a.txt"),
        lambda: chat.transcribe(("a.wav", b"RIFF")),
        lambda: chat.billing(),
    ):
        with pytest.raises(UsageError, match=r"cannot do that: it has no /api/"):
            await ask()


async def test_app_without_tools_says_so(chat, site, build):
    if build == "2025-04":
        pytest.skip("it has tools of its own")
    site.control.answer_next(
        "/api/mcp/servers$", 404, "<html>A page</html>", content_type="text/html", times=2
    )
    assert await chat.tools(refresh=True) == []
    conversation = await chat.new_conversation()
    with pytest.raises(UsageError, match=r"no tools \(no /api/mcp/servers\)"):
        await conversation.send("one", via="page", web_search=True)
    assert (await conversation.send("one", via="page", tools=[])).text.startswith("You said: one")
    site.control.wait_until_idle()
    await chat.tools(refresh=True)
