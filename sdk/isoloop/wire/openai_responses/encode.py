"""Writes input items and tools the way the Responses API reads them.

An answer goes back as the items that it came as, under their ids, to the model that wrote them.
The API looks at how they belong together (recorded in 2025-09: "Item 'rs_…' of type 'reasoning' was
provided without its required following item"), so an id is sent only where the whole chain is:

* reasoning goes back only with the item that followed it, under that item's id;
* an answer that lost its reasoning (it was not encrypted, or cut off) goes back without ids.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import Raw, json

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
from isoloop.wire._json import encode, is_object, raw
from isoloop.wire._settings import object_of, own_members, unsendable
from isoloop.wire.openai_responses.settings import DIALECT

if TYPE_CHECKING:
    from isoloop.contract import ProviderData, ResultBlock, ToolDefinition, UserBlock
    from isoloop.wire._history import AnswerTurn, SentResult, UserTurn

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_ID = 64
_LONGEST_NAME = 64
# The API has no mark for a failed call.
_FAILED_MARK = "[error] "
_FAILED = "The tool failed."
# Kept by us beside the provider's members.
_OURS = {"id", "item_id", "type"}
_TEXT_OURS = {*_OURS, "phase", "status", "refusal", "logprobs"}


def allowed_id(call_id: str, suffix: str) -> str:
    """Make a call id that the API accepts: at most 64 characters."""
    return (_NOT_A_NAME.sub("_", call_id)[: _LONGEST_ID - len(suffix)] or "_") + suffix


def tool(definition: ToolDefinition) -> bytes:
    """Encode a tool's definition."""
    match definition:
        case FunctionTool():
            # {"type":"function","name":"search","description":"…","parameters":{…},"strict":false}
            members: dict[str, Any] = {"type": "function", "name": definition.name}
            if definition.description:
                members["description"] = definition.description
            members["parameters"] = definition.input_schema
            # Always there: without it the API takes the schema for a strict one and rewrites it.
            members["strict"] = definition.strict is True
            return encode(members)
        case ProviderTool(dialect="openai-responses"):
            # {"type":"web_search","search_context_size":"low"}
            return encode(object_of(definition.json_text, "A provider tool"))
        case ProviderTool():
            raise unsendable(
                f"A provider tool of {definition.dialect} cannot be sent to {DIALECT}."
            )


# ---------------------------------------------------------------- what users say


def user_items(turn: UserTurn) -> list[bytes]:
    """Encode a user message; nothing when nothing of it can be sent."""
    written: list[bytes] = []
    parts: list[Any] = []
    own = own_members(turn.provider_data, DIALECT, _OURS)

    def close() -> None:
        if parts:
            written.append(encode({"role": "user", "content": parts, **own}))
            parts.clear()

    for block in turn.content:
        if isinstance(block, OpaqueBlock) and not block.kind.startswith("input_"):
            # An item of its own: {"type":"compaction","encrypted_content":"gAAA…"}
            close()
            written.append(bytes(_opaque(block)))
        elif (part := _user_part(block)) is not None:
            parts.append(part)
    close()
    return written


def _user_part(block: UserBlock) -> dict[str, Any] | Raw | None:
    match block:
        case TextBlock():
            return _input_text(block.text, block.provider_data) if block.text.strip() else None
        case ImageBlock() | DocumentBlock() | OpaqueBlock():
            return _media(block)
        case _:
            raise unsendable(
                f'A block of type "{block.type}" cannot be sent to {DIALECT}. Convert it first.'
            )


def _input_text(text: str, data: ProviderData | None = None) -> dict[str, Any]:
    # {"type":"input_text","text":"Hello"}
    return {"type": "input_text", "text": text, **own_members(data, DIALECT, _OURS)}


def _media(block: ImageBlock | DocumentBlock | OpaqueBlock) -> dict[str, Any] | Raw:
    match block:
        case ImageBlock():
            # {"type":"input_image","image_url":"data:image/png;base64,iVBO…","detail":"auto"}
            match block.source:
                case UrlSource(url=url):
                    pass
                case Base64Source():
                    url = _data_url(block.source)
            own = own_members(block.provider_data, DIALECT, _OURS)
            return {"type": "input_image", "image_url": url, "detail": "auto", **own}
        case DocumentBlock():
            return _document(block)
        case OpaqueBlock():
            return _opaque(block)


def _document(block: DocumentBlock) -> dict[str, Any]:
    own = own_members(block.provider_data, DIALECT, _OURS)
    match block.source:
        case UrlSource(url=url):
            # {"type":"input_file","file_url":"https://…"}   with a `filename` beside it: a 400
            return {"type": "input_file", "file_url": url, **own}
        case PlainTextSource(text=text):
            data = base64.b64encode(text.encode("utf-8", "replace")).decode()
            source = Base64Source.trusted(media_type="text/plain", data=data)
        case Base64Source() as source:
            pass
    # {"type":"input_file","filename":"report.pdf","file_data":"data:application/pdf;base64,JVBE…"}
    name = block.title or f"document.{_extension(source.media_type)}"
    return {"type": "input_file", "filename": name, "file_data": _data_url(source), **own}


def _data_url(source: Base64Source) -> str:
    return f"data:{source.media_type};base64,{source.data}"


def _extension(media_type: str) -> str:
    kind = media_type.partition(";")[0].rpartition("/")[2].rpartition("+")[2]
    return "txt" if kind == "plain" else _NOT_A_NAME.sub("_", kind) or "bin"


def _opaque(block: OpaqueBlock) -> Raw:
    if block.dialect != DIALECT:
        raise unsendable(
            f"An opaque block of {block.dialect} cannot be sent to {DIALECT}. Leave it out."
        )
    if not is_object(block.json_text):
        raise unsendable(f'The opaque block "{block.kind}" is not a JSON object.')
    return raw(block.json_text)


# ---------------------------------------------------------------- results


def result(sent: SentResult) -> bytes:
    """Encode a result: `{"type":"function_call_output","call_id":"call_…","output":"42"}`."""
    parts = [part for block in sent.content if (part := _result_part(block)) is not None]
    if sent.is_error:
        if not parts:
            parts.append(_FAILED)
        # The mark stands before the first text; before an image it is a text of its own.
        if isinstance(parts[0], str):
            parts[0] = _FAILED_MARK + parts[0]
        else:
            parts.insert(0, _FAILED_MARK.rstrip())
    output: Any
    if len(parts) <= 1 and all(isinstance(part, str) for part in parts):
        output = parts[0] if parts else ""
    else:
        output = [_input_text(part) if isinstance(part, str) else part for part in parts]
    return encode({"type": "function_call_output", "call_id": sent.wire_id, "output": output})


def _result_part(block: ResultBlock) -> str | dict[str, Any] | Raw | None:
    match block:
        case TextBlock():
            if not block.text.strip():
                return None
            own = own_members(block.provider_data, DIALECT, _OURS)
            return {"type": "input_text", "text": block.text, **own} if own else block.text
        case ImageBlock() | DocumentBlock() | OpaqueBlock(dialect="openai-responses"):
            return _media(block)
        case _:
            # DIAL-012; also what only another dialect can read.
            return f"[{block.type} omitted: the model cannot read it]"


# ---------------------------------------------------------------- answers


@dataclass(slots=True)
class _Item:
    """An item of an answer, about to be sent."""

    members: dict[str, Any] | Raw
    original: bool
    """Whether it goes back as the item that it came as."""
    reasoning: bool = False


def answer_items(turn: AnswerTurn) -> list[bytes]:
    """Encode an answer."""
    whole = turn.same_model and all(
        block.signature for block in turn.message.content if isinstance(block, ThinkingBlock)
    )
    found: list[_Item] = []
    for block in turn.content:
        match block:
            case TextBlock():
                _add_text(found, block, same_model=turn.same_model, whole=whole)
            case ThinkingBlock():
                found.append(_Item(_reasoning(block), original=True, reasoning=True))
            case ToolCallBlock():
                found.append(_call(block, whole=whole))
            case OpaqueBlock():
                found.append(_Item(_opaque(block), original=True))
            case _:
                # An image or a recording that another model made: no answer can carry it here.
                pass
    return [encode(item.members) for item in _chained(found)]


def _chained(found: list[_Item]) -> list[_Item]:
    """Leave out reasoning that is not followed by the item that it led to."""
    kept: list[_Item] = []
    followed = False
    for item in reversed(found):
        if item.reasoning and not followed:
            continue
        followed = item.original
        kept.append(item)
    return kept[::-1]


def _add_text(found: list[_Item], block: TextBlock, *, same_model: bool, whole: bool) -> None:
    if not block.text.strip():
        return
    known = _known(block.provider_data) if same_model else {}
    phase = {"phase": known["phase"]} if "phase" in known else {}
    item_id = known.get("item_id") if whole else None
    if item_id is None:
        # {"role":"assistant","content":"Hello"}
        members = {"role": "assistant", "content": block.text, **phase}
        found.append(_Item(members, original=False))
        return
    # {"type":"message","id":"msg_…","role":"assistant","status":"completed",
    #  "content":[{"type":"output_text","text":"Hello","annotations":[]}]}
    part: dict[str, Any]
    if "refusal" in known:
        part = {"type": "refusal", "refusal": block.text}
    else:
        own = {n: v for n, v in known.items() if n not in _TEXT_OURS}
        part = {"type": "output_text", "text": block.text, "annotations": [], **own}
    for item in found:
        # Not only the last: another item may have begun between two parts. An id may stand once.
        if isinstance(item.members, dict) and item.members.get("id") == item_id:
            item.members["content"].append(part)
            return
    members = {
        "type": "message",
        "id": item_id,
        "role": "assistant",
        "status": known.get("status", "completed"),
        "content": [part],
        **phase,
    }
    found.append(_Item(members, original=True))


def _reasoning(block: ThinkingBlock) -> dict[str, Any]:
    # {"type":"reasoning","id":"rs_…","summary":[{"type":"summary_text","text":"…"}],
    #  "encrypted_content":"gAAA…"}
    known = _known(block.provider_data)
    item_id = known.pop("item_id", None)
    summary = [{"type": "summary_text", "text": block.text}] if block.text else []
    return {
        "type": "reasoning",
        **({} if item_id is None else {"id": item_id}),
        "summary": known.pop("summary", summary),
        **known,
        "encrypted_content": block.signature,
    }


def _call(block: ToolCallBlock, *, whole: bool) -> _Item:
    # {"type":"function_call","id":"fc_…","call_id":"call_…","name":"search","arguments":"{}"}
    known = _known(block.provider_data)
    item_id = known.get("item_id") if whole else None
    members = {
        "type": "function_call",
        **({} if item_id is None else {"id": item_id}),
        "call_id": block.id,
        "name": _NOT_A_NAME.sub("_", block.name)[:_LONGEST_NAME] or "_",
        "arguments": block.arguments_text if block.arguments_text.strip() else "{}",
        **{n: v for n, v in known.items() if n not in _OURS},
    }
    return _Item(members, original=item_id is not None)


def _known(data: ProviderData | None) -> dict[str, Any]:
    """Give what this dialect kept of a block of an answer."""
    if data is None or data.dialect != DIALECT:
        return {}
    members: dict[str, Any] = dict(object_of(data.json_text, "providerData"))
    for name in ("item_id", "phase", "status"):
        if name in members:
            members[name] = json.decode(members[name])
    return members
