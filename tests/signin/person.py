"""Somebody at the browser's window: a second client of its debugging port, that looks, types and clicks."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

T = TypeVar("T")

PATIENCE = 40.0  # seconds


class Person:
    """Sits down at the tab that shows a site. Use it as `async with`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._http = aiohttp.ClientSession()
        self._numbers = itertools.count(1)
        self._tab = ""
        self._line: aiohttp.ClientWebSocketResponse

    async def __aenter__(self) -> Person:
        tab = await _wait_for(self._shown)
        self._tab = tab["id"]
        self._line = await self._http.ws_connect(tab["webSocketDebuggerUrl"])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def types(self, where: str, text: str) -> None:
        """Click on the field when it is there, and type."""
        await self.clicks(where)
        await self._tell("Input.insertText", text=text)

    async def clicks(self, where: str) -> None:
        """Click in the middle of an element when it is there."""
        spot = await _wait_for(lambda: self._find(where))
        for kind in ("mousePressed", "mouseReleased"):
            await self._tell("Input.dispatchMouseEvent", type=kind, **spot, button="left", clickCount=1)

    async def closes_the_tab(self) -> None:
        await self._http.get(f"http://127.0.0.1:{self._port}/json/close/{self._tab}")

    async def closes_the_browser(self) -> None:
        await self._tell("Browser.close")

    async def _shown(self) -> dict[str, Any] | None:
        try:
            async with self._http.get(f"http://127.0.0.1:{self._port}/json/list") as answer:
                tabs = await answer.json(content_type=None)
        except aiohttp.ClientError:
            return None  # the browser is not up yet
        return next((each for each in tabs if each["type"] == "page" and "/login" in each["url"]), None)

    async def _find(self, where: str) -> dict[str, float] | None:
        script = f"""(() => {{
          const box = document.querySelector({json.dumps(where)})?.getBoundingClientRect();
          return box && document.readyState === "complete" && box.height
            ? {{ x: box.x + box.width / 2, y: box.y + box.height / 2 }} : null;
        }})()"""
        reply = await self._tell("Runtime.evaluate", expression=script, returnByValue=True)
        found: dict[str, float] | None = reply.get("result", {}).get("result", {}).get("value")
        return found

    async def _tell(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._line.send_json({"id": number, "method": method, "params": params})
        async for message in self._line:
            reply: dict[str, Any] = json.loads(message.data)
            if reply.get("id") == number:
                return reply
        return {}  # the browser is gone


async def _wait_for(look: Callable[[], Awaitable[T | None]]) -> T:
    """What is found when it is there; the port tells nobody of that, so we look again and again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.05)
