"""The driver of the reference SDK: turns the suite's lines into calls of `isoloop`, and back."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

import isoloop
from isoloop import contract
from isoloop_conformance.driverkit import DriverCase, Port, serve

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

DIALECT_PREFIX = {
    "anthropic-messages": "anthropic",
    "openai-chat": "openai-chat",
    "openai-responses": "openai-responses",
}
FEATURES = [
    *("json_delivery", "virtual_clock", "parallel_tools", "abort", "steer", "follow_up", "hooks"),
    *("policy", "approval", "structured_output", "thinking", "images", "documents", "audio"),
    *("provider_tools", "tool_choice", "limits", "cost", "tool_timeout", "tool_progress"),
    *("result_limit", "back_pressure", "cache_breakpoints", "concurrent_runs"),
    "client_tools",
]
LIMITS = {
    "maxTurns": "max_turns",
    "deadlineMs": "deadline_s",
    "maxTokens": "max_tokens",
    "maxCostUsd": "max_cost_usd",
    "approvalTimeoutMs": "approval_timeout_s",
    "maxConcurrency": "max_concurrency",
    "resultLimitBytes": "result_limit_bytes",
}
RETRY = {
    "maxRetries": "max_retries",
    "baseDelayMs": "base_delay_s",
    "maxDelayMs": "max_delay_s",
    "jitter": "jitter",
    "maxServerDelayMs": "max_server_delay_s",
}
# What carries the requests: the command's argument, or what the SDK takes by itself.
HTTP: Any = sys.argv[1] if len(sys.argv) > 1 else None
MESSAGES: TypeAdapter[list[contract.Message]] = TypeAdapter(list[contract.Message])
INPUT: TypeAdapter[list[contract.InputMessage]] = TypeAdapter(list[contract.InputMessage])
BLOCKS: TypeAdapter[list[contract.ResultBlock]] = TypeAdapter(list[contract.ResultBlock])
TOOL_CHOICE: TypeAdapter[contract.ToolChoice] = TypeAdapter(contract.ToolChoice)
INSTRUCTIONS = TypeAdapter(list[contract.TextBlock])
Line = dict[str, Any]
Handle: TypeAlias = "isoloop.RunHandle[Any]"
Events: TypeAlias = "AsyncGenerator[contract.KnownEvent, None]"
Policy: TypeAlias = (
    "Callable[[isoloop.ToolCall], Awaitable[isoloop.Allow | isoloop.Deny | isoloop.Ask]]"
)
BeforeTool: TypeAlias = (
    "Callable[[isoloop.ToolCall], Awaitable[isoloop.Block | isoloop.Replace | None]]"
)
AfterTool: TypeAlias = (
    "Callable[[isoloop.ToolCall, contract.ToolResultMessage], Awaitable[isoloop.ToolResult | None]]"
)


class Case(DriverCase):
    """One case: one agent, any number of runs."""

    def __init__(self, port: Port, line: Line) -> None:
        super().__init__(port, line)
        self._handles: dict[str, Handle] = {}
        self._names: dict[str, str] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}

    async def begin(self, line: Line) -> None:
        """Build the agent."""
        setup: Line = line["agent"]
        chance = itertools.cycle(line["random"])
        sources: Line = {"random": lambda: next(chance), "new_id": self.port.new_id}
        if line["clock"]["mode"] == "virtual":
            sources["clock"] = self.clock
        self._choice = setup.get("toolChoice")
        self._modes = {
            "steering_mode": setup.get("steeringMode", "one"),
            "follow_up_mode": setup.get("followUpMode", "one"),
        }
        price = setup.get("price")
        limits: Line = {"max_turns": None}
        limits |= _options({**setup, **setup.get("limits", {})}, LIMITS)
        self._agent: isoloop.Agent[Any, Any] = isoloop.Agent(
            isoloop.Model(
                f"{DIALECT_PREFIX[line['dialect']]}:{line['model']}",
                base_url=line["baseUrl"],
                api_key=line["apiKey"],
                http=HTTP,
                prices=None if price is None else contract.Price.model_validate(price),
                stream=line["stream"],
            ),
            instructions=INSTRUCTIONS.validate_json(setup.get("instructionsJson", "[]")),
            tools=[self._tool(t) for t in setup.get("tools", [])],
            output=json.loads(setup["output"]["schemaJson"]) if "output" in setup else None,
            settings=contract.ModelSettings.model_validate(setup.get("settings", {})),
            limits=isoloop.Limits(**limits),
            retry=isoloop.Retry(**_options(setup.get("retry", {}), RETRY)),
            policy=self._policy(setup.get("hooks", [])),
            hooks=self._hooks(setup.get("hooks", [])),
            approve=self._approve if setup.get("approver") else None,
            scheduling=setup.get("scheduling", "auto"),
            environment=isoloop.Environment(**sources),
        )

    # ---- runs

    def on_run(self, line: Line) -> None:
        """Start a run."""
        run = line["run"]
        choice = None if self._choice is None else TOOL_CHOICE.validate_python(self._choice)
        try:
            handle = self._agent.start(
                # Not by pydantic's parser, which refuses half a surrogate pair before the SDK can.
                INPUT.validate_python(json.loads(line["inputJson"]), strict=True),
                history=MESSAGES.validate_python(json.loads(line["historyJson"]), strict=True),
                tool_choice=choice,
                **self._modes,
            )
            events = None if line["reader"] == "result" else handle.events()
        except ValidationError as error:
            self._refuse("run", run, "invalid", error)
            return
        except isoloop.Refused as error:
            self._refuse("run", run, error.code, error)
            return
        except isoloop.UsageError as error:
            self._refuse("run", run, "config", error)
            return
        self._handles[run] = handle
        self._names[handle.run_id] = run
        if line.get("abortAtOnce"):
            handle.abort()
        self.spawn(self._follow(line, handle, events))

    async def _follow(self, line: Line, handle: Handle, events: Events | None) -> None:
        run = line["run"]
        if events is not None:
            self._readers[run] = asyncio.ensure_future(self._read(line, events))
            await asyncio.wait((self._readers[run],))
        try:
            result = await handle.result()
        except isoloop.RunFailed as failed:
            result = failed.result
        except isoloop.Refused as error:
            self._refuse("run", run, error.code, error)
            return
        except isoloop.UsageError as error:
            self._refuse("run", run, "config", error)
            return
        self.port.send({"type": "result", "run": run, "resultJson": _result_json(result)})

    async def _read(self, line: Line, events: Events) -> None:
        try:
            await self.room(line)
            async for event in events:
                text = event.model_dump_json()
                self.port.send({"type": "event", "run": line["run"], "eventJson": text})
                if line["reader"] == "tampers":
                    _tamper(event)
                await self.room(line)
        finally:
            await events.aclose()

    def on_events_leave(self, line: Line) -> None:
        """Close the event iterator."""
        self._readers[line["run"]].cancel()

    def on_events_open(self, line: Line) -> None:
        """Open a second event iterator."""
        try:
            self._handles[line["run"]].events()
        except isoloop.UsageError as error:
            self._refuse("events", line["run"], "invalid", error)

    def on_steer(self, line: Line) -> None:
        """Queue steering."""
        self._command(line, lambda handle: handle.steer(_message(line)))

    def on_follow_up(self, line: Line) -> None:
        """Queue a follow-up."""
        self._command(line, lambda handle: handle.follow_up(_message(line)))

    def on_abort(self, line: Line) -> None:
        """Abort a run."""
        self._command(line, lambda handle: handle.abort(line.get("reason")))

    def _command(self, line: Line, do: Callable[[Handle], None]) -> None:
        try:
            do(self._handles[line["run"]])
        except isoloop.Refused as error:
            self._refuse(line["type"], line["run"], error.code, error)

    def _refuse(self, command: str, run: str, code: str, error: Exception) -> None:
        line = {"type": "refused", "command": command, "run": run, "code": code}
        self.port.send({**line, "message": str(error)})

    # ---- tools, policy, hooks, approvals: the runner answers for all of them

    def _tool(self, setup: Line) -> Any:
        if setup["type"] == "provider":
            return contract.ProviderTool.model_validate(setup)
        name = setup["name"]
        if setup.get("clientSide"):
            return isoloop.Tool.client(
                name,
                setup["description"],
                json.loads(setup["inputSchemaJson"]),
                requires_approval=setup.get("requiresApproval", False),
                strict=setup.get("strict", False),
                cache_breakpoint=setup.get("cacheBreakpoint"),
            )

        async def body(context: isoloop.ToolContext[Any], arguments: Line) -> Any:
            # The text tells more than the object; blank text stands for an empty one.
            text = context.arguments_text
            given = text if text.strip() else json.dumps(arguments)
            call = {"callId": context.call_id, "argumentsJson": given}
            line = {"type": "tool.call", "run": self._names[context.run_id], "name": name, **call}

            def report(progress: Line) -> None:
                context.progress(BLOCKS.validate_json(progress["contentJson"]))

            return _returned(await self.port.ask(line, report))

        timeout_ms = setup.get("timeoutMs")
        return isoloop.Tool.from_schema(
            name,
            setup["description"],
            json.loads(setup["inputSchemaJson"]),
            body,
            read_only=setup.get("access") == "read_only",
            requires_approval=setup.get("requiresApproval", False),
            repeatable=setup.get("repeatable", False),
            timeout_s=None if timeout_ms is None else timeout_ms / 1000,
            strict=setup.get("strict", False),
            cache_breakpoint=setup.get("cacheBreakpoint"),
        )

    async def _ask_hook(
        self, hook: Line, call: isoloop.ToolCall, result: contract.ToolResultMessage | None = None
    ) -> Line:
        line: Line = {
            "type": "hook.call",
            "run": self._names[call.run_id],
            "hook": hook["name"],
            "stage": hook["stage"],
            "callId": call.id,
            "name": call.name,
            "argumentsText": call.arguments_text,
        }
        if result is not None:
            line["resultJson"] = result.model_dump_json()
        answer = await self.port.ask(line)
        if answer["action"] == "raise":
            raise RuntimeError(answer["reason"])
        return answer

    def _policy(self, hooks: list[Line]) -> Policy | None:
        policies = [h for h in hooks if h["stage"] == "policy"]
        if not policies:
            return None

        async def policy(call: isoloop.ToolCall) -> isoloop.Allow | isoloop.Deny | isoloop.Ask:
            answer = await self._ask_hook(policies[0], call)
            match answer["action"]:
                case "deny":
                    return isoloop.Deny(answer["reason"])
                case "ask":
                    return isoloop.Ask()
                case _:
                    return isoloop.Allow()

        return policy

    def _hooks(self, hooks: list[Line]) -> isoloop.Hooks:
        def before(hook: Line) -> BeforeTool:
            async def ask(call: isoloop.ToolCall) -> isoloop.Block | isoloop.Replace | None:
                answer = await self._ask_hook(hook, call)
                match answer["action"]:
                    case "block":
                        return isoloop.Block(answer["reason"])
                    case "replace":
                        return isoloop.Replace(json.loads(answer["argumentsText"]))
                    case _:
                        return None

            return ask

        def after(hook: Line) -> AfterTool:
            async def ask(
                call: isoloop.ToolCall, result: contract.ToolResultMessage
            ) -> isoloop.ToolResult | None:
                answer = await self._ask_hook(hook, call, result)
                return _returned(answer) if answer["action"] == "result" else None

            return ask

        return isoloop.Hooks(
            before_tool=[before(h) for h in hooks if h["stage"] == "before_tool"],
            after_tool=[after(h) for h in hooks if h["stage"] == "after_tool"],
        )

    async def _approve(
        self, request: isoloop.ApprovalRequest
    ) -> isoloop.Allow | isoloop.Deny | isoloop.Edit:
        call = request.call
        line = await self.ask_approver(
            {
                "run": self._names[call.run_id],
                "approvalId": request.approval_id,
                "callId": call.id,
                "name": call.name,
                "argumentsText": call.arguments_text,
            }
        )
        match line["decision"]:
            case "allow":
                return isoloop.Allow()
            case "edit":
                return isoloop.Edit(json.loads(line["argumentsText"]))
            case _:
                return isoloop.Deny(line.get("reason", ""))


def _returned(line: Line) -> Any:
    """Do what the runner says that a body or an after-tool hook does."""
    match line:
        case {"type": "tool.raise"}:
            raise RuntimeError(line["message"])
        case {"type": "tool.return", "odd": odd}:
            return _odd(odd)
        case {"type": "tool.return"}:
            return json.loads(line["valueJson"])
        case _:
            details = json.loads(line["detailsJson"]) if "detailsJson" in line else None
            content = BLOCKS.validate_json(line["contentJson"])
            return isoloop.ToolResult(content, is_error=line["isError"], details=details)


def _odd(kind: str) -> Any:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    odd = {"cyclic": cyclic, "bytes": b"\xff", "nan": float("nan"), "nothing": None}
    return odd[kind]


def _tamper(value: Any) -> None:
    """Change whatever of an event Python lets its reader change."""
    match value:
        case list():
            items = cast("list[Any]", value)
            for item in items:
                _tamper(item)
            items.clear()
        case dict():
            members = cast("Line", value)
            for member in members.values():
                _tamper(member)
            members.clear()
        case BaseModel():
            for name in type(value).model_fields:
                _tamper(getattr(value, name))
                with contextlib.suppress(ValidationError, AttributeError, TypeError):
                    setattr(value, name, None)
        case _:
            pass


def _message(line: Line) -> contract.UserMessage:
    return contract.UserMessage.model_validate_json(line["messageJson"])


def dialects() -> list[str]:
    """Return the dialects that the SDK takes a model of."""
    return [name for name, prefix in DIALECT_PREFIX.items() if _usable(prefix)]


def _usable(prefix: str) -> bool:
    try:
        isoloop.Model(f"{prefix}:any", api_key="any")
    except isoloop.UsageError:
        return False
    return True


def plant_mutant() -> None:
    """Break the SDK on purpose, to see whether the suite notices; unknown mutants are an error."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    importlib.import_module("mutants.plant").plant_from_environment()


def _options(given: Line, names: dict[str, str]) -> Line:
    """Name options as the SDK does; its times are in seconds."""
    return {
        name: given[member] / 1000 if name.endswith("_s") else given[member]
        for member, name in names.items()
        if member in given
    }


def _result_json(result: isoloop.RunResult[Any]) -> str:
    return contract.RunResult.trusted(
        run_id=result.run_id,
        outcome=result.outcome,
        new_messages=result.new_messages,
        usage=result.usage,
        cost=result.cost,
        stop_reason=result.stop_reason,
        output=result.output,
        error=result.error,
        undelivered=result.undelivered,
        pending_calls=result.pending_calls or None,
    ).model_dump_json()


if __name__ == "__main__":
    if "ISOLOOP_MUTANT" in os.environ:
        plant_mutant()
    serve(
        {
            "protocol": 1,
            "sdk": {"name": "isoloop", "version": version("isoloop"), "language": "python"},
            "capabilities": {"dialects": dialects(), "features": FEATURES},
        },
        Case,
    )
