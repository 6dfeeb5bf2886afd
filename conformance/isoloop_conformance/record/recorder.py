"""Run variants and make cassettes of what was exchanged; nothing here judges or writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isoloop_conformance.cassettes import Cassette, Interaction, Request, Response, redact
from isoloop_conformance.cassettes.secrets import REDACTED
from isoloop_conformance.exact_json import exact
from isoloop_conformance.record.proxy import Exchange, RecordError
from isoloop_conformance.runner import Runner
from isoloop_conformance.verdicts import GREEN
from isoloop_conformance.watch import INACTIVITY_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from isoloop_conformance.cassettes.file import Headers
    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.record.providers import RecordedProvider
    from isoloop_conformance.variants import Variant
    from isoloop_conformance.verdicts import CaseOutcome

# What the HTTP library of a driver says of itself and of its connection: nothing of the dialect,
# and another text with each of its versions.
_OF_THE_LIBRARY = {
    *("accept", "accept-encoding", "connection", "content-length", "expect", "host"),
    *("keep-alive", "te", "transfer-encoding", "user-agent"),
}


@dataclass(frozen=True)
class CassetteOutcome:
    """A variant, and its cassette or why there is none."""

    variant: Variant
    cassette: Cassette | None
    problem: str = ""
    claimed: bool = True


@dataclass(frozen=True)
class Source:
    """Who answers, as a cassette tells it.

    Attributes:
        uri: The base URL that is written down, which is the vendor's.
        provenance: What is said of a variant's cassette.
        live: Whether it is a real provider, which owes nothing to a case's expectations.
        secret: The key that was used, which is redacted wherever it shows up.
    """

    uri: str
    provenance: Callable[[Variant], JsonObject]
    live: bool = False
    secret: str = ""


class Recorder:
    """Records variants with one driver and one provider, which `start` makes."""

    def __init__(
        self,
        command: Sequence[str],
        start: Callable[[], Awaitable[RecordedProvider]],
        source: Source,
        inactivity_s: float = INACTIVITY_S,
    ) -> None:
        self._provider: RecordedProvider | None = None
        self._start = start
        self._source = source
        self._runner = Runner(command, inactivity_s, self._started)

    async def record(self, variants: Sequence[Variant]) -> AsyncIterator[CassetteOutcome]:
        """Yield a recording of each variant, in order."""
        try:
            async for outcome in self._runner.run(variants):
                try:
                    yield CassetteOutcome(outcome.variant, self._cassette(outcome))
                except RecordError as error:
                    claimed = outcome.verdict != "not_applicable"
                    yield CassetteOutcome(outcome.variant, None, self._clean(str(error)), claimed)
        finally:
            await self._runner.close()

    async def _started(self) -> RecordedProvider:
        self._provider = await self._start()
        return self._provider

    def _cassette(self, outcome: CaseOutcome) -> Cassette:
        if problem := self._failure(outcome):
            raise RecordError(problem)
        assert self._provider
        exchanges = self._provider.exchanges
        if not exchanges:
            raise RecordError("no request came")
        for i, exchange in enumerate(exchanges):
            if not exchange.complete:
                raise RecordError(f"exchange {i} is not whole: {exchange.problem}")
        interactions = [self._interaction(exchange) for exchange in exchanges]
        return Cassette(self._source.provenance(outcome.variant), interactions)

    def _failure(self, outcome: CaseOutcome) -> str:
        """Say why a run is not worth keeping. A real provider owes nothing to an expectation."""
        ran = {"pass", "fail"} if self._source.live else {"pass"}
        if outcome.verdict not in ran:
            lines = [f"{outcome.verdict}: {outcome.detail}" if outcome.detail else outcome.verdict]
            lines += [f"{f.path}: want {f.want}, got {f.got}" for f in outcome.failures[:3]]
            if self._provider and outcome.verdict not in GREEN:
                broken = (e.problem for e in self._provider.exchanges if not e.complete)
                lines += [f"the proxy: {problem}" for problem in broken]
            return "; ".join(lines)
        received = (e["line"] for e in outcome.transcript if e["type"] == "received")
        results = [exact(line["resultJson"]) for line in received if line["type"] == "result"]
        if self._source.live and not results:
            return outcome.transcript[-1].get("detail") or "the run has no result: it was refused"
        for result in results:
            if self._source.live and result["outcome"] == "failed":
                error = result.get("error", {})
                return f"the run failed: {error.get('code')}: {error.get('message')}"
        return ""

    def _interaction(self, exchange: Exchange) -> Interaction:
        asked = exchange.request
        headers: Headers = {
            name: [self._clean(value)]
            for name, value in sorted(asked.headers.items())
            if name not in _OF_THE_LIBRARY
        }
        given = {n: [self._clean(v) for v in values] for n, values in exchange.headers.items()}
        came = bytes(exchange.body)
        body = self._clean_bytes(came)
        # A body that was changed has other lengths: then nobody knows how it arrived.
        arrived = exchange.arrived if body == came else []
        uri = self._source.uri + self._clean(exchange.path)
        return Interaction(
            Request(asked.method, uri, headers, self._clean_bytes(asked.body)),
            Response(exchange.status, exchange.message, given, body, arrived),
        )

    def _clean(self, text: str) -> str:
        """Redact the key that was used, whatever its shape, and what looks like any other."""
        secret = self._source.secret
        return str(redact(text.replace(secret, REDACTED) if secret else text))

    def _clean_bytes(self, data: bytes) -> bytes:
        secret = self._source.secret.encode()
        return data.replace(secret, REDACTED.encode()) if secret else data
