# Copyright (c) 2026, the pg_cmig developers
"""What a migration executes without a database: its statements, or why they cannot be known."""

import ast
import contextlib
import inspect
import io
import re
import sys
import textwrap

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine.mock import MockConnection

from .render import do_block, quoted, row_chunks
from .source import at_line, frames, in_project, line_in

# statements that can only run outside of a transaction
OUTSIDE = re.compile(
    r"(CREATE\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY|DROP\s+INDEX\s+CONCURRENTLY|"
    r"REINDEX\s+(\([^)]*\)\s*)?(INDEX|TABLE|SCHEMA)\s+CONCURRENTLY|VACUUM|ALTER\s+SYSTEM|"
    r"(CREATE|DROP)\s+(DATABASE|TABLESPACE)|ALTER\s+TABLE\s.*\sDETACH\s+PARTITION\s.*\sCONCURRENTLY)\b", re.I)


class NeedsConnection(BaseException):
    """The code needs an answer from the database.

    Not an Exception, because many migrations catch those around a query.
    """


class Recorder:
    """The statements of one direction of one revision."""

    def __init__(self, path):
        self.path = path
        self.parts = []         # [(outside of a transaction, statements)] in order
        self.autocommit = 0     # depth of autocommit blocks
        self.committed = False  # after a COMMIT of the migration's own
        self.begun = False      # after a BEGIN of its own
        self.boundary = False   # after commit() of the connection
        self.needs = None       # why it cannot be recorded
        self.notes = []
        self.captured = None

    def cannot(self, what):
        """Note why the statements do not say what the code does; it continues."""
        self.needs = self.needs or at_line(self.path, what)

    def need(self, what):
        """Note that the code needs a connection, and leave it."""
        self.cannot(what)
        raise NeedsConnection(self.needs)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def add(self, sql, construct=None):
        sql = sql.strip()
        if self.captured is not None:
            self.captured.append((sql, construct))
        elif not self.is_transaction_control(sql):
            code = re.sub(r"^(\s+|--[^\n]*\n|/\*.*?\*/)+", "", sql, flags=re.S)
            outside = bool((self.autocommit or self.committed) and not self.begun or OUTSIDE.match(code))
            if not self.parts or self.parts[-1][0] != outside or (self.boundary and not outside):
                self.parts.append((outside, []))
            self.boundary = False
            end = "\n;" if "--" in sql.rsplit("\n", 1)[-1] else "" if sql.endswith(";") else ";"
            self.parts[-1][1].append(sql + end)

    def is_transaction_control(self, sql):
        command = re.sub(r"\s+(WORK|TRANSACTION)$", "", sql.rstrip("; \t\n").upper())
        if command in ("ROLLBACK", "ABORT"):
            self.need("rolls back its transaction")
        if command not in ("COMMIT", "END", "BEGIN", "START"):
            return False
        self.committed = command in ("COMMIT", "END")
        self.begun = not self.committed
        self.note(f"{command} in the migration" + (": the statements after it are outside of the transaction"
                                                   if self.committed else " begins a transaction"))
        return True

    @contextlib.contextmanager
    def autocommit_block(self):
        self.autocommit += 1
        try:
            yield
        finally:
            self.autocommit -= 1

    @contextlib.contextmanager
    def capture(self):
        outer, self.captured = self.captured, []
        try:
            yield self.captured
        finally:
            self.captured = outer


class Unknown:
    """An object of which only some attributes are known."""

    def __init__(self, recorder, what, **known):
        self.__dict__.update(known, recorder=recorder, what=what)

    def __getattr__(self, name):
        self.recorder.need(f"uses {self.what} ({name})")


class Savepoint(Unknown):
    """What begin_nested() returns: it can only be used with "with"."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


class Result:
    """What execute() returns: asking it anything needs a connection."""

    def __init__(self, recorder):
        self.recorder = recorder

    def close(self):
        pass

    def ask(self, *args):
        self.recorder.need("uses the result of a statement")

    __getattr__ = __iter__ = __next__ = __bool__ = __len__ = __getitem__ = __contains__ = ask
    __eq__ = __ne__ = __enter__ = ask
    __hash__ = None


class Connection(MockConnection):
    """What op.get_bind() returns: it records statements and has no answers."""

    def __init__(self, dialect, recorder):
        super().__init__(dialect, self.execute)
        self.recorder = recorder

    @property
    def engine(self):
        name = self.dialect.name
        return Unknown(self.recorder, "the connection's engine", dialect=self.dialect, name=name, driver=name)

    def __getattr__(self, name):
        if name.startswith("__") or name == "recorder":
            raise AttributeError(name)
        self.recorder.need("uses the connection" if name.startswith("_") else f"uses the connection ({name})")

    def connect(self, **kw):
        self.recorder.need("opens a connection")

    def execute(self, statement, *multiparams, **params):
        params.pop("execution_options", None)
        rows = parameter_rows(multiparams, params)
        if isinstance(statement, str):
            return self.exec_driver_sql(statement, *rows)
        for row in rows or [None]:
            self.recorder.add(self.dialect.cmig_text(statement, row), statement)
        return Result(self.recorder)

    def exec_driver_sql(self, statement, *params, **kw):
        if any(params):
            self.recorder.need("passes parameters in the driver's own style")
        if "%" in statement:
            self.recorder.note(f"line {line_in(self.recorder.path)}: a string for the driver contains a percent sign; "
                               "check whether it is doubled")
        self.recorder.add(statement)
        return Result(self.recorder)

    def scalar(self, *args, **kw):
        self.recorder.need("uses the result of a statement")

    scalars = scalar

    @contextlib.contextmanager
    def begin(self, *args, **kw):
        yield self

    def begin_nested(self):
        frame = next((f for f in frames(sys._getframe(1)) if in_project(f.f_code.co_filename)), None)
        if frame and catches(frame):
            self.recorder.need("catches the errors of a savepoint")
        return Savepoint(self.recorder, "a savepoint")

    def commit(self):
        self.recorder.boundary = True

    def in_transaction(self):
        return True

    def in_nested_transaction(self):
        return False

    def _run_ddl_visitor(self, visitor, element, **kw):
        check = kw.get("checkfirst")
        kw["checkfirst"] = False
        with self.recorder.capture() as statements:
            visitor(self.dialect, self, **kw).traverse_single(element)
        for sql, construct in statements:
            self.recorder.add(conditional(sql, construct, self.dialect) if check else sql)

    _run_visitor = _run_ddl_visitor


@sa.inspection._inspects(Connection)
def inspected(connection):
    """What sqlalchemy.inspect() returns; SQLAlchemy 2 does not know a MockConnection."""
    return Result(connection.recorder)


def catches(frame):
    """Is the frame's line in a "try" that catches errors, or in a "with suppress"?"""
    try:
        lines, start = inspect.getsourcelines(frame.f_code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):
        return True
    line = frame.f_lineno - max(start, 1) + 1
    blocks = [node.body for node in ast.walk(tree) if isinstance(node, ast.Try) and node.handlers
              or isinstance(node, ast.With) and "suppress" in ast.unparse(node.items[0])]
    return any(body[0].lineno <= line <= body[-1].end_lineno for body in blocks)


def parameter_rows(multiparams, params):
    """The rows of the forms that execute() takes."""
    rows = []
    for value in (*multiparams, params):
        rows += value if isinstance(value, (list, tuple)) else [value]
    return [row for row in rows if row]


def conditional(sql, construct, dialect):
    """What checkfirst=True does, as SQL."""
    if type(construct).__name__ in ("CreateEnumType", "CreateDomainType"):
        name = dialect.identifier_preparer.format_type(construct.element)
        return do_block(f"IF to_regtype({quoted(name)}) IS NULL THEN\n        {sql};\n    END IF;")
    sql = re.sub(r"^CREATE (TABLE|SEQUENCE|(UNIQUE )?INDEX( CONCURRENTLY)?) ", r"\g<0>IF NOT EXISTS ", sql)
    return re.sub(r"^DROP (TABLE|SEQUENCE|TYPE|DOMAIN|INDEX( CONCURRENTLY)?) ", r"\g<0>IF EXISTS ", sql)


def recording_context(dialect, recorder, opts, environment):
    """A MigrationContext whose statements go to the recorder."""
    opts = dict(opts, as_sql=True, literal_binds=True, output_buffer=io.StringIO())
    context = MigrationContext(dialect, None, opts, environment)
    context.connection = context.impl.connection = Connection(dialect, recorder)

    def execute(construct, execution_options=None, multiparams=None, params=None):
        if execution_options and "isolation_level" in execution_options:
            recorder.note("a statement with a separate isolation level")
        return context.connection.execute(construct if not isinstance(construct, str) else sa.text(construct),
                                          *([multiparams] if multiparams else []), **(params or {}))

    def bulk_insert(table, rows, multiinsert=True):
        for chunk in row_chunks(table, rows):
            recorder.add(dialect.cmig_text(sa.insert(table).values(chunk)))

    context.impl._exec = execute
    context.impl.bulk_insert = bulk_insert
    context.impl.static_output = lambda text: None if text.startswith("--") else recorder.add(text)
    context.impl.emit_begin = context.impl.emit_commit = lambda: None
    context.autocommit_block = recorder.autocommit_block
    context.recorder = recorder

    def as_sql(context):
        if context.recorder and sys._getframe(1).f_code.co_filename == recorder.path:
            recorder.need("asks whether it runs offline")
        return True

    context.__class__ = type("Watched", (type(context),), {"as_sql": property(as_sql, lambda context, value: None)})
    return context
