--
-- ContextIQ: extensions, data migrations, partial ids, and heads to merge.
--
-- Everything runs as a role that owns only what it creates.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_contextiq;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_contextiq;
GRANT CREATE ON SCHEMA public TO regress_contextiq;
SET SESSION AUTHORIZATION regress_contextiq;
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
-- what the role owns besides pg_cmig
SELECT $$
SELECT pg_describe_object(s.classid, s.objid, 0) AS left_behind
FROM pg_shdepend s
JOIN pg_database b ON b.oid = s.dbid AND b.datname = current_database()
WHERE s.refobjid = 'regress_contextiq'::regrole AND s.deptype = 'o'
	AND NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype = 'e')
	AND pg_describe_object(s.classid, s.objid, 0) <> 'extension pg_cmig'
ORDER BY 1
$$ AS leftovers \gset
\set chain `cat "$PG_ABS_SRCDIR"/migrations/contextiq/*.sql`
\set ECHO all
SELECT * FROM cmig.load(:'chain') ORDER BY revision;
-- a second upgrade has nothing to do
SELECT action, count(*) FROM cmig.load(:'chain') GROUP BY action;

SELECT revision, down_revision, message FROM cmig.history();

--
-- The extensions belong to the chain if nobody installed them before
--
SELECT * FROM cmig.upgrade('xyz789');
SELECT extname FROM pg_extension WHERE extname IN ('uuid-ossp', 'pgcrypto') ORDER BY 1;
\set ECHO none
INSERT INTO users (id, email) VALUES
	('aaaaaaaa-0000-0000-0000-000000000001', 'ann@context.example'),
	('aaaaaaaa-0000-0000-0000-000000000002', 'bob@context.example');
INSERT INTO sessions (id, user_id, status, old_field) VALUES
	('aaaaaaaa-1111-0000-0000-000000000001', 'aaaaaaaa-0000-0000-0000-000000000001', 'old_status', 'kept'),
	('aaaaaaaa-1111-0000-0000-000000000002', 'aaaaaaaa-0000-0000-0000-000000000001', 'closed', NULL),
	('aaaaaaaa-1111-0000-0000-000000000003', 'aaaaaaaa-0000-0000-0000-000000000002', DEFAULT, NULL);
INSERT INTO memories (user_id, session_id, content) VALUES
	('aaaaaaaa-0000-0000-0000-000000000001', 'aaaaaaaa-1111-0000-0000-000000000001', 'likes tea'),
	('aaaaaaaa-0000-0000-0000-000000000001', 'aaaaaaaa-1111-0000-0000-00000000dead', 'orphan');
\set ECHO all
SELECT * FROM cmig.upgrade('head');
SELECT id, status, metadata FROM sessions ORDER BY id;
SELECT content, session_id, octet_length(content_hash) AS hash_bytes FROM memories ORDER BY content;
SELECT email, bio, avatar_url, status FROM users ORDER BY email;
INSERT INTO sessions (id, user_id)
VALUES ('aaaaaaaa-1111-0000-0000-000000000004', 'aaaaaaaa-0000-0000-0000-000000000002')
RETURNING status;

--
-- Back to the revision in which old_status exists
--
SELECT * FROM cmig.downgrade('abc123');
SELECT id, status, old_field FROM sessions ORDER BY id;
-- a test in both directions
SELECT count(*) FROM cmig.upgrade();
SELECT * FROM cmig.downgrade(-1);
SELECT * FROM cmig.upgrade(1);
SELECT id, status, metadata FROM sessions ORDER BY id;

--
-- "Multiple heads": two features at once
--
SELECT cmig.create_revision('feature one', 'CREATE TABLE one (id int);', 'DROP TABLE one;',
							revision => 'head1', head => '2c86f1d7ea30');
SELECT cmig.create_revision('feature two', 'CREATE TABLE two (id int);', 'DROP TABLE two;',
							revision => 'head2', head => '2c86f1d7ea30', splice => true);
SELECT revision, message FROM cmig.heads() ORDER BY revision;
\set VERBOSITY sqlstate
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT cmig.merge(ARRAY['head1', 'head2'], 'merge heads', revision => 'merge_heads');
SELECT * FROM cmig.upgrade('head');
SELECT revision FROM cmig.current();
SELECT * FROM cmig.downgrade('2c86f1d7ea30');

--
-- "Migration fails midway": none of it remains, so there is nothing to stamp
--
SELECT cmig.create_revision('fails midway',
	'ALTER TABLE users ADD COLUMN nickname text;
	UPDATE users SET nickname = email;
	ALTER TABLE users ADD CONSTRAINT short CHECK (length(nickname) < 5);', '',
	revision => 'midway', head => 'merge_heads');
SELECT * FROM cmig.upgrade('midway');
\echo :LAST_ERROR_SQLSTATE
SELECT revision FROM cmig.current();
SELECT to_regclass('one') AS one, to_regclass('two') AS two;
SELECT cmig.require('2c86f1d7ea30');
SELECT cmig.require();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.load(:'chain', prune => true) WHERE action <> 'unchanged' ORDER BY revision;
SELECT cmig.require();

--
-- make db-reset
--
SELECT * FROM cmig.reset(current_database());
SELECT * FROM cmig.downgrade('base');
SELECT extname FROM pg_extension WHERE extname IN ('uuid-ossp', 'pgcrypto');
:leftovers;

--
-- If they were installed beforehand, when the database was set up, they remain
--
RESET SESSION AUTHORIZATION;
CREATE EXTENSION pgcrypto;
SET SESSION AUTHORIZATION regress_contextiq;
SELECT count(*) FROM cmig.upgrade('head');
SELECT count(*) FROM cmig.downgrade('base');
SELECT extname FROM pg_extension WHERE extname IN ('uuid-ossp', 'pgcrypto');
SELECT count(*) FROM cmig.upgrade('head');

--
-- Down to base, and nothing is left
--
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.current();
:leftovers;

\set ECHO none
DROP EXTENSION pg_cmig CASCADE;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_contextiq;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_contextiq;
DROP ROLE regress_contextiq;
DROP EXTENSION pgcrypto;
