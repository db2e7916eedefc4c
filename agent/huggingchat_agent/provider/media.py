"""Files in the many forms that clients pass, as the name, bytes and media type that the agent sends."""

from __future__ import annotations

import base64
import binascii
import io
import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from huggingchat_agent.provider.errors import make_response_error
from huggingchat_agent.provider.prompts import find_last_messages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from huggingchat_agent.provider.prompts import Messages

File = tuple[str, bytes, str]

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def read_files(media: Iterable[Any] | None, messages: Messages) -> list[File]:
    """The pictures in the user's last messages, then `media`: each a file, or a pair of file and name.

    A file is bytes, a path, a `data:` URI, an open file or an image object with `save`. Raises
    ResponseError for anything else, web addresses included: nothing is downloaded.
    """
    given = [
        (address, None) for message in find_last_messages(messages) for address in _find_pictures(message)
    ]
    for each in media or ():
        given.append((each[0], each[1]) if isinstance(each, tuple | list) else (each, None))
    return [_read_file(data, name, number) for number, (data, name) in enumerate(given, 1)]


def _find_pictures(message: Any) -> Iterable[str]:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") == "image_url":
            address = part.get("image_url")
            yield str(address.get("url") if isinstance(address, dict) else address)


def _read_file(given: Any, name: str | None, number: int) -> File:
    data, mime = _read_bytes(given)
    name = os.path.basename(str(name or _find_own_name(given)))
    if not mime and name:
        mime = mimetypes.guess_type(name)[0] or ""
    if not mime:
        mime = _guess_type(data)
    return name or f"file-{number}{mimetypes.guess_extension(mime) or ''}", data, mime


def _guess_type(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    found = [mime for signature, mime in _SIGNATURES if data.startswith(signature)]
    return found[0] if found else "application/octet-stream"


def _find_own_name(given: Any) -> str:
    if isinstance(given, str):
        return "" if given.startswith("data:") else given
    return str(given) if isinstance(given, os.PathLike) else str(getattr(given, "name", "") or "")


def _read_bytes(given: Any) -> tuple[bytes, str]:
    """The bytes, and the media type if the form gives it, else ""."""
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given), ""
    if isinstance(given, str) and given.startswith("data:"):
        return _from_data_uri(given)
    if isinstance(given, str) and given.startswith(("http://", "https://")):
        raise make_response_error(
            "Pictures on the web are not downloaded. Pass the bytes, or the path of a local copy."
        )
    if isinstance(given, str | os.PathLike):
        try:
            return Path(given).read_bytes(), ""
        except (OSError, ValueError) as error:
            raise make_response_error(f"The file {str(given)[:200]!r} cannot be read: {error}.") from None
    if hasattr(given, "read"):
        content = given.read()
        return content.encode() if isinstance(content, str) else bytes(content), ""
    if hasattr(given, "save"):
        drawn = io.BytesIO()
        given.save(drawn, format="PNG")
        return drawn.getvalue(), "image/png"
    raise make_response_error(
        f"A file must be bytes, a path, a data: URI, an open file or an image, not {type(given).__name__}."
    )


def _from_data_uri(uri: str) -> tuple[bytes, str]:
    head, _, body = uri.removeprefix("data:").partition(",")
    mime = head.partition(";")[0]
    try:
        data = base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    except binascii.Error:
        raise make_response_error(
            "A data: URI says that it is base64, but cannot be decoded. Check its encoding."
        ) from None
    return data, mime
