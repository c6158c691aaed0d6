# Copyright (c) 2026, the pg_cmig developers

"""Files of other tools, for cmig.import_files: the names that each format has, and lines that mean something to it."""

import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
# what an importer reads in a name, and names with a part too few or too many
FILES = {
    "dbmate": ["1_a.sql", "2.sql", "3-c.sql", "_.sql"],
    "diesel": ["2024-01-01-000000_a/up.sql", "2024-01-01-000000_a/down.sql", "2024-01-01-000000_a/metadata.toml", "_/up.sql", "b/down.sql"],
    "drizzle": ["0000_a.sql", "0001_b.sql", "meta/_journal.json", "20240101000000_c/migration.sql", "20240101000000_c/snapshot.json"],
    "flyway": ["V1__a.sql", "V1_2__b.sql", "U1__a.sql", "B1__c.sql", "R__v.sql", "V1__a.sql.conf", "beforeMigrate.sql", "V2__d.java", "V__e.sql", "B2__f.sh"],
    "golang-migrate": ["1_a.up.sql", "1_a.down.sql", "2_b.up.pgsql", ".up.sql", "_c.up.", "4_d.down.up.", "1_a.up.go", "a.b"],
    "goose": ["1_a.sql", "2.sql", "3_b.go", "4_c_test.go", "00001_d.sql"],
    "graphile-migrate": ["committed/000001.sql", "committed/000002-b.sql", "current.sql", "current/1-c.sql", ".gmrc"],
    "liquibase": ["a.sql", "b.sql", "c.xml", "d.yaml"],
    "node-pg-migrate": ["1700000000000_a.sql", "1700000000001_b.js", "2_c.ts", "d.sql"],
    "prisma": ["1_a/migration.sql", "2_b/migration.sql", "migration_lock.toml"],
    "rails": ["db/structure.sql", "db/migrate/1_a.rb", "db/migrate/b.rb"],
    "refinery": ["V1__a.sql", "U2__b.sql", "V3__c.rs", "V__d.sql"],
    "sqitch": ["sqitch.plan", "sqitch.conf", "deploy/a.sql", "revert/a.sql", "verify/a.sql", "deploy/b.sql", "deploy/a@v1.sql"],
    "sqlx": ["1_a.sql", "2_b.up.sql", "2_b.down.sql", "_.sql"],
    "supabase": ["1_a.sql", "2_b.sql", "2_b.down.sql"],
    "yoyo": ["1.sql", "2.sql", "1.rollback.sql", "3.py", "post-apply.sql", "4.rollback.sql", ".sql"],
}
# by format; those of "" are for all
LINES = {
    "": ["", "SELECT 1;", "CREATE TABLE a (id int);", "'", '"', "$$", "/*", "*/", "=", "[x]", "BEGIN;", "COMMIT;", "\\i x", "\\set a 1", "SELECT :a, :'b', :\"c\";", "SELECT ${a}, ${a:-b}, ${",
         "SET search_path TO x;", "SET ROLE x;", "RESET ALL;", "SET LOCAL a.b = 1;", "SELECT set_config('a', 'b', false), set_config(NULL, NULL, NULL);", "SET TIME ZONE LOCAL;",
         "CREATE TEMP TABLE t AS SELECT 1;", "DROP FUNCTION f(int), g;", "CREATE INDEX CONCURRENTLY i ON a (id);", "-- cmig:upgrade", "-- revision: 1", "\u00e9\u2028", "-- " + "x" * 1200],
    "dbmate": ["-- migrate:up", "-- migrate:down", "-- migrate:up transaction:false x"],
    "drizzle": ['{"entries": [{"tag": "0000_a", "when": 1}, {"tag": "0001_b"}]}', '{"entries": [{', '{"dialect": "mysql", "entries": []}', "--> statement-breakpoint"],
    "diesel": ["run_in_transaction = false", "run_in_transaction"],
    "flyway": ["executeInTransaction=false", "shouldExecute=false", "shouldExecute=${x}", "placeholderReplacement=false"],
    "goose": ["-- +goose Up", "-- +goose Down", "-- +goose StatementBegin", "-- +goose StatementEnd", "-- +goose NO TRANSACTION", "-- +goose ENVSUB ON", "-- +goose"],
    "graphile-migrate": ["--! Previous: -", "--! Hash: sha1:x", "--! Message: x", "--! no-transaction", "--! x", '{"pgSettings": {"a": 1}, "afterReset": [{'],
    "liquibase": ["--liquibase formatted sql", "--changeset a:1 dbms:postgresql", "--changeset a", "--changeset", '--changeset "a b:2" runOnChange:true x:"', "--rollback DROP TABLE a;", "--rollback", "--rollback empty",
                  "/* liquibase rollback", "--preconditions onFail:HALT", "--comment: x", "--ignoreLines:start", "--ignoreLines:3", "-- Update Database Script", "-- Changeset a.xml::1::b", "-- Changeset a::",
                  "-- Rolling Back ChangeSet: a.xml::1::b", "-- SQL to roll back currently unexecuted changes"],
    "node-pg-migrate": ["-- Up Migration", "-- Down Migration", "-- no-transaction"],
    "prisma": ['provider = "postgresql"', 'provider = "mysql"', "provider"],
    "rails": ['INSERT INTO "schema_migrations" (version) VALUES', "('1'),('2');", "('"],
    "sqitch": ["%syntax-version=1.0.0", "%project=p", "a 2024-01-01T00:00:00Z A <a@b> # note", "b [a c:d !e] 2024-01-01T00:00:01Z A <a@b>", "@v1 2024-01-01T00:00:02Z A <a@b>", "a [a@v1] 2024-01-01T00:00:03Z A <a@b>", "b [", "-- Deploy p:a to pg"],
    "yoyo": ["-- depends: 1 2", "-- depends:", "--depends:1", "  -- depends: 2, 3", "-- transactional: false", "__depends__ = {'1', '2'}", "__depends__ = [", "__depends__", "__transactional__ = False", "steps = ["],
}

with open(os.path.join(TOP, "src/adopt/tools.c"), encoding="utf-8") as tools:
    READ = set(re.findall(r'^\t\{"([a-z-]+)"(?:(?!^\t\{").)*?\.format = FORMAT', tools.read(), re.M | re.S))
assert set(FILES) == READ, "the formats of src/adopt/tools.c are others: %s" % (set(FILES) ^ READ)


def call(format_, rnd, literal):
    """-> a call of cmig.import_files with random files of the format"""
    names = rnd.sample(FILES[format_], rnd.randint(1, len(FILES[format_])))
    if rnd.random() < .1:
        names = [rnd.choice(["x/", "sub/a/"]) + name for name in names]
    own = LINES.get(format_, LINES[""])
    texts = ["\n".join(rnd.choice(own if rnd.random() < .6 else LINES[""]) for _ in range(rnd.randint(0, 9))) for _ in names]
    arrays = ["ARRAY[%s]::text[]" % ", ".join(literal(text) for text in texts_) for texts_ in (names, texts)]
    return "cmig.import_files(%s, %s, %s, %s)" % (literal(format_), *arrays, literal(rnd.choice(["{}", '{"a": "1", "x": null}'])))
