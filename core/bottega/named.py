"""What a program names as a graph file does: a name, or one name with its options.

Such as `Agent(tools=["calculator", {"sql_query": {"database": "shop.db"}}])`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from bottega.errors import InputError
from bottega.messages import Json
from bottega.spec.model import Reference
from bottega.spec.options import misfits

if TYPE_CHECKING:
    from bottega.offer import OfferKind
    from bottega.plugin.manager import PluginManager

Named = str | Mapping[str, Mapping[str, Json]]
"""A name, or one name with its options."""


def is_named(thing: object) -> bool:
    """Say whether the thing is looked up among the registered offers, not used as it is."""
    return isinstance(thing, str | Mapping)


def reference(kind: OfferKind, thing: Named, plugins: PluginManager) -> Reference:
    """Return what is named. Raises UnknownNameError, and InputError for options that do not fit."""
    named = list(
        cast("Mapping[Any, Any]", {thing: {}} if isinstance(thing, str) else thing).items()
    )
    if len(named) != 1 or not isinstance(named[0][0], str) or not isinstance(named[0][1], Mapping):
        hint = f'write {{"NAME": {{"option": value}}}} for each {kind}'
        raise InputError(f"{thing!r} does not name one {kind}", hint=hint)
    name, options = named[0][0], cast("Mapping[str, Any]", named[0][1])
    factory = plugins.find(kind, name).offer.factory
    for misfit in misfits(f"{kind} {name!r}", factory, options):
        raise InputError(misfit.message, hint=misfit.hint)
    return Reference(name=name, options=options)
