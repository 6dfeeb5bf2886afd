"""How the calls of an answer are put together."""

from __future__ import annotations

from typing import Any

import pytest

from isoloop.contract import ToolCallBlock
from isoloop.wire import ToolCallDelta, ToolCallEnded, ToolCallStarted
from tests.wire.openai_chat.wire import (
    DIALECT,
    call,
    calls,
    content,
    decoder,
    delta,
    fragment,
    own,
    read,
    tail,
)

FINISH = tail("tool_calls")


def view(*parts: bytes, **options: Any) -> list[tuple[str, str, str]]:
    """Show the calls of an answer."""
    return [(b.id, b.name, b.arguments_text) for b in content(*parts, FINISH, **options)]


def test_a_call_comes_as_start_deltas_end() -> None:
    """DIAL-075, STREAM-007: id and name come once, with the first fragment."""
    pieces, _ = read(
        delta(content=None, tool_calls=[fragment(0, "", call_id="a", name="x")]),
        calls(fragment(0, '{"n"')),
        calls(fragment(0, ":1}")),
        FINISH,
    )
    assert [
        ToolCallStarted(0, "a", "x"),
        ToolCallDelta(0, '{"n":1}'),
        ToolCallEnded(0, "a", "x", '{"n":1}', "complete", {"n": 1}),
    ] == pieces[1:]


def test_interleaved_calls_keep_their_own_arguments() -> None:
    """DIAL-075, STREAM-004 (B-25, C18)."""
    assert [("a", "x", '{"n":1}'), ("b", "y", '{"m":2}')] == view(
        calls(fragment(0, '{"n"', call_id="a", name="x")),
        calls(fragment(1, '{"m"', call_id="b", name="y")),
        calls(fragment(0, ":1}"), fragment(1, ":2}")),
    )


def test_indexes_may_have_gaps() -> None:
    """A host that counts from 1 makes no phantom of 0."""
    assert [("a", "x", "{}"), ("b", "y", "{}")] == view(
        calls(fragment(1, "{}", call_id="a", name="x")),
        calls(fragment(7, "{}", call_id="b", name="y")),
    )


@pytest.mark.parametrize(
    "repeated", [{"call_id": "a", "name": "x"}, {"call_id": "a"}, {"name": "x"}]
)
def test_what_is_repeated_counts_once(repeated: dict[str, str]) -> None:
    """DIAL-075: id, name or both in every fragment."""
    assert [("a", "x", '{"n":1}')] == view(
        calls(fragment(0, "", call_id="a", name="x")),
        calls(fragment(0, '{"n"', **repeated)),
        calls(fragment(0, ":1}", **repeated)),
    )


def test_ids_that_change_with_every_fragment_are_one_call() -> None:
    """DIAL-076: another id begins a call only with a name."""
    assert [("a", "x", "{}")] == view(
        calls(fragment(0, "{", call_id="a", name="x")), calls(fragment(0, "}", call_id="b"))
    )


@pytest.mark.parametrize("missing", [None, "", "null"])
def test_missing_ids_are_made(missing: str | None) -> None:
    """DIAL-076, TOOL-011."""
    assert [("call_1", "x", "{}"), ("call_2", "y", "{}")] == view(
        calls(fragment(0, "{}", call_id=missing, name="x")),
        calls(fragment(1, "{}", call_id=missing, name="y")),
    )


def test_an_id_may_come_late() -> None:
    """DIAL-076: before the first text of the arguments."""
    assert [("a", "x", "{}")] == view(
        calls(fragment(0, name="x")), calls(fragment(0, "{}", call_id="a"))
    )


def test_equal_ids_are_made_unique() -> None:
    """TOOL-011: both stay; the transcript's count too."""
    twice = (
        calls(fragment(0, "{}", call_id="a", name="x")),
        calls(fragment(1, "{}", call_id="a", name="x")),
        FINISH,
    )
    assert ["a", "a~2"] == [block.id for block in content(*twice)]
    reader = DIALECT.decoder(call(), taken={"a"})
    pieces = [piece for part in twice for piece in reader.feed(part)]
    started = [piece for piece in pieces if isinstance(piece, ToolCallStarted)]
    assert ["a~2", "a~3"] == [piece.call_id for piece in started]


def test_whole_calls_under_one_index_are_told_apart() -> None:
    """DIAL-076: by id, by name, and where one is complete and another object begins."""
    assert [("a", "x", "{}"), ("b", "x", "{}")] == view(
        calls(fragment(0, "{}", call_id="a", name="x"), fragment(0, "{}", call_id="b", name="x"))
    )
    assert [("call_1", "x", "{}"), ("call_2", "y", "{}"), ("call_3", "y", '{"n":1}')] == view(
        calls(fragment(0, "{}", name="x")),
        calls(fragment(0, "{}", name="y")),
        calls(fragment(0, '{"n":1}', name="y")),
    )


def test_fragments_without_an_index_go_on_with_the_last_call() -> None:
    """DIAL-076: an id that is known says which, one that is not begins another."""
    assert [("a", "x", '{"n":1}'), ("b", "y", "{}")] == view(
        calls(fragment(None, '{"n"', call_id="a", name="x")),
        calls(fragment(None, ":1")),
        calls(fragment(None, "{}", call_id="b", name="y")),
        calls(fragment(None, "}", call_id="a")),
    )


def test_a_name_in_fragments_is_joined() -> None:
    """DIAL-077: the call starts when it is complete."""
    reader = decoder()
    assert [] == reader.feed(calls(fragment(0, call_id="a", name="get_")))
    assert [] == reader.feed(calls(fragment(0, "", name="weather")))
    started = reader.feed(calls(fragment(0, "{}")))[1]
    assert ToolCallStarted(0, "a", "get_weather") == started


def test_a_call_without_arguments_starts_with_what_follows() -> None:
    """DIAL-077, TOOL: blank arguments are an empty object."""
    pieces, _ = read(
        calls(fragment(0, "", call_id="a", name="x")),
        calls(fragment(1, "", call_id="b", name="y")),
        FINISH,
    )
    assert [
        ToolCallStarted(0, "a", "x"),
        ToolCallStarted(1, "b", "y"),
        ToolCallEnded(0, "a", "x", "", "complete", {}),
        ToolCallEnded(1, "b", "y", "", "complete", {}),
    ] == pieces[1:]


def test_an_earlier_call_may_go_on_before_a_later_one_was_told() -> None:
    """DIAL-077: the later one is not lost."""
    assert [("a", "x", '{"n":1}'), ("b", "y", "")] == view(
        calls(fragment(0, '{"n"', call_id="a", name="x")),
        calls(fragment(1, "", call_id="b", name="y")),
        calls(fragment(0, ":1}", call_id="a")),
    )


@pytest.mark.parametrize(
    ("arguments", "state"), [("{", "invalid"), ("null", "invalid"), ('{"a":1}', "complete")]
)
def test_arguments_are_read_at_the_end(arguments: str, state: str) -> None:
    """TOOL: strictly, and never repaired."""
    pieces, _ = read(calls(fragment(0, arguments, call_id="a", name="x")), FINISH)
    ended = pieces[-1]
    assert isinstance(ended, ToolCallEnded)
    assert (arguments, state) == (ended.arguments_text, ended.arguments_state)


def test_arguments_may_be_an_object() -> None:
    """The text of its numbers is kept."""
    assert [("a", "x", '{"n":1.0}')] == view(calls(fragment(0, {"n": 1.0}, call_id="a", name="x")))


def test_the_form_before_tool_calls() -> None:
    """DIAL-080: a call without an id; a blank one is none."""
    assert [("call_1", "x", '{"n":1}')] == view(
        delta(function_call={"name": "x", "arguments": '{"n"'}),
        delta(function_call={"arguments": ":1}"}),
    )
    assert [] == view(delta(function_call={"name": "", "arguments": ""}))


def test_a_custom_call_is_kept_as_it_is() -> None:
    """DIAL-080: its text is no JSON, so it is answered and not run."""
    custom = {
        "index": 0,
        "id": "a",
        "type": "custom",
        "custom": {"name": "run", "input": "print(1)"},
    }
    assert [
        ToolCallBlock(
            id="a", name="run", arguments_text="print(1)", provider_data=own(type="custom")
        )
    ] == content(calls(custom), FINISH)


def test_the_signature_of_a_call_is_kept() -> None:
    """DIAL-080: Gemini's."""
    extra = {"google": {"thought_signature": "s"}}
    signed = {**fragment(0, "{}", call_id="a", name="x"), "extra_content": extra}
    assert [
        ToolCallBlock(id="a", name="x", arguments_text="{}", provider_data=own(extra_content=extra))
    ] == content(calls(signed).replace(b'": "', b'":"').replace(b'": {', b'":{'), FINISH)


def test_text_between_calls_does_not_part_them() -> None:
    """DIAL-074: calls end with the answer."""
    blocks = content(
        calls(fragment(0, '{"n"', call_id="a", name="x")),
        delta(content="hm"),
        calls(fragment(0, ":1}")),
        FINISH,
    )
    assert ['{"n":1}', "hm"] == [blocks[0].arguments_text, blocks[1].text]


def test_names_alone_tell_calls_apart_without_an_index() -> None:
    """DIAL-076: another name begins another call."""
    assert [("call_1", "x", "{}"), ("call_2", "y", "{}")] == view(
        calls(fragment(None, "{}", name="x")), calls(fragment(None, "{}", name="y"))
    )


def test_a_call_without_a_name_is_still_answered() -> None:
    """Nothing is dropped: no tool has that name."""
    assert [("a", "", "{}")] == view(calls(fragment(0, "{}", call_id="a")))
