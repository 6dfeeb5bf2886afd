"""Carries out one model call: a conversation through a dialect and a transport.

request ──► transport ──► bytes ──► decoder ──► pieces, one batch per network chunk ──► publish
                                       │
                                       └──► ending
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from isoloop.perform.connections import CONNECTIONS
from isoloop.transport import Request, Timeouts, TransportError, read_up_to
from isoloop.wire import Aborted, Failed, ModelCall, Unsendable, absolute_url, dialect_named

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from isoloop.contract import Dialect as DialectName
    from isoloop.contract import ErrorInfo, Message, RunConfig
    from isoloop.perform.environment import Environment
    from isoloop.perform.port import Publish
    from isoloop.transport import HttpName, Response, Transport
    from isoloop.wire import Conversation, Decoder, Dialect, Ending, Piece

_ERROR_BODY_LIMIT_BYTES = 1 << 20
_TIMEOUTS = Timeouts()

# After its terminal event a body usually ends in the same packet. Reading to that end keeps the
# connection; a server that holds the body open loses the connection, and we no time to speak of.
_BODY_END_S = 0.05


@dataclass(frozen=True, slots=True)
class Address:
    """Where a model is, and the key to it."""

    dialect: DialectName
    base_url: str | None
    key: str | None

    def __repr__(self) -> str:
        return f"Address({self.dialect}, {self.base_url})"


class WireCaller:
    """A run's access to a model behind HTTP."""

    def __init__(
        self,
        address: Address,
        http: HttpName | Transport | None,
        config: RunConfig,
        environment: Environment,
    ) -> None:
        self._address = address
        self._http: HttpName | Transport | None = http
        self._config = config
        self._clock = environment.clock
        self._dialect: Dialect = dialect_named(address.dialect)
        self._conversation: Conversation | None = None
        self._unsendable: ErrorInfo | None = None
        try:
            self._conversation = self._dialect.conversation(config)
        except Unsendable as unsendable:
            self._unsendable = unsendable.error

    def append(self, message: Message) -> None:
        """Add the next message; it is encoded now and never again."""
        if self._conversation is not None:
            try:
                self._conversation.append(message)
            except Unsendable as unsendable:
                self._unsendable = unsendable.error

    def attempt(self, turn: int) -> WireAttempt:
        """Prepare a call with the messages so far."""
        return WireAttempt(self, turn)

    def prepared(self, turn: int) -> tuple[Request, Decoder]:
        """Build the request of a call, and what reads its answer.

        Raises:
            Unsendable: The dialect cannot express what was asked for.
        """
        conversation = self._conversation
        if self._unsendable is not None or conversation is None:
            assert self._unsendable is not None
            raise Unsendable(self._unsendable)
        config = self._config
        call = ModelCall(config.model, config, turn, stream=config.stream is not False)
        sent = conversation.request(call)
        headers = dict(sent.headers)
        if self._address.key:
            headers.update(self._dialect.auth_headers(self._address.key))
        url = absolute_url(self._address.base_url or self._dialect.base_url, sent.path)
        decoder = self._dialect.decoder(call, taken=conversation.call_ids)
        return Request(sent.method, url, headers, sent.body), decoder

    async def open(self, request: Request) -> Response:
        """Send a request.

        Raises:
            TransportError: There was no response.
        """
        http = self._http
        if http is None or isinstance(http, str):
            http = await CONNECTIONS.transport(http)
        return await http.open(request, _TIMEOUTS)

    async def refusal(self, response: Response) -> ErrorInfo:
        """Read an error response; a body that breaks off is still an error of that status."""
        try:
            body = await read_up_to(response, _ERROR_BODY_LIMIT_BYTES)
        except TransportError:
            body = b""
        now_ms = self._clock.now_ms()
        return self._dialect.error(response.status, response.headers, body, now_ms)


class WireAttempt:
    """One call of a model behind HTTP."""

    def __init__(self, caller: WireCaller, turn: int) -> None:
        self._caller = caller
        self._turn = turn
        self._decoder: Decoder | None = None
        self._end: Ending | None = None

    @property
    def end(self) -> Ending | None:
        """How it ended, once it has."""
        return self._end or (self._decoder.end if self._decoder else None)

    def abort(self) -> list[Piece]:
        """Close what a stopped call left open."""
        if self._decoder is None:
            self._end = self._end or Aborted(None, None)
            return []
        return self._decoder.abort()

    async def run(self, publish: Publish) -> Ending:
        """Make the call.

        Contract: what goes wrong with it is an ending. When it is stopped by asyncio cancellation,
        the connection is closed and `abort` gives what closes the answer.
        """
        try:
            request, decoder = self._caller.prepared(self._turn)
        except Unsendable as unsendable:
            return self._failed(unsendable.error)
        try:
            response = await self._caller.open(request)
        except TransportError as error:
            return self._failed(error.info)
        try:
            if not 200 <= response.status < 300:
                return self._failed(await self._caller.refusal(response))
            self._decoder = decoder
            await _read(response, decoder, publish)
        finally:
            await response.aclose()
        assert decoder.end is not None
        return decoder.end

    def _failed(self, error: ErrorInfo) -> Ending:
        self._end = Failed(error, None, None)
        return self._end


async def _read(response: Response, decoder: Decoder, publish: Publish) -> None:
    """Read a body to the end of its answer; afterwards `decoder.end` is set."""
    chunks: Any = response.chunks()
    try:
        async for chunk in chunks:
            pieces = decoder.feed(chunk)
            if pieces and (room := publish(pieces)) is not None:
                await room
            if decoder.end is not None:
                break
        else:
            publish(decoder.finish())
            return
    except TransportError as error:
        publish(decoder.fail(error.info))
        return
    if not response.at_end:
        await _read_on(chunks)
    elif hasattr(chunks, "aclose"):
        await chunks.aclose()  # here, because the event loop's way to do it is dear


async def _read_on(chunks: AsyncIterator[bytes]) -> None:
    """Give the body a moment to end."""
    try:
        async with asyncio.timeout(_BODY_END_S):
            async for _ in chunks:
                pass
    except (TimeoutError, TransportError):
        return  # the answer is complete; only the connection is lost
