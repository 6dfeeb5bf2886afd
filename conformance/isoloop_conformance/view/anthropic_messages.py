"""Anthropic Messages requests in provider-neutral terms.

A body, shortened::

    {
        "model": "m",
        "max_tokens": 32000,
        "stream": true,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "go"}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "a", "content": [...]}],
            },
        ],
    }

Whatever the view has no place for stands in `otherJson`: members of the body by name, members of
anything below it by JSON pointer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from isoloop_conformance.exact_json import NotJsonError
from isoloop_conformance.spans import read_spans
from isoloop_conformance.view._port import Finding, Reading
from isoloop_conformance.view.anthropic_rules import NOT_JSON, SHAPE, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.spans import Span

_SETTINGS = {
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
}
_WHOLE_NUMBERS = {"max_tokens", "top_k"}
_CHOICES = {"auto": "auto", "none": "none", "any": "required", "tool": "tool"}


def read(body: bytes, headers: Mapping[str, str]) -> Reading:
    """Read a request's body."""
    try:
        root = read_spans(body.decode())
    except UnicodeDecodeError as error:
        return Reading(None, (Finding(NOT_JSON, f"the body is not UTF-8 at byte {error.start}"),))
    except NotJsonError as error:
        return Reading(None, (Finding(NOT_JSON, f"the body is not JSON: {error}"),))
    messages = root.get("messages")
    if root.kind != "object" or messages is None or messages.kind != "array":
        return Reading(None, (Finding(SHAPE, "the body has no list of `messages`"),))
    return Reading(_View(root).view(), tuple(check(root, headers)))


class _View:
    def __init__(self, root: Span) -> None:
        self._root = root
        self._other: dict[str, str] = {}

    def view(self) -> JsonObject:
        view: JsonObject = {}
        settings: JsonObject = {}
        for name, span in self._members():
            self._member(name, span, view, settings)
        messages = self._root.get("messages")
        assert messages is not None
        view["messages"] = self._messages(messages)
        if settings:
            view["settings"] = settings
        if self._other:
            members = (f"{json.dumps(k)}:{v}" for k, v in self._other.items())
            view["otherJson"] = "{" + ",".join(members) + "}"
        return view

    def _members(self) -> list[tuple[str, Span]]:
        """Return the body's members, of repeated ones the last."""
        return list(dict(self._root.members).items())

    def _member(self, name: str, span: Span, view: JsonObject, settings: JsonObject) -> None:
        match name, span.kind:
            case "messages", _:
                pass
            case "model", "string":
                view["model"] = span.string
            case "stream", "true" | "false":
                view["stream"] = span.value()
            case "system", "string" | "array":
                view["instructions"] = self._blocks(span, "/system")
            case "tools", "array":
                tools = enumerate(span.items)
                view["tools"] = [self._tool(tool, f"/tools/{i}") for i, tool in tools]
            case "tool_choice", "object":
                self._tool_choice(span, view, settings)
            case "stop_sequences", "array":
                settings["stopSequences"] = span.value()
            case "thinking", "object":
                self._thinking(span, settings)
            case "output_config", "object":
                self._output_config(span, view, settings)
            case _, "number" if name in _SETTINGS and self._number_fits(name, span):
                settings[_SETTINGS[name]] = span.value()
            case _:
                self._other[name] = span.raw

    def _number_fits(self, name: str, span: Span) -> bool:
        return len(span.raw) < 20 and not (name in _WHOLE_NUMBERS and set(span.raw) & set(".eE"))

    def _tool_choice(self, span: Span, view: JsonObject, settings: JsonObject) -> None:
        """Read `{"type":"tool","name":"f","disable_parallel_tool_use":true}`."""
        kind, name = _string(span, "type"), _string(span, "name")
        if kind not in _CHOICES or (kind == "tool") != (name is not None):
            self._other["tool_choice"] = span.raw
            return
        view["toolChoice"] = {"type": _CHOICES[kind]} | ({} if name is None else {"name": name})
        serial = span.get("disable_parallel_tool_use")
        if serial is not None and serial.kind in {"true", "false"}:
            settings["parallelToolCalls"] = serial.kind == "false"
        self._rest(span, "/tool_choice", "type", "name", "disable_parallel_tool_use")

    def _thinking(self, span: Span, settings: JsonObject) -> None:
        """Read `{"type":"enabled","budget_tokens":1024}`; `adaptive` stands beside an effort."""
        budget, config = span.get("budget_tokens"), self._root.get("output_config")
        effort = None if config is None else _string(config, "effort")
        match _string(span, "type"):
            case "disabled":
                settings["thinking"] = {"type": "disabled"}
            case "enabled" if budget is not None and budget.raw.isdigit():
                settings["thinking"] = {"type": "budget", "budgetTokens": budget.value()}
            case "adaptive" if effort is not None:
                settings["thinking"] = {"type": "effort", "effort": effort}
            case _:
                self._other["thinking"] = span.raw
                return
        self._rest(span, "/thinking", "type", "budget_tokens")

    def _output_config(self, span: Span, view: JsonObject, settings: JsonObject) -> None:
        """Read `{"effort":"low","format":{"type":"json_schema","schema":{}}}`."""
        del settings
        modelled: set[str] = set()
        thinking = self._root.get("thinking")
        if thinking is not None and _string(thinking, "type") == "adaptive":
            modelled.add("effort")
        chosen = span.get("format")
        schema = None if chosen is None else chosen.get("schema")
        if chosen is not None and schema is not None and _string(chosen, "type") == "json_schema":
            view["outputSchemaJson"] = schema.raw
            modelled.add("format")
            self._rest(chosen, "/output_config/format", "type", "schema")
        self._rest(span, "/output_config", *modelled)

    def _tool(self, span: Span, at: str) -> JsonObject:
        """Read `{"name":"f","description":"...","input_schema":{}}`; others are the provider's."""
        schema, kind = span.get("input_schema"), _string(span, "type")
        name = _string(span, "name")
        if schema is None or name is None or kind not in {None, "custom"}:
            return {"type": "provider", "json": span.raw}
        tool: JsonObject = {"type": "function", "name": name}
        described, strict = _string(span, "description"), span.get("strict")
        if described is not None:
            tool["description"] = described
        tool["inputSchemaJson"] = schema.raw
        if strict is not None and strict.kind in {"true", "false"}:
            tool["strict"] = strict.value()
        self._cache(span, at, tool)
        known = ("name", "type", "description", "input_schema", "strict", "cache_control")
        self._rest(span, at, *known)
        return tool

    def _messages(self, span: Span) -> list[JsonObject]:
        """Join adjacent messages of one role; results stand before the user's own blocks."""
        rows: list[tuple[str, list[JsonObject], list[JsonObject]]] = []
        for i, message in enumerate(span.items):
            role = _string(message, "role")
            if role not in {"user", "assistant"}:
                self._other[f"/messages/{i}"] = message.raw
                continue
            if not rows or rows[-1][0] != role:
                rows.append((role, [], []))
            self._message(message, f"/messages/{i}", rows[-1])
        messages: list[JsonObject] = []
        for role, results, blocks in rows:
            messages += results
            if blocks or not results:
                messages.append({"role": role, "content": blocks})
        return messages

    def _message(
        self, span: Span, at: str, row: tuple[str, list[JsonObject], list[JsonObject]]
    ) -> None:
        _, results, blocks = row
        content = span.get("content")
        self._rest(span, at, "role", "content")
        if content is None or content.kind not in {"string", "array"}:
            if content is not None:
                self._other[f"{at}/content"] = content.raw
            return
        for i, block in enumerate(content.items):
            if _string(block, "type") == "tool_result" and _string(block, "tool_use_id"):
                results.append(self._result(block, f"{at}/content/{i}"))
            else:
                blocks.append(self._block(block, f"{at}/content/{i}"))
        if content.kind == "string":
            blocks.append({"type": "text", "text": content.string})

    def _blocks(self, span: Span, at: str) -> list[JsonObject]:
        if span.kind == "string":
            return [{"type": "text", "text": span.string}]
        return [self._block(block, f"{at}/{i}") for i, block in enumerate(span.items)]

    def _block(self, span: Span, at: str) -> JsonObject:
        kind = _string(span, "type")
        match kind:
            case "text" if (text := _string(span, "text")) is not None:
                block: JsonObject = {"type": "text", "text": text}
                self._cache(span, at, block)
                self._rest(span, at, "type", "text", "cache_control")
                return block
            case "thinking":
                block = {"type": "thinking", "json": span.raw}
                for member, name in (("thinking", "text"), ("signature", "signature")):
                    if (value := _string(span, member)) is not None:
                        block[name] = value
                return block
            case "tool_use" if block := self._call(span, at):
                return block
            case "image" | "document" if block := self._media(span, at, kind):
                return block
            case _:
                return {"type": "opaque", "kind": kind or "", "json": span.raw}

    def _call(self, span: Span, at: str) -> JsonObject:
        """Read `{"type":"tool_use","id":"a","name":"f","input":{"q":1}}`."""
        given, name, arguments = _string(span, "id"), _string(span, "name"), span.get("input")
        if given is None or name is None or arguments is None:
            return {}
        self._rest(span, at, "type", "id", "name", "input", "cache_control")
        call = {"type": "tool_call", "id": given, "name": name, "argumentsText": arguments.raw}
        self._cache(span, at, call)
        return call

    def _result(self, span: Span, at: str) -> JsonObject:
        """Read `{"type":"tool_result","tool_use_id":"a","content":"1","is_error":true}`."""
        content, failed = span.get("content"), span.get("is_error")
        blocks = [] if content is None else self._blocks(content, f"{at}/content")
        result: JsonObject = {
            "role": "tool_result",
            "callId": _string(span, "tool_use_id"),
            "content": blocks,
            "isError": failed is not None and failed.kind == "true",
        }
        self._cache(span, at, result)
        known = ("type", "tool_use_id", "content", "is_error", "cache_control")
        self._rest(span, at, *known)
        return result

    def _media(self, span: Span, at: str, kind: str) -> JsonObject:
        """Read `{"type":"image","source":{"type":"url","url":"https://example.com/a.png"}}`."""
        found = span.get("source")
        source = {} if found is None else _source(found, kind)
        if not source:
            return {}
        block: JsonObject = {"type": kind, "source": source}
        if (title := _string(span, "title")) is not None:
            block["title"] = title
        self._cache(span, at, block)
        self._rest(span, at, "type", "source", "title", "cache_control")
        return block

    def _cache(self, span: Span, at: str, block: JsonObject) -> None:
        """Read `"cache_control":{"type":"ephemeral","ttl":"1h"}`."""
        marker = span.get("cache_control")
        if marker is None or marker.kind == "null":
            return
        match marker.value():
            case {"type": "ephemeral", **rest} if rest in ({}, {"ttl": "5m"}):
                block["cacheBreakpoint"] = "short"
            case {"type": "ephemeral", "ttl": "1h", **rest} if not rest:
                block["cacheBreakpoint"] = "long"
            case _:
                self._other[f"{at}/cache_control"] = marker.raw

    def _rest(self, span: Span, at: str, *known: str) -> None:
        for name, value in span.members:
            if name not in known:
                self._other[f"{at}/{name}"] = value.raw


def _source(span: Span, kind: str) -> JsonObject:
    match _plain(span):
        case {"type": "base64", "media_type": str(media), "data": str(data), **rest} if not rest:
            return {"type": "base64", "mediaType": media, "data": data}
        case {"type": "url", "url": str(url), **rest} if not rest:
            return {"type": "url", "url": url}
        case {"type": "text", "media_type": "text/plain", "data": str(data), **rest} if (
            kind == "document" and not rest
        ):
            return {"type": "text", "text": data}
        case _:
            return {}


def _plain(span: Span) -> Json:
    return {name: value.string for name, value in span.members if value.kind == "string"}


def _string(span: Span, name: str) -> str | None:
    found = span.get(name)
    return found.string if found is not None and found.kind == "string" else None
