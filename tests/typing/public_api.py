"""The types that users see, checked by pyright in `nox -s types`; never run."""

from __future__ import annotations

from typing import assert_never, assert_type

from pydantic import BaseModel

from isoloop import (
    Agent,
    AssistantMessage,
    Event,
    Message,
    RunFailed,
    RunHandle,
    RunResult,
    TextBlock,
    Tool,
    ToolContext,
    ToolResultMessage,
    UserMessage,
    tool,
)


class Answer(BaseModel):
    """A structured output."""

    text: str


class Deps:
    """What tools are given."""


@tool(read_only=True)
async def search(query: str) -> str:
    """Search the web."""
    return query


@tool
def look_up(context: ToolContext[Deps], name: str) -> list[str]:
    """Look a name up, with what the application has."""
    assert_type(context.deps, Deps)
    return [name]


plain_tool: Tool = search
tool_with_deps: Tool[Deps] = look_up


async def plain() -> None:
    """Without an output type there is no output."""
    agent = Agent("anthropic:claude-sonnet-4-5", instructions="Be brief.", tools=[search])
    result = await agent.run("What is Rust?")
    assert_type(result, RunResult[None])
    assert_type(result.text, str)
    assert_type(result.output, None)
    assert_type(result.messages, list[Message])
    assert_type(agent.run_sync("What is Rust?"), RunResult[None])


async def structured() -> None:
    """An output type is the type of the output."""
    agent = Agent("anthropic:claude-sonnet-4-5", tools=[search], output=Answer)
    assert_type(await agent.run("What is Rust?"), RunResult[Answer])
    handle = agent.start("What is Rust?")
    assert_type(handle, RunHandle[Answer])
    assert_type((await handle.result()).output, Answer | None)


async def events() -> None:
    """An event is told by its type, and its members follow."""
    agent = Agent("anthropic:claude-sonnet-4-5", tools=[tool_with_deps])
    async for event in agent.stream("What is Rust?", deps=Deps()):
        assert_type(event, Event)
        match event.type:
            case "text_delta":
                assert_type(event.delta, str)
                assert_type(event.turn, int)
            case "agent_end":
                assert_type(event.undelivered, list[UserMessage])
            case _:
                pass


def messages(message: Message) -> str:
    """A message is one of three."""
    match message:
        case UserMessage():
            return "user"
        case AssistantMessage():
            return message.stop_reason
        case ToolResultMessage():
            return message.tool_name
        case _:
            assert_never(message)


def failure(error: RunFailed) -> None:
    """A failure carries what there was before it."""
    assert_type(error.result.new_messages, list[Message])


def values() -> None:
    """A constant need not be written; a required member must."""
    assert_type(TextBlock(text="x").text, str)
    TextBlock()  # pyright: ignore[reportCallIssue] -- `text` is missing
    TextBlock(text=5)  # pyright: ignore[reportArgumentType] -- `"5"` is not 5
