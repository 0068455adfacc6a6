"""The sandbox `monty`, by its contract: state, calls, values, limits, and hostile code."""

import asyncio
import time
from pathlib import Path

import pytest

from bottega.errors import StorageError, ToolError
from bottega.model import ToolSpec
from bottega.sandbox import CodeLimits, Sandbox
from bottega_plugins.sandbox.monty.kind import Monty

LOOK = ToolSpec(
    name="look",
    description="Look.",
    parameters={"type": "object", "properties": {"where": {}, "deep": {"type": "integer"}}},
)
TIGHT = CodeLimits(seconds=0.3, memory=32 << 20, output=1000, calls=20)


def run(*steps, call=None, limits=TIGHT, tools=(LOOK,)):
    """Run the steps in one session; return what came of the last."""
    return asyncio.run(_run(steps, call or echo, limits, tools))[-1]


async def _run(steps, call, limits, tools):
    sandbox = Monty()
    session = await sandbox.open(tools, limits)
    try:
        return [await session.run(step, call) for step in steps]
    finally:
        await session.aclose()
        await sandbox.aclose()


async def echo(name, arguments):
    return {"name": name, "arguments": arguments}


def test_it_is_a_sandbox_that_holds():
    assert isinstance(Monty(), Sandbox)
    assert Monty().boundary
    Monty().check()


def test_steps_share_their_state_and_show_their_last_value():
    outcome = run(
        "import math\ndef area(r):\n    return math.pi * r ** 2", "print(area(1))\narea(2)"
    )
    assert (outcome.printed, outcome.value) == ("3.141592653589793\n", "12.566370614359172")
    assert (outcome.error, outcome.stopped, outcome.lost) == ("", "", False)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("'é' * 3; 'x'", "'x'"),
        ("(1,\n 2)  # two", "(1, 2)"),
        ("x = 3", ""),
        ("None", ""),
        ("print('a'); {'k': [1]}", "{'k': [1]}"),
        ("'''a\nb'''", "'a\\nb'"),
        ("(n := 5)", "5"),
        ("'x' * 9000", f"'{'x' * 1999} ..."),
    ],
)
def test_the_last_value_is_written_as_python_does(code, value):
    assert run(code).value == value


def test_tools_are_functions_with_values_both_ways():
    code = "r = look([1, (2, None)], deep=3)\nf = look\n[r['name'], r['arguments'], f('x')['name']]"
    outcome = run(code)
    assert outcome.value == "['look', {'where': [1, [2, None]], 'deep': 3}, 'look']"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("look({1, 2})", "TypeError: look(): a tool takes str"),
        ("look(b'\\x80\\x04N.')", "not bytes"),  # a pickle, BAD_INPUTS D14
        (
            "look({(1, 2): 3})",
            "TypeError: look(): the keys of a dict for a tool are str, not tuple",
        ),
        ("look(1, 2, 3)", "look() takes 2 arguments but 3 were given"),
        ("look(1, where=2)", "look() got several values for argument 'where'"),
        ("see(1)", "NameError: name 'see' is not defined"),
        (
            "x = 1\nlook(x.y)",
            "line 2: look(x.y)\nAttributeError: 'int' object has no attribute 'y'",
        ),
    ],
)
def test_a_wrong_call_is_an_error_in_the_code(code, problem):
    assert problem in run(code).error


def test_the_failure_of_a_tool_can_be_caught_in_the_code():
    async def fails(name, arguments):
        raise ToolError("the lamp is out", hint="bring another")

    outcome = run("try:\n    look(1)\nexcept Exception as error:\n    print(error)", call=fails)
    assert outcome.printed == "the lamp is out (bring another)\n"
    assert "RuntimeError: the lamp is out" in run("look(1)", call=fails).error


def test_what_is_no_failure_of_a_tool_ends_the_step_and_passes():
    async def breaks(name, arguments):
        raise StorageError("the disk is full")

    with pytest.raises(StorageError):
        run("try:\n    look(1)\nexcept BaseException:\n    pass", call=breaks)


def test_an_error_shows_the_lines_of_the_code():
    code = "def outer(n):\n    return inner(n)\ndef inner(n):\n    return 1 / n\nouter(0)"
    assert run(code).error == (
        "Traceback:\nline 5: outer(0)\nline 2 in outer: return inner(n)\n"
        "line 4 in inner: return 1 / n\nZeroDivisionError: division by zero"
    )


@pytest.mark.parametrize(
    ("code", "lack"),
    [
        ("def count():\n    yield 1", "yield expressions"),
        ("import statistics", "the module statistics"),
        ("print(globals())", "globals()"),
        ("open('/etc/passwd').read()", "files and the system"),
        ("x = 1\ndel x", "'del' statement"),
    ],
)
def test_what_its_python_has_not_got_is_named(code, lack):
    outcome = run(code)
    assert outcome.lacking == lack
    assert outcome.error


@pytest.mark.parametrize("code", ["import nosuch", "nosuch", "raise ValueError('no')", "1 +"])
def test_an_error_of_any_python_is_no_lack(code):
    outcome = run(code)
    assert (outcome.lacking, bool(outcome.error)) == ("", True)


HOSTILE = {  # BAD_INPUTS D3, D4, D8, D12, D13
    "spin": ("while True: pass", "seconds"),
    "stubborn": ("while True:\n try:\n  while True: pass\n except BaseException: pass", "seconds"),
    "spin in C": ("sum(range(10**11))", "seconds"),
    "regex": ("import re\nfor i in range(10**6): re.match(r'(a|aa)+$', 'a' * 50 + 'b')", "seconds"),
    "one block": ("x = 'a' * (2 << 30)", "memory"),
    "many blocks": ("l = []\nwhile True: l.append('a' * 1000)", "memory"),
    "big power": ("10 ** (10 ** 9)", "memory"),
    "calls": ("for i in range(10**6): look(i)", "calls"),
    "caught calls": ("while True:\n try:\n  look(1)\n except BaseException: pass", "calls"),
    "big argument": ("look([0] * 10**7)", "memory"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_step_that_goes_too_far_is_stopped_and_the_next_one_works(name):
    code, stopped = HOSTILE[name]
    made = []

    async def count(name, arguments):
        made.append(name)

    before, outcome, after = asyncio.run(_run((code, code, "1 + 1"), count, TIGHT, (LOOK,)))
    assert (before.stopped, outcome.stopped, outcome.error) == (stopped, stopped, "")
    assert outcome.lost
    assert after.value == "2"
    assert len(made) <= 2 * TIGHT.calls


def test_a_flood_of_output_is_dropped_and_counted():
    outcome = run("for i in range(2000): print('x' * 100)", limits=CodeLimits(output=1000))
    assert outcome.printed == ("x" * 100 + "\n") * 9 + "x" * 91
    assert outcome.dropped == 2000 * 101 - 1000


@pytest.mark.parametrize(
    "code",
    ["x = '\0'", "#" * 200_000, "(" * 90_000, "x = " + "-" * 90_000 + "1", "[" * 5000 + "]" * 5000],
)
def test_source_that_no_parser_should_see_is_an_error(code):
    assert run(code).error.startswith(("SyntaxError", "Traceback"))


def test_a_value_that_is_deep_or_holds_itself_stays_inside():
    deep = "x = []\nfor i in range(100000): x = [x]\n"
    assert run(deep + "len(x)").value == "1"
    assert run(deep + "x").error or run(deep + "x").value
    assert "TypeError" in run(deep + "look(x)").error or run(deep + "look(x)").stopped
    assert run("x = []\nx.append(x)\nx").value == "[[...]]"


def test_a_name_of_a_tool_is_the_tool_again_in_the_next_step():
    outcome = run("look = print\nlook('mine')", "look('tools')['name']")  # BAD_INPUTS D11
    assert outcome.value == "'look'"


def test_cancelling_stops_the_code_and_leaves_no_process():
    async def cancelled():
        sandbox = Monty()
        session = await sandbox.open((LOOK,), CodeLimits(seconds=30))
        assert session._worker is not None
        pid = session._worker.worker_pid
        work = asyncio.create_task(session.run("while True: pass", echo))
        await asyncio.sleep(0.1)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert work.cancelled()
        again = await session.run("1 + 1", echo)
        await session.aclose()
        await sandbox.aclose()
        return pid, again

    pid, again = asyncio.run(cancelled())
    assert again.value == "2"
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_a_session_closed_while_a_call_is_under_way_taints_no_other():
    async def closed():
        sandbox = Monty()
        first = await sandbox.open((LOOK,), TIGHT)

        async def hangs(name, arguments):
            await asyncio.Event().wait()

        work = asyncio.create_task(first.run("secret = 1\nlook(1)", hangs))
        await asyncio.sleep(0.05)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        second = await sandbox.open((LOOK,), TIGHT)
        outcome = await second.run("secret", echo)
        await second.aclose()
        await sandbox.aclose()
        return outcome

    assert "NameError" in asyncio.run(closed()).error


def test_many_sessions_at_once():
    async def at_once():
        sandbox = Monty()
        sessions = [await sandbox.open((), TIGHT) for _ in range(8)]
        outcomes = await asyncio.gather(
            *(one.run(f"{n} * {n}", echo) for n, one in enumerate(sessions))
        )
        for one in sessions:
            await one.aclose()
        await sandbox.aclose()
        return [outcome.value for outcome in outcomes]

    assert asyncio.run(at_once()) == [str(n * n) for n in range(8)]
