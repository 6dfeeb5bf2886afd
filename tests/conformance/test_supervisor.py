"""The supervisor, against processes that behave in every way."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from typing import Any

import pytest

from isoloop_conformance.supervisor import Driver, DriverMissingError
from isoloop_conformance.watch import NothingMovesError, Watch

pytestmark = pytest.mark.slow  # each starts a process

HELLO = (
    '{"type":"hello","protocol":1,"sdk":{"name":"x","version":"0","language":"python"},'
    '"capabilities":{"dialects":[],"features":[]},"memberOfTheFuture":1}'
)


async def test_lines_of_the_protocol_are_handed_over_in_order() -> None:
    """Members that this version does not know are left out."""
    seen = await run(f"print('{HELLO}'); print('{{\"type\":\"ready\"}}')")
    assert ["hello", "ready"] == [line["type"] for line in seen.lines]
    assert "memberOfTheFuture" not in seen.lines[0]
    assert [] == seen.noise


async def test_a_listener_that_answers_a_line_does_not_reorder_the_others() -> None:
    """What was read together with a line comes before what its answer leads to."""
    log = '{"type":"log","text":"%d"}\\n'
    code = (
        "import os, sys\n"
        f"os.write(1, b'{log % 1}{log % 2}')\n"
        "sys.stdin.readline()\n"
        f"os.write(1, b'{log % 3}')\n"
    )
    driver = Driver([sys.executable, "-S", "-c", code])

    class Answering(Seen):
        def on_line(self, line: dict[str, Any]) -> None:
            super().on_line(line)
            if len(self.lines) == 1:
                driver.send({"type": "bye"})
                driver.readable(within_s=10)
                driver.drain()

    seen = driver.listener = Answering()
    driver.start()
    await seen.watch.until(lambda: len(seen.lines) == 3)
    driver.kill()
    assert ["1", "2", "3"] == [line["text"] for line in seen.lines]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("print('Hello')", "not JSON"),
        ("print('[1]')", "not of the protocol"),
        ('print(\'{"type":"dance"}\')', "not of the protocol"),
        ('print(\'{"type":"synced"}\')', "not of the protocol"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\n')", "not UTF-8"),
        ('import sys; sys.stdout.write(\'{"type":"ready"}\')', "the last line was not ended"),
    ],
)
async def test_what_is_no_line_of_the_protocol_is_noise(code: str, problem: str) -> None:
    """Stray output is a fault of the driver, and is shown."""
    seen = await run(code)
    assert [] == seen.lines
    assert problem in seen.noise[0]


async def test_an_exit_is_told_with_its_status_and_the_end_of_its_errors() -> None:
    """What the process said last is what explains it."""
    seen = await run("import sys; sys.stderr.write('x' * 10**5 + 'the end'); sys.exit(7)")
    assert 7 == seen.status
    assert seen.stderr.endswith("the end")
    assert len(seen.stderr) < 10_000


async def test_a_signal_is_never_an_exit_status_of_zero() -> None:
    """Death by a signal is negative."""
    seen = await run("import os; os.kill(os.getpid(), 9)")
    assert -9 == seen.status


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open")
async def test_the_whole_process_group_is_ended() -> None:
    """A child that outlives its driver would hold the pipes open for ever."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        'print(\'{"type":"log","text":"%d"}\' % child.pid, flush=True)\n'
        "sys.stdin.read()\n"
    )
    seen, driver = start(code)
    await seen.watch.until(lambda: len(seen.lines) == 1)
    child = os.pidfd_open(int(seen.lines[0]["text"]))
    driver.kill()
    ended, _, _ = select.select([child], [], [], 10)
    os.close(child)
    assert [child] == ended


async def test_what_the_pipe_does_not_take_at_once_is_sent_later() -> None:
    """A driver that reads slowly gets every byte."""
    code = (
        "import sys\n"
        "line = sys.stdin.readline()\n"
        'print(\'{"type":"log","text":"%d"}\' % len(line), flush=True)\n'
    )
    seen, driver = start(code)
    driver.send({"type": "sync", "text": "x" * 3_000_000})
    await seen.watch.until(lambda: bool(seen.lines))
    assert int(seen.lines[0]["text"]) > 3_000_000
    driver.kill()


async def test_drain_hands_over_what_is_in_the_pipe_at_once() -> None:
    """What a driver wrote before the runner saw something else stands before it."""
    seen, driver = start('import os; os.write(1, b\'{"type":"ready"}\\n\'); input()')
    # The event loop is not run while the line arrives.
    assert driver.readable(within_s=10)
    driver.drain()
    assert ["ready"] == [line["type"] for line in seen.lines]
    driver.kill()


async def test_a_command_that_cannot_be_started_is_named() -> None:
    """It is no crash: nothing ever ran."""
    with pytest.raises(DriverMissingError, match="cannot start `/no/such/thing`: No such file"):
        Driver(["/no/such/thing"]).start()


async def test_the_watchdog_waits_as_long_as_something_moves() -> None:
    """Inactivity counts, not time: bytes on a socket keep it waiting."""
    watch = Watch(0.02)
    left = iter(range(5, 0, -1))
    watch.activity = lambda: next(left, 0)
    with pytest.raises(NothingMovesError):
        await watch.until(lambda: False)
    assert 0 == next(left, 0)


class Seen:
    """Writes down what a driver does."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self.status: int | None = None
        self.stderr = ""
        self.watch = Watch(10)

    def on_line(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        self.watch.moved()

    def on_noise(self, text: str, problem: str) -> None:
        self.noise.append(f"{problem}: {text}")
        self.watch.moved()

    def on_exit(self, status: int, stderr: str) -> None:
        self.status, self.stderr = status, stderr
        self.watch.moved()


def start(code: str) -> tuple[Seen, Driver]:
    """Start a process."""
    seen, driver = Seen(), Driver([sys.executable, "-S", "-c", code])
    driver.listener = seen
    driver.start()
    return seen, driver


async def run(code: str) -> Seen:
    """Run a process to its end."""
    seen, driver = start(code)
    assert await driver.ended(within_s=10)
    await asyncio.wait_for(seen.watch.until(lambda: seen.status is not None), 10)
    return seen
