"""The twin renders scripts as Chat Completions would say them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoloop_conformance.frames import Bytes, End, Gate, joined
from isoloop_conformance.twin import Scene, ScriptError, twin_named
from tests.conformance.shapes import events

TWIN = twin_named("openai-chat")
SCENE = Scene("test-model")
CALL = {"id": "a", "name": "f", "argumentsText": '{"q":1}'}


def chunks(*reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the data of the chunks of a script; `[DONE]` is left out."""
    return [data for _, data in events(joined(TWIN.stream(reply, SCENE)))]


def deltas(*reply: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the deltas that say something, without the head's."""
    given_deltas = [c["choices"][0]["delta"] for c in chunks(*reply) if c.get("choices")]
    return [delta for delta in given_deltas[1:] if delta]


def message(*reply: dict[str, Any]) -> dict[str, Any]:
    return json.loads(joined(TWIN.body(reply, SCENE)))["choices"][0]["message"]


def test_a_text_is_said_between_a_role_and_a_finish_reason() -> None:
    """The order of a live stream: role, text, finish reason, usage, `[DONE]`."""
    said = chunks({"say": {"text": "ab", "cuts": [1]}})
    first = {"role": "assistant", "content": "", "refusal": None}
    assert [first, {"content": "a"}, {"content": "b"}, {}] == [
        c["choices"][0]["delta"] for c in said[:-1]
    ]
    assert [None, None, None, "stop"] == [c["choices"][0]["finish_reason"] for c in said[:-1]]
    assert ([], 15) == (said[-1]["choices"], said[-1]["usage"]["total_tokens"])
    assert Bytes(b"data: [DONE]\n\n") == TWIN.stream([{"say": "ab"}], SCENE)[-1]


def test_an_empty_script_is_an_answer_without_content() -> None:
    """A terminal event without any block is success (DESIGN 4.24)."""
    assert [] == deltas()
    assert message()["content"] is None


def test_every_chunk_is_of_the_same_answer() -> None:
    """The same id, model and time; usage is null until it is told."""
    said = chunks({"say": "abc"}, {"call": CALL})
    same = {(c["id"], c["object"], c["created"], c["model"]) for c in said}
    assert {("chatcmpl-00twin", "chat.completion.chunk", 1767225600, "test-model")} == same
    assert [None] * (len(said) - 1) == [c["usage"] for c in said[:-1]]


def test_a_call_begins_with_id_name_and_first_fragment() -> None:
    """The first fragment is empty unless a case cuts otherwise; joined they are the arguments."""
    text = '{"q": 1.0, "q": "日本"}'
    said = [d["tool_calls"][0] for d in deltas({"call": CALL | {"argumentsText": text}})]
    first = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert first == said[0]
    assert all(entry.keys() == {"index", "function"} for entry in said[1:])
    assert text == "".join(entry["function"]["arguments"] for entry in said)
    assert "tool_calls" == chunks({"call": CALL})[-2]["choices"][0]["finish_reason"]


def test_a_call_can_come_at_once_or_without_arguments() -> None:
    """Groq sends whole calls; a call without any delta has no arguments at all."""
    whole = deltas({"call": CALL | {"cuts": []}})
    assert ['{"q":1}'] == [d["tool_calls"][0]["function"]["arguments"] for d in whole]
    none = deltas({"call": CALL | {"argumentsText": "", "cuts": []}})
    assert [{"name": "f"}] == [d["tool_calls"][0]["function"] for d in none]


def test_calls_are_told_apart_by_index() -> None:
    """Also when their fragments alternate."""
    row = [{"call": CALL | {"cuts": [2]}}, {"call": CALL | {"id": "b", "cuts": [3]}}]
    said = [d["tool_calls"][0] for d in deltas({"interleave": row})]
    assert [0, 1, 0, 1] == [entry["index"] for entry in said]
    assert ["a", "b", None, None] == [entry.get("id") for entry in said]


def test_ids_are_given_made_or_left_out() -> None:
    """An id of the case stays; a missing one is made, always the same; `noId` has none."""
    call = {"name": "f", "argumentsText": "{}"}
    reply = [{"call": call | {"id": "a"}}, {"call": call}, {"call": call | {"noId": True}}]
    assert ["a", "call_00twin02", None] == [c.get("id") for c in message(*reply)["tool_calls"]]


def test_thinking_is_reasoning_content() -> None:
    """As DeepSeek streams it: with a content that is null."""
    said = deltas({"think": {"text": "ab", "cuts": []}}, {"say": {"text": "c", "cuts": []}})
    assert [{"content": None, "reasoning_content": "ab"}, {"content": "c"}] == said
    assert "ab" == message({"think": "ab"}, {"say": "c"})["reasoning_content"]


def test_usage_counts_caches_within_the_prompt() -> None:
    """`input` of the contract excludes them, `prompt_tokens` does not."""
    usage = {"input": 7, "cacheRead": 3, "cacheWrite": 2, "output": 9, "reasoning": 4}
    expected = {
        "prompt_tokens": 12,
        "completion_tokens": 9,
        "total_tokens": 21,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    assert expected == chunks({"usage": usage})[-1]["usage"]


def test_what_is_not_reported_is_absent() -> None:
    """Unknown is not 0; and without any report there is no last chunk."""
    assert {"completion_tokens": 5} == chunks({"usage": {"output": 5}})[-1]["usage"]
    assert "stop" == chunks({"usage": {"none": True}})[-1]["choices"][0]["finish_reason"]


def test_several_usages_are_several_reports() -> None:
    """Earlier ones stand in chunks with choices, the last in the last."""
    first, middle, last = ({"input": 1, "output": n} for n in (1, 4, 9))
    said = chunks({"usage": first}, {"say": "ab"}, {"usage": middle}, {"usage": last})
    told = [(len(c["choices"]), c["usage"]["completion_tokens"]) for c in said if c["usage"]]
    assert [(1, 1), (1, 4), (0, 9)] == told


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("refusal", "content_filter"),
        ({"reason": "unknown", "raw": "new"}, "new"),
    ],
)
def test_stop_reasons_are_the_providers_words(stop: Any, expected: str) -> None:
    """Both deliveries say the same."""
    assert expected == chunks({"stop": stop})[-2]["choices"][0]["finish_reason"]
    body = json.loads(joined(TWIN.body([{"stop": stop}], SCENE)))
    assert expected == body["choices"][0]["finish_reason"]


def test_a_stop_sequence_is_named_beside_the_finish_reason() -> None:
    """As vLLM names it (DIAL-089)."""
    stop = {"stop": {"reason": "stop_sequence", "sequence": "x"}}
    choice = chunks({"say": "a"}, stop)[-2]["choices"][0]
    assert ("stop", "x") == (choice["finish_reason"], choice["stop_reason"])
    body = json.loads(joined(TWIN.body([{"say": "a"}, stop], SCENE)))["choices"][0]
    assert ("stop", "x") == (body["finish_reason"], body["stop_reason"])


def test_texts_may_come_back_after_something_else() -> None:
    """What else speaks ends a text (DIAL-074)."""
    said = deltas({"say": "a"}, {"call": CALL | {"cuts": []}}, {"say": "b"})
    assert [["content"], ["tool_calls"], ["content"]] == [list(delta) for delta in said]


def test_an_answer_may_lack_its_done() -> None:
    """A clean end after the finish reason is success in this dialect (STREAM-013)."""
    frames = TWIN.stream([{"say": "a"}, {"stop": "end_turn"}, {"end": "fin"}], SCENE)
    assert End("fin") == frames[-1]
    assert not any(TWIN.is_terminal(f.data) for f in frames if isinstance(f, Bytes))
    whole = [f.data for f in TWIN.stream([], SCENE) if isinstance(f, Bytes)]
    assert [False] * (len(whole) - 1) + [True] == [TWIN.is_terminal(data) for data in whole]


def test_an_error_is_a_chunk_of_its_own() -> None:
    """Alone before anything else; after the role when usage stands before it."""
    (error,) = chunks({"error": {"kind": "overloaded"}})
    assert ["service_unavailable_error", "server_is_overloaded"] == [
        error["error"][name] for name in ("type", "code")
    ]
    assert 2 == len(chunks({"usage": {"input": 1}}, {"error": {}}))
    named = chunks({"error": {"type": "overloaded_error"}})[0]["error"]
    assert ("overloaded_error", None) == (named["type"], named["code"])


def test_asides_stand_where_the_script_has_them() -> None:
    """Keep-alives are comments; raw bytes and gates are frames of their own."""
    reply = [{"gate": "g"}, {"ping": True}, {"comment": "c"}, {"raw": "x"}, {"say": "a"}]
    expected = [Gate("g"), Bytes(b": PROCESSING\n\n"), Bytes(b": c\n\n"), Bytes(b"x")]
    assert expected == TWIN.stream(reply, SCENE)[:4]


@given(text=st.text(min_size=1, max_size=40), cuts=st.lists(st.integers(0, 40), max_size=5))
@settings(max_examples=50)
def test_deltas_join_to_the_text(text: str, cuts: list[int]) -> None:
    """However texts are cut, their deltas are the text."""
    places = sorted(min(cut, len(text)) for cut in cuts)
    for value in ({"cuts": places}, {}):
        said = deltas({"say": {"text": text, **value}})
        assert text == "".join(d["content"] for d in said)
        said = deltas({"call": CALL | {"argumentsText": text, **value}})
        assert text == "".join(d["tool_calls"][0]["function"]["arguments"] for d in said)


@pytest.mark.parametrize(
    "reply",
    [
        [{"say": "a"}, {"say": "b"}],
        [{"interleave": [{"say": "abc"}, {"call": CALL}]}],
        [{"think": {"text": "a", "signature": "s"}}],
        [{"opaque": {"kind": "x", "json": "{}"}}],
        [{"say": "a"}, {"close": True}],
        [{"say": ""}],
        [{"stop": "pause_turn"}],
        [{"stop": "stop_sequence"}],
        [{"stop": {"reason": "end_turn", "sequence": "x"}}],
        [{"usage": {"input": 1, "cacheWriteLong": 1}}],
        [{"usage": {"cacheRead": 1}}],
        [{"error": {"kind": "stream_truncated"}}],
    ],
)
def test_what_the_dialect_cannot_say_is_refused(reply: list[dict[str, Any]]) -> None:
    """A case says `only` then; nothing is left out silently."""
    with pytest.raises(ScriptError):
        TWIN.stream(reply, SCENE)


@pytest.mark.parametrize(
    "reply",
    [
        [{"call": CALL}, {"say": "a"}],
        [{"think": "a"}, {"say": "b"}, {"think": "c"}],
        [{"raw": "x"}],
        [{"error": {}}],
    ],
)
def test_what_json_cannot_carry_is_refused(reply: list[dict[str, Any]]) -> None:
    """Members have no order, and a body has no events."""
    with pytest.raises(ScriptError):
        TWIN.body(reply, SCENE)


def test_json_carries_arguments_verbatim() -> None:
    """Text in a string: also what is no JSON."""
    call = message({"call": CALL | {"argumentsText": '{"a":1.0,'}})["tool_calls"][0]
    assert {"name": "f", "arguments": '{"a":1.0,'} == call["function"]


def test_a_json_body_that_ends_badly_is_cut_in_half() -> None:
    """Enough arrives to be seen as incomplete."""
    whole = joined(TWIN.body([{"say": "a"}], SCENE))
    frames = TWIN.body([{"say": "a"}, {"stop": "end_turn"}, {"end": "reset"}], SCENE)
    assert [Bytes(whole[: len(whole) // 2]), End("reset")] == frames


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (401, {}, (401, "invalid_api_key")),
        (402, {}, (402, "insufficient_quota")),
        (429, {}, (429, "rate_limit_exceeded")),
        (429, {"kind": "quota_exceeded"}, (429, "insufficient_quota")),
        (503, {}, (503, "server_is_overloaded")),
        (502, {}, (502, "server_error")),
        (418, {}, (418, "invalid_value")),
        (None, {"kind": "context_overflow"}, (400, "context_length_exceeded")),
        (400, {"code": "new_code"}, (400, "new_code")),
        (400, {"type": "new_error"}, (400, None)),
    ],
)
def test_errors_have_the_providers_shape(
    status: int | None, error: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    """What a case leaves out is chosen for the status and the kind."""
    said = TWIN.rejection(status, error, SCENE)
    members = json.loads(said.body)["error"]
    assert {"message", "type", "param", "code"} == members.keys()
    assert members["message"]
    assert expected == (said.status, members["code"])


def test_the_same_script_gives_the_same_bytes() -> None:
    """Nothing but script and scene matters; another exchange has other ids."""
    reply = [{"think": "a"}, {"call": {"name": "f", "argumentsText": "{}"}}]
    assert TWIN.stream(reply, SCENE) == TWIN.stream(reply, SCENE)
    assert TWIN.stream(reply, SCENE) != TWIN.stream(reply, Scene("test-model", 1))
