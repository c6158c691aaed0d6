/*
 * passed_over.c
 *	  Handles the statements of a script that were already run by an earlier
 *	  call.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "move/passed_over.h"
#include "move/toplevel.h"
#include "parse/statement.h"
#include "run/scope.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "parser/parse_func.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

/*
 * Does the statement do nothing except call the built-in function
 * set_config()?
 */
static bool
is_set_config(const RawStmt *raw)
{
	static const Oid arguments[] = {TEXTOID, TEXTOID, BOOLOID};
	List	   *names = cmig_statement_set_config_names(raw);
	ListCell   *lc;

	foreach(lc, names)
	{
		if (LookupFuncName(lfirst(lc), lengthof(arguments), arguments, true) != F_SET_CONFIG)
			return false;
	}
	return names != NIL;
}

void
cmig_passed_over_add(CmigPassedOver *passed, const CmigStatement *statement, RawStmt *raw)
{
	MemoryContext old;

	if (IsA(raw->stmt, VariableSetStmt) || is_set_config(raw))
	{
		cmig_toplevel_execute(raw, statement->text);
		cmig_toplevel_commit();
		return;
	}
	passed->any = true;
	old = MemoryContextSwitchTo(passed->context);
	if (cmig_statement_is_temporary(raw, &passed->temporary_names))
		passed->temporary = lappend_int(passed->temporary, statement->number);
	MemoryContextSwitchTo(old);
}

void
cmig_passed_over_end(CmigPassedOver *passed, int statement)
{
	if (passed->any && passed->resumed_at == 0)
		passed->resumed_at = statement;
}

char *
cmig_passed_over_hint(const CmigPassedOver *passed, const CmigRunStep *step, int sqlstate)
{
	const char *revision = quote_literal_cstr(step->revision);
	const char *direction = cmig_direction_name(step->direction);
	bool		likely = sqlstate == ERRCODE_UNDEFINED_TABLE ||
	sqlstate == ERRCODE_UNDEFINED_PSTATEMENT || sqlstate == ERRCODE_UNDEFINED_CURSOR;
	bool		possible = sqlstate == ERRCODE_UNDEFINED_SCHEMA ||
	sqlstate == ERRCODE_UNDEFINED_FUNCTION || sqlstate == ERRCODE_UNDEFINED_OBJECT;
	StringInfoData numbers;
	ListCell   *lc;

	if (passed->resumed_at == 0 || !(likely || (possible && passed->temporary != NIL)))
		return NULL;
	if (passed->temporary == NIL)
		return psprintf("This call has resumed at statement %d: temporary tables, prepared statements, and cursors that an earlier call created are gone. If the script needs one of them, DELETE FROM cmig.progress WHERE revision = %s AND statement = <the one that creates it>%s, and CALL cmig.%s_stepwise again, which runs that statement again.",
						passed->resumed_at, revision, cmig_scope_condition(), direction);
	initStringInfo(&numbers);
	foreach(lc, passed->temporary)
	{
		appendStringInfo(&numbers, "%s%d", numbers.len > 0 ? ", " : "", lfirst_int(lc));
	}
	return psprintf("This call has resumed at statement %d: what %s %s created in the session of an earlier call is gone. To create it again, DELETE FROM cmig.progress WHERE revision = %s AND statement IN (%s)%s, and CALL cmig.%s_stepwise again.",
					passed->resumed_at, list_length(passed->temporary) == 1 ? "statement" : "statements",
					numbers.data, revision, numbers.data, cmig_scope_condition(), direction);
}
