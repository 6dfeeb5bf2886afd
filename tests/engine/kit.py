"""A scripted driver for the engine, and short names for what tests say to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from isoloop.contract.command import (
    AbortCommand,
    FollowUpCommand,
    OpenCommand,
    ResolveApprovalCommand,
    StartRunCommand,
    SteerCommand,
)
from isoloop.contract.content import TextBlock, ToolCallBlock
from isoloop.contract.effect import (
    AnsweredOutcome,
    ElapsedOutcome,
    GenerateAbortedOutcome,
    GenerateFailedOutcome,
    OutputOutcome,
    PreparedOutcome,
    RejectedOutcome,
    ResultOutcome,
    StartedOutcome,
)
from isoloop.contract.error import ErrorInfo
from isoloop.contract.event import (
    MessageStartEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextStartEvent,
    ToolCallEndEvent,
    ToolCallStartEvent,
)
from isoloop.contract.message import AssistantMessage, ToolResultMessage, UserMessage
from isoloop.contract.model import ModelRef
from isoloop.contract.run import Limits, OutputSpec, Retry, RunConfig
from isoloop.contract.tool import FunctionTool
from isoloop.contract.usage import Usage
from isoloop.engine import (
    Env,
    Rejected,
    State,
    admit,
    apply,
    events_of,
    fail,
    next_effects,
    open_state,
    recover,
    settle,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoloop.contract.command import Command
    from isoloop.contract.effect import Effect, EffectOutcome
    from isoloop.contract.entry import LogEntry
    from isoloop.contract.error import ErrorCode, ResultCode
    from isoloop.contract.event import Event
    from isoloop.contract.message import InputMessage, Message, StopReason

MODEL = ModelRef(dialect="anthropic-messages", model="test")


# ------------------------------------------------------------------ values


def user(text: str = "Hello") -> UserMessage:
    return UserMessage(role="user", content=[TextBlock(type="text", text=text)])


def call(call_id: str, name: str = "look", arguments: str = "{}") -> ToolCallBlock:
    return ToolCallBlock(type="tool_call", id=call_id, name=name, arguments_text=arguments)


def answer(
    *parts: str | ToolCallBlock,
    stop: StopReason | None = None,
    usage: Usage | None = None,
    error: ErrorInfo | None = None,
) -> AssistantMessage:
    """Make an answer of texts and calls; its stop reason follows from them unless given."""
    blocks = [TextBlock(type="text", text=p) if isinstance(p, str) else p for p in parts]
    if stop is None:
        stop = "tool_use" if any(isinstance(p, ToolCallBlock) for p in parts) else "end_turn"
    fields: dict[str, Any] = {"usage": usage, "error": error}
    return AssistantMessage(
        role="assistant",
        content=list(blocks),
        model=MODEL,
        stop_reason=stop,
        **{name: value for name, value in fields.items() if value is not None},
    )


def result(
    call_id: str,
    text: str = "done",
    *,
    name: str = "look",
    is_error: bool = False,
    code: ResultCode | None = None,
) -> ToolResultMessage:
    fields: dict[str, Any] = {} if code is None else {"code": code}
    return ToolResultMessage(
        role="tool_result",
        call_id=call_id,
        tool_name=name,
        content=[TextBlock(type="text", text=text)],
        is_error=is_error,
        **fields,
    )


def error(code: ErrorCode = "overloaded", *, retryable: bool = True, **more: Any) -> ErrorInfo:
    return ErrorInfo(code=code, message=f"{code} happened", retryable=retryable, **more)


def usage(**counters: int) -> Usage:
    return Usage(**counters)


def tool(name: str, **more: Any) -> FunctionTool:
    return FunctionTool(
        type="function", name=name, description=name, input_schema={"type": "object"}, **more
    )


LOOK = tool("look", access="read_only")
WRITE = tool("write")
AGAIN = tool("again", repeatable=True)
ASK = tool("ask", client_side=True)


def config(**more: Any) -> RunConfig:
    return RunConfig(model=MODEL, **{"tools": [LOOK, WRITE, AGAIN, ASK], **more})


def limits(**more: Any) -> RunConfig:
    return config(limits=Limits(**more))


def retrying(**more: Any) -> RunConfig:
    return config(retry=Retry(**more))


def structured(**more: Any) -> RunConfig:
    return config(output=OutputSpec(json_schema={"type": "object"}), **more)


# ------------------------------------------------------------------ outcomes


def answered(*parts: str | ToolCallBlock, **more: Any) -> AnsweredOutcome:
    return AnsweredOutcome(type="answered", message=answer(*parts, **more))


def failed(
    why: ErrorInfo | None = None,
    *,
    message: AssistantMessage | None = None,
    usage: Usage | None = None,
) -> GenerateFailedOutcome:
    fields: dict[str, Any] = {"message": message, "usage": usage}
    return GenerateFailedOutcome(
        type="generate_failed",
        error=why or error(),
        **{name: value for name, value in fields.items() if value is not None},
    )


def stopped(
    message: AssistantMessage | None = None, *, usage: Usage | None = None
) -> GenerateAbortedOutcome:
    fields: dict[str, Any] = {"message": message, "usage": usage}
    return GenerateAbortedOutcome(
        type="generate_aborted",
        **{name: value for name, value in fields.items() if value is not None},
    )


def prepared(arguments: str = "{}", *, ask: bool = False) -> PreparedOutcome:
    return PreparedOutcome(type="prepared", arguments_text=arguments, needs_approval=ask)


def rejected(call_id: str, code: ResultCode = "denied", name: str = "look") -> RejectedOutcome:
    return RejectedOutcome(
        type="rejected", result=result(call_id, code, name=name, is_error=True, code=code)
    )


def came_out(call_id: str, text: str = "done", **more: Any) -> ResultOutcome:
    return ResultOutcome(type="result", result=result(call_id, text, **more))


STARTED = StartedOutcome(type="started")
ELAPSED = ElapsedOutcome(type="elapsed")


def output(**members: Any) -> OutputOutcome:
    return OutputOutcome(type="output", output=members)


def problem(text: str = "x is missing") -> OutputOutcome:
    return OutputOutcome(type="output", problem=text)


# ------------------------------------------------------------------ the driver


@dataclass
class Session:
    """Drives the engine by hand and keeps everything that it says."""

    state: State = field(default_factory=open_state)
    log: list[LogEntry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    now_ms: int = 1_000
    random: float = 0.0
    batches: list[int] = field(default_factory=list)
    """Where in the log each batch begins."""

    @property
    def env(self) -> Env:
        return Env(now_ms=self.now_ms, random=self.random)

    # Commands.

    def admit(self, command: Command) -> list[str]:
        """Admit a command; give the types of the entries."""
        return self._append(admit(self.state, command, self.env))

    def open(self, *history: Message) -> Session:
        self.admit(OpenCommand(type="open", history=list(history)))
        return self

    def start(
        self,
        given: RunConfig | None = None,
        *,
        input: Sequence[InputMessage] | None = None,  # noqa: A002 -- the contract's word
        run_id: str = "run",
    ) -> list[str]:
        messages = [user()] if input is None else list(input)
        return self.admit(
            StartRunCommand(
                type="start_run", run_id=run_id, config=given or config(), input=messages
            )
        )

    def steer(self, text: str = "Steer") -> list[str]:
        return self.admit(SteerCommand(type="steer", message=user(text)))

    def follow_up(self, text: str = "And then?") -> list[str]:
        return self.admit(FollowUpCommand(type="follow_up", message=user(text)))

    def abort(self) -> list[str]:
        return self.admit(AbortCommand(type="abort"))

    def decide(self, call_id: str, decision: Any, **more: Any) -> list[str]:
        run = self.state.run
        turn = 0 if run is None else run.turn
        return self.admit(
            ResolveApprovalCommand(
                type="resolve_approval",
                approval_id=f"run/{turn}/{call_id}",
                decision=decision,
                **more,
            )
        )

    # Effects and outcomes.

    @property
    def pending(self) -> list[Effect]:
        return next_effects(self.state)

    @property
    def doing(self) -> list[str]:
        """Name what is pending: `generate`, `execute_call a`, `wait_until retry` ..."""
        return [describe(effect) for effect in self.pending]

    def settle(self, what: str, outcome: EffectOutcome) -> list[str]:
        """Settle the pending effect that `describe` names so; give the entries' types."""
        key = next(effect.key for effect in self.pending if describe(effect) == what)
        return self.settle_key(key, outcome)

    def settle_key(self, key: str, outcome: EffectOutcome) -> list[str]:
        entries = settle(self.state, key, outcome, self.env)
        message = getattr(outcome, "message", None)
        if entries and message is not None:
            self._tell_blocks(message)
        return self._append(entries)

    def answer(self, *parts: str | ToolCallBlock, **more: Any) -> list[str]:
        return self.settle("generate", answered(*parts, **more))

    def prepare(self, *call_ids: str, ask: bool = False, arguments: str = "{}") -> None:
        for call_id in call_ids:
            self.settle(f"prepare_call {call_id}", prepared(arguments, ask=ask))

    def execute(self, call_id: str, text: str = "done", **more: Any) -> list[str]:
        self.settle(f"execute_call {call_id}", STARTED)
        return self.settle(f"execute_call {call_id}", came_out(call_id, text, **more))

    def fail(self, error: ErrorInfo) -> list[str]:
        return self._append(fail(self.state, error, self.env))

    def refusal(self, command: Callable[[], object]) -> str | None:
        """Name the code with which a command is refused."""
        try:
            command()
        except Rejected as rejected:
            return rejected.code
        return None

    def recover(self) -> list[str]:
        return self._append(recover(self.state, self.env))

    def replay(self, entry: LogEntry) -> None:
        """Take over an entry of a stored log, and tell what a consumer is told of it."""
        self.now_ms = entry.at
        if entry.payload.type == "answer_received":
            self._tell_blocks(entry.payload.message)
        self._append([entry])

    # What came of it.

    @property
    def entries(self) -> list[str]:
        return [entry.payload.type for entry in self.log]

    @property
    def told(self) -> list[str]:
        return [event.type for event in self.events]

    @property
    def end(self) -> Any:
        """The run's `agent_end`."""
        return self.events[-1]

    def _append(self, entries: list[LogEntry]) -> list[str]:
        self.batches.append(len(self.log))
        for entry in entries:
            if entry.payload.type == "run_started":
                self.events = []
            self.log.append(entry)
            self.state = apply(self.state, entry)
            self.events += events_of(self.state, entry, len(self.events) + 1)
        return [entry.payload.type for entry in entries]

    def _tell_blocks(self, message: AssistantMessage) -> None:
        """Tell what a driver tells of an answer while it arrives."""
        self._tell(MessageStartEvent, role="assistant", model=message.model)
        for index, block in enumerate(message.content):
            if isinstance(block, TextBlock):
                self._tell(TextStartEvent, content_index=index)
                self._tell(TextDeltaEvent, content_index=index, delta=block.text)
                self._tell(TextEndEvent, content_index=index, text=block.text)
            elif isinstance(block, ToolCallBlock):
                named = {"content_index": index, "call_id": block.id, "tool_name": block.name}
                self._tell(ToolCallStartEvent, **named)
                self._tell(
                    ToolCallEndEvent,
                    **named,
                    arguments_text=block.arguments_text,
                    arguments_state="invalid",
                )

    def _tell(self, kind: Any, **fields: Any) -> None:
        run = self.state.run
        assert run is not None
        self.events.append(
            kind(
                seq=len(self.events) + 1,
                run_id=run.run_id,
                at=self.now_ms,
                turn=run.turn,
                **fields,
            )
        )


def started(given: RunConfig | None = None, **more: Any) -> Session:
    """Open a session and start a run in it."""
    session = Session().open()
    session.start(given, **more)
    return session


def calling(*calls: ToolCallBlock, given: RunConfig | None = None) -> Session:
    """Start a run whose first answer has these calls."""
    session = started(given)
    session.answer(*calls)
    return session


def describe(effect: Effect) -> str:
    match effect.type:
        case "prepare_call" if effect.stage == "edited":
            return f"prepare_edited {effect.call_id}"
        case "prepare_call" | "request_approval" | "execute_call":
            return f"{effect.type} {effect.call_id}"
        case "close_call":
            return f"close_call {effect.result.call_id}"
        case "wait_until" if effect.purpose == "approval":
            return f"wait_until approval {effect.key.rsplit('/', 1)[1]}"
        case "wait_until":
            return f"wait_until {effect.purpose}"
        case _:
            return effect.type
