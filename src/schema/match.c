/*
 * match.c
 *	  What happens to each object of two images.
 *
 * Objects are matched by kind, parent, and identity.  Each kind decides what
 * ALTER can change.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "commands/defrem.h"
#include "utils/builtins.h"

#include "schema/internal.h"

/* ----------------------------------------------------------------
 * Writes new columns as serial where possible.
 *
 * Without serial, each of these columns would need three statements: one for
 * the sequence, one for the column or its table, and one for OWNED BY.
 * ----------------------------------------------------------------
 */

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

/*
 * Returns the column's sequence if serial would create the same sequence, with
 * the same properties, privileges, and no comment.  Otherwise returns NULL.
 */
static const CmigObject *
serial_sequence(const CmigObject *column, const SerialType *type, const CmigDiffOptions *options)
{
	const CmigObject *table = column->parent,
			   *value = cmig_object_child(column, &cmig_kind_default, NULL);
	CmigDiffOptions own = *options;
	char	   *name;

	if (column->inherited || value == NULL || !value->folded ||
		column->values[CMIG_COLUMN_NOT_NULL] == NULL || column->values[CMIG_COLUMN_OF_TYPE] != NULL)
		return NULL;
	/* the name that PostgreSQL chooses */
	name = psprintf("%.*s%s", (int) (strlen(table->identity) - strlen(cmig_quote(table->name))),
					table->identity,
					cmig_quote(makeObjectName(table->name, column->name, "seq")));

	/*
	 * ignore the owner, which is always the table's owner; ADD COLUMN creates
	 * the sequence as that owner
	 */
	own.owners = false;
	if (!column->folded)
		own.role = table->owner;
	own.privileges = own.comments = true;
	for (int i = 0; i < value->ndepends; i++)
	{
		const CmigObject *sequence = value->depends[i];
		bool		plain = sequence->kind == &cmig_kind_sequence && !sequence->foreign &&
		strcmp(sequence->identity, name) == 0 &&
		strcmp(value->values[0], psprintf("nextval(%s::regclass)", cmig_literal(name))) == 0;

		for (int j = 0; plain && j < sequence->kind->nproperties; j++)
		{
			const CmigProperty *property = &sequence->kind->properties[j];
			const char *expected = strcmp(property->name, "type") == 0 ? type->sequence :
			strcmp(property->name, "persistence") == 0 ? table->values[CMIG_TABLE_PERSISTENCE] :
			NULL;

			plain = (property->flags & CMIG_PROPERTY_SILENT) != 0 ||
				cmig_text_same(sequence->values[j], expected);
		}
		if (plain && cmig_annotate_create(sequence, &own) == NIL)
			return sequence;
	}
	return NULL;
}

/*
 * Find the columns that are created or dropped, alone or with their tables,
 * and for which the pseudo-type serial would create the same sequence and the
 * same default.  Set their field "serial", and make the change of the column
 * or its table the change that those of the sequence and its OWNED BY are part
 * of (see schema.h).  Call this when "part_of" of all others is known.
 */
void
cmig_serial_mark(CmigDifference *difference)
{
	for (int i = 0; i < difference->from->count + difference->to->count; i++)
	{
		const bool	old = i < difference->from->count;
		const CmigAction action = old ? CMIG_DROP : CMIG_CREATE;
		CmigObject *column = old ? difference->from->objects[i] :
		difference->to->objects[i - difference->from->count];
		CmigChange *change;
		const CmigObject *sequence,
				   *owner;
		int			type = 0;

		if (column->kind != &cmig_kind_column)
			continue;
		column->serial = NULL;
		while (type < lengthof(serial_types) &&
			   !cmig_text_same(column->values[CMIG_COLUMN_TYPE], serial_types[type].type))
			type++;
		change = (column->folded ? column->parent : column)->change;
		if (type == lengthof(serial_types) || column->parent->kind != &cmig_kind_table ||
			column->parent->values[CMIG_TABLE_IS_PARTITION] != NULL ||
			change->action != action || (!column->folded && change->part_of != NULL))
			continue;
		sequence = serial_sequence(column, &serial_types[type], difference->options);
		owner = sequence ? cmig_object_child(sequence, &cmig_kind_sequence_owner, NULL) : NULL;
		/* the sequence and its OWNED BY must undergo the same change */
		if (owner == NULL || !cmig_text_same(owner->values[0], column->identity) ||
			sequence->change->action != action || owner->change->action != action)
			continue;
		column->serial = serial_types[type].serial;
		sequence->change->part_of = change;
		owner->change->part_of = change;
	}
}

/* Matches the objects in two images, and decides what happens to each */

/* Do the objects differ in a property that is compared? */
static bool
differs(const CmigObject *from, const CmigObject *to)
{
	const CmigKind *kind = to->kind;

	for (int i = 0; i < kind->nproperties; i++)
		if (!cmig_kind_same_value(&kind->properties[i], from->values[i], to->values[i]))
			return true;
	return false;
}

/*
 * Returns the names of the users' casts that exist before and after the change:
 * those in both images, or, if casts are not compared, in one of them, because
 * the other one was read in a shadow, which hides them.
 */
static const List *
lasting_casts(const CmigDifference *difference)
{
	List	   *result = NIL;

	foreach_ptr(char, name, difference->from->casts)
	{
		if (!difference->to->all || cmig_text_list_has(difference->to->casts, name))
			result = lappend(result, name);
	}
	foreach_ptr(char, name, difference->to->all ? NIL : difference->to->casts)
		result = lappend(result, name);
	return result;
}

/* Is another expression than that of the difference to convert the column's values? */
static bool
is_converted(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	if (to->kind != &cmig_kind_column || difference->options->converted == NIL)
		return false;
	/* as those of the parent are */
	if (cmig_column_stays_inherited(from, to))
		return true;
	foreach_ptr(const CmigExpandLine, line, difference->options->converted)
	{
		if (strcmp(line->column, to->name) == 0 &&
			(line->schema == NULL ? strcmp(line->relation, to->parent->name) == 0 :
			 strcmp(quote_qualified_identifier(line->schema, line->relation), to->parent->identity) == 0))
			return true;
	}
	return false;
}

/* Returns how ALTER changes the old object into the new one, if it can. */
static CmigAlter
alter_of(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	CmigAlter	alter = {.from = from,.to = to,.zone = difference->options->time_zone};

	if (is_converted(difference, from, to))
		alter.zone = NULL;
	if (differs(from, to))
	{
		alter.casts = to->kind == &cmig_kind_column ? lasting_casts(difference) : NIL;
		cmig_object_alter(&alter);
	}
	else if (!cmig_text_same(from->operators, to->operators))
	{
		alter.again = cmig_object_is_disposable(from);
		if (!alter.again)
			alter.unsupported = psprintf("its definition is the same, but not the operators: %s -> %s",
										 from->operators ? from->operators : "none",
										 to->operators ? to->operators : "none");
	}
	return alter;
}

/* Decide what to do about an object that is in both images. */
static void
compare_pair(CmigDifference *difference, CmigChange *change)
{
	CmigAlter	alter = alter_of(difference, change->from, change->to);
	List	   *annotations;

	if (alter.unsupported != NULL)
		cmig_change_refuse(change, alter.unsupported);
	else if (alter.again && !cmig_children_is_attached(change))
		change->action = CMIG_AGAIN;
	if (alter.unsupported != NULL || alter.again)
		return;
	annotations = cmig_annotate_alter(change->from, change->to, difference->options);
	alter.ddl = alter.late ? list_concat(annotations, alter.ddl) :
		list_concat(alter.ddl, annotations);
	alter.ddl = list_concat(cmig_annotate_sequence_gone(change->from, change->to,
														difference->options), alter.ddl);
	if (alter.ddl != NIL || alter.first != NIL || alter.last != NIL || alter.disturbs)
		change->action = CMIG_ALTER;
	change->alter = alter;
}

/*
 * Returns true if the object is inherited, and is therefore created or dropped
 * together with the parent's object.
 */
static bool
follows_parent(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *parent = object->parent,
			   *from,
			   *to;

	if (!object->inherited || parent == NULL)
		return false;
	if (cmig_table_is(parent) &&
		!cmig_table_keeps_inheriting(difference->from, difference->to, object))
		return false;
	from = cmig_image_counterpart(difference->from, parent);
	to = cmig_image_counterpart(difference->to, parent);

	/*
	 * an object that belongs to an inherited column is created or dropped
	 * together with the column
	 */
	if (parent->inherited && (from == NULL) != (to == NULL) && follows_parent(difference, parent))
		return true;

	/*
	 * a default does not follow the parent's default, because defaults of
	 * existing columns are changed table by table
	 */
	return object->kind != &cmig_kind_default && from != NULL && to != NULL;
}

/*
 * Returns true for a column of a typed table that keeps its type.  Such a
 * column is added or dropped together with the type's attribute.
 */
static bool
follows_type(const CmigDifference *difference, const CmigObject *object)
{
	const CmigObject *table = object->parent,
			   *from,
			   *to;

	if (object->kind != &cmig_kind_column || table->values[CMIG_TABLE_OF_TYPE] == NULL)
		return false;
	from = cmig_image_counterpart(difference->from, table);
	to = cmig_image_counterpart(difference->to, table);
	return from != NULL && to != NULL && cmig_table_keeps_type(from, to);
}

/*
 * For an object that is dropped together with another object, returns the
 * statements that reset what cmig_completion() sets.  The downgrade first
 * re-creates the object, and then runs their undo statements, which set it
 * again.
 */
static List *
removal(const CmigDifference *difference, const CmigObject *object)
{
	CmigDiffOptions options = *difference->options;
	List	   *ddl = NIL;

	options.owners = options.privileges = options.comments = true;
	foreach_ptr(const CmigDdl, entry, cmig_completion(object, &options))
		ddl = lcons(linitial(cmig_ddl_append(NIL, entry->undo, entry->sql)), ddl);
	return ddl;
}

/*
 * Returns true for an index that is created, along with its comment, by the
 * statements for the partitioned table's index.
 */
static bool
is_created_with_partial(const CmigDifference *difference, const CmigChange *change)
{
	const CmigObject *object = cmig_change_object(change);
	const CmigObject *parent = object->kind != &cmig_kind_index ? NULL :
	cmig_children_parent(cmig_image_of(difference, change->to == NULL), object);

	return parent != NULL && cmig_index_is_partial(parent);
}

/* Has dropping the object or one of its parents been refused? */
static bool
is_refused(const CmigObject *object)
{
	for (; object != NULL; object = object->parent)
	{
		const CmigChange *change = object->change;

		if (change != NULL && change->action == CMIG_UNSUPPORTED && change->to == NULL)
			return true;
	}
	return false;
}

/* Decide what to do about an object that exists in only one image. */
static void
decide_single(CmigDifference *difference, CmigChange *change)
{
	const CmigObject *object = cmig_change_object(change);
	const CmigObject *missing = NULL;

	if (change->to == NULL && difference->options->models)
	{
		if (is_refused(object->parent))
			return;
		missing = cmig_keep_missing(object, difference->to);
	}

	/*
	 * Refuse to drop an object that ORMs cannot define, if the target lacks
	 * an object on which it depends.  The user must decide whether to drop
	 * it.
	 */
	if (missing != NULL)
		cmig_change_refuse(change,
						   psprintf("the target lacks %s, on which it depends",
									cmig_object_title(missing)));
	else if (is_created_with_partial(difference, change))
		change->action = CMIG_NO_CHANGE;

	/*
	 * or with the type's attribute, the parent's object, or a parent table's
	 * NOT VALID constraint, after the table itself
	 */
	else if (follows_type(difference, object) || follows_parent(difference, object) ||
			 (cmig_children_added_later(cmig_image_of(difference, change->to == NULL), object) &&
			  cmig_table_keeps_inheriting(difference->from, difference->to, object)))
	{
		change->alter.ddl = change->to != NULL ? cmig_completion(object, difference->options) :
			removal(difference, object);
		change->action = change->alter.ddl != NIL ? CMIG_ALTER : CMIG_NO_CHANGE;
	}
	else
	{
		change->action = change->to ? CMIG_CREATE : CMIG_DROP;
		if (object->kind == &cmig_kind_other)
			cmig_change_object(change)->obstacle = change->to ?
				"it is missing; objects of this kind are not compared yet" :
				"it is not in the target; objects of this kind are not compared yet";
	}
}

/* Add a change for an object, and decide what to do about it. */
static void
add_change(CmigDifference *difference, CmigObject *from, CmigObject *to)
{
	const CmigDiffOptions *options = difference->options;
	CmigChange *change = &difference->changes[difference->count++];
	const CmigKind *kind = (to ? to : from)->kind;

	change->from = from;
	change->to = to;
	if (from != NULL)
		from->change = change;
	if (to != NULL)
		to->change = change;

	/*
	 * copy to "to" the properties that ORMs cannot define and that have their
	 * default values there
	 */
	for (int i = 0; from != NULL && to != NULL && options->models && i < kind->nproperties; i++)
		if ((kind->properties[i].flags & CMIG_PROPERTY_NO_MODEL) != 0 && to->values[i] == NULL)
			cmig_object_set(to, i, from->values[i]);
	if (from != NULL && to != NULL && !options->owners && kind == &cmig_kind_table)
		to->owner = from->owner;
	if (!options->privileges &&
		(kind == &cmig_kind_default_privileges || kind == &cmig_kind_member_privilege))
		return;
	if (from != NULL && to != NULL)
		compare_pair(difference, change);
	else
		decide_single(difference, change);
}

/*
 * Returns true if an index or constraint must be dropped and created along
 * with the parent table's index or constraint.
 */
static bool
is_of_gone_parent(const CmigDifference *difference, const CmigObject *from, const CmigObject *to)
{
	const CmigObject *old,
			   *new,
			   *link,
			   *other;

	if ((from->kind != &cmig_kind_index && from->kind != &cmig_kind_constraint) ||
		(!from->inherited && !to->inherited))
		return false;
	link = cmig_image_lookup(difference->from, &cmig_kind_partition, from->parent->identity);
	other = cmig_image_lookup(difference->to, &cmig_kind_partition, to->parent->identity);
	/* ATTACH takes the index as it is, and DETACH leaves it */
	if (cmig_index_name(from) != NULL && (link == NULL) != (other == NULL))
		return false;
	old = cmig_children_parent(difference->from, from);
	new = cmig_children_parent(difference->to, to);
	if (from->inherited != to->inherited)
	{
		/*
		 * the other image must have the parent table's object, and it must
		 * not require that this object be re-created
		 */
		if (old == NULL && new == NULL)
			return false;
		other = old ? cmig_image_counterpart(difference->to, old) :
			cmig_image_counterpart(difference->from, new);
		return other == NULL ||
			(old ? alter_of(difference, old, other) : alter_of(difference, other, new)).again;
	}
	if (link == NULL || other == NULL)
		return false;
	/* the partition stays, but its index is attached to another index */
	if (cmig_index_parent(from) != NULL && cmig_index_parent(to) != NULL &&
		strcmp(cmig_index_parent(from), cmig_index_parent(to)) != 0 && !differs(link, other))
		return true;

	/*
	 * The parent indexes belong to different tables, and only some partitions
	 * have one of them.  DROP INDEX for such an index also drops the
	 * partition's index, and the statements that create it also create the
	 * partition's index.
	 */
	return strcmp(link->values[CMIG_PARTITION_OF], other->values[CMIG_PARTITION_OF]) != 0 &&
		old != NULL && new != NULL && (cmig_index_is_partial(old) || cmig_index_is_partial(new));
}

/*
 * Add a change for each object in either image.  Both images must be sorted
 * with cmig_object_compare().
 */
void
cmig_match_objects(CmigDifference *difference)
{
	const CmigImage *from = difference->from,
			   *to = difference->to;
	int			i = 0,
				j = 0;

	while (i < from->count || j < to->count)
	{
		int			order = i == from->count ? 1 : j == to->count ? -1 :
		cmig_object_compare(from->objects[i], to->objects[j]);
		bool		separate;

		/*
		 * objects with different parents do not match, for example a column
		 * of a view and a column of a materialized view
		 */
		separate = order == 0 && is_of_gone_parent(difference, from->objects[i], to->objects[j]);
		separate |= order == 0 && from->objects[i]->parent != NULL &&
			to->objects[j]->parent != NULL &&
			from->objects[i]->parent->change !=
			to->objects[j]->parent->change;
		add_change(difference, order <= 0 ? from->objects[i] : NULL,
				   order >= 0 && !separate ? to->objects[j] : NULL);
		if (separate)
			add_change(difference, NULL, to->objects[j]);
		i += order <= 0;
		j += order >= 0;
	}
}

/*
 * An attached index can be re-created only together with the partitioned
 * table's index.  The sort orders of the two may differ, because PostgreSQL
 * ignores the sort order when it attaches an index.  An index that is attached
 * to one that stays can be created alone, but not dropped.
 */
void
cmig_match_attached(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];

		if (cmig_attached_joins(difference, change))
		{
			CmigChange *above = cmig_attached_parent(cmig_image_of(difference, change->to == NULL),
													 cmig_change_object(change))->change;
			const CmigObject *parent;

			/*
			 * what has to be made again can only be so together with its own
			 * parent
			 */
			while (change->to == NULL && cmig_children_is_attached(above) &&
				   (parent = cmig_children_parent(difference->to, above->to)) != NULL)
				above = parent->change;
			if (change->to != NULL)
				change->action = CMIG_CREATE;
			else
				above->action = CMIG_AGAIN;
			change->alter.ddl = change->to != NULL ? NIL : change->alter.ddl;
			above->alter.ddl = change->to != NULL ? above->alter.ddl : NIL;
		}
		if (!cmig_children_is_attached(change) || cmig_index_parent(change->from) == NULL ||
			!alter_of(difference, change->from, change->to).again)
			continue;
		while (change->from != NULL)
		{
			const CmigObject *link = cmig_image_lookup(difference->to, &cmig_kind_partition,
													   change->to->parent->identity);
			const CmigObject *parent = cmig_index_parent(change->to) ?
			cmig_children_parent(difference->to, change->to) : NULL;
			CmigChange *above = parent ? parent->change : NULL;

			if (link == NULL || link->change->action != CMIG_NO_CHANGE || above == NULL)
				break;
			if (above->from != NULL && !cmig_children_is_attached(above))
			{
				above->action = CMIG_AGAIN;
				above->alter.ddl = NIL;
			}
			change = above;
		}
	}
	cmig_equivalents_renew(difference);
}

/*
 * Decide again what happens to objects that are no longer inherited because
 * their table is detached from its parent, or because the parent is
 * re-created.
 */
void
cmig_match_detached(CmigDifference *difference)
{
	for (int i = 0; i < difference->count; i++)
	{
		const CmigChange *change = &difference->changes[i];

		/*
		 * set the field "alone" of a partition's attachment to its table, if
		 * the other image lacks this attachment
		 */
		if (cmig_change_object(change)->kind != &cmig_kind_partition)
			continue;
		cmig_change_object(change)->alone = change->from == NULL || change->to == NULL ||
			strcmp(change->from->values[CMIG_PARTITION_OF],
				   change->to->values[CMIG_PARTITION_OF]) != 0;
		if (change->from != NULL)
			change->from->alone = cmig_change_object(change)->alone;
	}
	for (int i = 0; i < difference->count; i++)
	{
		CmigChange *change = &difference->changes[i];
		const CmigObject *object = cmig_change_object(change);
		const bool	single = change->from == NULL || change->to == NULL,
					old = change->to == NULL;
		const CmigObject *link;

		if (!object->inherited || object->alone || object->parent == NULL ||
			!cmig_table_is(object->parent) ||
			(single && change->action != CMIG_NO_CHANGE && change->action != CMIG_ALTER) ||
			is_created_with_partial(difference, change))
			continue;
		link = cmig_image_lookup(cmig_image_of(difference, old), &cmig_kind_partition,
								 object->parent->identity);
		if (link == NULL || cmig_change_stays(link->change))
			continue;
		if (single)
		{
			change->action = old ? CMIG_DROP : CMIG_CREATE;
			change->alter.ddl = NIL;
		}
		else if (change->action != CMIG_AGAIN)
		{
			change->from->alone = change->to->alone = true;
			compare_pair(difference, change);
		}
	}
}
