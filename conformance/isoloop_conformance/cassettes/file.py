"""Read and write cassettes.

A cassette, shortened::

    provenance:
      kind: live
      provider: api.anthropic.com
      model: claude-sonnet-4-5
      date: 2026-11-20
    interactions:
    - request:
        method: POST
        uri: https://api.anthropic.com/v1/messages
        headers: {content-type: [application/json]}
        body: '{"model":"claude-sonnet-4-5",...}'
      response:
        status: {code: 200, message: OK}
        headers: {content-type: [text/event-stream]}
        body:
          string: |+
            event: message_start
            ...
        arrived:
        - {bytes: 512, atMs: 0}
    version: 1

A body that is no UTF-8 text is a `!!binary` scalar, as vcrpy writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import yaml

from isoloop_conformance import schemas
from isoloop_conformance.cassettes.secrets import redact
from isoloop_conformance.frames import Bytes

if TYPE_CHECKING:
    from pathlib import Path

    from isoloop_conformance.exact_json import Json, JsonObject
    from isoloop_conformance.frames import Frame

Headers = dict[str, list[str]]


class CassetteError(ValueError):
    """The file is no cassette."""


@dataclass(frozen=True)
class Arrival:
    """A piece of a body as it arrived."""

    size_bytes: int
    at_ms: int


@dataclass(frozen=True)
class Request:
    """What was sent."""

    method: str
    uri: str
    headers: Headers = field(default_factory=dict[str, list[str]])
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    message: str
    headers: Headers
    body: bytes
    arrived: list[Arrival] = field(default_factory=list[Arrival])

    @property
    def chunks(self) -> list[Frame]:
        """The body in the pieces in which it arrived; empty when nobody knows them."""
        pieces: list[Frame] = []
        start = 0
        for arrival in self.arrived:
            pieces.append(Bytes(self.body[start : start + arrival.size_bytes]))
            start += arrival.size_bytes
        return pieces


@dataclass(frozen=True)
class Interaction:
    """One exchange."""

    request: Request
    response: Response


@dataclass(frozen=True)
class Cassette:
    """Exchanges, and where they come from."""

    provenance: JsonObject
    interactions: list[Interaction]


def load(path: Path) -> Cassette:
    """Read a cassette.

    Raises:
        CassetteError: There is no such file, or it is no cassette.
    """
    value = read_value(path)
    if found := schemas.problems("cassette.Cassette", _as_json(value)):
        problem = found[0]
        raise CassetteError(f"{path.name}: {'.'.join(map(str, problem.path))}: {problem.text}")
    pairs = ((i["request"], i["response"]) for i in value["interactions"])
    interactions = [Interaction(_request(q), _response(s)) for q, s in pairs]
    for interaction in interactions:
        arrived, body = interaction.response.arrived, interaction.response.body
        if arrived and sum(a.size_bytes for a in arrived) != len(body):
            raise CassetteError(f"{path.name}: `arrived` does not add up to {len(body)} bytes")
    return Cassette(value["provenance"], interactions)


def save(path: Path, cassette: Cassette) -> None:
    """Write a cassette. What is secret is redacted before anything is written."""
    text = render(cassette)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="\n")


def render(cassette: Cassette) -> str:
    """Return a cassette's text, always the same for the same exchanges."""
    return yaml.dump(
        redact(_value(cassette)),
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=False,
        width=10**9,
    )


def read_value(path: Path) -> Json:
    """Read a file's YAML; a body that is no text is bytes."""
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a safe loader
    except FileNotFoundError:
        raise CassetteError(f"there is no cassette {path}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CassetteError(f"{path.name} is not YAML: {error}") from None


def _as_json(value: Any) -> Json:
    """Turn bytes into some text, so that a schema can judge the value."""
    match value:
        case bytes():
            return value.decode("latin-1")
        case dict():
            return {str(k): _as_json(v) for k, v in cast("JsonObject", value).items()}
        case list():
            return [_as_json(v) for v in cast("list[Any]", value)]
        case _:
            return value


def _bytes(body: str | bytes) -> bytes:
    return body if isinstance(body, bytes) else body.encode()


def _text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _request(value: JsonObject) -> Request:
    headers = {name.lower(): given for name, given in value["headers"].items()}
    return Request(value["method"], value["uri"], headers, _bytes(value.get("body") or ""))


def _response(value: JsonObject) -> Response:
    return Response(
        value["status"]["code"],
        value["status"]["message"],
        {name.lower(): given for name, given in value["headers"].items()},
        _bytes(value["body"]["string"]),
        [Arrival(a["bytes"], a["atMs"]) for a in value.get("arrived", [])],
    )


def _value(cassette: Cassette) -> JsonObject:
    return {
        "provenance": cassette.provenance,
        "interactions": [
            {"request": _request_value(i.request), "response": _response_value(i.response)}
            for i in cassette.interactions
        ],
        "version": 1,
    }


def _request_value(request: Request) -> JsonObject:
    return {
        "method": request.method,
        "uri": request.uri,
        "headers": request.headers,
        "body": _text(request.body),
    }


def _response_value(response: Response) -> JsonObject:
    value: JsonObject = {
        "status": {"code": response.status, "message": response.message},
        "headers": response.headers,
        "body": {"string": _text(response.body)},
    }
    # A redacted body has other lengths: then nobody knows how it arrived.
    if response.arrived and redact(response.body) == response.body:
        value["arrived"] = [{"bytes": a.size_bytes, "atMs": a.at_ms} for a in response.arrived]
    return value


# YAML takes these for line ends, and a reader makes blanks of them.
_FOLDED = re.compile("[\r\x85\u2028\u2029]")


class _Loader(yaml.SafeLoader):
    """Dates stay text: provenance is JSON."""


# Copied before it is changed: SafeLoader itself must keep its resolvers.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.SafeDumper):
    """Many lines as a block, so that a stream can be read in a review; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _string(_dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if _FOLDED.search(text):
        style = '"'
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _string)
