"""Numbers: exact as long as they can be, then decimals of 40 digits, and never too large.

Fractions carry whatever + - * / and whole powers make. What has no exact value (a root, a
logarithm, a sine) becomes a Decimal, and so does everything that is made from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import (
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction

from bottega.errors import ToolError

Value = Fraction | Decimal

MAX_DIGITS = 4_000
"""Digits of a number: below where Python refuses to write one."""
SHOWN_DIGITS = 15
_MAX_BITS = int(MAX_DIGITS * math.log2(10))
_DECIMALS = Context(
    prec=40, Emax=9_999, Emin=-9_999, traps=[InvalidOperation, DivisionByZero, Overflow]
)
_TOO_LARGE = f"the result has more than {MAX_DIGITS:,} digits"


def number(text: str) -> Value:
    """Read a literal, exactly. Raises ToolError when it is too large."""
    _, _, exponent = text.lower().partition("e")
    if exponent and (len(exponent) > 6 or abs(int(exponent)) > MAX_DIGITS):
        raise ToolError(f"{text[:40]} is too large or too small to calculate with")
    return bounded(Fraction(text.replace("_", "")))


def bounded(value: Value) -> Value:
    """Return the value. Raises ToolError when it has become too large."""
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
            raise ToolError(_TOO_LARGE)
    elif not value.is_finite():
        raise ToolError("the result is not a number")
    return value


def approximately(value: Value) -> Decimal:
    """Return the value as a decimal of 40 digits."""
    if isinstance(value, Decimal):
        return value
    return _DECIMALS.divide(Decimal(value.numerator), Decimal(value.denominator))


def inexact(name: str, function: Callable[[Context], Decimal]) -> Decimal:
    """Work in decimals. Raises ToolError in place of what decimals raise."""
    try:
        with localcontext(_DECIMALS) as context:
            return function(context)
    except Overflow:
        raise ToolError(_TOO_LARGE) from None
    except DivisionByZero:
        raise ToolError("division by zero") from None
    except DecimalException:
        raise ToolError(f"{name} is not defined there") from None


def combine(symbol: str, left: Value, right: Value) -> Value:
    """Apply an operator. Raises ToolError for what it is not defined for."""
    if symbol in ("/", "//", "%") and not right:
        raise ToolError("division by zero")
    if symbol == "**":
        return bounded(_power(left, right))
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return bounded(_EXACT[symbol](left, right))
    if symbol in ("//", "%"):
        return bounded(_floor_division(symbol, approximately(left), approximately(right)))
    a, b = approximately(left), approximately(right)
    return bounded(inexact(symbol, lambda context: _DECIMAL[symbol](context, a, b)))


_EXACT: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: Fraction(a // b),
    "%": lambda a, b: a % b,
}
_DECIMAL: dict[str, Callable[[Context, Decimal, Decimal], Decimal]] = {
    "+": Context.add,
    "-": Context.subtract,
    "*": Context.multiply,
    "/": Context.divide,
}


def negated(value: Value) -> Value:
    """Return the value with the other sign; `-` would round a decimal to Python's default."""
    return value.copy_negate() if isinstance(value, Decimal) else -value


def has_unit_digit(value: Value) -> bool:
    """Whether the value is known down to its last digit before the point."""
    return isinstance(value, Fraction) or value.adjusted() < _DECIMALS.prec - 5


def _floor_division(symbol: str, left: Decimal, right: Decimal) -> Value:
    """Floor, as for exact numbers: decimals alone would round towards zero."""
    if not has_unit_digit(combine("/", left, right)):
        raise ToolError("the number is too large to be divided with a remainder")
    return combine(symbol, Fraction(left), Fraction(right))


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        if isinstance(base, Fraction):
            return _whole_power(base, exponent.numerator)
        return inexact("**", lambda context: context.power(base, Decimal(exponent.numerator)))
    if base < 0:
        raise ToolError("a negative number has no real power that is not whole")
    if base == 0:
        if exponent < 0:
            raise ToolError("division by zero")
        return Fraction(0)
    if isinstance(base, Fraction) and exponent == Fraction(1, 2):
        root = exact_root(base)
        if root is not None:
            return root
    a, b = approximately(base), approximately(exponent)
    return inexact("**", lambda context: context.power(a, b))


def _whole_power(base: Fraction, exponent: int) -> Fraction:
    if base == 0 and exponent < 0:
        raise ToolError("division by zero")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    # a number of n bits is at least 2**(n-1): the power is refused before it is worked out
    if abs(base) != 1 and base != 0 and (bits - 1) * abs(exponent) > _MAX_BITS:
        raise ToolError(_TOO_LARGE)
    if abs(base) == 1:
        exponent %= 2
    return Fraction(base**exponent)


def exact_root(value: Fraction) -> Fraction | None:
    """Return the square root where it is a fraction."""
    top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
    exact = top * top == value.numerator and bottom * bottom == value.denominator
    return Fraction(top, bottom) if exact else None


def whole(name: str, value: Value) -> int:
    """Return a whole number as an int. Raises ToolError for another."""
    if isinstance(value, Decimal) or value.denominator != 1:
        raise ToolError(f"{name} takes whole numbers only")
    return value.numerator


def show(value: Value) -> str:
    """Write a number: exactly if that is possible and short, else with 15 digits after a `≈`."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        exact = _terminating(value)
        if exact is not None:
            return exact
    rounded = Context(prec=SHOWN_DIGITS).plus(approximately(value)).normalize()
    if rounded and not -7 <= rounded.adjusted() < 21:
        return f"≈ {rounded:E}".replace("E+", "e").replace("E", "e")
    return f"≈ {rounded:f}"


def _terminating(value: Fraction) -> str | None:
    """Write a fraction whose decimals end, within 40 digits."""
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if rest != 1:
        return None
    text = format(approximately(value).normalize(), "f")
    return text if Fraction(text) == value and len(text) <= 60 else None
