"""Render the contract's schemas as pydantic models.

datamodel-code-generator does the work, on a copy of the schemas that is changed in three points:

* `additionalProperties: false` is left out: the base class forbids unknown members already.
* `not: {enum: [...]}` on the `type` of an unknown type would be lost, and a malformed known type
  would pass as an unknown one. A named type takes its place, which refuses what is known.
* `const: true` becomes a named type: to Python 1 is equal to True, and passes as it.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

PACKAGE = "isoloop.contract"
REFINED = "_refined"
HEADER = "# Generated from {source} by contract/tooling/generate.py; do not edit.\n"

EXPORTS = '''\
{header}
"""The contract's types."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
{imports}

__all__ = [
{names}
]

_HOMES = {{
{homes}
}}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
    value = globals()[name] = getattr(import_module(f"{{__name__}}.{{_HOMES[name]}}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
'''

REFINED_TYPES = '''\
{header}
"""What the generator cannot say."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator


class _Unknown:
    """Refuses the names of known types: a malformed known type is not an unknown one."""

    def __init__(self, *known: str) -> None:
        self._known = frozenset(known)

    def __call__(self, value: str) -> str:
        if value in self._known:
            raise ValueError(f"`{{value}}` is a known type, and this is not a valid one")
        return value


def _only_true(value: object) -> object:
    if value is not True:
        raise ValueError("Input should be true")
    return value


OnlyTrue = Annotated[Literal[True], BeforeValidator(_only_true)]
'''

OPTIONS = [
    *("--input-file-type", "jsonschema", "--schema-version", "2020-12"),
    *("--schema-version-mode", "strict", "--strict-refs", "--no-allow-remote-refs"),
    *("--output-model-type", "pydantic_v2.BaseModel", "--base-class", "isoloop._model.Model"),
    *("--target-python-version", "3.11", "--target-pydantic-version", "2.12"),
    # `Annotated[int, Field(ge=0)]`, `A | B`, `list[A]`
    *("--use-annotated", "--field-constraints", "--use-union-operator"),
    *("--use-standard-collections", "--use-exact-imports", "--use-double-quotes"),
    # enums and constants are literals; a discriminator need not be written by hand
    *("--enum-field-as-literal", "all", "--use-one-literal-as-default"),
    # named aliases for scalars and unions instead of root models
    *("--skip-root-model", "--use-type-alias-type"),
    *("--snake-case-field", "--strict-nullable"),
    # a named scalar is built outside its model, where the base class does not make it strict
    *("--strict-types", "str", "int", "float", "bool"),
    *("--use-schema-description", "--use-field-description"),
    *("--use-inline-field-description", "--use-single-line-docstring"),
    # string annotations cost pydantic a third of the import time
    "--disable-future-imports",
    # depends on no formatter's version
    *("--disable-timestamp", "--formatters", "builtin"),
]


def render(contract: Path) -> dict[str, str]:
    """Return the text of each file of the generated package, by its name."""
    schemas = {p.name: json.loads(p.read_text("utf-8")) for p in contract.glob("schemas/*.json")}
    known = _known_types(schemas)
    aliases = contract / "tooling" / "aliases.json"
    with tempfile.TemporaryDirectory() as scratch:
        raw = _generate(Path(scratch), schemas, aliases)
    files = {
        name: _finish(f"contract/schemas/{name.removesuffix('.py')}.json", text)
        for name, text in raw.items()
        if name != "__init__.py"
    }
    init = _exports(files)
    return files | {"__init__.py": init, f"{REFINED}.py": _refined_types(known)}


def _generate(scratch: Path, schemas: dict[str, Any], aliases: Path) -> dict[str, str]:
    source, target = scratch / "schemas", scratch / "contract"
    source.mkdir()
    for name, schema in schemas.items():
        (source / name).write_text(json.dumps(_for_generator(schema)), "utf-8")
    command = [sys.executable, "-m", "datamodel_code_generator"]
    command += ["--input", str(source), "--output", str(target), "--aliases", str(aliases)]
    done = subprocess.run(
        command + OPTIONS, cwd=scratch, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"datamodel-codegen failed:\n{done.stdout}{done.stderr}")
    return {p.name: p.read_text("utf-8") for p in target.glob("*.py")}


def _for_generator(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = {name: _closed_by_base(d) for name, d in schema.get("$defs", {}).items()}
    for name, definition in definitions.items():
        for member, value in definition.get("properties", {}).items():
            if value.get("const") is True:
                del value["const"]
                value["customTypePath"] = f"{PACKAGE}.{REFINED}.OnlyTrue"
            if "not" in value:
                del value["not"]
                value["customTypePath"] = f"{PACKAGE}.{REFINED}.{_open_name(name, member)}"
    return schema | {"$defs": definitions}


def _closed_by_base(value: Any) -> Any:
    match value:
        case dict():
            members = cast("dict[str, Any]", value)
            return {
                k: _closed_by_base(v)
                for k, v in members.items()
                if not (k == "additionalProperties" and v is False)
            }
        case list():
            return [_closed_by_base(v) for v in cast("list[Any]", value)]
        case _:
            return value


def _known_types(schemas: dict[str, Any]) -> dict[str, list[str]]:
    """What each open type refuses, by the name of its Python type."""
    return {
        _open_name(name, member): value["not"]["enum"]
        for schema in schemas.values()
        for name, definition in schema.get("$defs", {}).items()
        for member, value in definition.get("properties", {}).items()
        if "not" in value
    }


def _open_name(definition: str, member: str) -> str:
    return definition + member[0].upper() + member[1:]


def _finish(source: str, text: str) -> str:
    first = f"# generated by datamodel-codegen:\n#   filename:  {Path(source).name}\n"
    if not text.startswith(first):
        raise SystemExit(f"{source}: the generator's header is not what it was:\n{text[:200]}")
    # Leftovers of `customTypePath`: the types are ordinary ones.
    text = text.replace("        arbitrary_types_allowed=True,\n", "")
    text = text.replace("    model_config = ConfigDict(\n    )\n", "")
    return HEADER.format(source=source) + text.removeprefix(first)


def _refined_types(known: dict[str, list[str]]) -> str:
    lines = [REFINED_TYPES.format(header=HEADER.format(source="contract/schemas")).rstrip("\n")]
    for name, values in sorted(known.items()):
        lines += ["", "", f"{name} = Annotated[", "    str,", "    AfterValidator("]
        lines += ["        _Unknown("]
        lines += [f'            "{value}",' for value in values]
        lines += ["        )", "    ),", "]"]
    return "\n".join(lines) + "\n"


def _exports(files: dict[str, str]) -> str:
    """Return the package's `__init__`, which re-exports every named type.

    A module is imported when one of its types is asked for: all of them together would take longer
    to import than pydantic does.
    """
    homes: dict[str, str] = {}
    for file, text in files.items():
        for name in _public_names(text):
            if name in homes:
                raise SystemExit(f"`{name}` is defined in {homes[name]}.py and in {file}")
            homes[name] = file.removesuffix(".py")
    imports: list[str] = []
    for module in sorted(set(homes.values())):
        names = sorted(name for name, home in homes.items() if home == module)
        imports += [
            f"    from {PACKAGE}.{module} import (",
            *(f"        {n}," for n in names),
            "    )",
        ]
    return EXPORTS.format(
        header=HEADER.format(source="contract/schemas"),
        imports="\n".join(imports),
        names="\n".join(f'    "{name}",' for name in sorted(homes)),
        homes="\n".join(f'    "{name}": "{homes[name]}",' for name in sorted(homes)),
    )


def _public_names(text: str) -> list[str]:
    names: list[str] = []
    for node in ast.parse(text).body:
        match node:
            case ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
                names.append(name)
            case _:
                pass
    return [name for name in names if not name.startswith("_")]
