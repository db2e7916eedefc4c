"""The description of a setting, beside its type and default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from huggingchat_agent import environment


class Field(msgspec.Struct, frozen=True):
    """The description of a setting beside its type and default.

    It gives the environment variable, the option of the command line, and their help.
    """

    help: str
    parse: Callable[[str, Any], Any] | None = None
    """Parses the raw value, by setting name. None: the type decides."""
    variable: bool = True
    """Whether `HUGGINGCHAT_<NAME>` can give it."""
    panel: Literal["", "global", "browser"] = ""
    """The panel of its option in the help; "" if it is not an option of every command."""
    metavar: str | None = None
    """The name of the option's value in the help."""
    several: bool = False
    """Whether its option may be given several times."""
    opposite: str = ""
    """Variable and option have this name and the opposite meaning."""
    shell_help: str = ""
    """The option's help, if it differs from `help`."""
    option: str = ""
    """The option's name, if it is not that of the setting."""

    def name_option(self, name: str) -> str:
        """The name of that setting at the command line: an option, else a variable."""
        name = self.opposite or name
        option = f"--{(self.option or name).replace('_', '-')}"
        return option if self.panel else environment.name_variable(name)
