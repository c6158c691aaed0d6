--
-- rls_check reads code that others have written and runs none of it, neither as the caller nor as
-- another role
--
\pset format unaligned \pset footer off
\set ECHO none
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE SCHEMA host AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA host TO regress_rls_app;
\pset tuples_only on

SET ROLE regress_rls_owner;
CREATE FUNCTION host.evil(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'evil runs as %', current_user; RETURN true; END $$;
CREATE DOMAIN host.d AS text CHECK (host.evil(VALUE));
CREATE TYPE host.c AS (x host.d);
CREATE TYPE host.r AS RANGE (subtype = host.d);
CREATE TYPE host.mood AS ENUM ('sad', 'ok');
CREATE FUNCTION host.takes(host.c) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE TABLE host.other (c host.c, ds host.d[]);
CREATE TABLE host.t (id integer, tenant_id integer, slug text, mood host.mood);
ALTER TABLE host.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON host.t TO regress_rls_app;
CREATE FUNCTION host.true_if(a text, b text) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'evil runs as %', current_user; RETURN true; END $$;
CREATE OPERATOR host.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = host.true_if, NEGATOR = OPERATOR(host.=));
CREATE OPERATOR host.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.textregexeq, NEGATOR = OPERATOR(host.<>));
RESET ROLE;

-- The findings for each expression.
CREATE FUNCTION pg_temp.said(VARIADIC expressions text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	expression text;
BEGIN
	FOREACH expression IN ARRAY expressions LOOP
		EXECUTE format('CREATE POLICY p ON host.t TO regress_rls_app USING (%s)', expression);
		RETURN NEXT regexp_replace(expression, '\m\d{4,}\M', 'OID', 'g');
		RETURN QUERY SELECT regexp_replace(format('    %s, %s: %s', severity, rule, problem), '\m\d{5,}\M', 'OID', 'g') FROM cmig.rls_check('host') WHERE object ~ 'policy p'
			AND rule NOT IN ('missing_index', 'implicit_check', 'per_row_function');
		DROP POLICY p ON host.t;
	END LOOP;
END $$;

-- input functions that check domains, and functions that take or return rows
SELECT pg_temp.said(
	format('record_in(''(1)'', %s, -1) IS NOT NULL', 'host.c'::regtype::oid),
	format('array_in(''{1}'', %s, -1) IS NOT NULL', 'host.d'::regtype::oid),
	format('domain_in(''1'', %s, -1) IS NOT NULL', 'host.d'::regtype::oid),
	format('range_in(''[1,2]'', %s, -1) IS NOT NULL', 'host.r'::regtype::oid),
	format('row_to_json(record_in(''(1)'', %s, -1)) IS NOT NULL', 'host.c'::regtype::oid),
	format('enum_in(''sad'', %s) IS NOT NULL', 'host.mood'::regtype::oid),
	'slug::host.d IS NOT NULL', 'ARRAY[slug]::host.d[] IS NOT NULL', 'ROW(slug)::host.c IS NOT NULL',
	'ROW(tenant_id, slug) = ANY (ARRAY[ROW(1, ''a''::text)])',
	'jsonb_populate_record(NULL::host.c, ''{"x": 1}'') IS NOT NULL',
	'NOT slug OPERATOR(host.=) ''a''', 'NOT slug OPERATOR(host.=) ANY (ARRAY[''a'', ''b''])',
	'to_regclass(slug) IS NULL', 'satisfies_hash_partition(''host.t''::regclass, 1, 0, tenant_id)');

-- an operator that only looks like one that cannot fail
SELECT pg_temp.said('''a''::text OPERATOR(host.=) ''(''::text', 'slug OPERATOR(host.=) ''(''', '''a''::text OPERATOR(host.=) ''a''::text OR tenant_id = 1');

-- an expression that cannot be read does not prevent the others from being judged
CREATE TABLE host.u (id integer, tenant_id integer);
ALTER TABLE host.u ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY q ON host.u TO regress_rls_app USING (true);
CREATE FUNCTION pg_temp.deep() RETURNS text LANGUAGE sql AS $$ SELECT repeat('abs(', 400) || 'tenant_id' || repeat(')', 400) $$;
SELECT format('CREATE POLICY deep ON host.t TO regress_rls_app USING (%s = 1)', pg_temp.deep()) \gexec
SET max_stack_depth = '100kB';
\set ECHO all
SELECT severity, rule, object, problem FROM cmig.rls_check('host') WHERE rule IN ('always_true', 'not_judged');
\set ECHO none
RESET max_stack_depth;
DROP TABLE host.u;
DROP POLICY deep ON host.t;

-- the values of literals in bodies, whoever owns the function
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.body(language text, body text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL check_function_bodies = off;
	EXECUTE format('CREATE FUNCTION host.g(a integer) RETURNS boolean STABLE LANGUAGE %I AS %L', language, body);
	RETURN NEXT body;
	FOR i IN 1..2 LOOP
		RETURN QUERY SELECT * FROM pg_temp.said('host.g(tenant_id) OR tenant_id = (SELECT NULLIF(current_setting(''a.t'', true), '''')::integer)') OFFSET 1;
		ALTER FUNCTION host.g(integer) OWNER TO regress_rls_owner;
	END LOOP;
	DROP FUNCTION host.g(integer);
END $$;
\set ECHO all
SELECT pg_temp.body('plpgsql', 'BEGIN RETURN ''{1}''::host.d[] IS NOT NULL; END');
SELECT pg_temp.body('sql', 'SELECT ''(1)''::host.c IS NOT NULL');
SELECT pg_temp.body('sql', 'SELECT ''[1,2]''::host.r IS NOT NULL');
SELECT pg_temp.body('sql', 'SELECT host.takes(''(1)'')');
SELECT pg_temp.body('sql', 'SELECT CASE WHEN a > 0 THEN ''{1}'' ELSE o.ds END IS NOT NULL FROM host.other o');
SELECT pg_temp.body('sql', 'SELECT ''(1)'' IN (SELECT o.c FROM host.other o)');
SELECT pg_temp.body('sql', 'SELECT x IS NOT NULL FROM (VALUES (''{1}''), (NULL::host.d[])) v(x)');
SELECT pg_temp.body('sql', 'SELECT s.x IS NOT NULL FROM (SELECT ''{1}'' AS x UNION ALL SELECT o.ds FROM host.other o) s LIMIT ''1''');
-- other values are read unchanged
SELECT pg_temp.body('sql', 'SELECT a = NULLIF(current_setting(''a.t'', true), '''')::integer');
SELECT pg_temp.body('sql', 'SELECT $1 IN (''12'', ''13'') OR concat(''x'', a) = ''x'' OR now() > ''2020-01-01'' OR ''{1,2}''::integer[] = ARRAY[a]');
\set ECHO none
SELECT pg_temp.body('plpgsql', 'BEGIN RETURN a::text LIKE ''%'' AND ''ok''::host.mood IS NOT NULL AND interval ''1 day'' > ''1 hour''; END');

-- enable_rls, rls_test, disable_rls: code that the owner has put on a table runs as the role that
-- is tested, or as the owner, never as the caller
SET ROLE regress_rls_owner;
CREATE SEQUENCE host.calls;
GRANT USAGE ON SEQUENCE host.calls TO regress_rls_app;
CREATE FUNCTION host.witness(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
	PERFORM nextval('host.calls');
	IF current_user NOT IN ('regress_rls_owner', 'regress_rls_app') THEN
		RAISE WARNING '% runs as who calls', what;
	END IF;
	-- and tries to remain: what it prepares for later is refused or rolled back
	IF current_setting('host.attack', true) IS DISTINCT FROM 'on' THEN RETURN true; END IF;
	BEGIN EXECUTE 'CREATE TEMP TABLE deed AS SELECT 1'; EXCEPTION WHEN others THEN NULL; END;
	BEGIN PERFORM set_config('search_path', 'host', false); EXCEPTION WHEN others THEN NULL; END;
	BEGIN PERFORM set_config('session_authorization', 'regress_rls_owner', false); EXCEPTION WHEN others THEN NULL; END;
	BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN others THEN NULL; END;
	BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXCEPTION WHEN others THEN NULL; END;
	BEGIN EXECUTE 'DECLARE later CURSOR WITH HOLD FOR SELECT host.witness(''a cursor'')'; EXCEPTION WHEN others THEN NULL; END;
	RETURN true; END $$;
CREATE FUNCTION host.number() RETURNS integer LANGUAGE sql AS $$ SELECT host.witness('a default')::integer $$;
CREATE FUNCTION host.made(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM host.witness('a generated column or an index'); RETURN $1; END $$;
CREATE FUNCTION host.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM host.witness('a trigger ' || TG_WHEN || ' ' || TG_LEVEL); RETURN NEW; END $$;
CREATE DOMAIN host.key AS text CHECK (host.witness('a domain'));
CREATE FUNCTION host.same(host.key, host.key) RETURNS boolean LANGUAGE sql AS $$ SELECT host.witness('an operator') AND $1::text = $2::text $$;
CREATE OPERATOR host.= (LEFTARG = host.key, RIGHTARG = host.key, FUNCTION = host.same);
CREATE TABLE host.deed (id integer DEFAULT host.number(), tenant_id text, user_id host.key, note text CHECK (host.witness('a check')),
	up text GENERATED ALWAYS AS (host.made(note)) STORED);
CREATE INDEX ON host.deed (host.made(note)) WHERE host.made(note) IS NOT NULL;
CREATE TABLE host.child (extra host.key) INHERITS (host.deed);
CREATE TABLE host.log (x text);
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON host.child FOR EACH ROW EXECUTE FUNCTION host.fires();
CREATE TRIGGER a BEFORE INSERT OR UPDATE OR DELETE ON host.deed FOR EACH ROW EXECUTE FUNCTION host.fires();
CREATE TRIGGER b AFTER INSERT OR UPDATE OR DELETE ON host.deed FOR EACH STATEMENT EXECUTE FUNCTION host.fires();
CREATE CONSTRAINT TRIGGER c AFTER INSERT OR UPDATE OR DELETE ON host.deed DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION host.fires();
CREATE RULE also AS ON UPDATE TO host.deed DO ALSO INSERT INTO host.log SELECT 'x' WHERE host.witness('a rule');
INSERT INTO host.deed (tenant_id, user_id, note) VALUES ('1', 'ann', 'a'), ('2', 'bob', 'b');
INSERT INTO host.child (tenant_id, user_id, note) VALUES ('1', 'ann', 'a'), ('2', 'bob', 'b');
GRANT ALL ON host.deed, host.child, host.log TO regress_rls_app;
CREATE POLICY own ON host.deed TO regress_rls_app USING (host.witness('a policy') AND tenant_id = current_setting('app.current_tenant_id', true));
ALTER TABLE host.deed ENABLE ROW LEVEL SECURITY;
CREATE VIEW host.seen AS SELECT * FROM host.deed WHERE host.witness('a view');
CREATE FUNCTION host.wants_path() RETURNS bigint SECURITY DEFINER SET search_path = host SET role = regress_rls_owner LANGUAGE sql AS $$ SELECT count(*) FROM host.seen $$;
RESET ROLE;
SET client_min_messages = warning;
SET host.attack = on;
\set ECHO all
SELECT count(*) > 0 FROM cmig.rls_check('host');
SELECT test, verdict FROM cmig.rls_test('host.deed', 'regress_rls_app', 'ann', '1');
SELECT count(*) > 0 FROM cmig.enable_rls('host.deed', roles => '{regress_rls_app}', column_default => true);
SELECT test, verdict FROM cmig.rls_test('host.deed', 'regress_rls_app', 'ann', '1');
SELECT test, verdict FROM cmig.rls_test('host.child', 'regress_rls_app', 'ann', '1');
SELECT count(*) > 0 FROM cmig.rls_check('host');
SELECT count(*) > 0 FROM cmig.rls_script('host.deed', roles => '{regress_rls_app}');
SELECT count(*) > 0 FROM cmig.rls_status('host');
SELECT count(*) > 0 FROM cmig.disable_rls('host.deed');
-- none of it remains in the session
SET host.attack = off;
SELECT current_user = session_user, session_user <> 'regress_rls_owner', current_setting('search_path') = reset_val FROM pg_settings WHERE name = 'search_path';
SELECT count(*) FROM pg_cursors WHERE name = 'later';
SELECT to_regclass('pg_temp.deed') IS NULL;
-- it did run, as other roles
\set ECHO none
SELECT last_value > 50 FROM host.calls;

-- constants in predicates and expressions of indexes
SET ROLE regress_rls_owner;
CREATE FUNCTION host.constant(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
	$$ BEGIN IF current_user <> 'regress_rls_owner' THEN RAISE WARNING 'evil runs as %', current_user; END IF; RETURN true; END $$;
CREATE TABLE host.indexed (tenant_id text NOT NULL, v text);
CREATE UNIQUE INDEX ON host.indexed (v) WHERE host.constant('x');
CREATE UNIQUE INDEX ON host.indexed (host.constant('x'));
CREATE POLICY own ON host.indexed TO regress_rls_app USING (tenant_id = current_setting('app.current_tenant_id', true));
ALTER TABLE host.indexed ENABLE ROW LEVEL SECURITY;
GRANT ALL ON host.indexed TO regress_rls_app;
-- is a key of a sub-select unique?
CREATE TABLE host.member (email text, tenant_id text);
CREATE UNIQUE INDEX ON host.member ((email || host.constant('x')::text));
CREATE UNIQUE INDEX ON host.member (lower(email));
CREATE POLICY members ON host.indexed TO regress_rls_app USING (tenant_id = (SELECT m.tenant_id FROM host.member m WHERE lower(m.email) = current_setting('app.current_user_id', true)));
RESET ROLE;
-- not from the cache of this session
\c -
SET client_min_messages = warning;
SELECT count(*) > 0 FROM cmig.rls_check('host');

-- the owner of an extension hides nothing by adding it
GRANT CREATE ON DATABASE :"DBNAME" TO regress_rls_owner;
SET ROLE regress_rls_owner;
CREATE EXTENSION citext SCHEMA host;
CREATE TABLE host.bare (tenant_id text);
GRANT SELECT ON host.bare TO regress_rls_app;
CREATE FUNCTION host.all_rows() RETURNS SETOF host.indexed SECURITY DEFINER LANGUAGE sql BEGIN ATOMIC SELECT * FROM host.indexed; END;
ALTER EXTENSION citext ADD TABLE host.bare;
ALTER EXTENSION citext ADD FUNCTION host.all_rows();
\set ECHO all
RESET ROLE;
SELECT severity, rule, object FROM cmig.rls_check('host') WHERE object ~ 'bare|all_rows' ORDER BY object, rule;
SELECT target FROM cmig.rls_status('host') WHERE target ~ 'bare';
SELECT target, level FROM cmig.audit_status('host') WHERE target ~ 'bare';
-- nor a schema from the policy
\set ECHO none
SET ROLE regress_rls_owner;
CREATE SCHEMA beside;
ALTER EXTENSION citext ADD SCHEMA beside;
RESET ROLE;
\set ECHO all
SELECT cmig.set_ddl_policy('deny');
SET ROLE regress_rls_owner;
CREATE TABLE beside.hidden (id integer);
RESET ROLE;
SELECT cmig.set_ddl_policy(NULL);
ALTER EXTENSION citext DROP SCHEMA beside;
DROP SCHEMA beside;

-- no name ends the comment that a fix is
SET ROLE regress_rls_owner;
SELECT format(c, E'a\n;SELECT host.evil(''x'');--') FROM unnest('{CREATE TABLE host.%1$I (id integer\, tenant_id integer),ALTER TABLE host.%1$I ENABLE ROW LEVEL SECURITY,
	GRANT SELECT ON host.%1$I TO regress_rls_app,CREATE POLICY %1$I ON host.%1$I TO regress_rls_app USING (id > 0),CREATE POLICY b ON host.%1$I TO regress_rls_app USING (id < 0)}'::text[]) c \gexec
RESET ROLE;
SELECT count(*) > 1, bool_or(fix ~ '\n') FROM cmig.rls_check('host') WHERE object ~ '\n' AND fix LIKE '--%';

\set ECHO none
DROP SCHEMA host CASCADE;
REVOKE CREATE ON DATABASE :"DBNAME" FROM regress_rls_owner;
DROP ROLE regress_rls_owner, regress_rls_app;
DROP EXTENSION pg_cmig;
