"""Chat Completions requests in provider-neutral terms.

A body, shortened::

    {
        "model": "m",
        "stream": true,
        "stream_options": {"include_usage": true},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "go"},
            {
                "role": "assistant",
                "content": null,
                "tool_calls": [
                    {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": "a", "content": "[error] it broke"},
        ],
    }

Whatever the view has no place for stands in `otherJson`: members of the body by name, members of
anything below it by JSON pointer. `[error] ` at the head of a result says that it is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.view import _openai as openai
from isoloop_conformance.view._openai import string
from isoloop_conformance.view._port import Finding, Reading
from isoloop_conformance.view.openai_chat_rules import NOT_JSON, SHAPE, check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.spans import Span

_SETTINGS = {
    "max_completion_tokens": "maxOutputTokens",
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
}
_WHOLE_NUMBERS = {"max_completion_tokens", "max_tokens", "top_k"}
_SHORT = ({"mode": "explicit"}, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"})
_LONG = ({"mode": "explicit", "ttl": "12h"}, {"type": "ephemeral", "ttl": "1h"})
_MARKERS = ("prompt_cache_breakpoint", "cache_control")


def read(body: bytes, headers: Mapping[str, str]) -> Reading:
    """Read a request's body."""
    root = openai.root_of(body, NOT_JSON)
    if isinstance(root, Reading):
        return root
    messages = root.get("messages")
    if root.kind != "object" or messages is None or messages.kind != "array":
        return Reading(None, (Finding(SHAPE, "the body has no list of `messages`"),))
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
        instructions, rows = self._messages()
        if instructions:
            view["instructions"] = instructions
        view["messages"] = openai.joined(rows)
        if settings:
            view["settings"] = settings
        self._rest.put_into(view)
        return view

    def _member(self, name: str, span: Span, view: JsonObject, settings: JsonObject) -> None:
        match name, span.kind:
            case "messages", _:
                pass
            case "model", "string":
                view["model"] = span.string
            case "stream", "true" | "false":
                view["stream"] = span.value()
            case "stream_options", "object":
                self._rest.of(span, "/stream_options", "include_usage")
            case "tools", "array":
                tools = enumerate(span.items)
                view["tools"] = [self._tool(tool, f"/tools/{i}") for i, tool in tools]
            case "tool_choice", "string" if span.string in {"auto", "none", "required"}:
                view["toolChoice"] = {"type": span.string}
            case "tool_choice", "object" if chosen := _forced(span):
                view["toolChoice"] = {"type": "tool", "name": chosen}
            case "parallel_tool_calls", "true" | "false":
                settings["parallelToolCalls"] = span.value()
            case "stop", "string":
                settings["stopSequences"] = [span.string]
            case "stop", "array":
                settings["stopSequences"] = span.value()
            case "reasoning_effort", "string" if span.string in openai.EFFORTS:
                settings["thinking"] = openai.effort(span.string)
            case "response_format", "object" if schema := self._output(span):
                view["outputSchemaJson"] = schema
            case _, "number" if name in _SETTINGS and openai.number_fits(
                span, whole=name in _WHOLE_NUMBERS
            ):
                settings[_SETTINGS[name]] = span.value()
            case _:
                self._rest.add(name, span)

    def _output(self, span: Span) -> str | None:
        """Read `{"type":"json_schema","json_schema":{"name":"output","schema":{}}}`."""
        at = "/response_format/json_schema"
        schema = openai.output_schema(span.get("json_schema"), at, self._rest)
        if schema is not None:
            self._rest.of(span, "/response_format", "type", "json_schema")
        return schema

    def _tool(self, span: Span, at: str) -> JsonObject:
        """Read `{"type":"function","function":{"name":"f",...}}`; others are the provider's."""
        function = span.get("function")
        if string(span, "type") != "function" or function is None:
            return {"type": "provider", "json": span.raw}
        tool = openai.function_tool(function, f"{at}/function", self._rest)
        if tool is None:
            return {"type": "provider", "json": span.raw}
        self._cache(span, at, tool)
        self._rest.of(span, at, "type", "function", "cache_control")
        return tool

    def _messages(self) -> tuple[list[JsonObject], list[JsonObject]]:
        """Return instructions, which come first, and the messages after them."""
        messages = self._root.get("messages")
        assert messages is not None
        instructions: list[JsonObject] = []
        rows: list[JsonObject] = []
        for i, message in enumerate(messages.items):
            at, role = f"/messages/{i}", string(message, "role")
            blocks = self._content(message, at)
            match role:
                case "system" | "developer" if not rows:
                    instructions += blocks
                    self._rest.of(message, at, "role", "content")
                case "user":
                    rows.append({"role": "user", "content": blocks})
                    self._rest.of(message, at, "role", "content")
                case "assistant":
                    rows.append({"role": "assistant", "content": [*self._thinking(message)]})
                    rows[-1]["content"] += [*blocks, *self._refusal(message)]
                    rows[-1]["content"] += self._calls(message, at)
                    known = ("role", "content", "tool_calls", "reasoning_content", "reasoning")
                    self._rest.of(message, at, *known, "reasoning_details", "refusal")
                case "tool":
                    rows.append(openai.result(string(message, "tool_call_id"), blocks))
                    self._rest.of(message, at, "role", "content", "tool_call_id")
                case _:
                    self._rest.add(at, message)
        return instructions, rows

    def _content(self, message: Span, at: str) -> list[JsonObject]:
        content = message.get("content")
        return [] if content is None else openai.texts(content, self._block, f"{at}/content")

    def _thinking(self, message: Span) -> Iterator[JsonObject]:
        """Read `"reasoning_content":"hm"`, and what other hosts call it."""
        for name in ("reasoning_content", "reasoning"):
            text = message.get(name)
            if text is not None and text.kind == "string":
                yield {"type": "thinking", "text": text.string, "json": text.raw}
        details = message.get("reasoning_details")
        if details is not None and details.kind == "array":
            yield {"type": "thinking", "json": details.raw}

    def _refusal(self, message: Span) -> Iterator[JsonObject]:
        """Read `"refusal":"I cannot help with that."`: what the model said instead of a text."""
        if text := string(message, "refusal"):
            yield {"type": "text", "text": text}

    def _calls(self, message: Span, at: str) -> Iterator[JsonObject]:
        calls = message.get("tool_calls")
        for i, call in enumerate(calls.items if calls is not None else []):
            where = f"{at}/tool_calls/{i}"
            function = call.get("function")
            arguments = None if function is None else string(function, "arguments")
            name = None if function is None else string(function, "name")
            call_id = string(call, "id")
            if function is None or call_id is None or name is None or arguments is None:
                yield {"type": "opaque", "kind": string(call, "type") or "", "json": call.raw}
                continue
            self._rest.of(call, where, "type", "id", "function")
            self._rest.of(function, f"{where}/function", "name", "arguments")
            yield {"type": "tool_call", "id": call_id, "name": name, "argumentsText": arguments}

    def _block(self, span: Span, at: str) -> JsonObject:
        kind = string(span, "type")
        match kind:
            case "text" if (text := string(span, "text")) is not None:
                block: JsonObject = {"type": "text", "text": text}
                self._cache(span, at, block)
                self._rest.of(span, at, "type", "text", *_MARKERS)
                return block
            case "image_url" | "file" | "input_audio" if media := self._media(span, at, kind):
                return media
            case "refusal" if (text := string(span, "refusal")) is not None:
                return {"type": "text", "text": text}
            case _:
                return {"type": "opaque", "kind": kind or "", "json": span.raw}

    def _media(self, span: Span, at: str, kind: str) -> JsonObject | None:
        """Read an image, a file or a recording.

        Examples::

            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,…"},
            }
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}
        """
        inner = span.get(kind)
        if inner is None or inner.kind != "object":
            return None
        block: JsonObject | None = None
        if kind == "input_audio":
            block = openai.audio(inner)
        elif kind == "image_url" and (url := string(inner, "url")):
            block = {"type": "image", "source": openai.media(url)}
        elif kind == "file" and (data := string(inner, "file_data")):
            block = openai.document(inner, data)
        if block is not None:
            self._cache(span, at, block)
            self._rest.of(span, at, "type", kind, *_MARKERS)
            known = ("url", "file_data", "filename", "data", "format")
            self._rest.of(inner, f"{at}/{kind}", *known)
        return block

    def _cache(self, span: Span, at: str, block: JsonObject) -> None:
        """Read OpenAI's marker, or the one that some hosts take from Anthropic.

        Examples::

            "prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}
            "cache_control":{"type":"ephemeral"}
        """
        for name in _MARKERS:
            marker = span.get(name)
            if marker is None or marker.kind == "null":
                continue
            match marker.value():
                case found if found in _SHORT:
                    block["cacheBreakpoint"] = "short"
                case found if found in _LONG:
                    block["cacheBreakpoint"] = "long"
                case _:
                    self._rest.add(f"{at}/{name}", marker)


def _forced(span: Span) -> str | None:
    """Read `{"type":"function","function":{"name":"f"}}`."""
    function = span.get("function")
    if string(span, "type") != "function" or function is None:
        return None
    return string(function, "name")
