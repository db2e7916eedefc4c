"""What the endpoint refuses before it asks the app."""

import asyncio
import contextlib
import gc
import json
import socket

import httpx
import pytest

from huggingchat_agent.errors import UsageError
from huggingchat_agent.origin import is_loopback
from huggingchat_agent.serve.guard import LARGEST_BODY
from huggingchat_agent.serve.keys import load_key
from huggingchat_agent.serve.running import Listener, listen
from tests.serve.conftest import open_door

BODY = json.dumps({"model": "llama", "messages": [{"role": "user", "content": "hello"}]})


@pytest.fixture
async def door(chat_on_nothing):
    async with open_door(chat_on_nothing, None) as door:
        yield door


async def post(door, body=BODY, **headers):
    headers = {each.replace("_", "-"): value for each, value in headers.items()}
    return await door.client.post("/v1/chat/completions", content=body, headers=headers)


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": ""}, 401, "missing_api_key"),
        ({"authorization": "Basic eA=="}, 401, "missing_api_key"),
        ({"authorization": "Bearer wrong"}, 401, "invalid_api_key"),
        ({"authorization": "", "x_api_key": "wrong"}, 401, "invalid_api_key"),
        ({"host": "evil.example"}, 421, "wrong_host"),
        ({"host": "127.0.0.1"}, 421, "wrong_host"),
        ({"origin": "https://evil.example"}, 403, "wrong_origin"),
        ({"origin": "null"}, 403, "wrong_origin"),
    ],
)
async def test_stranger_is_refused(door, headers, status, code):
    answer = await post(door, **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert not [each for each in answer.headers if each.startswith("access-control")]
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_preflight_of_a_page_gets_no_permission(door):
    async with httpx.AsyncClient(trust_env=False) as page:
        asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
        answer = await page.options(f"{door.url}/v1/chat/completions", headers=asked)
    assert answer.status_code == 403
    assert not [each for each in answer.headers if each.startswith("access-control")]


@pytest.mark.parametrize("body", ["", "{", '{"model": NaN}', b"\xff\xfe"])
async def test_invalid_json_is_refused(door, body):
    answer = await post(door, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


async def test_large_body_is_refused_whether_it_says_so_or_not(door):
    answer = await post(door, b" " * (LARGEST_BODY + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")

    async def unannounced():
        for _ in range(LARGEST_BODY // 1024**2 + 1):
            yield b" " * 1024**2

    assert (await post(door, unannounced())).status_code == 413
    assert (await post(door, b" " * 1024**2, authorization="Bearer wrong")).status_code == 401


async def test_unknown_paths_and_methods_say_what_there_is(door):
    answer = await door.client.post("/v1/embeddings", json={})
    assert answer.status_code == 404 and "/v1/chat/completions" in answer.json()["error"]["message"]
    assert (await door.client.get("/v1/chat/completions")).status_code == 405


async def test_health_needs_no_key_and_pressure_does(door):
    async with httpx.AsyncClient(base_url=door.url, trust_env=False) as stranger:
        assert (await stranger.get("/healthz")).json() == {"status": "ok"}
        assert (await stranger.get("/pressure")).status_code == 401


@pytest.mark.parametrize(
    ("host", "known"),
    [("192.0.2.7:1", True), ("[2001:db8::1]:1", True), ("evil.example:1", False), ("", False)],
)
async def test_exposed_server_takes_any_address_and_no_name(door, host, known):
    door.running._endpoint.app._exposed = True
    answer = await post(door, host=host, authorization="Bearer wrong")
    assert answer.status_code == (401 if known else 421)


def test_key_is_made_once_and_only_its_hash_is_kept(tmp_path):
    key, text = load_key(tmp_path)
    assert text and key.fits(text) and not key.fits(text[:-1]) and not key.fits("")
    again, nothing = load_key(tmp_path)
    assert nothing is None and again.fits(text)
    path = tmp_path / "serve.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert text not in path.read_text()
    other, new = load_key(tmp_path, new=True)
    assert new and other.fits(new) and not other.fits(text)
    assert text not in repr(key)


def test_port_in_use_says_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(UsageError, match="--port"):
            listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *((each, True) for each in ("127.0.0.1", "127.9.9.9", "::1", "localhost")),
        *((each, False) for each in ("0.0.0.0", "192.168.1.2", "example.org", "")),
    ],
)
def test_loopback(host, own):
    assert is_loopback(host) is own


def test_connection_sends_each_token_at_once():
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:  # else a token waits for the acknowledgement of the one before, 40 ms
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("steps", range(4))
async def test_connection_that_comes_in_the_moment_of_the_end_is_closed_and_holds_nothing_up(steps):
    clients = []

    class Late(Listener):
        async def shutdown(self, sockets=None):
            clients.append(socket.create_connection(listening.getsockname()))
            for _ in range(steps):
                await asyncio.sleep(0)
            await super().shutdown(sockets)

    async def app(scope, receive, send):
        raise AssertionError("nothing was asked")

    listening, listener = listen("127.0.0.1", 0), Late.make(app)
    listener.should_exit = True
    async with asyncio.timeout(10):
        await listener.serve(sockets=[listening])
    with clients[0] as client:
        client.settimeout(5)
        with contextlib.suppress(ConnectionError):
            assert client.recv(1) == b""
    gc.collect()  # a socket that was left open fails the test that is running then
