"""Canonical JSON, digests and keys."""

from __future__ import annotations

import hashlib
import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoloop.engine._digest import arguments_digest, canonical_json, digest, effect_key


# The samples of RFC 8785, appendix B: the bits of a double, and how it is written.
@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(bits: str, text: str) -> None:
    """The samples of RFC 8785, appendix B."""
    (double,) = struct.unpack(">d", bytes.fromhex(bits))
    assert text == canonical_json(double)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (1.0, "1"),
        (-7, "-7"),
        (2**53, "9007199254740992"),
        (2**53 + 1, "9007199254740992"),
        (10**21, "1e+21"),
        (1.5, "1.5"),
        (0.1, "0.1"),
        (123.456, "123.456"),
        (1e-7, "1e-7"),
        (1.5e-9, "1.5e-9"),
        (100.0, "100"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        ([1, [2]], "[1,[2]]"),
    ],
)
def test_values_have_one_form(value: object, text: str) -> None:
    """1 and 1.0 are the same number in JSON."""
    assert text == canonical_json(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_written_number_is_read_back_as_the_same_double(double: float) -> None:
    """Shortest, and exact."""
    assert double == float(json.loads(canonical_json(double)))


def test_members_are_sorted_by_utf16_code_units() -> None:
    """The sample of RFC 8785, 3.2.3: U+1F600 comes before U+FB33."""
    members = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    expected = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
    assert expected == list(json.loads(canonical_json(members)).values())


def test_strings_are_escaped_as_little_as_possible() -> None:
    """As `JSON.stringify` does (RFC 8785, 3.2.2.2)."""
    text = "\u20ac$\u000f\nA'\u0042\u0022\u005c\\\u0022\u002f\u007f\b\t\f\r"
    expected = '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f\\b\\t\\f\\r"'
    assert expected == canonical_json(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, "\ud800", ["\udfff"]])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    """NaN, an infinity, beyond a double, an unpaired surrogate."""
    with pytest.raises(ValueError, match=r"."):
        canonical_json(value)


def test_what_is_not_json_is_refused() -> None:
    """A set, for example."""
    with pytest.raises(TypeError):
        canonical_json({1, 2})


def test_a_digest_is_sha256_of_the_canonical_form() -> None:
    """As `sha256:` and 64 digits."""
    expected = hashlib.sha256(b'{"a":1}').hexdigest()
    assert f"sha256:{expected}" == digest({"a": 1.0})


def test_arguments_are_equal_by_value() -> None:
    """Blanks, order of members and ways to write a number do not matter (CTRL-039)."""
    assert arguments_digest('{"b":1.0,"a":2}') == arguments_digest(' {"a": 2, "b": 1}')
    assert arguments_digest("  ") == arguments_digest("{}")
    assert arguments_digest('{"a":1}') != arguments_digest('{"a":2}')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1e999}', '{"a":2e999}'),
        ('{"a":"\ud800"}', '{"a":"\ud801"}'),
        ("[" * 9**6, "[" * 9**5),
    ],
    ids=["beyond a double", "surrogate", "deep"],
)
def test_arguments_without_a_canonical_form_are_bound_by_their_text(one: str, other: str) -> None:
    """An approval is not lost to a number, and does not hold for another."""
    assert arguments_digest(one) == arguments_digest(one)
    assert arguments_digest(one) != arguments_digest(other)


def test_keys_tell_runs_and_turns_apart() -> None:
    """Call ids need only be unique where they were decoded."""
    keys = {effect_key(run, turn, "execute_call", "a") for run in "xy" for turn in (1, 2)}
    assert 4 == len(keys)
