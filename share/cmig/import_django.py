# Copyright (c) 2026, the pg_cmig developers
"""Writes the migrations of a Django project as revision files of pg_cmig.

cmig import django runs it in "manage.py shell".  It runs all migrations up, down, and
up again in an empty database, which it creates on the server of the project's settings,
and takes the statements that each one sends: sqlmigrate cannot, because Django looks
constraints up by their columns.  What it finds is written into the file
CMIG_IMPORT_RESULT as triples of file name, content, and note.

Django computes values, such as that of a default, while a migration is loaded or runs.
The time of the import becomes now(), and what else differs in another run, which is rolled
back, is to be written.

The functions of RunPython are not called: their statements are not taken, and they could
reach anything, such as files, or rows of other databases.  Other code of the project,
such as an operation of its own, finds only the empty database.
"""

import datetime
import importlib.util
import os
import re
import sys
from itertools import zip_longest

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.migrations import RunPython
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import Error

GUARD = r'\echo Use "cmig upgrade" to run this file. \quit'
CONTINUE = ("cmig import django runs all migrations in an empty database on the server of "
            "Django's settings; the role needs the privilege to create one")
LITERAL = re.compile(r"'(?:[^']|'')*'")
TIME = re.compile(r"'([^']*)'::(date|timestamptz|timestamp)")
NOW = {"date": "CURRENT_DATE", "timestamp": "LOCALTIMESTAMP", "timestamptz": "now()"}
spec = importlib.util.spec_from_file_location(
    "cmig-import-text", os.path.join(os.path.dirname(os.environ["CMIG_IMPORT_CODE"]), "import_alembic", "text.py"))
sql_text = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sql_text)
BEGAN = datetime.datetime.now().astimezone()


def in_import(value, kind):
    """Is the text a time at which this program ran?"""
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        return False
    now = datetime.datetime.now().astimezone()
    if kind == "date":
        return value in {str(time.astimezone(zone).date()) for time in (BEGAN, now) for zone in (None, datetime.timezone.utc)}
    return BEGAN <= moment.astimezone() <= now


class Direction:
    """The statements of one direction of a migration, and what cannot be written as SQL."""

    def __init__(self, migration):
        self.migration, self.statements, self.by_hand, self.notes = migration, [], [], []
        self.in_python, self.differs = False, ""
        self.is_last = False    # is it the last one in this direction?

    def with_time(self, literal):
        """What is written in place of a parameter: an expression, if it is the time of the import."""
        match = TIME.fullmatch(literal)
        if not match or not in_import(match[1], match[2]):
            return literal
        kind = match[2]
        note = f"has {NOW[kind]} in place of the time of the import"
        if note not in self.notes:
            self.notes.append(note)
        return NOW[kind]

    def compare(self, other):
        """Notes what differs in the statements of a second run."""
        if self.statements == other.statements:
            return
        self.differs = "its statements differ from one run to the next"
        for one, two in zip(self.statements, other.statements):
            one, two = ([match[0] for match in LITERAL.finditer(statement)] for statement in (one, two))
            for old, new in zip(one, two):
                if old != new and len(one) == len(two):
                    self.differs = f"a statement contains {old} in one run, and {new} in another"
                    return

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
            text %= tuple(self.with_time(str(editor.quote_value(param))) for param in params)
        text = re.sub(r"(?m)^([ \t]*--[ \t]*)(cmig:)", r"\1|\2", text.strip())
        if not text.endswith(";"):
            text += "\n;" if "--" in text.rpartition("\n")[2] else ";"
        self.statements.append(text)

    def reason(self):
        """Why it cannot be written as SQL."""
        return f"calls Python: {', '.join(self.by_hand)}" if self.by_hand else self.differs

    def script(self, section, revision):
        if not self.reason():
            return "".join(f"{statement}\n" for statement in self.statements)
        return f"""DO $cmig$
BEGIN
\tRAISE EXCEPTION USING ERRCODE = 'feature_not_supported',
\t\tMESSAGE = $$the {section} of revision {revision} has not been written as SQL$$,
\t\tDETAIL = $$It could not be converted, because {'it ' if self.by_hand else ''}{self.reason()}.$$,
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
    sides = [(section, side) for section, side in (("upgrade", up), ("downgrade", down)) if side]
    notes = [f"to be written: the {section}{'' if side.by_hand else ':'} {side.reason()}" for section, side in sides if side.reason()]
    if not down:
        notes.append("it has no downgrade, because Django cannot revert it")
    notes += [f"the {section} {note}" for section, side in sides for note in side.notes]
    for section, side in sides:
        left = sql_text.left_in_session([] if side.is_last else side.statements, False)
        if left:
            notes.append(sql_text.left_note(section, left, "django"))
    return revision + ".sql", "\n".join(lines), "; ".join(notes)


class Undone(Exception):
    """Ends a transaction."""


def seen(connection, migration, again, state):
    """Run the migration, and the one that its module gives when it is loaded again, which leaves
    nothing.  Returns the state after it, and its directions, of which the second is None if it
    cannot be reverted.
    """
    others, down = [], None
    if migration.atomic:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for backwards in False, True:
                    others.append(run(connection, again, state, backwards)[1])
                    # as at the end of a transaction
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
                raise Undone
        except (Undone, IrreversibleError, Error):
            pass
    after, up = run(connection, migration, state, False)
    try:
        _, down = run(connection, migration, state, True)
        run(connection, migration, state, False)
    except IrreversibleError:
        pass
    for side, other in zip_longest((up, down), others):
        if side and other:
            side.compare(other)
        elif side and migration.atomic:
            side.notes.append("was seen in one run only")
    return after, up, down


def convert(connection):
    executor = MigrationExecutor(connection)
    for migration in executor.loader.disk_migrations.values():
        sys.modules.pop(type(migration).__module__, None)
    others = MigrationExecutor(connection).loader.graph.nodes
    state, parent, not_called = executor.loader.project_state(()), "", []
    # in an empty database, a squashed migration takes the place of those that it replaces
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    for migration, _ in plan:
        try:
            state, up, down = seen(connection, migration, others[migration.app_label, migration.name], state)
        except Exception as error:
            raise SystemExit(f"cmig: {migration.app_label}.{migration.name} fails in an empty database: {error}" +
                             (f"\nPython is not called, not even {', '.join(not_called)}: before the import, "
                              "write what others need as RunSQL" if not_called else ""))
        up.is_last = migration is plan[-1][0]
        if down:
            down.is_last = migration is plan[0][0]
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


def follow_search_path(connection):
    """Name the search_path of Django's connection, without which the statements mean other schemas, and
    create its schemas if there is none to create tables in.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('search_path'), current_schema()")
        path, schema = cursor.fetchone()
        if path.replace(" ", "") == '"$user",public':
            return
        print(f"cmig: the search_path of Django's connection is left out: {path}\n"
              "HINT:  For all runs: SELECT cmig.set_option('cmig.search_path', '" + path.replace("'", "''") + "')")
        names = re.findall(r'"(?:[^"]|"")*"|[^\s,"]+', path)
        for name in names if schema is None else ():
            name = name if name[0] == '"' else f'"{name.lower()}"'
            if name != '"$user"' and not name.startswith('"pg_'):
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")


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
        follow_search_path(connection)
        files = list(convert(connection))
    finally:
        connection.close()
        connection.settings_dict["NAME"] = None
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    with open(os.environ["CMIG_IMPORT_RESULT"], "w", encoding="utf-8") as result:
        result.writelines(f"{text}\0" for file in files for text in file)


main()
