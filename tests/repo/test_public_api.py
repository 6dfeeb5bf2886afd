"""The public API stays small enough to memorise."""

from __future__ import annotations

import inspect
from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import isoloop
from isoloop._model import Model

PUBLIC_NAMES = 40
CONSTRUCTOR_PARAMETERS = 12
POSITIONAL_PARAMETERS = 5
DISTRIBUTIONS = 14


def test_the_package_has_few_names() -> None:
    """At most 40, and each of them exists."""
    assert len(set(isoloop.__all__)) <= PUBLIC_NAMES
    assert [] == [name for name in isoloop.__all__ if not hasattr(isoloop, name)]


def test_constructors_and_functions_take_few_parameters() -> None:
    """At most 12 for a constructor; at most 5 by position for a function.

    A record of the contract has the members that the contract gives it.
    """
    for name in isoloop.__all__:
        public = getattr(isoloop, name)
        if not callable(public) or _is(public, Model, Exception):
            continue
        parameters = inspect.signature(public).parameters.values()
        positional = [
            p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}
        ]
        assert len(parameters) <= CONSTRUCTOR_PARAMETERS, name
        if not isinstance(public, type):
            assert len(positional) <= POSITIONAL_PARAMETERS, name


def test_the_core_brings_few_distributions() -> None:
    """An install without extras has at most 14 distributions, isoloop included."""
    needed = set[str]()
    pending = ["isoloop"]
    while pending:
        name = canonicalize_name(pending.pop())
        if name in needed:
            continue
        needed.add(name)
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                pending.append(requirement.name)
    assert len(needed) <= DISTRIBUTIONS, sorted(needed)


def _is(public: object, *classes: type) -> bool:
    return isinstance(public, type) and issubclass(public, classes)
