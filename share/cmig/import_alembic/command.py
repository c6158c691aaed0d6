# Copyright (c) 2026, the pg_cmig developers
"""The command: its arguments, the report, and --take-over."""

import argparse
import json
import os
import sys

from . import fail
from .files import Revision, branch_order, folder_files, named_files, write_files
from .fixed import number_objects
from .guard import Guard, refuse_in_kernel
from .project import Answer, Project, agreed
from .record import record, run_moves
from .render import dollar_quote, identifier, quoted
from .server import Server, ServerError, run_children
from .source import DIRECTIONS
from .verify import STATE_TABLE, verify

EXIT_DONE, EXIT_ERROR, EXIT_BY_HAND = 0, 1, 3


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="cmig-import-alembic", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Convert the revisions of an Alembic project to pg_cmig revision files.",
        epilog="exit status: 0 done; 1 an error, or --verify found a difference; 2 wrong arguments;\n"
               "3 done, but at least one revision must be written by hand")
    add = parser.add_argument
    add("-c", "--config", default=os.environ.get("ALEMBIC_CONFIG", "alembic.ini"),
        help="Alembic configuration file (default: alembic.ini)")
    add("-n", "--name", default="alembic", help="section of the configuration file (default: alembic)")
    add("-x", action="append", metavar="NAME=VALUE", help="argument for env.py, as for alembic")
    add("-o", "--output", "--to", default="revisions", metavar="FOLDER",
        help="folder for the files (default: revisions)")
    add("--stdout", action="store_true", help="print the files, in the format of cmig.load, instead of writing them")
    add("--force", action="store_true", help="overwrite files that have different content")
    add("--no-env", action="store_true", help="do not run env.py")
    add("--verify", action="store_true",
        help="run Alembic's migrations and the files in two empty databases, up and down, and compare the schemas with "
             "pg_dump; if the folder already contains files, verify those and write nothing")
    add("--setup", metavar="FILE", help="SQL file that --verify and --record first run in each database")
    add("--take-over", action="store_true",
        help="only stamp the revisions in the table alembic_version of a database; the files must be loaded")
    add("--version-table", choices=("keep", "rename", "drop"), default="keep",
        help="what --take-over does with the table afterwards (default: keep)")
    add("--record", action="store_true",
        help="run Alembic's migrations in two empty databases, and fill what must be written by hand with the "
             "statements that they send")
    add("--child", metavar="TASK", help=argparse.SUPPRESS)
    add("-d", "--database", "--url", dest="url", metavar="NAME|URL",
        help="database for --take-over, or on the server for --verify and --record, by name or as "
             "postgresql://…; the default is taken from PGHOST, PGDATABASE, …")
    return parser.parse_args()


def run_task(options, guard, task):
    """Do the work of a child process (run_children)."""
    server = None
    if "database" in task:
        server, guard.database = Server(options.url, guard), task["database"]
    else:
        refuse_in_kernel()
    project = Project(options, guard)
    if server:
        project.in_environment(lambda environment: True)
        answer = run_moves(project, server, task)
    elif task["call"]:
        answer = {"answers": {id_: {direction: vars(answer) for direction, answer in both.items()}
                              for id_, both in project.convert().items()}}
    else:
        answer = {"answers": project.in_environment(lambda environment: {})}
    answer["warnings"] = project.warnings
    answer["opts"] = {name: project.opts.get(name) for name in ("version_table", "version_table_schema",
                                                              "transaction_per_migration")}
    with open(task["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


def take_over(project):
    """Stamp what alembic_version says, and rename or drop that table."""
    server = Server(project.options.url, project.guard, with_driver=False)
    table = project.opts.get("version_table") or STATE_TABLE
    name = ".".join(identifier(part) for part in (project.opts.get("version_table_schema"), table) if part)
    after = {"keep": "", "rename": f"ALTER TABLE {name} RENAME TO {identifier(table[:59] + '_old')};",
             "drop": f"DROP TABLE {name};"}[project.options.version_table]
    body = f"""DECLARE
    r record;
BEGIN
    LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE;
    FOR r IN SELECT * FROM cmig.import_state('alembic', {quoted(name)}) LOOP
        IF r.note IS NOT NULL THEN
            RAISE EXCEPTION '{name.replace("'", "''").replace("%", "%%")} names "%": %', r.applied, r.note
                USING HINT = 'Load the files of this project first, all of them.';
        END IF;
    END LOOP;
    {after}
END"""
    current = "SELECT 'current: ' || coalesce(string_agg(revision, ', '), 'base') FROM cmig.version;"
    try:
        print(server.psql(f"DO {dollar_quote(body)};\n{current}").strip())
    except ServerError as error:
        fail(str(error))


def report(project, revisions, out):
    groups = {"automatic:": [], "to be reviewed:": [], "to be written:": []}
    for revision in revisions:
        details = [f"{direction}, {reason}" for direction, reason in revision.by_hand] + revision.notes
        groups["to be written:" if revision.by_hand else "to be reviewed:" if details else "automatic:"].append(
            (revision.script.revision, details))
    for warning in project.warnings:
        print(f"warning: {warning}", file=out)
    for title, members in groups.items():
        print(f"{title:<16} {len(members)}", file=out)
        for revision, details in members:
            if details:
                print(f"  {revision}", *details, sep="\n    ", file=out)


def main(command):
    """Do what the arguments say; command is the file that runs this package."""
    options = parse_arguments()
    options.command = command
    guard = Guard()
    number_objects()
    if options.child:
        run_task(options, guard, json.loads(options.child))
        return EXIT_DONE
    project = Project(options, guard)
    runs = run_children(project, *[{"call": not options.take_over}] * (1 if options.take_over else 2))
    project.warnings, project.opts = runs[0]["warnings"], runs[0]["opts"]
    if options.take_over:
        take_over(project)
        return EXIT_DONE
    answers = {id_: {direction: agreed(*(Answer(**run["answers"][id_][direction]) for run in runs))
                     for direction in DIRECTIONS} for id_ in runs[0]["answers"]}
    there = folder_files(options.output) if options.verify else []
    if options.record and not there:
        record(project, answers)
    parents, misplaced = branch_order(project.revisions)
    if misplaced:
        project.warnings.append("these revisions of parallel branches run in another order than in Alembic: "
                                + ", ".join(misplaced))
    taken = {script.revision for script in project.revisions}
    revisions = [Revision(project, script, answers[script.revision], parents[script.revision], taken)
                 for script in project.revisions]
    if there:
        return EXIT_DONE if verify(project, there, revisions) else EXIT_ERROR
    files = named_files(revisions)
    if options.stdout:
        for name, text in files:
            print(f"==> {name} <==\n{text}")
    else:
        write_files(options.output, files, options.force)
        print(f"{len(files)} files in {options.output}")
    report(project, revisions, sys.stderr if options.stdout else sys.stdout)
    if options.verify and not verify(project, files, revisions):
        return EXIT_ERROR
    return EXIT_BY_HAND if any(revision.by_hand for revision in revisions) else EXIT_DONE
