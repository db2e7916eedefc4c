"""Conversations as documents: what is in them, whatever the app stored."""

import json
import re

import pytest

from huggingchat_agent.chat import export
from huggingchat_agent.errors import UsageError
from huggingchat_agent.wire.conversations import ConversationRead, StoredMessage

URL = "https://example.org/chat/conversation/c"


def message(id, author, content="", ancestors=(), children=(), **more):
    return StoredMessage(
        id=id, author=author, content=content, ancestors=list(ancestors), children=list(children), **more
    )


def conversation(*messages, **more):
    return ConversationRead(
        **{"id": "c", "title": "A title", "model": "m", "messages": list(messages), **more}
    )


FORKED = conversation(
    message("root", "system", "Be brief.", (), ("u",)),
    message(
        "u",
        "user",
        "Why?",
        ("root",),
        ("a1", "a2"),
        files=[{"type": "hash", "value": "s", "name": "f.txt", "mime": "text/plain"}],
    ),
    message("a1", "assistant", "First.", ("root", "u")),
    message("a2", "assistant", "<think>Well </think>Second.", ("root", "u"), interrupted=True),
)

CALL = {"name": "echo", "parameters": {"text": "a ``` b"}}
USED = conversation(
    message("root", "system", "", (), ("u",)),
    message("u", "user", "Use it", ("root",), ("a",)),
    message(
        "a",
        "assistant",
        "Done.",
        ("root", "u"),
        updates=[
            {"type": "tool", "subtype": "call", "uuid": "1", "call": CALL},
            {
                "type": "tool",
                "subtype": "result",
                "uuid": "1",
                "result": {"status": "success", "call": CALL, "outputs": [{"text": "pong"}]},
            },
            {"type": "tool", "subtype": "call", "uuid": "2", "call": {"name": "fail", "parameters": {}}},
            {"type": "tool", "subtype": "error", "uuid": "2", "message": "no way"},
            {"type": "file", "name": "dot.png", "sha": "abc", "mime": "image/png"},
            {"type": "stream", "token": "", "len": 5},
            {"type": "routerMetadata", "route": "general", "model": "big"},
            {
                "type": "webSearch",
                "subtype": "sources",
                "message": "",
                "sources": [{"title": "[x]", "link": "https://example.org/a b"}],
            },
            {"type": "finalAnswer", "text": "Done."},
        ],
    ),
)


def as_json(read):
    return json.loads(export.render(read, "json", url=URL))


def test_json_says_what_it_is():
    document = as_json(FORKED)
    assert list(document)[:4] == ["format", "version", "id", "url"]
    assert (document["format"], document["version"]) == ("huggingchat-conversation", 1)
    assert (document["id"], document["url"], document["title"], document["model"]) == (
        "c",
        URL,
        "A title",
        "m",
    )


def test_json_keys_are_those_that_are_documented():
    top, each = export.__doc__.split("and each message:")

    def documented(text):
        listed = re.findall(r"^    ([a-z_, ]+?)(?:  +\S.*)?$", text, re.MULTILINE)
        return {name.strip() for line in listed for name in line.split(",") if name.strip()}

    document = as_json(FORKED)
    assert set(document) == documented(top)
    assert set(document["messages"][0]) == documented(each)


def test_json_has_all_branches_and_marks_the_active_one():
    document = as_json(FORKED)
    assert [(each["id"], each["parent"], each["active"]) for each in document["messages"]] == [
        ("root", None, True),
        ("u", "root", True),
        ("a1", "u", False),
        ("a2", "u", True),
    ]
    assert document["leaf"] == "a2" and document["messages"][1]["children"] == ["a1", "a2"]


def test_json_tells_text_from_reasoning_and_keeps_the_content():
    last = as_json(FORKED)["messages"][-1]
    assert (last["text"], last["reasoning"]) == ("Second.", "Well ")
    assert last["content"] == "<think>Well </think>Second." and last["interrupted"] is True


def test_json_leaves_what_a_person_wrote_alone():
    read = conversation(message("u", "user", "what is <think>?"))
    assert as_json(read)["messages"][0]["text"] == "what is <think>?"


def test_json_has_tools_files_sources_and_router():
    last = as_json(USED)["messages"][-1]
    assert [(each["name"], each["status"], each["outputs"], each["error"]) for each in last["tools"]] == [
        ("echo", "success", [{"text": "pong"}], ""),
        ("fail", "error", [], "no way"),
    ]
    assert last["files"] == [{"name": "dot.png", "sha": "abc", "mime": "image/png"}]
    assert last["sources"] == [{"uri": "https://example.org/a b", "title": "[x]"}]
    assert last["router"] == {"route": "general", "model": "big", "provider": ""}
    assert as_json(FORKED)["messages"][1]["files"] == [{"name": "f.txt", "sha": "s", "mime": "text/plain"}]


def test_json_has_what_the_app_said_of_a_run_that_failed():
    updates = [{"type": "status", "status": "error", "message": "500 upstream failure"}]
    read = conversation(message("a", "assistant", "Half", updates=updates))
    assert as_json(read)["messages"][0]["error"] == "500 upstream failure"
    assert "*Failed: 500 upstream failure*" in export.render(read, "markdown")


def test_markdown_is_the_active_branch():
    assert export.render(FORKED, "markdown", url=URL) == (
        "# A title\n\n"
        f"- Model: m\n- Address: {URL}\n\n"
        "<details><summary>System prompt</summary>\n\nBe brief.\n\n</details>\n\n"
        "## You\n\nWhy?\n\n- File: f.txt (text/plain)\n\n"
        "## Assistant\n\n"
        "<details><summary>Reasoning</summary>\n\nWell\n\n</details>\n\n"
        "Second.\n\n*Stopped before its end.*\n\n*One of 2 versions.*\n"
    )


def test_markdown_folds_tools_in_a_fence_that_holds_them():
    text = export.render(USED, "markdown")
    assert "<details><summary>Tool echo (success)</summary>\n\n````json\n" in text
    assert '"pong"' in text and "no way" in text
    assert "- Source: [\\[x\\]](<https://example.org/a b>)" in text
    assert "- File: dot.png (image/png)" in text


def test_conversation_without_a_tree_is_one_branch():
    read = conversation(message("u", "user", "one"), message("a", "assistant", "two"), title="")
    assert [each.id for each in export.build_export(read).active] == ["u", "a"]
    text = export.render(read, "markdown")
    assert text.startswith("# Untitled\n") and "versions" not in text


def test_conversation_without_messages_is_exported():
    assert export.build_export(conversation()).messages == []
    assert export.render(conversation(), "markdown") == "# A title\n\n- Model: m\n"


def test_title_stays_one_line():
    assert export.render(conversation(title="a\n\n# b"), "markdown").startswith("# a # b\n")


def test_another_form_is_refused():
    with pytest.raises(UsageError, match="markdown or json"):
        export.render(FORKED, "pdf")  # type: ignore[arg-type]


def test_500_messages_are_exported_in_their_order():
    ids = [f"m{number}" for number in range(500)]
    messages = [
        message(
            each,
            "user" if number % 2 else "assistant",
            f"text {number}",
            ids[:number],
            ids[number + 1 : number + 2],
        )
        for number, each in enumerate(ids)
    ]
    document = export.build_export(conversation(*messages))
    assert [each.id for each in document.active] == ids and document.leaf == "m499"
