"""Decides which app the settings are for, and whether the environment's credentials belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from huggingchat_agent import environment
from huggingchat_agent.errors import SettingsError
from huggingchat_agent.origin import have_same_origin
from huggingchat_agent.parsing import parse_base_url
from huggingchat_agent.state.remembered_app import read_app

if TYPE_CHECKING:
    from collections.abc import Collection

    from huggingchat_agent.errors import AgentError
    from huggingchat_agent.settings import Settings

# The credentials. A cookie reaches every port of its host, so a session counts too.
_CREDENTIALS = ("username", "password", "totp_secret", "session", "http_credentials")


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where the address comes from. `withheld` are variables that belong to the app at `owner` instead."""

    base_url: Literal["argument", "environment", "profile", "default"] = "default"
    withheld: tuple[str, ...] = ()
    owner: str = ""


def choose_app(values: dict[str, Any], arguments: Collection[str], *, default: str) -> Provenance:
    """Add the address that the profile remembers to the values of settings, where no other has precedence.

    An argument beats the environment, and a profile that is an argument brings its address along. Then take
    the environment's credentials out of the values, unless the app is the environment's own. `arguments`
    names the values that do not come from the environment. Raises StorageError.
    """
    of_environment = values.keys() - set(arguments)
    owner = _read_owner(default)
    source: Literal["argument", "environment", "profile", "default"] = "default"
    if "base_url" in values:
        source = "environment" if "base_url" in of_environment else "argument"
    if source != "argument" and _asks_profile(values, arguments, named=source == "environment"):
        folder = values["home"] / "profiles" / values.get("profile", "default")
        if (remembered := read_app(folder)) is not None:
            values["base_url"], source = remembered.base_url, "profile"
    if values.get("use_credentials") or have_same_origin(values.get("base_url", default), owner):
        return Provenance(base_url=source)
    withheld = [name for name in _CREDENTIALS if name in of_environment]
    for name in withheld:
        del values[name]
    names = tuple(map(environment.name_variable, withheld))
    return Provenance(base_url=source, withheld=names, owner=owner)


def _read_owner(default: str) -> str:
    """The app that the environment is for, also where an argument names another one."""
    named = environment.read("base_url") or default
    try:
        return parse_base_url("base_url", named)
    except SettingsError:
        return named  # the address of no app


def _asks_profile(values: dict[str, Any], arguments: Collection[str], *, named: bool) -> bool:
    """Whether the profile's address counts. `named`: the environment names another one."""
    if "replay" in values:
        return False
    return "profile" in arguments or not (named or "session" in values)


def describe_withheld(settings: Settings) -> tuple[str, str]:
    """Which variables are not used here, and what to do to use them; "" for both if there are none.

    The advice lacks its end: the option, as Python or the command line has it.
    """
    found = settings.provenance
    if not found.withheld:
        return "", ""
    belong, they, are = ("belongs", "it", "is") if len(found.withheld) == 1 else ("belong", "they", "are")
    meant = f"If {they} {are} meant for {settings.base_url}, set HUGGINGCHAT_BASE_URL to that address, or"
    what = f"{_join(found.withheld)} {belong} to the app at {found.owner}, so {they} {are} not used here."
    return what, meant


def explain_withheld(settings: Settings, error: AgentError) -> None:
    """Add to an error that the environment has credentials, and why they were not used."""
    what, meant = describe_withheld(settings)
    if what:
        error.message = f"{error.message} {what}"
        error.hint = f"{meant} pass use_credentials=True."
        error.shell_hint = f"{meant} give --use-credentials."


def _join(names: Collection[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
