"""The types that users see. Checked by pyright; never run.

`assert_type` is an expectation; a line that must be refused carries an ignore comment, which
pyright reports when it is not needed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, assert_never, assert_type

from pydantic import BaseModel

from isoloop import (
    Agent,
    Allow,
    ApprovalRequest,
    Ask,
    Block,
    Deny,
    Edit,
    Environment,
    Event,
    Hooks,
    Limits,
    Message,
    Model,
    Replace,
    Retry,
    RunFailed,
    RunHandle,
    RunResult,
    Settings,
    Tool,
    ToolCall,
    ToolContext,
    ToolResult,
    ToolResultMessage,
    Usage,
    tool,
)
from isoloop.testing import Call, Reply, ScriptedModel, VirtualClock


class City(BaseModel):
    """An output."""

    name: str


@dataclass
class Deps:
    """Dependencies."""

    database: str


@tool
async def plain(query: str, limit: int = 5) -> str:
    """Search."""
    return query * limit


@tool(read_only=True, timeout_s=2)
def with_deps(context: ToolContext[Deps], key: str) -> list[int]:
    """Look up."""
    return [len(context.deps.database), len(key)]


@tool
async def reports(context: ToolContext[Deps]) -> ToolResult:
    """Report."""
    assert_type(context.deps, Deps)
    assert_type(context.call_id, str)
    await context.progress("half", details={"part": 1})
    return ToolResult("done", is_error=False)


raw = Tool.from_schema("raw", "Raw.", {"type": "object"}, lambda arguments: arguments["x"])


async def tools_are_typed() -> None:
    """A decorated function is still the function."""
    assert_type(await plain("x", limit=3), str)
    assert_type(with_deps(ToolContext(Deps("d")), "k"), list[int])
    plain(5)  # pyright: ignore[reportArgumentType, reportUnusedCoroutine] -- must be refused
    tool_of_deps: Tool[Deps] = with_deps
    also: Tool[Deps] = plain  # a tool that needs nothing goes anywhere
    assert tool_of_deps is not also


async def agents_are_typed() -> None:
    """Dependencies follow from the tools, the output from its type."""
    simple = Agent("anthropic:claude-x")
    assert_type(simple, Agent[object, None])
    assert_type(await simple.run("hi"), RunResult[None])

    rich = Agent("anthropic:claude-x", tools=[plain, with_deps, reports], output=City)
    assert_type(rich, Agent[Deps, City])
    result = await rich.run("hi", deps=Deps("d"))
    assert_type(result, RunResult[City])
    assert_type(result.output, City | None)
    assert_type(result.text, str)
    assert_type(result.messages, list[Message])
    assert_type(result.usage, Usage)
    await rich.run("hi", deps="d")  # pyright: ignore[reportArgumentType] -- must be refused
    await rich.run("hi", history=result.messages, tool_choice="required")
    assert_type(rich.run_sync("hi", deps=Deps("d")), RunResult[City])


async def handles_are_typed() -> None:
    """And so are the events."""
    handle = Agent("anthropic:claude-x", output=City).start("hi", steering_mode="all")
    assert_type(handle, RunHandle[City])
    assert_type(handle.events(), AsyncGenerator[Event, None])
    handle.steer("x")
    handle.abort("enough")
    assert_type(await handle.result(), RunResult[City])


async def events_are_told_apart_by_their_type() -> None:
    """In an `if`, and in a `match`."""
    async for event in Agent("anthropic:claude-x").stream("hi"):
        assert_type(event.seq, int)
        if event.type == "text_delta":
            assert_type(event.delta, str)
        match event.type:
            case "tool_execution_start":
                assert_type(event.arguments_text, str)
            case "agent_end":
                assert_type(event.new_messages, list[Message])
            case _:
                pass


def failures_carry_their_result(failed: RunFailed) -> None:
    """Whatever its output would have been."""
    assert_type(failed.result, RunResult[Any])
    assert_type(failed.error.retryable, bool)


async def policy(call: ToolCall) -> Allow | Deny | Ask:
    """Decide."""
    return Ask() if call.name == "wipe" else Allow()


async def before(call: ToolCall) -> Block | Replace | None:
    """Look at a call."""
    return Replace({}) if call.arguments is None else None


async def after(call: ToolCall, result: ToolResultMessage) -> ToolResult | None:
    """Look at a result."""
    return ToolResult(call.name) if result.is_error else None


async def approve(request: ApprovalRequest) -> Allow | Deny | Edit:
    """Decide."""
    return Edit({"x": 1}) if request.call.turn else Deny("no")


def allows(verdict: Allow | Deny | Ask) -> bool:
    """The verdicts are a closed union."""
    match verdict:
        case Allow():
            return True
        case Deny() | Ask():
            return False
        case _:
            assert_never(verdict)


def everything_fits() -> Agent[Deps, None]:
    """All options together."""
    return Agent(
        Model("anthropic:claude-x", base_url="https://example.org", api_key="k", stream=False),
        instructions=lambda deps: deps.database,
        tools=[with_deps, raw],
        settings=Settings(temperature=0.5),
        limits=Limits(max_turns=5, deadline_s=60),
        retry=Retry(max_retries=1),
        policy=policy,
        hooks=Hooks(before_tool=[before], after_tool=[after]),
        approve=approve,
        scheduling="parallel",
        environment=Environment(clock=VirtualClock(), random=lambda: 0.5),
    )


def scripted_models_are_models() -> Agent[object, None]:
    """They take the place of a name."""
    return Agent(ScriptedModel([Reply("x", Call("plain", query="y")), "done"]), tools=[plain])
