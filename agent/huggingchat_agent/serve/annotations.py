"""What the app did for an answer, as annotations: the pages it read and the tools it used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingchat_agent.wire.tool_results import find_linked_pages, find_listed_pages

if TYPE_CHECKING:
    from huggingchat_agent.serve.question import Outcome


def list_annotations(outcome: Outcome, *, flat: bool = False) -> list[dict[str, Any]]:
    """Sources as OpenAI's `url_citation`, which names the whole answer; the app's own tools as `tool_use`.

    `flat` is the shape of responses: its fields stand beside the type.
    """
    size = len(outcome.text)
    pages: list[dict[str, Any]] = [
        {
            "type": "url_citation",
            "url_citation": {"url": url, "title": title, "start_index": 0, "end_index": size},
        }
        for url, title in _list_pages(outcome).items()
    ]
    tools: list[dict[str, Any]] = [
        {
            "type": "tool_use",
            "tool_use": {
                "id": each.uuid,
                "name": each.name,
                "parameters": each.parameters,
                "status": each.status,
                "error": each.error,
            },
        }
        for each in outcome.tools
    ]
    if flat:
        return [{"type": each["type"], **each[each["type"]]} for each in pages + tools]
    return pages + tools


def _list_pages(outcome: Outcome) -> dict[str, str]:
    """The titles of the pages that a search found or a tool links to, by address."""
    found = [{"url": each.uri, "title": each.title} for each in outcome.sources]
    for tool in outcome.tools:
        found += find_linked_pages(tool.outputs)
        if "search" in tool.name.lower():
            found += find_listed_pages(tool.outputs)
    titles: dict[str, str] = {}
    for each in found:
        titles.setdefault(each["url"], each["title"])
    return titles
