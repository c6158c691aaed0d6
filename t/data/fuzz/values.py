# Copyright (c) 2026, the pg_cmig developers

"""Values for arguments, and mutations of texts; all drawn from one Random."""

import os
import re

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")

HOSTILE = [
    "", " ", "'", '"', "\\", "';--", '"; DROP TABLE x; --', "%s%n%d", "$$", "$1", "\n", "\r\n", "\t", "\x01", "\x7f", "\ufeff", "\u200b",
    "é", "e\u0301", "名前", "🦊", "a" * 63, "a" * 64, "ü" * 64, "x" * 10000, "(" * 3000, "1" * 400, "NULL", "null", "{}", "{NULL}",
    '{"a":', "[1,2", "0", "-1", "1e400", "NaN", "infinity", "-infinity", "\\.", "\\!", "/* ", "-- ", "E'\\", "$cmig$", ":x", ":'HOST'",
    "pg_catalog", "pg_temp", "public", "pg_toast", "information_schema", "current_user", "PUBLIC", "postgres", "*", "ALL", ".", "..",
    "a.b", "a.b.c.d", "==> x <==", "-- cmig:upgrade", "-- revision: x", "%(rev)s_%(slug)s", "%%(x)s", "%(epoch)s%(year)d", "../../x",
]
IDS = ["001", "002", "003_invoices", "003_search", "004_totals", "005_bad", "tools"]
TARGETS = IDS + ["head", "heads", "base", "current", "billing", "billing@head", "billing@heads", "billing@base", "+1", "-1", "+2", "-2",
                 "billing@+1", "billing@-1", "002+1", "004_totals-1", "003", "00", "x@y", "@", "+", "+0", "-0", "+99999999999999999999",
                 "base:heads", ":", "current:", ":current", "001:tools", "-1:+1", "head:base", "003_search,tools", "heads@heads"]
COLUMNS = ["id", "user_id", "tenant_id", "name", "amount", "v", "secret", "doc", "list", "pair", "twice", "short", "plain_id", "a", "b",
           "Odd \"column'", "a.b", "user id", "ctid", "tableoid", "xmin", "nothing", "value", "at"]
TABLES = ["plain", "shapes", "no_key", "no_columns", "\"Odd \"\"table'; --\"", "two_keys", "child", "parted", "parted_1", "parted_2",
          "parent", "heir", "unlogged", "typed", "seen", "stored", "counter", "plain_name", "plain_pkey", "big", "audited", "audited_shapes",
          "guarded", "old_log", "far", "of_superuser", "pair", "account"]
ORDINARY = ["plain", "shapes", "two_keys", "child", "audited", "audited_shapes", "guarded", "parted", "account", "no_key"]
SYSTEM = ["pg_catalog.pg_class", "pg_catalog.pg_authid", "pg_catalog.pg_class_oid_index", "pg_catalog.pg_stat_activity", "cmig.revision",
          "cmig.version", "cmig.journal", "cmig.backfill_run", "cmig.backfill_progress", "cmig.secret", "cmig_audit.log", "cmig_audit.layout",
          "information_schema.tables", "fuzz.odd"]
ROLES = ["regress_fuzz_nobody", "regress_fuzz_migrator", "postgres", "PUBLIC", "public", "none", "current_user", "session_user",
         "pg_read_all_data", "pg_database_owner", "nobody at all"]
SCHEMAS = ["app", "public", "cmig", "cmig_audit", "pg_catalog", "pg_toast", "pg_temp", "information_schema", "Odd \"schema'", "nothing"]
CONDITIONS = ["id > 0", "true", "NULL", "v IS NOT NULL", "id = ANY (ARRAY[1])", "1 / 0 = 1", "(SELECT true)", "random() > 2", "user_id ~ '('",
              "id > 0; DROP TABLE app.plain", "id > 0 --", "id > 0 /*", "$1", "count(*) > 1", "row_number() OVER () = 1", "nothing = 1", "1",
              "plain IS NOT NULL", "id::text COLLATE \"C\" > ''", "exists (SELECT FROM cmig.upgrade())", "tableoid > 0", "CURRENT OF x"]
SETS = ["name = 'x'", "v = v", "v = '1'", "user_id = user_id || 'x'", "id = id + 100", "id = id", "v = NULL", "(user_id) = ROW('x')", "v = DEFAULT",
        "v = 1 / 0", "user_id = (SELECT max(user_id) FROM app.plain)", "nothing = 1", "v", "v =", "v = 'x' WHERE true", "v = 'x' RETURNING 1",
        "list[1] = 2", "pair.a = 1", "ctid = '(0,0)'", "v = v; SELECT 1", "v = $1", "short = repeat('x', 30)", "doc['a'] = '1'"]
SCRIPTS = ["CREATE TABLE app.fuzzed (id int)", "DROP TABLE app.fuzzed", "SELECT 1; SELECT 2", "", ";", ";;", "SELECT '", "SELECT $x$", "/*",
           "COMMIT", "BEGIN; SELECT 1; COMMIT;", "BEGIN", "SAVEPOINT x", "ROLLBACK", "VACUUM", "COPY app.plain FROM STDIN", "COPY app.plain TO STDOUT",
           "SET ROLE regress_fuzz_nobody", "RESET ROLE", "SET SESSION AUTHORIZATION regress_fuzz_nobody", "RESET ALL", "DISCARD ALL", "LISTEN x",
           "SET search_path = pg_temp", "SET LOCAL cmig.role = 'none'", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "PREPARE p AS SELECT 1",
           "DROP EXTENSION pg_cmig", "DROP SCHEMA app CASCADE", "DELETE FROM cmig.version", "DELETE FROM cmig.revision", "SELECT cmig.upgrade()",
           "DROP FUNCTION cmig.status()", "ALTER TABLE cmig.version ADD x int", "DROP TABLE cmig.journal", "CALL cmig.upgrade_stepwise()",
           "CREATE TEMP TABLE revision (x int)", "DO $$ BEGIN RAISE 'x'; END $$", "SELECT 1/0", "\\d", "\\copy x from y", "CREATE FUNCTION", "x",
           "LOCK TABLE app.plain", "ALTER TABLE app.guarded DISABLE ROW LEVEL SECURITY", "DROP TABLE app.audited", "SELECT set_config('role', 'x', true)",
           "SELECT set_config('transaction_isolation', 'serializable', false)", "SET CONSTRAINTS ALL IMMEDIATE", "CLOSE ALL", "DEALLOCATE ALL",
           "SET TRANSACTION READ ONLY", "CREATE INDEX CONCURRENTLY x ON app.plain (id)", "DROP INDEX CONCURRENTLY app.plain_name",
           "CALL cmig.backfill('app.plain', 'name = 1')", "CALL cmig.add_not_null('app.plain', 'name')", "ALTER TYPE app.mood ADD VALUE 'c'",
           "SELECT cmig.create_revision('m', 's')", "SELECT cmig.stamp('base')", "LOAD 'pg_cmig'", "EXPLAIN ANALYZE SELECT 1",
           "CREATE TABLE app.x AS SELECT * FROM cmig.status()", "SELECT * FROM cmig.enable_audit('app.plain')"]
# What is no expression by itself, or not in each place, or means something else there.  ROW(1, plain.*) is left out:
# PostgreSQL accepts it as a default in plain, and crashes when a row needs it.
FRAGMENTS = [
    "*", "plain.*", "app.plain.*", "plain", "(plain).*", "(plain).name", "(SELECT plain)", "DEFAULT", "$1", "$0", "$99999", "ROW()", "(1, 2)",
    "(SELECT 1, 2)", "(SELECT)", "(VALUES (1), (2))", "(TABLE app.plain)", "ARRAY(SELECT plain FROM app.plain)", "EXISTS (SELECT)", "count(*)", "max(id)",
    "string_agg(name, ',' ORDER BY id) FILTER (WHERE true)", "count(*) OVER ()", "lag(name) OVER w", "GROUPING(id)", "generate_series(1, 3)", "unnest('{a,b}'::text[])",
    "jsonb_each('{}')", "CURRENT OF c", "CURRENT_CATALOG", "now() AT TIME ZONE 'nowhere'", "name COLLATE \"nowhere\"", "id::nowhere", "'x'::app.nowhere", "name::app.mood",
    "CAST(id AS app.short)", "'(1,x)'::app.pair", "NULL::app.pair", "(NULL::app.pair).a", "xmlelement(name x, plain)", "XMLPARSE(DOCUMENT name)",
    "name[1]", "name[:]", "(ARRAY[plain])[1].name", "id = ANY (plain)", "id IN ()", "id IN (1, (SELECT 2))", "OVERLAPS", "(now(), now()) OVERLAPS (now(), now())",
    "CASE id WHEN plain THEN 1 END", "CASE END", "COALESCE()", "NULLIF(plain, plain)", "GREATEST(plain, NULL)", "nowhere(id)", "pg_catalog.nowhere(id)",
    "lower(VARIADIC ARRAY['a'])", "concat(VARIADIC NULL)", "lower(string => name)", "lower(name, name => 1)", "nextval('app.counter')", "setval('app.counter', 1)",
    "cmig.current_user_id()", "cmig.upgrade('heads')", "pg_catalog.set_config('role', 'none', false)", "pg_catalog.pg_sleep(0)", "txid_current()", "name IS DOCUMENT",
    "name IS NORMALIZED", "U&'\\FFFF'", "U&'\\0041' UESCAPE '!'", "U&\"\\0041\"", "B'2'", "X'G'", "E'\\x00'", "1e999999", "0x10", "1_000", "1.", "..", "a..b", "a.b.c.d.e",
    "oid", "ctid", "tableoid", "xmin", "cmin", "-1", "id -- x", "id /* x", "id */", "id; SELECT 1", "id)", "(id", "id AS x", "id x", "ALL id", "DISTINCT id", "id FROM app.plain",
    "id WHERE true", "id UNION SELECT 1", "id INTO x", "id LIMIT 1", "(SELECT 1 FOR UPDATE)", "(SELECT id FROM app.plain FOR UPDATE)", "(WITH x AS (DELETE FROM app.plain RETURNING 1) SELECT 1)",
    "(SELECT 1 INTO x)", "\"\"", "\"" + "x" * 70 + "\"", "OPERATOR(pg_catalog.+) 1", "id OPERATOR(nowhere.+) 1", "id ! 1", "@ id", "NOT id", "NOT", ""]
KEYS = ["1", "{1}", '{"id": 1}', '{"a": 1, "b": "b1"}', "(1,b1)", "[1]", "null", '{"id": null}', '{"id": {"x": []}}', '{"id": 1e1000}']
MAPPINGS = ["{}", "[]", "null", '"x"', "1", '{"table_name": "table_name", "operation": "op", "old_row": "old", "new_row": "new"}',
            '{"table_name": "table_name", "operation": "op", "new_row": "new", "clock_at": "changed_at"}', '{"operation": null}',
            '{"target": "app.plain", "operation": "op", "new_row": "row_data"}', '{"table": {"a": [1]}}', '{"": ""}', '{"old_row": "id"}']

# The values that an argument of a name is made for.
BY_NAME = {
    "direction": ["upgrade", "downgrade", "up", "UPGRADE"], "target": TARGETS, "targets": TARGETS, "revision": TARGETS, "revisions": TARGETS,
    "head": TARGETS, "range": TARGETS, "depends_on": TARGETS, "confirm": ["DATABASE", "x"], "in_doubt": ["stop", "done", "again", "skip"],
    "level": ["off", "base", "on", "application", "reader", "author", "migrator", "statement", "row", "all"],
    "role": ROLES, "roles": ROLES, "bypass_roles": ROLES, "schema": SCHEMAS, "pattern": ["%", "a%", "_", "\\", "%\\"],
    "set_sql": SETS, "where_sql": CONDITIONS, "condition": CONDITIONS, "upgrade_sql": SCRIPTS, "downgrade_sql": SCRIPTS, "verify_sql": SCRIPTS, "target_sql": SCRIPTS,
    "user_column": COLUMNS, "tenant_column": COLUMNS, "key_column": COLUMNS, "via_key": COLUMNS, "via_user": COLUMNS, "columns": COLUMNS,
    "column_name": COLUMNS, "referenced_columns": COLUMNS, "exclude": COLUMNS, "include": COLUMNS, "redact": COLUMNS, "hash": COLUMNS,
    "commands": ["ALL", "SELECT", "INSERT", "UPDATE", "DELETE", "select"], "operations": ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "insert"],
    "format": re.findall(r'^	\{"([a-z-]+)"', open(os.path.join(TOP, "src/adopt/tools.c")).read(), re.M),
    "tool": ["alembic", "flyway", "dbmate", "rails", "x"],
    "image": ["row", "changes", "none"], "oversize": ["error", "truncate", "skip"],
    "on_delete": ["CASCADE", "SET NULL", "NO ACTION", "RESTRICT", "SET DEFAULT", "set null (id)"],
    "on_update": ["CASCADE", "SET NULL", "NO ACTION", "RESTRICT"], "key": KEYS, "user_id": ["u1", "u2"], "tenant_id": ["t1"],
    "user_ids": ["u1", "u2", "u0"], "tenant_ids": ["t0", "t1"], "version_table": ["alembic_version", "app.plain", "a.b.c", "cmig.version"],
    "path": ["/nonexistent", "", ".", "base", "/etc/passwd", "/dev/null", "pg_wal"], "name": ["c1", "c d", "c\"'d", "plain_pkey", "a" * 63],
    "message": ["Message", "two\nlines"], "branch_label": ["billing", "other", "001", "head"],
    "file_template": ["%(rev)s_%(slug)s", "%(year)d", "%(x)s", "%", "%(rev)", "x/y", ""],
}
NUMBERS = ["0", "1", "-1", "2", "7", "100", "2147483647", "-2147483648"]
BIG_NUMBERS = NUMBERS + ["9223372036854775807", "-9223372036854775808"]
BY_TYPE = {
    "boolean": ["true", "false"],
    "smallint": ["0", "1", "-32768", "32767"],
    "integer": NUMBERS,
    "bigint": BIG_NUMBERS,
    "numeric": BIG_NUMBERS + ["NaN", "Infinity", "1e1000", "1e-1000"],
    "double precision": ["0", "1", "-1", "NaN", "Infinity", "-Infinity", "1e308", "1e-308"],
    "interval": ["0", "1 microsecond", "1 millisecond", "-1 day", "1 day", "178000000 years", "-178000000 years", "1 mon -30 days"],
    "timestamp with time zone": ["now", "infinity", "-infinity", "4713-01-01 00:00 BC", "294276-12-31 23:59:59", "2026-01-01", "epoch"],
    "xid8": ["0", "1", "3", "18446744073709551615", "1000"],
    "oid": ["0", "1", "1259", "4294967295"],
    "inet": ["::1", "10.0.0.0/8"],
    "bytea": ["", "\\x00", "\\x" + "ab" * 32],
}
# What makes a text deep when it is repeated.
DEEP = ["(", "[", "{", "/*", "$a$ ", "NOT ", "- ", "CASE WHEN ", "-- revision: a", "-- x-- revision: a\n", "==> a <==\n", "SELECT (", "'||'", "1+",
        '{"a":', "[1,", "a@", "a.", "-- cmig:upgrade\n", ";", "BEGIN ", "x::text", "ARRAY[", "+1", "/**/ ", "U&'", "\n", "true AND ", "('a' || "]
DEEP_FILES = ["-- revision: a", "-- x-- revision: a\n", "/*", "$a$ ", "==> a <==\n", "("]
# what psql could take for a command, a variable, or the end of something
FOR_PSQL = ["\\! touch CANARY", "\n\\! touch CANARY\n", "\\", "'", '"', ":x", ":'HOST'", ':"USER"', ":{?x}", "`touch CANARY`", "\\g |touch CANARY", "\\o |touch CANARY\n",
            "\\gexec", ";", "--", "/*", "*/", "$q", "$$", "$cmig$", "\\'", "\\.\n", "\\q\n", "\r", "E'", "\\setenv", "\\set x `touch CANARY`", "\\copy x to program 'touch CANARY'"]
# What systematic units put in the place of a text argument: all kinds of quotes,
# texts that are cut within a character unless it is taken care of, what does not end.
HARD_LONG = ["名" * 300, "x" + "ü" * 300, "x" + "名" * 300]
HARD = ["x y\"' :z", "a\\b'", "/* ", "$x$", "'", "x -- y"]
HARD_ARRAYS = ["{{a,b},{c,d}}", "{{a},{b}}", "{NULL}", "{a,NULL}", "{}", "[0:1]={a,b}", "[-2147483648:-2147483648]={a}", "{\"\"}", "{a,a}"]
HARD_RELATIONS = ["SELECT oid FROM fuzz.odd WHERE name OPERATOR(pg_catalog.=) '%s'" % name for name in ("dropped", "dropped", "toast", "toast_index", "other_temp")] + [
    "0::oid", "4294967295::oid", "'cmig.revision'", "'pg_catalog.pg_class'", "'app.seen'", "'app.counter'", "'app.pair'"]
# (text, how often): the end of a file
SPOILED = [(text, 1) for text in ("-- revision: z\n-- cmig:upgrade\n" + end for end in ("/* x", "'x", "$x$ x", '"x', "E'x\\'", "SELECT 1; -- x", "/* /* */ x"))] + [
    (text, 200000) for text in DEEP_FILES]
# Valid statements in which psql could find a variable, a command, or another end of
# a string, unless script writes them otherwise.
PSQL_STATEMENTS = [
    "INSERT INTO app.word SELECT array_to_string((ARRAY['a', 'b', 'c'])[1:PORT], ',') FROM (SELECT 2 AS port) x",
    "INSERT INTO app.word SELECT array_to_string((ARRAY['a', 'b', 'c'])[1:\"PORT\"], ',') FROM (SELECT 2 AS \"PORT\") x",
    "INSERT INTO app.word VALUES ('a\\'), ('\n\\! touch CANARY\n')",
    "INSERT INTO app.word VALUES ('a\\'';\n\\! touch CANARY\n')",
    "INSERT INTO app.word VALUES ('a\\tb\\\\c')",
    "INSERT INTO app.word VALUES ('a'\n'b\\' ), ('c')",
    "SELECT set_config('standard_conforming_' || 'strings', 'off', false);\nINSERT INTO app.word VALUES ('a\\'');\n\\! touch CANARY\n--')",
    "SELECT set_config('standard_conforming_' || 'strings', 'off', true);\nINSERT INTO app.word VALUES ('a\\'');\n\\! touch CANARY\n--')",
    "INSERT INTO app.word VALUES (E'a'\n'b\\'';\n\\! touch CANARY\n')",
    "INSERT INTO app.word VALUES ($$a\n\\! touch CANARY\n$$), ($x$:PORT :'HOST' $$ $x$)",
    "INSERT INTO app.word VALUES ('a') /* '\n\\! touch CANARY\n */",
    "CREATE FUNCTION app.begin_case(\"begin\" int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END; INSERT INTO app.word VALUES ('a')",
]
# for anyelement and "any", in which the cast is part of the value
POLYMORPHIC = ["NULL", "'1'", "1", "1.5", "NULL::text", "1::bigint", "'x'::text", "ARRAY[1]", "ARRAY[]::text[]", "ROW(1, 'x')", "NULL::app.plain",
               "NULL::app.audited", "NULL::app.audited_shapes", "NULL::app.parted", "NULL::app.parted_1", "NULL::app.pair", "NULL::app.seen",
               "NULL::app.two_keys", "NULL::app.no_columns", "NULL::app.stored", "NULL::app.far", "NULL::pg_catalog.pg_class", "NULL::cmig_audit.log",
               "'good'::app.mood", "'s'::app.short", "NULL::app.short", "'{\"id\": 1}'::jsonb", "'null'::json", "pg_catalog.now()", "'NaN'::float8", "true",
               "int4range(1, 2)", "'\\x00'::bytea", "'(1,x)'::app.pair", "gen_random_uuid()", "B'101'", "'x'::name", "'x'::\"char\"", "point(1, 2)",
               "'app.plain'::regclass", "ROW()", "NULL::record", "'00000000-0000-0000-0000-000000000000'::uuid", "NULL::app.guarded",
               "NULL::cmig.revision", "NULL::int4multirange", "ARRAY[NULL::app.pair]"]


def literal(text):
    """An SQL literal that reads the same whatever standard_conforming_strings is."""
    text = text.replace("\0", "")
    if "\\" in text:
        return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    return "'" + text.replace("'", "''") + "'"


class Values:
    """careful: the next values are such as the function was made for; own:
    the columns of the table that was drawn last, if it was drawn so."""

    def __init__(self, rnd, database, columns):
        self.rnd, self.database, self.columns = rnd, database, columns
        self.careful, self.own = False, None

    def care(self, careful):
        self.careful, self.own = careful, None

    def text(self, name=None):
        """A text that fits the argument, mostly; otherwise anything."""
        rnd, fitting = self.rnd, BY_NAME.get(name)
        how = rnd.random()
        if self.careful and self.own and (fitting is COLUMNS or fitting is SETS):
            column = rnd.choice(self.own)
            return column if fitting is COLUMNS else '"{0}" = "{0}"'.format(column.replace('"', '""'))
        if fitting and (self.careful or how < .75):
            # the better ones stand first
            text = rnd.choice(fitting[:(len(fitting) + 1) // 2] if self.careful else fitting)
            return self.database if text == "DATABASE" else text
        if name == "target" and .75 <= how < .8:
            # of a table, where it is a text
            return "app." + rnd.choice(TABLES)
        if how > .99:
            return rnd.choice(DEEP) * rnd.choice([100, 4000, 100000])
        if how < .85:
            return rnd.choice(rnd.choice([TARGETS, COLUMNS, SCHEMAS, ROLES, CONDITIONS, SCRIPTS, KEYS, TABLES]))
        text = rnd.choice(HOSTILE)
        if rnd.random() < .3:
            text = self.mutated(text + rnd.choice(fitting or TARGETS))
        return text

    def array(self, element):
        """An array of any shape whose elements the function makes."""
        rnd, how = self.rnd, self.rnd.random()
        if how < .1:
            return "{}"
        if self.careful:
            return "{" + ",".join('"' + element().replace("\\", "\\\\").replace('"', '\\"') + '"' for _ in range(rnd.choice([1, 1, 2]))) + "}"
        if how < .2:
            return "{NULL}"
        items = [element() for _ in range(rnd.choice([1, 1, 1, 2, 3, 1000] if how > .25 else [1, 2]))]
        if rnd.random() < .1:
            items.append(None)
        if rnd.random() < .1:
            items.append(items[0])
        inner = "{" + ",".join(
            "NULL" if i is None else '"' + i.replace("\\", "\\\\").replace('"', '\\"') + '"' for i in items) + "}"
        if rnd.random() < .06:
            return "{" + inner + "," + inner + "}"
        if rnd.random() < .06:
            return "[-5:%d]=" % (len(items) - 6) + inner
        return inner

    def relation(self, name=None):
        """-> an expression of type regclass"""
        rnd, how = self.rnd, self.rnd.random()
        if self.careful or how < .55:
            table = rnd.choice(ORDINARY)
            if self.careful:
                self.own = self.columns.get(table)
            return "'app.%s'::regclass" % table
        if how < .8:
            return "'app.%s'::regclass" % rnd.choice(TABLES).replace("'", "''")
        if how < .9:
            return "'%s'::regclass" % rnd.choice(SYSTEM)
        if how < .95:
            return "%s::oid::regclass" % rnd.choice(BY_TYPE["oid"])
        return "(SELECT oid FROM fuzz.odd WHERE name OPERATOR(pg_catalog.=) '%s')::regclass" % rnd.choice(["dropped", "toast", "toast_index", "other_temp"])

    def value(self, type_, name=None):
        """-> an SQL expression of the type"""
        rnd = self.rnd
        if type_ in ("anyelement", '"any"', "anyarray", "anynonarray"):
            return rnd.choice(POLYMORPHIC)
        if rnd.random() < .08 and not self.careful:
            return "NULL::" + type_
        if name in ("pause", "max_lag"):
            # a long pause is no hang
            return rnd.choice(["'0'", "'1 microsecond'", "'-1 day'", "'-178000000 years'", "'1 mon -30 days'"]) + "::interval"
        if type_ == "regclass":
            return self.relation(name)
        if type_ == "regclass[]":
            return "ARRAY[" + ", ".join(self.relation() for _ in range(rnd.randrange(4))) + "]::regclass[]"
        if type_.endswith("[]"):
            base = type_[:-2]
            return literal(self.array(lambda: self.text(name) if base in ("text", "name") else rnd.choice(BY_TYPE[base]))) + "::" + type_
        if type_ in ("jsonb", "json"):
            return literal(rnd.choice(MAPPINGS + KEYS[2:3])) + "::" + type_
        if type_ in ("text", "name"):
            return literal(self.text(name)) + "::" + type_
        return literal(rnd.choice(BY_TYPE.get(type_) or HOSTILE)) + "::" + type_

    def mutated(self, text, times=None):
        """A text that somebody, or a disk, has spoiled."""
        rnd = self.rnd
        for _ in range(times or rnd.choice([1, 1, 2, 4, 10])):
            a, b = sorted(rnd.randrange(len(text) + 1) for _ in range(2))
            near = min(len(text), a + rnd.randrange(1, 30))
            # most often what begins a quote or a comment
            how = rnd.choice([8, 8, 8] + list(range(17)))
            if how == 16:
                text = text[:a] + rnd.choice(DEEP) * rnd.choice([10, 1000, 1000, 100000 if len(text) < 100000 else 1]) + text[a:]
            elif how == 0:
                text = text[:a] + text[near:]
            elif how == 1:
                text = text[:a] + rnd.choice(HOSTILE) + text[a:]
            elif how == 2:
                text = text[:a] + text[a:near] * 2 + text[near:]
            elif how == 3:
                text = text[:a]
            elif how == 4:
                text = text[a:]
            elif how == 5:
                text = text[:a] + chr(rnd.choice([1, 9, 10, 13, 27, 32, 34, 36, 39, 40, 41, 42, 45, 47, 59, 92, 127, 160, 0x2028, 0xfeff, 0x1f98a])) + text[near:]
            elif how == 6:
                text = text.replace("\n", rnd.choice(["\r\n", "\r", "\n\n", " "]))
            elif how == 7:
                text = text[:a] + rnd.choice(["\n-- cmig:upgrade\n", "\n-- cmig:downgrade\n", "\n-- cmig:verify\n", "\n-- cmig:nothing\n",
                                              "\n-- revision: x\n", "\n==> a.sql <==\n", "\n-- transactional: false\n"]) + text[a:]
            elif how == 8:
                text = text[:a] + rnd.choice(["'", '"', "$$", "$x$", "/*", "*/", "--", ";", "\\", "E'\\'"]) + text[a:]
            elif how == 9:
                text = text[:a] + text[b:] + text[a:b]
            elif how == 10:
                text = text.upper() if rnd.random() < .2 else text[:a] + text[a:near].swapcase() + text[near:]
            elif how == 11:
                text = "\ufeff" + text
            else:
                lines = text.split("\n")
                i, j = rnd.randrange(len(lines)), rnd.randrange(len(lines))
                if how == 12:
                    lines[i], lines[j] = lines[j], lines[i]
                elif how == 13:
                    del lines[i]
                elif how == 14:
                    lines.insert(j, lines[i])
                else:
                    words = lines[i].split(" ")
                    words[rnd.randrange(len(words))] = rnd.choice(["", "NULL", "id", "CONCURRENTLY", "SELECT", "1", "(", "x.y", "TABLE"])
                    lines[i] = " ".join(words)
                text = "\n".join(lines)
        return text
