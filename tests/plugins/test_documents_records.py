"""Tables, JSON and notebooks: rows, records and cells, and where they stand."""

from __future__ import annotations

import json

import pytest
from document_reading import only, read, texts

pytestmark = pytest.mark.xdist_group("documents")


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
