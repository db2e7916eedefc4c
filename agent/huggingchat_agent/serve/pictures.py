"""Pictures in messages: data URLs, and nothing from the network."""

from __future__ import annotations

import base64
import binascii
import mimetypes

from huggingchat_agent.serve.question import Picture
from huggingchat_agent.serve.refusals import Refusal


def read_data_url(url: str, number: int) -> Picture:
    """The picture in a data URL. `number` makes its name. Raises Refusal for any other address."""
    if not url.startswith("data:"):
        raise Refusal(
            400,
            "A picture must be a data URL (data:image/png;base64,...). This server downloads no address.",
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
    return Picture(f"picture-{number}{mimetypes.guess_extension(mime) or ''}", data, mime)
