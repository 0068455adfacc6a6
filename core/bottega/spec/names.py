"""The names in a graph file against what is registered, and their options against its factories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from bottega.errors import BottegaError, GraphError, UnknownNameError
from bottega.messages import Json
from bottega.offer import OfferKind
from bottega.plugin.context import FactoryContext
from bottega.spec.findings import Findings
from bottega.spec.model import GraphSpec, Mark, NodeSpec, Reference
from bottega.spec.nodes import NODE_KEYS
from bottega.spec.options import misfits

if TYPE_CHECKING:
    from bottega.node import NodeKind
    from bottega.plugin.manager import PluginManager

NO_PLACE = Mark()


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What the names of one graph stand for."""

    spec: GraphSpec
    plugins: PluginManager
    findings: Findings

    def check(self) -> None:
        """Look up everything that the graph names, except the kinds of its nodes."""
        spec = self.spec
        self._check_agent(spec.model, spec.decider, spec.dialect)
        self._check_all("middleware", spec.middleware or ())
        if any(node.memory for node in spec.nodes):
            self._check_all("memory", (spec.memory,))
        for node in spec.nodes:
            self._check_agent(node.model, node.decider, node.dialect)
            self._check_all("tool", node.tools)
            self._check_all("middleware", node.middleware or ())

    def kind(self, node: NodeSpec) -> NodeKind | None:
        """Return the node's kind with its options; None when it cannot be made.

        For a misspelt name it is the kind that was probably meant, so that checks can go on.
        """
        if not node.kind:
            return None
        mark = node.marks.get("kind=", node.marks.get("", NO_PLACE))
        factory = self._find("agent", Reference(name=node.kind, mark=mark))
        name = node.kind if factory else self._nearest("agent", node.kind)
        if not name:
            return None
        factory = factory or self.plugins.find("agent", name).offer.factory
        bad: set[str] = set()
        for one in misfits(f"agent kind {name!r}", factory, node.options, NODE_KEYS):
            place = node.marks.get(f"{one.option}=" if one.is_value else one.option)
            place = place if one.option and place else mark
            self.findings.add(place, one.message, one.hint)
            bad.add(one.option)
        options = {key: value for key, value in node.options.items() if key not in bad}
        if misfits(name, factory, options):
            return None
        return self._make(name, options, mark)

    def _make(self, name: str, options: Mapping[str, Json], mark: Mark) -> NodeKind | None:
        context = FactoryContext(plugins=self.plugins, folder=self.spec.folder)
        try:
            made: Any = self.plugins.make("agent", name, context, **options)
        except GraphError as error:  # of an inner graph, each with its own file and line
            self.findings.extend(error.findings)
            return None
        except BottegaError as error:
            self.findings.add(mark, error.message, error.hint)
            return None
        return cast("NodeKind", made)

    def _check_agent(
        self, model: Reference | None, decider: Reference | None, dialect: Reference | None
    ) -> None:
        named: Mapping[OfferKind, Reference | None] = {
            "model": model,
            "decider": decider,
            "dialect": dialect,
        }
        for kind, reference in named.items():
            if reference is not None:
                self._check_all(kind, (reference,))

    def _check_all(self, kind: OfferKind, references: tuple[Reference, ...]) -> None:
        for reference in references:
            factory = self._find(kind, reference)
            if factory is None:
                continue
            what = f"{kind} {reference.name!r}"
            for one in misfits(what, factory, reference.options):
                place = reference.marks.get(one.option, reference.mark)
                self.findings.add(place, one.message, one.hint)

    def _find(self, kind: OfferKind, reference: Reference) -> Any:
        """Return the factory of what is named; None when a finding says why there is none."""
        try:
            return self.plugins.find(kind, reference.backend).offer.factory
        except UnknownNameError as error:
            what = "agent kind" if kind == "agent" else kind
            message = f"unknown {what} {reference.backend!r}"
            self.findings.add(reference.mark, message, error.hint)
        except BottegaError as error:
            self.findings.add(reference.mark, error.message, error.hint)
        return None

    def _nearest(self, kind: OfferKind, name: str) -> str:
        close = get_close_matches(name, list(self.plugins.offers(kind)), n=1, cutoff=0.6)
        return close[0] if close else ""
