"""The parts of a Google-style docstring that a model should read.

The description is everything before the first section. In the section `Args:` each line
`query: What to look for.` or `limit (int): How many.` begins a parameter; lines that are indented
further go on with it.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

_SECTION = re.compile(
    r"(Args|Arguments|Parameters|Returns?|Yields?|Raises|Examples?|Notes?|Attributes|Contract"
    r"|See Also|Todo|Warnings?):\s*"
)
_ARGUMENT = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)")


@dataclass(frozen=True, slots=True)
class Docstring:
    """What a docstring says to a model."""

    description: str
    arguments: dict[str, str]


def read_docstring(text: str | None) -> Docstring:
    """Read a docstring; sections other than the arguments are for people."""
    description: list[str] = []
    arguments: dict[str, list[str]] = {}
    section: str | None = None
    current: list[str] | None = None
    indent = 0
    for line in inspect.cleandoc(text or "").splitlines():
        heading = _SECTION.fullmatch(line)
        if heading:
            section, current, indent = heading[1], None, 0
            continue
        if section is None or (line and not line[0].isspace()):
            if section is None:
                description.append(line)
            continue
        if section not in {"Args", "Arguments", "Parameters"} or not line.strip():
            continue
        depth = len(line) - len(line.lstrip())
        indent = indent or depth
        found = _ARGUMENT.fullmatch(line.strip()) if depth <= indent else None
        if found:
            current = arguments.setdefault(found[1], [])
            current.append(found[2])
        elif current is not None:
            current.append(line.strip())
    return Docstring(
        "\n".join(description).strip(),
        {name: " ".join(parts).strip() for name, parts in arguments.items()},
    )
