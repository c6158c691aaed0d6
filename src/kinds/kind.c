/*
 * kind.c
 *	  Functions that all kinds of objects share.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/revision.h"
#include "kinds/kind.h"
#include "kinds/normal.h"

#include "utils/builtins.h"

const char *
cmig_quote(const char *identifier)
{
	return quote_identifier(identifier);
}

char *
cmig_literal(const char *text)
{
	return quote_literal_cstr(text);
}

CmigObject *
cmig_object_new(const CmigKind *kind, const char *name, const char *identity)
{
	CmigObject *object = palloc0(sizeof(CmigObject));

	object->kind = kind;
	object->values = palloc0(sizeof(char *) * Max(kind->nproperties, 1));
	object->name = pstrdup(name);
	object->identity = pstrdup(identity);
	return object;
}

CmigObject *
cmig_object_copy(const CmigObject *object)
{
	CmigObject *copy = palloc(sizeof(CmigObject));

	*copy = *object;
	return copy;
}

void
cmig_object_set(CmigObject *object, int property, char *value)
{
	Size		size = sizeof(char *) * object->kind->nproperties;
	char	  **values;

	if (object->values[property] == value)
		return;
	values = memcpy(palloc(size), object->values, size);
	values[property] = value;
	object->values = values;
}

char *
cmig_kind_reference(const CmigObject *object)
{
	const CmigKind *kind = object->kind;

	if (kind->reference != NULL)
		return kind->reference(object);
	if (kind->flags & CMIG_KIND_ON_PARENT)
		return psprintf("%s %s ON %s", kind->word, cmig_quote(object->name),
						object->parent->identity);
	return psprintf("%s %s", kind->word, object->identity);
}

char *
cmig_kind_drop(const CmigObject *object)
{
	if (object->kind->drop != NULL)
		return object->kind->drop(object);
	return psprintf("DROP %s", cmig_kind_reference(object));
}

/* Lists such as "a, b", in which the order does not matter */

/*
 * Split a list at ", ", and sort it, to compare it with another list.  A comma
 * within a quoted value does no harm, because both lists are split in the same
 * places.
 */
static CmigNames
cut_list(const char *text)
{
	char	   *copy = pstrdup(text);
	CmigNames	items = {0, palloc(sizeof(char *) * (strlen(text) / 2 + 2))};

	for (char *next = copy; next != NULL;)
	{
		char	   *end = strstr(next, ", ");

		if (end != NULL)
			*end = '\0';
		items.names[items.count++] = next;
		next = end == NULL ? NULL : end + 2;
	}
	cmig_names_sort(&items);
	return items;
}

/* Do both lists have the same elements, in any order? */
static bool
same_list(const char *a, const char *b)
{
	CmigNames	left = cut_list(a);
	CmigNames	right = cut_list(b);

	return cmig_names_same(&left, &right);
}

bool
cmig_kind_same_value(const CmigProperty *property, const char *a, const char *b)
{
	if (property->flags & CMIG_PROPERTY_SILENT)
		return true;
	if (a == NULL || b == NULL)
		return a == b;
	if (strcmp(a, b) == 0)
		return true;
	if (property->flags & CMIG_PROPERTY_LIST)
		return same_list(a, b);
	if (property->flags & CMIG_PROPERTY_EXPRESSION)
		return cmig_normal_same(a, b);
	return false;
}

bool
cmig_alter_differs(const CmigAlter *alter, int property)
{
	return !cmig_kind_same_value(&alter->to->kind->properties[property],
								 alter->from->values[property], alter->to->values[property]);
}

char *
cmig_kind_column_sql(const CmigObject *column, bool only, const char *action)
{
	return psprintf("ALTER TABLE %s%s ALTER COLUMN %s %s", only ? "ONLY " : "",
					column->parent->identity, cmig_quote(column->name), action);
}

List *
cmig_ddl_append(List *ddl, char *sql, char *undo)
{
	CmigDdl    *entry = palloc0(sizeof(CmigDdl));

	entry->sql = sql;
	entry->undo = undo;
	return lappend(ddl, entry);
}

CmigDdl *
cmig_ddl_hazards(List *ddl, int hazards)
{
	CmigDdl    *entry = llast(ddl);

	entry->hazards |= hazards;
	return entry;
}

void
cmig_alter_add(CmigAlter *alter, char *sql, char *undo)
{
	alter->ddl = cmig_ddl_append(alter->ddl, sql, undo);
}

void
cmig_alter_add_hazard(CmigAlter *alter, char *sql, char *undo, char *hazard)
{
	CmigDdl    *entry;

	cmig_alter_add(alter, sql, undo);
	entry = llast(alter->ddl);
	entry->hazard = hazard;
}

void
cmig_alter_action(CmigAlter *alter, const char *action, const char *undo)
{
	char	   *reference = cmig_kind_reference(alter->to);

	cmig_alter_add(alter, psprintf("ALTER %s %s", reference, action),
				   psprintf("ALTER %s %s", reference, undo));
}

void
cmig_alter_value(CmigAlter *alter, int property, const char *action, const char *fallback)
{
	const char *from = alter->from->values[property],
			   *to = alter->to->values[property];

	if (cmig_alter_differs(alter, property))
		cmig_alter_action(alter, psprintf("%s %s", action, to ? to : fallback),
						  psprintf("%s %s", action, from ? from : fallback));
}

List *
cmig_kind_complete(const CmigObject *object, List *ddl, void (*alter) (CmigAlter *alter))
{
	CmigObject *bare = cmig_object_new(object->kind, object->name, object->identity);
	CmigAlter	complete = {.from = bare,.to = object,.ddl = ddl};

	bare->parent = object->parent;
	bare->owner = object->owner;
	for (int i = 0; i < object->kind->nproperties; i++)
		if (object->kind->properties[i].flags & CMIG_PROPERTY_SILENT)
			cmig_object_set(bare, i, object->values[i]);
	alter(&complete);
	return complete.ddl;
}
