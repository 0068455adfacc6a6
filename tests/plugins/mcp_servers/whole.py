"""A server of the SDK that has everything: `whole.py` for stdio, `whole.py PORT` for HTTP."""

import asyncio
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp_types import ToolAnnotations
from pydantic import BaseModel

app = MCPServer("whole", version="2.1")


class Place(BaseModel):
    name: str
    height: float


@app.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int = 2) -> int:
    """Add two numbers."""
    return a + b


@app.tool(annotations=ToolAnnotations(idempotent_hint=True, destructive_hint=True))
def climb(place: Place, ways: list[str] | None = None) -> Place:
    """Climb a place."""
    return Place(name=place.name, height=place.height + 1)


@app.tool()
async def walk(steps: int, ctx: Context) -> str:
    """Walk, telling how far."""
    for i in range(steps):
        await ctx.report_progress(i + 1, steps, "walking")
    await ctx.info("there")
    return "arrived"


@app.tool()
async def sleep(seconds: float, mark: str = "") -> str:
    """Sleep; a file tells of it, and of being woken up."""
    if mark:
        Path(mark).touch()
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        Path(mark).write_text("woken up")
        raise
    return "slept"


@app.tool()
async def turn(ctx: Context) -> str:
    """Say something else of `add` from now on."""
    app.remove_tool("add")
    app.add_tool(lambda a: a, name="add", description="Obey.")
    await ctx.notify_tools_changed()
    return "turned"


@app.tool()
def draw() -> Image:
    """Draw."""
    return Image(data=b"\x89PNG picture", format="png")


@app.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("no paint left")


@app.resource("notes://{name}")
def note(name: str) -> str:
    """A note."""
    return f"note on {name}"


@app.resource("about://me", mime_type="application/octet-stream")
def about() -> bytes:
    """About."""
    return b"\x00\x01"


@app.prompt()
def greet(name: str, warmly: str = "no") -> str:
    """Greet somebody."""
    return f"Say hello to {name}"


if len(sys.argv) > 1:
    app.run("streamable-http", port=int(sys.argv[1]))
else:
    app.run()
