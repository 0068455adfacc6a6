"""A team with a planner for the tests: scripted models, and short ways to write plans."""

import json

from test_team import parts, verdict

from bottega.deciders import PromptDecider
from bottega.engine import Team
from bottega.events import PlanMade, TaskChanged
from bottega.spec.model import EdgeSpec, GraphSpec, NodeSpec
from bottega.testing import ScriptedModel, call
from bottega_agents.planning.planner import Planner
from bottega_agents.roles.specialist import Specialist

PEERS = {"librarian": "Finds passages.", "analyst": "Calculates."}
YES, NO = verdict(True), verdict(False, "not what was asked")


def draft(name, owner="librarian", *after, **more):
    """A task as the model writes it."""
    return {"id": name, "goal": f"do {name}", "owner": owner, "after": list(after), **more}


def made(*tasks, **more):
    """The model's call that makes or changes a plan."""
    return call("make_plan", tasks=list(tasks), **more)


def crew(planner, librarian=None, analyst=None, *, decider=None, tools=(), **kind) -> Team:
    """A planner and two specialists: models or scripts; the decider says yes by default."""
    models = {
        name: script if hasattr(script, "respond") else ScriptedModel(*(script or ()))
        for name, script in (("lead", planner), ("librarian", librarian), ("analyst", analyst))
    }
    if not hasattr(decider, "respond"):
        decider = ScriptedModel(*decider) if decider else ScriptedModel(YES, repeat=True)
    kinds = {
        "lead": Planner(delegates=tuple(PEERS), **kind),
        "librarian": Specialist(),
        "analyst": Specialist(),
    }
    made_of = {
        "lead": parts("lead", models["lead"], peers=PEERS, decider=PromptDecider(decider)),
        "librarian": parts("librarian", models["librarian"], tools=tools),
        "analyst": parts("analyst", models["analyst"], tools=tools),
    }
    edges = (EdgeSpec(source="start", target="lead"), EdgeSpec(source="lead", target="end"))
    nodes = tuple(NodeSpec(name=name, kind="") for name in kinds)
    spec = GraphSpec(name="planned", nodes=nodes, edges=edges)
    return Team(spec=spec, kinds=kinds, parts=made_of)


def tasks_of(events):
    """What happened to tasks, in order."""
    return [(event.task, event.status) for event in events if isinstance(event, TaskChanged)]


def last_plan(events):
    """The plan that was made last, as JSON."""
    return [event for event in events if isinstance(event, PlanMade)][-1]


def asked_of(model):
    """What each request to a model ended with."""
    return [request.messages[-1].text for request in model.requests]


def told(model):
    """The content of the last result that the model was shown."""
    results = [r for m in model.requests[-1].messages for r in m.results]
    return results[-1].content


def as_json(*tasks):
    """A plan as text."""
    return json.dumps({"tasks": list(tasks)})
