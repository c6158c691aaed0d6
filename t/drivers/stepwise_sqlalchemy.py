# Copyright (c) 2026, the pg_cmig developers

"""CALL cmig.upgrade_stepwise through SQLAlchemy, whose connections begin a
transaction unless their isolation level is AUTOCOMMIT."""

import sys

import sqlalchemy
from checks import STEPS, check
from sqlalchemy import create_engine, text

driver, host, port, dbname = sys.argv[1:5]
engine = create_engine("postgresql+%s://postgres@/%s?host=%s&port=%s" % (driver, dbname, host, port))
UP = text("CALL cmig.upgrade_stepwise(:target)")


def at():
    with engine.connect() as conn:
        return conn.execute(text("SELECT coalesce(string_agg(revision, ' '), 'base') FROM cmig.version")).scalar()


with engine.begin() as conn:
    conn.execute(text("SELECT cmig.load(:files)"), {"files": STEPS})
for name, connect in [("engine.connect()", engine.connect), ("engine.begin()", engine.begin)]:
    try:
        with connect() as conn:
            conn.execute(UP, {"target": "head"})
        check(name, "no error", "25001")
    except sqlalchemy.exc.DBAPIError as error:
        check(name + " is refused", (error.orig.pgcode, at()), ("25001", "base"))
with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
    conn.execute(UP, {"target": "head"})
check("isolation_level AUTOCOMMIT", at(), "003")
with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as conn:
    conn.execute(text("CALL cmig.downgrade_stepwise(:target)"), {"target": "base"})
check("and of the engine", at(), "base")
