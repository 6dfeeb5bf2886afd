"""`isoloop record`: record cassettes from the provider twin, or from a real provider."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from isoloop_conformance.cassettes import CassetteError, load, save
from isoloop_conformance.cassettes.file import render
from isoloop_conformance.cli.options import Parser, Target, add_target, target
from isoloop_conformance.loader import CasesError, load_cases, load_requirements
from isoloop_conformance.places import places
from isoloop_conformance.record import (
    STANDARD,
    CassetteOutcome,
    LiveProvider,
    Recorder,
    RecordError,
    Source,
    TwinProvider,
    cassette_name,
    live_variant,
    twin_variant,
)
from isoloop_conformance.twin import twin_named
from isoloop_conformance.values import model_name
from isoloop_conformance.variants import DIALECTS, Variant, expand, selected
from isoloop_conformance.verdicts import EXIT_FAILED, EXIT_GREEN, EXIT_HARNESS, EXIT_USAGE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from isoloop_conformance.cassettes import Cassette
    from isoloop_conformance.exact_json import JsonObject

# A model may think for long before anything comes.
_LIVE_INACTIVITY_S = 120.0


@dataclass(frozen=True)
class Vendor:
    """Who speaks a dialect: the address, the key's variable, the model that is asked by default."""

    origin: str
    variable: str
    header: str
    model: str

    def credentials(self, key: str) -> dict[str, str]:
        """Return the header that carries a key."""
        return {self.header: f"Bearer {key}" if self.header == "authorization" else key}


_OPENAI = Vendor("https://api.openai.com", "OPENAI_API_KEY", "authorization", "gpt-5-mini")
VENDORS: Mapping[str, Vendor] = {
    "anthropic-messages": Vendor(
        "https://api.anthropic.com", "ANTHROPIC_API_KEY", "x-api-key", "claude-haiku-4-5"
    ),
    "openai-chat": _OPENAI,
    "openai-responses": _OPENAI,
}


def run_record(arguments: Sequence[str]) -> int:
    """Run the command; the result is the exit code."""
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        aim = target(parser, options)
        jobs = _jobs(parser, options)
    except SystemExit as ended:
        return int(ended.code or 0)
    except CasesError as error:
        print(error, file=sys.stderr)
        return EXIT_HARNESS
    if options.live:
        options.inactivity = max(options.inactivity, _LIVE_INACTIVITY_S)
    return asyncio.run(_Session(options, aim).run(jobs))


def _parser() -> Parser:
    parser = Parser(
        prog="isoloop record",
        description="Run cases and write what goes over the wire as cassettes. Without --live the "
        "provider twin answers, and no key is needed. Nothing is written of a run that fails.",
        epilog=f"Without --case: {', '.join(STANDARD)}; of the twin also what is there already.",
    )
    add_target(parser)
    add = parser.add_argument
    text = "cases whose id matches, with or without the variant's suffix"
    add("--case", action="append", default=[], metavar="GLOB", help=text)
    add("--dialect", action="append", default=[], choices=DIALECTS, help="only these dialects")
    text = "compare with the cassettes that are there, and write nothing"
    add("--check", action="store_true", help=text)
    variables = " or ".join(sorted({v.variable for v in VENDORS.values()}))
    text = f"ask the real provider; costs money, needs {variables}"
    add("--live", action="store_true", help=text)
    add("--model", metavar="NAME", help="the model that a real provider is asked for")
    text = "the real provider's base URL, if not the vendor's own"
    add("--base-url", metavar="URL", help=text)
    add("--force", action="store_true", help="overwrite also what is no recording of the twin")
    text = "where cassettes are (default: the suite's, or ./cassettes where that is installed)"
    add("--into", type=Path, default=None, metavar="FOLDER", help=text)
    return parser


def _jobs(parser: Parser, options: argparse.Namespace) -> list[Variant]:
    """Return the variants to record."""
    if options.check and (options.live or options.force):
        parser.error("--check is of the twin's recordings: without --live, without --force")
    if not options.live and (options.model or options.base_url):
        parser.error("--model and --base-url need --live")
    if options.base_url and len(options.dialect) != 1:
        parser.error("--base-url is of one provider: name its --dialect")
    options.into = options.into or _folder(check=options.check)
    requirements = load_requirements(places().contract / "requirements")
    every = [v for case in load_cases(places().cases, requirements) for v in expand(case)]
    dialects = options.dialect or DIALECTS
    chosen = [v for v in selected(every, options.case or STANDARD) if v.dialect in dialects]
    if not options.case:
        chosen = [v for v in chosen if v.delivery == "sse"]
    if not options.case and not options.live:
        chosen += _committed(parser, options, every, chosen)
    for pattern in options.case:
        if not selected(chosen, [pattern]):
            parser.error(f"no case matches `{pattern}`; `isoloop conformance --list` shows them")
    return chosen


def _folder(*, check: bool) -> Path:
    """Return the folder of cassettes: the suite's own, but nothing is written into a package."""
    own = places().cassettes
    return own if check or (own.parent / "noxfile.py").is_file() else Path("cassettes")


def _committed(
    parser: Parser, options: argparse.Namespace, every: list[Variant], chosen: list[Variant]
) -> list[Variant]:
    """Return the variants of the twin's other cassettes: what is there is kept up to date."""
    found = {(v.dialect, cassette_name(v, "twin")): v for v in every}
    known = {v.id for v in chosen}
    more: list[Variant] = []
    for dialect in options.dialect or DIALECTS:
        folder = options.into / dialect
        for file in sorted(folder.glob("twin/*.yaml")):
            variant = found.get((dialect, f"twin/{file.stem}"))
            if variant is None:
                parser.error(f"{file} is the recording of no case: rename or remove it")
            if variant.id not in known:
                more.append(variant)
    return more


class _Session:
    """One call of the command."""

    def __init__(self, options: argparse.Namespace, aim: Target) -> None:
        self._options = options
        self._command = aim.command
        self._live: bool = options.live
        self._kind = "live" if options.live else "twin"
        self._problems = 0
        self._made = 0

    async def run(self, jobs: list[Variant]) -> int:
        """Record everything, and say what came of it."""
        missing = {VENDORS[v.dialect].variable for v in jobs if not self._key(v.dialect)}
        if self._live and missing:
            print(
                f"isoloop record: not set: {', '.join(sorted(missing))}; --live needs a key of "
                "each vendor that it asks: set it, or choose with --dialect",
                file=sys.stderr,
            )
            return EXIT_USAGE
        for dialect in dict.fromkeys(v.dialect for v in jobs):
            await self._dialect(dialect, [v for v in jobs if v.dialect == dialect])
        if self._options.check and not self._problems:
            print(f"{self._made} recordings of the twin are up to date")
        return EXIT_FAILED if self._problems else EXIT_GREEN

    async def _dialect(self, dialect: str, jobs: list[Variant]) -> None:
        variants = [made for job in jobs if (made := self._prepared(job)) is not None]
        if not variants:
            return
        vendor = VENDORS[dialect]
        uri = self._options.base_url or vendor.origin + twin_named(dialect).base_path
        key = self._key(dialect)
        recorder = Recorder(
            self._command,
            partial(LiveProvider.start, uri, vendor.credentials(key))
            if self._live
            else partial(TwinProvider.start, places().cassettes),
            Source(uri.rstrip("/"), partial(self._provenance, uri), live=self._live, secret=key),
            self._options.inactivity,
        )
        async for outcome in recorder.record(variants):
            self._take(outcome)

    def _prepared(self, job: Variant) -> Variant | None:
        """Return what is run for a job; None if nothing is."""
        path = self._path(job)
        try:
            self._refuse_to_overwrite(path)
            if not self._live:
                return twin_variant(job)
            return live_variant(job, self._options.model or VENDORS[job.dialect].model)
        except RecordError as error:
            if self._live and not self._options.case and not path.exists():
                print(f"left out: {error}")
            else:
                self._problem(str(error))
            return None

    def _refuse_to_overwrite(self, path: Path) -> None:
        """Keep what would be lost: the twin says the same again, nothing else does."""
        if self._options.check or self._options.force or not path.exists():
            return
        try:
            kind = load(path).provenance["kind"]
        except CassetteError as error:
            raise RecordError(f"{error}; --force overwrites it") from None
        if not kind == "twin" == self._kind:
            text = f"{self._shown(path)} exists and is `{kind}`; --force overwrites it"
            raise RecordError(text)

    def _take(self, outcome: CassetteOutcome) -> None:
        path, cassette = self._path(outcome.variant), outcome.cassette
        if cassette is None:
            wanted = self._options.case or path.exists()
            if outcome.claimed or wanted:
                self._problem(f"{outcome.variant.id}: {outcome.problem}")
            return
        self._made += 1
        if self._options.check:
            self._compare(path, cassette)
            return
        save(path, cassette)
        count = len(cassette.interactions)
        print(f"{self._shown(path)}: {count} exchange{'s' if count > 1 else ''}")

    def _compare(self, path: Path, cassette: Cassette) -> None:
        there = path.read_text("utf-8") if path.exists() else None
        if there != render(cassette):
            how = "is missing" if there is None else "differs from what the twin says today"
            self._problem(f"{self._shown(path)} {how}: run `nox -s record` and commit")

    def _provenance(self, uri: str, variant: Variant) -> JsonObject:
        if not self._live:
            return {
                "kind": "twin",
                "model": model_name(variant.case),
                "note": f"Recorded from the provider twin with the case `{variant.case_id}`.",
            }
        today = datetime.now(UTC).date()  # noqa: TID251 -- the day of a recording is a fact
        return {
            "kind": "live",
            "provider": urlsplit(uri).hostname,
            "model": model_name(variant.case),
            "date": today.isoformat(),
            "note": f"Recorded with the agent and the input of the case `{variant.case_id}`.",
        }

    def _key(self, dialect: str) -> str:
        return os.environ.get(VENDORS[dialect].variable, "").strip() if self._live else ""

    def _path(self, variant: Variant) -> Path:
        folder: Path = self._options.into
        return folder / variant.dialect / f"{cassette_name(variant, self._kind)}.yaml"

    def _shown(self, path: Path) -> str:
        return path.relative_to(self._options.into).as_posix()

    def _problem(self, text: str) -> None:
        self._problems += 1
        print(text, file=sys.stderr)
