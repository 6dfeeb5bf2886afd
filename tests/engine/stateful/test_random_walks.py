"""Random commands and outcomes, in any order, against a naive model of what must hold.

Nothing here asks the engine what is right: brackets are checked by a grammar of their own, usage
and queues by plain sums over the log.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from isoloop.contract.command import ResolveApprovalCommand
from isoloop.contract.run import Limits, OutputSpec, Retry
from isoloop.contract.usage import Price, Usage
from isoloop.engine import Rejected, fold, next_effects
from isoloop.engine._digest import digest
from tests.engine.grammar import Checker, check_sendable
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
    output,
    prepared,
    problem,
    rejected,
    result,
    stopped,
    user,
)

if TYPE_CHECKING:
    from isoloop.contract.effect import Effect, EffectOutcome
    from isoloop.contract.message import AssistantMessage

TOOLS = ("look", "write", "again", "nowhere", "ask")
READ_ONLY = {"look"}
STOPS = (
    "end_turn",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "max_tokens",
    "refusal",
    "context_window_exceeded",
    "unknown",
)

# What happens, and how often.
STEPS = ["settle"] * 14 + ["queue"] * 2 + ["decide", "late", "crash", "time_passes", "out_of_place"]
STEPS += ["abort", "break"]

counts = st.none() | st.integers(0, 50)
usages = st.none() | st.builds(
    lambda **counters: Usage(**{n: c for n, c in counters.items() if c is not None}),
    input=counts,
    output=counts,
    cache_read=counts,
)
configs = st.builds(
    lambda price, output_spec, **more: config(
        **({"price": price} if price else {}),
        **({"output": output_spec} if output_spec else {}),
        **{name: value for name, value in more.items() if value is not None},
    ),
    price=st.just(Price(input=1.0, output=2.0)) | st.none(),
    output_spec=st.just(OutputSpec(json_schema={"type": "object"})) | st.none(),
    scheduling=st.sampled_from(["auto", "parallel", "sequential"]) | st.none(),
    max_concurrency=st.integers(1, 3) | st.none(),
    steering_mode=st.sampled_from(["one", "all"]) | st.none(),
    follow_up_mode=st.sampled_from(["one", "all"]) | st.none(),
    retry=st.just(Retry(max_retries=1)) | st.none(),
    limits=st.none()
    | st.builds(
        lambda **more: Limits(**{name: v for name, v in more.items() if v is not None}),
        max_turns=st.integers(0, 6) | st.none(),
        max_tokens=st.integers(50, 500) | st.none(),
        deadline_ms=st.integers(100, 5_000) | st.none(),
        approval_timeout_ms=st.integers(0, 1_000) | st.none(),
    ),
)


class Walk(RuleBasedStateMachine):
    """One session, driven by chance."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.checker = Checker()
        self.read = 0
        self.runs = 0
        self.calls = 0
        self.old_keys: list[str] = []
        self.left: list[str] = []  # calls that were ever left to the caller
        self.pending: list[str] = []  # ... by the last run

    @initialize(history=st.booleans())
    def open(self, *, history: bool) -> None:
        """Open the session, perhaps in the middle of a conversation."""
        self.session.open(*([user("old"), answer("older")] if history else []))

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """Something happens: mostly what the engine waits for."""
        if self.session.state.run is None and data.draw(st.integers(0, 4)):
            self._start(data)
            return
        getattr(self, f"_{data.draw(st.sampled_from(STEPS))}")(data)

    # ------------------------------------------------------------ commands

    def _start(self, data: st.DataObject) -> None:
        self._finish_run()
        self.runs += 1
        self.checker, self.read = Checker(), 0
        texts = data.draw(st.lists(st.just("Hello"), min_size=1, max_size=2))
        self._refuse_results(data)
        brought = data.draw(st.permutations(self.pending))
        brought = brought[: data.draw(st.integers(0, len(brought)))]
        first_new = len(self.session.state.messages) + len(texts) + len(brought)
        given = data.draw(configs)
        said = [*(result(c, name="ask") for c in brought), *(user(t) for t in texts)]
        self.session.start(given, input=said, run_id=f"run{self.runs}")
        self.pending = []
        run = self.session.state.run or self.session.state.ended
        assert run is not None
        assert first_new == run.frame.first_new

    def _refuse_results(self, data: st.DataObject) -> None:
        """Results that answer nothing are refused."""
        one = self.pending[0] if self.pending else "nothing"
        wrong = [[result("nothing")], [user(), result(one)], [result(one), result(one)]]
        said = data.draw(st.sampled_from(wrong))
        self._try(lambda: self.session.start(input=said, run_id="never"), accepted=False)

    def _queue(self, data: st.DataObject) -> None:
        """Queue a message; it is accepted while the end of the run is not decided."""
        verb = data.draw(st.sampled_from(["steer", "follow_up"]))
        run = self.session.state.run
        accepted = run is not None and not run.is_closing
        text = f"{verb} {self.session.state.seq}"
        self._try(lambda: getattr(self.session, verb)(text), accepted=accepted)

    def _abort(self, data: st.DataObject) -> None:
        """Abort, perhaps for the second time."""
        run = self.session.state.run
        entries = self._try(self.session.abort, accepted=run is not None)
        assert (entries == []) == (run is None or run.is_closing)

    def _break(self, data: st.DataObject) -> None:
        """The loop itself breaks, perhaps for the second time."""
        run = self.session.state.run
        entries = self.session.fail(error("internal", retryable=False))
        assert (entries == []) == (run is None or run.failure is not None)

    def _decide(self, data: st.DataObject) -> None:
        """Decide about an approval that may or may not be open, with a digest that may not fit."""
        decision = data.draw(st.sampled_from(["allow", "deny", "edit"]))
        stale = data.draw(st.integers(0, 5)) == 0
        run = self.session.state.run
        calls = run.calls if run is not None else ()
        asked = [effect for effect in self.session.pending if effect.type == "request_approval"]
        approvals = [e.approval_id for e in asked] * 3
        approvals += [one.approval_id for one in calls if one.approval_id] + ["nothing"]
        approval = data.draw(st.sampled_from(approvals))
        fits = [effect for effect in asked if effect.approval_id == approval]
        more: dict[str, Any] = {"arguments_text": '{"edited":1}'} if decision == "edit" else {}
        if stale:
            more["digest"] = digest("stale")
        elif fits:
            more["digest"] = fits[0].digest
        self._try(
            lambda: self.session.admit(_resolve(approval, decision, more)),
            accepted=bool(fits) and not stale,
        )

    def _out_of_place(self, data: st.DataObject) -> None:
        """Commands that are never possible here."""
        self._try(self.session.open, accepted=False)
        if self.session.state.run is not None:
            self._try(self.session.start, accepted=False)

    def _time_passes(self, data: st.DataObject) -> None:
        self.session.now_ms += data.draw(st.integers(0, 400))

    # ------------------------------------------------------------ outcomes

    def _settle(self, data: st.DataObject) -> None:
        """Something that is pending comes out somehow."""
        effects = [e for e in self.session.pending if e.type != "request_approval"]
        if not effects:
            self._decide(data)
            return
        effect = data.draw(st.sampled_from(effects))
        self.old_keys.append(effect.key)
        outcome = data.draw(self._outcomes(effect))
        self.session.random = data.draw(st.sampled_from([0.0, 0.5, 0.999]))
        before = self.session.state
        entries = self.session.settle_key(effect.key, outcome)
        assert entries or (outcome.type == "started" and before is self.session.state)

    def _late(self, data: st.DataObject) -> None:
        """An outcome comes twice, or after its effect was given up."""
        key = data.draw(st.sampled_from(["nothing", *self.old_keys]))
        if key in {effect.key for effect in self.session.pending} or self._is_stopping(key):
            return
        before = self.session.state
        outcomes = [answered("late"), came_out("c1"), ELAPSED, STARTED, output(x=1), failed()]
        assert [] == self.session.settle_key(key, data.draw(st.sampled_from(outcomes)))
        assert before is self.session.state

    def _crash(self, data: st.DataObject) -> None:
        """The driver dies, perhaps with the last entries not yet written, and comes back."""
        session = self.session
        kept = session.log[: max(1, len(session.log) - data.draw(st.integers(0, 3)))]
        if [e.payload.type for e in session.log[len(kept) :]].count("run_started"):
            return
        again = Session()
        for entry in kept:
            again.replay(entry)
        again.now_ms = session.now_ms
        again.recover()
        self.session = again
        self.checker, self.read = Checker(), 0

    # ------------------------------------------------------------ what holds

    @invariant()
    def the_log_is_the_state(self) -> None:
        """Replay gives the same state, in all fields."""
        assert fold(self.session.log) == self.session.state

    @invariant()
    def brackets_are_balanced(self) -> None:
        """As far as the events go, they are a beginning of what the grammar allows."""
        for event in self.session.events[self.read :]:
            self.checker.read(event)
        self.read = len(self.session.events)
        if self.read:
            assert self.checker.over == (self.session.state.run is None)

    @invariant()
    def effects_are_named_and_stable(self) -> None:
        """One key each, the same each time, and always something to wait for."""
        effects = self.session.pending
        assert effects == next_effects(fold(self.session.log))
        assert len({effect.key for effect in effects}) == len(effects)
        assert bool(effects) == (self.session.state.run is not None)

    @invariant()
    def no_more_runs_at_once_than_may(self) -> None:
        """At most `maxConcurrency`; a mutating call alone unless all may run at once."""
        running = [e for e in self.session.pending if e.type == "execute_call"]
        run = self.session.state.run
        if run is None:
            return
        assert len(running) <= (run.config.max_concurrency or 8)
        scheduling = run.config.scheduling or "auto"
        if scheduling == "sequential" or (
            scheduling == "auto" and any(e.tool_name not in READ_ONLY for e in running)
        ):
            assert len(running) <= 1

    @invariant()
    def a_run_that_is_over_left_everything_in_order(self) -> None:
        """History, input and new messages can be sent; usage and queues add up."""
        if self.session.state.run is None and self.session.events:
            self._finish_run()

    def teardown(self) -> None:
        """Whatever happened: an abort leads to an orderly end."""
        if self.session.state.run is not None:
            self.session.abort()
            if self.session.pending:
                self.session.settle("abort_generate", stopped())
        assert self.session.state.run is None
        if self.session.events:
            self.brackets_are_balanced()
            self._finish_run()

    # ------------------------------------------------------------ the naive model

    def _finish_run(self) -> None:
        session = self.session
        if not session.events:
            return
        end = session.end
        assert end.type == "agent_end"
        self.pending = [call.call_id for call in end.pending_calls or []]
        self.left += self.pending
        check_sendable(session.state.messages, self.left)
        entries = self._entries_of_run()
        assert end.usage == _summed(entries)
        queued = [e.message for e in entries if e.type == "message_queued"]
        sent = [m for m in end.new_messages if m in queued]
        assert Counter(map(repr, queued)) == Counter(map(repr, [*sent, *end.undelivered]))
        if end.outcome in ("completed", "incomplete"):
            assert [] == end.undelivered
        assert (end.error is not None) == (end.outcome == "failed")
        if "failure_noted" in [entry.type for entry in entries]:
            assert ("failed", "internal") == (end.outcome, end.error.code)

    def _entries_of_run(self) -> list[Any]:
        payloads = [entry.payload for entry in self.session.log]
        last = max(i for i, payload in enumerate(payloads) if payload.type == "run_started")
        return payloads[last:]

    def _try(self, what: Any, *, accepted: bool) -> list[str]:
        before = self.session.state
        try:
            entries = what()
        except Rejected:
            assert not accepted
            assert before is self.session.state
            return []
        assert accepted
        return entries

    def _is_stopping(self, key: str) -> bool:
        return self.session.state.phase == "stopping" and "/generate/" in key

    def _outcomes(self, effect: Effect) -> st.SearchStrategy[EffectOutcome]:
        what = describe(effect)
        call_id = what.rsplit(" ", 1)[-1]
        match effect.type:
            case "generate":
                return self._answered() | self._answered() | self._failed()
            case "abort_generate":
                partial = st.none() | self._answers(["aborted"])
                return self._answered() | self._failed() | st.builds(stopped, partial)
            case "prepare_call":
                code = st.sampled_from(["unknown_tool", "denied", "blocked", "invalid_arguments"])
                passed = st.builds(
                    prepared, st.sampled_from(["{}", '{"hook":1}']), ask=st.booleans()
                )
                name = st.just(effect.tool_name)
                return passed | passed | st.builds(rejected, st.just(call_id), code, name)
            case "execute_call":
                return st.just(STARTED) | _results(call_id, effect.tool_name)
            case "close_call":
                return _results(call_id, effect.result.tool_name)
            case "validate_output":
                return st.sampled_from([output(x=1), output(), problem()])
            case _:
                return st.just(ELAPSED)

    def _answers(self, stops: list[str]) -> st.SearchStrategy[AssistantMessage]:
        def make(names: list[str], text: str, stop: Any, used: Usage | None) -> AssistantMessage:
            calls = []
            for name in names:
                self.calls += 1
                calls.append(call(f"c{self.calls}", name))
            why = error("network") if stop == "error" else None
            return answer(*([text] if text else []), *calls, stop=stop, usage=used, error=why)

        names = st.lists(st.sampled_from(TOOLS), max_size=4)
        text = st.sampled_from(["", "Hi"])
        return st.builds(make, names, text, st.sampled_from(stops), usages)

    def _answered(self) -> st.SearchStrategy[EffectOutcome]:
        # Mostly answers whose calls run: that is where the life is.
        stops = ["tool_use", "end_turn", "tool_use", *STOPS]
        return self._answers(stops).map(
            lambda message: answered().model_copy(update={"message": message})
        )

    def _failed(self) -> st.SearchStrategy[EffectOutcome]:
        why = st.sampled_from([error(), error(), error("authentication", retryable=False)])
        partial = st.none() | self._answers(["error"])
        return st.builds(lambda w, m, u: failed(w, message=m, usage=u), why, partial, usages)


def _resolve(approval_id: str, decision: str, more: dict[str, Any]) -> Any:
    return ResolveApprovalCommand(
        type="resolve_approval", approval_id=approval_id, decision=decision, **more
    )


def _results(call_id: str, name: str) -> st.SearchStrategy[EffectOutcome]:
    return st.builds(
        lambda bad: came_out(
            call_id, name=name, **({"is_error": True, "code": "tool_failed"} if bad else {})
        ),
        st.booleans(),
    )


def _summed(payloads: list[Any]) -> Usage:
    """Add up what the entries of a run report, counter by counter."""
    total: Counter[str] = Counter()
    known: set[str] = set()
    for payload in payloads:
        if payload.type == "answer_received":
            reported = payload.message.usage
        elif payload.type in ("answer_failed", "retry_scheduled"):
            reported = payload.usage
        else:
            reported = None
        for name, count in ({} if reported is None else reported.model_dump()).items():
            total[name] += count
            known.add(name)
    return Usage.model_validate({name: total[name] for name in known})


TestRandomWalks = pytest.mark.slow(Walk.TestCase)
TestRandomWalks.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
