"""Full tapes that no recorder wrote, as a browser would get them. No browser is needed to see that."""

import asyncio
import gzip
import http.client
import json
from pathlib import Path

import pytest

from huggingchat_agent.playback.stage import open_stage
from tests.playback.test_released import TAPES

pytest.importorskip("hypercorn")


def write(path: Path, change):
    """The released full tape, with another header or other responses."""
    records = [
        json.loads(line) for line in gzip.decompress((TAPES / "v1-full.tape").read_bytes()).splitlines()
    ]
    lines = [json.dumps(change(each)).encode() + b"\n" for each in records]
    path.write_bytes(gzip.compress(b"".join(lines), 1))
    return path


async def fetch(port):
    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/chat/")
        answer = connection.getresponse()
        with answer:
            found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    return await asyncio.to_thread(ask)


async def test_headers_that_http_cannot_carry_are_left_out(tmp_path):
    wrong = {
        "": "a",
        "x y": "a",
        "é": "ü",
        "z": "a\x00b",
        "a:b": "c",
        "\r\nset-cookie": "a=1",
        "x": "1\r\nset-cookie: a=1",
    }

    def change(record):
        return record | {"headers": record["headers"] | wrong} if record.get("type") == "response" else record

    path = write(tmp_path / "a.tape", change)
    async with open_stage(path, speed=0, faults=(), given={}) as (server, _):
        status, headers, body = await fetch(server.port)
    assert status == 200 and body.startswith(b"<!doctype html>")
    assert not {"set-cookie", "z"} & {name.lower() for name in headers}


@pytest.mark.parametrize("host", ["my_host.lan", "h..x", "\u2603.net", "-a.example"])
async def test_names_that_no_certificate_can_hold_have_a_stage(tmp_path, host):
    path = write(
        tmp_path / "a.tape",
        lambda each: each | ({"base_url": f"https://{host}/chat"} if "tape" in each else {}),
    )
    async with open_stage(path, speed=0, faults=(), given={}) as (server, given):
        assert server.port and any("spki" in each for each in given["browser_args"])


async def test_browser_has_no_way_around_the_tape(tmp_path):
    """`test_on_tape.py` tries both in a browser."""
    path = write(tmp_path / "a.tape", lambda each: each)
    async with open_stage(path, speed=0, faults=(), given={}) as (_, given):
        switches = given["browser_args"]
    assert any(each.endswith("MAP * ~NOTFOUND") for each in switches)
    assert "--webrtc-ip-handling-policy=disable_non_proxied_udp" in switches
