--
-- Row-level security: policies as applications write them, with auth.uid(), claims of a token, tables
-- of members, and functions. A safe policy must have no finding, or only not_judged; a leaky one must
-- have a finding.
--
\pset format unaligned \pset footer off
\set ECHO none
\getenv srcdir PG_ABS_SRCDIR
SET client_min_messages = error;
\set include :srcdir '/sql/include/rls_desk.psql'
\i :include
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO regress_rls_app;
CREATE FUNCTION auth.uid() RETURNS uuid STABLE LANGUAGE sql AS $$ SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid $$;
CREATE FUNCTION auth.role() RETURNS text STABLE LANGUAGE sql AS $$ SELECT coalesce(nullif(current_setting('request.jwt.claim.role', true), ''), (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'))::text $$;
CREATE FUNCTION auth.jwt() RETURNS jsonb STABLE LANGUAGE sql AS $$ SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''), nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
CREATE TABLE desk.profiles (id uuid PRIMARY KEY, username text UNIQUE, is_admin boolean NOT NULL DEFAULT false, role text);
CREATE TABLE desk.orgs (id uuid PRIMARY KEY, name text, owner_id uuid NOT NULL);
CREATE TABLE desk.org_members (org_id uuid NOT NULL REFERENCES desk.orgs, user_id uuid NOT NULL, role text NOT NULL, PRIMARY KEY (org_id, user_id));
CREATE TABLE desk.posts (id bigint PRIMARY KEY, author_id uuid NOT NULL REFERENCES desk.profiles, org_id uuid, status text NOT NULL, published boolean NOT NULL, token text, tenant_ids uuid[], meta jsonb, parent_id bigint, path text, created_at timestamptz NOT NULL DEFAULT now(), user_id uuid);
CREATE TABLE desk.comments (id bigint PRIMARY KEY, post_id bigint NOT NULL REFERENCES desk.posts, user_id uuid NOT NULL, body text);
CREATE TABLE desk.countries (code text PRIMARY KEY, label text);
ALTER TABLE desk.posts ENABLE ROW LEVEL SECURITY; ALTER TABLE desk.posts FORCE ROW LEVEL SECURITY;
ALTER TABLE desk.comments ENABLE ROW LEVEL SECURITY; ALTER TABLE desk.comments FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON desk.posts, desk.comments TO regress_rls_app;
GRANT SELECT ON desk.profiles, desk.orgs, desk.org_members, desk.countries TO regress_rls_app;
CREATE POLICY own ON desk.comments TO regress_rls_app USING (user_id = (SELECT auth.uid()));
CREATE FUNCTION desk.is_org_member(o uuid) RETURNS boolean STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS $$ SELECT EXISTS (SELECT 1 FROM desk.org_members m WHERE m.org_id = o AND m.user_id = auth.uid()) $$;
CREATE FUNCTION desk.is_any_member(o uuid) RETURNS boolean STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS $$ SELECT EXISTS (SELECT 1 FROM desk.org_members m WHERE m.org_id = o) $$;
CREATE FUNCTION desk.my_orgs() RETURNS SETOF uuid STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS $$ SELECT org_id FROM desk.org_members WHERE user_id = auth.uid() $$;
CREATE FUNCTION desk.every_org() RETURNS SETOF uuid STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT id FROM desk.orgs; END $$;
CREATE FUNCTION desk.me() RETURNS uuid STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN NULLIF(current_setting('app.user', true), '')::uuid; EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
CREATE FUNCTION desk.is_admin2() RETURNS boolean STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS $$ SELECT EXISTS (SELECT 1 FROM desk.profiles p WHERE p.id = auth.uid() AND p.is_admin) $$;
CREATE FUNCTION desk.a_project() RETURNS integer STABLE LANGUAGE sql AS $$ SELECT min(id) FROM desk.project $$;
CREATE FUNCTION desk.any_project() RETURNS integer STABLE SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS $$ SELECT desk.a_project() $$;
CREATE TEMP TABLE u (n int GENERATED ALWAYS AS IDENTITY, kind text, about text, policies text);
INSERT INTO u (kind, about, policies) VALUES
('safe','uid','author_id = auth.uid()'),
('safe','uid once','author_id = (SELECT auth.uid())'),
('safe','uid text','author_id::text = (auth.jwt() ->> ''sub'')'),
('safe','org claim','org_id = ((auth.jwt() -> ''app_metadata'') ->> ''org_id'')::uuid'),
('safe','org claim path','org_id = (current_setting(''request.jwt.claims'', true)::jsonb #>> ''{app_metadata,org}'')::uuid'),
('safe','org members in','org_id IN (SELECT org_id FROM desk.org_members WHERE user_id = auth.uid())'),
('safe','org members exists','EXISTS (SELECT 1 FROM desk.org_members m WHERE m.org_id = posts.org_id AND m.user_id = auth.uid())'),
('safe','org admins','EXISTS (SELECT 1 FROM desk.org_members m WHERE m.org_id = posts.org_id AND m.user_id = auth.uid() AND m.role IN (''owner'',''admin''))'),
('safe','org function','desk.is_org_member(org_id)'),
('safe','org set function','org_id IN (SELECT desk.my_orgs())'),
('safe','org any array function','org_id = ANY (ARRAY(SELECT desk.my_orgs()))'),
('safe','org owner','org_id IN (SELECT o.id FROM desk.orgs o WHERE o.owner_id = auth.uid())'),
('safe','own or org','author_id = auth.uid() OR org_id IN (SELECT org_id FROM desk.org_members WHERE user_id = auth.uid())'),
('safe','authenticated and own','auth.role() = ''authenticated'' AND author_id = auth.uid()'),
('safe','not null uid','auth.uid() IS NOT NULL AND author_id = auth.uid()'),
('safe','array of tenants','auth.uid() = ANY (tenant_ids)'),
('safe','array contains','tenant_ids @> ARRAY[auth.uid()]'),
('safe','meta owner','meta ->> ''owner'' = auth.uid()::text'),
('safe','claims list','org_id::text = ANY (string_to_array(current_setting(''app.orgs'', true), '',''))'),
('safe','claims json list','org_id::text IN (SELECT jsonb_array_elements_text(auth.jwt() -> ''orgs''))'),
('safe','plpgsql me','author_id = desk.me()'),
('safe','me and draft','author_id = desk.me() AND (status = ''draft'' OR published)'),
('safe','comments of own posts','CREATE POLICY p ON desk.posts TO regress_rls_app USING (author_id = auth.uid()); DROP POLICY own ON desk.comments; CREATE POLICY p ON desk.comments TO regress_rls_app USING (EXISTS (SELECT 1 FROM desk.posts x WHERE x.id = comments.post_id))'),
('safe','comments by post author','CREATE POLICY p ON desk.comments TO regress_rls_app USING (post_id IN (SELECT x.id FROM desk.posts x WHERE x.author_id = auth.uid()))'),
('safe','published for reading','CREATE POLICY p ON desk.posts FOR SELECT TO regress_rls_app USING (published OR author_id = auth.uid()); CREATE POLICY q ON desk.posts FOR INSERT TO regress_rls_app WITH CHECK (author_id = auth.uid()); CREATE POLICY r ON desk.posts FOR UPDATE TO regress_rls_app USING (author_id = auth.uid())'),
('safe','status for reading','CREATE POLICY p ON desk.posts FOR SELECT TO regress_rls_app USING (status = ''published'' OR author_id = auth.uid())'),
('safe','floor and any','CREATE POLICY p ON desk.posts TO regress_rls_app USING (true) WITH CHECK (true); CREATE POLICY f ON desk.posts AS RESTRICTIVE TO regress_rls_app USING (org_id = NULLIF(current_setting(''app.org'', true), '''')::uuid)'),
('safe','missing_ok cast','author_id = NULLIF(current_setting(''app.user_id'', true), '''')::uuid'),
('safe','without missing_ok','author_id = current_setting(''app.user_id'')::uuid'),
('safe','case by role','CASE auth.role() WHEN ''authenticated'' THEN author_id = auth.uid() ELSE false END'),
('safe','join of orgs','org_id IN (SELECT o.id FROM desk.orgs o JOIN desk.org_members m ON m.org_id = o.id WHERE m.user_id = auth.uid())'),
('safe','hierarchical','EXISTS (SELECT 1 FROM desk.orgs o, desk.org_members m WHERE o.id = posts.org_id AND m.org_id = o.id AND m.user_id = auth.uid())'),
('safe','path under own','org_id = auth.uid() AND path LIKE ''/a/%'''),
('safe','insert and select','CREATE POLICY p ON desk.posts FOR INSERT TO regress_rls_app WITH CHECK (author_id = auth.uid() AND org_id IN (SELECT desk.my_orgs()))'),
('safe','project by policies','parent_id = desk.a_project()'),
('leaky','project by definer','parent_id = desk.any_project()'),
('leaky','true','true'),
('leaky','authenticated','auth.role() = ''authenticated'''),
('leaky','uid not null','auth.uid() IS NOT NULL'),
('leaky','null uid','auth.uid() IS NULL OR author_id = auth.uid()'),
('leaky','draft all','author_id = auth.uid() OR status = ''draft'''),
('leaky','published all commands','author_id = auth.uid() OR published'),
('leaky','token empty','author_id = auth.uid() OR token = '''''),
('leaky','token empty read','CREATE POLICY p ON desk.posts FOR SELECT TO regress_rls_app USING (author_id = auth.uid() OR token = '''')'),
('leaky','user null','user_id = auth.uid() OR user_id IS NULL'),
('leaky','user null only','user_id IS NULL'),
('leaky','hashtext','hashtext(author_id::text) = hashtext(auth.uid()::text)'),
('leaky','array constant','author_id = auth.uid() OR status = ANY (ARRAY[''draft'',''new''])'),
('leaky','org constants','org_id = ANY (''{11111111-1111-1111-1111-111111111111,22222222-2222-2222-2222-222222222222}''::uuid[])'),
('leaky','ids equal','CREATE POLICY p ON desk.comments TO regress_rls_app USING (EXISTS (SELECT 1 FROM desk.posts x WHERE x.id = comments.id))'),
('leaky','ids equal with owner','CREATE POLICY p ON desk.comments TO regress_rls_app USING (EXISTS (SELECT 1 FROM desk.posts x WHERE x.id = comments.id AND x.author_id = auth.uid()))'),
('leaky','any member','desk.is_any_member(org_id)'),
('leaky','member of nothing','EXISTS (SELECT 1 FROM desk.org_members m WHERE m.user_id = auth.uid())'),
('leaky','shadowed','EXISTS (SELECT 1 FROM desk.org_members m WHERE m.org_id = org_id AND m.user_id = auth.uid())'),
('leaky','every org','org_id IN (SELECT desk.every_org())'),
('leaky','role of member','EXISTS (SELECT 1 FROM desk.org_members m JOIN desk.org_members n ON n.role = m.role WHERE n.user_id = auth.uid() AND m.org_id = posts.org_id)'),
('leaky','prefix path','path LIKE current_setting(''app.path'', true) || ''%'''),
('leaky','default org','org_id = COALESCE(NULLIF(current_setting(''app.org'', true), '''')::uuid, ''11111111-1111-1111-1111-111111111111'')'),
('leaky','same status','status = current_setting(''app.status'', true)'),
('leaky','check true','CREATE POLICY p ON desk.posts TO regress_rls_app USING (author_id = auth.uid()) WITH CHECK (true)'),
('leaky','insert for others','CREATE POLICY p ON desk.posts FOR SELECT TO regress_rls_app USING (author_id = auth.uid()); CREATE POLICY q ON desk.posts FOR INSERT TO regress_rls_app WITH CHECK (auth.uid() IS NOT NULL)'),
('leaky','update others','CREATE POLICY p ON desk.posts FOR UPDATE TO regress_rls_app USING (published) WITH CHECK (author_id = auth.uid())'),
('leaky','delete old','CREATE POLICY p ON desk.posts FOR DELETE TO regress_rls_app USING (created_at < now() - interval ''1 year'')'),
('leaky','coalesce key','author_id = COALESCE(auth.uid(), author_id)'),
('leaky','floor for select','CREATE POLICY p ON desk.posts TO regress_rls_app USING (true); CREATE POLICY f ON desk.posts AS RESTRICTIVE FOR SELECT TO regress_rls_app USING (author_id = auth.uid())'),
('leaky','not equal','author_id <> auth.uid()'),
('leaky','app flag','author_id = auth.uid() OR current_setting(''app.is_admin'', true) = ''true'''),
('leaky','jwt role','author_id = auth.uid() OR auth.jwt() ->> ''role'' = ''service'''),
('leaky','left join','org_id IN (SELECT o.id FROM desk.orgs o LEFT JOIN desk.org_members m ON m.org_id = o.id AND m.user_id = auth.uid())'),
('leaky','not exists','NOT EXISTS (SELECT 1 FROM desk.org_members m WHERE m.org_id = posts.org_id AND m.user_id <> auth.uid())'),
('leaky','any of claims','auth.jwt() -> ''orgs'' IS NOT NULL'),
('leaky','definer by view','CREATE POLICY p ON desk.posts TO regress_rls_app USING (author_id = auth.uid()); ALTER TABLE desk.posts NO FORCE ROW LEVEL SECURITY; CREATE VIEW desk.pv AS SELECT * FROM desk.posts; CREATE FUNCTION desk.pf() RETURNS bigint SECURITY DEFINER SET search_path = desk, pg_temp LANGUAGE sql AS ''SELECT count(*) FROM desk.pv''');
CREATE FUNCTION pg_temp.found(policies text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
	SET LOCAL client_min_messages = error;
	EXECUTE CASE WHEN policies ~ ';|CREATE POLICY' THEN policies ELSE format('CREATE POLICY p ON desk.posts TO regress_rls_app USING (%s)', policies) END;
	SELECT string_agg(severity || ' ' || rule, ', ' ORDER BY severity, rule) INTO found FROM (SELECT DISTINCT rule, severity FROM cmig.rls_check('desk') WHERE rule NOT IN ('rls_disabled', 'missing_index', 'per_row_function', 'in_subselect', 'correlated_subquery', 'cast_of_empty', 'no_missing_ok', 'rls_without_policy', 'security_definer','volatile_function','dynamic_sql') AND severity <> 'notice' AND object !~ 'desk.(ticket|project)') f;
	IF policies ~ 'SECURITY DEFINER' THEN SELECT found || ', ' || string_agg(severity || ' ' || rule, ', ') INTO found FROM cmig.rls_check('desk') WHERE rule = 'security_definer' AND object ~ 'pf'; END IF;
	RAISE EXCEPTION USING errcode = 'RLS01', message = coalesce(found, '-');
EXCEPTION WHEN SQLSTATE 'RLS01' THEN RETURN SQLERRM;
END $$;
\set ECHO all
-- every finding
CREATE TEMP TABLE judged AS SELECT n, kind, about, pg_temp.found(policies) AS found FROM u;
SELECT kind, about, found FROM judged ORDER BY n;
-- a leak that is not found, and an alarm
SELECT kind, about, found FROM judged WHERE kind = 'leaky' AND found = '-' OR kind = 'safe' AND found NOT IN ('-', 'warning not_judged') ORDER BY n;
\set ECHO none
DROP SCHEMA desk CASCADE; DROP SCHEMA auth CASCADE;
DROP OWNED BY regress_rls_owner, regress_rls_app, regress_rls_staff, regress_rls_ops;
DROP ROLE regress_rls_owner, regress_rls_app, regress_rls_staff, regress_rls_ops;
DROP EXTENSION pg_cmig;
