/*
 * kind_constraint.c
 *	  Table constraints.
 *
 * Foreign keys are a separate kind, because they are created after all tables.
 * A constraint's index is part of the constraint.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "kinds/kind_constraint.h"
#include "kinds/kind_table.h"
#include "kinds/kinds.h"
#include "kinds/options.h"

enum
{
	DEFINITION,
	TYPE,
	INDEX,
	INDEX_OPTIONS,
	TABLESPACE,
	CLUSTERED,
	REPLICA_IDENTITY,
	PARTITIONED,
	ATTACHED
};

static const CmigProperty properties[] = {
	[DEFINITION] = {"definition", CMIG_PROPERTY_EXPRESSION},
	[TYPE] = {"type"},
	[INDEX] = {"index", CMIG_PROPERTY_SILENT},
	[INDEX_OPTIONS] = {"storage parameters", CMIG_PROPERTY_LIST | CMIG_PROPERTY_NO_MODEL},
	[TABLESPACE] = {"tablespace", CMIG_PROPERTY_NO_MODEL},
	[CLUSTERED] = {"clustered", CMIG_PROPERTY_NO_MODEL},
	[REPLICA_IDENTITY] = {"replica identity", CMIG_PROPERTY_NO_MODEL},
	[PARTITIONED] = {"of a partitioned table", CMIG_PROPERTY_SILENT},
	[ATTACHED] = {"attached to", CMIG_PROPERTY_SILENT},
};

#define CONSTRAINT_SQL(inherited, condition) \
	"SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_class'::regclass::oid, c.oid, 0," \
	" o.conname::text, format('%I on %I.%I', o.conname, n.nspname, c.relname), NULL::text, " inherited "," \
	" pg_get_constraintdef(o.oid), o.contype::text," \
	" CASE WHEN o.contype <> 'f' THEN (SELECT format('%I.%I', n.nspname, x.relname) FROM pg_class x WHERE x.oid = o.conindid) END," \
	" " CMIG_OPTIONS_SQL("i.reloptions") "," \
	" (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = i.reltablespace)," \
	" CASE WHEN x.indisclustered THEN 't' END, CASE WHEN x.indisreplident THEN 't' END," \
	" CASE WHEN c.relkind = 'p' THEN 't' END, CASE WHEN i.relispartition THEN " CMIG_ATTACHED_SQL("i.oid") " END" \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	" JOIN pg_constraint o ON o.conrelid = c.oid" \
	" LEFT JOIN pg_class i ON i.oid = o.conindid AND o.contype <> 'f'" \
	" LEFT JOIN pg_index x ON x.indexrelid = i.oid" \
	" WHERE c.relnamespace = ANY ($1) AND c.relkind IN ('r', 'p', 'f') AND " condition

static const char constraint_sql[] =
CONSTRAINT_SQL("NOT o.conislocal OR coalesce(i.relispartition, false)", "o.contype IN ('p', 'u', 'x', 'c')")
" ORDER BY o.conrelid, o.contype <> 'p', o.conname COLLATE \"C\"";

static const char foreign_key_sql[] =
CONSTRAINT_SQL("false", "o.contype = 'f' AND o.conparentid = 0");

/*
 * Query for constraints that must be created in a certain order.  A constraint
 * that a child table itself defines is merged with the parent's constraint,
 * and stays when the parent's constraint is dropped.  Therefore, the parent's
 * constraint is created after the child's, and dropped before it.
 */
static const char constraint_follows[] =
"SELECT 'pg_constraint'::regclass::oid, p.oid, 0, 'pg_constraint'::regclass::oid, o.oid, 0"
" FROM pg_class c JOIN pg_constraint o ON o.conrelid = c.oid AND o.contype = 'c' AND o.conislocal AND o.coninhcount > 0"
" JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_constraint p ON p.conrelid = i.inhparent AND p.conname = o.conname AND p.contype = 'c'"
" WHERE c.relnamespace = ANY ($1)"
/*
 * a table's NOT VALID constraint is created after all tables that inherit it,
 * directly or through others, so that it is added to them, too, and then
 * validated in those where it is valid
 */
" UNION ALL SELECT 'pg_constraint'::regclass::oid, p.oid, 0, 'pg_class'::regclass::oid, c.oid, 0"
" FROM (WITH RECURSIVE copy AS ("
"SELECT o.conrelid, o.conname, i.inhparent FROM pg_constraint o JOIN pg_inherits i ON i.inhrelid = o.conrelid"
" WHERE o.contype = 'c' AND o.coninhcount > 0"
" UNION SELECT d.conrelid, d.conname, i.inhparent FROM copy d"
" JOIN pg_constraint p ON p.conrelid = d.inhparent AND p.conname = d.conname AND p.contype = 'c' AND NOT p.convalidated"
" JOIN pg_inherits i ON i.inhrelid = d.inhparent)"
" TABLE copy) o JOIN pg_class c ON c.oid = o.conrelid"
" JOIN pg_constraint p ON p.conrelid = o.inhparent AND p.conname = o.conname AND p.contype = 'c' AND NOT p.convalidated"
" WHERE c.relnamespace = ANY ($1)"
/*
 * a child's NOT VALID constraint is added together with the parent's, so a
 * comment on it is set after the parent's constraint is added
 */
" UNION ALL SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_constraint'::regclass::oid, p.oid, 0"
" FROM pg_class c JOIN pg_constraint o ON o.conrelid = c.oid AND o.contype = 'c' AND NOT o.conislocal AND NOT o.convalidated"
" JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_constraint p ON p.conrelid = i.inhparent AND p.conname = o.conname AND p.contype = 'c' AND NOT p.convalidated"
" WHERE c.relnamespace = ANY ($1)";

/*
 * A foreign key that references a partitioned table is created after the
 * partitions, and dropped before them, because it also references each of them.
 */
static const char foreign_key_follows[] =
"SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_class'::regclass::oid, p.relid::oid, 0"
" FROM pg_constraint o JOIN pg_class c ON c.oid = o.confrelid AND c.relkind = 'p'"
" CROSS JOIN LATERAL pg_partition_tree(c.oid) p"
" WHERE o.connamespace = ANY ($1) AND o.contype = 'f' AND o.conparentid = 0 AND p.level > 0";

static bool
ends_with(const char *text, const char *end)
{
	size_t		length = strlen(text);

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* Returns ALTER TABLE with an action for the constraint's table. */
static char *
table_sql_text(const CmigObject *constraint, const char *action)
{
	return psprintf("ALTER TABLE %s %s", constraint->parent->identity, action);
}

const char *
cmig_constraint_text(const CmigObject *constraint)
{
	return constraint->values[DEFINITION];
}

const char *
cmig_constraint_attached(const CmigObject *constraint)
{
	return constraint->values[ATTACHED];
}

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
cmig_constraint_is_like(const CmigObject *attached, const CmigObject *constraint)
{
	return is_same(attached->values[INDEX_OPTIONS], constraint->values[INDEX_OPTIONS]) &&
		is_same(attached->values[TABLESPACE], constraint->values[TABLESPACE]) &&
		attached->values[CLUSTERED] == NULL && attached->values[REPLICA_IDENTITY] == NULL;
}

/*
 * Returns the end of the parenthesized list at "start", or NULL if unclosed.
 */
static const char *
list_end(const char *start)
{
	char		quote = '\0';
	int			depth = 0;

	for (const char *p = start; *p != '\0'; p++)
	{
		if (quote != '\0')
			quote = *p == quote ? '\0' : quote;
		else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return NULL;
}

/*
 * Returns the position in the definition where index parameters and a
 * tablespace can be inserted, or NULL if there is no such position.  The
 * definition of an exclusion constraint already contains the parameters,
 * before this position.
 */
static const char *
parameters_place(const char *definition)
{
	const char *start = strchr(definition, '(');
	const char *end = start ? list_end(start) : NULL;

	if (end != NULL && strncmp(end, " INCLUDE (", 10) == 0)
		end = list_end(end + 9);
	if (end != NULL && strncmp(end, " WITH (", 7) == 0)
		end = list_end(end + 6);
	return end;
}

void
cmig_constraint_definition(StringInfo buf, const CmigObject *constraint)
{
	const char *definition = constraint->values[DEFINITION];
	const char *place = constraint->values[INDEX] ? parameters_place(definition) : NULL;

	appendStringInfo(buf, "CONSTRAINT %s ", cmig_quote(constraint->name));
	if (place != NULL)
	{
		appendBinaryStringInfo(buf, definition, place - definition);
		if (constraint->values[INDEX_OPTIONS] && *constraint->values[TYPE] != 'x')
			appendStringInfo(buf, " WITH (%s)", constraint->values[INDEX_OPTIONS]);
		if (constraint->values[TABLESPACE])
			appendStringInfo(buf, " USING INDEX TABLESPACE %s", constraint->values[TABLESPACE]);
		definition = place;
	}
	appendStringInfoString(buf, definition);
}

char *
cmig_constraint_parameters(const CmigObject *constraint)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (constraint->values[INDEX_OPTIONS])
		appendStringInfo(&buf, " WITH (%s)", constraint->values[INDEX_OPTIONS]);
	if (constraint->values[TABLESPACE])
		appendStringInfo(&buf, " TABLESPACE %s", constraint->values[TABLESPACE]);
	return buf.data;
}

/* Returns the ALTER TABLE action that adds the constraint. */
static char *
add_constraint(const CmigObject *constraint)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "ADD ");
	cmig_constraint_definition(&buf, constraint);
	return buf.data;
}

static char *
drop_constraint(const CmigObject *constraint)
{
	return psprintf("ALTER TABLE %s DROP CONSTRAINT %s", constraint->parent->identity,
					cmig_quote(constraint->name));
}

/* Add ALTER TABLE with an action for the constraint's table, and its undo. */
static void
add_action(CmigAlter *alter, const char *action, const char *undo)
{
	const char *table = alter->to->parent->identity;

	cmig_alter_add(alter, psprintf("ALTER TABLE %s %s", table, action),
				   psprintf("ALTER TABLE %s %s", table, undo));
}

/*
 * Returns the action CLUSTER ON if the table is clustered on the constraint's
 * index.  Otherwise returns the action SET WITHOUT CLUSTER.
 */
static const char *
cluster_action(const CmigObject *constraint)
{
	return constraint->values[CLUSTERED] ? psprintf("CLUSTER ON %s", cmig_quote(constraint->name)) :
		"SET WITHOUT CLUSTER";
}

/*
 * Returns the action that sets the table's replica identity: to the
 * constraint's index if that is the replica identity, and otherwise to the
 * default.
 */
static const char *
identity_action(const CmigObject *constraint)
{
	return constraint->values[REPLICA_IDENTITY] ?
		psprintf("REPLICA IDENTITY USING INDEX %s", cmig_quote(constraint->name)) :
		"REPLICA IDENTITY DEFAULT";
}

/* Add the statements for properties that only ALTER TABLE can set. */
static void
alter_marks(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (to->values[INDEX] == NULL)
		return;
	if (cmig_alter_differs(alter, CLUSTERED))
		add_action(alter, cluster_action(to), cluster_action(from));
	if (cmig_alter_differs(alter, REPLICA_IDENTITY))
		add_action(alter, identity_action(to), identity_action(from));
}

/* Alter the properties of the constraint's index. */
static void
alter_index(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;
	char	   *index = psprintf("INDEX %s", to->values[INDEX]);

	if (to->values[INDEX] == NULL)
		return;
	cmig_options_alter(alter, INDEX_OPTIONS, index, "");
	if (cmig_alter_differs(alter, TABLESPACE))
		cmig_alter_add(alter, psprintf("ALTER %s SET TABLESPACE %s", index, to->values[TABLESPACE] ? to->values[TABLESPACE] : "pg_default"),
					   psprintf("ALTER %s SET TABLESPACE %s", index, from->values[TABLESPACE] ? from->values[TABLESPACE] : "pg_default"));
	alter_marks(alter);
}

/* Is the only difference that the old constraint is NOT VALID? */
static bool
is_validated(const CmigObject *from, const CmigObject *to)
{
	const char *old = from->values[DEFINITION],
			   *new = to->values[DEFINITION];

	return ends_with(old, " NOT VALID") && !ends_with(new, " NOT VALID") &&
		strncmp(old, new, strlen(new)) == 0 && strlen(old) == strlen(new) + strlen(" NOT VALID");
}

/* Returns the action that re-creates the constraint, with its comment. */
static char *
make_again(const CmigObject *constraint)
{
	char	   *sql = psprintf("DROP CONSTRAINT %s, %s", cmig_quote(constraint->name), add_constraint(constraint));

	if (constraint->comment == NULL)
		return sql;
	return psprintf("%s;\nCOMMENT ON %s IS %s", sql, cmig_kind_reference(constraint), cmig_literal(constraint->comment));
}

static void
alter_constraint(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (cmig_alter_differs(alter, TYPE) ||
		(to->values[PARTITIONED] && cmig_alter_differs(alter, INDEX_OPTIONS)))
		alter->again = true;
	else if (cmig_alter_differs(alter, DEFINITION))
	{
		if (is_validated(from, to))
		{
			add_action(alter, psprintf("VALIDATE CONSTRAINT %s", cmig_quote(to->name)), make_again(from));
			cmig_ddl_hazards(alter->ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL);
		}
		else
			alter->again = true;
	}
	if (!alter->again)
		alter_index(alter);
}

/*
 * Returns the hazards of adding the constraint.  Any constraint other than a
 * check constraint also blocks writes, because an index is built or the
 * referenced table is locked.
 */
static int
hazards_of(const CmigObject *constraint)
{
	if (ends_with(constraint->values[DEFINITION], " NOT VALID"))
		return 0;
	return CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL |
		(*constraint->values[TYPE] == 'c' ? 0 : CMIG_HAZARD_BLOCKS);
}

static List *
create_constraint(const CmigObject *constraint)
{
	List	   *ddl = NIL;

	if (!constraint->folded)
	{
		ddl = cmig_ddl_append(NIL, table_sql_text(constraint, add_constraint(constraint)),
							  drop_constraint(constraint));
		cmig_ddl_hazards(ddl, hazards_of(constraint));
	}
	return cmig_kind_complete(constraint, ddl, alter_marks);
}

static const char *
index_name(const CmigObject *constraint)
{
	return constraint->values[INDEX];
}

/*
 * Does another constraint with an index on the same columns precede this
 * constraint?  If so, CREATE TABLE would create only one of them.
 */
static bool
is_redundant(const CmigObject *constraint)
{
	const char *columns = strchr(constraint->values[DEFINITION], '(');

	if (strchr("pux", *constraint->values[TYPE]) == NULL || columns == NULL)
		return false;
	for (const CmigObject *other = constraint->parent->child; other != constraint; other = other->sibling)
	{
		const char *others = other->kind == constraint->kind && strchr("pux", *other->values[TYPE]) != NULL ?
		strchr(other->values[DEFINITION], '(') : NULL;

		if (others != NULL && strcmp(columns, others) == 0)
			return true;
	}
	return false;
}

/*
 * Can CREATE TABLE include the constraint?  A NOT VALID constraint must be
 * added separately, because CREATE TABLE would mark it as valid.
 */
static bool
folds(const CmigObject *constraint)
{
	return constraint->parent->kind == &cmig_kind_table &&
		!ends_with(constraint->values[DEFINITION], " NOT VALID") && !is_redundant(constraint);
}

CmigKind	cmig_kind_constraint = {
	.name = "constraint",.word = "CONSTRAINT",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST | CMIG_KIND_ON_PARENT | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(properties),
	.sql = constraint_sql,.follows = constraint_follows,.create = create_constraint,.define = cmig_constraint_definition,.drop = drop_constraint,.alter = alter_constraint,
	.folds = folds,.index_name = index_name
};

/*
 * Foreign keys
 */

/* A foreign key can only be validated; for other changes, it is re-created. */
static void
alter_foreign_key(CmigAlter *alter)
{
	if (is_validated(alter->from, alter->to))
		alter_constraint(alter);
	else if (cmig_alter_differs(alter, DEFINITION))
		alter->again = true;
}

/*
 * Can CREATE TABLE include the foreign key?  It must be valid, and its table
 * must be neither partitioned nor a partition.  The referenced table must not
 * be partitioned, because its primary key may be incomplete until the indexes
 * of partitions are attached to it, after CREATE TABLE.
 */
static bool
foreign_key_folds(const CmigObject *key)
{
	if (key->parent->kind != &cmig_kind_table || cmig_table_is_partitioned(key->parent) ||
		cmig_table_is_partition(key->parent) || ends_with(key->values[DEFINITION], " NOT VALID"))
		return false;
	for (int i = 0; i < key->ndepends; i++)
	{
		const CmigObject *table = key->depends[i];

		while (table->parent != NULL)
			table = table->parent;
		if (table->kind != &cmig_kind_table || cmig_table_is_partitioned(table))
			return false;
	}
	return true;
}

CmigKind	cmig_kind_foreign_key = {
	.name = "foreign key",.word = "CONSTRAINT",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST | CMIG_KIND_ON_PARENT | CMIG_KIND_LAST,
	CMIG_PROPERTIES(properties),
	.sql = foreign_key_sql,.follows = foreign_key_follows,.create = create_constraint,.define = cmig_constraint_definition,.drop = drop_constraint,.alter = alter_foreign_key,
	.folds = foreign_key_folds
};
