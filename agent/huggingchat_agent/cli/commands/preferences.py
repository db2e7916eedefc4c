"""`settings`: what the account prefers in the app."""

import sys
from collections.abc import Callable
from typing import Annotated, Any, Literal

import typer

from huggingchat_agent.chat.preferences import Effort, Preferences, StreamingMode
from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.opening import open_signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.tables import print_table, write_lines
from huggingchat_agent.errors import UsageError
from huggingchat_agent.user_text import require_text


def settings(options: Options) -> None:
    """Show and change the account's settings in the app.

    They are the active model, and for each model a system prompt and how much it reasons. The app applies
    them to new conversations, in its own pages as well as here.
    """


def show(options: Options, json: documents.JsonObject = False) -> None:
    """Show the account's settings in the app."""
    with open_signed_in(options) as chat:
        kept = chat.preferences()
    _print(kept, json=json)


def set_(
    options: Options,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="MODEL", help="The model that new conversations get."),
    ] = None,
    streaming: Annotated[
        StreamingMode | None, typer.Option(help="How the app's own page shows an answer while it comes.")
    ] = None,
    for_model: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="MODEL",
            help="The model that the other options are for. Default: the active one.",
        ),
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", "-s", metavar="TEXT", help="The system prompt of that model.")
    ] = None,
    no_system: Annotated[bool, typer.Option("--no-system", help="Remove the system prompt.")] = False,
    effort: Annotated[
        Literal[Effort, "default"] | None,
        typer.Option(help="How much that model reasons; default leaves it to the model."),
    ] = None,
    provider: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Who runs that model: auto, fastest, cheapest, or the name of a provider."
        ),
    ] = None,
    artifacts: Annotated[
        bool | None,
        typer.Option(
            "--artifacts/--no-artifacts", help="Whether the app tells that model how to write artifacts."
        ),
    ] = None,
    billing: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The organization that pays for answers; `me` is the account itself."
        ),
    ] = None,
    json: documents.JsonObject = False,
) -> None:
    """Change some of the account's settings. All others stay as they are."""
    if system is not None and no_system:
        raise UsageError("Give --system or --no-system, not both.")
    require_text("--system", system or "")
    changes: dict[str, Any] = {}
    if model is not None:
        changes["active_model"] = model
    if streaming is not None:
        changes["streaming_mode"] = streaming
    if billing is not None:
        changes["billing_organization"] = "" if billing == "me" else billing
    of_model: dict[str, Any] = {}
    if system is not None or no_system:
        of_model["system_prompts"] = system
    if effort is not None:
        of_model["reasoning_efforts"] = None if effort == "default" else effort
    if provider is not None:
        of_model["providers"] = None if provider == "auto" else provider
    if artifacts is not None:
        of_model["artifacts"] = artifacts
    if for_model is not None and not of_model:
        raise UsageError("--for names a model; give --system, --effort, --provider or such with it.")
    if not changes and not of_model:
        raise UsageError("Give what to change: --model, --system, --effort, --streaming, ... See --help.")
    with open_signed_in(options) as chat:
        whose = for_model or model or (chat.preferences().active_model if of_model else "")
        changes |= {name: {whose: value} for name, value in of_model.items()}
        kept = chat.change_preferences(**changes)
    _print(kept, json=json)


def _print(kept: Preferences, *, json: bool) -> None:
    if json:
        documents.write_json(kept)
        return
    facts = [("Model", kept.active_model), ("Streaming", kept.streaming_mode or "the app's default")]
    if kept.billing_organization:
        facts.append(("Paid by", kept.billing_organization))
    console.print_facts(facts)
    models = sorted({*kept.system_prompts, *kept.reasoning_efforts, *kept.providers, *kept.artifacts})
    rows = [(model, *_describe(kept, model)) for model in models]
    if sys.stdout.isatty() and rows:
        columns = (("Model", "cyan"), ("Effort", "green"), ("System prompt", ""), ("Provider", ""))
        print_table((*columns, ("Artifacts", "")), rows)
    else:
        write_lines(rows)


def _describe(kept: Preferences, model: str) -> tuple[str, ...]:
    """Effort, system prompt, provider, and whether it writes artifacts."""
    artifacts = {True: "on", False: "off", None: ""}[kept.artifacts.get(model)]
    effort, provider = kept.reasoning_efforts.get(model, ""), kept.providers.get(model, "")
    return (effort, _describe_prompt(kept, model), provider, artifacts)


def _describe_prompt(kept: Preferences, model: str) -> str:
    prompt = kept.system_prompts.get(model, "")
    return f"(off) {prompt}" if prompt and not kept.system_prompts_enabled.get(model, True) else prompt


COMMANDS: dict[Callable[..., None], tuple[str, ...]] = {
    show: ("huggingchat settings show", "huggingchat settings show --json"),
    set_: (
        "huggingchat settings set --model llama",
        'huggingchat settings set --for deepseek --system "Answer in one sentence." --effort high',
        "huggingchat settings set --for deepseek --no-system --effort default",
        "huggingchat settings set --for deepseek --provider cheapest",
        "huggingchat settings set --billing my-company",
    ),
}
