"""Which exchange of a tape answers a request."""

import itertools

import pytest

from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.digest import TAB_GONE, digest
from huggingchat_agent.tape.reader import Recording
from huggingchat_agent.tape.shelf import Shelf

HOST = "http://127.0.0.1:8000"
PATH = "/chat/_app/node.js"


@pytest.fixture
def numbers():
    return itertools.count(1)


def asked(numbers, name, *, kind, text, left=None):
    """An exchange: whole, or left by who had asked, in the words of `left`."""
    page = f"page-{name}"

    def of():
        return {"n": (n := next(numbers)), "at": float(n), "id": f"{page}:1", "page": page}

    yield tapes.Request(**of(), method="GET", url=HOST + PATH, kind=kind, headers={})
    yield tapes.Response(**of(), status=200, mime="text/javascript", headers={})
    yield tapes.Chunk(**of(), text=text)
    yield tapes.End(**of()) if left is None else tapes.Fail(**of(), reason=left)


def given(records):
    header = tapes.Header(
        tape=tapes.VERSION, agent="0", base_url=f"{HOST}/chat", begun="", engine="playwright", full=True
    )
    exchange, _ = Shelf(digest(Recording(header, list(records), True))).find("GET", PATH, b"", "")
    return bytes(exchange.body)


@pytest.mark.parametrize("first", ["whole", "cut off"])
def test_whole_answer_is_given_where_a_closing_tab_cut_off_another(numbers, first):
    whole = list(asked(numbers, "whole", kind="script", text="all of it"))
    cut_off = list(asked(numbers, "left", kind="script", text="all", left=TAB_GONE))
    assert given([*whole, *cut_off] if first == "whole" else [*cut_off, *whole]) == b"all of it"


def test_answer_that_was_cut_off_is_given_where_there_is_no_other(numbers):
    assert given(asked(numbers, "left", kind="script", text="all", left=TAB_GONE)) == b"all"


def test_answer_that_broke_by_itself_is_as_good_as_any(numbers):
    """It is what the app did, and who has scripted such a fault wants to see it."""
    broken = list(asked(numbers, "broken", kind="script", text="al", left="net::ERR_CONNECTION_RESET"))
    assert given([*broken, *asked(numbers, "whole", kind="script", text="all of it")]) == b"al"


def test_live_view_that_was_left_is_given_like_any_other(numbers):
    left = list(asked(numbers, "left", kind="eventsource", text="first", left=TAB_GONE))
    assert given([*left, *asked(numbers, "whole", kind="eventsource", text="second")]) == b"first"
