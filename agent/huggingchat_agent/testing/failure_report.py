"""The report of a failed test, and its files. Both are redacted and printable."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from huggingchat_agent import files, redact
from huggingchat_agent.errors import AgentError, TapeError
from huggingchat_agent.printable import show_marks, strip_controls
from huggingchat_agent.testing import markers, observations, plugin_options
from huggingchat_agent.testing.event_text import format_timeline, format_transcript

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import pytest

    from huggingchat_agent.testing.observations import ObservedChat

_PACKAGE = Path(__file__).parents[1]


@contextlib.contextmanager
def run_step(item: pytest.Function, source: ObservedChat, doing: str) -> Iterator[None]:
    """A step before the test. If it fails, the report names it and has a picture of the page then."""
    try:
        yield
    except Exception as error:  # any failure of the step; it is raised again
        source.doing = doing
        pictured = isinstance(error, AgentError) and error.screenshot is not None
        if not pictured and plugin_options.read_picture_mode(item.config) != "off":
            _take_picture(
                plugin_options.find_output_folder(item),
                _make_stem(observations.get_observations(item).sources, source),
                source,
            )
        raise


def hide_internals(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """End the traceback of our errors where the test called the agent, unless `--full-trace` is given."""
    if call.excinfo is None or item.config.getoption("fulltrace"):
        return
    error = call.excinfo.value
    if isinstance(error, BaseExceptionGroup):
        for each in _list_leaves(error):
            if isinstance(each, AgentError):
                _cut(_list_places(each.__traceback__))
    elif isinstance(error, AgentError):
        places = _list_places(call.excinfo.tb)
        if any(_is_of_project(_find_file(each), item) for each in places):
            _cut(places)
        else:  # a fixture of ours called it
            call.excinfo = type(call.excinfo).from_exc_info((type(error), error, places[-1]))


def _cut(places: list[TracebackType]) -> None:
    """End a traceback before our first function, or after it if that is the beginning."""
    theirs = itertools.takewhile(lambda place: not _find_file(place).is_relative_to(_PACKAGE), places)
    if places:
        places[max(len(list(theirs)) - 1, 0)].tb_next = None


def _is_of_project(path: Path, item: pytest.Item) -> bool:
    if path == item.path:
        return True
    is_installed = path.is_relative_to(_PACKAGE) or "site-packages" in path.parts
    return path.is_relative_to(item.config.rootpath) and not is_installed


def _find_file(place: TracebackType) -> Path:
    return Path(place.tb_frame.f_code.co_filename)


def _list_places(trace: TracebackType | None) -> list[TracebackType]:
    places = []
    while trace is not None:
        places.append(trace)
        trace = trace.tb_next
    return places


def _list_leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _list_leaves(each)
        else:
            yield each


def add_sections(item: pytest.Function, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Add our sections to the report of a failed phase, and write the files that they name."""
    notes = observations.get_observations(item)
    notes.passed = notes.passed or (report.when == "call" and report.passed)
    sources = notes.sources
    folder, pictures = plugin_options.find_output_folder(item), plugin_options.read_picture_mode(item.config)
    if not report.failed:
        if report.when == "call" and notes.passed and pictures == "on":
            for source in sources:
                _take_picture(folder, _make_stem(sources, source), source)
        return
    for number, source in enumerate(sources, 1):
        name = "" if len(sources) == 1 else f" {number}"
        said = _make_safe(format_transcript(source.events))
        if source.doing:
            said = f"{said}\n({source.doing} when it failed.)"
        report.sections.append((f"HuggingChat transcript{name}", said))
        if source.events:
            last = _make_safe(format_timeline(source.events))
            report.sections.append((f"HuggingChat events{name}, in seconds since the first", last))
        if report.when == "teardown":
            continue  # reported before, or already closed
        stem = _make_stem(sources, source)
        lines = [_write_report(folder, stem, f"{said}\n\n{_make_safe(format_timeline(source.events, None))}")]
        if pictures != "off":
            lines += _take_picture(folder, stem, source)
        if notes.tape is not None and number == 1:
            lines.append(f"tape:       {_keep_tape(notes.tape, folder)}")
        if number == 1 and call.excinfo is not None:
            if isinstance(call.excinfo.value, TapeError):
                lines.append(f"record it:  {markers.make_rerun_command(item, 'record')}")
            lines += _keep_error_files(call.excinfo.value, folder, pictures != "off")
        report.sections.append((f"HuggingChat files{name}", "\n".join(lines)))


def _make_safe(text: str) -> str:
    """The text without secrets, and without characters that control a terminal or hide from a reader."""
    return show_marks(strip_controls(redact.text(text)))


def _make_stem(sources: list[ObservedChat], source: ObservedChat) -> str:
    return "huggingchat" if len(sources) == 1 else f"huggingchat-{sources.index(source) + 1}"


def _write_report(folder: Path, stem: str, text: str) -> str:
    """Write the report, and return the line that names it. A failure here does not fail the test again."""
    path = folder / f"{stem}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.write(path, f"{text.rstrip()}\n".encode())
    except OSError as error:
        return f"report:     none ({error.strerror})"
    return f"report:     {path}"


def _take_picture(folder: Path, stem: str, source: ObservedChat) -> list[str]:
    """Write a picture unless there is one already, and return the line that names it."""
    if source.pictured is None and source.picture is not None:
        path = folder / f"{stem}.png"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            source.picture(path)
            source.pictured = path
        except Exception as error:  # the browser may be gone, which most likely failed the test
            return [f"screenshot: none ({_make_safe(str(error))})"]
    return [f"screenshot: {source.pictured}"] if source.pictured is not None else []


def _keep_tape(tape: Path, folder: Path) -> Path:
    """The place of the tape: a copy of the played one. A recorded one moves there later."""
    return _copy(tape, folder / f"huggingchat{tape.suffix}") or tape


def _keep_error_files(error: BaseException, folder: Path, pictures: bool) -> list[str]:
    """Copy the files that an agent's error saved. Their own folder is cleared."""
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
