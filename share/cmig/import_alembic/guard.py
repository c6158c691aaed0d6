# Copyright (c) 2026, the pg_cmig developers
"""Connections that the project's code opens: where they lead, and what they send."""

import contextlib
import errno
import os
import re
import struct
import sys
import threading

import sqlalchemy as sa

from .source import at_line
from .text import spans, split_statements

TRANSACTION = re.compile(r"(BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE"
                         r"|PREPARE\s+TRANSACTION)\b", re.I)
SAVEPOINT = re.compile(r"(SAVEPOINT|RELEASE|ROLLBACK(?:\s+WORK|\s+TRANSACTION)?\s+TO)\s+(?:SAVEPOINT\s+)?(\S+)$", re.I)
WRITES = re.compile(r"\b(INSERT|UPDATE|DELETE|MERGE|INTO)\b", re.I)
ASKED = re.compile(r"\b(current_date|current_time|current_timestamp|localtime|localtimestamp|current_user|session_user"
                   r"|current_role|user|(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|age)"
                   r"(?=\s*\())\b", re.I)
SESSION = re.compile(r"(SET|RESET|DISCARD|PREPARE|LISTEN|LOAD)\b|.*\bset_config\s*\("
                     r"|CREATE\s+(LOCAL\s+|GLOBAL\s+)?TEMP", re.I | re.S)
VOLATILE = """SELECT proname::text FROM pg_catalog.pg_proc
WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::pg_catalog.regnamespace"""
# functions, operators, views, foreign tables, and domains
USES_PROJECT = """SELECT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
    WHERE r.ev_class = 'pg_temp.cmig_probe'::pg_catalog.regclass AND d.refobjid >= 16384 AND d.refobjid <> r.ev_class
        AND (d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass)
            OR EXISTS (SELECT FROM pg_catalog.pg_class c
                WHERE d.refclassid = c.tableoid AND d.refobjid = c.oid AND c.relkind IN ('v', 'f'))
            OR EXISTS (SELECT FROM pg_catalog.pg_type t
                WHERE d.refclassid = t.tableoid AND d.refobjid = t.oid AND t.typtype = 'd')))"""


class Sent:
    """A statement that a connection has sent, a savepoint, or a commit (no text)."""

    def __init__(self, connection, sql=None, outside=False, savepoint=None):
        self.connection, self.sql, self.outside, self.savepoint = connection, sql, outside, savepoint
        self.open = not outside   # is its transaction still open?


class Recording:
    """What one direction of one revision sends, over all its connections.

    Commits, rollbacks, and savepoints belong to their connection.
    """

    def __init__(self):
        self.recorder, self.entries, self.volatile, self.classes = None, [], None, {}

    @contextlib.contextmanager
    def of(self, recorder):
        self.recorder, self.entries = recorder, []
        try:
            yield
            if any(entry.open and not entry.connection.cmig_own for entry in self.entries):
                recorder.cannot("leaves a transaction of its own connection open")
            ended = set()    # connections that have committed; what follows on them is another transaction
            for entry in self.entries:
                if entry.sql is not None:
                    recorder.autocommit, recorder.boundary = entry.outside, entry.connection in ended
                    ended.discard(entry.connection)
                    recorder.add(entry.sql)
                elif entry.savepoint is None:
                    ended.add(entry.connection)
        finally:
            self.recorder = None

    def sent(self, connection, sql):
        outside = connection.info.transaction_status == 0
        statements = split_statements(sql)
        control = any(TRANSACTION.match(statement) for statement in statements)
        if len(statements) == 1 and control:
            self.controlled(connection, statements[0])
        elif control:
            self.recorder.cannot("sends BEGIN, COMMIT, or ROLLBACK together with other statements")
        elif statements and not (len(statements) == 1 and self.only_reads(connection, statements[0])):
            self.entries.append(Sent(connection, sql, outside))
            if not connection.cmig_own:
                self.recorder.note("its own connection was pointed at the empty database")
                if any(SESSION.match(statement) for statement in statements):
                    self.recorder.cannot("changes settings of its own connection")

    def controlled(self, connection, sql):
        savepoint = SAVEPOINT.match(sql)
        if savepoint:
            self.savepoint(connection, savepoint[1].upper(), savepoint[2].lower())
        elif re.match(r"ROLLBACK|ABORT", sql, re.I):
            self.rolled_back(connection)
        elif not re.match(r"BEGIN|START", sql, re.I):
            self.committed(connection)

    def savepoint(self, connection, word, name):
        if word == "SAVEPOINT":
            self.entries.append(Sent(connection, savepoint=name))
            return
        at = max((i for i, entry in enumerate(self.entries)
                  if entry.connection is connection and entry.savepoint == name), default=None)
        if at is not None:
            released = word == "RELEASE"
            self.entries[at if released else at + 1:] = [
                entry for entry in self.entries[at + 1:]
                if entry.connection is not connection or released and not entry.savepoint]

    def committed(self, connection):
        if any(entry.open and entry.connection is connection for entry in self.entries):
            self.entries = [entry for entry in self.entries
                            if entry.connection is not connection or not entry.savepoint]
            for entry in self.entries:
                entry.open = entry.open and entry.connection is not connection
            self.entries.append(Sent(connection))
            self.entries[-1].open = False

    def rolled_back(self, connection):
        self.entries = [entry for entry in self.entries if entry.connection is not connection or not entry.open]

    def only_reads(self, connection, sql):
        """Is it a query that changes nothing, as far as the server can tell?"""
        code = "".join(text for is_quoted, text in spans(sql) if not is_quoted)
        if re.match(r"SHOW\b", sql, re.I):
            return True
        if not re.match(r"(SELECT|WITH)\b", sql, re.I) or WRITES.search(code):
            return False
        asked = ASKED.search(code)
        if asked:
            self.recorder.cannot(f"asks the server for {asked[0]}")
        names = "".join(text for is_quoted, text in spans(sql) if not is_quoted or text.startswith('"'))
        called = {quoted or name.lower() for quoted, name in re.findall(r'(?:"((?:[^"]|"")+)"|(\w+))\s*\(', names)}
        return self.is_known(connection, sql, called)

    def is_known(self, connection, sql, called):
        """Does the query call nothing volatile, and nothing of the project's?"""
        cursor = connection.cmig_cursor()
        alone = connection.info.transaction_status == 0
        try:
            cursor.execute("BEGIN" if alone else "SAVEPOINT cmig_probe")
            try:
                if self.volatile is None:
                    cursor.execute(VOLATILE)
                    self.volatile = {name for name, in cursor.fetchall()}
                cursor.execute(f"CREATE TEMPORARY VIEW cmig_probe AS SELECT 1 AS one FROM ({sql}\n) AS query")
                cursor.execute(USES_PROJECT)
                return not called & self.volatile and not cursor.fetchone()[0]
            finally:
                cursor.execute("ROLLBACK" if alone else "ROLLBACK TO SAVEPOINT cmig_probe")
                if not alone:
                    cursor.execute("RELEASE SAVEPOINT cmig_probe")
        except Exception:
            return False

    def watch(self, cls, committed=(), rolled_back=(), unseen=()):
        """Notice the methods of a class of connections or cursors, while something is recorded."""
        def noticed(name, real):
            def method(connection, *args, **kw):
                if self.recorder and name in rolled_back:
                    self.rolled_back(connection)
                elif self.recorder and name in unseen:
                    self.recorder.cannot("uses COPY" if name.startswith("copy") else f"calls {name}()")
                result = real(connection, *args, **kw)
                if self.recorder and name in committed:
                    self.committed(connection)
                return result

            return method

        for name in (*committed, *rolled_back, *unseen):
            if hasattr(cls, name):
                setattr(cls, name, noticed(name, getattr(cls, name)))

    def cursor_class(self, base, text_of):
        """A class of cursors that note the text of what they send."""
        if base in self.classes:
            return self.classes[base]
        recording = self

        class RecordingCursor(base):
            def execute(self, query, params=None, **kw):
                kw.pop("binary", None)
                if getattr(self, "format", 0):  # client-side cursors have only text, which becomes the same values
                    self.format = type(self.format)(0)
                text = text_of(self, query, params) if recording.recorder else None
                result = super().execute(query, params, **kw)
                if text is not None:
                    recording.sent(self.connection, text)
                return result

            def executemany(self, query, rows, **kw):
                for row in rows:
                    self.execute(query, row)

        self.watch(RecordingCursor, unseen=("copy", "copy_expert", "copy_from", "copy_to", "callproc", "stream"))
        self.classes[base] = RecordingCursor
        return RecordingCursor


class Refused(ConnectionError):
    """A connection that the project's code may not open, or a program that it may not start."""


class Guard:
    """Lets nothing leave this process while the project's code runs.

    Its code may open connections, or start programs that do.  Connections of psycopg2
    and psycopg are pointed at the scratch database, if there is one.  Everything else
    raises an error.  The code may catch it, so the section is written by hand anyway,
    and so is one that calls a library in C, of which nobody knows what it does.
    """

    CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
                "socket.gethostbyaddr")
    STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork",
              "os.forkpty", "pty.spawn")
    FOREIGN = ("ctypes.dlsym", "ctypes.dlsym/handle", "ctypes.call_function")
    OPTIONS_KEPT = {"autocommit", "row_factory", "cursor_factory", "prepare_threshold", "context", "connection_factory"}

    def __init__(self):
        self.database = None                 # the scratch database
        self.path = self.recorder = None     # the migration that is loaded or called, and its recorder if it is called
        self.refused = None                  # what a migration tried while it was loaded
        self.own_work = threading.local()
        self.driver = None                   # the folder of psycopg, which calls libpq
        self.recording = Recording()
        for watch in (self.watch_psycopg2, self.watch_psycopg, self.watch_fork):
            with contextlib.suppress(ImportError):
                watch()
        sys.addaudithook(self.audit)
        sa.event.listen(sa.engine.Engine, "do_connect", self.connect)

    @contextlib.contextmanager
    def own(self):
        """Allow the connections and programs of this tool."""
        before, self.own_work.active = self.is_own(), True
        try:
            yield
        finally:
            self.own_work.active = before

    def is_own(self):
        return getattr(self.own_work, "active", False)

    @contextlib.contextmanager
    def watching(self, path, recorder=None):
        self.path, self.recorder, self.refused = path, recorder, None
        try:
            yield
        finally:
            self.path = self.recorder = None

    def note(self, what):
        if self.recorder:
            self.recorder.need(what)
        what = at_line(self.path, what)
        self.refused = self.refused or what
        return what

    def refuse(self, what):
        raise Refused(self.note(what))

    def connect(self, dialect, record, arguments, options):
        """Called by SQLAlchemy before it opens a connection."""
        if dialect.name != "sqlite" and dialect.driver not in ("psycopg2", "psycopg") and not self.is_own():
            self.refuse("opens a connection of its own")

    def audit(self, event, arguments):
        if event in self.CONNECTS:
            if not self.is_own():
                self.refuse("opens a connection of its own")
        elif event in self.STARTS and not self.is_own():
            program = arguments[0] if arguments and isinstance(arguments[0], (str, bytes, os.PathLike)) else ""
            name = os.path.basename(os.fsdecode(program)).split(" ")[0]
            self.refuse(f"starts a program ({name})" if name else "starts a process")
        elif event in self.FOREIGN and self.path and not self.is_own() and not self.is_driver(sys._getframe(1)):
            self.note("calls a library in C")

    def is_driver(self, frame):
        """Is this psycopg, of which Python 3.14 tells each call, also by functions of ctypes?"""
        while frame.f_globals.get("__name__") == "ctypes" and frame.f_back:
            frame = frame.f_back
        return self.driver is not None and frame.f_code.co_filename.startswith(self.driver)

    def watch_fork(self):
        import _posixsubprocess
        plain = _posixsubprocess.fork_exec

        def fork_exec(*arguments):
            if not self.is_own():
                self.refuse("starts a program")
            return plain(*arguments)

        # Python tells of it only if it is called by the module subprocess
        _posixsubprocess.fork_exec = fork_exec

    def target(self, options):
        """The options with which a connection of the project's code is opened instead."""
        if self.database is None:
            self.refuse("opens a connection of its own")
        if options.get("options"):
            self.refuse("opens a connection of its own, with options")
        # waiting for a lock of the other connection would never end
        return {"dbname": self.database, "options": "-c lock_timeout=10s"}

    def watch_psycopg2(self):
        import psycopg2
        from psycopg2 import _psycopg, extensions
        guard, recording = self, self.recording
        plain_cursor, plain_connection = _psycopg.cursor, _psycopg.connection

        class Connection(plain_connection):
            def __init__(self, dsn="", *args, **kw):
                self.cmig_own = guard.is_own()
                if not self.cmig_own:
                    dsn = extensions.make_dsn(**guard.target(extensions.parse_dsn(dsn)))
                super().__init__(dsn, *args, **kw)

            def cursor(self, name=None, cursor_factory=None, **kw):
                factory = recording.cursor_class(cursor_factory or self.cursor_factory or plain_cursor,
                                                 lambda cursor, *what: cursor.mogrify(*what).decode())
                return super().cursor(name, cursor_factory=factory, **kw)

            def cmig_cursor(self):
                return super().cursor(cursor_factory=plain_cursor)

        def connect(dsn, connection_factory=None, **kw):
            return (connection_factory or Connection)(dsn, **kw)

        recording.watch(Connection, committed=("commit",), unseen=("lobject", "tpc_begin"),
                        rolled_back=("rollback", "close", "reset", "set_isolation_level"))
        psycopg2._connect = _psycopg._connect = connect
        _psycopg.connection = extensions.connection = Connection

    def watch_psycopg(self):
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
        guard, recording = self, self.recording
        self.driver = os.path.join(os.path.dirname(psycopg.__file__), "")
        real = psycopg.Connection.connect.__func__

        def connect(cls, conninfo="", **kw):
            own = guard.is_own()
            if not own:
                kept = {name: kw.pop(name) for name in guard.OPTIONS_KEPT & set(kw)}
                given = {name: value for name, value in kw.items() if value is not None}
                conninfo, kw = "", {**kept, **guard.target(conninfo_to_dict(conninfo, **given))}
            kw["cursor_factory"] = recording.cursor_class(
                kw.get("cursor_factory") or psycopg.ClientCursor,
                lambda cursor, *what: psycopg.ClientCursor(cursor.connection).mogrify(*what))
            connection = real(cls, conninfo, **kw)
            connection.cmig_own = own
            return connection

        async def connect_async(cls, *args, **kw):
            guard.refuse("opens a connection of its own, asynchronously")

        recording.watch(psycopg.Connection, committed=("commit",), rolled_back=("rollback", "close"),
                        unseen=("transaction", "pipeline", "tpc_begin"))
        psycopg.Connection.cmig_cursor = lambda connection: psycopg.Cursor(connection)
        psycopg.Connection.connect = classmethod(connect)
        psycopg.AsyncConnection.connect = classmethod(connect_async)
        psycopg.connect = psycopg.Connection.connect


def refuse_in_kernel():
    """Let the kernel refuse connections and programs, also those of libraries in C, where it can."""
    machine = os.uname().machine if sys.platform == "linux" else ""
    architecture, *calls = {"x86_64": (0xC000003E, 42, 425, 59, 322),    # connect, io_uring_setup, execve, execveat
                            "aarch64": (0xC00000B7, 203, 425, 221, 281)}.get(machine, (0,))
    if not calls:
        return
    import ctypes
    load, equal, answer, allow, refuse = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000 | errno.EACCES
    steps = [(load, 0, 0, 4), (equal, 0, len(calls) + 1, architecture), (load, 0, 0, 0)]
    steps += [(equal, len(calls) - number, 0, call) for number, call in enumerate(calls)]
    steps += [(answer, 0, 0, allow), (answer, 0, 0, refuse)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    prctl = ctypes.CDLL(None).prctl
    nothing = ctypes.c_ulong(0)
    prctl(38, ctypes.c_ulong(1), nothing, nothing, nothing)    # PR_SET_NO_NEW_PRIVS
    prctl(22, ctypes.c_ulong(2), ctypes.c_char_p(program), nothing, nothing)    # PR_SET_SECCOMP
