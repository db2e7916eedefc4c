"""`doctor`."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text

from huggingchat_agent import redact
from huggingchat_agent.chat.chat import get_session
from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.doctor import leftovers
from huggingchat_agent.doctor.app import COST, Walk
from huggingchat_agent.doctor.evidence import Evidence, check_folder
from huggingchat_agent.doctor.finding import Area, Finding, Report
from huggingchat_agent.doctor.machine import check_machine, make_failure
from huggingchat_agent.errors import AgentError, UsageError
from huggingchat_agent.huggingchat import HuggingChat
from huggingchat_agent.settings import make_settings

_STYLES = {
    "good": "green",
    "note": "cyan",
    "new": "yellow",
    "gone": "red",
    "changed": "yellow",
    "failed": "red",
}
UNSOUND = 1


def doctor(
    options: Options,
    machine: Annotated[
        bool, typer.Option("--machine", help="Check this machine only. Do not contact the app.")
    ] = False,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix",
            help="Only remove what killed runs left behind: our processes, folders and lock notes. It "
            "lists them and asks first.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --fix: do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FOLDER",
            help="Also write the report and the shapes of all answers, without values, into a new folder, "
            "for a bug report.",
        ),
    ] = None,
) -> None:
    """Check this machine and the app, and show what differs from what the agent knows.

    It signs in, reads the lists, and sends one short message in a conversation that it then deletes. The
    table shows what works and by which fallback, what is new in the app, and what is gone.

    The exit code is 0 if all is well, and 1 if anything is new, gone, changed or failed.
    """
    if yes and not fix:
        raise UsageError("--yes goes with --fix.")
    if fix:
        _fix(options, yes=yes)
        return
    if make_settings(**options.to_settings()).replay is not None:
        raise UsageError("The doctor needs a browser and the app, not a tape. Leave out HUGGINGCHAT_REPLAY.")
    check_folder(save)
    if machine and save is not None:
        raise UsageError("--save needs the walk through the app. Leave out --machine.")
    if not machine:
        console.say(COST)
    report = asyncio.run(_examine(options, machine=machine, save=save))
    if json:
        document = {"sound": report.sound, "findings": report.findings}
        documents.write_json(msgspec.to_builtins(document))
    else:
        _print(report)
    if save is not None:
        console.say(f"Wrote {save}. Read it before you send it to anybody.")
    if not report.sound:
        raise SystemExit(UNSOUND)


async def _examine(options: Options, *, machine: bool, save: Path | None) -> Report:
    chosen = make_settings(**options.to_settings())
    found: list[Finding] = []

    async def collect(findings: AsyncIterator[Finding]) -> None:
        async for each in findings:
            found.append(each)

    with console.show_progress("Checking this machine"):
        await collect(check_machine(chosen, start=machine))
    if machine:
        return Report(findings=found)
    chat = HuggingChat(**options.to_settings())
    evidence = Evidence(chat) if save is not None else None
    with console.show_progress(f"Checking {redact.address(chosen.base_url)}"):
        try:
            async with chat:
                browser = get_session(chat).browser
                if browser is not None:
                    found.append(Finding(area="machine", check="browser starts", text=browser.version))
                await collect(Walk(chat).run())
        except AgentError as error:
            found.append(make_failure("opening the app", error))
    report = Report(findings=found)
    if evidence is not None and save is not None:
        evidence.write(save, report, hide=chosen.username or "")
    return report


def _print(report: Report) -> None:
    if sys.stdout.isatty():
        console.out.print(_make_table(report), soft_wrap=False)
        console.out.print()
    else:
        for each in report.findings:
            cells = (each.state, each.check, each.text, each.by, each.shape)
            console.write("\t".join(" ".join(cell.split()) for cell in cells) + "\n")
    for each in report.findings:
        if each.advice and each.state != "good":
            console.say(to_one_line(f"{each.check}: {each.advice}"))
    bad = sum(each.state not in ("good", "note") for each in report.findings)
    plural = "finding needs" if bad == 1 else "findings need"
    console.say(f"{bad} {plural} attention." if bad else "The agent found nothing unexpected.")


def _make_table(report: Report) -> Table:
    table = Table("", "Check", "Found", "By", box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    table.columns[-1].style = "dim"
    for area in get_args(Area):
        for each in report.findings:
            if each.area == area:
                found = Text(to_one_line(each.text))
                found.append(f"  {to_one_line(each.shape)}".rstrip(), style="dim")
                state = Text(each.state, style=_STYLES[each.state])
                table.add_row(state, Text(to_one_line(each.check)), found, Text(to_one_line(each.by)))
        table.add_section()
    return table


def _fix(options: Options, *, yes: bool) -> None:
    home = make_settings(**options.to_settings()).home
    found = leftovers.find_leftovers(home)
    if not found:
        console.report("Nothing is left of earlier runs.")
        return
    for each in found:
        console.report(str(each))
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("There is no terminal to ask at. Give --yes to remove these.")
        if not Confirm.ask(f"Remove these {len(found)}?", console=console.err, default=False):
            return
    gone = sum(leftovers.remove(each, home) for each in found)
    console.report(f"Removed {gone} of {len(found)}.")
