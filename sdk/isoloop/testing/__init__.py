"""Aids for tests: a scripted model, a virtual clock, and a switch that forbids real model calls."""

from isoloop.testing.clock import VirtualClock
from isoloop.testing.forbid import forbid_model_calls
from isoloop.testing.scripted import (
    Call,
    Fail,
    Gate,
    Hold,
    Reply,
    Say,
    ScriptedModel,
    Sent,
    Think,
    Wait,
)

__all__ = [
    "Call",
    "Fail",
    "Gate",
    "Hold",
    "Reply",
    "Say",
    "ScriptedModel",
    "Sent",
    "Think",
    "VirtualClock",
    "Wait",
    "forbid_model_calls",
]
