"""An agent that acts by code and kills its own process: the program of test_kill_code.py.

How it is started says `crash_point`. Its crash points: `model:N` (before the reply at step N),
`before:N` or `after:N` (in the call that notes N, before or after its effect).
"""

from crash_point import CrashPoint

from bottega import tool
from bottega.engine import Team
from bottega.model import End, Request, TextDelta
from bottega.node import AgentParts
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec

crash = CrashPoint.of_arguments()
STEPS = [
    "first = note(1)\ndef tell(*parts):\n    return ' '.join(parts)\nfirst",
    "second = note(2)\ntry:\n    third = note(3)\nexcept RuntimeError as error:\n"
    "    third = 'unknown' if 'is unknown' in str(error) else 'failed'\nprint(second, third)",
    "final_answer(tell(first, second, third))",
]


@tool(effects="once")
def note(number: int) -> str:
    """Write a number down."""
    crash.at(f"before:{number}")
    crash.log("notes", number)
    crash.at(f"after:{number}")
    return f"noted {number}"


class Coder:
    """Write the steps one after the other: decides by the conversation alone."""

    name = "coder"

    async def respond(self, request: Request):
        number = sum(message.role == "assistant" for message in request.messages)
        crash.at(f"model:{number + 1}")
        yield TextDelta(text=f"Thought: on\n```python\n{STEPS[number]}\n```")
        yield End()


def team() -> Team:
    from bottega.assembly import Assembler
    from bottega.deciders import PromptDecider
    from bottega.dialect import tools_with
    from bottega_agents.roles.specialist import Specialist

    edges = (EdgeSpec(source="start", target="coder"), EdgeSpec(source="coder", target="end"))
    spec = GraphSpec(name="doomed", nodes=(NodeSpec(name="coder", kind="specialist"),), edges=edges)
    model = Coder()
    dialect = Assembler.open(None, crash.folder).make("dialect", "code")
    parts = AgentParts(
        name="coder",
        model=model,
        decider=PromptDecider(model),
        dialect=dialect,
        tools=tools_with(dialect, (note,)),
    )
    return Team(spec=spec, kinds={"coder": Specialist()}, parts={"coder": parts})


crash.run(team())
