"""A reader of the event stream for people: steps as they happen, then the answer with its sources.

Steps go to standard error, the answer to standard output, so that a pipe gets the answer alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bottega.cli.planned import change_line, plan_line, task_lines
from bottega.errors import decimal
from bottega.escape import mask, one_line, plain
from bottega.events import (
    Action,
    Asked,
    BudgetReached,
    Compacted,
    Decision,
    Event,
    Failure,
    MessageSent,
    NodeStarted,
    Observation,
    PlanMade,
    RunEnded,
    RunStarted,
    Stuck,
    TaskChanged,
    Thought,
)
from bottega.messages import Citation
from bottega.result import Result

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red")
QUOTE_WIDTH = 160
QUESTION_WIDTH = 100
LINE_WIDTH = 400
MOST_LINES = 40
"""Of one thought."""


class Terminal:
    """Show a run's events, one line each, under the name of the node that speaks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._colours: dict[str, str] = {}

    def show(self, event: Event) -> None:
        """Show one event; kinds without a line are passed over."""
        line = _LINES.get(type(event))
        if line is None:
            return
        mark, text, style = line(event)
        self._print(self._name(event.node or "run"), f"{mark} {text}", style)
        for more in _more_lines(event):
            self._print(self._name(""), f"  {more}", style)

    def _print(self, name: Any, text: str, style: str) -> None:
        self._console.print(name, end=" ")
        self._console.print(
            text, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True
        )

    def _name(self, name: str) -> Any:
        from rich.text import Text

        if not name:
            return Text(" " * 14)
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return Text(f"{one_line(name, 14):>14}", style=f"bold {colour}")


def _more_lines(event: Event) -> list[str]:
    """Return what is shown below an event's line."""
    if isinstance(event, Thought):
        lines = event.text.strip().splitlines()[1:MOST_LINES]
        return [one_line(line, LINE_WIDTH) for line in lines]
    if isinstance(event, Asked) and event.question["kind"] == "plan":
        return task_lines(event.question["value"])
    return task_lines(event.plan) if isinstance(event, PlanMade) else []


def _started(event: Any) -> tuple[str, str, str]:
    again = "resumed: " if event.resumed else ""
    return "●", f"{again}{one_line(event.task)}  [{event.run_id}]", "bold"


def _node(event: Any) -> tuple[str, str, str]:
    return "▸", f"{one_line(event.role, 40)}: {one_line(event.task, QUOTE_WIDTH)}", ""


def _thought(event: Any) -> tuple[str, str, str]:
    first = event.text.strip().partition("\n")[0]
    return "…", one_line(first, LINE_WIDTH), "italic"


def _action(event: Any) -> tuple[str, str, str]:
    return "→", f"{one_line(event.tool, 60)}({_arguments(event.arguments)})", "bold"


def _observation(event: Any) -> tuple[str, str, str]:
    took = " (replayed)" if event.replayed else f"  {event.seconds:.2f} s"
    if event.is_error:
        return "✗", one_line(event.content) + took, "red"
    if event.citations:
        keys = [citation.key for citation in event.citations]
        passages = "1 passage" if len(keys) == 1 else f"{len(keys)} passages"
        return "←", f"{passages}: {one_line(', '.join(keys))}{took}", "dim"
    return "←", one_line(event.content, QUOTE_WIDTH) + took, "dim"


def _message(event: Any) -> tuple[str, str, str]:
    return "✉", f"to {one_line(event.to, 40)}: {one_line(event.text)}", ""


def _decision(event: Any) -> tuple[str, str, str]:
    asked = f"{one_line(event.question, QUESTION_WIDTH)} -> "
    if not event.question or event.question in event.reason:  # said once
        asked = ""
    sure = "" if event.probability is None else f" ({event.probability:.2f})"
    reason = f": {one_line(event.reason)}" if event.reason else ""
    return "⚖", f"{asked}{one_line(event.verdict, 40)}{sure}{reason}", "bold"


def _asked(event: Any) -> tuple[str, str, str]:
    question = event.question
    first = question["text"].partition("\n")[0] if question["kind"] == "plan" else question["text"]
    text = f"{one_line(first)}  [{one_line(question['id'], 200)}]"
    return "?", f"waits for a person: {text}", "bold yellow"


def _budget(event: Any) -> tuple[str, str, str]:
    unit = "US dollars" if event.limit == "money" else one_line(event.limit, 40)
    return "■", f"the limit of {decimal(event.allowed)} {unit} is reached", "yellow"


def _stuck(event: Any) -> tuple[str, str, str]:
    return "↻", f"stuck: {one_line(event.what)}", "yellow"


def _failure(event: Any) -> tuple[str, str, str]:
    hint = f" ({one_line(mask(event.hint))})" if event.hint else ""
    return "✗", f"{one_line(mask(event.message))}{hint}", "bold red" if event.fatal else "red"


def _compacted(event: Any) -> tuple[str, str, str]:
    what = f"{event.left_out} older messages left out" if event.left_out else "long results cut"
    return "≡", f"{what}: about {event.before:,} -> {event.after:,} tokens", "dim"


def _run_ended(event: Any) -> tuple[str, str, str]:
    tokens = "" if event.input_tokens is None else f", {_tokens(event)} tokens"
    reason = f" ({one_line(mask(event.reason))})" if event.reason else ""
    cost = f", ${event.cost:.4f}" if event.cost else ""
    steps = "1 step" if event.steps == 1 else f"{event.steps} steps"
    text = f"{event.status}{reason} after {steps}, {event.seconds:.1f} s{tokens}{cost}"
    return "●", text, "bold"


_LINES: dict[type[Event], Callable[[Any], tuple[str, str, str]]] = {
    RunStarted: _started,
    NodeStarted: _node,
    Thought: _thought,
    Action: _action,
    Observation: _observation,
    MessageSent: _message,
    Decision: _decision,
    PlanMade: plan_line,
    TaskChanged: change_line,
    Asked: _asked,
    Compacted: _compacted,
    Stuck: _stuck,
    BudgetReached: _budget,
    Failure: _failure,
    RunEnded: _run_ended,
}


def _tokens(event: RunEnded) -> int:
    return (event.input_tokens or 0) + (event.output_tokens or 0)


def _arguments(arguments: Mapping[str, Any]) -> str:
    items = (f"{name}={_short(value)}" for name, value in arguments.items())
    return one_line(", ".join(items), 240)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def answer_text(result: Result) -> str:
    """Return the answer and its sources, as plain text."""
    lines = [plain(result.answer)] if result.answer else []
    if result.citations:
        lines += ["", "Sources:"]
        lines += [line for citation in result.citations for line in _source(citation)]
    return "\n".join(lines)


def _source(citation: Citation) -> list[str]:
    heading = f"  {one_line(citation.heading, 100)}" if citation.heading else ""
    quote = one_line(citation.quote, QUOTE_WIDTH)
    return [f"  [{one_line(citation.key, 200)}]{heading}", f'      "{quote}"']
