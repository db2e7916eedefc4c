"""The choice among several browsers, on servers with scripted answers, without a browser."""

import contextlib
import json
import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from huggingchat_agent import redact
from huggingchat_agent.browser import endpoints
from huggingchat_agent.browser.devtools_endpoint import NoAnswer
from huggingchat_agent.doctor.machine import check_machine
from huggingchat_agent.endpoint import Endpoint
from huggingchat_agent.errors import BrowserError, SettingsError
from huggingchat_agent.settings import make_settings


@contextlib.contextmanager
def serving(answers):
    """A server with these answers by path, a status or a value each; its host and the requests it got."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, self.headers.get("Authorization")))
            answer = answers.get(self.path.partition("?")[0], 404)
            self.send_response(answer if isinstance(answer, int) else 200)
            self.end_headers()
            if not isinstance(answer, int):
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_cdp(tabs):
    version = {"Browser": "Chrome/140", "webSocketDebuggerUrl": "ws://127.0.0.1:1/devtools/browser/x"}
    pages = [{"type": "page", "id": str(n)} for n in range(tabs)]
    return {"/json/version": version, "/json/list": [*pages, {"type": "service_worker"}]}


def make_pressure(running, queued=0, *, available=True):
    return {"/pressure": {"pressure": {"isAvailable": available, "running": running, "queued": queued}}}


PLAYWRIGHT = {"/": b"Running", "/json": {"wsEndpointPath": "/"}}


@pytest.mark.parametrize(
    ("scheme", "answers", "load"),
    [
        ("http", make_cdp(3), (False, 3)),
        ("ws", PLAYWRIGHT, (False, 0)),
        ("ws", make_pressure(2, 5), (False, 7)),
        ("http", make_pressure(9, available=False), (True, 9)),
        ("ws", {"/pressure": {"pressure": {"running": "many"}}}, (False, 0)),
        ("ws", {"/pressure": ["?"]} | PLAYWRIGHT, (False, 0)),
        ("ws", {}, (False, endpoints._UNKNOWN)),
        ("http", {"/json/version": b"<html>"}, (False, endpoints._UNKNOWN)),
    ],
    ids=["cdp", "playwright", "pressure", "full", "odd numbers", "odd answer", "unknown", "no browser"],
)
async def test_load_is_what_the_server_says(scheme, answers, load):
    with serving(answers) as (host, _):
        assert await endpoints.read_load(Endpoint.parse(f"{scheme}://{host}")) == load


async def test_server_that_fails_or_is_not_there_is_dead(unused_tcp_port):
    with serving({"/pressure": 503}) as (host, _):
        with pytest.raises(NoAnswer, match="HTTP 503"):
            await endpoints.read_load(Endpoint.parse(f"ws://{host}"))
    with pytest.raises(NoAnswer, match="refused"):
        await endpoints.read_load(Endpoint.parse(f"ws://127.0.0.1:{unused_tcp_port}"))


async def test_server_that_accepts_and_says_nothing_is_dead(monkeypatch):
    monkeypatch.setattr("huggingchat_agent.browser.devtools_endpoint.ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:  # the system accepts for it
        port = server.getsockname()[1]
        with pytest.raises(NoAnswer, match="timed out"):
            await endpoints.read_load(Endpoint.parse(f"http://127.0.0.1:{port}"))


async def choose(addresses, failing=()):
    """Where a connection is made, and the order of the attempts."""
    tried = []

    async def open_one(endpoint):
        tried.append(endpoint.address)
        if endpoint.address in failing:
            raise BrowserError(f"No browser answers at {endpoint}: closed")
        return endpoint.address

    held, _ = await endpoints.connect([Endpoint.parse(each) for each in addresses], open_one)
    return held, tried


async def test_least_loaded_one_that_answers_is_chosen(unused_tcp_port):
    with (
        serving(make_cdp(4)) as (busy, _),
        serving(make_cdp(1)) as (free, _),
        serving(make_pressure(0, available=False)) as (full, _),
    ):
        dead = f"http://127.0.0.1:{unused_tcp_port}"
        addresses = [dead, f"http://{full}", f"http://{busy}", f"http://{free}"]
        _, tried = await choose(addresses)
        assert tried == [f"http://{free}"]
        _, tried = await choose(addresses, failing=tried)
        assert tried == [f"http://{free}", f"http://{busy}"]
        _, tried = await choose(addresses)  # for where it failed a moment ago is last
        assert tried == [f"http://{busy}"]


async def test_own_sessions_count_where_the_server_does_not_say_how_many():
    with serving(PLAYWRIGHT) as (one, _), serving(PLAYWRIGHT) as (two, _):
        both = [f"ws://{one}", f"ws://{two}"]
        first, _ = await choose(both)
        second, _ = await choose(both)
        assert {first.endpoint.address, second.endpoint.address} == set(both)
        first.release()
        third, _ = await choose(both)
        assert third.endpoint == first.endpoint
        third.release(failed=True)
        fourth, _ = await choose(both)
        assert fourth.endpoint == second.endpoint


async def test_none_that_answers_is_one_error_with_the_reason_for_each(unused_tcp_port_factory):
    dead = [f"http://127.0.0.1:{unused_tcp_port_factory()}" for _ in range(2)]
    with pytest.raises(BrowserError, match="None of 2 browsers answers") as caught:
        await choose(dead)
    assert all(each in str(caught.value) for each in dead)
    assert str(caught.value).count("refused") == 2


TOKENS = (
    "wss://127.0.0.1:{port}/playwright?token=8f3a-first-token",
    "ws://127.0.0.1:{port}/d41d8cd98f00b204e9800998ecf8427e",
    "wss://ada:s3cret-of-ada@127.0.0.1:{port}/?apiKey=8f3a-other-key&timeout=60000",
)


async def test_tokens_of_addresses_are_in_no_text(unused_tcp_port, caplog):
    caplog.set_level(logging.DEBUG)
    given = [each.format(port=unused_tcp_port) for each in TOKENS]
    settings = make_settings(connect=given)
    assert settings.connect == ",".join(given)
    assert [each.address for each in settings.endpoints] == given
    with pytest.raises(BrowserError) as caught:
        await choose(given)
    said = [repr(settings), *map(str, settings.endpoints), repr(caught.value), redact.text(" ".join(given))]
    for text in (*said, caplog.text):
        for token in ("8f3a", "d41d8", "s3cret", "ada:"):
            assert token not in text
    assert "ws://127.0.0.1" in repr(settings)


async def test_health_is_asked_with_the_token_of_the_address():
    with serving(make_pressure(1)) as (host, seen):
        await endpoints.read_load(Endpoint.parse(f"ws://ada:let-me-in@{host}/chromium?token=8f3a-a-token"))
    assert seen == [("/pressure?token=8f3a-a-token", "Basic YWRhOmxldC1tZS1pbg==")]
    with serving(make_cdp(0)) as (host, seen):
        await endpoints.read_load(Endpoint.parse(f"http://{host}/browser/?key=8f3a-a-token"))
    paths = ["pressure", "json/version", "json/list"]
    assert {path for path, _ in seen} <= {f"/browser/{each}?key=8f3a-a-token" for each in paths}


def test_several_are_given_as_a_list_or_with_commas(monkeypatch):
    one, two = "http://127.0.0.1:9222", "wss://far.example.org/?token=a,b"
    expected = (Endpoint(one), Endpoint(two))
    assert make_settings(connect=[one, two, one]).endpoints == expected
    assert make_settings(connect=f"{one}, {two}").endpoints == expected
    monkeypatch.setenv("HUGGINGCHAT_CONNECT", f"{one},{two},")
    assert make_settings().endpoints == expected
    assert make_settings(connect=two).endpoints == (Endpoint(two),)
    refused: list[Any] = [f"{one},far", [one, "far"], "http://[", 7, [7], []]
    for wrong in refused:
        with pytest.raises(SettingsError):
            make_settings(connect=wrong)


async def test_doctor_says_of_each_whether_it_answers(unused_tcp_port, tmp_path):
    dead = f"http://127.0.0.1:{unused_tcp_port}"
    with serving(make_cdp(1)) as (free, _), serving(make_pressure(9, available=False)) as (full, _):
        chosen = make_settings(connect=[f"http://{free}", f"ws://{full}", dead], home=tmp_path)
        found = [each async for each in check_machine(chosen, start=False) if each.check == "browser"]
    assert [(each.state, each.text.removeprefix("the running one at ")) for each in found[:2]] == [
        ("good", f"http://{free}"),
        ("good", f"ws://{full}; it is full"),
    ]
    assert found[2].state == "failed" and found[2].text.startswith(f"none answers at {dead}: ")
