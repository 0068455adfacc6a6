"""A planned run that kills its own process at a chosen moment: the program of test_kill_planned.py.

How it is started says `crash_point`. Its crash points: `plan` or `answer` (before the planner's
reply), `before:TASK` or `after:TASK` (in the tool call of a task, before or after its effect),
`reported:TASK` (before its owner's last reply).
"""

import json

from crash_point import CrashPoint

from bottega import tool
from bottega.engine import Team
from bottega.model import CallDelta, End, Request, TextDelta
from bottega.node import AgentParts
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec

crash = CrashPoint.of_arguments()
TASKS = (("t1", ()), ("t2", ()), ("t3", ("t1", "t2")), ("t4", ("t3",)))


@tool(effects="once")
def note(task: str) -> str:
    """Write the name of a task down."""
    crash.at(f"before:{task}")
    crash.log("notes", task)
    crash.at(f"after:{task}")
    return f"noted {task}"


class Boss:
    """Plan four tasks, one at a time, then tell what came of them: by the conversation alone."""

    name = "boss"

    async def respond(self, request: Request):
        results = [result for message in request.messages for result in message.results]
        if not results:
            crash.at("plan")
            crash.log("plans", "x")
            tasks = [
                {"id": name, "goal": f"note {name}", "owner": "scribe", "after": list(after)}
                for name, after in TASKS
            ]
            yield CallDelta(index=0, name="make_plan", arguments=json.dumps({"tasks": tasks}))
            yield End(finish="tool_calls")
        else:
            crash.at("answer")
            crash.log("answers", "x")
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
            crash.at(f"reported:{task}")
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


crash.run(team())
