"""The schemas are the authority; the generated models must neither accept more nor less."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.contract.schemas import NAMED, RECORDS, Named, faults, read, validator, write
from tests.contract.strategies import changed, valid

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("named", NAMED, ids=str)
@settings(max_examples=25)
@given(data=st.data())
def test_a_valid_instance_survives_reading_and_writing(named: Named, data: st.DataObject) -> None:
    """What the schema accepts, the model reads, and writes back unchanged."""
    instance = data.draw(valid(named))
    assert set() == faults(named, instance)
    assert instance == write(named, read(named, instance))


@pytest.mark.parametrize("named", RECORDS, ids=str)
@settings(max_examples=50)
@given(data=st.data())
def test_schema_and_model_agree_on_a_changed_instance(named: Named, data: st.DataObject) -> None:
    """What the schema refuses, the model refuses, and the other way round.

    The one difference: a model fills in a constant that is missing, so that nobody has to write
    `TextBlock(type="text", ...)`. So what a model accepts is judged by what it writes, which must
    be the instance with nothing but constants added.
    """
    instance = data.draw(changed(named))
    found = faults(named, instance)
    note(f"schema: {found or 'accepted'}")
    try:
        value = read(named, instance)
    except ValidationError as error:
        note(f"model: {error}")
        assert found
    else:
        written = write(named, value)
        note(f"model: accepted, written as {written}")
        assert set() == faults(named, written)
        assert not _added(instance, written) - {"type", "role"}
        assert found <= {f for f in found if f.keyword == "required"}


def _added(before: Any, after: Any) -> set[str]:
    """Return the names of the members that `after` has and `before` has not."""
    match before, after:
        case dict(), dict():
            assert before.keys() <= after.keys()
            inner = [_added(before[key], after[key]) for key in before]
            return (after.keys() - before.keys()).union(*inner)
        case list(), list():
            pairs = zip(before, after, strict=True)
            return set().union(*(_added(b, a) for b, a in pairs))
        case _:
            assert before == after
            return set()


KNOWN_DIFFERENCES = [
    pytest.param(
        Named("common", "Seq"), 1.0, True, False,
        id="an integer written as 1.0 is an integer for JSON Schema; the models want 1",
    ),
    pytest.param(
        Named("content", "TextBlock"), {"text": "x"}, False, True,
        id="a constant that is missing is filled in, except where a union is told apart by it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("named", "instance", "by_schema", "by_model"), KNOWN_DIFFERENCES)
def test_known_differences(named: Named, instance: object, by_schema: bool, by_model: bool) -> None:
    """Each known difference still exists: one that is gone leaves the list."""
    assert by_schema == validator(named).is_valid(instance)
    try:
        read(named, instance)
    except ValidationError:
        assert not by_model
    else:
        assert by_model
