/*
 * replicated.c
 *	  Publications and subscriptions of expanded tables, and Citus.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "base/errors.h"
#include "versions/internal.h"
#include "versions/versions.h"

/* Why a table cannot be expanded or contracted. */
typedef struct Problem
{
	const char *table;
	const char *because;		/* of what */
	const char *detail;
	const char *hint;
} Problem;

static void
refuse(const Problem *problem, const char *verb)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("table %s cannot be %s because of %s", problem->table, verb, problem->because),
			 errdetail("%s", problem->detail),
			 cmig_hint("%s", problem->hint)));
}

/*
 * Returns the problem if a subscription has to compare whole rows to find the one
 * that was updated or deleted, or NULL.  The publisher does not send hidden columns,
 * so no row would be found, and the server would not report that.
 */
static const Problem *
find_subscription(Oid relation)
{
	static CmigQuery query = {
		"SELECT quote_ident(u.subname), $1::regclass FROM pg_subscription_rel s JOIN pg_subscription u"
		" ON u.oid = s.srsubid WHERE s.srrelid = $1"
		" OR s.srrelid IN (SELECT relid FROM pg_partition_ancestors($1)) LIMIT 1", {OIDOID}
	};

	foreach_oid(oid, cmig_inheritors(relation, AccessShareLock))
	{
		Relation	rel = relation_open(oid, NoLock);
		bool		whole = rel->rd_rel->relkind == RELKIND_RELATION &&
		!OidIsValid(RelationGetReplicaIndex(rel)) && !OidIsValid(rel->rd_pkindex);
		char	  **row;

		relation_close(rel, NoLock);
		row = whole ? cmig_query_row(&query, oid) : NULL;
		if (row != NULL)
		{
			Problem    *problem = palloc(sizeof(Problem));

			problem->table = row[1];
			problem->because = psprintf("subscription \"%s\"", row[0]);
			problem->detail = "It has neither a primary key nor an index that is its replica"
				" identity. Therefore, the subscription finds rows to be updated or deleted by all"
				" of their columns, but the publisher does not send the hidden ones.";
			problem->hint = psprintf("ALTER TABLE %s ADD PRIMARY KEY (...)", row[1]);
			return problem;
		}
	}
	return NULL;
}

/* To be filled, no table may publish updates without a replica identity that is published. */
static void
require_identity(Oid relation)
{
	foreach_oid(oid, cmig_inheritors(relation, AccessShareLock))
	{
		Relation	rel = relation_open(oid, NoLock);

		CheckCmdReplicaIdentity(rel, CMD_UPDATE);
		relation_close(rel, NoLock);
	}
}

/*
 * Returns the problem if the table is published with all of its columns, which are
 * not those that it has in the end, or NULL.
 */
static const Problem *
find_publication(Oid relation, const char *name, const char *otherwise)
{
	/*
	 * The statements that give the table a list of columns, or no longer
	 * publish it, and keep the rest, without a moment between them in which a
	 * change is not sent.  With a list, the whole row cannot be the replica
	 * identity, and a partitioned table must be published as a whole.
	 */
	static CmigQuery query = {
		.sql = "WITH tree (oid) AS (SELECT $2 UNION SELECT relid FROM pg_partition_tree($2))"
		" SELECT p.pubname, c.oid::regclass, CASE WHEN p.puballtables OR EXISTS (SELECT"
		" FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)"
		"  THEN format('BEGIN; DROP PUBLICATION %1$I; CREATE PUBLICATION %1$I%2$s WITH (publish = %3$L, publish_via_partition_root = %4$s); COMMIT',"
		"   p.pubname, (SELECT ' FOR TABLE ' || string_agg(format('%I.%I', x.schemaname, x.tablename) || CASE WHEN t.oid IS NOT NULL"
		"     THEN format(' (%s)', l.columns) ELSE '' END || coalesce(' WHERE (' || x.rowfilter || ')', ''), ', ' ORDER BY x.schemaname, x.tablename)"
		"    FROM pg_publication_tables x LEFT"
		" JOIN (tree t JOIN pg_class tc USING (oid) JOIN pg_namespace tn ON tn.oid = tc.relnamespace)"
		" ON tn.nspname = x.schemaname AND tc.relname = x.tablename"
		" WHERE x.pubname = p.pubname AND (t.oid IS NULL OR NOT k.whole)),"
		"   concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate"
		" THEN 'update' END,"
		"     CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate"
		" THEN 'truncate' END), p.pubviaroot::text)"
		"  WHEN k.whole THEN format('ALTER PUBLICATION %I DROP TABLE %s', p.pubname, c.oid::regclass)"
		"  ELSE format('BEGIN; ALTER PUBLICATION %1$I DROP TABLE %2$s; ALTER PUBLICATION %1$I ADD TABLE %2$s (%3$s)%4$s; COMMIT', p.pubname, c.oid::regclass, l.columns,"
		"   (SELECT format(' WHERE (%s)', pg_get_expr(r.prqual, r.prrelid))"
		" FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid"
		" AND r.prqual IS NOT NULL)) END, k.whole"
		" FROM tree JOIN pg_class c USING (oid) CROSS JOIN pg_publication p CROSS JOIN LATERAL"
		"  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns"
		" FROM pg_attribute a"
		"   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
		" AND a.attgenerated = '' AND a.attname <> '" CMIG_STATE_COLUMN "'"
		"   AND NOT EXISTS (SELECT FROM cmig.expansion_run e, jsonb_array_elements(e.columns) h"
		"    WHERE h->>0 = $1 AND h->>5 = a.attname::text)) l"
		" CROSS JOIN LATERAL (SELECT ((p.pubupdate OR p.pubdelete) AND c.relreplident = 'f')"
		" OR (c.relkind = 'p' AND NOT p.pubviaroot) AS whole) k"
		" WHERE p.puballtables"
		"  OR EXISTS (SELECT FROM pg_publication_namespace s WHERE s.pnpubid = p.oid"
		" AND s.pnnspid = c.relnamespace)"
		"  OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid"
		" AND r.prrelid = c.oid AND r.prattrs IS NULL) ORDER BY 1",
		.argtypes = {TEXTOID, OIDOID}
	};
	char	  **row = cmig_query_row(&query, name, relation);
	Problem    *problem;

	if (row == NULL)
		return NULL;
	problem = palloc(sizeof(Problem));
	problem->table = row[1];
	problem->because = psprintf("publication \"%s\"", row[0]);
	problem->detail = *row[3] == 't' ?
		"Subscribers do not have the hidden columns, and the table cannot be published with a"
		" list of columns. Publish it again after the contraction, and only when each subscriber"
		" has refreshed its subscription, applied the revision, and emptied the table: it does"
		" not get what is written before that." :
		psprintf("It must have a list of columns: %s.", otherwise);
	problem->hint = row[2];
	return problem;
}

void
cmig_versions_require_unreplicated(CmigPlanning *p)
{
	foreach_ptr(const CmigVersionTable, table, p->tables)
	{
		RangeVar   *name = makeRangeVar(table->a->schema, table->a->name, -1);
		const Problem *problem;
		Oid			relation;

		/* which another session may have locked */
		if (!table->hides && !table->viewed)
			continue;
		relation = RangeVarGetRelid(name, AccessShareLock, false);
		problem = table->hides ? find_subscription(relation) : NULL;
		if (table->filled && table->viewed)
			require_identity(relation);
		if (problem == NULL && table->viewed)
			problem = find_publication(relation, table->a->qualified,
									   "subscribers do not have the hidden columns");
		if (problem != NULL)
			refuse(problem, "expanded");
	}
}

/*
 * Returns the problem if Citus manages the table, or NULL.  Its shards do not have the
 * triggers of the expansion, and it does not let views be written.
 */
static const Problem *
find_citus(Oid relation, const char *name)
{
	const char *storage = cmig_citus_storage(relation);
	Problem    *problem;

	if (storage == NULL)
		return NULL;
	problem = palloc(sizeof(Problem));
	problem->table = name;
	problem->because = "Citus";
	problem->detail = "Citus began to manage it, so neither version can be written.";

	/*
	 * on other tables than local ones, triggers can be dropped only with this
	 * setting
	 */
	problem->hint = *storage == 'l' ? "`CALL cmig.abandon()`" :
		"SET citus.enable_unsafe_triggers = on; `CALL cmig.abandon()`";
	return problem;
}

/*
 * Returns the problems of expanded tables that were published, subscribed to, or given to
 * Citus since then, as a List of Problem.
 */
static List *
problems_of(const CmigExpansion *expansion)
{
	static CmigQuery tables = {
		/* the caller may not use the schema */
		"SELECT DISTINCT c->>0, k.oid FROM cmig.expansion_run e, jsonb_array_elements(e.columns) c,"
		" pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace WHERE e.scope = $1"
		" AND c->>1 <> '' AND c->>0 = format('%I.%I', n.nspname, k.relname)"
		" AND k.relkind IN ('r', 'p') ORDER BY 1", {TEXTOID}
	};
	List	   *problems = NIL;

	foreach_ptr(CmigValue, table, cmig_query_list(&tables, expansion->scope))
	{
		/* this one locks the table before its partitions */
		const Problem *subscription = find_subscription(atooid(table[1]));
		const Problem *publication = find_publication(atooid(table[1]), table[0],
													  "a subscriber would keep the values of"
													  " columns that the contraction replaces");
		const Problem *citus = find_citus(atooid(table[1]), table[0]);

		if (citus != NULL)
			problems = lappend(problems, unconstify(Problem *, citus));
		if (publication != NULL)
			problems = lappend(problems, unconstify(Problem *, publication));
		if (subscription != NULL)
			problems = lappend(problems, unconstify(Problem *, subscription));
	}
	return problems;
}

List *
cmig_versions_replication_problems(const CmigExpansion *expansion)
{
	List	   *rows = NIL;

	foreach_ptr(const Problem, problem, problems_of(expansion))
	{
		const char *row[] = {"error", psprintf("table %s", problem->table),
			psprintf("while revision \"%s\" is expanded, %s is in the way of it. %s",
					 expansion->revision, problem->because, problem->detail),
		problem->hint};

		rows = lappend(rows, memcpy(palloc(sizeof(row)), row, sizeof(row)));
	}
	return rows;
}

/*
 * Returns rows for the columns that are published, and that the contraction drops: the
 * publication, the table, the column, what follows the table's name to publish it again, and
 * the publication's name without quotes.
 */
static List *
columns_to_resync(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		/*
		 * the last column keeps back what is not published: other columns
		 * than hidden ones, and rows
		 */
		"SELECT quote_ident(p.pubname), r.prrelid::regclass, quote_ident(a.attname),"
		" (SELECT CASE WHEN NOT bool_and(y.listed) THEN format(' (%s)', string_agg(y.name, ', '"
		" ORDER BY y.attnum) FILTER (WHERE y.listed)) ELSE '' END FROM ("
		"  SELECT x.attnum, x.attnum = ANY (r.prattrs::int2[]), quote_ident(CASE WHEN k.k IS NULL"
		" THEN x.attname::text WHEN k.k->>2 <> 'drop' THEN k.k->>4 END)"
		"   FROM pg_attribute x LEFT JOIN jsonb_array_elements(e.columns) k (k) ON k.k->>0 = c->>0"
		" AND k.k->>3 = x.attname::text"
		"   WHERE x.attrelid = t.oid AND x.attnum > 0 AND NOT x.attisdropped AND x.attgenerated = '' AND x.attname <> '" CMIG_STATE_COLUMN "'"
		"   AND NOT EXISTS (SELECT FROM jsonb_array_elements(e.columns) h WHERE h->>0 = c->>0"
		" AND h->>5 = x.attname::text)) y (attnum, listed, name))"
		"  || coalesce(' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')', ''), p.pubname"
		" FROM cmig.expansion_run e, jsonb_array_elements(e.columns) c,"
		" LATERAL (SELECT " CMIG_RELATION_NAMED("(c->>0)") " UNION SELECT relid"
		" FROM pg_partition_tree(" CMIG_RELATION_NAMED("(c->>0)") ")) t (oid)"
		" JOIN pg_attribute a ON a.attrelid = t.oid AND NOT a.attisdropped"
		" JOIN pg_publication_rel r ON r.prrelid = t.oid JOIN pg_publication p ON p.oid = r.prpubid"
		" WHERE e.scope = $1 AND c->>2 IN ('change', 'drop') AND a.attname::text = c->>3"
		" AND EXISTS (SELECT FROM pg_depend d"
		"  WHERE d.classid = 'pg_publication_rel'::regclass AND d.objid = r.oid"
		" AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum) ORDER BY 1, 2, 3", {TEXTOID}
	};

	return cmig_query_list(&query, expansion->scope);
}

/*
 * Returns in which order the contraction and what the rows ask for are done: with all
 * tables at once, because the lists and conditions are not found any more after it.
 */
static char *
order_of_resync(const CmigExpansion *expansion, const List *rows)
{
	StringInfoData drop;
	StringInfoData add;
	StringInfoData tables;
	const CmigValue *last = NULL;
	List	   *named = NIL;

	initStringInfo(&drop);
	initStringInfo(&add);
	initStringInfo(&tables);
	foreach_ptr(CmigValue, row, rows)
	{
		if (last != NULL && strcmp(last[0], row[0]) == 0 && strcmp(last[1], row[1]) == 0)
			continue;
		last = row;
		appendStringInfo(&drop, "ALTER PUBLICATION %s DROP TABLE %s; ", row[0], row[1]);
		appendStringInfo(&add, "ALTER PUBLICATION %s ADD TABLE %s%s; ", row[0], row[1], row[3]);
		if (!list_member(named, makeString(row[1])))
			appendStringInfo(&tables, "%s%s", named ? ", " : "", row[1]);
		named = list_append_unique(named, makeString(row[1]));
	}
	return psprintf("In this order: here, %sSELECT cmig.wait_for_replicas(); `CALL cmig.contract()`; then, on each subscriber, ALTER SUBSCRIPTION <name> REFRESH PUBLICATION; apply revision \"%s\"; TRUNCATE %s; then here, %sand on each subscriber, ALTER SUBSCRIPTION <name> REFRESH PUBLICATION",
					drop.data, expansion->revision, tables.data, add.data);
}

char *
cmig_versions_resync_fix(const CmigExpansion *expansion, const char *object)
{
	List	   *rows = columns_to_resync(expansion);

	foreach_ptr(CmigValue, row, rows)
	{
		/* the server does not quote the name there */
		if (strcmp(object, psprintf("publication relation %s in publication %s", row[1],
									row[4])) == 0)
			return order_of_resync(expansion, rows);
	}
	return NULL;
}

void
cmig_versions_require_resync(const CmigExpansion *expansion)
{
	List	   *rows;

	/* a subscriber would keep the values of columns that are replaced */
	foreach_ptr(const Problem, problem, problems_of(expansion))
		refuse(problem, "contracted");
	rows = columns_to_resync(expansion);
	foreach_ptr(CmigValue, row, rows)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table %s cannot be contracted because of publication \"%s\"", row[1],
						row[0]),
				 errdetail("It publishes column %s, which the contraction drops. After it, subscribers need the new columns, and all rows again.", row[2]),
				 cmig_hint("%s", order_of_resync(expansion, rows))));
}
