--
-- Row-level security: a table of policies as people write them, with what each
-- is: leaky, if somebody can see or write a row that belongs to another, or
-- safe.  rls_check must find every leaky one and must not warn of a safe one
--
CREATE EXTENSION pg_cmig;
CREATE ROLE regress_rls_owner;
CREATE ROLE regress_rls_app;
CREATE ROLE regress_rls_staff;
CREATE ROLE regress_rls_ops;
CREATE SCHEMA desk AUTHORIZATION regress_rls_owner;
GRANT USAGE ON SCHEMA desk TO regress_rls_app, regress_rls_staff, regress_rls_ops;
SET ROLE regress_rls_owner;
CREATE TYPE desk.state AS ENUM ('draft', 'open', 'closed');
CREATE TABLE desk.member (tenant_id integer NOT NULL, user_id integer NOT NULL, role text NOT NULL, region text, active boolean NOT NULL, left_at timestamptz,
	PRIMARY KEY (tenant_id, user_id));
CREATE TABLE desk.share (ticket_id bigint NOT NULL, user_id integer NOT NULL, expires_at timestamptz, PRIMARY KEY (ticket_id, user_id));
CREATE TABLE desk.team (id integer PRIMARY KEY, tenant_id integer NOT NULL, parent_id integer, lead_id integer);
CREATE TABLE desk.setting (name text PRIMARY KEY, value text);
-- a parent that has policies of its own
CREATE TABLE desk.project (id integer PRIMARY KEY, tenant_id integer NOT NULL);
ALTER TABLE desk.project ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON desk.project TO regress_rls_app USING (tenant_id = (SELECT NULLIF(current_setting('app.tenant', true), '')::integer));
-- what the policies are for
CREATE TABLE desk.ticket (id bigint PRIMARY KEY, tenant_id integer NOT NULL, user_id integer, org uuid, slug text NOT NULL, name text, login varchar(40), code character(6),
	project_id integer, team_id integer, region text, state desk.state NOT NULL, tags text[], readers integer[], data jsonb, about json, amount numeric, price real, n smallint, big bigint,
	day date, at time, created_at timestamptz NOT NULL, deleted_at timestamptz, valid tstzrange, ids int4range, ip inet, mac macaddr, bits bit(8), raw bytea, place point,
	is_public boolean NOT NULL, archived boolean);
ALTER TABLE desk.ticket ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT ON desk.member, desk.share, desk.team, desk.setting, desk.project TO regress_rls_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.ticket TO regress_rls_app, regress_rls_staff, regress_rls_ops;
-- helpers, as applications have them
CREATE FUNCTION desk.tenant() RETURNS integer STABLE LANGUAGE sql AS $$ SELECT NULLIF(current_setting('app.tenant', true), '')::integer $$;
CREATE FUNCTION desk.tenant_or_first() RETURNS integer STABLE LANGUAGE sql AS $$ SELECT COALESCE(NULLIF(current_setting('app.tenant', true), ''), '1')::integer $$;
CREATE FUNCTION desk.tenant_if() RETURNS integer STABLE LANGUAGE plpgsql AS $$ BEGIN
	IF current_setting('app.tenant', true) IS NULL OR current_setting('app.tenant', true) = '' THEN RETURN NULL; END IF; RETURN current_setting('app.tenant', true)::integer; END $$;
CREATE FUNCTION desk.is_admin() RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT COALESCE(current_setting('app.role', true) = 'admin', false) $$;
CREATE FUNCTION desk.is_staff() RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT pg_has_role(current_user, 'regress_rls_staff', 'MEMBER') $$;
CREATE FUNCTION desk.same(a integer, b integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT a = b $$;
CREATE FUNCTION desk.same_or_none(a integer, b integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT a = b OR b IS NULL $$;
CREATE FUNCTION desk.near(a integer, b integer) RETURNS boolean IMMUTABLE LANGUAGE sql RETURN abs(a - b) <= 1;
CREATE FUNCTION desk.can_see(t desk.ticket) RETURNS boolean STABLE LANGUAGE sql AS $$ SELECT t.tenant_id = NULLIF(current_setting('app.tenant', true), '')::integer $$;
CREATE FUNCTION desk.my_tenants() RETURNS SETOF integer STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS
	$$ SELECT m.tenant_id FROM desk.member m WHERE m.user_id = NULLIF(current_setting('app.user', true), '')::integer $$;
CREATE FUNCTION desk.any_tenants() RETURNS SETOF integer STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS
	$$ SELECT m.tenant_id FROM desk.member m WHERE m.active $$;
CREATE FUNCTION desk.has_role(t integer, r text) RETURNS boolean STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS
	$$ SELECT EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = t AND m.role = r AND m.user_id = NULLIF(current_setting('app.user', true), '')::integer) $$;
CREATE FUNCTION desk.has_role_anywhere(t integer, r text) RETURNS boolean STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS
	$$ SELECT EXISTS (SELECT FROM desk.member m WHERE m.role = r AND m.user_id = NULLIF(current_setting('app.user', true), '')::integer) $$;
CREATE FUNCTION desk.allowed(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN
	IF current_setting('app.role', true) = 'root' THEN RETURN true; ELSIF t = desk.tenant() THEN RETURN true; ELSE RETURN false; END IF; END $$;
CREATE FUNCTION desk.allowed_strictly(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN
	IF desk.tenant() IS NULL THEN RETURN false; END IF; RETURN t = desk.tenant(); EXCEPTION WHEN others THEN RETURN false; END $$;
CREATE FUNCTION desk.allowed_on_error(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN
	RETURN t = current_setting('app.tenant')::integer; EXCEPTION WHEN others THEN RETURN 1 = 1; END $$;
CREATE FUNCTION desk.denied(t integer) RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN
	IF t <> desk.tenant() THEN RETURN true; END IF; RETURN false; END $$;
RESET ROLE;

-- kind is what the posture is; policies is the USING expression of one policy
-- for regress_rls_app, or statements.  CTX and USR are the context's tenant
-- and user, RAW is the setting's text.
CREATE TEMP TABLE posture (n integer GENERATED ALWAYS AS IDENTITY, kind text, about text, policies text);
INSERT INTO posture (kind, about, policies) VALUES
-- comparisons other than equality
('leaky', 'not the own one', 'tenant_id != CTX'),
('leaky', 'up to the own one', 'tenant_id <= CTX'),
('leaky', 'symmetric range', 'tenant_id BETWEEN SYMMETRIC CTX AND 0'),
('leaky', 'not between', 'tenant_id NOT BETWEEN CTX AND CTX'),
('leaky', 'row comparison by order', '(tenant_id, user_id) <= (CTX, USR)'),
('leaky', 'row that differs', '(tenant_id, user_id) <> (CTX, USR)'),
('leaky', 'any of the array is less', 'tenant_id >= ANY (ARRAY[CTX, 0])'),
('leaky', 'differs from one of two', 'tenant_id <> ANY (ARRAY[CTX, CTX + 1])'),
('leaky', 'difference of numbers', 'abs(tenant_id - CTX) < 100'),
('leaky', 'product is zero', '(tenant_id - CTX) * 0 = 0'),
('leaky', 'difference is not zero or null', 'COALESCE(tenant_id - CTX, 0) = 0'),
('leaky', 'last bit', 'tenant_id & 1 = CTX & 1'),
('leaky', 'mask that forgets bits', 'tenant_id & 240 = CTX & 240'),
('leaky', 'or with all bits', 'tenant_id | 1023 = CTX | 1023'),
('leaky', 'shifted', 'tenant_id >> 8 = CTX >> 8'),
('leaky', 'rounded to tens', 'round(tenant_id::numeric, -1) = round(CTX::numeric, -1)'),
('leaky', 'as boolean', 'tenant_id::boolean = CTX::boolean'),
('leaky', 'both positive', '(tenant_id > 0) = (CTX > 0)'),
('leaky', 'sum of two keys', 'tenant_id + user_id = CTX + USR'),
('leaky', 'product of two keys', 'tenant_id * user_id = CTX * USR'),
('leaky', 'bucket of the context', 'tenant_id = width_bucket(CTX, 0, 100000, 5)'),
('leaky', 'bucket of the key', 'width_bucket(tenant_id, 0, 100000, 1) = width_bucket(CTX, 0, 100000, 1)'),
('leaky', 'context divided', 'tenant_id = CTX / 100'),
('leaky', 'digits of the key', 'right(tenant_id::text, 1) = right(RAW, 1)'),
('leaky', 'length of the key', 'length(tenant_id::text) = length(RAW)'),
('leaky', 'hash of the key in few', 'abs(hashint4(tenant_id)) % 8 = abs(hashint4(CTX)) % 8'),
-- texts
('leaky', 'prefix of a path', 'slug LIKE RAW || ''/%'''),
('leaky', 'prefix, or without a slash', 'slug || ''/'' LIKE RAW || ''%'''),
('leaky', 'suffix', 'slug LIKE ''%'' || RAW'),
('leaky', 'regular expression of the context', 'name ~* RAW'),
('leaky', 'anchored at one end', 'name ~ (''^'' || RAW)'),
('leaky', 'not matched by another', 'name !~ RAW'),
('leaky', 'NOT LIKE', 'slug NOT LIKE RAW || ''%'''),
('leaky', 'position', 'position(RAW IN slug) > 0'),
('leaky', 'order of texts', 'slug >= RAW AND slug < RAW || ''z'''),
('leaky', 'part of a path', 'split_part(slug, ''/'', 2) = split_part(RAW, ''/'', 2)'),
('leaky', 'first character', 'ascii(slug) = ascii(RAW)'),
('leaky', 'number of bytes', 'octet_length(slug) = octet_length(RAW)'),
('leaky', 'truncated by type', 'slug::varchar(2) = RAW::varchar(2)'),
('leaky', 'truncated by name', 'slug::name = RAW::name'),
('leaky', 'domain of an address', 'split_part(login, ''@'', 2) = split_part(current_setting(''app.login'', true), ''@'', 2)'),
('leaky', 'without marks', 'regexp_replace(slug, ''\W'', '''', ''g'') = regexp_replace(RAW, ''\W'', '''', ''g'')'),
('leaky', 'two texts without a separator', 'slug || region = current_setting(''app.slug'', true) || current_setting(''app.region'', true)'),
('leaky', 'two texts, concat()', 'concat(slug, region) = RAW'),
('leaky', 'two numbers as text', 'tenant_id::text || user_id::text = RAW || current_setting(''app.user'', true)'),
('leaky', 'uuid by its first part', 'split_part(org::text, ''-'', 1) = split_part(current_setting(''app.org'', true), ''-'', 1)'),
('leaky', 'uuid compared by order', 'org <= NULLIF(current_setting(''app.org'', true), '''')::uuid'),
('leaky', 'key in a list as text', 'RAW LIKE ''%'' || tenant_id || ''%'''),
('leaky', 'key somewhere in a list', 'strpos(RAW, tenant_id::text) > 0'),
('leaky', 'case folded without an index', 'upper(slug) = upper(RAW)'),
('leaky', 'overlaid', 'overlay(slug PLACING ''xx'' FROM 1 FOR 2) = overlay(RAW PLACING ''xx'' FROM 1 FOR 2)'),
-- nulls
('leaky', 'null is as good as true', 'COALESCE(tenant_id = CTX, CTX IS NULL)'),
('leaky', 'not false', '(tenant_id = CTX) IS NOT FALSE'),
('leaky', 'is not distinct, key can be null', 'user_id IS NOT DISTINCT FROM USR'),
('leaky', 'not known to differ', '(user_id <> USR) IS NOT TRUE'),
('leaky', 'NULLIF', 'NULLIF(tenant_id, CTX) IS NULL OR CTX IS NULL'),
('leaky', 'key is there', 'tenant_id IS NOT NULL'),
('leaky', 'key of the user is there', 'user_id IS NOT NULL AND USR IS NOT NULL'),
('leaky', 'key is itself, null or not', 'tenant_id IS NOT DISTINCT FROM tenant_id'),
('leaky', 'key is itself', 'user_id = user_id'),
('leaky', 'one of its own range', 'tenant_id BETWEEN tenant_id AND tenant_id'),
('leaky', 'key among itself', 'tenant_id IN (CTX, tenant_id)'),
('leaky', 'num_nonnulls', 'num_nonnulls(tenant_id, CTX) > 0'),
('leaky', 'num_nulls is odd', 'num_nulls(NULLIF(RAW, '''')) = 1 OR tenant_id = CTX'),
('leaky', 'least ignores null', 'least(tenant_id, CTX) = tenant_id'),
('leaky', 'text of null', 'concat(CTX) = '''' OR tenant_id = CTX'),
('leaky', 'format of null', 'format(''%s'', CTX) = '''' OR tenant_id = CTX'),
('leaky', 'array of null is empty', 'cardinality(array_remove(ARRAY[CTX], NULL)) = 0 OR tenant_id = CTX'),
('leaky', 'array without null', 'tenant_id = ALL (array_remove(ARRAY[CTX], NULL))'),
('leaky', 'ALL of no elements', 'tenant_id <> ALL (COALESCE(string_to_array(RAW, '',''), ''{}'')::integer[])'),
('leaky', 'ALL of a list that may be empty', 'tenant_id = ALL (string_to_array(RAW, '','')::integer[])'),
('leaky', 'contained in an empty list', 'readers <@ ARRAY[USR] OR tenant_id = CTX'),
('leaky', 'array contains nothing', 'tags @> string_to_array(RAW, '','')'),
('leaky', 'default tenant', 'tenant_id = COALESCE(CTX, 1)'),
('leaky', 'default tenant by a function', 'tenant_id = desk.tenant_or_first()'),
('leaky', 'row IS NULL of the context', 'ROW(CTX, USR) IS NULL OR tenant_id = CTX'),
-- IN and ANY
('leaky', 'context among constants', 'CTX IN (1, 2, 3)'),
('leaky', 'NOT IN', 'tenant_id NOT IN (CTX)'),
('leaky', 'series', 'tenant_id IN (SELECT generate_series(1, 100000, 7))'),
('leaky', 'series from the context', 'tenant_id = ANY (ARRAY(SELECT generate_series(CTX - 50, CTX + 50)))'),
('leaky', 'values', 'tenant_id IN (VALUES (CTX), (11), (12), (13))'),
('leaky', 'unnest of the own column', 'tenant_id IN (SELECT unnest(ARRAY[CTX, tenant_id]))'),
('leaky', 'readers are there', 'cardinality(readers) > 0'),
('leaky', 'readers overlap themselves', 'readers && readers'),
('leaky', 'any element is positive', '0 < ANY (readers)'),
('leaky', 'position in the readers', 'COALESCE(array_position(readers, USR), 0) >= 0'),
-- branches
('leaky', 'a role by setting', 'tenant_id = CTX OR current_setting(''app.role'', true) = ''admin'''),
('leaky', 'a role by function', 'tenant_id = CTX OR desk.is_admin()'),
('leaky', 'a mode that is not the usual', 'tenant_id = CTX OR current_setting(''app.mode'', true) <> ''user'''),
('leaky', 'an empty mode', 'tenant_id = CTX OR current_setting(''app.mode'', true) IS NOT DISTINCT FROM '''''),
('leaky', 'tenant zero is everybody', 'tenant_id = CTX OR CTX = 0'),
('leaky', 'tenant minus one is everybody', 'CASE CTX WHEN -1 THEN true ELSE tenant_id = CTX END'),
('leaky', 'a star is everybody', 'tenant_id::text = RAW OR RAW = ''*'''),
('leaky', 'debug flag', 'tenant_id = CTX OR COALESCE(current_setting(''app.debug'', true)::boolean, false)'),
('leaky', 'claim of a service', 'tenant_id = CTX OR current_setting(''request.jwt.claims'', true)::json ->> ''role'' = ''service_role'''),
('leaky', 'claim is missing', 'tenant_id = CTX OR (NULLIF(current_setting(''request.jwt.claims'', true), '''')::jsonb ? ''tenant'') IS NOT TRUE'),
('leaky', 'from localhost', 'tenant_id = CTX OR inet_client_addr() IS NULL'),
('leaky', 'by application name', 'tenant_id = CTX OR current_setting(''application_name'') = ''psql'''),
('leaky', 'at night', 'tenant_id = CTX OR extract(hour FROM now()) BETWEEN 0 AND 23'),
('leaky', 'a number of its own', 'tenant_id = CTX OR id > 0'),
('leaky', 'not deleted', 'tenant_id = CTX OR deleted_at IS NULL'),
('leaky', 'AND binds closer', 'tenant_id = CTX AND archived OR amount > 0 AND NOT archived'),
('leaky', 'made in the past', 'tenant_id = CTX OR created_at <= now()'),
('leaky', 'usual state', 'tenant_id = CTX OR state <> ''closed'''),
('leaky', 'states in order', 'tenant_id = CTX OR state >= ''draft'''),
('leaky', 'region is not set', 'tenant_id = CTX OR region IS NULL'),
('leaky', 'amount is small', 'tenant_id = CTX OR amount < 1000000'),
('leaky', 'not archived', 'tenant_id = CTX OR NOT COALESCE(archived, false)'),
('leaky', 'private or public', 'is_public OR NOT is_public'),
('leaky', 'CASE by the row', 'CASE WHEN deleted_at IS NULL THEN id > 0 ELSE tenant_id = CTX END'),
('leaky', 'CASE without a match', 'CASE state WHEN ''draft'' THEN tenant_id = CTX ELSE true END'),
('leaky', 'two negations', 'NOT (NOT (tenant_id = CTX) AND NOT (amount >= 0))'),
('leaky', 'one key or the other user', 'tenant_id = CTX OR user_id <> USR'),
('leaky', 'the role itself', 'current_user = ''regress_rls_app'' OR tenant_id = CTX'),
('leaky', 'the role itself by session', 'tenant_id = CTX OR session_user IN (''regress_rls_app'')'),
('leaky', 'the role as text', 'tenant_id = CTX OR current_user::text LIKE ''regress_rls_a%'''),
('leaky', 'the role as member of itself', 'tenant_id = CTX OR pg_has_role(current_user, ''regress_rls_app'', ''MEMBER'')'),
('leaky', 'constant true by arithmetic', '1 + 1 = 2'),
('leaky', 'constant true by text', 'length(''abc'') = 3'),
('leaky', 'constant sub-select', '(SELECT count(*) >= 0 FROM desk.member)'),
('leaky', 'context is there', 'CTX IS NOT NULL'),
('leaky', 'context is a number', 'RAW ~ ''^[0-9]+$'''),
('leaky', 'contexts agree', 'CTX = CTX'),
-- other types
('leaky', 'date of the context', 'day >= NULLIF(current_setting(''app.day'', true), '''')::date'),
('leaky', 'range holds now', 'tenant_id = CTX OR valid @> now()'),
('leaky', 'range of the key', 'ids @> CTX OR ids @> user_id'),
('leaky', 'key in a range of the context', 'tenant_id <@ int4range(CTX - 10, CTX + 10)'),
('leaky', 'network', 'ip << inet ''0.0.0.0/0'''),
('leaky', 'same network', 'network(set_masklen(ip, 8)) = network(set_masklen(current_setting(''app.ip'', true)::inet, 8))'),
('leaky', 'bits', 'tenant_id = CTX OR bits & B''00000000'' = B''00000000'''),
('leaky', 'bytes', 'length(raw) >= 0'),
('leaky', 'document has a tenant', 'data ? ''tenant'''),
('leaky', 'document has some of', 'data ?| ARRAY[''tenant'', ''org'']'),
('leaky', 'document by path', 'jsonb_path_exists(data, ''$.tenant'')'),
('leaky', 'document by path and filter', 'data @? ''$.tenant ? (@ != "")'''),
('leaky', 'document by path match', 'data @@ ''$.tenant != ""'''),
('leaky', 'document contains nothing', 'data @> ''{}'''),
('leaky', 'document is an object', 'jsonb_typeof(data) = ''object'''),
('leaky', 'part of a document is not null', '(data -> ''acl'' ->> ''tenant'') IS NOT NULL'),
('leaky', 'document by subscript', 'data[''tenant''] <> ''null'''),
('leaky', 'json member', 'about ->> ''tenant'' >= '''''),
('leaky', 'whole row', 'ticket.* IS NOT NULL'),
('leaky', 'whole row is not null', 'NOT (ticket IS NULL)'),
('leaky', 'row as document', 'to_jsonb(ticket) ? ''tenant_id'''),
('leaky', 'system columns', 'tenant_id = CTX OR ctid >= ''(0,0)'''),
('leaky', 'table of the row', 'tableoid = ''desk.ticket''::regclass'),
('leaky', 'transaction of the row', 'tenant_id = CTX OR xmin::text <> ''1'''),
-- sub-selects
('leaky', 'some membership', 'EXISTS (SELECT FROM desk.member m WHERE m.user_id = USR)'),
('leaky', 'any member of the tenant', 'EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = ticket.tenant_id)'),
('leaky', 'column of the wrong table', 'EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = tenant_id AND m.user_id = USR)'),
('leaky', 'column that is not there', 'tenant_id IN (SELECT tenant_id FROM desk.share s WHERE s.user_id = USR)'),
('leaky', 'every active member', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m WHERE m.active AND m.left_at IS NULL)'),
('leaky', 'admin somewhere', 'EXISTS (SELECT FROM desk.member m WHERE m.user_id = USR AND m.role = ''admin'') OR tenant_id = CTX'),
('leaky', 'or in the sub-select', 'EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = ticket.tenant_id AND (m.user_id = USR OR m.role = ''admin''))'),
('leaky', 'user may be missing', 'EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = ticket.tenant_id AND m.user_id = COALESCE(USR, m.user_id))'),
('leaky', 'left join loses the user', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m LEFT JOIN desk.share s ON s.user_id = m.user_id AND s.user_id = USR)'),
('leaky', 'cross join', 'tenant_id IN (SELECT t.tenant_id FROM desk.member m, desk.team t WHERE m.user_id = USR)'),
('leaky', 'join by region', 'tenant_id IN (SELECT n.tenant_id FROM desk.member m JOIN desk.member n ON n.region = m.region WHERE m.user_id = USR)'),
('leaky', 'join by role', 'EXISTS (SELECT FROM desk.member m JOIN desk.member n USING (role) WHERE m.user_id = USR AND n.tenant_id = ticket.tenant_id)'),
('leaky', 'natural join of little', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m NATURAL JOIN (SELECT true AS active) x)'),
('leaky', 'same region as a member', 'region IN (SELECT m.region FROM desk.member m WHERE m.user_id = USR)'),
('leaky', 'not shared with me', 'NOT EXISTS (SELECT FROM desk.share s WHERE s.ticket_id = ticket.id AND s.user_id = USR)'),
('leaky', 'shared with anybody', 'tenant_id = CTX OR id IN (SELECT s.ticket_id FROM desk.share s WHERE s.expires_at > now())'),
('leaky', 'own rows first, then others', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m ORDER BY (m.user_id = USR) DESC LIMIT 5)'),
('leaky', 'first one of all', 'tenant_id = (SELECT m.tenant_id FROM desk.member m ORDER BY m.tenant_id LIMIT 1)'),
('leaky', 'OFFSET', 'tenant_id = (SELECT m.tenant_id FROM desk.member m ORDER BY m.user_id <> USR OFFSET 1 LIMIT 1)'),
('leaky', 'DISTINCT ON', 'tenant_id IN (SELECT DISTINCT ON (m.tenant_id) m.tenant_id FROM desk.member m ORDER BY m.tenant_id, m.user_id = USR DESC)'),
('leaky', 'window', 'tenant_id IN (SELECT x.tenant_id FROM (SELECT m.tenant_id, rank() OVER (ORDER BY m.user_id = USR DESC) AS r FROM desk.member m) x WHERE x.r <= 10)'),
('leaky', 'maximum of all', 'tenant_id <= (SELECT max(m.tenant_id) FROM desk.member m WHERE m.user_id = USR)'),
('leaky', 'count of members is not negative', '(SELECT count(*) FROM desk.member m WHERE m.user_id = USR AND m.tenant_id = ticket.tenant_id) >= 0'),
('leaky', 'bool_or over all', '(SELECT bool_or(m.user_id = USR) FROM desk.member m)'),
('leaky', 'HAVING', 'EXISTS (SELECT m.tenant_id FROM desk.member m GROUP BY m.tenant_id HAVING m.tenant_id = ticket.tenant_id)'),
('leaky', 'UNION with all', 'tenant_id IN (SELECT CTX UNION ALL SELECT t.tenant_id FROM desk.team t)'),
('leaky', 'EXCEPT', 'tenant_id IN (SELECT t.tenant_id FROM desk.team t EXCEPT SELECT CTX)'),
('leaky', 'recursive', 'tenant_id IN (WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 5000) SELECT n FROM r)'),
('leaky', 'recursive over all teams', 'team_id IN (WITH RECURSIVE r AS (SELECT t.id FROM desk.team t WHERE t.parent_id IS NULL UNION SELECT t.id FROM desk.team t JOIN r ON t.parent_id = r.id) SELECT id FROM r)'),
('leaky', 'a sample', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m TABLESAMPLE SYSTEM (100))'),
('leaky', 'lateral', 'EXISTS (SELECT FROM desk.member m, LATERAL (SELECT m.user_id = USR OR m.active AS ok) x WHERE x.ok AND m.tenant_id = ticket.tenant_id)'),
('leaky', 'parent of anybody', 'EXISTS (SELECT FROM desk.team t WHERE t.id = ticket.team_id)'),
('leaky', 'setting of the system', 'tenant_id::text = (SELECT s.value FROM desk.setting s WHERE s.name = ''main'')'),
('leaky', 'NOT IN of no rows', 'tenant_id NOT IN (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR)'),
('leaky', 'ALL of no rows', 'tenant_id = ALL (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR)'),
('leaky', 'SOME that is greater', 'tenant_id < SOME (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR)'),
-- functions
('leaky', 'function that is open', 'desk.same_or_none(tenant_id, CTX)'),
('leaky', 'function that is near', 'desk.near(tenant_id, CTX)'),
('leaky', 'function with a back door', 'desk.allowed(tenant_id)'),
('leaky', 'function that is open on errors', 'desk.allowed_on_error(tenant_id)'),
('leaky', 'function that is the wrong way round', 'desk.denied(tenant_id)'),
('leaky', 'function that is not denied', 'NOT desk.denied(tenant_id)'),
('leaky', 'function with all tenants', 'tenant_id IN (SELECT desk.any_tenants())'),
('leaky', 'function that forgets the tenant', 'desk.has_role_anywhere(tenant_id, ''admin'')'),
('leaky', 'function result may be null', '(tenant_id = desk.tenant_if()) IS NOT FALSE'),
('leaky', 'function of the row, negated', 'NOT desk.can_see(ticket)'),
-- safe
('safe', 'a key', 'tenant_id = CTX'),
('safe', 'a key, the other way round', 'CTX = tenant_id'),
('safe', 'a key as text', 'tenant_id::text = RAW'),
('safe', 'a key as varchar', 'tenant_id::varchar = RAW'),
('safe', 'a setting as bigint', 'tenant_id = NULLIF(RAW, '''')::bigint'),
('safe', 'a key as bigint', 'tenant_id::bigint = NULLIF(RAW, '''')::bigint'),
('safe', 'a key as numeric', 'tenant_id = NULLIF(RAW, '''')::numeric'),
('safe', 'uuid', 'org = NULLIF(current_setting(''app.org'', true), '''')::uuid'),
('safe', 'uuid as text', 'org::text = current_setting(''app.org'', true)'),
('safe', 'character(n)', 'code = current_setting(''app.code'', true)'),
('safe', 'varchar', 'login = current_setting(''app.login'', true)'),
('safe', 'without missing_ok', 'tenant_id = current_setting(''app.tenant'')::integer'),
('safe', 'both keys', 'tenant_id = CTX AND user_id = USR'),
('safe', 'both keys as a row', '(tenant_id, user_id) = (CTX, USR)'),
('safe', 'both keys as a row in a list', '(tenant_id, user_id) IN ((CTX, USR))'),
('safe', 'put together with a separator', 'tenant_id || '':'' || user_id = RAW'),
('safe', 'put together with a prefix', '''tenant-'' || tenant_id = RAW'),
('safe', 'numbers with a separator', 'concat_ws(''/'', tenant_id, user_id) = RAW'),
('safe', 'no more than equal', 'tenant_id >= CTX AND tenant_id <= CTX'),
('safe', 'difference is zero', 'tenant_id - CTX = 0'),
('safe', 'not different', 'NOT (tenant_id <> CTX)'),
('safe', 'known to be true', '(tenant_id = CTX) IS TRUE'),
('safe', 'false without a context', 'COALESCE(tenant_id = CTX, false)'),
('safe', 'not distinct, key is never null', 'tenant_id IS NOT DISTINCT FROM CTX'),
('safe', 'CASE that closes', 'CASE WHEN CTX IS NULL THEN false ELSE tenant_id = CTX END'),
('safe', 'nobody is the default', 'tenant_id = COALESCE(CTX, -1)'),
('safe', 'list of tenants', 'tenant_id = ANY (string_to_array(NULLIF(RAW, ''''), '','')::integer[])'),
('safe', 'list of tenants as an array', 'tenant_id = ANY (NULLIF(RAW, '''')::integer[])'),
('safe', 'one of the readers', 'USR = ANY (readers)'),
('safe', 'contained in the readers', 'readers @> ARRAY[USR]'),
('safe', 'overlap with the readers', 'readers && ARRAY[USR]'),
('safe', 'position in the readers', 'array_position(readers, USR) IS NOT NULL'),
('safe', 'soft delete', 'tenant_id = CTX AND deleted_at IS NULL'),
('safe', 'a number beside it', 'tenant_id = CTX AND id > 0'),
('safe', 'states', 'tenant_id = CTX AND state IN (''open'', ''closed'')'),
('safe', 'a time window', 'tenant_id = CTX AND created_at > now() - interval ''90 days'''),
('safe', 'a range', 'tenant_id = CTX AND valid @> now()'),
('safe', 'a network', 'tenant_id = CTX AND ip << inet ''10.0.0.0/8'''),
('safe', 'a document beside it', 'tenant_id = CTX AND data ? ''ready'''),
('safe', 'search beside it', 'tenant_id = CTX AND slug LIKE RAW || ''%'''),
('safe', 'own or public', 'tenant_id = CTX OR is_public'),
('safe', 'own, and by an admin all of the tenant', 'tenant_id = CTX AND (user_id = USR OR current_setting(''app.role'', true) = ''admin'')'),
('safe', 'own, and by a function all of the tenant', 'tenant_id = CTX AND (user_id = USR OR desk.is_admin())'),
('safe', 'shared rows', 'tenant_id = CTX OR tenant_id IS NULL'),
('safe', 'distribution of AND', '(tenant_id = CTX AND is_public) OR (tenant_id = CTX AND user_id = USR)'),
('safe', 'as the owner', 'tenant_id = CTX OR current_user = ''regress_rls_owner'''),
('safe', 'name of the role', 'name = current_user'),
('safe', 'claim', 'tenant_id = (current_setting(''request.jwt.claims'', true)::jsonb ->> ''tenant'')::integer'),
('safe', 'claim of a claim', 'tenant_id = (NULLIF(current_setting(''request.jwt.claims'', true), '''')::jsonb -> ''app_metadata'' ->> ''tenant'')::integer'),
('safe', 'claim with a list', 'NULLIF(current_setting(''request.jwt.claims'', true), '''')::jsonb -> ''tenants'' ? tenant_id::text'),
('safe', 'document has the tenant', 'data ->> ''tenant'' = RAW'),
('safe', 'document contains the tenant', 'data @> jsonb_build_object(''tenant'', RAW)'),
('safe', 'range of the tenant', 'ids = int4range(CTX, CTX + 1)'),
('safe', 'memberships', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR AND m.active AND m.left_at IS NULL)'),
('safe', 'memberships as an array', 'tenant_id = ANY (ARRAY(SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR))'),
('safe', 'membership of the row', 'EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = ticket.tenant_id AND m.user_id = USR AND m.role <> ''guest'')'),
('safe', 'membership, joined with the tenant', 'tenant_id IN (SELECT t.tenant_id FROM desk.team t JOIN desk.member m ON m.tenant_id = t.tenant_id WHERE m.user_id = USR)'),
('safe', 'team', 'team_id IN (SELECT t.id FROM desk.team t WHERE t.lead_id = USR)'),
('safe', 'own or shared', 'user_id = USR OR EXISTS (SELECT FROM desk.share s WHERE s.ticket_id = ticket.id AND s.user_id = USR AND (s.expires_at IS NULL OR s.expires_at > now()))'),
('safe', 'parent under its own policies', 'project_id IN (SELECT p.id FROM desk.project p)'),
('safe', 'parent of the tenant', 'EXISTS (SELECT FROM desk.team t WHERE t.id = ticket.team_id AND t.tenant_id = CTX)'),
('safe', 'count of memberships', '(SELECT count(*) FROM desk.member m WHERE m.tenant_id = ticket.tenant_id AND m.user_id = USR) > 0'),
('safe', 'bool_or of the tenant', '(SELECT bool_or(m.user_id = USR) FROM desk.member m WHERE m.tenant_id = ticket.tenant_id)'),
('safe', 'own rows by order', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR ORDER BY m.role LIMIT 3)'),
('safe', 'window over own rows', 'tenant_id IN (SELECT x.tenant_id FROM (SELECT m.tenant_id, rank() OVER (ORDER BY m.role) AS r FROM desk.member m WHERE m.user_id = USR) x WHERE x.r <= 10)'),
('safe', 'own teams, recursively', 'team_id IN (WITH RECURSIVE r AS (SELECT t.id FROM desk.team t WHERE t.lead_id = USR UNION SELECT t.id FROM desk.team t JOIN r ON t.parent_id = r.id) SELECT id FROM r)'),
('safe', 'function', 'desk.same(tenant_id, CTX)'),
('safe', 'function of the context', 'tenant_id = desk.tenant()'),
('safe', 'function of the context, once', 'tenant_id = (SELECT desk.tenant_if())'),
('safe', 'function with an IF', 'desk.allowed_strictly(tenant_id)'),
('safe', 'function with tenants', 'tenant_id IN (SELECT desk.my_tenants())'),
('safe', 'function with a role', 'desk.has_role(tenant_id, ''admin'')'),
('safe', 'staff inside the tenant', 'tenant_id = CTX AND (user_id = USR OR desk.is_staff())'),
('safe', 'nothing', 'false');

-- Each with its statements, in a transaction that is rolled back: the rules
-- that matter, worst first.
CREATE FUNCTION pg_temp.spelled(statements text) RETURNS text LANGUAGE sql AS $$
	SELECT replace(replace(replace(statements, 'CTX', $x$(SELECT NULLIF(current_setting('app.tenant', true), '')::integer)$x$),
		'USR', $x$(SELECT NULLIF(current_setting('app.user', true), '')::integer)$x$), 'RAW', $x$current_setting('app.tenant', true)$x$) $$;
CREATE FUNCTION pg_temp.found(policies text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	SET LOCAL client_min_messages = error;
	EXECUTE CASE WHEN policies ~ ';' THEN pg_temp.spelled(policies) ELSE format('CREATE POLICY p ON desk.ticket TO regress_rls_app USING (%s)', pg_temp.spelled(policies)) END;
	SELECT string_agg(rule, ', ' ORDER BY worst, rule) INTO found FROM (SELECT rule, min(array_position('{error,warning}', severity)) AS worst
		FROM cmig.rls_check('desk') WHERE object !~ '^desk[.](member|team|share|setting)$' AND severity IN ('error', 'warning') AND rule NOT IN ('missing_index', 'per_row_function', 'volatile_function', 'in_subselect', 'correlated_subquery', 'cast_of_empty',
		'no_missing_ok', 'always_false', 'rls_without_policy', 'to_public') GROUP BY rule) f;
	RAISE EXCEPTION USING errcode = 'RLS01', message = coalesce(found, '-');
EXCEPTION WHEN SQLSTATE 'RLS01' THEN
	RETURN SQLERRM;
END $$;
\pset format unaligned
\pset tuples_only on
CREATE TEMP TABLE judged AS SELECT *, pg_temp.found(policies) AS found FROM posture ORDER BY n;

-- verdict: those that are judged wrongly, none; how many there are; and the
-- rules that each was found by
\set ECHO queries
SELECT kind, about, found, policies FROM judged WHERE (kind = 'leaky') = (found = '-') ORDER BY n;
SELECT kind, count(*) AS postures, count(*) FILTER (WHERE found <> '-') AS found FROM judged GROUP BY kind ORDER BY kind;
SELECT found, about FROM judged WHERE kind = 'leaky' ORDER BY n;

SET client_min_messages = warning;
DROP SCHEMA desk CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_app, regress_rls_staff, regress_rls_ops;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_staff, regress_rls_ops;
DROP EXTENSION pg_cmig;
