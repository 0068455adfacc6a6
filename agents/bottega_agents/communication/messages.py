"""The tools `send_message` and `broadcast`: a word to a node, which reads it when it next works.

The result of a call says what was sent. It is in the journal, and what the state gets when the node
ends is taken from there: a message is neither lost nor sent twice in a crash.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bottega.errors import ToolError
from bottega.tools import Tool, ToolContext
from bottega_agents.communication.addressed import AddressedTool
from bottega_agents.communication.desk import Desk

LONGEST = 4_000
"""Characters of a message."""
MOST_UNREAD = 50
"""Messages that may wait for one node."""


class SendMessage(AddressedTool):
    """Send a message to a member of the team."""

    name = "send_message"
    desk: Desk

    async def run(self, to: str, text: str, context: ToolContext) -> str:
        """Send a message to a member of the team, who reads it when it works next.

        Args:
            to: who is to read it.
            text: what to say, understandable by itself.
            context: the call.
        """
        return _sent([to], text, self.desk, context)


class Broadcast(Tool):
    """Send a message to several members of the team."""

    name = "broadcast"
    effects = "none"
    desk: Desk

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.description = f"Send one message to all of these: {', '.join(names)}."

    async def run(self, text: str, context: ToolContext) -> str:
        """Send a message to all.

        Args:
            text: what to say, understandable by itself.
            context: the call.
        """
        return _sent(self.names, text, self.desk, context)


def _sent(names: Sequence[str], text: str, desk: Desk, context: ToolContext) -> str:
    """Return what was sent. Raises ToolError for a message that cannot be delivered."""
    if not text.strip():
        raise ToolError("the message is empty")
    if len(text) > LONGEST:
        raise ToolError(f"the message has {len(text)} characters, at most {LONGEST} are sent")
    full = [name for name in names if desk.unread(name) >= MOST_UNREAD]
    if full:
        raise ToolError(f"{', '.join(full)} has {MOST_UNREAD} messages to read: wait")
    for name in names:
        desk.take(context.step, context.call_id, name, len(text))
    return json.dumps({"sent_to": list(names), "text": text}, ensure_ascii=False)
