--
-- ConjoinAI: quoted names, and databases that were changed by hand.
--
-- Everything runs as a role that owns only what it creates.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_conjoinai;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_conjoinai;
GRANT CREATE ON SCHEMA public TO regress_conjoinai;
SET SESSION AUTHORIZATION regress_conjoinai;
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
-- what the role owns besides pg_cmig
SELECT $$
SELECT pg_describe_object(s.classid, s.objid, 0) AS left_behind
FROM pg_shdepend s
JOIN pg_database b ON b.oid = s.dbid AND b.datname = current_database()
WHERE s.refobjid = 'regress_conjoinai'::regrole AND s.deptype = 'o'
	AND NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype = 'e')
	AND pg_describe_object(s.classid, s.objid, 0) <> 'extension pg_cmig'
ORDER BY 1
$$ AS leftovers \gset
\set chain `cat "$PG_ABS_SRCDIR"/migrations/conjoinai/*.sql`
\set ECHO all
SELECT * FROM cmig.load(:'chain') ORDER BY revision;
-- a second upgrade has nothing to do
SELECT action, count(*) FROM cmig.load(:'chain') GROUP BY action;

SELECT revision, down_revision, message FROM cmig.history();

\set VERBOSITY sqlstate
--
-- The parent that the guide's example names does not exist
--
SELECT * FROM cmig.load($file$
-- revision: fedcba987654
-- down_revision: previous_revision
-- message: add_new_column_to_user

-- cmig:upgrade
ALTER TABLE "User" ADD COLUMN new_column varchar(255);

-- cmig:downgrade
ALTER TABLE "User" DROP COLUMN new_column;
$file$);
\echo :LAST_ERROR_SQLSTATE
SELECT revision FROM cmig.heads();

--
-- Up, with data
--
SELECT * FROM cmig.upgrade('1f6c0a9d27e4');
INSERT INTO "User" (email, password_hash) VALUES ('ann@conjoin.example', 'x');
INSERT INTO card (title, body, category) VALUES ('Breathe', 'Three times.', 'calm');
INSERT INTO card_completion (user_id, card_id) SELECT u.id, c.id FROM "User" u, card c;
SELECT * FROM cmig.upgrade('abc123def456');
SELECT email, email_verified FROM "User";

--
-- Somebody has created the table by hand: "table already exists", stamp
--
\set ECHO none
CREATE TABLE daily_wellness_metrics (
	id           serial PRIMARY KEY,
	user_id      integer NOT NULL REFERENCES "User" (id),
	metric_date  date NOT NULL
);
\set ECHO all
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT revision FROM cmig.current();
SELECT * FROM cmig.stamp('4957533a9ab9');

--
-- and the column: "column already exists", stamp
--
ALTER TABLE card_completion ADD COLUMN is_positive boolean;
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.stamp('882a637ec342');
SELECT cmig.require();
SELECT * FROM cmig.upgrade('head');

--
-- Downgrade, and upgrade again
--
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.downgrade('4957');
SELECT * FROM cmig.downgrade('abc123def456');
SELECT * FROM cmig.upgrade('+1');
SELECT * FROM cmig.upgrade('head');
SELECT count(*) AS completions, count(is_positive) AS judged FROM card_completion;

--
-- "KeyError": a revision is missing in the middle of the chain
--
BEGIN;
DELETE FROM cmig.revision WHERE revision = '4957533a9ab9';
SELECT * FROM cmig.check();
SAVEPOINT before;
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK TO before;
-- no new baseline is needed: the file is still there
SELECT * FROM cmig.load(:'chain') WHERE action <> 'unchanged';
SELECT * FROM cmig.upgrade('head');
COMMIT;

--
-- The nuclear option: empty the version table, stamp
--
DELETE FROM cmig.version;
SELECT * FROM cmig.stamp('head');
SELECT revision, is_head FROM cmig.current();

--
-- Down to base, and nothing is left
--
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.current();
:leftovers;

\set ECHO none
DROP EXTENSION pg_cmig CASCADE;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_conjoinai;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_conjoinai;
DROP ROLE regress_conjoinai;
