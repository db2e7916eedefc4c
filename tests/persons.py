"""A running browser, as a person has started it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from huggingchat_agent.browser.executable import find_executable
from huggingchat_agent.browser.launch import HEADLESS, SWITCHES
from huggingchat_agent.browser.sandbox import detect_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LISTENING = re.compile(r"^DevTools listening on ws://([^/]+)/", re.MULTILINE)


def program() -> str:
    found = find_executable()
    assert found is not None
    return found.path


class Persons:
    """A person's own browser, with a port to connect to: that one, or one of the browser's choice."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder, self._port = folder, port
        self.address = ""
        self.process: Any = None

    async def __aenter__(self) -> Persons:
        box = [] if detect_sandbox().on else ["--no-sandbox"]
        folder = f"--user-data-dir={self._folder}"
        output, port_file = self._folder / "output", self._folder / "DevToolsActivePort"
        with output.open("wb") as written:
            self.process = await asyncio.create_subprocess_exec(
                program(),
                "--headless",
                f"--remote-debugging-port={self._port}",
                "--no-first-run",
                *box,
                folder,
                "about:blank",
                stdout=written,
                stderr=written,
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(30):
                while not (listening := _LISTENING.search(output.read_text(errors="replace"))):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                # A port of its own choice it prints a moment before it writes it into its folder.
                while not (self._port or (port_file.exists() and "\n" in port_file.read_text())):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        except BaseException:
            await self.__aexit__()
            raise
        self.address = f"http://{listening[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        _remove_socket(self._folder)

    def open_tab(self, url: str) -> None:
        """The person opens a tab."""
        request = urllib.request.Request(f"{self.address}/json/new?{quote(url)}", method="PUT")
        urllib.request.urlopen(request).close()

    def tabs(self) -> dict[str, str]:
        """Their addresses by id."""
        with urllib.request.urlopen(f"{self.address}/json/list") as answer:
            return {each["id"]: each["url"] for each in json.load(answer) if each["type"] == "page"}


@contextlib.contextmanager
def running_browser(folder: Path) -> Iterator[str]:
    """A browser that runs until the end of the block; its address."""
    box = [] if detect_sandbox().on else ["--no-sandbox"]
    chosen = [*SWITCHES, *HEADLESS, *box, f"--user-data-dir={folder}"]
    process = subprocess.Popen(
        [program(), *chosen], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stderr is not None
        found = next(filter(None, map(_LISTENING.search, process.stderr)))
        yield f"http://{found[1]}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        _remove_socket(folder)


def _remove_socket(folder: Path) -> None:
    """Remove what a killed browser leaves outside its profile folder: a folder with a socket."""
    with contextlib.suppress(OSError):
        shutil.rmtree((folder / "SingletonSocket").readlink().parent)


def borrow(address: str) -> dict[str, str]:
    """The environment of a program that uses that browser, with cookies of its own.

    That is less than half the CPU of one that starts a browser, and a driver for it.
    """
    return {"HUGGINGCHAT_CONNECT": address, "HUGGINGCHAT_ISOLATED": "1", "HUGGINGCHAT_ENGINE": "nodriver"}
