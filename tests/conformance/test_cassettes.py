"""Cassettes: the format, what must not be in them, and that vcrpy replays them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
import vcr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isoloop_conformance.cassettes import (
    Arrival,
    Cassette,
    CassetteError,
    Interaction,
    Request,
    Response,
    find_secrets,
    lint,
    load,
    redact,
    save,
)
from isoloop_conformance.cassettes.file import render
from isoloop_conformance.view import read_request
from tests.conformance.raw_client import CASSETTES, Stage, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FILES = sorted(CASSETTES.rglob("*.yaml"))
NAMES = [str(file.relative_to(CASSETTES)) for file in FILES]
URL = "https://api.anthropic.com/v1/messages"
# Put together here so that no scanner takes the test for a leak.
KEY = "sk-" + "ant-" + "api03-" + "x" * 24


def cassette(body: bytes = b"data: a\n\n", **members: Any) -> Cassette:
    """Return a cassette of one exchange."""
    request = Request("POST", URL, {"content-type": ["application/json"]}, b"{}")
    response = Response(200, "OK", {"content-type": ["text/event-stream"]}, body)
    provenance = members.pop("provenance", {"kind": "hand", "note": "A test."})
    response = replace(response, **members)
    return Cassette(provenance, [Interaction(request, response)])


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_cassette_keeps_the_rules(file: Path) -> None:
    """Schema, provenance, secrets, size, address, format (cassettes/README.md)."""
    assert [] == lint(file, file.relative_to(CASSETTES).parts[0])


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_recorded_request_is_one_that_the_provider_takes(file: Path) -> None:
    """A cassette whose requests break the provider's rules was not recorded."""
    dialect = file.relative_to(CASSETTES).parts[0]
    for interaction in load(file).interactions:
        headers = {name: values[0] for name, values in interaction.request.headers.items()}
        assert [] == read_request(dialect, interaction.request.body, headers).problems


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_vcrpy_replays_every_cassette_to_httpx(file: Path) -> None:
    """The same status, headers and bytes, from vcrpy, with our members beside its own."""
    expected = load(file).interactions
    player = vcr.VCR(record_mode=vcr.mode.NONE, match_on=["method", "uri", "body"])
    with player.use_cassette(str(file)) as tape, httpx.Client() as client:
        for interaction in expected:
            sent, recorded = interaction.request, interaction.response
            headers = {name: values[0] for name, values in sent.headers.items()}
            got = client.request(sent.method, sent.uri, headers=headers, content=sent.body)
            assert (recorded.status, recorded.body) == (got.status_code, got.content)
            assert recorded.headers["content-type"][0] == got.headers["content-type"]
        assert len(expected) == tape.play_count


async def test_what_vcrpy_records_is_read(stage: Stage, tmp_path: Path) -> None:
    """It writes our format, but for where the exchanges come from."""
    stage.open({"body": "data: é\n\ndata: b\n\n"})
    file = tmp_path / "recorded.yaml"
    with vcr.use_cassette(str(file)):
        async with httpx.AsyncClient() as client:
            answered = await client.post(f"{stage.url}/v1/messages", content=b"{}")
    text = file.read_text("utf-8")
    file.write_text(f"provenance: {{kind: twin, note: A test.}}\n{text}", "utf-8")
    recorded = load(file).interactions[0]
    assert "data: é\n\ndata: b\n\n".encode() == recorded.response.body == answered.content
    assert ("POST", b"{}") == (recorded.request.method, recorded.request.body)


@pytest.mark.slow
@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@example(body="\x85".encode())
@example(body="a\x85\u2028 \r\n\ufeff".encode())
@settings(max_examples=50, deadline=None)
def test_a_body_survives_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    """Byte for byte: line ends, trailing blanks, control characters, and what is no UTF-8."""
    file = tmp_path_factory.getbasetemp() / "body.yaml"
    save(file, cassette(body))
    assert body == load(file).interactions[0].response.body
    assert file.read_text("utf-8") == render(load(file))


def test_pieces_survive_writing_and_reading(tmp_path: Path) -> None:
    """`arrived` is read back, and cuts the body."""
    file = tmp_path / "pieces.yaml"
    arrived = [Arrival(4, 0), Arrival(5, 12)]
    save(file, cassette(arrived=arrived))
    response = load(file).interactions[0].response
    assert arrived == response.arrived
    assert [b"data", b": a\n\n"] == [getattr(frame, "data", None) for frame in response.chunks]


def test_pieces_must_add_up(tmp_path: Path) -> None:
    """Otherwise the recording is damaged."""
    file = tmp_path / "pieces.yaml"
    save(file, cassette(arrived=[Arrival(4, 0)]))
    with pytest.raises(CassetteError, match="does not add up to 9 bytes"):
        load(file)


def test_secrets_never_reach_the_file(tmp_path: Path) -> None:
    """Headers of credentials, cookies and organisations; keys in bodies; nothing else changes."""
    file = tmp_path / "secrets.yaml"
    leaky = cassette(f'{{"key":"{KEY}"}}'.encode(), arrived=[Arrival(40, 0)])
    names = ["Authorization", "x-api-key", "Cookie", "anthropic-organization-id"]
    headers = {name: ["hush"] for name in names} | {"user-agent": ["a"]}
    request = replace(leaky.interactions[0].request, headers=headers, body=f"my {KEY}".encode())
    response = replace(leaky.interactions[0].response, headers={"set-cookie": ["hush"]})
    save(file, Cassette(leaky.provenance, [Interaction(request, response)]))
    text = file.read_text("utf-8")
    assert "hush" not in text
    assert KEY not in text
    written = load(file).interactions[0]
    assert b'{"key":"REDACTED"}' == written.response.body
    assert [] == written.response.arrived
    assert ["a"] == written.request.headers["user-agent"]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "sk-" + "proj-" + "a" * 30,
        "gsk_" + "a" * 30,
        "AIza" + "a" * 35,
        "AKIA" + "A" * 16,
        "ghp_" + "a" * 36,
        "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12,
        "Bearer " + "a" * 20,
    ],
)
def test_texts_in_the_shape_of_a_key_are_found(text: str) -> None:
    """What is redacted is what the lint finds."""
    assert "(REDACTED)" == redact(f"({text})")
    assert ["x.0: looks like a key"] == list(find_secrets([f"a {text} b"], "x"))
    assert [] == list(find_secrets(redact([text])))


def test_ordinary_text_is_no_secret() -> None:
    """Prose, ids and signatures stay."""
    texts = ["the task-force asks", "toolu_01HandWeatherAAAAAAAAAA", "EqQBCkYICBgCKkDn3mNwZcUo"]
    assert texts == redact(texts)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"provenance": {"kind": "live", "model": "m", "date": "2026-01-01"}}, "provider"),
        ({"provenance": {"kind": "hand"}}, "note"),
        ({"provenance": {"kind": "found", "note": "x"}}, "kind"),
        ({"version": 2}, "version"),
        ({"interactions": []}, "interactions"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_departs_from_the_schema_is_refused(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    """JSON is YAML, so a changed value can be written as JSON."""
    file = tmp_path / "changed.yaml"
    request = {"method": "POST", "uri": URL, "headers": {}, "body": "{}"}
    response = {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "a"}}
    value: dict[str, Any] = {
        "provenance": {"kind": "hand", "note": "x"},
        "interactions": [{"request": request, "response": response}],
        "version": 1,
    }
    file.write_text(json.dumps(value), "utf-8")
    load(file)
    file.write_text(json.dumps(value | change), "utf-8")
    with pytest.raises(CassetteError, match=problem):
        load(file)


@pytest.mark.slow
def test_the_lint_finds_what_a_person_put_in(tmp_path: Path) -> None:
    """A file edited by hand: a key, another format, another provider's address, too large."""
    file = tmp_path / "edited.yaml"
    save(file, cassette(b"x" * 270_000))
    text = file.read_text("utf-8").replace(URL, f"https://example.com/?k={KEY}")
    file.write_text(f"# edited\n{text}", "utf-8")
    found = "\n".join(lint(file, "anthropic-messages"))
    for problem in ("at most 262144", "looks like a key", "not anthropic-messages", "formatted"):
        assert problem in found


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    """Loading names the file."""
    with pytest.raises(CassetteError, match=r"there is no cassette .*nothing\.yaml"):
        load(tmp_path / "nothing.yaml")
    assert lint(tmp_path / "nothing.yaml", "openai-chat")


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    async for stage in staged():
        yield stage
