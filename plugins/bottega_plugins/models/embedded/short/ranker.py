"""The ranker of spans: a small network whose table was fitted by `benchmarks/fit_short.py`.

One hidden layer over the codes and the values, which also count straight. The table was fitted on
SQuAD 1.1 questions (CC BY-SA 4.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bottega_plugins.models.embedded.short.spans import Spans

_FILE = Path(__file__).with_name("table.npz")


@dataclass(frozen=True)
class Table:
    """What was fitted; `h` hidden units."""

    codes: NDArray[np.float32]
    """Shape (CODES, h + 1): what a code adds to each hidden unit, and straight to the score."""
    values: NDArray[np.float32]
    """Shape (VALUES, h + 1), the same for values."""
    bias: NDArray[np.float32]
    """Shape (h + 1,)."""
    out: NDArray[np.float32]
    """Shape (h,)."""

    def scores(self, spans: Spans) -> NDArray[np.float32]:
        """Return a score for each span, higher for likelier ones; shape (n,)."""
        import numpy as np

        sums = self.codes[spans.codes].sum(axis=1) + spans.values @ self.values + self.bias
        found: NDArray[np.float32] = np.maximum(sums[:, :-1], 0) @ self.out + sums[:, -1]
        return found


@cache
def table() -> Table:
    """Return the table of this package, read at its first use."""
    import numpy as np

    with np.load(_FILE, allow_pickle=False) as stored:
        return Table(**{name: stored[name].astype(np.float32) for name in stored.files})
