/*
 * version_rows.c
 *	  Access to the version rows, which are in the table cmig.version.
 *
 * Only this file knows the table's columns.  All queries go through query.c, so
 * they run with the caller's privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/errors.h"
#include "base/query.h"
#include "run/extension.h"
#include "tables/version_rows.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

static CmigQuery read_version = {
	"SELECT v.revision::text FROM cmig.version v", 0,.all_rows = true
};

static CmigQuery read_unknown_version = {
	"SELECT v.revision::text FROM cmig.version v WHERE NOT EXISTS"
	" (SELECT FROM cmig.revision r WHERE r.revision::text = v.revision::text)", 0
};

static CmigQuery insert_version = {
	"INSERT INTO cmig.version (revision) VALUES ($1) ON CONFLICT DO NOTHING",
	1, {TEXTOID}
};

static CmigQuery delete_version = {
	"DELETE FROM cmig.version WHERE revision::text = $1", 1, {TEXTOID}
};

static CmigQuery replace_version = {
	"UPDATE cmig.version SET revision = $2 WHERE revision::text = $1"
	" AND NOT EXISTS (SELECT FROM cmig.version v WHERE v.revision::text = $2)",
	2, {TEXTOID, TEXTOID}
};

static CmigQuery clear_version = {
	"DELETE FROM cmig.version", 0
};

/*
 * Returns a value that changes whenever a row of cmig.version or cmig.revision
 * does.
 */
static CmigQuery fingerprint = {
	"SELECT (SELECT pg_catalog.count(*)::text || ' ' ||"
	" coalesce(pg_catalog.sum(pg_catalog.hashtextextended(v.revision::text || ' ' || v.xmin::text, 0)), 0)::text"
	" FROM cmig.version v) || ' ' ||"
	" (SELECT pg_catalog.count(*)::text || ' ' ||"
	" coalesce(pg_catalog.sum(pg_catalog.hashtextextended(r.revision::text || ' ' || r.xmin::text, 0)), 0)::text"
	" FROM cmig.revision r)", 0,.all_rows = true
};

/*
 * Run a query with a revision's id as its argument, and return the number of
 * rows.
 */
static uint64
run_with_id(CmigQuery *query, const char *revision)
{
	Datum		values[1] = {CStringGetTextDatum(revision)};
	uint64		processed = cmig_query_run(query, values, NULL);

	pfree(DatumGetPointer(values[0]));
	return processed;
}

/* Append the id in the row to the list. */
static void
collect_row(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **rows = arg;
	char	   *id = cmig_query_text(desc, row, 1);

	if (id)
		*rows = lappend(*rows, id);
}

CmigNames *
cmig_version_rows_read(void)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));
	List	   *rows = NIL;
	ListCell   *lc;

	cmig_extension_share();
	cmig_query_each(&read_version, NULL, NULL, collect_row, &rows);
	names->names = palloc(sizeof(char *) * (list_length(rows) + 1));
	foreach(lc, rows)
	{
		names->names[names->count++] = lfirst(lc);
	}
	cmig_names_sort(names);
	return names;
}

char *
cmig_version_rows_unknown(void)
{
	List	   *rows = NIL;

	cmig_query_each(&read_unknown_version, NULL, NULL, collect_row, &rows);
	return rows != NIL ? linitial(rows) : NULL;
}

/* Raise an error because something else changed the table during the run. */
pg_noreturn static void
raise_version_changed(char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cmig.version was changed during the run"),
			 errdetail("%s", detail),
			 errhint("Only cmig.upgrade, cmig.downgrade, and cmig.stamp should change cmig.version; a script must not.")));
}

void
cmig_version_rows_delete(const char *revision)
{
	if (run_with_id(&delete_version, revision) != 1)
		raise_version_changed(psprintf("The row of revision \"%s\" is missing.", revision));
}

void
cmig_version_rows_insert(const char *revision)
{
	if (run_with_id(&insert_version, revision) != 1)
		raise_version_changed(psprintf("Revision \"%s\" already has a row.", revision));
}

void
cmig_version_rows_replace(const char *from, const char *to)
{
	Datum		values[2] = {CStringGetTextDatum(from), CStringGetTextDatum(to)};
	uint64		replaced = cmig_query_run(&replace_version, values, NULL);

	pfree(DatumGetPointer(values[0]));
	pfree(DatumGetPointer(values[1]));
	if (replaced == 1)
		return;

	/* one of these raises the appropriate error */
	cmig_version_rows_delete(from);
	cmig_version_rows_insert(to);
}

void
cmig_version_rows_clear(void)
{
	(void) cmig_query_run(&clear_version, NULL, NULL);
}

void
cmig_version_rows_check_snapshot(void)
{
	char	   *then;
	char	   *now;

	if (!IsolationUsesXactSnapshot())
		return;

	then = cmig_query_at_snapshot(&fingerprint, GetTransactionSnapshot());
	now = cmig_query_at_snapshot(&fingerprint, GetLatestSnapshot());
	if (then == NULL || now == NULL || strcmp(then, now) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access: another run changed the revisions or versions"),
				 errdetail("This transaction's snapshot is older than that run."),
				 errhint("Roll back and try again, or use READ COMMITTED.")));
}
