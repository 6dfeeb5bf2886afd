# Generated from contract/schemas/common.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Any, Literal

from isoloop._model import Model
from pydantic import Field, StrictInt, StrictStr
from typing_extensions import TypeAliasType

JsonValue = TypeAliasType("JsonValue", Any)
"""Any JSON value."""


JsonObject = TypeAliasType("JsonObject", dict[str, JsonValue])
"""Any JSON object."""


JsonText = TypeAliasType("JsonText", StrictStr)
"""A complete JSON value as text. Travels as a string so that no JSON library on the way can change it."""


EpochMs = TypeAliasType(
    "EpochMs", Annotated[StrictInt, Field(ge=0, le=9007199254740991)]
)
"""A point in time: milliseconds since 1970-01-01T00:00:00Z, from an injectable clock."""


DurationMs = TypeAliasType(
    "DurationMs", Annotated[StrictInt, Field(ge=0, le=9007199254740991)]
)
"""A length of time in milliseconds."""


Seq = TypeAliasType("Seq", Annotated[StrictInt, Field(ge=1, le=9007199254740991)])
"""A position in a gap-free sequence that begins at 1."""


Turn = TypeAliasType("Turn", Annotated[StrictInt, Field(ge=1, le=9007199254740991)])
"""The number of a turn within its run, from 1."""


ContentIndex = TypeAliasType(
    "ContentIndex", Annotated[StrictInt, Field(ge=0, le=9007199254740991)]
)
"""The position of a content block within its answer, from 0."""


RunId = TypeAliasType("RunId", Annotated[StrictStr, Field(min_length=1)])
"""Identifies a run."""


CallId = TypeAliasType("CallId", Annotated[StrictStr, Field(min_length=1)])
"""Identifies a tool call. Unique within a transcript: duplicate ids are made unique when decoded (TOOL-011)."""


ApprovalId = TypeAliasType("ApprovalId", Annotated[StrictStr, Field(min_length=1)])
"""Identifies an approval."""


ToolName = TypeAliasType("ToolName", StrictStr)
"""The name of a tool, as the model wrote it. May be a name that no tool has."""


Digest = TypeAliasType(
    "Digest", Annotated[StrictStr, Field(pattern="^sha256:[0-9a-f]{64}$")]
)
"""SHA-256 of canonical JSON (RFC 8785), as `sha256:` and 64 hexadecimal digits."""


Dialect = TypeAliasType("Dialect", Literal["anthropic-messages", "openai-chat", "openai-responses"])
"""A provider's wire format."""


class ProviderData(Model):
    """What only one dialect needs again, kept as it came: item ids, phases, citations."""

    dialect: Dialect
    """The dialect that understands `json`."""

    json_text: Annotated[JsonText, Field(alias="json")]
    """A JSON object as text."""
