"""The scripted model, and the switch that forbids others."""

from __future__ import annotations

from typing import Any

import pytest

from isoloop import Agent, RunFailed, UsageError
from isoloop.testing import (
    Call,
    Fail,
    Gate,
    Hold,
    Reply,
    Say,
    ScriptedModel,
    Sent,
    Wait,
    forbid_model_calls,
)
from tests.runtime.kit import NOW, collect, echo, environment, results, scripted


async def test_replies_come_in_order_and_are_counted() -> None:
    """What is left can be asserted."""
    model = ScriptedModel(["one", "two"])
    agent = Agent(model, environment=environment())
    assert "one" == (await agent.run("a")).text
    assert 1 == model.remaining
    with pytest.raises(AssertionError, match="1 scripted replies were never asked for"):
        model.assert_done()
    assert "two" == (await agent.run("b")).text
    model.assert_done()
    with pytest.raises(RunFailed, match=r"^config: The script has 2 replies"):
        await agent.run("c")


async def test_it_records_what_it_was_sent() -> None:
    """Messages, configuration and turn."""
    model = ScriptedModel([Call("echo", text="x"), "ok"])
    await Agent(model, tools=[echo], environment=environment()).run("go")
    assert [1, 2] == [sent.turn for sent in model.requests]
    assert [1, 3] == [len(sent.messages) for sent in model.requests]
    assert [echo.definition] == model.requests[0].config.tools


async def test_a_reply_may_be_a_function() -> None:
    """Sync or async, for one call or for all."""

    async def later(sent: Sent) -> Any:
        return [f"turn {sent.turn}"]

    assert "turn 1" == (await scripted(later).run("x")).text
    always = Agent(ScriptedModel(later), environment=environment())
    assert ["turn 1"] * 2 == [(await always.run("x")).text for _ in range(2)]


async def test_deltas_are_told_one_by_one() -> None:
    """And joined."""
    events = await collect(scripted(Say("a", "b", at_once=True)).start("x"))
    assert ["a", "b"] == [event.delta for event in events if event.type == "text_delta"]


async def test_calls_may_be_malformed_and_ids_repeated() -> None:
    """The decoder's rules hold here too (TOOL-011)."""
    agent = scripted(
        [Call("echo", "{", id="a"), Call("echo", {"text": "x"}, id="a")], "ok", tools=[echo]
    )
    result = await agent.run("go")
    codes = [code for code, _ in results(result)]
    assert ["invalid_arguments", None] == codes
    assert ["a", "a~2"] == [
        message.call_id for message in result.new_messages if message.role == "tool_result"
    ]


async def test_time_passes_and_gates_hold() -> None:
    """By the run's own clock."""
    gate = Gate()
    handle = scripted([Wait(250), Hold(gate), "ok"]).start("x")
    reading = collect(handle)
    await gate.reached()
    gate.open()
    assert NOW + 250 == (await reading)[-1].at


async def test_a_failure_may_have_all_that_a_real_one_has() -> None:
    """Status, delay, and whether it may be tried again."""
    agent = scripted(Fail("server_error", "no", retryable=False, http_status=500), "never")
    with pytest.raises(RunFailed, match=r"^server_error: no$") as raised:
        await agent.run("x")
    assert (500, False) == (raised.value.error.http_status, raised.value.error.retryable)


async def test_an_answer_may_be_empty() -> None:
    """That is a success (LOOP-028)."""
    result = await scripted(Reply()).run("x")
    assert ("completed", "", []) == (
        result.outcome,
        result.text,
        result.new_messages[0].content,
    )


async def test_real_models_can_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the whole process, until the last one who forbade it leaves."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    agent = Agent("anthropic:claude-x")
    with forbid_model_calls():
        with forbid_model_calls():
            pass
        with pytest.raises(UsageError, match="real model calls are forbidden"):
            await agent.run("x")
        assert "ok" == (await scripted("ok").run("x")).text
