"""The items of an answer, as a stream adds, fills and finishes them, or whole in a JSON body.

    {"type":"reasoning","id":"rs_…","summary":[],"encrypted_content":"gAAA…"}
    {"type":"message","id":"msg_…","role":"assistant","phase":"final_answer","status":"completed",
     "content":[{"type":"output_text","text":"Hello","annotations":[]}]}
    {"type":"function_call","id":"fc_…","call_id":"call_…","name":"search","arguments":"{}"}
    {"type":"web_search_call","id":"ws_…","action":{…}}     opaque, like every other type

A message has a text block for each of its parts; the other items are one block each. An item is
known by its `output_index`: hosts are known that write another `item_id` in every event.

What is added is only a sketch. The item that `response.output_item.done` brings is the provider's
last word, and what only the provider understands (ids, phase, annotations, the encrypted reasoning)
is taken from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import Raw, Struct, ValidationError, json

from isoloop.wire._answer import OpenText, OpenThinking, OpenToolCall, provider_data
from isoloop.wire._arguments import Arguments, read_arguments
from isoloop.wire.openai_responses.settings import DIALECT

if TYPE_CHECKING:
    from isoloop.contract import ProviderData
    from isoloop.wire._answer import AnswerBuilder, OpenOpaque
    from isoloop.wire._pieces import Piece

_NULL = b"null"


class _Head(Struct):
    type: str
    id: str | None = None
    status: str | None = None


class _Part(Struct):
    """`{"type":"output_text","text":"Hello","annotations":[],"logprobs":[]}`."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None


class _Message(Struct):
    content: list[Raw] | None = None
    phase: str | None = None


class _Reasoning(Struct):
    summary: list[_Part] | None = None
    content: list[_Part] | None = None
    encrypted_content: str | None = None


class _FunctionCall(Struct):
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


_head = json.Decoder(_Head).decode
_members = json.Decoder(dict[str, Raw]).decode
_message = json.Decoder(_Message).decode
_part = json.Decoder(_Part).decode
_reasoning = json.Decoder(_Reasoning).decode
_call = json.Decoder(_FunctionCall).decode


@dataclass(slots=True)
class _Open:
    """An item that was added and is not done."""

    kind: str
    block: OpenThinking | OpenToolCall | OpenOpaque | None = None  # a message has its parts
    parts: dict[int, OpenText] = field(default_factory=dict[int, OpenText])
    refusals: set[int] = field(default_factory=set[int])
    phase: str | None = None
    thought: tuple[str, int, int] | None = None  # the part of reasoning that was added to last


class ItemReader:
    """The items of one answer, by their place in the output."""

    def __init__(self, builder: AnswerBuilder) -> None:
        self._builder = builder
        self._open: dict[int, _Open] = {}
        self._added: set[int] = set()
        self._ids: set[str] = set()
        # The frequent deltas look here: texts by output and content index, calls by output index,
        # reasoning by the kind of its deltas, output and part index.
        self.texts: dict[tuple[int, int], OpenText] = {}
        self.calls: dict[int, OpenToolCall] = {}
        self.thoughts: dict[tuple[str, int, int], OpenThinking] = {}
        self.last = -1
        self.called = False
        self.refused = False

    # ------------------------------------------------------------ the beginning

    def add(self, index: int, item: Raw, out: list[Piece]) -> None:
        """Begin an item."""
        index = self._place(index, new=True)
        if index in self._added:
            raise ValidationError(f"the item {index} was added already")
        head = _head(item)
        opened = _Open(head.type)
        match head.type:
            case "message":
                # A block begins with the first part.
                opened.phase = _message(item).phase
            case "reasoning":
                opened.block = self._builder.thinking(out)
            case "function_call":
                call = _call(item)
                opened.block = self._builder.tool_call(
                    out, call.call_id or "", call.name or "", _kept_of_call(item)
                )
                self.calls[index] = opened.block
                self.called = True
            case "":
                raise ValidationError("Expected a type of item - at `$.item.type`")
            case _:
                opened.block = self._builder.opaque(out, DIALECT, head.type, _text_of(item))
        self._open[index] = opened
        self._added.add(index)
        self._ids.update(filter(None, (head.id,)))
        self.last = index

    def _place(self, index: int, *, new: bool = False) -> int:
        """Give an item's place; events without one mean the item that was added last."""
        if index >= 0:
            return index
        return self.last + 1 if new else self.last

    def text(self, index: int, part: int, out: list[Piece], *, refusal: bool) -> OpenText:
        """Give the open text of a part; the first that is said of a part begins it."""
        index = self._place(index)
        opened = self._open.get(index)
        if opened is None or opened.kind != "message":
            raise ValidationError(f"no message {index} is open")
        block = opened.parts.get(part)
        if block is None:
            block = self._builder.text(out)
            opened.parts[part] = self.texts[index, part] = block
        if refusal:
            opened.refusals.add(part)
        return block

    def call(self, index: int) -> OpenToolCall | None:
        """Give the open call; nothing for an opaque item, whose last word will say it all."""
        index = self._place(index)
        opened = self._open.get(index)
        if opened is None:
            raise ValidationError(f"no item {index} is open")
        return opened.block if isinstance(opened.block, OpenToolCall) else None

    def begin_part(self, index: int, part: int, said: Raw, out: list[Piece]) -> None:
        """Take a `content_part.added`; reasoning has parts of a kind of its own."""
        start = _part(said)
        if start.type in {"output_text", "refusal"}:
            block = self.text(index, part, out, refusal=start.type == "refusal")
            block.add(start.text or start.refusal or "", out)

    def thinking(self, kind: str, index: int, part: int, out: list[Piece]) -> OpenThinking:
        """Give the open reasoning; its parts are joined by a blank line."""
        index = self._place(index)
        opened = self._open.get(index)
        if opened is None or not isinstance(opened.block, OpenThinking):
            raise ValidationError(f"no reasoning {index} is open")
        block, thought = opened.block, (kind, index, part)
        if opened.thought != thought:
            self._forget(opened)
            opened.thought = thought
            self.thoughts[thought] = block
            if block.parts:
                block.add("\n\n", out)
        return block

    def _forget(self, opened: _Open) -> None:
        if opened.thought is not None:
            del self.thoughts[opened.thought]

    # ------------------------------------------------------------ the last word

    def done(self, index: int, item: Raw, out: list[Piece]) -> None:
        """Finish an item."""
        index = self._place(index)
        if index not in self._added:
            self.add(index, item, out)
        opened = self._open.get(index)
        if opened is None:
            # A second time: it says nothing new.
            return
        head = _head(item)
        self._ids.update(filter(None, (head.id,)))
        if head.type != opened.kind:
            raise ValidationError(f"the item {index} is no {opened.kind} any more")
        match opened.block:
            case None:
                self._finish_message(index, opened, item, out)
            case OpenThinking():
                _finish_reasoning(opened.block, item, out)
            case OpenToolCall():
                _finish_call(opened.block, item, out)
            case _:
                opened.block.json_text = _text_of(item)
        # The provider says so itself when it cut the arguments off.
        cut = isinstance(opened.block, OpenToolCall) and head.status == "incomplete"
        self._close(index, out, ended=not cut)

    def _finish_message(self, index: int, opened: _Open, item: Raw, out: list[Piece]) -> None:
        message, head = _message(item), _head(item)
        shared = {"item_id": head.id, "phase": message.phase or opened.phase}
        if head.status != "completed":
            shared["status"] = head.status
        for place, raw in enumerate(message.content or ()):
            part = _part(raw)
            if part.type not in {"output_text", "refusal"}:
                # Of an API to come. It cannot be sent back as an item, so it is not.
                unknown = self._builder.opaque(out, DIALECT, part.type or "part", _text_of(raw))
                unknown.incomplete = True
                self._builder.close(unknown, out)
                continue
            refusal = part.type == "refusal"
            block = self.text(index, place, out, refusal=refusal)
            say_text(block, (part.refusal if refusal else part.text) or "", out)
            kept: dict[str, Any] = {n: v for n, v in shared.items() if v is not None}
            block.provider_data = provider_data(DIALECT, kept | _kept_of_part(raw, opened, place))

    def _close(self, index: int, out: list[Piece], *, ended: bool) -> None:
        opened = self._open.pop(index)
        self.calls.pop(index, None)
        self._forget(opened)
        self.refused = self.refused or bool(opened.refusals)
        for place, block in opened.parts.items():
            del self.texts[index, place]
            if block.provider_data is None:
                block.provider_data = _kept_of_open(opened, place)
            self._builder.close(block, out)
        if opened.block is not None:
            self._builder.close(opened.block, out, ended=ended)

    # ------------------------------------------------------------ the end of the answer

    def finish(self, output: list[Raw], out: list[Piece], *, completed: bool) -> None:
        """Take what the terminal event says of items that no event finished, and close the rest."""
        for index, item in enumerate(output):
            known = _head(item).id in self._ids
            if index in self._open or not (index in self._added or known):
                self.done(index, item, out)
        for index in sorted(self._open):
            self._close(index, out, ended=completed)

    def complete_open(self) -> None:
        """Put what is known into the texts that the provider did not end."""
        for opened in self._open.values():
            for place, block in opened.parts.items():
                block.provider_data = _kept_of_open(opened, place)


def check(items: list[Raw]) -> None:
    """Read every item once before any is told, so that a bad one does not come half-way."""
    for item in items:
        match _head(item).type:
            case "message":
                for part in _message(item).content or ():
                    _part(part)
            case "reasoning":
                _reasoning(item)
            case "function_call":
                _call(item)
            case "":
                raise ValidationError("Expected a type of item - at `$.output[...].type`")
            case _:
                pass


def _finish_reasoning(block: OpenThinking, item: Raw, out: list[Piece]) -> None:
    reasoning = _reasoning(item)
    parts = [*(reasoning.summary or ()), *(reasoning.content or ())]
    said = "\n\n".join(part.text for part in parts if part.text)
    have = _so_far(block)
    # Where both differ, what was streamed stays: what goes back is the item's own summary.
    if said.startswith(have):
        block.add_any(said[len(have) :], out)
    # The one in `output_item.added` may be unfinished, and the terminal event has a third
    # spelling of it (vendor's documentation, 2026-11).
    block.signature = reasoning.encrypted_content or ""
    block.provider_data = provider_data(DIALECT, _kept_of_reasoning(item, _so_far(block)))


def _finish_call(block: OpenToolCall, item: Raw, out: list[Piece]) -> None:
    call = _call(item)
    say_arguments(block, call.arguments or "", out)
    kept = _kept_of_call(item)
    if call.call_id and call.call_id != block.call_id:
        kept["id"] = call.call_id
    block.provider_data = provider_data(DIALECT, kept)


def say_text(block: OpenText, said: str, out: list[Piece]) -> None:
    """Take the whole text of a part: what was not streamed follows now."""
    have = _so_far(block)
    if said in {"", have}:
        return
    if said.startswith(have):
        block.add_any(said[len(have) :], out)
    elif said.strip() != have.strip():
        raise ValidationError("the whole text is not the one that was streamed")


def say_arguments(block: OpenToolCall, said: str, out: list[Piece]) -> None:
    """Take the whole arguments: compatible servers stream none of them (pi, R4)."""
    have = _so_far(block)
    if said in {"", have}:
        return
    if said.startswith(have):
        block.add_any(said[len(have) :], out)
        return
    match read_arguments(have), read_arguments(said):
        case Arguments(value=streamed), Arguments(value=whole) if streamed == whole:
            pass  # written differently, which servers that parse and print them do
        case _:
            raise ValidationError("the whole arguments are not those that were streamed")


def _so_far(block: OpenText | OpenThinking | OpenToolCall) -> str:
    return "".join(block.parts) + ("\ufffd" if block.half else "")


# ---------------------------------------------------------------- what only the provider reads


def _kept_of_call(item: Raw) -> dict[str, Any]:
    # "id":"fc_…", "namespace":"tools"
    return _kept(item, "call_id", "name", "arguments", "status")


def _kept_of_reasoning(item: Raw, text: str) -> dict[str, Any]:
    kept = _kept(item, "encrypted_content", "status")
    parts = [{"type": "summary_text", "text": text}] if text else []
    if "summary" in kept and json.decode(kept["summary"]) == parts:
        del kept["summary"]  # the block's text says it already
    return kept


def _kept_of_part(part: Raw, opened: _Open, place: int) -> dict[str, Any]:
    # "annotations":[{"type":"url_citation",…}]
    kept = {n: v for n, v in _kept(part, "text", "refusal").items() if bytes(v) != b"[]"}
    return {**kept, "refusal": True} if place in opened.refusals else kept


def _kept_of_open(opened: _Open, place: int) -> ProviderData | None:
    """Keep what is known of a text whose item was never done; it has no id to go back under."""
    kept: dict[str, Any] = {} if opened.phase is None else {"phase": opened.phase}
    if place in opened.refusals:
        kept["refusal"] = True
    return provider_data(DIALECT, kept)


def _kept(value: Raw, *known: str) -> dict[str, Any]:
    """Copy the members that are not known, without nulls; an item's own id is its `item_id`."""
    found = {
        name: member.copy()
        for name, member in _members(value).items()
        if name != "type" and name not in known and bytes(member) != _NULL
    }
    if "id" in found:
        return {"item_id": found.pop("id"), **found}
    return dict(found)


def _text_of(value: Raw) -> str:
    return bytes(value).decode()
