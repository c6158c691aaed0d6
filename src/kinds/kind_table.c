/*
 * kind_table.c
 *	  Tables, partitioned or not.
 *
 * A partition is created as an ordinary table, with all of its columns, and
 * then attached (kind_partition.c).
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "base/text_list.h"
#include "kinds/image.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"
#include "kinds/options.h"

enum
{
	PERSISTENCE,
	PARTITION_KEY,
	IS_PARTITION,
	INHERITS,
	OF_TYPE,
	METHOD,
	TABLESPACE,
	OPTIONS,
	TOAST_OPTIONS,
	REPLICA_IDENTITY,
	ROW_SECURITY,
	FORCE_ROW_SECURITY
};

static const CmigProperty properties[] = {
	[PERSISTENCE] = {"persistence", CMIG_PROPERTY_NO_MODEL},
	[PARTITION_KEY] = {"partition key", CMIG_PROPERTY_EXPRESSION},
	[IS_PARTITION] = {"partition", CMIG_PROPERTY_SILENT},
	[INHERITS] = {"inherits"},
	[OF_TYPE] = {"type"},
	[METHOD] = {"access method", CMIG_PROPERTY_NO_MODEL},
	[TABLESPACE] = {"tablespace", CMIG_PROPERTY_NO_MODEL},
	[OPTIONS] = {"options", CMIG_PROPERTY_LIST | CMIG_PROPERTY_NO_MODEL},
	[TOAST_OPTIONS] = {"options of the TOAST table", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_NO_MODEL},
	[REPLICA_IDENTITY] = {"replica identity", CMIG_PROPERTY_NO_MODEL},
	[ROW_SECURITY] = {"row security", CMIG_PROPERTY_NO_MODEL},
	[FORCE_ROW_SECURITY] = {"forced row security", CMIG_PROPERTY_NO_MODEL},
};

static const char table_sql[] =
"SELECT 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text, false,"
" CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,"
" CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END,"
" CASE WHEN c.relispartition THEN 't' END,"
" CASE WHEN c.relhassubclass OR NOT c.relispartition THEN"
"  (SELECT string_agg(format('%I.%I', pn.nspname, p.relname), ', ' ORDER BY i.inhseqno)"
"   FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace"
"   WHERE i.inhrelid = c.oid AND NOT c.relispartition) END,"
" CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,"
" CASE WHEN m.amname <> 'heap' THEN quote_ident(m.amname) END,"
" quote_ident(s.spcname),"
" " CMIG_OPTIONS_SQL("c.reloptions") ","
" CASE WHEN c.reltoastrelid <> 0 THEN"
"  (SELECT " CMIG_OPTIONS_SQL("t.reloptions") " FROM pg_class t WHERE t.oid = c.reltoastrelid) END,"
" CASE c.relreplident WHEN 'n' THEN 'NOTHING' WHEN 'f' THEN 'FULL' END,"
" CASE WHEN c.relrowsecurity THEN 't' END, CASE WHEN c.relforcerowsecurity THEN 't' END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" LEFT JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace"
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p')";

bool
cmig_table_is_partitioned(const CmigObject *table)
{
	return table->values[PARTITION_KEY] != NULL;
}

bool
cmig_table_same_key(const CmigObject *table, const CmigObject *other)
{
	return cmig_table_is_partitioned(other) &&
		cmig_kind_same_value(&properties[PARTITION_KEY], table->values[PARTITION_KEY], other->values[PARTITION_KEY]);
}

bool
cmig_table_is_key(const CmigObject *table, const char *column)
{
	const char *key = table->values[PARTITION_KEY];
	const char *name = cmig_quote(column);
	size_t		length = strlen(name);

	for (const char *found = key ? strstr(key, name) : NULL; found != NULL; found = strstr(found + 1, name))
		if (found > key && strchr("( ,", found[-1]) != NULL && strchr("), :", found[length]) != NULL)
			return true;
	return false;
}

const char *
cmig_table_type(const CmigObject *table)
{
	return table->values[OF_TYPE];
}

bool
cmig_table_is_unlogged(const CmigObject *table)
{
	return table->values[PERSISTENCE] != NULL;
}

bool
cmig_table_keeps_type(const CmigObject *from, const CmigObject *to)
{
	return from->values[OF_TYPE] != NULL && to->values[OF_TYPE] != NULL &&
		strcmp(from->values[OF_TYPE], to->values[OF_TYPE]) == 0;
}

bool
cmig_table_is_partition(const CmigObject *table)
{
	return table->values[IS_PARTITION] != NULL;
}

/* Does CREATE TABLE include this child? */
static bool
is_in_create(const CmigObject *table, const CmigObject *child)
{
	return child->folded && (!child->inherited || cmig_table_is_partition(table));
}

/* Append the columns and constraints for CREATE TABLE. */
static void
table_elements(StringInfo buf, const CmigObject *table)
{
	const char *separator = "\n\t";

	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		if (child->kind->define == NULL || !is_in_create(table, child))
			continue;
		appendStringInfoString(buf, separator);
		child->kind->define(buf, child);
		separator = ",\n\t";
	}
	if (*separator == ',')
		appendStringInfoChar(buf, '\n');
}

/* Enable or disable row security, or force it for the table's owner. */
static void
alter_row_security(CmigAlter *alter, int property, const char *on, const char *off)
{
	bool		enables = alter->to->values[property] != NULL;
	CmigDdl    *ddl;

	if (!cmig_alter_differs(alter, property))
		return;
	cmig_alter_action(alter, enables ? on : off, enables ? off : on);
	ddl = llast(alter->ddl);
	if (enables)
		ddl->undo_hazards |= CMIG_HAZARD_UNPROTECTS;
	else
		ddl->hazard = psprintf("row security disabled%s: %s", property == FORCE_ROW_SECURITY ? " for the owner" : "",
							   alter->to->identity);
}

static void
alter_table(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	alter_row_security(alter, ROW_SECURITY, "ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY");
	alter_row_security(alter, FORCE_ROW_SECURITY, "FORCE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY");
	if (cmig_alter_differs(alter, REPLICA_IDENTITY))
		cmig_alter_action(alter, psprintf("REPLICA IDENTITY %s", to->values[REPLICA_IDENTITY] ? to->values[REPLICA_IDENTITY] : "DEFAULT"),
						  psprintf("REPLICA IDENTITY %s", from->values[REPLICA_IDENTITY] ? from->values[REPLICA_IDENTITY] : "DEFAULT"));
}

/*
 * Mark all statements except the first "count" ones as statements that rewrite
 * the table.
 */
static void
set_rewrites(CmigAlter *alter, int count)
{
	if (cmig_table_is_partitioned(alter->to))
		return;
	for (int i = count; i < list_length(alter->ddl); i++)
	{
		CmigDdl    *ddl = list_nth(alter->ddl, i);

		ddl->hazards |= CMIG_HAZARD_REWRITE;
		ddl->undo_hazards |= CMIG_HAZARD_REWRITE;
	}
}

/* Add the statements for properties that CREATE TABLE can also set. */
static void
alter_storage(CmigAlter *alter)
{
	const CmigObject *to = alter->to;
	const char *reference = cmig_kind_reference(to);
	int			count = list_length(alter->ddl);

	if (cmig_alter_differs(alter, PERSISTENCE))
		cmig_alter_action(alter, to->values[PERSISTENCE] ? "SET UNLOGGED" : "SET LOGGED",
						  to->values[PERSISTENCE] ? "SET LOGGED" : "SET UNLOGGED");
	cmig_alter_value(alter, METHOD, "SET ACCESS METHOD", "heap");
	cmig_alter_value(alter, TABLESPACE, "SET TABLESPACE", "pg_default");
	set_rewrites(alter, count);
	cmig_options_alter(alter, OPTIONS, reference, "");
}

/* Split "a, b", a list of quoted names. */
static List *
cut_names(const char *names)
{
	List	   *list = NIL;
	const char *start = names;
	bool		quoted = false;

	if (names == NULL)
		return NIL;
	for (; *names != '\0'; names++)
	{
		if (*names == '"')
			quoted = !quoted;
		else if (!quoted && *names == ',')
		{
			list = lappend(list, pnstrdup(start, names - start));
			start = names + 2;
		}
	}
	return lappend(list, pstrdup(start));
}

bool
cmig_table_keeps_inheriting(const CmigImage *from, const CmigImage *to, const CmigObject *object)
{
	const CmigObject *old = cmig_image_lookup(from, object->parent->kind, object->parent->identity);
	const CmigObject *new = cmig_image_lookup(to, object->parent->kind, object->parent->identity);
	const CmigImage *image = new == object->parent ? to : from;
	List	   *parents;
	ListCell   *cell;

	if (old == NULL || new == NULL || cmig_kind_same_value(&properties[INHERITS], old->values[INHERITS], new->values[INHERITS]))
		return true;
	parents = cut_names(new->values[INHERITS]);
	foreach(cell, cut_names(old->values[INHERITS]))
	{
		const CmigObject *parent = cmig_text_list_has(parents, lfirst(cell)) ?
		cmig_image_lookup(image, object->parent->kind, lfirst(cell)) : NULL;

		for (const CmigObject *child = parent ? parent->child : NULL; child != NULL; child = child->sibling)
			if (child->kind == object->kind && strcmp(child->name, object->name) == 0)
				return true;
	}
	return false;
}

/* Add NO INHERIT before all column changes, and INHERIT after them. */
static void
alter_inherits(CmigAlter *alter)
{
	CmigAlter	part = {.from = alter->from,.to = alter->to};
	CmigAlter	join = part;
	List	   *old = cut_names(alter->from->values[INHERITS]);
	List	   *new = cut_names(alter->to->values[INHERITS]);
	ListCell   *cell;

	foreach(cell, old)
	{
		char	   *name = lfirst(cell);

		if (!cmig_text_list_has(new, name))
			cmig_alter_action(&part, psprintf("NO INHERIT %s", name), psprintf("INHERIT %s", name));
	}
	foreach(cell, new)
	{
		char	   *name = lfirst(cell);

		if (!cmig_text_list_has(old, name))
			cmig_alter_action(&join, psprintf("INHERIT %s", name), psprintf("NO INHERIT %s", name));
	}
	alter->first = part.ddl;
	alter->last = join.ddl;
}

void
cmig_table_untype(CmigAlter *alter)
{
	CmigAlter	part = {.from = alter->from,.to = alter->to,.ddl = alter->first};
	CmigAlter	join = {.from = alter->from,.to = alter->to,.ddl = alter->last};
	const char *old = alter->from->values[OF_TYPE];
	const char *new = alter->to->values[OF_TYPE];

	if (old != NULL)
		cmig_alter_action(&part, "NOT OF", psprintf("OF %s", old));
	if (new != NULL)
		cmig_alter_action(&join, psprintf("OF %s", new), "NOT OF");
	alter->first = part.ddl;
	alter->last = join.ddl;
}

/* Add the statements for all properties of a table. */
static void
alter_all(CmigAlter *alter)
{
	if (cmig_alter_differs(alter, PARTITION_KEY))
	{
		alter->again = true;
		return;
	}
	alter_inherits(alter);
	if (cmig_alter_differs(alter, OF_TYPE))
		cmig_table_untype(alter);
	alter_storage(alter);
	alter_table(alter);
}

static List *
create_table(const CmigObject *table)
{
	char	   *const *values = table->values;
	StringInfoData sql;
	List	   *ddl;

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE %sTABLE %s", values[PERSISTENCE] ? "UNLOGGED " : "", table->identity);
	if (values[OF_TYPE])
		appendStringInfo(&sql, " OF %s", values[OF_TYPE]);
	appendStringInfoString(&sql, " (");
	table_elements(&sql, table);
	appendStringInfoChar(&sql, ')');
	if (values[OF_TYPE] && strcmp(sql.data + sql.len - 2, "()") == 0)
	{
		sql.len -= 3;
		sql.data[sql.len] = '\0';
	}
	if (values[INHERITS])
		appendStringInfo(&sql, "\nINHERITS (%s)", values[INHERITS]);
	if (values[PARTITION_KEY])
		appendStringInfo(&sql, "\nPARTITION BY %s", values[PARTITION_KEY]);
	if (values[METHOD])
		appendStringInfo(&sql, "\nUSING %s", values[METHOD]);
	if (values[OPTIONS] || values[TOAST_OPTIONS])
		appendStringInfo(&sql, "\nWITH (%s%s%s)", values[OPTIONS] ? values[OPTIONS] : "",
						 values[OPTIONS] && values[TOAST_OPTIONS] ? ", " : "",
						 values[TOAST_OPTIONS] ? cmig_options_prefixed(values[TOAST_OPTIONS], "toast.") : "");
	if (values[TABLESPACE])
		appendStringInfo(&sql, "\nTABLESPACE %s", values[TABLESPACE]);
	ddl = cmig_ddl_append(NIL, sql.data, psprintf("DROP TABLE %s", table->identity));
	return cmig_kind_complete(table, ddl, alter_table);
}

bool
cmig_table_is_forced(const CmigObject *table)
{
	return table->kind == &cmig_kind_table && table->values[FORCE_ROW_SECURITY] != NULL;
}

bool
cmig_table_is_force_statement(const CmigDdl *ddl)
{
	size_t		length = strlen(" FORCE ROW LEVEL SECURITY");

	return strlen(ddl->sql) > length &&
		strcmp(ddl->sql + strlen(ddl->sql) - length, " FORCE ROW LEVEL SECURITY") == 0;
}

void
cmig_table_set_unforced(CmigObject *table)
{
	cmig_object_set(table, FORCE_ROW_SECURITY, NULL);
}

CmigKind	cmig_kind_table = {
	.name = "table",.word = "TABLE",.default_type = 'r',
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DATA | CMIG_KIND_RELATION | CMIG_KIND_TYPE,
	CMIG_PROPERTIES(properties),
	.sql = table_sql,.create = create_table,.alter = alter_all
};
