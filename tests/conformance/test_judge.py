"""The judge, on stored transcripts: it needs no SDK, no driver and no server."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from isoloop_conformance.judge import judge
from isoloop_conformance.loader import load_cases, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.variants import Variant, expand
from isoloop_conformance.verdicts import conclude
from tests.conformance.perturb import perturbations

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.jsonl"))
Entries = list[dict[str, Any]]


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)
def test_a_stored_transcript_is_green(path: Path, variants: dict[str, Variant]) -> None:
    """Each was read by hand against the requirements before it was stored."""
    variant, entries = variants[path.stem], read(path)
    assertions = judge(variant, entries)
    assert [] == [a for a in assertions if not a.ok]
    assert ("pass", "") == conclude(entries, assertions)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda p: p.stem)
def test_every_perturbed_leaf_of_an_expectation_turns_the_case_red(
    path: Path, variants: dict[str, Variant]
) -> None:
    """A leaf that may say anything asserts nothing."""
    variant, entries = variants[path.stem], read(path)
    survivors = [
        change
        for change, expect in perturbations(variant.case["expect"])
        if all(a.ok for a in judge(with_expectation(variant, expect), entries))
    ]
    assert [] == survivors


def test_the_assertions_of_a_case_name_its_requirements(variants: dict[str, Variant]) -> None:
    """Each requirement that a case lists is asserted by it."""
    for path in TRANSCRIPTS:
        variant = variants[path.stem]
        asserted = {a.requirement for a in judge(variant, read(path))}
        assert set() == set(variant.case["requirements"]) - asserted, path.stem


def test_every_monitor_names_a_requirement_of_the_contract(variants: dict[str, Variant]) -> None:
    """A monitor's failure leads to a sentence of the contract."""
    known = load_requirements(places().contract / "requirements")
    for path in TRANSCRIPTS:
        asserted = {a.requirement for a in judge(variants[path.stem], read(path))}
        assert set() == asserted - known.keys()


def test_the_judge_changes_nothing_that_it_is_given(variants: dict[str, Variant]) -> None:
    """Run once, judge often."""
    variant, entries = (
        variants["loop.tool-round-trip@anthropic-messages+sse"],
        read_stem("loop.tool"),
    )
    before = copy.deepcopy((variant.case, entries))
    assert judge(variant, entries) == judge(variant, entries)
    assert before == (variant.case, entries)


# ---------------------------------------------------------------- what monitors see


def test_a_second_agent_end_is_seen() -> None:
    """LOOP-008: exactly once and last."""
    entries = read_stem("loop.single")
    last = events(entries)[-1]
    entries.insert(entries.index(last) + 1, edited(last, seq=len(events(entries)) + 1))
    assert "LOOP-008" in failing("loop.single-turn", entries)


def test_a_gap_in_the_sequence_is_seen() -> None:
    """LOOP-002: from 1, without gaps."""
    entries = read_stem("loop.single")
    entries.remove(events(entries, "text_delta")[0])
    assert {"LOOP-002", "STREAM-003"} <= failing("loop.single-turn", entries)


def test_a_block_that_never_ends_is_seen() -> None:
    """LOOP-012: everything that starts ends."""
    entries = read_stem("loop.single")
    entries.remove(events(entries, "text_end")[0])
    assert "LOOP-012" in failing("loop.single-turn", entries)


def test_an_end_that_is_not_what_its_deltas_say_is_seen() -> None:
    """STREAM-003: the deltas, joined, are the text of the end and of the message."""
    entries = read_stem("loop.single")
    replace(entries, events(entries, "text_delta")[0], delta="other")
    assert "STREAM-003" in failing("loop.single-turn", entries)


def test_a_wrong_sum_of_usage_is_seen() -> None:
    """LOOP-034: the sum over the turns."""
    entries = read_stem("loop.tool")
    replace(entries, events(entries, "agent_end")[0], usage={"input": 40, "output": 6})
    assert "LOOP-034" in failing("loop.tool-round-trip", entries)


def test_a_lost_result_is_seen() -> None:
    """TOOL-037: one result per call."""
    entries = read_stem("tools.parallel")
    end = next(e for e in events(entries, "turn_end"))
    results = json.loads(end["line"]["eventJson"])["toolResults"]
    replace(entries, end, toolResults=results[:1])
    assert "LOOP-016" in failing("tools.parallel-reverse-finish", entries)


def test_a_result_that_differs_from_agent_end_is_seen() -> None:
    """LOOP-028: both carry the same."""
    entries = read_stem("loop.single")
    line = next(e["line"] for e in entries if e.get("line", {}).get("type") == "result")
    result = json.loads(line["resultJson"])
    line["resultJson"] = json.dumps({**result, "usage": {}})
    assert "LOOP-028" in failing("loop.single-turn", entries)


def test_a_key_in_an_event_is_seen() -> None:
    """CTRL-021: no event holds an API key."""
    entries = read_stem("loop.single")
    key = next(
        e["line"]["apiKey"] for e in entries if e.get("line", {}).get("type") == "case.begin"
    )
    replace(entries, events(entries, "text_delta")[0], delta=key)
    assert "CTRL-021" in failing("loop.single-turn", entries)


def test_an_event_out_of_time_is_seen() -> None:
    """LOOP-005: the injected clock's time."""
    entries = read_stem("control.retry")
    replace(entries, events(entries, "turn_start")[0], at=1)
    assert "LOOP-005" in failing("control.retry-backoff", entries)


def test_a_request_that_changes_what_was_sent_before_is_seen() -> None:
    """DIAL-011: the prefix never changes within a run."""
    entries = read_stem("loop.tool")
    second = [e for e in entries if e["type"] == "request"][1]
    second["view"]["messages"][0]["content"][0]["text"] = "What is Go?"
    assert "DIAL-011" in failing("loop.tool-round-trip", entries)


def test_an_exchange_that_nobody_asked_for_is_seen() -> None:
    """Silence is failure."""
    entries = read_stem("loop.single")
    entries[-1]["unread"] = [1]
    assert "LOOP-019" in failing("loop.single-turn", entries)


def test_a_number_with_another_text_is_seen() -> None:
    """TOOL-009: 3 is not 3.0, as text."""
    entries = read_stem("loop.tool")
    call = next(e["line"] for e in entries if e.get("line", {}).get("type") == "tool.call")
    call["argumentsJson"] = '{"q": "rust", "limit": 3.0}'
    assert "TOOL-003" in failing("loop.tool-round-trip", entries)
    call["argumentsJson"] = '{ "limit": 3, "q": "rust" }'
    assert set() == failing("loop.tool-round-trip", entries)


def test_noise_is_a_fault_of_the_driver() -> None:
    """What is no line of the protocol is a verdict of its own."""
    entries = read_stem("loop.single")
    noise = {"type": "noise", "n": 5, "atMs": 0, "text": "Hello", "problem": "not JSON"}
    entries.insert(5, noise)
    assert "driver_error" == conclude(entries, [])[0]


# ---------------------------------------------------------------- tools


def failing(case: str, entries: Entries) -> set[str]:
    """Return the requirements of the assertions that do not hold."""
    variant = all_variants()[f"{case}@anthropic-messages+sse"]
    return {a.requirement for a in judge(variant, entries) if not a.ok}


def events(entries: Entries, kind: str = "") -> Entries:
    """Return the entries of events, all or of one type."""
    found = [e for e in entries if e.get("line", {}).get("type") == "event"]
    return [e for e in found if f'"type":"{kind}' in e["line"]["eventJson"].replace(" ", "")]


def edited(entry: dict[str, Any], **members: object) -> dict[str, Any]:
    """Return a copy of an event's entry with other members."""
    changed = copy.deepcopy(entry)
    event = json.loads(changed["line"]["eventJson"]) | members
    changed["line"]["eventJson"] = json.dumps(event)
    return changed


def replace(entries: Entries, entry: dict[str, Any], **members: object) -> None:
    """Put other members into an event's entry."""
    entries[entries.index(entry)] = edited(entry, **members)


def with_expectation(variant: Variant, expect: dict[str, Any]) -> Variant:
    """Return the variant with another expectation."""
    case = {**variant.case, "expect": expect}
    return Variant(variant.id, variant.dialect, variant.delivery, variant.chunks, case)


def read(path: Path) -> Entries:
    """Read a transcript."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def read_stem(prefix: str) -> Entries:
    """Read the transcript whose name begins so."""
    return read(next(p for p in TRANSCRIPTS if p.stem.startswith(prefix)))


@cache
def all_variants() -> dict[str, Variant]:
    """Return every variant of the suite, by id."""
    requirements = load_requirements(places().contract / "requirements")
    cases = load_cases(places().cases, requirements)
    return {v.id: v for case in cases for v in expand(case)}


@pytest.fixture(scope="module")
def variants() -> dict[str, Variant]:
    return all_variants()
