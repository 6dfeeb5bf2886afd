"""Start a driver, talk to it line by line, and notice every way in which it can fail.

A driver runs in its own process group, without a shell, on private pipes. Its output is read
without waiting, so that `drain` can empty the pipe at any moment: what a driver wrote before the
runner saw something else is then known before that something is written down.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import shlex
import signal
import subprocess
import threading
from collections import deque
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from isoloop_conformance import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from isoloop_conformance.exact_json import JsonObject

MAX_LINE_BYTES = 32 * 1024 * 1024
READ_BYTES = 1024 * 1024
STDERR_TAIL_BYTES = 8 * 1024
NOISE_CHARACTERS = 300


class Listener(Protocol):
    """Is told what a driver does, in order."""

    def on_line(self, line: JsonObject) -> None:
        """A line of the protocol."""

    def on_noise(self, text: str, problem: str) -> None:
        """A line that is not of the protocol."""

    def on_exit(self, status: int, stderr: str) -> None:
        """The process is gone; negative for a signal. Said once, last."""


class DriverMissingError(Exception):
    """The command could not be started at all."""


@dataclass
class _Streams:
    stdin: int
    stdout: int
    stderr: int


class Driver:
    """One driver process.

    Contract: must be used on one event loop. `start` before anything else, `kill` at the end.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self.listener: Listener = _Nobody()
        self.exit_status: int | None = None
        self.stderr_tail = b""
        self.received_bytes = 0
        """Grows with whatever the driver writes, whole lines or not."""
        self._pending = bytearray()
        self._lines: deque[bytes] = deque()
        self._unsent = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._streams: _Streams | None = None
        self._overlong = False
        self._gone = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self.exit_status is None

    def start(self) -> None:
        """Start the process.

        Raises:
            DriverMissingError: The command does not exist or cannot be run.
        """
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise DriverMissingError(
                f"cannot start `{shlex.join(self.command)}`: {error.strerror}"
            ) from None
        assert process.stdin
        assert process.stdout
        assert process.stderr
        self._process = process
        self._streams = _Streams(
            process.stdin.fileno(), process.stdout.fileno(), process.stderr.fileno()
        )
        loop = asyncio.get_running_loop()
        for descriptor in (self._streams.stdin, self._streams.stdout, self._streams.stderr):
            os.set_blocking(descriptor, False)
        loop.add_reader(self._streams.stdout, self.drain)
        loop.add_reader(self._streams.stderr, self._read_stderr)
        threading.Thread(target=self._wait, args=(process, loop), daemon=True).start()

    def send(self, line: JsonObject) -> None:
        """Send a line. What the pipe does not take at once is sent when it can."""
        self._unsent += json.dumps(line, separators=(",", ":")).encode() + b"\n"
        self._flush()

    def drain(self) -> None:
        """Hand over every line that the driver has written so far.

        A listener that answers a line drains again while it is told of it: what was read before
        then comes first, so that lines never overtake each other.
        """
        self._deliver()
        while self._streams is not None:
            data = _read(self._streams.stdout)
            if data is None:
                return
            if not data:
                asyncio.get_running_loop().remove_reader(self._streams.stdout)
                return
            self._pending += data
            self.received_bytes += len(data)
            # A long line comes in many pieces; only the new piece can end it.
            if b"\n" in data or len(self._pending) > MAX_LINE_BYTES:
                self._split()

    def readable(self, *, within_s: float) -> bool:
        """Wait, without the event loop, until the driver has written something."""
        assert self._streams
        return bool(select.select([self._streams.stdout], [], [], within_s)[0])

    async def ended(self, *, within_s: float) -> bool:
        """Wait for the process to end by itself; say whether it did."""
        try:
            async with asyncio.timeout(within_s):
                await self._gone.wait()
        except TimeoutError:
            return False
        return True

    def kill(self) -> None:
        """End the whole process group."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._close()

    def stderr_text(self) -> str:
        """Return the end of what the driver wrote to its standard error."""
        self._read_stderr()
        return self.stderr_tail.decode("utf-8", "replace")

    def _flush(self) -> None:
        if self._streams is None or not self._unsent:
            return
        loop = asyncio.get_running_loop()
        try:
            sent = os.write(self._streams.stdin, self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The driver closed its input; its exit or its silence says the rest.
            self._unsent.clear()
            loop.remove_writer(self._streams.stdin)
            return
        del self._unsent[:sent]
        if self._unsent:
            loop.add_writer(self._streams.stdin, self._flush)
        else:
            loop.remove_writer(self._streams.stdin)

    def _split(self) -> None:
        *lines, rest = self._pending.split(b"\n")
        self._pending = rest
        for line in lines:
            if self._overlong:
                self._overlong = False
            elif line.strip():
                self._lines.append(bytes(line))
        self._deliver()
        if len(self._pending) > MAX_LINE_BYTES and not self._overlong:
            self._overlong = True
            self._noise(bytes(self._pending), f"a line is longer than {MAX_LINE_BYTES} bytes")
        if self._overlong:
            self._pending.clear()

    def _deliver(self) -> None:
        while self._lines:
            self._hand_over(self._lines.popleft())

    def _hand_over(self, data: bytes) -> None:
        try:
            line = json.loads(data.decode("utf-8"))
        except UnicodeDecodeError:
            self._noise(data, "not UTF-8")
            return
        except (ValueError, RecursionError):
            self._noise(data, "not JSON")
            return
        known = _known_members(line)
        if found := schemas.problems("driver.FromDriver", known):
            self._noise(data, f"not of the protocol: {found[0].text}")
            return
        self.listener.on_line(known)

    def _noise(self, data: bytes, problem: str) -> None:
        self.listener.on_noise(data[:NOISE_CHARACTERS].decode("utf-8", "replace"), problem)

    def _read_stderr(self) -> None:
        while self._streams is not None:
            data = _read(self._streams.stderr)
            if data is None:
                return
            if not data:
                asyncio.get_running_loop().remove_reader(self._streams.stderr)
                return
            self.stderr_tail = (self.stderr_tail + data)[-STDERR_TAIL_BYTES:]

    def _wait(self, process: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop) -> None:
        status = process.wait()
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            loop.call_soon_threadsafe(self._exited, status)

    def _exited(self, status: int) -> None:
        if self.exit_status is not None:
            return
        self.drain()
        if self._pending:
            self._noise(bytes(self._pending), "the last line was not ended")
        stderr = self.stderr_text()
        self.exit_status = status
        self._gone.set()
        self.kill()  # what the driver started and left behind
        self.listener.on_exit(status, stderr)

    def _close(self) -> None:
        if self._streams is None or self._process is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_writer(self._streams.stdin)
        loop.remove_reader(self._streams.stdout)
        loop.remove_reader(self._streams.stderr)
        self._streams = None
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _read(descriptor: int) -> bytes | None:
    try:
        return os.read(descriptor, READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def _known_members(line: object) -> JsonObject:
    """Leave out members that this version of the protocol does not know."""
    if not isinstance(line, dict):
        return {"type": f"a JSON {type(line).__name__}"}
    members = cast("JsonObject", line)
    schema = _branches().get(members.get("type", ""))
    return members if schema is None else {k: v for k, v in members.items() if k in schema}


@cache
def _branches() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for branch in schemas.definition("driver.FromDriver")["oneOf"]:
        name = branch["$ref"].rpartition("/")[2]
        members = schemas.definition(f"driver.{name}")["properties"]
        found[members["type"]["const"]] = set(members)
    return found


class _Nobody:
    def on_line(self, line: JsonObject) -> None:
        """Nobody listens yet."""

    def on_noise(self, text: str, problem: str) -> None:
        """Nobody listens yet."""

    def on_exit(self, status: int, stderr: str) -> None:
        """Nobody listens yet."""
