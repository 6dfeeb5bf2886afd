"""The hosts that speak Chat Completions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isoloop.perform.model import Model
from isoloop.wire import absolute_url
from isoloop.wire.openai_chat.vendors import OPENAI, VENDORS, Vendor, vendor_named

PAGE = Path(__file__).parents[3] / "docs" / "dialects" / "openai-chat.md"


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_every_host_is_a_prefix_of_model_names(name: str) -> None:
    """The reference of its models names the host and this dialect."""
    model = Model(f"{name}:some/model:free", base_url="https://host/v1")
    assert ("openai-chat", "some/model:free", name) == (
        model.ref.dialect,
        model.ref.model,
        model.ref.vendor,
    )


@pytest.mark.parametrize("vendor", [v for v in (OPENAI, *VENDORS.values()) if v.base_url])
def test_every_address_is_one(vendor: Vendor) -> None:
    """The path goes below it; only a server of one's own is not encrypted."""
    assert vendor.base_url is not None
    url = absolute_url(vendor.base_url, "/chat/completions")
    assert f"{vendor.base_url}/chat/completions" == url
    assert url.startswith("https://") or not vendor.needs_key


def test_who_is_not_known_is_taken_for_openai() -> None:
    """DIAL-063: so is nobody."""
    assert OPENAI is vendor_named(None) is vendor_named("mine")


def test_the_page_lists_every_host_with_its_key() -> None:
    """A host that is added or removed changes the page."""
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: vendor.key_variable for name, vendor in VENDORS.items()} == dict(rows)
