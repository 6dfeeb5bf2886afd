"""Client-side tools: a run asks for results, the next is given them (TOOL-043)."""

from __future__ import annotations

from typing import Any

import pytest

from isoloop import Allow, Hooks, Refused, TextBlock, Tool, ToolCall, ToolResultMessage, UsageError
from isoloop.contract import PendingCall
from isoloop.testing import Call
from tests.runtime.kit import collect, echo, ended, results, scripted, types

CONFIRM = Tool.client(
    "confirm",
    "Ask the person in front of the screen.",
    {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]},
)


def _result(call_id: str, text: str = "yes") -> ToolResultMessage:
    return ToolResultMessage(
        call_id=call_id, tool_name="confirm", content=[TextBlock(text=text)], is_error=False
    )


async def test_a_run_asks_its_caller_and_the_next_one_goes_on() -> None:
    """Two runs, one result per call (TOOL-044, TOOL-046)."""
    agent = scripted(
        [Call("confirm", what="all?"), Call("echo", text="1")], "done", tools=[CONFIRM, echo]
    )
    first = await agent.run("go")
    assert "awaiting_results" == first.outcome
    (call,) = first.pending_calls
    assert ("confirm", '{"what": "all?"}') == (call.tool_name, call.arguments_text)
    assert [(None, "1")] == results(first)
    second = await agent.run([_result(call.call_id)], history=first.messages)
    assert ("completed", "done") == (second.outcome, second.text)
    assert [] == second.pending_calls
    assert _result(call.call_id) in second.messages


async def test_the_events_name_the_pending_calls() -> None:
    """`turn_end` and `agent_end`; the call has no execution events (TOOL-043, TOOL-044)."""
    handle = scripted([Call("confirm", what="x")], tools=[CONFIRM]).start("go")
    events = await collect(handle)
    result = await ended(handle)
    end, turn_end = events[-1], events[-2]
    assert end.type == "agent_end"
    assert turn_end.type == "turn_end"
    expected = [
        PendingCall(
            call_id=result.pending_calls[0].call_id,
            tool_name="confirm",
            arguments_text='{"what": "x"}',
        )
    ]
    assert expected == result.pending_calls == end.pending_calls == turn_end.pending_calls
    assert "tool_execution_start" not in types(events)


async def test_the_gates_are_asked_and_the_after_hooks_are_not() -> None:
    """Validation, hooks and approval come before the caller is asked (TOOL-043)."""
    seen: list[str] = []

    async def before(call: ToolCall) -> None:
        seen.append(f"before {call.name}")

    async def after(call: ToolCall, result: ToolResultMessage) -> None:
        seen.append(f"after {result.code}")

    async def approve(request: object) -> Allow:
        seen.append("approve")
        return Allow()

    ask = Tool.client("ask", "", CONFIRM.input_schema, requires_approval=True)
    agent = scripted(
        [Call("ask", what="x"), Call("ask", nothing=1)],
        tools=[ask],
        hooks=Hooks(before_tool=[before], after_tool=[after]),
        approve=approve,
    )
    result = await agent.run("go")
    assert ["before ask", "approve", "after invalid_arguments"] == seen
    assert 1 == len(result.pending_calls)
    assert ["invalid_arguments"] == [code for code, _ in results(result)]


@pytest.mark.parametrize("wrong", [[_result("nope")], ["twice"], ["late"]])
async def test_results_that_answer_nothing_are_refused(wrong: list[Any]) -> None:
    """Before any request (TOOL-046)."""
    agent = scripted([Call("confirm", what="x")], "never", tools=[CONFIRM])
    first = await agent.run("go")
    one = _result(first.pending_calls[0].call_id)
    history = [*first.messages, one] if wrong == ["late"] else first.messages
    given = {"twice": [one, one], "late": [one]}.get(str(wrong[0]), wrong)
    with pytest.raises(Refused) as raised:
        await agent.run(given, history=history)
    assert "invalid" == raised.value.code


async def test_a_result_cannot_be_steered_in() -> None:
    """Queued messages are a user's."""
    handle = scripted("x").start("go")
    with pytest.raises(UsageError, match="and a user's"):
        handle.steer([_result("a")])  # type: ignore[arg-type] # the point of the test
    handle.abort()
    await ended(handle)


async def test_no_loop_runs_the_body_of_a_client_side_tool() -> None:
    """There is none."""
    with pytest.raises(NotImplementedError):
        await CONFIRM.invoke(None, CONFIRM.check('{"what":"x"}'))  # type: ignore[arg-type] # unused
