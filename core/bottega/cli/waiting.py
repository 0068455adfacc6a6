"""What a waiting run is told with: its questions, and how to rule on them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from bottega.escape import mask, one_line, plain
from bottega.questions import FITTING, Question, Verdict

_OPTIONS: dict[Verdict, str] = {
    "approve": "--approve",
    "edit": "--edit JSON",
    "reject": "--reject REASON",
    "answer": "--answer TEXT",
}


def how_to_rule(run_id: str, questions: Sequence[Question], where: str = "") -> Iterator[str]:
    """Yield the lines that say how to go on; `where` is the option that names another folder."""
    command = f"bottega resume {run_id}{where}"
    if len(questions) == 1:
        yield f"waiting; go on with: {command} {_verdicts(questions[0])}"
        return
    yield f"waiting for {len(questions)} rulings; go on with one at a time:"
    for question in questions:
        name = shlex.quote(one_line(question.id, 200))
        yield f"  {command} --question {name} {_verdicts(question)}"


def question_lines(question: Question) -> Iterator[str]:
    """Yield a question in full, safe to show; its value is what an edit changes."""
    about = f" {one_line(question.tool, 60)}" if question.tool else ""
    yield f"? {one_line(question.id, 200)}  ({question.kind}{about})"
    if question.node:
        yield f"    asked by: {one_line(question.node, 100)}"
    yield from (f"    {line}" for line in plain(mask(question.text)).splitlines())
    if question.value is not None:
        yield f"    value: {plain(mask(json.dumps(question.value, ensure_ascii=False)))}"
    if question.options:
        yield f"    begin with one of: {', '.join(one_line(word, 60) for word in question.options)}"


def _verdicts(question: Question) -> str:
    return " | ".join(_OPTIONS[verdict] for verdict in FITTING[question.kind])
