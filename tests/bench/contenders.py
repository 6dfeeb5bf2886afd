"""Who is measured: isoloop by each transport, the yardsticks, and two peers.

Each has `run(scenario)`, which gives the text of the last answer, `stream(scenario)`, which gives
the joined deltas as a consumer sees them, and `aclose()`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tests.bench.answers import RESULT
from tests.bench.loops import AiohttpLoop, HttpxLoop

if TYPE_CHECKING:
    from collections.abc import Callable


class Contender(Protocol):
    """Something that runs an agent."""

    async def run(self, scenario: str) -> str: ...
    async def stream(self, scenario: str) -> str: ...
    async def aclose(self) -> None: ...


class Isoloop:
    """isoloop, as its README uses it."""

    def __init__(self, base_url: str, http: Any, prefix: str = "anthropic") -> None:
        from isoloop import tool

        @tool(read_only=True)
        async def look(number: int) -> str:
            """Look a number up."""
            return RESULT.format(number)

        self._base_url, self._http, self._prefix, self._tool = base_url, http, prefix, look
        self._agents: dict[str, Any] = {}

    def _agent(self, scenario: str) -> Any:
        agent = self._agents.get(scenario)
        if agent is None:
            from isoloop import Agent, Limits, Model

            url = f"{self._base_url}/{scenario}" + ("" if self._prefix == "anthropic" else "/v1")
            model = Model(f"{self._prefix}:bench", base_url=url, api_key="k", http=self._http)
            agent = Agent(model, tools=[self._tool], limits=Limits(max_turns=1000))
            self._agents[scenario] = agent
        return agent

    async def run(self, scenario: str) -> str:
        return (await self._agent(scenario).run("go")).text

    async def stream(self, scenario: str) -> str:
        events = self._agent(scenario).stream("go")
        return "".join([event.delta async for event in events if event.type == "text_delta"])

    async def aclose(self) -> None:
        """Nothing: connections end with their loop."""


class PydanticAi:
    """pydantic-ai with its Anthropic model."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._agents: dict[str, Any] = {}

    def _agent(self, scenario: str) -> Any:
        if scenario not in self._agents:
            from pydantic_ai import Agent
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            provider = AnthropicProvider(base_url=f"{self._base_url}/{scenario}", api_key="k")
            agent: Any = Agent(AnthropicModel("bench", provider=provider))

            @agent.tool_plain
            async def look(number: int) -> str:
                """Look a number up."""
                return RESULT.format(number)

            self._agents[scenario] = agent
        return self._agents[scenario]

    async def run(self, scenario: str) -> str:
        from pydantic_ai.usage import UsageLimits

        return (
            await self._agent(scenario).run("go", usage_limits=UsageLimits(request_limit=None))
        ).output

    async def stream(self, scenario: str) -> str:
        async with self._agent(scenario).run_stream("go") as result:
            return "".join([d async for d in result.stream_text(delta=True, debounce_by=None)])

    async def aclose(self) -> None:
        """Nothing to close."""


class Agno:
    """agno with its Anthropic model."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._agents: dict[str, Any] = {}

    def _agent(self, scenario: str) -> Any:
        if scenario not in self._agents:
            from agno.agent import Agent
            from agno.models.anthropic import Claude

            async def look(number: int) -> str:
                """Look a number up."""
                return RESULT.format(number)

            where = {"base_url": f"{self._base_url}/{scenario}"}
            model = Claude(id="bench", api_key="k", client_params=where)
            self._agents[scenario] = Agent(model=model, tools=[look], telemetry=False)
        return self._agents[scenario]

    async def run(self, scenario: str) -> str:
        return (await self._agent(scenario).arun("go")).content

    async def stream(self, scenario: str) -> str:
        events = self._agent(scenario).arun("go", stream=True)
        return "".join([event.content or "" async for event in events])

    async def aclose(self) -> None:
        """Nothing to close."""


CONTENDERS: dict[str, Callable[[str], Contender]] = {
    "isoloop, aiohttp": lambda url: Isoloop(url, "aiohttp"),
    "isoloop, httpx": lambda url: Isoloop(url, "httpx"),
    "loop, aiohttp": AiohttpLoop,
    "loop, httpx": HttpxLoop,
    "pydantic-ai": PydanticAi,
    "agno": Agno,
    "isoloop, openai-chat": lambda url: Isoloop(url, "aiohttp", "openai-chat"),
    "isoloop, openai-responses": lambda url: Isoloop(url, "aiohttp", "openai-responses"),
}
