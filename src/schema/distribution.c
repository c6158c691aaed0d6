/*
 * distribution.c
 *	  How a target and the database distribute tables with Citus.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/attnum.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/varlena.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Records how a target distributes tables with Citus.
 *
 * In a shadow, Citus must not distribute tables, because that would create
 * shards on other servers.  Instead, while a target's SQL or a revision's
 * script runs in the shadow, the Citus functions that distribute tables only
 * add records here, wherever they are called.
 *
 * While a Citus function is called, a function manager hook replaces its
 * address with that of a function in this file.  PostgreSQL evaluates the
 * arguments as usual, so a call can be in any query, function, or DO block.
 * ----------------------------------------------------------------
 */

/* How a table or schema is distributed. */
typedef struct Record
{
	Oid			object;			/* a table, or a schema if the method is
								 * CMIG_DISTRIBUTED_BY_SCHEMA */
	const char *method;			/* one of the CMIG_DISTRIBUTED_... words */
	AttrNumber	column;			/* the distribution column, or 0 */
	int			group;			/* tables with the same number are co-located;
								 * 0 if co-location does not apply */
	int			shards;			/* number of shards, or 0 */
	Oid			type;			/* type of the distribution column */
	Oid			collation;
	bool		by_default;		/* true if Citus chose the group */
	bool		counted;		/* true if "shards" is an argument of the
								 * call, or is taken from the live table */
} Record;

static needs_fmgr_hook_type next_needs_hook = NULL;
static fmgr_hook_type next_hook = NULL;
static Oid	citus = InvalidOid; /* OID of the extension citus */
static bool recording = false;
static bool any = false;
static MemoryContext context = NULL;	/* memory context of the records */
static List *records = NIL;		/* list of Record */

/* Returns the record for a table or schema, or NULL. */
static Record *
find(Oid object)
{
	foreach_ptr(Record, record, records)
	{
		if (record->object == object)
			return record;
	}
	return NULL;
}

static bool
is_schema(const Record *record)
{
	return strcmp(record->method, CMIG_DISTRIBUTED_BY_SCHEMA) == 0;
}

static void
switch_to_context(void)
{
	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "pg_cmig distribution",
										ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(context);
}

/*
 * Add a record for a table or schema.  Removes its previous record, and those
 * of tables and schemas that have been dropped.
 */
static Record *
add(Oid object, const char *method)
{
	MemoryContext caller = CurrentMemoryContext;
	Record	   *record;
	ListCell   *cell;

	foreach(cell, records)
	{
		record = lfirst(cell);
		if (record->object == object ||
			(is_schema(record) ? get_namespace_name(record->object) :
			 get_rel_name(record->object)) == NULL)
			records = foreach_delete_current(records, cell);
	}
	switch_to_context();
	record = palloc0(sizeof(Record));
	record->object = object;
	record->method = method;
	records = lappend(records, record);
	MemoryContextSwitchTo(caller);
	return record;
}

/*
 * Returns a new group number.  The numbers do not depend on tables that have
 * been dropped.
 */
static int
new_group(void)
{
	int			last = 0;

	foreach_ptr(Record, record, records)
		last = Max(last, record->group);
	return last + 1;
}

/*
 * Put a table into a group in the way that Citus does by default: into the
 * first group with the same number of shards and the same type of the
 * distribution column, or else into a new group.
 */
static void
join_default(Record *record)
{
	record->by_default = true;
	record->group = 0;
	foreach_ptr(const Record, other, records)
	{
		if (other != record && strcmp(other->method, record->method) == 0 &&
			other->shards == record->shards &&
			other->type == record->type && other->collation == record->collation &&
			(record->group == 0 || other->group < record->group))
			record->group = other->group;
	}
	if (record->group == 0)
		record->group = new_group();
}

/* Put a table into the group that the argument "colocate_with" names. */
static void
join(Record *record, text * colocate_with)
{
	const char *name = colocate_with ? text_to_cstring(colocate_with) : "default";

	if (pg_strcasecmp(name, "default") == 0)
		join_default(record);
	else if (pg_strcasecmp(name, "none") == 0)
	{
		record->by_default = false;
		record->group = new_group();
	}
	else
	{
		RangeVar   *relation = makeRangeVarFromNameList(textToQualifiedNameList(colocate_with));
		const Record *other = find(RangeVarGetRelid(relation, NoLock, false));

		/* put a table into the group of the table called "name" */
		if (other == NULL || other->group == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("relation \"%s\" is not distributed", relation->relname)));
		record->by_default = false;
		record->group = other->group;
		record->shards = other->shards;
		record->counted = other->counted;
	}
}

/* Set the distribution column. */
static void
set_column(Record *record, text * column)
{
	const char *name = text_to_cstring(column);
	int32		typmod;

	record->column = get_attnum(record->object, name);
	if (record->column <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
						get_rel_name(record->object))));
	get_atttypetypmodcoll(record->object, record->column, &record->type, &typmod,
						  &record->collation);
}

/*
 * Replacements for Citus functions.  Each one has the same arguments as the
 * Citus function with the same name.
 */

/* Returns an argument of type text, or NULL. */
static text *
text_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_NARGS() <= number || PG_ARGISNULL(number) ? NULL : PG_GETARG_TEXT_PP(number);
}

/* Returns an argument of type integer, or 0. */
static int
number_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_NARGS() <= number || PG_ARGISNULL(number) ? 0 : PG_GETARG_INT32(number);
}

static Datum
create_distributed_table(PG_FUNCTION_ARGS)
{
	Record	   *record;
	int			shards = number_argument(fcinfo, 4);
	const char *by_default = GetConfigOption("citus.shard_count", true, false);

	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	record = add(PG_GETARG_OID(0),
				 PG_ARGISNULL(1) ? CMIG_DISTRIBUTED_SINGLE : CMIG_DISTRIBUTED_BY_COLUMN);
	if (!PG_ARGISNULL(1))
	{
		set_column(record, PG_GETARG_TEXT_PP(1));
		record->counted = shards > 0;
		record->shards = shards > 0 ? shards : by_default ? atoi(by_default) : 0;
	}
	join(record, text_argument(fcinfo, 3));
	PG_RETURN_VOID();
}

static Datum
alter_distributed_table(PG_FUNCTION_ARGS)
{
	Record	   *record = PG_ARGISNULL(0) ? NULL : find(PG_GETARG_OID(0));
	text	   *colocate_with = text_argument(fcinfo, 3);
	int			shards = number_argument(fcinfo, 2);

	if (record == NULL || record->group == 0)
		PG_RETURN_VOID();
	if (!PG_ARGISNULL(1))
		set_column(record, PG_GETARG_TEXT_PP(1));
	if (shards > 0)
	{
		record->shards = shards;
		record->counted = true;
	}
	if (colocate_with != NULL)
		join(record, colocate_with);
	else if (!PG_ARGISNULL(1))
		join_default(record);
	else if (shards > 0 && PG_NARGS() > 4 && !PG_ARGISNULL(4) && PG_GETARG_BOOL(4))
	{
		/* give all tables in the group of "record" the same number of shards */
		foreach_ptr(Record, other, records)
		{
			if (other->group == record->group)
			{
				other->shards = record->shards;
				other->counted = record->counted;
			}
		}
	}
	else
		record->group = new_group();
	PG_RETURN_VOID();
}

static Datum
update_distributed_table_colocation(PG_FUNCTION_ARGS)
{
	Record	   *record = PG_ARGISNULL(0) ? NULL : find(PG_GETARG_OID(0));

	if (record != NULL && record->group != 0)
		join(record, text_argument(fcinfo, 1));
	PG_RETURN_VOID();
}

/*
 * Returns the table that is the first argument of a call and, if the second
 * argument, "cascade_via_foreign_keys", is true, all tables that foreign keys
 * connect with it.
 */
static List *
tables(FunctionCallInfo fcinfo)
{
	static CmigQuery query = {
		.sql = "WITH RECURSIVE t (oid) AS (SELECT $1 UNION SELECT CASE k.conrelid WHEN t.oid THEN k.confrelid ELSE k.conrelid END"
		" FROM t JOIN pg_constraint k ON k.contype = 'f' AND t.oid IN (k.conrelid, k.confrelid))"
		" SELECT oid FROM t",
		.argtypes = {OIDOID}
	};

	if (PG_ARGISNULL(0))
		return NIL;
	if (PG_NARGS() < 2 || PG_ARGISNULL(1) || !PG_GETARG_BOOL(1))
		return list_make1_oid(PG_GETARG_OID(0));
	return cmig_query_oids(&query, PG_GETARG_OID(0));
}

static Datum
create_reference_table(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
		(void) add(PG_GETARG_OID(0), CMIG_DISTRIBUTED_REFERENCE);
	PG_RETURN_VOID();
}

static Datum
citus_schema_distribute(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0))
		(void) add(PG_GETARG_OID(0), CMIG_DISTRIBUTED_BY_SCHEMA);
	PG_RETURN_VOID();
}

static Datum
citus_add_local_table_to_metadata(PG_FUNCTION_ARGS)
{
	foreach_oid(oid, tables(fcinfo))
	{
		if (find(oid) == NULL)
			(void) add(oid, CMIG_DISTRIBUTED_LOCAL);
	}
	PG_RETURN_VOID();
}

static Datum
remove_local_tables_from_metadata(PG_FUNCTION_ARGS)
{
	ListCell   *cell;

	foreach(cell, records)
	{
		if (strcmp(((const Record *) lfirst(cell))->method, CMIG_DISTRIBUTED_LOCAL) == 0)
			records = foreach_delete_current(records, cell);
	}
	PG_RETURN_VOID();
}

/* Replaces undistribute_table() and citus_schema_undistribute(). */
static Datum
undistribute(PG_FUNCTION_ARGS)
{
	List	   *objects = tables(fcinfo);
	ListCell   *cell;

	foreach(cell, records)
	{
		if (list_member_oid(objects, ((const Record *) lfirst(cell))->object))
			records = foreach_delete_current(records, cell);
	}
	PG_RETURN_VOID();
}

/*
 * Replaces the Citus functions that do not change how tables are distributed.
 */
static Datum
do_nothing(PG_FUNCTION_ARGS)
{
	PG_RETURN_VOID();
}

/*
 * Replaces a Citus function whose arguments differ from those that pg_cmig
 * knows.
 */
static Datum
refuse(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("function %s is not supported in a target or replay",
					format_procedure(fcinfo->flinfo->fn_oid)),
			 errdetail("In the installed version of Citus, the function's arguments differ from those that pg_cmig supports.")));
	PG_RETURN_VOID();
}

/* The maximum number of arguments that a replacement function reads. */
#define MAX_ARGUMENTS 5

/* A Citus function, and the function that replaces it. */
typedef struct StandIn
{
	const char *name;
	PGFunction	function;
	int			required;		/* minimum number of arguments */
	Oid			types[MAX_ARGUMENTS];	/* types of the arguments; ANYOID for
										 * an argument that is not read;
										 * InvalidOid after the last one */
} StandIn;

static const StandIn stand_ins[] = {
	{"alter_distributed_table", alter_distributed_table, 4,
	{REGCLASSOID, TEXTOID, INT4OID, TEXTOID, BOOLOID}},
	{"alter_table_set_access_method", do_nothing},
	{"citus_add_local_table_to_metadata", citus_add_local_table_to_metadata, 1,
	{REGCLASSOID, BOOLOID}},
	{"citus_schema_distribute", citus_schema_distribute, 1, {REGNAMESPACEOID}},
	{"citus_schema_undistribute", undistribute, 1, {REGNAMESPACEOID}},
	{"create_distributed_function", do_nothing},
	{"create_distributed_table", create_distributed_table, 2,
	{REGCLASSOID, TEXTOID, ANYOID, TEXTOID, INT4OID}},
	{"create_distributed_table_concurrently", create_distributed_table, 2,
	{REGCLASSOID, TEXTOID, ANYOID, TEXTOID, INT4OID}},
	{"create_reference_table", create_reference_table, 1, {REGCLASSOID}},
	{"mark_tables_colocated", do_nothing},
	{"remove_local_tables_from_metadata", remove_local_tables_from_metadata},
	{"truncate_local_data_after_distributing_table", do_nothing},
	{"undistribute_table", undistribute, 1, {REGCLASSOID, BOOLOID}},
	{"update_distributed_table_colocation", update_distributed_table_colocation, 2,
	{REGCLASSOID, TEXTOID}},
};

/* Does the Citus function have arguments that its replacement can read? */
static bool
fits(const StandIn *found, Oid function)
{
	Oid		   *types;
	int			count;

	(void) get_func_signature(function, &types, &count);
	if (count < found->required)
		return false;
	for (int i = 0; i < Min(count, MAX_ARGUMENTS); i++)
	{
		if (OidIsValid(found->types[i]) && found->types[i] != ANYOID && found->types[i] != types[i])
			return false;
	}
	return true;
}

/*
 * Returns the function that replaces a Citus function, or NULL if there is
 * none.  Functions that do not belong to the extension citus are not replaced.
 */
static PGFunction
stand_in(Oid function)
{
	const char *name;

	if (!recording || function < FirstNormalObjectId ||
		get_func_namespace(function) != PG_CATALOG_NAMESPACE)
		return NULL;
	name = get_func_name(function);
	for (int i = 0; name != NULL && i < lengthof(stand_ins); i++)
	{
		if (strcmp(stand_ins[i].name, name) == 0 &&
			getExtensionOfObject(ProcedureRelationId, function) == citus)
			return fits(&stand_ins[i], function) ? stand_ins[i].function : refuse;
	}
	return NULL;
}

static bool
needs_hook(Oid function)
{
	return stand_in(function) != NULL || (next_needs_hook != NULL && next_needs_hook(function));
}

/* The private data of replace() for a function's call site. */
typedef struct Call
{
	PGFunction	original;		/* the Citus function's address; NULL if it is
								 * not replaced at the moment */
	Datum		next;			/* private data of the next hook */
} Call;

/*
 * The function manager hook: change the function's address before the call,
 * and restore it afterwards.  *private is kept with the function's call site.
 */
static void
replace(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
	Call	   *call = (Call *) DatumGetPointer(*private);
	PGFunction	function;

	/*
	 * PostgreSQL also calls the hook for functions with SECURITY DEFINER or
	 * SET, which are not replaced
	 */
	if (call == NULL && next_hook == NULL && stand_in(flinfo->fn_oid) == NULL)
		return;
	if (call == NULL)
	{
		call = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Call));
		*private = PointerGetDatum(call);
	}
	if (next_hook != NULL)
		next_hook(event, flinfo, &call->next);
	if (event != FHET_START)
	{
		if (call->original != NULL)
			flinfo->fn_addr = call->original;
		call->original = NULL;
		return;
	}
	function = stand_in(flinfo->fn_oid);
	if (function == NULL)
		return;
	any = true;
	call->original = flinfo->fn_addr;
	flinfo->fn_addr = function;
}

/* The records as they were when a subtransaction started. */
typedef struct SavedRecords
{
	SubTransactionId subtransaction;
	List	   *records;		/* list of copies */
} SavedRecords;

static List *saved = NIL;		/* list of SavedRecords, the innermost first */

/*
 * Subtransaction callback: restore the records if a subtransaction is rolled
 * back, because the tables that it has dropped or distributed are then as they
 * were before.
 */
static void
follow_subtransaction(SubXactEvent event, SubTransactionId subtransaction, SubTransactionId parent,
					  void *arg)
{
	SavedRecords *last = saved != NIL ? linitial(saved) : NULL;
	ListCell   *cell;

	if (event == SUBXACT_EVENT_START_SUB && OidIsValid(citus))
	{
		MemoryContext caller = CurrentMemoryContext;

		switch_to_context();
		last = palloc0(sizeof(SavedRecords));
		last->subtransaction = subtransaction;
		foreach(cell, records)
			last->records = lappend(last->records,
									memcpy(palloc(sizeof(Record)), lfirst(cell), sizeof(Record)));
		saved = lcons(last, saved);
		MemoryContextSwitchTo(caller);
	}
	else if (last != NULL && last->subtransaction == subtransaction &&
			 (event == SUBXACT_EVENT_ABORT_SUB || event == SUBXACT_EVENT_COMMIT_SUB))
	{
		if (event == SUBXACT_EVENT_ABORT_SUB)
			records = last->records;
		saved = list_delete_first(saved);
	}
}

void
cmig_distribution_record_init(void)
{
	next_needs_hook = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	next_hook = fmgr_hook;
	fmgr_hook = replace;
	RegisterSubXactCallback(follow_subtransaction, NULL);
}

void
cmig_distribution_record_watch(bool on)
{
	recording = on && OidIsValid(citus) &&
		GetConfigOption("citus.shard_count", true, false) != NULL;
}

void
cmig_distribution_record_reset(bool begins)
{
	citus = begins ? get_extension_oid("citus", true) : InvalidOid;
	recording = any = false;
	records = saved = NIL;
	if (context != NULL)
		MemoryContextDelete(context);
	context = NULL;
}

void
cmig_distribution_record_schema(Oid schema)
{
	const char *value = recording ?
	GetConfigOption("citus.enable_schema_based_sharding", true, false) : NULL;

	if (value == NULL || strcmp(value, "on") != 0 || !OidIsValid(schema) ||
		!cmig_citus_is_installed())
		return;
	any = true;
	(void) add(schema, CMIG_DISTRIBUTED_BY_SCHEMA);
}

void
cmig_distribution_record_detach(Oid partition)
{
	Record	   *record,
			   *parent = NULL;
	Oid			table = partition;

	if (!recording || !OidIsValid(partition))
		return;
	while (parent == NULL && get_rel_relispartition(table))
	{
		table = get_partition_parent(table, true);
		parent = find(table);
	}
	if (parent == NULL)
		return;
	record = add(partition, parent->method);
	*record = *parent;
	record->object = partition;
	if (parent->column != 0)
		record->column = get_attnum(partition, get_attname(table, parent->column, false));
}

bool
cmig_distribution_record_any(void)
{
	return any;
}

/* ----------------------------------------------------------------
 * Adds the distribution of tables by Citus to an image.
 *
 * For live tables, the distribution is read from the metadata of Citus.
 * Tables in a shadow are not in the metadata, but the target's calls are
 * recorded; see schema.h.
 *
 * Tables in distributed schemas, partitions, and local tables that Citus
 * itself has added to its metadata are left out, because Citus distributes
 * them when they are created.
 * ----------------------------------------------------------------
 */

/*
 * The "sub" of a distribution's address.  The OID in the address is that of
 * the table.
 */
#define ADDRESS_SUB (-3)

/* Returns the table, schema, or column with this address, or NULL. */
static CmigObject *
find_object(const CmigImage *image, Oid catalog, Oid object, int sub)
{
	CmigAddress address = {catalog, object, sub};

	return cmig_image_find_exactly(image, address);
}

/*
 * Add a distribution for a record, unless the image lacks the record's table
 * or schema.
 */
static void
add_to_image(CmigImage *image, const Record *record)
{
	Oid			catalog = is_schema(record) ? NamespaceRelationId : RelationRelationId;
	CmigObject *parent = find_object(image, catalog, record->object, 0),
			   *column = record->column == 0 ? NULL :
	find_object(image, catalog, record->object, record->column),
			   *object;
	char	   *shards;

	if (parent == NULL || (record->column != 0 && column == NULL))
		return;
	object = cmig_object_new(&cmig_kind_distribution, parent->name, parent->identity);
	object->parent = parent;
	object->address.catalog = catalog;
	object->address.object = record->object;
	object->address.sub = ADDRESS_SUB;
	shards = record->shards > 0 ? psprintf("%d", record->shards) : NULL;
	cmig_object_set(object, CMIG_DISTRIBUTION_METHOD, pstrdup(record->method));
	cmig_object_set(object, CMIG_DISTRIBUTION_COLUMN, column ? column->name : NULL);
	cmig_object_set(object, CMIG_DISTRIBUTION_SHARDS, record->counted ? shards : NULL);
	cmig_object_set(object, CMIG_DISTRIBUTION_COUNT, shards);
	if (record->group != 0)
		cmig_object_set(object, CMIG_DISTRIBUTION_GROUP, psprintf("%d", record->group));
	if (record->by_default)
		cmig_object_set(object, CMIG_DISTRIBUTION_DEFAULT, "t");
	cmig_image_add(image, object);
	if (column != NULL)
		cmig_image_depend(image, object, column);
	if (catalog == RelationRelationId)
	{
		CmigObject *partition = find_object(image, RelationRelationId, record->object, -2);

		/*
		 * record that a table is distributed after its unique constraints,
		 * indexes, and partitions are created
		 */
		for (CmigObject *child = object->parent->child; child != NULL; child = child->sibling)
			if (child->kind == &cmig_kind_constraint || child->kind == &cmig_kind_index)
				cmig_object_follow(object, child);
		if (partition != NULL)
			cmig_object_follow(object, partition);
	}
}

/* Row callback: add a distribution that is in the metadata. */
static void
add_row(const CmigRow *row, void *arg)
{
	Record		record = {
		.object = cmig_query_int64(row, 1, 0),
		.method = cmig_query_text(row, 2),
		.column = cmig_query_int64(row, 3, 0),
		.group = cmig_query_int64(row, 4, 0),
		.shards = cmig_query_int64(row, 5, 0),
		.counted = true
	};

	add_to_image(arg, &record);
}

/* Add the distributions that are in the metadata of Citus. */
static void
add_live(CmigImage *image, Datum schemas)
{
	static CmigQuery query = {
		"SELECT c.oid::bigint, CASE WHEN d.partmethod = 'h' THEN '" CMIG_DISTRIBUTED_BY_COLUMN "'"
		"  WHEN d.partmethod <> 'n' THEN '" CMIG_DISTRIBUTED_OTHERWISE "'"
		"  WHEN d.repmodel = 't' THEN '" CMIG_DISTRIBUTED_REFERENCE "'"
		"  WHEN d.colocationid = 0 THEN '" CMIG_DISTRIBUTED_LOCAL "' ELSE '" CMIG_DISTRIBUTED_SINGLE "' END,"
		" (SELECT a.attnum::bigint FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid"
		"  AND a.attname = pg_catalog.column_to_column_name(d.logicalrelid, d.partkey)),"
		" CASE WHEN d.repmodel <> 't' THEN d.colocationid::bigint END,"
		" CASE WHEN d.partmethod = 'h' THEN g.shardcount::bigint END"
		" FROM pg_catalog.pg_dist_partition d"
		" JOIN pg_catalog.pg_class c ON c.oid = d.logicalrelid::oid"
		" LEFT JOIN pg_catalog.pg_dist_colocation g ON g.colocationid = d.colocationid"
		" WHERE c.relnamespace = ANY ($1) AND NOT c.relispartition AND NOT d.autoconverted"
		" AND NOT EXISTS (SELECT FROM pg_catalog.pg_dist_schema s"
		" WHERE s.schemaid::oid = c.relnamespace)"
		" UNION ALL SELECT s.schemaid::oid::bigint, '" CMIG_DISTRIBUTED_BY_SCHEMA "', NULL, NULL, NULL"
		" FROM pg_catalog.pg_dist_schema s WHERE s.schemaid::oid = ANY ($1)", {OIDARRAYOID}
	};

	(void) cmig_query_each(&query, &schemas, NULL, add_row, image);
}

/*
 * Make a foreign key depend on the distributions of its table and of the table
 * that it references.  The foreign key is then created by a separate statement
 * after both tables are distributed, and dropped before either distribution
 * changes.
 */
static void
add_depends(CmigImage *image)
{
	const int	count = image->nedges;

	for (int i = 0; i < count; i++)
	{
		CmigObject *key = image->edges[i].object;
		const CmigObject *on = cmig_object_root(image->edges[i].on);
		CmigObject *own,
				   *other;

		if (key->kind != &cmig_kind_foreign_key)
			continue;
		own = find_object(image, RelationRelationId, key->parent->address.object, ADDRESS_SUB);
		other = on->kind == &cmig_kind_table ?
			find_object(image, RelationRelationId, on->address.object, ADDRESS_SUB) : NULL;
		cmig_image_depend(image, key, own);
		cmig_image_depend(image, key, other);
		key->unfolded |= own != NULL || other != NULL;
	}
}

void
cmig_image_read_distribution(CmigImage *image, Datum schemas)
{
	const int	count = image->count;

	if (cmig_citus_is_installed())
		add_live(image, schemas);
	foreach_ptr(Record, record, records)
		add_to_image(image, record);
	if (image->count > count)
		add_depends(image);
}
