"""The agent: a model, instructions and tools, ready to be run any number of times."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from typing_extensions import TypeVar

from isoloop.errors import UsageError
from isoloop.perform.environment import Environment
from isoloop.perform.gates import NO_HOOKS
from isoloop.perform.model import Model
from isoloop.runtime.options import DEFAULT_LIMITS, DEFAULT_RETRY
from isoloop.tools._tool import Tool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from types import UnionType

    from isoloop.contract import (
        JsonObject,
        KnownEvent,
        Message,
        ModelSettings,
        ProviderTool,
        QueueMode,
        RunConfig,
        TextBlock,
        ToolDefinition,
    )
    from isoloop.perform.gates import Approver, Hooks, Policy
    from isoloop.perform.port import AnyModel
    from isoloop.perform.validate_output import Output
    from isoloop.runtime._start import Choice, Input
    from isoloop.runtime.handle import RunHandle
    from isoloop.runtime.options import Limits, Retry
    from isoloop.runtime.result import RunResult

DepsT = TypeVar("DepsT", default=object)
OutputT = TypeVar("OutputT", default=None)

Instructions: TypeAlias = "str | Sequence[TextBlock]"
_SCHEDULING = ("auto", "parallel", "sequential")
_ABSENT: Any = object()
_ENVIRONMENT = Environment()


class Agent(Generic[DepsT, OutputT]):
    """A model, instructions and tools.

    An agent holds no conversation: any number of its runs may be active at once, and the caller
    keeps the history (`RunResult.messages`).

    Args:
        model: A name such as `"anthropic:claude-sonnet-4-5"`, a `Model`, or a scripted model in
            tests.
        instructions: The system prompt: text, a list of text blocks, or a callable that is given
            the run's `deps` and gives one of them, or an awaitable of it.
        tools: What the model may ask for, in the order in which every request lists them.
        output: The structured output that is wanted: a type (pydantic model, dataclass, TypedDict),
            a union of them, or a JSON Schema of an object. The model is asked for a union under the
            member `value`; annotate such an agent as `Agent[Deps, A | B]`.
        settings: How the model is asked: temperature, thinking, and so on.
        limits: Bounds on a run.
        retry: When a failed model call is tried again.
        policy: Decides for each call whether it is allowed, denied, or needs an approval.
        hooks: What is called before and after each tool.
        approve: Decides on calls that need an approval. Without it they are denied. With `"later"`
            they wait for `RunHandle.resolve_approval`, so use `start` then.
        scheduling: Which calls of a turn run side by side: `auto` (stretches of read-only calls
            together, others alone), `parallel` or `sequential`.
        environment: Clock, randomness and ids.

    Raises:
        UsageError: Something cannot work as it was given; the message says what to change.
    """

    def __init__(  # noqa: PLR0913 -- options are keyword-only
        self,
        model: str | AnyModel,
        *,
        instructions: Instructions
        | Callable[[DepsT], Instructions | Awaitable[Instructions]]
        | None = None,
        tools: Sequence[Tool[DepsT] | ProviderTool] | None = None,
        output: type[OutputT] | UnionType | JsonObject | None = None,
        settings: ModelSettings | None = None,
        limits: Limits = DEFAULT_LIMITS,
        retry: Retry = DEFAULT_RETRY,
        policy: Policy | None = None,
        hooks: Hooks = NO_HOOKS,
        approve: Approver | Literal["later"] | None = None,
        scheduling: Literal["auto", "parallel", "sequential"] = "auto",
        environment: Environment = _ENVIRONMENT,
    ) -> None:
        if scheduling not in _SCHEDULING:
            raise UsageError(f"scheduling is {scheduling!r}; it must be one of {_SCHEDULING}.")
        if isinstance(approve, str) and approve != "later":
            raise UsageError(f'approve is {approve!r}; it must be a callable or "later".')
        self.model: AnyModel = Model(model) if isinstance(model, str) else model
        self.instructions = instructions
        self._offered = tuple(tools or ())
        self.tools = _by_name(self._offered)
        self.output: Output[OutputT] | None = None if output is None else _compiled(output)
        self.settings = settings
        self.limits = limits
        self.retry = retry
        self.policy = policy
        self.hooks = hooks
        self.approve: Approver | Literal["later"] | None = approve
        self.scheduling: Literal["auto", "parallel", "sequential"] = scheduling
        self.environment = environment
        self.shared_config: RunConfig | None = None

    async def run(
        self,
        input: Input,  # noqa: A002 -- the contract's word
        *,
        history: Sequence[Message] = (),
        deps: DepsT = _ABSENT,
        run_id: str | None = None,
        tool_choice: Choice | None = None,
    ) -> RunResult[OutputT]:
        """Run the loop to its end.

        Contract: limits, incomplete answers and aborts are outcomes of the result. Asyncio
        cancellation aborts the run, closes what is open, and is raised.

        Args:
            input: What the caller says: text, a message, or a list of messages, which may begin
                with the results of an earlier run's `pending_calls`.
            history: What was said before, for example `messages` of an earlier result.
            deps: What instructions and tools receive.
            run_id: The run's id, instead of a new one.
            tool_choice: `"auto"`, `"none"`, `"required"`, or a `ToolChoice` record; a forced choice
                applies to the first turn only, unless it says otherwise.

        Raises:
            RunFailed: The run failed; it carries the partial result.
            UsageError: The run cannot begin as it was asked for.
        """
        return await self._handle(
            input, history=history, deps=deps, run_id=run_id, tool_choice=tool_choice
        ).here()

    def stream(
        self,
        input: Input,  # noqa: A002 -- the contract's word
        *,
        history: Sequence[Message] = (),
        deps: DepsT = _ABSENT,
        run_id: str | None = None,
        tool_choice: Choice | None = None,
    ) -> AsyncGenerator[KnownEvent, None]:
        """Run the loop and give its events, from `agent_start` to `agent_end`.

        Contract: begins at the first pull. A consumer that pauses stops the socket; one that
        leaves aborts the run. When the run failed, `RunFailed` is raised after `agent_end`.

        Args:
            input: What the caller says: text, a message, or a list of messages, which may begin
                with the results of an earlier run's `pending_calls`.
            history: What was said before, for example `messages` of an earlier result.
            deps: What instructions and tools receive.
            run_id: The run's id, instead of a new one.
            tool_choice: See `run`.

        Raises:
            RunFailed: The run failed; it carries the partial result.
            UsageError: The run cannot begin as it was asked for.
        """
        return self._handle(
            input, history=history, deps=deps, run_id=run_id, tool_choice=tool_choice
        ).stream()

    def run_sync(
        self,
        input: Input,  # noqa: A002 -- the contract's word
        *,
        history: Sequence[Message] = (),
        deps: DepsT = _ABSENT,
        run_id: str | None = None,
        tool_choice: Choice | None = None,
    ) -> RunResult[OutputT]:
        """Run the loop to its end from code that is not async, also inside a notebook.

        Contract: all such runs of a process share one event loop in a thread of its own.
        `KeyboardInterrupt` aborts the run and is raised when it is closed.

        Args:
            input: What the caller says: text, a message, or a list of messages, which may begin
                with the results of an earlier run's `pending_calls`.
            history: What was said before, for example `messages` of an earlier result.
            deps: What instructions and tools receive.
            run_id: The run's id, instead of a new one.
            tool_choice: See `run`.

        Raises:
            RunFailed: The run failed; it carries the partial result.
            UsageError: The run cannot begin as it was asked for.
        """
        from isoloop.runtime.sync import wait_for

        return wait_for(
            self.run(input, history=history, deps=deps, run_id=run_id, tool_choice=tool_choice)
        )

    def start(  # noqa: PLR0913 -- options are keyword-only
        self,
        input: Input,  # noqa: A002 -- the contract's word
        *,
        history: Sequence[Message] = (),
        deps: DepsT = _ABSENT,
        run_id: str | None = None,
        tool_choice: Choice | None = None,
        steering_mode: QueueMode = "one",
        follow_up_mode: QueueMode = "one",
    ) -> RunHandle[OutputT]:
        """Start a run in the background and give its handle.

        Contract: needs a running event loop. The run begins when the caller next awaits something,
        so `events()` can be opened first.

        Args:
            input: What the caller says: text, a message, or a list of messages, which may begin
                with the results of an earlier run's `pending_calls`.
            history: What was said before, for example `messages` of an earlier result.
            deps: What instructions and tools receive.
            run_id: The run's id, instead of a new one.
            tool_choice: See `run`.
            steering_mode: Whether steering enters one message at a time or all at once.
            follow_up_mode: The same for follow-ups.

        Raises:
            UsageError: The run cannot begin as it was asked for.
        """
        return self._handle(
            input,
            history=history,
            deps=deps,
            run_id=run_id,
            tool_choice=tool_choice,
            steering_mode=steering_mode,
            follow_up_mode=follow_up_mode,
        ).begin()

    @functools.cached_property
    def definitions(self) -> tuple[ToolDefinition, ...]:
        """The tools as the contract describes them, in order."""
        return tuple(tool.definition if isinstance(tool, Tool) else tool for tool in self._offered)

    def _handle(  # noqa: PLR0913 -- options are keyword-only
        self,
        said: Input,
        *,
        history: Sequence[Message],
        deps: object,
        run_id: str | None,
        tool_choice: Choice | None,
        steering_mode: QueueMode = "one",
        follow_up_mode: QueueMode = "one",
    ) -> RunHandle[OutputT]:
        from isoloop.runtime import _start
        from isoloop.runtime.handle import RunHandle

        start = _start.Start(
            agent=self,
            run_id=self.environment.new_id("run") if run_id is None else run_id,
            input=_start.input_messages(said),
            history=_start.history_messages(history),
            deps=self._checked_deps(deps),
            tool_choice=_start.tool_choice(tool_choice),
            steering_mode=steering_mode,
            follow_up_mode=follow_up_mode,
        )
        return RunHandle(start, self.output)

    def _checked_deps(self, deps: object) -> object:
        if deps is not _ABSENT:
            return deps
        for tool in self.tools.values():
            if tool.deps_type is not None:
                shown = getattr(tool.deps_type, "__name__", repr(tool.deps_type))
                raise UsageError(
                    f"tool {tool.name} needs dependencies of type {shown}, and the run has none. "
                    "Hand them in as deps=..."
                )
        return None


def _by_name(offered: Sequence[Tool[Any] | ProviderTool]) -> dict[str, Tool[Any]]:
    tools: dict[str, Tool[Any]] = {}
    for tool in offered:
        if callable(tool) and not isinstance(tool, Tool):
            name = getattr(tool, "__name__", repr(tool))
            raise UsageError(f"tools: {name} is a plain function. Decorate it with @tool.")
        if isinstance(tool, Tool):
            if tool.name in tools:
                raise UsageError(
                    f"tools: two have the name {tool.name!r}. Give one of them another name, "
                    "for example by @tool(name=...)."
                )
            tools[tool.name] = tool
    return tools


def _compiled(output: Any) -> Output[Any]:
    from isoloop.perform.validate_output import Output

    return Output(output)
