"""The text of a condition: `score < 0.5 and not abstained`, read without evaluating anything.

    any         := all ("or" all)*
    all         := one ("and" one)*
    one         := "not" one | "(" any ")" | comparison
    comparison  := FLAG | NAME ("==" "!=" "<" "<=" ">" ">=" "contains") LITERAL

The name stands on the left. A literal is a number, `true` or `false`, a word, or text in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from bottega.errors import InputError, suggest
from bottega.spec.condition import FACTS, Comparison, Condition, Fact, Joined, Not, Operator
from bottega.spec.findings import clip

LONGEST = 500
MOST_DEPTH = 20
"""Brackets and `not` within each other."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"[^"]*"|'[^']*')
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?(?![\w.]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_-]*)
    |(?P<sign>==|!=|<=|>=|<|>|\(|\))
    |(?P<bad>\S.{0,9})
    )""",
    re.VERBOSE,
)
_ORDER = ("<", "<=", ">", ">=")
_SIGNS = ("==", "!=", *_ORDER, "contains")
_MEANT = {"=": "==", "&&": "and", "||": "or", "!": "not", "is": "==", "=>": ">=", "=<": "<="}
_FORM = "for example `if score < 0.5 and not abstained`"


class ExpressionError(InputError):
    """A condition cannot be read; `offset` counts the characters before the place."""

    def __init__(self, offset: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.offset = offset


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int


def parse_condition(text: str, known: Iterable[str] = FACTS) -> Condition:
    """Return the condition; `known` are the names that it may use. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(0, f"a condition has at most {LONGEST} characters, not {len(text)}")
    parser = _Parser(_tokens(text), tuple(known))
    condition = parser.any_of(0)
    parser.end()
    return condition


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        if kind == "bad":
            raise _no_token(found[kind], found.start(kind))
    tokens.append(_Token("end", "", len(text.rstrip())))
    return tokens


def _no_token(text: str, offset: int) -> ExpressionError:
    if text[0] in "\"'":
        return ExpressionError(offset, "the quoted text does not end")
    sign = next((one for one in _MEANT if text.startswith(one)), "")
    hint = f"write `{_MEANT[sign]}`" if sign else _FORM
    return ExpressionError(offset, f"{clip(sign or text[0])} has no meaning here", hint)


class _Parser:
    """Reads one condition from its tokens."""

    def __init__(self, tokens: list[_Token], known: tuple[str, ...]) -> None:
        self._tokens = tokens
        self._known = known
        self._next = 0

    def any_of(self, depth: int) -> Condition:
        parts = [self._all_of(depth)]
        while self._take("word", "or"):
            parts.append(self._all_of(depth))
        return parts[0] if len(parts) == 1 else Joined("or", tuple(parts))

    def end(self) -> None:
        token = self._here
        if token.kind == "end":
            return
        raise ExpressionError(
            token.offset, f"{clip(token.text)} stands where the condition could end", _ending(token)
        )

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, kind: str, text: str = "") -> _Token | None:
        token = self._here
        if token.kind != kind or (text and token.text != text):
            return None
        self._next += 1
        return token

    def _all_of(self, depth: int) -> Condition:
        parts = [self._one(depth)]
        while self._take("word", "and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))

    def _one(self, depth: int) -> Condition:
        if depth > MOST_DEPTH:
            raise ExpressionError(
                self._here.offset, f"nested deeper than {MOST_DEPTH} levels", "make it simpler"
            )
        if self._take("word", "not"):
            return Not(self._one(depth + 1))
        if self._take("sign", "("):
            inner = self.any_of(depth + 1)
            if not self._take("sign", ")"):
                raise ExpressionError(self._here.offset, "a closing bracket is missing")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        token = self._here
        name = self._take("word")
        if name is None:
            got = f"got {clip(token.text)}" if token.text else "it ends here"
            raise ExpressionError(token.offset, f"the name of a fact is expected, {got}", _FORM)
        if name.text not in self._known:
            message = f"conditions know nothing of {clip(name.text)}"
            raise ExpressionError(name.offset, message, suggest(name.text, self._known))
        fact = FACTS[name.text]
        sign = self._sign()
        if sign is None:
            if fact.type != "flag":
                example = "< 0.5" if fact.type == "number" else f"== {(*fact.choices, 'word')[0]}"
                message = f"{name.text!r} is a {fact.type}: compare it with something"
                raise ExpressionError(name.offset, message, f"`{name.text} {example}`")
            return Comparison(name.text, "==", True, name.offset)
        return self._compared(name.text, fact, sign)

    def _sign(self) -> _Token | None:
        token = self._here
        if token.kind in ("sign", "word") and token.text in _SIGNS:
            self._next += 1
            return token
        if token.text in _MEANT:
            raise ExpressionError(
                token.offset, f"{token.text!r} compares nothing", f"write `{_MEANT[token.text]}`"
            )
        return None

    def _compared(self, name: str, fact: Fact, sign: _Token) -> Condition:
        fitting: dict[str, tuple[str, ...]] = {
            "flag": ("==", "!="),
            "number": ("==", "!=", *_ORDER),
            "text": ("==", "!=", "contains"),
        }
        if sign.text not in fitting[fact.type]:
            message = f"{name!r} is a {fact.type}, which {sign.text!r} does not compare"
            hint = f"a {fact.type} takes: {', '.join(fitting[fact.type])}"
            raise ExpressionError(sign.offset, message, hint)
        token = self._here
        literal = self._literal(name, fact)
        return Comparison(name, cast("Operator", sign.text), literal, token.offset)

    def _literal(self, name: str, fact: Fact) -> str | float | bool:
        token = self._here
        if token.kind not in ("text", "number", "word"):
            got = f"got {clip(token.text)}" if token.text else "it ends here"
            raise ExpressionError(token.offset, f"a value to compare with is expected, {got}")
        self._next += 1
        if fact.type == "flag":
            return self._flag(name, token)
        if fact.type == "number":
            return self._number(name, fact, token)
        text = token.text[1:-1] if token.kind == "text" else token.text
        if fact.choices and text not in fact.choices:
            message = f"{name!r} is never {clip(text)}"
            raise ExpressionError(token.offset, message, suggest(text, fact.choices))
        return text

    def _flag(self, name: str, token: _Token) -> bool:
        if token.text not in ("true", "false"):
            message = f"{name!r} is true or false, not {clip(token.text)}"
            raise ExpressionError(token.offset, message, f"`{name}` or `not {name}`")
        return token.text == "true"

    def _number(self, name: str, fact: Fact, token: _Token) -> float:
        if token.kind != "number":
            raise ExpressionError(token.offset, f"{name!r} is a number, not {clip(token.text)}")
        number = float(token.text)
        if number < 0 or (fact.most is not None and number > fact.most):
            most = "no end" if fact.most is None else f"{fact.most:g}"
            message = f"{name!r} goes from 0 to {most}, not to {token.text}"
            raise ExpressionError(token.offset, message)
        return number


def _ending(token: _Token) -> str:
    if token.kind == "word" and token.text in _MEANT:
        return f"write `{_MEANT[token.text]}`"
    return "join conditions with `and` or `or`; put text of several words in quotes"
