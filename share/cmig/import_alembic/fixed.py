# Copyright (c) 2026, the pg_cmig developers
"""Values of a migration that differ from one run to the next: the clock, UUIDs, random numbers."""

import contextlib
import datetime
import hashlib
import itertools
import os
import random
import re
import secrets
import sys
import time
import uuid

import sqlalchemy as sa

from .source import at_line, in_project, line_in, start_of
from .text import spans


def number_objects():
    """Give the tables, columns, and indexes of SQLAlchemy hashes that are not their addresses.

    Sets of them then have an order.
    """
    numbers = itertools.count()

    def number(item):
        if "_cmig_number" not in item.__dict__:
            item.__dict__["_cmig_number"] = next(numbers)
        return item.__dict__["_cmig_number"]

    sa.schema.SchemaItem.__hash__ = number


class Clock(type):
    """The type of classes that stand in for datetime and date."""

    def __instancecheck__(cls, value):
        return isinstance(value, cls.real)

    def __subclasscheck__(cls, other):
        return issubclass(other, cls.real)


class Fixed:
    """The clock, UUIDs, and random numbers of a migration while it is loaded or called.

    They are computed from the revision, so that each import has the same ones.  The
    server's functions take their place where a statement contains nothing else.
    """

    def __init__(self):
        self.used, self.functions = [], {}  # (line, name, value); the text of a value: the server's function
        self.key, self.path, self.start, self.recorder, self.made_secret = "", None, None, None, None
        clock = {"now": self.now, "utcnow": self.utcnow, "today": self.now}
        self.fakes = [(datetime, "datetime", self.clock_class(datetime.datetime, clock)),
                      (datetime, "date", self.clock_class(datetime.date, {"today": self.today})),
                      (os, "urandom", self.secret("os.urandom", os.urandom))]
        self.fakes += [(time, name, self.clock(name, getattr(time, name)))
                       for name in ("time", "time_ns", "localtime", "gmtime", "strftime", "ctime", "asctime")]
        self.fakes += [(uuid, name, self.uuid(f"uuid.{name}")) for name in ("uuid1", "uuid4")]
        self.fakes += [(secrets, name, self.secret(f"secrets.{name}", getattr(secrets, name)))
                       for name in ("token_bytes", "token_hex", "token_urlsafe", "choice", "randbelow", "randbits")]

    @contextlib.contextmanager
    def active(self, path, part, recorder=None):
        """With a recorder, code that makes a secret is left."""
        self.key, self.start = f"{os.path.basename(path)} {part}", start_of(path)
        self.path, self.recorder = path, recorder
        self.used, self.functions, self.made_secret = [], {}, None
        saved = [(module, name, getattr(module, name)) for module, name, _ in self.fakes]
        for module, name, fake in self.fakes:
            setattr(module, name, fake)
        random.seed(self.key)
        try:
            yield self
        finally:
            for module, name, value in saved:
                setattr(module, name, value)
    def note(self, name, value):
        self.used.append((line_in(self.path), name, value))
        return value

    def clock_class(self, real, methods):
        def make(cls, *args, **kw):
            return real(*args, **kw)

        return Clock(real.__name__, (real,),
                     {"real": real, "__new__": make, **{name: staticmethod(f) for name, f in methods.items()}})

    def moment(self, name, value, function):
        self.functions.update({value.isoformat(separator): function for separator in " T"})
        return self.note(name, value)

    def now(self, tz=None):
        if tz is None:
            return self.moment("datetime.now()", self.start.replace(microsecond=987652), "localtimestamp")
        now = self.start.replace(microsecond=987653, tzinfo=datetime.timezone.utc).astimezone(tz)
        return self.moment("datetime.now()", now, "now()")

    def utcnow(self):
        now = self.start.replace(microsecond=987651)
        return self.moment("datetime.utcnow()", now, "(now() AT TIME ZONE 'UTC')")

    def today(self):
        return self.note("date.today()", self.start.date())

    def clock(self, name, real):
        """A function of the module time; with an argument for the time, it is itself."""
        def now(*args):
            if len(args) > (name == "strftime") or not in_project(sys._getframe(1).f_code.co_filename):
                return real(*args)
            seconds = self.start.replace(tzinfo=datetime.timezone.utc).timestamp()
            if name in ("localtime", "gmtime"):
                self.note(f"time.{name}()", self.start)
                return self.start.timetuple()
            if name in ("time", "time_ns"):
                return self.note(f"time.{name}()", seconds if name == "time" else int(seconds) * 10 ** 9)
            # ctime() without an argument is asctime()
            text = time.asctime if name == "ctime" else real
            return self.note(f"time.{name}()", text(*args, self.start.timetuple()))

        return now

    def uuid(self, name):
        def make(*args, **kw):
            digest = hashlib.sha256(f"{self.key} {len(self.used)}".encode()).digest()
            value = uuid.UUID(bytes=digest[:16], version=4)
            self.functions[str(value)] = "gen_random_uuid()"
            return self.note(f"{name}()", value)

        return make

    def secret(self, name, real):
        """No secret is written into a file: what needs one is written by hand."""
        def make(*args, **kw):
            if in_project(sys._getframe(1).f_code.co_filename):
                self.made_secret = at_line(self.path, f"uses {name}()")
                if self.recorder:
                    self.recorder.need(f"uses {name}()")
            return real(*args, **kw)

        return make
    def served(self, statements):
        """The statements, with the server's functions in place of marked values."""
        text = "\n".join(statements)
        return [self.served_statement(sql, text)
                if re.match(r"\s*(INSERT|UPDATE|DELETE|SELECT|WITH|MERGE)\b", sql, re.I) else sql for sql in statements]

    def served_statement(self, sql, text):
        rows = re.match(r"\s*INSERT\b", sql, re.I) and not re.search(r"\bSELECT\b", sql, re.I)
        depth, pieces = None, []    # of the parentheses after VALUES
        for is_quoted, piece in spans(sql):
            value = piece[1:-1] if is_quoted and piece.startswith("'") else ""
            function = self.functions.get(value)
            if function and (function != "gen_random_uuid()" or rows and depth == 1 and text.count(value) == 1):
                piece = function
            elif not is_quoted:
                values = re.search(r"\bVALUES\b", piece, re.I) if depth is None else None
                if values or depth is not None:
                    rest = piece[values.end():] if values else piece
                    depth = (depth or 0) + rest.count("(") - rest.count(")")
            pieces.append(piece)
        return "".join(pieces)

    def notes(self, statements, source):
        """What the values of the last call became."""
        text = "\n".join(statements)
        notes = []
        for line, name, value in self.used:
            function = self.functions.get(str(value), "\0")
            fixed = function not in text or str(value) in text or str(value).replace(" ", "T") in text
            became = f"a fixed value, {str(value)!r}" if fixed else function
            notes.append((f"line {line}: {source.assigned(line)}" if line else "") + f"{name} became {became}")
        return list(dict.fromkeys(notes))
