/*
 * audit_as_of.c
 *	  Returns a table's rows as they were at a given time.
 *
 * audit_as_of_sql.c explains how the answer is found.  This file collects the
 * information that the queries depend on, and runs the queries.  They run with
 * the caller's privileges, so the table must not change between a check and
 * the query.  Such changes by other sessions are prevented by locks on the
 * table, by audit_types.c, and by the check in base/query.c that the name
 * still refers to the table.  The owner's code runs in this session in a
 * read-only transaction (audit_image.c).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "audit/audit_as_of_layouts.h"
#include "audit/audit_as_of_sql.h"
#include "audit/audit_image.h"
#include "audit/audit_key.h"
#include "audit/audit_log.h"
#include "audit/audit_options.h"
#include "audit/audit_reader.h"
#include "audit/audit_row.h"
#include "audit/audit_target.h"
#include "audit/audit_types.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "base/settings.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(cmig_audit_as_of);
PG_FUNCTION_INFO_V1(cmig_audit_as_of_wrong);

/*
 * Finds the table to which a string, given in place of a table, probably
 * refers.
 */
static CmigQuery find_table = {
	"SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)"
	" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
	" WHERE c.relkind IN ('r', 'p') AND $1 IN (c.relname, n.nspname || '.' || c.relname,"
	" pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.quote_ident(c.relname))"
	" ORDER BY n.nspname <> 'public', n.nspname LIMIT 1",
	1, {TEXTOID}
};

/* One call of audit_as_of(). */
typedef struct AsOf
{
	CmigAuditTarget *target;
	TimestampTz at;
	CmigAsOfQuery query;
	Datum		values[CMIG_AS_OF_PARAMETERS];
	char		nulls[CMIG_AS_OF_PARAMETERS + 1];
	ReturnSetInfo *result;
	bool		partial;		/* has the simple query returned an image that
								 * is only a part of the row? */
	CmigAuditImages images;
	MemoryContext row_context;	/* reset for each row */
} AsOf;

static const Oid parameter_types[CMIG_AS_OF_PARAMETERS] = {
	[CMIG_AS_OF_AT] = TIMESTAMPTZOID,
	[CMIG_AS_OF_LOW] = INT8OID,
	[CMIG_AS_OF_HIGH] = INT8OID,
	[CMIG_AS_OF_HASHES] = INT8ARRAYOID,
	[CMIG_AS_OF_KEY] = JSONBOID,
	[CMIG_AS_OF_RENAMES] = JSONBOID,
	[CMIG_AS_OF_HIDDEN] = TEXTARRAYOID,
	[CMIG_AS_OF_SEQ] = INT8OID
};

/* Returns a row if a key was changed after the requested time. */
static CmigQuery changed_keys = {
	"SELECT 'yes' FROM cmig_audit.log l"
	" WHERE l.old_hash >= $1 AND l.old_hash < $2 AND l.clock_at > $3 LIMIT 1",
	3, {INT8OID, INT8OID, TIMESTAMPTZOID}
};

/* Returns the position (seq) of the first TRUNCATE after the requested time. */
static CmigQuery first_truncate = {
	"SELECT pg_catalog.min(l.seq)::text FROM cmig_audit.log l"
	" WHERE l.row_hash = $1 AND l.operation = 'TRUNCATE' AND l.clock_at > $2",
	2, {INT8OID, TIMESTAMPTZOID}
};

/* Raise an error for an imported entry that lacks the old or the new row. */
static void
raise_lost(const AsOf *as_of, Datum key)
{
	char	   *text = JsonbToCString(NULL, &DatumGetJsonbP(key)->root, VARSIZE(DatumGetPointer(key)));

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot reconstruct a row of table \"%s\" as of the given time", as_of->target->name),
			 errdetail("A log entry for the row with key %s does not contain the row as it was before or after the change.", text),
			 errhint("Use a time after that entry. To see what was logged: SELECT * FROM cmig.audit_history(%s, %s)",
					 quote_literal_cstr(as_of->query.type), quote_literal_cstr(text))));
}

/* Callback that adds a row of the query to the function's result. */
static void
put_row(TupleDesc desc, HeapTuple row, void *arg)
{
	AsOf	   *as_of = arg;
	bool		isnull;
	Datum		value;
	HeapTupleHeader header;
	HeapTupleData tuple;
	MemoryContext old;

	if (as_of->partial)
		return;
	if (DatumGetBool(cmig_query_datum(desc, row, 3, &isnull)))
	{
		as_of->partial = true;
		return;
	}
	old = MemoryContextSwitchTo(as_of->row_context);
	value = cmig_query_datum(desc, row, 1, &isnull);
	if (isnull)
	{
		Datum		image = cmig_query_datum(desc, row, 2, &isnull);

		if (isnull)
			raise_lost(as_of, cmig_query_datum(desc, row, 4, &isnull));
		value = cmig_audit_image_row(&as_of->images, image);
	}
	header = DatumGetHeapTupleHeader(value);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	tuplestore_puttuple(as_of->result->setResult, &tuple);
	MemoryContextSwitchTo(old);
	MemoryContextReset(as_of->row_context);
}

/* Run a query, and return its rows as the function's result. */
static void
run_query(AsOf *as_of, const char *sql)
{
	CmigQuery	query = {0};

	query.sql = sql;
	query.nargs = CMIG_AS_OF_PARAMETERS;
	memcpy(query.argtypes, parameter_types, sizeof(parameter_types));
	query.relation = as_of->target->relation;
	query.alias = as_of->query.alias;
	cmig_query_each(&query, as_of->values, as_of->nulls, put_row, as_of);
}

/*
 * Add all rows to the function's result.  For a table without a key, run the
 * query that counts equal rows.  For other tables, run the simple query and, if
 * it does not suffice or the table was truncated, the general query.
 */
static void
put_all_rows(void *arg)
{
	AsOf	   *as_of = arg;

	if (as_of->target->key_columns == NIL)
	{
		run_query(as_of, cmig_audit_as_of_sql_counting(&as_of->query));
		return;
	}
	if (!as_of->query.truncated)
		run_query(as_of, cmig_audit_as_of_sql_simple(&as_of->query));
	if (as_of->query.truncated || as_of->partial)
	{
		tuplestore_clear(as_of->result->setResult);
		as_of->partial = false;
		run_query(as_of, cmig_audit_as_of_sql_general(&as_of->query));
	}
}

/*
 * Prevent changes to the types of all columns, because the queries call
 * to_jsonb() for keys and rows with the caller's privileges.  Returns the
 * result of cmig_audit_types_hold().
 */
static bool
hold_types(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	List	   *types = NIL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped)
			types = list_append_unique_oid(types, attribute->atttypid);
	}
	return cmig_audit_types_hold(types);
}

/*
 * Returns an alias for the table that is not the name of a column, so that the
 * alias refers to the whole row.  Policies on the table are unlikely to use
 * this name, either.
 */
static char *
alias_for(Oid relation)
{
	char	   *alias = pstrdup("cmig_live");

	while (get_attnum(relation, alias) != InvalidAttrNumber)
		alias = psprintf("%s_", alias);
	return alias;
}

/*
 * Returns an SQL expression for the key of a row of the table, as the trigger
 * writes it.
 */
static char *
live_key(const CmigAuditTarget *target, const char *alias)
{
	StringInfoData text;
	ListCell   *lc;

	if (target->key_columns == NIL)
		return psprintf("pg_catalog.to_jsonb(%s)", alias);
	initStringInfo(&text);
	appendStringInfoString(&text, "pg_catalog.jsonb_build_object(");
	foreach(lc, target->key_columns)
	{
		if (lc != list_head(target->key_columns))
			appendStringInfoString(&text, ", ");
		appendStringInfo(&text, "%s::text, %s.%s", quote_literal_cstr(lfirst(lc)),
						 alias, quote_identifier(lfirst(lc)));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

/* Can several rows have the same key during a transaction? */
static bool
key_is_deferrable(Relation relation)
{
	List	   *oids = RelationGetIndexList(relation);
	ListCell   *lc;
	bool		deferrable = false;

	foreach(lc, oids)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			continue;
		deferrable |= ((Form_pg_index) GETSTRUCT(tuple))->indisprimary &&
			!((Form_pg_index) GETSTRUCT(tuple))->indimmediate;
		ReleaseSysCache(tuple);
	}
	list_free(oids);
	return deferrable;
}

/*
 * Raise an error for a partition whose changes are logged as changes of the
 * partitioned table.
 */
static void
refuse_partition(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	Oid			trigger = InvalidOid;
	Oid			root;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		if (triggers->triggers[i].tgisclone &&
			strncmp(triggers->triggers[i].tgname, "cmig_audit_", 11) == 0)
			trigger = triggers->triggers[i].tgoid;
	}
	if (!OidIsValid(trigger))
		return;
	root = cmig_audit_options_root(RelationGetRelid(relation), trigger);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("partition \"%s\" is audited through its partitioned table",
					RelationGetRelationName(relation)),
			 errhint("Query the partitioned table with a condition on its partition key: SELECT * FROM cmig.audit_as_of(NULL::%s, <time>)",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(root)),
												get_rel_name(root)))));
}

/* Returns the table whose row type is the type of the first argument. */
static Oid
table_of_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relation = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;

	if (!OidIsValid(relation) ||
		(get_rel_relkind(relation) != RELKIND_RELATION &&
		 get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the first argument must have the row type of a table"),
				 errhint("SELECT * FROM cmig.audit_as_of(NULL::<table>, <time>)")));
	return relation;
}

static void
set_parameter(AsOf *as_of, CmigAsOfParameter parameter, Datum value)
{
	as_of->values[parameter] = value;
	as_of->nulls[parameter] = ' ';
}

/* Restrict the query to the key in the third argument, if it is not null. */
static void
set_key(AsOf *as_of, FunctionCallInfo fcinfo)
{
	List	   *keys = cmig_audit_key_argument(fcinfo, 2, as_of->target);
	Datum	   *hashes;
	ListCell   *lc;
	int			count = 0;

	if (keys == NIL)
		return;
	as_of->query.has_key = true;
	hashes = palloc(sizeof(Datum) * list_length(keys));
	foreach(lc, keys)
	{
		hashes[count++] = Int64GetDatum(cmig_audit_log_row_hash(as_of->target->table_id,
																JsonbPGetDatum(lfirst(lc))));
	}
	set_parameter(as_of, CMIG_AS_OF_HASHES,
				  PointerGetDatum(construct_array(hashes, count, INT8OID, 8,
												  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
	set_parameter(as_of, CMIG_AS_OF_KEY, JsonbPGetDatum(linitial(keys)));
}

/*
 * Lock the table, and collect the information that the queries need.  The lock
 * is held until the end of the transaction, so that no other session can
 * rename or alter the table, or replace it with a view, which the queries
 * would read with the caller's privileges.
 */
static void
begin_as_of(AsOf *as_of, FunctionCallInfo fcinfo)
{
	CmigAsOfQuery *query = &as_of->query;
	Oid			oid = table_of_argument(fcinfo);

	LockRelationOid(oid, AccessShareLock);
	/* check that the table was not dropped or replaced before it was locked */
	if (table_of_argument(fcinfo) != oid)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", oid)));
	as_of->target = cmig_audit_target_of(oid);
	as_of->at = PG_GETARG_TIMESTAMPTZ(1);
	as_of->result = (ReturnSetInfo *) fcinfo->resultinfo;
	query->alias = alias_for(oid);
	query->live_key = live_key(as_of->target, query->alias);

	memset(as_of->nulls, 'n', CMIG_AS_OF_PARAMETERS);
	set_parameter(as_of, CMIG_AS_OF_AT, PG_GETARG_DATUM(1));
	set_parameter(as_of, CMIG_AS_OF_LOW, Int64GetDatum((int64) as_of->target->table_id << 32));
	set_parameter(as_of, CMIG_AS_OF_HIGH, Int64GetDatum(((int64) as_of->target->table_id + 1) << 32));
}

/*
 * Set the parts of the query that depend on the log entries after the requested
 * time.
 */
static void
look_at_log(AsOf *as_of)
{
	CmigAsOfQuery *query = &as_of->query;
	Datum		changed_values[3] = {as_of->values[CMIG_AS_OF_LOW], as_of->values[CMIG_AS_OF_HIGH],
	as_of->values[CMIG_AS_OF_AT]};
	Datum		truncate_values[2] = {as_of->values[CMIG_AS_OF_LOW], as_of->values[CMIG_AS_OF_AT]};
	char	   *truncate = NULL;
	char	   *changed = NULL;
	Jsonb	   *renames = cmig_audit_as_of_layouts_renames(as_of->target);

	query->has_renames = renames != NULL;
	if (renames)
		set_parameter(as_of, CMIG_AS_OF_RENAMES, JsonbPGetDatum(renames));
	cmig_query_each(&changed_keys, changed_values, NULL, cmig_query_keep_text, &changed);
	query->keys_changed = changed != NULL;
	cmig_query_each(&first_truncate, truncate_values, NULL, cmig_query_keep_text, &truncate);
	query->truncated = truncate != NULL;
	if (truncate)
		set_parameter(as_of, CMIG_AS_OF_SEQ,
					  DirectFunctionCall1(int8in, CStringGetDatum(truncate)));
}

/* Set the parts of the query that depend on the table as it is now. */
static void
look_at_table(AsOf *as_of, Relation relation)
{
	CmigAsOfQuery *query = &as_of->query;
	List	   *young = NIL;
	ArrayType  *hidden;

	/*
	 * read the names again, because the schema may have been renamed while
	 * the key was read
	 */
	query->type = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
											 RelationGetRelationName(relation));
	query->table = relation->rd_rel->relkind == RELKIND_RELATION ?
		psprintf("ONLY %s", query->type) : query->type;
	query->deferrable = key_is_deferrable(relation);
	if (as_of->target->key_columns == NIL)
		young = cmig_audit_as_of_layouts_young(as_of->target, relation, &as_of->values[CMIG_AS_OF_LOW],
											   query->truncated ? DT_NOBEGIN : as_of->at);
	hidden = cmig_audit_as_of_layouts_hidden(as_of->target, relation, cmig_audit_log_extension_owner(), young);
	query->has_hidden = hidden != NULL;
	if (hidden)
		set_parameter(as_of, CMIG_AS_OF_HIDDEN, PointerGetDatum(hidden));
	as_of->row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig row",
											   ALLOCSET_DEFAULT_SIZES);
	cmig_audit_image_init(&as_of->images, RelationGetRelid(relation), relation->rd_rel->relowner,
						  as_of->target->key_columns, as_of->at);
}

Datum
cmig_audit_as_of(PG_FUNCTION_ARGS)
{
	AsOf		as_of = {0};
	Relation	relation;
	bool		held;
	int			guc_level;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the time must not be null"),
				 errhint("SELECT * FROM cmig.audit_as_of(NULL::<table>, now() - interval '1 day')")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	cmig_audit_reader_begin();
	begin_as_of(&as_of, fcinfo);
	cmig_audit_as_of_layouts_check_keys(as_of.target, &as_of.values[CMIG_AS_OF_LOW], as_of.at);
	if (PG_NARGS() > 2)
		set_key(&as_of, fcinfo);
	look_at_log(&as_of);
	relation = table_open(as_of.target->relation, AccessShareLock);
	refuse_partition(relation);
	look_at_table(&as_of, relation);
	held = hold_types(relation);
	table_close(relation, AccessShareLock);

	guc_level = cmig_audit_row_pin_reader();
	/* turn off JIT compilation, which would take longer than it saves */
	cmig_settings_override("jit", "off");

	/*
	 * turn off nested loops, which are slow but which the planner might
	 * choose, because it cannot estimate how many entries of a transaction
	 * share a key
	 */
	if (as_of.query.deferrable)
		cmig_settings_override("enable_nestloop", "off");
	cmig_audit_image_explain(&as_of.images, put_all_rows, &as_of);
	AtEOXact_GUC(false, guc_level);
	cmig_audit_types_release(held);
	return (Datum) 0;
}

/*
 * Returns the name of the table that the caller of audit_as_of() probably
 * meant, for the hint.
 */
static char *
probable_table(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relation = OidIsValid(type) ? get_typ_typrelid(type) : InvalidOid;
	Datum		values[1];
	char	   *found = NULL;

	if (OidIsValid(relation))
		return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
										  get_rel_name(relation));
	if (!PG_ARGISNULL(0) && type == TEXTOID)
	{
		values[0] = PG_GETARG_DATUM(0);
		(void) cmig_query_each(&find_table, values, NULL, cmig_query_keep_text, &found);
	}
	return found != NULL ? found : "<table>";
}

/*
 * Raise an error for a call of audit_as_of() without a time, without a row
 * type, or with the name of a table in place of the row type.
 */
Datum
cmig_audit_as_of_wrong(PG_FUNCTION_ARGS)
{
	char	   *at = "now() - interval '1 day'";

	if (PG_NARGS() > 1 && !PG_ARGISNULL(1))
		at = quote_literal_cstr(timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(1)));
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 OidIsValid(get_typ_typrelid(get_fn_expr_argtype(fcinfo->flinfo, 0)))
			 ? errmsg("the time must not be null")
			 : errmsg("the first argument must have the row type of a table"),
			 errhint("SELECT * FROM cmig.audit_as_of(NULL::%s, %s%s)", probable_table(fcinfo), at,
					 PG_NARGS() > 2 && !PG_ARGISNULL(2) ? ", '<key>'" : "")));
	return (Datum) 0;
}
