"""Finding code in what models really write, and anything else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottega.code.python import Python
from bottega.dialects.code import MISSING, Code
from bottega.dialects.code_blocks import find_code
from bottega.model import Reply

CODE = "x = search('pep')\nprint(x)"
DIALECT = Code(Python(()))


def read(text):
    return DIALECT.read(Reply(text=text))


@pytest.mark.parametrize(
    "text",
    [
        f"Thought: look\n```python\n{CODE}\n```",
        f"Thought: look\n```py\n{CODE}\n```<end_code>",
        f"Thought: look\nCode:\n```py\n{CODE}\n```<end_code>\nObservation: 1\n```py\n1/0\n```",
        f"look\n\n~~~python\n{CODE}\n~~~\nThat will do.",
        f"**Thought:** look\n\n```\n{CODE}\n```",
        f"Thought: look\n```none\n{CODE}\n```",
        f"Thought: look\n```Python3 title=step\n{CODE}\n```",
        f"Thought: look\n<code>\n{CODE}\n</code>",
        f"Thought: look\n<code>{CODE}</code>",
        f"Thought: look\n<code>\n{CODE}\n</code",
        f"Thought: look\n<code>\n```python\n{CODE}\n```\n</code>",
        f"Thought: look\n```python\n{CODE}",
        f"Thought: look\n```python\n{CODE}\n<end_code>",
        f"Thought: look\nCode:\n{CODE}",
        f"Thought: look\n\n{CODE}",
        f"Thought: look\n````python\n{CODE}\n````",
        "Thought: look\n```python\nx = search('pep')\n```\nand then\n```python\nprint(x)\n```",
        "Thought: look\n```python\n>>> x = search('pep')\n>>> print(x)\n```",
        "Thought: look\n  ```python\n  x = search('pep')\n  print(x)\n  ```",
        f"Thought: look\n```tool_code\n{CODE}\n```",
        f"Thought: look\n```python\n{CODE}\n```\nIt prints:\n```\n['PEP 8', ...]\n```",
        f"Thought: look\n```python\n{CODE}\n```\n```json\n{{}}\n```",
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_reads_code_however_it_is_marked(text, end):
    turn = read(text.replace("\n", end))
    assert turn.problem == ""
    (call,) = turn.calls
    assert call.name == "python"
    assert call.arguments["code"].replace("\n\n", "\n") == CODE
    assert turn.thought == "look"


def test_a_bare_reply_is_code_where_it_plainly_is():
    assert read('final_answer("Paris")').calls[0].arguments == {"code": 'final_answer("Paris")'}
    assert read("from math import pi").calls
    assert read("x: int = 3\nx += 1").calls


@pytest.mark.parametrize(
    "text",
    ["", "Paris", "42", "yes, no", "The answer is 42.", "```json\n{}\n```", "```python\n```"],
)
def test_what_is_no_code_is_said_in_one_line(text):
    turn = read(text)
    assert (turn.calls, turn.answer, turn.problem) == ((), None, MISSING)
    assert "\n" not in MISSING


def test_a_final_answer_in_words_is_taken():
    assert read("Thought: I know.\nFinal Answer: it is\n42").answer == "it is\n42"


@pytest.mark.parametrize(
    "text",
    [
        f"I write it between <code> and </code> tags, or so.\n```python\n{CODE}\n```",
        f"I write it in <code> tags.\n```python\n{CODE}\n```",
        json.dumps({"thought": "look", "code": CODE}),
        json.dumps({"thought": "look", "code": f"```py\n{CODE}\n```"}),
    ],
)
def test_tags_that_are_spoken_of_and_replies_held_to_json(text):
    assert read(text).calls[0].arguments["code"] == CODE


def test_fences_within_strings_and_longer_fences():
    code = 'text = """\n```python\n1\n```\n"""\nprint(text)'
    assert find_code(f"<code>\n{code}\n</code>").code == code
    assert find_code(f"````python\n{code}\n````").code == code


def test_what_follows_the_code_does_not_enter_the_conversation():
    reply = Reply(text=f"Thought: look\n```py\n{CODE}\n```\nObservation: 3\nThought: so it is 3")
    message = DIALECT.replied(reply, DIALECT.read(reply))
    assert message.text == f"Thought: look\n```py\n{CODE}\n```"
    assert DIALECT.read(Reply(text=message.text)) == DIALECT.read(reply)


FENCES = ["```", "~~~", "```python\n", "<code>", "</code>", "<end_code>", "\n", "\r\n"]
WORDS = ["Thought:", "Code:", "Observation:", "x=1", "print(", "'", '"""', ">>> ", "\0", "\\d", "é"]
PIECES = st.sampled_from([*FENCES, *WORDS, " ", "lambda"])


@given(st.one_of(st.text(), st.lists(PIECES, max_size=25).map("".join)))
def test_never_raises_and_reads_its_own_words_alike(text):
    reply = Reply(text=text)
    turn = DIALECT.read(reply)
    assert turn.calls or turn.problem or turn.answer is not None
    kept = DIALECT.replied(reply, turn).text
    if turn.calls:
        assert DIALECT.read(Reply(text=kept)).calls == turn.calls


@pytest.mark.parametrize(
    "text", ["(" * 50_000, "x = " + "-" * 50_000 + "1", "```" * 30_000, "a\n" * 9_000]
)
def test_deep_and_long_replies(text):
    assert find_code(text).code is not None
