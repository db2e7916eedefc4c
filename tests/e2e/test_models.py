"""Models, and the conversations made with them."""

import asyncio

import pytest

from huggingchat_agent.errors import UsageError
from huggingchat_agent.exchange import Ended, Started

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.fresh
async def test_models_come_from_the_apps_own_traffic(chat):
    models = await chat.models()
    assert models.source == "inlined"
    assert [model.id for model in models] == [
        "meta-llama/Llama-3.3-70B-Instruct",
        "Qwen/Qwen2.5-VL-7B-Instruct",
        "deepseek-ai/DeepSeek-R1",
    ]
    again = await chat.models(refresh=True)
    assert again.source == "call"
    assert list(again) == list(models)


@pytest.mark.fresh
async def test_models_come_from_a_request_of_the_page_where_nothing_is_inlined(chat):
    source = (await chat.models()).source
    url, mine, over = f"{chat.settings.base_url}/api/v2/models", set(), asyncio.Event()

    @chat.on("exchange")
    def watch(event):
        if isinstance(event.exchange, Started) and event.exchange.url == url:
            mine.add(event.exchange.exchange_id)
        if isinstance(event.exchange, Ended) and event.exchange.exchange_id in mine:
            over.set()

    page = await chat._session.tabs.get_shared()
    await page.evaluate(
        "async (url) => { await (await fetch(url, {cache: 'no-store'})).text(); }", url, timeout=5
    )
    await over.wait()
    assert (source, (await chat.models()).source) == ("inlined", "request")


@pytest.mark.parametrize("wanted", ["deepseek-ai/DeepSeek-R1", "DeepSeek-R1", "deepseek"])
async def test_model_is_found_by_id_name_or_part(chat, wanted):
    assert (await chat.new_conversation(wanted)).model == "deepseek-ai/DeepSeek-R1"


async def test_new_conversation_has_the_model_and_the_system_prompt(chat, raw):
    conversation = await chat.new_conversation("Qwen", system_prompt="Be brief.")
    stored = await raw.read(conversation.id)
    assert stored["model"] == "Qwen/Qwen2.5-VL-7B-Instruct"
    assert stored["messages"][0]["content"] == "Be brief."


@pytest.mark.each_way
async def test_new_conversation_changes_no_setting_of_the_account(chat, raw, via):
    before = await raw.settings()
    conversation = await chat.new_conversation("DeepSeek", system_prompt="Be brief.")
    await conversation.send("hello", via=via)
    after = await raw.settings()
    assert {**after, "welcomeModalSeen": None, "welcomeModalSeenAt": None} == {
        **before,
        "welcomeModalSeen": None,
        "welcomeModalSeenAt": None,
    }


async def test_conversation_is_opened_by_id_or_address(chat):
    made = await chat.new_conversation()
    await made.send("one", via="page")
    for name in (made.id, made.url, f"{made.url}?leafId=x"):
        assert chat.conversation(name) is made
    with pytest.raises(UsageError, match="Not a conversation"):
        chat.conversation("nonsense")
