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
	{"smallint", NUMBER, 1}, {"integer", NUMBER, 2}, {"bigint", NUMBER, 3}, {"numeric", NUMBER, 4, true},
	{"real", NUMBER}, {"double precision", NUMBER, 5},
	{"character varying", STRING, 0, true}, {"character", STRING}, {"text", STRING, 6}, {"name", STRING},
	{"date", MOMENT}, {"timestamp without time zone", MOMENT, 0, true}, {"timestamp with time zone", MOMENT, 0, true},
	{"time without time zone", OTHER, 0, true}, {"time with time zone", OTHER, 0, true}, {"interval", OTHER, 0, true},
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
	{"timestamp without time zone", "time without time zone"}, {"timestamp with time zone", "time without time zone"},
	{"timestamp with time zone", "time with time zone"}, {"time with time zone", "time without time zone"},
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
} Type;

static Type
parse(const char *text)
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

bool
cmig_using_needed(const char *using_from, const char *to)
{
	const Type	old = parse(using_from),
				new = parse(to);

	return strcmp(old.base, new.base) != 0 &&
		(old.family == OTHER || old.family == STRING || old.family != new.family);
}

/*
 * Returns the cast for USING, "::" or "::text::", or NULL if PostgreSQL
 * converts the values without USING.  Assignment to a string type is always
 * possible, although queries on the column may then work differently.
 */
static const char *
using_cast(const Type *from, const Type *to)
{
	if (strcmp(from->base, to->base) == 0 || (from->family == to->family && from->family != OTHER) ||
		to->family == STRING ||
		(strcmp(from->base, "cidr") == 0 && strcmp(to->base, "inet") == 0) ||
		(strcmp(from->base, "integer") == 0 && strcmp(to->base, "oid") == 0))
		return NULL;
	for (int i = 0; i < lengthof(cast); i++)
		if (strcmp(cast[i].from, from->base) == 0 && strcmp(cast[i].to, to->base) == 0)
			return "::";
	return from->family == STRING ? "::" : "::text::";
}

/* Are stored values the same in both types, as far as the type names show? */
static bool
keeps_values(const Type *from, const Type *to)
{
	if (strcmp(from->base, "character varying") == 0 && strcmp(to->text, "text") == 0)
		return true;
	if (strcmp(from->base, "text") == 0 && strcmp(to->text, "character varying") == 0)
		return true;
	if (strcmp(from->base, to->base) != 0)
		return false;
	return strcmp(from->text, to->text) == 0 ||
		(from->grows && (to->modifiers == 0 ||
						 (from->modifiers > 0 && to->size >= from->size && to->scale == from->scale)));
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
		return (strncmp(to->base, "character", 9) == 0 || strncmp(to->base, "bit varying", 11) == 0) &&
			(from->modifiers == 0 || to->size < from->size);
	}
	if (strncmp(to->text, "text", 4) == 0 || strcmp(to->text, "character varying") == 0)
		return false;
	if (from->width > 0 && to->width > 0 && to->modifiers == 0)
		return to->width < from->width;
	return from->family != MOMENT || to->family != MOMENT;
}

/* Column defaults */

static const CmigProperty properties[] = {
	{"default", CMIG_PROPERTY_EXPRESSION},
};

static const char default_sql[] =
"SELECT 'pg_attrdef'::regclass::oid, e.oid, 0, 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text,"
" NOT a.attislocal AND EXISTS (SELECT FROM pg_inherits i JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname"
"  JOIN pg_attrdef pe ON pe.adrelid = pa.attrelid AND pe.adnum = pa.attnum WHERE i.inhrelid = c.oid"
"  AND pg_get_expr(pe.adbin, pe.adrelid) = pg_get_expr(e.adbin, e.adrelid)) AND NOT c.relispartition,"
" pg_get_expr(e.adbin, e.adrelid)"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attrdef e ON e.adrelid = c.oid"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = e.adnum AND a.attgenerated = ''"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'p', 'v', 'f')"
/* DEFAULT NULL has a row if the type has a length; in a view or domain, it overrides another */
" AND (pg_get_expr(e.adbin, e.adrelid) NOT LIKE 'NULL::%' OR c.relkind = 'v'"
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
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = e.adnum AND a.attgenerated = '' AND NOT a.attislocal"
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
	return cmig_kind_column_sql(value->parent, !value->recurses, psprintf("SET DEFAULT %s", value->values[0]));
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
		(!column->inherited || value->inherited || column->parent->values[CMIG_TABLE_IS_PARTITION] != NULL);
}

CmigKind	cmig_kind_default = {
	.name = "default",.word = "DEFAULT",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = default_sql,.follows = default_follows,.create = create_default,.drop = drop_default,.alter = alter_default,
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
		appendStringInfo(buf, ", ALTER COLUMN %s SET COMPRESSION %s", name, column->values[CMIG_COLUMN_COMPRESSION]);
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
cmig_column_type_replace(const CmigObject *old, const CmigObject *column, const CmigObject *from, const CmigObject *to,
						 const char *away)
{
	CmigDdl    *ddl = palloc0(sizeof(CmigDdl));
	const char *printed = old->values[CMIG_COLUMN_TYPE];
	const char *name = cmig_quote(old->name);
	size_t		length = strlen(from->identity);

	/*
	 * keep the old form of the type, such as an array; if the form also
	 * changes, another statement changes it
	 */
	ddl->sql = retype_sql(strcmp(printed, column->values[CMIG_COLUMN_TYPE]) == 0 ? column : old, printed,
						  cmig_type_convert(name, from, to, printed));
	if (strncmp(printed, from->identity, length) == 0)
	{
		printed = psprintf("%s%s", away, printed + length);
		ddl->undo = retype_sql(old, printed, cmig_type_convert(name, to, from, printed));
	}
	else
		ddl->undo = retype_sql(old, printed, cmig_type_convert(name, from, to, printed));
	ddl->hazards = CMIG_HAZARD_REWRITE;
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

	ddl->sql = cmig_kind_column_sql(column, false, collation ? psprintf("TYPE %s COLLATE pg_catalog.\"default\"", type) :
									psprintf("TYPE %s%s", text, column->parent->kind == &cmig_kind_foreign_table ? "" : psprintf(" USING %s::%s", name, text)));
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

void
cmig_column_type_alter(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	const Type	old = parse(from->values[CMIG_COLUMN_TYPE]),
				new = parse(to->values[CMIG_COLUMN_TYPE]);
	const char *cast = using_cast(&old, &new);
	CmigDdl    *ddl = cmig_alter_add(alter, CMIG_COLUMN_TYPE, retype_sql(to, new.text, cast == NULL ? NULL :
																		 psprintf("%s%s%s", cmig_quote(to->name), cast, new.text)));

	if (keeps_values(&old, &new))
	{
		/* the table is not rewritten, but the indexes are built again */
		if (cmig_alter_differs(alter, CMIG_COLUMN_COLLATION) && is_indexed(from))
			ddl->hazards = CMIG_HAZARD_BLOCKS;
		return;
	}
	ddl->hazards = CMIG_HAZARD_REWRITE | (may_fail(&old, &new) ? CMIG_HAZARD_MAY_FAIL : 0);
	if (cast == NULL)
	{
		ddl->old_type = old.text;
		ddl->new_type = new.text;
	}
}
