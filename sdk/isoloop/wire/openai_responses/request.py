"""Builds the requests of a conversation: POST {base URL}/responses.

    {"model":"gpt-5","instructions":"…","tools":[…],"input":[
      {"role":"user","content":[{"type":"input_text","text":"Hi"}]},
      {"type":"reasoning","id":"rs_…","summary":[],"encrypted_content":"gAAA…"},
      {"type":"function_call","id":"fc_…","call_id":"call_…","name":"search","arguments":"{}"},
      {"type":"function_call_output","call_id":"call_…","output":"42"}
    ],"store":false,"include":["reasoning.encrypted_content"],"stream":true}

Each message is encoded once and its bytes are kept; a request joins them. What a turn may change
stands behind `input`, so that the bytes before it only ever grow (decision 17).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoloop.wire._history import AnswerTurn, Repair, ResultsTurn, UserTurn
from isoloop.wire._json import encode
from isoloop.wire._port import HttpRequest
from isoloop.wire._settings import check_tool_choice, merged, options_of, unsendable
from isoloop.wire.openai_responses import encode as items
from isoloop.wire.openai_responses.settings import (
    DIALECT,
    choosable,
    included,
    settings_of,
    tool_choice_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.contract import Message, RunConfig
    from isoloop.wire._history import WireTurn
    from isoloop.wire._port import ModelCall


class ResponsesConversation:
    """A transcript on its way to the Responses API."""

    def __init__(self, config: RunConfig) -> None:
        self._config = config
        self._options = options_of(config, DIALECT, ("model", "input", "stream"))
        self._names = choosable(config)
        check_tool_choice(config, self._names)
        settings = settings_of(config)
        self._static = merged(settings, included(settings, self._options))
        self._repair = Repair(config.model, items.allowed_id)
        self._items: list[bytes] = []
        self._head = self._written_head()

    @property
    def call_ids(self) -> Collection[str]:
        """The ids of all calls so far."""
        return self._repair.call_ids

    def append(self, message: Message) -> None:
        """Add the next message of the transcript."""
        for turn in self._repair.append(message):
            self._items += _written(turn)

    def request(self, call: ModelCall) -> HttpRequest:
        """Build the request for a call."""
        tail = [item for turn in self._repair.tail() for item in _written(turn)]
        if not self._items and not tail:
            raise unsendable("There is nothing to send: no message has any content left.")
        sent = b",".join([*self._items, *tail])
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if call.stream else "application/json",
        }
        body = b"".join((self._head, sent, b"]", self._tail(call)))
        return HttpRequest("POST", "/responses", headers, body)

    def _written_head(self) -> bytes:
        """Write what comes before the input, once."""
        head: dict[str, Any] = {"model": self._config.model.model}
        if "instructions" not in self._options:
            # One text: parts are joined by a blank line.
            parts = [p.text for p in self._config.instructions or () if p.text.strip()]
            if parts:
                head["instructions"] = "\n\n".join(parts)
        written = encode(head)[:-1]
        if self._config.tools and "tools" not in self._options:
            tools = b",".join(items.tool(definition) for definition in self._config.tools)
            written += b',"tools":[' + tools + b"]"
        return written + b',"input":['

    def _tail(self, call: ModelCall) -> bytes:
        members: dict[str, Any] = {}
        if self._config.tools and "tool_choice" not in self._static:
            choice = tool_choice_of(self._config, call.turn, self._names)
            if choice is not None:
                members["tool_choice"] = choice
        members |= self._static
        if call.stream:
            members["stream"] = True
        return b"," + encode(members)[1:]


def _written(turn: WireTurn) -> list[bytes]:
    match turn:
        case UserTurn():
            return items.user_items(turn)
        case AnswerTurn():
            return items.answer_items(turn)
        case ResultsTurn(results=results):
            return [items.result(result) for result in results]
