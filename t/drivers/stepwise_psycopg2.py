# Copyright (c) 2026, the pg_cmig developers

"""CALL cmig.upgrade_stepwise through psycopg2: where it is refused, what the
hint says to do, and what a cancelled one leaves."""

import sys
import threading
import time

import psycopg2
from checks import STEPS, check

UP = "CALL cmig.upgrade_stepwise('head')"
conn = psycopg2.connect(sys.argv[1])
other = psycopg2.connect(sys.argv[1])
other.autocommit = True


def execute(connection, sql, *args):
    with connection.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchone()[0] if cursor.description else None


def at():
    return execute(other, "SELECT coalesce(string_agg(revision, ' '), 'base') FROM cmig.version")


def refused(name, body):
    try:
        body()
        check(name, "no error", "25001")
    except psycopg2.Error as error:
        check(name + " is refused", (error.pgcode, "psycopg: connection.rollback()" in error.diag.message_hint, at()),
              ("25001", True, "base"))


def with_connection():
    with conn:
        execute(conn, UP)


execute(other, "SELECT cmig.load(%s)", STEPS)

refused("a connection without autocommit", lambda: execute(conn, UP))
conn.rollback()
conn.autocommit = True
execute(conn, UP)
check("rollback(), then autocommit = True", at(), "003")
check("notices", len([n for n in conn.notices if n.startswith("NOTICE:  upgrade ")]), 3)
execute(conn, "CALL cmig.downgrade_stepwise(%s)", "base")
check("a parameter", at(), "base")
refused("a string of several statements", lambda: execute(conn, "SET cmig.lock_timeout = '2s'; " + UP))
refused("with connection, which begins a transaction also in autocommit", with_connection)

execute(other, "SELECT pg_advisory_lock(42)")


def cancel():
    while not execute(other, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND NOT granted"):
        time.sleep(0.02)
    conn.cancel()


thread = threading.Thread(target=cancel)
thread.start()
try:
    execute(conn, UP)
    check("cancel", "no error", "57014")
except psycopg2.Error as error:
    check("cancel", error.pgcode, "57014")
thread.join()
execute(other, "SELECT pg_advisory_unlock(42)")
execute(conn, UP)
check("the same CALL again", (at(), execute(other, "SELECT count(*) FROM item WHERE name LIKE 'name %%'")), ("003", 1000))
