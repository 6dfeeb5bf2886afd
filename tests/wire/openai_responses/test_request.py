"""What is sent to the Responses API: settings, tools, content."""

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
from tests.wire.openai_responses.requests import (
    DIALECT,
    SEARCH,
    answer,
    asked,
    body,
    function_call,
    output,
    own,
    request,
    result,
    sent,
    tool_call,
    user,
)

PNG = Base64Source(media_type="image/png", data="iVBO")
PDF = Base64Source(media_type="application/pdf", data="JVBE")
WIRE_PNG = {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"}


def hosted(**members: Any) -> ProviderTool:
    """Make a provider tool."""
    return ProviderTool(dialect="openai-responses", json_text=json.dumps(members))


# ---------------------------------------------------------------- the frame


def test_the_smallest_request() -> None:
    """DIAL-094, DIAL-095: nothing that was not asked for, byte for byte."""
    found = request()
    assert ("POST", "/responses") == (found.method, found.path)
    assert {"content-type": "application/json", "accept": "text/event-stream"} == found.headers
    assert (
        b'{"model":"gpt-test-9","input":'
        b'[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}],'
        b'"store":false,"include":["reasoning.encrypted_content"],"stream":true}'
    ) == found.body
    whole = request(stream=False)
    assert b"stream" not in whole.body
    assert "application/json" == whole.headers["accept"]
    assert {"authorization": "Bearer k"} == DIALECT.auth_headers("k")
    assert "https://api.openai.com/v1" == DIALECT.base_url


def test_everything_that_can_be_asked_for() -> None:
    """DIAL-096, DIAL-097, DIAL-099, DIAL-103: the schemas go unchanged."""
    schema = {
        "type": "object",
        "$defs": {"q": {"type": "string"}},
        "properties": {"q": {"$ref": "#/$defs/q"}},
        "x-unknown": [1.5, None],
    }
    found = body(
        instructions=[TextBlock(text="One."), TextBlock(text="  "), TextBlock(text="Two.")],
        tools=[
            FunctionTool(name="b", description="B.", input_schema=schema, strict=True),
            hosted(type="web_search", search_context_size="low"),
            FunctionTool(name="a", description="", input_schema={"type": "object"}),
        ],
        settings=ModelSettings(
            max_output_tokens=99, temperature=0.0, top_p=0.5, parallel_tool_calls=False
        ),
        output=OutputSpec(name="the weather!", json_schema=schema),
    )
    del found["input"]
    assert {
        "model": "gpt-test-9",
        "instructions": "One.\n\nTwo.",
        "tools": [
            {
                "type": "function", "name": "b", "description": "B.", "parameters": schema,
                "strict": True,
            },
            {"type": "web_search", "search_context_size": "low"},
            {"type": "function", "name": "a", "parameters": {"type": "object"}, "strict": False},
        ],
        "max_output_tokens": 99,
        "temperature": 0.0,
        "top_p": 0.5,
        "parallel_tool_calls": False,
        "text": {"format": {"type": "json_schema", "name": "the_weather_", "schema": schema}},
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "stream": True,
    } == found  # fmt: skip


def test_an_output_without_a_name_has_one_on_the_wire() -> None:
    """DIAL-103: the API wants one."""
    found = body(output=OutputSpec(json_schema={"type": "object"}))
    assert "output" == found["text"]["format"]["name"]


@pytest.mark.parametrize(
    ("choice", "turn", "expected"),
    [
        (None, 1, None),
        (ToolChoiceAuto(), 1, "auto"),
        (ToolChoiceNone(), 1, "none"),
        (ToolChoiceRequired(), 1, "required"),
        (ToolChoiceRequired(), 2, "auto"),
        (ToolChoiceRequired(every_turn=True), 2, "required"),
        (ToolChoiceTool(name="search"), 1, {"type": "function", "name": "search"}),
        (ToolChoiceTool(name="search"), 2, "auto"),
        (ToolChoiceTool(name="web_search"), 1, {"type": "web_search"}),
        (ToolChoiceTool(name="docs"), 1, {"type": "mcp", "server_label": "docs"}),
        (ToolChoiceTool(name="sql"), 1, {"type": "custom", "name": "sql"}),
        (
            ToolChoiceTool(name="search", every_turn=True),
            2,
            {"type": "function", "name": "search"},
        ),
    ],
)
def test_tool_choice(choice: Any, turn: int, expected: object) -> None:
    """DIAL-098, decision 26."""
    options: dict[str, Any] = {} if choice is None else {"tool_choice": choice}
    tools = [
        SEARCH,
        hosted(type="web_search"),
        hosted(type="mcp", server_label="docs"),
        hosted(type="custom", name="sql"),
    ]
    assert expected == body(tools=tools, turn=turn, **options).get("tool_choice")


def test_without_tools_there_is_no_tool_choice() -> None:
    """DIAL-098, DIAL-099; a choice that nothing can obey is refused."""
    found = body(tool_choice=ToolChoiceAuto(), settings=ModelSettings(parallel_tool_calls=False))
    assert {"tool_choice", "parallel_tool_calls"}.isdisjoint(found)
    for choice in (ToolChoiceRequired(), ToolChoiceTool(name="search")):
        with pytest.raises(Unsendable):
            request(tool_choice=choice)
    with pytest.raises(Unsendable):
        request(tools=[SEARCH], tool_choice=ToolChoiceTool(name="other"))


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("gpt-5", None, None),
        ("gpt-5", ThinkingEffort(effort="minimal"), {"effort": "minimal", "summary": "auto"}),
        ("o3", ThinkingEffort(effort="high"), {"effort": "high", "summary": "auto"}),
        ("gpt-5.6", ThinkingEffort(effort="max"), {"effort": "max", "summary": "auto"}),
        ("gpt-5.6", ThinkingDisabled(), {"effort": "none"}),
        ("gpt-4o", ThinkingDisabled(), None),
        # Louder than leaving it out: the provider's 400.
        ("gpt-4o", ThinkingEffort(effort="low"), {"effort": "low", "summary": "auto"}),
    ],
)
def test_reasoning(model: str, thinking: Any, expected: object) -> None:
    """DIAL-101."""
    ref = ModelRef(dialect="openai-responses", model=model)
    settings = ModelSettings() if thinking is None else ModelSettings(thinking=thinking)
    assert expected == body(model=ref, settings=settings).get("reasoning")


@pytest.mark.parametrize(
    ("model", "included"),
    [
        ("gpt-5-mini", True),
        ("o4-mini", True),
        ("grok-4", True),
        ("gpt-4o-mini", False),
        ("gpt-4.1", False),
        ("openai/gpt-4.1", False),
        ("ft:gpt-4o-2024-08-06:acme", False),
        ("gpt-3.5-turbo", False),
        ("chatgpt-4o-latest", False),
        ("gpt-5-chat-latest", False),
    ],
)
def test_encrypted_reasoning_is_asked_of_models_that_reason(model: str, included: bool) -> None:
    """DIAL-102: without it a stateless caller has nothing to send back."""
    ref = ModelRef(dialect="openai-responses", model=model)
    assert included == ("include" in body(model=ref))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (ModelSettings(top_k=3), "topK"),
        (ModelSettings(stop_sequences=["END"]), "stopSequences"),
        (ModelSettings(thinking=ThinkingBudget(budget_tokens=2048)), "budget"),
    ],
)
def test_what_the_api_has_no_member_for_is_refused(settings: ModelSettings, named: str) -> None:
    """DIAL-100."""
    with pytest.raises(Unsendable, match=named) as refused:
        request(settings=settings)
    assert "config" == refused.value.error.code
    assert request(settings=ModelSettings(stop_sequences=[]))


def test_nothing_is_sent_about_caches() -> None:
    """DIAL-105: the provider caches by itself."""
    plain = request(user("Hi"), instructions=[TextBlock(text="Be brief.")], tools=[SEARCH])
    marked = request(
        user(TextBlock(text="Hi", cache_breakpoint="long")),
        instructions=[TextBlock(text="Be brief.", cache_breakpoint="short")],
        tools=[SEARCH.model_copy(update={"cache_breakpoint": "short"})],
        settings=ModelSettings(cache="long"),
    )
    assert plain.body == marked.body


# ---------------------------------------------------------------- the caller's own members


def options(**members: Any) -> ModelSettings:
    """Make provider options."""
    return ModelSettings(provider_options=own(**members))


def test_options_are_merged_into_the_body() -> None:
    """DIAL-104: objects are merged, lists of `include` united, anything else replaced."""
    settings = ModelSettings(
        thinking=ThinkingEffort(effort="low"),
        provider_options=own(
            reasoning={"summary": "detailed"},
            text={"verbosity": "low"},
            include=["file_search_call.results", "reasoning.encrypted_content"],
            store=True,
            service_tier="flex",
        ),
    )
    found = body(settings=settings, output=OutputSpec(json_schema={"type": "object"}))
    assert {"effort": "low", "summary": "detailed"} == found["reasoning"]
    assert {"format", "verbosity"} == set(found["text"])
    assert ["reasoning.encrypted_content", "file_search_call.results"] == found["include"]
    assert (True, "flex") == (found["store"], found["service_tier"])


def test_options_may_replace_instructions_tools_and_the_choice() -> None:
    """DIAL-104."""
    found = body(
        instructions=[TextBlock(text="One.")],
        tools=[SEARCH],
        tool_choice=ToolChoiceAuto(),
        settings=options(instructions="Two.", tools=[], tool_choice="none", include=None),
    )
    assert ("Two.", [], "none", None) == (
        found["instructions"],
        found["tools"],
        found["tool_choice"],
        found["include"],
    )


@pytest.mark.parametrize("name", ["model", "input", "stream"])
def test_options_may_not_replace_what_the_loop_needs(name: str) -> None:
    """DIAL-104."""
    with pytest.raises(Unsendable, match=name):
        request(settings=options(**{name: "x"}))


def test_options_of_another_dialect_are_ignored() -> None:
    """DIAL-104."""
    data = ProviderData(dialect="openai-chat", json_text='{"seed":1}')
    assert "seed" not in body(settings=ModelSettings(provider_options=data))


@pytest.mark.parametrize("text", ["[]", "{"])
def test_options_that_are_no_object_are_refused(text: str) -> None:
    """DIAL-104."""
    data = ProviderData(dialect="openai-responses", json_text=text)
    with pytest.raises(Unsendable):
        request(settings=ModelSettings(provider_options=data))


# ---------------------------------------------------------------- what users say


def test_images_and_documents() -> None:
    """DIAL-106."""
    found = sent(
        user(
            "See.",
            ImageBlock(source=PNG),
            ImageBlock(source=UrlSource(url="https://host/a.png"), provider_data=own(detail="low")),
            DocumentBlock(source=PDF, title="Report.pdf"),
            DocumentBlock(source=PDF),
            DocumentBlock(source=PlainTextSource(text="é")),
            DocumentBlock(source=UrlSource(url="https://host/a.pdf"), title="Report"),
        )
    )
    pdf = "data:application/pdf;base64,JVBE"
    assert [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "See."},
                WIRE_PNG,
                {"type": "input_image", "image_url": "https://host/a.png", "detail": "low"},
                {"type": "input_file", "filename": "Report.pdf", "file_data": pdf},
                {"type": "input_file", "filename": "document.pdf", "file_data": pdf},
                {
                    "type": "input_file",
                    "filename": "document.txt",
                    "file_data": "data:text/plain;base64,w6k=",
                },
                {"type": "input_file", "file_url": "https://host/a.pdf"},
            ],
        }
    ] == found


def test_opaque_blocks_of_users() -> None:
    """DIAL-107: parts stay in their message, items stand for themselves, in order."""
    part = OpaqueBlock(
        dialect="openai-responses",
        kind="input_file",
        json_text='{"type":"input_file","file_id":"f"}',
    )
    item = OpaqueBlock(
        dialect="openai-responses", kind="compaction", json_text='{"type":"compaction","n":1.50}'
    )
    found = request(user("One", part, item, "Two")).body
    assert (
        b'[{"role":"user","content":[{"type":"input_text","text":"One"},'
        b'{"type":"input_file","file_id":"f"}]},{"type":"compaction","n":1.50},'
        b'{"role":"user","content":[{"type":"input_text","text":"Two"}]}]'
    ) in found


def test_provider_data_of_a_user_message_goes_with_it() -> None:
    """DIAL-007."""
    message = UserMessage(
        content=[TextBlock(text="Hi", provider_data=own(x=1))], provider_data=own(role="developer")
    )
    assert [
        {"role": "developer", "content": [{"type": "input_text", "text": "Hi", "x": 1}]}
    ] == sent(message)


@pytest.mark.parametrize(
    "block",
    [
        AudioBlock(source=Base64Source(media_type="audio/wav", data="UklG")),
        UnknownBlock(type="hologram"),
        OpaqueBlock(dialect="anthropic-messages", kind="x", json_text='{"type":"x"}'),
        OpaqueBlock(dialect="openai-responses", kind="x", json_text="[]"),
    ],
)
def test_what_cannot_be_carried_is_refused(block: Any) -> None:
    """DIAL-012."""
    with pytest.raises(Unsendable) as refused:
        request(user("Hi", block))
    assert "config" == refused.value.error.code


def test_a_tool_of_another_dialect_is_refused() -> None:
    """Decision 20."""
    foreign = ProviderTool(dialect="anthropic-messages", json_text='{"type":"x"}')
    for tool in (foreign, ProviderTool(dialect="openai-responses", json_text="[1]")):
        with pytest.raises(Unsendable):
            request(tools=[tool])


# ---------------------------------------------------------------- results


@pytest.mark.parametrize(
    ("blocks", "is_error", "expected"),
    [
        (["42"], False, "42"),
        ([], False, ""),
        (["  "], False, ""),
        (["1", "2"], False, [{"type": "input_text", "text": t} for t in ("1", "2")]),
        (["No."], True, "[error] No."),
        ([], True, "[error] The tool failed."),
        (["1", "2"], True, [{"type": "input_text", "text": t} for t in ("[error] 1", "2")]),
        ([ImageBlock(source=PNG)], False, [WIRE_PNG]),
        ([ImageBlock(source=PNG)], True, [{"type": "input_text", "text": "[error]"}, WIRE_PNG]),
        (
            [TextBlock(text="42", provider_data=own(x=1))],
            False,
            [{"type": "input_text", "text": "42", "x": 1}],
        ),
        (
            ["See", AudioBlock(source=Base64Source(media_type="audio/wav", data="UklG"))],
            False,
            [
                {"type": "input_text", "text": "See"},
                {
                    "type": "input_text",
                    "text": "[audio omitted: the model cannot read it]",
                },
            ],
        ),
    ],
)
def test_results(blocks: list[Any], is_error: bool, expected: object) -> None:
    """DIAL-108, DIAL-109, DIAL-012."""
    found = sent(user("Hi"), answer(tool_call("a")), result("a", *blocks, is_error=is_error))
    assert [asked("Hi"), function_call("a"), output("a", expected)] == found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"n": 1.50}', '{"n": 1.50}'),
        ("", "{}"),
        (" ", "{}"),
        ('{"n":', '{"n":'),
        ("null", "null"),
    ],
)
def test_arguments_go_back_as_they_were_written(text: str, expected: str) -> None:
    """TOOL-010: this dialect carries text, invalid text too."""
    _, call, _ = sent(user("Hi"), answer(tool_call("a", text)), result("a", "42"))
    assert expected == call["arguments"]
