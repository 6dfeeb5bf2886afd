"""What answers while a case is recorded: the twin or the live provider, behind the proxy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import httpx

from isoloop_conformance.record.proxy import CaptureProxy, Exchange, Upstream
from isoloop_conformance.replay import ReplayServer
from isoloop_conformance.runner import ProviderServer
from isoloop_conformance.twin import twin_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.replay import ReplayPlan


class RecordedProvider(ProviderServer, Protocol):
    """A provider for the runner whose exchanges are kept."""

    exchanges: list[Exchange]
    """Those of the case that was closed last."""


class TwinProvider:
    """The replay server, with the proxy before it. Pieces arrive by the case's virtual clock."""

    def __init__(self, server: ReplayServer, proxy: CaptureProxy) -> None:
        self.exchanges: list[Exchange] = []
        self._server = server
        self._proxy = proxy

    @classmethod
    async def start(cls, cassettes: Path) -> TwinProvider:
        """Start both."""
        return cls(await ReplayServer.start(cassettes=cassettes), await CaptureProxy.start())

    @property
    def activity(self) -> int:
        """Grows with whatever moves."""
        return self._server.activity + self._proxy.activity

    def open(self, plan: ReplayPlan, observe: Callable[[JsonObject], None]) -> str:
        """Begin a case, and return its base URL."""
        url = self._server.open(plan, observe)
        return self._proxy.open(urlsplit(url).path, Upstream(url, plan.now_ms))

    def release(self, gate: str) -> None:
        """Open a gate."""
        self._server.release(gate)

    async def close_case(self) -> list[int]:
        """End the case; return the exchanges that no request asked for."""
        self.exchanges = await self._proxy.take()
        return await self._server.close_case()

    async def aclose(self) -> None:
        """Close everything."""
        await self._proxy.aclose()
        await self._server.aclose()


class LiveProvider:
    """The proxy before a real provider. The key is put in here: no driver ever has it."""

    def __init__(self, proxy: CaptureProxy, url: str, headers: Mapping[str, str]) -> None:
        self.exchanges: list[Exchange] = []
        self._proxy = proxy
        self._url = url
        self._headers = headers

    @classmethod
    async def start(cls, url: str, headers: Mapping[str, str]) -> LiveProvider:
        """Start the proxy. `url` is the provider's base URL, as an official client takes it."""
        proxy = await CaptureProxy.start(httpx.create_ssl_context())
        return cls(proxy, url.rstrip("/"), headers)

    @property
    def activity(self) -> int:
        """Grows with whatever moves."""
        return self._proxy.activity

    def open(self, plan: ReplayPlan, observe: Callable[[JsonObject], None]) -> str:
        """Begin a case, and return its base URL. Nothing is observed: nobody judges a provider."""
        del observe
        clock = asyncio.get_running_loop().time
        path = f"/{plan.token}{twin_named(plan.dialect).base_path}"
        upstream = Upstream(self._url, lambda: round(clock() * 1000), self._headers)
        return self._proxy.open(path, upstream)

    def release(self, gate: str) -> None:
        """There is no gate in a real provider."""
        raise ValueError(f"a live provider has no gate `{gate}`")

    async def close_case(self) -> list[int]:
        """End the case; a live provider has no exchanges that could be left."""
        self.exchanges = await self._proxy.take()
        return []

    async def aclose(self) -> None:
        """Close everything."""
        await self._proxy.aclose()
