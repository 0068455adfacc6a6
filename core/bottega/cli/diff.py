"""`bottega diff RUN OTHER`: where two runs part first, and what each came to."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bottega.cli import options
from bottega.cli.screen import show, show_json
from bottega.escape import one_line

if TYPE_CHECKING:
    from bottega.comparison import Difference
    from bottega.messages import Json
    from bottega.trace import Trace


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("other", metavar="OTHER")
@options.folder
@options.as_json
def diff(run_id: str, other: str, folder: Path, as_json: bool) -> None:
    """Say where RUN and OTHER part first: node, step, and what is not the same.

    Before that, what they began with, where that is not the same: graph, task, model.
    """
    from bottega.comparison import begun_apart, first_difference
    from bottega.home import store_address
    from bottega.trace import read_trace

    async def both() -> tuple[Trace, Trace]:
        store = store_address(folder)
        return await read_trace(store, run_id), await read_trace(store, other)

    left, right = asyncio.run(both())
    found = first_difference(left, right)
    if as_json:
        told = None if found is None else _document(found)
        began = {name: list(sides) for name, sides in begun_apart(left, right).items()}
        show_json({"began": began, "difference": told, "runs": [_total(left), _total(right)]})
        return
    for what, sides in begun_apart(left, right).items():
        show(f"the runs began with another {what}:")
        for mark, side in zip("-+", sides, strict=True):
            show(f"{mark} {one_line(side) or 'that of the graph'}")
    for line in _lines(found):
        show(line)
    from bottega.cli.moments import total_line

    for mark, trace in (("-", left), ("+", right)):
        show(f"{mark} {trace.run.run_id}: {total_line(trace)}: {one_line(trace.answer, 100)}")


def _lines(found: Difference | None) -> list[str]:
    from bottega.cli.moments import side_lines

    if found is None:
        return ["the runs do the same all the way"]
    left, right = found.sides()
    step = f" at step {found.step}" if found.step else ""
    head = f"the runs part in {found.node}{step}: {_WHAT[found.what]}"
    return [one_line(head), *side_lines("-", left), *side_lines("+", right)]


_WHAT = {
    "reply": "the model's reply",
    "arguments": "the arguments of a call",
    "result": "the result of a call",
    "decision": "a decision",
    "ruling": "what the person said",
    "compacted": "what the conversation was shortened to",
    "other": "what was written down",
    "end": "one of them does nothing there",
}


def _document(found: Difference) -> Json:
    left, right = found.sides()
    where = {"node": found.node, "step": found.step, "what": found.what}
    return {**where, "left": left, "right": right}


def _total(trace: Trace) -> Json:
    told = trace.to_json()
    names = ("answer", "steps", "usage", "cost")
    return {"run_id": trace.run.run_id, "status": trace.run.status, **{n: told[n] for n in names}}
