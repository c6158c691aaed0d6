/*
 * statements.c
 *	  The statements of an expansion.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "common/string.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "versions/internal.h"

PG_FUNCTION_INFO_V1(cmig_expansion_key);

/* The columns of a table, and what the application sees of them. */
void
cmig_versions_add_columns(CmigPlanning *p, const CmigVersionTable *table)
{
	const char *real = table->a->qualified;
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, real};
	const CmigStepGroup shadow = {p, CMIG_PHASE_SHADOW, real};

	if (table->filled)
	{
		/*
		 * existing rows have the default, which takes no time; so has a row
		 * that is inserted while the triggers are disabled
		 */
		cmig_versions_add(&at,
						  "ALTER TABLE %s ADD COLUMN " CMIG_STATE_COLUMN " text DEFAULT 'todo'",
						  real);
		cmig_versions_add(&at,
						  "COMMENT ON COLUMN %s." CMIG_STATE_COLUMN " IS '" CMIG_STATE_COMMENT "'",
						  real);

		/*
		 * the same value, of which the triggers take note; needed again if it
		 * is dropped by hand
		 */
		cmig_versions_add(&at,
						  "ALTER TABLE %s ALTER COLUMN " CMIG_STATE_COLUMN " SET DEFAULT cmig.expansion_mark('todo'::text)",
						  real);
	}
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		const CmigShapeColumn *b = column->b;
		const char *hidden = column->hidden ? quote_identifier(column->hidden) : NULL;

		if (hidden == NULL)
			continue;
		cmig_versions_add(&at, "ALTER TABLE %s ADD COLUMN %s %s%s%s", real, hidden, b->type,
						  b->collation ? " COLLATE " : "", b->collation ? b->collation : "");
		if (column->a != NULL)
			cmig_versions_add_column_privileges(&shadow, column->a->name, real, column->hidden);
		if (column->a == NULL && b->sequence != NULL)
		{
			cmig_versions_add(&at, "CREATE SEQUENCE %s AS %s %s", b->sequence, b->type,
							  b->options)->sequence = b->sequence;
			cmig_versions_add_owner(&shadow, b->sequence);
			cmig_versions_add(&at, "ALTER SEQUENCE %s OWNED BY %s.%s", b->sequence, real, hidden);
		}
		/* the default identifies the column if it is renamed */
		cmig_versions_add(&at,
						  "ALTER TABLE %s ALTER COLUMN %s SET DEFAULT cmig.expansion_%s(NULL::%s)",
						  real, hidden,
						  table->filled ? "mark" : "unset", b->type);
	}
}

/* Note that the revision gives a column of both versions another default. */
static void
add_default_row(CmigPlanning *p, const CmigVersionTable *table, const CmigVersionColumn *column)
{
	char	  **row = palloc0(9 * sizeof(char *));

	row[0] = "";
	row[2] = OTHER_DEFAULT;
	row[3] = table->a->qualified;
	row[4] = column->b->name;
	p->result->columns = lappend(p->result->columns, row);
}

/* The view, its defaults, privileges, and comments. */
void
cmig_versions_add_view(CmigPlanning *p, CmigVersionTable *table)
{
	const char *schema = cmig_versions_schema(p, table->b->schema);
	const char *from = table->a->qualified;
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, from};
	char	   *view = psprintf("%s.%s", schema, quote_identifier(table->b->name));
	const char *rest = "";
	StringInfoData sql;

	initStringInfo(&sql);
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		const char *source = quote_identifier(column->hidden ? column->hidden : column->a->name);
		const char *name = quote_identifier(column->b->name);
		bool		same = strcmp(source, name) == 0;

		appendStringInfo(&sql, "%s%s%s%s", sql.len > 0 ? ", " : "", source, same ? "" : " AS ",
						 same ? "" : name);
	}
	if (table->filled)
	{
		/*
		 * what it writes is told from what writes the table; an INSERT has
		 * the check alone
		 */
		from = psprintf("%s " CMIG_VERSION_ALIAS, from);
		rest = " WHERE cmig.expansion_view() WITH LOCAL CHECK OPTION";
	}
	table->created = cmig_versions_add(&at,
									   "CREATE VIEW %s WITH (security_invoker = true) AS SELECT %s"
									   " FROM %s%s", view, sql.data, from, rest);
	table->view = view;
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		const CmigShapeColumn *b = column->b;
		const char *name = quote_identifier(b->name);
		const char *value = b->value;	/* for UPDATE ... SET column = DEFAULT */

		if (column->hidden != NULL && table->filled && column->takes_default)
			value = psprintf("cmig.expansion_unset(NULL::%s)", b->type);
		/* NULL itself would not be stored */
		else if (value == NULL &&
				 (column->hidden != NULL || !cmig_text_same(column->a->value, value)))
			value = psprintf(column->takes_default ? "cmig.expansion_unset(NULL::%s)" :
							 "COALESCE(NULL::%s)",
							 b->type);
		if (value != NULL && !b->generated[0])
			cmig_versions_add(&at, "ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s", view, name,
							  value);
		if (column->hidden == NULL && !cmig_text_same(column->a->value, b->value))
			add_default_row(p, table, column);
		if (b->comment != NULL)
			cmig_versions_add(&at, "COMMENT ON COLUMN %s.%s IS %s", view, name,
							  quote_literal_cstr(b->comment));
	}
	if (table->b->comment != NULL)
		cmig_versions_add(&at, "COMMENT ON VIEW %s IS %s", view,
						  quote_literal_cstr(table->b->comment));
}

/* Append the arguments of a rule. */
static void
append_rule(StringInfo sql, char kind, const char *flags, const char *column, const char *label,
			const char *expr)
{
	appendStringInfo(sql, ", %s, %s, %s, %s", quote_literal_cstr(psprintf("%c%s", kind, flags)),
					 quote_literal_cstr(column), quote_literal_cstr(label),
					 quote_literal_cstr(expr));
}

/* The triggers, after the columns exist in the shadow. */
void
cmig_versions_add_triggers(CmigPlanning *p, CmigVersionTable *table)
{
	const char *real = table->a->qualified;
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, real};
	Oid			relation = get_relname_relid(table->a->name,
											 get_namespace_oid(table->a->schema, false));
	CmigVersionNames names = {p, table, 0, true};
	StringInfoData sql;
	StringInfoData unset;

	initStringInfo(&sql);
	initStringInfo(&unset);
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		if (column->hidden != NULL && column->up == NULL)
			append_rule(&unset, CMIG_RULE_NONE, "", column->hidden, column->b->name, "NULL");
	}
	if (!table->filled)
	{
		/* it never fires: its arguments tell the audit log what is hidden */
		if (unset.len > 0)
			cmig_versions_add(&at,
							  "CREATE TRIGGER %s AFTER DELETE ON %s FOR EACH ROW WHEN (false) EXECUTE FUNCTION cmig.expansion_write('', '', %s%s)",
							  quote_identifier(CMIG_EXPANSION_WRITE), real,
							  quote_literal_cstr(table->view), unset.data);
		return;
	}
	table->sequence = psprintf("%s.%s", cmig_versions_schema(p, table->b->schema),
							   quote_identifier(cmig_version_join_name(CMIG_OLD_PREFIX,
																	   table->b->name)));
	cmig_versions_add(&at, "CREATE SEQUENCE %s", table->sequence)->sequence = table->sequence;
	appendStringInfo(&sql,
					 "CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(%s, %s, %s",
					 quote_identifier(CMIG_EXPANSION_WRITE), real,
					 quote_literal_cstr(CMIG_STATE_COLUMN),
					 p->strict ? "'s'" : "''",
					 quote_literal_cstr(table->sequence));
	foreach_ptr(CmigVersionColumn, column, table->columns)
	{
		if (column->up == NULL)
			continue;
		names.up = true;
		names.level = column->up->revision - 1;
		column->up_text = cmig_versions_print(relation, column->up, column->hidden, &names,
											  psprintf("cmig:up %s.%s",
													   quote_identifier(table->b->name),
													   quote_identifier(column->b->name)));
		append_rule(&sql, CMIG_RULE_UP,
					psprintf("%s%s", *column->b->not_null == 't' ? "!" : "",
							 column->takes_default ? "d" : ""),
					column->hidden, column->b->name, column->up_text);
	}
	foreach_ptr(CmigVersionColumn, column, list_concat_copy(table->columns, table->dropped))
	{
		if (column->down == NULL)
			continue;
		names.up = false;
		names.level = column->down->revision;
		column->down_text = cmig_versions_print(relation, column->down, column->a->name,
												&names,
												psprintf("cmig:down %s.%s",
														 quote_identifier(table->a->name),
														 quote_identifier(column->a->name)));
		append_rule(&sql, CMIG_RULE_DOWN, *column->a->not_null == 't' ? "!" : "", column->a->name,
					column->a->name,
					column->down_text);
	}
	foreach_ptr(CmigShapePart, part, table->build)
	{
		const char *rest;
		const char *condition;

		if (part->kind[0] != 'c')
			continue;
		condition = cmig_check_condition(part->definition, &rest);
		cmig_versions_require_pinned(relation, condition);
		append_rule(&sql, CMIG_RULE_CHECK, "", "", part->name, condition);
	}
	appendStringInfo(&sql, "%s)", unset.data);
	cmig_versions_add(&at,
					  "CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s"
					  " FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin(%s)",
					  quote_identifier(CMIG_EXPANSION_BEGIN), real,
					  quote_literal_cstr(table->sequence));
	cmig_versions_add(&at, "%s", sql.data);
	cmig_versions_add(&at, "ALTER TABLE %s ENABLE ALWAYS TRIGGER %s, ENABLE ALWAYS TRIGGER %s",
					  real, quote_identifier(CMIG_EXPANSION_BEGIN),
					  quote_identifier(CMIG_EXPANSION_WRITE));
}

/*
 * Add a constraint, and then validate it without a lock that blocks writes, unless
 * its definition says that it is NOT VALID.
 */
void
cmig_versions_add_constraint(const CmigStepGroup *at, const char *table, const char *name,
							 const char *definition)
{
	bool		validate = !cmig_is_not_valid(definition);

	name = quote_identifier(name);
	cmig_versions_add(at, "ALTER TABLE %s ADD CONSTRAINT %s %s%s", table, name, definition,
					  validate ? " NOT VALID" : "");
	if (validate)
		cmig_versions_add(at, "ALTER TABLE %s VALIDATE CONSTRAINT %s", table, name);
}

/* Create the index of a part; "only" is "ONLY " or empty. */
static void
add_index(const CmigStepGroup *at, const CmigShapePart *part, const char *name, const char *only,
		  const char *relation)
{
	cmig_versions_add(at, "CREATE %sINDEX %s%s ON %s%s %s", part->unique ? part->unique : "",
					  *only ? "" : "CONCURRENTLY ",
					  quote_identifier(name), only, relation, part->index);
}

/* Drop an index or a constraint of the table; "exists" is "IF EXISTS " or empty. */
static void
add_drop(const CmigStepGroup *at, const CmigShapeTable *table, bool index, const char *name,
		 const char *exists)
{
	name = quote_identifier(name);
	if (index)
		cmig_versions_add(at, "DROP INDEX %s%s.%s", exists, quote_identifier(table->schema), name);
	else
		cmig_versions_add(at, "ALTER TABLE %s%s DROP CONSTRAINT %s%s", exists, table->qualified,
						  exists, name);
}

/* Rename an index or a constraint of the table. */
static void
add_rename(const CmigStepGroup *at, const CmigShapeTable *table, bool index, const char *name,
		   const char *to)
{
	name = quote_identifier(name);
	to = quote_identifier(to);
	if (index)
		cmig_versions_add(at, "ALTER INDEX %s.%s RENAME TO %s", quote_identifier(table->schema),
						  name, to);
	else
		cmig_versions_add(at, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", table->qualified, name,
						  to);
}

char *
cmig_versions_partition_index(const char *partition, const char *relation, const char *name)
{
	const char *table = strrchr(relation, '.') + 1;
	bool		prefixed = strncmp(name, table, strlen(table)) == 0 && name[strlen(table)] == '_';

	return cmig_version_join_name(partition, prefixed ? name + strlen(table) + 1 : name);
}

/*
 * Add the steps for the partitions' part of an index or foreign key: build, get
 * the final name, or drop.
 */
static void
add_partitions(const CmigStepGroup *at, const CmigShapePart *part)
{
	static CmigQuery query = {
		.sql = "SELECT y.relid::regclass, c.relname, quote_ident(n.nspname), quote_ident(m.nspname), q.relname, y.level, y.isleaf,"
		"  (parse_ident($2::json->>y.relid::regclass::text))[2], (parse_ident($2::json->>y.parentrelid::regclass::text))[2]"
		" FROM pg_partition_tree(" CMIG_RELATION_NAMED("$1") ") y JOIN pg_class c ON c.oid = y.relid"
		" JOIN pg_namespace n ON n.oid = c.relnamespace"
		" JOIN pg_class q ON q.oid = y.parentrelid JOIN pg_namespace m ON m.oid = q.relnamespace"
		" WHERE y.level > 0 ORDER BY y.level, y.relid::regclass::text COLLATE \"C\"",
		.argtypes = {TEXTOID, TEXTOID}
	};
	const char *relation = at->relation;
	bool		foreign = part->kind[0] == 'f';
	bool		build = strcmp(at->phase, CMIG_PHASE_BUILD) == 0;
	char	   *hidden = cmig_version_hidden_name(part->name);

	/* when a foreign key gets its name, partitions may have come or gone */
	if (foreign && strcmp(at->phase, CMIG_PHASE_CONTRACT) == 0)
		return;
	if (build && !foreign)
		add_index(at, part, hidden, "ONLY ", relation);
	foreach_ptr(CmigValue, row, cmig_query_list(&query, relation, part->partitions))
	{
		bool		leaf = *row[6] == 't';
		char	   *final = row[7] ? row[7] : cmig_versions_partition_index(row[1], relation, part->name);
		char	   *name = cmig_version_hidden_name(final);
		const char *parent = *row[5] == '1' ? part->name : row[8] ? row[8] :
		cmig_versions_partition_index(row[4], relation, part->name);

		/* meanwhile, a partition may be dropped */
		if (strcmp(at->phase, CMIG_PHASE_CONTRACT) == 0)
			cmig_versions_add(at, "ALTER INDEX IF EXISTS %s.%s RENAME TO %s", row[2],
							  quote_identifier(name), quote_identifier(final));
		else if (!build && foreign)
			cmig_versions_add(at, "ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %s", row[0],
							  quote_identifier(hidden));
		else if (!build)
			cmig_versions_add(at, "DROP INDEX IF EXISTS %s.%s", row[2], quote_identifier(name));
		else if (foreign && leaf)
			cmig_versions_add_constraint(at, row[0], hidden, part->definition);
		else if (!foreign)
		{
			add_index(at, part, name, leaf ? "" : "ONLY ", row[0]);
			cmig_versions_add(at, "ALTER INDEX %s.%s ATTACH PARTITION %s.%s", row[3],
							  quote_identifier(cmig_version_hidden_name(parent)), row[2],
							  quote_identifier(name));
		}
	}
	/* takes those of the partitions, which need not be validated again */
	if (build && foreign)
		cmig_versions_add(at, "ALTER TABLE %s ADD CONSTRAINT %s %s", relation,
						  quote_identifier(hidden), part->definition);
}

/* Add the constraint of an index, and those of the indexes attached to it. */
static void
add_key(Oid index, Oid parent, bits16 flags)
{
	Relation	table = table_open(IndexGetRelation(index, false), AccessExclusiveLock);
	Relation	key = index_open(index, AccessExclusiveLock);
	Oid			constraint;

	CheckTableNotInUse(table, "ALTER TABLE");
	constraint = index_constraint_create(table, index, parent, BuildIndexInfo(key),
										 RelationGetRelationName(key),
										 flags & INDEX_CONSTR_CREATE_MARK_AS_PRIMARY ?
										 CONSTRAINT_PRIMARY : CONSTRAINT_UNIQUE, flags, false,
										 false).objectId;
	index_close(key, NoLock);
	table_close(table, NoLock);
	foreach_oid(child, find_inheritance_children(index, AccessExclusiveLock))
		add_key(child, constraint, flags);
}

/*
 * Make a unique index of a partitioned table a key, for which PostgreSQL has no
 * statement: ADD CONSTRAINT ... USING INDEX does that for other tables only.
 * Foreign keys that use the index do so further on.
 */
Datum
cmig_expansion_key(PG_FUNCTION_ARGS)
{
	static CmigQuery query = {
		.sql = "SELECT $2 ~ '^(PRIMARY KEY|UNIQUE)( DEFERRABLE( INITIALLY DEFERRED)?)?$' AND c.relkind = 'I' AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL AND 0 = ALL (x.indoption::int2[])"
		"  AND NOT EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (x.indclass::oid[])"
		" AND NOT o.opcdefault)"
		"  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = c.oid"
		" AND o.contype IN ('p', 'u'))"
		"  AND ($2 NOT LIKE 'PRIMARY%' OR NOT EXISTS (SELECT FROM pg_index p"
		" WHERE p.indrelid = x.indrelid AND p.indisprimary)"
		"   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = x.indrelid"
		" AND a.attnum = ANY ((x.indkey::int2[])[0:x.indnkeyatts - 1]) AND NOT a.attnotnull))"
		" FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE c.oid = $1",
		.argtypes = {OIDOID, TEXTOID}
	};
	Oid			index = PG_GETARG_OID(0);
	const char *kind = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Oid			table = IndexGetRelation(index, true);
	char	   *name = get_rel_name(index);
	char	   *fit;

	/*
	 * no event trigger fires, so it is not called outside of what
	 * cmig.ddl_policy exempts
	 */
	if (!cmig_session_is_entered())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cmig.expansion_key() can only be called by cmig.contract() and in revisions")));
	if (OidIsValid(table) && !cmig_owns_compat(RelationRelationId, table, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
	if (OidIsValid(table))
		(void) cmig_inheritors(table, AccessExclusiveLock);
	fit = cmig_query_value(&query, index, kind);
	if (fit == NULL || strcmp(fit, "t") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" cannot become a key", name ? name : psprintf("%u", index)),
				 errdetail("cmig.contract() uses this function for unique indexes of partitioned tables.")));
	add_key(index, InvalidOid,
			INDEX_CONSTR_CREATE_UPDATE_INDEX | INDEX_CONSTR_CREATE_REMOVE_OLD_DEPS |
			(kind[0] == 'P' ? INDEX_CONSTR_CREATE_MARK_AS_PRIMARY : 0) |
			(pg_str_endswith(kind, "DEFERRABLE") ? INDEX_CONSTR_CREATE_DEFERRABLE : 0) |
			(pg_str_endswith(kind, "DEFERRED") ?
			 INDEX_CONSTR_CREATE_DEFERRABLE | INDEX_CONSTR_CREATE_INIT_DEFERRED : 0));
	PG_RETURN_VOID();
}

/* Until the contraction makes it a constraint, the unique index checks each row at once. */
static void
add_immediate(CmigPlanning *p, const CmigVersionTable *table, const CmigShapePart *part)
{
	char	  **row = palloc(2 * sizeof(char *));

	row[0] = psprintf("constraint %s on %s", quote_identifier(part->name), table->a->qualified);
	row[1] = "checks each row at once, and cannot be deferred";
	p->result->immediate = lappend(p->result->immediate, row);
}

/* What is built on the hidden columns, while both builds run. */
void
cmig_versions_add_builds(CmigPlanning *p, const CmigVersionTable *table)
{
	const CmigStepGroup at = {p, CMIG_PHASE_BUILD, table->a->qualified};

	foreach_ptr(const CmigShapePart, part, table->build)
	{
		char	   *name = cmig_version_hidden_name(part->name);

		if (part->kind[0] == 'c')
			continue;
		if (strchr("pu", part->kind[0]) != NULL && part->deferrable[0] != '\0')
			add_immediate(p, table, part);
		if (*table->a->kind == 'p' &&
			!(part->kind[0] == 'f' && cmig_is_not_valid(part->definition)))
			add_partitions(&at, part);
		else if (part->kind[0] != 'f')
			add_index(&at, part, name, "", at.relation);
		else
			cmig_versions_add_constraint(&at, at.relation, name, part->definition);
	}
}

/* Returns the name of the CHECK constraint that lets SET NOT NULL not scan the table. */
static char *
not_null_name(const CmigVersionColumn *column)
{
	return cmig_version_hidden_name(psprintf("%s_not_null", column->b->name));
}

/*
 * What is checked before a table takes its new shape: the expressions keep rows
 * that violate these constraints out, or mark them.
 */
void
cmig_versions_add_checks(CmigPlanning *p, const CmigVersionTable *table)
{
	const CmigStepGroup at = {p, CMIG_PHASE_CHECK, table->a->qualified};

	foreach_ptr(const CmigShapePart, part, table->build)
	{
		if (part->kind[0] == 'c')
			cmig_versions_add_constraint(&at, at.relation, cmig_version_hidden_name(part->name),
										 part->definition);
	}
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		if (column->hidden != NULL && *column->b->not_null == 't')
			cmig_versions_add_constraint(&at, at.relation, not_null_name(column),
										 psprintf("CHECK ((%s IS NOT NULL))",
												  quote_identifier(column->hidden)));
	}
}

/* Remove the triggers and the defaults, to contract or to abandon. */
static void
add_removal(CmigPlanning *p, const char *phase)
{
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		const CmigStepGroup at = {p, phase, table->a->qualified};

		if (table->filled)
			cmig_versions_add(&at, "DROP TRIGGER IF EXISTS %s ON %s",
							  quote_identifier(CMIG_EXPANSION_BEGIN), at.relation);
		if (table->hides)
			cmig_versions_add(&at, "DROP TRIGGER IF EXISTS %s ON %s",
							  quote_identifier(CMIG_EXPANSION_WRITE), at.relation);
	}
}

/* In this transaction, what a function's body reads need not be there yet. */
void
cmig_versions_add_unchecked(CmigPlanning *p, const char *phase)
{
	const CmigStepGroup at = {p, phase, ""};

	cmig_versions_add(&at, "SELECT pg_catalog.set_config('check_function_bodies', 'off', true)");
}

/*
 * What a view or a parsed body of the version writes is the table itself, and would count
 * as a write of the old version.  A trigger of the view raises an error.
 */
static void
refuse_writes(const CmigPlanning *p, const CmigStepGroup *at, const CmigShapeReader *reader,
			  const char *name)
{
	foreach_ptr(const CmigVersionTable, table, reader->written != NIL ? p->tables : NIL)
	{
		if (!table->filled || !cmig_text_list_has(reader->written, table->a->qualified))
			continue;
		if (reader->kind[0] == 'R')
			cmig_versions_refuse(psprintf("function %s.%s", quote_identifier(reader->schema),
										  reader->signature),
								 psprintf("Its BEGIN ATOMIC body writes table %s, so what it writes would count as a write of the old version. With a body that is a string, it finds the view of the new one.",
										  table->a->qualified));
		cmig_versions_add(at, "CREATE TRIGGER %s INSTEAD OF INSERT OR UPDATE ON %s"
						  " FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(%s, %s)",
						  quote_identifier(CMIG_EXPANSION_WRITE), name,
						  quote_literal_cstr(table->a->qualified),
						  quote_literal_cstr(table->view));
	}
}

/*
 * New and changed views and functions, in the version's schemas.  A materialized
 * view is filled after the tables.
 */
void
cmig_versions_add_readers(CmigPlanning *p)
{
	const CmigStepGroup at = {p, CMIG_PHASE_PREPARE, ""};
	const CmigStepGroup build = {p, CMIG_PHASE_BUILD, ""};

	if (p->readers != NIL)
		cmig_versions_add_unchecked(p, at.phase);
	foreach_ptr(CmigShapeReader, reader, p->readers)
	{
		const char *name = cmig_shape_reader_name(reader, reader->version->schema);

		reader->created = cmig_versions_add(&at, "%s", reader->version->definition);
		cmig_versions_add_rows(&at, reader->indexes);
		if (reader->comment != NULL)
			cmig_versions_add(&at, "COMMENT ON %s %s IS %s", reader->kind, name,
							  quote_literal_cstr(reader->comment));
		refuse_writes(p, &at, reader, name);
		if (reader->kind[0] == 'M')
			cmig_versions_add(&build, "REFRESH MATERIALIZED VIEW %s", name);
	}
}

/* Views and functions in the version's schemas, and these schemas. */
static void
add_views_removal(CmigPlanning *p, const char *phase)
{
	const CmigStepGroup all = {p, phase, ""};

	for (int i = list_length(p->readers) - 1; i >= 0; i--)
	{
		const CmigShapeReader *reader = list_nth(p->readers, i);

		if (reader->kind[0] != 'M' || strcmp(phase, CMIG_PHASE_ABANDON) == 0)
			cmig_versions_add(&all, "DROP %s IF EXISTS %s", reader->kind,
							  cmig_shape_reader_name(reader, reader->version->schema));
	}
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		const CmigStepGroup at = {p, phase, table->a->qualified};

		if (table->sequence != NULL)
			cmig_versions_add(&at, "DROP SEQUENCE IF EXISTS %s", table->sequence);
		if (table->viewed)
			cmig_versions_add(&at, "DROP VIEW IF EXISTS %s.%s",
							  cmig_versions_schema(p, table->b->schema),
							  quote_identifier(table->b->name));
	}
}

/* The schemas of the version, after nothing uses the types in them. */
static void
add_schemas_removal(CmigPlanning *p, const char *phase)
{
	const CmigStepGroup at = {p, phase, ""};

	foreach_ptr(const CmigVersionEnum, e, p->enums)
	{
		if (strcmp(phase, CMIG_PHASE_CONTRACT) == 0)
		{
			cmig_versions_add(&at, "DROP TYPE %s", e->a->qualified);
			cmig_versions_add(&at, "ALTER TYPE %s SET SCHEMA %s", e->name,
							  quote_identifier(e->b->schema));
		}
		else
			cmig_versions_add(&at, "DROP TYPE IF EXISTS %s", e->name);
	}
	foreach_ptr(const char, schema, p->result->schemas)
		cmig_versions_add(&at, "DROP SCHEMA IF EXISTS %s", cmig_versions_schema(p, schema));
}

/*
 * The views and functions that were changed in place take their new form while
 * the columns that either form reads exist.  A function's body that is a string
 * is among what differs in the end.
 */
static void
add_readers_contract(CmigPlanning *p)
{
	const CmigStepGroup at = {p, CMIG_PHASE_CONTRACT, ""};

	for (int i = list_length(p->old_readers) - 1; i >= 0; i--)
	{
		const CmigShapeReader *old = list_nth(p->old_readers, i);

		/* a body that is a string depends on nothing, but arguments on types */
		if ((old->body == NULL || p->enums != NIL) &&
			cmig_shape_reader_object(old, p->after) == NULL)
			cmig_versions_add(&at, "DROP %s %s", old->kind,
							  cmig_shape_reader_name(old, old->schema));
	}
	foreach_ptr(const CmigShapeReader, reader, p->readers)
	{
		bool		same = reader->old != NULL && strcmp(reader->old->key, reader->key) == 0;
		char	   *name = cmig_shape_reader_name(reader, reader->schema);

		if (reader->kind[0] == 'M' && same)
			cmig_versions_add(&at, "DROP MATERIALIZED VIEW %s", name);
		if (reader->kind[0] == 'M')
			cmig_versions_add(&at, "ALTER MATERIALIZED VIEW %s SET SCHEMA %s",
							  cmig_shape_reader_name(reader, reader->version->schema),
							  quote_identifier(reader->schema));
		else if (same && reader->body == NULL &&
				 strcmp(reader->old->definition, reader->definition) != 0)
			cmig_versions_add(&at, "%s", reader->definition);
	}
	/* one that is dropped and created does not keep its privileges */
	foreach_ptr(const CmigShapeReader, reader, p->readers)
	{
		const CmigShapeReader *old = reader->old;

		if (old != NULL && old->body != NULL && p->enums == NIL &&
			strcmp(old->key, reader->key) != 0)
			cmig_versions_add(&at, "DROP %s %s", old->kind,
							  cmig_shape_reader_name(old, old->schema));
	}
}

/* Everything as before: whatever exists of the expansion is dropped. */
void
cmig_versions_add_abandon(CmigPlanning *p)
{
	const CmigStepGroup all = {p, CMIG_PHASE_ABANDON, ""};

	foreach_ptr(const char, sql, p->release)
		cmig_versions_add(&all, "%s", sql);
	add_views_removal(p, all.phase);
	add_removal(p, all.phase);
	/* foreign keys before what they refer to */
	for (int i = 0; i < 2 * list_length(p->tables); i++)
	{
		const CmigVersionTable *table = list_nth(p->tables, i % list_length(p->tables));
		const CmigStepGroup at = {p, all.phase, table->a->qualified};

		foreach_ptr(const CmigShapePart, part, table->build)
		{
			if ((part->kind[0] != 'f') != (i >= list_length(p->tables)))
				continue;
			add_drop(&at, table->a, strchr("cf", part->kind[0]) == NULL,
					 cmig_version_hidden_name(part->name), "IF EXISTS ");
			if (*table->a->kind == 'p' && part->kind[0] != 'c')
				add_partitions(&at, part);
		}
	}
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		const CmigStepGroup at = {p, all.phase, table->a->qualified};
		static const char drop[] = "ALTER TABLE IF EXISTS %s DROP COLUMN IF EXISTS %s";

		foreach_ptr(const CmigVersionColumn, column, table->columns)
		{
			if (column->hidden != NULL)
				cmig_versions_add(&at, drop, at.relation, quote_identifier(column->hidden));
		}
		if (table->filled)
			cmig_versions_add(&at, drop, at.relation, CMIG_STATE_COLUMN);
	}
	foreach_ptr(const CmigDiffLine, line, p->created)
	{
		const CmigObject *object = line->subject;

		/* it may have been dropped by hand */
		if (!line->within && line->downgrade != NULL)
			p->abandon = lcons(object->parent != NULL ? pstrdup(line->downgrade) :
							   psprintf("DROP %s IF EXISTS %s",
										object->kind == &cmig_kind_function ? "ROUTINE" :
										object->kind->word, object->identity), p->abandon);
	}
	foreach_ptr(const char, sql, p->abandon)
		cmig_versions_add(&all, "%s", sql);
	add_schemas_removal(p, all.phase);
}

/* Is the column one that the contraction drops? */
static bool
is_lost(const CmigVersionColumn *column)
{
	return column->a != NULL && (column->b == NULL || column->hidden != NULL);
}

/* Does the object depend on a column that the contraction drops? */
static bool
loses_column(const CmigPlanning *p, const CmigObject *object)
{
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		foreach_ptr(const CmigVersionColumn, column,
					list_concat_copy(table->columns, table->dropped))
		{
			for (int i = 0; i < object->ndepends && is_lost(column); i++)
				if (object->depends[i]->kind == &cmig_kind_column &&
					object->depends[i]->address.object == strtoul(table->a->oid, NULL, 10) &&
					object->depends[i]->address.sub == atoi(column->a->number))
					return true;
		}
	}
	return false;
}

/*
 * Objects of the old shape that the revision has dropped, or that PostgreSQL
 * would not let it replace a column of: these are created again at the end.
 */
static void
add_dropped_objects(CmigPlanning *p)
{
	const CmigStepGroup at = {p, CMIG_PHASE_CONTRACT, ""};
	const CmigKind *kinds[] = {&cmig_kind_trigger, &cmig_kind_policy, &cmig_kind_rule,
	&cmig_kind_statistics};

	for (int k = 0; k < lengthof(kinds); k++)
		for (int i = p->before->count - 1; i >= 0; i--)
		{
			const CmigObject *object = p->before->objects[i];

			if (object->kind == kinds[k] &&
				(cmig_image_find_exactly(p->after, object->address) == NULL ||
				 loses_column(p, object)))
				cmig_versions_add(&at, "%s", cmig_kind_drop(object));
		}
}

/*
 * Remove the default of a hidden column, and give it the sequence of the column
 * that it replaces.  That of an identity column, which cmig.contract() has locked,
 * ends: its value is remembered.
 */
static void
contract_column(const CmigStepGroup *at, const CmigVersionTable *table,
				const CmigVersionColumn *column)
{
	const CmigShapeColumn *a = column->a;
	const char *hidden = quote_identifier(column->hidden);

	cmig_versions_add(at, "ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", at->relation, hidden);
	if (a == NULL ? !column->b->identity[0] : a->sequence == NULL)
		return;
	if (a != NULL && !a->identity[0])
	{
		cmig_versions_add(at, "ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", at->relation,
						  quote_identifier(a->name));
		cmig_versions_add(at, "ALTER SEQUENCE %s OWNED BY %s.%s", a->sequence, at->relation,
						  hidden);
	}
	else
		cmig_versions_add(at,
						  "SELECT pg_catalog.set_config('cmig_expansion.s%1$s_%2$s', pg_catalog.concat(v, CASE WHEN v IS NULL"
						  " THEN pg_catalog.concat(pg_catalog.nextval(s), ',f') ELSE ',t' END), true)"
						  " FROM pg_catalog.to_regclass(pg_catalog.pg_get_serial_sequence(%3$s, %4$s)) s,"
						  " pg_catalog.pg_sequence_last_value(s) v",
						  table->a->oid, column->b->number, quote_literal_cstr(at->relation),
						  quote_literal_cstr(a ? a->name : column->hidden));
	if (a == NULL)
		cmig_versions_add(at, "DROP SEQUENCE %s", column->b->sequence);
}

List *
cmig_versions_sequences(const CmigExpansion *expansion, Oid caller)
{
	static CmigQuery query = {
		"SELECT d.objid FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c"
		" JOIN pg_attribute a ON a.attrelid = " CMIG_RELATION_NAMED("(c->>0)") " AND a.attname::text ="
		"  CASE c->>2 WHEN 'change' THEN c->>3 WHEN 'add' THEN c->>5 END"
		" JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.refclassid = d.classid"
		"  AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum"
		"  AND d.deptype = CASE c->>2 WHEN 'change' THEN 'i' ELSE 'a' END"
		" JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' WHERE r.scope = $1 ORDER BY 1",
		{TEXTOID}
	};
	CmigRole	saved;
	List	   *sequences;

	cmig_role_act_as_caller(&saved, caller);
	sequences = cmig_query_oids(&query, expansion->scope);
	cmig_role_return(&saved);
	return sequences;
}

/* Make a column, which has its final name, NOT NULL and an identity column, if it is. */
static void
complete_column(const CmigStepGroup *at, const CmigVersionTable *table,
				const CmigVersionColumn *column)
{
	const CmigShapeColumn *b = column->b;
	const char *real = table->b->qualified;
	const char *name = quote_identifier(b->name);
	const char *value;

	if (column->hidden == NULL || *b->not_null == 'f')
		return;
	cmig_versions_add(at, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", real, name);
	add_drop(at, table->b, false, not_null_name(column), "");
	if (!b->identity[0] || (column->a != NULL && !column->a->identity[0]))
		return;
	value = psprintf("pg_catalog.current_setting('cmig_expansion.s%s_%s')", table->a->oid,
					 b->number);
	cmig_versions_add(at, "ALTER TABLE %s ALTER COLUMN %s ADD GENERATED %s AS IDENTITY (%s)", real,
					  name,
					  b->identity[0] == 'a' ? "ALWAYS" : "BY DEFAULT", b->options);
	cmig_versions_add(at, "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%s, %s),"
					  " pg_catalog.split_part(%s, ',', 1)::bigint, pg_catalog.split_part(%s, ',', 2)::boolean)",
					  quote_literal_cstr(real), quote_literal_cstr(b->name), value, value);
}

/* Give a part that was built its name, and make a unique index the key. */
static void
contract_part(const CmigStepGroup *at, const CmigVersionTable *table, const CmigShapePart *part)
{
	const char *name = quote_identifier(part->name);
	const char *kind = part->kind[0] == 'p' ? "PRIMARY KEY" : "UNIQUE";
	const char *schema = quote_identifier(table->b->schema);

	/* a key under its name, or there would be a NOTICE */
	add_rename(at, table->b, strchr("ipu", part->kind[0]) != NULL,
			   cmig_version_hidden_name(part->name), part->name);
	if (*table->a->kind == 'p' && part->kind[0] != 'c')
		add_partitions(at, part);
	if (strchr("pu", part->kind[0]) == NULL)
		return;
	if (*table->a->kind == 'p')
		cmig_versions_add(at, "SELECT cmig.expansion_key(%s, %s)",
						  quote_literal_cstr(psprintf("%s.%s", schema, name)),
						  quote_literal_cstr(psprintf("%s%s", kind, part->deferrable)));
	else
		cmig_versions_add(at, "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s",
						  table->b->qualified, name, kind, name,
						  part->deferrable);
}

/* The columns, the name, and the indexes and constraints of a table. */
static void
contract_table(const CmigStepGroup *at, const CmigVersionTable *table)
{
	const char *real = at->relation;
	const char *name = quote_identifier(table->b->name);

	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		if (column->hidden != NULL)
			contract_column(at, table, column);
	}
	/* generated columns before those that they read */
	for (int generated = 1; generated >= 0; generated--)
	{
		foreach_ptr(const CmigVersionColumn, column,
					list_concat_copy(table->columns, table->dropped))
		{
			if (is_lost(column) && (column->a->generated[0] != '\0') == generated)
				cmig_versions_add(at, "ALTER TABLE %s DROP COLUMN %s", real,
								  quote_identifier(column->a->name));
		}
	}
	if (table->filled)
		cmig_versions_add(at, "ALTER TABLE %s DROP COLUMN " CMIG_STATE_COLUMN, real);
	foreach_ptr(const char, sql, cmig_versions_renames(table->columns, real, true))
		cmig_versions_add(at, "%s", sql);
	if (!cmig_text_same(table->a->name, table->b->name))
		cmig_versions_add(at, "ALTER TABLE %s RENAME TO %s", real, name);
	if (!cmig_text_same(table->a->schema, table->b->schema))
		cmig_versions_add(at, "ALTER TABLE %s.%s SET SCHEMA %s", quote_identifier(table->a->schema),
						  name, quote_identifier(table->b->schema));
	foreach_ptr(const CmigVersionColumn, column, table->columns)
		complete_column(at, table, column);
	for (int i = 0; i < list_length(table->renamed); i += 2)
	{
		const CmigShapePart *part = list_nth(table->renamed, i);

		add_rename(at, table->b, part->kind[0] == 'i', part->name,
				   ((CmigShapePart *) list_nth(table->renamed, i + 1))->name);
	}
	foreach_ptr(const CmigShapePart, part, table->build)
		contract_part(at, table, part);
}

/* The real tables take their new shape. */
void
cmig_versions_add_contract(CmigPlanning *p)
{
	cmig_versions_add_unchecked(p, CMIG_PHASE_CONTRACT);
	add_views_removal(p, CMIG_PHASE_CONTRACT);
	add_removal(p, CMIG_PHASE_CONTRACT);
	add_dropped_objects(p);
	add_readers_contract(p);
	/* foreign keys before what they refer to */
	for (int i = 0; i < 2 * list_length(p->tables); i++)
	{
		const CmigVersionTable *table = list_nth(p->tables, i % list_length(p->tables));
		const CmigStepGroup at = {p, CMIG_PHASE_CONTRACT, table->a->qualified};

		foreach_ptr(const CmigShapePart, part, table->drop)
		{
			if ((part->kind[0] != 'f') == (i >= list_length(p->tables)))
				add_drop(&at, table->a, part->kind[0] == 'i', part->name, "");
		}
	}
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		const CmigStepGroup at = {p, CMIG_PHASE_CONTRACT, table->a->qualified};

		contract_table(&at, table);
	}
	add_schemas_removal(p, CMIG_PHASE_CONTRACT);
}

/* Is an index of the table attached to the index of its parent that the statement names? */
static bool
is_attached(const Node *stmt, Oid table)
{
	static CmigQuery query = {
		"SELECT FROM pg_inherits h JOIN pg_index i ON i.indexrelid = h.inhrelid WHERE h.inhparent = $1 AND i.indrelid = $2",
		{OIDOID, OIDOID}
	};
	const AlterTableStmt *alter = (const AlterTableStmt *) stmt;
	Oid			parent = InvalidOid;

	if (stmt != NULL && IsA(stmt, AlterTableStmt) &&
		linitial_node(AlterTableCmd, alter->cmds)->subtype == AT_AttachPartition)
		parent = RangeVarGetRelid(alter->relation, NoLock, true);
	return OidIsValid(parent) && cmig_query_do(&query, parent, table) > 0;
}

bool
cmig_versions_is_table(const RangeVar *range, const char *relation)
{
	return strcmp(quote_qualified_identifier(range->schemaname, range->relname), relation) == 0;
}

/*
 * A statement finds no table: returns true if it is a partition, which may have been
 * dropped.  The step's table must not be taken for one: others may have renamed it for a
 * moment.
 */
static bool
is_dropped_partition(const CmigExpansion *expansion, Oid caller, const RangeVar *range,
					 const char *relation)
{
	CmigRole	saved;

	if (!cmig_versions_is_table(range, relation))
		return true;
	cmig_role_act_as_caller(&saved, caller);
	(void) cmig_versions_require_tables(expansion, NULL);
	cmig_role_return(&saved);
	/* by now, it has its name again */
	cmig_query_raise_changed(psprintf("Table %s was renamed.", relation));
	return false;
}

bool
cmig_versions_is_complete(const CmigExpansion *expansion, Oid caller, const RawStmt *raw,
						  const char *relation, const Node *next, bool done)
{
	IndexStmt  *index = (IndexStmt *) raw->stmt;
	Oid			table;
	CmigLeftover leftover = {0};

	if (IsA(index, IndexStmt))
	{
		table = RangeVarGetRelid(index->relation, NoLock, true);
		if (!OidIsValid(table))
			return is_dropped_partition(expansion, caller, index->relation, relation);
		/* a partition that was created again has it already */
		if (is_attached(next, table))
			return true;
		/* another relation, or an index of another table, is not the step's */
		if (IndexGetRelation(get_relname_relid(index->idxname, get_rel_namespace(table)), true) != table)
			return false;
		/* that of a partitioned table is not valid before all are attached */
		if (!index->concurrent)
			return true;
		leftover.table = table;
		leftover.index = cmig_resume_invalid_index(table, index->idxname);
		/* one that is attached cannot be dropped */
		if (!OidIsValid(leftover.index) || get_rel_relispartition(leftover.index))
			return true;
		cmig_resume_remove(&leftover);
		cmig_toplevel_snapshot();
		/* REINDEX CONCURRENTLY may have put another one in its place */
		return cmig_versions_is_complete(expansion, caller, raw, relation, next, done);
	}
	if (IsA(raw->stmt, AlterTableStmt))
	{
		static CmigQuery query = {
			"SELECT FROM pg_constraint WHERE conrelid = $1 AND conname = $2::name AND (convalidated OR NOT $3)", {OIDOID, TEXTOID, BOOLOID}
		};
		const AlterTableCmd *cmd = linitial_node(AlterTableCmd, ((AlterTableStmt *) raw->stmt)->cmds);

		table = RangeVarGetRelid(((AlterTableStmt *) raw->stmt)->relation, NoLock, true);
		if (!OidIsValid(table))
			return is_dropped_partition(expansion, caller,
										((AlterTableStmt *) raw->stmt)->relation, relation);
		if (cmd->subtype == AT_AddConstraint)
			return cmig_query_do(&query, table, castNode(Constraint, cmd->def)->conname, false) > 0;
		if (cmd->subtype == AT_ValidateConstraint)
			return cmig_query_do(&query, table, cmd->name, true) > 0;
		if (cmd->subtype == AT_AttachPartition)
		{
			table = RangeVarGetRelid(castNode(PartitionCmd, cmd->def)->name, NoLock, true);
			return !OidIsValid(table) || has_superclass(table) || !get_rel_relispartition(IndexGetRelation(table, true)) ||
				is_attached(raw->stmt, IndexGetRelation(table, true));
		}
	}
	return done;
}
