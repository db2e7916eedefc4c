"""Answers a browser from a tape: a server on loopback that stands in for the app.

It needs the extra `replay`. Bodies come in the recorded pieces, with the recorded pauses. Static files come
at once. Server-sent events of the page's own watch wait for the acts that came before them on the tape.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import math
import re
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from huggingchat_agent.errors import TapeMismatch, UsageError
from huggingchat_agent.log_records import log
from huggingchat_agent.playback.matcher import Matcher
from huggingchat_agent.tape.format import is_text
from huggingchat_agent.wire.failures import TAPE_MISMATCH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from huggingchat_agent.tape.summary import Exchange, Summary

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]


_HOST = "127.0.0.1"
# The rules for host names do not hold for WebRTC, which would reach other machines by UDP. Newer browsers
# know the first name of the switch, older ones the second.
_WEBRTC_POLICIES = ("webrtc-ip-handling-policy", "force-webrtc-ip-handling-policy")
# Headers about the recorded connection, or about cookies, which are not on the tape.
_DROPPED = {
    *("connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "date"),
    *("set-cookie", "alt-svc", "strict-transport-security", "server"),
}
# What HTTP/1.1 can carry. HTTP/2 has more, and a tape from elsewhere may hold anything.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNFIT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class TapeServer:
    """Serves a tape while it is open (`async with`). `speed` is as for `replay`.

    `stalls` are bytes and seconds by the id of an exchange: its body pauses after that many bytes for that
    many seconds, at any speed. `mismatches` are the app's requests that were not on the tape.
    """

    def __init__(
        self, summary: Summary, *, speed: float = 1.0, stalls: Mapping[str, tuple[int, float]] | None = None
    ) -> None:
        self._stalls = stalls or {}
        self.mismatches: list[TapeMismatch] = []
        self._summary, self._speed = summary, speed
        self._matcher = Matcher(summary)
        self._acts = asyncio.Condition()
        self._moments: list[float] = []  # when each act got its answer
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="huggingchat-tape-")
        self._pin = ""
        self.port = 0

    @property
    def switches(self) -> tuple[str, ...]:
        """Switches of the browser: the app's host name leads here, and all others lead nowhere."""
        origin = urlsplit(self._summary.recording.header.base_url)
        port = origin.port or {"http": 80, "https": 443}[origin.scheme]
        host = f"[{origin.hostname}]" if ":" in (origin.hostname or "") else origin.hostname
        rules = f"MAP {host}:{port} {_HOST}:{self.port}, MAP * ~NOTFOUND"
        return (
            f"--host-resolver-rules={rules}",
            "--no-proxy-server",
            *(f"--{name}=disable_non_proxied_udp" for name in _WEBRTC_POLICIES),
            *((f"--ignore-certificate-errors-spki-list={self._pin}",) if self._pin else ()),
        )

    async def __aenter__(self) -> TapeServer:
        try:
            from hypercorn.asyncio import serve
            from hypercorn.config import Config
        except ImportError:
            raise UsageError(
                "A replay in a browser needs a server: run `pip install hypercorn trustme`."
            ) from None
        # Name the protocol: otherwise asyncio leaves Nagle's algorithm on, which delays small pieces.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind((_HOST, 0))
        listening.listen()  # at once: early clients wait until the server has started
        self.port = listening.getsockname()[1]
        config = Config()
        config.bind = [f"fd://{listening.detach()}"]
        config.accesslog = config.errorlog = None
        config.graceful_timeout = 0.2
        config.shutdown_timeout = 1.0
        if self._summary.recording.header.base_url.startswith("https:"):
            config.certfile, config.keyfile = self._certify()
        # Its types name an ASGI framework's scope; ours is a plain dict.
        work = serve(self._answer, config, shutdown_trigger=self._closing.wait)  # type: ignore[arg-type]
        self._task = asyncio.create_task(work, name="tape server")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        async with self._acts:
            self._acts.notify_all()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=5)
            self._task.cancel()
        self._folder.cleanup()

    def _certify(self) -> tuple[str, str]:
        """A certificate. A switch tells the browser to accept it for any host."""
        import trustme
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        from cryptography.x509 import load_pem_x509_certificate

        issued = trustme.CA().issue_cert("localhost")  # not every name that browsers take can be in one
        certificate, key = Path(self._folder.name, "certificate.pem"), Path(self._folder.name, "key.pem")
        certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        own = load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()).public_key()
        public = own.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self._pin = base64.b64encode(hashlib.sha256(public).digest()).decode()
        return str(certificate), str(key)

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        target = scope["raw_path"].decode("ascii")
        path = target.partition("?")[0]
        if scope["query_string"] and "?" not in target:
            target += f"?{scope['query_string'].decode('ascii')}"
        if not self._matcher.covers(path):
            return await _refuse(send, 404, "Not part of the app, so not on the tape.")
        try:
            found, again = self._matcher.find(scope["method"], target, body, headers.get("content-type", ""))
        except TapeMismatch as mismatch:
            self.mismatches.append(mismatch)
            log.error("%s", mismatch)
            return await _refuse(send, 502, str(mismatch), mismatch=True)
        async with self._acts:
            while len(self._moments) < self._matcher.acts:
                self._moments.append(asyncio.get_running_loop().time())
            self._acts.notify_all()
        await self._play(found, receive, send, again=again)

    async def _play(self, exchange: Exchange, receive: Receive, send: Send, *, again: bool) -> None:
        began, then = asyncio.get_running_loop().time(), exchange.request.at
        response = exchange.response
        if response is None:
            return await _hang_up(exchange, receive)
        if exchange.static:
            began = -math.inf
        await self._wait_until(began, response.at - then)
        headers = [
            (name.encode(), line.encode())
            for name, value in response.headers.items()
            if name not in _DROPPED and _NAME.fullmatch(name)
            for line in value.split("\n")
            if not _UNFIT.search(line)
        ]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        # Hypercorn holds the headers back until a first piece of the body.
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        if exchange.request.kind == "eventsource":
            gone = asyncio.ensure_future(_wait_for_disconnect(receive))
            sending = asyncio.ensure_future(self._send_events(exchange, send, again=again))
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
            sending.cancel()
            if exchange.ended is None:
                await gone  # it was still open at the end
            gone.cancel()
        else:
            await self._stream(exchange, send, began)
            if exchange.failed is not None:
                await _hang_up(exchange, receive)
        await send({"type": "http.response.body", "body": b""})

    async def _stream(self, exchange: Exchange, send: Send, began: float) -> None:
        assert exchange.response is not None
        text = is_text(exchange.response.mime)
        stall, seconds = self._stalls.get(exchange.request.id, (-1, 0.0))
        place = 0
        for at, length in exchange.cuts:
            end = place + length
            await self._wait_until(began, at - exchange.request.at)
            for start, stop in _split_at_stall(stall, place, end):
                if start == stall:
                    await asyncio.sleep(seconds)
                    began += seconds
                piece = bytes(exchange.body[start:stop])
                body = self._matcher.put_current_ids(piece) if text else piece
                await send({"type": "http.response.body", "body": body, "more_body": True})
            place = end
        over = exchange.ended or (exchange.failed.at if exchange.failed else None)
        if over is not None and len(exchange.cuts) > 1:
            await self._wait_until(began, over - exchange.request.at)

    async def _send_events(self, exchange: Exchange, send: Send, *, again: bool) -> None:
        """Send server-sent events, each after the acts that came before it on the tape."""
        for message in exchange.messages if not again else ():
            act = self._matcher.count_acts_before(message.n)
            async with self._acts:
                while len(self._moments) < act and not self._closing.is_set():
                    await self._acts.wait()
            lines = [f"id: {message.last_id}"] if message.last_id else []
            lines += [f"event: {message.event}"] if message.event != "message" else []
            lines += [f"data: {line}" for line in message.data.split("\n")]
            body = self._matcher.put_current_ids(("\n".join(lines) + "\n\n").encode())
            await send({"type": "http.response.body", "body": body, "more_body": True})

    async def _wait_until(self, began: float, after: float) -> None:
        if self._speed:
            due = began + after / self._speed - asyncio.get_running_loop().time()
            if due > 0:
                await asyncio.sleep(due)


def _split_at_stall(stall: int, start: int, end: int) -> list[tuple[int, int]]:
    """A piece of a body, cut in two if the body stalls within it."""
    return [(start, stall), (stall, end)] if start < stall < end else [(start, end)]


async def _refuse(send: Send, status: int, text: str, *, mismatch: bool = False) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if mismatch:
        headers.append((TAPE_MISMATCH.encode(), b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


async def _hang_up(exchange: Exchange, receive: Receive) -> None:
    """End the connection before the answer is complete, as in the recording."""
    if exchange.failed is not None and exchange.failed.canceled:
        await _wait_for_disconnect(receive)  # the page hangs up instead
    raise ConnectionResetError


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
