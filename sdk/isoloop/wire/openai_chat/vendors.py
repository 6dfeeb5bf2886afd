"""Who else speaks Chat Completions, where, and how each departs from OpenAI. Data, no branches.

A flag stands here because a vendor's documentation, or an answer that was recorded, says so; what
all vendors accept is done one way for all. `ModelRef.vendor` names the row; without it, OpenAI's
holds, also for a server of one's own.

Read on 2026-11-21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

# How a model is told to think: `"reasoning_effort":"high"`, or `"reasoning":{"effort":"high"}`, or
# `"thinking":{"type":"enabled"},"reasoning_effort":"high"`.
ThinkingForm: TypeAlias = Literal["reasoning_effort", "reasoning", "thinking"]

# How a part is marked as the end of a prefix worth caching. Without a form, marks are left out:
# such vendors cache by themselves.
CacheForm: TypeAlias = Literal["prompt_cache_breakpoint", "cache_control"]


@dataclass(frozen=True, slots=True)
class Vendor:
    """A host of this dialect."""

    base_url: str | None
    key_variable: str
    url_variable: str | None = None
    needs_key: bool = True
    max_tokens: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    thinking: ThinkingForm = "reasoning_effort"
    cache: CacheForm | None = None
    # Whether a JSON Schema may be asked for; otherwise only "some JSON", and the schema is put
    # into the instructions.
    json_schema: bool = True
    # Whether `stream_options` is known. Those who do not know it report usage unasked.
    stream_options: bool = True
    # Whether several texts may be sent as parts; otherwise they are joined by a blank line.
    text_parts: bool = True
    # Whether the arguments of a call that is sent back are parsed by the host; then what is no
    # JSON object goes as `{}`.
    parses_arguments: bool = False
    # Whether call ids must be nine letters or digits.
    nine_character_ids: bool = False
    # Whether a complete answer may have a blank finish reason.
    blank_finish: bool = False


OPENAI = Vendor(
    "https://api.openai.com/v1",
    "OPENAI_API_KEY",
    url_variable="OPENAI_BASE_URL",
    cache="prompt_cache_breakpoint",
)

VENDORS: dict[str, Vendor] = {
    "cerebras": Vendor("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "deepseek": Vendor(
        "https://api.deepseek.com",
        "DEEPSEEK_API_KEY",
        max_tokens="max_tokens",
        thinking="thinking",
        json_schema=False,
        text_parts=False,
    ),
    "fireworks": Vendor(
        "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", max_tokens="max_tokens"
    ),
    "groq": Vendor("https://api.groq.com/openai/v1", "GROQ_API_KEY", url_variable="GROQ_BASE_URL"),
    "huggingface": Vendor(
        "https://router.huggingface.co/v1", "HF_TOKEN", max_tokens="max_tokens", text_parts=False
    ),
    "mistral": Vendor(
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        max_tokens="max_tokens",
        stream_options=False,
        parses_arguments=True,
        nine_character_ids=True,
    ),
    # Fields that a model does not know are ignored, so both forms of thinking may go together.
    "moonshot": Vendor("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY", thinking="thinking"),
    # A server of one's own, which takes any key and none.
    "ollama": Vendor(
        "http://localhost:11434/v1",
        "OLLAMA_API_KEY",
        url_variable="OLLAMA_BASE_URL",
        needs_key=False,
        max_tokens="max_tokens",
        text_parts=False,
        parses_arguments=True,
    ),
    "openrouter": Vendor(
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        thinking="reasoning",
        cache="cache_control",
    ),
    # Each account has an address of its own. Recorded: every answer says "finish_reason":"".
    "snowflake": Vendor(None, "SNOWFLAKE_TOKEN", thinking="reasoning", blank_finish=True),
    "together": Vendor("https://api.together.xyz/v1", "TOGETHER_API_KEY", max_tokens="max_tokens"),
    "xai": Vendor("https://api.x.ai/v1", "XAI_API_KEY"),
    "zai": Vendor(
        "https://api.z.ai/api/paas/v4",
        "ZAI_API_KEY",
        max_tokens="max_tokens",
        thinking="thinking",
        json_schema=False,
        text_parts=False,
    ),
}


def vendor_named(name: str | None) -> Vendor:
    """Find a vendor; one that is not known is taken to do as OpenAI does."""
    return VENDORS.get(name or "", OPENAI)
