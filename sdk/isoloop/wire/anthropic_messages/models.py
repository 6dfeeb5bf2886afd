"""What differs between Anthropic's models, as dated data. Last looked at on 2026-11-21.

Only what changes a request. A name that is not listed is taken for a model of today.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Enough for a long answer of a program, and within what every current model allows.
DEFAULT_MAX_TOKENS = 32_000
# Below this the API refuses a thinking budget.
LEAST_BUDGET = 1024
# Room for the answer itself beside a thinking budget.
ANSWER_ROOM = 4096

# claude-3-5-sonnet-20241022, claude-opus-4-1, anthropic/claude-sonnet-4.5,
# us.anthropic.claude-haiku-4-5-20251001-v1:0
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)")
_TODAY = (99, 0)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a request must respect."""

    default_max_tokens: int
    adaptive_thinking: bool
    """Thinks by `output_config.effort`; older models take a budget instead."""


def facts_of(model: str) -> ModelFacts:
    """Look up a model by its name."""
    version = _version(model)
    return ModelFacts(
        default_max_tokens=_default_max_tokens(version),
        # Since 4.6; from 4.7 on a budget is refused ("thinking.type.enabled" is not supported for
        # this model).
        adaptive_thinking=version >= (4, 6),
    )


def _version(model: str) -> tuple[int, int]:
    found = _VERSION.search(model)
    return _TODAY if found is None else (int(found[1]), int(found[2] or 0))


def _default_max_tokens(version: tuple[int, int]) -> int:
    if version < (3, 5):
        return 4096  # claude-3-opus, -sonnet, -haiku
    if version < (3, 7):
        return 8192  # claude-3-5-sonnet, -haiku
    return DEFAULT_MAX_TOKENS
