"""What every dialect's twin offers to the replay server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.frames import Frame


@dataclass(frozen=True, slots=True)
class Scene:
    """What an answer is rendered with: nothing else influences its bytes."""

    model: str
    exchange: int = 0

    @property
    def request_id(self) -> str:
        """The provider's id of the request."""
        return f"req_{self.exchange:02}twin"


@dataclass(frozen=True, slots=True)
class Rejection:
    """An answer that is an error: its own status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Twin(Protocol):
    """Renders provider-neutral scripts in one dialect. Pure: the same input gives the same bytes.

    Contract:
        A part that the dialect or the delivery cannot say raises `ScriptError`; nothing is left out
        silently. No keep-alive is sent that the script does not ask for.
    """

    @property
    def dialect(self) -> str:
        """The dialect's name."""
        ...

    @property
    def base_path(self) -> str:
        """What the base URL ends with, as the vendor's official clients have it."""
        ...

    @property
    def path(self) -> str:
        """Where requests go, below the base URL."""
        ...

    def headers(self, delivery: str, scene: Scene) -> dict[str, str]:
        """Return the headers of an answer with status 200."""
        ...

    def stream(self, reply: Sequence[JsonObject], scene: Scene) -> list[Frame]:
        """Render an answer as an event stream, one frame per event."""
        ...

    def body(self, reply: Sequence[JsonObject], scene: Scene) -> list[Frame]:
        """Render an answer as one JSON body."""
        ...

    def rejection(self, status: int | None, error: JsonObject, scene: Scene) -> Rejection:
        """Render an error response; without a status the error's kind or type decides."""
        ...

    def is_terminal(self, event: bytes) -> bool:
        """Whether an event is the one that ends an answer well."""
        ...
