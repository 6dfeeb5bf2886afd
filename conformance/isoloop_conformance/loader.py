"""Load cases strictly: what a case does not say rightly is an error with a place and a remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from isoloop_conformance import schemas, strict_yaml
from isoloop_conformance.cassettes import CassetteError
from isoloop_conformance.judge.order import POINT_HELP, parse_edge
from isoloop_conformance.replay.edits import PlanError
from isoloop_conformance.replay.recorded import check_edits, recorded
from isoloop_conformance.variants import BINDER, DIALECTS, call_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from isoloop_conformance.exact_json import Json, JsonObject

# Members beside which a script item's one member stands.
_BESIDE = {"only"}
_SCRIPTS = {"reply": "ReplyPart", "edits": "Edit", "steps": "Step", "interleave": "ReplyPart"}
_ANSWERS = ("reply", "cassette", "error", "body", "fault")


@dataclass(frozen=True)
class CaseProblem:
    """One thing that is wrong with a file."""

    file: str
    line: int
    place: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f" {self.place}:" if self.place else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{self.file}:{self.line}:{place} {self.problem}{remedy}"


class CasesError(Exception):
    """Some case cannot be used. Nothing is run: a suite with a hole says nothing."""

    def __init__(self, problems: list[CaseProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    @property
    def count(self) -> str:
        """How many problems there are, in words."""
        return "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"


def load_cases(
    folder: Path, requirements: dict[str, str], cassettes: Path | None = None
) -> list[JsonObject]:
    """Load every case of a folder, ordered by id; hold it against the cassettes it names.

    Raises:
        CasesError: A case is malformed, or two have the same id.
    """
    cases: dict[str, JsonObject] = {}
    problems: list[CaseProblem] = []
    for path in sorted(folder.rglob("*.yaml")):
        case, found = load_case(path, folder, requirements, cassettes)
        problems += found
        if case is None:
            continue
        if case["id"] in cases:
            name = path.relative_to(folder).as_posix()
            problems.append(CaseProblem(name, 1, "id", f"`{case['id']}` is used by another file"))
        cases[case["id"]] = case
    if problems:
        raise CasesError(problems)
    return [cases[i] for i in sorted(cases)]


def load_case(
    path: Path, folder: Path, requirements: dict[str, str], cassettes: Path | None = None
) -> tuple[JsonObject | None, list[CaseProblem]]:
    """Load one file; return the case, or what is wrong with it."""
    file = path.relative_to(folder).as_posix()
    try:
        document = strict_yaml.read(path.read_text("utf-8"))
    except strict_yaml.YamlError as error:
        return None, [CaseProblem(file, error.line, "", error.problem)]
    faults = list(_schema_faults(document.value))
    if not faults:
        faults = list(_faults(document.value, file, requirements))
    if not faults and cassettes is not None:
        faults = list(_cassette_faults(document.value, cassettes))
    problems = [
        CaseProblem(file, document.line(f.path), place(f.path), f.problem, f.remedy) for f in faults
    ]
    return (None if problems else document.value), problems


def load_requirements(folder: Path) -> dict[str, str]:
    """Return the text of each requirement, by id."""
    return {r["id"]: r["text"] for r in _requirements(folder)}


def load_levels(folder: Path) -> dict[str, str]:
    """Return the level of each requirement, by id."""
    return {r["id"]: r["level"] for r in _requirements(folder)}


def _requirements(folder: Path) -> Iterator[JsonObject]:
    for path in sorted(folder.glob("*.yaml")):
        chapter = strict_yaml.read(path.read_text("utf-8")).value
        for section in chapter["sections"]:
            yield from section["requirements"]


def place(path: strict_yaml.Path) -> str:
    """Write a path as people read it: `expect.requests[0].adds`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


@dataclass(frozen=True)
class _Fault:
    path: strict_yaml.Path
    problem: str
    remedy: str = ""


def _schema_faults(value: Json) -> Iterator[_Fault]:
    for problem in schemas.problems("case.Case", value):
        yield _Fault(problem.path, problem.text, problem.remedy)


def _faults(case: JsonObject, file: str, requirements: dict[str, str]) -> Iterator[_Fault]:
    yield from _identity_faults(case, file, requirements)
    yield from _script_faults(case, ())
    yield from _exchange_faults(case)
    yield from _agent_faults(case)
    yield from _step_faults(case)
    yield from _expectation_faults(case)


def _identity_faults(case: JsonObject, file: str, requirements: dict[str, str]) -> Iterator[_Fault]:
    wanted = case["id"].replace(".", "/") + ".yaml"
    if file != wanted:
        yield _Fault(("id",), f"`{case['id']}` is not the file's name", f"name the file {wanted}")
    for i, requirement in enumerate(case["requirements"]):
        if requirements and requirement not in requirements:
            yield _Fault(
                ("requirements", i),
                f"`{requirement}` is no requirement",
                "see contract/requirements",
            )


def _script_faults(value: Json, path: strict_yaml.Path) -> Iterator[_Fault]:
    """Each item of a script has one member."""
    match value:
        case dict():
            for key, member in cast("JsonObject", value).items():
                if key in _SCRIPTS and isinstance(member, list):
                    for i, item in enumerate(cast("list[JsonObject]", member)):
                        if len(item.keys() - _BESIDE) != 1:
                            yield _Fault((*path, key, i), "exactly one member is expected")
                yield from _script_faults(member, (*path, key))
        case list():
            for i, item in enumerate(cast("list[Json]", value)):
                yield from _script_faults(item, (*path, i))
        case _:
            return


def _exchange_faults(case: JsonObject) -> Iterator[_Fault]:
    lanes = case.get("lanes", {})
    for i, exchange in enumerate(case.get("exchanges", [])):
        at = ("exchanges", i)
        if len([a for a in _ANSWERS if a in exchange]) != 1:
            yield _Fault(at, f"one of {', '.join(_ANSWERS)} is expected")
        if "error" in exchange and exchange.get("status", 200) < 300:
            yield _Fault(at, "an error needs a `status` that is one", "for example 429")
        if ("lane" in exchange) != bool(lanes) or exchange.get("lane", "") not in {"", *lanes}:
            yield _Fault(at, "`lane` names one of `lanes`, exactly when there are any")


def _cassette_faults(case: JsonObject, cassettes: Path) -> Iterator[_Fault]:
    """Each recorded exchange is there and fits, in every dialect and delivery of the case."""
    axes = case.get("variants", {})
    for i, exchange in enumerate(case.get("exchanges", [])):
        at = ("exchanges", i)
        if "cassette" not in exchange:
            continue
        for dialect in axes.get("dialect", DIALECTS):
            if dialect not in exchange.get("only", [dialect]):
                continue
            fault = _cassette_fault(case, exchange, cassettes, dialect)
            if fault is not None:
                yield _Fault((*at, *fault.path), fault.problem, fault.remedy)


def _cassette_fault(
    case: JsonObject, exchange: JsonObject, cassettes: Path, dialect: str
) -> _Fault | None:
    edits = [
        (i, e)
        for i, e in enumerate(exchange.get("edits", []))
        if dialect in e.get("only", [dialect])
    ]
    try:
        for delivery in case.get("variants", {}).get("delivery", ["sse"]):
            found = recorded(cassettes, dialect, delivery, exchange["cassette"])
            check_edits(found, [e for _, e in edits], dialect)
    except PlanError as error:
        place = ("cassette",) if error.place is None else ("edits", edits[error.place][0])
        name = exchange["cassette"]["name"]
        text = error.problem if error.place is None else f"in cassette `{name}` {error.problem}"
        return _Fault(place, text, error.remedy)
    except CassetteError as error:
        return _Fault(("cassette",), str(error), "isoloop_conformance.cassettes.lint says more")
    return None


def _agent_faults(case: JsonObject) -> Iterator[_Fault]:
    agent, expect = case.get("agent", {}), case["expect"]
    tools = {t["name"] for t in agent.get("tools", []) if t["type"] == "function"}
    needed = {
        "tools": bool(tools),
        "hooks": bool(agent.get("hooks")),
        "approvals": agent.get("approver", False),
    }
    for member, needs in needed.items():
        if needs and member not in expect:
            yield _Fault(
                ("expect",), f"`{member}` is missing", "the agent has some: say what is seen"
            )
    for name in case.get("answers", {}):
        if name not in tools:
            yield _Fault(("answers", name), "the agent has no such tool")


def _step_faults(case: JsonObject) -> Iterator[_Fault]:
    runs: set[str] = set()
    gates = set(_gates(case))
    calls = set(call_ids(case))
    hooks = {h["name"] for h in case.get("agent", {}).get("hooks", [])}
    for i, step in enumerate(case["steps"]):
        (kind,) = step
        value = step[kind]
        at = ("steps", i, kind)
        if kind == "run":
            name = value.get("run", "r1")
            if name in runs:
                yield _Fault(at, f"a run `{name}` was started before", "name it with `run`")
            runs.add(name)
        elif not runs:
            yield _Fault(at, "no run was started yet")
        released = value if kind == "release" else value.get("gate") if kind == "await" else None
        if released is not None and released not in gates:
            yield _Fault(at, f"there is no gate `{released}`", f"gates: {', '.join(sorted(gates))}")
        for name in _named_runs(kind, value):
            if name not in runs:
                yield _Fault(at, f"no run `{name}` was started yet")
        for call in _named_calls(value):
            if BINDER.fullmatch(call) and call not in calls:
                yield _Fault(at, f"no reply has a call `{call}`")
        hook = value.get("hook") if kind == "hook" else None
        if hook is not None and hook not in hooks:
            yield _Fault(at, f"the agent has no hook `{hook}`")


def _named_runs(kind: str, value: Json) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    members = cast("JsonObject", value)
    names = ["continues"] if kind == "run" else ["run", "result"]
    yield from (members[n] for n in names if isinstance(members.get(n), str))


def _named_calls(value: Json) -> Iterator[str]:
    if not isinstance(value, dict):
        return
    members = cast("JsonObject", value)
    for name in ("toolCalls", "approvals", "toolAborts"):
        yield from members.get(name, [])
    if isinstance(members.get("callId"), str):
        yield members["callId"]


def _gates(case: JsonObject) -> Iterator[str]:
    for exchange in case.get("exchanges", []):
        if "holdHeaders" in exchange:
            yield exchange["holdHeaders"]
        yield from (p["gate"] for p in exchange.get("reply", []) if "gate" in p)
        yield from (e["gate"]["name"] for e in exchange.get("edits", []) if "gate" in e)


def _expectation_faults(case: JsonObject) -> Iterator[_Fault]:
    expect = case["expect"]
    if not expect.keys() & {"result", "runs", "refused"}:
        yield _Fault(
            ("expect",), "nothing positive is expected", "say `result` with at least an `outcome`"
        )
    several = [s for s in case["steps"] if "run" in s][1:]
    if several and expect.keys() & {"result", "events"}:
        yield _Fault(("expect",), "there are several runs", "use `runs`, by the runs' names")
    for i, request in enumerate(expect["requests"]):
        at = ("expect", "requests", i)
        kinds = [k for k in ("messages", "adds", "sameAs") if k in request]
        if len(kinds) != 1:
            yield _Fault(at, "one of messages, adds, sameAs is expected")
        elif i == 0 and kinds != ["messages"]:
            yield _Fault(at, "the first request has nothing before it", "use `messages`")
    calls = set(call_ids(case))
    for path, call in _expected_calls(expect, ("expect",)):
        if BINDER.fullmatch(call) and call not in calls:
            yield _Fault(path, f"no reply and no history has a call `{call}`")
    yield from _order_faults(case)
    yield from _requirement_faults(case)


def _expected_calls(value: Json, path: strict_yaml.Path) -> Iterator[tuple[strict_yaml.Path, str]]:
    """Yield every call id of an expectation: one that no call has would match anything."""
    match value:
        case dict():
            for key, member in cast("JsonObject", value).items():
                if path[-1:] == ("calls",):
                    yield (*path, key), key
                elif key in {"callId", "id"} and isinstance(member, str):
                    yield (*path, key), member
                yield from _expected_calls(member, (*path, key))
        case list():
            for i, item in enumerate(cast("list[Json]", value)):
                yield from _expected_calls(item, (*path, i))
        case _:
            return


def _order_faults(case: JsonObject) -> Iterator[_Fault]:
    expect = case["expect"]
    lanes: dict[tuple[str, ...], JsonObject] = {("events",): expect.get("events", {})}
    for name, run in expect.get("runs", {}).items():
        lanes["runs", name, "events"] = run.get("events", {})
    for path, events in lanes.items():
        for i, edge in enumerate(events.get("order", [])):
            if parse_edge(edge) is None:
                yield _Fault(("expect", *path, "order", i), f"`{edge}` is no edge", POINT_HELP)
        types = _event_types()
        for pattern, at in _patterns(events):
            kind = pattern if isinstance(pattern, str) else pattern["type"]
            if kind not in types:
                yield _Fault(("expect", *path, *at), f"there is no event `{kind}`")


def _patterns(events: JsonObject) -> Iterable[tuple[Json, strict_yaml.Path]]:
    for i, pattern in enumerate(events.get("run", [])):
        yield pattern, ("run", i)
    for call, patterns in events.get("calls", {}).items():
        for i, pattern in enumerate(patterns):
            yield pattern, ("calls", call, i)


def _event_types() -> set[str]:
    branches = schemas.definition("event.KnownEvent")["oneOf"]
    names = [b["$ref"].rpartition("/")[2] for b in branches]
    return {schemas.definition(f"event.{n}")["properties"]["type"]["const"] for n in names}


def _requirement_faults(case: JsonObject) -> Iterator[_Fault]:
    places = set(_places(case["expect"], "")) | {f"steps[{i}]" for i in range(len(case["steps"]))}
    for path, named in case["expect"].get("requirements", {}).items():
        at = ("expect", "requirements", path)
        for requirement in [named] if isinstance(named, str) else named:
            if requirement not in case["requirements"]:
                text = f"`{requirement}` is not among the case's `requirements`"
                yield _Fault(at, text, "add it there")
        if path not in places:
            yield _Fault(at, "the expectation has no such part", "paths look like requests[0].adds")


def _places(value: Json, path: str) -> Iterator[str]:
    yield path
    match value:
        case dict():
            for key, member in cast("JsonObject", value).items():
                yield from _places(member, f"{path}.{key}" if path else key)
        case list():
            for i, item in enumerate(cast("list[Json]", value)):
                yield from _places(item, f"{path}[{i}]")
        case _:
            return
