/*
 * image_read.c
 *	  Reading an image from the catalogs.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "schema/internal.h"

static bool
same_grants(const List *a, const List *b)
{
	ListCell   *x;
	ListCell   *y;

	if (list_length(a) != list_length(b))
		return false;
	forboth(x, a, y, b)
	{
		const CmigGrant *one = lfirst(x);
		const CmigGrant *other = lfirst(y);

		if (one->grantable != other->grantable || one->granted != other->granted ||
			!cmig_text_same(one->grantee, other->grantee) ||
			!cmig_text_same(one->privilege, other->privilege))
			return false;
	}
	return true;
}

/* Do both objects have the same properties? */
static bool
same_object(const CmigObject *a, const CmigObject *b)
{
	if (a->kind != b->kind || a->inherited != b->inherited ||
		!cmig_text_same(a->identity, b->identity) || !cmig_text_same(a->owner, b->owner) ||
		!cmig_text_same(a->comment, b->comment) ||
		!cmig_text_same(a->index_comment, b->index_comment) ||
		!cmig_text_same(a->operators, b->operators) || !same_grants(a->grants, b->grants))
		return false;
	for (int j = 0; j < a->kind->nproperties; j++)
		if (!cmig_text_same(a->values[j], b->values[j]))
			return false;
	return true;
}

bool
cmig_image_same(const CmigImage *image, const CmigImage *other)
{
	if (image->count != other->count)
		return false;
	for (int i = 0; i < image->count; i++)
		if (!same_object(image->objects[i], other->objects[i]))
			return false;
	return true;
}

int
cmig_image_distance(const CmigImage *image, const CmigImage *other)
{
	int			distance = 0;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = cmig_image_counterpart(other, image->objects[i]);

		distance += object == NULL || !same_object(image->objects[i], object);
	}
	for (int i = 0; i < other->count; i++)
		distance += cmig_image_counterpart(image, other->objects[i]) == NULL;
	return distance;
}

/* The forms of a query: for all objects, for those of a small catalog, and for some. */
typedef enum ReadForm
{
	READ_ALL,
	READ_SMALL,
	READ_PART
} ReadForm;

#define FORMS (READ_PART + 1)

/* The state of reading an image from the catalogs. */
typedef struct CmigImageReader
{
	CmigImage  *image;
	HTAB	   *members;		/* the extension members: a hash table of
								 * Member */
	const CmigKind *kind;		/* the kind being read */
	ArrayBuildState *unclaimed[2];	/* objects that no kind has read: oid[] of
									 * their catalogs, and of themselves */
	List	   *addresses[2];	/* the same of the objects and aliases in the
								 * image */
	ReadForm	form;			/* of the queries */
	Datum		args[2];		/* oid[]: the schemas, and the objects to read
								 * in READ_PART */
	MemoryContext scratch;		/* reset after each object */
	CmigPack	pack;			/* memory of the objects and their strings */
	char	  **last;			/* for each column: its value in the preceding
								 * object */
	char	  **row;			/* the properties in the current row, in
								 * "scratch" */
	HTAB	   *shared;			/* hash table of SharedValues for the kind
								 * being read */
	const CmigRow *current;		/* the row that a callback reads */
} CmigImageReader;

/* An object that belongs to an extension. */
typedef struct Member
{
	CmigAddress address;
	Oid			extension;
} Member;

/*
 * Returns the address in the three columns that start at "column", counting
 * from 0.
 */
static CmigAddress
image_reader_address(const CmigImageReader *reader, int column)
{
	CmigAddress address = {0};

	if (reader->current->nulls[column])
		return address;
	address.catalog = DatumGetObjectId(reader->current->values[column]);
	address.object = DatumGetObjectId(reader->current->values[column + 1]);
	address.sub = DatumGetInt32(reader->current->values[column + 2]);
	return address;
}

/*
 * Return the value of a column.  For an SQL null, the result is NULL or false.
 */
static char *
image_reader_text(const CmigImageReader *reader, int column)
{
	return reader->current->nulls[column] ? NULL : TextDatumGetCString(reader->current->values[column]);
}

static bool
image_reader_bool(const CmigImageReader *reader, int column)
{
	return !reader->current->nulls[column] && DatumGetBool(reader->current->values[column]);
}

/* Row callback: add an extension member. */
static void
add_member(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigAddress address;
	Member	   *member;

	reader->current = row;
	address = image_reader_address(reader, 0);
	member = hash_search(reader->members, &address, HASH_ENTER, NULL);
	member->extension = DatumGetObjectId(reader->current->values[3]);
}

/* Find the extension members and their array types. */
static void
image_reader_find_members(CmigImageReader *reader)
{
	static CmigQuery query = {
		.sql = "WITH d AS MATERIALIZED (SELECT classid, objid, refobjid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e')"
		" SELECT classid, objid, 0, refobjid FROM d UNION ALL"
		" SELECT 'pg_type'::regclass, t.typarray, 0, d.refobjid FROM d"
		" JOIN pg_type t ON t.oid = d.objid"
		" WHERE d.classid = 'pg_type'::regclass AND t.typarray <> 0"
	};
	HASHCTL		control = {
		.keysize = sizeof(CmigAddress),.entrysize = sizeof(Member),
		.hcxt = CurrentMemoryContext
	};

	reader->members = hash_create("pg_cmig members", 256, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	cmig_query_each(&query, NULL, NULL, add_member, reader);
}

/*
 * Is this object an extension member?  If so, and if "extension" is not NULL,
 * sets *extension to the address of the extension.
 */
static bool
image_reader_is_member(const CmigImageReader *reader, CmigAddress address, CmigAddress *extension)
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
 * Returns the object with the address in the current row.  Sets *is_part if the
 * address is an alias (see cmig_image_alias()).
 */
static CmigObject *
annotated(const CmigImageReader *reader, bool *is_part)
{
	CmigAddress address = image_reader_address(reader, 0);
	CmigObject *object = cmig_image_find_exactly(reader->image, address);

	*is_part = object != NULL && memcmp(&object->address, &address, sizeof(address)) != 0;
	return object;
}

/* Row callback: set the comment of an object, or of its index or sequence. */
static void
add_comment(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object;
	bool		is_part;

	reader->current = row;
	object = annotated(reader, &is_part);
	if (object == NULL)
		return;
	if (!is_part)
		object->comment = image_reader_text(reader, 3);
	else if (image_reader_address(reader, 0).catalog == RelationRelationId &&
			 (object->kind == &cmig_kind_constraint || object->kind == &cmig_kind_column))
		object->index_comment = image_reader_text(reader, 3);
}

/*
 * Row callback: add a privilege to its object, or to the sequence of its
 * identity column.
 */
static void
add_grant(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object;
	CmigGrant  *grant;
	bool		is_part;

	reader->current = row;
	object = annotated(reader, &is_part);
	if (object == NULL || (is_part && object->kind != &cmig_kind_column))
		return;
	grant = palloc0(sizeof(CmigGrant));
	grant->grantee = image_reader_text(reader, 3);
	grant->privilege = image_reader_text(reader, 4);
	grant->grantable = image_reader_bool(reader, 5);
	grant->granted = image_reader_bool(reader, 6);
	grant->grantor = image_reader_text(reader, 7);
	if (is_part)
		object->sequence_grants = lappend(object->sequence_grants, grant);
	else
		object->grants = lappend(object->grants, grant);
}

/*
 * Run a query whose text has a placeholder for what is to be read: @c.relnamespace
 * stands for the condition that c is in one of the schemas, and one of the objects
 * if only some are read.  In a small catalog, most rows are those of the server,
 * which an index on the OID leaves out.  The forms of the query, with their plans,
 * are kept in "queries".
 */
static void
read_rows(CmigImageReader *reader, CmigQuery *queries[FORMS], const char *text,
		  CmigRowCallback callback)
{
	static const Oid argtypes[] = {OIDARRAYOID, OIDARRAYOID};
	CmigQuery **query = &queries[reader->form];

	if (*query == NULL)
	{
		StringInfoData sql;

		initStringInfo(&sql);
		for (; *text != '\0'; text++)
		{
			int			length = *text == '@' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_.") :
			0;

			if (length == 0)
			{
				appendStringInfoChar(&sql, *text);
				continue;
			}
			if (strncmp(text + 1 + strcspn(text + 1, "."), ".oid",
						length - strcspn(text + 1, ".")) == 0)
				appendStringInfoString(&sql, "true");
			else
				appendStringInfo(&sql, "%.*s = ANY ($1)", length, text + 1);
			if (reader->form != READ_ALL)
				appendStringInfo(&sql, " AND %.*s.oid %s", (int) strcspn(text + 1, "."),
								 text + 1, reader->form == READ_PART ? "= ANY ($2)" : ">= 16384");
			text += length;
		}
		*query = cmig_query_make_lasting(sql.data, reader->form == READ_PART ? 2 : 1, argtypes);
		(*query)->selective = reader->form == READ_PART;
		pfree(sql.data);
	}
	cmig_query_each(*query, reader->args, NULL, callback, reader);
}

/* Read the privileges that differ from those of a new object. */
static void
image_read_grants(CmigImageReader *reader)
{
	static CmigQuery *queries[FORMS];

	read_rows(reader, queries,
			  "WITH o (classid, objid, sub, type, owner, acl) AS ("
			  "SELECT 'pg_class'::regclass::oid, oid, 0, CASE relkind WHEN 'S' THEN 's'"
			  " ELSE 'r' END::\"char\", relowner, relacl"
			  " FROM pg_class x WHERE @x.relnamespace AND relacl IS NOT NULL"
			  " UNION ALL SELECT 'pg_class'::regclass::oid, c.oid, a.attnum, 'c', c.relowner, a.attacl"
			  " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL"
			  " AND NOT a.attisdropped"
			  " WHERE @c.relnamespace"
			  " UNION ALL SELECT 'pg_proc'::regclass::oid, oid, 0, 'f', proowner, proacl"
			  " FROM pg_proc x WHERE @x.pronamespace AND proacl IS NOT NULL"
			  " UNION ALL SELECT 'pg_type'::regclass::oid, oid, 0, 'T', typowner, typacl"
			  " FROM pg_type x WHERE @x.typnamespace AND typacl IS NOT NULL"
			  " UNION ALL SELECT 'pg_namespace'::regclass::oid, oid, 0, 'n', nspowner, nspacl"
			  " FROM pg_namespace WHERE oid = ANY ($1) AND nspacl IS NOT NULL"
			  " UNION ALL SELECT 'pg_language'::regclass::oid, oid, 0, 'l', lanowner, lanacl"
			  " FROM pg_language WHERE oid >= 16384 AND lanacl IS NOT NULL"
			  " UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass::oid, oid, 0, 'F', fdwowner, fdwacl"
			  " FROM pg_foreign_data_wrapper WHERE fdwacl IS NOT NULL"
			  " UNION ALL SELECT 'pg_foreign_server'::regclass::oid, oid, 0, 'S', srvowner, srvacl"
			  " FROM pg_foreign_server WHERE srvacl IS NOT NULL)"
			  " SELECT classid, objid, sub, role, privilege, grantable, granted, grantor"
			  " FROM (SELECT o.classid, o.objid, o.sub::integer,"
			  " CASE e.grantee WHEN 0 THEN 'PUBLIC' WHEN o.owner THEN NULL"
			  " ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS role,"
			  " e.privilege, bool_or(e.grantable) AS grantable, e.granted, min(e.n) AS n,"
			  " quote_ident(pg_get_userbyid(nullif(e.grantor, o.owner))) AS grantor"
			  " FROM o CROSS JOIN LATERAL (SELECT coalesce(g.grantee, d.grantee) AS grantee,"
			  "  coalesce(g.privilege_type, d.privilege_type) AS privilege, coalesce(g.is_grantable, false) AS grantable,"
			  "  g.grantee IS NOT NULL AS granted, g.n, g.grantor"
			  "  FROM aclexplode(o.acl) WITH ORDINALITY AS g (grantor, grantee, privilege_type, is_grantable, n) FULL JOIN aclexplode(acldefault(o.type, o.owner)) d"
			  "   ON d.grantee = g.grantee AND d.privilege_type = g.privilege_type"
			  " AND g.grantor = o.owner"
			  "  WHERE g.grantee IS NULL OR d.grantee IS NULL OR (g.is_grantable"
			  " AND g.grantee <> o.owner)) e"
			  " GROUP BY o.classid, o.objid, o.sub, o.owner, e.grantee, e.privilege, e.granted, e.grantor) q"
			  " ORDER BY granted, n, role COLLATE \"C\", privilege COLLATE \"C\"",
			  add_grant);
}

/* Row callback: record an object that no kind has read. */
static void
add_unclaimed(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigAddress address;

	reader->current = row;
	address = image_reader_address(reader, 0);
	if (cmig_image_find_exactly(reader->image, address) != NULL ||
		image_reader_is_member(reader, address, NULL))
		return;
	for (int i = 0; i < 2; i++)
		reader->unclaimed[i] = accumArrayResult(reader->unclaimed[i], reader->current->values[i], false,
												OIDOID, CurrentMemoryContext);
}

/* Row callback: add an object that no kind has read, with the kind "other". */
static void
add_other(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object;
	char	   *type = cmig_query_text(row, 4);
	char	   *identity = cmig_query_text(row, 5);

	reader->current = row;
	object = cmig_object_new(&cmig_kind_other, type, psprintf("%s %s", type, identity));
	object->address = image_reader_address(reader, 0);
	cmig_object_set(object, 0, image_reader_text(reader, 5));
	cmig_image_add(reader->image, object);
}

/*
 * Add the objects in reader->unclaimed to the image.  A type is described by
 * its whole catalog row, with names instead of OIDs.
 */
static void
name_unclaimed(CmigImageReader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT c, o, 0, i.type::text, i.identity::text,"
		" CASE c WHEN 'pg_type'::regclass"
		" THEN (SELECT (to_jsonb(t.*) - '{oid,typnamespace,typowner,typacl,typarray}'::text[]"
		"  || jsonb_build_object('typrelid', t.typrelid::regclass::text, 'typelem', format_type(t.typelem, NULL),"
		"  'typbasetype', format_type(t.typbasetype, NULL), 'typcollation', t.typcollation::regcollation::text))::text"
		"  FROM pg_type t WHERE t.oid = o) END FROM unnest($1, $2) AS a (c, o)"
		" CROSS JOIN LATERAL pg_identify_object(c, o, 0) i"

		/*
		 * what belongs to an extension's member, such as an index of its
		 * table, is the extension's, too
		 */
		" WHERE strpos(i.identity, '" CMIG_SHADOW_HIDDEN "') = 0 AND NOT EXISTS (WITH RECURSIVE w AS (SELECT a.c AS class, a.o AS id UNION"
		"  SELECT d.refclassid, d.refobjid FROM w JOIN pg_depend d ON d.classid = w.class"
		" AND d.objid = w.id AND d.deptype IN ('a', 'i'))"
		"  SELECT FROM w JOIN pg_depend e ON e.classid = w.class AND e.objid = w.id"
		" AND e.deptype = 'e')",
		.argtypes = {OIDARRAYOID, OIDARRAYOID}
	};
	Datum		values[2];

	if (reader->unclaimed[0] == NULL)
		return;
	for (int i = 0; i < 2; i++)
		values[i] = makeArrayResult(reader->unclaimed[i], CurrentMemoryContext);
	cmig_query_each(&query, values, NULL, add_other, reader);
}

#define IN_SCHEMAS(catalog, column) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, x.oid, 0 FROM " catalog " x WHERE @x." column
#define ON_TABLES(catalog, column, condition) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, x.oid, 0 FROM " catalog " x JOIN pg_class c ON c.oid = x." column \
	" WHERE @c.relnamespace" condition
#define IN_DATABASE(catalog) \
	" UNION ALL SELECT '" catalog "'::regclass::oid, oid, 0 FROM " catalog " WHERE oid >= 16384"

/*
 * Find the objects that no kind has read, and add them with the kind "other".
 * If "all" is true, this includes objects without a schema.
 */
static void
image_read_others(CmigImageReader *reader, bool all)
{
	static CmigQuery *queries[FORMS];
	static CmigQuery global = {
		.sql = "SELECT 'pg_cast'::regclass::oid, oid, 0 FROM pg_cast WHERE oid >= 16384"
		" AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass"
		" AND d.objid = pg_cast.oid AND d.deptype = 'i')"
		IN_DATABASE("pg_language")
		IN_DATABASE("pg_event_trigger")
		IN_DATABASE("pg_publication")
		IN_DATABASE("pg_foreign_data_wrapper")
		IN_DATABASE("pg_foreign_server")
		IN_DATABASE("pg_transform")
		IN_DATABASE("pg_default_acl")
		IN_DATABASE("pg_am")
		IN_DATABASE("pg_extension") " AND extname NOT IN (" CMIG_INFRASTRUCTURE ")"
	};

	read_rows(reader, queries,
			  "SELECT 'pg_class'::regclass::oid, x.oid, 0 FROM pg_class x WHERE @x.relnamespace"
			  IN_SCHEMAS("pg_proc", "pronamespace")
			  " UNION ALL SELECT 'pg_type'::regclass::oid, t.oid, 0 FROM pg_type t LEFT"
			  " JOIN pg_class c ON c.oid = t.typrelid"
			  " WHERE @t.typnamespace AND coalesce(c.relkind, 'c') = 'c'"
			  " AND NOT EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem"
			  " AND e.typarray = t.oid)"
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
			  ON_TABLES("pg_trigger", "tgrelid",
						" AND @x.oid AND NOT x.tgisinternal AND x.tgparentid = 0"
						" AND NOT EXISTS (SELECT FROM pg_proc p"
						" JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE p.oid = x.tgfoid"
						" AND pn.nspname = 'cmig')")
			  ON_TABLES("pg_policy", "polrelid", "")
			  ON_TABLES("pg_rewrite", "ev_class", " AND x.rulename <> '_RETURN'"),
			  add_unclaimed);
	if (all)
		cmig_query_each(&global, NULL, NULL, add_unclaimed, reader);
	name_unclaimed(reader);
}

/* ----------------------------------------------------------------
 * Reads all objects of schemas into an image.
 *
 * There is one query for each kind, and one each for the dependencies,
 * comments, and privileges of all kinds.  Names in the printed definitions are
 * qualified.
 * ----------------------------------------------------------------
 */

/* The number of columns that every kind's query begins with. */
#define FIXED_COLUMNS 10

/* The maximum number of shared property rows for each kind. */
#define MAX_SHARED 1024

/* The properties of an object, which other objects of the kind can share. */
typedef struct SharedValues
{
	uint32		hash;
	char	  **values;
} SharedValues;

/*
 * Allocate zeroed memory for a part of the image.  The many small parts are
 * taken from large blocks, because they are all freed together.
 */
static void *
take(CmigImageReader *reader, Size size)
{
	return memset(cmig_pack_alloc(&reader->pack, size), 0, size);
}

/* Returns a column's value in the scratch context, or NULL for an SQL null. */
static char *
read_text(const CmigImageReader *reader, int column)
{
	MemoryContext old = MemoryContextSwitchTo(reader->scratch);
	int			property = column - FIXED_COLUMNS;
	char	   *text = image_reader_text(reader, column);

	if (text != NULL && property >= 0 &&
		(reader->kind->properties[property].flags & CMIG_PROPERTY_EXPRESSION))
		text = cmig_normal_reloadable(text);
	MemoryContextSwitchTo(old);
	return text;
}

/*
 * Does the object, or a column's table, still exist?  Looks at the latest
 * committed state, and not at the snapshot of the query that has read it.
 */
static bool
still_exists(const CmigImageReader *reader, CmigAddress address)
{
	MemoryContext old;
	Relation	catalog;
	bool		exists;

	if (!is_objectclass_supported(address.catalog))
		return true;
	old = MemoryContextSwitchTo(reader->scratch);
	catalog = table_open(address.catalog, AccessShareLock);
	exists = get_catalog_object_by_oid(catalog, get_object_attnum_oid(address.catalog),
									   address.object) != NULL;
	table_close(catalog, AccessShareLock);
	MemoryContextSwitchTo(old);
	return exists;
}

/*
 * Raise an error if the current row is not to be trusted, because another
 * session has dropped the object, or something that its definition names,
 * since the image's snapshot was taken.  The row is not skipped instead: the
 * object may exist again under another OID, as after REINDEX CONCURRENTLY.
 */
static void
require_unchanged(const CmigImageReader *reader, const CmigObject *object)
{
	const CmigKind *kind = reader->kind;
	bool		changed = object->name == NULL || object->identity == NULL ||
	!still_exists(reader, object->address);

	for (int i = 0; i < kind->nproperties && !changed; i++)
		changed = object->values[i] == NULL &&
			!(kind->properties[i].flags & CMIG_PROPERTY_OPTIONAL);
	if (changed)
		cmig_query_raise_changed(psprintf("The %s %s was changed or dropped.", kind->name,
										  object->identity ? object->identity : ""));
}

/*
 * Returns a copy of a string, or NULL.  If the string, such as a type name,
 * is the same as in the preceding object, both objects share the copy.
 */
static char *
keep_text(CmigImageReader *reader, int column, const char *text)
{
	if (text == NULL)
		return NULL;
	if (reader->last[column] == NULL || strcmp(reader->last[column], text) != 0)
		reader->last[column] = cmig_pack_string(&reader->pack, text, strlen(text));
	return reader->last[column];
}

/*
 * Shared values.  Many objects have the same properties, for example all
 * columns of type text without a default.
 */

/* Returns the properties in the current row, shared if possible. */
static char *const *
keep_values(CmigImageReader *reader)
{
	int			count = reader->kind->nproperties;
	uint32		hash = 0;
	SharedValues *shared;
	bool		found;
	char	  **values;

	for (int i = 0; i < count; i++)
	{
		const char *text = reader->row[i] = read_text(reader, FIXED_COLUMNS + i);

		hash = hash_combine(hash,
							text == NULL ? 1 :
							hash_bytes((const unsigned char *) text, strlen(text)));
	}
	shared = hash_search(reader->shared, &hash,
						 hash_get_num_entries(reader->shared) < MAX_SHARED ? HASH_ENTER : HASH_FIND,
						 &found);
	for (int i = 0; i < count && found; i++)
		found = cmig_text_same(shared->values[i], reader->row[i]);
	if (found)
		return shared->values;
	values = take(reader, sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
		values[i] = keep_text(reader, FIXED_COLUMNS + i, reader->row[i]);
	if (shared != NULL)
		shared->values = values;
	return values;
}

/* Returns a list of Oid as an oid[]. */
static Datum
oid_array(const List *oids)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(list_length(oids), 1));
	int			count = 0;

	foreach_oid(oid, oids)
		values[count++] = ObjectIdGetDatum(oid);
	return PointerGetDatum(construct_array(values, count, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

/* Remember whose comments and dependencies to read, if only some objects are read. */
static void
add_address(CmigImageReader *reader, CmigAddress address)
{
	if (reader->form != READ_PART || address.sub != 0)
		return;
	reader->addresses[0] = lappend_oid(reader->addresses[0], address.catalog);
	reader->addresses[1] = lappend_oid(reader->addresses[1], address.object);
}

/* Row callback: add the row's object, unless it belongs to an extension. */
static void
add_object(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	const CmigKind *kind = reader->kind;
	CmigObject *object,
			   *parent = NULL;
	CmigAddress address,
				parent_address;

	Assert(row->desc->natts == FIXED_COLUMNS + kind->nproperties);
	reader->current = row;
	address = image_reader_address(reader, 0);
	parent_address = image_reader_address(reader, 3);
	if (image_reader_is_member(reader, address, NULL))
		return;
	if (OidIsValid(parent_address.catalog))
	{
		parent = cmig_image_find_exactly(reader->image, parent_address);
		if (parent == NULL)
			return;
	}

	object = take(reader, sizeof(CmigObject));
	object->kind = kind;
	object->address = address;
	object->parent = parent;
	object->name = keep_text(reader, 6, read_text(reader, 6));
	object->identity = keep_text(reader, 7, read_text(reader, 7));
	if (kind == &cmig_kind_sequence_owner)
		parent->linked = true;
	object->owner = keep_text(reader, 8, read_text(reader, 8));
	object->inherited = image_reader_bool(reader, 9);
	object->values = keep_values(reader);
	require_unchanged(reader, object);
	MemoryContextReset(reader->scratch);
	cmig_image_add(reader->image, object);
	add_address(reader, address);
}

/*
 * Run one of the kind's queries.  "which" is 0, 1, or 2 for the fields sql,
 * depends, and follows.
 */
static void
read_kind(CmigImageReader *reader, const CmigKind *kind, const char *sql, int which,
		  CmigRowCallback callback)
{
	static CmigQuery *queries[3][64][FORMS];

	Assert(kind->place < 64);
	read_rows(reader, queries[which][kind->place], sql, callback);
}

/*
 * Can the kind's queries find anything?  Most databases have no object of many
 * kinds, and in small ones the queries would take a third of the time.
 */
static bool
may_exist(const CmigKind *kind)
{
	ScanKeyData key;
	Relation	catalog;
	SysScanDesc scan;
	bool		found;

	if (!OidIsValid(kind->catalog))
		return true;
	ScanKeyInit(&key, get_object_attnum_oid(kind->catalog), BTGreaterEqualStrategyNumber, F_OIDGE,
				ObjectIdGetDatum(FirstNormalObjectId));
	catalog = table_open(kind->catalog, AccessShareLock);
	scan = systable_beginscan(catalog, get_object_oid_index(kind->catalog), true,
							  GetActiveSnapshot(), 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Read the objects of all kinds. */
static void
read_objects(CmigImageReader *reader, bool all)
{
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);
	HASHCTL		control = {
		.keysize = sizeof(uint32),.entrysize = sizeof(SharedValues),
		.hcxt = CurrentMemoryContext
	};

	for (int i = 0; i < count; i++)
	{
		if (kinds[i]->sql == NULL || ((kinds[i]->flags & CMIG_KIND_GLOBAL) && !all) ||
			!may_exist(kinds[i]))
			continue;
		reader->kind = kinds[i];
		reader->last = palloc0(sizeof(char *) * (FIXED_COLUMNS + kinds[i]->nproperties));
		reader->row = palloc(sizeof(char *) * Max(kinds[i]->nproperties, 1));
		reader->shared = hash_create("pg_cmig shared values", 64, &control,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		read_kind(reader, kinds[i], kinds[i]->sql, 0, add_object);
		hash_destroy(reader->shared);
	}
}

/* If the image contains the one address, add the other one of the same object. */
static void
add_other_address(CmigImageReader *reader, CmigAddress one, CmigAddress other)
{
	CmigObject *object = cmig_image_find_exactly(reader->image, one);

	if (object == NULL)
		return;
	cmig_image_alias(reader->image, other, object);
	add_address(reader, other);
}

/* Row callback: the row contains two addresses of the same object. */
static void
add_alias(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;

	reader->current = row;
	add_other_address(reader, image_reader_address(reader, 0), image_reader_address(reader, 3));
	add_other_address(reader, image_reader_address(reader, 3), image_reader_address(reader, 0));
}

/*
 * Some parts of objects are not objects themselves: row types, array types,
 * multirange types and their functions and casts, column defaults and
 * generation expressions, view rules, constraint indexes, and identity
 * sequences.  Record the addresses of these parts as additional addresses of
 * the objects that they belong to.
 */
static void
read_aliases(CmigImageReader *reader)
{
	static CmigQuery *queries[FORMS];

	read_rows(reader, queries,
			  "SELECT 'pg_type'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, t.typrelid, 0"
			  " FROM pg_type t WHERE @t.typnamespace AND t.typrelid <> 0"
			  " UNION ALL SELECT 'pg_type'::regclass::oid, r.rngmultitypid, 0, 'pg_type'::regclass::oid, r.rngtypid, 0"
			  " FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid WHERE @t.typnamespace"
			  " UNION ALL SELECT 'pg_type'::regclass::oid, t.typarray, 0, 'pg_type'::regclass::oid, t.oid, 0"
			  " FROM pg_type t WHERE @t.typnamespace AND t.typarray <> 0"
			  " UNION ALL SELECT 'pg_attrdef'::regclass::oid, e.oid, 0, 'pg_class'::regclass::oid, e.adrelid, e.adnum::integer"
			  " FROM pg_attrdef e JOIN pg_class c ON c.oid = e.adrelid WHERE @c.relnamespace"
			  " UNION ALL SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, 'pg_class'::regclass::oid, r.ev_class, 0"
			  " FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE @c.relnamespace"
			  " AND r.rulename = '_RETURN'"
			  " UNION ALL SELECT 'pg_class'::regclass::oid, o.conindid, 0, 'pg_constraint'::regclass::oid, o.oid, 0"
			  " FROM pg_constraint o WHERE @o.connamespace AND o.contype IN ('p', 'u', 'x')"
			  " UNION ALL SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, d.refobjsubid"
			  " FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'"
			  " AND @s.relnamespace"
			  " WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass"
			  " AND d.deptype = 'i'"
			  " UNION ALL SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, 0"
			  " FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid AND @t.typnamespace"
			  " WHERE d.classid IN ('pg_proc'::regclass, 'pg_cast'::regclass)"
			  " AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i'",
			  add_alias);
}

/* Row callback: the first object in the row depends on the second one. */
static void
add_depends(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object,
			   *on;
	CmigAddress extension;

	reader->current = row;
	object = cmig_image_find(reader->image, image_reader_address(reader, 0));
	if (object == NULL)
		return;
	on = cmig_image_find(reader->image, image_reader_address(reader, 3));
	/* an object that depends on an extension member needs the extension */
	if (on == NULL && image_reader_is_member(reader, image_reader_address(reader, 3), &extension))
		on = cmig_image_find(reader->image, extension);
	/* what is missing was not read, or is not compared */
	if (on == NULL && reader->form == READ_PART &&
		DatumGetObjectId(reader->current->values[4]) >= FirstNormalObjectId)
		object->partial = true;
	if (on == NULL || on->parent == object)
		return;

	/*
	 * a sequence's OWNED BY and a partition's attachment to its table are
	 * objects in the image themselves
	 */
	if (row->desc->natts > 6 && DatumGetChar(reader->current->values[6]) == DEPENDENCY_AUTO &&
		((object->kind == &cmig_kind_sequence && on->kind == &cmig_kind_column) ||
		 (cmig_table_is(object) && cmig_table_is(on))))
		return;

	/*
	 * ignore a base type's dependency on its functions, which are created
	 * before its definition
	 */
	if (object->kind == &cmig_kind_base_type && on->kind == &cmig_kind_function)
		return;
	if (on->kind == &cmig_kind_base_type && object != on && object->kind != &cmig_kind_function &&
		on->child != NULL)
		cmig_image_depend(reader->image, object, on->child);
	cmig_image_depend(reader->image, object, on);
}

/*
 * Row callback: the first object in the row must be created after the second
 * one.
 */
static void
add_follows(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object,
			   *on;

	reader->current = row;
	object = cmig_image_find_exactly(reader->image, image_reader_address(reader, 0));
	on = cmig_image_find_exactly(reader->image, image_reader_address(reader, 3));
	if (object != NULL && on != NULL)
		cmig_object_follow(object, on);
}

/* Run a query for all rows, or for those of the addresses in the image if only some objects were read. */
static void
read_by_address(CmigImageReader *reader, CmigQuery *query, CmigQuery *of_part,
				CmigRowCallback callback)
{
	Datum		values[] = {oid_array(reader->addresses[0]),
	oid_array(reader->addresses[1])};

	if (reader->form == READ_PART)
		cmig_query_each(of_part, values, NULL, callback, reader);
	else
		cmig_query_each(query, NULL, NULL, callback, reader);
}

/* Read the dependencies between the image's objects. */
static void
read_depends(CmigImageReader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype"
		" FROM pg_depend d WHERE d.objid >= 16384 AND d.refobjid >= 16384"
		" AND d.deptype IN ('n', 'a', 'i', 'S')"
	};
	static CmigQuery of_part = {
		.sql = "SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype"
		" FROM (SELECT DISTINCT * FROM unnest($1, $2) u) a (class, id)"
		" JOIN pg_depend d ON d.classid = a.class AND d.objid = a.id"
		" WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype IN ('n', 'a', 'i', 'S')",
		.argtypes = {OIDARRAYOID, OIDARRAYOID},.selective = true
	};
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);

	read_by_address(reader, &query, &of_part, add_depends);
	for (int i = 0; i < count; i++)
	{
		if (kinds[i]->depends != NULL && may_exist(kinds[i]))
			read_kind(reader, kinds[i], kinds[i]->depends, 1, add_depends);
		if (kinds[i]->follows != NULL && may_exist(kinds[i]))
			read_kind(reader, kinds[i], kinds[i]->follows, 2, add_follows);
	}
}

/* Row callback: the object uses the operator. */
static void
add_operator(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;
	CmigObject *object;
	char	   *name;

	reader->current = row;
	object = cmig_image_find(reader->image, image_reader_address(reader, 0));
	name = image_reader_text(reader, 3);
	if (object == NULL || name == NULL)
		return;
	object->operators = object->operators == NULL ? name :
		psprintf("%s, %s", object->operators, name);
}

/*
 * Read which operators of users the objects use.  The texts of IS DISTINCT
 * FROM, NULLIF, CASE, and JOIN USING do not show all of them.
 */
static void
read_operators(CmigImageReader *reader)
{
#define OPERATORS_SQL(depend) \
	"SELECT d.classid, d.objid, d.objsubid, " CMIG_OPERATOR_SQL("o") " FROM " depend \
	" JOIN pg_operator o ON o.oid = d.refobjid" \
	" WHERE d.refclassid = 'pg_operator'::regclass AND d.refobjid >= 16384 AND d.deptype = 'n'" \
	" ORDER BY 4, 1, 2, 3"
	static CmigQuery query = {.sql = OPERATORS_SQL("pg_depend d")};
	static CmigQuery of_part = {
		.sql = OPERATORS_SQL("(SELECT DISTINCT * FROM unnest($1, $2) u) a (class, id)"
							 " JOIN pg_depend d ON d.classid = a.class AND d.objid = a.id"),
		.argtypes = {OIDARRAYOID, OIDARRAYOID},.selective = true
	};

	read_by_address(reader, &query, &of_part, add_operator);
}

/* Read the comments of all objects. */
static void
read_comments(CmigImageReader *reader)
{
	static CmigQuery query = {
		.sql = "SELECT classoid, objoid, objsubid, description FROM pg_description"
		" WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass"
	};
	static CmigQuery of_part = {
		.sql = "SELECT d.classoid, d.objoid, d.objsubid, d.description"
		" FROM (SELECT DISTINCT * FROM unnest($1, $2) u) a (class, id)"
		" JOIN pg_description d ON d.classoid = a.class AND d.objoid = a.id",
		.argtypes = {OIDARRAYOID, OIDARRAYOID},.selective = true
	};

	read_by_address(reader, &query, &of_part, add_comment);
}

/* The argument and the result of read_image(). */
typedef struct Reading
{
	const CmigManaged *managed;
	const List *objects;		/* NIL, or the OIDs of those to read */
	CmigImage  *image;
} Reading;

Datum
cmig_managed_oids(const CmigManaged *managed)
{
	List	   *oids = NIL;

	for (int i = 0; i < managed->count; i++)
		if (OidIsValid(managed->schemas[i].oid))
			oids = lappend_oid(oids, managed->schemas[i].oid);
	return oid_array(oids);
}

static void
add_cast(const CmigRow *row, void *arg)
{
	CmigImageReader *reader = arg;

	reader->current = row;
	reader->image->casts = lappend(reader->image->casts, image_reader_text(reader, 0));
}

static void
read_image(void *arg)
{
	/* those of types in the compared schemas only if casts are compared */
	static CmigQuery casts = {
		"SELECT format('(%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL))"
		" FROM pg_cast c WHERE c.oid >= 16384 AND ($2 OR NOT EXISTS (SELECT FROM pg_type t"
		" WHERE t.oid IN (c.castsource, c.casttarget) AND t.typnamespace = ANY ($1))) ORDER BY 1",
		{OIDARRAYOID, BOOLOID}
	};
	Reading    *reading = arg;
	const CmigManaged *managed = reading->managed;
	CmigImageReader reader = {.image = cmig_image_new()};
	int			guc_level = NewGUCNestLevel();
	Datum		values[2] = {0, BoolGetDatum(managed->all)};

	reader.form = reading->objects != NIL ? READ_PART :
		cmig_query_plans_last ? READ_SMALL : READ_ALL;
	reader.args[0] = cmig_managed_oids(managed);
	reader.args[1] = oid_array(reading->objects);

	/*
	 * make PostgreSQL print names and constants in a way that depends neither
	 * on the session nor on settings of the target
	 */
	cmig_settings_pin_forms();
	/* the planner does not know how few rows the parameters select */
	if (reader.form == READ_PART)
	{
		cmig_settings_override("enable_seqscan", "off");
		cmig_settings_override("enable_hashjoin", "off");
		cmig_settings_override("enable_mergejoin", "off");
	}
	image_reader_find_members(&reader);
	reader.scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig row",
										   ALLOCSET_SMALL_SIZES);
	read_objects(&reader, managed->all);
	MemoryContextDelete(reader.scratch);
	read_aliases(&reader);
	read_comments(&reader);
	read_operators(&reader);
	image_read_grants(&reader);
	image_read_others(&reader, managed->all);
	read_depends(&reader);
	cmig_image_read_distribution(reader.image, reader.args[0]);
	values[0] = reader.args[0];
	reader.image->all = managed->all;
	cmig_query_each(&casts, values, NULL, add_cast, &reader);
	hash_destroy(reader.members);
	AtEOXact_GUC(false, guc_level);
	cmig_image_finish(reader.image);
	cmig_bodies_read(reader.image);
	if (!cmig_shadow_hides_live())
		cmig_exclude_expansions(reader.image, cmig_expansion_objects());
	reading->image = reader.image;
}

CmigImage *
cmig_image_read(const CmigManaged *managed)
{
	return cmig_image_read_part(managed, NIL);
}

CmigImage *
cmig_image_read_part(const CmigManaged *managed, const List *objects)
{
	Reading		reading = {.managed = managed,.objects = objects};
	ErrorContextCallback callback;

	/* read with one snapshot, so that all queries agree: the latest one */
	if (cmig_lock_wait_is_watched())
	{
		cmig_query_at_once(true, read_image, &reading);
		return reading.image;
	}

	callback.callback = cmig_lock_wait_explain_callback;
	callback.arg = NULL;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	cmig_lock_wait_reset();
	PG_TRY();
	{
		cmig_lock_wait_watch(GetUserId());
		cmig_query_at_once(true, read_image, &reading);
	}
	PG_FINALLY();
	{
		cmig_lock_wait_unwatch();
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	return reading.image;
}

/*
 * Default privileges without a schema replace the built-in privileges, and
 * default privileges for a schema are granted in addition.  The result
 * contains the differences from the built-in privileges.
 */
List *
cmig_initial_grants_read(void)
{
	static CmigQuery query = {
		.sql = "WITH d AS (SELECT defaclnamespace AS schema, defaclobjtype AS type, defaclacl AS acl, defaclrole AS role FROM pg_default_acl)"
		" SELECT quote_ident(n.nspname), d.type::text, e.role, e.privilege, e.grantable, e.granted, pg_get_userbyid(d.role)::text"
		" FROM d LEFT JOIN pg_namespace n ON n.oid = d.schema"
		" LEFT JOIN LATERAL (SELECT CASE coalesce(g.grantee, b.grantee) WHEN 0 THEN 'PUBLIC'"
		" WHEN d.role THEN NULL"
		"   ELSE quote_ident(pg_get_userbyid(coalesce(g.grantee, b.grantee))) END AS role,"
		"  coalesce(g.privilege_type, b.privilege_type) AS privilege, coalesce(g.grantable, false) AS grantable,"
		"  g.grantee IS NOT NULL AS granted"
		"  FROM (SELECT x.grantee, x.privilege_type, bool_or(x.is_grantable) AS grantable"
		"   FROM (SELECT * FROM aclexplode((SELECT coalesce((SELECT o.acl FROM d o"
		" WHERE o.role = d.role AND o.type = d.type AND o.schema = 0),"
		"     acldefault(replace(d.type::text, 'S', 's')::\"char\", d.role))))"
		"    UNION ALL SELECT * FROM aclexplode(d.acl) WHERE d.schema <> 0) x"
		"   GROUP BY x.grantee, x.privilege_type) g"
		"  FULL JOIN aclexplode(acldefault(replace(d.type::text, 'S', 's')::\"char\", d.role)) b"
		"   ON b.grantee = g.grantee AND b.privilege_type = g.privilege_type"
		"  WHERE g.grantee IS NULL OR b.grantee IS NULL OR (g.grantable"
		" AND g.grantee <> d.role)) e ON true"
		" ORDER BY 7, 1, 2, 6, 3, 4"
	};
	CmigInitialGrants *entry = NULL;
	List	   *list = NIL;

	foreach_ptr(CmigValue, row, cmig_query_list(&query))
	{
		CmigGrant  *grant;

		/* the rows are sorted by role, schema, and type */
		if (entry == NULL || entry->type != *row[1] || strcmp(entry->role, row[6]) != 0 ||
			!cmig_text_same(entry->schema, row[0]))
		{
			entry = palloc0(sizeof(CmigInitialGrants));
			entry->role = row[6];
			entry->schema = row[0];
			entry->type = *row[1];
			list = lappend(list, entry);
		}

		/*
		 * if the row has no privilege, the default privileges equal the
		 * built-in ones
		 */
		if (row[3] == NULL)
			continue;
		grant = palloc0(sizeof(CmigGrant));
		grant->grantee = row[2];
		grant->privilege = row[3];
		grant->grantable = *row[4] == 't';
		grant->granted = *row[5] == 't';
		entry->grants = lappend(entry->grants, grant);
	}
	return list;
}
