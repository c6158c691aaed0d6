/*
 * column_type.c
 *	  Changes of a column's type.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/column_property.h"
#include "kinds/column_type.h"
#include "kinds/kinds.h"
#include "kinds/using.h"

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
	cmig_using_append(&buf, cmig_quote(to->name), from->values[CMIG_COLUMN_TYPE], to->values[CMIG_COLUMN_TYPE]);
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

/*
 * If only the collation changes, the table is not rewritten, but the indexes
 * on the column are built again.
 */
static void
set_collation_hazards(CmigAlter *alter)
{
	const char *old = alter->from->values[CMIG_COLUMN_COLLATION],
			   *new = alter->to->values[CMIG_COLUMN_COLLATION];
	CmigDdl    *ddl = llast(alter->ddl);

	if ((old == NULL || new == NULL ? old != new : strcmp(old, new) != 0) && is_indexed(alter->from))
	{
		ddl->hazards |= CMIG_HAZARD_BLOCKS;
		ddl->undo_hazards |= CMIG_HAZARD_BLOCKS;
	}
}

void
cmig_column_type_alter(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	const char *old = from->values[CMIG_COLUMN_TYPE],
			   *new = to->values[CMIG_COLUMN_TYPE];
	CmigDdl    *ddl;

	cmig_alter_add(alter, cmig_kind_column_sql(to, false, type_action(from, to)),
				   cmig_kind_column_sql(to, false, type_action(to, from)));
	if (!cmig_using_keeps(new, old))
		((CmigDdl *) llast(alter->ddl))->undo_hazards |= CMIG_HAZARD_REWRITE |
			(cmig_using_may_fail(new, old) ? CMIG_HAZARD_MAY_FAIL : 0);
	if (cmig_using_keeps(old, new))
	{
		set_collation_hazards(alter);
		return;
	}
	ddl = cmig_ddl_hazards(alter->ddl, CMIG_HAZARD_REWRITE | (cmig_using_may_fail(old, new) ? CMIG_HAZARD_MAY_FAIL : 0));
	if (!cmig_using_converts(old, new))
	{
		ddl->old_type = old;
		ddl->new_type = new;
	}
}
