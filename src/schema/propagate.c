/*
 * propagate.c
 *	  Changes that need other changes.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "miscadmin.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Finds new materialized views that cannot be filled.
 *
 * Whether a materialized view has data is not compared, so an existing view
 * can lack data although the target's view has data.
 * ----------------------------------------------------------------
 */

/*
 * Will reading the view fail, because it is or reads a materialized view
 * without data?  "empty" has an element for each object: true for a view that
 * is known to be unreadable.
 */
static bool
is_empty(const CmigChange *change, const CmigObject *view, bool old, const bool *empty)
{
	if (view->kind == &cmig_kind_materialized_view)
	{
		if (change->from != NULL &&
			(old ? !cmig_change_drops(change) : !cmig_change_creates(change)))
			return change->from->values[CMIG_VIEW_EMPTY] != NULL;
		if (view->values[CMIG_VIEW_EMPTY] != NULL)
			return true;
	}
	for (int i = 0; i < view->ndepends; i++)
		if (empty[view->depends[i]->index] ||
			(view->depends[i]->parent != NULL && empty[view->depends[i]->parent->index]))
			return true;
	return false;
}

/*
 * Leave empty the image's materialized views that cannot be filled.  The
 * upgrade creates views of the new image, and the downgrade creates those of
 * the old image that the upgrade drops.
 */
static void
leave_empty(const CmigDifference *difference, bool old)
{
	const CmigImage *image = cmig_image_of(difference, old);
	bool	   *empty = palloc0(sizeof(bool) * (image->count + 1));
	bool		again = true;

	while (again)
	{
		again = false;
		for (int i = 0; i < image->count; i++)
		{
			const CmigObject *view = image->objects[i];

			if ((view->kind != &cmig_kind_view && view->kind != &cmig_kind_materialized_view) ||
				empty[i])
				continue;
			empty[i] = is_empty(view->change, view, old, empty);
			again |= empty[i];
		}
	}
	for (int i = 0; i < image->count; i++)
	{
		const CmigChange *change = image->objects[i]->change;

		if (empty[i] && image->objects[i]->kind == &cmig_kind_materialized_view &&
			(old ? cmig_change_drops(change) : cmig_change_creates(change)))
			cmig_object_set(image->objects[i], CMIG_VIEW_EMPTY, "t");
	}
	pfree(empty);
}

/*
 * Make the CREATE statement of a materialized view use WITH NO DATA if the
 * view reads a materialized view without data, directly or through other
 * views.  Also set the field "empties" of all changes.
 */
void
cmig_populate_check(CmigDifference *difference)
{
	leave_empty(difference, false);
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		change->empties = cmig_change_creates(change) &&
			change->to->kind == &cmig_kind_materialized_view &&
			change->to->values[CMIG_VIEW_EMPTY] != NULL &&
			!(change->from != NULL && change->from->values[CMIG_VIEW_EMPTY] != NULL);
	}
	leave_empty(difference, true);
}

/* ----------------------------------------------------------------
 * Refuses changes to objects that belong to other roles.
 *
 * Such objects are called foreign objects here; others.c finds them.
 * ----------------------------------------------------------------
 */

/*
 * If the changed object is a foreign object or part of one, returns the
 * foreign object.  Otherwise returns NULL.
 */
static const CmigObject *
foreign_root(const CmigChange *change)
{
	for (;;)
	{
		const CmigObject *object = change->from ? change->from : change->to;

		if (change->from != NULL && change->from->foreign)
			return change->from;
		if (object->owner != NULL || object->parent == NULL)
			return NULL;
		change = object->parent->change;
	}
}

/*
 * A foreign object that the target lacks is dropped if it is in the caller's
 * schema, and left alone if it has no schema.
 */
void
cmig_foreign_refuse(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		const CmigObject *root = foreign_root(change);
		bool		gone = root != NULL && root->change->to == NULL;

		if (root == NULL || (gone && root->may_drop) || cmig_change_stays(change))
			continue;
		if (gone && (root->kind->flags & CMIG_KIND_GLOBAL))
			change->action = CMIG_NO_CHANGE;
		else
			cmig_change_refuse(change,
							   root == change->from ?
							   psprintf("it belongs to role %s", cmig_quote(root->owner)) :
							   psprintf("%s belongs to role %s", cmig_object_title(root),
										cmig_quote(root->owner)));
	}
}

/* ----------------------------------------------------------------
 * Finds the objects that must be dropped temporarily, or altered, because
 * they depend on an object that is dropped or altered.
 * ----------------------------------------------------------------
 */

/*
 * Must the dependent be dropped temporarily while the object that it depends
 * on is altered?
 */
static bool
is_disturbed(const CmigChange *change, const CmigChange *dependent)
{
	int			flags = dependent->from->kind->flags;

	if (!change->alter.disturbs)
		return false;
	if (flags & CMIG_KIND_RECAST)
		return change->alter.recasts || dependent->action == CMIG_ALTER;
	return (flags & CMIG_KIND_DISTURBED) != 0;
}

/*
 * Does the dependent no longer depend on the object of "change" after its own
 * change?
 */
bool
cmig_change_lets_go(const CmigChange *change, const CmigChange *dependent)
{
	const CmigObject *to = dependent->to;

	for (int i = 0; to != NULL && i < to->ndepends; i++)
		if (to->depends[i]->change == change)
			return false;
	return to == NULL || to->parent == NULL || to->parent->change != change;
}

static bool
is_column(const CmigObject *object)
{
	return object->kind == &cmig_kind_column || object->kind == &cmig_kind_attribute;
}

/* Is the index of a partition, which is attached to the other one, left by DETACH? */
static bool
is_detached(const CmigObject *index, const CmigObject *parent)
{
	const CmigObject *link = cmig_index_parent(index) != NULL &&
	cmig_text_same(cmig_index_parent(index), cmig_index_name(parent)) ?
	cmig_object_child(index->parent, &cmig_kind_partition, NULL) : NULL;

	return link != NULL && cmig_change_drops(link->change);
}

/*
 * Must the dependent be dropped or altered because it uses the object of
 * "change"?  "goes" is true if that object is dropped, and false if it is
 * altered.
 */
static bool
is_affected(const CmigChange *change, const CmigChange *dependent, bool goes)
{
	if (dependent->to == NULL || dependent->action == CMIG_AGAIN ||
		dependent->action == CMIG_UNSUPPORTED)
		return false;
	if (!goes && !is_disturbed(change, dependent))
		return false;
	if ((cmig_children_is_attached(dependent) && dependent->from->parent != change->from) ||
		is_detached(dependent->from, change->from))
		return false;

	/*
	 * ignore a change of a base type's definition: the dependent also depends
	 * on the type itself, whose change affects it
	 */
	if (change->from->kind == &cmig_kind_base_definition)
		return false;
	if (change->from->kind == &cmig_kind_attribute && dependent->from->kind == &cmig_kind_column &&
		dependent->from->parent->values[CMIG_TABLE_OF_TYPE] != NULL)
		return false;

	/*
	 * if a column is dropped by itself or together with its table, columns
	 * that inherit from it may remain
	 */
	return !(dependent->from->kind == &cmig_kind_column && dependent->from->inherited) ||
		!(change->from->kind == &cmig_kind_column &&
		  (change->action == CMIG_DROP ||
		   change->from->parent->change->action == CMIG_AGAIN));
}

/* Can the dependent be dropped and created again without losing data? */
static bool
is_created_again(const CmigChange *change, const CmigChange *dependent)
{
	const CmigObject *object = dependent->from;

	/* the table has the new one before the index of the old one goes */
	if (object->kind == &cmig_kind_replica_identity && dependent->action == CMIG_ALTER &&
		cmig_change_lets_go(change, dependent))
		return false;
	return cmig_object_is_disposable(object) ||
		(dependent->from->kind == &cmig_kind_column && dependent->from->inherited &&
		 dependent->to->kind == &cmig_kind_column && dependent->to->inherited &&
		 change->action == CMIG_AGAIN && change->from->kind == &cmig_kind_column) ||
		(change->action == CMIG_AGAIN && dependent->from->parent == change->from);
}

/* Returns the change whose statement also performs this one, or will. */
CmigChange *
cmig_change_whole(CmigChange *change)
{
	for (;;)
	{
		if (change->part_of != NULL)
			change = change->part_of;
		else if (cmig_change_drops(change) && change->from->parent != NULL &&
				 cmig_change_drops(change->from->parent->change))
			change = change->from->parent->change;
		else
			return change;
	}
}

/* A partition keeps its place, and so what it inherits. */
static void
leave_inherited(const CmigObject *partition)
{
	for (const CmigObject *part = partition->child; part != NULL; part = part->sibling)
		if (part->inherited)
		{
			part->change->action = CMIG_NO_CHANGE;
			memset(&part->change->alter, 0, sizeof(CmigAlter));
		}
}

/* The parts of an object that stays as it is are neither dropped nor created. */
static void
leave_parts(const CmigObject *object)
{
	for (const CmigObject *part = object->child; part != NULL; part = part->sibling)
	{
		if (cmig_change_drops(part->change) || cmig_change_creates(part->change))
			part->change->action = CMIG_NO_CHANGE;
		leave_parts(part);
	}
}

/*
 * An object stays as it is, or its parent does: what it depends on is neither dropped
 * nor, if a view uses it, retyped.
 */
static void
keep_needed(const CmigObject *object)
{
	for (int i = 0; i < object->ndepends; i++)
	{
		CmigChange *needed = cmig_change_whole(object->depends[i]->change);
		const CmigObject *owner = cmig_object_child(object->depends[i],
													&cmig_kind_sequence_owner, NULL);

		if (!cmig_change_drops(needed) &&
			!(needed->action == CMIG_ALTER && needed->alter.disturbs &&
			  (object->kind->flags & CMIG_KIND_DISTURBED)))
			continue;
		cmig_change_keep(needed, psprintf("%s depends on it, and cannot be changed",
										  cmig_object_title(object)));
		/* the sequence of a serial column gets no row of its own */
		if (owner != NULL && object->parent != NULL &&
			cmig_text_same(owner->values[0], object->parent->identity))
			needed->action = CMIG_NO_CHANGE;
	}
	for (const CmigObject *part = object->child; part != NULL; part = part->sibling)
		keep_needed(part);
}

/* Mark the change as unsupported: the old object, its parts, and what these need stay. */
void
cmig_change_keep(CmigChange *change, char *reason)
{
	check_stack_depth();
	cmig_change_refuse(change, reason);
	leave_parts(change->from);
	if (change->to != NULL)
		leave_parts(change->to);
	if (change->from->kind == &cmig_kind_partition)
		leave_inherited(change->from->parent);
	if (change->from->kind == &cmig_kind_partition && change->to != NULL)
		leave_inherited(change->to->parent);
	keep_needed(change->from);
}

/* An unsupported composite type's attributes are left unchanged, too. */
static void
leave_attributes(const CmigObject *type)
{
	for (const CmigObject *child = type->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_attribute)
		{
			child->change->action = CMIG_NO_CHANGE;
			child->change->alter.ddl = NIL;
			child->change->alter.disturbs = false;
		}
}

/*
 * Does the dependent stay as it is, because its change or that of its table or
 * type is unsupported?
 */
static bool
is_left(const CmigChange *dependent)
{
	const CmigObject *object = dependent->from;

	if (dependent->action == CMIG_UNSUPPORTED)
		return dependent->to != NULL || object->obstacle != NULL ||
			(object->kind->flags & CMIG_KIND_SWAPS) != 0;
	return dependent->action == CMIG_NO_CHANGE && object->parent != NULL &&
		object->parent->change->action == CMIG_UNSUPPORTED;
}

/*
 * Decide what happens to a dependent of the object of "change".  "goes" is
 * true if that object is dropped.  Returns the change whose dependents must be
 * examined next, or NULL if there is none.  If the dependent prevents the
 * change, the change is marked as unsupported.
 */
static CmigChange *
disturb(CmigDifference *difference, CmigChange *change, CmigChange *dependent, bool goes)
{
	const CmigObject *root = goes ||
	is_disturbed(change, dependent) ? foreign_root(dependent) : NULL;
	CmigChange *next;

	if (root != NULL && !(root->change->to == NULL && root->may_drop))
	{
		cmig_change_refuse(change,
						   psprintf("%s depends on it, and belongs to role %s",
									cmig_object_title(dependent->from), cmig_quote(root->owner)));
		return NULL;
	}
	if (is_left(dependent) &&
		(goes || (is_column(change->from) && is_disturbed(change, dependent))))
	{
		cmig_change_refuse(change, psprintf("%s depends on it, and cannot be changed",
											cmig_object_title(dependent->from)));
		return NULL;
	}
	if (!is_affected(change, dependent, goes))
		return NULL;
	if (is_created_again(change, dependent))
	{
		dependent->action = CMIG_AGAIN;
		dependent->alter.ddl = NIL;
		return dependent;
	}
	if (!goes)
		return NULL;
	if (cmig_replace_successor(change, dependent) != NULL)
		return cmig_replace_dependent(difference, change, dependent);
	next = cmig_replace_multirange(difference, change, dependent);
	if (next != NULL)
		return next;
	if (dependent->action == CMIG_ALTER && cmig_change_lets_go(change, dependent))
	{
		cmig_replace_trade(difference, change, dependent);
		return NULL;
	}
	if (change->action != CMIG_AGAIN)
		return NULL;

	/*
	 * if the object of "change" can be replaced while dependents use it,
	 * change the dependent accordingly
	 */
	if (change->from->kind->flags & CMIG_KIND_SWAPS)
		next = cmig_replace_dependent(difference, change, dependent);
	else if (change->from->kind->flags & CMIG_KIND_DETOUR)
		next = cmig_replace_detour(change, dependent);
	else
		next = NULL;
	if (next == NULL)
		cmig_change_refuse(change,
						   psprintf("it would have to be dropped, and %s depends on it%s",
									cmig_object_title(dependent->from),
									(change->from->kind == &cmig_kind_enum &&
									 change->to != NULL &&
									 cmig_enum_added(change->from, change->to) != NIL) ?
									"; add its new values in an earlier revision, without using them" : ""));
	return next;
}

/*
 * A range type cannot be dropped if a composite type's attribute or a domain
 * uses it or its multirange type.  Mark the range type's change as unsupported,
 * and also the changes of all objects that use it, because they may need the
 * new multirange type.
 */
static void
refuse_range(const CmigDependents *dependents, CmigChange *range)
{
	const int	start = dependents->start[range->from->index],
				end = dependents->start[range->from->index + 1];
	const CmigObject *user = NULL;

	if (range->from->kind != &cmig_kind_range || range->action != CMIG_AGAIN)
		return;
	for (int i = start; i < end && user == NULL; i++)
		if ((dependents->objects[i]->kind == &cmig_kind_attribute ||
			 dependents->objects[i]->kind == &cmig_kind_domain) &&
			dependents->objects[i]->change->to != NULL)
			user = dependents->objects[i];
	if (user == NULL)
		return;
	cmig_change_refuse(range,
					   psprintf("it would have to be dropped, and %s depends on it",
								cmig_object_title(user)));
	for (int i = start; i < end; i++)
	{
		CmigChange *change = dependents->objects[i]->change;
		bool		changes = change->action != CMIG_NO_CHANGE;

		if (change->to == NULL)
			continue;
		if (change->from->kind == &cmig_kind_attribute)
		{
			change->action = CMIG_NO_CHANGE;
			change = change->from->parent->change;
		}
		if (changes || change->action != CMIG_NO_CHANGE)
			cmig_change_refuse(change,
							   psprintf("it uses %s, which cannot be changed",
										cmig_object_title(range->from)));
	}
}

/* ----------------------------------------------------------------
 * Finds objects that use the columns of a table or composite type by their
 * position, although the columns will not have that order: PostgreSQL can only
 * append columns.
 * ----------------------------------------------------------------
 */

/*
 * Does the printed expression or definition contain a literal of the type, a
 * row that is cast to it, or a comparison of whole rows?  If "any_row" is
 * true, every ROW() is one of the type.
 */
static bool
has_row(const char *text, const CmigObject *type, bool any_row)
{
	const size_t length = strlen(type->identity);
	CmigLexer	lexer;
	bool		row = false,
				dot = false,
				whole = false;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		row |= cmig_lexer_is_word(&lexer, "row") && *lexer.next == '(';
		if ((row && any_row) ||
			(whole && lexer.type == CMIG_TOKEN_OPERATOR &&
			 strchr("<>=!~@#&|", *lexer.start) != NULL))
			return true;
		/* the type's name, and not a longer one */
		if ((row || lexer.type == CMIG_TOKEN_STRING) && strncmp(lexer.next, "::", 2) == 0 &&
			strncmp(lexer.next + 2, type->identity, length) == 0 &&
			!isalnum((unsigned char) lexer.next[length + 2]) &&
			lexer.next[length + 2] != '_' && !IS_HIGHBIT_SET(lexer.next[length + 2]))
			return true;
		whole = dot && cmig_lexer_is_char(&lexer, '*');
		dot = cmig_lexer_is_char(&lexer, '.');
	}
	return false;
}

/*
 * Does the text use the function in a FROM clause?  PostgreSQL prints the
 * names of all of its columns there.
 */
static bool
names_columns_of(const char *text, const CmigObject *function)
{
	char	   *call = pnstrdup(function->identity, strcspn(function->identity, "(") + 1);
	CmigLexer	calls;
	bool		rows_from = false;

	cmig_lexer_init(&calls, text);
	while (cmig_lexer_next_sql(&calls) != CMIG_TOKEN_END)
	{
		CmigLexer	lexer;
		int			depth = 1;

		rows_from |= cmig_lexer_is_word(&calls, "rows") && cmig_text_begins(calls.next, " FROM(");
		if (!cmig_text_begins(calls.start, call))
			continue;
		cmig_lexer_init(&lexer, calls.start + strlen(call));
		while (depth > 0 && cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
			depth += cmig_lexer_is_char(&lexer, '(') - cmig_lexer_is_char(&lexer, ')');
		if (strncmp(lexer.next, " WITH ORDINALITY ", strlen(" WITH ORDINALITY ")) == 0)
			lexer.next += strlen(" WITH ORDINALITY ");
		(void) cmig_lexer_next_sql(&lexer);
		if (((lexer.type == CMIG_TOKEN_WORD || lexer.type == CMIG_TOKEN_QUOTED) &&
			 *lexer.next == '(') ||
			rows_from)
			return true;
	}
	return false;
}

/* Does a query in the function's definition select several expressions? */
static bool
selects_several(const char *text)
{
	CmigLexer	lexer;
	int			depth = 0;
	bool		list = false;

	cmig_lexer_init(&lexer, text);
	while (cmig_lexer_next_sql(&lexer) != CMIG_TOKEN_END)
	{
		const char *body = lexer.type == CMIG_TOKEN_DOLLAR &&
		!lexer.unterminated ? strchr(lexer.start + 1, '$') + 1 : NULL;

		if (body != NULL &&
			selects_several(pnstrdup(body, lexer.next - body - (body - lexer.start))))
			return true;
		depth += cmig_lexer_is_char(&lexer, '(') - cmig_lexer_is_char(&lexer, ')');
		if (depth != 0)
			continue;
		if (cmig_lexer_is_word(&lexer, "select") || cmig_lexer_is_word(&lexer, "returning"))
			list = true;
		else if (cmig_lexer_is_word(&lexer, "from") || cmig_lexer_is_char(&lexer, ';'))
			list = false;
		else if (list && cmig_lexer_is_char(&lexer, ','))
			return true;
	}
	return false;
}

/* Does the object use the columns of the table or type by their position? */
static bool
uses_positions(const CmigObject *object, const CmigObject *type)
{
	const bool	returns = object->kind == &cmig_kind_function &&
	cmig_function_returns(object, type);
	const bool	any_row = type->kind == &cmig_kind_composite || object->kind == &cmig_kind_default;
	bool		depends = object->parent == type;

	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];

		depends |= on == type;
		if (on->kind == &cmig_kind_function && cmig_function_returns(on, type))
			for (int j = 0; j < object->kind->nproperties; j++)
				if (object->values[j] != NULL && names_columns_of(object->values[j], on))
					return true;
	}
	for (int i = 0; depends && i < object->kind->nproperties; i++)
		if (object->values[i] != NULL &&
			(has_row(object->values[i], type, any_row) ||
			 (returns && cmig_function_is_sql(object) && selects_several(object->values[i]))))
			return true;
	return false;
}

/*
 * Returns the names of the columns that a table or composite type will have
 * after the upgrade or, if "old" is true, after the downgrade.  Returns NULL if
 * they will be in the order of the target, or of the old image.
 */
static char *
reached_columns(const CmigChange *type, bool old, char **wanted)
{
	StringInfoData reached,
				names;

	initStringInfo(&reached);
	initStringInfo(&names);
	for (const CmigObject *child = type->from->child; child != NULL; child = child->sibling)
		if (is_column(child) && !cmig_change_drops(child->change))
			appendStringInfo(&reached, ", %s", cmig_quote(child->name));
	for (const CmigObject *child = old ? type->from->child :
		 type->to->child; child != NULL; child = child->sibling)
	{
		const CmigChange *change = child->change;

		if (!is_column(child) || (change->action == CMIG_UNSUPPORTED && change->from == NULL))
			continue;
		if (old ? cmig_change_drops(change) : cmig_change_creates(change))
			appendStringInfo(&reached, ", %s", cmig_quote(child->name));
		appendStringInfo(&names, ", %s", cmig_quote(child->name));
	}
	if (strcmp(reached.data, names.data) == 0)
		return NULL;
	*wanted = names.data + 2;
	return reached.data + 2;
}

/*
 * Refuse the changes of objects that would use the columns of a table or type
 * in an order that they will not have after the upgrade.  If "old" is true, find
 * those that cannot be restored because of the order after the downgrade.
 */
static void
find_positions(CmigDifference *difference, bool old)
{
	const CmigImage *image = cmig_image_of(difference, old);

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *type = &difference->changes[i];
		char	   *wanted,
				   *reached = NULL;

		if (type->from != NULL && type->to != NULL &&
			(type->action == CMIG_NO_CHANGE || type->action == CMIG_ALTER) &&
			(type->to->kind == &cmig_kind_composite || cmig_table_is(type->to)))
			reached = reached_columns(type, old, &wanted);
		for (int j = 0; reached != NULL && j < image->count; j++)
		{
			CmigChange *change = image->objects[j]->change;
			char	   *reason;

			if (cmig_change_stays(change) ||
				!uses_positions(image->objects[j], old ? type->from : type->to))
				continue;
			reason = psprintf("it uses the columns of %s by their position, and their order would be (%s) instead of (%s)",
							  type->to->identity, reached, wanted);
			if (old)
				change->irreversible = psprintf("cannot be reverted: %s: %s",
												cmig_object_title(change->from),
												reason);
			else
				cmig_compare_refuse(difference, change, reason);
		}
	}
}

/* Copy all changes, so that what spread() does to "to" can be undone. */
static void
copy_changes(CmigChange *to, const CmigChange *from, int count)
{
	memcpy(to, from, sizeof(CmigChange) * count);
	for (int i = 0; i < count; i++)
	{
		List	  **lists[] = {&to[i].alter.ddl, &to[i].alter.first, &to[i].alter.last};
		ListCell   *cell;

		for (int j = 0; j < lengthof(lists); j++)
		{
			*lists[j] = list_copy(*lists[j]);
			foreach(cell, *lists[j])
			{
				CmigDdl    *ddl = palloc(sizeof(CmigDdl));

				*ddl = *(const CmigDdl *) lfirst(cell);
				lfirst(cell) = ddl;
			}
		}
	}
}

/*
 * Change what depends on changed objects.  If a dependent prevents the change
 * of an object, stop and return that change, which is then unsupported.
 * Otherwise, return NULL.
 */
static CmigChange *
spread(CmigDifference *difference, const CmigDependents *dependents)
{
	List	   *queue = NIL;

	/* for each change: 0, or 1 + the action with which it was queued */
	char	   *queued = MemoryContextAllocExtended(CurrentMemoryContext, difference->count + 1,
													MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int i = 0; i < difference->from->count; i++)
	{
		CmigChange *change = difference->from->objects[i]->change;

		if (!cmig_change_drops(change) && !change->alter.disturbs)
			continue;
		queue = lappend(queue, change);
		queued[change - difference->changes] = 1 + change->action;
	}
	/* the queue grows during the loop */
	for (int i = 0; i < list_length(queue); i++)
	{
		CmigChange *change = list_nth(queue, i);
		bool		goes = cmig_change_drops(change);
		const int	end = dependents->start[change->from->index + 1];

		for (int j = dependents->start[change->from->index]; j < end; j++)
		{
			CmigChange *dependent = dependents->objects[j]->change;
			CmigChange *next = disturb(difference, change, dependent, goes);

			if (next == NULL && change->action == CMIG_UNSUPPORTED)
				return change;
			/* again, if what happens to it has changed */
			if (next == NULL || queued[next - difference->changes] == 1 + next->action)
				continue;
			queue = lappend(queue, next);
			queued[next - difference->changes] = 1 + next->action;
		}
	}
	return NULL;
}

/*
 * Find the dependents that must be altered or dropped temporarily, and their
 * dependents in turn.  A change is unsupported if a dependent prevents it, and
 * must then leave its dependents unchanged.  Since spread() may find out late
 * that a change is unsupported, it then starts again from the state before.
 */
void
cmig_propagate(CmigDifference *difference)
{
	CmigDependents dependents;
	CmigChange *before = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(CmigChange) * Max(difference->count, 1));
	CmigChange *refused;
	const CmigImage *image = difference->from;

	/*
	 * Set "dependents" to the dependents of each object in the image.
	 * Children count as dependents of their parent.  First count them, so
	 * that start[i] is the end of those of object i, and then fill the array
	 * backward.
	 */
	dependents.start = palloc0(sizeof(int) * (image->count + 1));
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		for (int j = 0; j < object->ndepends; j++)
			dependents.start[object->depends[j]->index]++;
		if (object->parent != NULL)
			dependents.start[object->parent->index]++;
	}
	for (int i = 1; i <= image->count; i++)
		dependents.start[i] += dependents.start[i - 1];
	dependents.objects = palloc(sizeof(CmigObject *) * Max(dependents.start[image->count], 1));
	for (int i = image->count - 1; i >= 0; i--)
	{
		CmigObject *object = image->objects[i];

		if (object->parent != NULL)
			dependents.objects[--dependents.start[object->parent->index]] = object;
		for (int j = object->ndepends - 1; j >= 0; j--)
			dependents.objects[--dependents.start[object->depends[j]->index]] = object;
	}
	cmig_replace_used(difference, &dependents);
	for (int i = 0; i < image->count; i++)
		refuse_range(&dependents, difference->from->objects[i]->change);
	if (!difference->options->models)
		find_positions(difference, false);
	copy_changes(before, difference->changes, difference->count);
	while ((refused = spread(difference, &dependents)) != NULL)
	{
		char	   *reason = refused->alter.unsupported;

		copy_changes(difference->changes, before, difference->count);
		refused = cmig_change_whole(refused);
		if (cmig_change_drops(refused))
			cmig_change_keep(refused, reason);
		else
			cmig_change_refuse(refused, reason);
		leave_attributes(refused->from);
		if (refused->to != NULL)
			leave_attributes(refused->to);
		copy_changes(before, difference->changes, difference->count);
	}
	if (!difference->options->models)
		find_positions(difference, true);
}

/* ----------------------------------------------------------------
 * Finds changes that are performed by another change's statement.
 *
 * For example, CREATE TABLE creates a table's columns and constraints, too,
 * and DROP TABLE drops them.  Their changes are then part of the change of
 * the table.  An object that is part of its parent's CREATE statement is folded.
 * A change that is part of another one, of an object that is not folded, is one
 * of those that the other one also drops.
 * ----------------------------------------------------------------
 */

/* Can the object be part of its parent's CREATE statement? */
static bool
may_fold(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_FOLDS) != 0 && !object->separate && !object->unfolded &&
		(object->kind->folds == NULL || object->kind->folds(object));
}

/*
 * A column that is inherited cannot change because the one above it cannot.  Returns
 * the change of the highest of these, or the column's own.
 */
static CmigChange *
refused_above(CmigChange *change)
{
	while (change->action == CMIG_UNSUPPORTED)
	{
		const CmigObject *object = cmig_change_object(change),
				   *above = object->kind == &cmig_kind_column && object->inherited ?
		cmig_column_parent(object) : NULL;

		if (above == NULL || above->change->action != CMIG_UNSUPPORTED ||
			(change->from != NULL && change->to != NULL &&
			 !cmig_column_stays_inherited(change->from, change->to)))
			break;
		change = above->change;
	}
	return change;
}

/*
 * Set the field "part_of" of a change and "folded" of its object, and add the
 * change to those that the other one also drops if necessary.  What the parent's
 * change is part of is already known, because parents come before their children in the
 * order of kinds.
 */
static void
find_whole(CmigChange *change)
{
	CmigObject *object = change->to ? change->to : change->from;
	CmigChange *parent;
	bool		folded;

	change->part_of = NULL;
	if (change->to)
		change->to->folded = false;
	if (change->from)
		change->from->folded = false;
	if (refused_above(change) != change)
		change->part_of = refused_above(change);
	if (object->parent == NULL || (!cmig_change_creates(change) && !cmig_change_drops(change)))
		return;
	parent = object->parent->change;
	folded = may_fold(object) && (change->from == NULL || may_fold(change->from));
	if (parent->action != change->action && !(parent->action == CMIG_AGAIN && may_fold(object)))
		return;
	if (folded)
	{
		if (change->to)
			change->to->folded = true;
		if (change->from)
			change->from->folded = true;
	}
	else if (change->action != CMIG_DROP || object->separate ||
			 !(object->kind->flags & CMIG_KIND_GONE_WITH_PARENT))
		return;
	change->part_of = parent->part_of ? parent->part_of : parent;
	if (!object->folded)
		change->part_of->also_drops = lappend(change->part_of->also_drops, change);
}

/*
 * Record that the DROP TYPE statement of a base type also drops the type's
 * functions and its definition, and that reverting the creation of the type
 * also drops the functions.
 */
static void
find_type_functions(CmigChange *change)
{
	const CmigObject *from = change->from &&
	change->from->kind == &cmig_kind_base_type ? change->from->child : NULL,
			   *to = change->to &&
	change->to->kind == &cmig_kind_base_type ? change->to->child : NULL;

	if (change->from && change->from->kind == &cmig_kind_base_type)
		change->also_drops = NIL;
	if (from != NULL && cmig_change_drops(change))
	{
		for (int i = 0; i <= from->ndepends; i++)
		{
			const CmigObject *object = i < from->ndepends ? from->depends[i] : from;
			CmigChange *dropped = object->change;

			if ((object != from && object->kind != &cmig_kind_function) ||
				!cmig_change_drops(dropped))
				continue;
			dropped->dropped_by = change;
			change->also_drops = lappend(change->also_drops, dropped);
		}
	}
	for (int i = 0; to != NULL && i < to->ndepends; i++)
		if (to->depends[i]->kind == &cmig_kind_function)
			to->depends[i]->change->undone_with_type = cmig_change_creates(change);
}

/*
 * Set the fields "part_of" and "also_drops" of all changes, and "folded" of
 * the changed objects.  Call this again after an object is excluded from its
 * parent's CREATE statement.
 */
void
cmig_parts_find(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
		difference->changes[i].also_drops = NIL;
	for (int i = 0; i < difference->count; i++)
		find_whole(&difference->changes[i]);
	for (int i = 0; i < difference->count; i++)
		find_type_functions(&difference->changes[i]);
	cmig_equivalents_sort(difference);
	cmig_serial_mark(difference);
}

/* ----------------------------------------------------------------
 * Makes the distributions of tables by Citus in two images comparable.
 *
 * Citus numbers the groups of co-located tables.  The numbers differ between
 * images, so a group is identified by one of its tables: the first one that is
 * distributed in both images, if there is one.
 * ----------------------------------------------------------------
 */

/* Is this the distribution of a table in a co-location group? */
static bool
has_group(const CmigObject *object)
{
	return object != NULL && object->kind == &cmig_kind_distribution &&
		object->values[CMIG_DISTRIBUTION_GROUP] != NULL &&
		strcmp(object->values[CMIG_DISTRIBUTION_METHOD], CMIG_DISTRIBUTED_OTHERWISE) != 0;
}

/*
 * Returns the distribution's counterpart in another image, if both belong to
 * co-location groups.  Otherwise returns NULL.
 */
static CmigObject *
counterpart(const CmigObject *object, const CmigImage *other)
{
	CmigObject *result = has_group(object) ?
	cmig_image_counterpart(other, object) : NULL;

	return has_group(result) ? result : NULL;
}

/*
 * For each table of the image that is in a co-location group, record which
 * table identifies the group.
 */
static void
set_colocated(const CmigImage *image, const CmigImage *other)
{
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i],
				   *first = NULL;
		bool		found = false;

		for (int j = 0; j < image->count && has_group(object) && !found; j++)
		{
			if (!has_group(image->objects[j]) ||
				strcmp(image->objects[j]->values[CMIG_DISTRIBUTION_GROUP],
					   object->values[CMIG_DISTRIBUTION_GROUP]) != 0)
				continue;
			found = counterpart(image->objects[j], other) != NULL;
			if (first == NULL || found)
				first = image->objects[j];
		}
		if (first == NULL)
			continue;
		cmig_object_set(object, CMIG_DISTRIBUTION_COLOCATED,
						first == object ? NULL : first->identity);
		if (first != object)
			cmig_object_follow(object, first);
	}
}

/*
 * Returns true if Citus chose the co-location group and the number of shards
 * of "object", and the number differs in the other image.  The number then
 * comes from the setting citus.shard_count, which may have changed since the
 * table was distributed.
 */
static bool
is_free(const CmigObject *object, const CmigObject *other)
{
	return object->values[CMIG_DISTRIBUTION_DEFAULT] != NULL &&
		object->values[CMIG_DISTRIBUTION_SHARDS] == NULL &&
		!cmig_text_same(object->values[CMIG_DISTRIBUTION_COUNT],
						other->values[CMIG_DISTRIBUTION_COUNT]);
}

/*
 * Set the properties of all distributions so that they can be compared.  Where
 * one image leaves a property to Citus, the other image's value is used.
 */
void
cmig_colocation_settle(const CmigImage *from, const CmigImage *to)
{
	set_colocated(from, to);
	set_colocated(to, from);
	for (int i = 0; i < from->count; i++)
	{
		CmigObject *old = from->objects[i],
				   *new = counterpart(old, to);
		bool		old_free,
					new_free;

		if (new == NULL)
			continue;
		old_free = is_free(old, new);
		new_free = is_free(new, old);
		if (new_free)
			cmig_object_set(new, CMIG_DISTRIBUTION_COLOCATED,
							old->values[CMIG_DISTRIBUTION_COLOCATED]);
		else if (old_free)
			cmig_object_set(old, CMIG_DISTRIBUTION_COLOCATED,
							new->values[CMIG_DISTRIBUTION_COLOCATED]);
		if (new->values[CMIG_DISTRIBUTION_SHARDS] == NULL ||
			(new->values[CMIG_DISTRIBUTION_COLOCATED] != NULL &&
			 cmig_text_same(old->values[CMIG_DISTRIBUTION_COLOCATED],
							new->values[CMIG_DISTRIBUTION_COLOCATED])))
			cmig_object_set(new, CMIG_DISTRIBUTION_SHARDS, old->values[CMIG_DISTRIBUTION_SHARDS]);
		else if (old->values[CMIG_DISTRIBUTION_SHARDS] == NULL)
			cmig_object_set(old, CMIG_DISTRIBUTION_SHARDS, new->values[CMIG_DISTRIBUTION_SHARDS]);
	}
}

/*
 * Re-create the foreign keys of tables that become distributed, because Citus
 * refuses to distribute tables one after the other while they reference each
 * other.
 */
void
cmig_colocation_renew_keys(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		const CmigObject *key = change->from ? change->to : NULL;

		if (key == NULL || key->kind != &cmig_kind_foreign_key ||
			(change->action != CMIG_NO_CHANGE && change->action != CMIG_ALTER))
			continue;
		for (int j = 0; j < key->ndepends; j++)
			if (key->depends[j]->kind == &cmig_kind_distribution &&
				key->depends[j]->change->action == CMIG_CREATE)
			{
				change->action = CMIG_AGAIN;
				change->alter.ddl = NIL;
			}
	}
}
