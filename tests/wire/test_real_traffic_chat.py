"""What we read from real chat answers is what OpenAI's own client reads from the same bytes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from isoloop.contract import (
    AssistantMessage,
    ModelRef,
    OpaqueBlock,
    RunConfig,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    Usage,
    UserMessage,
)
from isoloop.wire import Answered, Failed, ModelCall, dialect_named
from tests.wire.pieces import joined
from tests.wire.recordings import RECORDINGS, Exchange, exchanges

if TYPE_CHECKING:
    from isoloop.wire import Ending, Piece
    from tests.wire.recordings import Tally

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="no recordings beside the project")

DIALECT = dialect_named("openai-chat")
EXCHANGES = exchanges("/chat/completions")
# Hosts that answer something else on purpose.
NO_ANSWERS = [
    e for e in EXCHANGES if urlsplit(e.url).hostname == "demo-endpoints.pydantic.workers.dev"
]
ANSWERS = [e for e in EXCHANGES if e not in NO_ANSWERS]
STREAMS = [e for e in ANSWERS if e.streamed]
# Two requests of OpenRouter's own in one answer: 2161 tokens of 2168 were written and read.
OVERLAPPING = {"cache__openrouter_cache_instructions_gemini_real_api#0"}
OVERLAP = "cached and written tokens overlap; what is left over, nothing, is the input (DIAL-087)"
# Streams up to this size are cut at every place in turn; the larger ones byte by byte.
SMALL_BYTES = 12_000
VENDORS = {
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.cerebras.ai": "cerebras",
    "api.deepseek.com": "deepseek",
    "api.z.ai": "zai",
    "ollama.com": "ollama",
    "openrouter.ai": "openrouter",
    "router.huggingface.co": "huggingface",
    "myorg-myaccount.snowflakecomputing.com": "snowflake",
}


def named(exchange: Exchange) -> str:
    """Name a test after its exchange."""
    return exchange.name


@pytest.mark.parametrize("exchange", ANSWERS, ids=named)
def test_an_exchange_is_read_as_the_vendors_client_reads_it(
    exchange: Exchange, tally: Tally
) -> None:
    """Text, reasoning, calls, finish reason, usage and errors agree."""
    theirs = read_by_client(exchange)
    tally.compared.add(exchange.name)
    if exchange.status >= 400:
        assert theirs == response_error_view(exchange)
    else:
        _, end = read(exchange, cuts=None)
        ours = failed_view(end) if isinstance(end, Failed) else view(answer_of(end))
        if exchange.name in OVERLAPPING:
            assert {**theirs, "usage": {**theirs["usage"], "prompt_tokens": 4322}} == ours
            tally.argued[exchange.name] = OVERLAP
            return
        assert theirs == ours
    tally.agreeing.add(exchange.name)


@pytest.mark.parametrize("exchange", NO_ANSWERS, ids=named)
def test_what_is_no_answer_is_never_a_success(exchange: Exchange) -> None:
    """The client makes an answer without choices of it; we say `protocol` (DIAL-086)."""
    _, end = read(exchange, cuts=None)
    assert isinstance(end, Failed)
    assert end.error.code == "protocol"


@pytest.mark.parametrize("exchange", [e for e in ANSWERS if e.status < 400], ids=named)
def test_a_real_answer_goes_back_as_it_came(exchange: Exchange) -> None:
    """The next request holds the provider's text, reasoning and calls (DIAL-005, DIAL-068)."""
    _, end = read(exchange, cuts=None)
    if isinstance(end, Failed):
        return
    theirs = read_by_client(exchange)
    sent = sent_back(exchange, answer_of(end))
    assert theirs["text"] == text_of(sent.get("content"))
    assert theirs["reasoning"] == reasoning_of(sent)
    # OpenRouter hands on ids of 50 characters; OpenAI takes 40 (DIAL-070).
    assert [(i[:40], name, text) for i, name, text in theirs["calls"]] == calls_of(sent)


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
    """Every end of the body before the finish reason is `stream_truncated` (DIAL-084)."""
    finish = re.search(rb'"finish_reason":"', exchange.body)
    end = finish.start() if finish else exchange.body.index(b'{"error"')
    for place in [i for i, byte in enumerate(exchange.body[:end]) if byte == 10]:
        decoder = DIALECT.decoder(call_of(exchange))
        decoder.feed(exchange.body[:place])
        decoder.finish()
        assert isinstance(decoder.end, Failed)
        assert decoder.end.error.code == "stream_truncated"


# ---------------------------------------------------------------- ours


def call_of(exchange: Exchange) -> ModelCall:
    """Make the call that an exchange was."""
    vendor = VENDORS.get(urlsplit(exchange.url).hostname or "")
    members = {"vendor": vendor} if vendor else {}
    model = ModelRef(dialect="openai-chat", model=exchange.request["model"], **members)
    return ModelCall(model, RunConfig(model=model), turn=1, stream=exchange.streamed)


def read(exchange: Exchange, cuts: Any) -> tuple[list[Piece], Ending | None]:
    """Read a body, cut at these places."""
    decoder = DIALECT.decoder(call_of(exchange))
    pieces: list[Piece] = []
    start = 0
    for place in [*(cuts or ()), len(exchange.body)]:
        pieces += decoder.feed(exchange.body[start:place])
        start = place
    pieces += decoder.finish()
    return joined(pieces), decoder.end


def answer_of(end: Ending | None) -> AssistantMessage:
    """Give an answer and check that it is valid."""
    assert isinstance(end, Answered), end
    return AssistantMessage.model_validate_json(end.message.model_dump_json())


def view(message: AssistantMessage) -> dict[str, Any]:
    """Show an answer the vendor's way."""
    kinds: dict[type, list[Any]] = {}
    for block in message.content:
        kinds.setdefault(type(block), []).append(block)
    assert OpaqueBlock not in kinds
    return {
        "text": "".join(b.text for b in kinds.get(TextBlock, [])),
        "reasoning": "".join(b.text for b in kinds.get(ThinkingBlock, [])),
        "calls": [(b.id, b.name, b.arguments_text) for b in kinds.get(ToolCallBlock, [])],
        "stop": word_of(message),
        "id": message.response_id or "",
        "model": message.answered_by or message.model.model,
        "usage": usage_view(message.usage),
    }


USUAL = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def word_of(message: AssistantMessage) -> str:
    """Give the provider's finish reason; `rawStopReason` is absent for its usual word."""
    if message.raw_stop_reason is not None:
        return message.raw_stop_reason
    return USUAL.get(message.stop_reason, message.stop_reason)


def usage_view(usage: Usage | None) -> dict[str, Any] | None:
    """Show a usage, the vendor's way."""
    if usage is None:
        return None
    parts = (usage.input, usage.cache_read, usage.cache_write)
    return {
        "prompt_tokens": sum(part or 0 for part in parts),
        "completion_tokens": usage.output,
        "cached": usage.cache_read,
        "written": usage.cache_write,
        "reasoning": usage.reasoning,
    }


def failed_view(end: Failed) -> dict[str, Any]:
    """Show an error inside a 200 answer."""
    return {"message": end.error.message, "type": end.error.provider_type}


def response_error_view(exchange: Exchange) -> dict[str, Any]:
    """Show an error response."""
    error = DIALECT.error(exchange.status, exchange.headers, exchange.body, 0)
    return {
        "status": error.http_status,
        "message": error.message,
        "type": error.provider_type,
        "request_id": error.request_id,
    }


def sent_back(exchange: Exchange, message: AssistantMessage) -> dict[str, Any]:
    """Give what the next request holds of an answer."""
    config = RunConfig(model=call_of(exchange).model)
    conversation = DIALECT.conversation(config)
    conversation.append(UserMessage(content=[TextBlock(text="Hi")]))
    conversation.append(message)
    body = conversation.request(ModelCall(config.model, config, turn=2, stream=True)).body
    return json.loads(body)["messages"][1]


# ---------------------------------------------------------------- theirs


def read_by_client(exchange: Exchange) -> dict[str, Any]:
    """Let the vendor's client read the same bytes."""
    openai = pytest.importorskip("openai")
    httpx = pytest.importorskip("httpx")

    def respond(_: Any) -> Any:
        return httpx.Response(exchange.status, headers=exchange.headers, content=exchange.body)

    with (
        httpx.Client(transport=httpx.MockTransport(respond)) as http,
        openai.OpenAI(
            api_key="none", base_url="http://127.0.0.1", http_client=http, max_retries=0
        ) as client,
    ):
        asked = {"model": exchange.request["model"], "messages": []}
        try:
            if exchange.streamed:
                # Its helper that adds chunks up stumbles over OpenRouter's annotations.
                chunks = client.chat.completions.create(**asked, stream=True)
                return client_view(added_up([chunk.to_dict(mode="json") for chunk in chunks]))
            answer = client.chat.completions.create(**asked)
        except openai.APIStatusError as error:
            return {
                "status": error.status_code,
                "message": error.body["message"],
                "type": error.code or error.type,
                "request_id": error.request_id,
            }
        except openai.APIError as error:
            return {"message": error.message, "type": error.code or error.type}
    return client_view(answer.to_dict(mode="json", warnings=False))


def added_up(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Add the client's chunks up to an answer, by the vendor's description."""
    message: dict[str, Any] = {}
    calls: dict[int, dict[str, Any]] = {}
    finish: list[str] = []
    usages: list[dict[str, Any]] = []
    for chunk in chunks:
        usages += [chunk["usage"]] if chunk.get("usage") else []
        for choice in chunk["choices"]:
            delta = choice["delta"]
            finish += [choice["finish_reason"]] if choice["finish_reason"] else []
            for name in ("content", "reasoning_content", "reasoning"):
                message[name] = message.get(name, "") + (delta.get(name) or "")
            for call in delta.get("tool_calls") or []:
                known = calls.setdefault(call["index"], {"id": "", "name": "", "arguments": ""})
                known["id"] += call.get("id") or ""
                for name in ("name", "arguments"):
                    known[name] += call["function"].get(name) or ""
    message["tool_calls"] = [{"id": call.pop("id"), "function": call} for call in calls.values()]
    last = {"message": message, "finish_reason": finish[-1]}
    usage = usages[-1] if usages else None
    return {"choices": [last], "id": chunks[0]["id"], "model": chunks[0]["model"], "usage": usage}


def client_view(answer: dict[str, Any]) -> dict[str, Any]:
    """Show what the client read."""
    choice = answer["choices"][0]
    message = choice["message"]
    return {
        "text": text_of(message.get("content")),
        "reasoning": reasoning_of(message),
        "calls": calls_of(message),
        "stop": choice["finish_reason"],
        "id": answer["id"],
        "model": answer["model"],
        "usage": client_usage(answer.get("usage")),
    }


def text_of(content: str | list[dict[str, Any]] | None) -> str:
    """Give the text of a content; Mistral's is a list when there is reasoning."""
    parts = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    return "".join(part["text"] for part in parts if part["type"] == "text")


def calls_of(message: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Give id, name and arguments of each call."""
    return [
        (call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or []
    ]


def reasoning_of(message: dict[str, Any]) -> str:
    """Give the reasoning, which the client keeps as members that it does not know."""
    for name in ("reasoning_content", "reasoning"):
        if message.get(name):
            return message[name]
    details = message.get("reasoning_details") or []
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    thinking = [t for part in parts if part["type"] == "thinking" for t in part["thinking"]]
    return "".join(d.get("text") or d.get("summary") or "" for d in [*details, *thinking])


def client_usage(usage: dict[str, Any] | None) -> dict[str, Any] | None:
    """Give the counters that the contract has."""
    if usage is None:
        return None
    prompt = usage.get("prompt_tokens_details") or {}
    # Under OpenAI's name, DeepSeek's, Mistral's, and that of Together behind Hugging Face.
    cached = [
        (prompt, "cached_tokens"),
        (usage, "prompt_cache_hit_tokens"),
        (usage, "num_cached_tokens"),
        (usage, "cached_tokens"),
    ]
    return {
        "prompt_tokens": usage["prompt_tokens"],
        "completion_tokens": usage["completion_tokens"],
        "cached": next((c[n] for c, n in cached if c.get(n) is not None), None),
        "written": prompt.get("cache_write_tokens"),
        "reasoning": (usage.get("completion_tokens_details") or {}).get("reasoning_tokens"),
    }
