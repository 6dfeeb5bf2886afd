r"""Unpaired UTF-16 surrogates, which JSON escapes can express and UTF-8 cannot.

    data: {"type":"text_delta","text":"\ud83d"}      half of a character
    data: {"type":"text_delta","text":"\ude00"}      the other half

A pair that a provider split over two deltas is joined; what stays unpaired becomes U+FFFD
(decision 17 of the loop). Both happen when text is decoded and, for a caller's texts, when it is
sent.
"""

from __future__ import annotations

from typing import Any, cast


def is_high(character: str) -> bool:
    """Whether a character is the first half of a pair."""
    return "\ud800" <= character <= "\udbff"


def paired(text: str) -> str:
    """Join halves that stand side by side and replace the others."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def all_paired(value: Any) -> Any:
    """Copy a JSON value with `paired` applied to each of its texts."""
    match value:
        case str():
            return paired(value)
        case list():
            return [all_paired(item) for item in cast("list[Any]", value)]
        case dict():
            members = cast("dict[str, Any]", value)
            return {paired(name): all_paired(item) for name, item in members.items()}
        case _:
            return value
