"""Each format: what is read, its structure as headings, pages and metadata, and exact places."""

from __future__ import annotations

import io
import json
from pathlib import Path

import docx
import pytest
from document_reading import read
from docx.oxml import OxmlElement
from tiny_pdf import simple_pdf

from bottega_plugins.knowledge.documents.chunk import Chunk
from bottega_plugins.knowledge.documents.reader import Reading

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("documents")


def texts(reading: Reading) -> list[str]:
    return [chunk.text for chunk in reading.chunks]


def headings(reading: Reading) -> list[str]:
    return [chunk.heading for chunk in reading.chunks]


def only(reading: Reading) -> Chunk:
    (chunk,) = reading.chunks
    return chunk


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.md", "# A\n\nb\n", "markdown"),
        ("a.rst", "A\n=\n\nb\n", "rst"),
        ("a.txt", "b\n", "text"),
        ("README", "b\n", "text"),
        ("a.htm", "<p>b", "html"),
        ("page", "<!DOCTYPE html><p>b", "html"),
        ("https://example.org/page.html?b=.csv#c", "<p>b", "html"),
        ("a.csv", "x,y\n1,2\n", "csv"),
        ("a.tsv", "x\ty\n1\t2\n", "csv"),
        ("a.json", '{"a": 1}', "json"),
        ("a.jsonl", '{"a": 1}\n', "jsonl"),
        ("a.py", "x = 1\n", "python"),
        ("tool", "#!/usr/bin/env python3\nx = 1\n", "python"),
        ("a.rs", "fn main() {}\n", "code"),
        ("a.xml", "<a><b>c</b></a>", "xml"),
    ],
)
def test_the_format_is_told_by_content_and_ending(name: str, text: str, form: str) -> None:
    assert read(text, name).format == form
    assert read(text.encode(), name).format == form


def test_a_given_format_title_and_metadata_come_first() -> None:
    text = "---\ntitle: Found\nlang: en\nyear: 2020\n---\n# One\n\ntext\n"
    reading = read(text, "id-7", format="markdown", title="Given", metadata={"lang": "it"})
    assert (reading.title, reading.format) == ("Given", "markdown")
    assert reading.metadata == {"lang": "it", "year": 2020}
    assert headings(reading) == ["", "One"]


def test_front_matter_has_values_with_types() -> None:
    text = (
        "---\ntitle: T\ntags: [a, 'b c']\nyear: 2020\nscore: 4.5\ndraft: false\n"
        "date: 2024-05-06\nauthor:\n  name: Ada\n---\ntext\n"
    )
    assert read(text, "a.md").metadata == {
        "tags": ["a", "b c"],
        "year": 2020,
        "score": 4.5,
        "draft": False,
        "date": "2024-05-06",
        "author.name": "Ada",
    }


def test_front_matter_that_multiplies_itself_stays_text() -> None:
    laughs = "".join(f"{chr(98 + n)}: [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9))
    reading = read(f"---\na: &a [x]\n{laughs}---\ntext\n", "a.md")
    assert all(isinstance(value, str) for value in reading.metadata.values())


def test_headers_of_peps_become_metadata() -> None:
    path = ROOT / "examples/peps/pep-0557.rst"
    metadata = read(path.read_bytes(), path.name).metadata
    assert metadata["pep"] == 557
    assert metadata["created"] == "2017-06-02"
    assert metadata["python_version"] == "3.7"


def test_markdown_is_cut_between_its_blocks() -> None:
    items = "".join(f"- item {n} has a few words to say\n  and a second line\n" for n in range(40))
    rows = "".join(f"| row {n} | some words to fill the row |\n" for n in range(40))
    text = f"# Doc\n\n{items}\n## Table\n\n| a | b |\n|---|---|\n{rows}"
    for chunk in read(text, "a.md").chunks:
        assert chunk.text == text[chunk.start : chunk.end]
        assert chunk.text.startswith(("- item", "| row", "| a |"))
        assert chunk.text.endswith(("second line", "|"))


def test_a_heading_in_a_fence_or_a_quote_is_none() -> None:
    text = "# Doc\n\nbefore\n\n```\n# no\n```\n\n> # no\n\n    # no\n\nafter\n"
    assert headings(read(text, "a.md")) == [""]


HTML = """<!doctype html>
<html lang="en"><head><title>Fruit &amp; more</title>
<meta name="keywords" content="apples, pears"><style>p {}</style></head><body>
<nav><a href="/">Home</a></nav>
<h1>Fruit</h1><p>Apples are   <b>red</b>
or gr&#101;en.<script>let p = "no";</script>
<p hidden>secret</p><div style="display : none">secret</div><!-- secret -->
<span aria-hidden="true">secret</span>
<h2>Prices</h2>
<table><tr><th>Kind<th>Price</tr><tr><td>Apple<td>1 &euro;</tr><tr><td>Pear<td>2 &euro;</table>
<ul><li>one<li>two <p>with more</p></ul>
<pre>a  =  1
  b</pre>
<footer>Imprint</footer></body></html>
"""


def test_html_is_what_a_reader_of_the_page_reads() -> None:
    reading = read(HTML, "fruit.html")
    assert reading.title == "Fruit & more"
    assert reading.metadata == {"lang": "en", "keywords": ["apples", "pears"]}
    assert headings(reading) == ["Fruit", "Fruit > Prices"]
    first, second = texts(reading)
    assert first == "Apples are red or green."
    assert second.split("\n\n") == [
        "Kind | Price\nKind: Apple | Price: 1 €\nKind: Pear | Price: 2 €",
        "- one\n- two\nwith more",
        "a  =  1\n  b",
    ]


def test_html_passages_stand_where_they_say() -> None:
    first, second = read(HTML, "fruit.html").chunks
    assert HTML[first.start : first.end].startswith("Apples are   <b>red</b>\nor gr&#101;en.")
    assert HTML[second.start : second.end].startswith("Kind<th>Price")
    assert HTML[second.start : second.end].endswith("<pre>a  =  1\n  b")
    assert HTML.split("\n")[second.line - 1].startswith("<table>")
    assert HTML.split("\n")[second.end_line - 1].endswith("b</pre>")


def test_html_says_how_it_is_written() -> None:
    page = "<meta charset=windows-1251><p>Съешь же ещё"
    assert texts(read(page.encode("cp1251"), "a.html")) == ["Съешь же ещё"]


@pytest.mark.parametrize("encoding", ["koi8-r", "shift_jis", "gb18030", "cp1253", "euc_kr"])
def test_other_scripts_are_recognised(encoding: str) -> None:
    text = {
        "koi8-r": "Москва является столицей России и её крупнейшим городом. ",
        "shift_jis": "日本国は東アジアに位置する島国であり、首都は東京である。",
        "gb18030": "中华人民共和国位于亚洲东部和太平洋西岸。首都是北京。",
        "cp1253": "Στην Αθήνα είναι η πρωτεύουσα της Ελλάδας και η μεγαλύτερη πόλη. ",
        "euc_kr": "대한민국은 동아시아의 한반도 남부에 위치한 나라이며 수도는 서울특별시이다. ",
    }[encoding] * 3
    assert "".join(texts(read(text.encode(encoding)))) == text.strip()


def test_utf16_without_a_mark_is_recognised() -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert texts(read("plain text without a mark".encode(encoding))) == [
            "plain text without a mark"
        ]


def test_xml_gives_its_texts_and_what_is_in_cdata() -> None:
    text = '<?xml version="1.0"?><feed><title>News</title><x><![CDATA[1 < 2]]></x></feed>'
    assert texts(read(text, "a.xml")) == ["News\n1 < 2"]


def test_pdf_has_pages_headings_and_metadata() -> None:
    pages = [["Guide", "Welcome to it."], ["1 Apples", "Red or green."], ["Pears", "Sweet."]]
    data = simple_pdf(
        pages,
        [("Apples", 1), ("Pears", 2)],
        {"Title": "The guide", "Author": "Ada", "CreationDate": "D:20240506120000Z"},
    )
    reading = read(data, "guide.pdf")
    assert reading.title == "The guide"
    assert reading.metadata == {"author": "Ada", "created": "2024-05-06", "pages": 3}
    assert [(c.page, c.heading, c.text) for c in reading.chunks] == [
        (1, "", "Guide\nWelcome to it."),
        (2, "Apples", "Red or green."),
        (3, "Pears", "Sweet."),
    ]
    assert [c.key for c in reading.chunks] == [
        "guide.pdf:p1:1-2",
        "guide.pdf:p2:2-2",
        "guide.pdf:p3:2-2",
    ]


def test_running_titles_and_page_numbers_of_a_pdf_are_left_out() -> None:
    pages = [
        ["The Guide", f"Text of page {n}, which differs: {n * n}.", f"- {n} -"] for n in range(1, 8)
    ]
    found = texts(read(simple_pdf(pages), "guide.pdf"))
    assert found == [f"Text of page {n}, which differs: {n * n}." for n in range(1, 8)]


def make_docx() -> bytes:
    document = docx.Document()
    document.core_properties.author = "Ada"
    document.core_properties.title = ""
    document.add_heading("The guide", 0)
    document.add_paragraph("Welcome.")
    document.add_heading("Apples", 1)
    document.add_paragraph("Red or green.")
    hidden = document.add_paragraph("").add_run("secret")
    hidden.font.hidden = True
    document.add_paragraph("one", style="List Bullet")
    document.add_heading("Prices", 2)
    table = document.add_table(rows=3, cols=2)
    for row, cells in zip(
        table.rows, [("Kind", "Price"), ("Apple", "1"), ("Pear", "2")], strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    control = OxmlElement("w:sdt")
    inside = OxmlElement("w:sdtContent")
    inside.append(document.add_paragraph("In a content control.")._p)
    control.append(inside)
    document.element.body.insert(0, control)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_docx_has_headings_tables_and_paragraph_numbers() -> None:
    reading = read(make_docx(), "guide.docx")
    assert reading.title == "The guide"
    assert reading.metadata["author"] == "Ada"
    assert [(c.heading, c.line, c.text) for c in reading.chunks] == [
        ("", 1, "In a content control.\nThe guide\nWelcome."),
        ("Apples", 5, "Red or green.\n\none"),
        ("Apples > Prices", 9, "Kind | Price\nKind: Apple | Price: 1\nKind: Pear | Price: 2"),
    ]


def test_rows_of_a_table_say_what_their_values_are() -> None:
    text = 'name;note\nAnna;"two\nlines"\n;\nBo;"a ""word"""\n'
    chunk = only(read(text, "people.csv"))
    assert chunk.text == 'name: Anna\nnote: two\nlines\n\nname: Bo\nnote: a "word"'
    assert chunk.metadata == {"row": 1, "end_row": 2}
    assert text[chunk.start : chunk.end] == text[len("name;note\n") : -1]
    assert (chunk.line, chunk.end_line) == (2, 5)


def test_passages_of_a_table_are_whole_rows() -> None:
    rows = [f"{n},city number {n},the country it is in" for n in range(300)]
    text = "id,city,country\n" + "\n".join(rows)
    reading = read(text, "cities.csv")
    assert reading.metadata == {"columns": ["id", "city", "country"], "rows": 300}
    row = 1
    for chunk in reading.chunks:
        assert chunk.metadata["row"] == row
        assert (
            text[chunk.start : chunk.end].split("\n") == rows[row - 1 : chunk.metadata["end_row"]]
        )
        row = chunk.metadata["end_row"] + 1
    assert row == 301


def test_a_table_without_names_is_its_values() -> None:
    assert texts(read("1,2\n3,4\n", "a.csv")) == ["1\n2\n\n3\n4"]


def test_json_values_have_their_paths() -> None:
    text = '{"server": {"port": 8080, "hosts": ["a", "b"]}, "note": "two\\nlines", "none": []}'
    chunk = only(read(text, "a.json"))
    assert chunk.text == "server.port: 8080\nserver.hosts: a, b\nnote: two\nlines"
    assert text[chunk.start : chunk.end].startswith("8080")


def test_records_of_json_are_rows() -> None:
    records = [{"id": n, "text": f"the text of record {n}"} for n in range(100)]
    lines = "\n".join(json.dumps(record) for record in records)
    for name, text in (("a.jsonl", lines), ("a.json", json.dumps(records))):
        reading = read(text, name)
        assert reading.metadata == {"rows": 100}
        last = reading.chunks[-1]
        assert last.metadata["end_row"] == 100
        assert last.text.endswith("id: 99\ntext: the text of record 99")
        for chunk in reading.chunks:
            number = chunk.metadata["row"] - 1
            assert chunk.text.startswith(f"id: {number}\n")
            assert text[chunk.start :].startswith(f'{number}, "text"')


def test_a_line_that_is_cut_off_costs_only_itself() -> None:
    assert texts(read('{"a": "one"}\n{"a": "tw', "a.jsonl")) == ['a: one\n\n{"a": "tw']


def test_a_notebook_has_cells_and_bounded_outputs() -> None:
    output = {"output_type": "stream", "text": ["long\n"] * 2_000}
    image = {"output_type": "display_data", "data": {"image/png": "iVBORw" * 1_000}}
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "About it."]},
        {"cell_type": "code", "source": "x = 1\nx", "outputs": [output, image]},
        {"cell_type": "markdown", "source": "## Result\n\nIt is one."},
    ]
    kernel = {"kernelspec": {"language": "python"}}
    text = json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4}, indent=1)
    reading = read(text, "study.ipynb")
    assert (reading.title, reading.metadata) == ("Study", {"language": "python"})
    assert reading.chunks[0].text.startswith("About it.\n\nx = 1\nx\n\nOutput:\nlong\n")
    assert sum(len(chunk.text) for chunk in reading.chunks) < 3_000
    last = reading.chunks[-1]
    assert (last.heading, last.text) == ("Result", "It is one.")
    assert last.metadata == {"cell": 3, "end_cell": 3}
    assert json.loads(text[last.start : last.end]) == "## Result\n\nIt is one."


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
