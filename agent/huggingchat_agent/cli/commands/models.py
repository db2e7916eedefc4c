"""`models`."""

import sys
from typing import TYPE_CHECKING

from rich.text import Text

from huggingchat_agent.cli import console, documents
from huggingchat_agent.cli.opening import open_signed_in
from huggingchat_agent.cli.options import Options
from huggingchat_agent.cli.tables import print_table, write_lines

if TYPE_CHECKING:
    from huggingchat_agent.wire.models import Model

_SOURCES = {
    "inlined": "inlined in the page the app served",
    "request": "from a request that the app's page made",
    "call": "from a request of ours, made in the page",
}


def models(options: Options, json: documents.JsonArray = False) -> None:
    """List the models that the app offers.

    A terminal shows a table. A pipe gets one model a line: id, name and abilities, separated by tabs. Stderr
    says where the list came from.
    """
    with open_signed_in(options) as chat:
        with console.show_progress("Reading the models"):
            found = chat.models()
    if json:
        documents.write_json(found)
    elif sys.stdout.isatty():
        columns = (("Model", "cyan"), ("Name", ""), ("Can", "green"), ("About", "dim"))
        print_table(columns, map(_make_row, found), cut_last=True)
    else:
        write_lines((model.id, model.display_name, _list_abilities(model)) for model in found)
    console.err.print(Text(f"{len(found)} models, {_SOURCES[found.source]}.", style="dim"))


def _make_row(model: "Model") -> tuple[str, str, str, str]:
    name = "" if model.display_name == model.id else model.display_name
    return model.id, name, _list_abilities(model), model.description


def _list_abilities(model: "Model") -> str:
    able = {
        "route": model.is_router,
        "see": model.multimodal,
        "use tools": model.supports_tools,
        "reason": model.supports_reasoning,
    }
    return ", ".join(name for name, can in able.items() if can)
