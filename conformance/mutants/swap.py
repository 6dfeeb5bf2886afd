"""Put a defect in the place of a function."""

from __future__ import annotations

import importlib
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def swap(module: str, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a function of a module, or a method (`Class.method`), by what `make` makes of it.

    A name that is no longer there raises: the mutant has to follow the SDK.
    """
    *outer, last = name.split(".")
    owner = reduce(getattr, outer, importlib.import_module(module))
    setattr(owner, last, make(getattr(owner, last)))
