/*
 * match.c
 *	  What happens to each object of two images.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"

#include "base/base.h"
#include "kinds/kinds.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * The differences between two images, as a change for each object.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/* ----------------------------------------------------------------
 * Refuses changes to objects that belong to other roles.
 *
 * Such objects are called foreign objects here; others.c finds them.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/*
 * If the changed object is a foreign object or part of one, returns the
 * foreign object.  Otherwise returns NULL.
 */
static const CmigObject *
foreign_root(const CmigDifference *difference, const CmigChange *change)
{
	for (;;)
	{
		const CmigObject *object = change->from ? change->from : change->to;

		if (change->from != NULL && change->from->foreign)
			return change->from;
		if (object->owner != NULL || object->parent == NULL)
			return NULL;
		change = change->from ? difference->of_from[object->parent->index] : difference->of_to[object->parent->index];
	}
}

/* Mark the change as unsupported if it affects a foreign object. */
static void
refuse(const CmigDifference *difference, CmigChange *change)
{
	const CmigObject *root = foreign_root(difference, change);
	const CmigChange *root_change;

	if (root == NULL)
		return;
	root_change = difference->of_from[root->index];
	if (root_change->to == NULL && root->may_drop)
		return;
	if (root_change->to == NULL && (root->kind->flags & CMIG_KIND_GLOBAL))
	{
		change->action = CMIG_NO_CHANGE;
		return;
	}
	change->action = CMIG_UNSUPPORTED;
	change->reason = root == change->from ? psprintf("it belongs to role %s", cmig_quote(root->owner)) :
		psprintf("%s %s belongs to role %s", root->kind->name, root->identity, cmig_quote(root->owner));
	change->disturbs = change->recasts = change->late = false;
}

/*
 * Mark the change as unsupported if the database lacks something that the new
 * object needs.
 */
static void
refuse_needing(CmigChange *change)
{
	const CmigObject *to = change->to;

	if (to == NULL || to->needs == NULL)
		return;
	change->action = to->parent != NULL && to->parent->needs != NULL ? CMIG_NO_CHANGE : CMIG_UNSUPPORTED;
	change->reason = unconstify(char *, to->needs);
	change->disturbs = change->recasts = change->late = false;
}

void
cmig_foreign_refuse(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].action != CMIG_NO_CHANGE)
			refuse_needing(&difference->changes[i]);
	for (int i = 0; i < difference->count; i++)
		if (difference->changes[i].action != CMIG_NO_CHANGE && difference->changes[i].action != CMIG_UNSUPPORTED)
			refuse(difference, &difference->changes[i]);
}

bool
cmig_foreign_stays(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *root = foreign_root(difference, change);

	return root != NULL && !(difference->of_from[root->index]->to == NULL && root->may_drop);
}

void
cmig_foreign_prevents(CmigChange *change, const CmigChange *stays)
{
	change->action = CMIG_UNSUPPORTED;
	change->reason = psprintf("%s %s depends on it, and belongs to role %s", stays->from->kind->name,
							  stays->from->identity, cmig_quote(stays->from->owner ? stays->from->owner :
																stays->from->parent->owner));
	change->disturbs = change->recasts = change->late = false;
}

/* ----------------------------------------------------------------
 * Keeps objects that the target lacks.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/* The state of copying objects from one image to another. */
typedef struct Keep
{
	const CmigImage *from;
	CmigImage  *to;
	CmigObject **copies;		/* indexed like from->objects: the object in
								 * "to", or NULL */
	bool	   *kept;			/* indexed like from->objects: true if the
								 * object is kept */
} Keep;

/*
 * Returns the target's object with the same kind and identity as "object", or
 * NULL.
 */
static CmigObject *
counterpart(const CmigImage *to, const CmigObject *object)
{
	return cmig_image_lookup(to, object->kind, object->identity);
}

/* Does the target contain the object, or is the object kept? */
static bool
remains(const Keep *keep, const CmigObject *object)
{
	return keep->copies[object->index] != NULL || keep->kept[object->index];
}

/* Do the object's parent and all objects on which it depends remain? */
static bool
can_stay(const Keep *keep, const CmigObject *object)
{
	if (object->parent != NULL && !remains(keep, object->parent))
		return false;
	for (int i = 0; i < object->ndepends; i++)
		if (!remains(keep, object->depends[i]))
			return false;
	return true;
}

/* Returns true for an index that cmig.enable_rls created. */
static bool
is_rls_index(const CmigObject *object)
{
	return object->kind == &cmig_kind_index && object->comment != NULL &&
		strstr(object->comment, "[cmig.enable_rls index]") != NULL;
}

/*
 * A CmigKeepCandidate: returns true for an index that cmig.enable_rls created,
 * for an object that ORMs cannot define, and for an object that belongs to
 * such an object.
 */
static bool
is_unknown(const CmigObject *object, void *arg)
{
	if (is_rls_index(object))
		return true;
	for (; object != NULL; object = object->parent)
		if ((object->kind->flags & CMIG_KIND_MODEL) == 0)
			return object->kind != &cmig_kind_other;
	return false;
}

/*
 * Decide which objects are kept: all candidates except those that cannot stay.
 */
static void
decide(Keep *keep, CmigKeepCandidate is_candidate, void *arg)
{
	bool		changed = true;

	for (int i = 0; i < keep->from->count; i++)
	{
		keep->copies[i] = counterpart(keep->to, keep->from->objects[i]);
		keep->kept[i] = keep->copies[i] == NULL && is_candidate(keep->from->objects[i], arg);
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < keep->from->count; i++)
		{
			if (!keep->kept[i] || can_stay(keep, keep->from->objects[i]))
				continue;
			keep->kept[i] = false;
			changed = true;
		}
	}
}

/* Returns a copy of the object that has no parent, children, or siblings. */
static CmigObject *
copy(const CmigObject *object)
{
	CmigObject *result = cmig_object_copy(object);

	result->parent = result->child = result->last_child = result->sibling = NULL;
	return result;
}

/* Make "result", the copy of "object", refer to objects in the target. */
static void
connect_to(const Keep *keep, const CmigObject *object, CmigObject *result)
{
	if (object->parent != NULL)
		result->parent = keep->copies[object->parent->index];
	result->depends = palloc(sizeof(CmigObject *) * Max(object->ndepends, 1));
	for (int i = 0; i < object->ndepends; i++)
		result->depends[i] = keep->copies[object->depends[i]->index];
	result->soft = palloc(sizeof(CmigObject *) * Max(object->nsoft, 1));
	result->nsoft = 0;
	for (int i = 0; i < object->nsoft; i++)
		if (keep->copies[object->soft[i]->index] != NULL)
			result->soft[result->nsoft++] = keep->copies[object->soft[i]->index];
}

void
cmig_keep(const CmigImage *from, CmigImage *to, CmigKeepCandidate is_candidate, void *arg)
{
	Keep		keep = {from, to};
	bool		any = false;

	keep.copies = palloc0(sizeof(CmigObject *) * Max(from->count, 1));
	keep.kept = palloc0(sizeof(bool) * Max(from->count, 1));
	decide(&keep, is_candidate, arg);
	for (int i = 0; i < from->count; i++)
		if (keep.kept[i])
			keep.copies[i] = copy(from->objects[i]);
	for (int i = 0; i < from->count; i++)
	{
		if (!keep.kept[i])
			continue;
		connect_to(&keep, from->objects[i], keep.copies[i]);
		cmig_image_add(to, keep.copies[i]);
		any = true;
	}
	if (any)
		cmig_image_sort(to);
	pfree(keep.copies);
	pfree(keep.kept);
}

/* Do objects of these kinds share a namespace? */
static bool
share_names(const CmigKind *kind, const CmigKind *other)
{
	return kind != other && (kind->flags & other->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0;
}

/* Mark an object and its children as impossible to create. */
static void
set_needs(CmigObject *object, const char *reason)
{
	object->needs = reason;
	for (CmigObject *child = object->child; child != NULL; child = child->sibling)
		set_needs(child, reason);
}

/*
 * If a kept object has the name of an object that models define, mark the
 * latter object as impossible to create.
 */
static void
refuse_taken(const CmigImage *to, const CmigObject *kept)
{
	static CmigKind *const kinds[] = {&cmig_kind_table, &cmig_kind_sequence, &cmig_kind_index, &cmig_kind_enum};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		CmigObject *object = share_names(kinds[i], kept->kind) ? cmig_image_lookup(to, kinds[i], kept->identity) : NULL;

		if (object != NULL)
			set_needs(object, psprintf("%s %s has the same name, and ORMs cannot define it", kept->kind->name, kept->identity));
	}
}

void
cmig_keep_unknown(const CmigImage *from, CmigImage *to)
{
	cmig_keep(from, to, is_unknown, NULL);
	for (int i = 0; i < from->count; i++)
		if (is_unknown(from->objects[i], NULL) && counterpart(to, from->objects[i]) != NULL)
			refuse_taken(to, from->objects[i]);
}

/*
 * If cmig_keep_unknown() did not add the object to "to" because "to" lacks an
 * object that it depends on, returns the missing object.  Otherwise returns
 * NULL, even if the object's parent is missing.
 */
static const CmigObject *
keep_missing(const CmigObject *object, const CmigImage *to)
{
	if (!is_unknown(object, NULL) || counterpart(to, object) != NULL ||
		(object->parent != NULL && counterpart(to, object->parent) == NULL))
		return NULL;
	for (int i = 0; i < object->ndepends; i++)
		if (counterpart(to, object->depends[i]) == NULL)
			return object->depends[i];
	return NULL;
}

/*
 * Partitions
 */

/*
 * Mark the partitions that are left out: those of a table whose partitions the
 * target does not create, and their own partitions.  Adds the topmost of these
 * tables to the listing, and returns the number of partitions.
 */
static int
mark_partitions(const CmigImage *image, const CmigImage *target, bool *marked, CmigListing *tables)
{
	bool	   *divided = palloc0(Max(target->count, 1));	/* by index in "target" */
	bool	   *listed = palloc0(Max(image->count, 1));
	int			count = 0;
	bool		changed = true;

	for (int i = 0; i < target->count; i++)
	{
		const CmigObject *link = target->objects[i];
		const CmigObject *table = link->kind != &cmig_kind_partition ? NULL :
		cmig_image_lookup(target, &cmig_kind_table, cmig_partition_of(link));

		if (table != NULL)
			divided[table->index] = true;
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *link = image->objects[i];
			const CmigObject *table = link->kind != &cmig_kind_partition || marked[link->parent->index] ? NULL :
			cmig_image_lookup(image, &cmig_kind_table, cmig_partition_of(link));
			const CmigObject *other = table ? counterpart(target, table) : NULL;

			if (table == NULL || counterpart(target, link->parent) != NULL ||
				(!marked[table->index] && (other == NULL || divided[other->index] || !cmig_table_same_key(table, other))))
				continue;
			if (!marked[table->index] && !listed[table->index])
				cmig_listing_add(tables, table->identity);
			listed[table->index] = marked[link->parent->index] = changed = true;
			count++;
		}
	}
	return count;
}

/*
 * Also mark what belongs to marked objects: their children, the sequences that
 * their columns own, and their places in publications.
 */
static void
mark_parts(const CmigImage *image, bool *marked)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *object = image->objects[i];
			int			whole = object->kind == &cmig_kind_sequence_owner ? object->parent->index :
			object->kind == &cmig_kind_publication_table ? i : -1;
			bool		mark = object->parent != NULL && marked[object->parent->index];

			for (int j = 0; whole >= 0 && !marked[whole] && j < object->ndepends; j++)
				if (marked[object->depends[j]->index])
					marked[whole] = changed = true;
			if (mark && !marked[i])
				marked[i] = changed = true;
		}
	}
}

/* Remove the marked objects from an array of objects.  Returns the new length. */
static int
remove_marked(CmigObject **objects, int count, const bool *marked)
{
	int			kept = 0;

	for (int i = 0; i < count; i++)
		if (!marked[objects[i]->index])
			objects[kept++] = objects[i];
	return kept;
}

void
cmig_keep_partitions(CmigImage *image, const CmigImage *target, const char *creates)
{
	bool	   *marked = palloc0(Max(image->count, 1));
	CmigListing tables;
	int			count;

	cmig_listing_init(&tables, CMIG_LISTING_PLAIN);
	count = mark_partitions(image, target, marked, &tables);
	if (count == 0)
		return;
	mark_parts(image, marked);
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];
		CmigObject **next = &object->child;

		if (marked[i])
			(void) hash_search(image->addresses, &object->address, HASH_REMOVE, NULL);
		object->ndepends = remove_marked(object->depends, object->ndepends, marked);
		object->nsoft = remove_marked(object->soft, object->nsoft, marked);
		object->last_child = NULL;
		while (*next != NULL)
		{
			if (marked[(*next)->index])
				*next = (*next)->sibling;
			else
			{
				object->last_child = *next;
				next = &(*next)->sibling;
			}
		}
	}
	image->count = remove_marked(image->objects, image->count, marked);
	cmig_image_sort(image);
	ereport(NOTICE,
			(errmsg_plural("%d partition was left unchanged", "%d partitions were left unchanged", count, count),
			 errdetail("%s no partitions of %s.", creates, cmig_listing_text(&tables))));
}

/* ----------------------------------------------------------------
 * Recognizes the bookkeeping tables of other migration tools.
 *
 * No target contains these tables, and no revision creates them, but they
 * must stay as long as the tool is in use.
 *
 * A table is recognized by its name and one of its columns.
 * ----------------------------------------------------------------
 */

static const CmigToolTable tool_tables[] = {
	{"alembic", NULL, "alembic_version", "version_num"},
	{NULL, NULL, "cmig_version", "version_num"},	/* for scripts generated
													 * by cmig.script() */
	{NULL, NULL, "django_migrations", "applied"},
	{"flyway", NULL, "flyway_schema_history", "installed_rank"},
	{"flyway", NULL, "schema_version", "installed_rank"},	/* before Flyway 5 */
	{"liquibase", NULL, "databasechangelog", "orderexecuted"},
	{NULL, NULL, "databasechangeloglock", "lockgranted"},
	{"golang-migrate", NULL, "schema_migrations", "version"},
	{"dbmate", NULL, "schema_migrations", "version"},	/* also used by Ecto */
	{"rails", NULL, "schema_migrations", "version"},
	{NULL, NULL, "ar_internal_metadata", "key"},	/* Rails */
	{"supabase", "supabase_migrations", "schema_migrations", "version"},
	{"goose", NULL, "goose_db_version", "version_id"},
	{"prisma", NULL, "_prisma_migrations", "migration_name"},
	{"drizzle", "drizzle", "__drizzle_migrations", "hash"},
	{"drizzle", NULL, "__drizzle_migrations", "hash"},
	{"graphile-migrate", "graphile_migrate", "migrations", "previous_hash"},
	{NULL, "graphile_migrate", "current", "content"},
	{NULL, NULL, "knex_migrations", "batch"},
	{NULL, NULL, "knex_migrations_lock", "is_locked"},
	{NULL, NULL, "SequelizeMeta", "name"},
	{"node-pg-migrate", NULL, "pgmigrations", "run_on"},
	{NULL, NULL, "mikro_orm_migrations", "executed_at"},
	{NULL, NULL, "__EFMigrationsHistory", "MigrationId"},
	{"sqitch", "sqitch", "changes", "planned_at"},
	{NULL, "sqitch", "dependencies", "dependency_id"},
	{NULL, "sqitch", "events", "change_id"},
	{NULL, "sqitch", "projects", "creator_email"},
	{NULL, "sqitch", "releases", "installer_email"},
	{NULL, "sqitch", "tags", "tag_id"},
	{"sqlx", NULL, "_sqlx_migrations", "checksum"},
	{"diesel", NULL, "__diesel_schema_migrations", "version"},
	{"refinery", NULL, "refinery_schema_history", "checksum"},
	{NULL, NULL, "gorp_migrations", "applied_at"},
	{NULL, NULL, "atlas_schema_revisions", "executed_at"},
	{NULL, NULL, "doctrine_migration_versions", "executed_at"},
	{NULL, NULL, "phinxlog", "migration_name"},
	{"yoyo", NULL, "_yoyo_migration", "migration_id"},
	{NULL, NULL, "_yoyo_log", "migration_id"},
	{NULL, NULL, "_yoyo_version", "version"},
	{NULL, NULL, "yoyo_lock", "locked"}
};

const CmigToolTable *
cmig_tool_table_next(const char *tool, const CmigToolTable *last)
{
	for (int i = last ? last - tool_tables + 1 : 0; i < lengthof(tool_tables); i++)
		if (tool_tables[i].tool != NULL && strcmp(tool_tables[i].tool, tool) == 0)
			return &tool_tables[i];
	return NULL;
}

/* The objects to keep, and a list of the tables among them. */
typedef struct ToolTables
{
	bool	   *set;			/* for each object, by its index: true if it
								 * is kept */
	CmigListing names;
} ToolTables;

/* Is the table in the schema? */
static bool
is_in_schema(const CmigObject *table, const char *schema)
{
	return strcmp(table->identity, psprintf("%s.%s", cmig_quote(schema), cmig_quote(table->name))) == 0;
}

/*
 * Is "version_num" the table's only column?  Alembic's table can have any name,
 * and may have been renamed after the change to pg_cmig.
 */
static bool
is_version_table(const CmigObject *table)
{
	int			columns = 0;

	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		columns += child->kind == &cmig_kind_column;
	return columns == 1 && cmig_column_find(table, "version_num");
}

/* Does the table belong to another migration tool? */
static bool
is_tool_table(const CmigObject *object)
{
	if (object->kind != &cmig_kind_table)
		return false;
	if (is_version_table(object))
		return true;
	for (int i = 0; i < lengthof(tool_tables); i++)
	{
		const CmigToolTable *entry = &tool_tables[i];

		if (strcmp(object->name, entry->name) == 0 && cmig_column_find(object, entry->column) &&
			(entry->schema == NULL || is_in_schema(object, entry->schema)))
			return true;
	}
	return false;
}

/* Mark a table, its parts, and the sequences and schema that it needs. */
static void
mark(ToolTables *tables, const CmigObject *object)
{
	tables->set[object->index] = true;
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];

		if (tables->set[on->index])
			continue;
		if (on->kind == &cmig_kind_sequence)
			mark(tables, on);
		else if (on->kind == &cmig_kind_schema)
			tables->set[on->index] = true;
	}
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		mark(tables, child);
}

/* A CmigKeepCandidate: returns true if the object is marked. */
static bool
is_marked(const CmigObject *object, void *arg)
{
	return ((ToolTables *) arg)->set[object->index];
}

void
cmig_tool_table_keep(const CmigImage *live, CmigImage *other)
{
	ToolTables	tables = {0};
	const char *names;

	for (int i = 0; i < live->count; i++)
	{
		const CmigObject *object = live->objects[i];

		if (!is_tool_table(object) || cmig_image_lookup(other, object->kind, object->identity) != NULL)
			continue;
		if (tables.set == NULL)
		{
			tables.set = palloc0(sizeof(bool) * live->count);
			cmig_listing_init(&tables.names, CMIG_LISTING_PLAIN);
		}
		mark(&tables, object);
		cmig_listing_add(&tables.names, object->identity);
	}
	if (tables.set == NULL)
		return;
	cmig_keep(live, other, is_marked, &tables);
	names = cmig_listing_text(&tables.names);
	ereport(NOTICE,
			(errmsg_plural("a table of another migration tool was left unchanged: %s",
						   "tables of other migration tools were left unchanged: %s",
						   tables.names.count, names),
			 errhint_plural("If it is no longer used: DROP TABLE %s",
							"If they are no longer used: DROP TABLE %s",
							tables.names.count, names)));
}

/* ----------------------------------------------------------------
 * Writes new columns as serial where possible.
 *
 * Without serial, each of these columns would need three statements: one for
 * the sequence, one for the column or its table, and one for OWNED BY.
 * ----------------------------------------------------------------
 */

/* A column type, the type of its sequence, and its pseudo-type. */
typedef struct SerialType
{
	const char *type;
	const char *sequence;		/* the sequence's property "type" */
	const char *serial;
} SerialType;

static const SerialType serial_types[] = {
	{"integer", "integer", "serial"},
	{"bigint", NULL, "bigserial"},
	{"smallint", "smallint", "smallserial"}
};

/* Returns the value of a property, or NULL. */
static const char *
value_of(const CmigObject *object, const char *property)
{
	for (int i = 0; i < object->kind->nproperties; i++)
		if (strcmp(object->kind->properties[i].name, property) == 0)
			return object->values[i];
	return NULL;
}

static const SerialType *
serial_type(const CmigObject *column)
{
	const char *type = value_of(column, "type");

	for (int i = 0; type != NULL && i < lengthof(serial_types); i++)
		if (strcmp(type, serial_types[i].type) == 0)
			return &serial_types[i];
	return NULL;
}

static const CmigObject *
child_of(const CmigObject *object, const CmigKind *kind)
{
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		if (child->kind == kind)
			return child;
	return NULL;
}

/*
 * Returns the name, qualified and quoted, that PostgreSQL chooses for the
 * sequence of a serial column.
 */
static char *
chosen_name(const CmigObject *column)
{
	const CmigObject *table = column->parent;
	int			schema = strlen(table->identity) - strlen(cmig_quote(table->name));

	return psprintf("%.*s%s", schema, table->identity,
					cmig_quote(makeObjectName(table->name, column->name, "seq")));
}

/*
 * Does the sequence lack a comment, and have the privileges of a new sequence?
 */
static bool
is_unannotated(const CmigObject *sequence, const CmigObject *column, const CmigDiffOptions *options)
{
	CmigDiffOptions own = *options;

	/*
	 * ignore the owner, which is always the table's owner; ADD COLUMN creates
	 * the sequence as that owner
	 */
	own.owners = false;
	if (!column->folded)
		own.role = column->parent->owner;
	own.privileges = own.comments = true;
	return cmig_annotate_create(sequence, &own) == NIL;
}

/* Does the sequence have only the properties that serial would give it? */
static bool
is_plain(const CmigObject *sequence, const CmigObject *column, const CmigDiffOptions *options)
{
	for (int i = 0; i < sequence->kind->nproperties; i++)
	{
		const char *name = sequence->kind->properties[i].name;
		const char *expected = strcmp(name, "type") == 0 ? serial_type(column)->sequence :
		strcmp(name, "persistence") == 0 ? value_of(column->parent, "persistence") : NULL;

		if ((sequence->kind->properties[i].flags & CMIG_PROPERTY_SILENT) == 0 &&
			!cmig_text_same(sequence->values[i], expected))
			return false;
	}
	return is_unannotated(sequence, column, options) && !sequence->foreign;
}

/*
 * Returns the column's sequence if serial would create the same sequence.
 * Otherwise returns NULL.
 */
static const CmigObject *
serial_sequence(const CmigObject *column, const CmigDiffOptions *options)
{
	const CmigObject *value = child_of(column, &cmig_kind_default);

	if (column->inherited || value == NULL || !value->folded || serial_type(column) == NULL ||
		value_of(column, "not null") == NULL || value_of(column, "of a typed table") != NULL)
		return NULL;
	for (int i = 0; i < value->ndepends; i++)
	{
		const CmigObject *sequence = value->depends[i];

		if (sequence->kind == &cmig_kind_sequence && is_plain(sequence, column, options) &&
			strcmp(sequence->identity, chosen_name(column)) == 0 &&
			strcmp(value->values[0], psprintf("nextval(%s::regclass)", cmig_literal(sequence->identity))) == 0)
			return sequence;
	}
	return NULL;
}

/*
 * Returns the change whose statement creates or drops the column (the table's
 * or the column's own), or NULL if there is none.
 */
static CmigChange *
change_of_column(CmigChange **changes, const CmigObject *column, CmigAction action)
{
	CmigChange *change = changes[column->index];

	if (column->folded)
		change = changes[column->parent->index];
	else if (change->host != NULL)
		return NULL;
	return change->action == action ? change : NULL;
}

/*
 * If the column can be written as serial, and its sequence and the sequence's
 * OWNED BY undergo the same change as the column, set the column's field
 * "serial", and make the column's change the host of the other two changes.
 */
static void
mark_column(CmigChange **changes, CmigObject *column, CmigAction action, const CmigDiffOptions *options)
{
	CmigChange *change = change_of_column(changes, column, action);
	const CmigObject *sequence = change ? serial_sequence(column, options) : NULL;
	const CmigObject *owner = sequence ? child_of(sequence, &cmig_kind_sequence_owner) : NULL;

	if (owner == NULL || !cmig_text_same(cmig_sequence_owner_column(owner), column->identity) ||
		changes[sequence->index]->action != action || changes[owner->index]->action != action)
		return;
	column->serial = serial_type(column)->serial;
	changes[sequence->index]->host = change;
	changes[owner->index]->host = change;
}

/* Mark the columns of one image that can be written as serial. */
static void
mark_image(const CmigImage *image, CmigChange **changes, CmigAction action, const CmigDiffOptions *options)
{
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->kind != &cmig_kind_column)
			continue;
		object->serial = NULL;
		if (object->parent->kind == &cmig_kind_table && !cmig_table_is_partition(object->parent))
			mark_column(changes, object, action, options);
	}
}

void
cmig_serial_mark(CmigDifference *difference)
{
	mark_image(difference->from, difference->of_from, CMIG_DROP, difference->options);
	mark_image(difference->to, difference->of_to, CMIG_CREATE, difference->options);
}

/* ----------------------------------------------------------------
 * Matches the objects in two images, and decides what happens to each.
 *
 * Objects are matched by kind and identity.  Each kind decides what ALTER can
 * change.
 * ----------------------------------------------------------------
 */

/* Do the objects differ in a property that is compared? */
static bool
differs(const CmigObject *from, const CmigObject *to)
{
	const CmigKind *kind = to->kind;

	for (int i = 0; i < kind->nproperties; i++)
		if (!cmig_kind_same_value(&kind->properties[i], from->values[i], to->values[i]))
			return true;
	return false;
}

/* Does the object exist in only one of the images? */
static bool
is_single(const CmigDifference *difference, const CmigObject *object)
{
	return (cmig_image_lookup(difference->from, object->kind, object->identity) == NULL) !=
		(cmig_image_lookup(difference->to, object->kind, object->identity) == NULL);
}

/*
 * Returns true if the object is inherited, and is therefore created or dropped
 * together with the parent's object.
 */
static bool
follows_parent(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *parent = object->parent;

	if (!object->inherited || parent == NULL)
		return false;
	if (parent->kind == &cmig_kind_table &&
		!cmig_table_keeps_inheriting(difference->from, difference->to, object))
		return false;

	/*
	 * an object that belongs to an inherited column is created or dropped
	 * together with the column
	 */
	if (parent->inherited && is_single(difference, parent) && follows_parent(difference, parent))
		return true;

	/*
	 * a default does not follow the parent's default, because defaults of
	 * existing columns are changed table by table
	 */
	if (object->kind == &cmig_kind_default)
		return false;
	return cmig_image_lookup(difference->from, parent->kind, parent->identity) != NULL &&
		cmig_image_lookup(difference->to, parent->kind, parent->identity) != NULL;
}

/* Decide what to do about an object that is in both images. */
static void
compare_pair(CmigDifference *difference, CmigChange *change)
{
	CmigAlter	alter = {.from = change->from,.to = change->to};

	if (differs(change->from, change->to))
	{
		if (change->to->kind->alter == NULL)
			alter.again = true;
		else
			change->to->kind->alter(&alter);
	}
	if (alter.unsupported != NULL)
	{
		change->action = CMIG_UNSUPPORTED;
		change->reason = alter.unsupported;
		return;
	}
	if (alter.again && cmig_children_is_attached(change))
		return;
	if (alter.again)
	{
		change->action = CMIG_AGAIN;
		return;
	}
	change->disturbs = alter.disturbs;
	change->recasts = alter.recasts;
	change->late = alter.late;
	change->ddl = cmig_annotate_alter(change->from, change->to, difference->options);
	change->ddl = alter.late ? list_concat(change->ddl, alter.ddl) : list_concat(alter.ddl, change->ddl);
	change->ddl = list_concat(cmig_annotate_sequence_gone(change->from, change->to, difference->options), change->ddl);
	change->first = alter.first;
	change->last = alter.last;
	if (change->ddl != NIL || change->first != NIL || change->last != NIL || change->disturbs)
		change->action = CMIG_ALTER;
}

/*
 * Returns true for a column of a typed table that keeps its type.  Such a
 * column is added or dropped together with the type's attribute.
 */
static bool
follows_type(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *table = object->parent;

	if (object->kind != &cmig_kind_column || cmig_table_type(table) == NULL)
		return false;
	return cmig_image_lookup(difference->from, table->kind, table->identity) != NULL &&
		cmig_image_lookup(difference->to, table->kind, table->identity) != NULL &&
		cmig_table_keeps_type(cmig_image_lookup(difference->from, table->kind, table->identity),
							  cmig_image_lookup(difference->to, table->kind, table->identity));
}

/*
 * Returns the statements that complete an object that is created together with
 * another object: its owner, privileges, and comments, and for a column, the
 * properties in which it differs from the parent's column.
 */
static List *
completion(const CmigObject *object, const CmigDiffOptions *options)
{
	List	   *ddl = object->kind == &cmig_kind_column ? cmig_column_deviations(object) : NIL;

	return list_concat(ddl, cmig_annotate_create(object, options));
}

/*
 * For an object that is dropped together with another object, returns the
 * statements that reset what completion() sets.  The downgrade first
 * re-creates the object, and then runs their undo statements, which set it
 * again.
 */
static List *
removal(const CmigDifference *difference, const CmigObject *object)
{
	CmigDiffOptions options = *difference->options;
	List	   *ddl = NIL;
	ListCell   *cell;

	options.owners = options.privileges = options.comments = true;
	foreach(cell, completion(object, &options))
	{
		const CmigDdl *entry = lfirst(cell);

		ddl = lcons(linitial(cmig_ddl_append(NIL, entry->undo, entry->sql)), ddl);
	}
	return ddl;
}

/*
 * Returns true for an index that is created, along with its comment, by the
 * statements for the partitioned table's index.
 */
static bool
is_created_with_partial(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	const CmigObject *parent = object->kind != &cmig_kind_index ? NULL :
	cmig_children_parent(change->to ? difference->to : difference->from, object);

	return parent != NULL && cmig_index_is_partial(parent);
}

/*
 * Returns true for a constraint that is created or dropped together with a
 * parent table's NOT VALID constraint, after the table itself.
 */
static bool
is_added_later(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;

	if (!cmig_children_added_later(change->to ? difference->to : difference->from, object))
		return false;
	return cmig_table_keeps_inheriting(difference->from, difference->to, object);
}

/* Decide what to do about an object that exists in only one image. */
static void
compare_single(CmigDifference *difference, CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;

	if (object->kind == &cmig_kind_other)
	{
		change->action = CMIG_UNSUPPORTED;
		change->reason = change->to ? "it is missing; objects of this kind are not compared yet" :
			"it is not in the target; objects of this kind are not compared yet";
	}
	else if (is_created_with_partial(difference, change))
		change->action = CMIG_NO_CHANGE;
	else if (follows_type(difference, object) || follows_parent(difference, object) ||
			 is_added_later(difference, change))
	{
		change->ddl = change->to != NULL ? completion(object, difference->options) : removal(difference, object);
		change->action = change->ddl != NIL ? CMIG_ALTER : CMIG_NO_CHANGE;
	}
	else
		change->action = change->to ? CMIG_CREATE : CMIG_DROP;
}

/*
 * Copy from "from" to "to" the properties that ORMs cannot define and that
 * have their default values in "to".
 */
static void
keep_unknown(const CmigObject *from, CmigObject *to)
{
	const CmigKind *kind = to->kind;

	for (int i = 0; i < kind->nproperties; i++)
		if ((kind->properties[i].flags & CMIG_PROPERTY_NO_MODEL) != 0 && to->values[i] == NULL)
			cmig_object_set(to, i, from->values[i]);
}

/*
 * Refuse to drop an object that ORMs cannot define.  It depends on "missing",
 * an object that the target lacks.  The user must decide whether to drop the
 * object.
 */
static void
refuse_drop(CmigChange *change, const CmigObject *missing)
{
	change->action = CMIG_UNSUPPORTED;
	change->reason = psprintf("the target lacks %s %s, on which it depends", missing->kind->name, missing->identity);
}

/* Has dropping the object or one of its parents been refused? */
static bool
is_refused(const CmigDifference *difference, const CmigObject *object)
{
	for (; object != NULL; object = object->parent)
	{
		const CmigChange *change = difference->of_from[object->index];

		if (change != NULL && change->action == CMIG_UNSUPPORTED && change->to == NULL)
			return true;
	}
	return false;
}

/*
 * Is the object a privilege, and do the options exclude privileges from the
 * comparison?
 */
static bool
is_ignored(const CmigDifference *difference, const CmigObject *object)
{
	return !difference->options->privileges &&
		(object->kind == &cmig_kind_default_privileges || object->kind == &cmig_kind_member_privilege);
}

/* Add a change for an object, and decide what to do about it. */
static void
add_change(CmigDifference *difference, CmigObject *from, CmigObject *to)
{
	CmigChange *change = &difference->changes[difference->count++];

	change->from = from;
	change->to = to;
	if (from != NULL)
		difference->of_from[from->index] = change;
	if (to != NULL)
		difference->of_to[to->index] = change;
	if (from != NULL && to != NULL && difference->options->models)
		keep_unknown(from, to);
	if (from != NULL && to != NULL && !difference->options->owners && to->kind == &cmig_kind_table)
		to->owner = from->owner;
	if (is_ignored(difference, from ? from : to))
		return;
	if (from != NULL && to != NULL)
		compare_pair(difference, change);
	else if (to == NULL && difference->options->models && is_refused(difference, from->parent))
		return;
	else if (to == NULL && difference->options->models && keep_missing(from, difference->to))
		refuse_drop(change, keep_missing(from, difference->to));
	else
		compare_single(difference, change);
}

/*
 * Returns true if a partition stays attached to the same table, but its index
 * is attached to another index in the new image.  The partition's index is
 * then dropped with the old parent index, and created with the new one.
 */
static bool
is_moved(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const char *old = cmig_index_parent(from),
			   *new = cmig_index_parent(to);
	const CmigObject *link = cmig_image_lookup(difference->from, &cmig_kind_partition, from->parent->identity),
			   *other = cmig_image_lookup(difference->to, &cmig_kind_partition, to->parent->identity);

	return old != NULL && new != NULL && strcmp(old, new) != 0 &&
		link != NULL && other != NULL && !differs(link, other);
}

/*
 * Returns true if the parent index of a partition's index belongs to different
 * tables in the two images, and one of the two parent indexes exists in only
 * some of the partitions.  DROP INDEX for such a parent index also drops the
 * partition's index, and the statements that create the parent index also
 * create the partition's index.
 */
static bool
moves_with_partial(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const CmigObject *link = cmig_image_lookup(difference->from, &cmig_kind_partition, from->parent->identity),
			   *other = cmig_image_lookup(difference->to, &cmig_kind_partition, to->parent->identity),
			   *old,
			   *new;

	if (link == NULL || other == NULL || strcmp(cmig_partition_of(link), cmig_partition_of(other)) == 0)
		return false;
	old = cmig_children_parent(difference->from, from);
	new = cmig_children_parent(difference->to, to);
	return old != NULL && new != NULL && (cmig_index_is_partial(old) || cmig_index_is_partial(new));
}

/* Returns true if ALTER cannot change the old object into the new one. */
static bool
is_renewed(const CmigObject *from, const CmigObject *to)
{
	CmigAlter	alter = {.from = from,.to = to};

	if (!differs(from, to))
		return false;
	if (to->kind->alter == NULL)
		return true;
	to->kind->alter(&alter);
	return alter.again;
}

/*
 * Returns true if an index or constraint must be dropped and created along
 * with the parent table's index or constraint.  This is the case if it is
 * attached to a different index.  It is also the case if it is inherited in
 * only one image, and the other image lacks the parent table's object or
 * requires that this parent object be re-created.
 */
static bool
is_of_gone_parent(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const CmigObject *parent,
			   *other;

	if (from->kind != &cmig_kind_index && from->kind != &cmig_kind_constraint)
		return false;
	if (from->inherited && to->inherited)
		return is_moved(difference, from, to) || moves_with_partial(difference, from, to);
	if (from->inherited == to->inherited)
		return false;
	parent = from->inherited ? cmig_children_parent(difference->from, from) : cmig_children_parent(difference->to, to);
	if (parent == NULL)
		return false;
	other = cmig_image_lookup(from->inherited ? difference->to : difference->from, parent->kind, parent->identity);
	return other == NULL || (from->inherited ? is_renewed(parent, other) : is_renewed(other, parent));
}

void
cmig_match_objects(CmigDifference *difference)
{
	const CmigImage *from = difference->from,
			   *to = difference->to;
	int			i = 0,
				j = 0;

	while (i < from->count || j < to->count)
	{
		int			order = i == from->count ? 1 : j == to->count ? -1 :
		cmig_object_compare(from->objects[i], to->objects[j]);
		bool		apart;

		/*
		 * objects with different parents do not match, for example a column
		 * of a view and a column of a materialized view
		 */
		apart = order == 0 && is_of_gone_parent(difference, from->objects[i], to->objects[j]);
		apart |= order == 0 && from->objects[i]->parent != NULL && to->objects[j]->parent != NULL &&
			difference->of_from[from->objects[i]->parent->index] !=
			difference->of_to[to->objects[j]->parent->index];
		add_change(difference, order <= 0 ? from->objects[i] : NULL,
				   order >= 0 && !apart ? to->objects[j] : NULL);
		if (apart)
			add_change(difference, NULL, to->objects[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/*
 * If the changed index stays attached to a parent index, returns the change of
 * the parent index.  Otherwise returns NULL.
 */
static CmigChange *
attached_parent(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *link = cmig_image_lookup(difference->to, &cmig_kind_partition, change->to->parent->identity);
	const CmigObject *parent = cmig_index_parent(change->to) ? cmig_children_parent(difference->to, change->to) : NULL;

	if (link == NULL || difference->of_to[link->index]->action != CMIG_NO_CHANGE || parent == NULL)
		return NULL;
	return difference->of_to[parent->index];
}

/*
 * An attached index can be re-created only together with the partitioned
 * table's index.  The sort orders of the two may differ, because PostgreSQL
 * ignores the sort order when it attaches an index.
 */
void
cmig_match_attached(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		CmigChange *parent;

		if (!cmig_children_is_attached(change) || cmig_index_parent(change->from) == NULL ||
			!is_renewed(change->from, change->to))
			continue;
		while ((parent = attached_parent(difference, change)) != NULL && parent->from != NULL)
		{
			if (!cmig_children_is_attached(parent))
			{
				parent->action = CMIG_AGAIN;
				parent->ddl = NIL;
			}
			change = parent;
		}
	}
}

/*
 * Set the field "alone" of a partition's attachment to its table, if the other
 * image lacks this attachment.
 */
static void
mark_link(CmigChange *change)
{
	bool		moves = change->from == NULL || change->to == NULL;

	if ((change->to ? change->to : change->from)->kind != &cmig_kind_partition)
		return;
	if (!moves)
		moves = strcmp(cmig_partition_of(change->from), cmig_partition_of(change->to)) != 0;
	if (change->from != NULL)
		change->from->alone = moves;
	if (change->to != NULL)
		change->to->alone = moves;
}

void
cmig_match_detached(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		mark_link(&difference->changes[i]);
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		CmigObject *object = change->to ? change->to : change->from;
		const CmigImage *image = change->to ? difference->to : difference->from;
		CmigObject *link;
		CmigChange *link_change;

		if (!object->inherited || object->alone || object->parent == NULL ||
			object->parent->kind != &cmig_kind_table)
			continue;
		if ((change->from == NULL || change->to == NULL) &&
			change->action != CMIG_NO_CHANGE && change->action != CMIG_ALTER)
			continue;
		if (is_created_with_partial(difference, change))
			continue;
		link = cmig_image_lookup(image, &cmig_kind_partition, object->parent->identity);
		if (link == NULL)
			continue;
		link_change = change->to ? difference->of_to[link->index] : difference->of_from[link->index];
		if (link_change->action == CMIG_NO_CHANGE)
			continue;
		if (change->from == NULL || change->to == NULL)
		{
			change->action = change->to ? CMIG_CREATE : CMIG_DROP;
			change->ddl = NIL;
		}
		else if (change->action != CMIG_AGAIN)
		{
			change->from->alone = change->to->alone = true;
			compare_pair(difference, change);
		}
	}
}
