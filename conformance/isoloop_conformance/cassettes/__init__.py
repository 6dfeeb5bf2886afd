"""Cassettes: recorded HTTP exchanges, in YAML that vcrpy reads too.

The format is `contract/suite/cassette.json`; what may be in a cassette is told in
`cassettes/README.md`.
"""

from isoloop_conformance.cassettes.file import (
    Arrival,
    Cassette,
    CassetteError,
    Interaction,
    Request,
    Response,
    load,
    save,
)
from isoloop_conformance.cassettes.lint import lint
from isoloop_conformance.cassettes.secrets import find_secrets, redact

__all__ = [
    "Arrival",
    "Cassette",
    "CassetteError",
    "Interaction",
    "Request",
    "Response",
    "find_secrets",
    "lint",
    "load",
    "redact",
    "save",
]
