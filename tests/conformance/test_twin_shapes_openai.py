"""OpenAI's twins against traffic that they did not make: hand-written cassettes and recordings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop_conformance.cassettes import load
from isoloop_conformance.frames import joined
from isoloop_conformance.twin import Scene, twin_named
from tests.conformance.raw_client import CASSETTES
from tests.conformance.shapes import RECORDINGS, events, recorded_exchanges, shape

USAGE = {"usage": {"input": 1, "output": 1, "cacheRead": 0, "reasoning": 0}}
CALL = {"call": {"id": "a", "name": "get_weather", "argumentsText": '{"city": "Paris"}'}}
CUT = {"end": "fin"}

# A cassette's interaction, and the script that says the same.
CHAT: list[tuple[str, int, list[dict[str, Any]]]] = [
    ("text/hello", 0, [{"say": "Hello! How can I help you today?"}]),
    ("tools/loop", 0, [{"say": "I'll look it up."}, CALL]),
    ("tools/loop", 1, [{"say": "It is 18 degrees and cloudy in Paris."}]),
    ("tools/parallel-calls", 0, [CALL, CALL]),
    ("tools/max-tokens-in-arguments", 0, [CALL, CALL, {"stop": "max_tokens"}]),
    ("stop/refusal", 1, [{"say": {"text": "Well,", "cuts": []}}, {"stop": "refusal"}]),
    ("errors/in-stream", 0, [{"say": "Once upon a time"}, {"error": {}}]),
    ("stream/truncated", 0, [{"say": "One, two, three"}, CUT]),
]
RESPONSES: list[tuple[str, int, list[dict[str, Any]]]] = [
    ("text/hello", 0, [{"say": "Hello! How can I help you today?"}]),
    ("tools/loop", 0, [{"say": "I'll look it up."}, CALL]),
    ("tools/loop", 1, [{"say": "It is 18 degrees and cloudy in Paris."}]),
    ("tools/parallel-calls", 0, [CALL, CALL]),
    ("thinking/tool-call", 0, [{"think": ""}, CALL]),
    ("stop/incomplete", 0, [CALL, CALL, {"stop": "max_tokens"}]),
    ("errors/in-stream", 0, [{"error": {"kind": "overloaded"}}]),
    ("errors/in-stream", 1, [{"error": {"kind": "overloaded"}}]),
    ("stream/truncated", 0, [{"say": "One, two, three"}, CUT]),
]


@pytest.mark.parametrize(("name", "interaction", "reply"), CHAT, ids=lambda v: str(v)[:40])
def test_a_chat_script_has_the_shape_of_its_cassette(
    name: str, interaction: int, reply: list[dict[str, Any]]
) -> None:
    """Chunk by chunk the same deltas in the same order, and no member that the cassette lacks."""
    recorded = _answer("openai-chat", name, interaction)
    rendered = joined(twin_named("openai-chat").stream([USAGE, *reply], Scene("m")))
    _compare(recorded, rendered, _chunk_kind)
    assert recorded.rstrip().endswith(b"[DONE]") == rendered.rstrip().endswith(b"[DONE]")


@pytest.mark.parametrize(("name", "interaction", "reply"), RESPONSES, ids=lambda v: str(v)[:40])
def test_a_responses_script_has_the_shape_of_its_cassette(
    name: str, interaction: int, reply: list[dict[str, Any]]
) -> None:
    """Event by event the same types in the same order, and no member that the cassette lacks."""
    recorded = _answer("openai-responses", name, interaction)
    headed = [] if interaction == 1 and "error" in reply[0] else [USAGE]
    twin = twin_named("openai-responses")
    rendered = joined(twin.stream([*headed, *reply], Scene("m")))
    _compare(recorded, rendered, lambda data: str(data["type"]))


def test_a_summary_has_the_shape_of_its_cassette() -> None:
    """The events of a summary are in no recording that is at hand."""
    recorded = _answer("openai-responses", "thinking/summary", 0)
    twin = twin_named("openai-responses")
    reply = [USAGE, {"think": "Counting: a spider has eight legs."}, {"say": "Twenty-four."}]
    rendered = joined(twin.stream(reply, Scene("m")))
    _compare(recorded, rendered, lambda data: str(data["type"]))


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses"])
def test_a_json_body_has_the_shape_of_its_cassette(dialect: str) -> None:
    """No member that the cassette lacks."""
    recorded = json.loads(_answer(dialect, "json/tool-loop", 0))
    reply = [USAGE, {"say": "a"}, CALL]
    rendered = json.loads(joined(twin_named(dialect).body(reply, Scene("m"))))
    assert _within(rendered, recorded)


@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses"])
@pytest.mark.parametrize("interaction", range(4))
def test_errors_have_the_words_of_their_cassettes(dialect: str, interaction: int) -> None:
    """Status by status, the same type and code."""
    cassette = load(CASSETTES / dialect / "errors/responses.yaml")
    response = cassette.interactions[interaction].response
    kinds = ["authentication", "rate_limited", "quota_exceeded", "context_overflow"]
    said = twin_named(dialect).rejection(None, {"kind": kinds[interaction]}, Scene("m"))
    want, got = (json.loads(body)["error"] for body in (response.body, said.body))
    assert (response.status, want["type"], want["code"]) == (said.status, got["type"], got["code"])
    assert want.keys() == got.keys()


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_the_chat_twin_says_nothing_that_real_streams_do_not_say() -> None:
    """Every chunk is a part of a real one, member by member of the same kind."""
    real = _recorded_events("/chat/completions")
    for reply in ([{"say": "some text"}], [CALL, CALL]):
        for _, data in _told("openai-chat", [USAGE, *reply]):
            assert any(_within(data, chunk) for chunk in real), data
    # Thinking is DeepSeek's, which names no service tier.
    for _, data in _told("openai-chat", [{"think": "hm"}, {"say": "so"}]):
        del data["service_tier"]
        assert any(_within(data, chunk) for chunk in real), data


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_the_responses_twin_says_nothing_that_real_streams_do_not_say() -> None:
    """Every event is a part of a real one of its type; summaries are in no recording."""
    real = _recorded_events("/responses")
    reply = [USAGE, {"think": ""}, {"say": "some text"}, CALL]
    for name, data in _told("openai-responses", reply):
        assert name == data["type"]
        of_type = [r for r in real if r["type"] == name]
        assert any(_within(_bare(data), event) for event in of_type), data


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
@pytest.mark.parametrize(
    ("dialect", "path"), [("openai-chat", "/chat/completions"), ("openai-responses", "/responses")]
)
def test_the_twins_say_nothing_that_real_bodies_do_not_say(dialect: str, path: str) -> None:
    """The same for answers that are not streamed, and for errors."""
    exchanges = [e for e in recorded_exchanges(path) if "api.openai.com" in e[1]["uri"]]
    bodies = [r["parsed_body"] for _, _, r in exchanges if "parsed_body" in r]
    twin = twin_named(dialect)
    for reply in ([{"say": "some text"}], [CALL], [CALL, CALL]):
        rendered = json.loads(joined(twin.body([USAGE, *reply], Scene("m"))))
        assert any(_within(rendered, real) for real in bodies), rendered
    said = json.loads(twin.rejection(400, {}, Scene("m")).body)["error"]
    errors = [body["error"] for body in bodies if body.get("error")]
    assert any(said.keys() == error.keys() for error in errors)


def _told(dialect: str, reply: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return events(joined(twin_named(dialect).stream(reply, Scene("m"))))


def _answer(dialect: str, name: str, interaction: int) -> bytes:
    return load(CASSETTES / dialect / f"{name}.yaml").interactions[interaction].response.body


def _recorded_events(path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _, _, response in recorded_exchanges(path):
        if response["headers"].get("content-type", [""])[0].startswith("text/event-stream"):
            found += [data for _, data in events(response["body"]["string"].encode())]
    assert found
    return found


def _compare(recorded: bytes, rendered: bytes, kind: Any) -> None:
    """Compare kinds in order, equal neighbours once, and members."""
    want, got = ([data for _, data in events(body)] for body in (recorded, rendered))
    assert _rows(want, kind) == _rows(got, kind)
    for data in got:
        assert any(_within(data, real) for real in want if kind(real) == kind(data)), data


def _rows(told: list[dict[str, Any]], kind: Any) -> list[str]:
    kinds: list[str] = []
    for data in told:
        if kind(data) not in kinds[-1:]:
            kinds.append(kind(data))
    return kinds


def _chunk_kind(data: dict[str, Any]) -> str:
    """Return what a chunk is for: the members of its delta, and of its first call."""
    if not data.get("choices"):
        return ",".join(sorted(name for name in ("error", "usage") if data.get(name)))
    choice = data["choices"][0]
    delta = choice["delta"]
    calls = [sorted(call) for call in delta.get("tool_calls", [])]
    return f"{sorted(delta)} {calls} {choice['finish_reason']}"


def _bare(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the items of a snapshot are: each was compared by itself."""
    response = data.get("response")
    return data if response is None else {**data, "response": {**response, "output": []}}


def _within(value: Any, real: Any) -> bool:
    """Whether a value's members are a real one's, with values of the same kind.

    What is null may be anything there, and what is something there may be null here.
    """
    if value is None or real is None:
        return True
    if isinstance(value, dict) and isinstance(real, dict):
        return all(key in real and _within(inner, real[key]) for key, inner in value.items())
    if isinstance(value, list) and isinstance(real, list):
        return all(any(_within(item, other) for other in real) for item in value)
    return shape(value) == shape(real)
