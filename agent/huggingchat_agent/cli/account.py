"""`login`, `status` and `logout`."""

import datetime
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from huggingchat_agent import redact
from huggingchat_agent.cli import console
from huggingchat_agent.cli.opening import not_signed_in, opened
from huggingchat_agent.cli.options import Options
from huggingchat_agent.errors import AgentError, SiteError, UsageError
from huggingchat_agent.settings import settings
from huggingchat_agent.state.storage import SavedSession
from huggingchat_agent.sync import HuggingChat


def login(
    options: Options,
    username: Annotated[
        str | None,
        typer.Option("--username", "-u", metavar="NAME", help="Who to sign in as (HUGGINGCHAT_USERNAME)."),
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")
    ] = False,
    otp: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="The one-time code of a second factor. Asked for at a terminal where it is needed; computed "
            "where HUGGINGCHAT_TOTP_SECRET is set.",
        ),
    ] = None,
    cookies: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Sign in by the cookies of a browser instead: an extension's JSON, a cookies.txt, an object "
            "of names and values, or a Playwright storage state.",
        ),
    ] = None,
) -> None:
    """Sign in through the app's own login form, and save the session.

    The password is asked for without showing it, or comes from stdin or HUGGINGCHAT_PASSWORD. It is never
    saved, and never an argument: other users of the machine can read those. Where the saved session is
    still good, nothing is asked.

    With --headed it is you who signs in, in a window that opens for that and closes when you are through:
    for captchas, passkeys, and whatever else wants a person.
    """
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    if password_stdin and not password:
        raise UsageError("There was no password on stdin. Give it on the first line.")
    # What is signed in here is to be saved, which a copy of a profile is not.
    in_use = options.settings().get("profile_in_use", "refuse")
    with opened(options, username=username, password=password, profile_in_use=in_use) as chat:
        where = redact.address(chat.settings.base_url)
        account = chat.status()
        if not account.login_offered:
            console.report(f"{where} has no login; it can be used as it is.")
            return
        if account.signed_in:
            if username is not None and cookies is None:
                chat.login(username)  # which types nothing, and says so where it is somebody else's session
            console.report(f"Already signed in at {where} as {account.username}.")
            console.note("To sign in as somebody else: `huggingchat logout` first, or --profile NAME.")
            if cookies is None:
                return
        if cookies is not None:
            with console.progress(f"Trying the cookies at {where}"):
                account = chat.login(cookies=cookies)
        elif options.settings().get("headless") is False:
            console.say(f"Sign in at {where} in the window. It closes by itself when you are through.")
            account = chat.login(by_person=True)
        else:
            username, password = _credentials(chat)
            with console.progress(f"Signing in at {where}") as progress:
                account = chat.login(username, password, otp=otp or _asker(chat, progress))
        console.report(f"Signed in at {where} as {account.username}{_until(account.expires)}.")
        console.note(f"The session is saved in {chat.inner.session.saved.path}.")


def status(options: Options) -> None:
    """Say who is signed in, where, and until when.

    The app itself is asked, with the saved session. With -v also: which browser is used and why, and where
    things are kept. Exit code 3 if the app has a login and we are not signed in.
    """
    with opened(options) as chat:
        account = chat.status()
        nobody = "not signed in" if account.login_offered else "anonymous; the app has no login"
        rows: list[tuple[str, object]] = [
            ("Account", account.username or nobody),
            ("App", redact.address(chat.settings.base_url)),
        ]
        if account.signed_in:
            rows.append(("Until", _date(account.expires) if account.expires else "the app does not say"))
        console.print_facts(rows + (_machinery(chat) if options.verbose else []))
        if account.login_offered and not account.signed_in:
            raise not_signed_in(chat)


def logout(options: Options) -> None:
    """End the session at the app and forget the saved one.

    The saved session is removed even where the app cannot be told.
    """
    chosen = settings(**options.settings())
    if chosen.replay:
        raise UsageError("HUGGINGCHAT_REPLAY is set: a tape answers, so nobody is signed out. Unset it.")
    saved = SavedSession(chosen.profile_folder)
    where = redact.address(chosen.base_url)
    if not saved.path.exists():
        console.report(f"There is no saved session in profile {chosen.profile!r}; nothing to do.")
        return
    try:
        with opened(options) as chat:
            chat.logout()
    except AgentError as error:
        saved.remove()
        raise SiteError(
            f"The saved session is removed, but {where} could not be told to end it: {error}"
        ) from error.__cause__
    console.report(f"Signed out of {where}.")


def _credentials(chat: HuggingChat) -> tuple[str, str]:
    asking = sys.stdin.isatty()
    username = chat.settings.username
    if username is None:
        if not asking:
            raise UsageError("No user name was given. Give --username, or set HUGGINGCHAT_USERNAME.")
        username = input("User name: ").strip()
    if chat.settings.password is not None:
        return username, chat.settings.password.reveal()
    if not asking:
        raise UsageError(
            "There is no terminal to ask for the password at. Give it with --password-stdin, or set "
            "HUGGINGCHAT_PASSWORD."
        )
    return username, getpass.getpass(f"Password of {username} (not shown): ")


def _asker(chat: HuggingChat, progress: console.Progress) -> Callable[[], str] | None:
    """Asks for a one-time code at the terminal; None where there is no need or no terminal."""
    if chat.settings.totp_secret is not None or not sys.stdin.isatty():
        return None

    def ask() -> str:
        with progress.paused():
            return getpass.getpass("One-time code (not shown): ")

    return ask


def _machinery(chat: HuggingChat) -> list[tuple[str, object]]:
    from huggingchat_agent.browser import abilities, load_engine
    from huggingchat_agent.browser.executable import find_executable
    from huggingchat_agent.browser.sandbox import detect_sandbox

    settings = chat.settings
    found = None if settings.connect else find_executable(settings.browser, settings.channel)
    where = f"the one at {redact.address(settings.connect)}" if settings.connect else "none found"
    box = detect_sandbox()
    said = load_engine(settings.engine).can
    able = [each for each in abilities.ABILITIES if said[each.name]]
    unable = [each for each in abilities.ABILITIES if not said[each.name]]
    saved = chat.inner.session.saved.path
    browser = chat.inner.session.browser
    return [
        ("Browser", f"{found.path} ({found.origin})" if found else where),
        ("Version", browser.version if browser else "not running"),
        ("Sandbox", "not ours" if settings.connect else f"{'on' if box.on else 'off'}: {box.reason}"),
        ("Engine", settings.engine),
        *_listed("Can", [each.meaning for each in able]),
        *_listed("Cannot", [each.meaning for each in unable]),
        ("Profile", chat.settings.profile_folder),
        ("Session", f"{saved} ({_saved_when(chat.inner.session.saved)})"),
    ]


def _listed(label: str, lines: list[str]) -> list[tuple[str, object]]:
    """A fact of several lines, the label before the first."""
    return [("" if number else label, line) for number, line in enumerate(lines or ["-"])]


def _saved_when(saved: SavedSession) -> str:
    if not saved.path.exists():
        return "none saved"
    return "saved " + _date(datetime.datetime.fromtimestamp(saved.path.stat().st_mtime, datetime.UTC))


def _until(moment: datetime.datetime | None) -> str:
    return f", until {_date(moment)}" if moment else ""


def _date(moment: datetime.datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
