/*
 * column.c
 *	  Columns, which of them are inherited, and the sequences of identity
 *	  columns.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/internal.h"

/*
 * Returns the parent table's column from which this column is inherited, or
 * NULL if there is none.
 */
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
		const CmigObject *found = cmig_table_is(table->depends[i]) ?
		cmig_object_child(table->depends[i], &cmig_kind_column, column->name) : NULL;

		if (found != NULL)
			return found;
	}
	return NULL;
}

/*
 * Does the column inherit from the same parent column in both images?  If so,
 * the parent column's type and generation expression cannot change without
 * changing this column's, too.
 */
bool
cmig_column_stays_inherited(const CmigObject *from, const CmigObject *to)
{
	if (!from->inherited || !to->inherited || to->alone)
		return false;
	if (cmig_column_parent(from) == NULL || cmig_column_parent(to) == NULL)
		return true;
	for (int i = 0; i < from->ndepends; i++)
		for (int j = 0; j < to->ndepends; j++)
			if (from->depends[i]->kind == &cmig_kind_column &&
				from->depends[i]->parent != from->parent &&
				to->depends[j]->kind == &cmig_kind_column && to->depends[j]->parent != to->parent &&
				strcmp(from->depends[i]->identity, to->depends[j]->identity) == 0)
				return true;
	return false;
}

/*
 * Going up from parent to parent, returns the first column that its own table
 * defines.  ADD COLUMN for that column also adds "column".  Returns NULL if
 * the column has no parent.
 */
static const CmigObject *
find_top(const CmigObject *column)
{
	const CmigObject *top = cmig_column_parent(column);

	while (top != NULL && top->inherited && cmig_column_parent(top) != NULL)
		top = cmig_column_parent(top);
	return top;
}

/*
 * "value" is the default of an inherited column.  Does ADD COLUMN on the
 * parent table, which also adds this column, give it the same default?
 */
static bool
repeats_default(const CmigObject *value)
{
	const CmigObject *top = find_top(value->parent);
	const CmigObject *other = top ? cmig_object_child(top, &cmig_kind_default, NULL) : NULL;

	return other != NULL &&
		strcmp(value->values[CMIG_DEFINITION], other->values[CMIG_DEFINITION]) == 0;
}

/*
 * Returns the statement that sets the default, or drops it if "value" is NULL.
 */
static char *
default_sql(const CmigObject *column, const CmigObject *value)
{
	return cmig_kind_column_sql(column, true,
								value ? psprintf("SET DEFAULT %s", value->values[CMIG_DEFINITION]) :
								"DROP DEFAULT");
}

/*
 * If a column is added together with its parent table's column, or with an
 * attribute of its table's type, it may still differ from that column or
 * attribute.  Returns the statements (a list of CmigDdl) that set the
 * differing properties, such as NOT NULL, no default, or storage.
 */
List *
cmig_column_deviations(const CmigObject *column)
{
	const CmigObject *top = find_top(column);
	const CmigObject *value = cmig_object_child(column, &cmig_kind_default, NULL);
	const CmigObject *copied = top ? cmig_object_child(top, &cmig_kind_default, NULL) : NULL;
	CmigObject *folded = cmig_object_copy(column);
	List	   *ddl = NIL;

	if (column->values[CMIG_COLUMN_NOT_NULL] &&
		(top == NULL || top->values[CMIG_COLUMN_NOT_NULL] == NULL))
	{
		ddl = cmig_ddl_append(ddl, cmig_kind_column_sql(column, false, "SET NOT NULL"),
							  cmig_kind_column_sql(column, false, "DROP NOT NULL"));
		cmig_ddl_hazards(ddl, 0)->online = CMIG_ONLINE_NOT_NULL;
	}

	/*
	 * ADD COLUMN for the topmost parent column has copied its default.  A
	 * default that is not inherited has statements of its own.
	 */
	if (value == NULL ? copied != NULL : value->inherited && !repeats_default(value))
		ddl = cmig_ddl_append(ddl, default_sql(column, value), default_sql(column, copied));
	folded->folded = true;
	return list_concat(ddl, column->kind->create(folded));
}

static const CmigProperty properties[] = {
	[CMIG_COLUMN_TYPE] = {"type"},
	[CMIG_COLUMN_COLLATION] = {"collation", CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_NOT_NULL] = {"not null", CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_IDENTITY] = {"kind of identity", CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_IDENTITY_OPTIONS] = {"clause of the identity",
	CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_GENERATED] = {"generation expression",
	CMIG_PROPERTY_EXPRESSION | CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_STORAGE] = {"storage", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL,
	"SET STORAGE {}", "SET STORAGE {the type's storage}"},
	[CMIG_COLUMN_DEFAULT_STORAGE] = {"the type's storage", CMIG_PROPERTY_SILENT},
	[CMIG_COLUMN_COMPRESSION] = {"compression", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL,
	"SET COMPRESSION {}", "SET COMPRESSION default"},
	[CMIG_COLUMN_STATISTICS] = {"statistics target",
	CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL, "SET STATISTICS {}", "SET STATISTICS -1"},
	[CMIG_COLUMN_OPTIONS] = {"options",
		CMIG_PROPERTY_LIST | CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL |
	CMIG_PROPERTY_PARAMETERS},
	[CMIG_COLUMN_OF_TYPE] = {"of a typed table", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_SEQUENCE] = {"sequence of the identity",
	CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_SEQUENCE_NAME] = {"name of the identity's sequence", CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_SEQUENCE_PERSISTENCE] = {"persistence of the identity's sequence",
	CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_SEQUENCE_SETTINGS] = {"options of the identity", CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_CHILDREN] = {"number of the table's children",
	CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_IN_KEY] = {"in the partition key", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_COLUMN_SERVER_OPTIONS] = {"options for the server",
	CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_FDW_OPTIONS},
	[CMIG_COLUMN_STORED_TYPE] = {"base type of the domain",
	CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

/*
 * The end of a subquery that reads the sequence of the identity column "a" of
 * the table "c".
 */
#define IDENTITY_FROM \
	" FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_class sc ON sc.oid = s.seqrelid" \
	" JOIN pg_namespace sn ON sn.oid = sc.relnamespace" CMIG_SEQUENCE_LIMITS_SQL \
	" WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum" \
	" AND d.classid = 'pg_class'::regclass AND d.deptype = 'i') END,"
#define IDENTITY_SQL(value) " CASE WHEN " CMIG_IDENTITY_SQL_COMPAT " <> '' THEN (SELECT " value IDENTITY_FROM

/*
 * The base type of the column "a", whose type "t" is a domain or an array of one, also if the
 * domain is in a schema that is not compared.  A domain can be of another one, or of its array.
 */
#define STORED_TYPE_SQL \
	" CASE WHEN t.typtype = 'd' OR t.typelem <> 0 THEN (WITH RECURSIVE stored (id, modifier, brackets, depth) AS (" \
	"SELECT t.oid, -1, '', 0 UNION ALL SELECT d.typbasetype, d.typtypmod," \
	"  s.brackets || CASE WHEN d.oid <> x.oid THEN '[]' ELSE '' END, s.depth + 1" \
	"  FROM stored s JOIN pg_type x ON x.oid = s.id" \
	"  JOIN pg_type d ON d.oid = CASE x.typtype WHEN 'd' THEN x.oid ELSE x.typelem END AND d.typtype = 'd')" \
	" SELECT nullif(format_type(id, modifier), '?\?\?') || brackets FROM stored WHERE depth > 0" \
	" ORDER BY depth DESC LIMIT 1) END"

#define PERSISTENCE_SQL "CASE WHEN sc.relpersistence <> c.relpersistence THEN CASE sc.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE 'LOGGED' END END"

/*
 * Query for the columns.  The clause of the identity has the options that
 * differ from PostgreSQL's defaults for an identity column of this type.
 */
static const char column_sql[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, a.attrelid, 0,"
" a.attname::text, format('%I.%I.%I', n.nspname, c.relname, a.attname), NULL::text, NOT a.attislocal,"
" nullif(format_type(a.atttypid, a.atttypmod), '?\?\?'),"
" CASE WHEN a.attcollation <> t.typcollation THEN (SELECT format('%I.%I', kn.nspname, k.collname)"
"  FROM pg_collation k JOIN pg_namespace kn ON kn.oid = k.collnamespace"
" WHERE k.oid = a.attcollation) END,"
" CASE WHEN a.attnotnull THEN 't' END,"
" CASE " CMIG_IDENTITY_SQL_COMPAT " WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END,"
IDENTITY_SQL("nullif(concat_ws(' ',"
			 "  CASE WHEN sc.relname <> c.relname || '_' || a.attname || '_seq'"
			 " OR sc.relnamespace <> c.relnamespace"
			 "   THEN format('SEQUENCE NAME %I.%I', sn.nspname, sc.relname) END,"
			 PERSISTENCE_SQL "," CMIG_SEQUENCE_CLAUSE_SQL "), '')")
" CASE WHEN a.attgenerated <> '' THEN (SELECT pg_get_expr(e.adbin, e.adrelid) ||"
" CASE a.attgenerated WHEN 's' THEN ') STORED' ELSE ') VIRTUAL' END"
"  FROM pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum) END,"
" CASE WHEN a.attstorage <> t.typstorage THEN " CMIG_STORAGE_SQL("a.attstorage") " END,"
" " CMIG_STORAGE_SQL("t.typstorage") ","
" CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,"
" CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END,"
" CASE WHEN a.attoptions IS NOT NULL THEN " CMIG_OPTIONS_SQL("''", CMIG_COLUMN_OPTIONS("a")) " END,"
" CASE WHEN c.reloftype <> 0 THEN 't' END,"
IDENTITY_SQL("format('%I.%I', sn.nspname, sc.relname)")
IDENTITY_SQL("sc.relname::text")
IDENTITY_SQL(PERSISTENCE_SQL)
IDENTITY_SQL(CMIG_SEQUENCE_SETTINGS_SQL)
" CASE WHEN c.relhassubclass THEN (SELECT nullif(count(*), 0)::text FROM pg_inherits i"
" WHERE i.inhparent = c.oid) END,"
" CASE WHEN c.relkind = 'p' THEN (SELECT 't' FROM pg_depend d"
" WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid"
"  AND d.objsubid = a.attnum AND d.refclassid = d.classid AND d.refobjid = c.oid"
" AND d.refobjsubid = 0 AND d.deptype = 'i' LIMIT 1) END,"
" CASE WHEN a.attfdwoptions IS NOT NULL THEN " CMIG_FDW_OPTIONS_SQL("a.attfdwoptions") " END,"
STORED_TYPE_SQL
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
" JOIN pg_type t ON t.oid = a.atttypid"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'p', 'f')"
" ORDER BY a.attrelid, a.attnum";

/*
 * Query for dependencies: an inherited column depends on the parent table's
 * column, and a typed table's column depends on the type's attribute.
 */
static const char column_depends[] =
"SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, p.attrelid, p.attnum::integer"
" FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attinhcount > 0 AND NOT a.attislocal"
" JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attname = a.attname"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'p', 'f') AND NOT a.attisdropped"
" UNION ALL SELECT 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer, 'pg_class'::regclass::oid, p.attrelid, p.attnum::integer"
" FROM pg_class c JOIN pg_type t ON t.oid = c.reloftype JOIN pg_attribute a ON a.attrelid = c.oid"
" JOIN pg_attribute p ON p.attrelid = t.typrelid AND p.attname = a.attname"
" WHERE @c.relnamespace AND c.reloftype <> 0 AND a.attnum > 0 AND NOT a.attisdropped";

/*
 * Query for columns that must be created in a certain order.  A column that a
 * child table itself defines is merged with the parent's column, and stays
 * when the parent's column is dropped.  Therefore, the parent's column is
 * created after the child's, and dropped before it.
 */
static const char column_follows[] =
"SELECT 'pg_class'::regclass::oid, p.attrelid, p.attnum::integer, 'pg_class'::regclass::oid, a.attrelid, a.attnum::integer"
" FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_attribute a ON a.attrelid = c.oid AND a.attinhcount > 0 AND a.attislocal"
" AND NOT a.attisdropped"
" JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attname = a.attname"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'p', 'f')";

#define IDENTITY_TEXT "GENERATED {kind of identity} AS IDENTITY[ ({clause of the identity})]"

/*
 * Does CREATE TABLE ... INHERITS take the generation expression from a
 * parent's column?  PostgreSQL does not allow the child to repeat it.
 */
static bool
inherits_expression(const CmigObject *column)
{
	const CmigObject *from;

	if (!column->folded || column->values[CMIG_COLUMN_GENERATED] == NULL ||
		column->parent->values[CMIG_TABLE_IS_PARTITION] != NULL)
		return false;
	from = cmig_column_parent(column);
	return from != NULL &&
		cmig_object_same(from, column, CMIG_COLUMN_GENERATED);
}

/* Append "name type DEFAULT ... NOT NULL" for CREATE TABLE or ADD COLUMN. */
static void
define_column(StringInfo buf, const CmigObject *column)
{
	const CmigObject *value = cmig_object_child(column, &cmig_kind_default, NULL);

	appendStringInfo(buf, "%s %s", cmig_quote(column->name),
					 column->values[CMIG_COLUMN_OF_TYPE] && column->folded ? "WITH OPTIONS" :
					 column->serial ? column->serial : column->values[CMIG_COLUMN_TYPE]);
	appendStringInfoString(buf, cmig_kind_text("[ OPTIONS ({options for the server})]", column));
	if (column->values[CMIG_COLUMN_COLLATION])
		appendStringInfo(buf, " COLLATE %s", column->values[CMIG_COLUMN_COLLATION]);
	if (value != NULL && value->folded && column->serial == NULL)
		appendStringInfo(buf, " DEFAULT %s", value->values[CMIG_DEFINITION]);
	if (column->values[CMIG_COLUMN_GENERATED] && !inherits_expression(column))
		appendStringInfo(buf, " GENERATED ALWAYS AS (%s", column->values[CMIG_COLUMN_GENERATED]);
	if (column->values[CMIG_COLUMN_IDENTITY])
		appendStringInfoString(buf, cmig_kind_text(" " IDENTITY_TEXT, column));
	if (column->values[CMIG_COLUMN_NOT_NULL])
		appendStringInfoString(buf, " NOT NULL");
}

/*
 * ALTER TABLE
 */

/*
 * Returns the statement that adds, changes, or drops the identity.  "sequence"
 * is the name that the column's sequence has when the statement runs.  The
 * sequence of a new identity column continues after the existing values.
 */
static char *
identity_sql(const CmigObject *from, const CmigObject *to, const char *sequence, bool *reads)
{
	char	   *const *old = from->values,
			   *const *new = to->values;
	StringInfoData action;
	CmigSequenceRange range,
				to_range;

	if (new[CMIG_COLUMN_IDENTITY] == NULL)
		return cmig_kind_column_sql(to, false, "DROP IDENTITY");
	initStringInfo(&action);
	to_range = cmig_sequence_range(new[CMIG_COLUMN_SEQUENCE_SETTINGS], new[CMIG_COLUMN_TYPE]);
	if (old[CMIG_COLUMN_IDENTITY] == NULL)
	{
		const char *own = psprintf("pg_catalog.pg_get_serial_sequence(%s, %s)",
								   cmig_literal(to->parent->identity), cmig_literal(to->name));

		*reads = true;
		return psprintf("%s;\n%s",
						cmig_kind_column_sql(to, false, cmig_kind_text("ADD " IDENTITY_TEXT, to)),
						cmig_sequence_range_continue(own, &to_range, to));
	}
	if (strcmp(old[CMIG_COLUMN_IDENTITY], new[CMIG_COLUMN_IDENTITY]) != 0)
		appendStringInfo(&action, " SET GENERATED %s", new[CMIG_COLUMN_IDENTITY]);

	/* partitions share the partitioned table's sequence since PostgreSQL 17 */
	if (old[CMIG_COLUMN_SEQUENCE] == NULL || new[CMIG_COLUMN_SEQUENCE] == NULL)
		return cmig_kind_column_sql(to, false, action.data + 1);
	cmig_sequence_settings(&action, old[CMIG_COLUMN_SEQUENCE_SETTINGS],
						   new[CMIG_COLUMN_SEQUENCE_SETTINGS], " SET", NULL);
	range = cmig_sequence_range(old[CMIG_COLUMN_SEQUENCE_SETTINGS], old[CMIG_COLUMN_TYPE]);
	*reads = cmig_sequence_range_restarts(&range, &to_range);
	return cmig_sequence_range_alter(cmig_kind_column_sql(to, false, action.data + 1), sequence,
									 &range, &to_range, to);
}

/*
 * Returns the statement that gives the column's sequence, whose name is now
 * "sequence", its persistence.
 */
static char *
persistence_sql(const CmigObject *column, const char *sequence)
{
	const char *persistence = column->values[CMIG_COLUMN_SEQUENCE_PERSISTENCE];

	if (persistence == NULL)
		persistence = column->parent->values[CMIG_TABLE_PERSISTENCE] ? "UNLOGGED" : "LOGGED";
	return psprintf("ALTER SEQUENCE %s SET %s", sequence, persistence);
}

/*
 * Add, change, or drop the identity.  The sequence is renamed after its
 * options have changed, and before its persistence changes; a downgrade does
 * this in the reverse order.
 */
static void
alter_identity(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	const char *old = from->values[CMIG_COLUMN_SEQUENCE],
			   *new = to->values[CMIG_COLUMN_SEQUENCE];

	if (cmig_alter_differs(alter, CMIG_COLUMN_IDENTITY) ||
		(old != NULL && new != NULL && cmig_alter_differs(alter, CMIG_COLUMN_SEQUENCE_SETTINGS)))
	{
		bool		reads = false;
		char	   *sql = identity_sql(from, to, alter->back ? new : old, &reads);

		cmig_alter_add(alter, CMIG_COLUMN_IDENTITY, sql)->reads = reads;
	}
	if (old == NULL || new == NULL)
		return;
	if (cmig_alter_differs(alter, CMIG_COLUMN_SEQUENCE_NAME))
		cmig_alter_add(alter, CMIG_COLUMN_SEQUENCE_NAME,
					   psprintf("ALTER SEQUENCE %s RENAME TO %s", old,
								cmig_quote(to->values[CMIG_COLUMN_SEQUENCE_NAME])));
	if (cmig_alter_differs(alter, CMIG_COLUMN_SEQUENCE_PERSISTENCE))
		cmig_alter_add(alter, CMIG_COLUMN_SEQUENCE_PERSISTENCE,
					   persistence_sql(to, alter->back ? old : new));
}

/*
 * Does the same property also change in the parent's column?  If so, ALTER
 * TABLE on the parent also changes this column.
 */
static bool
parent_changes(const CmigAlter *alter, int property)
{
	const CmigObject *from = cmig_column_parent(alter->from),
			   *to = cmig_column_parent(alter->to);

	return from != NULL && to != NULL &&
		strcmp(from->parent->identity, to->parent->identity) == 0 &&
		!cmig_object_same(from, to, property);
}

/*
 * Is the column in the partition key of its table or of a parent table?  If
 * so, its type cannot be changed.
 */
static bool
is_in_key(const CmigObject *column)
{
	const CmigObject *parent = cmig_column_parent(column);

	return column->values[CMIG_COLUMN_IN_KEY] != NULL || (parent != NULL && is_in_key(parent));
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
		if (child->kind == &cmig_kind_constraint &&
			strcmp(child->values[CMIG_DEFINITION], check) == 0)
			return true;
	return false;
}

/*
 * Must the column be dropped and created again?  This is the case if its
 * generation expression changes, or if the type or collation of a generated
 * column changes.
 */
static bool
needs_new_column(const CmigObject *from, const CmigObject *to)
{
	return !cmig_object_same(from, to, CMIG_COLUMN_GENERATED) ||
		(to->values[CMIG_COLUMN_GENERATED] != NULL &&
		 !(cmig_object_same(from, to, CMIG_COLUMN_TYPE) &&
		   cmig_object_same(from, to, CMIG_COLUMN_COLLATION)));
}

/*
 * Is the column also inherited from a parent's column that stays?  If so, it
 * cannot be dropped.
 */
static bool
is_merged(const CmigObject *from, const CmigObject *to)
{
	const CmigObject *old = cmig_column_parent(from),
			   *new = cmig_column_parent(to);

	return old != NULL && new != NULL &&
		strcmp(old->parent->identity, new->parent->identity) == 0 &&
		!needs_new_column(old, new);
}

/*
 * Does an identity column get a type with fewer values?  If so, the options of
 * its sequence must be changed before the type, because they might not fit the
 * new type.
 */
static bool
narrows_identity(const CmigObject *from, const CmigObject *to)
{
	return from->values[CMIG_COLUMN_IDENTITY] != NULL && to->values[CMIG_COLUMN_IDENTITY] != NULL &&
		cmig_sequence_range_limit(from->values[CMIG_COLUMN_TYPE], false, true) >
		cmig_sequence_range_limit(to->values[CMIG_COLUMN_TYPE], false, true);
}

static void
alter_column(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	bool		own = !cmig_column_stays_inherited(from, to) &&
	!cmig_table_keeps_type(from->parent, to->parent);
	bool		on_its_own = own && !parent_changes(alter, CMIG_COLUMN_TYPE);
	bool		not_null = to->values[CMIG_COLUMN_NOT_NULL] != NULL;
	bool		retypes = cmig_alter_differs(alter, CMIG_COLUMN_TYPE) ||
	cmig_alter_differs(alter, CMIG_COLUMN_COLLATION);
	bool		retyped_by_parent;
	bool		identity_first = to->values[CMIG_COLUMN_IDENTITY] == NULL ||
	narrows_identity(from, to);

	if (is_in_key(from) && is_in_key(to) && retypes)
	{
		alter->unsupported = "the type of a column of the partition key cannot be changed";
		return;
	}
	/* ALTER TABLE on the parent also retypes the child's generated column */
	retyped_by_parent = !on_its_own && !cmig_alter_differs(alter, CMIG_COLUMN_GENERATED) &&
		is_merged(from, to);
	if (needs_new_column(from, to) && !retyped_by_parent)
	{
		if (own && is_merged(from, to))
			alter->unsupported =
				"a column that is also inherited cannot be dropped and created again";
		else
			alter->again = own;
		return;
	}

	/*
	 * an identity column must be NOT NULL, so drop the identity first, or add
	 * it last
	 */
	if (identity_first && on_its_own)
		alter_identity(alter);
	if (retypes)
	{
		alter->disturbs = true;
		alter->recasts = cmig_using_needed(from->values[CMIG_COLUMN_TYPE],
										   to->values[CMIG_COLUMN_TYPE]);
		if (on_its_own)
			cmig_column_type_alter(alter);
	}
	if (cmig_alter_differs(alter, CMIG_COLUMN_NOT_NULL) &&
		!parent_changes(alter, CMIG_COLUMN_NOT_NULL))
	{
		/* a child may keep it, and must if the column is in its primary key */
		bool		only = !not_null && to->values[CMIG_COLUMN_CHILDREN] != NULL &&
		to->parent->values[CMIG_TABLE_PARTITION_KEY] == NULL;
		CmigDdl    *ddl = cmig_alter_add(alter, CMIG_COLUMN_NOT_NULL,
										 cmig_kind_column_sql(to, only,
															  not_null ? "SET NOT NULL" :
															  "DROP NOT NULL"));

		ddl->online = not_null ? CMIG_ONLINE_NOT_NULL : CMIG_ONLINE_NONE;
		if (not_null && !(has_not_null_check(from) && has_not_null_check(to)))
			ddl->hazards = CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL;
	}
	if (!identity_first && on_its_own)
		alter_identity(alter);

	/*
	 * set the storage, unless the statement that changes the type also sets
	 * it
	 */
	for (int i = retypes &&
		 on_its_own ? CMIG_COLUMN_STATISTICS : CMIG_COLUMN_STORAGE; i <= CMIG_COLUMN_OPTIONS; i++)
		cmig_alter_property(alter, i);
	cmig_alter_property(alter, CMIG_COLUMN_SERVER_OPTIONS);
}

/* Returns the statement that adds the column. */
static char *
add_column_sql(const CmigObject *column)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, cmig_kind_text("ALTER {on} ADD COLUMN ", column));
	define_column(&sql, column);
	return sql.data;
}

bool
cmig_column_must_be_filled(const CmigObject *column)
{
	const CmigObject *value = cmig_object_child(column, &cmig_kind_default, NULL);
	bool		has_domain = false;

	for (int i = 0; i < column->ndepends; i++)
		has_domain |= column->depends[i]->kind == &cmig_kind_domain;
	return column->values[CMIG_COLUMN_NOT_NULL] && !column->values[CMIG_COLUMN_GENERATED] &&
		!column->values[CMIG_COLUMN_IDENTITY] && !(value != NULL && value->folded) && !has_domain;
}

/*
 * Adding a default that is not volatile does not rewrite existing rows.  A
 * domain may have a default.
 */
static List *
add_column(const CmigObject *column)
{
	List	   *ddl = cmig_ddl_append(NIL, add_column_sql(column), cmig_kind_drop(column));
	CmigDdl    *entry = linitial(ddl);
	const CmigObject *value = cmig_object_child(column, &cmig_kind_default, NULL);
	CmigObject *nullable;

	if (column->values[CMIG_COLUMN_GENERATED] || column->values[CMIG_COLUMN_IDENTITY])
		entry->hazards = CMIG_HAZARD_REWRITE;
	else if (value != NULL && value->folded)
	{
		entry->hazards = CMIG_HAZARD_REWRITE;
		entry->expression = value->values[CMIG_DEFINITION];
	}
	else if (cmig_column_must_be_filled(column))
	{
		nullable = cmig_object_copy(column);
		cmig_object_set(nullable, CMIG_COLUMN_NOT_NULL, NULL);
		entry->hazards = CMIG_HAZARD_FAILS;
		entry->nullable = add_column_sql(nullable);
	}
	else if (column->values[CMIG_COLUMN_NOT_NULL])
		entry->hazards = CMIG_HAZARD_MAY_FAIL;
	if (cmig_sequence_is_short(column))
		entry->hazards |= CMIG_HAZARD_MAY_FAIL;
	return ddl;
}

/* Set the properties that the column's definition does not contain. */
static void
alter_rest(CmigAlter *alter)
{
	for (int i = CMIG_COLUMN_STORAGE; i <= CMIG_COLUMN_OPTIONS; i++)
		cmig_alter_property(alter, i);
}

/*
 * Returns statements that add the column first, and then its identity: ADD
 * COLUMN cannot add an identity column to a table with children.
 */
static List *
add_identity(const CmigObject *column)
{
	CmigObject *plain = cmig_object_copy(column);

	cmig_object_set(plain, CMIG_COLUMN_IDENTITY, NULL);
	return cmig_ddl_append(add_column(plain),
						   cmig_kind_column_sql(column, false,
												cmig_kind_text("ADD " IDENTITY_TEXT, column)),
						   cmig_kind_column_sql(column, false, "DROP IDENTITY"));
}

static List *
create_column(const CmigObject *column)
{
	const CmigObject *from = column->folded && column->inherited &&
	column->parent->values[CMIG_TABLE_IS_PARTITION] == NULL ?
	cmig_column_parent(column) : NULL;
	const CmigObject *value = from ? cmig_object_child(from, &cmig_kind_default, NULL) : NULL;
	List	   *ddl = NIL;

	if (!column->folded)
		ddl = column->values[CMIG_COLUMN_IDENTITY] &&
			column->values[CMIG_COLUMN_CHILDREN] ? add_identity(column) : add_column(column);
	else if (value != NULL && cmig_object_child(column, &cmig_kind_default, NULL) == NULL &&
			 column->values[CMIG_COLUMN_GENERATED] == NULL)
		/* CREATE TABLE ... INHERITS gives the column a default that it lacks */
		ddl = cmig_ddl_append(NIL, default_sql(column, NULL), default_sql(column, value));
	return cmig_kind_complete(column, ddl, alter_rest);
}

/* Is the column's value computed from other columns? */
static bool
is_derived(const CmigObject *column)
{
	return column->values[CMIG_COLUMN_GENERATED] != NULL;
}

bool
cmig_object_has_data(const CmigObject *object)
{
	return (object->kind->flags & CMIG_KIND_DATA) != 0 &&
		!(object->kind == &cmig_kind_column && object->parent->kind == &cmig_kind_foreign_table);
}

CmigKind	cmig_kind_column = {
	.name = "column",.word = "COLUMN",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DATA | CMIG_KIND_GONE_WITH_PARENT |
	CMIG_KIND_DISTURBED,
	CMIG_PROPERTIES(properties),
	.sql = column_sql,.depends = column_depends,.follows = column_follows,
	.create = create_column,.define = define_column,.drops =
	"ALTER {on} DROP COLUMN {name}",.alter = alter_column,.alters =
	"{parent's word} ONLY {parent} ALTER COLUMN {name}",
	.is_disposable = is_derived,.index = CMIG_COLUMN_SEQUENCE + 1
};
