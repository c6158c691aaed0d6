/*
 * script_error.c
 *	  Handles errors that the server's parser raises for a script.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "parse/script_error.h"

/*
 * Only errors in the categories that are listed in this function can be caused
 * by the script's text.
 */
ErrorData *
cmig_script_error_take(void)
{
	ErrorData  *error = CopyErrorData();
	int			category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	if (category != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION &&
		category != ERRCODE_FEATURE_NOT_SUPPORTED &&
		category != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
		category != ERRCODE_DATA_EXCEPTION)
		PG_RE_THROW();
	FlushErrorState();
	return error;
}

int
cmig_script_error_line(const CmigStatement *statement, const ErrorData *error)
{
	int			position = Max(error->cursorpos, error->internalpos);
	int			line = statement->line;

	for (const char *p = statement->text; p && *p && --position > 0; p += pg_mblen(p))
	{
		if (*p == '\n')
			line++;
	}
	return line;
}
