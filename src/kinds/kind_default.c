/*
 * kind_default.c
 *	  Column defaults.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kind_default.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"

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

const char *
cmig_default_expression(const CmigObject *value)
{
	return value->values[0];
}

static char *
drop_default(const CmigObject *value)
{
	return cmig_kind_column_sql(value->parent, true, "DROP DEFAULT");
}

static char *
set_default(const CmigObject *value)
{
	return cmig_kind_column_sql(value->parent, true, psprintf("SET DEFAULT %s", value->values[0]));
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
		cmig_alter_add(alter, set_default(alter->to), set_default(alter->from));
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
		(!column->inherited || value->inherited || cmig_table_is_partition(column->parent));
}

CmigKind	cmig_kind_default = {
	.name = "default",.word = "DEFAULT",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = default_sql,.follows = default_follows,.create = create_default,.drop = drop_default,.alter = alter_default,
	.folds = default_folds
};
