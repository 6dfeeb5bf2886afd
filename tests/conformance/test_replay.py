"""The replay server, seen by a client that hides nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from isoloop_conformance import schemas
from isoloop_conformance.cassettes import load
from isoloop_conformance.replay import PlanError
from tests.conformance.raw_client import CASSETTES, REQUEST, Stage, read_to_the_end, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HELLO = {"reply": [{"say": {"text": "Hé🦀llo", "cuts": [2, 3]}}]}
EVENTS = "data: {}\n\n"


async def test_a_scripted_answer_is_sent_one_event_per_chunk(stage: Stage) -> None:
    """One frame is one HTTP chunk, and the frames are the twin's events."""
    stage.open(HELLO)
    client = await stage.posted()
    status, headers = await client.head()
    assert 200 == status
    assert "text/event-stream; charset=utf-8" == headers["content-type"]
    names = [
        chunk.split(b"\n")[0].decode().removeprefix("event: ") for chunk in await client.chunks()
    ]
    deltas = ["content_block_delta"] * 3
    body = ["content_block_start", *deltas, "content_block_stop", "message_delta"]
    assert ["message_start", *body, "message_stop"] == names


@pytest.mark.parametrize(
    ("dialect", "base", "path"),
    [
        ("anthropic-messages", "", "/v1/messages"),
        ("openai-chat", "/v1", "/chat/completions"),
        ("openai-responses", "/v1", "/responses"),
    ],
)
async def test_base_urls_end_as_the_vendors_clients_have_them(
    stage: Stage, dialect: str, base: str, path: str
) -> None:
    """DIAL-014, DIAL-053, DIAL-094: the dialect's own path stands below the base URL."""
    stage.open({"reply": [{"say": "a"}]}, dialect=dialect)
    assert stage.url.endswith(f"/k1{base}")
    client = await stage.client()
    await client.post(path=path)
    assert 200 == (await client.head())[0]
    assert path == (await stage.seen("request"))["path"]


async def test_a_request_beside_the_base_url_is_not_expected(stage: Stage) -> None:
    """The version is a part of the base URL: without it nothing is found."""
    stage.open({"reply": [{"say": "a"}]}, dialect="openai-chat")
    stage.url = stage.url.removesuffix("/v1")
    client = await stage.client()
    await client.post(path="/chat/completions")
    assert 400 == (await client.head())[0]
    problems = (await stage.seen("request"))["problems"]
    assert "unexpected: it is outside the base URL" in problems


async def test_a_cassette_is_sent_byte_for_byte_in_its_own_pieces(stage: Stage) -> None:
    """`arrived` gives the boundaries; the bytes are the recorded ones."""
    response = load(CASSETTES / "anthropic-messages/text/hello.yaml").interactions[0].response
    stage.open({"cassette": {"name": "text/hello"}})
    client = await stage.posted()
    _, headers = await client.head()
    assert response.headers["request-id"][0] == headers["request-id"]
    chunks = await client.chunks()
    assert response.body == b"".join(chunks)
    assert [a.size_bytes for a in response.arrived] == [len(chunk) for chunk in chunks]


@pytest.mark.parametrize(
    "mode", ["one", "event", "inside_utf8", "inside_frames", {"mode": "every", "size": 7}]
)
async def test_any_cut_carries_the_same_bytes(stage: Stage, mode: Any) -> None:
    """Cutting changes boundaries and nothing else."""
    rechunk = mode if isinstance(mode, dict) else {"mode": mode}
    stage.open(HELLO, HELLO | {"edits": [{"rechunk": rechunk}]})
    client = await stage.posted()
    await client.head()
    plain = await client.chunks()
    await client.post()
    await client.head()
    cut = await client.chunks()
    # The second answer differs in its ids only, which are as long as the first one's.
    assert len(b"".join(plain)) == len(b"".join(cut))
    assert b"".join(plain).replace(b"msg_00", b"msg_01") == b"".join(cut)
    assert mode == "event" or len(plain) != len(cut)


async def test_every_byte_arrives_on_its_own(stage: Stage) -> None:
    """Paced writes stay apart: nearly every read of a client in another thread is one chunk."""
    body = b"data: " + b"x" * 120 + b"\n\n"
    stage.open({"body": body.decode(), "edits": [{"end": "reset"}]}, chunks="bytes")
    reads = await asyncio.to_thread(read_to_the_end, stage.url)
    sent = b"".join(reads).partition(b"\r\n\r\n")[2]
    assert b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in body) == sent
    # Coalescing is allowed to TCP; a busy machine may do it now and then.
    assert len(reads) > 0.5 * len(body)


async def test_a_connection_serves_one_request_after_the_other(stage: Stage) -> None:
    """A complete answer leaves the connection usable (HTTP keep-alive)."""
    stage.open(HELLO, {"status": 429, "headers": {"retry-after": "2"}, "error": {}}, HELLO)
    client = await stage.posted()
    await client.head()
    await client.chunks()
    await client.post()
    status, headers = await client.head()
    assert (429, "2") == (status, headers["retry-after"])
    error = json.loads(await client.exactly(int(headers["content-length"])))
    assert "rate_limit_error" == error["error"]["type"]
    await client.post()
    assert 200 == (await client.head())[0]
    await client.chunks()
    assert [] == await stage.server.close_case()


async def test_a_date_counts_from_the_virtual_clock(stage: Stage) -> None:
    """`{now+N}` is an HTTP date on the case's clock, not the machine's."""
    stage.now_ms = 1767225600000
    stage.open({"status": 503, "headers": {"retry-after": "{now+2000}"}, "error": {}})
    client = await stage.posted()
    _, headers = await client.head()
    assert "Thu, 01 Jan 2026 00:00:02 GMT" == headers["retry-after"]


async def test_a_request_is_told_with_its_view(stage: Stage) -> None:
    """The runner sees the bytes, what they mean, and what is wrong with them."""
    stage.open(HELLO)
    client = await stage.posted()
    await client.head()
    request = await stage.seen("request")
    assert (0, 0) == (request["request"], request["exchange"])
    assert ("POST", "/v1/messages") == (request["method"], request["path"])
    assert json.dumps(REQUEST) == request["body"]
    content = [{"type": "text", "text": "go"}]
    assert [{"role": "user", "content": content}] == request["view"]["messages"]
    assert [] == request["problems"]


async def test_every_entry_is_a_line_of_a_transcript(stage: Stage) -> None:
    """What the runner is told is what `transcript.json` describes, but for `n` and `atMs`."""
    stage.open(
        {"reply": [{"gate": "g"}, {"say": "a"}], "holdHeaders": "h"}, {"fault": "close"}, HELLO
    )
    stage.server.release("g")
    stage.server.release("h")
    client = await stage.posted()
    await client.head()
    await client.chunks()
    for _ in range(2):
        client = await stage.posted()
        await client.rest() if _ == 0 else await client.head()
    await client.post()
    await stage.seen("response_done")
    for entry in stage.entries:
        assert [] == schemas.problems("transcript.TranscriptEntry", entry | {"n": 1, "atMs": 0})
    assert {"request", "response", "response_done", "gate", "release", "closed"} == set(
        stage.kinds()
    )


async def test_an_unexpected_request_gets_a_400_and_is_told(stage: Stage) -> None:
    """No retryable status: the client gives up at once, and the case fails."""
    stage.open(HELLO)
    client = await stage.posted()
    await client.head()
    await client.chunks()
    await client.post()
    status, headers = await client.head()
    error = json.loads(await client.exactly(int(headers["content-length"])))
    assert (400, "invalid_request_error") == (status, error["error"]["type"])
    request = await stage.seen("request")
    assert "exchange" not in request
    assert ["unexpected: no exchange is left for it"] == request["problems"]


@pytest.mark.parametrize(
    ("path", "method", "why"),
    [
        ("/v1/models", "POST", "/v1/models instead of /v1/messages"),
        ("/v1/messages", "GET", "GET instead of POST"),
    ],
)
async def test_another_path_or_method_is_unexpected(
    stage: Stage, path: str, method: str, why: str
) -> None:
    """The exchange stays unread."""
    stage.open(HELLO)
    client = await stage.client()
    await client.post(path=path, method=method)
    assert 400 == (await client.head())[0]
    assert [f"unexpected: {why}"] == (await stage.seen("request"))["problems"]
    assert [0] == await stage.server.close_case()


async def test_an_unread_exchange_is_reported(stage: Stage) -> None:
    """Silence is failure: what nobody asked for has its number in the report."""
    stage.open(HELLO, HELLO, HELLO)
    client = await stage.posted()
    await client.head()
    assert [1, 2] == await stage.server.close_case()


async def test_a_late_request_cannot_reach_the_next_case(stage: Stage) -> None:
    """Each case has its own prefix; what belongs to the case before is refused and not told."""
    stage.open(HELLO)
    late = stage.url
    await stage.server.close_case()
    stage.open(HELLO)
    stage.url = late
    client = await stage.posted()
    assert 400 == (await client.head())[0]
    assert [] == stage.entries
    assert [0] == await stage.server.close_case()


async def test_lanes_have_their_own_order(stage: Stage) -> None:
    """Requests that run at once are told apart by what the case declares, never by best match."""

    def said(text: str, lane: str) -> dict[str, Any]:
        return {"lane": lane, "reply": [{"say": text}]}

    lanes = {"a": {"firstUser": "to a"}, "b": {"firstUser": "to b"}}
    stage.open(said("a0", "a"), said("b0", "b"), said("a1", "a"), lanes=lanes)
    answers: list[str] = []
    for lane in ("b", "a", "a"):
        client = await stage.client()
        message = {"role": "user", "content": f"to {lane}"}
        await client.post(json.dumps(REQUEST | {"messages": [message]}).encode())
        await client.head()
        answers.append(b"".join(await client.chunks()).decode())
    for text, answer in zip(("b0", "a0", "a1"), answers, strict=True):
        assert all(f'"{half}"' in answer for half in text)
    assert ["b", "a", "a"] == [e["lane"] for e in stage.entries if e["type"] == "request"]
    assert [1, 0, 2] == [e["exchange"] for e in stage.entries if e["type"] == "request"]


async def test_a_request_of_no_lane_is_unexpected(stage: Stage) -> None:
    """What the case does not declare is not guessed."""
    stage.open(HELLO | {"lane": "a"}, lanes={"a": {"firstUser": "to a"}})
    client = await stage.posted()
    assert 400 == (await client.head())[0]
    assert "lane" not in await stage.seen("request")
    assert [0] == await stage.server.close_case()


async def test_json_delivery_is_one_body_with_its_length(stage: Stage) -> None:
    """The same script, not streamed."""
    stage.open(HELLO, delivery="json")
    client = await stage.posted()
    _, headers = await client.head()
    assert "application/json" == headers["content-type"]
    message = json.loads(await client.exactly(int(headers["content-length"])))
    assert [{"type": "text", "text": "Hé🦀llo"}] == message["content"]


async def test_gzip_can_be_read_event_by_event(stage: Stage) -> None:
    """A compressed stream is flushed after each write, and is whole at its end."""
    stage.open(HELLO, HELLO | {"edits": [{"gzip": True}]})
    client = await stage.posted()
    await client.head()
    plain = b"".join(await client.chunks()).replace(b"_00twin", b"_01twin")
    await client.post()
    _, headers = await client.head()
    assert "gzip" == headers["content-encoding"]
    assert plain == gzip.decompress(b"".join(await client.chunks()))


async def test_a_chunked_request_is_read(stage: Stage) -> None:
    """Clients may stream their requests."""
    stage.open(HELLO)
    client = await stage.client()
    head = "POST /k1/v1/messages HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    body = json.dumps(REQUEST).encode()
    halves = (body[:10], body[10:], b"")
    chunks = b"".join(f"{len(h):x}\r\n".encode() + h + b"\r\n" for h in halves)
    await client.send(head.encode() + chunks)
    await client.head()
    assert body.decode() == (await stage.seen("request"))["body"]


async def test_bytes_that_are_no_request_are_told(stage: Stage) -> None:
    """Noise on the wire is an unexpected request."""
    stage.open(HELLO)
    client = await stage.client()
    await client.send(b"hello\r\n\r\n")
    assert b"" == (await client.rest()).data
    assert ["unexpected: `hello` is no request line"] == (await stage.seen("request"))["problems"]


@pytest.mark.parametrize(
    ("exchange", "problem"),
    [
        ({"reply": [{"say": "a"}], "edits": [{"drop": 99}]}, "there is no event 99"),
        ({"body": EVENTS, "edits": [{"replace": {"find": "no", "with": ""}}]}, "does not occur"),
        ({"cassette": {"name": "no/such"}}, "there is no cassette"),
        ({"cassette": {"name": "text/hello", "interaction": 3}}, "has no interaction 3"),
        ({"reply": [{"stop": "unknown"}]}, "cannot say `unknown`"),
        ({"body": EVENTS, "edits": [{"truncate": {"afterByte": 50}}]}, "ends 40 bytes before"),
    ],
)
async def test_the_impossible_is_refused_before_the_case_begins(
    stage: Stage, exchange: dict[str, Any], problem: str
) -> None:
    """A case that asks for what cannot be is wrong; it does not fail half-way."""
    with pytest.raises(PlanError, match=problem) as raised:
        stage.open(HELLO, exchange)
    assert str(raised.value).startswith("exchange 1: ")
    stage.open(HELLO)


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    async for stage in staged():
        yield stage
