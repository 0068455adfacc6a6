"""What one visit of a node sends and posts, and what it sees of what others have.

Everything is read from the results of calls as they are observed, also from those that are replayed
after a crash. So the update that the node leaves is the same however often it was begun.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from bottega.citations import resolve
from bottega.events import Action, Event, Observation
from bottega.messages import Citation, citation_to_json
from bottega.tools import Tool
from bottega_agents.communication.mail import letter, mail_for
from bottega_agents.graph.state import State

SENDING = frozenset({"send_message", "broadcast"})
POSTING = "post"
BOARD = "the board"
"""Where notes go, in what is told of them; no node can have this name."""
FROM = "Message from {sender}"
MOST_CITED = 8
"""Passages that go along with a message or a note."""


class Desk:
    """Where one visit keeps what is to go out."""

    def __init__(self, name: str, place: str, state: State, tools: Sequence[Tool]) -> None:
        """Take the node's name, what names its visit among all of the thread, and its tools."""
        self._name = name
        self._place = place
        self._mail = state.get("mail", {})
        self._known = state.get("board", {})
        self._sent: dict[str, tuple[str, str]] = {}
        self._posted: dict[str, dict[str, Any]] = {}
        self._taken: dict[str, tuple[str, int]] = {}
        self._order: dict[str, int] = {}
        self.tools = tuple(_at(self, tool) for tool in tools)
        """The tools, at work for this visit."""
        self._names = {tool.spec.name for tool in tools}

    @property
    def board(self) -> list[Mapping[str, Any]]:
        """The notes on the blackboard, with this visit's own."""
        return [*self._known.values(), *self._posted.values()]

    def unread(self, name: str) -> int:
        """Return how many messages wait for a node."""
        under_way = sum(box == name for box, _ in self._taken.values())
        return len(mail_for(name, self._mail)) + under_way

    @property
    def size(self) -> int:
        """Characters on the blackboard."""
        under_way = sum(size for box, size in self._taken.values() if box == BOARD)
        return sum(len(entry["text"]) for entry in self._known.values()) + under_way

    def take(self, step: int, call_id: str, box: str, size: int) -> None:
        """Count what a call is about to send or post, before others of its turn do the same."""
        self._taken[f"{self._place}/{step}/{call_id}/{box}"] = (box, size)

    def note(self, event: Event) -> Iterator[tuple[str, str]]:
        """Take what a call has sent or posted; yield to whom what was said."""
        if not isinstance(event, Action | Observation) or event.tool not in self._names:
            return
        place = f"{self._place}/{event.step}/{event.call_id}"
        if isinstance(event, Action):
            self._order[place] = len(self._order)
        elif event.tool in SENDING and not event.is_error:
            data = json.loads(event.content)
            for to in data["sent_to"]:
                self._sent[f"{place}/{to}"] = (to, data["text"])
                self.take(event.step, event.call_id, to, len(data["text"]))
                yield to, data["text"]
        elif event.tool == POSTING and not event.is_error:
            data = json.loads(event.content)
            entry = {"topic": data["posted"], "text": data["text"], "citations": list[Any]()}
            self._posted[place] = {**entry, "by": self._name, "step": event.step}
            self.take(event.step, event.call_id, BOARD, len(data["text"]))
            yield BOARD, f"{data['posted']}: {data['text']}"

    def update(self, evidence: Mapping[str, Citation]) -> dict[str, Any]:
        """Return what the state gets; `evidence` are the passages that texts may point at."""
        update: dict[str, Any] = {}
        if self._sent:
            update["mail"] = {
                key: letter(
                    to,
                    FROM.format(sender=self._name),
                    text,
                    sender=self._name,
                    citations=_cited(text, evidence),
                )
                for key, (to, text) in sorted(self._sent.items(), key=self._turn)
            }
        if self._posted:
            update["board"] = {
                key: {**entry, "citations": _cited(entry["text"], evidence)}
                for key, entry in sorted(self._posted.items(), key=self._turn)
            }
        return update

    def _turn(self, item: tuple[str, Any]) -> int:
        """Order by the calls, not by which of them was through first."""
        key = item[0]
        return self._order.get(key, self._order.get(key.rpartition("/")[0], 0))


def _cited(text: str, evidence: Mapping[str, Citation]) -> list[dict[str, Any]]:
    return [citation_to_json(item) for item in resolve(text, evidence)[:MOST_CITED]]


def _at(desk: Desk, tool: Tool) -> Tool:
    """Return the tool with that desk; what was worked out about it is kept."""
    _ = tool.spec
    placed: Any = copy(tool)
    placed.desk = desk
    return placed  # type: ignore[no-any-return]
