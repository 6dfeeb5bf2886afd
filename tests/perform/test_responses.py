"""A loop with a model that speaks the Responses API (over the loopback interface)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from isoloop import Agent, Model, tool
from isoloop.perform.connections import CONNECTIONS
from tests.perform.server import Exchange, provider
from tests.runtime.kit import environment, passes
from tests.wire.openai_responses.wire import (
    added,
    arguments_delta,
    call_item,
    done,
    head,
    message_of,
    reasoning_item,
    summary_delta,
    tail,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(autouse=True)
async def connections_end_with_their_test(nothing_left: None) -> AsyncIterator[None]:
    """As they do with `asyncio.run`; here the loop is closed later."""
    yield
    await CONNECTIONS.aclose()
    await passes()


async def ask(exchange: Exchange) -> None:
    """Reason, and ask for a call."""
    await say(
        exchange,
        head() + added(0, **reasoning_item()) + summary_delta(0, "Hm"),
        done(0, **reasoning_item("Hm")) + added(1, **call_item("call_1", "")),
        arguments_delta(1, '{"n": 20}') + done(1, **call_item("call_1", '{"n": 20}')) + tail(),
    )
    await exchange.finish()


async def conclude(exchange: Exchange) -> None:
    """Answer, and leave the body open."""
    await say(exchange, head() + message_of(0, "It is 41.", phase="final_answer") + tail())
    await exchange.silence()


async def say(exchange: Exchange, *parts: bytes) -> None:
    """Send parts of a stream."""
    await exchange.begin()
    for part in parts:
        await exchange.send(part.decode())


async def test_a_loop_sends_reasoning_and_calls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """DIAL-094, DIAL-110, DIAL-111; the run ends at the terminal event (DIAL-122)."""

    @tool(read_only=True)
    def search(n: int) -> int:
        """Double a number."""
        return 2 * n + 1

    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    async with provider(ask, conclude) as served, asyncio.timeout(5):
        monkeypatch.setenv("OPENAI_BASE_URL", f"{served.url}/v1")
        agent = Agent("openai:gpt-test", tools=[search], environment=environment())
        result = await agent.run("Double 20.")
    assert "It is 41." == result.text
    first, second = served.exchanges
    assert first.head.startswith("POST /v1/responses ")
    assert "authorization: bearer secret" in first.head.lower()
    sent: list[dict[str, Any]] = second.json["input"]
    assert first.json["input"] == sent[:1]
    assert [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm"}],
            "encrypted_content": "enc",
        },
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "call_1",
            "name": "search",
            "arguments": '{"n": 20}',
        },
    ] == sent[1:3]
    assert ("function_call_output", "call_1") == (sent[3]["type"], sent[3]["call_id"])


@pytest.mark.parametrize("prefix", ["openai", "openai-responses"])
def test_both_names_mean_the_same(prefix: str) -> None:
    """The vendor's own dialect has its name."""
    ref = Model(f"{prefix}:gpt-x").ref
    assert ("openai-responses", "gpt-x") == (ref.dialect, ref.model)
