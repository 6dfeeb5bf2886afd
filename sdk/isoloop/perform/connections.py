"""The transport that all models share, and its end.

One for the process, because a client is dear to make (20 ms for its TLS context alone) and agents
are cheap. Its connections belong to the event loops that opened them, and are closed with those.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

from isoloop.transport import default_transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from isoloop.transport import Transport


class Connections:
    """Gives out the shared transport."""

    def __init__(self) -> None:
        self._transport: Transport | None = None
        self._keepers: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[None, None]
        ] = weakref.WeakKeyDictionary()

    async def transport(self) -> Transport:
        """Give the transport to the running loop."""
        if self._transport is None:
            self._transport = default_transport()
        loop = asyncio.get_running_loop()
        if loop not in self._keepers:
            keeper = self._keepers[loop] = self._until_loop_ends(loop, self._transport)
            await anext(keeper)
        return self._transport

    async def _until_loop_ends(
        self, loop: asyncio.AbstractEventLoop, transport: Transport
    ) -> AsyncGenerator[None, None]:
        # `asyncio.run` closes the generators that are still open before it closes the loop. It is
        # the only hook that there is, and without it each program would end with open connections.
        try:
            yield
        finally:
            self._keepers.pop(loop, None)
            await transport.aclose()


CONNECTIONS = Connections()
