"""Judge the requests: all of them, each in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from isoloop_conformance.exact_json import (
    Json,
    JsonObject,
    NotJsonError,
    exact,
    same,
    same_text,
    write,
)
from isoloop_conformance.judge.findings import ABSENT
from isoloop_conformance.judge.messages import compare_items, items, prefix_kept
from isoloop_conformance.values import blocks, model_name

if TYPE_CHECKING:
    from isoloop_conformance.judge.findings import Findings
    from isoloop_conformance.judge.seen import Seen
    from isoloop_conformance.variants import Variant

PREFIX_KEPT = "DIAL-011"
TOOLS_IN_ORDER = "TOOL-001"
SCHEMA_UNCHANGED = "TOOL-002"
CHOICE_OF_FIRST_TURN = "LOOP-056"
AUTO = {"type": "auto"}


def judge_requests(findings: Findings, variant: Variant, seen: Seen) -> None:
    """Compare every request with the case; what it leaves out follows from the agent."""
    wanted: list[JsonObject] = variant.case["expect"]["requests"]
    findings.check(
        "requests",
        ok=len(wanted) == len(seen.requests),
        want=f"{len(wanted)} requests",
        got=f"{len(seen.requests)} requests",
        why="each request is expected, and none but these",
    )
    choice: JsonObject = AUTO
    for i, want in enumerate(wanted[: len(seen.requests)]):
        got = seen.requests[i]
        before = _before(seen.requests[:i], got)
        choice = _tool_choice(variant, want, choice)
        _judge_request(findings, f"requests[{i}]", (want, got, before), variant, choice)


def _before(earlier: list[JsonObject], request: JsonObject) -> JsonObject | None:
    same_lane = [r for r in earlier if r.get("lane") == request.get("lane")]
    return same_lane[-1] if same_lane else None


def _tool_choice(variant: Variant, want: JsonObject, current: JsonObject) -> JsonObject:
    """Return the choice that follows from the agent: a forced one holds for the first turn only."""
    agent: JsonObject = variant.case.get("agent", {})
    chosen = agent.get("toolChoice", AUTO)
    forced = chosen["type"] in {"required", "tool"} and not chosen.get("everyTurn", False)
    asked: JsonObject = {k: v for k, v in chosen.items() if k != "everyTurn"}
    if "messages" in want or not forced:
        return asked
    return AUTO if want.get("adds") else current


def _judge_request(
    findings: Findings,
    path: str,
    request: tuple[JsonObject, JsonObject, JsonObject | None],
    variant: Variant,
    choice: JsonObject,
) -> None:
    want, got, before = request
    _outside(findings, path, want, got)
    if "sameAs" in want:
        return
    view: JsonObject | None = got.get("view")
    if not findings.check(
        f"{path}.view",
        ok=view is not None,
        want="a request of the dialect",
        got=got["body"],
        why="; ".join(got["problems"]),
    ):
        return
    assert view is not None
    _messages(findings, path, want, view, before)
    agent: JsonObject = variant.case.get("agent", {})
    findings.equal(f"{path}.model", want.get("model", model_name(variant.case)), view.get("model"))
    findings.equal(f"{path}.stream", variant.delivery == "sse", view.get("stream", False))
    _instructions(findings, path, want.get("instructions", agent.get("instructions", "")), view)
    _tools(findings, path, want, agent.get("tools", []), view)
    wanted_choice = want.get("toolChoice", choice if agent.get("tools") else AUTO)
    sent_choice = view.get("toolChoice", AUTO)
    findings.check(
        f"{path}.toolChoice",
        ok=same(wanted_choice, sent_choice),
        want=wanted_choice,
        got=sent_choice,
        otherwise=CHOICE_OF_FIRST_TURN,
    )
    _settings(findings, path, want, agent.get("settings", {}), view)
    schema = agent.get("output", {}).get("schema")
    sent = view.get("outputSchemaJson", ABSENT)
    wanted_schema = ABSENT if schema is None else write(schema)
    findings.check(
        f"{path}.output",
        ok=wanted_schema == sent or same_text(wanted_schema, sent),
        want=wanted_schema,
        got=sent,
    )


def _messages(
    findings: Findings, path: str, want: JsonObject, view: JsonObject, before: JsonObject | None
) -> None:
    got = items(view["messages"], f"{path}.messages")
    if "messages" in want:
        wanted = items(want["messages"], f"{path}.messages")
        compare_items(findings, f"{path}.messages", wanted, got)
        return
    kept = items((before or {}).get("view", {}).get("messages", []), f"{path}.messages")
    if findings.check(
        f"{path}.messages",
        ok=prefix_kept(kept, got),
        want=[str(i) for i in kept],
        got=[str(i) for i in got[: len(kept)]],
        why="what was sent before is sent again unchanged",
        requirement=PREFIX_KEPT,
    ):
        wanted = items(want["adds"], f"{path}.adds")
        compare_items(findings, f"{path}.adds", wanted, got[len(kept) :])


def _instructions(findings: Findings, path: str, want: Json, view: JsonObject) -> None:
    wanted = [b for b in blocks(want) if b["text"]]
    got: list[JsonObject] = view.get("instructions", [])
    if len(wanted) != len(got):
        # A dialect that has one text for the instructions joins its parts.
        wanted = (
            [{"type": "text", "text": "\n\n".join(b["text"] for b in wanted)}] if wanted else []
        )
        got = [{"type": "text", "text": "\n\n".join(b["text"] for b in got)}] if got else []
    names = ("type", "text", "cacheBreakpoint")
    kept = [[{k: v for k, v in b.items() if k in names} for b in part] for part in (wanted, got)]
    findings.equal(f"{path}.instructions", kept[0], kept[1])


def _tools(
    findings: Findings, path: str, want: JsonObject, defined: list[JsonObject], view: JsonObject
) -> None:
    got: list[JsonObject] = view.get("tools", [])
    by_name = {_tool_name(t): t for t in defined}
    names = want.get("tools", list(by_name))
    found = [_tool_name(t) for t in got]
    ok = names == found
    at = f"{path}.tools"
    if not findings.check(at, ok=ok, want=names, got=found, otherwise=TOOLS_IN_ORDER):
        return
    for i, (name, tool) in enumerate(zip(names, got, strict=True)):
        at, wanted = f"{path}.tools[{i}]", by_name.get(name)
        if wanted is None:
            continue
        if tool["type"] == "provider":
            findings.check(
                f"{at}.json",
                ok=same_text(wanted["json"], tool["json"]),
                want=wanted["json"],
                got=tool["json"],
            )
            continue
        findings.equal(f"{at}.description", wanted["description"], tool.get("description", ""))
        schema = write(wanted["inputSchema"])
        findings.check(
            f"{at}.inputSchema",
            ok=same_text(schema, tool["inputSchemaJson"]),
            want=schema,
            got=tool["inputSchemaJson"],
            requirement=SCHEMA_UNCHANGED,
        )
        findings.equal(f"{at}.strict", wanted.get("strict", False), tool.get("strict", False))
        for member in {"cacheBreakpoint"} & {*wanted, *tool}:
            findings.equal(f"{at}.{member}", wanted.get(member, ABSENT), tool.get(member, ABSENT))


def _tool_name(tool: JsonObject) -> str:
    return tool["name"] if tool["type"] == "function" else f"provider:{tool['json']}"


def _settings(
    findings: Findings, path: str, want: JsonObject, asked: JsonObject, view: JsonObject
) -> None:
    """Settings that were not asked for are not sent; a limit that the dialect demands may be."""
    got = dict(view.get("settings", {}))
    wanted = dict(want.get("settings", asked))
    for name in ("cache", "providerOptions"):
        wanted.pop(name, None)
    if "maxOutputTokens" not in wanted:
        got.pop("maxOutputTokens", None)
    findings.equal(f"{path}.settings", wanted, got)


def _outside(findings: Findings, path: str, want: JsonObject, got: JsonObject) -> None:
    if "path" in want:
        findings.equal(f"{path}.path", want["path"], got["path"])
    if "atMs" in want:
        findings.equal(f"{path}.atMs", want["atMs"], got["atMs"], "virtual time of arrival")
    if "lane" in want:
        findings.equal(f"{path}.lane", want["lane"], got.get("lane", ABSENT))
    for name, value in want.get("headers", {}).items():
        findings.equal(f"{path}.headers.{name}", value, got["headers"].get(name.lower(), ABSENT))
    for pointer, value in want.get("body", {}).items():
        wanted = ABSENT if value is None else value
        findings.equal(f"{path}.body.{pointer}", wanted, _at(got["body"], pointer))


def judge_repeated_bodies(findings: Findings, variant: Variant, seen: Seen) -> None:
    """Compare, byte for byte, requests that must repeat an earlier one."""
    for i, want in enumerate(variant.case["expect"]["requests"][: len(seen.requests)]):
        if "sameAs" not in want:
            continue
        earlier: int = want["sameAs"]
        body: str = seen.requests[earlier]["body"] if earlier < i else ABSENT
        got: str = seen.requests[i]["body"]
        why = f"the same bytes as request {earlier}"
        findings.check(f"requests[{i}].sameAs", ok=body == got, want=body, got=got, why=why)


def _at(body: str, pointer: str) -> Json:
    try:
        value: Json = exact(body)
    except NotJsonError:
        return ABSENT
    for part in pointer.lstrip("/").split("/") if pointer.strip("/") else []:
        name = part.replace("~1", "/").replace("~0", "~")
        match value:
            case dict() if name in value:
                value = cast("JsonObject", value)[name]
            case list() if name.isdigit() and int(name) < len(cast("list[Json]", value)):
                value = cast("list[Json]", value)[int(name)]
            case _:
                return ABSENT
    return value
