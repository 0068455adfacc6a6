"""Finding a sum in a task: `17 * 23` as it stands, or said in words."""

from __future__ import annotations

import re

_NUMBER = r"(?:\d[\d,]*\.?\d*|\.\d+)"
_WORDS = (  # in this order: longer phrases before those that they contain
    (rf"({_NUMBER}) ?(?:%|percent|per cent) of ({_NUMBER})", r"\1 / 100 * \2"),
    (rf"\b(?:the )?square root of ({_NUMBER})", r"\1 ** 0.5"),
    (rf"\b(?:the )?sum of ({_NUMBER}) and ({_NUMBER})", r"\1 + \2"),
    (rf"\b(?:the )?product of ({_NUMBER}) and ({_NUMBER})", r"\1 * \2"),
    (rf"\b(?:the )?difference (?:of|between) ({_NUMBER}) and ({_NUMBER})", r"\1 - \2"),
    (rf"\b(?:the )?average of ({_NUMBER}) and ({_NUMBER})", r"(\1 + \2) / 2"),
    (rf"\bmultiply ({_NUMBER}) (?:by|and|with) ({_NUMBER})", r"\1 * \2"),
    (rf"\bdivide ({_NUMBER}) by ({_NUMBER})", r"\1 / \2"),
    (rf"\badd ({_NUMBER}) (?:to|and) ({_NUMBER})", r"\1 + \2"),
    (rf"\bsubtract ({_NUMBER}) from ({_NUMBER})", r"\2 - \1"),
    (r"\bto the power of\b|\braised to\b", "**"),
    (r"\bmultiplied by\b|\btimes\b|(?<=\d) ?[x\u00d7\u00b7] ?(?=\d)", "*"),
    (r"\bdivided by\b|\bover\b(?= ?\d)|\u00f7", "/"),
    (r"\bplus\b", "+"),
    (r"\bminus\b|\u2212", "-"),
    (r"(?<=\d) squared\b", " ** 2"),
    (r"(?<=\d) cubed\b", " ** 3"),
)
_REPLACED = tuple((re.compile(pattern, re.IGNORECASE), by) for pattern, by in _WORDS)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_RUN = re.compile(r"[\d.+\-*/%^() ]*\d[\d.+\-*/%^() ]*")
_OPERATION = re.compile(r"[\d)] ?(?:\*\*|//|[+\-*/%^]) ?[(\d.\-]")
_DATE_LIKE = re.compile(r"\d{1,4}-\d{1,2}-\d{1,4}|\d+(?:-\d+)")
_LONGEST = 500


def expression_in(task: str) -> str:
    """Return the longest arithmetic expression of the task; empty where there is none."""
    text = task[:_LONGEST]
    text = _THOUSANDS.sub("", text)
    for pattern, by in _REPLACED:
        text = pattern.sub(by, text)
    runs = (_trimmed(match[0]) for match in _RUN.finditer(" ".join(text.split())))
    good = [run for run in runs if _OPERATION.search(run) and not _DATE_LIKE.fullmatch(run)]
    return max(good, key=len, default="")


def _trimmed(run: str) -> str:
    """Take off what belongs to the sentence around, and brackets that nothing matches."""
    run = run.strip().rstrip(".+-*/%^( ").lstrip(".*/%^) ")
    while run.count("(") > run.count(")"):
        head, _, tail = run.partition("(")
        run = (head + tail).strip()
    while run.count(")") > run.count("("):
        head, _, tail = run.rpartition(")")
        run = (head + tail).strip()
    return run
