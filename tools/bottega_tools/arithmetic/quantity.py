"""Numbers with a unit: they add where their dimensions agree, and multiply always.

Kept in units of the SI. A temperature in degrees Celsius or Fahrenheit is a place on a scale and no
amount: it can be converted, and that is all.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from bottega.errors import ToolError
from bottega_tools.arithmetic.units import BASES, NAMES, NONE, Dimensions, Unit
from bottega_tools.arithmetic.values import Value, combine, negated, show, whole

_MOST_POWER = 20


@dataclass(frozen=True, slots=True)
class Quantity:
    """So much of something."""

    value: Value
    """In units of the SI."""
    dimensions: Dimensions
    scale: Unit | None = None
    """The scale on which it is a place; then `value` is as it was written, on that scale."""


Amount: TypeAlias = Value | Quantity


def of(value: Value, unit: Unit) -> Quantity:
    """Return so many of the unit."""
    if unit.offset is not None:
        return Quantity(value, unit.dimensions, unit)
    return Quantity(combine("*", value, unit.factor), unit.dimensions)


def plain(what: str, amount: Amount) -> Value:
    """Return a number without a unit. Raises ToolError for one that has one."""
    if isinstance(amount, Quantity):
        raise ToolError(
            f"{what} takes plain numbers, got {_name(amount.dimensions)}",
            hint="divide by a unit first: round(3 mi / 1 km)",
        )
    return amount


def negative(amount: Amount) -> Amount:
    """Return the amount with the other sign."""
    if isinstance(amount, Quantity):
        return Quantity(negated(amount.value), amount.dimensions, amount.scale)
    return negated(amount)


def calculated(sign: str, left: Amount, right: Amount) -> Amount:
    """Apply an operator. Raises ToolError where the units do not allow it."""
    if not isinstance(left, Quantity) and not isinstance(right, Quantity):
        return combine(sign, left, right)
    a, b = _quantity(left), _quantity(right)
    if a.scale is not None or b.scale is not None:
        raise ToolError(
            "temperatures in degC or degF can only be converted", hint="calculate with them in K"
        )
    if sign == "**":
        return _power(a, plain("a power", right))
    if sign in ("*", "/"):
        turn = 1 if sign == "*" else -1
        dimensions = _added(a.dimensions, b.dimensions, turn)
        return _simple(combine(sign, a.value, b.value), dimensions)
    if a.dimensions != b.dimensions:
        raise ToolError(f"{_name(a.dimensions)} and {_name(b.dimensions)} do not go with {sign!r}")
    value = combine(sign, a.value, b.value)
    return value if sign == "//" else Quantity(value, a.dimensions)


def converted(amount: Amount, target: Amount, written: str) -> str:
    """Write the amount in another unit. Raises ToolError where it is of another kind."""
    a, b = _quantity(amount), _quantity(target)
    if a.dimensions != b.dimensions:
        turned = _added(NONE, a.dimensions, -1) == b.dimensions
        raise ToolError(
            f"{_name(a.dimensions)} cannot be given in {written}, which is {_name(b.dimensions)}",
            hint="a unit belongs to the number before it: (1/3) mi, not 1/3 mi" if turned else "",
        )
    kelvin = a.value
    if a.scale is not None and a.scale.offset is not None:
        kelvin = combine("*", combine("+", a.value, a.scale.offset), a.scale.factor)
    if b.scale is not None and b.scale.offset is not None:
        value = combine("-", combine("/", kelvin, b.scale.factor), b.scale.offset)
    else:
        value = combine("/", kelvin, b.value)
    return f"{show(value)} {written}"


def shown(amount: Amount) -> str:
    """Write an amount, in units of the SI where it has one."""
    if not isinstance(amount, Quantity):
        return show(amount)
    if amount.scale is not None:
        return f"{show(amount.value)} {amount.scale.name}"
    return f"{show(amount.value)} {_symbols(amount.dimensions)}"


def _quantity(amount: Amount) -> Quantity:
    return amount if isinstance(amount, Quantity) else Quantity(amount, NONE)


def _simple(value: Value, dimensions: Dimensions) -> Amount:
    """Return a plain number where the units have cancelled out."""
    return value if dimensions == NONE else Quantity(value, dimensions)


def _power(base: Quantity, exponent: Value) -> Amount:
    power = whole("the power of a unit", exponent)
    if abs(power) > _MOST_POWER:
        raise ToolError(f"the power of a unit is at most {_MOST_POWER}")
    value = combine("**", base.value, Fraction(power))
    return _simple(value, _added(NONE, base.dimensions, power))


def _added(left: Dimensions, right: Dimensions, times: int) -> Dimensions:
    a, b, c, d, e, f = (x + times * y for x, y in zip(left, right, strict=True))
    found = (a, b, c, d, e, f)
    if max(map(abs, found)) > _MOST_POWER:
        raise ToolError(f"the power of a unit is at most {_MOST_POWER}")
    return found


def _name(dimensions: Dimensions) -> str:
    return NAMES.get(dimensions) or f"something in {_symbols(dimensions)}"


def _symbols(dimensions: Dimensions) -> str:
    """Write the units of the SI: `m/s^2`."""
    above = [_symbol(*each) for each in zip(BASES, dimensions, strict=True) if each[1] > 0]
    below = [
        _symbol(each[0], -each[1]) for each in zip(BASES, dimensions, strict=True) if each[1] < 0
    ]
    return "/".join(["*".join(above) or "1", *below])


def _symbol(base: str, power: int) -> str:
    return base if power == 1 else f"{base}^{power}"
