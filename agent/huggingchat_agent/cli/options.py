"""The options that every command takes, before its name or after it."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from huggingchat_agent.cli import console, failures

PANEL = "Global options, before or after the command"
BROWSER_PANEL = "Which browser, before or after the command"


class Engine(StrEnum):
    """What drives the browser."""

    playwright = "playwright"
    nodriver = "nodriver"


class Via(StrEnum):
    """How a message is sent."""

    auto = "auto"
    ui = "ui"
    page = "page"


class InUse(StrEnum):
    """What to do where somebody else uses the profile."""

    copy = "copy"
    refuse = "refuse"


@dataclasses.dataclass(frozen=True)
class Options:
    """The global options given; None or False where one was not."""

    base_url: str | None = None
    engine: Engine | None = None
    profile: str | None = None
    profile_in_use: InUse | None = None
    headed: bool = False
    connect: str | None = None
    isolated: bool = False
    proxy: str | None = None
    channel: str | None = None
    user_data_dir: str | None = None
    verbose: bool = False

    def over(self, other: "Options") -> "Options":
        """These options where they were given, else the other ones."""
        return Options(**{name: mine or getattr(other, name) for name, mine in vars(self).items()})

    def settings(self) -> dict[str, Any]:
        """As arguments of HuggingChat."""
        return {
            "base_url": self.base_url,
            "engine": self.engine,
            "profile": self.profile,
            "profile_in_use": self.profile_in_use,
            "headless": False if self.headed else None,
            "connect": self.connect,
            "isolated": self.isolated or None,
            "proxy": self.proxy,
            "channel": self.channel,
            "user_data_dir": self.user_data_dir,
        }


def _without_password(proxy: str | None) -> str | None:
    if proxy and "@" in proxy:
        raise typer.BadParameter(
            "a password given here can be read by other users of this machine; set HUGGINGCHAT_PROXY instead."
        )
    return proxy


def given(
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=PANEL,
            help="Where the app is, base path included: https://huggingface.co/chat unless "
            "HUGGINGCHAT_BASE_URL says otherwise.",
        ),
    ] = None,
    engine: Annotated[
        Engine | None,
        typer.Option(rich_help_panel=PANEL, help="What drives the browser (HUGGINGCHAT_ENGINE)."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=PANEL,
            help="Which saved session to use, for several accounts or apps (HUGGINGCHAT_PROFILE).",
        ),
    ] = None,
    profile_in_use: Annotated[
        InUse | None,
        typer.Option(
            rich_help_panel=PANEL,
            help="Where another process uses the profile: work with a copy that is not saved (the default), "
            "or refuse. Also by HUGGINGCHAT_PROFILE_IN_USE",
        ),
    ] = None,
    headed: Annotated[
        bool, typer.Option("--headed", rich_help_panel=PANEL, help="Show the browser's window.")
    ] = False,
    connect: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=BROWSER_PANEL,
            help="Use a browser that runs already, with its own cookies: http://127.0.0.1:9222, or the ws:// "
            "address of a Playwright server (HUGGINGCHAT_CONNECT).",
        ),
    ] = None,
    isolated: Annotated[
        bool,
        typer.Option(
            "--isolated",
            rich_help_panel=BROWSER_PANEL,
            help="With --connect: apart from that browser's cookies (HUGGINGCHAT_ISOLATED).",
        ),
    ] = False,
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=BROWSER_PANEL,
            callback=_without_password,
            help="Reach the network through a proxy. One that wants a password: HUGGINGCHAT_PROXY.",
        ),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=BROWSER_PANEL,
            help="Which installed browser: chrome, msedge, chrome-beta, ... (HUGGINGCHAT_CHANNEL).",
        ),
    ] = None,
    user_data_dir: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            rich_help_panel=BROWSER_PANEL,
            help="Use a profile folder of the browser's own, and leave it in place "
            "(HUGGINGCHAT_USER_DATA_DIR).",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", rich_help_panel=PANEL, help="Say more on stderr while working."),
    ] = False,
) -> Options:
    """The global options as one value. Its parameters are what every command gets added."""
    return Options(
        base_url=base_url,
        engine=engine,
        profile=profile,
        profile_in_use=profile_in_use,
        headed=headed,
        connect=connect,
        isolated=isolated,
        proxy=proxy,
        channel=channel,
        user_data_dir=user_data_dir,
        verbose=verbose,
    )


SHARED = inspect.signature(given).parameters


def with_options(function: Callable[..., None]) -> Callable[..., None]:
    """A command from a function that takes `options` first; the global ones come in addition to its own."""
    own = list(inspect.signature(function).parameters.values())[1:]

    @functools.wraps(function)
    def command(context: typer.Context, **values: Any) -> None:
        options = given(**{name: values.pop(name) for name in SHARED}).over(context.obj or Options())
        context.obj = options  # for the command after this one, if this is what stands before all commands
        console.begin(verbose=options.verbose)
        try:
            function(options, **values)
        except BaseException as error:
            # Told here, not above: typer has ideas of its own about Ctrl-C and closed pipes.
            raise SystemExit(failures.tell(error)) from None

    keyword_only = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("context", keyword_only, annotation=typer.Context),
        *(each.replace(kind=keyword_only) for each in (*own, *SHARED.values())),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    # Paragraphs as single lines: the help breaks them where the terminal ends.
    command.__doc__ = "\n\n".join(" ".join(each.split()) for each in (function.__doc__ or "").split("\n\n"))
    return command


def examples(*lines: str) -> str:
    """The end of a help page."""
    return "\n".join(["[bold]Examples[/bold]", *(f"  [dim]$[/dim] {line}" for line in lines)])
