/*
 * lint_fix.c
 *	  Builds the statements that a fix suggests in place of an ALTER TABLE.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lint/lint_fix.h"
#include "lint/lint_source.h"

#include "lib/stringinfo.h"

char *
cmig_lint_fix_action(CmigLint *lint, int action)
{
	const char *text = lint->statement->text;
	CmigLintPiece *piece = list_nth(cmig_lint_source_actions(text), action);

	return pnstrdup(text + piece->from, piece->to - piece->from);
}

char *
cmig_lint_fix_actions(CmigLint *lint)
{
	const char *text = lint->statement->text;

	return pstrdup(text + ((CmigLintPiece *) linitial(cmig_lint_source_actions(text)))->from);
}

char *
cmig_lint_fix_replace(CmigLint *lint, int action, const char *replacement)
{
	const char *text = lint->statement->text;
	List	   *pieces = cmig_lint_source_actions(text);
	StringInfoData result;
	bool		any = false;

	initStringInfo(&result);
	for (int i = 0; i < list_length(pieces); i++)
	{
		CmigLintPiece *piece = list_nth(pieces, i);

		if (i == action && replacement == NULL)
			continue;
		if (any)
			appendStringInfoString(&result, ", ");
		else
			appendBinaryStringInfo(&result, text, ((CmigLintPiece *) linitial(pieces))->from);
		any = true;
		if (i == action)
			appendStringInfoString(&result, replacement);
		else
			appendBinaryStringInfo(&result, text + piece->from, piece->to - piece->from);
	}
	if (any)
		appendStringInfoString(&result, ";\n");
	return result.data;
}

/*
 * Is the constraint node an attribute of the preceding clause, such as
 * DEFERRABLE?
 */
static bool
is_attribute(const Constraint *clause)
{
	return clause->contype == CONSTR_ATTR_DEFERRABLE || clause->contype == CONSTR_ATTR_NOT_DEFERRABLE ||
		clause->contype == CONSTR_ATTR_DEFERRED || clause->contype == CONSTR_ATTR_IMMEDIATE;
}

/*
 * Returns the offset at which a clause ends.  A clause ends where the next
 * clause starts or the action ends.
 */
static int
clause_end(CmigLint *lint, const ColumnDef *column, const Constraint *clause)
{
	int			end = clause->location + strlen(cmig_lint_source_from(lint->statement->text, clause->location, NULL));
	ListCell   *lc;

	foreach(lc, column->constraints)
	{
		Constraint *other = lfirst_node(Constraint, lc);

		if (!is_attribute(other) && other->location > clause->location)
			end = Min(end, other->location);
	}
	if (column->collClause && column->collClause->location > clause->location)
		end = Min(end, column->collClause->location);
	return end;
}

char *
cmig_lint_fix_clause(CmigLint *lint, const ColumnDef *column, const Constraint *clause)
{
	const char *text = lint->statement->text;
	int			end = clause_end(lint, column, clause);

	while (end > clause->location && strchr(" \t\r\n", text[end - 1]))
		end--;
	return pnstrdup(text + clause->location, end - clause->location);
}

char *
cmig_lint_fix_without(CmigLint *lint, int action, const ColumnDef *column, List *clauses)
{
	const char *text = lint->statement->text;
	CmigLintPiece *piece = list_nth(cmig_lint_source_actions(text), action);
	char	   *result = pnstrdup(text + piece->from, piece->to - piece->from);
	int			length;
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Constraint *clause = lfirst(lc);
		int			end = clause_end(lint, column, clause);

		memset(result + clause->location - piece->from, '\x01', Min(end, piece->to) - clause->location);
	}
	length = 0;
	for (int i = 0; result[i]; i++)
	{
		if (result[i] != '\x01')
			result[length++] = result[i];
	}
	while (length > 0 && strchr(" \t\r\n", result[length - 1]))
		length--;
	result[length] = '\0';
	return result;
}
