"""Find the recorded exchange that a case names, and say what does not fit.

Of the request that was recorded, method, path and delivery must be the case's; what it said is
judged by the case itself (`expect.requests`), never against the recording.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from isoloop_conformance.cassettes import load
from isoloop_conformance.replay.edits import Body, PlanError, as_frames, edit
from isoloop_conformance.twin import twin_named

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from isoloop_conformance.cassettes import Interaction
    from isoloop_conformance.exact_json import JsonObject
    from isoloop_conformance.frames import Frame

# Edits that leave the recorded pieces as they are.
_AS_IT_ARRIVED = {"end", "gzip", "rechunk"}


def recorded(cassettes: Path, dialect: str, delivery: str, wanted: JsonObject) -> Interaction:
    """Return the exchange that `wanted` names.

    Raises:
        PlanError: There is none, or it does not fit the dialect or the delivery.
        CassetteError: The file is no cassette.
    """
    name = str(wanted["name"])
    number = int(wanted.get("interaction", 0))
    path = cassettes / dialect / f"{name}.yaml"
    if not path.is_file():
        raise _unknown(cassettes, dialect, name)
    interactions = load(path).interactions
    if number >= len(interactions):
        last = len(interactions) - 1
        have = "only interaction 0" if last == 0 else f"interactions 0 to {last}"
        raise PlanError(
            f"cassette `{name}` has no interaction {number}", f"{dialect} recorded {have}"
        )
    found = interactions[number]
    what = f"interaction {number} of cassette `{name}`"
    _check_target(what, found, dialect)
    if found.response.status < 300:
        _check_delivery(what, found, delivery)
    return found


def frames_of(found: Interaction, edits: Sequence[JsonObject]) -> list[Frame]:
    """Return the recorded body, in the pieces in which it arrived where no edit counts events."""
    if found.response.arrived and all(e.keys() & _AS_IT_ARRIVED for e in edits):
        return found.response.chunks
    kind = ", ".join(found.response.headers.get("content-type", []))
    return as_frames(found.response.body, kind)


def check_edits(found: Interaction, edits: Sequence[JsonObject], dialect: str) -> None:
    """Apply edits to a recording one by one.

    Raises:
        PlanError: One cannot be applied; its number is in `place`.
    """
    body = Body(frames_of(found, edits))
    is_terminal = twin_named(dialect).is_terminal
    for i, entry in enumerate(edits):
        try:
            body = edit(body, [entry], is_terminal)
        except PlanError as error:
            error.place = i
            raise


def _unknown(cassettes: Path, dialect: str, name: str) -> PlanError:
    others = sorted(p.name for p in cassettes.glob("*") if (p / f"{name}.yaml").is_file())
    text = f"there is no cassette `{name}` of {dialect}"
    if others:
        where = " and ".join(others)
        return PlanError(text, f"{where} has it: name the dialects in `variants.dialect`")
    folder = cassettes / dialect
    known = [p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.yaml")]
    near = difflib.get_close_matches(name, known, n=3)
    if near:
        return PlanError(text, f"did you mean {' or '.join(f'`{n}`' for n in near)}?")
    return PlanError(text, f"it would be the file {dialect}/{name}.yaml below cassettes/")


def _check_target(what: str, found: Interaction, dialect: str) -> None:
    path = urlsplit(found.request.uri).path
    asked = twin_named(dialect).path
    if found.request.method != "POST" or not path.endswith(asked):
        raise PlanError(
            f"{what} answers {found.request.method} {path}, but {dialect} asks POST {asked}",
            "name a recording of the dialect, or move this one to the folder of its own",
        )


def _check_delivery(what: str, found: Interaction, delivery: str) -> None:
    kind = ", ".join(found.response.headers.get("content-type", []))
    got = "sse" if kind.startswith("text/event-stream") else "json"
    if got != delivery:
        how = {"sse": "an event stream", "json": "one JSON body"}
        raise PlanError(
            f"{what} is {how[got]}, but the variant asks for {how[delivery]}",
            f"say `variants: {{delivery: [{got}]}}`",
        )
