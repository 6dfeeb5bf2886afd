"""The tree shows the architecture, and its files stay small."""

from __future__ import annotations

import ast
import re

from tests.repo.tree import CODE, GENERATED, ROOT, files, named, syntax_of, text_of, under

TOP_LEVEL = {
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "NOTICE", "README.md", "SECURITY.md"),
    *("cassettes", "conformance", "contract", "docs", "sdk", "tests"),
    *("noxfile.py", "pyproject.toml"),
    *(".ci", ".editorconfig", ".gitattributes", ".github", ".gitignore"),
}
NOT_NAMES = {"utils", "helpers", "common", "base", "manager"}
LINES_OF_FILE = 700
LINES_OF_FUNCTION = 80

# Written so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.])/(work|farm|root)/[a-z.]")
REGISTRY = re.compile(
    r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|crates[.]io/api|index[.]crates[.]io"
    r"|static[.]crates[.]io|proxy[.]golang|repo1?[.]maven|deb[.]debian[.]org"
    r"|\"resolved\": *\"https?://|registry[+]https?://|--(extra-)?index-url[ =]+https?://"
)


def test_the_top_level_holds_only_what_belongs_there() -> None:
    """A new name at the top is a decision about the architecture."""
    assert set() == {path.relative_to(ROOT).parts[0] for path in files()} - TOP_LEVEL


def test_files_are_one_job_long() -> None:
    """A hand-written file past 700 lines wants to be split."""
    code = [*under("sdk", "conformance", "contract", "tests", suffix=CODE), ROOT / "noxfile.py"]
    lengths = {named(path): len(text_of(path).splitlines()) for path in code}
    assert {} == {name: n for name, n in lengths.items() if n > LINES_OF_FILE}


def test_functions_are_one_thought_long() -> None:
    """A hand-written function past 80 lines wants to be split."""
    functions = (
        (f"{named(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1)
        for path in under("sdk", "conformance", "contract", "tests", suffix=".py")
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    )
    assert {} == {name: n for name, n in functions if n > LINES_OF_FUNCTION}


def test_tests_say_what_is_true() -> None:
    """Each test has a docstring."""
    silent = {
        f"{named(path)}:{node.lineno} {node.name}"
        for path in under("tests", suffix=".py")
        for node in ast.walk(syntax_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    }
    assert set() == silent


def test_modules_have_names_that_say_something() -> None:
    """`utils` is not a name."""
    modules = under("sdk", "conformance", "tests", suffix=".py")
    assert [] == [named(path) for path in modules if path.stem.strip("_") in NOT_NAMES]


def test_no_file_names_a_machine_or_a_registry() -> None:
    """What is committed works elsewhere: no path of a machine, no address of a registry."""
    found = {
        f"{named(path)}:{number}: {line.strip()[:80]}"
        for path in files()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if MACHINE_PATH.search(line) or REGISTRY.search(line)
    }
    assert set() == found


def test_generated_files_say_that_they_are() -> None:
    """Each file in a generated folder names its source and says not to edit it."""
    generated = [path for path in files() if GENERATED in path.parents]
    assert generated
    for path in generated:
        first = text_of(path).splitlines()[0]
        assert re.fullmatch(r"# Generated from (contract/\S+) by \S+; do not edit\.", first), path
        assert (ROOT / first.split()[3]).exists(), path


def test_the_noxfile_can_say_which_python_it_needs() -> None:
    """An old Python can parse it, so that it gets the message and not a syntax error."""
    ast.parse(text_of(ROOT / "noxfile.py"), feature_version=(3, 7))
