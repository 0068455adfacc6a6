"""Markdown, HTML and XML: headings, blocks and exact places."""

from __future__ import annotations

import pytest
from document_reading import headings, read, texts

pytestmark = pytest.mark.xdist_group("documents")


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


def test_xml_gives_its_texts_and_what_is_in_cdata() -> None:
    text = '<?xml version="1.0"?><feed><title>News</title><x><![CDATA[1 < 2]]></x></feed>'
    assert texts(read(text, "a.xml")) == ["News\n1 < 2"]
