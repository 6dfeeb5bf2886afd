"""Find and redact what must never be in a cassette."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoloop_conformance.exact_json import Json, JsonObject

REDACTED = "REDACTED"

_SECRET_HEADERS = {
    "anthropic-organization-id",
    "api-key",
    "authorization",
    "cookie",
    "openai-organization",
    "openai-project",
    "proxy-authorization",
    "set-cookie",
    "x-api-key",
    "x-goog-api-key",
}
# Shapes of keys that vendors hand out; each begins with something that no prose begins with.
_KEY = re.compile(
    r"""
      sk-(?:ant-|proj-|or-|svcacct-)?[A-Za-z0-9_-]{16,}
    | gsk_[A-Za-z0-9]{20,}
    | xai-[A-Za-z0-9]{20,}
    | AIza[A-Za-z0-9_-]{30,}
    | (?:AKIA|ASIA)[A-Z0-9]{16}
    | gh[pousr]_[A-Za-z0-9]{30,}
    | github_pat_[A-Za-z0-9_]{30,}
    | eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    | Bearer\ [A-Za-z0-9._~+/=-]{16,}
    """,
    re.VERBOSE,
)
_KEY_BYTES = re.compile(_KEY.pattern.encode(), re.VERBOSE)


def redact(value: Json) -> Json:
    """Return the value of a cassette without secrets: header values and key-like texts."""
    match value:
        case str():
            return _KEY.sub(REDACTED, value)
        case bytes():
            return _KEY_BYTES.sub(REDACTED.encode(), value)
        case list():
            return [redact(v) for v in cast("list[Json]", value)]
        case dict():
            members = cast("JsonObject", value)
            return {k: _redacted_member(k, v) for k, v in members.items()}
        case _:
            return value


def find_secrets(value: Json, at: str = "") -> Iterator[str]:
    """Yield the places of what would be redacted."""
    match value:
        case str():
            if _KEY.search(value):
                yield f"{at}: looks like a key"
        case bytes():
            yield from find_secrets(value.decode("latin-1"), at)
        case list():
            for i, item in enumerate(cast("list[Json]", value)):
                yield from find_secrets(item, f"{at}.{i}")
        case dict():
            for name, member in cast("JsonObject", value).items():
                if _is_secret(name) and member not in ([REDACTED], REDACTED):
                    yield f"{at}.{name}: is not redacted"
                else:
                    yield from find_secrets(member, f"{at}.{name}")
        case _:
            return


def _redacted_member(name: str, value: Json) -> Json:
    if not _is_secret(name):
        return redact(value)
    return [REDACTED] if isinstance(value, list) else REDACTED


def _is_secret(name: str) -> bool:
    return name.lower() in _SECRET_HEADERS
