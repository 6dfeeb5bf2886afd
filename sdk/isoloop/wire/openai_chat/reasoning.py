"""The reasoning of compatible hosts, which OpenAI itself does not show.

"reasoning_content":"…"       DeepSeek, z.ai, Moonshot, vLLM
"reasoning":"…"               Groq, Cerebras, Ollama, OpenRouter, Together
"reasoning_text":"…"          Copilot
"reasoning_details":[{"type":"reasoning.text","text":"…","signature":"…","index":0}]
                              OpenRouter, Snowflake; also "reasoning.encrypted" with `data`
"content":[{"type":"thinking","thinking":[{"type":"text","text":"…"}]}]
                              Mistral

Some send the same words under two names, so only the first that is not empty counts (C4). Where
they came from is kept with the block and decides how they go back; details go back instead of the
words, for they hold them and their signatures.
"""

from __future__ import annotations

from typing import Any

# Members of a detail that come in fragments.
_JOINED = ("text", "summary", "data")


def words_of(details: list[dict[str, Any]]) -> str:
    """Give the words that details hold."""
    texts = [d.get("text") or d.get("summary") for d in details]
    return "".join(text for text in texts if isinstance(text, str))


def words_of_part(thinking: str | list[Any]) -> str:
    """Give the words of a part of `content` whose type is `thinking`."""
    return thinking if isinstance(thinking, str) else words_of(thinking)


def add_details(known: list[dict[str, Any]], fragments: list[dict[str, Any]]) -> None:
    """Join fragments of the same detail: equal `index` and `type`, one after the other."""
    for fragment in fragments:
        last = known[-1] if known else None
        if last is None or not _same(last, fragment):
            known.append(dict(fragment))
            continue
        for name, value in fragment.items():
            before = last.get(name)
            if name in _JOINED and isinstance(before, str) and isinstance(value, str):
                last[name] = before + value
            elif value not in {None, ""} or name not in last:
                last[name] = value


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    index = one.get("index")
    return (
        index is not None
        and index == other.get("index")
        and one.get("type") == other.get("type")
        and other.get("id") in {None, one.get("id")}
    )
