"""The body of a sent message: a form with the message as JSON, and its files."""

from __future__ import annotations

import base64
import re
from typing import Any

import msgspec

from huggingchat_agent.wire import lenient_json


class FormPart(msgspec.Struct, frozen=True):
    """One part of a multipart form. A part with a `filename` is a file, of media type `mime`."""

    name: str
    body: str
    filename: str | None = None
    mime: str = ""


def encode_file(name: str, mime: str, data: bytes) -> FormPart:
    """A file to send with a message."""
    return FormPart("files", base64.b64encode(data).decode(), f"base64;{name}", mime)


def refer_to_file(name: str, mime: str, sha: str) -> FormPart:
    """A file the conversation already holds under `sha`, to send again."""
    return FormPart("files", sha, f"hash;{name}", mime)


def parse_send_fields(body: bytes | None, content_type: str) -> dict[str, Any] | None:
    """The `data` of a sent message: `inputs`, `id`, `is_retry`, `generationId` and so on.

    None where the body is missing, cut off before its end, or not such a message.
    """
    if body is None:
        return None
    if content_type.startswith("application/json"):  # before 2024-06
        return _parse_object(body)
    boundary = re.search(r'boundary="?([^";,\s]+)', content_type)
    if boundary is None:
        return None
    for part in body.split(b"--" + boundary[1].encode()):
        head, separator, content = part.partition(b"\r\n\r\n")
        if separator and b'name="data"' in head:
            return _parse_object(content)
    return None


def has_files(body: bytes | None) -> bool:
    """Whether a sent message has files. Browsers give no body that holds one, so without a body it may."""
    return body is None or b'name="files"; filename="' in body


def _parse_object(text: bytes) -> dict[str, Any] | None:
    value = lenient_json.load_if_json(text)
    return value if isinstance(value, dict) else None
