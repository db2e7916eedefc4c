"""The stand-in and the proxy in front of it close all connections, also those that come meanwhile.

A socket that is left open is a warning when it is collected, and with it the test fails.
"""

import contextlib
import gc
import socket
import threading
from urllib.parse import urlsplit

import pytest

from fixtures.site import StandIn
from tests.faults.proxy import Proxy

ROUNDS = 4


@contextlib.contextmanager
def crowd(url):
    """Clients that connect without pause, until after what is in the block has closed."""
    ended, busy = threading.Event(), threading.Event()
    address = ("127.0.0.1", urlsplit(url).port)

    def connect():
        with contextlib.ExitStack() as connections:
            for number in range(2000):
                if ended.is_set():
                    return
                with contextlib.suppress(OSError):
                    client = connections.enter_context(socket.create_connection(address, timeout=1))
                    client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
                if number == 20:
                    busy.set()

    thread = threading.Thread(target=connect)
    thread.start()
    busy.wait(10)
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("proxied", [False, True])
def test_no_connection_is_left_open(proxied):
    for _ in range(ROUNDS):
        with contextlib.ExitStack() as clients:
            with StandIn() as site:
                with Proxy(site.url) if proxied else contextlib.nullcontext(site) as door:
                    clients.enter_context(crowd(door.url))
        gc.collect()
