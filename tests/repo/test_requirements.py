"""What cites a requirement cites one that exists."""

from __future__ import annotations

import re

import yaml

from tests.repo.tree import ROOT, named, text_of, under

PLACES = ("sdk", "conformance", "tests", "docs", "contract/suite", "contract/schemas")
MADE_UP = "-999"  # the number that tests use for what does not exist


def test_every_cited_requirement_exists() -> None:
    """A case, a test, a comment or a document names no requirement that is not in the contract."""
    known = _requirements()
    prefixes = {identity.partition("-")[0] for identity in known}
    citation = re.compile(rf"\b(?:{'|'.join(sorted(prefixes))})-\d+\b")
    found = {
        f"{named(path)}: {identity}"
        for path in under(*PLACES)
        for identity in citation.findall(text_of(path))
        if identity not in known and not identity.endswith(MADE_UP)
    }
    assert set() == found


def _requirements() -> set[str]:
    return {
        item["id"]
        for path in (ROOT / "contract" / "requirements").glob("*.yaml")
        for section in yaml.safe_load(path.read_text("utf-8"))["sections"]
        for item in section["requirements"]
    }
