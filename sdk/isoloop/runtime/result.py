"""What came of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop.contract import (
        Cost,
        ErrorInfo,
        Message,
        Outcome,
        PendingCall,
        StopReason,
        Usage,
        UserMessage,
    )

OutputT_co = TypeVar("OutputT_co", covariant=True, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(Generic[OutputT_co]):
    """What came of a run.

    Attributes:
        run_id: The run.
        outcome: How it ended: `completed`, `incomplete`, `failed`, `aborted`,
            `awaiting_results`, or a limit.
        new_messages: What the run added after the caller's input.
        usage: Tokens of all attempts together; a count that nobody reported is `None`.
        cost: What it cost; `None` when the model has no price.
        stop_reason: Why the last answer ended; `None` when there was no answer.
        output: The structured output, when one was asked for and the run completed.
        error: What went wrong, when the outcome is `failed`.
        undelivered: Queued messages that were never used.
        pending_calls: Calls of client-side tools. Their results begin the input of the next run:
            `await agent.run([ToolResultMessage(...), ...], history=result.messages)`.
    """

    run_id: str
    outcome: Outcome
    new_messages: list[Message]
    usage: Usage
    cost: Cost | None
    stop_reason: StopReason | None
    output: OutputT_co | None
    error: ErrorInfo | None
    undelivered: list[UserMessage]
    pending_calls: list[PendingCall] = field(default_factory=list["PendingCall"])
    before: Sequence[Message] = field(default=(), repr=False)
    """The caller's history and input."""

    @property
    def messages(self) -> list[Message]:
        """History, input and new messages: the history of the next run."""
        return [*self.before, *self.new_messages]

    @property
    def text(self) -> str:
        """The text of the last answer; empty when it has none."""
        from isoloop.contract import TextBlock

        for message in reversed(self.new_messages):
            if message.role == "assistant":
                return "".join(b.text for b in message.content if isinstance(b, TextBlock))
        return ""
