/*
 * pg_cmig--1.2--1.3.sql
 *
 * An update script for t/059_update.pl: the kinds of change that a version after
 * 1.2 can make, as CONTRIBUTING.md describes them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */

\echo Use "ALTER EXTENSION pg_cmig UPDATE" to load this file. \quit

--
-- Tables: what exists keeps its rows and its privileges
--

ALTER TABLE cmig.journal ADD ticket text;
COMMENT ON COLUMN cmig.journal.ticket IS 'The ticket of the change';
ALTER TABLE cmig.revision ADD reviewed boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN cmig.revision.reviewed IS 'Whether somebody has reviewed the revision';

CREATE TABLE cmig.review (
	revision text PRIMARY KEY,
	reviewer name NOT NULL DEFAULT CURRENT_USER
);
COMMENT ON TABLE cmig.review IS 'Who has reviewed which revision.';
SELECT pg_catalog.pg_extension_config_dump('cmig.review', '');

--
-- Functions: CREATE OR REPLACE keeps the privileges, and DROP loses them
--

CREATE OR REPLACE FUNCTION cmig.current_user_id()
RETURNS text
AS '$libdir/pg_cmig_session', 'cmig_current_user_id'
LANGUAGE C STABLE PARALLEL SAFE;

-- another form of an existing function
CREATE FUNCTION cmig.heads(label text)
RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS 'SELECT h.revision FROM cmig.heads() h WHERE label = ANY (h.branch_labels)';
COMMENT ON FUNCTION cmig.heads(text) IS 'The head of the branch with this label.';

--
-- Privileges: what is new belongs to the bootstrap superuser, PUBLIC and default
-- privileges give nothing, and each new object has the privileges of one that is
-- in the same levels of cmig.grant_access.  What a script of an extension grants
-- becomes part of the initial privileges, which pg_dump leaves out; those of the
-- other object are the ones that a new installation would have.
--

DO $$
DECLARE
	bootstrap pg_catalog.regrole := 10;
	o record;
	grantee text;
	g record;
BEGIN
	FOR o IN
		SELECT 'TABLE' AS kind, 'cmig.review' AS name, n.relacl AS acl, m.relacl AS model,
			n.tableoid AS class, n.oid, m.oid AS model_oid
		FROM pg_catalog.pg_class n, pg_catalog.pg_class m
		WHERE n.oid = 'cmig.review'::pg_catalog.regclass AND m.oid = 'cmig.secret'::pg_catalog.regclass
		UNION ALL
		SELECT 'FUNCTION', 'cmig.heads(text)', n.proacl, m.proacl, n.tableoid, n.oid, m.oid
		FROM pg_catalog.pg_proc n, pg_catalog.pg_proc m
		WHERE n.oid = 'cmig.heads(text)'::pg_catalog.regprocedure AND m.oid = 'cmig.heads()'::pg_catalog.regprocedure
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
		-- since PostgreSQL 17, roles in initial privileges cannot be dropped
		DELETE FROM pg_catalog.pg_shdepend d
		WHERE d.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
		AND d.classid = o.class AND d.objid = o.oid AND d.deptype = 'i'
		AND d.refobjid NOT IN (SELECT a.grantee FROM pg_catalog.pg_init_privs i, pg_catalog.aclexplode(i.initprivs) a
			WHERE i.classoid = o.class AND i.objoid = o.oid);
	END LOOP;
END
$$;
