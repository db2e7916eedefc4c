"""Records of every kind with any values in their fields, from the tables of records and of events."""

import json
import types
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huggingchat_agent import events
from huggingchat_agent.errors import TapeError
from huggingchat_agent.playback import player
from huggingchat_agent.tape import format as tapes
from tests.tape.test_hostile import play, read_lines, show, write

LINES = read_lines("v1-conversation.tape")
BASE = json.loads(LINES[0])["base_url"]
WORDS = (
    "",
    "x",
    "\x1b[2J",
    "GET",
    "POST",
    "text/html",
    "end",
    "http://[",
    f"{BASE}/",
    f"{BASE}/conversation/",
)
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=3,
)
RIGHT: dict[Any, st.SearchStrategy[Any]] = {
    str: st.sampled_from(WORDS),
    int: st.integers(0, 3),
    float: st.floats(0, 9),
    bool: st.booleans(),
}


def make_values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of that type, as JSON has them; anything for a type that is made of others."""
    if typing.get_origin(kind) is typing.Annotated:
        return make_values(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return st.one_of(*map(make_values, typing.get_args(kind)))
    if typing.get_origin(kind) is dict:
        return st.dictionaries(st.sampled_from(("content-type", "x")), make_values(typing.get_args(kind)[1]))
    return RIGHT.get(kind, JUNK)


@st.composite
def make_fields(draw: st.DrawFn, kind: Any) -> dict[str, Any]:
    """The fields of a record or an event. Now and then one is missing, or of another type."""
    fields = {}
    for name, type_ in typing.get_type_hints(kind, include_extras=True).items():
        luck = draw(st.integers(0, 40))
        if luck and name in kind.__struct_fields__:
            fields[name] = draw(JUNK if luck == 1 else make_values(type_))
    return fields


@st.composite
def make_record(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(typing.get_args(tapes.AnyRecord)))
    record = draw(make_fields(kind))
    if kind is tapes.Event:
        of = draw(st.sampled_from(list(events.every())))
        record["event"] = draw(make_fields(of)) | {"event": of.name}
    return record | {"type": kind.__struct_config__.tag}


@pytest.mark.soak
async def test_records_of_any_content_are_read_or_refused_with_a_sentence(tmp_path, monkeypatch, request):
    monkeypatch.setattr(player, "_PATIENCE", 0.05)
    path = tmp_path / "a.tape"
    outcomes = set()

    @settings(
        max_examples=2000 if request.config.getoption("--soak") else 25,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(make_record(), min_size=1, max_size=5), st.integers(1, len(LINES) - 2))
    def make_tapes(records: list[dict[str, Any]], place: int) -> None:
        more = [json.dumps(each | {"n": 9000 + n}).encode() for n, each in enumerate(records)]
        write(path, [*LINES[:place], *more, *LINES[place:]])
        made.append(path.read_bytes())

    made: list[bytes] = []
    make_tapes()
    for each in made:
        path.write_bytes(each)
        for use in (show, play):
            try:
                if (work := use(path)) is not None:
                    await work
                outcomes.add("read")
            except TapeError:
                outcomes.add("refused")
    assert outcomes == {"read", "refused"}
