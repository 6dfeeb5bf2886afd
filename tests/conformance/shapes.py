"""The structure of provider traffic: names and kinds, not values."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from isoloop_conformance.frames import is_event, split_events

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"


def shape(value: Any) -> Any:
    """Return an object's keys and the kinds of its values; lists by their kinds of items."""
    match value:
        case dict():
            return {key: shape(inner) for key, inner in value.items()}
        case list():
            return sorted({json.dumps(shape(inner)) for inner in value})
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case _:
            return "null"


def events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream with their names and data; `[DONE]` is none."""
    found: list[tuple[str, dict[str, Any]]] = []
    for frame in split_events(body):
        if not is_event(frame):
            continue
        # Not `splitlines`: SSE knows three line ends, Python many more.
        lines = re.split("\r\n|\n|\r", frame.data.decode())
        name = next((line[6:].strip() for line in lines if line.startswith("event:")), "")
        data = "".join(line[5:] for line in lines if line.startswith("data:"))
        if data.strip() != "[DONE]":
            found.append((name, json.loads(data)))
    return found


def kind(data: dict[str, Any]) -> str:
    """Return an event's type, with the kind of block or delta that it carries."""
    inner = data.get("content_block") or data.get("delta") or {}
    return "/".join(filter(None, (data["type"], inner.get("type"))))


def recorded_exchanges(path: str) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return real exchanges of a path, if they are at hand: file, request, response."""
    exchanges: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for file in sorted(RECORDINGS.glob("*.yaml")):
        text = file.read_text("utf-8")
        if path not in text:
            continue
        for interaction in yaml.load(text, Loader=loader)["interactions"]:
            request = interaction.get("request") or {}
            if request.get("uri", "").partition("?")[0].endswith(path):
                exchanges.append((file.name, request, interaction["response"]))
    return exchanges
