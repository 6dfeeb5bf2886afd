"""A dozen scripted runs, and a driver that plays them: whole, with a fault, or after a crash."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from isoloop.engine import fold
from tests.engine.grammar import check_run, check_sendable
from tests.engine.kit import (
    ELAPSED,
    STARTED,
    Session,
    answer,
    answered,
    call,
    came_out,
    config,
    describe,
    error,
    failed,
    limits,
    output,
    prepared,
    problem,
    rejected,
    result,
    stopped,
    structured,
    usage,
    user,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from isoloop.contract.effect import Effect, EffectOutcome
    from isoloop.contract.entry import LogEntry
    from isoloop.contract.error import ResultCode
    from isoloop.contract.message import Message
    from isoloop.contract.run import RunConfig


@dataclass(frozen=True)
class Scenario:
    """What the world says when a run asks it."""

    name: str
    outcome: str
    generates: tuple[EffectOutcome, ...]
    config: RunConfig = field(default_factory=config)
    asks: str = ""
    """The calls that need an approval, one letter each."""
    rejects: dict[str, ResultCode] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)
    """What the approver says: allow (unless given), deny, edit, or nothing until it expires."""
    outputs: tuple[EffectOutcome, ...] = ()
    commands: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """What the caller says before which step: steer, follow_up, abort."""
    history: tuple[Message, ...] = ()

    def __str__(self) -> str:
        return self.name


SCENARIOS = (
    Scenario("text", "completed", (answered("Hi", usage=usage(input=3, output=1)),)),
    Scenario(
        "side by side",
        "completed",
        (answered("Let me see", call("a"), call("b"), call("c", "write"), call("d")),),
    ),
    Scenario(
        "parallel with one late approval",
        "completed",
        (answered(call("a"), call("b"), call("c", "write")),),
        config=config(scheduling="parallel", max_concurrency=2),
        asks="a",
    ),
    Scenario(
        "sequential with every kind of rejection",
        "completed",
        (answered(call("a"), call("b", "nope"), call("c"), call("d", "write")),),
        config=config(scheduling="sequential"),
        rejects={"b": "unknown_tool", "c": "invalid_arguments"},
    ),
    Scenario(
        "approvals of every kind",
        "completed",
        (answered(*(call(i) for i in "abcde")),),
        config=limits(approval_timeout_ms=500),
        asks="abde",
        decisions={"a": "edit", "b": "deny", "d": "expire"},
    ),
    Scenario(
        "an edit that is refused",
        "completed",
        (answered(call("x"), call("y")),),
        asks="x",
        decisions={"x": "edit_badly"},
    ),
    Scenario(
        "retries and then an answer",
        "completed",
        (failed(usage=usage(input=1)), failed(error(retry_after_ms=9)), answered("At last")),
    ),
    Scenario("retries used up", "failed", (failed(), failed(), failed(), failed())),
    Scenario(
        "a partial answer with calls",
        "failed",
        (
            answered(call("a")),
            failed(message=answer("So", call("b"), stop="error", usage=usage(output=2))),
        ),
    ),
    Scenario(
        "stopped by the output limit in the middle of a call",
        "incomplete",
        (answered("So", call("a"), stop="max_tokens"),),
    ),
    Scenario(
        "pauses", "completed", (answered("One", stop="pause_turn"), answered("Two", call("a")))
    ),
    Scenario(
        "steering and follow-ups",
        "completed",
        (answered(call("a")), answered("One"), answered("Two")),
        commands={1: ("steer",), 2: ("steer", "follow_up"), 6: ("follow_up",)},
    ),
    Scenario(
        "structured output after one repair",
        "completed",
        (answered("{"), answered("{}")),
        config=structured(),
        outputs=(problem(), output(x=1)),
        commands={1: ("steer",)},
    ),
    Scenario(
        "structured output that stays invalid",
        "failed",
        (answered("{"),),
        config=structured(),
        outputs=(problem(), problem("again")),
    ),
    Scenario(
        "a limit with something queued",
        "max_turns",
        (answered(call("a")), answered("One")),
        config=limits(max_turns=2),
        commands={2: ("follow_up",)},
    ),
    Scenario(
        "an abort while a tool runs",
        "aborted",
        (answered(call("a"), call("b", "write")),),
        asks="b",
        commands={1: ("steer",), 4: ("abort",)},
    ),
    Scenario(
        "an abort in the middle of an answer",
        "aborted",
        (answered(call("a")), stopped(answer("Hel", call("b"), stop="aborted"))),
        commands={4: ("abort",), 5: ("abort",)},
    ),
    Scenario(
        "calls of every kind, two of them the caller's",
        "awaiting_results",
        (answered(call("a", "ask"), call("b"), call("c", "ask"), call("d", "write")),),
        config=limits(max_turns=1),
        asks="c",
        decisions={"c": "edit"},
        commands={2: ("steer",), 5: ("follow_up",)},
    ),
    Scenario(
        "an abort while the caller is about to be asked",
        "aborted",
        (answered(call("a", "ask"), call("b")),),
        commands={3: ("abort",)},
    ),
    Scenario(
        "nothing said but a history to answer",
        "completed",
        (answered("Yes"),),
        history=(user("a"), answer(call("h")), result("h")),
    ),
)


def play(scenario: Scenario, *, fault: int | None = None, kind: str = "") -> Session:
    """Play a scenario to its end.

    Args:
        scenario: What the world says.
        fault: The number of the effect that goes wrong instead.
        kind: How a model call goes wrong: `final`, `retryable` or `partial`.
    """
    session = Session().open(*scenario.history)
    session.start(scenario.config, input=[] if scenario.history else None)
    step = 0
    while session.pending:
        step += 1
        assert step < 200, session.doing
        _command(session, scenario.commands.get(step, ()))
        if session.pending:
            effect = session.pending[-1]  # the last one first: results out of order
            wrong = kind if step == fault else None
            _carry_out(session, scenario, effect, wrong)
    return session


def go_on(session: Session, scenario: Scenario) -> None:
    """Play the rest of a scenario after a crash, without its commands."""
    session.recover()
    for _ in range(200):
        if not session.pending:
            return
        _carry_out(session, scenario, session.pending[0], None)
    raise AssertionError(session.doing)


def retell(log: Sequence[LogEntry]) -> Session:
    """Replay a log and tell its events anew, as a consumer that comes later would see them."""
    session = Session()
    for entry in log:
        session.replay(entry)
    return session


def check_over(session: Session) -> None:
    """Check what holds after any run, however it went."""
    state = session.state
    assert state.run is None
    assert state.ended is not None
    assert fold(session.log) == state
    check_run(session.events)
    end = session.end
    check_sendable(state.messages, [call.call_id for call in end.pending_calls or []])
    new = end.new_messages
    assert new == state.messages[state.ended.frame.first_new :]
    assert (end.error is not None) == (end.outcome == "failed")
    queued = [e.payload.message for e in session.log if e.payload.type == "message_queued"]
    used = [m for m in new if m.role == "user" and m in queued]
    assert sorted(map(repr, queued)) == sorted(map(repr, [*used, *end.undelivered]))


def _command(session: Session, commands: tuple[str, ...]) -> None:
    for command in commands:
        if session.state.run is None:
            return
        if command in ("steer", "follow_up") and session.state.run.aborting:
            continue
        verbs: dict[str, Callable[[], object]] = {
            "steer": lambda: session.steer(f"steer {session.state.seq}"),
            "follow_up": lambda: session.follow_up(f"follow up {session.state.seq}"),
            "abort": session.abort,
        }
        verbs[command]()


def _carry_out(session: Session, scenario: Scenario, effect: Effect, wrong: str | None) -> None:
    what = describe(effect)
    call_id = what.rsplit(" ", 1)[-1]
    match effect.type:
        case "generate":
            outcome = _FAULTS[wrong] if wrong else _generated(session, scenario)
            session.settle(
                what, answered("Done") if outcome.type == "generate_aborted" else outcome
            )
        case "abort_generate":
            outcome = _generated(session, scenario)
            session.settle(what, outcome if outcome.type == "generate_aborted" else stopped())
        case "prepare_call" if effect.stage == "edited":
            bad = wrong or scenario.decisions.get(call_id) == "edit_badly"
            code: ResultCode = "invalid_arguments"
            session.settle(what, rejected(call_id, code) if bad else prepared('{"y":2}'))
        case "prepare_call":
            code = "blocked" if wrong else scenario.rejects.get(call_id, "denied")
            if wrong or call_id in scenario.rejects:
                session.settle(what, rejected(call_id, code, effect.tool_name))
            else:
                session.settle(what, prepared(ask=call_id in scenario.asks))
        case "request_approval":
            _decide(session, call_id, "deny" if wrong else scenario.decisions.get(call_id, "allow"))
        case "execute_call":
            session.settle(what, STARTED)
            name = effect.tool_name
            more = {"is_error": True, "code": "tool_failed"} if wrong else {}
            session.settle(what, came_out(call_id, f"of {call_id}", name=name, **more))
        case "close_call":
            changed = effect.result.model_copy(update={"details": {"seen": True}})
            outcome = came_out(call_id).model_copy(update={"result": changed})
            session.settle(what, outcome)
        case "validate_output":
            done = sum(entry == "output_rejected" for entry in session.entries)
            session.settle(what, problem() if wrong else scenario.outputs[done])
        case "wait_until":
            _wait(session, scenario, effect)


def _generated(session: Session, scenario: Scenario) -> EffectOutcome:
    kinds = ("answer_received", "answer_failed", "retry_scheduled")
    done = sum(entry in kinds for entry in session.entries)
    return scenario.generates[done] if done < len(scenario.generates) else answered("Done")


def _decide(session: Session, call_id: str, decision: str) -> None:
    match decision:
        case "expire":
            session.now_ms += 500
            session.settle(f"wait_until approval {call_id}", ELAPSED)
        case "edit" | "edit_badly":
            session.decide(call_id, "edit", arguments_text='{"y":2}')
        case "deny":
            session.decide(call_id, "deny", reason="no")
        case _:
            session.decide(call_id, decision)


def _wait(session: Session, scenario: Scenario, effect: Effect) -> None:
    what = describe(effect)
    if what == "wait_until retry":
        session.settle(what, ELAPSED)
        return
    call_id = what.rsplit(" ", 1)[-1]
    _decide(session, call_id, scenario.decisions.get(call_id, "allow"))


_FAULTS: dict[str, EffectOutcome] = {
    "final": failed(error("authentication", retryable=False), usage=usage(input=1)),
    "retryable": failed(),
    "partial": failed(message=answer("Hel", call("z"), stop="error")),
}
