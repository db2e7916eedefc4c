import msgspec
import pytest

from huggingchat_agent.errors import PageChanged
from huggingchat_agent.wire.structs import convert, require_list


class Shape(msgspec.Struct, rename="camel"):
    id: str
    long_name: str = ""
    extra: dict[str, object] = {}


def test_shaped_keeps_unknown_keys_and_drops_nulls():
    assert convert(Shape, {"id": "a", "longName": None, "new": None}) == Shape("a", "", {"new": None})
    assert convert(Shape, {"id": "a", "longName": "b", "extra": 1}) == Shape("a", "b", {})


@pytest.mark.parametrize("raw", [{}, {"id": 7}, {"id": None}, [], None, "a"])
def test_shaped_raises_page_changed_naming_the_struct(raw):
    with pytest.raises(PageChanged, match="Shape"):
        convert(Shape, raw)


def test_objects_raises_page_changed_for_no_list():
    assert require_list([1], "things") == [1]
    with pytest.raises(PageChanged, match="things"):
        require_list({}, "things")
