"""SQL over SQLite: what is answered, and what the database itself refuses."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite import pysqlite
from workspace_tools import Tools

from bottega.errors import InputError, ToolError
from bottega.testing import check_tool
from bottega_tools.sql import sqlite


@pytest.fixture
def shop(tmp_path):
    """A database of a shop; returns the tools that may read it."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.executescript(
            """
            CREATE TABLE item (
                id INTEGER PRIMARY KEY, name TEXT NOT NULL, price NUMERIC, made DATE, image BLOB);
            INSERT INTO item VALUES
                (1, 'Lamp', 12.5, '2024-01-02', x'00ff'), (2, 'Bed "x"', NULL, 'nonsense', NULL);
            CREATE TABLE sale (item INTEGER REFERENCES item(id), number INTEGER DEFAULT 1);
            CREATE UNIQUE INDEX by_number ON sale (number);
            CREATE VIEW names AS SELECT name FROM item;
            """
        )
    connection.close()
    return Tools(tmp_path, database="shop.db", seconds=1.0)


@pytest.fixture
def whole(tmp_path, shop):
    """Whatever was tried, the database is as it was."""
    before = (tmp_path / "shop.db").read_bytes()
    yield shop
    assert (tmp_path / "shop.db").read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["shop.db"]


def test_they_keep_the_rules_of_tools(shop):
    check_tool(shop.tool("sql_query"), query="SELECT 1")
    check_tool(shop.tool("sql_schema"))


def test_permissions_say_which_file(shop, tmp_path):
    file = tmp_path.resolve() / "shop.db"
    assert shop.tool("sql_query").permissions == {f"files:read:{file}"}
    writing = Tools(tmp_path, database="shop.db", read_only=False).tool("sql_query")
    assert writing.permissions == {f"files:read:{file}", f"files:write:{file}"}
    assert (shop.tool("sql_query").effects, writing.effects) == ("none", "once")


def test_rows_are_json_with_types(shop):
    assert shop("sql_query", query="SELECT * FROM item").splitlines() == [
        '["id", "name", "price", "made", "image"]',
        '[1, "Lamp", 12.5, "2024-01-02", "x\'00ff\' (2 bytes)"]',
        '[2, "Bed \\"x\\"", null, "nonsense", null]',
        "[2 rows]",
    ]


def test_rows_and_values_are_bounded(shop):
    query = "SELECT a.id FROM item a, item b, item c"
    assert shop("sql_query", query=query, rows=3).endswith(
        "[cut here after 3 rows: there are more]"
    )
    told = shop("sql_query", query="SELECT hex(zeroblob(1000000))")
    assert len(told) < 700
    assert "(+1,999,500 characters)" in told
    many = "SELECT hex(zeroblob(300)), a.id FROM " + ", ".join(f"item {n}" for n in "abcdefghij")
    assert len(shop("sql_query", query=many, rows=1_000)) < 41_000


def test_parameters_are_values_and_never_sql(shop):
    query = "SELECT id FROM item WHERE name = :name AND ':x' = ':' || 'x' AND '10:30' > ''"
    assert "[1]" in shop("sql_query", query=query, parameters={"name": "Lamp"})
    nasty = "x' OR 1=1 --"
    query = "SELECT id FROM item WHERE name = :name"
    assert "[0 rows]" in shop("sql_query", query=query, parameters={"name": nasty})


@pytest.mark.parametrize(
    ("query", "parameters", "problem"),
    [
        ("SELECT 1", {"a' OR '1": 1}, "is no name of a parameter"),
        ("SELECT 1", {'a"]': 1}, "is no name of a parameter"),
        ("SELECT 1", {"b": 1}, "has no :b"),
        ("SELECT :n", {"n": 2**70}, "too large"),
        ("SELECT 1\0", {}, "NUL character"),
        ("SELCT 1", {}, 'near "SELCT": syntax error'),
        ("SELECT * FROM itm", {}, "no such table: itm"),
        (" ", {}, "the query is empty"),
        ("SELECT " + "1+" * 30_000 + "1", {}, "more than 50,000 characters"),
        ("SELECT " + "(" * 5_000 + "1" + ")" * 5_000, {}, "the database says"),
        ("SELECT " + "-" * 2 + "\n" + "~" * 5_000 + "1", {}, "depth|overflow"),
    ],
)
def test_what_is_no_question(whole, query, parameters, problem):
    with pytest.raises(ToolError, match=problem) as caught:
        whole("sql_query", query=query, parameters=parameters)
    assert len(str(caught.value)) < 600


def test_a_nul_and_broken_text_come_back_as_text(shop):
    told = shop("sql_query", query="SELECT :t, CAST(x'ff61' AS TEXT)", parameters={"t": "a\0b"})
    assert '["a\\\\x00b", "\ufffda"]' in told


REFUSED = [
    "INSERT INTO item (name) VALUES ('x')",
    "UPDATE item SET name = 'x'",
    "DELETE FROM item",
    "REPLACE INTO item (id, name) VALUES (1, 'x')",
    "WITH gone AS (SELECT 1) DELETE FROM item",
    "INSERT INTO item (name) VALUES ('x') RETURNING id",
    "DROP TABLE item",
    "/* SELECT */ DROP TABLE item",
    "-- SELECT\nDROP TABLE item",
    "CREATE TABLE t (x)",
    "CREATE TEMP TABLE t (x)",
    "CREATE VIRTUAL TABLE t USING fts5(x)",
    "ALTER TABLE item RENAME TO things",
    "SELECT 1; DROP TABLE item",
    "SELECT 1;\0DROP TABLE item",
    "PRAGMA writable_schema = 1",
    "PRAGMA query_only = 0",
    "PRAGMA trusted_schema = 1",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 7",
    "PRAGMA table_info(item); DROP TABLE item",
    "PRAGMA temp_store_directory = '/tmp'",
    "UPDATE sqlite_master SET sql = ''",
    "ATTACH DATABASE '/tmp/bottega-attached.db' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '/tmp/bottega-copied.db'",
    "REINDEX",
    "ANALYZE",
    "SELECT load_extension('/tmp/evil.so')",
    "SELECT fts3_tokenizer('simple', x'00')",
    "SELECT writefile('/tmp/bottega-written', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT zeroblob(1000000000)",
    "SELECT replace(hex(zeroblob(4000000)), '00', hex(zeroblob(1000)))",
]


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:30].replace("\0", "0"))
def test_the_database_refuses(whole, query):
    with pytest.raises(ToolError):
        whole("sql_query", query=query)


@pytest.mark.parametrize(
    "query",
    [
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c",
        "SELECT count(*) FROM " + ", ".join(f"item i{n}" for n in range(40)),
        "WITH RECURSIVE c(x, y) AS (SELECT 1, hex(zeroblob(400000)) UNION ALL "
        "SELECT x + 1, y || x FROM c) SELECT count(DISTINCT y) FROM c",
    ],
)
def test_a_bomb_is_ended(whole, tmp_path, query):
    tools = Tools(tmp_path, database="shop.db", seconds=0.2)
    with pytest.raises(ToolError, match=r"took longer than 0\.2 s"):
        tools("sql_query", query=query)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc here")
def test_a_query_that_fills_the_disk_is_ended(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "MOST_TEMPORARY", 1_000_000)
    tools = Tools(tmp_path, database="shop.db", seconds=60.0)
    query = (
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
        "SELECT x, hex(zeroblob(4000)) || x FROM c ORDER BY 2"
    )
    with pytest.raises(ToolError, match="the query takes too much of the disk"):
        tools("sql_query", query=query)


def test_a_pattern_that_cannot_match_is_no_bomb(whole):
    query = f"SELECT '{'a' * 5_000}' LIKE '{'%a' * 100}b'"
    assert "[0]" in whole("sql_query", query=query)


def test_one_that_may_write_writes_in_its_own_file_only(shop, tmp_path):
    tools = Tools(tmp_path, database="sqlite:///shop.db", read_only=False)
    query = "INSERT INTO item (name) VALUES (:name)"
    assert tools("sql_query", query=query, parameters={"name": "Chair"}) == "1 row changed"
    assert '["Chair"]' in shop("sql_query", query="SELECT name FROM item WHERE id = 3")
    for query in (
        "ATTACH '/tmp/bottega-attached.db' AS other",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('/tmp/evil.so')",
        "SELECT 1; DELETE FROM item",
        "VACUUM INTO '/tmp/bottega-copied.db'",
    ):
        with pytest.raises(ToolError):
            tools("sql_query", query=query)
    with pytest.raises(ToolError, match=r"UNIQUE constraint"):
        tools("sql_query", query="UPDATE item SET id = 1")
    assert "[3]" in shop("sql_query", query="SELECT count(*) FROM item")


def test_the_schema_is_told(shop):
    assert shop("sql_schema").splitlines() == [
        "item(id INTEGER, name TEXT, price NUMERIC, made DATE, image BLOB)  rows: 2",
        "sale(item INTEGER, number INTEGER)  rows: 0",
        "names (view)(name TEXT)  rows: 2",
    ]
    assert shop("sql_schema", table="sale").splitlines() == [
        "sale  rows: 0",
        "  item INTEGER",
        "  number INTEGER default 1",
        "  (item) refers to item (id)",
        "  unique index (number)",
    ]


@pytest.mark.parametrize("table", ["itm", 'item" --', "item'; DROP TABLE item; --", "a.b.c"])
def test_a_table_that_is_not_there(whole, table):
    with pytest.raises(ToolError, match=r"there is no table|the database says"):
        whole("sql_schema", table=table)


def test_many_tables_are_listed_by_name(tmp_path):
    with sqlite3.connect(tmp_path / "many.db") as connection:
        tables = "".join(f"CREATE TABLE t{number:03} (x);" for number in range(210))
        connection.executescript(f"BEGIN; {tables} COMMIT;")
    connection.close()
    listed = Tools(tmp_path, database="many.db")("sql_schema").splitlines()
    assert listed[0] == "t000"
    assert listed[200:] == ["[10 more]"]


@pytest.mark.parametrize(
    ("database", "problem"),
    [
        ("", "no database is named"),
        ("UNSET_DATABASE", "'UNSET_DATABASE' is not set"),
        ("sqlite://", "a SQLite database is a file"),
        ("sqlite:///:memory:", "a SQLite database is a file"),
        ("sqlite:///shop.db?mode=rwc", "a SQLite database is a file"),
        ("sqlite:///file:shop.db", "a SQLite database is a file"),
        ("://", "no URL that can be read"),
        ("mysql://u:geheim7@h/x", "cannot be enforced"),
    ],
)
def test_databases_that_are_none(tmp_path, database, problem):
    with pytest.raises(InputError, match=problem) as caught:
        Tools(tmp_path, database=database).tool("sql_query")
    assert "geheim7" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"database": 7},
        {"database": "shop.db", "seconds": 0},
        {"database": "shop.db", "seconds": float("nan")},
        {"database": "shop.db", "seconds": "long"},
        {"database": "shop.db", "read_only": "no"},
        {"database": "shop.db", "privileged": 1},
    ],
)
def test_options_that_are_none(tmp_path, options):
    with pytest.raises(InputError, match="must be"):
        Tools(tmp_path, **options).tool("sql_query")


def test_a_variable_may_hold_the_database(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE", f"sqlite:///{tmp_path}/shop.db")
    tools = Tools(tmp_path, database="SHOP_DATABASE")
    assert "[2]" in tools("sql_query", query="SELECT count(*) FROM item")


class Elsewhere(pysqlite.SQLiteDialect_pysqlite):
    """A database that Bottega knows nothing of: SQLAlchemy's own SQLite under another name."""

    name = "elsewhere"
    supports_statement_cache = True


def test_another_database_is_taken_where_it_may_write_and_nowhere_else(shop, tmp_path):
    registry.register("elsewhere", __name__, "Elsewhere")
    url = f"elsewhere:///{tmp_path}/shop.db"
    with pytest.raises(InputError, match="elsewhere: that it is only read cannot be enforced"):
        Tools(tmp_path, database=url).tool("sql_query")
    tools = Tools(tmp_path, database=url, read_only=False)
    assert tools.tool("sql_query").permissions == {"network"}
    query = "UPDATE item SET name = :name WHERE id = 1"
    assert tools("sql_query", query=query, parameters={"name": "Chair"}) == "1 row changed"
    assert '["Chair"]' in tools("sql_query", query="SELECT name FROM item WHERE id = 1")
    with pytest.raises(ToolError, match="the database says: near"):
        tools("sql_query", query="SELCT 1")


def test_files_that_are_no_database(tmp_path):
    with pytest.raises(ToolError, match=r"there is no database 'none\.db'"):
        Tools(tmp_path, database="none.db")("sql_query", query="SELECT 1")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "junk.db").write_text("junk" * 500)
    with pytest.raises(ToolError, match="not a database"):
        Tools(tmp_path, database="junk.db")("sql_query", query="SELECT 1")
