"""Reading an expression and working it out on the way: a Pratt parser.

After Vaughan Pratt, "Top Down Operator Precedence" (1973). Precedence is as in Python; beyond it
there are `^` for powers, the signs of print for times, divided and minus, percent, and `of`. A unit
behind a number binds more tightly than any sign; what stands behind the last `in` or `to` is the
unit of the result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from bottega.errors import ToolError, suggest
from bottega_tools.arithmetic.functions import CONSTANTS, FUNCTIONS
from bottega_tools.arithmetic.quantity import (
    Amount,
    calculated,
    converted,
    negative,
    of,
    plain,
    shown,
)
from bottega_tools.arithmetic.units import Unit, find_unit, near_unit
from bottega_tools.arithmetic.values import number

MAX_LENGTH = 1_000
MAX_DEPTH = 50

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z]\w*)|(?P<sign>->|\*\*|//|[-+*/%^(),×÷−·]))",  # noqa: RUF001  # signs of print, on purpose
    re.ASCII,
)
_SAME = {"^": "**", "×": "*", "·": "*", "÷": "/", "−": "-"}  # noqa: RUF001
_BINDING = {"+": 10, "-": 10, "*": 20, "/": 20, "//": 20, "%": 20, "of": 20, "**": 40}
_UNARY = 30
_CONVERT = ("in", "to", "as", "->")
_SHOWN = {"**": "^"}
_PRINTED = {"°": "deg", "²": "^2", "³": "^3", "µ": "u", "μ": "u"}  # signs of print


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["number", "name", "sign", "end"]
    text: str
    place: int
    """Characters before it, from 0."""


class Parser:
    """One expression. Raises ToolError for what is no expression, or takes too much."""

    def __init__(self, expression: str) -> None:
        if len(expression) > MAX_LENGTH:
            raise ToolError(
                f"the expression is {len(expression):,} characters long; at most {MAX_LENGTH:,}"
            )
        for sign, written in _PRINTED.items():
            expression = expression.replace(sign, written)
        self._tokens, self._target = _split(_tokens(expression))
        self._next = 0
        self._depth = 0

    def result(self) -> str:
        """Work it out, in the unit that is asked for; return it as text."""
        value = self._whole()
        if not self._target:
            return shown(value)
        self._tokens, self._next = [*self._target, self._tokens[-1]], 0
        return converted(
            value,
            self._whole(),
            "".join(_SHOWN.get(token.text, token.text) for token in self._target),
        )

    def _whole(self) -> Amount:
        value = self._expression(0)
        if self._token.kind != "end":
            raise self._unexpected()
        return value

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._token
        self._next += 1
        return token

    def _expression(self, binding: int) -> Amount:
        """Read as far as operators bind more tightly than what stands before."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ToolError(f"the expression is nested more than {MAX_DEPTH} levels deep")
        left = self._operand()
        while _BINDING.get(self._token.text, 0) > binding:
            sign = self._take().text
            if sign == "%" and self._is_percent():
                left = calculated("/", left, Fraction(100))
            elif sign == "**":  # right-associative
                left = calculated("**", left, self._expression(_BINDING["**"] - 1))
            else:
                right = self._expression(_BINDING[sign])
                left = calculated("*" if sign == "of" else sign, left, right)
        self._depth -= 1
        return left

    def _is_percent(self) -> bool:
        """Whether `%` stands for hundredths: where no operand follows. Raises where both fit."""
        token = self._token
        if token.text in ("+", "-"):
            raise ToolError(
                f"character {token.place}: '%' before '{token.text}' may mean percent or remainder",
                hint="write (5%) - 3 for percent, mod(5, -3) for the remainder",
            )
        operand = token.kind == "number" or token.text == "("
        return not (operand or (token.kind == "name" and token.text != "of"))

    def _operand(self) -> Amount:
        token = self._take()
        if token.kind == "number":
            return self._with_unit(number(token.text))
        if token.kind == "name":
            return self._named(token)
        if token.text in ("-", "+"):
            value = self._expression(_UNARY)
            return negative(value) if token.text == "-" else value
        if token.text == "(":
            value = self._expression(0)
            self._expect(")")
            return self._with_unit(value)
        self._next -= 1
        raise self._unexpected()

    def _with_unit(self, value: Amount) -> Amount:
        """Read the unit that follows, if one does."""
        token = self._token
        if token.kind != "name" or token.text == "of":
            return value
        found = _unit(token.text)
        if found is None:
            raise ToolError(
                f"character {token.place + 1}: unexpected {token.text[:40]!r}; it is no unit",
                hint=near_unit(token.text[:40]),
            )
        self._take()
        unit, power = found
        if self._token.text == "**" and self._tokens[self._next + 1].text.isdecimal():
            self._take()
            power *= int(self._take().text[:3])
        return (
            calculated("*", value, self._powered(unit, power)) if power != 1 else _of(value, unit)
        )

    @staticmethod
    def _powered(unit: Unit, power: int) -> Amount:
        return calculated("**", of(Fraction(1), unit), Fraction(power))

    def _named(self, token: _Token) -> Amount:
        name = token.text.lower()
        called = self._token.text == "("
        if name in CONSTANTS and not called:
            return self._with_unit(CONSTANTS[name])
        if not called and _unit(token.text) is not None:
            self._next -= 1
            return self._with_unit(Fraction(1))
        if name not in FUNCTIONS:
            known = [*FUNCTIONS, *CONSTANTS]
            raise ToolError(
                f"character {token.place + 1}: unknown name {token.text[:40]!r}",
                hint=suggest(name[:40], known),
            )
        function = FUNCTIONS[name]
        arguments = self._arguments()
        if not function.least <= len(arguments) <= function.most:
            least, most = function.least, function.most
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ToolError(f"{name} takes {wanted} numbers, got {len(arguments)}")
        return self._with_unit(function.apply(*(plain(name, each) for each in arguments)))

    def _arguments(self) -> list[Amount]:
        self._expect("(")
        found = [self._expression(0)]
        while self._token.text == ",":
            self._take()
            found.append(self._expression(0))
        self._expect(")")
        return found

    def _expect(self, sign: str) -> None:
        if self._token.text != sign:
            raise self._unexpected(f"; expected {sign!r}")
        self._take()

    def _unexpected(self, more: str = "") -> ToolError:
        token = self._token
        if token.kind == "end":
            return ToolError(f"the expression ends too early{more}")
        hint = "write numbers without thousands separators" if token.text == "," else ""
        return ToolError(
            f"character {token.place + 1}: unexpected {token.text[:40]!r}{more}", hint=hint
        )


def _unit(name: str) -> tuple[Unit, int] | None:
    """Return a unit and its power: `m2` is a square metre."""
    unit = find_unit(name)
    if unit is None and name[-1] in "23":
        unit = find_unit(name[:-1])
        return None if unit is None else (unit, int(name[-1]))
    return None if unit is None else (unit, 1)


def _of(value: Amount, unit: Unit) -> Amount:
    one = of(Fraction(1), unit)
    return (
        of(value, unit) if isinstance(value, (Fraction, Decimal)) else calculated("*", value, one)
    )


def _split(tokens: list[_Token]) -> tuple[list[_Token], list[_Token]]:
    """Tell the expression from the unit that its result is wanted in."""
    for at in range(len(tokens) - 3, -1, -1):
        if tokens[at].text in _CONVERT and at:
            target = tokens[at + 1 : -1]
            if _unit(target[0].text) and all(map(_names_a_unit, target)):
                return [*tokens[:at], tokens[-1]], target
            return tokens, []
    return tokens, []


def _names_a_unit(token: _Token) -> bool:
    if token.kind == "name":
        return _unit(token.text) is not None
    return token.text in ("*", "/", "**") or token.text.isdecimal()


def _tokens(expression: str) -> list[_Token]:
    found: list[_Token] = []
    place, text = 0, expression.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            bad = text[place:].lstrip()[:1]
            raise ToolError(f"character {place + 1}: {bad!r} is not part of an expression")
        kind: Literal["number", "name", "sign"] = match.lastgroup  # type: ignore[assignment]
        written = match[kind]
        found.append(_Token(kind, _SAME.get(written, written), match.start(kind)))
        place = match.end()
    return [*found, _Token("end", "", len(text))]
