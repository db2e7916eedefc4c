"""The installed `huggingchat` as a child process: to its end, step by step, or at a terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pty
import select
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from huggingchat_agent.cli.app import run
from tests import engines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

COMMAND = str(Path(sys.executable).with_name("huggingchat"))
PATIENCE = 30.0

# Makes the pty it is given the controlling terminal, so that Ctrl-C there is a signal.
_AT_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


# In the environment of a command and of all that it starts.
TAG = "CLI_TEST_TAG"


class Finished(NamedTuple):
    code: int
    out: str
    err: str


class Shell:
    """Runs the command in an environment of its own: this site, this state folder, nothing else."""

    def __init__(self, base_url: str, home: Path) -> None:
        self.base_url = base_url
        self.home = home
        self.tag = uuid.uuid4().hex
        self.more: dict[str, str] = {}  # of the environment

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("HUGGINGCHAT_") or name == engines.VARIABLE
        }
        chosen = {"HUGGINGCHAT_BASE_URL": self.base_url, "HUGGINGCHAT_HOME": str(self.home)}
        # The terminal of these tests does not say where its cursor is.
        terminal = {"TERM": "xterm", "COLUMNS": "100", "PROMPT_TOOLKIT_NO_CPR": "1"}
        return kept | chosen | terminal | {TAG: self.tag} | self.more | dict(extra or {})

    def processes(self, kind: str = "") -> list[int]:
        """The processes that this shell has started, with `kind` in their command line."""
        return [
            int(folder.name)
            for folder in Path("/proc").glob("[0-9]*")
            if f"{TAG}={self.tag}" in _text(folder / "environ") and kind in _text(folder / "cmdline")
        ]

    def __call__(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Finished:
        done = subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def here(self, *arguments: str, env: Mapping[str, str] | None = None) -> Finished:
        """Run it in this process, with nothing on stdin, for tests of its output alone."""
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
        handlers = logging.getLogger().handlers[:]
        with (
            patch.dict(os.environ, self.environment(env), clear=True),
            Path(os.devnull).open() as nothing,
            patch.object(sys, "stdin", nothing),
            contextlib.redirect_stdout(streams[0]),
            contextlib.redirect_stderr(streams[1]),
        ):
            code = run(arguments)
        logging.getLogger().handlers[:] = handlers
        return Finished(code, *(each.buffer.getvalue().decode() for each in streams))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it with pipes; the caller waits for it, and closes them by `with`."""
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )

    def terminal(
        self, *arguments: str, environment: dict[str, str] | None = None, command: Sequence[str] = (COMMAND,)
    ) -> Terminal:
        """Start it, or another command, at a terminal."""
        return Terminal([*command, *arguments], environment or self.environment())


class Terminal:
    """A person's end of a terminal: what to type, and what to see. Use it as `with`."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self._seen = bytearray()
        self._looked = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", _AT_TERMINAL, *command],
            env=environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        os.close(self._master)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C, as soon as the program waits for something.

        Between showing a character and waiting for the next one, Python's line input would only hear of
        the signal with the next line; no person is that quick, but a test is, now and then.
        """
        while self._state() not in "SZX":
            time.sleep(0.001)  # there is no event for it
        self.type("\x03")

    def expect(self, text: str) -> None:
        """Wait until the text was shown after what was waited for last."""
        end = time.monotonic() + PATIENCE
        while (found := self._seen.find(text.encode(), self._looked)) < 0:
            assert time.monotonic() < end, f"{text!r} did not come; there is:\n{self.shown}"
            assert self._read(end), f"it ended without {text!r}; there is:\n{self.shown}"
        self._looked = found + len(text.encode())

    def code(self) -> int:
        """Wait for the end; the exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            assert time.monotonic() < end, f"it does not end; there is:\n{self.shown}"
        return self.process.wait(PATIENCE)

    @property
    def shown(self) -> str:
        """All that was shown so far, escape sequences included."""
        return self._seen.decode(errors="replace")

    def _state(self) -> str:
        """What the kernel says its main thread does: R(uns), S(leeps), ..."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2][0]

    def _read(self, end: float) -> bool:
        if not select.select([self._master], [], [], max(end - time.monotonic(), 0))[0]:
            return True
        try:
            piece = os.read(self._master, 65536)
        except OSError:  # how Linux says that nobody is at the other end any more
            return False
        self._seen += piece
        return bool(piece)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it ended meanwhile
        return ""
