"""Text from elsewhere, made safe to print: nothing in it controls a terminal or hides from a reader."""

from __future__ import annotations

import json

# Control characters, which a terminal obeys. Line ends and tabs stay.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)])

# Characters that change the display order of those around them, or that nobody sees, so that a name looks
# like another one. The joiners U+200C and U+200D stay: scripts and emoji need them.
_UNSEEN = (
    *(0x061C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2065),
    *range(0x2066, 0x206A),
    *range(0xE0000, 0xE0080),
)
_MARKS = {code: f"<U+{code:04X}>" for code in _UNSEEN}
_ESCAPES = {
    code: json.dumps(chr(code))[1:-1] if code > 127 else f"\\u{code:04x}"
    for code in (*range(127, 160), *_UNSEEN)
}
_BLANKS = dict.fromkeys(_UNSEEN, "_")


def strip_controls(text: str) -> str:
    """The text without control characters."""
    return text.translate(_CONTROLS)


def show_marks(text: str) -> str:
    """The text with visible marks in place of characters that deceive a reader."""
    return text.translate(_MARKS)


def escape_json(text: str) -> str:
    """JSON with escapes in place of those characters, and of control characters: the same value."""
    return text.translate(_ESCAPES)


def blank_marks(text: str) -> str:
    """The text with `_` in place of those characters, for the name of a file."""
    return text.translate(_BLANKS)
