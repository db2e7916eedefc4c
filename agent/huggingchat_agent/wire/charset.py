"""Recovers the bytes of a body from the text that the browser decoded it to.

CDP hands out textual bodies as text. Where the response named no charset, a `text/*` body (other
than HTML, which is sniffed) was decoded from windows-1252 although it is UTF-8. In the browsers'
windows-1252 every byte is a character, so nothing is lost.
"""

from __future__ import annotations

import codecs

# As browsers define it: the five bytes that Python's table leaves out are the C1 controls.
_WINDOWS_1252 = codecs.charmap_build(
    "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256))
)
_READ_AS_WINDOWS_1252 = ("windows-1252", "iso-8859-1", "us-ascii")


def encode(text: str, mime: str, charset: str) -> bytes:
    """The bytes of a body. `charset` is as the browser names it, "" where the response had none."""
    guessed = "windows-1252" if mime.startswith("text/") and mime != "text/html" else "utf-8"
    name = charset.lower() or guessed
    try:
        if name in _READ_AS_WINDOWS_1252:
            return codecs.charmap_encode(text, "strict", _WINDOWS_1252)[0]
        return text.encode(name)
    except (LookupError, ValueError):  # it may name any charset, and some codecs of Python encode no text
        return text.encode("utf-8", "replace")
