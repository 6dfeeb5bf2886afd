# Generated from contract/schemas/tool.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictBool, StrictStr
from typing_extensions import TypeAliasType

from .common import Dialect, DurationMs, JsonObject, JsonText, ToolName
from .content import CacheBreakpoint


class FunctionTool(Model):
    """A tool that the application runs."""

    type: Literal["function"] = "function"
    name: Annotated[StrictStr, Field(pattern="^[A-Za-z0-9_-]{1,128}$")]
    """Unique among the tools of an agent."""

    description: StrictStr
    """What the tool does, for the model."""

    input_schema: Annotated[JsonObject, Field(alias="inputSchema")]
    """JSON Schema (2020-12) of the arguments; its type is `object`. Sent to the provider unchanged."""

    access: Literal["read_only", "mutating"] | None = None
    """`read_only` calls may run side by side; a `mutating` call runs alone. Absent means `mutating`."""

    requires_approval: Annotated[StrictBool | None, Field(alias="requiresApproval")] = (
        None
    )
    """Whether each call needs an approval."""

    repeatable: StrictBool | None = None
    """Whether a call of unknown outcome may be run again after a crash."""

    client_side: Annotated[StrictBool | None, Field(alias="clientSide")] = None
    """Whether the caller runs the tool: a call of it ends the run, and the next run is given the result."""

    timeout_ms: Annotated[DurationMs | None, Field(alias="timeoutMs")] = None
    """How long one call may take."""

    strict: StrictBool | None = None
    """Whether the provider should hold the model to the schema, where it can."""

    cache_breakpoint: Annotated[
        CacheBreakpoint | None, Field(alias="cacheBreakpoint")
    ] = None
    """The prompt up to and including this definition should be cached."""


class ProviderTool(Model):
    """A tool that the provider runs itself. Its definition is passed through."""

    type: Literal["provider"] = "provider"
    dialect: Dialect
    """The dialect that knows the tool. In other dialects the definition is refused with `config`."""

    json_text: Annotated[JsonText, Field(alias="json")]
    """The definition, a JSON object as text."""


ToolDefinition = TypeAliasType(
    "ToolDefinition",
    Annotated[
        FunctionTool | ProviderTool, Field(discriminator="type")
    ],
)
"""A tool's definition."""


class ToolChoiceAuto(Model):
    """The model decides."""

    type: Literal["auto"] = "auto"


class ToolChoiceNone(Model):
    """The model must not call a tool."""

    type: Literal["none"] = "none"


class ToolChoiceRequired(Model):
    """The model must call some tool."""

    type: Literal["required"] = "required"
    every_turn: Annotated[StrictBool | None, Field(alias="everyTurn")] = None
    """Force every turn, not only the first."""


class ToolChoiceTool(Model):
    """The model must call this tool."""

    type: Literal["tool"] = "tool"
    name: ToolName
    """The tool."""

    every_turn: Annotated[StrictBool | None, Field(alias="everyTurn")] = None
    """Force every turn, not only the first."""


ToolChoice = TypeAliasType(
    "ToolChoice",
    Annotated[
        ToolChoiceAuto | ToolChoiceNone | ToolChoiceRequired | ToolChoiceTool,
        Field(discriminator="type"),
    ],
)
"""Which tools a model may or must call. A forced choice applies to the first turn only, unless it says otherwise."""
