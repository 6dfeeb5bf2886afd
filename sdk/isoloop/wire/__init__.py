"""The wire formats of the providers, sans-IO: requests out as bytes, answers in as bytes.

One folder per dialect with a file per step. Nothing here opens a socket, reads a clock or knows a
key.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from isoloop.wire._answer import AnswerBuilder
from isoloop.wire._arguments import Arguments, Problem, read_arguments
from isoloop.wire._failure import RETRYABLE, failure
from isoloop.wire._pieces import (
    Aborted,
    Answered,
    AnswerStarted,
    ArgumentsState,
    Ending,
    Failed,
    OpaqueEnded,
    OpaqueStarted,
    Piece,
    TextDelta,
    TextEnded,
    TextStarted,
    ThinkingDelta,
    ThinkingEnded,
    ThinkingStarted,
    ToolCallDelta,
    ToolCallEnded,
    ToolCallStarted,
)
from isoloop.wire._port import (
    Conversation,
    Decoder,
    Dialect,
    HttpRequest,
    ModelCall,
    Unsendable,
    absolute_url,
)

if TYPE_CHECKING:
    from isoloop.contract import Dialect as DialectName

__all__ = [
    "RETRYABLE",
    "Aborted",
    "AnswerBuilder",
    "AnswerStarted",
    "Answered",
    "Arguments",
    "ArgumentsState",
    "Conversation",
    "Decoder",
    "Dialect",
    "Ending",
    "Failed",
    "HttpRequest",
    "ModelCall",
    "OpaqueEnded",
    "OpaqueStarted",
    "Piece",
    "Problem",
    "TextDelta",
    "TextEnded",
    "TextStarted",
    "ThinkingDelta",
    "ThinkingEnded",
    "ThinkingStarted",
    "ToolCallDelta",
    "ToolCallEnded",
    "ToolCallStarted",
    "Unsendable",
    "absolute_url",
    "dialect_named",
    "failure",
    "read_arguments",
]


def dialect_named(name: DialectName) -> Dialect:
    """Find a dialect; its modules are imported now, not with the package."""
    module = import_module(f"isoloop.wire.{name.replace('-', '_')}")
    return cast("Dialect", module.DIALECT)
