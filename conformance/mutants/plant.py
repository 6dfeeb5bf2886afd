"""Plant the defect that the environment names."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

VARIABLE = "ISOLOOP_MUTANT"


def plant_from_environment() -> None:
    """Break the SDK as `ISOLOOP_MUTANT` says; do nothing when it is not set.

    Raises:
        SystemExit: There is no such mutant. To go on would prove that the suite notices nothing.
    """
    mutant = os.environ.get(VARIABLE, "")
    if not mutant:
        return
    name = mutant.replace("-", "_")
    if name in {"__init__", "plant", "swap"} or not Path(__file__).with_name(f"{name}.py").exists():
        raise SystemExit(f"{VARIABLE}={mutant}: there is no such mutant; see catalogue.yaml")
    importlib.import_module(f"mutants.{name}").plant()
