"""An MCP server of one tool, for `tides.yaml` beside it and for any other MCP client."""

from mcp.server.mcpserver import MCPServer

HIGH_TIDES = {"dover": "11:42", "calais": "12:05", "ostend": "12:51"}

app = MCPServer("tides")


@app.tool()
def high_tide(harbour: str) -> str:
    """Look up the time of high tide in a harbour.

    Args:
        harbour: the name of the harbour, such as Dover.
    """
    time = HIGH_TIDES.get(harbour.strip().lower())
    if time is None:
        raise ValueError(f"no tide is known for {harbour}; known: {', '.join(HIGH_TIDES)}")
    return f"High tide in {harbour} is at {time}."


if __name__ == "__main__":
    app.run()
