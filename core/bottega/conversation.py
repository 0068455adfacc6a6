"""How a conversation with a model opens."""

from __future__ import annotations

from bottega.messages import Message, system, user
from bottega.node import AgentParts
from bottega.secrets import mask

CITE = (
    "Passages begin with a key in square brackets. After each statement that rests on a passage, "
    "repeat its key in the same brackets. If the passages do not tell, say so."
)


def opening(parts: AgentParts, task: str, *, role: str = "") -> list[Message]:
    """Return the first messages: what the agent is told about itself, and its task.

    `role` is what its kind says of it, before the instructions of this one agent.
    """
    rules = CITE if parts.tools else ""
    told = mask("\n\n".join(text for text in (role, parts.instructions, rules) if text))
    return [system(told), user(task)] if told else [user(task)]
