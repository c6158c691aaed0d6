/*
 * column_type.c
 *	  A column's type and default.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * Converts values from one type to another.
 *
 * 	  Converts values when a column's type changes.
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
}			known[] = {
	{"smallint", NUMBER}, {"integer", NUMBER}, {"bigint", NUMBER}, {"numeric", NUMBER},
	{"real", NUMBER}, {"double precision", NUMBER},
	{"character varying", STRING}, {"character", STRING}, {"text", STRING}, {"name", STRING},
	{"date", MOMENT}, {"timestamp without time zone", MOMENT}, {"timestamp with time zone", MOMENT},
	{"boolean", BOOLEAN},
	{"json", DOCUMENT}, {"jsonb", DOCUMENT},
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

/* Returns the type without its modifier: "numeric[]" for "numeric(10,2)[]". */
static char *
base_type(const char *type)
{
	StringInfoData base;
	bool		quoted = false;
	int			depth = 0;

	initStringInfo(&base);
	for (; *type != '\0'; type++)
	{
		if (*type == '"')
			quoted = !quoted;
		if (!quoted && *type == ')')
			depth--;
		else if (!quoted && *type == '(')
			depth++;
		else if (depth == 0)
			appendStringInfoChar(&base, *type);
	}
	return base.data;
}

/* Returns the type's family. */
static Family
family_of(const char *type)
{
	for (int i = 0; i < lengthof(known); i++)
		if (strcmp(known[i].name, type) == 0)
			return known[i].family;
	return OTHER;
}

/*
 * Can PostgreSQL use stored values of one type as values of the other type
 * without changing them?
 */
static bool
is_same_stored(const char *using_from, const char *to)
{
	return (strcmp(using_from, "cidr") == 0 && strcmp(to, "inet") == 0) ||
		(strcmp(using_from, "integer") == 0 && strcmp(to, "oid") == 0);
}

/*
 * Can values be converted by assignment?  Assignment to a string type is
 * always possible, although queries on the column may then work differently.
 */
static bool
is_assignable(Family using_from, Family to)
{
	return (using_from == to && using_from != OTHER) || to == STRING;
}

/* Does the array "cast" contain this pair of types? */
static bool
has_cast(const char *using_from, const char *to)
{
	for (int i = 0; i < lengthof(cast); i++)
		if (strcmp(cast[i].from, using_from) == 0 && strcmp(cast[i].to, to) == 0)
			return true;
	return false;
}

bool
cmig_using_needed(const char *using_from, const char *to)
{
	char	   *old = base_type(using_from),
			   *new = base_type(to);
	Family		family = family_of(old);

	return strcmp(old, new) != 0 &&
		(family == OTHER || family == STRING || family != family_of(new));
}

/*
 * using_append() appends " USING ..." for ALTER COLUMN ... TYPE, unless
 * PostgreSQL converts the values without it.  If cmig_using_needed() returns
 * false, PostgreSQL converts indexes, defaults, and constraints along with the
 * column.
 */
static void
using_append(StringInfo buf, const char *column, const char *using_from, const char *to)
{
	char	   *old = base_type(using_from),
			   *new = base_type(to);
	Family		old_family = family_of(old),
				new_family = family_of(new);

	if (strcmp(old, new) == 0 || is_same_stored(old, new) || is_assignable(old_family, new_family))
		return;
	if (old_family == STRING || has_cast(old, new))
		appendStringInfo(buf, " USING %s::%s", column, to);
	else
		appendStringInfo(buf, " USING %s::text::%s", column, to);
}

/* Effects on existing rows */

/*
 * Get the numbers in a type modifier, as in "numeric(10,2)".  Returns how many
 * there are.
 */
static int
modifier_of(const char *type, int *first, int *second)
{
	const char *open = strchr(type, '(');

	*first = *second = 0;
	return open == NULL ? 0 : Max(sscanf(open, "(%d,%d)", first, second), 0);
}

static bool
is_one_of(const char *type, const char *const *types)
{
	for (; *types != NULL; types++)
		if (strcmp(type, *types) == 0)
			return true;
	return false;
}

/*
 * Does each value stay valid and unchanged when only the type's modifier
 * changes?
 */
static bool
modifier_keeps(const char *base, const char *using_from, const char *to)
{
	static const char *const growing[] = {
		"character varying", "bit varying", "timestamp without time zone", "timestamp with time zone",
		"time without time zone", "time with time zone", "interval", NULL
	};
	int			old,
				old_scale,
				new,
				new_scale;
	int			count = modifier_of(using_from, &old, &old_scale);

	if (strcmp(using_from, to) == 0)
		return true;
	if (modifier_of(to, &new, &new_scale) == 0)
		return strcmp(base, "numeric") == 0 || is_one_of(base, growing);
	if (count == 0)
		return false;
	if (strcmp(base, "numeric") == 0)
		return new >= old && new_scale == old_scale;
	return is_one_of(base, growing) && new >= old;
}

/* Are stored values the same in both types, as far as the type names show? */
static bool
using_keeps(const char *using_from, const char *to)
{
	char	   *old = base_type(using_from),
			   *new = base_type(to);

	if (strcmp(old, new) == 0)
		return modifier_keeps(old, using_from, to);
	if (strcmp(old, "character varying") == 0)
		return strcmp(to, "text") == 0;
	return strcmp(old, "text") == 0 && strcmp(to, "character varying") == 0;
}

/* Does using_append() append anything? */
static bool
using_converts(const char *using_from, const char *to)
{
	StringInfoData buf;

	initStringInfo(&buf);
	using_append(&buf, "", using_from, to);
	return buf.len > 0;
}

/*
 * Returns the rank of a type in the order from narrow to wide types, or -1 if
 * the type has no rank.
 */
static int
width_of(const char *type)
{
	static const char *const types[] = {
		"smallint", "integer", "bigint", "numeric", "double precision", "text"
	};

	for (int i = 0; i < lengthof(types); i++)
		if (strcmp(types[i], type) == 0)
			return i;
	return -1;
}

/*
 * Can the new modifier reject values?  It never rejects times, because these
 * are rounded.
 */
static bool
is_narrower(const char *base, const char *using_from, const char *to)
{
	int			old,
				old_scale,
				new,
				new_scale;
	int			count = modifier_of(using_from, &old, &old_scale);

	if (modifier_of(to, &new, &new_scale) == 0)
		return false;
	if (strncmp(base, "numeric", 7) == 0)
		return count == 0 || new - new_scale < old - old_scale;
	if (strcmp(base, "bit") == 0)
		return new != old;
	return (strncmp(base, "character", 9) == 0 || strncmp(base, "bit varying", 11) == 0) && (count == 0 || new < old);
}

/* Can the conversion fail because a value does not fit the new type? */
static bool
using_may_fail(const char *using_from, const char *to)
{
	char	   *old = base_type(using_from),
			   *new = base_type(to);
	int			old_width = width_of(old),
				new_width = width_of(to);

	if (strcmp(old, new) == 0)
		return is_narrower(old, using_from, to);
	if (strncmp(to, "text", 4) == 0 || strcmp(to, "character varying") == 0)
		return false;
	if (old_width >= 0 && new_width >= 0)
		return new_width < old_width;
	return family_of(old) != MOMENT || family_of(to) != MOMENT;
}

/* ----------------------------------------------------------------
 * Functions with which other modules examine column defaults.
 *
 * No database access.
 *
 * 	  Column defaults.
 * ----------------------------------------------------------------
 */

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
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'f')";

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
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'f') AND NOT c.relispartition";

const CmigObject *
cmig_default_of(const CmigObject *column)
{
	for (const CmigObject *child = column->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_default)
			return child;
	return NULL;
}

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
	if (cmig_alter_differs(alter, 0))
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

/* ----------------------------------------------------------------
 * Changes of a column's type.
 *
 * No database access.
 * ----------------------------------------------------------------
 */

/*
 * Append actions that restore the storage and the compression, which changing
 * the type resets.
 */
static void
append_details(StringInfo buf, const CmigObject *column)
{
	if (column->values[CMIG_COLUMN_STORAGE] != NULL)
		appendStringInfo(buf, ", ALTER COLUMN %s SET STORAGE %s", cmig_quote(column->name), column->values[CMIG_COLUMN_STORAGE]);
	if (column->values[CMIG_COLUMN_COMPRESSION] != NULL)
		appendStringInfo(buf, ", ALTER COLUMN %s SET COMPRESSION %s", cmig_quote(column->name), column->values[CMIG_COLUMN_COMPRESSION]);
}

/*
 * Returns the statement that restores the storage and the compression of a
 * column after the type of "top", from which it inherits, has changed.
 * Returns NULL if there is nothing to restore.
 */
char *
cmig_column_storage_again(const CmigObject *column, const CmigObject *top)
{
	char	   *const *values = column->values;
	const char *storage = values[CMIG_COLUMN_STORAGE] ? values[CMIG_COLUMN_STORAGE] : values[CMIG_COLUMN_DEFAULT_STORAGE];
	const char *tops = top->values[CMIG_COLUMN_STORAGE] ? top->values[CMIG_COLUMN_STORAGE] : top->values[CMIG_COLUMN_DEFAULT_STORAGE];
	StringInfoData buf;

	initStringInfo(&buf);
	if (strcmp(storage, tops) != 0)
		appendStringInfo(&buf, ", ALTER COLUMN %s SET STORAGE %s", cmig_quote(column->name), storage);
	if (values[CMIG_COLUMN_COMPRESSION] != NULL)
		appendStringInfo(&buf, ", ALTER COLUMN %s SET COMPRESSION %s", cmig_quote(column->name), values[CMIG_COLUMN_COMPRESSION]);
	return buf.len == 0 ? NULL : psprintf("ALTER TABLE ONLY %s%s", column->parent->identity, buf.data + 1);
}

static const char *
collate_clause(const CmigObject *column)
{
	return column->values[CMIG_COLUMN_COLLATION] ? psprintf(" COLLATE %s", column->values[CMIG_COLUMN_COLLATION]) : "";
}

/* Returns the action "TYPE ... USING ..." that changes the type. */
static char *
type_action(const CmigObject *from, const CmigObject *to)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "TYPE %s", to->values[CMIG_COLUMN_TYPE]);
	if (to->values[CMIG_COLUMN_COLLATION])
		appendStringInfo(&buf, " COLLATE %s", to->values[CMIG_COLUMN_COLLATION]);
	using_append(&buf, cmig_quote(to->name), from->values[CMIG_COLUMN_TYPE], to->values[CMIG_COLUMN_TYPE]);
	append_details(&buf, to);
	return buf.data;
}

/*
 * Returns the statement that changes the column's type and converts its
 * values.
 */
static char *
retype_sql(const CmigObject *column, const CmigObject *from, const CmigObject *to, const char *type)
{
	StringInfoData action;

	initStringInfo(&action);
	appendStringInfo(&action, "TYPE %s%s USING %s", type, collate_clause(column),
					 cmig_type_convert(cmig_quote(column->name), from, to, type));
	append_details(&action, column);
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
	size_t		length = strlen(from->identity);

	/*
	 * keep the old form of the type, such as an array; if the form also
	 * changes, another statement changes it
	 */
	ddl->sql = retype_sql(strcmp(printed, column->values[CMIG_COLUMN_TYPE]) == 0 ? column : old, from, to, printed);
	if (strncmp(printed, from->identity, length) == 0)
		ddl->undo = retype_sql(old, to, from, psprintf("%s%s", away, printed + length));
	else
		ddl->undo = retype_sql(old, from, to, printed);
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
	StringInfoData undo;

	initStringInfo(&undo);
	appendStringInfo(&undo, "TYPE %s%s", type, collate_clause(column));
	if (!collation)
		appendStringInfo(&undo, " USING %s::%s", name, type);
	append_details(&undo, column);
	ddl->sql = collation ? psprintf("TYPE %s COLLATE pg_catalog.\"default\"", type) :
		psprintf("TYPE %s USING %s::%s", text, name, text);
	ddl->sql = cmig_kind_column_sql(column, false, ddl->sql);
	ddl->undo = cmig_kind_column_sql(column, false, undo.data);
	ddl->hazards = CMIG_HAZARD_REWRITE;
	return ddl;
}

/* Is the object an index, or a constraint with an index? */
static bool
has_index(const CmigObject *object)
{
	return object->kind == &cmig_kind_index ||
		(object->kind == &cmig_kind_constraint && object->kind->index_name(object) != NULL);
}

/* Does an index of the column's table use the column? */
static bool
is_indexed(const CmigObject *column)
{
	for (const CmigObject *child = column->parent->child; child != NULL; child = child->sibling)
		for (int i = 0; has_index(child) && i < child->ndepends; i++)
			if (child->depends[i] == column)
				return true;
	return false;
}

void
cmig_column_type_alter(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	const char *old = from->values[CMIG_COLUMN_TYPE],
			   *new = to->values[CMIG_COLUMN_TYPE];
	CmigDdl    *ddl;

	ddl = cmig_alter_add(alter, CMIG_COLUMN_TYPE, cmig_kind_column_sql(to, false, type_action(from, to)));
	if (using_keeps(old, new))
	{
		/* the table is not rewritten, but the indexes are built again */
		if (cmig_alter_differs(alter, CMIG_COLUMN_COLLATION) && is_indexed(from))
			ddl->hazards = CMIG_HAZARD_BLOCKS;
		return;
	}
	ddl->hazards = CMIG_HAZARD_REWRITE | (using_may_fail(old, new) ? CMIG_HAZARD_MAY_FAIL : 0);
	if (!using_converts(old, new))
	{
		ddl->old_type = old;
		ddl->new_type = new;
	}
}
