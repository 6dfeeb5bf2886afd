"""The members of a request that follow from a run's settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, json

from isoloop.contract import (
    FunctionTool,
    ModelSettings,
    ProviderTool,
    ThinkingBudget,
    ThinkingDisabled,
    ThinkingEffort,
    ToolChoiceNone,
    ToolChoiceRequired,
    ToolChoiceTool,
)
from isoloop.wire._settings import unsendable
from isoloop.wire.openai_responses.models import reasons

if TYPE_CHECKING:
    from isoloop.contract import OutputSpec, RunConfig, ToolDefinition

DIALECT = "openai-responses"

# What a stateless caller needs to send reasoning back.
_ENCRYPTED = "reasoning.encrypted_content"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


class _Hosted(Struct):
    """`{"type":"web_search"}`, or `{"type":"mcp","server_label":"docs"}`."""

    type: str = ""
    name: str | None = None
    server_label: str | None = None


def settings_of(config: RunConfig) -> dict[str, Any]:
    """Give the members that hold for every turn.

    Raises:
        Unsendable: The API has no member for a setting.
    """
    settings = config.settings or ModelSettings.trusted()
    for name, value in (("topK", settings.top_k), ("stopSequences", settings.stop_sequences)):
        if value:
            raise unsendable(
                f"The Responses API has no member for {name}. Leave it out, or use openai-chat "
                "where the model's host knows it."
            )
    asked: dict[str, Any] = {
        "max_output_tokens": settings.max_output_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "parallel_tool_calls": settings.parallel_tool_calls if config.tools else None,
        "reasoning": _reasoning(config, settings),
        "text": None if config.output is None else {"format": _format(config.output)},
    }
    members = {name: value for name, value in asked.items() if value is not None}
    # A transcript belongs to its caller: nothing is looked up on a server, nor kept there.
    members["store"] = False
    if reasons(config.model.model):
        members["include"] = [_ENCRYPTED]
    return members


def _reasoning(config: RunConfig, settings: ModelSettings) -> dict[str, Any] | None:
    # "reasoning":{"effort":"high","summary":"auto"}
    match settings.thinking:
        case None:
            return None
        case ThinkingEffort(effort=effort):
            return {"effort": effort, "summary": "auto"}
        case ThinkingDisabled():
            return {"effort": "none"} if reasons(config.model.model) else None
        case ThinkingBudget():
            raise unsendable(
                "The Responses API knows no thinking budget. Ask for an effort instead."
            )


def _format(output: OutputSpec) -> dict[str, Any]:
    # "text":{"format":{"type":"json_schema","name":"weather","schema":{…}}}
    name = _NOT_A_NAME.sub("_", output.name or "output")[:_LONGEST_NAME]
    return {"type": "json_schema", "name": name, "schema": output.json_schema}


def included(members: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Let the caller ask for more to be included without losing the encrypted reasoning."""
    asked: Any = options.get("include")
    ours: Any = members.get("include")
    if not isinstance(asked, list) or not isinstance(ours, list):
        return options
    both = [*cast("list[Any]", ours), *cast("list[Any]", asked)]
    return {**options, "include": list(dict.fromkeys(map(str, both)))}


def choosable(config: RunConfig) -> dict[str, dict[str, Any]]:
    """Give each tool that a choice may name, with what it is called on the wire."""
    found: dict[str, dict[str, Any]] = {}
    for tool in config.tools or ():
        name, choice = _choice_of(tool)
        found.setdefault(name, choice)
    return found


def _choice_of(tool: ToolDefinition) -> tuple[str, dict[str, Any]]:
    match tool:
        case FunctionTool(name=name):
            return name, {"type": "function", "name": name}
        case ProviderTool(json_text=text):
            try:
                hosted = json.decode(text, type=_Hosted)
            except ValueError as error:
                raise unsendable(f"A provider tool is not a JSON object: {error}") from error
            if hosted.type == "mcp" and hosted.server_label:
                return hosted.server_label, {"type": "mcp", "server_label": hosted.server_label}
            if hosted.name:
                return hosted.name, {"type": hosted.type, "name": hosted.name}
            return hosted.type, {"type": hosted.type}


def tool_choice_of(
    config: RunConfig, turn: int, names: dict[str, dict[str, Any]]
) -> str | dict[str, Any] | None:
    """Give `tool_choice`. A forced one holds for the first turn, or no loop would end."""
    match config.tool_choice:
        case None:
            return None
        case ToolChoiceNone():
            return "none"
        case ToolChoiceRequired(every_turn=every) if turn == 1 or every:
            return "required"
        case ToolChoiceTool(name=name, every_turn=every) if turn == 1 or every:
            return names[name]
        case _:
            return "auto"
