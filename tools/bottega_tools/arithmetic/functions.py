"""The functions and constants that an expression may name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial

from bottega.errors import ToolError
from bottega_tools.arithmetic.values import (
    Value,
    approximately,
    bounded,
    combine,
    exact_root,
    has_unit_digit,
    inexact,
    negated,
    whole,
)

CONSTANTS: dict[str, Value] = {
    "pi": Decimal("3.141592653589793238462643383279502884197"),
    "e": Decimal("2.718281828459045235360287471352662497757"),
    "tau": Decimal("6.283185307179586476925286766559005768394"),
}
MAX_FACTORIAL = 1_000
_TRIG_PLACES = 15
_LARGEST_TANGENT = 1e15
"""Beyond it there is only the rounding of pi/2."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function and how many arguments it takes."""

    least: int
    most: int
    apply: Callable[..., Value]


def _sqrt(x: Value) -> Value:
    if x < 0:
        raise ToolError("the square root of a negative number is not real")
    root = exact_root(x) if isinstance(x, Fraction) else None
    return inexact("sqrt", lambda context: approximately(x).sqrt(context)) if root is None else root


def _abs(x: Value) -> Value:
    return negated(x) if x < 0 else x


def _cbrt(x: Value) -> Value:
    size = _abs(x)
    top = round(math.cbrt(size)) if size < 10**15 else 0
    if top**3 == size:
        return Fraction(top if x >= 0 else -top)
    root = combine("**", size, Fraction(1, 3)) if x else Fraction(0)
    return negated(root) if x < 0 else root


def _log(x: Value, base: Value | None = None) -> Value:
    if x <= 0 or (base is not None and (base <= 0 or base == 1)):
        raise ToolError("a logarithm takes positive numbers, and a base other than 1")
    if base is None:
        return inexact("ln", lambda context: approximately(x).ln(context))
    power = _whole_log(x, base)
    return combine("/", _log(x), _log(base)) if power is None else power


def _whole_log(x: Value, base: Value) -> Fraction | None:
    """Return the logarithm where it is a whole number: log2(8) is 3 and not nearly so."""
    if not isinstance(x, Fraction) or not isinstance(base, Fraction):
        return None
    guess = round(float(combine("/", _log(x), _log(base))))
    try:
        return Fraction(guess) if combine("**", base, Fraction(guess)) == x else None
    except ToolError:
        return None


def _round(x: Value, places: Value | None = None) -> Value:
    """Round half away from zero, as taught at school."""
    if not has_unit_digit(x):
        return x
    digits = 0 if places is None else whole("round", places)
    if abs(digits) > 100:
        raise ToolError("round takes at most 100 places")
    scaled = Fraction(x) * Fraction(10) ** digits
    rounded = math.floor(abs(scaled) + Fraction(1, 2))
    return Fraction(rounded if scaled >= 0 else -rounded) / Fraction(10) ** digits


def _factorial(x: Value) -> Value:
    n = whole("factorial", x)
    if not 0 <= n <= MAX_FACTORIAL:
        raise ToolError(f"factorial takes whole numbers from 0 to {MAX_FACTORIAL:,}")
    return Fraction(math.factorial(n))


def _sum(*items: Value) -> Value:
    total: Value = Fraction(0)
    for item in items:
        total = combine("+", total, item)
    return total


def _by_float(name: str, function: Callable[[float], float]) -> Function:
    """Wrap a function of floats: right to about 15 digits."""

    def apply(x: Value) -> Value:
        try:
            result = function(float(x))
        except (ValueError, OverflowError):
            raise ToolError(f"{name} is not defined there") from None
        if not math.isfinite(result) or (name == "tan" and abs(result) > _LARGEST_TANGENT):
            raise ToolError(f"{name} is not defined there")
        return Decimal(repr(round(result, _TRIG_PLACES)))

    return Function(1, 1, apply)


def _whole_numbers(name: str, function: Callable[..., int]) -> Function:
    def apply(*items: Value) -> Value:
        return bounded(Fraction(function(*(whole(name, item) for item in items))))

    return Function(1, 100, apply)


def _floor(x: Value) -> Value:
    return Fraction(math.floor(x)) if has_unit_digit(x) else x


def _ceil(x: Value) -> Value:
    return Fraction(math.ceil(x)) if has_unit_digit(x) else x


def _mean(*items: Value) -> Value:
    return combine("/", _sum(*items), Fraction(len(items)))


def _least(*items: Value) -> Value:
    return min(items)


def _most(*items: Value) -> Value:
    return max(items)


def _exp(x: Value) -> Value:
    return inexact("exp", approximately(x).exp)


FUNCTIONS: dict[str, Function] = {
    "sqrt": Function(1, 1, _sqrt),
    "cbrt": Function(1, 1, _cbrt),
    "abs": Function(1, 1, _abs),
    "round": Function(1, 2, _round),
    "floor": Function(1, 1, _floor),
    "ceil": Function(1, 1, _ceil),
    "min": Function(1, 1_000, _least),
    "max": Function(1, 1_000, _most),
    "sum": Function(1, 1_000, _sum),
    "mean": Function(1, 1_000, _mean),
    "exp": Function(1, 1, _exp),
    "ln": Function(1, 1, _log),
    "log": Function(1, 2, _log),
    "log2": Function(1, 1, partial(_log, base=Fraction(2))),
    "log10": Function(1, 1, partial(_log, base=Fraction(10))),
    "pow": Function(2, 2, partial(combine, "**")),
    "mod": Function(2, 2, partial(combine, "%")),
    "factorial": Function(1, 1, _factorial),
    "gcd": _whole_numbers("gcd", math.gcd),
    "lcm": _whole_numbers("lcm", math.lcm),
    "degrees": _by_float("degrees", math.degrees),
    "radians": _by_float("radians", math.radians),
    **{
        name: _by_float(name, getattr(math, name))
        for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh")
    },
}
