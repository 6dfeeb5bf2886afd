# Generated from contract/schemas/run.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr
from typing_extensions import TypeAliasType

from .common import CallId, DurationMs, JsonObject, RunId, ToolName
from .content import TextBlock
from .error import ErrorInfo
from .message import Message, StopReason, UserMessage
from .model import ModelRef, ModelSettings
from .tool import ToolChoice, ToolDefinition
from .usage import Cost, Price, Usage

Outcome = TypeAliasType("Outcome", Literal["completed", "incomplete", "failed", "aborted", "awaiting_results", "max_turns", "budget_exceeded", "deadline_exceeded"])
"""How a run ended."""


Scheduling = TypeAliasType("Scheduling", Literal["auto", "parallel", "sequential"])
"""Which calls of a turn run side by side. `auto`: read-only stretches together, mutating calls alone; `parallel`: all at once; `sequential`: one by one."""


QueueMode = TypeAliasType("QueueMode", Literal["one", "all"])
"""How a queue drains: one message at a time, or all at once."""


class Limits(Model):
    """Bounds on a run. They are checked before a turn; the last turn's calls run. An absent member sets no bound."""

    max_turns: Annotated[
        StrictInt | None, Field(alias="maxTurns", ge=0, le=9007199254740991)
    ] = None
    """The most turns."""

    deadline_ms: Annotated[DurationMs | None, Field(alias="deadlineMs")] = None
    """How long after its start a run may begin another turn."""

    max_tokens: Annotated[
        StrictInt | None, Field(alias="maxTokens", ge=0, le=9007199254740991)
    ] = None
    """The most tokens, input and output of all attempts together."""

    max_cost_usd: Annotated[StrictFloat | None, Field(alias="maxCostUsd", ge=0.0)] = (
        None
    )
    """The most US dollars. Refused at the start when the model has no price."""

    approval_timeout_ms: Annotated[
        DurationMs | None, Field(alias="approvalTimeoutMs")
    ] = None
    """How long an approval may wait before it expires."""


class Retry(Model):
    """When and how a failed model call is tried again."""

    max_retries: Annotated[
        StrictInt | None, Field(alias="maxRetries", ge=0, le=9007199254740991)
    ] = None
    """Retries after the first attempt; 3 by default."""

    base_delay_ms: Annotated[DurationMs | None, Field(alias="baseDelayMs")] = None
    """Delay before the first retry; doubles each time; 500 by default."""

    max_delay_ms: Annotated[DurationMs | None, Field(alias="maxDelayMs")] = None
    """Cap of a computed delay; 30000 by default."""

    jitter: Annotated[StrictFloat | None, Field(ge=0.0, le=1.0)] = None
    """The part of a computed delay that chance may take away, 0 to 1; 0.25 by default. A delay given by the server is not jittered."""

    max_server_delay_ms: Annotated[
        DurationMs | None, Field(alias="maxServerDelayMs")
    ] = None
    """The longest delay accepted from a server; beyond it the run fails at once; 60000 by default."""


class OutputSpec(Model):
    """Asks for structured output."""

    name: Annotated[StrictStr | None, Field(min_length=1)] = None
    """A name for the output, for dialects that want one."""

    json_schema: Annotated[JsonObject, Field(alias="schema")]
    """JSON Schema (2020-12) of the output."""


class PendingCall(Model):
    """A call of a client-side tool, which waits for its result."""

    call_id: Annotated[CallId, Field(alias="callId")]
    """The call."""

    tool_name: Annotated[ToolName, Field(alias="toolName")]
    """The tool."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The final arguments, after hooks and approval."""


class RunConfig(Model):
    """All that a run needs to know besides its messages. Fixed for the run."""

    model: ModelRef
    """The model to call."""

    instructions: list[TextBlock] | None = None
    """The system prompt, in parts. Empty parts are left out when sent."""

    tools: list[ToolDefinition] | None = None
    """The tools, in the order in which every request lists them."""

    tool_choice: Annotated[ToolChoice | None, Field(alias="toolChoice")] = None
    """Which tools the model may or must call."""

    settings: ModelSettings | None = None
    """How the model is asked."""

    output: OutputSpec | None = None
    """The structured output asked for."""

    stream: StrictBool | None = None
    """Whether the provider is asked to stream; true by default. The events are the same either way."""

    scheduling: Scheduling | None = None
    """Which calls run side by side; `auto` by default."""

    max_concurrency: Annotated[
        StrictInt | None, Field(alias="maxConcurrency", ge=1, le=9007199254740991)
    ] = None
    """The most calls that run at once; 8 by default."""

    limits: Limits | None = None
    """Bounds on the run."""

    retry: Retry | None = None
    """When a failed model call is tried again."""

    steering_mode: Annotated[QueueMode | None, Field(alias="steeringMode")] = None
    """How steering drains; `one` by default."""

    follow_up_mode: Annotated[QueueMode | None, Field(alias="followUpMode")] = None
    """How follow-ups drain; `one` by default."""

    result_limit_bytes: Annotated[
        StrictInt | None, Field(alias="resultLimitBytes", ge=1, le=9007199254740991)
    ] = None
    """A tool result whose text is larger (UTF-8 bytes) is cut with a marker; no limit by default."""

    price: Price | None = None
    """The model's price, where known."""


class RunResult(Model):
    """What came of a run. `history + input + newMessages` is valid to send, together with the results of `pendingCalls`."""

    run_id: Annotated[RunId, Field(alias="runId")]
    """The run."""

    outcome: Outcome
    """How the run ended."""

    new_messages: Annotated[list[Message], Field(alias="newMessages")]
    """What the run added after the caller's input."""

    usage: Usage
    """The sum over all attempts."""

    cost: Cost | None = None
    """What it cost; absent when no prices were given."""

    stop_reason: Annotated[StopReason | None, Field(alias="stopReason")] = None
    """The last answer's stop reason; absent when there was no answer."""

    output: JsonObject | None = None
    """The structured output, where one was asked for and is valid."""

    error: ErrorInfo | None = None
    """What went wrong; present exactly when the outcome is `failed`."""

    undelivered: list[UserMessage]
    """Queued messages that were never used, steering before follow-ups, each in order."""

    pending_calls: Annotated[
        list[PendingCall] | None, Field(alias="pendingCalls", min_length=1)
    ] = None
    """The calls whose results the caller is asked for, in call order; present exactly when there are any."""
