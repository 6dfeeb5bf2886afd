"""How answers end, wait and fail, and what the server notices of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from isoloop_conformance.replay import PlanError
from tests.conformance.raw_client import Stage, staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TWO_EVENTS = "data: 1\n\ndata: 2\n\n"
BODY = TWO_EVENTS.encode()
CHUNKED = b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n"


def ended(how: str) -> dict[str, Any]:
    return {"body": TWO_EVENTS, "edits": [{"end": how}]}


async def test_a_clean_end_has_the_last_chunk(stage: Stage) -> None:
    """`fin`: the body is complete for HTTP, whatever is missing in it for the dialect."""
    stage.open(ended("fin"))
    client = await stage.posted()
    await client.head()
    assert CHUNKED + b"0\r\n\r\n" == await client.exactly(len(CHUNKED) + 5)
    assert len(BODY) == (await stage.seen("response_done"))["sentBytes"]


async def test_a_reset_comes_after_everything_that_was_sent(stage: Stage) -> None:
    """`reset`: the bytes before it arrive, then the connection breaks."""
    stage.open(ended("reset"))
    client = await stage.posted()
    await client.head()
    rest = await client.rest()
    assert (CHUNKED, True) == (rest.data, rest.reset)
    assert ["request", "response", "closed"] == stage.kinds()
    assert ("server", len(BODY)) == (stage.entries[-1]["by"], stage.entries[-1]["sentBytes"])


async def test_a_half_close_lacks_the_last_chunk(stage: Stage) -> None:
    """`half_close`: the connection ends, the body does not."""
    stage.open(ended("half_close"))
    client = await stage.posted()
    await client.head()
    rest = await client.rest()
    assert (CHUNKED, False) == (rest.data, rest.reset)


async def test_a_bad_chunk_is_no_chunk(stage: Stage) -> None:
    """`bad_chunk`: something stands where a chunk size should."""
    stage.open(ended("bad_chunk"))
    client = await stage.posted()
    await client.head()
    rest = await client.rest()
    assert rest.data.startswith(CHUNKED)
    with pytest.raises(ValueError, match="invalid literal"):
        int(rest.data.removeprefix(CHUNKED).partition(b"\r\n")[0], 16)


async def test_a_short_body_ends_before_its_length(stage: Stage) -> None:
    """`short_length`: more is announced than comes."""
    stage.open(ended("short_length"))
    client = await stage.posted()
    _, headers = await client.head()
    rest = await client.rest()
    assert (BODY, False) == (rest.data, rest.reset)
    assert int(headers["content-length"]) > len(BODY)


async def test_a_stall_ends_with_the_client(stage: Stage) -> None:
    """`stall`: nothing comes any more, until the client gives up."""
    stage.open(ended("stall"))
    client = await stage.posted()
    await client.head()
    assert CHUNKED == await client.exactly(len(CHUNKED))
    assert "closed" not in stage.kinds()
    client.close()
    closed = await stage.seen("closed")
    assert ("client", len(BODY)) == (closed["by"], closed["sentBytes"])


@pytest.mark.parametrize("fault", ["close", "reset", "reset_in_headers"])
async def test_a_fault_leaves_no_response(stage: Stage, fault: str) -> None:
    """The request is read and told; what comes back is no response."""
    stage.open({"fault": fault})
    client = await stage.posted()
    rest = await client.rest()
    assert (fault != "close") == rest.reset
    assert (b"HTTP/1.1 200 OK\r\ncontent-ty" if fault == "reset_in_headers" else b"") == rest.data
    assert ["request", "closed"] == stage.kinds()
    assert [] == await stage.server.close_case()


async def test_a_stall_before_headers_ends_with_the_client(stage: Stage) -> None:
    """`fault: stall`: the request is read, and nothing follows."""
    stage.open({"fault": "stall"})
    client = await stage.posted()
    await stage.seen("request")
    client.reset()
    assert "client" == (await stage.seen("closed"))["by"]


async def test_a_refused_connection_breaks_before_a_request(stage: Stage) -> None:
    """No request is told; the exchange counts as read, and the next connection is served."""
    stage.open({"fault": "refuse"}, {"body": TWO_EVENTS})
    client = await stage.client()
    rest = await client.rest()
    assert (b"", True) == (rest.data, rest.reset)
    assert [{"type": "closed", "exchange": 0, "by": "server", "sentBytes": 0}] == stage.entries
    client = await stage.posted()
    assert 200 == (await client.head())[0]
    assert 1 == (await stage.seen("request"))["exchange"]


async def test_a_gate_holds_the_rest_of_a_body(stage: Stage) -> None:
    """What comes before the gate is sent, what comes after it is not, until it is released."""
    stage.open({"body": TWO_EVENTS, "edits": [{"gate": {"name": "g", "afterEvent": 0}}]})
    client = await stage.posted()
    await client.head()
    assert b"data: 1\n\n" == await client.chunk()
    assert "g" == (await stage.seen("gate"))["gate"]
    assert "response_done" not in stage.kinds()
    stage.server.release("g")
    assert [b"data: 2\n\n"] == await client.chunks()
    await stage.seen("response_done")
    assert ["request", "response", "gate", "release", "response_done"] == stage.kinds()


async def test_held_headers_come_with_the_gate(stage: Stage) -> None:
    """`holdHeaders`: the request is read, the response begins when the gate is released."""
    stage.open({"body": TWO_EVENTS, "holdHeaders": "g"})
    client = await stage.posted()
    await stage.seen("gate")
    assert ["request", "gate"] == stage.kinds()
    stage.server.release("g")
    assert 200 == (await client.head())[0]


async def test_a_gate_that_is_open_already_holds_nothing(stage: Stage) -> None:
    """Released before it is reached: the body goes through."""
    stage.open({"body": TWO_EVENTS, "edits": [{"gate": {"name": "g", "afterEvent": 0}}]})
    stage.server.release("g")
    client = await stage.posted()
    await client.head()
    assert 2 == len(await client.chunks())


async def test_an_unknown_gate_is_refused(stage: Stage) -> None:
    """A step that releases a gate which nothing waits at is a wrong case."""
    stage.open({"body": TWO_EVENTS, "holdHeaders": "g"})
    with pytest.raises(PlanError, match="no gate `h`; the case has: g"):
        stage.server.release("h")


@pytest.mark.parametrize("gently", [True, False])
async def test_a_client_that_goes_is_noticed_while_the_gate_is_shut(
    stage: Stage, gently: bool
) -> None:
    """An abort must close the connection, not wait for what the provider says next (CTRL)."""
    stage.open({"body": TWO_EVENTS, "edits": [{"gate": {"name": "g", "afterEvent": 0}}]})
    client = await stage.posted()
    await client.head()
    await client.chunk()
    await stage.seen("gate")
    if gently:
        client.close()
    else:
        client.reset()
    closed = await stage.seen("closed")
    assert ("client", len("data: 1\n\n")) == (closed["by"], closed["sentBytes"])
    stage.server.release("g")
    assert "response_done" not in stage.kinds()


async def test_a_client_that_goes_before_the_headers_is_noticed(stage: Stage) -> None:
    """Also while the headers are held back."""
    stage.open({"body": TWO_EVENTS, "holdHeaders": "g"})
    client = await stage.posted()
    await stage.seen("gate")
    client.close()
    assert 0 == (await stage.seen("closed"))["sentBytes"]


async def test_a_client_that_goes_after_the_body_is_no_news(stage: Stage) -> None:
    """A complete answer stays complete."""
    stage.open({"body": TWO_EVENTS})
    client = await stage.posted()
    await client.head()
    await client.chunks()
    client.close()
    await stage.server.close_case()
    assert ["request", "response", "response_done"] == stage.kinds()


async def test_closing_a_case_closes_its_connections(stage: Stage) -> None:
    """Nothing of a case outlives it, and nothing more is told."""
    stage.open({"body": TWO_EVENTS, "holdHeaders": "g"})
    client = await stage.posted()
    await stage.seen("gate")
    assert [] == await stage.server.close_case()
    assert b"" == (await client.rest()).data
    assert ["request", "gate"] == stage.kinds()


@pytest.mark.slow
async def test_a_client_that_does_not_read_stops_the_server(stage: Stage) -> None:
    """64 MiB are offered; what the kernel took is counted, and the whole body comes in the end."""
    event = f"data: {'x' * (1 << 16)}\n\n"
    repeated = {"body": event, "edits": [{"repeat": {"event": 0, "count": 1024}}]}
    stage.open(repeated)
    client = await stage.posted()
    await client.head()
    stalled = await stage.seen("stalled")
    assert 0 < stalled["sentBytes"] < 16 * 1024 * 1024
    received = 0
    while chunk := await client.chunk():
        received += len(chunk)
    assert 1024 * len(event) == received
    assert 1024 * len(event) == (await stage.seen("response_done"))["sentBytes"]


async def test_a_failure_of_the_server_is_loud(stage: Stage) -> None:
    """A defect of the suite must never look like one of the implementation."""
    stage.open({"body": TWO_EVENTS})

    def broken(_: dict[str, Any]) -> None:
        raise RuntimeError("broken")

    case = stage.server._case
    assert case
    case._observe = broken
    client = await stage.posted()
    assert b"" == (await client.rest()).data
    with pytest.raises(ExceptionGroup, match="replay server failed"):
        await stage.server.close_case()


async def test_activity_grows_with_every_byte_that_moves(stage: Stage) -> None:
    """A watchdog of inactivity needs to know of bytes that are no entry."""
    stage.open({"body": TWO_EVENTS, "edits": [{"gate": {"name": "g", "afterEvent": 0}}]})
    before = stage.server.activity
    client = await stage.posted()
    await client.head()
    await stage.seen("gate")
    assert before < stage.server.activity


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    async for stage in staged():
        yield stage
