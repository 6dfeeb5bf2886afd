"""The numbered requirements keep their form, and leave no word of the contract unsaid."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml

from tests.contract.schemas import ADDRESS, DOCUMENTS, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = ROOT / "contract" / "requirements"
CHAPTERS: dict[str, Any] = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yaml"))
}
SCHEMA = json.loads((ROOT / "contract" / "suite" / "requirement.json").read_text("utf-8"))

# The words that an implementation says or obeys; each has a meaning only if it is stated.
ENUMERATIONS = [
    ("error", "ErrorCode"),
    ("error", "ResultCode"),
    ("message", "StopReason"),
    ("run", "Outcome"),
    ("run", "Scheduling"),
    ("run", "QueueMode"),
    ("event", "ApprovalResolution"),
    ("command", "RejectionCode"),
    ("model", "Effort"),
]


def requirements(chapter: str) -> Iterator[dict[str, Any]]:
    """Return the statements of a chapter, in reading order."""
    return chain.from_iterable(section["requirements"] for section in CHAPTERS[chapter]["sections"])


def texts() -> str:
    """Return all that is stated, in all chapters."""
    return "\n".join(item["text"] for chapter in CHAPTERS for item in requirements(chapter))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_the_form_of_a_chapter(chapter: str) -> None:
    """Every member is known and well-formed; a text is a sentence and ends with a period."""
    schema = {"$ref": f"{ADDRESS}requirement.json#/$defs/Chapter"}
    registry = jsonschema_rs.Registry([(SCHEMA["$id"], SCHEMA)])
    judge = jsonschema_rs.Draft202012Validator(schema, registry=registry)
    faults = [f"{e.instance_path}: {e.message}" for e in judge.iter_errors(CHAPTERS[chapter])]
    assert [] == faults


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_named_like_its_file(chapter: str) -> None:
    """The name, and the beginning of each section's id, are the file's name."""
    document = CHAPTERS[chapter]
    sections = [section["id"] for section in document["sections"]]
    assert chapter == document["chapter"]
    assert [] == [name for name in sections if not name.startswith(f"{chapter}.")]
    assert sorted(set(sections)) == sorted(sections)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_numbers_are_never_missing_or_used_twice(chapter: str) -> None:
    """Ids count from 001 to the last: a statement that is removed stays, with `until`."""
    prefix = CHAPTERS[chapter]["prefix"]
    ids = [item["id"] for item in requirements(chapter)]
    assert [f"{prefix}-{number:03}" for number in range(1, len(ids) + 1)] == sorted(ids)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_numbers_ascend_within_a_section(chapter: str) -> None:
    """A new statement goes to the end of its section, with the chapter's next number."""
    for section in CHAPTERS[chapter]["sections"]:
        ids = [item["id"] for item in section["requirements"]]
        assert sorted(ids) == ids, section["id"]


def test_no_two_chapters_share_a_prefix() -> None:
    """An id alone says where its statement is."""
    prefixes = [document["prefix"] for document in CHAPTERS.values()]
    assert sorted(set(prefixes)) == sorted(prefixes)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_place_of_observation_is_named_once(chapter: str) -> None:
    """A statement lists where it shows, without repetition; `none` stands alone."""
    for item in requirements(chapter):
        places = item["observable"]
        assert len(set(places)) == len(places), item["id"]
        assert places == ["none"] or "none" not in places, item["id"]


@pytest.mark.parametrize(("module", "name"), ENUMERATIONS, ids=lambda part: part)
def test_every_word_of_an_enumeration_is_stated(module: str, name: str) -> None:
    """What an enumeration lists, some requirement gives a meaning to."""
    stated = texts()
    words = DOCUMENTS[module]["$defs"][name]["enum"]
    assert [] == [word for word in words if f"`{word}`" not in stated]


def test_every_event_type_is_stated() -> None:
    """What an implementation may send, some requirement says when it does."""
    events = DOCUMENTS["event"]["$defs"]
    branches = [branch["$ref"].rpartition("/")[2] for branch in events["KnownEvent"]["oneOf"]]
    types = [events[name]["properties"]["type"]["const"] for name in branches]
    stated = texts()
    assert [] == [name for name in types if f"`{name}`" not in stated]
