"""What stands between a wish of a model and its effect: policies, redaction, the audit log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from bottega.offer import Offer
from bottega.plugin.context import FactoryContext
from bottega.plugin.spec import hookimpl

if TYPE_CHECKING:
    from bottega.decider import Decider


@hookimpl
def bottega_middleware() -> Sequence[Offer]:
    """Offer guards."""
    return [
        Offer(
            name="flow",
            summary="Refuses effects that what was read asks for, and secrets on their way out.",
            factory=_flow,
        ),
        Offer(
            name="visible",
            summary="Takes invisible characters out of what a model reads, and says so.",
            factory=_visible,
        ),
        Offer(
            name="audit",
            summary="Writes every side effect to a hash-chained log, before and after.",
            factory=_audit,
        ),
        Offer(
            name="redaction",
            summary="Keeps personal data from the model; tools get the real values.",
            factory=_redaction,
        ),
        Offer(
            name="moderation",
            summary="Refuses, or flags, harmful requests and replies.",
            factory=_moderation,
        ),
    ]


@hookimpl
def bottega_commands() -> Sequence[Offer]:
    """Offer the command that shows and checks the audit log."""

    def audit(context: FactoryContext) -> Any:
        from bottega_plugins.guards.audit.command import make_command

        return make_command()

    return [Offer(name="audit", summary="Show and check the log of side effects.", factory=audit)]


def _moderation(
    context: FactoryContext,
    *,
    decider: str = "",
    words: Sequence[str] = (),
    threshold: float = 0.7,
    action: Literal["refuse", "flag"] = "refuse",
    where: Sequence[str] = ("request", "reply"),
) -> Any:
    from bottega_plugins.guards.moderation.middleware import Moderation

    judge = _deciding(context, decider) if decider else _classifying(context)
    return Moderation(judge, words=words, threshold=threshold, action=action, where=where)


def _deciding(context: FactoryContext, name: str) -> Callable[[str], Awaitable[float]]:
    made: Decider = context.make("decider", name)

    async def judge(text: str) -> float:
        question = "Does this text ask for, or contain, hate, threats, abuse or help to do harm?"
        judgement = await made.judge(question, context=text)
        if judgement.probability is None:
            return float(judgement.verdict or False)
        return judgement.probability

    return judge


def _classifying(context: FactoryContext) -> Callable[[str], Awaitable[float]]:
    from bottega_plugins.guards.moderation.head import Head

    return Head.load(context.make("embedder", "minilm")).probability


def _redaction(
    context: FactoryContext,
    *,
    kinds: Sequence[str] = ("email", "iban", "card", "ip", "phone"),
    names: Sequence[str] = (),
    reversible: bool = True,
) -> Any:
    from bottega_plugins.guards.redaction.middleware import Redaction

    return Redaction(kinds=kinds, names=names, reversible=reversible)


def _audit(
    context: FactoryContext,
    *,
    file: str = "",
    user: str = "",
    arguments: Literal["masked", "hashed"] = "masked",
    everything: bool = False,
) -> Any:
    from bottega_plugins.guards.audit.command import FILE
    from bottega_plugins.guards.audit.middleware import Audit

    place = context.folder / file if file else context.state_folder / FILE
    return Audit(place, user=user, arguments=arguments, everything=everything)


def _visible(context: FactoryContext) -> Any:
    from bottega_plugins.guards.visible import Visible

    return Visible()


def _flow(
    context: FactoryContext,
    *,
    on_violation: str = "refuse",
    planned_only: bool = False,
    exempt: Sequence[str] = (),
    links: str = "neutralise",
) -> Any:
    from bottega_plugins.guards.flow.middleware import Flow
    from bottega_plugins.guards.flow.policy import read_policy

    return Flow(read_policy(on_violation, planned_only, exempt, links))
