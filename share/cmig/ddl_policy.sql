-- pg_cmig: records or rejects DDL outside of runs of cmig, in a database without the extension.
-- Run this as a role that may create event triggers, as psql -X -v ON_ERROR_STOP=1 -f <this file>
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
DROP EVENT TRIGGER IF EXISTS cmig_engine_start;
DROP EVENT TRIGGER IF EXISTS cmig_engine_end;
DROP EVENT TRIGGER IF EXISTS cmig_engine_drop;
DO $$
BEGIN
	IF to_regclass('cmig_engine.version') IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = 'undefined_table', MESSAGE = format('cmig has not run in database "%s"', current_database()), HINT = 'First: cmig upgrade, or cmig stamp base';
	END IF;
	IF EXISTS (SELECT FROM pg_namespace JOIN pg_roles r ON r.oid = nspowner WHERE nspname = 'cmig_engine_ddl' AND NOT (rolsuper OR rolname = current_user)) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'schema cmig_engine_ddl or its table belongs to another role, or has a trigger', HINT = 'ALTER SCHEMA cmig_engine_ddl RENAME TO cmig_engine_ddl_old';
	END IF;
	IF to_regnamespace('cmig_engine_ddl') IS NULL THEN
		CREATE SCHEMA cmig_engine_ddl;
	END IF;
END
$$;
CREATE TABLE IF NOT EXISTS cmig_engine_ddl.ddl_log (at timestamptz NOT NULL, command text NOT NULL, object_type text, object text, role name NOT NULL,
	application_name text, client_address inet, transaction_id xid8 NOT NULL, query text, reason text);
LOCK TABLE cmig_engine_ddl.ddl_log IN ACCESS EXCLUSIVE MODE;
DO $$
DECLARE
	log CONSTANT oid := 'cmig_engine_ddl.ddl_log'::regclass;
BEGIN
	-- The function runs for whoever runs DDL.  So all of it belongs to the role that runs this script, also the schema,
	-- whose owner could replace what is in it.  This is checked of what is there now, and locked: another role could
	-- have created it a moment ago.
	IF EXISTS (SELECT FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_roles r ON r.oid IN (n.nspowner, c.relowner)
		WHERE n.nspname = 'cmig_engine_ddl' AND (NOT (r.rolsuper OR r.rolname = current_user) OR c.relkind NOT IN ('r', 'i', 'I')))
		OR EXISTS (SELECT FROM pg_class WHERE oid = log AND (relrowsecurity OR relkind <> 'r'))
		OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = log) OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = log)
		OR EXISTS (SELECT FROM pg_attrdef WHERE adrelid = log) OR EXISTS (SELECT FROM pg_constraint WHERE conrelid = log AND contype <> 'n')
		OR EXISTS (SELECT FROM pg_index WHERE indrelid = log AND (indexprs IS NOT NULL OR indpred IS NOT NULL)) THEN
		RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'schema cmig_engine_ddl or its table belongs to another role, or has a trigger', HINT = 'ALTER SCHEMA cmig_engine_ddl RENAME TO cmig_engine_ddl_old';
	END IF;
END
$$;
DROP FUNCTION IF EXISTS cmig_engine_ddl.ddl_trigger();
CREATE FUNCTION cmig_engine_ddl.ddl_trigger() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on AS $ddl$
DECLARE
	policy CONSTANT text := 'POLICY';
	-- the role that keeps the state, which is that of the revisions
	keeper CONSTANT oid := (SELECT nspowner FROM pg_namespace WHERE nspname = 'cmig_engine');
	reason text;
	change record;
BEGIN
	-- without the state, there are no runs that could be told apart
	IF keeper IS NULL THEN
		RETURN;
	END IF;
	-- only who can change the version rows can run revisions, restore, or make an exception
	IF coalesce(has_table_privilege(session_user, to_regclass('cmig_engine.version'), 'DELETE'), false) THEN
		IF current_setting('application_name') = 'pg_restore'
			OR EXISTS (SELECT FROM pg_locks l, pg_database d WHERE l.locktype = 'advisory' AND l.pid = pg_backend_pid() AND l.granted AND l.objsubid = 1
				AND d.datname = current_database() AND l.database = d.oid
				AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('pg_cmig cmig_engine.version', 0)) THEN
			RETURN;
		END IF;
		reason := nullif(current_setting('cmig_engine.allow_ddl', true), '');
	END IF;
	FOR change IN EXECUTE CASE TG_EVENT
		-- what runs concurrently has committed when it ends; DROP OWNED may only revoke privileges
		WHEN 'ddl_command_start' THEN $$SELECT $1 AS command, NULL AS type, NULL AS object, NULL::text AS schema, NULL::text[] AS names, NULL::text[] AS args
			WHERE $1 = 'DROP OWNED' OR $2 = 'deny' AND current_query() ~* '\mconcurrently\M'$$
		WHEN 'ddl_command_end' THEN $$SELECT command_tag AS command, object_type AS type, object_identity AS object, coalesce(schema_name, CASE WHEN object_type = 'schema' OR cardinality(object_names) > 2 THEN object_names[1] END) AS schema,
			object_names AS names, object_args AS args
			FROM pg_event_trigger_ddl_commands() c LEFT JOIN LATERAL pg_identify_object_as_address(c.classid, c.objid, c.objsubid) a ON true
			WHERE NOT in_extension AND command_tag NOT IN ('REFRESH MATERIALIZED VIEW', 'REINDEX')$$
		ELSE $$SELECT $1 AS command, object_type AS type, object_identity AS object, coalesce(schema_name, CASE WHEN object_type = 'schema' OR cardinality(address_names) > 2 THEN address_names[1] END) AS schema,
			address_names AS names, address_args AS args
			FROM pg_event_trigger_dropped_objects() WHERE original AND $1 ~ '^(DROP |ALTER PUBLICATION)' AND NOT is_temporary$$ END USING TG_TAG, policy
	LOOP
		-- not temporary objects, those of the service, and what the service does itself
		CONTINUE WHEN change.schema ~ '^pg_(temp|toast)' OR change.schema = 'cmig_engine' AND change.command !~ '^ALTER' OR cardinality(change.names) > 1 AND change.names[1] ~ '^pg_temp'
			OR change.type IN ('cast', 'transform') AND (change.names[1] ~ '^pg_temp' OR change.args[1] ~ '^pg_temp')
			OR NOT (pg_has_role(keeper, session_user, 'USAGE') OR EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = change.schema AND pg_has_role(keeper, n.nspowner, 'USAGE')));
		IF policy = 'deny' AND reason IS NULL THEN
			RAISE EXCEPTION USING ERRCODE = 'MG022', MESSAGE = format('database "%s" allows DDL only in revisions', current_database()),
				DETAIL = concat(change.command, ' was rejected', ' for ' || change.type || ' ' || change.object, ' by the script of cmig ddl-script.'),
				HINT = 'Put the command into a revision, and: cmig upgrade. If it cannot wait: BEGIN; SET LOCAL cmig_engine.allow_ddl = ''why''; ...; COMMIT';
		END IF;
		CONTINUE WHEN TG_EVENT = 'ddl_command_start' AND TG_TAG <> 'DROP OWNED';
		INSERT INTO cmig_engine_ddl.ddl_log (at, command, object_type, object, role, application_name, client_address, transaction_id, query, reason)
		VALUES (clock_timestamp(), change.command, change.type, change.object, session_user, current_setting('application_name'), inet_client_addr(), pg_current_xact_id(),
			CASE WHEN current_query() !~* 'password|user mapping|subscription|server' THEN left(current_query(), 1000) END, reason);
	END LOOP;
END
$ddl$;
REVOKE ALL ON FUNCTION cmig_engine_ddl.ddl_trigger() FROM PUBLIC;
-- not what default privileges grant, but the role that keeps the state can read the log
DO $$
DECLARE
	keeper CONSTANT text := (SELECT quote_ident(pg_get_userbyid(nspowner)) FROM pg_namespace WHERE nspname = 'cmig_engine');
BEGIN
	EXECUTE concat((SELECT string_agg(format('REVOKE ALL ON SCHEMA cmig_engine_ddl FROM %s CASCADE; REVOKE ALL ON cmig_engine_ddl.ddl_log FROM %1$s CASCADE; REVOKE ALL ON FUNCTION cmig_engine_ddl.ddl_trigger() FROM %1$s CASCADE; ',
		CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END), '')
		FROM (SELECT DISTINCT a.grantee FROM pg_namespace n, pg_class c, pg_proc p, LATERAL (SELECT * FROM aclexplode(nspacl) UNION ALL SELECT * FROM aclexplode(relacl) UNION ALL SELECT * FROM aclexplode(proacl)) a
			WHERE nspname = 'cmig_engine_ddl' AND relnamespace = n.oid AND pronamespace = n.oid AND a.grantee NOT IN (nspowner, relowner, proowner)) g),
		'GRANT USAGE ON SCHEMA cmig_engine_ddl TO ', keeper, '; GRANT SELECT, DELETE ON cmig_engine_ddl.ddl_log TO ', keeper);
END
$$;
CREATE EVENT TRIGGER cmig_engine_start ON ddl_command_start WHEN TAG IN ('CREATE INDEX', 'DROP INDEX', 'ALTER TABLE', 'DROP OWNED') EXECUTE FUNCTION cmig_engine_ddl.ddl_trigger();
CREATE EVENT TRIGGER cmig_engine_end ON ddl_command_end EXECUTE FUNCTION cmig_engine_ddl.ddl_trigger();
CREATE EVENT TRIGGER cmig_engine_drop ON sql_drop EXECUTE FUNCTION cmig_engine_ddl.ddl_trigger();
ALTER EVENT TRIGGER cmig_engine_start ENABLE ALWAYS;
ALTER EVENT TRIGGER cmig_engine_end ENABLE ALWAYS;
ALTER EVENT TRIGGER cmig_engine_drop ENABLE ALWAYS;
COMMIT;
