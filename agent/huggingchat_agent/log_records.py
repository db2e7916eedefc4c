"""Makes log records safe for every handler of the program: they hold text from the app."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("huggingchat_agent")


def clean(record: logging.LogRecord) -> bool:
    """For a logger's filters: take secrets and terminal codes out of the record. It always passes.

    The traceback keeps the source lines of the program, so only terminal codes are taken out of it.
    """
    arguments = record.args
    if isinstance(arguments, Mapping):
        record.args = {name: _clean_value(value) for name, value in arguments.items()}
    elif arguments:
        record.args = tuple(_clean_value(value) for value in arguments)
    if record.exc_info and record.exc_info[1] is not None and not record.exc_text:
        # Formatters use this text if it is there.
        record.exc_text = _make_printable(logging.Formatter().formatException(record.exc_info))
    return True


def keep_off_terminal(library: str) -> None:
    """Python prints a library's warnings on stderr where a program has no log. Leave these out."""
    logging.getLogger(library).addHandler(logging.NullHandler())


def _clean_value(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    from huggingchat_agent import redact

    return _make_printable(redact.text(str(value)))


def _make_printable(text: str) -> str:
    from huggingchat_agent.printable import show_marks, strip_controls

    return show_marks(strip_controls(text))


log.addFilter(clean)
