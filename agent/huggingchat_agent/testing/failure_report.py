"""What the report of a failed test shows, and what the test leaves behind. All of it redacted."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from huggingchat_agent import redact
from huggingchat_agent.errors import AgentError, TapeError
from huggingchat_agent.testing import markers, observations, plugin_options
from huggingchat_agent.testing.transcript import timeline, transcript

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from huggingchat_agent.testing.observations import Source


@contextlib.contextmanager
def step(item: pytest.Function, source: Source, doing: str) -> Iterator[None]:
    """A step before the test. If it fails, the report says so, with a picture of what is closed by then."""
    try:
        yield
    except Exception as error:
        source.doing = doing
        pictured = isinstance(error, AgentError) and error.screenshot is not None
        if not pictured and plugin_options.pictures(item.config) != "off":
            _picture(plugin_options.output_folder(item), _stem(observations.of(item).sources, source), source)
        raise


def note(item: pytest.Function, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Add our sections to the report of a phase that failed, and leave the files they name."""
    notes = observations.of(item)
    notes.passed = notes.passed or (report.when == "call" and report.passed)
    sources = notes.sources
    folder, pictures = plugin_options.output_folder(item), plugin_options.pictures(item.config)
    if not report.failed:
        if report.when == "call" and notes.passed and pictures == "on":
            for source in sources:
                _picture(folder, _stem(sources, source), source)
        return
    for number, source in enumerate(sources, 1):
        name = "" if len(sources) == 1 else f" {number}"
        said = redact.text(transcript(source.events))
        if source.doing:
            said = f"{said}\n({source.doing} when it failed.)"
        report.sections.append((f"HuggingChat transcript{name}", said))
        if source.events:
            last = redact.text(timeline(source.events))
            report.sections.append((f"HuggingChat events{name}, in seconds since the first", last))
        if report.when == "teardown":
            continue  # told before, or nothing of it is left to be pictured
        stem = _stem(sources, source)
        files = [_write(folder, stem, f"{said}\n\n{redact.text(timeline(source.events, None))}")]
        if pictures != "off":
            files += _picture(folder, stem, source)
        if notes.tape is not None and number == 1:
            files.append(f"tape:       {_tape(notes.tape, folder)}")
        if number == 1 and call.excinfo is not None:
            if isinstance(call.excinfo.value, TapeError):
                files.append(f"made anew:  {markers.command(item, 'record')}")
            files += _left_by(call.excinfo.value, folder, pictures != "off")
        report.sections.append((f"HuggingChat files{name}", "\n".join(files)))


def _stem(sources: list[Source], source: Source) -> str:
    return "huggingchat" if len(sources) == 1 else f"huggingchat-{sources.index(source) + 1}"


def _write(folder: Path, stem: str, text: str) -> str:
    """Write the report; the line that tells of it. Nothing in here fails the test again."""
    path = folder / f"{stem}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text.rstrip() + "\n", encoding="utf-8")
    except OSError as error:
        return f"report:     none ({error.strerror})"
    return f"report:     {path}"


def _picture(folder: Path, stem: str, source: Source) -> list[str]:
    """Write a picture, unless there is one already; the line that tells of it."""
    if source.pictured is None and source.picture is not None:
        path = folder / f"{stem}.png"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            source.picture(path)
            source.pictured = path
        except Exception as error:  # a browser that is gone is most likely what failed the test
            return [f"screenshot: none ({redact.text(str(error))})"]
    return [f"screenshot: {source.pictured}"] if source.pictured is not None else []


def _tape(tape: Path, folder: Path) -> Path:
    """Where the tape is to be found: a copy of the one played; one that is being made comes there later."""
    return _copy(tape, folder / f"huggingchat{tape.suffix}") or tape


def _left_by(error: BaseException, folder: Path, pictures: bool) -> list[str]:
    """What an error of the agent pictured when it was raised, which lies in a folder that is cleared."""
    if not isinstance(error, AgentError):
        return []
    found = (("at error:  ", error.screenshot if pictures else None), ("page tree: ", error.snapshot))
    copies = [
        (label, _copy(path, folder / f"huggingchat-error{path.suffix}"))
        for label, path in found
        if path is not None
    ]
    return [f"{label} {path}" for label, path in copies if path is not None]


def _copy(source: Path, target: Path) -> Path | None:
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        return target
    return None
