"""Hostile and broken YAML: one clear line each, fast, nothing expanded, nothing run."""

import time
from pathlib import Path

import pytest

from bottega.errors import GraphError
from bottega.spec.reader import parse_graph, read_graph

GOOD = """\
nodes: {lead: {kind: specialist}}
edges: [start -> lead, lead -> end]
"""
LAUGHS = "a0: &a0 lol\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
)


def findings(text):
    with pytest.raises(GraphError) as caught:
        parse_graph(text, file="g.yaml")
    return [str(finding) for finding in caught.value.findings]


def only(text):
    found = findings(text)
    assert len(found) == 1, found
    return found[0]


REFUSED = {
    "billion laughs": (LAUGHS, "g.yaml:1:5: anchors and aliases are not read: '&a0'"),
    "merge bomb": (MERGES, "merge keys are not read: '<<'"),
    "list that holds itself": ("&a [*a]", "g.yaml:1:1: anchors and aliases are not read"),
    "mapping that holds itself": ("a: &a {b: *a}", "g.yaml:1:4: anchors and aliases"),
    "deep list": ("[" * 500_000, "g.yaml:1:33: nested deeper than 32 levels"),
    "deep mapping": ("{a: " * 200_000, "nested deeper than 32 levels"),
    "deep block": ("\n".join(" " * n + "a:" for n in range(1000)), "g.yaml:33:33: nested deeper"),
    "deep dashes": ("- " * 400_000, "nested deeper than 32 levels"),
    "deep question marks": ("? " * 400_000, "nested deeper than 32 levels"),
    "python object": (
        GOOD + "name: !!python/object/apply:os.system ['touch CANARY']\n",
        "g.yaml:3:7: tags are not read: '!!python/object/apply:os.system'",
    ),
    "any tag": (GOOD + "name: !!str x\n", "g.yaml:3:7: tags are not read: '!!str'"),
    "declared tag": ("%TAG ! tag:x,2000:\n---\na: !b c", "tags are not read"),
    "include tag": (GOOD + "name: !include x\n", "a graph is one file: nothing is included"),
    "include key": (GOOD + "include: ../../etc/passwd\n", "g.yaml:3:1: unknown key 'include'"),
    "duplicate key": (
        "nodes: {lead: {kind: specialist}}\nedges: []\nnodes: {}\n",
        "g.yaml:3:1: the key 'nodes' stands here a second time; it stands first on line 1",
    ),
    "tab": ("nodes:\n\tlead: {kind: x}\n", "g.yaml:2:1: a tab in the indentation"),
    "tab after spaces": ("nodes:\n  lead:\n  \tkind: x\n", "a tab in the indentation"),
    "NUL": ("name: a\0b", "g.yaml:1:8: the character NUL cannot stand in a graph file"),
    "escape": ("a: b\nname: \x1b[2J", "g.yaml:2:7: the character U+001B"),
    "surrogate": ("name: \ud800", "g.yaml:1:7: the character U+D800"),
    "empty": ("", "g.yaml: the file is empty"),
    "blank": (" \n\n", "g.yaml: the file is empty"),
    "comment": ("# nothing\n", "g.yaml: the file is empty"),
    "null": ("~", "g.yaml: the file is empty"),
    "empty mapping": ("{}", "g.yaml: the file is empty"),
    "list root": ("- a\n- b\n", "g.yaml:1:1: a graph file is a mapping, not a list"),
    "text root": ("hello", "g.yaml:1:1: a graph file is a mapping, not the text 'hello'"),
    "two documents": (GOOD + "---\n" + GOOD, "g.yaml:3:1: a second document begins here"),
    "too many values": ("".join(f"k{n}: 1\n" for n in range(90_000)), "more than 20,000 values"),
    "too large": ("x: 1\n" * 300_000, "g.yaml: the file is larger than 1,000,000 bytes"),
    "template": (GOOD + "name: {{ x.__class__ }}", "g.yaml:3:8: a key must be text"),
    "colon in text": (GOOD + "name: a: b", "g.yaml:3:8: a colon stands where none can"),
    "at sign": (GOOD + "name: @x", "g.yaml:3:7: text cannot begin with '@'; put it in quotes"),
    "open quote": (GOOD + "name: 'abc", "the file is not YAML here: found unexpected end"),
    "open bracket": ("nodes: {a: b", "(what began on line 1)"),
    "empty key": ("? \n: x\n", "a key is empty"),
    "key that is a list": ("? [a]\n: x\n", "a key must be text"),
    "infinite": (GOOD + "limits: {seconds: .inf}", "'.inf' is not a finite number"),
    "overflow": (GOOD + "limits: {seconds: 1e999}", "'1e999' is not a finite number"),
    "huge number": (GOOD + "limits: {steps: " + "9" * 100_000 + "}", "expected a whole number"),
    "endless comment": ("#" * 900_000, "the file is empty"),
    "endless returns": ("\r" * 900_000, "the file is empty"),
    "commas": ("[" + "," * 400_000, "the file is not YAML here"),
    "too many copies": ("a: 1\n" * 90_000, "more than 20,000 values"),
    "many anchors": ("".join(f"k{n}: &a{n} x\n" for n in range(9000)), "anchors and aliases"),
    "many tags": ("".join(f"k{n}: !x y\n" for n in range(9000)), "more findings"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_yaml_is_refused_with_a_clear_line(name):
    text, expected = REFUSED[name]
    begin = time.monotonic()
    found = findings(text)
    assert time.monotonic() - begin < 10  # the machine may be busy; each takes under half a second
    assert any(expected in line for line in found), found
    assert len(found) <= 102
    assert all(len(line) < 400 and "\n" not in line for line in found)


@pytest.mark.parametrize(
    "name", ["deep list", "two documents", "NUL", "too large", "tab", "list root", "duplicate key"]
)
def test_what_stops_the_reading_is_the_only_finding(name):
    text, expected = REFUSED[name]
    if name == "duplicate key":
        text = text.replace("edges: []", "edges: [start -> lead, lead -> end]")
    assert expected in only(text)


def test_nothing_is_expanded_in_text(monkeypatch):
    monkeypatch.setenv("CANARY", "sk-secret")
    text = GOOD.replace(
        "kind: specialist", "kind: specialist, instructions: '${CANARY} {{ 1 + 1 }}'"
    )
    assert parse_graph(text).node("lead").instructions == "${CANARY} {{ 1 + 1 }}"


def test_words_that_yaml_once_took_for_truths_are_text():
    text = """
nodes:
  no: {kind: yes, description: off, delegates: [on, no, y, 12:30, 0777, 1_000]}
edges: [start -> no, no -> end]
"""
    node = parse_graph(text).node("no")
    assert (node.kind, node.description) == ("yes", "off")
    assert node.options["delegates"] == ["on", "no", "y", "12:30", 777, "1_000"]


def test_a_number_where_a_name_belongs_asks_for_quotes():
    found = only(GOOD + "model: 1.10\n")
    assert found == "g.yaml:3:8: model: expected a name, got the number 1.10; quote it: '1.10'"
    assert parse_graph(GOOD + "model: '1.10'\n").model.name == "1.10"


def test_places_count_characters_not_bytes():
    assert "g.yaml:3:17" in only(GOOD + "name: 'äöü€😀'\n".replace("\n", "") + "   : x")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("name: x".encode("utf-16"), "the file is UTF-16 or UTF-32; save it as UTF-8"),
        ("name: x".encode("utf-32"), "the file is UTF-16 or UTF-32; save it as UTF-8"),
        (b"name: ok\nmodel: \xff\xfe", ":2:8: byte 0xff at offset 16 is not UTF-8"),
        (b"name: \xc3", "is not UTF-8"),
        (b"x: 1\n" * 300_000, "the file is larger than 1,000,000 bytes"),
        (b"", "the file is empty"),
        (bytes(range(256)), "is not UTF-8"),
    ],
)
def test_bad_bytes_are_refused(tmp_path, data, expected):
    path = tmp_path / "g.yaml"
    path.write_bytes(data)
    with pytest.raises(GraphError) as caught:
        read_graph(path)
    (finding,) = caught.value.findings
    assert expected in str(finding)
    assert finding.file == str(path)


def test_a_byte_order_mark_of_utf_8_is_no_mistake(tmp_path):
    path = tmp_path / "team.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_graph(path).name == "team"


def test_a_missing_file_names_its_neighbours(tmp_path):
    (tmp_path / "research.yaml").write_text(GOOD)
    with pytest.raises(GraphError, match=r"there is no such file; did you mean '.*research.yaml'"):
        read_graph(tmp_path / "reserch.yaml")
    with pytest.raises(GraphError, match=r"YAML files there: research\.yaml"):
        read_graph(tmp_path / "zzz.yaml")
    with pytest.raises(GraphError, match="there is no folder"):
        read_graph(tmp_path / "nowhere" / "g.yaml")
    with pytest.raises(GraphError, match="this is a folder"):
        read_graph(tmp_path)
    with pytest.raises(GraphError, match="not a regular file"):
        read_graph("/dev/zero")
    with pytest.raises(GraphError, match="cannot be read"):
        read_graph("a\0b.yaml")


def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = tmp_path / ("x" * 300 + ".yaml")
    with pytest.raises(GraphError, match="cannot be read: File name too long"):
        read_graph(path)


def test_no_object_is_built_and_no_file_is_touched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    findings("!!python/object/apply:pathlib.Path.touch [!!python/name:CANARY '']")
    assert list(Path(tmp_path).iterdir()) == []
