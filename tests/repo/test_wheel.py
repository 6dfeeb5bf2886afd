"""What is installed holds what is needed, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, files, named

DATA = "isoloop_conformance/_data"
SHIPPED = {
    "sdk/isoloop/": "isoloop/",
    "conformance/isoloop_conformance/": "isoloop_conformance/",
    "conformance/cases/": f"{DATA}/cases/",
    "conformance/drivers/": f"{DATA}/drivers/",
    "cassettes/": f"{DATA}/cassettes/",
    "contract/": f"{DATA}/contract/",
}
NOT_SHIPPED = ("contract/tooling/", "contract/fixtures/")


@pytest.mark.slow
def test_the_wheel_ships_both_packages_and_their_data(tmp_path: Path) -> None:
    """Packages, contract, cases, drivers and cassettes are in; tools and fixtures are not."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {_place(name) for name in map(named, files())} - {None} == held


def _place(name: str) -> str | None:
    """Where the wheel has a file of the tree."""
    if name.startswith(NOT_SHIPPED):
        return None
    for source, target in SHIPPED.items():
        if name.startswith(source):
            return target + name.removeprefix(source)
    return None
