"""The options that every command takes, before its name or after it. They come from the settings."""

import functools
import inspect
import types
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Literal, get_origin

import typer

from huggingchat_agent import environment
from huggingchat_agent.cli import console, error_output
from huggingchat_agent.endpoint import Endpoint
from huggingchat_agent.setting_field import Field
from huggingchat_agent.settings import read_fields

_PANELS = {
    "global": "Global options, before or after the command",
    "browser": "Which browser, before or after the command",
}
_CHOSEN = {name: (kind, field) for name, (kind, field) in read_fields().items() if field.panel}


class Options:
    """The global options of a command line: `verbose`, and the settings that it sets."""

    def __init__(self, chosen: dict[str, Any] | None = None, *, verbose: bool = False) -> None:
        self._chosen, self.verbose = chosen or {}, verbose

    def merge_over(self, other: "Options") -> "Options":
        """These options, filled up with the other ones."""
        return Options(other._chosen | self._chosen, verbose=self.verbose or other.verbose)

    def to_settings(self) -> dict[str, Any]:
        """As arguments of HuggingChat."""
        return dict(self._chosen)


def _refuse_password(proxy: str | None) -> str | None:
    if proxy and "@" in proxy:
        raise _make_refusal("password", "proxy")
    return proxy


def _refuse_token(connect: list[str] | None) -> list[str] | None:
    with suppress(ValueError):  # the settings say what is wrong with an address
        if any(Endpoint(each).holds_secret for each in connect or ()):
            raise _make_refusal("token", "connect")
    return connect


def _make_refusal(what: str, name: str) -> typer.BadParameter:
    variable = environment.name_variable(name)
    return typer.BadParameter(
        f"other users of this machine can read a {what} given here. Set {variable} instead."
    )


_CHECKS: dict[str, Callable[[Any], Any]] = {"proxy": _refuse_password, "connect": _refuse_token}


def _make_option(name: str, kind: Any, field: Field) -> inspect.Parameter:
    """The option of a setting. Its value is None if it is not given."""
    text = (field.shell_help or field.help) + (" Can be given several times." if field.several else "")
    variable = environment.name_variable(field.opposite or name) if field.variable else ""
    option = typer.Option(
        field.name_option(name),
        metavar=field.metavar,
        rich_help_panel=_PANELS[field.panel],
        callback=_CHECKS.get(name),
        help=text if variable in text else f"{text.rstrip('.')} ({variable}).",
    )
    given: Any = kind if kind is bool or get_origin(kind) is Literal else str
    if field.several:
        given = list[str]
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[given | None, option]
    )


_VERBOSE = inspect.Parameter(
    "verbose",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", rich_help_panel=_PANELS["global"], help="Say more on stderr while working."
        ),
    ],
)

SHARED = types.MappingProxyType(
    {name: _make_option(name, kind, field) for name, (kind, field) in _CHOSEN.items()} | {"verbose": _VERBOSE}
)


def _read(values: dict[str, Any]) -> Options:
    """Take the global options out of a command's values."""
    verbose = values.pop("verbose")
    chosen = {name: values.pop(name) for name in _CHOSEN}
    return Options(
        {
            name: not value if read_fields()[name][1].opposite else value
            for name, value in chosen.items()
            if value not in (None, "", [], ())
        },
        verbose=verbose,
    )


def add_options(function: Callable[..., None]) -> Callable[..., None]:
    """A command from a function that takes `options` first. It gets the global options besides its own."""
    own = list(inspect.signature(function).parameters.values())[1:]

    @functools.wraps(function)
    def command(context: typer.Context, **values: Any) -> None:
        options = _read(values).merge_over(context.obj or Options())
        context.obj = options  # for the command that follows, if this is the part before all commands
        console.begin(verbose=options.verbose)
        try:
            function(options, **values)
        except BaseException as error:
            # Report here, not above: typer handles Ctrl-C and closed pipes differently.
            raise SystemExit(error_output.tell(error)) from None

    keyword_only = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("context", keyword_only, annotation=typer.Context),
        *(each.replace(kind=keyword_only) for each in (*own, *SHARED.values())),
    ]
    # typer reads this, and mypy knows no such attribute of a function.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    # One line for each paragraph: the help wraps them at the terminal's width.
    command.__doc__ = "\n\n".join(" ".join(each.split()) for each in (function.__doc__ or "").split("\n\n"))
    return command


def format_examples(*lines: str) -> str:
    """The end of a help page."""
    return "\n".join(["[bold]Examples[/bold]", *(f"  [dim]$[/dim] {line}" for line in lines)])
