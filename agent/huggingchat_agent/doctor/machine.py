"""Checks this machine: the browser, what it needs, and what earlier runs left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from huggingchat_agent import redact
from huggingchat_agent.browser import endpoints, load_engine, persons_browser
from huggingchat_agent.browser.executable import find_executable, make_missing_error
from huggingchat_agent.browser.sandbox import detect_sandbox
from huggingchat_agent.doctor.finding import Finding
from huggingchat_agent.doctor.leftovers import find_leftovers
from huggingchat_agent.errors import AgentError
from huggingchat_agent.state.profiles import list_profiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from huggingchat_agent.doctor.finding import State
    from huggingchat_agent.settings import Settings

LITTLE = 500 * 1024 * 1024  # bytes; a browser's profile and its cache fit into it
PROXY_SECONDS = 5.0
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")


async def check_machine(settings: Settings, *, start: bool = True) -> AsyncIterator[Finding]:
    """Check this machine. `start` starts a browser and closes it again."""
    if settings.connect:
        for finding in await _check_running(settings):
            yield finding
    else:
        yield _check_browser(settings)
    if start and not settings.connect:
        yield await _check_start(settings)
    yield _check_display(settings)
    yield _check_sandbox(settings)
    yield _check_leftovers(settings)
    for profile in _check_profiles(settings):
        yield profile
    for disk in _check_disk(settings):
        yield disk
    async for proxy in _check_proxy(settings):
        yield proxy


def _finding(check: str, text: str, state: State = "good", advice: str = "") -> Finding:
    return Finding(area="machine", check=check, state=state, text=text, advice=advice)


def make_failure(check: str, error: AgentError) -> Finding:
    """The finding for a check that an error ended."""
    return _finding(check, redact.text(error.message), "failed", redact.text(error.shell_hint))


def _check_browser(settings: Settings) -> Finding:
    try:
        found = find_executable(settings.browser, settings.channel)
        if found is None:
            raise make_missing_error()
    except AgentError as error:
        return make_failure("browser", error)
    return _finding("browser", f"{found.path}, {found.origin}")


async def _check_running(settings: Settings) -> list[Finding]:
    """Whether each of the running browsers answers. One that may ask the user is not contacted."""
    connect = settings.endpoints
    if settings.searched:
        try:
            running = await asyncio.to_thread(persons_browser.find_running, str(settings.connect))
        except AgentError as error:
            return [make_failure("browser", error)]
        return [_finding("browser", f"your running one: {running}")]
    answers = await asyncio.gather(*map(endpoints.read_load, connect), return_exceptions=True)
    advice = "Start it, or leave it out of --connect."
    return [
        _finding("browser", f"none answers at {each}: {answer}", "failed", advice)
        if isinstance(answer, BaseException)
        else _finding("browser", f"the running one at {each}{'; it is full' * answer.full}")
        for each, answer in zip(connect, answers, strict=True)
    ]


async def _check_start(settings: Settings) -> Finding:
    try:
        browser = await load_engine(settings.engine).start(settings, None)
    except AgentError as error:
        return make_failure("browser starts", error)
    try:
        return _finding("browser starts", f"{browser.version}, by {settings.engine}")
    finally:
        await browser.close()


def _check_display(settings: Settings) -> Finding:
    if sys.platform != "linux":
        return _finding("display", "that of this system")
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if shown:
        return _finding("display", shown)
    if settings.headless:
        return _finding("display", "none; a browser without a window needs none", "note")
    return _finding(
        "display", "none", "failed", "Run on a desktop or under `xvfb-run`, or leave out --headed."
    )


def _check_sandbox(settings: Settings) -> Finding:
    if settings.connect:
        return _finding("sandbox", "that of the running browser")
    box = detect_sandbox()
    return _finding("sandbox", f"{'on' if box.on else 'off'}: {box.reason}", "good" if box.on else "note")


def _check_profiles(settings: Settings) -> Iterator[Finding]:
    try:
        profiles = list_profiles(settings.home)
    except AgentError as error:
        yield make_failure("profiles", error)
        return
    used = {each.name: each.in_use_by for each in profiles if each.in_use_by}
    damaged = [each.name for each in profiles if each.damaged]
    names = ", ".join(f"{name} by process {holder}" for name, holder in used.items())
    yield _finding("profiles", f"{len(profiles)} in {settings.home}; in use: {names or 'none'}")
    for name in damaged:
        yield _finding(
            "profiles",
            f"the session of {name} cannot be read",
            "failed",
            f"Sign in again: huggingchat login --profile {name}",
        )


def _check_leftovers(settings: Settings) -> Finding:
    found = find_leftovers(settings.home)
    if not found:
        return _finding("leftovers", "none")
    kinds = ", ".join(str(each) for each in found[:3]) + (" ..." if len(found) > 3 else "")
    return _finding(
        "leftovers",
        f"{len(found)} of runs that ended without tidying up: {kinds}",
        "note",
        "huggingchat doctor --fix removes them.",
    )


def _check_disk(settings: Settings) -> Iterator[Finding]:
    for what, folder in (("sessions", settings.home), ("the browser's files", Path(tempfile.gettempdir()))):
        there = next(each for each in (folder, *folder.parents) if each.exists())
        try:
            free = shutil.disk_usage(there).free
        except OSError as error:
            yield _finding("disk", f"{there}: {error.strerror}", "failed")
            continue
        text = f"{free / 1e9:.1f} GB free for {what} in {folder}"
        if free < LITTLE:
            yield _finding("disk", text, "failed", f"Make room: {LITTLE / 1e6:.0f} MB are enough.")
        elif not os.access(there, os.W_OK | os.X_OK):
            yield _finding(
                "disk", f"{folder} cannot be written", "failed", "Name another with HUGGINGCHAT_HOME."
            )
        else:
            yield _finding("disk", text)


async def _check_proxy(settings: Settings) -> AsyncIterator[Finding]:
    named = [name for name in _PROXIES if os.environ.get(name)]
    if settings.proxy is None:
        text = "none set"
        if named:
            text = f"none set for the agent; {', '.join(named)} of the environment may reach the browser"
        yield _finding("proxy", text, "note" if named else "good")
        return
    parts = urlsplit(settings.proxy.server)
    port = parts.port or {"https": 443, "socks5": 1080}.get(parts.scheme, 80)
    try:
        async with asyncio.timeout(PROXY_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or "no answer"
        yield _finding(
            "proxy", f"{settings.proxy.server} does not answer: {why}", "failed", "Check HUGGINGCHAT_PROXY."
        )
        return
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    yield _finding("proxy", f"{settings.proxy.server} answers")
