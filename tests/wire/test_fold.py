import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent import events
from huggingchat_agent.answer import Answer, File, Router, Source, Timing, ToolUse
from huggingchat_agent.wire import updates
from huggingchat_agent.wire.conversations import parse_conversation
from huggingchat_agent.wire.fold import _READERS, Fold, read_stored
from huggingchat_agent.wire.think import split
from tests.wire.recordings import fold, read_exchanges, read_streams, split_lines


def fold_all(*items):
    """A turn made of updates, and its events; update n is seen at n + 1."""
    turn = Fold("c", 7, 0.5)
    return turn, [event for at, item in enumerate(items, 1) for event in turn.feed(item, float(at))]


def token(text):
    return updates.Token(text)


def final(text, interrupted=False):
    return updates.FinalAnswer(text, interrupted)


def join_tokens(found):
    return "".join(event.text for event in found if isinstance(event, events.Token))


def list_fields(event):
    hidden = ("conversation_id", "turn", "seq", "at")
    return {name: getattr(event, name) for name in event.__struct_fields__ if name not in hidden}


CALL = updates.Call("echo", {"text": "ping"})


def test_events_carry_their_turn_and_rise():
    turn, found = fold_all(updates.Started(), token("a"), updates.KeepAlive(), token("b"), updates.Finished())
    assert [event.seq for event in found] == [1, 2, 3, 4]
    assert {(event.conversation_id, event.turn) for event in found} == {("c", 7)}
    assert [event.at for event in found] == [1.0, 2.0, 4.0, 5.0]
    stamped = turn.stamp(events.Finished, 9.0)
    assert (stamped.seq, stamped.at, stamped.turn) == (5, 9.0, 7)


def test_token_carries_its_text_and_the_length_so_far():
    _, found = fold_all(token("hé"), token("日本"))
    assert [(event.text, event.length) for event in found] == [("hé", 2), ("日本", 4)]


def test_keep_alives_and_stored_tokens_have_no_event():
    assert fold_all(updates.KeepAlive(), updates.Token("", 4))[1] == []


@pytest.mark.parametrize(
    ("update", "event", "expected"),
    [
        (updates.Started(), events.Status, {"status": "started"}),
        (updates.Finished(), events.Status, {"status": "finished"}),
        (updates.Errored("no", 500), events.Status, {"status": "error"}),
        (updates.Title("t"), events.Title, {"title": "t"}),
        (updates.ReasoningToken("hm"), events.Reasoning, {"text": "hm", "status": ""}),
        (updates.ReasoningStatus("Done"), events.Reasoning, {"text": "", "status": "Done"}),
        (
            updates.ToolCall("u", CALL),
            events.ToolCalled,
            {"uuid": "u", "tool": "echo", "parameters": {"text": "ping"}, "arguments": ""},
        ),
        (
            updates.ToolCall("u", CALL, '{"text":"ping","more":[1]}'),
            events.ToolCalled,
            {
                "uuid": "u",
                "tool": "echo",
                "parameters": {"text": "ping"},
                "arguments": '{"text":"ping","more":[1]}',
            },
        ),
        (updates.ToolEta("u", 10), events.ToolEta, {"uuid": "u", "eta": 10}),
        (
            updates.ToolProgress("u", 0.5),
            events.ToolProgress,
            {"uuid": "u", "progress": 0.5, "total": None, "message": ""},
        ),
        (
            updates.ToolResult("u", updates.Result("success", CALL, [1])),
            events.ToolResult,
            {"uuid": "u", "outputs": [1]},
        ),
        (
            updates.ToolResult("u", updates.Result("error", CALL, None, "no")),
            events.ToolFailed,
            {"uuid": "u", "message": "no"},
        ),
        (updates.ToolError("u", None), events.ToolFailed, {"uuid": "u", "message": ""}),
        (updates.File("n", "s", "m"), events.FileProduced, {"file": File(name="n", sha="s", mime="m")}),
        (updates.SearchUpdate("m", ["a"]), events.SearchUpdate, {"message": "m", "args": ["a"]}),
        (updates.SearchError("m"), events.SearchFailed, {"message": "m", "args": []}),
        (
            updates.SearchSources([{"link": "l", "title": None}]),
            events.SearchSources,
            {"sources": [Source(uri="l")]},
        ),
        (updates.SearchFinished(), events.SearchFinished, {}),
        (updates.RouterMetadata("r", "m"), events.RouterChose, {"router": Router(route="r", model="m")}),
        (
            updates.ElicitationRequest(updates.Question("e", "s", "url", "m", None, "u"), 2500.0, "t"),
            events.ElicitationRequested,
            {
                "elicitation_id": "e",
                "server": "s",
                "mode": "url",
                "message": "m",
                "fields": [],
                "url": "u",
                "expires_at": 2.5,
                "tool_uuid": "t",
            },
        ),
        (
            updates.ElicitationResolved("e", "accept"),
            events.ElicitationResolved,
            {"elicitation_id": "e", "action": "accept", "resolution": "", "content": {}},
        ),
        (
            updates.ElicitationResolved("e", "accept", "user", {"name": "Ada"}),
            events.ElicitationResolved,
            {"elicitation_id": "e", "action": "accept", "resolution": "user", "content": {"name": "Ada"}},
        ),
        (updates.Unknown({"type": "new"}), events.Unknown, {"raw": {"type": "new"}}),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, updates.Update) else "",
)
def test_update_gives_its_event(update, event, expected):
    _, [found] = fold_all(update)
    assert type(found) is event
    assert list_fields(found) == expected


def test_every_update_has_its_event_or_none_on_purpose():
    silent = {updates.KeepAlive, updates.Token}  # tokens take the short way
    assert set(updates._KINDS.values()) | {updates.Unknown} == set(_READERS) | silent


# Text, reasoning, content.


def test_reasoning_within_the_text_is_separated():
    turn, found = fold_all(token("<think>Let "), token("me</thi"), token("nk>You "), token("said"))
    assert [(type(event), event.text) for event in found] == [
        (events.Reasoning, "Let "),
        (events.Reasoning, "me"),
        (events.Token, "You "),
        (events.Token, "said"),
    ]
    assert (turn.text, turn.reasoning) == ("You said", "Let me")
    assert turn.content == "<think>Let me</think>You said"


ROUNDS = [
    (["<think>one</think>", "a 👩 <think>", "x</think>"], "a 👩 <think>x</think>", "one"),
    (["<think>two</think>", "b"], "b", "two"),
    (["`<think>`", " is a tag"], "`<think>` is a tag", ""),
    (["<think>never", " closed"], "", "never closed"),
    (["<thi"], "<thi", ""),
    ([], "", ""),
]


@pytest.mark.parametrize("first", ROUNDS, ids=lambda each: "".join(each[0]))
@pytest.mark.parametrize("second", ROUNDS, ids=lambda each: "".join(each[0]))
def test_one_rule_for_stream_final_answer_and_stored_message(first, second):
    between: list[Any] = [
        updates.ToolCall("u", CALL),
        updates.ToolResult("u", updates.Result("success", CALL, [])),
    ]
    turn, found = fold_all(*map(token, first[0]), *between, *map(token, second[0]), updates.Finished())
    text, reasoning = first[1] + second[1], first[2] + second[2]
    assert (join_tokens(found), turn.text, turn.reasoning) == (text, text, reasoning)
    assert (make_answer(turn).text, make_answer(turn).reasoning) == (text, reasoning)

    # Nothing of the second round was streamed: it comes with the final answer.
    before, after = "".join(first[0]), "".join(second[0])
    turn, found = fold_all(*map(token, first[0]), *between, final(after))
    assert join_tokens(found) == turn.text == make_answer(turn).text
    if turn.merge_content() == f"{before}\n\n{after}":  # else the app takes one for a part of the other
        assert (turn.text.replace("\n\n", ""), make_answer(turn).reasoning) == (text, reasoning)

    def placeholder(text):
        return {"type": "stream", "token": "", "len": len(text.encode("utf-16-le")) // 2}

    call = {"name": "echo", "parameters": {}}
    lines = [
        *map(placeholder, first[0]),
        {"type": "tool", "subtype": "call", "uuid": "u", "call": call},
        {"type": "tool", "subtype": "result", "uuid": "u", "result": {"status": "success", "call": call}},
        *map(placeholder, second[0]),
    ]
    content = "".join([*first[0], *second[0]])
    message = make_stored(content=content, updates=lines)
    assert read_stored(message).split(content) == (text, reasoning)
    answer = make_answer(Fold("c", 1, 0.0), message)
    assert (answer.text, answer.reasoning) == (text, reasoning)
    # Older apps store no such lines: only the beginning of the text counts.
    assert read_stored(make_stored(content=content)).split(content) == split(content)


@pytest.mark.parametrize("end", [updates.Finished(), updates.Errored("no"), final("a <th")])
def test_text_held_back_for_a_tag_is_out_at_the_end(end):
    turn, found = fold_all(token("a <"), token("th"), end)
    assert join_tokens(found) == turn.text == "a <th"
    assert fold_all(token("a <thi"))[0].text == "a <thi"


@pytest.mark.parametrize(
    ("streamed", "text", "joined", "content"),
    [
        ([], "whole", "whole", "whole"),
        (["who"], "whole", "whole", "whole"),
        (["whole"], "whole", "whole", "whole"),
        (["whole", " \n"], "whole", "whole \n", "whole"),
        (["other"], "whole", "other", "whole"),
        ([], "<think>why</think>whole", "whole", "<think>why</think>whole"),
        (["<think>wh"], "<think>why</think>whole", "whole", "<think>why</think>whole"),
        (["whole <thi"], "whole <thing", "whole <thing", "whole <thing"),
    ],
)
def test_final_answer_brings_the_text_that_was_not_streamed(streamed, text, joined, content):
    turn, found = fold_all(*map(token, streamed), final(text))
    assert join_tokens(found) == joined
    assert turn.final == text
    assert turn.merge_content() == content


def test_final_answer_of_a_turn_with_tools_follows_what_was_said_before():
    turn, found = fold_all(token("Let me check."), updates.ToolCall("u", CALL), final("Ping."))
    assert join_tokens(found) == turn.merge_content() == "Let me check.\n\nPing."
    turn, found = fold_all(
        token("Let me check. "), updates.ToolCall("u", CALL), token("Ping."), final("Ping.")
    )
    assert join_tokens(found) == turn.merge_content() == "Let me check. Ping."


def test_web_sources_come_with_the_final_answer_unless_they_were_told():
    late = updates.FinalAnswer("a", False, [{"uri": "u", "title": "t"}])
    turn, found = fold_all(late)
    assert turn.sources == [Source(uri="u", title="t")]
    assert isinstance(found[-1], events.SearchSources)
    turn, _ = fold_all(updates.SearchSources([{"link": "u"}]), late)
    assert turn.sources == [Source(uri="u")]


def test_router_metadata_is_merged():
    turn, found = fold_all(
        updates.RouterMetadata("code", "m", None),
        updates.RouterMetadata("", "", "p"),
        updates.RouterMetadata(),
    )
    assert turn.router == Router(route="code", model="m", provider="p")
    assert found[-1].router == turn.router


def test_tools_are_paired_by_uuid():
    turn, _ = fold_all(
        updates.ToolCall("u", CALL),
        updates.ToolCall("v", updates.Call("other", None)),
        updates.ToolResult("v", updates.Result("error", message="no")),
        updates.ToolResult("u", updates.Result("success", CALL, [{"text": "ping"}])),
        updates.ToolResult("w", updates.Result("success", CALL, [])),
    )
    assert list(turn.tools.values()) == [
        ToolUse(
            uuid="u", name="echo", parameters={"text": "ping"}, status="success", outputs=[{"text": "ping"}]
        ),
        ToolUse(uuid="v", name="other", parameters={}, status="error", error="no"),
        ToolUse(uuid="w", name="echo", parameters={"text": "ping"}, status="success"),
    ]


# The end.


@pytest.mark.parametrize(
    ("items", "terminal"),
    [
        ([token("a")], None),
        ([final("a")], "final"),
        ([final("a"), updates.Finished()], "finished"),
        ([updates.Errored("no")], "error"),
        ([final(""), updates.Errored("No output was generated.")], "error"),
    ],
)
def test_end_is_the_last_word_that_the_app_said(items, terminal):
    turn, _ = fold_all(*items)
    assert turn.terminal == terminal


def test_title_after_the_final_answer_is_taken():
    turn, found = fold_all(token("a"), final("a"), updates.Title("t"), updates.Finished())
    assert turn.terminal == "finished"
    assert turn.title == "t"
    assert [type(event) for event in found] == [events.Token, events.Title, events.Status]


def test_error_is_kept():
    turn, _ = fold_all(updates.Errored("no", 402))
    assert turn.error == updates.Errored("no", 402)
    assert fold_all(final("a"))[0].error is None


def make_answer(turn, stored=None):
    return turn.answer(
        user_message_id="u", message_id="m", via="page", generation_id="g", finished=9.0, stored=stored
    )


def test_answer_holds_everything():
    asked = updates.ElicitationRequest(updates.Question("e"))
    sources = [{"link": "https://a.test", "title": "A"}]
    turn, _ = fold_all(
        updates.Started(),
        token("<think>hm</think>"),
        token("a"),
        asked,
        updates.ElicitationResolved("e"),
        updates.ToolCall("t", CALL, "{}"),
        updates.File("n", "s", "m"),
        updates.RouterMetadata("r"),
        updates.Title("T"),
        updates.SearchSources(sources),
        token("b"),
        final("b"),
        updates.Finished(),
    )
    answer = make_answer(turn)
    assert (answer.text, answer.reasoning, answer.content) == ("ab", "hm", "<think>hm</think>ab")
    assert (answer.conversation_id, answer.user_message_id, answer.message_id) == ("c", "u", "m")
    assert (answer.generation_id, answer.via, answer.title) == ("g", "page", "T")
    assert (answer.interrupted, answer.finish_reason) == (False, "stop")
    assert [(use.uuid, use.arguments) for use in answer.tools] == [("t", "{}")]
    assert answer.sources == [Source(uri="https://a.test", title="A")]
    assert answer.files == [File(name="n", sha="s", mime="m")]
    assert answer.router == Router(route="r")
    timing = answer.timing
    assert (timing.sent, timing.first_token, timing.last_token, timing.finished) == (0.5, 3.0, 11.0, 9.0)
    assert timing.tokens == 2
    defaults = Answer(text="", conversation_id="", user_message_id="", message_id="", timing=Timing(sent=0.0))
    same = [name for name in Answer.__struct_fields__ if getattr(answer, name) == getattr(defaults, name)]
    assert same == ["artifacts", "interrupted", "finish_reason"]  # the turn adds the artifacts


def make_stored(**fields: Any):
    message = {"id": "m", "from": "assistant", **fields}
    return parse_conversation(json.dumps({"json": {"id": "c", "messages": [message]}}).encode()).messages[0]


def test_answer_believes_the_read_after_break():
    turn, _ = fold_all(token("cut short"), updates.Finished())
    answer = make_answer(turn, make_stored(content="<think>x</think>cut", interrupted=True))
    assert (answer.text, answer.reasoning, answer.finish_reason) == ("cut", "x", "interrupted")
    assert make_answer(turn, make_stored(content="")).text == "cut short"


def test_answer_takes_the_reasoning_of_older_apps_from_their_own_lines():
    turn, _ = fold_all(updates.ReasoningToken("h"), updates.ReasoningToken("m"), token("a"), final("a"))
    assert make_answer(turn).reasoning == "hm"
    assert make_answer(turn, make_stored(content="a", reasoning="hmm")).reasoning == "hmm"


def test_answer_of_an_interrupted_run_says_so():
    turn, found = fold_all(token("one two"), final("one", interrupted=True), updates.Finished())
    assert join_tokens(found) == "one two"
    answer = make_answer(turn)
    assert (answer.text, answer.interrupted, answer.finish_reason) == ("one", True, "interrupted")


def test_answer_of_a_parked_run_says_so():
    turn, _ = fold_all(token("a"), updates.ElicitationRequest(updates.Question("e")), updates.Finished())
    assert turn.parked
    assert make_answer(turn).finish_reason == "elicitation"


def test_turn_waits_for_tools_and_for_answers():
    asked = updates.ElicitationRequest(updates.Question("e"))
    assert not fold_all(updates.Started(), token("a"))[0].waiting
    assert fold_all(updates.ToolCall("u", CALL))[0].waiting
    assert not fold_all(updates.ToolCall("u", CALL), updates.ToolError("u"))[0].waiting
    assert fold_all(asked)[0].waiting
    assert not fold_all(asked, updates.ElicitationResolved("e"))[0].waiting


def test_answer_without_a_token_has_no_time_of_one():
    assert make_answer(fold_all(updates.Finished())[0]).timing.first_token is None


# Recordings.

LAST_WORDS = {"2026-08": ("finished", "error"), "2025-04": ("final", "error")}


@pytest.mark.parametrize("stream", read_streams(), ids=str)
def test_recorded_stream_folds_to_what_the_app_stored(stream):
    turn, found = fold(split_lines(stream.body))
    assert not [event for event in found if isinstance(event, events.Unknown)]
    assert (turn.terminal in LAST_WORDS[stream.generation]) == ("failed" not in stream.raw)
    assert join_tokens(found) == turn.text
    same = [
        each
        for each in read_exchanges()
        if each.generation == stream.generation and each.scenario == stream.scenario
    ]
    for later in same[stream.number + 1 :]:
        if later.is_stream:
            break
        if b'"messages"' in (later.body or b"") and turn.terminal:
            last = parse_conversation(later.body or b"").messages[-1]
            assert last.content == turn.merge_content()
            assert make_answer(turn, last).text == turn.text


@pytest.mark.parametrize(
    "stream", [each for each in read_streams("2026-08") if len(each.body or b"") < 10_000], ids=str
)
def test_recorded_stream_gives_the_same_events_cut_at_every_byte(stream):
    body = stream.body
    _, found = fold(split_lines(body))
    for at in range(len(body) + 1):
        assert fold(split_lines(body[:at], body[at:]))[1] == found
    assert fold(split_lines(*(body[at : at + 1] for at in range(len(body)))))[1] == found


def test_every_recorded_stream_is_cut_at_every_byte_somewhere():
    # Those too long for it here are cut into the same lines at every byte in test_lines.
    long = [str(each) for each in read_streams("2026-08") if len(each.body or b"") >= 10_000]
    assert long == ["2026-08/long-token/1"]


# Any text, any cut.

texts = st.text() | st.lists(
    st.sampled_from(
        ["👩‍👩‍👧‍👦", "日本語", "e\u0301", '"q"', "\\", "\n", "\0", "<think>", "</think>", "<", " "]
    )
).map("".join)


@given(st.lists(texts, max_size=6), st.booleans(), st.booleans(), st.data())
def test_any_stream_gives_the_same_events_cut_anywhere(said, ends, blank_tail, drawn):
    lines = [{"type": "status", "status": "started"}]
    lines += [{"type": "stream", "token": text.ljust(16, "\0")} for text in said]
    content = "".join(said).replace("\0", "")
    if ends:
        lines += [{"type": "finalAnswer", "text": content.rstrip()}]
    body = "".join(json.dumps(line, ensure_ascii=drawn.draw(st.booleans())) + "\n" for line in lines).encode()
    body += b" " * 4096 * blank_tail
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    turn, found = fold(split_lines(*pieces))
    assert found == fold(split_lines(body))[1]
    assert turn.content == content
    assert join_tokens(found) + (turn.splitter.held if turn.splitter.kind == "text" else "") == turn.text
    assert turn.terminal == ("final" if ends else None)
