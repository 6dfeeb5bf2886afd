"""The transports that all models share, and their end.

One of each kind for the process, because a client is dear to make (20 ms for its TLS context alone)
and agents are cheap. Connections belong to the event loops that opened them, and are closed with
those.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

from isoloop.transport import default_transport, named_transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from isoloop.transport import HttpName, Transport


class Connections:
    """Gives out the shared transports."""

    def __init__(self) -> None:
        self._transports: dict[HttpName | None, Transport] = {}
        self._keepers: weakref.WeakKeyDictionary[
            asyncio.AbstractEventLoop, AsyncGenerator[None, None]
        ] = weakref.WeakKeyDictionary()

    async def transport(self, name: HttpName | None = None) -> Transport:
        """Give a transport to the running loop; without a name, the default one."""
        transport = self._transports.get(name)
        if transport is None:
            made = default_transport() if name is None else named_transport(name)
            transport = self._transports[name] = made
        loop = asyncio.get_running_loop()
        if loop not in self._keepers:
            keeper = self._keepers[loop] = self._until_loop_ends(loop)
            await anext(keeper)
        return transport

    async def aclose(self) -> None:
        """Close the connections of the running loop."""
        for transport in list(self._transports.values()):
            await transport.aclose()

    async def _until_loop_ends(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
        # `asyncio.run` closes the generators that are still open before it closes the loop. It is
        # the only hook that there is, and without it each program would end with open connections.
        try:
            yield
        finally:
            self._keepers.pop(loop, None)
            await self.aclose()


CONNECTIONS = Connections()
