"""Runs and their streams: what a script says, what stays when a reader goes, stopping and attaching."""

from __future__ import annotations

import asyncio
import json
import time
from functools import partial

import aiohttp
import pytest

from fixtures.site import script, stream
from tests.site.client import LLAMA, Reader, open_signed_in
from tests.site.replay import parse_events

QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"


def find_last(site):
    """The newest message of all, as it is stored."""
    return site.control.conversations()[0]["messages"][-1]


def _has_token(reader, number):
    return any(token.startswith(f"{number}@") for token in reader.tokens)


async def wait_for_last(client, conversation_id):
    """The last message, once its run is over."""
    await asyncio.to_thread(client.site.control.wait_until_idle)
    return (await client.read(conversation_id))["messages"][-1]


async def test_count_says_when_each_token_was_sent(site):
    async with open_signed_in(site) as client:
        _, turn = await client.ask("count 5 every 20")
    numbers, moments = zip(*(token.split("@") for token in turn.text.split()), strict=True)
    assert numbers == ("0", "1", "2", "3", "4")
    assert 0.06 < float(moments[-1]) - float(moments[0]) < 1
    assert abs(float(moments[0]) - time.time()) < 5


async def test_unicode_tokens_are_padded_by_their_length_in_javascript(site):
    async with open_signed_in(site) as client:
        _, turn = await client.ask("unicode")
    tokens = [update["token"] for update in turn.updates if update["type"] == "stream"]
    assert [stream.units(token) for token in tokens] == [max(16, stream.units(t)) for t in script.UNICODE]
    assert turn.updates[-2]["text"] == "".join(script.UNICODE)


async def test_burst_arrives_whole_and_fast(site):
    async with open_signed_in(site) as client:
        await client.ask("burst 8000")
        start = time.perf_counter()
        conversation_id, turn = await client.ask("burst 8000")
        seconds = time.perf_counter() - start
        message = (await client.read(conversation_id))["messages"][-1]
    assert turn.text == message["content"] == "".join(stream.burst(8000).tokens)
    assert len(message["updates"]) == 8000 + 4
    assert seconds < 2


@pytest.mark.parametrize(
    ("prompt", "error"),
    [
        ("fail 402", {"message": "402 upstream failure", "statusCode": 402}),
        ("fail 500", {"message": "500 upstream failure", "statusCode": 500}),
        ("die 3", {"message": "terminated"}),
    ],
)
async def test_upstream_failures_are_reported_in_the_stream(site, prompt, error):
    async with open_signed_in(site) as client:
        conversation_id, turn = await client.ask(prompt)
        message = (await client.read(conversation_id))["messages"][-1]
    assert turn.complete
    assert turn.last == {"type": "status", "status": "error", **error}
    assert message["updates"][-1] == turn.last
    assert message["content"] == turn.text == ("tok0 tok1 tok2 " if prompt == "die 3" else "")


async def test_run_goes_on_when_its_reader_leaves(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        data = {"inputs": "count 30 every 10", "id": root}
        async with client.sending(conversation_id, data) as response:
            reader = Reader(response)
            await reader.until(lambda: len(reader.tokens) > 5)
        message = await wait_for_last(client, conversation_id)
    assert len(message["content"].split()) == 30
    assert message["updates"][-1] == {"type": "status", "status": "finished"}


async def test_attaching_gives_what_came_after_the_stored_part(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        data = {"inputs": "count 60 every 10", "id": root, "generationId": "g"}
        async with client.sending(conversation_id, data) as response:
            reader = Reader(response)
            await reader.until(lambda: len(reader.tokens) > 25)
        # The reader's leaving is noticed by the server, and writes down what there is so far.
        await asyncio.to_thread(site.control.wait_until, lambda: "materializedSeq" in find_last(site))
        stored = (await client.read(conversation_id))["messages"][-1]
        query = {"generationId": "g", "fromSeq": stored["materializedSeq"]}
        url = f"{site.url}/conversation/{conversation_id}/stream"
        async with client.http.get(url, params=query) as response:
            body = await response.read()
        message = await wait_for_last(client, conversation_id)
    found = parse_events(body)
    tokens = [each["data"]["token"] for each in found if each["data"].get("type") == "stream"]
    assert stored["content"] + "".join(tokens) == message["content"]
    assert len(tokens) < 20, "tokens come in bursts"
    assert found[-1] == {"event": "end", "id": found[-2]["id"], "data": {"status": "completed"}}
    assert int(found[-2]["id"]) == message["materializedSeq"]


async def test_attaching_goes_by_the_last_event_id_first(site):
    async with open_signed_in(site) as client:
        conversation_id, _ = await client.ask("hello")
        url = f"{site.url}/conversation/{conversation_id}/stream?fromSeq=1"
        async with client.http.get(url, headers={"Last-Event-ID": "3"}) as response:
            found = parse_events(await response.read())
    assert found[0]["id"] == "4"


@pytest.mark.parametrize("generation", ["mine", "another"])
async def test_stop_cuts_to_what_was_seen_of_its_own_run(site, generation):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        data = {"inputs": "count 100 every 10", "id": root, "generationId": "mine"}
        async with client.sending(conversation_id, data) as response:
            reader = Reader(response)
            await reader.until(lambda: len(reader.tokens) > 6)
            stop = {"generationId": generation, "seenContentLength": 27}
            assert await client.post(f"/conversation/{conversation_id}/stop-generating", stop) == (200, "")
            updates = await reader.rest()
        message = await wait_for_last(client, conversation_id)
    written = "".join(reader.tokens)
    expected = written[:27] if generation == "mine" else written
    assert message["content"] == expected
    assert updates[-2] == {"type": "finalAnswer", "text": expected, "interrupted": True}
    assert message["interrupted"] is True


async def test_stop_never_adds_text(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        data = {"inputs": "hold 3", "id": root, "generationId": "g"}
        site.control.release(0, conversation_id)
        async with client.sending(conversation_id, data) as response:
            reader = Reader(response)
            await reader.until(lambda: len(reader.tokens) == 1)
            stop = {"generationId": "g", "seenContentLength": 10_000}
            await client.post(f"/conversation/{conversation_id}/stop-generating", stop)
            await response.read()
        message = await wait_for_last(client, conversation_id)
    assert message["content"].startswith("0@") and message["content"].count("@") == 1


async def test_stop_while_idle_ends_the_run_that_follows(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        assert await client.post(f"/conversation/{conversation_id}/stop-generating") == (200, "")
        turn = await client.send(conversation_id, {"inputs": "count 300 every 10", "id": root})
    assert turn.updates[-2]["interrupted"] is True
    assert len(turn.text.split()) < 100


async def test_hold_sends_a_token_only_when_it_is_released(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        async with client.sending(conversation_id, {"inputs": "hold 4", "id": root}) as response:
            reader = Reader(response)
            await reader.until(lambda: len(reader.updates) == 2)
            for number in range(4):
                assert len(reader.tokens) == number
                site.control.release(number, conversation_id)
                await reader.until(partial(_has_token, reader, number))
                assert len(reader.tokens) == number + 1
            assert (await reader.rest())[-1]["status"] == "finished"
        # The next run is held again.
        other, root = await client.create()
        async with client.sending(other, {"inputs": "hold 1", "id": root}) as response:
            reader = Reader(response)
            await reader.until(lambda: len(reader.updates) == 2)
            assert site.control.running == [other]
            site.control.release()
            assert (await reader.rest())[-1]["status"] == "finished"


@pytest.mark.parametrize("model", [LLAMA, QWEN])
async def test_a_lost_or_forked_turn_shows_in_the_echo(site, model):
    async with open_signed_in(site) as client:
        conversation_id, first = await client.ask("one", model)
        body = await client.read(conversation_id)
        one = body["messages"][-1]
        straight = await client.send(conversation_id, {"inputs": "two", "id": one["id"]})
        two = (await client.read(conversation_id))["messages"][-1]
        forked = await client.send(conversation_id, {"inputs": "two", "id": body["rootMessageId"]})
        again = await client.send(conversation_id, {"id": two["id"], "is_retry": True})
        body = await client.read(conversation_id)
    turns = [("user", "one"), ("assistant", first.text), ("user", "two")]
    expected = script.signature(script.build_input("", model == LLAMA, turns))
    assert straight.text == again.text == f"You said: two {expected}"
    assert site.control.signature(conversation_id, two["id"]) == expected
    assert forked.text != straight.text
    user = next(each for each in body["messages"] if each["id"] == two["ancestors"][-1])
    assert len(user["children"]) == 2


async def test_edit_adds_a_sibling_of_the_question(site):
    async with open_signed_in(site) as client:
        conversation_id, _ = await client.ask("one")
        body = await client.read(conversation_id)
        question = body["messages"][1]
        data = {"inputs": "another", "id": question["id"], "is_retry": True}
        turn = await client.send(conversation_id, data)
        body = await client.read(conversation_id)
    assert turn.text.startswith("You said: another [history=2 ")
    assert [each["from"] for each in body["messages"]] == ["system", "user", "assistant", "user", "assistant"]
    assert body["messages"][0]["children"] == [question["id"], body["messages"][3]["id"]]


async def test_files_reach_the_model_and_can_be_read_back(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create(QWEN)
        files = [
            ("base64;a;b.txt", "text/plain", b"aGVsbG8="),
            ("base64;dot.png", "image/png", b"iVBORw=="),
        ]
        turn = await client.send(conversation_id, {"inputs": "look", "id": root}, files=files)
        stored = (await client.read(conversation_id))["messages"][1]["files"]
        url = f"{site.url}/conversation/{conversation_id}/output/{stored[0]['value']}"
        async with client.http.get(url) as response:
            assert await response.read() == b"hello"
        again = [(f"hash;{stored[0]['name']}", "text/plain", stored[0]["value"].encode())]
        await client.send(conversation_id, {"inputs": "again", "id": root}, files=again)
        resent = (await client.read(conversation_id))["messages"][3]["files"]
    assert [(each["name"], each["mime"]) for each in stored] == [
        ("a;b.txt", "text/plain"),
        ("dot.png", "image/png"),
    ]
    assert "\nhello\n</document>" in turn.text and "[images=1]" in turn.text
    assert resent == stored[:1]


async def test_files_over_ten_megabytes_are_refused(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        files = [("base64;big.txt", "text/plain", b"AAAA" * (10 * 1024 * 1024 // 3 + 1))]
        async with client.sending(conversation_id, {"inputs": "x", "id": root}, files) as response:
            assert response.status == 413
            assert await response.json() == {"message": "File too large, should be <10MB"}


async def test_live_tells_of_an_end_it_saw_begin(open_site):
    site = open_site(live_tick=0.1)
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        async with client.sending(conversation_id, {"inputs": "count 20 every 10", "id": root}) as response:
            reader = Reader(response)
            await reader.until(lambda: bool(reader.tokens))
            async with client.http.get(f"{site.url}/api/v2/generations/live") as live:
                found = parse_events(await live.read())
    assert found[0]["data"]["running"][0]["conversationId"] == conversation_id
    ended = [each["data"]["ended"] for each in found if each["data"].get("ended")]
    assert ended == [
        [{"conversationId": conversation_id, "title": "count 20 every 10", "status": "completed"}]
    ]
    assert [each["event"] for each in found[-3:]] == ["sync", "sync", "idle"]


@pytest.mark.parametrize("dies", [False, True])
async def test_cut_drops_the_connection_after_so_many_lines(open_site, dies):
    site = open_site(death_noticed=0.05)
    async with open_signed_in(site) as client:
        for lines in (0, 1, 3, 12):
            site.control.cut(lines, run_dies=dies)
            conversation_id, turn = await client.ask("count 30 every 2")
            assert not turn.complete
            assert len(turn.updates) == lines
            message = await wait_for_last(client, conversation_id)
            assert (len(message["content"].split()) == 30) is not dies
            assert ({"type": "status", "status": "finished"} in message["updates"]) is not dies
            assert message["interrupted"] is dies
        assert (await client.ask("hello"))[1].complete


async def test_cut_falls_inside_a_burst(site):
    async with open_signed_in(site) as client:
        site.control.cut(50)
        _, turn = await client.ask("burst 8000")
    assert not turn.complete
    assert len(turn.updates) == 50


async def test_delay_and_stall_hold_the_wire_back(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        site.control.delay(0.3)
        site.control.stall(4, 0.4)
        start = time.perf_counter()
        async with client.sending(conversation_id, {"inputs": "hello there you", "id": root}) as response:
            begun = time.perf_counter() - start
            reader = Reader(response)
            await reader.until(lambda: len(reader.updates) == 4)
            stalled = time.perf_counter()
            assert len(await reader.rest()) > 4
            assert time.perf_counter() - stalled > 0.3
    assert begun > 0.25


async def test_answer_next_stands_in_for_the_site(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        body = json.dumps({"message": "You are sending too many messages. Try again later."})
        site.control.answer_next(
            r"/conversation/\w+$", 429, body, method="POST", headers={"retry-after": "7"}
        )
        async with client.sending(conversation_id, {"inputs": "x", "id": root}) as response:
            assert (response.status, response.headers["retry-after"]) == (429, "7")
            assert (await response.json())["message"].startswith("You are sending too many")
        assert (await client.send(conversation_id, {"inputs": "x", "id": root})).complete


async def test_sends_without_trusted_input_are_refused_when_it_is_required(site):
    site.control.switch(require_trusted_input=True)
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        async with client.sending(conversation_id, {"inputs": "x", "id": root}) as response:
            assert response.status == 418
    assert site.control.refused_sends == 1
    assert len(site.control.conversation(conversation_id)["messages"]) == 1


async def test_bad_sends_are_refused_as_by_the_app(site):
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        found = []
        for data in (
            {"inputs": "x", "id": "nobody"},
            {"inputs": "", "id": root},
            {"id": "nobody", "is_retry": True},
        ):
            async with client.sending(conversation_id, data) as response:
                found.append((response.status, (await response.json())["message"]))
        site.control.switch(max_messages=0)
        async with client.sending(conversation_id, {"inputs": "x", "id": root}) as response:
            found.append((response.status, (await response.json())["message"]))
    assert found == [
        (500, "An error occurred"),
        (500, "An error occurred"),
        (404, "Message not found"),
        (429, "This conversation has more than 0 messages. Start a new one to continue"),
    ]


async def test_closing_ends_what_is_still_running(open_site):
    site = open_site()
    async with open_signed_in(site) as client:
        conversation_id, root = await client.create()
        async with client.sending(conversation_id, {"inputs": "hold 5", "id": root}) as response:
            reader = Reader(response)
            await reader.until(lambda: len(reader.updates) == 2)
            await asyncio.to_thread(site.close)
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


def test_burst_is_encoded_as_its_tokens_would_be():
    made = stream.burst(2000, piece_bytes=1000)
    lines = [stream.encode({"type": "stream", "token": token}).data for token in made.tokens]
    assert b"".join(piece.data for piece in made.pieces) == b"".join(lines)
    assert sum(piece.lines for piece in made.pieces) == 2000
