"""Carries out what the engine asks about one tool call: gates, approval, body, after-tool hooks.

User code runs here and only here, so this is where its failures become data.
"""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from isoloop.contract import (
    PreparedOutcome,
    RejectedOutcome,
    ResolveApprovalCommand,
    ResultOutcome,
    ToolResultMessage,
)
from isoloop.engine import _texts as texts
from isoloop.errors import UsageError
from isoloop.perform._cut import cut
from isoloop.perform.gates import Allow, ApprovalRequest, Ask, Block, Deny, Edit, Replace, ToolCall
from isoloop.tools._bodies import BODIES
from isoloop.tools._context import ToolContext
from isoloop.tools._result import returned
from isoloop.tools._tool import Checked
from isoloop.wire._arguments import Arguments, read_arguments

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from isoloop.contract import (
        ApprovalDecision,
        CloseCallEffect,
        ExecuteCallEffect,
        JsonObject,
        PrepareCallEffect,
        RequestApprovalEffect,
        ResultCode,
    )
    from isoloop.perform.environment import Clock
    from isoloop.perform.gates import Approver, Hooks, Policy
    from isoloop.tools._context import Progress
    from isoloop.tools._tool import Tool

T = TypeVar("T")

_log = logging.getLogger("isoloop.perform")

# The closings that run no hook: the run is over for these calls (TOOL-031).
_SILENT: frozenset[ResultCode | None] = frozenset({"aborted", "not_executed", "interrupted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSetting:
    """What all calls of a run share."""

    run_id: str
    deps: object
    tools: Mapping[str, Tool[Any]]
    policy: Policy | None
    hooks: Hooks
    approve: Approver | Literal["later"] | None
    clock: Clock
    result_limit_bytes: int | None


class ToolCalls:
    """The tool calls of one run.

    Attributes:
        left: Tasks that were told to stop and may still run; to be handed to `BODIES.leave`.
    """

    def __init__(self, setting: CallSetting) -> None:
        self._setting = setting
        self._calls: dict[str, ToolCall] = {}
        self._checked: dict[str, tuple[str, Checked]] = {}
        self.left: list[asyncio.Task[Any]] = []

    @property
    def gates_wait(self) -> bool:
        """Whether the gates run user code; without any, preparing a call never waits."""
        return self._setting.policy is not None or bool(self._setting.hooks.before_tool)

    @property
    def closing_waits(self) -> bool:
        """Whether closing a call runs user code."""
        return bool(self._setting.hooks.after_tool)

    # ------------------------------------------------------------ gates

    async def prepare(
        self, effect: PrepareCallEffect, turn: int
    ) -> PreparedOutcome | RejectedOutcome:
        """Take a call through its gates, up to approval (TOOL-014)."""
        setting = self._setting
        call = self._seen(effect, turn)
        tool = setting.tools.get(call.name)
        if tool is None:
            text = texts.unknown_tool(call.name, list(setting.tools))
            return _rejected(call, "unknown_tool", text)
        if effect.stage == "edited":
            return self._invalid(call, tool) or _prepared(call, needs_approval=False)
        verdict = await self._verdict(call)
        if isinstance(verdict, Deny):
            return _rejected(call, "denied", texts.denied(verdict.reason))
        stopped = self._invalid(call, tool)
        if stopped:
            return stopped
        for hook in setting.hooks.before_tool:
            said = await _guarded(partial(hook, call))
            passed = _hooked(call, said)
            if isinstance(passed, RejectedOutcome):
                return passed
            if passed is not call:
                call = self._calls[call.id] = passed
                stopped = self._invalid(call, tool)
                if stopped:
                    return stopped
        needs_approval = tool.traits.requires_approval or isinstance(verdict, Ask)
        if needs_approval and setting.approve is None:
            return _rejected(call, "denied", texts.denied("no approver is configured."))
        return _prepared(call, needs_approval=needs_approval)

    def _seen(self, effect: PrepareCallEffect, turn: int) -> ToolCall:
        call = _call(
            effect.call_id, effect.tool_name, effect.arguments_text, self._setting.run_id, turn
        )
        self._calls[call.id] = call
        return call

    async def _verdict(self, call: ToolCall) -> Allow | Deny | Ask:
        policy = self._setting.policy
        if policy is None:
            return Allow()
        verdict = await _guarded(lambda: policy(call))
        match verdict:
            case Allow() | Deny() | Ask():
                return verdict
            case _Failure(message):
                return Deny(_failed("the policy", message))
            case _:
                return Deny(_failed("the policy", f"it returned {verdict!r}"))

    def _invalid(self, call: ToolCall, tool: Tool[Any]) -> RejectedOutcome | None:
        checked = tool.check(call.arguments_text)
        if isinstance(checked, Checked):
            self._checked[call.id] = (call.arguments_text, checked)
            return None
        text = texts.invalid_arguments(call.name, checked.problem)
        return _rejected(call, "invalid_arguments", text)

    # ------------------------------------------------------------ approval

    async def approve(self, effect: RequestApprovalEffect) -> ResolveApprovalCommand:
        """Ask the approver. One that fails denies."""
        approve = self._setting.approve
        assert callable(approve), "the gates deny what needs an approval that nobody gives"
        call = replace(self._calls[effect.call_id], arguments_text=effect.arguments_text)
        request = ApprovalRequest(effect.approval_id, call, effect.digest)
        decision = await _guarded(lambda: approve(request))
        match decision:
            case Allow():
                return _resolved(effect, "allow")
            case Deny(reason):
                return _resolved(effect, "deny", reason=reason)
            case Edit(arguments):
                text = _written(arguments)
                if isinstance(text, _Failure):
                    return _resolved(effect, "deny", reason=_failed("the approver", text.message))
                return _resolved(effect, "edit", arguments_text=text)
            case _Failure(message):
                return _resolved(effect, "deny", reason=_failed("the approver", message))
            case _:
                reason = _failed("the approver", f"it returned {decision!r}")
                return _resolved(effect, "deny", reason=reason)

    # ------------------------------------------------------------ execution

    async def execute(
        self, effect: ExecuteCallEffect, *, started: Callable[[], None], progress: Progress
    ) -> ResultOutcome:
        """Run a body, then the after-tool hooks. `started` is called as the body is entered."""
        setting = self._setting
        tool = setting.tools[effect.tool_name]
        call = self._at_execution(effect)
        text, checked = self._checked.pop(call.id, ("", None))
        if checked is None or text != call.arguments_text:
            again = tool.check(call.arguments_text)
            assert isinstance(again, Checked), "the gates let valid arguments pass only"
            checked = again
        context = ToolContext(
            setting.deps,
            call_id=call.id,
            run_id=setting.run_id,
            arguments_text=call.arguments_text,
            progress=progress,
        )
        started()
        try:
            result = await self._body(call, tool, context, checked)
        finally:
            context.abort()  # what the body says from now on is discarded (TOOL-028)
        return ResultOutcome.trusted(result=await self._finished(call, result))

    async def close(self, effect: CloseCallEffect) -> ResultOutcome:
        """Run the after-tool hooks of a call that a gate stopped."""
        call = self._calls[effect.result.call_id]
        return ResultOutcome.trusted(result=await self._finished(call, effect.result))

    def _at_execution(self, effect: ExecuteCallEffect) -> ToolCall:
        """Give the call with the arguments that an approver may have changed."""
        call = self._calls.get(effect.call_id)
        if call is None or call.arguments_text != effect.arguments_text:
            turn = 0 if call is None else call.turn
            call = _call(
                effect.call_id, effect.tool_name, effect.arguments_text, self._setting.run_id, turn
            )
            self._calls[call.id] = call
        return call

    async def _body(
        self, call: ToolCall, tool: Tool[Any], context: ToolContext[Any], checked: Checked
    ) -> ToolResultMessage:
        timeout_ms = tool.definition.timeout_ms
        if timeout_ms is None:
            value = await _guarded(lambda: tool.invoke(context, checked))
        else:
            value = await self._in_time(tool, context, checked, timeout_ms)
            if value is _TIMED_OUT:
                return _result(call, "timeout", texts.timeout(timeout_ms))
        if isinstance(value, _Failure):
            return _result(call, "tool_failed", texts.tool_failed(value.message))
        try:
            wrote = returned(value)
        except TypeError as error:
            return _result(call, "tool_failed", texts.tool_failed(str(error)))
        return ToolResultMessage.trusted(
            call_id=call.id,
            tool_name=call.name,
            content=wrote.content,
            is_error=wrote.is_error,
            details=wrote.details,
        )

    async def _in_time(
        self, tool: Tool[Any], context: ToolContext[Any], checked: Checked, timeout_ms: int
    ) -> object:
        """Run a body that ends with its time, whether it listens or not (TOOL-027)."""
        clock = self._setting.clock
        body = BODIES.start(
            _guarded(lambda: tool.invoke(context, checked)), name=f"tool {tool.name}"
        )
        timer = BODIES.start(clock.sleep_until(clock.now_ms() + timeout_ms), name="tool timeout")
        try:
            await asyncio.wait((body, timer), return_when=asyncio.FIRST_COMPLETED)
            return body.result() if body.done() else _TIMED_OUT
        finally:
            context.abort()
            self.left += [task for task in (body, timer) if task.cancel()]

    # ------------------------------------------------------------ after-tool hooks

    async def _finished(self, call: ToolCall, result: ToolResultMessage) -> ToolResultMessage:
        if result.code not in _SILENT:
            for hook in self._setting.hooks.after_tool:
                result = await self._after(call, result, hook)
        limit_bytes = self._setting.result_limit_bytes
        return result if limit_bytes is None else cut(result, limit_bytes)

    async def _after(
        self, call: ToolCall, result: ToolResultMessage, hook: Callable[..., Awaitable[object]]
    ) -> ToolResultMessage:
        said = await _guarded(lambda: hook(call, result))
        problem = said.message if isinstance(said, _Failure) else None
        if problem is None and said is not None:
            try:
                wrote = returned(said)
            except TypeError as error:
                problem = str(error)
            else:
                # The hook wrote this, so it has no code (TOOL-040).
                return ToolResultMessage.trusted(
                    call_id=call.id,
                    tool_name=call.name,
                    content=wrote.content,
                    is_error=wrote.is_error,
                    details=wrote.details,
                )
        if problem is not None:
            _log.warning("an after-tool hook failed on a call of %s: %s", call.name, problem)
        return result


# ------------------------------------------------------------------ user code


@dataclass(frozen=True, slots=True)
class _Failure:
    """User code failed."""

    message: str


_TIMED_OUT = object()


async def _guarded(begin: Callable[[], Awaitable[T]]) -> T | _Failure:
    """Run user code; what it raises becomes a value."""
    try:
        return await begin()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Nobody stopped us: it comes from inside, for example from a task that the body awaited.
        return _Failure("asyncio.CancelledError")
    except Exception as error:  # noqa: BLE001 -- user code
        _log.debug("user code failed", exc_info=error)
        return _Failure(str(error))


def _failed(what: str, message: str) -> str:
    return f"{what} failed: {message}" if message.strip() else f"{what} failed."


def _hooked(call: ToolCall, said: object) -> ToolCall | RejectedOutcome:
    """Do what a before-tool hook says; return the same call when it says nothing."""
    match said:
        case None:
            return call
        case Block(reason):
            return _rejected(call, "blocked", texts.blocked(reason))
        case Replace(arguments):
            text = _written(arguments)
            if isinstance(text, _Failure):
                reason = _failed("a hook", text.message)
                return _rejected(call, "blocked", texts.blocked(reason))
            return replace(call, arguments=arguments, arguments_text=text)
        case _Failure(message):
            return _rejected(call, "blocked", texts.blocked(_failed("a hook", message)))
        case _:
            reason = _failed("a hook", f"it returned {said!r}")
            return _rejected(call, "blocked", texts.blocked(reason))


# ------------------------------------------------------------------ records


def _call(call_id: str, name: str, text: str, run_id: str, turn: int) -> ToolCall:
    read = read_arguments(text)
    arguments = read.value if isinstance(read, Arguments) else None
    return ToolCall(call_id, name, arguments, text, run_id, turn)


def _written(arguments: JsonObject) -> str | _Failure:
    try:
        return json.dumps(arguments, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        return _Failure(f"the arguments cannot be written as JSON: {error}")


def _prepared(call: ToolCall, *, needs_approval: bool) -> PreparedOutcome:
    return PreparedOutcome.trusted(
        arguments_text=call.arguments_text, needs_approval=needs_approval
    )


def _rejected(call: ToolCall, code: ResultCode, text: str) -> RejectedOutcome:
    return RejectedOutcome.trusted(result=_result(call, code, text))


def _result(call: ToolCall, code: ResultCode, text: str) -> ToolResultMessage:
    return texts.result_without_tool(call.id, call.name, code=code, text=text)


def decided(
    approval_id: str, decision: Allow | Deny | Edit, *, digest: str | None
) -> ResolveApprovalCommand:
    """Write a decision that came from outside.

    Raises:
        UsageError: The edited arguments cannot be written as JSON.
    """
    text = reason = None
    match decision:
        case Allow():
            word: ApprovalDecision = "allow"
        case Deny():
            word, reason = "deny", decision.reason or None
        case Edit():
            word, written = "edit", _written(decision.arguments)
            if isinstance(written, _Failure):
                raise UsageError(written.message)
            text = written
    return ResolveApprovalCommand.trusted(
        approval_id=approval_id, decision=word, arguments_text=text, digest=digest, reason=reason
    )


def _resolved(
    effect: RequestApprovalEffect,
    decision: ApprovalDecision,
    *,
    reason: str = "",
    arguments_text: str | None = None,
) -> ResolveApprovalCommand:
    return ResolveApprovalCommand.trusted(
        approval_id=effect.approval_id,
        decision=decision,
        digest=effect.digest,
        reason=reason or None,
        arguments_text=arguments_text,
    )
