/*
 * local_rows.c
 *	  Checks whether a table's rows are stored in this database.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/citus.h"
#include "base/compat.h"
#include "base/errors.h"
#include "base/local_rows.h"

#include "access/relation.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

bool
cmig_local_rows_here(Oid relation)
{
	return get_rel_relkind(relation) != RELKIND_FOREIGN_TABLE && !cmig_citus_manages(relation);
}

static char *
name_of(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

/*
 * Raise an error for a table whose rows are on another server.  "child" is the
 * foreign table: the table itself or one of its children.
 */
static void
refuse_foreign(Oid table, Oid child, const char *doing)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot be used for table %s", doing, name_of(table)),
			 child == table ? errdetail("It is a foreign table, so its rows are on another server.") :
			 errdetail("Its child table %s is a foreign table whose rows are on another server.", name_of(child)),
			 child == table ? errhint("Call %s on that server.", doing) :
			 errhint("Call %s on that server for the foreign table, and on this server for each of the other tables.", doing)));
}

/*
 * Raise an error for a table whose rows are in Citus shards.  "child" is the
 * distributed table: the table itself or one of its children.
 */
static void
refuse_distributed(Oid table, Oid child, const char *doing, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot be used for table %s", doing, name_of(table)),
			 child == table ? errdetail("It is managed by Citus: its rows are in shards, and the table itself is empty.") :
			 errdetail("Its child table %s is managed by Citus: the rows are in shards.", name_of(child)),
			 errhint("%s", hint)));
}

void
cmig_local_rows_require_reachable(Oid table, bool children, const char *doing)
{
	List	   *relations = children ? find_all_inheritors(table, AccessShareLock, NULL) :
	list_make1_oid(table);
	ListCell   *lc;

	foreach(lc, relations)
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_FOREIGN_TABLE)
			refuse_foreign(table, lfirst_oid(lc), doing);
	}
}

void
cmig_local_rows_require(Oid table, bool children, const char *doing, const char *hint)
{
	List	   *relations = children ? find_all_inheritors(table, AccessShareLock, NULL) :
	list_make1_oid(table);
	ListCell   *lc;

	cmig_local_rows_require_reachable(table, children, doing);
	foreach(lc, relations)
	{
		Oid			relation = lfirst_oid(lc);

		if (cmig_citus_manages(relation))
			refuse_distributed(table, relation, doing, hint);
	}
}

void
cmig_local_rows_require_heap(Oid table, const char *doing, const char *hint)
{
	Relation	relation = relation_open(table, AccessShareLock);
	Oid			method = relation->rd_rel->relam;

	relation_close(relation, AccessShareLock);
	if (method != HEAP_TABLE_AM_OID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be used for table %s", doing, name_of(table)),
				 errdetail("Its access method, \"%s\", might not store rows in blocks as the heap access method does.",
						   get_am_name(method)),
				 errhint("%s", hint)));
}
