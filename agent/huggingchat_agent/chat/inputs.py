"""Requests that belong to no conversation: a file from an address, the text of a recording, who pays."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec

from huggingchat_agent import redact
from huggingchat_agent.chat import uploads
from huggingchat_agent.errors import ChatError, FileRejected, PageChanged, UsageError
from huggingchat_agent.site.calls import require_success
from huggingchat_agent.user_text import require_text
from huggingchat_agent.wire import lenient_json, purposes, requests, superjson
from huggingchat_agent.wire.multipart import FormPart
from huggingchat_agent.wire.structs import convert

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from huggingchat_agent.browser.protocols import Upload
    from huggingchat_agent.chat.uploads import Given
    from huggingchat_agent.session.session import Session
    from huggingchat_agent.site.calls import CallResult, Calls
    from huggingchat_agent.wire.requests import Call

PATIENCE = 70.0  # seconds: the app itself gives the address 30, and the transcription 60

LONGEST_AUDIO = 25 * 1024 * 1024  # bytes, as the app has it
_AUDIO: Mapping[str, str] = {
    **{".webm": "audio/webm", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/ogg"},
    **{".wav": "audio/wav", ".flac": "audio/flac", ".mp3": "audio/mpeg", ".m4a": "audio/mp4"},
    ".mp4": "audio/mp4",
}
_ENDINGS = ", ".join(each.removeprefix(".") for each in _AUDIO)
_EXTENDED_NAME = re.compile(r"filename\*=UTF-8''([^;]+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"filename=(?:\"([^\"]*)\"|([^;]*))", re.IGNORECASE)


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """An organization that can pay for answers. `preferred_username` is its name in the preferences."""

    preferred_username: str
    name: str = ""
    extra: dict[str, Any] = {}


class Billing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Who can pay. `current` is the organization that does, "" for the account itself."""

    user_can_pay: bool = False
    organizations: list[Payer] = []
    current: str = msgspec.field(name="currentBillingOrg", default="")
    extra: dict[str, Any] = {}


class Inputs:
    """A part of `Chat`."""

    _session: Session

    def _check_open(self, *, loop_needed: bool = False) -> None:
        raise NotImplementedError

    async def fetch_file(self, url: str) -> Upload:
        """A file from an https address, fetched by the app, for `send(..., files=[file])`.

        The app reads at most 10 MiB, from addresses that are not within its own network. Raises UsageError
        for any other address and if this app cannot fetch, FileRejected if fetching failed.
        """
        url = require_text("The address", url).strip()
        if urlsplit(url).scheme != "https":
            raise UsageError("The app fetches from https addresses only. Give one, or send the file itself.")
        self._check_open()
        request = requests.build(purposes.FetchUrl(url))
        try:
            answer, data = await self._make(request, lambda calls: calls.download(request, timeout=PATIENCE))
        except ChatError as error:
            raise FileRejected(
                f"The app did not fetch {redact.address(url)}. {error.message}", status=error.status
            ) from None
        kind = answer.headers.get("x-forwarded-content-type", "")
        name = _find_name(url, answer.headers)
        return uploads.read([(name, data, kind) if kind else (name, data)])[0]

    async def transcribe(self, audio: Given) -> str:
        """The text of a recording, transcribed by the app; "" if it heard no words.

        `audio` is given like a file for `send`: webm, ogg, wav, flac, mp3 or mp4, of at most 25 MiB. Raises
        FileRejected for any other file, UsageError if the app has no model for speech.
        """
        (file,) = await asyncio.to_thread(uploads.read, [audio], LONGEST_AUDIO)
        mime = _AUDIO.get(PurePosixPath(file.name.lower()).suffix, file.mime)
        if not mime.startswith("audio/"):
            raise FileRejected(f"{file.name!r} is not a recording that the app accepts: {_ENDINGS}.")
        self._check_open()
        body = FormPart("", base64.b64encode(file.data).decode(), "audio", mime)
        request = requests.transcribe(body)

        async def ask(calls: Calls) -> tuple[CallResult, bytes]:
            answer = await calls.call(request, timeout=PATIENCE)
            return answer, answer.body.encode()

        try:
            _, data = await self._make(request, ask)
        except ChatError as error:
            if error.status != 503 or "not configured" not in error.message:
                raise
            raise UsageError("This app cannot transcribe: it has no model for speech.") from None
        raw = lenient_json.load_if_json(data)
        if not isinstance(raw, dict) or not isinstance(raw.get("text"), str):
            raise PageChanged("The app's answer to a recording holds no text.")
        return str(raw["text"])

    async def billing(self) -> Billing:
        """Who can pay for the answers, and who does: `change_preferences(billing_organization=...)`.

        Raises UsageError if the app offers no choice.
        """
        self._check_open()
        return await read_billing(self._session)

    async def _make(
        self, request: Call, ask: Callable[[Calls], Awaitable[tuple[CallResult, bytes]]]
    ) -> tuple[CallResult, bytes]:
        """The answer to a slow request. Raises as `require_success`."""

        async def once() -> tuple[CallResult, bytes]:
            answer, data = await ask(await self._session.calls.open())
            require_success(answer, request)
            return answer, data

        try:
            return await self._session.recovery.guard(once)
        except PageChanged as error:
            raise _explain_missing(self._session, error, request) from None


async def read_billing(session: Session) -> Billing:
    request = requests.build(purposes.ReadBilling())
    try:
        return convert(Billing, superjson.load(await session.ask(request)))
    except PageChanged as error:
        raise _explain_missing(session, error, request) from None
    except ChatError as error:
        if error.status != 404:
            raise
        raise UsageError("Nobody else can pay on this app: it is not HuggingChat.") from None


def _explain_missing(session: Session, error: PageChanged, request: Call) -> PageChanged | UsageError:
    """Apps before June 2025 answer the path of a route that they do not have with a page and status 200."""
    path = request.path.partition("?")[0]
    old = session.calls.alternatives.routes.get(purposes.ReadUser) == "GET /api/user"
    return UsageError(f"This app cannot do that: it has no {path}.") if error.part or old else error


def _find_name(url: str, headers: Mapping[str, str]) -> str:
    """The name that the answer gives the file, else the end of its address, as the app's page has it."""
    given = headers.get("content-disposition", "")
    if match := _EXTENDED_NAME.search(given):
        name = unquote(match[1].strip().strip("'\""))
    elif match := _PLAIN_NAME.search(given):
        name = match[1] or match[2] or ""
    else:
        name = unquote(urlsplit(url).path.rpartition("/")[2])
    return re.split(r"[/\\]", name)[-1].strip() or "attachment"
