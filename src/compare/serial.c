/*
 * serial.c
 *	  Writes new columns as serial where possible.
 *
 * Without serial, each of these columns would need three statements: one for
 * the sequence, one for the column or its table, and one for OWNED BY.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "compare/serial.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

#include "commands/defrem.h"

/* A column type, the type of its sequence, and its pseudo-type. */
typedef struct SerialType
{
	const char *type;
	const char *sequence;		/* the sequence's property "type" */
	const char *serial;
} SerialType;

static const SerialType serial_types[] = {
	{"integer", "integer", "serial"},
	{"bigint", NULL, "bigserial"},
	{"smallint", "smallint", "smallserial"}
};

/* Returns the value of a property, or NULL. */
static const char *
value_of(const CmigObject *object, const char *property)
{
	for (int i = 0; i < object->kind->nproperties; i++)
		if (strcmp(object->kind->properties[i].name, property) == 0)
			return object->values[i];
	return NULL;
}

static const SerialType *
serial_type(const CmigObject *column)
{
	const char *type = value_of(column, "type");

	for (int i = 0; type != NULL && i < lengthof(serial_types); i++)
		if (strcmp(type, serial_types[i].type) == 0)
			return &serial_types[i];
	return NULL;
}

static const CmigObject *
child_of(const CmigObject *object, const CmigKind *kind)
{
	for (const CmigObject *child = object->child; child != NULL; child = child->sibling)
		if (child->kind == kind)
			return child;
	return NULL;
}

/*
 * Returns the name, qualified and quoted, that PostgreSQL chooses for the
 * sequence of a serial column.
 */
static char *
chosen_name(const CmigObject *column)
{
	const CmigObject *table = column->parent;
	int			schema = strlen(table->identity) - strlen(cmig_quote(table->name));

	return psprintf("%.*s%s", schema, table->identity,
					cmig_quote(makeObjectName(table->name, column->name, "seq")));
}

/*
 * Does the sequence lack a comment, and have the privileges of a new sequence?
 */
static bool
is_unannotated(const CmigObject *sequence, const CmigObject *column, const CmigDiffOptions *options)
{
	CmigDiffOptions own = *options;

	/*
	 * ignore the owner, which is always the table's owner; ADD COLUMN creates
	 * the sequence as that owner
	 */
	own.owners = false;
	if (!column->folded)
		own.role = column->parent->owner;
	own.privileges = own.comments = true;
	return cmig_annotate_create(sequence, &own) == NIL;
}

/* Does the sequence have only the properties that serial would give it? */
static bool
is_plain(const CmigObject *sequence, const CmigObject *column, const CmigDiffOptions *options)
{
	for (int i = 0; i < sequence->kind->nproperties; i++)
	{
		const char *name = sequence->kind->properties[i].name;
		const char *expected = strcmp(name, "type") == 0 ? serial_type(column)->sequence :
		strcmp(name, "persistence") == 0 ? value_of(column->parent, "persistence") : NULL;

		if ((sequence->kind->properties[i].flags & CMIG_PROPERTY_SILENT) == 0 &&
			!cmig_text_same(sequence->values[i], expected))
			return false;
	}
	return is_unannotated(sequence, column, options) && !sequence->foreign;
}

/*
 * Returns the column's sequence if serial would create the same sequence.
 * Otherwise returns NULL.
 */
static const CmigObject *
serial_sequence(const CmigObject *column, const CmigDiffOptions *options)
{
	const CmigObject *value = child_of(column, &cmig_kind_default);

	if (column->inherited || value == NULL || !value->folded || serial_type(column) == NULL ||
		value_of(column, "not null") == NULL || value_of(column, "of a typed table") != NULL)
		return NULL;
	for (int i = 0; i < value->ndepends; i++)
	{
		const CmigObject *sequence = value->depends[i];

		if (sequence->kind == &cmig_kind_sequence && is_plain(sequence, column, options) &&
			strcmp(sequence->identity, chosen_name(column)) == 0 &&
			strcmp(value->values[0], psprintf("nextval(%s::regclass)", cmig_literal(sequence->identity))) == 0)
			return sequence;
	}
	return NULL;
}

/*
 * Returns the change whose statement creates or drops the column (the table's
 * or the column's own), or NULL if there is none.
 */
static CmigChange *
change_of_column(CmigChange **changes, const CmigObject *column, CmigAction action)
{
	CmigChange *change = changes[column->index];

	if (column->folded)
		change = changes[column->parent->index];
	else if (change->host != NULL)
		return NULL;
	return change->action == action ? change : NULL;
}

/*
 * If the column can be written as serial, and its sequence and the sequence's
 * OWNED BY undergo the same change as the column, set the column's field
 * "serial", and make the column's change the host of the other two changes.
 */
static void
mark_column(CmigChange **changes, CmigObject *column, CmigAction action, const CmigDiffOptions *options)
{
	CmigChange *change = change_of_column(changes, column, action);
	const CmigObject *sequence = change ? serial_sequence(column, options) : NULL;
	const CmigObject *owner = sequence ? child_of(sequence, &cmig_kind_sequence_owner) : NULL;

	if (owner == NULL || !cmig_text_same(cmig_sequence_owner_column(owner), column->identity) ||
		changes[sequence->index]->action != action || changes[owner->index]->action != action)
		return;
	column->serial = serial_type(column)->serial;
	changes[sequence->index]->host = change;
	changes[owner->index]->host = change;
}

/* Mark the columns of one image that can be written as serial. */
static void
mark_image(const CmigImage *image, CmigChange **changes, CmigAction action, const CmigDiffOptions *options)
{
	for (int i = 0; i < image->count; i++)
	{
		CmigObject *object = image->objects[i];

		if (object->kind != &cmig_kind_column)
			continue;
		object->serial = NULL;
		if (object->parent->kind == &cmig_kind_table && !cmig_table_is_partition(object->parent))
			mark_column(changes, object, action, options);
	}
}

void
cmig_serial_mark(CmigDifference *difference)
{
	mark_image(difference->from, difference->of_from, CMIG_DROP, difference->options);
	mark_image(difference->to, difference->of_to, CMIG_CREATE, difference->options);
}
