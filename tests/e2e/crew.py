"""A team that leaves traces of all it does: the crew of the durability tests.

A coordinator gives `ann` and `bob` work in one turn; ann notes two numbers (a tool with effects
`once`), bob sends one (a tool that passes its key on) and looks at one; the critic sends the first
answer back. Every decision follows from the conversation alone, so a resumed crew goes on as it
would have. Lines in FOLDER/calls name each model and tool call that was begun, FOLDER/notes and
FOLDER/sent hold the effects. `at` is told of every moment at which a process may be killed.
"""

import asyncio
import hashlib
import json
import os
from contextvars import ContextVar
from pathlib import Path

from bottega import tool
from bottega.engine import Team
from bottega.model import CallDelta, End, TextDelta, Usage
from bottega.node import AgentParts
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.tools import ToolContext

EDGES = (("start", "lead", ""), ("lead", "critic", ""), ("critic", "lead", "revise"))
EDGES = (*EDGES, ("critic", "end", "accept"))
ANSWER = "final: ann noted 2, bob sent and looked"

SLOW = float(os.environ.get("SLOW", "0"))
"""Seconds that a model call takes."""

under_way: ContextVar[list[str] | None] = ContextVar("under_way", default=None)
"""What this task began and has not recorded yet."""


class Traces:
    """The traces of one crew, in a folder."""

    def __init__(self, folder: Path, at=lambda moment: None):
        self.folder = folder
        self.at = at
        self.in_flight: set[str] = set()

    def write(self, file: str, line: str) -> None:
        with (self.folder / file).open("a") as out:
            out.write(f"{line}\n")

    def read(self, file: str) -> list[str]:
        path = self.folder / file
        return path.read_text().splitlines() if path.exists() else []

    def begin(self, name: str) -> None:
        self.write("calls", name)
        self.start(name)
        self.at(f"begin {name}")

    def start(self, name: str) -> None:
        """Take note that something of this task is not recorded yet."""
        self.in_flight.add(name)
        under_way.set([*(under_way.get() or ()), name])

    def recorded(self) -> None:
        """Take what this task began for recorded."""
        for name in under_way.get() or ():
            self.in_flight.discard(name)
        under_way.set(None)


class Mind:
    """A model that decides by the conversation alone."""

    name = "mind"

    def __init__(self, node: str, traces: Traces):
        self._node = node
        self._traces = traces

    async def respond(self, request):
        said = json.dumps([message.text for message in request.messages]).encode()
        results = [r.content for message in request.messages for r in message.results]
        seen = hashlib.sha256(said + repr(results).encode()).hexdigest()[:12]
        self._traces.begin(f"model {self._node} {seen}")
        await asyncio.sleep(SLOW)
        turn = getattr(self, f"_{self._node}")(request.messages, results)
        for index, (name, arguments) in enumerate(turn if isinstance(turn, list) else ()):
            yield CallDelta(index=index, name=name, arguments=json.dumps(arguments))
        if isinstance(turn, str):
            yield TextDelta(text=turn)
        self._traces.at("replied")
        usage = Usage(input_tokens=10, output_tokens=5)
        yield End(finish="tool_calls" if isinstance(turn, list) else "stop", usage=usage)

    def _lead(self, messages, results):
        if not results:
            return [("ann", {"task": "note 1 and 2"}), ("bob", {"task": "send 3, look at 4"})]
        revised = any("sent back" in message.text for message in messages)
        return f"{'final' if revised else 'draft'}: {', '.join(results)}"

    def _ann(self, messages, results):
        if len(results) < 2:
            return [("note", {"number": len(results) + 1})]
        unknown = sum("unknown" in result for result in results)
        return "ann noted 2" + f" ({unknown} unknown)" * bool(unknown)

    def _bob(self, messages, results):
        if not results:
            return [("send", {"number": 3})]
        return "bob sent and looked" if len(results) == 2 else [("look", {"number": 4})]

    def _critic(self, messages, results):
        accepted = "final" in messages[-1].text
        return json.dumps({"verdict": accepted, "probability": 0.9, "reason": "make it final"})


def tools(traces: Traces):
    @tool(effects="once")
    async def note(number: int) -> str:
        """Note a number."""
        traces.begin(f"once note {number}")
        traces.write("notes", str(number))
        traces.at("noted")
        return f"noted {number}"

    @tool(effects="once", keyed=True)
    async def send(number: int, context: ToolContext) -> str:
        """Send a number, once for each key."""
        traces.begin(f"keyed send {number}")
        if context.key not in traces.read("sent"):
            traces.write("sent", context.key)
        traces.at("sent")
        return f"sent {number}"

    @tool(effects="none")
    async def look(number: int) -> str:
        """Look at a number."""
        traces.begin(f"look {number}")
        return f"looked at {number}"

    return {"ann": (note,), "bob": (send, look)}


def crew(traces: Traces) -> Team:
    from bottega.deciders import PromptDecider
    from bottega.dialects.native import Native
    from bottega_agents import Coordinator, Critic, Specialist

    kinds = {
        "lead": Coordinator(delegates=("ann", "bob")),
        "ann": Specialist(),
        "bob": Specialist(),
        "critic": Critic(reviews="lead", max_rounds=2),
    }
    own = tools(traces)
    parts = {}
    for name in kinds:
        mind = Mind(name, traces)
        parts[name] = AgentParts(
            name=name,
            model=mind,
            decider=PromptDecider(mind),
            dialect=Native(),
            tools=own.get(name, ()),
            peers={"ann": "Notes.", "bob": "Sends."} if name == "lead" else {},
        )
    spec = GraphSpec(
        name="crew",
        nodes=tuple(NodeSpec(name=name, kind="") for name in kinds),
        edges=tuple(EdgeSpec(source=s, target=t, outcome=o) for s, t, o in EDGES),
    )
    return Team(spec=spec, kinds=kinds, parts=parts)


def store_in(folder: Path) -> Path | str:
    """Return the address of the tests' store: BOTTEGA_STORE, or a file in the folder."""
    return os.environ.get("BOTTEGA_STORE") or folder / "bottega.db"
