/*
 * rls_parse.c
 *	  Analyzes a function's body without executing user-defined code.
 *
 * Only literals of built-in types are accepted.  Names are looked up with the
 * privileges of the function's owner.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/base.h"
#include "base/compat.h"
#include "parse/parse.h"
#include "rls/rls_parse.h"
#include "rls/rls_sample.h"
#include "rls/rls_sandbox.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* A function, and the query that results from analyzing its body. */
typedef struct Body
{
	HeapTuple	tuple;
	FuncExpr   *call;
	const char *source;
	Query	   *query;			/* result */
} Body;

/* Apply the function's search_path setting, if it has one. */
static void
use_search_path(HeapTuple tuple)
{
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	Datum	   *settings;
	int			count;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(config), TEXTOID, -1, false, TYPALIGN_INT, &settings, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *setting = TextDatumGetCString(settings[i]);

		if (strncmp(setting, "search_path=", strlen("search_path=")) == 0)
			cmig_settings_override("search_path", setting + strlen("search_path="));
	}
}

/* Analyze a function's body; a task for cmig_rls_sandbox_run(). */
static void
analyze(void *arg)
{
	Body	   *body = arg;
	List	   *raw;

	use_search_path(body->tuple);
	raw = cmig_raw_parse(body->source, RAW_PARSE_DEFAULT);
	if (list_length(raw) != 1 || !IsA(linitial_node(RawStmt, raw)->stmt, SelectStmt))
		return;
	body->query = cmig_safe_parse(linitial_node(RawStmt, raw), body->source, body->tuple, body->call,
								  cmig_rls_sample_is_builtin);
}

/*
 * Analyze a function's body in a sandbox, so that no lock is left behind.  If
 * the body contains a name that does not exist, returns NULL instead of
 * raising an error.
 */
Query *
cmig_rls_parse(HeapTuple tuple, FuncExpr *call, const char *source)
{
	Body		body = {tuple, call, source, NULL};

	if (cmig_rls_sandbox_run(((Form_pg_proc) GETSTRUCT(tuple))->proowner, analyze, &body) != 0)
		return NULL;
	return body.query;
}
