"""OpenAI's token counters, made into the contract's.

"usage":{"prompt_tokens":2572,"completion_tokens":63,"total_tokens":2635,
         "prompt_tokens_details":{"cached_tokens":2240,"cache_write_tokens":329},
         "completion_tokens_details":{"reasoning_tokens":17}}

`prompt_tokens` includes what the cache gave and took, `completion_tokens` includes the reasoning.
A vendor that counts the reasoning apart shows it by its sum: `total_tokens` is then all three.

Other names for the cached tokens: `prompt_cache_hit_tokens` (DeepSeek), `num_cached_tokens`
(Mistral), `cached_tokens` at the top (Moonshot).
"""

from __future__ import annotations

from typing import Any, cast

from isoloop.contract import Usage
from isoloop.wire._counters import count_of, merge_report, object_in

# Read into members of their own, or the sum of the others.
_READ = {"prompt_tokens", "completion_tokens", "total_tokens"}
_READ_DETAILS = {
    "prompt_tokens_details": {"cached_tokens", "cache_write_tokens"},
    "completion_tokens_details": {"reasoning_tokens"},
}
_CACHED = ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")


class UsageMeter:
    """Merges what the provider reports and derives the usage once, at the end."""

    __slots__ = ("_raw",)

    def __init__(self) -> None:
        self._raw: dict[str, Any] = {}

    def read(self, report: dict[str, Any] | None) -> None:
        """Take the last word of each counter."""
        merge_report(self._raw, report or {})

    def usage(self) -> Usage | None:
        """Derive the usage; nothing when nothing was reported."""
        if not self._raw:
            return None
        prompt = object_in(self._raw, "prompt_tokens_details")
        cached, written = self._cached(prompt), count_of(prompt, "cache_write_tokens")
        reasoning = count_of(object_in(self._raw, "completion_tokens_details"), "reasoning_tokens")
        return Usage.trusted(
            input=_without(count_of(self._raw, "prompt_tokens"), cached, written),
            cache_read=cached,
            cache_write=written,
            output=self._output(reasoning),
            reasoning=reasoning,
            counters=_counters(self._raw) or None,
        )

    def _cached(self, prompt: dict[str, Any]) -> int | None:
        cached = count_of(prompt, "cached_tokens")
        for name in _CACHED:
            cached = count_of(self._raw, name) if cached is None else cached
        return cached

    def _output(self, reasoning: int | None) -> int | None:
        output, prompt = (count_of(self._raw, f"{n}_tokens") for n in ("completion", "prompt"))
        if output is None or prompt is None or not reasoning:
            return output
        apart = count_of(self._raw, "total_tokens") == prompt + output + reasoning
        return output + reasoning if apart else output


def _without(prompt: int | None, *parts: int | None) -> int | None:
    if prompt is None:
        return None
    # Recorded on OpenRouter: 2161 read and 2161 written of 2168, over two requests of its own.
    return max(0, prompt - sum(part or 0 for part in parts))


def _counters(report: dict[str, Any]) -> dict[str, int]:
    """Keep every other counter; a nested one as `prompt_tokens_details.audio_tokens`."""
    found: dict[str, int] = {}
    for name, value in report.items():
        if isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            read = _READ_DETAILS.get(name, set())
            for inner in members:
                if inner not in read and (count := count_of(members, inner)) is not None:
                    found[f"{name}.{inner}"] = count
        elif name not in _READ and name not in _CACHED and count_of(report, name) is not None:
            found[name] = value
    return found
