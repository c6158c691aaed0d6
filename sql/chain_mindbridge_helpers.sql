--
-- MindBridge with the helpers for row-level security: the application connects
-- as the owner, which is subject to the policies too; another role migrates data
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_mindbridge NOINHERIT;
CREATE ROLE regress_mindbridge_maintenance;
GRANT regress_mindbridge_maintenance TO regress_mindbridge;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_mindbridge;
GRANT CREATE ON SCHEMA public TO regress_mindbridge;
SET SESSION AUTHORIZATION regress_mindbridge;
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
\set chain `sed 's/mindbridge_maintenance/regress_&/g' "$PG_ABS_SRCDIR"/migrations/mindbridge_helpers/*.sql`
\set ECHO all
SELECT count(*) FROM cmig.load(:'chain');
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
RESET client_min_messages;
\set ECHO all
SELECT * FROM cmig.upgrade('003');
SET client_min_messages = error;
SELECT * FROM cmig.upgrade('head');
SELECT severity, rule, object FROM cmig.rls_check('public') WHERE severity <> 'notice' AND rule <> 'owner_is_application';

-- two users, who are both the owner to the server
SELECT count(*) FROM users;
BEGIN;
SELECT set_login_context('ann@MIND.example');
SELECT id, email FROM users;
UPDATE users SET password_hash = 'stolen';
SELECT cmig.set_context('aaaaaaaa-0000-0000-0000-000000000001');
SELECT content FROM dreams;
UPDATE dreams SET title = 'a dream';
SELECT table_name, operation, acting_user_id, changed_columns FROM audit_logs;
COMMIT;
-- who changed what, without the dream
SELECT table_name, operation, user_id, revision, changed, new_row - 'id' AS new_row FROM cmig_audit.log ORDER BY id;
BEGIN;
SELECT cmig.set_context('aaaaaaaa-0000-0000-0000-000000000002');
SELECT content, title FROM dreams;
SELECT count(*) FROM audit_logs;
INSERT INTO dreams (user_id, content) VALUES ('aaaaaaaa-0000-0000-0000-000000000001', 'hers');
ROLLBACK;
SELECT as_user, test, visible, own, foreign_rows, verdict, detail
FROM cmig.rls_test('dreams', 'regress_mindbridge',
	'{aaaaaaaa-0000-0000-0000-000000000001,aaaaaaaa-0000-0000-0000-000000000002}');
RESET SESSION AUTHORIZATION;
SELECT as_user, test, visible, own, foreign_rows, verdict, detail
FROM cmig.rls_test('dreams', 'regress_mindbridge',
	'{aaaaaaaa-0000-0000-0000-000000000001,aaaaaaaa-0000-0000-0000-000000000002}');
SET SESSION AUTHORIZATION regress_mindbridge;

-- a data migration: an error as the owner, all rows as the other role
SELECT cmig.create_revision('scores', 'UPDATE moods SET score = score + 1', '', revision => '006');
SELECT * FROM cmig.upgrade('head');
UPDATE cmig.revision SET upgrade_sql = 'SET ROLE regress_mindbridge_maintenance; SET row_security = on; ' || upgrade_sql
WHERE revision = '006';
SELECT * FROM cmig.upgrade('head');
SELECT current_user;
SET ROLE regress_mindbridge_maintenance;
SELECT score FROM moods ORDER BY 1;
RESET ROLE;

-- down and up again
SELECT * FROM cmig.downgrade('002_add_encrypted_models');
SELECT count(*) FROM users;
SELECT count(*) FROM pg_policy;
SELECT relname FROM pg_class WHERE relrowsecurity OR relforcerowsecurity;
SELECT revision FROM cmig.upgrade('head');
SELECT * FROM cmig.downgrade('base');

-- the log remains; the extension's owner drops it
SELECT count(*) > 0 AS entries FROM cmig_audit.log;
\set ECHO none
DROP SCHEMA cmig_audit CASCADE;
DROP EXTENSION pg_cmig CASCADE;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_mindbridge;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_mindbridge;
DROP ROLE regress_mindbridge, regress_mindbridge_maintenance;
