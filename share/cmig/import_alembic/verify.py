# Copyright (c) 2026, the pg_cmig developers
"""The comparison of the schemas that Alembic and pg_cmig create, up and down (--verify)."""

import difflib
import os

from .record import heads_of, with_setup
from .render import quoted
from .server import Server, ServerError, run_children

STATE_TABLE = "alembic_version"


def verify(project, files, revisions):
    """Both ways with Alembic and with pg_cmig; is the schema the same?"""
    server, setup = Server(project.options.url, project.guard), project.options.setup
    alembic_db, cmig_db = (f"cmig_verify_{os.getpid()}_{tool}" for tool in ("alembic", "cmig"))
    try:
        with server.scratch(alembic_db, setup), server.scratch(cmig_db, setup):
            return Comparison(project, server, alembic_db, cmig_db).compare(files, revisions)
    except ServerError as error:
        print(f"verify: {error}")
        return False


class Comparison:
    """Two databases, one for each tool."""

    def __init__(self, project, server, alembic_db, cmig_db):
        self.project, self.server, self.alembic_db, self.cmig_db = project, server, alembic_db, cmig_db

    def compare(self, files, revisions):
        quote = f"$cmig_load_{os.getpid()}$"
        text = "\n".join(f"==> {name} <==\n{text}" for name, text in files)
        self.in_cmig(f"CREATE EXTENSION pg_cmig;\nSELECT * FROM cmig.load({quote}{text}{quote});")
        upgrade = self.in_alembic("upgrade", "heads", [])
        if upgrade["error"]:
            raise ServerError(with_setup(upgrade, self.project.options))
        self.in_cmig("CALL cmig.upgrade_stepwise('heads');")
        same = self.same_dumps("upgrade to the heads")
        return self.compare_downgrade(revisions) and same

    def compare_downgrade(self, revisions):
        """Compare the downgrades as far as Alembic gets."""
        irreversible = sorted(r.script.revision for r in revisions if r.answers["downgrade"].irreversible)
        downgrade = self.in_alembic("downgrade", "base", irreversible, each=True)
        reached, why = downgrade["reached"], downgrade["error"]
        if why and reached:
            why = f"{reached.pop()}: {why}"
        left = heads_of([script for script in self.project.revisions if script.revision not in reached])
        if why:
            print(f"downgrade: Alembic fails in {why}")
        elif left:
            print(f"downgrade: {', '.join(left)} cannot be reverted")
        if len(left) > 1:
            print("downgrade: not compared, because parallel branches are left")
            return True
        target = left[0] if left else "base"
        if reached:
            self.in_cmig(f"CALL cmig.downgrade_stepwise({quoted(target)});")
        return self.same_dumps(f"downgrade to {target}")

    def in_alembic(self, direction, target, stop, **options):
        task = {"database": self.alembic_db, "moves": [[direction, target, stop]], **options}
        return run_children(self.project, task)[0]["moves"][0]

    def in_cmig(self, text):
        self.server.psql(text, "-d", self.cmig_db)

    def same_dumps(self, what):
        left_out = f"*.{self.project.opts.get('version_table') or STATE_TABLE}"
        alembic, cmig = (self.server.dump(database, left_out) for database in (self.alembic_db, self.cmig_db))
        print(f"{what}: the schemas {'are the same' if alembic == cmig else 'differ'}")
        for line in list(difflib.unified_diff(alembic, cmig, "alembic", "pg_cmig", lineterm=""))[:60]:
            print(f"  {line}")
        return alembic == cmig
