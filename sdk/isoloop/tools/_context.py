"""What a tool's body is given, and what it may give back beside plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator

    from isoloop.contract import JsonObject, ResultBlock

DepsT_co = TypeVar("DepsT_co", covariant=True, default=Any)

ToolReturn: TypeAlias = object
"""What a body may return: text, anything that can be written as JSON, a content block or a list of
them, a pydantic model or a dataclass, a `ToolResult`."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's result in full, for what a plain return value cannot say.

    Attributes:
        content: What the model is told: text, a JSON value, a content block or a list of them.
        is_error: Whether the model is told that the call failed.
        details: A JSON object for the application only; it is never sent to a model.
    """

    content: ToolReturn
    is_error: bool = False
    details: JsonObject | None = None


class Progress(Protocol):
    """Where a body's progress goes."""

    def __call__(self, content: list[ResultBlock], details: JsonObject | None) -> Awaitable[None]:
        """Tell it at once; the awaitable ends when there is room for more."""
        ...


class ToolContext(Generic[DepsT_co]):
    """A call as its body sees it: a first parameter of this type receives it.

    Attributes:
        deps: What the caller handed to the run as `deps`.
        call_id: The call.
        run_id: The run.
        arguments_text: The arguments as text: the model's own, unless a hook or an approver
            changed them. A number in it has all its digits.
    """

    __slots__ = ("_aborted", "_progress", "arguments_text", "call_id", "deps", "run_id")

    def __init__(
        self,
        deps: DepsT_co,
        *,
        call_id: str = "call",
        run_id: str = "run",
        arguments_text: str = "{}",
        progress: Progress | None = None,
    ) -> None:
        self.deps = deps
        self.call_id = call_id
        self.run_id = run_id
        self.arguments_text = arguments_text
        self._progress = progress
        self._aborted = False

    @property
    def aborted(self) -> bool:
        """Whether the call was aborted or timed out: what the body still says is discarded.

        An async body is told by `asyncio.CancelledError`; a sync one, which runs in a thread, has
        to look here.
        """
        return self._aborted

    def progress(
        self, content: ToolReturn, *, details: JsonObject | None = None
    ) -> Awaitable[None]:
        """Report progress as a `tool_execution_update` event.

        Contract: the event is published at once, in the order of the calls. Await the result in an
        async body that reports much: it waits while the reader of the events is behind. In a sync
        body, which runs in a thread, the call itself waits.

        Args:
            content: What to report, in any form that a tool may return.
            details: A JSON object for the application only.

        Raises:
            TypeError: The content cannot be written as JSON.
        """
        if self._progress is None or self._aborted:
            return DONE
        from isoloop.tools._result import content_of, plain_object

        return self._progress(content_of(content), plain_object(details))

    def abort(self) -> None:
        """Mark the call as aborted. The driver does this; a test may."""
        self._aborted = True


class _Done:
    """Awaiting it does not wait."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


DONE = _Done()
