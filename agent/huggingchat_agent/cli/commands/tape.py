"""`tape show`, `tape har` and `tape report`: the contents of a tape."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.tables import write_lines
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.errors import UsageError
from huggingchat_agent.tape.har import make_har
from huggingchat_agent.tape.reader import Tape
from huggingchat_agent.tape.summary import Summary, summarize
from huggingchat_agent.tape.timeline import Line, make_timeline

File = Annotated[Path, typer.Argument(metavar="FILE", help="The tape.")]

Force = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]

_STYLES = {"turn": "bold", "trouble": "red", "request": "", "static": "dim", "console": "cyan", "note": "dim"}


def show(
    options: Options,
    file: File,
    json_: Annotated[
        bool, typer.Option("--json", help="Print the records, one line of JSON each, header first.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List static files (scripts, styles, pictures) one by one.")
    ] = False,
) -> None:
    """Show what happened on a tape, line by line, with the time since its beginning.

    A pipe gets the time, what happened and the details, separated by tabs. If the tape breaks off, this
    shows everything up to there, and the exit code is 1.
    """
    tape = Tape(file)
    if json_:
        _print_records(tape)
        return
    found = _read(tape)
    rows = make_timeline(found, fold=not everything)
    if not console.out.is_terminal:
        write_lines((f"{line.at:.3f}", line.what, line.detail) for line in rows)
    else:
        _print_table(found, rows)
    if found.recording.trouble is not None:
        raise found.recording.trouble


def report(
    options: Options,
    file: File,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write. Default: FILE.html."),
    ] = None,
    force: Force = False,
) -> None:
    """Write a tape as one HTML file that opens in any browser, without a network.

    Errors come first, then the conversation with screenshots, the speed of its tokens, and all requests on a
    timeline.
    """
    from huggingchat_agent.tape.report import render_report as page

    _convert(file, output, ".html", page, force=force)


def har_(
    options: Options,
    file: File,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write. Default: FILE.har.")
    ] = None,
    force: Force = False,
) -> None:
    """Write a tape as an HTTP archive (HAR 1.2), which browsers' developer tools and others open."""
    _convert(file, output, ".har", _format_har, force=force)


def tape(options: Options) -> None:
    """Look at a recorded tape."""


COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    show: ("huggingchat tape show run.tape", "huggingchat tape show --json run.tape | jq -r .type"),
    report: ("huggingchat tape report run.tape", "huggingchat tape report run.tape -o /tmp/report.html"),
    har_: ("huggingchat tape har run.tape",),
}


def _read(tape: Tape) -> Summary:
    found = summarize(tape.load())
    if not found.recording.complete and found.recording.trouble is None:
        console.warn("the tape is incomplete: the program that recorded it ended before it closed the tape.")
    return found


def _print_table(found: Summary, rows: list[Line]) -> None:
    header = found.recording.header
    about = to_one_line(f"{header.begun}  {found.browser}")
    console.out.print(Text.assemble((to_one_line(header.base_url), "bold"), f"  {about}"))
    table = Table(box=None, show_header=False, padding=(0, 1), expand=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(overflow="fold", ratio=3)
    table.add_column(overflow="fold", ratio=2, style="dim")
    for line in rows:
        what = Text(to_one_line(line.what), style=_STYLES[line.kind])
        table.add_row(f"{line.at:.3f}", what, Text(to_one_line(line.detail)))
    console.out.print(table)
    for at, text in found.troubles:
        console.out.print(Text(to_one_line(f"{at:.3f} s: {text}"), style="red"))


def _print_records(tape: Tape) -> None:
    import msgspec

    console.write_line(msgspec.json.encode(tape.header))
    for record in tape.read_records():
        console.write_line(msgspec.json.encode(record))


def _choose_output(tape: Tape, named: Path | None, suffix: str, *, force: bool) -> Path:
    """The file to write to, which is never the tape. Raises UsageError."""
    path = named or tape.path.with_suffix(suffix)
    if path.exists() and path.samefile(tape.path):
        raise UsageError(f"{path} is the tape itself. Name another file with --output.")
    documents.check_writable(path, force=force)
    return path


def _convert(
    file: Path, output: Path | None, suffix: str, render: Callable[[Summary], str], *, force: bool
) -> None:
    """Write the tape in another form, and print where. A tape that breaks off is an error after that."""
    tape = Tape(file)
    where = _choose_output(tape, output, suffix, force=force)
    found = _read(tape)
    # As private as the tape: it holds the conversation.
    documents.write_file(where, render(found), private=True)
    console.out.print(str(where))
    if found.recording.trouble is not None:
        raise found.recording.trouble


def _format_har(found: Summary) -> str:
    return json.dumps(make_har(found), ensure_ascii=False, indent=1)
