/*
 * refused.c
 *	  The stored steps, verified, and what a contraction would refuse.
 *
 * cmig.check() asks for what cmig.contract() asks for, with the same functions, so that
 * the one does not say that all is well if the other fails.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/errors.h"
#include "versions/internal.h"

/* The argument of the callbacks below. */
typedef struct Reading
{
	const CmigExpansion *expansion;
	bool		roles;			/* whose statements may run? */
	List	   *steps;
} Reading;

/* Callback: read the steps. */
static void
read_all(void *arg)
{
	Reading    *reading = arg;
	const CmigExpansion *expansion = reading->expansion;
	static CmigQuery query = {
		CMIG_STEPS "scope = $1 ORDER BY s.position", {TEXTOID}
	};
	static CmigQuery roles = {
		"SELECT DISTINCT role FROM cmig.expansion_step WHERE scope = $1", {TEXTOID}
	};
	static CmigQuery changed = {
		"SELECT concat(c.c, '-', split_part(r.checksum, '-', 2)) FROM cmig.expansion_run r,"
		" (SELECT coalesce(md5(string_agg(format('%s %s %s %s', s.position, s.phase, s.relation,"
		"   s.statement), chr(10) ORDER BY s.position)), '')"
		"  FROM cmig.expansion_step s WHERE s.scope = $1) c(c)"
		" WHERE r.scope = $1 AND split_part(r.checksum, '-', 1) IS DISTINCT FROM c.c", {TEXTOID}
	};
	char	   *checksum;

	reading->steps = cmig_query_list(&query, expansion->scope);
	foreach_ptr(CmigValue, row, reading->roles ? cmig_query_list(&roles, expansion->scope) : NIL)
		cmig_versions_require_role(expansion, row[0]);
	checksum = cmig_query_value(&changed, expansion->scope);
	if (checksum != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the stored statements of the expansion of revision \"%s\" were changed",
						expansion->revision),
				 errdetail("Rows of cmig.expansion_step were added, changed, or deleted. The tables could end in the shape of neither version."),
				 errhint("Restore the rows. If the statements are right: UPDATE cmig.expansion_run SET checksum = %s WHERE scope = %s",
						 quote_literal_cstr(checksum), quote_literal_cstr(expansion->scope))));
}

List *
cmig_versions_read_steps(const CmigExpansion *expansion, bool roles)
{
	Reading		reading = {.expansion = expansion,.roles = roles};

	cmig_query_at_once(true, read_all, &reading);
	return reading.steps;
}

/* Raise an error if a view of the version has a column that its table will not have. */
static void
require_views(const CmigExpansion *expansion)
{
	static CmigQuery query = {
		"WITH c AS (SELECT c->>0 AS relation, c->>1 AS version, c->>3 AS old, c->>4 AS new,"
		"  c->>5 AS hidden FROM cmig.expansion_run r, jsonb_array_elements(r.columns) c"
		"  WHERE r.scope = $1 AND c->>0 <> '' AND c->>1 <> ''),"
		" v AS (SELECT c.*, k.oid AS view, k.relkind FROM (SELECT DISTINCT relation, version,"
		"   " CMIG_RELATION_NAMED("relation") " AS id FROM c) c"
		"  JOIN pg_class k ON k.oid = " CMIG_RELATION_NAMED("c.version") "),"
		" n AS (SELECT v.view, a.attname::text AS name, a.atttypid FROM v"
		"  JOIN pg_attribute a ON a.attrelid = v.id AND NOT a.attisdropped"
		"  WHERE NOT EXISTS (SELECT FROM c WHERE c.version = v.version"
		"   AND a.attname::text IN (c.old, c.hidden))"
		"  UNION ALL SELECT v.view, c.new, a.atttypid FROM v JOIN c USING (version)"
		"  JOIN pg_attribute a ON a.attrelid = v.id AND NOT a.attisdropped"
		"   AND a.attname::text = coalesce(c.hidden, c.old))"
		" SELECT v.version, v.relkind <> 'v', a.attname FROM v"
		" LEFT JOIN pg_attribute a ON a.attrelid = v.view AND a.attnum > 0 AND NOT a.attisdropped"
		" WHERE v.relkind <> 'v' OR (a.attname::text, a.atttypid) NOT IN"
		"  (SELECT n.name, n.atttypid FROM n WHERE n.view = v.view AND n.name IS NOT NULL)"
		" ORDER BY 1, 3 LIMIT 1", {TEXTOID}
	};
	char	  **row = cmig_query_row(&query, expansion->scope);

	if (row == NULL)
		return;
	if (*row[1] == 't')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s is not a view", row[0]),
				 errdetail("The view of the new version was replaced."),
				 cmig_hint("Move it to another schema, then `CALL cmig.abandon()`")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column %s of view %s would be missing after the contraction",
					quote_identifier(row[2]), row[0]),
			 errdetail("The view was replaced or altered, or a column of the table was."),
			 cmig_hint("`CALL cmig.abandon()`")));
}

/* Subtransaction callback: what needs no privileges of those who stored the steps. */
static void
require_objects(void *arg)
{
	const CmigExpansion *expansion = arg;
	List	   *steps = cmig_versions_read_steps(expansion, false);
	List	   *relations = NIL;

	foreach_ptr(CmigValue, step, steps)
	{
		if (strcmp(step[1], CMIG_PHASE_FILL) == 0 && !cmig_text_list_has(relations, step[2]))
			relations = lappend(relations, step[2]);
	}
	cmig_versions_require_partitions(relations, expansion->revision);
	foreach_ptr(const char, relation, relations)
		cmig_versions_require_triggers(expansion, steps, relation, "");
	require_views(expansion);
}

/* Subtransaction callback: what analyzes their statements. */
static void
require_constraints(void *arg)
{
	const CmigExpansion *expansion = arg;
	List	   *steps = cmig_versions_read_steps(expansion, true);

	cmig_versions_require_constraints(expansion, GetUserId(), steps, NULL);
}

/* The argument of find_unbuilt(), and what it has found. */
typedef struct Unbuilt
{
	const CmigExpansion *expansion;
	char	   *error;
} Unbuilt;

/* Subtransaction callback: find an index or constraint that a contraction would build again. */
static void
find_unbuilt(void *arg)
{
	Unbuilt    *unbuilt = arg;
	const char *hint;

	unbuilt->error = cmig_versions_unbuilt(cmig_versions_read_steps(unbuilt->expansion, false),
										   false, NoLock, &hint);
}

List *
cmig_versions_refused_problems(const CmigExpansion *expansion)
{
	const CmigSubtransactionWork work[] = {require_objects, require_constraints, find_unbuilt};
	Unbuilt		unbuilt = {.expansion = expansion};

	if (strcmp(expansion->state, "expanded") != 0 && strcmp(expansion->state, "contracting") != 0)
		return NIL;
	for (int i = 0; i < lengthof(work); i++)
	{
		ErrorData  *error = cmig_subtransaction_rehearse(work[i], work[i] == find_unbuilt ?
														 (void *) &unbuilt :
														 unconstify(CmigExpansion *, expansion));
		const char *problem[] = {"error", "expansion", NULL, NULL};

		if (error == NULL || error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
			continue;
		if (cmig_subtransaction_must_rethrow(error) ||
			error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
			ReThrowError(error);
		problem[2] = psprintf("cmig.contract() would fail: %s", error->message);
		problem[3] = error->hint;
		return list_make1(memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
	}
	if (unbuilt.error != NULL)
	{
		const char *problem[] = {
			"warning", "expansion", psprintf("%s, and revision \"%s\" needs it", unbuilt.error,
											 expansion->revision),
			psprintf("`CALL cmig.expand(%s)`", quote_literal_cstr(expansion->revision))
		};

		return list_make1(memcpy(palloc(sizeof(problem)), problem, sizeof(problem)));
	}
	return NIL;
}
