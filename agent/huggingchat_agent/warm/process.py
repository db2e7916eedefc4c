"""A warm session as a process of its own. Its settings come over stdin, and its first words go to stdout."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent import environment, redact
from huggingchat_agent.chat.chat import get_session
from huggingchat_agent.error_values import make_fault
from huggingchat_agent.errors import StorageError
from huggingchat_agent.files import explain_failure
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.log_records import log
from huggingchat_agent.state import warm_socket
from huggingchat_agent.warm.protocol import Start, encode
from huggingchat_agent.warm.server import Server

if TYPE_CHECKING:
    from pathlib import Path


def main() -> None:
    """Run until the session ends. The first line on stdout is a Welcome, or the Fault that ended it."""
    start = msgspec.json.decode(sys.stdin.buffer.read(), type=Start)
    environment.adopt(start.variables)
    try:
        asyncio.run(_run(start))
    except Exception as error:
        log.exception("The warm session ended.")
        _report(encode(make_fault(error)))


async def _run(start: Start) -> None:
    # The session must be saved, and that of a copied profile is not.
    chat = HuggingChat(**{**start.options, "profile_in_use": "refuse"})
    path = warm_socket.find_path(chat.settings.home, chat.settings.profile)
    warm_socket.make_folder(path.parent)
    _log_to(path.with_suffix(".log"))
    async with chat:
        account = await chat.login()
        browser = get_session(chat).browser
        version = browser.version if browser is not None else ""
        server = Server(chat, account, version, path, start.idle)
        with explain_failure(StorageError, f"Cannot listen at {path}"):
            await server.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
        _report(encode(server.welcome))
        log.info("Ready, for the profile %r.", chat.settings.profile)
        await server.run()
    log.info("Ended.")


def _report(line: bytes) -> None:
    """Print the first line. Nobody reads any further ones."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), line)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            os.dup2(nothing, stream.fileno())


def _log_to(path: Path) -> None:
    """Log to a file that each session overwrites."""
    path.unlink(missing_ok=True)
    handler = logging.StreamHandler(
        os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    )
    handler.setFormatter(_Redacting("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact.text(super().format(record))
