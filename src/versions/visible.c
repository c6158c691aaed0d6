/*
 * visible.c
 *	  Are all rows visible to the role that fills or counts them?
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"

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

void
cmig_versions_require_visible(const CmigPlanning *p, const ErrorData *error)
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
