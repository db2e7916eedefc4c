"""Pictures by address, from a server with a certificate, and the addresses that are refused."""

import asyncio
import socket
import ssl
from typing import Any

import pytest
import trustme

from huggingchat_agent.serve import download
from huggingchat_agent.serve.chat_completions import ChatCompletions
from huggingchat_agent.serve.download import Downloader, is_public
from huggingchat_agent.serve.messages import Messages
from huggingchat_agent.serve.pictures import load_pictures
from huggingchat_agent.serve.refusals import Refusal
from huggingchat_agent.serve.responses import Responses


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
    ],
)
def test_address_inside_a_network_is_not_public(address):
    assert not is_public(address)


def test_other_addresses_are_public():
    assert is_public("1.1.1.1") and is_public("2606:4700::1111")


class Server:
    """Answers each path with the bytes that a test puts there, and notes what was asked."""

    def __init__(self, url, downloader):
        self.url, self.downloader = url, downloader
        self.answers, self.asked = {}, []

    async def answer(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode())
        for part in self.answers.get(head.split()[1].decode(), [b"HTTP/1.1 404 x\r\n\r\n"]):
            if isinstance(part, float):
                await asyncio.sleep(part)
                continue
            try:
                writer.write(part)
                await writer.drain()
            except ConnectionError:
                break
        writer.close()

    def put(self, path, body=b"", *, status=200, mime="image/png", more=""):
        head = f"HTTP/1.1 {status} x\r\ncontent-type: {mime}\r\n{more}connection: close\r\n\r\n"
        self.answers[path] = [head.encode(), body]


@pytest.fixture
async def server():
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "127.0.0.2").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    listening = socket.create_server(("127.0.0.1", 0))
    downloader = Downloader(allows=lambda address: address == "127.0.0.1", context=trusting)
    server = Server(f"https://localhost:{listening.getsockname()[1]}", downloader)
    async with await asyncio.start_server(server.answer, sock=listening, ssl=context):
        yield server


@pytest.fixture(autouse=True)
def only_ipv4(monkeypatch):
    """`localhost` as one address."""
    inner = socket.getaddrinfo

    def resolve(host, port, family=0, *more, **given):
        return inner(host, port, socket.AF_INET, *more, **given)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


async def test_picture_is_downloaded_without_cookies(server):
    server.put("/a", b"\x89PNG", mime="image/png; charset=x", more="set-cookie: a=b\r\n")
    server.put("/to", status=302, more="location: /a\r\nset-cookie: a=b\r\n")
    assert await server.downloader.download(f"{server.url}/to") == (b"\x89PNG", "image/png")
    assert not any("cookie" in each.lower() or "authorization" in each.lower() for each in server.asked)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/none", "status 404"),
        ("/page", "text/html"),
        ("/inside", "not public"),
        ("/plain", "not a plain https address"),
        ("/loop", "redirects more than 3 times"),
        ("/large", "larger than"),
        ("/slow", "took longer"),
    ],
)
async def test_what_is_no_bounded_picture_is_refused(server, path, why, monkeypatch):
    monkeypatch.setattr(download, "SECONDS", 0.5)
    monkeypatch.setattr(download, "LARGEST", 1024)
    port = server.url.rpartition(":")[2]
    server.put("/page", b"<html>", mime="text/html")
    server.put("/inside", status=307, more=f"location: https://127.0.0.2:{port}/\r\n")
    server.put("/plain", status=301, more="location: http://localhost/\r\n")
    server.put("/loop", status=302, more="location: /loop\r\n")
    server.put("/large", b"x" * 5000)
    server.put("/slow")
    server.answers["/slow"] = [server.answers["/slow"][0], b"x", 2.0, b"y"]
    with pytest.raises(Refusal, match=why) as found:
        await server.downloader.download(server.url + path)
    assert (found.value.status, found.value.code) == (400, "invalid_picture")


@pytest.mark.parametrize(
    "url", ["https://localhost/x", "https://127.0.0.1/x", "https://2130706433/", "https://0x7f.1/"]
)
async def test_this_machine_is_refused_by_any_name(url):
    with pytest.raises(Refusal, match="not public"):
        await Downloader().download(url)


@pytest.mark.parametrize(
    "url", ["https://user:pw@example.org/", "https://", "https://[::1", "https://a:99999/"]
)
async def test_address_that_is_no_plain_one_is_refused(url):
    with pytest.raises(Refusal, match="cannot be downloaded"):
        await Downloader().download(url)


async def test_connection_goes_to_the_address_that_was_checked(server, monkeypatch):
    server.put("/a", b"x")
    asked = []
    inner = socket.getaddrinfo

    def resolve(host, port, *more, **given):
        """Another answer each time, as a server for rebinding gives."""
        if host != "rebinding.test":
            return inner(host, port, *more, **given)
        asked.append(host)
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = server.url.replace("localhost", "rebinding.test")
    with pytest.raises(Refusal, match="gave no answer"):  # the certificate is for another name
        await server.downloader.download(f"{url}/a")
    assert asked == ["rebinding.test"]
    with pytest.raises(Refusal, match="not public"):
        await server.downloader.download(f"{url}/a")


async def test_every_api_takes_addresses(server):
    server.put("/a", b"\x89PNG")
    url = f"{server.url}/a"
    part = {"type": "image_url", "image_url": {"url": url}}
    block = {"type": "image", "source": {"type": "url", "url": url}}
    item = {"type": "input_image", "image_url": url}
    bodies: list[tuple[Any, dict[str, Any]]] = [
        (ChatCompletions(), {"messages": [{"role": "user", "content": [part]}]}),
        (Messages(), {"max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}),
        (Responses(), {"input": [{"role": "user", "content": [item]}]}),
    ]
    for api, body in bodies:
        question = await load_pictures(api.parse({"model": "m", **body}, lenient=False), server.downloader)
        (picture,) = question.messages[0].pictures
        assert (picture.name, picture.data, picture.mime, picture.url) == (
            *("picture-1.png", b"\x89PNG", "image/png"),
            "",
        )
    many = ChatCompletions().parse(
        {"model": "m", "messages": [{"role": "user", "content": [part] * 17}]}, lenient=False
    )
    with pytest.raises(Refusal, match="16 addresses"):
        await load_pictures(many, server.downloader)
