import pytest
from hypothesis import given
from hypothesis import strategies as st

from huggingchat_agent.wire.lines import LineSplitter
from tests.wire.recordings import read_streams, split_lines


def test_splitter_gives_lines_as_they_are_complete():
    splitter = LineSplitter()
    assert splitter.feed(b"a") == []
    assert splitter.feed(b"b\nc\nd") == [b"ab", b"c"]
    assert splitter.feed(b"\n") == [b"d"]
    assert splitter.close() == b""


def test_splitter_gives_the_line_without_an_end_at_the_close():
    splitter = LineSplitter()
    assert splitter.feed(b"a\n b ") == [b"a"]
    assert splitter.close() == b"b"
    assert splitter.close() == b""


@pytest.mark.parametrize("pad", [b" " * 4096, b" ", b"\r", b"\t "])
def test_splitter_drops_blank_padding_before_a_line_and_at_the_end(pad):
    assert split_lines(b"a\n" + pad, b"b\n") == [b"a", b"b"]
    assert split_lines(b"a\n", pad) == [b"a"]
    assert split_lines(b"a\n", pad, b"\n", pad) == [b"a"]


def test_splitter_keeps_nuls():
    assert split_lines(b"a\0\0\n\0") == [b"a\0\0", b"\0"]


@given(st.lists(st.binary(max_size=12)))
def test_splitter_does_not_mind_how_bytes_are_cut(pieces):
    whole = b"".join(pieces)
    assert split_lines(*pieces) == [line.strip() for line in whole.split(b"\n") if line.strip()]


@pytest.mark.timeout(20)
def test_splitter_takes_a_long_line_in_small_pieces():
    splitter = LineSplitter()
    for _ in range(400_000):  # joining the line again for each would take minutes
        assert not splitter.feed(b"12345678")
    assert splitter.feed(b"\n") == [b"12345678" * 400_000]


@pytest.mark.parametrize(
    "stream",
    read_streams("2026-08") + [each for each in read_streams("2025-04") if each.scenario != "long-token"],
    ids=str,
)
def test_recorded_stream_has_the_same_lines_cut_at_every_byte(stream):
    body = stream.body
    lines = split_lines(body)
    assert all(line.startswith(b"{") and line.endswith(b"}") for line in lines)
    assert all(split_lines(body[:at], body[at:]) == lines for at in range(len(body) + 1))
    assert split_lines(*(body[at : at + 1] for at in range(len(body)))) == lines
