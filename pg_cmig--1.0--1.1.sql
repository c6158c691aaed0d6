/*
 * pg_cmig--1.0--1.1.sql
 *
 * Copyright (c) 2026, the pg_cmig developers
 */

\echo Use "ALTER EXTENSION pg_cmig UPDATE" to load this file. \quit

--
-- Catalog: a scope is a schema with version rows, a journal, and progress of its
-- own.  The empty scope is the database, whose version rows are in cmig.version.
--

CREATE TABLE cmig.scope_version (
	scope text NOT NULL CONSTRAINT scope_version_scope_check CHECK (scope <> ''),
	revision text NOT NULL,
	PRIMARY KEY (scope, revision)
);

ALTER TABLE cmig.journal ADD scope text NOT NULL DEFAULT '';
ALTER TABLE cmig.journal DROP CONSTRAINT journal_pkey,
	ADD CONSTRAINT journal_pkey PRIMARY KEY (scope, id);
-- allow rows without a revision, because a run in a scope can fail before its first revision
ALTER TABLE cmig.journal DROP CONSTRAINT journal_revision_check,
	ADD CONSTRAINT journal_revision_check
	CHECK (revision IS NOT NULL OR direction = 'drift' OR (scope <> '' AND outcome = 'failed'));
DROP INDEX cmig.journal_revision_idx;
CREATE INDEX journal_revision_idx ON cmig.journal (revision, scope, id);

ALTER TABLE cmig.progress ADD scope text NOT NULL DEFAULT '';
ALTER TABLE cmig.progress DROP CONSTRAINT progress_pkey,
	ADD CONSTRAINT progress_pkey PRIMARY KEY (scope, revision, direction, statement);

ALTER TABLE cmig.backfill_run ADD scope text NOT NULL DEFAULT '';

SELECT pg_catalog.pg_extension_config_dump('cmig.scope_version', '');

COMMENT ON TABLE cmig.scope_version IS 'Applied heads of each scope, like those of the database in cmig.version.';
COMMENT ON COLUMN cmig.scope_version.scope IS 'Name of the schema';
COMMENT ON COLUMN cmig.scope_version.revision IS 'Identifier of a revision that is applied in the scope. All revisions that it builds on are applied, too, in the scope or in the database';
COMMENT ON COLUMN cmig.journal.id IS 'Number of the row: the greatest existing id of the scope plus one';
COMMENT ON COLUMN cmig.journal.revision IS 'Identifier of the revision, which may no longer exist; NULL for drift, and for a run in a scope that failed before its first revision';
COMMENT ON COLUMN cmig.journal.scope IS 'Scope of the step; empty for the database';
COMMENT ON COLUMN cmig.progress.scope IS 'Scope of the step; empty for the database';
COMMENT ON COLUMN cmig.backfill_run.scope IS 'Scope in which the backfill was called; empty for the database';

--
-- Functions
--

CREATE PROCEDURE cmig.upgrade_scopes(pattern text DEFAULT NULL, target text DEFAULT 'head',
	max_failures integer DEFAULT 0)
AS 'MODULE_PATHNAME', 'cmig_upgrade_scopes'
LANGUAGE C;

CREATE FUNCTION cmig.scopes(
	OUT scope text, OUT current text[], OUT pending integer, OUT failed text, OUT since timestamptz)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_scopes'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE FUNCTION cmig.create_scope(scope text DEFAULT NULL, target text DEFAULT 'head', copy_of text DEFAULT NULL,
	OUT revision text, OUT message text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_create_scope'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.drop_scope(scope text DEFAULT NULL, confirm text DEFAULT NULL)
RETURNS void
AS 'MODULE_PATHNAME', 'cmig_drop_scope'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.scope_drift(owners boolean DEFAULT false, privileges boolean DEFAULT true,
	comments boolean DEFAULT true,
	OUT scope text, OUT reference text, OUT step integer, OUT kind text, OUT object text,
	OUT upgrade_sql text, OUT downgrade_sql text, OUT hazard text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_scope_drift'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION cmig.wait_for_replicas(lag interval DEFAULT '0', timeout interval DEFAULT '1 min')
RETURNS boolean
AS 'MODULE_PATHNAME', 'cmig_wait_for_replicas'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON PROCEDURE cmig.upgrade_scopes(text, text, integer) IS 'Upgrades the schemas whose names match a LIKE pattern, each as a scope and in a separate transaction. Failures are recorded. If there are more than max_failures, the call ends with the last error. Skips scopes that another session is upgrading. Raises an error if an argument is not valid (22004, 22023), the target is not valid (MG001 to MG005), or it is called inside a transaction block (25001).';
COMMENT ON FUNCTION cmig.scopes() IS 'Returns the scopes in which a run has been attempted, with their version rows, the number of pending revisions, the error of the last run if it failed, and the time of the last run.';
COMMENT ON FUNCTION cmig.create_scope(text, text, text) IS 'Creates a schema and upgrades it as a scope. With copy_of, copies the structure of that scope first, without rows, and records its revisions as applied. Returns the revisions that were run. Raises an error if the schema exists (42P06), cannot be a scope (22023), or the scope cannot be copied (0A000, 3F000, 42501, 55000), and the same errors as upgrade(text).';
COMMENT ON FUNCTION cmig.scope_drift(boolean, boolean, boolean) IS 'Compares the schemas of scopes that have the same version rows. For each scope whose schema differs from the one that most of these scopes have, returns the statements that change it to that schema, with the columns of diff_schemas. Raises an error if a schema cannot be read (42501).';
COMMENT ON FUNCTION cmig.wait_for_replicas(interval, interval) IS 'Waits until all connected physical and logical replicas have replayed the WAL up to the current position, or lag behind by at most lag. Also waits for replicas that are not connected if they have a replication slot. Returns true, so that it can be a precondition. Raises an error if a replica has not caught up before the timeout (55000; a NULL timeout means no limit), the caller does not have the privileges of pg_read_all_stats (42501), or an argument is not valid (22023).';
COMMENT ON FUNCTION cmig.drop_scope(text, text) IS 'Drops the schema of a scope with everything in it, and its version rows. The argument confirm must be the name of the scope. Raises an error if confirm is another name (22023), the schema does not exist (3F000), or cmig.protect does not allow it (MG011).';

--
-- Privileges: the new objects belong to the bootstrap superuser.  What PUBLIC and
-- default privileges grant on them is revoked, and each of them is given the
-- privileges of an existing object that is in the same levels of
-- cmig.grant_access.  Privileges that an extension script grants become part of
-- the initial privileges, which pg_dump leaves out.  Therefore, the initial
-- privileges are copied from the existing object, so that they are the same as in
-- a new installation.
--

DO $$
DECLARE
	bootstrap pg_catalog.regrole := 10;
	o record;
	grantee text;
	g record;
	number smallint;
BEGIN
	FOR o IN
		SELECT 'TABLE' AS kind, n.oid::pg_catalog.regclass::text AS name,
			coalesce(n.relacl, pg_catalog.acldefault('r', n.relowner)) AS acl,
			coalesce(m.relacl, pg_catalog.acldefault('r', m.relowner)) AS model,
			n.tableoid AS class, n.oid, m.oid AS model_oid
		FROM (VALUES ('cmig.scope_version', 'cmig.version')) v (name, model),
			pg_catalog.pg_class n, pg_catalog.pg_class m
		WHERE n.oid = v.name::pg_catalog.regclass AND m.oid = v.model::pg_catalog.regclass
		UNION ALL
		SELECT 'ROUTINE', n.oid::pg_catalog.regprocedure::text,
			coalesce(n.proacl, pg_catalog.acldefault('f', n.proowner)),
			coalesce(m.proacl, pg_catalog.acldefault('f', m.proowner)), n.tableoid, n.oid, m.oid
		FROM (VALUES ('upgrade_scopes', 'cmig.upgrade(text)'), ('scopes', 'cmig.heads()'), ('scope_drift', 'cmig.heads()'), ('wait_for_replicas', 'cmig.heads()'),
				('create_scope', 'cmig.upgrade(text)'), ('drop_scope', 'cmig.upgrade(text)')) v (name, model),
			pg_catalog.pg_proc n, pg_catalog.pg_proc m
		WHERE n.pronamespace = 'cmig'::pg_catalog.regnamespace AND n.proname = v.name
		AND m.oid = v.model::pg_catalog.regprocedure
	LOOP
		EXECUTE pg_catalog.format('ALTER %s %s OWNER TO %s', o.kind, o.name, bootstrap);
		FOR grantee IN
			SELECT 'PUBLIC'
			UNION SELECT a.grantee::pg_catalog.regrole::text FROM pg_catalog.aclexplode(o.acl) a WHERE a.grantee NOT IN (0, bootstrap)
		LOOP
			EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s', o.kind, o.name, grantee);
		END LOOP;
		FOR g IN
			SELECT a.privilege_type AS privilege, a.is_grantable,
				CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END AS grantee
			FROM pg_catalog.aclexplode(o.model) a WHERE a.grantee <> bootstrap
		LOOP
			EXECUTE pg_catalog.format('GRANT %s ON %s %s TO %s%s', g.privilege, o.kind, o.name, g.grantee,
				CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
		END LOOP;
		UPDATE pg_catalog.pg_init_privs i SET initprivs = m.initprivs FROM pg_catalog.pg_init_privs m
		WHERE i.classoid = o.class AND i.objoid = o.oid AND m.classoid = o.class AND m.objoid = o.model_oid AND m.objsubid = 0;
		-- remove the dependencies on roles that the initial privileges no longer name; since
		-- PostgreSQL 17, such roles could otherwise not be dropped
		DELETE FROM pg_catalog.pg_shdepend d
		WHERE d.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
		AND d.classid = o.class AND d.objid = o.oid AND d.deptype = 'i'
		AND d.refobjid NOT IN (SELECT a.grantee FROM pg_catalog.pg_init_privs i, pg_catalog.aclexplode(i.initprivs) a
			WHERE i.classoid = o.class AND i.objoid = o.oid);
	END LOOP;

	-- let roles that may write the journal's column revision also write the column scope
	SELECT a.attnum INTO number FROM pg_catalog.pg_attribute a
	WHERE a.attrelid = 'cmig.journal'::pg_catalog.regclass AND a.attname = 'scope';
	FOR g IN
		SELECT a.grantee::pg_catalog.regrole::text AS grantee, a.is_grantable
		FROM pg_catalog.pg_attribute c, pg_catalog.aclexplode(c.attacl) a
		WHERE c.attrelid = 'cmig.journal'::pg_catalog.regclass AND c.attname = 'revision'
		AND a.privilege_type = 'INSERT' AND a.grantee <> 0
	LOOP
		EXECUTE pg_catalog.format('GRANT INSERT (scope) ON cmig.journal TO %s%s', g.grantee,
			CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
	END LOOP;
	DELETE FROM pg_catalog.pg_init_privs i
	WHERE i.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
	AND i.objoid = 'cmig.journal'::pg_catalog.regclass AND i.objsubid = number;
END
$$;
