/*
 * family.c
 *	  Tables with children.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Preserves the properties of child tables and partitions when their parent
 * changes.
 *
 * PostgreSQL changes children together with their parent: DROP NOT NULL and NOT
 * VALID constraints, for example, affect all children of a table.  If a child
 * must stay different, the row that changes the parent also restores the
 * child's properties, in both directions.
 * ----------------------------------------------------------------
 */

/* Returns the partitioned table that the table is attached to, or NULL. */
static const CmigObject *
partitioned(const CmigImage *image, const CmigObject *table)
{
	const CmigObject *link = cmig_image_lookup(image, &cmig_kind_partition, table->identity);

	return link ? cmig_image_lookup(image, &cmig_kind_table, link->values[CMIG_PARTITION_OF]) : NULL;
}

/*
 * Returns the parent table's check constraint from which the object, a check
 * constraint with the same name, is inherited.  Returns NULL if there is none.
 */
static const CmigObject *
parent_check(const CmigImage *image, const CmigObject *object)
{
	const CmigObject *table = object->parent,
			   *whole = partitioned(image, table);
	const CmigObject *found = whole ? cmig_object_child(whole, &cmig_kind_constraint, object->name) : NULL;

	for (int i = 0; found == NULL && i < table->ndepends; i++)
		if (table->depends[i]->kind == table->kind)
			found = cmig_object_child(table->depends[i], &cmig_kind_constraint, object->name);
	return found;
}

static bool
is_check(const CmigObject *object)
{
	return object->kind == &cmig_kind_constraint && strncmp(object->values[CMIG_DEFINITION], "CHECK", 5) == 0;
}

/*
 * Returns the parent table's index or constraint from which the object is
 * inherited, or NULL if there is none.
 */
const CmigObject *
cmig_children_parent(const CmigImage *image, const CmigObject *object)
{
	if (!object->inherited)
		return NULL;
	return is_check(object) ? parent_check(image, object) : cmig_attached_parent(image, object);
}

/*
 * Is the changed object an index or constraint that is inherited both before
 * and after the change?  An example is a partition's index that stays attached
 * to the partitioned table's index.  Such an object cannot be changed
 * separately.
 */
bool
cmig_children_is_attached(const CmigChange *change)
{
	return change->from != NULL && change->to != NULL &&
		change->from->inherited && change->to->inherited && !change->to->alone &&
		(change->to->kind == &cmig_kind_index || change->to->kind == &cmig_kind_constraint);
}

/*
 * NOT NULL
 */

/* Is the column part of its table's own primary key? */
static bool
in_own_key(const CmigObject *column)
{
	const char *name = cmig_quote(column->name);

	for (const CmigObject *child = column->parent->child; child != NULL; child = child->sibling)
	{
		const char *text = child->kind == &cmig_kind_constraint ? child->values[CMIG_DEFINITION] : "";

		if (strncmp(text, "PRIMARY KEY (", 13) == 0 &&
			(strstr(text, psprintf("(%s)", name)) || strstr(text, psprintf("(%s, ", name)) ||
			 strstr(text, psprintf(", %s, ", name)) || strstr(text, psprintf(", %s)", name))))
			return true;
	}
	return false;
}

/* Does the column inherit from "from", directly or through other columns? */
static bool
inherits(const CmigObject *column, const CmigObject *from)
{
	while ((column = cmig_column_parent(column)) != NULL)
		if (column == from)
			return true;
	return false;
}

/*
 * Returns an ALTER TABLE ... DROP NOT NULL statement rewritten with ONLY,
 * followed by statements for the children whose column is nullable in the
 * image "after".
 */
static char *
only(const CmigDifference *difference, const CmigImage *after, const CmigObject *column, const char *statement)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE ONLY %s", statement + strlen("ALTER TABLE "));
	for (int i = 0; i < after->count; i++)
	{
		const CmigObject *other = after->objects[i];
		const CmigChange *change = other->change;

		if (other->kind == column->kind && change->from != NULL && change->to != NULL &&
			other->values[CMIG_COLUMN_NOT_NULL] == NULL && inherits(other, column))
			appendStringInfo(&sql, ";\nALTER TABLE ONLY %s ALTER COLUMN %s DROP NOT NULL",
							 other->parent->identity, cmig_quote(other->name));
	}
	return sql.data;
}

/*
 * If a column is NOT NULL both before and after the change, but the parent's
 * column is NOT NULL in only one image, keep the child's NOT NULL when the
 * parent's is dropped.  On a partitioned table, DROP NOT NULL always affects
 * the partitions, so their NOT NULL is set again.
 */
static void
keep_not_null(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *link = cmig_image_lookup(difference->to, &cmig_kind_partition, change->to->parent->identity);
	const CmigChange *links = link ? link->change : NULL;
	const CmigObject *old,
			   *new = change->to;

	if (change->from->values[CMIG_COLUMN_NOT_NULL] == NULL || new->values[CMIG_COLUMN_NOT_NULL] == NULL)
		return;
	while ((new = cmig_column_parent(new)) != NULL)
	{
		const CmigChange *parent = new->change;
		bool		ordinary;
		char	   *before = "",
				   *statement = psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
										 change->to->parent->identity, cmig_quote(change->to->name));

		old = parent->from;
		ordinary = old != NULL && new->parent->values[CMIG_TABLE_PARTITION_KEY] == NULL && parent->to != NULL;
		if (!ordinary && old != NULL && (old->values[CMIG_COLUMN_NOT_NULL] == NULL) == (new->values[CMIG_COLUMN_NOT_NULL] == NULL))
			continue;
		/* the columns of a primary key lose NOT NULL only while detached */
		if (links != NULL && links->action == CMIG_NO_CHANGE && in_own_key(change->from) && in_own_key(change->to))
		{
			const CmigDdl *again = linitial(link->kind->create(link));

			before = psprintf("%s;\n", again->undo);
			statement = again->sql;
		}
		foreach_ptr(CmigDdl, entry, parent->ddl)
		{
			bool		upgrade = strstr(entry->sql, " DROP NOT NULL") != NULL;
			char	  **text = upgrade ? &entry->sql : &entry->undo;

			if (strstr(*text, " DROP NOT NULL") == NULL)
				continue;
			if (!ordinary)
				*text = psprintf("%s%s;\n%s", before, *text, statement);

			/* restrict it to the tables whose columns become nullable */
			else if (strncmp(*text, "ALTER TABLE ", 12) == 0 && strncmp(*text, "ALTER TABLE ONLY ", 17) != 0)
				*text = only(difference, cmig_image_of(difference, !upgrade), upgrade ? parent->to : parent->from, *text);
		}
	}
}

/*
 * Storage and compression
 */

/*
 * Changing a column's type resets the storage and the compression in children,
 * and SET STORAGE affects them.  Make the last statement that changes the type,
 * in either direction, restore those of the columns that inherit from it.
 */
static void
keep_storage(const CmigDifference *difference, const CmigChange *change)
{
	List	   *ddl = change->action != CMIG_ALTER ? NIL : list_concat_copy(list_concat_copy(change->first, change->ddl), change->last);
	const char *start = psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE ", change->to->parent->identity, cmig_quote(change->to->name));

	for (int old = 0; old <= 1; old++)
	{
		const CmigImage *image = cmig_image_of(difference, old);
		const CmigObject *top = old ? change->from : change->to;
		char	  **last = NULL;

		foreach_ptr(CmigDdl, entry, ddl)
		{
			char	  **text = old ? &entry->undo : &entry->sql;

			if (*text != NULL && strncmp(*text, start, strlen(start)) == 0 && (!old || last == NULL))
				last = text;
		}
		for (int i = 0; last != NULL && i < image->count; i++)
		{
			const CmigObject *column = image->objects[i];
			const CmigChange *own = column->change;
			const char *again;

			if (column->kind != top->kind || own->from == NULL || own->to == NULL ||
				(own->action != CMIG_NO_CHANGE && own->action != CMIG_ALTER) || !inherits(column, top))
				continue;
			again = cmig_column_storage_again(column, top);
			if (again != NULL)
				*last = psprintf("%s;\n%s", *last, again);
		}
	}
}

/*
 * Columns
 */

/*
 * If a column stays although its parent's column is dropped, the column is
 * dropped with ONLY from the parent, and from the parent's parents.  Set the
 * fields "only" and "left" of these columns' changes, so that it is dropped by
 * separate statements from their other children.
 */
static void
keep_column(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *column = change->from;

	if (change->to->inherited || !column->inherited)
		return;
	while (column->inherited && (column = cmig_column_parent(column)) != NULL)
	{
		CmigChange *parent = column->change;

		if (parent->only || parent->to != NULL || column->parent->change->to == NULL)
			return;
		parent->only = true;
		for (int i = 0; i < difference->from->count; i++)
		{
			const CmigObject *child = difference->from->objects[i];
			const CmigObject *kept = difference->from->objects[i]->change->to;

			if (child->kind == column->kind && child->inherited && cmig_column_parent(child) == column &&
				(kept == NULL || kept->inherited) && child->parent->change->to != NULL)
				parent->left = lappend(parent->left, difference->from->objects[i]->change);
		}
	}
}

/*
 * Defaults
 */

/* Does the column stay, in a table whose parents stay? */
static bool
is_settled(const CmigDifference *difference, const CmigChange *column)
{
	const CmigChange *table = column->to->parent->change;
	const CmigObject *link = cmig_image_lookup(difference->to, &cmig_kind_partition, column->to->parent->identity);

	return column->from != NULL && (column->action == CMIG_NO_CHANGE || column->action == CMIG_ALTER) &&
		(table->action == CMIG_NO_CHANGE || table->action == CMIG_ALTER) && table->first == NIL && table->last == NIL &&
		(link == NULL || link->change->action == CMIG_NO_CHANGE);
}

/* Returns the change of the column's default, or NULL if there is none. */
static CmigChange *
default_change(const CmigChange *column)
{
	const CmigObject *from = cmig_object_child(column->from, &cmig_kind_default, NULL),
			   *to = cmig_object_child(column->to, &cmig_kind_default, NULL);
	CmigChange *change = to ? to->change : from ? from->change : NULL;

	return change != NULL && (change->action == CMIG_CREATE || change->action == CMIG_ALTER || change->action == CMIG_DROP) ?
		change : NULL;
}

/* Are both objects missing, or both defaults the same expression? */
static bool
same_default(const CmigObject *a, const CmigObject *b)
{
	return cmig_text_same(a ? a->values[0] : NULL, b ? b->values[0] : NULL);
}

/*
 * Do the defaults of all columns that inherit from the column change as
 * "value" does?  Children that are not compared count as different.  Appends
 * the changes to *others.
 */
static bool
reaches_same(const CmigDifference *difference, const CmigChange *column, const CmigChange *value, List **others)
{
	const char *count = column->to->values[CMIG_COLUMN_CHILDREN];
	int			children = count ? atoi(count) : 0;

	if (!cmig_text_same(count, column->from->values[CMIG_COLUMN_CHILDREN]))
		return false;
	for (int i = 0; i < difference->to->count && children > 0; i++)
	{
		const CmigObject *object = difference->to->objects[i];
		const CmigChange *child = difference->to->objects[i]->change;
		CmigChange *other;

		if (object->kind != column->to->kind || strcmp(object->name, column->to->name) != 0 || cmig_column_parent(object) != column->to)
			continue;
		if (!is_settled(difference, child) || cmig_column_parent(child->from) != column->from)
			return false;
		other = default_change(child);
		if (other == NULL || other->action != value->action ||
			!same_default(other->from, value->from) || !same_default(other->to, value->to) ||
			!reaches_same(difference, child, value, others))
			return false;
		*others = lappend(*others, other);
		children--;
	}
	return children == 0;
}

/*
 * If the defaults of all inheriting columns change in the same way, make one
 * statement change all of them.
 */
static void
spread_default(const CmigDifference *difference, const CmigChange *column)
{
	const CmigObject *parent = cmig_column_parent(column->to);
	CmigChange *value;
	List	   *others = NIL;

	if (column->from == NULL || column->to->values[CMIG_COLUMN_CHILDREN] == NULL)
		return;
	if (parent != NULL)
		spread_default(difference, parent->change);
	value = is_settled(difference, column) ? default_change(column) : NULL;
	if (value == NULL || !reaches_same(difference, column, value, &others))
		return;
	if (value->from != NULL)
		value->from->recurses = true;
	if (value->to != NULL)
		value->to->recurses = true;
	if (value->action == CMIG_ALTER)
	{
		CmigAlter	alter = {.from = value->from,.to = value->to};

		cmig_object_alter(&alter);
		value->ddl = alter.ddl;
	}
	foreach_ptr(CmigChange, other, others)
	{
		other->action = CMIG_NO_CHANGE;
		other->ddl = NIL;
	}
}

/*
 * NOT VALID constraints
 */

/*
 * Is the object an inherited check constraint that is added to its table
 * together with the parent's constraint, after CREATE TABLE?  CREATE TABLE
 * cannot contain a NOT VALID constraint.
 */
bool
cmig_children_added_later(const CmigImage *image, const CmigObject *object)
{
	const CmigObject *parent;

	if (!object->inherited || !is_check(object) || !cmig_is_not_valid(object->values[CMIG_DEFINITION]) || partitioned(image, object->parent) != NULL)
		return false;
	parent = parent_check(image, object);
	return parent != NULL && cmig_is_not_valid(parent->values[CMIG_DEFINITION]);
}

/* Is the object a copy of the constraint, directly or through other copies? */
static bool
descends(const CmigImage *image, const CmigObject *object, const CmigObject *constraint)
{
	if (object == constraint || object->kind != constraint->kind || strcmp(object->name, constraint->name) != 0)
		return false;
	while ((object = parent_check(image, object)) != NULL)
		if (object == constraint)
			return true;
	return false;
}

/*
 * For a NOT VALID constraint, returns the statements (a list of char *) that
 * validate the copies of the constraint in children, except copies that are
 * NOT VALID, or that are created or dropped by separate statements because their
 * partition is attached or detached.
 */
List *
cmig_children_validate(const CmigImage *image, const CmigObject *constraint)
{
	List	   *statements = NIL;

	if (constraint->kind != &cmig_kind_constraint || !cmig_is_not_valid(constraint->values[CMIG_DEFINITION]))
		return NIL;
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];
		const CmigChange *change = object->change;

		if (object->alone || !descends(image, object, constraint) || cmig_is_not_valid(object->values[CMIG_DEFINITION]) ||
			((cmig_change_creates(change) || cmig_change_drops(change)) && partitioned(image, object->parent) != NULL))
			continue;
		statements = lappend(statements, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
												  object->parent->identity, cmig_quote(object->name)));
	}
	return statements;
}

/* Returns the list without the statements that validate the constraint. */
static List *
without_validation(List *ddl)
{
	List	   *others = NIL;

	foreach_ptr(CmigDdl, entry, ddl)
	{
		if (strstr(entry->sql, " VALIDATE CONSTRAINT ") == NULL)
			others = lappend(others, entry);
	}
	return others;
}

/*
 * If an inherited check constraint is validated or becomes NOT VALID, decide
 * which statements do this.  If the parent's constraint changes in the same
 * way, the child's constraint needs no statement, because it changes along
 * with the parent's.
 */
static void
keep_validity(const CmigDifference *difference, CmigChange *change)
{
	const CmigObject *parent = parent_check(difference->to, change->to);
	const CmigChange *parents = parent ? parent->change : NULL;
	const bool	validates = cmig_is_not_valid(change->from->values[CMIG_DEFINITION]);
	const CmigImage *image = cmig_image_of(difference, validates);
	const CmigObject *constraint = validates ? change->from : change->to;
	char	   *validate;
	StringInfoData again;

	if (validates == cmig_is_not_valid(change->to->values[CMIG_DEFINITION]) || parents == NULL || parents->from == NULL ||
		!change->from->inherited || !change->to->inherited)
		return;
	change->ddl = without_validation(change->ddl);
	if (cmig_is_not_valid(parents->from->values[CMIG_DEFINITION]) != cmig_is_not_valid(parents->to->values[CMIG_DEFINITION]))
	{
		change->action = change->ddl == NIL ? CMIG_NO_CHANGE : CMIG_ALTER;
		return;
	}

	/*
	 * The parent's constraint does not change, so validate only the child's,
	 * or make it NOT VALID: re-create the topmost constraint from which it is
	 * inherited, which also re-creates its copies in children, validate those
	 * that are valid in the image, and restore the comments.
	 */
	while (parent_check(image, constraint) != NULL)
		constraint = parent_check(image, constraint);
	initStringInfo(&again);
	appendStringInfo(&again, "ALTER TABLE %s DROP CONSTRAINT %s, ADD ",
					 constraint->parent->identity, cmig_quote(constraint->name));
	cmig_constraint_definition(&again, constraint);
	foreach_ptr(char, each, cmig_children_validate(image, constraint))
		appendStringInfo(&again, ";\n%s", each);
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *object = image->objects[i];

		if (object->comment != NULL && (object == constraint || descends(image, object, constraint)))
			appendStringInfo(&again, ";\nCOMMENT ON %s IS %s", cmig_kind_reference(object), cmig_literal(object->comment));
	}
	validate = psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
						change->to->parent->identity, cmig_quote(change->to->name));
	change->ddl = cmig_ddl_append(change->ddl, validates ? validate : again.data, validates ? again.data : validate);
	cmig_ddl_hazards(change->ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
	change->action = CMIG_ALTER;
}

/*
 * Add statements to the parents' changes that preserve the properties of their
 * children.
 */
void
cmig_children_keep(CmigDifference *difference)
{
	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigObject *object = difference->from->objects[i];
		CmigObject *parent;

		/*
		 * If the object is inherited from a parent table's NOT VALID
		 * constraint, set "apart" for the parent's constraint.  That
		 * constraint is then dropped before the child tables, so that the
		 * downgrade creates it after them.
		 */
		if (object->inherited && is_check(object) &&
			partitioned(difference->from, object->parent) == NULL)
		{
			parent = unconstify(CmigObject *, parent_check(difference->from, object));
			if (parent != NULL && cmig_is_not_valid(parent->values[CMIG_DEFINITION]))
				parent->apart = true;
		}
	}
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->to != NULL && change->to->kind == &cmig_kind_column)
			spread_default(difference, change);
		if (change->from == NULL || change->to == NULL ||
			(change->action != CMIG_NO_CHANGE && change->action != CMIG_ALTER))
			continue;
		if (change->to->kind == &cmig_kind_column)
		{
			keep_not_null(difference, change);
			keep_storage(difference, change);
			keep_column(difference, change);
		}
		else if (is_check(change->to) && is_check(change->from))
		{
			keep_validity(difference, change);

			/*
			 * make the undo of VALIDATE CONSTRAINT, which re-creates the
			 * constraint as NOT VALID, also validate those copies in children
			 * that were valid before
			 */
			foreach_ptr(CmigDdl, entry, change->action == CMIG_ALTER && !change->from->inherited ? change->ddl : NIL)
			{
				if (strstr(entry->sql, " VALIDATE CONSTRAINT ") == NULL)
					continue;
				foreach_ptr(char, name, cmig_children_validate(difference->from, change->from))
					entry->undo = psprintf("%s;\n%s", entry->undo, name);
			}
		}
	}
}

/* ----------------------------------------------------------------
 * Excludes from a difference the partitioned tables whose partition key
 * cannot be changed, and their partitions, and parent tables with a column
 * whose type cannot be changed.
 * ----------------------------------------------------------------
 */

/* Returns the name of the table at the top of the partition tree. */
static const char *
root_of(const CmigImage *image, const CmigObject *table)
{
	const char *name = table->identity;
	const CmigObject *link;

	while ((link = cmig_image_lookup(image, &cmig_kind_partition, name)) != NULL)
		name = link->values[CMIG_PARTITION_OF];
	return name;
}

static bool
is_table(const CmigObject *object)
{
	return object != NULL && (object->kind == &cmig_kind_table || object->kind == &cmig_kind_foreign_table);
}

/* Does the object belong to a table whose partition tree has a root in "roots"? */
static bool
is_in_family(const CmigImage *image, CmigObject *object, const List *roots)
{
	const CmigObject *table = object ? cmig_object_root(object) : NULL;

	return is_table(table) && cmig_text_list_has(roots, root_of(image, table));
}

/*
 * "column" is inherited from other columns, directly or indirectly.  Append to
 * "tops" those of them that are not inherited themselves.
 */
static List *
find_tops(List *tops, const CmigObject *column)
{
	const CmigObject *table = column->parent;
	bool		found = false;

	for (int i = 0; i < table->ndepends; i++)
	{
		const CmigObject *on = table->depends[i]->kind == table->kind ? cmig_object_child(table->depends[i], &cmig_kind_column, column->name) : NULL;

		if (on == NULL)
			continue;
		tops = find_tops(tops, on);
		found = true;
	}
	return found ? tops : list_append_unique_ptr(tops, unconstify(CmigObject *, column));
}

/*
 * "object" is a column, or a type or part of a type that the column "user"
 * contains values of.  For each table and type of which the object contains
 * values, set its element in "users", unless that is set already.
 */
static void
find_users(const CmigObject *object, const CmigObject *user, const CmigObject **users)
{
	for (int i = 0; i < object->ndepends; i++)
	{
		const CmigObject *on = object->depends[i];

		if (users[on->index] != NULL || on == user->parent || (on->kind != &cmig_kind_table && !(on->kind->flags & CMIG_KIND_TYPE)))
			continue;
		users[on->index] = user;
		find_users(on, user, users);
		for (const CmigObject *child = on->child; child != NULL; child = child->sibling)
			find_users(child, user, users);
	}
}

/*
 * PostgreSQL cannot change the type of a column that a table inherits from
 * several tables, or of a table's column if another column contains values of
 * the table's row type.  If the change affects such a column, mark as
 * unsupported the changes of the columns from which it is inherited.  See
 * find_users() for "users".
 */
static void
refuse_retyped(const CmigChange *change, const CmigObject **users)
{
	const CmigObject *column = change->from;
	const CmigObject *user;
	List	   *tops;

	if (column == NULL || change->to == NULL || column->kind != &cmig_kind_column || !change->disturbs)
		return;
	user = users[column->parent->index];
	tops = find_tops(NIL, column);
	if (user == NULL && (list_length(tops) < 2 || list_length(find_tops(NIL, change->to)) < 2))
		return;
	foreach_ptr(CmigObject, other, tops)
	{
		CmigChange *top = other->change;

		if (top->action != CMIG_ALTER || !top->disturbs)
			continue;
		cmig_change_refuse(top, user == NULL ?
						   psprintf("its type cannot be changed because %s inherits it from several tables", column->parent->identity) :
						   psprintf("its type cannot be changed because %s %s uses the row type of %s",
									user->kind->name, user->identity, column->parent->identity));
	}
}

/*
 * If a partition key column cannot be changed, mark the change of the
 * partitioned table as unsupported, and discard all other changes of the table
 * and its partitions.  Do the same for a table with a column whose type cannot
 * be changed, because another table inherits the column from several tables.
 */
void
cmig_family_exclude(CmigDifference *difference)
{
	const CmigObject **users = palloc0(sizeof(CmigObject *) * Max(difference->from->count, 1));
	List	   *reasons = NIL;
	List	   *roots = NIL;	/* names of tables */
	ListCell   *cell,
			   *reason;

	for (int i = 0; i < difference->from->count; i++)
	{
		const CmigObject *user = difference->from->objects[i];
		bool		uses = user->kind == &cmig_kind_column;

		/* or a materialized view with a column of a table's row type */
		for (int j = 0; j < user->kind->nproperties && user->kind == &cmig_kind_materialized_view; j++)
			uses |= user->values[j] != NULL && strstr(user->values[j], ".*::") != NULL;
		if (uses && difference->from->objects[i]->change->to != NULL)
			find_users(user, user, users);
	}
	for (int i = 0; i < difference->count; i++)
		refuse_retyped(&difference->changes[i], users);
	pfree(users);
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const char *root;

		if (change->action != CMIG_UNSUPPORTED || change->to == NULL || change->to->kind != &cmig_kind_column)
			continue;
		root = root_of(difference->to, change->to->parent);
		if (cmig_text_list_has(roots, root))
			continue;
		roots = lappend(roots, unconstify(char *, root));
		reasons = lappend(reasons, psprintf("%s: %s; the table and its partitions are left unchanged",
											cmig_quote(change->to->name), change->reason));
	}
	for (int i = 0; i < difference->count && roots != NIL; i++)
	{
		CmigChange *change = &difference->changes[i];

		/* keep the change that reports why a table cannot be changed */
		if ((change->action == CMIG_UNSUPPORTED && is_table(change->to)) ||
			!(is_in_family(difference->from, change->from, roots) || is_in_family(difference->to, change->to, roots)))
			continue;
		cmig_change_refuse(change, NULL);
		change->action = CMIG_NO_CHANGE;
	}
	forboth(cell, roots, reason, reasons)
	{
		const CmigObject *table = cmig_image_lookup(difference->to, &cmig_kind_table, lfirst(cell));
		CmigChange *change = table ? table->change : NULL;

		if (change != NULL && change->action != CMIG_UNSUPPORTED)
			cmig_change_refuse(change, lfirst(reason));
	}
}
