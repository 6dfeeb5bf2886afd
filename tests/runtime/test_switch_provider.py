"""One string changes and the conversation goes on with another provider."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from isoloop import Agent, ImageBlock, TextBlock, UserMessage, tool
from isoloop.contract import Base64Source
from isoloop_conformance.replay import ReplayPlan, ReplayServer
from tests.runtime.kit import NOW, environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from isoloop import Message

MODELS = {
    "anthropic:test-model": "anthropic-messages",
    "openai-chat:test-model": "openai-chat",
    "openai:test-model": "openai-responses",
}
CASSETTES = Path(__file__).parents[2] / "cassettes"
IMAGE = ImageBlock(source=Base64Source(media_type="image/png", data="aGk="))


ANSWER: list[dict[str, Any]] = [{"say": "An answer."}]


def thinks_and_calls(model: str, call_id: str) -> list[dict[str, Any]]:
    """Make a reply; Chat Completions knows no signatures."""
    signed = {} if model.startswith("openai-chat") else {"signature": "c2lnbmF0dXJl"}
    call = {"id": call_id, "name": "lookup", "argumentsText": '{"q":"x"}'}
    return [{"think": {"text": "Hm.", **signed}}, {"call": call}]


@tool(read_only=True)
async def lookup(q: str) -> str:
    """Look something up."""
    return f"found {q}"


async def converse(
    server: ReplayServer,
    model: str,
    patch: pytest.MonkeyPatch,
    history: list[Message],
    *replies: list[dict[str, Any]],
) -> tuple[list[Message], list[dict[str, Any]]]:
    """Ask a question with an image; the twin of each provider says these replies."""
    requests: list[dict[str, Any]] = []
    question = f"question {len(history)}"
    plan = ReplayPlan(
        token=f"t{len(history)}{MODELS[model]}",
        dialect=MODELS[model],
        delivery="sse",
        chunks="as_is",
        exchanges=[{"reply": reply} for reply in replies],
        lanes={},
        model="test-model",
        now_ms=lambda: NOW,
    )
    url = server.open(plan, lambda e: requests.append(e) if e["type"] == "request" else None)
    for name in ("ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"):
        patch.setenv(name, url)
    asked = UserMessage(content=[TextBlock(text=question), IMAGE])
    # What follows is all that an application has to write; of it, `model` alone changes.
    agent = Agent(model, tools=[lookup], environment=environment())
    result = await agent.run(asked, history=history)
    assert "An answer." == result.text
    assert [] == await server.close_case()
    return [*history, asked, *result.new_messages], requests


@pytest.mark.parametrize(("first", "second"), list(permutations(MODELS, 2)))
async def test_a_conversation_goes_on_with_another_provider(
    first: str, second: str, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOOP-033, DIAL-002, DIAL-005: calls, results and images go on, thinking stays behind."""
    replies = thinks_and_calls(first, "call_0"), ANSWER
    history, _ = await converse(server, first, monkeypatch, [], *replies)
    assert "thinking" in {b.type for m in history for b in m.content}
    replies = thinks_and_calls(second, "call_1"), ANSWER
    whole, requests = await converse(server, second, monkeypatch, history, *replies)
    assert [[], []] == [request["problems"] for request in requests]
    image = {
        "type": "image",
        "source": {"type": "base64", "mediaType": "image/png", "data": "aGk="},
    }
    call = {"type": "tool_call", "id": "call_0", "name": "lookup", "argumentsText": '{"q":"x"}'}
    before = [
        ("user", [{"type": "text", "text": "question 0"}, image]),
        ("assistant", [call]),
        ("tool_result", [{"type": "text", "text": "found x"}]),
        ("assistant", [{"type": "text", "text": "An answer."}]),
        ("user", [{"type": "text", "text": "question 4"}, image]),
    ]
    assert before == seen(requests[0])
    # What the second model thought goes back to it, before its call.
    answer = seen(requests[1])[5]
    assert ("assistant", ["thinking", "tool_call"]) == (answer[0], [b["type"] for b in answer[1]])
    # And back again: the first model finds its own thinking and none of the other's.
    _, requests = await converse(server, first, monkeypatch, whole, ANSWER)
    assert [[]] == [request["problems"] for request in requests]
    kinds = [
        [b["type"] for b in blocks] for role, blocks in seen(requests[0]) if role == "assistant"
    ]
    assert [["thinking", "tool_call"], ["text"], ["tool_call"], ["text"]] == kinds


def seen(request: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """Give role and content of the messages of a request."""
    return [(m["role"], m["content"]) for m in request["view"]["messages"]]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ReplayServer]:
    """Answer on the loopback interface as each provider does."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "test-key")
    monkeypatch.setenv("OPENAI_API_KEY", "test-key")
    opened = await ReplayServer.start(cassettes=CASSETTES)
    yield opened
    await opened.aclose()
