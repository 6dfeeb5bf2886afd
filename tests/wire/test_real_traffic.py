"""What we read from real answers is what the vendor's own client reads from the same bytes."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from isoloop.contract import (
    AssistantMessage,
    ModelRef,
    OpaqueBlock,
    RunConfig,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    Usage,
    UserMessage,
)
from isoloop.wire import Answered, Decoder, Ending, ModelCall, dialect_named
from tests.wire.pieces import joined
from tests.wire.recordings import RECORDINGS, Exchange, exchanges

if TYPE_CHECKING:
    from isoloop.wire import Piece
    from tests.wire.recordings import Tally

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings beside the project")

DIALECT = dialect_named("anthropic-messages")
EXCHANGES = exchanges("/v1/messages")
STREAMS = [exchange for exchange in EXCHANGES if exchange.streamed]
# Streams up to this size are cut at every place in turn; the larger ones byte by byte.
SMALL_BYTES = 12_000

ITERATIONS = (
    "the client shows the counters beside `iterations`, which leave out a compaction and what "
    "other models consumed; we add up the iterations (DIAL-047)"
)


def named(exchange: Exchange) -> str:
    """Name a test after its exchange."""
    return exchange.name


@pytest.mark.parametrize("exchange", EXCHANGES, ids=named)
def test_an_exchange_is_read_as_the_vendors_client_reads_it(
    exchange: Exchange, tally: Tally
) -> None:
    """Text, thinking, signatures, calls, stop reason, usage, opaque blocks and errors agree."""
    theirs = read_by_client(exchange)
    tally.compared.add(exchange.name)
    if exchange.status >= 400:
        assert theirs == error_view(exchange)
    else:
        message = answer_of(exchange)
        assert theirs["blocks"] == blocks_view(message)
        assert theirs["stop"] == stop_view(message)
        usage = usage_view(message.usage)
        if theirs["iterations"] and theirs["usage"] != usage:
            assert billed(theirs) == usage
            tally.argued[exchange.name] = ITERATIONS
            return
        assert theirs["usage"] == usage
    tally.agreeing.add(exchange.name)


@pytest.mark.parametrize("exchange", [e for e in EXCHANGES if e.status < 400], ids=named)
def test_a_real_answer_goes_back_as_it_came(exchange: Exchange) -> None:
    """The next request holds the provider's blocks, in order (DIAL-005, 006, 030, 038)."""
    message = answer_of(exchange)
    sent = sent_back(message)
    expected = [
        block for block in read_by_client(exchange)["raw_blocks"] if block.get("text", "x").strip()
    ]
    assert expected == [without_nulls(block) for block in sent]


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_real_stream_reads_the_same_byte_by_byte(exchange: Exchange, tally: Tally) -> None:
    """Any cutting gives the same events (STREAM-019)."""
    assert read(exchange, cuts=None) == read(exchange, cuts=range(1, len(exchange.body)))
    tally.cuts += 1


@pytest.mark.slow
@pytest.mark.parametrize("exchange", [e for e in STREAMS if len(e.body) <= SMALL_BYTES], ids=named)
def test_a_real_stream_reads_the_same_cut_at_any_place(exchange: Exchange, tally: Tally) -> None:
    """Any cutting gives the same events (STREAM-019)."""
    whole = read(exchange, cuts=None)
    for place in range(1, len(exchange.body)):
        assert whole == read(exchange, cuts=[place])
    tally.cuts += len(exchange.body) - 1


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_a_real_stream_that_is_cut_off_is_never_a_success(exchange: Exchange) -> None:
    """Every end of the body before the last event's is `stream_truncated` (STREAM-013)."""
    for place in [i for i, byte in enumerate(exchange.body) if byte == 10][:-2]:
        decoder = decoder_of(exchange)
        decoder.feed(exchange.body[:place])
        decoder.finish()
        assert not isinstance(decoder.end, Answered)
        assert decoder.end is not None
        assert decoder.end.error.code == "stream_truncated"


# ---------------------------------------------------------------- ours


def call_of(exchange: Exchange) -> ModelCall:
    """Make the call that an exchange was."""
    model = ModelRef(dialect="anthropic-messages", model=exchange.request["model"])
    return ModelCall(model, RunConfig(model=model), turn=1, stream=exchange.streamed)


def decoder_of(exchange: Exchange) -> Decoder:
    """Make the decoder for an exchange."""
    return DIALECT.decoder(call_of(exchange))


def read(exchange: Exchange, cuts: Any) -> tuple[list[Piece], Ending | None]:
    """Read a body, cut at these places."""
    decoder = decoder_of(exchange)
    pieces: list[Piece] = []
    start = 0
    for place in [*(cuts or ()), len(exchange.body)]:
        pieces += decoder.feed(exchange.body[start:place])
        start = place
    pieces += decoder.finish()
    return joined(pieces), decoder.end


def answer_of(exchange: Exchange) -> AssistantMessage:
    """Read an answer and check that it is valid."""
    pieces, end = read(exchange, cuts=None)
    assert isinstance(end, Answered)
    # What we made unchecked is valid, and the pieces tell the same as the message.
    message = AssistantMessage.model_validate_json(end.message.model_dump_json())
    assert len(message.content) == sum(type(p).__name__.endswith("Ended") for p in pieces)
    return message


def blocks_view(message: AssistantMessage) -> list[dict[str, Any]]:
    """Show blocks the vendor's way."""
    view: list[dict[str, Any]] = []
    for block in message.content:
        data = json.loads(block.provider_data.json_text) if own(block) else {}
        match block:
            case TextBlock():
                view.append({"type": "text", "text": block.text, **data})
            case ThinkingBlock():
                view.append(
                    {"type": "thinking", "thinking": block.text, "signature": block.signature}
                )
            case ToolCallBlock():
                arguments = json.loads(block.arguments_text or "{}")
                view.append(
                    {
                        "type": "tool_use",
                        "id": block.id,
                        "name": block.name,
                        "input": arguments,
                        **data,
                    }
                )
            case OpaqueBlock():
                assert block.incomplete is None
                opaque = json.loads(block.json_text)
                assert opaque["type"] == block.kind
                view.append(without_nulls(opaque))
            case _:
                raise AssertionError(block)
    return view


def own(block: Any) -> bool:
    """Whether a block has provider data."""
    return getattr(block, "provider_data", None) is not None


def stop_view(message: AssistantMessage) -> dict[str, Any]:
    """Show how an answer ended, the vendor's way."""
    return {
        "id": message.response_id,
        "model": message.answered_by or message.model.model,
        "stop_reason": message.stop_reason,
        "stop_sequence": message.stop_sequence,
    }


def usage_view(usage: Usage | None) -> dict[str, Any]:
    """Show a usage, the vendor's way."""
    assert usage is not None
    return {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_1h": usage.cache_write_long,
        "thinking_tokens": usage.reasoning,
        "counters": usage.counters or {},
    } | (
        {
            "others": {
                m.model: [m.input, m.cache_read, m.cache_write, m.output]
                for m in usage.other_models
            }
        }
        if usage.other_models
        else {}
    )


def error_view(exchange: Exchange) -> dict[str, Any]:
    """Show an error, the vendor's way."""
    error = DIALECT.error(exchange.status, exchange.headers, exchange.body, 0)
    return {
        "status": error.http_status,
        "type": error.provider_type,
        "message": error.message,
        "request_id": error.request_id,
    }


def sent_back(message: AssistantMessage) -> list[dict[str, Any]]:
    """Give what the next request holds of an answer."""
    config = RunConfig(model=message.model)
    conversation = DIALECT.conversation(config)
    conversation.append(UserMessage(content=[TextBlock(text="Hi")]))
    conversation.append(message)
    for block in message.content:
        if isinstance(block, ToolCallBlock):
            conversation.append(
                ToolResultMessage(
                    call_id=block.id, tool_name=block.name, content=[], is_error=False
                )
            )
    body = conversation.request(ModelCall(message.model, config, turn=2, stream=True)).body
    return json.loads(body)["messages"][1]["content"]


# ---------------------------------------------------------------- theirs


def read_by_client(exchange: Exchange) -> dict[str, Any]:
    """Let the vendor's client read the same bytes."""
    anthropic = pytest.importorskip("anthropic")
    httpx = pytest.importorskip("httpx2")

    def respond(_: Any) -> Any:
        return httpx.Response(exchange.status, headers=exchange.headers, content=exchange.body)

    with (
        warnings.catch_warnings(),
        httpx.Client(transport=httpx.MockTransport(respond)) as http,
        anthropic.Anthropic(
            api_key="none", base_url="http://127.0.0.1", http_client=http, max_retries=0
        ) as client,
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # the client's, of old models
        asked = {"model": exchange.request["model"], "max_tokens": 1024, "messages": []}
        try:
            if exchange.streamed:
                with client.beta.messages.stream(**asked) as stream:
                    message = stream.get_final_message()
            else:
                message = client.beta.messages.create(**asked)
        except anthropic.APIStatusError as error:
            return {
                "status": error.status_code,
                "type": error.body["error"]["type"],
                "message": error.body["error"]["message"],
                "request_id": error.body.get("request_id") or error.request_id,
            }
    return client_view(message.to_dict(mode="json"))


def client_view(message: dict[str, Any]) -> dict[str, Any]:
    """Show what the client read."""
    usage = message["usage"]
    blocks = [without_nulls(block) for block in message["content"]]
    for block in blocks:
        block.pop("parsed_output", None)
        if block["type"] == "text" and not block.get("citations"):
            block.pop("citations", None)
    return {
        "blocks": blocks,
        "raw_blocks": blocks,
        "stop": {name: message[name] for name in ("id", "model", "stop_reason", "stop_sequence")},
        "iterations": usage.get("iterations") or [],
        "usage": {
            "input_tokens": usage["input_tokens"],
            "output_tokens": usage["output_tokens"],
            "cache_read_input_tokens": usage["cache_read_input_tokens"],
            "cache_creation_input_tokens": usage["cache_creation_input_tokens"],
            "cache_1h": (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens"),
            "thinking_tokens": (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
            "counters": without_nulls(usage.get("server_tool_use") or {}),
        },
    }


def billed(theirs: dict[str, Any]) -> dict[str, Any]:
    """Add up the iterations by hand: those without a model are this model's."""
    names = (
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
    )
    bills: dict[str, list[int]] = {}
    for iteration in theirs["iterations"]:
        bill = bills.setdefault(iteration.get("model") or "", [0, 0, 0, 0])
        for place, name in enumerate(names):
            bill[place] += iteration[name]
    own = dict(zip(names, bills.pop(""), strict=True))
    return {**theirs["usage"], **own, **({"others": bills} if bills else {})}


def without_nulls(value: Any) -> Any:
    """Leave out members that are null."""
    match value:
        case dict():
            return {n: without_nulls(v) for n, v in value.items() if v is not None}
        case list():
            return [without_nulls(item) for item in value]
        case _:
            return value
