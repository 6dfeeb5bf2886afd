"""The replay server: a provider on loopback that answers as a case says, byte for byte."""

from isoloop_conformance.replay.edits import PlanError
from isoloop_conformance.replay.plan import ReplayPlan
from isoloop_conformance.replay.server import ReplayServer

__all__ = ["PlanError", "ReplayPlan", "ReplayServer"]
