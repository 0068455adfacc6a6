"""The command line's boundary: one clear line, the right exit code, nothing hostile let through."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from dummy_distribution import write_distribution

from bottega.cli.main import run
from bottega.errors import BottegaError, BudgetExceeded, Finding, GraphError, InputError
from bottega.offer import Offer
from bottega.plugin.manager import PluginManager
from bottega.plugin.spec import hookimpl
from bottega.testing import clean_plugins

__all__ = ["clean_plugins"]

HOSTILE = "a\x1b[2Jb\x07c\u202ed\u200be\U000e0041f\x9bg\rh"


class Command:
    """A plugin with one command, `work`, that does what the test says."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work

    @hookimpl
    def bottega_commands(self) -> list[Offer]:
        as_json = click.Option(["--json", "as_json"], is_flag=True)
        command = click.Command("work", params=[as_json], callback=lambda as_json: self.work())
        return [Offer(name="work", summary="Works.", factory=lambda context: command)]


@pytest.fixture
def work(clean_plugins: PluginManager) -> Callable[..., int]:
    """Run `bottega work` with the given body and options."""

    def start(body: Callable[[], Any], *options: str) -> int:
        clean_plugins.register(Command(body), "worker")
        return run(["work", *options])

    return start


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BottegaError("it broke"), 1),
        (InputError("it broke"), 2),
        (BudgetExceeded("steps", 3, 4), 3),
        (GraphError([Finding(message="it broke", file="team.yaml", line=3)]), 2),
    ],
)
def test_an_error_is_a_line_and_a_code(
    work: Callable[..., int], capsys: pytest.CaptureFixture[str], error: BottegaError, code: int
) -> None:
    assert work(raising(error)) == code
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"error: {error.message}\n")


def test_a_hint_has_a_line_of_its_own(
    work: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert work(raising(InputError("no such file", hint="did you mean 'b'?"))) == 2
    assert capsys.readouterr().err == "error: no such file\nhint: did you mean 'b'?\n"


def test_nothing_hostile_reaches_the_terminal(
    work: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    work(raising(InputError(HOSTILE, hint=HOSTILE)))
    for line in capsys.readouterr().err.splitlines():
        assert line.isprintable()
        assert line.endswith(r"a\x1b[2Jb\x07c\u202ed\u200be\U000e0041f\x9bg\x0dh")


def test_keys_are_masked(
    work: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-very-secret")
    work(raising(ValueError("refused sk-very-secret")), "--debug")
    assert "sk-very-secret" not in "".join(capsys.readouterr())


def test_a_bug_is_one_line_without_debug(
    work: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert work(raising(KeyError("x"))) == 1
    err = capsys.readouterr().err
    assert err.splitlines() == [
        "error: internal error: KeyError: 'x'",
        "hint: run again with --debug for the traceback",
    ]


@pytest.mark.parametrize("arguments", [["--debug", "work"], ["work", "--debug"]])
def test_debug_shows_the_traceback(
    clean_plugins: PluginManager, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    clean_plugins.register(Command(raising(KeyError("x"))), "worker")
    assert run(arguments) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [InputError("no", hint="why"), click.UsageError("no"), OSError("no")]
)
def test_json_errors_are_one_document(
    work: Callable[..., int], capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    code = work(raising(error), "--json")
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert "no" in document["error"]["message"]
    assert set(document["error"]) == {"type", "message", "hint"}
    assert (code, err) == (1 if isinstance(error, OSError) else 2, "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["wrok"], "no such command 'wrok'; did you mean 'work'?"),
        (["work", "--nothing"], "--nothing"),
        (["work", "extra"], "unexpected extra argument"),
        (["--nothing"], "--nothing"),
    ],
)
def test_wrong_usage_exits_with_2(
    clean_plugins: PluginManager,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    clean_plugins.register(Command(lambda: None), "worker")
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert "--help" in err


def test_done_is_0(work: Callable[..., int]) -> None:
    assert work(lambda: None) == 0


def test_a_command_may_exit_by_itself(work: Callable[..., int]) -> None:
    with pytest.raises(SystemExit) as caught:
        work(raising(SystemExit(3)))
    assert caught.value.code == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130_and_quiet(
    work: Callable[..., int], capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    assert work(raising(error)) == 130
    assert "".join(capsys.readouterr()).strip() == ""


def test_an_input_that_ends_is_said(
    work: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert work(raising(EOFError())) == 2
    assert "input ended" in capsys.readouterr().err


def test_help_lists_commands_without_importing_them(
    clean_plugins: PluginManager, capsys: pytest.CaptureFixture[str]
) -> None:
    class Heavy:
        @hookimpl
        def bottega_commands(self) -> list[Offer]:
            return [Offer(name="heavy", summary="Weighs a lot.", factory=raising(AssertionError()))]

    clean_plugins.register(Heavy(), "heavy")
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert "heavy" in out
    assert "Weighs a lot." in out


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (lambda context: 1 / 0, "command 'work' of plugin 'bad' failed: ZeroDivisionError"),
        (lambda context: "work", "made str, expected click.Command"),
    ],
)
def test_a_broken_command_names_its_plugin(
    clean_plugins: PluginManager,
    capsys: pytest.CaptureFixture[str],
    factory: Any,
    expected: str,
) -> None:
    class Bad:
        @hookimpl
        def bottega_commands(self) -> list[Offer]:
            return [Offer(name="work", summary="Breaks.", factory=factory)]

    clean_plugins.register(Bad(), "bad")
    assert run(["work"]) == 1
    assert expected in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("bottega 0.")


def bottega(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from bottega.cli.main import main; main()", *arguments]
    return subprocess.run(
        command,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_writes_the_completion_of_a_shell(shell: str) -> None:
    done = bottega(_BOTTEGA_COMPLETE=f"{shell}_source")
    assert done.returncode == 0, done.stderr
    assert "_BOTTEGA_COMPLETE" in done.stdout


def test_completes_commands_and_their_options() -> None:
    variables = {"_BOTTEGA_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
    done = bottega(COMP_WORDS="bottega plu", **variables)
    assert done.stdout.split() == ["plain,plugins"]
    variables["COMP_CWORD"] = "2"
    done = bottega(COMP_WORDS="bottega plugins --j", **variables)
    assert done.stdout.split() == ["plain,--json"]
    assert not bottega(COMP_WORDS="bottega nonsense --j", **variables).stdout.strip()


def test_a_reader_that_leaves_is_no_error() -> None:
    command = f"{sys.executable} -c 'from bottega.cli.main import main; main()' --help"
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "1")


def test_ctrl_c_leaves_no_traceback(tmp_path: Path) -> None:
    source = """
    def make(context):
        import click, time
        @click.command()
        def wait():
            print("waiting", flush=True)
            time.sleep(60)
        return wait
    @hookimpl
    def bottega_commands():
        return [Offer(name="wait", summary="Waits.", factory=make)]
    """
    write_distribution(tmp_path, "waiting", source)
    process = subprocess.Popen(
        [sys.executable, "-c", "from bottega.cli.main import main; main()", "wait"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip() == ""
