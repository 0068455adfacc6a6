"""What the tests of research share: passages, a library of them, and a decider that reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bottega.decider import Choice, Judgement, Option, Score
from bottega.messages import Citation
from bottega.tools import Output, Tool
from bottega_plugins.knowledge.words import words


def passage(key: str, text: str, heading: str = "") -> Citation:
    """Make a passage whose span is that of its text."""
    source, _, lines = key.rpartition(":")
    line = int(lines.partition("-")[0])
    return Citation(
        key=key,
        source=source,
        start=0,
        end=len(text),
        line=line,
        end_line=line + text.count("\n"),
        heading=heading,
        quote=text,
    )


class Library(Tool):
    """A tool that finds the passages that share most words with a query."""

    name = "search_library"
    effects = "none"
    description = "Find passages."

    def __init__(self, *passages: Citation) -> None:
        self._passages = passages
        self.queries: list[str] = []

    async def run(self, query: str, k: int = 2) -> Output:
        """Find passages.

        Args:
            query: what to look for.
            k: how many.
        """
        self.queries.append(query)
        wanted = set(words(query))

        def shared(item: Citation) -> int:
            return len(wanted & set(words(f"{item.heading} {item.quote}")))

        found = sorted((p for p in self._passages if shared(p)), key=lambda p: -shared(p))[:k]
        content = "\n".join(f"[{p.key}] {p.quote}" for p in found) or "nothing found"
        return Output(content=content, citations=tuple(found))


class WordDecider:
    """A decider that knows words: something holds where the material has enough of its words."""

    name = "words"

    def __init__(self, judge: Callable[[str, str], bool | None] | None = None) -> None:
        self._judge = judge
        self.asked: list[tuple[str, str]] = []

    async def choose(
        self, question: str, options: Sequence[Option], *, context: str = ""
    ) -> Choice:
        return Choice(name=None)

    async def judge(self, question: str, *, context: str = "") -> Judgement:
        self.asked.append((question, context))
        own = self._judge(question, context) if self._judge else None
        if own is not None:
            return Judgement(verdict=own, reason="told so")
        wanted = set(words(question.rpartition(": ")[2]))
        share = len(wanted & set(words(context))) / max(1, len(wanted))
        return Judgement(
            verdict=share >= (0.2 if "helps" in question else 0.6),
            probability=share,
            reason=f"{share:.2f} of its words",
        )

    async def score(self, question: str, *, context: str = "") -> Score:
        return Score(value=None)
