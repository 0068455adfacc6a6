"""The kind `map`: one node's work, done for each item of a list.

The list is the answer of the node before, or the task where there is none yet. Each item is a task
of its own, sent off by LangGraph as a coordinator's are; the map is visited again with the reports.
What has finished is not run again after a crash, and an item that fails is told of and fails
nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from bottega.errors import InputError
from bottega.events import Answer, MessageSent, NodeEnded, NodeStarted
from bottega.messages import Citation
from bottega.node import AgentParts
from bottega.run import RunContext
from bottega_agents.flow.items import read_items
from bottega_agents.flow.place import place_here
from bottega_agents.graph.state import State
from bottega_agents.graph.surroundings import run_of
from bottega_agents.roles.coordinator import report_key

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

NOTHING = "The list is empty: there was nothing to do."
_PLACE = re.compile(r"\{(?:item|number|task)\}")
TOO_MANY = "the list has {count:,} items, and at most {most:,} are taken"


@dataclass(frozen=True, kw_only=True)
class Map:
    """The kind `map`."""

    node: str
    """The node that does the work."""
    task: str = "{item}"
    """What it is asked: `{item}`, its `{number}` and the whole `{task}` are filled in."""
    most: int = 100
    """A longer list is refused."""
    at_once: int = 8
    """Items under work at the same time."""
    gather: Literal["list", "json"] = "list"
    """The answer: numbered texts, or a JSON list with null for what failed."""
    then: str = ""
    """Where to go when it is done: only for a `StateGraph` built by hand."""
    refers: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    bound: int | None = None

    @property
    def delegates(self) -> Sequence[str]:
        """The node that does the work."""
        return (self.node,)

    def build(self, parts: AgentParts) -> Callable[..., Any]:
        """Return the LangGraph node."""
        return MapNode(parts, self).run


class MapNode:
    """A map at work."""

    def __init__(self, parts: AgentParts, kind: Map) -> None:
        self.parts = parts
        self.kind = kind

    async def run(self, state: State, config: RunnableConfig) -> Any:
        """Send the items off, or make one answer of what came back."""
        from langgraph.types import Command

        run = run_of(config)
        course = state.get("maps", {}).get(self.parts.name)
        if course and course["run"] == state.get("run", ""):
            update = self._gathered(state, course, run)
            return Command(update=update, goto=self.kind.then) if self.kind.then else update
        try:
            items = read_items(state.get("answer", "") or state.get("task", ""))
        except InputError as error:
            run.tell(NodeStarted, self.parts.name, role="map", task=f"items for {self.kind.node}")
            return self._refused(str(error), run)
        task = f"{len(items):,} item{'' if len(items) == 1 else 's'} for {self.kind.node}"
        run.tell(NodeStarted, self.parts.name, role="map", task=task)
        if len(items) > self.kind.most:
            return self._refused(TOO_MANY.format(count=len(items), most=self.kind.most), run)
        if not items:
            return self._done(NOTHING if self.kind.gather == "list" else "[]", [], run)
        course = {"run": state.get("run", ""), "place": place_here(), "items": items}
        sends = self._sends(state, course, run)
        return Command(update={"maps": {self.parts.name: course}}, goto=sends)

    def _sends(self, state: State, course: Mapping[str, Any], run: RunContext) -> list[Any]:
        from langgraph.types import Send

        name, place, sends = self.parts.name, course["place"], list[Any]()
        gate = [f"{run.run_id}/{place}/{name}", self.kind.at_once]
        for number, item in enumerate(course["items"], 1):
            task = _filled(self.kind.task, item, number, state.get("task", ""))
            run.tell(MessageSent, self.parts.name, to=self.kind.node, text=task)
            call_id = f"{place}.{number}"
            given = {"task": task, "caller": name, "call_id": call_id, "gate": gate}
            sends.append(Send(self.kind.node, given))
        return sends

    def _gathered(self, state: State, course: Mapping[str, Any], run: RunContext) -> dict[str, Any]:
        """Return the update with the answers, in the order of the items."""
        name, reports = self.parts.name, state.get("reports", {})
        keys = [
            report_key(name, f"{course['place']}.{n}") for n in range(1, len(course["items"]) + 1)
        ]
        found = [reports.get(key) for key in keys]
        texts = [_answer(report) for report in found]
        more = {"maps": {name: None}, "reports": dict.fromkeys(keys)}
        if all(text is None for text in texts):
            return {**self._refused(f"every item failed, the first: {_why(found[0])}", run), **more}
        if self.kind.gather == "json":
            answer = json.dumps(texts, ensure_ascii=False)
        else:
            shown = [_shown(*pair) for pair in zip(texts, found, strict=True)]
            answer = "\n\n".join(f"{number}. {text}" for number, text in enumerate(shown, 1))
        return {**self._done(answer, [one for one in found if one], run), **more}

    def _done(
        self, answer: str, reports: Sequence[Mapping[str, Any]], run: RunContext
    ) -> dict[str, Any]:
        cited = {item["key"]: item for report in reports for item in report["citations"]}
        fields = {
            "answer": answer,
            "citations": list(cited.values()),
            "abstained": bool(reports) and all(report["abstained"] for report in reports),
            "partial": any(report["status"] != "done" for report in reports),
        }
        citations = tuple(Citation(**item) for item in cited.values())
        told = {"text": answer, "abstained": fields["abstained"], "partial": fields["partial"]}
        run.tell(Answer, self.parts.name, citations=citations, **told)
        run.tell(NodeEnded, self.parts.name)
        return {**fields, "author": self.parts.name, "status": "done", "reason": ""}

    def _refused(self, reason: str, run: RunContext) -> dict[str, Any]:
        run.tell(NodeEnded, self.parts.name, status="failed", reason=reason)
        return {"status": "failed", "reason": reason}


def _filled(template: str, item: str, number: int, task: str) -> str:
    """Fill in a template in one go: what is filled in is not read as a template again."""
    values = {"{item}": item, "{number}": str(number), "{task}": task}
    return _PLACE.sub(lambda found: values[found[0]], template)


def _answer(report: Mapping[str, Any] | None) -> str | None:
    """Return what an item came to; None when it failed without an answer."""
    if report is None or (report["status"] != "done" and not report["answer"]):
        return None
    return str(report["answer"])


def _why(report: Mapping[str, Any] | None) -> str:
    return str(report["reason"]) if report else "no report came back"


def _shown(text: str | None, report: Mapping[str, Any] | None) -> str:
    if text is None:
        return f"(failed: {_why(report)})"
    return text if report and report["status"] == "done" else f"{text} (incomplete: {_why(report)})"
