/*
 * text_check.c
 *	  Checks whether a script can run by examining its text alone.
 *
 * A parser error is caught without a subtransaction, because the parser
 * acquires no resources other than memory.  Errors that were not caused by the
 * text, such as a cancellation, are rethrown.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "parse/script.h"
#include "parse/script_error.h"
#include "parse/statement.h"
#include "parse/text_check.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/memutils.h"

/*
 * Convert the caught error to a problem that names the statement's number and
 * the line.
 */
static CmigTextProblem *
describe_error(const char *what, const CmigStatement *statement, const ErrorData *error)
{
	CmigTextProblem *result = palloc(sizeof(CmigTextProblem));

	result->problem = psprintf("its %s script cannot run: statement %d, line %d: %s", what,
							   statement->number, cmig_script_error_line(statement, error), error->message);
	result->fix = error->hint ? error->hint : "Correct the script and load it again.";
	return result;
}

/*
 * Returns a problem if the runner would reject the statement; otherwise,
 * returns NULL.
 */
static CmigTextProblem *
find_refusal(const char *what, const CmigStatement *statement, bool transactional,
			 bool off_mode)
{
	CmigTextProblem *result;
	const char *reason;
	const char *refusal = "is not allowed in a revision's script";
	const char *fix = NULL;

	switch (cmig_statement_classify(statement->raw, &reason))
	{
		case CMIG_STATEMENT_PLAIN:
			return NULL;
		case CMIG_STATEMENT_CONCURRENTLY:
		case CMIG_STATEMENT_OWN_PROCEDURE:
			if (off_mode)
				return NULL;
			/* FALLTHROUGH */
		case CMIG_STATEMENT_TOP_LEVEL:
			if (!transactional)
				return NULL;
			refusal = "cannot run inside a transaction";
			fix = "Set \"transactional: false\" in the revision.";
			break;
		case CMIG_STATEMENT_TRANSACTION:
			fix = "Remove it: the session that runs the revision controls the transaction.";
			break;
		case CMIG_STATEMENT_CLIENT_COPY:
			fix = "Use INSERT, or COPY with a file on the server.";
			break;
		case CMIG_STATEMENT_DISCARD_ALL:
			fix = "Remove it.";
			break;
	}
	result = palloc(sizeof(CmigTextProblem));
	result->problem = psprintf("its %s script cannot run: statement %d, line %d: %s %s", what,
							   statement->number, statement->line, reason, refusal);
	result->fix = fix;
	return result;
}

/*
 * Returns the table whose rows a statement writes.  Returns NULL if there is
 * none.
 */
static const RangeVar *
written_table(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_InsertStmt:
			return ((InsertStmt *) stmt)->relation;
		case T_UpdateStmt:
			return ((UpdateStmt *) stmt)->relation;
		case T_DeleteStmt:
			return ((DeleteStmt *) stmt)->relation;
		case T_CopyStmt:
			return ((CopyStmt *) stmt)->is_from ? ((CopyStmt *) stmt)->relation : NULL;
		default:
			return NULL;
	}
}

/*
 * Returns a problem if a downgrade writes to a table that it has dropped;
 * otherwise, returns NULL.  A downgrade may do so, for example, if the cat
 * command has appended a file without a header to a revision file.  *dropped is
 * the list of the dropped tables' names as written in the script, allocated in
 * the given context.  The list is emptied at each statement that may create a
 * table.
 */
static CmigTextProblem *
find_write_to_dropped(const CmigStatement *statement, List **dropped, MemoryContext context)
{
	Node	   *stmt = statement->raw->stmt;
	const RangeVar *table = written_table(stmt);
	CmigTextProblem *result;
	const char *name;
	ListCell   *lc;

	if (IsA(stmt, DropStmt) && ((DropStmt *) stmt)->removeType == OBJECT_TABLE)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		foreach(lc, ((DropStmt *) stmt)->objects)
		{
			*dropped = lappend(*dropped, NameListToString(lfirst(lc)));
		}
		MemoryContextSwitchTo(old);
	}
	else if (table == NULL && !IsA(stmt, DropStmt) && !IsA(stmt, AlterTableStmt))
		*dropped = NIL;
	if (table == NULL)
		return NULL;
	name = table->schemaname ? psprintf("%s.%s", table->schemaname, table->relname) : table->relname;
	foreach(lc, *dropped)
	{
		if (strcmp(lfirst(lc), name) != 0)
			continue;
		result = palloc(sizeof(CmigTextProblem));
		result->problem = psprintf("its downgrade script cannot run: statement %d, line %d writes to table \"%s\", which an earlier statement drops",
								   statement->number, statement->line, name);
		result->fix = "If you joined several files with cat, load the files with their names instead, using awk as in README.md.";
		return result;
	}
	return NULL;
}

CmigTextProblem *
cmig_text_check(const char *what, const char *sql, bool transactional, bool off_mode)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(sql);
	CmigStatement statement = {0};
	CmigTextProblem *volatile problem = NULL;
	bool		down = strcmp(what, "downgrade") == 0;
	List	   *dropped = NIL;

	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		while (cmig_script_next(script, &statement))
		{
			bool		last = cmig_statement_changes_strings(statement.raw);

			CHECK_FOR_INTERRUPTS();
			MemoryContextSwitchTo(caller);
			problem = find_refusal(what, &statement, transactional, off_mode);
			if (problem == NULL && down)
				problem = find_write_to_dropped(&statement, &dropped, caller);
			MemoryContextSwitchTo(context);
			if (problem != NULL || last)
				break;
			MemoryContextReset(context);
			statement.text = NULL;
		}
		MemoryContextSwitchTo(caller);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		problem = describe_error(what, &statement, cmig_script_error_take());
	}
	PG_END_TRY();

	cmig_script_close(script);
	MemoryContextDelete(context);
	return problem;
}

/*
 * Read the next statement.  Sets *parsed to true if the statement parses.
 * Returns false at the end of the script.
 */
static bool
next_parsed(CmigScriptReader *script, CmigStatement *statement, bool *parsed)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool more = true;

	*parsed = false;
	PG_TRY();
	{
		more = cmig_script_next(script, statement);
		*parsed = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FreeErrorData(cmig_script_error_take());
	}
	PG_END_TRY();
	return more;
}

int
cmig_text_find_unparsed(const char *sql, const int *offsets, int count)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	CmigScriptReader *script = cmig_script_open(sql);
	CmigStatement statement = {0};
	int			i = 0;
	bool		parsed = true;

	MemoryContextSwitchTo(context);
	while (i < count && parsed && next_parsed(script, &statement, &parsed))
	{
		int			end = statement.offset + strlen(statement.text);
		int			first = i;

		CHECK_FOR_INTERRUPTS();
		while (i < count && offsets[i] < end)
			i++;
		/* ignore an error in a statement that contains none of the offsets */
		if (!parsed && i > first)
			i = first;
		else
			parsed = true;
		MemoryContextReset(context);
		statement.text = NULL;
	}
	MemoryContextSwitchTo(caller);
	cmig_script_close(script);
	MemoryContextDelete(context);
	return parsed ? -1 : i;
}
