"""Write everything that is derived from the contract, or check that it is up to date.

    python contract/tooling/generate.py            write
    python contract/tooling/generate.py --check    compare byte for byte; exit 1 on a difference

The contract is linted as well: it must keep its own rules for the rest to be derived from it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import contract_lint
import python_models

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS = {
    # folder that holds nothing but generated files -> what renders it
    Path("sdk/isoloop/contract"): python_models.render,
}


def main(arguments: list[str]) -> int:
    """Run the command line; the result is the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__)
        return 2
    problems = contract_lint.lint(ROOT / "contract")
    if problems:
        print(*problems, sep="\n")
        print("The contract breaks its own rules: mend the files above.")
    drifted: list[str] = []
    for folder, render in PRODUCTS.items():
        drifted += update(folder, render(ROOT / "contract"), write=not arguments)
    if drifted:
        print(*drifted, sep="\n")
        print("Generated files do not match the contract: run `nox -s generate` and commit.")
    return 1 if problems or drifted else 0


def update(folder: Path, wanted: dict[str, str], *, write: bool) -> list[str]:
    """Make `folder` hold exactly the `wanted` files, or say in what it differs."""
    present = {p.relative_to(ROOT / folder).as_posix() for p in _files(ROOT / folder)}
    problems: list[str] = []
    for name, text in sorted(wanted.items()):
        path = ROOT / folder / name
        data = text.encode()
        if name in present and path.read_bytes() == data:
            continue
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        else:
            problems.append(f"{folder / name}: {'stale' if name in present else 'missing'}")
    for name in sorted(present - wanted.keys()):
        if write:
            (ROOT / folder / name).unlink()
        else:
            problems.append(f"{folder / name}: extra")
    return problems


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
