"""Opens a HuggingChat for a command, signs in, and closes it whatever happens."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from huggingchat_agent import redact
from huggingchat_agent.cli.console import note, say, show_progress
from huggingchat_agent.cli.interrupts import watch_interrupts
from huggingchat_agent.cli.warm import find_warm
from huggingchat_agent.errors import LoginError
from huggingchat_agent.provenance import explain_withheld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from huggingchat_agent.cli.options import Options
    from huggingchat_agent.cli.warm import App
    from huggingchat_agent.session.account import Account
    from huggingchat_agent.settings import Settings
    from huggingchat_agent.sync import HuggingChat


@contextlib.contextmanager
def open_chat(options: Options, **more: Any) -> Iterator[HuggingChat]:
    """An open HuggingChat with these options; `more` are further settings.

    A second Ctrl-C ends the process at once, unless the caller has its own `watch_interrupts`.
    """
    from huggingchat_agent.sync import HuggingChat

    chat = HuggingChat(**{**options.to_settings(), **more})
    tape = chat.settings.replay
    if tape is not None:
        say(f"A tape answers, not the app: {tape}")
    if chat.settings.searched and tape is None:
        from huggingchat_agent.browser.persons_browser import find_running

        say(f"Connecting to {find_running(str(chat.settings.connect))}. Press Allow there if it asks.")
    with watch_interrupts(), contextlib.ExitStack() as end:
        end.push(chat)
        where = f"{redact.address(chat.settings.base_url)} in a browser" if tape is None else "the tape"
        with show_progress(f"Opening {where}"):
            chat.open()
        yield chat


def sign_in(chat: HuggingChat) -> Account:
    """Sign in without asking: with the saved session, or the credentials of the environment."""
    with show_progress("Signing in"), explain_login(chat.settings):
        account = chat.login()
    if account.signed_in:
        note(f"Signed in as {account.username}.")
    return account


@contextlib.contextmanager
def open_any(options: Options, *, signed_in: bool = False, **more: Any) -> Iterator[App]:
    """The HuggingChat of the warm session, or one of our own by `open_chat`. A warm one is signed in."""
    warm = find_warm({**options.to_settings(), **more})
    if warm is not None:
        with watch_interrupts(), warm:
            yield warm
        return
    with open_chat(options, **more) as chat:
        if signed_in:
            sign_in(chat)
        yield chat


def open_signed_in(options: Options, **more: Any) -> AbstractContextManager[App]:
    """As `open_any`, and signed in by `sign_in`."""
    return open_any(options, signed_in=True, **more)


@contextlib.contextmanager
def explain_login(settings: Settings) -> Iterator[None]:
    """Say what to do where there is neither a session nor a password."""
    try:
        yield
    except LoginError as error:
        if type(error) is not LoginError or (settings.username and settings.password):
            raise
        failure = make_login_error(settings)
        failure.screenshot, failure.snapshot = error.screenshot, error.snapshot
        raise failure from None


def make_login_error(settings: Settings) -> LoginError:
    """The message for a user without a session."""
    where = redact.address(settings.base_url)
    if settings.session is not None:
        return LoginError(
            f"{where} does not accept the session in HUGGINGCHAT_SESSION: it has ended, or it is of another "
            "app. Sign in with `huggingchat login`, and write another one with `huggingchat cookies export`."
        )
    advice = "Run `huggingchat login`, or set HUGGINGCHAT_USERNAME and HUGGINGCHAT_PASSWORD."
    error = LoginError(f"Not signed in at {where}.", hint=advice)
    explain_withheld(settings, error)
    return error
