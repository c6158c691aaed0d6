/*
 * row_change.c
 *	  Statements that may change rows.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/row_change.h"
#include "parse/statement.h"

/* Of the procedures of pg_cmig, only the one for batches changes rows. */
static const char *
call_command(const RawStmt *raw)
{
	bool		qualified;
	const char *procedure = cmig_statement_own_procedure(raw, &qualified);

	return procedure != NULL && strstr(procedure, "backfill") == NULL ? NULL : "CALL";
}

const char *
cmig_row_change_command(const RawStmt *raw)
{
	switch (nodeTag(raw->stmt))
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
			return ((CopyStmt *) raw->stmt)->is_from ? "COPY" : NULL;
		case T_SelectStmt:
			return "SELECT";
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) raw->stmt)->objtype == OBJECT_TABLE ? "CREATE TABLE AS" : NULL;
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
