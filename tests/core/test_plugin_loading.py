"""Plugins that cannot be loaded: each is named with its reason, and the others load."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from dummy_distribution import discovered, errors_of, on_path, write_distribution

from bottega.errors import InputError, PluginError
from bottega.plugin.manager import PluginManager

GOOD = """
@hookimpl
def bottega_prompts():
    return [Offer(name="terse", summary="Short.", factory=lambda context: "Be brief.")]
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raise RuntimeError('no database')", "RuntimeError: no database"),
        ("def broken(:\n  pass", "SyntaxError: invalid syntax in"),
        ("import a_library_that_is_not_here", "a_library_that_is_not_here is not installed"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("class Odd(BaseException): pass\nraise Odd", "Odd"),
        ("class Mute(Exception):\n  def __str__(self): raise ValueError\nraise Mute", "Mute"),
        ("def recurse(): recurse()\nrecurse()", "RecursionError"),
        ("bottega_api = 99", "version int 99 of the hooks, this Bottega has version 1"),
        ("bottega_api = '1'", "version str '1' of the hooks"),
        ("bottega_requires = 'core'", "bottega_requires is str 'core'"),
        ("bottega_requires = ('nowhere',)", "requires plugin 'nowhere', which is not installed"),
        (
            "@hookimpl\ndef bottega_tools(extra): return []",
            "'bottega_tools' has the argument 'extra'",
        ),
        ("@hookimpl\ndef bottega_event(evnt): pass", "it may take: event"),
        ("@hookimpl\ndef bottega_tolls(): return []", "did you mean 'bottega_tools'?"),
        ("@hookimpl\nasync def bottega_tools(): return []", "hook 'bottega_tools' is async"),
        ("@hookimpl\nasync def bottega_tools(): yield", "hook 'bottega_tools' is async"),
        ("@hookimpl(wrapper=True)\ndef bottega_tools(): yield", "'bottega_tools' is a wrapper"),
        ("def bottega_tools(): return []", "'bottega_tools' is not marked as a hook"),
    ],
)
def test_names_the_plugin_and_loads_the_others(tmp_path: Path, source: str, expected: str) -> None:
    write_distribution(tmp_path, "broken-plugin", source, version="2.3")
    write_distribution(tmp_path, "good-plugin", GOOD)
    plugins = discovered(tmp_path)
    (failure,) = [each for each in plugins.failures if each.plugin == "broken_plugin"]
    assert (failure.distribution, failure.version) == ("broken-plugin", "2.3")
    assert expected in f"{failure.error}; {failure.hint}"
    assert "\n" not in str(failure)
    assert "terse" in plugins.offers("prompt")


def test_a_real_interrupt_is_not_taken_for_the_plugins(tmp_path: Path) -> None:
    """The user's Ctrl-C arrives in the main thread, which waits; it must get through."""
    write_distribution(
        tmp_path,
        "interrupting",
        "import _thread, time\n_thread.interrupt_main()\ntime.sleep(0.3)",
    )
    with on_path(tmp_path), pytest.raises(KeyboardInterrupt):
        PluginManager.discover()


@pytest.mark.parametrize("loop", ["while True: pass", "import threading; threading.Event().wait()"])
def test_gives_up_an_import_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    monkeypatch.setenv("BOTTEGA_PLUGIN_TIMEOUT", "0.2")
    out = sys.stdout
    write_distribution(tmp_path, "hanging-plugin", loop)
    write_distribution(tmp_path, "good-plugin", GOOD)
    plugins = discovered(tmp_path)
    assert "import is not over after 0.2 s" in errors_of(plugins, "hanging_plugin")[0]
    assert sys.stdout is out
    assert "terse" in plugins.offers("prompt")


def test_stops_the_thread_of_an_import_that_spins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTTEGA_PLUGIN_TIMEOUT", "0.2")
    write_distribution(tmp_path, "spinning-plugin", "while True: pass")
    discovered(tmp_path)
    for thread in threading.enumerate():
        if thread.name == "bottega-plugin-spinning_plugin":
            thread.join(10)
            assert not thread.is_alive()


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "1e400"])
def test_refuses_a_time_limit_that_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTTEGA_PLUGIN_TIMEOUT", text)
    with pytest.raises(InputError, match="BOTTEGA_PLUGIN_TIMEOUT"):
        PluginManager.discover()


def test_swallows_what_an_import_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_distribution(tmp_path, "chatty-plugin", "print('x' * 1_000_000)\n" + GOOD)
    plugins = discovered(tmp_path)
    assert capsys.readouterr().out == ""
    (record,) = [each for each in plugins.plugins if each.name == "chatty_plugin"]
    assert record.state == "ok"
    assert "printed 1000001 characters" in record.notes[0]


def test_gives_standard_output_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stream that a plugin took hold of at import writes again once the import is over."""
    source = "import sys\nout = sys.stdout\nprint('hidden')"
    module = write_distribution(tmp_path, "grabbing-plugin", source)
    with on_path(tmp_path):
        PluginManager.discover()
        sys.modules[module].out.write("seen")
    assert capsys.readouterr().out == "seen"


def test_notes_threads_that_an_import_leaves(tmp_path: Path) -> None:
    source = """
    import threading
    stop = threading.Event()
    threading.Thread(target=stop.wait, name="left-behind", daemon=True).start()
    """
    module = write_distribution(tmp_path, "threading-plugin", source)
    with on_path(tmp_path):
        plugins = PluginManager.discover()
        sys.modules[module].stop.set()
    (record,) = [each for each in plugins.plugins if each.name == "threading_plugin"]
    assert any("left-behind" in note for note in record.notes)


def test_notes_what_an_import_replaces(tmp_path: Path) -> None:
    before = json.dumps
    source = "import json\nold = json.dumps\njson.dumps = lambda *a, **k: old(*a, **k)"
    write_distribution(tmp_path, "monkey-plugin", source)
    try:
        plugins = discovered(tmp_path)
    finally:
        json.dumps = before
    (record,) = [each for each in plugins.plugins if each.name == "monkey_plugin"]
    assert record.notes == ("replaced json.dumps",)


def test_loads_after_what_is_required(tmp_path: Path) -> None:
    write_distribution(tmp_path, "a-first", "bottega_requires = ('z_last',)\n" + GOOD)
    write_distribution(tmp_path, "z-last", "")
    plugins = discovered(tmp_path)
    names = [each.name for each in plugins.plugins]
    assert names.index("z_last") < names.index("a_first")
    assert not errors_of(plugins, "a_first")


def test_names_a_circle_and_what_hangs_on_it(tmp_path: Path) -> None:
    write_distribution(tmp_path, "one", "bottega_requires = ('two',)")
    write_distribution(tmp_path, "two", "bottega_requires = ('one',)")
    write_distribution(tmp_path, "behind", "bottega_requires = ('one',)")
    write_distribution(tmp_path, "good-plugin", GOOD)
    plugins = discovered(tmp_path)
    assert "circle: one -> two -> one" in errors_of(plugins, "one")[0]
    assert "circle: one -> two -> one" in errors_of(plugins, "two")[0]
    assert "requires plugin 'one', which failed" in errors_of(plugins, "behind")[0]
    assert "terse" in plugins.offers("prompt")


def test_a_plugin_that_requires_itself_is_a_circle(tmp_path: Path) -> None:
    write_distribution(tmp_path, "selfish", "bottega_requires = ('selfish',)")
    assert "circle: selfish -> selfish" in errors_of(discovered(tmp_path), "selfish")[0]


def test_says_why_what_is_required_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTTEGA_DISABLE", "off")
    write_distribution(tmp_path, "off", "")
    write_distribution(tmp_path, "broken", "1 / 0")
    write_distribution(tmp_path, "wants-off", "bottega_requires = ('off',)")
    write_distribution(tmp_path, "wants-broken", "bottega_requires = ('broken',)")
    plugins = discovered(tmp_path)
    assert "'off', which is switched off" in errors_of(plugins, "wants_off")[0]
    assert "'broken', which could not be loaded" in errors_of(plugins, "wants_broken")[0]


def test_of_two_plugins_with_one_name_the_second_is_refused(tmp_path: Path) -> None:
    write_distribution(tmp_path, "maps-a", GOOD, entries={"maps": "maps_a"})
    write_distribution(tmp_path, "maps-b", "", entries={"maps": "maps_b"})
    plugins = discovered(tmp_path)
    (failure,) = [each for each in plugins.failures if each.plugin == "maps"]
    assert failure.distribution == "maps-b"
    assert "name is taken by plugin 'maps' (maps-a 1.0)" in failure.error
    assert {each.distribution for each in plugins.plugins if each.name == "maps"} == {
        "maps-a",
        "maps-b",
    }


def test_a_plugin_cannot_take_the_name_of_bottegas_own(tmp_path: Path) -> None:
    write_distribution(tmp_path, "aaa", "", entries={"core": "aaa"})
    plugins = discovered(tmp_path)
    (failure,) = [each for each in plugins.failures if each.plugin == "core"]
    assert failure.distribution == "aaa"
    assert plugins.find("dialect", "native").plugin == "core"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("w\u0435ather", "U+0435"), ("Weather", "is no plugin name"), ("a b", "is no plugin name")],
)
def test_refuses_plugin_names_that_mislead(tmp_path: Path, name: str, expected: str) -> None:
    write_distribution(tmp_path, "misleading", "", entries={name: "misleading"})
    assert expected in errors_of(discovered(tmp_path), name)[0]


@pytest.mark.parametrize("value", ["no_such_module_at_all", "json:nothing", "not a module!"])
def test_names_an_entry_point_that_leads_nowhere(tmp_path: Path, value: str) -> None:
    write_distribution(tmp_path, "lost", "", entries={"lost": value})
    plugins = discovered(tmp_path)
    assert "import failed" in errors_of(plugins, "lost")[0]
    assert "native" in plugins.offers("dialect")


def test_refuses_a_class_as_plugin(tmp_path: Path) -> None:
    source = "class Plugin:\n  @hookimpl\n  def bottega_tools(self): return []"
    write_distribution(tmp_path, "classy", source, entries={"classy": "classy:Plugin"})
    assert "names the class 'Plugin'" in errors_of(discovered(tmp_path), "classy")[0]


def test_takes_an_instance_as_plugin(tmp_path: Path) -> None:
    source = """
    class Plugin:
        @hookimpl
        def bottega_prompts(self):
            return [Offer(name="own", summary="Own.", factory=lambda context: "x")]
    plugin = Plugin()
    """
    write_distribution(tmp_path, "instance", source, entries={"instance": "instance:plugin"})
    assert discovered(tmp_path).find("prompt", "own").distribution == "instance"


def test_survives_entry_points_that_cannot_be_read(tmp_path: Path) -> None:
    write_distribution(tmp_path, "garbled", "")
    (tmp_path / "garbled-1.0.dist-info" / "entry_points.txt").write_bytes(b"[bottega]\n\xff = x")
    write_distribution(tmp_path, "good-plugin", GOOD)
    assert "terse" in discovered(tmp_path).offers("prompt")


def test_the_first_on_the_path_shadows_a_second_copy(tmp_path: Path) -> None:
    for number, folder in enumerate((tmp_path / "b", tmp_path / "a")):
        write_distribution(folder, "twice", GOOD, version=f"{number}.0")
    with on_path(tmp_path / "a"), on_path(tmp_path / "b"):
        plugins = PluginManager.discover()
        assert plugins.find("prompt", "terse").version == "0.0"
        assert not errors_of(plugins, "twice")


def test_registering_by_hand_raises_at_once() -> None:
    class Asking:
        bottega_requires = ("nobody",)

    plugins = PluginManager()
    with pytest.raises(PluginError, match="requires plugin 'nobody'"):
        plugins.register(Asking(), "asking")
    plugins.register(object(), "empty")
    with pytest.raises(PluginError, match="already registered"):
        plugins.register(object(), "empty")
    assert not plugins.failures
