/*
 * column_type.c
 *	  A column's type and default.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include <ctype.h>

#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * Converts values when a column's type changes.
 *
 * If there is no cast between two types, values are converted through text.
 * ----------------------------------------------------------------
 */

/*
 * Families of types.  The values of all types in a family are converted to
 * another family in the same way.
 */
typedef enum Family
{
	OTHER,
	NUMBER,
	STRING,
	MOMENT,
	BOOLEAN,
	DOCUMENT
} Family;

static const struct
{
	const char *name;
	Family		family;
	int			width;			/* rank in the order from narrow to wide
								 * types, or 0 */
	bool		grows;			/* a greater modifier, or none, does not
								 * change any value */
}			known[] = {
	{"smallint", NUMBER, 1}, {"integer", NUMBER, 2}, {"bigint", NUMBER, 3},
	{"numeric", NUMBER, 4, true},
	{"real", NUMBER}, {"double precision", NUMBER, 5},
	{"character varying", STRING, 0, true}, {"character", STRING}, {"text", STRING, 6},
	{"name", STRING},
	{"date", MOMENT}, {"timestamp without time zone", MOMENT, 0, true},
	{"timestamp with time zone", MOMENT, 0, true},
	{"time without time zone", OTHER, 0, true}, {"time with time zone", OTHER, 0, true},
	{"interval", OTHER, 0, true},
	{"bit varying", OTHER, 0, true}, {"boolean", BOOLEAN}, {"json", DOCUMENT}, {"jsonb", DOCUMENT},
};

/*
 * Pairs of types whose values are converted with PostgreSQL's cast, because a
 * conversion through text would have a different result.
 */
static const struct
{
	const char *from;
	const char *to;
}			cast[] = {
	{"boolean", "integer"}, {"integer", "boolean"},
	{"money", "numeric"}, {"numeric", "money"}, {"integer", "money"}, {"bigint", "money"},
	{"timestamp without time zone", "time without time zone"},
	{"timestamp with time zone", "time without time zone"},
	{"timestamp with time zone", "time with time zone"},
	{"time with time zone", "time without time zone"},
	{"interval", "time without time zone"}, {"time without time zone", "interval"},
	{"bit", "integer"}, {"bit", "bigint"}, {"integer", "bit"}, {"bigint", "bit"},
	{"inet", "cidr"}, {"macaddr", "macaddr8"}, {"macaddr8", "macaddr"},
	{"\"char\"", "integer"}, {"integer", "\"char\""},
};

/* A printed type. */
typedef struct Type
{
	const char *text;
	const char *base;			/* without the modifier: "numeric[]" for
								 * "numeric(10,2)[]" */
	Family		family;			/* this and the following as in "known" */
	int			width;
	bool		grows;
	int			modifiers;		/* how many numbers the modifier has */
	int			size;
	int			scale;
	bool		is_array;		/* only "text" has the brackets */
} Type;

static Type
parse_one(const char *text)
{
	Type		type = {.text = text};
	StringInfoData base;
	const char *open = strchr(text, '(');
	bool		quoted = false;
	int			depth = 0;

	initStringInfo(&base);
	for (; *text != '\0'; text++)
	{
		if (*text == '"')
			quoted = !quoted;
		if (!quoted && *text == ')')
			depth--;
		else if (!quoted && *text == '(')
			depth++;
		else if (depth == 0)
			appendStringInfoChar(&base, *text);
	}
	type.base = base.data;
	if (open != NULL && isdigit((unsigned char) open[1]))
	{
		char	   *end;

		type.modifiers = 1;
		type.size = strtol(open + 1, &end, 10);
		if (*end == ',')
		{
			type.modifiers = 2;
			type.scale = strtol(end + 1, NULL, 10);
		}
	}
	for (int i = 0; i < lengthof(known); i++)
		if (strcmp(known[i].name, type.base) == 0)
		{
			type.family = known[i].family;
			type.width = known[i].width;
			type.grows = known[i].grows;
		}
	return type;
}

/* An array of a type without brackets; PostgreSQL prints one pair at most. */
static bool
is_array(const char *type)
{
	const size_t length = strlen(type);

	return length > 2 && strcmp(type + length - 2, "[]") == 0;
}

/*
 * Parse both types.  If both are arrays, their elements are, because an array
 * is converted to another one element by element.
 */
static void
parse(const char *from, const char *to, Type *old, Type *new)
{
	const bool	arrays = is_array(from) && is_array(to);

	*old = parse_one(arrays ? pnstrdup(from, strlen(from) - 2) : from);
	*new = parse_one(arrays ? pnstrdup(to, strlen(to) - 2) : to);
	old->text = from;
	new->text = to;
	old->is_array = new->is_array = arrays;
}

bool
cmig_using_needed(const char *using_from, const char *to)
{
	Type		old,
				new;

	parse(using_from, to, &old, &new);
	return strcmp(old.base, new.base) != 0 &&
		(old.family == OTHER || old.family == STRING || old.family != new.family);
}

/*
 * Returns the cast for USING, "::" or "::text::", or NULL if PostgreSQL
 * converts the values without USING.  Assignment to a string type is always
 * possible, although queries on the column may then work differently.
 */
static const char *
using_cast(const Type *from, const Type *to, const List *casts)
{
	const char *own = psprintf("(%s AS %s)", from->base, to->base);

	if (strcmp(from->base, to->base) == 0 ||
		(from->family == to->family && from->family != OTHER) ||
		to->family == STRING ||
		(strcmp(from->base, "cidr") == 0 && strcmp(to->base, "inet") == 0) ||
		(strcmp(from->base, "integer") == 0 && strcmp(to->base, "oid") == 0))
		return NULL;
	for (int i = 0; i < lengthof(cast); i++)
		if (strcmp(cast[i].from, from->base) == 0 && strcmp(cast[i].to, to->base) == 0)
			return "::";
	if (cmig_text_list_has(casts, own))
		return "::";
	return from->family == STRING ? "::" : "::text::";
}

/* Are stored values the same in both types, as far as the type names show? */
static bool
keeps_values(const Type *from, const Type *to)
{
	if (from->is_array)
		return strcmp(from->text, to->text) == 0;
	if (strcmp(from->base, "character varying") == 0 && strcmp(to->text, "text") == 0)
		return true;
	if (strcmp(from->base, "text") == 0 && strcmp(to->text, "character varying") == 0)
		return true;
	if (strcmp(from->base, to->base) != 0)
		return false;
	return strcmp(from->text, to->text) == 0 ||
		(from->grows && (to->modifiers == 0 ||
						 (from->modifiers > 0 && to->size >= from->size &&
						  to->scale == from->scale)));
}

/*
 * Can the conversion fail because a value does not fit the new type?  A
 * modifier never rejects times, because these are rounded.
 */
static bool
may_fail(const Type *from, const Type *to)
{
	if (strcmp(from->base, to->base) == 0)
	{
		if (to->modifiers == 0)
			return false;
		if (strncmp(to->base, "numeric", 7) == 0)
			return from->modifiers == 0 || to->size - to->scale < from->size - from->scale;
		if (strcmp(to->base, "bit") == 0)
			return to->size != from->size;
		return (strncmp(to->base, "character", 9) == 0 ||
				strncmp(to->base, "bit varying", 11) == 0) &&
			(from->modifiers == 0 || to->size < from->size);
	}
	if (strcmp(to->base, "text") == 0 ||
		(strcmp(to->base, "character varying") == 0 && to->modifiers == 0))
		return false;
	if (from->width > 0 && to->width > 0 && to->modifiers == 0)
		return to->width < from->width;
	return from->family != MOMENT || to->family != MOMENT;
}

/* ----------------------------------------------------------------
 * What the conversion changes in the values, from the types.
 * ----------------------------------------------------------------
 */

const CmigLoss cmig_losses[] = {
	{CMIG_LOSS_ROUNDS, "rounds the values"},
	{CMIG_LOSS_15_DIGITS, "keeps only 15 digits of the values"},
	{CMIG_LOSS_6_DIGITS, "keeps only 6 digits of the values"},
	{CMIG_LOSS_TIME, "drops the time of day"},
	{CMIG_LOSS_DATE, "drops the date"},
	{CMIG_LOSS_ZONE, "depends on TimeZone"},
	{CMIG_LOSS_SECONDS, "rounds fractions of seconds"},
	{CMIG_LOSS_CUTS, "cuts long values"},
	{CMIG_LOSS_KEYS, "drops the order of keys, and keys that are repeated"},
	{CMIG_LOSS_HOST, "drops the host part of addresses"},
	{CMIG_LOSS_TRUTH, "keeps only whether a value is 0"},
	{CMIG_LOSS_ATTRIBUTES, "drops attributes"},
	{0}
};

const char *
cmig_loss_text(int losses)
{
	int			i = 0;

	while ((cmig_losses[i].loss & losses) == 0)
		i++;
	return cmig_losses[i].text;
}

/* Is the base type one of those in the list, which has a comma after each? */
static bool
is_one(const Type *type, const char *list)
{
	const size_t length = strlen(type->base);

	for (const char *next = list; *next != '\0'; next = strchr(next, ',') + 1)
		if (strncmp(next, type->base, length) == 0 && next[length] == ',')
			return true;
	return false;
}

#define WITH_ZONE "timestamp with time zone,"
#define WITHOUT_ZONE "timestamp without time zone,"

/* More digits after the point than a type with a modifier can have. */
#define NO_SCALE 10000

/* Returns how many digits after the point the values of a number can have. */
static int
scale_of(const Type *number)
{
	if (is_one(number, "numeric,"))
		return number->modifiers > 0 ? number->scale : NO_SCALE;
	if (is_one(number, "money,"))
		return 2;
	return is_one(number, "real,double precision,") ? NO_SCALE : 0;
}

/* Can the values of a number have more than this many digits? */
static bool
has_digits(const Type *number, int digits)
{
	if (is_one(number, "numeric,"))
		return number->modifiers == 0 || number->size > digits;
	if (is_one(number, "bigint,money,"))
		return true;
	return is_one(number, "double precision,") || (digits < 10 && is_one(number, "integer,"));
}

/* Does a smaller number of digits or characters apply to the new type? */
static bool
is_shorter(const Type *from, const Type *to)
{
	return to->modifiers > 0 &&
		(strcmp(from->base, to->base) != 0 || from->modifiers == 0 || to->size < from->size);
}

static int
loss_of(const Type *from, const Type *to, bool is_explicit)
{
	static const char numbers[] = "smallint,integer,bigint,numeric,real,double precision,money,";
	static const char seconds[] =
	WITH_ZONE WITHOUT_ZONE "time without time zone,time with time zone,interval,";
	int			loss = 0;

	if (is_one(to, numbers) && is_one(from, numbers))
	{
		if (is_one(to, "double precision,"))
			return has_digits(from, 15) &&
				!is_one(from, "double precision,") ? CMIG_LOSS_15_DIGITS : 0;
		if (is_one(to, "real,"))
			return has_digits(from, 6) ? CMIG_LOSS_6_DIGITS : 0;
		return scale_of(to) < scale_of(from) ? CMIG_LOSS_ROUNDS : 0;
	}
	if (is_one(to, "date,"))
		return is_one(from, WITH_ZONE WITHOUT_ZONE) ? CMIG_LOSS_TIME : 0;
	if (is_one(to, "time without time zone,time with time zone,") &&
		is_one(from, WITH_ZONE WITHOUT_ZONE))
		return CMIG_LOSS_DATE;
	if (is_one(to, seconds) && is_one(from, seconds))
		loss = to->modifiers > 0 &&
			to->size < (from->modifiers > 0 ? from->size : 6) ? CMIG_LOSS_SECONDS : 0;
	if ((is_one(to, WITH_ZONE) && is_one(from, WITHOUT_ZONE "date,")) ||
		(is_one(to, WITHOUT_ZONE) && is_one(from, WITH_ZONE)))
		loss |= CMIG_LOSS_ZONE;
	if (is_one(to, "character varying,character,bit,bit varying,"))
		return is_explicit && is_shorter(from, to) ? CMIG_LOSS_CUTS : 0;
	if (is_one(to, "name,\"char\","))
		return from->family == STRING && strcmp(from->base, to->base) != 0 ? CMIG_LOSS_CUTS : 0;
	if (is_one(to, "jsonb,"))
		return is_one(from, "json,") ? CMIG_LOSS_KEYS : 0;
	if (is_one(to, "cidr,"))
		return is_one(from, "inet,") ? CMIG_LOSS_HOST : 0;
	return is_one(to, "boolean,") && is_one(from, "integer,") ? CMIG_LOSS_TRUTH : loss;
}

int
cmig_values_lost(const char *from, const char *to, bool is_explicit)
{
	Type		old,
				new;

	parse(from, to, &old, &new);
	return loss_of(&old, &new, is_explicit);
}

/*
 * Returns the type in which the values of a type that an object uses are
 * stored: a domain's base type.
 */
static const char *
stored_type(const CmigObject *object, const char *type)
{
	const CmigObject *next = object;

	while (next != NULL)
	{
		const bool	array = is_array(type);
		const char *element = array ? pnstrdup(type, strlen(type) - 2) : type;

		object = next;
		next = NULL;
		for (int i = 0; i < object->ndepends && next == NULL; i++)
			if (object->depends[i]->kind == &cmig_kind_domain &&
				strcmp(object->depends[i]->identity, element) == 0)
				next = object->depends[i];
		if (next != NULL)
			type = psprintf("%s%s", next->values[CMIG_DOMAIN_BASE], array ? "[]" : "");
	}
	return type;
}

/* Returns what changing the type of a value through text changes in it. */
static int
loss_through_text(const CmigObject *from, const char *old_type, const CmigObject *to,
				  const char *new_type)
{
	const int	loss = cmig_values_lost(stored_type(from, old_type), stored_type(to, new_type),
										false);
	Type		old,
				new;

	parse(stored_type(from, old_type), stored_type(to, new_type), &old, &new);
	/* a fraction is no text of an integer, nor a number that of a boolean */
	return (loss == CMIG_LOSS_ROUNDS && !is_one(&new, "numeric,")) ||
		loss == CMIG_LOSS_TRUTH ? 0 : loss;
}

int
cmig_type_loss(const CmigObject *from, const CmigObject *to)
{
	int			loss = 0;

	if (from->kind != to->kind)
		return 0;
	if (from->kind == &cmig_kind_domain)
		return loss_through_text(from, from->values[CMIG_DOMAIN_BASE], to,
								 to->values[CMIG_DOMAIN_BASE]);
	for (const CmigObject *child = from->kind == &cmig_kind_composite ? from->child :
		 NULL; child != NULL; child = child->sibling)
	{
		const CmigObject *other = cmig_object_child(to, &cmig_kind_attribute, child->name);

		loss |= other == NULL ? CMIG_LOSS_ATTRIBUTES :
			loss_through_text(child, child->values[CMIG_DEFINITION], other,
							  other->values[CMIG_DEFINITION]);
	}
	return loss;
}

/*
 * Column defaults.  They contain no variables, so pg_get_expr() does not need the
 * table, whose column names it would read for each of them.
 */

static const CmigProperty properties[] = {
	{"default", CMIG_PROPERTY_EXPRESSION},
};

static const char default_sql[] =
"SELECT 'pg_attrdef'::regclass::oid, e.oid, 0, 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text,"
" NOT a.attislocal AND EXISTS (SELECT FROM pg_inherits i"
" JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname"
"  JOIN pg_attrdef pe ON pe.adrelid = pa.attrelid AND pe.adnum = pa.attnum WHERE i.inhrelid = c.oid"
"  AND pg_get_expr(pe.adbin, pe.adrelid) = pg_get_expr(e.adbin, 0))"
" AND NOT c.relispartition,"
" pg_get_expr(e.adbin, 0)"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attrdef e ON e.adrelid = c.oid"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = e.adnum AND a.attgenerated = ''"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'p', 'v', 'f')"
/* DEFAULT NULL has a row if the type has a length; in a view or domain, it overrides another */
" AND (pg_get_expr(e.adbin, 0) NOT LIKE 'NULL::%' OR c.relkind = 'v'"
"  OR EXISTS (SELECT FROM pg_type t WHERE t.oid = a.atttypid AND t.typtype = 'd'))";

/*
 * Query for defaults that must be created in a certain order.  A new child
 * table copies the default that the parent's column has at that time.
 * Therefore, the child's default is created after the parent's.
 */
static const char default_follows[] =
"SELECT 'pg_attrdef'::regclass::oid, e.oid, 0, 'pg_attrdef'::regclass::oid, pe.oid, 0"
" FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_attrdef e ON e.adrelid = c.oid"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = e.adnum AND a.attgenerated = ''"
" AND NOT a.attislocal"
" JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname"
" JOIN pg_attrdef pe ON pe.adrelid = pa.attrelid AND pe.adnum = pa.attnum"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'f') AND NOT c.relispartition";

static char *
drop_default(const CmigObject *value)
{
	return cmig_kind_column_sql(value->parent, !value->recurses, "DROP DEFAULT");
}

static char *
set_default(const CmigObject *value)
{
	return cmig_kind_column_sql(value->parent, !value->recurses,
								psprintf("SET DEFAULT %s", value->values[0]));
}

static List *
create_default(const CmigObject *value)
{
	return value->folded ? NIL : cmig_ddl_append(NIL, set_default(value), drop_default(value));
}

static void
alter_default(CmigAlter *alter)
{
	cmig_alter_add(alter, CMIG_DEFINITION, set_default(alter->to));
}

/*
 * Can CREATE TABLE include the default?  CREATE TABLE does not list inherited
 * columns, so such a column's default must be set afterwards, unless the
 * default is inherited, too.  A partition is created with all of its columns.
 */
static bool
default_folds(const CmigObject *value)
{
	const CmigObject *column = value->parent;

	return column->kind->define != NULL &&
		(!column->inherited || value->inherited ||
		 column->parent->values[CMIG_TABLE_IS_PARTITION] != NULL);
}

CmigKind	cmig_kind_default = {
	.name = "default",.word = "DEFAULT",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST |
	CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = default_sql,.follows = default_follows,.create = create_default,.drop =
	drop_default,.alter = alter_default,
	.folds = default_folds
};

/* Changes of a column's type */

static const char *
storage_of(const CmigObject *column)
{
	const char *storage = column->values[CMIG_COLUMN_STORAGE];

	return storage ? storage : column->values[CMIG_COLUMN_DEFAULT_STORAGE];
}

/*
 * Append actions that restore the column's compression, which changing the
 * type resets, and its storage, if this is not "storage".
 */
static void
append_details(StringInfo buf, const CmigObject *column, const char *storage)
{
	const char *name = cmig_quote(column->name);

	if (strcmp(storage_of(column), storage) != 0)
		appendStringInfo(buf, ", ALTER COLUMN %s SET STORAGE %s", name, storage_of(column));
	if (column->values[CMIG_COLUMN_COMPRESSION] != NULL)
		appendStringInfo(buf, ", ALTER COLUMN %s SET COMPRESSION %s", name,
						 column->values[CMIG_COLUMN_COMPRESSION]);
}

/*
 * Returns the statement that gives the column a type, and converts its values
 * with the expression "using", if that is not NULL.  The values of a foreign
 * table are not here, so they are not converted.
 */
static char *
retype_sql(const CmigObject *column, const char *type, const char *using)
{
	StringInfoData action;

	initStringInfo(&action);
	appendStringInfo(&action, "TYPE %s", type);
	if (column->values[CMIG_COLUMN_COLLATION])
		appendStringInfo(&action, " COLLATE %s", column->values[CMIG_COLUMN_COLLATION]);
	if (using != NULL && column->parent->kind != &cmig_kind_foreign_table)
		appendStringInfo(&action, " USING %s", using);
	append_details(&action, column, column->values[CMIG_COLUMN_DEFAULT_STORAGE]);
	return cmig_kind_column_sql(column, false, action.data);
}

/*
 * Returns the statement that changes a column's type from "from" to "to", a
 * type with the same name that replaces it.  During the change, "from" has the
 * temporary name "away".  The undo restores the column "old".
 */
CmigDdl *
cmig_column_type_replace(const CmigObject *old, const CmigObject *column, const CmigObject *from,
						 const CmigObject *to, const char *away)
{
	CmigDdl    *ddl = palloc0(sizeof(CmigDdl));
	const char *printed = old->values[CMIG_COLUMN_TYPE];
	const char *name = cmig_quote(old->name);
	size_t		length = strlen(from->identity);

	/*
	 * keep the old form of the type, such as an array; if the form also
	 * changes, another statement changes it
	 */
	ddl->sql = retype_sql(strcmp(printed, column->values[CMIG_COLUMN_TYPE]) == 0 ? column : old,
						  printed,
						  cmig_type_convert(name, from, to, printed));
	if (strncmp(printed, from->identity, length) == 0)
	{
		printed = psprintf("%s%s", away, printed + length);
		ddl->undo = retype_sql(old, printed, cmig_type_convert(name, to, from, printed));
	}
	else
		ddl->undo = retype_sql(old, printed, cmig_type_convert(name, from, to, printed));
	ddl->hazards = CMIG_HAZARD_REWRITE | cmig_type_loss(from, to);
	ddl->undo_hazards = cmig_type_loss(to, from);
	if (to->kind != &cmig_kind_enum || from->kind != to->kind || cmig_enum_added(from, to) == NIL)
		ddl->hazards |= CMIG_HAZARD_MAY_FAIL;
	return ddl;
}

/*
 * Returns the statement that changes a column to type text, or to the
 * default collation, while its type or collation is dropped.  The undo
 * restores the column's type or collation.
 */
CmigDdl *
cmig_column_type_detour(const CmigObject *column, bool collation)
{
	CmigDdl    *ddl = palloc0(sizeof(CmigDdl));
	const char *type = column->values[CMIG_COLUMN_TYPE];
	const int	length = strlen(type);
	const char *text = length > 2 && strcmp(type + length - 2, "[]") == 0 ? "text[]" : "text";
	const char *name = cmig_quote(column->name);

	ddl->sql = cmig_kind_column_sql(column, false,
									collation ? psprintf("TYPE %s COLLATE pg_catalog.\"default\"",
														 type) :
									psprintf("TYPE %s%s", text,
											 column->parent->kind == &cmig_kind_foreign_table ? "" :
											 psprintf(" USING %s::%s", name, text)));
	ddl->undo = retype_sql(column, type, collation ? NULL : psprintf("%s::%s", name, type));
	ddl->hazards = CMIG_HAZARD_REWRITE;
	return ddl;
}

/* Does an index of the column's table, or of a constraint, use the column? */
static bool
is_indexed(const CmigObject *column)
{
	for (const CmigObject *child = column->parent->child; child != NULL; child = child->sibling)
	{
		bool		index = child->kind == &cmig_kind_index ||
		(child->kind == &cmig_kind_constraint && cmig_object_index(child) != NULL);

		for (int i = 0; index && i < child->ndepends; i++)
			if (child->depends[i] == column)
				return true;
	}
	return false;
}

/*
 * Returns the expression that converts a column between a type with and one
 * without time zone, whose values are in the time zone "zone".
 */
static char *
using_zone(const char *column, const Type *stored, const Type *to, const char *zone)
{
	if (is_one(stored, "date,"))
		column = psprintf("%s::timestamp", column);
	column = psprintf("%s AT TIME ZONE %s", column, cmig_literal(zone));
	return is_one(to, WITH_ZONE WITHOUT_ZONE) ? unconstify(char *, column) :
		psprintf("(%s)::%s", column, to->text);
}

/* Returns the type in which the values of a column are stored. */
static const char *
column_stored_type(const CmigObject *column)
{
	const char *stored = column->values[CMIG_COLUMN_STORED_TYPE];

	return stored ? stored : column->values[CMIG_COLUMN_TYPE];
}

void
cmig_column_type_alter(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	const char *cast,
			   *using = NULL;
	Type		old,
				new,
				stored,
				becomes;
	bool		zone_decides;
	int			loss;
	CmigDdl    *ddl;

	parse(from->values[CMIG_COLUMN_TYPE], to->values[CMIG_COLUMN_TYPE], &old, &new);
	parse(column_stored_type(from), column_stored_type(to), &stored, &becomes);
	cast = using_cast(&stored, &becomes, alter->casts);
	if (cast != NULL)
		using = psprintf("%s%s%s", cmig_quote(to->name), cast, new.text);
	loss = loss_of(&stored, &becomes, cast != NULL);
	zone_decides = ((loss & CMIG_LOSS_ZONE) ||
					(is_one(&stored, WITH_ZONE) &&
					 is_one(&becomes, "date,time without time zone,"))) &&
		from->parent->kind != &cmig_kind_foreign_table;
	if (zone_decides && alter->zone != NULL)
	{
		if (*alter->zone != '\0' && !stored.is_array)
		{
			using = using_zone(cmig_quote(to->name), &stored, &new, alter->zone);
			loss &= ~CMIG_LOSS_ZONE;
		}
		else if (is_one(&stored, WITH_ZONE WITHOUT_ZONE) &&
				 is_one(&becomes, WITH_ZONE WITHOUT_ZONE))
		{
			alter->unsupported = stored.is_array ?
				"the time zone of the values is not known, and USING cannot convert the elements of an array" :
				"the time zone of the values is not known; set cmig.diff_time_zone, for example to 'UTC'";
			return;
		}
	}
	ddl = cmig_alter_add(alter, CMIG_COLUMN_TYPE, retype_sql(to, new.text, using));

	if (keeps_values(&old, &new))
	{
		/* the table is not rewritten, but the indexes are built again */
		if (cmig_alter_differs(alter, CMIG_COLUMN_COLLATION) && is_indexed(from))
			ddl->hazards = CMIG_HAZARD_BLOCKS;
		return;
	}
	ddl->hazards = CMIG_HAZARD_REWRITE | loss | (may_fail(&old, &new) ? CMIG_HAZARD_MAY_FAIL : 0);
	if (using == NULL)
	{
		ddl->old_type = old.text;
		ddl->new_type = new.text;
	}
}
