"""A run from its start to its end: turns, outcomes, what it leaves behind."""

from __future__ import annotations

from tests.engine.kit import answer, call, result, started, user


def test_a_text_answer_completes_the_run() -> None:
    """One turn, one answer, `agent_end` last (LOOP-008, LOOP-019)."""
    session = started()
    assert ["generate"] == session.doing
    assert ["answer_received", "turn_ended", "run_ended"] == session.answer("Hi")
    assert "completed" == session.end.outcome
    assert [answer("Hi")] == session.end.new_messages
    assert [] == session.doing
    assert [
        "agent_start",
        "message_start",
        "message_end",
        "turn_start",
        "message_start",
        "text_start",
        "text_delta",
        "text_end",
        "message_end",
        "turn_end",
        "agent_end",
    ] == session.told


def test_a_call_runs_and_its_result_leads_to_the_next_turn() -> None:
    """Gate, body, result, next turn (LOOP-020)."""
    session = started()
    session.answer(call("a"))
    assert ["prepare_call a"] == session.doing
    session.prepare("a")
    assert ["execute_call a"] == session.doing
    assert ["call_settled", "turn_ended", "turn_started"] == session.execute("a", "42")
    session.answer("It is 42")
    assert [answer(call("a")), result("a", "42"), answer("It is 42")] == session.end.new_messages
    assert [user(), *session.end.new_messages] == list(session.state.messages)
