"""The tools `post` and `read_board`: a blackboard that nodes share, in the state of the run.

What a node posts others see once it is through; it sees its own posts at once. Each entry says who
posted it and at which step. The board is small: it is for what everybody must know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bottega.errors import ToolError
from bottega.messages import Citation
from bottega.tools import Output, Tool, ToolContext
from bottega_agents.communication.desk import BOARD, Desk

LONGEST = 4_000
"""Characters of an entry."""
LONGEST_TOPIC = 80
FULL = 64_000
"""Characters of all entries together."""


class Post(Tool):
    """Post a note on the team's blackboard."""

    name = "post"
    effects = "none"
    desk: Desk

    async def run(self, topic: str, text: str, context: ToolContext) -> str:
        """Post a note on the team's blackboard, for all members to read.

        Args:
            topic: a short name under which others look for it.
            text: the note, understandable by itself.
            context: the call.
        """
        topic, text = " ".join(topic.split()), text.strip()
        if not topic or not text:
            raise ToolError("a note needs a topic and a text")
        if len(topic) > LONGEST_TOPIC or len(text) > LONGEST:
            raise ToolError(
                f"a topic has at most {LONGEST_TOPIC} characters, a note {LONGEST}: "
                f"these have {len(topic)} and {len(text)}"
            )
        if self.desk.size + len(text) > FULL:
            raise ToolError("the board is full: answer with what you have")
        self.desk.take(context.step, context.call_id, BOARD, len(text))
        return json.dumps({"posted": topic, "text": text}, ensure_ascii=False)


class ReadBoard(Tool):
    """Read the team's blackboard."""

    name = "read_board"
    effects = "none"
    desk: Desk

    async def run(self, topic: str = "") -> Output:
        """Read what members of the team have posted on the blackboard.

        Args:
            topic: what to read about; leave it empty to see which topics there are.
        """
        entries = [entry for entry in self.desk.board if _is_about(entry, topic)]
        if not topic.strip():
            return Output(content=_topics(self.desk.board))
        if not entries:
            raise ToolError(f"nothing is posted about {topic!r}", hint=_topics(self.desk.board))
        told = [{name: entry[name] for name in ("by", "step", "text")} for entry in entries]
        cited = {item["key"]: Citation(**item) for entry in entries for item in entry["citations"]}
        content = json.dumps(told, ensure_ascii=False)
        return Output(content=content, citations=tuple(cited.values()))


def _is_about(entry: Mapping[str, Any], topic: str) -> bool:
    said: str = entry["topic"]
    return said.casefold() == " ".join(topic.split()).casefold()


def _topics(entries: Iterable[Mapping[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry["topic"]] = counts.get(entry["topic"], 0) + 1
    if not counts:
        return "the board is empty"
    told = (f"{json.dumps(topic, ensure_ascii=False)} ({n})" for topic, n in counts.items())
    return f"topics, with the number of notes: {', '.join(told)}"
