/*
 * deparse.c
 *	  Changes as rows with statements.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "utils/memutils.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Decides where new tables are placed among other objects, based on their
 * foreign keys.
 *
 * If dependencies alone decided the order, a referenced table would be moved
 * forward, but its indexes would not.
 * ----------------------------------------------------------------
 */

/* A table whose foreign keys are being followed. */
typedef struct FamilyFrame
{
	CmigObject *table;
	const CmigObject *child;	/* the next child to examine */
	int			depend;			/* index of the child's next dependency to
								 * examine */
} FamilyFrame;

/* Is the whole table created, or dropped? */
static bool
is_whole(CmigAction whole, const CmigObject *table)
{
	const CmigAction action = table->change->action;

	return action == CMIG_AGAIN || action == whole;
}

/*
 * Returns the next table that the frame's table references, that is created
 * (or dropped, depending on "whole") as a whole, and that
 * has not been placed yet.  Returns NULL if there is none.
 */
static CmigObject *
next_table(CmigAction whole, FamilyFrame *frame)
{
	for (; frame->child != NULL; frame->child = frame->child->sibling, frame->depend = 0)
	{
		if (frame->child->kind != &cmig_kind_foreign_key || !frame->child->folded)
			continue;
		while (frame->depend < frame->child->ndepends)
		{
			CmigObject *table = cmig_object_root(frame->child->depends[frame->depend++]);

			if (table->kind == &cmig_kind_table && table->rank == 0 && is_whole(whole, table))
				return table;
		}
	}
	return NULL;
}

/*
 * Set the fields "family" and "rank" of all tables in an image: each table comes
 * after the tables that it references.
 */
static void
place_all(const CmigImage *image, CmigAction whole)
{
	FamilyFrame *stack = palloc(sizeof(FamilyFrame) * Max(image->count, 1));
	int			rank = 0;

	for (int i = 0; i < image->count; i++)
	{
		image->objects[i]->family = NULL;
		image->objects[i]->rank = 0;
	}
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *first = image->objects[i],
				   *next = first;
		int			depth = 0;

		if (first->kind != &cmig_kind_table || first->rank != 0 || !is_whole(whole, first))
			continue;
		do
		{
			if (next != NULL)
			{
				next->rank = -1;
				stack[depth++] = (FamilyFrame)
				{
					next, next->child, 0
				};
			}
			next = next_table(whole, &stack[depth - 1]);
			if (next == NULL)
			{
				stack[--depth].table->family = first;
				stack[depth].table->rank = ++rank;
			}
		} while (depth > 0);
	}
	pfree(stack);
}

void
cmig_families_rank(CmigDifference *difference)
{
	place_all(difference->from, CMIG_DROP);
	place_all(difference->to, CMIG_CREATE);
}

int
cmig_families_compare(const CmigObject *a, const CmigObject *b)
{
	const char *first = a->family ? a->family->identity : a->identity,
			   *second = b->family ? b->family->identity : b->identity;
	int			order;

	if (a->kind != b->kind || a->kind != &cmig_kind_table)
		return cmig_object_compare(a, b);
	order = strcmp(first, second);
	if (order == 0)
		order = a->rank < b->rank ? -1 : a->rank > b->rank;
	return order ? order : cmig_object_compare(a, b);
}

/* A difference whose lines are being made. */
typedef struct Deparse
{
	CmigDifference *difference;
	const CmigDiffOptions *options;
	CmigDiffOptions restore;	/* options for re-creating dropped objects */
	List	   *lines;
	MemoryContext context;		/* the memory context of the lines */
	int			transaction;	/* of the current lines; see CmigDiffLine */
	const CmigOrderNode *node;	/* the current node */
	/* for each change: */
	bool	   *shown;			/* does it have a row? */
	List	  **reads;			/* list of CmigForce: the tables with forced
								 * row security that its statements read */
} Deparse;

/* Returns the list of CmigForce that the change's statements read. */
static List **
reads_of(const Deparse *deparse, const CmigChange *change)
{
	return &deparse->reads[change - deparse->difference->changes];
}

/*
 * Replace the statements in a list of CmigDdl with their concurrent forms.
 * The object must belong to a live table.
 */
static void
concurrent_change(const CmigObject *object, List *ddl)
{
	foreach_ptr(CmigDdl, entry, ddl)
	{
		char	   *sql = entry->sql;
		char	   *undo = entry->undo;

		entry->sql = cmig_commit_sql(object, entry->online, sql);
		entry->undo = cmig_commit_sql(object, entry->undo_online, undo);
		entry->stepwise = entry->sql != sql || entry->undo != undo;
		if (entry->sql != sql)
			entry->hazards &= ~CMIG_HAZARD_BLOCKS;
	}
}

/* ----------------------------------------------------------------
 * Lifts forced row security from tables while generated statements read
 * them.
 *
 * Two kinds of statements read tables: PostgreSQL checks a new foreign key
 * with a query that runs as the tables' owner, and a new sequence is set to
 * continue after the values in its column.  With forced row security, these
 * statements would fail in a revision, which runs with row_security = off;
 * elsewhere, they would see only some of the rows.  Therefore, forced row
 * security is lifted while they run.
 *
 * A materialized view contains the rows that its owner sees, and everybody who
 * can read the view can read them.  Therefore, row security is not lifted
 * while the view is filled.
 * ----------------------------------------------------------------
 */

/* A table with forced row security that a statement reads. */
typedef struct CmigForce
{
	const CmigChange *change;	/* the table's change */
	const CmigObject *before;	/* the old table, or NULL if its row security
								 * is not forced */
	const CmigObject *after;	/* the new table, or NULL if its row security
								 * is not forced */
} CmigForce;

static bool
is_forced(const CmigObject *table)
{
	return table != NULL && table->kind == &cmig_kind_table &&
		table->values[CMIG_TABLE_FORCE_ROW_SECURITY] != NULL;
}

/*
 * "reader" is a change that reads the table of "change".  If the table has
 * forced row security in either image, add the table to the reader's list and
 * to the list of all tables, and remove the property from both images.
 */
static List *
lift(const Deparse *deparse, List *tables, CmigChange *change, const CmigChange *reader)
{
	List	  **reads = reads_of(deparse, reader);
	CmigForce  *force;
	ListCell   *cell;

	foreach_ptr(CmigForce, table, tables)
	{
		if (table->change == change)
			*reads = list_append_unique_ptr(*reads, table);
	}
	if (change == NULL || (!is_forced(change->from) && !is_forced(change->to)))
		return tables;
	force = palloc(sizeof(CmigForce));
	force->change = change;
	force->before = is_forced(change->from) ? change->from : NULL;
	force->after = is_forced(change->to) ? change->to : NULL;
	if (force->before != NULL)
		cmig_object_set(change->from, CMIG_TABLE_FORCE_ROW_SECURITY, NULL);
	if (force->after != NULL)
		cmig_object_set(change->to, CMIG_TABLE_FORCE_ROW_SECURITY, NULL);

	/* the statements that set or reset FORCE ROW LEVEL SECURITY */
	foreach(cell, change->alter.ddl)
	{
		if (((const CmigDdl *) lfirst(cell))->part == CMIG_TABLE_FORCE_ROW_SECURITY)
			change->alter.ddl = foreach_delete_current(change->alter.ddl, cell);
	}
	*reads = lappend(*reads, force);
	return lappend(tables, force);
}

/*
 * Lift forced row security from the tables that the statements of a change
 * read: both tables of a foreign key, and the table of a column whose sequence
 * is created or dropped.  If "old" is true, look at the statements for the old
 * object.
 */
static List *
lift_tables(const Deparse *deparse, List *tables, const CmigChange *reader, bool old)
{
	const CmigDifference *difference = deparse->difference;
	const CmigObject *object = old ? reader->from : reader->to,
			   *column;

	if (object == NULL)
		return tables;
	if (object->kind == &cmig_kind_foreign_key)
	{
		tables = lift(deparse, tables, object->parent->change, reader);
		for (int i = 0; i < object->ndepends; i++)
		{
			const CmigObject *table = cmig_object_root(object->depends[i]);

			if (table->kind == &cmig_kind_table)
				tables = lift(deparse, tables, table->change, reader);
		}
	}
	if (object->kind == &cmig_kind_sequence_owner &&
		(old ? cmig_change_drops(reader) : cmig_change_creates(reader)))
	{
		column = cmig_image_lookup(old ? difference->to : difference->from, &cmig_kind_column,
								   object->values[0]);
		if (column != NULL)
			tables = lift(deparse, tables, column->parent->change, reader);
	}
	return tables;
}

/*
 * Find the tables with forced row security that the statements of the
 * difference read, and remove the statements that change their forced row
 * security.  The caller rank forced row security off before all other
 * statements, and on again after them; in a stepwise revision, before and
 * after the statements that read the table, in their transaction.
 */
static List *
lift_all(const Deparse *deparse)
{
	CmigDifference *difference = deparse->difference;
	List	   *tables = NIL;
	ListCell   *cell;

	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		const CmigObject *object = change->to ? change->to : change->from;

		if (cmig_change_stays(change) ||
			(object->kind == &cmig_kind_foreign_key && change->part_of != NULL))
			continue;
		tables = lift_tables(deparse, tables, change, true);
		tables = lift_tables(deparse, tables, change, false);

		/* a statement makes a sequence continue after the column's values */
		foreach(cell, change->action == CMIG_ALTER &&
				object->kind == &cmig_kind_column ? change->alter.ddl : NIL)
		{
			if (((const CmigDdl *) lfirst(cell))->reads)
				tables = lift(deparse, tables, object->parent->change, change);
		}
	}
	return tables;
}

/* Give the images what was removed from them, as they may be compared again. */
static void
restore_forced(const List *forced)
{
	foreach_ptr(const CmigForce, force, forced)
	{
		if (force->before != NULL)
			cmig_object_set(force->change->from, CMIG_TABLE_FORCE_ROW_SECURITY, "t");
		if (force->after != NULL)
			cmig_object_set(force->change->to, CMIG_TABLE_FORCE_ROW_SECURITY, "t");
	}
}

/*
 * Does the view read a table with forced row security, possibly through other
 * views?
 */
static bool
reads_forced(const CmigImage *image, const CmigObject *view)
{
	bool	   *seen = palloc0(sizeof(bool) * (image->count + 1));
	List	   *queue = list_make1(unconstify(CmigObject *, view));
	bool		found = false;

	while (queue != NIL && !found)
	{
		const CmigObject *object = llast(queue);

		queue = list_delete_last(queue);
		for (int i = 0; i < object->ndepends; i++)
		{
			CmigObject *on = cmig_object_root(object->depends[i]);

			found |= is_forced(on);
			if (!seen[on->index] &&
				(on->kind == &cmig_kind_view || on->kind == &cmig_kind_materialized_view))
				queue = lappend(queue, on);
			seen[on->index] = true;
		}
	}
	list_free(queue);
	pfree(seen);
	return found;
}

/*
 * Does the change create a materialized view that reads a table with forced row
 * security?
 */
static bool
force_filters(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;

	return object->kind == &cmig_kind_materialized_view &&
		((change->from && reads_forced(difference->from, change->from)) ||
		 (change->to && reads_forced(difference->to, change->to)));
}

/* ----------------------------------------------------------------
 * Generates the statements for a difference, in the order of execution.
 *
 * Each statement that creates or alters an object has a row of its own.  A
 * dropped object has only one row, whose downgrade_sql contains all statements
 * that re-create the object.
 * ----------------------------------------------------------------
 */

static char *
copy(const char *text)
{
	return text ? pstrdup(text) : NULL;
}

/* The most bytes of a value in the column "change". */
#define MAX_VALUE 40

/*
 * Returns the value of a property for the column "change".  "other" is the other
 * value, which differs.  Of long values, only what differs is shown; returns
 * NULL if that is too long, too.
 */
static char *
change_value(const char *value, const char *other)
{
	static const char *const types[][2] = {
		{"character varying", "varchar"}, {"timestamp with time zone", "timestamptz"},
		{"timestamp without time zone", "timestamp"}
	};
	int			start = 0,
				end = 0,
				length;

	if (value == NULL || other == NULL)
		other = value ? value : other;
	if (strcmp(other, "t") == 0)
		return pstrdup(value ? "yes" : "no");
	if (value == NULL)
		return pstrdup("none");
	for (int i = 0; i < lengthof(types); i++)
		if (strncmp(value, types[i][0], strlen(types[i][0])) == 0)
			value = psprintf("%s%s", types[i][1], value + strlen(types[i][0]));
	length = strlen(value);
	if ((length > MAX_VALUE || strchr(value, '\n') != NULL) && value != other)
	{
		/*
		 * find the words or lines at the start and at the end that are the
		 * same
		 */
		char		space = strchr(value, '\n') || strchr(other, '\n') ? '\n' : ' ';

		for (int i = 0; value[i] == other[i] && value[i] != '\0'; i++)
			if (value[i] == space)
				start = i + 1;
		for (int i = 1; i < length - start && i < (int) strlen(other) - start &&
			 value[length - i] == other[strlen(other) - i]; i++)
			if (value[length - i] == space)
				end = i;
	}
	value = psprintf("%s%.*s%s", start > 0 ? "... " : "", length - start - end, value + start,
					 end > 0 ? " ..." : "");
	return strlen(value) > MAX_VALUE + 8 || strchr(value, '\n') != NULL ? NULL : pstrdup(value);
}

/* Append "name: old -> new" to the text, if the values differ. */
static void
append_change(StringInfo text, const char *name, const char *old, const char *new)
{
	char	   *from,
			   *to;

	if (cmig_text_same(old, new))
		return;
	from = change_value(old, new);
	to = change_value(new, old);
	if (text->len > 0)
		appendStringInfoString(text, ", ");
	if (from == NULL || to == NULL)
		appendStringInfo(text, "new %s", name);
	else if (strcmp(name, "type") == 0 || strcmp(name, "definition") == 0 ||
			 strcmp(name, "default") == 0)
		appendStringInfo(text, "%s -> %s", from, to);
	else
		appendStringInfo(text, "%s: %s -> %s", name, from, to);
}

/* Returns what differs between two versions of an object, or NULL. */
static char *
change_text(const CmigChange *change, const CmigDiffOptions *options)
{
	const CmigObject *from = options->by_hand ? change->to : change->from,
			   *to = options->by_hand ? change->from : change->to;
	StringInfoData text;

	if (from == NULL || to == NULL)
		return !options->by_hand ? NULL : pstrdup(from ? "was dropped" : "was created");
	initStringInfo(&text);
	for (int i = 0; i < to->kind->nproperties && from->kind == to->kind; i++)
		if (!cmig_object_same(from, to, i))
			append_change(&text, to->kind->properties[i].name, from->values[i], to->values[i]);
	append_change(&text, "operators", from->operators, to->operators);
	if (options->owners)
		append_change(&text, "owner", from->owner, to->owner);
	if (options->comments)
		append_change(&text, "comment", from->comment, to->comment);
	if (options->privileges)
	{
		CmigDiffOptions only =
		{.privileges = true,.role = options->role,.initial = options->initial};

		if (cmig_annotate_alter(from, to, &only) != NIL)
			appendStringInfo(&text, "%sprivileges", text.len > 0 ? ", " : "");
	}
	return text.len > 0 ? text.data : NULL;
}

/*
 * Add a copy of the line in the caller's memory context.  The current context
 * cannot be used, because it is reset after the lines of each node.
 */
static void
put_row(Deparse *deparse, const CmigDiffLine *row)
{
	const char *upgrade = cmig_between_restore(row->upgrade),
			   *downgrade = cmig_between_restore(row->downgrade);
	MemoryContext old = MemoryContextSwitchTo(deparse->context);
	CmigDiffLine *line = palloc(sizeof(CmigDiffLine));

	*line = *row;
	line->object = copy(row->object);
	line->upgrade = copy(upgrade);
	line->downgrade = copy(downgrade);
	line->hazard = copy(row->hazard);
	line->change = copy(row->change);
	line->staged = copy(row->staged);
	line->note = copy(row->note);
	line->staged_undo = copy(row->staged_undo);
	if (row->ddl != NULL)
	{
		CmigDdl    *ddl = palloc(sizeof(CmigDdl));

		*ddl = *row->ddl;
		ddl->old_type = copy(ddl->old_type);
		ddl->new_type = copy(ddl->new_type);
		ddl->expression = copy(ddl->expression);
		line->ddl = ddl;
	}
	line->transaction = deparse->transaction;
	deparse->lines = lappend(deparse->lines, line);
	MemoryContextSwitchTo(old);
}

/*
 * Returns the live table that the object is or belongs to.  Returns NULL if
 * the table is new.
 */
static const CmigObject *
live_table(const Deparse *deparse, const CmigObject *object)
{
	object = cmig_object_root(unconstify(CmigObject *, object));
	return cmig_image_counterpart(deparse->difference->from, object);
}

/*
 * Is the statement only an intermediate step?  This is true if the object is
 * the same in both images, or if the change already has a row.
 */
static bool
is_incidental(const Deparse *deparse, const CmigChange *change)
{
	bool	   *shown = &deparse->shown[change - deparse->difference->changes];
	bool		again = *shown;

	*shown = true;
	return again || !change->differs;
}

/*
 * Returns statements that add a NOT NULL column to a table with rows, with a
 * comment where the user must fill the column.
 */
static char *
staged_sql(const Deparse *deparse, const CmigObject *column, const CmigDdl *entry)
{
	const char *name = cmig_quote(column->name);
	char	   *not_null = psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
									column->parent->identity, name);
	char	   *fill = cmig_text_one_line(psprintf("UPDATE %s SET %s = ... WHERE %s IS NULL;",
												   column->parent->identity, name, name));

	if (deparse->options->concurrently && deparse->transaction == 0)
		not_null = cmig_commit_not_null(column, not_null);
	return psprintf("%s;\n-- TODO: fill the new column in the existing rows:\n-- %s\n%s",
					entry->nullable, fill, not_null);
}

/*
 * Add the statements of a change: the first statement with
 * the given action, and the other statements with "alter".
 */
static void
put_ddl(Deparse *deparse, const char *action, CmigChange *change, List *ddl)
{
	const CmigObject *object = change->to ? change->to : change->from;

	if (deparse->options->concurrently && deparse->transaction == 0 &&
		live_table(deparse, object) != NULL)
		concurrent_change(object, ddl);
	foreach_ptr(const CmigDdl, entry, ddl)
	{
		CmigDiffLine row = {
			action, object->kind->name, object->identity, entry->sql, entry->undo, entry->hazard,
			.staged = entry->nullable ? staged_sql(deparse, object, entry) : NULL,
			.staged_stepwise = deparse->options->concurrently,
			.stepwise = entry->stepwise,.again = change->action == CMIG_AGAIN,.incidental =
			is_incidental(deparse, change),
			.filtered = force_filters(deparse->difference, change),
			.subject = object,
			.undo_hazards = entry->undo_hazards & ~(change->action == CMIG_AGAIN ?
													CMIG_HAZARD_POLICY : 0),
			.ddl = entry,.live = live_table(deparse, object)
		};

		row.change = row.incidental ? NULL : change_text(change, deparse->options);
		row.note = entry == linitial(ddl) ? change->question : NULL;
		if (change->irreversible != NULL && change->action == CMIG_ALTER && entry == linitial(ddl))
		{
			row.downgrade = NULL;
			row.hazard = change->irreversible;
		}
		put_row(deparse, &row);
		action = "alter";
	}
}

/*
 * Returns the statements that create an object and the children that its
 * CREATE statement includes.
 */
static List *
creation(const CmigObject *object, const CmigDiffOptions *options)
{
	List	   *ddl = object->kind->create(object);

	ddl = list_concat(ddl, cmig_annotate_create(object, options));
	if (object->kind == &cmig_kind_materialized_view && cmig_annotate_sets_owner(object, options))
		cmig_view_fill_as_owner(object, ddl);
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		if (child->folded)
			ddl = list_concat(ddl, creation(child, options));
	return ddl;
}

List *
cmig_completion(const CmigObject *object, const CmigDiffOptions *options)
{
	List	   *ddl = object->kind == &cmig_kind_column ? cmig_column_deviations(object) : NIL;

	return list_concat(ddl, cmig_annotate_create(object, options));
}

/*
 * If the body of the function "object" must not be checked, run *sql, which
 * creates or replaces it, with check_function_bodies turned off.
 */
static void
uncheck(const Deparse *deparse, const CmigObject *object, char **sql)
{
	if (!deparse->options->unchecked && object->unchecked && *sql != NULL)
		*sql = psprintf("SET check_function_bodies = off;\n%s;\nRESET check_function_bodies", *sql);
}

/*
 * Returns the statements that create the new object of a change, or create the
 * old one again if "old" is true.
 */
static List *
creation_of(const Deparse *deparse, const CmigChange *change, bool old)
{
	const CmigDifference *difference = deparse->difference;
	const CmigObject *object = old ? change->from : change->to;
	List	   *ddl = creation(old && change->away ? change->away : object,
							   old ? &deparse->restore : deparse->options);
	CmigDdl    *first = ddl == NIL ? NULL : linitial(ddl);
	const char *name = object->kind == &cmig_kind_sequence_owner ? object->values[0] : NULL;
	const CmigObject *column;

	if (first == NULL)
		return NIL;
	uncheck(deparse, object, &first->sql);
	cmig_attached_complete(difference, object, ddl, old);
	if (!old && cmig_attached_goes(difference, object, false))
		first->undo = CMIG_NO_STATEMENT;
	if (!old && cmig_attached_joins(difference, change))
	{
		const CmigObject *parent = cmig_attached_parent(difference->to, object),
				   *above = parent;

		/*
		 * the downgrade drops it with the first index above that is made
		 * again
		 */
		while (above != NULL && above->change->action != CMIG_AGAIN)
			above = cmig_attached_parent(difference->to, above);
		first->undo = above ? CMIG_NO_STATEMENT : NULL;
		first->hazard = above ? NULL :
			psprintf("cannot be reverted: %s can only be dropped with %s", object->identity,
					 parent->identity);
		ddl = cmig_ddl_append(ddl,
							  psprintf("ALTER INDEX %s ATTACH PARTITION %s",
									   cmig_index_name(parent), cmig_index_name(object)),
							  first->undo);
	}

	/* if a column that exists gets a new sequence, it continues its values */
	column = name ? cmig_image_lookup(old ? difference->to : difference->from, &cmig_kind_column,
									  name) : NULL;
	if (column != NULL)
	{
		const CmigChange *sequence = object->parent->change;
		char	   *sql = sequence->action == CMIG_NO_CHANGE ||
		sequence->action == CMIG_ALTER ? NULL :
		cmig_sequence_continue(object, column);

		if (sql != NULL)
			first->sql = psprintf("%s;\n%s", first->sql, sql);
	}
	return ddl;
}

/*
 * Move what takes long in the creation of the current node's object, whose
 * statements are "ddl", out of its transaction.  Returns an empty result if
 * nothing can be moved.
 */
static CmigSwap
swap_of(const Deparse *deparse, const List *ddl)
{
	const CmigOrderNode *node = deparse->node;
	const CmigObject *object = node->type == CMIG_NODE_DROP ? node->change->from : node->change->to;
	const CmigSwap none = {NULL};

	if (ddl == NIL || deparse->node->transaction == 0 || node->change->away != NULL ||
		*reads_of(deparse, node->change) != NIL || live_table(deparse, object) == NULL)
		return none;
	return cmig_commit_swap(object, linitial(ddl), !node->needs);
}

/* Replace the first statement as cmig_commit_swap() says. */
static void
swap(const Deparse *deparse, List *ddl)
{
	CmigSwap	swapped = swap_of(deparse, ddl);
	CmigDdl    *first = swapped.sql ? linitial(ddl) : NULL;

	if (first == NULL || (swapped.before == NULL && swapped.after == NULL))
		return;
	first->sql = swapped.sql;
	first->hazards = 0;
}

/*
 * Add the line of what takes long in the creation of the current node's object,
 * before or after its transaction.  The downgrade creates what is dropped, and
 * runs the lines in reverse order.
 */
static void
put_slow(Deparse *deparse, bool at_start)
{
	CmigChange *change = deparse->node->change;
	bool		old = deparse->node->type == CMIG_NODE_DROP;
	const CmigObject *object = old ? change->from : change->to;
	List	   *ddl = old ||
	deparse->node->type == CMIG_NODE_CREATE ? creation_of(deparse, change, old) : NIL;
	CmigSwap	swapped = swap_of(deparse, ddl);
	const char *sql = at_start == old ? swapped.after : swapped.before;
	CmigDiffLine row =
	{"alter",.upgrade = CMIG_NO_STATEMENT,.downgrade = CMIG_NO_STATEMENT,.stepwise = true,.again = true,.incidental = true,.subject = object};

	if (sql == NULL)
		return;
	row.kind = object->kind->name;
	row.object = object->identity;
	row.live = live_table(deparse, object);
	if (old)
	{
		row.downgrade = sql;
		row.undo_hazards = ((CmigDdl *) linitial(ddl))->hazards & ~CMIG_HAZARD_BLOCKS;
	}
	else
	{
		row.upgrade = sql;
		row.ddl = linitial(ddl);
		((CmigDdl *) linitial(ddl))->hazards &= ~CMIG_HAZARD_BLOCKS;
	}
	put_row(deparse, &row);
}

/* Add the lines of cmig.diff that create an object. */
static void
put_create(Deparse *deparse, CmigChange *change)
{
	List	   *ddl = creation_of(deparse, change, false);

	if (change->empties)
		((CmigDdl *) linitial(ddl))->hazard =
			psprintf("no data until REFRESH: materialized view %s", change->to->identity);
	swap(deparse, ddl);
	if (change->undone_with_type)
		((CmigDdl *) linitial(ddl))->undo = psprintf("DROP FUNCTION IF EXISTS %s",
													 change->to->identity);
	put_ddl(deparse, "create", change, ddl);
}

/*
 * Returns the statements joined into one string.  If "column" is not NULL, it
 * is added in stages.
 */
static char *
join(const Deparse *deparse, List *ddl, const CmigObject *column)
{
	StringInfoData sql;

	initStringInfo(&sql);
	foreach_ptr(const CmigDdl, entry, ddl)
		appendStringInfo(&sql, "%s%s", sql.len > 0 ? ";\n" : "",
						 column && entry->nullable ? staged_sql(deparse, column, entry) :
						 entry->sql);
	return sql.data;
}

/*
 * Add the line that gives an old type a temporary name, so
 * that the new type can have the original name.
 */
static void
put_away(Deparse *deparse, const CmigChange *change)
{
	const CmigObject *from = change->from;
	CmigDiffLine row = {"alter", from->kind->name,
	from->identity,.again = true,.incidental = true,.subject = from};

	row.upgrade = psprintf("ALTER %s RENAME TO %s", cmig_kind_reference(from),
						   cmig_quote(change->away->name));
	row.downgrade = psprintf("ALTER %s RENAME TO %s", cmig_kind_reference(change->away),
							 cmig_quote(from->name));
	put_row(deparse, &row);
}

/*
 * Returns the statements that drop the object.  If some descendants keep a
 * dropped column, the column is dropped from the parent with ONLY, and from
 * the other children by separate statements.
 */
static char *
drop(const CmigChange *change, const CmigObject *object)
{
	char	   *sql = cmig_kind_drop(object);

	if (!change->only)
		return sql;
	sql = psprintf("ALTER TABLE ONLY %s", sql + strlen("ALTER TABLE "));
	foreach_ptr(CmigChange, other, change->left)
		sql = psprintf("%s;\n%s", sql, drop(other, other->from));
	return sql;
}

/* Add the line that drops an object. */
static void
put_drop(Deparse *deparse, CmigChange *change)
{
	CmigObject *object = change->away ? change->away : change->from;
	CmigDiffLine row = {
		"drop", object->kind->name, object->identity,.again = change->action == CMIG_AGAIN,
		.incidental = is_incidental(deparse,
									change),.filtered = force_filters(deparse->difference, change),
		.subject = object
	};
	List	   *ddl = creation_of(deparse, change, true);
	const bool	stays = cmig_attached_stays(deparse->difference, change->from) ||
	cmig_attached_goes(deparse->difference, change->from, true);

	swap(deparse, ddl);
	row.change = row.incidental ? NULL : change_text(change, deparse->options);
	row.note = change->action == CMIG_DROP ? change->question : NULL;
	row.upgrade = stays ? CMIG_NO_STATEMENT : drop(change, object);
	if (deparse->options->concurrently && deparse->transaction == 0)
	{
		const char *plain = row.upgrade;

		row.upgrade = cmig_commit_sql(object, !stays && object->kind == &cmig_kind_index ?
									  CMIG_ONLINE_DROP : CMIG_ONLINE_NONE,
									  unconstify(char *, plain));
		row.stepwise = row.upgrade != plain;
		concurrent_change(object, ddl);
		foreach_ptr(CmigDdl, entry, ddl)
			row.stepwise |= entry->stepwise;
	}
	foreach_ptr(const CmigChange, part, change->also_drops)
		ddl = list_concat(ddl, creation(part->from, &deparse->restore));
	row.downgrade = join(deparse, ddl, NULL);
	if (ddl != NIL && ((CmigDdl *) linitial(ddl))->nullable != NULL)
	{
		row.staged_undo = join(deparse, ddl, object);
		row.staged_stepwise = deparse->options->concurrently;
	}

	/* whether a table is rewritten depends on the statement's types */
	foreach_ptr(CmigDdl, undo, object->parent != NULL ? ddl : NIL)
		row.undo_hazards |= undo->hazards & ~CMIG_HAZARD_REWRITE;
	if ((cmig_object_has_data(object) &&
		 !(object->kind->is_disposable && object->kind->is_disposable(object))) ||
		(object->kind == &cmig_kind_attribute &&
		 cmig_replace_is_stored(deparse->difference->from, object->parent)))
	{
		row.hazard = psprintf("data loss: %s %s", object->kind->name, object->identity);
		row.live = live_table(deparse, object);
	}
	if (object->kind == &cmig_kind_policy && change->action == CMIG_DROP)
		row.hazard = psprintf("policy dropped: %s ON %s", cmig_quote(object->name),
							  object->parent->identity);
	if (object->kind == &cmig_kind_distribution)
		row.hazard = psprintf("moves all rows, blocks writes: %s", object->identity);
	if (change->irreversible != NULL)
	{
		row.downgrade = NULL;
		row.hazard = change->irreversible;
	}
	put_row(deparse, &row);
}

/* Add the line for an unsupported change. */
static void
put_unsupported(Deparse *deparse, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	CmigDiffLine row = {"unsupported", object->kind->name, object->identity, NULL, NULL,
	change->alter.unsupported,.subject = object};

	if (object->kind->create == NULL)
	{
		row.kind = object->name;
		row.object = object->identity + strlen(object->name) + 1;
	}
	put_row(deparse, &row);
}

/* Changes that come after all others */

/* Add the lines of all late changes. */
static void
put_late_changes(Deparse *deparse)
{
	CmigDifference *difference = deparse->difference;
	bool		found = false;

	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		CmigImage	back = *difference->to;
		CmigDiffOptions options = deparse->restore;
		StringInfoData undo;
		const char *problem = NULL,
				   *before = "";
		CmigObject *type;
		CmigDdl    *last;

		if (!change->alter.late || change->action != CMIG_ALTER)
			continue;

		/*
		 * make the image "to" match the database as it will be after all
		 * other changes
		 */
		for (int j = 0; j < difference->count && !found; j++)
			if (difference->changes[j].from != NULL && difference->changes[j].to != NULL)
				cmig_annotate_keep(difference->changes[j].from, difference->changes[j].to,
								   difference->options);

		/*
		 * what prevented other changes does not prevent this one from being
		 * reverted
		 */
		for (int j = 0; j < difference->to->count && !found; j++)
			difference->to->objects[j]->obstacle = NULL;
		found = true;

		/*
		 * To find the statements that revert the change, compare this image
		 * with a copy of it in which the type has its old values.
		 */
		last = llast(change->alter.ddl);
		type = cmig_object_copy(change->to);
		type->values = change->from->values;
		back.objects = palloc(sizeof(CmigObject *) * back.count);
		memcpy(back.objects, difference->to->objects, sizeof(CmigObject *) * back.count);
		back.objects[type->index] = type;
		options.no_late = true;
		options.concurrently = false;
		initStringInfo(&undo);
		foreach_ptr(const CmigDiffLine, line,
					cmig_deparse(cmig_compare((CmigImage *) difference->to, &back, &options)))
		{
			bool		retypes = line->ddl != NULL && (line->ddl->hazards & CMIG_HAZARD_REWRITE) &&
			line->subject->kind == &cmig_kind_column;
			const char *start = retypes ?
			psprintf("ALTER TABLE %s ", line->subject->parent->identity) : "";

			/* one statement rewrites the table */
			if (line->upgrade == NULL)
				problem = line->hazard;
			else if (retypes && strcmp(start, before) == 0)
				appendStringInfo(&undo, ", %s", line->upgrade + strlen(start));
			else
				appendStringInfo(&undo, "%s%s", undo.len > 0 ? ";\n" : "", line->upgrade);
			before = start;
		}
		last->undo = problem ? NULL : undo.data;
		if (problem != NULL)
			last->hazard = psprintf("cannot be reverted: %s", problem);
		/* the downgrade drops and creates again what uses the type */
		deparse->transaction = deparse->options->concurrently ? -1 - change->to->index : 0;
		put_ddl(deparse, "alter", change, change->alter.ddl);
		deparse->transaction = 0;
	}
}

/*
 * Is the table's row security forced before and after the change, and lifted
 * only in the transactions of a stepwise revision that read the table?
 */
static bool
is_lifted_briefly(const Deparse *deparse, const CmigForce *force)
{
	return deparse->options->concurrently && force->before != NULL && force->after != NULL &&
		!cmig_change_drops(force->change);
}

/*
 * If "at_start" is true, add the lines that turn off FORCE ROW
 * LEVEL SECURITY.  They come before all other rows or, if "briefly" is true,
 * before the rows that read the tables.  Otherwise, pass the rows that turn it
 * on again.
 */
static void
put_force(Deparse *deparse, const List *forced, bool briefly, bool at_start)
{
	foreach_ptr(const CmigForce, force, forced)
	{
		const CmigObject *table = at_start ? force->before : force->after;
		CmigDiffLine row = {"alter",.incidental = true,.subject = table};

		if (table == NULL || is_lifted_briefly(deparse, force) != briefly)
			continue;
		row.kind = table->kind->name;
		row.object = table->identity;
		row.upgrade = psprintf("ALTER TABLE %s %sFORCE ROW LEVEL SECURITY", table->identity,
							   at_start ? "NO " : "");
		row.downgrade = psprintf("ALTER TABLE %s %sFORCE ROW LEVEL SECURITY", table->identity,
								 at_start ? "" : "NO ");
		put_row(deparse, &row);
	}
}

/* Is it the first node of a transaction, or without one? */
static bool
is_first(const CmigOrderNode *nodes, int i)
{
	return nodes[i].transaction == 0 || i == 0 || nodes[i - 1].transaction != nodes[i].transaction;
}

/* Must the statements of the change run in one transaction of a stepwise revision? */
static bool
is_together(const Deparse *deparse, const CmigChange *change)
{
	foreach_ptr(CmigForce, read, *reads_of(deparse, change))
	{
		if (is_lifted_briefly(deparse, read))
			return true;
	}
	return deparse->options->concurrently && change->action == CMIG_ALTER &&
		list_length(change->alter.ddl) > 1 &&
		(cmig_commit_guard(change) != NULL ||
		 (change->to->kind == &cmig_kind_column &&
		  cmig_commit_trades_not_null(change->from, change->to)));
}

/*
 * Add the lines of all nodes, and free the memory of each node
 * after its rows.
 */
static void
put_nodes(Deparse *deparse, const CmigOrderNode *nodes, int count)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	for (int i = 0; i < count; i++)
	{
		CmigChange *change = nodes[i].change;

		for (int j = i; nodes[i].transaction != 0 && is_first(nodes, i) && j < count &&
			 nodes[j].transaction == nodes[i].transaction; j++)
		{
			deparse->node = &nodes[j];
			put_slow(deparse, true);
		}
		deparse->node = &nodes[i];
		deparse->transaction = nodes[i].transaction;
		if (deparse->transaction == 0 && is_together(deparse, change))
			deparse->transaction = -1 - deparse->difference->to->count - i;
		put_force(deparse, *reads_of(deparse, change), true, true);
		switch (nodes[i].type)
		{
			case CMIG_NODE_AWAY:
				put_away(deparse, change);
				break;
			case CMIG_NODE_DROP:
				put_drop(deparse, change);
				break;
			case CMIG_NODE_PART:
				put_ddl(deparse, "alter", change, change->alter.first);
				break;
			case CMIG_NODE_JOIN:
				put_ddl(deparse, "alter", change, change->alter.last);
				break;
			case CMIG_NODE_ALTER:
				foreach_ptr(CmigDdl, entry, change->alter.ddl)
				{
					if (entry->part != CMIG_PART_REPLACES)
						continue;
					uncheck(deparse, change->to, &entry->sql);
					uncheck(deparse, change->from, &entry->undo);
				}
				put_ddl(deparse, "alter", change, change->alter.ddl);
				break;
			case CMIG_NODE_CREATE:
				put_create(deparse, change);
				break;
			case CMIG_NODE_UNSUPPORTED:
				put_unsupported(deparse, change);
				break;
		}
		put_force(deparse, *reads_of(deparse, change), true, false);
		deparse->transaction = 0;
		for (int j = i; nodes[i].transaction != 0 && (i + 1 == count || is_first(nodes, i + 1)) &&
			 j >= 0 && nodes[j].transaction == nodes[i].transaction; j--)
		{
			deparse->node = &nodes[j];
			put_slow(deparse, false);
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/*
 * Returns the lines, with those last that revoke privileges of whoever runs them:
 * the others may need these, such as CREATE on a new schema.  What is granted on the
 * object after that comes with them, as it may be granted to the same role.
 */
static List *
revoke_own_last(const List *lines)
{
	List	   *result = NIL,
			   *last = NIL;

	foreach_ptr(CmigDiffLine, line, lines)
	{
		const CmigDiffLine *before = last == NIL ? NULL : llast(last);
		const CmigDdl *ddl = line->ddl;

		if (ddl != NULL && (ddl->own || (before != NULL && before->subject == line->subject &&
										 (ddl->part == CMIG_PART_GRANT ||
										  ddl->part == CMIG_PART_REVOKE))))
		{
			line->transaction = 0;
			last = lappend(last, line);
		}
		else
			result = lappend(result, line);
	}
	return list_concat(result, last);
}

List *
cmig_deparse(CmigDifference *difference)
{
	Deparse		deparse = {.difference = difference,.options = difference->options};
	int			count;
	CmigOrderNode *nodes = cmig_order(difference, &count);
	List	   *forced;

	deparse.context = CurrentMemoryContext;
	deparse.shown = palloc0(difference->count + 1);
	deparse.reads = MemoryContextAllocExtended(CurrentMemoryContext,
											   sizeof(List *) * ((Size) difference->count + 1),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	deparse.restore = *difference->options;
	deparse.restore.owners = deparse.restore.privileges = deparse.restore.comments = true;
	forced = lift_all(&deparse);
	put_force(&deparse, forced, false, true);
	put_nodes(&deparse, nodes, count);
	put_force(&deparse, forced, false, false);
	put_late_changes(&deparse);
	restore_forced(forced);
	return revoke_own_last(deparse.lines);
}
