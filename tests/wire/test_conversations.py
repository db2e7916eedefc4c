import json
from datetime import UTC, datetime

import pytest

from huggingchat_agent.answer import Router
from huggingchat_agent.errors import AgentError, PageChanged
from huggingchat_agent.wire.conversations import (
    parse_conversation,
    parse_list,
    parse_new_conversation,
    parse_share,
)
from tests.wire.recordings import GENERATIONS, read_endpoint, read_exchange


def read(generation, scenario, number):
    return parse_conversation(read_exchange(generation, scenario, number).body or b"", "6b01")


def make_conversation(*messages, **fields):
    return parse_conversation(
        json.dumps({"json": {"id": "c", "messages": list(messages), **fields}}).encode()
    )


def message(message_id, ancestors=(), children=(), **fields):
    return {
        "id": message_id,
        "from": "user",
        "ancestors": list(ancestors),
        "children": list(children),
        **fields,
    }


def test_conversation_of_the_v2_route():
    conversation = read("2026-08", "two-turns", 7)
    assert conversation.id == "6b013cfcbcc939b7fa8356c2"
    assert (conversation.title, conversation.shared) == ("hello there", False)
    assert conversation.model == "meta-llama/Llama-3.3-70B-Instruct"
    assert conversation.updated_at == datetime(2026, 11, 21, 6, 41, 2, 879000, UTC)
    assert [each.author for each in conversation.messages] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
    ]
    assert conversation.messages[0].id == conversation.root_message_id
    answer = conversation.messages[2]
    assert answer.content == "You said: hello there [history=2]"
    assert answer.generation_id == "12a926a5-bff8-4fec-ae1d-2ee422eb93fa"
    assert answer.materialized_seq == 6
    assert answer.updates[-1] == {"type": "status", "status": "finished"}
    assert "deployedSpaces" not in conversation.extra


def test_conversation_of_page_data_takes_its_id_from_the_caller():
    conversation = read("2025-04", "two-turns", 5)
    assert conversation.id == "6b01"
    assert conversation.title == "💬 You said: hello there [history=2]"
    assert len(conversation.messages) == 5
    assert conversation.messages[-1].created_at is not None
    assert conversation.parent(conversation.messages[-1]) == conversation.messages[-2]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_conversation_of_the_older_route_has_messages_without_their_tree(generation):
    conversation = parse_conversation(read_endpoint(generation, "conversation_legacy")["body"].encode())
    assert conversation.model == "meta-llama/Llama-3.3-70B-Instruct"
    assert [each.author for each in conversation.messages] == ["system", "user", "assistant"]
    assert conversation.active_leaf() == conversation.messages[-1]
    assert conversation.parent(conversation.messages[-1]) is None


def test_conversation_of_the_create_answer():
    conversation_id, conversation = parse_new_conversation(
        read_endpoint("2026-08", "create")["body"].encode()
    )
    assert conversation is not None
    assert conversation.id == conversation_id == "6b013d3abcc939b7fa835751"
    assert conversation.preprompt == conversation.messages[0].content == "You are terse."
    assert conversation.active_leaf().id == conversation.root_message_id


def test_created_is_an_id_only_in_the_older_app():
    assert parse_new_conversation(read_endpoint("2025-04", "create")["body"].encode()) == (
        "6b013db694c81884b2825cfc",
        None,
    )


@pytest.mark.parametrize(
    "body", [b'{"message":"Invalid request"}', b"[]", b"<html>", b'{"conversationId":1}']
)
def test_created_raises_page_changed_for_anything_else(body):
    with pytest.raises(PageChanged):
        parse_new_conversation(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"message":"Conversation not found."}',
        b'{"json":null}',
        b"null",
        b"[]",
        b'{"json":{"messages":1}}',
        b'{"json":{"messages":[{}]}}',
        b'{"type":"data","nodes":[null,null]}',
        b'{"type":"redirect","location":"/chat/"}',
        b"<html>",
        b"",
    ],
)
def test_conversation_raises_an_agent_error_for_anything_else(body):
    with pytest.raises(AgentError):
        parse_conversation(body)


def test_files_and_router_are_read():
    conversation = read("2026-08", "upload", 3)
    assert [each["name"] for each in conversation.messages[1].files] == ["dot.png", "note.txt"]
    [routed] = make_conversation(
        message("a", routerMetadata={"route": "code", "model": "m", "provider": None})
    ).messages
    assert routed.router == Router(route="code", model="m")
    assert conversation.messages[1].router is None


def test_unknown_keys_are_kept():
    conversation = make_conversation(message("a", score=1), deployedSpaces=[2])
    assert conversation.messages[0].extra == {"score": 1}
    assert conversation.extra == {"deployedSpaces": [2]}


# The tree.


FORKED = make_conversation(
    message("root", children=["q"]),
    message("q", ["root"], ["a1", "a2"]),
    message("a1", ["root", "q"], ["q2"], generationId="g1"),
    message("q2", ["root", "q", "a1"], ["a3"]),
    message("a3", ["root", "q", "a1", "q2"], generationId="g3"),
    message("a2", ["root", "q"], generationId="g2"),
)


def test_active_leaf_goes_down_by_the_last_child():
    assert FORKED.active_leaf().id == "a2"
    assert FORKED.active_leaf("root").id == "a2"
    assert FORKED.active_leaf("a1").id == "a3"
    assert FORKED.active_leaf("a3").id == "a3"
    assert FORKED.active_leaf("nobody").id == "a2"


def test_active_leaf_raises_page_changed_without_messages():
    with pytest.raises(PageChanged):
        make_conversation().active_leaf()


def test_active_leaf_ends_where_a_child_is_missing_or_its_own_ancestor():
    assert make_conversation(message("a", children=["gone"])).active_leaf().id == "a"
    assert (
        make_conversation(message("a", children=["b"]), message("b", children=["a"])).active_leaf().id in "ab"
    )


def test_path_is_from_the_root_to_the_leaf():
    assert [each.id for each in FORKED.path()] == ["root", "q", "a2"]
    assert [each.id for each in FORKED.path("a3")] == ["root", "q", "a1", "q2", "a3"]


def test_messages_are_found_by_id_generation_and_child():
    assert FORKED.message("a1") == FORKED.by_generation("g1")
    assert FORKED.by_generation("g9") is FORKED.message("no") is None
    parent = FORKED.parent(FORKED.messages[-1])
    assert parent is not None
    assert parent.id == "q"
    assert FORKED.parent(FORKED.messages[0]) is None


def test_by_generation_takes_the_last_of_several():
    again = make_conversation(message("a", generationId="g"), message("b", generationId="g")).by_generation(
        "g"
    )
    assert again is not None
    assert again.id == "b"


def test_forks_are_reported():
    assert FORKED.forks() == {"q": ["a1", "a2"]}
    assert read("2026-08", "two-turns", 7).forks() == {}
    [(_, children)] = read("2026-08", "retry", 2).forks().items()
    assert len(children) == 2


FINISHED = {"type": "status", "status": "finished"}
SETTLED = {"type": "elicitation", "subtype": "resolved", "elicitationId": "e", "action": "accept"}


@pytest.mark.parametrize(
    ("fields", "terminal"),
    [
        ({}, False),
        (
            {"updates": [{"type": "status", "status": "started"}, {"type": "stream", "token": "", "len": 1}]},
            False,
        ),
        ({"updates": [{"type": "finalAnswer", "text": "a"}]}, True),
        ({"updates": [{"type": "status", "status": "error"}]}, True),
        ({"updates": [{"type": "status", "status": "finished"}]}, True),
        ({"interrupted": True}, True),
        ({"updates": [FINISHED, SETTLED]}, False),
        ({"updates": [FINISHED, SETTLED, {"type": "stream", "token": "", "len": 1}]}, False),
        ({"updates": [FINISHED, SETTLED], "interrupted": True}, True),
        ({"updates": [FINISHED, SETTLED, FINISHED]}, True),
    ],
)
def test_message_is_terminal_when_its_run_is_over(fields, terminal):
    conversation = make_conversation(message("a", **fields))
    assert conversation.is_terminal(conversation.messages[0]) is terminal


def test_recorded_stop_is_terminal_at_the_second_look():
    looks = [read("2026-08", "stop", number) for number in (3, 4)]
    assert [look.is_terminal(look.messages[-1]) for look in looks] == [False, True]
    # The page told how much it had shown: the app cut the text there.
    sent = json.loads(read_exchange("2026-08", "stop", 2).raw["body"])
    assert len(looks[1].messages[-1].content) == sent["seenContentLength"]
    assert looks[1].messages[-1].interrupted


# The list.


@pytest.mark.parametrize(
    ("body", "count", "more"),
    [
        (read_endpoint("2026-08", "conversations")["body"], 11, False),
        (read_endpoint("2026-08", "conversations_legacy")["body"], 11, True),
        (read_endpoint("2025-04", "conversations_legacy")["body"], 10, True),
        (read_endpoint("2025-04", "home_data")["body"], 10, False),
        ('{"json":{"conversations":[{"id":"a"}],"hasMore":true}}', 1, True),
        ('{"conversations":[{"_id":"a"}],"nConversations":1}', 1, False),
        ('{"json":{"conversations":[{"id":"a"}],"nConversations":40}}', 1, True),
        ('{"conversations":[{"id":"a"}]}', 1, True),
        ('{"json":[{"id":"a"}]}', 1, True),
        ('{"conversations":[]}', 0, False),
        ("[]", 0, False),
    ],
)
def test_list_of_any_form_is_read(body, count, more):
    page = parse_list(body.encode())
    assert (len(page.conversations), page.has_more) == (count, more)
    assert all(each.id for each in page.conversations)


def test_list_entry_has_title_model_and_time():
    entry = parse_list(read_endpoint("2026-08", "conversations")["body"].encode()).conversations[0]
    assert (entry.id, entry.title) == ("6b013d37bcc939b7fa835749", "short one")
    assert entry.model == "meta-llama/Llama-3.3-70B-Instruct"
    assert entry.updated_at == datetime(2026, 11, 21, 6, 41, 59, 924000, UTC)


@pytest.mark.parametrize(
    "body", [b'{"json":{}}', b'{"message":"no"}', b"[1]", b'{"conversations":1}', b"<html>"]
)
def test_list_raises_page_changed_for_anything_else(body):
    with pytest.raises(PageChanged):
        parse_list(body)


def test_last_page_of_a_counted_list_has_no_more():
    body = b'{"conversations":[{"id":"a"}],"nConversations":31}'
    assert [parse_list(body, before=before).has_more for before in (0, 29, 30)] == [True, True, False]


@pytest.mark.parametrize(
    "body",
    [
        '{"shareId":"abc-_12"}',
        '{"url":"http://example.org/chat/r/abc-_12"}',
        '{"json":{"shareId":"abc-_12"}}',
    ],
)
def test_share_is_read_as_id_or_as_address(body):
    assert parse_share(body.encode()) == "abc-_12"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"shareId":""}', b'{"shareId":7}', b"null"])
def test_share_raises_page_changed_for_anything_else(body):
    with pytest.raises(PageChanged):
        parse_share(body)
