/*
 * audited.c
 *	  Finds out which tables are audited, and how, for cmig.drift.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "schema/audited.h"

#include "catalog/namespace.h"
#include "utils/builtins.h"

/* Row callback: add the table to the list. */
static void
keep(TupleDesc desc, HeapTuple row, void *arg)
{
	List	  **list = arg;
	CmigAudited *audited = palloc(sizeof(CmigAudited));

	audited->table = cmig_query_text(desc, row, 1);
	audited->how = cmig_query_text(desc, row, 2);
	*list = lappend(*list, audited);
}

List *
cmig_audited_read(void)
{
	/*
	 * In a shadow, schemas named cmig_away_* contain the live tables.  Leave
	 * them out, so that only the shadow's tables are read.
	 */
	static CmigQuery query = {
		.sql = "SELECT s.target, concat_ws(', ', 'by ' || s.level, s.operations, nullif(s.options, '{}'),"
		" substring(s.problem FROM 'rows cannot be written[^;]*'),"
		" (SELECT string_agg(format('trigger %s is %s', t.tgname, CASE t.tgenabled WHEN 'D' THEN 'disabled'"
		" WHEN 'R' THEN 'enabled on replicas' ELSE 'always enabled' END), ', ' ORDER BY t.tgname)"
		" FROM pg_trigger t WHERE t.tgrelid = s.target::regclass AND t.tgenabled <> 'O'"
		" AND t.tgfoid = 'cmig.audit_trigger()'::regprocedure))"
		" FROM cmig.audit_status() s WHERE s.level IS NOT NULL AND s.target !~ '^cmig_away_[0-9]' ORDER BY s.target COLLATE \"C\""
	};
	List	   *list = NIL;

	if (OidIsValid(get_namespace_oid("cmig_audit", true)))
		cmig_query_each(&query, NULL, NULL, keep, &list);
	return list;
}

/*
 * Returns a message that says how the table's auditing differs from the
 * revisions, and how to fix it.
 */
static char *
reason_for(const char *table, const CmigAudited *live, const CmigAudited *revisions)
{
	char	   *name = quote_literal_cstr(table);
	size_t		length = revisions ? strlen(revisions->how) : 0;

	if (revisions == NULL)
		return psprintf("it is audited, but no revision calls cmig.enable_audit for it: SELECT cmig.disable_audit(%s), or call cmig.enable_audit in a revision", name);
	if (live == NULL)
		return "a revision calls cmig.enable_audit for it, but it is not audited: repeat that call";
	if (strncmp(live->how, revisions->how, length) == 0 && live->how[length] == ',')
		return psprintf("it is audited as in the revisions, but %s; call cmig.enable_audit again as the revisions do",
						live->how + length + 2);
	return psprintf("it is audited %s, but the revisions audit it %s; call cmig.enable_audit again as the revisions do",
					live->how, revisions->how);
}

void
cmig_audited_compare(const List *live, const List *revisions, CmigAuditedCallback callback, void *arg)
{
	int			i = 0;
	int			j = 0;

	while (i < list_length(live) || j < list_length(revisions))
	{
		const CmigAudited *a = i < list_length(live) ? list_nth(live, i) : NULL;
		const CmigAudited *b = j < list_length(revisions) ? list_nth(revisions, j) : NULL;
		int			order = a == NULL ? 1 : b == NULL ? -1 : strcmp(a->table, b->table);
		const char *table = order <= 0 ? a->table : b->table;

		i += order <= 0;
		j += order >= 0;
		if (order == 0 && strcmp(a->how, b->how) == 0)
			continue;
		callback(table, reason_for(table, order <= 0 ? a : NULL, order >= 0 ? b : NULL), arg);
	}
}
