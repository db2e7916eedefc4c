"""Pictures in messages: data URLs, and https addresses that are downloaded before the app is asked."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import TYPE_CHECKING

import msgspec

from huggingchat_agent.serve.question import Picture
from huggingchat_agent.serve.refusals import Refusal

if TYPE_CHECKING:
    from huggingchat_agent.serve.download import Downloader
    from huggingchat_agent.serve.question import Question

MOST = 16  # addresses in a request


def read_picture(url: str, number: int) -> Picture:
    """The picture in a data URL, or at an https address. `number` makes its name. Raises Refusal."""
    if url.startswith("https:"):
        return Picture(f"picture-{number}", url=url)
    if not url.startswith("data:"):
        raise Refusal(
            400,
            "A picture is a data URL (data:image/png;base64,...) or an https address.",
            param="messages",
            code="unsupported_picture",
        )
    head, _, body = url.removeprefix("data:").partition(",")
    mime, *more = head.split(";")
    if "base64" not in more:
        raise Refusal(400, "A data URL must be in base64.", param="messages", code="invalid_picture")
    return decode_picture(mime, body, number)


def decode_picture(mime: str, body: str, number: int) -> Picture:
    """The picture that a text in base64 holds. Raises Refusal."""
    if not mime.startswith("image/"):
        raise Refusal(400, f"A picture has a type such as image/png, not {mime[:40]!r}.", param="messages")
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, "The base64 of a picture cannot be decoded.", param="messages") from None
    return _name(f"picture-{number}", data, mime)


async def load_pictures(question: Question, downloader: Downloader) -> Question:
    """The question with the pictures that have addresses. Raises Refusal."""
    urls = [each.url for message in question.messages for each in message.pictures if each.url]
    if len(urls) > MOST:
        raise Refusal(
            400, f"A request may name {MOST} addresses of pictures, not {len(urls)}.", param="messages"
        )
    if not urls:
        return question
    messages = []
    for message in question.messages:
        pictures = [
            _name(each.name, *await downloader.download(each.url)) if each.url else each
            for each in message.pictures
        ]
        messages.append(msgspec.structs.replace(message, pictures=tuple(pictures)))
    return msgspec.structs.replace(question, messages=tuple(messages))


def _name(name: str, data: bytes, mime: str) -> Picture:
    return Picture(f"{name}{mimetypes.guess_extension(mime) or ''}", data, mime)
