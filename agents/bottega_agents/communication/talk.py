"""How a node may reach others, as a graph file says it: options of the kinds that hold talks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bottega.errors import InputError
from bottega.node import AgentParts
from bottega.tools import Tool


@dataclass(frozen=True, kw_only=True)
class Talk:
    """Whom a node may write to and hand its task over to, and whether it sees the blackboard."""

    talks_to: Sequence[str] = ()
    board: bool = False
    hands_off_to: Sequence[str] = ()

    @property
    def refers(self) -> Sequence[str]:
        """The nodes that are named, each once."""
        others = [name for name in self.hands_off_to if name not in self.talks_to]
        return (*self.talks_to, *others)

    def tools(self, parts: AgentParts) -> tuple[Tool, ...]:
        """Make what the node does it with. Raises InputError for a name that is taken."""
        from bottega_agents.communication.blackboard import Post, ReadBoard
        from bottega_agents.communication.handoff import HandOff
        from bottega_agents.communication.messages import Broadcast, SendMessage

        made: list[Tool] = []
        if self.talks_to:
            made.append(SendMessage(self.talks_to, parts.peers))
        if len(self.talks_to) > 1:
            made.append(Broadcast(self.talks_to))
        if self.board:
            made += [Post(), ReadBoard()]
        if self.hands_off_to:
            made.append(HandOff(self.hands_off_to, parts.peers))
        taken = {tool.spec.name for tool in parts.tools}
        for tool in made:
            if tool.name in taken:
                hint = f"node {parts.name!r} has a tool of its own of that name"
                raise InputError(f"two tools are named {tool.name!r}", hint=hint)
        return tuple(made)


NONE = Talk()
"""Of a node that keeps to itself."""


@dataclass(frozen=True, kw_only=True)
class Talking:
    """What the kinds of agents have that may reach others."""

    talk: Talk = NONE
    outcomes: Sequence[str] = ()
    bound: int | None = None

    @property
    def refers(self) -> Sequence[str]:
        """The nodes that it writes to and hands its task over to."""
        return self.talk.refers

    @property
    def hands_off_to(self) -> Sequence[str]:
        """The nodes that may take its task over."""
        return self.talk.hands_off_to
