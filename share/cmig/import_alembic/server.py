# Copyright (c) 2026, the pg_cmig developers
"""Programs: psql and its relatives for the databases of a server, and this command in other processes."""

import contextlib
import importlib
import json
import os
import re
import subprocess
import sys
import tempfile

import sqlalchemy as sa

from . import fail
from .source import read_text


class ServerError(Exception):
    """A program has failed, or a migration in a scratch database."""


class Server:
    """Databases of the server that PGHOST and the other variables name."""

    def __init__(self, url, guard, with_driver=True):
        self.guard = guard
        if url and "://" not in url:
            os.environ["PGDATABASE"] = url
        elif url:
            url = sa.engine.make_url(url)
            values = {"PGHOST": url.host or url.query.get("host"), "PGPORT": url.port, "PGUSER": url.username,
                      "PGPASSWORD": url.password, "PGDATABASE": url.database}
            os.environ.update({name: str(value) for name, value in values.items() if value is not None})
        self.driver = next((driver for driver in ("psycopg2", "psycopg", "pg8000") if importable(driver)), None)
        if with_driver and not self.driver:
            fail("--verify needs psycopg2, psycopg, or pg8000 for Alembic's side")

    def run(self, *command, text=None):
        with self.guard.own():
            result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ServerError(f"{command[0]}: {result.stderr.strip()}")
        return result.stdout

    @contextlib.contextmanager
    def scratch(self, name, setup):
        """A new database, dropped at the end."""
        try:
            self.run("createdb", "-T", "template0", name)
            if setup:
                self.psql(read_text(setup), "-d", name)
            yield name
        finally:
            with self.guard.own():
                subprocess.run(["dropdb", "--force", "--if-exists", name], check=False)

    def psql(self, text, *options):
        text = "SET client_min_messages = warning;\n" + text
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *options, "-f", "-", text=text)

    def dump(self, database, left_out):
        lines = self.run("pg_dump", "-s", "-N", "cmig", f"--exclude-table={left_out}", "-d", database).splitlines()
        return [line for line in lines if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))
                and not re.match(r"(CREATE|COMMENT ON) EXTENSION (IF NOT EXISTS )?pg_cmig\b", line)]


def importable(name):
    try:
        importlib.import_module(name)
        return True
    except ImportError:
        return False


def run_children(project, *tasks):
    """Run each task in a process of its own, all at the same time; returns their answers.

    A task without a database converts, and one with a database runs Alembic there
    (command.run_task).
    """
    with tempfile.TemporaryDirectory() as folder, project.guard.own():
        started = []
        for number, task in enumerate(tasks):
            # only one of them shows what the project prints
            errors = None if number == 0 else open(os.path.join(folder, f"{number}.errors"), "w+", encoding="utf-8")
            task = {**task, "answer": os.path.join(folder, f"{number}.json")}
            command = [sys.executable, project.options.command, *sys.argv[1:], "--child", json.dumps(task)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=errors or 2, stderr=errors)
            started.append((process, errors, task))
        answers = []
        for status, errors, task in [(process.wait(), errors, task) for process, errors, task in started]:
            if status:
                if errors:
                    errors.seek(0)
                    sys.stderr.write(errors.read())
                sys.exit(1)
            answers.append(json.loads(read_text(task["answer"])))
        return answers
