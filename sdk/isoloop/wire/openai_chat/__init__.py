"""The dialect `openai-chat`: POST /chat/completions, of OpenAI and of those who speak like it.

`docs/dialects/openai-chat.md` says what is sent and what is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from isoloop.wire._openai import response_error
from isoloop.wire.openai_chat.body import BodyDecoder
from isoloop.wire.openai_chat.request import ChatConversation
from isoloop.wire.openai_chat.stream import StreamDecoder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from isoloop.contract import ErrorInfo, RunConfig
    from isoloop.wire._port import Conversation, Decoder, Dialect, ModelCall

__all__ = ["DIALECT", "OpenAIChat"]


class OpenAIChat:
    """The wire format of OpenAI's Chat Completions."""

    name: Literal["openai-chat"] = "openai-chat"
    base_url = "https://api.openai.com/v1"

    def auth_headers(self, key: str) -> dict[str, str]:
        """Carry an API key."""
        return {"authorization": f"Bearer {key}"}

    def conversation(self, config: RunConfig) -> Conversation:
        """Begin to encode a transcript."""
        return ChatConversation(config)

    def decoder(self, call: ModelCall, *, taken: Collection[str] = ()) -> Decoder:
        """Read the answer to a call."""
        return StreamDecoder(call, taken) if call.stream else BodyDecoder(call, taken)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> ErrorInfo:
        """Read an error response."""
        return response_error(status, headers, body, now_ms)


DIALECT: Dialect = OpenAIChat()
