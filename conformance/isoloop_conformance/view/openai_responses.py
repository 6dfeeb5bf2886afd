"""Responses requests in provider-neutral terms.

A body, shortened::

    {
        "model": "m",
        "stream": true,
        "store": false,
        "instructions": "Be brief.",
        "include": ["reasoning.encrypted_content"],
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "go"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "a", "output": "[error] it broke"},
        ],
    }

Whatever the view has no place for stands in `otherJson`: members of the body by name, members of
anything below it by JSON pointer. `[error] ` at the head of a result says that it is an error.
Items that the contract does not model are opaque blocks of the answer around them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.view import _openai as openai
from isoloop_conformance.view._openai import string
from isoloop_conformance.view._port import Finding, Reading
from isoloop_conformance.view.openai_responses_rules import NOT_JSON, SHAPE, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.spans import Span

_SETTINGS = {
    "max_output_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
}
# What an item has beside its content, and what it is known by.
_ITEM_MEMBERS = ("type", "role", "content", "id", "status", "phase")


def read(body: bytes, headers: Mapping[str, str]) -> Reading:
    """Read a request's body."""
    root = openai.root_of(body, NOT_JSON)
    if isinstance(root, Reading):
        return root
    given = root.get("input")
    if root.kind != "object" or given is None or given.kind not in {"array", "string"}:
        return Reading(None, (Finding(SHAPE, "the body has no `input`"),))
    return Reading(_View(root).view(), tuple(check(root, headers)))


class _View:
    def __init__(self, root: Span) -> None:
        self._root = root
        self._rest = openai.Rest()

    def view(self) -> JsonObject:
        view: JsonObject = {}
        settings: JsonObject = {}
        # Of repeated members the last.
        for name, span in dict(self._root.members).items():
            self._member(name, span, view, settings)
        rows = self._input(view)
        view["messages"] = openai.joined(rows)
        if settings:
            view["settings"] = settings
        self._rest.put_into(view)
        return view

    def _member(self, name: str, span: Span, view: JsonObject, settings: JsonObject) -> None:
        match name, span.kind:
            case "input", _:
                pass
            case "model", "string":
                view["model"] = span.string
            case "stream", "true" | "false":
                view["stream"] = span.value()
            case "instructions", "string":
                view["instructions"] = [{"type": "text", "text": span.string}]
            case "tools", "array":
                tools = enumerate(span.items)
                view["tools"] = [self._tool(tool, f"/tools/{i}") for i, tool in tools]
            case "tool_choice", "string" if span.string in {"auto", "none", "required"}:
                view["toolChoice"] = {"type": span.string}
            case "tool_choice", "object" if string(span, "type") == "function" and (
                chosen := string(span, "name")
            ):
                view["toolChoice"] = {"type": "tool", "name": chosen}
            case "parallel_tool_calls", "true" | "false":
                settings["parallelToolCalls"] = span.value()
            case "reasoning", "object":
                self._reasoning(span, settings)
            case "text", "object":
                self._text(span, view)
            case _, "number" if name in _SETTINGS and openai.number_fits(
                span, whole=name == "max_output_tokens"
            ):
                settings[_SETTINGS[name]] = span.value()
            case _:
                self._rest.add(name, span)

    def _reasoning(self, span: Span, settings: JsonObject) -> None:
        """Read `{"effort":"low","summary":"auto"}`."""
        chosen = string(span, "effort")
        if chosen in openai.EFFORTS:
            settings["thinking"] = openai.effort(chosen)
            self._rest.of(span, "/reasoning", "effort")
        else:
            self._rest.of(span, "/reasoning")

    def _text(self, span: Span, view: JsonObject) -> None:
        """Read `{"format":{"type":"json_schema","name":"output","schema":{}}}`."""
        schema = openai.output_schema(span.get("format"), "/text/format", self._rest)
        if schema is not None:
            view["outputSchemaJson"] = schema
        self._rest.of(span, "/text", *(["format"] if schema is not None else []))

    def _tool(self, span: Span, at: str) -> JsonObject:
        """Read `{"type":"function","name":"f","parameters":{}}`; others are the provider's."""
        tool = None
        if string(span, "type") == "function":
            tool = openai.function_tool(span, at, self._rest)
        return {"type": "provider", "json": span.raw} if tool is None else tool

    def _input(self, view: JsonObject) -> list[JsonObject]:
        given = self._root.get("input")
        assert given is not None
        if given.kind == "string":
            return [{"role": "user", "content": [{"type": "text", "text": given.string}]}]
        rows: list[JsonObject] = []
        for i, item in enumerate(given.items):
            self._item(item, f"/input/{i}", view, rows)
        return rows

    def _item(self, item: Span, at: str, view: JsonObject, rows: list[JsonObject]) -> None:
        role, kind = string(item, "role"), string(item, "type") or "message"
        match kind, role:
            case "message", "system" | "developer" if not rows:
                view.setdefault("instructions", []).extend(self._content(item, "content", at))
                self._rest.of(item, at, *_ITEM_MEMBERS)
            case "message", "user" | "assistant":
                rows.append({"role": role, "content": self._content(item, "content", at)})
                self._rest.of(item, at, *_ITEM_MEMBERS)
            case "message", _:
                self._rest.add(at, item)
            case "function_call_output", _:
                blocks = self._content(item, "output", at)
                rows.append(openai.result(string(item, "call_id"), blocks))
                self._rest.of(item, at, "type", "id", "call_id", "output", "status")
            case _:
                rows.append({"role": "assistant", "content": [self._output_item(item, at, kind)]})

    def _output_item(self, item: Span, at: str, kind: str) -> JsonObject:
        """Read an item that a model made."""
        name, arguments = string(item, "name"), string(item, "arguments")
        call_id = string(item, "call_id")
        if kind == "reasoning":
            return self._thinking(item)
        if kind == "function_call" and None not in (name, arguments, call_id):
            known = ("type", "id", "call_id", "name", "arguments", "status")
            self._rest.of(item, at, *known)
            return {"type": "tool_call", "id": call_id, "name": name, "argumentsText": arguments}
        return {"type": "opaque", "kind": kind, "json": item.raw}

    def _thinking(self, item: Span) -> JsonObject:
        """Read `{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],…}`."""
        block: JsonObject = {"type": "thinking", "json": item.raw}
        parts: list[str] = []
        for name in ("summary", "content"):
            inner = item.get(name)
            parts += [string(part, "text") or "" for part in (inner.items if inner else [])]
        block["text"] = "\n\n".join(parts)
        if (encrypted := string(item, "encrypted_content")) is not None:
            block["signature"] = encrypted
        return block

    def _content(self, item: Span, member: str, at: str) -> list[JsonObject]:
        content = item.get(member)
        return [] if content is None else openai.texts(content, self._block, f"{at}/{member}")

    def _block(self, span: Span, at: str) -> JsonObject:
        kind = string(span, "type")
        match kind:
            case "input_text" | "output_text" if (text := string(span, "text")) is not None:
                # Annotations and log probabilities belong to the text as the provider made it.
                self._rest.of(span, at, "type", "text", "annotations", "logprobs")
                return {"type": "text", "text": text}
            case "refusal" if (text := string(span, "refusal")) is not None:
                return {"type": "text", "text": text}
            case "input_image" if url := string(span, "image_url"):
                # `auto` is what the provider takes when nothing is said.
                usual = ["detail"] if string(span, "detail") == "auto" else []
                self._rest.of(span, at, "type", "image_url", *usual)
                return {"type": "image", "source": openai.media(url)}
            case "input_file" if address := string(span, "file_data") or string(span, "file_url"):
                self._rest.of(span, at, "type", "file_data", "file_url", "filename")
                return openai.document(span, address)
            case _:
                return {"type": "opaque", "kind": kind or "", "json": span.raw}
