/*
 * kinds.c
 *	  The table of all kinds.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "common/string.h"

#include "kinds/internal.h"

/*
 * All kinds, in the order in which they are read: a parent's kind comes before
 * the kinds of its children.
 */
static CmigKind *const all[] = {
	&cmig_kind_schema, &cmig_kind_extension, &cmig_kind_access_method,
	&cmig_kind_language, &cmig_kind_foreign_data_wrapper, &cmig_kind_server,
	&cmig_kind_user_mapping, &cmig_kind_collation, &cmig_kind_base_type,
	&cmig_kind_base_definition, &cmig_kind_enum, &cmig_kind_domain,
	&cmig_kind_domain_constraint, &cmig_kind_composite, &cmig_kind_attribute,
	&cmig_kind_range, &cmig_kind_sequence, &cmig_kind_table,
	&cmig_kind_foreign_table, &cmig_kind_column,
	&cmig_kind_view, &cmig_kind_materialized_view, &cmig_kind_view_column,
	&cmig_kind_toast, &cmig_kind_default, &cmig_kind_sequence_owner,
	&cmig_kind_constraint, &cmig_kind_index, &cmig_kind_partition,
	&cmig_kind_replica_identity,
	&cmig_kind_distribution, &cmig_kind_foreign_key, &cmig_kind_function,
	&cmig_kind_rule, &cmig_kind_policy, &cmig_kind_trigger,
	&cmig_kind_partition_trigger, &cmig_kind_statistics, &cmig_kind_aggregate,
	&cmig_kind_operator, &cmig_kind_operator_family,
	&cmig_kind_operator_family_member, &cmig_kind_operator_class,
	&cmig_kind_cast, &cmig_kind_transform, &cmig_kind_conversion,
	&cmig_kind_ts_parser, &cmig_kind_ts_template, &cmig_kind_ts_dictionary,
	&cmig_kind_ts_configuration, &cmig_kind_ts_mapping,
	&cmig_kind_publication, &cmig_kind_publication_table,
	&cmig_kind_publication_schema, &cmig_kind_event_trigger,
	&cmig_kind_member_privilege, &cmig_kind_default_privileges
};

CmigKind **
cmig_kinds(int *count)
{
	*count = lengthof(all);
	for (int i = 0; i < lengthof(all) && all[i]->place == 0; i++)
	{
		CmigKind   *kind = all[i];

		kind->place = i + 1;
		if (kind->create == NULL)
			kind->create = cmig_kind_create;
		if (kind->alter == NULL)
			kind->alter = cmig_kind_alter;
	}
	return (CmigKind **) all;
}

/* Texts of statements */

/*
 * Returns what a name in a text stands for, or NULL.  "value" is for the empty
 * name.
 */
static const char *
text_value(const CmigObject *object, const char *name, int length, const char *value)
{
	const struct
	{
		const char *name;
		const char *value;
	}			names[] = {
		{"", value}, {"identity", object->identity}, {"unquoted", object->name},
		{"word", object->kind->word},
		{"parent", object->parent ? object->parent->identity : NULL},
		{"parent's word", object->parent ? object->parent->kind->word : NULL}
	};

	for (int i = 0; i < lengthof(names); i++)
		if ((int) strlen(names[i].name) == length && strncmp(names[i].name, name, length) == 0)
			return names[i].value;
	if (strncmp(name, "name}", 5) == 0)
		return cmig_quote(object->name);
	if (strncmp(name, "reference}", 10) == 0)
		return cmig_kind_reference(object);
	if (strncmp(name, "on}", 3) == 0)
		return cmig_kind_reference(object->parent);
	for (int p = 0; p < object->kind->nproperties; p++)
	{
		const char *property = object->kind->properties[p].name;

		if ((int) strlen(property) == length && strncmp(property, name, length) == 0)
			return object->values[p];
	}
	elog(ERROR, "%s has no property \"%.*s\"", object->kind->name, length, name);
}

/* Like cmig_kind_text(), with a value for {}. */
static char *
text_with(const char *text, const CmigObject *object, const char *given)
{
	StringInfoData buf;
	int			optional = 0;	/* where the part in brackets begins */
	bool		is_absent = false;

	initStringInfo(&buf);
	for (; *text != '\0'; text++)
	{
		if (*text == '[')
		{
			optional = buf.len;
			is_absent = false;
		}
		else if (*text == ']')
		{
			if (is_absent)
				buf.data[buf.len = optional] = '\0';
		}
		else if (*text == '{')
		{
			bool		tests = text[1] == '?';
			const char *name = text + 1 + tests;
			int			length = strcspn(name, "|}");
			const char *value = text_value(object, name, length, given);

			text = name + strcspn(name, "}");
			if (value == NULL && name[length] == '|')
				value = pnstrdup(name + length + 1, text - name - length - 1);
			if (value == NULL)
				is_absent = true;
			else if (!tests)
				appendStringInfoString(&buf, value);
		}
		else
			appendStringInfoChar(&buf, *text);
	}
	return buf.data;
}

char *
cmig_kind_text(const char *text, const CmigObject *object)
{
	return text_with(text, object, NULL);
}

char *
cmig_kind_reference(const CmigObject *object)
{
	const CmigKind *kind = object->kind;

	if (kind->refers != NULL)
		return cmig_kind_text(kind->refers, object);
	return cmig_kind_text(kind->flags & CMIG_KIND_ON_PARENT ? "{word} {name} ON {parent}" :
						  "{word} {identity}", object);
}

char *
cmig_kind_drop(const CmigObject *object)
{
	if (object->kind->drop != NULL)
		return object->kind->drop(object);
	return cmig_kind_text(object->kind->drops ? object->kind->drops : "DROP {reference}", object);
}

char *
cmig_kind_column_sql(const CmigObject *column, bool only, const char *action)
{
	/* ONLY cannot follow the word VIEW */
	return psprintf("ALTER %s %s%s ALTER COLUMN %s %s",
					cmig_table_is(column->parent) ? column->parent->kind->word : "TABLE",
					only ? "ONLY " : "", column->parent->identity,
					cmig_quote(column->name), action);
}

List *
cmig_ddl_append(List *ddl, char *sql, char *undo)
{
	CmigDdl    *entry = palloc0(sizeof(CmigDdl));

	entry->sql = sql;
	entry->undo = undo;
	entry->part = CMIG_PART_NONE;
	return lappend(ddl, entry);
}

CmigDdl *
cmig_ddl_hazards(List *ddl, int hazards)
{
	CmigDdl    *entry = llast(ddl);

	entry->hazards |= hazards;
	return entry;
}

/* ----------------------------------------------------------------
 * Storage parameters, such as "a='b', c='d'", and the options of foreign-data
 * wrappers, such as "a 'b', c 'd'".
 * ----------------------------------------------------------------
 */

/* Returns the names of the parameters: "a, c" for "a='b', c='d'". */
static char *
parameter_names(const char *parameters)
{
	StringInfoData names;
	bool		quoted = false,
				value = false;

	initStringInfo(&names);
	for (; *parameters != '\0'; parameters++)
	{
		if (*parameters == '\'')
			quoted = !quoted;
		else if (!quoted && *parameters == '=')
			value = true;
		else if (!quoted && *parameters == ',')
			value = false;
		if (!value && !quoted && *parameters != '\'')
			appendStringInfoChar(&names, *parameters);
	}
	return names.data;
}

/*
 * Returns the next option of *list, or NULL, and advances *list past it.  Sets
 * *name to the length of its name.
 */
static char *
next_option(const char **list, int *name)
{
	const char *start = *list,
			   *end;
	char		quote = '\0';

	if (!cmig_text_is_given(start))
		return NULL;
	*name = 0;
	for (end = start; *end != '\0' && (quote != '\0' || *end != ','); end++)
	{
		if (quote == '\0' && *end == ' ' && *name == 0)
			*name = end - start;
		if (quote == '\0' && (*end == '"' || *end == '\''))
			quote = *end;
		else if (*end == quote)
			quote = '\0';
	}
	*list = end + strspn(end, ", ");
	return pnstrdup(start, end - start);
}

/* Returns the list's option with this name, or NULL. */
static char *
find_option(const char *list, const char *name, int length)
{
	char	   *option;
	int			found;

	while ((option = next_option(&list, &found)) != NULL)
		if (found == length && strncmp(option, name, length) == 0)
			break;
	return option;
}

/*
 * Returns the clause that changes one list of options to another: "ADD a 'x',
 * SET b 'y', DROP c".
 */
char *
cmig_options_change(const char *from, const char *to)
{
	StringInfoData buf;
	const char *rest = to;
	char	   *option;
	int			name;

	initStringInfo(&buf);
	while ((option = next_option(&rest, &name)) != NULL)
	{
		const char *old = find_option(from, option, name);

		if (old == NULL || strcmp(old, option) != 0)
			appendStringInfo(&buf, ", %s %s", old == NULL ? "ADD" : "SET", option);
	}
	rest = from;
	while ((option = next_option(&rest, &name)) != NULL)
		if (find_option(to, option, name) == NULL)
			appendStringInfo(&buf, ", DROP %.*s", name, option);
	return buf.len > 0 ? buf.data + 2 : "";
}

/* ----------------------------------------------------------------
 * Changes of objects.
 *
 * A kind says only how an object changes in one direction; the statements that
 * revert the change are those of the opposite change.
 * ----------------------------------------------------------------
 */

/* Does the property differ between alter->from and alter->to? */
bool
cmig_alter_differs(const CmigAlter *alter, int property)
{
	return !cmig_object_same(alter->from, alter->to, property);
}

/*
 * Add a statement.  "part" says what it changes, such as the position of a
 * property: the opposite change has a statement with the same part.
 */
CmigDdl *
cmig_alter_add(CmigAlter *alter, int part, char *sql)
{
	CmigDdl    *ddl = palloc0(sizeof(CmigDdl));

	ddl->sql = sql;
	ddl->part = part;
	alter->ddl = lappend(alter->ddl, ddl);
	return ddl;
}

static char *
name_in_alter(const CmigObject *object)
{
	return cmig_kind_text(object->kind->alters ? object->kind->alters : "{reference}", object);
}

/* Add ALTER with the action. */
CmigDdl *
cmig_alter_action(CmigAlter *alter, int part, char *action)
{
	return cmig_alter_add(alter, part,
						  psprintf("ALTER %s %s", name_in_alter(alter->to), action));
}

/* Returns the action that sets the property. */
static char *
action_of(const CmigObject *object, int property)
{
	const CmigProperty *p = &object->kind->properties[property];

	return object->values[property] ? text_with(p->action, object, object->values[property]) :
		cmig_kind_text(p->otherwise, object);
}

static bool
has_action(const CmigProperty *property)
{
	return property->action != NULL ||
		(property->flags & (CMIG_PROPERTY_PARAMETERS | CMIG_PROPERTY_FDW_OPTIONS)) != 0;
}

/*
 * If a property with an action differs, add the statement that changes it, and
 * return the statement.
 */
CmigDdl *
cmig_alter_property(CmigAlter *alter, int property)
{
	const CmigProperty *p = &alter->to->kind->properties[property];
	const char *old = alter->from->values[property],
			   *new = alter->to->values[property];
	const char *column = " ALTER COLUMN {name}",
			   *alters = alter->to->kind->alters;

	if (!has_action(p) || !cmig_alter_differs(alter, property))
		return NULL;
	if (p->flags & CMIG_PROPERTY_STATEMENT)
		return cmig_alter_add(alter, property, action_of(alter->to, property));
	if (p->flags & CMIG_PROPERTY_FDW_OPTIONS)
		return cmig_alter_action(alter, property,
								 psprintf("OPTIONS (%s)", cmig_options_change(old, new)));
	if (!(p->flags & CMIG_PROPERTY_PARAMETERS))
		return cmig_alter_action(alter, property, action_of(alter->to, property));
	if (old == NULL)
		return cmig_alter_action(alter, property, psprintf("SET (%s)", new));
	return cmig_alter_add(alter, property,
						  psprintf("ALTER %s RESET (%s)%s", name_in_alter(alter->to),
								   parameter_names(old), new == NULL ? "" :
								   psprintf(",%s SET (%s)", alters &&
											pg_str_endswith(alters, column) ?
											cmig_kind_text(column, alter->to) : "", new)));
}

/* Is the property of the object in the text? */
static bool
mentions(const char *text, const CmigProperty *property)
{
	size_t		length = strlen(property->name);

	for (const char *open = text ? strchr(text, '{') :
		 NULL; open != NULL; open = strchr(open + 1, '{'))
		if (strncmp(open + 1, property->name, length) == 0 &&
			strchr("}|", open[1 + length]) != NULL)
			return true;
	return false;
}

/*
 * The function alter() of kinds that have none: it follows the texts of the
 * kind and the actions of its properties.
 */
void
cmig_kind_alter(CmigAlter *alter)
{
	const CmigKind *kind = alter->to->kind;
	bool		replaces = false;

	for (int i = 0; i < kind->nproperties; i++)
	{
		if (!cmig_alter_differs(alter, i))
			continue;
		if (kind->replaces != NULL && (kind->properties[i].flags & CMIG_PROPERTY_REPLACES))
			replaces = true;
		else if (!has_action(&kind->properties[i]))
			alter->again = true;
	}
	if (replaces)
		cmig_alter_add(alter, CMIG_PART_REPLACES, cmig_kind_text(kind->replaces, alter->to));
	for (int i = 0; i < kind->nproperties && !alter->again; i++)
		if (!replaces || !mentions(kind->replaces, &kind->properties[i]))
			cmig_alter_property(alter, i);
}

/*
 * Set the undo of each statement to the statement of the opposite change with
 * the same part.
 */
static void
pair(List *ddl, List *opposite)
{
	ListCell   *other;

	foreach_ptr(CmigDdl, entry, ddl)
	{
		foreach(other, opposite)
		{
			const CmigDdl *undo = lfirst(other);

			if (undo->part != entry->part)
				continue;
			entry->undo = undo->sql;
			entry->undo_hazards = undo->hazards;
			entry->undo_online = undo->online;
			entry->reads |= undo->reads;
			opposite = foreach_delete_current(opposite, other);
			break;
		}
	}
}

/*
 * Call a function that adds the statements of a change, and for the statements
 * that revert the change, call it for the opposite one.
 */
void
cmig_alter_both(CmigAlter *alter, void (*function) (CmigAlter *alter))
{
	CmigAlter	opposite = {.from = alter->to,.to = alter->from,.back = true,.zone = alter->zone,
	.casts = alter->casts};

	function(alter);
	function(&opposite);
	pair(alter->ddl, opposite.ddl);
	pair(alter->first, opposite.last);
	pair(alter->last, opposite.first);
}

void
cmig_object_alter(CmigAlter *alter)
{
	cmig_alter_both(alter, alter->to->kind->alter);
}

/*
 * Add the actions of the properties that CREATE does not mention, except for
 * those that set what "otherwise" would set.
 */
static void
alter_unmentioned(CmigAlter *alter)
{
	const CmigObject *object = alter->back ? alter->from : alter->to;
	const CmigKind *kind = object->kind;

	for (int i = 0; i < kind->nproperties; i++)
	{
		const CmigProperty *property = &kind->properties[i];

		if (object->values[i] != NULL && !mentions(kind->creates, property) &&
			(property->otherwise == NULL ||
			 strcmp(action_of(object, i), cmig_kind_text(property->otherwise, object)) != 0))
			cmig_alter_property(alter, i);
	}
}

/*
 * Append the statements for properties that the object's CREATE statement
 * cannot set: those that "finish" adds, as if it altered an object whose
 * properties have their default values.  If "finish" is NULL, these are the
 * actions of all properties that the text of CREATE does not mention.
 */
List *
cmig_kind_complete(const CmigObject *object, List *ddl, void (*finish) (CmigAlter *alter))
{
	CmigObject *bare = cmig_object_new(object->kind, object->name, object->identity);
	CmigAlter	complete = {.from = bare,.to = object};

	bare->parent = object->parent;
	bare->owner = object->owner;
	for (int i = 0; i < object->kind->nproperties; i++)
		if (object->kind->properties[i].flags & CMIG_PROPERTY_SILENT)
			cmig_object_set(bare, i, object->values[i]);
	cmig_alter_both(&complete, finish ? finish : alter_unmentioned);
	return list_concat(ddl, complete.ddl);
}

/* The function create() of kinds that have none. */
List *
cmig_kind_create(const CmigObject *object)
{
	List	   *ddl = NIL;

	if (object->kind->creates != NULL)
		ddl = cmig_ddl_append(NIL, cmig_kind_text(object->kind->creates, object),
							  cmig_kind_drop(object));
	return cmig_kind_complete(object, ddl, NULL);
}

/* ----------------------------------------------------------------
 * Finds the objects that function bodies mention.
 *
 * For a body that is a string, PostgreSQL records no dependencies.  However,
 * CREATE FUNCTION checks some of these bodies, so the objects that they
 * mention must already exist.
 *
 * A body mentions a relation, type, function, or operator if the object's name
 * occurs in it as a word, or as a sequence of operator characters.  A false
 * match only changes the order of statements, and schema/order.c ignores a
 * match that would cause a cycle.
 * ----------------------------------------------------------------
 */

static int
compare_by_name(const void *a, const void *b)
{
	const CmigObject *left = *(CmigObject *const *) a,
			   *right = *(CmigObject *const *) b;
	int			order = strcmp(left->name, right->name);

	return order ? order : left->index - right->index;
}

/* Can the character be part of an operator? */
static bool
is_operator(char c)
{
	return c != '\0' && strchr("+-*/<>=~!@#%^&|`?", c) != NULL;
}

/*
 * Copy the next word or operator of a string to "buf", as an unquoted name.
 * Returns the rest of the string, or NULL at the end.
 */
static const char *
next_word(const char *text, StringInfo buf)
{
	resetStringInfo(buf);
	while (*text != '\0' && *text != '"' && !cmig_is_word(*text) && !is_operator(*text))
		text++;
	if (*text == '\0')
		return NULL;
	if (*text == '"')
	{
		for (text++; *text != '\0' && !(*text == '"' && text[1] != '"'); text++)
		{
			if (*text == '"')
				text++;
			appendStringInfoChar(buf, *text);
		}
		return *text == '\0' ? text : text + 1;
	}
	for (; is_operator(*text); text++)
		appendStringInfoChar(buf, *text);
	for (; cmig_is_word(*text) && !is_operator(*buf->data); text++)
		appendStringInfoChar(buf, pg_ascii_tolower((unsigned char) *text));
	return text;
}

void
cmig_bodies_read(CmigImage *image)
{
	CmigObject **names = palloc(sizeof(CmigObject *) * Max(image->count, 1));	/* sorted by name */
	int			count = 0;
	StringInfoData word;

	initStringInfo(&word);
	for (int i = 0; i < image->count; i++)
	{
		const CmigKind *kind = image->objects[i]->kind;

		if ((kind->flags & (CMIG_KIND_RELATION | CMIG_KIND_TYPE)) != 0 ||
			kind == &cmig_kind_function || kind == &cmig_kind_operator)
			names[count++] = image->objects[i];
	}
	qsort(names, count, sizeof(CmigObject *), compare_by_name);
	for (int i = 0; i < image->count; i++)
	{
		const char *text = image->objects[i]->values[CMIG_DEFINITION];

		while (image->objects[i]->kind == &cmig_kind_function &&
			   (text = next_word(text, &word)) != NULL)
		{
			int			low = 0,
						high = count;

			while (low < high)
			{
				int			middle = low + (high - low) / 2;

				if (strcmp(names[middle]->name, word.data) < 0)
					low = middle + 1;
				else
					high = middle;
			}
			for (; low < count && strcmp(names[low]->name, word.data) == 0; low++)
				cmig_object_follow(image->objects[i], names[low]);
		}
	}
	pfree(word.data);
	pfree(names);
}
