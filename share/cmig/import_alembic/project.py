# Copyright (c) 2026, the pg_cmig developers
"""The Alembic project: loads the migrations, and calls upgrade() and downgrade() of each."""

import argparse
import collections
import contextlib
import dataclasses
import inspect
import io
import itertools
import os
import re
import shlex
import sys
import traceback
import warnings

import sqlalchemy as sa
from alembic import util as alembic_util
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from . import fail
from .fixed import Fixed
from .recorder import NeedsConnection, Recorder, recording_context
from .render import Dialect, NotWritable
from .source import DIRECTIONS, Source, in_project, stand_in
from .text import spans

ONE_RUN_FAILS = "it fails in one run, but not in another"
# what loading a module showed: whether it uses a secret, what it read, and what it was refused
Loaded = collections.namedtuple("Loaded", "secret used refused", defaults=(None, (), None))


@dataclasses.dataclass


class Answer:
    """One direction of a revision: parts, or why there are none."""

    parts: list = dataclasses.field(default_factory=list)    # as in Recorder
    reason: str = None
    notes: list = dataclasses.field(default_factory=list)
    irreversible: bool = False
    outside: bool = False   # must what is written by hand run outside of a transaction?
    guess: str = None       # why it is irreversible, if nobody has run it
    recorded: str = None    # why it was recorded on an empty database


def fails(why):
    """The answer of a downgrade that fails in Alembic."""
    return Answer(irreversible=True, notes=[f"it is irreversible, because it fails in Alembic: {why}"])


def agreed(one, two):
    """The answer, if a second run of the code gave the same one."""
    if one.reason or (one.parts, one.reason, one.irreversible) == (two.parts, two.reason, two.irreversible):
        return one
    if two.reason or one.irreversible or two.irreversible:
        return Answer(reason=two.reason or ONE_RUN_FAILS, outside=one.outside or two.outside)
    values = " in one run, and ".join(repr(value) for value in first_difference(one.parts, two.parts))
    return Answer(reason="its statements differ from one run to the next",
                  notes=[f"a statement contains {values} in another"], outside=any(outside for outside, _ in one.parts))


def first_difference(one, two):
    """The first texts in which two lists of parts differ."""
    def pieces(parts):
        for outside, statements in parts:
            yield f"transactional: {not outside}"
            for sql in statements:
                for is_quoted, text in spans(sql):
                    yield from [text] if is_quoted else re.findall(r"\w+|\W", text)

    a, b = next((a, b) for a, b in itertools.zip_longest(pieces(one), pieces(two), fillvalue="") if a != b)
    start = max(len(os.path.commonprefix([a, b])) - 30, 0) if max(len(a), len(b)) > 60 else 0
    return a[start:start + 60], b[start:start + 60]


class Project:
    """An Alembic project, and the options with which its env.py runs migrations."""

    def __init__(self, options, guard):
        if not os.path.exists(options.config):
            fail(f"{options.config} does not exist", "Pass the path of your alembic.ini with -c")
        self.options, self.guard = options, guard
        self.config = Config(options.config, ini_section=options.name, cmd_opts=argparse.Namespace(x=options.x))
        self.opts, self.kw, self.warnings = {}, {}, []    # of env.py: what it configures, and passes to migrations
        self.fixed, self.dialect, self.modules = Fixed(), Dialect(), {}    # path: Loaded
        self.load = alembic_util.load_python_file
        alembic_util.load_python_file = self.load_fixed
        # Alembic's order of branches is that of the files in the folder, which differs between file systems
        listdir = os.listdir
        os.listdir = lambda *path: sorted(listdir(*path))
        try:
            self.script = ScriptDirectory.from_config(self.config)
            self.revisions = [step.revision for step in self.script._upgrade_revs("heads", None)]
        except (Exception, SystemExit) as error:
            fail(f"the project cannot be read: {one_line(error)}",
                 "Check whether this command works: " + shlex.join(["alembic", "-c", options.config] + (
                     ["-n", options.name] if options.name != "alembic" else []) + ["history"]))
        finally:
            os.listdir = listdir

    def load_fixed(self, folder, name):
        """Takes the place of Alembic's function, which loads a module."""
        path = os.path.join(folder, name)
        if name == "env.py":
            return self.load(folder, name)
        with self.fixed.active(path, "module") as fixed, self.guard.watching(path):
            try:
                module = self.load(folder, name)
            except Exception:
                if not self.guard.refused:
                    raise
                module = stand_in(path, self.guard.refuse)
        self.modules[path] = Loaded(fixed.made_secret, fixed.used, self.guard.refused)
        return module

    def loaded(self, script):
        return self.modules.get(script.module.__file__, Loaded())

    def convert(self):
        """The answers of all revisions, by their ids."""
        return self.in_environment(lambda environment: {
            script.revision: {direction: self.call(environment, script, direction) for direction in DIRECTIONS}
            for script in self.revisions}) or {}

    def in_environment(self, work):
        """Call it in the environment that env.py configures, and return its result."""
        done = []

        def migrate(rev, context):
            kw = sys._getframe(1).f_locals.get("kw") or {}
            if done:
                self.warnings.append("env.py runs the migrations more than once; the files contain what its first run "
                                     f"does ({self.kw or 'no arguments'})")
            else:
                self.opts, self.kw = dict(context.opts), kw
                if context.dialect.name != "postgresql":
                    fail(f"env.py is for {context.dialect.name}, not for PostgreSQL")
                done.append(work(context.environment_context or environment))
            return []

        environment = EnvironmentContext(self.config, self.script, fn=migrate, as_sql=True, starting_rev="base",
                                         destination_rev="heads", output_buffer=io.StringIO())
        if not self.options.no_env:
            self.run_env(environment, done)
        if not done and self.revisions:
            with environment:
                environment.configure(dialect_name="postgresql")
                environment.run_migrations()
        return done[0] if done else None

    def run_env(self, environment, done):
        try:
            with environment, contextlib.redirect_stdout(sys.stderr):
                self.script.run_env()
        except (Exception, SystemExit) as error:
            if done:
                raise
            self.warnings.append(f"env.py failed ({one_line(error)}); the migrations were called without it, and "
                                 "therefore without the naming conventions of its metadata")
        else:
            if not done and self.revisions:
                self.warnings.append("env.py runs no migrations in offline mode; they were called without it")

    def call(self, environment, script, direction):
        function = getattr(script.module, direction, None)
        if function is None:
            return Answer(irreversible=direction == "downgrade")
        source = Source(script.module)
        if direction == "downgrade" and source.only_raises(direction):
            return Answer(irreversible=True)
        path, loaded = script.module.__file__, self.loaded(script)
        outside = "autocommit_block" in source.code(direction)
        if loaded.refused:
            return Answer(reason=loaded.refused, outside=outside)
        recorder = Recorder(path)
        with self.fixed.active(path, direction, recorder) as fixed, self.guard.watching(path, recorder):
            error = self.error_of(function, environment, recorder)
        if isinstance(error, NotImplementedError) and direction == "downgrade" and not recorder.parts:
            return Answer(irreversible=True, guess=described(error, path))
        if error is None and recorder.parts and loaded.secret:
            return Answer(reason=loaded.secret, outside=outside)
        if error is None:
            return self.answer(recorder, fixed, source, source.notes(direction))
        reason = recorder.needs or described(error, path)
        if direction == "downgrade" and not recorder.needs and fails_in_alembic(error):
            return dataclasses.replace(fails(reason), guess=reason)
        return Answer(reason=reason, outside=outside)

    def error_of(self, function, environment, recorder):
        """Call it; the exception that it raised, or None."""
        context = recording_context(self.dialect, recorder, self.opts, environment)
        offline, self.dialect.cmig_recorder = environment.is_offline_mode, recorder
        environment.is_offline_mode = lambda: recorder.need("asks whether it runs offline")
        try:
            with Operations.context(context), contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                function(**function_arguments(function, self.kw))
            return NeedsConnection(recorder.needs) if recorder.needs else None
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return error
        finally:
            environment.is_offline_mode = offline
            context.recorder = self.dialect.cmig_recorder = None

    def answer(self, recorder, fixed, source, notes=()):
        """The statements that were recorded, with the server's functions for its clock and UUIDs."""
        served = iter(fixed.served([sql for _, statements in recorder.parts for sql in statements]))
        parts = [(outside, [next(served) for _ in statements]) for outside, statements in recorder.parts]
        values = fixed.notes([sql for _, statements in parts for sql in statements], source)
        return Answer(parts, notes=[*recorder.notes, *values, *notes])

    def module_notes(self, script):
        """What loading the module read."""
        source = Source(script.module)
        values = [f"line {line}: {source.assigned(line)}{name} became a fixed value, {str(value)!r}"
                  for line, name, value in self.loaded(script).used]
        return list(dict.fromkeys(values + source.module_notes()))


def function_arguments(function, kw):
    parameters = inspect.signature(function).parameters
    if any(p.kind == p.VAR_KEYWORD for p in parameters.values()):
        return kw
    return {name: value for name, value in kw.items() if name in parameters}


def fails_in_alembic(error):
    """Does it fail by itself, whatever it is connected to?"""
    if isinstance(error, (alembic_util.CommandError, sa.exc.CompileError, NameError)):
        return True
    frames = traceback.extract_tb(error.__traceback__) if isinstance(error, Exception) else []
    return bool(frames) and in_project(frames[-1].filename) and (frames[-1].line or "").startswith("raise")


def one_line(error):
    text = re.sub(r"<[^<>]* at 0x[0-9a-f]+>", "…", " ".join(str(error).split()))
    return re.sub(r"\(Background on this error at: .*?\)", "", text).strip() or type(error).__name__


def described(error, path):
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    where = f"line {lines[-1]}: " if lines else ""
    kind = "" if isinstance(error, (NotWritable, alembic_util.CommandError)) else type(error).__name__ + ": "
    return where + kind + one_line(error)[:300]
