/*
 * result.c
 *	  Returns rows from SQL functions that return one text column.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/result.h"

#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

void
cmig_result_add_text(FunctionCallInfo fcinfo, const char *text)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[1] = {CStringGetTextDatum(text)};
	bool		nulls[1] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

void
cmig_result_add_texts(FunctionCallInfo fcinfo, List *texts)
{
	ListCell   *lc;

	foreach(lc, texts)
	{
		cmig_result_add_text(fcinfo, lfirst(lc));
	}
}
