"""What the report of a failed test shows, and what the test leaves behind. All of it redacted."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.testing import heard, options
from huggingchat_agent.testing.transcript import timeline, transcript

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from huggingchat_agent.testing.heard import Source


def note(item: pytest.Function, report: pytest.TestReport) -> None:
    """Add our sections to the report of a phase that failed, and leave the files they name."""
    notes = heard.of(item)
    notes.failed = notes.failed or report.failed or report.skipped
    sources = notes.sources
    if not report.failed or not any(source.events for source in sources):
        return
    folder = options.output_folder(item)
    for number, source in enumerate(sources, 1):
        name = "" if len(sources) == 1 else f" {number}"
        said = redact.text(transcript(source.events))
        last = redact.text(timeline(source.events))
        report.sections.append((f"HuggingChat transcript{name}", said))
        report.sections.append((f"HuggingChat events{name}, in seconds since the first", last))
        stem = "huggingchat" if len(sources) == 1 else f"huggingchat-{number}"
        if report.when == "teardown":
            continue  # told before, or nothing of it is left to be pictured
        files = _leave(folder, stem, source, f"{said}\n\n{redact.text(timeline(source.events, None))}")
        if notes.tape is not None and number == 1:
            files.append(f"tape:       {_tape(notes.tape, folder)}")
        report.sections.append((f"HuggingChat files{name}", "\n".join(files)))


def _tape(tape: Path, folder: Path) -> Path:
    """Where the tape is to be found: a copy of the one played; one that is being made comes there later."""
    target = folder / f"huggingchat{tape.suffix}"
    if tape.exists():
        with contextlib.suppress(OSError):
            shutil.copy(tape, target)
            return target
    return tape


def _leave(folder: Path, stem: str, source: Source, text: str) -> list[str]:
    """Write a report and a picture; the lines that tell of them. Nothing in here fails the test again."""
    told = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.txt").write_text(text + "\n", encoding="utf-8")
        told.append(f"report:     {folder / stem}.txt")
    except OSError as error:
        told.append(f"report:     none ({error.strerror})")
    if source.picture is not None:
        path = folder / f"{stem}.png"
        try:
            source.picture(path)
            told.append(f"screenshot: {path}")
        except Exception as error:  # a browser that is gone is most likely what failed the test
            told.append(f"screenshot: none ({redact.text(str(error))})")
    return told
