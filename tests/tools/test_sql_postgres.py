"""SQL over a real PostgreSQL: what the server refuses, whoever asks and however."""

from __future__ import annotations

from functools import cache

import pytest
from postgres_server import PASSWORD, USER, new_store, postgres, shared_server
from workspace_tools import Tools

from bottega.errors import ToolError

pytestmark = postgres
SECRET = "reader-secret-5"


@cache
def shop() -> str:
    """Make a database of a shop, once; return its address for an account that owns its tables."""
    import psycopg

    url = new_store()
    with psycopg.connect(url, autocommit=True) as connection:
        for role, more in (("owner", ""), ("sneaky", "IN ROLE pg_read_server_files")):
            connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}' {more}")
        connection.execute("GRANT ALL ON SCHEMA public TO owner")
    owner = as_user(url, "owner")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL, price numeric(10, 2), "
            "at timestamptz, more jsonb, image bytea)"
        )
        connection.execute(
            "INSERT INTO item VALUES (1, 'Lamp', 12.50, '2024-01-02 10:00+00', '{\"a\": [1]}', "
            "'\\x00ff'), (2, 'Bed', 'NaN', 'infinity', NULL, NULL)"
        )
        connection.execute("CREATE SEQUENCE counter")
        connection.execute(
            "CREATE FUNCTION steal() RETURNS int LANGUAGE sql AS "
            "'INSERT INTO item (id, name) VALUES (9, ''x'') RETURNING 1'"
        )
    return owner


def as_user(url: str, user: str) -> str:
    return url.replace(f"{USER}:{PASSWORD}", f"{user}:{SECRET}")


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    """The tools of the account that owns the table; whatever was tried, nothing has changed."""
    made = Tools(tmp_path_factory.mktemp("sql"), database=shop(), seconds=10.0)
    yield made
    told = made("sql_query", query="SELECT count(*), sum(id), string_agg(name, ',') FROM item")
    assert '[2, 3, "Lamp,Bed"]' in told
    assert "[1, false]" in made("sql_query", query="SELECT last_value, is_called FROM counter")
    assert "[0]" in made("sql_query", query="SELECT count(*) FROM pg_largeobject_metadata")


def test_rows_are_json_with_types(tools):
    assert tools("sql_query", query="SELECT * FROM item ORDER BY id DESC;").splitlines() == [
        '["id", "name", "price", "at", "more", "image"]',
        '[2, "Bed", "NaN", "infinity", null, null]',
        '[1, "Lamp", 12.50, "2024-01-02 10:00:00+00", {"a": [1]}, "x\'00ff\' (2 bytes)"]',
        "[2 rows]",
    ]


def test_what_python_cannot_hold_comes_as_text(tools):
    query = "SELECT '0044-03-15 BC'::date, '99999-01-01'::date, '-infinity'::timestamp, 5 % 3 AS r"
    assert '["0044-03-15 BC", "99999-01-01", "-infinity", 2]' in tools("sql_query", query=query)


def test_parameters_are_values_and_never_sql(tools):
    query = (
        "SELECT id FROM item WHERE name = :name::text AND id < :id AND ':x' > '' AND at::date > :d"
    )
    given = {"name": "Lamp", "id": 2**40, "d": "2000-01-01"}
    assert "[1]\n[1 row]" in tools("sql_query", query=query, parameters=given)
    given["name"] = "x' OR 1=1 --"
    assert "[0 rows]" in tools("sql_query", query=query, parameters=given)


def test_a_key_with_quotes_is_a_key(tools):
    query = "SELECT id FROM item WHERE more->>:key = 'x'"
    for key in ("a'] OR 1=1 --", 'a"] OR 1=1 --', "a'') OR (1=1"):
        assert "[0 rows]" in tools("sql_query", query=query, parameters={"key": key})


@pytest.mark.parametrize(
    ("query", "parameters", "problem"),
    [
        ("SELECT 9223372036854775807 + 1", {}, "out of range"),
        ("SELECT :n::bigint", {"n": 2**70}, "out of range"),
        ("SELECT :t::text", {"t": "a\0b"}, "NUL"),
        ("SELECT chr(0)", {}, "null character"),
        ("SELECT :t::timestamp", {"t": "2024-02-30"}, "out of range"),
        ("SELECT '24:61'::time", {}, "out of range|invalid"),
        ("SELCT 1", {}, "only one SELECT or VALUES is taken"),
        ("SELECT 1/0", {}, "division by zero"),
    ],
)
def test_what_is_no_question(tools, query, parameters, problem):
    with pytest.raises(ToolError, match=problem):
        tools("sql_query", query=query, parameters=parameters)


REFUSED = [
    "INSERT INTO item (id, name) VALUES (3, 'x')",
    "DELETE FROM item",
    "WITH gone AS (DELETE FROM item RETURNING *) SELECT * FROM gone",
    "SELECT 1; DELETE FROM item",
    "SELECT 1) AS a; DELETE FROM item; SELECT * FROM (SELECT 1",
    "SELECT 1) AS a WHERE (SELECT steal()) = 1 --",
    "/* SELECT */ DROP TABLE item",
    "SELECT steal()",
    "SELECT nextval('counter')",
    "SELECT setval('counter', 7)",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT set_config('transaction_read_only', 'off', true), steal()",
    "SET TRANSACTION READ WRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET SESSION AUTHORIZATION postgres",
    "SET ROLE postgres",
    "RESET ALL",
    "COMMIT",
    "BEGIN READ WRITE",
    "COPY item TO PROGRAM 'touch /tmp/bottega-owned'",
    "COPY item TO '/tmp/bottega-owned'",
    "COPY item FROM PROGRAM 'id'",
    "COPY item TO STDOUT",
    "DO $$ BEGIN DELETE FROM item; END $$",
    "CREATE TEMP TABLE t (x int)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SELECT * INTO copied FROM item",
    "SELECT * FROM item FOR UPDATE",
    "LOCK TABLE item",
    "NOTIFY x",
    "EXPLAIN ANALYZE DELETE FROM item",
    "PREPARE p AS DELETE FROM item",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/bottega-owned')",
    "SELECT pg_reload_conf()",
    "SELECT pg_stat_file('/etc/passwd')",
]


@pytest.mark.parametrize("query", REFUSED, ids=lambda query: query[:40])
def test_the_server_refuses(tools, query):
    with pytest.raises(ToolError, match="the database says"):
        tools("sql_query", query=query)


def test_what_is_only_undone_leaves_nothing(tools):
    tools("sql_query", query="SELECT lo_create(0)")  # before PostgreSQL 16 no write in its eyes
    tools("sql_query", query="SELECT set_config('default_transaction_read_only', 'off', false)")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_sleep(600)",
        "SELECT set_config('statement_timeout', '0', false), n, "
        "pg_sleep(CASE WHEN n = 3 THEN 600 ELSE 0 END) FROM generate_series(1, 5) n",
        "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b",
    ],
)
def test_a_bomb_is_ended(tools, tmp_path, query):
    quick = Tools(tmp_path, database=shop(), seconds=0.3)
    with pytest.raises(ToolError, match=r"took longer than 0\.3 s"):
        quick("sql_query", query=query)


def test_a_cross_join_is_fetched_no_further_than_it_is_shown(tools):
    query = "SELECT a FROM item, generate_series(1, 1000000) a WHERE id = 1"
    assert tools("sql_query", query=query, rows=2).endswith(
        "[cut here after 2 rows: there are more]"
    )


def test_a_row_that_is_too_wide_stays_at_the_server(tools):
    with pytest.raises(ToolError, match="a row is too wide: more than 1,000,000 characters"):
        tools("sql_query", query="SELECT repeat('x', 3000000)")


@pytest.mark.parametrize("user", ["sneaky", USER])
def test_an_account_that_may_do_too_much_is_refused(tools, tmp_path, user):
    url = as_user(shared_server().url, user) if user != USER else shared_server().url
    for name, more in (("sql_query", {"query": "SELECT 1"}), ("sql_schema", {})):
        with pytest.raises(ToolError, match="the account is refused: as"):
            Tools(tmp_path, database=url)(name, **more)
    trusted = Tools(tmp_path, database=url, privileged=True)
    assert "[1]" in trusted("sql_query", query="SELECT 1")


def test_the_password_is_never_told(tools, tmp_path):
    url = shared_server().url.replace(PASSWORD, "wrong-secret-9")
    with pytest.raises(ToolError, match="password authentication failed") as caught:
        Tools(tmp_path, database=url)("sql_query", query="SELECT 1")
    assert "wrong-secret-9" not in str(caught.value)
    told = Tools(tmp_path, database=shop())
    with pytest.raises(ToolError) as caught:
        told("sql_query", query=f"SELECT '{SECRET}'::int")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(told.tool("sql_query").permissions)


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(ToolError, match="the database says: connection failed"):
        Tools(tmp_path, database="postgresql://u:p@127.0.0.1:9/x")("sql_query", query="SELECT 1")


def test_one_that_may_write_writes_one_statement(tools, tmp_path):
    writing = Tools(tmp_path, database=shop(), read_only=False)
    add = "INSERT INTO item (id, name) VALUES (:id, :name)"
    assert writing("sql_query", query=add, parameters={"id": 7, "name": "x"}) == "1 row changed"
    with pytest.raises(ToolError, match="multiple commands"):
        writing("sql_query", query="DELETE FROM item; DELETE FROM item")
    gone = writing("sql_query", query="DELETE FROM item WHERE id = 7 RETURNING name")
    assert gone.splitlines() == ['["name"]', '["x"]', "[1 row]"]


def test_the_schema_is_told(tools):
    whole = tools("sql_schema", table="item").splitlines()
    assert whole[0] == "item  rows: 2"
    assert "  at TIMESTAMP WITH TIME ZONE" in whole
    assert "  name TEXT not null" in whole
    assert "  primary key (id)" in whole
