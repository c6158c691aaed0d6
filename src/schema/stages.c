/*
 * stages.c
 *	  Expand, fill, contract: a change in several revisions.
 *
 * Two images lie between the old and the new one.  After "expand", the schema
 * has what is new, without demands on existing rows, and what is old.  After
 * "fill", rows are complete and checked.  Each stage is the difference between
 * two neighboring images, so that its statements have the right order and can
 * be reverted, and so that the last stage ends at the target.
 *
 * What cannot exist at the same time, such as two primary keys of a table, is
 * exchanged in the first stage, and so is what only changes, such as the type
 * of a column or a function's body.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/internal.h"

typedef struct Stages
{
	const CmigDifference *all;	/* the change as a whole */
	const CmigImage *from;
	const CmigImage *to;
	CmigImage  *expanded;
	CmigImage  *filled;
	List	   *moved;			/* list of char *: the tables that are not
								 * changed in stages; see find_moved() */
	List	   *columns;		/* list of CmigObject: columns to fill */
	List	   *values;			/* for each, its default, or NULL */
} Stages;

/* Returns what the change as a whole does with an object of the old or new image. */
static const CmigChange *
change_of(const Stages *stages, const CmigObject *object, bool old)
{
	return cmig_image_counterpart(cmig_image_of(stages->all, old), object)->change;
}

/* Add a table, if it is one, to those that are not changed in stages. */
static bool
add_moved(Stages *stages, const CmigObject *table)
{
	if (table == NULL || table->kind != &cmig_kind_table)
		return false;
	foreach_ptr(char, name, stages->moved)
	{
		if (strcmp(name, table->identity) == 0)
			return false;
	}
	stages->moved = lappend(stages->moved, table->identity);
	return true;
}

static bool
is_moved(const Stages *stages, const CmigObject *object)
{
	if (object != NULL)
		foreach_ptr(char, name, stages->moved)
	{
		if (strcmp(name, cmig_object_root(unconstify(CmigObject *, object))->identity) == 0)
			return true;
	}
	return false;
}

/* Does the change make a table a parent, partition, or child of another one, or end this? */
static bool
is_move(const Stages *stages, const CmigImage *image, const CmigObject *object, bool old)
{
	const CmigChange *change = change_of(stages, object, old);
	const CmigObject *whole = object->kind == &cmig_kind_partition ?
	cmig_image_lookup(old ? stages->to : stages->from, &cmig_kind_table,
					  object->values[CMIG_PARTITION_OF]) : NULL;

	if (change->action == CMIG_AGAIN && object->kind == &cmig_kind_table)
		return true;
	if (change->from != NULL && change->to != NULL)
		return (object->kind == &cmig_kind_partition && change->action != CMIG_NO_CHANGE) ||
			(object->kind == &cmig_kind_column &&
			 change->from->inherited != change->to->inherited) ||
			(object->kind == &cmig_kind_table &&
			 (!cmig_object_same(change->from, change->to, CMIG_TABLE_INHERITS) ||
			  !cmig_object_same(change->from, change->to,
								CMIG_TABLE_PARTITION_KEY)));
	if (object->kind != &cmig_kind_partition)
		return false;
	if (cmig_image_counterpart(old ? stages->to : stages->from, object->parent) != NULL)
		return true;
	/* a new partition may have the rows of one that is dropped */
	for (int i = 0; i < stages->to->count && old; i++)
	{
		const CmigObject *other = stages->to->objects[i];

		if (other->kind == object->kind &&
			strcmp(other->values[CMIG_PARTITION_OF], object->values[CMIG_PARTITION_OF]) == 0 &&
			cmig_image_counterpart(image, other) == NULL)
			return true;
	}

	/*
	 * until the last stage, an old partition would lack what its table gets,
	 * or a new one what its table still has
	 */
	for (const CmigObject *child = whole ? whole->child : NULL; child != NULL; child = child->sibling)
		if (old ? change_of(stages, child, false)->action != CMIG_NO_CHANGE :
			cmig_image_counterpart(stages->to, child) == NULL ||
			cmig_change_drops(change_of(stages, child, true)))
			return true;
	return false;
}

/*
 * Find the tables that get other parents or partitions, and all tables of their
 * families.  They are changed in the first stage, because an old and a new
 * family cannot exist at the same time.
 */
static void
find_moved(Stages *stages)
{
	const CmigImage *const images[] = {stages->from, stages->to};
	bool		changed = true;

	while (changed)
	{
		changed = false;
		for (int i = 0; i < lengthof(images); i++)
			for (int j = 0; j < images[i]->count; j++)
			{
				CmigObject *object = images[i]->objects[j];
				const CmigObject *root = cmig_object_root(object);
				const CmigObject *whole = object->kind == &cmig_kind_partition ?
				cmig_image_lookup(images[i], &cmig_kind_table, object->values[CMIG_PARTITION_OF]) :
				NULL;
				bool		moved;

				if (root->kind != &cmig_kind_table ||
					(object != root && object->kind != &cmig_kind_partition &&
					 object->kind != &cmig_kind_column))
					continue;
				moved = is_moved(stages, root) || is_moved(stages, whole) ||
					is_move(stages, images[i], object, i == 0);
				for (int k = 0; k < object->ndepends && object == root; k++)
					moved |= object->depends[k]->kind == object->kind &&
						is_moved(stages, object->depends[k]);
				if (!moved)
					continue;
				changed |= add_moved(stages, root);
				changed |= add_moved(stages, whole);
				for (int k = 0; k < object->ndepends && object == root; k++)
					changed |= add_moved(stages, object->depends[k]);
			}
	}
}

/* Does the table have a primary key, with this column unless it is NULL? */
static bool
has_key(const CmigObject *table, const CmigObject *column)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		bool		found = cmig_constraint_type(child) == 'p' && column == NULL;

		for (int i = 0; i < child->ndepends && cmig_constraint_type(child) == 'p'; i++)
			found |= child->depends[i] == column;
		if (found)
			return true;
	}
	return false;
}

/* Can the table, in another image, have this primary key of the old table? */
static bool
can_be_key(const CmigObject *key, const CmigObject *table, const CmigImage *image)
{
	for (int i = 0; i < key->ndepends; i++)
	{
		const CmigObject *column = cmig_image_counterpart(image, key->depends[i]);

		if (column != NULL && column->kind == &cmig_kind_column &&
			column->values[CMIG_COLUMN_NOT_NULL] == NULL)
			return false;
	}
	return !has_key(table, NULL);
}

/* Does an object of the image have this name, which relations or types share? */
static bool
is_taken(const CmigImage *image, const char *name)
{
	for (int i = 0; name != NULL && i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		const char *index = cmig_index_name(object) ? cmig_index_name(object) :
		cmig_object_index(object);

		if (((object->kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0 &&
			 strcmp(object->identity, name) == 0) ||
			(index != NULL && strcmp(index, name) == 0))
			return true;
	}
	return false;
}

/*
 * Is what the old object depends on not replaced, with the same type?  A replica
 * identity can have the new index.
 */
static bool
is_steady(const Stages *stages, const CmigObject *object)
{
	for (int i = object->parent ? -1 : 0; i < object->ndepends; i++)
	{
		const CmigChange *change = change_of(stages, i < 0 ? object->parent : object->depends[i],
											 true);

		if ((i < 0 ? object->parent : object->depends[i])->kind != &cmig_kind_enum &&
			(object->kind != &cmig_kind_replica_identity || i < 0 ||
			 object->depends[i]->kind == &cmig_kind_column) &&
			change->to != NULL && change->action != CMIG_NO_CHANGE &&
			(change->action != CMIG_ALTER || change->alter.disturbs || change->alter.recasts))
			return false;
	}
	return true;
}

/*
 * Returns the checks of the target that replace an old one, and that the image
 * lacks.
 */
static List *
successors(const Stages *stages, const CmigObject *check, const CmigImage *image)
{
	const CmigObject *table = cmig_constraint_type(check) == 'c' ?
	cmig_image_counterpart(stages->to, check->parent) : NULL;
	List	   *result = NIL;

	for (CmigObject *new = table ? table->child : NULL; new != NULL; new = new->sibling)
		if (cmig_constraint_type(new) == 'c' && cmig_image_counterpart(image, new) == NULL &&
			cmig_commit_succeeds(check, new))
			result = lappend(result, new);
	return result;
}

/* Returns what a version demands of the check's columns: also NOT NULL, if the columns lack that now. */
static char *
with_not_null(const CmigObject *check, const CmigImage *version, char *condition)
{
	for (int i = 0; i < check->ndepends; i++)
	{
		const CmigObject *column = check->depends[i],
				   *other = column->kind == &cmig_kind_column &&
		column->values[CMIG_COLUMN_NOT_NULL] == NULL ? cmig_image_counterpart(version, column) :
		NULL;

		if (other != NULL && other->values[CMIG_COLUMN_NOT_NULL] != NULL)
			condition = psprintf("((%s IS NOT NULL) AND %s)", cmig_quote(column->name), condition);
	}
	return condition;
}

/*
 * An old check would reject rows of the new version.  But what both versions
 * reject must be rejected until the new checks exist.  Therefore, make it
 * demand either what it does or what they do.
 */
static void
loosen(const Stages *stages, CmigObject *check, const List *new, const CmigImage *image)
{
	CmigObject **depends = palloc(sizeof(CmigObject *) * image->count);
	const char *rest;
	char	   *condition = cmig_check_condition(check->values[CMIG_DEFINITION], &rest);
	char	   *demands = NULL;

	memcpy(depends, check->depends, sizeof(CmigObject *) * check->ndepends);
	check->depends = depends;
	foreach_ptr(const CmigObject, each, new)
	{
		const char *ignored;
		char	   *other = cmig_check_condition(each->values[CMIG_DEFINITION], &ignored);

		demands = demands ? psprintf("(%s AND %s)", demands, other) : other;
		for (int i = 0; i < each->ndepends; i++)
		{
			CmigObject *on = cmig_image_counterpart(image, each->depends[i]);
			bool		known = on == NULL;

			for (int j = 0; j < check->ndepends && !known; j++)
				known = depends[j] == on;
			if (!known)
				depends[check->ndepends++] = on;
		}
	}
	condition = with_not_null(check, stages->from, condition);
	demands = with_not_null(check, stages->to, demands);
	if (strcmp(demands, condition) != 0)
		cmig_object_set(check, CMIG_DEFINITION,
						psprintf("CHECK ((%s OR %s))%s", condition, demands, rest));
}

/* Can an old object stay, beside the objects of "to", until the last stage? */
static bool
can_stay(const Stages *stages, const CmigObject *object, const CmigImage *to)
{
	const CmigObject *table = object->parent ? cmig_image_counterpart(to, object->parent) : NULL;
	const char *index = cmig_index_name(object) ? cmig_index_name(object) :
	cmig_object_index(object);

	if (!is_steady(stages, object))
		return false;
	for (int i = 0; i < to->count && object->kind == &cmig_kind_function; i++)
		if (cmig_function_answers(to->objects[i], object) ||
			cmig_function_answers(object, to->objects[i]))
			return false;
	if (is_taken(to, index) ||
		((object->kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0 &&
		 is_taken(to, object->identity)))
		return false;
	if (is_moved(stages, object))
		return false;
	if (table == NULL)
		return true;

	/*
	 * indexes of a partitioned table and its partitions are attached to each
	 * other
	 */
	if (index != NULL && table->kind == &cmig_kind_table &&
		(table->values[CMIG_TABLE_IS_PARTITION] != NULL ||
		 table->values[CMIG_TABLE_PARTITION_KEY] != NULL))
		return false;

	/*
	 * checks would reject rows of the new version, except for one that is
	 * only validated
	 */
	if ((cmig_constraint_type(object) == 'c' &&
		 !(cmig_is_not_valid(object->values[CMIG_DEFINITION]) &&
		   cmig_image_counterpart(stages->to, object) != NULL) &&
		 successors(stages, object, to) == NIL) ||
		object->kind == &cmig_kind_domain_constraint ||
		(cmig_constraint_type(object) == 'p' && !can_be_key(object, table, to)))
		return false;
	if (object->kind == &cmig_kind_default &&
		(table->values[CMIG_COLUMN_IDENTITY] != NULL ||
		 table->values[CMIG_COLUMN_GENERATED] != NULL))
		return false;
	return true;
}

/*
 * Add the old objects that can stay, and the old labels of enums.  Old columns
 * may be NULL, because the new version of the application does not know them.
 */
static void
keep_old(const Stages *stages, CmigImage *image)
{
	const CmigImage *from = stages->from;
	bool	   *wanted = palloc0(Max(from->count, 1));
	List	  **checks = palloc0(sizeof(List *) * Max(from->count, 1));

	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *kept = cmig_image_counterpart(image, from->objects[i]);

		checks[i] = kept == NULL ? successors(stages, from->objects[i], image) : NIL;
		if (kept != NULL && kept->kind == &cmig_kind_enum)
			cmig_enum_unite(from->objects[i], image->objects[kept->index]);
		wanted[i] = kept == NULL && can_stay(stages, from->objects[i], image);
	}
	cmig_keep(from, image, wanted);
	for (int i = 0; i < from->count; i++)
		if (checks[i] != NIL && cmig_image_counterpart(image, from->objects[i]) != NULL)
			loosen(stages, cmig_image_counterpart(image, from->objects[i]), checks[i], image);
	for (int i = 0; i < from->count; i++)
	{
		CmigObject *column = wanted[i] &&
		from->objects[i]->kind == &cmig_kind_column ?
		cmig_image_counterpart(image, from->objects[i]) :
		NULL;

		if (column != NULL && cmig_image_counterpart(stages->to, column->parent) != NULL &&
			column->values[CMIG_COLUMN_IDENTITY] == NULL &&
			column->values[CMIG_COLUMN_GENERATED] == NULL &&
			cmig_object_child(column, &cmig_kind_default, NULL) == NULL &&
			!has_key(column->parent, column))
			cmig_object_set(column, CMIG_COLUMN_NOT_NULL, NULL);
	}
}

/*
 * Returns the only column of the table with the type of the new column that is
 * dropped, if no other column with this type is created, or NULL.
 */
static const CmigObject *
predecessor(const Stages *stages, const CmigObject *column)
{
	const CmigObject *table = cmig_image_counterpart(stages->from, column->parent),
			   *found = NULL;
	int			count = 0;

	for (const CmigObject *child = column->parent->child; child != NULL; child = child->sibling)
		count += child->kind == column->kind && cmig_object_same(child, column, CMIG_COLUMN_TYPE) &&
			cmig_image_counterpart(stages->from, child) == NULL;
	for (const CmigObject *child = table->child; child != NULL &&
		 count == 1; child = child->sibling)
		if (child->kind == column->kind && cmig_object_same(child, column, CMIG_COLUMN_TYPE) &&
			cmig_image_counterpart(stages->to, child) == NULL)
		{
			if (found != NULL)
				return NULL;
			found = child;
		}
	return found;
}

/*
 * Add the statement that fills a column of existing rows with its default, or
 * a comment if only the user knows the value.
 */
static void
add_fill(const Stages *stages, const CmigObject *column, const char *value, List **lines)
{
	const char *name = pstrdup(cmig_quote(column->name)),
			   *table = column->parent->identity;
	const CmigObject *old = value ||
	cmig_image_counterpart(stages->from, column) ? NULL : predecessor(stages, column);
	const char *set = psprintf("%s = %s", name,
							   value ? value : old ? cmig_quote(old->name) : "...");
	char	   *sql = psprintf("CALL cmig.backfill(%s, %s, %s)", pstrdup(cmig_literal(table)),
							   pstrdup(cmig_literal(set)),
							   pstrdup(cmig_literal(psprintf("%s IS NULL", name))));

	/* without a subject, since the rehearsal has no rows to fill */
	CmigDiffLine row = {"alter", column->kind->name, column->identity, ""};

	/* a backfill finds its place by the key */
	if (!has_key(column->parent, NULL))
		sql = psprintf("UPDATE %s SET %s WHERE %s IS NULL", table, set, name);
	if (value != NULL)
	{
		row.upgrade = sql;
		row.stepwise = *sql == 'C';
	}
	else
		row.note = psprintf("TODO: fill the column in the existing rows%s:\n%s;",
							old ? psprintf(", perhaps with the old column %s",
										   cmig_quote(old->name)) : "", cmig_text_one_line(sql));
	cmig_diff_line_add(&row, lines);
	((CmigDiffLine *) llast(*lines))->group = psprintf("fill %s", column->identity);
}

/*
 * Make the image "expanded", a copy of the new one, demand nothing of existing
 * rows: new columns, and those that become NOT NULL, may be NULL, and new
 * columns have no value that must be computed for each row.
 */
static void
relax_columns(Stages *stages)
{
	for (int i = 0; i < stages->expanded->count; i++)
	{
		CmigObject *column = stages->expanded->objects[i],
				   *value;
		const CmigObject *old = cmig_image_counterpart(stages->from, column);
		const CmigChange *change;
		const char *expression = NULL;

		if (column->kind != &cmig_kind_column || column->parent->kind != &cmig_kind_table ||
			cmig_image_counterpart(stages->from, column->parent) == NULL ||
			is_moved(stages, column) ||
			column->values[CMIG_COLUMN_IDENTITY] != NULL ||
			column->values[CMIG_COLUMN_GENERATED] != NULL)
			continue;
		change = change_of(stages, column, false);
		if (change->to->serial != NULL ||
			change_of(stages, column->parent, false)->action == CMIG_AGAIN ||
			(old != NULL && (old->values[CMIG_COLUMN_NOT_NULL] != NULL ||
							 change->action == CMIG_AGAIN ||
							 cmig_commit_trades_not_null(old, column))))
			continue;
		value = old == NULL ? cmig_object_child(column, &cmig_kind_default, NULL) : NULL;
		if (value != NULL && !cmig_hazard_is_volatile(value->values[CMIG_DEFINITION]))
			continue;
		if (value != NULL)
		{
			value->unfolded = true;
			expression = value->values[CMIG_DEFINITION];
		}
		else if (column->values[CMIG_COLUMN_NOT_NULL] == NULL)
			continue;
		if (!column->inherited)
		{
			stages->columns = lappend(stages->columns, column);
			stages->values = lappend(stages->values, unconstify(char *, expression));
		}
		cmig_object_set(column, CMIG_COLUMN_NOT_NULL, NULL);
	}
}

/*
 * Remove from the image "expanded" what existing rows may violate: new and
 * changed checks, foreign keys, and primary keys and replica identities with
 * columns that may be NULL, and what depends on them.
 */
static void
remove_checks(Stages *stages)
{
	CmigImage  *image = stages->expanded;
	bool	   *marked = palloc0(Max(image->count, 1));
	List	   *names = NIL;
	bool		changed = true;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		const CmigChange *change = change_of(stages, object, false);

		if (object->parent == NULL ||
			cmig_image_counterpart(stages->from, object->parent) == NULL ||
			is_moved(stages, object))
			continue;
		if (object->kind == &cmig_kind_foreign_key || cmig_constraint_type(object) == 'c')
			marked[i] = change->action == CMIG_CREATE ||
				(change->differs && is_steady(stages, change->from));
		for (int j = 0; j < object->ndepends; j++)
		{
			const CmigObject *column = object->depends[j]->kind == &cmig_kind_column ?
			object->depends[j] : NULL;

			if (column != NULL && (cmig_constraint_type(object) == 'p' ||
								   object->kind == &cmig_kind_replica_identity))
				marked[i] |= column->values[CMIG_COLUMN_NOT_NULL] == NULL &&
					cmig_image_counterpart(stages->to,
										   column)->values[CMIG_COLUMN_NOT_NULL] != NULL;
			/* a check may replace NOT NULL */
			if (column != NULL && cmig_image_counterpart(stages->from, column) != NULL &&
				cmig_commit_succeeds(change_of(stages, column, false)->from, object))
				marked[i] = false;
		}
		/* with its new index, which may have the name of the old one */
		for (int j = 0; j < object->ndepends &&
			 object->kind == &cmig_kind_replica_identity; j++)
			marked[object->depends[j]->index] |= marked[i] &&
				object->depends[j]->kind != &cmig_kind_column;
	}
	/* what children inherit goes with it */
	for (int i = 0; i < image->count; i++)
		if (marked[i] && !image->objects[i]->inherited)
			names = lappend(names, image->objects[i]);
	for (int i = 0; i < image->count && names != NIL; i++)
		foreach_ptr(CmigObject, other, image->objects[i]->inherited ? names : NIL)
			marked[i] |= other->kind == image->objects[i]->kind &&
			strcmp(other->name, image->objects[i]->name) == 0;
	while (changed)
	{
		changed = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *object = image->objects[i];
			bool		mark = object->parent != NULL && marked[object->parent->index];

			for (int j = 0; j < object->ndepends; j++)
				mark |= marked[object->depends[j]->index];
			changed |= mark && !marked[i];
			marked[i] |= mark;
		}
	}
	(void) cmig_image_remove(image, marked);
}

List *
cmig_stages_lines(const CmigManaged *managed, const char *function, const CmigDifference *all,
				  const CmigDiffCopies *copies, bool live, const List *renames)
{
	const CmigImage *from = copies->from,
			   *to = copies->to;
	Stages		stages = {all, from, to, cmig_image_copy(to), cmig_image_copy(to)};
	const CmigImage *images[] = {from, stages.expanded, stages.filled, to};
	List	   *result = NIL;
	ListCell   *column,
			   *value;

	find_moved(&stages);
	relax_columns(&stages);
	remove_checks(&stages);
	keep_old(&stages, stages.expanded);
	keep_old(&stages, stages.filled);
	for (int i = 1; i < lengthof(images); i++)
	{
		CmigDiffCopies own = {cmig_image_copy(images[i - 1]), cmig_image_copy(images[i])};
		CmigDifference *difference = cmig_compare(cmig_image_copy(images[i - 1]),
												  cmig_image_copy(images[i]), all->options);
		List	   *lines = NIL;

		if (i == 2)
			forboth(column, stages.columns, value, stages.values)
				add_fill(&stages, lfirst(column), lfirst(value), &lines);
		if (live)
			cmig_body_check_changed(difference);
		for (int j = 0; j < difference->from->count; j++)
		{
			CmigChange *change = difference->from->objects[j]->change;
			const CmigObject *old = cmig_image_counterpart(all->from, change->from);

			if (old != NULL && old->change->action == CMIG_UNSUPPORTED &&
				change->action != CMIG_NO_CHANGE)
				cmig_change_refuse(change, old->change->alter.unsupported);
		}
		cmig_diff_lines(difference, &lines);
		lines = cmig_rehearsal_prove(managed, function, &own, difference,
									 i == 1 ? renames : NIL, lines);
		foreach_ptr(CmigDiffLine, line, lines)
		{
			line->stage = i;
			if (i == 1 && strcmp(line->action, "alter") == 0 && line->subject != NULL &&
				line->subject->kind == &cmig_kind_column &&
				cmig_image_counterpart(to, line->subject) == NULL)
				line->note = "a later revision drops the column, which the new version does not fill";
		}
		result = list_concat(result, lines);
	}
	return result;
}
