"""Results that are too long to be shown: cut with a note, kept, read on, searched, and let go."""

import asyncio
import re

import pytest
from test_storage_pruning import pruned
from test_team import parts, run
from test_threads import interrupt, line

from bottega import Agent, tool
from bottega.artifacts import Artifacts, artifact_folder, forget_artifacts
from bottega.calling import call_tool
from bottega.cli.main import run as command
from bottega.errors import ToolError
from bottega.events import Observation
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import default_plugins
from bottega.retention import Retention
from bottega.testing import Say, ScriptedModel, call
from bottega.tools import Output, ToolContext
from bottega_tools.read_artifact import read_artifact

LONG = "".join(f"line {number:06}\n" for number in range(20_000))
NOTE = re.compile(r'read_artifact\(id="([^"]+)", start=(\d+)\)\]$')


@tool(effects="none")
def report() -> str:
    """Return a long report."""
    return LONG


def last(request):
    """Return what the model read last."""
    (result,) = request.messages[-1].results
    return result


def noted(request):
    """Return the id and the start of the note that the model read last."""
    found = NOTE.search(last(request).content)
    assert found, last(request).content[-300:]
    return found[1], int(found[2])


def read_on(request):
    name, start = noted(request)
    return call("read_artifact", id=name, start=start, length=24)


def search(request):
    for message in reversed(request.messages):
        for result in message.results:
            if found := NOTE.search(result.content):
                return call("read_artifact", id=found[1], search="LINE 015000")
    raise AssertionError("no note")


def told(request):
    return [spec.name for spec in request.tools]


def test_a_long_result_is_cut_and_read_on():
    model = ScriptedModel(call("report"), read_on, search, "done")
    result = Agent("a", model=model, tools=[report]).run("go")
    assert result.answer == "done"
    cut = last(model.requests[1]).content
    assert cut.startswith(LONG[:20_000])
    assert "[cut here after 20,000 of 240,000 characters; to read on: read_artifact(" in cut
    assert len(cut) < 20_200
    assert last(model.requests[2]).content == (
        f"{LONG[20_000:20_024]}\n[219,976 more characters: start=20025]"
    )
    assert last(model.requests[3]).content.startswith("[character 180001] ")
    assert "line 015000\n" in last(model.requests[3]).content


def test_models_are_told_of_the_tool_once_something_is_kept():
    @tool(effects="none")
    def short() -> str:
        """Return a word."""
        return "word"

    model = ScriptedModel(call("short"), call("report"), "done")
    Agent("a", model=model, tools=[report, short]).run("go")
    assert [told(request) for request in model.requests] == [
        ["report", "short"],
        ["report", "short"],
        ["report", "short", "read_artifact"],
    ]


def test_a_tool_may_show_more_or_less():
    @tool(effects="none")
    def shorter() -> str:
        """Return a long report."""
        return LONG

    shorter.max_result = 50
    model = ScriptedModel(call("shorter"), "done")
    Agent("a", model=model, tools=[shorter]).run("go")
    assert last(model.requests[1]).content.startswith(LONG[:50] + "\n[cut here after 50 of")


def test_structures_are_kept_as_json():
    @tool(effects="none")
    def rows() -> list[int]:
        """Return many numbers."""
        return list(range(50_000))

    def end(request):
        name, _ = noted(request)
        return call("read_artifact", id=name, start=288_880)

    model = ScriptedModel(call("rows"), end, "done")
    Agent("a", model=model, tools=[rows]).run("go")
    assert last(model.requests[2]).content == "49998,49999]\n[end: 288,891 characters]"


def test_an_answer_is_never_cut():
    @tool(effects="none")
    def finish() -> Output:
        """End with a long answer."""
        return Output(content=LONG, final=True)

    result = Agent("a", model=ScriptedModel(call("finish")), tools=[finish]).run("go")
    assert result.answer == LONG


def test_what_was_made_of_secrets_stays_secret():
    @tool(effects="none")
    def vault() -> str:
        """Return what nobody may know."""
        return LONG

    vault.secret = True
    model = ScriptedModel(call("vault"), read_on, "done")
    Agent("a", model=model, tools=[vault]).run("go")
    assert [last(request).secret for request in model.requests[1:]] == [True, True]


def test_a_kept_run_has_files_for_its_owner_alone(tmp_path):
    store = tmp_path / "state" / "bottega.db"
    run(
        line(parts("a", ScriptedModel(call("report"), "done"), tools=[report])),
        store=store,
        run_id="r1",
    )
    (file,) = (tmp_path / "state/artifacts/r1").iterdir()
    assert file.read_text() == LONG
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_nothing_is_written_for_short_results_or_runs_that_are_not_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "bottega.db"
    run(line(parts("a", ScriptedModel("done"), tools=[report])), store=store)
    assert not (tmp_path / "artifacts").exists()
    run(line(parts("a", ScriptedModel(call("report"), "done"), tools=[report])))
    assert not (tmp_path / "artifacts").exists()
    assert not (tmp_path / ".bottega").exists()


def test_a_resumed_run_reads_on(tmp_path):
    store = tmp_path / "bottega.db"
    slow = ScriptedModel(call("report"), Say(text="late", delay=30))
    crew = line(parts("a", slow, tools=[report]))
    asyncio.run(
        interrupt(crew, lambda: len(slow.requests) == 2, task="go", run_id="r1", store=store)
    )
    again = ScriptedModel(read_on, "done")
    crew = line(parts("a", again, tools=[report]))
    events = run(crew, task="", run_id="r1", store=store, resume=True)
    assert events[-1].status == "done"
    assert told(again.requests[0]) == ["report", "read_artifact"]
    shown = [event.content for event in events if isinstance(event, Observation)]
    assert shown[-1].startswith(LONG[20_000:20_024])


def test_a_later_run_of_the_thread_reads_on(tmp_path):
    store = tmp_path / "bottega.db"
    first = ScriptedModel(call("report"), "done")
    run(line(parts("a", first, tools=[report])), store=store, thread="t", task="ONE")
    name, _ = noted(first.requests[1])
    later = ScriptedModel(call("read_artifact", id=name, start=1, length=11), "done")
    events = run(line(parts("a", later, tools=[report])), store=store, thread="t", task="TWO")
    (shown,) = [event.content for event in events if isinstance(event, Observation)]
    assert shown.startswith("line 000000\n[239,989 more characters")


def test_a_run_shows_where_they_are(tmp_path, capsys):
    store = tmp_path / ".bottega" / "bottega.db"
    crew = line(parts("a", ScriptedModel(call("report"), "done"), tools=[report]))
    run(crew, store=store, run_id="r1", task="go")
    assert command(["runs", "r1", "--folder", str(tmp_path)]) == 0
    assert f"1 long result in {tmp_path}/.bottega/artifacts/r1" in capsys.readouterr().out


def test_artifacts_go_with_their_run(tmp_path):
    store = tmp_path / "bottega.db"
    for name in ("r1", "r2"):
        crew = line(parts("a", ScriptedModel(call("report"), "done"), tools=[report]))
        run(crew, store=store, run_id=name)
    assert pruned(store, Retention(seconds=0, last=1)).runs == ["r1"]
    assert [folder.name for folder in (tmp_path / "artifacts").iterdir()] == ["r2"]


@pytest.fixture
def kept(tmp_path):
    return Artifacts.beside(tmp_path / "artifacts", "r1")


def name_in(text):
    found = NOTE.search(text)
    assert found
    return found[1]


def test_a_run_has_room_for_so_much(kept):
    kept._room = 150_000
    name = name_in(kept.shown("x" * 100_000, 10))
    told = kept.shown("y" * 100_000, 10)
    assert told.endswith(
        "[cut here after 10 of 100,000 characters; there was no room to keep the rest]"
    )
    assert kept.read(name) == "x" * 100_000
    again = Artifacts.beside(kept.folder, "r1")
    assert again.begun
    assert again._room == 64_000_000 - 100_000


def test_a_disk_that_takes_nothing_is_told(tmp_path):
    (tmp_path / "artifacts").write_text("no folder")
    kept = Artifacts(run_id="r1", folder=tmp_path / "artifacts")
    assert "there was no room to keep the rest" in kept.shown("x" * 100, 10)


@pytest.mark.parametrize(
    "name",
    ["", "../r2/0123456789abcdef", "/etc/passwd", "0123456789abcdef", "*", "secret-", "x" * 5_000],
)
def test_names_that_are_none(kept, tmp_path, name):
    (tmp_path / "0123456789abcdef").write_text("outside")
    kept.shown("x" * 100, 10)
    with pytest.raises(ToolError, match="there is no artifact") as caught:
        kept.read(name)
    assert len(str(caught.value)) < 200


def test_any_text_comes_back(kept):
    text = "a\0b\ud800\r\n€\U0001f600" * 10
    assert kept.read(name_in(kept.shown(text, 5))) == text
    in_memory = Artifacts()
    assert in_memory.read(name_in(in_memory.shown(text, 5))) == text


def test_only_folders_of_runs_are_removed(tmp_path):
    (tmp_path / "state/artifacts/r1").mkdir(parents=True)
    forget_artifacts(tmp_path / "state/artifacts", ["../..", "", "..", ".", "r1/..", "r1"])
    assert (tmp_path / "state/artifacts").is_dir()
    assert not (tmp_path / "state/artifacts/r1").exists()


def test_a_server_holds_none(tmp_path, monkeypatch):
    monkeypatch.delenv("BOTTEGA_HOME", raising=False)
    found = artifact_folder("postgresql://h/x", str(tmp_path / "g.yaml"))
    assert found == tmp_path / ".bottega/artifacts"


def reading(kept, **arguments):
    checked = read_artifact.validate(arguments)
    return asyncio.run(call_tool(read_artifact, checked, ToolContext(artifacts=kept))).content


def test_the_tool_says_what_it_cannot_read(kept):
    name = name_in(kept.shown("abc" * 100, 10))
    assert reading(kept, id=name, start=299) == "bc\n[end: 300 characters]"
    for arguments, problem in (
        ({"start": 0}, "start must be from 1 to 300, got 0"),
        ({"start": 301}, "start must be from 1 to 300, got 301"),
        ({"length": 0}, "length must be from 1 to 20,000, got 0"),
        ({"length": 10**9}, "length must be from 1 to 20,000"),
        ({"search": "x" * 201}, "more than 200 characters"),
    ):
        with pytest.raises(ToolError, match=problem):
            reading(kept, id=name, **arguments)
    assert reading(kept, id=name, search="x.y") == "['x.y' is not there; it has 300 characters]"
    with pytest.raises(ToolError, match="nothing is kept outside a run"):
        reading(None, id=name)


def test_it_is_offered_by_name():
    plugins = default_plugins()
    made = plugins.make("tool", "read_artifact", FactoryContext(plugins=plugins))
    assert made.spec.name == "read_artifact"
