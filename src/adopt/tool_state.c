/*
 * tool_state.c
 *	  Reads another tool's table of applied migrations.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "adopt/tool_state.h"
#include "base/query.h"
#include "base/role.h"
#include "compare/tool_table.h"

Oid
cmig_tool_state_table(const CmigTool *tool)
{
	const CmigToolTable *entry = NULL;

	while ((entry = cmig_tool_table_next(tool->name, entry)) != NULL)
	{
		RangeVar   *relation = makeRangeVar(unconstify(char *, entry->schema), unconstify(char *, entry->name), -1);
		Oid			table = RangeVarGetRelid(relation, NoLock, true);

		if (OidIsValid(table))
			return table;
	}
	return InvalidOid;
}

const char *
cmig_tool_state_usual_name(const CmigTool *tool)
{
	const CmigToolTable *entry = cmig_tool_table_next(tool->name, NULL);

	return entry->schema ? psprintf("%s.%s", entry->schema, entry->name) : entry->name;
}

/*
 * The column types that a tool's table may have.  Only built-in functions run
 * when values of these types are read and sorted.
 */
static const Oid column_types[] = {
	BOOLOID, BPCHAROID, BYTEAOID, DATEOID, INT2OID, INT4OID, INT8OID, NAMEOID, NUMERICOID, TEXTARRAYOID,
	TEXTOID, TIMESTAMPOID, TIMESTAMPTZOID, UUIDOID, VARCHAROID
};

static bool
is_plain_type(Oid type)
{
	for (int i = 0; i < lengthof(column_types); i++)
		if (column_types[i] == type)
			return true;
	return false;
}

char *
cmig_tool_state_refusal(const CmigTool *tool, Oid table)
{
	if (get_rel_relkind(table) != RELKIND_RELATION)
		return pstrdup("It is not an ordinary table.");
	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return pstrdup("You have no SELECT privilege on it.");
	if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
		return pstrdup("It has row-level security policies that apply to you.");
	for (int i = 0; i < CMIG_TOOL_MAX_COLUMNS && tool->columns[i]; i++)
	{
		AttrNumber	number = get_attnum(table, tool->columns[i]);

		if (number <= 0)
			return psprintf("It has no column \"%s\".", tool->columns[i]);
		if (!is_plain_type(get_atttype(table, number)))
			return psprintf("Column \"%s\" has type %s.", tool->columns[i], format_type_be(get_atttype(table, number)));
	}
	return NULL;
}

/* The rows read so far from another tool's table. */
typedef struct ToolRows
{
	MemoryContext context;
	List	   *applied;
} ToolRows;

/* Remove the last successful row of a migration that was reverted. */
static void
forget(ToolRows *rows, const char *name)
{
	for (int i = list_length(rows->applied) - 1; i >= 0; i--)
	{
		CmigToolApplied *applied = list_nth(rows->applied, i);

		if (strcmp(applied->name, name) == 0 && !applied->failed)
		{
			rows->applied = list_delete_nth_cell(rows->applied, i);
			return;
		}
	}
}

/* Returns the number of rows in the list that have this migration name. */
static int
occurrences(const ToolRows *rows, const char *name)
{
	int			count = 0;
	ListCell   *lc;

	foreach(lc, rows->applied)
		if (strcmp(((CmigToolApplied *) lfirst(lc))->name, name) == 0)
		count++;
	return count;
}

static void
take_row(TupleDesc desc, HeapTuple row, void *arg)
{
	ToolRows   *rows = arg;
	MemoryContext old = MemoryContextSwitchTo(rows->context);
	char	   *name = cmig_query_text(desc, row, 1);
	char	   *state = cmig_query_text(desc, row, 2);

	if (name == NULL)
		name = pstrdup("");
	if (state && strcmp(state, "reverted") == 0)
		forget(rows, name);
	else
	{
		CmigToolApplied *applied = palloc0(sizeof(CmigToolApplied));

		applied->name = name;
		applied->failed = state == NULL || strcmp(state, "failed") == 0;
		applied->until = state != NULL && strcmp(state, "until") == 0;
		applied->repeatable = state != NULL && strcmp(state, "repeatable") == 0;
		applied->occurrence = occurrences(rows, name) + 1;
		rows->applied = lappend(rows->applied, applied);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Open and lock the table.  Check again that the table may be read, because
 * another session may have altered it in the meantime.
 */
static Relation
open_readable(const CmigTool *tool, Oid table)
{
	Relation	relation = try_table_open(table, AccessShareLock);

	if (relation == NULL || cmig_tool_state_refusal(tool, table) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the migration table of %s was altered or dropped by another session", tool->name),
				 errhint("Try again.")));
	return relation;
}

/*
 * The planner evaluates index predicates and expressions, which can contain
 * the owner's code.  Therefore the table is read as its owner, in read-only
 * mode.
 */
List *
cmig_tool_state_read(const CmigTool *tool, Oid table)
{
	ToolRows	rows = {CurrentMemoryContext, NIL};
	CmigQuery	query = {0};
	Relation	relation = open_readable(tool, table);
	CmigRole	saved;

	query.sql = psprintf("SELECT %s FROM ONLY %s t %s", tool->select,
						 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
													RelationGetRelationName(relation)),
						 tool->rest);
	query.relation = table;
	query.alias = "t";
	query.all_rows = true;
	cmig_role_act_as_owner(&saved, relation->rd_rel->relowner);
	XactReadOnly = true;
	cmig_query_each(&query, NULL, NULL, take_row, &rows);
	cmig_role_return(&saved);
	cmig_query_free(&query);
	table_close(relation, NoLock);
	return rows.applied;
}
