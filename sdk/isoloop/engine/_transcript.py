"""An append-only list of messages with a cursor.

Old states stay valid and a turn costs the same however long the history is: a transcript is a
view of the first `length` items of a list that all later transcripts share. Appending to the newest
view extends the list in place; appending something else to an older view begins a list of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from isoloop.contract.message import Message


class Transcript(Sequence["Message"]):
    """Messages, oldest first. A value: nobody sees what is appended after it was made."""

    __slots__ = ("_items", "_length")

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._items: list[Message] = list(messages)
        self._length = len(self._items)

    def plus(self, messages: Sequence[Message]) -> Transcript:
        """Make a transcript that goes on with these messages."""
        items, at = self._items, self._length
        for message in messages:
            if at == len(items):
                items.append(message)
            elif items[at] is not message:
                # Another branch already went on differently from here. It keeps its list.
                items = items[:at]
                items.append(message)
            at += 1
        longer = Transcript()
        longer._items, longer._length = items, at
        return longer

    def since(self, start: int) -> list[Message]:
        """List the messages from a position on."""
        return self._items[start : self._length]

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        # A range of the length does the arithmetic of negative indexes and of slices.
        where = range(self._length)[index]
        if isinstance(where, range):
            return [self._items[i] for i in where]
        return self._items[where]

    def __iter__(self) -> Iterator[Message]:
        return islice(self._items, self._length)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Transcript):
            return NotImplemented
        return self.since(0) == other.since(0)

    def __hash__(self) -> int:
        return hash(self._length)

    def __repr__(self) -> str:
        return f"Transcript({self._length} messages)"
