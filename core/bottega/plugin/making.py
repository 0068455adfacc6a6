"""An offer's factory called, with its options checked before and what it made checked after."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from bottega.errors import BottegaError, InputError, NotInstalledError, PluginError, suggest
from bottega.offer import OfferKind
from bottega.plugin.context import FactoryContext
from bottega.plugin.contract import check_made
from bottega.plugin.failure import describe
from bottega.plugin.record import Registered

_NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def make_offered(
    kind: OfferKind, registered: Registered, context: FactoryContext, options: Mapping[str, Any]
) -> Any:
    """Make what is offered.

    Raises InputError for options that do not fit, NotInstalledError when an optional library is
    missing, and PluginError, which names the plugin, for whatever else its factory raises.
    """
    what = f"{kind} {registered.offer.name!r}"
    check_options(what, registered, options)
    try:
        made = registered.offer.factory(context, **options)
    except (BottegaError, KeyboardInterrupt):
        raise
    except ImportError as error:
        raise _import_error(what, registered, error) from error
    except BaseException as error:  # the host outlives also SystemExit
        raise PluginError(f"{what} of {registered.source} failed: {describe(error)}") from error
    try:
        check_made(kind, made)
    except PluginError as error:
        raise PluginError(
            f"{what} of {registered.source}: {error.message}", hint=error.hint
        ) from error
    return made


def check_options(what: str, registered: Registered, options: Mapping[str, Any]) -> None:
    """Raise InputError unless the factory takes these options, and has all that it needs."""
    parameters = _options_of(what, registered)
    if parameters is None:
        return
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
    known = {p.name: p for p in parameters if p.kind in _NAMED}
    for name in options:
        if name not in known and not open_ended:
            raise InputError(f"{what} has no option {name!r}", hint=_suggest_option(name, known))
    missing = [name for name, p in known.items() if p.default is p.empty and name not in options]
    if missing:
        raise InputError(f"{what} needs the option {missing[0]!r}")


def needs_options(registered: Registered) -> bool:
    """Say whether the factory cannot be called with the context alone."""
    try:
        parameters = _options_of("offer", registered) or []
    except PluginError:
        return False  # whoever makes it gets to hear what is wrong with it
    return any(p.kind in _NAMED and p.default is p.empty for p in parameters)


def _options_of(what: str, registered: Registered) -> list[inspect.Parameter] | None:
    """Return the parameters after the context, or None where Python cannot tell."""
    try:
        parameters = list(inspect.signature(registered.offer.factory).parameters.values())
    except (ValueError, TypeError):
        return None
    first = parameters[0] if parameters else None
    if first is None or first.kind in (first.KEYWORD_ONLY, first.VAR_KEYWORD):
        raise PluginError(
            f"{what} of {registered.source}: its factory does not take the context",
            hint="write def factory(context, *, option=...)",
        )
    return parameters if first.kind is first.VAR_POSITIONAL else parameters[1:]


def _suggest_option(name: str, known: Mapping[str, object]) -> str:
    return suggest(name, known) if known else "it takes no options"


def _import_error(what: str, registered: Registered, error: ImportError) -> BottegaError:
    """Tell a library that is not installed from a plugin whose own modules are broken."""
    library = (error.name or "").partition(".")[0]
    home = (getattr(registered.offer.factory, "__module__", None) or "").partition(".")[0]
    absent = isinstance(error, ModuleNotFoundError) and library and library != home
    extra = registered.offer.extra
    distribution = registered.distribution or "bottega"
    if absent and extra:
        return NotInstalledError(library, extra, distribution=distribution)
    hint = f"pip install -U '{distribution}[{extra}]'" if extra else ""
    return PluginError(f"{what} of {registered.source} failed: {describe(error)}", hint=hint)
