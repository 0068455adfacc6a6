"""A run that kills its own process with SIGKILL at a chosen moment: the program of test_kill.py.

How it is started says `crash_point`. Its crash points: `model:N` (before the model's reply at
step N), `before:N` or `after:N` (in tool call N, before or after its effect).
"""

from crash_point import CrashPoint

from bottega import tool
from bottega.engine import Team
from bottega.model import CallDelta, End, Request, TextDelta
from bottega.node import AgentParts
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec

crash = CrashPoint.of_arguments()
CALLS = 4


@tool(effects="once")
def note(number: int) -> str:
    """Write a number down."""
    crash.at(f"before:{number}")
    crash.log("notes", number)
    crash.at(f"after:{number}")
    return f"noted {number}"


class Scribe:
    """Note 1 to 4, then say what came of it: decides by the conversation alone."""

    name = "scribe"

    async def respond(self, request: Request):
        results = [result for message in request.messages for result in message.results]
        number = len(results) + 1
        crash.at(f"model:{number}")
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


crash.run(team())
