"""Tools: what a model may ask for, and how it is carried out.

`@tool` takes a typed function, and the schema follows from its signature. `Tool.from_schema` takes
any function behind a JSON Schema.
"""

from __future__ import annotations

import functools
import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Protocol, TypeAlias, cast, overload

from typing_extensions import ParamSpec, TypeVar

from isoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from isoloop.contract import CacheBreakpoint, FunctionTool, JsonObject
    from isoloop.tools._check import SchemaCheck
    from isoloop.tools._context import ToolContext, ToolReturn
    from isoloop.tools._signature import Signature

DepsT = TypeVar("DepsT")
DepsT_contra = TypeVar("DepsT_contra", contravariant=True, default=object)
P = ParamSpec("P")
R = TypeVar("R")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Checked:
    """Arguments that a tool accepts: as JSON, and as its body takes them."""

    arguments: JsonObject
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Invalid:
    """Arguments that a tool does not accept. `problem` says where and why, for the model."""

    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a tool declares about its calls."""

    read_only: bool = False
    requires_approval: bool = False
    repeatable: bool = False
    timeout_s: float | None = None
    strict: bool = False
    cache_breakpoint: CacheBreakpoint | None = None
    client_side: bool = False


class Tool(Generic[DepsT_contra]):
    """Something that a model may ask for. Made by `tool`, `Tool.from_schema` or `Tool.client`.

    Attributes:
        name: Unique among an agent's tools.
        description: What the tool does, for the model.
        input_schema: JSON Schema (2020-12) of the arguments.
    """

    name: str
    description: str
    input_schema: JsonObject
    traits: Traits
    deps_type: object = None
    """What its body expects as dependencies; `None` when it asks for none."""

    def __init__(
        self, name: str, description: str, *, input_schema: JsonObject, traits: Traits
    ) -> None:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"tool {name!r}: a name has 1 to 128 letters, digits, `_` or `-`. "
                "Give another `name`."
            )
        if traits.timeout_s is not None and not traits.timeout_s > 0:
            raise UsageError(f"tool {name}: timeout_s is {traits.timeout_s}; it must be above 0.")
        self.name = name
        self.description = description
        self.input_schema = input_schema
        self.traits = traits

    @staticmethod
    def client(
        name: str,
        description: str,
        schema: JsonObject,
        *,
        requires_approval: bool = False,
        strict: bool = False,
        cache_breakpoint: CacheBreakpoint | None = None,
    ) -> Tool[object]:
        """Declare a tool that the caller runs, outside the loop.

        Contract: a call of it passes the gates like any other and ends the run with the outcome
        `awaiting_results`. The next run is given its result: a `ToolResultMessage` at the beginning
        of its input, for each of `RunResult.pending_calls`.

        Args:
            name: Unique among an agent's tools.
            description: What the tool does, for the model.
            schema: JSON Schema (2020-12) of the arguments; its type is `object`.
            requires_approval: Whether each call needs an approval.
            strict: Whether the provider should hold the model to the schema, where it can.
            cache_breakpoint: Whether the provider should cache the prompt up to this tool.

        Raises:
            UsageError: The name or the schema is not valid.
        """
        traits = Traits(
            requires_approval=requires_approval,
            strict=strict,
            cache_breakpoint=cache_breakpoint,
            client_side=True,
        )
        return _SchemaTool(name, description, schema, _run_by_the_caller, traits=traits)

    @functools.cached_property
    def definition(self) -> FunctionTool:
        """The tool as the contract describes it."""
        from isoloop.contract import FunctionTool

        traits = self.traits
        return FunctionTool.trusted(
            name=self.name,
            description=self.description,
            input_schema=self.input_schema,
            access="read_only" if traits.read_only else None,
            requires_approval=traits.requires_approval or None,
            repeatable=traits.repeatable or None,
            client_side=traits.client_side or None,
            timeout_ms=None if traits.timeout_s is None else round(traits.timeout_s * 1000),
            strict=traits.strict or None,
            cache_breakpoint=traits.cache_breakpoint,
        )

    def check(self, arguments_text: str) -> Checked | Invalid:
        """Read the arguments of a call, strictly: nothing is repaired or coerced.

        Contract: problems are returned, never raised; blank text means `{}`.
        """
        from isoloop.wire._arguments import Arguments, read_arguments

        read = read_arguments(arguments_text)
        if not isinstance(read, Arguments):
            return Invalid(read.text)
        return self._checked(read.value, arguments_text)

    async def invoke(self, context: ToolContext[DepsT_contra], checked: Checked) -> ToolReturn:
        """Run the body; what it raises is raised."""
        raise NotImplementedError

    def _checked(self, arguments: JsonObject, arguments_text: str) -> Checked | Invalid:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @overload
    @staticmethod
    def from_schema(
        name: str,
        description: str,
        schema: JsonObject,
        fn: PlainBody,
        *,
        read_only: bool = False,
        requires_approval: bool = False,
        repeatable: bool = False,
        timeout_s: float | None = None,
        strict: bool = False,
        cache_breakpoint: CacheBreakpoint | None = None,
    ) -> Tool[object]: ...
    @overload
    @staticmethod
    def from_schema(
        name: str,
        description: str,
        schema: JsonObject,
        fn: ContextBody[DepsT],
        *,
        read_only: bool = False,
        requires_approval: bool = False,
        repeatable: bool = False,
        timeout_s: float | None = None,
        strict: bool = False,
        cache_breakpoint: CacheBreakpoint | None = None,
    ) -> Tool[DepsT]: ...
    @staticmethod
    def from_schema(  # noqa: PLR0913 -- options are keyword-only
        name: str,
        description: str,
        schema: JsonObject,
        fn: SchemaBody[DepsT],
        *,
        read_only: bool = False,
        requires_approval: bool = False,
        repeatable: bool = False,
        timeout_s: float | None = None,
        strict: bool = False,
        cache_breakpoint: CacheBreakpoint | None = None,
    ) -> Tool[DepsT]:
        """Make a tool from a JSON Schema and a function.

        Contract: the schema is sent to the provider unchanged. Arguments that do not fit it never
        reach the function; the model is told where and why.

        Args:
            name: Unique among an agent's tools.
            description: What the tool does, for the model.
            schema: JSON Schema (2020-12) of the arguments; its type is `object`.
            fn: The body, sync or async: `fn(arguments)` or `fn(context, arguments)`.
            read_only: Whether calls may run side by side.
            requires_approval: Whether each call needs an approval.
            repeatable: Whether a call of unknown outcome may be run again after a crash.
            timeout_s: How long one call may take.
            strict: Whether the provider should hold the model to the schema, where it can.
            cache_breakpoint: Whether the provider should cache the prompt up to this tool.

        Raises:
            UsageError: The name or the schema is not valid.
        """
        traits = Traits(
            read_only=read_only,
            requires_approval=requires_approval,
            repeatable=repeatable,
            timeout_s=timeout_s,
            strict=strict,
            cache_breakpoint=cache_breakpoint,
        )
        return _SchemaTool(name, description, schema, fn, traits=traits)


async def _run_by_the_caller(arguments: JsonObject) -> ToolReturn:
    raise NotImplementedError("The loop leaves calls of client-side tools to the caller.")


PlainBody: TypeAlias = "Callable[[JsonObject], Awaitable[ToolReturn] | ToolReturn]"
ContextBody: TypeAlias = (
    "Callable[[ToolContext[DepsT], JsonObject], Awaitable[ToolReturn] | ToolReturn]"
)
SchemaBody: TypeAlias = "PlainBody | ContextBody[DepsT]"


class _SchemaTool(Tool[DepsT]):
    """A function behind a JSON Schema."""

    def __init__(
        self,
        name: str,
        description: str,
        schema: JsonObject,
        fn: SchemaBody[DepsT],
        *,
        traits: Traits,
    ) -> None:
        if schema.get("type") != "object":
            raise UsageError(
                f'tool {name}: the schema\'s type is {schema.get("type")!r}; it must be "object".'
            )
        super().__init__(name, description, input_schema=schema, traits=traits)
        self._fn = cast("Callable[..., object]", fn)
        self._takes_context = _positional(fn) >= 2
        self._is_async = _is_async(fn)
        _ = self._check  # compiled now, so that a wrong schema is the caller's error now

    @functools.cached_property
    def _check(self) -> SchemaCheck:
        from isoloop.tools._check import SchemaCheck

        return SchemaCheck(self.input_schema, owner=f"tool {self.name}")

    def _checked(self, arguments: JsonObject, arguments_text: str) -> Checked | Invalid:
        del arguments_text
        problem = self._check.problem(arguments)
        return Invalid(problem) if problem else Checked(arguments, arguments)

    async def invoke(self, context: ToolContext[DepsT], checked: Checked) -> ToolReturn:
        """Run the body."""
        given = dict(checked.values)
        call = functools.partial(self._fn, context, given) if self._takes_context else None
        return await _run(
            call or functools.partial(self._fn, given), name=self.name, is_async=self._is_async
        )


class SignatureTool(Tool[DepsT], Generic[DepsT, P, R]):
    """A typed function as a tool. Calling it calls the function."""

    def __init__(
        self, function: Callable[P, R], signature: Signature, *, name: str, traits: Traits
    ) -> None:
        super().__init__(name, signature.description, input_schema=signature.schema, traits=traits)
        self._function = function
        self._signature = signature
        self._is_async = _is_async(function)
        self.deps_type = signature.deps_type
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._function(*args, **kwargs)

    def _checked(self, arguments: JsonObject, arguments_text: str) -> Checked | Invalid:
        from pydantic import ValidationError

        try:
            # From text, not from the parsed value: only there does strict mode take an ISO date for
            # a date and an array for a tuple.
            values = self._signature.arguments.validate_json(
                arguments_text.strip() or "{}", strict=True
            )
        except ValidationError as error:
            from isoloop.tools._check import pydantic_problem

            return Invalid(pydantic_problem(error))
        return Checked(arguments, values)

    async def invoke(self, context: ToolContext[DepsT], checked: Checked) -> ToolReturn:
        """Run the body."""
        function = cast("Callable[..., object]", self._function)
        call = functools.partial(function, **checked.values)
        if self._signature.takes_context:
            call = functools.partial(function, context, **checked.values)
        return await _run(call, name=self.name, is_async=self._is_async)


class ToolDecorator(Protocol):
    """What `tool(...)` with options returns."""

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] -- the narrower one is first
        self, function: Callable[Concatenate[ToolContext[DepsT], P], R], /
    ) -> SignatureTool[DepsT, Concatenate[ToolContext[DepsT], P], R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> SignatureTool[object, P, R]: ...
    def __call__(self, function: Callable[..., Any], /) -> Any:
        """Make the function a tool."""
        ...


@overload
def tool(  # pyright: ignore[reportOverlappingOverload] -- the narrower one is first
    function: Callable[Concatenate[ToolContext[DepsT], P], R], /
) -> SignatureTool[DepsT, Concatenate[ToolContext[DepsT], P], R]: ...
@overload
def tool(function: Callable[P, R], /) -> SignatureTool[object, P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    requires_approval: bool = False,
    repeatable: bool = False,
    timeout_s: float | None = None,
    strict: bool = False,
    cache_breakpoint: CacheBreakpoint | None = None,
) -> ToolDecorator: ...
def tool(  # noqa: PLR0913 -- options are keyword-only
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    read_only: bool = False,
    requires_approval: bool = False,
    repeatable: bool = False,
    timeout_s: float | None = None,
    strict: bool = False,
    cache_breakpoint: CacheBreakpoint | None = None,
) -> Any:
    """Make a typed function a tool.

    The parameters' annotations become the schema, the docstring's first part the description, its
    `Args:` section the descriptions of the parameters. A first parameter annotated `ToolContext` or
    `ToolContext[Deps]` receives the call's context and is not part of the schema.

    Contract: arguments are held against the annotations strictly (`"5"` is not an `int`), and do
    not reach the function unless they fit. An async function is awaited; a sync one runs in a
    thread.

    Args:
        function: The body.
        name: The tool's name, instead of the function's.
        description: The description, instead of the docstring's.
        read_only: Whether calls change nothing, so that they may run side by side.
        requires_approval: Whether each call needs an approval.
        repeatable: Whether a call of unknown outcome may be run again after a crash.
        timeout_s: How long one call may take.
        strict: Whether the provider should hold the model to the schema, where it can.
        cache_breakpoint: Whether the provider should cache the prompt up to this tool.

    Raises:
        UsageError: A part of the signature cannot become a schema; the message says which.
    """
    traits = Traits(
        read_only=read_only,
        requires_approval=requires_approval,
        repeatable=repeatable,
        timeout_s=timeout_s,
        strict=strict,
        cache_breakpoint=cache_breakpoint,
    )
    # Annotations are strings under `from __future__ import annotations`, and may name local types.
    frame = inspect.currentframe()
    names = dict(frame.f_back.f_locals) if frame and frame.f_back else {}
    del frame

    def decorate(function: Callable[..., Any]) -> SignatureTool[Any, ..., Any]:
        from isoloop.tools._signature import read_signature

        signature = read_signature(function, names)
        made = SignatureTool[Any, ..., Any](
            function, signature, name=signature.name if name is None else name, traits=traits
        )
        if description is not None:
            made.description = description
        return made

    return decorate if function is None else decorate(function)


async def _run(call: Callable[[], object], *, name: str, is_async: bool) -> object:
    if is_async:
        return await cast("Awaitable[object]", call())
    from isoloop.tools._bodies import BODIES

    value = await BODIES.in_thread(call, name=f"tool {name}")
    # A sync function may return what it did not await: a lambda around a coroutine function.
    return await cast("Awaitable[object]", value) if inspect.isawaitable(value) else value


def _is_async(function: Callable[..., object]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 -- its kind is asked, not its presence
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _positional(function: Callable[..., object]) -> int:
    kinds = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    parameters = inspect.signature(function).parameters.values()
    return sum(1 for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty)
