"""The base class of the generated models."""

from __future__ import annotations

from isoloop.contract import ModelRef, TextBlock, UnknownBlock


def test_a_repr_shows_what_is_there_in_the_schemas_order() -> None:
    """What is absent is left out, however the record was made."""
    made = ModelRef.trusted(model="m", dialect="anthropic-messages")
    expected = "ModelRef(dialect='anthropic-messages', model='m')"
    assert expected == repr(made)
    assert expected == repr(ModelRef(dialect="anthropic-messages", model="m"))


def test_a_repr_shows_the_members_of_an_unknown_type() -> None:
    """Nothing of an unknown type is hidden, null included."""
    block = UnknownBlock.model_validate({"type": "hologram", "angle": None})
    assert repr(block) == "UnknownBlock(type='hologram', angle=None)"


def test_trusted_and_validated_records_are_equal() -> None:
    """A record equals another by content."""
    assert TextBlock(text="a") == TextBlock.trusted(text="a")
