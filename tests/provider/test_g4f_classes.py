"""Parts and errors are ours alone without g4f, and both ours and its own where it is loaded."""

from __future__ import annotations

import ast
import json
import sys
import types
from pathlib import Path

import pytest

from huggingchat_agent import provider
from huggingchat_agent.errors import AgentError
from huggingchat_agent.provider import (
    AuthResult,
    Conversation,
    FinishReason,
    ImageResponse,
    MissingAuthError,
    Reasoning,
    RequestLogin,
    Sources,
    TitleGeneration,
)
from huggingchat_agent.provider.g4f_classes import mix_in_g4f


@pytest.fixture
def theirs(monkeypatch):
    """A client that knows parts by its own classes."""
    response, wrong = types.ModuleType("g4f.providers.response"), types.ModuleType("g4f.errors")

    class JsonConversation:
        def theirs(self):
            return "theirs"

    class MissingAuthError(Exception):
        pass

    vars(response)["JsonConversation"] = JsonConversation
    vars(wrong)["MissingAuthError"] = MissingAuthError
    monkeypatch.setitem(sys.modules, "g4f.providers.response", response)
    monkeypatch.setitem(sys.modules, "g4f.errors", wrong)
    return types.SimpleNamespace(JsonConversation=JsonConversation, MissingAuthError=MissingAuthError)


def test_provider_imports_nothing_that_speaks_http():
    imported = {
        name.partition(".")[0]
        for path in Path(provider.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [each.name for each in node.names if each.name != "urllib.parse"]
            if isinstance(node, ast.Import)
            else []
        )
        if name != "urllib.parse"
    }
    assert imported - sys.stdlib_module_names == {"huggingchat_agent", "msgspec"}
    assert not imported & {"http", "urllib", "socket", "ssl", "asyncore"}


def test_class_is_ours_where_nothing_else_is_loaded():
    assert not [name for name in sys.modules if name.startswith("g4f")]
    assert mix_in_g4f(FinishReason) is FinishReason
    assert mix_in_g4f(MissingAuthError) is MissingAuthError


def test_class_is_both_where_the_other_client_is_loaded(theirs):
    both = mix_in_g4f(Conversation)
    assert both is mix_in_g4f(Conversation)
    made = both({"a": {"conversationId": "1"}})
    assert isinstance(made, Conversation)
    assert isinstance(made, theirs.JsonConversation)
    assert made.theirs() == "theirs"
    assert both.from_dict(json.loads(json.dumps(made.get_dict()))).models == made.models
    assert mix_in_g4f(Reasoning) is Reasoning  # of which that client has none


def test_error_is_caught_as_either(theirs):
    for kind in (MissingAuthError, theirs.MissingAuthError, AgentError):
        with pytest.raises(kind, match="no"):
            raise mix_in_g4f(MissingAuthError)("no")


def test_conversation_is_taken_from_json_and_from_other_classes():
    models = {"a": {"conversationId": "1", "messageId": "2"}}
    assert Conversation.adopt(None).models == {}
    assert Conversation.adopt({"models": models}).models is models
    assert Conversation.adopt(types.SimpleNamespace(models=models)).models is models
    with pytest.warns(DeprecationWarning, match="adopt"):
        assert Conversation.given(None).models == {}


def test_sources_keep_what_has_an_address():
    sources = Sources(
        [{"link": "https://a.example", "title": "A"}, {"title": "none"}, {"url": "https://b.example"}]
    )
    assert [each["url"] for each in sources.list] == ["https://a.example", "https://b.example"]
    assert str(sources).count("> [") == 2
    assert str(Sources([])) == ""


def test_parts_show_as_text():
    assert str(ImageResponse("https://a.example/p.png", "a\ncat")) == (
        "[![a cat](https://a.example/p.png)](https://a.example/p.png)"
    )
    assert ImageResponse(["a", "b"], "x").get_list() == ["a", "b"]
    assert str(Reasoning("hm")) == "hm"
    assert str(Reasoning(status="Done in 3s.")) == "Done in 3s.\n"
    assert Reasoning("hm").get_dict() == {"token": "hm"}
    hidden = (TitleGeneration("t"), FinishReason("stop"), RequestLogin("a", "b"), AuthResult(cookies={}))
    assert [str(part) for part in hidden] == [""] * 4
    assert "hf-secret" not in repr(AuthResult(cookies={"hf-chat": "hf-secret"}))
