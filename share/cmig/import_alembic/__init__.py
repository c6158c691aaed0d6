# Copyright (c) 2026, the pg_cmig developers
"""Converts the revisions of an Alembic project to revision files of pg_cmig.

Needs the project's own Alembic (1.8 or later) and SQLAlchemy (1.4 or later).  Nothing
is read from a database and nothing is changed in one, except with --verify and
--record, which create databases and drop them, and with --take-over.  The project's
code cannot connect to any other database (guard).

Each upgrade() and downgrade() is called as "alembic upgrade --sql" does it, but on its
own and with a connection that records statements.  Where a function needs a real
connection, its script is a comment with the code and a statement that fails: there are
no scripts with a part missing.  With --record, Alembic runs it on an empty database
instead, and the script is what it sent.

The functions are called in two other processes (server.run_children), and with --record
in two databases.  What differs is written by hand.  Two imports of the same sources
write the same files.

The modules import only those before them in this order: source, text, render, fixed,
recorder, guard, project, files, server, record, verify, command.
"""

import re
import sys

import sqlalchemy

if re.match(r"0\.|1\.[0-3]\b", sqlalchemy.__version__):
    raise ImportError(f"SQLAlchemy {sqlalchemy.__version__} is too old; version 1.4 or later is required")


def fail(message, hint=None):
    sys.exit(f"cmig-import-alembic: {message}" + (f"\nHINT: {hint}" if hint else ""))
