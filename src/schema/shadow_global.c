/*
 * shadow_global.c
 *	  What has no schema of its own, hidden in the shadow.
 *
 * A publication FOR ALL TABLES would have the target's tables, an event
 * trigger would fire for each of them, and CREATE of what exists would fail.
 * Some of it belongs to others, so no command of the caller's could do it.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "schema/shadow_global.h"
#include "schema/shadow_rows.h"

#include "access/xact.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_transform.h"

typedef struct Found
{
	Oid			catalog;
	Oid			object;
	struct Found *next;
} Found;

static void
keep(TupleDesc desc, HeapTuple row, void *arg)
{
	Found	  **list = arg;
	Found	   *found = palloc(sizeof(Found));
	bool		isnull;

	found->catalog = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	found->object = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	found->next = *list;
	*list = found;
}

/* Objects of users that can be named by oid. */
static Found *
list_objects(void)
{
	static CmigQuery query = {
		.sql = "SELECT o.catalog, o.oid FROM ("
		"SELECT 'pg_cast'::regclass::oid, oid FROM pg_cast"
		" UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform"
		" UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server"
		" UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper"
		" UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language"
		" UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am) AS o(catalog, oid)"
		" WHERE o.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_depend d"
		" WHERE d.classid = o.catalog AND d.objid = o.oid AND d.deptype = 'e')"
	};
	Found	   *list = NULL;

	cmig_query_each(&query, NULL, NULL, keep, &list);
	return list;
}

void
cmig_shadow_global_hide(void)
{
	for (Found *found = list_objects(); found != NULL; found = found->next)
	{
		if (found->catalog == CastRelationId || found->catalog == TransformRelationId)
			cmig_shadow_rows_delete(found->catalog, found->object);
		else
			cmig_shadow_rows_rename(found->catalog, found->object,
									get_object_attnum_name(found->catalog),
									cmig_shadow_hidden_name(found->object));
	}
	cmig_shadow_rows_empty(PublicationRelRelationId);
	cmig_shadow_rows_empty(PublicationNamespaceRelationId);
	cmig_shadow_rows_empty(PublicationRelationId);
	cmig_shadow_rows_empty(EventTriggerRelationId);
	cmig_shadow_rows_empty(DefaultAclRelationId);
	CommandCounterIncrement();
}
