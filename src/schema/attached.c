/*
 * attached.c
 *	  Indexes of partitions that are attached to indexes of partitioned tables.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/attached.h"
#include "schema/kind_index.h"
#include "schema/kind_table.h"
#include "schema/kinds.h"

#include "commands/defrem.h"

static bool
is_index(const CmigObject *object)
{
	return object->kind == &cmig_kind_index || object->kind == &cmig_kind_constraint;
}

/* The qualified name of the index, or NULL. */
static const char *
index_name(const CmigObject *object)
{
	return object->kind == &cmig_kind_index ? object->identity : object->kind->index_name(object);
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

/* "a_b" for the list "a, b" of columns, or NULL if there are expressions. */
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

/* Does it have the name that the server would choose? */
static bool
has_default_name(const CmigObject *object)
{
	const char *definition = cmig_index_definition(object);
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

/* Is the table a partition, and is it attached before and after the change? */
static bool
stays_attached(const CmigDifference *difference, const CmigObject *table, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	const CmigObject *link = cmig_image_lookup(image, &cmig_kind_partition, table->identity);

	if (link == NULL)
		return false;
	return (old ? difference->of_from : difference->of_to)[link->index]->action == CMIG_NO_CHANGE;
}

/* Append the statements that create the object by itself. */
static List *
append_creation(List *statements, const CmigObject *object)
{
	CmigObject *alone = cmig_object_new(object->kind, object->name, object->identity);
	ListCell   *cell;

	memcpy(alone, object, offsetof(CmigObject, values) + sizeof(char *) * object->kind->nproperties);
	alone->folded = false;
	foreach(cell, object->kind->create(alone))
		statements = lappend(statements, ((CmigDdl *) lfirst(cell))->sql);
	return statements;
}

/* Is the object created by a statement of its own? */
static bool
is_made(const CmigDifference *difference, const CmigObject *object, bool old)
{
	CmigAction	action = (old ? difference->of_from : difference->of_to)[object->index]->action;

	return action == CMIG_AGAIN || action == (old ? CMIG_DROP : CMIG_CREATE);
}

/* The comments of an object that is created without a row of its own. */
static List *
append_annotations(const CmigDifference *difference, List *statements, const CmigObject *object, bool old)
{
	CmigDiffOptions options = *difference->options;
	ListCell   *cell;

	options.comments |= old;
	foreach(cell, cmig_annotate_create(object, &options))
		statements = lappend(statements, ((CmigDdl *) lfirst(cell))->sql);
	return statements;
}

List *
cmig_attached_attach(const CmigDifference *difference, const CmigObject *object, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	List	   *statements = NIL;

	for (int i = 0; cmig_index_is_partial(object) && i < image->count; i++)
	{
		const CmigObject *other = image->objects[i];
		const char *parent = is_index(other) ? cmig_index_parent(other) : NULL;

		if (parent == NULL || strcmp(parent, object->identity) != 0)
			continue;
		if (!is_made(difference, other, old))
		{
			statements = list_concat(statements, cmig_attached_create(difference, other, old));
			statements = append_creation(statements, other);
			statements = append_annotations(difference, statements, other, old);
			statements = list_concat(statements, cmig_attached_attach(difference, other, old));
		}
		statements = lappend(statements, psprintf("ALTER INDEX %s ATTACH PARTITION %s",
												  object->identity, index_name(other)));
	}
	return statements;
}

List *
cmig_attached_create(const CmigDifference *difference, const CmigObject *object, bool old)
{
	const CmigImage *image = old ? difference->from : difference->to;
	const char *name = is_index(object) ? index_name(object) : NULL;
	List	   *statements = NIL;

	if (name == NULL || object->parent->kind != &cmig_kind_table || !cmig_table_is_partitioned(object->parent) ||
		cmig_index_is_partial(object))
		return NIL;
	for (int i = 0; i < image->count; i++)
	{
		const CmigObject *other = image->objects[i];
		const char *parent = is_index(other) ? cmig_index_parent(other) : NULL;

		if (parent == NULL || strcmp(parent, name) != 0 || !stays_attached(difference, other->parent, old))
			continue;
		statements = list_concat(statements, cmig_attached_create(difference, other, old));
		if (!has_default_name(other))
			statements = append_creation(statements, other);
	}
	return statements;
}

/*
 * Names
 */

const CmigObject *
cmig_attached_find(const CmigImage *image, const char *name)
{
	for (int i = 0; i < image->count; i++)
	{
		const char *own = is_index(image->objects[i]) ? index_name(image->objects[i]) : NULL;

		if (own != NULL && strcmp(own, name) == 0)
			return image->objects[i];
	}
	return NULL;
}

/* Is the index of the partitioned table the same in both images? */
static bool
same_parent(const CmigImage *from, const CmigImage *to, const char *name)
{
	const CmigObject *old = cmig_attached_find(from, name);
	const CmigObject *new = cmig_attached_find(to, name);

	return old != NULL && new != NULL && old->kind == new->kind &&
		strcmp(old->parent->identity, new->parent->identity) == 0 &&
		cmig_kind_same_value(&old->kind->properties[0], old->values[0], new->values[0]);
}

/* The index of the table that is attached to that index, or NULL. */
static const CmigObject *
find_attached(const CmigImage *image, const CmigObject *table, const char *parent)
{
	const CmigObject *other = cmig_image_lookup(image, table->kind, table->identity);

	for (const CmigObject *child = other ? other->child : NULL; child != NULL; child = child->sibling)
		if (is_index(child) && cmig_index_parent(child) != NULL && strcmp(cmig_index_parent(child), parent) == 0)
			return child;
	return NULL;
}

List *
cmig_attached_names(const CmigImage *from, const CmigImage *to)
{
	List	   *names = NIL;

	for (int i = 0; i < from->count; i++)
	{
		const CmigObject *object = from->objects[i];
		const char *parent = is_index(object) ? cmig_index_parent(object) : NULL;
		const CmigObject *other = parent ? find_attached(to, object->parent, parent) : NULL;
		CmigAttachedName *name;

		if (other == NULL || other->kind != object->kind || strcmp(other->name, object->name) == 0 ||
			!same_parent(from, to, parent))
			continue;
		name = palloc(sizeof(CmigAttachedName));
		name->from = object;
		name->to = other;
		names = lappend(names, name);
	}
	return names;
}
