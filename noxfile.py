"""The one door to every check, locally and in CI.

    python3 noxfile.py -s tests          sets up what is needed, then is the same as
    nox -s tests

Run as a script, this file needs nothing but Python 3.11 or later: it makes a private environment in
`.nox/bootstrap`, installs nox and uv there, and hands its arguments to nox.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit(
        f"isoloop needs Python 3.11 or later; {sys.executable} is {sys.version.split()[0]}.\n"
        "Run the same command with a newer one, for example: python3.11 noxfile.py -s tests"
    )

ROOT = Path(__file__).resolve().parent
BOOTSTRAP = ROOT / ".nox" / "bootstrap"
BOOTSTRAP_NEEDS = ["nox>=2025.5.1", "uv>=0.8"]

# Nothing is downloaded but packages: a missing interpreter is reported, not fetched.
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
os.environ.setdefault("NOX_DOWNLOAD_PYTHON", "never")


def bootstrap(arguments: list[str]) -> None:
    """Run nox from the private environment, which is made first where it is missing or outdated."""
    python = BOOTSTRAP / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = BOOTSTRAP / "made-for"
    wanted = "\n".join([sys.version, sys.base_prefix, *BOOTSTRAP_NEEDS])
    if not stamp.is_file() or stamp.read_text("utf-8") != wanted:
        print("Setting up nox in .nox/bootstrap (once) ...", file=sys.stderr, flush=True)
        shutil.rmtree(BOOTSTRAP, ignore_errors=True)
        install = make_environment(python)
        run_or_exit([*install, "install", "--quiet", *BOOTSTRAP_NEEDS])
        stamp.write_text(wanted, "utf-8")
    command = [str(python), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *arguments]
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(python, command)  # noqa: S606 -- nox takes this process over


def make_environment(python: Path) -> list[str]:
    """Make an empty environment; return the pip command that installs into it.

    A Debian Python may come without `ensurepip`, and its pip refuses to install for the whole
    system (PEP 668): it may well install into an environment.
    """
    quiet = ["--quiet", "--disable-pip-version-check"]
    if has("venv") and has("ensurepip"):
        run_or_exit([sys.executable, "-m", "venv", str(BOOTSTRAP)])
        return [str(python), "-m", "pip", *quiet]
    if has("venv") and has("pip"):
        run_or_exit([sys.executable, "-m", "venv", "--without-pip", str(BOOTSTRAP)])
        return [sys.executable, "-m", "pip", *quiet, "--python", str(python)]
    sys.exit(
        f"{sys.executable} can make no virtual environment: it lacks `venv`, or both `ensurepip` "
        "and `pip`.\nOn Debian or Ubuntu: apt-get install python3-venv"
    )


def has(module: str) -> bool:
    """Whether this interpreter can run the module, which a distribution may have left out."""
    option = "--help" if module == "venv" else "--version"
    command = [sys.executable, "-I", "-m", module, option]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run_or_exit(command: list[str]) -> None:
    """Run a command; where it fails, end with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(BOOTSTRAP, ignore_errors=True)
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    bootstrap(sys.argv[1:])

import nox  # noqa: E402 -- comes with the bootstrap

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests", "conformance", "drift"]

PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


def install(session: nox.Session, *groups: str, extras: str = "") -> None:
    """Install the project from the tree, and the named dependency groups."""
    project = ["-e", "." + extras] if extras else []
    session.install(*project, *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, layout, the direction of dependencies, and the repository itself."""
    install(session, "lint", "tests", extras="[conformance,fast]")
    session.run("ruff", "check", "--quiet")
    session.run("ruff", "format", "--check", "--quiet")
    session.run("lint-imports", "--no-cache", silent=True)
    session.run("pytest", "tests/repo", "-m", "not slow", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, and the types that users see."""
    install(session, "types", "tests", "lint", "generate", extras="[conformance,fast]")
    python = Path(session.bin) / "python"
    session.run("pyright", "--pythonpath", str(python), *session.posargs, silent=True)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the project's own tests; arguments go to pytest."""
    install(session, "tests", "generate", extras="[conformance,fast]")
    session.run("pytest", *session.posargs)


@nox.session
def conformance(session: nox.Session) -> None:
    """Run the suite, against the reference SDK when no driver is named."""
    install(session, extras="[conformance,fast]")
    session.run("isoloop", "conformance", *session.posargs)


@nox.session
def record(session: nox.Session) -> None:
    """Record cassettes, from the provider twin unless `-- --live` says otherwise."""
    install(session, extras="[conformance,fast]")
    session.run("isoloop", "record", *session.posargs)


@nox.session
def generate(session: nox.Session) -> None:
    """Write what is derived from the contract; with `-- --check`, compare instead."""
    install(session, "generate")
    session.run("python", "contract/tooling/generate.py", *session.posargs)


@nox.session
def drift(session: nox.Session) -> None:
    """Check that what is derived from the contract, and recorded from the twin, is up to date."""
    install(session, "generate", extras="[conformance,fast]")
    session.run("python", "contract/tooling/generate.py", "--check")
    session.run("isoloop", "record", "--check", silent=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure CPU time beside yardsticks and peers; `-- --quick` takes less than two minutes."""
    install(session, "bench", extras="[conformance,fast]")
    session.run("python", "-m", "tests.bench", *session.posargs)
