"""Writes messages and tools the way Chat Completions reads them: a function per kind of message."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from msgspec import Raw, json

from isoloop.contract import (
    AudioBlock,
    Base64Source,
    DocumentBlock,
    FunctionTool,
    ImageBlock,
    OpaqueBlock,
    PlainTextSource,
    ProviderTool,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    UrlSource,
)
from isoloop.wire._arguments import Arguments, read_arguments
from isoloop.wire._json import encode, is_object, raw
from isoloop.wire._port import Unsendable
from isoloop.wire._settings import merged, object_of, own_members, unsendable
from isoloop.wire.openai_chat.answer import DIALECT
from isoloop.wire.openai_chat.reasoning import add_details

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoloop.contract import (
        DocumentSource,
        MediaSource,
        ProviderData,
        ResultBlock,
        ToolDefinition,
        UserBlock,
    )
    from isoloop.wire._history import AnswerTurn, ResultsTurn, SentResult, UserTurn
    from isoloop.wire.openai_chat.vendors import Vendor

# The wire has no member that says so; without the words a model takes a failure for a finding.
ERROR_MARK = "[error] "
_FAILED = "The tool failed."
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_NINE = re.compile(r"[A-Za-z0-9]{9}")
_LONGEST_ID = 40
_LONGEST_NAME = 64
# Kept by us beside the provider's members.
_OURS = {"id", "type", "member", "reasoning_details"}
_FORMATS = {"mpeg": "mp3", "mp3": "mp3", "wav": "wav", "x-wav": "wav", "wave": "wav"}

_Part = dict[str, Any] | Raw


def id_maker(vendor: Vendor) -> Callable[[str, str], str]:
    """Give what makes call ids that a vendor accepts."""
    return _nine_characters if vendor.nine_character_ids else _forty_characters


def _forty_characters(call_id: str, suffix: str) -> str:
    """OpenAI: at most 40 characters."""
    return (_NOT_A_NAME.sub("_", call_id)[: _LONGEST_ID - len(suffix)] or "_") + suffix


def _nine_characters(call_id: str, suffix: str) -> str:
    """Mistral: `^[a-zA-Z0-9]{9}$`."""
    if not suffix and _NINE.fullmatch(call_id):
        return call_id
    return hashlib.sha256((call_id + suffix).encode("utf-8", "replace")).hexdigest()[:9]


def replayable(block: ThinkingBlock) -> bool:
    """Whether it is known how thinking goes back: the provider ended it (DIAL-005)."""
    data = block.provider_data
    return data is not None and data.dialect == DIALECT


def tool(definition: ToolDefinition) -> bytes:
    """Encode a tool's definition."""
    match definition:
        case FunctionTool():
            # {"type":"function","function":{"name":"search","description":"…","parameters":{…}}}
            function: dict[str, Any] = {"name": definition.name}
            if definition.description:
                function["description"] = definition.description
            function["parameters"] = definition.input_schema
            if definition.strict:
                function["strict"] = True
            return encode({"type": "function", "function": function})
        case ProviderTool(dialect="openai-chat"):
            # {"type":"custom","custom":{"name":"run_code"}}, {"type":"openrouter:web_search"}
            return encode(object_of(definition.json_text, "A provider tool"))
        case ProviderTool():
            raise unsendable(
                f"A provider tool of {definition.dialect} cannot be sent to {DIALECT}."
            )


# ---------------------------------------------------------------- instructions and user messages


def system_message(parts: Sequence[TextBlock], more: str, vendor: Vendor) -> bytes | None:
    """Encode the instructions; `more` is what we add. The role is `system` for every model.

    OpenAI treats it as `developer` where a model has that role, and every other host knows it.
    """
    blocks = [*parts, TextBlock.trusted(text=more)]
    content = _content([_text(block, vendor) for block in blocks if block.text.strip()], vendor)
    return None if content is None else encode({"role": "system", "content": content})


def user_message(turn: UserTurn, vendor: Vendor) -> bytes | None:
    """Encode a user message; nothing when only blank texts are in it."""
    # {"role":"user","content":"Hi"}, or a list of parts
    parts = (user_part(block, vendor) for block in turn.content)
    content = _content([part for part in parts if not _is_blank(part)], vendor)
    if content is None:
        return None
    members = own_members(turn.provider_data, DIALECT, _OURS)
    return encode({"role": "user", "content": content, **members})


def user_part(block: UserBlock | ResultBlock, vendor: Vendor) -> _Part:
    """Encode a part of a user message."""
    match block:
        case TextBlock():
            return _text(block, vendor)
        case ImageBlock():
            # {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO…"}}
            url = _url(block.source)
            return _own({"type": "image_url", "image_url": {"url": url}}, block, vendor)
        case AudioBlock(source=Base64Source() as source):
            # {"type":"input_audio","input_audio":{"data":"UklG…","format":"wav"}}
            kind = source.media_type.partition(";")[0].rpartition("/")[2]
            audio = {"data": source.data, "format": _FORMATS.get(kind, kind)}
            return _own({"type": "input_audio", "input_audio": audio}, block, vendor)
        case DocumentBlock():
            return _document(block, vendor)
        case OpaqueBlock(dialect="openai-chat"):
            return _opaque(block)
        case _:
            raise unsendable(
                f'A block of type "{block.type}" cannot be sent to {DIALECT} like this. '
                "Convert it first."
            )


def _is_blank(part: _Part) -> bool:
    """Whether a part is blank text, be it a text or a document (DIAL-008)."""
    return isinstance(part, dict) and part["type"] == "text" and not part["text"].strip()


def _document(block: DocumentBlock, vendor: Vendor) -> _Part:
    text = _plain_text(block.source)
    if text is not None:
        text = f"{block.title}\n\n{text}" if block.title else text
        return _own({"type": "text", "text": text}, block, vendor)
    if isinstance(block.source, UrlSource):
        raise unsendable(f"A document by URL cannot be sent to {DIALECT}. Download it first.")
    # {"type":"file","file":{"filename":"report.pdf","file_data":"data:application/pdf;base64,…"}}
    file = {"filename": block.title or "document.pdf", "file_data": _url(block.source)}
    return _own({"type": "file", "file": file}, block, vendor)


def _plain_text(source: DocumentSource) -> str | None:
    match source:
        case PlainTextSource(text=text):
            return text
        case Base64Source(media_type=kind, data=data) if kind.startswith("text/"):
            try:
                return base64.b64decode(data, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
        case _:
            return None


def _url(source: MediaSource | PlainTextSource) -> str:
    match source:
        case UrlSource(url=url):
            return url
        case Base64Source():
            return f"data:{source.media_type};base64,{source.data}"
        case PlainTextSource():
            raise AssertionError(source)


def _text(block: TextBlock, vendor: Vendor) -> _Part:
    return _own({"type": "text", "text": block.text}, block, vendor)


def _own(
    part: dict[str, Any], block: TextBlock | ImageBlock | DocumentBlock | AudioBlock, vendor: Vendor
) -> _Part:
    """Put in a cache mark and what only this dialect knows: `{"image_url":{"detail":"low"}}`."""
    marker = getattr(block, "cache_breakpoint", None)
    if marker is not None and vendor.cache == "cache_control":
        part["cache_control"] = {"type": "ephemeral"} | ({"ttl": "1h"} if marker == "long" else {})
    elif marker is not None and vendor.cache == "prompt_cache_breakpoint":
        part["prompt_cache_breakpoint"] = {"mode": "explicit"} | (
            {"ttl": "12h"} if marker == "long" else {}
        )
    data = block.provider_data
    if data is None or data.dialect != DIALECT:
        return part
    given = cast("dict[str, Any]", json.decode(encode(own_members(data, DIALECT, _OURS))))
    return merged(part, given)


def _content(parts: Sequence[_Part], vendor: Vendor) -> str | Sequence[_Part] | None:
    """Give a content: one text as text, more as parts; nothing when there is none."""
    texts = [
        part["text"]
        for part in parts
        if isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] == "text"
    ]
    if not parts:
        return None
    if len(texts) == len(parts) and (len(texts) == 1 or not vendor.text_parts):
        return "\n\n".join(texts)
    return parts


def _opaque(block: OpaqueBlock) -> Raw:
    if not is_object(block.json_text):
        raise unsendable(f'The opaque block "{block.kind}" is not a JSON object.')
    return raw(block.json_text)


# ---------------------------------------------------------------- answers


@dataclass(slots=True)
class _Answer:
    """The members of an assistant message being collected."""

    parts: list[_Part]
    calls: list[dict[str, Any]]
    images: list[Raw]
    members: dict[str, Any]
    as_parts: bool = False

    def content(self, *, same_model: bool) -> str | list[_Part] | None:
        """Give the content: a text, for some models copy the structure of parts (C7)."""
        if self.as_parts:
            return [part for part in self.parts if not _is_blank(part)]
        between = "" if same_model else "\n\n"
        texts = [part["text"] for part in self.parts if isinstance(part, dict)]
        return between.join(texts) if any(text.strip() for text in texts) else None


def answer_message(turn: AnswerTurn, vendor: Vendor) -> bytes | None:
    """Encode an answer; nothing when it has neither content nor calls."""
    answer = _Answer([], [], [], {})
    for block in turn.content:
        match block:
            case TextBlock():
                if block.text.strip() or turn.same_model:
                    answer.parts.append({"type": "text", "text": block.text})
            case ThinkingBlock():
                _thinking(block, answer)
            case ToolCallBlock():
                answer.calls.append(_call(block, vendor))
            case OpaqueBlock():
                _answer_opaque(block, answer)
            case _:
                pass  # an image or a recording that another model made
    content = answer.content(same_model=turn.same_model)
    if content is None and not answer.calls and "audio" not in answer.members and not answer.images:
        return None
    # {"role":"assistant","content":null,"reasoning_content":"…","tool_calls":[…]}
    members: dict[str, Any] = {"role": "assistant", "content": content, **answer.members}
    if answer.images:
        members["images"] = answer.images
    if answer.calls:
        members["tool_calls"] = answer.calls
    return encode(members)


def _thinking(block: ThinkingBlock, answer: _Answer) -> None:
    """Put reasoning back where it came from."""
    assert block.provider_data is not None
    kept: dict[str, Any] = json.decode(block.provider_data.json_text)
    member, details = kept.get("member"), kept.get("reasoning_details")
    if isinstance(details, list):
        known = answer.members.setdefault("reasoning_details", [])
        add_details(known, cast("list[dict[str, Any]]", details))
    elif member == "content":
        answer.as_parts = True
        words = [{"type": "text", "text": block.text}]
        answer.parts.append({"type": "thinking", "thinking": words})
    elif isinstance(member, str):
        answer.members[member] = answer.members.get(member, "") + block.text


def _answer_opaque(block: OpaqueBlock, answer: _Answer) -> None:
    value = _opaque(block)
    match block.kind:
        case "audio":
            # Only the id may go back; the host has the recording.
            audio_id = object_of(block.json_text, "An opaque block").get("id")
            if audio_id is not None:
                answer.members["audio"] = {"id": audio_id}
        case "image_url":
            answer.images.append(value)
        case _:
            answer.as_parts = True
            answer.parts.append(value)


def _call(block: ToolCallBlock, vendor: Vendor) -> dict[str, Any]:
    # {"id":"call_…","type":"function","function":{"name":"search","arguments":"{\"q\":1}"}}
    name = _NOT_A_NAME.sub("_", block.name)[:_LONGEST_NAME] or "_"
    members: dict[str, Any] = own_members(block.provider_data, DIALECT, _OURS)
    if _is_custom(block.provider_data):
        custom = {"name": name, "input": block.arguments_text}
        return {"id": block.id, "type": "custom", "custom": custom, **members}
    text = block.arguments_text
    if not text.strip() or (
        vendor.parses_arguments and not isinstance(read_arguments(text), Arguments)
    ):
        text = "{}"
    function = {"name": name, "arguments": text}
    return {"id": block.id, "type": "function", "function": function, **members}


def _is_custom(data: ProviderData | None) -> bool:
    if data is None or data.dialect != DIALECT:
        return False
    return bytes(object_of(data.json_text, "providerData").get("type", b"")) == b'"custom"'


# ---------------------------------------------------------------- results


def result_messages(turn: ResultsTurn, vendor: Vendor) -> list[bytes]:
    """Encode the results of an answer: one message each, in call order.

    A `tool` message carries text only. What else is in results comes in one user message after
    all of them, labelled (C15).
    """
    attached: list[_Part] = []
    messages = [_result(sent, attached, vendor) for sent in turn.results]
    if attached:
        messages.append(encode({"role": "user", "content": attached}))
    return messages


def _result(sent: SentResult, attached: list[_Part], vendor: Vendor) -> bytes:
    # {"role":"tool","tool_call_id":"call_…","content":"42"}
    found = (_result_part(block, sent.wire_id, attached, vendor) for block in sent.content)
    parts = [part for part in found if not _is_blank(part)]
    if sent.is_error:
        parts = parts or [{"type": "text", "text": _FAILED}]
        parts[0]["text"] = ERROR_MARK + parts[0]["text"]
    plain = all(part.keys() == {"type", "text"} for part in parts)
    content = "\n".join(part["text"] for part in parts) if plain else parts
    return encode({"role": "tool", "tool_call_id": sent.wire_id, "content": content})


def _result_part(
    block: ResultBlock, wire_id: str, attached: list[_Part], vendor: Vendor
) -> dict[str, Any]:
    """Give a part of a result as text; what is no text is attached and pointed at."""
    try:
        part = user_part(block, vendor)
    except Unsendable:
        return {"type": "text", "text": f"[{block.type} omitted: the model cannot read it]"}
    if isinstance(part, dict) and part["type"] == "text":
        return part
    name = f"{block.type} {len(attached) // 2 + 1}"
    label = f"{name.capitalize()} of the result of {wire_id}:"
    attached += [{"type": "text", "text": label}, part]
    return {"type": "text", "text": f"[{name} follows]"}
