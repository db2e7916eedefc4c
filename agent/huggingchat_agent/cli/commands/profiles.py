"""`profiles list` and `profiles remove`."""

from collections.abc import Callable
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from huggingchat_agent.cli import console
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.tables import format_date
from huggingchat_agent.cli.terminal import to_one_line
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state import profiles as stored


def profiles(options: Options) -> None:
    """List and remove profiles: saved sessions, by name.

    Every command takes --profile NAME.
    """


def list_(
    options: Options,
    json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON for each, with all that is known.")
    ] = False,
) -> None:
    """List profiles: for which sites, until when, and which process uses them.

    This reads the disk only. It starts no browser, and asks no app.
    """
    found = stored.list_profiles(make_settings(**options.to_settings()).home)
    if json:
        for each in found:
            console.write_line(
                msgspec.json.encode({**msgspec.structs.asdict(each), "folder": str(each.folder)})
            )
        return
    if not found:
        console.note("There are no profiles yet. `huggingchat login` creates one.")
        return
    table = Table(
        "Profile", "Sites", "Saved", "Until", "In use", box=None, pad_edge=False, header_style="dim"
    )
    for each in found:
        used = f"by process {each.in_use_by}" if each.in_use_by else ""
        table.add_row(
            to_one_line(each.name),
            to_one_line(each.base_url or ", ".join(each.hosts)),
            _describe_saved(each),
            format_date(each.expires),
            used,
        )
    console.out.print(table)


def remove(
    options: Options, name: Annotated[str, typer.Argument(metavar="NAME", help="Which profile to remove.")]
) -> None:
    """Remove a profile and the session in it.

    The session stays good at the app. To end it there too, run `huggingchat logout --profile NAME` first.
    """
    chosen = make_settings(**{**options.to_settings(), "profile": name})
    stored.remove_profile(chosen.home, chosen.profile)
    console.report(f"Profile {name!r} is removed.")


def _describe_saved(profile: stored.Profile) -> str:
    return "damaged" if profile.damaged else format_date(profile.saved)


COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    list_: ("huggingchat profiles list", "huggingchat profiles list --json"),
    remove: ("huggingchat profiles remove work",),
}
