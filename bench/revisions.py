#!/usr/bin/python3
# Copyright (c) 2026, the pg_cmig developers

"""Make N mixed revisions in several forms.

usage: revisions.py N FOLDER [--execute]

Writes into FOLDER: up.sql and down.sql (the plain SQL, in order), load.sql (all
revision files in one call of cmig.load), insert.sql (one multi-row INSERT of
the same texts into a plain table), and alembic/ (the same graph as an Alembic
environment whose scripts are empty, or with --execute send the same SQL).
"""
import os
import sys

# message, upgrade, downgrade; ten revisions in turn work on one table
KINDS = [
    ("create {t}",
     "CREATE TABLE {t} (id bigint PRIMARY KEY, name text NOT NULL,"
     " created timestamptz DEFAULT now());",
     "DROP TABLE {t};"),
    ("email of {t}",
     "ALTER TABLE {t} ADD COLUMN email text;",
     "ALTER TABLE {t} DROP COLUMN email;"),
    ("index on {t}",
     "CREATE INDEX {t}_name ON {t} (name);",
     "DROP INDEX {t}_name;"),
    ("rows of {t}",
     "INSERT INTO {t} (id, name) SELECT g, 'n' || g FROM generate_series(1, 20) g;",
     "DELETE FROM {t};"),
    ("fill email of {t}",
     "UPDATE {t} SET email = name || '@example.com';\nCOMMENT ON TABLE {t} IS 'people';",
     "UPDATE {t} SET email = NULL;\nCOMMENT ON TABLE {t} IS NULL;"),
    ("function for {t}",
     "CREATE FUNCTION f_{t}(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a + 1; END $$;",
     "DROP FUNCTION f_{t}(int);"),
    ("view on {t}",
     "CREATE VIEW v_{t} AS SELECT id, name FROM {t};",
     "DROP VIEW v_{t};"),
    ("check on {t}",
     "ALTER TABLE {t} ADD CONSTRAINT c_{t} CHECK (id > 0);",
     "ALTER TABLE {t} DROP CONSTRAINT c_{t};"),
    ("default in {t}",
     "ALTER TABLE {t} ALTER COLUMN email SET DEFAULT '';\n"
     "INSERT INTO {t} (id, name) VALUES (1000, 'x');",
     "ALTER TABLE {t} ALTER COLUMN email DROP DEFAULT;\nDELETE FROM {t} WHERE id = 1000;"),
    ("type for {t}",
     "CREATE TYPE e_{t} AS ENUM ('a', 'b');",
     "DROP TYPE e_{t};"),
]

ALEMBIC = """\"\"\"%(message)s\"\"\"
from alembic import op

revision = '%(id)s'
down_revision = %(parent)r


def upgrade():
    %(upgrade)s


def downgrade():
    %(downgrade)s
"""

ENV = """from alembic import context
from sqlalchemy import create_engine, pool
engine = create_engine('postgresql://', poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as f:
        f.write(text)


def main():
    n, folder = int(sys.argv[1]), sys.argv[2]
    body = lambda sql: "op.execute(%r)" % sql if "--execute" in sys.argv[3:] else "pass"
    versions = os.path.join(folder, "alembic", "versions")
    os.makedirs(versions, exist_ok=True)
    revisions = []
    for i in range(n):
        message, up, down = (s.replace("{t}", "t%05d" % (i // 10)) for s in KINDS[i % 10])
        revisions.append(("%06d" % (i + 1), "%06d" % i if i else None, message, up, down))

    write(folder, "up.sql", "\n".join(r[3] for r in revisions) + "\n")
    write(folder, "down.sql", "\n".join(r[4] for r in reversed(revisions)) + "\n")
    files = "".join(
        "-- revision: %s\n%s-- message: %s\n-- create_date: 2026-01-01 00:00:00+00\n\n"
        "-- cmig:upgrade\n%s\n\n-- cmig:downgrade\n%s\n"
        % (id, "-- down_revision: %s\n" % parent if parent else "", message, up, down)
        for id, parent, message, up, down in revisions)
    write(folder, "load.sql", "SELECT action, count(*) FROM cmig.load($cmig_load$\n%s$cmig_load$)"
          " GROUP BY action;\n" % files)
    quote = lambda s: "NULL" if s is None else "'" + s.replace("'", "''") + "'"
    write(folder, "insert.sql", "INSERT INTO plain (revision, parent, message, up, down) VALUES\n%s;\n"
          % ",\n".join("(%s)" % ", ".join(quote(c) for c in r) for r in revisions))

    write(os.path.join(folder, "alembic"), "env.py", ENV)
    write(os.path.join(folder, "alembic"), "script.py.mako", "")
    write(folder, "alembic.ini", "[alembic]\nscript_location = %s\n"
          % os.path.abspath(os.path.join(folder, "alembic")))
    for id, parent, message, up, down in revisions:
        write(versions, id + ".py", ALEMBIC % dict(id=id, parent=parent, message=message,
                                                   upgrade=body(up), downgrade=body(down)))


if __name__ == "__main__":
    main()
