# Copyright (c) 2026, the pg_cmig developers

"""What the Python scripts here share.  Each prints a line for each check."""

import os
import sys

CHAIN = """\
-- revision: 001
-- message: accounts

-- cmig:upgrade
CREATE TABLE account (id int PRIMARY KEY, name text NOT NULL);

-- cmig:downgrade
DROP TABLE account;
-- revision: 002
-- down_revision: 001
-- message: 100 % of the names : lower case

-- cmig:upgrade
INSERT INTO account SELECT g, 'Name % ' || g FROM generate_series(1, 3) g;
UPDATE account SET name = lower(name) WHERE name LIKE 'N%';

-- cmig:downgrade
DELETE FROM account;
-- revision: 003
-- down_revision: 002
-- message: e-mail

-- cmig:upgrade
ALTER TABLE account ADD COLUMN email text;

-- cmig:downgrade
ALTER TABLE account DROP COLUMN email;
"""

# revisions for cmig.upgrade_stepwise: one is not transactional
with open(os.path.join(os.path.dirname(__file__), "steps.sql"), encoding="utf-8") as file:
    STEPS = file.read()


def check(name, got, expected):
    if got == expected:
        print("ok", name)
    else:
        print("not ok", name)
        print("# got", repr(got), "expected", repr(expected))
    sys.stdout.flush()
