"""Read YAML strictly: JSON's types, no duplicate keys, no anchors, no tags; keep the line numbers.

PyYAML alone follows YAML 1.1, where `no` is false and `1:30` is 90, and keeps the last of two equal
keys. Only its parser is used here; the values are built below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from isoloop_conformance.exact_json import Json

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Path = tuple[str | int, ...]

_CONSTANTS: dict[str, Json] = {"null": None, "~": None, "": None, "true": True, "false": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


class YamlError(ValueError):
    """The text is not the YAML that the suite reads."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


@dataclass(frozen=True)
class Document:
    """A value, and the line on which each of its parts begins."""

    value: Json
    lines: dict[Path, int] = field(default_factory=dict[Path, int])

    def line(self, path: Path) -> int:
        """Return the line of a part, or of the nearest part around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Document:
    """Read one document.

    Raises:
        YamlError: The text is not YAML, or uses what the suite does not allow.
    """
    try:
        return _Reader(yaml.parse(text, Loader=Loader)).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(line, f"not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise YamlError(1, f"not YAML: {error}") from None


class _Reader:
    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._lines: dict[Path, int] = {}

    def document(self) -> Document:
        self._skip(yaml.StreamStartEvent)
        first = next(self._events)
        if not isinstance(first, yaml.DocumentStartEvent):
            raise YamlError(1, "the file is empty")
        value = self._value(next(self._events), ())
        self._skip(yaml.DocumentEndEvent)
        if not isinstance(after := next(self._events), yaml.StreamEndEvent):
            raise YamlError(_line(after), "a second document begins; put it into its own file")
        return Document(value, self._lines)

    def _skip(self, kind: type[yaml.Event]) -> None:
        event = next(self._events)
        assert isinstance(event, kind)

    def _value(self, event: yaml.Event, path: Path) -> Json:
        self._lines[path] = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError(_line(event), "anchors and aliases are not allowed; write it out")
        if getattr(event, "tag", None):
            raise YamlError(_line(event), "tags are not allowed")
        match event:
            case yaml.ScalarEvent():
                return _scalar(event)
            case yaml.SequenceStartEvent():
                return self._sequence(path)
            case yaml.MappingStartEvent():
                return self._mapping(path)
            case _:
                raise YamlError(_line(event), "a value is expected")

    def _sequence(self, path: Path) -> list[Json]:
        items: list[Json] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items

    def _mapping(self, path: Path) -> dict[str, Json]:
        members: dict[str, Json] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.anchor:
                raise YamlError(_line(event), "a key is a plain text")
            key = event.value
            if key in members:
                raise YamlError(_line(event), f"`{key}` appears twice; remove one")
            members[key] = self._value(next(self._events), (*path, key))
            self._lines[*path, key] = _line(event)
        return members


def _scalar(event: yaml.ScalarEvent) -> Json:
    text = event.value
    if event.style:  # the C parser says "" for a plain scalar, the other None
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
