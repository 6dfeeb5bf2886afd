"""What is sent to Anthropic: settings, content, cache markers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from isoloop.contract import (
    AudioBlock,
    Base64Source,
    DocumentBlock,
    FunctionTool,
    ImageBlock,
    ModelRef,
    ModelSettings,
    OpaqueBlock,
    OutputSpec,
    PlainTextSource,
    ProviderData,
    ProviderTool,
    TextBlock,
    ThinkingBlock,
    ThinkingBudget,
    ThinkingDisabled,
    ThinkingEffort,
    ToolChoiceAuto,
    ToolChoiceNone,
    ToolChoiceRequired,
    ToolChoiceTool,
    UnknownBlock,
    UrlSource,
    UserMessage,
)
from isoloop.wire import Unsendable
from tests.wire.anthropic_messages.requests import (
    DIALECT,
    INTERRUPTED,
    MODEL,
    OTHER,
    SEARCH,
    answer,
    body,
    own,
    request,
    result,
    sent,
    text,
    tool_call,
    tool_use,
    user,
)

# ---------------------------------------------------------------- the frame


def test_the_smallest_request() -> None:
    """DIAL-014, DIAL-015: nothing that was not asked for, byte for byte."""
    found = request()
    assert ("POST", "/v1/messages") == (found.method, found.path)
    assert {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "anthropic-version": "2023-06-01",
    } == found.headers
    assert (
        b'{"model":"claude-test-9","max_tokens":32000,"messages":'
        b'[{"role":"user","content":[{"type":"text","text":"Hi"}]}],"stream":true}'
    ) == found.body
    whole = request(stream=False)
    assert b"stream" not in whole.body
    assert "application/json" == whole.headers["accept"]
    assert {"x-api-key": "k"} == DIALECT.auth_headers("k")


def test_everything_that_can_be_asked_for() -> None:
    """DIAL-016 to 020, DIAL-025: instructions, tools with their schema unchanged, settings."""
    schema = {
        "type": "object",
        "$defs": {"q": {"type": "string"}},
        "properties": {"q": {"$ref": "#/$defs/q"}},
        "additionalProperties": False,
        "x-unknown": [1.5, None],
    }
    found = body(
        instructions=[TextBlock(text="One."), TextBlock(text="  "), TextBlock(text="Two.")],
        tools=[
            FunctionTool(name="b", description="B.", input_schema=schema, strict=True),
            ProviderTool(
                dialect="anthropic-messages", json_text='{"type":"web_search_1","name":"w"}'
            ),
            FunctionTool(name="a", description="", input_schema={"type": "object"}),
        ],
        settings=ModelSettings(
            max_output_tokens=99, temperature=0.0, top_p=0.5, top_k=3, stop_sequences=["END"]
        ),
        output=OutputSpec(json_schema=schema),
    )
    del found["messages"]
    assert {
        "model": "claude-test-9",
        "max_tokens": 99,
        "system": [text("One."), text("Two.")],
        "tools": [
            {"name": "b", "description": "B.", "input_schema": schema, "strict": True},
            {"type": "web_search_1", "name": "w"},
            {"name": "a", "input_schema": {"type": "object"}},
        ],
        "temperature": 0.0,
        "top_p": 0.5,
        "top_k": 3,
        "stop_sequences": ["END"],
        "output_config": {"format": {"type": "json_schema", "schema": schema}},
        "stream": True,
    } == found


@pytest.mark.parametrize(
    ("choice", "parallel", "turn", "expected"),
    [
        (None, None, 1, None),
        (None, True, 1, None),
        (None, False, 1, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoiceAuto(), None, 1, {"type": "auto"}),
        (ToolChoiceNone(), False, 1, {"type": "none"}),
        (ToolChoiceRequired(), None, 1, {"type": "any"}),
        (ToolChoiceRequired(), False, 1, {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoiceRequired(), None, 2, {"type": "auto"}),
        (ToolChoiceRequired(every_turn=True), None, 2, {"type": "any"}),
        (ToolChoiceTool(name="search"), None, 1, {"type": "tool", "name": "search"}),
        (ToolChoiceTool(name="search"), None, 2, {"type": "auto"}),
        (
            ToolChoiceTool(name="search", every_turn=True),
            None,
            2,
            {"type": "tool", "name": "search"},
        ),
    ],
)
def test_tool_choice(choice: Any, parallel: bool | None, turn: int, expected: object) -> None:
    """DIAL-018, DIAL-019, decision 26."""
    options: dict[str, Any] = {} if choice is None else {"tool_choice": choice}
    if parallel is not None:
        options["settings"] = ModelSettings(parallel_tool_calls=parallel)
    found = body(tools=[SEARCH], turn=turn, **options)
    assert expected == found.get("tool_choice")


def test_without_tools_there_is_no_tool_choice() -> None:
    """DIAL-018; a choice that nothing can obey is refused."""
    assert "tool_choice" not in body(tool_choice=ToolChoiceAuto())
    for choice in (ToolChoiceRequired(), ToolChoiceTool(name="search")):
        with pytest.raises(Unsendable):
            request(tool_choice=choice)
    with pytest.raises(Unsendable):
        request(tools=[SEARCH], tool_choice=ToolChoiceTool(name="other"))
    hosted = ProviderTool(dialect="anthropic-messages", json_text='{"type":"x_1","name":"other"}')
    found = body(tools=[SEARCH, hosted], tool_choice=ToolChoiceTool(name="other"))
    assert {"type": "tool", "name": "other"} == found["tool_choice"]


ADAPTIVE = {"type": "adaptive"}


@pytest.mark.parametrize(
    ("model", "settings", "max_tokens", "thinking", "effort"),
    [
        ("claude-sonnet-4-6", {}, 32000, None, None),
        ("claude-sonnet-4-6", {"thinking": ThinkingDisabled()}, 32000, {"type": "disabled"}, None),
        (
            "claude-sonnet-4-6",
            {"thinking": ThinkingEffort(effort="minimal")},
            32000,
            ADAPTIVE,
            "low",
        ),
        ("claude-opus-5", {"thinking": ThinkingEffort(effort="xhigh")}, 32000, ADAPTIVE, "xhigh"),
        ("anything", {"thinking": ThinkingEffort(effort="max")}, 32000, ADAPTIVE, "max"),
        (
            "claude-sonnet-4-5-20250929",
            {"thinking": ThinkingEffort(effort="high")},
            32000,
            16384,
            None,
        ),
        ("claude-opus-4-20250514", {"thinking": ThinkingEffort(effort="max")}, 32000, 24576, None),
        (
            "anthropic/claude-haiku-4.5",
            {"thinking": ThinkingEffort(effort="low")},
            32000,
            2048,
            None,
        ),
        (
            "claude-3-7-sonnet-latest",
            {"thinking": ThinkingEffort(effort="minimal")},
            32000,
            1024,
            None,
        ),
        ("claude-opus-4-1", {"thinking": ThinkingBudget(budget_tokens=31000)}, 35096, 31000, None),
        ("x", {"thinking": ThinkingBudget(budget_tokens=5), "max_output_tokens": 6}, 6, 5, None),
        ("claude-3-haiku-20240307", {}, 4096, None, None),
        ("claude-3-5-haiku-latest", {}, 8192, None, None),
        ("claude-3-haiku-20240307", {"max_output_tokens": 5000}, 5000, None, None),
    ],
)
def test_thinking_and_max_tokens(
    model: str, settings: dict[str, Any], max_tokens: int, thinking: object, effort: str | None
) -> None:
    """DIAL-021 to 024 (pi A6, G5)."""
    ref = ModelRef(dialect="anthropic-messages", model=model)
    found = body(model=ref, settings=ModelSettings(**settings))
    if isinstance(thinking, int):
        thinking = {"type": "enabled", "budget_tokens": thinking}
    assert (max_tokens, thinking, effort) == (
        found["max_tokens"],
        found.get("thinking"),
        found.get("output_config", {}).get("effort"),
    )


def test_a_budget_must_leave_room_for_the_answer() -> None:
    """DIAL-022 (B-20 of spectra: the API refuses it)."""
    settings = ModelSettings(max_output_tokens=4096, thinking=ThinkingBudget(budget_tokens=4096))
    with pytest.raises(Unsendable) as raised:
        request(settings=settings)
    assert "config" == raised.value.error.code


def test_provider_options_are_merged_into_the_body() -> None:
    """DIAL-026."""
    options = own(
        max_tokens=5,
        metadata={"user_id": "u"},
        output_config={"task_budget": 9},
        thinking={"display": "summarized"},
        system="S",
        anthropic_beta=["a-1", "b-2"],
    )
    settings = ModelSettings(thinking=ThinkingEffort(effort="low"), provider_options=options)
    found = body(settings=settings, instructions=[TextBlock(text="I")])
    assert (5, {"user_id": "u"}, "S") == (
        found["max_tokens"],
        found["metadata"],
        found["system"],
    )
    assert {"effort": "low", "task_budget": 9} == found["output_config"]
    assert {"type": "adaptive", "display": "summarized"} == found["thinking"]
    assert "anthropic_beta" not in found
    assert "a-1,b-2" == request(settings=settings).headers["anthropic-beta"]
    one = ModelSettings(provider_options=own(anthropic_beta="a-1"))
    assert "a-1" == request(settings=one).headers["anthropic-beta"]


def test_options_of_another_dialect_are_ignored() -> None:
    """DIAL-026."""
    foreign = ProviderData(dialect="openai-chat", json_text='{"seed":1}')
    assert body() == body(settings=ModelSettings(provider_options=foreign))


@pytest.mark.parametrize(
    "text_", ['{"model":"x"}', '{"messages":[]}', '{"stream":false}', "[]", "{"]
)
def test_options_that_would_break_the_loop_are_refused(text_: str) -> None:
    """DIAL-026."""
    options = ProviderData(dialect="anthropic-messages", json_text=text_)
    with pytest.raises(Unsendable):
        request(settings=ModelSettings(provider_options=options))


def test_a_provider_tool_of_another_dialect_is_refused() -> None:
    """The definition cannot be passed through."""
    with pytest.raises(Unsendable):
        request(tools=[ProviderTool(dialect="openai-responses", json_text="{}")])


# ---------------------------------------------------------------- content


def test_user_content() -> None:
    """DIAL-027."""
    png = Base64Source(media_type="image/png", data="iVBO")
    url = UrlSource(url="https://host/x")
    raw = '{"type":"container_upload",  "file_id":"f"}'
    found = request(
        user(
            "Look",
            ImageBlock(source=png),
            ImageBlock(source=url),
            DocumentBlock(source=Base64Source(media_type="application/pdf", data="JVBE")),
            DocumentBlock(source=url, title="T", provider_data=own(citations={"enabled": True})),
            DocumentBlock(source=PlainTextSource(text="plain")),
            DocumentBlock(source=Base64Source(media_type="text/csv", data="YSxi")),
            OpaqueBlock(dialect="anthropic-messages", kind="container_upload", json_text=raw),
        )
    )
    (message,) = json.loads(found.body)["messages"]
    plain = {"type": "text", "media_type": "text/plain"}
    assert [
        text("Look"),
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {"type": "image", "source": {"type": "url", "url": "https://host/x"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        },
        {
            "type": "document",
            "source": {"type": "url", "url": "https://host/x"},
            "title": "T",
            "citations": {"enabled": True},
        },
        {"type": "document", "source": {**plain, "data": "plain"}},
        {"type": "document", "source": {**plain, "data": "a,b"}},
        {"type": "container_upload", "file_id": "f"},
    ] == message["content"]
    assert raw.encode() in found.body


@pytest.mark.parametrize(
    "block",
    [
        AudioBlock(source=UrlSource(url="https://host/x")),
        OpaqueBlock(dialect="openai-chat", kind="x", json_text="{}"),
        OpaqueBlock(dialect="anthropic-messages", kind="x", json_text="[broken"),
        UnknownBlock.model_validate({"type": "hologram"}),
    ],
)
def test_what_cannot_be_sent_is_refused_not_dropped(block: Any) -> None:
    """DIAL-012."""
    with pytest.raises(Unsendable) as raised:
        request(user("Hi", block))
    assert ("config", False) == (raised.value.error.code, raised.value.error.retryable)


def test_provider_data_of_user_messages_and_results_is_sent() -> None:
    """DIAL-007: on the message, and on blocks of a result."""
    marked = TextBlock(text="1", provider_data=own(x=1))
    first = UserMessage(content=[TextBlock(text="Hi")], provider_data=own(y=2))
    found = body(first, answer(tool_call("a")), result("a", marked), user("go on"))["messages"]
    assert {"role": "user", "content": [text("Hi")], "y": 2} == found[0]
    assert [{**text("1"), "x": 1}] == found[2]["content"][0]["content"]
    assert ["role", "content"] == list(found[2])


def test_a_document_that_is_not_the_text_that_it_says_goes_as_it_came() -> None:
    """The provider's word is better than ours."""
    source = Base64Source(media_type="text/plain", data="not base64")
    found = sent(user(DocumentBlock(source=source)))
    wire = {"type": "base64", "media_type": "text/plain", "data": "not base64"}
    assert [{"type": "document", "source": wire}] == found[0][1]


def test_provider_data_that_is_no_object_is_refused() -> None:
    """It could not be merged into the block."""
    broken = ProviderData(dialect="anthropic-messages", json_text="[1]")
    with pytest.raises(Unsendable):
        request(user(TextBlock(text="Hi", provider_data=broken)))


@pytest.mark.parametrize(
    ("blocks", "is_error", "expected"),
    [
        (["42"], False, {"content": "42"}),
        (["4", "2"], False, {"content": [text("4"), text("2")]}),
        ([], False, {}),
        ([" "], False, {}),
        ([], True, {"content": "The tool failed.", "is_error": True}),
        (["No."], True, {"content": "No.", "is_error": True}),
        (
            [ImageBlock(source=UrlSource(url="https://host/x"))],
            False,
            {"content": [{"type": "image", "source": {"type": "url", "url": "https://host/x"}}]},
        ),
        (
            [AudioBlock(source=UrlSource(url="https://host/x"))],
            False,
            {"content": "[audio omitted: the model cannot read it]"},
        ),
    ],
)
def test_results(blocks: list[Any], is_error: bool, expected: dict[str, Any]) -> None:
    """DIAL-012, DIAL-028 (pi A8; spectra B-22)."""
    found = sent(user("Hi"), answer(tool_call("a")), result("a", *blocks, is_error=is_error))
    assert [{"type": "tool_result", "tool_use_id": "a", **expected}] == found[2][1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"n": 9007199254740993, "x": 1.10}', b'"input":{"n": 9007199254740993, "x": 1.10}'),
        ("", b'"input":{}'),
        ("  ", b'"input":{}'),
        ('{"q', b'"input":{}'),
        ("null", b'"input":{}'),
        ('{"a":1,"a":2}', b'"input":{}'),
        ('{"q":"\\ud83d"}', b'"input":{}'),
    ],
)
def test_arguments_go_back_as_they_were_written(arguments: str, expected: bytes) -> None:
    """TOOL-009, TOOL-010, DIAL-030."""
    assert expected in request(user("Hi"), answer(tool_call("a", arguments))).body


def test_an_answer_goes_back_in_order_and_unchanged_to_the_same_model() -> None:
    """DIAL-005 to 007, DIAL-030; byte for byte (pi A2, spectra B-21)."""
    raw = '{"type":"redacted_thinking", "data":"Eq\\u00e9"}'
    message = answer(
        ThinkingBlock(text="", signature="sig=="),
        TextBlock(text="So", provider_data=own(citations=[{"n": 1}], unknown_deltas=[1])),
        OpaqueBlock(dialect="anthropic-messages", kind="redacted_thinking", json_text=raw),
        tool_call("a", provider_data=own(caller={"type": "direct"}, id="original")),
    )
    found = request(user("Hi"), message, result("a", "1"))
    assert raw.encode() in found.body
    assert [
        {"type": "thinking", "thinking": "", "signature": "sig=="},
        {**text("So"), "citations": [{"n": 1}]},
        json.loads(raw),
        {**tool_use("a"), "caller": {"type": "direct"}},
    ] == json.loads(found.body)["messages"][1]["content"]


def test_another_model_gets_only_text_and_calls() -> None:
    """DIAL-005 to 007, DIAL-012."""
    message = answer(
        ThinkingBlock(text="Hm", signature="sig"),
        TextBlock(text="So", provider_data=own(citations=[1])),
        OpaqueBlock(dialect="anthropic-messages", kind="x", json_text='{"type":"x"}'),
        ImageBlock(source=UrlSource(url="https://host/x")),
        UnknownBlock.model_validate({"type": "hologram"}),
        tool_call("a", provider_data=own(caller=1)),
        model=OTHER,
    )
    found = sent(user("Hi"), message, result("a", "1"))
    assert ("assistant", [text("So"), tool_use("a")]) == found[1]


def test_a_vendor_is_no_part_of_the_model() -> None:
    """Two references mean the same model when dialect and model are equal."""
    there = ModelRef(dialect="anthropic-messages", model=MODEL.model, vendor="host")
    found = sent(user("Hi"), answer(ThinkingBlock(text="Hm", signature="s"), model=there))
    assert "thinking" == found[1][1][0]["type"]


# ---------------------------------------------------------------- cache markers

SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}


def marks(found: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """Give what is marked, in the order of the prompt."""
    blocks = [*found.get("tools", []), *found.get("system", [])]
    blocks += [block for message in found["messages"] for block in message["content"]]
    return [
        (str(b.get("text") or b.get("name") or b.get("content")), b["cache_control"])
        for b in blocks
        if "cache_control" in b
    ]


def test_automatic_markers_are_off_unless_asked_for() -> None:
    """DIAL-033."""
    assert [] == marks(body(instructions=[TextBlock(text="I")]))
    assert [] == marks(body(settings=ModelSettings(cache="none")))


@pytest.mark.parametrize(("cache", "marker"), [("short", SHORT), ("long", LONG)])
def test_automatic_markers_stand_on_the_instructions_and_the_last_user_block(
    cache: Any, marker: dict[str, str]
) -> None:
    """DIAL-033 (pi A9, D-80): the last user message wherever it is, results too."""
    options: dict[str, Any] = {
        "settings": ModelSettings(cache=cache),
        "instructions": [TextBlock(text="I"), TextBlock(text="J"), TextBlock(text=" ")],
        "tools": [SEARCH],
    }
    assert [("J", marker), ("Hi", marker)] == marks(body(user("x"), user("Hi"), **options))
    turn = (user("Hi"), answer(tool_call("a")), result("a", "1"))
    assert [("J", marker), ("1", marker)] == marks(body(*turn, **options))
    assert [("J", marker), ("1", marker)] == marks(body(*turn, answer("z"), **options))
    orphan = body(user("Hi"), answer(tool_call("a")), **options)
    assert [("J", marker), (INTERRUPTED, marker)] == marks(orphan)


def test_explicit_markers_stand_where_they_were_put() -> None:
    """DIAL-032: on instructions, a tool, a block, and on the whole of a result."""
    tool = FunctionTool(name="t", description="", input_schema={}, cache_breakpoint="long")
    found = body(
        user(TextBlock(text="Hi", cache_breakpoint="short")),
        answer(tool_call("a")),
        result("a", TextBlock(text="1", cache_breakpoint="short")),
        tools=[tool],
        instructions=[TextBlock(text="I", cache_breakpoint="long")],
    )
    assert [("t", LONG), ("I", LONG), ("Hi", SHORT), ("1", SHORT)] == marks(found)


def test_automatic_markers_give_way_to_explicit_ones() -> None:
    """DIAL-034: the one on the instructions first; more than four explicit ones are refused."""
    blocks = [TextBlock(text=str(n), cache_breakpoint="short") for n in range(5)]
    options: dict[str, Any] = {
        "settings": ModelSettings(cache="long"),
        "instructions": [TextBlock(text="I")],
    }
    three = marks(body(user(*blocks[:3], "end"), **options))
    assert [("0", SHORT), ("1", SHORT), ("2", SHORT), ("end", LONG)] == three
    four = marks(body(user(*blocks[:4], "end"), **options))
    assert [("0", SHORT), ("1", SHORT), ("2", SHORT), ("3", SHORT)] == four
    with pytest.raises(Unsendable):
        request(user(*blocks))


def test_a_block_is_marked_once() -> None:
    """An explicit marker stays what it is."""
    found = body(
        user(TextBlock(text="Hi", cache_breakpoint="short")), settings=ModelSettings(cache="long")
    )
    assert [("Hi", SHORT)] == marks(found)
