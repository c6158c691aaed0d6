/*
 * image_read.c
 *	  Reads all objects of schemas into an image.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/query.h"
#include "base/settings.h"
#include "schema/bodies.h"
#include "schema/image_read.h"
#include "schema/kinds.h"
#include "schema/normal.h"
#include "schema/shadow_rows.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* The number of columns that every kind's query begins with. */
#define FIXED_COLUMNS 10

/* The size of the memory blocks for objects. */
#define BLOCK_SIZE ((Size) 32 * 1024)

/* An object that belongs to an extension. */
typedef struct Member
{
	CmigAddress address;
	Oid			extension;
} Member;

/* The state of reading an image from the catalogs. */
typedef struct Reader
{
	CmigImage  *image;
	HTAB	   *members;		/* of Member */
	const CmigKind *kind;		/* the kind being read */
	List	   *unclaimed;		/* of CmigAddress * */
	MemoryContext scratch;		/* reset after each object */
	char	   *block;			/* memory for objects and their texts ... */
	Size		room;			/* ... and how much of it is left */
	char	  **last;			/* the last value of each column */
	Datum	   *values;			/* the object in the current row */
	bool	   *nulls;
	int			ncolumns;
} Reader;

/*
 * Rows
 */

/* Read the columns of a row into the reader. */
static void
deform(Reader *reader, TupleDesc desc, HeapTuple row)
{
	if (reader->ncolumns < desc->natts)
	{
		reader->values = palloc(sizeof(Datum) * desc->natts);
		reader->nulls = palloc(sizeof(bool) * desc->natts);
		reader->ncolumns = desc->natts;
	}
	heap_deform_tuple(row, desc, reader->values, reader->nulls);
}

/*
 * Returns the address in the three columns that start at "column", counting
 * from 0.
 */
static CmigAddress
address_at(const Reader *reader, int column)
{
	CmigAddress address = {0};

	if (reader->nulls[column])
		return address;
	address.catalog = DatumGetObjectId(reader->values[column]);
	address.object = DatumGetObjectId(reader->values[column + 1]);
	address.sub = DatumGetInt32(reader->values[column + 2]);
	return address;
}

static char *
text_at(const Reader *reader, int column)
{
	return reader->nulls[column] ? NULL : TextDatumGetCString(reader->values[column]);
}

static bool
bool_at(const Reader *reader, int column)
{
	return !reader->nulls[column] && DatumGetBool(reader->values[column]);
}

/*
 * Extension members
 */

/* Row callback: add an extension member. */
static void
add_member(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigAddress address;
	Member	   *member;

	deform(reader, desc, row);
	address = address_at(reader, 0);
	member = hash_search(reader->members, &address, HASH_ENTER, NULL);
	member->extension = DatumGetObjectId(reader->values[3]);
}

/* Read the extension members and their array types. */
static void
read_members(Reader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT classid, objid, 0, refobjid FROM pg_depend WHERE deptype = 'e'"
		" UNION ALL SELECT 'pg_type'::regclass, t.typarray, 0, d.refobjid FROM pg_depend d JOIN pg_type t ON t.oid = d.objid"
		" WHERE d.deptype = 'e' AND d.classid = 'pg_type'::regclass AND t.typarray <> 0"
	};
	HASHCTL		control = {
		.keysize = sizeof(CmigAddress),.entrysize = sizeof(Member),
		.hcxt = CurrentMemoryContext
	};

	reader->members = hash_create("pg_cmig members", 256, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cmig_query_each(&query, NULL, NULL, add_member, reader);
}

/* Is this object an extension member?  If so, set *extension, unless NULL. */
static bool
is_member(const Reader *reader, CmigAddress address, CmigAddress *extension)
{
	Member	   *member;

	address.sub = 0;
	member = hash_search(reader->members, &address, HASH_FIND, NULL);
	if (member == NULL)
		return false;
	if (extension != NULL)
		*extension = (CmigAddress)
	{
		ExtensionRelationId, member->extension, 0
	};
	return true;
}

/*
 * Objects
 */

/*
 * Allocate memory for a part of the image.  The many small parts are taken
 * from blocks, because they are freed together.
 */
static char *
take(Reader *reader, Size size)
{
	if (size > BLOCK_SIZE / 8)
		return palloc(size);
	if (size > reader->room)
	{
		reader->block = palloc(BLOCK_SIZE);
		reader->room = BLOCK_SIZE;
	}
	reader->room -= size;
	return reader->block + reader->room;
}

/* Allocate a zeroed object of the kind being read. */
static CmigObject *
take_object(Reader *reader)
{
	Size		size = MAXALIGN(offsetof(CmigObject, values) + sizeof(char *) * Max(reader->kind->nproperties, 1));
	char	   *memory;

	/* texts may have left it unaligned */
	reader->room -= reader->room % MAXIMUM_ALIGNOF;
	memory = take(reader, size);
	memset(memory, 0, size);
	return (CmigObject *) memory;
}

/* Returns a column's text, allocated in the scratch context, or NULL. */
static char *
read_text(const Reader *reader, int column)
{
	MemoryContext old = MemoryContextSwitchTo(reader->scratch);
	int			property = column - FIXED_COLUMNS;
	char	   *text = text_at(reader, column);

	if (text != NULL && property >= 0 && (reader->kind->properties[property].flags & CMIG_PROPERTY_EXPRESSION))
		text = cmig_normal_reloadable(text);
	MemoryContextSwitchTo(old);
	return text;
}

/*
 * Returns a column's text, or NULL.  Objects share a text with the object read
 * before them if it is the same, such as a type name.
 */
static char *
keep_text(Reader *reader, int column)
{
	char	   *text = read_text(reader, column);

	if (text == NULL)
		return NULL;
	if (reader->last[column] == NULL || strcmp(reader->last[column], text) != 0)
		reader->last[column] = strcpy(take(reader, strlen(text) + 1), text);
	return reader->last[column];
}

/* Row callback: add the row's object, unless it belongs to an extension. */
static void
add_object(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	const CmigKind *kind = reader->kind;
	CmigObject *object,
			   *parent = NULL;
	CmigAddress address,
				parent_address;

	Assert(desc->natts == FIXED_COLUMNS + kind->nproperties);
	deform(reader, desc, row);
	address = address_at(reader, 0);
	parent_address = address_at(reader, 3);
	if (is_member(reader, address, NULL))
		return;
	if (OidIsValid(parent_address.catalog))
	{
		parent = cmig_image_find_exactly(reader->image, parent_address);
		if (parent == NULL)
			return;
	}

	object = take_object(reader);
	object->kind = kind;
	object->address = address;
	object->parent = parent;
	object->name = keep_text(reader, 6);
	object->identity = keep_text(reader, 7);
	if (kind == &cmig_kind_sequence_owner)
		parent->linked = true;
	object->owner = keep_text(reader, 8);
	object->inherited = bool_at(reader, 9);
	for (int i = 0; i < kind->nproperties; i++)
		object->values[i] = keep_text(reader, FIXED_COLUMNS + i);
	MemoryContextReset(reader->scratch);
	cmig_image_add(reader->image, object);
}

/* Returns one of the kind's prepared queries, selected by "which". */
static CmigQuery *
kind_query(const CmigKind *kind, const char *sql, int which)
{
	static CmigQuery queries[3][64];
	CmigQuery  *query = &queries[which][kind->place];

	Assert(kind->place < 64);
	query->sql = sql;
	query->nargs = 1;
	query->argtypes[0] = OIDARRAYOID;
	return query;
}

/* Read the objects of all kinds. */
static void
read_objects(Reader *reader, Datum schemas, bool all)
{
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);

	for (int i = 0; i < count; i++)
	{
		if ((kinds[i]->flags & CMIG_KIND_GLOBAL) && !all)
			continue;
		reader->kind = kinds[i];
		reader->last = palloc0(sizeof(char *) * (FIXED_COLUMNS + kinds[i]->nproperties));
		cmig_query_each(kind_query(kinds[i], kinds[i]->sql, 0), &schemas, NULL,
						add_object, reader);
	}
}

/*
 * Other addresses of the same objects
 */

/* Row callback: add the two addresses in the row to the same object. */
static void
add_alias(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigAddress one,
				other;
	CmigObject *object;

	deform(reader, desc, row);
	one = address_at(reader, 0);
	other = address_at(reader, 3);
	object = cmig_image_find_exactly(reader->image, one);
	if (object != NULL)
		cmig_image_alias(reader->image, other, object);
	object = cmig_image_find_exactly(reader->image, other);
	if (object != NULL)
		cmig_image_alias(reader->image, one, object);
}

/*
 * Read the addresses of objects that are part of other objects: row types,
 * array types, multirange types and their functions and casts, column defaults
 * and generation expressions, view rules, constraint indexes, and identity
 * sequences.
 */
static void
read_aliases(Reader *reader, Datum schemas)
{
	static CmigQuery query = {
		.sql = "SELECT 'pg_type'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, t.typrelid, 0"
		" FROM pg_type t WHERE t.typnamespace = ANY ($1) AND t.typrelid <> 0"
		" UNION ALL SELECT 'pg_type'::regclass::oid, r.rngmultitypid, 0, 'pg_type'::regclass::oid, r.rngtypid, 0"
		" FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid WHERE t.typnamespace = ANY ($1)"
		" UNION ALL SELECT 'pg_type'::regclass::oid, t.typarray, 0, 'pg_type'::regclass::oid, t.oid, 0"
		" FROM pg_type t WHERE t.typnamespace = ANY ($1) AND t.typarray <> 0"
		" UNION ALL SELECT 'pg_attrdef'::regclass::oid, e.oid, 0, 'pg_class'::regclass::oid, e.adrelid, e.adnum::integer"
		" FROM pg_attrdef e JOIN pg_class c ON c.oid = e.adrelid WHERE c.relnamespace = ANY ($1)"
		" UNION ALL SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, 'pg_class'::regclass::oid, r.ev_class, 0"
		" FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = ANY ($1) AND r.rulename = '_RETURN'"
		" UNION ALL SELECT 'pg_class'::regclass::oid, o.conindid, 0, 'pg_constraint'::regclass::oid, o.oid, 0"
		" FROM pg_constraint o WHERE o.connamespace = ANY ($1) AND o.contype IN ('p', 'u', 'x')"
		" UNION ALL SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, d.refobjsubid"
		" FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' AND s.relnamespace = ANY ($1)"
		" WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'"
		" UNION ALL SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, 0"
		" FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid AND t.typnamespace = ANY ($1)"
		" WHERE d.classid IN ('pg_proc'::regclass, 'pg_cast'::regclass) AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i'",
		.nargs = 1,.argtypes = {OIDARRAYOID}
	};

	cmig_query_each(&query, &schemas, NULL, add_alias, reader);
}

/*
 * Dependencies
 */

/* Returns the object, or the extension that it belongs to, or NULL. */
static CmigObject *
find_needed(const Reader *reader, CmigAddress address)
{
	CmigObject *object = cmig_image_find(reader->image, address);
	CmigAddress extension;

	if (object == NULL && is_member(reader, address, &extension))
		object = cmig_image_find(reader->image, extension);
	return object;
}

/*
 * Is the dependency an object itself?  This is true for OWNED BY and attached
 * partitions.
 */
static bool
is_own_kind(const CmigObject *object, const CmigObject *on, char type)
{
	return type == DEPENDENCY_AUTO &&
		((object->kind == &cmig_kind_sequence && on->kind == &cmig_kind_column) ||
		 (object->kind == &cmig_kind_table && on->kind == &cmig_kind_table));
}

/* Row callback: the first object in the row depends on the second one. */
static void
add_depends(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigObject *object,
			   *on;
	CmigAddress address;

	deform(reader, desc, row);
	address = address_at(reader, 0);
	object = cmig_image_find(reader->image, address);
	if (object == NULL)
		return;
	on = find_needed(reader, address_at(reader, 3));
	if (on == NULL || on->parent == object ||
		(desc->natts > 6 && is_own_kind(object, on, DatumGetChar(reader->values[6]))))
		return;
	/* a base type's functions are created before its definition */
	if (object->kind == &cmig_kind_base_type && on->kind == &cmig_kind_function)
		return;
	if (on->kind == &cmig_kind_base_type && object != on && object->kind != &cmig_kind_function && on->child != NULL)
		cmig_image_depend(reader->image, object, on->child);
	cmig_image_depend(reader->image, object, on);
}

/*
 * Row callback: the first object in the row must be created after the second
 * one.
 */
static void
add_follows(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigObject *object,
			   *on;

	deform(reader, desc, row);
	object = cmig_image_find_exactly(reader->image, address_at(reader, 0));
	on = cmig_image_find_exactly(reader->image, address_at(reader, 3));
	if (object != NULL && on != NULL)
		cmig_object_follow(object, on);
}

/* Read the dependencies. */
static void
read_depends(Reader *reader, Datum schemas)
{
	static CmigQuery query = {
		.sql = "SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype"
		" FROM pg_depend d WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i', 'S')"
	};
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);

	cmig_query_each(&query, NULL, NULL, add_depends, reader);
	for (int i = 0; i < count; i++)
	{
		if (kinds[i]->depends != NULL)
			cmig_query_each(kind_query(kinds[i], kinds[i]->depends, 1), &schemas, NULL,
							add_depends, reader);
		if (kinds[i]->follows != NULL)
			cmig_query_each(kind_query(kinds[i], kinds[i]->follows, 2), &schemas, NULL,
							add_follows, reader);
	}
}

/*
 * Comments and privileges
 */

/*
 * Returns the object in the current row, or NULL if the row contains one of
 * its other addresses.
 */
static CmigObject *
annotated(const Reader *reader)
{
	CmigAddress address = address_at(reader, 0);
	CmigObject *object = cmig_image_find_exactly(reader->image, address);

	return object != NULL && memcmp(&object->address, &address, sizeof(address)) == 0 ? object : NULL;
}

/* Row callback: set the comment of an object, or of its index or sequence. */
static void
add_comment(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigObject *object;

	deform(reader, desc, row);
	object = annotated(reader);
	if (object != NULL)
		object->comment = text_at(reader, 3);
	else if (address_at(reader, 0).catalog == RelationRelationId)
	{
		object = cmig_image_find_exactly(reader->image, address_at(reader, 0));
		if (object != NULL && (object->kind == &cmig_kind_constraint || object->kind == &cmig_kind_column))
			object->index_comment = text_at(reader, 3);
	}
}

/* Row callback: add a privilege to its object or identity sequence. */
static void
add_grant(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigObject *object,
			   *sequence = NULL;
	CmigGrant  *grant;

	deform(reader, desc, row);
	object = annotated(reader);
	if (object == NULL)
	{
		sequence = cmig_image_find_exactly(reader->image, address_at(reader, 0));
		if (sequence == NULL || sequence->kind != &cmig_kind_column)
			return;
	}
	grant = palloc0(sizeof(CmigGrant));
	grant->grantee = text_at(reader, 3);
	grant->privilege = text_at(reader, 4);
	grant->grantable = bool_at(reader, 5);
	grant->granted = bool_at(reader, 6);
	grant->grantor = text_at(reader, 7);
	if (sequence != NULL)
		sequence->sequence_grants = lappend(sequence->sequence_grants, grant);
	else
		object->grants = lappend(object->grants, grant);
}

/* Read the comments of all objects. */
static void
read_comments(Reader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT classoid, objoid, objsubid, description FROM pg_description"
		" WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass"
	};

	cmig_query_each(&query, NULL, NULL, add_comment, reader);
}

/* Read the privileges that differ from those of a new object. */
static void
read_grants(Reader *reader, Datum schemas)
{
	static CmigQuery query = {
		.sql = "WITH o (classid, objid, sub, type, owner, acl) AS ("
		"SELECT 'pg_class'::regclass::oid, oid, 0, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner, relacl"
		" FROM pg_class WHERE relnamespace = ANY ($1) AND relacl IS NOT NULL"
		" UNION ALL SELECT 'pg_class'::regclass::oid, c.oid, a.attnum, 'c', c.relowner, a.attacl"
		" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped"
		" WHERE c.relnamespace = ANY ($1)"
		" UNION ALL SELECT 'pg_proc'::regclass::oid, oid, 0, 'f', proowner, proacl"
		" FROM pg_proc WHERE pronamespace = ANY ($1) AND proacl IS NOT NULL"
		" UNION ALL SELECT 'pg_type'::regclass::oid, oid, 0, 'T', typowner, typacl"
		" FROM pg_type WHERE typnamespace = ANY ($1) AND typacl IS NOT NULL"
		" UNION ALL SELECT 'pg_namespace'::regclass::oid, oid, 0, 'n', nspowner, nspacl"
		" FROM pg_namespace WHERE oid = ANY ($1) AND nspacl IS NOT NULL"
		" UNION ALL SELECT 'pg_language'::regclass::oid, oid, 0, 'l', lanowner, lanacl"
		" FROM pg_language WHERE oid >= 16384 AND lanacl IS NOT NULL"
		" UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass::oid, oid, 0, 'F', fdwowner, fdwacl"
		" FROM pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL"
		" UNION ALL SELECT 'pg_foreign_server'::regclass::oid, oid, 0, 'S', srvowner, srvacl"
		" FROM pg_foreign_server WHERE srvacl IS NOT NULL)"
		" SELECT classid, objid, sub, role, privilege, grantable, granted, grantor FROM (SELECT o.classid, o.objid, o.sub::integer,"
		" CASE e.grantee WHEN 0 THEN 'PUBLIC' WHEN o.owner THEN NULL ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS role,"
		" e.privilege, bool_or(e.grantable) AS grantable, e.granted, min(e.n) AS n,"
		" quote_ident(pg_get_userbyid(nullif(e.grantor, o.owner))) AS grantor"
		" FROM o CROSS JOIN LATERAL (SELECT coalesce(g.grantee, d.grantee) AS grantee,"
		"  coalesce(g.privilege_type, d.privilege_type) AS privilege, coalesce(g.is_grantable, false) AS grantable,"
		"  g.grantee IS NOT NULL AS granted, g.n, g.grantor"
		"  FROM aclexplode(o.acl) WITH ORDINALITY AS g (grantor, grantee, privilege_type, is_grantable, n) FULL JOIN aclexplode(acldefault(o.type, o.owner)) d"
		"   ON d.grantee = g.grantee AND d.privilege_type = g.privilege_type AND g.grantor = o.owner"
		"  WHERE g.grantee IS NULL OR d.grantee IS NULL OR (g.is_grantable AND g.grantee <> o.owner)) e"
		" GROUP BY o.classid, o.objid, o.sub, o.owner, e.grantee, e.privilege, e.granted, e.grantor) q"
		" ORDER BY granted, n, role COLLATE \"C\", privilege COLLATE \"C\"",
		.nargs = 1,.argtypes = {OIDARRAYOID}
	};

	cmig_query_each(&query, &schemas, NULL, add_grant, reader);
}

/* Objects that no kind has read */

/* Row callback: remember an object that no kind has read. */
static void
add_unclaimed(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigAddress *address = palloc(sizeof(CmigAddress));

	deform(reader, desc, row);
	*address = address_at(reader, 0);
	if (cmig_image_find_exactly(reader->image, *address) == NULL &&
		!is_member(reader, *address, NULL))
		reader->unclaimed = lappend(reader->unclaimed, address);
	else
		pfree(address);
}

/* Row callback: add an object that no kind has read, with kind "other". */
static void
add_other(TupleDesc desc, HeapTuple row, void *arg)
{
	Reader	   *reader = arg;
	CmigObject *object;
	char	   *type;

	deform(reader, desc, row);
	type = text_at(reader, 3);
	if (type == NULL || strstr(text_at(reader, 4), CMIG_SHADOW_HIDDEN) != NULL ||
		strcmp(text_at(reader, 4), "pg_cmig") == 0)
		return;
	object = cmig_object_new(&cmig_kind_other, type,
							 psprintf("%s %s", type, text_at(reader, 4)));
	object->address = address_at(reader, 0);
	object->values[0] = text_at(reader, 5);
	cmig_image_add(reader->image, object);
}

/*
 * Add the remembered objects.  A type is described by its whole catalog row,
 * with names instead of oids.
 */
static void
name_unclaimed(Reader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT c, o, 0, i.type::text, i.identity::text,"
		" CASE c WHEN 'pg_type'::regclass THEN (SELECT (to_jsonb(t) - '{oid,typnamespace,typowner,typacl,typarray}'::text[]"
		"  || jsonb_build_object('typrelid', t.typrelid::regclass::text, 'typelem', format_type(t.typelem, NULL),"
		"  'typbasetype', format_type(t.typbasetype, NULL), 'typcollation', t.typcollation::regcollation::text))::text"
		"  FROM pg_type t WHERE t.oid = o) END FROM unnest($1, $2) AS a (c, o)"
		" CROSS JOIN LATERAL pg_identify_object(c, o, 0) i",
		.nargs = 2,.argtypes = {OIDARRAYOID, OIDARRAYOID}
	};
	int			count = list_length(reader->unclaimed);
	Datum	   *catalogs = palloc(sizeof(Datum) * Max(count, 1)),
			   *objects = palloc(sizeof(Datum) * Max(count, 1)),
				values[2];

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		CmigAddress *address = list_nth(reader->unclaimed, i);

		catalogs[i] = ObjectIdGetDatum(address->catalog);
		objects[i] = ObjectIdGetDatum(address->object);
	}
	values[0] = PointerGetDatum(construct_array(catalogs, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
	values[1] = PointerGetDatum(construct_array(objects, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
	cmig_query_each(&query, values, NULL, add_other, reader);
}

#define IN_SCHEMAS(catalog, column) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, oid, 0 FROM " catalog " WHERE " column " = ANY ($1)"
#define ON_TABLES(catalog, column, condition) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, x.oid, 0 FROM " catalog " x JOIN pg_class c ON c.oid = x." column \
	" WHERE c.relnamespace = ANY ($1)" condition
#define IN_DATABASE(catalog) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, oid, 0 FROM " catalog " WHERE $2 AND oid >= 16384"

/* Find the objects that no kind has read, and add them. */
static void
read_unclaimed(Reader *reader, Datum schemas, bool all)
{
	static CmigQuery query = {
		.sql = "SELECT 'pg_class'::regclass::oid, oid, 0 FROM pg_class WHERE relnamespace = ANY ($1)"
		IN_SCHEMAS("pg_proc", "pronamespace")
		" UNION ALL SELECT 'pg_type'::regclass::oid, t.oid, 0 FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid"
		" WHERE t.typnamespace = ANY ($1) AND coalesce(c.relkind, 'c') = 'c'"
		" AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typarray = t.oid)"
		IN_SCHEMAS("pg_operator", "oprnamespace")
		IN_SCHEMAS("pg_opclass", "opcnamespace")
		IN_SCHEMAS("pg_opfamily", "opfnamespace")
		IN_SCHEMAS("pg_collation", "collnamespace")
		IN_SCHEMAS("pg_conversion", "connamespace")
		IN_SCHEMAS("pg_ts_config", "cfgnamespace")
		IN_SCHEMAS("pg_ts_dict", "dictnamespace")
		IN_SCHEMAS("pg_ts_parser", "prsnamespace")
		IN_SCHEMAS("pg_ts_template", "tmplnamespace")
		IN_SCHEMAS("pg_statistic_ext", "stxnamespace")
		ON_TABLES("pg_trigger", "tgrelid", " AND NOT x.tgisinternal AND x.tgparentid = 0"
				  " AND x.tgfoid NOT IN (SELECT p.oid FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE pn.nspname = 'cmig')")
		ON_TABLES("pg_policy", "polrelid", "")
		ON_TABLES("pg_rewrite", "ev_class", " AND x.rulename <> '_RETURN'")
		IN_DATABASE("pg_cast") " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass"
		" AND d.objid = pg_cast.oid AND d.deptype = 'i')"
		IN_DATABASE("pg_language")
		IN_DATABASE("pg_event_trigger")
		IN_DATABASE("pg_publication")
		IN_DATABASE("pg_foreign_data_wrapper")
		IN_DATABASE("pg_foreign_server")
		IN_DATABASE("pg_transform")
		IN_DATABASE("pg_default_acl")
		IN_DATABASE("pg_am")
		IN_DATABASE("pg_extension"),
		.nargs = 2,.argtypes = {OIDARRAYOID, BOOLOID}
	};
	Datum		values[2];

	values[0] = schemas;
	values[1] = BoolGetDatum(all);
	cmig_query_each(&query, values, NULL, add_unclaimed, reader);
	name_unclaimed(reader);
}

/* Returns the schemas that exist, as an oid[]. */
static Datum
schema_oids(const CmigManaged *managed)
{
	Datum	   *oids = palloc(sizeof(Datum) * Max(managed->count, 1));
	int			count = 0;

	for (int i = 0; i < managed->count; i++)
		if (OidIsValid(managed->schemas[i].oid))
			oids[count++] = ObjectIdGetDatum(managed->schemas[i].oid);
	return PointerGetDatum(construct_array(oids, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

CmigImage *
cmig_image_read(const CmigManaged *managed)
{
	Reader		reader = {.image = cmig_image_new()};
	Datum		schemas = schema_oids(managed);
	int			guc_level = NewGUCNestLevel();

	/* JIT compilation of the queries takes longer than running them */
	cmig_settings_override("jit", "off");
	read_members(&reader);
	reader.scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig row", ALLOCSET_SMALL_SIZES);
	read_objects(&reader, schemas, managed->all);
	MemoryContextDelete(reader.scratch);
	read_aliases(&reader, schemas);
	read_comments(&reader);
	read_grants(&reader, schemas);
	read_unclaimed(&reader, schemas, managed->all);
	read_depends(&reader, schemas);
	AtEOXact_GUC(false, guc_level);
	cmig_image_finish(reader.image);
	cmig_bodies_read(reader.image);
	return reader.image;
}
