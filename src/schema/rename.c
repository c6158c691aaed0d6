/*
 * rename.c
 *	  Renames, given and guessed.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kinds.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Computes the renames of objects that have a different name in the
 * target.
 *
 * This module finds the rename statements; hazard.c applies them.
 * ----------------------------------------------------------------
 */

/*
 * A keyword with which a rename begins, and the kinds of objects for which it
 * can be used.
 */
typedef struct Word
{
	const char *word;
	CmigRenameRank rank;
	int			parts;			/* number of parts of the name */
	const CmigKind *kinds[4];
} Word;

static const Word words[] = {
	{"schema", CMIG_RENAME_SCHEMA, 1, {&cmig_kind_schema}},
	{"table", CMIG_RENAME_OBJECT, 2, {&cmig_kind_table}},
	{"view", CMIG_RENAME_OBJECT, 2, {&cmig_kind_view}},
	{"materialized view", CMIG_RENAME_OBJECT, 2, {&cmig_kind_materialized_view}},
	{"index", CMIG_RENAME_OBJECT, 2, {&cmig_kind_index}},
	{"sequence", CMIG_RENAME_OBJECT, 2, {&cmig_kind_sequence}},
	{"type", CMIG_RENAME_OBJECT, 2, {&cmig_kind_enum, &cmig_kind_composite, &cmig_kind_domain}},
	{"enum", CMIG_RENAME_OBJECT, 2, {&cmig_kind_enum}},
	{"domain", CMIG_RENAME_OBJECT, 2, {&cmig_kind_domain}},
	{"function", CMIG_RENAME_PART, 2, {&cmig_kind_function}},
	{"procedure", CMIG_RENAME_PART, 2, {&cmig_kind_function}},
	{"column", CMIG_RENAME_PART, 3, {&cmig_kind_column}},
	{"constraint", CMIG_RENAME_PART, 3, {&cmig_kind_constraint, &cmig_kind_foreign_key}},
	{"foreign key", CMIG_RENAME_PART, 3, {&cmig_kind_foreign_key}},
};

/*
 * Names
 */

static bool
is_constraint(const CmigObject *object)
{
	return object->kind == &cmig_kind_constraint || object->kind == &cmig_kind_foreign_key;
}

/* Returns the offset of an object's own name in its identity. */
static size_t
rename_name_offset(const CmigObject *object)
{
	size_t		length = strlen(cmig_quote(object->name));
	const char *found;

	if (is_constraint(object) || object->kind == &cmig_kind_schema)
		return 0;
	if (object->kind != &cmig_kind_function)
		return strlen(object->identity) - length;
	found = strstr(object->identity, psprintf(".%s(", cmig_quote(object->name)));
	return found ? found + 1 - object->identity : 0;
}

/* Returns the object's identity with a different name. */
static char *
identity_with(const CmigObject *object, const char *name)
{
	size_t		offset = rename_name_offset(object);

	return psprintf("%s%s%s", pnstrdup(object->identity, offset), cmig_quote(name),
					object->identity + offset + strlen(cmig_quote(object->name)));
}

/*
 * Returns the statement that renames the object.  "identity" is the object's
 * identity before the rename.
 */
static char *
rename_sql(const CmigObject *object, const char *identity, const char *from, const char *to)
{
	CmigObject	renamed = *object;

	if (object->kind == &cmig_kind_column)
		return psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", object->parent->identity,
						cmig_quote(from), cmig_quote(to));
	if (object->kind == &cmig_kind_constraint && cmig_index_parent(object) != NULL)
		return psprintf("ALTER INDEX %s%s RENAME TO %s",
						pnstrdup(object->parent->identity, strlen(object->parent->identity) - strlen(cmig_quote(object->parent->name))),
						cmig_quote(from), cmig_quote(to));
	if (is_constraint(object))
		return psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", object->parent->identity,
						cmig_quote(from), cmig_quote(to));
	if (object->kind == &cmig_kind_function)
		return psprintf("ALTER ROUTINE %s RENAME TO %s", identity, cmig_quote(to));
	renamed.identity = unconstify(char *, identity);
	renamed.name = unconstify(char *, from);
	return psprintf("ALTER %s RENAME TO %s", cmig_kind_reference(&renamed), cmig_quote(to));
}

/*
 * Reading the caller's renames
 */

static void
report_syntax(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid rename \"%s\"", text),
			 errhint("Write the kind, the qualified name, an arrow, and the new name: 'table public.a -> b', 'column public.a.x -> y'.")));
}

/*
 * Returns the keyword with which a rename begins, or NULL if there is none.
 * Sets *rest to the text after it.
 */
static const Word *
find_word(const char *text, const char **rest)
{
	for (int i = 0; i < lengthof(words); i++)
	{
		size_t		length = strlen(words[i].word);

		if (pg_strncasecmp(text, words[i].word, length) == 0 && text[length] == ' ')
		{
			*rest = text + length + 1;
			return &words[i];
		}
	}
	return NULL;
}

/*
 * Does the object have the name whose parts are "names"?  If "arguments" is
 * not NULL, a function's argument types must also match.
 */
static bool
has_name(const CmigObject *object, const List *names, const char *arguments)
{
	const CmigObject *table = object->parent;
	const char *schema = linitial(names);
	size_t		length;

	if (strcmp(object->name, llast(names)) != 0)
		return false;
	if (list_length(names) == 1)
		return true;
	if (list_length(names) == 3)
		return table != NULL && strcmp(table->name, lsecond(names)) == 0 &&
			strcmp(table->identity, psprintf("%s.%s", pstrdup(cmig_quote(schema)), cmig_quote(lsecond(names)))) == 0;
	schema = pstrdup(cmig_quote(schema));
	length = strlen(schema);
	if (strncmp(object->identity, schema, length) != 0 || object->identity[length] != '.' ||
		rename_name_offset(object) != length + 1)
		return false;
	return arguments == NULL || strcmp(strchr(object->identity + length, '('), arguments) == 0;
}

static CmigObject *
find_object(const CmigImage *image, const Word *word, const List *names, const char *arguments)
{
	for (int i = 0; i < image->count; i++)
		for (int j = 0; j < lengthof(word->kinds) && word->kinds[j] != NULL; j++)
			if (image->objects[i]->kind == word->kinds[j] && has_name(image->objects[i], names, arguments))
				return image->objects[i];
	return NULL;
}

/*
 * "names" consists of a schema, a table, and an object of the table.  If a
 * rename gives a table this name, returns a copy of "names" that contains the
 * table's current name.  Otherwise returns NULL.
 */
static List *
old_table_names(const CmigImage *image, const List *names, const List *renames)
{
	ListCell   *cell;

	foreach(cell, renames)
	{
		const CmigRename *rename = lfirst(cell);
		const CmigObject *table = cmig_image_find_exactly(image, rename->address);

		if (table != NULL && table->kind == &cmig_kind_table && strcmp(rename->name, lsecond(names)) == 0)
			return list_make3(linitial(names), table->name, lthird(names));
	}
	return NULL;
}

/*
 * Returns the object that a rename refers to, or NULL if it does not exist.
 * The rename may contain the old or the new name of the object's table.
 */
static CmigObject *
find_old(const CmigImage *image, const Word *word, const List *names, const char *arguments,
		 const List *renames, bool is_comment)
{
	const List *others = list_length(names) == 3 ? old_table_names(image, names, renames) : NIL;
	CmigObject *object = NULL;

	if (is_comment && others != NIL)
		return find_object(image, word, others, arguments);
	object = find_object(image, word, names, arguments);
	if (object == NULL && others != NIL)
		object = find_object(image, word, others, arguments);
	return object;
}

List *
cmig_rename_add(List *renames, const CmigImage *from, const char *text, bool is_comment, const CmigRenameNames *parser)
{
	const char *rest;
	const Word *word = find_word(text, &rest);
	const char *arrow = word ? strstr(rest, " -> ") : NULL;
	char	   *old,
			   *arguments;
	List	   *names,
			   *new;
	CmigObject *object;
	CmigRename *rename;

	if (arrow == NULL)
		report_syntax(text);
	old = pnstrdup(rest, arrow - rest);
	arguments = word->kinds[0] == &cmig_kind_function ? strchr(old, '(') : NULL;
	if (arguments != NULL)
	{
		arguments = pstrdup(arguments);
		*strchr(old, '(') = '\0';
	}
	names = parser->parse(old);
	new = parser->parse(arrow + 4);
	if (list_length(names) != word->parts || (list_length(new) != 1 && list_length(new) != word->parts))
		report_syntax(text);
	for (int i = 0; i < list_length(new) - 1 && word->parts == 2; i++)
		if (strcmp(list_nth(new, i), list_nth(names, i)) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("rename \"%s\" must not change the schema", text)));
	object = find_old(from, word, names, arguments, renames, is_comment);
	if (object == NULL && is_comment)
		return renames;
	if (object == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("rename \"%s\": %s %s does not exist", text, word->word, pnstrdup(rest, arrow - rest))));
	rename = palloc0(sizeof(CmigRename));
	rename->text = text;
	rename->is_comment = is_comment;
	rename->rank = word->rank;
	rename->address = object->address;
	rename->name = llast(new);
	return lappend(renames, rename);
}

/* Would the objects conflict if they had the same name? */
static bool
share_names(const CmigObject *a, const CmigObject *b)
{
	const int	flags = CMIG_KIND_RELATION | CMIG_KIND_TYPE;

	if (is_constraint(a) && is_constraint(b))
		return a->parent == b->parent;
	return a->kind == b->kind || ((a->kind->flags & flags) & (b->kind->flags & flags)) != 0;
}

/*
 * Returns the qualified name that the object's relation (the object itself
 * or its index) would have if the object were called "name".  Returns NULL if
 * the object has no relation.
 */
static const char *
relation_with(const CmigObject *object, const char *name)
{
	const CmigObject *table = object->parent;

	if ((object->kind->flags & CMIG_KIND_RELATION) != 0)
		return name == object->name ? object->identity : identity_with(object, name);
	if (object->kind != &cmig_kind_constraint || object->kind->index_name(object) == NULL)
		return NULL;
	if (name == object->name)
		return object->kind->index_name(object);
	return psprintf("%s%s", pnstrdup(table->identity, strlen(table->identity) - strlen(cmig_quote(table->name))),
					cmig_quote(name));
}

/*
 * Would the objects conflict if "object" were called "name", and "other" were
 * called "others"?
 */
static bool
collides(const CmigObject *object, const char *name, const CmigObject *other, const char *others)
{
	const char *relation = relation_with(object, name),
			   *second = relation ? relation_with(other, others) : NULL;

	if (object == other)
		return false;
	if (second != NULL && strcmp(relation, second) == 0)
		return true;
	return share_names(object, other) &&
		strcmp(identity_with(object, name), others == other->name ? other->identity : identity_with(other, others)) == 0;
}

/*
 * Returns the object that would conflict with "object" if "object" were called
 * "name".  Returns NULL if there is none.
 */
static CmigObject *
find_holder(const CmigImage *image, const CmigObject *object, const char *name)
{
	for (int i = 0; i < image->count; i++)
		if (collides(object, name, image->objects[i], image->objects[i]->name))
			return image->objects[i];
	return NULL;
}

/* Add the rename of an object to the list. */
static List *
add_step(List *steps, CmigObject *object, const char *from, const char *to)
{
	CmigRenameStep *step = palloc0(sizeof(CmigRenameStep));
	char	   *before = identity_with(object, from);

	step->object = object;
	step->name = pstrdup(to);
	step->identity = identity_with(object, to);
	step->sql = rename_sql(object, before, from, to);
	step->undo = rename_sql(object, step->identity, to, from);
	return lappend(steps, step);
}

/* A rename, and whether its statement has been generated. */
typedef struct Pending
{
	CmigObject *object;
	const CmigRename *rename;
	char	   *current;		/* the object's current name */
	bool		done;
} Pending;

/*
 * Must the rename of "object" to "name" wait until another object is renamed,
 * because the current name of that object conflicts with "name"?
 */
static bool
is_waited_for(const Pending *pending, int count, const CmigObject *object, const char *name)
{
	for (int i = 0; i < count; i++)
		if (!pending[i].done && collides(object, name, pending[i].object, pending[i].current))
			return true;
	return false;
}

static bool
is_pending(const Pending *pending, int count, const CmigObject *object)
{
	for (int i = 0; i < count; i++)
		if (pending[i].object == object)
			return true;
	return false;
}

/* Is the rename of the object already in "pending"? */
static bool
is_listed(const Pending *pending, int count, const CmigObject *object, const char *name)
{
	for (int i = 0; i < count; i++)
		if (pending[i].object == object && strcmp(pending[i].rename->name, name) == 0)
			return true;
	return false;
}

/*
 * Add a step for the next rename that is possible.  If only cycles are left,
 * the step gives an object a temporary name.  Returns false if nothing is left
 * to do.
 */
static bool
next_step(const CmigImage *image, Pending *pending, int count, List **steps)
{
	Pending    *waits = NULL;

	for (int i = 0; i < count; i++)
	{
		Pending    *one = &pending[i];

		if (one->done)
			continue;
		waits = one;
		if (is_waited_for(pending, count, one->object, one->rename->name))
			continue;
		*steps = add_step(*steps, one->object, one->current, one->rename->name);
		one->done = true;
		return true;
	}
	if (waits == NULL)
		return false;

	/*
	 * the remaining renames form a cycle, so give an object a temporary name
	 */
	for (int i = 0;; i++)
	{
		char	   *name = psprintf("cmig_swap_%d", i);

		if (find_holder(image, waits->object, name) != NULL)
			continue;
		*steps = add_step(*steps, waits->object, waits->current, name);
		waits->current = name;
		return true;
	}
}

List *
cmig_rename_steps(const CmigImage *image, const List *renames, CmigRenameRank rank)
{
	Pending    *pending = palloc(sizeof(Pending) * (list_length(renames) + 1));
	int			count;
	List	   *steps = NIL;
	ListCell   *cell;

	/* store in "pending" the renames of the given rank that change a name */
	count = 0;
	foreach(cell, renames)
	{
		const CmigRename *rename = lfirst(cell);
		CmigObject *object = rename->rank == rank ? cmig_image_find_exactly(image, rename->address) : NULL;

		if (object != NULL && strcmp(object->name, rename->name) != 0 &&
			!is_listed(pending, count, object, rename->name))
			pending[count++] = (Pending)
		{
			object, rename, object->name, false
		};
	}

	/*
	 * raise an error if two renames are for the same object, or give the same
	 * name to two objects
	 */
	for (int i = 0; i < count; i++)
		for (int j = 0; j < i; j++)
		{
			const Pending *a = &pending[j],
					   *b = &pending[i];

			if (a->object != b->object &&
				(strcmp(a->rename->name, b->rename->name) != 0 ||
				 !collides(a->object, a->rename->name, b->object, b->rename->name)))
				continue;
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 a->object == b->object ? errmsg("%s %s is renamed twice", a->object->kind->name, a->object->identity) :
					 errmsg("two renames result in the same name"),
					 errdetail("The renames are \"%s\" and \"%s\".", a->rename->text, b->rename->text)));
		}
	for (int i = 0; i < count; i++)
	{
		CmigObject *holder = find_holder(image, pending[i].object, pending[i].rename->name);

		if (holder != NULL && !is_pending(pending, count, holder))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("rename \"%s\": %s %s already exists", pending[i].rename->text,
							holder->kind->name, holder->identity),
					 errhint("Rename that object, too, or drop it first.")));
	}
	while (next_step(image, pending, count, &steps))
		;
	return steps;
}

/* Names derived from other names */

/* Are the objects the same except for their names? */
static bool
same_but_name(const CmigObject *from, const CmigObject *to)
{
	if (from->kind != to->kind || (from->parent == NULL) != (to->parent == NULL) ||
		(from->parent != NULL && strcmp(from->parent->identity, to->parent->identity) != 0))
		return false;
	for (int i = 0; i < from->kind->nproperties; i++)
		if (!cmig_kind_same_value(&from->kind->properties[i], cmig_attached_nameless(from, from->values[i]),
								  cmig_attached_nameless(to, to->values[i])))
			return false;
	return true;
}

/* Has the table, or one of its children, been renamed? */
static bool
is_touched(const CmigImage *from, const CmigObject *table, const List *renames)
{
	ListCell   *cell;

	foreach(cell, renames)
	{
		const CmigObject *object = cmig_image_find_exactly(from, ((CmigRename *) lfirst(cell))->address);

		if (object != NULL && (object == table || object->parent == table))
			return true;
	}
	return false;
}

/* Returns the table that the object belongs to, or NULL. */
static const CmigObject *
table_of(const CmigImage *image, const CmigObject *object)
{
	if (object->kind != &cmig_kind_sequence)
		return object->parent;

	/*
	 * in the image, OWNED BY is a child of the sequence and depends on the
	 * column
	 */
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		for (int i = 0; i < child->ndepends; i++)
			if (child->depends[i]->kind == &cmig_kind_column)
				return child->depends[i]->parent;
	return NULL;
}

/*
 * Can the object's default name be derived from the name of its table, so that
 * it may follow a rename of the table?
 */
static bool
may_follow(const CmigObject *object)
{
	return is_constraint(object) || object->kind == &cmig_kind_index || object->kind == &cmig_kind_sequence;
}

/*
 * Returns the only object in the target that may be this object under another
 * name, or NULL if there is none or more than one.
 */
static const CmigObject *
find_derived(const CmigImage *from, const CmigImage *to, const CmigObject *object, const CmigObject *table)
{
	const CmigObject *found = NULL;

	for (int i = 0; i < to->count; i++)
	{
		const CmigObject *other = to->objects[i];
		const CmigObject *other_table;

		if (other->kind != object->kind || cmig_image_lookup(from, other->kind, other->identity) != NULL ||
			!same_but_name(object, other))
			continue;
		other_table = table_of(to, other);
		if (other_table == NULL || strcmp(other_table->identity, table->identity) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = other;
	}
	return found;
}

List *
cmig_rename_derived(const CmigImage *from, const CmigImage *to, const List *renames)
{
	List	   *result = NIL;

	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *object = from->objects[i];
		const CmigObject *table = may_follow(object) ? table_of(from, object) : NULL;
		const CmigObject *other;
		CmigRename *rename;

		if (table == NULL || cmig_image_lookup(to, object->kind, object->identity) != NULL ||
			!is_touched(from, table, renames))
			continue;
		other = find_derived(from, to, object, table);
		if (other == NULL)
			continue;
		rename = palloc0(sizeof(CmigRename));
		rename->text = object->identity;
		rename->rank = is_constraint(object) ? CMIG_RENAME_PART : CMIG_RENAME_OBJECT;
		rename->address = object->address;
		rename->name = other->name;
		result = lappend(result, rename);
	}
	return result;
}

static CmigRename *
attached_rename(const CmigObject *object, const char *name)
{
	CmigRename *rename = palloc0(sizeof(CmigRename));

	rename->text = object->identity;
	rename->rank = CMIG_RENAME_PART;
	rename->address = object->address;
	rename->name = unconstify(char *, name);
	return rename;
}

/* Does the list of CmigAttachedName contain a rename of this object? */
static bool
is_renamed(const List *names, const CmigObject *object)
{
	ListCell   *cell;

	foreach(cell, names)
		if (((CmigAttachedName *) lfirst(cell))->from == object)
		return true;
	return false;
}

/*
 * Remove, from a list of CmigAttachedName, the renames whose new name belongs
 * to another object in the image.  A rename stays in the list if the other
 * object is also renamed, or if it has an index, because that index can be
 * given another name.
 */
static List *
without_taken(const CmigImage *from, List *names)
{
	int			count;

	do
	{
		ListCell   *cell;

		count = list_length(names);
		foreach(cell, names)
		{
			const CmigAttachedName *name = lfirst(cell);
			const CmigObject *holder = find_holder(from, name->from, name->to->name);

			if (holder != NULL &&
				!(holder->kind == &cmig_kind_index ||
				  (holder->kind == &cmig_kind_constraint &&
				   holder->kind->index_name(holder) != NULL)) && !is_renamed(names, holder))
				names = foreach_delete_current(names, cell);
		}
	} while (list_length(names) != count);
	return names;
}

/*
 * Returns a temporary name under which the object conflicts with no object in
 * either image.  "number" points to the next number to try.
 */
static char *
free_name(const CmigImage *from, const CmigImage *to, const CmigObject *object, int *number)
{
	char	   *name;

	do
		name = psprintf("cmig_old_%d", (*number)++);
	while (find_holder(from, object, name) != NULL || find_holder(to, object, name) != NULL);
	return name;
}

List *
cmig_rename_attached(const CmigImage *from, const CmigImage *to)
{
	List	   *names = without_taken(from, cmig_attached_names(from, to));
	List	   *result = NIL;
	ListCell   *cell;
	int			number = 0;

	foreach(cell, names)
	{
		const CmigAttachedName *name = lfirst(cell);
		const CmigObject *holder = find_holder(from, name->from, name->to->name);

		result = lappend(result, attached_rename(name->from, name->to->name));

		/*
		 * if another index has the new name and is not renamed, give that
		 * index a name that neither image uses
		 */
		if (holder != NULL && !is_renamed(names, holder))
			result = lappend(result, attached_rename(holder, free_name(from, to, holder, &number)));
	}
	return result;
}

/* ----------------------------------------------------------------
 * Finds changes that look like renames: an object is dropped, and a
 * similar one is created under another name.
 *
 * 	  Finds changes that look like renames.
 * ----------------------------------------------------------------
 */

/* Returns a table's column names and types as text. */
static char *
signature(const CmigObject *table)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column)
			appendStringInfo(&buf, "%s %s,", cmig_quote(child->name), child->values[CMIG_COLUMN_TYPE]);
	return buf.data;
}

/* Could the created object be the dropped one under a new name? */
static bool
resembles(const CmigChange *gone, const CmigChange *new)
{
	const CmigObject *from = gone->from,
			   *to = new->to;

	if (from->kind != to->kind)
		return false;
	if (from->kind == &cmig_kind_table)
	{
		char	   *columns = signature(from);

		return *columns != '\0' && strcmp(columns, signature(to)) == 0;
	}
	return strcmp(from->parent->identity, to->parent->identity) == 0 &&
		strcmp(from->values[CMIG_COLUMN_TYPE], to->values[CMIG_COLUMN_TYPE]) == 0;
}

/* Could the drop or creation of the object be part of a rename? */
static bool
is_candidate(const CmigChange *change, CmigAction action)
{
	const CmigObject *object = action == CMIG_DROP ? change->from : change->to;

	return change->action == action && change->host == NULL && !object->inherited &&
		(object->kind == &cmig_kind_table || object->kind == &cmig_kind_column);
}

/*
 * Returns the only change that resembles "change", or NULL if there is none or
 * more than one.
 */
static const CmigChange *
find_like(const CmigDifference *difference, const CmigChange *change)
{
	bool		gone = change->action == CMIG_DROP;
	const CmigChange *found = NULL;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *other = &difference->changes[i];

		if (!is_candidate(other, gone ? CMIG_CREATE : CMIG_DROP) ||
			!(gone ? resembles(change, other) : resembles(other, change)))
			continue;
		if (found != NULL)
			return NULL;
		found = other;
	}
	return found;
}

List *
cmig_rename_guess(const CmigDifference *difference)
{
	List	   *result = NIL;

	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];
		const CmigChange *other = is_candidate(change, CMIG_DROP) ? find_like(difference, change) : NULL;

		if (other == NULL || find_like(difference, other) != change ||
			strncmp(change->from->identity, other->to->identity, rename_name_offset(change->from)) != 0 ||
			rename_name_offset(change->from) != rename_name_offset(other->to))
			continue;
		result = lappend(result, psprintf("%s %s -> %s", change->from->kind->name, change->from->identity,
										  cmig_quote(other->to->name)));
	}
	return result;
}
