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
('safe', 'nothing', 'false'),
('leaky', 'a second policy lets all through', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket FOR SELECT TO regress_rls_app USING (id > 0);'),
('leaky', 'a second policy for PUBLIC', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket USING (state <> ''closed'');'),
('leaky', 'the floor is permissive', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket TO regress_rls_app USING (deleted_at IS NULL);'),
('leaky', 'the floor asks for another key', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (user_id = USR OR is_public IS NOT NULL);'),
('leaky', 'the floor is for reading only', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE FOR SELECT TO regress_rls_app USING (tenant_id = CTX);'),
('leaky', 'the floor is for writing only', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE FOR UPDATE TO regress_rls_app USING (tenant_id = CTX);'),
('leaky', 'the floor binds one of two roles', 'CREATE POLICY p ON desk.ticket TO regress_rls_app, regress_rls_staff USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX);'),
('leaky', 'the floor is open without a context', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (tenant_id = COALESCE(CTX, tenant_id));'),
('leaky', 'two floors, both open', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (id > 0); CREATE POLICY r ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (tenant_id >= CTX);'),
('leaky', 'together they are always true', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (deleted_at IS NULL AND tenant_id = CTX OR archived); CREATE POLICY q ON desk.ticket TO regress_rls_app USING (NOT archived OR archived IS NULL);'),
('leaky', 'WITH CHECK is true', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (true);'),
('leaky', 'WITH CHECK of another key', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (user_id = USR);'),
('leaky', 'WITH CHECK of a state', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (state = ''draft'');'),
('leaky', 'WITH CHECK is open without a context', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX) WITH CHECK ((tenant_id = CTX) IS NOT FALSE);'),
('leaky', 'WITH CHECK of a membership of anybody', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = ticket.tenant_id));'),
('leaky', 'insert for anybody', 'CREATE POLICY p ON desk.ticket FOR SELECT TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket FOR INSERT TO regress_rls_app WITH CHECK (tenant_id IS NOT NULL);'),
('leaky', 'insert for who is there', 'CREATE POLICY p ON desk.ticket FOR SELECT TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket FOR INSERT TO regress_rls_app WITH CHECK (CTX IS NOT NULL);'),
('leaky', 'update moves rows', 'CREATE POLICY p ON desk.ticket FOR UPDATE TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (id > 0);'),
('leaky', 'update of every row', 'CREATE POLICY p ON desk.ticket FOR SELECT TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket FOR UPDATE TO regress_rls_app USING (true) WITH CHECK (tenant_id = CTX);'),
('leaky', 'delete of every row', 'CREATE POLICY p ON desk.ticket FOR SELECT TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket FOR DELETE TO regress_rls_app USING (created_at < now());'),
('leaky', 'select of every row', 'CREATE POLICY p ON desk.ticket FOR SELECT TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket FOR UPDATE TO regress_rls_app USING (tenant_id = CTX);'),
('leaky', 'all rows for a role that the other is in', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket TO regress_rls_staff USING (true); GRANT regress_rls_staff TO regress_rls_app;'),
('leaky', 'all rows for a role that can be set', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket TO regress_rls_staff USING (true); ALTER ROLE regress_rls_app NOINHERIT; GRANT regress_rls_staff TO regress_rls_app;'),
('leaky', 'role is in the owner', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); GRANT regress_rls_owner TO regress_rls_app;'),
('leaky', 'role is the owner', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); ALTER TABLE desk.ticket OWNER TO regress_rls_app;'),
('leaky', 'role bypasses', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); ALTER ROLE regress_rls_app BYPASSRLS;'),
('leaky', 'role of the role bypasses', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); ALTER ROLE regress_rls_ops BYPASSRLS; GRANT regress_rls_ops TO regress_rls_staff; GRANT regress_rls_staff TO regress_rls_app;'),
('leaky', 'role can become a superuser', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); ALTER ROLE regress_rls_ops SUPERUSER; GRANT regress_rls_ops TO regress_rls_app;'),
('leaky', 'not enabled', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); ALTER TABLE desk.ticket DISABLE ROW LEVEL SECURITY;'),
('leaky', 'not forced', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); ALTER TABLE desk.ticket NO FORCE ROW LEVEL SECURITY;'),
('leaky', 'may truncate', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); GRANT TRUNCATE ON desk.ticket TO regress_rls_app;'),
('leaky', 'view of the owner', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); ALTER TABLE desk.ticket NO FORCE ROW LEVEL SECURITY; CREATE VIEW desk.v AS SELECT * FROM desk.ticket; ALTER VIEW desk.v OWNER TO regress_rls_owner; GRANT SELECT ON desk.v TO regress_rls_app;'),
('leaky', 'view of a superuser', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE VIEW desk.v AS SELECT count(*) FROM desk.ticket; GRANT SELECT ON desk.v TO regress_rls_app;'),
('leaky', 'view of a view', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE VIEW desk.v AS SELECT id FROM desk.ticket; CREATE VIEW desk.w WITH (security_invoker) AS SELECT * FROM desk.v; GRANT SELECT ON desk.v, desk.w TO regress_rls_app;'),
('leaky', 'materialized view', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE MATERIALIZED VIEW desk.m AS SELECT * FROM desk.ticket; GRANT SELECT ON desk.m TO regress_rls_app;'),
('leaky', 'definer function', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE FUNCTION desk.f() RETURNS SETOF desk.ticket SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS ''SELECT * FROM desk.ticket'';'),
('leaky', 'definer function with a body', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE FUNCTION desk.f() RETURNS bigint SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM desk.ticket; END;'),
('leaky', 'definer function that puts SQL together', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE FUNCTION desk.f(t text) RETURNS bigint SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE plpgsql AS ''DECLARE n bigint; BEGIN EXECUTE format(''''SELECT count(*) FROM %I'''', t) INTO n; RETURN n; END'';'),
('leaky', 'child table', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE TABLE desk.old_ticket () INHERITS (desk.ticket); GRANT SELECT ON desk.old_ticket TO regress_rls_app;'),
('leaky', 'partition', 'CREATE TABLE desk.event (tenant_id integer NOT NULL, day date NOT NULL) PARTITION BY RANGE (day); CREATE TABLE desk.event_1 PARTITION OF desk.event FOR VALUES FROM (''2024-01-01'') TO (''2025-01-01''); ALTER TABLE desk.event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE desk.event OWNER TO regress_rls_owner; GRANT SELECT ON desk.event, desk.event_1 TO regress_rls_app; CREATE POLICY p ON desk.event TO regress_rls_app USING (tenant_id = CTX);'),
('leaky', 'partition with a wider policy', 'CREATE TABLE desk.event (tenant_id integer NOT NULL, day date NOT NULL) PARTITION BY RANGE (day); CREATE TABLE desk.event_1 PARTITION OF desk.event FOR VALUES FROM (''2024-01-01'') TO (''2025-01-01''); ALTER TABLE desk.event ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE desk.event_1 ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE desk.event OWNER TO regress_rls_owner; ALTER TABLE desk.event_1 OWNER TO regress_rls_owner; GRANT SELECT ON desk.event, desk.event_1 TO regress_rls_app; CREATE POLICY p ON desk.event TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY p ON desk.event_1 TO regress_rls_app USING (day > ''2024-02-01'');'),
('leaky', 'memberships that the role may add', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id IN (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR)); GRANT INSERT ON desk.member TO regress_rls_app;'),
('leaky', 'memberships that the role may change', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id IN (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR)); GRANT UPDATE (tenant_id) ON desk.member TO regress_rls_app;'),
('leaky', 'a table of the tenant without policies', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE TABLE desk.note (id integer, tenant_id integer); GRANT SELECT ON desk.note TO regress_rls_app;'),
('leaky', 'role by name in a policy for PUBLIC', 'CREATE POLICY p ON desk.ticket USING (tenant_id = CTX OR current_user = ''regress_rls_staff'');'),
('leaky', 'role by name that inherits', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX OR current_user = ''regress_rls_ops''); GRANT regress_rls_app TO regress_rls_ops;'),
('leaky', 'text key by its prefix', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (left(tenant_id, 3) = left(RAW, 3));'),
('leaky', 'text key, case folded', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (lower(tenant_id) = lower(RAW));'),
('leaky', 'text key without blanks', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (trim(tenant_id) = trim(RAW));'),
('leaky', 'text key as a pattern', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id LIKE RAW);'),
('leaky', 'text key as a number', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id::integer = CTX);'),
('leaky', 'text keys, put together', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL, region text); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id || region = RAW);'),
('leaky', 'text key cut off', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id::varchar(10) = RAW::varchar(10));'),
('leaky', 'text key or none', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = RAW OR RAW = '''');'),
('leaky', 'text key, nobody is public', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = COALESCE(RAW, ''public''));'),
('leaky', 'character varying key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id varchar(36) NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id >= RAW);'),
('leaky', 'character key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id char(8) NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (left(tenant_id, 1) = left(RAW, 1));'),
('leaky', 'uuid key by its first characters', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id::text LIKE left(RAW, 8) || ''%'');'),
('leaky', 'uuid key by order', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id > NULLIF(RAW, '''')::uuid);'),
('leaky', 'uuid key, not false', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING ((tenant_id = NULLIF(RAW, '''')::uuid) IS NOT FALSE);'),
('leaky', 'uuid key or a null uuid', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = NULLIF(RAW, '''')::uuid OR NULLIF(RAW, '''')::uuid = ''00000000-0000-0000-0000-000000000000'');'),
('leaky', 'uuid key, without hyphens and its end', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (right(replace(tenant_id::text, ''-'', ''''), 4) = right(replace(RAW, ''-'', ''''), 4));'),
('leaky', 'bigint key modulo', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id bigint NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id % 1000 = RAW::bigint % 1000);'),
('leaky', 'bigint key as integer range', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id bigint NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id BETWEEN RAW::bigint AND RAW::bigint + 1000);'),
('leaky', 'numeric key, rounded', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id numeric NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (round(tenant_id) = RAW::numeric);'),
('leaky', 'numeric key, truncated', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id numeric NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (trunc(tenant_id) = trunc(RAW::numeric));'),
('leaky', 'real key, near', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id double precision NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (abs(tenant_id - RAW::float8) < 1);'),
('leaky', 'smallint key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id smallint NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id <> RAW::smallint);'),
('leaky', 'array of tenants overlaps', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id integer[] NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id && ARRAY[CTX, 1]);'),
('leaky', 'array of tenants contains none', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id integer[] NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id @> COALESCE(NULLIF(RAW, ''''), ''{}'')::integer[]);'),
('leaky', 'document key is there', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id jsonb NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id ? ''id'');'),
('leaky', 'document key contains the context', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id jsonb NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id @> COALESCE(NULLIF(RAW, ''''), ''{}'')::jsonb);'),
('leaky', 'enumeration', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id desk.state NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id >= NULLIF(RAW, '''')::desk.state);'),
('leaky', 'date key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id date NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id <= NULLIF(RAW, '''')::date);'),
('leaky', 'inet key, subnet', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id inet NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id <<= set_masklen(NULLIF(RAW, '''')::inet, 8));'),
('safe', 'text key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = RAW);'),
('safe', 'text key from a claim', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = current_setting(''request.jwt.claims'', true)::json ->> ''tenant'');'),
('safe', 'text key in lower case in the context', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = lower(RAW));'),
('safe', 'text key in a list', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id text NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = ANY (string_to_array(RAW, '','')));'),
('safe', 'text keys, put together with a separator', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id integer NOT NULL, region integer); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id || ''/'' || region = RAW || ''/'' || USR);'),
('safe', 'character varying key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id varchar(36) NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = RAW);'),
('safe', 'character key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id char(8) NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = RAW);'),
('safe', 'uuid key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = NULLIF(RAW, '''')::uuid);'),
('safe', 'uuid key as text', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id::text = RAW);'),
('safe', 'uuid key as text in lower case', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (lower(tenant_id::text) = lower(RAW));'),
('safe', 'uuid key without hyphens', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id uuid NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (replace(tenant_id::text, ''-'', '''') = replace(RAW, ''-'', ''''));'),
('safe', 'bigint key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id bigint NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = NULLIF(RAW, '''')::bigint);'),
('safe', 'bigint key as text', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id bigint NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id::text = RAW);'),
('safe', 'bigint key as numeric', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id bigint NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id::numeric = RAW::numeric);'),
('safe', 'numeric key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id numeric NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = RAW::numeric);'),
('safe', 'smallint key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id smallint NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = NULLIF(RAW, '''')::smallint);'),
('safe', 'array of tenants', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id integer[] NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (CTX = ANY (tenant_id));'),
('safe', 'array of tenants contains', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id integer[] NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id @> ARRAY[CTX]);'),
('safe', 'enumeration', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id desk.state NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = NULLIF(RAW, '''')::desk.state);'),
('safe', 'inet key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id inet NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = NULLIF(RAW, '''')::inet);'),
('safe', 'date key', 'CREATE TABLE desk.t (id integer PRIMARY KEY, tenant_id date NOT NULL); ALTER TABLE desk.t OWNER TO regress_rls_owner, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON desk.t TO regress_rls_app USING (tenant_id = NULLIF(RAW, '''')::date);'),
('safe', 'case folded with an index', 'CREATE UNIQUE INDEX ON desk.ticket (lower(login)); CREATE POLICY p ON desk.ticket TO regress_rls_app USING (lower(login) = current_setting(''app.login'', true));'),
('safe', 'floor and policy', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (user_id = USR OR is_public); CREATE POLICY q ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX);'),
('safe', 'floor under a policy that is true', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX);'),
('safe', 'floor for PUBLIC', 'CREATE POLICY p ON desk.ticket TO regress_rls_app, regress_rls_staff USING (id > 0); CREATE POLICY q ON desk.ticket AS RESTRICTIVE USING (tenant_id = CTX);'),
('safe', 'floor of floors', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (deleted_at IS NULL); CREATE POLICY r ON desk.ticket AS RESTRICTIVE TO regress_rls_app USING (tenant_id = CTX);'),
('safe', 'floors for each command', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (true); CREATE POLICY q ON desk.ticket AS RESTRICTIVE FOR SELECT TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY r ON desk.ticket AS RESTRICTIVE FOR UPDATE TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY s ON desk.ticket AS RESTRICTIVE FOR DELETE TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY u ON desk.ticket AS RESTRICTIVE FOR INSERT TO regress_rls_app WITH CHECK (tenant_id = CTX);'),
('safe', 'a policy for each command', 'CREATE POLICY p ON desk.ticket FOR SELECT TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket FOR INSERT TO regress_rls_app WITH CHECK (tenant_id = CTX); CREATE POLICY r ON desk.ticket FOR UPDATE TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (tenant_id = CTX); CREATE POLICY s ON desk.ticket FOR DELETE TO regress_rls_app USING (tenant_id = CTX AND user_id = USR);'),
('safe', 'narrower USING', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX AND deleted_at IS NULL) WITH CHECK (tenant_id = CTX);'),
('safe', 'narrower WITH CHECK', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX) WITH CHECK (tenant_id = CTX AND user_id = USR AND state <> ''closed'');'),
('safe', 'two policies of the tenant', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX AND user_id = USR); CREATE POLICY q ON desk.ticket FOR SELECT TO regress_rls_app USING (tenant_id = CTX AND is_public);'),
('safe', 'staff sees all', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket TO regress_rls_staff USING (true);'),
('safe', 'staff sees open ones', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE POLICY q ON desk.ticket FOR SELECT TO regress_rls_staff USING (state = ''open'');'),
('safe', 'view of the invoker', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE VIEW desk.v WITH (security_invoker) AS SELECT * FROM desk.ticket; GRANT SELECT ON desk.v TO regress_rls_app;'),
('safe', 'invoker function', 'CREATE POLICY p ON desk.ticket TO regress_rls_app USING (tenant_id = CTX); CREATE FUNCTION desk.f() RETURNS bigint LANGUAGE sql AS ''SELECT count(*) FROM desk.ticket'';'),
('safe', 'partitions with the same policy', 'CREATE TABLE desk.event (tenant_id integer NOT NULL, day date NOT NULL) PARTITION BY RANGE (day); CREATE TABLE desk.event_1 PARTITION OF desk.event FOR VALUES FROM (''2024-01-01'') TO (''2025-01-01''); ALTER TABLE desk.event OWNER TO regress_rls_owner; ALTER TABLE desk.event_1 OWNER TO regress_rls_owner; SELECT cmig.enable_rls(''desk.event'', roles => ''{regress_rls_app}'');'),
('safe', 'made by enable_rls', 'SELECT cmig.enable_rls(''desk.ticket'', user_column => '''', roles => ''{regress_rls_app}'', bypass_roles => ''{regress_rls_ops}'');'),
('safe', 'made by enable_rls with memberships', 'SELECT cmig.enable_rls(''desk.ticket'', tenant_column => ''tenant_id'', via => ''desk.member'', roles => ''{regress_rls_app}'');'),
('safe', 'made by enable_rls for users', 'SELECT cmig.enable_rls(''desk.ticket'', roles => ''{regress_rls_app}'');'),
('leaky', 'default by CASE', 'tenant_id = CASE WHEN CTX IS NULL THEN 1 ELSE CTX END'),
('leaky', 'default by IS NULL', 'CASE WHEN RAW IS NULL THEN tenant_id = 1 ELSE tenant_id::text = RAW END'),
('leaky', 'key by CASE of the context', 'tenant_id = CASE WHEN current_setting(''app.role'', true) = ''admin'' THEN tenant_id ELSE CTX END'),
('leaky', 'magic number of the context, smaller', 'tenant_id = CTX OR CTX < 0'),
('leaky', 'magic list of the context', 'tenant_id = CTX OR CTX IN (0, 999)'),
('leaky', 'magic uuid', 'org::text = current_setting(''app.org'', true) OR current_setting(''app.org'', true) = ''00000000-0000-0000-0000-000000000000'''),
('leaky', 'bypass by a flag text', 'tenant_id = CTX OR current_setting(''app.bypass'', true) IN (''on'', ''true'', ''1'')'),
('leaky', 'bypass by a flag that is missing', 'tenant_id = CTX OR COALESCE(current_setting(''app.enforce'', true), ''off'') = ''off'''),
('leaky', 'bypass by NOT a flag', 'tenant_id = CTX OR NOT COALESCE(NULLIF(current_setting(''app.enforce'', true), ''''), ''false'')::boolean'),
('leaky', 'bypass by length', 'tenant_id = CTX OR length(RAW) > 20'),
('leaky', 'role by claim in a list', 'tenant_id = CTX OR (current_setting(''request.jwt.claims'', true)::jsonb -> ''roles'') ? ''admin'''),
('leaky', 'row by a computed date', 'tenant_id = CTX OR created_at::date = current_date'),
('leaky', 'row by the age', 'tenant_id = CTX OR age(created_at) < interval ''1 day'''),
('leaky', 'row by a minute', 'tenant_id = CTX OR extract(minute FROM created_at) < 30'),
('leaky', 'row by a hash', 'tenant_id = CTX OR hashtext(slug) % 2 = 0'),
('leaky', 'row by md5', 'tenant_id = CTX OR md5(id::text) < ''f'''),
('leaky', 'row by number of tags', 'tenant_id = CTX OR array_length(tags, 1) IS NULL'),
('leaky', 'row by no tags', 'tenant_id = CTX OR tags = ''{}'' OR cardinality(tags) > 0'),
('leaky', 'row by text', 'tenant_id = CTX OR name ILIKE ''%a%'''),
('leaky', 'row by a concatenation', 'tenant_id = CTX OR slug || name <> '''''),
('leaky', 'row by a sum', 'tenant_id = CTX OR amount + price >= 0'),
('leaky', 'row by a number of bits', 'tenant_id = CTX OR id & 1 = 0'),
('leaky', 'row by even numbers', 'tenant_id = CTX OR id % 2 = 0'),
('leaky', 'row by a point', 'tenant_id = CTX OR place[0] >= 0'),
('leaky', 'row by null of many', 'tenant_id = CTX OR num_nulls(region, name, login) >= 0'),
('leaky', 'row by coalesce', 'tenant_id = CTX OR COALESCE(region, name, ''x'') <> '''''),
('leaky', 'row by a network', 'tenant_id = CTX OR family(ip) = 4'),
('leaky', 'row by a range', 'tenant_id = CTX OR NOT isempty(ids)'),
('leaky', 'row by a lower bound', 'tenant_id = CTX OR lower(ids) > 0'),
('leaky', 'equality of truths', '(tenant_id = CTX) = (user_id = USR)'),
('leaky', 'IS of truths', '(tenant_id = CTX) IS NOT DISTINCT FROM (user_id = USR)'),
('leaky', 'cast of truth', '(tenant_id = CTX)::integer >= 0'),
('leaky', 'text of truth', '(tenant_id = CTX)::text LIKE ''%e'''),
('leaky', 'array of truths', 'true = ANY (ARRAY[tenant_id = CTX, id > 0])'),
('leaky', 'greatest of truths', 'greatest(tenant_id = CTX, CTX IS NULL)'),
('leaky', 'least of truths, which ignores null', 'least(tenant_id = CTX, true)'),
('leaky', 'EXISTS of nothing', 'EXISTS (SELECT)'),
('leaky', 'EXISTS of the row', 'EXISTS (SELECT WHERE ticket.id > 0)'),
('leaky', 'EXISTS of an aggregate', 'EXISTS (SELECT count(*) FROM desk.member m WHERE m.tenant_id = ticket.tenant_id AND m.user_id = USR)'),
('leaky', 'EXISTS, LIMIT 0 is not there', 'NOT EXISTS (SELECT FROM desk.member m WHERE m.tenant_id = ticket.tenant_id AND m.user_id = USR LIMIT 0)'),
('leaky', 'array of rows', 'tenant_id = ANY ((SELECT array_agg(m.tenant_id) FROM desk.member m)::integer[])'),
('leaky', 'text of rows', 'strpos((SELECT string_agg(m.tenant_id::text, '','') FROM desk.member m WHERE m.user_id = USR), tenant_id::text) > 0'),
('leaky', 'minimum', 'tenant_id >= (SELECT min(m.tenant_id) FROM desk.member m WHERE m.user_id = USR)'),
('leaky', 'membership that ended is not asked for the tenant', 'EXISTS (SELECT FROM desk.member m WHERE m.user_id = USR AND m.left_at IS NULL AND m.tenant_id IS NOT NULL)'),
('leaky', 'membership in a CTE that is not joined', 'EXISTS (WITH mine AS (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR) SELECT FROM mine)'),
('leaky', 'full join', 'EXISTS (SELECT FROM desk.member m FULL JOIN desk.team t ON t.tenant_id = m.tenant_id AND m.user_id = USR WHERE t.tenant_id = ticket.tenant_id OR m.tenant_id = ticket.tenant_id)'),
('leaky', 'right join', 'tenant_id IN (SELECT t.tenant_id FROM desk.member m RIGHT JOIN desk.team t ON t.tenant_id = m.tenant_id AND m.user_id = USR)'),
('leaky', 'UNION of own and shared with anybody', 'id IN (SELECT s.ticket_id FROM desk.share s UNION SELECT 0)'),
('leaky', 'INTERSECT of all', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m INTERSECT SELECT t.tenant_id FROM desk.team t)'),
('leaky', 'GROUPING SETS', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m GROUP BY GROUPING SETS ((m.tenant_id), ()))'),
('leaky', 'jsonb of a setting', 'NULLIF(current_setting(''app.tenants'', true), '''')::jsonb <> ''[]''::jsonb'),
('leaky', 'jsonb path with the context', 'jsonb_path_exists(data, (''$.tenant ? (@ >= '' || RAW || '')'')::jsonpath)'),
('leaky', 'regexp of a column over the context', 'RAW ~ slug'),
('leaky', 'context like the column', 'RAW LIKE name || ''%'''),
('leaky', 'context starts with the key', 'starts_with(RAW, tenant_id::text)'),
('leaky', 'split of the context', 'tenant_id::text = ANY (regexp_split_to_array(RAW, ''''))'),
('leaky', 'reverse order of arguments', 'CTX < ANY (ARRAY[tenant_id, tenant_id + 1])'),
('leaky', 'only the user of another tenant', 'user_id = USR OR tenant_id <> CTX'),
('leaky', 'NULL-safe by concatenation', 'tenant_id || '''' = COALESCE(RAW, tenant_id || '''')'),
('leaky', 'IN with NULL and the row', 'tenant_id IN (CTX, NULL, user_id, tenant_id)'),
('leaky', 'IS DOCUMENT-like always', '(SELECT true WHERE CTX IS NULL OR tenant_id = CTX)'),
('leaky', 'sub-select with a fallback', 'COALESCE((SELECT m.active FROM desk.member m WHERE m.user_id = USR AND m.tenant_id = ticket.tenant_id), true)'),
('leaky', 'sub-select with a count of zero', '(SELECT count(*) FROM desk.member m WHERE m.user_id = USR AND m.tenant_id <> ticket.tenant_id) = 0'),
('safe', 'CASE of the role, all inside the tenant', 'CASE current_setting(''app.role'', true) WHEN ''admin'' THEN tenant_id = CTX ELSE tenant_id = CTX AND user_id = USR END'),
('safe', 'default is nobody, by CASE', 'tenant_id = CASE WHEN CTX IS NULL THEN -1 ELSE CTX END'),
('safe', 'never for a magic number', 'tenant_id = CTX AND CTX <> 0'),
('safe', 'only above a magic number', 'tenant_id = CTX AND CTX > 5'),
('safe', 'only one of a list', 'tenant_id = CTX AND CTX IN (1, 2, 3)'),
('safe', 'least with false', 'least(tenant_id = CTX, CTX IS NOT NULL)'),
('safe', 'truth is true', '(tenant_id = CTX) = true'),
('safe', 'truth is not false and not null', '(tenant_id = CTX) IS NOT DISTINCT FROM true'),
('safe', 'truth as number', '(tenant_id = CTX)::integer = 1'),
('safe', 'sub-select of the truth', '(SELECT ticket.tenant_id = CTX)'),
('safe', 'EXISTS of the truth', 'EXISTS (SELECT WHERE ticket.tenant_id = CTX)'),
('safe', 'array_agg of own', 'tenant_id = ANY ((SELECT array_agg(m.tenant_id) FROM desk.member m WHERE m.user_id = USR)::integer[])'),
('safe', 'membership in a CTE', 'tenant_id IN (WITH mine AS (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR) SELECT mine.tenant_id FROM mine)'),
('safe', 'left join that keeps the user', 'tenant_id IN (SELECT m.tenant_id FROM desk.member m LEFT JOIN desk.team t ON t.tenant_id = m.tenant_id WHERE m.user_id = USR)'),
('safe', 'INTERSECT with own', 'tenant_id IN (SELECT t.tenant_id FROM desk.team t INTERSECT SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR)'),
('safe', 'fallback is false', 'COALESCE((SELECT m.active FROM desk.member m WHERE m.user_id = USR AND m.tenant_id = ticket.tenant_id), false)'),
('safe', 'no membership elsewhere, and own', 'tenant_id = CTX AND (SELECT count(*) FROM desk.member m WHERE m.user_id = USR) <= 1'),
('safe', 'role of the member, highest', '(SELECT max(m.role) FROM desk.member m WHERE m.tenant_id = ticket.tenant_id AND m.user_id = USR) IN (''admin'', ''owner'')'),
('safe', 'teams of my tenants', 'team_id IN (SELECT t.id FROM desk.team t WHERE t.tenant_id IN (SELECT m.tenant_id FROM desk.member m WHERE m.user_id = USR))'),
('safe', 'search inside the tenant', 'tenant_id = CTX AND (name ILIKE ''%'' || current_setting(''app.q'', true) || ''%'' OR name IS NULL)'),
('safe', 'even numbers inside the tenant', 'tenant_id = CTX AND id % 2 = 0'),
('safe', 'jsonb list of tenants', 'COALESCE(NULLIF(current_setting(''app.tenants'', true), '''')::jsonb, ''[]'') @> to_jsonb(tenant_id)'),
('safe', 'function of the row', 'desk.can_see(ticket)');

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
		FROM cmig.rls_check('desk') WHERE NOT (rule = 'rls_disabled' AND object ~ '^desk[.](member|team|share|setting)$') AND severity IN ('error', 'warning') AND rule NOT IN ('missing_index', 'per_row_function', 'volatile_function', 'in_subselect', 'correlated_subquery', 'cast_of_empty',
		'no_missing_ok', 'always_false', 'rls_without_policy', 'to_public') GROUP BY rule) f;
	RAISE EXCEPTION USING errcode = 'RLS01', message = coalesce(found, '-');
EXCEPTION WHEN SQLSTATE 'RLS01' THEN
	RETURN SQLERRM;
END $$;
\pset format unaligned
\pset tuples_only on
CREATE TEMP TABLE judged AS SELECT *, pg_temp.found(policies) AS found FROM posture ORDER BY n;

-- Each fix that is not a comment can be run as it is, and what it is for is gone
-- then: for one posture of each combination of rules, and some safe ones.
CREATE FUNCTION pg_temp.fixed(policies text, OUT rule text, OUT problem text, OUT fix text, OUT fails text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	f record;
	result text[];
BEGIN
	SET LOCAL client_min_messages = error;
	EXECUTE CASE WHEN policies ~ ';' THEN pg_temp.spelled(policies) ELSE format('CREATE POLICY p ON desk.ticket TO regress_rls_app USING (%s)', pg_temp.spelled(policies)) END;
	FOR f IN SELECT c.rule, c.object, c.problem, c.fix FROM cmig.rls_check('desk') c WHERE c.fix !~ '^--' AND c.object !~ '^desk[.](member|team|share|setting)$' LOOP
		BEGIN
			EXECUTE f.fix;
			RAISE EXCEPTION USING errcode = 'RLS02',
				message = CASE WHEN EXISTS (SELECT FROM cmig.rls_check('desk') c WHERE (c.rule, c.object, c.problem) = (f.rule, f.object, f.problem)) THEN 'stays' ELSE '' END;
		EXCEPTION WHEN others THEN
			result := result || ARRAY[f.rule, f.problem, f.fix, SQLERRM];
		END;
	END LOOP;
	RAISE EXCEPTION USING errcode = 'RLS01';
EXCEPTION WHEN SQLSTATE 'RLS01' THEN
	FOR n IN 0 .. coalesce(array_length(result, 1), 0) / 4 - 1 LOOP
		rule := result[4 * n + 1];
		problem := result[4 * n + 2];
		fix := result[4 * n + 3];
		fails := NULLIF(result[4 * n + 4], '');
		RETURN NEXT;
	END LOOP;
END $$;
CREATE TEMP TABLE fixed AS SELECT j.n, f.* FROM (SELECT DISTINCT ON (found) n, policies FROM judged ORDER BY found, n) j, pg_temp.fixed(j.policies) f;
INSERT INTO fixed SELECT j.n, f.* FROM judged j, pg_temp.fixed(j.policies) f WHERE j.kind = 'safe' AND j.policies ~ 'now|IN [(]SELECT|EXISTS';

-- verdict: those that are judged wrongly, none; fixes that do not fix, none; how
-- many there are; and the rules that each policy was found by
\set ECHO queries
SELECT kind, about, found, policies FROM judged WHERE (kind = 'leaky') = (found = '-') ORDER BY n;
SELECT DISTINCT rule, fails, fix FROM fixed WHERE fails <> '' ORDER BY rule, fails, fix;
SELECT kind, count(*) AS postures, count(*) FILTER (WHERE found <> '-') AS found FROM judged GROUP BY kind ORDER BY kind;
SELECT DISTINCT rule AS fixed FROM fixed ORDER BY rule;
SELECT found, about FROM judged WHERE kind = 'leaky' ORDER BY n;

SET client_min_messages = warning;
DROP SCHEMA desk CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_app, regress_rls_staff, regress_rls_ops;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_staff, regress_rls_ops;
DROP EXTENSION pg_cmig;
