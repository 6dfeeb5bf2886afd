"""What the Anthropic Messages API refuses, and what the contract forbids beyond it.

Each rule says where and when it was seen. The words of the real API are quoted so that they can be
searched for. Not here:

* combinations of settings that a caller may ask for and the provider may refuse, such as a
  temperature beside thinking: they are sent as they are (DIAL-020);
* that the first message be the user's and that roles alternate: the live API takes a history that
  begins with the assistant, joins neighbours of one role, and knows `system` messages (recordings
  of 2025 and 2026).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from isoloop_conformance.spans import has_half_pair
from isoloop_conformance.view._port import Finding, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from isoloop_conformance.spans import Span

RULES: dict[str, Rule] = {}


def _rule(name: str, severity: Severity, evidence: str) -> Rule:
    RULES[name] = Rule(name, severity, evidence)
    return RULES[name]


NOT_JSON = _rule(
    "not-json",
    "provider_rejects",
    "`The request body is not valid JSON: no low surrogate in string` "
    "(anthropics/claude-code#60394, 2026-05-19)",
)
SHAPE = _rule("shape", "provider_rejects", "`messages: Field required` (API reference, 2026-08)")
REPEATED_KEY = _rule("repeated-key", "contract_forbids", "JSON with one meaning only (DIAL-015)")
REQUIRED = _rule("required", "provider_rejects", "`max_tokens: Field required` (2026-08)")
NULL = _rule("null", "contract_forbids", "what is left out is absent, never null (DIAL-015)")
KEY = _rule("key", "provider_rejects", "401 `x-api-key header is required` (2026-08)")
VERSION = _rule(
    "version", "provider_rejects", "`anthropic-version: header is required` (API versions, 2026-08)"
)
NO_MESSAGES = _rule(
    "no-messages", "provider_rejects", "`messages: at least one message is required` (2026-08)"
)
EMPTY_MESSAGE = _rule(
    "empty-message",
    "provider_rejects",
    "`all messages must have non-empty content except for the optional final assistant message` "
    "(2025-2026)",
)
EMPTY_TEXT = _rule(
    "empty-text",
    "provider_rejects",
    "`text content blocks must be non-empty` (experientiallabs/experiential#799, 2026-09-05); "
    "`text content blocks must contain non-whitespace text` "
    "(anthropics/claude-code#23440, 2026-02-05)",
)
CALL_WITHOUT_RESULT = _rule(
    "call-without-result",
    "provider_rejects",
    "`tool_use ids were found without tool_result blocks immediately after` "
    "(anthropics/claude-code#8210, 2025-09-26)",
)
RESULT_WITHOUT_CALL = _rule(
    "result-without-call",
    "provider_rejects",
    "`unexpected tool_use_id found in tool_result blocks` "
    "(anthropics/claude-code#18947, 2026-01-18)",
)
SECOND_RESULT = _rule(
    "second-result",
    "provider_rejects",
    "`each tool_use must have a single result. Found multiple tool_result blocks with id` "
    "(sipeed/picoclaw#1793, 2026-03-19)",
)
REPEATED_CALL_ID = _rule(
    "repeated-call-id",
    "provider_rejects",
    "`tool_use ids must be unique` (trycua/cua#524, 2025-10)",
)
RESULTS_FIRST = _rule(
    "results-first",
    "provider_rejects",
    "results come first in a user message (tool use guide, 2026-08); DIAL-029",
)
RESULT_ORDER = _rule("result-order", "contract_forbids", "results are in call order (DIAL-029)")
ONE_MESSAGE = _rule(
    "one-message",
    "contract_forbids",
    "all results of a turn, and what the user says then, are one user message (DIAL-029); "
    "the API itself joins them, compatible ones do not (pi's A7, z.ai)",
)
CALL_ID = _rule(
    "call-id",
    "provider_rejects",
    "`tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'` (2025-2026); DIAL-031",
)
CALL_ID_LENGTH = _rule("call-id-length", "contract_forbids", "at most 64 characters (DIAL-031)")
TOOL_NAME = _rule(
    "tool-name",
    "provider_rejects",
    "`name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'` (API reference, 2026-08)",
)
REPEATED_TOOL = _rule(
    "repeated-tool", "provider_rejects", "`tools: Tool names must be unique.` (2025-2026)"
)
ARGUMENTS = _rule(
    "arguments",
    "provider_rejects",
    "`tool_use.input: Input should be a valid dictionary` (2025-2026); DIAL-030",
)
SIGNATURE = _rule(
    "signature",
    "provider_rejects",
    "`thinking.signature: Field required` (2025-2026); contents are not checked: what was signed "
    "is judged by the case",
)
BREAKPOINTS = _rule(
    "breakpoints",
    "provider_rejects",
    "`A maximum of 4 blocks with cache_control may be provided. Found 5.` "
    "(Wei-Shaw/sub2api#176); DIAL-034",
)
BREAKPOINT_ORDER = _rule(
    "breakpoint-order",
    "provider_rejects",
    "`a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block` "
    "(headroomlabs-ai/headroom#2939, 2026-08-12)",
)
BUDGET = _rule(
    "budget",
    "provider_rejects",
    "`max_tokens must be greater than thinking.budget_tokens` (2025-2026); DIAL-022",
)
UNKNOWN_MEMBER = _rule(
    "unknown-member", "provider_rejects", "`Extra inputs are not permitted` (2025-2026)"
)

_ID = re.compile(r"[A-Za-z0-9_-]+")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
# Members of the blocks that the contract writes itself; what else a block has came from a provider.
_BLOCK_MEMBERS = {
    "text": {"type", "text", "cache_control", "citations"},
    "thinking": {"type", "thinking", "signature"},
    "redacted_thinking": {"type", "data"},
    "tool_use": {"type", "id", "name", "input", "cache_control", "caller"},
    "tool_result": {"type", "tool_use_id", "content", "is_error", "cache_control"},
    "image": {"type", "source", "cache_control"},
    "document": {"type", "source", "cache_control", "title", "context", "citations"},
}


def check(root: Span, headers: Mapping[str, str]) -> Iterator[Finding]:
    """Hold a request against every rule."""
    yield from _body(root)
    yield from _headers(headers)
    yield from _settings(root)
    yield from _tools(root)
    messages = root.get("messages")
    assert messages is not None
    yield from _messages(messages)
    yield from _pairing(messages.items)
    yield from _breakpoints(root)


def _body(root: Span) -> Iterator[Finding]:
    for at, span in root.below():
        for name in span.repeated():
            yield Finding(REPEATED_KEY, f"`{at}/{name}` appears twice")
        if has_half_pair(span.string) or any(has_half_pair(name) for name, _ in span.members):
            yield Finding(NOT_JSON, f"`{at}` has half a surrogate pair")
    for name, span in root.members:
        if span.kind == "null":
            yield Finding(NULL, f"`{name}` is null")


def _headers(headers: Mapping[str, str]) -> Iterator[Finding]:
    if not (headers.get("x-api-key") or headers.get("authorization")):
        yield Finding(KEY, "there is no key")
    if not headers.get("anthropic-version"):
        yield Finding(VERSION, "there is no `anthropic-version`")


def _settings(root: Span) -> Iterator[Finding]:
    for name, kind in (("model", "string"), ("max_tokens", "number")):
        span = root.get(name)
        if span is None or span.kind != kind or span.raw in {"0", '""'}:
            yield Finding(REQUIRED, f"`{name}` is missing or no {kind}")
    thinking, limit = root.get("thinking"), root.get("max_tokens")
    budget = None if thinking is None else thinking.get("budget_tokens")
    if budget is None or limit is None or not (budget.raw.isdigit() and limit.raw.isdigit()):
        return
    if int(budget.raw) >= int(limit.raw):
        yield Finding(BUDGET, f"budget_tokens {budget.raw}, but max_tokens {limit.raw}")


def _tools(root: Span) -> Iterator[Finding]:
    tools = root.get("tools")
    names = [_string(tool, "name") for tool in (tools.items if tools else [])]
    for i, name in enumerate(names):
        if not _NAME.fullmatch(name):
            yield Finding(TOOL_NAME, f"tool {i} is called `{name}`")
        if name in names[:i]:
            yield Finding(REPEATED_TOOL, f"two tools are called `{name}`")


def _messages(messages: Span) -> Iterator[Finding]:
    if not messages.items:
        yield Finding(NO_MESSAGES, "`messages` is empty")
    for i, message in enumerate(messages.items):
        role = _string(message, "role")
        if role not in {"user", "assistant", "system"}:
            yield Finding(SHAPE, f"message {i} has the role `{role}`")
        content = message.get("content")
        if content is None or content.kind not in {"string", "array"}:
            yield Finding(SHAPE, f"message {i} has no content")
            continue
        last_word = role == "assistant" and i == len(messages.items) - 1
        if not (content.string or content.items or last_word):
            yield Finding(EMPTY_MESSAGE, f"message {i} is empty")
        elif content.kind == "string" and not content.string.strip():
            yield Finding(EMPTY_TEXT, f"message {i} is blank")
        for at, span in content.below(f"/messages/{i}/content"):
            yield from _block(span, at)


def _block(span: Span, at: str) -> Iterator[Finding]:
    kind = _string(span, "type")
    # Below a call's input or an opaque block anything may look like a block.
    if kind not in _BLOCK_MEMBERS or not re.fullmatch(r"/messages/\d+(/content/\d+){1,2}", at):
        return
    for name, _ in span.members:
        if name not in _BLOCK_MEMBERS[kind]:
            yield Finding(UNKNOWN_MEMBER, f"`{at}/{name}`: a {kind} block has no such member")
    match kind:
        case "text" if not _string(span, "text").strip():
            yield Finding(EMPTY_TEXT, f"`{at}` is blank")
        case "thinking" if not _string(span, "signature"):
            yield Finding(SIGNATURE, f"`{at}` has no signature")
        case "tool_use":
            yield from _call(span, at)
        case _:
            pass


def _call(span: Span, at: str) -> Iterator[Finding]:
    given, name, arguments = _string(span, "id"), _string(span, "name"), span.get("input")
    if not _ID.fullmatch(given):
        yield Finding(CALL_ID, f"`{at}` has the id `{given}`")
    elif len(given) > 64:
        yield Finding(CALL_ID_LENGTH, f"`{at}` has an id of {len(given)} characters")
    if not _NAME.fullmatch(name):
        yield Finding(TOOL_NAME, f"`{at}` calls `{name}`")
    if arguments is None or arguments.kind != "object":
        yield Finding(ARGUMENTS, f"the input of `{at}` is no object")


def _pairing(messages: list[Span]) -> Iterator[Finding]:
    """Calls and results: each call has one result, in the next message, in call order, first."""
    seen: set[str] = set()
    open_calls: list[str] = []
    answered: list[str] = []
    before = ""
    for i, message in enumerate(messages):
        role, items = _string(message, "role"), _items(message)
        calls = [_string(b, "id") for b in items if _string(b, "type") == "tool_use"]
        results = [_string(b, "tool_use_id") for b in items if _string(b, "type") == "tool_result"]
        for call in calls:
            if call in seen:
                yield Finding(REPEATED_CALL_ID, f"message {i} has the call `{call}` again")
            seen.add(call)
        if role == "user" and before == "user" and answered:
            yield Finding(ONE_MESSAGE, f"message {i} goes on after the results of message {i - 1}")
        if role == "user":
            if before != "user":
                answered = []
            yield from _results(i, results, open_calls, answered)
            yield from _order(i, items, results, open_calls)
        if role == "assistant":
            missing = [c for c in open_calls if c not in answered]
            if missing:
                yield Finding(CALL_WITHOUT_RESULT, f"no result for {', '.join(missing)}")
            open_calls = [*(open_calls if before == "assistant" else []), *calls]
            answered = []
        before = role
    if missing := [c for c in open_calls if c not in answered]:
        yield Finding(CALL_WITHOUT_RESULT, f"no result for {', '.join(missing)}")


def _results(
    i: int, results: list[str], open_calls: list[str], answered: list[str]
) -> Iterator[Finding]:
    for result in results:
        if result not in open_calls:
            yield Finding(RESULT_WITHOUT_CALL, f"message {i} has a result for `{result}`")
        elif result in answered:
            yield Finding(SECOND_RESULT, f"message {i} has a second result for `{result}`")
        answered.append(result)


def _order(
    i: int, items: list[Span], results: list[str], open_calls: list[str]
) -> Iterator[Finding]:
    if any(_string(b, "type") != "tool_result" for b in items[: len(results)]):
        yield Finding(RESULTS_FIRST, f"something stands before the results in message {i}")
    places = [open_calls.index(r) for r in results if r in open_calls]
    if places != sorted(places):
        yield Finding(RESULT_ORDER, f"the results in message {i} are not in call order")


def _breakpoints(root: Span) -> Iterator[Finding]:
    markers: list[tuple[str, str]] = []
    # The API reads them in this order, whatever the order of the members is.
    for part in ("tools", "system", "messages"):
        if (span := root.get(part)) is None:
            continue
        for at, inner in span.below(f"/{part}"):
            if re.search(r"/(input|input_schema)/", at):
                continue
            marker = inner.get("cache_control")
            if marker is not None and marker.kind == "object":
                markers.append((at, _string(marker, "ttl") or "5m"))
    if len(markers) > 4:
        yield Finding(BREAKPOINTS, f"there are {len(markers)} cache breakpoints")
    short = [n for n, (_, ttl) in enumerate(markers) if ttl == "5m"]
    for n, (at, ttl) in enumerate(markers):
        if ttl == "1h" and short and short[0] < n:
            yield Finding(BREAKPOINT_ORDER, f"the long breakpoint at `{at}` follows a short one")


def _items(message: Span) -> list[Span]:
    content = message.get("content")
    return content.items if content is not None else []


def _string(span: Span, name: str) -> str:
    found = span.get(name)
    return found.string if found is not None and found.kind == "string" else ""
