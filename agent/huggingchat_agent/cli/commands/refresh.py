"""`refresh`."""

from pathlib import Path
from typing import Annotated

import typer

from huggingchat_agent import redact
from huggingchat_agent.cli import console
from huggingchat_agent.cli.opening import make_login_error, open_chat
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.tables import format_date
from huggingchat_agent.errors import SessionRejected
from huggingchat_agent.session.account import Account


def refresh(
    options: Options,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing if all is well.")] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Also write the renewed session to a file, for HUGGINGCHAT_SESSION. Only you can read it.",
        ),
    ] = None,
) -> None:
    """Have the app renew its session cookie, so that the session does not end for lack of use.

    Reading does not renew it; each message does. Run this from cron for a profile that sends none for two
    weeks. Nothing is typed and no conversation is changed. The exit code is 3 if the session has ended.
    """
    in_use = options.to_settings().get("profile_in_use", "refuse")  # a copy would not be saved
    with open_chat(options, profile_in_use=in_use) as chat:
        try:
            with console.show_progress("Renewing the session"):
                account = chat.refresh()
        except SessionRejected:
            raise make_login_error(chat.settings) from None
        if export is not None:
            chat.export_cookies(export)
        if not quiet:
            where = redact.address(chat.settings.base_url)
            console.report(f"The session at {where} is renewed{describe_end(account)}.")


def describe_end(account: Account) -> str:
    """How long the session lasts, as the end of a sentence."""
    if account.expires is None or account.days_left is None:
        return ""
    return f": {account.days_left:g} days left, until {format_date(account.expires)}"
