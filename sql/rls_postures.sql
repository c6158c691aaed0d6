--
-- Row-level security: rls_check with policies that are common in practice, some of which let
-- through rows of others
--
\pset format unaligned \pset footer off
CREATE EXTENSION pg_cmig;
\set ECHO none
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_app2;
CREATE ROLE regress_rls_admin;
CREATE ROLE regress_rls_free BYPASSRLS;
CREATE SCHEMA post AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA post TO regress_rls_app;
SET ROLE regress_rls_owner;
CREATE TYPE post.status AS ENUM ('draft', 'published', 'archived');
CREATE DOMAIN post.tenant AS integer CHECK (VALUE > 0);
CREATE TABLE post.member (tenant_id integer, user_id integer, team_id integer, role text, active boolean, deleted_at timestamptz);
CREATE TABLE post.org_member (org uuid, member_of uuid, role text);
CREATE TABLE post.share (doc_id integer, user_id integer);
CREATE TABLE post.parent (id integer PRIMARY KEY, tenant_id integer NOT NULL, user_id integer);
ALTER TABLE post.parent ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON post.parent TO regress_rls_app USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant', true), '')::integer));
CREATE TABLE post.project (id integer PRIMARY KEY, tenant_id integer NOT NULL, user_id integer, region text);
CREATE TABLE post.bare_parent (id integer PRIMARY KEY, tenant_id integer NOT NULL);
CREATE TABLE post.t (id integer NOT NULL, tenant_id integer NOT NULL, user_id integer, org uuid, slug text, parent_id integer,
	amount numeric, tenants integer[], data jsonb, is_public boolean NOT NULL DEFAULT false, state post.status, name text,
	kind text NOT NULL DEFAULT 'x', created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, published_at timestamptz, deleted_at timestamptz,
	shop post.tenant, n bigint, price float8, short smallint, code char(8), is_private boolean, email text, login text);
CREATE UNIQUE INDEX ON post.t (lower(login));
ALTER TABLE post.t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON post.t TO regress_rls_app, regress_rls_app2, regress_rls_admin;
GRANT SELECT ON post.member, post.org_member, post.share, post.parent, post.bare_parent, post.project TO regress_rls_app;
CREATE POLICY p ON post.t TO regress_rls_app USING (false);

-- the context, as people read it
CREATE FUNCTION post.tenant() RETURNS integer STABLE LANGUAGE sql AS $$ SELECT NULLIF(current_setting('app.tenant', true), '')::integer $$;
CREATE FUNCTION post.uid() RETURNS uuid STABLE LANGUAGE sql RETURN NULLIF(current_setting('request.jwt.claims', true)::json ->> 'sub', '')::uuid;
CREATE FUNCTION post.tenant_pl() RETURNS integer STABLE LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN v := current_setting('app.tenant', true); IF v = '' THEN RETURN NULL; END IF; RETURN v::integer; END $$;
CREATE FUNCTION post.my_tenants() RETURNS SETOF integer STABLE SECURITY DEFINER LANGUAGE sql AS $$ SELECT m.tenant_id FROM post.member m WHERE m.user_id = NULLIF(current_setting('app.user', true), '')::integer $$;
CREATE FUNCTION post.all_tenants() RETURNS SETOF integer STABLE SECURITY DEFINER LANGUAGE sql AS $$ SELECT m.tenant_id FROM post.member m $$;
-- the condition that decides about a row
CREATE FUNCTION post.sees(integer) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT $1 = NULLIF(current_setting('app.tenant', true), '')::integer $$;
CREATE FUNCTION post.sees_open(t integer) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT COALESCE(t = NULLIF(current_setting('app.tenant', true), '')::integer, true) $$;
CREATE FUNCTION post.sees_all(integer) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION post.sees_immutable(t integer, c text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT c IS NULL OR c = '' OR t = c::integer $$;
CREATE FUNCTION post.sees_pl(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN t = NULLIF(current_setting('app.tenant', true), '')::integer; END $$;
CREATE FUNCTION post.sees_pl_open(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN
	IF current_setting('app.tenant', true) IS NULL THEN -- jobs
		RETURN true; END IF; RETURN t = NULLIF(current_setting('app.tenant', true), '')::integer; END; $$;
CREATE FUNCTION post.sees_pl_else(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN
	IF t <> NULLIF(current_setting('app.tenant', true), '')::integer THEN RETURN false; ELSE RETURN true; END IF; END $$;
CREATE FUNCTION post.sees_pl_fails(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN t = current_setting('app.tenant')::integer; EXCEPTION WHEN OTHERS THEN RETURN true; END $$;
CREATE FUNCTION post.sees_pl_fails_true(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN t = current_setting('app.tenant')::integer; EXCEPTION WHEN OTHERS THEN RETURN (1 = 1); END $$;
CREATE FUNCTION post.sees_pl_fails_second(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN t = current_setting('app.tenant')::integer;
	EXCEPTION WHEN undefined_object THEN RETURN false; WHEN invalid_text_representation OR others THEN RETURN NOT false; END $$;
CREATE FUNCTION post.sees_pl_fails_closed(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN t = current_setting('app.tenant')::integer;
	EXCEPTION WHEN undefined_object THEN RETURN NULL; WHEN OTHERS THEN RETURN (1 = 2); END $$;
CREATE FUNCTION post.sees_pl_dark(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ DECLARE r boolean; BEGIN EXECUTE 'SELECT true' INTO r; RETURN r; END $$;
CREATE FUNCTION post.is_member(t integer) RETURNS boolean STABLE SECURITY DEFINER LANGUAGE sql AS
	$$ SELECT EXISTS (SELECT FROM post.member m WHERE m.tenant_id = t AND m.user_id = NULLIF(current_setting('app.user', true), '')::integer) $$;
CREATE FUNCTION post.is_member_open(t integer) RETURNS boolean STABLE SECURITY DEFINER LANGUAGE sql AS
	$$ SELECT EXISTS (SELECT FROM post.member m WHERE m.tenant_id = tenant_id AND m.user_id = NULLIF(current_setting('app.user', true), '')::integer) $$;
RESET ROLE;
\set ECHO all
\pset tuples_only on

-- What was found for a posture of the kind that post.kind names.
\set ECHO none
CREATE TEMP TABLE judged (kind text, found text);

-- The rules about rows that are let through which have findings, the most
-- severe first, without notices.
CREATE FUNCTION pg_temp.found() RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(f.severity || ' ' || f.rule, ', '), 'clean') FROM (SELECT DISTINCT severity, rule FROM cmig.rls_check('post')
	WHERE object IN ('post.t', 'policy p on post.t', 'policy q on post.t') AND severity <> 'notice' AND rule IN ('always_true', 'swallowing_or', 'open_without_context', 'foreign_rows', 'floor_misses_role',
		'not_judged', 'unknown_column', 'check_wider_than_using', 'role_bypasses', 'owner_is_application', 'policy_without_rls', 'no_force') ORDER BY 1, 2) f $$;
CREATE FUNCTION pg_temp.spell(statement text) RETURNS text LANGUAGE sql AS $$
	SELECT replace(replace(replace(statement, 'CTX', $x$(SELECT NULLIF(current_setting('app.tenant', true), '')::integer)$x$),
		'USR', $x$(SELECT NULLIF(current_setting('app.user', true), '')::integer)$x$), 'RAW', $x$current_setting('app.tenant', true)$x$) $$;
-- Each expression as the policy of a table of its own, all in one check.
CREATE FUNCTION pg_temp.judge(VARIADIC expressions text[]) RETURNS TABLE (found text, expression text) LANGUAGE plpgsql AS $$
BEGIN
	FOR n IN 1 .. cardinality(expressions) LOOP
		EXECUTE format('CREATE TABLE post.t%s (LIKE post.t INCLUDING ALL); ALTER TABLE post.t%1$s OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;'
			' CREATE POLICY p ON post.t%1$s TO regress_rls_app USING (%s)', n, regexp_replace(pg_temp.spell(expressions[n]), '\mt\.', format('t%s.', n), 'g'));
	END LOOP;
	RETURN QUERY WITH f AS MATERIALIZED (SELECT DISTINCT object, severity || ' ' || rule AS what FROM cmig.rls_check('post') WHERE rule IN ('always_true', 'swallowing_or',
		'open_without_context', 'foreign_rows', 'not_judged', 'unknown_column') AND severity <> 'notice')
		, v AS MATERIALIZED (SELECT coalesce((SELECT string_agg(f.what, ', ' ORDER BY f.what) FROM f WHERE f.object = format('policy p on post.t%s', e.n)), 'clean') AS verdict, e.e, e.n
		FROM unnest(expressions) WITH ORDINALITY e(e, n)), i AS (INSERT INTO judged SELECT current_setting('post.kind', true), v.verdict FROM v)
		SELECT v.verdict, v.e FROM v ORDER BY v.n;
	FOR n IN 1 .. cardinality(expressions) LOOP
		EXECUTE format('DROP TABLE post.t%s', n);
	END LOOP;
END $$;
-- The same for a single policy, which remains.
CREATE FUNCTION pg_temp.using(expression text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER POLICY p ON post.t USING (%s)', pg_temp.spell(expression));
	RETURN pg_temp.found();
END $$;

\qecho -- leaky: true for null
SET post.kind = 'leaky';
SELECT * FROM pg_temp.judge(
	'(tenant_id = CTX) IS NOT FALSE', '(tenant_id <> CTX) IS NOT TRUE', '(tenant_id = CTX) IS UNKNOWN OR tenant_id = CTX',
	'(tenant_id IS DISTINCT FROM CTX) IS NOT TRUE OR CTX IS NULL', 'NOT COALESCE(tenant_id <> CTX, false)', 'COALESCE(tenant_id = CTX, true)',
	'NOT (CTX IS NOT NULL AND tenant_id <> CTX)', '(tenant_id = CTX OR tenant_id <> CTX) IS NOT TRUE OR tenant_id = CTX',
	'CASE WHEN tenant_id <> CTX THEN false ELSE true END', 'CASE WHEN tenant_id = CTX THEN true WHEN CTX IS NULL THEN true ELSE false END',
	'CASE RAW WHEN '''' THEN true ELSE tenant_id = CTX END', 'tenant_id = CTX OR CTX IS NULL', 'tenant_id::text = RAW OR RAW = ''''',
	'tenant_id = CTX OR COALESCE(RAW, '''') = ''''', 'tenant_id = COALESCE(CTX, tenant_id)', 'COALESCE(NULLIF(RAW, ''''), tenant_id::text) = tenant_id::text',
	'tenant_id IS NOT DISTINCT FROM COALESCE(CTX, tenant_id)', 'user_id IS NOT DISTINCT FROM USR', 'NULLIF(tenant_id, CTX) IS NULL OR NULLIF(RAW, '''') IS NULL',
	'(CTX = tenant_id) IS DISTINCT FROM false', 'NOT ((tenant_id = CTX) IS FALSE)', 'tenant_id = ANY (ARRAY[CTX, CASE WHEN CTX IS NULL THEN tenant_id END])',
	'COALESCE(user_id, USR) = USR', 'length(COALESCE(RAW, '''')) = 0 OR tenant_id = CTX', 'nullif(RAW, tenant_id::text) IS NULL',
	'concat(RAW) = '''' OR tenant_id = CTX', 'num_nulls(CTX) = 1 OR tenant_id = CTX', 'greatest(CTX, tenant_id) = tenant_id AND least(CTX, tenant_id) = tenant_id'
);
\qecho -- leaky: with an empty context
SELECT * FROM pg_temp.judge(
	'slug LIKE RAW || ''%''', 'slug LIKE RAW', 'slug ILIKE RAW || ''%''', 'slug ~ RAW', 'slug ~ (''^'' || RAW)', 'starts_with(slug, RAW)', 'slug ^@ RAW',
	'strpos(slug, RAW) > 0', 'position(RAW IN slug) = 1', 'slug SIMILAR TO RAW || ''%''', 'left(slug, length(RAW)) = RAW', 'substr(slug, 1, length(RAW)) = RAW',
	'RAW LIKE ''%'' || tenant_id::text || ''%'' OR RAW = ''''', 'slug LIKE COALESCE(RAW, '''') || ''%''', 'slug >= RAW', 'regexp_match(slug, RAW) IS NOT NULL',
	'replace(slug, RAW, '''') <> slug OR slug LIKE RAW || ''%''', 'tenants @> string_to_array(RAW, '','')::integer[]', 'string_to_array(RAW, '','')::integer[] <@ tenants',
	'data @> COALESCE(NULLIF(RAW, ''''), ''{}'')::jsonb', 'tenant_id::text ~ RAW', 'cardinality(string_to_array(RAW, '','')) = 0 OR tenant_id = ANY (string_to_array(RAW, '','')::integer[])',
	'tenant_id <> ALL (string_to_array(RAW, '','')::integer[])'
);
\qecho -- leaky: weaker than equality
SELECT * FROM pg_temp.judge(
	'tenant_id <> CTX', 'tenant_id >= CTX', 'tenant_id <= CTX', 'tenant_id BETWEEN CTX AND CTX + 10', 'tenant_id BETWEEN 0 AND CTX', 'left(slug, 1) = left(RAW, 1)',
	'substr(slug, 2) = substr(RAW, 2)', 'right(slug, 2) = right(RAW, 2)', 'left(md5(slug), 1) = left(md5(RAW), 1)', 'lower(slug) = lower(RAW)', 'trim(slug) = trim(RAW)',
	'slug::varchar(3) = RAW::varchar(3)', 'slug::char(1) = RAW::char(1)', 'amount::integer = CTX', 'floor(amount) = CTX', 'price::integer = CTX', 'tenant_id % 10 = CTX % 10',
	'tenant_id / 10 = CTX / 10', 'abs(tenant_id) = abs(CTX)', 'left(org::text, 8) = left(current_setting(''app.org'', true), 8)', 'org::text LIKE left(current_setting(''app.org'', true), 4) || ''%''',
	'hashtext(slug) % 4 = hashtext(RAW) % 4', 'length(slug) = length(RAW)', 'tenant_id IN (CTX, CTX + 19)', 'NOT (tenant_id = CTX)', 'tenant_id > CTX OR tenant_id = CTX',
	'sign(tenant_id) = sign(CTX)', 'date_trunc(''day'', created_at) = current_setting(''app.day'', true)::date', 'substring(slug FROM ''^.'') = substring(RAW FROM ''^.'')', 'split_part(slug, ''_'', 1) = split_part(RAW, ''_'', 1)', 'left(md5(slug), 2) = left(md5(RAW), 2)', 'translate(slug, ''_-'', '''') = translate(RAW, ''_-'', '''')'
);
\qecho -- leaky: conditions next to the key
SELECT * FROM pg_temp.judge(
	'tenant_id = CTX OR id > 0', 'tenant_id = CTX OR deleted_at IS NULL', 'id > 0', 'deleted_at IS NULL', 'tenant_id = CTX OR kind <> ''secret''', 'tenant_id = CTX OR amount >= 0',
	'tenant_id = CTX OR created_at < now()', 'tenant_id = CTX OR expires_at > now()', 'is_public OR NOT is_public', 'tenant_id > 0', 'tenant_id IS NOT NULL', 'tenant_id = tenant_id', 'slug LIKE ''%''',
	'tenant_id = CTX OR name LIKE ''%''', 'user_id = USR OR user_id <> USR', 'tenant_id = CTX OR current_setting(''app.role'', true) = ''admin''', 'current_setting(''app.role'', true) IN (''admin'', ''user'')',
	'tenant_id = CTX OR current_setting(''app.bypass'', true)::boolean', 'tenant_id = CTX OR (current_setting(''request.jwt.claims'', true)::jsonb ->> ''role'') = ''service''',
	'tenant_id = CTX OR current_setting(''app.job'', true) IS NULL', 'RAW IS NOT NULL', 'tenant_id = CTX OR user_id > 0', 'true', '1 = 1 OR tenant_id = CTX', '(SELECT true)',
	'CASE WHEN current_setting(''app.mode'', true) = ''all'' THEN true ELSE tenant_id = CTX END', 'tenant_id = CTX OR state <> ''draft''', 'tenant_id = CTX OR length(name) > 0', 'tenant_id = COALESCE(CTX, 1)', 'tenant_id = CTX OR NOT is_public', 'tenant_id = COALESCE(NULLIF(RAW, ''''), ''1'')::integer', 'slug = COALESCE(RAW, ''public'')'
);
\qecho -- leaky: sub-selects
SELECT * FROM pg_temp.judge(
	'EXISTS (SELECT FROM post.member m WHERE m.user_id = USR)', 'EXISTS (SELECT FROM post.member m WHERE m.tenant_id = t.tenant_id)', 'tenant_id IN (SELECT m.tenant_id FROM post.member m)',
	'tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM post.member m WHERE m.active))', 'EXISTS (SELECT FROM post.member m WHERE m.tenant_id = m.tenant_id AND m.user_id = USR)',
	'EXISTS (SELECT FROM post.member m WHERE m.user_id = USR AND m.role = ''admin'')', 'tenant_id IN (SELECT tenant_id FROM post.share s WHERE s.user_id = USR)',
	'NOT EXISTS (SELECT FROM post.share s WHERE s.doc_id = t.id AND s.user_id = USR)', 'tenant_id NOT IN (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR)',
	'EXISTS (SELECT FROM post.member m WHERE m.tenant_id = t.tenant_id OR m.user_id = USR)', 'EXISTS (SELECT FROM post.bare_parent b WHERE b.id = t.parent_id)',
	'(SELECT count(*) FROM post.member m WHERE m.user_id = USR) > 0', '(SELECT count(*) FROM post.member m WHERE m.tenant_id = t.tenant_id AND m.user_id = USR) >= 0',
	-- an aggregate has a value although there are no rows
	'(SELECT count(*) FROM post.member m WHERE m.tenant_id = t.tenant_id AND m.user_id = USR) + 0 >= 0', '(SELECT count(*) >= 0 FROM post.member m WHERE m.tenant_id = t.tenant_id AND m.user_id = USR)',
	'EXISTS (SELECT FROM (SELECT count(*) AS n FROM post.member m WHERE m.tenant_id = t.tenant_id AND m.user_id = USR) s WHERE s.n >= 0)', '(SELECT max(m.user_id) = USR FROM post.member m)',
	'(SELECT max(m.user_id) = USR FROM post.member m GROUP BY GROUPING SETS ((), (m.tenant_id)) LIMIT 1)',
	'(SELECT bool_or(m.active) FROM post.member m WHERE m.user_id = USR)', 'tenant_id >= ANY (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR)',
	'tenant_id <> ALL (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR)', 'EXISTS (SELECT FROM post.member m LEFT JOIN post.share s ON s.user_id = USR WHERE m.tenant_id = t.tenant_id)',
	'EXISTS (SELECT 1 FROM post.member m WHERE m.tenant_id = t.tenant_id AND (m.user_id = USR OR USR IS NULL))', 'tenant_id = ANY (SELECT m.tenant_id FROM post.member m WHERE m.user_id = COALESCE(USR, m.user_id))',
	'tenant_id IN (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR UNION SELECT p.tenant_id FROM post.bare_parent p)', 'tenant_id IN (WITH x AS (SELECT tenant_id FROM post.member) SELECT tenant_id FROM x)',
	'tenant_id IN (SELECT post.all_tenants())', 'EXISTS (SELECT FROM post.org_member o WHERE o.member_of = post.uid())'
);
\qecho -- leaky: one row of another table
SELECT * FROM pg_temp.judge(
	'tenant_id = (SELECT b.tenant_id FROM post.bare_parent b WHERE b.id = 1)', 'tenant_id = (SELECT m.tenant_id FROM post.member m WHERE m.role = ''system'')', 'tenant_id = (SELECT m.tenant_id FROM post.member m LIMIT 1)',
	'tenant_id = (SELECT m.tenant_id FROM post.member m ORDER BY m.deleted_at LIMIT 1)', 'tenant_id::text = RAW OR tenant_id = (SELECT m.tenant_id FROM post.member m WHERE m.role = ''system'')',
	'tenant_id = COALESCE(CTX, (SELECT m.tenant_id FROM post.member m LIMIT 1))', 'org = COALESCE(NULLIF(current_setting(''app.org'', true), '''')::uuid, (SELECT o.org FROM post.org_member o WHERE o.role = ''main''))'
);
\qecho -- leaky: a function maps several keys to one text
SELECT * FROM pg_temp.judge(
	'translate(slug, ''-'', '''') = translate(RAW, ''-'', '''')', 'ltrim(slug, ''0'') = ltrim(RAW, ''0'')', 'ltrim(slug, ''0'') = RAW', 'rtrim(slug, ''/'') = rtrim(RAW, ''/'')', 'btrim(slug, ''#!'') = btrim(RAW, ''#!'')',
	'replace(slug, ''tenant:'', '''') = RAW', 'replace(slug, ''-'', ''_'') = replace(RAW, ''-'', ''_'')', 'lower(slug) = RAW', 'upper(slug) = upper(RAW)', 'initcap(slug) = RAW', 'regexp_replace(slug, ''[^a-z]'', '''', ''g'') = regexp_replace(RAW, ''[^a-z]'', '''', ''g'')',
	'regexp_replace(slug, ''^org_+'', '''') = regexp_replace(RAW, ''^org_+'', '''')', 'split_part(slug, '':'', 1) = RAW', 'left(slug, 36) = left(RAW, 36)', 'substr(slug, 1, 36) = RAW', 'ltrim(slug, ''0'') IN (SELECT ltrim(m.role, ''0'') FROM post.member m WHERE m.user_id = USR)',
	'tenant_id::text = RAW OR lower(slug) = current_setting(''app.slug'', true)'
);
\qecho -- leaky: conditions that cannot be judged, and are more than an equality
SELECT * FROM pg_temp.judge(
	'to_tsvector(''simple'', name) @@ plainto_tsquery(''simple'', RAW)', 'tenant_id = CTX OR to_tsvector(''simple'', name) @@ plainto_tsquery(''simple'', ''public'')'
);
\qecho -- leaky: for the role to which the policy applies
SELECT * FROM pg_temp.judge(
	'current_user = ''regress_rls_app'' OR tenant_id = CTX', 'current_user IN (''regress_rls_app'', ''postgres'') OR tenant_id = CTX', 'current_user LIKE ''regress%'' OR tenant_id = CTX', 'length(current_user) = 15 OR tenant_id = CTX',
	'tenant_id = CTX OR current_user <> ''regress_rls_app2''', 'current_user = ''regress_rls_app''', 'CASE WHEN session_user::text ~ ''app$'' THEN true ELSE tenant_id = CTX END', 'current_user = ''regress_rls_app'' AND RAW IS NULL OR tenant_id = CTX',
	'left(name, 1) = left(current_user, 1)', 'name >= current_user'
);
\qecho -- leaky: tables are joined by a value that they share, and not by the key
SELECT * FROM pg_temp.judge(
	'tenant_id IN (SELECT p.tenant_id FROM post.project p JOIN post.project q ON q.region = p.region WHERE q.user_id = USR)', 'EXISTS (SELECT FROM post.member m JOIN post.member n ON n.role = m.role WHERE n.user_id = USR AND m.tenant_id = t.tenant_id)',
	'tenant_id IN (SELECT p.tenant_id FROM post.project p JOIN post.member m ON m.role = p.region AND m.user_id = USR)', 'tenant_id IN (SELECT p.tenant_id FROM post.project p WHERE p.region IN (SELECT q.region FROM post.project q WHERE q.user_id = USR))'
);
\qecho -- leaky: some of all rows, by order, number, or chance
SELECT * FROM pg_temp.judge(
	'tenant_id IN (SELECT m.tenant_id FROM post.member m ORDER BY m.user_id = USR DESC LIMIT 2)', 'tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM post.member m ORDER BY m.tenant_id <> CTX LIMIT 3))', 'tenant_id = (ARRAY(SELECT m.tenant_id FROM post.member m ORDER BY m.user_id <> USR))[2]',
	'tenant_id IN (SELECT m.tenant_id FROM post.member m GROUP BY m.tenant_id ORDER BY bool_or(m.user_id = USR) DESC LIMIT 2)', 'tenant_id IN (SELECT m.tenant_id FROM post.member m TABLESAMPLE BERNOULLI (10))',
	'tenant_id IN (SELECT g FROM generate_series(1, 1000) g)', 'tenant_id IN (SELECT generate_series(0, CTX))', 'tenant_id = ANY (ARRAY(SELECT generate_series(1::bigint, 9000, 4)))',
	'tenant_id IN (WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1000) SELECT n FROM r)', 'tenant_id IN (WITH RECURSIVE r AS (SELECT tenant_id FROM post.member WHERE user_id = USR UNION SELECT p.tenant_id FROM post.project p, r) SELECT tenant_id FROM r)'
);
\qecho -- leaky: properties that every row has
SELECT * FROM pg_temp.judge(
	't.* IS NOT NULL', 'tenant_id = CTX OR t.* IS NOT NULL', 'tableoid > 0', 'tenant_id = CTX OR tableoid IS NOT NULL', 'ctid > ''(0,0)''', 'tenant_id = CTX OR ctid <> ''(0,0)''', 'xmin::text <> ''0''', 'tenant_id = CTX OR xmin::text::bigint > 5', 'tenant_id = CTX OR age(xmin) > 0',
	'jsonb_path_exists(data, ''$.tenant'')', 'data ? ''tenant''', 'data @? ''$.org.tenant''', 'tenant_id = CTX OR data ->> ''tenant'' IS NOT NULL', '(data #>> ''{acl,tenant}'') IS NOT NULL', 'data[''tenant''] IS NOT NULL', 'data ->> ''tenant'' LIKE RAW || ''%'''
);
\qecho -- leaky: a function maps several contexts to one key, or several pairs to one text
SELECT * FROM pg_temp.judge(
	'tenant_id = width_bucket(CTX, 0, 1000, 1)', 'width_bucket(CTX, 0, 1000, 1) = 1', 'tenant_id = CTX / 10', 'tenant_id = CTX % 10', 'slug = left(RAW, 3)', 'tenant_id = greatest(CTX, 100)', 'tenant_id + user_id = CTX + USR',
	'slug || name = RAW', 'tenant_id::text || user_id::text = RAW', 'concat(tenant_id, user_id) = RAW', 'tenant_id || '''' || user_id = RAW', 'slug || name = RAW || current_setting(''app.user'', true)', 'slug || ''-'' || name = RAW', 'concat_ws(''/'', slug, name) = RAW',
	'slug::integer = CTX', 'slug::numeric = RAW::numeric', 'slug::uuid = RAW::uuid', 'slug::integer >= CTX', 'email::integer = CTX OR slug::integer > 0'
);
\qecho -- leaky: functions
SELECT * FROM pg_temp.judge(
	'post.sees_open(tenant_id)', 'post.sees_all(tenant_id)', 'post.sees_immutable(tenant_id, RAW)', 'post.sees_pl_open(tenant_id)', 'post.sees_pl_else(tenant_id)', 'post.sees_pl_fails(tenant_id)', 'post.sees_pl_fails_true(tenant_id)', 'post.sees_pl_fails_second(tenant_id)',
	'post.sees_pl_dark(tenant_id)', 'post.is_member_open(tenant_id)', 'tenant_id = COALESCE(post.tenant(), tenant_id)', 'tenant_id = post.tenant_pl() OR post.tenant_pl() IS NULL', 'org >= post.uid()',
	'(org = post.uid()) IS NOT FALSE', 'tenant_id = post.tenant() OR post.sees_all(id)', 'NOT (tenant_id <> post.tenant()) IS TRUE OR tenant_id = post.tenant()', 'post.sees(tenant_id) IS NOT FALSE'
);

\qecho -- safe
SET post.kind = 'safe';
SELECT * FROM pg_temp.judge(
	'tenant_id = CTX', 'tenant_id = CTX AND deleted_at IS NULL', 'deleted_at IS NULL AND tenant_id = CTX AND id > 0', 'tenant_id = CTX AND id > 0', 'tenant_id = CTX AND (expires_at IS NULL OR expires_at > now())',
	'tenant_id = CTX AND created_at <= now()', 'tenant_id = CTX AND user_id = USR', 'tenant_id = CTX AND (user_id = USR OR is_public)', 'tenant_id = CTX AND (user_id = USR OR USR IS NULL)',
	'tenant_id = CTX AND (user_id = USR OR current_setting(''app.role'', true) = ''admin'')', 'user_id = USR', 'tenant_id = current_setting(''app.tenant'')::integer', 'tenant_id = RAW::integer',
	'tenant_id::text = RAW', 'slug = RAW', 'slug = COALESCE(RAW, '''') AND RAW <> ''''', 'org = NULLIF(current_setting(''app.org'', true), '''')::uuid', 'org = (current_setting(''request.jwt.claims'', true)::json ->> ''org'')::uuid',
	'org = (NULLIF(current_setting(''request.jwt.claims'', true), '''')::jsonb #>> ''{app_metadata,org}'')::uuid', '(org)::text = (current_setting(''request.jwt.claims'', true)::json ->> ''sub'')',
	'tenant_id = CTX OR tenant_id IS NULL', 'user_id = USR OR user_id IS NULL', 'tenant_id = CTX OR is_public', 'tenant_id = CTX OR state = ''published''', 'user_id = USR OR published_at IS NOT NULL', 'user_id = USR OR kind IN (''public'', ''shared'')',
	'COALESCE(tenant_id = CTX, false)', '(tenant_id = CTX) IS TRUE', 'tenant_id IS NOT DISTINCT FROM CTX', 'NOT (tenant_id IS DISTINCT FROM CTX)', 'CASE WHEN CTX IS NULL THEN false ELSE tenant_id = CTX END', 'CASE WHEN is_public THEN tenant_id = CTX ELSE user_id = USR AND tenant_id = CTX END',
	'tenant_id = ANY (string_to_array(NULLIF(RAW, ''''), '','')::integer[])', 'tenant_id = ANY (RAW::integer[])', 'CTX = ANY (tenants)', 'tenants @> ARRAY[CTX]', 'tenants && ARRAY[CTX]', '(tenant_id, user_id) = (CTX, USR)',
	'shop = CTX', 'name = current_user', 'pg_has_role(name, ''MEMBER'')', 'tenant_id = COALESCE(CTX, 0)', 'tenant_id = COALESCE(CTX, -1)', 'org = COALESCE(NULLIF(current_setting(''app.org'', true), '''')::uuid, ''00000000-0000-0000-0000-000000000000'')',
	'data ->> ''tenant'' = RAW', 'n = NULLIF(RAW, '''')::bigint', 'short = CTX', 'code = current_setting(''app.code'', true)', 'tenant_id = CTX OR NOT is_private', 'tenant_id = CTX AND slug LIKE ''a%''', 'tenant_id = CTX AND kind <> ''secret''', 'tenant_id = CTX AND EXISTS (SELECT FROM post.share s WHERE s.doc_id = t.id)',
	'current_user = ''regress_rls_owner'' OR tenant_id = CTX', 'tenant_id = (SELECT post.tenant())', 'tenant_id = (SELECT post.tenant_pl())', 'org = (SELECT post.uid())', 'post.sees(tenant_id)', 'post.sees_pl(tenant_id)', 'post.is_member(tenant_id)',
	'RAW IS NOT NULL AND RAW <> '''' AND tenant_id = CTX', 'tenant_id BETWEEN CTX AND CTX', 'tenant_id >= CTX AND tenant_id <= CTX', 'false'
);
SELECT * FROM pg_temp.judge(
	'lower(login) = RAW', 'lower(login) = lower(RAW)', 'lower(login) = (SELECT NULLIF(RAW, ''''))', 'email = RAW', 'email = lower(RAW)', 'slug = CTX::text', 'slug::bigint = n AND tenant_id = CTX', 'slug = RAW::integer::text',
	'concat_ws(''-'', tenant_id, user_id) = RAW', 'tenant_id || '':'' || user_id = RAW', '''org-'' || tenant_id = RAW', 'concat(''t'', tenant_id) = RAW', 'org::text || user_id::text = RAW',
	'tenant_id = CTX + 1', 'tenant_id = CTX * 10', 'tenant_id = -CTX', 'tenant_id = CTX AND t.* IS NOT NULL', 'tenant_id = CTX AND tableoid = ''post.t''::regclass', 'tenant_id = CTX AND xmin::text <> ''0''', 'tableoid = ''post.parent''::regclass AND tenant_id = CTX',
	'data ->> ''tenant'' = RAW', 'data @> jsonb_build_object(''tenant'', CTX)', '(data ->> ''tenant'')::integer = CTX', 'data #>> ''{acl,org}'' = RAW', 'tenant_id = CTX AND data ? ''tenant''', 'tenant_id = CTX OR data ? ''public''',
	'current_user = ''regress_rls_app2'' OR tenant_id = CTX', 'current_user = ''regress_rls_app'' AND tenant_id = CTX', 'current_user LIKE ''%2'' OR tenant_id = CTX', 'name = current_user AND tenant_id = CTX', 'post.sees_pl_fails_closed(tenant_id)'
);
\qecho -- safe: sub-selects
SELECT * FROM pg_temp.judge(
	'tenant_id IN (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR)', 'tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR AND m.active AND m.deleted_at IS NULL))',
	'EXISTS (SELECT FROM post.member m WHERE m.tenant_id = t.tenant_id AND m.user_id = USR)', 'EXISTS (SELECT FROM post.member m WHERE m.tenant_id = t.tenant_id AND m.user_id = USR AND m.role IN (''admin'', ''owner''))',
	'user_id = USR OR EXISTS (SELECT FROM post.share s WHERE s.doc_id = t.id AND s.user_id = USR)', 'EXISTS (SELECT FROM post.parent p WHERE p.id = t.parent_id)', 'parent_id IN (SELECT p.id FROM post.parent p)',
	'EXISTS (SELECT FROM post.bare_parent b WHERE b.id = t.parent_id AND b.tenant_id = CTX)', 'tenant_id IN (SELECT post.my_tenants())', 'tenant_id IN (SELECT x FROM post.my_tenants() x)', 'tenant_id = ANY (ARRAY(SELECT post.my_tenants()))',
	'org IN (SELECT o.org FROM post.org_member o WHERE o.member_of = post.uid())', '(SELECT count(*) FROM post.member m WHERE m.tenant_id = t.tenant_id AND m.user_id = USR) > 0',
	'tenant_id IN (SELECT m.tenant_id FROM post.member m JOIN post.share s ON s.user_id = m.user_id WHERE m.user_id = USR)', '(SELECT max(m.tenant_id) FROM post.member m WHERE m.user_id = USR) = tenant_id',
	'tenant_id = CTX AND NOT EXISTS (SELECT FROM post.share s WHERE s.doc_id = t.id AND s.user_id = USR)', 'tenant_id IN (WITH mine AS (SELECT tenant_id FROM post.member WHERE user_id = USR) SELECT tenant_id FROM mine)',
	'parent_id IN (SELECT p.id FROM post.parent p JOIN post.member m ON m.tenant_id = p.tenant_id WHERE m.user_id = USR)', 'tenant_id IN (SELECT p.tenant_id FROM post.project p JOIN post.share s ON s.doc_id = p.id WHERE s.user_id = USR)',
	'tenant_id IN (SELECT p.tenant_id FROM post.project p JOIN post.project q ON q.region = p.region AND q.tenant_id = p.tenant_id WHERE q.user_id = USR)', 'tenant_id IN (SELECT m.tenant_id FROM post.member m TABLESAMPLE SYSTEM (50) WHERE m.user_id = USR)',
	'tenant_id IN (SELECT generate_series(CTX, CTX))', 'tenant_id IN (WITH RECURSIVE r AS (SELECT tenant_id FROM post.member WHERE user_id = USR UNION SELECT p.tenant_id FROM post.project p JOIN r ON r.tenant_id = p.tenant_id) SELECT tenant_id FROM r)',
	'tenant_id IN (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR ORDER BY m.role LIMIT 10)'
);

\qecho -- safe: one row of another table; texts unchanged, or made from the context only
SELECT * FROM pg_temp.judge(
	'tenant_id = (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR)', 'tenant_id = (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR AND m.active ORDER BY m.role LIMIT 1)',
	'(SELECT b.tenant_id FROM post.bare_parent b WHERE b.id = t.parent_id) = CTX', 'tenant_id = (SELECT p.tenant_id FROM post.parent p LIMIT 1)', 'tenant_id = COALESCE(CTX, (SELECT m.tenant_id FROM post.member m WHERE m.user_id = USR))',
	'slug = lower(RAW)', 'slug = ltrim(RAW, ''0'')', 'md5(slug) = md5(RAW)', 'reverse(slug) = reverse(RAW)', 'slug || ''x'' = RAW || ''x''', 'lower(org::text) = lower(current_setting(''app.org'', true))',
	'tenant_id = CTX AND lower(slug) = lower(current_setting(''app.slug'', true))', 'tenant_id = CTX AND to_tsvector(''simple'', name) @@ plainto_tsquery(''simple'', ''public'')'
);
\set ECHO queries
-- rows of a tenant known to all: a notice, or a warning if all can change them
RESET post.kind;
SELECT pg_temp.using('tenant_id = CTX OR tenant_id = 1');
SELECT severity, rule, problem FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
DROP POLICY p ON post.t;
CREATE POLICY p ON post.t FOR SELECT TO regress_rls_app USING (slug = (SELECT current_setting('app.slug', true)) OR slug IN ('sys', 'demo'));
SELECT severity, rule, problem FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
\set ECHO none
DROP POLICY p ON post.t;
CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant', true), '')::integer) OR tenant_id = 1);
CREATE POLICY q ON post.t AS RESTRICTIVE FOR UPDATE TO regress_rls_app USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant', true), '')::integer));
CREATE POLICY r ON post.t AS RESTRICTIVE FOR DELETE TO regress_rls_app USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant', true), '')::integer));
\set ECHO queries
SELECT severity, rule, problem FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
DROP POLICY q ON post.t;
DROP POLICY r ON post.t;
-- only a notice: rows that a column marks for everybody
SELECT pg_temp.using('tenant_id = CTX OR is_public');
SELECT severity, rule, problem FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
SELECT pg_temp.using('user_id = USR OR published_at IS NOT NULL');
SELECT severity, rule, problem FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
-- the messages about holes
SELECT pg_temp.using('tenant_id >= CTX');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule IN ('foreign_rows', 'open_without_context');
SELECT pg_temp.using('CASE WHEN tenant_id <> CTX THEN false ELSE true END');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule IN ('foreign_rows', 'open_without_context');
SELECT pg_temp.using('user_id IS NOT DISTINCT FROM USR');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule IN ('foreign_rows', 'open_without_context');
SELECT pg_temp.using('deleted_at IS NULL');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule IN ('foreign_rows', 'open_without_context');
SELECT pg_temp.using('post.sees_pl_dark(tenant_id)');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'not_judged';

SELECT pg_temp.using('lower(email) = RAW');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
SELECT pg_temp.using('slug::integer = CTX');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
SELECT pg_temp.using('tenant_id = CTX OR xmin::text::bigint > 5');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'not_judged';
SELECT pg_temp.using('current_user = ''regress_rls_app'' OR tenant_id = CTX');
SELECT severity, rule, problem, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule IN ('foreign_rows', 'swallowing_or');
SELECT pg_temp.using('tenant_id = current_setting(''app.tenant'')::integer');
SELECT severity, rule, problem FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'no_missing_ok';
-- the fixes have the effect that they describe
SELECT pg_temp.using('tenant_id = CTX OR id > 5');
ALTER POLICY p ON post.t WITH CHECK (tenant_id = NULLIF(current_setting('app.tenant', true), '')::integer);
DO $$ DECLARE todo text; BEGIN SELECT fix INTO STRICT todo FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows'; EXECUTE todo; END $$;
SELECT pg_temp.found();
SELECT pg_temp.using('slug IS NOT NULL AND (tenant_id = CTX OR user_id = USR OR id > 5 OR RAW = ''all'')');
SELECT object, fix FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows';
DO $$ DECLARE todo text; BEGIN SELECT fix INTO STRICT todo FROM cmig.rls_check('post') WHERE object = 'policy p on post.t' AND rule = 'foreign_rows'; EXECUTE todo; END $$;
SELECT pg_temp.found();

-- several policies, commands, roles
\set ECHO none
CREATE FUNCTION pg_temp.try(VARIADIC statements text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	statement text;
	found text;
BEGIN
	BEGIN
		FOREACH statement IN ARRAY statements LOOP
			EXECUTE pg_temp.spell(statement);
		END LOOP;
		found := pg_temp.found();
		RAISE EXCEPTION 'back';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	INSERT INTO judged VALUES (current_setting('post.kind', true), found);
	RETURN found;
END $$;
DROP POLICY p ON post.t;
-- leaky
SET post.kind = 'leaky';
\set ECHO queries
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (user_id = USR)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app2 USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app, regress_rls_app2 USING (true)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app2 USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t USING (true)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (true)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX OR CTX IS NULL)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (is_public OR id > 0)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app USING ((tenant_id = CTX) IS NOT FALSE)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (user_id = USR OR is_public IS NOT NULL)', 'CREATE POLICY q ON post.t AS RESTRICTIVE FOR SELECT TO regress_rls_app USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (true)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (id > 0)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (user_id = USR)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (tenant_id = CTX OR CTX IS NULL)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (tenant_id <> CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX AND deleted_at IS NULL) WITH CHECK (deleted_at IS NULL)');
SELECT pg_temp.try('CREATE POLICY p ON post.t FOR UPDATE TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (tenant_id IS NOT NULL)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR INSERT TO regress_rls_app WITH CHECK (true)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR INSERT TO regress_rls_app WITH CHECK (id > 0)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR DELETE TO regress_rls_app USING (true)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR DELETE TO regress_rls_app USING (deleted_at IS NOT NULL OR id > 0)');
SELECT pg_temp.try('CREATE POLICY p ON post.t FOR SELECT TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR UPDATE TO regress_rls_app USING (true) WITH CHECK (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR SELECT TO regress_rls_app USING (CTX IS NULL)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'GRANT regress_rls_free TO regress_rls_app');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'GRANT regress_rls_admin TO regress_rls_app', 'GRANT regress_rls_free TO regress_rls_admin', 'ALTER ROLE regress_rls_app NOINHERIT');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t TO regress_rls_admin USING (true)', 'ALTER ROLE regress_rls_app NOINHERIT', 'GRANT regress_rls_admin TO regress_rls_app');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t TO regress_rls_admin USING (true)', 'GRANT regress_rls_admin TO regress_rls_app');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app, regress_rls_free USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'ALTER TABLE post.t NO FORCE ROW LEVEL SECURITY');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'ALTER TABLE post.t DISABLE ROW LEVEL SECURITY');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'ALTER ROLE regress_rls_app NOINHERIT', 'GRANT regress_rls_owner TO regress_rls_app');
-- by name: one of the roles to which the policy applies, by membership or by a privilege on the table
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (current_user = ''regress_rls_app2'' OR tenant_id = CTX)', 'GRANT regress_rls_app TO regress_rls_app2');
SELECT pg_temp.try('CREATE POLICY p ON post.t USING (current_user = ''regress_rls_app2'' OR tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t USING (current_user = ''regress_rls_app'' OR tenant_id = CTX)', 'REVOKE ALL ON post.t FROM regress_rls_app2, regress_rls_admin');
-- safe
SET post.kind = 'safe';
SELECT pg_temp.try('CREATE POLICY p ON post.t USING (current_user = ''regress_rls_owner'' OR tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX AND deleted_at IS NULL) WITH CHECK (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX AND id > 0) WITH CHECK (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX AND user_id = USR) WITH CHECK (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX OR tenant_id IS NULL) WITH CHECK (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (tenant_id = CTX AND id > 0)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t TO regress_rls_admin USING (true)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR SELECT TO regress_rls_admin USING (created_at > now() - interval ''30 days'')');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (true)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app, regress_rls_app2 USING (user_id = USR OR is_public)', 'CREATE POLICY q ON post.t AS RESTRICTIVE USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (id > 0)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t AS RESTRICTIVE FOR DELETE TO regress_rls_app USING (user_id = USR)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app2 USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t FOR SELECT TO regress_rls_app USING (tenant_id = CTX)', 'CREATE POLICY q ON post.t FOR INSERT TO regress_rls_app WITH CHECK (tenant_id = CTX)');
SELECT pg_temp.try('CREATE POLICY p ON post.t TO regress_rls_app USING (tenant_id = 1)', 'CREATE POLICY q ON post.t TO regress_rls_app2 USING (tenant_id = 2)');
SELECT pg_temp.try('SELECT cmig.enable_rls(''post.t'', tenant_column => ''tenant_id'', roles => ''{regress_rls_app}'', bypass_roles => ''{regress_rls_admin}'')');

-- functions that a policy calls do not run: no effect, and no use of the caller's privileges
\set ECHO none
RESET post.kind;
SET ROLE regress_rls_owner;
CREATE TABLE post.ran (who name);
CREATE FUNCTION post.trap(integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN INSERT INTO post.ran VALUES (current_user); RAISE WARNING 'trap'; RETURN true; END $$;
CREATE FUNCTION post.trap_json(post.status) RETURNS json IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'trap'; RETURN '1'; END $$;
CREATE DOMAIN post.trapped AS text CHECK (post.trap(length(VALUE)));
CREATE OPERATOR post.=== (FUNCTION = post.trap, RIGHTARG = integer);
RESET ROLE;
CREATE CAST (post.status AS json) WITH FUNCTION post.trap_json(post.status);
CREATE POLICY p ON post.t TO regress_rls_app USING (false);
\set ECHO queries
SELECT * FROM pg_temp.judge('post.trap(tenant_id)', 'to_jsonb(state) = ''1''::jsonb', 'slug::post.trapped IS NOT NULL', 'OPERATOR(post.===) tenant_id',
	'pg_sleep(3600) IS NULL', 'length(repeat(slug, 500000000)) > 0 AND tenant_id = CTX', 'EXISTS (SELECT FROM generate_series(1, 1000000000000) g WHERE g = tenant_id)', 'pg_advisory_lock(1)::text IS NULL',
	'set_config(''app.tenant'', tenant_id::text, false) IS NOT NULL', 'query_to_xml(''SELECT 1'', true, true, '''') IS NOT NULL', 'array_to_json(ARRAY[state])::text = ''1''', 'row_to_json(ROW(state))::text = ''1''',
	'(SELECT json_agg(s.state) FROM (SELECT t.state) s)::text = ''1''', 'to_jsonb(ROW(state)) = ''1''', 'format(''%900000000s'', slug) = slug', 'has_table_privilege(''post.t'', slug)', 'tenant_id = 1 / 0', 'ctid IS NOT NULL'
);
SELECT count(*) FROM post.ran;
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND (locktype = 'advisory' OR relation = 'post.member'::regclass);

-- every leaky one is found, and no safe one
SELECT kind, count(*) AS postures, count(*) FILTER (WHERE found <> 'clean') AS found FROM judged WHERE kind <> '' GROUP BY kind ORDER BY kind;

\set ECHO none
SET client_min_messages = warning;
DROP SCHEMA post CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_app, regress_rls_app2, regress_rls_admin, regress_rls_free;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_app2, regress_rls_admin, regress_rls_free;
DROP EXTENSION pg_cmig;
