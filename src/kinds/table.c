/*
 * table.c
 *	  Tables and what contains them.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * Tables, partitioned or not, and foreign tables.
 *
 * A partition is created as an ordinary table, with all of its columns, and
 * then attached.
 * ----------------------------------------------------------------
 */

static const CmigProperty table_properties[] = {
	[CMIG_TABLE_PERSISTENCE] = {"persistence", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL,
	"SET UNLOGGED", "SET LOGGED"},
	[CMIG_TABLE_PARTITION_KEY] = {"partition key",
	CMIG_PROPERTY_EXPRESSION | CMIG_PROPERTY_OPTIONAL},
	[CMIG_TABLE_IS_PARTITION] = {"partition", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_TABLE_INHERITS] = {"inherits", CMIG_PROPERTY_OPTIONAL},
	[CMIG_TABLE_OF_TYPE] = {"type", CMIG_PROPERTY_OPTIONAL},
	[CMIG_TABLE_METHOD] = {"access method", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL,
	"SET ACCESS METHOD {}", "SET ACCESS METHOD heap"},
	[CMIG_TABLE_TABLESPACE] = {"tablespace", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL,
	"SET TABLESPACE {}", "SET TABLESPACE pg_default"},
	[CMIG_TABLE_OPTIONS] = {"options",
		CMIG_PROPERTY_LIST | CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL |
	CMIG_PROPERTY_PARAMETERS},
	[CMIG_TABLE_TOAST_OPTIONS] = {"options of the TOAST table",
	CMIG_PROPERTY_SILENT | CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL},
	[CMIG_TABLE_ROW_SECURITY] = {"row security", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL,
	"ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"},
	[CMIG_TABLE_FORCE_ROW_SECURITY] = {"forced row security",
		CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL, "FORCE ROW LEVEL SECURITY",
	"NO FORCE ROW LEVEL SECURITY"},
	[CMIG_TABLE_SERVER] = {"server", CMIG_PROPERTY_OPTIONAL},
	[CMIG_TABLE_SERVER_OPTIONS] = {"options for the server",
	CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_FDW_OPTIONS},
};

/* The query for tables.  "server" is two expressions, "joins" what they need. */
#define TABLE_SQL(relkinds, server, joins) \
	"SELECT 'pg_class'::regclass::oid, c.oid, 0, NULL::oid, NULL::oid, NULL::integer," \
	" c.relname::text, format('%I.%I', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text, false," \
	" CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END," \
	" CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END," \
	" CASE WHEN c.relispartition THEN 't' END," \
	" CASE WHEN c.relhassubclass OR NOT c.relispartition THEN" \
	"  (SELECT string_agg(format('%I.%I', pn.nspname, p.relname), ', ' ORDER BY i.inhseqno)" \
	"   FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace" \
	"   WHERE i.inhrelid = c.oid AND NOT c.relispartition) END," \
	" CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END," \
	" CASE WHEN m.amname <> 'heap' THEN quote_ident(m.amname) END," \
	" quote_ident(s.spcname)," \
	" " CMIG_OPTIONS_SQL("''", "c.reloptions") "," \
	" CASE WHEN c.reltoastrelid <> 0 THEN" \
	"  (SELECT " CMIG_OPTIONS_SQL("'toast.'", "t.reloptions") " FROM pg_class t WHERE t.oid = c.reltoastrelid) END," \
	" CASE WHEN c.relrowsecurity THEN 't' END, CASE WHEN c.relforcerowsecurity THEN 't' END, " server \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	" LEFT JOIN pg_am m ON m.oid = c.relam LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace" joins \
	" WHERE @c.relnamespace AND c.relkind IN (" relkinds ")"

static const char table_sql[] = TABLE_SQL("'r', 'p'", "NULL, NULL", "");

static const char foreign_table_sql[] =
TABLE_SQL("'f'", "quote_ident(v.srvname), " CMIG_FDW_OPTIONS_SQL("f.ftoptions"),
		  " JOIN pg_foreign_table f ON f.ftrelid = c.oid"
		  " JOIN pg_foreign_server v ON v.oid = f.ftserver");

bool
cmig_table_is(const CmigObject *object)
{
	return object->kind == &cmig_kind_table || object->kind == &cmig_kind_foreign_table;
}

/* Returns the table or foreign table with this identity, or NULL. */
static CmigObject *
table_lookup(const CmigImage *image, const char *identity)
{
	CmigObject *table = cmig_image_lookup(image, &cmig_kind_table, identity);

	return table ? table : cmig_image_lookup(image, &cmig_kind_foreign_table, identity);
}

bool
cmig_table_keeps_type(const CmigObject *from, const CmigObject *to)
{
	return from->values[CMIG_TABLE_OF_TYPE] != NULL && to->values[CMIG_TABLE_OF_TYPE] != NULL &&
		strcmp(from->values[CMIG_TABLE_OF_TYPE], to->values[CMIG_TABLE_OF_TYPE]) == 0;
}

/* Add the statements for properties that CREATE TABLE cannot set. */
static void
alter_later(CmigAlter *alter)
{
	for (int i = CMIG_TABLE_ROW_SECURITY; i <= CMIG_TABLE_FORCE_ROW_SECURITY; i++)
	{
		CmigDdl    *ddl = cmig_alter_property(alter, i);

		if (ddl == NULL || alter->to->values[i] != NULL)
			continue;
		if (alter->back)
			ddl->hazards = CMIG_HAZARD_UNPROTECTS;
		else
			ddl->hazard = psprintf("row security disabled%s: %s",
								   i == CMIG_TABLE_FORCE_ROW_SECURITY ? " for the owner" : "",
								   alter->to->identity);
	}
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
	const CmigObject *old = cmig_image_counterpart(from, object->parent);
	const CmigObject *new = cmig_image_counterpart(to, object->parent);
	const CmigImage *image = new == object->parent ? to : from;
	List	   *parents;

	if (old == NULL || new == NULL || cmig_object_same(old, new, CMIG_TABLE_INHERITS))
		return true;
	parents = cut_names(new->values[CMIG_TABLE_INHERITS]);
	foreach_ptr(char, each, cut_names(old->values[CMIG_TABLE_INHERITS]))
	{
		const CmigObject *parent = cmig_text_list_has(parents, each) ?
		table_lookup(image, each) : NULL;

		for (const CmigObject *child = parent ? parent->child :
			 NULL; child != NULL; child = child->sibling)
			if (child->kind == object->kind && strcmp(child->name, object->name) == 0)
				return true;
	}
	return false;
}

/* Add to *ddl the actions NO INHERIT, or INHERIT, for parents that only "in" has. */
static void
alter_parents(CmigAlter *alter, List **ddl, const CmigObject *in, const CmigObject *other,
			  const char *action)
{
	List	   *others = cut_names(other->values[CMIG_TABLE_INHERITS]);
	CmigAlter	part = {.from = alter->from,.to = alter->to};

	foreach_ptr(char, name, cut_names(in->values[CMIG_TABLE_INHERITS]))
	{
		if (!cmig_text_list_has(others, name))
			cmig_alter_action(&part, CMIG_TABLE_INHERITS, psprintf("%s %s", action, name));
	}
	*ddl = part.ddl;
}

/* For a typed table, add NOT OF to alter->first, and OF to alter->last. */
static void
untype(CmigAlter *alter)
{
	CmigAlter	part = {.from = alter->from,.to = alter->to,.ddl = alter->first};
	CmigAlter	join = {.from = alter->from,.to = alter->to,.ddl = alter->last};

	if (alter->from->values[CMIG_TABLE_OF_TYPE] != NULL)
		cmig_alter_action(&part, CMIG_TABLE_OF_TYPE, "NOT OF");
	if (alter->to->values[CMIG_TABLE_OF_TYPE] != NULL)
		cmig_alter_action(&join, CMIG_TABLE_OF_TYPE,
						  psprintf("OF %s", alter->to->values[CMIG_TABLE_OF_TYPE]));
	alter->first = part.ddl;
	alter->last = join.ddl;
}

void
cmig_table_untype(CmigAlter *alter)
{
	cmig_alter_both(alter, untype);
}

static void
alter_table(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (cmig_alter_differs(alter, CMIG_TABLE_PARTITION_KEY) ||
		cmig_alter_differs(alter, CMIG_TABLE_SERVER))
	{
		alter->again = true;
		return;
	}
	alter_parents(alter, &alter->first, from, to, "NO INHERIT");
	alter_parents(alter, &alter->last, to, from, "INHERIT");
	if (cmig_alter_differs(alter, CMIG_TABLE_OF_TYPE))
		untype(alter);
	for (int i = 0; i < CMIG_TABLE_ROW_SECURITY; i++)
	{
		CmigDdl    *ddl = cmig_alter_property(alter, i);

		if (ddl != NULL && i != CMIG_TABLE_OPTIONS && to->values[CMIG_TABLE_PARTITION_KEY] == NULL)
			ddl->hazards |= CMIG_HAZARD_REWRITE;
	}
	alter_later(alter);
	cmig_alter_property(alter, CMIG_TABLE_SERVER_OPTIONS);
}

static List *
create_table(const CmigObject *table)
{
	char	   *const *values = table->values;
	const char *separator = " (\n\t";
	StringInfoData sql;
	List	   *ddl;

	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   cmig_kind_text("CREATE [{persistence} ]{word} {identity}[ OF {type}]",
										  table));
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		if (child->kind->define == NULL || !child->folded ||
			(child->inherited && table->values[CMIG_TABLE_IS_PARTITION] == NULL))
			continue;
		appendStringInfoString(&sql, separator);
		child->kind->define(&sql, child);
		separator = ",\n\t";
	}
	appendStringInfoString(&sql, *separator == ',' ? "\n)" :
						   values[CMIG_TABLE_OF_TYPE] ? "" : " ()");
	appendStringInfoString(&sql,
						   cmig_kind_text("[\nINHERITS ({inherits})][\nPARTITION BY {partition key}][\nUSING {access method}]", table));
	if (values[CMIG_TABLE_OPTIONS] || values[CMIG_TABLE_TOAST_OPTIONS])
		appendStringInfo(&sql, "\nWITH (%s%s%s)",
						 values[CMIG_TABLE_OPTIONS] ? values[CMIG_TABLE_OPTIONS] : "",
						 values[CMIG_TABLE_OPTIONS] && values[CMIG_TABLE_TOAST_OPTIONS] ? ", " : "",
						 values[CMIG_TABLE_TOAST_OPTIONS] ? values[CMIG_TABLE_TOAST_OPTIONS] : "");
	appendStringInfoString(&sql, cmig_kind_text("[\nTABLESPACE {tablespace}]", table));
	appendStringInfoString(&sql,
						   cmig_kind_text("[\nSERVER {server}][\nOPTIONS ({options for the server})]", table));
	ddl = cmig_ddl_append(NIL, sql.data, cmig_kind_drop(table));
	return cmig_kind_complete(table, ddl, alter_later);
}

CmigKind	cmig_kind_table = {
	.name = "table",.word = "TABLE",.default_type = 'r',
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DATA | CMIG_KIND_RELATION | CMIG_KIND_TYPE,
	CMIG_PROPERTIES(table_properties),
	.sql = table_sql,.create = create_table,.alter = alter_table
};

CmigKind	cmig_kind_foreign_table = {
	.name = "foreign table",.word = "FOREIGN TABLE",.grant_word = "TABLE",.default_type = 'r',
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_RELATION,
	CMIG_PROPERTIES(table_properties),
	.sql = foreign_table_sql,.create = create_table,.alter = alter_table
};

/* Schemas */

static const char schema_sql[] =
"SELECT 'pg_namespace'::regclass::oid, n.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" n.nspname::text, quote_ident(n.nspname), pg_get_userbyid(n.nspowner)::text, false"
" FROM pg_namespace n WHERE n.oid = ANY ($1)";

CmigKind	cmig_kind_schema = {
	.name = "schema",.word = "SCHEMA",.default_type = 'n',.flags = CMIG_KIND_MODEL,
	.sql = schema_sql,.creates = "CREATE SCHEMA {identity}"
};

/* ----------------------------------------------------------------
 * Extensions, with their versions and schemas.
 *
 * Extension members are not compared.  An object that depends on a member
 * depends on the extension (schema/image_read.c).
 * ----------------------------------------------------------------
 */

static const CmigProperty extension_properties[] = {
	[CMIG_EXTENSION_VERSION] = {"version"},
	[CMIG_EXTENSION_SCHEMA] = {"schema"},
	[CMIG_EXTENSION_RELOCATABLE] = {"relocatable", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

/*
 * SQL condition: is the current user allowed to move the extension?  ALTER
 * EXTENSION SET SCHEMA requires ownership of all members, and the members of a
 * trusted extension belong to the bootstrap superuser.
 */
#define MAY_MOVE \
	"((SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR NOT EXISTS (SELECT FROM pg_depend d" \
	" JOIN pg_proc p ON p.oid = d.objid WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass" \
	" AND d.refobjid = e.oid AND d.deptype = 'e' AND NOT pg_has_role(p.proowner, 'USAGE')))"

/*
 * Query for the extensions, except those that the target has not declared.  In
 * the shadow, undeclared extensions have names that begin with cmig_hidden_.
 */
static const char extension_sql[] =
"SELECT 'pg_extension'::regclass::oid, e.oid, 0, NULL::oid, NULL::oid, NULL::integer,"
" e.extname::text, quote_ident(e.extname), pg_get_userbyid(e.extowner)::text, false, e.extversion::text, quote_ident(n.nspname), CASE WHEN e.extrelocatable AND " MAY_MOVE " THEN 't' END"
" FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
" WHERE e.oid >= 16384 AND e.extname NOT IN (" CMIG_INFRASTRUCTURE ") AND e.extname !~ '^cmig_hidden_'";

static void
alter_extension(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	/*
	 * this extension is not relocatable, because schema/others.c has already
	 * moved the relocatable ones
	 */
	if (cmig_alter_differs(alter, CMIG_EXTENSION_SCHEMA))
	{
		alter->unsupported = psprintf("it is in schema %s, and cannot be moved to %s",
									  from->values[CMIG_EXTENSION_SCHEMA],
									  to->values[CMIG_EXTENSION_SCHEMA]);
		return;
	}
	if (cmig_alter_differs(alter, CMIG_EXTENSION_VERSION))
		cmig_alter_action(alter, CMIG_EXTENSION_VERSION,
						  psprintf("UPDATE TO %s",
								   cmig_literal(to->values[CMIG_EXTENSION_VERSION])));
}

CmigKind	cmig_kind_extension = {
	.name = "extension",.word = "EXTENSION",.flags = CMIG_KIND_GLOBAL | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(extension_properties),
	.sql = extension_sql,.creates = "CREATE EXTENSION {identity} WITH SCHEMA {schema}",.alter =
	alter_extension
};

/* ----------------------------------------------------------------
 * The relationship between a partition and its partitioned table.
 *
 * A partition is attached after both tables have their indexes and
 * constraints, so that PostgreSQL attaches the existing indexes and
 * constraints to each other, and does not create new ones with other names.
 * ----------------------------------------------------------------
 */

static const CmigProperty partition_properties[] = {
	[CMIG_PARTITION_OF] = {"partitioned table"},
	[CMIG_PARTITION_BOUND] = {"bound", CMIG_PROPERTY_EXPRESSION},
	[CMIG_PARTITION_FOREIGN_KEYS] = {"actions that drop foreign keys of the partitioned table",
	CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

static const char partition_sql[] =
"SELECT 'pg_class'::regclass::oid, c.oid, -2, 'pg_class'::regclass::oid, c.oid, 0,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), NULL::text, false,"
" format('%I.%I', pn.nspname, p.relname), pg_get_expr(c.relpartbound, c.oid),"
" (SELECT string_agg(format('DROP CONSTRAINT IF EXISTS %I', o.conname), ', ' ORDER BY o.conname)"
"  FROM pg_constraint o JOIN pg_constraint q ON q.oid = o.conparentid"
"  WHERE o.conrelid = c.oid AND o.contype = 'f' AND q.conrelid <> o.conrelid)"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace"
" WHERE @c.relnamespace AND c.relispartition AND c.relkind IN ('r', 'p', 'f')";

static const char partition_depends[] =
"SELECT 'pg_class'::regclass::oid, c.oid, -2, 'pg_class'::regclass::oid, i.inhparent, 0"
" FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" WHERE @c.relnamespace AND c.relispartition AND c.relkind IN ('r', 'p', 'f')";

/*
 * Query for the order of creation: a partition is attached after the columns,
 * indexes, and constraints of both tables exist, except for invalid indexes and keys
 * of partitioned tables; see constraint.c.
 */
static const char partition_follows[] =
"WITH i AS (SELECT i.inhrelid, t.oid FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid"
" CROSS JOIN LATERAL (VALUES (i.inhrelid), (i.inhparent)) t (oid)"
" WHERE @c.relnamespace AND c.relispartition AND c.relkind IN ('r', 'p', 'f'))"
" SELECT 'pg_class'::regclass::oid, i.inhrelid, -2, 'pg_class'::regclass::oid, x.indexrelid, 0"
" FROM i JOIN pg_index x ON x.indrelid = i.oid JOIN pg_class k ON k.oid = x.indexrelid"
" WHERE x.indisvalid OR (x.indrelid = i.inhrelid AND k.relkind = 'i')"
" UNION ALL SELECT 'pg_class'::regclass::oid, i.inhrelid, -2, 'pg_class'::regclass::oid, i.oid, a.attnum"
" FROM i JOIN pg_attribute a ON a.attrelid = i.oid AND a.attnum > 0 AND NOT a.attisdropped"
" UNION ALL SELECT 'pg_class'::regclass::oid, i.inhrelid, -2, 'pg_constraint'::regclass::oid, o.oid, 0"
" FROM i JOIN pg_constraint o ON o.conrelid = i.oid AND o.contype <> 'f'"
" WHERE NOT EXISTS (SELECT FROM pg_index x JOIN pg_class k ON k.oid = x.indexrelid"
"  WHERE x.indexrelid = o.conindid AND k.relkind = 'I' AND NOT x.indisvalid)";

/*
 * A detached partition keeps its copies of the partitioned table's foreign
 * keys, so drop them, unless the partition is attached to the same table
 * again.
 */
static char *
detach(const CmigObject *partition)
{
	char	   *sql = psprintf("ALTER TABLE %s DETACH PARTITION %s",
							   partition->values[CMIG_PARTITION_OF], partition->identity);

	if (!partition->alone || partition->values[CMIG_PARTITION_FOREIGN_KEYS] == NULL)
		return sql;
	return psprintf("%s;\nALTER TABLE %s %s", sql, partition->identity,
					partition->values[CMIG_PARTITION_FOREIGN_KEYS]);
}

static List *
attach(const CmigObject *partition)
{
	List	   *ddl = cmig_kind_create(partition);

	cmig_ddl_hazards(ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
	return ddl;
}

CmigKind	cmig_kind_partition = {
	.name = "partition",.word = "TABLE",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT | CMIG_KIND_LAST,
	CMIG_PROPERTIES(partition_properties),
	.sql = partition_sql,.depends = partition_depends,.follows = partition_follows,
	.creates = "ALTER TABLE {partitioned table} ATTACH PARTITION {identity} {bound}",.create =
	attach,.drop = detach
};

/* ----------------------------------------------------------------
 * How Citus distributes a table, or the tables of a schema.
 *
 * The objects are read by schema/distribution.c.  A distribution is an object of
 * its own, because a table is distributed after its primary key and unique
 * indexes are created, and before its foreign keys.
 * ----------------------------------------------------------------
 */

static const CmigProperty distribution_properties[] = {
	[CMIG_DISTRIBUTION_METHOD] = {"method"},
	[CMIG_DISTRIBUTION_COLUMN] = {"distribution column", CMIG_PROPERTY_OPTIONAL},
	[CMIG_DISTRIBUTION_COLOCATED] = {"co-located with", CMIG_PROPERTY_OPTIONAL},
	[CMIG_DISTRIBUTION_SHARDS] = {"number of shards", CMIG_PROPERTY_OPTIONAL},
	[CMIG_DISTRIBUTION_GROUP] = {"group", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_DISTRIBUTION_COUNT] = {"effective number of shards",
	CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CMIG_DISTRIBUTION_DEFAULT] = {"default group", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

/* Does the distribution have this method? */
static bool
distribution_is(const CmigObject *distribution, const char *method)
{
	return strcmp(distribution->values[CMIG_DISTRIBUTION_METHOD], method) == 0;
}

/*
 * Returns the call of a Citus function for the distribution's table or schema.
 */
static char *
call(const CmigObject *distribution, const char *function, const char *arguments)
{
	return psprintf("SELECT pg_catalog.%s(%s%s)", function, cmig_literal(distribution->identity),
					arguments);
}

/*
 * Returns the statement that distributes the table or schema.  A table has as
 * many shards as the tables that it is co-located with.
 */
static char *
distribute(const CmigObject *distribution)
{
	char	   *const *values = distribution->values;
	const char *colocated = values[CMIG_DISTRIBUTION_COLOCATED],
			   *shards = values[CMIG_DISTRIBUTION_SHARDS];
	StringInfoData arguments;

	if (distribution_is(distribution, CMIG_DISTRIBUTED_BY_SCHEMA))
		return call(distribution, "citus_schema_distribute", "");
	if (distribution_is(distribution, CMIG_DISTRIBUTED_REFERENCE))
		return call(distribution, "create_reference_table", "");
	if (distribution_is(distribution, CMIG_DISTRIBUTED_LOCAL))
		return call(distribution, "citus_add_local_table_to_metadata", "");
	initStringInfo(&arguments);
	appendStringInfo(&arguments, ", %s",
					 values[CMIG_DISTRIBUTION_COLUMN] ?
					 cmig_literal(values[CMIG_DISTRIBUTION_COLUMN]) : "NULL");
	if (colocated != NULL || values[CMIG_DISTRIBUTION_DEFAULT] == NULL)
		appendStringInfo(&arguments, ", colocate_with => %s",
						 cmig_literal(colocated ? colocated : "none"));
	if (colocated == NULL && shards != NULL &&
		distribution_is(distribution, CMIG_DISTRIBUTED_BY_COLUMN))
		appendStringInfo(&arguments, ", shard_count => %s", shards);
	return call(distribution, "create_distributed_table", arguments.data);
}

static char *
undistribute(const CmigObject *distribution)
{
	return call(distribution, distribution_is(distribution, CMIG_DISTRIBUTED_BY_SCHEMA) ?
				"citus_schema_undistribute" : "undistribute_table", "");
}

static List *
create_distribution(const CmigObject *distribution)
{
	List	   *ddl = cmig_ddl_append(NIL, distribute(distribution), undistribute(distribution));
	CmigDdl    *entry = cmig_ddl_hazards(ddl, CMIG_HAZARD_MOVES | CMIG_HAZARD_BLOCKS);

	entry->undo_hazards = CMIG_HAZARD_MOVES | CMIG_HAZARD_BLOCKS;
	return ddl;
}

/*
 * Does the table "other" have all unique constraints and indexes of "table"?
 * Their columns include the distribution column.
 */
static bool
has_keys(const CmigObject *table, const CmigObject *other)
{
	for (const CmigObject *child = table->child; child != NULL; child = child->sibling)
	{
		const CmigObject *match;

		if (child->kind == &cmig_kind_constraint ? cmig_constraint_type(child) == 'c' :
			!cmig_index_is_unique(child))
			continue;
		match = cmig_object_child(other, child->kind, child->name);
		if (match == NULL ||
			strcmp(match->values[CMIG_DEFINITION], child->values[CMIG_DEFINITION]) != 0)
			return false;
	}
	return true;
}

/*
 * Can alter_distributed_table() change the distribution column?  This requires
 * that both columns exist before and after the change, and that no unique
 * constraint or index changes, because each must include the distribution
 * column.
 */
static bool
can_change_column(const CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	return cmig_object_child(from->parent, &cmig_kind_column,
							 to->values[CMIG_DISTRIBUTION_COLUMN]) &&
		cmig_object_child(to->parent, &cmig_kind_column,
						  from->values[CMIG_DISTRIBUTION_COLUMN]) &&
		has_keys(from->parent, to->parent) && has_keys(to->parent, from->parent);
}

/*
 * Returns the call of a Citus function that gives the table its new
 * properties.
 */
static char *
change(const CmigAlter *alter)
{
	const CmigObject *to = alter->to;
	bool		column = cmig_alter_differs(alter, CMIG_DISTRIBUTION_COLUMN),
				moves = cmig_alter_differs(alter, CMIG_DISTRIBUTION_COLOCATED);
	StringInfoData arguments;

	initStringInfo(&arguments);
	if (column)
		appendStringInfo(&arguments, ", distribution_column => %s",
						 cmig_literal(to->values[CMIG_DISTRIBUTION_COLUMN]));
	if (column || moves)
		appendStringInfo(&arguments, ", colocate_with => %s",
						 cmig_literal(to->values[CMIG_DISTRIBUTION_COLOCATED] ?
									  to->values[CMIG_DISTRIBUTION_COLOCATED] : "none"));
	if (cmig_alter_differs(alter, CMIG_DISTRIBUTION_SHARDS) &&
		to->values[CMIG_DISTRIBUTION_COLOCATED] == NULL)
		appendStringInfo(&arguments, ", shard_count => %s, cascade_to_colocated => %s",
						 to->values[CMIG_DISTRIBUTION_SHARDS],
						 column || moves ? "false" : "true");
	return call(to, "alter_distributed_table", arguments.data);
}

static void
alter_distribution(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (distribution_is(from, CMIG_DISTRIBUTED_OTHERWISE) ||
		distribution_is(to, CMIG_DISTRIBUTED_OTHERWISE))
		alter->unsupported =
			"the table is not distributed by hash; distribute it again with undistribute_table and create_distributed_table";
	else if (cmig_alter_differs(alter, CMIG_DISTRIBUTION_METHOD) ||
			 !distribution_is(to, CMIG_DISTRIBUTED_BY_COLUMN))
		alter->again = true;
	else if (cmig_alter_differs(alter, CMIG_DISTRIBUTION_COLUMN) && !can_change_column(alter))
		alter->again = true;
	else
	{
		CmigDdl    *ddl = cmig_alter_add(alter, CMIG_DISTRIBUTION_METHOD, change(alter));

		if (alter->back)
			ddl->hazards = CMIG_HAZARD_MOVES | CMIG_HAZARD_BLOCKS;
		else
			ddl->hazard = psprintf("moves all rows, blocks writes: %s", to->identity);
		alter->disturbs = alter->recasts = cmig_alter_differs(alter, CMIG_DISTRIBUTION_COLUMN) ||
			cmig_alter_differs(alter, CMIG_DISTRIBUTION_COLOCATED);
	}
}

/*
 * If a distribution is dropped or changed, the foreign keys that depend on it
 * are dropped first and re-created afterwards: a foreign key cannot stay while
 * its table is undistributed, and must be checked again if the table moves to
 * other shards.
 */
CmigKind	cmig_kind_distribution = {
	.name = "distribution",.word = "TABLE",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_DISTURBED | CMIG_KIND_GONE_WITH_PARENT |
	CMIG_KIND_LAST | CMIG_KIND_NO_OWNER_SQL,
	CMIG_PROPERTIES(distribution_properties),
	.create = create_distribution,.drop = undistribute,.alter = alter_distribution
};

/* ----------------------------------------------------------------
 * Storage parameters of TOAST tables.
 *
 * The parameters are a separate object, because they can only be set once the
 * table has a column that needs a TOAST table.
 * ----------------------------------------------------------------
 */

static const CmigProperty toast_properties[] = {
	{"options", CMIG_PROPERTY_LIST | CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_PARAMETERS},
};

static const char toast_sql[] =
"SELECT 'pg_class'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, c.oid, 0,"
" c.relname::text, format('%I.%I', n.nspname, c.relname), NULL::text, false, " CMIG_OPTIONS_SQL("'toast.'", "t.reloptions")
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" JOIN pg_class t ON t.oid = c.reltoastrelid"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'm') AND t.reloptions IS NOT NULL";

static const char toast_follows[] =
"SELECT 'pg_class'::regclass::oid, c.reltoastrelid, 0, 'pg_class'::regclass::oid, c.oid, a.attnum::integer"
" FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
" JOIN pg_class t ON t.oid = c.reltoastrelid"
" WHERE @c.relnamespace AND c.relkind = 'r' AND t.reloptions IS NOT NULL";

static List *
create_toast(const CmigObject *toast)
{
	return toast->folded ? NIL : cmig_kind_complete(toast, NIL, NULL);
}

static char *
drop_toast(const CmigObject *toast)
{
	return ((CmigDdl *) linitial(cmig_kind_complete(toast, NIL, NULL)))->undo;
}

/* CREATE TABLE can include the parameters; CREATE MATERIALIZED VIEW cannot. */
static bool
folds(const CmigObject *toast)
{
	return toast->parent->kind == &cmig_kind_table;
}

CmigKind	cmig_kind_toast = {
	.name = "TOAST parameters",.word = "TOAST",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_FOLDS | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(toast_properties),
	.sql = toast_sql,.follows = toast_follows,.create = create_toast,.drop = drop_toast,.alters =
	"{on}",
	.folds = folds
};

/* ----------------------------------------------------------------
 * Replica identities.
 *
 * A replica identity is a separate object, so that it changes with one statement,
 * after the creation of its new index and before its old one is dropped.  Without
 * its index, it has the effect of NOTHING.
 * ----------------------------------------------------------------
 */

static const CmigProperty identity_properties[] = {
	{"definition", 0, "REPLICA IDENTITY {}"},
};

static const char identity_sql[] =
"SELECT 'pg_class'::regclass::oid, c.oid, -3, 'pg_class'::regclass::oid, c.oid, 0,"
" 'replica identity', format('%I.%I', n.nspname, c.relname), NULL::text, false,"
" CASE WHEN c.relreplident = 'f' THEN 'FULL' WHEN i.oid IS NULL THEN 'NOTHING'"
" ELSE format('USING INDEX %I', i.relname) END"
" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
" LEFT JOIN pg_index x ON x.indrelid = c.oid AND x.indisreplident AND c.relreplident = 'i'"
" LEFT JOIN pg_class i ON i.oid = x.indexrelid"
" WHERE @c.relnamespace AND c.relkind IN ('r', 'p', 'm') AND c.relreplident IN ('f', 'i', 'n')";

/* Query for dependencies: the index, and its columns, which are NOT NULL. */
static const char identity_depends[] =
"SELECT 'pg_class'::regclass::oid, c.oid, -3, 'pg_class'::regclass::oid, d.oid, d.sub"
" FROM pg_class c JOIN pg_index x ON x.indrelid = c.oid AND x.indisreplident"
" CROSS JOIN LATERAL (SELECT x.indexrelid, 0"
" UNION ALL SELECT c.oid, k FROM unnest(x.indkey[:x.indnkeyatts - 1]) k) d (oid, sub)"
" WHERE @c.relnamespace AND c.relreplident = 'i'";

CmigKind	cmig_kind_replica_identity = {
	.name = "replica identity",.word = "TABLE",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(identity_properties),
	.sql = identity_sql,.depends = identity_depends,
	.creates = "ALTER {on} REPLICA IDENTITY {definition}",.drops =
	"ALTER {on} REPLICA IDENTITY DEFAULT",.alters = "{on}"
};
