"""The manager as a whole: switching off, listing, watching runs, one per process."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from dummy_distribution import discovered, errors_of, on_path, write_distribution

from bottega.errors import InputError
from bottega.events import Event, Thought
from bottega.plugin.hooks import HOOKS
from bottega.plugin.manager import PluginManager, default_plugins, replace_default
from bottega.plugin.spec import hookimpl
from bottega.testing import clean_plugins

__all__ = ["clean_plugins"]


class Watcher:
    """A plugin that keeps the events it sees."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    @hookimpl
    def bottega_event(self, event: Event) -> None:
        self.seen.append(event)


class Broken:
    """A plugin that fails at every event."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @hookimpl
    def bottega_event(self) -> None:
        raise self.error


def test_switches_off_by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTTEGA_DISABLE", " good , elsewhere,,")
    write_distribution(tmp_path, "good", "raise AssertionError('imported')")
    plugins = discovered(tmp_path)
    assert plugins.disabled == ("good", "elsewhere")
    (record,) = [each for each in plugins.plugins if each.name == "good"]
    assert record.state == "disabled"
    assert not errors_of(plugins, "good")
    (warning,) = plugins.warnings
    assert "BOTTEGA_DISABLE: unknown plugin 'elsewhere'" in warning


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.bottega]\ndisable = ["good"]\n'),
        ("bottega.toml", 'disable = ["good"]\n'),
    ],
)
def test_switches_off_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_text(text)
    write_distribution(tmp_path, "good", "raise AssertionError('imported')")
    (record,) = [each for each in discovered(tmp_path).plugins if each.name == "good"]
    assert record.state == "disabled"


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("bottega.toml", b"disable = [", "bottega.toml is not valid TOML"),
        ("bottega.toml", b"\xff", "bottega.toml is not valid TOML"),
        ("bottega.toml", b"disable = 'a'", "`disable` is not a list of names"),
        ("pyproject.toml", b"[tool.bottega]\ndisable = [1]", "`disable` is not a list of names"),
        ("pyproject.toml", b"[tool.bottega", "pyproject.toml is not valid TOML"),
    ],
)
def test_refuses_settings_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, content: bytes, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=expected):
        PluginManager.discover()


@pytest.mark.parametrize("text", ["[broken", "[tool.other]\n", "tool = 'bottega'\n"])
def test_a_project_file_that_says_nothing_of_bottega_is_let_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(text)
    assert PluginManager.discover().disabled == ()


def test_lists_distribution_version_and_offers() -> None:
    (core,) = [each for each in PluginManager.discover().plugins if each.name == "core"]
    assert (core.distribution, core.state) == ("bottega", "ok")
    assert core.offers["dialect"] == ("code", "native", "react")
    assert "run" in core.offers["command"]


def test_a_new_manager_is_empty() -> None:
    plugins = PluginManager()
    assert not plugins.plugins
    assert not any(plugins.offers(kind) for kind in HOOKS)


def test_shows_every_event_to_every_watcher() -> None:
    plugins, first, second = PluginManager(), Watcher(), Watcher()
    plugins.register(first, "first")
    plugins.register(second, "second")
    plugins.emit(Thought(text="hm"))
    plugins.unregister("second")
    plugins.emit(Thought(text="hm again"))
    assert [len(first.seen), len(second.seen)] == [2, 1]


@pytest.mark.parametrize("error", [RuntimeError("disk full"), SystemExit(1)])
def test_a_watcher_that_fails_is_reported_once(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins, watcher = PluginManager(), Watcher()
    plugins.register(Broken(error), "broken")
    plugins.register(watcher, "watcher")
    for _ in range(3):
        plugins.emit(Thought(text="hm"))
    assert len(watcher.seen) == 3
    (failure,) = plugins.failures
    assert (failure.plugin, type(error).__name__ in failure.error) == ("broken", True)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_watcher_cannot_hold_back_ctrl_c() -> None:
    plugins = PluginManager()
    plugins.register(Broken(KeyboardInterrupt()), "broken")
    with pytest.raises(KeyboardInterrupt):
        plugins.emit(Thought())


def test_discovers_once_for_all_threads(tmp_path: Path) -> None:
    source = """
    import time
    with open(__file__ + ".log", "a") as log:
        log.write("x")
    time.sleep(0.1)
    """
    write_distribution(tmp_path, "counted", source)
    before = replace_default(None)
    found: list[PluginManager] = []
    try:
        with on_path(tmp_path):
            threads = [
                threading.Thread(target=lambda: found.append(default_plugins())) for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        replace_default(before)
    assert len(found) == 4
    assert len(set(map(id, found))) == 1
    assert (tmp_path / "counted.py.log").read_text() == "x"


def test_the_fixture_knows_the_core_alone(clean_plugins: PluginManager) -> None:
    assert [each.name for each in clean_plugins.plugins] == ["core"]
    assert default_plugins() is clean_plugins
    assert not clean_plugins.failures
    assert "react" in clean_plugins.offers("dialect")


@pytest.mark.parametrize("name", ["native", "react"])
def test_makes_the_cores_own_dialects(clean_plugins: PluginManager, name: str) -> None:
    from bottega.plugin.context import FactoryContext

    made = clean_plugins.make("dialect", name, FactoryContext(plugins=clean_plugins))
    assert made.name == name


def test_makes_the_cores_own_middleware_and_decider(clean_plugins: PluginManager) -> None:
    from bottega.offer import Offer
    from bottega.plugin.context import FactoryContext
    from bottega.testing import ScriptedModel

    class Models:
        @hookimpl
        def bottega_models(self) -> list[Offer]:
            factory = lambda context: ScriptedModel("yes")  # noqa: E731
            return [Offer(name="yes", summary="Says yes.", factory=factory)]

    clean_plugins.register(Models(), "models")
    context = FactoryContext(plugins=clean_plugins)
    assert clean_plugins.make("middleware", "retry", context, attempts=2)
    assert clean_plugins.make("decider", "prompt", context, model="yes").name
