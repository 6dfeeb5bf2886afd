"""Cases are loaded strictly: each mistake has a place and, where possible, a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from isoloop_conformance import strict_yaml
from isoloop_conformance.exact_json import NotJsonError, Number, exact, same_text, write
from isoloop_conformance.loader import CasesError, load_case, load_cases, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.variants import expand, selected

REQUIREMENTS = {"LOOP-001": "A rule.", "LOOP-002": "Another rule."}
CASE = """\
format: 1
id: loop.example
title: An example
requirements: [LOOP-001]
level: must
since: "1.0"
profile: loop
kill: Something goes wrong in a way that nobody sees.
exchanges:
  - reply: [{say: hello}, {call: {id: $a, name: f, argumentsText: "{}"}}]
steps:
  - run: {input: go}
expect:
  requests:
    - messages: [{role: user, content: go}]
  result: {outcome: completed}
"""


def test_every_case_of_the_suite_loads() -> None:
    """No case is left out because of a mistake in it."""
    requirements = load_requirements(places().contract / "requirements")
    cases = load_cases(places().cases, requirements)
    assert len(list(places().cases.rglob("*.yaml"))) == len(cases)


@pytest.mark.parametrize(
    ("change", "to", "line", "said"),
    [
        ("title: An example", "titel: An example", 3, "there is no member `titel`"),
        ("level: must", "level: must\nlevel: may", 6, "`level` appears twice"),
        ("level: must", "level: maybe", 5, '"maybe" is not one of'),
        ("level: must", "level: &x must", 5, "anchors and aliases are not allowed"),
        ("level: must", "level: !!str must", 5, "tags are not allowed"),
        ("[LOOP-001]", "[LOOP-999]", 4, "`LOOP-999` is no requirement"),
        ("id: loop.example", "id: loop.other", 2, "name the file loop/other.yaml"),
        ("{say: hello}", "{sayy: hello}", 10, "there is no member `sayy`; known are call, close"),
        ("{say: hello}", "{say: hello, ping: true}", 10, "exactly one member is expected"),
        ("  result: {outcome: completed}\n", "", 13, "nothing positive is expected"),
        ("outcome: completed", "outcome: done", 16, "is not one of"),
        ("- messages:", "- adds:", 15, "use `messages`"),
        ("- run: {input: go}", "- sync: true", 12, "no run was started yet"),
        ("- run: {input: go}", "- run: {input: go}\n  - release: g", 13, "there is no gate `g`"),
        (
            "- run: {input: go}",
            "- run: {input: go}\n  - tool: {callId: $b, text: x}",
            13,
            "no reply has a call `$b`",
        ),
        ("{outcome: completed}", "{outcome: completed}\n  refusd: []", 17, "no member `refusd`"),
        (
            "{outcome: completed}",
            "{outcome: completed}\n  requirements: {result.txt: LOOP-001}",
            17,
            "the expectation has no such part",
        ),
        (
            "{outcome: completed}",
            "{outcome: completed}\n  requirements: {result: LOOP-002}",
            17,
            "`LOOP-002` is not among the case's `requirements`",
        ),
        (
            "{outcome: completed}",
            "{outcome: completed}\n  events: {run: [agent_started]}",
            17,
            "there is no event `agent_started`",
        ),
        (
            "{outcome: completed}",
            "{outcome: completed}\n  events: {order: [a before b]}",
            17,
            "`a before b` is no edge",
        ),
        (
            "{outcome: completed}",
            "{outcome: completed}\n  events: {calls: {$z: [tool_execution_start]}}",
            17,
            "no reply and no history has a call `$z`",
        ),
    ],
)
def test_a_mistake_in_a_case_is_named(
    tmp_path: Path, change: str, to: str, line: int, said: str
) -> None:
    """An unknown key, a typo, a dangling name: an error with file, line, place and remedy."""
    path = write_case(tmp_path, CASE.replace(change, to))
    case, problems = load_case(path, tmp_path, REQUIREMENTS)
    assert case is None
    told = [str(p) for p in problems if said in str(p)]
    assert told, problems
    assert told[0].startswith(f"loop/example.yaml:{line}:")


def test_the_unchanged_example_loads(tmp_path: Path) -> None:
    """The mistakes above are the only ones."""
    case, problems = load_case(write_case(tmp_path, CASE), tmp_path, REQUIREMENTS)
    assert [] == problems
    assert case is not None


def test_two_cases_of_one_id_are_refused(tmp_path: Path) -> None:
    """An id names one case."""
    write_case(tmp_path, CASE)
    (tmp_path / "loop" / "copy.yaml").write_text(CASE)
    with pytest.raises(CasesError, match=r"id: `loop.example` is not the file's name"):
        load_cases(tmp_path, REQUIREMENTS)


def test_tools_without_an_expectation_are_refused(tmp_path: Path) -> None:
    """Silence is failure: what the tools saw must be said."""
    tool = "{type: function, name: f, description: d, inputSchema: {type: object}}"
    text = CASE.replace("exchanges:", f"agent: {{tools: [{tool}]}}\nexchanges:")
    _, problems = load_case(write_case(tmp_path, text), tmp_path, REQUIREMENTS)
    assert "`tools` is missing" in str(problems[0])


# ---------------------------------------------------------------- variants


def test_a_case_is_expanded_along_its_axes(tmp_path: Path) -> None:
    """Each combination is a variant with its own id."""
    axes = "variants: {dialect: [openai-chat, anthropic-messages], delivery: [sse, json]}\nsteps:"
    case, _ = load_case(write_case(tmp_path, CASE.replace("steps:", axes)), tmp_path, REQUIREMENTS)
    assert case is not None
    assert [
        "loop.example@openai-chat+sse",
        "loop.example@openai-chat+json",
        "loop.example@anthropic-messages+sse",
        "loop.example@anthropic-messages+json",
    ] == [v.id for v in expand(case)]


def test_call_names_become_ids_of_the_dialect(tmp_path: Path) -> None:
    """`$a` stands for one id everywhere in a variant."""
    case, _ = load_case(write_case(tmp_path, CASE), tmp_path, REQUIREMENTS)
    assert case is not None
    ids = [v.case["exchanges"][0]["reply"][1]["call"]["id"] for v in expand(case)]
    assert ["toolu_a", "call_a", "call_a"] == ids


def test_items_for_other_dialects_are_left_out(tmp_path: Path) -> None:
    """`only` keeps an item in the dialects that it names."""
    text = CASE.replace("{say: hello}", "{say: hello, only: [openai-chat]}")
    case, _ = load_case(write_case(tmp_path, text), tmp_path, REQUIREMENTS)
    assert case is not None
    replies = [v.case["exchanges"][0]["reply"] for v in expand(case)]
    assert [1, 2, 1] == [len(r) for r in replies]
    assert {"say": "hello"} == replies[1][0]


def test_globs_match_with_and_without_the_suffix(tmp_path: Path) -> None:
    """`--case` takes the id of a case, of a variant, or a pattern of either."""
    case, _ = load_case(write_case(tmp_path, CASE), tmp_path, REQUIREMENTS)
    assert case is not None
    variants = expand(case)
    assert 3 == len(selected(variants, ["loop.example"]))
    assert 3 == len(selected(variants, ["loop.*"]))
    assert 1 == len(selected(variants, ["*@openai-chat+sse"]))
    assert 0 == len(selected(variants, ["loop"]))


# ---------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("12", 12),
        ("1.50", 1.5),
        ("true", True),
        ("'true'", "true"),
        ("~", None),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_yaml_has_the_types_of_json(text: str, value: object) -> None:
    """YAML 1.1 would make booleans, dates and base-60 numbers of some of these."""
    assert {"x": value} == strict_yaml.read(f"x: {text}").value


def test_numbers_compare_by_their_text() -> None:
    """What a JSON library did to a number is visible only in its text."""
    assert same_text('{"a": 1, "b": [1.10]}', '{"b":[1.10],"a":1}')
    assert not same_text('{"a": 1}', '{"a": 1.0}')
    assert not same_text('{"a": 9007199254740993}', '{"a": 9007199254740992}')
    assert '{"a":1.10}' == write(exact('{"a": 1.10}'))
    assert Number("1e400") == exact("1e400")


@pytest.mark.parametrize("text", ["NaN", '{"a":1,"a":2}', "[" * 100_000, "{}x", ""])
def test_what_is_not_strict_json_is_refused(text: str) -> None:
    """NaN, duplicate keys and bottomless nesting are no values."""
    with pytest.raises(NotJsonError):
        exact(text)


def write_case(folder: Path, text: str) -> Path:
    """Write the example's file."""
    path = folder / "loop" / "example.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return path
