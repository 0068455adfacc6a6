"""A node's conversation between two visits.

Where the graph is kept on disk the conversation lies in the journals of the visits, once; the state
holds only where the last one is. A graph without a checkpointer has it in its state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bottega.dialect import Dialect
from bottega.history import OPENING, History, last_compaction
from bottega.loop import Loop
from bottega.messages import (
    Citation,
    Json,
    Message,
    ToolCall,
    ToolResult,
    citation_to_json,
    message_from_json,
    message_to_json,
    part_from_json,
    part_to_json,
    result_from_json,
    result_to_json,
)
from bottega.run import RunContext
from bottega_agents.storage.journal import NodeJournal, Ref


@dataclass(frozen=True, kw_only=True)
class Transcript:
    """What a node needs to go on where it was."""

    run: str
    step: int
    messages: Sequence[Message] = ()
    handed_on: Sequence[ToolCall] = ()
    """Calls of the last turn that others carry out."""
    results: Sequence[ToolResult] = ()
    """Results of the last turn that were there at once."""
    evidence: Mapping[str, Citation] = field(default_factory=dict[str, Citation])
    """Passages that messages point at whose results were left out, by key."""
    ref: Ref | None = None
    """Where the journal of the last visit is; None where the conversation lies in the state."""

    @staticmethod
    def of(loop: Loop, ref: Ref | None) -> Transcript:
        """Return where a loop has come to."""
        return Transcript(
            run=loop.run.run_id,
            step=loop.step,
            messages=tuple(loop.messages),
            handed_on=loop.outcome.handed_on,
            results=loop.outcome.results,
            evidence=loop.left_out,
            ref=ref,
        )

    def to_state(self) -> dict[str, Any]:
        """Return the transcript as plain JSON values for the state."""
        waits = bool(self.handed_on)
        known = {"run": self.run, "step": self.step, "waits": waits}
        if self.ref is not None:
            return {**known, "ref": dict(self.ref)}
        return {
            **known,
            "messages": [message_to_json(message) for message in self.messages],
            "handed_on": [part_to_json(call) for call in self.handed_on],
            "results": [result_to_json(result) for result in self.results],
            "evidence": [citation_to_json(one) for one in self.evidence.values()],
        }


async def load(
    data: Mapping[str, Any], journal: NodeJournal, dialect: Dialect, run: RunContext, path: str
) -> Transcript:
    """Read what `to_state` wrote; the conversation is told again from the journals."""
    ref: Ref | None = data.get("ref")
    if ref is None:
        return _from_state(data)
    kept = run.kept.get(ref["task"])
    if isinstance(kept, Transcript):
        return kept
    history = History()
    for entries in await visits(journal, ref, shortened=True):
        history.go_on(entries, dialect, path)
    # a store of version 1 had them in the state, and its journals cannot tell them
    told = _from_state({**data, "messages": ()}) if "handed_on" in data else history
    return Transcript(
        run=data["run"],
        step=data["step"],
        messages=history.messages,
        handed_on=told.handed_on if data["waits"] else (),
        results=told.results if data["waits"] else (),
        evidence=history.evidence,
        ref=ref,
    )


def keep(transcript: Transcript, before: Transcript | None, run: RunContext) -> None:
    """Spare the next visit in this process the reading."""
    if transcript.ref is None:
        return
    if before is not None and before.ref is not None:
        run.kept.pop(before.ref["task"], None)
    run.kept[transcript.ref["task"]] = transcript


async def visits(
    journal: NodeJournal, ref: Ref, *, shortened: bool = False
) -> list[Mapping[str, Json]]:
    """Return the entries of a node's visits in this thread, the first one first.

    `shortened`: only as far back as the conversation goes that its model is still shown.
    """
    found: list[Mapping[str, Json]] = []
    here: Ref | None = ref
    while here is not None:
        entries = await journal.earlier(here)
        found.append(entries)
        if shortened and last_compaction(entries) is not None:
            break
        here = entries[OPENING]["before"] if OPENING in entries else None
    return found[::-1]


async def results_seen(data: Mapping[str, Any], journal: NodeJournal) -> list[ToolResult]:
    """Return the results that a node has read, without telling the whole conversation again."""
    ref: Ref | None = data.get("ref")
    if ref is None:
        messages = _from_state(data).messages
        return [result for message in messages for result in message.results]
    found: list[ToolResult] = []
    for entries in await visits(journal, ref):
        opening = entries.get(OPENING, {"messages": ()})
        for item in opening["messages"]:
            found += message_from_json(item).results
        results = [entries[key] for key in entries if "/result/" in key]
        found += [result_from_json(item["result"]) for item in results]
    return found


def _from_state(data: Mapping[str, Any]) -> Transcript:
    calls = [part_from_json(call) for call in data["handed_on"]]
    return Transcript(
        run=data["run"],
        step=data["step"],
        messages=[message_from_json(message) for message in data["messages"]],
        handed_on=[call for call in calls if isinstance(call, ToolCall)],
        results=[result_from_json(result) for result in data["results"]],
        evidence={item["key"]: Citation(**item) for item in data.get("evidence", ())},
    )
