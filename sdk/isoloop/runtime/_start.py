"""From what a caller wrote to what the engine takes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from isoloop.contract import (
    AssistantMessage,
    RunConfig,
    TextBlock,
    ToolChoiceAuto,
    ToolChoiceNone,
    ToolChoiceRequired,
    ToolResultMessage,
    UserMessage,
)
from isoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from isoloop.contract import InputMessage, Message, QueueMode, ToolChoice
    from isoloop.runtime.agent import Agent

Input: TypeAlias = "str | UserMessage | Sequence[InputMessage]"
Choice: TypeAlias = "Literal['auto', 'none', 'required'] | ToolChoice"
Instructions: TypeAlias = "str | Sequence[TextBlock]"


_CHOICES: dict[str, ToolChoice] = {
    "auto": ToolChoiceAuto.trusted(),
    "none": ToolChoiceNone.trusted(),
    "required": ToolChoiceRequired.trusted(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """All that one run was asked for."""

    agent: Agent[Any, Any]
    run_id: str
    input: list[InputMessage]
    history: list[Message]
    deps: object
    tool_choice: ToolChoice | None
    steering_mode: QueueMode
    follow_up_mode: QueueMode

    def config(self, instructions: Instructions | None) -> RunConfig:
        """Write the configuration of the run.

        Most runs of an agent share one: it is made once (10 µs) and handed out again.
        """
        agent = self.agent
        shared = (self.tool_choice, self.steering_mode, self.follow_up_mode) == (None, "one", "one")
        if shared and not callable(agent.instructions):
            if agent.shared_config is None:
                agent.shared_config = self._config(instructions)
            return agent.shared_config
        return self._config(instructions)

    def _config(self, instructions: Instructions | None) -> RunConfig:
        agent = self.agent
        limits = agent.limits
        output = agent.output
        return RunConfig.trusted(
            model=agent.model.ref,
            instructions=_blocks(instructions),
            tools=list(agent.definitions) or None,
            tool_choice=self.tool_choice,
            settings=agent.settings,
            output=None if output is None else output.spec,
            stream=agent.model.streams,
            scheduling=agent.scheduling,
            max_concurrency=limits.max_concurrency,
            limits=limits.in_contract(),
            retry=agent.retry.in_contract(),
            steering_mode=self.steering_mode,
            follow_up_mode=self.follow_up_mode,
            result_limit_bytes=limits.result_limit_bytes,
            price=agent.model.price,
        )


def input_messages(said: object) -> list[InputMessage]:
    """Read an input: results of pending calls, then what a user says.

    Raises:
        UsageError: It is none.
    """
    if isinstance(said, str):
        return [UserMessage.trusted(content=[TextBlock.trusted(text=said)])]
    if isinstance(said, UserMessage):
        return [said]
    kind = type(said).__name__
    if isinstance(said, Sequence):
        items = list(cast("Sequence[object]", said))
        if all(isinstance(item, UserMessage | ToolResultMessage) for item in items):
            return cast("list[InputMessage]", items)
    raise UsageError(
        f"input is a {kind}; it must be text, a UserMessage, or a list of UserMessages, which may "
        "begin with the ToolResultMessages of pending calls."
    )


def one_message(said: str | UserMessage) -> UserMessage:
    """Read a message to be queued."""
    messages = input_messages(said)
    if len(messages) != 1 or not isinstance(messages[0], UserMessage):
        raise UsageError("One message is queued at a time, and a user's: call once for each.")
    return messages[0]


def history_messages(history: Sequence[Message]) -> list[Message]:
    """Read a history.

    Raises:
        UsageError: It holds something that is no message.
    """
    messages = list(history)
    kinds = (UserMessage, AssistantMessage, ToolResultMessage)
    for index, message in enumerate(cast("list[object]", messages)):
        if not isinstance(message, kinds):
            raise UsageError(
                f"history[{index}] is a {type(message).__name__}; it must be a message of the "
                "contract, for example what RunResult.messages holds."
            )
    return messages


def tool_choice(choice: Choice | None) -> ToolChoice | None:
    """Read a tool choice.

    Raises:
        UsageError: It is none.
    """
    if not isinstance(choice, str):
        return choice
    if choice not in _CHOICES:
        raise UsageError(
            f'tool_choice is {choice!r}; it must be "auto", "none", "required" or a ToolChoice '
            "record, for example ToolChoiceTool(name=...)."
        )
    return _CHOICES[choice]


async def resolved(
    instructions: Callable[[Any], Instructions | Awaitable[Instructions]], deps: object
) -> Instructions:
    """Ask a callable for the instructions of a run.

    Raises:
        UsageError: It failed, or gave something else.
    """
    try:
        said = instructions(deps)
        return await said if inspect.isawaitable(said) else said
    except Exception as error:
        raise UsageError(f"the instructions callable failed: {error}") from error


def _blocks(instructions: Instructions | None) -> list[TextBlock] | None:
    match instructions:
        case None | "":
            return None
        case str():
            return [TextBlock.trusted(text=instructions)]
        case _:
            blocks = list(instructions)
            if not all(isinstance(block, TextBlock) for block in cast("list[object]", blocks)):
                raise UsageError("instructions must be text or a list of TextBlocks.")
            return blocks or None
