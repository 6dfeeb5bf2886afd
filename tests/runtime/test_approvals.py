"""Approvals that are answered from outside, by the handle (CTRL-040 to CTRL-044)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from isoloop import Allow, Deny, Edit, Refused, UsageError, tool
from isoloop.testing import Call
from tests.runtime.kit import collect, ended, results, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from isoloop import Event, RunHandle


@tool(requires_approval=True)
async def act(text: str) -> str:
    """Do something that somebody must allow."""
    return f"did {text}"


def _started() -> RunHandle[Any]:
    agent = scripted([Call("act", text="it")], "done", tools=[act], approve="later")
    return agent.start("go")


def _when_asked(do: Callable[[Any], None]) -> Callable[[Event, int], None]:
    def at(event: Event, number: int) -> None:
        if event.type == "approval_requested":
            do(event)

    return at


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Allow(), (None, "did it")),
        (Deny("no"), ("denied", "The call was denied: no")),
        (Edit({"text": "that"}), (None, "did that")),
    ],
)
async def test_a_decision_from_outside_is_carried_out(
    decision: Allow | Deny | Edit, expected: tuple[str | None, str]
) -> None:
    """As if a callable had made it (CTRL-040 to CTRL-042)."""
    handle = _started()
    await collect(
        handle,
        _when_asked(lambda e: handle.resolve_approval(e.approval_id, decision, digest=e.digest)),
    )
    assert [expected] == results(await ended(handle))


async def test_a_decision_is_used_once() -> None:
    """The second one changes nothing; nor does one for no approval (CTRL-043)."""
    handle = _started()
    codes: list[str] = []

    def decide(event: Any) -> None:
        for approval_id in ("nothing", event.approval_id, event.approval_id):
            try:
                handle.resolve_approval(approval_id, Allow())
            except Refused as refused:
                codes.append(refused.code)

    await collect(handle, _when_asked(decide))
    assert ["unknown_approval", "unknown_approval"] == codes
    assert [(None, "did it")] == results(await ended(handle))


async def test_a_decision_about_other_arguments_is_refused() -> None:
    """The approval stays open (CTRL-044)."""
    handle = _started()

    def decide(event: Any) -> None:
        with pytest.raises(Refused) as raised:
            handle.resolve_approval(event.approval_id, Allow(), digest="sha256:" + "0" * 64)
        assert "digest_mismatch" == raised.value.code
        with pytest.raises(UsageError, match="cannot be written as JSON"):
            handle.resolve_approval(event.approval_id, Edit({"text": object()}))  # type: ignore[dict-item] # the point
        handle.resolve_approval(event.approval_id, Deny())

    await collect(handle, _when_asked(decide))
    assert [("denied", "The call was denied.")] == results(await ended(handle))


def test_a_word_that_is_not_known_is_refused() -> None:
    """It would never be answered."""
    odd: Any = "sometimes"
    with pytest.raises(UsageError, match='a callable or "later"'):
        scripted("x", approve=odd)
