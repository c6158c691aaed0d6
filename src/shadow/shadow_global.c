/*
 * shadow_global.c
 *	  Hides, in the shadow, live objects that do not belong to a schema.
 *
 * If these objects were not hidden, a publication FOR ALL TABLES would
 * include the target's tables, an event trigger would fire for each of them,
 * and CREATE would fail for objects that exist.  Some of the objects belong
 * to other roles, so the caller could not hide them with commands.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "shadow/shadow_global.h"
#include "shadow/shadow_rows.h"

#include "access/xact.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_transform.h"

/* A CmigRowCallback: add an object to the list. */
static void
keep(TupleDesc desc, HeapTuple row, void *arg)
{
	CmigHidden **list = arg;
	CmigHidden *hidden = palloc(sizeof(CmigHidden));
	bool		isnull;

	hidden->catalog = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	hidden->object = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	hidden->name = cmig_query_text(desc, row, 3);
	hidden->owner = DatumGetObjectId(cmig_query_datum(desc, row, 4, &isnull));
	hidden->next = *list;
	*list = hidden;
}

/*
 * Returns the objects that do not belong to extensions, and all event
 * triggers.
 */
static CmigHidden *
list_objects(void)
{
	static CmigQuery query = {
		.sql = "SELECT o.catalog, o.oid, o.name::text, o.owner FROM ("
		"SELECT 'pg_cast'::regclass::oid, oid, NULL, 10::oid FROM pg_cast"
		" UNION ALL SELECT 'pg_transform'::regclass, oid, NULL, 10 FROM pg_transform"
		" UNION ALL SELECT 'pg_foreign_server'::regclass, oid, srvname, srvowner FROM pg_foreign_server"
		" UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, fdwname, fdwowner"
		" FROM pg_foreign_data_wrapper"
		" UNION ALL SELECT 'pg_language'::regclass, oid, lanname, lanowner FROM pg_language"
		" UNION ALL SELECT 'pg_am'::regclass, oid, amname, 10 FROM pg_am"
		" UNION ALL SELECT 'pg_publication'::regclass, oid, pubname, pubowner FROM pg_publication"
		" UNION ALL SELECT 'pg_event_trigger'::regclass, oid, evtname, evtowner"
		" FROM pg_event_trigger) AS o(catalog, oid, name, owner)"
		" WHERE o.oid >= 16384 AND (o.catalog = 'pg_event_trigger'::regclass OR NOT EXISTS ("
		"SELECT FROM pg_depend d WHERE d.classid = o.catalog AND d.objid = o.oid AND d.deptype = 'e'))"
	};
	CmigHidden *list = NULL;

	cmig_query_each(&query, NULL, NULL, keep, &list);
	return list;
}

/*
 * Do other objects still need the hidden object's catalog row?  If so, only
 * the object's name is hidden.
 */
static bool
is_renamed(const CmigHidden *hidden)
{
	return hidden->catalog != CastRelationId && hidden->catalog != TransformRelationId &&
		hidden->catalog != PublicationRelationId && hidden->catalog != EventTriggerRelationId;
}

CmigHidden *
cmig_shadow_global_hide(void)
{
	CmigHidden *list = list_objects();

	for (CmigHidden *hidden = list; hidden != NULL; hidden = hidden->next)
	{
		if (is_renamed(hidden))
			cmig_shadow_rows_rename(hidden->catalog, hidden->object,
									get_object_attnum_name(hidden->catalog),
									cmig_shadow_hidden_name(hidden->object));
		else
			cmig_shadow_rows_delete(hidden->catalog, hidden->object);
	}
	cmig_shadow_rows_empty(PublicationRelRelationId);
	cmig_shadow_rows_empty(PublicationNamespaceRelationId);
	cmig_shadow_rows_empty(DefaultAclRelationId);
	CommandCounterIncrement();

	/* also hide publications that belong to extensions, if there are any */
	cmig_shadow_rows_empty(PublicationRelationId);
	CommandCounterIncrement();
	return list;
}

void
cmig_shadow_global_show(const CmigHidden *hidden)
{
	if (is_renamed(hidden))
		cmig_shadow_rows_rename(hidden->catalog, hidden->object,
								get_object_attnum_name(hidden->catalog), hidden->name);
	CommandCounterIncrement();
}

const CmigHidden *
cmig_shadow_global_find(const CmigHidden *hidden, Oid catalog, const char *name)
{
	for (; hidden != NULL; hidden = hidden->next)
		if (hidden->catalog == catalog && hidden->name != NULL &&
			strcmp(hidden->name, name) == 0)
			return hidden;
	return NULL;
}
