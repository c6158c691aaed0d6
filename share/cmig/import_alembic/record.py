# Copyright (c) 2026, the pg_cmig developers
"""Alembic's own runs in empty databases, and --record, which turns what they send into scripts."""

import contextlib
import os
import sys
import warnings

import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext

from . import fail
from .project import ONE_RUN_FAILS, Answer, agreed, fails, function_arguments, one_line
from .recorder import NeedsConnection, Recorder
from .server import Server, ServerError, run_children
from .source import DIRECTIONS, Source

# undefined table, column, object, function, and schema
MISSING_OBJECT = ("42P01", "42703", "42704", "42883", "3F000")


class AlembicError(ServerError):
    def __init__(self, error):
        super().__init__(one_line(error))
        error = getattr(error, "orig", error)
        code = getattr(error, "pgcode", None) or getattr(error, "sqlstate", None)
        self.missing = code in MISSING_OBJECT   # does something not exist that the migrations expect?


def run_alembic(project, server, database, steps, **changed):
    """Run the project's own migrations, with a connection to this database only."""
    options = {name: project.opts[name] for name in ("target_metadata", "version_table", "version_table_schema",
                                                     "transaction_per_migration", "render_as_batch", "include_schemas")
               if project.opts.get(name) is not None}
    engine = sa.create_engine(f"postgresql+{server.driver}:///{database}", poolclass=sa.pool.NullPool)
    environment = EnvironmentContext(project.config, project.script, fn=lambda rev, context: steps(rev))
    try:
        with project.guard.own():
            opened = engine.connect()
        with opened as connection, warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr), environment:
            warnings.simplefilter("ignore")
            environment.configure(connection=connection, **{**options, **changed})
            with environment.begin_transaction():
                environment.run_migrations(**project.kw)
            # statements after a commit() in a migration run in another transaction
            if connection.in_transaction() and hasattr(connection, "commit"):
                connection.commit()
    except (Exception, NeedsConnection) as error:
        raise AlembicError(error) from error
    finally:
        engine.dispose()


def run_moves(project, server, task):
    """Let Alembic upgrade and downgrade the database; with "record", note what it sends."""
    answers, moves = {}, []
    changed = {"transaction_per_migration": True} if task.get("each") else {}

    def steps(rev):
        step_list = project.script._upgrade_revs if direction == "upgrade" else project.script._downgrade_revs
        for step in step_list(targets, rev):
            if step.revision.revision in stop:
                return
            move["reached"].append(step.revision.revision)
            if task.get("record"):
                step.migration_fn = recorded(project, step.revision, step.migration_fn, direction, answers)
            yield step

    for direction, targets, stop in task["moves"]:
        move = {"reached": [], "error": None, "missing": False}
        moves.append(move)
        try:
            run_alembic(project, server, task["database"], steps, **changed)
        except AlembicError as error:
            move["error"], move["missing"] = str(error), error.missing
            break
    return {"moves": moves, "answers": answers}


def recorded(project, script, function, direction, answers):
    """The function, which also adds to the answers what it sends."""
    def call(**kw):
        path = script.module.__file__
        recorder = Recorder(path)
        with project.fixed.active(path, direction) as fixed, project.guard.watching(path, recorder):
            with project.guard.recording.of(recorder):
                function(**function_arguments(function, kw))
            answer = project.answer(recorder, fixed, Source(script.module))
        answer.reason = recorder.needs or fixed.made_secret or project.loaded(script).secret
        answers.setdefault(script.revision, {})[direction] = vars(answer)

    return call


def record(project, answers):
    """Fill what must be written by hand with what Alembic sends to two empty databases."""
    server, setup = Server(project.options.url, project.guard), project.options.setup
    if server.driver not in ("psycopg2", "psycopg"):
        fail("--record needs psycopg2 or psycopg")
    targets, number, filled = "heads", 0, set()
    while targets:
        names = [f"cmig_record_{os.getpid()}_{number}_{side}" for side in ("one", "other")]
        task = {"moves": [["upgrade", targets, []], ["downgrade", "base", []]], "each": True, "record": True}
        try:
            with server.scratch(names[0], setup), server.scratch(names[1], setup):
                runs = run_children(project, *({**task, "database": name} for name in names))
        except ServerError as failed:
            fail(str(failed))
        for id_, seen in runs[0]["answers"].items():
            for direction in DIRECTIONS:
                two = runs[1]["answers"].get(id_, {}).get(direction)
                if direction in seen and two and (id_, direction) not in filled:
                    filled.add((id_, direction))
                    fill(project, answers, id_, direction, agreed(Answer(**seen[direction]), Answer(**two)))
        targets = after_failure(project, answers, [run["moves"][-1] for run in runs], len(runs[0]["moves"]))
        number += 1


def fill(project, answers, id_, direction, seen):
    """Put what was recorded in place of what could not be converted, or was only guessed."""
    answer = answers[id_][direction]
    why = answer.reason or answer.guess
    if not why or project.loaded(project.script.get_revision(id_)).refused:
        return
    if seen.reason:
        reason = why if why == seen.reason else f"{why}; {seen.reason}"
        seen = Answer(reason=reason, notes=seen.notes, outside=answer.outside)
    elif seen.parts:
        seen.recorded = why
    else:
        note = "on an empty database, it sends nothing; --setup FILE creates a schema that it expects"
        seen = Answer(reason=why, notes=[note], outside=answer.outside)
    answers[id_][direction] = seen


def after_failure(project, answers, ends, moves):
    """Note the failure of a run; returns what is left to record, in other databases."""
    end = next((end for end in ends if end["error"]), None)
    if end is None:
        return ()
    failed = end["reached"][-1] if end["reached"] else "nothing"
    if moves == 1 or not end["reached"]:
        project.warnings.append(f"Alembic's upgrade failed in {failed} on an empty database, and nothing after it was "
                                f"recorded: {with_setup(end, project.options)}")
        return ()
    if any(other["reached"] != end["reached"] or not other["error"] for other in ends):
        answers[failed]["downgrade"] = Answer(reason=ONE_RUN_FAILS)
    else:
        answers[failed]["downgrade"] = fails(end["error"][:300])
    steps = [step.revision for step in project.script._downgrade_revs("base", tuple(project.script.get_heads()))]
    return heads_of(steps[[script.revision for script in steps].index(failed) + 1:])


def heads_of(scripts):
    """The revisions that no other one of them follows."""
    named = {id_ for script in scripts for id_ in script._all_down_revisions}
    return [script.revision for script in scripts if script.revision not in named]


def with_setup(move, options):
    """The error of a move, and what to do if the migrations expect a schema."""
    missing = move["missing"] and not options.setup
    return move["error"] + (" (if the migrations expect a schema that they do not create, pass SQL that creates it "
                            "with --setup FILE)" if missing else "")
