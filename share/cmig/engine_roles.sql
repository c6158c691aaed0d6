-- engine_roles.sql: creates the roles of a database in an engine, for a copy of its schema.
-- Copyright (c) 2026, the pg_cmig developers
--
-- Variables: state, from engine_state.sql; database, the copy; role and copier.
SET client_min_messages = error \;
BEGIN ISOLATION LEVEL READ COMMITTED \;
SELECT pg_advisory_xact_lock(hashtextextended('pg_cmig engine', 0)) AS locked \gset
SELECT format('CREATE ROLE %I ROLE %I, %I', r, :'role', :'copier')
FROM jsonb_array_elements_text(:'state'::jsonb -> 'roles') r
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) \gexec
-- row-level security applies to the roles to which it does in the database; none is a superuser here
SELECT format('ALTER ROLE %I %s', rolname, CASE WHEN rolbypassrls THEN 'NOBYPASSRLS' ELSE 'BYPASSRLS' END)
FROM pg_roles
WHERE :'state'::jsonb -> 'roles' ? rolname::text AND pg_has_role(:'copier', oid, 'MEMBER')
	AND rolname NOT IN (:'role', :'copier')
	AND rolbypassrls <> coalesce(:'state'::jsonb -> 'bypass' ? rolname::text, false) \gexec
-- memberships that the database no longer has, or that another database had
SELECT format('REVOKE %I FROM %I', r.rolname, m.rolname)
FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE :'state'::jsonb -> 'roles' ?& ARRAY[r.rolname, m.rolname]::text[]
	AND NOT ARRAY[r.rolname, m.rolname]::text[] && ARRAY[:'role', :'copier']
	AND NOT :'state'::jsonb -> 'members' @> jsonb_build_array(jsonb_build_object('r', r.rolname, 'm', m.rolname)) \gexec
SELECT format('GRANT %I TO %I', r, m)
FROM jsonb_to_recordset(nullif(:'state'::jsonb -> 'members', 'null')) AS g (r text, m text)
WHERE pg_has_role(:'copier', r, 'MEMBER') AND pg_has_role(:'copier', m, 'MEMBER')
	AND NOT pg_has_role(r, m, 'MEMBER') AND NOT pg_has_role(m, r, 'MEMBER') \gexec
-- whoever owns objects in a schema may once have been allowed to create them
SELECT 'CREATE ROLE cmig_engine_creator' WHERE to_regrole('cmig_engine_creator') IS NULL \gexec
SELECT format('GRANT cmig_engine_creator TO %I', r)
FROM jsonb_array_elements_text(:'state'::jsonb -> 'roles') r
WHERE pg_has_role(:'copier', r, 'MEMBER') AND NOT pg_has_role(r, 'cmig_engine_creator', 'MEMBER') \gexec
SELECT format('DO %L', format('BEGIN RAISE EXCEPTION USING MESSAGE = %L, HINT = %L; END',
	format('roles that the database has exist in the engine for another purpose: %s', string_agg(r, ', ')),
	'Use a server that is there only for this, and whose superuser has a name of its own: initdb -U cmig_engine'))
FROM jsonb_array_elements_text(:'state'::jsonb -> 'roles') r
WHERE r NOT IN (:'role', :'copier') AND NOT pg_has_role(:'copier', r, 'MEMBER')
HAVING count(*) > 0 \gexec
SELECT format('ALTER DATABASE %I OWNER TO %I', :'database', :'state'::jsonb ->> 'owner') \gexec
COMMIT;
