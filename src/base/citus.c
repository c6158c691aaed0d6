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
#include "catalog/pg_type.h"
#include "commands/extension.h"
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
keep_answer(TupleDesc desc, HeapTuple row, void *arg)
{
	*(char **) arg = cmig_query_text_or_null(desc, row, 1);
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

	(void) cmig_query_once(sql, 1, types, values, NULL, true, keep_answer, &result);
	return result;
}

bool
cmig_citus_manages(Oid relation)
{
	return has_metadata("pg_dist_partition") &&
		ask("SELECT 'yes' FROM pg_catalog.pg_dist_partition d WHERE d.logicalrelid::oid = $1", relation) != NULL;
}

char *
cmig_citus_storage(Oid relation)
{
	return !has_metadata("pg_dist_partition") ? NULL :
		ask("SELECT CASE WHEN d.partmethod = 'h' THEN 'h' || pg_catalog.column_to_column_name(d.logicalrelid, d.partkey)"
			" WHEN d.repmodel = 't' THEN 't' WHEN d.partmethod = 'n' AND d.colocationid = 0 THEN 'l' ELSE 's' END"
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

double
cmig_citus_blocks(Oid relation)
{
	/* the number, or the message of a node that cannot be read */
	char	   *answer = ask("SELECT coalesce('!' || min(r.result) FILTER (WHERE NOT r.success), CASE WHEN bool_and(r.success) THEN"
							 " max(CASE WHEN r.success THEN r.result::float8 / current_setting('block_size')::float8 END)::text"
							 " ELSE '!' END, '0') FROM pg_catalog.run_command_on_shards($1::regclass,"
							 " 'SELECT pg_catalog.pg_relation_size(%L::pg_catalog.regclass)') AS r", relation);

	if (*answer == '!')
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("not all shards of table \"%s\" can be read", get_rel_name(relation)),
				 answer[1] ? errdetail("%s", answer + 1) : 0,
				 errhint("To see the state of the nodes: SELECT * FROM pg_catalog.citus_check_cluster_node_health()")));
	return strtod(answer, NULL);
}

double
cmig_citus_rows(Oid relation)
{
	return strtod(ask("SELECT coalesce(sum(CASE WHEN r.success THEN greatest(r.result::float8, 0) END), 0)::text"
					  " FROM pg_catalog.run_command_on_shards($1::regclass,"
					  " 'SELECT c.reltuples FROM pg_catalog.pg_class c WHERE c.oid = %L::pg_catalog.regclass') AS r", relation), NULL);
}

bool
cmig_citus_workers_agree(const char *sql)
{
	Oid			types[1] = {TEXTOID};
	Datum		values[1] = {CStringGetTextDatum(sql)};

	return cmig_query_once("SELECT FROM pg_catalog.run_command_on_workers($1) AS r"
						   " WHERE NOT r.success OR r.result IS DISTINCT FROM 't' LIMIT 1",
						   1, types, values, NULL, true, NULL, NULL) == 0;
}

bool
cmig_citus_is_worker(void)
{
	return is_loaded() && has_metadata("pg_dist_local_group") &&
		ask("SELECT 'yes' FROM pg_catalog.pg_dist_local_group WHERE groupid > 0 AND $1 = 0", InvalidOid) != NULL;
}

int
cmig_citus_parent(void)
{
	static const char prefix[] = "citus_internal gpid=";

	if (!is_loaded() || application_name == NULL ||
		strncmp(application_name, prefix, strlen(prefix)) != 0)
		return 0;

	/*
	 * return the process ID, which is the last ten digits of a global process
	 * ID
	 */
	return strtoull(application_name + strlen(prefix), NULL, 10) % UINT64CONST(10000000000);
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
				   " FROM pg_catalog.pg_dist_node WHERE groupid = 0 AND $1 = 0 ORDER BY nodeid LIMIT 1", InvalidOid);
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
	char	   *hint = warned == GetCurrentStatementStartTimestamp() ? NULL : cmig_citus_worker_hint();

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
		use_two_phases = (void (*) (void)) load_external_function("citus", "Use2PCForCoordinatedTransaction",
																  false, NULL);
	if (use_two_phases == NULL)
		return false;
	use_two_phases();
	return true;
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
	(void) cmig_query_once(psprintf("DO %s", quote_literal_cstr(psprintf("BEGIN SET LOCAL %s = %s; END", name, quote_literal_cstr(value)))),
						   0, NULL, NULL, NULL, false, NULL, NULL);
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
