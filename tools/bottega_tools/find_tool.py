"""The tool by which an agent finds tools that it was not told of."""

from __future__ import annotations

from bottega.errors import ToolError
from bottega.messages import Trust
from bottega.offering import FIND_TOOL, listed
from bottega.tool_index import ToolIndex
from bottega.tools import Tool

MOST = 20


class FindTool(Tool):
    """Find tools by what they do."""

    name = FIND_TOOL
    effects = "none"

    def __init__(self, index: ToolIndex, trust: Trust = "untrusted") -> None:
        """Search the index; `trust` is that of what the tools' authors say of them."""
        self._index = index
        self.trust = trust

    async def run(self, query: str, k: int = 5) -> str:
        """Find more tools: you are told only of those that seem to fit, but can call all of them.

        Args:
            query: what the tool should do, in a few words.
            k: how many tools to list at most.
        """
        if not query.strip():
            raise ToolError("the query is empty", hint="say what the tool should do")
        found = await self._index.search(query, k=max(1, min(k, MOST)))
        if not found:
            return "no tool fits that"
        return "\n".join(listed(one.spec) for one in found)
