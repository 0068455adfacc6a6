"""Source code: functions and classes, and cuts between them."""

from __future__ import annotations

from pathlib import Path

import pytest
from document_reading import read, texts

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("documents")


PYTHON = '''"""What the module is for."""

import os


# why it is here
@cache
def first(x: int) -> int:
    """Return one."""
    return 1


class Kind(Base):
    """A kind."""

    @property
    def name(self) -> str:
        return "kind"

    async def load(self) -> None:
        pass


def long() -> None:
'''


def test_python_has_functions_and_classes() -> None:
    text = PYTHON + "".join(f"    call_number({n})\n" for n in range(200))
    reading = read(text, "a.py")
    assert reading.metadata == {"language": "python", "summary": "What the module is for."}
    for chunk in reading.chunks:
        assert text[chunk.start : chunk.end] == chunk.text
    module, kind, *rest = reading.chunks
    assert module.metadata == {"function": ["first"], "decorator": ["cache"]}
    assert kind.heading == "Kind"
    assert kind.metadata == {
        "class": "Kind",
        "function": ["Kind.name", "Kind.load"],
        "decorator": ["property"],
    }
    assert len(rest) > 3
    assert {chunk.heading for chunk in rest} == {"long"}
    assert rest[-1].metadata["function"] == ["long"]


def test_python_that_does_not_parse_is_code() -> None:
    reading = read("def f(:\n    pass\n", "a.py")
    assert (reading.format, texts(reading)) == ("code", ["def f(:\n    pass"])


def test_all_python_of_this_project_is_covered() -> None:
    for path in sorted((ROOT / "plugins/bottega_plugins/knowledge/documents").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        reading = read(text, path.name)
        assert reading.format == "python"
        kept = "".join("".join(chunk.text.split()) for chunk in reading.chunks)
        assert kept == "".join(text.split())


def test_code_is_cut_between_blocks_at_the_margin() -> None:
    functions = [f"int f{n}(int x) {{\n    x += 1;\n\n    return x * {n};\n}}" for n in range(40)]
    for chunk in read("\n\n".join(functions) + "\n", "a.c").chunks:
        assert chunk.text.startswith("int f")
        assert chunk.text.endswith("}")
        assert chunk.text.count("int f") > 1
