"""The plugin manager: which plugins there are, what they offer, and the making of it.

One typed method for each thing that may be asked of plugins. Reading entry points, importing,
checking and making each have a file of their own beside this one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pluggy

from bottega.errors import PluginError, UnknownNameError
from bottega.offer import Offer, OfferKind
from bottega.plugin import spec
from bottega.plugin.catalogue import ask, merge
from bottega.plugin.context import FactoryContext
from bottega.plugin.discovery import load_all
from bottega.plugin.entry import HOME, installed
from bottega.plugin.failure import PluginFailure, Source, describe
from bottega.plugin.hooks import EVENT, HOOKS, check_hooks
from bottega.plugin.isolation import time_limit
from bottega.plugin.loader import check_name, requirements
from bottega.plugin.making import make_offered
from bottega.plugin.record import Loaded, PluginRecord, Registered
from bottega.plugin.switches import switched_off

if TYPE_CHECKING:
    from bottega.events import Event


class PluginManager:
    """Plugins and what they offer; safe to use from several threads.

    A new manager is empty. What it made stays usable when its plugin is unregistered.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._seconds = time_limit()
        self._pluggy = pluggy.PluginManager(spec.PROJECT)
        self._pluggy.add_hookspecs(spec)
        self._loaded: dict[str, Loaded] = {}
        self._not_loaded: list[Source] = []
        self._switched_off: dict[str, str] = {}
        self._failures: dict[PluginFailure, None] = {}
        self._offered: dict[tuple[str, OfferKind], tuple[Offer, ...]] = {}
        self._catalogues: dict[OfferKind, Mapping[str, Registered]] = {}
        self._watchers: tuple[tuple[Source, Callable[..., Any], bool], ...] = ()

    @classmethod
    def discover(cls) -> PluginManager:
        """Return a manager with every installed plugin that is not switched off.

        A plugin that cannot be loaded is in `failures`; it stops nothing. Raises InputError when
        the user's settings about plugins cannot be read.
        """
        manager = cls()
        manager._switched_off = switched_off()
        found = load_all(installed(), manager._switched_off, seconds=manager._seconds)
        manager._not_loaded = found.absent
        manager._failures = dict.fromkeys(found.failures)
        for loaded in found.ready:
            try:
                manager._register(loaded)
            except PluginError as error:
                manager._not_loaded.append(loaded.source)
                manager._fail(loaded.source, error.message, error.hint)
        return manager

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin by hand: a module or an object with hooks. Raises PluginError."""
        with self._lock:
            check_name("plugin", name)
            if name in self._loaded:
                raise PluginError(f"a plugin {name!r} is already registered")
            needed = requirements(plugin)
            missing = [each for each in needed if each not in self._loaded]
            if missing:
                raise PluginError(f"plugin {name!r} requires plugin {missing[0]!r}")
            self._register(Loaded(source=Source(plugin=name), module=plugin, requires=needed))

    def unregister(self, name: str) -> None:
        """Remove a plugin; what it has made goes on working. Raises UnknownNameError."""
        with self._lock:
            if name not in self._loaded:
                raise UnknownNameError("plugin", name, self._loaded)
            self._pluggy.unregister(name=name)
            del self._loaded[name]
            self._failures = {each: None for each in self._failures if each.plugin != name}
            self._offered = {key: value for key, value in self._offered.items() if key[0] != name}
            self._refresh()

    @property
    def disabled(self) -> Sequence[str]:
        """Names that the user switched off, known or not."""
        return tuple(self._switched_off)

    @property
    def warnings(self) -> Sequence[str]:
        """What the user's settings about plugins say that makes no sense."""
        known = {*self._loaded, *(source.plugin for source in self._not_loaded)}
        return tuple(
            str(UnknownNameError("plugin", name, known, where=where))
            for name, where in self._switched_off.items()
            if name not in known
        )

    @property
    def failures(self) -> Sequence[PluginFailure]:
        """Everything wrong with any plugin; asks every plugin for all that it offers."""
        with self._lock:
            self._collect_all()
            return tuple(self._failures)

    @property
    def plugins(self) -> Sequence[PluginRecord]:
        """Every plugin, also those that failed or are switched off, for listings."""
        failures = self.failures
        sources = [*(each.source for each in self._loaded.values()), *self._not_loaded]
        sources += [
            each.source for each in failures
        ]  # also a second plugin of a name that is taken
        return tuple(self._record(source, failures) for source in dict.fromkeys(sources))

    def offers(self, kind: OfferKind) -> Mapping[str, Registered]:
        """Return what is offered of a kind, by name."""
        catalogue = self._catalogues.get(kind)
        return self._collect(kind) if catalogue is None else catalogue

    def find(self, kind: OfferKind, name: str) -> Registered:
        """Return the offer; `name` may be `backend:argument`. Raises UnknownNameError."""
        found = self.offers(kind).get(name.partition(":")[0])
        if found is None:
            raise self._unknown(kind, name.partition(":")[0])
        return found

    def make(self, kind: OfferKind, name: str, context: FactoryContext, /, **options: Any) -> Any:
        """Make a registered thing.

        `name` may be `backend:argument`; the argument is put in the context. Raises
        UnknownNameError, InputError for options that do not fit, NotInstalledError when an optional
        library is missing, PluginError when the factory fails, ConsentError for a stranger's tool
        that wants permissions which nobody has approved.
        """
        registered = self.find(kind, name)
        argument = name.partition(":")[2]
        context = replace(context, plugins=self, argument=argument)
        made = make_offered(kind, registered, context, options)
        if kind != "tool" or registered.distribution in ("", HOME):
            return made
        from bottega.consent import consented

        return consented(made, registered, context.folder)

    def emit(self, event: Event) -> None:
        """Show an event to every plugin that watches runs; none of them can stop the run."""
        for source, function, takes_event in self._watchers:
            try:
                function(event) if takes_event else function()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  # a watcher must not end what it watches
                self._report(source, f"hook {EVENT!r} raised {describe(error)}")

    def _register(self, loaded: Loaded) -> None:
        name = loaded.source.plugin
        check_hooks(loaded.module)
        try:
            self._pluggy.register(loaded.module, name=name)
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._pluggy.has_plugin(name):
                self._pluggy.unregister(name=name)
            raise PluginError(f"its hooks cannot be used: {describe(error)}") from error
        self._loaded[name] = loaded
        self._refresh()

    def _refresh(self) -> None:
        """Forget what was worked out from the plugins that were registered before."""
        self._catalogues = {}
        self._watchers = tuple(
            (self._loaded[each.plugin_name].source, each.function, bool(each.argnames))
            for each in reversed(self._pluggy.hook.bottega_event.get_hookimpls())
            if each.plugin_name in self._loaded
        )

    def _collect(self, kind: OfferKind) -> Mapping[str, Registered]:
        with self._lock:
            if kind not in self._catalogues:
                self._ask(kind)
                offered = [
                    (each.source, self._offered.get((each.source.plugin, kind), ()))
                    for each in self._loaded.values()
                ]
                found, failures = merge(kind, offered)
                self._failures |= dict.fromkeys(failures)
                self._catalogues[kind] = MappingProxyType(dict(sorted(found.items())))
            return self._catalogues[kind]

    def _collect_all(self) -> None:
        for kind in HOOKS:
            self._collect(kind)

    def _ask(self, kind: OfferKind) -> None:
        """Call the kind's hook on every plugin that has not been asked yet."""
        hook: pluggy.HookCaller = getattr(self._pluggy.hook, HOOKS[kind])
        waiting = [
            (self._loaded[each.plugin_name].source, each.function)
            for each in hook.get_hookimpls()
            if (each.plugin_name, kind) not in self._offered
        ]
        answers = ask(HOOKS[kind], waiting, seconds=self._seconds) if waiting else []
        for (source, _), (offers, failures) in zip(waiting, answers, strict=True):
            key = (source.plugin, kind)  # a plugin may have the hook under several names
            self._offered[key] = (*self._offered.get(key, ()), *offers)
            self._failures |= dict.fromkeys(failures)

    def _record(self, source: Source, failures: Sequence[PluginFailure]) -> PluginRecord:
        own = tuple(each for each in failures if source.failure(each.error, each.hint) == each)
        loaded = self._loaded.get(source.plugin)
        mine = loaded is not None and loaded.source == source
        offers: dict[OfferKind, tuple[str, ...]] = {}
        for kind in HOOKS if mine else ():
            names = [n for n, r in self._catalogues[kind].items() if r.plugin == source.plugin]
            if names:
                offers[kind] = tuple(names)
        off = not mine and source.plugin in self._switched_off
        return PluginRecord(
            name=source.plugin,
            distribution=source.distribution,
            version=source.version,
            state="failed" if own else "disabled" if off else "ok",
            offers=offers,
            failures=own,
            notes=loaded.notes if loaded is not None and mine else (),
        )

    def _fail(self, source: Source, error: str, hint: str) -> PluginFailure:
        failure = source.failure(error, hint)
        self._failures[failure] = None
        return failure

    def _report(self, source: Source, error: str) -> None:
        """Record what a watcher did, and say it once on standard error."""
        known = len(self._failures)
        failure = self._fail(source, error, "it is not shown again for this process")
        if len(self._failures) > known:
            sys.stderr.write(f"warning: {failure}\n")

    def _unknown(self, kind: OfferKind, name: str) -> UnknownNameError:
        error = UnknownNameError(kind, name, self.offers(kind))
        if self._failures:
            broken = ", ".join(sorted({repr(each.plugin) for each in self._failures}))
            error.hint += f"; some plugins failed ({broken}): see `bottega plugins`"
        return error


_default: PluginManager | None = None
_default_lock = threading.Lock()


def default_plugins() -> PluginManager:
    """Return the manager of this process: what is installed, discovered at the first call."""
    global _default  # noqa: PLW0603  # one per process is what it is for
    if _default is None:
        with _default_lock:
            if _default is None:
                _default = PluginManager.discover()
    return _default


def replace_default(manager: PluginManager | None) -> PluginManager | None:
    """Put another manager in the place of the process's, for a test; return the one before."""
    global _default
    before, _default = _default, manager
    return before
