"""Code that goes on after a crash: cut at every entry of the journal, no call is made twice."""

import asyncio
import json

import pytest

from bottega import tool
from bottega.approval import Approval
from bottega.cassette import Cassette
from bottega.code.python import Python
from bottega.deciders import PromptDecider
from bottega.dialect import tools_with
from bottega.dialects.code import Code
from bottega.dialects.native import Native
from bottega.events import Observation
from bottega.journal import MemoryJournal
from bottega.loop import Loop
from bottega.messages import user
from bottega.node import AgentParts
from bottega.questions import Ruling, Rulings
from bottega.run import RunContext
from bottega.sandbox import CodeLimits
from bottega.testing import ScriptedModel, call
from bottega_plugins.sandbox.monty.kind import Monty
from bottega_plugins.sandbox.process.kind import ProcessSandbox

made = []


@pytest.fixture(autouse=True)
def nothing_made():
    made.clear()


@tool(effects="once")
def note(text: str) -> dict[str, str]:
    """Write down."""
    made.append(text)
    return {"noted": text}


@tool(effects="none")
def refuse(text: str) -> str:
    """Fail."""
    raise ValueError(text)


STEPS = [
    "import random\npick = random.randrange(10**9)\nfirst = note('one')\nprint(first['noted'])",
    "def tell():\n    return f'{first[\"noted\"]} {second[\"noted\"]}'\nsecond = note('two')\n"
    "try:\n    refuse('no')\nexcept Exception as error:\n    why = str(error)\n"
    "third = note('three')",
    "1 / 0",
    "final_answer(f'{tell()} {third} {why} {pick}')",
]


def asking(request):
    """Reply by how far the conversation has come."""
    number = sum(message.role == "assistant" for message in request.messages)
    step = STEPS[number] if number < len(STEPS) else "final_answer('given up')"
    return f"```python\n{step}\n```"


class Work:
    """One agent's loop over a journal."""

    def __init__(self, entries=(), *, kinds=None, script=(asking,), rulings=None, **options):
        self.kinds = kinds or (Monty(),)
        self.journal = MemoryJournal(dict(entries))
        self.model = ScriptedModel(*script, repeat=True)
        self.python = Python(self.kinds, CodeLimits(seconds=5), answers=True)
        self.rulings = rulings or Rulings()
        self.shared = None
        self.options = {"dialect": Code(self.python), "tools": (note, refuse), **options}

    async def go(self):
        dialect = self.options.pop("dialect")
        tools = tools_with(dialect, self.options.pop("tools"))
        parts = AgentParts(
            name="a",
            model=self.model,
            decider=PromptDecider(self.model),
            dialect=dialect,
            tools=tools,
            **self.options,
        )
        run = self.shared or RunContext(run_id="r", rulings=self.rulings)
        loop = Loop(parts=parts, run=run, messages=[user("go")], journal=self.journal)
        self.events = [event async for event in loop.events()]
        if self.shared is None:
            await run.belongings.aclose()
            await self.python.aclose()
        self.outcome = loop.outcome
        return self

    def run(self):
        return asyncio.run(self.go())

    @property
    def answer(self):
        return self.outcome.answer.text if self.outcome.answer else None

    def observed(self, name="python"):
        return [e.content for e in self.events if isinstance(e, Observation) and e.tool == name]


def whole():
    work = Work().run()
    assert made == ["one", "two", "three"]
    made.clear()
    return work


def test_cut_anywhere_it_comes_to_the_same_and_no_call_is_made_twice():
    first = whole()
    entries = first.journal.entries
    keys = list(entries)
    unknown = 0
    for cut in range(len(keys)):
        made.clear()
        known = {key: json.loads(json.dumps(entries[key])) for key in keys[:cut]}
        begun = [key.replace("/intent/", "/inner/") for key in known if "/intent/" in key]
        again = Work(known).run()
        before = [known[key]["arguments"]["text"] for key in begun]
        rest = [text for text in ("one", "two", "three") if text not in before]
        if all(key.replace("/inner/", "/result/") in known for key in begun):
            assert (made, again.answer) == (rest, first.answer)
        else:
            unknown += 1
            assert made == rest[: len(made)]
            assert any("unknown" in text for text in again.observed("note"))
    assert unknown == 3


def test_code_that_asks_for_something_else_calls_nothing():
    counter = iter(range(100))

    @tool(effects="none")
    def roll() -> int:
        """Return another number each time."""
        return next(counter)

    script = [
        "```py\nn = roll()\nnote(f'n {n}')\nnote('last')\n```",
        "```py\nfinal_answer('x')\n```",
    ]
    first = Work(script=script, tools=(note, roll)).run()
    assert made == ["n 0", "last"]
    entries = first.journal.entries
    keys = list(entries)
    known = {key: entries[key] for key in keys[: keys.index("1/inner/call-1/3")]}
    known["1/inner/call-1/2"] = {"name": "note", "arguments": {"text": "n 7"}}
    made.clear()
    again = Work(known, script=[script[1]], tools=(note, roll)).run()
    assert made == []
    assert again.answer == "x"
    (told, _) = again.observed()
    assert 'asked for note({"text": "n 0"}), where it had asked for note({"text": "n 7"})' in told


def test_calls_that_are_not_made_again_are_told():
    first = whole()
    entries = first.journal.entries
    keys = list(entries)
    known = {key: entries[key] for key in keys[: keys.index("2/result/call-2")]}
    text = known["2/reply"]["text"]
    known["2/reply"] = {**known["2/reply"], "text": text.split("try:")[0] + "third = why = 1\n```"}
    again = Work(known).run()
    assert "Before the process died this step had also called refuse(" in again.observed()[1]
    assert made == []


def test_a_question_stops_the_code_and_the_ruling_lets_it_go_on():
    entries, known = {}, {}
    for number in (1, 2, 3):
        rulings = Rulings(waits=True, known=dict(known))
        work = Work(entries, rulings=rulings, middleware=(Approval(),)).run()
        assert work.outcome.status == "waiting"
        assert len(made) == number - 1
        (question,) = work.outcome.questions
        known[question.id] = Ruling(verdict="approve").check(question)
        entries = work.journal.entries
    rulings = Rulings(waits=True, known=dict(known))
    work = Work(entries, rulings=rulings, middleware=(Approval(),)).run()
    assert work.answer.startswith("one two {'noted': 'three'} ValueError: no ")
    assert made == ["one", "two", "three"]


def test_state_lasts_from_visit_to_visit_and_comes_back_in_a_later_one():
    first = Work(script=["```py\nn = note('one')\nfinal_answer('a')\n```"])
    steps = ["```py\nm = note('two')\n```", "```py\nfinal_answer(n['noted'] + m['noted'])\n```"]
    second = Work(script=steps)
    second.options["dialect"] = first.options["dialect"]

    async def visits():
        first.shared = second.shared = RunContext(run_id="r")
        await first.go()
        await second.go()
        await first.shared.belongings.aclose()
        await first.python.aclose()

    asyncio.run(visits())
    assert second.answer == "onetwo"
    entries = second.journal.entries
    known = {key: entries[key] for key in list(entries)[: list(entries).index("2/reply")]}
    assert Work(known, script=steps[1:]).run().answer == "onetwo"
    assert made == ["one", "two"]


def test_steps_before_a_wait_are_written_down_once():
    steps = ["k = 1\nnote('one')", "k += 1\nrefuse('no')", "k += 1", "final_answer(k)"]
    script = [f"```py\n{step}\n```" for step in steps]
    shared = RunContext(run_id="r", rulings=Rulings(waits=True))
    first = Work(script=script[:2], middleware=(Approval(tools=["refuse"], effects=()),))
    second = Work(script=script[2:], middleware=(Approval(tools=["refuse"], effects=()),))
    second.options["dialect"], second.journal = first.options["dialect"], first.journal

    async def waits():
        first.shared = second.shared = shared
        await first.go()
        (question,) = first.outcome.questions
        shared.rulings.known[question.id] = Ruling(verdict="approve").check(question)
        await second.go()
        await shared.belongings.aclose()
        await first.python.aclose()

    asyncio.run(waits())
    assert second.answer == "3"
    entries = second.journal.entries
    known = {key: entries[key] for key in list(entries)[: list(entries).index("4/reply")]}
    assert Work(known, script=script[3:]).run().answer == "3"
    assert made == ["one"]


def test_native_calls_of_python_come_back_as_well():
    script = [call("python", code="n = note('one')"), call("python", code="n['noted']"), "done"]

    def work(entries=()):
        python = Python((Monty(),), CodeLimits(seconds=5))
        done = Work(entries, script=script[len(entries) and 1 :], dialect=Native())
        done.options["tools"] = (note, python)
        done.python = python
        return done.run()

    first = work()
    keys = list(first.journal.entries)
    known = {key: first.journal.entries[key] for key in keys[: keys.index("2/reply")]}
    again = work(known)
    assert made == ["one"]
    assert again.observed()[-1] == "Value: 'one'"


def test_what_monty_has_not_got_moves_to_process_with_its_state():
    process = ProcessSandbox()
    process.check()
    steps = [
        "first = note('one')\npick = 3",
        "second = note('two')\nimport statistics\nmean = statistics.mean([1, 2])\nnote('three')",
        "def count():\n    yield first['noted']\nfinal_answer([*count(), mean, pick])",
    ]
    script = [f"```py\n{step}\n```" for step in steps]
    work = Work(kinds=(Monty(), process), script=script).run()
    assert work.answer == '["one", 1.5, 3]'
    assert made == ["one", "two", "three"]
    moved = "[monty has not got the module statistics: the code was moved to process]"
    assert work.observed()[1].startswith(moved)
    keys = list(work.journal.entries)
    known = {key: work.journal.entries[key] for key in keys[: keys.index("3/reply")]}
    again = Work(known, kinds=(Monty(), process), script=script[2:]).run()
    assert (again.answer, made) == (work.answer, ["one", "two", "three"])
    assert not any("moved" in text for text in again.observed()[2:])


def test_a_cassette_plays_the_calls_of_code(tmp_path):
    from bottega import Agent

    def agent(*script):
        python = Python((Monty(),), CodeLimits(seconds=5), answers=True)
        return Agent(model=ScriptedModel(*script), dialect=Code(python), tools=(note, refuse))

    script = [f"```py\n{step}\n```" for step in STEPS]
    del script[2]
    file = tmp_path / "cassette"
    with Cassette(file):
        recorded = agent(*script).run("go")
    made.clear()
    with Cassette(file):
        played = agent().run("go")
    assert [event.dumps() for event in played.events] == [e.dumps() for e in recorded.events]
    assert (played.answer, made) == (recorded.answer, [])
