# Copyright (c) 2026, the pg_cmig developers

"""pg_cmig through psycopg 3, which sends parameters apart from the statement
and a str without a type."""

import sys

import psycopg
from checks import CHAIN, check

dsn = sys.argv[1]


def run(conn, sql, *args, **options):
    return conn.execute(sql, args, **options).fetchall()


with psycopg.connect(dsn) as conn:
    notices = []
    conn.add_notice_handler(lambda diag: notices.append(diag.message_primary))

    with conn.transaction():
        check("load: a str is text", run(conn, "SELECT * FROM cmig.load(%s)", CHAIN),
              [("001", "added"), ("002", "added"), ("003", "added")])
        check("upgrade: a str is text", run(conn, "SELECT step, revision FROM cmig.upgrade(%s)", "001"),
              [(1, "001")])
    check("a notice for each step", notices, ["upgrade base -> 001, accounts"])

    check("upgrade: an int", run(conn, "SELECT revision FROM cmig.upgrade(%s)", 1), [("002",)])
    check("upgrade: a list", run(conn, "SELECT revision FROM cmig.upgrade(%s)", ["003"]), [("003",)])
    check("downgrade: a negative int", run(conn, "SELECT revision FROM cmig.downgrade(%s)", -1), [("003",)])
    check("current, binary", run(conn, "SELECT revision, is_head, known FROM cmig.current()", binary=True),
          [("002", False, True)])
    check("history, prepared", [run(conn, "SELECT count(*) FROM cmig.history(%s)", "001:", prepare=True)
                                for _ in range(3)], [[(3,)]] * 3)
    check("plan: both arguments untyped", run(conn, "SELECT revision FROM cmig.plan(%s, %s)", "upgrade", "head"),
          [("003",)])
    check("stamp", run(conn, "SELECT revision FROM cmig.stamp(%s, purge => %s)", "002", True), [("002",)])
    check("show", dict(run(conn, "SELECT field, value FROM cmig.show(%s)", "002"))["message"],
          "100 % of the names : lower case")
    conn.commit()

    for name, sql, args, state in [
        ("unknown revision", "SELECT * FROM cmig.upgrade(%s)", ["nonsense"], "MG001"),
        ("None", "SELECT * FROM cmig.upgrade(%s)", [None], "22023"),
        ("not up to date", "SELECT cmig.require()", [], "MG010"),
        ("changed text", "SELECT * FROM cmig.load(%s)", [CHAIN.replace("lower(name)", "upper(name)")], "MG008"),
    ]:
        try:
            conn.execute(sql, args)
            check(name, "no error", state)
        except psycopg.Error as error:
            check(name + ": " + state, (error.sqlstate, bool(error.diag.message_primary), bool(error.diag.message_hint)),
                  (state, True, True))
        conn.rollback()

    # an error in a script keeps its own class, and tells where
    conn.execute("SELECT * FROM cmig.load(%s)", ["-- revision: 004\n-- down_revision: 003\n\n-- cmig:upgrade\n"
                                                 "SELECT 1;\nINSERT INTO account VALUES (1, 'twice');\n"])
    conn.commit()
    try:
        conn.execute("SELECT * FROM cmig.upgrade(%s)", ["head"])
    except psycopg.errors.UniqueViolation as error:
        check("the script's own error", error.diag.context.splitlines()[-1],
              "pg_cmig: upgrade of 004, statement 2, line 2")
    conn.rollback()
    check("all of the run is gone", run(conn, "SELECT revision FROM cmig.current()"), [("002",)])
    conn.commit()

    # the caller's transaction decides
    try:
        with conn.transaction():
            run(conn, "SELECT revision FROM cmig.upgrade('003')")
            raise RuntimeError("the application changed its mind")
    except RuntimeError:
        pass
    check("rolled back with the caller", run(conn, "SELECT revision FROM cmig.current()"), [("002",)])
    conn.rollback()

    # a savepoint, and going on after an error
    with conn.transaction():
        try:
            with conn.transaction():
                run(conn, "SELECT revision FROM cmig.upgrade('head')")
        except psycopg.errors.UniqueViolation:
            pass
        check("after a savepoint", run(conn, "SELECT revision FROM cmig.upgrade('003')"), [("003",)])

    # several statements without waiting for each result
    with conn.pipeline():
        cursors = [conn.execute("SELECT revision FROM cmig.downgrade('-1')"),
                   conn.execute("SELECT revision FROM cmig.upgrade(%s)", ["003"])]
    check("pipeline", [c.fetchall() for c in cursors], [[("003",)], [("003",)]])
    conn.commit()

with psycopg.connect(dsn, autocommit=True) as conn:
    check("autocommit", run(conn, "SELECT revision FROM cmig.downgrade(%s)", "base"), [("003",), ("002",), ("001",)])
    check("a server cursor cannot cut a run", len(conn.execute(
        "SELECT revision FROM cmig.upgrade('003') LIMIT 1").fetchall()), 1)
    check("all steps ran", run(conn, "SELECT revision FROM cmig.current()"), [("003",)])
