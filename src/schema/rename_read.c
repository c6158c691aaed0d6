/*
 * rename_read.c
 *	  Applies renames to an image.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "compare/rename.h"
#include "compare/rename_guess.h"
#include "schema/body_check.h"
#include "schema/extension_move.h"
#include "schema/image_read.h"
#include "schema/rename_read.h"
#include "shadow/shadow.h"
#include "shadow/shadow_rows.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

/* Renames that are applied to an image one after another. */
typedef struct RenameRead
{
	const CmigManaged *managed;
	CmigImage  *image;			/* the image after the last step */
	CmigImage  *to;
	List	   *renames;		/* list of CmigRename */
	CmigDiffCallback callback;
	void	   *arg;
} RenameRead;

/*
 * The catalogs
 */

/* Change the name in an object's catalog row. */
static void
set_name(Oid catalog, Oid object, const char *name)
{
	if (OidIsValid(object))
		cmig_shadow_rows_rename(catalog, object, get_object_attnum_name(catalog), name);
}

static void
set_column_name(Oid table, const char *old, const char *name)
{
	Relation	catalog = table_open(AttributeRelationId, RowExclusiveLock);
	HeapTuple	row = SearchSysCacheCopyAttName(table, old);

	if (HeapTupleIsValid(row))
	{
		namestrcpy(&((Form_pg_attribute) GETSTRUCT(row))->attname, name);
		CatalogTupleUpdate(catalog, &row->t_self, row);
		heap_freetuple(row);
	}
	table_close(catalog, RowExclusiveLock);
}

/* Rename a column in a table and in the child tables that inherit it. */
static void
rename_column(Oid table, const char *old, const char *name)
{
	ListCell   *cell;

	foreach(cell, find_all_inheritors(table, NoLock, NULL))
		set_column_name(lfirst_oid(cell), old, name);
}

/* Rename a relation and its row type, which has the same name. */
static void
rename_relation(Oid relation, const char *name)
{
	set_name(RelationRelationId, relation, name);
	set_name(TypeRelationId, get_rel_type_id(relation), name);
}

/* Rename a constraint and its index, which has the same name. */
static void
rename_constraint(Oid constraint, const char *name)
{
	/* InvalidOid if the constraint has no index of its own */
	Oid			index = get_constraint_index(constraint);

	set_name(ConstraintRelationId, constraint, name);
	set_name(RelationRelationId, index, name);
}

/* Rename the object in the catalogs. */
static void
apply_step(const CmigRenameStep *step, const char *old)
{
	CmigAddress address = step->object->address;

	if (address.catalog == RelationRelationId && address.sub != 0)
		rename_column(address.object, old, step->name);
	else if (address.catalog == RelationRelationId)
		rename_relation(address.object, step->name);
	else if (address.catalog == ConstraintRelationId)
		rename_constraint(address.object, step->name);
	else
	{
		set_name(address.catalog, address.object, step->name);
		if (address.catalog == TypeRelationId)
			set_name(RelationRelationId, get_typ_typrelid(address.object), step->name);
	}
	CommandCounterIncrement();
}

/*
 * The renames
 */

/* Pass the row of a step to the callback. */
static void
put_step(RenameRead *read, const CmigRenameStep *step)
{
	const CmigObject *object = step->object;
	CmigDiffRow row = {"rename", object->kind->name, object->identity, step->sql, step->undo,.subject = object};

	read->callback(&row, read->arg);
}

/*
 * Run the steps of one rank.  Each step uses the names that the preceding
 * steps have given to objects.
 */
static void
run_rank(RenameRead *read, const List *renames, CmigRenameRank rank)
{
	List	   *steps = cmig_rename_steps(read->image, renames, rank);
	ListCell   *cell;

	foreach(cell, steps)
	{
		CmigRenameStep *step = lfirst(cell);
		char	   *old = step->object->name;

		put_step(read, step);
		apply_step(step, old);
		step->object->name = step->name;
		step->object->identity = step->identity;
	}
	if (steps != NIL)
		read->image = cmig_image_read(read->managed);
}

/* Apply renames in the order of their ranks. */
static void
run_ranks(RenameRead *read, const List *renames)
{
	for (int rank = 0; rank < CMIG_RENAME_RANKS; rank++)
		run_rank(read, renames, rank);
}

/*
 * Raise an error unless the target has every renamed object under its new
 * name.
 */
static void
check_renames(const RenameRead *read)
{
	ListCell   *cell;

	foreach(cell, read->renames)
	{
		const CmigRename *rename = lfirst(cell);
		const CmigObject *object = cmig_image_find_exactly(read->image, rename->address);

		if (object != NULL && cmig_image_lookup(read->to, object->kind, object->identity) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("rename \"%s\": %s %s does not exist in the target", rename->text,
							object->kind->name, object->identity)));
	}
}

/* A CmigShadowTask: apply extension moves and all renames to the catalogs. */
static void
run_renames(CmigShadow *shadow, void *arg)
{
	RenameRead *read = arg;

	if (cmig_extension_move_needed(read->image, read->to))
	{
		read->managed = cmig_extension_move(read->managed, read->image, read->to, read->callback, read->arg);
		read->image = cmig_image_read(read->managed);
	}
	run_ranks(read, read->renames);
	check_renames(read);
	run_ranks(read, cmig_rename_derived(read->image, read->to, read->renames));
	run_ranks(read, cmig_rename_attached(read->image, read->to));

	/*
	 * The downgrade restores functions before it reverts the renames, so
	 * their bodies may name objects that do not exist yet.
	 */
	cmig_body_check(read->image, read->to);
}

static List *
parse_names(const char *name)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, textToQualifiedNameList(cstring_to_text(name)))
		names = lappend(names, strVal(lfirst(cell)));
	return names;
}

/* Parse the strings in "texts", and add their renames to the list. */
static List *
parse_all(List *renames, const CmigImage *from, const List *texts, bool are_comments)
{
	const CmigRenameNames names = {parse_names};
	ListCell   *cell;

	/*
	 * parse tables first, because a column's table can be given by its old or
	 * new name
	 */
	for (int pass = 0; pass < 2; pass++)
		foreach(cell, texts)
	{
		const char *text = lfirst(cell);
		bool		is_part = pg_strncasecmp(text, "column ", 7) == 0 || pg_strncasecmp(text, "constraint ", 11) == 0 ||
		pg_strncasecmp(text, "foreign key ", 12) == 0;

		if (is_part == (pass == 1))
			renames = cmig_rename_add(renames, from, text, are_comments, &names);
	}
	return renames;
}

static void
init_renames(RenameRead *read, const List *renames, const List *comments)
{
	read->renames = parse_all(NIL, read->image, renames, false);
	read->renames = parse_all(read->renames, read->image, comments, true);
}

/* Is there anything to rename or move? */
static bool
is_needed(const RenameRead *read)
{
	return read->renames != NIL || cmig_extension_move_needed(read->image, read->to) || cmig_rename_attached(read->image, read->to) != NIL;
}

CmigImage *
cmig_rename_read(const CmigManaged *managed, CmigImage *from, CmigImage *to,
				 const List *renames, const List *comments, CmigDiffCallback callback, void *arg)
{
	RenameRead	read = {.managed = managed,.image = from,.to = to,.callback = callback,.arg = arg};

	init_renames(&read, renames, comments);
	for (int i = 0; i < managed->count && is_needed(&read); i++)
	{
		if (!OidIsValid(managed->schemas[i].oid))
			continue;

		/*
		 * "rename" a schema to its own name: this changes nothing, but runs
		 * run_renames() in a subtransaction that is rolled back
		 */
		cmig_shadow_rename(managed->schemas[i].oid, managed->schemas[i].name, "cmig.diff()", run_renames, &read);
		break;
	}
	return read.image;
}

CmigImage *
cmig_rename_read_here(const CmigManaged *managed, CmigImage *from, CmigImage *to,
					  const List *renames, const List *comments, CmigDiffCallback callback, void *arg)
{
	RenameRead	read = {.managed = managed,.image = from,.to = to,.callback = callback,.arg = arg};

	init_renames(&read, renames, comments);
	if (is_needed(&read))
		run_renames(NULL, &read);
	return read.image;
}

void
cmig_rename_tell(const CmigDifference *difference)
{
	ListCell   *cell;

	foreach(cell, cmig_rename_guess(difference))
	{
		char	   *rename = lfirst(cell);

		ereport(NOTICE,
				(errmsg("this may be a rename: %s", rename),
				 errhint("If so, add this argument: renames => ARRAY[%s]", quote_literal_cstr(rename))));
	}
}
