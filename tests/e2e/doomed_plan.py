"""A planned run that kills its own process at a chosen moment: the program of test_kill_planned.py.

    python doomed_plan.py FOLDER RUN_ID run|resume CRASH_POINT

CRASH_POINT is `plan` or `answer` (before the planner's reply), `before:TASK` or `after:TASK` (in
the tool call of a task, before or after its effect), `reported:TASK` (before its owner's last
reply), or `never`. Prints the events as lines of JSON.
"""

import asyncio
import json
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
TASKS = (("t1", ()), ("t2", ()), ("t3", ("t1", "t2")), ("t4", ("t3",)))


def crash_at(point: str) -> None:
    if point == CRASH:
        os.kill(os.getpid(), signal.SIGKILL)


def log(kind: str) -> None:
    with (FOLDER / kind).open("a") as file:
        file.write("x\n")


@tool(effects="once")
def note(task: str) -> str:
    """Write the name of a task down."""
    crash_at(f"before:{task}")
    with (FOLDER / "notes").open("a") as file:
        file.write(f"{task}\n")
    crash_at(f"after:{task}")
    return f"noted {task}"


class Boss:
    """Plan four tasks, one at a time, then tell what came of them: by the conversation alone."""

    name = "boss"

    async def respond(self, request: Request):
        results = [result for message in request.messages for result in message.results]
        if not results:
            crash_at("plan")
            log("plans")
            tasks = [
                {"id": name, "goal": f"note {name}", "owner": "scribe", "after": list(after)}
                for name, after in TASKS
            ]
            yield CallDelta(index=0, name="make_plan", arguments=json.dumps({"tasks": tasks}))
            yield End(finish="tool_calls")
        else:
            crash_at("answer")
            log("answers")
            done = results[-1].content.count(", done")
            unknown = results[-1].content.count("unknown")
            yield TextDelta(text=f"{done} done, {unknown} unknown")
            yield End()


class Scribe:
    """Note the name of its task once."""

    name = "scribe"

    async def respond(self, request: Request):
        results = [result for message in request.messages for result in message.results]
        task = request.messages[-1 - 2 * bool(results)].text.removeprefix("note ")
        if not results:
            yield CallDelta(index=0, name="note", arguments=json.dumps({"task": task}))
            yield End(finish="tool_calls")
        else:
            crash_at(f"reported:{task}")
            yield TextDelta(text="unknown" if "unknown" in results[-1].content else "written")
            yield End()


class Yes:
    """A decider that is content."""

    name = "yes"

    async def judge(self, question, *, context=""):
        from bottega.decider import Judgement

        return Judgement(verdict=True)


def team() -> Team:
    from bottega.dialects.native import Native
    from bottega_agents.planning.planner import Planner
    from bottega_agents.roles.specialist import Specialist

    edges = (EdgeSpec(source="start", target="boss"), EdgeSpec(source="boss", target="end"))
    nodes = (NodeSpec(name="boss", kind="planner"), NodeSpec(name="scribe", kind="specialist"))
    spec = GraphSpec(name="doomed", nodes=nodes, edges=edges)
    same = {"decider": Yes(), "dialect": Native()}
    parts = {
        "boss": AgentParts(name="boss", model=Boss(), peers={"scribe": "notes"}, **same),
        "scribe": AgentParts(name="scribe", model=Scribe(), tools=(note,), **same),
    }
    kinds = {"boss": Planner(delegates=("scribe",), at_once=1), "scribe": Specialist()}
    return Team(spec=spec, kinds=kinds, parts=parts)


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
