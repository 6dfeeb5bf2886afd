r"""Puts the calls of an answer together from their fragments.

    [{"index":0,"id":"call_a","type":"function","function":{"name":"search","arguments":""}}]
    [{"index":0,"function":{"arguments":"{\"q\":"}}]
    [{"index":1,"id":"call_b","type":"function","function":{"name":"search","arguments":""}}]
    [{"index":0,"function":{"arguments":"1}"}}]

The `index` says which call a fragment belongs to; spectra, pi and others who looked at ids or at
order alone glued interleaved calls together (B-25, C18). What hosts send besides:

* no `index`: an id that is not known begins a call, anything else goes on with the last one;
* another id under the same index, with a name: another call (Gemini sends every call as index 0);
* no id, but another name, or the same and a new object where one is complete: another call;
* id and name in every fragment: the same call, nothing is joined;
* a name in fragments: joined until the first argument text comes, so a call is told when that
  comes, or when the next call or the end does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isoloop.wire._arguments import Arguments, read_arguments
from isoloop.wire._json import encode_text
from isoloop.wire.openai_chat.chunks import CallDelta, Function, given

if TYPE_CHECKING:
    from isoloop.wire._answer import AnswerBuilder, OpenToolCall
    from isoloop.wire._pieces import Piece


@dataclass(slots=True)
class _Call:
    """A call being put together; its block begins with the first text of its arguments."""

    index: int | None
    id: str
    name: str
    members: dict[str, Any] = field(default_factory=dict[str, Any])
    block: OpenToolCall | None = None


class CallReader:
    """The calls of one answer."""

    __slots__ = ("_blocks", "_builder", "_by_index", "_calls", "_last", "_untold", "halved")

    def __init__(self, builder: AnswerBuilder) -> None:
        self._builder = builder
        self._calls: list[_Call] = []
        self._by_index: dict[int | None, _Call] = {}
        self._blocks: dict[int | None, OpenToolCall] = {}  # of those that were told
        self._last: _Call | None = None
        self._untold: _Call | None = None  # one at most: the next call tells it
        self.halved = False  # whether arguments may have halves of UTF-16 pairs

    def read(self, delta: CallDelta, out: list[Piece]) -> None:
        """Take a fragment."""
        function = delta.function
        if delta.id is None and function is not None and not function.name and not self.halved:
            # Nearly every fragment: more arguments of a call that is known.
            block, text = self._blocks.get(delta.index), function.arguments
            if block is not None and type(text) is str:
                block.add(text, out)
                return
        self._read_any(delta, _parts(delta), out)

    def function_call(self, function: Function, out: list[Piece]) -> None:
        """`"function_call":{"name":"search","arguments":"{}"}`: the form before `tool_calls`.

        Snowflake sends it blank with every answer.
        """
        if function.name or function.arguments:
            self.read(CallDelta(index=0, function=function), out)

    def close(self, out: list[Piece]) -> None:
        """End every call: the provider ended its answer."""
        self._tell(out)
        for call in self._calls:
            assert call.block is not None
            self._builder.close(call.block, out)
        self._calls.clear()

    def _read_any(self, delta: CallDelta, part: _Part, out: list[Piece]) -> None:
        # Recorded in pi's study of Mistral: the id may be the text "null".
        provider_id = "" if delta.id in {None, "null"} else str(delta.id)
        call = self._known(delta.index, provider_id, part)
        if call is None:
            self._tell(out)
            call = _Call(delta.index, provider_id, part.name)
            self._untold = call
            self._blocks.pop(delta.index, None)
            if delta.type not in {None, "", "function"}:
                call.members["type"] = delta.type
            self._calls.append(call)
        elif call.block is None:
            call.id = call.id or provider_id
            if part.name != call.name:
                call.name += part.name
        self._last = self._by_index[delta.index] = call
        if given(delta.extra_content):
            call.members["extra_content"] = delta.extra_content.copy()
        if part.arguments:
            if call.block is None:
                self._tell(out)
            assert call.block is not None
            call.block.add_any(part.arguments, out)

    def _known(self, index: int | None, provider_id: str, part: _Part) -> _Call | None:
        """Find the call that a fragment goes on with; none if it begins one."""
        if index is None:
            if provider_id:
                return next((call for call in self._calls if call.id == provider_id), None)
            call = self._last
        else:
            call = self._by_index.get(index)
        if call is None or not part.name:
            return call
        if provider_id and call.id and provider_id != call.id:
            return None
        if call.block is None or provider_id:
            return call
        return None if part.name != call.name or _whole(call.block, part) else call

    def _tell(self, out: list[Piece]) -> None:
        """Begin the block of the call whose name is complete now."""
        call, self._untold = self._untold, None
        if call is not None:
            call.block = self._builder.tool_call(out, call.id, call.name, call.members)
            self._blocks[call.index] = call.block


@dataclass(frozen=True, slots=True)
class _Part:
    """A fragment's name and text."""

    name: str
    arguments: str


def _parts(delta: CallDelta) -> _Part:
    if delta.custom is not None and delta.type == "custom":
        # {"type":"custom","custom":{"name":"run_code","input":"print(1)"}}: text that is no JSON.
        # Its arguments are invalid, so it is answered and never run.
        return _Part(delta.custom.name or "", delta.custom.input or "")
    function = delta.function or Function()
    arguments = function.arguments
    if isinstance(arguments, dict):
        arguments = encode_text(arguments)
    return _Part(function.name or "", arguments or "")


def _whole(block: OpenToolCall, part: _Part) -> bool:
    """Whether a call is complete and a fragment begins a new object."""
    text = "".join(block.parts)
    return (
        bool(text.strip())
        and part.arguments.lstrip().startswith("{")
        and isinstance(read_arguments(text), Arguments)
    )
