"""Run one variant against a driver: everything observed becomes the transcript.

The driver is drained before anything else is written down: as a driver writes each line at the
moment of what it reports, what stands before a request in the transcript happened before it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from isoloop_conformance import values
from isoloop_conformance.exact_json import write
from isoloop_conformance.observed import Invocation, Observed, RunSeen
from isoloop_conformance.watch import NothingMovesError, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.supervisor import Driver
    from isoloop_conformance.variants import Variant


class Provider(Protocol):
    """The replay server, as a case uses it."""

    def release(self, gate: str) -> None:
        """Open a gate."""

    async def close_case(self) -> list[int]:
        """Close every connection; return the exchanges that no request asked for."""
        ...


class _Over(Exception):
    def __init__(self, ending: str, detail: str = "") -> None:
        super().__init__(ending)
        self.ending = ending
        self.detail = detail


class CaseRun:
    """One variant while it runs."""

    def __init__(self, variant: Variant, driver: Driver, watch: Watch, sdk: JsonObject) -> None:
        self.variant = variant
        self._mark = ""
        self.transcript: list[JsonObject] = [
            {
                "type": "start",
                "format": 1,
                "case": variant.case_id,
                "variant": variant.id,
                "dialect": variant.dialect,
                "delivery": variant.delivery,
                "sdk": sdk,
                "nowMs": values.start_ms(variant.case),
            }
        ]
        self.now_ms = values.start_ms(variant.case)
        self._start_ms = self.now_ms
        self._driver = driver
        self._watch = watch
        self._seen = Observed()
        self._given: dict[str, tuple[str, str]] = {}
        self._hooks = {h["name"]: h for h in variant.case.get("agent", {}).get("hooks", [])}
        self._syncs = 0
        self._step = -1

    # ---- observations

    def observe(self, entry: JsonObject) -> None:
        """Take in what the provider's side saw."""
        self._driver.drain()
        self._note(entry)
        self._seen.on_entry(entry)
        self._watch.moved()

    def on_line(self, line: JsonObject) -> None:
        """Take in a line from the driver; answer it where the case needs no step for it."""
        if "run" in line:
            # A line that an earlier case left behind must not be taken for one of this case.
            if not line["run"].startswith(self._mark):
                self.on_noise(str(line)[:300], f"`{line['type']}` of a run of another case")
                return
            line["run"] = line["run"].removeprefix(self._mark)
        self._note({"type": "received", "line": line})
        self._seen.on_line(line, self.now_ms)
        match line["type"]:
            case "tool.call" if line["name"] in self.variant.case.get("answers", {}):
                answer = self.variant.case["answers"][line["name"]]
                self._answer(self._seen.tools[-1], values.tool_answer(answer, line["invocation"]))
            case "hook.call" if "answer" in self._hooks.get(line["hook"], {}):
                answer = self._hooks[line["hook"]]["answer"]
                self._answer(self._seen.hooks[-1], values.hook_answer(answer, line["invocation"]))
            case _:
                pass
        self._watch.moved()

    def on_noise(self, text: str, problem: str) -> None:
        """Take in a line that is not of the protocol."""
        self._note({"type": "noise", "text": text, "problem": problem})
        self._watch.moved()

    def on_exit(self, status: int, stderr: str) -> None:
        """The driver is gone."""
        self._note({"type": "exit", "status": max(-255, min(255, status)), "stderr": stderr})
        self._seen.exited = True
        self._watch.moved()

    # ---- the course of a case

    async def run(self, provider: Provider, token: str, base_url: str) -> list[JsonObject]:
        """Run the case to its end, however it ends; return the transcript."""
        self._driver.listener = self
        self._mark = f"{token}."
        ending, detail = "completed", ""
        try:
            self._send(values.case_begin(self.variant, token, base_url))
            await self._until(lambda: self._seen.ready, "the driver building the agent")
            for i, step in enumerate(self.variant.case["steps"]):
                await self._take(i, step, provider)
            await self._finish()
        except _Over as over:
            ending, detail = over.ending, over.detail
            if ending == "unmet":
                await self._dispose()
        unread = await provider.close_case()
        end: JsonObject = {"type": "end", "ending": ending, "unread": unread}
        self.transcript.append(end | ({"detail": detail} if detail else {}))
        return self.transcript

    async def _take(self, index: int, step: JsonObject, provider: Provider) -> None:
        self._step = index
        self._note({"type": "step", "step": index})
        ((kind, value),) = step.items()
        do: Callable[[Any, Provider], Any] = getattr(self, f"_do_{kind}")
        waits = do(value, provider)
        if waits is not None:
            await waits
        self._note({"type": "step_done", "step": index})

    async def _finish(self) -> None:
        """Wait for every run, for everything that is ready, and for the agent to be disposed of."""
        self._step = -1
        for name, run in list(self._seen.runs.items()):
            await self._until(lambda r=run: r.over, f"the result of {name}")
        await self._synced()
        self._send({"type": "case.end"})
        await self._until(lambda: self._seen.done, "the driver disposing of the agent")

    async def _dispose(self) -> None:
        """Have the agent disposed of after a failure, so that the process can serve on."""
        self._step = -1
        with contextlib.suppress(_Over):
            self._send({"type": "case.end"})
            await self._until(lambda: self._seen.done, "the driver disposing of the agent")

    @property
    def disposed(self) -> bool:
        """Whether the driver is ready for another case."""
        return self._seen.done or (self._seen.unsupported is not None and not self._seen.runs)

    # ---- steps: each returns what must be awaited, if anything

    def _do_run(self, run: JsonObject, _: Provider) -> None:
        name = run.get("run", "r1")
        self._seen.runs[name] = RunSeen()
        input_json = write(values.input_messages(run))
        history_json = run.get("historyJson") or write(values.history_messages(run, self.variant))
        if earlier := run.get("continues"):
            result = self._seen.runs[earlier].result_json
            if result is None:
                raise _Over("unmet", f"run {earlier} has no result to continue from")
            history_json = values.continued(*self._given[earlier], result)
        self._given[name] = (history_json, input_json)
        at_once = {"abortAtOnce": True} if run.get("abortAtOnce") else {}
        self._send(
            {
                "type": "run",
                "run": name,
                "inputJson": input_json,
                "historyJson": history_json,
                "reader": run.get("reader", "events"),
                **at_once,
            }
        )

    async def _do_await(self, awaited: JsonObject, _: Provider) -> None:
        # A client may close a connection after its run has ended; nothing else comes that late.
        late = "closed" in awaited
        what = lambda: ", ".join(self._seen.missing(awaited))  # noqa: E731 -- said when it is needed
        await self._until(lambda: self._seen.meets(awaited), what, late=late)

    async def _do_tool(self, step: JsonObject, _: Provider) -> None:
        call = step["callId"]
        await self._until(lambda: self._seen.call(call) is not None, f"the body of {call}")
        invocation = self._seen.call(call)
        assert invocation
        answer = {k: v for k, v in step.items() if k != "callId"}
        line = values.tool_answer(answer, invocation.line["invocation"])
        if "progress" in answer:
            self._send(line)
        else:
            self._answer(invocation, line)

    async def _do_hook(self, step: JsonObject, _: Provider) -> None:
        hook, call = step["hook"], step["callId"]
        await self._until(
            lambda: self._seen.hook(hook, call) is not None, f"hook {hook} being asked about {call}"
        )
        asked = self._seen.hook(hook, call)
        assert asked
        self._answer(asked, values.hook_answer(step["answer"], asked.line["invocation"]))

    async def _do_approve(self, step: JsonObject, _: Provider) -> None:
        call = step["callId"]
        await self._until(lambda: self._seen.approval(call) is not None, f"an approval of {call}")
        asked = self._seen.approval(call)
        assert asked
        names = ("decision", "argumentsText", "reason")
        line = {"type": "approve", "run": asked.line["run"], "approvalId": asked.line["approvalId"]}
        self._answer(asked, line | {k: step[k] for k in names if k in step})

    def _do_steer(self, step: JsonObject, _: Provider) -> None:
        self._queue("steer", step)

    def _do_followUp(self, step: JsonObject, _: Provider) -> None:  # noqa: N802 -- the step's name
        self._queue("follow_up", step)

    def _queue(self, command: str, step: JsonObject) -> None:
        message = write(values.user_message(step["content"]))
        self._send({"type": command, "run": self._run_of(step), "messageJson": message})

    def _do_abort(self, step: JsonObject, _: Provider) -> None:
        reason = {"reason": step["reason"]} if "reason" in step else {}
        self._send({"type": "abort", "run": self._run_of(step), **reason})

    def _do_credit(self, step: JsonObject, _: Provider) -> None:
        line = {"type": "events.credit", "run": self._run_of(step), "count": step["events"]}
        self._send(line)

    def _do_leave(self, step: JsonObject, _: Provider) -> None:
        self._send({"type": "events.leave", "run": self._run_of(step)})

    def _do_openEvents(self, step: JsonObject, _: Provider) -> None:  # noqa: N802 -- as above
        self._send({"type": "events.open", "run": self._run_of(step)})

    def _do_release(self, gate: str, provider: Provider) -> None:
        provider.release(gate)

    async def _do_sync(self, _value: object, _: Provider) -> None:
        await self._synced()

    async def _do_advance(self, duration_ms: int, _: Provider) -> None:
        """Move the clock, waking each timer at its own moment."""
        await self._synced()
        target = self.now_ms + duration_ms
        while due := sorted((at, t) for t, (at, _) in self._seen.timers.items() if at <= target):
            self.now_ms, timer = max(due[0][0], self.now_ms), due[0][1]
            del self._seen.timers[timer]
            self._send({"type": "clock.wake", "timer": timer, "nowMs": self.now_ms})
            await self._synced()
        self.now_ms = target
        self._send({"type": "clock.set", "nowMs": target})
        await self._synced()

    # ---- tools for steps

    def _run_of(self, step: JsonObject) -> str:
        return step.get("run") or self._seen.latest_run()

    def _answer(self, asked: Invocation, line: JsonObject) -> None:
        asked.answered = True
        self._send(line)

    def _send(self, line: JsonObject) -> None:
        self._driver.drain()
        self._note({"type": "sent", "line": line})
        self._driver.send(line | {"run": self._mark + line["run"]} if "run" in line else line)

    def _note(self, entry: JsonObject) -> None:
        at = {"n": len(self.transcript), "atMs": self.now_ms - self._start_ms}
        self.transcript.append({"type": entry["type"], **at, **entry})

    async def _synced(self) -> None:
        self._syncs += 1
        number = self._syncs
        self._send({"type": "sync", "number": number})
        await self._until(
            lambda: self._seen.synced >= number, "the driver answering `sync`", late=True
        )

    async def _until(
        self,
        condition: Callable[[], bool],
        awaited: str | Callable[[], str],
        *,
        late: bool = False,
    ) -> None:
        """Wait for a condition. Once every run is over, only what is `late` can still come."""

        def settled() -> bool:
            broken = self._broken() is not None
            return condition() or broken or (not late and self._settled())

        try:
            await self._watch.until(settled)
            if not condition() and not self._broken() and not late:
                await self._synced()
        except NothingMovesError:
            raise self._unmet("hang", awaited) from None
        if broken := self._broken():
            raise broken
        if not condition():
            raise self._unmet("unmet", awaited)

    def _settled(self) -> bool:
        return bool(self._seen.runs) and self._seen.all_over and self._step >= 0

    def _unmet(self, ending: str, awaited: str | Callable[[], str]) -> _Over:
        what = awaited if isinstance(awaited, str) else awaited()
        if self._step >= 0:
            entry = {"type": "step_failed", "step": self._step, "awaited": what}
            self._note(entry | {"pending": self._seen.pending()})
        where = f"step {self._step}: " if self._step >= 0 else ""
        return _Over(ending, f"{where}{what} never came")

    def _broken(self) -> _Over | None:
        if self._seen.exited:
            return _Over("crash", "the driver's process ended")
        if self._seen.fatal is not None:
            return _Over("driver_error", self._seen.fatal)
        if self._seen.unsupported is not None:
            return _Over("unsupported", self._seen.unsupported)
        return None
