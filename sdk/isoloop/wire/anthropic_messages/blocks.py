"""Anthropic's content blocks, as a stream opens, fills and closes them, or whole in a JSON body.

    {"type":"text","text":"","citations":[]}
    {"type":"thinking","thinking":"","signature":""}
    {"type":"tool_use","id":"toolu_01…","name":"search","input":{},"caller":{"type":"direct"}}
    {"type":"redacted_thinking","data":"EqkE…"}         opaque, like every kind not named above

What only the vendor understands of a known block (citations, `caller`) goes into its provider
data, raw.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct, ValidationError, json

from isoloop.wire._answer import OpenOpaque, OpenText, OpenThinking, OpenToolCall, provider_data
from isoloop.wire._json import encode_text, is_object, raw

if TYPE_CHECKING:
    from isoloop.wire._answer import AnswerBuilder, OpenBlock
    from isoloop.wire._pieces import Piece

DIALECT = "anthropic-messages"
_NULL = b"null"


class _Text(Struct):
    text: str | None = None
    citations: list[Raw] | None = None


class _Thinking(Struct):
    thinking: str | None = None
    signature: str | None = None


class _ToolUse(Struct):
    id: str | None = None
    name: str | None = None
    input: Raw = Raw()


_members = json.Decoder(dict[str, Raw]).decode
_string = json.Decoder(str).decode


class _Delta(Struct):
    """A delta of a kind that is not streamed often."""

    delta: dict[str, Raw]


@dataclass(slots=True)
class _Notes:
    """What is known of an open block besides its text."""

    members: dict[str, Raw]
    citations: list[Raw] = field(default_factory=list[Raw])
    unknown: list[Raw] = field(default_factory=list[Raw])
    whole_input: str = ""
    input_parts: list[str] = field(default_factory=list[str])


class BlockReader:
    """The blocks of one answer, by the provider's index."""

    def __init__(self, builder: AnswerBuilder) -> None:
        self._builder = builder
        self.open_blocks: dict[int, OpenBlock] = {}
        self._notes: dict[int, _Notes] = {}

    def open(self, index: int, block: Raw, out: list[Piece], *, whole: bool) -> None:
        """Begin a block; `whole` if nothing will be added to it."""
        members = _members(block)
        kind = _string(members.get("type", b""))
        notes = _Notes(members)
        match kind:
            case "text":
                self.open_blocks[index] = self._text(block, notes, out)
            case "thinking":
                self.open_blocks[index] = self._thinking(block, notes, out)
            case "tool_use":
                self.open_blocks[index] = self._tool_use(block, notes, out, whole=whole)
            case _:
                # {"type":"server_tool_use","id":"srvtoolu_01…","name":"web_search","input":{}}
                if not kind:
                    raise ValidationError("Expected a kind of block - at `$.content_block.type`")
                text = bytes(block).decode()
                self.open_blocks[index] = self._builder.opaque(out, DIALECT, kind, text)
        self._notes[index] = notes

    def _text(self, block: Raw, notes: _Notes, out: list[Piece]) -> OpenText:
        # {"type":"text","text":""}   a compatible vendor may begin with text that is not empty
        start = json.decode(block, type=_Text)
        opened = self._builder.text(out)
        opened.add(start.text or "", out)
        notes.citations = list(map(_kept, start.citations or ()))
        notes.members = _others(notes.members, "text", "citations")
        return opened

    def _thinking(self, block: Raw, notes: _Notes, out: list[Piece]) -> OpenThinking:
        # {"type":"thinking","thinking":"","signature":""}
        start = json.decode(block, type=_Thinking)
        opened = self._builder.thinking(out)
        opened.add(start.thinking or "", out)
        opened.signature = start.signature or ""
        notes.members = _others(notes.members, "thinking", "signature")
        return opened

    def _tool_use(
        self, block: Raw, notes: _Notes, out: list[Piece], *, whole: bool
    ) -> OpenToolCall:
        # {"type":"tool_use","id":"toolu_01…","name":"search","input":{}}
        start = json.decode(block, type=_ToolUse)
        others = _others(notes.members, "id", "name", "input")
        opened = self._builder.tool_call(out, start.id or "", start.name or "", dict(others))
        given = bytes(start.input).decode()
        if whole:
            opened.add(given, out)
        elif given.strip("{} \t\r\n") and given != "null":
            # Not the usual placeholder. It counts only if no fragment follows: both together are
            # never right.
            notes.whole_input = given
        return opened

    # ------------------------------------------------------------ rare deltas

    def add_signature(self, block: OpenThinking, fragment: str) -> None:
        """{"type":"signature_delta","signature":"EooD…"}: fragments are joined (pi, A4)."""
        block.signature += fragment

    def add_input(self, index: int, fragment: str) -> None:
        """Take a fragment of the input of an opaque block, such as a server_tool_use."""
        self._notes[index].input_parts.append(fragment)

    def add_other(self, index: int, kind: str, data: bytes) -> None:
        """Take a delta of any other kind, from the event's data."""
        notes = self._notes[index]
        delta = {name: _kept(value) for name, value in json.decode(data, type=_Delta).delta.items()}
        delta.pop("type", None)
        match kind, self.open_blocks[index]:
            case "citations_delta", OpenText():
                # {"type":"citations_delta","citation":{"type":"web_search_result_location",…}}
                if "citation" in delta:
                    notes.citations.append(delta["citation"])
            case "compaction_delta", OpenOpaque(kind="compaction"):
                # {"type":"compaction_delta","content":"The user…","encrypted_content":"…"}: the
                # whole member at once
                notes.members |= delta
            case _:
                notes.unknown.append(raw(encode_text({"type": kind, **delta})))

    # ------------------------------------------------------------ the end of a block

    def close(self, index: int, out: list[Piece]) -> None:
        """End a block that the provider ended."""
        if index not in self.open_blocks:
            # {"type":"content_block_stop","index":0} twice: gateways do it; it says nothing new.
            return
        self._complete(index)
        block = self.open_blocks.pop(index)
        notes = self._notes.pop(index)
        if isinstance(block, OpenToolCall) and not block.parts:
            block.add(notes.whole_input, out)
        # An unknown delta may have carried a part of the arguments or of what was signed (decision
        # 18).
        ended = not (notes.unknown and isinstance(block, OpenToolCall | OpenThinking))
        self._builder.close(block, out, ended=ended)

    def complete_open(self) -> None:
        """Put what is known into the blocks that the provider did not end."""
        for index in self.open_blocks:
            self._complete(index)

    def _complete(self, index: int) -> None:
        block, notes = self.open_blocks[index], self._notes[index]
        match block:
            case OpenText() | OpenThinking():
                kept: dict[str, Any] = dict(notes.members)
                if notes.citations:
                    kept["citations"] = notes.citations
                if notes.unknown:
                    kept["unknown_deltas"] = notes.unknown
                block.provider_data = provider_data(DIALECT, kept)
            case OpenOpaque():
                self._complete_opaque(block, notes)
            case OpenToolCall():
                pass

    def _complete_opaque(self, block: OpenOpaque, notes: _Notes) -> None:
        block.incomplete = bool(notes.unknown)
        text = "".join(notes.input_parts)
        if text.strip():
            if is_object(text):
                notes.members["input"] = raw(text)
            else:
                block.incomplete = True
        if text.strip() or block.kind == "compaction":
            block.json_text = encode_text(notes.members)


def _others(members: dict[str, Raw], *known: str) -> dict[str, Raw]:
    """Keep the members that are not known, without nulls."""
    return {
        name: _kept(value)
        for name, value in members.items()
        if name != "type" and name not in known and bytes(value) != _NULL
    }


def _kept(value: Raw) -> Raw:
    """Copy, so that a block does not keep a whole body alive."""
    return value.copy()
