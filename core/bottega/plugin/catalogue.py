"""Offers of one kind: each plugin's hook called once, its offers checked, names kept apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from bottega.errors import PluginError
from bottega.offer import Offer, OfferKind
from bottega.plugin.failure import PluginFailure, Source, describe
from bottega.plugin.isolation import Outcome, isolated
from bottega.plugin.loader import check_name
from bottega.plugin.record import Registered

MOST_OFFERS = 1000
"""More than this from one hook is a generator without end, or a mistake."""
LONGEST_SUMMARY = 300


Answer = tuple[tuple[Offer, ...], tuple[PluginFailure, ...]]
"""A plugin's good offers, and what is wrong with the rest."""


def ask(
    hook: str, functions: Sequence[tuple[Source, Callable[[], Any]]], *, seconds: float
) -> list[Answer]:
    """Call one registration hook of several plugins; each has its own time."""
    calls = [(source.plugin, partial(_items, function)) for source, function in functions]
    outcomes = isolated(calls, seconds=seconds)
    return [
        _answer(hook, source, outcome, seconds)
        for (source, _), outcome in zip(functions, outcomes, strict=True)
    ]


def _answer(hook: str, source: Source, outcome: Outcome[list[Any]], seconds: float) -> Answer:
    if isinstance(outcome.error, PluginError):
        return (), (source.failure(f"hook {hook!r} {outcome.error.message}", outcome.error.hint),)
    if outcome.error is not None:
        return (), (source.failure(f"hook {hook!r} raised {describe(outcome.error)}"),)
    if outcome.value is None:
        return (), (source.failure(f"hook {hook!r} is not over after {seconds:g} s"),)
    offers: list[Offer] = []
    failures: list[PluginFailure] = []
    for item in outcome.value:
        try:
            offers.append(_checked(item))
        except PluginError as error:
            failures.append(source.failure(f"hook {hook!r}: {error.message}", error.hint))
    return tuple(offers), tuple(failures)


def merge(
    kind: OfferKind, offered: Iterable[tuple[Source, Sequence[Offer]]]
) -> tuple[Mapping[str, Registered], tuple[PluginFailure, ...]]:
    """Put the offers of all plugins together; of two with one name the first stays."""
    found: dict[str, Registered] = {}
    failures: list[PluginFailure] = []
    for source, offers in offered:
        for offer in offers:
            first = found.get(offer.name)
            if first is None:
                found[offer.name] = Registered(
                    offer=offer,
                    plugin=source.plugin,
                    distribution=source.distribution,
                    version=source.version,
                )
            else:
                failures.append(_duplicate(kind, offer.name, source, first.source))
    return found, tuple(failures)


def _items(function: Callable[[], Any]) -> list[Any]:
    """Return the items of what a hook returns. Raises PluginError saying what it is instead."""
    result = function()
    hint = "return a list of Offer, empty if there is nothing to offer"
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise PluginError(
            "returned an awaitable, expected offers", hint="write it with plain `def`"
        )
    if not _is(result, Iterable) or _is(result, str, bytes, Mapping):
        raise PluginError(f"returned {type(result).__name__}, expected offers", hint=hint)
    items: list[Any] = list(islice(result, MOST_OFFERS + 1))
    if len(items) > MOST_OFFERS:
        raise PluginError(f"returned more than {MOST_OFFERS} offers", hint=hint)
    return items


def _checked(item: Any) -> Offer:
    if not isinstance(item, Offer):
        raise PluginError(f"returned {type(item).__name__} among its offers, expected Offer")
    check_name("offer", item.name)
    summary: Any = item.summary
    if not isinstance(summary, str) or not summary.strip() or len(summary.splitlines()) != 1:
        raise PluginError(f"the summary of offer {item.name!r} is not one line of text")
    if len(summary) > LONGEST_SUMMARY:
        raise PluginError(
            f"the summary of offer {item.name!r} has {len(summary)} characters",
            hint=f"at most {LONGEST_SUMMARY}",
        )
    if not callable(item.factory):
        raise PluginError(f"the factory of offer {item.name!r} is {type(item.factory).__name__}")
    details: Any = item.details
    if not _is(details, tuple) or not _are_texts((*details, item.extra)):
        raise PluginError(f"offer {item.name!r}: `details` is a tuple of lines, `extra` a name")
    settings: Any = item.settings
    if not _is(settings, dict) or not _are_texts((*settings, *settings.values())):
        raise PluginError(f"offer {item.name!r}: `settings` maps variables to what they are for")
    return item


def _is(value: object, *kinds: type) -> bool:
    """Say what a stranger's value is; unlike isinstance, it does not narrow Any to half a type."""
    return isinstance(value, kinds)


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _duplicate(kind: OfferKind, name: str, second: Source, first: Source) -> PluginFailure:
    return second.failure(
        f"{kind} {name!r} is already offered by {first}, whose offer stays",
        f"switch one of them off: BOTTEGA_DISABLE={second.plugin}",
    )
