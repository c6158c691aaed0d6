/*
 * row_change.c
 *	  Finds out whether a statement may change rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/row_change.h"
#include "parse/statement.h"

#include "nodes/nodeFuncs.h"

/*
 * Returns "CALL" if the called procedure may change rows; otherwise NULL.  Of
 * pg_cmig's procedures, only cmig.backfill may change rows.
 */
static const char *
call_command(const RawStmt *raw)
{
	bool		qualified;
	const char *procedure = cmig_statement_own_procedure(raw, &qualified);

	return procedure != NULL && strstr(procedure, "backfill") == NULL ? NULL : "CALL";
}

/*
 * Queries
 */

/* Can the called function change rows? */
static bool
calls_writer(const FuncCall *call, CmigMayWrite may_write)
{
	List	   *names = call->funcname;

	return may_write(list_length(names) > 1 ? strVal(list_nth(names, list_length(names) - 2)) : NULL,
					 strVal(llast(names)));
}

/* A tree walker that returns true if a part of the query may change rows. */
static bool
find_writer(Node *node, void *may_write)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			return true;
		case T_SelectStmt:
			if (((SelectStmt *) node)->intoClause != NULL)
				return true;
			break;
		case T_FuncCall:
			if (calls_writer((FuncCall *) node, (CmigMayWrite) may_write))
				return true;
			break;
		default:
			break;
	}
	return raw_expression_tree_walker(node, find_writer, may_write);
}

/*
 * Returns "command" if the query may change rows; otherwise NULL.  "query" may
 * be NULL.
 */
static const char *
query_command(Node *query, CmigMayWrite may_write, const char *command)
{
	return find_writer(query, (void *) may_write) ? command : NULL;
}

/*
 * Returns "EXPLAIN ANALYZE" if the statement may change rows; otherwise NULL.
 */
static const char *
explain_command(const ExplainStmt *explain, CmigMayWrite may_write)
{
	return cmig_statement_option(explain->options, "analyze", false) ?
		query_command(explain->query, may_write, "EXPLAIN ANALYZE") : NULL;
}

/*
 * Sequences
 */

/*
 * Returns "ALTER TABLE" if the statement restarts an identity column; otherwise
 * NULL.
 */
static const char *
alter_table_command(const AlterTableStmt *alter)
{
	ListCell   *cell;

	foreach(cell, alter->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_SetIdentity && cmig_statement_has_option((List *) cmd->def, "restart"))
			return "ALTER TABLE";
	}
	return NULL;
}

const char *
cmig_row_change_command(const RawStmt *raw, CmigMayWrite may_write)
{
	Node	   *stmt = raw->stmt;

	switch (nodeTag(stmt))
	{
		case T_InsertStmt:
			return "INSERT";
		case T_UpdateStmt:
			return "UPDATE";
		case T_DeleteStmt:
			return "DELETE";
		case T_MergeStmt:
			return "MERGE";
		case T_TruncateStmt:
			return "TRUNCATE";
		case T_CopyStmt:
			return ((CopyStmt *) stmt)->is_from ? "COPY" :
				query_command(((CopyStmt *) stmt)->query, may_write, "COPY");
		case T_SelectStmt:
			return query_command(stmt, may_write, "SELECT");
		case T_DeclareCursorStmt:
			return query_command(((DeclareCursorStmt *) stmt)->query, may_write, "DECLARE");
		case T_PrepareStmt:
			return query_command(((PrepareStmt *) stmt)->query, may_write, "PREPARE");
		case T_ExplainStmt:
			return explain_command((ExplainStmt *) stmt, may_write);
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) stmt)->objtype == OBJECT_TABLE ? "CREATE TABLE AS" : NULL;
		case T_RefreshMatViewStmt:
			return "REFRESH MATERIALIZED VIEW";
		case T_AlterSeqStmt:
			return cmig_statement_has_option(((AlterSeqStmt *) stmt)->options, "restart") ? "ALTER SEQUENCE" : NULL;
		case T_AlterTableStmt:
			return alter_table_command((AlterTableStmt *) stmt);
		case T_DoStmt:
			return "DO";
		case T_CallStmt:
			return call_command(raw);
		case T_ExecuteStmt:
			return "EXECUTE";
		default:
			return NULL;
	}
}
