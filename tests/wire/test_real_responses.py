"""What we read from real Responses is what the vendor's own client reads from the same bytes."""

from __future__ import annotations

import json
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

DIALECT = dialect_named("openai-responses")
EXCHANGES = exchanges("/responses")
ANSWERS = [exchange for exchange in EXCHANGES if exchange.status < 400]
STREAMS = [exchange for exchange in EXCHANGES if exchange.streamed]
# Streams up to this size are cut at every place in turn; the larger ones byte by byte.
SMALL_BYTES = 12_000

ENCRYPTED = (
    "each event encrypts the same reasoning anew; the client shows the terminal event's, we keep "
    "that of output_item.done, as the vendor's documentation says"
)
POLLED = (
    "a request with `background` is answered by a response that is still queued; the client gives "
    "it to be polled, for us it is no answer"
)


def named(exchange: Exchange) -> str:
    """Name a test after its exchange."""
    return exchange.name


@pytest.mark.parametrize("exchange", EXCHANGES, ids=named)
def test_a_response_is_read_as_the_vendors_client_reads_it(
    exchange: Exchange, tally: Tally
) -> None:
    """Text, reasoning, calls, opaque items, stop reason, usage and errors agree."""
    theirs = read_by_client(exchange)
    tally.compared.add(exchange.name)
    if exchange.status >= 400:
        assert theirs == error_view(exchange)
    elif theirs["status"] == "queued":
        _, end = read(exchange, cuts=None)
        assert "protocol" == end.error.code
        tally.argued[exchange.name] = POLLED
        return
    else:
        message = answer_of(exchange)
        assert theirs["stop"] == stop_view(message)
        assert theirs["usage"] == usage_view(message.usage)
        items = items_view(message)
        if theirs["items"] != items:
            assert without_encryption(theirs["items"]) == without_encryption(items)
            assert theirs["done"] == items
            tally.argued[exchange.name] = ENCRYPTED
            return
    tally.agreeing.add(exchange.name)


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_a_real_response_goes_back_as_it_came(exchange: Exchange) -> None:
    """The next request holds the provider's items, in order (DIAL-110, DIAL-111, DIAL-006)."""
    theirs = read_by_client(exchange)
    if theirs["status"] == "queued":
        return
    # Blank texts are not sent (DIAL-008): one model writes one after its image.
    expected = [input_of(i) for i in theirs["done"] or theirs["items"] if not is_blank(i)]
    if any(item["type"] == "reasoning" and "encrypted_content" not in item for item in expected):
        # Not asked to be encrypted: nothing of the chain can be sent under its ids (DIAL-112).
        expected = [without_ids(item) for item in expected if item["type"] != "reasoning"]
    assert expected == sent_back(answer_of(exchange))


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
    """Every end of the body before the last event's is `stream_truncated` (DIAL-122)."""
    for place in [i for i, byte in enumerate(exchange.body) if byte == 10][:-2]:
        decoder = decoder_of(exchange)
        decoder.feed(exchange.body[:place])
        decoder.finish()
        assert not isinstance(decoder.end, Answered)
        assert decoder.end is not None
        assert "stream_truncated" == decoder.end.error.code


@pytest.mark.parametrize("exchange", STREAMS, ids=named)
def test_the_body_of_a_real_stream_says_the_same(exchange: Exchange) -> None:
    """The response of the terminal event, as a JSON body, gives the same message (DIAL-125)."""
    last = exchange.body.decode().rstrip().rpartition("\ndata: ")[2]
    call = ModelCall(call_of(exchange).model, call_of(exchange).config, turn=1, stream=False)
    decoder = DIALECT.decoder(call)
    decoder.feed(json.dumps(json.loads(last)["response"]).encode())
    decoder.finish()
    assert isinstance(decoder.end, Answered)
    streamed = answer_of(exchange)
    assert without_encryption(items_view(streamed)) == without_encryption(
        items_view(decoder.end.message)
    )
    assert stop_view(streamed) == stop_view(decoder.end.message)


# ---------------------------------------------------------------- ours


def call_of(exchange: Exchange) -> ModelCall:
    """Make the call that an exchange was."""
    model = ModelRef(dialect="openai-responses", model=exchange.request["model"])
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


def items_view(message: AssistantMessage) -> list[dict[str, Any]]:
    """Show blocks the vendor's way."""
    view: list[dict[str, Any]] = []
    for block in message.content:
        kept = own(block)
        item_id = {"id": kept.pop("item_id")} if "item_id" in kept else {}
        match block:
            case TextBlock():
                phase = {"phase": kept.pop("phase")} if "phase" in kept else {}
                part = {"type": "output_text", "annotations": [], "text": block.text, **kept}
                if view and item_id and view[-1].get("id") == item_id["id"]:
                    view[-1]["content"].append(part)
                else:
                    view.append({"type": "message", **item_id, **phase, "content": [part]})
            case ThinkingBlock():
                summary = [{"type": "summary_text", "text": block.text}] if block.text else []
                signed = {"encrypted_content": block.signature} if block.signature else {}
                view.append({"type": "reasoning", **item_id, "summary": summary, **kept, **signed})
            case ToolCallBlock():
                assert block.incomplete is None
                called = {
                    "call_id": block.id,
                    "name": block.name,
                    "arguments": block.arguments_text,
                }
                view.append({"type": "function_call", **item_id, **called, **kept})
            case OpaqueBlock():
                assert block.incomplete is None
                opaque = json.loads(block.json_text)
                assert opaque["type"] == block.kind
                view.append(without_nulls(opaque))
            case _:
                raise AssertionError(block)
    return view


def own(block: Any) -> dict[str, Any]:
    """Give a block's provider data."""
    data = getattr(block, "provider_data", None)
    return {} if data is None else json.loads(data.json_text)


def stop_view(message: AssistantMessage) -> dict[str, Any]:
    """Show how an answer ended, in the vendor's words."""
    words = {"end_turn": "completed", "tool_use": "completed"}
    return {
        "id": message.response_id,
        "model": message.answered_by or message.model.model,
        "status": message.raw_stop_reason or words[message.stop_reason],
        "calls": message.stop_reason == "tool_use",
    }


def usage_view(usage: Usage | None) -> dict[str, Any]:
    """Show a usage, the vendor's way."""
    assert usage is not None
    return {
        "input_tokens": (usage.input or 0) + (usage.cache_read or 0) + (usage.cache_write or 0),
        "cached_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write,
        "output_tokens": usage.output,
        "reasoning_tokens": usage.reasoning,
        "others": usage.counters,
    }


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
    items = json.loads(body)["input"]
    assert "user" == items[0]["role"]
    return [without_nulls(i) for i in items[1:] if i.get("type") != "function_call_output"]


# ---------------------------------------------------------------- theirs


def read_by_client(exchange: Exchange) -> dict[str, Any]:
    """Let the vendor's client read the same bytes."""
    openai = pytest.importorskip("openai")
    httpx = pytest.importorskip("httpx")

    def respond(_: Any) -> Any:
        return httpx.Response(exchange.status, headers=exchange.headers, content=exchange.body)

    done: list[dict[str, Any]] = []
    with (
        httpx.Client(transport=httpx.MockTransport(respond)) as http,
        openai.OpenAI(
            api_key="none", base_url="http://127.0.0.1", http_client=http, max_retries=0
        ) as client,
    ):
        asked = {"model": exchange.request["model"], "input": "Hi"}
        try:
            if exchange.streamed:
                response = None
                for event in client.responses.create(**asked, stream=True):
                    if event.type == "response.output_item.done":
                        done.append(event.item.to_dict(mode="json"))
                    response = getattr(event, "response", response)
            else:
                response = client.responses.create(**asked)
        except openai.APIStatusError as error:
            return {
                "status": error.status_code,
                "type": error.code or error.type,
                "message": error.body["message"],
                "request_id": error.request_id,
            }
    return client_view(response.to_dict(mode="json"), done)


def client_view(response: dict[str, Any], done: list[dict[str, Any]]) -> dict[str, Any]:
    """Show what the client read."""
    usage = response["usage"] or {}
    details = usage.get("input_tokens_details") or {}
    items = [item_view(item) for item in response["output"]]
    return {
        "status": response["status"],
        "items": items,
        "done": [item_view(item) for item in done],
        "stop": {
            "id": response["id"],
            "model": response["model"],
            "status": response["status"],
            "calls": any(item["type"] == "function_call" for item in items),
        },
        "usage": {
            "input_tokens": usage.get("input_tokens"),
            "cached_tokens": details.get("cached_tokens"),
            "cache_write_tokens": details.get("cache_write_tokens"),
            "output_tokens": usage.get("output_tokens"),
            "reasoning_tokens": (usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
            "others": None,
        },
    }


def item_view(item: dict[str, Any]) -> dict[str, Any]:
    """Show an item without what every item has."""
    view = without_nulls(item)
    match view["type"]:
        case "message":
            assert ("assistant", "completed") == (view.pop("role"), view.pop("status"))
            for part in view["content"]:
                if not part.get("logprobs"):
                    part.pop("logprobs", None)
        case "reasoning" | "function_call":
            view.pop("status", None)
            view.pop("parsed_arguments", None)
        case _:
            pass
    return view


def input_of(item: dict[str, Any]) -> dict[str, Any]:
    """Make the input item that an output item goes back as."""
    if item["type"] != "message":
        return item
    parts = [{n: v for n, v in part.items() if n != "logprobs"} for part in item["content"]]
    return {**item, "role": "assistant", "status": "completed", "content": parts}


def is_blank(item: dict[str, Any]) -> bool:
    """Whether an item says nothing."""
    return item["type"] == "message" and not any(p["text"].strip() for p in item["content"])


def without_ids(item: dict[str, Any]) -> dict[str, Any]:
    """Make the input item that an output item goes back as when its reasoning is lost."""
    if item["type"] == "message":
        (part,) = item["content"]
        return {"role": "assistant", "content": part["text"]}
    return {n: v for n, v in item.items() if n != "id" or item["type"] != "function_call"}


def without_encryption(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is encrypted."""
    return [{n: v for n, v in item.items() if n != "encrypted_content"} for item in items]


def without_nulls(value: Any) -> Any:
    """Leave out members that are null."""
    match value:
        case dict():
            return {n: without_nulls(v) for n, v in value.items() if v is not None}
        case list():
            return [without_nulls(item) for item in value]
        case _:
            return value
