"""What is asked of a chat model, member by member."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from isoloop.contract import (
    FunctionTool,
    OutputSpec,
    ProviderData,
    ProviderTool,
    RunConfig,
    TextBlock,
    ToolChoiceAuto,
    ToolChoiceNone,
    ToolChoiceRequired,
    ToolChoiceTool,
)
from isoloop.wire import Unsendable
from tests.wire.openai_chat.requests import (
    DIALECT,
    MODEL,
    SEARCH,
    answer,
    at,
    body,
    own,
    request,
    result,
    sent,
    settings,
    text,
    tool_call,
    user,
    wire_call,
)

WIRE_SEARCH = {
    "type": "function",
    "function": {"name": "search", "description": "Search.", "parameters": {"type": "object"}},
}
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def test_the_least_request() -> None:
    """DIAL-053, DIAL-054: nothing that was not asked for."""
    made = request()
    assert ("POST", "/chat/completions") == (made.method, made.path)
    assert {"content-type": "application/json", "accept": "text/event-stream"} == made.headers
    messages = [{"role": "user", "content": "Hi"}]
    assert {"model": "gpt-test-9", "messages": messages, **STREAMED} == json.loads(made.body)


def test_a_request_without_streaming() -> None:
    """DIAL-054: no `stream`, no options of it."""
    made = request(stream=False)
    assert "application/json" == made.headers["accept"]
    assert {"model", "messages"} == json.loads(made.body).keys()


def test_the_key_is_a_bearer_token() -> None:
    """DIAL-053."""
    assert {"authorization": "Bearer k"} == DIALECT.auth_headers("k")
    assert "https://api.openai.com/v1" == DIALECT.base_url


def test_everything_that_can_be_asked_for() -> None:
    """DIAL-056, DIAL-058, DIAL-059, DIAL-060: the members by their names, 0 included."""
    made = body(
        tools=[SEARCH],
        settings=settings(
            maxOutputTokens=10,
            temperature=0,
            topP=0.5,
            topK=3,
            stopSequences=["END"],
            thinking={"type": "effort", "effort": "xhigh"},
            parallelToolCalls=False,
        ),
        output=OutputSpec(name="a city", json_schema=SCHEMA),
    )
    assert {
        "model": "gpt-test-9",
        "tools": [WIRE_SEARCH],
        "messages": [{"role": "user", "content": "Hi"}],
        "reasoning_effort": "xhigh",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "a_city", "schema": SCHEMA},
        },
        "max_completion_tokens": 10,
        "temperature": 0,
        "top_p": 0.5,
        "top_k": 3,
        "stop": ["END"],
        "parallel_tool_calls": False,
        **STREAMED,
    } == made


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ([], None),
        (["", " \n"], None),
        (["Be brief."], "Be brief."),
        (["One.", " ", "Two."], [text("One."), text("Two.")]),
    ],
)
def test_instructions_are_one_system_message(parts: list[str], content: Any) -> None:
    """DIAL-055."""
    messages = sent(instructions=[TextBlock(text=part) for part in parts])
    expected = [] if content is None else [{"role": "system", "content": content}]
    assert [*expected, {"role": "user", "content": "Hi"}] == messages


def test_tools_keep_their_order_and_form() -> None:
    """DIAL-056: `strict` where asked for, no blank description, provider tools as they are."""
    strict = FunctionTool(
        type="function", name="b", description="", input_schema={"type": "object"}, strict=True
    )
    custom = ProviderTool(
        type="provider",
        dialect="openai-chat",
        json_text='{"type":"custom","custom":{"name":"run"}}',
    )
    function = {"name": "b", "parameters": {"type": "object"}, "strict": True}
    assert [
        {"type": "function", "function": function},
        {"type": "custom", "custom": {"name": "run"}},
        WIRE_SEARCH,
    ] == body(tools=[strict, custom, SEARCH])["tools"]


def test_another_dialects_tool_is_refused() -> None:
    """Nothing is sent in its place."""
    foreign = ProviderTool(type="provider", dialect="openai-responses", json_text="{}")
    with pytest.raises(Unsendable, match="cannot be sent to openai-chat"):
        request(tools=[foreign])


@pytest.mark.parametrize(
    ("choice", "first", "later"),
    [
        (ToolChoiceAuto(type="auto"), "auto", "auto"),
        (ToolChoiceNone(type="none"), "none", "none"),
        (ToolChoiceRequired(type="required"), "required", "auto"),
        (ToolChoiceRequired(type="required", every_turn=True), "required", "required"),
        (
            ToolChoiceTool(type="tool", name="search"),
            {"type": "function", "function": {"name": "search"}},
            "auto",
        ),
    ],
)
def test_tool_choice(choice: Any, first: Any, later: Any) -> None:
    """DIAL-057, TOOL: a forced choice holds for the first turn only."""
    assert first == body(tools=[SEARCH], tool_choice=choice)["tool_choice"]
    assert later == body(tools=[SEARCH], tool_choice=choice, turn=2)["tool_choice"]


def test_a_custom_tool_is_forced_in_its_own_form() -> None:
    """DIAL-057: the choice's type is the tool's."""
    custom = ProviderTool(
        type="provider",
        dialect="openai-chat",
        json_text='{"type":"custom","custom":{"name":"run"}}',
    )
    choice = ToolChoiceTool(type="tool", name="run")
    made = body(tools=[custom], tool_choice=choice)
    assert {"type": "custom", "custom": {"name": "run"}} == made["tool_choice"]


def test_without_tools_nothing_is_said_of_them() -> None:
    """DIAL-057: OpenAI refuses both members without tools."""
    made = body(tool_choice=ToolChoiceAuto(type="auto"), settings=settings(parallelToolCalls=True))
    assert {"model", "messages", *STREAMED} == made.keys()


@pytest.mark.parametrize(
    "choice", [ToolChoiceRequired(type="required"), ToolChoiceTool(type="tool", name="x")]
)
def test_a_choice_that_cannot_be_met_is_refused(choice: Any) -> None:
    """With `config`, before anything is sent."""
    with pytest.raises(Unsendable) as raised:
        request(tool_choice=choice)
    assert "config" == raised.value.error.code


@pytest.mark.parametrize(
    ("thinking", "vendor", "members"),
    [
        ({"type": "disabled"}, None, {"reasoning_effort": "none"}),
        ({"type": "effort", "effort": "minimal"}, "groq", {"reasoning_effort": "minimal"}),
        ({"type": "effort", "effort": "max"}, None, {"reasoning_effort": "max"}),
        ({"type": "disabled"}, "openrouter", {"reasoning": {"effort": "none"}}),
        ({"type": "effort", "effort": "low"}, "openrouter", {"reasoning": {"effort": "low"}}),
        ({"type": "budget", "budgetTokens": 9}, "openrouter", {"reasoning": {"max_tokens": 9}}),
        ({"type": "disabled"}, "zai", {"thinking": {"type": "disabled"}}),
        (
            {"type": "effort", "effort": "high"},
            "deepseek",
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
    ],
)
def test_thinking(thinking: Any, vendor: str | None, members: dict[str, Any]) -> None:
    """DIAL-059, DIAL-063."""
    model = at(vendor) if vendor else MODEL
    made = body(model=model, settings=settings(thinking=thinking))
    names = ("reasoning_effort", "reasoning", "thinking")
    assert members == {name: made[name] for name in names if name in made}


def test_a_thinking_budget_cannot_be_said() -> None:
    """DIAL-059."""
    with pytest.raises(Unsendable, match="Ask for an effort"):
        request(settings=settings(thinking={"type": "budget", "budgetTokens": 9}))


def test_cache_breakpoints() -> None:
    """DIAL-061: on parts, which therefore are no plain text."""
    mark = {"mode": "explicit"}
    messages = sent(
        user(TextBlock(text="a", cache_breakpoint="long"), "b"),
        instructions=[TextBlock(text="s", cache_breakpoint="short")],
    )
    assert [
        {"role": "system", "content": [{**text("s"), "prompt_cache_breakpoint": mark}]},
        {
            "role": "user",
            "content": [
                {**text("a"), "prompt_cache_breakpoint": {**mark, "ttl": "12h"}},
                text("b"),
            ],
        },
    ] == messages


@pytest.mark.parametrize(
    ("cache", "vendor", "members"),
    [
        ("none", None, {}),
        ("short", None, {}),
        ("long", None, {"prompt_cache_options": {"ttl": "12h"}}),
        ("short", "openrouter", {"cache_control": {"type": "ephemeral"}}),
        ("long", "openrouter", {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        ("long", "groq", {}),
    ],
)
def test_automatic_caching(cache: str, vendor: str | None, members: dict[str, Any]) -> None:
    """DIAL-061, DIAL-063."""
    made = body(model=at(vendor) if vendor else MODEL, settings=settings(cache=cache))
    for name in ("model", "messages", *STREAMED):
        made.pop(name)
    assert members == made


def test_options_are_merged_into_the_body() -> None:
    """DIAL-062: objects into objects, anything else replaces."""
    made = body(
        output=OutputSpec(json_schema=SCHEMA),
        settings=settings(
            temperature=1,
            providerOptions={
                "dialect": "openai-chat",
                "json": '{"response_format":{"json_schema":{"strict":true}},"temperature":0,'
                '"stream_options":{"include_obfuscation":false},"seed":7}',
            },
        ),
    )
    assert {"name": "output", "schema": SCHEMA, "strict": True} == made["response_format"][
        "json_schema"
    ]
    assert (0, 7) == (made["temperature"], made["seed"])
    assert {"include_usage": True, "include_obfuscation": False} == made["stream_options"]


@pytest.mark.parametrize("name", ["model", "messages", "stream"])
def test_options_that_the_loop_needs_are_refused(name: str) -> None:
    """DIAL-062."""
    options = ProviderData(dialect="openai-chat", json_text=json.dumps({name: 1}))
    with pytest.raises(Unsendable, match=name):
        request(settings=settings(providerOptions=options.model_dump()))


def test_options_of_another_dialect_are_ignored() -> None:
    """DIAL-062."""
    options = {"dialect": "anthropic-messages", "json": '{"seed":1}'}
    assert "seed" not in body(settings=settings(providerOptions=options))


def test_options_may_bring_their_own_tools_and_choice() -> None:
    """DIAL-062: what they bring replaces ours."""
    options = {"dialect": "openai-chat", "json": '{"tools":[],"tool_choice":"none"}'}
    made = body(
        tools=[SEARCH],
        tool_choice=ToolChoiceAuto(type="auto"),
        settings=settings(providerOptions=options),
    )
    assert ([], "none") == (made["tools"], made["tool_choice"])


def test_the_prefix_never_changes() -> None:
    """DIAL-011: byte for byte, through a turn with calls and steering."""
    run = [user("Hi"), answer(tool_call("a"), stop_reason="tool_use"), result("a", "1"), user("b")]
    bodies = [
        request(*run[:length], turn=length, tools=[SEARCH], instructions=[TextBlock(text="s")]).body
        for length in (1, 3, 4)
    ]
    for earlier, later in pairwise(bodies):
        kept = earlier[: earlier.index(b'],"stream"')]
        assert kept == later[: len(kept)]


@pytest.mark.parametrize(
    ("vendor", "name"), [("mistral", "max_tokens"), ("groq", "max_completion_tokens")]
)
def test_the_bound_has_the_vendors_name(vendor: str, name: str) -> None:
    """DIAL-063."""
    assert 5 == body(model=at(vendor), settings=settings(maxOutputTokens=5))[name]


def test_mistral_is_not_asked_for_usage_and_gets_its_ids() -> None:
    """DIAL-063, DIAL-070: nine characters, the same in every request."""
    made = body(
        user("Hi"),
        answer(tool_call("call_long_1"), tool_call("abcdefgh9", "oops"), stop_reason="tool_use"),
        result("call_long_1", "1"),
        result("abcdefgh9", "2"),
        model=at("mistral"),
    )
    assert "stream_options" not in made
    # printf call_long_1 | sha256sum
    derived = "6c7c8a4f8"
    assert [derived, "abcdefgh9"] == [c["id"] for c in made["messages"][1]["tool_calls"]]
    assert [derived, "abcdefgh9"] == [m["tool_call_id"] for m in made["messages"][2:]]
    # Its server parses the arguments.
    assert wire_call("abcdefgh9") == made["messages"][1]["tool_calls"][1]


def test_a_vendor_without_schemas_is_told_in_words() -> None:
    """DIAL-063."""
    made = body(
        model=at("deepseek"),
        instructions=[TextBlock(text="Be brief.")],
        output=OutputSpec(json_schema={"type": "object"}),
    )
    assert {"type": "json_object"} == made["response_format"]
    told = 'Answer with a JSON object that is valid against this JSON Schema: {"type":"object"}'
    assert {"role": "system", "content": f"Be brief.\n\n{told}"} == made["messages"][0]


def test_openrouter_takes_cache_marks_of_anthropic() -> None:
    """DIAL-063."""
    message = user(TextBlock(text="a", cache_breakpoint="long"))
    (made,) = sent(message, model=at("openrouter"))
    mark = {"type": "ephemeral", "ttl": "1h"}
    assert [{**text("a"), "cache_control": mark}] == made["content"]
    # A host that knows no marks gets none.
    assert [{"role": "user", "content": "a"}] == sent(message, model=at("groq"))


def test_an_unknown_vendor_is_spoken_to_as_openai() -> None:
    """DIAL-063: a server of one's own."""
    assert (
        5 == body(model=at("mine"), settings=settings(maxOutputTokens=5))["max_completion_tokens"]
    )


def test_nothing_to_send_is_refused() -> None:
    """DIAL-013."""
    with pytest.raises(Unsendable, match="nothing to send"):
        request(user(" "), instructions=[TextBlock(text="s")])


def test_members_of_a_user_message_go_with_it() -> None:
    """DIAL-007: the name of a speaker, the detail of an image."""
    assert [{"role": "user", "content": "Hi", "name": "Ann"}] == sent(
        user("Hi", provider_data=own(name="Ann"))
    )


@pytest.mark.parametrize("given", ["[]", "{", '"x"'])
def test_options_and_data_that_are_no_objects_are_refused(given: str) -> None:
    """With `config`: they would be lost otherwise."""
    with pytest.raises(Unsendable, match="providerOptions is not a JSON object"):
        request(settings=settings(providerOptions={"dialect": "openai-chat", "json": given}))
    data = ProviderData(dialect="openai-chat", json_text=given)
    with pytest.raises(Unsendable, match="providerData is not a JSON object"):
        request(user("Hi", provider_data=data))


def test_call_ids_of_the_transcript_are_known() -> None:
    """They are taken when the next answer is read."""
    conversation = DIALECT.conversation(RunConfig(model=MODEL))
    conversation.append(answer(tool_call("a"), tool_call("b")))
    assert {"a", "b"} == set(conversation.call_ids)
