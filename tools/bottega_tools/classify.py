"""The tool that classifies a text: by the agent's decider, which may abstain."""

from __future__ import annotations

import asyncio

from bottega.counsel import Counsel
from bottega.decider import Choice, Option
from bottega.errors import ToolError
from bottega.tools import ToolContext
from bottega_tools.zero_shot.counselled import CounselledTool, checked_text

MOST_LABELS = 50
LONGEST_LABEL = 500
READ = 8_000
"""Characters of the text that are read: its beginning says what it is."""
AT_ONCE = 4


class Classify(CounselledTool):
    """Classify a text."""

    name = "classify"

    async def run(  # noqa: D417  # the context is not the model's to give
        self, text: str, labels: list[str], context: ToolContext, several: bool = False
    ) -> dict[str, object]:
        """Say which label fits a text, with the probability of each; none where none clearly fits.

        Args:
            text: the text itself.
            labels: the labels, each perhaps with what it means: "refund: wants money back".
            several: whether more than one label may fit.
        """
        checked_text(text)
        options = _options(labels, 1 if several else 2)
        counsel = self._counsel(context)
        if several:
            return await _each(counsel, text[:READ], options)
        said = await counsel.choose(text[:READ], options)
        return {"label": said.name, "probabilities": _rounded(said)}


async def _each(counsel: Counsel, text: str, options: list[Option]) -> dict[str, object]:
    """Ask of each label whether it fits, against that it does not."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(option: Option) -> tuple[str, bool, float | None]:
        async with gate:
            said = await counsel.choose(text, [option])
        return option.name, said.name == option.name, said.probabilities.get(option.name)

    found = await asyncio.gather(*(ask(option) for option in options))
    sure = {name: round(chance, 3) for name, _, chance in found if chance is not None}
    return {"labels": [name for name, fits, _ in found if fits], "probabilities": sure}


def _options(labels: list[str], fewest: int) -> list[Option]:
    """Return the labels as options. Raises ToolError where they cannot be."""
    if not fewest <= len(labels) <= MOST_LABELS:
        raise ToolError(f"there must be {fewest} to {MOST_LABELS} labels, got {len(labels)}")
    options: list[Option] = []
    for label in labels:
        name, _, meaning = label.partition(":")
        if not name.strip() or len(label) > LONGEST_LABEL:
            raise ToolError(f"a label is empty or longer than {LONGEST_LABEL} characters")
        options.append(Option(name=name.strip(), description=meaning.strip()))
    names = [option.name for option in options]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise ToolError(f"the label {twice!r} is there twice")
    return options


def _rounded(said: Choice) -> dict[str, float]:
    return {name: round(chance, 3) for name, chance in said.probabilities.items()}
