"""Read JSON and remember where each value stands in the text.

A JSON library gives values; what an implementation really sent is the text: the digits of a
number, the order and repetition of keys, the blanks. Each `Span` gives both. Not recursive, so that
depth is bounded by memory only.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from isoloop_conformance.exact_json import NotJsonError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoloop_conformance.exact_json import Json

Kind = Literal["object", "array", "string", "number", "true", "false", "null"]

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_LITERAL: dict[str, tuple[Kind, str]] = {
    "t": ("true", "true"),
    "f": ("false", "false"),
    "n": ("null", "null"),
}
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Span:
    """A value and its place. Members are in the order of the text, repeated ones included."""

    text: str
    kind: Kind
    start: int
    end: int
    string: str = ""
    items: list[Span] = field(default_factory=list["Span"])
    members: list[tuple[str, Span]] = field(default_factory=list[tuple[str, "Span"]])

    @property
    def raw(self) -> str:
        """The value's own text."""
        return self.text[self.start : self.end]

    def get(self, key: str) -> Span | None:
        """Return the last member of that name, as most JSON libraries do."""
        return next((value for name, value in reversed(self.members) if name == key), None)

    def value(self) -> Json:
        """Return the value with plain numbers."""
        return _value(self)

    def below(self, pointer: str = "") -> Iterator[tuple[str, Span]]:
        """Yield each value with its JSON pointer, this one first."""
        todo: list[tuple[str, Span]] = [(pointer, self)]
        while todo:
            at, span = todo.pop()
            yield at, span
            inner = [(f"{at}/{escape(k)}", v) for k, v in span.members]
            inner += [(f"{at}/{i}", v) for i, v in enumerate(span.items)]
            todo.extend(reversed(inner))

    def repeated(self) -> list[str]:
        """Return the names of members that appear more than once."""
        names = [name for name, _ in self.members]
        return sorted({name for name in names if names.count(name) > 1}) if names else []


def escape(name: str) -> str:
    """Write a member's name as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def has_half_pair(text: str) -> bool:
    """Whether a string holds half a surrogate pair, which no UTF-8 can carry."""
    return _SURROGATE.search(text) is not None


def read_spans(text: str) -> Span:
    """Read one JSON value.

    Raises:
        NotJsonError: The text is not strict JSON. Repeated keys are not refused here.
    """
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[Span] = []

    def document(self) -> Span:
        self._skip()
        root = self._value()
        while self._open:
            self._next_item(self._open[-1])
        self._skip()
        if self._at != len(self._text):
            raise self._wrong("nothing more")
        return root

    def _next_item(self, parent: Span) -> None:
        closing = "}" if parent.kind == "object" else "]"
        self._skip()
        empty = not (parent.members or parent.items)
        if self._peek() == closing:
            self._at += 1
            parent.end = self._at
            self._open.pop()
            return
        if not empty:
            self._take(",")
        if parent.kind == "object":
            name = self._string()
            self._skip()
            self._take(":")
            self._skip()
            parent.members.append((name, self._value()))
        else:
            self._skip()
            parent.items.append(self._value())

    def _value(self) -> Span:
        start, char = self._at, self._peek()
        match char:
            case "{" | "[":
                self._at += 1
                span = Span(self._text, "object" if char == "{" else "array", start, start)
                self._open.append(span)
                return span
            case '"':
                string = self._string()
                return Span(self._text, "string", start, self._at, string)
            case "t" | "f" | "n":
                kind, word = _LITERAL[char]
                self._take(word)
                return Span(self._text, kind, start, self._at)
            case _:
                if not (number := _NUMBER.match(self._text, start)):
                    raise self._wrong("a value")
                self._at = number.end()
                return Span(self._text, "number", start, self._at)

    def _string(self) -> str:
        self._skip()
        if not (token := _STRING.match(self._text, self._at)):
            raise self._wrong("a string")
        self._at = token.end()
        return str(json.loads(token[0]))

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, word: str) -> None:
        if not self._text.startswith(word, self._at):
            raise self._wrong(f"`{word}`")
        self._at += len(word)

    def _skip(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        assert blank
        self._at = blank.end()

    def _wrong(self, expected: str) -> NotJsonError:
        found = self._peek() or "the end"
        return NotJsonError(f"{expected} is expected at character {self._at}, not {found!r}")


def _value(span: Span) -> Json:
    match span.kind:
        case "object":
            return {name: _value(inner) for name, inner in span.members}
        case "array":
            return [_value(inner) for inner in span.items]
        case "string":
            return span.string
        case "number":
            return float(span.raw) if any(c in ".eE" for c in span.raw) else int(span.raw)
        case "true" | "false":
            return span.kind == "true"
        case "null":
            return None
