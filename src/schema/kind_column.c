/*
 * kind_column.c
 *	  Table columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "schema/column_identity.h"
#include "schema/kind_column.h"
#include "schema/kind_constraint.h"
#include "schema/kind_default.h"
#include "schema/kind_table.h"
#include "schema/kinds.h"
#include "schema/options.h"
#include "schema/using.h"

enum
{
	TYPE,
	COLLATION,
	NOT_NULL,
	IDENTITY,
	IDENTITY_OPTIONS,
	GENERATED,
	STORAGE,
	DEFAULT_STORAGE,
	COMPRESSION,
	STATISTICS,
	OPTIONS,
	OF_TYPE,
	SEQUENCE,
	SEQUENCE_NAME,
	SEQUENCE_PERSISTENCE,
	SEQUENCE_SETTINGS,
	CHILDREN
};

static const CmigProperty properties[] = {
	[TYPE] = {"type"},
	[COLLATION] = {"collation"},
	[NOT_NULL] = {"not null"},
	[IDENTITY] = {"identity"},
	[IDENTITY_OPTIONS] = {"clause of the identity", CMIG_PROPERTY_SILENT},
	[GENERATED] = {"generation expression", CMIG_PROPERTY_EXPRESSION},
	[STORAGE] = {"storage", CMIG_PROPERTY_NO_MODEL},
	[DEFAULT_STORAGE] = {"the type's storage", CMIG_PROPERTY_SILENT},
	[COMPRESSION] = {"compression", CMIG_PROPERTY_NO_MODEL},
	[STATISTICS] = {"statistics target", CMIG_PROPERTY_NO_MODEL},
	[OPTIONS] = {"options", CMIG_PROPERTY_LIST | CMIG_PROPERTY_NO_MODEL},
	[OF_TYPE] = {"of a typed table", CMIG_PROPERTY_SILENT},
	[SEQUENCE] = {"sequence of the identity", CMIG_PROPERTY_SILENT},
	[SEQUENCE_NAME] = {"name of the identity's sequence"},
	[SEQUENCE_PERSISTENCE] = {"persistence of the identity's sequence", CMIG_PROPERTY_NO_MODEL},
	[SEQUENCE_SETTINGS] = {"options of the identity"},
	[CHILDREN] = {"in a table with children", CMIG_PROPERTY_SILENT},
};

static const char column_sql[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, a.attrelid, 0,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text, NOT a.attislocal,"
" format_type(a.atttypid, a.atttypmod),"
" CASE WHEN a.attcollation <> t.typcollation THEN (SELECT format('%I.%I', kn.nspname, k.collname)"
"  FROM pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace WHERE k.oid = a.attcollation) END,"
" CASE WHEN a.attnotnull THEN 't' END,"
" CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,"
" CASE WHEN a.attidentity <> '' THEN " CMIG_COLUMN_IDENTITY_OPTIONS_SQL " END,"
" CASE WHEN a.attgenerated <> '' THEN (SELECT pg_get_expr(e.adbin, e.adrelid) || CASE a.attgenerated WHEN 's' THEN ') STORED' ELSE ') VIRTUAL' END"
"  FROM pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum) END,"
" CASE WHEN a.attstorage <> t.typstorage THEN " CMIG_STORAGE_SQL("a.attstorage") " END,"
" " CMIG_STORAGE_SQL("t.typstorage") ","
" CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,"
" CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END,"
" CASE WHEN a.attoptions IS NOT NULL THEN " CMIG_OPTIONS_SQL("a.attoptions") " END,"
" CASE WHEN c.reloftype <> 0 THEN 't' END,"
" CASE WHEN a.attidentity <> '' THEN (SELECT format('%I.%I', sn.nspname, sc.relname)" CMIG_COLUMN_IDENTITY_FROM_SQL " END,"
" CASE WHEN a.attidentity <> '' THEN (SELECT sc.relname::text" CMIG_COLUMN_IDENTITY_FROM_SQL " END,"
" CASE WHEN a.attidentity <> '' THEN (SELECT CASE WHEN sc.relpersistence <> c.relpersistence"
" THEN CASE sc.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END END" CMIG_COLUMN_IDENTITY_FROM_SQL " END,"
" CASE WHEN a.attidentity <> '' THEN " CMIG_COLUMN_IDENTITY_SETTINGS_SQL " END,"
" CASE WHEN c.relhassubclass THEN 't' END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
" JOIN pg_type t ON t.oid = a.atttypid"
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p')"
" ORDER BY a.attrelid, a.attnum";

/*
 * An inherited column depends on the parent table's column, and a typed
 * table's column on the attribute of the type.
 */
static const char column_depends[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, p.attrelid, p.attnum::integer"
" FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attinhcount > 0 AND NOT a.attislocal"
" JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attname = a.attname"
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p') AND NOT a.attisdropped"
" UNION ALL SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, p.attrelid, p.attnum::integer"
" FROM pg_class c JOIN pg_type t ON t.oid = c.reloftype JOIN pg_attribute a ON a.attrelid = c.oid"
" JOIN pg_attribute p ON p.attrelid = t.typrelid AND p.attname = a.attname"
" WHERE c.relnamespace = ANY ($1) AND c.reloftype <> 0 AND a.attnum > 0 AND NOT a.attisdropped";

/*
 * A column defined by the child itself is merged with the parent's column.
 * The child's column stays when the parent's column is dropped.  Therefore,
 * the parent's column is created after the child's, and dropped before it.
 */
static const char column_follows[] =
"SELECT 'pg_class'::regclass::oid, p.attrelid, p.attnum::integer, 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer"
" FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attinhcount > 0 AND a.attislocal AND NOT a.attisdropped"
" JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attname = a.attname"
" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p')";

/* Returns the properties of the column's identity. */
static CmigColumnIdentity
identity_of(const CmigObject *column)
{
	CmigColumnIdentity identity = {
		.column = column,
		.type = column->values[TYPE],
		.generated = column->values[IDENTITY],
		.options = column->values[IDENTITY_OPTIONS],
		.sequence = column->values[SEQUENCE],
		.name = column->values[SEQUENCE_NAME],
		.persistence = column->values[SEQUENCE_PERSISTENCE],
		.settings = column->values[SEQUENCE_SETTINGS]
	};

	return identity;
}

/* Append GENERATED ... AS IDENTITY, with the sequence options. */
static void
identity_clause(StringInfo buf, const CmigObject *column)
{
	CmigColumnIdentity identity = identity_of(column);

	cmig_column_identity_append(buf, &identity);
}

static const CmigObject *
find_column(const CmigObject *table, const char *name)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_column && strcmp(child->name, name) == 0)
			return child;
	return NULL;
}

const CmigObject *
cmig_column_parent(const CmigObject *column)
{
	const CmigObject *table = column->parent;

	if (column->alone)
		return NULL;
	for (int i = 0; i < column->ndepends; i++)
		if (column->depends[i]->kind == &cmig_kind_column && column->depends[i]->parent != table)
			return column->depends[i];

	/*
	 * If the table itself also defines the column, the column does not depend
	 * on the parent's column, so look for it in the parent tables.
	 */
	for (int i = 0; i < table->ndepends; i++)
	{
		const CmigObject *found = table->depends[i]->kind == table->kind ? find_column(table->depends[i], column->name) : NULL;

		if (found != NULL)
			return found;
	}
	return NULL;
}

bool
cmig_column_stays_inherited(const CmigObject *from, const CmigObject *to)
{
	if (!from->inherited || !to->inherited || to->alone)
		return false;
	if (cmig_column_parent(from) == NULL || cmig_column_parent(to) == NULL)
		return true;
	for (int i = 0; i < from->ndepends; i++)
		for (int j = 0; j < to->ndepends; j++)
			if (from->depends[i]->kind == &cmig_kind_column && from->depends[i]->parent != from->parent &&
				to->depends[j]->kind == &cmig_kind_column && to->depends[j]->parent != to->parent &&
				strcmp(from->depends[i]->identity, to->depends[j]->identity) == 0)
				return true;
	return false;
}

/*
 * Does CREATE TABLE ... INHERITS take the generation expression from a
 * parent's column?  PostgreSQL does not allow the child to repeat it.
 */
static bool
inherits_expression(const CmigObject *column)
{
	const CmigObject *from;

	if (!column->folded || column->values[GENERATED] == NULL || cmig_table_is_partition(column->parent))
		return false;
	from = cmig_column_parent(column);
	return from != NULL &&
		cmig_kind_same_value(&properties[GENERATED], from->values[GENERATED], column->values[GENERATED]);
}

/* Append "name type DEFAULT ... NOT NULL" for CREATE TABLE or ADD COLUMN. */
static void
define_column(StringInfo buf, const CmigObject *column)
{
	const CmigObject *value = cmig_default_of(column);

	appendStringInfo(buf, "%s %s", cmig_quote(column->name),
					 column->values[OF_TYPE] && column->folded ? "WITH OPTIONS" :
					 column->serial ? column->serial : column->values[TYPE]);
	if (column->values[COLLATION])
		appendStringInfo(buf, " COLLATE %s", column->values[COLLATION]);
	if (value != NULL && value->folded && column->serial == NULL)
		appendStringInfo(buf, " DEFAULT %s", cmig_default_expression(value));
	if (column->values[GENERATED] && !inherits_expression(column))
		appendStringInfo(buf, " GENERATED ALWAYS AS (%s", column->values[GENERATED]);
	if (column->values[IDENTITY])
	{
		appendStringInfoChar(buf, ' ');
		identity_clause(buf, column);
	}
	if (column->values[NOT_NULL])
		appendStringInfoString(buf, " NOT NULL");
}

/*
 * ALTER TABLE
 */

/* Add ALTER TABLE with an action for the column, and its undo. */
static void
add_action(CmigAlter *alter, bool only, const char *action, const char *undo)
{
	cmig_alter_add(alter, cmig_kind_column_sql(alter->to, only, action),
				   cmig_kind_column_sql(alter->to, only, undo));
}

/* Returns "value", or "otherwise" if "value" is NULL. */
static const char *
or_default(const char *value, const char *otherwise)
{
	return value != NULL ? value : otherwise;
}

/* Add the statements that change the storage and the compression. */
static void
alter_storage(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (cmig_alter_differs(alter, STORAGE))
		add_action(alter, true, psprintf("SET STORAGE %s", or_default(to->values[STORAGE], to->values[DEFAULT_STORAGE])),
				   psprintf("SET STORAGE %s", or_default(from->values[STORAGE], from->values[DEFAULT_STORAGE])));
	if (cmig_alter_differs(alter, COMPRESSION))
		add_action(alter, true, psprintf("SET COMPRESSION %s", or_default(to->values[COMPRESSION], "default")),
				   psprintf("SET COMPRESSION %s", or_default(from->values[COMPRESSION], "default")));
}

/* Add the statements that change the statistics target and the options. */
static void
alter_settings(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (cmig_alter_differs(alter, STATISTICS))
		add_action(alter, true, psprintf("SET STATISTICS %s", or_default(to->values[STATISTICS], "-1")),
				   psprintf("SET STATISTICS %s", or_default(from->values[STATISTICS], "-1")));
	cmig_options_alter(alter, OPTIONS, psprintf("TABLE ONLY %s ALTER COLUMN %s", to->parent->identity, cmig_quote(to->name)), "");
}

/* Add the statements for properties that only ALTER TABLE can set. */
static void
alter_details(CmigAlter *alter)
{
	alter_storage(alter);
	alter_settings(alter);
}

/*
 * Append actions that restore the storage and the compression, which changing
 * the type resets.
 */
static void
append_details(StringInfo buf, const CmigObject *column)
{
	if (column->values[STORAGE] != NULL)
		appendStringInfo(buf, ", ALTER COLUMN %s SET STORAGE %s", cmig_quote(column->name), column->values[STORAGE]);
	if (column->values[COMPRESSION] != NULL)
		appendStringInfo(buf, ", ALTER COLUMN %s SET COMPRESSION %s", cmig_quote(column->name), column->values[COMPRESSION]);
}

/* Returns the action "TYPE ... USING ..." that changes the type. */
static char *
type_action(const CmigObject *from, const CmigObject *to)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "TYPE %s", to->values[TYPE]);
	if (to->values[COLLATION])
		appendStringInfo(&buf, " COLLATE %s", to->values[COLLATION]);
	cmig_using_append(&buf, cmig_quote(to->name), from->values[TYPE], to->values[TYPE]);
	append_details(&buf, to);
	return buf.data;
}

bool
cmig_column_is_not_null(const CmigObject *column)
{
	return column->values[NOT_NULL] != NULL;
}

const char *
cmig_column_type(const CmigObject *column)
{
	return column->values[TYPE];
}

static const char *
collate_clause(const CmigObject *column)
{
	return column->values[COLLATION] ? psprintf(" COLLATE %s", column->values[COLLATION]) : "";
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
cmig_column_retype(const CmigObject *old, const CmigObject *column, const CmigObject *from, const CmigObject *to,
				   const char *away)
{
	CmigDdl    *ddl = palloc0(sizeof(CmigDdl));
	const char *printed = column->values[TYPE];
	size_t		length = strlen(from->identity);

	ddl->sql = retype_sql(column, from, to, printed);
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
cmig_column_detour(const CmigObject *column, bool collation)
{
	CmigDdl    *ddl = palloc0(sizeof(CmigDdl));
	const char *type = column->values[TYPE];
	const char *text = strchr(type, '[') ? "text[]" : "text";
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

char *
cmig_column_sequence_persistence(const CmigObject *column)
{
	CmigColumnIdentity identity = identity_of(column);

	return cmig_column_identity_persistence(&identity);
}

/* Add, change, or drop the identity. */
static void
alter_identity(CmigAlter *alter)
{
	CmigColumnIdentity from = identity_of(alter->from),
				to = identity_of(alter->to);

	/*
	 * "sequence" is NULL for partitions, which share the partitioned table's
	 * sequence since PostgreSQL 17
	 */
	if (cmig_alter_differs(alter, IDENTITY) ||
		(from.sequence != NULL && to.sequence != NULL && cmig_alter_differs(alter, SEQUENCE_SETTINGS)))
		cmig_alter_add(alter, cmig_column_identity_sql(&from, &to, from.name), cmig_column_identity_sql(&to, &from, from.name));
	cmig_column_identity_alter(alter, &from, &to, cmig_alter_differs(alter, SEQUENCE_PERSISTENCE));
}

/*
 * Does the same property of the parent's column change?  If so, ALTER TABLE
 * on the parent also changes this column.
 */
static bool
parent_changes(const CmigAlter *alter, int property)
{
	const CmigObject *from = cmig_column_parent(alter->from),
			   *to = cmig_column_parent(alter->to);

	return from != NULL && to != NULL && strcmp(from->parent->identity, to->parent->identity) == 0 &&
		!cmig_kind_same_value(&properties[property], from->values[property], to->values[property]);
}

/* Add the statement that changes the type, with its hazards. */
static void
add_type(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	const char *old = from->values[TYPE],
			   *new = to->values[TYPE];
	CmigDdl    *ddl;

	add_action(alter, false, type_action(from, to), type_action(to, from));
	if (!cmig_using_keeps(new, old))
		((CmigDdl *) llast(alter->ddl))->undo_hazards |= CMIG_HAZARD_REWRITE |
			(cmig_using_may_fail(new, old) ? CMIG_HAZARD_MAY_FAIL : 0);
	if (cmig_using_keeps(old, new))
		return;
	ddl = cmig_ddl_hazards(alter->ddl, CMIG_HAZARD_REWRITE | (cmig_using_may_fail(old, new) ? CMIG_HAZARD_MAY_FAIL : 0));
	if (!cmig_using_converts(old, new))
	{
		ddl->old_type = old;
		ddl->new_type = new;
	}
}

/*
 * Is the column in the partition key of its table or of a parent table?  If
 * so, its type cannot be changed.
 */
static bool
is_in_key(const CmigObject *column)
{
	const CmigObject *parent = cmig_column_parent(column);

	return cmig_table_is_key(column->parent, column->name) || (parent != NULL && is_in_key(parent));
}

/*
 * Is there a check constraint that allows SET NOT NULL without a scan of the
 * table?
 */
static bool
has_not_null_check(const CmigObject *column)
{
	const char *check = psprintf("CHECK ((%s IS NOT NULL))", cmig_quote(column->name));

	for (const CmigObject *child = column->parent->child; child != NULL; child = child->sibling)
		if (child->kind == &cmig_kind_constraint && strcmp(cmig_constraint_text(child), check) == 0)
			return true;
	return false;
}

static void
alter_column(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	bool		own = !cmig_column_stays_inherited(from, to) && !cmig_table_keeps_type(from->parent, to->parent);
	bool		leads = own && !parent_changes(alter, TYPE);
	bool		not_null = to->values[NOT_NULL] != NULL;
	bool		retypes = cmig_alter_differs(alter, TYPE) || cmig_alter_differs(alter, COLLATION);

	if (is_in_key(from) && is_in_key(to) && retypes)
	{
		alter->unsupported = "the type of a column of the partition key cannot be changed";
		return;
	}
	if (cmig_alter_differs(alter, GENERATED) ||
		(to->values[GENERATED] != NULL && retypes))
	{
		alter->again = own;
		return;
	}

	/*
	 * an identity column must be NOT NULL, so drop the identity first, or add
	 * it last
	 */
	if (to->values[IDENTITY] == NULL && leads)
		alter_identity(alter);
	if (retypes)
	{
		alter->disturbs = true;
		alter->recasts = cmig_using_needed(from->values[TYPE], to->values[TYPE]);
		if (leads)
			add_type(alter);
	}
	if (cmig_alter_differs(alter, NOT_NULL) && !parent_changes(alter, NOT_NULL))
	{
		add_action(alter, false, not_null ? "SET NOT NULL" : "DROP NOT NULL",
				   not_null ? "DROP NOT NULL" : "SET NOT NULL");
		if (not_null && !(has_not_null_check(from) && has_not_null_check(to)))
			cmig_ddl_hazards(alter->ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
		if (!not_null)
			((CmigDdl *) llast(alter->ddl))->undo_hazards |= CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL;
	}
	if (to->values[IDENTITY] != NULL && leads)
		alter_identity(alter);

	/*
	 * set the storage, unless the statement that changes the type also sets
	 * it
	 */
	if (!retypes || !leads)
		alter_storage(alter);
	alter_settings(alter);
}

static char *
drop_column(const CmigObject *column)
{
	return psprintf("ALTER TABLE %s DROP COLUMN %s", column->parent->identity, cmig_quote(column->name));
}

/*
 * Set the hazards of adding a column.  Adding a default that is not volatile
 * does not rewrite existing rows.
 */
static void
set_hazards(List *ddl, const CmigObject *column)
{
	const CmigObject *value = cmig_default_of(column);

	if (column->values[GENERATED] || column->values[IDENTITY])
		cmig_ddl_hazards(ddl, CMIG_HAZARD_REWRITE);
	else if (value != NULL && value->folded)
		cmig_ddl_hazards(ddl, CMIG_HAZARD_REWRITE)->expression = cmig_default_expression(value);
	else if (column->values[NOT_NULL])
		cmig_ddl_hazards(ddl, CMIG_HAZARD_MAY_FAIL);
}

/* Append SET NOT NULL or DROP NOT NULL for the column, and its undo. */
static List *
append_not_null(List *ddl, const CmigObject *column, bool set)
{
	const char *actions[] = {"DROP NOT NULL", "SET NOT NULL"};

	return cmig_ddl_append(ddl, cmig_kind_column_sql(column, false, actions[set]),
						   cmig_kind_column_sql(column, false, actions[!set]));
}

List *
cmig_column_deviations(const CmigObject *column, bool add)
{
	const CmigObject *parent = cmig_column_parent(column);
	const CmigObject *value = parent ? cmig_default_of(parent) : NULL;
	List	   *ddl = NIL;

	if (column->values[NOT_NULL] && (parent == NULL || parent->values[NOT_NULL] == NULL))
		ddl = append_not_null(ddl, column, add);
	if (value != NULL && cmig_default_of(column) == NULL)
	{
		char	   *set = psprintf("SET DEFAULT %s", cmig_default_expression(value));

		ddl = cmig_ddl_append(ddl, cmig_kind_column_sql(column, true, add ? "DROP DEFAULT" : set),
							  cmig_kind_column_sql(column, true, add ? set : "DROP DEFAULT"));
	}
	return ddl;
}

static List *
add_column(const CmigObject *column)
{
	StringInfoData sql;
	List	   *ddl;

	initStringInfo(&sql);
	appendStringInfo(&sql, "ALTER TABLE %s ADD COLUMN ", column->parent->identity);
	define_column(&sql, column);
	ddl = cmig_ddl_append(NIL, sql.data, drop_column(column));
	set_hazards(ddl, column);
	return ddl;
}

/*
 * Returns statements that add the column first, and then its identity: ADD
 * COLUMN cannot add an identity column to a table with children.
 */
static List *
add_identity(const CmigObject *column)
{
	CmigObject *plain = cmig_object_copy(column);
	StringInfoData action;

	cmig_object_set(plain, IDENTITY, NULL);
	initStringInfo(&action);
	appendStringInfoString(&action, "ADD ");
	identity_clause(&action, column);
	return cmig_ddl_append(add_column(plain), cmig_kind_column_sql(column, false, action.data),
						   cmig_kind_column_sql(column, false, "DROP IDENTITY"));
}

static List *
create_column(const CmigObject *column)
{
	List	   *ddl = NIL;

	if (!column->folded)
		ddl = column->values[IDENTITY] && column->values[CHILDREN] ? add_identity(column) : add_column(column);
	return cmig_kind_complete(column, ddl, alter_details);
}

/*
 * Returns the name of the identity sequence, which shares the namespace of
 * relations, or NULL.
 */
static const char *
sequence_name(const CmigObject *column)
{
	return column->values[SEQUENCE];
}

/* Is the column's value computed from other columns? */
static bool
is_derived(const CmigObject *column)
{
	return column->values[GENERATED] != NULL;
}

CmigKind	cmig_kind_column = {
	.name = "column",.word = "COLUMN",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DATA | CMIG_KIND_GONE_WITH_PARENT | CMIG_KIND_DISTURBED,
	CMIG_PROPERTIES(properties),
	.sql = column_sql,.depends = column_depends,.follows = column_follows,.create = create_column,.define = define_column,.drop = drop_column,.alter = alter_column,
	.is_disposable = is_derived,.index_name = sequence_name
};
