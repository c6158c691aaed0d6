/*
 * version.c
 *	  Rows of cmig.version and cmig.scope_version, and the lock under which
 *	  they change.
 *
 * Nothing is cached between calls, because rows can be changed manually at any
 * time.  Only this file knows the columns of these tables.  All queries go
 * through base/query.c, so they run with the caller's privileges.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "run/run.h"
#include "store/internal.h"

/*
 * Most queries in this file have two forms: for the database, whose rows are
 * in cmig.version, and for a scope, whose rows are in cmig.scope_version.  In
 * the second form, the last argument is the scope.
 */
enum
{
	OF_DATABASE,
	OF_SCOPE,
	FORMS
};

static const CmigTableColumn version_columns[] = {{"revision", TEXTOID}};

static CmigQuery read_version[FORMS] = {
	{"SELECT v.revision::text FROM cmig.version v",.all_rows = true,
		.table = "version",.columns = version_columns,.ncolumns = lengthof(version_columns)
	},
	{"SELECT v.revision::text FROM cmig.scope_version v WHERE v.scope::text = $1",
	{TEXTOID},.all_rows = true}
};

#define UNKNOWN " NOT EXISTS (SELECT FROM cmig.revision r WHERE r.revision::text = v.revision::text)" \
	" ORDER BY v.revision::text COLLATE \"C\" LIMIT 1"

static CmigQuery read_unknown_version[FORMS] = {
	{"SELECT v.revision::text FROM cmig.version v WHERE" UNKNOWN},
	{"SELECT v.revision::text FROM cmig.scope_version v WHERE v.scope::text = $1 AND" UNKNOWN,
	{TEXTOID}}
};

static CmigQuery insert_version[FORMS] = {
	{"INSERT INTO cmig.version (revision) VALUES ($1) ON CONFLICT DO NOTHING", {TEXTOID}},
	{"INSERT INTO cmig.scope_version (revision, scope) VALUES ($1, $2) ON CONFLICT DO NOTHING",
	{TEXTOID, TEXTOID}}
};

static CmigQuery delete_version[FORMS] = {
	{"DELETE FROM cmig.version WHERE revision::text = $1", {TEXTOID}},
	{"DELETE FROM cmig.scope_version WHERE revision::text = $1 AND scope::text = $2",
	{TEXTOID, TEXTOID}}
};

static CmigQuery replace_version[FORMS] = {
	{"UPDATE cmig.version SET revision = $2 WHERE revision::text = $1"
		" AND NOT EXISTS (SELECT FROM cmig.version v WHERE v.revision::text = $2)",
	{TEXTOID, TEXTOID}},
	{"UPDATE cmig.scope_version SET revision = $2 WHERE revision::text = $1 AND scope::text = $3"
		" AND NOT EXISTS (SELECT FROM cmig.scope_version v WHERE v.revision::text = $2"
		" AND v.scope::text = $3)",
	{TEXTOID, TEXTOID, TEXTOID}}
};

static CmigQuery clear_version[FORMS] = {
	{"DELETE FROM cmig.version"},
	{"DELETE FROM cmig.scope_version WHERE scope::text = $1", {TEXTOID}}
};

/*
 * An SQL expression for the number of rows in a table, followed by a hash of
 * the rows and their xmin values.
 */
#define DIGEST(table, condition) \
	"(SELECT pg_catalog.count(*)::text || ' ' ||" \
	" coalesce(pg_catalog.sum(pg_catalog.hashtextextended(v.revision::text || ' ' || v.xmin::text, 0)), 0)::text" \
	" FROM " table " v" condition ")"

/*
 * Queries for a value that changes whenever a version row, a row of
 * cmig.revision, or what a stepwise run or an expansion has recorded changes.
 * Before ALTER EXTENSION ... UPDATE, there are no expansions.
 */
#define FINGERPRINT(table, condition, expansions) \
	"SELECT concat_ws(' ', " DIGEST(table, condition) ", " DIGEST("cmig.revision", "") ", " \
	DIGEST("cmig.progress", condition) expansions ")"
#define IN_SCOPE " WHERE v.scope::text = $1"

static CmigQuery fingerprint[FORMS] = {
	{FINGERPRINT("cmig.version", "", ", " DIGEST("cmig.expansion_run", "")),.all_rows = true},
	{FINGERPRINT("cmig.scope_version", IN_SCOPE, ", " DIGEST("cmig.expansion_run", IN_SCOPE)),
	{TEXTOID},.all_rows = true}
};

static CmigQuery old_fingerprint[FORMS] = {
	{FINGERPRINT("cmig.version", "", ""),.all_rows = true},
	{FINGERPRINT("cmig.scope_version", IN_SCOPE, ""), {TEXTOID},.all_rows = true}
};

/*
 * Returns the form of a query for the current scope.  The scope can be passed
 * to both forms, because superfluous arguments are ignored.
 */
static CmigQuery *
form_of(CmigQuery *forms)
{
	return &forms[cmig_scope_is_set() ? OF_SCOPE : OF_DATABASE];
}

/* Returns the revision ids that a query reads, sorted in byte order. */
static CmigNames *
read_rows(CmigQuery *query)
{
	CmigNames  *names = palloc0(sizeof(CmigNames));
	List	   *rows = cmig_query_list(query, cmig_scope_current());

	names->names = palloc(sizeof(char *) * (list_length(rows) + 1));
	foreach_ptr(CmigValue, row, rows)
	{
		if (*row != NULL)
			names->names[names->count++] = *row;
	}
	cmig_names_sort(names);
	return names;
}

CmigNames *
cmig_version_rows_read(void)
{
	cmig_extension_share();
	cmig_scope_require();
	return read_rows(form_of(read_version));
}

CmigNames *
cmig_version_rows_of(CmigVersionRows which)
{
	static CmigQuery queries[] = {
		[CMIG_ROWS_OF_SCOPES] =
		{"SELECT DISTINCT s.revision::text FROM cmig.scope_version s",.all_rows = true},
		[CMIG_ROWS_EVERYWHERE] = {"SELECT v.revision::text FROM cmig.version v"
		" UNION SELECT s.revision::text FROM cmig.scope_version s",.all_rows = true},
		[CMIG_ROWS_TRIED] =
		{"SELECT DISTINCT coalesce(s.revision, '') FROM (SELECT v.scope::text, v.revision::text FROM cmig.scope_version v"
			"  UNION ALL SELECT j.scope::text, j.revision::text FROM cmig.journal j"
			" WHERE j.direction::text NOT IN ('repair', 'drift')) s"
		" WHERE EXISTS (SELECT FROM pg_namespace n WHERE n.nspname::text = s.scope)"}
	};

	cmig_extension_share();
	return read_rows(which == CMIG_ROWS_OF_DATABASE ? &read_version[OF_DATABASE] : &queries[which]);
}

char *
cmig_version_rows_unknown(void)
{
	return cmig_query_value(form_of(read_unknown_version), cmig_scope_current());
}

const char *
cmig_version_rows_table(void)
{
	return cmig_settings_engine() ? "cmig_engine.version" :
		cmig_scope_is_set() ? "cmig.scope_version" : "cmig.version";
}

/*
 * Raise error 55000 because a script or another session has changed the
 * version rows during the run.  "detail" says what has changed.
 */
pg_noreturn static void
raise_version_changed(char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s was changed during the run", cmig_version_rows_table()),
			 errdetail("%s", detail),
			 cmig_hint("Only `cmig.upgrade`, `cmig.downgrade`, and `cmig.stamp` should change %s; a script must not.",
					   cmig_version_rows_table())));
}

void
cmig_version_rows_delete(const char *revision)
{
	if (cmig_query_do(form_of(delete_version), revision, cmig_scope_current()) != 1)
		raise_version_changed(psprintf("The row of revision \"%s\" is missing.", revision));
}

void
cmig_version_rows_insert(const char *revision)
{
	if (cmig_query_do(form_of(insert_version), revision, cmig_scope_current()) != 1)
		raise_version_changed(psprintf("Revision \"%s\" already has a row.", revision));
}

void
cmig_version_rows_replace(const char *from, const char *to)
{
	if (cmig_query_do(form_of(replace_version), from, to, cmig_scope_current()) == 1)
		return;

	/*
	 * The row was not replaced.  Try to delete the old row and to insert the
	 * new one, because one of these raises an error that gives the reason.
	 */
	cmig_version_rows_delete(from);
	cmig_version_rows_insert(to);
}

void
cmig_version_rows_clear(void)
{
	(void) cmig_query_do(form_of(clear_version), cmig_scope_current());
}

/*
 * Does the snapshot of the transaction show the latest version rows, revisions,
 * and what is expanded or partially applied?
 */
static bool
version_rows_are_latest(void)
{
	char	   *then;
	char	   *now;
	Datum		values[1];
	CmigQuery  *query;

	if (!IsolationUsesXactSnapshot())
		return true;

	query = form_of(cmig_expansion_is_known() ? fingerprint : old_fingerprint);
	values[0] = CStringGetTextDatum(cmig_scope_current());
	then = cmig_query_at_snapshot(query, values, GetTransactionSnapshot());
	now = cmig_query_at_snapshot(query, values, cmig_latest_snapshot());
	return then != NULL && now != NULL && strcmp(then, now) == 0;
}

void
cmig_version_rows_check_snapshot(void)
{
	if (!version_rows_are_latest())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access: another run changed the revisions or versions"),
				 errdetail("This transaction's snapshot is older than that run."),
				 errhint("Roll back and try again, or use READ COMMITTED.")));
}

/* ----------------------------------------------------------------
 * Takes the run lock and checks the state before pg_cmig's tables are
 * changed.
 * ----------------------------------------------------------------
 */

/* A look at the state without the run lock; see cmig_change_is_unneeded(). */
typedef struct Look
{
	bool		revisions;
	CmigChangeLook look;
	void	   *arg;
	bool		unneeded;		/* the result */
} Look;

/* Look at the state.  All queries have the same snapshot. */
static void
look_at_once(void *arg)
{
	Look	   *look = arg;

	look->unneeded = version_rows_are_latest() && look->look(look->arg);
}

/* Subtransaction callback: look at the state. */
static void
look(void *arg)
{
	int			guc_level = NewGUCNestLevel();

	if (((Look *) arg)->revisions && cmig_scope_is_set())
		cmig_scope_enter("");
	/* before any lock on a table, for which DROP EXTENSION would wait */
	cmig_extension_share();
	cmig_scope_require();
	cmig_query_at_once(false, look_at_once, arg);
	AtEOXact_GUC(false, guc_level);
}

bool
cmig_change_is_unneeded(const char *function, bool revisions, CmigChangeLook decide, void *arg)
{
	Look		state = {.revisions = revisions,.look = decide,.arg = arg};
	MemoryContext context;
	MemoryContext caller;
	ErrorData  *error;

	cmig_running_require_idle(function);
	cmig_run_lock_require_possible(function);
	cmig_run_limit_start();
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig look", ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	error = cmig_subtransaction_try(look, &state);
	if (error != NULL && cmig_subtransaction_must_rethrow(error))
		ReThrowError(error);
	MemoryContextSwitchTo(caller);
	if (error == NULL && state.unneeded)
		return true;
	MemoryContextDelete(context);
	return false;
}

/*
 * Implements cmig_change_begin() and cmig_change_begin_revisions().
 * "revisions" is true if the caller is about to write revisions.
 */
static void
begin(const char *function, bool revisions)
{
	cmig_running_require_idle(function);
	cmig_scope_require();
	cmig_run_lock_transaction(function);
	if (revisions)
		cmig_run_lock_revisions(function);
	cmig_run_limit_start();
	cmig_runner_begin();
	cmig_version_rows_check_snapshot();
	cmig_active_settle();
}

void
cmig_change_begin(const char *function)
{
	begin(function, false);
	/* the journal records the role, even if no script runs */
	cmig_session_require_member();
}

int
cmig_change_begin_revisions(const char *function)
{
	int			guc_level = NewGUCNestLevel();

	if (cmig_scope_is_set())
		cmig_scope_enter("");
	begin(function, true);
	return guc_level;
}
