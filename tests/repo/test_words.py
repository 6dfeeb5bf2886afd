"""One word per thing: the glossary's."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import pytest

from tests.repo.tree import named, syntax_of, text_of, under

# word -> what we say; matched at the start of each word of a name
BANNED = {
    "cancel": "abort",
    "middleware": "hook",
    "plugin": "hook",
    "guardrail": "policy",
    "recording": "cassette",
}
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def test_names_in_code_use_the_glossary() -> None:
    """No public class, function, method or parameter has a synonym in its name."""
    found = {
        f"{named(path)}: `{name}`: say {word}"
        for path in under("sdk", "conformance", suffix=".py")
        for name in _public_names(syntax_of(path))
        for word in _synonyms(name)
    }
    assert set() == found


def test_names_in_the_contract_use_the_glossary() -> None:
    """No type, member or value has a synonym in its name."""
    found = {
        f"{named(path)}: `{name}`: say {word}"
        for path in under("contract/schemas", "contract/suite", suffix=".json")
        for name in _schema_names(json.loads(text_of(path)))
        for word in _synonyms(name)
    }
    assert set() == found


def test_prose_uses_the_glossary() -> None:
    """People read that runs are aborted; only asyncio cancels."""
    found = {
        f"{named(path)}:{number}: {line.strip()}"
        for path in under("docs", "README.md", "CONTRIBUTING.md", suffix=".md")
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if re.search(r"\bcancel", line, re.IGNORECASE) and "asyncio" not in line
    }
    assert set() == found


@pytest.mark.parametrize("name", ["cancelRun", "CancelledEvent", "cancel_run", "run_canceled"])
def test_a_synonym_is_found(name: str) -> None:
    """In whatever case a name is written."""
    assert ["abort"] == _synonyms(name)


def _synonyms(name: str) -> list[str]:
    words = [word.lower() for word in WORD.findall(name)]
    return [say for banned, say in BANNED.items() if any(w.startswith(banned) for w in words)]


def _public_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.FunctionDef(name=name, args=args) | ast.AsyncFunctionDef(name=name, args=args):
                if not name.startswith("_"):
                    yield name
                    yield from (a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs))
            case _:
                pass


def _schema_names(schema: object) -> Iterator[str]:
    match schema:
        case dict():
            for key in ("$defs", "properties"):
                yield from schema.get(key, {})
            yield from (v for v in schema.get("enum", ()) if isinstance(v, str))
            if isinstance(schema.get("const"), str):
                yield schema["const"]
            for value in schema.values():
                yield from _schema_names(value)
        case list():
            for value in schema:
                yield from _schema_names(value)
        case _:
            pass
