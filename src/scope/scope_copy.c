/*
 * scope_copy.c
 *	  Copies the structure of a scope's schema into a new schema.
 *
 * The statements are those that cmig.diff_schemas returns for an empty schema
 * and the scope's schema.  They run as a script in the new scope, and then the
 * schemas are compared again.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/role.h"
#include "move/stamp.h"
#include "run/run_lock.h"
#include "run/runner.h"
#include "run/scope.h"
#include "run/session.h"
#include "scope/scope_copy.h"
#include "scope/scope_list.h"
#include "tables/progress.h"
#include "tables/version_rows.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/acl.h"
#include "utils/builtins.h"

/* $1 is the schema to be changed, $2 the one to be copied. */
static CmigQuery difference_query = {
	.sql = "SELECT d.upgrade_sql, d.object FROM cmig.diff_schemas($1, $2) d ORDER BY d.step",
	.nargs = 2,
	.argtypes = {TEXTOID, TEXTOID}
};

/*
 * The objects in a schema that belong neither to the role $2, nor to the owner
 * of the database, nor to a superuser.
 */
static CmigQuery strangers_query = {
	.sql = "SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend d"
	" JOIN pg_database b ON b.datname = current_database()"
	" JOIN pg_shdepend s ON s.dbid = b.oid AND s.classid = d.classid AND s.objid = d.objid AND s.objsubid = 0 AND s.deptype = 'o'"
	" JOIN pg_roles r ON r.oid = s.refobjid"
	" WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1"
	" AND NOT r.rolsuper AND r.oid <> $2 AND r.oid <> b.datdba ORDER BY 1 LIMIT 1",
	.nargs = 2,
	.argtypes = {OIDOID, OIDOID}
};

/* What is known about the scope that is to be copied. */
typedef struct Source
{
	const char *scope;
	CmigNames  *rows;
} Source;

/*
 * Raise 42501 if another role has created an object in the schema, because the
 * copy would belong to the role that runs the scripts.
 */
static void
require_own_objects(const char *scope, Oid role)
{
	Datum		values[2] = {ObjectIdGetDatum(get_namespace_oid(scope, false)), ObjectIdGetDatum(role)};
	char	   *object = NULL;

	cmig_query_each(&strangers_query, values, NULL, cmig_query_keep_text, &object);
	if (object != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schema \"%s\" cannot be copied", scope),
				 errdetail("Another role owns %s.", object),
				 errhint("Copy another scope, or leave out copy_of.")));
}

/* Raise 42501 if the scripts' role cannot trust what the schema contains. */
static void
require_safe(const char *scope)
{
	CmigRole	saved;
	Oid			role = get_role_oid(cmig_session_role(), false);

	cmig_role_act_as(&saved, role);
	cmig_scope_require_safe();
	cmig_role_return(&saved);
	require_own_objects(scope, role);
}

/* Callback: lock and check the source, which is the current scope. */
static void
begin_source(void *arg)
{
	Source	   *source = arg;

	cmig_run_lock_transaction("cmig.create_scope()");
	cmig_version_rows_check_snapshot();
	require_safe(source->scope);
	source->rows = cmig_version_rows_read();
	if (source->rows->count == 0 || cmig_progress_read() != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("schema \"%s\" cannot be copied", source->scope),
				 errdetail(source->rows->count == 0 ? "No revision is applied in it." : "A revision is partially applied in it."),
				 errhint("Copy another scope, or leave out copy_of.")));
}

CmigNames *
cmig_scope_copy_begin(const char *scope)
{
	Source		source = {.scope = scope};

	cmig_scope_list_in(scope, begin_source, &source);
	return source.rows;
}

/* The statements that make one schema equal to another. */
typedef struct Statements
{
	const char *from;			/* the schema to be copied */
	int			count;
	StringInfoData text;
} Statements;

/* Row callback: append a statement. */
static void
add_statement(TupleDesc desc, HeapTuple row, void *arg)
{
	Statements *statements = arg;
	char	   *sql = cmig_query_text(desc, row, 1);

	if (sql == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("schema \"%s\" cannot be copied", statements->from),
				 errdetail("%s cannot be created by a statement that pg_cmig can generate.", cmig_query_text(desc, row, 2)),
				 errhint("Leave out copy_of.")));
	appendStringInfo(&statements->text, "%s;\n", sql);
	statements->count++;
	pfree(sql);
}

/* Returns the statements that make the current scope equal to "from". */
static Statements *
find_statements(const char *from)
{
	Statements *statements = palloc0(sizeof(Statements));
	Datum		values[2] = {CStringGetTextDatum(cmig_scope_current()), CStringGetTextDatum(from)};

	statements->from = from;
	initStringInfo(&statements->text);
	cmig_query_each(&difference_query, values, NULL, add_statement, statements);
	return statements;
}

void
cmig_scope_copy(const char *from, const CmigNames *rows)
{
	Statements *statements = find_statements(from);
	CmigRunStep step = {
		.revision = psprintf("copy of %s", from),.direction = CMIG_UPGRADE,
		.sql = statements->text.data,.stored_sql = statements->text.data,.transactional = true
	};

	if (statements->count > 0)
		cmig_runner_run(&step);
	CommandCounterIncrement();
	if (find_statements(from)->count > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("schema \"%s\" cannot be copied", from),
				 errdetail("The copy would differ."),
				 errhint("Leave out copy_of.")));
	(void) cmig_stamp_targets(rows, false);
	CommandCounterIncrement();
}
