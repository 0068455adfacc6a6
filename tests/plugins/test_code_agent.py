"""Agents that act by code: what they are told, what their code may call, how a step ends."""

import asyncio
import re
from pathlib import Path

import pytest
import smolagents
import yaml

from bottega import Agent, Budget, Graph, tool
from bottega.approval import Approval
from bottega.assembly import Assembler
from bottega.code.python import Python
from bottega.dialects.code import Code
from bottega.errors import InputError, SandboxError
from bottega.events import Action, Failure, Observation
from bottega.messages import Citation
from bottega.offer import Offer
from bottega.plugin.manager import PluginManager
from bottega.plugin.spec import hookimpl
from bottega.sandbox import CodeLimits
from bottega.testing import ScriptedModel, call, calls
from bottega.tools import Output, Tool
from bottega_plugins.sandbox.monty.kind import Monty

sent = []


@pytest.fixture(autouse=True)
def nothing_sent():
    sent.clear()


@tool(effects="none")
def search(query: str, limit: int = 3) -> list[dict[str, int]]:
    """Find pages.

    Args:
        query: what to look for.
    """
    return [{query: number} for number in range(limit)]


@tool(effects="once")
def send(to: str, text: str = "") -> None:
    """Send a message."""
    sent.append((to, text))


@tool(effects="none")
def cite() -> Output:
    """Quote a passage."""
    passage = Citation(key="a.md:1", source="a.md", start=0, end=4, quote="Rain")
    return Output(content="Rain [a.md:1]", citations=(passage,))


def fenced(*codes):
    return [f"Thought: on\n```python\n{code}\n```" for code in codes]


def agent(*codes, tools=(search, send, cite), dialect="code", **options):
    model = ScriptedModel(*fenced(*codes))
    return Agent(model=model, tools=tools, dialect=dialect, **options), model


def observed(result, name="python"):
    return [e.content for e in result.events if isinstance(e, Observation) and e.tool == name]


def test_state_stays_between_steps_and_final_answer_ends_the_work():
    one, model = agent(
        "found = search('cats', limit=2)\nprint(len(found))\nfound[1]['cats']",
        "send('ann', text=str(found)) is None",
        "final_answer(found[0]['cats'] + 42)\nsend('nobody')",
    )
    result = one.run("count")
    assert (result.answer, result.status) == ("42", "done")
    assert sent == [("ann", "[{'cats': 0}, {'cats': 1}]")]
    assert observed(result) == ["2\nValue: 1", "Value: True", "42"]
    told = model.requests[1].messages[-1]
    assert told.text == "Observation:\n2\nValue: 1"


def test_calls_of_code_are_calls_of_the_agent():
    one, _ = agent("search('cats')\nsend(to='ann')", "final_answer('done')")
    events = one.run("go").events
    told = [(type(e).__name__, e.call_id, e.tool) for e in events if hasattr(e, "call_id")]
    assert told[:6] == [
        ("Action", "call-1", "python"),
        ("Action", "call-1/1", "search"),
        ("Observation", "call-1/1", "search"),
        ("Action", "call-1/2", "send"),
        ("Observation", "call-1/2", "send"),
        ("Observation", "call-1", "python"),
    ]
    made = [dict(e.arguments) for e in events if isinstance(e, Action)]
    assert made[1:3] == [{"query": "cats"}, {"to": "ann"}]


def test_the_model_is_shown_functions():
    one, model = agent("final_answer(1)")
    one.run("go")
    text = model.requests[0].messages[0].text
    assert model.requests[0].tools == ()
    assert (
        'def search(query: str, limit: int = 3):\n    """Find pages.\n\n    Args:\n'
        '        query: what to look for.\n    """'
    ) in text
    assert 'def send(to: str, text: str = \'\'):\n    """Send a message."""' in text
    assert "def final_answer(answer: object):" in text
    assert "def python(" not in text
    functions = re.findall(r"```python\n(def .*?)\n```", text, re.DOTALL)[0]
    assert compile(functions, "prompt", "exec")


def test_a_wrong_call_and_a_refused_one_are_errors_in_the_code():
    @tool(permissions=frozenset({"network"}))
    def fetch() -> str:
        """Fetch."""
        raise AssertionError

    one, _ = agent(
        "search(limit='many')",
        "try:\n    fetch()\nexcept Exception as error:\n    print(error)",
        "final_answer('done')",
        tools=(search, fetch),
        allow=frozenset({"files"}),
    )
    wrong, denied, _ = observed(one.run("go"))
    assert "search: " in wrong
    assert "line 1: search(limit='many')" in wrong
    assert denied.startswith("denied: fetch needs network")


def test_work_is_not_handed_on_from_code():
    class Librarian(Tool):
        name = "librarian"
        description = "Ask the librarian."
        hand_off = True

        def run(self, task: str) -> str:
            raise AssertionError(task)

    one, _ = agent("librarian('look')", "final_answer('alone')", tools=(Librarian(),))
    result = one.run("go")
    assert result.answer == "alone"
    assert "librarian hands work on to others" in observed(result)[0]


def test_a_person_approves_each_call_with_effects():
    asked = []

    async def ask(question):
        asked.append(question)
        return "yes" if "ann" in question else "no not him"

    one, _ = agent(
        "send('ann')\ntry:\n    send('bob')\nexcept Exception as e:\n    print(e)",
        "final_answer('done')",
        middleware=(Approval(),),
    )
    result = one.run("go", ask=ask)
    assert sent == [("ann", "")]
    assert len(asked) == 2
    assert observed(result)[0] == "a person refused this call: not him"


def test_passages_that_code_has_read_can_be_cited():
    one, _ = agent("final_answer(cite())")
    result = one.run("go")
    assert [citation.key for citation in result.citations] == ["a.md:1"]


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("final_answer(answer=[1, {'a': None}])", '[1, {"a": null}]'),
        ("final_answer(2.5)", "2.5"),
        ("final_answer(False)", "False"),
        ("def done():\n    final_answer('inside')\ndone()", "inside"),
        ("try:\n    final_answer('kept')\nexcept Exception:\n    pass", "kept"),
    ],
)
def test_any_value_is_an_answer(code, answer):
    assert agent(code)[0].run("go").answer == answer


def test_final_answer_is_there_again_after_code_has_taken_its_name():
    one, _ = agent("final_answer = 3", "final_answer('', 1)", "final_answer('')", "final_answer(5)")
    result = one.run("go")
    assert result.answer == "5"
    assert "takes 1 argument" in observed(result)[1]
    assert "the answer is empty" in observed(result)[2]


def test_the_agents_own_final_answer_is_used_where_it_has_one():
    one, _ = agent("final_answer(1302.678)", tools=("final_answer",))
    result = one.run("go")
    assert result.answer == "1302.678"
    assert observed(result, "final_answer") == ["1302.678"]


def test_a_stopped_step_is_an_observation_and_earlier_state_comes_back():
    dialect = Code(Python((Monty(),), CodeLimits(seconds=0.3, calls=5), answers=True))
    one, _ = agent(
        "def double(n):\n    return 2 * n\nsend('ann')\nimport random\na = random.random()",
        "while True: pass",
        "for i in range(10**6): search('x')",
        "b = random.random()\n(double(21), a != b)",
        "final_answer(double(4))",
        dialect=dialect,
    )
    result = one.run("go")
    assert result.answer == "8"
    assert sent == [("ann", "")]
    assert observed(result)[1].startswith("Error: Stopped: it ran longer than 0.3 s.")
    assert "it made more than 5 calls of tools" in observed(result)[2]
    assert observed(result)[3] == "Value: (42, True)"


def test_a_reply_without_code_is_asked_for_again():
    model = ScriptedModel("It is Paris.", *fenced("final_answer('Paris')"))
    result = Agent(model=model, dialect="code").run("go")
    assert result.answer == "Paris"
    (problem,) = [e for e in result.events if isinstance(e, Failure)]
    assert "no code" in problem.message


def test_code_within_the_time_of_the_run():
    one, _ = agent("while True: pass", limits=Budget(seconds=0.5))
    result = one.run("go")
    assert result.status == "budget"


def test_an_agent_of_another_dialect_has_python_among_its_tools():
    model = ScriptedModel(
        call("python", code="x = search('cats')\nlen(x)"),
        call("python", code="final_answer"),
        call("python", code="python('1')"),
        call("python", code="len(x) + 1"),
        "four",
    )
    result = Agent(model=model, tools=[search, "python"]).run("go")
    assert observed(result)[0] == "Value: 3"
    assert "NameError: name 'final_answer' is not defined" in observed(result)[1]
    assert "NameError" in observed(result)[2]
    assert observed(result)[3] == "Value: 4"


def test_two_calls_in_one_turn_share_the_state():
    model = ScriptedModel(
        calls([call("python", code="n = 1"), call("python", code="m = n + 1")]),
        call("python", code="n + m"),
        "three",
    )
    result = Agent(model=model, tools=["python"]).run("go")
    assert observed(result)[-1] == "Value: 3"


def test_two_tools_of_one_name_are_refused():
    with pytest.raises(InputError, match="has a tool 'python' of its own"):
        Agent(model=ScriptedModel(), tools=["python"], dialect="code").run("go")


def test_a_sandbox_that_is_no_boundary_or_not_there_is_refused():
    class Open(Monty):
        name = "open"
        boundary = False

    class Absent(Monty):
        def check(self):
            raise SandboxError("no such thing here", hint="install it")

    class Kinds:
        @hookimpl
        def bottega_sandboxes(self):
            return [
                Offer(name="open", summary="Open.", factory=lambda context: Open()),
                Offer(name="absent", summary="Absent.", factory=lambda context: Absent()),
            ]

    plugins = PluginManager.discover()
    plugins.register(Kinds(), "kinds")
    made = Assembler.open(plugins, Path.cwd())
    with pytest.raises(SandboxError, match="does not hold hostile code"):
        made.plugins.make("dialect", "code", made.context, sandbox="open")
    assert made.plugins.make("dialect", "code", made.context, sandbox="open", trusted=True)
    made.plugins.make("dialect", "code", made.context, sandbox=["monty", {"process": {}}])
    with pytest.raises(InputError, match="3 is no sandbox"):
        made.plugins.make("dialect", "code", made.context, sandbox=[3])
    with pytest.raises(SandboxError, match="no such thing here"):
        made.plugins.make("tool", "python", made.context, sandbox=["monty", "absent"])


def smolagents_steps():
    """The steps of the examples in smolagents' own prompt for agents that write code."""
    file = Path(smolagents.__file__).parent / "prompts" / "code_agent.yaml"
    prompt = yaml.safe_load(file.read_text())["system_prompt"]
    examples = prompt[prompt.index("---") : prompt.index("Above examples")]
    for example in examples.split("\n---"):
        steps = re.findall(r"Thought:.*?\{\{code_block_closing_tag\}\}", example, re.DOTALL)
        if steps:
            yield steps


@pytest.mark.parametrize("tags", [("<code>", "</code>"), ("```py", "```<end_code>")])
def test_smolagents_own_examples_run_unchanged(tags):
    @tool(effects="none")
    def document_qa(document: str, question: str) -> str:
        """Answer a question about a document."""
        return f"{document}: {question}"

    @tool(effects="none")
    def image_generator(prompt: str) -> str:
        """Make an image."""
        return "picture.png"

    @tool(effects="none")
    def translator(question: str, src_lang: str, tgt_lang: str) -> str:
        """Translate."""
        return f"{tgt_lang}: {question}"

    @tool(effects="none")
    def image_qa(image: str, question: str) -> str:
        """Answer a question about an image."""
        return "a cat"

    @tool(effects="none")
    def web_search(query: str) -> list[str]:
        """Search."""
        return [f"about {query}"]

    @tool(effects="none")
    def visit_webpage(url: str) -> str:
        """Read a page."""
        return f"page {url}"

    @tool(effects="none")
    def wikipedia_search(query: str) -> str:
        """Look it up."""
        return "He is 88."

    tools = (document_qa, image_generator, translator, image_qa, web_search, visit_webpage)
    given = "```python\nimage = 'image.jpg'\ndocument = 'a.pdf'\nquestion = 'Quel animal ?'\n```"
    answers = []
    for steps in smolagents_steps():
        texts = [
            step.replace("{{code_block_opening_tag}}", tags[0]).replace(
                "{{code_block_closing_tag}}", tags[1]
            )
            for step in steps
        ]
        model = ScriptedModel(given, *texts)
        one = Agent(model=model, tools=(*tools, wikipedia_search), dialect="code")
        result = one.run("go")
        assert not [e for e in result.events if isinstance(e, Observation) and e.is_error]
        answers.append(result.answer)
    assert answers == [
        "picture.png",
        "1302.678",
        "The answer is a cat",
        "diminished",
        "Shanghai",
        str(88**0.36),
    ]


def test_the_example_runs_as_its_comment_says():
    class Coder:
        @hookimpl
        def bottega_models(self):
            steps = fenced(
                "def factors(n):\n    return [d for d in range(2, 10**5) if n % d == 0]\n"
                "found = factors(2**32 - 1)\nprint(found[:5])",
                "import fractions\nfinal_answer(calculator('3 * 5 * 17 * 257 * 65537'))",
            )
            made = ScriptedModel(*steps)
            return [Offer(name="coder", summary="Scripted.", factory=lambda context: made)]

    plugins = PluginManager.discover()
    plugins.register(Coder(), "coder")
    file = Path(__file__).parents[2] / "examples" / "code.yaml"
    result = Graph.from_yaml(file, model="coder", plugins=plugins).run("factors")
    assert (result.answer, result.status) == ("4294967295", "done")
    assert observed(result)[0] == "[3, 5, 15, 17, 51]"
    assert observed(result)[1] == "4294967295"


def test_a_cancelled_run_leaves_no_session():
    class Watched(Monty):
        open_now = 0

        async def open(self, tools=(), limits=None):
            session = await super().open(tools, limits)
            Watched.open_now += 1
            close = session.aclose

            async def aclose():
                Watched.open_now -= 1
                await close()

            session.aclose = aclose
            return session

    async def cancelled():
        kind = Watched()
        one, _ = agent("while True: pass", dialect=Code(Python((kind,), answers=True)))
        work = asyncio.create_task(one.arun("go"))
        while not Watched.open_now:
            await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await kind.aclose()

    asyncio.run(cancelled())
    assert Watched.open_now <= 0
