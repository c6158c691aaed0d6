/*
 * log_use.c
 *	  Marks target objects that use an audit log that the database lacks.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "schema/log_use.h"

#include "catalog/namespace.h"
#include "utils/lsyscache.h"

#define LOG_SCHEMA "cmig_audit"

/* An object that uses a relation in the audit log's schema. */
typedef struct LogUse
{
	CmigObject *object;
	char	   *relation;		/* unqualified, unquoted */
	char	   *identity;		/* qualified and quoted */
} LogUse;

/* The image being read, and the uses found so far. */
typedef struct Reader
{
	const CmigImage *image;
	List	   *uses;
} Reader;

/* Row callback: record the use if its object is in the image. */
static void
add_use(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigAddress address = {0};
	CmigObject *object;
	LogUse	   *use;
	bool		isnull;

	address.catalog = DatumGetObjectId(cmig_query_datum(desc, row, 1, &isnull));
	address.object = DatumGetObjectId(cmig_query_datum(desc, row, 2, &isnull));
	object = cmig_image_find(reader->image, address);
	if (object == NULL)
		return;
	use = palloc(sizeof(LogUse));
	use->object = object;
	use->relation = cmig_query_text(desc, row, 3);
	use->identity = cmig_query_text(desc, row, 4);
	reader->uses = lappend(reader->uses, use);
}

List *
cmig_log_use_read(const CmigImage *image)
{
	static CmigQuery query = {
		.sql = "SELECT DISTINCT d.classid, d.objid, c.relname::text, format('%I.%I', n.nspname, c.relname)"
		" FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid"
		" JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid"
		" WHERE n.nspname = '" LOG_SCHEMA "'"
	};
	Reader		reader = {image, NIL};

	if (OidIsValid(get_namespace_oid(LOG_SCHEMA, true)))
		cmig_query_each(&query, NULL, NULL, add_use, &reader);
	return reader.uses;
}

/*
 * Returns the field "needs" of the object's parent or of an object that it
 * depends on.  Returns NULL if none of these fields is set.
 */
static const char *
needed(const CmigObject *object)
{
	if (object->parent != NULL && object->parent->needs != NULL)
		return object->parent->needs;
	for (int i = 0; i < object->ndepends; i++)
		if (object->depends[i]->needs != NULL)
			return object->depends[i]->needs;
	return NULL;
}

/*
 * Mark the objects that depend on marked objects, because they cannot be
 * created, either.
 */
static void
spread(CmigImage *image)
{
	bool		found;

	do
	{
		found = false;
		for (int i = 0; i < image->count; i++)
		{
			CmigObject *object = image->objects[i];

			if (object->needs == NULL)
			{
				object->needs = needed(object);
				found |= object->needs != NULL;
			}
		}
	} while (found);
}

void
cmig_log_use_mark(CmigImage *image, const List *uses)
{
	Oid			schema = get_namespace_oid(LOG_SCHEMA, true);
	bool		found = false;
	ListCell   *cell;

	foreach(cell, uses)
	{
		LogUse	   *use = lfirst(cell);

		if (OidIsValid(schema) && OidIsValid(get_relname_relid(use->relation, schema)))
			continue;
		use->object->needs = psprintf("it needs %s, which cmig.enable_audit creates", use->identity);
		found = true;
	}
	if (found)
		spread(image);
}
