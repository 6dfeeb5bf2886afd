"""What an agent refuses, and what happens when isoloop itself breaks."""

from __future__ import annotations

from typing import Any, cast

import pytest

from isoloop import (
    IsoloopError,
    Limits,
    Refused,
    Retry,
    TextBlock,
    UsageError,
)
from isoloop.contract import AssistantMessage, ModelRef, ProviderTool
from isoloop.testing import Call
from tests.runtime.kit import echo, model_of, save, scripted


def function(text: str) -> str:
    """Is no tool."""
    return text


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"tools": [echo, echo]}, "two have the name 'echo'"),
        ({"tools": [function]}, "function is a plain function. Decorate it with @tool."),
        ({"scheduling": "random"}, "scheduling is 'random'"),
    ],
)
def test_options_that_cannot_work_are_the_callers_error(options: Any, part: str) -> None:
    """Said when the agent is built."""
    with pytest.raises(UsageError) as raised:
        scripted("ok", **options)
    assert part in str(raised.value)


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (Limits, {"max_turns": -1}),
        (Limits, {"deadline_s": -0.5}),
        (Limits, {"max_concurrency": 0}),
        (Limits, {"result_limit_bytes": 0}),
        (Limits, {"approval_timeout_s": float("nan")}),
        (Retry, {"max_retries": -1}),
        (Retry, {"base_delay_s": -1}),
        (Retry, {"jitter": 1.5}),
    ],
)
def test_options_out_of_range_are_the_callers_error(record: Any, values: Any) -> None:
    """The message names record and option."""
    (name,) = values
    with pytest.raises(UsageError, match=f"{record.__name__}: {name} is"):
        record(**values)


async def test_instructions_of_another_kind_are_the_callers_error() -> None:
    """Text, or text blocks."""
    with pytest.raises(UsageError, match="instructions must be text or a list of TextBlocks"):
        await scripted("ok", instructions=cast("Any", [1])).run("x")
    agent = scripted("ok", instructions=[TextBlock(text="a"), TextBlock(text="b")])
    await agent.run("x")
    assert agent.instructions == model_of(agent).requests[0].config.instructions


async def test_a_start_that_the_loop_refuses_says_why() -> None:
    """With the contract's word, which is a caller's error too."""
    agent = scripted("ok", limits=Limits(max_cost_usd=1))
    with pytest.raises(Refused) as refused:
        await agent.run("x")
    assert "config" == refused.value.code
    assert isinstance(refused.value, UsageError)
    assert isinstance(refused.value, IsoloopError)


async def test_a_message_after_an_early_abort_is_refused() -> None:
    """The end of the run is decided before it begins."""
    handle = scripted("never").start("x")
    handle.abort()
    with pytest.raises(Refused) as refused:
        handle.steer("late")
    assert "closing" == refused.value.code
    assert "aborted" == (await handle.result()).outcome


async def test_one_message_is_queued_at_a_time() -> None:
    """A list is several."""
    handle = scripted("ok").start("x")
    with pytest.raises(UsageError, match="One message is queued at a time"):
        handle.steer(cast("Any", []))
    await handle.result()


async def test_tools_of_the_provider_keep_their_place() -> None:
    """Among the agent's own (TOOL-001)."""
    search = ProviderTool(dialect="anthropic-messages", json_text='{"type":"web_search"}')
    agent = scripted("ok", tools=[echo, search, save])
    await agent.run("x")
    assert [echo.definition, search, save.definition] == model_of(agent).requests[0].config.tools


async def test_runs_of_an_agent_share_one_configuration() -> None:
    """It is made once, unless a run asks for something else."""
    agent = scripted("ok", "ok", "ok", tools=[echo])
    await agent.run("x")
    await agent.run("x")
    await agent.run("x", tool_choice="none")
    first, second, third = (request.config for request in model_of(agent).requests)
    assert first is second
    assert first is not third


async def test_the_text_of_a_result_is_that_of_its_last_answer() -> None:
    """Not of those before it; empty when it has none."""
    agent = scripted(["thinking aloud", Call("echo", text="x")], [], tools=[echo])
    assert "" == (await agent.run("x")).text
    never = scripted("never", limits=Limits(max_turns=0))
    assert "" == (await never.run("x")).text


async def test_a_history_may_come_from_anywhere() -> None:
    """Another model's answers included."""
    other = AssistantMessage(
        content=[TextBlock(text="hi")],
        model=ModelRef(dialect="openai-chat", model="gpt-x"),
        stop_reason="end_turn",
    )
    assert "ok" == (await scripted("ok").run("x", history=[other])).text
