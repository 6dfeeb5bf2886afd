"""A body that ends before its terminal event is a whole answer."""

from __future__ import annotations

from typing import Any

from mutants.swap import swap


def plant() -> None:
    """Plant it."""

    def make(finish: Any) -> Any:
        def accepting(decoder: Any) -> Any:
            if decoder.end is None and decoder.content_started:
                return decoder.feed(b'\n\ndata: {"type":"message_stop"}\n\n')
            return finish(decoder)

        return accepting

    swap("isoloop.wire.anthropic_messages.stream", "StreamDecoder.finish", make)
