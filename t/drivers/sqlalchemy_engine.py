# Copyright (c) 2026, the pg_cmig developers

"""pg_cmig through SQLAlchemy: engine.begin() commits at its end."""

import sys

import sqlalchemy
from checks import CHAIN, check
from sqlalchemy import create_engine, text

driver, host, port, dbname = sys.argv[1:5]
engine = create_engine("postgresql+%s://postgres@/%s?host=%s&port=%s" % (driver, dbname, host, port))


def run(conn, sql, **args):
    return [tuple(row) for row in conn.execute(text(sql), args)]


with engine.begin() as conn:
    check("load", run(conn, "SELECT * FROM cmig.load(:files)", files=CHAIN),
          [("001", "added"), ("002", "added"), ("003", "added")])
    check("upgrade", run(conn, "SELECT revision FROM cmig.upgrade(:target)", target="002"), [("001",), ("002",)])
with engine.connect() as conn:
    check("engine.begin() committed", run(conn, "SELECT revision FROM cmig.current()"), [("002",)])

with engine.connect() as conn:
    run(conn, "SELECT revision FROM cmig.upgrade('003')")
with engine.connect() as conn:
    check("engine.connect() without a commit does not", run(conn, "SELECT revision FROM cmig.current()"), [("002",)])

try:
    with engine.begin() as conn:
        run(conn, "SELECT revision FROM cmig.upgrade(:target)", target="003")
        run(conn, "SELECT cmig.require(:target)", target="nonsense")
except sqlalchemy.exc.DBAPIError as error:
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    check("an error", state, "MG001")
with engine.connect() as conn:
    check("takes the upgrade back", run(conn, "SELECT revision FROM cmig.current()"), [("002",)])
