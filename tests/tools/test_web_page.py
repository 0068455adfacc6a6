"""Pages as agents read them: what is written, what is left out, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from web_server import Page, WebServer, page, redirect, serving

import bottega_tools.plugin
from bottega.calling import call_tool
from bottega.errors import InputError, ToolError
from bottega.plugin.context import FactoryContext
from bottega.plugin.manager import PluginManager
from bottega.testing import check_tool
from bottega.tools import Output, Tool, ToolContext
from bottega_tools.web.document import Document


@pytest.fixture(scope="module")
def shared() -> Iterator[WebServer]:
    with serving() as server:
        yield server


@pytest.fixture
def server(shared: WebServer) -> WebServer:
    shared.pages.clear()
    shared.seen.clear()
    return shared


def make(server: WebServer, **options: object) -> Tool:
    plugins = PluginManager()
    plugins.register(bottega_tools.plugin, "tools")
    context = FactoryContext(plugins=plugins)
    made: Tool = plugins.make("tool", "visit_webpage", context, allow=server.at, **options)
    return made


def visit(server: WebServer, path: str = "/", **options: object) -> Output:
    tool = make(server)
    arguments = tool.validate({"url": server.url + path, **options})
    return asyncio.run(call_tool(tool, arguments, ToolContext()))


def read(server: WebServer, html: str | bytes, kind: str = "text/html; charset=utf-8") -> str:
    """Return the text of one page, without its head."""
    server.pages["/"] = page(html, kind)
    return "\n\n".join(citation.quote for citation in visit(server).citations)


def problem(server: WebServer, path: str = "/", **options: object) -> str:
    with pytest.raises(ToolError) as caught:
        visit(server, path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


ARTICLE = """<!doctype html><html><head><title>Baking &amp; bread</title>
<meta property="article:published_time" content="2026-03-01T10:00:00Z"></head><body>
<header class="masthead"><a href="/">Home</a></header><nav><a href="/blog">Blog</a></nav>
<div class="cookie-banner">We use cookies. <button>Fine</button></div>
<main><h1>How to <em>bake</em></h1>
<p>First, read <a href="../flour?kind=rye">about flour</a>. Then
 wait for <b>two</b> hours: <code>slow()</code> work.<br>Then bake.</p>
<table><caption>Amounts</caption><tr><th>What</th><th>Grams</th></tr>
<tr><td>Rye | dark</td><td>500</td></tr><tr><td>Water</td></tr></table>
<pre><code class="language-python">def bake():
    return "bread"
</code></pre>
<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul><ol start="3"><li>three</li></ol>
<blockquote><p>Good bread.</p><p>Really.</p></blockquote>
<dl><dt>Crumb</dt><dd>the inside</dd></dl>
<img src="loaf.png" alt="a loaf"><img src="x.png"><a href="javascript:alert(1)">click</a>
<p hidden>hidden one</p><p style="display: none">hidden two</p><p aria-hidden="true">three</p>
<span style="font-size:0">four</span><script>five()</script><noscript>six</noscript>
</main><aside>Advertisement</aside><footer>Imprint</footer></body></html>"""


def test_an_article_becomes_markdown(server: WebServer) -> None:
    server.pages["/bread/how"] = page(ARTICLE)
    server.pages["/old"] = redirect("/bread/how#part")
    output = visit(server, "/old")
    head, _, text = output.content.partition("\n\n")
    assert head == f"# Baking & bread\nURL: {server.url}/bread/how\nPublished: 2026-03-01"
    (citation,) = output.citations
    assert text == f"[{citation.key}]\n{citation.quote}"
    assert citation.key == f"{server.at}/bread/how:1-32"
    assert (
        citation.quote
        == f"""# How to *bake*

First, read [about flour]({server.url}/flour?kind=rye). Then wait for **two** hours: `slow()` work.
Then bake.

Amounts

| What | Grams |
| --- | --- |
| Rye \\| dark | 500 |
| Water |  |

```python
def bake():
    return "bread"
```

- one
  - inner
- two

3. three

> Good bread.
>
> Really.

**Crumb**

the inside

![a loaf]({server.url}/bread/loaf.png)click"""
    )
    assert citation.source == f"{server.url}/bread/how"
    assert citation.metadata == {"title": "Baking & bread"}


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain words", "plain words"),
        ("<p>a<p>b", "a\n\nb"),
        ("<p>a <b> b </b>c</p>", "a **b** c"),
        ("<div>a<span>b<div>c</div></span>d</div>", "a\n\nb\n\nc\n\nd"),
        ("<a href='https://example.org/x_(y)'>n</a>", "[n](https://example.org/x_%28y%29)"),
        ("<a href='mailto:a@example.org'>m</a>", "[m](mailto:a@example.org)"),
        ("<a href='#here'>h</a><a href='http://[bad'>b</a>", "hb"),
        ("<a href='/s?token=abc&q=1'>t</a>", "[t]({url}/s?token=***&q=1)"),
        ("<base href='https://example.org/d/'><a href='x'>t</a>", "[t](https://example.org/d/x)"),
        ("<ul><li><p>a</p><pre>x\ny</pre></li></ul>", "- a\n  ```\n  x\n  y\n  ```"),
        ("<ul><ul><li>deep</li></ul></ul>", "- deep"),
        ("<ol><li>a<li><li>b</ol>", "1. a\n2. b"),
        ("<pre>a<br>b ``` c</pre>", "````\na\nb ``` c\n````"),
        ("<table><tr><td>layout</td></tr></table>", "layout"),
        ("<p>a\u202eb\u200bc\U000e0041d\x07</p>", "abcd"),
        ("<p>5 &lt; 6 &amp;&nbsp;7</p>", "5 < 6 & 7"),
        ("<title>t</title><body><svg><text>x</text></svg><p>y", "y"),
        ("<h2>T<a class='headerlink' href='#t'>¶</a></h2>", "## T"),
        ("<main><header><h1>T</h1></header><aside>note</aside><p>x</main>", "# T\n\nnote\n\nx"),
        ("<p>Some words <i class='mw-editsection'>[edit]</i></p>", "Some words"),
        ("<h2></h2><h7>no</h7><hr><p>x", "no\n\n---\n\nx"),
        ('<?xml version="1.0" encoding="latin-1"?><html><body>ü</body></html>', "ü"),
    ],
)
def test_pieces_of_pages(server: WebServer, html: str, text: str) -> None:
    assert read(server, html) == text.replace("{url}", server.url)


def test_the_part_with_the_text_is_found_without_a_mark(server: WebServer) -> None:
    links = "".join(f"<li><a href='/{n}'>Topic number {n}</a></li>" for n in range(60))
    story = "".join(f"<p>Sentence {n} of a story that goes on for a while.</p>" for n in range(40))
    html = f"<div><ul>{links}</ul><div><div>{story}</div></div><div>Legal notice</div></div>"
    text = read(server, html)
    assert text.startswith("Sentence 0 of a story")
    assert "Topic number" not in text
    assert "Legal notice" not in text


def test_a_page_of_links_keeps_them(server: WebServer) -> None:
    links = "".join(f"<li><a href='/{n}'>Topic number {n}</a></li>" for n in range(60))
    assert read(server, f"<h1>All</h1><ul>{links}</ul>").count("Topic number") == 60


def test_what_is_called_clutter_but_is_the_text_stays(server: WebServer) -> None:
    story = "<p>Sentence of a story that goes on for a while.</p>" * 20
    assert "Sentence" in read(server, f"<div class='social promo'>{story}</div>")


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("grün".encode("latin-1"), "text/html; charset=iso-8859-1", "grün"),
        ("“grün”".encode("cp1252"), "text/html; charset=latin1", "“grün”"),
        ("grün".encode("cp1252"), "text/html", "grün"),
        ("<meta charset='koi8-r'>привет".encode("koi8-r"), "text/html", "привет"),
        ("\ufeffgrün".encode("utf-16-le"), "text/html; charset=utf-8", "grün"),
        ("\ufeffgrün".encode(), "text/html; charset=latin-1", "grün"),
        ("grün".encode(), "text/html; charset=rot13", "grün"),
        ("grün".encode(), "text/html; charset=no-such", "grün"),
        ("grün".encode(), "text/html; charset=punycode", "grün"),
        ("grün".encode(), "text/html; charset=undefined", "grün"),
        ("grün".encode(), "text/html; charset=" + "x" * 9_000, "grün"),
        ("Съешь же ещё этих мягких французских булок".encode("cp1251") * 3, "text/plain", "булок"),
        (b"a\xffb", "text/plain; charset=utf-8", "aÿb"),
    ],
)
def test_encodings_are_found(server: WebServer, body: bytes, kind: str, text: str) -> None:
    assert text in read(server, body, kind)


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b'{"b":[1,{"a":null}]}', "application/json", '{\n "b": [\n  1,\n  {\n   "a": null'),
        (b"[" * 50_000, "application/json", "[[["),
        (b"a\r\nb\n\n\nc\x07", "text/plain", "a\nb\n\nc"),
        (b"# Title\n\ntext", "text/markdown", "# Title\n\ntext"),
        (b"a,b\n1,2", "text/csv", "a,b\n1,2"),
        (b"<feed><title>x</title></feed>", "application/atom+xml", "<feed><title>x</title></feed>"),
        (b"words", "", "words"),
        (b"<!DOCTYPE html><p>page", "", "page"),
        (b"<!DOCTYPE html><p>page", "application/octet-stream", "page"),
    ],
)
def test_texts_are_read_as_they_are(server: WebServer, body: bytes, kind: str, text: str) -> None:
    assert read(server, body, kind).startswith(text)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (page(b"\x89PNG\r\n", "image/png"), "is not a text (image/png, 6 bytes) (a picture is"),
        (page(b"\x89PNG\r\n", ""), "is not a text (image, 6 bytes)"),
        (page(b"PK\3\4", "application/zip"), "is not a text (application/zip, 4 bytes)"),
        (page(b"a\0b" * 1000, ""), "is not a text (application/octet-stream, 2.9 kB)"),
        (page(b"%PDF-1.7 broken", "application/pdf"), "is a PDF that cannot be read: it is broken"),
        (Page(b"", 404), "answered with status 404 Fine (is the address right?)"),
        (Page(b"", 429), "status 429 Fine (the server asks to slow down)"),
        (Page(b"", 503), "status 503 Fine (the server has a problem)"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_line(server: WebServer, found: Page, said: str) -> None:
    server.pages["/"] = found
    assert said in problem(server)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "begins with no scheme (begin it with https://)"),
        ("example.org", "begins with no scheme"),
        ("file:///etc/passwd", "is of the scheme file (only http and https are fetched)"),
        ("https://a:b@example.org/", "holds a user name or password"),
        ("http://169.254.169.254/latest/", "it is a cloud's metadata service"),
        ("http://localhost:22/", "port 22 is that of another service"),
    ],
)
def test_bad_urls_are_said(server: WebServer, url: str, said: str) -> None:
    tool = make(server)
    with pytest.raises(ToolError) as caught:
        asyncio.run(call_tool(tool, tool.validate({"url": url}), ToolContext()))
    assert said in str(caught.value)


def pdf(*texts: str) -> bytes:
    """Return a PDF with a page for each text."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", font]
    kids = []
    for text in texts:
        stream = f"BT /F 12 Tf 50 700 Td ({text}) Tj ET".encode()
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R>>>>>>" % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    body, places = b"%PDF-1.4\n", []
    for number, written in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, written)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (count, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table) + trailer


def test_a_pdf_is_read_page_by_page(server: WebServer) -> None:
    server.pages["/"] = page(pdf("The first page", "The second page"), "text/plain")
    found = visit(server).citations
    assert [(each.quote, each.page) for each in found] == [
        ("The first page", 1),
        ("The second page", 2),
    ]


def test_long_pages_come_in_parts_that_fit_together(server: WebServer) -> None:
    paragraphs = [f"<h2>Part {n}</h2><p>{f'Word{n} ' * 150}</p>" for n in range(30)]
    server.pages["/"] = page("<title>Long</title>" + "".join(paragraphs))
    tool = make(server, characters=8_000)

    def part(number: int) -> Output:
        arguments = tool.validate({"url": server.url, "page": number})
        return asyncio.run(call_tool(tool, arguments, ToolContext()))

    first = part(1)
    count = int(first.content.split("Page 1 of ")[1].split(";")[0])
    assert f"Page 1 of {count}; call again with page=2 for more" in first.content
    assert len(first.content) < 9_000
    parts = [first, *(part(number) for number in range(2, count + 1))]
    assert len(server.seen) == 1
    quotes = [citation for each in parts for citation in each.citations]
    text = "\n\n".join(citation.quote for citation in quotes)
    lines = text.split("\n")
    for citation in quotes:
        assert text[citation.start : citation.end] == citation.quote
        assert "\n".join(lines[citation.line - 1 : citation.end_line]) == citation.quote
    assert all(f"## Part {n}" in text for n in range(30))
    assert len({citation.key for citation in quotes}) == len(quotes)
    with pytest.raises(ToolError, match=f"has {count} pages; there is no page {count + 1}"):
        part(count + 1)
    part(1)
    assert len(server.seen) == 2


def test_it_keeps_the_rules_of_tools(server: WebServer) -> None:
    server.pages["/"] = page(ARTICLE)
    check_tool(make(server), url=server.url)


@pytest.mark.parametrize(
    "html",
    [
        "<div><b><i>" * 4_000 + "deep" + "<table><tr><td>" * 4_000,
        "<ul>" + "<li>x" * 4_000,
        "<p>" + "<a href=x>x</a>" * 4_000,
        "<p hidden>x</p> y" * 4_000,
        "<pre>" + "<br>" * 4_000,
    ],
    ids=["deep", "items", "links", "hidden", "breaks"],
)
def test_a_hostile_page_is_read_in_linear_time(server: WebServer, html: str) -> None:
    assert read(server, "<p>start</p>" + html).startswith("start")


def test_a_page_of_too_many_elements_is_refused(server: WebServer) -> None:
    server.pages["/"] = page("<b>" + "<br>" * 150_001)
    assert "has more than 150,000 elements" in problem(server)


def test_a_block_without_an_end_is_cut(server: WebServer) -> None:
    document = Document(url="https://example.org/a?b=[1],2;3", blocks=["x" * 10_000])
    assert [len(passage.quote) for passage in document.passages] == [3_000] * 3 + [1_000]
    assert document.passages[0].key == "example.org/a?b=_1__2_3:1-1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seconds": 0}, "seconds: 0 cannot be"),
        ({"megabytes": 1_000}, "megabytes: 1000 cannot be"),
        ({"characters": 10}, "characters: 10 cannot be"),
    ],
)
def test_options_are_checked(server: WebServer, options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make(server, **options)
