--
-- MindBridge: five revisions in a line, and tables with row-level security.  Follows
-- "Common Issues" and "Emergency Recovery" in the project's guide.
--
-- Everything runs as a role that owns only what it creates.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_mindbridge;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_mindbridge;
GRANT CREATE ON SCHEMA public TO regress_mindbridge;
SET SESSION AUTHORIZATION regress_mindbridge;
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
\set ECHO all
-- what the role owns besides pg_cmig
\set ECHO none
SELECT $$
SELECT pg_describe_object(s.classid, s.objid, 0) AS left_behind
FROM pg_shdepend s
JOIN pg_database b ON b.oid = s.dbid AND b.datname = current_database()
WHERE s.refobjid = 'regress_mindbridge'::regrole AND s.deptype = 'o'
	AND NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype = 'e')
	AND pg_describe_object(s.classid, s.objid, 0) <> 'extension pg_cmig'
ORDER BY 1
$$ AS leftovers \gset
\set chain `cat "$PG_ABS_SRCDIR"/migrations/mindbridge/*.sql`
\set ECHO all
SELECT * FROM cmig.load(:'chain') ORDER BY revision;
-- a second upgrade has nothing to do
SELECT action, count(*) FROM cmig.load(:'chain') GROUP BY action;

SELECT revision, down_revision, message FROM cmig.history();
SELECT step, revision FROM cmig.plan('upgrade', 'head');

--
-- Issue 4: the database is not up to date
--
SELECT * FROM cmig.upgrade('002_add_encrypted_models');
\set ECHO none
INSERT INTO users (id, email, password_hash) VALUES
	('aaaaaaaa-0000-0000-0000-000000000001', 'Ann@mind.example', 'x'),
	('aaaaaaaa-0000-0000-0000-000000000002', 'bob@mind.example', 'x');
INSERT INTO moods (id, user_id, score) VALUES
	('aaaaaaaa-1111-0000-0000-000000000001', 'aaaaaaaa-0000-0000-0000-000000000001', 7),
	('aaaaaaaa-1111-0000-0000-000000000002', 'aaaaaaaa-0000-0000-0000-000000000002', 3);
INSERT INTO dreams (user_id, mood_id, content) VALUES
	('aaaaaaaa-0000-0000-0000-000000000001', 'aaaaaaaa-1111-0000-0000-000000000001', 'flying'),
	('aaaaaaaa-0000-0000-0000-000000000002', 'aaaaaaaa-1111-0000-0000-000000000002', 'falling');
\set ECHO all
\set VERBOSITY sqlstate
SELECT cmig.require();
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE

--
-- Issue 3: a migration fails in the middle
--
ALTER TABLE encryption_keys RENAME TO keys;
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT revision FROM cmig.current();
SELECT count(*) AS policies FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relowner = 'regress_mindbridge'::regrole;
ALTER TABLE keys RENAME TO encryption_keys;

--
-- Issue 2: a parent that does not exist, '002'
--
UPDATE cmig.revision SET down_revision = '{002}' WHERE revision = '003';
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.check();
SELECT revision FROM cmig.current();
-- the files are correct
SELECT * FROM cmig.load(:'chain') WHERE action <> 'unchanged';
SELECT * FROM cmig.upgrade('head');
SELECT cmig.require();

--
-- Users see their own rows
--
SELECT count(*) FROM users;
BEGIN;
SELECT set_login_context('ann@MIND.example');
SELECT id, email FROM users;
UPDATE users SET password_hash = 'stolen';
SELECT set_user_context('aaaaaaaa-0000-0000-0000-000000000001');
SELECT content FROM dreams;
UPDATE dreams SET title = 'a dream';
SELECT table_name, operation, changed_columns FROM audit_logs;
COMMIT;
SELECT count(*) FROM users;
BEGIN;
SELECT set_user_context('aaaaaaaa-0000-0000-0000-000000000001');
INSERT INTO dreams (user_id, content) VALUES ('aaaaaaaa-0000-0000-0000-000000000002', 'his');
ROLLBACK;
BEGIN;
SELECT set_user_context('aaaaaaaa-0000-0000-0000-000000000001');
INSERT INTO dreams (user_id, mood_id, content) VALUES
	('aaaaaaaa-0000-0000-0000-000000000001', 'aaaaaaaa-1111-0000-0000-000000000002', 'his mood');
ROLLBACK;

--
-- Issue 1: the tables exist, but the version table is empty
--
DELETE FROM cmig.version;
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.stamp('head');
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.stamp('003');
SELECT step, revision FROM cmig.plan('upgrade', 'head');
SELECT * FROM cmig.stamp('base');
SELECT * FROM cmig.current();
SELECT * FROM cmig.stamp('005');

--
-- A backup of revision 004 is restored over the live database: COPY adds its version row to the
-- existing one
--
COPY cmig.version (revision) FROM stdin;
004
\.
SELECT revision, is_head, known FROM cmig.current() ORDER BY revision;
SELECT * FROM cmig.check();
SELECT * FROM cmig.upgrade('head');
SELECT revision FROM cmig.current() ORDER BY revision;
SELECT * FROM cmig.stamp('005', purge => true);
SELECT * FROM cmig.check();

--
-- Emergency: the version table names an unknown revision
--
UPDATE cmig.version SET revision = '006_lost';
SELECT revision, is_head, known FROM cmig.current();
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('head');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY sqlstate
SELECT * FROM cmig.stamp('005');
\set VERBOSITY default
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.stamp('005', purge => true);

--
-- fix_migrations.sh, option 1: a reset, which deletes all data
--
SELECT * FROM cmig.reset('not this database');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.reset(current_database());
SELECT count(*) AS users FROM users;
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.upgrade('head');

-- texts that exist only in encrypted form stop the downgrade before anything is lost
BEGIN;
SELECT set_user_context('aaaaaaaa-0000-0000-0000-000000000001');
\set ECHO none
INSERT INTO users (id, email, password_hash)
VALUES ('aaaaaaaa-0000-0000-0000-000000000001', 'ann@mind.example', 'x');
INSERT INTO dreams (user_id, content, is_encrypted)
VALUES ('aaaaaaaa-0000-0000-0000-000000000001', NULL, true);
COMMIT;
\set ECHO all
SELECT * FROM cmig.downgrade('base');
\echo :LAST_ERROR_SQLSTATE
SELECT revision FROM cmig.current();
BEGIN;
SELECT set_user_context('aaaaaaaa-0000-0000-0000-000000000001');
DELETE FROM users;
COMMIT;

--
-- Down to base: nothing is left
--
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.current();
\set ECHO none
:leftovers;

DROP EXTENSION pg_cmig CASCADE;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_mindbridge;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_mindbridge;
DROP ROLE regress_mindbridge;
