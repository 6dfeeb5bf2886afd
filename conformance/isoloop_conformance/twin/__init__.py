"""The provider twin: renders a provider-neutral reply script into a dialect's bytes.

A dialect is one module here. Its shapes are checked against hand-written cassettes and, where they
are at hand, against recordings of the real provider.
"""

from isoloop_conformance.twin._port import Rejection, Scene, Twin
from isoloop_conformance.twin._script import DEFAULT_SIGNATURE, ScriptError
from isoloop_conformance.twin.anthropic_messages import AnthropicMessages
from isoloop_conformance.twin.openai_chat import OpenAIChat
from isoloop_conformance.twin.openai_responses import OpenAIResponses

__all__ = ["DEFAULT_SIGNATURE", "Rejection", "Scene", "ScriptError", "Twin", "twin_named"]

_TWINS: dict[str, Twin] = {
    twin.dialect: twin for twin in (AnthropicMessages(), OpenAIChat(), OpenAIResponses())
}


def twin_named(dialect: str) -> Twin:
    """Return the twin of a dialect.

    Raises:
        ScriptError: No twin speaks it.
    """
    if dialect not in _TWINS:
        raise ScriptError(f"no twin speaks `{dialect}`; there are: {', '.join(_TWINS)}")
    return _TWINS[dialect]
