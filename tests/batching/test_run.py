"""A batch on the stand-in: every prompt once, whatever happens."""

from collections import Counter

import pytest
import pytest_asyncio

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat, Journal, Result, batch, events
from huggingchat_agent.batching.items import Item, arrange
from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire import requests
from tests.batching.killed import count_sent
from tests.quick import QUICK
from tests.signed_in import save_session

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def site():
    with StandIn(echo_pause=0.0, **QUICK) as site:
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chat(site, tmp_path_factory, borrowed):
    given = {"username": site.username, "password": site.password, "engine": "nodriver", "isolated": True}
    home, address = tmp_path_factory.mktemp("state"), borrowed["HUGGINGCHAT_CONNECT"]
    save_session(site, home)
    async with HuggingChat(base_url=site.url, home=home, connect=address, **given) as chat:
        await chat.login()
        yield chat


def read_echo(result):
    """The prompt that the stand-in repeats."""
    return result.text.partition(" [")[0].removeprefix("You said: ")


def make_prompts(name, count):
    return [f"{name} {number}" for number in range(count)]


async def test_every_prompt_gets_its_answer(chat, site):
    prompts = make_prompts("plain", 12)
    results = {each.id: each async for each in batch(prompts, chat=chat, concurrency=4)}
    assert [read_echo(results[str(n)]) for n in range(1, 13)] == prompts
    assert {each.status for each in results.values()} == {"answered"}
    sent = count_sent(site)
    assert [sent[each] for each in prompts] == [1] * 12


async def test_rate_limit_makes_all_wait_and_no_message_goes_twice(chat, site):
    prompts = make_prompts("limited", 8)
    limited = {"status": 429, "body": '{"message":"Too many"}', "headers": {"retry-after": "1"}}
    site.control.answer_next("/conversation/[0-9a-f]{24}$", method="POST", times=2, **limited)
    seen: list[events.Retrying] = []
    chat.on("retrying", seen.append)
    results = [each async for each in batch(prompts, chat=chat, concurrency=4)]
    chat.remove_listener("retrying", seen.append)
    assert sorted(map(read_echo, results)) == prompts
    assert max(each.attempts for each in results) > 1
    assert len(seen) == 2 and {each.request for each in seen} == {requests.SEND}
    assert all(each.delay > 1 and each.conversation_id for each in seen)
    sent = count_sent(site)
    assert [sent[each] for each in prompts] == [1] * 8


async def test_refused_conversation_counts_as_an_attempt(chat, site):
    limited = {"status": 429, "body": '{"message":"Too many"}', "headers": {"retry-after": "1"}}
    site.control.answer_next("/conversation$", method="POST", **limited)
    (result,) = [each async for each in batch(["refused at first"], chat=chat)]
    assert (result.status, result.attempts) == ("answered", 2)


async def test_missing_file_leaves_no_conversation(chat, site):
    before = len([each async for each in chat.conversations()])
    (result,) = [each async for each in batch([Item(prompt="x", files=["/no/such/file"])], chat=chat)]
    assert result.error is not None and result.error.error == "FileRejected" and not result.conversation_id
    assert len([each async for each in chat.conversations()]) == before


async def test_closed_chat_ends_the_batch_and_fails_no_item(site, borrowed, tmp_path):
    save_session(site, tmp_path)
    given = {"base_url": site.url, "home": tmp_path, "connect": borrowed["HUGGINGCHAT_CONNECT"]}
    async with HuggingChat(**given, engine="nodriver", isolated=True) as chat:
        await chat.login()
        with Journal(tmp_path / "j") as journal, pytest.raises(UsageError, match="is not open"):
            prompts = ["before", *make_prompts("count 2000 every 20 left", 3)]
            async for result in batch(prompts, chat=chat, concurrency=2, journal=journal):
                assert read_echo(result) == "before"
                await chat.close()
    with Journal(tmp_path / "j") as journal:
        assert [journal.find_done(each) is not None for each in arrange(prompts)] == [True] + 3 * [False]


async def test_failed_item_says_why_and_stops_no_other(chat, site):
    prompts = ["fail 402 saying No credits", *make_prompts("beside", 3)]
    results = {each.id: each async for each in batch(prompts, chat=chat, concurrency=2)}
    assert results["1"].status == "failed" and str(results["1"].error).count("CreditsExhausted")
    assert Counter(each.status for each in results.values()) == {"answered": 3, "failed": 1}


async def test_message_of_an_earlier_run_is_looked_up(chat, site, tmp_path):
    with Journal(tmp_path / "j") as journal:
        sent, empty = await chat.new_conversation(), await chat.new_conversation()
        await sent.send("earlier 1", via="page")
        first, second = arrange(["earlier 1", "earlier 2"])
        journal.begin(first, sent.id)
        journal.begin(second, empty.id)
        results = {each.id: each async for each in batch([first, second], chat=chat, journal=journal)}
    assert read_echo(results["1"]) == "earlier 1" and results["1"].looked_up
    assert read_echo(results["2"]) == "earlier 2" and not results["2"].looked_up
    assert results["2"].conversation_id == empty.id
    assert count_sent(site)["earlier 1"] == 1


async def test_nothing_is_asked_where_all_is_finished(tmp_path):
    with Journal(tmp_path / "j") as journal:
        (item,) = arrange(["x"])
        done = Result(id="1", status="answered", text="y", fingerprint=item.fingerprint)
        journal.finish(done)
        assert [each async for each in batch([item], journal=journal)] == [done]


async def test_file_from_an_address_goes_with_its_prompt(chat, site):
    site.control.switch(web={"https://files.example.org/n.md": ("text/markdown", b"# Hello")})
    items = [Item(prompt="read", attach=["https://files.example.org/n.md"])]
    items.append(Item(prompt="read none", attach=["https://files.example.org/none"]))
    read, none = sorted([each async for each in batch(items, chat=chat)], key=lambda each: each.id)
    assert read.status == "answered" and "# Hello" in site.control.heard[-1]["messages"][-1]["content"]
    assert none.error is not None and none.error.error == "FileRejected"
    assert count_sent(site)["read none"] == 0
