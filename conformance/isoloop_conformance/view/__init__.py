"""Requests in provider-neutral terms, and the rules that every request is held against.

A dialect is a module for its view and one for its rules.
"""

from typing import TYPE_CHECKING, TypeAlias

from isoloop_conformance.view import anthropic_messages, openai_chat, openai_responses
from isoloop_conformance.view._port import Finding, Reading, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader: TypeAlias = Callable[[bytes, Mapping[str, str]], Reading]

__all__ = ["Finding", "Reading", "Rule", "Severity", "read_request"]

_READERS: "dict[str, Reader]" = {
    "anthropic-messages": anthropic_messages.read,
    "openai-chat": openai_chat.read,
    "openai-responses": openai_responses.read,
}


def read_request(dialect: str, body: bytes, headers: "Mapping[str, str]") -> Reading:
    """Read a request's body; header names are in lower case.

    Raises:
        KeyError: The dialect is not known.
    """
    return _READERS[dialect](body, headers)
