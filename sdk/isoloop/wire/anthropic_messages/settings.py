"""The members of a request that follow from a run's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import json

from isoloop.contract import (
    ModelSettings,
    ThinkingBudget,
    ThinkingDisabled,
    ThinkingEffort,
    ToolChoiceAuto,
    ToolChoiceNone,
    ToolChoiceRequired,
    ToolChoiceTool,
)
from isoloop.wire._failure import failure
from isoloop.wire._port import Unsendable
from isoloop.wire.anthropic_messages.models import (
    ANSWER_ROOM,
    DEFAULT_MAX_TOKENS,
    LEAST_BUDGET,
    ModelFacts,
)

if TYPE_CHECKING:
    from isoloop.contract import Effort, RunConfig

# What an effort means to a model that takes a budget.
_BUDGETS: dict[Effort, int] = {
    "minimal": LEAST_BUDGET,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 24_576,
    "max": 32_000,
}


@dataclass(frozen=True, slots=True)
class Thinking:
    """How a model is told to think, and how many tokens it may write in all."""

    max_tokens: int
    members: dict[str, Any]
    effort: str | None
    on: bool


def unsendable(message: str) -> Unsendable:
    """Refuse what the dialect cannot express."""
    return Unsendable(failure("config", message))


def thinking_of(settings: ModelSettings, facts: ModelFacts) -> Thinking:
    """Decide `thinking`, `output_config.effort` and `max_tokens` together: the last bounds the first."""
    wanted = settings.max_output_tokens
    limit = facts.max_output_tokens
    plain = wanted or min(limit, DEFAULT_MAX_TOKENS)
    match settings.thinking:
        case None:
            return Thinking(plain, {}, None, on=False)
        case ThinkingDisabled():
            return Thinking(plain, {"type": "disabled"}, None, on=False)
        case ThinkingBudget(budget_tokens=budget):
            if wanted is not None and budget >= wanted:
                raise unsendable(
                    f"The thinking budget of {budget} tokens leaves nothing of maxOutputTokens ({wanted}). "
                    "Raise maxOutputTokens or lower the budget."
                )
            return _budgeted(wanted or min(limit, max(plain, budget + ANSWER_ROOM)), budget)
        case ThinkingEffort(effort=effort) if facts.adaptive_thinking:
            return Thinking(plain, {"type": "adaptive"}, _effort(effort, facts), on=True)
        case ThinkingEffort(effort=effort):
            budget = _BUDGETS[effort]
            most = wanted or min(limit, max(plain, budget + ANSWER_ROOM))
            if most <= LEAST_BUDGET:
                raise unsendable(
                    f"maxOutputTokens ({most}) leaves no room for thinking, which needs {LEAST_BUDGET}. "
                    "Raise it or disable thinking."
                )
            return _budgeted(most, max(LEAST_BUDGET, min(budget, most - LEAST_BUDGET)))


def _budgeted(max_tokens: int, budget: int) -> Thinking:
    return Thinking(max_tokens, {"type": "enabled", "budget_tokens": budget}, None, on=True)


def _effort(effort: Effort, facts: ModelFacts) -> str:
    if effort == "minimal":
        return "low"  # the vendor's least
    if effort == "xhigh" and not facts.xhigh_effort:
        return "high"
    return effort


def sampling_of(settings: ModelSettings, *, thinking: bool) -> dict[str, Any]:
    """Give the sampling members. A thinking model refuses `temperature` and `top_k`, and most of `top_p` (pi, A5)."""
    members: dict[str, Any] = {}
    if settings.temperature is not None and not thinking:
        members["temperature"] = settings.temperature
    if settings.top_p is not None and (not thinking or settings.top_p >= 0.95):
        members["top_p"] = settings.top_p
    if settings.top_k is not None and not thinking:
        members["top_k"] = settings.top_k
    if settings.stop_sequences:
        members["stop_sequences"] = settings.stop_sequences
    return members


def tool_choice_of(config: RunConfig, turn: int) -> dict[str, Any] | None:
    """Give `tool_choice`. A forced one holds for the first turn, or the loop would never end (decision 26)."""
    settings = config.settings
    single = settings is not None and settings.parallel_tool_calls is False
    choice: dict[str, Any] | None
    match config.tool_choice:
        case ToolChoiceNone():
            return {"type": "none"}
        case ToolChoiceRequired(every_turn=every) if turn == 1 or every:
            choice = {"type": "any"}
        case ToolChoiceTool(name=name, every_turn=every) if turn == 1 or every:
            choice = {"type": "tool", "name": name}
        case ToolChoiceAuto():
            choice = {"type": "auto"}
        case _:
            choice = {"type": "auto"} if single else None
    if choice is not None and single:
        choice["disable_parallel_tool_use"] = True
    return choice


def options_of(config: RunConfig) -> dict[str, Any]:
    """Give the caller's own members of the body."""
    given = config.settings.provider_options if config.settings else None
    if given is None or given.dialect != "anthropic-messages":
        return {}
    try:
        options = json.decode(given.json_text, type=dict[str, Any])
    except ValueError as error:
        raise unsendable(f"providerOptions is not a JSON object: {error}") from error
    for name in ("model", "messages", "stream"):
        if name in options:
            raise unsendable(f'providerOptions may not replace "{name}"; the loop needs it.')
    return options


def merged(members: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Let options win; an object is merged into an object."""
    out = dict(members)
    for name, value in options.items():
        known = out.get(name)
        both = isinstance(known, dict) and isinstance(value, dict)
        out[name] = merged(known, value) if both else value
    return out
