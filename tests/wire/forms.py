"""Bodies of forms, as Chromium writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from huggingchat_agent.wire.multipart import FormPart


def encode_form(parts: Sequence[FormPart], boundary: str) -> bytes:
    """The body of a form. A test holds it against recorded ones."""
    written = ""
    for part in parts:
        written += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quote(part.name)}"'
        if part.filename is not None:
            mime = part.mime or "application/octet-stream"
            written += f'; filename="{_quote(part.filename)}"\r\nContent-Type: {mime}'
        written += f"\r\n\r\n{part.body}\r\n"
    return f"{written}--{boundary}--\r\n".encode()


def _quote(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
