"""The process that `cold_steps` measures: `ask hello` with a clock on its steps. It imports little else."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

BEGAN = "BENCH_BEGAN"  # the variable with the time when the process was started


class Clock:
    """Times functions of a process that it patches."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.steps: list[tuple[str, float, float]] = []

    def note(self, what: str, start: float) -> None:
        self.steps.append((what, start - self.began, time.time() - self.began))

    def watch(self, owner: Any, name: str, what: str) -> None:
        function = getattr(owner, name)

        async def timed(*args: Any, **more: Any) -> Any:
            start = time.time()
            try:
                return await function(*args, **more)
            finally:
                self.note(what, start)

        def timed_at_once(*args: Any, **more: Any) -> Any:
            start = time.time()
            try:
                return function(*args, **more)
            finally:
                self.note(what, start)

        setattr(owner, name, timed if asyncio.iscoroutinefunction(function) else timed_at_once)


def ask(path: str) -> None:
    """Run the command, and write the steps as JSON."""
    clock = Clock(float(os.environ[BEGAN]))
    clock.note("interpreter", clock.began)
    start = time.time()
    from huggingchat_agent.cli.app import run

    clock.note("imports: the command line", start)
    start = time.time()
    from huggingchat_agent import emitter
    from huggingchat_agent.chat import chat, senders
    from huggingchat_agent.session import profile, tabs

    clock.note("imports: the chat", start)
    start = time.time()
    from playwright.async_api import Browser, BrowserType
    from playwright.async_api._context_manager import PlaywrightContextManager

    from huggingchat_agent.browser import page, playwright

    clock.note("imports: Playwright", start)
    for owner, name, what in (
        (chat.Chat, "open", "open"),
        (profile.BrowserProfile, "start", "browser, from checks to ready"),
        (PlaywrightContextManager, "start", "Playwright's driver"),
        (BrowserType, "launch", "browser process"),
        (Browser, "new_context", "context with the saved session"),
        (playwright.PlaywrightBrowser, "_note_leftovers", "watcher for a killed program"),
        (playwright.PlaywrightBrowser, "new_page", "tab"),
        (page.CdpPage, "goto", "load a page"),
        (chat.Chat, "login", "ask who is signed in, save the session"),
        (chat.Chat, "new_conversation", "new conversation"),
        (tabs.Tabs, "lease", "tab of the conversation"),
        (senders.UiSender, "prepare", "page of the conversation, with the text in it"),
        (senders.UiSender, "_prepare", "wait for its scripts, type"),
        (senders.UiSender, "post", "press"),
        (chat.Chat, "close", "close"),
    ):
        clock.watch(owner, name, what)
    emit = emitter.Emitter.emit
    seen: set[str] = set()

    def note_event(self: Any, event: Any, *args: Any, **more: Any) -> bool:
        name = getattr(event, "name", "")
        if name in ("started", "token", "finished") and name not in seen:
            seen.add(name)
            clock.note(
                {"started": "(request seen)", "token": "(first token)"}.get(name, "(end)"), time.time()
            )
        return emit(self, event, *args, **more)

    emitter.Emitter.emit = note_event  # type: ignore[method-assign]
    run(["ask", "hello"])
    clock.note("all of it", clock.began)
    with open(path, "w") as file:
        json.dump(clock.steps, file)


if __name__ == "__main__":
    ask(sys.argv[1])
