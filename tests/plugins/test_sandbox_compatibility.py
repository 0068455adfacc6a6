"""How much of ordinary Python runs in `monty`, and that the rest is known to need `process`."""

import asyncio

from executor_cases import CASES

from bottega_plugins.sandbox.monty.kind import Monty
from bottega_plugins.sandbox.process.kind import ProcessSandbox

MOVES = 17
"""Of 109 cases; docs/code.md says so."""


async def no_tools(name, arguments):
    raise AssertionError(name)


async def values(kind, names):
    session = await kind.open()
    found = {name: await session.run(CASES[name][0], no_tools) for name in names}
    await session.aclose()
    if isinstance(kind, Monty):
        await kind.aclose()
    return found


def test_monty_runs_most_rightly_and_names_what_it_lacks():
    found = asyncio.run(values(Monty(), CASES))
    lacking = [name for name, outcome in found.items() if outcome.lacking]
    right = [name for name, outcome in found.items() if outcome.value == CASES[name][1]]
    assert sorted([*right, *lacking]) == sorted(CASES), "no case is wrong without a word"
    assert (len(CASES), len(lacking)) == (109, MOVES)


def test_process_runs_what_monty_lacks():
    process = ProcessSandbox()
    process.check()
    names = [name for name, one in asyncio.run(values(Monty(), CASES)).items() if one.lacking]
    found = asyncio.run(values(process, names))
    assert {name: one.value for name, one in found.items()} == {n: CASES[n][1] for n in names}
    assert len(found) == MOVES
