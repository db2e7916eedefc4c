"""The tap on a real tab: the sink gets what the page receives, while it arrives."""

import asyncio

import pytest
from aiohttp import web

from huggingchat_agent.browser.protocols import Upload
from huggingchat_agent.exchange import Chunk, Ended, Failed, Responded, SseMessage, Started

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

READ = "async url => (await (await fetch(url)).text()).length"
START = (
    "url => { window.aborter = new AbortController(); fetch(url, {signal: aborter.signal}).catch(() => {}) }"
)


def names(events):
    return [type(each).__name__ for each in events]


@pytest.fixture
def home(server):
    return server.page("<input type=file>")


async def test_tap_hands_over_each_line_before_the_next_is_sent(page, server, seen, home):
    url, body = server.body()
    await page.goto(home, timeout=5)
    await page.evaluate(START, url, timeout=5)
    text = b""
    for number in range(50):
        line = b'{"type":"stream","token":"%d"}\n' % number
        text += line
        body.send(line)
        await seen.until(lambda: seen.body(url) == text)  # noqa: B023
    body.end()
    events = await seen.ended(url)
    assert isinstance(events[0], Started)
    assert isinstance(events[1], Responded)
    assert isinstance(events[-1], Ended)
    assert seen.body(url) == text
    assert [each.at for each in events] == sorted(each.at for each in events)


async def test_tap_hands_over_a_burst_whole(page, server, seen, home):
    lines = [b'{"type":"stream","token":"%d \xf0\x9f\x91\xa9"}\n' % number for number in range(8000)]
    url, body = server.body()
    for line in lines:
        body.send(line)
    body.end()
    await page.goto(home, timeout=5)
    await page.evaluate(READ, url, timeout=10)
    await seen.ended(url)
    assert seen.body(url) == b"".join(lines)


async def test_tap_undoes_gzip(page, server, seen, home):
    url, body = server.body(compress=True)
    await page.goto(home, timeout=5)
    await page.evaluate(START, url, timeout=5)
    body.send(b"one\n" * 1000)
    body.send(b"two\n" * 1000)
    body.end()
    await seen.ended(url)
    assert seen.body(url) == b"one\n" * 1000 + b"two\n" * 1000


async def test_tap_reports_a_stream_that_the_page_gives_up(page, server, seen, home):
    url, body = server.body()
    await page.goto(home, timeout=5)
    await page.evaluate(START, url, timeout=5)
    body.send(b"one\n")
    await seen.until(lambda: seen.body(url) == b"one\n")
    await page.evaluate("() => aborter.abort()", timeout=5)
    last = (await seen.ended(url))[-1]
    assert isinstance(last, Failed)
    assert last.canceled
    await asyncio.wait_for(body.left.wait(), 5)


async def test_tap_reports_a_stream_that_a_navigation_ends(page, server, seen, home):
    url, body = server.body()
    await page.goto(home, timeout=5)
    await page.evaluate(START, url, timeout=5)
    body.send(b"one\n")
    await seen.until(lambda: seen.body(url) == b"one\n")
    await page.goto(server.page("<p>"), timeout=5)
    last = (await seen.ended(url))[-1]
    assert isinstance(last, Failed)
    assert last.canceled


async def test_tap_reports_a_stream_that_breaks(page, server, seen, home):
    async def answer(request):
        response = web.StreamResponse(headers={"content-type": "application/jsonl"})
        await response.prepare(request)
        await response.write(b"one\n")
        await go.wait()
        request.transport.abort()
        return response

    go = asyncio.Event()
    url = server.handle(answer)
    await page.goto(home, timeout=5)
    await page.evaluate(START, url, timeout=5)
    await seen.until(lambda: seen.body(url) == b"one\n")
    go.set()
    last = (await seen.ended(url))[-1]
    assert isinstance(last, Failed)
    assert not last.canceled
    assert "ERR_" in last.reason


async def test_tap_reports_a_stream_of_a_tab_that_is_closed(browser, server, seen, home):
    page = await browser.new_page(seen)
    url, body = server.body()
    await page.goto(home, timeout=5)
    await page.evaluate(START, url, timeout=5)
    body.send(b"one\n")
    await seen.until(lambda: seen.body(url) == b"one\n")
    await page.close()
    assert isinstance(seen.of(url)[-1], Failed)
    count = len(seen.events)
    await asyncio.wait_for(body.left.wait(), 5)
    assert len(seen.events) == count


async def test_tap_hands_over_server_sent_events(page, server, seen, home):
    url, body = server.body("text/event-stream")
    await page.goto(home, timeout=5)
    await page.evaluate("url => { window.source = new EventSource(url) }", url, timeout=5)
    body.send(b'id: 7\nevent: update\ndata: {"a":\ndata: 1}\n\n')
    await seen.until(lambda: any(isinstance(each, SseMessage) for each in seen.of(url)))
    message = next(each for each in seen.of(url) if isinstance(each, SseMessage))
    assert (message.event, message.id, message.data) == ("update", "7", '{"a":\n1}')
    await page.evaluate("() => source.close()", timeout=5)
    body.end()


async def test_tap_hands_over_a_multipart_body_with_a_file(page, server, seen, home):
    got = {}

    async def answer(request):
        got["body"] = await request.read()
        return web.json_response({})

    url = server.handle(answer)
    await page.goto(home, timeout=5)
    await page.set_files("input", [Upload("a.bin", "application/x-thing", bytes(range(256)))], timeout=5)
    send = """async url => { const form = new FormData(); form.append('data', '{"inputs":"é"}');
    form.append('files', document.querySelector('input').files[0], 'base64;a.bin');
    await fetch(url, {method: 'POST', body: form}) }"""
    await page.evaluate(send, url, timeout=5)
    started = (await seen.ended(url))[0]
    assert started.method == "POST"
    assert started.has_body
    assert '{"inputs":"é"}'.encode() in got["body"]
    # Whether the browser hands out a body with a file is up to it; if it does, it is all of it.
    assert started.body in (None, got["body"])


async def test_tap_hands_over_a_json_request_body(page, server, seen, home):
    async def answer(request):
        return web.json_response({"got": await request.json()})

    url = server.handle(answer)
    await page.goto(home, timeout=5)
    send = "async url => { await fetch(url, {method: 'POST', body: JSON.stringify({a: 'é'})}) }"
    await page.evaluate(send, url, timeout=5)
    await seen.ended(url)
    assert seen.of(url)[0].body == '{"a":"é"}'.encode()
    assert seen.body(url) == b'{"got": {"a": "\\u00e9"}}'


async def test_tap_follows_redirects_hop_by_hop(page, server, seen, home):
    last = server.page("<p>there")

    def to(url):
        async def answer(request):
            return web.Response(status=302, headers={"location": url, "set-cookie": "a=b"})

        return answer

    second = server.handle(to(last))
    first = server.handle(to(second))
    await page.goto(first, timeout=5)
    await seen.ended(last)
    for url in (first, second):
        assert names(seen.of(url)) == ["Started", "Responded", "Ended"]
        assert seen.of(url)[1].status == 302
    assert seen.of(last)[1].status == 200
    assert seen.body(last) == b"<!doctype html><p>there"


async def test_tap_sees_the_first_document_of_a_tab(page, server, seen):
    url = server.page("<p>é</p>")
    await page.goto(url, timeout=5)
    events = await seen.ended(url)
    assert names(events) == ["Started", "Responded", "Chunk", "Ended"]
    assert events[0].kind == "document"
    assert events[0].page == page.id
    assert seen.body(url) == "<!doctype html><p>é</p>".encode()


async def test_tap_leaves_other_origins_alone(page, server, seen, home):
    other = f"http://localhost:{server.origin.rpartition(':')[2]}/elsewhere"
    await page.goto(home, timeout=5)
    await page.evaluate("url => fetch(url, {mode: 'no-cors'}).then(() => 1)", other, timeout=5)
    url = server.page("<p>")
    await page.evaluate(READ, url, timeout=5)
    await seen.ended(url)
    assert not [each for each in seen.events if getattr(each, "url", "").startswith("http://localhost")]


async def test_tap_keeps_two_tabs_apart(browser, page, server, seen, home):
    other = await browser.new_page(seen)
    try:
        (one, first), (two, second) = server.body(), server.body()
        for each, url in ((page, one), (other, two)):
            await each.goto(home, timeout=5)
            await each.evaluate(START, url, timeout=5)
        for number in range(20):
            first.send(b"first %d\n" % number)
            second.send(b"second %d\n" % number)
        first.end()
        second.end()
        await seen.ended(one)
        await seen.ended(two)
        assert seen.body(one) == b"".join(b"first %d\n" % number for number in range(20))
        assert seen.body(two) == b"".join(b"second %d\n" % number for number in range(20))
        assert {each.page for each in seen.of(one)} == {page.id}
        assert {each.page for each in seen.of(two)} == {other.id}
        assert all(isinstance(each, Chunk | Started | Responded | Ended) for each in seen.of(one))
    finally:
        await other.close()
