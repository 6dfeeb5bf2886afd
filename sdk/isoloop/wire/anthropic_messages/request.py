"""Builds the requests of a conversation: POST /v1/messages.

    {"model":"claude-…","max_tokens":32000,"tools":[…],"system":[…],"messages":[
      {"role":"user","content":[{"type":"text","text":"Hi"}]},
      {"role":"assistant","content":[{"type":"tool_use","id":"toolu_01…","name":"search","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01…","content":"42"}]}
    ],"tool_choice":{…},"thinking":{…},"stream":true}

Each message is encoded once and its bytes are kept; a request joins them. What a turn may change stands behind
`messages`, so that the bytes before it only ever grow, cache markers aside (decision 17).

Cache markers: an explicit breakpoint marks its block; `settings.cache` marks the last part of the instructions (or the
last tool) and the last block of the last user message. The API allows four; of more, the last four in
the order of the prompt are kept: they cover the longest prefixes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from isoloop.contract import ModelSettings
from isoloop.wire._history import AnswerTurn, Repair, ResultsTurn, UserTurn
from isoloop.wire._json import encode, encode_text
from isoloop.wire._port import HttpRequest
from isoloop.wire.anthropic_messages import encode as blocks
from isoloop.wire.anthropic_messages.models import facts_of
from isoloop.wire.anthropic_messages.output import OutputMembers, output_of
from isoloop.wire.anthropic_messages.settings import (
    merged,
    options_of,
    sampling_of,
    thinking_of,
    tool_choice_of,
    unsendable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from isoloop.contract import CacheBreakpoint, Message, ResultBlock, RunConfig
    from isoloop.wire._history import WireTurn
    from isoloop.wire._port import ModelCall

# The version that has sampling settings and that every compatible host knows. 2026-10-21 refuses `temperature`,
# `top_p` and `top_k`; the answers are the same.
API_VERSION = "2023-06-01"

_MOST_MARKERS = 4
_MARKERS: dict[CacheBreakpoint, bytes] = {
    "short": b',"cache_control":{"type":"ephemeral"}',
    "long": b',"cache_control":{"type":"ephemeral","ttl":"1h"}',
}

_Role: TypeAlias = Literal["user", "assistant"]
_Block: TypeAlias = "tuple[bytes, CacheBreakpoint | None]"


class _Parts:
    """Bytes to be joined, with the places where a cache marker may stand."""

    __slots__ = ("chunks", "last", "slots")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.slots: list[tuple[int, CacheBreakpoint]] = []
        self.last = -1  # the place of the last block

    def copy(self) -> _Parts:
        other = _Parts()
        other.chunks, other.slots, other.last = self.chunks.copy(), self.slots.copy(), self.last
        return other

    def add(self, block: bytes, marker: CacheBreakpoint | None) -> None:
        """Add a block; its marker, if any, goes before its closing brace."""
        self.last = len(self.chunks)
        self.chunks.append(block)
        if marker is not None:
            self.slots.append((self.last, marker))

    def mark_last(self, marker: CacheBreakpoint) -> None:
        """Ask for a marker on the last block, unless it has one."""
        if self.last >= 0 and not (self.slots and self.slots[-1][0] == self.last):
            self.slots.append((self.last, marker))

    def joined(self, markers: int) -> bytes:
        """Join, with the last so many markers."""
        chunks = self.chunks
        if markers:
            chunks = chunks.copy()
            for place, marker in self.slots[-markers:]:
                chunks[place] = chunks[place][:-1] + _MARKERS[marker] + b"}"
        return b"".join(chunks)


class _Messages:
    """The array of messages as it is written."""

    __slots__ = ("last_user", "parts", "role")

    def __init__(self) -> None:
        self.parts = _Parts()
        self.role: _Role | None = None
        self.last_user = -1

    def copy(self) -> _Messages:
        other = _Messages()
        other.parts, other.role, other.last_user = self.parts.copy(), self.role, self.last_user
        return other

    def add(self, role: _Role, content: Iterable[_Block]) -> None:
        """Add blocks; consecutive ones of the same role make one message."""
        for block, marker in content:
            if role == self.role:
                self.parts.chunks.append(b",")
            else:
                closed = b"" if self.role is None else b"]},"
                self.parts.chunks.append(closed + b'{"role":"%b","content":[' % role.encode())
                self.role = role
            self.parts.add(block, marker)
            if role == "user":
                self.last_user = self.parts.last

    def mark_last_user(self, marker: CacheBreakpoint) -> None:
        """Ask for a marker on the last block that a user message has."""
        if self.last_user >= 0 and all(place != self.last_user for place, _ in self.parts.slots):
            self.parts.slots.append((self.last_user, marker))
            self.parts.slots.sort()

    def close(self) -> None:
        """End the array."""
        self.parts.chunks.append(b"]" if self.role is None else b"]}]")


class AnthropicConversation:
    """A transcript on its way to the Messages API."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._settings = config.settings or ModelSettings.trusted()
        self._options = options_of(config)
        self._facts = facts_of(config.model.model)
        self._output = output_of(config.output, self._facts)
        self._thinking = thinking_of(self._settings, self._facts)
        self._repair = Repair(config.model, blocks.allowed_id)
        self._messages = _Messages()
        self._head = self._written_head()
        self._static = self._static_members()

    @property
    def call_ids(self) -> Collection[str]:
        """The ids of all calls so far."""
        return self._repair.call_ids

    def append(self, message: Message) -> None:
        """Add the next message of the transcript."""
        for turn in self._repair.append(message):
            _write(self._messages, turn)

    def request(self, call: ModelCall) -> HttpRequest:
        """Build the request for a call."""
        messages = self._messages.copy()
        for turn in self._repair.tail():
            _write(messages, turn)
        messages.close()
        head = self._head
        if self._settings.cache in {"short", "long"}:
            marker: CacheBreakpoint = "long" if self._settings.cache == "long" else "short"
            messages.mark_last_user(marker)
        of_messages = min(_MOST_MARKERS, len(messages.parts.slots))
        of_head = min(_MOST_MARKERS - of_messages, len(head.slots))
        body = b"".join(
            [head.joined(of_head), messages.parts.joined(of_messages), self._tail(call)]
        )
        return HttpRequest("POST", "/v1/messages", self._headers(call), body)

    def _headers(self, call: ModelCall) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if call.stream else "application/json",
            "anthropic-version": API_VERSION,
        }
        # Hosts that know no headers take the beta features in the body; the vendor takes them here.
        betas = self._options.get("anthropic_beta")
        if isinstance(betas, list):
            headers["anthropic-beta"] = ",".join(map(str, betas))
        elif isinstance(betas, str):
            headers["anthropic-beta"] = betas
        return headers

    def _written_head(self) -> _Parts:
        """Write what comes before the messages, once."""
        head = _Parts()
        first: dict[str, Any] = {
            "model": self._config.model.model,
            "max_tokens": self._options.get("max_tokens", self._thinking.max_tokens),
        }
        head.chunks.append(encode(first)[:-1])
        if "tools" not in self._options:
            tools = self._config.tools or []
            _array(
                head,
                b'"tools"',
                ((blocks.tool(t), getattr(t, "cache_breakpoint", None)) for t in tools),
            )
        if "system" not in self._options:
            parts = [*(self._config.instructions or ()), *self._output.instructions]
            system = ((blocks.system_text(part), part.cache_breakpoint) for part in parts)
            _array(head, b'"system"', ((b, m) for b, m in system if b is not None))
        if self._settings.cache in {"short", "long"}:
            head.mark_last("long" if self._settings.cache == "long" else "short")
        head.chunks.append(b',"messages":[')
        return head

    def _static_members(self) -> dict[str, Any]:
        """Make what comes after the messages and does not depend on the turn."""
        members: dict[str, Any] = {}
        if self._thinking.members:
            members["thinking"] = self._thinking.members
        output = dict(self._output.members)
        if self._thinking.effort is not None:
            output["effort"] = self._thinking.effort
        if output:
            members["output_config"] = output
        members |= sampling_of(self._settings, thinking=self._thinking.on)
        left = {n: v for n, v in self._options.items() if n not in {"max_tokens", "anthropic_beta"}}
        return merged(members, left)

    def _tail(self, call: ModelCall) -> bytes:
        members: dict[str, Any] = {}
        if self._config.tools and "tool_choice" not in self._static:
            choice = tool_choice_of(self._config, call.turn)
            if choice is not None:
                members["tool_choice"] = choice
        members |= self._static
        if call.stream:
            members["stream"] = True
        return b"," + encode(members)[1:] if members else b"}"


def _array(parts: _Parts, name: bytes, items: Iterable[_Block]) -> None:
    opened = False
    for block, marker in items:
        parts.chunks.append(b"," if opened else b"," + name + b":[")
        opened = True
        parts.add(block, marker)
    if opened:
        parts.chunks.append(b"]")


def _write(messages: _Messages, turn: WireTurn) -> None:
    match turn:
        case UserTurn():
            encoded = (
                (blocks.user_block(b), getattr(b, "cache_breakpoint", None)) for b in turn.content
            )
            messages.add("user", ((b, m) for b, m in encoded if b is not None))
        case AnswerTurn():
            answer = (
                (blocks.answer_block(b, same_model=turn.same_model), _marker_of(b))
                for b in turn.content
            )
            messages.add("assistant", ((b, m) for b, m in answer if b is not None))
        case ResultsTurn():
            messages.add(
                "user", ((blocks.result(r), _result_marker(r.content)) for r in turn.results)
            )


def _marker_of(block: object) -> CacheBreakpoint | None:
    return getattr(block, "cache_breakpoint", None)


def _result_marker(content: list[ResultBlock]) -> CacheBreakpoint | None:
    """A breakpoint inside a result marks the result, which is the block that the API counts."""
    found = [m for block in content if (m := _marker_of(block)) is not None]
    return found[-1] if found else None
