"""What a run's settings mean before a dialect says them; shared by all dialects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec import Raw, json

from isoloop.contract import ToolChoiceRequired, ToolChoiceTool
from isoloop.wire._failure import failure
from isoloop.wire._port import Unsendable

if TYPE_CHECKING:
    from collections.abc import Collection

    from isoloop.contract import Dialect, ProviderData, RunConfig


def unsendable(message: str) -> Unsendable:
    """Refuse what the dialect cannot express."""
    return Unsendable(failure("config", message))


def check_tool_choice(config: RunConfig, names: Collection[str | None]) -> None:
    """Refuse a forced choice that no answer could obey; `names` are those of the tools."""
    match config.tool_choice:
        case ToolChoiceRequired() if not config.tools:
            raise unsendable("The tool choice is `required`, but there are no tools.")
        case ToolChoiceTool(name=name) if name not in names:
            raise unsendable(f'The tool choice names "{name}", which is not among the tools.')
        case _:
            pass


def options_of(config: RunConfig, dialect: Dialect, reserved: Collection[str]) -> dict[str, Any]:
    """Give the caller's own members of the body."""
    given = config.settings.provider_options if config.settings else None
    if given is None or given.dialect != dialect:
        return {}
    try:
        options = json.decode(given.json_text, type=dict[str, Any])
    except (ValueError, RecursionError) as error:
        raise unsendable(f"providerOptions is not a JSON object: {error}") from error
    for name in reserved:
        if name in options:
            raise unsendable(f'providerOptions may not replace "{name}"; the loop needs it.')
    return options


def merged(members: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Let options win; an object is merged into an object."""
    out = dict(members)
    for name, value in options.items():
        known = out.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            out[name] = merged(cast("dict[str, Any]", known), cast("dict[str, Any]", value))
        else:
            out[name] = value
    return out


def object_of(text: str, what: str) -> dict[str, Raw]:
    """Read a JSON object that the caller gave as text, its members raw."""
    try:
        return json.decode(text, type=dict[str, Raw])
    except (ValueError, RecursionError) as error:
        raise unsendable(f"{what} is not a JSON object: {error}") from error


def own_members(
    data: ProviderData | None, dialect: Dialect, ours: Collection[str]
) -> dict[str, Raw]:
    """Give what only this dialect knows of a block, without what we keep beside it."""
    if data is None or data.dialect != dialect:
        return {}
    members = object_of(data.json_text, "providerData")
    return {name: value for name, value in members.items() if name not in ours}
