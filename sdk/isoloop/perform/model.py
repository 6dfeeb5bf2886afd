"""Models by name: which dialect they speak, where they are, and with which key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from isoloop.errors import UsageError

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from isoloop.contract import ModelRef, Price, RunConfig
    from isoloop.perform.environment import Environment
    from isoloop.perform.port import Caller
    from isoloop.transport import HttpName, Transport

DialectName = Literal["anthropic-messages", "openai-chat", "openai-responses"]


@dataclass(frozen=True, slots=True)
class _Vendor:
    """A prefix of model names. The variables' names are the vendor's own."""

    dialect: DialectName
    key_variable: str
    url_variable: str | None
    # What only the vendors have that speak another's dialect.
    name: str | None = None
    base_url: str | None = None
    needs_key: bool = True


_VENDORS = {
    "anthropic": _Vendor("anthropic-messages", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "openai": _Vendor("openai-responses", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openai-chat": _Vendor("openai-chat", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openai-responses": _Vendor("openai-responses", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
}


def _known() -> dict[str, _Vendor]:
    """Give every prefix: the dialects' own vendors and those who speak Chat Completions too."""
    from isoloop.wire.openai_chat.vendors import VENDORS

    compatible = {
        name: _Vendor(
            "openai-chat",
            vendor.key_variable,
            vendor.url_variable,
            name=name,
            base_url=vendor.base_url,
            needs_key=vendor.needs_key,
        )
        for name, vendor in VENDORS.items()
    }
    return _VENDORS | compatible


class Model:
    """A model behind a provider's HTTP API.

    Args:
        name: `"prefix:model"`, for example `"anthropic:claude-sonnet-4-5"`.
        base_url: Where it is served, instead of the vendor's address (or `ANTHROPIC_BASE_URL`).
        api_key: The key, instead of the vendor's own variable (`ANTHROPIC_API_KEY`), which is read
            when a run begins. A model with its own `base_url` may do without a key.
        http: `"aiohttp"` or `"httpx"`: what carries the requests; left out, aiohttp where it is
            installed (`isoloop[fast]`), else httpx. Or a client of yours (`httpx.AsyncClient`,
            `aiohttp.ClientSession`, a transport), for proxies and certificates; you close it.
        prices: What the model costs in US dollars per million tokens, or a table of such prices by
            model name.
        stream: Whether the provider is asked to stream. The events are the same either way.

    Raises:
        UsageError: The prefix is not known, or `http` is nothing that can send requests.
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        http: HttpName | httpx.AsyncClient | aiohttp.ClientSession | Transport | None = None,
        prices: Price | Mapping[str, Price] | None = None,
        stream: bool = True,
    ) -> None:
        prefix, colon, model = name.partition(":")
        vendor = _VENDORS.get(prefix) or _known().get(prefix)
        if not colon or not model or vendor is None:
            raise UsageError(
                f"model {name!r}: a name has the form prefix:model. Known prefixes: "
                f"{', '.join(sorted(_known()))}. For example: anthropic:claude-sonnet-4-5."
            )
        if vendor.name and not vendor.base_url and not base_url:
            raise UsageError(
                f"model {name!r}: {prefix} has no address of its own. Use Model(..., base_url=...)."
            )
        self.name = name
        self.streams = stream
        self._model = model
        self._vendor = vendor
        self._base_url = base_url
        self._api_key = api_key
        self._http: HttpName | Transport | None = None if http is None else _read_http(name, http)
        self._prices = prices
        self._ref: ModelRef | None = None

    @property
    def ref(self) -> ModelRef:
        """The model in the contract's terms."""
        if self._ref is None:
            from isoloop.contract import ModelRef

            self._ref = ModelRef.trusted(
                dialect=self._vendor.dialect, model=self._model, vendor=self._vendor.name
            )
        return self._ref

    @property
    def price(self) -> Price | None:
        """What the model costs, where known."""
        if isinstance(self._prices, Mapping):
            return self._prices.get(self._model) or self._prices.get(self.name)
        return self._prices

    def caller(self, config: RunConfig, environment: Environment) -> Caller:
        """Give a run access to the model.

        Raises:
            UsageError: There is no key, the base URL is none, or real model calls are forbidden.
        """
        from isoloop.perform.generate import Address, WireCaller

        if FORBIDDEN:
            raise UsageError(
                f"model {self.name}: real model calls are forbidden here (forbid_model_calls). "
                "Give the agent a ScriptedModel."
            )
        vendor = self._vendor
        base_url = self._base_url or os.environ.get(vendor.url_variable or "") or None
        if base_url is not None and not base_url.startswith(("http://", "https://")):
            raise UsageError(
                f"model {self.name}: the base URL is {base_url!r}; it must begin with http:// or "
                "https://, for example https://api.anthropic.com."
            )
        key = self._api_key or os.environ.get(vendor.key_variable) or None
        if key is None and base_url is None and vendor.needs_key:
            raise UsageError(
                f"model {self.name}: there is no API key. Set {vendor.key_variable}, or use "
                "Model(..., api_key=...)."
            )
        address = Address(vendor.dialect, base_url or vendor.base_url, key)
        return WireCaller(address, self._http, config, environment)

    def __repr__(self) -> str:
        return f"Model({self.name!r})"


def _read_http(model: str, http: object) -> HttpName | Transport:
    from isoloop.transport import transport_of

    try:
        return transport_of(http)
    except ValueError as error:
        raise UsageError(f"model {model!r}: {error}.") from None


FORBIDDEN: list[object] = []
"""Who forbids real model calls at the moment; see `isoloop.testing.forbid_model_calls`."""
