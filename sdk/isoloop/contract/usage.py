# Generated from contract/schemas/usage.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from pydantic import Field, StrictFloat, StrictInt, StrictStr
from typing_extensions import TypeAliasType

CountersAdditionalProperty = TypeAliasType(
    "CountersAdditionalProperty", Annotated[StrictInt, Field(ge=0, le=9007199254740991)]
)


class ModelUsage(Model):
    """What one other model consumed."""

    model: Annotated[StrictStr, Field(min_length=1)]
    """The model's name."""

    input: Annotated[StrictInt | None, Field(ge=0, le=9007199254740991)] = None
    """Input tokens outside any cache."""

    cache_read: Annotated[
        StrictInt | None, Field(alias="cacheRead", ge=0, le=9007199254740991)
    ] = None
    """Input tokens read from a cache."""

    cache_write: Annotated[
        StrictInt | None, Field(alias="cacheWrite", ge=0, le=9007199254740991)
    ] = None
    """Input tokens written to a cache."""

    output: Annotated[StrictInt | None, Field(ge=0, le=9007199254740991)] = None
    """Output tokens, reasoning included."""


class Price(Model):
    """What a model costs, in US dollars per million tokens. A price that is absent is not known."""

    input: Annotated[StrictFloat, Field(ge=0.0)]
    """Per million input tokens outside any cache."""

    output: Annotated[StrictFloat, Field(ge=0.0)]
    """Per million output tokens."""

    cache_read: Annotated[StrictFloat | None, Field(alias="cacheRead", ge=0.0)] = None
    """Per million tokens read from a cache."""

    cache_write: Annotated[StrictFloat | None, Field(alias="cacheWrite", ge=0.0)] = None
    """Per million tokens written to a cache for a short time."""

    cache_write_long: Annotated[
        StrictFloat | None, Field(alias="cacheWriteLong", ge=0.0)
    ] = None
    """Per million tokens written to a cache for a long time."""


class Cost(Model):
    """What it cost. `known`: every counter was reported and priced. `partial`: `usd` is a lower bound. `unknown`: nothing could be priced, `usd` is absent."""

    state: Literal["known", "partial", "unknown"]
    """How much of the cost is known."""

    usd: Annotated[StrictFloat | None, Field(ge=0.0)] = None
    """US dollars."""


class Usage(Model):
    """Token counts. A count that nobody reported is absent."""

    input: Annotated[StrictInt | None, Field(ge=0, le=9007199254740991)] = None
    """Input tokens that were neither read from nor written to a cache."""

    cache_read: Annotated[
        StrictInt | None, Field(alias="cacheRead", ge=0, le=9007199254740991)
    ] = None
    """Input tokens read from a cache."""

    cache_write: Annotated[
        StrictInt | None, Field(alias="cacheWrite", ge=0, le=9007199254740991)
    ] = None
    """Input tokens written to a cache, of any lifetime."""

    cache_write_long: Annotated[
        StrictInt | None, Field(alias="cacheWriteLong", ge=0, le=9007199254740991)
    ] = None
    """The part of `cacheWrite` with the long lifetime."""

    output: Annotated[StrictInt | None, Field(ge=0, le=9007199254740991)] = None
    """Output tokens, reasoning included."""

    reasoning: Annotated[StrictInt | None, Field(ge=0, le=9007199254740991)] = None
    """The part of `output` spent on reasoning."""

    counters: dict[str, CountersAdditionalProperty] | None = None
    """Other counters of the provider under its own names, for example `web_search_requests`."""

    other_models: Annotated[list[ModelUsage] | None, Field(alias="otherModels")] = None
    """What other models consumed on behalf of this one, in order of first appearance."""
