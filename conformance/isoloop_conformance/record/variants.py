"""Which cases can be recorded, and how a case is put to a real provider."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from isoloop_conformance.record.proxy import RecordError

if TYPE_CHECKING:
    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.variants import Variant

STANDARD = (
    "loop.single-turn",
    "loop.tool-round-trip",
    "dialects.thinking-replayed",
    "dialects.responses-reasoning-replayed",
    "tools.parallel",
    "control.retry-backoff",
)
"""The cases that are recorded when none is named: text, tools, thinking, parallel calls, errors."""

# What a script may say and a provider renders; everything else in an exchange is the suite's doing.
_RENDERED = {"reply", "error", "status", "headers", "lane"}
_BY_HAND = {"end", "raw", "gate"}
_LIVE_STEPS = {"run", "await", "tool", "sync"}


def cassette_name(variant: Variant, kind: str) -> str:
    """Return a cassette's name in its dialect's folder: `twin/loop.single-turn`, `...+json`."""
    _, _, axes = variant.id.partition("@")
    others = [axis for axis in axes.split("+")[1:] if axis != "sse"]
    return "/".join([kind, "+".join([variant.case_id, *others])])


def twin_variant(variant: Variant) -> Variant:
    """Return what is run to record the twin: the variant itself.

    Raises:
        RecordError: Its responses are not the twin's alone.
    """
    for i, exchange in enumerate(variant.case.get("exchanges", [])):
        parts = {kind for part in exchange.get("reply", []) for kind in part}
        foreign = sorted((exchange.keys() - _RENDERED) | (parts & _BY_HAND))
        if foreign:
            raise RecordError(
                f"{variant.id}: exchange {i} has `{foreign[0]}`, which the suite does and no "
                "provider; record a case whose exchanges are replies and errors"
            )
    return variant


def live_variant(variant: Variant, model: str) -> Variant:
    """Return a variant whose answers come from a real provider.

    It has neither a script nor its expectations; its tools answer as the case says; its clock is
    real.

    Raises:
        RecordError: The case needs what no real provider can be asked for.
    """
    case = variant.case
    for i, exchange in enumerate(case.get("exchanges", [])):
        if exchange.keys() - {"reply", "lane"}:
            (kind, *_) = sorted(exchange.keys() - {"reply", "lane"})
            raise RecordError(
                f"{variant.id}: exchange {i} has `{kind}`, which no real provider can be asked for"
            )
    for i, step in enumerate(case["steps"]):
        (kind,) = step
        if kind not in _LIVE_STEPS:
            raise RecordError(f"{variant.id}: step {i}, `{kind}`, needs answers that are known")
    agent: JsonObject = {**case.get("agent", {}), "model": model}
    answers = _answers(case)
    for tool in agent.get("tools", []):
        if tool["type"] == "function":
            # A model may call any tool that it is offered, also one that the case never has called.
            answers.setdefault(tool["name"], {"text": "ok"})
    live: JsonObject = {
        **{k: case[k] for k in ("id", "requirements", "level", "profile")},
        "agent": agent,
        "answers": answers,
        "clock": {"mode": "real"},
        "steps": [*({"run": s["run"]} for s in case["steps"] if "run" in s), _last(case)],
        "expect": {"requests": []},
    }
    return replace(variant, case=live)


def _last(case: JsonObject) -> Json:
    runs = [s["run"].get("run", "r1") for s in case["steps"] if "run" in s]
    if len(runs) != 1:
        raise RecordError(f"{case['id']}: {len(runs)} runs; a live recording is of one run")
    return {"await": {"result": runs[0]}}


def _answers(case: JsonObject) -> dict[str, Json]:
    """Return what each tool answers: for every call, what the case says for one."""
    parts = [part for e in case.get("exchanges", []) for part in e.get("reply", [])]
    calls = [part["call"] for part in parts if "call" in part]
    names = {call["id"]: call["name"] for call in calls if "id" in call}
    answers: dict[str, Json] = dict(case.get("answers", {}))
    for step in case["steps"]:
        given: JsonObject = step.get("tool", {})
        if given.get("callId") in names and "progress" not in given:
            answer = {k: v for k, v in given.items() if k != "callId"}
            answers.setdefault(names[given["callId"]], answer)
    return answers
