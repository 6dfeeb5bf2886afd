"""Every command in every phase: allowed, ignored or refused, and why (CTRL-037, CTRL-043)."""

from __future__ import annotations

import pytest

from isoloop.contract.command import (
    AbortCommand,
    FollowUpCommand,
    OpenCommand,
    ResolveApprovalCommand,
    StartRunCommand,
    SteerCommand,
)
from isoloop.engine import Rejected, fold
from tests.engine.kit import (
    Session,
    answered,
    call,
    calling,
    config,
    failed,
    started,
    stopped,
    structured,
    user,
)

COMMANDS = {
    "open": OpenCommand(type="open"),
    "start_run": StartRunCommand(type="start_run", run_id="other", config=config(), input=[user()]),
    "steer": SteerCommand(type="steer", message=user()),
    "follow_up": FollowUpCommand(type="follow_up", message=user()),
    "abort": AbortCommand(type="abort"),
    "resolve_approval": ResolveApprovalCommand(
        type="resolve_approval", approval_id="run/1/a", decision="allow"
    ),
}

# What the contract says, phase by phase. `+` is allowed, `.` ignored.
EXPECTED = {
    "new": "+ invalid no_run no_run no_run no_run",
    "idle": "invalid + no_run no_run no_run no_run",
    "between": "invalid busy + + + unknown_approval",
    "ready": "invalid busy + + + unknown_approval",
    "generating": "invalid busy + + + unknown_approval",
    "waiting": "invalid busy + + + unknown_approval",
    "calling": "invalid busy + + + +",
    "answered": "invalid busy + + + unknown_approval",
    "stopping": "invalid busy closing closing . unknown_approval",
    "closing": "invalid busy closing closing . unknown_approval",
    "ending": "invalid busy closing closing . unknown_approval",
}


@pytest.mark.parametrize("phase", EXPECTED)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_allowed_ignored_or_refused(phase: str, command: str) -> None:
    """And what is refused or ignored changes nothing (LOOP-047, LOOP-048)."""
    session = in_phase(phase)
    before, log = session.state, list(session.log)
    expected = EXPECTED[phase].split()[list(COMMANDS).index(command)]
    if expected == "+":
        assert session.admit(COMMANDS[command])
        return
    if expected == ".":
        assert [] == session.admit(COMMANDS[command])
    else:
        with pytest.raises(Rejected) as refused:
            session.admit(COMMANDS[command])
        assert expected == refused.value.code
        assert command in refused.value.message or expected in ("busy", "unknown_approval")
    assert before is session.state
    assert fold(log) == session.state


@pytest.mark.parametrize("phase", ["ready", "answered", "between"])
@pytest.mark.parametrize("command", ["steer", "follow_up", "abort"])
def test_a_command_completes_a_batch_that_a_crash_tore(phase: str, command: str) -> None:
    """What follows by itself follows on a command too, so the run comes to its end."""
    session = in_phase(phase)
    session.admit(COMMANDS[command])
    if command == "abort":
        assert session.state.run is None
        assert "aborted" == session.end.outcome
    else:
        assert session.doing


def in_phase(phase: str) -> Session:
    """Make a session that rests in a phase, or was torn there inside a batch."""
    match phase:
        case "new":
            session = Session()
        case "idle":
            session = Session().open()
        case "between":
            session = started(structured())
            session.answer("{}")
        case "generating":
            session = started()
        case "waiting":
            session = started()
            session.settle("generate", failed())
        case "calling":
            session = calling(call("a"))
            session.prepare("a", ask=True)
        case "stopping":
            session = started()
            session.abort()
        case "ready":
            session = started()
            session.steer()
            session = torn(session, "messages_delivered")
        case "answered":
            session = torn(started(), "answer_received")
        case "closing":
            session = started()
            session.abort()
            session = torn(session, "answer_received")
        case _:
            session = started()
            session.abort()
            session = torn(session, "turn_ended")
    assert phase == session.state.phase
    return session


def torn(session: Session, last: str) -> Session:
    """End the model call, and keep of the batch only what comes up to an entry."""
    if session.doing == ["abort_generate"]:
        session.settle("abort_generate", stopped(answered(stop="aborted").message))
    else:
        session.answer(call("z"), stop="max_tokens")
    kept = Session()
    for entry in session.log:
        kept.replay(entry)
        if entry.payload.type == last:
            return kept
    raise AssertionError(last)
