#!/usr/bin/python3
# Copyright (c) 2026, the pg_cmig developers

"""Properties that hold on every revision graph, tried on random ones.

usage: run_properties.py [--dsn DSN] [--seed N] [--graphs N]

Needs a database in which CREATE EXTENSION pg_cmig works. Each graph is filled
in, moved along and rolled back. Prints a TAP line for each property, with the
first counterexample of one that does not hold; exits 1 then.
"""
import argparse
import json
import random
import sys

import psycopg2

parser = argparse.ArgumentParser()
parser.add_argument("--dsn", default="")
parser.add_argument("--seed", type=int, default=20260101)
parser.add_argument("--graphs", type=int, default=250)
args = parser.parse_args()
rnd = random.Random(args.seed)
connection = psycopg2.connect(args.dsn)
cur = connection.cursor()
cur.execute("CREATE EXTENSION IF NOT EXISTS pg_cmig")
connection.commit()

PROPERTIES = {
    "base": "up to heads, then down to base leaves no version row",
    "heads": "up to a revision, then up to heads is up to heads",
    "stamp": "on an empty version table stamp(x) makes current() x",
    "edges up": "a plan to go up has parents and dependencies first",
    "edges down": "a plan to go down has them last",
    "set up": "going up runs the ancestors that are not applied, no others",
    "set down": "going down runs what is applied above the target, no others",
    "rule": "the version rows are the applied revisions that none of them names",
    "same": "a move returns what plan() said, and plan() changes nothing",
    "identity": "up, down and up again ends where the first up did",
    "back": "up from a revision and back leaves the rows of before",
    "order": "the order of the stored rows changes no result",
    "history": "history lists each revision once, newest first",
    "require": "require() raises exactly when something is pending",
    "resolve": "an id resolves to itself, a label to its revision",
}
failed = {}


class Graph:
    """A random graph, and what follows from it by definition."""

    def __init__(self):
        self.ids, self.parents, self.depends, self.labels = [], {}, {}, {}
        size = rnd.choice([1, 2, 3, 5, 8, 8, 13, 21, 34])
        fork, merge, depend, root = (rnd.choice(c) for c in (
            [0, .15, .4], [0, .15, .4], [0, .1, .3], [0, .05, .2]))
        for i in range(size):
            new = "%04x_%s" % (rnd.getrandbits(16), rnd.choice(["a", "b-2", "c", "ü"]))
            if new in self.parents:
                continue
            heads = [r for r in self.ids if not any(r in p for p in self.parents.values())]
            if not self.ids or rnd.random() < root:
                parents = []
            elif len(heads) > 1 and rnd.random() < merge:
                parents = rnd.sample(heads, min(len(heads), rnd.choice([2, 2, 3, 5])))
            else:
                parents = [rnd.choice(self.ids if rnd.random() < fork else heads)]
            depends = rnd.sample(self.ids, min(len(self.ids), rnd.choice([1, 1, 2]))) if rnd.random() < depend else []
            self.ids.append(new)
            self.parents[new], self.depends[new] = parents, depends
            self.labels[new] = ["label%d" % i] if rnd.random() < .2 else []

    def below(self, nodes):
        seen, todo = set(), list(nodes)
        while todo:
            r = todo.pop()
            if r not in seen:
                seen.add(r)
                todo += self.parents[r] + self.depends[r]
        return seen

    def above(self, nodes):
        return {r for r in self.ids if self.below([r]) & set(nodes)}

    def children(self, node):
        return [r for r in self.ids if node in self.parents[r]]

    def rows(self, applied):
        named = {n for r in applied for n in self.parents[r] + self.depends[r]}
        return sorted(applied - named)

    def in_order(self, steps):
        seen = set()
        for r in steps:
            if (set(self.parents[r] + self.depends[r]) & set(steps)) - seen:
                return False
            seen.add(r)
        return True

    def fill(self, order):
        for r in order:
            depends = [self.labels[d][0] if self.labels[d] and (len(d) + len(r)) % 2 else d for d in self.depends[r]]
            cur.execute("INSERT INTO cmig.revision (revision, down_revision, depends_on, branch_labels, downgrade_sql)"
                        " VALUES (%s, %s::text[], %s::text[], %s::text[], '')",
                        (r, self.parents[r], depends, self.labels[r]))

    def text(self):
        return json.dumps([dict(revision=r, down_revision=self.parents[r], depends_on=self.depends[r],
                                branch_labels=self.labels[r]) for r in self.ids], ensure_ascii=False)


def column(sql, *values):
    cur.execute(sql, values)
    return [r[0] for r in cur.fetchall()]


def version():
    return sorted(column("SELECT revision FROM cmig.version"))


def hold(name, truth, graph, *facts):
    if not truth and name not in failed:
        failed[name] = "%s, in %s" % (" ".join(str(f) for f in facts), graph.text())


def move(graph, direction, target, applied):
    """Plan and carry out; judge both; -> what is applied now."""
    before = version()
    plan = column("SELECT revision FROM cmig.plan(%s, %s) ORDER BY step", direction, target)
    hold("same", version() == before, graph, "plan", direction, target, "moved the rows")
    done = column("SELECT revision FROM cmig." + direction + "(%s) ORDER BY step", target)
    hold("same", done == plan, graph, direction, target, done, "planned", plan)
    if direction == "upgrade":
        hold("edges up", graph.in_order(done), graph, target, done)
        applied = applied | set(done)
    else:
        hold("edges down", graph.in_order(done[::-1]), graph, target, done)
        applied = applied - set(done)
    hold("rule", version() == graph.rows(applied), graph, direction, target, version(), "not", graph.rows(applied))
    return applied


def look():
    """All that a user sees of a graph and its state."""
    return [column("SELECT t::text FROM (SELECT * FROM %s) t" % what) for what in (
        "cmig.plan('upgrade', 'heads')", "cmig.plan('downgrade', 'base')", "cmig.current()", "cmig.heads()",
        "cmig.branches()", "cmig.history()", "cmig.status()")]


def pending():
    cur.execute("SAVEPOINT asked")
    try:
        cur.execute("SELECT cmig.require()")
        return False
    except psycopg2.Error as error:
        cur.execute("ROLLBACK TO asked")
        return error.pgcode == "MG010"


def try_graph():
    graph = Graph()
    graph.fill(graph.ids)
    everything = set(graph.ids)
    a, b = rnd.choice(graph.ids), rnd.choice(graph.ids)
    label = next((l for r in graph.ids for l in graph.labels[r]), None)

    hold("resolve", column("SELECT cmig.resolve(%s)", a) == [a], graph, a)
    if label:
        hold("resolve", column("SELECT cmig.resolve(%s)", label) == [r for r in graph.ids if label in graph.labels[r]],
             graph, label)
    history = column("SELECT revision FROM cmig.history()")
    hold("history", sorted(history) == sorted(everything) and graph.in_order(history[::-1]), graph, history)
    hold("require", pending(), graph, "nothing applied")

    cur.execute("SAVEPOINT empty")
    cur.execute("SELECT cmig.stamp(%s)", (a,))
    hold("stamp", column("SELECT revision FROM cmig.current()") == [a], graph, a)
    cur.execute("ROLLBACK TO empty")

    applied = move(graph, "upgrade", a, set())
    hold("set up", applied == graph.below([a]), graph, a, applied)
    rows = version()
    hold("require", pending() == (applied != everything), graph, rows)

    # up to another revision, and back to where its branch was
    cur.execute("SAVEPOINT there")
    more = move(graph, "upgrade", b, applied)
    hold("set up", more == applied | graph.below([b]), graph, rows, b, more)
    new = more - applied
    if new and rows == [a] and graph.above(graph.children(a)) & more == new:
        back = move(graph, "downgrade", a, more)
        hold("back", back == applied and version() == rows, graph, rows, b, version())
    cur.execute("ROLLBACK TO there")

    # down to any applied revision
    cur.execute("SAVEPOINT there")
    target = rnd.choice(sorted(applied))
    gone = graph.above(graph.children(target)) & applied
    if gone or target in rows:
        left = move(graph, "downgrade", target, applied)
        hold("set down", left == applied - gone, graph, rows, target, left)
    cur.execute("ROLLBACK TO there")

    if rnd.random() < .5:
        seen = look()
        cur.execute("CREATE TEMP TABLE shuffled AS SELECT * FROM cmig.revision")
        cur.execute("DELETE FROM cmig.revision")
        cur.execute("INSERT INTO cmig.revision SELECT * FROM shuffled ORDER BY md5(revision || %s)", (a,))
        cur.execute("DROP TABLE shuffled")
        hold("order", look() == seen, graph, rows)

    applied = move(graph, "upgrade", "heads", applied)
    hold("heads", applied == everything, graph, a, version())
    hold("require", not pending(), graph, "all applied")
    rows = version()
    applied = move(graph, "downgrade", "base", applied)
    hold("base", not applied and not version(), graph, version())
    move(graph, "upgrade", "heads", set())
    hold("identity", version() == rows, graph, version(), "not", rows)


print("# seed %d, %d graphs" % (args.seed, args.graphs))
for number in range(args.graphs):
    try:
        try_graph()
    except psycopg2.Error as error:
        failed.setdefault("an error", "%s in graph %d" % (error, number))
    connection.rollback()

names = list(PROPERTIES.items()) + [("an error", "no call raises an error")]
for number, (name, sentence) in enumerate(names, 1):
    print("%s %d - %s" % ("not ok" if name in failed else "ok", number, sentence))
    if name in failed:
        print("# " + failed[name].replace("\n", "\n# "))
print("1..%d" % len(names))
sys.exit(bool(failed))
