"""One contender in a process of its own: takes jobs on standard input, tells what they cost.

{"job": "stream", "scenario": "text-20000", "times": 1, "at_once": 1}
{"cpu_s": [0.05], "wrong": 0}
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from time import process_time

from tests.bench.answers import expected
from tests.bench.contenders import CONTENDERS
from tests.bench.server import pin


async def work(name: str, base_url: str) -> None:
    """Do each job, and tell of it."""
    contender = CONTENDERS[name](base_url)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        job = json.loads(line)
        scenario, wanted = job["scenario"], expected(job["scenario"])
        do = contender.stream if job["job"] == "stream" else contender.run
        costs: list[float] = []
        wrong = 0
        gc.collect()
        for _ in range(job["times"]):
            before = process_time()
            if job["at_once"] == 1:
                found = [await do(scenario)]
            else:
                found = await asyncio.gather(*(do(scenario) for _ in range(job["at_once"])))
            costs.append(process_time() - before)
            wrong += sum(text != wanted for text in found)
        print(json.dumps({"cpu_s": costs, "wrong": wrong}), flush=True)
    await contender.aclose()


if __name__ == "__main__":
    pin(1)
    asyncio.run(work(sys.argv[1], sys.argv[2]))
