"""The streams of a connection send in turn, and an ended stream costs nothing."""

import asyncio
import ssl

import httpx
import pytest
from priority.priority import DeadlockError, DuplicateStreamError, MissingStreamError

from fixtures.site import StandIn
from fixtures.site.round_robin import RoundRobin


def make(*streams):
    made = RoundRobin()
    for each in streams:
        made.insert_stream(each)
    return made


def take(streams, count):
    return [next(streams) for _ in range(count)]


def test_ready_streams_take_turns():
    assert take(make(1, 3, 5), 7) == [1, 3, 5, 1, 3, 5, 1]


def test_a_blocked_stream_is_left_out_until_it_is_ready_again():
    streams = make(1, 3)
    streams.block(1)
    assert take(streams, 2) == [3, 3]
    streams.unblock(1)
    streams.unblock(1)
    assert take(streams, 4) == [3, 1, 3, 1]


def test_priorities_of_the_client_change_nothing():
    streams = make(1)
    streams.insert_stream(3, depends_on=1, weight=256, exclusive=True)
    streams.reprioritize(stream_id=1, depends_on=3, weight=1, exclusive=True)
    streams.reprioritize(stream_id=99, depends_on=None, weight=1, exclusive=False)
    assert take(streams, 4) == [1, 3, 1, 3]


def test_without_a_ready_stream_there_is_nothing_to_send():
    streams = make(1)
    streams.block(1)
    with pytest.raises(DeadlockError):
        next(streams)
    streams.remove_stream(1)
    with pytest.raises(DeadlockError):
        next(streams)


def test_unknown_and_repeated_streams_are_errors_as_in_the_tree():
    streams = make(1)
    with pytest.raises(DuplicateStreamError):
        streams.insert_stream(1)
    streams.remove_stream(1)
    for method in (streams.remove_stream, streams.block, streams.unblock):
        with pytest.raises(MissingStreamError):
            method(1)


def test_answers_that_share_a_connection_come_whole_and_leave_it(monkeypatch):
    ended = []

    def note(self, stream_id, remove=RoundRobin.remove_stream):
        ended.append(stream_id)
        remove(self, stream_id)

    monkeypatch.setattr(RoundRobin, "remove_stream", note)

    async def read_all(site):
        trust = ssl.create_default_context(cadata=site.authority.decode())
        async with httpx.AsyncClient(http2=True, verify=trust, trust_env=False) as http:
            return await asyncio.gather(*(http.get(f"{site.url}/") for _ in range(40)))

    with StandIn(tls=True) as site:
        answers = asyncio.run(read_all(site))
    assert {each.http_version for each in answers} == {"HTTP/2"}
    assert all(each.text.rstrip().endswith("</html>") for each in answers)
    assert len(set(ended)) == 40
