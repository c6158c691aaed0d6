/*
 * sizes.c
 *	  Sizes of relations, and the lines that show locks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/catalog.h"
#include "miscadmin.h"

#include "lint/internal.h"

int64
cmig_size_of_file(Form_pg_class form)
{
	if (!RELKIND_HAS_STORAGE(form->relkind) || !OidIsValid(form->relfilenode) ||
		form->relpersistence == RELPERSISTENCE_TEMP)
		return 0;
	/* the copy of a table in an engine has only the number of its pages */
	return Max((int64) form->relpages * BLCKSZ,
			   cmig_file_size_compat(OidIsValid(form->reltablespace) ? form->reltablespace :
									 MyDatabaseTableSpace,
									 form->relfilenode));
}

int64
cmig_size_of(Oid relation)
{
	int64		size = 0;
	FormData_pg_class row;

	/* the relation, and then its TOAST table */
	for (Oid part = relation; cmig_role_relation(part, &row); part = row.reltoastrelid)
		size += cmig_size_of_file(&row);

	/*
	 * do not query the shards' sizes, because the query would run in another
	 * transaction, which would wait if this transaction has locked the shards
	 */
	return size == 0 && cmig_citus_manages(relation) ? -1 : size;
}

char *
cmig_size_text(int64 size)
{
	return TextDatumGetCString(DirectFunctionCall1(pg_size_pretty, Int64GetDatum(size)));
}

bool
cmig_lock_is_reported(Oid relation, char kind, LOCKMODE mode)
{
	Oid			schema = get_rel_namespace(relation);

	if (relation < FirstNormalObjectId || kind == '\0' || kind == RELKIND_COMPOSITE_TYPE ||
		IsToastNamespace(schema) || schema == get_namespace_oid("cmig", true))
		return false;
	return mode >= ShareUpdateExclusiveLock ||
		(kind != RELKIND_INDEX && kind != RELKIND_PARTITIONED_INDEX);
}

char *
cmig_lock_line(LOCKMODE mode, const char *name, char kind, int64 size)
{
	static const char *const names[] = {
		"", "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE",
		"SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"
	};

	if (!RELKIND_HAS_STORAGE(kind) || kind == RELKIND_SEQUENCE || size < 0)
		return psprintf("%s on %s", names[mode], name);
	return psprintf("%s on %s, %s", names[mode], name, cmig_size_text(size));
}

void
cmig_lock_line_add(char **text, const char *line)
{
	*text = *text == NULL ? pstrdup(line) : psprintf("%s\n%s", *text, line);
}
