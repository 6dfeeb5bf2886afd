"""What costs something without a provider: the engine, an idle agent, the import, the suite.

python -m tests.bench.alone engine|agent      prints figures as JSON
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, process_time_ns
from typing import Any

from tests.bench.server import pin

# ---------------------------------------------------------------- in a process of its own


def engine() -> dict[str, float]:
    """Measure a turn without calls: all five functions, every entry and every event."""
    from isoloop.contract import (
        AnsweredOutcome,
        AssistantMessage,
        ModelRef,
        OpenCommand,
        RunConfig,
        StartRunCommand,
        TextBlock,
        Usage,
        UserMessage,
    )
    from isoloop.engine import Env, admit, apply, events_of, next_effects, open_state, settle

    env = Env(now_ms=5)
    model = ModelRef(dialect="anthropic-messages", model="bench")
    message = AssistantMessage(
        role="assistant",
        content=[TextBlock(type="text", text="hello")],
        model=model,
        stop_reason="pause_turn",
        usage=Usage(input=5, output=6),
    )
    outcome = AnsweredOutcome(type="answered", message=message)
    user = UserMessage(role="user", content=[TextBlock(type="text", text="go")])
    config = RunConfig(model=model)

    def step(state: Any, entries: list[Any], seq: int) -> tuple[Any, int]:
        for entry in entries:
            state = apply(state, entry)
            seq += len(events_of(state, entry, seq))
        return state, seq

    def turns_of_a_run() -> list[int]:
        opened = OpenCommand(type="open")
        started = StartRunCommand(type="start_run", run_id="run", config=config, input=[user])
        state, seq = step(open_state(), admit(open_state(), opened, env), 1)
        state, seq = step(state, admit(state, started, env), seq)
        costs: list[int] = []
        for _ in range(425):
            before = process_time_ns()
            (effect,) = next_effects(state)
            state, seq = step(state, settle(state, effect.key, outcome, env), seq)
            costs.append(process_time_ns() - before)
        return costs

    early, late = [], []
    for _ in range(15):
        gc.collect()
        gc.disable()
        costs = turns_of_a_run()
        gc.enable()
        early.append(median(costs[12:37]))
        late.append(median(costs[387:412]))
    ratio = median(b / a for a, b in zip(early, late, strict=True))
    return {"us": min(early) / 1000, "ratio": ratio}


def agent() -> dict[str, float]:
    """Measure agents that share a tool and do nothing."""
    from isoloop import Agent, tool

    @tool(read_only=True)
    async def look(number: int) -> str:
        """Look a number up."""
        return str(number)

    def build(count: int) -> list[Any]:
        return [
            Agent("anthropic:bench", instructions="Be brief.", tools=[look]) for _ in range(count)
        ]

    build(100)
    costs: list[float] = []
    for _ in range(5):
        before = process_time()
        build(1000)
        costs.append(process_time() - before)
    gc.collect()
    tracemalloc.start()
    kept = build(1000)
    gc.collect()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {"us": median(costs) * 1000, "bytes": size / len(kept)}


# ---------------------------------------------------------------- from outside


def measured(what: str) -> dict[str, float]:
    """Run one of the above in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.alone", what]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def import_ratio(rounds: int) -> float:
    """Compare the CPU time of an import with that of what it cannot do without."""
    ours, theirs = "from isoloop import Agent, tool", "import asyncio, pydantic"
    ratios = [_cpu_s_of(ours) / _cpu_s_of(theirs) for _ in range(rounds + 1)][1:]
    return median(ratios)


def _cpu_s_of(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def conformance() -> dict[str, Any]:
    """Run the suite against the SDK, all dialects."""
    isoloop = str(Path(sys.executable).with_name("isoloop"))
    before = perf_counter()
    done = subprocess.run([isoloop, "conformance"], check=False, capture_output=True, text=True)
    taken_s = perf_counter() - before
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()
    ran = "nothing was run" not in done.stdout + done.stderr
    return {"s": taken_s if ran else float("nan"), "said": said[-1] if said else "silent"}


if __name__ == "__main__":
    pin(1)
    print(json.dumps({"engine": engine, "agent": agent}[sys.argv[1]]()))
