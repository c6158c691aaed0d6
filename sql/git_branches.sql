--
-- Switching between two git branches with one development database
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;

-- main, and the two branches that started there
\set main '-- revision: 001\n-- message: accounts\n-- cmig:upgrade\nCREATE TABLE account (id int PRIMARY KEY);\n-- cmig:downgrade\nDROP TABLE account;\n'
\set email '-- revision: a1\n-- down_revision: 001\n-- message: e-mail\n-- cmig:upgrade\nALTER TABLE account ADD email text;\n-- cmig:downgrade\nALTER TABLE account DROP email;\n-- revision: a2\n-- down_revision: a1\n-- message: e-mail is unique\n-- cmig:upgrade\nALTER TABLE account ADD CONSTRAINT account_email_key UNIQUE (email);\n-- cmig:downgrade\nALTER TABLE account DROP CONSTRAINT account_email_key;\n'
\set name '-- revision: b1\n-- down_revision: 001\n-- message: name\n-- cmig:upgrade\nALTER TABLE account ADD name text;\n-- cmig:downgrade\nALTER TABLE account DROP name;\n'
\set columns 'SELECT string_agg(attname, \' \' ORDER BY attnum) AS columns FROM pg_attribute WHERE attrelid = \'account\'::regclass AND attnum > 0 AND NOT attisdropped'
\set ECHO all

-- branch e-mail: load and upgrade
SELECT * FROM cmig.load(:'main' || :'email', prune => true);
SELECT * FROM cmig.upgrade();
:columns;

-- git switch name: what is applied stays, and is reported
SELECT * FROM cmig.load(:'main' || :'name', prune => true);
SELECT * FROM cmig.heads();
SELECT * FROM cmig.current();
\set VERBOSITY sqlstate
-- there are two heads now, and upgrade says what to do
SELECT * FROM cmig.upgrade();
-- the database as the branch has it: revert the other revision
SELECT * FROM cmig.downgrade('001');
SELECT * FROM cmig.load(:'main' || :'name', prune => true);
SELECT * FROM cmig.heads();
SELECT * FROM cmig.upgrade();
:columns;

-- git switch e-mail and merge name into it: both heads, one of them applied
SELECT * FROM cmig.load(:'main' || :'email' || :'name', prune => true);
SELECT * FROM cmig.heads();
SELECT cmig.merge('heads', 'merge name', 'm');
SELECT * FROM cmig.heads();
SELECT * FROM cmig.upgrade();
SELECT * FROM cmig.current();
:columns;
-- the merge is committed to git too
SELECT content AS merge FROM cmig.export('m') \gset
SELECT regexp_replace(:'merge', '(create_date: ).*?\n', '\1...' || E'\n');
SELECT * FROM cmig.load(:'main' || :'email' || :'name' || :'merge', prune => true);

-- back to main: everything above it is applied, so nothing is removed
SELECT * FROM cmig.load(:'main', prune => true);
SELECT * FROM cmig.downgrade('001');
SELECT * FROM cmig.load(:'main', prune => true);
SELECT revision FROM cmig.revision ORDER BY 1;
:columns;

-- a merge of two branches that chose the same id
SELECT * FROM cmig.load(E'==> 001.sql <==\n-- revision: 001\n-- message: accounts\n==> 002_e.sql <==\n-- revision: 002\n-- down_revision: 001\n-- message: e-mail\n==> 002_n.sql <==\n\n-- revision: 002\n-- down_revision: 001\n-- message: name\n');
\set VERBOSITY default

-- a commit was amended: the unapplied revision is replaced; an applied one is reverted first
SELECT * FROM cmig.load(:'main' || :'name', prune => true);
SELECT * FROM cmig.load(:'main' || replace(:'name', 'name text', 'name varchar(80)'), prune => true);
SELECT * FROM cmig.upgrade();
\set VERBOSITY sqlstate
SELECT * FROM cmig.load(:'main' || :'name', prune => true);
SELECT * FROM cmig.downgrade(-1);
SELECT * FROM cmig.load(:'main' || :'name', prune => true);

-- a rebase gave the revision another parent
SELECT * FROM cmig.load(:'main' || :'email' || replace(:'name', 'down_revision: 001', 'down_revision: a2'), prune => true);
SELECT * FROM cmig.heads();
SELECT * FROM cmig.upgrade();

-- remove_revision instead of prune, from the top
SELECT * FROM cmig.downgrade('001');
SELECT cmig.remove_revision('a1');
SELECT cmig.remove_revision('b1');
SELECT cmig.remove_revision('a2');
SELECT cmig.remove_revision('a1');
SELECT cmig.remove_revision('001');
SELECT * FROM cmig.downgrade('base');
SELECT cmig.remove_revision('001');
SELECT count(*) FROM cmig.revision;

-- two branches used the same id: the error shows both messages
\set phone '-- revision: 002\n-- down_revision: 001\n-- message: phone\n-- cmig:upgrade\nALTER TABLE account ADD phone text;\n-- cmig:downgrade\nALTER TABLE account DROP phone;\n'
\set city '-- revision: 002\n-- down_revision: 001\n-- message: city\n-- cmig:upgrade\nALTER TABLE account ADD city text;\n-- cmig:downgrade\nALTER TABLE account DROP city;\n'
SELECT * FROM cmig.load(:'main' || :'phone');
SELECT * FROM cmig.load(:'main' || :'city');
SELECT * FROM cmig.load(:'main' || :'phone');
SELECT * FROM cmig.upgrade();
\set VERBOSITY default
SELECT * FROM cmig.load(E'==> 001.sql <==\n' || :'main' || E'\n==> 002_city.sql <==\n' || :'city');
SELECT * FROM cmig.load(:'main' || :'name' || replace(:'city', 'down_revision: 001', 'down_revision: b1'));
SELECT * FROM cmig.load(:'main' || :'name' || E'-- revision: 002\n-- down_revision: b1\n-- message: merge\n-- cmig:upgrade\nALTER TABLE account ADD phone text;\n');
-- neither a new message alone nor a change under the same message makes it another revision
SELECT * FROM cmig.load(replace(:'phone', 'message: phone', 'message: telephone'));
\set VERBOSITY sqlstate
SELECT * FROM cmig.load(replace(:'city', 'message: city', 'message: telephone'));
SELECT * FROM cmig.load(replace(:'city', '-- message: city', ''));
-- the other policies, and accepted changes
BEGIN;
SET client_min_messages = warning;
SET LOCAL cmig.checksum_policy = warn;
SELECT * FROM cmig.load(:'city');
ROLLBACK;
BEGIN;
SELECT * FROM cmig.load(:'city', accept_changes => true);
SELECT revision, direction FROM cmig.journal ORDER BY id DESC LIMIT 1;
\set ECHO none
ROLLBACK;
DROP TABLE account;
DROP EXTENSION pg_cmig;
