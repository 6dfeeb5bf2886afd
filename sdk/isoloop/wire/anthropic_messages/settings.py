"""The members of a request that follow from a run's settings."""

from __future__ import annotations

from dataclasses import dataclass
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
from isoloop.wire._settings import check_tool_choice, unsendable
from isoloop.wire.anthropic_messages.models import (
    ANSWER_ROOM,
    LEAST_BUDGET,
    ModelFacts,
)

if TYPE_CHECKING:
    from isoloop.contract import Effort, RunConfig, ToolDefinition

# What an effort means to a model that takes a budget.
_BUDGETS: dict[Effort, int] = {
    "minimal": LEAST_BUDGET,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 24_576,
}


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model is told to think, and how many tokens it may write in all."""

    max_tokens: int
    members: dict[str, Any]
    effort: str | None


class _Named(Struct):
    name: str | None = None


def thinking_of(settings: ModelSettings, facts: ModelFacts) -> Thinking:
    """Decide how to think together with `max_tokens`, which bounds a budget."""
    wanted = settings.max_output_tokens
    plain = wanted or facts.default_max_tokens
    match settings.thinking:
        case None:
            return Thinking(plain, {}, None)
        case ThinkingDisabled():
            return Thinking(plain, {"type": "disabled"}, None)
        case ThinkingBudget(budget_tokens=budget):
            return _budgeted(wanted, plain, budget)
        case ThinkingEffort(effort=effort) if facts.adaptive_thinking:
            # The vendor's least effort is `low`.
            return Thinking(plain, {"type": "adaptive"}, "low" if effort == "minimal" else effort)
        case ThinkingEffort(effort=effort):
            return _budgeted(wanted, plain, _BUDGETS[effort])


def _budgeted(wanted: int | None, plain: int, budget: int) -> Thinking:
    if wanted is not None and budget >= wanted:
        raise unsendable(
            f"The thinking budget of {budget} tokens leaves nothing of maxOutputTokens ({wanted}). "
            "Raise maxOutputTokens or think less."
        )
    most = wanted or max(plain, budget + ANSWER_ROOM)
    return Thinking(most, {"type": "enabled", "budget_tokens": budget}, None)


def sampling_of(settings: ModelSettings) -> dict[str, Any]:
    """Give the sampling members as asked.

    A thinking model refuses most of them, and newer models all of them. The provider's 400 is
    louder than leaving them out would be (pi, A5, does that).
    """
    members = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "top_k": settings.top_k,
        "stop_sequences": settings.stop_sequences or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def check_tools(config: RunConfig) -> None:
    """Refuse a forced choice that no answer could obey."""
    check_tool_choice(config, set(map(_name_of, config.tools or ())))


def _name_of(tool: ToolDefinition) -> str | None:
    match tool:
        case FunctionTool(name=name):
            return name
        case ProviderTool(json_text=text):
            # {"type":"web_search_20250305","name":"web_search"}
            return json.decode(text, type=_Named, strict=False).name


def tool_choice_of(config: RunConfig, turn: int) -> dict[str, Any] | None:
    """Give `tool_choice`. A forced one holds for the first turn, or no loop would end."""
    settings = config.settings
    single = settings is not None and settings.parallel_tool_calls is False
    choice: dict[str, Any]
    match config.tool_choice:
        case None if not single:
            return None
        case ToolChoiceNone():
            return {"type": "none"}
        case ToolChoiceRequired(every_turn=every) if turn == 1 or every:
            choice = {"type": "any"}
        case ToolChoiceTool(name=name, every_turn=every) if turn == 1 or every:
            choice = {"type": "tool", "name": name}
        case _:
            choice = {"type": "auto"}
    if single:
        choice["disable_parallel_tool_use"] = True
    return choice
