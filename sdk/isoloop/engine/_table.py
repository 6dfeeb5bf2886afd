"""The rules of the loop, as data.

Rules of this file:

1. Everything that decides whether something is allowed is in this file. If you find yourself
   writing "is this permitted now?" elsewhere, the table lacks a row.
2. This file knows no driver, no provider and no clock. It sees names of phases and of triggers,
   so it cannot cheat in favour of one of them.
3. What has no row is forbidden: a command is refused and nothing changes; an entry or an outcome
   raises `NondeterminismError`, for then a log or a driver is wrong.

Theory of operation
-------------------

There are two machines, and a third of which there is one for each call of the turn.

The *session* machine is small: a session is `new` until it is opened, then `idle` between runs.

The *run* machine begins with `run_started`. Its phases say what the run waits for::

    between      no turn is open; a turn begins, or the output is validated, or the run ends
    ready        queued messages have just entered; a turn begins
    generating   a model call is in flight
    stopping     ... and an abort, or a failure of the loop itself, waits for what arrived of it
    waiting      an attempt failed without content; the back-off runs
    calling      the answer's calls are at work
    answered     the answer is there and its calls, if any, do not run: they are closed
    closing      after an abort or a failure: what is open is closed, and the turn with it
    ending       only the end of the run may follow

`between`, `ready`, `answered`, `closing` and `ending` are passed within one batch of entries: a
driver sees a run rest there only while an output is validated (`between`), or after it has folded
a log that was torn inside a batch.

The *call* machine takes each call of an answer through its gates to its one result::

    pending      its gates have not run
    gated        passed; an approval is needed and will be asked for with those of its siblings
    asked        the approver has been asked
    edited       the approver changed the arguments; they are validated again
    ready        may run when its turn in the schedule comes
    executing    the body was entered
    rejected     a gate or the approver stopped it; its result waits for the after-tool hooks
    stopped      its approval was aborted; only its closing is left
    deferred     left to the caller, whose next run brings the result
    settled      has its result

The machines are coupled in three places, and nowhere else:

* An answer's stop reason and whether it has calls give its *disposition* (`ANSWERS`). The
  disposition qualifies the trigger `answer_received/...`, and so selects the run's phase.
* A call's row names the run phase in which it may be taken (`during`). That is why a call can
  only be aborted while the run is closing, and only runs while it is calling.
* A turn ends when every call is settled or deferred. With a deferred one the trigger is
  `turn_ended/results_awaited`, after which only the end of the run may follow; while one is open it
  is `turn_ended/calls_open`, for which there is no row.

The order of things (gates in call order before the first execution, stretches, concurrency) is not
permission but planning: see `_calls.py`.

A trigger is the type of an entry, qualified where the machines must tell two apart::

    answer_received/<disposition>        answer_failed     answer_failed/aborted
    approval_resolved/<resolution>       call_prepared     call_prepared/needs_approval
    turn_ended   turn_ended/calls_open   turn_ended/results_awaited
    call_settled                         call_settled/aborted
    call_settled/not_executed            call_settled/interrupted

Implementation
--------------

The rows are tuples, read by `apply`, `admit` and `settle` through the four functions at the end,
by the tests, which fail when a row is never taken, and by the script that draws the diagrams.

WARNING: a new entry type needs a row here, a branch in `_state.apply` and one in `_events`.
A new effect or outcome needs a row in `OUTCOMES` and a branch in `_settle`. A new stop reason needs
two rows in `ANSWERS`. The requirements LOOP, TOOL and CTRL say the same in prose; change them
together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from isoloop.engine._errors import NondeterminismError

if TYPE_CHECKING:
    from isoloop.contract.command import RejectionCode
    from isoloop.contract.message import StopReason

Phase = Literal[
    "new",
    "idle",
    "between",
    "ready",
    "generating",
    "stopping",
    "waiting",
    "calling",
    "answered",
    "closing",
    "ending",
]

CallPhase = Literal[
    "pending",
    "gated",
    "asked",
    "edited",
    "ready",
    "executing",
    "rejected",
    "stopped",
    "deferred",
    "settled",
]

Disposition = Literal["run_calls", "go_on", "completed", "incomplete", "failed", "aborted"]
"""What an answer means for the run: its calls run, another turn follows, or the run may end."""

Verdict = Literal["allowed", "ignored"]


class AnswerRow(NamedTuple):
    """An answer with this stop reason, with or without calls, has this disposition."""

    stop_reason: StopReason
    calls: bool
    disposition: Disposition


class RunRow(NamedTuple):
    """In this phase this trigger leads to that phase."""

    phase: Phase
    trigger: str
    then: Phase


class CallRow(NamedTuple):
    """A call in this phase is led to that phase, while the run is in the phase `during`."""

    phase: CallPhase
    trigger: str
    then: CallPhase
    during: Phase


class CommandRow(NamedTuple):
    """In this phase a command is allowed, ignored, or refused with a code."""

    phase: Phase
    command: str
    verdict: Verdict | RejectionCode


class OutcomeRow(NamedTuple):
    """An effect of this type may come out like that."""

    effect: str
    outcome: str


# ------------------------------------------------------------------ what an answer means

# Calls run only when the model meant to stop there; a cut answer may have cut its calls too.
ANSWERS: tuple[AnswerRow, ...] = (
    AnswerRow("end_turn", False, "completed"),
    AnswerRow("end_turn", True, "run_calls"),
    AnswerRow("tool_use", False, "completed"),
    AnswerRow("tool_use", True, "run_calls"),
    AnswerRow("stop_sequence", False, "completed"),
    AnswerRow("stop_sequence", True, "completed"),
    AnswerRow("pause_turn", False, "go_on"),
    AnswerRow("pause_turn", True, "go_on"),
    AnswerRow("max_tokens", False, "incomplete"),
    AnswerRow("max_tokens", True, "incomplete"),
    AnswerRow("refusal", False, "incomplete"),
    AnswerRow("refusal", True, "incomplete"),
    AnswerRow("context_window_exceeded", False, "incomplete"),
    AnswerRow("context_window_exceeded", True, "incomplete"),
    AnswerRow("unknown", False, "incomplete"),
    AnswerRow("unknown", True, "incomplete"),
    AnswerRow("error", False, "failed"),
    AnswerRow("error", True, "failed"),
    AnswerRow("aborted", False, "aborted"),
    AnswerRow("aborted", True, "aborted"),
)

# ------------------------------------------------------------------ the session and its run

RUN: tuple[RunRow, ...] = (
    RunRow("new", "session_opened", "idle"),
    RunRow("idle", "run_started", "between"),
    # No turn is open.
    RunRow("between", "message_queued", "between"),
    RunRow("between", "messages_delivered", "ready"),
    RunRow("between", "turn_started", "generating"),
    RunRow("between", "output_accepted", "ending"),
    RunRow("between", "output_rejected", "ready"),
    RunRow("between", "abort_requested", "ending"),
    RunRow("between", "run_ended", "idle"),
    RunRow("ready", "message_queued", "ready"),
    RunRow("ready", "turn_started", "generating"),
    RunRow("ready", "abort_requested", "ending"),
    RunRow("ready", "run_ended", "idle"),  # the deadline passed between a crash and its recovery
    # The model is asked.
    RunRow("generating", "message_queued", "generating"),
    RunRow("generating", "answer_received/run_calls", "calling"),
    RunRow("generating", "answer_received/go_on", "answered"),
    RunRow("generating", "answer_received/completed", "answered"),
    RunRow("generating", "answer_received/incomplete", "answered"),
    RunRow("generating", "answer_received/failed", "closing"),
    RunRow("generating", "retry_scheduled", "waiting"),
    RunRow("generating", "answer_failed", "closing"),
    RunRow("generating", "abort_requested", "stopping"),
    RunRow("waiting", "message_queued", "waiting"),
    RunRow("waiting", "retry_due", "generating"),
    RunRow("waiting", "abort_requested", "closing"),
    # An abort lost the race against the end of the answer, or won it; either way it is over.
    RunRow("stopping", "answer_received/run_calls", "closing"),
    RunRow("stopping", "answer_received/go_on", "closing"),
    RunRow("stopping", "answer_received/completed", "closing"),
    RunRow("stopping", "answer_received/incomplete", "closing"),
    RunRow("stopping", "answer_received/failed", "closing"),
    RunRow("stopping", "answer_received/aborted", "closing"),
    RunRow("stopping", "answer_failed/aborted", "closing"),
    # The model has answered.
    RunRow("calling", "message_queued", "calling"),
    RunRow("calling", "turn_ended", "between"),
    RunRow("calling", "turn_ended/results_awaited", "ending"),
    RunRow("calling", "abort_requested", "closing"),
    RunRow("answered", "message_queued", "answered"),
    RunRow("answered", "turn_ended", "between"),
    RunRow("answered", "abort_requested", "closing"),
    # It is over.
    RunRow("closing", "turn_ended", "ending"),
    RunRow("ending", "run_ended", "idle"),
    # Something broke that nobody foresaw, wherever the run is (CTRL-022).
    RunRow("between", "failure_noted", "ending"),
    RunRow("ready", "failure_noted", "ending"),
    RunRow("generating", "failure_noted", "stopping"),
    RunRow("stopping", "failure_noted", "stopping"),
    RunRow("waiting", "failure_noted", "closing"),
    RunRow("calling", "failure_noted", "closing"),
    RunRow("answered", "failure_noted", "closing"),
    RunRow("closing", "failure_noted", "closing"),
    RunRow("ending", "failure_noted", "ending"),
)

# ------------------------------------------------------------------ the life of one call

CALL: tuple[CallRow, ...] = (
    # Gates, in call order.
    CallRow("pending", "call_prepared", "ready", "calling"),
    CallRow("pending", "call_prepared/needs_approval", "gated", "calling"),
    CallRow("pending", "call_rejected", "rejected", "calling"),
    # Approval; the gates are behind it, so edited arguments meet the validation only.
    CallRow("gated", "approval_requested", "asked", "calling"),
    CallRow("asked", "approval_resolved/allowed", "ready", "calling"),
    CallRow("asked", "approval_resolved/edited", "edited", "calling"),
    CallRow("asked", "approval_resolved/denied", "rejected", "calling"),
    CallRow("asked", "approval_resolved/expired", "rejected", "calling"),
    CallRow("edited", "call_prepared", "ready", "calling"),
    CallRow("edited", "call_rejected", "rejected", "calling"),
    # Execution.
    CallRow("ready", "call_started", "executing", "calling"),
    CallRow("ready", "call_settled", "settled", "calling"),  # the body could not be entered
    CallRow("executing", "call_settled", "settled", "calling"),
    CallRow("executing", "call_settled/interrupted", "settled", "calling"),  # after a crash
    CallRow("rejected", "call_settled", "settled", "calling"),
    CallRow("ready", "call_deferred", "deferred", "calling"),
    # The answer's calls do not run.
    CallRow("pending", "call_settled/not_executed", "settled", "answered"),
    CallRow("pending", "call_settled/not_executed", "settled", "closing"),  # it failed
    # Abort, wherever the call is.
    CallRow("asked", "approval_resolved/aborted", "stopped", "closing"),
    CallRow("pending", "call_settled/aborted", "settled", "closing"),
    CallRow("gated", "call_settled/aborted", "settled", "closing"),
    CallRow("stopped", "call_settled/aborted", "settled", "closing"),
    CallRow("edited", "call_settled/aborted", "settled", "closing"),
    CallRow("ready", "call_settled/aborted", "settled", "closing"),
    CallRow("executing", "call_settled/aborted", "settled", "closing"),
    CallRow("rejected", "call_settled/aborted", "settled", "closing"),
    CallRow("deferred", "call_settled/aborted", "settled", "closing"),
)

# ------------------------------------------------------------------ who may say what, when

# One line per command; the columns are the phases, in this order.
_COLUMNS: tuple[tuple[Phase, ...], ...] = (
    ("new",),
    ("idle",),
    ("between", "ready", "generating", "waiting", "answered"),
    ("calling",),
    ("stopping", "closing", "ending"),
)
_COMMANDS: dict[str, tuple[Verdict | RejectionCode, ...]] = {
    #                    new         idle        under way           calling             over
    "open":             ("allowed",  "invalid",  "invalid",          "invalid",          "invalid"),
    "start_run":        ("invalid",  "allowed",  "busy",             "busy",             "busy"),
    "steer":            ("no_run",   "no_run",   "allowed",          "allowed",          "closing"),
    "follow_up":        ("no_run",   "no_run",   "allowed",          "allowed",          "closing"),
    "abort":            ("no_run",   "no_run",   "allowed",          "allowed",          "ignored"),
    "resolve_approval": ("no_run",   "no_run",   "unknown_approval", "allowed", "unknown_approval"),
}  # fmt: skip

COMMANDS: tuple[CommandRow, ...] = tuple(
    CommandRow(phase, command, verdict)
    for command, verdicts in _COMMANDS.items()
    for phases, verdict in zip(_COLUMNS, verdicts, strict=True)
    for phase in phases
)

# `request_approval` has no row: its answer is the command `resolve_approval`.
OUTCOMES: tuple[OutcomeRow, ...] = (
    OutcomeRow("generate", "answered"),
    OutcomeRow("generate", "generate_failed"),
    OutcomeRow("abort_generate", "answered"),
    OutcomeRow("abort_generate", "generate_failed"),
    OutcomeRow("abort_generate", "generate_aborted"),
    OutcomeRow("prepare_call", "prepared"),
    OutcomeRow("prepare_call", "rejected"),
    OutcomeRow("execute_call", "started"),
    OutcomeRow("execute_call", "result"),
    OutcomeRow("close_call", "result"),
    OutcomeRow("validate_output", "output"),
    OutcomeRow("wait_until", "elapsed"),
)

# ------------------------------------------------------------------ reading the tables

_answers = {(row.stop_reason, row.calls): row for row in ANSWERS}
_run = {(row.phase, row.trigger): row for row in RUN}
_call = {(row.phase, row.trigger, row.during): row for row in CALL}
_commands = {(row.phase, row.command): row for row in COMMANDS}
_outcomes = {(row.effect, row.outcome): row for row in OUTCOMES}


def disposition_of(stop_reason: StopReason, *, calls: bool) -> Disposition:
    """Say what an answer means for its run."""
    return _answers[stop_reason, calls].disposition


def run_step(phase: Phase, trigger: str) -> Phase:
    """Say where a trigger leads the run.

    Raises:
        NondeterminismError: The table has no such row.
    """
    row = _run.get((phase, trigger))
    if row is None:
        raise _forbidden(trigger, f"in phase {phase}", [r.trigger for r in RUN if r.phase == phase])
    return row.then


def call_step(phase: CallPhase, trigger: str, *, during: Phase) -> CallPhase:
    """Say where a trigger leads a call.

    Raises:
        NondeterminismError: The table has no such row.
    """
    row = _call.get((phase, trigger, during))
    if row is None:
        allowed = [r.trigger for r in CALL if (r.phase, r.during) == (phase, during)]
        raise _forbidden(trigger, f"for a {phase} call in phase {during}", allowed)
    return row.then


def verdict_on(phase: Phase, command: str) -> Verdict | RejectionCode:
    """Say whether a command is allowed, ignored, or why it is refused."""
    return _commands[phase, command].verdict


def check_outcome(effect: str, outcome: str) -> None:
    """Refuse an outcome that cannot come of an effect.

    Raises:
        NondeterminismError: The table has no such row.
    """
    if (effect, outcome) not in _outcomes:
        allowed = [r.outcome for r in OUTCOMES if r.effect == effect]
        raise _forbidden(outcome, f"as an outcome of {effect}", allowed)


def _forbidden(trigger: str, where: str, allowed: list[str]) -> NondeterminismError:
    return NondeterminismError(
        happened=f"`{trigger}` came {where}.",
        expected=f"Allowed: {', '.join(allowed) or 'nothing'}.",
        advice="The log or the driver does not follow the contract; see engine/_table.py.",
    )
