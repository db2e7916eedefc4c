"""`login`, `status` and `logout`."""

import datetime
import getpass
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from huggingchat_agent import redact
from huggingchat_agent.chat.chat import get_session
from huggingchat_agent.cli import console, documents, warm
from huggingchat_agent.cli.confirming import make_origin_prompt
from huggingchat_agent.cli.opening import make_login_error, open_any, open_chat
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.session_facts import describe_app, describe_session, repeat_label
from huggingchat_agent.cli.tables import format_date
from huggingchat_agent.errors import AgentError, SiteError, UsageError
from huggingchat_agent.provenance import describe_withheld, explain_withheld
from huggingchat_agent.session.account import Account
from huggingchat_agent.settings import make_settings
from huggingchat_agent.state.storage import SavedSession
from huggingchat_agent.sync import HuggingChat
from huggingchat_agent.sync.handlers import get_inner


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
            help="The one-time code of a second factor. Without it, the terminal asks if the app does, or "
            "HUGGINGCHAT_TOTP_SECRET gives the code.",
        ),
    ] = None,
    cookies: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Sign in with the cookies of another browser: the JSON of an extension, a cookies.txt, an "
            "object of names and values, or a Playwright storage state.",
        ),
    ] = None,
    from_browser: Annotated[
        str | None,
        typer.Option(
            metavar="[NAME[:PROFILE]]",
            help="Sign in with the session of your own browser: chrome, chromium, edge or brave. "
            "Without a name, the one that is signed in.",
        ),
    ] = None,
) -> None:
    """Sign in through the app's own login form, and save the session.

    The terminal asks for the password and does not show it. Or give it on stdin, or in
    HUGGINGCHAT_PASSWORD. It is never saved. No option takes it, because other users of the machine can read
    the options of a command. If the saved session is still good, you need not sign in.

    --from-browser copies the app's cookies from your browser's profile. It opens the copy once, without a
    window or a network, to read them. Then it removes the copy.

    --headed opens a window, and you sign in yourself: for captchas, passkeys, and whatever else needs a
    person. It closes when you are done. On a server without a display, --bind NAME does the same with
    Playwright's tools in another terminal.
    """
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    if password_stdin and not password:
        raise UsageError("There is no password on stdin. Give it on the first line.")
    if cookies is not None and from_browser is not None:
        raise UsageError("--cookies and --from-browser both bring a session. Leave one of the two out.")
    brought = cookies is not None or from_browser is not None
    # The session must be saved, and that of a copied profile is not.
    in_use = options.to_settings().get("profile_in_use", "refuse")
    with open_chat(options, username=username, password=password, profile_in_use=in_use) as chat:
        where = redact.address(chat.settings.base_url)
        account = chat.status()
        if not account.login_offered:
            console.report(f"{where} has no login. You can use it as it is.")
            get_session(get_inner(chat)).remember_app()
            return
        if account.signed_in:
            if username is not None and not brought:
                chat.login(username)  # types nothing; raises an error if the session is another user's
            console.report(f"Already signed in at {where} as {account.username}.")
            console.note(
                "To sign in as another user, run `huggingchat logout` first, or give --profile NAME."
            )
            if not brought:
                return
        if from_browser is not None:
            with console.show_progress("Reading the session of your browser"):
                account = chat.login(from_browser=from_browser)
        elif cookies is not None:
            with console.show_progress(f"Trying the cookies at {where}"):
                account = chat.login(cookies=cookies)
        elif options.to_settings().get("headless") is False:
            console.say(f"Sign in at {where} in the window. It closes when you are done.")
            account = chat.login(by_person=True)
        elif chat.settings.searched:
            console.say(f"Sign in at {where} in your browser, in the tab that opened there.")
            account = chat.login(by_person=True)
        elif chat.settings.bind and chat.settings.password is None:
            _explain_bound(where, chat.settings.bind)
            account = chat.login(by_person=True)
        else:
            username, password = _ask_credentials(chat)
            with console.show_progress(f"Signing in at {where}") as progress:
                account = chat.login(
                    username,
                    password,
                    otp=otp or _make_code_prompt(chat, progress),
                    confirm_origin=make_origin_prompt(chat.settings, progress),
                )
        console.report(f"Signed in at {where} as {account.username}{_format_until(account.expires)}.")
        if chat.settings.session is None:
            console.note(f"The session is saved in {SavedSession(chat.settings.profile_folder).path}.")
        else:
            console.say(
                "HUGGINGCHAT_SESSION is set, so the session is not saved. To save it, unset that first."
            )


def status(
    options: Options,
    json: Annotated[bool, typer.Option("--json", help="Print the account as one JSON object.")] = False,
) -> None:
    """Show who is signed in, where, and until when.

    This asks the app itself, with the saved session. With -v it also shows which browser is used and why,
    and where things are kept. The exit code is 3 if the app has a login and you are not signed in.
    """
    with open_any(options) as chat:
        account = chat.status()
        where = redact.address(chat.settings.base_url)
        if json:
            facts = {**msgspec.structs.asdict(account), "base_url": where, "signed_in": account.signed_in}
            session = {"days_left": account.days_left, "profile": chat.settings.profile}
            documents.write_json({**facts, **session, "base_url_from": chat.settings.provenance.base_url})
        else:
            more = _describe_browser(chat) if options.verbose else []
            _print_account(account, describe_app(chat.settings), more)
        if account.login_offered and not account.signed_in:
            raise make_login_error(chat.settings)


def _print_account(account: Account, where: str, more: list[tuple[str, object]]) -> None:
    nobody = "not signed in" if account.login_offered else "anonymous; the app has no login"
    rows: list[tuple[str, object]] = [("Account", account.username or nobody), ("App", where)]
    if account.signed_in:
        until = format_date(account.expires) if account.expires else "unknown; the app does not say"
        rows.append(("Until", until))
    console.print_facts(rows + more)


def logout(options: Options) -> None:
    """End the session at the app, and remove the saved one.

    The saved session is removed even if the app does not answer.
    """
    chosen = make_settings(**options.to_settings())
    if chosen.replay:
        raise UsageError("HUGGINGCHAT_REPLAY is set: a tape answers, so nobody is signed out. Unset it.")
    saved = SavedSession(chosen.profile_folder)
    where = redact.address(chosen.base_url)
    if chosen.session is None and not saved.path.exists():
        console.report(f"There is no saved session in profile {chosen.profile!r}. Nothing to do.")
        return
    if warm.end(chosen):
        console.note("The warm session has ended.")
    try:
        with open_chat(options) as chat:
            chat.logout()
    except AgentError as error:
        if chosen.session is not None:
            raise
        saved.remove()
        raise SiteError(
            f"The saved session is removed, but {where} did not end it: {error}"
        ) from error.__cause__
    console.report(f"Signed out of {where}.")


def _explain_bound(where: str, name: str) -> None:
    tool = shlex.join([sys.executable, "-m", "playwright", "cli"])
    console.say(f"Sign in at {where} in the browser {name!r}. On this machine, in another terminal:")
    console.say(f"  {tool} attach {name}")
    console.say(f"  {tool} -s={name} snapshot   (then click, fill, press, screenshot, ...)")
    console.say("This command ends when you are signed in.")


def _ask_credentials(chat: HuggingChat) -> tuple[str, str]:
    can_ask = sys.stdin.isatty()
    if can_ask and (withheld := describe_withheld(chat.settings)[0]):
        console.say(withheld)
    username = chat.settings.username
    if username is None:
        if not can_ask:
            raise _make_missing_error(
                chat, "There is no user name.", "Give --username, or set HUGGINGCHAT_USERNAME."
            )
        username = input("User name: ").strip()
    if chat.settings.password is not None:
        return username, chat.settings.password.reveal()
    if not can_ask:
        raise _make_missing_error(
            chat,
            "There is no terminal to ask for the password.",
            "Give it with --password-stdin, or set HUGGINGCHAT_PASSWORD.",
        )
    return username, getpass.getpass(f"Password of {username} (not shown): ")


def _make_missing_error(chat: HuggingChat, message: str, hint: str) -> UsageError:
    error = UsageError(message, hint=hint)
    explain_withheld(chat.settings, error)
    return error


def _make_code_prompt(chat: HuggingChat, progress: console.Progress) -> Callable[[], str] | None:
    """A function that asks for a one-time code at the terminal. None if there is no need, or no terminal."""
    if chat.settings.totp_secret is not None or not sys.stdin.isatty():
        return None

    def ask() -> str:
        with progress.pause():
            return getpass.getpass("One-time code (not shown): ")

    return ask


def _describe_browser(chat: "warm.App") -> list[tuple[str, object]]:
    from huggingchat_agent.browser import abilities, load_engine
    from huggingchat_agent.browser.executable import find_executable
    from huggingchat_agent.browser.persons_browser import find_running
    from huggingchat_agent.browser.sandbox import detect_sandbox

    settings = chat.settings
    found = None if settings.connect else find_executable(settings.browser, settings.channel)
    running = ", ".join(map(str, settings.endpoints))
    if settings.searched:
        running = str(find_running(str(settings.connect)))
    where = f"the one at {running}" if running else "none found"
    box = detect_sandbox()
    can = load_engine(settings.engine).can
    able = [each for each in abilities.ABILITIES if can[each.name]]
    unable = [each for each in abilities.ABILITIES if not can[each.name]]
    version, used = _read_browser(chat)
    return [
        ("Browser", f"{found.path} ({found.origin})" if found else where),
        ("Version", version or "not running"),
        ("Sandbox", "not ours" if settings.connect else f"{'on' if box.on else 'off'}: {box.reason}"),
        ("Engine", settings.engine),
        *repeat_label("Can", [each.meaning for each in able]),
        *repeat_label("Cannot", [each.meaning for each in unable]),
        *repeat_label("Routes", used),
        *describe_session(settings),
    ]


def _read_browser(chat: "warm.App") -> tuple[str, list[str]]:
    """The browser's version, and the route of each request so far that has alternatives."""
    if not isinstance(chat, HuggingChat):
        return chat.client.welcome.browser, chat.describe_routes()
    session = get_session(get_inner(chat))
    return session.browser.version if session.browser else "", session.calls.alternatives.describe()


def _format_until(moment: datetime.datetime | None) -> str:
    return f", until {format_date(moment)}" if moment else ""
