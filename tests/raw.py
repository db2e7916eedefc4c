"""The yardstick: an HTTP client with the browser's cookies that does the same calls as `via="page"`.

Written as one would write it by hand: aiohttp, a line at a time, `json.loads`. Shares no code with
the agent.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Callable


def _hydrate(flat: Any, index: int = 0) -> Any:
    """The value of a flat array, in which numbers refer to other elements; dates as text."""
    raw = flat[index] if index >= 0 else None
    if isinstance(raw, dict):
        return {key: _hydrate(flat, each) for key, each in raw.items() if each != -1}
    if isinstance(raw, list) and raw and isinstance(raw[0], str):
        return raw[1]
    return [_hydrate(flat, each) for each in raw] if isinstance(raw, list) else raw


class Raw:
    """One signed-in client. Close it with `async with`."""

    def __init__(self, base_url: str, cookies: dict[str, str]) -> None:
        self.base_url = base_url
        self.origin = "/".join(base_url.split("/")[:3])
        self._leaves: dict[str, str] = {}
        self.http = aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Raw:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()

    async def user(self) -> Any:
        """The user that the app sees."""
        async with self.http.get(f"{self.base_url}/api/v2/user") as response:
            if "json" in response.content_type:
                return (await response.json())["json"]
        async with self.http.get(f"{self.base_url}/api/user") as response:  # before June 2025
            return await response.json() if response.ok else None

    async def log_out(self) -> None:
        """End the session at the app, as another tab of the same browser could."""
        # Before June 2025 it is the action of a form.
        headers = {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        async with self.http.post(
            f"{self.base_url}/logout", headers=headers, allow_redirects=False
        ) as response:
            assert response.status < 400, response.status

    async def create(self, model: str) -> str:
        async with self.http.post(f"{self.base_url}/conversation", json={"model": model}) as response:
            return str((await response.json())["conversationId"])

    async def read(self, conversation_id: str) -> Any:
        async with self.http.get(f"{self.base_url}/api/v2/conversations/{conversation_id}") as response:
            if "json" in response.content_type:
                return (await response.json())["json"]
        node = (await self._page_data(f"/conversation/{conversation_id}"))[1]
        return {"id": conversation_id, **_hydrate(node["data"])}

    async def status(self, conversation_id: str) -> int:
        async with self.http.get(f"{self.base_url}/api/v2/conversations/{conversation_id}") as response:
            if "html" not in response.content_type:
                return response.status
        return int((await self._page_data(f"/conversation/{conversation_id}"))[1].get("status", 200))

    async def _page_data(self, page: str = "") -> Any:
        """The nodes of a page, as the app of April 2025 sends them."""
        async with self.http.get(f"{self.base_url}{page}/__data.json") as response:
            return json.loads((await response.read()).split(b"\n")[0])["nodes"]

    async def delete(self, conversation_id: str) -> None:
        async with self.http.delete(f"{self.base_url}/conversation/{conversation_id}") as response:
            response.raise_for_status()

    async def list(self, page: int = 0) -> Any:
        """One page of the list, as the app gives it."""
        async with self.http.get(f"{self.base_url}/api/v2/conversations?p={page}") as response:
            return (await response.json())["json"]

    async def save_settings(self, **settings: Any) -> None:
        """All of them: the app resets what is left out."""
        async with self.http.post(f"{self.base_url}/settings", json=settings) as response:
            response.raise_for_status()

    async def settings(self) -> Any:
        async with self.http.get(f"{self.base_url}/api/v2/user/settings") as response:
            if "json" in response.content_type:
                return (await response.json())["json"]
        return _hydrate((await self._page_data())[0]["data"])["settings"]

    async def send(self, conversation_id: str, prompt: str, on_token: Callable[[str], None]) -> None:
        """Send, hand over each token, then read the conversation for what to send next to."""
        leaf = self._leaves.get(conversation_id) or await self._leaf(conversation_id)
        async with self._post(conversation_id, prompt, leaf) as response:
            async for line in response.content:
                update = json.loads(line) if line.strip() else {}
                if update.get("type") == "stream":
                    on_token(update["token"].rstrip("\0"))
        self._leaves[conversation_id] = await self._leaf(conversation_id)

    async def drink(self, conversation_id: str, prompt: str) -> float:
        """Send and throw the answer away unread: what the server alone takes, in seconds."""
        leaf = await self._leaf(conversation_id)
        start = time.perf_counter()
        async with self._post(conversation_id, prompt, leaf) as response:
            async for _ in response.content.iter_any():
                pass
        return time.perf_counter() - start

    async def _leaf(self, conversation_id: str) -> str:
        return str((await self.read(conversation_id))["messages"][-1]["id"])

    def _post(self, conversation_id: str, prompt: str, leaf: str) -> Any:
        data = {
            "inputs": prompt,
            "id": leaf,
            "is_retry": False,
            "is_continue": False,
            "generationId": str(uuid.uuid4()),
        }
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("data", json.dumps(data))
        return self.http.post(
            f"{self.base_url}/conversation/{conversation_id}", data=form, headers={"Origin": self.origin}
        )
