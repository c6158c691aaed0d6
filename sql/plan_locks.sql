--
-- The locks that cmig.plan shows. t/069_locks.pl compares those of many statements with pg_locks;
-- this test is about names, scripts, and errors.
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
CREATE EXTENSION pg_cmig;
SET client_min_messages = warning;
CREATE SCHEMA lock_app;
CREATE TABLE lock_app.account (id int PRIMARY KEY, n int, m int);
CREATE TABLE lock_app.invoice (id int PRIMARY KEY, account int REFERENCES lock_app.account);
CREATE VIEW lock_app.names AS SELECT id FROM lock_app.account;
CREATE TABLE lock_app."Odd ""name" (id int);
SET search_path = lock_app;
CREATE FUNCTION locks(VARIADIC text[]) RETURNS TABLE (revision text, locks text) LANGUAGE plpgsql SET search_path = lock_app AS $$
BEGIN
	DELETE FROM cmig.revision;
	INSERT INTO cmig.revision (revision, down_revision, upgrade_sql)
		SELECT lpad(i::text, 3, '0'), CASE WHEN i > 1 THEN ARRAY[lpad((i - 1)::text, 3, '0')] ELSE '{}' END, sql
		FROM unnest($1) WITH ORDINALITY u (sql, i);
	RETURN QUERY SELECT p.revision, p.locks FROM cmig.plan() p;
END
$$;
\set ECHO all

-- one lock for each relation: the strongest of the script
SELECT * FROM locks('SELECT * FROM account; CREATE INDEX ON account (n); ALTER TABLE account ADD x int; UPDATE invoice SET account = 1');
-- what an earlier statement creates
\set ECHO none
SELECT * FROM locks('CREATE TABLE line (id int REFERENCES invoice); CREATE INDEX line_id ON line (id)',
	'ALTER TABLE line ADD x int; ALTER TABLE lock_app.line ADD y int; INSERT INTO line VALUES (1); DROP INDEX line_id',
	'ALTER TABLE line RENAME TO entry', 'ALTER TABLE entry DROP x; ALTER TABLE line ADD z int',
	'DROP TABLE entry', 'ALTER TABLE entry ADD z int');
\set ECHO all
-- what an earlier statement renames, moves, or drops
SELECT * FROM locks('ALTER TABLE account RENAME TO konto', 'ALTER TABLE konto ADD x int', 'ALTER TABLE account ADD x int',
	'ALTER TABLE konto SET SCHEMA public', 'ALTER TABLE konto ADD y int; ALTER TABLE public.konto ADD z int');
SELECT * FROM locks('DROP VIEW names', 'CREATE TABLE names (id int)', 'ALTER TABLE names ADD y int');
-- WITH queries, views, and locking clauses
SELECT * FROM locks('WITH account AS (SELECT 1) SELECT * FROM account', 'WITH a AS (DELETE FROM invoice RETURNING id) SELECT * FROM a, names',
	'SELECT 1 FROM account a, (SELECT FROM invoice) i FOR UPDATE OF a', 'EXPLAIN SELECT * FROM names');
-- a new column or type that needs a new file locks the indexes too
SELECT * FROM locks('ALTER TABLE account ADD x int DEFAULT 5', 'ALTER TABLE account ADD x float DEFAULT random()', 'ALTER TABLE account ADD x timestamptz DEFAULT now()',
	'ALTER TABLE account ADD x int GENERATED ALWAYS AS (id * 2) STORED', 'ALTER TABLE account ADD x int DEFAULT made_earlier()');
-- what cannot be known
SELECT * FROM locks('DO $x$BEGIN EXECUTE 1; END$x$; CALL nothing(); DO $x$BEGIN END$x$; LOCK TABLE account', 'ALTER TABLE account ADD x int; nonsense here; DROP TABLE account', '');
SELECT * FROM locks('ALTER TABLE nothing ADD x int; DROP TABLE nothing; DROP TABLE IF EXISTS nothing; ALTER TABLE no_schema.nothing ADD x int');
SELECT * FROM locks('ALTER TABLE "Odd ""name" ADD x int; ALTER TABLE pg_class ADD x int; ALTER TABLE cmig.revision ADD x int; CREATE TABLE "New ""one" (id int)',
	'ALTER TABLE "New ""one" ADD x int');
-- functions that can take locks; partitions; sequences
\set ECHO none
CREATE FUNCTION lock_app."takes ""locks"() RETURNS void LANGUAGE sql AS 'SELECT';
CREATE FUNCTION lock_app.pure(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE TABLE lock_app.part (id int) PARTITION BY LIST (id);
CREATE TABLE lock_app.part_1 PARTITION OF lock_app.part FOR VALUES IN (1);
CREATE SEQUENCE lock_app.counter;
SELECT * FROM locks('SELECT "takes ""locks"(), pure(1), lower(''a''), unheard_of(); INSERT INTO account SELECT 1 FROM lock_app."takes ""locks"(); UPDATE account SET n = cmig.generate_id()::int',
	'INSERT INTO part VALUES (1); SELECT nextval(''counter''), pg_catalog.currval(''lock_app.counter''::regclass), lock_app.setval(''counter'', 1), nextval(''nothing''), nextval($1)',
	'COPY part FROM STDIN; LOCK TABLE part_1 IN ACCESS SHARE MODE', 'INSERT INTO part VALUES (1); INSERT INTO part_1 VALUES (1)', 'SELECT nextval(''a.b.c.d.e''), nextval(''''), nextval(''"'')',
	'CREATE VIEW uses AS SELECT "takes ""locks"(), nextval(''counter'')');
\set ECHO all
-- CONCURRENTLY where it fails, also if the plan creates, renames, or changes the table
\set ECHO none
CREATE INDEX part_id ON lock_app.part (id);
CREATE TABLE lock_app.list (id int) PARTITION BY LIST (id);
CREATE TABLE lock_app.list_1 PARTITION OF lock_app.list FOR VALUES IN (1);
CREATE TABLE lock_app.list_rest PARTITION OF lock_app.list DEFAULT;
SELECT * FROM locks('CREATE INDEX CONCURRENTLY a ON part (id); CREATE INDEX CONCURRENTLY b ON part_1 (id); REINDEX TABLE CONCURRENTLY part; DROP INDEX CONCURRENTLY part_id',
	'CREATE TABLE new (id int) PARTITION BY LIST (id); CREATE INDEX new_id ON new (id); CREATE INDEX CONCURRENTLY a ON ONLY new (id)',
	'ALTER TABLE new RENAME TO newer; CREATE INDEX CONCURRENTLY b ON newer (id); CREATE INDEX CONCURRENTLY c ON new (id); DROP INDEX CONCURRENTLY new_id',
	'CREATE SCHEMA s CREATE TABLE t (id int) PARTITION BY LIST (id); CREATE INDEX CONCURRENTLY ON s.t (id)',
	'CREATE TEMP TABLE t (id int) PARTITION BY LIST (id); CREATE INDEX i ON t (id); DROP INDEX CONCURRENTLY i; CREATE INDEX CONCURRENTLY i ON t (id)',
	'DROP TABLE part; CREATE TABLE part (id int); CREATE INDEX CONCURRENTLY a ON part (id)',
	'ALTER TABLE list DETACH PARTITION list_1 CONCURRENTLY', 'ALTER TABLE list DETACH PARTITION list_rest; ALTER TABLE list DETACH PARTITION list_1 CONCURRENTLY');
\set ECHO all
SELECT * FROM locks('DROP TABLE list_rest; ALTER TABLE list DETACH PARTITION list_1 CONCURRENTLY');
SET cmig.concurrent_ddl = off;
SELECT * FROM locks('CREATE INDEX CONCURRENTLY a ON part (id)');
RESET cmig.concurrent_ddl;
DROP TABLE lock_app.list;
DROP INDEX lock_app.part_id;
-- the search_path that the script sets
SELECT * FROM locks('SET search_path = public; ALTER TABLE account ADD x int; RESET search_path; SET search_path = "no schema"; ALTER TABLE lock_app.part ADD x int',
	'ALTER TABLE account ADD x int', 'SELECT set_config(''search_path'', '''', false), 1; ALTER TABLE lock_app.invoice ADD x int; ALTER TABLE account ADD x int', 'SET TimeZone = nowhere; ALTER TABLE account ADD x int');
-- temporary tables, which are gone at the end of a script
SELECT * FROM locks('CREATE TEMP TABLE account AS SELECT * FROM names; CREATE INDEX ON account (id); DROP TABLE account; LOCK TABLE account IN SHARE MODE',
	'CREATE TEMP TABLE invoice (id int); ALTER TABLE pg_temp.invoice ADD x int; ALTER TABLE invoice ADD y int', 'ALTER TABLE invoice ADD z int');
-- schemas that the plan creates; relations that hide others
SELECT * FROM locks('CREATE SCHEMA lock_new; SET search_path = lock_new, lock_app; CREATE TABLE account (id int); ALTER TABLE account ADD x int; ALTER TABLE invoice ADD x int; DROP TABLE account; LOCK TABLE account IN SHARE MODE',
	'SET search_path = lock_new; CREATE TABLE line (id int); ALTER TABLE line ADD x int; ALTER TABLE lock_new.line ADD y int', 'ALTER TABLE line ADD x int');
-- triggers, rules, and policies that do not exist
SELECT * FROM locks('DROP TRIGGER IF EXISTS nothing ON account; DROP RULE IF EXISTS nothing ON account; DROP POLICY IF EXISTS nothing ON account; DROP TRIGGER IF EXISTS nothing ON nothing',
	'DROP TRIGGER nothing ON account', 'ALTER TABLE account DISABLE TRIGGER nothing');
-- at most 100 parts with unknown code are listed
SELECT count(*), max(line) FILTER (WHERE line NOT LIKE '%function f%') AS last FROM (
	SELECT regexp_split_to_table(l.locks, E'\n') AS line
	FROM locks((SELECT 'SELECT ' || string_agg(format('f%s(1)', i), ', ') FROM generate_series(1, 300) i)) l) l;
-- CREATE SCHEMA with the objects in it; all tables; extensions
SELECT * FROM locks('CREATE SCHEMA lock_new CREATE TABLE line (id int REFERENCES lock_app.account) CREATE VIEW v AS SELECT FROM lock_app.invoice', 'ALTER TABLE lock_new.line ADD x int; ALTER TABLE line ADD x int',
	'ANALYZE; VACUUM; CLUSTER; REINDEX SCHEMA lock_app; REINDEX DATABASE x; REINDEX SYSTEM x', 'ALTER EXTENSION plpgsql UPDATE', 'ALTER EXTENSION plpgsql ADD TABLE account');
-- pg_cmig's own functions, also in sub-selects; only arguments that are not constants are not known
\set ECHO none
SELECT * FROM locks('SELECT cmig.enable_rls(''account'', user_column => ''n'', roles => ''{app}''); SELECT cmig.enable_audit(''lock_app.invoice'')',
	'CALL cmig.add_not_null(''account'', ''n''); CALL cmig.add_unique(''invoice'', ''{account}'')', 'CALL cmig.backfill(''account'', ''n = (SELECT max(id) FROM invoice)'', ''n IS NULL'')',
	'CALL cmig.add_foreign_key(''account'', ARRAY[''n''], ''invoice'', name => ''n_fkey''); CALL cmig.add_check(''"Odd ""name"'', ''positive'', ''id > 0'')',
	'CREATE TABLE line (id int, n int); SELECT cmig.enable_rls(''line'', user_column => ''n'', roles => ''{app}'')',
	'SELECT FROM (SELECT cmig.disable_audit(''account'')) s', 'DO $x$ BEGIN PERFORM cmig.enable_audit(''invoice''::regclass); END $x$',
	'SELECT cmig.enable_rls_schema(''lock_app'', user_column => ''account'', roles => ''{app}'')', 'SELECT cmig.enable_audit_schema(''lock_app'')',
	'SELECT cmig.set_context(''1''), cmig.current_user_id(), cmig.require(''heads''), cmig.set_option(''cmig.lint_policy'', ''warn'')',
	'SELECT cmig.enable_audit(oid) FROM pg_class; SELECT cmig.enable_rls(); SELECT cmig.enable_audit_schema(''lock_app'', ''a%'')',
	'CALL cmig.backfill(''account'', ''n = = 1''); CALL cmig.upgrade_stepwise(); SELECT cmig.diff(''''); SELECT cmig.nothing(); CALL other()');
\set ECHO all
-- each function of pg_cmig that is not STABLE, with constants as arguments: only those are unknown that change a whole schema, or run scripts of
-- revisions or of a target
\set ECHO none
CREATE TEMP TABLE call AS SELECT proname, row_number() OVER (ORDER BY proname, p.oid::regprocedure::text) AS n,
	format('%s cmig.%I(%s)', CASE prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, proname, (SELECT string_agg(format('%I => %s', name, CASE
		WHEN type = 'regclass'::regtype THEN '''account''' WHEN type = 'boolean'::regtype THEN 'true' WHEN type = 'integer'::regtype THEN '1'
		WHEN type::regtype::text LIKE '%[]' THEN '''{n}''' WHEN name = 'schema' THEN '''lock_app''' WHEN name = 'history_table' THEN '''account'''
		WHEN name ~ '_sql$|^condition$' THEN '''n = 1''' ELSE '''n''' END), ', ' ORDER BY i)
	FROM unnest(proargnames, proargmodes, coalesce(proallargtypes, proargtypes)) WITH ORDINALITY a (name, mode, type, i)
	WHERE coalesce(mode, 'i') = 'i' AND name <> 'pattern')) AS statement
FROM pg_proc p WHERE pronamespace = 'cmig'::regnamespace AND provolatile = 'v' AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype);
\set ECHO all
SELECT DISTINCT proname AS unknown FROM locks(VARIADIC ARRAY(SELECT statement FROM call ORDER BY n)) l JOIN call ON call.n = l.revision::int WHERE l.locks LIKE '%unknown%' ORDER BY 1;
SELECT unnest(string_to_array(l.locks, E'\n')) AS lock, string_agg(DISTINCT proname, ' ' ORDER BY proname) AS functions FROM locks(VARIADIC ARRAY(SELECT statement FROM call ORDER BY n)) l
	JOIN call ON call.n = l.revision::int WHERE l.locks NOT LIKE '%unknown%' GROUP BY 1 ORDER BY 1;
\set ECHO none
DROP TABLE call;
-- what roles own
CREATE ROLE regress_locks_owner;
GRANT CREATE, USAGE ON SCHEMA lock_app TO regress_locks_owner;
CREATE TABLE lock_app.owned (id serial PRIMARY KEY);
ALTER TABLE lock_app.owned OWNER TO regress_locks_owner;
CREATE POLICY theirs ON lock_app.part_1 TO regress_locks_owner USING (true);
\set ECHO all
SELECT * FROM locks('DROP OWNED BY regress_locks_owner', 'REASSIGN OWNED BY regress_locks_owner, nobody_known TO CURRENT_USER', 'DROP OWNED BY CURRENT_USER, nobody_known');
DROP OWNED BY regress_locks_owner;
DROP ROLE regress_locks_owner;
-- downgrades; one without a script
SELECT cmig.stamp('002');
UPDATE cmig.revision SET downgrade_sql = 'DROP TABLE account CASCADE' WHERE revision = '001';
SELECT revision, irreversible, locks FROM cmig.plan('downgrade', 'base');
-- no lock is taken
BEGIN;
SELECT count(*) FROM cmig.plan('downgrade', 'base');
SELECT relation::regclass, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('account'::regclass, 'invoice'::regclass, 'names'::regclass);
\set ECHO none
COMMIT;

DROP EXTENSION pg_cmig;
DROP SCHEMA lock_app CASCADE;
