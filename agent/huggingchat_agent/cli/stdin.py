"""Text from stdin: the whole prompt, or an addition to one."""

from __future__ import annotations

import os
import select
import stat
import sys

from huggingchat_agent.cli import console

# Seconds. A pipe that is silent for longer is probably one that a service manager left open.
PATIENCE = 1.0


def read_all() -> str:
    """All of stdin, as UTF-8, without a byte order mark."""
    return sys.stdin.read()


def read_piped_text() -> str:
    """All of stdin if that is a pipe or a file. At a terminal nobody types a prompt without being asked."""
    return "" if sys.stdin.isatty() else read_all()


def add_piped_text(prompt: str) -> str:
    """The prompt, a blank line and the text on stdin, if there is any. Says on stderr how much that is."""
    text = read_all() if _has_text() else ""
    if not text.strip():
        return prompt
    count = len(text)
    console.say(f"{count:,} character{'' if count == 1 else 's'} from stdin go with the prompt.")
    return f"{prompt}\n\n{text}"


def _has_text() -> bool:
    """Whether stdin is a pipe with data, or a file that nobody has read from."""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISREG(mode):
            # A shell loop around us that reads lines from it needs the other lines itself.
            return os.lseek(descriptor, 0, os.SEEK_CUR) == 0
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return False
        if select.select([descriptor], [], [], PATIENCE)[0]:
            return True
    except (OSError, ValueError):  # closed, or not a file of the system
        return False
    console.note(f"Nothing came on stdin within {PATIENCE:g} s. The prompt is sent alone.")
    return False
