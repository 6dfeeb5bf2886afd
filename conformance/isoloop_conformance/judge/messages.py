"""Compare messages: what a request carries, and what a run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from isoloop_conformance.exact_json import Json, JsonObject, same_text, show
from isoloop_conformance.judge.findings import ABSENT
from isoloop_conformance.values import blocks, model_name

if TYPE_CHECKING:
    from isoloop_conformance.judge.findings import Findings
    from isoloop_conformance.variants import Variant

_ALWAYS = {"role", "content", "model"}


@dataclass(frozen=True)
class Item:
    """A block of a user or assistant message, or a whole result.

    Dialects differ in whether adjacent messages of one role are one or several; a row of items does
    not know the difference.
    """

    kind: str
    value: JsonObject
    path: str

    def __str__(self) -> str:
        shown = self.value if self.kind != "tool_result" else {**self.value, "role": "tool_result"}
        return f"{self.kind} {show(shown, 100)}"


def items(messages: list[JsonObject], path: str) -> list[Item]:
    """Return messages as a row of items."""
    row: list[Item] = []
    for i, message in enumerate(messages):
        if message["role"] == "tool_result":
            row.append(Item("tool_result", message, f"{path}[{i}]"))
            continue
        for j, block in enumerate(blocks(message["content"])):
            row.append(Item(message["role"], block, f"{path}[{i}].content[{j}]"))
    return row


def compare_items(findings: Findings, path: str, want: list[Item], got: list[Item]) -> None:
    """Compare two rows. After the first item that is something else, nothing more is said."""
    for wanted, found in zip(want, got, strict=False):
        if (wanted.kind, wanted.value.get("type")) != (found.kind, found.value.get("type")):
            findings.check(
                wanted.path,
                ok=False,
                want=str(wanted),
                got=str(found),
                why="something else is here",
            )
            return
        if wanted.kind == "tool_result":
            _sent_result(findings, wanted, found)
        else:
            compare_block(findings, wanted.path, wanted.value, found.value, sent=True)
    findings.check(
        path,
        ok=len(want) == len(got),
        want=[str(i) for i in want[len(got) :]] or "nothing more",
        got=[str(i) for i in got[len(want) :]] or "nothing more",
        why="the messages end too early" if len(want) > len(got) else "there is more than wanted",
    )


def compare_block(
    findings: Findings, path: str, want: JsonObject, got: JsonObject, *, sent: bool
) -> None:
    """Compare one content block; `sent`: as it stands in a request."""
    if not findings.check(
        f"{path}.type", ok=want["type"] == got.get("type"), want=want["type"], got=got.get("type")
    ):
        return
    for member in _compared(want, got, sent=sent):
        at = f"{path}.{member}"
        wanted, found = want.get(member, ABSENT), got.get(member, ABSENT)
        if member == "text" and want.get("prefix"):
            ok = isinstance(found, str) and found.startswith(wanted) and len(found) > len(wanted)
            findings.check(at, ok=ok, want=f"{wanted}...", got=found, why="begins so and goes on")
        elif member in {"argumentsText", "json"} and isinstance(found, str):
            findings.check(at, ok=same_text(wanted, found), want=wanted, got=found)
        else:
            findings.equal(at, wanted, found)


def _compared(want: JsonObject, got: JsonObject, *, sent: bool) -> list[str]:
    names = {
        "text": ["text"],
        "thinking": ["text", "signature"],
        "tool_call": ["id", "name", "argumentsText"],
        "image": ["source"],
        "document": ["source", "title"],
        "audio": ["source"],
        "opaque": ["kind", "json"],
    }.get(want["type"], [k for k in want if k != "type"])
    always = [n for n in names if n in want or n in got]
    extra = ["cacheBreakpoint"] if sent or "cacheBreakpoint" in want else []
    if not sent:
        extra.append("incomplete")
    extra += [n for n in ("providerData", "dialect") if n in want and not sent]
    return always + [n for n in extra if n in want or n in got]


def _sent_result(findings: Findings, want: Item, got: Item) -> None:
    findings.equal(f"{want.path}.callId", want.value["callId"], got.value["callId"])
    if "isError" in got.value:
        wanted = want.value.get("isError", False)
        findings.equal(f"{want.path}.isError", wanted, got.value["isError"])
    for member in {"cacheBreakpoint"} & {*want.value, *got.value}:
        wanted, found = want.value.get(member, ABSENT), got.value.get(member, ABSENT)
        findings.equal(f"{want.path}.{member}", wanted, found)
    _blocks(
        findings, f"{want.path}.content", want.value["content"], got.value["content"], sent=True
    )


def _blocks(findings: Findings, path: str, want: Json, got: Json, *, sent: bool) -> None:
    wanted = blocks(want)
    found = cast("list[JsonObject]", got if isinstance(got, list) else [])
    if not findings.check(
        path,
        ok=len(wanted) == len(found),
        want=wanted,
        got=found,
        why=f"{len(wanted)} blocks are wanted",
    ):
        return
    for i, (w, g) in enumerate(zip(wanted, found, strict=True)):
        compare_block(findings, f"{path}[{i}]", w, g, sent=sent)


def compare_messages(
    findings: Findings, path: str, want: list[JsonObject], got: Json, variant: Variant
) -> None:
    """Compare messages in the contract's form, one by one."""
    found = cast("list[JsonObject]", got if isinstance(got, list) else [])
    if not findings.check(
        path,
        ok=[m["role"] for m in want] == [m.get("role") for m in found],
        want=[m["role"] for m in want],
        got=[m.get("role") for m in found],
        why="other messages",
    ):
        return
    for i, (w, g) in enumerate(zip(want, found, strict=True)):
        compare_message(findings, f"{path}[{i}]", w, g, variant)


def compare_message(
    findings: Findings, path: str, want: JsonObject, got: JsonObject, variant: Variant
) -> None:
    """Compare one message in the contract's form with what a case says of it."""
    findings.equal(f"{path}.role", want["role"], got.get("role", ABSENT))
    _blocks(findings, f"{path}.content", want["content"], got.get("content"), sent=False)
    wanted = {k: v for k, v in want.items() if k not in _ALWAYS}
    if want["role"] == "tool_result":
        wanted = {"isError": False, "code": ABSENT, **wanted}
    if want["role"] == "assistant":
        model = want.get("model", {"dialect": variant.dialect, "model": model_name(variant.case)})
        findings.given(f"{path}.model", model, got.get("model", {}))
    for member, value in wanted.items():
        compare_member(findings, f"{path}.{member}", value, got.get(member, ABSENT))


def compare_member(findings: Findings, path: str, want: Json, got: Json) -> None:
    """Compare one member; of an error only what is given, never its text for people."""
    if path.endswith(".error") and isinstance(want, dict) and isinstance(got, dict):
        findings.given(path, cast("JsonObject", want), cast("JsonObject", got))
    else:
        findings.equal(path, want, got)


def prefix_kept(before: list[Item], after: list[Item]) -> bool:
    """Whether a request begins with everything of the one before; cache markers do not count."""
    return len(after) >= len(before) and all(
        _bare(a) == _bare(b) for a, b in zip(before, after, strict=False)
    )


def _bare(item: Item) -> tuple[str, str]:
    value = {k: v for k, v in item.value.items() if k != "cacheBreakpoint"}
    if isinstance(value.get("content"), list):
        inner = cast("list[JsonObject]", value["content"])
        value["content"] = [{k: v for k, v in b.items() if k != "cacheBreakpoint"} for b in inner]
    return item.kind, show(value, 1_000_000_000)
