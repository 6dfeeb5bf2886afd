"""Change an expectation, leaf by leaf: each change must turn its case red."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# What decides how to compare, and not what: changing it changes no expectation.
NOT_COMPARED = {"requirements", "unordered", "only", "prefix"}
# What is given there is compared, but the list need not be complete.
OPEN_LISTS = {"order", "connections"}
STRANGER = "~"

Path = tuple[str | int, ...]


def perturbations(expect: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each change, said in words, and the expectation with that one change."""
    for path, change, value in _changes(expect, ()):
        changed = copy.deepcopy(expect)
        parent: Any = changed
        for part in path[:-1]:
            parent = parent[part]
        parent[path[-1]] = value
        yield f"{'.'.join(map(str, path))}: {change}", changed


def _changes(value: Any, path: Path) -> Iterator[tuple[Path, str, Any]]:
    match value:
        case dict():
            if path and path[-1] in {"calls", "usage"}:
                yield path, "one member more", {**value, STRANGER: 1 if path[-1] == "usage" else []}
                for key in value:
                    yield path, f"without {key}", {k: v for k, v in value.items() if k != key}
            for key, member in value.items():
                if key not in NOT_COMPARED:
                    yield from _changes(member, (*path, key))
        case list():
            if path[-1] not in OPEN_LISTS:
                for i in range(len(value)):
                    yield path, f"without item {i}", value[:i] + value[i + 1 :]
                if value:
                    yield path, "the last item twice", [*value, value[-1]]
            for i, item in enumerate(value):
                yield from _changes(item, (*path, i))
        case _:
            yield path, *_leaf(value, path)


def _leaf(value: Any, path: Path) -> tuple[str, Any]:
    match path[-1], value:
        case "sameAs", _:
            return "another request", 999
        case "acceptedAtMost", _:
            return "nothing accepted", -1
        case _, bool():
            return "the opposite", not value
        case _, int() | float():
            return "one more", value + 1
        case _, str() if " < " in value and path[-2] == "order":
            before, _, after = value.partition(" < ")
            return "the other way round", f"{after} < {before}"
        case _, str():
            return "another text", STRANGER + value
        case _:
            return "a value", STRANGER
