"""The twin against traffic that it did not make: hand-written cassettes and real recordings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop_conformance.cassettes import load
from isoloop_conformance.frames import joined
from isoloop_conformance.twin import Scene, twin_named
from tests.conformance.raw_client import CASSETTES
from tests.conformance.shapes import RECORDINGS, events, kind, recorded_exchanges, shape

TWIN = twin_named("anthropic-messages")
USAGE = {"input": 1, "output": 1, "cacheRead": 0, "cacheWrite": 0, "cacheWriteLong": 0}
CALL = {"call": {"id": "a", "name": "get_weather", "argumentsText": '{"city": "Paris"}'}}
OPAQUE = {
    "opaque": {"kind": "redacted_thinking", "json": '{"type":"redacted_thinking","data":"x"}'}
}

# A cassette's interaction, and the script that says the same.
SCRIPTS: list[tuple[str, int, list[dict[str, Any]]]] = [
    ("text/hello", 0, [{"say": "Hello! How can I help you today?"}]),
    ("tools/loop", 0, [{"say": "I'll look it up."}, CALL]),
    ("tools/loop", 1, [{"say": "It is 18 degrees and cloudy in Paris."}]),
    ("tools/parallel-calls", 0, [CALL, CALL]),
    ("tools/empty-arguments", 0, [{"call": {"id": "a", "name": "now", "argumentsText": ""}}]),
    ("tools/max-tokens-in-arguments", 0, [CALL, CALL, {"stop": "max_tokens"}]),
    ("thinking/signature", 0, [{"think": "A spider has eight legs."}, {"say": "Twenty-four."}]),
    ("thinking/tool-call", 0, [{"think": "I need the weather tool."}, CALL]),
    ("thinking/redacted", 0, [OPAQUE, OPAQUE, {"say": "I cannot say more."}]),
    ("errors/in-stream", 0, [{"say": "Once upon a time"}, {"error": {}}]),
    ("stream/truncated", 0, [{"say": "One, two, three"}, {"end": "fin"}]),
    (
        "stop/stop-sequence",
        0,
        [{"say": "one two three"}, {"stop": {"reason": "stop_sequence", "sequence": "four"}}],
    ),
]


@pytest.mark.parametrize(("name", "interaction", "reply"), SCRIPTS, ids=lambda v: str(v)[:40])
def test_a_script_has_the_shape_of_its_cassette(
    name: str, interaction: int, reply: list[dict[str, Any]]
) -> None:
    """Event by event the same kinds in the same order, and the same members with the same kinds."""
    cassette = load(CASSETTES / f"anthropic-messages/{name}.yaml")
    recorded = _shapes(cassette.interactions[interaction].response.body)
    rendered = _shapes(joined(TWIN.stream([{"usage": USAGE}, *reply], Scene("m"))))
    assert [k for k, _ in recorded] == [k for k, _ in rendered]
    for (kind_of, want), (_, got) in zip(recorded, rendered, strict=True):
        if kind_of != "error":
            assert want == got, kind_of


def test_a_json_body_has_the_shape_of_its_cassette() -> None:
    """The members that every recording has; newer ones, `caller` for example, may be missing."""
    response = load(CASSETTES / "anthropic-messages/json/tool-loop.yaml").interactions[0].response
    recorded = json.loads(response.body)
    frames = TWIN.body([{"usage": USAGE}, {"say": "a"}, CALL], Scene("m"))
    rendered = json.loads(joined(frames))
    assert rendered.keys() <= recorded.keys()
    assert rendered["usage"].keys() <= recorded["usage"].keys()
    for want, got in zip(recorded["content"], rendered["content"], strict=True):
        assert got.keys() <= want.keys()


@pytest.mark.parametrize("interaction", range(4))
def test_errors_have_the_shape_of_their_cassettes(interaction: int) -> None:
    """Status by status, the same body."""
    cassette = load(CASSETTES / "anthropic-messages/errors/responses.yaml")
    response = cassette.interactions[interaction].response
    said = TWIN.rejection(response.status, {}, Scene("m"))
    recorded, rendered = json.loads(response.body), json.loads(said.body)
    assert shape(recorded) == shape(rendered)
    assert recorded["error"]["type"] == rendered["error"]["type"]


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_the_twin_says_nothing_that_real_streams_do_not_say() -> None:
    """Every kind of event has the members of real ones, each of a kind seen there."""
    call = {"id": "s", "name": "web_search", "input": {"query": "a"}, "type": "server_tool_use"}
    reply = [
        {"usage": USAGE},
        {"think": "a thought"},
        OPAQUE,
        {"say": "some text"},
        {"ping": True},
        {"opaque": {"kind": "server_tool_use", "json": json.dumps(call)}},
    ]
    known: dict[str, list[Any]] = {}
    bodies = [r["body"]["string"] for _, _, r in _recorded() if _is_stream(r)]
    assert bodies
    for body in bodies:
        for _, data in events(body.encode()):
            known.setdefault(kind(data), []).append(data)
    for name, data in events(joined(TWIN.stream(reply, Scene("m")))):
        assert name == data["type"]
        assert any(_within(data, real) for real in known[kind(data)]), data


@pytest.mark.slow
@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings of the real provider at hand")
def test_the_twin_says_nothing_that_real_bodies_do_not_say() -> None:
    """The same for answers that are not streamed, and for errors."""
    reply = [{"usage": USAGE}, {"say": "some text"}, CALL]
    rendered = json.loads(joined(TWIN.body(reply, Scene("m"))))
    bodies = [r["parsed_body"] for _, _, r in _recorded() if "parsed_body" in r]
    answers = [body for body in bodies if body.get("type") == "message"]
    assert any(_within(rendered | {"content": []}, real) for real in answers)
    for block in rendered["content"]:
        assert any(_within(block, real) for answer in answers for real in answer["content"])
    errors = [body for body in bodies if body.get("type") == "error"]
    said = json.loads(TWIN.rejection(400, {}, Scene("m")).body)
    assert shape(said) in [shape(error) for error in errors]


def _recorded() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    return recorded_exchanges("/v1/messages")


def _is_stream(response: dict[str, Any]) -> bool:
    return response["headers"].get("content-type", [""])[0].startswith("text/event-stream")


def _within(value: Any, real: Any) -> bool:
    """Whether a value's members are a real one's, with values of the same kind."""
    if isinstance(value, dict) and isinstance(real, dict):
        return all(key in real and _within(inner, real[key]) for key, inner in value.items())
    return isinstance(value, list) or shape(value) == shape(real)


def _shapes(body: bytes) -> list[tuple[str, Any]]:
    """Return the kinds and shapes of a stream, without pings and with equal neighbours once."""
    found: list[tuple[str, Any]] = []
    for _, data in events(body):
        entry = (kind(data), shape(data))
        if entry[0] != "ping" and entry not in found[-1:]:
            found.append(entry)
    return found
