"""`profiles list` and `profiles remove`."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from huggingchat_agent.cli import console
from huggingchat_agent.cli.options import Options
from huggingchat_agent.settings import settings
from huggingchat_agent.state import profiles as stored


def profiles(options: Options) -> None:
    """Saved sessions by name: which there are, and removing one.

    A profile is named by the option --profile, for any command.
    """


def list_(
    options: Options,
    json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each, with all that is known.")
    ] = False,
) -> None:
    """The profiles there are: for which sites, until when, and which process uses them.

    No browser is started and no app is asked: this is what is on the disk.
    """
    found = stored.list_profiles(settings(**options.settings()).home)
    if json:
        for each in found:
            console.write_line(
                msgspec.json.encode({**msgspec.structs.asdict(each), "folder": str(each.folder)})
            )
        return
    if not found:
        console.note("There are no profiles yet. `huggingchat login` makes one.")
        return
    table = Table(
        "Profile", "Sites", "Saved", "Until", "In use", box=None, pad_edge=False, header_style="dim"
    )
    for each in found:
        used = f"by process {each.in_use_by}" if each.in_use_by else ""
        table.add_row(each.name, ", ".join(each.hosts), _saved(each), _date(each.expires), used)
    console.out.print(table)


def remove(
    options: Options, name: Annotated[str, typer.Argument(metavar="NAME", help="Which profile to remove.")]
) -> None:
    """Remove a profile and the session in it.

    The app is not told: to end the session there too, `huggingchat logout --profile NAME` first.
    """
    chosen = settings(**{**options.settings(), "profile": name})
    stored.remove_profile(chosen.home, chosen.profile)
    console.report(f"Profile {name!r} is removed.")


def _saved(profile: stored.Profile) -> str:
    return "damaged" if profile.damaged else _date(profile.saved)


def _date(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if moment else ""


COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    list_: ("huggingchat profiles list", "huggingchat profiles list --json"),
    remove: ("huggingchat profiles remove work",),
}
