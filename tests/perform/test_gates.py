"""The gates of a call, its body, and what comes after (TOOL: gates, execution, hooks)."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from isoloop import (
    Agent,
    Allow,
    ApprovalRequest,
    Ask,
    Block,
    Deny,
    Edit,
    Hooks,
    Limits,
    Replace,
    TextBlock,
    ToolCall,
    ToolContext,
    ToolResult,
    ToolResultMessage,
    tool,
)
from isoloop.testing import Call, Gate, ScriptedModel, VirtualClock
from tests.runtime.kit import NOW, collect, environment, model_of, passes, results, scripted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@tool
async def put(key: str, value: int = 0) -> str:
    """Put a value."""
    return f"{key}={value}"


async def outcome(*calls: Call, **options: Any) -> list[tuple[str | None, str]]:
    """Run calls and give code and text of each result."""
    options.setdefault("tools", [put])
    return results(await scripted(list(calls), "ok", **options).run("go"))


# ------------------------------------------------------------------ lookup, validation


async def test_a_tool_that_does_not_exist_is_named_with_those_that_do() -> None:
    """Neither policy nor hooks see the call (TOOL-015)."""
    seen: list[str] = []

    async def policy(call: ToolCall) -> Allow:
        seen.append(call.name)
        return Allow()

    assert [("unknown_tool", 'Tool "PUT" does not exist. Available tools: put.')] == await outcome(
        Call("PUT"), policy=policy
    )
    assert [("unknown_tool", 'Tool "x" does not exist. No tools are available.')] == await outcome(
        Call("x"), tools=[]
    )
    assert [] == seen


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"key": "a', "Not valid JSON: "),
        ('{"key": "a"} x', "Not valid JSON: "),
        ("null", "Expected a JSON object, got null."),
        ('["a"]', "Expected a JSON object, got an array."),
        ('{"key": "a", "value": NaN}', "Not valid JSON: NaN"),
        ('{"key": "a", "key": "b"}', 'The member "key" appears twice'),
        ('{"key": 5}', "/key: "),
        ('{"key": "a", "value": "5"}', "/value: "),
        ('{"key": "a", "value": true}', "/value: "),
        ('{"key": "a", "other": 1}', "/other: "),
        ("{}", "/key: "),
        ("", "/key: "),
    ],
)
async def test_arguments_that_do_not_fit_never_run_the_tool(text: str, problem: str) -> None:
    """The model is told what is wrong, and where (TOOL-006, TOOL-008, TOOL-017)."""
    ((code, said),) = await outcome(Call("put", text))
    assert "invalid_arguments" == code
    assert said.startswith(f'The arguments of "put" are invalid: {problem}')


async def test_blank_arguments_are_an_empty_object() -> None:
    """However blank (TOOL-005)."""

    @tool
    async def ping() -> str:
        return "pong"

    calls = [Call("ping", text) for text in ("", "  \n")]
    assert [(None, "pong")] * 2 == await outcome(*calls, tools=[ping])


# ------------------------------------------------------------------ policy


@pytest.mark.parametrize(
    ("reason", "text"), [("", "The call was denied."), ("no", "The call was denied: no")]
)
async def test_a_policy_denies(reason: str, text: str) -> None:
    """With a reason or without (TOOL-016)."""

    async def policy(call: ToolCall) -> Deny:
        return Deny(reason)

    assert [("denied", text)] == await outcome(Call("put", key="a"), policy=policy)


async def test_a_policy_comes_before_validation() -> None:
    """It sees arguments that cannot be read as absent (TOOL-014)."""
    seen: list[object] = []

    async def policy(call: ToolCall) -> Deny:
        seen.append((call.arguments, call.arguments_text, call.turn))
        return Deny("first")

    assert [("denied", "The call was denied: first")] == await outcome(
        Call("put", "{"), policy=policy
    )
    assert [(None, "{", 1)] == seen


@pytest.mark.parametrize("broken", ["raises", "odd"])
async def test_a_policy_that_fails_denies(broken: str) -> None:
    """Nothing runs by accident (TOOL-016)."""

    async def policy(call: ToolCall) -> Any:
        if broken == "raises":
            raise ValueError("down")
        return True

    why = "down" if broken == "raises" else "it returned True"
    assert [("denied", f"The call was denied: the policy failed: {why}")] == await outcome(
        Call("put", key="a"), policy=policy
    )


# ------------------------------------------------------------------ before-tool hooks


async def test_hooks_see_what_the_one_before_left() -> None:
    """In order; replaced arguments are what runs (TOOL-018)."""
    seen: list[object] = []

    async def double(call: ToolCall) -> Replace:
        assert call.arguments is not None
        return Replace({**call.arguments, "value": call.arguments["value"] * 2})

    async def look(call: ToolCall) -> None:
        seen.append((call.arguments, call.arguments_text))

    agent = scripted(
        Call("put", '{"key": "a", "value": 2}'),
        "ok",
        tools=[put],
        hooks=Hooks(before_tool=[double, double, look]),
    )
    handle = agent.start("go")
    events = await collect(handle)
    text = '{"key":"a","value":8}'
    assert [({"key": "a", "value": 8}, text)] == seen
    assert [(None, "a=8")] == results(await handle.result())
    start = next(event for event in events if event.type == "tool_execution_start")
    assert text == start.arguments_text
    sent = model_of(agent).requests[1].messages[1]
    assert '{"key": "a", "value": 2}' == getattr(sent.content[0], "arguments_text", "")


async def test_replaced_arguments_are_validated_again() -> None:
    """Before anything else sees them (TOOL-018)."""
    later: list[str] = []

    async def spoil(call: ToolCall) -> Replace:
        return Replace({"key": 1})

    async def look(call: ToolCall) -> None:
        later.append(call.id)

    ((code, text),) = await outcome(Call("put", key="a"), hooks=Hooks(before_tool=[spoil, look]))
    assert "invalid_arguments" == code
    assert "/key: " in text
    assert [] == later


@pytest.mark.parametrize(
    ("reason", "text"), [("", "The call was blocked."), ("no", "The call was blocked: no")]
)
async def test_a_hook_blocks(reason: str, text: str) -> None:
    """No further hook runs (TOOL-019)."""
    later: list[str] = []

    async def stop(call: ToolCall) -> Block:
        return Block(reason)

    async def look(call: ToolCall) -> None:
        later.append(call.id)

    hooks = Hooks(before_tool=[stop, look])
    assert [("blocked", text)] == await outcome(Call("put", key="a"), hooks=hooks)
    assert [] == later


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (ValueError("down"), "a hook failed: down"),
        (ValueError(), "a hook failed."),
        (asyncio.CancelledError(), "a hook failed: asyncio.CancelledError"),
    ],
)
async def test_a_hook_that_fails_blocks(raised: BaseException, text: str) -> None:
    """Nothing runs by accident (TOOL-019)."""

    async def broken(call: ToolCall) -> None:
        raise raised

    hooks = Hooks(before_tool=[broken])
    assert [("blocked", f"The call was blocked: {text}")] == await outcome(
        Call("put", key="a"), hooks=hooks
    )


async def test_gates_of_all_calls_come_before_the_first_body() -> None:
    """In call order, one call at a time (TOOL-021)."""
    order: list[str] = []

    @tool(read_only=True)
    async def body(name: str) -> str:
        order.append(f"run {name}")
        return name

    async def look(call: ToolCall) -> None:
        order.append(f"gate {call.id}")
        await passes(2)
        order.append(f"passed {call.id}")

    await outcome(
        Call("body", name="a"),
        Call("body", name="b"),
        tools=[body],
        hooks=Hooks(before_tool=[look]),
    )
    gates = ["gate call_1", "passed call_1", "gate call_2", "passed call_2"]
    assert [*gates, "run a", "run b"] == order


# ------------------------------------------------------------------ approval


@tool(requires_approval=True)
async def wipe(disk: str) -> str:
    """Wipe a disk."""
    return f"wiped {disk}"


async def test_without_an_approver_the_call_is_denied() -> None:
    """And no approval is asked for (TOOL-020)."""
    handle = scripted(Call("wipe", disk="a"), "ok", tools=[wipe]).start("go")
    events = await collect(handle)
    assert not any(event.type == "approval_requested" for event in events)
    assert [("denied", "The call was denied: no approver is configured.")] == results(
        await handle.result()
    )


async def test_an_approver_sees_the_final_arguments_and_allows() -> None:
    """With the digest that the event carries (TOOL-014)."""
    seen: list[ApprovalRequest] = []

    async def approve(request: ApprovalRequest) -> Allow:
        seen.append(request)
        return Allow()

    async def redirect(call: ToolCall) -> Replace:
        return Replace({"disk": "b"})

    handle = scripted(
        Call("wipe", disk="a"),
        "ok",
        tools=[wipe],
        approve=approve,
        hooks=Hooks(before_tool=[redirect]),
    ).start("go")
    events = await collect(handle)
    assert [(None, "wiped b")] == results(await handle.result())
    asked = next(event for event in events if event.type == "approval_requested")
    assert (asked.approval_id, asked.digest) == (seen[0].approval_id, seen[0].digest)
    assert ({"disk": "b"}, '{"disk":"b"}') == (seen[0].call.arguments, asked.arguments_text)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Deny("not today"), ("denied", "The call was denied: not today")),
        (Deny(), ("denied", "The call was denied.")),
        (Edit({"disk": "c"}), (None, "wiped c")),
        (
            ValueError("gone"),
            ("denied", "The call was denied: the approver failed: gone"),
        ),
        (True, ("denied", "The call was denied: the approver failed: it returned True")),
        (
            Edit({"disk": object()}),
            ("denied", "The call was denied: the approver failed: the arguments cannot"),
        ),
    ],
)
async def test_an_approver_decides(decision: Any, expected: tuple[str | None, str]) -> None:
    """Denied, edited, or failed, which denies."""

    async def approve(request: ApprovalRequest) -> Any:
        if isinstance(decision, Exception):
            raise decision
        return decision

    ((code, text),) = await outcome(Call("wipe", disk="a"), tools=[wipe], approve=approve)
    assert expected[0] == code
    assert text.startswith(expected[1])


async def test_edited_arguments_are_validated_again() -> None:
    """And not asked for again."""
    asked: list[str] = []

    async def approve(request: ApprovalRequest) -> Edit:
        asked.append(request.approval_id)
        return Edit({"disk": 5})

    ((code, _),) = await outcome(Call("wipe", disk="a"), tools=[wipe], approve=approve)
    assert "invalid_arguments" == code
    assert 1 == len(asked)


async def test_a_policy_may_ask() -> None:
    """As if the tool required it (TOOL-016)."""

    async def policy(call: ToolCall) -> Ask:
        return Ask()

    async def approve(request: ApprovalRequest) -> Allow:
        return Allow()

    calls = [Call("put", key="a")]
    assert [(None, "a=0")] == await outcome(*calls, policy=policy, approve=approve)
    assert "denied" == (await outcome(*calls, policy=policy))[0][0]


async def test_approvals_are_asked_together() -> None:
    """Before any of them is answered."""
    asked: list[str] = []
    free = asyncio.Event()

    async def approve(request: ApprovalRequest) -> Allow:
        asked.append(request.call.id)
        if len(asked) == 2:
            free.set()
        await free.wait()
        return Allow()

    assert [(None, "wiped a"), (None, "wiped b")] == await outcome(
        Call("wipe", disk="a"), Call("wipe", disk="b"), tools=[wipe], approve=approve
    )


async def test_an_approval_expires() -> None:
    """By the run's clock; the approver's late word is ignored."""
    told: list[str] = []

    async def approve(request: ApprovalRequest) -> Allow:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("stopped")
            raise
        return Allow()

    expired = ("denied", "The call was denied: the approval expired.")
    assert [expired] == await outcome(
        Call("wipe", disk="a"),
        tools=[wipe],
        approve=approve,
        limits=Limits(approval_timeout_s=60),
    )
    assert ["stopped"] == told


# ------------------------------------------------------------------ execution


@pytest.mark.parametrize(
    ("raised", "text"),
    [
        (ValueError("boom"), "The tool failed: boom"),
        (ValueError(), "The tool failed."),
        (ValueError("  "), "The tool failed."),
    ],
)
async def test_a_body_that_raises_is_a_result(raised: Exception, text: str) -> None:
    """The run goes on (TOOL-024)."""

    @tool
    async def broken() -> str:
        raise raised

    assert [("tool_failed", text), (None, "a=0")] == await outcome(
        Call("broken"), Call("put", key="a"), tools=[broken, put]
    )


async def test_a_result_that_cannot_be_written_is_a_failure() -> None:
    """The text says what may be returned (TOOL-026)."""

    @tool
    async def odd() -> object:
        return object()

    ((code, text),) = await outcome(Call("odd"), tools=[odd])
    assert "tool_failed" == code
    assert text.startswith("The tool failed: a value of type object cannot be written as JSON")


async def test_a_tool_may_report_an_error_itself() -> None:
    """It keeps its content and has no code (TOOL-025)."""

    @tool
    async def check() -> ToolResult:
        return ToolResult("not found", is_error=True, details={"tried": 3})

    result = await scripted(Call("check"), "ok", tools=[check]).run("go")
    message = result.new_messages[1]
    assert isinstance(message, ToolResultMessage)
    assert (True, None, {"tried": 3}) == (message.is_error, message.code, message.details)
    assert [TextBlock(text="not found")] == message.content


@pytest.mark.parametrize("listens", [True, False])
async def test_a_body_ends_with_its_time(listens: bool) -> None:
    """Whether it listens or not (TOOL-027)."""
    gate = Gate()
    told: list[str] = []

    @tool(timeout_s=1.5)
    async def slow(context: ToolContext[object]) -> str:
        while True:
            try:
                await gate.pass_through()
            except asyncio.CancelledError:
                told.append("stop")
                if listens:
                    raise
            else:
                await context.progress("late")
                return "late"

    clock = VirtualClock(NOW)
    handle = scripted(Call("slow"), "ok", tools=[slow], environment=environment(clock)).start("go")
    events = await collect(handle)
    assert [("timeout", "The tool did not finish within 1500 ms.")] == results(
        await handle.result()
    )
    assert NOW + 1500 == clock.now_ms()
    assert ["stop"] == told
    assert "tool_execution_update" not in [event.type for event in events]
    gate.open()
    await passes()


async def test_a_body_that_ends_in_time_leaves_no_timer() -> None:
    """The clock has nothing to wait for."""

    @tool(timeout_s=5)
    async def quick() -> str:
        return "quick"

    clock = VirtualClock(NOW)
    agent = Agent(
        ScriptedModel([Call("quick"), "ok"]), tools=[quick], environment=environment(clock)
    )
    assert [(None, "quick")] == results(await agent.run("go"))
    assert ([], NOW) == (clock.waiting, clock.now_ms())


async def test_sync_bodies_run_side_by_side_in_threads() -> None:
    """The event loop is not held up."""
    both = threading.Barrier(2, timeout=5)

    @tool(read_only=True)
    def meet() -> str:
        both.wait()
        return threading.current_thread().name

    assert [(None, "tool meet")] * 2 == await outcome(Call("meet"), Call("meet"), tools=[meet])


async def test_a_mutating_call_runs_alone() -> None:
    """Stretches of read-only calls run together (TOOL-033)."""
    running: list[str] = []
    peak: list[list[str]] = []

    def make(name: str, *, read_only: bool) -> Any:
        async def body() -> str:
            running.append(name)
            await passes(3)
            peak.append(list(running))
            running.remove(name)
            return name

        return tool(name=name, read_only=read_only)(body)

    tools = [make("r", read_only=True), make("m", read_only=False)]
    await outcome(Call("r"), Call("r"), Call("m"), Call("r"), tools=tools)
    assert [["r", "r"], ["r"], ["m"], ["r"]] == peak


async def test_a_large_result_is_cut_on_a_character_boundary() -> None:
    """Texts count together; it is the last thing done (TOOL-029)."""
    seen: list[int] = []

    @tool
    async def long() -> list[TextBlock]:
        return [TextBlock(text="aé"), TextBlock(text="éé"), TextBlock(text="z")]

    async def look(call: ToolCall, result: ToolResultMessage) -> None:
        seen.append(len(result.content))

    result = await scripted(
        Call("long"),
        "ok",
        tools=[long],
        limits=Limits(result_limit_bytes=6),
        hooks=Hooks(after_tool=[look]),
    ).run("go")
    message = result.new_messages[1]
    assert [3] == seen
    assert ["aé", "é\n[cut: 5 of 8 bytes]"] == [
        getattr(block, "text", "") for block in message.content
    ]


# ------------------------------------------------------------------ after-tool hooks


async def test_after_hooks_see_every_result_and_may_replace_it() -> None:
    """Also of calls that failed or that a gate stopped; each sees the replacement (TOOL-031)."""
    seen: list[tuple[str, str | None, str]] = []

    def note(name: str) -> Callable[[ToolCall, ToolResultMessage], Awaitable[None]]:
        async def hook(call: ToolCall, result: ToolResultMessage) -> None:
            seen.append((name, result.code, getattr(result.content[0], "text", "")))

        return hook

    async def hush(call: ToolCall, result: ToolResultMessage) -> ToolResult | None:
        return ToolResult("hush") if call.name == "put" else None

    @tool
    async def broken() -> str:
        raise ValueError("boom")

    hooks = Hooks(after_tool=[note("1"), hush, note("2")])
    said = await outcome(
        Call("put", key="a"), Call("broken"), Call("nope"), tools=[put, broken], hooks=hooks
    )
    nope = 'Tool "nope" does not exist. Available tools: put, broken.'
    assert [
        (None, "hush"),
        ("tool_failed", "The tool failed: boom"),
        ("unknown_tool", nope),
    ] == said
    assert {
        ("1", None, "a=0"),
        ("2", None, "hush"),
        ("1", "tool_failed", "The tool failed: boom"),
        ("2", "tool_failed", "The tool failed: boom"),
        ("1", "unknown_tool", nope),
        ("2", "unknown_tool", nope),
    } == set(seen)


async def test_an_after_hook_that_fails_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is reported, and the remaining hooks run (TOOL-032)."""
    later: list[str] = []

    async def broken(call: ToolCall, result: ToolResultMessage) -> None:
        raise ValueError("down")

    async def look(call: ToolCall, result: ToolResultMessage) -> None:
        later.append(call.name)

    with caplog.at_level(logging.WARNING, logger="isoloop.perform"):
        said = await outcome(Call("put", key="a"), hooks=Hooks(after_tool=[broken, look]))
    assert [(None, "a=0")] == said
    assert ["put"] == later
    assert ["an after-tool hook failed on a call of put: down"] == caplog.messages
