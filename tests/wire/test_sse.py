"""Server-sent events by the WHATWG rules, however the bytes are cut."""

from __future__ import annotations

import re
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoloop.wire._sse import SseDecoder, text_of


def decoded(*chunks: bytes) -> list[tuple[str, str]]:
    """Decode chunks into names and texts."""
    decoder = SseDecoder()
    return [
        (text_of(event.name), text_of(event.data))
        for chunk in chunks
        for event in decoder.feed(chunk)
    ]


def by_the_rules(body: bytes) -> list[tuple[str, str]]:
    """Read the whole body the way the rules are written, slowly; an independent reading."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = re.split("\r\n|\r|\n", text)[:-1]  # the last one has no end
    found: list[tuple[str, str]] = []
    data, name = "", ""
    for line in lines:
        if line == "":
            if data != "":
                found.append((name, data[:-1]))
            data, name = "", ""
            continue
        if line.startswith(":"):
            continue
        field, colon, value = line.partition(":")
        if colon and value.startswith(" "):
            value = value[1:]
        if field == "data":
            data += value + "\n"
        elif field == "event":
            name = value
    return found


FRAGMENTS = [
    b"data: ", b"data:", b"data", b"event: ", b"event:x", b"id: 1", b"retry: 5", b": ping", b":",
    b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n", b" ", b"  ", b'{"a":1}', b"\xef\xbb\xbf", b"\xff",
    "é".encode(), "🦀".encode(), b"\xf0\x9f", b"\0", b"x",
]  # fmt: skip
BODIES = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join)


@given(BODIES)
def test_a_body_gives_what_the_rules_say(body: bytes) -> None:
    """STREAM-018, 020 to 024, 026."""
    assert by_the_rules(body) == decoded(body)


@given(BODIES, st.lists(st.integers(0, 200), max_size=8))
def test_any_cutting_gives_the_same_events(body: bytes, places: list[int]) -> None:
    """STREAM-019."""
    cuts = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    chunks = [body[a:b] for a, b in pairwise(cuts)]
    assert decoded(body) == decoded(*chunks)


@given(BODIES)
def test_one_byte_at_a_time_gives_the_same_events(body: bytes) -> None:
    """STREAM-019: inside characters, line ends and the byte order mark."""
    assert decoded(body) == decoded(*(body[i : i + 1] for i in range(len(body))))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"data: a\n\n", [("", "a")]),
        (b"data:a\n\n", [("", "a")]),
        (b"data:  a\n\n", [("", " a")]),
        (b"event: e\r\ndata: a\r\n\r\n", [("e", "a")]),
        (b"event: e\rdata: a\r\r", [("e", "a")]),
        (b"event: e\ndata: a\r\n\r", [("e", "a")]),
        (b"data: a\ndata: b\n\n", [("", "a\nb")]),
        (b"data\n\n", [("", "")]),
        (b"data: a\n: ping\ndata: b\n\n", [("", "a\nb")]),
        (b"event: e\n\ndata: a\n\n", [("", "a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"data: \xff\n\n", [("", "\ufffd")]),
        (b"id: 7\nretry: 10\nother: x\ndata: a\n\n", [("", "a")]),
    ],
)
def test_each_rule(body: bytes, expected: list[tuple[str, str]]) -> None:
    """STREAM-018 to 024, one by one."""
    assert expected == decoded(body)


def test_a_line_end_cut_in_two_is_one_line_end() -> None:
    """STREAM-018: no phantom blank line between CR and LF."""
    assert [("e", "a")] == decoded(b"event: e\r", b"\ndata: a\r", b"\n\r", b"\n")


def test_a_byte_order_mark_may_come_in_pieces() -> None:
    """STREAM-020; what only begins like one is text."""
    assert [("", "a")] == decoded(b"\xef", b"\xbb", b"\xbfdata: a\n\n")
    assert [] == decoded(b"\xef", b"\xbb", b"data: a\n\n")


def test_the_last_id_and_the_retry_time_are_kept() -> None:
    """The other fields of the rules; an id with a NUL and a retry that is no number are ignored."""
    decoder = SseDecoder()
    decoder.feed(b"id: 7\nid: a\0b\nretry: 10\nretry: soon\n\n")
    assert ("7", 10) == (decoder.last_event_id, decoder.retry_ms)


def work_of(body: bytes, size: int) -> int:
    """Count the Python instructions (lines) that decoding takes: a clock that does not jitter."""
    decoder, lines = SseDecoder(), 0

    def trace(frame: object, event: str, arg: object) -> object:
        nonlocal lines
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for start in range(0, len(body), size):
            decoder.feed(body[start : start + size])
    finally:
        sys.settrace(before)
    return lines


def test_the_work_is_linear_in_the_number_of_chunks() -> None:
    """A line twice as long, byte by byte, takes about twice the steps."""
    one, two = (work_of(b"data: " + b"x" * size + b"\n\n", 1) for size in (2_000, 4_000))
    assert two < 2.1 * one


class CountingBytes(bytes):
    """Counts how many bytes are searched for line ends."""

    searched = 0

    def __contains__(self, key: object) -> bool:
        CountingBytes.searched += len(self)
        return super().__contains__(key)


def test_an_unfinished_line_is_not_searched_again() -> None:
    """STREAM-027: a huge line that comes in pieces costs its length, not its square."""
    decoder = SseDecoder()
    CountingBytes.searched = 0
    decoder.feed(b"data: ")
    for _ in range(1000):
        decoder.feed(CountingBytes(b"x" * 100))
    assert [100_000] == [len(event.data) for event in decoder.feed(b"\n\n")]
    assert CountingBytes.searched <= 2 * 100_000  # once for CR, once for LF


def test_a_line_of_8_mib_arrives_whole() -> None:
    """STREAM-027."""
    line = b"x" * (8 * 1024 * 1024)
    chunks = [b"data: ", *(line[i : i + 65536] for i in range(0, len(line), 65536)), b"\n\n"]
    decoder = SseDecoder()
    (event,) = [event for chunk in chunks for event in decoder.feed(chunk)]
    assert line == event.data


def test_100_000_events_arrive_in_order() -> None:
    """STREAM-027."""
    body = b"".join(b"data: %d\n\n" % number for number in range(100_000))
    assert [b"%d" % n for n in range(100_000)] == [e.data for e in SseDecoder().feed(body)]
