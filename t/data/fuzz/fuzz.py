#!/usr/bin/python3
# Copyright (c) 2026, the pg_cmig developers

"""Calls every function of pg_cmig with whatever there is, and looks at what is left.

usage: fuzz.py [--dsn DSN] [--seed N] [--calls N] [--minutes M] [--kinds N] [--unit K] [--compare P] [--timeout S]
       [--fragments]

Needs a superuser's connection to a server of its own: it makes the roles and
the databases regress_fuzz_*. The functions are read from the catalog, so that
a new one is covered by itself. The work is cut into units; what a unit does
depends on the seed and its number only, and each starts from the same database.
Three of four units are from a list that covers systematically what random units
reach late; when the list ends, it begins again, with every second unit:

  sound       calls that succeed, as superuser, as a role without privileges, and
              with the search path below
  hard        the same calls with one text or table replaced by a hard one: quotes,
              long texts of long characters, quotes and comments that do not end; a
              table that was dropped, of another session, that is not a table
  recipes     CALL of procedures that succeed, with hard names
  imports     cmig.import_files with lines that mean something to the format, in any order
  spoiled     files that end in an open quote or comment, or are deeply nested
  psql        scripts in which psql and the server could disagree
  fragments   the calls that succeed, with one text of SQL that contains what is no
              expression, or not in each place; and revisions that are expanded, of
              which a line is such a text

The other units are random:

  calls       functions in one transaction, each in a savepoint, as superuser,
              as a migrator, as nobody; between them settings, rows of the
              catalog and tables are changed; sometimes with a search path whose
              first schema has functions and operators of built-in names
  procedures  CALL at top level, and functions that commit
  files       mutated revision files, as a text or as a directory of bytes: load,
              check, upgrade, downgrade; what was exported and loaded is exported
              as the same
  scripts     revisions with odd texts, by upgrade and by psql, to which the text
              of script is piped: the rows are the same, and no command has run

A defect is: a crash, an internal error (SQLSTATE class XX), "cache lookup
failed", a warning of the server about memory or something not released, memory
that was freed or bytes that are no text in what is returned, a syntax error in
a statement of ours, no end within the time limit, another's function called, a
session or a database that an error, a STABLE function or a role without rights has
changed, a session that a procedure has changed, a file that does not survive export
and load, a function that never succeeded although it was called in a way that
does. Each kind is printed once, with the statements that led there and the call
that repeats it. Stops after the calls, the minutes, or the kinds of defects; the
status is 1 if there was a defect.
"""
import argparse
import collections
import glob
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import psycopg2
import psycopg2.extensions

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import imports
import values
from good import BEFORE, GOOD
from values import literal

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TEMPLATE, DATABASE = "regress_fuzz_template", "regress_fuzz"
USERS = {"superuser": None, "migrator": "regress_fuzz_migrator", "nobody": "regress_fuzz_nobody"}
# arguments that are SQL, and wrong as such now and then
USERS_TEXTS = ("set_sql", "where_sql", "condition", "upgrade", "downgrade", "script", "reset", "backfill", "load", "stepwise", "add_check", "expand", "rls_test",
               'cmig."diff', 'cmig."require_schema', 'cmig."autogenerate', "cmig.require_schema", "cmig.autogenerate")
# what is there to change the session
OWN_SESSION = ("set_context", "clear_context", "set_protect")
# what writes with other privileges than the caller's
DEFINERS = ("allow_ddl",)
# arguments that are SQL
SQL_ARGUMENTS = ("set_sql", "where_sql", "condition", "upgrade_sql", "downgrade_sql", "verify_sql", "script", "target_sql")
# where a fragment of SQL stands in them
FRAGMENT_FORMS = {"where_sql": ["%s"], "condition": ["%s"], "set_sql": ["name = %s", "(name, amount) = %s", "%s"],
                  "upgrade_sql": ["ALTER TABLE app.plain ADD z text DEFAULT %s", "SELECT %s", "CREATE VIEW app.z AS SELECT %s FROM app.plain"],
                  "downgrade_sql": ["SELECT %s"], "verify_sql": ["SELECT %s"], "precondition_sql": ["SELECT %s"],
                  "script": ["SELECT %s FROM app.plain", "ALTER TABLE app.plain ALTER name TYPE varchar USING %s", "CREATE INDEX ON app.plain ((%s)) WHERE %s",
                             "ALTER TABLE app.plain ADD CHECK (%s), ADD z text DEFAULT (%s), ADD y text GENERATED ALWAYS AS (%s) STORED"],
                  "target_sql": ["CREATE SCHEMA small; CREATE TABLE small.plain (id int, name text, amount numeric DEFAULT (%s), CHECK (%s)); CREATE INDEX ON small.plain ((%s))"],
                  "queries": ["SELECT %s FROM app.plain", "UPDATE app.plain SET name = %s", "INSERT INTO app.plain (name) VALUES (%s)"]}
# arguments that systematic units replace; + stands for a long text
HARD_TYPES = ("text", "name", "text[]", "regclass", "text+", "name+", "text[]+")
# VOLATILE, but what they do is rolled back
HARMLESS = ("rls_test", "draft")
# what runs texts of its caller's, which may find whatever his path leads to
USERS_SQL = ("upgrade", "downgrade", "reset", "backfill", "add_check", "rls_test", "diff", "autogenerate", "require_schema", "drift", "capture",
             "squash", "round_trip", "verify", "dry_run", "create_scope")
# of the server, when something was not released, or written where it must not be
BAD_WARNING = re.compile(r"leak|not closed|still referenced|still active|in alloc set|past chunk end|chunk marked free|bogus|corrupt|"
                         r"you don't own|AbortTransaction|AbortSubTransaction|transaction left|cleaning up")
FREED = "\x7f" * 8
FORMS = ["SELECT * FROM {}"] * 12 + [
    "SELECT {}", "SELECT * FROM {} LIMIT 1", "SELECT f FROM generate_series(1, 2) g, LATERAL {} f",
    "DECLARE fuzz_cursor CURSOR FOR SELECT * FROM {}; FETCH 1 FROM fuzz_cursor; CLOSE fuzz_cursor",
    "DO $fuzz$BEGIN PERFORM {}; EXCEPTION WHEN SQLSTATE 'ZZ999' THEN NULL; END$fuzz$",
    "CREATE TEMP TABLE fuzz_result AS SELECT f::text FROM {} f"]

TRAPPED = "SET LOCAL search_path = trap, pg_catalog, app, public"

parser = argparse.ArgumentParser()
parser.add_argument("--dsn", default="")
parser.add_argument("--seed", type=int, default=20260101)
parser.add_argument("--calls", type=int, help="stop after that many calls")
parser.add_argument("--minutes", type=float, help="stop after that many minutes")
parser.add_argument("--kinds", type=int, help="stop after that many kinds of defects")
parser.add_argument("--unit", type=int, help="this unit only, with all its statements")
parser.add_argument("--fragments", action="store_true", help="only the systematic units with fragments of SQL, each once")
parser.add_argument("--compare", type=float, default=1, help="the part of the units in which database and session are compared")
parser.add_argument("--timeout", type=int, default=30, help="seconds after which a statement counts as hanging")
args = parser.parse_args()


class Defect(Exception):
    pass


class Fragment(str):
    """A text with SQL that may be wrong."""


def wait(connection):
    """psycopg2 calls it while it waits: an end also for what no timeout of the server ends."""
    end = time.time() + args.timeout + 30
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        rest = max(end - time.time(), 0)
        reads, writes = ([connection.fileno()], []) if state == psycopg2.extensions.POLL_READ else ([], [connection.fileno()])
        if not any(select.select(reads, writes, [], rest)):
            # does not react to signals that ask it to end
            try:
                os.kill(connection.info.backend_pid, signal.SIGKILL)
            except OSError:
                pass
            raise Defect("hang", "not even the timeout ended it")


psycopg2.extensions.set_wait_callback(wait)


class Fuzzer:
    def __init__(self):
        self.counts = collections.Counter()
        self.states = collections.Counter()
        self.called, self.succeeded = collections.Counter(), collections.Counter()
        self.defects = collections.Counter()
        self.sessions, self.dirty, self.statements = {}, True, []
        self.own_syntax = False  # a syntax error is not the caller's, whatever is called
        self.folder = tempfile.mkdtemp(prefix="pg_cmig_fuzz.")
        os.chmod(self.folder, 0o755)
        self.admin = None
        self.reconnect()
        os.mkdir(self.folder + "/sound")
        with open(self.folder + "/sound/more.sql", "w") as file:
            file.write("-- revision: more\n-- down_revision: 001\n-- message: more\n\n-- cmig:upgrade\nSELECT 1;\n")
        self.chains = [[open(f, encoding="utf-8", newline="").read() for f in sorted(glob.glob(chain + "/*.sql"))]
                       for chain in sorted(glob.glob(TOP + "/migrations/*/"))]
        self.make_template()
        self.systematic = self.systematic_units()

    # --- sessions and databases

    def connect(self, database, user):
        options = "dbname=" + database if database else ""
        if user:
            options += " user=" + user
        connection = psycopg2.connect(args.dsn + " " + options)
        connection.autocommit = True
        return connection

    def reconnect(self):
        """As the server may be recovering."""
        for attempt in range(60):
            try:
                if not self.admin or self.admin.closed:
                    self.admin = self.connect("", None)
                self.admin.cursor().execute("SELECT 1")
                return
            except psycopg2.Error:
                self.admin = None
                time.sleep(1)
        sys.exit("the server does not come back")

    def make_template(self):
        cur = self.admin.cursor()
        for name in (DATABASE, TEMPLATE):
            cur.execute("DROP DATABASE IF EXISTS %s WITH (FORCE)" % name)
        for user in filter(None, USERS.values()):
            cur.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (user,))
            if not cur.fetchone():
                cur.execute("CREATE ROLE %s LOGIN" % user)
        cur.execute("CREATE DATABASE " + TEMPLATE)
        world = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-v", "database=" + TEMPLATE, "-f", HERE + "/world.sql",
             "-d", args.dsn + " dbname=" + TEMPLATE], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if world.returncode:
            sys.exit("DEFECT in world.sql: " + world.stderr)
        template = self.connect(TEMPLATE, None)
        cur = template.cursor()
        cur.execute("""SELECT p.oid::regprocedure::text, p.proname, p.prokind, p.provolatile, p.proargnames,
            ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) WITH ORDINALITY AS a (t, i) ORDER BY i), p.pronargdefaults,
            obj_description(p.oid, 'pg_proc') NOT LIKE 'Not meant to be called%' AND prorettype <> 'event_trigger'::regtype
            FROM pg_proc p WHERE pronamespace = 'cmig'::regnamespace AND prorettype <> 'trigger'::regtype
            ORDER BY p.oid::regprocedure::text COLLATE "C" """)
        self.functions = cur.fetchall()
        unknown = [s for s in list(GOOD) + list(BEFORE) if "cmig." + s not in [f[0] for f in self.functions]]
        if unknown:
            sys.exit("DEFECT in good.py: there is no " + ", ".join(unknown))
        cur.execute("LOAD 'pg_cmig'; SELECT name FROM pg_settings WHERE name LIKE 'cmig.%' ORDER BY name COLLATE \"C\"")
        self.settings = [r[0] for r in cur.fetchall()]
        cur.execute("""SELECT attrelid::regclass::text, quote_ident(attname), format_type(atttypid, NULL) FROM pg_attribute
            JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'cmig'::regnamespace AND relkind = 'r' AND attnum > 0
            ORDER BY 1, attnum""")
        self.columns = cur.fetchall()
        cur.execute("""SELECT relname, array_agg(attname::text ORDER BY attnum) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
            WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped GROUP BY relname""")
        self.table_columns = dict(cur.fetchall())
        template.close()

    def close_sessions(self):
        for connection in self.sessions.values():
            connection.close()
        self.sessions = {}

    def fresh_database(self):
        """A copy of the template, and somebody else in it who has a temporary table."""
        self.close_sessions()
        for attempt in range(60):
            try:
                self.reconnect()
                cur = self.admin.cursor()
                cur.execute("DROP DATABASE IF EXISTS %s WITH (FORCE)" % DATABASE)
                cur.execute("CREATE DATABASE %s TEMPLATE %s" % (DATABASE, TEMPLATE))
                cur.execute("GRANT CREATE ON DATABASE %s TO regress_fuzz_migrator" % DATABASE)
                # the settings exist from the start, not from the first call on
                cur.execute("ALTER DATABASE %s SET session_preload_libraries = pg_cmig, plpgsql" % DATABASE)
                break
            except psycopg2.Error:
                if attempt == 59:
                    raise
                time.sleep(1)
        other = self.sessions["other"] = self.connect(DATABASE, None)
        other.cursor().execute("""CREATE TEMP TABLE other_temp (id int PRIMARY KEY, user_id text);
            UPDATE fuzz.odd SET oid = 'other_temp'::regclass WHERE name = 'other_temp'""")
        self.dirty = False

    def session(self, user):
        if user not in self.sessions:
            connection = self.sessions[user] = self.connect(DATABASE, USERS[user])
            connection.cursor().execute(
                "SET client_min_messages = warning; SET statement_timeout = '%ds'; SET search_path = app, public" % args.timeout)
        return self.sessions[user]

    # --- statements

    def execute(self, connection, sql):
        """-> None, or the error; a defect if it is one that must not be"""
        self.statements.append(sql)
        self.counts["statements"] += 1
        try:
            with connection.cursor() as cur:
                cur.execute(sql)
                if cur.description and FREED in str(cur.fetchmany(1000)):
                    raise Defect("freed memory is returned")
                return None
        except UnicodeDecodeError as error:
            raise Defect("what is returned is no text", str(error)[-200:])
        except (psycopg2.Error, ValueError) as error:
            code = getattr(error, "pgcode", None)
            self.states[code or "-"] += 1
            self.counts["errors"] += 1
            if connection.closed:
                raise Defect("crash", str(error))
            if code == "57014" and "statement timeout" in str(error):
                raise Defect("hang", str(error))
            if code and code.startswith("XX") or "cache lookup failed" in str(error):
                raise Defect("internal error", code, str(error))
            if code == "FZ001":
                raise Defect("another's function was called", str(error))
            if "\ufffd" in str(error):
                raise Defect("a message is no text", str(error))
            if FREED in str(error):
                raise Defect("freed memory is in a message", str(error))
            if code == "42601" and (self.own_syntax or not any(w in sql for w in USERS_TEXTS)) and (
                    error.diag.internal_query or re.search("SQL statement|^pg_cmig: cmig", error.diag.context or "", re.M)):
                raise Defect("syntax error in a statement of ours", str(error), error.diag.internal_query)
            return error
        finally:
            bad = [n for n in connection.notices if BAD_WARNING.search(n)]
            del connection.notices[:]
            if bad:
                raise Defect("warning", bad[0])

    def state(self, connection, database=True):
        """-> what an error must not change: of the session, and of the database"""
        if not self.compares:
            return ()
        with connection.cursor() as cur:
            cur.execute("SELECT pg_catalog.concat(pg_catalog.current_setting('search_path'), ' ', fuzz.session_state()), fuzz.held()" + (
                ", fuzz.database_state()" if database else ""))
            return cur.fetchone()

    def judge(self, before, after, what):
        if before == after:
            return
        changed = [(a, b) for x, y in zip(before, after) for a, b in zip(x.split(" "), y.split(" ")) if a != b]
        raise Defect("changed by " + what, changed[:8])

    def good(self, signature):
        folder = literal(self.folder + "/sound")
        return [{n: v.replace("FOLDER", folder) for n, v in call.items()} for call in GOOD.get(signature.replace("cmig.", "", 1), [])]

    def prepare(self, connection, function):
        """What a sound call of the function needs."""
        if BEFORE.get(function[0].replace("cmig.", "", 1)):
            self.execute(connection, BEFORE[function[0].replace("cmig.", "", 1)])

    def call_of(self, function):
        """-> a call with arguments, some left to their defaults"""
        signature, name, kind, _, names, types, defaults, _ = function
        self.called[signature] += 1
        self.counts["calls"] += 1
        good = self.good(signature)
        if good and self.rnd.random() < .35:
            chosen = dict(self.rnd.choice(good))
            if self.rnd.random() < .6:
                i = self.rnd.randrange(len(types))
                chosen[names[i]] = self.values.value(types[i], names[i])
            return 'cmig."%s"(%s)' % (name, ", ".join("%s => %s" % ('"%s"' % n, v) for n, v in chosen.items()))
        positional = self.rnd.random() < .1
        self.values.care(self.rnd.random() < .6)
        arguments = []
        for i, type_ in enumerate(types):
            if i >= len(types) - defaults and self.rnd.random() < (.1 if positional else .65):
                if positional:
                    break
                continue
            value = self.values.value(type_, names[i] if names else None)
            arguments.append(value if positional else "%s => %s" % ('"%s"' % names[i], value))
        self.values.care(False)
        return 'cmig."%s"(%s)' % (name, ", ".join(arguments))

    def disturbance(self):
        """-> a statement that makes the ground uneven"""
        rnd, how = self.rnd, self.rnd.random()
        if how < .3:
            value = rnd.choice(["on", "off", "base", "error", "warn", "0", "1", "-1", "100", "5ms", "app", "none", "regress_fuzz_nobody"])
            return "SET LOCAL %s = %s" % (rnd.choice(self.settings),
                                          literal(value if rnd.random() < .8 else rnd.choice(values.HOSTILE)))
        if how < .6:
            table, column, type_ = rnd.choice(self.columns)
            return "UPDATE %s SET %s = %s" % (table, column, self.values.value(type_, column))
        table = rnd.choice(values.ORDINARY)
        column = rnd.choice(values.COLUMNS).replace('"', '""')
        return rnd.choice([
            "ALTER TABLE app.{0} DROP COLUMN \"{1}\"", "ALTER TABLE app.{0} RENAME COLUMN \"{1}\" TO renamed",
            "ALTER TABLE app.{0} ALTER COLUMN \"{1}\" TYPE bigint USING 1", "ALTER TABLE app.{0} ALTER COLUMN \"{1}\" TYPE app.pair USING NULL",
            "ALTER TABLE app.{0} ALTER COLUMN \"{1}\" TYPE text", "DROP TABLE app.{0}", "DROP TABLE app.{0} CASCADE",
            "ALTER TABLE app.{0} ADD added int DEFAULT 1", "UPDATE app.{0} SET \"{1}\" = NULL", "UPDATE app.{0} SET \"{1}\" = \"{1}\"",
            "DELETE FROM app.{0}", "TRUNCATE app.{0} CASCADE", "INSERT INTO app.{0} DEFAULT VALUES", "ALTER TABLE app.{0} RENAME TO moved",
            "ALTER TABLE app.{0} SET SCHEMA public", "ALTER TABLE app.{0} OWNER TO regress_fuzz_nobody", "ALTER TABLE app.{0} DISABLE TRIGGER ALL",
            "CREATE POLICY fuzzed ON app.{0} USING (\"{1}\" IS NOT NULL)", "ALTER TABLE app.{0} ENABLE ROW LEVEL SECURITY",
            "CREATE TRIGGER a AFTER UPDATE ON app.{0} REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION cmig.audit_trigger('x', '{1}')",
            "CREATE TRIGGER b BEFORE UPDATE OR DELETE ON app.{0} FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger()",
            "CREATE TRIGGER c AFTER INSERT OR UPDATE OR DELETE ON app.{0} FOR EACH ROW EXECUTE FUNCTION cmig.audit_trigger('{1}', 'id={1}')",
            "CREATE TRIGGER d AFTER TRUNCATE ON app.{0} EXECUTE FUNCTION cmig.audit_trigger('level=row')",
            "CREATE RULE r AS ON UPDATE TO app.{0} DO INSTEAD NOTHING", "COMMENT ON TABLE app.{0} IS 'cmig: {{'",
            "UPDATE cmig_audit.log SET \"operation\" = 'X'", "DELETE FROM cmig_audit.layout", "UPDATE cmig_audit.log SET old_row = NULL",
            "INSERT INTO cmig.progress VALUES ('005_bad', 'upgrade', 1, 'in_doubt', '[1]')", "SET LOCAL row_security = off",
            "INSERT INTO cmig.version VALUES ('005_bad')", "DELETE FROM cmig.version", "DELETE FROM cmig.revision WHERE revision = '002'",
            "DROP TABLE cmig_audit.log CASCADE", "REVOKE ALL ON ALL TABLES IN SCHEMA cmig FROM regress_fuzz_migrator",
        ]).format(table, column)

    # --- units

    def calls_unit(self):
        user = self.rnd.choice(["superuser"] * 5 + ["migrator"] * 4 + ["nobody"])
        connection = self.session(user)
        self.statements.append("-- as " + user)
        trapped = self.rnd.random() < .15
        functions = [f for f in self.functions if f[2] == "f" and not (trapped and f[1].startswith(USERS_SQL))]
        self.execute(connection, "BEGIN")
        if trapped:
            self.execute(connection, TRAPPED)
        before = self.state(connection)
        for _ in range(8):
            disturbs = self.rnd.random() < .2 and not trapped
            function = self.rnd.choice(functions)
            sql = self.rnd.choice(["", "", "/* \u00e9 名 🦊 */ "]) + self.disturbance() if disturbs else self.rnd.choice(FORMS).format(self.call_of(function))
            self.execute(connection, "SAVEPOINT s")
            error = self.execute(connection, sql)
            if error:
                self.execute(connection, "ROLLBACK TO s")
                if self.rnd.random() < .3:
                    self.judge(before, self.state(connection), "an error")
                continue
            after = self.state(connection)
            if not disturbs:
                self.judge_success(function, user, sql, before, after)
            before = after
        self.execute(connection, "ROLLBACK")

    def judge_success(self, function, user, sql, before, after):
        self.succeeded[function[0]] += 1
        if (function[3] != "v" or function[1] in HARMLESS) and not sql.startswith("CREATE"):
            self.judge(before, after, "a function that is STABLE")
        elif user == "nobody" and not sql.startswith("CREATE") and function[1] not in OWN_SESSION + DEFINERS:
            self.judge(before, after, "who has no right to")
        elif function[1] not in OWN_SESSION:
            self.judge(before[:1], after[:1], "a function")

    # --- systematic units

    def sound_calls(self, kind):
        """-> [(function, arguments)], calls that succeed"""
        calls = []
        for function in self.functions:
            if function[2] == kind:
                none = [{}] if function[6] == len(function[5]) else []
                calls += [(function, chosen) for chosen in self.good(function[0]) or none]
        return calls

    def hard_calls(self, kind):
        """-> the same, each with one text or table that is hard"""
        calls = []
        for function, chosen in self.sound_calls(kind):
            for name, type_ in zip(function[4] or [], function[5]):
                for marked in (type_, type_ + "+"):
                    if marked in HARD_TYPES:
                        calls.append((function, dict(chosen, **{name: marked})))
        return calls

    def fragment_calls(self, kind):
        """-> the same, each with one text of SQL that contains a fragment"""
        calls = []
        for function, chosen in self.sound_calls(kind):
            for name, type_ in zip(function[4] or [], function[5]):
                for form in FRAGMENT_FORMS.get(name, []):
                    for fragment in values.FRAGMENTS:
                        text = literal(form.replace("%s", fragment))
                        calls.append((function, dict(chosen, **{name: Fragment("ARRAY[%s]" % text if type_.endswith("[]") else text)})))
        return calls

    def systematic_units(self):
        """-> [(method, arguments)]; where a type stands for a value, it is drawn"""
        rnd = random.Random(args.seed)
        units = [(self.spoiled_unit, end) for end in values.SPOILED] + [(self.psql_unit, s) for s in values.PSQL_STATEMENTS]

        def cut(calls, size, method, *more):
            rnd.shuffle(calls)
            return [(method, calls[i:i + size]) + more for i in range(0, len(calls), size)]

        untrapped, hard = self.sound_calls("f"), self.hard_calls("f")
        rnd.shuffle(hard)
        # one of each function and type comes early, and each argument's name
        seen, early, late = set(), [], []
        for function, chosen in hard:
            name, type_ = next(item for item in chosen.items() if item[1] in HARD_TYPES)
            keys = {(function[0], type_.rstrip("+")), (name, type_)}
            (late if keys <= seen else early).append((function, chosen))
            seen |= keys
        trapped = [c for c in untrapped if not c[0][1].startswith(USERS_SQL)]
        units += cut(list(untrapped), 8, self.sound_unit, "superuser", False) + cut(list(untrapped), 8, self.sound_unit, "nobody", False)
        units += cut(trapped, 8, self.sound_unit, "superuser", True) + cut(early, 8, self.sound_unit, "superuser", False)
        units += cut(self.sound_calls("p") + self.hard_calls("p"), 10, self.recipes_unit)
        # a few of those with fragments come early
        fragments = cut(self.fragment_calls("f"), 8, self.sound_unit, "superuser", False) + cut(self.fragment_calls("p"), 10, self.recipes_unit)
        fragments += [(self.expand_unit, fragment) for fragment in values.FRAGMENTS]
        rnd.shuffle(fragments)
        if args.fragments:
            return fragments
        units += fragments[:8]
        rnd.shuffle(units)
        return [(self.imports_unit, format_) for format_ in imports.FILES] + units + cut(late, 8, self.sound_unit, "superuser", False) + fragments[8:]

    def hard_value(self, type_):
        text = self.rnd.choice(values.HARD_LONG if type_.endswith("+") else values.HARD)
        if type_ == "text[]+":
            return "ARRAY[%s]" % literal(text)
        type_ = type_.rstrip("+")
        if type_ == "regclass":
            return "(%s)::regclass" % self.rnd.choice(values.HARD_RELATIONS)
        if type_ == "text[]":
            return literal(self.rnd.choice(values.HARD_ARRAYS)) + "::text[]" if self.rnd.random() < .5 else "ARRAY[%s]" % literal(text)
        return literal(text[:15] if type_ == "name" else text) + "::" + type_

    def systematic_call(self, function, chosen):
        self.called[function[0]] += 1
        self.counts["calls"] += 1
        self.own_syntax = not any(isinstance(v, Fragment) or v.rstrip("+") in ("text", "text[]") and n in SQL_ARGUMENTS for n, v in chosen.items())
        drawn = {n: self.hard_value(v) if v in HARD_TYPES else v for n, v in chosen.items()}
        return 'cmig."%s"(%s)' % (function[1], ", ".join('"%s" => %s' % item for item in drawn.items()))

    def sound_unit(self, calls, user, trapped):
        connection = self.session(user)
        self.statements.append("-- as " + user)
        self.execute(connection, "BEGIN")
        if trapped:
            self.execute(connection, TRAPPED)
        start = self.state(connection)
        for function, chosen in calls:
            sql = "SELECT * FROM " + self.systematic_call(function, chosen)
            self.execute(connection, "SAVEPOINT s")
            before = start
            if user == "superuser" and function[0].replace("cmig.", "", 1) in BEFORE:
                self.execute(connection, "SET LOCAL search_path = app, public")
                self.prepare(connection, function)
                if trapped:
                    self.execute(connection, TRAPPED)
                self.execute(connection, "SAVEPOINT s")
                before = self.state(connection)
            if not self.execute(connection, sql):
                self.judge_success(function, user, sql, before, self.state(connection))
            elif self.rnd.random() < .3:
                self.execute(connection, "ROLLBACK TO s")
                self.judge(before, self.state(connection), "an error")
            self.execute(connection, "ROLLBACK TO s")
            if before is not start:
                self.execute(connection, "RELEASE s; ROLLBACK TO s")
        self.execute(connection, "ROLLBACK")

    def expand_unit(self, fragment):
        """Expand a revision of which a line has the fragment, and contract it, or abandon the expansion."""
        connection = self.session("superuser")
        for line in ("up", "down"):
            for end in ("contract", "abandon"):
                self.dirty = True
                self.execute(connection, "DROP SCHEMA IF EXISTS small CASCADE; CREATE SCHEMA small; CREATE TABLE small.plain (id int PRIMARY KEY, name text, amount numeric); "
                                         "INSERT INTO small.plain VALUES (1, 'a', 1); DELETE FROM cmig.version; DELETE FROM cmig.progress; DELETE FROM cmig.journal; DELETE FROM cmig.revision")
                texts = {"up": "name", "down": "name", line: fragment.replace("app.plain", "small.plain")}
                script = "ALTER TABLE small.plain ALTER name TYPE varchar(9);\n-- cmig:up small.plain.name = %(up)s\n-- cmig:down small.plain.name = %(down)s\n" % texts
                if self.execute(connection, "SELECT cmig.create_revision('m', %s, revision => 'odd', expand => true)" % literal(script)):
                    continue
                self.counts["calls"] += 2
                if self.execute(connection, "CALL cmig.expand('odd', confirm => true)"):
                    self.counts["expansions refused"] += 1
                else:
                    self.counts["expansions"] += 1
                    self.execute(connection, "UPDATE small.plain SET name = 'b'")
                    self.execute(connection, "CALL cmig.%s()" % end)
                self.execute(connection, "SELECT * FROM cmig.status()")

    def recipes_unit(self, calls):
        connection = self.session("superuser")
        self.dirty = True
        for function, chosen in calls:
            self.prepare(connection, function)
            before = self.state(connection, False)
            if not self.execute(connection, "CALL " + self.systematic_call(function, chosen)):
                self.succeeded[function[0]] += 1
            self.judge(before, self.state(connection, False), "a procedure or function")

    def spoiled_unit(self, end):
        """end: what comes after a sound file, and how often"""
        text, times = end
        files = self.rnd.choice(self.chains)[:1] + [text * times]
        self.load_files(files if self.rnd.random() < .5 else files[1:])

    def imports_unit(self, format_):
        connection = self.session("superuser")
        self.execute(connection, "BEGIN")
        for _ in range(60):
            self.execute(connection, "SAVEPOINT s")
            if self.execute(connection, "SELECT * FROM " + imports.call(format_, self.rnd, literal)):
                self.execute(connection, "ROLLBACK TO s")
        self.execute(connection, "ROLLBACK")

    def psql_unit(self, statement):
        connection = self.session("superuser")
        self.dirty = True
        for strings in ("on", "off") if connection.server_version < 190000 else ("on",):
            self.run_by_both(connection, "by psql", statement.replace("CANARY", self.folder + "/canary"), strings)

    def procedures_unit(self):
        user = self.rnd.choice(["superuser", "superuser", "migrator", "nobody"])
        connection = self.session(user)
        self.statements.append("-- as " + user)
        self.dirty = True
        for _ in range(self.rnd.choice([10, 30])):
            how = self.rnd.random()
            before = self.state(connection, False)
            if how < .15:
                self.execute(connection, self.disturbance().replace("SET LOCAL", "SET"))
                continue
            function = self.rnd.choice([f for f in self.functions if (f[2] == "p") == (how < .8)])
            call = self.call_of(function)
            if function[2] == "p" and self.rnd.random() < .1:
                sql = "DO $fuzz$BEGIN CALL %s; END$fuzz$" % call
            elif function[2] == "p":
                sql = "CALL " + call
            else:
                sql = "SELECT * FROM " + call
            whole = self.state(connection) if user == "nobody" else None
            if not self.execute(connection, sql):
                self.succeeded[function[0]] += 1
            if function[1] not in OWN_SESSION:
                self.judge(before, self.state(connection, False), "a procedure or function")
                if whole and function[1] not in DEFINERS:
                    self.judge(whole, self.state(connection), "who has no right to")
        self.execute(connection, "SELECT * FROM cmig.check()")
        self.execute(connection, "SELECT * FROM cmig.status()")

    def revision_text(self, number, parent):
        statement = ";\n".join(self.values.mutated(self.rnd.choice(values.SCRIPTS), 1) if self.rnd.random() < .1
                               else self.rnd.choice(values.SCRIPTS) for _ in range(self.rnd.randrange(1, 4)))
        return "-- revision: f%d\n-- down_revision: %s\n-- message: fuzz\n\n-- cmig:upgrade\n%s;\n\n-- cmig:downgrade\n%s;\n" % (
            number, parent, statement, self.rnd.choice(values.SCRIPTS))

    def files_unit(self):
        rnd = self.rnd
        if rnd.random() < .6:
            texts = rnd.choice(self.chains)[0 if rnd.random() < .8 else 1:rnd.choice([2, 3, 9])]
        else:
            texts = [self.revision_text(n, "f%d" % (n - 1) if n else "") for n in range(rnd.randrange(1, 4))]
        if rnd.random() < .4:
            texts = ["==> %s.sql <==\n%s" % (rnd.choice(["a", "001_x", "é", "a b/c"]) + str(n), t) for n, t in enumerate(texts)]
        if rnd.random() < .7:
            n = rnd.randrange(len(texts))
            texts[n] = self.values.mutated(texts[n], rnd.choice([1, 1, 1, 2, 5]))
        if rnd.random() < .1:
            texts[-1] += rnd.choice(values.DEEP_FILES) * 100000
        self.load_files(texts)

    def load_files(self, texts):
        rnd, connection = self.rnd, self.session("superuser")
        text = rnd.choice(["", "", "\n"]).join(texts).replace("\0", "")
        load = self.directory_of(texts) if rnd.random() < .3 else "cmig.load(%s)" % literal(text)
        self.execute(connection, "BEGIN")
        self.execute(connection, "SAVEPOINT e; DELETE FROM cmig.version; DELETE FROM cmig.journal; DELETE FROM cmig.revision")
        before = self.state(connection)
        self.counts["calls"] += 1
        self.counts["files"] += 1
        error = self.execute(connection, "SAVEPOINT s; SELECT * FROM " + load)
        if error:
            self.execute(connection, "ROLLBACK TO s")
            self.judge(before, self.state(connection), "an error")
        else:
            self.counts["files loaded"] += 1
            if self.export_and_load(connection):
                self.execute(connection, "SELECT * FROM cmig.check()")
                self.up_and_down(connection)
        self.execute(connection, "ROLLBACK")

    def directory_of(self, texts):
        """A directory of bytes on the server -> the call that loads it."""
        rnd, folder = self.rnd, self.folder + "/files"
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        for n, text in enumerate(texts):
            data = text.encode(rnd.choice(["utf-8"] * 9 + ["utf-16"]), "surrogatepass")
            if rnd.random() < .4:
                at = rnd.randrange(len(data) + 1)
                data = data[:at] + rnd.choice([b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xc0\x80", b"\xef\xbb\xbf"]) + data[at + rnd.randrange(3):]
            if rnd.random() < .1:
                data = data[:rnd.choice([0, 1, 2, 3, len(data) - 1])]
            name = "%d%s.sql" % (n, rnd.choice(["", "", "x" * 200, " ", "\n", "é", "'", "%s", "\\"]))
            with open(folder + "/" + name, "wb") as file:
                file.write(data)
            self.statements.append("-- file %r: %r" % (name, data[:2000]))
        how = rnd.random()
        if how < .05:
            os.symlink("nowhere", folder + "/gone.sql")
        elif how < .1:
            os.mkdir(folder + "/folder.sql")
        elif how < .15:
            os.mkfifo(folder + "/pipe.sql")
        return "cmig.load_directory(%s)" % literal(folder)

    def export_and_load(self, connection):
        """-> the revisions are there"""
        columns = "revision, down_revision, depends_on, branch_labels, message, description, upgrade_sql, downgrade_sql, verify_sql, transactional, created_at"
        cur = connection.cursor()
        sql = """SELECT (SELECT string_agg(content, '' ORDER BY file_name, content) FROM cmig.export(':')),
            (SELECT jsonb_agg(to_jsonb(r) ORDER BY revision)::text FROM (SELECT %s FROM cmig.revision) r)""" % columns
        self.statements.append(sql)
        try:
            cur.execute(sql)
        except psycopg2.Error as error:
            if error.pgcode[:2] != "MG":
                raise Defect("not exported", error.pgcode, str(error))
            self.execute(connection, "ROLLBACK TO s")
            return False
        first = cur.fetchone()
        self.counts["exports"] += 1
        error = first[0] and self.execute(connection, "SAVEPOINT x; DELETE FROM cmig.revision; SELECT * FROM cmig.load(%s)" % literal(first[0]))
        if error:
            raise Defect("not loaded again", error.pgcode, str(error))
        cur.execute(sql)
        if first != cur.fetchone():
            raise Defect("other after export and load")
        return True

    def up_and_down(self, connection):
        self.execute(connection, "SAVEPOINT u")
        before = self.state(connection)
        for sql in ("SELECT * FROM cmig.plan('upgrade', 'heads')", "SELECT cmig.script('upgrade', 'heads')", "SELECT * FROM cmig.upgrade('heads')",
                    "SELECT * FROM cmig.downgrade('base')"):
            self.counts["calls"] += 1
            error = self.execute(connection, sql)
            if error:
                self.counts["files not run"] += 1
                self.execute(connection, "ROLLBACK TO u")
                self.judge(before, self.state(connection), "an error")
                return
            self.execute(connection, "SAVEPOINT u")
            before = self.state(connection)
        self.counts["files up and down"] += 1

    # --- by psql

    def odd_statement(self):
        """-> a statement whose texts psql could take for something else"""
        rnd = self.rnd
        word = "".join(rnd.choice(values.FOR_PSQL + ["x", " ", "\n"]) for _ in range(rnd.randrange(1, 6))).replace("CANARY", self.folder + "/canary")
        quoted = word.replace("'", "''")
        forms = ["'%s'" % quoted, "E'%s'" % quoted.replace("\\", "\\\\"), "$q$%s$q$" % word.replace("$", ""), "U&'%s'" % quoted.replace("\\", "\\\\"),
                 "'%s' /* %s */" % (quoted, word.replace("*", "").replace("/", "")), "'%s' -- %s\n" % (quoted, word.replace("\n", "")),
                 "(SELECT '%s' AS \"%s\")" % (quoted, word.replace('"', '""')[:40] or "x"), "'%s'" % word, word]
        return "INSERT INTO app.word VALUES (%s)" % rnd.choice(forms)

    def scripts_unit(self):
        connection = self.session("superuser")
        self.dirty = True
        for _ in range(6):
            message = "".join(self.rnd.choice(values.FOR_PSQL) for _ in range(3)).replace("CANARY", self.folder + "/canary").replace("\n", " ")
            script = ";\n".join(self.odd_statement() for _ in range(self.rnd.randrange(1, 4)))
            self.run_by_both(connection, message, script, self.rnd.choice(["on", "off"]))

    def run_by_both(self, connection, message, script, strings):
        """Run a script by upgrade and by psql, and compare the rows."""
        self.statements = []
        self.execute(connection, "DROP TABLE IF EXISTS app.word; CREATE TABLE app.word (w text); DELETE FROM cmig.version; "
                                 "DELETE FROM cmig.progress; DELETE FROM cmig.journal; DELETE FROM cmig.revision")
        if not self.execute(connection, "SELECT cmig.create_revision(%s, %s, revision => 'odd')" % (literal(message), literal(script))):
            self.compare_with_psql(connection, strings)

    def compare_with_psql(self, connection, strings):
        canary = self.folder + "/canary"
        result = "SELECT (SELECT string_agg(w, '|' ORDER BY ctid) FROM app.word), (SELECT string_agg(revision, ',') FROM cmig.version)"
        cur = connection.cursor()
        self.execute(connection, "BEGIN")
        failed = self.execute(connection, "SELECT * FROM cmig.upgrade('odd')")
        if not failed:
            cur.execute(result)
            wanted = cur.fetchone()
        self.execute(connection, "ROLLBACK")
        self.statements.append("SELECT cmig.script('upgrade', 'base:odd', version_table => 'cmig.version')")
        try:
            cur.execute(self.statements[-1])
        except psycopg2.Error:
            self.counts["scripts refused"] += 1
            return
        psql = subprocess.run(
            ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", args.dsn + " dbname=" + DATABASE], input=cur.fetchone()[0], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, PGOPTIONS="-c standard_conforming_strings=" + strings, PGCLIENTENCODING="UTF8"))
        self.counts["scripts run by psql"] += 1
        self.statements.append("-- psql, standard_conforming_strings = %s: %s" % (strings, psql.stderr))
        if os.path.exists(canary):
            os.unlink(canary)
            raise Defect("a script made psql run a command")
        cur.execute(result)
        if not failed and cur.fetchone() != wanted:
            raise Defect("a script did not do by psql what upgrade did", psql.returncode, psql.stderr)
        if not failed:
            self.counts["scripts that did the same"] += 1

    # --- the run

    def systematic_index(self, number):
        """-> the place in the list of systematic units, or None for a random unit"""
        if args.fragments:
            return number
        first = (len(self.systematic) + 2) // 3 * 4
        if number < first:
            index = number // 4 * 3 + number % 4
            return index if number % 4 < 3 and index < len(self.systematic) else None
        return None if number % 2 else number // 2 % len(self.systematic)

    def unit(self, number):
        self.rnd = random.Random("%d/%d" % (args.seed, number))
        self.values = values.Values(self.rnd, DATABASE, self.table_columns)
        self.statements, self.own_syntax = [], False
        self.compares = self.rnd.random() < args.compare
        index = self.systematic_index(number)
        if index is None:
            unit, arguments = self.rnd.choice([self.calls_unit] * 16 + [self.files_unit] * 6 + [self.procedures_unit] * 3 + [self.scripts_unit]), ()
        else:
            unit, *arguments = self.systematic[index]
        if self.dirty or unit in (self.procedures_unit, self.scripts_unit, self.recipes_unit, self.psql_unit):
            self.fresh_database()
        try:
            unit(*arguments)
        except Defect as defect:
            self.report(number, unit.__name__, defect)
            self.dirty = True
        except psycopg2.Error as error:
            self.report(number, unit.__name__, Defect("no statement expected this", str(error)))
            self.dirty = True
        self.counts["units"] += 1

    def report(self, number, unit, defect):
        function = re.search(r'cmig\."?(\w+)', self.statements[-1] if self.statements else "")
        facts = " ".join(str(a) for a in defect.args)
        kind = re.sub(r'"[^"]*"|[0-9]+', "#", facts.split("\n")[0]) + (function.group(1) if function else "")
        self.defects[kind] += 1
        if self.defects[kind] > 1:
            return
        print("\nDEFECT in unit %d (%s): %s" % (number, unit, facts))
        for sql in self.statements:
            print("    " + (sql if len(sql) < 3000 else sql[:3000] + " ...").replace("\n", "\n    ") + ";")
        print("repeat: scripts/fuzz --seed %d --unit %d" % (args.seed, number), flush=True)

    def run(self):
        end = time.time() + args.minutes * 60 if args.minutes else None
        number = 0
        if args.unit is not None:
            self.unit(args.unit)
            if not self.defects:
                print(";\n".join(self.statements))
            return
        while not (args.fragments and number >= len(self.systematic)) and not (args.calls and self.counts["calls"] >= args.calls) and not (end and time.time() >= end) and not (
                args.kinds and len(self.defects) >= args.kinds):
            self.unit(number)
            number += 1

    def summary(self):
        callable_ = [f for f in self.functions if f[7]]
        never = [f[0] for f in callable_ if not self.succeeded[f[0]]]
        print("\nseed %d: " % args.seed + ", ".join("%d %s" % (n, what) for what, n in sorted(self.counts.items())))
        print("by SQLSTATE: " + ", ".join("%s %d" % s for s in self.states.most_common()))
        good = sum(self.succeeded.values())
        print("calls that succeeded: %d, of %d of %d functions" % (good, len(callable_) - len(never), len(callable_)))
        missed = [f[0] for f in self.functions if not self.called[f[0]]]
        if missed:
            print("not called: " + ", ".join(missed))
        print("never without an error: " + (", ".join(never) or "none"))
        if never and not args.fragments and self.counts["units"] >= (len(self.systematic) + 2) // 3 * 4:
            # each was called in a way that succeeds
            self.defects["no success"] += 1
            print("DEFECT: a function that never succeeded")
        print("%d defects, %d kinds" % (sum(self.defects.values()), len(self.defects)))


if not (args.calls or args.minutes or args.fragments or args.unit is not None):
    args.minutes = 1
fuzzer = Fuzzer()
try:
    fuzzer.run()
finally:
    fuzzer.close_sessions()
    shutil.rmtree(fuzzer.folder, ignore_errors=True)
    fuzzer.summary()
    fuzzer.reconnect()
    cur = fuzzer.admin.cursor()
    for name in (DATABASE, TEMPLATE):
        cur.execute("DROP DATABASE IF EXISTS %s WITH (FORCE)" % name)
    for user in filter(None, USERS.values()):
        cur.execute("DROP ROLE IF EXISTS " + user)
sys.exit(bool(fuzzer.defects))
