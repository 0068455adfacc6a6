"""A run that kills its own process with SIGKILL at a chosen moment: the program of test_kill.py.

    python doomed.py FOLDER RUN_ID run|resume CRASH_POINT

CRASH_POINT is `model:N` (before the model's reply at step N), `before:N` or `after:N` (in tool call
N, before or after its effect), or `never`. Prints the events as lines of JSON.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from bottega import Budget, tool
from bottega.engine import Job, Team
from bottega.model import CallDelta, End, Request, TextDelta
from bottega.node import AgentParts
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec

FOLDER, RUN_ID, MODE, CRASH = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
CALLS = 4


def crash_at(point: str) -> None:
    if point == CRASH:
        os.kill(os.getpid(), signal.SIGKILL)


@tool(effects="once")
def note(number: int) -> str:
    """Write a number down."""
    crash_at(f"before:{number}")
    with (FOLDER / "notes").open("a") as file:
        file.write(f"{number}\n")
    crash_at(f"after:{number}")
    return f"noted {number}"


class Scribe:
    """Note 1 to 4, then say what came of it: decides by the conversation alone."""

    name = "scribe"

    async def respond(self, request: Request):
        results = [result for message in request.messages for result in message.results]
        number = len(results) + 1
        crash_at(f"model:{number}")
        if number <= CALLS:
            yield CallDelta(index=0, name="note", arguments=f'{{"number": {number}}}')
            yield End(finish="tool_calls")
        else:
            unknown = sum("unknown" in result.content for result in results)
            yield TextDelta(text=f"{len(results)} calls, {unknown} unknown")
            yield End()


def team() -> Team:
    from bottega.deciders import PromptDecider
    from bottega.dialects.native import Native
    from bottega_agents.roles.specialist import Specialist

    edges = (EdgeSpec(source="start", target="scribe"), EdgeSpec(source="scribe", target="end"))
    spec = GraphSpec(
        name="doomed", nodes=(NodeSpec(name="scribe", kind="specialist"),), edges=edges
    )
    model = Scribe()
    parts = AgentParts(
        name="scribe", model=model, decider=PromptDecider(model), dialect=Native(), tools=(note,)
    )
    return Team(spec=spec, kinds={"scribe": Specialist()}, parts={"scribe": parts})


async def main() -> None:
    from bottega_agents.engine import LangGraphEngine

    job = Job(
        task="note them",
        limits=Budget(),
        run_id=RUN_ID,
        store=FOLDER / "bottega.db",
        resume=MODE == "resume",
    )
    async for event in LangGraphEngine().stream(team(), job):
        print(event.dumps(), flush=True)


asyncio.run(main())
