"""`models`."""

import sys
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.opening import open_chat, sign_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.terminal import one_line
from huggingchat_agent.wire.models import Model

_SOURCES = {
    "inlined": "inlined in the page the app served",
    "request": "from a request that the app's page made",
    "call": "from a request of ours, made in the page",
}


def models(
    options: Options,
    json: Annotated[
        bool, typer.Option("--json", help="Print all that the app says about them, as one JSON array.")
    ] = False,
) -> None:
    """List the models that the app offers.

    A terminal shows a table. A pipe gets one model a line: id, name and abilities, separated by tabs. Stderr
    says where the list came from.
    """
    with open_chat(options) as chat:
        sign_in(chat)
        with console.progress("Reading the models"):
            found = chat.models()
    if json:
        documents.write_json(found)
    elif sys.stdout.isatty():
        console.out.print(_make_table(found), soft_wrap=False)
    else:
        for model in found:
            name = " ".join(model.display_name.split())
            console.write(f"{model.id}\t{name}\t{', '.join(_list_abilities(model))}\n")
    console.err.print(Text(f"{len(found)} models, {_SOURCES[found.source]}.", style="dim"))


def _make_table(models: list[Model]) -> Table:
    rows = [
        (
            Text(one_line(model.id)),
            Text("" if model.display_name == model.id else one_line(model.display_name)),
            Text(", ".join(_list_abilities(model))),
            Text(one_line(model.description)),
        )
        for model in models
    ]
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("Model", style="cyan", overflow="fold")
    table.add_column("Name", overflow="fold")
    table.add_column("Can", style="green", overflow="fold")
    table.add_column("About", style="dim", overflow="ellipsis", no_wrap=True, ratio=1)
    # Leave out empty columns.
    kept = [number for number in range(len(table.columns)) if any(row[number].plain for row in rows)]
    table.columns = [table.columns[number] for number in kept]
    for row in rows:
        table.add_row(*(row[number] for number in kept))
    return table


def _list_abilities(model: Model) -> list[str]:
    able = {
        "route": model.is_router,
        "see": model.multimodal,
        "use tools": model.supports_tools,
        "reason": model.supports_reasoning,
    }
    return [name for name, can in able.items() if can]
