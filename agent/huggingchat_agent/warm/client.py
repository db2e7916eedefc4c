"""The command's end of the socket. A thread reads it, so that Ctrl-C loses no message."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from huggingchat_agent.error_values import make_error
from huggingchat_agent.errors import BrowserClosed
from huggingchat_agent.warm.protocol import Happened, Incoming, Problem, Request, Result, Welcome, encode

if TYPE_CHECKING:
    import socket

    from huggingchat_agent.state.warm_socket import Opening

T = TypeVar("T")

_WELCOME_PATIENCE = 5.0  # seconds


class Client:
    """Sends requests, and hands each the messages with its id. Several threads may use it."""

    welcome: Welcome

    def __init__(self, stream: socket.socket) -> None:
        self._stream, self._lines = stream, stream.makefile("rb")
        self._reader = threading.Thread(target=self._read, name="warm session", daemon=True)
        self._ids = itertools.count(1)
        self.turns = itertools.count(1)  # of the replies of this command
        self._inboxes: dict[int, queue.SimpleQueue[Incoming | None]] = {}
        self._lock = threading.Lock()
        self._over = False

    def open(self, opening: Opening) -> Welcome | None:
        """Open the conversation. None if the process does not answer as a warm session does."""
        self._stream.settimeout(_WELCOME_PATIENCE)
        try:
            self._stream.sendall(encode(opening))
            self.welcome = msgspec.json.decode(self._lines.readline(), type=Welcome)
        except (OSError, msgspec.MsgspecError):
            return None
        self._stream.settimeout(None)
        self._reader.start()
        return self.welcome

    def close(self) -> None:
        """The warm session stops what is still running. Closing twice is fine."""
        with contextlib.suppress(OSError):
            self._stream.shutdown(2)
        if self._reader.is_alive():
            self._reader.join()
        self._lines.close()
        self._stream.close()

    def call(self, verb: str, kind: type[T], **arguments: Any) -> T:
        """Make a request and wait for what it returns; raises what it raised."""
        return msgspec.json.decode(self.take_result(self.send(verb, **arguments)).value, type=kind)

    def send(self, verb: str, **arguments: Any) -> int:
        """Make a request. Returns its id, for `take`."""
        number = next(self._ids)
        with self._lock:
            self._inboxes[number] = queue.SimpleQueue()
            if self._over:
                self._inboxes[number].put(None)
        try:
            line = encode(Request(number, verb, arguments))
            with self._lock:
                self._stream.sendall(line)
        except OSError:
            raise self._make_lost_error() from None
        return number

    def take(self, number: int, timeout: float | None = None) -> Result | Happened:
        """The next message for a request. Raises its problem, or TimeoutError."""
        try:
            message = self._inboxes[number].get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if message is None:
            self._inboxes[number].put(None)
            raise self._make_lost_error()
        if isinstance(message, Problem):
            raise make_error(message.fault)
        return message

    def take_result(self, number: int, timeout: float | None = None) -> Result:
        """As `take`, for a request that has no events before its result."""
        message = self.take(number, timeout)
        assert isinstance(message, Result)
        return message

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError, msgspec.MsgspecError):
            while line := self._lines.readline():
                message: Incoming = msgspec.json.decode(line, type=Incoming)
                self._inboxes[message.id].put(message)
        with self._lock:
            self._over = True
            for inbox in self._inboxes.values():
                inbox.put(None)

    def _make_lost_error(self) -> BrowserClosed:
        return BrowserClosed(
            "The warm session has ended.", hint="Ask again: the command then starts its own browser."
        )
