/*
 * pg_cmig--1.1--1.2.sql
 *
 * Copyright (c) 2026, the pg_cmig developers
 */

\echo Use "ALTER EXTENSION pg_cmig UPDATE" to load this file. \quit

--
-- Variants that only raised an error, or that another variant includes
--

DROP FUNCTION cmig.upgrade("any", VARIADIC "any");
DROP FUNCTION cmig.downgrade("any", VARIADIC "any");
DROP FUNCTION cmig.stamp(bigint, boolean);
DROP FUNCTION cmig.stamp(text, text);
DROP FUNCTION cmig.stamp("any", VARIADIC "any");
DROP FUNCTION cmig.plan(bigint);
DROP FUNCTION cmig.plan(text, bigint);
DROP FUNCTION cmig.plan(text, "any", VARIADIC "any");
DROP FUNCTION cmig.history("any");
DROP FUNCTION cmig.history("any", VARIADIC "any");
DROP FUNCTION cmig.show("any");
DROP FUNCTION cmig.show("any", VARIADIC "any");
DROP FUNCTION cmig.resolve("any");
DROP FUNCTION cmig.resolve("any", VARIADIC "any");
DROP FUNCTION cmig.require("any");
DROP FUNCTION cmig.require("any", VARIADIC "any");
DROP FUNCTION cmig.export(bigint, text);
DROP FUNCTION cmig.script(text, bigint, text, boolean);
DROP FUNCTION cmig.repair("any");
DROP FUNCTION cmig.repair("any", VARIADIC "any");
DROP FUNCTION cmig.remove_revision("any");
DROP FUNCTION cmig.remove_revision("any", VARIADIC "any");
DROP FUNCTION cmig.dry_run(bigint);
DROP FUNCTION cmig.dry_run(text, bigint);
DROP FUNCTION cmig.graph("any");
DROP FUNCTION cmig.audit_history(regclass, text);
DROP FUNCTION cmig.audit_as_of(text, timestamptz, text);
DROP FUNCTION cmig.audit_as_of(text, timestamptz, "any");
DROP FUNCTION cmig.audit_as_of("any");
DROP FUNCTION cmig.audit_diff(regclass, text, timestamptz, timestamptz);
DROP FUNCTION cmig.audit_transaction(xid8);
DROP FUNCTION cmig.round_trip("any");
DROP FUNCTION cmig.round_trip(text, text);
DROP FUNCTION cmig.round_trip("any", VARIADIC "any");
DROP FUNCTION cmig.verify("any");
DROP FUNCTION cmig.verify(text, text);
DROP FUNCTION cmig.verify("any", VARIADIC "any");
DROP FUNCTION cmig.lint("any");
DROP FUNCTION cmig.lint("any", VARIADIC "any");
DROP FUNCTION cmig.status(VARIADIC "any");
DROP FUNCTION cmig.current(VARIADIC "any");
DROP FUNCTION cmig.heads(VARIADIC "any");
DROP FUNCTION cmig.branches(VARIADIC "any");
DROP FUNCTION cmig.log(VARIADIC "any");
DROP FUNCTION cmig.report(VARIADIC "any");
DROP FUNCTION cmig.check("any", VARIADIC "any");
DROP FUNCTION cmig.help("any", VARIADIC "any");
DROP FUNCTION cmig.reset("any", VARIADIC "any");
DROP FUNCTION cmig.revoke_access("any", VARIADIC "any");
DROP FUNCTION cmig.audit_status("any", VARIADIC "any");
DROP FUNCTION cmig.rls_status("any", VARIADIC "any");
DROP FUNCTION cmig.rls_check("any", VARIADIC "any");
DROP FUNCTION cmig.audit_transaction("any", VARIADIC "any");
DROP FUNCTION cmig.grant_access("any", "any", VARIADIC "any");
DROP FUNCTION cmig.graph("any", "any", VARIADIC "any");
DROP FUNCTION cmig.export("any", "any", VARIADIC "any");
DROP FUNCTION cmig.audit_history("any", "any", VARIADIC "any");
DROP FUNCTION cmig.audit_as_of("any", "any", "any", VARIADIC "any");
DROP PROCEDURE cmig.upgrade_stepwise("any", "any", "any", VARIADIC "any");
DROP PROCEDURE cmig.downgrade_stepwise("any", "any", "any", VARIADIC "any");

CREATE OR REPLACE FUNCTION cmig.audit_history(target regclass, key "any" DEFAULT NULL::text,
	OUT id bigint, OUT clock_at timestamptz, OUT transaction_id xid8,
	OUT operation text, OUT row_key jsonb, OUT old_key jsonb,
	OUT changed text[], OUT old_row jsonb, OUT new_row jsonb,
	OUT user_id text, OUT tenant_id text, OUT role text,
	OUT session_role text, OUT application_name text,
	OUT client_address inet, OUT revision text, OUT reason text,
	OUT request_id text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_history'
LANGUAGE C STABLE PARALLEL UNSAFE;

CREATE OR REPLACE FUNCTION cmig.audit_diff(target regclass, key "any" DEFAULT NULL::text,
	from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT pg_catalog.now(),
	OUT column_name text, OUT old_value jsonb, OUT new_value jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'cmig_audit_diff'
LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION cmig.audit_transaction("any") IS 'Returns the log entries of one transaction, in order. The ID is an xid8 or an integer. Raises an error if the argument has another type or is negative (22023), the caller cannot read the log (42501), or the log does not exist (42P01).';
COMMENT ON FUNCTION cmig.audit_transaction(text) IS 'Does the same as audit_transaction("any"), for an ID as text. Raises an error if it is null (22004) or not a number (22P02).';

--
-- New functions
--

CREATE FUNCTION cmig.set_option(name text, value text, role name DEFAULT NULL)
RETURNS text
AS 'MODULE_PATHNAME', 'cmig_set_option'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION cmig.set_option(text, text, name) IS 'Stores the value of one of pg_cmig''s settings for the database, or for a role in this database; NULL resets it. Does what ALTER DATABASE ... SET or ALTER ROLE ... IN DATABASE ... SET does, with the same privileges, and also works in a session that has not loaded pg_cmig. New sessions use the value. Returns the statement that was run. Raises an error if the caller is not allowed to do this (42501), the setting is not one of pg_cmig''s or the role does not exist (42704), the value is not valid (22023), the setting cannot be changed (55P02), or the transaction is read-only (25006).';

--
-- Privileges: the new objects belong to the bootstrap superuser.  What PUBLIC and
-- default privileges grant on them is revoked, and each of them is given the
-- privileges of an existing object that is in the same levels of
-- cmig.grant_access.  Privileges that an extension script grants become part of
-- the initial privileges, which pg_dump leaves out.  Therefore, the initial
-- privileges are copied from the existing object, so that they are the same as in
-- a new installation.
--
-- Each new table, and each new function in all of its forms, has a row here with an
-- object that has the same levels: cmig.version, cmig.secret (only the owner),
-- cmig.heads() (reader), cmig.remove_revision(text) (author), cmig.upgrade(text)
-- (migrator), or cmig.current_user_id() (application).
--

COMMENT ON PROCEDURE cmig.backfill(regclass, text, text, integer, interval, interval) IS 'Updates a table in batches, with a commit after each: UPDATE target SET set_sql WHERE where_sql. With where_sql, continues until no row matches. Without it, updates each row that exists at the start once. batch_size is the number of rows per batch, which Citus updates in each shard. Resumes an interrupted backfill. Raises an error if the table is of an unsupported kind (0A000, 42809), an argument is not valid (22023, 42601, 42703, 42804), it is called inside a transaction block (25001), rows are not visible to the caller or cannot be updated by the caller (42501), an unfinished backfill cannot be resumed (55000, MG008), or another backfill of the table is running (55P03).';
DO $$
DECLARE
	bootstrap pg_catalog.regrole := 10;
	o record;
	grantee text;
	g record;
BEGIN
	FOR o IN
		SELECT 'TABLE' AS kind, n.oid::pg_catalog.regclass::text AS name,
			coalesce(n.relacl, pg_catalog.acldefault('r', n.relowner)) AS acl,
			coalesce(m.relacl, pg_catalog.acldefault('r', m.relowner)) AS model,
			n.tableoid AS class, n.oid, m.oid AS model_oid
		FROM (VALUES
				(NULL, NULL)
			) v (name, model),
			pg_catalog.pg_class n, pg_catalog.pg_class m
		WHERE n.oid = v.name::pg_catalog.regclass AND m.oid = v.model::pg_catalog.regclass
		UNION ALL
		SELECT 'ROUTINE', n.oid::pg_catalog.regprocedure::text,
			coalesce(n.proacl, pg_catalog.acldefault('f', n.proowner)),
			coalesce(m.proacl, pg_catalog.acldefault('f', m.proowner)), n.tableoid, n.oid, m.oid
		FROM (VALUES
				('set_option', 'cmig.upgrade(text)')
			) v (name, model),
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
END
$$;
