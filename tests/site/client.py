"""A raw HTTP client that signs in at the stand-in the way a browser would, form by form."""

from __future__ import annotations

import asyncio
import html
import io
import json
import re
import ssl
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fixtures.site import StandIn

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
LLAMA = "meta-llama/Llama-3.3-70B-Instruct"


class Turn(NamedTuple):
    """What a send got: the updates without keep-alives, the whole body, and how the connection ended."""

    updates: list[dict[str, Any]]
    body: bytes
    complete: bool

    @property
    def text(self) -> str:
        return "".join(each["token"].rstrip("\0") for each in self.updates if each["type"] == "stream")

    @property
    def last(self) -> dict[str, Any]:
        return self.updates[-1]


def parse(body: bytes) -> list[dict[str, Any]]:
    """The updates of a stream, keep-alives left out."""
    lines = [line.strip() for line in body.decode().split("\n")]
    updates = [json.loads(line) for line in lines if line.endswith("}")]
    return [update for update in updates if update.get("status") != "keepAlive"]


class Reader:
    """An answer to a send that is read bit by bit; `updates` is all that came so far."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._body = bytearray()

    @property
    def updates(self) -> list[dict[str, Any]]:
        return parse(bytes(self._body))

    @property
    def tokens(self) -> list[str]:
        return [each["token"].rstrip("\0") for each in self.updates if each["type"] == "stream"]

    async def until(self, true: Callable[[], bool]) -> None:
        """Read until a condition holds; EOFError if the stream is over before."""
        async with asyncio.timeout(5):
            while not true():
                chunk = await self._response.content.readany()
                if not chunk:
                    raise EOFError
                self._body += chunk

    async def rest(self) -> list[dict[str, Any]]:
        """Read to the end; all updates."""
        self._body += await self._response.read()
        return self.updates


class Client:
    """One browser's worth of cookies at one site."""

    def __init__(self, site: StandIn, http: aiohttp.ClientSession) -> None:
        self.site = site
        self.http = http

    def cookies(self) -> dict[str, str]:
        return {morsel.key: morsel.value for morsel in self.http.cookie_jar}

    async def sign_in(self, password: str | None = None) -> tuple[int, str]:
        """Go through the login, consenting; returns the last status and address."""
        answer = await self.page("GET", f"{self.site.url}/login")
        while answer.has_form and 'action="/' in answer.text:
            fields = answer.form.fields | {
                "username": self.site.username,
                "password": password or self.site.password,
            }
            answer = await self.page("POST", answer.form.action, data=fields)
            if answer.status >= 400:
                break
        return answer.status, answer.address

    async def page(self, method: str, url: str, **options: Any) -> Page:
        """Ask for a page as a browser does, redirects followed."""
        headers = {**BROWSER, "Origin": self.site.origin}
        async with self.http.request(method, url, headers=headers, **options) as response:
            return Page(response.status, str(response.url), await response.text())

    async def get(self, path: str) -> Any:
        async with self.http.get(f"{self.site.url}{path}") as response:
            return await response.json()

    async def read(self, conversation_id: str) -> dict[str, Any]:
        body: dict[str, Any] = (await self.get(f"/api/v2/conversations/{conversation_id}"))["json"]
        return body

    async def post(self, path: str, body: Any = None) -> tuple[int, str]:
        async with self.http.post(f"{self.site.url}{path}", json=body) as response:
            return response.status, await response.text()

    async def create(self, model: str = LLAMA, **more: str) -> tuple[str, str]:
        """A new conversation: its id and that of its root message."""
        status, text = await self.post("/conversation", {"model": model, **more})
        assert status == 200, text
        body = json.loads(text)
        made = body["conversationId"]
        if "conversation" not in body:
            return made, (await self.read(made))["rootMessageId"]
        return made, json.loads(body["conversation"])["json"]["rootMessageId"]

    @asynccontextmanager
    async def sending(
        self, conversation_id: str, data: dict[str, Any], files: list[tuple[str, str, bytes]] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The open answer to a send; leaving early drops the connection."""
        form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
        for name, mime, content in files or []:
            form.add_field("files", io.BytesIO(content), filename=name, content_type=mime)
        form.add_field("data", json.dumps({"generationId": str(uuid.uuid4()), "is_retry": False, **data}))
        url, headers = f"{self.site.url}/conversation/{conversation_id}", {"Origin": self.site.origin}
        async with self.http.post(url, data=form, headers=headers) as response:
            yield response

    async def send(self, conversation_id: str, data: dict[str, Any], **more: Any) -> Turn:
        """Send and read to the end, whatever end that is."""
        body = bytearray()
        async with self.sending(conversation_id, data, **more) as response:
            assert response.status == 200, await response.text()
            try:
                async for chunk in response.content.iter_any():
                    body += chunk
            except aiohttp.ClientPayloadError:
                return Turn(parse(bytes(body)), bytes(body), complete=False)
        return Turn(parse(bytes(body)), bytes(body), complete=True)

    async def ask(self, prompt: str, model: str = LLAMA) -> tuple[str, Turn]:
        """A message in a new conversation: the conversation's id and the turn."""
        conversation_id, root = await self.create(model)
        return conversation_id, await self.send(conversation_id, {"inputs": prompt, "id": root})


class Form(NamedTuple):
    action: str
    fields: dict[str, str]


class Page(NamedTuple):
    status: int
    address: str
    text: str

    @property
    def has_form(self) -> bool:
        return "<form" in self.text

    @property
    def form(self) -> Form:
        """The form on the page with its hidden fields."""
        match = re.search(r"<form[^>]*action=\"([^\"]+)\"", self.text)
        assert match is not None, f"there is no form on {self.address}"
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.text)
        origin = "/".join(self.address.split("/")[:3])
        return Form(origin + html.unescape(match[1]), {name: html.unescape(value) for name, value in hidden})


@asynccontextmanager
async def open_visit(site: StandIn) -> AsyncIterator[Client]:
    """A client nobody signed in with yet."""
    trust = ssl.create_default_context(cadata=site.authority.decode()) if site.authority else True
    connector = aiohttp.TCPConnector(ssl=trust)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, connector=connector) as http:
        yield Client(site, http)


@asynccontextmanager
async def open_signed_in(site: StandIn) -> AsyncIterator[Client]:
    """A client with a session of the site's account."""
    async with open_visit(site) as client:
        assert await client.sign_in() == (200, f"{site.url}/")
        yield client
