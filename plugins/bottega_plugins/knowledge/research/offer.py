"""How research is made by name: the agent kind `researcher` and the model `research:NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bottega.assembly import Assembler
from bottega.errors import InputError
from bottega.retry import Retry
from bottega.spec.model import Reference
from bottega_plugins.knowledge.research.model import Limits, ResearchModel
from bottega_plugins.knowledge.research.researcher import Researcher

if TYPE_CHECKING:
    from bottega.plugin.context import FactoryContext


def make_kind(context: FactoryContext, limits: Limits) -> Researcher:
    """Make the kind of node, over the registered kind `specialist`."""
    return Researcher(specialist=context.make("agent", "specialist"), limits=limits)


def make_model(context: FactoryContext) -> ResearchModel:
    """Make the model `research:NAME` over the model NAME. Raises InputError without one."""
    if not context.argument:
        raise InputError(
            "research needs a model that writes",
            hint="name it after a colon: research:embedded, research:openai:gpt-5-mini",
        )
    return research_model(context, context.argument)


def research_model(
    context: FactoryContext, name: str, limits: Limits | None = None
) -> ResearchModel:
    """Make research over a registered model, judged by that backend's own decider, or itself."""
    assembler = Assembler(plugins=context.plugins, context=context)
    reference = Reference(name=name)
    model = assembler.make("model", reference)
    return ResearchModel(model, assembler.decider(None, reference, model, (Retry(),)), limits)
