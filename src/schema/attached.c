/*
 * attached.c
 *	  Indexes of partitions.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"

#include "kinds/kinds.h"
#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Partition indexes that are attached to indexes of partitioned tables.
 *
 * PostgreSQL creates these indexes together with the partitioned table's index
 * and chooses their names, unless a matching index already exists.
 *
 * No database access.
 *
 * In the functions below, "old" is true if the object is from the old image,
 * so that the downgrade creates it.
 * ----------------------------------------------------------------
 */

static bool attached_is_remade(const CmigDifference *difference, const CmigChange *change);

static bool
is_index(const CmigObject *object)
{
	return object->kind == &cmig_kind_index || object->kind == &cmig_kind_constraint;
}

char *
cmig_attached_nameless(const CmigObject *object, const char *definition)
{
	const char *name = psprintf(" %s ON ", cmig_quote(object->name));
	const char *found = object->kind == &cmig_kind_index && definition != NULL ? strstr(definition, name) : NULL;

	if (found == NULL)
		return definition ? pstrdup(definition) : NULL;
	return psprintf("%s%s", pnstrdup(definition, found - definition), found + strlen(name) - 4);
}

/*
 * Default names
 */

/*
 * Returns "a_b" for the column list "a, b", or NULL if the list contains
 * expressions.
 */
static char *
column_names(const char *columns)
{
	StringInfoData names;
	const char *p = columns;

	initStringInfo(&names);
	for (;;)
	{
		bool		quoted = *p == '"';

		for (p += quoted; quoted ? *p != '"' || p[1] == '"' : strchr(" ,)(\"", *p) == NULL; p++)
		{
			appendStringInfoChar(&names, *p);
			p += *p == '"';
		}
		p += quoted;
		while (*p != '\0' && *p != ',' && *p != ')' && *p != '(')
			p++;
		if (*p != ',')
			return *p == ')' ? names.data : NULL;
		appendStringInfoChar(&names, '_');
		p += 2;
	}
}

/* Does the index have the name that PostgreSQL would choose? */
static bool
has_default_name(const CmigObject *object)
{
	const char *definition = object->values[CMIG_DEFINITION];
	const char *columns = strchr(definition, '(');
	const char *label = object->kind == &cmig_kind_index ? "idx" : "key";
	char	   *names;

	if (strncmp(definition, "PRIMARY KEY", 11) == 0)
		return strcmp(object->name, makeObjectName(object->parent->name, NULL, "pkey")) == 0;
	names = columns ? column_names(columns + 1) : NULL;
	return names != NULL && strcmp(object->name, makeObjectName(object->parent->name, names, label)) == 0;
}

/*
 * Creation
 */

/* Is the table a partition that stays attached to its parent? */
static bool
stays_attached(const CmigDifference *difference, const CmigObject *table, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	const CmigObject *link = cmig_image_lookup(image, &cmig_kind_partition, table->identity);

	if (link == NULL)
		return false;
	return (old ? difference->of_from : difference->of_to)[link->index]->action == CMIG_NO_CHANGE;
}

/*
 * Is the object an index of a partitioned table, or a constraint with such an
 * index?
 */
static bool
is_partitioned(const CmigObject *object)
{
	return is_index(object) && cmig_index_name(object) != NULL && object->parent->kind == &cmig_kind_table &&
		object->parent->values[CMIG_TABLE_PARTITION_KEY] != NULL;
}

/*
 * Returns the indexes attached to the index "object", as a list of CmigObject.
 * If only some of the partitions have the index, the list contains all
 * attached indexes.  Otherwise, it contains only the indexes of partitions
 * that stay attached.
 */
static List *
attached_attached_to(const CmigDifference *difference, const CmigObject *object, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	const char *name = is_partitioned(object) ? cmig_index_name(object) : NULL;
	List	   *found = NIL;

	if (name == NULL)
		return NIL;
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *other = image->objects[i];
		const char *parent = cmig_attached_to(other);

		if (parent != NULL && strcmp(parent, name) == 0 &&
			(cmig_index_is_partial(object) || stays_attached(difference, other->parent, old)))
			found = lappend(found, unconstify(CmigObject *, other));
	}
	return found;
}

/*
 * Returns the part of an index's or constraint's definition that must be the
 * same for an index and its parent index.  The names of the index and its
 * table are not part of it.
 */
static const char *
attached_shape_of(const CmigObject *object)
{
	const char *definition = object->values[CMIG_DEFINITION];
	const char *start = object->kind == &cmig_kind_index ? strstr(definition, " USING ") : definition;

	return start ? start : definition;
}

/*
 * Does the partition that contains "attached" have an unattached object of the
 * same kind: an index, or a constraint with an index?  Creating the
 * partitioned table's index could attach that object instead of "attached".
 */
static bool
has_loose_index(const CmigImage *image, const CmigObject *attached)
{
	const CmigObject *table = cmig_image_lookup(image, &cmig_kind_table, attached->parent->identity);

	for (const CmigObject *child = table ? table->child : NULL; child != NULL; child = child->sibling)
		if (is_index(child) && cmig_index_name(child) != NULL && cmig_attached_to(child) == NULL && child->kind == attached->kind)
			return true;
	return false;
}

/*
 * Is the partition's index re-created together with the partitioned table's
 * index?
 */
static bool
is_remade(const CmigDifference *difference, const CmigObject *object, bool old)
{
	return attached_is_remade(difference, (old ? difference->of_from : difference->of_to)[object->index]);
}

/*
 * Does creating "parent", the partitioned table's index, also create the
 * attached index "object" with its name and properties from the image?
 */
static bool
is_plain(const CmigDifference *difference, const CmigObject *object, const CmigObject *parent, bool old)
{
	ListCell   *cell;

	if (!has_default_name(object) || object->kind != parent->kind || strcmp(attached_shape_of(object), attached_shape_of(parent)) != 0)
		return false;
	if (object->comment != NULL && is_remade(difference, object, old))
		return false;
	if (!cmig_index_is_like(object, parent))
		return false;
	if (has_loose_index(difference->from, object) || has_loose_index(difference->to, object))
		return false;
	foreach(cell, attached_attached_to(difference, object, old))
		if (!is_plain(difference, lfirst(cell), object, old))
		return false;
	return true;
}

/*
 * Returns the statement with ONLY added, so that it does not affect
 * partitions.
 */
static char *
with_only(const CmigObject *object, const char *sql)
{
	const char *start = object->kind == &cmig_kind_index ? psprintf(" %s ON ", cmig_quote(object->name)) : "ALTER TABLE ";
	const char *found = strstr(sql, psprintf("%s%s ", start, object->parent->identity));

	if (found == NULL)
		return pstrdup(sql);
	found += strlen(start);
	return psprintf("%sONLY %s", pnstrdup(sql, found - sql), found);
}

/*
 * Do separate statements create the object in the upgrade (or in the
 * downgrade, if "old" is true)?
 */
static bool
attached_is_made(const CmigDifference *difference, const CmigObject *object, bool old)
{
	CmigAction	action = (old ? difference->of_from : difference->of_to)[object->index]->action;

	return action == CMIG_AGAIN || action == (old ? CMIG_DROP : CMIG_CREATE);
}

/*
 * Returns the statements that create an attached index and the indexes
 * attached to it.  "partial" is true if some partitions lack the index.
 */
static List *
creation(const CmigDifference *difference, const CmigObject *object, bool partial, bool old)
{
	CmigObject *alone = cmig_object_copy(object);
	CmigDiffOptions options = *difference->options;
	List	   *ddl;

	alone->folded = false;
	ddl = alone->kind->create(alone);
	cmig_attached_complete(difference, object, ddl, old);
	options.comments |= old || is_remade(difference, object, old);
	if (partial || is_remade(difference, object, old))
		ddl = list_concat(ddl, cmig_annotate_create(object, &options));
	return ddl;
}

/* Append a statement to the SQL of the list's first statement. */
static void
append(CmigDdl *first, const char *sql)
{
	first->sql = psprintf("%s;\n%s", first->sql, sql);
}

/*
 * Returns the number of the table's partitions that stay attached.  Returns -1
 * if any partition is a foreign table, because an index created with ONLY
 * could then never become valid.
 */
static int
count_partitions(const CmigDifference *difference, const CmigObject *table, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	int			count = 0;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *link = image->objects[i];

		if (link->kind != &cmig_kind_partition || strcmp(link->values[CMIG_PARTITION_OF], table->identity) != 0)
			continue;
		if (link->parent->kind != &cmig_kind_table)
			return -1;
		if (stays_attached(difference, link->parent, old))
			count++;
	}
	return count;
}

/*
 * Does CREATE INDEX on the partitioned table create exactly the indexes in the
 * list "attached", with their names and properties?
 */
static bool
is_enough(const CmigDifference *difference, const CmigObject *object, const List *attached, bool old)
{
	int			count = count_partitions(difference, object->parent, old);
	ListCell   *cell;

	if (count < 0)
		return true;
	foreach(cell, attached)
		if (!is_plain(difference, lfirst(cell), object, old))
		return false;
	return list_length(attached) == count;
}

void
cmig_attached_complete(const CmigDifference *difference, const CmigObject *object, List *ddl, bool old)
{
	List	   *attached = ddl != NIL ? attached_attached_to(difference, object, old) : NIL;
	bool		partial = attached != NIL && cmig_index_is_partial(object);
	CmigDdl    *first = ddl != NIL ? linitial(ddl) : NULL;
	ListCell   *cell,
			   *statement;

	if (first == NULL || !is_partitioned(object) || (!partial && is_enough(difference, object, attached, old)))
		return;
	first->sql = with_only(object, first->sql);
	foreach(cell, attached)
	{
		const CmigObject *other = lfirst(cell);

		if (!attached_is_made(difference, other, old))
			foreach(statement, creation(difference, other, partial, old))
				append(first, ((CmigDdl *) lfirst(statement))->sql);
		append(first, psprintf("ALTER INDEX %s ATTACH PARTITION %s", cmig_index_name(object), cmig_index_name(other)));
	}
}

/*
 * If the changed index is attached to a parent index, returns the change of
 * the parent index.  Otherwise returns NULL.
 */
static const CmigChange *
parent_change(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = change->to ? change->to : change->from;
	const CmigImage *image = change->to ? difference->to : difference->from;
	const CmigObject *parent = cmig_attached_to(object) ? cmig_attached_find(image, cmig_attached_to(object)) : NULL;

	return parent ? (change->to ? difference->of_to : difference->of_from)[parent->index] : NULL;
}

/*
 * Is the changed object an attached index that is re-created together with the
 * partitioned table's index?
 */
static bool
attached_is_remade(const CmigDifference *difference, const CmigChange *change)
{
	if (change->from == NULL || change->to == NULL || change->to->alone || cmig_attached_to(change->from) == NULL)
		return false;
	while ((change = parent_change(difference, change)) != NULL)
		if (change->action == CMIG_AGAIN)
			return true;
	return false;
}

void
cmig_attached_settle(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (change->action != CMIG_ALTER || !is_index(change->to ? change->to : change->from) ||
			!attached_is_remade(difference, change))
			continue;
		change->action = CMIG_NO_CHANGE;
		change->ddl = NIL;
	}
	for (int i = 0; i < difference->count && !difference->options->comments; i++)
		if (attached_is_remade(difference, &difference->changes[i]))
			cmig_annotate_keep_comments(difference->changes[i].from, difference->changes[i].to);
}

/*
 * Names
 */

const CmigObject *
cmig_attached_find(const CmigImage *image, const char *name)
{
	for (int i = 0; i < image->count; i++)
	{
		const char *own = is_index(image->objects[i]) ? cmig_index_name(image->objects[i]) : NULL;

		if (own != NULL && strcmp(own, name) == 0)
			return image->objects[i];
	}
	return NULL;
}

const CmigObject *
cmig_attached_parent(const CmigImage *image, const CmigObject *object)
{
	const char *name = cmig_attached_to(object);

	return name ? cmig_attached_find(image, name) : NULL;
}

/* ----------------------------------------------------------------
 * Finds equivalent indexes of a partition.
 *
 * ATTACH PARTITION attaches equivalent indexes in the order in which they
 * were created: the first one to the partitioned table's first such index,
 * and so on.
 * ----------------------------------------------------------------
 */

/* Returns the end of the quoted text that begins at "start". */
static const char *
quoted_end(const char *start)
{
	const char *end = strchr(start + 1, *start);

	return end ? end + 1 : start + strlen(start);
}

/*
 * If the text begins with an option that PostgreSQL ignores when it looks for
 * an index to attach, returns the end of the option.  Otherwise returns NULL.
 */
static const char *
option_end(const char *text)
{
	static const char *const options[] = {" DESC", " NULLS FIRST", " NULLS LAST"};

	for (int i = 0; i < lengthof(options); i++)
	{
		const char *end = text + strlen(options[i]);

		if (strncmp(text, options[i], strlen(options[i])) == 0 && strchr(",) ", *end) != NULL)
			return end;
	}
	if (strncmp(text, " WITH (", strlen(" WITH (")) != 0)
		return NULL;
	while (*text != '\0' && *text != ')')
		text = *text == '\'' || *text == '"' ? quoted_end(text) : text + 1;
	return *text == ')' ? text + 1 : NULL;
}

/*
 * Returns an index definition without its name, sort order, and storage
 * parameters.
 */
static char *
without_options(const CmigObject *index)
{
	const char *text = cmig_attached_nameless(index, index->values[CMIG_DEFINITION]);
	StringInfoData shape;

	initStringInfo(&shape);
	while (*text != '\0')
	{
		const char *end = option_end(text);

		if (end == NULL)
		{
			end = *text == '\'' || *text == '"' ? quoted_end(text) : text + 1;
			appendBinaryStringInfo(&shape, text, end - text);
		}
		text = end;
	}
	return shape.data;
}

/*
 * Returns a string that is the same for equivalent indexes, and different for
 * all other indexes.  Returns NULL if the object is not an index.
 */
static const char *
twins_shape_of(const CmigObject *object)
{
	const char *columns,
			   *end;

	if (object->kind != &cmig_kind_index && object->kind != &cmig_kind_constraint)
		return NULL;
	if (object->kind == &cmig_kind_index)
		return without_options(object);
	if (cmig_index_parent(object) == NULL)
		return NULL;
	columns = strchr(object->values[CMIG_DEFINITION], '(');
	end = columns ? strstr(columns, ") DEFERRABLE") : NULL;
	return end ? pnstrdup(columns, end + 1 - columns) : columns;
}

static const CmigChange *
change_of(const CmigDifference *difference, const CmigObject *object, bool old)
{
	return (old ? difference->of_from : difference->of_to)[object->index];
}

/* Does the upgrade (or the downgrade, if "old" is true) create the object? */
static bool
twins_is_made(const CmigChange *change, bool old)
{
	return change->action == CMIG_AGAIN || change->action == (old ? CMIG_DROP : CMIG_CREATE);
}

/* Does "object" come before "other" among a table's children? */
static bool
is_before(const CmigObject *object, const CmigObject *other)
{
	for (; object != NULL; object = object->sibling)
		if (object == other)
			return true;
	return false;
}

/* Returns the parent index to which an index is attached, or NULL if none. */
static const CmigObject *
twins_attached_to(const CmigDifference *difference, const CmigObject *index, bool old)
{
	const char *name = cmig_index_parent(index);

	return name ? cmig_attached_find(old ? difference->from : difference->to, name) : NULL;
}

/*
 * Is the index "object" of a partitioned table created before the table's
 * index "other"?  If the table is itself a partition, the order of the parent
 * indexes decides.
 */
static bool
comes_first(const CmigDifference *difference, const CmigObject *object, const CmigObject *other, bool old)
{
	const CmigChange *change = change_of(difference, object, old),
			   *others = change_of(difference, other, old);
	bool		made = twins_is_made(change, old);

	if (made != twins_is_made(others, old))
		return !made;
	if (made)
	{
		const CmigObject *above = twins_attached_to(difference, object, old),
				   *other_above = twins_attached_to(difference, other, old);

		if (above == NULL || other_above == NULL || above == other_above)
			return is_before(object, other);
		return comes_first(difference, above, other_above, old);
	}
	return change->from->address.object < others->from->address.object;
}

static List *
append_pair(List *pairs, const CmigObject *first, const CmigObject *second)
{
	CmigTwins  *twins = palloc(sizeof(CmigTwins));

	twins->first = first;
	twins->second = second;
	return lappend(pairs, twins);
}

/*
 * Add two equivalent indexes as a pair, and the indexes to which they are
 * attached as another pair.
 */
static List *
add_twins(List *pairs, const CmigDifference *difference, const CmigObject *object, const CmigObject *other, bool old)
{
	const CmigObject *parent = twins_attached_to(difference, object, old),
			   *others = twins_attached_to(difference, other, old);

	/* an attached index comes before one that is not attached */
	if ((parent == NULL) != (others == NULL) &&
		(cmig_index_parent(object) == NULL) != (cmig_index_parent(other) == NULL))
		return parent != NULL ? append_pair(pairs, object, other) : append_pair(pairs, other, object);

	if (parent == NULL || others == NULL || parent == others)
		return pairs;
	if (!comes_first(difference, parent, others, old))
		return add_twins(pairs, difference, other, object, old);
	if (twins_is_made(change_of(difference, parent, old), old) && twins_is_made(change_of(difference, others, old), old))
		pairs = append_pair(pairs, parent, others);
	return append_pair(pairs, object, other);
}

/* Add the pairs of equivalent indexes of a table to the list. */
static List *
find_in(List *pairs, const CmigDifference *difference, const CmigObject *table, bool old)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		const char *shape = twins_shape_of(child);

		for (const CmigObject *other = child->sibling; shape != NULL && other != NULL; other = other->sibling)
		{
			const char *others = twins_shape_of(other);

			if (others != NULL && child->kind == other->kind && strcmp(shape, others) == 0)
				pairs = add_twins(pairs, difference, child, other, old);
		}
	}
	return pairs;
}

List *
cmig_twins_find(const CmigDifference *difference, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	List	   *pairs = NIL;

	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *link = image->objects[i];

		if (link->kind == &cmig_kind_partition && twins_is_made(change_of(difference, link, old), old))
			pairs = find_in(pairs, difference, link->parent, old);
	}
	return pairs;
}

/*
 * Would CREATE TABLE create the second index before the first one?  Also true
 * if CREATE TABLE cannot create the first index.
 */
static bool
is_early(const CmigTwins *twins)
{
	const CmigObject *first = twins->first;

	return is_before(twins->second, first) || first->unfolded ||
		(first->kind->folds != NULL && !first->kind->folds(first));
}

/*
 * For each pair of equivalent indexes, exclude the second index from CREATE
 * TABLE if CREATE TABLE would create it before the first one.
 */
static void
unfold(const CmigDifference *difference, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	List	   *pairs = cmig_twins_find(difference, old);
	bool		again = pairs != NIL;
	ListCell   *cell;

	/* an excluded index can be the first one of another pair */
	while (again)
	{
		again = false;
		foreach(cell, pairs)
		{
			const CmigTwins *twins = lfirst(cell);
			CmigObject *second = image->objects[twins->second->index];

			again |= !second->unfolded && is_early(twins);
			second->unfolded |= is_early(twins);
		}
	}
}

void
cmig_twins_unfold(const CmigDifference *difference)
{
	unfold(difference, true);
	unfold(difference, false);
}

static int
position(const List *riders, const CmigChange *change)
{
	for (int i = 0; i < list_length(riders); i++)
		if (list_nth(riders, i) == change)
			return i;
	return -1;
}

void
cmig_twins_sort(const CmigDifference *difference)
{
	ListCell   *cell;

	foreach(cell, cmig_twins_find(difference, true))
	{
		const CmigTwins *twins = lfirst(cell);
		CmigChange *first = difference->of_from[twins->first->index],
				   *host = first->host;
		int			old = host ? position(host->riders, first) : -1,
					new = host ? position(host->riders, difference->of_from[twins->second->index]) : -1;

		if (new >= 0 && new < old)
			host->riders = list_insert_nth(list_delete_nth_cell(host->riders, old), new, first);
	}
}
