"""A history of any dialect and model goes to any other: repaired, whole, and never refused.

What is sent is read by the suite's own reading of requests, which knows what providers refuse.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoloop.contract import (
    AssistantMessage,
    AudioBlock,
    DocumentBlock,
    OpaqueBlock,
    PlainTextSource,
    RunConfig,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolResultMessage,
    UnknownBlock,
    UrlSource,
    UserMessage,
)
from isoloop.wire import Arguments, ModelCall, Unsendable, dialect_named, read_arguments
from isoloop_conformance.view import read_request
from tests.wire.histories import DIALECTS, History, histories

if TYPE_CHECKING:
    from isoloop.contract import Dialect, Message
    from isoloop.wire import Conversation

INTERRUPTED = "The call was interrupted; its outcome is unknown."
each_dialect = pytest.mark.parametrize("dialect", DIALECTS)
some = settings(max_examples=40, deadline=None)


@each_dialect
@some
@given(data=st.data())
def test_a_history_is_refused_before_it_is_sent_or_accepted(
    dialect: Dialect, data: st.DataObject
) -> None:
    """DIAL-012, DIAL-013: only what the dialect cannot carry, or nothing at all, is refused."""
    history = data.draw(histories(dialect))
    expected = _cannot_be_carried(history) or not _says_something(history)
    if expected:
        with pytest.raises(Unsendable) as refused:
            _body(history)
        assert "config" == refused.value.error.code
        return
    body = _body(history)
    assert [] == read_request(dialect, body, _headers(dialect)).problems, body.decode()


@each_dialect
@some
@given(data=st.data())
def test_what_is_said_asked_and_found_arrives_once_and_in_order(
    dialect: Dialect, data: st.DataObject
) -> None:
    """DIAL-001 to DIAL-004, DIAL-008, DIAL-010, against a naive reading of the history."""
    history = _sendable(data, dialect)
    body = _body(history)
    view = read_request(dialect, body, _headers(dialect)).view
    assert view is not None
    messages: list[Any] = view["messages"]
    naive = _naive(history)
    said = [part["text"] for m in messages if m["role"] == "user" for part in m["content"]
            if part["type"] == "text"]  # fmt: skip
    assert naive.user == re.findall(r"u\d+;", "".join(said))
    told = [part.get("text", "") for m in messages if m["role"] == "assistant"
            for part in m["content"]]  # fmt: skip
    assert naive.text == re.findall(r"(?<![a-z])t\d+;", "\n".join(told))
    calls = [part for m in messages if m["role"] == "assistant" for part in m["content"]
             if part["type"] == "tool_call"]  # fmt: skip
    results = [m for m in messages if m["role"] == "tool_result"]
    assert len(naive.calls) == len(calls)
    ids = [call["id"] for call in calls]
    assert len(ids) == len(set(ids))
    assert ids == [result["callId"] for result in results]
    for (call, found), result in zip(naive.calls, results, strict=True):
        written = json.dumps(result["content"], ensure_ascii=False)
        marks = _marks(found.content) if found else [INTERRUPTED]
        assert all(mark in written for mark in marks), (call, written)


@each_dialect
@some
@given(data=st.data())
def test_nothing_of_another_model_but_its_words_and_calls_is_sent(
    dialect: Dialect, data: st.DataObject
) -> None:
    """DIAL-005 to DIAL-007: no thinking, signature, opaque block, item id or citation."""
    history = _sendable(data, dialect)
    body = _body(history).decode()
    for message in history.messages:
        if not isinstance(message, AssistantMessage):
            continue
        gone = message.stop_reason == "error" or not history.same(message)
        for block in message.content:
            for mark in _private_marks(block):
                if gone or getattr(block, "incomplete", None):
                    assert not re.search(rf"{mark}(?!\d)", body)


@each_dialect
@some
@given(data=st.data())
def test_the_same_model_gets_its_own_back_byte_for_byte(
    dialect: Dialect, data: st.DataObject
) -> None:
    """DIAL-005, DIAL-006, TOOL-010: signatures, opaque blocks and the text of arguments."""
    history = _sendable(data, dialect)
    body = _body(history)
    for message in history.messages:
        if not isinstance(message, AssistantMessage) or message.stop_reason == "error":
            continue
        for block in message.content:
            match block:
                case ToolCallBlock(incomplete=None):
                    assert _written_arguments(dialect, block.arguments_text) in body
                case OpaqueBlock(incomplete=None) if history.same(message):
                    assert block.json_text.encode() in body
                case ThinkingBlock(signature=str() as signature) if (
                    history.same(message) and dialect == "anthropic-messages"
                ):
                    assert f'"signature":"{signature}"'.encode() in body
                case ThinkingBlock(provider_data=data_) if (
                    history.same(message) and dialect == "openai-chat" and data_ is not None
                    and _has_words(message)
                ):  # fmt: skip
                    kept = json.loads(data_.json_text).get("reasoning_details")
                    assert (kept[0]["text"] if kept else block.text[:4]).encode() in body
                case _:
                    pass


@each_dialect
@some
@given(data=st.data())
def test_what_was_sent_is_the_beginning_of_what_is_sent_next(
    dialect: Dialect, data: st.DataObject
) -> None:
    """DIAL-011: a turn more changes no byte before it, and asking in between changes nothing."""
    history = _sendable(data, dialect)
    more = data.draw(histories(dialect).filter(lambda h: not _cannot_be_carried(h)))
    conversation = dialect_named(dialect).conversation(RunConfig(model=history.model))
    for message in history.messages:
        conversation.append(message)
    call = ToolCallBlock.trusted(id="call_last", name="search", arguments_text="{}")
    answer = AssistantMessage.trusted(content=[call], model=history.model, stop_reason="tool_use")
    added: list[Message] = [_user("uu"), answer, *more.messages, answer, _user("vv")]
    before = _sent(history, conversation)
    for message in added:
        conversation.append(message)
        after = _sent(history, conversation)
        # Only a result may still change what was said of a call that had none.
        if not isinstance(message, ToolResultMessage):
            assert after.startswith(_beginning(dialect, before)), (before, after)
        before = after
    history.messages += added
    assert _body(history) == _sent(history, conversation)


# ---------------------------------------------------------------- the naive reading


@dataclass
class _Naive:
    """What must arrive."""

    user: list[str] = field(default_factory=list[str])
    text: list[str] = field(default_factory=list[str])
    calls: list[tuple[ToolCallBlock, ToolResultMessage | None]] = field(default_factory=list)


def _naive(history: History) -> _Naive:
    """Look for each thing in the whole history, without keeping what is open."""
    naive = _Naive()
    for place, message in enumerate(history.messages):
        if isinstance(message, UserMessage):
            naive.user += _marks(message.content)
        if not isinstance(message, AssistantMessage) or message.stop_reason == "error":
            continue
        naive.text += _marks(message.content)
        rest = history.messages[place + 1 :]
        ends = [i for i, m in enumerate(rest) if isinstance(m, AssistantMessage)]
        own = [m for m in rest[: ends[0] if ends else None] if isinstance(m, ToolResultMessage)]
        for block in message.content:
            if isinstance(block, ToolCallBlock) and not block.incomplete:
                found = next((m for m in own if m.call_id == block.id), None)
                own = [m for m in own if m is not found]
                naive.calls.append((block, found))
    return naive


def _marks(blocks: Any) -> list[str]:
    return [
        m for b in blocks if isinstance(b, TextBlock) for m in re.findall(r"[a-z]+\d+;", b.text)
    ]


def _private_marks(block: Any) -> list[str]:
    """Give the marks of what only the model that wrote a block may read again."""
    match block:
        case ThinkingBlock():
            said = [block.text, block.signature or ""]
        case OpaqueBlock():
            said = [block.json_text]
        case _:
            said = []
    data = getattr(block, "provider_data", None)
    said += [data.json_text] if data else []
    return re.findall(r"(?:sig|th|op|own)\d+;|(?:fc|rs|msg|ws)_\d+(?=\")", " ".join(said))


def _cannot_be_carried(history: History) -> bool:
    dialect = history.model.dialect
    return any(
        _refused(block, dialect)
        for message in history.messages
        if isinstance(message, UserMessage)
        for block in message.content
    )


def _refused(block: Any, dialect: Dialect) -> bool:
    match block:
        case UnknownBlock():
            return True
        case OpaqueBlock():
            return block.dialect != dialect
        case AudioBlock():
            return dialect != "openai-chat" or isinstance(block.source, UrlSource)
        case DocumentBlock():
            return dialect == "openai-chat" and isinstance(block.source, UrlSource)
        case _:
            return False


def _says_something(history: History) -> bool:
    naive = _naive(history)
    if naive.user or naive.text or naive.calls:
        return True
    for message in history.messages:
        if isinstance(message, UserMessage):
            if any(not _blank(block, history.model.dialect) for block in message.content):
                return True
        elif isinstance(message, AssistantMessage):
            same = history.same(message) and message.stop_reason != "error"
            if same and any(_speaks_alone(block, history) for block in message.content):
                return True
    return False


def _blank(block: Any, dialect: Dialect) -> bool:
    """Whether nothing of a user's block is left."""
    match block:
        case TextBlock():
            return not block.text.strip()
        case DocumentBlock(source=PlainTextSource(text="")):
            return dialect == "openai-chat" and not block.title
        case _:
            return False


def _speaks_alone(block: Any, history: History) -> bool:
    """Whether a block of an answer is sent even when it is the only one."""
    match block:
        case OpaqueBlock():
            return not block.incomplete
        case ThinkingBlock():
            data = block.provider_data
            member = json.loads(data.json_text).get("member") if data else None
            return member == "content" or (
                history.model.dialect == "anthropic-messages" and bool(block.signature)
            )
        case _:
            return False


def _has_words(message: AssistantMessage) -> bool:
    return bool(_marks(message.content)) or any(
        isinstance(block, ToolCallBlock) and not block.incomplete for block in message.content
    )


def _written_arguments(dialect: Dialect, text: str) -> bytes:
    """Write arguments as the dialect has them: as an object, or as a text with an object in it."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if dialect == "anthropic-messages":
        whole_object = bool(text.strip()) and isinstance(read_arguments(text), Arguments)
        return whole.encode() if whole_object else b'"input":{}'
    return json.dumps(whole if text.strip() else "{}", ensure_ascii=False).encode()


# ---------------------------------------------------------------- sending


def _sendable(data: st.DataObject, dialect: Dialect) -> History:
    history = data.draw(histories(dialect).filter(lambda h: not _cannot_be_carried(h)))
    history.messages.insert(0, _user("go"))
    return history


def _user(text: str) -> UserMessage:
    return UserMessage.trusted(content=[TextBlock.trusted(text=text)])


def _body(history: History) -> bytes:
    config = RunConfig(model=history.model)
    conversation = dialect_named(history.model.dialect).conversation(config)
    for message in history.messages:
        conversation.append(message)
    return _sent(history, conversation)


def _sent(history: History, conversation: Conversation) -> bytes:
    config = RunConfig(model=history.model)
    return conversation.request(ModelCall(history.model, config, turn=1, stream=True)).body


def _headers(dialect: Dialect) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        **dialect_named(dialect).auth_headers("test-key"),
    }


def _beginning(dialect: Dialect, body: bytes) -> bytes:
    """Cut off what stands behind the last message; a user's message may go on."""
    text = body.decode()
    name = '"input":' if dialect == "openai-responses" else '"messages":'
    start = text.index(name) + len(name)
    _, end = json.JSONDecoder(strict=False).raw_decode(text, start)
    kept = text[: end - 1]
    return (kept.removesuffix("]}") if dialect == "anthropic-messages" else kept).encode()
