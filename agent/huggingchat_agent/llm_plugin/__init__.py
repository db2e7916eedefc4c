"""A plugin of `llm` (https://llm.datasette.io): `llm -m huggingchat/omni "..."`, in the warm session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import llm

from huggingchat_agent.error_values import raise_as
from huggingchat_agent.llm_plugin.known_models import PREFIX, read_known, write_known
from huggingchat_agent.llm_plugin.models import AsyncHuggingChat, HuggingChat
from huggingchat_agent.warm.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable


@llm.hookimpl
def register_models(register: Callable[..., None]) -> None:
    """The models that the app offered last; before that, its router."""
    for each in read_known():
        register(HuggingChat(each), AsyncHuggingChat(each))


@llm.hookimpl
def register_commands(cli: Any) -> None:
    """`llm huggingchat`: asks the app which models it has."""

    @cli.command(name="huggingchat")
    def huggingchat() -> None:
        """List HuggingChat's models, and make them known to llm as huggingchat/ID."""
        with raise_as(click.ClickException), Sessions({}).open() as chat:
            known = [each.id for each in chat.models()]
        write_known(known)
        for each in known:
            click.echo(f"{PREFIX}{each}")
