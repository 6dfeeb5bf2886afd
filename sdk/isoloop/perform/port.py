"""The seam at which a model joins a run: a wire model and a scripted one look the same.

caller = model.caller(config, environment)      once per run
caller.append(message)                          once per message, in order
attempt = caller.attempt(turn)
ending = await attempt.run(publish)             pieces in batches, one per network chunk
pieces = attempt.abort()                        after `run` was stopped by asyncio cancellation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from isoloop.contract import Message, ModelRef, Price, RunConfig
    from isoloop.perform.environment import Environment
    from isoloop.wire import Ending, Piece

Publish: TypeAlias = "Callable[[list[Piece]], Awaitable[None] | None]"
"""Takes pieces at once. What it returns, if anything, is to be awaited: it ends when there is room.

It is no coroutine, because most chunks of an answer hold one delta, and most of the time there is
room.
"""


class Attempt(Protocol):
    """One call of a model."""

    async def run(self, publish: Publish) -> Ending:
        """Make the call. What goes wrong with it is an ending, never an exception."""
        ...

    def abort(self) -> list[Piece]:
        """Close what a stopped call left open; `end` is set afterwards."""
        ...

    @property
    def end(self) -> Ending | None:
        """How it ended, once it has."""
        ...


class Caller(Protocol):
    """A run's access to its model. It keeps the conversation that it sends."""

    def append(self, message: Message) -> None:
        """Add the next message of the transcript."""
        ...

    def attempt(self, turn: int) -> Attempt:
        """Prepare a call with the messages so far."""
        ...


class AnyModel(Protocol):
    """What an agent accepts as its model."""

    @property
    def ref(self) -> ModelRef:
        """Name the model in the contract's terms."""
        ...

    @property
    def price(self) -> Price | None:
        """What the model costs, where known."""
        ...

    @property
    def streams(self) -> bool:
        """Whether the provider is asked to stream. The events are the same either way."""
        ...

    def caller(self, config: RunConfig, environment: Environment) -> Caller:
        """Give a run access to the model.

        Raises:
            UsageError: The model cannot be called as it is configured, for example without a key.
        """
        ...
