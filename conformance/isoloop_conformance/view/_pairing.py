"""Calls and results in the order of a request: each call has one result, where it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from isoloop_conformance.view._port import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Entry:
    """A call, a result, or something of another party, at a place."""

    kind: Literal["call", "result", "assistant", "other"]
    at: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class PairingRules:
    """The dialect's names for what may be wrong.

    `apart`: something stands between calls and their results. Without that rule it is the missing
    results that are found.
    """

    call_without_result: Rule
    result_without_call: Rule
    second_result: Rule
    repeated_id: Rule
    order: Rule
    apart: Rule | None = None


def check_pairs(entries: Iterable[Entry], rules: PairingRules) -> Iterator[Finding]:
    """Follow calls and results through a request."""
    yield from _Pairs(rules).check(entries)


class _Pairs:
    def __init__(self, rules: PairingRules) -> None:
        self._rules = rules
        self._seen: set[str] = set()
        # The calls of the answer, and the results that came for them.
        self._calls: list[str] = []
        self._results: list[str] = []
        # Calls of earlier answers that have no result yet.
        self._late: list[str] = []

    def check(self, entries: Iterable[Entry]) -> Iterator[Finding]:
        for entry in entries:
            # What a model says after results belongs to its next answer.
            if entry.kind == "other" or (self._results and entry.kind != "result"):
                yield from self._next_answer()
            if entry.kind == "call":
                yield from self._call(entry)
            if entry.kind == "result":
                yield from self._result(entry)
        self._late += self._missing()
        yield from self._unanswered()

    def _missing(self) -> list[str]:
        return [call for call in self._calls if call not in self._results]

    def _next_answer(self) -> Iterator[Finding]:
        self._late += self._missing()
        self._calls, self._results = [], []
        if self._rules.apart is None:
            yield from self._unanswered()

    def _call(self, entry: Entry) -> Iterator[Finding]:
        if entry.id in self._seen:
            yield Finding(self._rules.repeated_id, f"`{entry.at}` has the id `{entry.id}` again")
        self._seen.add(entry.id)
        self._calls.append(entry.id)

    def _result(self, entry: Entry) -> Iterator[Finding]:
        calls, results, said = self._calls, self._results, f"`{entry.at}`"
        if entry.id in self._late and self._rules.apart is not None:
            self._late.remove(entry.id)
            yield Finding(self._rules.apart, f"{said} does not stand directly after its call")
            return
        if entry.id not in calls:
            yield Finding(self._rules.result_without_call, f"{said} is a result for `{entry.id}`")
        elif entry.id in results:
            yield Finding(self._rules.second_result, f"{said} is a second result for `{entry.id}`")
        elif any(calls.index(entry.id) < calls.index(r) for r in results if r in calls):
            yield Finding(self._rules.order, f"{said} is not in call order")
        results.append(entry.id)

    def _unanswered(self) -> Iterator[Finding]:
        if self._late:
            yield Finding(self._rules.call_without_result, f"no result for {', '.join(self._late)}")
        self._late = []
