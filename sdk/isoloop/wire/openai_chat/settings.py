"""The members of a request that follow from a run's settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

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
from isoloop.wire._json import encode_text
from isoloop.wire._settings import check_tool_choice, unsendable

if TYPE_CHECKING:
    from isoloop.contract import OutputSpec, RunConfig, ToolDefinition
    from isoloop.wire.openai_chat.vendors import Vendor

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


class _Named(Struct):
    name: str | None = None


class _ProviderTool(Struct):
    type: str | None = None
    custom: _Named | None = None


def thinking_of(settings: ModelSettings, vendor: Vendor) -> dict[str, Any]:
    """Say how hard to think, in the vendor's form."""
    match settings.thinking, vendor.thinking:
        case None, _:
            return {}
        case ThinkingBudget(budget_tokens=budget), "reasoning":
            return {"reasoning": {"max_tokens": budget}}
        case ThinkingBudget(), _:
            raise unsendable(
                "A thinking budget cannot be sent to openai-chat. Ask for an effort instead."
            )
        case ThinkingDisabled(), "thinking":
            return {"thinking": {"type": "disabled"}}
        case ThinkingEffort(effort=effort), "thinking":
            return {"thinking": {"type": "enabled"}, "reasoning_effort": effort}
        case (ThinkingDisabled() | ThinkingEffort()) as thinking, form:
            effort = thinking.effort if isinstance(thinking, ThinkingEffort) else "none"
            return {"reasoning": {"effort": effort}} if form == "reasoning" else {form: effort}


def sampling_of(settings: ModelSettings, vendor: Vendor) -> dict[str, Any]:
    """Give the bounds and the sampling members as asked.

    Reasoning models refuse most of them, and OpenAI does not know `top_k`. The provider's 400 is
    louder than leaving them out would be.
    """
    members = {
        vendor.max_tokens: settings.max_output_tokens,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop": settings.stop_sequences or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def cache_of(settings: ModelSettings, vendor: Vendor) -> dict[str, Any]:
    """Ask for automatic caching where it must be asked for; most hosts do it unasked."""
    match settings.cache, vendor.cache:
        case ("short" | "long") as wanted, "cache_control":
            ttl = {"ttl": "1h"} if wanted == "long" else {}
            return {"cache_control": {"type": "ephemeral"} | ttl}
        case "long", "prompt_cache_breakpoint":
            return {"prompt_cache_options": {"ttl": "12h"}}
        case _:
            return {}


def output_of(output: OutputSpec | None, vendor: Vendor) -> dict[str, Any]:
    """Ask for structured output. The schema goes unchanged, so it is not declared `strict`."""
    if output is None:
        return {}
    if not vendor.json_schema:
        return {"response_format": {"type": "json_object"}}
    name = _NOT_A_NAME.sub("_", output.name or "output")[:_LONGEST_NAME]
    # "response_format":{"type":"json_schema","json_schema":{"name":"output","schema":{…}}}
    schema = {"name": name, "schema": output.json_schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def told_output(output: OutputSpec | None, vendor: Vendor) -> str:
    """Tell the schema in words where it cannot be asked for."""
    if output is None or vendor.json_schema:
        return ""
    schema = encode_text(output.json_schema)
    return f"Answer with a JSON object that is valid against this JSON Schema: {schema}"


def check_tools(config: RunConfig) -> None:
    """Refuse a forced choice that no answer could obey."""
    check_tool_choice(config, {_name_of(tool) for tool in config.tools or ()})


def _name_of(tool: ToolDefinition) -> str | None:
    match tool:
        case FunctionTool(name=name):
            return name
        case ProviderTool():
            return _custom_name(tool)


def _custom_name(tool: ProviderTool) -> str | None:
    # {"type":"custom","custom":{"name":"run_code"}}
    read = json.decode(tool.json_text, type=_ProviderTool, strict=False)
    return read.custom.name if read.custom is not None else None


def tool_choice_of(config: RunConfig, turn: int) -> Any:
    """Give `tool_choice`. A forced one holds for the first turn, or no loop would end."""
    match config.tool_choice:
        case None:
            return None
        case ToolChoiceNone():
            return "none"
        case ToolChoiceRequired(every_turn=every) if turn == 1 or every:
            return "required"
        case ToolChoiceTool(name=name, every_turn=every) if turn == 1 or every:
            customs = (_custom_name(t) for t in config.tools or () if isinstance(t, ProviderTool))
            kind = "custom" if name in customs else "function"
            return {"type": kind, kind: {"name": name}}
        case _:
            return "auto"
