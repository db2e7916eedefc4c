"""Which exchange of a tape answers a request."""

import itertools
from typing import Any

import msgspec
import pytest

from huggingchat_agent.errors import TapeMismatch
from huggingchat_agent.playback.matcher import AGENT, PAGES, Matcher
from huggingchat_agent.tape import format as tapes
from huggingchat_agent.tape.reader import Recording
from huggingchat_agent.tape.summary import TAB_GONE, summarize

HOST = "http://127.0.0.1:8000"
PATH = "/chat/_app/node.js"


@pytest.fixture
def numbers():
    return itertools.count(1)


def make_exchange(numbers, name, *, kind="fetch", text="", left=None, method="GET", path=PATH, said=None):
    """An exchange: whole, or left by who had asked, in the words of `left`. `said` is its body."""
    page = f"page-{name}"

    def of():
        return {"n": (n := next(numbers)), "at": float(n), "id": f"{page}:1", "page": page}

    body: dict[str, Any] = (
        {} if said is None else {"text": msgspec.json.encode(said).decode(), "has_body": True}
    )
    headers = {} if said is None else {"content-type": "application/json"}
    yield tapes.Request(**of(), method=method, url=HOST + path, kind=kind, headers=headers, **body)
    yield tapes.Response(**of(), status=200, mime="text/javascript", headers={})
    yield tapes.Chunk(**of(), text=text)
    yield tapes.End(**of()) if left is None else tapes.Fail(**of(), reason=left)


def make_sign_in(numbers):
    return tapes.Hidden(n=next(numbers), at=0.0)


def make_matcher(*records, client=PAGES):
    header = tapes.Header(
        tape=tapes.VERSION, agent="0", base_url=f"{HOST}/chat", begun="", engine="playwright", full=True
    )
    return Matcher(summarize(Recording(header, list(records), True)), client)


def match_one(records, path=PATH):
    return answer(make_matcher(*records), path=path)


def answer(held, method="GET", path=PATH, said=None):
    body = b"" if said is None else msgspec.json.encode(said)
    exchange, _ = held.find(method, path, body, "application/json")
    return bytes(exchange.body)


@pytest.mark.parametrize("first", ["whole", "cut off"])
def test_whole_answer_is_given_where_a_closing_tab_cut_off_another(numbers, first):
    whole = list(make_exchange(numbers, "whole", kind="script", text="all of it"))
    cut_off = list(make_exchange(numbers, "left", kind="script", text="all", left=TAB_GONE))
    assert match_one([*whole, *cut_off] if first == "whole" else [*cut_off, *whole]) == b"all of it"


def test_answer_that_was_cut_off_is_given_where_there_is_no_other(numbers):
    assert match_one(make_exchange(numbers, "left", kind="script", text="all", left=TAB_GONE)) == b"all"


def test_answer_that_broke_by_itself_is_as_good_as_any(numbers):
    """It is what the app did, and who has scripted such a fault wants to see it."""
    broken = list(
        make_exchange(numbers, "broken", kind="script", text="al", left="net::ERR_CONNECTION_RESET")
    )
    assert match_one([*broken, *make_exchange(numbers, "whole", kind="script", text="all of it")]) == b"al"


def test_live_view_that_was_left_is_given_like_any_other(numbers):
    left = list(make_exchange(numbers, "left", kind="eventsource", text="first", left=TAB_GONE))
    assert match_one([*left, *make_exchange(numbers, "whole", kind="eventsource", text="second")]) == b"first"


def test_live_view_from_before_the_sign_in_is_given_where_the_page_looked_at_none_since(numbers):
    before = list(make_exchange(numbers, "before", kind="eventsource", text="idle", left="net::ERR_ABORTED"))
    assert match_one([*before, make_sign_in(numbers)]) == b"idle"


def test_whole_answer_from_before_the_sign_in_is_given_where_a_closing_tab_cut_off_the_other(numbers):
    whole = make_exchange(numbers, "whole", kind="script", text="all of it")
    cut_off = make_exchange(numbers, "left", kind="script", text="all", left=TAB_GONE)
    assert match_one([*whole, make_sign_in(numbers), *cut_off]) == b"all of it"


def test_sign_in_behind_a_message_hides_nothing_of_what_came_before(numbers):
    message = make_exchange(numbers, "sent", method="POST", path=TALK, said=make_message("hello"), text="hi")
    held = make_matcher(*message, make_sign_in(numbers))
    assert answer(held, "POST", TALK, make_message("hello")) == b"hi"


LIST = "/chat/api/v2/conversations?p="
EMPTY = '{"json":{"conversations":[],"hasMore":false}}'
FULL = '{"json":{"conversations":[{"id":"6b01b6a1c2dc352e8e6d1979","title":"a"}],"hasMore":true}}'


def test_page_of_the_list_that_was_not_read_is_its_end(numbers):
    first = list(make_exchange(numbers, "first", path=LIST + "1", text=FULL))
    end = list(make_exchange(numbers, "end", path=LIST + "9999", text=EMPTY))
    assert match_one([*first, *end], LIST + "1") == FULL.encode()
    assert match_one([*first, *end], LIST + "2") == EMPTY.encode()


@pytest.mark.parametrize(("text", "page"), [(FULL, 2), (EMPTY, 0), ("no list", 2)])
def test_page_of_the_list_is_a_mismatch_where_its_end_is_not_known(numbers, text, page):
    with pytest.raises(TapeMismatch, match=rf"p={page}\. The closest on it is GET .*p=1"):
        match_one(make_exchange(numbers, "only", path=LIST + "1", text=text), f"{LIST}{page}")


TALK = "/chat/conversation/6b01b6a1c2dc352e8e6d1979"


def make_message(inputs, *, parent="p", generation="g", **more):
    return {"inputs": inputs, "id": parent, "is_retry": False, "generationId": generation} | more


def test_generation_of_then_is_that_of_now_and_the_time_zone_does_not_matter(numbers):
    then = make_message("hello", generation="1" * 36, timezone="Europe/Berlin")
    held = make_matcher(*make_exchange(numbers, "sent", method="POST", path=TALK, said=then))
    answer(held, "POST", TALK, make_message("hello", generation="2" * 36, timezone="UTC"))
    assert held.put_current_ids(b"of " + b"1" * 36) == b"of " + b"2" * 36


def test_message_is_answered_once(numbers):
    held = make_matcher(*make_exchange(numbers, "sent", method="POST", path=TALK, said=make_message("hello")))
    answer(held, "POST", TALK, make_message("hello"))
    with pytest.raises(TapeMismatch, match=r'answered already: POST .*"hello"'):
        answer(held, "POST", TALK, make_message("hello"))


def test_message_of_the_agent_is_known_by_what_it_says(numbers):
    """It may be sent by page where then a page sent it, with more fields."""
    then = make_message("hello", parent="q", tools=["echo"])
    records = list(make_exchange(numbers, "sent", method="POST", path=TALK, said=then, text="hi"))
    assert answer(make_matcher(*records, client=AGENT), "POST", TALK, make_message("hello")) == b"hi"
    with pytest.raises(TapeMismatch):
        answer(make_matcher(*records), "POST", TALK, make_message("hello"))


def test_message_said_twice_is_known_by_what_it_answers(numbers):
    one = make_exchange(
        numbers, "one", method="POST", path=TALK, said=make_message("more", parent="a"), text="1"
    )
    two = make_exchange(
        numbers, "two", method="POST", path=TALK, said=make_message("more", parent="b"), text="2"
    )
    held = make_matcher(*one, *two, client=AGENT)
    assert answer(held, "POST", TALK, make_message("more", parent="b")) == b"2"
    assert answer(held, "POST", TALK, make_message("more", parent="c")) == b"1"


@pytest.mark.parametrize(("client", "texts"), [(PAGES, ["1", "2", "2"]), (AGENT, ["2", "2", "2"])])
def test_reads_between_two_messages_are_answered_in_step_or_as_at_the_end(numbers, client, texts):
    records = [*make_exchange(numbers, "one", text="1"), *make_exchange(numbers, "two", text="2")]
    records += make_exchange(numbers, "sent", method="POST", path=TALK, said=make_message("hello"))
    records += make_exchange(numbers, "three", text="3")
    held = make_matcher(*records, client=client)
    assert [answer(held).decode() for _ in texts] == texts
    answer(held, "POST", TALK, make_message("hello"))
    assert answer(held) == b"3"


def test_page_may_save_what_it_saved_in_other_words_and_the_agent_not(numbers):
    records = list(
        make_exchange(numbers, "saved", method="POST", path="/chat/settings", said={"a": 1}, text="ok")
    )
    assert answer(make_matcher(*records), "POST", "/chat/settings", {"a": 2}) == b"ok"
    with pytest.raises(TapeMismatch):
        answer(make_matcher(*records, client=AGENT), "POST", "/chat/settings", {"a": 2})


def test_what_was_masked_may_be_anything_and_what_is_null_may_be_left_out(numbers):
    then = {"model": "m", "preprompt": "I am [redacted].", "files": None}
    held = make_matcher(
        *make_exchange(numbers, "made", method="POST", path="/chat/conversation", said=then, text="ok")
    )
    assert answer(held, "POST", "/chat/conversation", {"model": "m", "preprompt": "I am ada."}) == b"ok"
