--
-- Second Brain: data migrations, and a version table with unknown revisions.
--
-- Everything runs as a role that owns only what it creates.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE ROLE regress_brain;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_brain;
GRANT CREATE ON SCHEMA public TO regress_brain;
SET SESSION AUTHORIZATION regress_brain;
SET client_min_messages = warning;
CREATE EXTENSION pg_cmig;
-- what the role owns besides pg_cmig
SELECT $$
SELECT pg_describe_object(s.classid, s.objid, 0) AS left_behind
FROM pg_shdepend s
JOIN pg_database b ON b.oid = s.dbid AND b.datname = current_database()
WHERE s.refobjid = 'regress_brain'::regrole AND s.deptype = 'o'
	AND NOT EXISTS (SELECT FROM pg_depend d
				WHERE d.classid = s.classid AND d.objid = s.objid AND d.deptype = 'e')
	AND pg_describe_object(s.classid, s.objid, 0) <> 'extension pg_cmig'
ORDER BY 1
$$ AS leftovers \gset
\set chain `cat "$PG_ABS_SRCDIR"/migrations/second_brain/*.sql`
\set ECHO all
SELECT * FROM cmig.load(:'chain') ORDER BY revision;
-- a second upgrade has nothing to do
SELECT action, count(*) FROM cmig.load(:'chain') GROUP BY action;

SELECT revision, down_revision, message FROM cmig.history();
SELECT step, revision FROM cmig.plan('upgrade', 'head');

--
-- Upgrade, with users who have one name, two, or none
--
SELECT * FROM cmig.upgrade('001_initial_schema');
\set ECHO none
INSERT INTO users (email, hashed_password, first_name, last_name) VALUES
	('ann@brain.example', 'x', 'Ann', 'Lee'),
	('bob@brain.example', 'x', NULL, 'Solo'),
	('cy@brain.example', 'x', NULL, NULL);
INSERT INTO notes (user_id, title, content)
SELECT id, 'Zettelkasten', 'one idea a note' FROM users WHERE first_name = 'Ann';
\set ECHO all
\set VERBOSITY sqlstate
SELECT cmig.require();
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.upgrade('head');
SELECT email, full_name, email_verified, theme
FROM users JOIN user_preferences p ON p.user_id = users.id ORDER BY email;
INSERT INTO spaced_rep_cards (user_id, note_id, question, answer)
SELECT n.user_id, n.id, 'How many ideas?', 'One.' FROM notes n;
SELECT question, state, ease_factor FROM spaced_rep_cards;
SELECT title FROM notes WHERE search @@ to_tsquery('simple', 'idea');

--
-- Downgrade one step, upgrade again; downgrade to a partial id
--
SELECT * FROM cmig.downgrade('-1');
SELECT * FROM cmig.upgrade('head');
SELECT * FROM cmig.downgrade('002');
SELECT count(*) AS users FROM users;
SELECT attname FROM pg_attribute
WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT * FROM cmig.upgrade('head');

--
-- "Can't locate revision"
--
SELECT * FROM cmig.upgrade('006');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.downgrade('002_add_user_preference_table');
\echo :LAST_ERROR_SQLSTATE

--
-- "Revision not found": the version table names a revision that does not exist
--
UPDATE cmig.version SET revision = 'ae1027a6acf7';
SELECT * FROM cmig.current();
SELECT severity, object, problem FROM cmig.check();
SELECT * FROM cmig.upgrade('head');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.downgrade('-1');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM cmig.stamp('005_create_spaced_rep_cards_table', purge => true);
SELECT revision, is_head, known FROM cmig.current();
SELECT cmig.require();

--
-- Never edit an applied migration
--
SELECT * FROM cmig.load(replace(:'chain', '2.50 CHECK', '2.70 CHECK'));
\echo :LAST_ERROR_SQLSTATE

--
-- Down to base, and nothing is left
--
SELECT * FROM cmig.downgrade('base');
SELECT * FROM cmig.current();
:leftovers;

\set ECHO none
DROP EXTENSION pg_cmig CASCADE;
RESET SESSION AUTHORIZATION;
REVOKE CREATE ON SCHEMA public FROM regress_brain;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_brain;
DROP ROLE regress_brain;
