"""The yardsticks: what one would write by hand, with a named client and nothing else.

They decode with msgspec, build one dict for each delta, and yield it through one async generator.
They know one dialect, check no arguments, keep no history in order, and survive no failure.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from tests.bench.answers import RESULT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str
    index: int = 0
    delta: _Delta | None = None
    content_block: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Event).decode
_encode = msgspec.json.Encoder().encode
_HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01", "content-type": "application/json"}
_TOOL = {
    "name": "look",
    "description": "Look a number up.",
    "input_schema": {"type": "object", "properties": {"number": {"type": "integer"}}},
}


class Loop:
    """An agent by hand."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    @asynccontextmanager
    async def _body(self, url: str, body: bytes) -> AsyncIterator[AsyncIterator[bytes]]:
        raise NotImplementedError
        yield

    async def aclose(self) -> None:
        raise NotImplementedError

    async def run(self, scenario: str) -> str:
        events = self._events(scenario)
        return "".join([event["text"] async for event in events if event["type"] == "text_delta"])

    stream = run

    async def _events(self, scenario: str) -> AsyncIterator[dict[str, Any]]:
        url = f"{self._base_url}/{scenario}/v1/messages"
        messages: list[dict[str, Any]] = [{"role": "user", "content": "go"}]
        while True:
            request = {"model": "bench", "max_tokens": 1000, "stream": True, "tools": [_TOOL]}
            calls: list[dict[str, Any]] = []
            text: list[str] = []
            arguments: list[str] = []
            rest = b""
            async with self._body(url, _encode({**request, "messages": messages})) as body:
                async for chunk in body:
                    *frames, rest = (rest + chunk).split(b"\n\n")
                    for frame in frames:
                        event = _decode(frame[frame.index(b"data: ") + 6 :])
                        delta = event.delta
                        if delta is not None and delta.type == "text_delta":
                            text.append(delta.text)
                            yield {"type": "text_delta", "index": event.index, "text": delta.text}
                        elif delta is not None and delta.type == "input_json_delta":
                            arguments.append(delta.partial_json)
                        elif event.content_block and event.content_block["type"] == "tool_use":
                            calls.append(event.content_block)
            if not calls:
                return
            (call,) = calls
            call["input"] = msgspec.json.decode("".join(arguments))
            value = RESULT.format(call["input"]["number"])
            result = {"type": "tool_result", "tool_use_id": call["id"], "content": value}
            messages.append({"role": "assistant", "content": [call]})
            messages.append({"role": "user", "content": [result]})


class AiohttpLoop(Loop):
    """With aiohttp."""

    def __init__(self, base_url: str) -> None:
        import aiohttp

        super().__init__(base_url)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )

    @asynccontextmanager
    async def _body(self, url: str, body: bytes) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._session.post(url, data=body, headers=_HEADERS) as response:
            yield response.content.iter_any()

    async def aclose(self) -> None:
        await self._session.close()


class HttpxLoop(Loop):
    """With httpx."""

    def __init__(self, base_url: str) -> None:
        import httpx

        super().__init__(base_url)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(timeout=None, limits=limits)

    @asynccontextmanager
    async def _body(self, url: str, body: bytes) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._client.stream("POST", url, content=body, headers=_HEADERS) as response:
            yield response.aiter_bytes()

    async def aclose(self) -> None:
        await self._client.aclose()
