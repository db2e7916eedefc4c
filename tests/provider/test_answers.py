"""What `create_authed` yields, on both engines."""

from __future__ import annotations

import asyncio
import base64
import json

import aiohttp
import pytest

from fixtures.site.produced import PICTURE
from huggingchat_agent import errors
from huggingchat_agent.provider import (
    AuthResult,
    Conversation,
    FinishReason,
    ImageResponse,
    MissingAuthError,
    Reasoning,
    ResponseError,
    Sources,
    TitleGeneration,
)
from tests.provider.conftest import DEEPSEEK, LLAMA, QWEN, collect, filter_parts, user

pytestmark = pytest.mark.browser

SERVERS = {
    "Mock": "https://mcp.example.org/mcp",
    "Web Search (Exa)": "https://mcp.exa.ai/mcp?tools=web_search_exa",
}
FOUND = [
    {"url": "https://one.example/?q=1", "title": "One of them"},
    {"url": "https://two.example", "title": "Another"},
]


def read_stored(site, parts):
    """The conversation that the first of the parts names, as the site has it."""
    (known,) = parts[0].models.values()
    return site.control.conversation(known["conversationId"])


async def test_answer_comes_in_parts_the_conversation_first_and_the_reason_last(provider, auth, site):
    answer = provider.create_authed(LLAMA, [user("hello provider")], auth, return_conversation=True)
    parts = await collect(answer)
    assert isinstance(parts[0], Conversation)
    messages = read_stored(site, parts)["messages"]
    texts = filter_parts(str, parts)
    assert "".join(texts) == messages[-1]["content"]
    assert len(texts) > 3
    assert messages[1]["content"] == "hello provider"
    assert isinstance(parts[-1], FinishReason)
    assert parts[-1].reason == "stop"
    assert parts[0].models[LLAMA]["messageId"] == messages[-1]["id"]


async def test_conversation_is_not_yielded_unless_asked_for(provider, auth):
    parts = await collect(provider.create_authed(LLAMA, [user("quietly")], auth))
    assert not filter_parts(Conversation, parts)
    assert "quietly" in "".join(filter_parts(str, parts))


async def test_tokens_are_yielded_while_the_answer_is_being_made(provider, auth, site):
    answer = provider.create_authed(LLAMA, [user("hold 3")], auth)
    tokens: list[str] = []
    for number in range(3):
        site.control.release(number)  # the next one is made only now
        while len(tokens) <= number:
            part = await anext(answer)
            tokens += [part] if isinstance(part, str) else []
    assert [token.split("@")[0] for token in tokens] == ["0", "1", "2"]
    assert isinstance((await collect(answer))[-1], FinishReason)


async def test_title_and_reasoning_are_parts_of_their_own(provider, auth):
    parts = await collect(provider.create_authed(DEEPSEEK, [user("please reason about tea")], auth))
    assert [title.title for title in filter_parts(TitleGeneration, parts)] == ["please reason about tea"]
    assert "".join(part.token for part in filter_parts(Reasoning, parts)) == "Let me think about it."
    text = "".join(filter_parts(str, parts))
    assert text.startswith("You said: please reason")
    assert "think" not in text


async def test_conversation_goes_on_after_a_way_through_json(provider, auth, site):
    first = await collect(provider.create_authed(LLAMA, [user("one")], auth, return_conversation=True))
    kept = Conversation.from_dict(json.loads(json.dumps(first[0].get_dict())))
    history = [user("one"), {"role": "assistant", "content": "whatever"}, user("two")]
    more = provider.create_authed(LLAMA, history, auth, return_conversation=True, conversation=kept)
    second = await collect(more)
    assert second[0].models == kept.models
    messages = read_stored(site, second)["messages"]
    assert [each["content"] for each in messages if each["from"] == "user"] == ["one", "two"]
    assert kept.models[LLAMA]["messageId"] == messages[-1]["id"]
    ending = site.control.signature(read_stored(site, second)["id"], messages[-1]["id"])
    assert "".join(filter_parts(str, second)).endswith(ending)


async def test_conversation_is_kept_for_each_model(provider, auth):
    conversation = Conversation()
    for model in (LLAMA, DEEPSEEK, LLAMA):
        await collect(provider.create_authed(model, [user("hi")], auth, conversation=conversation))
    assert list(conversation.models) == [LLAMA, DEEPSEEK]
    assert len({each["conversationId"] for each in conversation.models.values()}) == 2


@pytest.mark.parametrize("name", ["deepseek-r1", "DeepSeek-R1"])
async def test_model_is_found_by_alias_and_by_the_end_of_its_id(provider, auth, site, name):
    parts = await collect(provider.create_authed(name, [user("who")], auth, return_conversation=True))
    assert list(parts[0].models) == [DEEPSEEK]
    assert read_stored(site, parts)["model"] == DEEPSEEK


@pytest.mark.parametrize("name", ["", "flux"])
async def test_model_that_is_the_app_s_choice_is_left_to_it(provider, auth, site, name):
    parts = await collect(provider.create_authed(name, [user("any")], auth, return_conversation=True))
    assert read_stored(site, parts)["model"] == LLAMA


async def test_unknown_model_is_a_response_error_that_names_the_closest(provider, auth, site):
    before = len(site.control.conversations())
    with pytest.raises(ResponseError, match=DEEPSEEK) as caught:
        await collect(provider.create_authed("deepsink", [user("hi")], auth))
    assert isinstance(caught.value.__cause__, errors.UnknownModel)
    assert len(site.control.conversations()) == before


async def test_messages_become_one_prompt_and_the_system_prompt(provider, auth, site):
    messages = [
        {"role": "system", "content": "Be brief."},
        user("one"),
        {"role": "assistant", "content": "first"},
        user([{"type": "text", "text": "two"}]),
    ]
    parts = await collect(provider.create_authed(LLAMA, messages, auth, return_conversation=True))
    said = read_stored(site, parts)["messages"]
    assert said[0]["content"] == "Be brief."
    assert said[1]["content"] == "User: one\nAssistant: first\nUser: two\nAssistant:"


async def test_nobody_signed_in_is_missing_auth(provider, auth):
    with pytest.raises(MissingAuthError):
        await collect(provider.create_authed(LLAMA, [user("hi")], None))


async def test_failure_within_the_answer_is_a_response_error_with_the_server_s_words(provider, auth):
    with pytest.raises(ResponseError, match="400 upstream failure"):
        await collect(provider.create_authed(LLAMA, [user("fail 400")], auth))


async def test_refusal_before_the_answer_is_a_response_error_with_its_cause(provider, auth, site):
    site.control.answer_next("/conversation$", 429, '{"message":"Too many."}', method="POST")
    with pytest.raises(ResponseError, match="Too many") as caught:
        await collect(provider.create_authed(LLAMA, [user("hi")], auth))
    assert isinstance(caught.value.__cause__, errors.RateLimited)


async def test_leaving_early_stops_the_run_on_the_server(provider, auth, site):
    answer = provider.create_authed(LLAMA, [user("count 3000 every 10")], auth, return_conversation=True)
    parts = [await anext(answer)]
    while not isinstance(parts[-1], str):
        parts.append(await anext(answer))
    assert site.control.running
    await answer.aclose()
    assert not site.control.running
    assert read_stored(site, parts)["messages"][-1]["interrupted"]


async def test_cancelled_caller_stops_the_run_on_the_server(provider, auth, site):
    begun = asyncio.Event()

    async def ask():
        async for part in provider.create_authed(LLAMA, [user("count 3000 every 10")], auth):
            if isinstance(part, str):
                begun.set()

    asking = asyncio.create_task(ask())
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not site.control.running


async def test_conversations_are_answered_at_the_same_time(provider, auth, site):
    async def ask(text):
        parts = provider.create_authed(LLAMA, [user(text)], auth)
        return "".join(filter_parts(str, await collect(parts)))

    held = [asyncio.create_task(ask(f"hold 2 {name}")) for name in ("a", "b")]
    await asyncio.to_thread(site.control.wait_until, lambda: len(site.control.running) == 2, 30)
    site.control.release()
    assert all(["1@" in each for each in await asyncio.gather(*held)])


async def test_picture_is_sent_and_seen_by_the_model(provider, auth, site):
    answer = provider.create_authed(
        QWEN, [user("look")], auth, media=[(PICTURE, "dot.png")], return_conversation=True
    )
    parts = await collect(answer)
    assert "[images=1]" in "".join(filter_parts(str, parts))
    (sent,) = read_stored(site, parts)["messages"][1]["files"]
    assert (sent["name"], sent["mime"]) == ("dot.png", "image/png")


async def test_picture_without_a_model_goes_to_one_that_sees(provider, auth, site):
    uri = f"data:image/png;base64,{base64.b64encode(PICTURE).decode()}"
    message = user([{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": uri}}])
    parts = await collect(provider.create_authed("", [message], auth, return_conversation=True))
    assert list(parts[0].models) == [QWEN]
    assert "[images=1]" in "".join(filter_parts(str, parts))


async def test_picture_for_a_model_that_sees_none_is_a_response_error(provider, auth):
    with pytest.raises(ResponseError, match=r"dot\.png"):
        await collect(provider.create_authed(LLAMA, [user("look")], auth, media=[(PICTURE, "dot.png")]))


async def test_picture_that_the_app_stored_is_given_by_its_address(provider, auth, site):
    answer = provider.create_authed(
        DEEPSEEK, [user("make file dot.png of 300")], auth, prompt="a dot", return_conversation=True
    )
    parts = await collect(answer)
    (picture,) = filter_parts(ImageResponse, parts)
    (address,) = picture.get_list()
    assert picture.alt == "a dot"
    assert address.startswith(f"{site.url}/conversation/{read_stored(site, parts)['id']}/output/")
    async with (
        aiohttp.ClientSession(
            cookies=picture.get("cookies"), cookie_jar=aiohttp.CookieJar(unsafe=True)
        ) as http,
        http.get(address) as response,
    ):
        assert response.status == 200
        assert len(await response.read()) == 300


async def test_picture_that_a_tool_gave_comes_with_its_bytes(provider, auth):
    parts = await collect(provider.create_authed(LLAMA, [user("draw picture")], auth))
    (picture,) = filter_parts(ImageResponse, parts)
    head, _, body = picture.get_list()[0].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == PICTURE
    assert picture.alt == "draw picture"


async def test_pages_that_a_tool_points_to_are_sources(provider, auth):
    parts = await collect(provider.create_authed(LLAMA, [user("find pages")], auth))
    (sources,) = filter_parts(Sources, parts)
    assert sources.list == [
        {"url": "https://one.example/?q=1", "title": "One"},
        {"url": "https://two.example", "title": "two"},
    ]


async def test_sources_come_once_before_the_reason(provider, auth, site):
    """The app of 2026-08 has no such lines; one that has them is played by an answer made for it."""
    lines = [
        {"type": "webSearch", "subtype": "update", "message": "Searching"},
        {
            "type": "webSearch",
            "subtype": "sources",
            "message": "sources",
            "sources": [
                {"title": "One", "link": "https://one.example/?q=1"},
                {"link": "https://two.example"},
            ],
        },
        {"type": "stream", "token": "It is so."},
        {"type": "finalAnswer", "text": "It is so.", "interrupted": False},
        {"type": "status", "status": "finished"},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    site.control.answer_next(
        "/conversation/[0-9a-f]{24}$", 200, body, method="POST", content_type="application/jsonl"
    )
    parts = await collect(provider.create_authed(LLAMA, [user("find it")], auth))
    (sources,) = filter_parts(Sources, parts)
    assert [each["url"] for each in sources.list] == ["https://one.example/?q=1", "https://two.example"]
    assert sources.list[0]["title"] == "One"
    assert parts.index(sources) == len(parts) - 2
    assert "".join(filter_parts(str, parts)) == "It is so."


@pytest.fixture
def searching(provider, auth, site):
    """The app offers a tool that searches the web."""

    def offer(*names):
        site.control.switch(tool_servers={name: SERVERS[name] for name in names})
        provider._run(auth, lambda agent: agent.tools(refresh=True))  # the page listed them long ago

    offer(*SERVERS)
    yield
    offer("Mock")


async def test_web_search_has_the_tool_on_and_what_it_found_comes_as_sources(provider, auth, site, searching):
    for wanted in (True, False):
        answer = provider.create_authed(
            LLAMA, [user("search the web")], auth, web_search=wanted, return_conversation=True
        )
        parts = await collect(answer)
        assert "Web Search (Exa)" in site.control.heard[-1]["tools"]
        assert "".join(filter_parts(str, parts)) == read_stored(site, parts)["messages"][-1]["content"]
        found = [source for part in filter_parts(Sources, parts) for source in part.list]
        # The text of a tool is read for pages only where a search was asked for.
        assert found == (FOUND if wanted else [])


async def test_web_search_is_a_response_error_where_the_app_has_no_tool_for_it(provider, auth):
    with pytest.raises(ResponseError, match="searches the web: it offers only Mock"):
        await collect(provider.create_authed(LLAMA, [user("find")], auth, web_search=True))


async def test_session_that_the_app_does_not_know_is_missing_auth(provider, auth):
    stranger = AuthResult(cookies={"hf-chat": "nobody"}, headers={})
    with pytest.raises(MissingAuthError):
        await collect(provider.create_authed(QWEN, [user("hi")], stranger))
