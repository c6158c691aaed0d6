/*
 * drift.c
 *	  cmig.scope_drift, which finds scopes whose schema differs from the schema
 *	  of most other scopes.
 *
 * Scopes that have the same version rows form a group.  Scopes of a group with
 * the same digest (see digest.c) are equal.  If a group has several digests,
 * one scope for each is compared by the SQL that creates its schema, without
 * the scope's name, because scopes with different digests might also be equal.
 * The most frequent SQL in a group is considered correct, and each scope with
 * different SQL is compared with a scope that has the correct SQL.
 *
 * Copyright (c) 2026, the pg_cmig developers
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"

#include "scope/internal.h"
#include "store/store.h"

PG_FUNCTION_INFO_V1(cmig_scope_drift);

/*
 * The differences of the scopes $1, whose version rows are $2 and whose digests
 * are $3.  In the SQL that creates a schema, the scope's name is replaced
 * wherever it is an identifier, so that the hashes of equal schemas are equal.
 */
static CmigQuery drift_query = {
	.sql = "WITH scope AS MATERIALIZED ("
	"  SELECT s.name COLLATE \"C\" AS name, s.rows COLLATE \"C\" AS rows, s.digest"
	" FROM unnest($1, $2, $3) s(name, rows, digest)),"
	" mixed AS (SELECT rows FROM scope GROUP BY rows HAVING min(digest) <> max(digest)),"
	" sample AS MATERIALIZED (SELECT rows, digest, min(name) AS name FROM scope"
	" JOIN mixed USING (rows) GROUP BY rows, digest),"
	" hashed AS MATERIALIZED (SELECT rows, digest,"
	"   md5(regexp_replace(cmig.schema_sql(ARRAY[name], owners => $4, privileges => $5, comments => $6),"
	"    '(?<![[:alnum:]_$\"])' || regexp_replace(quote_ident(name), '([^[:alnum:]_])', '\\\\\\1', 'g')"
	"    || '(?![[:alnum:]_$\"])', '<scope>', 'g')) AS hash FROM sample),"
	" compared AS (SELECT rows, name, hash FROM scope JOIN hashed USING (rows, digest)),"
	" correct AS (SELECT DISTINCT ON (rows) rows, min(name) AS name, hash FROM compared"
	" GROUP BY rows, hash"
	"  ORDER BY rows, count(*) DESC, min(name)),"
	" differing AS MATERIALIZED (SELECT c.rows, c.name, r.name AS correct FROM compared c"
	" JOIN correct r USING (rows)"
	"  WHERE c.hash <> r.hash)"
	" SELECT f.name, f.correct, d.step, d.kind, d.object, d.upgrade_sql, d.downgrade_sql, d.hazard"
	" FROM differing f,"
	" LATERAL cmig.diff_schemas(f.name, f.correct, owners => $4, privileges => $5, comments => $6) d"
	" ORDER BY f.rows, f.name, d.step",
	.argtypes = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, BOOLOID, BOOLOID, BOOLOID}
};

CMIG_READER(cmig_scope_drift)
{
	CmigScopeOptions options;
	CmigNames	names = {0};
	CmigNames	rows = {0};
	CmigNames	digests = {0};
	List	   *items = cmig_scope_list(NULL);
	Size		size = sizeof(char *) * Max((Size) list_length(items), 1);
	Datum		values[6];
	List	   *expanded = NIL;

	InitMaterializedSRF(fcinfo, 0);
	options.owners = cmig_argument_bool(fcinfo, 0, false);
	options.privileges = cmig_argument_bool(fcinfo, 1, true);
	options.comments = cmig_argument_bool(fcinfo, 2, true);
	names.names = palloc_extended(size, MCXT_ALLOC_HUGE);
	rows.names = palloc_extended(size, MCXT_ALLOC_HUGE);
	foreach_ptr(CmigValue, row, cmig_expansion_schemas())
		expanded = lappend(expanded, row[0]);
	foreach_ptr(const CmigScopeItem, item, items)
	{
		if (!item->exists || item->rows[0] == '\0' || cmig_text_list_has(expanded, item->name))
			continue;
		names.names[names.count++] = item->name;
		rows.names[rows.count++] = item->rows;
	}
	digests.count = names.count;
	digests.names = cmig_scope_digests((const char *const *) names.names, names.count, &options);
	/* a scope without a digest is compared by its SQL */
	for (int i = 0; i < digests.count; i++)
		if (digests.names[i] == NULL)
			digests.names[i] = psprintf("of %s", names.names[i]);
	values[0] = cmig_names_datum(&names);
	values[1] = cmig_names_datum(&rows);
	values[2] = cmig_names_datum(&digests);
	values[3] = BoolGetDatum(options.owners);
	values[4] = BoolGetDatum(options.privileges);
	values[5] = BoolGetDatum(options.comments);
	cmig_query_each(&drift_query, values, NULL, cmig_query_return_row, fcinfo->resultinfo);
	return (Datum) 0;
}
