#!/usr/bin/python3
# Copyright (c) 2026, the pg_cmig developers

"""Judges random queries with cmig.workload_check.

usage: workload.py [--dsn DSN] [--size N] FILE

The file has what SQLsmith prints (--dry-run) in the database that world.sql creates. They
are passed in batches of N (default: 250), in the role of a migrator, each time with
another pending revision. Prints how often each verdict was given.

A defect is: a crash, an error of the call, a query without a row, an internal error
(SQLSTATE class XX) that EXPLAIN does not raise, an error of class 42 that only EXPLAIN or
only workload_check raises, except for a missing privilege (42501), or a call that changes
what it must not. Each kind is printed with its first query. The status is 1 if there was a
defect.
"""
import argparse
import collections
import re
import sys
import time

import psycopg2

SCRIPTS = [
    "ALTER TABLE app.plain DROP COLUMN amount CASCADE",
    "ALTER TABLE app.child ALTER note TYPE varchar(9), ADD COLUMN added int NOT NULL DEFAULT 1",
    "DROP INDEX app.plain_name; ALTER TABLE app.parted ADD COLUMN x int; DROP TABLE app.parted_1",
    "ALTER TABLE app.shapes DROP COLUMN doc, ALTER ratio TYPE numeric; ALTER TYPE app.mood RENAME VALUE 'bad' TO 'worse'",
    "ALTER TABLE app.two_keys DROP CONSTRAINT two_keys_pkey; ALTER TABLE app.guarded RENAME v TO w; DROP VIEW app.seen",
    "DROP TABLE app.no_key, app.heir; ALTER TABLE app.parent ALTER id TYPE bigint",
]
# what a call must leave as it was
STATE = """SELECT concat_ws(' ', fuzz.database_state(), (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_namespace))"""

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("--dsn", default="dbname=smith")
parser.add_argument("--size", type=int, default=250)
parser.add_argument("file")
args = parser.parse_args()

defects = {}
verdicts = collections.Counter()
states = collections.Counter()


def defect(kind, text):
    if kind not in defects:
        print(f"DEFECT {kind}\n{text}")
    defects[kind] = defects.get(kind, 0) + 1


def explain(cursor, query):
    try:
        cursor.execute("EXPLAIN " + query)
        return ""
    except psycopg2.Error as error:
        if error.pgcode is None:
            raise
        return error.pgcode


def judge(caller, owner, batch, script):
    owner.execute("DELETE FROM cmig.revision WHERE revision NOT IN ('001', '002', '003_invoices', '003_search')")
    owner.execute("INSERT INTO cmig.revision (revision, down_revision, upgrade_sql) VALUES ('smith', '{003_search}', %s)", [script])
    owner.execute(STATE)
    before = owner.fetchone()[0]
    caller.execute("SELECT query, verdict, coalesce(sqlstate, ''), detail FROM cmig.workload_check('smith', queries => ARRAY[%s])", ["\n".join(batch)])
    rows = caller.fetchall()
    owner.execute(STATE)
    after = owner.fetchone()[0]
    if after != before:
        defect("something has changed", script + "\n" + str([(n, one, other) for n, (one, other) in enumerate(zip(before.split(), after.split())) if one != other]))
    if len(rows) != sum(query.count(";") for query in batch):
        defect("not one row for each query", f"{len(rows)} rows for {len(batch)} queries")
    for query, verdict, state, detail in rows:
        today = state if verdict == "not_judged" else ""
        live = explain(caller, query)
        verdicts[verdict] += 1
        states[f"{verdict} {state}".strip()] += 1
        if state.startswith("XX") and live != state:
            defect(f"an internal error: {detail}", query)
        elif live != today and "42501" not in (live, today) and (live.startswith("42") or today.startswith("42")):
            defect(f"EXPLAIN: {live or 'a plan'}, workload_check: {verdict} {today}", f"{detail}\n{query}")
    return len(rows)


def main():
    started = time.time()
    count = calls = 0
    with open(args.file, encoding="utf-8") as file:
        lines = [line for line in file if not re.match("SQLsmith |Loading |Generating ", line)]
    queries = [query + ";" for query in "".join(lines).split(";\n") if query.strip()]
    # a parallel plan would read the tables in any order
    owner = psycopg2.connect(args.dsn + " options='-c max_parallel_workers_per_gather=0'")
    caller = psycopg2.connect(args.dsn + " user=regress_fuzz_migrator options='-c search_path=public -c statement_timeout=300s -c client_min_messages=error'")
    owner.autocommit = caller.autocommit = True
    for first in range(0, len(queries), args.size):
        try:
            count += judge(caller.cursor(), owner.cursor(), queries[first:first + args.size], SCRIPTS[calls % len(SCRIPTS)])
        except psycopg2.Error as error:
            defect(f"the call fails: {error.pgcode} {error}", SCRIPTS[calls % len(SCRIPTS)])
            if caller.closed:
                break
        calls += 1
    print(f"{count} queries in {calls} calls, {time.time() - started:.0f} s: " + ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common()))
    print(", ".join(f"{number} {state}" for state, number in states.most_common(12)))
    for kind, number in defects.items():
        print(f"{number} times: {kind}")
    sys.exit(1 if defects else 0)


main()
