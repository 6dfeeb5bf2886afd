"""Arguments that cannot be read become an empty object, and the tool runs."""

from __future__ import annotations

from typing import Any

from isoloop.wire._arguments import Arguments
from mutants.swap import swap

READERS = ("isoloop.wire._arguments", "isoloop.wire._answer", "isoloop.perform.call_tools")


def plant() -> None:
    """Plant it."""

    def make(read_arguments: Any) -> Any:
        def forgiving(text: str) -> Any:
            read = read_arguments(text)
            return read if isinstance(read, Arguments) else Arguments({})

        return forgiving

    for reader in READERS:
        swap(reader, "read_arguments", make)
