"""How a transcript is made fit to send to Anthropic."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoloop.contract import (
    AssistantMessage,
    DocumentBlock,
    ErrorInfo,
    Message,
    OpaqueBlock,
    PlainTextSource,
    RunConfig,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    ToolChoiceRequired,
    ToolResultMessage,
)
from isoloop.wire import ModelCall, Unsendable
from tests.wire.anthropic_messages.requests import (
    DIALECT,
    INTERRUPTED,
    MODEL,
    SEARCH,
    answer,
    request,
    result,
    sent,
    text,
    tool_call,
    tool_result,
    tool_use,
    user,
)

# ---------------------------------------------------------------- repair


def test_results_come_first_in_call_order_in_one_message_before_steering() -> None:
    """DIAL-002, DIAL-029 (pi A7)."""
    found = sent(
        user("Hi"),
        answer(tool_call("a"), tool_call("b")),
        result("b", "2"),
        user("also"),
        result("a", "1"),
        user("and"),
        user("more"),
    )
    assert [
        ("user", [text("Hi")]),
        ("assistant", [tool_use("a"), tool_use("b")]),
        (
            "user",
            [tool_result("a", "1"), tool_result("b", "2"), text("also"), text("and"), text("more")],
        ),
    ] == found


@pytest.mark.parametrize("after", [[], [user("go on")], [answer("x")]])
def test_a_call_without_result_gets_one(after: list[Message]) -> None:
    """DIAL-001: in the middle and at the end (pi's repair misses the end)."""
    found = sent(user("Hi"), answer(tool_call("a"), tool_call("b")), result("b", "2"), *after)
    assert [
        tool_result("a", INTERRUPTED, is_error=True),
        tool_result("b", "2"),
    ] == found[2][1][:2]
    assert 3 + (after == [answer("x")]) == len(found)


def test_results_without_calls_and_second_results_are_not_sent() -> None:
    """DIAL-002."""
    found = sent(
        result("x", "0"),
        user("Hi"),
        answer(tool_call("a")),
        result("a", "1"),
        result("a", "again"),
        result("x", "0"),
        user("go on"),
    )
    assert [tool_result("a", "1"), text("go on")] == found[2][1]


def test_the_first_result_of_a_call_counts() -> None:
    """DIAL-002; of two calls with one id each gets its own."""
    found = sent(
        user("Hi"),
        answer(tool_call("a"), tool_call("b"), tool_call("b")),
        result("a", "1"),
        result("a", "again"),
        result("b", "2"),
        result("b", "3"),
    )
    assert ["1", "2", "3"] == [block["content"] for block in found[2][1]]


def test_a_failed_answer_is_left_out_with_its_results() -> None:
    """DIAL-003."""
    error = ErrorInfo(code="network", message="x", retryable=True)
    broken = answer("So", tool_call("a"), stop_reason="error", error=error)
    found = sent(user("Hi"), broken, result("a", "1"), user("again"))
    assert [("user", [text("Hi"), text("again")])] == found


def test_an_aborted_answer_loses_what_is_incomplete() -> None:
    """DIAL-004 (pi A3, B-04 of spectra): the rest stays."""
    aborted = answer(
        ThinkingBlock(text="signed", signature="s"),
        ThinkingBlock(text="unsigned"),
        "Par",
        tool_call("a"),
        tool_call("b", '{"q', incomplete=True),
        OpaqueBlock(dialect="anthropic-messages", kind="x", json_text="{}", incomplete=True),
        stop_reason="aborted",
    )
    found = sent(user("Hi"), aborted, result("a", "1"), result("b", "2"), user("again"))
    assert [
        (
            "assistant",
            [
                {"type": "thinking", "thinking": "signed", "signature": "s"},
                text("Par"),
                tool_use("a"),
            ],
        ),
        ("user", [tool_result("a", "1"), text("again")]),
    ] == found[1:]


def test_empty_blocks_and_messages_are_not_sent() -> None:
    """DIAL-008, decision 24 (pi G2, spectra B-23)."""
    found = sent(
        user(""),
        user("Hi", " \n"),
        answer("", "\n"),
        answer(),
        answer(ThinkingBlock(text="Hm")),
        user("again"),
    )
    assert [("user", [text("Hi"), text("again")])] == found


def test_answers_that_follow_each_other_are_one_message() -> None:
    """After `pause_turn` the answer goes back and the next one continues it."""
    found = sent(user("Hi"), answer("a", stop_reason="pause_turn"), answer("b"), user("go on"))
    assert ["user", "assistant", "user"] == [role for role, _ in found]
    assert [text("a"), text("b")] == found[1][1]


def test_nothing_to_send_is_refused() -> None:
    """DIAL-013."""
    with pytest.raises(Unsendable):
        request(user(" "), answer())


def test_ids_become_what_the_api_accepts_and_stay_different() -> None:
    """DIAL-010, DIAL-031 (pi section 5)."""
    long = "x" * 70
    ids = ["a|b", "a b", "call~2", long, long + "y", "", "é"]
    calls = [tool_call(i or "_") for i in ids]
    found = sent(user("Hi"), answer(*calls), *(result(c.id, c.id) for c in calls))
    wire = [block["id"] for block in found[1][1]]
    assert ["a_b", "a_b_2", "call_2", "x" * 64, "x" * 62 + "_2", "_", "__2"] == wire
    assert wire == [block["tool_use_id"] for block in found[2][1]]
    assert [c.id for c in calls] == [block["content"] for block in found[2][1]]


def test_the_same_id_in_two_answers_is_two_calls() -> None:
    """A history of another origin may count its calls anew in every answer."""
    found = sent(
        user("Hi"),
        answer(tool_call("a")),
        result("a", "1"),
        answer(tool_call("a")),
        result("a", "2"),
    )
    assert ["a", "a_2"] == [found[1][1][0]["id"], found[3][1][0]["id"]]
    assert ["1", "2"] == [found[2][1][0]["content"], found[4][1][0]["content"]]


def test_a_name_that_the_api_refuses_is_made_acceptable() -> None:
    """DIAL-031: a model may have called a tool that cannot exist."""
    call = ToolCallBlock(id="a", name="mcp.search!", arguments_text="{}")
    assert "mcp_search_" == sent(user("Hi"), answer(call))[1][1][0]["name"]


def test_halves_of_pairs_are_replaced_everywhere() -> None:
    """DIAL-009 (pi G1)."""
    half = "a\ud83d"
    found = request(
        user(half, DocumentBlock(source=PlainTextSource(text="🦀\udd80"), title=half)),
        answer(half, ThinkingBlock(text=half, signature="s"), tool_call("a")),
        result("a", half),
        instructions=[TextBlock(text=half)],
    )
    seen = found.body.decode()
    assert 6 == seen.count("a\ufffd")
    assert "🦀\ufffd" in seen


def test_the_callers_messages_are_not_changed() -> None:
    """Decision 17: repair is for the wire only."""
    messages = [user("", "Hi"), answer(tool_call("a b"), ThinkingBlock(text="x")), result("z", "1")]
    before = [m.model_dump_json() for m in messages]
    request(*messages)
    assert before == [m.model_dump_json() for m in messages]


# ---------------------------------------------------------------- the prefix

BLOCKS = st.sampled_from(["a", "", " ", "b"])
MESSAGES = st.lists(
    st.one_of(
        st.lists(BLOCKS, max_size=2).map(lambda texts: user(*texts)),
        st.lists(BLOCKS, max_size=2).map(lambda texts: answer(*texts)),
        st.lists(st.sampled_from(["1", "2", "a b"]), min_size=1, max_size=3).map(
            lambda ids: answer("x", *map(tool_call, ids), stop_reason="tool_use")
        ),
        st.sampled_from(["1", "2", "a b", "9"]).map(lambda i: result(i, f"r{i}")),
    ),
    max_size=12,
)


@given(MESSAGES)
def test_any_history_becomes_valid(messages: list[Message]) -> None:
    """DIAL-001, 002, 008, 029: roles alternate; every call has its result next, in order."""
    found = sent(user("Hi"), *messages)
    assert all(a[0] != b[0] for a, b in pairwise(found))
    assert all(content for _, content in found)
    ids: list[str] = []
    for (role, content), following in zip(found, [*found[1:], ("", [])], strict=True):
        calls = [block["id"] for block in content if block["type"] == "tool_use"]
        ids += calls
        results = [b["tool_use_id"] for b in following[1][: len(calls)] if "tool_use_id" in b]
        assert role != "assistant" or calls == results
        if role == "user":
            kinds = [block["type"] for block in content]
            assert kinds == sorted(kinds, key=lambda kind: kind != "tool_result")
    assert len(ids) == len(set(ids))


@given(MESSAGES)
def test_the_prefix_only_grows_over_the_turns_of_a_run(messages: list[Message]) -> None:
    """DIAL-011: asked for after each message that leaves no call open, byte for byte."""
    run = RunConfig(
        model=MODEL,
        tools=[SEARCH],
        tool_choice=ToolChoiceRequired(),
        instructions=[TextBlock(text="I")],
    )
    conversation = DIALECT.conversation(run)
    before = b""
    open_calls: list[str] = []
    for turn, message in enumerate([user("Hi"), *messages], start=1):
        conversation.append(message)
        match message:
            case AssistantMessage():
                open_calls = [b.id for b in message.content if isinstance(b, ToolCallBlock)]
            case ToolResultMessage() if message.call_id in open_calls:
                open_calls.remove(message.call_id)
            case _:
                pass
        if open_calls:
            continue
        found = conversation.request(ModelCall(MODEL, run, turn=turn, stream=True)).body
        array = found[: found.index(b',"tool_choice"')]
        if not before:
            before = array.removesuffix(b"]}]")
        assert array.startswith(before)
        before = array.removesuffix(b"]}]")


def test_each_message_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """STYLE 6: the work of a turn does not depend on the length of the history."""
    from isoloop.wire.anthropic_messages import encode  # noqa: PLC0415 -- looked into

    encoded: list[str] = []
    original = encode.encode
    monkeypatch.setattr(encode, "encode", lambda value: encoded.append("x") or original(value))
    run = RunConfig(model=MODEL)
    conversation = DIALECT.conversation(run)
    conversation.append(user("Hi"))
    counts: list[int] = []
    for turn in range(1, 20):
        conversation.request(ModelCall(MODEL, run, turn=turn, stream=True))
        conversation.append(answer("x", tool_call(f"c{turn}"), stop_reason="tool_use"))
        conversation.append(result(f"c{turn}", "1"))
        counts.append(len(encoded))
    assert {3} == {b - a for a, b in pairwise(counts)}
