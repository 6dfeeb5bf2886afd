"""What the Chat Completions API refuses, and what the contract forbids beyond it.

Each rule says where and when it was seen. The words of the real API are quoted so that they can be
searched for. Not here:

* combinations of settings that a caller may ask for and some model refuses, such as a temperature
  for a reasoning model: they are sent as they are;
* that roles alternate and that the user speaks last: the API takes any order of them (recordings
  of 2025 and 2026).
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
    "shape", "provider_rejects", "`Missing required parameter: 'messages'` (API reference, 2026-08)"
)
REPEATED_KEY = _rule("repeated-key", "contract_forbids", "JSON with one meaning only, 2026-11")
REQUIRED = _rule(
    "required", "provider_rejects", "`you must provide a model parameter` (API reference, 2026-08)"
)
NULL = _rule("null", "contract_forbids", "what is left out is absent, never null (DIAL-015)")
KEY = _rule(
    "key", "provider_rejects", "401 `You didn't provide an API key` in Authorization (2025-2026)"
)
NO_MESSAGES = _rule(
    "no-messages", "provider_rejects", "`[] is too short - 'messages'` (API reference, 2026-08)"
)
NO_CONTENT = _rule(
    "no-content",
    "provider_rejects",
    "`Invalid value for 'content': expected a string, got null.` (docker/docker-agent#63, "
    "2025-07-23); an answer may leave it out beside calls",
)
EMPTY_TEXT = _rule("empty-text", "contract_forbids", "blank texts are not sent (DIAL-008)")
CALL_WITHOUT_RESULT = _rule(
    "call-without-result",
    "provider_rejects",
    "`An assistant message with 'tool_calls' must be followed by tool messages responding to each "
    "'tool_call_id'` (BerriAI/litellm#10083, 2025-04-17)",
)
RESULT_WITHOUT_CALL = _rule(
    "result-without-call",
    "provider_rejects",
    "`messages with role 'tool' must be a response to a preceeding message with 'tool_calls'` "
    "(miurla/morphic#136, 2024-05-11)",
)
SECOND_RESULT = _rule("second-result", "contract_forbids", "one result for each call (DIAL-002)")
REPEATED_CALL_ID = _rule(
    "repeated-call-id", "contract_forbids", "different ids for different calls (DIAL-010)"
)
RESULT_ORDER = _rule("result-order", "contract_forbids", "results are in call order (DIAL-002)")
CALL_ID = _rule(
    "call-id",
    "provider_rejects",
    "`Missing required parameter: 'messages[2].tool_calls[0].id'` (API reference, 2026-08)",
)
CALL_ID_LENGTH = _rule(
    "call-id-length",
    "provider_rejects",
    "`Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum "
    "length 40` (openclaw/openclaw#875, 2026-01-13)",
)
NO_CALLS = _rule(
    "no-calls", "provider_rejects", "`[] is too short - 'messages.1.tool_calls'` (2024-2026)"
)
TOOL_NAME = _rule(
    "tool-name",
    "provider_rejects",
    "`Invalid 'tools[0].function.name': string does not match pattern. Expected a string that "
    "matches the pattern '^[a-zA-Z0-9_-]+$'`, at most 64 characters (2024-2026)",
)
REPEATED_TOOL = _rule(
    "repeated-tool", "contract_forbids", "a call must name one tool (LOOP-002, 2026-11)"
)
NO_TOOLS = _rule(
    "no-tools",
    "provider_rejects",
    "`'parallel_tool_calls' is only allowed when 'tools' are specified` (openai/swarm#30, "
    "2024-07-12); `tool_choice` likewise (writer/writer-framework#1013, 2025-07-15)",
)
ARGUMENTS = _rule(
    "arguments", "provider_rejects", "`arguments` is a string (API reference, 2026-08)"
)
RESULT_CONTENT = _rule(
    "result-content",
    "provider_rejects",
    "`Invalid 'messages[3]'. Content blocks are expected to be either text or image_url type.` "
    "(recording of 2026)",
)
STREAM_OPTIONS = _rule(
    "stream-options",
    "provider_rejects",
    "`The 'stream_options' parameter is only allowed when 'stream' is enabled.` (2024-2026)",
)
USAGE_NOT_ASKED = _rule(
    "usage-not-asked",
    "contract_forbids",
    "a stream tells its usage only with `stream_options.include_usage` (API reference, 2026-08)",
)
UNKNOWN_MEMBER = _rule(
    "unknown-member", "contract_forbids", "members that neither OpenAI nor a host has, 2026-11"
)

_PAIRING = PairingRules(
    CALL_WITHOUT_RESULT, RESULT_WITHOUT_CALL, SECOND_RESULT, REPEATED_CALL_ID, RESULT_ORDER
)
_LONGEST_CALL_ID = 40
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROLES = {"system", "developer", "user", "assistant", "tool"}
# Members of messages: OpenAI's, and those of hosts that were seen in recordings.
_MEMBERS = {
    "system": {"name"},
    "developer": {"name"},
    "user": {"name"},
    "assistant": {
        *("name", "tool_calls", "refusal", "audio", "function_call", "annotations"),
        *("reasoning_content", "reasoning", "reasoning_details", "prefix"),
    },
    "tool": {"tool_call_id", "name"},
}


def check(root: Span, headers: Mapping[str, str]) -> Iterator[Finding]:
    """Hold a request against every rule."""
    yield from check_json(root, NOT_JSON, REPEATED_KEY, NULL)
    if not has_key(headers):
        yield Finding(KEY, "there is no `authorization: Bearer`")
    if not string(root, "model"):
        yield Finding(REQUIRED, "`model` is missing or no string")
    yield from _stream(root)
    tools = root.get("tools")
    functions = [tool.get("function") for tool in (tools.items if tools else [])]
    named = [function for function in functions if function is not None]
    yield from check_tools(root, named, _NAME, (TOOL_NAME, REPEATED_TOOL, NO_TOOLS))
    messages = root.get("messages")
    assert messages is not None
    if not messages.items:
        yield Finding(NO_MESSAGES, "`messages` is empty")
    for i, message in enumerate(messages.items):
        yield from _message(message, f"/messages/{i}")
    yield from check_pairs(_entries(messages), _PAIRING)


def _stream(root: Span) -> Iterator[Finding]:
    stream, options = root.get("stream"), root.get("stream_options")
    streams = stream is not None and stream.kind == "true"
    asked = None if options is None else options.get("include_usage")
    if options is not None and not streams:
        yield Finding(STREAM_OPTIONS, "`stream_options` without `stream`")
    if streams and (asked is None or asked.kind != "true"):
        yield Finding(USAGE_NOT_ASKED, "there is no `stream_options.include_usage`")


def _message(message: Span, at: str) -> Iterator[Finding]:
    role = string(message, "role") or ""
    if role not in _ROLES:
        yield Finding(SHAPE, f"`{at}` has the role `{role}`")
        return
    for name, span in message.members:
        if name not in {"role", "content", *_MEMBERS[role]} and span.kind != "null":
            yield Finding(UNKNOWN_MEMBER, f"`{at}/{name}` is unknown")
    yield from _content(message, at, role)
    calls = message.get("tool_calls")
    if calls is not None and calls.kind == "array" and not calls.items:
        yield Finding(NO_CALLS, f"`{at}/tool_calls` is empty")
    for i, call in enumerate(calls.items if calls is not None else []):
        yield from _call(call, f"{at}/tool_calls/{i}")
    if role == "tool":
        ids = string(message, "tool_call_id") or ""
        yield from check_call_id(ids, at, _LONGEST_CALL_ID, (CALL_ID, CALL_ID_LENGTH))


def _content(message: Span, at: str, role: str) -> Iterator[Finding]:
    content = message.get("content")
    if content is None or content.kind == "null" or (content.kind == "array" and not content.items):
        said = [message.get(name) for name in ("tool_calls", "refusal", "function_call", "audio")]
        if role != "assistant" or not any(span and span.kind != "null" for span in said):
            yield Finding(NO_CONTENT, f"`{at}` has no content")
        return
    if content.kind not in {"string", "array"}:
        yield Finding(SHAPE, f"the content of `{at}` is neither text nor a list")
    if content.kind == "string" and role in {"user", "system", "developer"}:
        yield from _blank(content.string, at)
    for i, part in enumerate(content.items):
        kind = string(part, "type") or ""
        if kind == "text":
            yield from _blank(string(part, "text") or "", f"{at}/content/{i}")
        elif not kind:
            yield Finding(SHAPE, f"`{at}/content/{i}` has no type")
        if role == "tool" and kind not in {"text", "image_url"}:
            yield Finding(RESULT_CONTENT, f"`{at}/content/{i}` is a `{kind}`")


def _blank(text: str, at: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding(EMPTY_TEXT, f"`{at}` is blank")


def _call(call: Span, at: str) -> Iterator[Finding]:
    yield from check_call_id(
        string(call, "id") or "", at, _LONGEST_CALL_ID, (CALL_ID, CALL_ID_LENGTH)
    )
    function = call.get("function")
    if function is None or string(call, "type") not in {"function", None}:
        if string(call, "type") != "custom":
            yield Finding(SHAPE, f"`{at}` is no call of a function")
        return
    if not _NAME.fullmatch(string(function, "name") or ""):
        yield Finding(TOOL_NAME, f"`{at}` calls `{string(function, 'name')}`")
    if string(function, "arguments") is None:
        yield Finding(ARGUMENTS, f"the arguments of `{at}` are no string")


def _entries(messages: Span) -> Iterator[Entry]:
    for i, message in enumerate(messages.items):
        at, role = f"/messages/{i}", string(message, "role")
        calls = message.get("tool_calls")
        if role == "tool":
            yield Entry("result", at, string(message, "tool_call_id") or "")
            continue
        # A message is an answer of its own, so nothing may wait for its results any more.
        yield Entry("other", at)
        for call in calls.items if calls is not None else []:
            yield Entry("call", at, string(call, "id") or "")
