"""Run variants against a driver, one at a time, whatever the driver does."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from isoloop_conformance import CONTRACT_VERSION, PROTOCOL_VERSION, SUITE_VERSION, values
from isoloop_conformance.case_run import CaseRun, Provider
from isoloop_conformance.judge import judge
from isoloop_conformance.places import places
from isoloop_conformance.replay import PlanError, ReplayPlan, ReplayServer
from isoloop_conformance.supervisor import Driver, DriverMissingError
from isoloop_conformance.verdicts import CaseOutcome, conclude
from isoloop_conformance.watch import INACTIVITY_S, NothingMovesError, Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.variants import Variant

# A driver that fails so many cases in a row in its own name is not worth the wait for the others.
FAILURES_IN_A_ROW = 5
# How long a driver may take to leave after `bye`; then it is ended.
BYE_S = 2.0
BROKEN = {"crash", "hang", "driver_error"}


class NoHandshakeError(Exception):
    """The driver never said hello; nothing can be run."""

    def __init__(self, verdict: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict = verdict
        self.detail = detail


class ProviderServer(Provider, Protocol):
    """What answers the SDK's requests, case by case: the replay server, unless one is given."""

    @property
    def activity(self) -> int:
        """Grows with whatever moves."""
        ...

    def open(self, plan: ReplayPlan, observe: Callable[[JsonObject], None]) -> str:
        """Begin a case, and return its base URL."""
        ...

    async def aclose(self) -> None:
        """Close everything."""
        ...


async def _replay_server() -> ProviderServer:
    return await ReplayServer.start(cassettes=places().cassettes)


@dataclass(frozen=True)
class _Unfit:
    """Why a variant is not run."""

    verdict: str
    detail: str


class Runner:
    """Owns the driver process and the provider's server.

    Contract: one variant at a time; `close` at the end, also after an error.
    """

    def __init__(
        self,
        command: Sequence[str],
        inactivity_s: float = INACTIVITY_S,
        provider: Callable[[], Awaitable[ProviderServer]] | None = None,
    ) -> None:
        self.command = list(command)
        self.sdk: JsonObject = {}
        self.capabilities: JsonObject = {}
        self._watch = Watch(inactivity_s)
        self._driver: Driver | None = None
        self._start_provider = provider or _replay_server
        self._server: ProviderServer | None = None
        self._served = 0
        self._tokens = 0
        self._errors: list[str] = []

    async def run(self, variants: Sequence[Variant]) -> AsyncIterator[CaseOutcome]:
        """Yield the outcome of each variant, in order."""
        asyncio.get_running_loop().set_exception_handler(self._on_error)
        refused: _Unfit | None = None
        in_a_row = 0
        for variant in variants:
            if refused is None:
                try:
                    await self._ready()
                except NoHandshakeError as error:
                    refused = _Unfit(error.verdict, error.detail)
            unfit = refused or self._unfit(variant)
            if unfit is not None:
                yield CaseOutcome(variant, unfit.verdict, unfit.detail)
                continue
            outcome = await self._run_again_alone(variant, await self._run_one(variant))
            in_a_row = in_a_row + 1 if outcome.verdict in BROKEN else 0
            if in_a_row >= FAILURES_IN_A_ROW:
                text = f"given up: {in_a_row} cases in a row ended with {outcome.verdict}"
                refused = _Unfit("could_not_run", text)
            yield outcome

    async def close(self) -> None:
        """End the driver and the server."""
        if self._driver is not None and self._driver.alive:
            self._driver.send({"type": "bye"})
            await self._driver.ended(within_s=BYE_S)
            self._driver.kill()
        if self._server is not None:
            await self._server.aclose()

    def _unfit(self, variant: Variant) -> _Unfit | None:
        dialects = cast("list[str]", self.capabilities["dialects"])
        if variant.dialect not in dialects:
            return _Unfit("not_applicable", f"{variant.dialect} is not claimed")
        missing = sorted(variant.needs - set(self.capabilities["features"]))
        return _Unfit("not_applicable", f"not claimed: {', '.join(missing)}") if missing else None

    def _activity(self) -> int:
        """Count the bytes that moved, on the provider's sockets and on the driver's pipe."""
        assert self._server is not None
        return self._server.activity + (self._driver.received_bytes if self._driver else 0)

    async def _ready(self) -> None:
        """See to it that a driver runs and has said hello."""
        if self._server is None:
            self._server = await self._start_provider()
            self._watch.activity = self._activity
        if self._driver is not None and self._driver.alive:
            return
        driver = Driver(self.command)
        hello = _Hello(self._watch)
        driver.listener = hello
        try:
            driver.start()
        except DriverMissingError as error:
            raise NoHandshakeError("could_not_run", str(error)) from None
        self._driver, self._served = driver, 0
        driver.send(
            {
                "type": "hello",
                "protocol": [PROTOCOL_VERSION],
                "suite": SUITE_VERSION,
                "contract": CONTRACT_VERSION,
            }
        )
        try:
            await self._watch.until(lambda: hello.answer is not None or hello.problem != "")
        except NothingMovesError:
            hello.verdict, hello.problem = "hang", "the driver never answered `hello`"
        if hello.answer is None:
            self._drop_driver()
            raise NoHandshakeError(hello.verdict, hello.problem)
        self.sdk, self.capabilities = hello.answer["sdk"], hello.answer["capabilities"]

    async def _run_one(self, variant: Variant) -> CaseOutcome:
        assert self._driver
        assert self._server
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._tokens += 1
        self._served += 1
        token = f"k{self._tokens}"
        case = CaseRun(variant, self._driver, self._watch, self.sdk)
        plan = ReplayPlan(
            token=token,
            dialect=variant.dialect,
            delivery=variant.delivery,
            chunks=variant.chunks,
            exchanges=variant.case.get("exchanges", []),
            lanes=variant.case.get("lanes", {}),
            model=values.model_name(variant.case),
            now_ms=lambda: case.now_ms,
        )
        try:
            base_url = self._server.open(plan, case.observe)
            transcript = await case.run(self._server, token, base_url)
            assertions = judge(variant, transcript)
            verdict, detail = conclude(transcript, assertions)
        except PlanError as error:
            # The case is wrong, not the suite: its own words say more than a traceback.
            transcript, assertions = case.transcript, []
            verdict, detail = "harness_error", f"the case cannot be played: {error}"
        except Exception:  # noqa: BLE001 -- a bug of the suite is a verdict of its own
            self._errors.append(traceback.format_exc())
            transcript, assertions, verdict, detail = case.transcript, [], "harness_error", ""
        if self._errors:
            verdict, detail = "harness_error", self._errors[-1].strip()
            self._errors.clear()
        if verdict not in {"pass", "fail", "could_not_run"} or not case.disposed:
            self._drop_driver()
        duration_ms = round((loop.time() - began) * 1000)
        return CaseOutcome(variant, verdict, detail, duration_ms, assertions, transcript)

    async def _run_again_alone(self, variant: Variant, outcome: CaseOutcome) -> CaseOutcome:
        """Tell a case that kills its driver from a driver that an earlier case has poisoned."""
        if outcome.verdict != "crash" or self._served <= 1:
            return outcome
        try:
            await self._ready()
        except NoHandshakeError as error:
            return replace(outcome, detail=f"{outcome.detail}; then: {error.detail}")
        again = await self._run_one(variant)
        return replace(
            outcome, detail=f"{outcome.detail}; alone in a fresh process: {again.verdict}"
        )

    def _drop_driver(self) -> None:
        if self._driver is not None:
            self._driver.kill()
        self._driver = None

    def _on_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = "".join(traceback.format_exception(error)) if error else str(context["message"])
        self._errors.append(text)
        self._watch.moved()


class _Hello:
    """Listens for a driver's first line."""

    def __init__(self, watch: Watch) -> None:
        self.answer: JsonObject | None = None
        self.verdict = "driver_error"
        self.problem = ""
        self._watch = watch

    def on_line(self, line: JsonObject) -> None:
        if line["type"] == "log":
            return
        if line["type"] != "hello":
            self.problem = f"the first line is `{line['type']}`, not `hello`"
        elif line["protocol"] != PROTOCOL_VERSION:
            self.problem = f"the driver chose protocol {line['protocol']}, which was not offered"
        else:
            self.answer = line
        self._watch.moved()

    def on_noise(self, text: str, problem: str) -> None:
        self.problem = f"instead of `hello`: {problem}: {text!r}"
        self._watch.moved()

    def on_exit(self, status: int, stderr: str) -> None:
        if not self.problem:
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
            self.verdict = "crash"
            tail = stderr.strip().splitlines()[-1:]
            self.problem = f"the driver ended with {how} before saying hello" + (
                f": {tail[0]}" if tail else ""
            )
        self._watch.moved()
