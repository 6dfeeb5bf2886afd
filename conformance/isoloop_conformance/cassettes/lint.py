"""Hold cassettes against the rules of `cassettes/README.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.cassettes.file import CassetteError, load, read_value, render
from isoloop_conformance.cassettes.secrets import find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Larger bodies are made by the `repeat` edit.
LARGEST_BYTES = 256 * 1024
_PATHS = {
    "anthropic-messages": "/v1/messages",
    "openai-chat": "/chat/completions",
    "openai-responses": "/responses",
}


def lint(path: Path, dialect: str) -> list[str]:
    """Return what is wrong with a cassette of a dialect's folder, as sentences."""
    try:
        return list(_lint(path, dialect))
    except CassetteError as error:
        return [str(error)]


def _lint(path: Path, dialect: str) -> Iterator[str]:
    cassette = load(path)
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        yield f"{path.name} has {size} bytes; at most {LARGEST_BYTES} are allowed, use `repeat`"
    for place in find_secrets(read_value(path)):
        yield f"{path.name}{place}"
    for i, interaction in enumerate(cassette.interactions):
        uri = interaction.request.uri.partition("?")[0]
        if not uri.endswith(_PATHS[dialect]):
            yield f"{path.name}: interaction {i} asks {uri}, which is not {dialect}"
    if render(cassette) != path.read_text("utf-8"):
        yield f"{path.name} is not formatted as it would be written; write it with `save`"
