"""What is installed holds what is needed, and nothing else."""

from __future__ import annotations

import os
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


pytestmark = pytest.mark.slow


def test_the_wheel_ships_both_packages_and_their_data(wheel: Path) -> None:
    """Packages, contract, cases, drivers and cassettes are in; tools and fixtures are not."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {_place(name) for name in map(named, files())} - {None} == held


def test_the_suite_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """Away from the repository the command finds contract, cases, cassettes and driver."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-m", "isoloop", "conformance", "--case", "loop.single-turn"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """The wheel, built from the tree."""
    target = tmp_path / "dist"
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


def _place(name: str) -> str | None:
    """Where the wheel has a file of the tree."""
    if name.startswith(NOT_SHIPPED):
        return None
    for source, target in SHIPPED.items():
        if name.startswith(source):
            return target + name.removeprefix(source)
    return None
