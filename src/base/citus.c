/*
 * citus.c
 *	  Reads the metadata of Citus, which distributes tables across servers.
 *
 * To the server, a table that Citus manages looks like an empty ordinary table.
 * Its rows are in shards, which are tables on the workers or the coordinator.
 * A shard can have copies (placements) on several nodes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "base/base.h"

/*
 * Does the session have a parameter of Citus?  If not, the Citus library is not
 * loaded.  The result can be true without the library, because a session can
 * set a custom parameter with any name.
 */
static bool
is_loaded(void)
{
	return GetConfigOption("citus.shard_count", true, false) != NULL;
}

/*
 * Is the extension citus installed in this database, and does it have the given
 * metadata table in pg_catalog?
 */
static bool
has_metadata(const char *table)
{
	return OidIsValid(get_extension_oid("citus", true)) &&
		OidIsValid(get_relname_relid(table, PG_CATALOG_NAMESPACE));
}

/*
 * Is Citus in use in this session and database?
 */
static bool
is_active(void)
{
	return is_loaded() && has_metadata("pg_dist_partition");
}

/* Row callback: store the first column's text in *arg, a char *. */
static void
keep_answer(const CmigRow *row, void *arg)
{
	*(char **) arg = cmig_query_text_or_null(row, 1);
}

/*
 * Run a query whose argument $1 is the OID of a table.  Returns the text in
 * the first row, or NULL if there is none.
 */
static char *
ask(const char *sql, Oid relation)
{
	Oid			types[1] = {OIDOID};
	Datum		values[1] = {ObjectIdGetDatum(relation)};
	char	   *result = NULL;

	(void) cmig_query_once(cmig_query_make(sql, NIL, 1, types), values, keep_answer, &result);
	return result;
}

bool
cmig_citus_manages(Oid relation)
{
	return has_metadata("pg_dist_partition") &&
		ask("SELECT 'yes' FROM pg_catalog.pg_dist_partition d WHERE d.logicalrelid::oid = $1",
			relation) != NULL;
}

char *
cmig_citus_storage(Oid relation)
{
	return !has_metadata("pg_dist_partition") ? NULL :
		ask("SELECT CASE WHEN d.partmethod = 'h' THEN 'h' || pg_catalog.column_to_column_name(d.logicalrelid, d.partkey)"
			" WHEN d.repmodel = 't' THEN 't' WHEN d.partmethod = 'n' AND d.colocationid = 0"
			" THEN 'l' ELSE 's' END"
			" FROM pg_catalog.pg_dist_partition d WHERE d.logicalrelid::oid = $1", relation);
}

bool
cmig_citus_is_installed(void)
{
	return has_metadata("pg_dist_partition") && has_metadata("pg_dist_schema");
}

bool
cmig_citus_has_copies(Oid relation)
{
	return ask("SELECT 'yes' FROM pg_catalog.pg_dist_shard s"
			   " JOIN pg_catalog.pg_dist_placement p USING (shardid) WHERE s.logicalrelid::oid = $1"
			   " HAVING count(*) > count(DISTINCT shardid)", relation) != NULL;
}

int
cmig_citus_shards(Oid relation)
{
	return atoi(ask("SELECT count(*)::text FROM pg_catalog.pg_dist_shard s WHERE s.logicalrelid::oid = $1", relation));
}

bool
cmig_citus_workers_agree(const char *sql)
{
	static CmigQuery query = {
		"SELECT FROM pg_catalog.run_command_on_workers($1) AS r"
		" WHERE NOT r.success OR r.result IS DISTINCT FROM 't' LIMIT 1", {TEXTOID}
	};

	return cmig_query_do(&query, sql) == 0;
}

/* ----------------------------------------------------------------
 * Asks every node the same question.
 *
 * A question is a query that reads catalogs and returns one value of type json.
 * A node pins search_path before it reads the query's text, so that the query
 * finds only built-in functions, and prints names as the coordinator does.
 * ----------------------------------------------------------------
 */

/*
 * A query for the nodes' answers: rows with the name of the node, and either an
 * answer or an error.  "question" is an SQL expression of type text.
 */
#define ANSWERS(question) \
	"SELECT coalesce(n.nodename || ':' || n.nodeport, 'coordinator') AS node, coalesce(n.groupid, 0) AS groupid," \
	" CASE WHEN r.success THEN convert_from(decode(substring(r.result FROM '<a>(.*)</a>'), 'hex'), 'UTF8')::json END AS answer," \
	" CASE WHEN NOT r.success THEN r.result END AS error" \
	" FROM run_command_on_all_nodes((SELECT 'SELECT pg_catalog.query_to_xml(CASE WHEN" \
	" pg_catalog.set_config(''search_path'', ''pg_catalog, pg_temp'', true) IS NOT NULL THEN '" \
	" || quote_literal('SELECT encode(convert_to(q.a::text, ''UTF8''), ''hex'') AS a FROM (' || (" question ") || ') AS q (a)')" \
	" || ' END, false, true, '''')')) AS r LEFT JOIN pg_dist_node n ON n.nodeid = r.nodeid"

/* The CTE "part": the shards of the tables that meet a condition. */
#define PART(condition) \
	"part AS MATERIALIZED (SELECT c.oid, c.oid::text AS name, p.groupid, format('%I.%I', n.nspname, c.relname) AS shown," \
	"  CASE n.nspname WHEN 'public' THEN 'public.' ELSE '' END || shard_name(d.logicalrelid, s.shardid) AS shard" \
	"  FROM pg_dist_partition d JOIN pg_class c ON c.oid = d.logicalrelid::oid JOIN pg_namespace n ON n.oid = c.relnamespace" \
	"  JOIN pg_dist_shard s ON s.logicalrelid = d.logicalrelid JOIN pg_dist_placement p ON p.shardid = s.shardid" \
	"  WHERE " condition ")"

/* For a question: the text of the CTE "part" on a node, with the shards there. */
#define HERE \
	"'part AS MATERIALIZED (SELECT p.name, p.shard, c.oid FROM json_to_recordset('" \
	" || quote_literal((SELECT coalesce(json_agg(json_build_object('name', p.name, 'shard', p.shard, 'groupid', p.groupid)), '[]') FROM part p))" \
	" || ') p (name text, shard text, groupid integer)" \
	"  LEFT JOIN (SELECT c.oid, format(''%I.%I'', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	"  WHERE c.relkind IN (''r'', ''p'')) c ON c.name = p.shard WHERE p.groupid = (SELECT l.groupid FROM pg_dist_local_group l))'"

/*
 * A query for what a table and its shards have in common: statements in which {}
 * stands for the table's name, and those that restore it in all shards.  The CTE
 * "whole" has the names and OIDs of the tables.  Indexes and constraints of
 * shards have other names, their policies are all permissive, and Citus may
 * leave their foreign keys not validated.
 */
#define FEATURES \
	"SELECT w.name, f.kind, f.text, f.fix FROM whole w JOIN pg_class c ON c.oid = w.oid CROSS JOIN LATERAL (" \
	"SELECT 'row-level security' AS kind, x.text, x.text AS fix FROM (VALUES (c.relrowsecurity, 'ALTER TABLE {} ENABLE ROW LEVEL SECURITY')," \
	"  (c.relforcerowsecurity, 'ALTER TABLE {} FORCE ROW LEVEL SECURITY')) x (is_on, text) WHERE x.is_on" \
	" UNION ALL SELECT 'owner', x.text, x.text FROM format('ALTER TABLE {} OWNER TO %I', pg_get_userbyid(c.relowner)) x (text)" \
	" UNION ALL SELECT 'privilege', x.text, x.text FROM aclexplode(c.relacl) a" \
	"  CROSS JOIN LATERAL format('GRANT %s ON {} TO %s%s', a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC'" \
	"   ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) x (text)" \
	"  WHERE a.grantee <> c.relowner" \
	" UNION ALL SELECT 'policy', x.text, format('BEGIN; DROP POLICY IF EXISTS %I ON {}; %s; COMMIT', p.polname, x.text) FROM pg_policy p" \
	"  CROSS JOIN LATERAL (SELECT format('CREATE POLICY %I ON {} FOR %s TO %s', p.polname, CASE p.polcmd WHEN 'r' THEN 'SELECT'" \
	"    WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END," \
	"    (SELECT string_agg(r.name, ', ' ORDER BY r.name) FROM unnest(p.polroles) o (oid) CROSS JOIN LATERAL" \
	"     (SELECT CASE o.oid WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o.oid)) END) r (name)))" \
	"   || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')" \
	"   || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')) x (text) WHERE p.polrelid = c.oid" \
	" UNION ALL SELECT 'index', regexp_replace(d.text, ' INDEX .* ON .* USING ', ' INDEX ON {} USING ')," \
	"   format('BEGIN; DROP INDEX IF EXISTS %s; %s; COMMIT', i.indexrelid::regclass, d.text)" \
	"  FROM pg_index i CROSS JOIN LATERAL pg_get_indexdef(i.indexrelid) d (text) WHERE i.indrelid = c.oid AND i.indisvalid" \
	"  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))" \
	" UNION ALL SELECT 'constraint', 'ALTER TABLE {} ADD ' || regexp_replace(d.text, 'REFERENCES [^(]*([(].*?)( NOT VALID)?$', 'REFERENCES \\1')," \
	"   format('BEGIN; ALTER TABLE {} DROP CONSTRAINT IF EXISTS %1$I; ALTER TABLE {} ADD CONSTRAINT %1$I %2$s; COMMIT', k.conname, d.text)" \
	"  FROM pg_constraint k CROSS JOIN LATERAL pg_get_constraintdef(k.oid) d (text)" \
	"  WHERE k.conrelid = c.oid AND k.contype IN ('c', 'f', 'p', 'u', 'x')" \
	" UNION ALL SELECT 'constraint', x.text, x.text FROM pg_attribute a" \
	"  CROSS JOIN LATERAL format('ALTER TABLE {} ALTER %I SET NOT NULL', a.attname) x (text)" \
	"  WHERE a.attrelid = c.oid AND a.attnotnull AND a.attnum > 0 AND NOT a.attisdropped) f"

/*
 * Has this transaction changed the table, which the nodes do not see yet?  All
 * commands but GRANT lock it.
 */
#define CHANGED_HERE \
	"(coalesce(age(c.xmin) <= age(pg_current_xact_id_if_assigned()::xid), false) OR c.oid IN (SELECT l.relation FROM pg_locks l" \
	" WHERE l.pid = pg_backend_pid() AND l.relation IS NOT NULL AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')))"

/*
 * What do shards lack that their tables have, and the reverse?  The CTEs of
 * cmig_citus_shard_problems() have the shards and the features of their tables.
 */
#define SHARD_QUESTION \
	"SELECT 'WITH ' || " HERE " || ', whole AS (SELECT p.shard AS name, p.oid FROM part p)," \
	" has AS MATERIALIZED (SELECT f.name, f.kind, f.text FROM (' || $2 || ') f)," \
	" wants AS MATERIALIZED (SELECT p.shard, w.kind, w.text FROM part p JOIN json_to_recordset('" \
	" || quote_literal((SELECT coalesce(json_agg(json_build_object('name', w.name, 'kind', w.kind, 'text', w.text)), '[]') FROM wanted w))" \
	" || ') w (name text, kind text, text text) ON w.name = p.name WHERE p.oid IS NOT NULL)" \
	" SELECT coalesce(json_agg(json_build_object(''name'', a.name, ''kind'', a.kind, ''text'', a.text, ''missing'', a.missing, ''n'', a.n, ''shard'', a.shard)), ''[]'')" \
	"  FROM (SELECT p.name, d.kind, d.text, d.missing, count(*) AS n, min(d.shard) AS shard" \
	"  FROM (SELECT x.*, true FROM (SELECT * FROM wants EXCEPT SELECT * FROM has) x" \
	"   UNION ALL SELECT x.*, false FROM (SELECT * FROM has EXCEPT SELECT * FROM wants) x" \
	"   UNION ALL SELECT p.shard, ''shard'', ''the table'', true FROM part p WHERE p.oid IS NULL) d (shard, kind, text, missing)" \
	"  JOIN part p ON p.shard = d.shard GROUP BY 1, 2, 3, 4) a'"

List *
cmig_citus_shard_problems(const CmigNames *schemas)
{
	/*
	 * $1 contains the names of the schemas, and $2 is FEATURES, which each
	 * node compares for the shards that it has.  An owner that differs is
	 * shown once.
	 */
	static CmigQuery query = {
		.sql = "WITH " PART("($1 IS NULL OR n.nspname = ANY ($1)) AND NOT " CHANGED_HERE) ","
		" whole AS (SELECT p.oid, p.name, p.shown, count(*) AS placements FROM part p"
		" GROUP BY 1, 2, 3),"
		" wanted AS MATERIALIZED (" FEATURES "),"
		" answer AS MATERIALIZED (" ANSWERS(SHARD_QUESTION) " WHERE EXISTS (SELECT FROM part)),"
		" found AS (SELECT d.name, d.kind, d.text, d.missing, sum(d.n) AS n, min(format('%s on %s', d.shard, a.node)) AS first"
		"  FROM answer a CROSS JOIN"
		" LATERAL json_to_recordset(a.answer) d (name text, kind text, text text, missing boolean, n integer, shard text)"
		"  GROUP BY 1, 2, 3, 4)"
		" SELECT CASE WHEN f.kind IN ('row-level security', 'policy', 'shard') THEN 'error'"
		" ELSE 'warning' END, f.kind || ' on ' || t.shown,"
		"  format('%s %s of %s shards (the first is %s): %s', CASE WHEN f.missing THEN 'missing on'"
		" ELSE 'only on' END, f.n, t.placements, f.first,"
		"   replace(CASE WHEN f.missing THEN coalesce(substring(w.fix"
		" FROM '^BEGIN; .*?; (.*); COMMIT$'), f.text) ELSE f.text END, '{}', t.shown)),"
		"  replace(CASE WHEN f.missing THEN w.fix"
		"   WHEN f.kind = 'privilege'"
		" THEN regexp_replace(f.text, '^GRANT (.*) ON {} TO (.*?)( WITH GRANT OPTION)?$', 'REVOKE \\1 ON {} FROM \\2')"
		"   WHEN f.kind = 'row-level security' THEN replace(replace(f.text, 'ENABLE', 'DISABLE'), 'FORCE', 'NO FORCE') END, '{}', t.shown), f.kind"
		" FROM found f JOIN whole t ON t.name = f.name LEFT JOIN wanted w ON w.name = f.name"
		" AND w.kind = f.kind AND w.text = f.text"
		" WHERE f.missing OR f.kind <> 'owner'"
		" UNION ALL SELECT 'warning', 'node ' || a.node, 'its shards cannot be compared with their tables: ' || a.error,"
		"  'SELECT * FROM pg_catalog.citus_check_cluster_node_health()', 'node' FROM answer a"
		" WHERE a.error IS NOT NULL"
		" UNION ALL SELECT 'notice', 'shards of ' || string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY n.nspname, c.relname),"
		"  'not compared with their tables, which this transaction has changed', NULL, 'node' FROM pg_dist_partition d"
		"  JOIN pg_class c ON c.oid = d.logicalrelid::oid"
		" JOIN pg_namespace n ON n.oid = c.relnamespace"
		"  WHERE ($1 IS NULL OR n.nspname = ANY ($1)) AND " CHANGED_HERE " HAVING count(*) > 0"
		" ORDER BY 1, 2, 3",
		.argtypes = {TEXTARRAYOID, TEXTOID}
	};

	return is_active() && !cmig_citus_is_worker() &&
		!RecoveryInProgress() ? cmig_query_list(&query, schemas, FEATURES) : NIL;
}

void
cmig_citus_size(Oid relation, double *blocks, double *rows)
{
	static CmigQuery query = {
		.sql = "WITH " PART("c.oid = $1") ", answer AS MATERIALIZED (" ANSWERS("'WITH ' || " HERE " || ' SELECT json_build_object(''blocks'',"
																			   " coalesce(max(pg_relation_size(c.oid) / current_setting(''block_size'')::integer), 0), ''rows'', coalesce(sum(greatest(c.reltuples, 0)), 0),"
																			   " ''missing'', min(p.shard) FILTER (WHERE c.oid IS NULL)) FROM part p LEFT JOIN pg_class c ON c.oid = p.oid'") ")"
		" SELECT max((a.answer ->> 'blocks')::float8), sum((a.answer ->> 'rows')::float8),"
		" min(coalesce(a.error, format('Shard %s does not exist on %s.', a.answer ->> 'missing', a.node))) FILTER (WHERE a.error IS NOT NULL OR a.answer ->> 'missing' IS NOT NULL)"
		" FROM answer a WHERE a.groupid IN (SELECT p.groupid FROM part p)",
		.argtypes = {OIDOID}
	};
	char	  **row = cmig_query_row(&query, relation);

	if (row[2] != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("not all shards of table \"%s\" can be read", get_rel_name(relation)),
				 errdetail("%s", row[2]),
				 errhint("To see the state of the nodes: SELECT * FROM pg_catalog.citus_check_cluster_node_health()")));
	*blocks = strtod(row[0], NULL);
	*rows = strtod(row[1], NULL);
}

/* What could stop a run on a node? */
#define NODE_QUESTION \
	"$node$SELECT json_build_object(" \
	" 'prepared', (SELECT coalesce(json_agg(x.gid ORDER BY x.prepared), '[]') FROM pg_prepared_xacts x WHERE x.database = current_database()" \
	"  AND (x.gid NOT LIKE 'citus\\_%' OR x.prepared < now() - interval '1 minute'))," \
	" 'versions', (SELECT json_object_agg(e.name, json_build_object('extension', e.installed_version, 'library', e.default_version))" \
	"  FROM pg_available_extensions e WHERE e.name IN ('pg_cmig', 'citus'))," \
	" 'database', has_database_privilege(current_database(), 'CREATE')," \
	" 'schemas', (SELECT coalesce(json_agg(n.nspname), '[]') FROM pg_namespace n WHERE NOT has_schema_privilege(n.oid, 'CREATE'))," \
	" 'roles', (SELECT coalesce(json_agg(r.rolname), '[]') FROM pg_roles r CROSS JOIN pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace" \
	"  WHERE n.nspname = 'cmig' AND p.proname = 'require_tenant_id'" \
	"  AND NOT (has_schema_privilege(r.oid, n.oid, 'USAGE') AND has_function_privilege(r.oid, p.oid, 'EXECUTE'))))$node$"

List *
cmig_citus_node_problems(void)
{
	static CmigQuery query = {
		.sql = "WITH answer AS MATERIALIZED (" ANSWERS(NODE_QUESTION) "),"

		/*
		 * roles of policies that call functions of pg_cmig, which shards
		 * need, too
		 */
		" calls AS (SELECT DISTINCT r.rolname FROM pg_dist_partition d"
		" JOIN pg_policy p ON p.polrelid = d.logicalrelid::oid"
		"  JOIN pg_depend u ON u.classid = 'pg_policy'::regclass AND u.objid = p.oid"
		" AND u.refclassid = 'pg_proc'::regclass"
		"  JOIN pg_proc f ON f.oid = u.refobjid AND f.pronamespace = 'cmig'::regnamespace"
		" JOIN pg_roles r ON r.oid = ANY (p.polroles)),"
		" own AS (SELECT e.name, e.installed_version AS version FROM pg_available_extensions e"
		" WHERE e.name IN ('pg_cmig', 'citus'))"
		" SELECT 'node ' || x.node, x.severity, x.value, x.hint FROM ("
		"SELECT n.nodename || ':' || n.nodeport AS node, 'error' AS severity, 'it is not active' AS value,"
		"  format('SELECT citus_activate_node(%L, %s)', n.nodename, n.nodeport) AS hint"
		" FROM pg_dist_node n WHERE NOT n.isactive"
		" UNION ALL SELECT n.nodename || ':' || n.nodeport, 'warning', 'its metadata is not synchronized',"
		"  format('SELECT start_metadata_sync_to_node(%L, %s)', n.nodename, n.nodeport)"
		" FROM pg_dist_node n WHERE n.isactive AND NOT (n.hasmetadata AND n.metadatasynced)"
		" UNION ALL SELECT a.node, 'error', 'it cannot be asked: ' || a.error, 'SELECT *"
		" FROM citus_check_cluster_node_health()' FROM answer a WHERE a.error IS NOT NULL"
		" UNION ALL SELECT a.node, 'warning', format('prepared transactions keep their locks: %s, the oldest is %L', json_array_length(a.answer -> 'prepared'), a.answer -> 'prepared' ->> 0),"
		"  CASE WHEN a.answer -> 'prepared' ->> 0 LIKE 'citus\\_%'"
		" THEN 'SELECT recover_prepared_transactions()'"
		"   ELSE format('ROLLBACK PREPARED %L -- or COMMIT PREPARED, on the node', a.answer -> 'prepared' ->> 0) END"
		" FROM answer a WHERE json_array_length(a.answer -> 'prepared') > 0"
		" UNION ALL SELECT a.node, 'error', format('%s has version %s, and its library version %s; the coordinator has version %s', o.name,"
		"   coalesce(v.extension, 'none'), coalesce(v.library, 'none'), o.version),"
		/* on a node, Citus refuses both statements otherwise */
		"  concat_ws('; then, ', CASE WHEN v.library IS DISTINCT FROM o.version THEN format('Install the files of %s %s on the node', o.name, o.version) END,"
		"   CASE WHEN v.extension IS DISTINCT FROM o.version THEN format('on the node: SET citus.enable_ddl_propagation = off; %s', CASE WHEN v.extension IS NULL"
		"    THEN format('CREATE EXTENSION %I', o.name) ELSE format('ALTER EXTENSION %I UPDATE', o.name) END) END)"
		" FROM answer a CROSS JOIN own o LEFT JOIN"
		" LATERAL json_to_record(a.answer -> 'versions' -> o.name) v (extension text, library text) ON true"
		" WHERE a.error IS NULL AND (v.extension IS DISTINCT FROM o.version"
		" OR v.library IS DISTINCT FROM o.version)"
		" UNION ALL SELECT a.node, 'error', format('role %I lacks CREATE on %s %I, which it has on the coordinator', current_user, l.kind, l.name),"
		"  format('GRANT CREATE ON %s %I TO %I', l.kind, l.name, current_user)"
		" FROM answer a CROSS JOIN LATERAL (SELECT 'DATABASE' AS kind, current_database() AS name"
		"   WHERE NOT (a.answer ->> 'database')::boolean"
		" AND has_database_privilege(current_database(), 'CREATE')"
		"  UNION ALL SELECT 'SCHEMA', n.nspname"
		" FROM json_array_elements_text(a.answer -> 'schemas') s"
		" JOIN pg_namespace n ON n.nspname = s.value"
		"   WHERE has_schema_privilege(n.oid, 'CREATE')) l"
		" UNION ALL SELECT a.node, 'error', format('role %I lacks the access level application, which policies of its shards need', c.rolname),"
		"  format('SELECT * FROM run_command_on_workers(%L)', format('SELECT count(*)"
		" FROM cmig.grant_access(%L, ''application'')', c.rolname))"
		" FROM answer a CROSS JOIN LATERAL json_array_elements_text(a.answer -> 'roles') r"
		" JOIN calls c ON c.rolname = r.value) x ORDER BY 1, 2, 3"
	};

	return is_active() && !cmig_citus_is_worker() &&
		!RecoveryInProgress() ? cmig_query_list(&query) : NIL;
}

bool
cmig_citus_is_worker(void)
{
	return is_loaded() && has_metadata("pg_dist_local_group") &&
		ask("SELECT 'yes' FROM pg_catalog.pg_dist_local_group WHERE groupid > 0 AND $1 = 0",
			InvalidOid) != NULL;
}

int
cmig_citus_parent(void)
{
	static const char prefix[] = "citus_internal gpid=";
	const PGPROC *parent;
	int			pid;

	if (!is_active() || application_name == NULL ||
		strncmp(application_name, prefix, strlen(prefix)) != 0)
		return 0;
	/* the last ten digits of a global process ID are the process ID */
	pid = strtoull(application_name + strlen(prefix), NULL, 10) % UINT64CONST(10000000000);
	parent = BackendPidGetProc(pid);

	/*
	 * Citus connects as the current role of its session, or as its
	 * extension's owner
	 */
	return parent != NULL &&
		(superuser_arg(GetSessionUserId()) ||
		 is_member_of_role_nosuper(parent->roleId, GetSessionUserId())) ? pid : 0;
}

char *
cmig_citus_worker_hint(void)
{
	char	   *hint = NULL;

	if (!is_loaded())
		return NULL;
	PushActiveSnapshot(GetTransactionSnapshot());
	if (cmig_citus_is_worker())
	{
		hint = ask("SELECT 'Connect to the coordinator: host ' || nodename || ', port ' || nodeport || '.'"
				   " FROM pg_catalog.pg_dist_node WHERE groupid = 0 AND $1 = 0 ORDER BY nodeid"
				   " LIMIT 1", InvalidOid);
		if (hint == NULL)
			hint = pstrdup("Connect to the coordinator.");
	}
	PopActiveSnapshot();
	return hint;
}

void
cmig_citus_require_coordinator(const char *command)
{
	char	   *hint = cmig_citus_worker_hint();

	if (hint != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be called on a Citus worker", command),
				 errdetail("The revisions and their state are on the coordinator."),
				 errhint("%s", hint)));
}

void
cmig_citus_warn_worker(void)
{
	static TimestampTz warned = 0;	/* start time of the statement for which
									 * the warning was issued */
	char	   *hint = warned == GetCurrentStatementStartTimestamp() ? NULL :
	cmig_citus_worker_hint();

	if (hint == NULL)
		return;
	warned = GetCurrentStatementStartTimestamp();
	ereport(WARNING,
			(errmsg("this is a Citus worker, which has no revisions"),
			 errdetail("The revisions and their state are on the coordinator."),
			 errhint("%s", hint)));
}

bool
cmig_citus_use_two_phases(void)
{
	static void (*use_two_phases) (void) = NULL;

	if (!is_active())
		return true;
	if (use_two_phases == NULL)
		use_two_phases = (void (*) (void)) load_external_function("citus",
																  "Use2PCForCoordinatedTransaction",
																  false, NULL);
	if (use_two_phases == NULL)
		return false;
	use_two_phases();
	return true;
}

void
cmig_citus_keep_connections(void)
{
	const char *most = GetConfigOption("citus.max_adaptive_executor_pool_size", true, false);

	if (is_active() && most != NULL)
		cmig_settings_set("citus.max_cached_conns_per_worker", most, PGC_USERSET, GUC_ACTION_LOCAL);
}

void
cmig_citus_override(const char *name, const char *value)
{
	if (is_active())
		cmig_settings_override(name, value);
}

void
cmig_citus_propagate_setting(const char *name, const char *value)
{
	if (!is_active())
		return;
	cmig_settings_set("citus.propagate_set_commands", "local", PGC_USERSET, GUC_ACTION_LOCAL);

	/* outside of a transaction block, Citus sends SET only from a DO block */
	cmig_query_command(psprintf("DO %s",
								quote_literal_cstr(psprintf("BEGIN SET LOCAL %s = %s; END", name,
															quote_literal_cstr(value)))),
					   InvalidOid);
}

/* A Citus function that changes how Citus stores a table or runs a function. */
static const struct
{
	const char *name;
	bool		is_compared;	/* do schema diffs show the function's effect? */
}			distributing[] = {
	{"alter_distributed_table", true},
	{"alter_table_set_access_method", false},
	{"citus_add_local_table_to_metadata", true},
	{"citus_schema_distribute", true},
	{"citus_schema_undistribute", true},
	{"create_distributed_function", false},
	{"create_distributed_table", true},
	{"create_distributed_table_concurrently", true},
	{"create_reference_table", true},
	{"mark_tables_colocated", false},
	{"remove_local_tables_from_metadata", true},
	{"truncate_local_data_after_distributing_table", true},
	{"undistribute_table", true},
	{"update_distributed_table_colocation", true},
};

/*
 * Only the name of the function that the statement calls is examined, so this
 * also works while the extension citus is hidden (see schema/schema.h).
 */
bool
cmig_citus_is_distribution(const Node *statement, bool compared)
{
	const SelectStmt *select = (const SelectStmt *) statement;
	const FuncCall *call;
	const char *name;

	if (!IsA(statement, SelectStmt) || list_length(select->targetList) != 1 || !is_loaded())
		return false;
	call = (const FuncCall *) linitial_node(ResTarget, select->targetList)->val;
	if (!IsA(call, FuncCall))
		return false;
	name = strVal(llast(call->funcname));
	for (int i = 0; i < lengthof(distributing); i++)
		if (strcmp(name, distributing[i].name) == 0)
			return !compared || distributing[i].is_compared;
	return false;
}

bool
cmig_citus_wants_toplevel(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateStmt:
		case T_CreateTableAsStmt:
		case T_CreateForeignTableStmt:
		case T_AlterObjectSchemaStmt:
			return is_loaded() && has_metadata("pg_dist_schema");
		default:
			return false;
	}
}
