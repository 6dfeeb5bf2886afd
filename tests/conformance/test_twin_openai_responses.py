"""The twin renders scripts as the Responses API would say them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoloop_conformance.frames import Bytes, End, Gate, joined
from isoloop_conformance.twin import DEFAULT_SIGNATURE, Scene, ScriptError, twin_named
from tests.conformance.shapes import events

TWIN = twin_named("openai-responses")
SCENE = Scene("test-model")
CALL = {"id": "a", "name": "f", "argumentsText": '{"q":1}'}
SEARCH = '{"type": "web_search_call",  "id": "ws_1", "status": "completed"}'
HEAD = ["created", "in_progress"]


def told(*reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the data of the events of a script."""
    return [data for _, data in events(joined(TWIN.stream(reply, SCENE)))]


def kinds(*reply: dict[str, Any]) -> list[str]:
    return [data["type"].removeprefix("response.") for data in told(*reply)]


def item(inner: list[str]) -> list[str]:
    return ["output_item.added", *inner, "output_item.done"]


def text(deltas: int) -> list[str]:
    """Return the kinds of events of a text."""
    inner = ["output_text.delta"] * deltas
    return item(["content_part.added", *inner, "output_text.done", "content_part.done"])


def whole(*reply: dict[str, Any]) -> dict[str, Any]:
    return json.loads(joined(TWIN.body(reply, SCENE)))


def test_a_text_is_an_item_with_a_part() -> None:
    """The order of a live stream."""
    assert [*HEAD, *text(2), "completed"] == kinds({"say": "ab"})


def test_an_empty_script_is_an_answer_without_items() -> None:
    """A terminal event without any block is success (DESIGN 4.24)."""
    assert [*HEAD, "completed"] == kinds()
    assert [] == whole()["output"]


def test_every_event_is_named_and_numbered() -> None:
    """`event:` and `type` agree, `sequence_number` counts from 0."""
    reply = [{"think": "a"}, {"say": "b"}, {"call": CALL}]
    said = events(joined(TWIN.stream(reply, SCENE)))
    assert [name for name, _ in said] == [data["type"] for _, data in said]
    assert list(range(len(said))) == [data["sequence_number"] for _, data in said]


def test_a_call_is_an_item_with_two_ids() -> None:
    """The item's own and the call's; fragments join to the arguments that the end repeats."""
    args = '{"q": 1.0, "q": "日本"}'
    said = told({"call": CALL | {"argumentsText": args}})
    added = {"id": "fc_00twin00", "type": "function_call", "status": "in_progress"}
    assert added | {"arguments": "", "call_id": "a", "name": "f"} == said[2]["item"]
    fragments = [d["delta"] for d in said if d["type"].endswith("arguments.delta")]
    assert "" not in fragments
    assert args == "".join(fragments)
    done = next(d for d in said if d["type"].endswith("arguments.done"))
    assert args == done["arguments"]
    assert ("completed", args) == (said[-2]["item"]["status"], said[-2]["item"]["arguments"])


def test_ids_are_given_made_or_left_out() -> None:
    """An id of the case stays; a missing one is made, always the same; `noId` has none."""
    call = {"name": "f", "argumentsText": "{}"}
    reply = [{"call": call | {"id": "a"}}, {"call": call}, {"call": call | {"noId": True}}]
    assert ["a", "call_00twin02", None] == [i.get("call_id") for i in whole(*reply)["output"]]


def test_thinking_is_an_item_with_a_summary() -> None:
    """The encrypted content changes between added and done, as it does live."""
    reply = {"think": {"text": "ab", "cuts": []}}
    part = ["reasoning_summary_part.added", "reasoning_summary_text.delta"]
    part += ["reasoning_summary_text.done", "reasoning_summary_part.done"]
    assert [*HEAD, *item(part), "completed"] == kinds(reply)
    said = told(reply)
    assert DEFAULT_SIGNATURE != said[2]["item"]["encrypted_content"]
    assert DEFAULT_SIGNATURE == said[-2]["item"]["encrypted_content"]
    assert [{"type": "summary_text", "text": "ab"}] == said[-2]["item"]["summary"]


def test_thinking_may_have_no_summary_or_no_content() -> None:
    """Without text there is no part; unsigned thinking has nothing encrypted."""
    assert [*HEAD, *item([]), "completed"] == kinds({"think": ""})
    unsigned = told({"think": {"text": "a", "unsigned": True}})
    assert all("encrypted_content" not in d["item"] for d in unsigned if "item" in d)
    assert (
        "s" == whole({"think": {"text": "a", "signature": "s"}})["output"][0]["encrypted_content"]
    )


def test_an_opaque_item_goes_through_byte_for_byte() -> None:
    """Blanks and all, also in the last snapshot."""
    reply = [{"opaque": {"kind": "web_search_call", "json": SEARCH}}]
    assert 3 == joined(TWIN.stream(reply, SCENE)).count(SEARCH.encode())
    assert SEARCH.encode() in joined(TWIN.body(reply, SCENE))


def test_interleaved_items_alternate() -> None:
    """Told apart by `output_index` and `item_id`."""
    row = [{"say": {"text": "ab", "cuts": [1]}}, {"call": CALL | {"cuts": [2]}}]
    said = [d for d in told({"interleave": row}) if d["type"].endswith(".delta")]
    assert [0, 1, 0, 1] == [d["output_index"] for d in said]
    assert ["msg_00twin00", "fc_00twin01"] == [d["item_id"] for d in said[:2]]


def test_the_terminal_repeats_everything() -> None:
    """Output and usage, the same as in a body that is not streamed."""
    reply = [{"think": "a"}, {"say": "b"}, {"call": CALL}]
    assert whole(*reply) == told(*reply)[-1]["response"]
    assert ["reasoning", "message", "function_call"] == [i["type"] for i in whole(*reply)["output"]]


def test_usage_counts_caches_within_the_input() -> None:
    """`input` of the contract excludes them, `input_tokens` does not."""
    usage = {"input": 7, "cacheRead": 3, "cacheWrite": 2, "output": 9, "reasoning": 4}
    expected = {
        "input_tokens": 12,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 21,
    }
    assert expected == whole({"usage": usage})["usage"]
    assert whole({"usage": {"none": True}})["usage"] is None
    assert {"output_tokens": 5} == whole({"usage": {"output": 5}})["usage"]


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("end_turn", ("completed", None)),
        ("max_tokens", ("incomplete", {"reason": "max_output_tokens"})),
        ("refusal", ("incomplete", {"reason": "content_filter"})),
        ({"reason": "unknown", "raw": "new"}, ("incomplete", {"reason": "new"})),
    ],
)
def test_stop_reasons_are_the_providers_words(stop: Any, expected: tuple[str, Any]) -> None:
    """Both deliveries say the same; the terminal event is named after the status."""
    reply = [{"say": "a"}, {"stop": stop}]
    body = whole(*reply)
    assert expected == (body["status"], body["incomplete_details"])
    assert expected[0] == kinds(*reply)[-1]
    assert body == told(*reply)[-1]["response"]


def test_the_last_item_of_an_incomplete_answer_is_incomplete() -> None:
    """And those before it are not."""
    reply = [{"say": "a"}, {"call": CALL}, {"stop": "max_tokens"}]
    assert ["completed", "incomplete"] == [i["status"] for i in whole(*reply)["output"]]


def test_a_stop_without_a_terminal_only_ends_the_items() -> None:
    """The reason is in the terminal event alone."""
    assert [*HEAD, *text(1)] == kinds(
        {"say": {"text": "a", "cuts": []}}, {"stop": "end_turn"}, {"end": "fin"}
    )
    cut = [{"say": {"text": "a", "cuts": []}}, {"end": "reset"}]
    assert [*HEAD, *text(1)[:3]] == kinds(*cut)
    assert End("reset") == TWIN.stream(cut, SCENE)[-1]


def test_an_error_is_an_event_or_a_failed_response() -> None:
    """An event of its own when it is alone; after the head the response fails."""
    (alone,) = told({"error": {"kind": "overloaded"}})
    assert ("error", "server_is_overloaded") == (alone["type"], alone["error"]["code"])
    failed = told({"usage": {"input": 1}}, {"error": {"kind": "overloaded"}})[-1]["response"]
    assert ("failed", "server_is_overloaded") == (failed["status"], failed["error"]["code"])
    named = told({"say": "a"}, {"error": {"type": "some_error"}})[-1]["response"]
    assert "some_error" == named["error"]["code"]


def test_the_terminal_is_recognised() -> None:
    """The `truncate` edit cuts before it."""
    for stop in ("end_turn", "max_tokens"):
        frames = TWIN.stream([{"say": "event: response.completed"}, {"stop": stop}], SCENE)
        terminals = [TWIN.is_terminal(f.data) for f in frames if isinstance(f, Bytes)]
        assert [False] * (len(frames) - 1) + [True] == terminals


def test_asides_stand_where_the_script_has_them() -> None:
    """Keep-alives are comments; raw bytes and gates are frames of their own."""
    reply = [{"gate": "g"}, {"ping": True}, {"comment": "c"}, {"raw": "x"}, {"say": "a"}]
    expected = [Gate("g"), Bytes(b": keepalive\n\n"), Bytes(b": c\n\n"), Bytes(b"x")]
    assert expected == TWIN.stream(reply, SCENE)[:4]


@given(
    said=st.text(max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=5),
    part=st.sampled_from(["say", "think", "call"]),
)
@settings(max_examples=50)
def test_deltas_join_to_the_text(said: str, cuts: list[int], part: str) -> None:
    """However a text is cut, its deltas are the text."""
    value: dict[str, Any] = {"name": "f", "argumentsText": said} if part == "call" else {}
    value = value or {"text": said}
    for more in ({"cuts": sorted(min(cut, len(said)) for cut in cuts)}, {}):
        found = [d["delta"] for d in told({part: value | more}) if d["type"].endswith(".delta")]
        assert said == "".join(found)


@pytest.mark.parametrize(
    "reply",
    [
        [{"stop": "tool_use"}],
        [{"call": CALL}, {"stop": "end_turn"}],
        [{"stop": "pause_turn"}],
        [{"stop": {"reason": "stop_sequence", "sequence": "x"}}],
        [{"opaque": {"kind": "x", "json": "{"}}],
        [{"opaque": {"kind": "x", "json": "{}"}}],
        [{"usage": {"input": 1}}, {"usage": {"input": 2}}],
        [{"usage": {"cacheRead": 1}}],
        [{"error": {"kind": "stream_truncated"}}],
    ],
)
def test_what_the_dialect_cannot_say_is_refused(reply: list[dict[str, Any]]) -> None:
    """A case says `only` then; nothing is left out silently."""
    with pytest.raises(ScriptError):
        TWIN.stream(reply, SCENE)


@pytest.mark.parametrize("reply", [[{"raw": "x"}], [{"error": {}}]])
def test_what_json_cannot_carry_is_refused(reply: list[dict[str, Any]]) -> None:
    """A body has no events."""
    with pytest.raises(ScriptError):
        TWIN.body(reply, SCENE)


def test_a_json_body_that_ends_badly_is_cut_in_half() -> None:
    """Enough arrives to be seen as incomplete."""
    full = joined(TWIN.body([{"say": "a"}], SCENE))
    frames = TWIN.body([{"say": "a"}, {"stop": "end_turn"}, {"end": "reset"}], SCENE)
    assert [Bytes(full[: len(full) // 2]), End("reset")] == frames


def test_the_same_script_gives_the_same_bytes() -> None:
    """Nothing but script and scene matters; another exchange has other ids."""
    reply = [{"think": "a"}, {"call": {"name": "f", "argumentsText": "{}"}}]
    assert TWIN.stream(reply, SCENE) == TWIN.stream(reply, SCENE)
    assert TWIN.stream(reply, SCENE) != TWIN.stream(reply, Scene("test-model", 1))
