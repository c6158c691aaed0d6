/*
 * target.c
 *	  Checks a backfill's arguments and table before the first batch.
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
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "base/base.h"
#include "base/compat.h"
#include "online/internal.h"
#include "parse/parse.h"

/* Parse set_sql.  Raises an error if it contains more than a SET list. */
static UpdateStmt *
check_set(const char *name, const char *set_sql)
{
	char	   *text = psprintf("UPDATE %s SET %s\n", name, set_sql);
	ErrorContextCallback callback;
	List	   *parsed;
	UpdateStmt *update = NULL;

	callback.callback = cmig_argument_place_error;
	callback.arg = text;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	parsed = cmig_raw_parse(text, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;

	if (list_length(parsed) == 1)
		update = (UpdateStmt *) linitial_node(RawStmt, parsed)->stmt;
	if (update == NULL || !IsA(update, UpdateStmt) || update->whereClause != NULL ||
		update->fromClause != NIL || cmig_returns_compat(update))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("set_sql must be the part of an UPDATE between SET and WHERE"),
				 errdetail("The value of set_sql is: %s", set_sql),
				 errhint("Specify the condition in where_sql. For values from other tables, use a subquery in set_sql.")));
	return update;
}

/* Raise an error if where_sql contains more than a condition. */
static void
check_where(const char *where_sql)
{
	char	   *text = psprintf("%s\n", where_sql);
	ErrorContextCallback callback;
	SelectStmt *select;

	callback.callback = cmig_argument_place_error;
	callback.arg = text;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	select = (SelectStmt *) linitial_node(RawStmt, cmig_raw_parse(text, RAW_PARSE_PLPGSQL_EXPR))->stmt;
	error_context_stack = callback.previous;

	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->fromClause != NIL || select->whereClause != NULL ||
		select->groupClause != NIL || select->havingClause != NULL ||
		select->sortClause != NIL || select->limitCount != NULL ||
		select->limitOffset != NULL || select->lockingClause != NIL ||
		select->distinctClause != NIL || select->op != SETOP_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("where_sql must be the part of an UPDATE after WHERE"),
				 errdetail("The value of where_sql is: %s", where_sql),
				 errhint("Specify only a condition, such as email_lower IS NULL.")));
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
	ErrorContextCallback callback;
	Query	   *query;
	List	   *columns = NIL;
	ListCell   *lc;

	callback.callback = cmig_argument_place_error;
	callback.arg = text;
	callback.previous = error_context_stack;
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
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

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
	const char *kind = "not a table";

	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation),
				 errhint("Specify a table.")));
	if (IsCatalogRelationOid(relation))
		kind = "a system catalog";
	else if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE)
		return;
	else if (relkind == RELKIND_VIEW)
		kind = "a view";
	else if (relkind == RELKIND_MATVIEW)
		kind = "a materialized view";
	else if (relkind == RELKIND_FOREIGN_TABLE)
		kind = "a foreign table";
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
	" CASE pg_catalog.current_setting('session_replication_role') WHEN 'replica' THEN 'R' ELSE 'O' END)"
	" ORDER BY 1 LIMIT 1",
	2, {OIDOID, BOOLOID}
};

/* Raise an error if the relation has a rule that prevents a backfill. */
static void
check_rules(Oid relation, bool by_key)
{
	char	   *rule = cmig_query_value(&instead_rule, relation, !by_key);

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
check_privileges(const CmigBackfillTarget *target, const char *name)
{
	CmigQuery	query = {.users_text = true};

	query.sql = psprintf("EXPLAIN (COSTS OFF) UPDATE ONLY %s SET %s\n WHERE (%s\n)", name,
						 target->set_sql, target->where_sql ? target->where_sql : "true");
	cmig_query_run(&query, NULL, NULL);
	cmig_query_free(&query);
}

/*
 * Raise an error if set_sql sets a column of the partition key, because rows
 * cannot move between partitions that are updated separately.
 */
static void
check_partition_key(Oid relation, List *columns)
{
	Relation	rel = relation_open(relation, AccessShareLock);
	PartitionKey key = RelationGetPartitionKey(rel);

	for (int i = 0; i < key->partnatts; i++)
	{
		char	   *name;

		if (key->partattrs[i] == 0)
			continue;
		name = get_attname(relation, key->partattrs[i], false);
		if (cmig_text_list_has(columns, name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("set_sql must not change column \"%s\" of the partition key", name),
					 errhint("Move the rows with INSERT and DELETE.")));
	}
	relation_close(rel, AccessShareLock);
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
	" JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc JOIN pg_catalog.pg_roles r ON r.oid = p.proowner"
	" WHERE (c.castsource = $1 OR c.casttarget = $1) AND NOT r.rolsuper AND r.rolname <> current_user"
	" ORDER BY 1 LIMIT 1",
	1, {OIDOID}
};

/*
 * Returns true if the table can be walked in the order of the index.  If it
 * could be walked except for a cast, sets *obstacle to a sentence that
 * describes the cast.
 */
static bool
is_usable_key(Relation index, Relation table, char **obstacle)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisunique || !form->indimmediate ||
		!form->indisvalid || !form->indisready ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		AttrNumber	column = form->indkey.values[i];

		if (column <= 0 || index->rd_indoption[i] != 0 ||
			!cmig_not_null_compat(table->rd_att, column - 1))
			return false;
	}
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		Oid			type = getBaseType(TupleDescAttr(table->rd_att, form->indkey.values[i] - 1)->atttypid);
		char	   *cast;

		/* skip built-in types, for which only superusers can create casts */
		cast = type >= FirstNormalObjectId ? cmig_query_value(&foreign_cast, type) : NULL;
		if (cast == NULL)
			continue;
		*obstacle = psprintf("A cast of the key's type calls function %s, which belongs to another role.", cast);
		return false;
	}
	return true;
}

/*
 * Returns the operator for "strategy", such as "greater than", that agrees with
 * ORDER BY for the index columns.  Its name is qualified, so it does not depend
 * on search_path.  However, a row comparison can have only one operator.  If
 * the columns need different operators, returns "usual", an unqualified name
 * that is looked up in search_path.
 */
static char *
operator_of(Relation index, Relation table, int strategy, const char *usual)
{
	char	   *result = NULL;

	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		Oid			column = TupleDescAttr(table->rd_att, index->rd_index->indkey.values[i] - 1)->atttypid;
		TypeCacheEntry *type = lookup_type_cache(getBaseType(column), TYPECACHE_BTREE_OPFAMILY);
		HeapTuple	tuple = SearchSysCache1(OPEROID,
											ObjectIdGetDatum(get_opfamily_member(type->btree_opf, type->btree_opintype,
																				 type->btree_opintype, strategy)));
		Form_pg_operator form;
		char	   *name;

		if (!HeapTupleIsValid(tuple))
			return pstrdup(usual);
		form = (Form_pg_operator) GETSTRUCT(tuple);
		name = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)),
						NameStr(form->oprname));
		ReleaseSysCache(tuple);
		if (result && strcmp(result, name) != 0)
			return pstrdup(usual);
		result = name;
	}
	return result;
}

/*
 * Find the primary key or another usable key.  Returns false if there is none.
 * If a cast makes a key unusable, sets *obstacle to a description of the cast.
 */
static bool
find_key(Oid relation, CmigBackfillKey *key, char **obstacle)
{
	Relation	table = relation_open(relation, AccessShareLock);
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *lc;

	key->count = 0;
	foreach(lc, indexes)
	{
		Relation	index = relation_open(lfirst_oid(lc), AccessShareLock);

		if (is_usable_key(index, table, obstacle) &&
			(key->count == 0 || index->rd_index->indisprimary))
		{
			key->count = index->rd_index->indnkeyatts;
			key->columns = palloc(sizeof(char *) * key->count);
			key->types = palloc(sizeof(char *) * key->count);
			key->greater = operator_of(index, table, BTGreaterStrategyNumber, ">");
			key->not_greater = operator_of(index, table, BTLessEqualStrategyNumber, "<=");
			for (int i = 0; i < key->count; i++)
			{
				Form_pg_attribute column = TupleDescAttr(table->rd_att,
														 index->rd_index->indkey.values[i] - 1);

				/*
				 * cast to the base type, because a domain's constraints need
				 * not be checked
				 */
				key->columns[i] = pstrdup(NameStr(column->attname));
				key->types[i] = format_type_extended(getBaseType(column->atttypid), -1,
													 FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
			}
		}
		relation_close(index, AccessShareLock);
	}
	relation_close(table, AccessShareLock);
	return key->count > 0;
}

/*
 * Set the key by which to walk a part.  Raises an error if the part has no
 * usable key, or if the backfill sets one of the key's columns.  "copies" is
 * true if there is a filter, so that the only reason for the walk by key is that
 * Citus keeps copies of shards.
 */
static void
choose_key(CmigBackfillPart *part, List *columns, bool copies)
{
	static const char *const hints[] = {
		"Specify a where_sql that is true for the rows that remain to be updated",
		"Use a plain UPDATE command, which Citus runs on all copies."
	};
	char	   *obstacle = NULL;

	if (!find_key(part->oid, &part->key, &obstacle))
		ereport(ERROR,
				(errcode(copies ? ERRCODE_FEATURE_NOT_SUPPORTED : ERRCODE_INVALID_PARAMETER_VALUE),
				 obstacle ? errmsg("cannot backfill table %s in the order of its key", part->name) :
				 errmsg("table %s has no primary key", part->name),
				 obstacle ? errdetail("%s", obstacle) : copies ?
				 errdetail("Its shards have copies on several nodes, so it is updated in the order of a key.") :
				 errdetail("Without where_sql, a key is required to determine which rows are done. A unique index on NOT NULL columns is sufficient."),
				 copies ? errhint("%s", hints[1]) : errhint("%s, such as new_column IS NULL.", hints[0])));
	for (int i = 0; i < part->key.count; i++)
	{
		char	   *name = part->key.columns[i];

		if (cmig_text_list_has(columns, name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 copies ? errmsg("set_sql must not change the key of table %s", part->name) :
					 errmsg("set_sql must not change column \"%s\" of the key", name),
					 copies ?
					 errdetail("Its shards have copies on several nodes, so it is updated in the order of a key.") :
					 errdetail("Without where_sql, table %s is updated in the order of that key.",
							   part->name),
					 copies ? errhint("%s", hints[1]) : errhint("%s.", hints[0])));
		part->key.columns[i] = quoted(NULL, name);
	}
}

/* A qsort comparator: by name. */
static int
compare_parts(const void *a, const void *b)
{
	return strcmp(((const CmigBackfillPart *) a)->name, ((const CmigBackfillPart *) b)->name);
}

CmigBackfillTarget *
cmig_backfill_target_check(Oid table, const char *set_sql, const char *where_sql)
{
	CmigBackfillTarget *target = palloc0(sizeof(CmigBackfillTarget));
	List	   *relations;
	ListCell   *lc;

	LockRelationOid(table, AccessShareLock);
	check_kind(table);
	cmig_local_rows_require(table, true, "cmig.backfill", NULL);
	target->oid = table;
	target->name = cmig_backfill_target_name(table);
	target->set_sql = set_sql;
	target->where_sql = where_sql;

	(void) check_set(target->name, set_sql);
	if (where_sql != NULL)
		check_where(where_sql);
	target->columns = analyze(target);

	relations = find_all_inheritors(table, AccessShareLock, NULL);
	target->by_key = where_sql == NULL;
	foreach(lc, relations)
		target->by_key |= cmig_citus_manages(lfirst_oid(lc)) && cmig_citus_has_copies(lfirst_oid(lc));
	target->parts = palloc0(sizeof(CmigBackfillPart) * list_length(relations));
	foreach(lc, relations)
	{
		Oid			relation = lfirst_oid(lc);
		CmigBackfillPart *part = &target->parts[target->count];

		check_kind(relation);
		check_rules(relation, target->by_key);
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
			psprintf("%s AS %s", part->name, quote_identifier(get_rel_name(table)));
		part->shards = cmig_citus_manages(relation) ? cmig_citus_shards(relation) : 0;
		if (part->shards == 0)
			check_privileges(target, part->updated);

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
		check_privileges(target, target->name);
	qsort(target->parts, target->count, sizeof(CmigBackfillPart), compare_parts);
	return target;
}

bool
cmig_backfill_target_sets_same(const CmigBackfillTarget *target, const char *set_sql)
{
	UpdateStmt *update = check_set(target->name, set_sql);
	ListCell   *lc;

	foreach(lc, update->targetList)
	{
		if (cmig_text_list_has(target->columns, lfirst_node(ResTarget, lc)->name))
			return true;
	}
	return false;
}
