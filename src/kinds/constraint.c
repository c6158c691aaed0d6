/*
 * constraint.c
 *	  Constraints, indexes, and statistics objects.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_statistic_ext.h"

#include "kinds/internal.h"

/* ----------------------------------------------------------------
 * Table constraints.
 *
 * Foreign keys are a separate kind, because they are created after all tables.
 * A constraint's index is part of the constraint.
 * ----------------------------------------------------------------
 */

/*
 * SQL expression for the qualified name of the parent index to which the index
 * "oid" is attached.
 */
#define CMIG_ATTACHED_SQL(oid) \
	"(SELECT format('%I.%I', hn.nspname, hc.relname) FROM pg_inherits h JOIN pg_class hc ON hc.oid = h.inhparent" \
	" JOIN pg_namespace hn ON hn.oid = hc.relnamespace WHERE h.inhrelid = " oid ")"

/*
 * The properties of constraints and indexes.  The first ones are the same for
 * both, and describe the index.
 */
enum
{
	TABLESPACE = CMIG_DEFINITION + 1,
	CLUSTERED,
	ATTACHED,
	PARTIAL,
	/* only constraints */
	TYPE,
	INDEX,
	INDEX_OPTIONS,
	PARTITIONED,
	/* only indexes */
	STATISTICS = PARTIAL + 1,
	NOT_VALID,
	METHOD,						/* what follows the table in CREATE INDEX */
	UNIQUE,
	CONSTRAINTS
};

#define INDEX_PROPERTIES \
	[CMIG_DEFINITION] = {"definition", CMIG_PROPERTY_EXPRESSION}, \
	[TABLESPACE] = {"tablespace", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL, "SET TABLESPACE {}", "SET TABLESPACE pg_default"}, \
	[CLUSTERED] = {"clustered", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL | CMIG_PROPERTY_STATEMENT, \
		"ALTER {on} CLUSTER ON {name}", "ALTER {on} SET WITHOUT CLUSTER"}, \
	[ATTACHED] = {"attached to", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL}, \
	[PARTIAL] = {"incomplete", CMIG_PROPERTY_OPTIONAL}

/* SQL expressions for these properties, for the row "i" of pg_class and "x" of pg_index. */
#define INDEX_PROPERTIES_SQL \
	" (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = i.reltablespace)," \
	" CASE WHEN x.indisclustered THEN 't' END," \
	" CASE WHEN i.relispartition THEN " CMIG_ATTACHED_SQL("i.oid") " END," \
	" CASE WHEN i.relkind = 'I' AND NOT x.indisvalid THEN" \
	" (SELECT coalesce(string_agg(format('%I.%I', hn.nspname, h.relname), ', ' ORDER BY hn.nspname, h.relname), 'no partitions')" \
	" FROM pg_inherits s JOIN pg_class h ON h.oid = s.inhrelid" \
	" JOIN pg_namespace hn ON hn.oid = h.relnamespace WHERE s.inhparent = i.oid) END,"

static const CmigProperty constraint_properties[] = {
	INDEX_PROPERTIES,
	[TYPE] = {"type"},
	[INDEX] = {"index", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[INDEX_OPTIONS] = {"storage parameters",
		CMIG_PROPERTY_LIST | CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL |
	CMIG_PROPERTY_PARAMETERS},
	[PARTITIONED] = {"of a partitioned table", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

#define CONSTRAINT_SQL(inherited, condition) \
	"SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_class'::regclass::oid, c.oid, 0," \
	" o.conname::text, format('%I on %I.%I', o.conname, n.nspname, c.relname), NULL::text, " inherited "," \
	" pg_get_constraintdef(o.oid)," INDEX_PROPERTIES_SQL " o.contype::text," \
	" CASE WHEN o.contype <> 'f' THEN (SELECT format('%I.%I', n.nspname, x.relname) FROM pg_class x WHERE x.oid = o.conindid) END," \
	" " CMIG_OPTIONS_SQL("''", "i.reloptions") "," \
	" CASE WHEN c.relkind = 'p' THEN 't' END" \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace" \
	" JOIN pg_constraint o ON o.conrelid = c.oid" \
	" LEFT JOIN pg_class i ON i.oid = o.conindid AND o.contype <> 'f'" \
	" LEFT JOIN pg_index x ON x.indexrelid = i.oid" \
	" WHERE @c.relnamespace AND c.relkind IN ('r', 'p', 'f') AND " condition

static const char constraint_sql[] =
CONSTRAINT_SQL("NOT o.conislocal OR coalesce(i.relispartition, false)",
			   "o.contype IN ('p', 'u', 'x', 'c')")
" ORDER BY o.conrelid, o.contype <> 'p', o.conname COLLATE \"C\"";

static const char foreign_key_sql[] =
CONSTRAINT_SQL("false", "o.contype = 'f' AND o.conparentid = 0");

/*
 * The copies of NOT VALID constraints that tables inherit, directly or through others:
 * "o" is the copy, "c" its table, and "p" the constraint.
 */
#define COPIES(condition) \
	"(WITH RECURSIVE copy AS (SELECT o.oid, o.conrelid, o.conname, i.inhparent FROM pg_constraint o" \
	" JOIN pg_class t ON t.oid = o.conrelid JOIN pg_inherits i ON i.inhrelid = t.oid" \
	" WHERE o.contype = 'c' AND o.coninhcount > 0 AND " condition \
	" UNION SELECT d.oid, d.conrelid, d.conname, i.inhparent FROM copy d" \
	" JOIN pg_constraint p ON p.conrelid = d.inhparent AND p.conname = d.conname AND p.contype = 'c'" \
	" AND NOT p.convalidated JOIN pg_inherits i ON i.inhrelid = d.inhparent)" \
	" TABLE copy) o JOIN pg_class c ON c.oid = o.conrelid" \
	" JOIN pg_constraint p ON p.conrelid = o.inhparent AND p.conname = o.conname AND p.contype = 'c'" \
	" AND NOT p.convalidated"

/*
 * Query for constraints that must be created in a certain order.  A constraint
 * that a child table itself defines is merged with the parent's constraint,
 * and stays when the parent's constraint is dropped.  Therefore, the parent's
 * constraint is created after the child's, and dropped before it.
 */
static const char constraint_follows[] =
"SELECT 'pg_constraint'::regclass::oid, p.oid, 0, 'pg_constraint'::regclass::oid, o.oid, 0"
" FROM pg_class c JOIN pg_constraint o ON o.conrelid = c.oid AND o.contype = 'c' AND o.conislocal"
" AND o.coninhcount > 0"
" JOIN pg_inherits i ON i.inhrelid = c.oid"
" JOIN pg_constraint p ON p.conrelid = i.inhparent AND p.conname = o.conname AND p.contype = 'c'"
" WHERE @c.relnamespace"
/*
 * a table's NOT VALID constraint is created after all tables that inherit it as
 * NOT VALID, directly or through others, so that it is added to them, too, and
 * before those that inherit it otherwise, because a new table gets a valid one
 */
" UNION ALL SELECT 'pg_constraint'::regclass::oid, p.oid, 0, 'pg_class'::regclass::oid, c.oid, 0"
" FROM " COPIES("(o.conislocal OR t.relispartition OR NOT o.convalidated)")
" WHERE @c.relnamespace"
/* a comment on it is set after that, in either case */
" UNION ALL SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_constraint'::regclass::oid, p.oid, 0"
" FROM " COPIES("NOT o.conislocal AND NOT (t.relispartition AND o.convalidated)")
" WHERE @c.relnamespace"
/* as in index_follows, below */
" UNION ALL SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_class'::regclass::oid, p.relid::oid, -2"
" FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_index x ON x.indexrelid = o.conindid"
" CROSS JOIN LATERAL pg_partition_tree(c.oid) p"
" WHERE @c.relnamespace AND c.relkind = 'p' AND o.contype IN ('p', 'u') AND NOT x.indisvalid AND p.level > 0"
" UNION ALL SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_constraint'::regclass::oid, a.oid, 0"
" FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_index x ON x.indexrelid = o.conindid"
" JOIN pg_inherits h ON h.inhparent = o.conindid"
" JOIN pg_constraint a ON a.conindid = h.inhrelid AND a.contype IN ('p', 'u')"
" WHERE @c.relnamespace AND c.relkind = 'p' AND o.contype IN ('p', 'u') AND NOT x.indisvalid";

/*
 * A foreign key that references a partitioned table is created after the
 * partitions, and dropped before them, because it also references each of them.
 */
static const char foreign_key_follows[] =
"SELECT 'pg_constraint'::regclass::oid, o.oid, 0, 'pg_class'::regclass::oid, p.relid::oid, 0"
" FROM pg_constraint o JOIN pg_class c ON c.oid = o.confrelid AND c.relkind = 'p'"
" CROSS JOIN LATERAL pg_partition_tree(c.oid) p"
" WHERE @o.connamespace AND o.contype = 'f' AND o.conparentid = 0 AND p.level > 0";

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

/* Append "CONSTRAINT name CHECK (...)", with index parameters, if any. */
void
cmig_constraint_definition(StringInfo buf, const CmigObject *constraint)
{
	const char *definition = constraint->values[CMIG_DEFINITION];
	const char *place = constraint->values[INDEX] ? parameters_place(definition) : NULL;

	appendStringInfo(buf, "CONSTRAINT %s ", cmig_quote(constraint->name));
	if (place != NULL)
	{
		appendBinaryStringInfo(buf, definition, place - definition);
		if (constraint->values[INDEX_OPTIONS] && *constraint->values[TYPE] != 'x')
			appendStringInfo(buf, " WITH (%s)", constraint->values[INDEX_OPTIONS]);
		appendStringInfoString(buf,
							   cmig_kind_text("[ USING INDEX TABLESPACE {tablespace}]",
											  constraint));
		definition = place;
	}
	appendStringInfoString(buf, definition);
}

/*
 * Returns the storage parameters and the tablespace of the constraint's index,
 * in the form that CREATE INDEX has after the columns.
 */
char *
cmig_constraint_parameters(const CmigObject *constraint)
{
	return cmig_kind_text("[ WITH ({storage parameters})][ TABLESPACE {tablespace}]", constraint);
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

/* Add the statement that marks an index, which only ALTER TABLE can do. */
static void
alter_clustered(CmigAlter *alter)
{
	cmig_alter_property(alter, CLUSTERED);
}

/* Is the only difference that the old constraint is NOT VALID? */
static bool
is_validated(const CmigObject *from, const CmigObject *to)
{
	const char *old = from->values[CMIG_DEFINITION],
			   *new = to->values[CMIG_DEFINITION];

	return cmig_is_not_valid(old) && !cmig_is_not_valid(new) &&
		cmig_text_same(from->operators, to->operators) &&
		strncmp(old, new, strlen(new)) == 0 && strlen(old) == strlen(new) + strlen(" NOT VALID");
}

/* Returns the statements that re-create the constraint, with its comment. */
static char *
make_again(const CmigObject *constraint)
{
	char	   *sql = psprintf("%s, %s", cmig_kind_drop(constraint), add_constraint(constraint));

	if (constraint->comment == NULL)
		return sql;
	return psprintf("%s;\nCOMMENT ON %s IS %s", sql, cmig_kind_reference(constraint),
					cmig_literal(constraint->comment));
}

/* A constraint can be validated; if its definition changes, it is re-created. */
static void
alter_constraint(CmigAlter *alter)
{
	const CmigObject *from = alter->from,
			   *to = alter->to;

	if (cmig_alter_differs(alter, TYPE) || cmig_alter_differs(alter, PARTIAL) ||
		(to->values[PARTITIONED] && cmig_alter_differs(alter, INDEX_OPTIONS)))
		alter->again = true;
	else if (is_validated(from, to))
		cmig_alter_add(alter, CMIG_DEFINITION,
					   cmig_kind_text("ALTER {on} VALIDATE CONSTRAINT {name}", to))->hazards =
			CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL;
	else if (alter->back && is_validated(to, from))
		cmig_alter_add(alter, CMIG_DEFINITION, make_again(to));
	else if (cmig_alter_differs(alter, CMIG_DEFINITION))
		alter->again = true;
	cmig_alter_property(alter, INDEX_OPTIONS);
	for (int i = TABLESPACE; i <= CLUSTERED; i++)
		cmig_alter_property(alter, i);
}

static List *
create_constraint(const CmigObject *constraint)
{
	List	   *ddl = NIL;

	if (!constraint->folded)
	{
		ddl = cmig_ddl_append(NIL,
							  psprintf("ALTER TABLE %s%s %s",
									   constraint->values[PARTIAL] ? "ONLY " : "",
									   constraint->parent->identity,
									   add_constraint(constraint)),
							  cmig_kind_drop(constraint));

		/*
		 * a constraint other than a check constraint also blocks writes,
		 * because an index is built or the referenced table is locked
		 */
		if (!cmig_is_not_valid(constraint->values[CMIG_DEFINITION]))
			cmig_ddl_hazards(ddl, CMIG_HAZARD_SCAN | CMIG_HAZARD_MAY_FAIL |
							 (*constraint->values[TYPE] == 'c' ? 0 : CMIG_HAZARD_BLOCKS))->online =
				CMIG_ONLINE_CREATE;
	}
	return cmig_kind_complete(constraint, ddl, alter_clustered);
}

/*
 * Does another constraint with an index on the same columns precede this
 * constraint?  If so, CREATE TABLE would create only one of them.
 */
static bool
is_redundant(const CmigObject *constraint)
{
	const char *columns = strchr(constraint->values[CMIG_DEFINITION], '(');

	if (strchr("pux", *constraint->values[TYPE]) == NULL || columns == NULL)
		return false;
	for (const CmigObject *other = constraint->parent->child; other != constraint; other = other->sibling)
	{
		const char *others = other->kind == constraint->kind &&
		strchr("pux", *other->values[TYPE]) != NULL ?
		strchr(other->values[CMIG_DEFINITION], '(') : NULL;

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
	return !cmig_is_not_valid(constraint->values[CMIG_DEFINITION]) && !is_redundant(constraint) &&
		constraint->values[PARTIAL] == NULL;
}

CmigKind	cmig_kind_constraint = {
	.name = "constraint",.word = "CONSTRAINT",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST |
	CMIG_KIND_ON_PARENT | CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(constraint_properties),
	.sql = constraint_sql,.follows = constraint_follows,.create = create_constraint,.define =
	cmig_constraint_definition,.drops = "ALTER TABLE {parent} DROP CONSTRAINT {name}",.alter =
	alter_constraint,.alters = "INDEX {index}",
	.folds = folds,.index = INDEX + 1
};

/*
 * Foreign keys
 */

/*
 * Can CREATE TABLE include the foreign key?  It must be valid, and its table
 * must be neither partitioned nor a partition.  The referenced table must not
 * be partitioned, because its primary key may be incomplete until the indexes
 * of partitions are attached to it, after CREATE TABLE.
 */
static bool
foreign_key_folds(const CmigObject *key)
{
	if (key->parent->kind != &cmig_kind_table ||
		key->parent->values[CMIG_TABLE_PARTITION_KEY] != NULL ||
		key->parent->values[CMIG_TABLE_IS_PARTITION] != NULL ||
		cmig_is_not_valid(key->values[CMIG_DEFINITION]))
		return false;
	for (int i = 0; i < key->ndepends; i++)
	{
		const CmigObject *table = cmig_object_root(key->depends[i]);

		if (table->kind != &cmig_kind_table || table->values[CMIG_TABLE_PARTITION_KEY] != NULL)
			return false;
	}
	return true;
}

CmigKind	cmig_kind_foreign_key = {
	.name = "foreign key",.word = "CONSTRAINT",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_FOLDS | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST |
	CMIG_KIND_ON_PARENT | CMIG_KIND_LAST,
	CMIG_PROPERTIES(constraint_properties),
	.sql = foreign_key_sql,.follows = foreign_key_follows,.create = create_constraint,.define =
	cmig_constraint_definition,.drops = "ALTER TABLE {parent} DROP CONSTRAINT {name}",.alter =
	alter_constraint,
	.folds = foreign_key_folds
};

/* Indexes that do not belong to a constraint */

static const CmigProperty index_properties[] = {
	INDEX_PROPERTIES,
	[STATISTICS] = {"statistics targets", CMIG_PROPERTY_NO_MODEL | CMIG_PROPERTY_OPTIONAL},
	[NOT_VALID] = {"invalid", CMIG_PROPERTY_OPTIONAL},
	[METHOD] = {"method", CMIG_PROPERTY_SILENT},
	[UNIQUE] = {"unique", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
	[CONSTRAINTS] = {"has attached constraints", CMIG_PROPERTY_SILENT | CMIG_PROPERTY_OPTIONAL},
};

static const char index_sql[] =
"SELECT 'pg_class'::regclass::oid, i.oid, 0, 'pg_class'::regclass::oid, x.indrelid, 0,"
" i.relname::text, format('%I.%I', n.nspname, i.relname), NULL::text, i.relispartition,"
" CASE WHEN i.relkind = 'I' THEN format('CREATE %sINDEX %I ON %I.%I %s', m.unique, i.relname, tn.nspname, t.relname, m.method) ELSE d.text END,"
INDEX_PROPERTIES_SQL
" CASE WHEN x.indexprs IS NOT NULL THEN"
"  (SELECT string_agg(a.attnum || ' ' || a.attstattarget, ', ' ORDER BY a.attnum)"
"   FROM pg_attribute a WHERE a.attrelid = i.oid AND a.attstattarget >= 0) END,"
" CASE WHEN i.relkind = 'i' AND NOT x.indisvalid THEN 't' END,"
" m.method, CASE WHEN x.indisunique THEN 't' END,"
" CASE WHEN i.relkind = 'I' AND x.indisunique THEN (WITH RECURSIVE h AS"
"  (SELECT inhrelid FROM pg_inherits WHERE inhparent = i.oid UNION ALL SELECT p.inhrelid"
" FROM pg_inherits p JOIN h ON p.inhparent = h.inhrelid)"
"  SELECT 't' WHERE EXISTS (SELECT FROM h JOIN pg_constraint o ON o.conindid = h.inhrelid"
" AND o.contype IN ('p', 'u'))) END"
" FROM pg_class i JOIN pg_namespace n ON n.oid = i.relnamespace"
" JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.oid = x.indrelid"
" JOIN pg_namespace tn ON tn.oid = t.relnamespace"
" CROSS JOIN LATERAL (SELECT pg_get_indexdef(i.oid) AS text OFFSET 0) d CROSS JOIN LATERAL " CMIG_INDEX_METHOD_SQL("d.text", "x", "i", "tn", "t") " m"
" WHERE @i.relnamespace AND i.relkind IN ('i', 'I')"
" AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.oid"
" AND o.contype IN ('p', 'u', 'x') AND o.conrelid = x.indrelid)";

/*
 * Query for the order in which invalid indexes of partitioned tables are
 * created.  If such an index existed, ATTACH PARTITION would create it in the
 * partition, too.  Therefore, it is created after the partitions are attached,
 * at all levels, because its statement also creates the indexes of those below;
 * and after the indexes that are attached to it.
 */
static const char index_follows[] =
"SELECT 'pg_class'::regclass::oid, x.indexrelid, 0, 'pg_class'::regclass::oid, p.relid::oid, -2"
" FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid"
" CROSS JOIN LATERAL pg_partition_tree(x.indrelid) p"
" WHERE @i.relnamespace AND i.relkind = 'I' AND NOT x.indisvalid AND p.level > 0"
" UNION ALL SELECT 'pg_class'::regclass::oid, h.inhparent, 0, 'pg_class'::regclass::oid, i.oid, 0"
" FROM pg_class i JOIN pg_inherits h ON h.inhrelid = i.oid"
" JOIN pg_index x ON x.indexrelid = h.inhparent"
" WHERE @i.relnamespace AND i.relispartition AND i.relkind IN ('i', 'I') AND NOT x.indisvalid";

/*
 * Query for dependencies: an attached index depends on its parent index, and
 * can be created together with it.
 */
static const char index_depends[] =
"SELECT 'pg_class'::regclass::oid, h.inhrelid, 0, 'pg_class'::regclass::oid, h.inhparent, 0"
" FROM pg_class i JOIN pg_inherits h ON h.inhrelid = i.oid"
" JOIN pg_index x ON x.indexrelid = h.inhparent"
" WHERE @i.relnamespace AND i.relkind IN ('i', 'I') AND i.relispartition AND x.indisvalid";

/* Returns the qualified name of an index or of a constraint's index, or NULL. */
const char *
cmig_index_name(const CmigObject *object)
{
	return object->kind == &cmig_kind_index ? object->identity :
		object->kind == &cmig_kind_constraint ? object->values[INDEX] : NULL;
}

bool
cmig_index_is_invalid(const CmigObject *object)
{
	return object->kind == &cmig_kind_index && object->values[NOT_VALID] != NULL;
}

/* Returns the name of the parent index to which the index is attached. */
const char *
cmig_index_parent(const CmigObject *object)
{
	return object->kind == &cmig_kind_index ||
		object->kind == &cmig_kind_constraint ? object->values[ATTACHED] : NULL;
}

/*
 * Does an attached index have the tablespace and the other properties that
 * PostgreSQL would give it when creating the partitioned table's index?
 * Either argument may be a constraint.  Definitions are not compared.
 */
bool
cmig_index_is_like(const CmigObject *attached, const CmigObject *index)
{
	if (attached->kind == &cmig_kind_index ? attached->values[STATISTICS] != NULL :
		!cmig_text_same(attached->values[INDEX_OPTIONS], index->values[INDEX_OPTIONS]))
		return false;
	return cmig_text_same(attached->values[TABLESPACE], index->values[TABLESPACE]) &&
		attached->values[CLUSTERED] == NULL;
}

/*
 * Returns a single statement that resets the statistics targets in "old" and
 * sets those in "new".  Both are lists such as "1 100, 2 50", for columns 1
 * and 2.
 */
static char *
targets_sql(const CmigObject *index, const char *old, const char *new)
{
	StringInfoData sql;
	const char *separator = "";

	initStringInfo(&sql);

	/*
	 * use ALTER TABLE ONLY, because ALTER INDEX would also alter the attached
	 * indexes
	 */
	appendStringInfo(&sql, "ALTER %s %s ", index->parent->kind == &cmig_kind_table &&
					 index->parent->values[CMIG_TABLE_PARTITION_KEY] != NULL ?
					 "TABLE ONLY" : "INDEX", index->identity);
	for (int pass = 0; pass < 2; pass++)
	{
		const char *p = pass == 0 ? old : new;

		while (p != NULL)
		{
			char	   *end;
			long		column = strtol(p, &end, 10);

			appendStringInfo(&sql, "%sALTER COLUMN %ld SET STATISTICS %ld", separator, column,
							 pass == 0 ? -1 : strtol(end, NULL, 10));
			separator = ", ";
			p = cmig_text_after(p, separator);
		}
	}
	return sql.data;
}

/* Alter the properties that do not require a new index. */
static void
alter_details(CmigAlter *alter)
{
	for (int i = TABLESPACE; i <= CLUSTERED; i++)
		cmig_alter_property(alter, i);
	if (cmig_alter_differs(alter, STATISTICS))
		cmig_alter_add(alter, STATISTICS,
					   targets_sql(alter->to, alter->from->values[STATISTICS],
								   alter->to->values[STATISTICS]));
}

bool
cmig_index_is_partial(const CmigObject *index)
{
	return (index->kind == &cmig_kind_index || index->kind == &cmig_kind_constraint) &&
		index->values[PARTIAL] != NULL;
}

bool
cmig_index_is_unique(const CmigObject *object)
{
	return object->kind == &cmig_kind_index && object->values[UNIQUE] != NULL;
}

const char *
cmig_index_method(const CmigObject *object)
{
	return object->values[object->kind == &cmig_kind_index ? METHOD : CMIG_DEFINITION];
}

char *
cmig_index_create(const CmigObject *index, const char *name, bool concurrently)
{
	return psprintf("CREATE %sINDEX %s%s ON %s%s %s", index->values[UNIQUE] ? "UNIQUE " : "",
					concurrently ? "CONCURRENTLY " : "", name,
					index->values[PARTIAL] ? "ONLY " : "",
					index->parent->identity, index->values[METHOD]);
}

char *
cmig_index_create_only(const CmigObject *object)
{
	CmigObject *only = cmig_object_copy(object);

	cmig_object_set(only, PARTIAL, "t");
	return ((CmigDdl *) linitial(only->kind->create(only)))->sql;
}

bool
cmig_index_same_unattached(const CmigObject *index, const CmigObject *other)
{
	const int	last = index->kind == &cmig_kind_index ? STATISTICS : INDEX_OPTIONS;

	for (int i = TABLESPACE; i <= last; i++)
		if (i != ATTACHED && i != PARTIAL && !cmig_object_same(index, other, i))
			return false;
	return cmig_text_same(index->comment, other->comment) &&
		strcmp(cmig_index_method(index), cmig_index_method(other)) == 0 &&
		cmig_index_is_unique(index) == cmig_index_is_unique(other);
}

bool
cmig_object_same_unnamed(const CmigObject *object, const CmigObject *other)
{
	for (int i = 0; i < object->kind->nproperties; i++)
		if (i != CMIG_DEFINITION && !cmig_object_same(object, other, i))
			return false;
	return cmig_index_is_unique(object) == cmig_index_is_unique(other) &&
		cmig_kind_same_value(&object->kind->properties[CMIG_DEFINITION], cmig_index_method(object),
							 cmig_index_method(other));
}

char *
cmig_constraint_columns(const CmigObject *key, const char **rest)
{
	const char *definition = key->values[CMIG_DEFINITION];
	const char *start = strchr(definition, '(');

	*rest = parameters_place(definition);
	return *rest ? pnstrdup(start, *rest - start) : NULL;
}

char
cmig_constraint_type(const CmigObject *object)
{
	return object->kind == &cmig_kind_constraint ||
		object->kind == &cmig_kind_foreign_key ? *object->values[TYPE] : '\0';
}

static void
alter_index(CmigAlter *alter)
{
	const CmigObject *old = alter->back ? alter->to : alter->from,
			   *new = alter->back ? alter->from : alter->to;

	if (cmig_alter_differs(alter, PARTIAL) || cmig_alter_differs(alter, CMIG_DEFINITION))
	{
		alter->again = true;
		return;
	}

	/*
	 * Rebuild an index that is invalid because CREATE INDEX CONCURRENTLY has
	 * failed.  There is nothing to revert, so the undo rebuilds the index,
	 * too.
	 */
	if (old->values[NOT_VALID] && !new->values[NOT_VALID])
	{
		CmigDdl    *ddl = cmig_alter_add(alter, NOT_VALID,
										 psprintf("REINDEX INDEX %s", new->identity));

		ddl->online = CMIG_ONLINE_REBUILD;
		ddl->hazards = alter->back ? 0 : CMIG_HAZARD_INVALID | CMIG_HAZARD_BLOCKS |
			(cmig_index_is_unique(new) ? CMIG_HAZARD_MAY_FAIL : 0);
	}
	alter_details(alter);
}

static List *
create_index(const CmigObject *index)
{
	List	   *ddl = cmig_ddl_append(NIL,
									  cmig_index_create(index, cmig_quote(index->name), false),
									  cmig_kind_drop(index));
	CmigDdl    *create = cmig_ddl_hazards(ddl, CMIG_HAZARD_BLOCKS |
										  (cmig_index_is_unique(index) ? CMIG_HAZARD_MAY_FAIL : 0));

	create->online = CMIG_ONLINE_CREATE;
	create->undo_online = CMIG_ONLINE_DROP;
	return cmig_kind_complete(index, ddl, alter_details);
}

CmigKind	cmig_kind_index = {
	.name = "index",.word = "INDEX",
	.flags = CMIG_KIND_MODEL | CMIG_KIND_DISPOSABLE | CMIG_KIND_RECAST | CMIG_KIND_RELATION |
	CMIG_KIND_GONE_WITH_PARENT,
	CMIG_PROPERTIES(index_properties),
	.sql = index_sql,.depends = index_depends,.follows = index_follows,.create = create_index,
	/* PostgreSQL requires CASCADE if constraints of partitions are attached */
	.drops = "DROP INDEX {identity}[{?has attached constraints} CASCADE]",.alter = alter_index
};

/* Extended statistics */

static const CmigProperty statistics_properties[] = {
	{"definition", CMIG_PROPERTY_EXPRESSION},
	{"target", CMIG_PROPERTY_OPTIONAL, "SET STATISTICS {}", "SET STATISTICS -1"},
};

/*
 * SQL expression for the definition of extended statistics.  PostgreSQL prints
 * the columns in the order of their numbers, which can differ between images,
 * so they are sorted by name instead.
 */
#define SORTED_SQL \
	"coalesce((SELECT replace(pg_get_statisticsobjdef(s.oid)," \
	"  ' ON ' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)," \
	"  ' ON ' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname))" \
	" FROM pg_attribute a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[])), pg_get_statisticsobjdef(s.oid))"

static const char statistics_sql[] =
"SELECT 'pg_statistic_ext'::regclass::oid, s.oid, 0, 'pg_class'::regclass::oid, s.stxrelid, 0,"
" s.stxname::text, format('%I.%I', n.nspname, s.stxname), pg_get_userbyid(s.stxowner)::text, false,"
" " SORTED_SQL ", nullif(s.stxstattarget::integer, -1)::text"
" FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace"
" WHERE @s.stxnamespace";

CmigKind	cmig_kind_statistics = {
	.name = "statistics",.word = "STATISTICS",
	.flags = CMIG_KIND_DISPOSABLE | CMIG_KIND_GONE_WITH_PARENT | CMIG_KIND_RECAST,
	CMIG_PROPERTIES(statistics_properties),
	.catalog = StatisticExtRelationId,
	.sql = statistics_sql,.creates = "{definition}"
};
