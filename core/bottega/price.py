"""What tokens cost. Which model costs how much is for the model to know."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeGuard, runtime_checkable

from bottega.errors import InputError
from bottega.model import Usage

if TYPE_CHECKING:
    from bottega.budget import Budget
    from bottega.node import AgentParts

MILLION = 1_000_000


@runtime_checkable
class Priced(Protocol):
    """A model, or a decider, that knows what it costs."""

    def cost(self, usage: Usage) -> float | None:
        """Return what so many tokens of one call cost, in US dollars; None where not known.

        Nothing is free unless somebody said so: an unknown price is None, never 0.
        """
        ...


def is_priced(thing: object) -> TypeGuard[Priced]:
    """Say whether it knows what it costs: as `isinstance` does, in 50 µs less."""
    return callable(getattr(thing, "cost", None))


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """A price in US dollars for a million tokens."""

    input: float
    output: float
    cached: float | None = None
    """Of input that the server had in its cache; None for the price of other input."""

    def __post_init__(self) -> None:
        for value in (self.input, self.output, self.cached or 0.0):
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"a price must be zero or a positive number, not {value!r}")

    def cost(self, usage: Usage) -> float | None:
        """Return what the tokens cost; None where their number is not known."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        cached = min(usage.cached_tokens or 0, usage.input_tokens)
        of_cached = self.input if self.cached is None else self.cached
        fresh = usage.input_tokens - cached
        return (
            fresh * self.input + cached * of_cached + usage.output_tokens * self.output
        ) / MILLION


FREE = Price(input=0.0, output=0.0)


def read_price(given: Mapping[str, Any] | float | None) -> Price | None:
    """Read a model's option `price`: `{input: 0.25, output: 2}`, or 0. Raises InputError."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        known = {name: given[name] for name in ("input", "output", "cached") if name in given}
        numbers = all(isinstance(value, int | float) for value in known.values())
        if len(known) == len(given) and numbers and {"input", "output"} <= set(known):
            return Price(**known)
    elif given == 0:
        return FREE
    raise InputError(
        f"{given!r} is no price",
        hint="US dollars for a million tokens: `price: {input: 0.25, output: 2}`, or `price: 0`",
    )


def cost_of(thing: object, usage: Usage) -> float | None:
    """Return what so many tokens of the model, or decider, cost; None where that is not known."""
    return thing.cost(usage) if is_priced(thing) else None


def affordable(thing: object, input_tokens: int, dollars: float) -> int:
    """Return how many tokens of reply the money pays for beside the input; below 0 for none.

    Raises InputError where the price is not known: a limit that cannot be kept is none.
    """
    least = cost_of(thing, Usage(input_tokens=input_tokens, output_tokens=0))
    most = cost_of(thing, Usage(input_tokens=input_tokens, output_tokens=MILLION))
    if least is None or most is None:
        raise unpriced(getattr(thing, "name", type(thing).__name__))
    if least > dollars:
        return -1
    return MILLION if most <= dollars else int((dollars - least) / (most - least) * MILLION)


def unpriced(name: str) -> InputError:
    """Make the error for a limit of money on what has no known price."""
    return InputError(
        f"there is a limit of money, and the price of {name} is not known",
        hint="say it in the model's options, in US dollars for a million tokens: "
        "`price: {input: 0.25, output: 2}`, or `price: 0`",
    )


def require_prices(limits: Budget, parts: Iterable[AgentParts]) -> None:
    """Raise InputError where money is limited and the price of an agent's model not known."""
    for one in parts:
        limited = limits.money is not None or (one.limits and one.limits.money is not None)
        if limited and cost_of(one.model, Usage(input_tokens=1, output_tokens=1)) is None:
            raise unpriced(one.model.name)
