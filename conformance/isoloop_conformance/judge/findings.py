"""Assertions: what was compared, which requirement it serves, and what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from isoloop_conformance.exact_json import Number, same, show
from isoloop_conformance.variants import BINDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from isoloop_conformance.exact_json import Json, JsonObject

ABSENT = "(absent)"


@dataclass(frozen=True)
class Assertion:
    """One comparison."""

    requirement: str
    path: str
    ok: bool
    want: str = ""
    got: str = ""
    why: str = ""


@dataclass
class Findings:
    """Collects assertions; knows which requirement each part of the expectation serves."""

    default: str
    by_path: Mapping[str, str | list[str]]
    assertions: list[Assertion] = field(default_factory=list[Assertion])
    _bound: dict[str, Json] = field(default_factory=dict[str, "Json"])

    def check(  # noqa: PLR0913 -- one row of a report
        self,
        path: str,
        *,
        ok: bool,
        want: Json = ABSENT,
        got: Json = ABSENT,
        why: str = "",
        requirement: str | None = None,
        otherwise: str | None = None,
    ) -> bool:
        """Add an assertion; say whether it holds.

        It serves `requirement`; else what the case says of its path (one requirement or several);
        else `otherwise`; else the case's first requirement.
        """
        owners = [requirement] if requirement else self.requirements(path, otherwise)
        texts = ("", "", "") if ok else (_text(want), _text(got), why)
        self.assertions += [Assertion(owner, path, ok, *texts) for owner in owners]
        return ok

    def equal(self, path: str, want: Json, got: Json, why: str = "") -> bool:
        """Compare two values leaf by leaf; `$name` stands for any one value, always the same."""
        match want, got:
            case dict(), dict():
                return self._members(path, cast("JsonObject", want), cast("JsonObject", got), why)
            case list(), list():
                return self._items(path, cast("list[Json]", want), cast("list[Json]", got), why)
            case str(), _ if BINDER.fullmatch(want):
                return self._bind(path, want, got)
            case _:
                return self.check(path, ok=same(want, got), want=want, got=got, why=why)

    def given(self, path: str, want: JsonObject, got: JsonObject, why: str = "") -> bool:
        """Compare only the members that the expectation gives."""
        held = [self.equal(f"{path}.{k}", v, got.get(k, ABSENT), why) for k, v in want.items()]
        return all(held)

    def requirements(self, path: str, otherwise: str | None = None) -> list[str]:
        """Return the requirements of a path: those of the longest part of it that names some."""
        best = ""
        for prefix in self.by_path:
            rest = path[len(prefix) :]
            if (
                path.startswith(prefix)
                and (not rest or rest[0] in ".[")
                and len(prefix) > len(best)
            ):
                best = prefix
        named = self.by_path.get(best) or otherwise or self.default
        return [named] if isinstance(named, str) else named

    def _members(self, path: str, want: JsonObject, got: JsonObject, why: str) -> bool:
        names = [*want, *(k for k in got if k not in want)]
        if not names:
            return self.check(path, ok=True)
        held = [
            self.equal(f"{path}.{k}", want.get(k, ABSENT), got.get(k, ABSENT), why) for k in names
        ]
        return all(held)

    def _items(self, path: str, want: list[Json], got: list[Json], why: str) -> bool:
        if len(want) != len(got):
            return self.check(path, ok=False, want=want, got=got, why=why)
        if not want:
            return self.check(path, ok=True)
        pairs = enumerate(zip(want, got, strict=True))
        held = [self.equal(f"{path}[{i}]", w, g, why) for i, (w, g) in pairs]
        return all(held)

    def _bind(self, path: str, name: str, got: Json) -> bool:
        if isinstance(got, str) and got == ABSENT:
            return self.check(path, ok=False, want=name, got=got)
        if name in self._bound:
            bound = self._bound[name]
            return self.check(path, ok=same(bound, got), want=bound, got=got, why=f"{name} again")
        taken = [n for n, v in self._bound.items() if same(v, got)]
        self._bound[name] = got
        why = f"{got!r} is already {taken[0]}" if taken else ""
        return self.check(path, ok=not taken, want=name, got=got, why=why)


def _text(value: Json) -> str:
    match value:
        case str() if value == ABSENT:
            return value
        case Number(text):
            return text
        case _:
            return show(value)
