"""Events are values: what a reader does to one changes nothing else (LOOP-006).

Records are frozen, but their lists are not. Whole messages leave with lists of their own.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, TypeVar

from isoloop.contract import (
    AgentEndEvent,
    AssistantMessage,
    MessageEndEvent,
    ToolResultMessage,
    TurnEndEvent,
    UserMessage,
)

if TYPE_CHECKING:
    from isoloop.contract import KnownEvent

MessageT = TypeVar("MessageT", bound=UserMessage | AssistantMessage | ToolResultMessage)


def for_reader(event: KnownEvent) -> KnownEvent:
    """Give an event lists of its own."""
    match event:
        case MessageEndEvent():
            return event.model_copy(update={"message": message_copy(event.message)})
        case TurnEndEvent():
            return event.model_copy(
                update={
                    "message": None if event.message is None else message_copy(event.message),
                    "tool_results": [message_copy(result) for result in event.tool_results],
                }
            )
        case AgentEndEvent():
            return event.model_copy(
                update={
                    "new_messages": [message_copy(message) for message in event.new_messages],
                    "undelivered": [message_copy(message) for message in event.undelivered],
                    "output": deepcopy(event.output),
                }
            )
        case _:
            return event


def message_copy(message: MessageT) -> MessageT:
    """Copy a message as far as it could be changed."""
    update: dict[str, object] = {"content": list(message.content)}
    if isinstance(message, ToolResultMessage) and message.details is not None:
        update["details"] = deepcopy(message.details)
    return message.model_copy(update=update)
