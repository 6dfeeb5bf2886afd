"""Builds the requests of a conversation: POST /chat/completions.

    {"model":"gpt-…","tools":[…],"messages":[
      {"role":"system","content":"Be brief."},
      {"role":"user","content":"Hi"},
      {"role":"assistant","content":null,"tool_calls":[{"id":"call_…","type":"function","function":{…}}]},
      {"role":"tool","tool_call_id":"call_…","content":"42"}
    ],"tool_choice":"auto",…,"stream":true,"stream_options":{"include_usage":true}}

Each message is encoded once and its bytes are kept; a request joins them. What a turn may change
stands behind `messages`, so that the bytes before it only ever grow (decision 17).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoloop.contract import ModelSettings
from isoloop.wire._history import AnswerTurn, Repair, ResultsTurn, UserTurn
from isoloop.wire._json import encode
from isoloop.wire._port import HttpRequest
from isoloop.wire._settings import merged, options_of, unsendable
from isoloop.wire.openai_chat import encode as messages
from isoloop.wire.openai_chat.answer import DIALECT
from isoloop.wire.openai_chat.settings import (
    cache_of,
    check_tools,
    output_of,
    sampling_of,
    thinking_of,
    told_output,
    tool_choice_of,
)
from isoloop.wire.openai_chat.vendors import vendor_named

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.contract import Message, RunConfig
    from isoloop.wire._history import WireTurn
    from isoloop.wire._port import ModelCall

PATH = "/chat/completions"


class ChatConversation:
    """A transcript on its way to a chat model."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._settings = config.settings or ModelSettings.trusted()
        self._vendor = vendor_named(config.model.vendor)
        self._options = options_of(config, DIALECT, ("model", "messages", "stream"))
        check_tools(config)
        self._repair = Repair(config.model, messages.id_maker(self._vendor), messages.replayable)
        self._written: list[bytes] = []
        self._head = self._written_head()
        self._static = self._static_members()

    @property
    def call_ids(self) -> Collection[str]:
        """The ids of all calls so far."""
        return self._repair.call_ids

    def append(self, message: Message) -> None:
        """Add the next message of the transcript."""
        for turn in self._repair.append(message):
            self._written += self._encoded(turn)

    def request(self, call: ModelCall) -> HttpRequest:
        """Build the request for a call."""
        written = self._written
        tail = [encoded for turn in self._repair.tail() for encoded in self._encoded(turn)]
        if tail:
            written = [*written, *tail]
        if not written:
            raise unsendable("There is nothing to send: no message has any content left.")
        body = b"".join((self._head, b",".join(written), b"]", self._tail(call)))
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if call.stream else "application/json",
        }
        return HttpRequest("POST", PATH, headers, body)

    def _encoded(self, turn: WireTurn) -> list[bytes]:
        match turn:
            case UserTurn():
                message = messages.user_message(turn, self._vendor)
            case AnswerTurn():
                message = messages.answer_message(turn, self._vendor)
            case ResultsTurn():
                return messages.result_messages(turn, self._vendor)
        return [] if message is None else [message]

    def _written_head(self) -> bytes:
        """Write what comes before the messages, once."""
        head = [encode({"model": self._config.model.model})[:-1]]
        if self._config.tools and "tools" not in self._options:
            tools = b",".join(map(messages.tool, self._config.tools))
            head.append(b',"tools":[' + tools + b"]")
        head.append(b',"messages":[')
        told = told_output(self._config.output, self._vendor)
        system = messages.system_message(self._config.instructions or (), told, self._vendor)
        if system is not None:
            head.append(system + b",")
        return b"".join(head)

    def _static_members(self) -> dict[str, Any]:
        """Make what comes after the messages and does not depend on the turn."""
        members: dict[str, Any] = thinking_of(self._settings, self._vendor)
        members |= output_of(self._config.output, self._vendor)
        members |= sampling_of(self._settings, self._vendor)
        members |= cache_of(self._settings, self._vendor)
        if self._config.tools and self._settings.parallel_tool_calls is not None:
            members["parallel_tool_calls"] = self._settings.parallel_tool_calls
        return merged(members, self._options)

    def _tail(self, call: ModelCall) -> bytes:
        members: dict[str, Any] = {}
        if self._config.tools and "tool_choice" not in self._static:
            choice = tool_choice_of(self._config, call.turn)
            if choice is not None:
                members["tool_choice"] = choice
        members |= self._static
        if call.stream:
            members["stream"] = True
            if self._vendor.stream_options:
                options = {"stream_options": {"include_usage": True}}
                members |= merged(options, {n: members[n] for n in options if n in members})
        return b"," + encode(members)[1:] if members else b"}"
