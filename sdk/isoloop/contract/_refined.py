# Generated from contract/schemas by contract/tooling/generate.py; do not edit.

"""What the generator cannot say."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator


class _Unknown:
    """Refuses the names of known types: a malformed known type is not an unknown one."""

    def __init__(self, *known: str) -> None:
        self._known = frozenset(known)

    def __call__(self, value: str) -> str:
        if value in self._known:
            raise ValueError(f"`{value}` is a known type, and this is not a valid one")
        return value


def _only_true(value: object) -> object:
    if value is not True:
        raise ValueError("Input should be true")
    return value


OnlyTrue = Annotated[Literal[True], BeforeValidator(_only_true)]


UnknownBlockType = Annotated[
    str,
    AfterValidator(
        _Unknown(
            "text",
            "thinking",
            "tool_call",
            "image",
            "document",
            "audio",
            "opaque",
        )
    ),
]


UnknownEventType = Annotated[
    str,
    AfterValidator(
        _Unknown(
            "agent_start",
            "turn_start",
            "retry_scheduled",
            "message_start",
            "message_end",
            "text_start",
            "text_delta",
            "text_end",
            "thinking_start",
            "thinking_delta",
            "thinking_end",
            "tool_call_start",
            "tool_call_delta",
            "tool_call_end",
            "opaque_start",
            "opaque_end",
            "approval_requested",
            "approval_resolved",
            "tool_execution_start",
            "tool_execution_update",
            "tool_execution_end",
            "turn_end",
            "agent_end",
        )
    ),
]
