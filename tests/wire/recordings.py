"""Real exchanges with providers, recorded by another project; never part of this repository."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"


@dataclass(frozen=True)
class Exchange:
    """One request and its response."""

    name: str
    url: str
    request: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def streamed(self) -> bool:
        """Whether the answer was streamed."""
        return "event-stream" in self.headers.get("content-type", "")


@dataclass
class Tally:
    """How many exchanges were compared with the vendor's client."""

    compared: set[str] = field(default_factory=set)
    agreeing: set[str] = field(default_factory=set)
    argued: dict[str, str] = field(default_factory=dict)
    cuts: int = 0

    def __str__(self) -> str:
        return (
            f"{len(self.compared)} exchanges compared with the vendor's client, "
            f"{len(self.agreeing)} agree, {len(self.argued)} argued; "
            f"{self.cuts} ways of cutting streams"
        )


@cache
def exchanges(path_end: str) -> tuple[Exchange, ...]:
    """Give the exchanges whose path ends so; none when the recordings are absent."""
    return tuple(
        exchange
        for file in sorted(RECORDINGS.glob("*.yaml"))
        if path_end in file.read_text(encoding="utf-8")
        for exchange in _exchanges(file, path_end)
    )


def _exchanges(file: Path, path_end: str) -> list[Exchange]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    recorded = yaml.load(file.read_text(encoding="utf-8"), loader)  # a safe loader, in C
    found: list[Exchange] = []
    for number, interaction in enumerate(recorded["interactions"]):
        request, response = interaction["request"], interaction["response"]
        if not urlsplit(request["uri"]).path.endswith(path_end):
            continue
        headers = {
            name.lower(): values[0] if isinstance(values, list) else values
            for name, values in response["headers"].items()
        }
        name = file.stem.replace("test_", "")
        found.append(
            Exchange(
                name=f"{name}#{number}",
                url=request["uri"],
                request=request.get("parsed_body") or _parsed(request.get("body") or "{}"),
                status=response["status"]["code"],
                headers=headers,
                body=_body(response),
            )
        )
    return found


def _parsed(body: Any) -> dict[str, Any]:
    return json.loads(body) if isinstance(body, str | bytes) else body


def _body(response: dict[str, Any]) -> bytes:
    if "parsed_body" in response:
        return json.dumps(response["parsed_body"], ensure_ascii=False).encode()
    body = response["body"]["string"]
    return body if isinstance(body, bytes) else body.encode()
