# Copyright (c) 2026, the pg_cmig developers
"""Writes the migrations of a Django project as revision files of pg_cmig.

cmig import django runs it in "manage.py shell".  It runs all migrations up, down, and
up again in an empty database, which it creates on the server of the project's settings,
and takes the statements that each one sends: sqlmigrate cannot, because Django looks
constraints up by their columns.  What it finds is written into the file
CMIG_IMPORT_RESULT as triples of file name, content, and note.

The functions of RunPython are not called: their statements are not taken, and they could
reach anything, such as files, or rows of other databases.  Other code of the project,
such as an operation of its own, finds only the empty database.
"""

import os
import re

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations import RunPython
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import Error

GUARD = r'\echo Use "cmig upgrade" to run this file. \quit'
CONTINUE = ("cmig import django runs all migrations in an empty database on the server of "
            "Django's settings; the role needs the privilege to create one")


class Direction:
    """The statements of one direction of a migration, and what cannot be written as SQL."""

    def __init__(self, migration):
        self.migration, self.statements, self.by_hand = migration, [], []
        self.in_python = False

    def wrapped(self, operation, name):
        """The operation's method, which records what SQL does not show."""
        method = getattr(operation, name)

        def call(*args, **kwargs):
            if not isinstance(operation, RunPython):
                self.in_python = True
                try:
                    method(*args, **kwargs)
                finally:
                    self.in_python = False
            code = getattr(operation, "code" if name == "database_forwards" else "reverse_code", None)
            if code is RunPython.noop:
                return
            title = f"{type(operation).__name__} {getattr(code, '__name__', '')}".rstrip()
            if type(self.migration).__module__.startswith("django.contrib."):
                self.statements.append(f"-- {title} of Django changes no rows in a new database")
            else:
                self.by_hand.append(title)
                self.statements.append(f"-- here: {title}")
        return call

    def record(self, editor, sql, params):
        if self.in_python:
            return
        text = str(sql)
        if params is not None:
            text %= tuple(map(editor.quote_value, params))
        text = re.sub(r"(?m)^([ \t]*--[ \t]*)(cmig:)", r"\1|\2", text.strip())
        if not text.endswith(";"):
            text += "\n;" if "--" in text.rpartition("\n")[2] else ";"
        self.statements.append(text)

    def script(self, section, revision):
        if not self.by_hand:
            return "".join(f"{statement}\n" for statement in self.statements)
        return f"""DO $cmig$
BEGIN
\tRAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
\t\tMESSAGE = $$the {section} of revision {revision} has not been written as SQL$$,
\t\tDETAIL = $$It could not be converted, because it calls Python: {', '.join(self.by_hand)}.$$,
\t\tHINT = $$Write it in the {section} section of its file, and delete this statement.$$;
END
$cmig$;
""" + "".join(f"{statement}\n" for statement in self.statements)


def all_operations(operations):
    for operation in operations:
        yield operation
        yield from all_operations(getattr(operation, "database_operations", ()))


def run(connection, migration, state, backwards):
    """Run the migration; returns the state after it, and the statements that it sent."""
    direction = Direction(migration)
    name = "database_backwards" if backwards else "database_forwards"
    wrapped = [operation for operation in all_operations(migration.operations) if not operation.reduces_to_sql]
    for operation in wrapped:
        setattr(operation, name, direction.wrapped(operation, name))
    try:
        with connection.schema_editor(atomic=migration.atomic) as editor:
            execute = editor.execute

            def recorded(sql, params=()):
                direction.record(editor, sql, params)
                return execute(sql, params)

            editor.execute = recorded
            state = (migration.unapply if backwards else migration.apply)(state.clone(), editor)
    finally:
        for operation in wrapped:
            delattr(operation, name)
    return state, direction


def revision_file(migration, parent, up, down):
    revision = f"{migration.app_label}.{migration.name}"
    lines = [f"-- revision: {revision}", f"-- down_revision: {parent}".rstrip(), "-- depends_on:", "-- branch_labels:"]
    if migration.replaces:
        lines.append("-- replaces: " + ", ".join(".".join(old) for old in migration.replaces))
    lines += [f"-- message: {migration.app_label}: {re.sub('^[0-9]+_', '', migration.name).replace('_', ' ')}",
              f"-- transactional: {'true' if migration.atomic else 'false'}", GUARD, "",
              "-- cmig:upgrade", up.script("upgrade", revision)]
    if down:
        lines += ["-- cmig:downgrade", down.script("downgrade", revision)]
    notes = [f"to be written: the {section} calls Python: {', '.join(side.by_hand)}"
             for section, side in (("upgrade", up), ("downgrade", down)) if side and side.by_hand]
    if not down:
        notes.append("it has no downgrade, because Django cannot revert it")
    return revision + ".sql", "\n".join(lines), "; ".join(notes)


def convert(connection):
    executor = MigrationExecutor(connection)
    state, parent, not_called = executor.loader.project_state(()), "", []
    # in an empty database, a squashed migration takes the place of those that it replaces
    for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes()):
        try:
            after, up = run(connection, migration, state, False)
            try:
                _, down = run(connection, migration, state, True)
                run(connection, migration, state, False)
            except IrreversibleError:
                down = None
        except Exception as error:
            raise SystemExit(f"cmig: {migration.app_label}.{migration.name} fails in an empty database: {error}" +
                             (f"\nPython is not called, not even {', '.join(not_called)}: before the import, "
                              "write what others need as RunSQL" if not_called else ""))
        state = after
        not_called += [f"{code} in {migration.app_label}.{migration.name}" for code in up.by_hand]
        yield revision_file(migration, parent, up, down)
        parent = f"{migration.app_label}.{migration.name}"


def leave_only(connection, name):
    """Raise an error unless this is the database; no other one of the settings can be reached."""
    for alias in set(connections) - {DEFAULT_DB_ALIAS}:
        connections[alias].close()
        del connections[alias]
        connections.databases[alias]["ENGINE"] = "django.db.backends.dummy"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        if cursor.fetchone()[0] != name:
            raise SystemExit("cmig: the connection of Django leads to another database than its settings say")


def main():
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql":
        raise SystemExit(f"cmig: the default database of Django's settings is {connection.vendor}, not PostgreSQL")
    name = f"cmig_import_{os.getpid()}"
    try:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    except Error as error:
        raise SystemExit(f"cmig: no database can be created: {str(error).strip()}\n{CONTINUE}")
    connection.close()
    if hasattr(connection, "close_pool"):
        connection.close_pool()
    connection.settings_dict["NAME"] = name
    try:
        leave_only(connection, name)
        files = list(convert(connection))
    finally:
        connection.close()
        connection.settings_dict["NAME"] = None
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    with open(os.environ["CMIG_IMPORT_RESULT"], "w", encoding="utf-8") as result:
        result.writelines(f"{text}\0" for file in files for text in file)


main()
