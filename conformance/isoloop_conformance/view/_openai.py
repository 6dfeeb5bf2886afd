"""What the views of OpenAI's two dialects read alike."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from isoloop_conformance.cassettes.secrets import REDACTED
from isoloop_conformance.exact_json import NotJsonError
from isoloop_conformance.spans import Span, read_spans
from isoloop_conformance.view._port import Finding, Reading, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from isoloop_conformance.exact_json import JsonObject

# Neither dialect can say that a result is an error: its text begins with this, or is it when
# something else follows (DIAL-066).
ERROR_MARK = "[error]"
# What a file is called that has no title: the dialects want a name (DIAL-065, DIAL-106).
_NO_TITLE = re.compile(r"document\.[a-z0-9]+")

_DATA_URL = re.compile(r"data:([a-z0-9.+/-]+);base64,([A-Za-z0-9+/=]*)", re.IGNORECASE)
_AUDIO = {"mp3": "audio/mpeg", "wav": "audio/wav"}


def root_of(body: bytes, not_json: Rule) -> Span | Reading:
    """Read a body; a reading without a view when it is not JSON."""
    try:
        return read_spans(body.decode())
    except UnicodeDecodeError as error:
        return Reading(None, (Finding(not_json, f"the body is not UTF-8 at byte {error.start}"),))
    except NotJsonError as error:
        return Reading(None, (Finding(not_json, f"the body is not JSON: {error}"),))


def string(span: Span, name: str) -> str | None:
    """Return a member that is a string."""
    found = span.get(name)
    return found.string if found is not None and found.kind == "string" else None


def number_fits(span: Span, *, whole: bool) -> bool:
    """Whether a number can be a setting."""
    odd = set(span.raw) & set("-.eE" if whole else "-")
    return span.kind == "number" and len(span.raw) < 20 and not odd


def effort(chosen: str) -> JsonObject:
    """Read `"reasoning_effort":"low"`; `none` switches thinking off."""
    return {"type": "disabled"} if chosen == "none" else {"type": "effort", "effort": chosen}


EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}


class Rest:
    """What the view has no place for: members of the body by name, others by JSON pointer."""

    def __init__(self) -> None:
        self._members: dict[str, str] = {}

    def add(self, at: str, span: Span) -> None:
        """Keep a value."""
        self._members[at] = span.raw

    def of(self, span: Span, at: str, *known: str) -> None:
        """Keep the members that are not known."""
        for name, value in span.members:
            if name not in known:
                self._members[f"{at}/{name}"] = value.raw

    def put_into(self, view: JsonObject) -> None:
        """Write down what was kept."""
        if self._members:
            members = (f"{json.dumps(name)}:{raw}" for name, raw in self._members.items())
            view["otherJson"] = "{" + ",".join(members) + "}"


def function_tool(span: Span, at: str, rest: Rest) -> JsonObject | None:
    """Read `{"name":"f","description":"...","parameters":{},"strict":true}`."""
    name, schema = string(span, "name"), span.get("parameters")
    if name is None or schema is None:
        return None
    tool: JsonObject = {"type": "function", "name": name}
    described, strict = string(span, "description"), span.get("strict")
    if described is not None:
        tool["description"] = described
    tool["inputSchemaJson"] = schema.raw
    if strict is not None and strict.kind in {"true", "false"}:
        tool["strict"] = strict.value()
    rest.of(span, at, "type", "name", "description", "parameters", "strict")
    return tool


def output_schema(span: Span | None, at: str, rest: Rest) -> str | None:
    """Read `{"name":"output","schema":{},"strict":true}`: the schema's own text.

    `name` and `strict` are what the dialect wants beside it.
    """
    schema = None if span is None else span.get("schema")
    if span is None or schema is None:
        return None
    rest.of(span, at, "type", "name", "schema", "strict")
    return schema.raw


def media(url: str) -> JsonObject:
    """Read an address, or the `data:` URL that base64 stands in."""
    if found := _DATA_URL.fullmatch(url):
        return {"type": "base64", "mediaType": found[1], "data": found[2]}
    return {"type": "url", "url": url}


def audio(span: Span) -> JsonObject | None:
    """Read `{"data":"AAAA","format":"mp3"}`."""
    data, kind = string(span, "data"), string(span, "format")
    if data is None or kind not in _AUDIO:
        return None
    source = {"type": "base64", "mediaType": _AUDIO[kind], "data": data}
    return {"type": "audio", "source": source}


def document(span: Span, address: str) -> JsonObject:
    """Read `{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}`."""
    block: JsonObject = {"type": "document", "source": media(address)}
    name = string(span, "filename")
    return block if name is None or _NO_TITLE.fullmatch(name) else {**block, "title": name}


def result(call_id: str | None, blocks: list[JsonObject]) -> JsonObject:
    """Return a result, with the mark of an error taken off its text."""
    first = blocks[0].get("text", "") if blocks else ""
    failed = first == ERROR_MARK or first.startswith(f"{ERROR_MARK} ")
    if failed:
        rest = first.removeprefix(ERROR_MARK)[1:]
        blocks = [*([{**blocks[0], "text": rest}] if rest else []), *blocks[1:]]
    return {"role": "tool_result", "callId": call_id, "content": blocks, "isError": failed}


def joined(rows: Iterable[JsonObject]) -> list[JsonObject]:
    """Join adjacent messages of one role; results stay single."""
    messages: list[JsonObject] = []
    for row in rows:
        if messages and row["role"] != "tool_result" and messages[-1]["role"] == row["role"]:
            messages[-1]["content"] += row["content"]
        else:
            messages.append(row)
    return messages


def has_key(headers: Mapping[str, str]) -> bool:
    """Whether a request has a key where these dialects want it; `api-key` is Azure's.

    In a cassette the whole header is redacted.
    """
    said = headers.get("authorization", "")
    return said.startswith("Bearer ") or said == REDACTED or bool(headers.get("api-key"))


def texts(span: Span, block: Callable[[Span, str], JsonObject], at: str) -> list[JsonObject]:
    """Read content: a string is one text, an empty one nothing; null is nothing."""
    if span.kind == "string":
        return [{"type": "text", "text": span.string}] if span.string else []
    return [block(item, f"{at}/{i}") for i, item in enumerate(span.items)]
