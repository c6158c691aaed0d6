--
-- Row-level security: the context, and access to it
--
\pset format unaligned \pset footer off \pset tuples_only on
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
\set include :srcdir '/sql/include/errors.psql'
\i :include
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE TABLE docs (id integer PRIMARY KEY, tenant_id integer, user_id integer, t text);
ALTER TABLE docs OWNER TO regress_rls_owner;
INSERT INTO docs SELECT i, i % 3, i % 2, 'doc ' || i FROM generate_series(1, 12) i;
GRANT ALL ON docs TO regress_rls_app;
\set ECHO all
SELECT count(*) FROM cmig.enable_rls('docs', roles => '{regress_rls_app}', bypass_roles => '{regress_rls_owner}');

-- the level application: only the context
SET ROLE regress_rls_app;
SELECT cmig.set_context('1', '1');
RESET ROLE;
SELECT * FROM cmig.grant_access('regress_rls_app', 'application');
\set ECHO none
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.grant_access('regress_rls_app', 'everything');
SELECT cmig.grant_access('regress_rls_app', NULL);
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.grant_access('regress_rls_none', 'application');
$calls$);
\set VERBOSITY default
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.grant_access('public', 'application');
$calls$);
\set VERBOSITY sqlstate
SELECT pg_temp.errors(:'VERBOSITY', $calls$
SELECT cmig.grant_access(NULL, 'application');
$calls$);
\set ECHO all
SET ROLE regress_rls_app;
SELECT * FROM cmig.current();
SELECT cmig.enable_rls('docs', roles => '{regress_rls_app}');

-- without a context: no rows, no error; '' is not a context
SELECT * FROM docs;
SELECT * FROM cmig.context();
BEGIN;
SET LOCAL app.current_tenant_id = '';
SET LOCAL app.current_user_id = '';
SELECT * FROM docs;
INSERT INTO docs VALUES (99, 1, 1);
ROLLBACK;
-- after SET LOCAL the setting is '', not unset
SELECT current_setting('app.current_tenant_id', true) = '';
SELECT * FROM docs;

-- with a context
BEGIN;
SELECT cmig.set_context('1', '1');
SELECT * FROM cmig.context();
SELECT cmig.current_user_id(), cmig.current_tenant_id(), cmig.require_user_id(), cmig.require_tenant_id();
SELECT * FROM docs ORDER BY id;
SELECT cmig.set_context('0', '1');
SELECT * FROM docs ORDER BY id;
SELECT cmig.clear_context();
SELECT * FROM docs;
SELECT * FROM cmig.context();
COMMIT;
SELECT * FROM cmig.context();
SELECT cmig.require_user_id();
SELECT cmig.require_tenant_id();
-- keys of other types, only one of them, NULL
BEGIN;
SELECT cmig.set_context(1, 1);
SELECT * FROM cmig.context();
SELECT cmig.set_context('11111111-1111-1111-1111-111111111111'::uuid, 7::bigint);
SELECT * FROM cmig.context();
SELECT cmig.set_context('1');
SELECT * FROM cmig.context();
SELECT cmig.set_context(user_id => NULL, tenant_id => '2');
SELECT * FROM cmig.context();
SELECT cmig.set_context(NULL, NULL);
SELECT * FROM cmig.context();
-- a value that is not valid for the column's type
SELECT cmig.set_context('one', 'two');
\set VERBOSITY default
SELECT * FROM docs;
ROLLBACK;
-- local without a transaction: a warning; for the session
SELECT cmig.set_context('1', '1');
SELECT * FROM cmig.context();
SELECT cmig.set_context('1', '1', is_local => false);
SELECT * FROM cmig.context();
SELECT count(*) FROM docs;
-- a local context over it, which ends with the transaction; clear_context ends both
BEGIN;
SELECT cmig.set_context('1', '2');
SELECT * FROM cmig.context();
COMMIT;
SELECT * FROM cmig.context();
BEGIN;
SELECT cmig.set_context('1', '2');
SELECT cmig.clear_context();
COMMIT;
SELECT * FROM cmig.context();
-- in a function it lasts until the function ends
DO $$
BEGIN
	PERFORM cmig.set_context('1', '1');
	RAISE NOTICE '% rows', (SELECT count(*) FROM docs);
END $$;
SELECT * FROM cmig.context();
-- an application that sets the settings itself
BEGIN;
SET LOCAL app.current_user_id = '1';
SELECT set_config('app.current_tenant_id', '1', true);
SELECT * FROM cmig.context();
SELECT count(*) FROM docs;
-- after a rollback to a savepoint, the context is as it was there
SAVEPOINT s;
SELECT cmig.set_context('0', '0');
ROLLBACK TO s;
SELECT * FROM cmig.context();
COMMIT;

-- rows that are written must match the context
BEGIN;
SELECT cmig.set_context('1', '1');
INSERT INTO docs VALUES (101, 1, 1, 'mine');
UPDATE docs SET t = 'changed' RETURNING id, tenant_id, user_id;
DELETE FROM docs WHERE id = 2;
SAVEPOINT s;
INSERT INTO docs VALUES (102, 2, 1, 'of another tenant');
ROLLBACK TO s;
UPDATE docs SET tenant_id = 2;
ROLLBACK TO s;
UPDATE docs SET user_id = 0;
ROLLBACK;

-- generic plans, functions with other privileges, and parallel workers see the current context
SET plan_cache_mode = force_generic_plan;
PREPARE mine AS SELECT count(*), min(id) FROM docs;
BEGIN;
SELECT cmig.set_context('1', '1');
EXECUTE mine;
SELECT cmig.set_context('0', '2');
EXECUTE mine;
SELECT cmig.clear_context();
EXECUTE mine;
COMMIT;
RESET ROLE;
EXECUTE mine;
\set ECHO none
CREATE FUNCTION definer() RETURNS TABLE (n bigint, who text) SECURITY DEFINER LANGUAGE sql
	SET search_path = pg_catalog AS 'SELECT count(*), cmig.current_tenant_id() FROM public.docs';
GRANT CREATE ON SCHEMA public TO regress_rls_app;
ALTER FUNCTION definer() OWNER TO regress_rls_app;
BEGIN;
\set ECHO all
SELECT cmig.set_context('1', '1');
SELECT * FROM definer();
SELECT cmig.set_context('1', '2');
SELECT * FROM definer();
\set ECHO none
COMMIT;
INSERT INTO docs SELECT i, i % 3, i % 2, 'doc ' || i FROM generate_series(1000, 3000) i;
ANALYZE docs;
SET ROLE regress_rls_app;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET enable_indexscan = off;
SET enable_bitmapscan = off;
BEGIN;
\set ECHO all
SELECT cmig.set_context('1', '1');
DO $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT count(*) FROM docs' LOOP
		IF line ~ 'Parallel' THEN
			RAISE NOTICE '%', btrim(line, ' ->');
		END IF;
	END LOOP;
END $$;
SELECT count(*), bool_and(tenant_id = 1 AND user_id = 1) FROM docs;
SELECT cmig.set_context('1', '2');
SELECT count(*), bool_and(tenant_id = 2 AND user_id = 1) FROM docs;
SELECT count(*), min(cmig.current_tenant_id()) FROM docs;
\set ECHO none
COMMIT;
RESET ROLE;
RESET enable_indexscan;
RESET enable_bitmapscan;
\set ECHO all

-- the owner, with FORCE and in a bypass role, sees every row
SET ROLE regress_rls_owner;
SELECT count(*) FROM docs;
RESET ROLE;

-- the policies still work without pg_cmig
\set ECHO none
DROP EXTENSION pg_cmig;
SET ROLE regress_rls_app;
BEGIN;
SET LOCAL app.current_user_id = '1';
SET LOCAL app.current_tenant_id = '1';
\set ECHO all
SELECT count(*) FROM docs WHERE id < 100;
COMMIT;
RESET ROLE;

CREATE EXTENSION pg_cmig;
SELECT * FROM cmig.grant_access('regress_rls_app', 'application') LIMIT 1;
SELECT * FROM cmig.revoke_access('regress_rls_app');
SET ROLE regress_rls_app;
SELECT * FROM cmig.context();
\set ECHO none
RESET ROLE;

DROP FUNCTION definer();
DROP TABLE docs;
DROP OWNED BY regress_rls_owner, regress_rls_app;
DROP ROLE regress_rls_owner, regress_rls_app;
DROP EXTENSION pg_cmig;
