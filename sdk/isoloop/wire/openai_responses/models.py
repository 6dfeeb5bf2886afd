"""What differs between OpenAI's models, as dated data. Last looked at on 2026-11-21.

Only what changes a request. A name that is not listed is taken for a model of today, which reasons.
"""

from __future__ import annotations

import re

# gpt-4o-mini, openai/gpt-4.1, gpt-3.5-turbo, gpt-5-chat-latest, chatgpt-4o-latest,
# ft:gpt-4o-2024-08-06:acme
_PLAIN = re.compile(r"(?:^|[/:])(?:gpt-3\.5|gpt-4|gpt-5-chat|chatgpt-)")


def reasons(model: str) -> bool:
    """Whether a model reasons; others refuse `include` of what they never write."""
    return _PLAIN.search(model) is None
