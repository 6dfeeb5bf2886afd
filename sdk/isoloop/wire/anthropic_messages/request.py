"""Builds the requests of a conversation: POST /v1/messages.

    {"model":"claude-…","max_tokens":32000,"tools":[…],"system":[…],"messages":[
      {"role":"user","content":[{"type":"text","text":"Hi"}]},
      {"role":"assistant","content":[{"type":"tool_use","id":"toolu_01…","name":"search","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01…","content":"42"}]}
    ],"tool_choice":{…},"thinking":{…},"stream":true}

Each message is encoded once and its bytes are kept; a request joins them. What a turn may change
stands behind `messages`, so that the bytes before it only ever grow, cache markers aside (decision
17).

Cache markers: an explicit breakpoint marks its block; `settings.cache` marks the last part of the
instructions and the last block of the last user message. The API allows four; beyond them the
automatic ones go, the earliest first, and more than four explicit ones are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from isoloop.contract import ModelSettings
from isoloop.wire._history import AnswerTurn, Repair, ResultsTurn, UserTurn
from isoloop.wire._json import encode
from isoloop.wire._port import HttpRequest
from isoloop.wire._settings import merged, options_of, unsendable
from isoloop.wire.anthropic_messages import encode as blocks
from isoloop.wire.anthropic_messages.models import facts_of
from isoloop.wire.anthropic_messages.settings import (
    check_tools,
    sampling_of,
    thinking_of,
    tool_choice_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from isoloop.contract import CacheBreakpoint, Message, RunConfig
    from isoloop.wire._history import SentResult, WireTurn
    from isoloop.wire._port import ModelCall

# The version that has sampling settings and that every compatible host knows. 2026-10-21 refuses
# `temperature`, `top_p` and `top_k`; the answers are the same.
API_VERSION = "2023-06-01"

_MOST_MARKERS = 4
_MARKERS: dict[CacheBreakpoint, bytes] = {
    "short": b',"cache_control":{"type":"ephemeral"}',
    "long": b',"cache_control":{"type":"ephemeral","ttl":"1h"}',
}

_Role: TypeAlias = Literal["user", "assistant"]
# Nothing in place of the bytes: the block cannot be sent.
_Block: TypeAlias = "tuple[bytes | None, CacheBreakpoint | None]"


class _Parts:
    """Bytes to be joined, with the places of the blocks that bear a cache marker."""

    __slots__ = ("chunks", "last", "marked")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.marked: dict[int, CacheBreakpoint] = {}
        self.last: int | None = None  # the place of the last block

    def copy(self) -> _Parts:
        other = _Parts()
        other.chunks, other.marked = self.chunks.copy(), self.marked.copy()
        other.last = self.last
        return other

    def add(self, block: bytes, marker: CacheBreakpoint | None) -> None:
        """Add a block."""
        self.last = len(self.chunks)
        self.chunks.append(block)
        if marker is not None:
            self.marked[self.last] = marker

    def written(self) -> list[bytes]:
        """Give what is to be joined; a marker stands before its block's closing brace."""
        if not self.marked:
            return self.chunks
        chunks = self.chunks.copy()
        for place, marker in self.marked.items():
            chunks[place] = chunks[place][:-1] + _MARKERS[marker] + b"}"
        return chunks


class _Messages:
    """The array of messages as it is written."""

    __slots__ = ("last_user", "members", "parts", "role")

    def __init__(self) -> None:
        self.parts = _Parts()
        self.role: _Role | None = None
        self.members: dict[str, Any] = {}  # of the message that is open, after its content
        self.last_user: int | None = None

    def copy(self) -> _Messages:
        other = _Messages()
        other.parts, other.role, other.last_user = self.parts.copy(), self.role, self.last_user
        other.members = self.members.copy()
        return other

    def add(self, role: _Role, content: Iterable[_Block]) -> None:
        """Add blocks; consecutive ones of the same role make one message."""
        for block, marker in content:
            if block is None:
                continue
            if role == self.role:
                self.parts.chunks.append(b",")
            else:
                if self.role is not None:
                    self.parts.chunks.append(self._closing() + b",")
                self.parts.chunks.append(b'{"role":"%b","content":[' % role.encode())
                self.role = role
            self.parts.add(block, marker)
            if role == "user":
                self.last_user = self.parts.last

    def close(self) -> None:
        """End the array."""
        self.parts.chunks.append(self._closing() + b"]")

    def _closing(self) -> bytes:
        if not self.members:
            return b"]}"
        closing = b"]," + encode(self.members)[1:]
        self.members = {}
        return closing


class AnthropicConversation:
    """A transcript on its way to the Messages API."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._settings = config.settings or ModelSettings.trusted()
        self._options = options_of(config, "anthropic-messages", ("model", "messages", "stream"))
        check_tools(config)
        self._thinking = thinking_of(self._settings, facts_of(config.model.model))
        self._repair = Repair(config.model, blocks.allowed_id)
        self._messages = _Messages()
        self._last_instruction: int | None = None
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
        if messages.role is None:
            raise unsendable("There is nothing to send: no message has any content left.")
        messages.close()
        head = self._head.copy()
        self._mark(head, messages)
        body = b"".join([*head.written(), *messages.parts.written(), self._tail(call)])
        return HttpRequest("POST", "/v1/messages", self._headers(call), body)

    def _mark(self, head: _Parts, messages: _Messages) -> None:
        """Put in the automatic cache markers as far as there is room."""
        room = _MOST_MARKERS - len(head.marked) - len(messages.parts.marked)
        if room < 0:
            raise unsendable(
                f"There are {_MOST_MARKERS - room} cache breakpoints, but at most {_MOST_MARKERS} "
                "are allowed. Remove the earliest."
            )
        if self._settings.cache is None or self._settings.cache == "none":
            return
        # The later one covers more, so it is the last to go.
        for parts, place in ((messages.parts, messages.last_user), (head, self._last_instruction)):
            if place is not None and place not in parts.marked and room > 0:
                parts.marked[place] = self._settings.cache
                room -= 1

    def _headers(self, call: ModelCall) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if call.stream else "application/json",
            "anthropic-version": API_VERSION,
        }
        # Hosts that know no headers take the beta features in the body; the vendor takes them here.
        betas = self._options.get("anthropic_beta")
        if isinstance(betas, list):
            headers["anthropic-beta"] = ",".join(map(str, cast("list[Any]", betas)))
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
            tools = (_marked(blocks.tool(t), t) for t in self._config.tools or ())
            _array(head, b'"tools"', tools)
        if "system" not in self._options:
            before = head.last
            parts = (_marked(blocks.system_text(p), p) for p in self._config.instructions or ())
            _array(head, b'"system"', parts)
            self._last_instruction = head.last if head.last != before else None
        head.chunks.append(b',"messages":[')
        return head

    def _static_members(self) -> dict[str, Any]:
        """Make what comes after the messages and does not depend on the turn."""
        members: dict[str, Any] = {}
        if self._thinking.members:
            members["thinking"] = self._thinking.members
        output: dict[str, Any] = {}
        if self._thinking.effort is not None:
            output["effort"] = self._thinking.effort
        if self._config.output is not None:
            # "output_config":{"format":{"type":"json_schema","schema":{…}}}
            output["format"] = {"type": "json_schema", "schema": self._config.output.json_schema}
        if output:
            members["output_config"] = output
        members |= sampling_of(self._settings)
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
        if block is not None:
            parts.chunks.append(b"," if opened else b"," + name + b":[")
            opened = True
            parts.add(block, marker)
    if opened:
        parts.chunks.append(b"]")


def _write(messages: _Messages, turn: WireTurn) -> None:
    match turn:
        case UserTurn(content=content, provider_data=data):
            messages.add("user", (_marked(blocks.user_block(b), b) for b in content))
            if messages.role == "user":
                messages.members |= blocks.own_members(data)
        case AnswerTurn(content=content, same_model=same):
            answer = (_marked(blocks.answer_block(b, same_model=same), b) for b in content)
            messages.add("assistant", answer)
        case ResultsTurn(results=results):
            messages.add("user", (_marked_result(r) for r in results))


def _marked(block: bytes | None, part: object) -> _Block:
    return block, _marker_of(part)


def _marker_of(part: object) -> CacheBreakpoint | None:
    marker: CacheBreakpoint | None = getattr(part, "cache_breakpoint", None)
    return marker


def _marked_result(result: SentResult) -> _Block:
    """Encode a result; a breakpoint inside it marks it whole (DIAL-032)."""
    marker: CacheBreakpoint | None = None
    for part in result.content:
        marker = _marker_of(part) or marker
    return blocks.result(result), marker
