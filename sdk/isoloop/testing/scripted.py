"""A model that says what it was told to, through the same seam as a real one."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never, cast

from isoloop.contract import ModelRef, ToolCallBlock, Usage
from isoloop.wire import Aborted, AnswerBuilder, failure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from isoloop.contract import (
        ErrorCode,
        JsonObject,
        Message,
        Price,
        RunConfig,
        StopReason,
    )
    from isoloop.perform.environment import Environment
    from isoloop.perform.port import Publish
    from isoloop.wire import Ending, Piece


class Say:
    """A text block, in deltas. Each delta arrives by itself unless they come `at_once`."""

    def __init__(self, *deltas: str, at_once: bool = False) -> None:
        self.deltas = deltas
        self.at_once = at_once


class Think:
    """A thinking block, in deltas, with the signature that goes back to the model."""

    def __init__(self, *deltas: str, signature: str = "") -> None:
        self.deltas = deltas
        self.signature = signature


class Call:
    """A tool call.

    Args:
        tool: The tool asked for.
        arguments: The arguments: an object, or text that may be malformed.
        id: The provider's id of the call; made up when absent.
        **members: The arguments by name, instead of `arguments`.
    """

    def __init__(
        self,
        tool: str,
        arguments: JsonObject | str | None = None,
        *,
        id: str = "",  # noqa: A002 -- the contract's word
        **members: Any,
    ) -> None:
        self.tool = tool
        self.id = id
        value = members if arguments is None else arguments
        self.text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Fail:
    """The call of the model fails here. Before any content it may be retried."""

    code: ErrorCode
    message: str = "scripted failure"
    retryable: bool | None = None
    http_status: int | None = None
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing arrives for a time, by the run's clock."""

    ms: int


class Gate:
    """Holds a scripted model until a test lets it go on."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._open = asyncio.Event()

    async def reached(self) -> None:
        """Wait until the model has come to the gate."""
        await self._reached.wait()

    def open(self) -> None:
        """Let the model go on."""
        self._open.set()

    async def pass_through(self) -> None:
        """Wait at the gate; the model does this, and a tool of a test may."""
        self._reached.set()
        await self._open.wait()


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing arrives until the gate is opened."""

    gate: Gate


Step: TypeAlias = str | Say | Think | Call | Fail | Wait | Hold


class Reply:
    """One answer: steps, and how it ends.

    Args:
        *steps: Text, `Say`, `Think`, `Call`, `Fail`, `Wait`, `Hold`, in order.
        stop_reason: Why it ends; by default `tool_use` with calls, else `end_turn`.
        usage: What it consumed.
    """

    def __init__(
        self, *steps: Step, stop_reason: StopReason | None = None, usage: Usage | None = None
    ) -> None:
        self.steps = steps
        self.usage = usage
        calls = any(isinstance(step, Call) for step in steps)
        self.stop_reason: StopReason = stop_reason or ("tool_use" if calls else "end_turn")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a scripted model was sent."""

    messages: tuple[Message, ...]
    config: RunConfig
    turn: int


Script: TypeAlias = "Step | Reply | Sequence[Step] | Callable[[Sent], Any]"


class ScriptedModel:
    """A model that says what it was told to.

        model = ScriptedModel([Call("search", query="Rust"), "A language."])
        agent = Agent(model, tools=[search])

    Contract: each call of the model takes the next reply, a retry too. When none is left the call
    fails with the code `config`, so that a test that asks too often goes red. A reply may be a
    function of what was sent, sync or async, that returns a reply.

    Args:
        replies: What it says, call by call; or one function that answers every call.
        price: What it costs.
        name: What it is called.

    Attributes:
        requests: What it was sent, call by call.
    """

    streams = True

    def __init__(
        self,
        replies: Sequence[Script] | Callable[[Sent], Any],
        *,
        price: Price | None = None,
        name: str = "scripted",
    ) -> None:
        self._always = replies if callable(replies) else None
        self._replies = [] if callable(replies) else list(replies)
        self.price = price
        self.ref = ModelRef(dialect="anthropic-messages", model=name)
        self.requests: list[Sent] = []

    @property
    def remaining(self) -> int:
        """How many replies nobody has asked for."""
        return len(self._replies) - min(len(self.requests), len(self._replies))

    def assert_done(self) -> None:
        """Make sure that every reply was asked for.

        Raises:
            AssertionError: Some were not.
        """
        if self.remaining:
            raise AssertionError(f"{self.remaining} scripted replies were never asked for")

    def caller(self, config: RunConfig, environment: Environment) -> ScriptedCaller:
        """Give a run access to the model."""
        return ScriptedCaller(self, config, environment)

    async def reply_to(self, sent: Sent) -> Reply:
        """Take the next reply."""
        number = len(self.requests)
        self.requests.append(sent)
        said: Any = self._always
        if said is None:
            if number >= len(self._replies):
                return Reply(
                    Fail(
                        "config",
                        f"The script has {len(self._replies)} replies, and this is call "
                        f"{number + 1} of the model.",
                        retryable=False,
                    )
                )
            said = self._replies[number]
        while callable(said):
            said = said(sent)
            if inspect.isawaitable(said):
                said = await said
        if isinstance(said, Reply):
            return said
        if isinstance(said, (list, tuple)):
            return Reply(*cast("Sequence[Step]", said))
        return Reply(said)


@dataclass
class ScriptedCaller:
    """A run's access to a scripted model."""

    model: ScriptedModel
    config: RunConfig
    environment: Environment
    messages: list[Message] = field(default_factory=list["Message"])

    def append(self, message: Message) -> None:
        """Add the next message of the transcript."""
        self.messages.append(message)

    def attempt(self, turn: int) -> ScriptedAttempt:
        """Prepare a call with the messages so far."""
        return ScriptedAttempt(self, Sent(tuple(self.messages), self.config, turn))


class ScriptedAttempt:
    """One call of a scripted model."""

    def __init__(self, caller: ScriptedCaller, sent: Sent) -> None:
        self._caller = caller
        self._sent = sent
        taken = {
            block.id
            for message in sent.messages
            if message.role == "assistant"
            for block in message.content
            if isinstance(block, ToolCallBlock)
        }
        self._builder = AnswerBuilder(caller.model.ref, taken)

    @property
    def end(self) -> Ending | None:
        """How it ended, once it has."""
        return self._builder.end

    def abort(self) -> list[Piece]:
        """Close what a stopped call left open."""
        out: list[Piece] = []
        if self._builder.end is None:
            self._builder.aborted(out, None)
        return out

    async def run(self, publish: Publish) -> Ending:
        """Say what the script says."""
        reply = await self._caller.model.reply_to(self._sent)
        for step in reply.steps:
            await self._take(step, reply, publish)
            if self._builder.end is not None:
                return self._builder.end
        out: list[Piece] = []
        raw = "" if reply.stop_reason == "unknown" else None
        self._builder.answered(out, reply.stop_reason, raw_stop_reason=raw, usage=reply.usage)
        publish(out)
        return self._builder.end or Aborted(None, None)

    async def _take(self, step: Step, reply: Reply, publish: Publish) -> None:
        builder = self._builder
        out: list[Piece] = []
        match step:
            case str():
                await self._take(Say(step), reply, publish)
            case Say():
                text = builder.text(out)
                for delta in step.deltas:
                    text.add_any(delta, out)
                    if not step.at_once:
                        out = await _arrived(out, publish)
                builder.close(text, out)
                await _arrived(out, publish)
            case Think():
                thinking = builder.thinking(out)
                for delta in step.deltas:
                    thinking.add_any(delta, out)
                    out = await _arrived(out, publish)
                thinking.signature = step.signature
                builder.close(thinking, out)
                await _arrived(out, publish)
            case Call():
                call = builder.tool_call(out, step.id, step.tool, {})
                out = await _arrived(out, publish)
                middle = len(step.text) // 2
                for part in (step.text[:middle], step.text[middle:]):
                    call.add_any(part, out)
                    out = await _arrived(out, publish)
                builder.close(call, out)
                await _arrived(out, publish)
            case Fail():
                error = failure(
                    step.code,
                    step.message,
                    retryable=step.retryable,
                    http_status=step.http_status,
                    retry_after_ms=step.retry_after_ms,
                )
                builder.failed(out, error, reply.usage)
                publish(out)
            case Wait():
                clock = self._caller.environment.clock
                await clock.sleep_until(clock.now_ms() + step.ms)
            case Hold():
                await step.gate.pass_through()
            case _:
                assert_never(step)


async def _arrived(out: list[Piece], publish: Publish) -> list[Piece]:
    """Publish what has come so far, and let others go on, as between two network chunks."""
    room = publish(out)
    await (_Pass() if room is None else room)
    return []


class _Pass:
    """Awaiting it lets the event loop make one pass."""

    def __await__(self) -> Generator[None, None, None]:
        yield
