# Copyright (c) 2026, the pg_cmig developers

"""pg_cmig through psycopg2, which writes parameters into the statement."""

import sys

import psycopg2
from checks import CHAIN, check

conn = psycopg2.connect(sys.argv[1])


def run(sql, *args):
    with conn.cursor() as cursor:
        cursor.execute(sql, args)
        return cursor.fetchall()


with conn:
    check("load", run("SELECT * FROM cmig.load(%s)", CHAIN), [("001", "added"), ("002", "added"), ("003", "added")])
    check("upgrade: a str", run("SELECT revision FROM cmig.upgrade(%s)", "001"), [("001",)])
    check("upgrade: an int", run("SELECT revision FROM cmig.upgrade(%s)", 1), [("002",)])
    check("upgrade: a list", run("SELECT revision FROM cmig.upgrade(%s)", ["003"]), [("003",)])
    check("arrays come back as lists", run("SELECT revision, down_revision FROM cmig.history('003:')"),
          [("003", ["002"])])
check("notices", [n.splitlines()[0] for n in conn.notices], [
    "NOTICE:  upgrade base -> 001, accounts",
    "NOTICE:  upgrade 001 -> 002, 100 % of the names : lower case",
    "NOTICE:  upgrade 002 -> 003, e-mail"])
try:
    with conn:
        run("SELECT * FROM cmig.upgrade(%s)", "nonsense")
except psycopg2.Error as error:
    check("an error", error.pgcode, "MG001")
check("committed", run("SELECT revision FROM cmig.current()"), [("003",)])

conn.rollback()
try:
    with conn, conn.cursor() as cursor:
        cursor.execute("CALL cmig.downgrade_stepwise(%s)", ["-1"])
except psycopg2.Error as error:
    check("CALL in the transaction that psycopg2 begins", error.pgcode, "25001")
    check("its hint", "autocommit = True" in error.diag.message_hint, True)
conn.autocommit = True
with conn.cursor() as cursor:
    cursor.execute("CALL cmig.downgrade_stepwise(%s)", ["-1"])
check("CALL in autocommit", run("SELECT revision FROM cmig.current()"), [("002",)])
