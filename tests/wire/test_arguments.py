"""The arguments of a call are read once and strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoloop.wire import Arguments, Problem, read_arguments

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.booleans())
def test_every_object_is_read_as_it_is(value: dict[str, object], ascii_only: bool) -> None:
    """TOOL-004: an object is complete, whatever is in it."""
    assert Arguments(value) == read_arguments(json.dumps(value, ensure_ascii=ascii_only))


@pytest.mark.parametrize("text", ["", " ", "\n\t \r", "{}", " { } "])
def test_blank_means_an_empty_object(text: str) -> None:
    """TOOL-005."""
    assert Arguments({}) == read_arguments(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("null", "Expected a JSON object, got null."),
        ("[1]", "Expected a JSON object, got an array."),
        ('"x"', "Expected a JSON object, got a string."),
        ("3", "Expected a JSON object, got a number."),
        (
            '{"a": "' + "x" * 50 + '", "a": 1, "' + "n" * 50 + '": 1, "' + "n" * 50 + '": 2}',
            'The member "a" appears twice in the same object.',
        ),
        (
            '{"' + "n" * 50 + '": 1, "' + "n" * 50 + '": 2}',
            f'The member "{"n" * 40}…" appears twice in the same object.',
        ),
        ("true", "Expected a JSON object, got a boolean."),
        ('{"a": NaN}', "Not valid JSON: NaN is not a JSON number."),
        ('{"a": -Infinity}', "Not valid JSON: -Infinity is not a JSON number."),
        ('{"a": 1e400}', "The number 1e400 is too large."),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', 'The member "c" appears twice in the same object.'),
        (
            '{"city": "Par',
            "Not valid JSON: unterminated string starting at line 1, column 10.",
        ),
        (
            '{"a": 1',
            "Not valid JSON: expecting ',' delimiter at line 1, column 8 (the end).",
        ),
        ('{}\n {"a"}', "Not valid JSON: extra data at line 2, column 2."),
        ('{"a": "\\ud83d"}', 'Not valid text: half a UTF-16 pair in "?".'),
        ('{"\\ude00b": 1}', 'Not valid text: half a UTF-16 pair in "?b".'),
    ],
)
def test_what_is_no_arguments_is_told_with_its_place(text: str, problem: str) -> None:
    """TOOL-006, TOOL-007."""
    assert Problem(problem) == read_arguments(text)


def test_a_whole_surrogate_pair_in_escapes_is_a_character() -> None:
    """Two escapes, one code point."""
    assert Arguments({"a": "🦀"}) == read_arguments('{"a": "\\ud83e\\udd80"}')


def test_numbers_keep_what_python_can_keep() -> None:
    """TOOL-009: no integer is rounded."""
    expected = {"a": 9007199254740993, "b": 2**64, "c": 0.1}
    assert Arguments(expected) == read_arguments(
        '{"a": 9007199254740993, "b": 18446744073709551616, "c": 0.1000000000000000055}'
    )


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_monstrous_text_is_a_problem_not_a_crash(text: str) -> None:
    """The process lives."""
    assert isinstance(read_arguments(text), Problem)


def test_deep_values_are_searched_for_halves_too() -> None:
    """As deep as the parser goes."""
    deep = '{"a":' * 300 + '"\\u0041"' + "}" * 300
    assert isinstance(read_arguments(deep), Arguments)
    assert isinstance(read_arguments(deep.replace("0041", "d83d")), Problem)


def test_half_a_pair_that_is_no_escape_is_a_problem() -> None:
    """Arguments that a caller hands in may hold one."""
    assert Problem("Not valid JSON: half a UTF-16 pair at line 1, column 7.") == read_arguments(
        '{"a":"\ud83d"}'
    )


def test_a_member_called_proto_is_a_member() -> None:
    """No name is special."""
    assert Arguments({"__proto__": {"x": 1}, "": 2}) == read_arguments(
        '{"__proto__": {"x": 1}, "": 2}'
    )
