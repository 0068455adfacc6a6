"""Lines of `.pth` files that run at every start of Python, in distributions that bring a plugin.

Such a line runs before anybody asks for a plugin, in every program of the environment; a stolen
release of a well-known package spread that way (litellm 1.82.8). `bottega doctor` shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bottega.escape import one_line

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_EDITABLE = "__editable__"
"""How setuptools begins the name of the file that it writes for `pip install -e`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PathLine:
    """One line that Python runs at its start."""

    distribution: str
    file: str
    line: str
    editable: bool
    """Written by an editable install, by the name of the file."""


def path_lines(distributions: Iterable[str]) -> Iterator[PathLine]:
    """Yield the executable lines of the `.pth` files that these distributions brought."""
    from importlib.metadata import PackageNotFoundError, distribution

    for name in dict.fromkeys(distributions):
        try:
            found = distribution(name)
        except (PackageNotFoundError, ValueError):
            continue  # registered by hand: nothing of it was installed
        yield from _lines_of(name, found)


def _lines_of(name: str, distribution: Distribution) -> Iterator[PathLine]:
    for file in distribution.files or ():
        if file.suffix != ".pth":
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            text = f"import (cannot be read: {type(error).__name__})"
        for line in text.splitlines():
            if line.startswith(("import ", "import\t")):  # the rule of Python's own `site` module
                yield PathLine(
                    distribution=name,
                    file=file.name,
                    line=one_line(line, 120),
                    editable=file.name.startswith(_EDITABLE),
                )
