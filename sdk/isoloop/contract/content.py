# Generated from contract/schemas/content.json by contract/tooling/generate.py; do not edit.

from typing import Annotated, Literal

from isoloop._model import Model
from isoloop.contract._refined import OnlyTrue, UnknownBlockType
from pydantic import ConfigDict, Field, StrictStr
from typing_extensions import TypeAliasType

from .common import CallId, Dialect, JsonText, ProviderData, ToolName

CacheBreakpoint = TypeAliasType("CacheBreakpoint", Literal["short", "long"])
"""How long a provider should keep a cached prompt prefix: `short` (minutes, the provider's default) or `long` (an hour, where offered)."""


class TextBlock(Model):
    """Text."""

    type: Literal["text"] = "text"
    text: StrictStr
    """The text. No unpaired surrogates once sent."""

    cache_breakpoint: Annotated[
        CacheBreakpoint | None, Field(alias="cacheBreakpoint")
    ] = None
    """The prompt up to and including this block should be cached by the provider."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


class ThinkingBlock(Model):
    """A model's reasoning. Goes back byte for byte to the same model, and only there."""

    type: Literal["thinking"] = "thinking"
    text: StrictStr
    """The reasoning as text; may be empty where the provider signs hidden reasoning."""

    signature: StrictStr | None = None
    """The provider's signature over the reasoning. Absent when the provider gave none, for example after an abort."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


class ToolCallBlock(Model):
    """The model asks for a tool to be run."""

    type: Literal["tool_call"] = "tool_call"
    id: CallId
    """Identifies the call; unique within the transcript."""

    name: ToolName
    """The tool asked for, as the model wrote it."""

    arguments_text: Annotated[StrictStr, Field(alias="argumentsText")]
    """The arguments exactly as the model wrote them. Usually a JSON object; may be empty, cut off or malformed."""

    incomplete: OnlyTrue | None = None
    """Present when the provider never ended the block, so that the arguments may be cut off."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


class Base64Source(Model):
    """Bytes carried inline."""

    type: Literal["base64"] = "base64"
    media_type: Annotated[StrictStr, Field(alias="mediaType", min_length=1)]
    """The media type, for example `image/png`."""

    data: StrictStr
    """The bytes in standard base64."""


class UrlSource(Model):
    """Bytes that the provider fetches itself."""

    type: Literal["url"] = "url"
    url: Annotated[StrictStr, Field(pattern="^https?://")]
    """An absolute http or https address."""


class PlainTextSource(Model):
    """A document given as plain text."""

    type: Literal["text"] = "text"
    text: StrictStr
    """The document's text."""


MediaSource = TypeAliasType(
    "MediaSource", Annotated[Base64Source | UrlSource, Field(discriminator="type")]
)
"""Where the bytes of an image or a recording come from."""


DocumentSource = TypeAliasType(
    "DocumentSource",
    Annotated[
        Base64Source | UrlSource | PlainTextSource, Field(discriminator="type")
    ],
)
"""Where the bytes of a document come from."""


class ImageBlock(Model):
    """An image."""

    type: Literal["image"] = "image"
    source: MediaSource
    """Where the image comes from."""

    cache_breakpoint: Annotated[
        CacheBreakpoint | None, Field(alias="cacheBreakpoint")
    ] = None
    """The prompt up to and including this block should be cached by the provider."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


class DocumentBlock(Model):
    """A document, for example a PDF file."""

    type: Literal["document"] = "document"
    source: DocumentSource
    """Where the document comes from."""

    title: StrictStr | None = None
    """A title shown to the model."""

    cache_breakpoint: Annotated[
        CacheBreakpoint | None, Field(alias="cacheBreakpoint")
    ] = None
    """The prompt up to and including this block should be cached by the provider."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


class AudioBlock(Model):
    """A recording."""

    type: Literal["audio"] = "audio"
    source: MediaSource
    """Where the recording comes from."""

    provider_data: Annotated[ProviderData | None, Field(alias="providerData")] = None
    """What the producing dialect needs when the block is sent back."""


class OpaqueBlock(Model):
    """A provider's block that the contract does not model. Kept, and sent back byte for byte to the same model."""

    type: Literal["opaque"] = "opaque"
    dialect: Dialect
    """The dialect that produced the block."""

    kind: Annotated[StrictStr, Field(min_length=1)]
    """The provider's own name for the block."""

    json_text: Annotated[JsonText, Field(alias="json")]
    """The whole block as the provider wrote it."""

    incomplete: OnlyTrue | None = None
    """Present when the block could not be rebuilt from its stream. Such a block is not sent back."""


class UnknownBlock(Model):
    """A block of a type that this version of the contract does not know. Kept and written back unchanged."""

    model_config = ConfigDict(
        extra="allow",
    )
    type: Annotated[UnknownBlockType, Field(min_length=1)]
    """The unknown type."""


KnownUserBlock = TypeAliasType(
    "KnownUserBlock",
    Annotated[
        TextBlock | ImageBlock | DocumentBlock | AudioBlock | OpaqueBlock,
        Field(discriminator="type"),
    ],
)
"""A known part of a user message."""


UserBlock = TypeAliasType("UserBlock", KnownUserBlock | UnknownBlock)
"""A part of a user message."""


KnownAnswerBlock = TypeAliasType(
    "KnownAnswerBlock",
    Annotated[
        TextBlock | ThinkingBlock | ToolCallBlock | ImageBlock | AudioBlock | OpaqueBlock,
        Field(discriminator="type"),
    ],
)
"""A known part of an assistant message."""


AnswerBlock = TypeAliasType("AnswerBlock", KnownAnswerBlock | UnknownBlock)
"""A part of an assistant message."""


KnownResultBlock = TypeAliasType(
    "KnownResultBlock",
    Annotated[
        TextBlock | ImageBlock | DocumentBlock | AudioBlock | OpaqueBlock,
        Field(discriminator="type"),
    ],
)
"""A known part of a tool's result."""


ResultBlock = TypeAliasType("ResultBlock", KnownResultBlock | UnknownBlock)
"""A part of a tool's result."""
