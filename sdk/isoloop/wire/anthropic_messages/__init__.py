"""The dialect `anthropic-messages`: POST /v1/messages.

`docs/dialects/anthropic-messages.md` says what is sent and what is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from isoloop.wire.anthropic_messages.body import BodyDecoder
from isoloop.wire.anthropic_messages.errors import response_error
from isoloop.wire.anthropic_messages.request import AnthropicConversation
from isoloop.wire.anthropic_messages.stream import StreamDecoder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from isoloop.contract import ErrorInfo, RunConfig
    from isoloop.wire._port import Conversation, Decoder, Dialect, ModelCall

__all__ = ["DIALECT", "AnthropicMessages"]


class AnthropicMessages:
    """The wire format of Anthropic's Messages API."""

    name: Literal["anthropic-messages"] = "anthropic-messages"
    base_url = "https://api.anthropic.com"

    def auth_headers(self, key: str) -> dict[str, str]:
        """Carry an API key."""
        return {"x-api-key": key}

    def conversation(self, config: RunConfig) -> Conversation:
        """Begin to encode a transcript."""
        return AnthropicConversation(config)

    def decoder(self, call: ModelCall, *, taken: Collection[str] = ()) -> Decoder:
        """Read the answer to a call."""
        return StreamDecoder(call, taken) if call.stream else BodyDecoder(call, taken)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> ErrorInfo:
        """Read an error response."""
        return response_error(status, headers, body, now_ms)


DIALECT: Dialect = AnthropicMessages()
