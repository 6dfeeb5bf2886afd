# Generated from contract/schemas/model.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr
from typing_extensions import TypeAliasType

from .common import Dialect, ProviderData


class ModelRef(Model):
    """Names a model. Two references mean the same model when dialect and model are equal."""

    dialect: Dialect
    """The wire format to speak."""

    model: Annotated[StrictStr, Field(min_length=1)]
    """The model's name as the provider knows it, as requested (not as answered)."""

    vendor: Annotated[StrictStr | None, Field(min_length=1)] = None
    """Who serves it, where that is not the dialect's own vendor, for example `groq`."""


Effort = TypeAliasType("Effort", Literal["minimal", "low", "medium", "high", "xhigh", "max"])
"""How hard a model should think."""


class ThinkingDisabled(Model):
    """The model is told not to think."""

    type: Literal["disabled"] = "disabled"


class ThinkingBudget(Model):
    """The model may think up to a number of tokens."""

    type: Literal["budget"] = "budget"
    budget_tokens: Annotated[
        StrictInt, Field(alias="budgetTokens", ge=1, le=9007199254740991)
    ]
    """The most tokens to spend on thinking."""


class ThinkingEffort(Model):
    """The model thinks as hard as told."""

    type: Literal["effort"] = "effort"
    effort: Effort
    """How hard."""


Thinking = TypeAliasType(
    "Thinking",
    Annotated[
        ThinkingDisabled | ThinkingBudget | ThinkingEffort, Field(discriminator="type")
    ],
)
"""Whether and how much a model thinks."""


StopSequence = TypeAliasType("StopSequence", Annotated[StrictStr, Field(min_length=1)])


class ModelSettings(Model):
    """How a model is asked. An absent member leaves the provider's default."""

    max_output_tokens: Annotated[
        StrictInt | None, Field(alias="maxOutputTokens", ge=1, le=9007199254740991)
    ] = None
    """The most tokens of one answer."""

    temperature: Annotated[StrictFloat | None, Field(ge=0.0)] = None
    """Sampling temperature."""

    top_p: Annotated[StrictFloat | None, Field(alias="topP", ge=0.0, le=1.0)] = None
    """Nucleus sampling."""

    top_k: Annotated[
        StrictInt | None, Field(alias="topK", ge=1, le=9007199254740991)
    ] = None
    """Sample from the k likeliest tokens."""

    stop_sequences: Annotated[
        list[StopSequence] | None, Field(alias="stopSequences")
    ] = None
    """Texts that end an answer."""

    thinking: Thinking | None = None
    """Whether and how much to think."""

    cache: Literal["none", "short", "long"] | None = None
    """Automatic cache breakpoints on the instructions and the last user message: `none` (the default), `short` or `long`."""

    parallel_tool_calls: Annotated[
        StrictBool | None, Field(alias="parallelToolCalls")
    ] = None
    """Whether the model may ask for several calls in one answer."""

    provider_options: Annotated[ProviderData | None, Field(alias="providerOptions")] = (
        None
    )
    """Members merged into the request body of one dialect, objects into objects; they win over what the body had. Ignored in other dialects."""
