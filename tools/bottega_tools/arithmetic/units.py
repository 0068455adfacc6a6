"""Units of measurement: what each is in the units of the SI, exactly.

Values are those of the SI Brochure (BIPM, 9th edition) and of NIST SP 811, appendix B. Customary
units are those of the United States; `imp` before gallon, pint, quart and fluid ounce means the
British ones. Units without one meaning, such as the month, are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from bottega.errors import suggest

Dimensions = tuple[int, int, int, int, int, int]
"""Powers of metre, kilogram, second, kelvin, ampere and byte."""
BASES = ("m", "kg", "s", "K", "A", "B")
NONE: Dimensions = (0, 0, 0, 0, 0, 0)
NAMES: dict[Dimensions, str] = {
    NONE: "a plain number",
    (1, 0, 0, 0, 0, 0): "a length",
    (2, 0, 0, 0, 0, 0): "an area",
    (3, 0, 0, 0, 0, 0): "a volume",
    (0, 1, 0, 0, 0, 0): "a mass",
    (0, 0, 1, 0, 0, 0): "a time",
    (0, 0, -1, 0, 0, 0): "a frequency",
    (1, 0, -1, 0, 0, 0): "a speed",
    (1, 0, -2, 0, 0, 0): "an acceleration",
    (1, 1, -2, 0, 0, 0): "a force",
    (2, 1, -2, 0, 0, 0): "an energy",
    (2, 1, -3, 0, 0, 0): "a power",
    (-1, 1, -2, 0, 0, 0): "a pressure",
    (0, 0, 0, 1, 0, 0): "a temperature",
    (0, 0, 0, 0, 1, 0): "a current",
    (0, 0, 0, 0, 0, 1): "an amount of data",
    (0, 0, -1, 0, 0, 1): "a rate of data",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: so many of the SI's."""

    name: str
    factor: Fraction
    dimensions: Dimensions
    offset: Fraction | None = None
    """Added before the factor is applied: only of scales of temperature that begin elsewhere."""


_LENGTH, _MASS, _TIME = (1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 1, 0, 0, 0)
_KELVIN, _CURRENT, _DATA = (0, 0, 0, 1, 0, 0), (0, 0, 0, 0, 1, 0), (0, 0, 0, 0, 0, 1)
_AREA, _VOLUME, _SPEED = (2, 0, 0, 0, 0, 0), (3, 0, 0, 0, 0, 0), (1, 0, -1, 0, 0, 0)
_FORCE, _ENERGY, _POWER = (1, 1, -2, 0, 0, 0), (2, 1, -2, 0, 0, 0), (2, 1, -3, 0, 0, 0)
_PRESSURE, _VOLTAGE = (-1, 1, -2, 0, 0, 0), (2, 1, -3, 0, -1, 0)
_RESISTANCE, _CHARGE, _FREQUENCY = (2, 1, -3, 0, -2, 0), (0, 0, 1, 0, 1, 0), (0, 0, -1, 0, 0, 0)
_TABLE: tuple[tuple[Dimensions, str], ...] = (
    (_LENGTH, "m meter metre=1|inch in inches=0.0254|ft foot feet=0.3048|yd yard=0.9144"),
    (_LENGTH, "mi mile=1609.344|nmi=1852|au=149597870700|ly lightyear=9460730472580800"),
    (_AREA, "ha hectare=10000|acre=4046.8564224|sqft=0.09290304|sqmi=2589988.110336"),
    (_VOLUME, "l L liter litre=0.001|gal gallon=0.003785411784|qt quart=0.000946352946"),
    (_VOLUME, "pt pint=0.000473176473|cup=0.0002365882365|floz=0.0000295735295625"),
    (_VOLUME, "tbsp tablespoon=0.00001478676478125|tsp teaspoon=0.00000492892159375"),
    (_VOLUME, "impgal=0.00454609|impqt=0.0011365225|imppt=0.00056826125|impfloz=0.0000284130625"),
    (_VOLUME, "bbl barrel=0.158987294928"),
    (_MASS, "g gram gramme=0.001|t tonne=1000|lb lbs pound=0.45359237|oz ounce=0.028349523125"),
    (_MASS, "st stone=6.35029318|ton=907.18474|ct carat=0.0002"),
    (_TIME, "s sec second=1|min minute=60|h hr hour=3600|d day=86400|week wk=604800"),
    (_TIME, "year yr=31557600"),
    (_SPEED, "kmh kph=5/18|mph=0.44704|kn knot=463/900"),
    (_FORCE, "N newton=1|lbf=4.4482216152605"),
    (_ENERGY, "J joule=1|cal calorie=4.184|Wh=3600|BTU btu=1055.05585262|eV=1.602176634e-19"),
    (_POWER, "W watt=1|hp=745.69987158227022"),
    (_PRESSURE, "Pa pascal=1|bar=100000|atm=101325|psi=6894.757293168361|mmHg=133.322387415"),
    (_KELVIN, "K kelvin=1"),
    (_CURRENT, "A amp ampere=1"),
    (_VOLTAGE, "V volt=1"),
    (_RESISTANCE, "ohm=1"),
    (_CHARGE, "coulomb=1|Ah=3600"),
    (_FREQUENCY, "Hz hertz=1|rpm=1/60"),
    (_DATA, "B byte=1|b bit=1/8"),
)
_SCALES = {
    ("degC", "C", "celsius"): (Fraction(1), Fraction("273.15")),
    ("degF", "F", "fahrenheit"): (Fraction(5, 9), Fraction("459.67")),
}
_PREFIXED = frozenset(
    [
        "m",
        "g",
        "s",
        "l",
        "L",
        "N",
        "J",
        "cal",
        "Wh",
        "eV",
        "W",
        "Pa",
        "bar",
        "A",
        "V",
        "ohm",
        "Ah",
        "Hz",
        "B",
        "b",
        "bit",
        "meter",
        "metre",
        "gram",
        "byte",
        "watt",
        "joule",
    ]
)
_PREFIXES = {
    "n": -9, "u": -6, "m": -3, "c": -2, "d": -1, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15,
    "nano": -9, "micro": -6, "milli": -3, "centi": -2, "kilo": 3, "mega": 6, "giga": 9, "tera": 12,
}  # fmt: skip
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50}


def find_unit(name: str) -> Unit | None:
    """Return the unit of that name; a plural is known, too. None where there is none."""
    plural = len(name) > 3 and name.endswith("s")
    return units().get(name) or (units().get(name[:-1]) if plural else None)


def near_unit(name: str) -> str:
    """Return "did you mean 'mi'?", or nothing where no unit has a name like that."""
    hint = suggest(name, [unit.name for unit in _plain()])
    return hint if hint.startswith("did") else ""


@cache
def units() -> dict[str, Unit]:
    """Return all units by their names; plain names go before those with a prefix."""
    found = {unit.name: unit for unit in (*_with_prefixes(), *_plain(), *_scales())}
    found["kg"] = Unit("kg", Fraction(1), _MASS)
    return found


def _plain() -> Iterator[Unit]:
    for dimensions, line in _TABLE:
        for entry in line.split("|"):
            names, _, factor = entry.partition("=")
            for name in names.split():
                yield Unit(name, Fraction(factor), dimensions)


def _scales() -> Iterator[Unit]:
    for names, (factor, offset) in _SCALES.items():
        for name in names:
            yield Unit(name, factor, _KELVIN, offset)


def _with_prefixes() -> Iterator[Unit]:
    for unit in _plain():
        if unit.name not in _PREFIXED:
            continue
        for prefix, power in _PREFIXES.items():
            yield Unit(prefix + unit.name, unit.factor * Fraction(10) ** power, unit.dimensions)
        for prefix, power in _BINARY.items() if unit.dimensions == _DATA else ():
            yield Unit(prefix + unit.name, unit.factor * 2**power, unit.dimensions)
