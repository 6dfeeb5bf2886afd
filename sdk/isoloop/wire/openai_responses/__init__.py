"""The dialect `openai-responses`: POST {base URL}/responses.

`docs/dialects/openai-responses.md` says what is sent and what is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from isoloop.wire._openai import response_error
from isoloop.wire.openai_responses.body import BodyDecoder
from isoloop.wire.openai_responses.request import ResponsesConversation
from isoloop.wire.openai_responses.stream import StreamDecoder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from isoloop.contract import ErrorInfo, RunConfig
    from isoloop.wire._port import Conversation, Decoder, Dialect, ModelCall

__all__ = ["DIALECT", "OpenAIResponses"]


class OpenAIResponses:
    """The wire format of OpenAI's Responses API."""

    name: Literal["openai-responses"] = "openai-responses"
    # With the version, as the vendor's own variable OPENAI_BASE_URL has it.
    base_url = "https://api.openai.com/v1"

    def auth_headers(self, key: str) -> dict[str, str]:
        """Carry an API key."""
        return {"authorization": f"Bearer {key}"}

    def conversation(self, config: RunConfig) -> Conversation:
        """Begin to encode a transcript."""
        return ResponsesConversation(config)

    def decoder(self, call: ModelCall, *, taken: Collection[str] = ()) -> Decoder:
        """Read the answer to a call."""
        return StreamDecoder(call, taken) if call.stream else BodyDecoder(call, taken)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, now_ms: int) -> ErrorInfo:
        """Read an error response."""
        return response_error(status, headers, body, now_ms)


DIALECT: Dialect = OpenAIResponses()
