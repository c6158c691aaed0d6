--
-- What each access level allows, and what an author can do to a migrator
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE ROLE regress_owner;
CREATE ROLE regress_reader;
CREATE ROLE regress_author;
CREATE ROLE regress_migrator;
CREATE ROLE regress_application;
CREATE ROLE regress_monitor;
CREATE ROLE regress_nobody;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_owner;
GRANT CREATE ON SCHEMA public TO regress_author, regress_migrator;
-- a trusted extension: the database's owner can install it
SET ROLE regress_owner;
CREATE EXTENSION pg_cmig;
\set ECHO all
-- the result is a summary
SELECT regexp_replace(statement, '[0-9]{2,}', 'N') AS statement FROM cmig.grant_access('regress_reader', 'reader');
SELECT regexp_replace(statement, '[0-9]{2,}', 'N') AS statement FROM cmig.grant_access('regress_author', 'author');
SELECT regexp_replace(statement, '[0-9]{2,}', 'N') AS statement FROM cmig.grant_access('regress_migrator', 'migrator');
SELECT statement FROM cmig.grant_access('regress_application', 'application');
\set ECHO none
SELECT statement FROM cmig.grant_access('regress_monitor', 'monitor');

--
-- Every function and its level.  Whoever adds a function decides to whom it
-- belongs: here and in src/store/access.c.  A function that is not in this list, or
-- with other privileges, shows up below.
--
CREATE TEMP TABLE decided (name text, level text);
INSERT INTO decided
SELECT unnest(string_to_array(names, ' ')), level FROM (VALUES
	('application', 'set_context clear_context context current_user_id current_tenant_id require_user_id require_tenant_id'),
	('monitor', 'metrics_read'),
	('saver', 'workload_save'),
	('reader', 'audit_as_of audit_diff audit_history audit_report audit_script audit_status audit_transaction autogenerate branches check current diff diff_schemas draft expansion export graph heads help history import_files import_tools lint lint_sql log plan plan_scopes preflight preflight_rows report require require_schema resolve rls_check rls_rules rls_script rls_status schema_sql scope_drift scopes screen script show squash stats_export status version_schema wait_for_replicas workload_check'),
	('author', 'baseline create_revision load load_directory merge remove_revision'),
	('migrator', 'abandon abandon_partial add_check add_foreign_key add_not_null add_unique allow_ddl audit_retain audit_trigger backfill capture contract create_scope disable_audit disable_rls downgrade downgrade_scopes downgrade_stepwise drift drop_scope dry_run enable_audit enable_audit_schema enable_rls enable_rls_schema expand expansion_begin expansion_key expansion_write import_state locate pause rename_scope repair reset reset_stepwise resume_run rls_test round_trip set_ddl_policy set_option set_protect stamp throttle upgrade upgrade_scopes upgrade_stepwise verify'),
	-- defaults of columns of expanded tables
	('public', 'expansion_mark expansion_unset expansion_view'),
	('owner', 'audit_import ddl_event ddl_trigger grant_access journal_trigger metric_counts revoke_access')) v(level, names);
\set ECHO all
SELECT p.oid::regprocedure AS function, d.level AS decided, a.may AS may_execute
FROM pg_proc p
LEFT JOIN decided d ON d.name = p.proname,
LATERAL (SELECT coalesce(string_agg(r.name, ' ' ORDER BY r.name), 'owner') AS may
		FROM unnest('{application,author,migrator,monitor,reader,nobody}'::text[]) r(name)
		WHERE has_function_privilege('regress_' || r.name, p.oid, 'EXECUTE')) a
WHERE p.pronamespace = 'cmig'::regnamespace
	AND a.may IS DISTINCT FROM CASE d.level WHEN 'monitor' THEN 'author migrator monitor reader' WHEN 'saver' THEN 'author migrator monitor' WHEN 'reader' THEN 'author migrator reader' WHEN 'public' THEN 'application author migrator monitor nobody reader' ELSE d.level END
ORDER BY p.oid::regprocedure::text COLLATE "C";
-- every table, view and sequence
SELECT c.relname, r.name AS role,
		concat_ws(' ', p.privileges, CASE WHEN p.columns <> '' THEN '(' || p.columns || ')' END) AS privileges
FROM pg_class c,
	unnest('{application,author,migrator,monitor,reader,nobody}'::text[]) r(name),
	LATERAL (SELECT string_agg(v, ' ') AS privileges,
					(SELECT string_agg(a.attname || ':' || v2, ' ' ORDER BY v2, a.attnum)
						FROM pg_attribute a, unnest('{INSERT,UPDATE}'::text[]) v2
						WHERE a.attrelid = c.oid AND a.attnum > 0 AND c.relkind <> 'S'
						AND has_column_privilege('regress_' || r.name, c.oid, a.attnum, v2)
						AND NOT has_table_privilege('regress_' || r.name, c.oid, v2)) AS columns
				FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) v
				WHERE has_table_privilege('regress_' || r.name, c.oid, v)) p
WHERE c.relnamespace = 'cmig'::regnamespace AND c.relkind NOT IN ('i', 'I')
	AND concat(p.privileges, p.columns) <> ''
ORDER BY 1, 2;
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'cmig'::regnamespace AND relkind NOT IN ('i', 'I') ORDER BY 1;
SELECT r.name FROM unnest('{application,author,migrator,monitor,reader,nobody}'::text[]) r(name)
WHERE has_schema_privilege('regress_' || r.name, 'cmig', 'USAGE') ORDER BY 1;
SELECT r.name FROM unnest('{application,author,migrator,monitor,reader,nobody}'::text[]) r(name)
WHERE has_schema_privilege('regress_' || r.name, 'cmig', 'CREATE');
RESET ROLE;

\set VERBOSITY sqlstate
--
-- Bad arguments
--
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.grant_access('regress_none', 'reader');
SELECT cmig.grant_access('regress_reader', 'writer');
SELECT cmig.grant_access('regress_reader', NULL);
SELECT cmig.grant_access(NULL, 'reader');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.grant_access('', 'reader');
SELECT cmig.grant_access('public', 'reader');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.grant_access('PUBLIC', 'reader');
SELECT cmig.grant_access('current_user', 'reader');
SELECT cmig.revoke_access('regress_none');
SELECT cmig.revoke_access(NULL);
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.revoke_access('public');
SELECT cmig.revoke_access('regress_owner');
$calls$);
\set ECHO all
-- hostile names are names
CREATE ROLE "regress_A ""b""; DROP TABLE x; --";
SELECT count(*) AS lines FROM cmig.grant_access('regress_A "b"; DROP TABLE x; --', 'reader');
SELECT has_function_privilege('regress_A "b"; DROP TABLE x; --', 'cmig.current()', 'EXECUTE');
SELECT * FROM cmig.revoke_access('regress_A "b"; DROP TABLE x; --');
SELECT has_function_privilege('regress_A "b"; DROP TABLE x; --', 'cmig.current()', 'EXECUTE');
DROP ROLE "regress_A ""b""; DROP TABLE x; --";
-- only the owner may grant, and only in a writable transaction
SET ROLE regress_migrator;
SELECT cmig.grant_access('regress_nobody', 'migrator');
RESET ROLE;
BEGIN READ ONLY;
SELECT cmig.grant_access('regress_nobody', 'migrator');
ROLLBACK;

--
-- The work of each level
--
SET client_min_messages = warning;
SET ROLE regress_author;
SELECT * FROM cmig.load(E'-- revision: 001\n-- message: one\n-- cmig:upgrade\nCREATE TABLE one (id int);\n-- cmig:downgrade\nDROP TABLE one;\n');
SELECT * FROM cmig.load(E'-- revision: 001\n-- message: first\n-- cmig:upgrade\nCREATE TABLE one (id int);\n-- cmig:downgrade\nDROP TABLE one;\n');
SELECT cmig.create_revision('two', 'CREATE TABLE two ()', 'DROP TABLE two', revision => '002');
SELECT cmig.create_revision('three', '', revision => '003');
SELECT cmig.remove_revision('003');
SELECT revision, created_by FROM cmig.revision ORDER BY 1;
SELECT step, revision, created_by FROM cmig.plan('upgrade', 'head');
SELECT file_name FROM cmig.export();
SELECT length(cmig.script('upgrade', 'head')) > 0 AS text;
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT count(*) FROM cmig.upgrade();
SELECT cmig.stamp('head');
-- nor by hand, nor under another role's name
INSERT INTO cmig.version VALUES ('002');
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role, session_role) VALUES (9, '001', 'upgrade', 'done', now(), 'x', 'x');
INSERT INTO cmig.revision (revision, created_by) VALUES ('003', 'regress_migrator');
UPDATE cmig.revision SET created_by = 'regress_migrator';
UPDATE cmig.revision SET upgrade_sql = '';
SELECT * FROM cmig.secret;
$calls$);
\set ECHO all
RESET ROLE;

SET ROLE regress_migrator;
SELECT * FROM cmig.upgrade('001');
SELECT * FROM cmig.downgrade('base');
SELECT count(*) FROM cmig.reset(current_database());
SELECT cmig.stamp('001');
DROP TABLE one, two;
SELECT cmig.stamp('base');
SELECT count(*) FROM cmig.upgrade('001');
SELECT cmig.repair('001');
SELECT revision, direction, role FROM cmig.journal ORDER BY id;
SELECT cmig.create_revision('three', '');
SELECT cmig.load(E'-- revision: 003\n\n');
SELECT cmig.remove_revision('002');
DELETE FROM cmig.revision;
UPDATE cmig.journal SET role = 'regress_author';
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role, session_role) VALUES (99, '001', 'upgrade', 'done', now(), current_user, 'regress_author');
SET SESSION AUTHORIZATION regress_migrator;
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role) VALUES (99, '001', 'upgrade', 'done', now(), 'regress_author');
BEGIN;
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role) VALUES (99, '001', 'upgrade', 'done', now(), current_user)
RETURNING role, session_role, client_address IS NOT DISTINCT FROM inet_client_addr() AS from_here;
ROLLBACK;
-- nor can it use up the numbers: a new row gets the next number, or one close to it
SELECT max(id) AS last FROM cmig.journal \gset
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role) VALUES (9223372036854775807, '001', 'upgrade', 'done', now(), current_user);
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role)
	SELECT i, '001', 'upgrade', 'done', now(), current_user FROM unnest(ARRAY[:last + 1, (2::numeric ^ 40)::bigint + 501]) i;
BEGIN;
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role) VALUES ((2::numeric ^ 40)::bigint, '001', 'upgrade', 'done', now(), current_user);
INSERT INTO cmig.journal (id, revision, direction, outcome, started_at, role) VALUES ((2::numeric ^ 40)::bigint + 500, '001', 'upgrade', 'done', now(), current_user);
SELECT cmig.stamp('002');
SELECT max(id) - (2::numeric ^ 40)::bigint AS beyond FROM cmig.journal;
ROLLBACK;
RESET SESSION AUTHORIZATION;
SET ROLE regress_migrator;
DELETE FROM cmig.journal;
RESET ROLE;

SET ROLE regress_reader;
SELECT revision FROM cmig.current();
SELECT count(*) FROM cmig.history();
SELECT count(*) FROM cmig.check() WHERE severity = 'error';
SELECT item FROM cmig.status() WHERE item = 'database';
SELECT cmig.require('001');
SELECT count(*) FROM cmig.export();
SELECT count(*) FROM cmig.journal;
SELECT cmig.create_revision('three', '');
SELECT cmig.upgrade();
RESET ROLE;

SET ROLE regress_application;
SELECT cmig.current_user_id();
SELECT * FROM cmig.current();
SELECT * FROM cmig.version;
RESET ROLE;
SET ROLE regress_nobody;
SELECT * FROM cmig.current();
RESET ROLE;

--
-- An author whom nobody should trust
--
-- The migrator runs what the author writes, with the migrator's privileges.  The plan shows who
-- wrote a revision; nothing else protects the migrator.
SET ROLE regress_author;
SELECT cmig.create_revision('harmless', 'CREATE TABLE stolen AS SELECT current_user AS by_whom; GRANT SELECT ON stolen TO regress_author;', '', revision => '004');
RESET ROLE;
SET ROLE regress_migrator;
\set VERBOSITY sqlstate
SELECT revision, created_by, message FROM cmig.plan('upgrade', 'head');
SELECT count(*) FROM cmig.upgrade();
RESET ROLE;
SET ROLE regress_author;
SELECT * FROM stolen;
-- of an applied revision, the author can change what has not run: the downgrade script
SELECT cmig.load(E'-- revision: 004\n-- down_revision: 002\n-- message: harmless\n-- cmig:upgrade\nCREATE TABLE stolen AS SELECT current_user AS by_whom; GRANT SELECT ON stolen TO regress_author;\n-- cmig:downgrade\nDROP TABLE stolen, one;\n');
-- but not what has run
SELECT cmig.load(E'-- revision: 004\n-- down_revision: 002\n-- message: harmless\n-- cmig:upgrade\n-- cmig:downgrade\n');
SELECT cmig.load(E'-- revision: 004\n-- down_revision: 002\n-- message: harmless\n-- cmig:upgrade\n-- cmig:downgrade\n', accept_changes => true);
SELECT cmig.remove_revision('004');
\set VERBOSITY default
-- nor delete by hand, which would get round these checks, or lock out other sessions
DELETE FROM cmig.revision WHERE revision = '004';
BEGIN;
LOCK TABLE cmig.revision IN ACCESS EXCLUSIVE MODE;
ROLLBACK;
BEGIN;
LOCK TABLE cmig.revision IN SHARE MODE;
ROLLBACK;
-- what is pending can be changed and removed, and its rows show who did so
SELECT cmig.create_revision('draft', 'SELECT 1', '', revision => '00x');
SELECT * FROM cmig.load(E'-- revision: 00x\n-- down_revision: 004\n-- message: another\n-- cmig:upgrade\nSELECT 2;\n', accept_changes => true);
SELECT message, created_by, created_at < clock_timestamp() AS created FROM cmig.revision WHERE revision = '00x';
SELECT cmig.remove_revision('00x');
RESET ROLE;
SELECT count(*) FROM cmig.revision WHERE revision = '00x';
-- a role that can call the functions, and cannot write revisions, cannot delete them
SET ROLE regress_migrator;
SELECT cmig.create_revision('draft', 'SELECT 1', '', revision => '00y');
RESET ROLE;
SELECT cmig.create_revision('draft', 'SELECT 1', '', revision => '00y');
GRANT EXECUTE ON FUNCTION cmig.remove_revision(text) TO regress_migrator;
SET ROLE regress_migrator;
\set VERBOSITY sqlstate
SELECT cmig.remove_revision('00y');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION cmig.remove_revision(text) FROM regress_migrator;
SELECT cmig.remove_revision('00y');
-- cmig.role is not a barrier: a script can reset it
SET ROLE regress_author;
SELECT cmig.create_revision('x', 'RESET ROLE; CREATE TABLE by_session AS SELECT current_user = session_user AS left_role', '', revision => '005');
RESET ROLE;
SET cmig.role = 'regress_migrator';
SELECT count(*) FROM cmig.upgrade();
SELECT * FROM by_session;
RESET cmig.role;
-- a migrator with only the privileges that the work requires is a barrier
SET ROLE regress_author;
SELECT cmig.create_revision('x', 'ALTER ROLE regress_author SUPERUSER', '', revision => '006');
RESET ROLE;
SET SESSION AUTHORIZATION regress_migrator;
SELECT count(*) FROM cmig.upgrade();
RESET SESSION AUTHORIZATION;
-- a file that is passed as a value runs nothing when it is loaded, whatever quotes it closes
\set evil '-- revision: 007\n-- cmig:upgrade\nSELECT 1;\n$cmig_load$); CREATE TABLE loaded (); SELECT ($cmig_load$\n'
BEGIN;
SELECT * FROM cmig.load(:'evil');
SELECT upgrade_sql, to_regclass('loaded') IS NULL AS nothing_run FROM cmig.revision WHERE revision = '007';
\set ECHO none
ROLLBACK;
-- an author's object in a schema of the migrator's search_path is not mistaken for pg_cmig's
SET ROLE regress_author;
CREATE FUNCTION public.array_length(text[], integer) RETURNS integer LANGUAGE plpgsql AS $$BEGIN RAISE 'hijacked'; END$$;
CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE 'hijacked'; END$$;
CREATE TABLE public.revision (revision text);
RESET ROLE;
SET ROLE regress_migrator;
SET search_path = public, pg_catalog, cmig;
\set ECHO all
SELECT revision FROM cmig.current();
SELECT cmig.stamp('004');
SELECT cmig.repair('004');
RESET search_path;
RESET ROLE;

--
-- Revoked
--
SET ROLE regress_owner;
SELECT count(*) FROM cmig.revoke_access('regress_reader');
SELECT count(*) FROM cmig.revoke_access('regress_author');
SELECT count(*) FROM cmig.revoke_access('regress_migrator');
SELECT count(*) FROM cmig.revoke_access('regress_application');
SELECT count(*) FROM cmig.revoke_access('regress_monitor');
SELECT c.relname, c.relacl FROM pg_class c WHERE c.relnamespace = 'cmig'::regnamespace AND c.relacl::text ~ 'regress_(reader|author|migrator|application|monitor)';
SELECT p.proname, p.proacl FROM pg_proc p WHERE p.pronamespace = 'cmig'::regnamespace AND p.proacl::text ~ 'regress_(reader|author|migrator|application|monitor)';
SELECT nspacl FROM pg_namespace WHERE nspname = 'cmig';
\set ECHO none
RESET ROLE;
DROP FUNCTION public.array_length, public.now;
DROP TABLE public.revision, one, two, stolen, by_session, decided;
DROP EXTENSION pg_cmig;
REVOKE ALL ON SCHEMA public FROM regress_author, regress_migrator;
REVOKE ALL ON DATABASE :"DBNAME" FROM regress_owner;
DROP ROLE regress_owner, regress_reader, regress_author, regress_migrator, regress_application, regress_monitor, regress_nobody;
