"""Hold the contract to its own rules, so that models, docs and cases can be derived from it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ADDRESS = "https://isoloop.dev/contract/1/"
SAFE_INTEGER = 2**53 - 1
MEMBER = re.compile(r"[a-z][A-Za-z0-9]*")
VALUE = re.compile(r"[a-z][a-z0-9]*([_.][a-z0-9]+)*")
DIALECTS = {"anthropic-messages", "openai-chat", "openai-responses"}

# What the generated models can say. Anything else would be checked by the schema alone.
# The suite's own schemas have no models and may use any keyword.
KEYWORDS = {
    *("$ref", "type", "const", "enum", "description", "title", "default", "examples"),
    *("properties", "required", "additionalProperties", "items", "oneOf", "anyOf", "not"),
    *("discriminator", "minimum", "maximum", "minLength", "maxLength", "pattern"),
    *("minItems", "maxItems"),
}

Schema = dict[str, Any]


def lint(contract: Path) -> list[str]:
    """Return one line for each rule that the contract breaks."""
    folders = {p.name: p.parent.name for p in contract.glob("s*/*.json")}
    files = {n: json.loads((contract / f / n).read_text("utf-8")) for n, f in folders.items()}
    problems = _Schemas(files, folders).problems()
    problems += lint_requirements(contract)
    return sorted(problems)


# ---------------------------------------------------------------- schemas


@dataclass(frozen=True)
class _Schemas:
    files: dict[str, Schema]
    folders: dict[str, str]

    def problems(self) -> list[str]:
        found: list[str] = []
        for name, document in self.files.items():
            where = f"contract/{self.folders[name]}/{name}"
            found += [f"{where}: {p}" for p in self._document(name, document)]
        return found

    def _document(self, name: str, document: Schema) -> Iterator[str]:
        if document.get("$schema") != DRAFT:
            yield f"`$schema` is not {DRAFT}"
        if document.get("$id") != ADDRESS + name:
            yield f"`$id` is not {ADDRESS}{name}"
        for member in ("title", "description"):
            if not document.get(member):
                yield f"`{member}` is missing"
        if extra := document.keys() - {"$schema", "$id", "title", "description", "$defs"}:
            yield f"types live in `$defs`, not beside it: {', '.join(sorted(extra))}"
        for definition, schema in document.get("$defs", {}).items():
            if not schema.get("description"):
                yield f"{definition}: a description is missing"
            for path, part in _walk(schema, definition):
                for problem in self._part(name, part):
                    yield f"{path}: {problem}"

    def _part(self, file: str, part: Schema) -> Iterator[str]:
        modelled = self.folders[file] == "schemas"
        if modelled and (extra := part.keys() - KEYWORDS):
            yield f"the models cannot say {', '.join(sorted(extra))}"
        if part.get("type") == "null" or isinstance(part.get("type"), list):
            yield "a member is absent, never null, and has one type"
        if "$ref" in part and self._resolve(file, part["$ref"]) is None:
            yield f"`{part['$ref']}` leads nowhere"
        yield from _object_problems(part)
        yield from _scalar_problems(part)
        if "oneOf" in part:
            yield from self._closed_union(file, part)
        if modelled and "anyOf" in part:
            yield from self._open_union(file, part)

    def _closed_union(self, file: str, part: Schema) -> Iterator[str]:
        """A closed union names its discriminator, by which each branch is told apart."""
        member = part.get("discriminator", {}).get("propertyName")
        if member is None:
            yield "`oneOf` without `discriminator`"
            return
        values = [self._tag(file, branch, member) for branch in part["oneOf"]]
        for branch, value in zip(part["oneOf"], values, strict=True):
            if value is None:
                yield f"{branch.get('$ref', 'a branch')} does not require a constant `{member}`"
        if len(set(values)) != len(values):
            yield f"two branches have the same `{member}`"

    def _open_union(self, file: str, part: Schema) -> Iterator[str]:
        """An open union is a closed one and an unknown type, which refuses what is known."""
        match part["anyOf"]:
            case [{"$ref": str(known)}, {"$ref": str(unknown)}]:
                closed = self._resolve(file, known)
                opened = self._resolve(file, unknown)
            case _:
                yield "`anyOf` is not a known and an unknown type, by reference"
                return
        if closed is None or opened is None or "oneOf" not in closed:
            yield f"`{known}` is not a closed union"
            return
        member = closed.get("discriminator", {}).get("propertyName", "type")
        refused = opened.get("properties", {}).get(member, {}).get("not", {}).get("enum", [])
        where = _target_file(file, known)
        tags = {self._tag(where, branch, member) for branch in closed["oneOf"]}
        if missing := sorted(str(t) for t in tags - set(refused)):
            yield f"`{unknown}` does not refuse the known {', '.join(missing)}"

    def _tag(self, file: str, branch: Schema, member: str) -> object:
        target = self._resolve(file, branch.get("$ref", ""))
        if target is None or member not in target.get("required", ()):
            return None
        return target.get("properties", {}).get(member, {}).get("const")

    def _resolve(self, file: str, reference: str) -> Schema | None:
        _, _, pointer = reference.partition("#/$defs/")
        return self.files.get(_target_file(file, reference), {}).get("$defs", {}).get(pointer)


def _target_file(file: str, reference: str) -> str:
    return reference.partition("#")[0] or file


def _object_problems(part: Schema) -> Iterator[str]:
    members: Schema = part.get("properties", {})
    for name, value in members.items():
        if not MEMBER.fullmatch(name):
            yield f"`{name}` is not camelCase"
        if not value.get("description") and "const" not in value:
            yield f"`{name}` has no description"
    if "properties" in part and "additionalProperties" not in part:
        yield "`additionalProperties` is not said"
    if unknown := set(part.get("required", ())) - members.keys():
        yield f"requires what it does not have: {', '.join(sorted(unknown))}"


def _scalar_problems(part: Schema) -> Iterator[str]:
    values = [*part.get("enum", ()), *([part["const"]] if "const" in part else ())]
    for value in values:
        if isinstance(value, str) and not VALUE.fullmatch(value) and value not in DIALECTS:
            yield f"`{value}` is not snake_case"
    if part.get("type") == "integer":
        low, high = part.get("minimum"), part.get("maximum")
        if low is None or high is None or low < -SAFE_INTEGER or high > SAFE_INTEGER:
            yield "an integer has a minimum and a maximum, both within 2^53-1"


def _walk(part: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Yield every schema within `part`, itself included, with the path to it."""
    yield path, part
    for name, value in part.get("properties", {}).items():
        yield from _walk(value, f"{path}.{name}")
    for keyword in ("items", "additionalProperties", "not"):
        if isinstance(part.get(keyword), dict):
            yield from _walk(part[keyword], f"{path}.{keyword}")
    for keyword in ("oneOf", "anyOf"):
        for i, branch in enumerate(part.get(keyword, ())):
            yield from _walk(branch, f"{path}.{keyword}[{i}]")


# ---------------------------------------------------------------- requirements


def lint_requirements(contract: Path) -> list[str]:
    """Return what is wrong with the chapters of numbered requirements."""
    schema = json.loads((contract / "suite" / "requirement.json").read_text("utf-8"))
    chapters = jsonschema_rs.validator_for(schema | {"$ref": "#/$defs/Chapter"})
    problems: list[str] = []
    seen: dict[str, str] = {}
    for path in sorted(contract.glob("requirements/*.yaml")):
        where = f"contract/requirements/{path.name}"
        try:
            chapter: Schema = yaml.safe_load(path.read_text("utf-8"))
        except yaml.YAMLError as error:
            problems.append(f"{where}: {error}")
            continue
        if malformed := [_at(e) for e in chapters.iter_errors(chapter)]:
            problems += [f"{where}: {p}" for p in malformed]
            continue
        if chapter["chapter"] != path.stem:
            problems.append(f"{where}: `chapter` is not `{path.stem}`")
        for section in chapter["sections"]:
            if not section["id"].startswith(f"{path.stem}."):
                problems.append(f"{where}: `{section['id']}` is not named `{path.stem}.…`")
            for identity in (item["id"] for item in section["requirements"]):
                if identity.partition("-")[0] != chapter["prefix"]:
                    problems.append(f"{where}: {identity} has not the prefix of the chapter")
                if identity in seen:
                    problems.append(f"{where}: {identity} is in {seen[identity]} too")
                seen[identity] = where
    return problems


def _at(error: jsonschema_rs.ValidationError) -> str:
    return f"{'/'.join(map(str, error.instance_path))}: {error.message}"
