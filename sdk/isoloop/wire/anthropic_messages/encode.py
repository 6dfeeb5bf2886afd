"""Writes content blocks and tools the way Anthropic reads them.

Each function gives one block's JSON object without its cache marker, which is put in when a
request is made: there may be four at most.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from isoloop.contract import (
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
from isoloop.wire._settings import object_of, unsendable
from isoloop.wire._settings import own_members as members_of
from isoloop.wire.anthropic_messages.blocks import DIALECT

if TYPE_CHECKING:
    from isoloop.contract import (
        AnswerBlock,
        DocumentSource,
        MediaSource,
        ProviderData,
        ResultBlock,
        ToolDefinition,
        UserBlock,
    )
    from isoloop.wire._history import SentResult

_EMPTY = Raw(b"{}")
# A result that says nothing is refused when it is an error.
_FAILED = "The tool failed."
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_ID = 64
_LONGEST_NAME = 128


def allowed_id(call_id: str, suffix: str) -> str:
    """Make a call id that the API accepts: `^[a-zA-Z0-9_-]+$`, at most 64 characters."""
    return (_NOT_A_NAME.sub("_", call_id)[: _LONGEST_ID - len(suffix)] or "_") + suffix


def tool(definition: ToolDefinition) -> bytes:
    """Encode a tool's definition."""
    match definition:
        case FunctionTool():
            # {"name":"search","description":"Search.","input_schema":{"type":"object",…}}
            members: dict[str, Any] = {"name": definition.name}
            if definition.description:
                members["description"] = definition.description
            members["input_schema"] = definition.input_schema
            if definition.strict:
                members["strict"] = True
            return encode(members)
        case ProviderTool(dialect="anthropic-messages"):
            # {"type":"web_search_20250305","name":"web_search","max_uses":5}
            return encode(object_of(definition.json_text, "A provider tool"))
        case ProviderTool():
            raise unsendable(
                f"A provider tool of {definition.dialect} cannot be sent to {DIALECT}."
            )


def user_block(block: UserBlock) -> bytes | None:
    """Encode a part of a user message; nothing for a blank text, which the API refuses."""
    match block:
        case TextBlock():
            return _text(block.text, block.provider_data)
        case ImageBlock() | DocumentBlock() | OpaqueBlock():
            return encode(_media(block))
        case _:
            raise unsendable(
                f'A block of type "{block.type}" cannot be sent to {DIALECT}. Convert it first.'
            )


def answer_block(block: AnswerBlock, *, same_model: bool) -> bytes | None:
    """Encode a part of an answer; nothing for what cannot be sent back."""
    match block:
        case TextBlock():
            return _text(block.text, block.provider_data if same_model else None)
        case ThinkingBlock():
            # {"type":"thinking","thinking":"…","signature":"EooD…"}
            members = {"type": "thinking", "thinking": block.text, "signature": block.signature}
            return encode({**members, **own_members(block.provider_data)})
        case ToolCallBlock():
            # {"type":"tool_use","id":"toolu_01…","name":"search","input":{"query":"x"}}
            return encode(
                {
                    "type": "tool_use",
                    "id": block.id,
                    "name": _NOT_A_NAME.sub("_", block.name)[:_LONGEST_NAME] or "_",
                    "input": _input(block.arguments_text),
                    **own_members(block.provider_data),
                }
            )
        case OpaqueBlock():
            return _opaque(block)
        case _:
            # An image or a recording that another model made: no assistant message can carry it
            # here.
            return None


def result(sent: SentResult) -> bytes:
    """Encode a result."""
    # {"type":"tool_result","tool_use_id":"toolu_01…","content":"42","is_error":true}
    members: dict[str, Any] = {"type": "tool_result", "tool_use_id": sent.wire_id}
    parts = [part for block in sent.content if (part := _result_part(block)) is not None]
    if not parts and sent.is_error:
        members["content"] = _FAILED
    elif len(parts) == 1 and isinstance(parts[0], str):
        members["content"] = parts[0]
    elif parts:
        members["content"] = [
            {"type": "text", "text": part} if isinstance(part, str) else part for part in parts
        ]
    if sent.is_error:
        members["is_error"] = True
    return encode(members)


def _result_part(block: ResultBlock) -> str | dict[str, Any] | Raw | None:
    match block:
        case TextBlock():
            if not block.text.strip():
                return None
            own = own_members(block.provider_data)
            return {"type": "text", "text": block.text, **own} if own else block.text
        case ImageBlock() | DocumentBlock() | OpaqueBlock(dialect="anthropic-messages"):
            return _media(block)
        case _:
            # DIAL-012; also what only another dialect can read.
            return f"[{block.type} omitted: the model cannot read it]"


def system_text(block: TextBlock) -> bytes | None:
    """Encode a part of the instructions."""
    return _text(block.text, block.provider_data)


def _text(text: str, data: ProviderData | None) -> bytes | None:
    # {"type":"text","text":"Hello"}
    if not text.strip():
        return None
    return encode({"type": "text", "text": text, **own_members(data)})


def _media(block: ImageBlock | DocumentBlock | OpaqueBlock) -> dict[str, Any] | Raw:
    match block:
        case ImageBlock():
            # {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO…"}}
            return {
                "type": "image",
                "source": _source(block.source),
                **own_members(block.provider_data),
            }
        case DocumentBlock():
            # {"type":"document","source":{"type":"url","url":"https://…"},"title":"Report"}
            members = {"type": "document", "source": _source(block.source)}
            if block.title:
                members["title"] = block.title
            return {**members, **own_members(block.provider_data)}
        case OpaqueBlock():
            if block.dialect != DIALECT:
                raise unsendable(
                    f"An opaque block of {block.dialect} cannot be sent to {DIALECT}. Leave it out."
                )
            return Raw(_opaque(block))


def _source(source: DocumentSource | MediaSource) -> dict[str, Any]:
    match source:
        case UrlSource():
            return {"type": "url", "url": source.url}
        case PlainTextSource():
            return _plain(source.text)
        case Base64Source():
            if source.media_type.startswith("text/"):
                # The API takes base64 for PDF only; text it wants as text.
                try:
                    return _plain(base64.b64decode(source.data, validate=True).decode())
                except (binascii.Error, UnicodeDecodeError):
                    pass
            return {"type": "base64", "media_type": source.media_type, "data": source.data}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "text", "media_type": "text/plain", "data": text}


def _opaque(block: OpaqueBlock) -> bytes:
    if not is_object(block.json_text):
        raise unsendable(f'The opaque block "{block.kind}" is not a JSON object.')
    return bytes(raw(block.json_text))


def _input(text: str) -> Raw:
    """Give the arguments as they were written; what is no object becomes `{}` (TOOL-010)."""
    if not text.strip() or not isinstance(read_arguments(text), Arguments):
        return _EMPTY
    return raw(text)


def own_members(data: ProviderData | None) -> dict[str, Raw]:
    """Give what only this dialect knows: citations, `caller`, a document's options."""
    return members_of(data, DIALECT, _OURS)


# Kept by us beside the provider's members: the id before it was made unique, and deltas that
# nobody understood.
_OURS = {"id", "unknown_deltas", "type"}
