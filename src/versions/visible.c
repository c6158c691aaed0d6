/*
 * visible.c
 *	  Are all rows visible to the role that fills or counts them?  And why can
 *	  a revision not be replayed, if not because of that?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/errors.h"
#include "versions/internal.h"

void
cmig_versions_require_rows(const char *relation, const char *role)
{
	static CmigQuery query = {
		.sql = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_roles r ON r.rolname = $2::name"
		" WHERE (c.oid = " CMIG_RELATION_NAMED("$1") " OR c.oid IN (SELECT relid"
		" FROM pg_partition_tree(" CMIG_RELATION_NAMED("$1") "))) AND c.relrowsecurity"
		" AND (c.relforcerowsecurity OR NOT pg_has_role(r.oid, c.relowner, 'USAGE'))"
		" AND NOT r.rolsuper AND NOT r.rolbypassrls ORDER BY 1 LIMIT 1",
		.argtypes = {TEXTOID, TEXTOID}
	};
	char	   *hidden = cmig_query_value(&query, relation, role);

	if (hidden != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row-level security hides rows of table %s from role \"%s\"", hidden, role),
				 errdetail("Each row must be filled, and none may be left before the contraction."),
				 errhint("Repeat the CALL as a role with BYPASSRLS, or, while it runs: ALTER TABLE %s NO FORCE ROW LEVEL SECURITY", hidden)));
}

/* Raises an error if a policy hides rows of a copy. */
static void
require_visible(const CmigPlanning *p, const ErrorData *error)
{
	if (!cmig_error_is_from(error, ERRCODE_CMIG_NOT_REPLAYABLE, "check_enable_rls"))
		return;
	for (int i = 0; i < p->before->count; i++)
	{
		const CmigObject *object = p->before->objects[i];

		/*
		 * PostgreSQL's message has the name without the schema, in each
		 * language
		 */
		if (object->kind == &cmig_kind_table &&
			cmig_text_has_word(error->detail, psprintf("\"%s\"", object->name)))
			cmig_versions_require_rows(object->identity, cmig_session_role());
	}
}

void
cmig_versions_explain_replay(const CmigPlanning *p, ErrorData *error)
{
	const char *revision = quote_literal_cstr(p->result->revision);
	const char *scope = cmig_scope_is_set() ? quote_literal_cstr(cmig_scope_current()) : NULL;
	const char *differences;

	cmig_versions_require_grants(p);
	require_visible(p, error);
	if (p->foreign != NULL)
	{
		error->sqlerrcode = ERRCODE_FEATURE_NOT_SUPPORTED;
		error->message = psprintf("revision \"%s\" cannot be expanded", cmig_replay_failed());
		error->detail = psprintf("It updates %s, and an expansion does not access foreign tables.",
								 p->foreign);
		error->detail_log = NULL;
		error->hint = psprintf("`SELECT * FROM cmig.upgrade(%s)`", revision);
		if (scope != NULL)
			error->hint = psprintf("`SET cmig.scope = %s; SELECT * FROM cmig.upgrade(%s)`", scope,
								   revision);
	}
	else
	{
		differences = cmig_versions_differences(p);
		error->hint = cmig_replay_failed_code() == ERRCODE_INSUFFICIENT_PRIVILEGE ?
			pstrdup("Repeat the `CALL` as a role that is allowed to do this. It must own the schemas"
					" and tables that the revisions change.") :
			psprintf("Correct the statement, or the line \"-- cmig:up\" that it was made"
					 " from, in the revision file, and load the file. If the database was"
					 " changed by hand: `SELECT * FROM cmig.%sdrift()`",
					 scope ? "scope_" : "");
		error->detail = psprintf("%s%s", error->detail, differences);
		if (error->detail_log != NULL)
			error->detail_log = psprintf("%s%s", error->detail_log, differences);
	}
	error->hint = cmig_hint_text(error->hint);
}
