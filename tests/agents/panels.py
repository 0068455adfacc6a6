"""What the tests of panels share: a graph of one panel and its members."""

from test_team import parts, play

from bottega.engine import Team
from bottega.events import Answer, Decision
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.testing import Say
from bottega_agents.roles.specialist import Specialist

ABSTAIN = Say(text="I cannot tell.", finish="abstain")


def panel(kind, decider=None, **models):
    """A team of a panel named `panel` and specialists with these models."""
    from bottega.testing import ScriptedModel

    edges = (EdgeSpec(source="start", target="panel"), EdgeSpec(source="panel", target="end"))
    nodes = (NodeSpec(name="panel", kind=""), *(NodeSpec(name=name, kind="") for name in models))
    return Team(
        spec=GraphSpec(name="team", nodes=nodes, edges=edges),
        kinds={"panel": kind, **{name: Specialist() for name in models}},
        parts={
            "panel": parts("panel", ScriptedModel(), decider=decider),
            **{name: parts(name, model) for name, model in models.items()},
        },
    )


def final(events):
    """The run's answer."""
    (answer,) = [event for event in events if isinstance(event, Answer) and event.final]
    return answer


def decisions(events):
    """What the panel said of its decisions."""
    return [event for event in events if isinstance(event, Decision) and event.node == "panel"]


async def interrupt(crew, until, **job):
    """Start a run and cancel it once `until()` holds."""
    import asyncio

    task = asyncio.ensure_future(play(crew, **job))
    async with asyncio.timeout(60):
        while not until():
            assert not task.done(), f"the run ended before it could be stopped: {task}"
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class ScriptedDecider:
    """A decider whose three methods are functions of what they are asked."""

    name = "scripted"

    def __init__(self, choose=None, judge=None, score=None):
        self.asked = []
        self._choose, self._judge, self._score = choose, judge, score

    async def choose(self, question, options, *, context=""):
        self.asked.append(("choose", question, context))
        return self._choose(question, options)

    async def judge(self, question, *, context=""):
        self.asked.append(("judge", question, context))
        return self._judge(question, context)

    async def score(self, question, *, context=""):
        self.asked.append(("score", question, context))
        return self._score(question, context)
