"""Real time, in the one place of the suite that needs it: the pace of writes on loopback.

TCP keeps no boundaries between writes. What keeps two writes apart is that the first has left the
send queue, and a moment for the client to read it. Measured with four clients (499 one-byte
chunks): without pacing some saw 2 reads, with a drained queue and 0.2 ms more all saw 498 or 499.
Where the queue cannot be asked, 1 ms takes its place. Coalescing can only hide a defect, never
invent one.
"""

from __future__ import annotations

import asyncio
import sys
import time  # noqa: TID251 - real time on purpose, see above
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

if sys.platform == "linux":
    from fcntl import ioctl
    from termios import TIOCOUTQ

    def queued(sock: socket.socket) -> int | None:
        """Return how many bytes the client's kernel has not taken; None where nobody can say."""
        return int.from_bytes(ioctl(sock.fileno(), TIOCOUTQ, bytes(4)), sys.byteorder)
else:

    def queued(sock: socket.socket) -> int | None:
        """Return how many bytes the client's kernel has not taken; None where nobody can say."""
        del sock
        return None


_MOMENT_S = 0.0002
_WITHOUT_QUEUE_S = 0.001
# Without any progress for this long a client counts as one that takes no more bytes.
STALLED_AFTER_S = 0.25


def moment() -> None:
    """Let the client read. Blocks: the event loop's own timers are too coarse."""
    time.sleep(_MOMENT_S)


async def breathe(seconds: float) -> None:
    """Let the event loop go on."""
    await asyncio.sleep(seconds)  # noqa: TID251 -- real time on purpose


async def without_queue() -> None:
    """Wait where the send queue cannot be asked."""
    await breathe(_WITHOUT_QUEUE_S)
