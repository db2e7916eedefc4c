"""What the app did for an answer, as annotations: the pages it read and the tools it used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
            "url_citation": {"url": each.uri, "title": each.title, "start_index": 0, "end_index": size},
        }
        for each in outcome.sources
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
