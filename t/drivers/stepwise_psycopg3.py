# Copyright (c) 2026, the pg_cmig developers

"""CALL cmig.upgrade_stepwise through psycopg 3: where it is refused, what the
hint says to do, and what a cancelled one leaves."""

import datetime
import sys
import threading
import time

import psycopg
from checks import STEPS, check

dsn = sys.argv[1]
UP = "CALL cmig.upgrade_stepwise('head')"
NOTICES = ["upgrade base -> 001, items",
           "upgrade 001 -> 002, fill and index, where another session can hold it up",
           "backfill of public.item updated 1000 rows",
           "upgrade 002 -> 003, one more column"]
other = psycopg.connect(dsn, autocommit=True)


def ask(sql):
    return other.execute(sql).fetchone()[0]


def at():
    return ask("SELECT coalesce(string_agg(revision, ' '), 'base') FROM cmig.version")


def down():
    other.execute("CALL cmig.downgrade_stepwise('base')")


def refused(name, body, expected="base"):
    """25001 with the words for psycopg, and nothing was run."""
    try:
        body()
        check(name, "no error", "25001")
    except psycopg.errors.ActiveSqlTransaction as error:
        check(name + " is refused", (error.sqlstate, "psycopg: connection.rollback()" in error.diag.message_hint, at()),
              ("25001", True, expected))


def succeeds(name, body):
    try:
        body()
        check(name, at(), "003")
    except psycopg.Error as error:
        check(name, str(error), "no error")
    down()


def in_block(conn, block):
    with block():
        conn.execute(UP)


def in_transaction(conn, sql, args):
    with conn.transaction():
        conn.execute(sql, args)


other.execute("SELECT cmig.load(%s)", [STEPS])

# the connection of psycopg.connect() as it is, and what the hint says
with psycopg.connect(dsn) as conn:
    notices = []
    conn.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    refused("a connection without autocommit", lambda: conn.execute(UP))
    conn.rollback()
    conn.autocommit = True
    succeeds("rollback(), then autocommit = True", lambda: conn.execute(UP))
    check("its notices", notices, NOTICES)

with psycopg.connect(dsn, autocommit=True) as conn:
    refused("transaction()", lambda: in_block(conn, conn.transaction))
    refused("a string of several statements", lambda: conn.execute("SET cmig.lock_timeout = '2s'; " + UP))
    refused("a string that goes on", lambda: conn.execute(UP + "; SELECT 1"))
    conn.execute("SET cmig.lock_timeout = '2s'")
    succeeds("SET before, in an execute() of its own", lambda: conn.execute(UP))
    succeeds("a parameter", lambda: conn.execute("CALL cmig.upgrade_stepwise(%s)", ["head"]))
    succeeds("named arguments", lambda: conn.execute(
        "CALL cmig.upgrade_stepwise(target => %(target)s, in_doubt => %(in_doubt)s)",
        {"target": "head", "in_doubt": "stop"}))
    succeeds("prepared, again and again", lambda: [
        conn.execute("CALL cmig.upgrade_stepwise(%s)", [target], prepare=True) for target in ("001", "001", "002", "003")])

    def behind_a_cursor():
        with conn.cursor("held", withhold=True) as held:
            held.itersize = 2
            held.execute("SELECT generate_series(1, 5)")
            first = held.fetchone()
            conn.execute(UP)
            check("an open server-side cursor goes on", [first] + held.fetchall(), [(n,) for n in range(1, 6)])

    succeeds("beside a server-side cursor WITH HOLD", behind_a_cursor)

    # a pipeline's statements are one transaction
    def pipeline(*statements):
        with conn.pipeline():
            for sql in statements:
                conn.execute(sql)

    refused("a pipeline, behind another statement", lambda: pipeline("SELECT 1", UP))
    succeeds("a pipeline with nothing else", lambda: pipeline(UP))
    refused("the second of a pipeline", lambda: pipeline("CALL cmig.upgrade_stepwise('001')", UP), "001")
    down()
    refused("the second of executemany()", lambda: conn.cursor().executemany(
        "CALL cmig.upgrade_stepwise(%s)", [["001"], ["head"]]), "001")
    down()
    succeeds("after all these, the same connection", lambda: conn.execute(UP))

    # errors are those of SELECT cmig.upgrade
    try:
        conn.execute("CALL cmig.upgrade_stepwise('nonsense')")
    except psycopg.Error as error:
        check("an error has its SQLSTATE and hint", (error.sqlstate, bool(error.diag.message_hint)), ("MG001", True))

    # cancelled where another session holds it up
    with psycopg.connect(dsn, autocommit=True) as holder:
        notices = []
        conn.add_notice_handler(lambda diag: notices.append(diag.message_primary))
        holder.execute("SELECT pg_advisory_lock(42)")

        def cancel():
            while not ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND NOT granted"):
                time.sleep(0.02)
            # the gate stays shut; they are sent, but the other thread has to read them
            deadline = time.monotonic() + 60
            while len(notices) < 2 and time.monotonic() < deadline:
                time.sleep(0.02)
            check("notices arrive meanwhile", notices, NOTICES[:2])
            getattr(conn, "cancel_safe", conn.cancel)()

        thread = threading.Thread(target=cancel)
        thread.start()
        try:
            conn.execute(UP)
            check("cancel", "no error", "57014")
        except psycopg.errors.QueryCanceled as error:
            check("cancel", (error.sqlstate, error.diag.context.splitlines()[-1]),
                  ("57014", "pg_cmig: upgrade of 002, statement 2, line 2"))
        thread.join()
        check("what status says", ask("SELECT value FROM cmig.status() WHERE item = 'partially applied'"),
              "upgrade of 002: statement 1 is done; no later statement is complete")
    conn.execute(UP)
    check("the same CALL again", (at(), ask("SELECT count(*) FROM item WHERE name LIKE 'name %'")), ("003", 1000))

    # the other procedures
    UPPER = ["item", "name = upper(name)", "name <> upper(name)"]
    BACKFILL = "CALL cmig.backfill(%s, %s, %s, batch_size => %s, pause => %s)"
    refused("cmig.backfill in transaction()", lambda: in_transaction(conn, BACKFILL, UPPER + [100, "1 ms"]), "003")
    conn.execute(BACKFILL, UPPER + [100, datetime.timedelta(milliseconds=1)])
    check("cmig.backfill with parameters", ask("SELECT count(*) FROM item WHERE name LIKE 'NAME %'"), 1000)
    conn.execute("CALL cmig.add_not_null(%s, %s)", ["item", "name"])
    conn.execute("CALL cmig.add_unique(%s, %s)", ["item", ["id", "name"]])
    check("cmig.add_unique with a list", ask("SELECT conname FROM pg_constraint WHERE conrelid = 'item'::regclass AND contype = 'u'"),
          "item_id_name_key")
