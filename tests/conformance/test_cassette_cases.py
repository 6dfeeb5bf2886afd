"""Cases replay cassettes: each cassette is used, and a case that does not fit one says so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from isoloop_conformance.cassettes import load
from isoloop_conformance.frames import joined
from isoloop_conformance.loader import CasesError, load_case, load_cases, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.replay.plan import ReplayPlan, answers
from isoloop_conformance.runner import Runner
from isoloop_conformance.variants import DIALECTS, resolve

REQUIREMENTS = {"LOOP-001": "A rule."}
CASE = """\
format: 1
id: loop.example
title: An example
requirements: [LOOP-001]
level: must
since: "1.0"
profile: loop
kill: Something goes wrong in a way that nobody sees.
variants:
  dialect: [anthropic-messages]
exchanges:
  - cassette: {name: tools/loop, interaction: 0}
    edits: [{insert: {atEnd: true, raw: ": over"}}, {gate: {name: middle, afterEvent: 3}}]
steps:
  - run: {input: go}
expect:
  requests:
    - messages: [{role: user, content: go}]
  result: {outcome: completed}
"""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_cassette_is_used_by_a_case(dialect: str) -> None:
    """A recording that no case replays shows nothing; one of the twin is a case's own script."""
    used = {
        exchange["cassette"]["name"]
        for case, exchange in recorded_exchanges()
        if dialect in case["variants"]["dialect"] and dialect in exchange.get("only", [dialect])
    }
    folder = places().cassettes / dialect
    names = {
        path.relative_to(folder).with_suffix("").as_posix()
        for path in folder.rglob("*.yaml")
        if load(path).provenance["kind"] != "twin"
    }
    assert set() == names - used


def test_every_kind_of_edit_changes_some_recording() -> None:
    """The named edits are there for recordings; each of them is shown by a case, or by `repeat`."""
    kinds = {
        kind
        for _, exchange in recorded_exchanges()
        for entry in exchange.get("edits", [])
        for kind in entry
    }
    schema = {"rechunk", "truncate", "insert", "replace", "drop", "newline", "gate", "end", "gzip"}
    assert set() == schema - kinds


def test_a_recording_without_edits_is_sent_byte_for_byte() -> None:
    """Body, status and pieces are those of the file."""
    sent = answers(plan({"cassette": {"name": "text/hello"}}), places().cassettes)[0]
    path = places().cassettes / "anthropic-messages/text/hello.yaml"
    response = load(path).interactions[0].response
    assert response.body == joined(sent.frames)
    assert response.chunks == sent.frames
    assert response.status == sent.status


def test_edits_count_events_and_not_the_pieces_of_then() -> None:
    """A recording whose pieces hold several events is cut at an event all the same."""
    exchange = {"cassette": {"name": "text/hello"}, "edits": [{"truncate": {"afterEvent": 4}}]}
    sent = joined(answers(plan(exchange), places().cassettes)[0].frames)
    assert 4 == sent.count(b"\ndata:")
    assert sent.endswith(b'"text":"Hello"}   }\n\n')


@pytest.mark.parametrize(
    ("change", "to", "line", "told"),
    [
        (
            "tools/loop",
            "tools/lop",
            12,
            (
                "exchanges[0].cassette: there is no cassette `tools/lop` of anthropic-messages; "
                "did you mean `tools/loop`"
            ),
        ),
        (
            "tools/loop",
            "mine/own",
            12,
            (
                "exchanges[0].cassette: there is no cassette `mine/own` of anthropic-messages; "
                "it would be the file anthropic-messages/mine/own.yaml below cassettes/"
            ),
        ),
        (
            "cassette: {name: tools/loop,",
            "only: [anthropic-messages]\n    cassette: {name: server-tools/pause-turns,",
            13,
            (
                "exchanges[0].cassette: there is no cassette `server-tools/pause-turns` of "
                "anthropic-messages; did you mean `server-tools/pause-turn`?"
            ),
        ),
        (
            "interaction: 0",
            "interaction: 5",
            12,
            (
                "exchanges[0].cassette: cassette `tools/loop` has no interaction 5; "
                "anthropic-messages recorded interactions 0 to 1"
            ),
        ),
        (
            "[anthropic-messages]",
            "[anthropic-messages]\n  delivery: [sse, json]",
            13,
            (
                "exchanges[0].cassette: interaction 0 of cassette `tools/loop` is an event stream, "
                "but the variant asks for one JSON body; say `variants: {delivery: [sse]}`"
            ),
        ),
        (
            "afterEvent: 3",
            "afterEvent: 99",
            13,
            (
                "exchanges[0].edits[1]: in cassette `tools/loop` there is no event 99; "
                "the body has events 0 to 13 at this edit"
            ),
        ),
        (
            "{insert: {atEnd: true",
            "{replace: {find: never, with: x}}, {insert: {atEnd: true",
            13,
            (
                "exchanges[0].edits[0]: in cassette `tools/loop` `never` does not occur in the "
                "body; it must stand within one event, exactly as it was sent"
            ),
        ),
        (
            "{insert: {atEnd: true",
            "{drop: 13}, {truncate: {beforeTerminal: true}}, {insert: {atEnd: true",
            13,
            (
                "exchanges[0].edits[1]: in cassette `tools/loop` there is no terminal event to "
                "truncate before; say `afterEvent` or `afterByte`"
            ),
        ),
    ],
)
def test_a_case_that_does_not_fit_its_cassette_is_told(
    tmp_path: Path, change: str, to: str, line: int, told: str
) -> None:
    """File, line, place, cassette and remedy, before anything is run."""
    assert told in (found := problem(tmp_path, CASE.replace(change, to), places().cassettes))
    assert found.startswith(f"loop/example.yaml:{line}: ")


def test_a_recording_of_another_dialect_is_told(tmp_path: Path) -> None:
    """A file in the wrong folder asks another path than the dialect."""
    cassette = (places().cassettes / "anthropic-messages/tools/loop.yaml").read_text("utf-8")
    place = tmp_path / "cassettes/openai-chat/tools/loop.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(cassette, "utf-8")
    case = CASE.replace("[anthropic-messages]", "[openai-chat]")
    told = problem(tmp_path, case, tmp_path / "cassettes")
    assert (
        "loop/example.yaml:12: exchanges[0].cassette: interaction 0 of cassette `tools/loop` "
        "answers POST /v1/messages, but openai-chat asks POST /chat/completions; "
        "name a recording of the dialect, or move this one to the folder of its own"
    ) == told


def test_a_recording_that_only_another_dialect_has_is_told(tmp_path: Path) -> None:
    """The name is right, the dialect is not."""
    place = tmp_path / "cassettes/anthropic-messages/tools/loop.yaml"
    place.parent.mkdir(parents=True)
    place.write_text("")
    case = CASE.replace("[anthropic-messages]", "[openai-chat]")
    told = problem(tmp_path, case, tmp_path / "cassettes")
    assert (
        "loop/example.yaml:12: exchanges[0].cassette: there is no cassette `tools/loop` of "
        "openai-chat; anthropic-messages has it: name the dialects in `variants.dialect`"
    ) == told


def test_a_file_that_is_no_cassette_is_told(tmp_path: Path) -> None:
    """What the file lacks is said with the case that names it."""
    place = tmp_path / "cassettes/anthropic-messages/tools/loop.yaml"
    place.parent.mkdir(parents=True)
    place.write_text("interactions: []\n", "utf-8")
    told = problem(tmp_path, CASE, tmp_path / "cassettes")
    assert told.startswith("loop/example.yaml:12: exchanges[0].cassette: loop.yaml: ")


def test_the_unchanged_example_fits(tmp_path: Path) -> None:
    """The misfits above are the only ones."""
    case, problems = load_example(tmp_path, CASE, places().cassettes)
    assert [] == problems
    assert case is not None


@pytest.mark.slow  # starts a process
async def test_a_script_that_cannot_be_played_is_the_case_s_fault_in_words() -> None:
    """An edit of a scripted reply is tried when the case begins: no traceback, but a remedy."""
    requirements = load_requirements(places().contract / "requirements")
    cases = {case["id"]: case for case in load_cases(places().cases, requirements)}
    reply = {"reply": [{"say": "hello"}], "edits": [{"drop": 99}]}
    case = {**cases["loop.single-turn"], "exchanges": [reply]}
    driver = Path(__file__).parent / "drivers/polite.py"
    runner = Runner([sys.executable, str(driver)])
    outcomes = [o async for o in runner.run([resolve(case, "anthropic-messages", "sse", "as_is")])]
    await runner.close()
    assert "harness_error" == outcomes[0].verdict
    assert (
        "the case cannot be played: exchange 0: there is no event 99; "
        "the body has events 0 to 6 at this edit"
    ) == outcomes[0].detail


def test_one_problem_is_one_problem() -> None:
    """The summary counts as people do."""
    with pytest.raises(CasesError) as caught:
        load_cases(places().cases, {"LOOP-001": "A rule."})
    many = caught.value
    assert f"{len(many.problems)} problems" == many.count
    assert "1 problem" == CasesError(many.problems[:1]).count


def problem(folder: Path, text: str, cassettes: Path) -> str:
    """Return the one thing that is wrong with a case."""
    case, problems = load_example(folder, text, cassettes)
    assert case is None
    assert 1 == len(problems), problems
    return str(problems[0])


def load_example(folder: Path, text: str, cassettes: Path) -> tuple[Any, list[Any]]:
    """Write the example and load it."""
    path = folder / "cases/loop/example.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    return load_case(path, folder / "cases", REQUIREMENTS, cassettes)


def recorded_exchanges() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield every exchange of the suite that replays a recording, with its case."""
    requirements = load_requirements(places().contract / "requirements")
    for case in load_cases(places().cases, requirements):
        for exchange in cast("list[dict[str, Any]]", case.get("exchanges", [])):
            if "cassette" in exchange:
                yield case, exchange


def plan(exchange: dict[str, Any]) -> ReplayPlan:
    """Return a plan of one exchange."""
    return ReplayPlan(
        token="k1",
        dialect="anthropic-messages",
        delivery="sse",
        chunks="as_is",
        exchanges=[exchange],
        lanes={},
        model="test-model",
        now_ms=lambda: 0,
    )
