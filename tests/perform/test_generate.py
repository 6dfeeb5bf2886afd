"""A model behind HTTP: address, key, failures, connections (over the loopback interface)."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest

from isoloop import Agent, Model, Price, Retry, RunFailed, Usage, UsageError, tool
from isoloop.contract import ToolChoiceTool
from isoloop.perform.connections import CONNECTIONS
from tests.perform.server import Exchange, delta, opening, provider, sse, text_events
from tests.runtime.kit import collect, environment, passes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(autouse=True)
async def connections_end_with_their_test(nothing_left: None) -> AsyncIterator[None]:
    """As they do with `asyncio.run`; here the loop is closed later."""
    yield
    await CONNECTIONS.aclose()
    await passes()


def agent_at(url: str, **options: Any) -> Agent[Any, Any]:
    """Make an agent whose provider is there."""
    model = Model("anthropic:claude-test", base_url=url, api_key="secret")
    return Agent(model, environment=environment(), **options)


async def hello(exchange: Exchange) -> None:
    """Say hello."""
    await exchange.answer(*text_events("Hel", "lo"))


async def chat_hello(exchange: Exchange) -> None:
    """Say hello the way of Chat Completions."""
    delta = '{"choices":[{"index":0,"delta":{"content":"hello"},"finish_reason":"stop"}]}'
    await exchange.begin()
    await exchange.send(f"data: {delta}\n\ndata: [DONE]\n\n")
    await exchange.finish()


async def test_an_answer_comes_over_http() -> None:
    """With the key in the vendor's header."""
    async with provider(hello) as served:
        result = await agent_at(served.url).run("hi")
    assert "Hello" == result.text
    assert Usage(input=3, output=7) == result.usage
    (exchange,) = served.exchanges
    assert exchange.head.startswith("POST /v1/messages ")
    assert "x-api-key: secret" in exchange.head
    assert ("claude-test", True) == (exchange.json["model"], exchange.json["stream"])


async def test_the_turns_of_a_run_share_a_connection() -> None:
    """The body is read to its end, so that it can be used again."""

    @tool
    async def look() -> str:
        return "seen"

    async def call(exchange: Exchange) -> None:
        events = text_events("", stop="tool_use")
        events[1]["content_block"] = {"type": "tool_use", "id": "a", "name": "look", "input": {}}
        events[2]["delta"] = {"type": "input_json_delta", "partial_json": ""}
        await exchange.answer(*events)

    async with provider(call, hello, hello) as served:
        agent = agent_at(served.url, tools=[look])
        result = await agent.run("go")
        await agent.run("again", history=result.messages)
    assert 1 == served.connections
    assert ["user", "assistant", "user"] == [
        message["role"] for message in served.exchanges[1].json["messages"]
    ]


async def test_an_answer_ends_with_its_terminal_event() -> None:
    """Even if the body stays open."""

    async def stay(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send("".join(map(sse, text_events("done"))))

    async with provider(stay) as served:
        assert "done" == (await agent_at(served.url).run("hi")).text
        await served.closed.wait()


async def test_an_error_status_is_an_error_and_retried_when_it_may_pass() -> None:
    """As the dialect reads it; the server's delay is waited for."""

    async def busy(exchange: Exchange) -> None:
        await exchange.begin("529 Overloaded", "application/json", "retry-after: 3\r\n")
        await exchange.send('{"type":"error","error":{"type":"overloaded_error","message":"x"}}')
        await exchange.finish()

    async with provider(busy, hello) as served:
        events = await collect(agent_at(served.url).start("hi"))
    retry = next(event for event in events if event.type == "retry_scheduled")
    assert ("overloaded", 529, 3000) == (
        retry.error.code,
        retry.error.http_status,
        retry.delay_ms,
    )


async def test_no_connection_is_a_network_failure() -> None:
    """It is retried, and then the run has failed."""
    async with provider() as served:
        url = served.url
    with pytest.raises(RunFailed) as raised:
        await agent_at(url, retry=Retry(max_retries=1)).run("hi")
    assert "network" == raised.value.error.code
    assert "secret" not in str(raised.value)


async def test_a_body_that_breaks_off_keeps_what_arrived() -> None:
    """It is not a success, and not retried after content."""

    async def cut(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send("".join(map(sse, [*opening(), delta("par")])))
        raise ConnectionResetError

    async with provider(cut) as served:
        with pytest.raises(RunFailed) as raised:
            await agent_at(served.url).run("hi")
    assert "network" == raised.value.error.code
    assert "par" == raised.value.result.text


async def test_an_abort_closes_the_connection_at_once() -> None:
    """In the middle of an answer, and while the headers are awaited (CTRL-002, CTRL-003)."""

    async def silent(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send("".join(map(sse, [*opening(), delta("par")])))
        await exchange.silence()

    async with provider(silent) as served:
        handle = agent_at(served.url).start("hi")
        async for event in handle.events():
            if event.type == "text_delta":
                handle.abort()
        assert "par" == (await handle.result()).text
        await served.closed.wait()

    asked = asyncio.Event()

    async def mute(exchange: Exchange) -> None:
        asked.set()
        await exchange.silence()

    async with provider(mute) as served:
        handle = agent_at(served.url).start("hi")
        await asked.wait()
        handle.abort()
        assert "aborted" == (await handle.result()).outcome
        await served.closed.wait()


async def test_a_consumer_that_leaves_closes_the_connection() -> None:
    """And the run with it."""

    async def endless(exchange: Exchange) -> None:
        await exchange.begin()
        await exchange.send("".join(map(sse, opening())))
        while True:
            await exchange.send(sse(delta("x" * 1000)))

    async with provider(endless) as served:
        async with aclosing(agent_at(served.url).stream("hi")) as stream:
            async for event in stream:
                if event.type == "text_delta":
                    break
        await served.closed.wait()


async def test_an_iterator_that_is_not_read_stops_the_socket() -> None:
    """Not much more than the kernel's buffers is accepted of a large answer."""
    sent = 0

    async def large(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.begin()
        await exchange.send("".join(map(sse, opening())))
        while sent < 64 * 1024 * 1024:
            await exchange.send(sse(delta("x" * 65536)))
            sent += 65536

    async with provider(large) as served:
        handle = agent_at(served.url).start("hi")
        events = handle.events()
        for _ in range(8):
            await anext(events)
        before = -1
        while before != sent:
            before = sent
            await passes(200)
        assert sent < 16 * 1024 * 1024
        await events.aclose()


async def test_a_json_body_gives_the_same_events() -> None:
    """One delta for each block."""

    async def whole(exchange: Exchange) -> None:
        assert exchange.json.get("stream", False) is False
        await exchange.begin(kind="application/json")
        await exchange.send(
            '{"id":"msg_1","type":"message","role":"assistant","model":"claude-test",'
            '"content":[{"type":"text","text":"Hello"}],"stop_reason":"end_turn",'
            '"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":7}}'
        )
        await exchange.finish()

    async with provider(whole, hello) as served:
        model = Model("anthropic:claude-test", base_url=served.url, api_key="k", stream=False)
        first = await collect(Agent(model, environment=environment()).start("hi"))
        second = await collect(agent_at(served.url).start("hi"))
    assert [event.type for event in first if event.type != "text_delta"] == [
        event.type for event in second if event.type != "text_delta"
    ]
    assert ["Hello"] == [event.delta for event in first if event.type == "text_delta"]


async def test_what_the_dialect_cannot_express_fails_without_a_request() -> None:
    """With the code `config` (LOOP-054)."""
    async with provider() as served:
        with pytest.raises(RunFailed) as raised:
            await agent_at(served.url).run("hi", tool_choice=ToolChoiceTool(name="none"))
    assert "config" == raised.value.error.code
    assert [] == served.exchanges


async def test_a_client_of_ones_own_is_used_and_left_open() -> None:
    """For proxies, certificates and hooks."""
    async with provider(hello, hello) as served, httpx.AsyncClient(headers={"x-mine": "1"}) as http:
        model = Model("anthropic:claude-test", base_url=served.url, api_key="k", http=http)
        agent = Agent(model, environment=environment())
        await agent.run("hi")
        await agent.run("hi")
        assert not http.is_closed
    assert all("x-mine: 1" in exchange.head for exchange in served.exchanges)


@pytest.mark.parametrize(("http", "client"), [("aiohttp", "aiohttp"), ("httpx", "httpx")])
async def test_what_carries_the_requests_can_be_named(http: Any, client: str) -> None:
    """Without a name it is aiohttp, where that is installed."""
    async with provider(hello, hello) as served:
        model = Model("anthropic:claude-test", base_url=served.url, api_key="k", http=http)
        await Agent(model, environment=environment()).run("hi")
        await agent_at(served.url).run("hi")
    assert [client, "aiohttp"] == [
        next(name for name in ("aiohttp", "httpx") if name in exchange.head)
        for exchange in served.exchanges
    ]


async def test_a_session_of_aiohttp_is_used_and_left_open() -> None:
    """Like a client of httpx."""
    async with provider(hello) as served, aiohttp.ClientSession(headers={"x-mine": "1"}) as http:
        model = Model("anthropic:claude-test", base_url=served.url, api_key="k", http=http)
        await Agent(model, environment=environment()).run("hi")
        assert not http.closed
    assert "x-mine: 1" in served.exchanges[0].head


@pytest.mark.parametrize("http", ["curl", 1, httpx.Client, httpx.AsyncClient])
def test_what_cannot_carry_requests_is_refused(http: Any) -> None:
    """The message names the choices."""
    with pytest.raises(
        UsageError, match=r'Choose one of: "aiohttp" \(needs isoloop\[fast\]\), "httpx"'
    ):
        Model("anthropic:claude-test", http=http)


async def test_key_and_address_come_from_the_vendors_own_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read when a run begins."""
    agent = Agent("anthropic:claude-test", environment=environment())
    async with provider(hello) as served:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", served.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "from-env")
        await agent.run("hi")
    assert "x-api-key: from-env" in served.exchanges[0].head


async def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a run begins, with the variable to set."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    agent = Agent("anthropic:claude-test")
    with pytest.raises(UsageError, match=r"Set ANTHROPIC_API_KEY, or use Model\(\.\.\., api_key="):
        await agent.run("hi")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("claude-test", "Known prefixes: anthropic, cerebras, deepseek"),
        ("anthropic:", "a name has the form prefix:model"),
        ("nobody:x", "mistral, moonshot, ollama, openai, openai-chat"),
        ("snowflake:x", "snowflake has no address of its own"),
    ],
)
def test_a_name_that_no_model_has_is_the_callers_error(name: str, part: str) -> None:
    """It lists the prefixes that are known."""
    with pytest.raises(UsageError) as raised:
        Agent(name)
    assert part in str(raised.value)


def test_a_compatible_vendor_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transcript says who served the model; its key has the vendor's own variable."""
    ref = Model("groq:openai/gpt-oss-120b").ref
    assert ("openai-chat", "openai/gpt-oss-120b", "groq") == (ref.dialect, ref.model, ref.vendor)
    assert Model("openai-chat:gpt-x").ref.vendor is None
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    monkeypatch.delenv("GROQ_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="Set GROQ_API_KEY"):
        Agent("groq:x", environment=environment()).run_sync("hi")


async def test_a_chat_model_is_called_with_its_key() -> None:
    """DIAL-053: below the base URL, which ends with the version."""
    async with provider(chat_hello) as served:
        model = Model("openai-chat:gpt-x", base_url=f"{served.url}/v1", api_key="secret")
        result = await Agent(model, environment=environment()).run("hi")
    assert "hello" == result.text
    assert served.exchanges[0].head.startswith("POST /v1/chat/completions ")
    assert "authorization: Bearer secret" in served.exchanges[0].head


def test_prices_may_be_a_table() -> None:
    """By model name, with or without the prefix."""
    price = Price(input=1, output=2)
    for table in (price, {"claude-x": price}, {"anthropic:claude-x": price}):
        assert price == Model("anthropic:claude-x", prices=table).price
    assert Model("anthropic:claude-x", prices={"other": price}).price is None


def test_a_model_never_shows_its_key() -> None:
    """Not in its own text."""
    assert "Model('anthropic:claude-x')" == repr(Model("anthropic:claude-x", api_key="secret"))


def test_connections_end_with_their_loop() -> None:
    """A program need not close anything."""

    async def main() -> int:
        async with provider(hello) as served:
            await agent_at(served.url).run("hi")
            return len(asyncio.all_tasks())

    assert asyncio.run(main()) >= 1
