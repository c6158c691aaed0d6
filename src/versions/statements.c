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

	if (table->filled)
	{
		/*
		 * existing rows have the default, which takes no time; so has a row
		 * that is inserted while somebody has disabled the triggers
		 */
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("ALTER TABLE %s ADD COLUMN %s text DEFAULT 'todo'", real, CMIG_STATE_COLUMN));
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("COMMENT ON COLUMN %s.%s IS '" CMIG_STATE_COMMENT "'", real, CMIG_STATE_COLUMN));
		/* for what somebody drops */
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("ALTER TABLE ONLY %s ALTER COLUMN %s SET DEFAULT 'todo'", real, CMIG_STATE_COLUMN));
	}
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		if (column->hidden == NULL)
			continue;
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real,
							   psprintf("ALTER TABLE %s ADD COLUMN %s %s%s%s", real, quote_identifier(column->hidden), column->b->type,
										column->b->collation ? " COLLATE " : "", column->b->collation ? column->b->collation : ""));
		if (column->a != NULL)
			cmig_versions_add_column_privileges(p, CMIG_PHASE_SHADOW, real, column->a->name, real, column->hidden);
		if (column->a == NULL && column->b->sequence != NULL)
		{
			cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("CREATE SEQUENCE %s AS %s %s", column->b->sequence, column->b->type, column->b->options));
			((CmigExpansionStep *) llast(p->result->steps))->sequence = column->b->sequence;
			cmig_versions_add_owner(p, CMIG_PHASE_SHADOW, real, column->b->sequence);
			cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", column->b->sequence, real,
																		 quote_identifier(column->hidden)));
		}
		/* so it is found if somebody renames it */
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real,
							   psprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT cmig.expansion_%s(NULL::%s)", real,
										quote_identifier(column->hidden), table->filled ? "mark" : "unset", column->b->type));
	}
}

/* The view, its defaults, privileges, and comments. */
void
cmig_versions_add_view(CmigPlanning *p, CmigVersionTable *table)
{
	const char *schema = cmig_version_schema_name(p->result->revision, table->b->schema);
	const char *real = table->a->qualified;
	char	   *view = psprintf("%s.%s", quote_identifier(schema), quote_identifier(table->b->name));
	const char *from = real;
	const char *where = "";
	StringInfoData sql;
	StringInfoData names;

	initStringInfo(&sql);
	initStringInfo(&names);
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		const char *source = column->hidden ? column->hidden : column->a->name;

		appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", quote_identifier(column->b->name));

		appendStringInfo(&sql, "%s%s%s%s", sql.len > 0 ? ", " : "", quote_identifier(source),
						 cmig_text_same(source, column->b->name) ? "" : " AS ",
						 cmig_text_same(source, column->b->name) ? "" : quote_identifier(column->b->name));
	}
	if (table->filled)
	{
		/* an UPDATE is told from one of the table */
		from = psprintf("%s " CMIG_VERSION_ALIAS, real);
		where = " WHERE cmig.expansion_view()";
	}
	if (table->inverse)
	{
		char	   *inner = psprintf("%s.%s", quote_identifier(schema), quote_identifier(cmig_version_hidden_name(table->b->name)));

		/*
		 * No column of the view tells which build inserts a row, but one that
		 * a view below it has, whose default such an INSERT takes.
		 */
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("CREATE VIEW %s WITH (security_invoker = true) AS SELECT %s, %s FROM %s%s", inner, sql.data, CMIG_STATE_COLUMN, from, where));
		from = table->inner = inner;
		where = "";
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("ALTER VIEW %s ALTER COLUMN %s SET DEFAULT '" CMIG_STATE_NEW "'", from, CMIG_STATE_COLUMN));
	}
	cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("CREATE VIEW %s WITH (security_invoker = true) AS SELECT %s FROM %s%s", view,
																 table->inverse ? names.data : sql.data, from, where));
	table->view = view;
	table->created = llast(p->result->steps);
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		const CmigShapeColumn *b = column->b;
		const char *value = NULL;

		if (column->hidden != NULL && table->filled)
			value = b->value && !column->takes_default ? b->value : "";
		else if (column->hidden != NULL || !cmig_text_same(column->a->value, b->value))
			value = b->value ? b->value : "";
		else
			value = b->value;	/* for UPDATE ... SET column = DEFAULT */
		if (b->generated[0])
			value = NULL;
		/* NULL itself would not be stored */
		if (value != NULL)
			cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real,
								   psprintf("ALTER VIEW %s ALTER COLUMN %s SET DEFAULT %s", view, quote_identifier(b->name),
											*value ? value : psprintf(column->takes_default ? "cmig.expansion_unset(NULL::%s)" : "COALESCE(NULL::%s)", b->type)));
		if (b->comment != NULL)
			cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real,
								   psprintf("COMMENT ON COLUMN %s.%s IS %s", view, quote_identifier(b->name), quote_literal_cstr(b->comment)));
	}
	if (table->b->comment != NULL)
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("COMMENT ON VIEW %s IS %s", view, quote_literal_cstr(table->b->comment)));
}

/* Append the arguments of a rule. */
static void
append_rule(StringInfo sql, char kind, const char *flags, const char *column, const char *label, const char *expr)
{
	appendStringInfo(sql, ", %s, %s, %s, %s", quote_literal_cstr(psprintf("%c%s", kind, flags)),
					 quote_literal_cstr(column), quote_literal_cstr(label), quote_literal_cstr(expr));
}

/* Returns the condition of a CHECK constraint, given its definition. */
static char *
check_condition(const CmigShapePart *part)
{
	char	   *end = strrchr(part->definition, ')');

	return pnstrdup(part->definition + strlen("CHECK "), end + 1 - part->definition - strlen("CHECK "));
}

/* The triggers, after the columns exist in the shadow. */
void
cmig_versions_add_triggers(CmigPlanning *p, CmigVersionTable *table)
{
	const char *real = table->a->qualified;
	Oid			relation = get_relname_relid(table->a->name, get_namespace_oid(table->a->schema, false));
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
			cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real,
								   psprintf("CREATE TRIGGER %s AFTER DELETE ON %s FOR EACH ROW WHEN (false) EXECUTE FUNCTION cmig.expansion_write('', '', %s%s)",
											quote_identifier(CMIG_EXPANSION_WRITE), real, quote_literal_cstr(table->view), unset.data));
		return;
	}
	table->sequence = psprintf("%s.%s", quote_identifier(cmig_version_schema_name(p->result->revision, table->b->schema)),
							   quote_identifier(cmig_version_join_name(CMIG_OLD_PREFIX, table->b->name)));
	cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, psprintf("CREATE SEQUENCE %s", table->sequence));
	((CmigExpansionStep *) llast(p->result->steps))->sequence = table->sequence;
	appendStringInfo(&sql, "CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION cmig.expansion_write(%s, %s, %s",
					 quote_identifier(CMIG_EXPANSION_WRITE), real, quote_literal_cstr(CMIG_STATE_COLUMN),
					 quote_literal_cstr(psprintf("%s%s", p->strict ? "s" : "", table->inverse ? "i" : "")),
					 quote_literal_cstr(table->sequence));
	foreach_ptr(CmigVersionColumn, column, table->columns)
	{
		if (column->up == NULL)
			continue;
		names.up = true;
		names.level = column->up->revision - 1;
		column->up_text = cmig_versions_print(relation, column->up->expr, column->hidden, &names,
											  psprintf("cmig:up %s.%s", quote_identifier(table->b->name), quote_identifier(column->b->name)));
		append_rule(&sql, CMIG_RULE_UP, psprintf("%s%s", *column->b->not_null == 't' ? "!" : "", column->takes_default ? "d" : ""),
					column->hidden, column->b->name, column->up_text);
	}
	foreach_ptr(CmigVersionColumn, column, list_concat_copy(table->columns, table->dropped))
	{
		if (column->down == NULL)
			continue;
		names.up = false;
		names.level = column->down->revision;
		column->down_text = cmig_versions_print(relation, column->down->expr, column->a->name, &names,
												psprintf("cmig:down %s.%s", quote_identifier(table->a->name), quote_identifier(column->a->name)));
		append_rule(&sql, CMIG_RULE_DOWN, *column->a->not_null == 't' ? "!" : "", column->a->name, column->a->name,
					column->down_text);
	}
	foreach_ptr(CmigShapePart, part, table->build)
	{
		if (part->kind[0] == 'c')
			append_rule(&sql, CMIG_RULE_CHECK, "", "", part->name, check_condition(part));
	}
	appendStringInfo(&sql, "%s)", unset.data);
	cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real,
						   psprintf("CREATE TRIGGER %s BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION cmig.expansion_begin(%s)",
									quote_identifier(CMIG_EXPANSION_BEGIN), real, quote_literal_cstr(table->sequence)));
	cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real, sql.data);
	cmig_versions_add_step(p, CMIG_PHASE_PREPARE, real,
						   psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER %s, ENABLE ALWAYS TRIGGER %s", real,
									quote_identifier(CMIG_EXPANSION_BEGIN), quote_identifier(CMIG_EXPANSION_WRITE)));
}

/* Is it a constraint that is NOT VALID? */
static bool
is_not_valid(const CmigShapePart *part)
{
	return strchr("cf", part->kind[0]) != NULL && part->valid[0] == 'f';
}

/* Returns the statement that creates the index of a part; "only" is "ONLY " or empty. */
static char *
create_index(const CmigShapePart *part, const char *name, const char *only, const char *relation)
{
	return psprintf("CREATE %sINDEX %s%s ON %s%s %s", part->unique ? part->unique : "", *only ? "" : "CONCURRENTLY ",
					quote_identifier(name), only, relation, part->index);
}

/*
 * Returns the name of a partition's index that the revisions do not create, as
 * PostgreSQL would choose it if it is short.
 */
static char *
partition_index(const char *partition, const char *relation, const char *name)
{
	const char *table = strrchr(relation, '.') + 1;
	bool		prefixed = strncmp(name, table, strlen(table)) == 0 && name[strlen(table)] == '_';

	return cmig_version_join_name(partition, prefixed ? name + strlen(table) + 1 : name);
}

/* The steps of a phase for the index on each partition that exists. */
static void
add_partitions(CmigPlanning *p, const char *phase, const char *relation, const CmigShapePart *part)
{
	static CmigQuery query = {
		.sql = "SELECT y.relid::regclass, c.relname, quote_ident(n.nspname), quote_ident(m.nspname), q.relname, y.level, y.isleaf,"
		"  (parse_ident($2::json->>y.relid::regclass::text))[2], (parse_ident($2::json->>y.parentrelid::regclass::text))[2] FROM pg_partition_tree(to_regclass($1)) y"
		" JOIN pg_class c ON c.oid = y.relid JOIN pg_namespace n ON n.oid = c.relnamespace"
		" JOIN pg_class q ON q.oid = y.parentrelid JOIN pg_namespace m ON m.oid = q.relnamespace WHERE y.level > 0 ORDER BY y.level, y.relid::regclass::text COLLATE \"C\"",
		.nargs = 2,.argtypes = {TEXTOID, TEXTOID}
	};
	bool		foreign = part->kind[0] == 'f';
	bool		build = strcmp(phase, CMIG_PHASE_BUILD) == 0;
	const char *hidden = quote_identifier(cmig_version_hidden_name(part->name));

	/* when a foreign key gets its name, partitions may have come or gone */
	if (foreign && strcmp(phase, CMIG_PHASE_CONTRACT) == 0)
		return;
	if (build && !foreign)
		cmig_versions_add_step(p, phase, relation, create_index(part, cmig_version_hidden_name(part->name), "ONLY ", relation));
	foreach_ptr(char *, row, cmig_query_list(&query, relation, part->partitions))
	{
		bool		leaf = *row[6] == 't';
		char	   *final = row[7] ? row[7] : partition_index(row[1], relation, part->name);
		const char *hidden_name = cmig_version_hidden_name(final);
		const char *name = quote_identifier(hidden_name);
		const char *parent = cmig_version_hidden_name(*row[5] == '1' ? part->name : row[8] ? row[8] : partition_index(row[4], relation, part->name));

		/* meanwhile, a partition may be dropped */
		if (strcmp(phase, CMIG_PHASE_CONTRACT) == 0)
			cmig_versions_add_step(p, phase, relation, psprintf("ALTER INDEX IF EXISTS %s.%s RENAME TO %s", row[2], name, quote_identifier(final)));
		else if (strcmp(phase, CMIG_PHASE_ABANDON) == 0)
			cmig_versions_add_step(p, phase, relation, foreign ?
								   psprintf("ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %s", row[0], hidden) :
								   psprintf("DROP INDEX IF EXISTS %s.%s", row[2], name));
		else if (foreign && leaf)
		{
			cmig_versions_add_step(p, phase, relation, psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID", row[0], hidden, part->definition));
			cmig_versions_add_step(p, phase, relation, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", row[0], hidden));
		}
		else if (!foreign)
		{
			cmig_versions_add_step(p, phase, relation, create_index(part, hidden_name, leaf ? "" : "ONLY ", row[0]));
			cmig_versions_add_step(p, phase, relation, psprintf("ALTER INDEX %s.%s ATTACH PARTITION %s.%s", row[3], quote_identifier(parent), row[2], name));
		}
	}
	/* takes those of the partitions, which need not be validated again */
	if (build && foreign)
		cmig_versions_add_step(p, phase, relation, psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", relation, hidden, part->definition));
}

/* Add the constraint of an index, and those of the indexes attached to it. */
static void
add_key(Oid index, Oid parent, bits16 flags)
{
	Relation	table = table_open(IndexGetRelation(index, false), AccessExclusiveLock);
	Relation	key = index_open(index, AccessExclusiveLock);
	Oid			constraint;
	ListCell   *cell;

	CheckTableNotInUse(table, "ALTER TABLE");
	constraint = index_constraint_create(table, index, parent, BuildIndexInfo(key), RelationGetRelationName(key),
										 flags & INDEX_CONSTR_CREATE_MARK_AS_PRIMARY ? CONSTRAINT_PRIMARY : CONSTRAINT_UNIQUE, flags, false, false).objectId;
	index_close(key, NoLock);
	table_close(table, NoLock);
	foreach(cell, find_inheritance_children(index, AccessExclusiveLock))
		add_key(lfirst_oid(cell), constraint, flags);
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
		"  AND NOT EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (x.indclass::oid[]) AND NOT o.opcdefault)"
		"  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = c.oid AND o.contype IN ('p', 'u'))"
		"  AND ($2 NOT LIKE 'PRIMARY%' OR NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = x.indrelid AND p.indisprimary)"
		"   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = x.indrelid AND a.attnum = ANY ((x.indkey::int2[])[0:x.indnkeyatts - 1]) AND NOT a.attnotnull))"
		" FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE c.oid = $1",
		.nargs = 2,.argtypes = {OIDOID, TEXTOID}
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
		(void) find_all_inheritors(table, AccessExclusiveLock, NULL);
	fit = cmig_query_value(&query, index, kind);
	if (fit == NULL || strcmp(fit, "t") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("relation \"%s\" cannot become a key", name ? name : psprintf("%u", index)),
				 errdetail("cmig.contract() uses this function for unique indexes of partitioned tables.")));
	add_key(index, InvalidOid, INDEX_CONSTR_CREATE_UPDATE_INDEX | INDEX_CONSTR_CREATE_REMOVE_OLD_DEPS |
			(kind[0] == 'P' ? INDEX_CONSTR_CREATE_MARK_AS_PRIMARY : 0) |
			(pg_str_endswith(kind, "DEFERRABLE") ? INDEX_CONSTR_CREATE_DEFERRABLE : 0) |
			(pg_str_endswith(kind, "DEFERRED") ? INDEX_CONSTR_CREATE_DEFERRABLE | INDEX_CONSTR_CREATE_INIT_DEFERRED : 0));
	PG_RETURN_VOID();
}

/* What is built on the hidden columns, while both builds run. */
void
cmig_versions_add_builds(CmigPlanning *p, const CmigVersionTable *table)
{
	const char *real = table->a->qualified;

	foreach_ptr(const CmigShapePart, part, table->build)
	{
		char	   *name = cmig_version_hidden_name(part->name);
		bool		validate = !is_not_valid(part);

		if (part->kind[0] == 'c')
			continue;
		if (*table->a->kind == 'p' && validate)
			add_partitions(p, CMIG_PHASE_BUILD, real, part);
		else if (part->kind[0] != 'f')
			cmig_versions_add_step(p, CMIG_PHASE_BUILD, real, create_index(part, name, "", real));
		else
		{
			cmig_versions_add_step(p, CMIG_PHASE_BUILD, real, psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s%s", real, quote_identifier(name),
																	   part->definition, validate ? " NOT VALID" : ""));
			if (validate)
				cmig_versions_add_step(p, CMIG_PHASE_BUILD, real, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", real, quote_identifier(name)));
		}
	}
}

/*
 * What is checked before a table takes its new shape: the expressions keep rows
 * that violate these constraints out, or mark them.
 */
void
cmig_versions_add_checks(CmigPlanning *p, const CmigVersionTable *table)
{
	const char *real = table->a->qualified;

	foreach_ptr(const CmigShapePart, part, table->build)
	{
		bool		unchecked = is_not_valid(part);

		if (part->kind[0] != 'c')
			continue;
		cmig_versions_add_step(p, CMIG_PHASE_CHECK, real, psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s%s", real, quote_identifier(cmig_version_hidden_name(part->name)),
																   part->definition, unchecked ? "" : " NOT VALID"));
		if (!unchecked)
			cmig_versions_add_step(p, CMIG_PHASE_CHECK, real, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", real, quote_identifier(cmig_version_hidden_name(part->name))));
	}
	foreach_ptr(const CmigVersionColumn, column, table->columns)
	{
		char	   *name;

		if (column->hidden == NULL || *column->b->not_null == 'f')
			continue;
		name = cmig_version_hidden_name(psprintf("%s_not_null", column->b->name));
		cmig_versions_add_step(p, CMIG_PHASE_CHECK, real, psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK ((%s IS NOT NULL)) NOT VALID", real,
																   quote_identifier(name), quote_identifier(column->hidden)));
		cmig_versions_add_step(p, CMIG_PHASE_CHECK, real, psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", real, quote_identifier(name)));
	}
}

/* Remove the triggers and the defaults, to contract or to abandon. */
static void
add_removal(CmigPlanning *p, const CmigVersionTable *table, const char *phase)
{
	const char *real = table->a->qualified;

	if (table->filled)
		cmig_versions_add_step(p, phase, real, psprintf("DROP TRIGGER IF EXISTS %s ON %s", quote_identifier(CMIG_EXPANSION_BEGIN), real));
	if (table->hides)
		cmig_versions_add_step(p, phase, real, psprintf("DROP TRIGGER IF EXISTS %s ON %s", quote_identifier(CMIG_EXPANSION_WRITE), real));
}

/* Enums that the revision changes: the version has its own. */
void
cmig_versions_add_enums(CmigPlanning *p)
{
	ListCell   *cell;

	foreach(cell, p->enums)
		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, "", psprintf("CREATE TYPE %s AS ENUM (%s)", ((CmigVersionEnum *) lfirst(cell))->name,
																   ((CmigVersionEnum *) lfirst(cell))->b->labels));
}

/* In this transaction, what a function's body reads need not be there yet. */
void
cmig_versions_add_unchecked(CmigPlanning *p, const char *phase)
{
	cmig_versions_add_step(p, phase, "", pstrdup("SELECT pg_catalog.set_config('check_function_bodies', 'off', true)"));
}

/*
 * New and changed views and functions, in the version's schemas.  A materialized
 * view is filled after the tables.
 */
void
cmig_versions_add_readers(CmigPlanning *p)
{
	ListCell   *c;

	if (p->readers != NIL)
		cmig_versions_add_unchecked(p, CMIG_PHASE_PREPARE);
	foreach_ptr(CmigShapeReader, reader, p->readers)
	{
		const char *name = cmig_shape_reader_name(reader, reader->version->schema);

		cmig_versions_add_step(p, CMIG_PHASE_PREPARE, "", reader->version->definition);
		reader->created = llast(p->result->steps);
		foreach(c, reader->indexes)
			cmig_versions_add_step(p, CMIG_PHASE_PREPARE, "", lfirst(c));
		if (reader->comment != NULL)
			cmig_versions_add_step(p, CMIG_PHASE_PREPARE, "", psprintf("COMMENT ON %s %s IS %s", reader->kind, name, quote_literal_cstr(reader->comment)));
		if (reader->kind[0] == 'M')
			cmig_versions_add_step(p, CMIG_PHASE_BUILD, "", psprintf("REFRESH MATERIALIZED VIEW %s", name));
	}
}

/* Views and functions in the version's schemas, and these schemas. */
static void
add_views_removal(CmigPlanning *p, const char *phase)
{
	for (int i = list_length(p->readers) - 1; i >= 0; i--)
	{
		const CmigShapeReader *reader = list_nth(p->readers, i);

		if (reader->kind[0] != 'M' || strcmp(phase, CMIG_PHASE_ABANDON) == 0)
			cmig_versions_add_step(p, phase, "", psprintf("DROP %s IF EXISTS %s", reader->kind, cmig_shape_reader_name(reader, reader->version->schema)));
	}
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		if (table->sequence != NULL)
			cmig_versions_add_step(p, phase, table->a->qualified, psprintf("DROP SEQUENCE IF EXISTS %s", table->sequence));
		if (table->viewed)
			cmig_versions_add_step(p, phase, table->a->qualified,
								   psprintf("DROP VIEW IF EXISTS %s.%s", quote_identifier(cmig_version_schema_name(p->result->revision, table->b->schema)),
											quote_identifier(table->b->name)));
		if (table->inner != NULL)
			cmig_versions_add_step(p, phase, table->a->qualified, psprintf("DROP VIEW IF EXISTS %s", table->inner));
	}
}

/* The schemas of the version, after nothing uses the types in them. */
static void
add_schemas_removal(CmigPlanning *p, const char *phase)
{
	ListCell   *cell;

	foreach_ptr(const CmigVersionEnum, e, p->enums)
	{
		if (strcmp(phase, CMIG_PHASE_CONTRACT) == 0)
		{
			cmig_versions_add_step(p, phase, "", psprintf("DROP TYPE %s", e->a->qualified));
			cmig_versions_add_step(p, phase, "", psprintf("ALTER TYPE %s SET SCHEMA %s", e->name, quote_identifier(e->b->schema)));
		}
		else
			cmig_versions_add_step(p, phase, "", psprintf("DROP TYPE IF EXISTS %s", e->name));
	}
	foreach(cell, p->result->schemas)
		cmig_versions_add_step(p, phase, "", psprintf("DROP SCHEMA IF EXISTS %s", quote_identifier(cmig_version_schema_name(p->result->revision, lfirst(cell)))));
}

/*
 * The views and functions that were changed in place take their new form while
 * the columns that either form reads exist.  A function's body that is a string
 * is among what differs in the end.
 */
static void
add_readers_contract(CmigPlanning *p)
{
	for (int i = list_length(p->old_readers) - 1; i >= 0; i--)
	{
		const CmigShapeReader *old = list_nth(p->old_readers, i);

		/* a body that is a string depends on nothing, but arguments on types */
		if ((old->body == NULL || p->enums != NIL) && cmig_shape_reader_object(old, p->after) == NULL)
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, "", psprintf("DROP %s %s", old->kind, cmig_shape_reader_name(old, old->schema)));
	}
	foreach_ptr(const CmigShapeReader, reader, p->readers)
	{
		if (reader->kind[0] == 'M' && reader->old != NULL && strcmp(reader->old->key, reader->key) == 0)
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, "", psprintf("DROP MATERIALIZED VIEW %s", cmig_shape_reader_name(reader, reader->schema)));
		if (reader->kind[0] == 'M')
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, "", psprintf("ALTER MATERIALIZED VIEW %s SET SCHEMA %s",
																		cmig_shape_reader_name(reader, reader->version->schema), quote_identifier(reader->schema)));
		else if (reader->old != NULL && reader->body == NULL && strcmp(reader->old->key, reader->key) == 0 &&
				 strcmp(reader->old->definition, reader->definition) != 0)
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, "", reader->definition);
	}
	/* one that is dropped and created does not keep its privileges */
	foreach_ptr(const CmigShapeReader, reader, p->readers)
	{
		if (reader->old != NULL && reader->old->body != NULL && p->enums == NIL && strcmp(reader->old->key, reader->key) != 0)
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, "", psprintf("DROP %s %s", reader->old->kind, cmig_shape_reader_name(reader->old, reader->old->schema)));
	}
}

/* Everything as before: whatever exists of the expansion is dropped. */
void
cmig_versions_add_abandon(CmigPlanning *p)
{
	ListCell   *t;
	ListCell   *c;

	foreach(c, p->release)
		cmig_versions_add_step(p, CMIG_PHASE_ABANDON, "", lfirst(c));
	add_views_removal(p, CMIG_PHASE_ABANDON);
	foreach(t, p->tables)
		add_removal(p, lfirst(t), CMIG_PHASE_ABANDON);
	/* foreign keys before what they refer to */
	for (int keys = 1; keys >= 0; keys--)
		foreach(t, p->tables)
	{
		const CmigVersionTable *table = lfirst(t);
		const char *real = table->a->qualified;

		foreach(c, table->build)
		{
			const CmigShapePart *part = lfirst(c);
			const char *name = quote_identifier(cmig_version_hidden_name(part->name));

			if ((part->kind[0] == 'f') != keys)
				continue;
			cmig_versions_add_step(p, CMIG_PHASE_ABANDON, real, strchr("cf", part->kind[0]) ? psprintf("ALTER TABLE IF EXISTS %s DROP CONSTRAINT IF EXISTS %s", real, name) :
								   psprintf("DROP INDEX IF EXISTS %s.%s", quote_identifier(table->a->schema), name));
			if (*table->a->kind == 'p' && part->kind[0] != 'c')
				add_partitions(p, CMIG_PHASE_ABANDON, real, part);
		}
	}
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		const char *real = table->a->qualified;

		foreach(c, table->columns)
		{
			if (((CmigVersionColumn *) lfirst(c))->hidden != NULL)
				cmig_versions_add_step(p, CMIG_PHASE_ABANDON, real, psprintf("ALTER TABLE IF EXISTS %s DROP COLUMN IF EXISTS %s", real, quote_identifier(((CmigVersionColumn *) lfirst(c))->hidden)));
		}
		if (table->filled)
			cmig_versions_add_step(p, CMIG_PHASE_ABANDON, real, psprintf("ALTER TABLE IF EXISTS %s DROP COLUMN IF EXISTS %s", real, CMIG_STATE_COLUMN));
	}
	foreach_ptr(const CmigDiffLine, line, p->created)
	{
		const char *drop = psprintf("DROP %s ", line->subject->kind->word);

		/* somebody may have dropped it; an object of most kinds is DROP KIND */
		if (!line->within && line->downgrade != NULL)
			p->abandon = lcons(line->subject == cmig_object_root(unconstify(CmigObject *, line->subject)) &&
							   cmig_text_begins(line->downgrade, drop) ?
							   psprintf("%sIF EXISTS %s", drop, line->downgrade + strlen(drop)) : pstrdup(line->downgrade), p->abandon);
	}
	foreach(c, p->abandon)
		cmig_versions_add_step(p, CMIG_PHASE_ABANDON, "", lfirst(c));
	add_schemas_removal(p, CMIG_PHASE_ABANDON);
}

/* Does the object depend on a column that the contraction drops? */
static bool
loses_column(const CmigPlanning *p, const CmigObject *object)
{
	ListCell   *t;

	for (int i = 0; i < object->ndepends; i++)
		foreach(t, object->depends[i]->kind == &cmig_kind_column ? p->tables : NIL)
	{
		const CmigVersionTable *table = lfirst(t);

		foreach_ptr(const CmigVersionColumn, column, strtoul(table->a->oid, NULL, 10) == object->depends[i]->address.object ? list_concat_copy(table->columns, table->dropped) : NIL)
		{
			if (column->a != NULL && (column->b == NULL || column->hidden != NULL) && atoi(column->a->number) == object->depends[i]->address.sub)
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
	const CmigKind *kinds[] = {&cmig_kind_trigger, &cmig_kind_policy, &cmig_kind_rule, &cmig_kind_statistics};

	for (int k = 0; k < lengthof(kinds); k++)
		for (int i = p->before->count - 1; i >= 0; i--)
		{
			const CmigObject *object = p->before->objects[i];

			if (object->kind != kinds[k] || (cmig_image_find_exactly(p->after, object->address) != NULL && !loses_column(p, object)))
				continue;
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, "", cmig_kind_drop(object));
		}
}

/* The real table takes its new shape. */
void
cmig_versions_add_contract(CmigPlanning *p)
{
	ListCell   *t;
	ListCell   *c;

	cmig_versions_add_unchecked(p, CMIG_PHASE_CONTRACT);
	add_views_removal(p, CMIG_PHASE_CONTRACT);
	foreach(t, p->tables)
		add_removal(p, lfirst(t), CMIG_PHASE_CONTRACT);
	add_dropped_objects(p);
	add_readers_contract(p);
	/* foreign keys before what they refer to */
	for (int keys = 1; keys >= 0; keys--)
		foreach(t, p->tables)
	{
		const CmigVersionTable *table = lfirst(t);

		foreach_ptr(const CmigShapePart, part, table->drop)
		{
			if ((part->kind[0] == 'f') != keys)
				continue;
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified,
								   part->kind[0] == 'i' ? psprintf("DROP INDEX %s.%s", quote_identifier(table->a->schema), quote_identifier(part->name)) :
								   psprintf("ALTER TABLE %s DROP CONSTRAINT %s", table->a->qualified, quote_identifier(part->name)));
		}
	}
	foreach(t, p->tables)
	{
		const CmigVersionTable *table = lfirst(t);
		const char *real = table->a->qualified;

		foreach_ptr(const CmigVersionColumn, column, table->columns)
		{
			if (column->hidden == NULL)
				continue;
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", real, quote_identifier(column->hidden)));
			if (column->a == NULL ? !column->b->identity[0] : column->a->sequence == NULL)
				continue;
			if (column->a != NULL && !column->a->identity[0])
			{
				cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT", real, quote_identifier(column->a->name)));
				cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("ALTER SEQUENCE %s OWNED BY %s.%s", column->a->sequence, real, quote_identifier(column->hidden)));
			}
			else
				cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real,
									   psprintf("SELECT pg_catalog.set_config('cmig_expansion.s%1$s_%2$s', pg_catalog.concat(v, CASE WHEN v IS NULL"
												" THEN pg_catalog.concat(pg_catalog.nextval(%3$s), ',f') ELSE ',t' END), true) FROM pg_catalog.pg_sequence_last_value(%3$s) v",
												table->a->oid, column->b->number, quote_literal_cstr((column->a ? column->a : column->b)->sequence)));
			if (column->a == NULL)
				cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("DROP SEQUENCE %s", column->b->sequence));
		}
		/* generated columns before those that they read */
		for (int generated = 1; generated >= 0; generated--)
			foreach(c, list_concat_copy(table->columns, table->dropped))
		{
			const CmigVersionColumn *column = lfirst(c);

			if (column->a != NULL && (column->b == NULL || column->hidden != NULL) && (column->a->generated[0] != '\0') == generated)
				cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("ALTER TABLE %s DROP COLUMN %s", real, quote_identifier(column->a->name)));
		}
		if (table->filled)
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("ALTER TABLE %s DROP COLUMN %s", real, CMIG_STATE_COLUMN));
		foreach(c, cmig_versions_renames(table->columns, real, true))
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, lfirst(c));
		if (!cmig_text_same(table->a->name, table->b->name))
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("ALTER TABLE %s RENAME TO %s", real, quote_identifier(table->b->name)));
		if (!cmig_text_same(table->a->schema, table->b->schema))
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, real, psprintf("ALTER TABLE %s.%s SET SCHEMA %s", quote_identifier(table->a->schema),
																		  quote_identifier(table->b->name), quote_identifier(table->b->schema)));
		real = table->b->qualified;
		foreach_ptr(const CmigVersionColumn, column, table->columns)
		{
			if (column->hidden == NULL || *column->b->not_null == 'f')
				continue;
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified, psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", real, quote_identifier(column->b->name)));
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified, psprintf("ALTER TABLE %s DROP CONSTRAINT %s", real,
																						 quote_identifier(cmig_version_hidden_name(psprintf("%s_not_null", column->b->name)))));
			if (column->b->identity[0] && (column->a == NULL || column->a->identity[0]))
			{
				char	   *value = psprintf("pg_catalog.current_setting('cmig_expansion.s%s_%s')", table->a->oid, column->b->number);

				cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified,
									   psprintf("ALTER TABLE %s ALTER COLUMN %s ADD GENERATED %s AS IDENTITY (%s)", real, quote_identifier(column->b->name),
												column->b->identity[0] == 'a' ? "ALWAYS" : "BY DEFAULT", column->b->options));
				cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified,
									   psprintf("SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%s, %s), pg_catalog.split_part(%s, ',', 1)::bigint, pg_catalog.split_part(%s, ',', 2)::boolean)",
												quote_literal_cstr(real), quote_literal_cstr(column->b->name), value, value));
			}
		}
		for (int i = 0; i < list_length(table->renamed); i += 2)
		{
			const CmigShapePart *part = list_nth(table->renamed, i);
			const char *name = quote_identifier(((CmigShapePart *) list_nth(table->renamed, i + 1))->name);

			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified, part->kind[0] == 'i' ?
								   psprintf("ALTER INDEX %s.%s RENAME TO %s", quote_identifier(table->b->schema), quote_identifier(part->name), name) :
								   psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", real, quote_identifier(part->name), name));
		}
		foreach(c, table->build)
		{
			const CmigShapePart *part = lfirst(c);
			char	   *name = cmig_version_hidden_name(part->name);
			const char *key;

			/* a key under its name, or there would be a NOTICE */
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified, strchr("ipu", part->kind[0]) ?
								   psprintf("ALTER INDEX %s.%s RENAME TO %s", quote_identifier(table->b->schema), quote_identifier(name), quote_identifier(part->name)) :
								   psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s", real, quote_identifier(name), quote_identifier(part->name)));
			if (*table->a->kind == 'p' && part->kind[0] != 'c')
				add_partitions(p, CMIG_PHASE_CONTRACT, table->a->qualified, part);
			if (strchr("pu", part->kind[0]) == NULL)
				continue;
			key = psprintf("%s%s", part->kind[0] == 'p' ? "PRIMARY KEY" : "UNIQUE", part->deferrable);
			cmig_versions_add_step(p, CMIG_PHASE_CONTRACT, table->a->qualified, *table->a->kind == 'p' ?
								   psprintf("SELECT cmig.expansion_key(%s, %s)", quote_literal_cstr(psprintf("%s.%s", quote_identifier(table->b->schema), quote_identifier(part->name))),
											quote_literal_cstr(key)) :
								   psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s", real, quote_identifier(part->name),
											part->kind[0] == 'p' ? "PRIMARY KEY" : "UNIQUE", quote_identifier(part->name), part->deferrable));
		}
	}
	add_schemas_removal(p, CMIG_PHASE_CONTRACT);
}
