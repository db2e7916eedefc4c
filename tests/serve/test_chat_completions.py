"""Chat completions on the stand-in, over a real connection."""

import asyncio
import base64

import pytest

from tests.serve.conftest import MODEL, open_door, read_stream

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def until(true):
    async with asyncio.timeout(10):
        while not await true():  # noqa: ASYNC110 -- the site has no event for it
            await asyncio.sleep(0.01)


def text_of(chunks):
    return "".join(each["choices"][0]["delta"].get("content") or "" for each in chunks if each["choices"])


async def test_models_are_listed(door):
    listed = (await door.client.get("/v1/models")).json()
    assert listed["object"] == "list" and MODEL in [each["id"] for each in listed["data"]]
    assert (await door.client.get(f"/v1/models/{MODEL}")).json()["id"] == MODEL
    assert (await door.client.get("/v1/models/none")).status_code == 404


async def test_whole_answer(door):
    answer = await door.ask("hello")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["object"] == "chat.completion" and body["model"] == MODEL
    (choice,) = body["choices"]
    assert choice["message"]["content"].startswith("You said: hello") and choice["finish_reason"] == "stop"
    assert body["usage"]["estimated"] and body["usage"]["prompt_tokens"] == 2


async def test_stream_is_the_same_text(door):
    answer = await door.ask("hello", stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("data: [DONE]\n\n")
    *chunks, usage = read_stream(answer.text)
    assert text_of(chunks).startswith("You said: hello")
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == [] and usage["usage"]["completion_tokens"] == -(-len(text_of(chunks)) // 4)
    assert {each["id"] for each in chunks} == {usage["id"]}
    assert usage["usage"]["estimated"] and all(each["usage"] is None for each in chunks)


async def test_reasoning_comes_apart(door):
    body = (await door.ask("reason")).json()
    message = body["choices"][0]["message"]
    assert message["reasoning_content"] and "<think>" not in message["content"]
    chunks = read_stream((await door.ask("reason", stream=True)).text)
    thoughts = "".join(each["choices"][0]["delta"].get("reasoning_content", "") for each in chunks)
    assert (thoughts, text_of(chunks)) == (message["reasoning_content"], message["content"])


async def test_tools_of_the_app_are_annotations(door):
    body = (await door.ask("use tool")).json()
    (noted,) = body["choices"][0]["message"]["annotations"]
    assert noted["type"] == "tool_use" and noted["tool_use"]["name"] == "echo"
    chunks = read_stream((await door.ask("use tool", stream=True)).text)
    assert chunks[-1]["choices"][0]["delta"]["annotations"][0]["tool_use"]["name"] == "echo"


async def test_sources_are_citations(door):
    for stream in (False, True):
        answer = await door.ask("find pages", stream=stream)
        chunks = read_stream(answer.text) if stream else []
        end = chunks[-1]["choices"][0]["delta"] if stream else answer.json()["choices"][0]["message"]
        text = text_of(chunks) if stream else end["content"]
        cited = [each["url_citation"] for each in end["annotations"] if each["type"] == "url_citation"]
        assert [(each["url"], each["title"]) for each in cited] == [
            ("https://one.example/?q=1", "One"),
            ("https://two.example", "two"),
        ]
        assert {(each["start_index"], each["end_index"]) for each in cited} == {(0, len(text))}


async def test_silence_sends_empty_chunks(door, site):
    asking = asyncio.create_task(door.ask("hold 1", stream=True))

    async def running():
        return bool(site.control.running)

    await until(running)
    await asyncio.sleep(0.8)  # two keep-alives of this door
    site.control.release()
    chunks = read_stream((await asking).text)
    assert sum(each["choices"][0]["delta"] == {} for each in chunks) >= 2
    assert text_of(chunks)


@pytest.mark.parametrize(
    ("limits", "reason", "longest"),
    [({"max_tokens": 3}, "length", 12), ({"stop": ["5@"]}, "stop", 10**6), ({"stop": "5@"}, "stop", 10**6)],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_limit_cuts_the_text_and_stops_the_run(door, site, limits, reason, longest, stream):
    answer = await door.ask("count 4000 every 5", stream=stream, **limits)
    if stream:
        chunks = read_stream(answer.text)
        text, finish = text_of(chunks), chunks[-1]["choices"][0]["finish_reason"]
    else:
        choice = answer.json()["choices"][0]
        text, finish = choice["message"]["content"], choice["finish_reason"]
    assert finish == reason and 0 < len(text) <= longest and "5@" not in text
    assert not site.control.running


@pytest.mark.parametrize("stream", [False, True])
async def test_client_that_leaves_stops_the_run(door, site, stream):
    asking = asyncio.create_task(door.ask("count 4000 every 20", stream=stream))

    async def running():
        return bool(site.control.running)

    async def stopped():
        return not site.control.running and (await door.pressure())["running"] == 0

    await until(running)
    asking.cancel()
    await until(stopped)


async def test_picture_reaches_the_model(door, site):
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    answer = await door.ask([{"role": "user", "content": parts}], model="Qwen/Qwen2.5-VL-7B-Instruct")
    assert answer.status_code == 200, answer.text
    (image,) = site.control.heard[-1]["images"]
    assert image["size"] == len(base64.b64decode(PIXEL))


async def test_app_errors_have_their_status(door):
    answer = await door.ask("fail 402 saying No credits")
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "insufficient_quota")
    answer = await door.ask("hello", model="no such model")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


async def test_error_in_a_stream_ends_it(door):
    answer = await door.ask("fail 0 after 3 saying Bad luck", stream=True)
    *chunks, last = read_stream(answer.text)
    assert text_of(chunks) and "Bad luck" in last["error"]["message"]
    assert "[DONE]" not in answer.text


async def test_pressure_and_full_queue(chat, site):
    async with open_door(chat, site, limit=1, queue=1) as door:
        first = asyncio.create_task(door.ask("hold 1"))

        async def is_running():
            return (await door.pressure())["running"] == 1

        await until(is_running)
        second = asyncio.create_task(door.ask("after it"))

        async def is_queued():
            return await door.pressure() == {"running": 1, "queued": 1, "free": 0}

        await until(is_queued)
        refused = await door.ask("too many")
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) >= 1
        site.control.release()
        assert (await first).status_code == (await second).status_code == 200


async def read_stream_slowly(door, prompt, *, pause=0.0, until_text=False):
    """The text of a stream that is read with pauses, or left at its first text."""
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    read = ""
    async with door.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        async for piece in answer.aiter_text():
            read += piece
            if until_text and text_of(read_stream(read.rpartition("\n\n")[0])):
                return ""
            await asyncio.sleep(pause)
    return text_of(read_stream(read))


async def test_twenty_clients_get_their_own_answers(door, site):
    """One of them reads slowly, and two leave in the middle."""
    asking = [read_stream_slowly(door, f"marker-{n}") for n in range(17)]
    slow = read_stream_slowly(door, "marker-17", pause=0.05)
    leaving = [read_stream_slowly(door, "count 4000 every 5", until_text=True) for _ in range(2)]
    texts = await asyncio.gather(*asking, slow, *leaving)
    for n, text in enumerate(texts[:18]):
        assert text.startswith(f"You said: marker-{n} ") and text.count("marker-") == 1

    async def nothing_runs():
        return not site.control.running and await door.pressure() == {"running": 0, "queued": 0, "free": 4}

    await until(nothing_runs)


async def test_end_waits_for_the_answers(chat, site):
    async with open_door(chat, site) as door:
        asking = asyncio.create_task(door.ask("count 60 every 10", stream=True))

        async def running():
            return bool(site.control.running)

        await until(running)
        door.running.finish()
        assert (await asking).text.endswith("[DONE]\n\n")
