"""Faults, staged on the stand-in behind a proxy, and the outcome of one message sent through each.

A fault strikes at a moment of the stream: the proxy lets the bytes up to there pass, and holds back the rest
until the fault is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import msgspec

from fixtures.site import StandIn
from huggingchat_agent import HuggingChat
from huggingchat_agent.browser import process_tag
from huggingchat_agent.errors import AgentError
from tests.faults.proxy import Proxy
from tests.quick import QUICK
from tests.signed_in import save_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from huggingchat_agent.browser.protocols import Browser
    from huggingchat_agent.chat.reply import Reply
    from huggingchat_agent.choices import Via

COUNT = 40
PROMPT = f"count {COUNT} every 10 in emoji"
TEXT = "".join(f"{number}👍 " for number in range(COUNT)).rstrip()
OUTAGE = 0.7  # seconds that the network is off, or the browser stands still
GONE = 5.0  # seconds until no process of a closed browser may be left
LIMIT = 60.0  # seconds after which a message counts as hung

# What the site has sent when the fault strikes; behind the nth match.
MOMENTS = {
    "before the answer begins": (b"application/jsonl", 1),
    "before the first token": (rb'"status":"started"[^\n]*\n', 1),
    "mid-token": (rb'"token":"', COUNT // 2),
    "mid UTF-8 character": (b"\xf0\x9f", COUNT // 3),
    "before finished": (rb'"type":"finalAnswer"[^\n]*\n', 1),
}


class Outcome(msgspec.Struct, kw_only=True):
    """The outcome of one message. `lost` and `doubled` are characters, and `sent` is how often the app took
    the message. `orphans` are processes that a browser which died then left. `sprung` is false if the answer
    was there before the fault.
    """

    engine: str
    via: str
    fault: str
    moment: str
    right: bool = False
    error: str = ""
    lost: int = 0
    doubled: int = 0
    sent: int = 0
    hung: bool = False
    orphans: int = 0
    sprung: bool = False
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Every character once and in order, or a typed error with the text up to there; sent once."""
        clean = not (self.lost or self.doubled or self.hung or self.orphans) and self.sent <= 1
        return clean and (self.right or bool(self.error))


class Stage:
    """A stand-in, a proxy in front of it, and a chat behind that."""

    def __init__(self, engine: str, home: Path) -> None:
        self.engine = engine
        self.site = StandIn(**QUICK)
        self._home = home
        self._stack = contextlib.AsyncExitStack()
        self._loop = asyncio.get_running_loop()
        # The processes of browsers that ended, and in which message. What outlives a browser has no tag.
        self._ended: list[tuple[list[process_tag.Owner], Outcome | None]] = []
        self._current: Outcome | None = None

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.site)
        self.proxy = self._stack.enter_context(Proxy(self.site.url))
        save_session(self.site, self._home)
        account: dict[str, Any] = {"username": self.site.username, "password": self.site.password}
        chat = HuggingChat(engine=self.engine, base_url=self.proxy.url, home=self._home, **account)
        self.chat = await self._stack.enter_async_context(chat)
        await self.chat.login()
        return self

    async def __aexit__(self, *about: object) -> None:
        self.proxy.reset()
        if self.browser is not None:
            self._note_end()
        await self._stack.aclose()

    @property
    def browser(self) -> Any:
        """The running browser, with the parts that a fault needs."""
        found: Browser | None = self.chat._session.browser
        return found

    def _note_end(self) -> None:
        found = map(process_tag.Owner.of, process_tag.find_processes(self.browser.tag))
        self._ended.append((list(found), self._current))

    def find_orphans(self) -> list[int]:
        """The processes that are left of this chat's browsers 5 s after the end. Outcomes get them too."""
        until = time.monotonic() + GONE
        while any(each.alive for ended, _ in self._ended for each in ended) and time.monotonic() < until:
            time.sleep(0.1)
        found = []
        for ended, outcome in self._ended:
            left = [each.process for each in ended if each.alive]
            found += left
            if outcome is not None:
                outcome.orphans += len(left)
        return found

    async def send(self, via: Via, fault: str, moment: str, *, nth: int = 0) -> Outcome:
        """Send one message whose stream meets the fault at the moment, and wait for the outcome.

        `nth` is the match of the moment's pattern, 0 for its own.
        """
        self.proxy.reset()
        self._current = outcome = Outcome(engine=self.engine, via=via, fault=fault, moment=moment)
        conversation = await self.chat.new_conversation()
        pattern, own = MOMENTS[moment]
        nth = nth or own
        reply = conversation.send(PROMPT, via=via)
        trap = self.proxy.trap(pattern, lambda: FAULTS[fault](self, reply), nth=nth)
        began = time.monotonic()
        text, partial = "", ""
        try:
            async with asyncio.timeout(LIMIT):
                text = (await reply.answer()).text
            outcome.right = text.rstrip() == TEXT
        except AgentError as error:
            outcome.error, partial = type(error).__name__, getattr(error, "partial", "")
        except TimeoutError:
            outcome.hung = True
        outcome.seconds = time.monotonic() - began
        outcome.sprung = trap.sprung.is_set()
        self.proxy.reset()
        streamed = "".join(each.text for each in reply.events if each.name == "token").rstrip()
        for said, whole in ((streamed, outcome.right), ((text or partial).rstrip(), outcome.right)):
            lost, doubled = differ(said, TEXT if whole else TEXT[: len(said)])
            outcome.lost, outcome.doubled = outcome.lost + lost, outcome.doubled + doubled
        accepted = self.site.control.accepted
        outcome.sent = len([each for each in accepted if each["conversation"] == conversation.id])
        return outcome

    def kill_browser(self) -> None:
        """SIGKILL for its main process, as the kernel does when memory runs out."""
        self._note_end()
        kill_main_process(self.browser)

    def kill_driver(self) -> None:
        """Playwright's own process; nodriver has none, and loses its connection."""
        browser = self.browser
        self._note_end()
        if self.engine == "playwright":
            os.kill(browser._driver.pid, signal.SIGKILL)
        else:
            self._loop.call_soon_threadsafe(browser._connection.socket.transport.abort)

    def freeze(self) -> None:
        """Stop the browser's processes for a while, and lose their connections meanwhile."""
        processes = process_tag.find_processes(self.browser.tag)
        for each in processes:
            os.kill(each, signal.SIGSTOP)
        self.proxy.cut()
        time.sleep(OUTAGE)
        for each in processes:
            os.kill(each, signal.SIGCONT)

    def use_page(self, reply: Reply, method: str) -> None:
        """A CDP command without an answer for the page of the turn."""

        async def use() -> None:
            turn = reply._turn
            page: Any = turn and self.chat._session.find_page(turn.page_id)
            if page is not None:
                with contextlib.suppress(AgentError, TimeoutError):
                    async with asyncio.timeout(2):
                        await page._cdp.send(method)

        asyncio.run_coroutine_threadsafe(use(), self._loop).result(timeout=10)


def kill_main_process(browser: Any) -> None:
    """SIGKILL for the main process of a running browser of either engine."""
    main = getattr(browser, "_process", 0) or browser._launched._process.pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(main, signal.SIGKILL)


def _switch_off(stage: Stage, reply: Reply) -> None:
    stage.proxy.refuse()
    time.sleep(OUTAGE)
    stage.proxy.restore()


def _hold(stage: Stage, reply: Reply) -> None:
    stage.proxy.hold()
    time.sleep(OUTAGE)
    stage.proxy.cut()
    stage.proxy.restore()


def _restart(stage: Stage, reply: Reply) -> None:
    stage.site.control.restart()
    _switch_off(stage, reply)


FAULTS: dict[str, Callable[[Stage, Reply], None]] = {
    "connection closed": lambda stage, reply: stage.proxy.cut(reset=False),
    "connection reset": lambda stage, reply: stage.proxy.cut(),
    "network off": _switch_off,
    "network stalled": _hold,
    "server restarted": _restart,
    "page reloaded": lambda stage, reply: stage.use_page(reply, "Page.reload"),
    "tab crashed": lambda stage, reply: stage.use_page(reply, "Page.crash"),
    "browser killed": lambda stage, reply: stage.kill_browser(),
    "browser frozen": lambda stage, reply: stage.freeze(),
    "driver lost": lambda stage, reply: stage.kill_driver(),
}


def differ(said: str, whole: str) -> tuple[int, int]:
    """How many characters of the whole text are missing, and how many there are too many."""
    if said == whole:
        return 0, 0
    lost = doubled = 0
    for kind, a, b, c, d in difflib.SequenceMatcher(None, whole, said, autojunk=False).get_opcodes():
        if kind != "equal":
            lost, doubled = lost + b - a, doubled + d - c
    return lost, doubled
