/*
 * schema_copy.c
 *	  Statements that create the objects of a schema in another schema.
 *
 * The schema is read while it has the name of the other schema, and compared
 * with an image that contains only an empty schema, so the catalogs are read
 * only once.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/settings.h"
#include "compare/compare.h"
#include "compare/deparse.h"
#include "kinds/kinds.h"
#include "schema/diff_line.h"
#include "schema/image_read.h"
#include "schema/initial_grants.h"
#include "schema/own_name.h"
#include "schema/schema_copy.h"
#include "shadow/shadow.h"

#include "utils/builtins.h"
#include "utils/guc.h"

/* The schema to read, and its image. */
typedef struct Read
{
	CmigManaged *managed;
	const char *name;			/* the name of the copy */
	CmigImage  *image;
} Read;

/* A CmigShadowTask: read the schema. */
static void
read_schema(CmigShadow *shadow, void *arg)
{
	Read	   *read = arg;

	read->image = cmig_image_read(read->managed);
	cmig_own_name_replace_all(read->image, read->managed->schemas[0].oid, read->managed->schemas[0].name, read->name);
}

/* Returns an image with an empty schema, whose owner is that of "like". */
static CmigImage *
empty_image(char *name, const CmigImage *like)
{
	char	   *quoted = pstrdup(quote_identifier(name));
	const CmigObject *other = cmig_image_lookup(like, &cmig_kind_schema, quoted);
	CmigObject *schema = cmig_object_new(&cmig_kind_schema, name, quoted);
	CmigImage  *image = cmig_image_new();

	schema->owner = other ? other->owner : NULL;
	cmig_image_add(image, schema);
	cmig_image_finish(image);
	return image;
}

List *
cmig_schema_copy(const char *from, char *name, const char *caller)
{
	CmigNames	names = {.names = (char *[]) {pstrdup(from)},.count = 1};
	Read		read = {.managed = cmig_managed_schemas(&names),.name = name};
	CmigDiffOptions options = {.privileges = true,.comments = true};
	int			guc_level = NewGUCNestLevel();
	List	   *lines = NIL;

	cmig_settings_override("quote_all_identifiers", "off");
	options.initial = cmig_initial_grants_read();
	cmig_shadow_rename(read.managed->schemas[0].oid, name, caller, read_schema, &read);
	cmig_deparse(cmig_compare(empty_image(name, read.image), read.image, &options), cmig_diff_line_add, &lines);
	AtEOXact_GUC(false, guc_level);
	return lines;
}
