/*
 * backfill.c
 *	  cmig.backfill: changes rows in batches.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "base/errors.h"
#include "move/move.h"
#include "online/internal.h"

/* ----------------------------------------------------------------
 * Checks a backfill's arguments and table before the first batch.
 *
 * If there is a filter (where_sql), the table is walked by ranges of blocks, in
 * several passes until no row matches.  This is the fastest way, and each pass
 * finds the rows that other sessions have moved or added since the previous
 * pass.  Without a filter, updated rows cannot be distinguished from other
 * rows.  Therefore, the table is walked once, in the order of a unique key, up
 * to the greatest key that existed when the backfill started.
 *
 * The rows of a table that Citus manages are in shards.  Batches are
 * statements that Citus runs on all shards at the same time: a range of blocks
 * is updated in each shard, and a range of keys is updated in the shards that
 * contain its rows.  If a shard has copies on several nodes, a row can be in a
 * different block of each copy.  Therefore, such a table is walked by key even
 * if there is a filter, with the filter in each statement.
 * ----------------------------------------------------------------
 */

/* Parse the text of an argument, to which errors then refer. */
static Node *
parse(char *text, RawParseMode mode)
{
	ErrorContextCallback callback = {error_context_stack, cmig_argument_place_error, text};
	List	   *parsed;

	error_context_stack = &callback;
	parsed = cmig_raw_parse(text, mode);
	error_context_stack = callback.previous;
	return list_length(parsed) == 1 ? linitial_node(RawStmt, parsed)->stmt : NULL;
}

/* Parse set_sql.  Raises an error if it contains more than a SET list. */
static UpdateStmt *
check_set(const char *name, const char *set_sql)
{
	UpdateStmt *update = (UpdateStmt *) parse(psprintf("UPDATE %s SET %s\n", name, set_sql),
											  RAW_PARSE_DEFAULT);

	if (update == NULL || !IsA(update, UpdateStmt) || update->whereClause != NULL ||
		update->fromClause != NIL || cmig_returns_compat(update))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("set_sql must be the part of an UPDATE between SET and WHERE"),
				 errdetail("The value of set_sql is: %s", set_sql),
				 errhint("Specify the condition in where_sql. For values from other tables, use a subquery in set_sql.")));
	return update;
}

Node *
cmig_online_expression(char *text)
{
	Node	   *statement = parse(text, RAW_PARSE_PLPGSQL_EXPR);

	return statement ? cmig_statement_expression(statement) : NULL;
}

/*
 * Analyze the UPDATE that consists of the target's set_sql and where_sql, and
 * return the names of the columns that it sets.
 */
static List *
analyze(CmigBackfillTarget *target)
{
	char	   *text = psprintf("UPDATE %s SET %s\n WHERE (%s\n)", target->name, target->set_sql,
								target->where_sql ? target->where_sql : "true");
	ErrorContextCallback callback = {error_context_stack, cmig_argument_place_error, text};
	Query	   *query;
	List	   *columns = NIL;

	error_context_stack = &callback;
	query = parse_analyze_fixedparams(cmig_raw_parse_one(text),
									  text, NULL, 0, NULL);
	error_context_stack = callback.previous;

	if (contain_volatile_functions(query->jointree->quals))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("where_sql must not use volatile functions"),
				 errdetail("The condition could have different results for the same row in different batches. The condition is: %s", target->where_sql),
				 errhint("The condition must depend only on the row.")));
	foreach_node(TargetEntry, entry, query->targetList)
	{
		if (!entry->resjunk)
			columns = lappend(columns, get_attname(target->oid, entry->resno, false));
	}
	return columns;
}

/*
 * Returns a quoted name, as if quote_all_identifiers were off.  "schema" may be
 * NULL.  The name must not depend on a setting, because an interrupted backfill
 * is found by the names of its table and columns.
 */
static char *
quoted(const char *schema, const char *name)
{
	int			level = NewGUCNestLevel();
	char	   *result;

	cmig_settings_override("quote_all_identifiers", "off");
	result = pstrdup(quote_qualified_identifier(schema, name));
	AtEOXact_GUC(false, level);
	return result;
}

char *
cmig_backfill_target_name(Oid relation)
{
	char	   *name = get_rel_name(relation);

	return name ? quoted(get_namespace_name(get_rel_namespace(relation)), name) : NULL;
}

/* Raise an error unless the relation is a table. */
static void
check_kind(Oid relation)
{
	char		relkind = get_rel_relkind(relation);
	const char *kind = IsCatalogRelationOid(relation) ? "a system catalog" :
	relkind == RELKIND_VIEW ? "a view" : relkind == RELKIND_MATVIEW ? "a materialized view" :
	relkind == RELKIND_FOREIGN_TABLE ? "a foreign table" : "not a table";

	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation),
				 errhint("Specify a table.")));
	if ((relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE) &&
		!IsCatalogRelationOid(relation))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("cannot backfill %s, which is %s", cmig_backfill_target_name(relation), kind),
			 errhint("Specify a table.")));
}

/*
 * Finds a rule that prevents a backfill.  Without where_sql, only INSTEAD rules
 * do.  With where_sql, any rule does, because batches then contain UPDATE in a
 * WITH clause, which PostgreSQL does not allow for tables with rules.
 */
static CmigQuery instead_rule = {
	"SELECT rulename::text FROM pg_catalog.pg_rewrite"
	" WHERE ev_class = $1 AND ev_type = '2' AND (is_instead OR $2) AND ev_enabled IN ('A',"
	" CASE pg_catalog.current_setting('session_replication_role') WHEN 'replica' THEN 'R'"
	" ELSE 'O' END)"
	" ORDER BY 1 LIMIT 1",
	{OIDOID, BOOLOID}
};

void
cmig_backfill_require_no_rules(Oid relation, bool by_key)
{
	Relation	opened = cmig_query_open(relation, NoLock);
	bool		any = opened->rd_rules != NULL;
	char	   *rule;

	table_close(opened, NoLock);
	rule = any ? cmig_query_value(&instead_rule, relation, !by_key) : NULL;
	if (rule == NULL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot backfill table %s, which has rule \"%s\" ON UPDATE",
					cmig_backfill_target_name(relation), rule),
			 errdetail("With this rule, a batch cannot determine which rows it has updated."),
			 errhint("Repeat the CALL with the rule disabled, and enable the rule again afterward: ALTER TABLE %s DISABLE RULE %s",
					 cmig_backfill_target_name(relation), quote_identifier(rule))));
}

/*
 * Check privileges as PostgreSQL does when it runs the statement.  Do not call
 * this for tables that Citus manages: planning the statement would use another
 * connection, which might wait for a lock held by this session.
 */
static void
check_privileges(const CmigBackfillTarget *target, Oid relation, const char *name)
{
	CmigQuery  *query =
	cmig_query_make(psprintf("EXPLAIN (COSTS OFF) UPDATE ONLY %s SET %s\n WHERE (%s\n)", name,
							 target->set_sql,
							 target->where_sql ? target->where_sql :
							 "true"),
					list_make1_oid(relation), 0, NULL);

	query->users_text = true;
	cmig_query_run(query, NULL, NULL);
}

/*
 * Raise an error if set_sql sets a column of the partition key, because rows
 * cannot move between partitions that are updated separately.
 */
static void
check_partition_key(Oid relation, List *columns)
{
	static CmigQuery query = {
		"SELECT a.attname FROM pg_catalog.pg_partitioned_table p"
		" JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid"
		" AND a.attnum = ANY (p.partattrs::int2[]) WHERE p.partrelid = $1 ORDER BY a.attnum",
		{OIDOID}
	};

	foreach_ptr(CmigValue, row, cmig_query_list(&query, relation))
	{
		char	   *name = *row;

		if (cmig_text_list_has(columns, name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("set_sql must not change column \"%s\" of the partition key", name),
					 errhint("Move the rows with INSERT and DELETE.")));
	}
}

/*
 * Finds a cast from or to type $1 whose function is owned by another role,
 * unless that role is a superuser.  A walk by key converts keys to and from
 * text.  If such a cast exists, the conversion would call another role's
 * function with the caller's privileges, and the function might not preserve
 * the value.
 */
static CmigQuery foreign_cast = {
	"SELECT p.oid::regprocedure::text FROM pg_catalog.pg_cast c"
	" JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc"
	" JOIN pg_catalog.pg_roles r ON r.oid = p.proowner"
	" WHERE (c.castsource = $1 OR c.casttarget = $1) AND NOT r.rolsuper"
	" AND r.rolname <> current_user"
	" ORDER BY 1 LIMIT 1",
	{OIDOID}
};

/*
 * Returns the columns of the key by which to walk table $1: the primary key or
 * another unique index without nulls and in ascending order.  The operators
 * agree with ORDER BY; their names are qualified, so they do not depend on
 * search_path.
 */
static CmigQuery key_query = {
	"SELECT a.attname, a.atttypid, f.greater, f.not_greater FROM (SELECT i.*"
	" FROM pg_catalog.pg_index i"
	"  JOIN pg_catalog.pg_class r ON r.oid = i.indexrelid"
	" JOIN pg_catalog.pg_am m ON m.oid = r.relam"
	"  WHERE i.indrelid = $1 AND m.amname = 'btree' AND i.indisunique AND i.indimmediate"
	" AND i.indisvalid"
	"  AND i.indisready AND i.indpred IS NULL AND i.indexprs IS NULL"
	"  AND NOT EXISTS (SELECT FROM generate_series(0, i.indnkeyatts - 1) n"
	"   JOIN pg_catalog.pg_attribute a ON a.attrelid = $1 AND a.attnum = i.indkey[n]"
	"   JOIN pg_catalog.pg_opclass p ON p.oid = i.indclass[n]"
	"   WHERE i.indoption[n] <> 0 OR NOT a.attnotnull OR NOT p.opcdefault OR EXISTS (SELECT"
	" FROM pg_catalog.pg_constraint c"
	"    WHERE c.conrelid = $1 AND c.contype = 'n' AND NOT c.convalidated"
	" AND c.conkey = ARRAY[a.attnum]))"
	"  ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1) i"
	" CROSS JOIN generate_series(0, i.indnkeyatts - 1) n"
	" JOIN pg_catalog.pg_attribute a ON a.attrelid = $1 AND a.attnum = i.indkey[n]"
	" JOIN pg_catalog.pg_opclass p ON p.oid = i.indclass[n]"
	" CROSS JOIN LATERAL (SELECT coalesce(max(format('OPERATOR(%I.%s)', s.nspname, o.oprname))"
	" FILTER (WHERE m.amopstrategy = 5), '>'),"
	"  coalesce(max(format('OPERATOR(%I.%s)', s.nspname, o.oprname)) FILTER (WHERE m.amopstrategy = 2), '<=')"
	"  FROM pg_catalog.pg_amop m JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr"
	"  JOIN pg_catalog.pg_namespace s ON s.oid = o.oprnamespace WHERE m.amopfamily = p.opcfamily"
	"  AND m.amoplefttype = p.opcintype AND m.amoprighttype = p.opcintype) f (greater, not_greater)"
	" ORDER BY n",
	{OIDOID}
};

/*
 * Set the key by which to walk a part.  Raises an error if the part has no
 * usable key, or if the backfill sets one of the key's columns.  "copies" is
 * true if there is a filter, so that the only reason for the walk by key is that
 * Citus keeps copies of shards.
 */
static void
choose_key(CmigBackfillPart *part, List *columns, bool copies)
{
	const char *hint = copies ? "Use a plain UPDATE command, which Citus runs on all copies." :
	"Specify a where_sql that is true for the rows that remain to be updated, such as new_column IS NULL.";
	const char *reason = copies ?
	"Its shards have copies on several nodes, so it is updated in the order of a key." : NULL;
	CmigBackfillKey *key = &part->key;
	List	   *rows = cmig_query_list(&key_query, part->oid);

	if (rows == NIL)
		ereport(ERROR,
				(errcode(copies ? ERRCODE_FEATURE_NOT_SUPPORTED : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table %s has no primary key", part->name),
				 errdetail("%s", reason ? reason :
						   "Without where_sql, a key is required to determine which rows are done. A unique index on NOT NULL columns is sufficient."),
				 errhint("%s", hint)));
	key->columns = palloc(sizeof(char *) * list_length(rows));
	key->types = palloc(sizeof(char *) * list_length(rows));
	foreach_ptr(CmigValue, row, rows)
	{
		Oid			type = getBaseType(atooid(row[1]));
		char	   *cast = NULL;

		if (cmig_text_list_has(columns, row[0]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 copies ? errmsg("set_sql must not change the key of table %s", part->name) :
					 errmsg("set_sql must not change column \"%s\" of the key", row[0]),
					 errdetail("%s", reason ? reason :
							   psprintf("Without where_sql, table %s is updated in the order of that key.", part->name)),
					 errhint("%s", hint)));

		/* skip built-in types, for which only superusers can create casts */
		if (type >= FirstNormalObjectId)
			cast = cmig_query_value(&foreign_cast, type);
		if (cast != NULL)
			ereport(ERROR,
					(errcode(copies ? ERRCODE_FEATURE_NOT_SUPPORTED :
							 ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("cannot backfill table %s in the order of its key", part->name),
					 errdetail("A cast of the key's type calls function %s, which belongs to another role.", cast),
					 errhint("%s", hint)));

		/*
		 * a row comparison can have only one operator: if the columns need
		 * different ones, it is looked up in search_path
		 */
		key->greater = key->count == 0 || strcmp(key->greater, row[2]) == 0 ? row[2] : ">";
		key->not_greater = key->count == 0 || strcmp(key->not_greater, row[3]) == 0 ? row[3] : "<=";
		/* a domain's constraints need not be checked */
		key->types[key->count] = format_type_extended(type, -1,
													  FORMAT_TYPE_TYPEMOD_GIVEN |
													  FORMAT_TYPE_FORCE_QUALIFY);
		key->columns[key->count++] = quoted(NULL, row[0]);
	}
}

/* A qsort comparator: by name, added ones last. */
static int
compare_parts(const void *a, const void *b)
{
	const CmigBackfillPart *first = a;
	const CmigBackfillPart *second = b;

	return first->added != second->added ? first->added - second->added :
		strcmp(first->name, second->name);
}

/*
 * Check set_sql and where_sql, the relation, privileges, and policies, and
 * choose how to walk the table.  There must be an active snapshot.
 */
static CmigBackfillTarget *
check_target(Oid table, const char *set_sql, const char *where_sql)
{
	CmigBackfillTarget *target = palloc0(sizeof(CmigBackfillTarget));
	List	   *relations;

	LockRelationOid(table, AccessShareLock);
	check_kind(table);
	cmig_local_rows_require(table, true, "cmig.backfill", NULL);
	target->oid = table;
	target->name = cmig_backfill_target_name(table);
	target->set_sql = set_sql;
	target->where_sql = where_sql;

	(void) check_set(target->name, set_sql);
	if (where_sql != NULL && cmig_online_expression(psprintf("%s\n", where_sql)) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("where_sql must be the part of an UPDATE after WHERE"),
				 errdetail("The value of where_sql is: %s", where_sql),
				 errhint("Specify only a condition, such as email_lower IS NULL.")));
	target->columns = analyze(target);
	cmig_expansion_require_unhidden(table, target->columns);

	relations = cmig_inheritors(table, AccessShareLock);
	target->by_key = where_sql == NULL;
	foreach_oid(each, relations)
		target->by_key |= cmig_citus_manages(each) && cmig_citus_has_copies(each);
	target->parts = palloc0(sizeof(CmigBackfillPart) * list_length(relations));
	foreach_oid(relation, relations)
	{
		CmigBackfillPart *part = &target->parts[target->count];

		check_kind(relation);
		cmig_backfill_require_no_rules(relation, target->by_key);
		if (check_enable_rls(relation, InvalidOid, true) == RLS_ENABLED)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("row-level security hides rows of table %s from this backfill",
							cmig_backfill_target_name(relation)),
					 errdetail("Role \"%s\" is subject to its policies.",
							   GetUserNameFromId(GetUserId(), false)),
					 errhint("Run the backfill as a role with BYPASSRLS, or, as the owner, use ALTER TABLE ... NO FORCE ROW LEVEL SECURITY while the backfill runs.")));
		if (get_rel_relkind(relation) == RELKIND_PARTITIONED_TABLE)
		{
			check_partition_key(relation, target->columns);
			continue;
		}
		part->oid = relation;
		part->name = cmig_backfill_target_name(relation);
		part->updated = relation == table ? part->name :
			psprintf("%s AS %s", part->name, quote_identifier(cmig_query_name(table)));
		part->shards = cmig_citus_manages(relation) ? cmig_citus_shards(relation) : 0;
		if (part->shards == 0)
			check_privileges(target, relation, part->updated);

		/*
		 * a batch that might be committed without its progress could run
		 * twice, with a different result
		 */
		if (part->shards == 1 && where_sql == NULL && !cmig_citus_use_two_phases())
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot backfill table %s without where_sql", part->name),
					 errdetail("Its only shard might commit a batch before the progress of the backfill is committed on the coordinator."),
					 errhint("Specify a where_sql that is true for the rows that remain to be updated.")));
		if (target->by_key)
			choose_key(part, target->columns, where_sql != NULL);
		else
			cmig_local_rows_require_heap(relation, "cmig.backfill with where_sql",
										 "Leave out where_sql to update the table in the order of its key, or do not use cmig.backfill for this table.");
		target->count++;
	}
	if (get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE && !cmig_citus_manages(table))
		check_privileges(target, table, target->name);
	qsort(target->parts, target->count, sizeof(CmigBackfillPart), compare_parts);
	return target;
}

/*
 * The rows of cmig.backfill_run are read and written as the caller, which may
 * not be the role that runs the script.
 */

/* Does another set_sql set a column that this backfill also sets? */
static bool
sets_same(const CmigBackfillTarget *target, const char *set_sql)
{
	foreach_node(ResTarget, each, check_set(target->name, set_sql)->targetList)
	{
		if (cmig_text_list_has(target->columns, each->name))
			return true;
	}
	return false;
}

/*
 * Raise an error if an unfinished backfill other than the one with the id
 * own_id has updated rows that the new backfill would update again.  The user
 * must decide how to proceed.
 */
static void
refuse_unfinished(const CmigBackfillTarget *target, const CmigBackfillIdentity *this, int64 own_id,
				  bool one_transaction)
{
	const CmigBackfillUnfinished *other = NULL;
	bool		resumable;
	char	   *resume;

	foreach_ptr(CmigBackfillUnfinished, each, cmig_backfill_run_unfinished(this, own_id))
	{
		other = each;
		resumable = this->where_sql == NULL && strcmp(other->table, "same") == 0 &&
			(this->revision == NULL || this->statement == atoi(other->statement));
		if (this->revision != NULL || (resumable && sets_same(target, other->set_sql)))
			break;
		other = NULL;
	}
	if (other == NULL)
		return;
	if (one_transaction)
		resume = "To continue with the other rows, `SET cmig.concurrent_ddl = on` and repeat the `CALL`.";
	else if (resumable)
		resume = psprintf("To continue after these rows with this set_sql: UPDATE cmig.backfill_run SET set_sql = %s WHERE id = %s, then repeat the `CALL`%s.",
						  quote_literal_cstr(this->set_sql), other->id,
						  this->revision ? ", or load the original text" : "");
	else
		resume = "To continue with the other rows, load the original text and repeat the `CALL`.";
	ereport(ERROR,
			(errcode(this->revision ? ERRCODE_CMIG_CHANGED_REVISION :
					 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 this->revision ?
			 errmsg("a backfill of revision \"%s\" is partially applied", this->revision) :
			 errmsg("a backfill of table %s is partially applied", other->target),
			 this->revision ?
			 errdetail("Statement %s has already updated %s rows. This CALL would update them again. The earlier backfill used SET %s.",
					   other->statement, other->rows, other->set_sql) :
			 errdetail("It has already updated %s rows. This CALL would update them again. The earlier backfill used SET %s.",
					   other->rows, other->set_sql),
			 cmig_hint("%s To start over instead: DELETE FROM cmig.backfill_run WHERE id = %s",
					   resume, other->id)));
}

/* Is it a partition that was added since the backfill began? */
static bool
is_added(const CmigNames *parts, const char *name)
{
	bool		known = parts->count == 0;

	for (int i = 0; i < parts->count; i++)
		known |= strcmp(parts->names[i], name) == 0;
	return !known;
}

/* Partitions that were attached since the backfill began may have old rows, and come last. */
static void
order_parts(CmigBackfillTarget *target, CmigBackfillRun *run)
{
	for (int i = 0; i < target->count; i++)
		target->parts[i].added = is_added(&run->parts, target->parts[i].name);
	run->added = run->relation != NULL && is_added(&run->parts, run->relation);
	qsort(target->parts, target->count, sizeof(CmigBackfillPart), compare_parts);
	for (int i = 0; i < target->count && run->added; i++)
		if (target->parts[i].added && strcmp(target->parts[i].name, run->relation) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("partition %s was added since the backfill of table %s began",
							target->parts[i].name, target->name),
					 errdetail("Another one, %s, was also added, and is being updated, so pg_cmig cannot tell whether the rows of the former have been backfilled.",
							   run->relation),
					 cmig_hint("To start over: DELETE FROM cmig.backfill_run WHERE id = %lld, and repeat the `CALL`",
							   (long long) run->id)));
}

/*
 * Find the state of a backfill to resume, or begin a new backfill.  Returns
 * true if a state was found, which may be that of a finished backfill.  Raises
 * MG008 or 55000 if it is unclear which rows have been updated.
 */
static bool
find_state(CmigBackfillTarget *target,
		   const CmigBackfillIdentity *identity, Oid caller,
		   CmigBackfillRun *run)
{
	bool		found;
	double		rows = -1;
	CmigRole	saved;

	cmig_role_act_as_caller(&saved, caller);
	found = cmig_backfill_run_find(identity, run);
	cmig_role_return(&saved);
	if (!found)
		rows = cmig_backfill_sql_rows(target);
	cmig_role_act_as_caller(&saved, caller);
	refuse_unfinished(target, identity, run->id, false);
	if (found && !run->done)
	{
		cmig_backfill_parts_require(target, run);
		order_parts(target, run);
		ereport(NOTICE,
				(errmsg("resuming the backfill of %s after %lld rows",
						target->name, (long long) run->rows)));
	}
	else if (!found)
	{
		run->method = target->by_key ? "key" : "ctid";
		run->pass = 1;
		run->total = cmig_backfill_sql_work(target);
		if (target->by_key && target->count > 0 && target->parts[0].oid != target->oid)
			cmig_backfill_parts_note(target, run);
		cmig_backfill_run_replace(identity);
		cmig_backfill_run_insert(identity, run);
	}
	if (!run->done)
		cmig_backfill_run_note(run, rows, NULL);
	run->parts.count = 0;
	cmig_role_return(&saved);
	return found;
}

/*
 * If cmig.concurrent_ddl is off, everything happens in the caller's
 * transaction, and no progress is stored.
 */

#define MOST_ROWS 1000000

/*
 * Time between two checks of the replication lag, and after how much time a
 * NOTICE says that the backfill is waiting, in milliseconds.
 */
#define LAG_PAUSE 200
#define LAG_QUIET 1000

/* How long the lag may be unknown, at least, in milliseconds. */
#define LAG_UNKNOWN 10000

/*
 * Batches that take more than BATCH_SLOW milliseconds become smaller, down to
 * BATCH_LEAST rows, and those that take less than BATCH_FAST may grow.
 */
#define BATCH_SLOW 2000
#define BATCH_FAST 500
#define BATCH_LEAST 100

/* An example of a correct call, for hints. */
#define CALL_HINT "CALL cmig.backfill('users', 'email_lower = lower(email)', 'email_lower IS NULL')"

PG_FUNCTION_INFO_V1(cmig_backfill);

/*
 * Returns the lag of the replicas in milliseconds, the number of those that are
 * connected, the slots of those that are not, whether the connected standbys
 * have replayed position $1, and the end of the WAL.  The position is needed
 * because replay_lag does not grow while a standby replays nothing.
 */
static CmigQuery lag_query = {
	.sql = "SELECT coalesce(max(extract(epoch FROM r.replay_lag)), 0) * 1000, count(*),"
	" (SELECT string_agg(s.slot_name::text, ', ' ORDER BY s.slot_name::text)"
	" FROM pg_replication_slots s"
	"  WHERE NOT s.active AND NOT s.temporary AND s.wal_status IS DISTINCT FROM 'lost'"
	" AND s.restart_lsn IS NOT NULL"
	"  AND to_jsonb(s.*) ->> 'synced' IS DISTINCT FROM 'true'),"
	" coalesce(bool_and(r.replay_lsn >= '0/0'::pg_lsn + $1 OR l.active_pid IS NOT NULL), true), pg_current_wal_flush_lsn() - '0/0'::pg_lsn"
	" FROM pg_stat_replication r LEFT JOIN pg_replication_slots l ON l.active_pid = r.pid"
	" AND l.slot_type = 'logical'"
	" WHERE r.state = 'streaming'",
	.argtypes = {INT8OID}
};

/*
 * Run a batch, either in a transaction of its own with retries, or as part of
 * the caller's transaction.
 */
static void
attempt(CmigBackfill *b, CmigAttempt body)
{
	MemoryContext old = MemoryContextSwitchTo(b->batch_context);

	CHECK_FOR_INTERRUPTS();
	cmig_lock_wait_forget();
	if (b->one_transaction)
		body(b);
	else
	{
		cmig_runner_restart_timeout();
		cmig_toplevel_attempt(body, NULL, b, psprintf("backfill of %s", b->target->name));
	}
	MemoryContextSwitchTo(old);
	cmig_backfill_batch_adopt(b);
}

/* Raise an error unless the role may read the replication lag. */
static void
require_lag_visible(void)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read the replication lag"),
				 errhint("GRANT pg_read_all_stats TO %s, or leave out max_lag.",
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

/*
 * Returns the lag of the replicas in milliseconds, and sets *unknown to what
 * keeps it from being known, or to NULL.
 */
static double
read_lag(CmigBackfill *b, char **unknown)
{
	TimestampTz now = GetCurrentTimestamp();
	char	  **row;
	double		lag;

	require_lag_visible();
	*unknown = NULL;
	row = cmig_query_row(&lag_query, (int64) b->lag_position);
	lag = strtod(row[0], NULL);
	if (*row[3] == 't')
		b->lag_since = 0;
	if (row[2] != NULL)
		*unknown = psprintf("The replica of replication slot %s is not connected.", row[2]);
	else if (atoi(row[1]) < b->replicas)
		*unknown = psprintf("%d of %d replicas are connected.", atoi(row[1]), b->replicas);
	b->replicas = Max(b->replicas, atoi(row[1]));
	if (b->lag_since == 0)
	{
		b->lag_position = (XLogRecPtr) strtod(row[4], NULL);
		b->lag_since = now;
	}
	return Max(lag, (now - b->lag_since) / 1000.0);
}

/*
 * Wait while the replicas lag too far behind.  Returns true if they have taken
 * more than half of the time that they may.  The first wait that is not short
 * is reported.  If it remains unknown how far they are behind, ends the
 * backfill, which can be resumed.
 */
static bool
wait_for_lag(CmigBackfill *b)
{
	int			waited = 0;
	int			unknown_for = 0;

	for (;;)
	{
		MemoryContext old = MemoryContextSwitchTo(b->batch_context);
		char	   *unknown;
		double		lag;

		cmig_toplevel_snapshot();
		lag = read_lag(b, &unknown);
		MemoryContextSwitchTo(old);
		cmig_toplevel_commit();
		if (unknown == NULL && lag <= b->max_lag_ms)
			return waited > 0 || lag > b->max_lag_ms / 2;
		unknown_for = unknown == NULL ? 0 : unknown_for + LAG_PAUSE;
		if (unknown_for > Max(b->max_lag_ms, LAG_UNKNOWN))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("backfill of %s has stopped because the lag of the replicas is not known", b->target->name),
					 errdetail("%s", unknown),
					 cmig_hint("The rows updated so far remain updated. When the replicas are back, or if one was removed together with its slot, repeat the `CALL` to continue.")));
		if (waited >= LAG_QUIET)
			cmig_backfill_report(b, ", waits for replicas");
		if (waited >= LAG_QUIET && !b->lag_told)
		{
			b->lag_told = true;
			ereport(NOTICE,
					(errmsg("backfill of %s waits for replicas that are behind", b->target->name),
					 unknown ? errdetail("%s", unknown) :
					 errdetail("The lag is %.0f ms, and max_lag is %.0f ms.", lag, b->max_lag_ms),
					 errhint("SELECT application_name, replay_lag FROM pg_stat_replication")));
		}
		MemoryContextReset(b->batch_context);
		cmig_toplevel_sleep(LAG_PAUSE);
		waited += LAG_PAUSE;
	}
}

/*
 * After a batch that began at "began" and has updated this number of rows:
 * pause, wait for replicas and for the limit of cmig.throttle, and choose the
 * size of the next batch.  Batches that take long, or that replicas cannot keep
 * up with, become smaller, and grow again up to batch_size.
 */
static void
throttle(CmigBackfill *b, int64 rows, TimestampTz began)
{
	int			limit = b->batch_limit;
	long		took = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
	bool		lagging = false;

	if (b->one_transaction)
		return;
	if (b->pause_ms > 0)
		cmig_toplevel_sleep(b->pause_ms);
	if (b->max_lag_ms > 0)
		lagging = wait_for_lag(b);
	cmig_backfill_control_limit(b, rows, began);

	if (took > BATCH_SLOW || lagging)
		limit = Max(limit / 2, BATCH_LEAST);
	else if (took < BATCH_FAST)
		limit = Min(limit, INT_MAX / 2) * 2;
	limit = Min(limit, b->batch_size);
	if (limit != b->batch_limit)
		b->prepared = -1;
	b->batch_limit = limit;
}

void
cmig_backfill_report(const CmigBackfill *b, const char *more)
{
	char		activity[256];

	if (!pgstat_track_activities)
		return;
	snprintf(activity, sizeof(activity), "pg_cmig: backfill of %.150s, pass %d, %lld rows%s",
			 b->target->name, b->run.pass, (long long) b->run.rows, more);
	pgstat_report_activity(STATE_RUNNING, activity);
}

/* Run passes until one of them updates no rows. */
static void
run_passes(CmigBackfill *b)
{
	for (;;)
	{
		/*
		 * The parts before the stored position are done, so skip them.
		 * Compare names, because the current part may have been dropped in
		 * the meantime.
		 */
		const CmigBackfillPart current = {.name = b->run.relation,.added = b->run.added};

		b->part = 0;
		while (b->run.relation != NULL && b->part < b->target->count &&
			   compare_parts(&b->target->parts[b->part], &current) < 0)
			b->part++;
		while (b->part < b->target->count)
		{
			int64		rows = b->run.rows;
			TimestampTz began;

			if (!b->one_transaction)
				cmig_backfill_control_obey(b);
			began = GetCurrentTimestamp();
			attempt(b, cmig_backfill_batch_run);
			cmig_backfill_report(b, "");
			if (cmig_backfill_batch_part_is_done(&b->run, b->target->by_key))
				b->part++;
			if (b->part < b->target->count)
				throttle(b, b->run.rows - rows, began);
		}

		/*
		 * A resumed pass may have missed rows that were added before the
		 * position at which it was resumed, so run one more pass.
		 */
		if (b->target->where_sql == NULL || (b->run.rows_of_pass == 0 && !b->resumed))
			break;
		b->resumed = false;
		b->run.pass++;
		b->run.relation = NULL;
		b->run.rows_of_pass = 0;
		b->run.unchanged = 0;
		b->run.passed = 0;
		throttle(b, 0, GetCurrentTimestamp());
	}
	if (!b->one_transaction)
		attempt(b, cmig_backfill_batch_end);

	/*
	 * The number in this message is a lower bound, because each probe query
	 * counts only up to a limit, and because the rows before the start of a
	 * resumed pass are not included.
	 */
	if (b->run.unchanged > 0)
		ereport(WARNING,
				(errmsg_plural("at least %lld row of %s still matches where_sql but was not updated",
							   "at least %lld rows of %s still match where_sql but were not updated",
							   (unsigned long) b->run.unchanged,
							   (long long) b->run.unchanged, b->target->name),
				 errdetail("An UPDATE of these rows has no effect, for example because a BEFORE trigger returns NULL."),
				 errhint("Fix the cause, then call cmig.backfill again. To see the remaining rows: SELECT * FROM %s WHERE %s",
						 b->target->name, b->target->where_sql)));
}

/* Error context callback that reports the backfill's progress. */
static void
describe_error(void *arg)
{
	CmigBackfill *b = arg;

	cmig_lock_wait_explain();
	errcontext("pg_cmig: backfill of %s, after %lld rows", b->target->name,
			   (long long) b->run.rows);
}

/* How a backfill ended with an error. */
typedef struct Failure
{
	CmigBackfill *b;
	const ErrorData *error;
} Failure;

/*
 * Store the error in the backfill's row.  Delete the row of a backfill that has updated
 * nothing.
 */
static void
note_failure(void *arg)
{
	const Failure *failure = arg;
	CmigBackfill *b = failure->b;
	CmigRole	saved;

	cmig_role_act_as_caller(&saved, b->caller);
	if (b->run.id != 0 && b->run.rows == 0)
		cmig_backfill_run_remove(&b->run);
	else
		cmig_backfill_run_note(&b->run, -1, psprintf("%s: %s", unpack_sql_state(failure->error->sqlerrcode),
													 cmig_error_stored(failure->error)));
	cmig_role_return(&saved);
}

/*
 * Run the backfill, holding a lock that prevents another backfill of the
 * table.
 */
static void
run_backfill(CmigBackfill *b)
{
	MemoryContext context = CurrentMemoryContext;
	bool		alone = cmig_running.revision == NULL;
	ErrorContextCallback callback = {error_context_stack, describe_error, b};

	if (b->one_transaction)
	{
		/*
		 * a backfill that was begun by a run that committed its batches
		 * cannot be resumed within a single transaction
		 */
		if (!cmig_running.replaying)
		{
			CmigRole	saved;

			cmig_role_act_as_caller(&saved, b->caller);
			refuse_unfinished(b->target, &b->identity, 0, true);
			cmig_role_return(&saved);
		}
		b->run.pass = 1;
		run_passes(b);
		return;
	}

	cmig_run_lock_table(b->target->oid);
	PG_TRY();
	{
		error_context_stack = &callback;
		if (alone)
		{
			cmig_lock_wait_watch(GetUserId());
			cmig_log_run_start(psprintf("backfill of %s", b->target->name), true);
		}
		cmig_toplevel_snapshot();
		MemoryContextSwitchTo(b->run_context);
		b->resumed = find_state(b->target, &b->identity, b->caller, &b->run);
		b->accepted = true;
		MemoryContextSwitchTo(context);
		if (!b->run.done)
		{
			cmig_toplevel_commit();
			b->last = GetCurrentTimestamp();
			run_passes(b);
			if (alone)
				cmig_log_run_end(false, psprintf("ok, %lld rows", (long long) b->run.rows));
			ereport(NOTICE,
					(errmsg("backfill of %s updated %lld rows", b->target->name,
							(long long) b->run.rows)));
		}
	}
	PG_CATCH();
	{
		ErrorData  *error = cmig_error_take(context);
		Failure		failure = {b, error};

		if (alone)
			cmig_lock_wait_unwatch();
		cmig_toplevel_rollback();
		cmig_run_lock_table_release();
		cmig_backfill_sql_free(&b->queries);

		/*
		 * keep the row of a rejected one, which belongs to a different
		 * backfill
		 */
		if (b->accepted)
			cmig_toplevel_after_error(note_failure, &failure);
		if (alone)
			cmig_log_run_fail(error->sqlerrcode,
							  psprintf(" after %lld rows", (long long) b->run.rows));
		if (alone && error->hint == NULL && b->run.rows > 0)
			error->hint = cmig_hint_text("The rows updated so far remain updated. Fix the cause, then repeat the `CALL` to continue with the other rows.");
		ReThrowError(error);
	}
	PG_END_TRY();
	error_context_stack = callback.previous;
	if (alone)
		cmig_lock_wait_unwatch();
	cmig_run_lock_table_release();
}

MemoryContext
cmig_online_begin(FunctionCallInfo fcinfo, const char *procedure, const char *what,
				  const char *call)
{
	bool		one_transaction = !cmig_running_concurrent_ddl();
	bool		alone = cmig_running.revision == NULL;
	MemoryContext context;

	if (alone)
		cmig_run_limit_start();
	if (!one_transaction)
		cmig_toplevel_require(fcinfo, procedure);
	cmig_require_writable(procedure);
	cmig_citus_require_coordinator(procedure);
	context = one_transaction ?
		AllocSetContextCreate(CurrentMemoryContext, "pg_cmig procedure", ALLOCSET_DEFAULT_SIZES) :
		cmig_toplevel_context("pg_cmig procedure");
	MemoryContextSwitchTo(context);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the target must not be null"),
				 errhint("%s", call)));
	if (!one_transaction)
	{
		cmig_toplevel_reach_table(PG_GETARG_OID(0), what, alone);
		cmig_toplevel_snapshot();
	}
	return context;
}

char *
cmig_online_text(FunctionCallInfo fcinfo, int n, const char *name, const char *call)
{
	char	   *value = cmig_argument_text(fcinfo, n);

	if (value == NULL || value[strspn(value, " \t\r\n")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", name),
				 errhint("%s", call)));
	return value;
}

double
cmig_online_milliseconds(FunctionCallInfo fcinfo, int n, const char *name)
{
	const Interval *interval;
	double		value;

	if (PG_ARGISNULL(n))
		return 0;
	interval = PG_GETARG_INTERVAL_P(n);
	value = interval->time / 1000.0 + interval->day * 86400000.0 +
		interval->month * (30 * 86400000.0);
	if (value < 0 || value > 86400000.0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 0 and 1 day", name)));
	return value;
}

/*
 * Record statements that update the rows without pg_cmig: for each part of the
 * table, a DO block that commits after each range of blocks, and that reads the
 * table again until no row matches.  How far it is, other sessions see in its
 * application_name: the screen of cmig status reads it (share/cmig/engine_state.sql).
 */
static void
record_statements(const CmigBackfill *b)
{
	const CmigBackfillTarget *target = b->target;

	if (target->where_sql == NULL || target->by_key || b->max_lag_ms > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the revision calls %s", CMIG_RECORD_BACKFILL),
				 errhint(CMIG_RECORD_BACKFILL_HINT)));
	for (int i = 0; i < target->count; i++)
	{
		const CmigBackfillPart *part = &target->parts[i];
		StringInfoData sql;
		const char *update =
		psprintf("WITH u AS (UPDATE ONLY %s SET %s\n WHERE (%s\n) AND ctid OPERATOR(pg_catalog.>=) $1 AND ctid OPERATOR(pg_catalog.<) $2"
				 " RETURNING (%s\n) AS still)"
				 " SELECT pg_catalog.count(*), pg_catalog.count(*)"
				 " FILTER (WHERE still) FROM u",
				 part->updated, target->set_sql, target->where_sql,
				 target->where_sql);
		const char *body = psprintf("DECLARE\n"
									"\tblock bigint;\n\tblocks bigint;\n"
									"\tstep bigint := 8;\n"
									"\tfound bigint;\n\tstill bigint;\n"
									"\tbefore bigint;\n"
									"\tupdated bigint := 0;\n"
									"\tapplication pg_catalog.text := pg_catalog.current_setting('application_name');\n"
									"BEGIN\n"
									"\tLOOP\n"
									"\t\tblock := 0;\n"
									"\t\tbefore := updated;\n"
									"\t\tblocks := pg_catalog.pg_relation_size(%s) OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::bigint;\n"
									"\t\tWHILE block OPERATOR(pg_catalog.<) blocks LOOP\n"
									"\t\t\tEXECUTE %s INTO found, still\n"
									"\t\t\t\tUSING pg_catalog.format('(%%s,0)', block)::pg_catalog.tid, pg_catalog.format('(%%s,0)', block OPERATOR(pg_catalog.+) step)::pg_catalog.tid;\n"
									"\t\t\tIF still OPERATOR(pg_catalog.>) 0 THEN\n"
									"\t\t\t\tRAISE EXCEPTION 'where_sql still matches rows that were updated';\n"
									"\t\t\tEND IF;\n"
									"\t\t\tCOMMIT;\n"
									"\t\t\tupdated := updated OPERATOR(pg_catalog.+) found;\n"
									"\t\t\tPERFORM pg_catalog.set_config('application_name', pg_catalog.format('cmig: %%s rows, %%s %%%%, backfill of %%s',\n"
									"\t\t\t\tupdated, 100 OPERATOR(pg_catalog.*) LEAST(block OPERATOR(pg_catalog.+) step, blocks) OPERATOR(pg_catalog./) blocks, %s), false);\n"
									"\t\t\tPERFORM pg_catalog.pg_sleep(%g);\n"
									"\t\t\tblock := block OPERATOR(pg_catalog.+) step;\n"
									"\t\t\tIF found OPERATOR(pg_catalog.>) %d AND step OPERATOR(pg_catalog.>) 1 THEN\n"
									"\t\t\t\tstep := step OPERATOR(pg_catalog./) 2;\n"
									"\t\t\tELSIF found OPERATOR(pg_catalog.<) %d AND step OPERATOR(pg_catalog.<) 1024 THEN\n"
									"\t\t\t\tstep := step OPERATOR(pg_catalog.*) 2;\n"
									"\t\t\tEND IF;\n"
									"\t\tEND LOOP;\n"
									"\t\tEXIT WHEN updated OPERATOR(pg_catalog.=) before;\n"
									"\tEND LOOP;\n"
									"\tPERFORM pg_catalog.set_config('application_name', application, false);\n"
									"\tRAISE NOTICE 'backfill of %% updated %% rows', %s, updated;\n"
									"END", quote_literal_cstr(part->name),
									quote_literal_cstr(update), quote_literal_cstr(part->name),
									b->pause_ms / 1000.0, b->batch_size, b->batch_size / 2,
									quote_literal_cstr(part->name));

		initStringInfo(&sql);
		appendStringInfoString(&sql, "DO ");
		cmig_psql_append_dollar_quoted(&sql, body);
		cmig_record(sql.data, InvalidOid);
	}
}

/* Create a backfill from the CALL's options, in the current memory context. */
static CmigBackfill *
make_backfill(FunctionCallInfo fcinfo)
{
	CmigBackfill *b = palloc0(sizeof(CmigBackfill));

	b->batch_size = PG_ARGISNULL(3) ? 10000 : PG_GETARG_INT32(3);
	if (b->batch_size < 1 || b->batch_size > MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("batch_size must be between 1 and %d", MOST_ROWS)));
	b->pause_ms = cmig_online_milliseconds(fcinfo, 4, "pause");
	b->max_lag_ms = cmig_online_milliseconds(fcinfo, 5, "max_lag");
	if (b->max_lag_ms > 0)
		require_lag_visible();
	b->batch_limit = b->batch_size;

	b->one_transaction = !cmig_running_concurrent_ddl();
	b->caller = cmig_nontransactional_caller();
	b->prepared = -1;
	b->xids = palloc(64 * sizeof(TransactionId));
	b->run_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill state",
										   ALLOCSET_SMALL_SIZES);
	b->batch_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill batch",
											 ALLOCSET_DEFAULT_SIZES);
	b->ends_context = AllocSetContextCreate(CurrentMemoryContext, "pg_cmig backfill ends",
											ALLOCSET_DEFAULT_SIZES);
	return b;
}

Datum
cmig_backfill(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = cmig_online_begin(fcinfo, "cmig.backfill", "backfill", CALL_HINT);
	char	   *set_sql = cmig_online_text(fcinfo, 1, "set_sql", CALL_HINT);
	char	   *where_sql = PG_ARGISNULL(2) ? NULL :
	cmig_online_text(fcinfo, 2, "where_sql", CALL_HINT);
	CmigBackfill *b = make_backfill(fcinfo);
	CmigRecordReads reads = {0};

	b->target = check_target(PG_GETARG_OID(0), set_sql, where_sql);

	/* the identity, by which an interrupted backfill is found again */
	b->identity.table = b->target->oid;
	b->identity.target = b->target->name;
	b->identity.set_sql = set_sql;
	b->identity.where_sql = where_sql;
	b->identity.by_key = b->target->by_key;
	if (cmig_running.revision != NULL)
	{
		b->identity.revision = pstrdup(cmig_running.revision);
		b->identity.direction = cmig_direction_name(cmig_running.direction);
		b->identity.statement = cmig_running.statement;
	}
	if (!b->one_transaction)
		cmig_toplevel_commit();

	reads.table = b->target->oid;
	cmig_record_begin(reads);
	if (cmig_record_is_on())
		record_statements(b);
	run_backfill(b);

	cmig_backfill_sql_free(&b->queries);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	PG_RETURN_VOID();
}
