"""Tools: what an agent can do, with a schema made from the function that does it.

    @tool
    def area(width: float, height: float) -> float:
        '''Return the area of a rectangle.

Args:
            width: in metres.
            height: in metres.
        '''
        return width * height

A `Tool` subclass with a typed `run` method is the other way, for tools with state. Everything that
can be worked out from the signature is worked out once, when the tool is made: the schema and the
validator live in `bottega.signature`. How a call is carried out (threads, deadlines, processes) is
`bottega.calling`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, overload

from bottega.messages import Citation, Image, Json, Trust
from bottega.model import ToolSpec
from bottega.permissions import Permissions

if TYPE_CHECKING:
    from bottega.artifacts import Artifacts
    from bottega.counsel import Counsel
    from bottega.inner_calls import InnerCalls
    from bottega.labels import Conversation
    from bottega.person import Person
    from bottega.signature import Signature
    from bottega.spending import Spending

P = ParamSpec("P")
R = TypeVar("R")

Effects = Literal["none", "idempotent", "once"]
"""What a second call does: nothing at all, nothing more than the first, or harm."""
Isolation = Literal["none", "process"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """What a tool returns when plain text is not enough."""

    content: str
    """What the model reads."""
    citations: tuple[Citation, ...] = ()
    """Passages that the content is made from; an answer may point at them."""
    images: tuple[Image, ...] = ()
    final: bool = False
    """The content is the agent's answer: the loop ends here."""
    printed: str = ""
    """What the tool wrote to standard output."""
    secret: bool = False
    """It holds secrets, whatever the tool declares."""
    structured: bool = field(default=False, compare=False)
    """The content is the JSON of a value: code that calls the tool gets the value itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolContext:
    """What a tool may know about its call. A parameter annotated with this type receives it."""

    run_id: str = ""
    node: str = ""
    step: int = 0
    call_id: str = ""
    key: str = ""
    """Idempotency key: the same again when the call is repeated after a crash."""
    deadline: float | None = None
    """`time.monotonic()` at which the caller stops waiting."""
    ask: Callable[[str], Awaitable[str]] | None = field(default=None, compare=False)
    """Ask the person in front of the run; None when nobody is there. A tool that has lasting
    effects asks before it has them: after the answer it may be called anew."""
    spending: Spending | None = field(default=None, compare=False, repr=False)
    """Pays for what the agent's decider is asked in the call; None outside a run."""
    counsel: Counsel | None = field(default=None, compare=False, repr=False)
    """The agent's model and decider, for a tool that asks them; None outside a run."""
    person: Person | None = field(default=None, compare=False, repr=False)
    """The same person, for approvals; None outside a run."""
    artifacts: Artifacts | None = field(default=None, compare=False, repr=False)
    """What the run keeps of long results; None outside a run."""
    allowed: Permissions = Permissions.everything()
    """What the call may use: what its tool declares and its node allows. A tool that takes a host
    or a path asks it: `allowed.check_host`, `check_read`, `check_write`."""
    limited: bool = False
    """The node says what its tools may use: tools are held to it (`bottega.confinement`)."""
    conversation: Conversation | None = field(default=None, compare=False, repr=False)
    """What the agent has read so far, with its labels; None outside a loop."""
    calls: InnerCalls | None = field(default=None, compare=False, repr=False)
    """The agent's other tools, for one that `calls_tools`; None outside a loop."""


class Tool:
    """Something that an agent can do. Subclass it and write a typed `run`, sync or async."""

    name: str = ""
    """What models call it: ASCII letters, digits, `_` and `-`; the class name if empty."""
    description: str = ""
    """What models read to decide on it; the docstring of `run` if empty."""
    effects: Effects = "once"
    """Unless the author says more, a call is never silently repeated after a crash."""
    attended: bool = False
    """It waits for a person: neither that nor the end of the run's time breaks off the wait."""
    keyed: bool = False
    """It hands `ToolContext.key` to a service that does nothing twice for one key: such a call is
    made again after a crash, where that of another tool with effects `once` is not."""
    permissions: frozenset[str] = frozenset()
    """What it needs: `network`, `files:read`, `files:write`, `process`, each with an optional
    `:scope` (see `bottega.permissions`)."""
    confined: bool = False
    """It is held to what it declares even where its node says nothing of permissions; a tool of
    somebody else's plugin always is."""
    trust: Trust = "untrusted"
    """Whether what it returns may be taken as instructions. Say `trusted` only of fixed texts, and
    `derived` where it follows from the arguments alone."""
    described: Trust = "trusted"
    """Whether the description itself may be trusted: a stranger's may not before a person has
    approved it."""
    secret: bool = False
    """What it returns must not leave the house: see `bottega.labels`."""
    timeout: float | None = 60.0
    """Seconds a call may take."""
    rate: tuple[int, float] | None = None
    """Most calls in so many seconds, of all agents together: `(10, 60)`; None for no limit."""
    max_result: int = 20_000
    """Characters of a result that the model is shown at once; the rest is kept as an artifact."""
    isolation: Isolation = "none"
    """`process` runs each call in a process of its own, which can be killed and may crash: for code
    that may hang in C, exit or leave children. The function must be importable by name."""
    memory: int | None = 2 << 30
    """Bytes that a call may take beyond what the process begins with; only with a process."""
    hand_off: bool = False
    """The loop does not run it: the call is handed to whoever runs the loop, as delegation is."""
    calls_tools: bool = False
    """It calls the agent's other tools, through `ToolContext.calls`; none of them may call it."""
    always: bool = False
    """It belongs to every step: models are told of it however many tools there are."""
    withheld: bool = False
    """Models are not told of it; one that calls it all the same learns why it cannot have it."""

    run: Callable[..., Any]

    @cached_property
    def signature(self) -> Signature:
        """The schema and validator of `run`. Raises InputError for a signature without types."""
        from bottega.signature import Signature

        return Signature.of(self.run, name=self.name or type(self).__name__)

    @cached_property
    def spec(self) -> ToolSpec:
        """What models are told."""
        from bottega.signature import snake_case

        return ToolSpec(
            name=self.name or snake_case(type(self).__name__),
            description=self.description or self.signature.description,
            parameters=self.signature.schema,
        )

    def validate(self, arguments: Mapping[str, Json]) -> dict[str, Any]:
        """Return the arguments as `run` takes them. Raises ToolArgumentError if they don't fit."""
        return self.signature.validate(arguments)


class FunctionTool(Tool, Generic[P, R]):
    """A function as a tool; it can still be called as the function it is."""

    def __init__(self, function: Callable[P, R], **declared: Any) -> None:
        self.run = function
        self.name = function.__name__
        for field_name, value in declared.items():
            setattr(self, field_name, value)
        _ = self.spec  # a signature that cannot be used fails here, not in the middle of a run
        if isinstance(declared.get("permissions"), frozenset):
            Permissions.of(self.permissions)
        if self.isolation == "process":
            from bottega.isolation import find_target

            find_target(self)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.run(*args, **kwargs)  # type: ignore[no-any-return]  # run is the function itself

    def __repr__(self) -> str:
        return f"<tool {self.name}>"


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...


@overload
def tool(
    *,
    name: str = ...,
    description: str = ...,
    effects: Effects = ...,
    keyed: bool = ...,
    permissions: frozenset[str] = ...,
    confined: bool = ...,
    trust: Trust = ...,
    secret: bool = ...,
    timeout: float | None = ...,
    rate: tuple[int, float] | None = ...,
    isolation: Isolation = ...,
    memory: int | None = ...,
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...


def tool(function: Callable[..., Any] | None = None, /, **declared: Any) -> Any:
    """Turn a typed function into a tool; the keyword arguments are the fields of `Tool`.

    Raises InputError when a parameter has no type, has type Any, or has one without a JSON Schema.
    """
    if function is None:
        return partial(FunctionTool[..., Any], **declared)
    return FunctionTool(function)
