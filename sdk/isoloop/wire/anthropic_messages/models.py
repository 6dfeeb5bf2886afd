"""What differs between Anthropic's models, as dated data. Last looked at on 2026-11-21.

Only what changes a request. A model that is not listed is taken for a new one of the vendor, or, if its name does not
say `claude`, for a compatible host's that speaks the oldest form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Enough for a long answer of a program, and within what every current model allows.
DEFAULT_MAX_TOKENS = 32_000
# Below this the API refuses a thinking budget.
LEAST_BUDGET = 1024
# Room for the answer itself beside a thinking budget.
ANSWER_ROOM = 8192

# claude-3-5-sonnet-20241022, claude-opus-4-1, anthropic/claude-sonnet-4.5, us.anthropic.claude-haiku-4-5-20251001-v1:0
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)")
_NEWEST = (99, 0)
_OLDEST = (0, 0)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a request must respect."""

    max_output_tokens: int
    adaptive_thinking: bool
    """`thinking: {"type":"adaptive"}` with `output_config.effort`; older models take a budget instead."""
    xhigh_effort: bool
    structured_output: bool


def facts_of(model: str) -> ModelFacts:
    """Look up a model by its name."""
    version = _version(model)
    return ModelFacts(
        max_output_tokens=_max_output_tokens(model, version),
        # Since 4.6; from 4.7 on a budget is refused ("thinking.type.enabled" is not supported for this model).
        adaptive_thinking=version >= (4, 6),
        # 4.6 refuses it: recording test_anthropic_explicit_effort_xhigh_unsupported_model_errors, 2026-04.
        xhigh_effort=version >= (4, 7),
        structured_output=version >= (4, 5),
    )


def _version(model: str) -> tuple[int, int]:
    found = _VERSION.search(model)
    if found is None:
        return _NEWEST if "claude" in model else _OLDEST
    return int(found[1]), int(found[2] or 0)


def _max_output_tokens(model: str, version: tuple[int, int]) -> int:
    if version == _OLDEST:
        return 64_000  # a compatible host: not known, and none refuses our default
    if version < (3, 5):
        return 4096
    if version < (3, 7):
        return 8192
    if "opus" in model and version in {(4, 0), (4, 1)}:
        return 32_000
    return 64_000 if version < (4, 6) else 128_000
