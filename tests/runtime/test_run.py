"""A run from its input to its result."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, cast

import pytest
from pydantic import BaseModel

from isoloop import (
    Agent,
    Environment,
    Limits,
    Price,
    Retry,
    RunFailed,
    TextBlock,
    ToolContext,
    Usage,
    UsageError,
    UserMessage,
    tool,
)
from isoloop.contract import ToolChoiceRequired, ToolChoiceTool
from isoloop.testing import Call, Fail, Reply, Say, ScriptedModel, Think, Wait
from tests.runtime.kit import (
    NOW,
    collect,
    echo,
    ended,
    environment,
    model_of,
    results,
    save,
    scripted,
    types,
)


async def test_an_answer_without_calls_completes_the_run() -> None:
    """Text comes back, and all that the next run needs (LOOP-020, LOOP-032)."""
    result = await scripted("A language.").run("What is Rust?")
    assert "A language." == result.text
    assert "completed" == result.outcome
    assert "end_turn" == result.stop_reason
    assert ["assistant"] == [message.role for message in result.new_messages]
    assert ["user", "assistant"] == [message.role for message in result.messages]
    assert (None, None, []) == (result.error, result.output, result.undelivered)


async def test_a_call_is_answered_and_leads_to_another_turn() -> None:
    """The result goes back to the model in the next request (LOOP-021)."""
    agent = scripted(Call("echo", text="hi"), "done", tools=[echo])
    result = await agent.run("go")
    assert "done" == result.text
    assert [(None, "hi")] == results(result)
    second = model_of(agent).requests[1]
    assert ["user", "assistant", "tool_result"] == [m.role for m in second.messages]


async def test_the_events_of_a_text_run_follow_the_grammar() -> None:
    """From `agent_start` to `agent_end`, numbered from 1, at the clock's time (LOOP-002)."""
    events = await collect(scripted(Say("He", "llo")).start("hi"))
    assert [
        "agent_start",
        "message_start",
        "message_end",
        "turn_start",
        "message_start",
        "text_start",
        "text_delta",
        "text_delta",
        "text_end",
        "message_end",
        "turn_end",
        "agent_end",
    ] == types(events)
    assert list(range(1, 13)) == [event.seq for event in events]
    assert {NOW} == {event.at for event in events}


async def test_all_kinds_of_blocks_become_events() -> None:
    """Thinking keeps its signature; a call its text (LOOP-012, TOOL-003)."""
    agent = scripted(
        [Think("hm", signature="sig"), Call("echo", '{"text": "x"}', id="a")], "ok", tools=[echo]
    )
    events = await collect(agent.start("go"))
    thinking = next(event for event in events if event.type == "thinking_end")
    assert ("hm", "sig") == (thinking.text, thinking.signature)
    call = next(event for event in events if event.type == "tool_call_end")
    assert ("a", "complete", {"text": "x"}) == (
        call.call_id,
        call.arguments_state,
        call.arguments,
    )


async def test_a_history_is_sent_before_the_input_and_has_no_events() -> None:
    """The caller owns the history (LOOP-009, LOOP-036)."""
    first = await scripted("one").run("1")
    history = first.messages
    agent = scripted("two")
    handle = agent.start("2", history=history)
    events = await collect(handle)
    assert 1 == sum(event.type == "message_end" and event.turn is None for event in events)
    assert ["user", "assistant", "user"] == [m.role for m in model_of(agent).requests[0].messages]
    assert first.messages == history
    assert 4 == len((await handle.result()).messages)


async def test_a_run_may_answer_what_the_history_ends_with() -> None:
    """Nothing more has to be said when a question is open."""
    agent = scripted("yes")
    question = UserMessage(content=[TextBlock(text="well?")])
    result = await agent.run([], history=[question])
    assert "yes" == result.text


async def test_an_input_may_be_several_messages() -> None:
    """Each has its events (LOOP-009)."""
    messages = [UserMessage(content=[TextBlock(text=text)]) for text in "ab"]
    events = await collect(scripted("ok").start(messages))
    said = [event.message for event in events if event.type == "message_end" and not event.turn]
    assert messages == said


@pytest.mark.parametrize("said", [5, None, ["text"], b"bytes", {"role": "user"}])
async def test_an_input_of_another_kind_is_the_callers_error(said: Any) -> None:
    """It says what was expected."""
    with pytest.raises(UsageError, match=r"input is a .* must be text, a UserMessage"):
        await scripted("ok").run(said)


async def test_a_history_that_holds_no_messages_is_the_callers_error() -> None:
    """It names the place."""
    with pytest.raises(UsageError, match=r"history\[0\] is a str"):
        await scripted("ok").run("x", history=cast("Any", ["text"]))


async def test_nothing_to_answer_is_the_callers_error() -> None:
    """There is no input, and no history either."""
    with pytest.raises(UsageError):
        await scripted("ok").run([])


async def test_a_failure_is_raised_with_the_partial_result() -> None:
    """The partial answer stays in the messages (LOOP-034)."""
    with pytest.raises(RunFailed, match=r"^stream_truncated: cut") as raised:
        await scripted(Reply("par", Fail("stream_truncated", "cut"))).run("hi")
    result = raised.value.result
    assert "failed" == result.outcome
    assert "par" == result.text
    assert "stream_truncated" == raised.value.error.code
    assert "error" == result.new_messages[0].stop_reason


async def test_a_transient_failure_before_content_is_tried_again_after_the_delay() -> None:
    """Half a second, then one; without chance nothing is taken away (CTRL: retry)."""
    agent = scripted(Fail("overloaded"), Fail("rate_limited"), "ok", retry=Retry(jitter=0))
    events = await collect(agent.start("hi"))
    retries = [event for event in events if event.type == "retry_scheduled"]
    assert [500, 1000] == [event.delay_ms for event in retries]
    assert [0, 500] == [event.at - NOW for event in retries]
    assert NOW + 1500 == events[-1].at


async def test_chance_is_drawn_once_for_each_computed_delay() -> None:
    """And for nothing else, so that a list of numbers can be handed in (CTRL-027)."""
    numbers = iter([0.0, 1.0])
    world = environment()
    world = Environment(clock=world.clock, random=lambda: next(numbers), new_id=world.new_id)
    agent = scripted(
        Fail("overloaded"),
        Fail("rate_limited", retry_after_ms=10),
        Fail("overloaded"),
        [Call("echo", text="x")],
        "ok",
        tools=[echo],
        environment=world,
    )
    events = await collect(agent.start("hi"))
    retries = [event.delay_ms for event in events if event.type == "retry_scheduled"]
    assert [500, 10, 1500] == retries


async def test_the_servers_word_on_waiting_wins() -> None:
    """It is waited for as it is, without jitter."""
    agent = scripted(Fail("rate_limited", retry_after_ms=7000), "ok")
    events = await collect(agent.start("hi"))
    assert NOW + 7000 == events[-1].at


async def test_retries_end() -> None:
    """Three, and then the run has failed."""
    agent = scripted(*[Fail("overloaded")] * 5)
    with pytest.raises(RunFailed):
        await agent.run("hi")
    assert 4 == len(model_of(agent).requests)
    assert 1 == model_of(agent).remaining


async def test_a_failure_for_good_is_not_tried_again() -> None:
    """What will not pass does not."""
    agent = scripted(Fail("authentication"), "ok")
    with pytest.raises(RunFailed):
        await agent.run("hi")
    assert 1 == len(model_of(agent).requests)


async def test_usage_and_cost_are_summed() -> None:
    """Over turns; with a price they cost (LOOP-037, LOOP-041)."""
    model = ScriptedModel(
        [
            Reply(Call("echo", text="x"), usage=Usage(input=100, output=10)),
            Reply("ok", usage=Usage(input=200, output=20)),
        ],
        price=Price(input=1, output=10),
    )
    result = await Agent(model, tools=[echo], environment=environment()).run("go")
    assert Usage(input=300, output=30) == result.usage
    assert result.cost is not None
    assert ("known", 0.0006) == (result.cost.state, result.cost.usd)


async def test_without_a_price_there_is_no_cost() -> None:
    """Unknown is not zero (LOOP-038, LOOP-041)."""
    result = await scripted("ok").run("x")
    assert result.cost is None
    assert Usage() == result.usage


async def test_a_limit_is_an_outcome() -> None:
    """The last turn's calls run, and then it is over (LOOP-030, LOOP-044)."""
    agent = scripted(*[Call("echo", text="x")] * 3, tools=[echo], limits=Limits(max_turns=2))
    result = await agent.run("go")
    assert "max_turns" == result.outcome
    assert [(None, "x")] * 2 == results(result)
    assert 2 == len(model_of(agent).requests)


async def test_an_agent_stops_after_fifty_turns_by_default() -> None:
    """A loop without any bound costs money."""
    agent = Agent(
        ScriptedModel(lambda _: Call("echo", text="x")), tools=[echo], environment=environment()
    )
    result = await agent.run("go")
    assert "max_turns" == result.outcome
    assert 50 == len(model_of(agent).requests)


async def test_a_deadline_counts_from_the_start() -> None:
    """By the run's clock (LOOP-047)."""
    agent = scripted(
        [Wait(1500), Call("echo", text="x")], "ok", tools=[echo], limits=Limits(deadline_s=1.5)
    )
    assert "deadline_exceeded" == (await agent.run("go")).outcome


async def test_a_cost_limit_without_a_price_is_the_callers_error() -> None:
    """It could not be watched (LOOP-053)."""
    agent = scripted("ok", limits=Limits(max_cost_usd=1))
    with pytest.raises(UsageError, match=r"(?i)price"):
        await agent.run("go")
    assert [] == model_of(agent).requests


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "context_window_exceeded", "unknown"])
async def test_an_incomplete_answer_is_an_outcome_and_runs_no_calls(stop: Any) -> None:
    """Even if their arguments are complete (LOOP-022, LOOP-024)."""
    agent = scripted(Reply("x", Call("echo", text="y"), stop_reason=stop), tools=[echo])
    result = await agent.run("go")
    assert "incomplete" == result.outcome
    assert [
        ("not_executed", f'The call was not executed because the answer ended with "{stop}".')
    ] == results(result)


async def test_a_paused_turn_goes_on() -> None:
    """The answer is sent back as it is (LOOP-023)."""
    agent = scripted(Reply("wait", stop_reason="pause_turn"), "done")
    result = await agent.run("go")
    assert "completed" == result.outcome
    assert ["user", "assistant"] == [m.role for m in model_of(agent).requests[1].messages]


class City(BaseModel):
    """A city."""

    name: str
    people: int


@dataclass
class Point:
    """A point."""

    x: int
    y: int = 0


async def test_an_output_is_given_as_the_type_that_was_asked_for() -> None:
    """Validated at the natural end (LOOP-055)."""
    agent = scripted('{"name": "Rom', output=City)
    agent = scripted(Say('{"name": "Rome",', ' "people": 3}'), output=City)
    result = await agent.run("where?")
    assert City(name="Rome", people=3) == result.output
    config = model_of(agent).requests[0].config
    assert config.output is not None
    assert "City" == config.output.name
    assert ["name", "people"] == config.output.json_schema["required"]


async def test_an_output_may_be_a_dataclass_or_a_schema() -> None:
    """A schema gives the object itself."""
    assert Point(1, 0) == (await scripted('{"x": 1}', output=Point).run("?")).output
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    assert {"x": 1} == (await scripted('{"x": 1}', output=schema).run("?")).output


async def test_an_invalid_output_is_repaired_once() -> None:
    """The model is told what is wrong; nothing is coerced (LOOP-056)."""
    agent = scripted('{"x": "1"}', '{"x": 1}', output=Point)
    result = await agent.run("?")
    assert Point(1) == result.output
    repair = model_of(agent).requests[1].messages[-1]
    assert isinstance(repair, UserMessage)
    assert isinstance(repair.content[0], TextBlock)
    first, second = repair.content[0].text.split("\n")
    assert first.startswith("The output is invalid: /x: ")
    assert "Answer again with a valid output." == second


async def test_an_output_that_stays_invalid_fails_the_run() -> None:
    """Once is enough (LOOP-057)."""
    with pytest.raises(RunFailed) as raised:
        await scripted("no", "no", output=Point).run("?")
    assert "output_invalid" == raised.value.error.code
    assert raised.value.result.output is None


async def test_an_output_that_is_no_object_is_the_callers_error() -> None:
    """The dialects carry objects only."""
    with pytest.raises(UsageError, match="it must be"):
        scripted("1", output=int)


async def test_instructions_are_sent() -> None:
    """As one block."""
    agent = scripted("ok", instructions="Be brief.")
    await agent.run("x")
    assert [TextBlock(text="Be brief.")] == model_of(agent).requests[0].config.instructions


async def test_instructions_may_be_a_callable_over_the_dependencies() -> None:
    """Sync or async, asked for each run."""

    async def later(name: str) -> str:
        return f"You are {name}."

    agent = scripted("ok", "ok", instructions=later)
    await agent.run("x", deps="Ann")
    await agent.run("x", deps="Bob")
    texts = [request.config.instructions for request in model_of(agent).requests]
    assert [[TextBlock(text="You are Ann.")], [TextBlock(text="You are Bob.")]] == texts
    agent = scripted("ok", instructions=lambda deps: [TextBlock(text=str(deps))])
    await agent.run("x", deps=1)
    assert [TextBlock(text="1")] == model_of(agent).requests[0].config.instructions


async def test_instructions_that_fail_are_the_callers_error() -> None:
    """The run does not begin."""

    def broken(deps: object) -> str:
        raise ValueError("no")

    agent = scripted("ok", instructions=broken)
    with pytest.raises(UsageError, match="the instructions callable failed: no"):
        await agent.run("x")


async def test_dependencies_reach_the_tools() -> None:
    """Through the context, which also names call and run."""
    seen: list[object] = []

    @tool
    async def look(context: ToolContext[dict[str, int]], key: str) -> int:
        seen.append((context.call_id, context.run_id, context.arguments_text))
        return context.deps[key]

    agent = scripted(Call("look", '{"key":  "a"}', id="c"), "ok", tools=[look])
    result = await agent.run("x", deps={"a": 7}, run_id="r")
    assert [(None, "7")] == results(result)
    assert [("c", "r", '{"key":  "a"}')] == seen


async def test_dependencies_that_a_tool_needs_must_be_handed_in() -> None:
    """The message names tool and type."""

    @tool
    async def look(context: ToolContext[City]) -> str:
        return context.deps.name

    with pytest.raises(UsageError, match="tool look needs dependencies of type City"):
        await scripted("ok", tools=[look]).run("x")


async def test_a_tool_choice_is_sent() -> None:
    """By its word, or as a record; engine and dialect see to the first turn."""
    agent = scripted("ok", "ok", tools=[echo])
    await agent.run("x", tool_choice="required")
    await agent.run("x", tool_choice=ToolChoiceTool(name="echo"))
    choices = [request.config.tool_choice for request in model_of(agent).requests]
    assert [ToolChoiceRequired(), ToolChoiceTool(name="echo")] == choices
    with pytest.raises(UsageError, match="tool_choice is 'echo'"):
        await agent.run("x", tool_choice=cast("Any", "echo"))


async def test_a_run_carries_the_id_that_the_caller_gives() -> None:
    """In its events and its result (LOOP-003)."""
    handle = scripted("ok").start("x", run_id="mine")
    events = await collect(handle)
    assert {"mine"} == {event.run_id for event in events}
    assert "mine" == handle.run_id == (await handle.result()).run_id


async def test_messages_of_events_belong_to_their_reader() -> None:
    """What a reader does to them changes no request and no result (LOOP-006)."""
    agent = scripted(Call("echo", text="x"), "ok", tools=[echo])
    handle = agent.start("go")
    async for event in handle.events():
        match event.type:
            case "message_end":
                event.message.content.clear()
            case "turn_end":
                event.tool_results.clear()
            case "agent_end":
                event.new_messages.clear()
            case _:
                pass
    assert [1, 1, 1] == [len(m.content) for m in model_of(agent).requests[1].messages]
    assert [1, 1, 1] == [len(m.content) for m in (await handle.result()).new_messages]


async def test_queued_messages_enter_between_turns() -> None:
    """Steering first; a follow-up when the run would otherwise end (CTRL: queues)."""
    agent = scripted(Call("echo", text="x"), "one", "two", tools=[echo])
    handle = agent.start("go")
    handle.follow_up("and?")
    handle.steer("quick")
    result = await handle.result()
    said = [
        "".join(block.text for block in message.content if isinstance(block, TextBlock))
        for message in result.new_messages
        if message.role == "user"
    ]
    assert ["quick", "and?"] == said
    assert "two" == result.text


async def test_all_queued_messages_may_enter_at_once() -> None:
    """When the run is started so."""
    agent = scripted("one", "two")
    handle = agent.start("go", steering_mode="all")
    handle.steer("a")
    handle.steer("b")
    result = await handle.result()
    assert ["assistant", "user", "user", "assistant"] == [m.role for m in result.new_messages]


async def test_many_runs_of_one_agent_do_not_mix() -> None:
    """An agent holds no conversation (LOOP-050)."""

    def answer(sent: Any) -> Any:
        question = sent.messages[0].content[0].text
        return Call("echo", text=question) if len(sent.messages) == 1 else Say(*question)

    agent = Agent(ScriptedModel(answer), tools=[echo], environment=environment())

    async def one(number: int) -> None:
        result = await agent.run(f"question {number}")
        assert f"question {number}" == result.text
        assert [(None, f"question {number}")] == results(result)

    await asyncio.gather(*(one(number) for number in range(200)))


async def test_a_model_that_breaks_the_seam_fails_the_run_in_order() -> None:
    """What it raised is the cause; the events still end."""

    def broken(_: object) -> str:
        raise KeyError("oops")

    handle = Agent(ScriptedModel(broken), environment=environment()).start("x")
    assert ["turn_end", "agent_end"] == types(await collect(handle))[-2:]
    with pytest.raises(RunFailed) as raised:
        await handle.result()
    assert "internal" == raised.value.error.code
    assert isinstance(raised.value.__cause__, KeyError)


async def test_a_script_that_is_too_short_fails_the_run() -> None:
    """And says so."""
    with pytest.raises(RunFailed, match="The script has 0 replies, and this is call 1"):
        await scripted().run("x")


async def test_a_run_in_a_thread_needs_no_async_code() -> None:
    """Also where a loop is running already."""
    agent = scripted(Call("save", text="x"), "ok", tools=[save])
    assert "ok" == agent.run_sync("go").text
    with pytest.raises(RunFailed):
        agent.run_sync("again")


async def test_results_and_events_say_the_same() -> None:
    """`agent_end` and the result (LOOP-031)."""
    handle = scripted(Reply("x", stop_reason="max_tokens")).start("go")
    end = (await collect(handle))[-1]
    assert end.type == "agent_end"
    result = await ended(handle)
    for name in ("outcome", "new_messages", "usage", "cost", "stop_reason", "error", "undelivered"):
        assert getattr(end, name) == getattr(result, name), name
    assert json.loads(end.model_dump_json())["outcome"] == "incomplete"
