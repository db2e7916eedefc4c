"""docs/cli.md, from the commands themselves.

python -m tests.cli.reference > docs/cli.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import typer
from rich.text import Text

from huggingchat_agent import environment
from huggingchat_agent.cli.app import app
from huggingchat_agent.cli.options import SHARED
from huggingchat_agent.settings import read_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from huggingchat_agent.setting_field import Field

HEAD = """\
# The command line

<!-- Written by `python -m tests.cli.reference > docs/cli.md`; a test compares. -->
"""

TAIL = """\
## What exit codes mean

The exit code is 2 if an option, an argument or a setting has a value that is not allowed, or if a file exists
and you did not give `--force`. It is 1 if a file is missing, cannot be read or written, or is of the wrong
kind.

## The warm session

`huggingchat serve --background` keeps a signed-in browser open for the other commands of that profile. With
`HUGGINGCHAT_WARM=1` the first command starts one by itself; with `HUGGINGCHAT_WARM=0` a command uses none.
It ends after `HUGGINGCHAT_WARM_IDLE` minutes without a command. See [doors.md](doors.md).

## Completion

`huggingchat --install-completion` adds completion to your shell (bash, zsh, fish, PowerShell);
`--show-completion` prints it instead. `huggingchat --version` prints the version.

## Environment

Settings can come from the environment instead. The command line wins.

| variable | meaning |
|---|---|
{variables}

Where a variable means yes or no: `0`, `false`, `no` and `off` (in any case) mean no, all else means yes.
"""


def reference() -> str:
    """The whole page."""
    group: Any = typer.main.get_command(app)
    parts = [HEAD, _about(group, ()), _options("Global options, before or after the command", _shared(group))]
    for names, command in _commands(group):
        mark = "#" * (len(names) + 1)
        parts += [
            f"{mark} huggingchat {' '.join(names)}\n",
            _about(command, names),
            _arguments(command),
            _options("", _own(command)),
        ]
    return "\n".join(part for part in (*parts, TAIL.format(variables=_variables())) if part)


def _variables() -> str:
    rows = (
        (environment.name_variable(field.opposite or name), kind, field)
        for name, (kind, field) in read_fields().items()
        if field.variable
    )
    return "\n".join(f"| `{name}` | {_plain(_meaning(kind, field))} |" for name, kind, field in rows)


def _meaning(kind: Any, field: Field) -> str:
    text = (field.shell_help or field.help) if field.opposite else field.help
    return f"{text} One of: {', '.join(get_args(kind))}." if get_origin(kind) is Literal else text


def _commands(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands with the names that lead to them; a group before what is in it."""
    for name, command in group.commands.items():
        yield (*above, name), command
        if hasattr(command, "commands"):
            yield from _commands(command, (*above, name))


def _about(command: Any, names: tuple[str, ...]) -> str:
    arguments = [each.metavar for each in command.params if each.param_type_name == "argument"]
    below = ["COMMAND"] if hasattr(command, "commands") else []
    usage = " ".join(["huggingchat", *names, *below, *arguments, "[OPTIONS]"])
    epilog = Text.from_markup(command.epilog).plain
    examples, _, rest = epilog.removeprefix("Examples\n").partition("\n\n")
    lines = "\n".join(line.strip().removeprefix("$ ") for line in examples.splitlines())
    text = f"```\n{usage}\n```\n\n{command.help}\n\n```sh\n{lines}\n```\n"
    return text + (f"\n{rest}\n" if rest else "")


def _options(title: str, options: list[Any]) -> str:
    if not options:
        return ""
    rows = "\n".join(f"| {_names(each)} | {_plain(each.help)} |" for each in options)
    return (f"{title}:\n\n" if title else "") + f"| option | meaning |\n|---|---|\n{rows}\n"


def _arguments(command: Any) -> str:
    found = [each for each in command.params if each.param_type_name == "argument"]
    rows = "\n".join(f"| `{each.metavar}` | {_plain(each.help)} |" for each in found)
    return f"| argument | meaning |\n|---|---|\n{rows}\n" if rows else ""


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" {option.metavar or _choices(option)}"
    return ", ".join(f"`{name}{value}`" for name in reversed(option.opts))


def _choices(option: Any) -> str:
    return "\\|".join(get_args(option.type_descriptor.annotation))


def _plain(text: str) -> str:
    return Text.from_markup(text).plain.replace("|", "\\|")


def _shared(group: Any) -> list[Any]:
    return [each for each in group.params if each.name in SHARED]


def _own(command: Any) -> list[Any]:
    return [each for each in command.params if each.name not in SHARED and each.param_type_name == "option"]


if __name__ == "__main__":
    sys.stdout.write(reference())
