/*
 * keep.c
 *	  Objects that a difference leaves alone: what ORMs cannot define, partitions
 *	  that a target does not create, and what the caller excludes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "schema/internal.h"

/*
 * Add objects in "from" to "to".  "wanted" has an element for each object in
 * "from".  An object is left out if "to" lacks its parent or an object on which
 * it depends.
 */
void
cmig_keep(const CmigImage *from, CmigImage *to, const bool *wanted)
{
	/* for each object in "from": the object in "to", and whether it is added */
	CmigObject **copies = palloc0(sizeof(CmigObject *) * Max(from->count, 1));
	bool	   *kept = palloc0(sizeof(bool) * Max(from->count, 1));
	bool		changed = true,
				any = false;

	for (int i = 0; i < from->count; i++)
	{
		copies[i] = cmig_image_counterpart(to, from->objects[i]);
		kept[i] = wanted[i] && copies[i] == NULL;
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < from->count; i++)
		{
			const CmigObject *object = from->objects[i];
			bool		stays = kept[i];

			for (int j = object->parent ? -1 : 0; stays && j < object->ndepends; j++)
			{
				const CmigObject *on = j < 0 ? object->parent : object->depends[j];

				stays = copies[on->index] != NULL || kept[on->index];
			}
			changed |= kept[i] && !stays;
			kept[i] = stays;
		}
	}
	for (int i = 0; i < from->count; i++)
		if (kept[i])
		{
			copies[i] = cmig_object_copy(from->objects[i]);
			copies[i]->parent = copies[i]->child = copies[i]->last_child = copies[i]->sibling =
				NULL;
		}
	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *object = from->objects[i];
		CmigObject *result = copies[i];

		if (!kept[i])
			continue;
		/* make the copy refer to objects in the target */
		if (object->parent != NULL)
			result->parent = copies[object->parent->index];
		result->depends = palloc(sizeof(CmigObject *) * Max(object->ndepends, 1));
		for (int j = 0; j < object->ndepends; j++)
			result->depends[j] = copies[object->depends[j]->index];
		result->soft = palloc(sizeof(CmigObject *) * Max(object->nsoft, 1));
		result->nsoft = 0;
		for (int j = 0; j < object->nsoft; j++)
			if (copies[object->soft[j]->index] != NULL)
				result->soft[result->nsoft++] = copies[object->soft[j]->index];
		cmig_image_add(to, result);
		any = true;
	}
	for (int i = 0; i < from->count; i++)
		if (!kept[i])
			copies[i] = NULL;
	if (any)
	{
		cmig_image_alias_copies(from, to, copies);
		cmig_image_sort(to);
	}
	pfree(copies);
	pfree(kept);
}

/*
 * Returns true for an index that cmig.enable_rls created, for an object that
 * ORMs cannot define, and for an object that belongs to such an object.
 */
static bool
is_unknown(const CmigObject *object)
{
	if (object->kind == &cmig_kind_index && object->comment != NULL &&
		cmig_text_has_word(object->comment, "[cmig.enable_rls index]"))
		return true;
	for (; object != NULL; object = object->parent)
		if ((object->kind->flags & CMIG_KIND_MODEL) == 0)
			return object->kind != &cmig_kind_other;
	return false;
}

/*
 * Keep the objects that a target which contains only models cannot have; see
 * is_unknown().  They are then re-created if an object that they depend on
 * changes.
 */
void
cmig_keep_unknown(const CmigImage *from, CmigImage *to)
{
	static CmigKind *const kinds[] = {&cmig_kind_table, &cmig_kind_sequence, &cmig_kind_index,
	&cmig_kind_enum};
	bool	   *wanted = palloc(sizeof(bool) * Max(from->count, 1));

	for (int i = 0; i < from->count; i++)
		wanted[i] = is_unknown(from->objects[i]);
	cmig_keep(from, to, wanted);
	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *kept = from->objects[i];

		/*
		 * if a kept object has the name of an object that models define, mark
		 * the latter object as impossible to create
		 */
		for (int j = 0; j < lengthof(kinds) && wanted[i] &&
			 cmig_image_counterpart(to, kept) != NULL; j++)
		{
			CmigObject *object = cmig_image_lookup(to, kinds[j], kept->identity);

			if (object != NULL && kinds[j] != kept->kind &&
				(kinds[j]->flags & kept->kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0)
				object->obstacle = psprintf("%s has the same name, and ORMs cannot define it",
											cmig_object_title(kept));
		}
	}
	pfree(wanted);
}

/*
 * Keep the live database's distributions, because the target does not say how
 * tables are distributed.
 */
void
cmig_keep_distribution(const CmigImage *from, CmigImage *to)
{
	bool	   *wanted = palloc(sizeof(bool) * Max(from->count, 1));

	for (int i = 0; i < from->count; i++)
		wanted[i] = from->objects[i]->kind == &cmig_kind_distribution;
	cmig_keep(from, to, wanted);
	pfree(wanted);
}

/*
 * If cmig_keep_unknown() did not add the object to "to" because "to" lacks an
 * object that it depends on, returns the missing object.  Otherwise returns
 * NULL, even if the object's parent is missing.
 */
const CmigObject *
cmig_keep_missing(const CmigObject *object, const CmigImage *to)
{
	if (!is_unknown(object) || object->kind == &cmig_kind_replica_identity ||
		cmig_image_counterpart(to, object) != NULL ||
		(object->parent != NULL && cmig_image_counterpart(to, object->parent) == NULL))
		return NULL;
	for (int i = 0; i < object->ndepends; i++)
		if (cmig_image_counterpart(to, object->depends[i]) == NULL)
			return object->depends[i];
	return NULL;
}

/* Partitions */

/*
 * Also mark what belongs to marked objects: their children, the sequences that
 * their columns own, and their places in publications; and, unless "target" is
 * NULL, what they need but the target lacks, such as a schema or a function.
 */
static void
mark_parts(const CmigImage *image, const CmigImage *target, bool *marked)
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
			for (int j = 0; target != NULL && marked[i] && !object->inherited &&
				 j < object->ndepends; j++)
			{
				const CmigObject *on = object->depends[j];

				if (on->parent == NULL && !marked[on->index] &&
					cmig_image_counterpart(target, on) == NULL)
					marked[on->index] = changed = true;
			}
		}
	}
}

/* Returns the partitioned table if "link" attaches a partition, or NULL. */
static const CmigObject *
whole_of(const CmigImage *image, const CmigObject *link)
{
	return link->kind == &cmig_kind_partition ?
		cmig_image_lookup(image, &cmig_kind_table, link->values[CMIG_PARTITION_OF]) : NULL;
}

/*
 * A partition's place belongs to the partitioned table.  Keep the live places below
 * tables that are not compared: nothing in the target can say what they are.
 */
void
cmig_keep_places(const CmigImage *from, CmigImage *to)
{
	bool	   *wanted = palloc0(sizeof(bool) * Max(from->count, 1));

	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *link = from->objects[i];

		wanted[i] = link->kind == &cmig_kind_partition && whole_of(from, link) == NULL;
	}
	cmig_keep(from, to, wanted);
	pfree(wanted);
}

/*
 * Remove from "image" the partitions of each table that "target" has without
 * any partitions, and everything that belongs to them, so that they are not
 * compared.  A NOTICE says how many there are.  "creates" begins a sentence,
 * such as "The target creates".
 */
void
cmig_keep_partitions(CmigImage *image, const CmigImage *target, const char *creates)
{
	bool	   *marked = palloc0(Max(image->count, 1)),
			   *listed = palloc0(Max(image->count, 1)),
			   *divided = palloc0(Max(target->count, 1));	/* by index in "target" */
	CmigListing tables;
	int			count = 0;
	bool		changed = true;

	cmig_listing_init(&tables, CMIG_LISTING_PLAIN);
	for (int i = 0; i < target->count; i++)
	{
		const CmigObject *table = whole_of(target, target->objects[i]);

		if (table != NULL)
			divided[table->index] = true;
	}

	/*
	 * Mark the partitions of tables whose partitions the target does not
	 * create, and their own partitions, and list the topmost of these tables.
	 */
	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *link = image->objects[i];
			const CmigObject *table = whole_of(image, link);
			const CmigObject *other = table ? cmig_image_counterpart(target, table) : NULL;

			if (table == NULL || marked[link->parent->index] ||
				cmig_image_counterpart(target, link->parent) != NULL ||
				(!marked[table->index] && (other == NULL || divided[other->index] ||
										   other->values[CMIG_TABLE_PARTITION_KEY] == NULL ||
										   !cmig_object_same(table, other,
															 CMIG_TABLE_PARTITION_KEY))))
				continue;
			if (!marked[table->index] && !listed[table->index])
				cmig_listing_add(&tables, table->identity);
			listed[table->index] = marked[link->parent->index] = changed = true;
			count++;
		}
	}
	if (count == 0)
		return;
	mark_parts(image, target, marked);
	(void) cmig_image_remove(image, marked);
	ereport(NOTICE,
			(errmsg_plural("%d partition was left unchanged", "%d partitions were left unchanged",
						   count, count),
			 errdetail("%s no partitions of %s.", creates, cmig_listing_text(&tables))));
}

/* ----------------------------------------------------------------
 * Leaves out what the caller excludes with patterns.
 *
 * Excluded objects are removed from both images, so that they are like objects
 * of schemas that are not compared.
 * ----------------------------------------------------------------
 */

/* Returns the identifier at the start of the text, unquoted; sets *end. */
static char *
first_identifier(const char *text, const char **end)
{
	StringInfoData name;
	bool		quoted = *text == '"';

	initStringInfo(&name);
	for (text += quoted; *text != '\0' && (quoted || strchr(". (", *text) == NULL); text++)
	{
		if (quoted && *text == '"' && *++text != '"')
			break;
		appendStringInfoChar(&name, *text);
	}
	*end = text;
	return name.data;
}

/*
 * Returns the object's name without quotes: "schema.name", for a part of an
 * object "schema.whole.part", or only the name if it has no schema.  Sets
 * *schema to the object's schema, or NULL.  An index and statistics are named
 * without their table.
 */
static char *
plain_name(const CmigObject *object, char **schema)
{
	const CmigObject *root = cmig_object_root(unconstify(CmigObject *, object));
	const char *end;

	if (root->kind->flags & CMIG_KIND_GLOBAL || root->kind == &cmig_kind_schema)
	{
		*schema = root->kind == &cmig_kind_schema ? root->name : NULL;
		return object == root ? root->name : psprintf("%s.%s", root->name, object->name);
	}
	*schema = first_identifier(root->identity, &end);
	if (object == root || object->kind == &cmig_kind_index || object->kind == &cmig_kind_statistics)
		return psprintf("%s.%s", cmig_pattern_hide_dots(*schema), object->name);
	return psprintf("%s.%s.%s", cmig_pattern_hide_dots(*schema), root->name, object->name);
}

/* Is this the kind that a pattern names? */
static bool
is_kind(const CmigKind *kind, const char *name)
{
	if (strcmp(name, "type") == 0)
		return (kind->flags & CMIG_KIND_TYPE) != 0 && (kind->flags & CMIG_KIND_DATA) == 0;
	return strcmp(kind->name, strcmp(name, "procedure") == 0 ? "function" : name) == 0;
}

/* The kinds of rows without an object. */
static const char *const other_kinds[] = {"audit", "security label", "subscription"};

void
cmig_exclude_check(const List *patterns)
{
	int			count;
	CmigKind  **kinds = cmig_kinds(&count);

	foreach_ptr(const CmigPattern, pattern, patterns)
	{
		const CmigKind *known = NULL;
		bool		other = pattern->kind == NULL;

		for (int i = 0; i < count && !other && known == NULL; i++)
			known = is_kind(kinds[i], pattern->kind) ? kinds[i] : NULL;
		for (int i = 0; i < lengthof(other_kinds); i++)
			other |= pattern->kind != NULL && strcmp(pattern->kind, other_kinds[i]) == 0;
		if (known == NULL && !other)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown kind of object \"%s\" in pattern \"%s\"", pattern->kind,
							pattern->text),
					 cmig_hint("Kinds are table, view, materialized view, index, constraint, foreign key, trigger, policy, column, sequence, function, type, schema, extension, publication, and the others in the column kind of `cmig.diff`.")));
		if (known != NULL && known != &cmig_kind_schema && (known->flags & CMIG_KIND_GLOBAL) == 0 &&
			strpbrk(pattern->name, ".*") == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("pattern \"%s\" has no schema", pattern->text),
					 errhint("For all schemas: %s",
							 quote_literal_cstr(psprintf("%s:*.%s", pattern->kind,
														 pattern->name)))));
	}
}

/* Does one of the patterns match the object? */
static bool
is_excluded(const List *patterns, const CmigObject *object)
{
	char	   *schema,
			   *name = plain_name(object, &schema);

	foreach_ptr(const CmigPattern, pattern, patterns)
	{
		bool		by_schema = pattern->kind != NULL &&
		strcmp(pattern->kind, cmig_kind_schema.name) == 0;
		const char *text = name;

		/* a schema, with everything in it, is "schema:name" or "name.*" */
		if (by_schema)
			text = schema;
		else if (pattern->kind == NULL && object->kind == &cmig_kind_schema)
			text = psprintf("%s.", cmig_pattern_hide_dots(name));
		if (text == NULL || (pattern->kind == NULL && (schema == NULL || object->parent != NULL)) ||
			(pattern->kind != NULL && !by_schema && !is_kind(object->kind, pattern->kind)))
			continue;
		if (cmig_pattern_matches(pattern->name, text) ||
			(!by_schema && cmig_pattern_matches(pattern->name, object->identity)))
			return true;
	}
	return false;
}

/*
 * Mark what belongs to marked objects, also the partitions of a marked table,
 * and mark the same objects in the other image.
 */
static void
mark_excluded(const CmigImage *image, bool *marked, const CmigImage *other, bool *others)
{
	bool		changed = true;

	while (changed)
	{
		changed = false;
		mark_parts(image, NULL, marked);
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *whole = whole_of(image, image->objects[i]);

			if (whole != NULL && marked[whole->index] && !marked[image->objects[i]->parent->index])
				marked[image->objects[i]->parent->index] = changed = true;
		}
	}
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *same = marked[i] ? cmig_image_counterpart(other, image->objects[i]) :
		NULL;

		if (same != NULL)
			others[same->index] = true;
	}
}

/*
 * A schema that only one image has must stay, or not be created, if excluded
 * objects are in it.  "alone": unless it also has objects that are compared.
 */
static void
mark_schemas(const CmigImage *image, bool *marked, const CmigImage *other, bool alone)
{
	bool	   *compared = palloc0(Max(image->count, 1)),
			   *excluded = palloc0(Max(image->count, 1));

	for (int i = 0; i < image->count; i++)
		for (int j = 0; j < image->objects[i]->ndepends; j++)
		{
			const CmigObject *on = image->objects[i]->depends[j];

			if (on->kind == &cmig_kind_schema)
				*(marked[i] ? &excluded[on->index] : &compared[on->index]) = true;
		}
	for (int i = 0; i < image->count; i++)
		if (excluded[i] && !(alone && compared[i]) &&
			cmig_image_counterpart(other, image->objects[i]) == NULL)
			marked[i] = true;
}

static void
leave_out(CmigImage *image, const bool *marked)
{
	CmigImage  *before = image->excluded;

	image->excluded = cmig_image_remove(image, marked);
	image->excluded->excluded = before;
}

void
cmig_exclude(const List *patterns, CmigImage *from, CmigImage *to)
{
	bool	   *old = palloc0(Max(from->count, 1)),
			   *new = palloc0(Max(to->count, 1));

	if (patterns == NIL)
		return;
	for (int i = 0; i < from->count; i++)
		old[i] = is_excluded(patterns, from->objects[i]);
	for (int i = 0; i < to->count; i++)
		new[i] = is_excluded(patterns, to->objects[i]);

	/*
	 * twice, because an object may belong to an excluded one in one image
	 * only
	 */
	for (int i = 0; i < 2; i++)
	{
		mark_excluded(from, old, to, new);
		mark_excluded(to, new, from, old);
	}
	mark_schemas(from, old, to, false);
	mark_schemas(to, new, from, true);
	leave_out(from, old);
	leave_out(to, new);
}

void
cmig_exclude_expansions(CmigImage *image, const List *rows)
{
	bool	   *marked = palloc0(Max(image->count, 1));

	if (rows == NIL)
		return;
	foreach_ptr(CmigValue, row, rows)
	{
		CmigAddress address = {atooid(row[0]), atooid(row[1]), atoi(row[2])};
		const CmigObject *object = cmig_image_find_exactly(image, address);

		for (int i = 0; row[3] != NULL && i < image->count && object == NULL; i++)
			if (strcmp(row[3],
					   psprintf("%s:%s", image->objects[i]->kind->name,
								image->objects[i]->identity)) == 0)
				object = image->objects[i];
		if (object != NULL)
			marked[object->index] = true;
	}
	for (int i = 0; i < image->count; i++)
		for (int j = 0; j < image->objects[i]->ndepends; j++)
			marked[i] |= image->objects[i]->depends[j]->kind == &cmig_kind_schema &&
				marked[image->objects[i]->depends[j]->index];
	mark_excluded(image, marked, image, marked);
	leave_out(image, marked);
}

/*
 * Is a note of this kind and name about the object?  A note names a function
 * without its arguments, and a policy's table as in the target, perhaps without
 * a schema.
 */
bool
cmig_keep_is_about(const char *kind, const char *name, const CmigObject *object)
{
	size_t		length = strlen(name);

	if (strcmp(kind, "procedure") == 0)
		kind = "function";
	if (strcmp(kind, object->kind->name) != 0)
		return false;
	if (object->kind == &cmig_kind_policy &&
		strcmp(name, psprintf("%s on %s", cmig_quote(object->name),
							  cmig_quote(object->parent->name))) == 0)
		return true;
	return strcmp(name, object->name) == 0 ||
		(strncmp(name, object->identity, length) == 0 &&
		 strchr(" (", object->identity[length]) != NULL);
}

/* Is a row without an object about an excluded one? */
static bool
is_excluded_row(const List *patterns, const CmigDiffLine *line, const CmigImage *image)
{
	CmigObject	object = {.name = unconstify(char *,
											 line->object),.identity = unconstify(char *, line->object)};
	CmigKind	kind = {.name = line->kind,.flags = CMIG_KIND_GLOBAL};

	object.kind = &kind;
	if (is_excluded(patterns, &object))
		return true;
	for (const CmigImage *gone = image->excluded; gone != NULL; gone = gone->excluded)
		for (int i = 0; i < gone->count; i++)
		{
			const CmigObject *excluded = gone->objects[i];
			const char *table = cmig_text_after(line->object, " on ");

			if (cmig_keep_is_about(line->kind, line->object, excluded))
				return true;

			/*
			 * an audited table, or a policy of a table, named as in the
			 * target
			 */
			table = table ? table : line->object;
			if (excluded->kind == &cmig_kind_table &&
				(table != line->object || strcmp(line->kind, "audit") == 0) &&
				(strcmp(table, excluded->identity) == 0 ||
				 strcmp(table, cmig_quote(excluded->name)) == 0))
				return true;
		}
	return false;
}

/*
 * Remove the rows about excluded objects that no image contains, such as a
 * subscription or a statement of the target that was skipped.
 */
List *
cmig_exclude_rows(const List *patterns, List *lines, const CmigImage *from, const CmigImage *to)
{
	ListCell   *cell;

	if (patterns != NIL)
		foreach(cell, lines)
	{
		const CmigDiffLine *line = lfirst(cell);

		if (line->subject == NULL && line->upgrade == NULL &&
			(is_excluded_row(patterns, line, from) || is_excluded_row(patterns, line, to)))
			lines = foreach_delete_current(lines, cell);
	}
	return lines;
}
