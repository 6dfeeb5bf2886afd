"""Instances of the contract's types: valid ones, and valid ones with one thing changed.

Written for the subset of JSON Schema that the contract uses (`KEYWORDS` in the contract linter).
"""

from __future__ import annotations

import copy
import re
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.contract.schemas import Named

Schema = dict[str, Any]

# Unpaired surrogates cannot be written as JSON text in UTF-8.
TEXT_ALPHABET = st.characters(exclude_categories=["Cs"])
TEXT = st.text(TEXT_ALPHABET, max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
# What a member is replaced by: the neighbours of what is right.
# 1.0 is left out: see `test_known_differences`.
INTRUDERS: list[Any] = [
    *(None, True, False, 0, 1, -1, 0.5, 2**53, ""),
    *("1", "no_such_value", [], {}, [None], {"type": "text"}, {"type": "no_such_type"}),
]


@cache
def valid(named: Named) -> st.SearchStrategy[Any]:
    """Return instances that the type's schema accepts."""
    return _values(named, named.schema)


@st.composite
def changed(draw: st.DrawFn, named: Named) -> Any:
    """Return a valid instance with one place changed, which may or may not break it."""
    instance = {"": copy.deepcopy(draw(valid(named)))}
    owner, key = draw(st.sampled_from(list(_places(instance))))
    change = draw(st.sampled_from(["replace", "drop", "add", "rename"]))
    if change == "replace" or not isinstance(owner, dict) or owner is instance:
        owner[key] = draw(st.sampled_from(INTRUDERS))
    elif change == "drop":
        del owner[key]
    elif change == "add":
        owner[draw(st.sampled_from(["surplus", "type", "role", "text"]))] = draw(JSON)
    else:
        owner[re.sub("([A-Z])", r"_\1", key).lower()] = owner.pop(key)
    return instance[""]


def _places(instance: Any) -> Any:
    match instance:
        case dict():
            yield from ((instance, key) for key in instance)
            for value in instance.values():
                yield from _places(value)
        case list():
            yield from ((instance, i) for i in range(len(instance)))
            for value in instance:
                yield from _places(value)
        case _:
            pass


def _values(owner: Named, schema: Schema) -> st.SearchStrategy[Any]:
    match schema:
        case {"$ref": reference}:
            return st.deferred(lambda: valid(owner.follow(reference)))
        case {"const": value}:
            return st.just(value)
        case {"enum": values}:
            return st.sampled_from(values)
        case {"oneOf": branches} | {"anyOf": branches}:
            return st.one_of([_values(owner, branch) for branch in branches])
        case {"type": "object"}:
            return _objects(owner, schema)
        case {"type": "array", "items": items}:
            least: int = schema.get("minItems", 0)
            return st.lists(_values(owner, items), min_size=least, max_size=2)
        case {"type": scalar}:
            return _scalars(scalar, schema)
        case _:
            return JSON


def _objects(owner: Named, schema: Schema) -> st.SearchStrategy[Any]:
    required = schema.get("required", [])
    members = {n: _values(owner, s) for n, s in schema.get("properties", {}).items()}
    declared = st.fixed_dictionaries(
        {n: s for n, s in members.items() if n in required},
        optional={n: s for n, s in members.items() if n not in required},
    )
    extra = schema.get("additionalProperties", True)
    if extra is False:
        return declared
    others = JSON if extra is True else _values(owner, extra)
    return st.builds(
        lambda surplus, known: surplus | known,
        st.dictionaries(TEXT.filter(lambda n: n not in members), others, max_size=2),
        declared,
    )


def _scalars(scalar: str, schema: Schema) -> st.SearchStrategy[Any]:
    match scalar:
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            high = schema.get("maximum", 1e9)
            return st.floats(schema.get("minimum"), high, allow_nan=False)
        case _:
            return _texts(schema)


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        # In JSON Schema `$` is the very end; in Python it may stand before a last line break.
        return st.from_regex(schema["pattern"].replace("$", r"\Z"), alphabet=TEXT_ALPHABET)
    refused = schema.get("not", {}).get("enum", [])
    low = schema.get("minLength", 0)
    texts = st.text(TEXT_ALPHABET, min_size=low, max_size=schema.get("maxLength", low + 8))
    return texts.filter(lambda text: text not in refused) if refused else texts
