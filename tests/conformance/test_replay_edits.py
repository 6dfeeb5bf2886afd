"""Named edits and cuts: pure functions on a body."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoloop_conformance.frames import (
    Bytes,
    End,
    Frame,
    Gate,
    is_event,
    joined,
    split_events,
)
from isoloop_conformance.replay.chunks import cut
from isoloop_conformance.replay.edits import Body, PlanError, edit

COMMENT = ": ping\n\n"
BODY = b"data: a\n\n: ping\n\ndata: b\n\ndata: end\n\n"


def edited(*edits: dict[str, Any], body: bytes = BODY) -> list[Frame]:
    return edit(Body([*split_events(body)]), edits, lambda event: b"end" in event).frames


def text(*edits: dict[str, Any], body: bytes = BODY) -> str:
    return joined(edited(*edits, body=body)).decode()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"truncate": {"afterEvent": 0}}, ""),
        ({"truncate": {"afterEvent": 1}}, "data: a\n\n"),
        ({"truncate": {"afterEvent": 2}}, "data: a\n\n: ping\n\ndata: b\n\n"),
        ({"truncate": {"afterByte": 12}}, "data: a\n\n: p"),
        ({"truncate": {"beforeTerminal": True}}, "data: a\n\n: ping\n\ndata: b\n\n"),
        (
            {"insert": {"beforeEvent": 0, "raw": "<"}},
            "<data: a\n\n: ping\n\ndata: b\n\ndata: end\n\n",
        ),
        (
            {"insert": {"afterEvent": 1, "raw": ">"}},
            "data: a\n\n: ping\n\ndata: b\n\n>data: end\n\n",
        ),
        ({"insert": {"atEnd": True, "raw": ">"}}, "data: a\n\n: ping\n\ndata: b\n\ndata: end\n\n>"),
        (
            {"replace": {"find": "data: ", "with": "data:"}},
            "data:a\n\n: ping\n\ndata:b\n\ndata:end\n\n",
        ),
        ({"drop": 1}, "data: a\n\n: ping\n\ndata: end\n\n"),
        (
            {"repeat": {"event": 1, "count": 2}},
            "data: a\n\n: ping\n\ndata: b\n\ndata: b\n\ndata: end\n\n",
        ),
        ({"newline": "crlf"}, "data: a\r\n\r\n: ping\r\n\r\ndata: b\r\n\r\ndata: end\r\n\r\n"),
        ({"newline": "cr"}, "data: a\r\r: ping\r\rdata: b\r\rdata: end\r\r"),
    ],
)
def test_an_edit_does_what_its_name_says(entry: dict[str, Any], expected: str) -> None:
    """Events are counted from 0; a comment is none."""
    assert expected == text(entry)


def test_edits_apply_in_order() -> None:
    """Each edit sees the body that the one before it left."""
    assert "data: b\n\n" == text(
        {"drop": 0}, {"drop": 1}, {"replace": {"find": COMMENT, "with": ""}}
    )


def test_a_gate_stands_after_its_event() -> None:
    """The gate is a frame of its own."""
    frames = edited({"gate": {"name": "g", "afterEvent": 0}})
    assert Gate("g") == frames[1]


def test_an_end_is_last_and_there_is_one() -> None:
    """A later `end` replaces an earlier one, also after a cut."""
    frames = edited({"end": "reset"}, {"truncate": {"afterEvent": 1}}, {"end": "stall"})
    assert [Bytes(b"data: a\n\n"), End("stall")] == frames


@pytest.mark.parametrize("style", ["lf", "crlf", "cr", "mixed"])
def test_line_ends_keep_lines_and_events(style: str) -> None:
    """Whatever ends the lines, a reader that knows all three sees the same lines."""
    changed = text({"newline": style}).encode()
    lines = re.split(rb"(?>\r\n|\n|\r)", changed)
    assert BODY.split(b"\n") == lines
    assert 4 == len(split_events(changed))


def test_mixed_line_ends_use_all_three() -> None:
    """Otherwise the edit would test nothing."""
    changed = text({"newline": "mixed"})
    assert re.search("[^\r\n]\r\n", changed)
    assert re.search("\r[^\r\n]", changed)
    assert re.search("[^\r]\n", changed)


@pytest.mark.parametrize(
    "entry",
    [
        {"drop": 3},
        {"truncate": {"afterEvent": 4}},
        {"truncate": {"afterByte": 1000}},
        {"insert": {"raw": "x"}},
        {"replace": {"find": "not there", "with": ""}},
        {"drop": 0, "newline": "cr"},
        {"unknown": 1},
    ],
)
def test_an_edit_that_cannot_be_is_refused(entry: dict[str, Any]) -> None:
    """A case must not pass because its edit did nothing."""
    with pytest.raises(PlanError):
        edited(entry)


def test_nothing_to_truncate_before_is_refused() -> None:
    """`beforeTerminal` needs a terminal."""
    with pytest.raises(PlanError, match="no terminal event"):
        text({"truncate": {"beforeTerminal": True}}, body=b"data: a\n\n")


@given(
    body=st.text(alphabet="aé日🦀\n\r:", max_size=60).map(str.encode),
    mode=st.sampled_from(
        ["as_is", "one", "event", "bytes", "inside_utf8", "inside_crlf", "inside_frames", "every"]
    ),
    size=st.integers(1, 9),
)
@settings(max_examples=100)
def test_a_cut_keeps_every_byte(body: bytes, mode: str, size: int) -> None:
    """Cutting is metamorphic: the same bytes in other pieces, none of them empty."""
    pieces = cut([Bytes(body)] if body else [], mode, size)
    assert body == joined(pieces)
    assert all(isinstance(piece, Bytes) and piece.data for piece in pieces)


@pytest.mark.parametrize(
    ("mode", "body", "expected"),
    [
        ("one", "data: a\n\ndata: b\n\n", ["data: a\n\ndata: b\n\n"]),
        ("event", "data: a\n\ndata: b\n\n", ["data: a\n\n", "data: b\n\n"]),
        ("bytes", "abc", ["a", "b", "c"]),
        ("inside_crlf", "a\r\nb\r\n\r\n", ["a\r", "\nb\r", "\n\r", "\n"]),
        ("inside_frames", "data: a\n\nb", ["data: ", "a", "\n", "\n", "b"]),
    ],
)
def test_a_cut_is_where_its_name_says(mode: str, body: str, expected: list[str]) -> None:
    """The places are exact."""
    pieces = cut([Bytes(body.encode())], mode, None)
    assert [Bytes(piece.encode()) for piece in expected] == pieces


def test_characters_are_cut_at_each_inner_byte() -> None:
    """Two, three and four bytes: no piece is a whole character of more than one byte."""
    pieces = cut([Bytes("é日🦀x".encode())], "inside_utf8", None)
    assert [1, 2, 1, 2, 1, 1, 2] == [
        len(piece.data) for piece in pieces if isinstance(piece, Bytes)
    ]


def test_gates_are_never_cut_over() -> None:
    """Bytes before a gate are never sent together with bytes after it."""
    frames: list[Frame] = [Bytes(b"a"), Bytes(b"b"), Gate("g"), Bytes(b"c")]
    assert [Bytes(b"ab"), Gate("g"), Bytes(b"c")] == cut(frames, "one", None)


def test_a_long_body_is_written_in_larger_pieces() -> None:
    """Many thousand paced writes would take longer than all other cases together."""
    frames: list[Frame] = [Bytes(b"data: x\n\n")] * 10_000
    pieces = cut(frames, "as_is", None)
    assert joined(frames) == joined(pieces)
    assert len(pieces) < 10
    assert frames[:2000] == cut(frames[:2000], "as_is", None)


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"data: a\n\n", True),
        (b"event: a\r\ndata\r\n\r\n", True),
        (b"event: a\rdata:a\r\r", True),
        (b": data\n\n", False),
        (b"retry: 1\n\n", False),
        (b"\n\n", False),
    ],
)
def test_only_what_has_data_is_an_event(data: bytes, event: bool) -> None:
    """SSE dispatches nothing without a data line."""
    assert event == is_event(Bytes(data))


def test_crlf_is_one_line_end() -> None:
    """CR and LF of one line end are no blank line."""
    assert [Bytes(b"a\r\nb\r\n\r\n"), Bytes(b"c")] == split_events(b"a\r\nb\r\n\r\nc")
