# Generated from contract/schemas/command.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictStr
from typing_extensions import TypeAliasType

from .common import ApprovalId, Digest, RunId
from .message import InputMessage, Message, UserMessage
from .run import RunConfig


class AbortCommand(Model):
    """Stops the run. A second abort changes nothing."""

    type: Literal["abort"] = "abort"
    reason: StrictStr | None = None
    """Why, for the log."""


ApprovalDecision = TypeAliasType("ApprovalDecision", Literal["allow", "deny", "edit"])
"""What the approver decided."""


RejectionCode = TypeAliasType("RejectionCode", Literal["busy", "no_run", "closing", "unknown_approval", "digest_mismatch", "invalid", "config"])
"""Why a command was refused."""


class Rejection(Model):
    """A command was refused; nothing changed."""

    code: RejectionCode
    """Why."""

    message: StrictStr
    """For people."""


class SteerCommand(Model):
    """Queues a message that enters between turns."""

    type: Literal["steer"] = "steer"
    message: UserMessage
    """The message."""


class FollowUpCommand(Model):
    """Queues a message that enters when the run would otherwise end."""

    type: Literal["follow_up"] = "follow_up"
    message: UserMessage
    """The message."""


class ResolveApprovalCommand(Model):
    """Answers an approval. Used once."""

    type: Literal["resolve_approval"] = "resolve_approval"
    approval_id: Annotated[ApprovalId, Field(alias="approvalId")]
    """The approval."""

    decision: ApprovalDecision
    """What the approver decided."""

    arguments_text: Annotated[StrictStr | None, Field(alias="argumentsText")] = None
    """The edited arguments; present exactly when the decision is `edit`."""

    digest: Digest | None = None
    """The digest that the approver saw. When present and different, the command is refused."""

    reason: StrictStr | None = None
    """What the approver says to the model."""


class StartRunCommand(Model):
    """Begins a run. Refused with `busy` while another is active."""

    type: Literal["start_run"] = "start_run"
    run_id: Annotated[RunId, Field(alias="runId")]
    """The new run."""

    config: RunConfig
    """What the run needs to know."""

    input: list[InputMessage]
    """What the caller says, after the results of pending calls. May be empty when the history ends with something to answer."""


class OpenCommand(Model):
    """Begins a session, with the history that it starts from."""

    type: Literal["open"] = "open"
    history: list[Message] | None = None
    """What was said before."""


Command = TypeAliasType(
    "Command",
    Annotated[
        OpenCommand | StartRunCommand | SteerCommand | FollowUpCommand | AbortCommand | ResolveApprovalCommand,
        Field(discriminator="type"),
    ],
)
"""What goes into the engine."""
