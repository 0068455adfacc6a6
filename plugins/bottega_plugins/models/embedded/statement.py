"""What a task tells, to be kept: after an order to remember it, or as a plain statement.

By words alone; English only. In doubt nothing is told: a question must never be kept as a fact.
"""

from __future__ import annotations

import re

from bottega_plugins.models.embedded.sentences import sentences

_THIS = r"(?:\s+(?:this|the(?: following)? fact|for (?:later|me)))*"
_ORDER = re.compile(
    r"(?:please,?\s+)?(?:(?:can|could|will|would) you\s+)?(?:please\s+)?(?:also\s+)?"
    r"(?:(?:remember|memori[sz]e|(?:keep|bear) in mind|do(?: not|n't) forget|"
    rf"(?:make|take) a note(?: of)?|take note(?: of)?){_THIS}(?:\s*[:,]|\s+that\b)?|"
    rf"(?:note(?: down)?|save|store|keep|write down){_THIS}(?:\s*:|\s+that\b))\s*(?=\S)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:which|what|who|whom|whose|when|where|why|how|if|whether|to|about|all|everything)\b",
    re.IGNORECASE,
)
"""After `remember`: what is to be done or found, not what is so."""
_SUBJECT = r"(?:(?!(?:that|which|who|whose)\b)[\w'-]+\s+){1,4}?"
_VERB = (
    r"(?:am|is|are|was|were|has|have|had|will|won't|can|cannot|can't|isn't|aren't|wasn't|weren't|"
    r"doesn't|don't|didn't|does not|do not|did not|no longer|never|used to)"
)
_SAYS = re.compile(rf"{_SUBJECT}{_VERB}\s+\S", re.IGNORECASE)
_SAYS_WITH_A_VERB = re.compile(
    r"(?:(?:my|our|his|her|their|the)\s+\w+|[A-Z][\w'-]*(?:\s+[A-Z][\w'-]*)?|he|she|it)\s+"
    r"\w+(?:[^s\W]s|ed)\s+[^.]+\.|(?:i|we|they)\s+\w+\s+[^.]+\.",
    re.IGNORECASE,
)
"""Without a verb that can be nothing else, a full stop must say that it is a sentence."""
_ORDERS = re.compile(
    r"(?:which|what|who|whom|whose|when|where|why|how|if|please|let|list|name|find|search|show|"
    r"give|tell|look|explain|describe|summari[sz]e|quote|say|count|convert|translate|write|get|"
    r"compare|use|make|read|check|open|send|ask|plan|book|order|help|delete|remove|create|run|go|"
    r"take|put|draw|fix|review|sort|print|calculate|compute|is|are|was|were|do|does|did|can|could|"
    r"will|would|should|has|have|had|am)\b",
    re.IGNORECASE,
)


def stated(task: str) -> str:
    """Return what the task tells, as sentences of its own; empty where it tells nothing."""
    told = [_told(sentence) for sentence in sentences(task)]
    return " ".join(said for said in told if said)


def _told(sentence: str) -> str:
    if "?" in sentence:
        return ""
    ordered = _ORDER.match(sentence)
    if ordered is not None:
        rest = sentence[ordered.end() :]
        return "" if _ASKS.match(rest) else _sentence(rest)
    plain = _SAYS.match(sentence) or _SAYS_WITH_A_VERB.match(sentence)
    return _sentence(sentence) if plain and not _ORDERS.match(sentence) else ""


def _sentence(text: str) -> str:
    """Write it with a capital and an end: `anna likes tea` is found by other words than read."""
    text = text.strip()
    end = "" if text[-1:] in tuple(".!") else "."
    return f"{text[:1].upper()}{text[1:]}{end}"
