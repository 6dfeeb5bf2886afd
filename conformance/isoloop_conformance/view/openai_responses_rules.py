"""What the Responses API refuses, and what the contract forbids beyond it.

Each rule says where and when it was seen. The words of the real API are quoted so that they can be
searched for. A request that goes on from a stored one (`previous_response_id`, `conversation`) may
have results whose calls are not in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from isoloop_conformance.view._openai import has_key, string
from isoloop_conformance.view._openai_rules import check_call_id, check_json, check_tools
from isoloop_conformance.view._pairing import Entry, PairingRules, check_pairs
from isoloop_conformance.view._port import Finding, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from isoloop_conformance.spans import Span

RULES: dict[str, Rule] = {}


def _rule(name: str, severity: Severity, evidence: str) -> Rule:
    RULES[name] = Rule(name, severity, evidence)
    return RULES[name]


NOT_JSON = _rule(
    "not-json", "provider_rejects", "`We could not parse the JSON body of your request` (2025-2026)"
)
SHAPE = _rule(
    "shape", "provider_rejects", "`Missing required parameter: 'input'` (API reference, 2026-08)"
)
REPEATED_KEY = _rule("repeated-key", "contract_forbids", "JSON with one meaning only, 2026-11")
REQUIRED = _rule(
    "required", "provider_rejects", "`Missing required parameter: 'model'` (API reference, 2026-08)"
)
NULL = _rule("null", "contract_forbids", "what is left out is absent, never null (DIAL-015)")
KEY = _rule(
    "key", "provider_rejects", "401 `You didn't provide an API key` in Authorization (2025-2026)"
)
NO_INPUT = _rule(
    "no-input", "provider_rejects", "`input` has at least one item (API reference, 2026-08)"
)
NO_CONTENT = _rule(
    "no-content", "contract_forbids", "messages that have no block left are not sent (DIAL-008)"
)
EMPTY_TEXT = _rule("empty-text", "contract_forbids", "blank texts are not sent (DIAL-008)")
TEXT_KIND = _rule(
    "text-kind",
    "provider_rejects",
    "`Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.` for the "
    "assistant, and the other way round for the user (2025-2026)",
)
CALL_WITHOUT_RESULT = _rule(
    "call-without-result",
    "provider_rejects",
    "`No tool output found for function call call_…` (anomalyco/opencode#16717, 2026-03-09)",
)
RESULT_WITHOUT_CALL = _rule(
    "result-without-call",
    "provider_rejects",
    "`No tool call found for function call output with call_id call_…` "
    "(microsoft/vscode#320060, 2026-06-05)",
)
SECOND_RESULT = _rule("second-result", "contract_forbids", "one result for each call (DIAL-002)")
REPEATED_CALL_ID = _rule(
    "repeated-call-id", "contract_forbids", "different ids for different calls (DIAL-010)"
)
RESULT_ORDER = _rule("result-order", "contract_forbids", "results are in call order (DIAL-002)")
RESULTS_APART = _rule(
    "results-apart",
    "contract_forbids",
    "results stand directly after the answer that asked for them (DIAL-002); hosts that copy the "
    "API refuse others (ranxianglei/billion-context#766, 2026-09-14)",
)
CALL_ID = _rule(
    "call-id", "provider_rejects", "`Missing required parameter: 'input[1].call_id'` (2025-2026)"
)
CALL_ID_LENGTH = _rule(
    "call-id-length",
    "provider_rejects",
    "`Invalid 'input[95].call_id': string too long. Expected a string with maximum length 64` "
    "(AnswerDotAI/fastllm#45, 2026-06-08)",
)
TOOL_NAME = _rule(
    "tool-name",
    "provider_rejects",
    "`Invalid 'tools[0].name': string does not match pattern. Expected a string that matches the "
    "pattern '^[a-zA-Z0-9_-]+$'` (2025-2026), at most 128 characters (DIAL-114)",
)
REPEATED_TOOL = _rule(
    "repeated-tool", "contract_forbids", "a call must name one tool (LOOP-002, 2026-11)"
)
NO_TOOLS = _rule(
    "no-tools",
    "contract_forbids",
    "what is about tools is sent with tools only, as in openai-chat (2026-11)",
)
ARGUMENTS = _rule(
    "arguments", "provider_rejects", "`arguments` is a string (API reference, 2026-08)"
)
REASONING_ALONE = _rule(
    "reasoning-alone",
    "provider_rejects",
    "`Item 'rs_…' of type 'reasoning' was provided without its required following item.` "
    "(recording of 2025: a message without its id did not count)",
)
REASONING_UNKEPT = _rule(
    "reasoning-unkept",
    "provider_rejects",
    "`Item with id 'rs_…' not found. Items are not persisted when 'store' is set to false.` "
    "(vercel/ai#7543, 2025-07-25)",
)
ITEM_ID = _rule(
    "item-id",
    "provider_rejects",
    "`Invalid 'input[1].id': 'call_…'. Expected an ID that begins with 'fc'.` (2025-2026); at "
    "most 64 characters",
)
REPEATED_ITEM = _rule(
    "repeated-item", "provider_rejects", "`Duplicate item found with id rs_…` (2025-2026)"
)
UNKNOWN_MEMBER = _rule(
    "unknown-member",
    "provider_rejects",
    "`Unknown parameter: 'input[1].foo'.` (2025-2026)",
)

_PAIRING = PairingRules(
    CALL_WITHOUT_RESULT,
    RESULT_WITHOUT_CALL,
    SECOND_RESULT,
    REPEATED_CALL_ID,
    RESULT_ORDER,
    RESULTS_APART,
)
_LONGEST_ID = 64
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ID_PREFIXES = {"message": "msg", "reasoning": "rs", "function_call": "fc"}
_ROLES = {"system", "developer", "user", "assistant"}
# Members of the items that the contract writes itself; what else an item is came from a provider.
_MEMBERS = {
    "message": {"type", "role", "content", "id", "status", "phase"},
    "reasoning": {"type", "id", "summary", "content", "encrypted_content", "status"},
    "function_call": {
        *("type", "id", "call_id", "name", "arguments", "status", "namespace", "caller"),
    },
    "function_call_output": {"type", "id", "call_id", "output", "status", "caller"},
}


def check(root: Span, headers: Mapping[str, str]) -> Iterator[Finding]:
    """Hold a request against every rule."""
    yield from check_json(root, NOT_JSON, REPEATED_KEY, NULL)
    if not has_key(headers):
        yield Finding(KEY, "there is no `authorization: Bearer`")
    if not string(root, "model"):
        yield Finding(REQUIRED, "`model` is missing or no string")
    tools = root.get("tools")
    functions = [t for t in (tools.items if tools else []) if string(t, "type") == "function"]
    yield from check_tools(root, functions, _NAME, (TOOL_NAME, REPEATED_TOOL, NO_TOOLS))
    given = root.get("input")
    assert given is not None
    if not (given.items or given.string):
        yield Finding(NO_INPUT, "`input` is empty")
    for i, item in enumerate(given.items):
        yield from _item(item, f"/input/{i}")
    yield from _ids(given)
    yield from _reasoning(root, given)
    if not _goes_on(root):
        yield from check_pairs(_entries(given), _PAIRING)


def _goes_on(root: Span) -> bool:
    """Whether the provider has what came before."""
    stored = [root.get(name) for name in ("previous_response_id", "conversation")]
    return any(span is not None and span.kind != "null" for span in stored)


def _kind(item: Span) -> str:
    return string(item, "type") or "message"


def _item(item: Span, at: str) -> Iterator[Finding]:
    kind = _kind(item)
    for name, span in item.members:
        if kind in _MEMBERS and name not in _MEMBERS[kind] and span.kind != "null":
            yield Finding(UNKNOWN_MEMBER, f"`{at}/{name}` is unknown")
    match kind:
        case "message":
            yield from _message(item, at)
        case "function_call":
            ids = string(item, "call_id") or ""
            yield from check_call_id(ids, at, _LONGEST_ID, (CALL_ID, CALL_ID_LENGTH))
            if not _NAME.fullmatch(string(item, "name") or ""):
                yield Finding(TOOL_NAME, f"`{at}` calls `{string(item, 'name')}`")
            if string(item, "arguments") is None:
                yield Finding(ARGUMENTS, f"the arguments of `{at}` are no string")
        case "function_call_output":
            ids = string(item, "call_id") or ""
            yield from check_call_id(ids, at, _LONGEST_ID, (CALL_ID, CALL_ID_LENGTH))
            output = item.get("output")
            if output is None or output.kind not in {"string", "array"}:
                yield Finding(SHAPE, f"`{at}` has no output")
        case _:
            pass


def _message(item: Span, at: str) -> Iterator[Finding]:
    role, content = string(item, "role") or "", item.get("content")
    if role not in _ROLES:
        yield Finding(SHAPE, f"`{at}` has the role `{role}`")
    if content is None or content.kind not in {"string", "array"}:
        yield Finding(SHAPE, f"`{at}` has no content")
        return
    if content.kind == "string":
        yield from _blank(content.string, at)
    elif not content.items:
        yield Finding(NO_CONTENT, f"the content of `{at}` is empty")
    for i, part in enumerate(content.items):
        kind = string(part, "type") or ""
        if kind in {"input_text", "output_text"}:
            yield from _blank(string(part, "text") or "", f"{at}/content/{i}")
        if kind.startswith("input_" if role == "assistant" else "output_"):
            yield Finding(TEXT_KIND, f"`{at}/content/{i}` is a `{kind}` of the {role}")


def _blank(text: str, at: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding(EMPTY_TEXT, f"`{at}` is blank")


def _ids(given: Span) -> Iterator[Finding]:
    seen: set[str] = set()
    for i, item in enumerate(given.items):
        item_id, prefix = string(item, "id"), _ID_PREFIXES.get(_kind(item), "")
        if item_id is None:
            continue
        if not item_id.startswith(prefix) or not 0 < len(item_id) <= _LONGEST_ID:
            yield Finding(ITEM_ID, f"`/input/{i}` has the id `{item_id}`")
        if item_id in seen and _kind(item) != "item_reference":
            yield Finding(REPEATED_ITEM, f"`/input/{i}` has the id `{item_id}` again")
        seen.add(item_id)


def _reasoning(root: Span, given: Span) -> Iterator[Finding]:
    """Reasoning goes with what it led to, and with its content where nothing is stored."""
    store = root.get("store")
    stored = store is None or store.kind != "false"
    for i, item in enumerate(given.items):
        if _kind(item) != "reasoning":
            continue
        follower = given.items[i + 1] if i + 1 < len(given.items) else None
        if follower is None or not _made_by_model(follower, stored=stored):
            yield Finding(REASONING_ALONE, f"no item of the answer follows `/input/{i}`")
        if not stored and not string(item, "encrypted_content"):
            yield Finding(REASONING_UNKEPT, f"`/input/{i}` has no encrypted content")


def _made_by_model(item: Span, *, stored: bool) -> bool:
    """Whether an item is a model's; of what is stored, a message without its id is not."""
    kind = _kind(item)
    if kind == "message":
        return string(item, "role") == "assistant" and not (stored and not string(item, "id"))
    return not kind.endswith("_output")


def _entries(given: Span) -> Iterator[Entry]:
    for i, item in enumerate(given.items):
        at, kind, call_id = f"/input/{i}", _kind(item), string(item, "call_id") or ""
        match kind:
            case "function_call":
                yield Entry("call", at, call_id)
            case "function_call_output":
                yield Entry("result", at, call_id)
            case "message" if string(item, "role") != "assistant":
                yield Entry("other", at)
            case _:
                yield Entry("assistant", at)
